//! Reading the values of a document, each as what it must be.

use toml::de::{DeTable, DeValue};

use crate::base::diagnostic::Diagnostic;

use super::codes;
use super::document::{Document, Entry, Origin};
use super::expression::{self, Expression, Factor, Product};
use super::findings::Findings;
use super::include::{Files, Included, Shelf};
use super::model::{ControlId, Sum};
use super::quantity::{self, Fault, Quantity};
use super::scope::{Scope, short};
use super::sum::{self, Place};
use crate::base::units::Unit;

/// One file while it is read.
pub(super) struct Reading<'d, 't> {
    pub document: &'d Document<'t>,
    pub findings: Findings,
    pub scope: Scope,
    /// Where included files come from.
    pub files: Option<&'d dyn Files>,
    pub shelf: Shelf,
    pub includes: Vec<Included<'d, 't>>,
    /// Further names of controls.
    pub aliases: Vec<(String, ControlId)>,
}

impl<'d, 't> Reading<'d, 't> {
    /// A file of which nothing is read, and which includes no other.
    pub fn new(document: &'d Document<'t>, findings: Findings) -> Self {
        let (scope, shelf) = (Scope::default(), Shelf::default());
        Self { document, findings, scope, files: None, shelf, includes: Vec::new(), aliases: Vec::new() }
    }
}

/// What a value is, in the words of a user.
fn what(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A TOML number, which may be infinite or none; `None` where the value is no number.
pub(super) fn as_number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(integer) => {
            Some(i128::from_str_radix(integer.as_str(), integer.radix()).map_or(f64::INFINITY, |number| number as f64))
        }
        DeValue::Float(float) => Some(float.as_str().parse().unwrap_or(f64::NAN)),
        _ => None,
    }
}

impl<'d, 't> Reading<'d, 't> {
    /// Reports a value of the wrong kind.
    pub fn wrong_type(&mut self, entry: &Entry<'d, 't>, wanted: &str, help: &str) {
        if !entry.broken {
            let message = format!("`{}` must be {wanted}, and this is {}", short(entry.key), what(entry.value));
            self.findings.report(Diagnostic::error(codes::WRONG_TYPE, entry.span.clone(), message).help(help));
        }
    }

