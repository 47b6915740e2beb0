//! Products become the factors of a term: which numbers, controls and signals may be multiplied with which.

use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::units::{self, Unit};

use super::codes;
use super::expression::{Factor, Product};
use super::model::{Amount, Base, ControlId, Domain, Source};
use super::quantity::Quantity;
use super::scope::Found;
use super::sum::Lowering;
use super::values;

/// What a product came to.
pub(super) struct Piece {
    pub number: f64,
    /// A number stands in it, outside parentheses.
    pub written: bool,
    pub unit: bool,
    pub sources: Vec<Source>,
    pub keys: Vec<String>,
    pub identities: Vec<String>,
    /// The whole product is this.
    pub alone: Alone,
    pub broken: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Alone {
    No,
    Frequency(f64),
    Beats(f64),
    Control(ControlId),
}

impl Piece {
    fn times(&mut self, x: f64) {
        self.number *= x;
        self.written = true;
    }
}

impl Lowering<'_> {
    /// What a product comes to; `inside` parentheses no frequency can stand.
    pub fn product(&mut self, product: &Product<'_>, inside: bool) -> Piece {
        let errors = self.findings.errors();
        let mut piece = Piece {
            number: 1.0,
            written: false,
            unit: false,
            sources: Vec::new(),
            keys: Vec::new(),
            identities: Vec::new(),
            alone: Alone::No,
            broken: false,
        };
        let lone = product.factors.len() == 1;
        let mut decibels = false;
        let mut pulses = false;
        for factor in &product.factors {
            match factor {
                Factor::Number(quantity, span) => match *quantity {
                    Quantity::Decibels(x) if self.place.unit != Unit::Decibels => {
                        decibels = true;
                        piece.times(units::factor_from_decibels(x));
                    }
                    Quantity::Beats(beats) if matches!(self.place.unit, Unit::Gate | Unit::Trigger) => {
                        pulses = true;
                        self.pulses(beats, span, &mut piece);
                    }
                    quantity => self.number(quantity, span, lone && !inside, lone, &mut piece),
                },
                Factor::Name(name) => {
                    if let Some(found) = self.scope.resolve(name, self.findings) {
                        self.source(found, &name.span, lone, &mut decibels, inside, &mut piece);
                    } else {
                        piece.broken = true;
                    }
                }
                Factor::Group(expression, span) => {
                    let inner = self.sum(expression, true);
                    if inner.unit {
                        self.unit(span, &mut piece);
                    }
                    if inner.sum.terms.is_empty() {
                        if let Base::Number(Amount::Plain(x)) = inner.sum.base {
                            piece.number *= f64::from(x);
                        }
                    } else {
                        piece.sources.push(Source::Group(Box::new(inner.sum)));
                        piece.keys.push(inner.key);
                        piece.identities.push(format!("({})", inner.identity));
                    }
                }
            }
        }
        if pulses && piece.written {
            let message = "a pulse has no size".to_owned();
            self.wrong(codes::MUSICAL_TIME, &product.span, message, "leave the number out; a longer time gives fewer pulses");
        }
        let is_level = |source: &Source| matches!(source, Source::Control(id) if self.scope.controls[id.0].unit == Some(Unit::Decibels));
        if decibels && piece.sources.iter().all(is_level) && self.findings.errors() == errors {
            self.decibels_alone(product, &piece);
        }
        piece.broken |= self.findings.errors() != errors;
        piece
    }

    fn decibels_alone(&mut self, product: &Product<'_>, piece: &Piece) {
        let message = format!("a level in dB is a factor, and `{}` is not measured in dB", self.place.name);
        let mut diagnostic = Diagnostic::error(codes::DECIBELS_TERM, product.span.clone(), message)
            .help("multiply a signal by it, such as `osc * -6 dB`, or write the factor as a plain number");
        if piece.sources.is_empty() {
            diagnostic.fix = Some(values::spell_natural(Unit::Number, piece.number as f32));
        }
        self.findings.report(diagnostic);
    }

    fn pulses(&mut self, beats: f64, span: &Range<usize>, piece: &mut Piece) {
        if beats <= 0.0 {
            self.wrong(codes::OUT_OF_RANGE, span, "pulses are a length above 0 apart".to_owned(), "such as `1/16`");
        }
        piece.sources.push(Source::Pulses(beats));
        piece.keys.push("pulses".to_owned());
        piece.identities.push(format!("p{beats}"));
    }

    fn unit(&mut self, span: &Range<usize>, piece: &mut Piece) {
        if piece.unit {
            let message = "two factors of this product carry a unit".to_owned();
            self.wrong(codes::UNIT_TWICE, span, message, "one carries the unit, the others are plain numbers or signals");
        }
        piece.unit = true;
    }

