//! Expressions become sums: the rules of units.
//!
//! Every sum counts in its input's unit. A product holds at most one factor with that unit; all others are plain. A frequency is
//! a place, not a distance: it stands alone, once.

use std::collections::HashMap;
use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::units::{self, Unit};

use super::codes;
use super::expression::{Expression, Product};
use super::findings::Findings;
use super::model::{Amount, Base, ControlId, Domain, Sum, Term};
use super::product::{Alone, Piece};
use super::scope::Scope;
use super::values;

/// Where a sum stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// As it is told: `filter.cutoff`.
    pub name: String,
    pub unit: Unit,
    /// Lowest and highest value [natural unit]; `None` where any number goes.
    pub range: Option<(f32, f32)>,
    pub domain: Domain,
    /// Only numbers and controls.
    pub knobs_only: bool,
}

/// A sum and what is still to be asked of it.
#[derive(Debug)]
pub(super) struct Lowered {
    pub sum: Sum,
    /// On a frequency input: no frequency is written, so that a pitch must be.
    pub needs_pitch: bool,
}

/// Turns an expression into a sum; `None` where that fails, which has then been reported.
pub(super) fn lower(expression: &Expression<'_>, place: &Place, scope: &mut Scope, findings: &mut Findings) -> Option<Lowered> {
    let errors = findings.errors();
    let mut lowering = Lowering { place, scope, findings };
    let inner = lowering.sum(expression, false);
    (findings.errors() == errors).then_some(Lowered { sum: inner.sum, needs_pitch: place.unit == Unit::Hertz && !inner.frequency })
}

/// One expression on its way.
pub(super) struct Lowering<'a> {
    pub place: &'a Place,
    pub scope: &'a mut Scope,
    pub findings: &'a mut Findings,
}

/// What a sum, whole or in parentheses, came to.
pub(super) struct Inner {
    pub sum: Sum,
    /// Something in it carries the input's unit.
    pub unit: bool,
    /// A frequency stands in it.
    pub frequency: bool,
    pub key: String,
    pub identity: String,
}

