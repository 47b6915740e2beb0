//! `rackd check`: every mistake of patches and racks, and what they compile to.

use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;

use super::args::Check;
use super::draw;
use super::exit::Exit;
use super::style;
use crate::base::diagnostic::{Diagnostic, has_errors};
use crate::control::files::nearest_inside;
use crate::daemon::source::Source;
use crate::patch::{Patch, Rack, SlotOut, SlotSpec, codes, is_rack, parse_rack_as_far};
use crate::plan;

/// Checks all files and prints what is to be said. `[control]`
///
/// # Errors
/// [`Exit::Patch`] where any has a mistake; [`Exit::CommandLine`] and [`Exit::Machine`] where one cannot be read.
pub fn run(args: &Check) -> Result<(), Exit> {
    let mut wrong = false;
    for file in &args.files {
        let source = Source::new(Some(file));
        let reading = source.read()?;
        if is_rack(&reading.text) {
            wrong |= !rack(file, &reading.text, args.plan);
            continue;
        }
        style::complain(&draw_for_terminal(&source.name(), &reading.text, &reading.diagnostics));
        match &reading.patch {
            None => wrong = true,
            Some(patch) if args.plan => style::print(&format!("{}\n", plan::listing(patch).trim_end())),
            Some(_) if reading.diagnostics.is_empty() => style::print(&format!("{}: no mistakes\n", source.name())),
            Some(_) => {}
        }
    }
    if wrong { Err(Exit::Patch) } else { Ok(()) }
}

/// A patch that slots of a rack name.
struct Named {
    /// As it is written in the rack.
    path: String,
    patch: Option<Patch>,
}

/// Checks a rack and every patch it names, each with its own source; says whether all is right.
fn rack(file: &Path, text: &str, plan: bool) -> bool {
    let (rack, mut diagnostics) = parse_rack_as_far(text);
    let rack = rack.unwrap_or_default();
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut right = true;
    let mut patches: Vec<Named> = Vec::new();
    let mut drawn = String::new();
    let mut clean = Vec::new();
    for slot in rack.slots.iter().filter(|slot| !slot.patch.is_empty()) {
        if patches.iter().any(|named| named.path == slot.patch) {
            continue;
        }
        let source = Source::new(Some(&folder.join(&slot.patch)));
        let patch = match source.read() {
            Err(failure) => {
                let fix = nearest_inside(folder, &slot.patch, true).map(|near| format!("\"{near}\""));
                let wrong = Diagnostic::error(codes::NO_FILE, slot.places.patch.clone(), failure.to_string());
                diagnostics.push(Diagnostic { fix, ..wrong });
                None
            }
            Ok(reading) => {
                right &= !has_errors(&reading.diagnostics);
                drawn.push_str(&draw_for_terminal(&source.name(), &reading.text, &reading.diagnostics));
                if reading.diagnostics.is_empty() {
                    clean.push(source.name());
                }
                reading.patch
            }
        };
        patches.push(Named { path: slot.patch.clone(), patch });
    }
    let patch_of = |slot: &SlotSpec| patches.iter().find(|named| named.path == slot.patch).and_then(|named| named.patch.as_ref());
    let known: Vec<(&str, &Patch)> = rack.slots.iter().filter_map(|slot| patch_of(slot).map(|patch| (slot.name.as_str(), patch))).collect();
    diagnostics.extend(rack.check_with(&known));
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
    right &= !has_errors(&diagnostics);
    let name = file.display().to_string();
    style::complain(&draw_for_terminal(&name, text, &diagnostics));
    style::complain(&drawn);
    if plan && right {
        style::print(&listing(&rack, &known));
    } else {
        let names = diagnostics.is_empty().then_some(name);
        names.into_iter().chain(clean).for_each(|name| style::print(&format!("{name}: no mistakes\n")));
    }
    right
}

/// The slots in the order in which they sound, where each is heard, and what its patch compiles to.
fn listing(rack: &Rack, patches: &[(&str, &Patch)]) -> String {
    let mut text = String::new();
    let name = if rack.name.is_empty() { "rack" } else { &rack.name };
    let count = rack.slots.len();
    let _ = writeln!(text, "{name}: {count} slot{}, in the order in which they sound", if count == 1 { "" } else { "s" });
    let longest = rack.slots.iter().map(|slot| slot.name.len()).max().unwrap_or(0);
    let ordered: Vec<&SlotSpec> = rack.order().into_iter().map(|at| &rack.slots[at]).collect();
    for slot in &ordered {
        let out = match &slot.route.out {
            SlotOut::Master => "the master".to_owned(),
            SlotOut::Slot(name) => name.clone(),
            SlotOut::Channels(channels) => {
                let channels: Vec<_> = channels.iter().map(u16::to_string).collect();
                format!("channel{} {}", if channels.len() == 1 { "" } else { "s" }, channels.join(" and "))
            }
        };
        let sends = slot.route.sends.iter().map(|send| {
            let pre = if send.pre { " before its fader" } else { "" };
            format!(", to {} at {} dB{pre}", send.to, send.level)
        });
        let _ = writeln!(text, "  {:longest$}  to {out} at {} dB{}", slot.name, slot.level, sends.collect::<String>());
    }
    for slot in ordered {
        if let Some((_, patch)) = patches.iter().find(|(name, _)| *name == slot.name) {
            let _ = write!(text, "\n/{} {}\n{}\n", slot.name, slot.patch, plan::listing(patch).trim_end());
        }
    }
    text
}

/// Diagnostics as standard error shows them. `[control]`
pub fn draw_for_terminal(file: &str, text: &str, diagnostics: &[Diagnostic]) -> String {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|asked| asked.is_empty());
    draw::draw(file, text, diagnostics, colour)
}
