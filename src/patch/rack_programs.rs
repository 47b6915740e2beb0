//! `programs` of a rack's slot: what a program change of each number plays.

use std::collections::HashMap;

use crate::base::diagnostic::Diagnostic;

use super::codes;
use super::document::Entry;
use super::findings::Findings;
use super::model::Patch;
use super::presets::find;
use super::rack::SlotSpec;
use super::reading::Reading;
use super::scope::short;

/// Whether an entry names a file; else it is a preset of the slot's patch. `[any]`
pub fn is_file(entry: &str) -> bool {
    entry.ends_with(".toml")
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads `programs`.
    pub fn programs(&mut self, entry: &Entry<'d, 't>, slot: &mut SlotSpec) {
        let help = "such as { 0 = \"dark\", 5 = \"other.toml\" }: a preset of the patch, or a file";
        let mut read = HashMap::new();
        for field in self.table(entry, help).unwrap_or_default() {
            let number = field.key.parse::<u8>().ok().filter(|number| *number < 128 && !field.key.starts_with('+'));
            let Some(number) = number else {
                let message = format!("`{}` is no number of a program: they go from 0 to 127", short(field.key));
                self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, field.key_span.clone(), message).help(help));
                continue;
            };
            let text = self.string(&field, help);
            let text = if text.is_some_and(is_file) { self.path(&field, help) } else { text };
            if let Some(text) = text {
                read.insert(number, field.span.clone());
                slot.programs.insert(number, text.to_owned());
            }
        }
        slot.places.programs = slot.programs.keys().filter_map(|number| read.remove(number)).collect();
    }
}

/// The presets that programs name are there.
pub(super) fn check(slot: &SlotSpec, patch: &Patch, findings: &mut Findings) {
    for (name, span) in slot.programs.values().zip(&slot.places.programs) {
        if is_file(name) || find(&patch.presets, name).is_some() {
            continue;
        }
        let near = findings.nearest(name, patch.presets.iter().map(|preset| preset.name.as_str())).map(|near| format!("\"{near}\""));
        let message = format!("the patch of slot `{}` has no preset \"{}\"", slot.name, short(name));
        let diagnostic =
            Diagnostic::error(codes::UNKNOWN_TARGET, span.clone(), message).help("a preset of the patch, or a file that ends in .toml");
        findings.report(Diagnostic { fix: near, ..diagnostic });
    }
}
