//! What a daemon says of itself when it starts, and what hosts and ports tell of themselves.

use std::net::{Ipv6Addr, SocketAddr};

use serde_json::json;

use super::options::OSC_ADDRESS;
use super::say::Voice;
use crate::host::HostEvent;
use crate::midi::PortEvent;
use crate::osc::Server;
use crate::osc::allow::Allow;
use crate::patch::Patch;

/// What plays, and the remarks on it. `[control]`
pub fn started(voice: &Voice, patch: &str, slot: &str, rate: u32) {
    let text = format!("rackd {} plays {patch} as /{slot}", env!("CARGO_PKG_VERSION"));
    voice.event("started", json!({ "patch": patch, "slot": slot, "rate": rate }), &text);
}

/// That there is no sound because none was asked for. `[control]`
pub fn silent(voice: &Voice) {
    voice.event("silent", json!({}), "  sound  none, as asked: the silent clock runs, with the same timing");
}

/// Where it listens, and who is heard from other computers. The first event tells all that is no datagram. `[control]`
pub fn listening(voice: &Voice, osc: &Server, allow: &Allow) {
    let tcp: Vec<String> = osc.tcp().iter().map(SocketAddr::to_string).collect();
    let unix = osc.unix().map(|path| path.display().to_string());
    let datagrams = osc.addresses();
    let mut lines: Vec<String> = datagrams.iter().map(|at| format!("{at} (UDP)")).collect();
    lines.extend(tcp.iter().map(|at| format!("{at} (TCP, WebSocket)")));
    lines.extend(unix.iter().map(|path| format!("unix:{path}")));
    if datagrams.iter().chain(osc.tcp()).any(|at| !at.ip().is_loopback()) {
        lines.push(format!("other computers may play too: {allow}"));
    }
    let first = datagrams.first().map(SocketAddr::to_string);
    let text = format!("  OSC    {}", lines.join("\n         "));
    voice.event("listening", json!({ "osc": first, "tcp": tcp, "unix": unix }), &text);
    for at in datagrams.iter().skip(1) {
        voice.event("listening", json!({ "osc": at.to_string() }), "");
    }
}

/// What can be tried. `[control]`
pub fn to_try(voice: &Voice, at: SocketAddr, slot: &str, patch: &Patch) {
    let at = match at.ip() {
        ip if ip.is_unspecified() => {
            SocketAddr::new(if ip.is_ipv4() { [127, 0, 0, 1].into() } else { Ipv6Addr::LOCALHOST.into() }, at.port())
        }
        _ => at,
    };
    let to = if at.to_string() == OSC_ADDRESS { String::new() } else { format!("--to {at} ") };
    let mut commands = Vec::new();
    if patch.note.is_some() {
        commands.push(format!("rackd send {to}/{slot}/note 57 0.8"));
    }
    if let Some(control) = patch.controls.first() {
        commands.push(format!("rackd send {to}/n/{slot}/{} 0.7", control.name));
    }
    if !commands.is_empty() {
        voice.event("try", json!({ "commands": commands }), &format!("  try    {}", commands.join("\n         ")));
    }
}

/// What happened to the device. `[control]`
pub fn host(voice: &Voice, event: &HostEvent) {
    let (name, fields) = match event {
        HostEvent::Started(running) => {
            ("playing", json!({ "host": running.host, "device": running.device, "rate": running.rate, "channels": running.channels }))
        }
        HostEvent::Back(running) => ("device-back", json!({ "host": running.host, "device": running.device })),
        HostEvent::Silent { why } => ("silent", json!({ "why": why })),
        HostEvent::Lost { why } => ("device-lost", json!({ "why": why })),
        HostEvent::Xruns(count) => ("xruns", json!({ "count": count })),
        HostEvent::Skipped(frames) => ("skipped", json!({ "frames": frames })),
        HostEvent::InputGaps { missing, surplus } => ("input-gaps", json!({ "missing": missing, "surplus": surplus })),
        HostEvent::InputStarted(running) => ("input", json!({ "device": running.device })),
        HostEvent::InputLost { why } => ("input-lost", json!({ "why": why })),
    };
    let text = match event {
        HostEvent::Silent { why } => {
            format!("  sound  none: {why}\n         The silent clock runs: the same timing, no sound. The device is tried again and again.")
        }
        event => format!("  sound  {event}"),
    };
    voice.event(name, fields, &text);
}

/// What happened to a MIDI port; nothing for a message. `[control]`
pub fn port(voice: &Voice, event: &PortEvent) {
    match event {
        PortEvent::Came { port, name } => voice.event("midi", json!({ "port": port.0, "name": name }), &format!("  MIDI   {name}")),
        PortEvent::Gone { port } => voice.event("midi-gone", json!({ "port": port.0 }), "  MIDI   a port is gone; its notes were released"),
        PortEvent::Trouble(why) => voice.event("midi-trouble", json!({ "why": why }), &format!("  MIDI   {why}")),
        PortEvent::Message { .. } => {}
    }
}
