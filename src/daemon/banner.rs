//! What a daemon says of itself when it starts, and what hosts and ports tell of themselves.

use std::net::{Ipv6Addr, SocketAddr};

use serde_json::json;

use super::options::OSC_ADDRESS;
use super::say::Voice;
use crate::base::names::note_name;
use crate::base::units::Unit;
use crate::host::HostEvent;
use crate::midi::PortEvent;
use crate::osc::Server;
use crate::osc::allow::Allow;
use crate::patch::values::spell;
use crate::patch::{Patch, Rack, SlotOut, SlotSpec};
use crate::stream;

/// What plays, and the remarks on it. `[control]`
pub fn started(voice: &Voice, patch: &str, slot: &str, rate: u32) {
    let text = format!("rackd {} plays {patch} as /{slot}", env!("CARGO_PKG_VERSION"));
    voice.event("started", json!({ "patch": patch, "slot": slot, "rate": rate }), &text);
}

/// Which rack plays, and which slots it has: what each plays, by which keys, and where it is heard. `[control]`
pub fn rack(voice: &Voice, name: &str, rack: &Rack, rate: u32) {
    let slots: Vec<_> =
        rack.slots.iter().map(|slot| json!({ "slot": slot.name, "patch": slot.patch, "channel": slot.zone.channel })).collect();
    let count = match slots.len() {
        1 => "1 slot".to_owned(),
        count => format!("{count} slots"),
    };
    let mut text = format!("rackd {} plays {name}: {count}", env!("CARGO_PKG_VERSION"));
    let rows: Vec<[String; 4]> =
        rack.slots.iter().map(|slot| [format!("/{}", slot.name), slot.patch.clone(), keys(slot), heard(slot)]).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [slot, patch, keys, heard] in &rows {
        let line = format!("  {slot:0$}  {patch:1$}  {keys:2$}  {heard}", widths[0], widths[1], widths[2]);
        text += &format!("\n{}", line.trim_end());
    }
    voice.event("started", json!({ "patch": name, "slots": slots, "rate": rate }), &text);
}

/// Which keys play a slot.
fn keys(slot: &SlotSpec) -> String {
    let zone = slot.zone;
    if !zone.listens {
        return "no keys".to_owned();
    }
    let mut told = zone.channel.map_or("all channels".to_owned(), |channel| format!("channel {channel}"));
    if zone.keys != (0, 127) {
        told += &format!(", {}..{}", note_name(zone.keys.0.into()), note_name(zone.keys.1.into()));
    }
    if zone.velocity != (1, 127) {
        told += &format!(", velocity {}..{}", zone.velocity.0, zone.velocity.1);
    }
    if zone.transpose != 0.0 {
        told += &format!(", {}", spell(Unit::Octaves, zone.transpose));
    }
    if zone.mpe == Some(true) {
        told += ", MPE";
    }
    told
}

/// Where a slot is heard, where that is not the master.
fn heard(slot: &SlotSpec) -> String {
    let mut told = match &slot.route.out {
        SlotOut::Master => Vec::new(),
        SlotOut::Slot(name) => vec![format!("to /{name}")],
        SlotOut::Channels(channels) => {
            let channels: Vec<String> = channels.iter().map(u16::to_string).collect();
            vec![format!("to output {}", channels.join(" and "))]
        }
    };
    told.extend(slot.route.sends.iter().map(|send| format!("sends to /{}", send.to)));
    told.join(", ")
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

/// Where streams are listened for. `[control]`
pub fn streams(voice: &Voice, server: Option<&stream::Server>) {
    let Some(server) = server else { return };
    let places: Vec<String> = server.places().iter().map(ToString::to_string).collect();
    voice.event("streams", json!({ "at": places }), &format!("  stream {}", places.join("\n         ")));
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
        PortEvent::Cut { port } => {
            voice.event("midi-cut", json!({ "port": port.0 }), "  MIDI   a cable was pulled out; its notes were released");
        }
        PortEvent::Output { name, there: true } => voice.event("midi-out", json!({ "name": name }), &format!("  MIDI   out to {name}")),
        PortEvent::Output { name, there: false } => {
            voice.event("midi-out-gone", json!({ "name": name }), &format!("  MIDI   {name} is gone"));
        }
        PortEvent::Trouble(why) => voice.event("midi-trouble", json!({ "why": why }), &format!("  MIDI   {why}")),
        PortEvent::Message { .. } | PortEvent::Exclusive { .. } => {}
    }
}
