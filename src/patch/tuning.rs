//! `tuning` of a patch, a rack or a slot: which pitch each key has. The files that it names are read by whoever plays it.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use crate::base::diagnostic::Diagnostic;
use crate::base::names::note_number;
use crate::base::units::hertz_from_octaves;
use crate::media::scale::{NOTES, Scale, interval};

use super::codes;
use super::document::Entry;
use super::quantity::{self, Quantity};
use super::reading::Reading;
use super::scope::short;

/// Its keys, where it is a table.
pub const KEYS: [&str; 5] = ["scale", "map", "root", "reference", "frequency"];

/// The word for equal temperament.
pub const EQUAL: &str = "equal";

/// Frequencies that a reference may have [Hz].
pub const FREQUENCIES: (f64, f64) = (1.0, 20_000.0);

/// `tuning` as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct TuningSpec {
    /// `scale`; `None`: equal temperament.
    pub scale: Option<ScaleSpec>,
    /// `map`: a `.kbm` file, relative to the file that names it.
    pub map: Option<String>,
    /// `root`: the key on which the scale begins.
    pub root: Option<u8>,
    /// `reference`: the key whose frequency is meant.
    pub reference: Option<u8>,
    /// `frequency` of that key [Hz].
    pub frequency: Option<f64>,
    /// Where it stands in the source.
    pub span: Range<usize>,
}

/// `scale`.
#[derive(Clone, Debug, PartialEq)]
pub enum ScaleSpec {
    /// A `.scl` file, relative to the file that names it.
    File(String),
    /// Written out: each interval as text, and what they come to.
    Inline(Vec<String>, Arc<Scale>),
}

