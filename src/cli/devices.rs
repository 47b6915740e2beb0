//! `rackd devices`: what can be named in options.

use serde_json::{Value, json};

use super::args::Devices;
use super::exit::Exit;
use super::style::{self, Style};
use crate::host::devices::{self, ConfigListing, DeviceListing, HostListing, WayListing, spelled};
use crate::midi;

/// MIDI ports of one way, or why nothing can be said of them.
type Ports = Result<Vec<String>, String>;

/// Prints every host with its devices. `[control]`
///
/// # Errors
/// None: a host that fails is listed with its trouble.
pub fn run(args: &Devices) -> Result<(), Exit> {
    let hosts = devices::list();
    let (system, jack) = (midi::list(), midi::list_jack());
    let inputs: Vec<Ports> = [system.inputs].into_iter().chain(jack.as_ref().map(|jack| jack.inputs.clone())).collect();
    let outputs: Vec<Ports> = [system.outputs].into_iter().chain(jack.map(|jack| jack.outputs)).collect();
    if args.json {
        style::print(&format!("{}\n", object(&hosts, &inputs, &outputs)));
    } else {
        style::print(&table(&hosts, &inputs, &outputs, Style(style::colours())));
    }
    Ok(())
}

fn table(hosts: &[HostListing], inputs: &[Ports], outputs: &[Ports], style: Style) -> String {
    let mut text = format!("{}\n", style.heading("Sound (--host NAME --device NAME --input-device NAME)"));
    text.extend(hosts.iter().map(|host| sound(host, style)));
    text += &format!("  {}  {}\n", style.name("silent"), style.quiet("no device: the right speed, no sound"));
    text += &format!("\n{}\n", style.heading("MIDI (--midi NAME)"));
    text.extend(inputs.iter().map(|found| ports(found, style)));
    text += &format!("\n{}\n", style.heading("MIDI out (--midi-out NAME)"));
    text.extend(outputs.iter().map(|found| ports(found, style)));
    text
}

fn ports(found: &Ports, style: Style) -> String {
    match found {
        Ok(ports) if ports.is_empty() => style.quiet("  no ports\n"),
        Ok(ports) => ports.iter().map(|port| format!("  {}\n", style.name(port))).collect(),
        Err(why) => style.quiet(&format!("  {why}\n")),
    }
}

fn sound(host: &HostListing, style: Style) -> String {
    let mut text = format!("  {}\n", style.name(host.host));
    if let Some(trouble) = &host.trouble {
        text += &style.quiet(&format!("      {trouble}\n"));
    } else if host.devices.is_empty() {
        text += &style.quiet("      no devices\n");
    }
    text.extend(host.devices.iter().map(|found| device(found, style)));
    text
}

fn device(device: &DeviceListing, style: Style) -> String {
    let name = if device.name == device.id || device.name.is_empty() { String::new() } else { format!("  {}", device.name) };
    let mut text = format!("      {}{name}\n", style.name(&device.id));
    for (what, listing) in [("plays", &device.output), ("captures", &device.input)] {
        for line in listing.iter().flat_map(way) {
            text += &style.quiet(&format!("          {what:<8}  {line}\n"));
        }
    }
    text
}

/// What a device does one way, in lines: what it does of itself, and what else it can.
fn way(way: &WayListing) -> Vec<String> {
    let default = if way.default { ", the default" } else { "" };
    if way.is_unknown() {
        return vec![format!("in use, or not to be opened{default}")];
    }
    let usual = way.usual.as_ref().map(|usual| format!("{}{default}", configuration(usual)));
    let mut can = vec![format!("{} Hz", spelled(&way.rates)), format!("{} channels", spelled(&way.channels)), way.formats.join(" ")];
    can.extend(way.buffer.map(|buffer| format!("{} frames a callback", spelled(&[buffer]))));
    usual.into_iter().chain((!way.rates.is_empty()).then(|| format!("can: {}", can.join("; ")))).collect()
}

fn configuration(config: &ConfigListing) -> String {
    format!("{} Hz, {} channels, {}", config.rate, config.channels, config.format)
}

