//! Settings of modules: choices, numbers, lists.

use toml::de::DeValue;

use crate::base::diagnostic::Diagnostic;
use crate::base::names::{OUTER_NAME, is_outer_name};
use crate::module::setting::LIST_MAX;
use crate::module::{Setting, SettingKind, SettingValue};

use super::codes;
use super::document::Entry;
use super::quantity::{self, Quantity};
use super::reading::Reading;
use super::scope::short;
use super::values;

impl<'d, 't> Reading<'d, 't> {
    /// The value of a setting; reports what does not fit.
    pub fn setting(&mut self, entry: &Entry<'d, 't>, setting: &Setting) -> Option<SettingValue> {
        match setting.kind {
            SettingKind::Choice(words) => self.choice(entry, words).map(SettingValue::Choice),
            SettingKind::Integer { min, max, .. } => {
                self.number(entry, min as f64, max as f64, true).map(|x| SettingValue::Integer(x as i64))
            }
            SettingKind::Number { min, max, .. } => self.number(entry, min, max, false).map(SettingValue::Number),
            SettingKind::Pitches(_) => self.list(entry, true),
            SettingKind::Numbers(_) => self.list(entry, false),
            SettingKind::Name(_) => self.outer_name(entry),
        }
    }

    /// The name of something outside the patch.
    fn outer_name(&mut self, entry: &Entry<'d, 't>) -> Option<SettingValue> {
        let text = self.string(entry, "a name, such as \"mic\"")?;
        if !is_outer_name(text) {
            let mut diagnostic = Diagnostic::error(codes::BAD_NAME, entry.span.clone(), format!("\"{}\" is no name", short(text)));
            diagnostic.help = Some(OUTER_NAME.to_owned());
            self.findings.report(diagnostic);
            return None;
        }
        Some(SettingValue::Name(text.to_owned()))
    }

    fn list(&mut self, entry: &Entry<'d, 't>, pitches: bool) -> Option<SettingValue> {
        let help = if pitches { "such as [\"D3\", \"-\", \"A3\"]" } else { "such as [0, 0.5, 1]" };
        if entry.broken {
            return None;
        }
        let DeValue::Array(array) = entry.value else {
            self.wrong_type(entry, "a list", help);
            return None;
        };
        if array.is_empty() || array.len() > LIST_MAX {
            let message = format!("`{}` has {} entries; a list has 1 to {LIST_MAX}", short(entry.key), array.len());
            self.findings.report(Diagnostic::error(codes::LIST_LENGTH, entry.span.clone(), message));
            return None;
        }
        let errors = self.findings.errors();
        let mut list = Vec::with_capacity(array.len());
        for value in array.iter() {
            let cell =
                Entry { key: entry.key, key_span: entry.key_span.clone(), value: value.get_ref(), span: value.span(), broken: false };
            let number = if pitches { self.pitch(&cell) } else { self.plain(&cell) };
            list.push(number.unwrap_or(0.0));
        }
        (self.findings.errors() == errors).then_some(SettingValue::List(list))
    }

    fn pitch(&mut self, cell: &Entry<'d, 't>) -> Option<f32> {
        if let DeValue::String(text) = cell.value {
            return match values::pitch_of_text(text) {
                Ok(pitch) => Some(pitch),
                Err(message) => {
                    match quantity::read(text) {
                        Err(fault) => self.fault(fault, &self.document.origin(text, &cell.span)),
                        Ok(_) => self.findings.report(Diagnostic::error(codes::WRONG_UNIT, cell.span.clone(), message)),
                    }
                    None
                }
            };
        }
        match self.quantity(cell)? {
            Quantity::Plain(number) => Some(values::pitch_of_number(number)),
            _ => None,
        }
    }

    fn plain(&mut self, cell: &Entry<'d, 't>) -> Option<f32> {
        match self.quantity(cell)? {
            Quantity::Plain(x) | Quantity::Percent(x) => Some(values::counted(crate::base::units::Unit::Number, x)),
            other => {
                let message = format!("this is {}, but `{}` takes plain numbers", other.what(), short(cell.key));
                self.findings.report(Diagnostic::error(codes::WRONG_UNIT, cell.span.clone(), message));
                None
            }
        }
    }
}