    /// Reports a key that does not belong where it stands.
    pub fn unknown_key<'a>(&mut self, entry: &Entry<'d, 't>, place: &str, candidates: impl IntoIterator<Item = &'a str>) {
        let candidates: Vec<_> = candidates.into_iter().collect();
        let message = format!("there is no `{}` in {place}", short(entry.key));
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message);
        diagnostic.help = Some(format!("{place} takes {}", candidates.join(" ")));
        diagnostic.fix = self.findings.nearest(entry.key, candidates).map(str::to_owned);
        self.findings.report(diagnostic);
    }

    /// The entries of a table; reports anything else.
    pub fn table(&mut self, entry: &Entry<'d, 't>, help: &str) -> Option<Vec<Entry<'d, 't>>> {
        match entry.value {
            DeValue::Table(table) => Some(self.entries(table)),
            _ => {
                self.wrong_type(entry, "a table", help);
                None
            }
        }
    }

    /// The entries of a table in the order of the file.
    pub fn entries(&self, table: &'d DeTable<'t>) -> Vec<Entry<'d, 't>> {
        self.document.entries(table)
    }

    /// Text; reports anything else.
    pub fn string(&mut self, entry: &Entry<'d, 't>, help: &str) -> Option<&'d str> {
        match entry.value {
            _ if entry.broken => None,
            DeValue::String(text) => Some(text),
            _ => {
                self.wrong_type(entry, "text in quotes", help);
                None
            }
        }
    }

    /// True or false; reports anything else.
    pub fn boolean(&mut self, entry: &Entry<'d, 't>) -> Option<bool> {
        match entry.value {
            _ if entry.broken => None,
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong_type(entry, "true or false", "written without quotes");
                None
            }
        }
    }

    /// A number in a range, whole where wanted; reports anything else.
    pub fn number(&mut self, entry: &Entry<'d, 't>, min: f64, max: f64, whole: bool) -> Option<f64> {
        let wanted = format!("a {}number from {min} to {max}", if whole { "whole " } else { "" });
        let number = match (entry.value, as_number(entry.value)) {
            _ if entry.broken => return None,
            (DeValue::Float(_), Some(x)) if whole && x.is_finite() => {
                self.wrong_type(entry, &wanted, "write it without a point");
                return None;
            }
            (_, Some(number)) => number,
            (_, None) => {
                self.wrong_type(entry, &wanted, "written without quotes");
                return None;
            }
        };
        if !number.is_finite() && !matches!(entry.value, DeValue::Integer(_)) {
            self.not_finite(entry);
            return None;
        }
        if number < min || number > max {
            let message = format!("`{}` goes from {min} to {max}", short(entry.key));
            self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, entry.span.clone(), message));
            return None;
        }
        Some(number)
    }

    fn not_finite(&mut self, entry: &Entry<'d, 't>) {
        let message = format!("`{}` must be a finite number", short(entry.key));
        self.findings
            .report(Diagnostic::error(codes::NOT_FINITE, entry.span.clone(), message).help("neither nan nor inf, and not beyond 1e38"));
    }

    /// One of some words, by its index; reports anything else.
    pub fn choice(&mut self, entry: &Entry<'d, 't>, words: &[&'static str]) -> Option<usize> {
        let text = self.string(entry, &format!("one of {}", words.join(" ")))?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let message = format!("`{}` does not know \"{}\"", short(entry.key), short(text));
            let mut diagnostic = Diagnostic::error(codes::UNKNOWN_CHOICE, entry.span.clone(), message);
            diagnostic.help = Some(format!("one of {}", words.join(" ")));
            diagnostic.fix = self.findings.nearest(text, words.iter().copied()).map(|word| format!("\"{word}\""));
            self.findings.report(diagnostic);
        }
        found
    }

    /// Reports why a text is no quantity.
    pub fn fault(&mut self, fault: Fault, origin: &Origin) {
        let diagnostic = Diagnostic::error(fault.code, origin.span(fault.from, fault.to), fault.message);
        let fix = fault.fix.filter(|_| origin.exact());
        self.findings.report(Diagnostic { help: fault.help, fix, ..diagnostic });
    }

    /// One number with or without a unit; reports anything else.
    pub fn quantity(&mut self, entry: &Entry<'d, 't>) -> Option<Quantity> {
        if entry.broken {
            return None;
        }
        match entry.value {
            DeValue::String(text) => match quantity::read(text) {
                Ok(quantity) => Some(quantity),
                Err(fault) => {
                    self.fault(fault, &self.document.origin(text, &entry.span));
                    None
                }
            },
            DeValue::Boolean(value) => Some(Quantity::Plain(f64::from(u8::from(*value)))),
            value => match as_number(value) {
                Some(x) if x.abs() <= f64::from(f32::MAX) => Some(Quantity::Plain(x)),
                Some(_) => {
                    self.not_finite(entry);
                    None
                }
                None => {
                    self.wrong_type(entry, "a number or text", "such as 0.5 or \"800 Hz\"");
                    None
                }
            },
        }
    }

    /// The sum that stands at an input.
    pub fn sum(&mut self, entry: &Entry<'d, 't>, place: &Place) -> Option<sum::Lowered> {
        let told = self.findings.told();
        let lowered = self
            .expression(entry, place.unit)
            .and_then(|(expression, text)| Some((sum::lower(&expression, place, &mut self.scope, &mut self.findings)?, text)));
        if let DeValue::String(text) = entry.value
            && self.findings.told() > told
            && !self.document.origin(text, &entry.span).exact()
        {
            self.findings.without_fixes_since(told);
        }
        let (lowered, text) = lowered?;
        let sum = Sum { text: text.to_owned(), span: entry.span.clone(), ..lowered.sum };
        Some(sum::Lowered { sum, ..lowered })
    }

    fn expression(&mut self, entry: &Entry<'d, 't>, unit: Unit) -> Option<(Expression<'d>, &'d str)>
    where
        't: 'd,
    {
        let switch = matches!(unit, Unit::Gate | Unit::Trigger | Unit::Number);
        let number = match entry.value {
            _ if entry.broken => return None,
            DeValue::String(text) => {
                let origin = self.document.origin(text, &entry.span);
                return match expression::read(text, &origin, &mut self.findings) {
                    Ok(expression) => Some((expression, &**text)),
                    Err(understood) => {
                        // Its names are looked at all the same: one run tells every mistake.
                        understood.names(&mut |name| drop(self.scope.resolve(name, &mut self.findings)));
                        None
                    }
                };
            }
            DeValue::Boolean(value) if switch => Some(f64::from(u8::from(*value))),
            value => as_number(value),
        };
        let Some(number) = number else {
            self.wrong_type(entry, "a number or an expression in quotes", "such as 0.5 or \"osc.saw * 0.5\"");
            return None;
        };
        if number.abs() <= f64::from(f32::MAX) {
            let factors = vec![Factor::Number(Quantity::Plain(number), entry.span.clone())];
            let expression = Expression { products: vec![Product { factors, span: entry.span.clone() }] };
            return Some((expression, self.document.bare(&entry.span)));
        }
        self.not_finite(entry);
        None
    }
}
