//! `[controls]`: the patch's front panel.

use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::units::Unit;
use crate::module::Curve;

use super::codes;
use super::document::Entry;
use super::model::{Amount, Control, ControlId};
use super::product::takes;
use super::quantity::Quantity;
use super::reading::{Reading, as_number};
use super::scope::{Knob, Meaning, short};
use super::values;

use toml::de::DeValue;

const KEYS: [&str; 7] = ["default", "min", "max", "curve", "midi", "osc", "text"];

/// A control before it is known whether its musical time is a length or a rate.
pub(super) struct Draft<'d, 't> {
    name: String,
    span: Range<usize>,
    default: (Quantity, Range<usize>),
    min: Option<(Quantity, Range<usize>)>,
    max: Option<(Quantity, Range<usize>)>,
    curve: Option<Entry<'d, 't>>,
    text: String,
    /// `midi` and `osc`.
    pub maps: Vec<Entry<'d, 't>>,
}

/// What a number's own unit says of a control.
fn unit_of(quantity: Quantity) -> Option<Unit> {
    match quantity {
        Quantity::Plain(_) => None,
        Quantity::Percent(_) | Quantity::Degrees(_) => Some(Unit::Number),
        Quantity::Frequency(_) => Some(Unit::Hertz),
        Quantity::Interval(_) => Some(Unit::Octaves),
        Quantity::Seconds(_) => Some(Unit::Seconds),
        Quantity::Decibels(_) => Some(Unit::Decibels),
        Quantity::Beats(_) => None,
    }
}

/// Where nothing is written [natural unit].
fn usual_range(unit: Unit, musical: bool) -> (f64, f64) {
    match unit {
        Unit::Hertz if musical => (0.05, 50.0),
        Unit::Hertz => (20.0, 20_000.0),
        Unit::Seconds => (0.001, 10.0),
        Unit::Octaves => (0.0, 4.0),
        Unit::Decibels => (-60.0, 6.0),
        _ => (0.0, 1.0),
    }
}