/// The same as one JSON object.
fn object(hosts: &[HostListing], inputs: &[Ports], outputs: &[Ports]) -> Value {
    let way = |way: &Option<WayListing>| {
        way.as_ref().map(|way| {
            json!({
                "default": way.default,
                "usual": way.usual.as_ref().map(|usual| json!({ "rate": usual.rate, "channels": usual.channels, "format": usual.format })),
                "rates": way.rates,
                "channels": way.channels,
                "formats": way.formats,
                "buffer": way.buffer,
            })
        })
    };
    let device = |device: &DeviceListing| json!({ "id": device.id, "name": device.name, "output": way(&device.output), "input": way(&device.input) });
    let hosts: Vec<Value> = hosts
        .iter()
        .map(|host| json!({ "host": host.host, "trouble": host.trouble, "devices": host.devices.iter().map(device).collect::<Vec<_>>() }))
        .collect();
    let ports = |found: &[Ports]| found.iter().flatten().flatten().cloned().collect::<Vec<String>>();
    json!({ "hosts": hosts, "midi": { "inputs": ports(inputs), "outputs": ports(outputs) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A card that plays and is captured from, one that somebody has, and a host that does not run.
    fn shelf() -> [HostListing; 2] {
        let plays = WayListing {
            default: true,
            usual: Some(ConfigListing { rate: 48_000, channels: 2, format: "i32".to_owned() }),
            rates: vec![(44_100, 44_100), (48_000, 96_000)],
            channels: vec![(2, 8)],
            formats: vec!["i16".to_owned(), "i32".to_owned()],
            buffer: Some((16, 4096)),
        };
        let captures = WayListing { default: false, buffer: None, ..plays.clone() };
        let card = DeviceListing {
            id: "alsa:hw:CARD=USB,DEV=0".to_owned(),
            name: "Scarlett 2i2 USB".to_owned(),
            output: Some(plays),
            input: Some(captures),
        };
        let taken = DeviceListing { id: "alsa:default".to_owned(), output: Some(WayListing::default()), ..DeviceListing::default() };
        [
            HostListing { host: "alsa", trouble: None, devices: vec![card, taken] },
            HostListing { host: "jack", trouble: Some("no server runs".to_owned()), devices: Vec::new() },
        ]
    }

    #[test]
    fn what_is_typed_stands_first_and_what_it_can_below() {
        let text = table(&shelf(), &[Ok(vec!["Keystation".to_owned()])], &[Ok(Vec::new()), Err("no server".to_owned())], Style(false));
        let expected = "\
Sound (--host NAME --device NAME --input-device NAME)
  alsa
      alsa:hw:CARD=USB,DEV=0  Scarlett 2i2 USB
          plays     48000 Hz, 2 channels, i32, the default
          plays     can: 44100 48000..96000 Hz; 2..8 channels; i16 i32; 16..4096 frames a callback
          captures  48000 Hz, 2 channels, i32
          captures  can: 44100 48000..96000 Hz; 2..8 channels; i16 i32
      alsa:default
          plays     in use, or not to be opened
  jack
      no server runs
  silent  no device: the right speed, no sound

MIDI (--midi NAME)
  Keystation

MIDI out (--midi-out NAME)
  no ports
  no server
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_object_has_the_same_for_programs() {
        let told = object(&shelf(), &[Ok(vec!["Keystation".to_owned()])], &[Err("no server".to_owned())]);
        let usual = json!({ "rate": 48_000, "channels": 2, "format": "i32" });
        let can = |default: bool, buffer: Value| {
            json!({
                "default": default, "usual": usual, "rates": [[44_100, 44_100], [48_000, 96_000]], "channels": [[2, 8]],
                "formats": ["i16", "i32"], "buffer": buffer,
            })
        };
        let card = json!({
            "id": "alsa:hw:CARD=USB,DEV=0", "name": "Scarlett 2i2 USB",
            "output": can(true, json!([16, 4096])), "input": can(false, Value::Null),
        });
        assert_eq!(told["hosts"][0]["devices"][0], card);
        assert_eq!(told["hosts"][0]["trouble"], Value::Null);
        assert_eq!(told["hosts"][0]["devices"][1]["output"]["usual"], Value::Null, "somebody has it");
        assert_eq!(told["hosts"][1], json!({ "host": "jack", "trouble": "no server runs", "devices": [] }));
        assert_eq!(told["midi"], json!({ "inputs": ["Keystation"], "outputs": [] }));
    }
}
