//! A unit and a range: how a number that comes from outside is counted, kept in range, and laid over a knob's travel.

use crate::base::units::{Unit, octaves_from_hertz};
use crate::module::Curve;
use crate::patch::{Amount, What, values};

use super::value::Value;

/// Depths go as far as this, whatever they are measured in.
const DEPTH: f64 = 1000.0;

/// The scale of one number; its range is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// What it is measured in.
    pub unit: Unit,
    /// Lowest.
    pub min: f32,
    /// Highest.
    pub max: f32,
    /// How a travel of 0..1 is laid over the range in natural units.
    pub curve: Curve,
    /// It is the depth of a term at an input of this unit; then its range is only that of a knob's travel.
    pub depth_at: Option<Unit>,
}

/// What a value from outside comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Read {
    /// Counted, in range.
    pub amount: Amount,
    /// It was out of range: the nearest in range was taken.
    pub clipped: bool,
}

/// Why a value cannot be taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Unreadable {
    /// NaN or infinite.
    NotFinite,
    /// Of another type or unit; one sentence.
    Wrong(String),
}

impl Scale {
    /// A plain factor, 0..1.
    pub const FACTOR: Self = Self::linear(Unit::Number, 0.0, 1.0);
    /// A level of the mixer; its lowest is silence.
    pub const LEVEL: Self = Self::linear(Unit::Decibels, -60.0, 6.0);
    /// A place between left and right.
    pub const PAN: Self = Self::linear(Unit::Number, -1.0, 1.0);
    /// 0 or 1.
    pub const SWITCH: Self = Self::linear(Unit::Gate, 0.0, 1.0);
    /// Beats a minute.
    pub const TEMPO: Self = Self { curve: Curve::Log, ..Self::linear(Unit::Number, 10.0, 1000.0) };

    /// Equal steps from one end to the other.
    pub const fn linear(unit: Unit, min: f32, max: f32) -> Self {
        Self { unit, min, max, curve: Curve::Linear, depth_at: None }
    }

    /// As the patch's address declares it. A setting has none: it counts as a factor. `[control]`
    pub fn of_address(what: &What) -> Self {
        match what {
            What::Value(range) => Self { curve: range.curve, ..Self::linear(range.unit, range.min, range.max) },
            What::Depth { unit, range, .. } => Self::depth(*unit, *range),
            What::Setting(_) => Self::FACTOR,
        }
    }

    /// Of a depth at an input of this unit; the range is only that of a knob's travel. `[control]`
    pub const fn depth(at: Unit, range: (f32, f32)) -> Self {
        let unit = match at {
            Unit::Hertz | Unit::Octaves => Unit::Octaves,
            Unit::Seconds | Unit::Decibels | Unit::Degrees => at,
            Unit::Audio | Unit::Number | Unit::Gate | Unit::Trigger => Unit::Number,
        };
        Self { depth_at: Some(at), ..Self::linear(unit, range.0, range.1) }
    }

    /// Whether values are events, never merged and never smoothed. `[control]`
    pub fn is_event(&self) -> bool {
        matches!(self.unit, Unit::Gate | Unit::Trigger) && self.depth_at.is_none()
    }

    /// What a value comes to. A text may carry its unit.
    ///
    /// # Errors
    /// Where it is no number of this unit. `[control]`
    pub fn read(&self, value: &Value) -> Result<Read, Unreadable> {
        if value.is_not_finite() {
            return Err(Unreadable::NotFinite);
        }
        let plain = |counted: f32| Read { amount: Amount::Plain(self.within(counted)), clipped: self.outside(counted) };
        match (value, self.depth_at) {
            (Value::Text(text), Some(at)) => values::depth_of_text(at, text).map(plain).map_err(Unreadable::Wrong),
            (Value::Text(text), None) if value.number().is_none() => match values::amount_of_text(self.unit, text) {
                Ok(Amount::Plain(x)) => Ok(plain(x)),
                Ok(beats) => Ok(Read { amount: beats, clipped: false }),
                Err(text) => Err(Unreadable::Wrong(text)),
            },
            _ => match value.number() {
                Some(x) => Ok(plain(values::counted(self.unit, x))),
                None => Err(Unreadable::Wrong(format!("a number is wanted; {value} is none"))),
            },
        }
    }

    /// The nearest counted value in range. `[control]`
    pub fn within(&self, counted: f32) -> f32 {
        let (min, max) = self.bounds();
        counted.clamp(min, max)
    }

    /// A bound as it is rounded on its way here is still in range.
    fn outside(&self, counted: f32) -> bool {
        let (min, max) = self.bounds();
        let slack = 1e-6 * (max - min);
        counted < min - slack || counted > max + slack
    }

    fn bounds(&self) -> (f32, f32) {
        match self.depth_at {
            Some(_) => (-DEPTH as f32, DEPTH as f32),
            None => (self.min.min(self.max), self.max.max(self.min)),
        }
    }

    /// The counted value at a place of the travel, 0..1. `[control]`
    pub fn at_travel(&self, travel: f64) -> f32 {
        values::from_travel(travel as f32, self.curve, self.min, self.max, self.unit)
    }