    fn number(&mut self, quantity: Quantity, span: &Range<usize>, lone: bool, single: bool, piece: &mut Piece) {
        let unit = match quantity {
            Quantity::Plain(x) => return piece.times(x),
            Quantity::Percent(x) if !single || !matches!(self.place.unit, Unit::Hertz | Unit::Seconds | Unit::Decibels | Unit::Degrees) => {
                return piece.times(x);
            }
            Quantity::Frequency(octaves) if self.place.unit == Unit::Hertz => {
                if lone {
                    piece.alone = Alone::Frequency(octaves);
                } else {
                    self.frequency_in_product(span);
                }
                return;
            }
            Quantity::Beats(beats) if matches!(self.place.unit, Unit::Hertz | Unit::Seconds) => {
                if lone {
                    piece.alone = Alone::Beats(beats);
                } else {
                    let message = "a musical time cannot be multiplied or stand in parentheses".to_owned();
                    self.wrong(codes::MUSICAL_TIME, span, message, "write the length that is meant, such as `3/16` or `1/8t`");
                }
                return;
            }
            Quantity::Interval(_) => Unit::Octaves,
            Quantity::Seconds(_) => Unit::Seconds,
            Quantity::Decibels(_) => Unit::Decibels,
            Quantity::Degrees(_) => Unit::Degrees,
            _ => Unit::Audio,
        };
        if unit != Unit::Audio && self.carries(unit) {
            self.unit(span, piece);
            return piece.times(quantity.number());
        }
        let message = format!("this is {}, but `{}` takes {}", quantity.what(), self.place.name, takes(self.place.unit));
        self.findings.report(Diagnostic::error(codes::WRONG_UNIT, span.clone(), message).help(example(self.place.unit)));
    }

    fn frequency_in_product(&mut self, span: &Range<usize>) {
        let message = "a frequency cannot be multiplied or stand in parentheses".to_owned();
        self.wrong(codes::FREQUENCY_IN_PRODUCT, span, message, "move it with an interval: `root + 7 st`, `440 Hz + lfo * 1 st`");
    }

    fn source(&mut self, found: Found, span: &Range<usize>, lone: bool, decibels: &mut bool, inside: bool, piece: &mut Piece) {
        if self.place.knobs_only && !matches!(found.source, Source::Control(_)) {
            let message = format!("`{}` takes numbers and controls only", self.place.name);
            self.wrong(codes::KNOBS_ONLY, span, message, "it is set once for all voices, before they start");
        } else if found.voice && self.place.domain == Domain::Global && self.place.unit != Unit::Audio {
            let message = format!("each voice has its own `{}`, but `{}` exists once for the patch", found.key, self.place.name);
            let help =
                "voices are summed on audio inputs only; move the module to `[voice.…]`, or use `keys.gate`, `keys.pitch`, `keys.velocity`";
            self.wrong(codes::VOICE_TO_GLOBAL, span, message, help);
        }
        if let Source::Control(id) = found.source {
            self.control(id, span, lone, decibels, inside, piece);
            if lone {
                piece.alone = Alone::Control(id);
            }
        }
        // The same for the same source, however it is written.
        piece.identities.push(format!("{:?}", found.source));
        piece.sources.push(found.source);
        piece.keys.push(found.key);
    }

    fn control(&mut self, id: ControlId, span: &Range<usize>, lone: bool, decibels: &mut bool, inside: bool, piece: &mut Piece) {
        let place = self.place.unit;
        let knob = &mut self.scope.controls[id.0];
        let unlike = knob.musical && matches!(place, Unit::Hertz | Unit::Seconds) && knob.unit != Some(place);
        if unlike && knob.unit.replace(place).is_some() {
            let message = format!("`{}` is used as a length and as a rate", knob.name);
            return self.wrong(codes::MIXED_CONTROL, span, message, "make two controls of it");
        }
        let Some(unit) = self.scope.controls[id.0].unit else {
            return self.wrong_control(id, "a musical time", span);
        };
        match unit {
            Unit::Number => {}
            Unit::Decibels if place != Unit::Decibels => *decibels = true,
            Unit::Hertz if matches!(place, Unit::Hertz | Unit::Audio) => {
                if !lone || inside {
                    self.frequency_in_product(span);
                }
            }
            Unit::Octaves if place == Unit::Audio => {}
            unit if self.carries(unit) => self.unit(span, piece),
            Unit::Hertz => self.wrong_control(id, "a frequency", span),
            Unit::Octaves => self.wrong_control(id, "an interval", span),
            _ => self.wrong_control(id, "a time", span),
        }
    }

    fn wrong_control(&mut self, id: ControlId, what: &str, span: &Range<usize>) {
        let message = format!("`{}` is {what}, but `{}` takes {}", self.scope.controls[id.0].name, self.place.name, takes(self.place.unit));
        self.findings.report(Diagnostic::error(codes::WRONG_UNIT, span.clone(), message).help(example(self.place.unit)));
    }
}

/// What an input of this unit takes.
pub(super) fn takes(unit: Unit) -> &'static str {
    match unit {
        Unit::Audio => "signals and plain numbers",
        Unit::Hertz => "a frequency, pitches and intervals",
        Unit::Octaves => "intervals",
        Unit::Seconds => "a time",
        Unit::Decibels => "a level in dB",
        Unit::Number => "plain numbers",
        Unit::Degrees => "an angle",
        Unit::Gate => "gates: 0 or 1",
        Unit::Trigger => "triggers: 0 or 1",
    }
}

fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Audio => "such as `osc.saw * 0.5`",
        Unit::Hertz => "such as `440 Hz`, `A4`, `note.pitch + 7 st`, `env * 3 oct`",
        Unit::Octaves => "such as `7 st`, `2 oct` or `15 ct`",
        Unit::Seconds => "such as `250 ms`, `2 s` or `1/8`",
        Unit::Decibels => "such as `-6 dB`",
        Unit::Number => "such as `0.5` or `env * 0.3`",
        Unit::Degrees => "such as `90 deg`",
        Unit::Gate => "such as `note.gate`, or `1/8` for pulses in time",
        Unit::Trigger => "such as `note.trigger`, or `1/8` for pulses in time",
    }
}