impl Lowering<'_> {
    pub fn wrong(&mut self, code: &'static str, span: &Range<usize>, message: String, help: impl Into<String>) {
        self.findings.report(Diagnostic::error(code, span.clone(), message).help(help));
    }

    /// The unit that one factor of a product may carry.
    pub fn carries(&self, unit: Unit) -> bool {
        match self.place.unit {
            Unit::Hertz | Unit::Octaves => unit == Unit::Octaves,
            place @ (Unit::Seconds | Unit::Decibels | Unit::Degrees) => unit == place,
            _ => false,
        }
    }

    pub fn sum(&mut self, expression: &Expression<'_>, inside: bool) -> Inner {
        let errors = self.findings.errors();
        let alone = expression.products.len() == 1;
        let mut totals = Totals::default();
        let mut terms = Vec::new();
        let mut controls = Vec::new();
        let mut seen: HashMap<String, Range<usize>> = HashMap::new();
        let (mut keys, mut identities) = (Vec::new(), Vec::new());
        let mut unit = false;
        for product in &expression.products {
            let mut piece = self.product(product, inside);
            if piece.broken {
                continue;
            }
            unit |= piece.unit;
            if piece.sources.is_empty() {
                self.constant(&piece, product, alone && !inside, inside, &mut totals);
                continue;
            }
            if let Alone::Control(id) = piece.alone {
                let is_frequency = matches!(self.place.unit, Unit::Hertz) && self.scope.controls[id.0].unit == Some(Unit::Hertz);
                if is_frequency {
                    self.frequency(&product.span, &mut totals);
                }
                controls.push((terms.len(), is_frequency, id));
            }
            piece.identities.sort_unstable();
            let identity = piece.identities.join("*");
            let key = piece.keys.join("-");
            // Two knobs of one address would be a mistake too, such as of `(a) * 0.5 + a * 0.2`.
            let address = (piece.written && !inside).then(|| format!("/{key}"));
            let known = seen.get(&identity).or_else(|| address.as_ref().and_then(|address| seen.get(address)));
            if let Some(first) = known.cloned() {
                self.findings.report(
                    Diagnostic::error(
                        codes::SAME_SOURCES,
                        product.span.clone(),
                        format!("`{}` stands twice in this sum", piece.keys.join(" * ")),
                    )
                    .label(first, "first here")
                    .help("add up their numbers in one term"),
                );
            }
            let key_of_term = if address.is_some() { key.clone() } else { String::new() };
            for name in address.into_iter().chain([identity.clone()]) {
                seen.insert(name, product.span.clone());
            }
            keys.push(key);
            identities.push(identity);
            terms.push(Term { depth: self.finite(piece.number, &product.span), key: key_of_term, sources: piece.sources });
        }
        self.mixed_units(&totals, unit || totals.unit, inside);
        let base = self.base(&totals, inside, &mut terms, &controls);
        if alone && !inside && terms.is_empty() && self.findings.errors() == errors {
            self.in_range(base, &expression.products[0].span);
        }
        identities.sort_unstable();
        Inner {
            sum: Sum { base, terms, text: String::new(), span: 0..0 },
            unit: unit || totals.unit,
            frequency: totals.frequency.is_some(),
            key: keys.join("+"),
            identity: identities.join("+"),
        }
    }

    /// A term that is only numbers.
    fn constant(&mut self, piece: &Piece, product: &Product<'_>, alone: bool, inside: bool, totals: &mut Totals) {
        totals.written = true;
        totals.span.get_or_insert(product.span.clone());
        match (piece.alone, self.place.unit) {
            (Alone::Frequency(octaves), _) => {
                self.frequency(&product.span, totals);
                totals.number += octaves;
            }
            (Alone::Beats(beats), unit) => {
                if unit == Unit::Hertz {
                    self.frequency(&product.span, totals);
                    if beats <= 0.0 {
                        self.wrong(codes::OUT_OF_RANGE, &product.span, "a rate is once per a length above 0".to_owned(), "such as `1/8`");
                    }
                }
                totals.beats = Some(totals.beats.unwrap_or(0.0) + beats);
            }
            _ if piece.unit => {
                totals.number += piece.number;
                totals.unit = true;
            }
            _ if alone && !inside => {
                if self.place.unit == Unit::Hertz {
                    self.frequency(&product.span, totals);
                    if piece.number <= 0.0 {
                        let message = format!("`{}` is a frequency, which is above 0", self.place.name);
                        return self.wrong(codes::OUT_OF_RANGE, &product.span, message, "such as `440 Hz`");
                    }
                    totals.number += units::octaves_from_hertz(piece.number);
                } else {
                    totals.number += piece.number;
                }
            }
            (_, Unit::Hertz | Unit::Seconds | Unit::Decibels) if !inside => {
                let units = match self.place.unit {
                    Unit::Hertz => "`800 Hz` or `7 st`",
                    Unit::Seconds => "`250 ms`",
                    _ => "`-6 dB`",
                };
                self.wrong(
                    codes::NEEDS_UNIT,
                    &product.span,
                    "a number beside other terms must say its unit here".to_owned(),
                    format!("such as {units}"),
                );
            }
            _ => {
                totals.number += piece.number;
                totals.plain.get_or_insert(product.span.clone());
            }
        }
    }

    /// In parentheses, numbers with a unit and numbers without do not add up.
    fn mixed_units(&mut self, totals: &Totals, unit: bool, inside: bool) {
        if let (Some(span), true, true) = (&totals.plain, unit, inside) {
            let message = "a number beside others that say their unit must say its own".to_owned();
            self.wrong(codes::NEEDS_UNIT, &span.clone(), message, "give all of them a unit, or none");
        }
        if totals.beats.is_some() && totals.unit && self.place.unit == Unit::Seconds {
            let span = totals.span.clone().unwrap_or(0..0);
            let message = "a musical time and a time in seconds do not add up".to_owned();
            self.wrong(codes::MUSICAL_TIME, &span, message, "a musical time follows the tempo, seconds do not: keep one kind");
        }
    }

    fn frequency(&mut self, span: &Range<usize>, totals: &mut Totals) {
        match &totals.frequency {
            None => totals.frequency = Some(span.clone()),
            Some(first) => self.findings.report(
                Diagnostic::error(codes::TWO_FREQUENCIES, span.clone(), "a sum holds at most one frequency")
                    .label(first.clone(), "the first")
                    .help("move it with an interval, such as `7 st` or `2 oct`"),
            ),
        }
    }

    /// What the input's address sets: the number in the sum, else a control that stands alone, else 0.
    fn base(&mut self, totals: &Totals, inside: bool, terms: &mut Vec<Term>, controls: &[(usize, bool, ControlId)]) -> Base {
        let span = totals.span.clone().unwrap_or(0..0);
        if let Some(beats) = totals.beats {
            if beats < 0.0 && self.place.unit == Unit::Seconds {
                self.wrong(codes::OUT_OF_RANGE, &span, "a length is not below 0".to_owned(), "such as `1/8`");
            }
            // An interval beside a rate moves it.
            let beats = if self.place.unit == Unit::Hertz { beats * libm::exp2(-totals.number) } else { beats };
            return Base::Number(Amount::Beats(beats));
        }
        if !inside && !totals.written {
            let chosen = controls.iter().find(|(_, frequency, _)| *frequency).or(controls.first());
            if let Some((at, _, id)) = chosen {
                terms.remove(*at);
                return Base::Control(*id);
            }
        }
        Base::Number(Amount::Plain(self.finite(totals.number, &span)))
    }

    fn in_range(&mut self, base: Base, span: &Range<usize>) {
        let (Base::Number(Amount::Plain(value)), Some((low, high))) = (base, self.place.range) else { return };
        let natural = values::natural(self.place.unit, value) as f32;
        let slack = (low.abs().max(high.abs())) * 1e-5;
        if natural < low - slack || natural > high + slack {
            let (low, high) = (values::spell_natural(self.place.unit, low), values::spell_natural(self.place.unit, high));
            let message = format!("`{}` goes from {low} to {high}", self.place.name);
            self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, span.clone(), message));
        }
    }

    fn finite(&mut self, number: f64, span: &Range<usize>) -> f32 {
        let number = number as f32;
        if number.is_finite() {
            return number;
        }
        self.wrong(codes::NOT_FINITE, span, "the numbers come to more than can be counted".to_owned(), "write smaller numbers");
        0.0
    }
}

/// What the numbers of a sum add up to.
#[derive(Default)]
struct Totals {
    number: f64,
    beats: Option<f64>,
    frequency: Option<Range<usize>>,
    unit: bool,
    plain: Option<Range<usize>>,
    written: bool,
    span: Option<Range<usize>>,
}