    /// The place of the travel, 0..1, of an amount at a tempo [beats a minute]. `[control]`
    pub fn travel_of(&self, amount: Amount, tempo: f64) -> f64 {
        let counted = match amount {
            Amount::Plain(x) => x,
            Amount::Beats(beats) => self.of_beats(beats, tempo),
        };
        f64::from(values::to_travel(counted, self.curve, self.min, self.max, self.unit))
    }

    /// What so many beats are at a tempo [beats a minute], counted. `[control]`
    pub fn of_beats(&self, beats: f64, tempo: f64) -> f32 {
        let seconds = beats * 60.0 / tempo;
        match self.unit {
            Unit::Hertz => octaves_from_hertz(1.0 / seconds.max(1e-9)) as f32,
            _ => seconds as f32,
        }
    }

    /// As a value is answered: a number in the natural unit, or a musical time as text. `[control]`
    pub fn tell(&self, amount: Amount) -> Value {
        match amount {
            Amount::Plain(x) if self.unit == Unit::Hertz && self.depth_at.is_none() => {
                Value::Number(six_digits(values::natural(self.unit, x)))
            }
            Amount::Plain(x) => Value::Number(values::natural(self.unit, x)),
            beats @ Amount::Beats(_) => Value::Text(values::spell_amount(self.unit, beats)),
        }
    }
}

/// A number as far as octaves in f32 tell it apart.
fn six_digits(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let unit = libm::pow(10.0, libm::floor(libm::log10(x.abs())) - 5.0);
    libm::round(x / unit) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cutoff() -> Scale {
        let range = [20.0, 20_000.0].map(|hertz| octaves_from_hertz(hertz) as f32);
        Scale { curve: Curve::Log, ..Scale::linear(Unit::Hertz, range[0], range[1]) }
    }

    const GLIDE: Scale = Scale { curve: Curve::Power(3.0), ..Scale::linear(Unit::Seconds, 0.0, 10.0) };

    fn plain(read: Result<Read, Unreadable>) -> f32 {
        match read.expect("readable").amount {
            Amount::Plain(x) => x,
            Amount::Beats(_) => panic!("no beats are wanted"),
        }
    }

    #[test]
    fn numbers_of_any_type_are_taken() {
        let hertz = 4.0 * crate::base::units::C4_HZ;
        for value in [Value::Number(hertz), Value::Text(format!(" {hertz} ")), Value::Text(format!("{hertz} Hz")), "C6".into()] {
            assert!((plain(cutoff().read(&value)) - 2.0).abs() < 1e-5, "{value:?}");
        }
        assert!(plain(cutoff().read(&Value::Integer(262))).abs() < 3e-3);
        assert_eq!(plain(Scale::FACTOR.read(&Value::Bool(true))), 1.0);
        assert_eq!(GLIDE.read(&"1/8".into()).map(|read| read.amount), Ok(Amount::Beats(0.5)));
        for wrong in [Value::Text("loud".into()), Value::Other('b'), Value::Text("3 s".into())] {
            assert!(matches!(cutoff().read(&wrong), Err(Unreadable::Wrong(_))), "{wrong:?}");
        }
        for not in [Value::Number(f64::NAN), Value::Number(f64::INFINITY), "nan".into(), "-inf".into()] {
            assert_eq!(cutoff().read(&not), Err(Unreadable::NotFinite), "{not:?}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_clipped_and_told() {
        for (hertz, taken, clipped) in [(30_000.0, 20_000.0, true), (-5.0, 20.0, true), (20_000.0, 20_000.0, false), (20.0, 20.0, false)] {
            let read = cutoff().read(&Value::Number(hertz)).expect("readable");
            assert_eq!(read.clipped, clipped, "{hertz}");
            let Value::Number(told) = cutoff().tell(read.amount) else { panic!("a number is told") };
            assert!((told - taken).abs() < 1e-2, "{told}");
        }
    }

    #[test]
    fn depths_have_no_bounds_but_sense() {
        let depth = Scale::depth(Unit::Hertz, (-3.0, 3.0));
        assert_eq!(plain(depth.read(&"-12 st".into())), -1.0);
        assert_eq!(depth.read(&Value::Number(7.5)), Ok(Read { amount: Amount::Plain(7.5), clipped: false }));
        assert_eq!(depth.read(&Value::Number(1e30)), Ok(Read { amount: Amount::Plain(1000.0), clipped: true }));
        assert!((plain(Scale::depth(Unit::Audio, (-1.0, 1.0)).read(&"-6 dB".into())) - 0.501).abs() < 1e-3);
    }

    #[test]
    fn travel_and_back() {
        for scale in [cutoff(), GLIDE, Scale::LEVEL, Scale::TEMPO] {
            for step in 0..=10 {
                let x = f64::from(step) / 10.0;
                assert!((scale.travel_of(Amount::Plain(scale.at_travel(x)), 120.0) - x).abs() < 1e-3, "{scale:?} at {x}");
            }
        }
        assert!((values::natural(Unit::Hertz, cutoff().at_travel(0.5)) - 632.455).abs() < 0.1);
        assert!((cutoff().of_beats(0.5, 120.0) - octaves_from_hertz(4.0) as f32).abs() < 1e-6);
    }
}
