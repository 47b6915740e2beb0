//! `rackd devices`: what can be named in options.

use super::args::Devices;
use super::exit::Exit;
use super::style::{self, Style};
use crate::host::devices::{self, ConfigListing, HostListing};
use crate::midi;

/// Prints every host with its devices. `[control]`
///
/// # Errors
/// None: a host that fails is listed with its trouble.
pub fn run(_: &Devices) -> Result<(), Exit> {
    let style = Style(style::colours());
    let mut text = format!("{}\n", style.heading("Sound (--host NAME --device NAME)"));
    for host in devices::list() {
        text += &sound(&host, style);
    }
    text += &format!("  {}  {}\n", style.name("silent"), style.quiet("no device: the right speed, no sound"));
    text += &format!("\n{}\n", style.heading("MIDI (--midi NAME)"));
    let (system, jack) = (midi::list(), midi::list_jack());
    text += &ports(&system.inputs, style);
    text += &jack.as_ref().map(|jack| ports(&jack.inputs, style)).unwrap_or_default();
    text += &format!("\n{}\n", style.heading("MIDI out (--midi-out NAME)"));
    text += &ports(&system.outputs, style);
    text += &jack.as_ref().map(|jack| ports(&jack.outputs, style)).unwrap_or_default();
    style::print(&text);
    Ok(())
}

fn ports(found: &Result<Vec<String>, String>, style: Style) -> String {
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
    for device in &host.devices {
        let name = if device.name == device.id || device.name.is_empty() { String::new() } else { format!("  {}", device.name) };
        text += &format!("      {}{name}\n", style.name(&device.id));
        for (what, config, default) in [("plays", &device.output, device.default_output), ("captures", &device.input, device.default_input)]
        {
            if let Some(config) = config {
                let default = if default { ", the default" } else { "" };
                text += &style.quiet(&format!("          {what} {}{default}\n", configuration(config)));
            }
        }
    }
    text
}

fn configuration(config: &ConfigListing) -> String {
    let buffer = config.buffer.map_or_else(String::new, |(least, most)| format!(", {least} to {most} frames a callback"));
    format!("{} Hz, {} channels, {}{buffer}", config.rate, config.channels, config.format)
}
