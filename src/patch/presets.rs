//! `[presets]`: where some of a patch's numbers and settings stand together, by a name.

use std::collections::HashMap;
use std::ops::Range;

use crate::base::diagnostic::Diagnostic;

use super::addresses::{Address, addresses};
use super::codes;
use super::document::Entry;
use super::model::Patch;
use super::rack::SetSpec;
use super::rack_check::check_set;
use super::reading::Reading;
use super::scope::short;

/// Presets of a patch at most: a MIDI program for each.
pub const MOST: usize = 128;

/// Letters of a name at most.
const LETTERS: usize = 40;

/// One preset.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// What it sets, in the order of the file.
    pub set: Vec<SetSpec>,
    /// Where its name stands in the source.
    pub span: Range<usize>,
}

/// The preset that a word means: one of that name, else by its number from 0. `[any]`
pub fn find(presets: &[Preset], word: &str) -> Option<usize> {
    let word = word.trim();
    let named = presets.iter().position(|preset| preset.name == word);
    named.or_else(|| word.parse::<usize>().ok().filter(|number| *number < presets.len()))
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads `[presets]`; what they set is looked up in the patch.
    pub fn presets(&mut self, entries: &[Entry<'d, 't>], patch: &Patch) -> Vec<Preset> {
        if let Some(beyond) = entries.get(MOST) {
            let message = format!("there are {} presets; {MOST} is the most", entries.len());
            self.findings.report(Diagnostic::error(codes::LIST_LENGTH, beyond.key_span.clone(), message));
        }
        let known: HashMap<String, Address> =
            addresses(patch).into_iter().map(|address| (address.path.replace('/', "."), address)).collect();
        let mut presets = Vec::with_capacity(entries.len());
        for entry in entries.iter().take(MOST) {
            let name = entry.key;
            if name.trim() != name || name.is_empty() || name.chars().count() > LETTERS || name.parse::<f64>().is_ok() {
                let message = format!("`{}` is no name of a preset", short(name));
                let help = format!("a word that is no number, of at most {LETTERS} letters; presets have numbers by their order, from 0");
                self.findings.report(Diagnostic::error(codes::BAD_NAME, entry.key_span.clone(), message).help(help));
            }
            let set = self.set(entry);
            check_set(&set, &known, &mut self.findings);
            presets.push(Preset { name: name.to_owned(), set, span: entry.key_span.clone() });
        }
        presets
    }
}
