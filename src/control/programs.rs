//! Programs over MIDI: a patch's own presets, else files whose names begin with a number. A slot that plays `banks/02-keys/004-organ.toml` plays
//! `banks/02-keys/017-….toml` at program 17, counted from 0 as MIDI does, and `banks/05-….../017-….toml` once bank 5 was chosen.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::client::Client;
use super::control::Control;
use super::files;
use super::rack_verbs::sentences;
use super::value::When;
use crate::base::time::SampleTime;
use crate::patch::presets;
use crate::patch::rack_programs::is_file;

/// Programs that wait for their time at most.
const WAITING: usize = 1024;
/// Names that are looked through in one folder at most.
const NAMES: usize = 10_000;
/// Complaints that are remembered, so that none is told twice.
const TOLD: usize = 256;

/// A program that is to play.
#[derive(Clone, Debug)]
struct Due {
    at: SampleTime,
    from: Client,
    slot: String,
    bank: Option<u16>,
    number: u8,
    /// The file that the rack names for it.
    file: Option<PathBuf>,
}

/// Programs that wait for their time.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs {
    due: VecDeque<Due>,
    told: HashSet<String>,
}

/// The number that a name begins with, before a `-`: of so many digits.
fn numbered(name: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u16> {
    let (number, _) = name.split_once('-')?;
    let plain = digits.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if plain { number.parse().ok() } else { None }
}

/// The number of a patch's file.
fn program_of(name: &str) -> Option<u16> {
    if name.ends_with(".toml") { numbered(name, 3..=3) } else { None }
}

/// The number of a folder of such files.
fn bank_of(name: &str) -> Option<u16> {
    numbered(name, 2..=5)
}

/// The first of the names in a folder whose number is this.
fn find(folder: &Path, number_of: impl Fn(&str) -> Option<u16>, number: u16) -> Option<PathBuf> {
    let names = std::fs::read_dir(folder).ok()?.take(NAMES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| number_of(name) == Some(number)).min().map(|name| folder.join(name))
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

impl Control {
    /// A program is chosen on a channel, 1 to 16, in a bank where one was chosen before: each slot that hears the channel, and plays a
    /// numbered file, plays the file of that number beside it. `[control]`
    pub fn program(&mut self, from: Client, channel: u8, bank: Option<u16>, number: u8, at: When) {
        self.midi(from, at, |control, draft| {
            let mut meant = false;
            for slot in 0..control.slots.len() {
                let (preset, file) = control.named_program(slot, bank, number);
                if let Some(preset) = preset.filter(|_| control.commands(slot, from, channel)) {
                    meant = true;
                    let address = format!("/{}/preset", control.slots[slot].name);
                    if control.recall(draft, slot, preset, &address, 0).is_err() {
                        control.counts.midi.programs += 1;
                    }
                    continue;
                }
                let of = &control.slots[slot];
                let has_number = file.is_some() || of.file.as_deref().is_some_and(|file| program_of(name_of(file)).is_some());
                if !has_number || !control.commands(slot, from, channel) {
                    continue;
                }
                meant = true;
                let due = Due { at: draft.at, from, slot: of.name.clone(), bank, number, file };
                let programs = &mut control.keyboard.programs;
                programs.due.push_back(due);
                if programs.due.len() > WAITING {
                    programs.due.pop_front();
                    control.counts.midi.programs += 1;
                }
            }
            control.counts.midi.programs += u64::from(!meant);
        });
        self.change_programs();
    }

    /// What a program of bank 0, or of none, is by name: a preset or a file. What the rack says goes first, then the patch's presets.
    fn named_program(&self, slot: usize, bank: Option<u16>, number: u8) -> (Option<usize>, Option<PathBuf>) {
        let of = &self.slots[slot];
        if bank.is_some_and(|bank| bank != 0) {
            return (None, None);
        }
        let (programs, rack) = &of.programs;
        match programs.get(&number) {
            Some(name) if is_file(name) => (None, Some(rack.parent().unwrap_or(Path::new("")).join(name))),
            Some(name) => (presets::find(&of.patch.presets, name), None),
            None => (Some(usize::from(number)).filter(|number| *number < of.patch.presets.len()), None),
        }
    }

    /// Loads the programs whose time has come.
    pub(super) fn change_programs(&mut self) {
        if self.keyboard.programs.due.is_empty() {
            return;
        }
        let now = self.shown.now();
        let (come, wait): (VecDeque<Due>, VecDeque<Due>) =
            std::mem::take(&mut self.keyboard.programs.due).into_iter().partition(|due| due.at <= now);
        self.keyboard.programs.due = wait;
        for (at, due) in come.iter().enumerate() {
            // Of several at once only the last is to be heard.
            if come.iter().skip(at + 1).any(|later| later.slot == due.slot) {
                continue;
            }
            if let Err(text) = self.load_program(due) {
                self.counts.midi.programs += 1;
                let text = format!("{}: {text}", due.from);
                let told = &mut self.keyboard.programs.told;
                if told.len() < TOLD && told.insert(text.clone()) {
                    self.tell(text);
                }
            }
        }
    }

    fn load_program(&mut self, due: &Due) -> Result<(), String> {
        let slot = self.names.get(&due.slot).and_then(|slot| self.slots.get(*slot)).ok_or("the slot is gone")?;
        let missing = || {
            let bank = due.bank.map_or(String::new(), |bank| format!(" of bank {bank}"));
            format!("{} has no program {}{bank}", due.slot, due.number)
        };
        if let Some(file) = &due.file {
            return self.load_named(&due.slot, file);
        }
        let file = slot.file.as_deref().and_then(|file| std::path::absolute(file).ok()).ok_or_else(missing)?;
        let here = file.parent().ok_or_else(missing)?;
        let folder = match due.bank {
            // Beside the folder, where that one has a number too; by both parts of the bank's number, or by its high part alone.
            Some(bank) => {
                let beside = here.parent().filter(|_| bank_of(name_of(here)).is_some()).filter(|beside| self.is_inside(beside));
                let high = if bank & 127 == 0 { Some(bank >> 7) } else { None };
                let banks = [Some(bank), high].into_iter().flatten();
                let found = beside.and_then(|beside| banks.into_iter().find_map(|bank| find(beside, bank_of, bank)));
                match found {
                    Some(folder) => folder,
                    // A folder without a number is bank 0.
                    None if bank == 0 && bank_of(name_of(here)).is_none() => here.to_owned(),
                    None => return Err(missing()),
                }
            }
            None => here.to_owned(),
        };
        if !self.is_inside(&folder) {
            return Err(missing());
        }
        let path = find(&folder, program_of, due.number.into()).ok_or_else(missing)?;
        if path == file {
            return Ok(());
        }
        self.load_named(&due.slot, &path)
    }

    fn load_named(&mut self, slot: &str, path: &Path) -> Result<(), String> {
        let (path, text) = files::read_inside(&self.options.folders, path).map_err(|error| error.to_string())?;
        match self.load_for(slot, &text, Some(&path), Vec::new()) {
            Ok(_) => Ok(()),
            Err(diagnostics) => Err(sentences(&path.display().to_string(), &text, &diagnostics).join("; ")),
        }
    }

    /// Whether a folder lies in those that messages may load from.
    fn is_inside(&self, folder: &Path) -> bool {
        let Ok(real) = folder.canonicalize() else { return false };
        self.options.folders.iter().filter_map(|allowed| allowed.canonicalize().ok()).any(|allowed| real.starts_with(allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_names() {
        for (name, number) in [
            ("004-organ.toml", Some(4)),
            ("127-.toml", Some(127)),
            ("004-organ.txt", None),
            ("4-organ.toml", None),
            ("0004-organ.toml", None),
            ("004.toml", None),
            ("+04-organ.toml", None),
        ] {
            assert_eq!(program_of(name), number, "{name}");
        }
        assert_eq!((bank_of("02-keys"), bank_of("00384-keys"), bank_of("2-keys"), bank_of("keys")), (Some(2), Some(384), None, None));
    }
}
