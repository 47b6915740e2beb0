//! `[in]` and `[out]`: where a patch takes sound and where it gives it.

use crate::base::diagnostic::Diagnostic;
use crate::base::names;
use crate::base::units::Unit;

use super::codes;
use super::document::Entry;
use super::model::{Domain, NamedInput, Out, Sum};
use super::reading::Reading;
use super::scope::short;
use super::sum::Place;

impl<'d, 't> Reading<'d, 't> {
    /// Reads `[in]`.
    pub fn inputs(&mut self, entries: &[Entry<'d, 't>]) -> Vec<NamedInput> {
        let mut inputs = Vec::new();
        for entry in entries {
            if matches!(entry.key, "left" | "right") {
                let message = format!("`in.{}` is a side of the main input", entry.key);
                let help = "`in`, `in.left` and `in.right` are there without being named: choose another name";
                self.findings.report(Diagnostic::error(codes::RESERVED_NAME, entry.key_span.clone(), message).help(help));
            } else if !names::is_name(entry.key) {
                let message = format!("`{}` is no name", short(entry.key));
                let help = "names are small letters, digits and `_`, beginning with a letter";
                self.findings.report(Diagnostic::error(codes::BAD_NAME, entry.key_span.clone(), message).help(help));
            }
            let mono = self.choice(entry, &["mono", "stereo"]) == Some(0);
            inputs.push(NamedInput { name: entry.key.to_owned(), mono });
        }
        inputs
    }

    /// Reads `[out]`.
    pub fn out(&mut self, table: &Entry<'d, 't>, entries: &[Entry<'d, 't>]) -> Out {
        let mut sums: [Option<Sum>; 3] = [None, None, None];
        const KEYS: [&str; 3] = ["in", "left", "right"];
        for entry in entries {
            let Some(at) = KEYS.iter().position(|key| *key == entry.key) else {
                self.unknown_key(entry, "`[out]`", KEYS);
                sums[0].get_or_insert_default();
                continue;
            };
            let place =
                Place { name: format!("out.{}", entry.key), unit: Unit::Audio, range: None, domain: Domain::Global, knobs_only: false };
            sums[at] = Some(self.sum(entry, &place).map(|lowered| lowered.sum).unwrap_or_default());
        }
        let missing = |key: &str, message: &str| {
            Diagnostic::error(codes::MISSING_KEY, table.span.clone(), message.to_owned())
                .help(format!("add `{key} = \"…\"`; `0` is silence"))
        };
        match sums {
            [Some(whole), None, None] => return Out::Whole(whole),
            [None, Some(left), Some(right)] => return Out::Sides(left, right),
            [Some(_), ..] => {
                let sides = entries.iter().find(|entry| matches!(entry.key, "left" | "right"));
                let span = sides.map_or(table.span.clone(), |entry| entry.key_span.clone());
                self.findings.report(
                    Diagnostic::error(codes::UNKNOWN_KEY, span, "`in` is already both sides").help("write `in`, or `left` and `right`"),
                );
            }
            [None, Some(_), None] => self.findings.report(missing("right", "`[out]` has a left side and no right")),
            [None, None, Some(_)] => self.findings.report(missing("left", "`[out]` has a right side and no left")),
            [None, None, None] => self.findings.report(missing("in", "nothing leads to `[out]`")),
        }
        Out::default()
    }
}