/// An interval of a scale written out: as in a `.scl` file, or with a unit such as `498 ct` [octaves].
///
/// # Errors
/// One sentence. `[control]`
pub fn step_of_text(text: &str) -> Result<f64, String> {
    let found = match quantity::read(text) {
        Ok(Quantity::Interval(octaves)) => Ok(octaves),
        _ if text.trim().contains(char::is_whitespace) => Err(()),
        _ => interval(text).map_err(|_| ()),
    };
    found.map_err(|()| format!("\"{}\" is no interval", short(text)))
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads `tuning`: a file, `"equal"`, or a table.
    pub fn tuning(&mut self, entry: &Entry<'d, 't>) -> Option<TuningSpec> {
        let mut spec = TuningSpec { scale: None, map: None, root: None, reference: None, frequency: None, span: entry.span.clone() };
        let errors = self.findings.errors();
        match entry.value {
            DeValue::Table(table) => {
                for entry in &self.entries(table) {
                    match entry.key {
                        "scale" => spec.scale = self.scale(entry),
                        "map" => spec.map = self.file(entry, ".kbm"),
                        "root" => spec.root = self.key(entry),
                        "reference" => spec.reference = self.key(entry),
                        "frequency" => spec.frequency = self.reference_frequency(entry),
                        _ => self.unknown_key(entry, "`tuning`", KEYS),
                    }
                }
                if spec.scale.is_none() && self.findings.errors() == errors {
                    let lost = self.entries(table).into_iter().find(|entry| matches!(entry.key, "map" | "root"));
                    if let Some(lost) = lost {
                        let message = format!("`{}` says where a scale lies, and there is no `scale`", lost.key);
                        let help = "add `scale = \"file.scl\"`, or a list of intervals";
                        self.findings.report(Diagnostic::error(codes::BAD_TUNING, lost.key_span.clone(), message).help(help));
                    }
                }
            }
            _ => spec.scale = self.scale(entry),
        }
        (self.findings.errors() == errors).then_some(spec)
    }

    fn scale(&mut self, entry: &Entry<'d, 't>) -> Option<ScaleSpec> {
        match entry.value {
            _ if entry.broken => None,
            DeValue::String(text) if text.trim() == EQUAL => None,
            DeValue::String(_) => self.file(entry, ".scl").map(ScaleSpec::File),
            DeValue::Array(_) => self.inline(entry),
            _ => {
                let help = "\"just.scl\", \"equal\", or intervals such as [\"9/8\", \"5/4\", \"498 ct\", \"2/1\"]";
                self.wrong_type(entry, "a file or a list", help);
                None
            }
        }
    }

    fn inline(&mut self, entry: &Entry<'d, 't>) -> Option<ScaleSpec> {
        let DeValue::Array(array) = entry.value else { return None };
        let errors = self.findings.errors();
        let mut steps = Vec::with_capacity(array.len().min(NOTES));
        let mut texts = Vec::new();
        for value in array.iter().take(NOTES + 1) {
            // A number is in cents.
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Float(float) => format!("{} ct", float.as_str()),
                DeValue::Integer(integer) if integer.radix() == 10 => format!("{} ct", integer.as_str()),
                _ => String::new(),
            };
            let step = step_of_text(&text);
            texts.push(text);
            match step {
                Ok(step) => steps.push(step),
                Err(message) => {
                    let help = "a ratio (\"3/2\"), or cents (498.045, \"498 ct\")";
                    self.findings.report(Diagnostic::error(codes::BAD_TUNING, value.span(), message).help(help));
                }
            }
        }
        if self.findings.errors() > errors {
            return None;
        }
        match Scale::of_steps("", steps) {
            Ok(scale) => Some(ScaleSpec::Inline(texts, Arc::new(scale))),
            Err(message) => {
                let help = "each note's interval above the first, the last of them the octave";
                self.findings.report(Diagnostic::error(codes::BAD_TUNING, entry.span.clone(), message).help(help));
                None
            }
        }
    }

    fn file(&mut self, entry: &Entry<'d, 't>, end: &str) -> Option<String> {
        let text = self.string(entry, &format!("a {end} file"))?;
        if text.len() > end.len() && text.to_ascii_lowercase().ends_with(end) {
            return Some(text.to_owned());
        }
        let message = format!("\"{}\" is no {end} file", short(text));
        let help = if end == ".scl" { "a file of Scala's whose name ends in .scl, or \"equal\"" } else { "a key map of Scala's" };
        self.findings.report(Diagnostic::error(codes::BAD_TUNING, entry.span.clone(), message).help(help));
        None
    }

    fn key(&mut self, entry: &Entry<'d, 't>) -> Option<u8> {
        let DeValue::String(text) = entry.value else {
            return self.number(entry, 0.0, 127.0, true).map(|key| key as u8);
        };
        if entry.broken {
            return None;
        }
        let key = note_number(text.trim()).and_then(|key| u8::try_from(key).ok()).filter(|key| *key < 128);
        if key.is_none() {
            let message = format!("`{}` is a key, and \"{}\" is none", short(entry.key), short(text));
            let help = "a note name such as \"C4\", from \"C-1\" to \"G9\", or its number, from 0 to 127";
            self.findings.report(Diagnostic::error(codes::BAD_TUNING, entry.span.clone(), message).help(help));
        }
        key
    }

    fn reference_frequency(&mut self, entry: &Entry<'d, 't>) -> Option<f64> {
        let (min, max) = FREQUENCIES;
        let hertz = match self.quantity(entry)? {
            Quantity::Plain(hertz) => hertz,
            Quantity::Frequency(octaves) => hertz_from_octaves(octaves),
            other => {
                let message = format!("this is {}, and the reference is a frequency", other.what());
                self.findings.report(Diagnostic::error(codes::WRONG_UNIT, entry.span.clone(), message).help("such as \"442 Hz\""));
                return None;
            }
        };
        if (min - 1e-9..=max + 1e-6).contains(&hertz) {
            return Some(hertz);
        }
        let message = format!("`{}` goes from {min} to {max} Hz", short(entry.key));
        self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, entry.span.clone(), message));
        None
    }
}