/// A curve as it is written; `None` where it is none.
pub(super) fn curve_of(value: &DeValue<'_>) -> Option<Curve> {
    match value {
        DeValue::String(text) if text == "linear" => Some(Curve::Linear),
        DeValue::String(text) if text == "log" => Some(Curve::Log),
        value => as_number(value).filter(|n| (0.01..=100.0).contains(n)).map(|n| Curve::Power(n as f32)),
    }
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads `[controls]` as far as that goes before anything uses them, and takes their names.
    pub fn control_drafts(&mut self, entries: &[Entry<'d, 't>]) -> Vec<Draft<'d, 't>> {
        let mut drafts = Vec::new();
        for entry in entries {
            let draft = if entry.broken { None } else { self.draft(entry) };
            let meaning = match &draft {
                Some(_) => Meaning::Control(ControlId(drafts.len())),
                None => Meaning::Broken,
            };
            self.scope.declare(entry.key, entry.key_span.clone(), meaning, &mut self.findings);
            if let Some(draft) = draft {
                let musical = matches!(draft.default.0, Quantity::Beats(_));
                let said = [Some(&draft.default), draft.min.as_ref(), draft.max.as_ref()];
                let unit = said.into_iter().flatten().find_map(|(quantity, _)| unit_of(*quantity));
                let unit = if musical { unit } else { Some(unit.unwrap_or(Unit::Number)) };
                self.scope.controls.push(Knob { name: draft.name.clone(), unit, musical });
                drafts.push(draft);
            }
        }
        drafts
    }

    fn draft(&mut self, entry: &Entry<'d, 't>) -> Option<Draft<'d, 't>> {
        let name = entry.key.to_owned();
        let span = entry.key_span.clone();
        let DeValue::Table(table) = entry.value else {
            let default = (self.quantity(entry)?, entry.span.clone());
            return Some(Draft { name, span, default, min: None, max: None, curve: None, text: String::new(), maps: Vec::new() });
        };
        let (mut default, mut min, mut max, mut curve) = (None, None, None, None);
        let mut text = String::new();
        let mut maps = Vec::new();
        let mut written = false;
        for field in self.entries(table) {
            let span = field.span.clone();
            match field.key {
                "default" => {
                    written = true;
                    default = self.quantity(&field).map(|quantity| (quantity, span));
                }
                "min" => min = self.quantity(&field).map(|quantity| (quantity, span)),
                "max" => max = self.quantity(&field).map(|quantity| (quantity, span)),
                "curve" => curve = Some(field),
                "text" => text = self.string(&field, "what the control does").unwrap_or("").to_owned(),
                "midi" | "osc" => maps.push(field),
                _ => self.unknown_key(&field, "a control", KEYS),
            }
        }
        if !written {
            let message = format!("control `{}` does not say where it starts", short(entry.key));
            self.findings.report(Diagnostic::error(codes::MISSING_KEY, entry.key_span.clone(), message).help("add `default = …`"));
        }
        Some(Draft { name, span, default: default?, min, max, curve, text, maps })
    }

    /// The control that a draft came to, now that its unit is known. Where it is wrong, which has then been reported, something
    /// stands in for it, so that the others keep their numbers.
    pub fn control(&mut self, id: ControlId, draft: &Draft<'d, 't>) -> Control {
        let unit = self.scope.controls[id.0].unit.unwrap_or(Unit::Seconds);
        self.sound_control(id, draft).unwrap_or(Control {
            name: draft.name.clone(),
            unit,
            default: Amount::Plain(0.0),
            min: 0.0,
            max: 1.0,
            curve: Curve::Linear,
            text: String::new(),
            depth_at: None,
            span: draft.span.clone(),
        })
    }

    fn sound_control(&mut self, id: ControlId, draft: &Draft<'d, 't>) -> Option<Control> {
        let errors = self.findings.errors();
        let knob = &self.scope.controls[id.0];
        let (unit, musical) = (knob.unit.unwrap_or(Unit::Seconds), knob.musical);
        let default = self.settled(&draft.default, unit)?;
        let (low, high) = usual_range(unit, musical);
        let mut min = values::counted(unit, low);
        let mut max = values::counted(unit, high);
        if let Amount::Plain(value) = default {
            // A range that is not written holds the default in any case.
            min = min.min(value);
            max = max.max(value);
        }
        for (end, written) in [(&mut min, &draft.min), (&mut max, &draft.max)] {
            match written.as_ref().map(|written| self.settled(written, unit)) {
                Some(Some(Amount::Plain(value))) => *end = value,
                Some(Some(Amount::Beats(_))) => {
                    let span = written.as_ref().map_or(0..0, |(_, span)| span.clone());
                    let message = "the range of a control is not musical";
                    let help = "write it in seconds or Hz: the default may be musical all the same";
                    self.findings.report(Diagnostic::error(codes::MUSICAL_TIME, span, message).help(help));
                }
                _ => {}
            }
        }
        if self.findings.errors() != errors {
            return None;
        }
        let spell = |value| values::spell(unit, value);
        if min >= max {
            let span = draft.min.as_ref().or(draft.max.as_ref()).map_or(draft.span.clone(), |(_, span)| span.clone());
            let message = format!("the range from {} to {} is empty", spell(min), spell(max));
            self.findings.report(Diagnostic::error(codes::CONTROL_RANGE, span, message).help("min is below max"));
        } else if let Amount::Plain(value) = default
            && !(min..=max).contains(&value)
        {
            let message = format!("`{}` goes from {} to {}, and starts at {}", draft.name, spell(min), spell(max), spell(value));
            let help = "let the default lie between min and max";
            self.findings.report(Diagnostic::error(codes::CONTROL_RANGE, draft.default.1.clone(), message).help(help));
        }
        let usual =
            if values::natural(unit, min) > 0.0 && matches!(unit, Unit::Hertz | Unit::Seconds) { Curve::Log } else { Curve::Linear };
        let curve = match &draft.curve {
            Some(entry) => self.curve(entry, unit, min, max)?,
            None => usual,
        };
        let (name, text, span) = (draft.name.clone(), draft.text.clone(), draft.span.clone());
        Some(Control { name, unit, default, min, max, curve, text, depth_at: None, span })
    }

    /// A curve that fits a range of counted values.
    pub fn curve(&mut self, entry: &Entry<'d, 't>, unit: Unit, min: f32, max: f32) -> Option<Curve> {
        if entry.broken {
            return None;
        }
        let help = "\"linear\", \"log\", or an exponent such as 2";
        let wrong = match curve_of(entry.value) {
            None => "this is no curve".to_owned(),
            Some(Curve::Log) if values::natural(unit, min) * values::natural(unit, max) <= 0.0 => {
                format!("a logarithmic curve cannot reach 0, and the range is {} to {}", values::spell(unit, min), values::spell(unit, max))
            }
            Some(curve) => return Some(curve),
        };
        self.findings.report(Diagnostic::error(codes::BAD_CURVE, entry.span.clone(), wrong).help(help));
        None
    }

    /// A written number in a control's unit.
    fn settled(&mut self, (quantity, span): &(Quantity, Range<usize>), unit: Unit) -> Option<Amount> {
        // On a frequency control an interval would be no place.
        let fits = !matches!((quantity, unit), (Quantity::Interval(_), Unit::Hertz));
        match values::settle(*quantity, unit) {
            Ok(amount) if fits => Some(amount),
            Err(_) if matches!((quantity, unit), (Quantity::Degrees(_), Unit::Number)) => {
                Some(Amount::Plain(values::counted(Unit::Number, quantity.number())))
            }
            _ => {
                let message = format!("this is {}, and the control takes {}", quantity.what(), takes(unit));
                let help = "default, min and max are of one unit";
                self.findings.report(Diagnostic::error(codes::WRONG_UNIT, span.clone(), message).help(help));
                None
            }
        }
    }
}
