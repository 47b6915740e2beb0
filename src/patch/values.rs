//! Values given as text or as a knob's travel, and how they are spelt.
//!
//! *Natural* is what users write and read (Hz, s, oct, dB, deg); *counted* is what sums hold (octaves above C4 for frequencies,
//! else the same).

use crate::base::names::{OUTER_NAME, is_outer_name};
use crate::base::units::{self, Unit};
use crate::module::{Curve, SettingKind, SettingValue};

use super::model::Amount;
use super::product::takes;
use super::quantity::{self, Quantity};

/// The lowest frequency that is counted [Hz]; a frequency of 0 or below counts as this.
const LOWEST_HZ: f64 = 1e-6;

/// The counted value of a natural one. A number that is none counts as 0. `[control]`
pub fn counted(unit: Unit, natural: f64) -> f32 {
    let value = match unit {
        // `max` also takes a NaN away.
        Unit::Hertz => units::octaves_from_hertz(natural.max(LOWEST_HZ)),
        _ => natural,
    };
    if value.is_nan() { 0.0 } else { value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32 }
}

/// The natural value of a counted one. `[control]`
pub fn natural(unit: Unit, counted: f32) -> f64 {
    match unit {
        Unit::Hertz => units::hertz_from_octaves(f64::from(counted)),
        _ => f64::from(counted),
    }
}

/// A text as a value of an input or control of this unit: `800 Hz`, `A4`, `1/8`, `-6 dB`, `250 ms`, `on`, or a number in the natural
/// unit. Range is the caller's affair. `[control]`
///
/// # Errors
/// One sentence: what is wrong and what would be right.
pub fn amount_of_text(unit: Unit, text: &str) -> Result<Amount, String> {
    if matches!(unit, Unit::Gate | Unit::Trigger | Unit::Number) {
        match text.trim() {
            "on" | "true" => return Ok(Amount::Plain(1.0)),
            "off" | "false" => return Ok(Amount::Plain(0.0)),
            _ => {}
        }
    }
    let quantity = quantity::read(text).map_err(|fault| told(&fault))?;
    settle(quantity, unit)
}

/// A text as the depth of a term on an input of this unit: `2 oct`, `5 ms`, `-6 dB` (the factor it stands for, unless the input is
/// measured in dB), `30 %`, or a plain factor. `[control]`
///
/// # Errors
/// One sentence: what is wrong and what would be right.
pub fn depth_of_text(unit: Unit, text: &str) -> Result<f32, String> {
    let quantity = quantity::read(text).map_err(|fault| told(&fault))?;
    let depth = match (quantity, unit) {
        (Quantity::Plain(x) | Quantity::Percent(x), _)
        | (Quantity::Interval(x), Unit::Hertz | Unit::Octaves)
        | (Quantity::Seconds(x), Unit::Seconds)
        | (Quantity::Decibels(x), Unit::Decibels)
        | (Quantity::Degrees(x), Unit::Degrees) => x,
        (Quantity::Decibels(x), _) => units::factor_from_decibels(x),
        _ => return Err(format!("`{text}` is {}, which is no depth here", quantity.what())),
    };
    Ok(counted(Unit::Number, depth))
}

fn told(fault: &quantity::Fault) -> String {
    match (&fault.fix, &fault.help) {
        (Some(fix), _) => format!("{}: did you mean `{fix}`?", fault.message),
        (None, Some(help)) => format!("{}: {help}", fault.message),
        (None, None) => fault.message.clone(),
    }
}

/// A quantity as a value of this unit.
pub(super) fn settle(quantity: Quantity, unit: Unit) -> Result<Amount, String> {
    let value = match (quantity, unit) {
        (Quantity::Plain(x), Unit::Hertz) if x <= 0.0 => return Err("a frequency is above 0".to_owned()),
        (Quantity::Plain(x), unit) => return Ok(Amount::Plain(counted(unit, x))),
        (Quantity::Frequency(x) | Quantity::Interval(x), Unit::Hertz) => x,
        (Quantity::Beats(x), Unit::Hertz) if x > 0.0 => return Ok(Amount::Beats(x)),
        (Quantity::Beats(x), Unit::Seconds) if x >= 0.0 => return Ok(Amount::Beats(x)),
        (Quantity::Beats(_), Unit::Hertz | Unit::Seconds) => return Err("a musical time is a length above 0".to_owned()),
        (Quantity::Interval(x), Unit::Octaves)
        | (Quantity::Seconds(x), Unit::Seconds)
        | (Quantity::Decibels(x), Unit::Decibels)
        | (Quantity::Degrees(x), Unit::Degrees)
        | (Quantity::Percent(x), Unit::Number | Unit::Audio | Unit::Gate | Unit::Trigger) => x,
        _ => return Err(format!("this is {}; wanted is {}", quantity.what(), takes(unit))),
    };
    Ok(Amount::Plain(counted(Unit::Number, value)))
}

/// A counted value as users write it: `800 Hz`, `1.5 kHz`, `250 ms`, `-6 dB`. `[control]`
pub fn spell(unit: Unit, counted: f32) -> String {
    let counted = if counted.is_finite() { counted } else { 0.0 };
    match unit {
        Unit::Hertz => match natural(unit, counted) {
            hertz if hertz >= 1000.0 => format!("{} kHz", digits(hertz / 1000.0)),
            hertz => format!("{} Hz", digits(hertz)),
        },
        Unit::Octaves => {
            let cents = f64::from(counted) * 1200.0;
            let (near, whole) = ((cents * 1000.0).round() / 1000.0, |x: f64| (x - x.round()).abs() < 1e-3);
            if whole(near / 1200.0) || near.abs() >= 4800.0 {
                format!("{} oct", digits(near / 1200.0))
            } else if whole(near / 100.0) {
                format!("{} st", digits(near / 100.0))
            } else {
                format!("{} ct", digits(near))
            }
        }
        Unit::Seconds => match f64::from(counted) {
            s if s == 0.0 || s.abs() >= 1.0 => format!("{} s", digits(s)),
            s if s.abs() >= 1e-3 => format!("{} ms", digits(s * 1e3)),
            s => format!("{} us", digits(s * 1e6)),
        },
        Unit::Decibels => format!("{} dB", digits(f64::from(counted))),
        Unit::Degrees => format!("{} deg", digits(f64::from(counted))),
        Unit::Audio | Unit::Number | Unit::Gate | Unit::Trigger => digits(f64::from(counted)),
    }
}

/// A natural value as users write it.
pub(super) fn spell_natural(unit: Unit, natural: f32) -> String {
    spell(unit, counted(unit, f64::from(natural)))
}

/// An amount as users write it; musical times in beats. `[control]`
pub fn spell_amount(unit: Unit, amount: Amount) -> String {
    match amount {
        Amount::Plain(value) => spell(unit, value),
        Amount::Beats(beats) => format!("{} beats", digits(beats)),
    }
}

/// Six significant digits without idle zeros.
fn digits(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = libm::floor(libm::log10(x.abs())) as i32;
    let places = usize::try_from(5 - magnitude).unwrap_or(0);
    let text = format!("{x:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The counted value at a place 0..1 of a knob's travel, which the curve lays over the range in natural units. Exact at both ends;
/// outside it stays at the nearest end. `[control]`
pub fn from_travel(x: f32, curve: Curve, min: f32, max: f32, unit: Unit) -> f32 {
    if x >= 1.0 {
        return max;
    }
    if x <= 0.0 || x.is_nan() {
        return min;
    }
    let x = f64::from(x);
    let (low, high) = (natural(unit, min), natural(unit, max));
    let value = match curve {
        Curve::Linear => low + (high - low) * x,
        Curve::Log => low * libm::pow(high / low, x),
        Curve::Power(n) => low + (high - low) * libm::pow(x, f64::from(n)),
    };
    counted(unit, value).clamp(min.min(max), max.max(min))
}

/// The place 0..1 in a knob's travel of a counted value: the inverse of [`from_travel`]. The range may be upside down. `[control]`
pub fn to_travel(value: f32, curve: Curve, min: f32, max: f32, unit: Unit) -> f32 {
    let (before, beyond) = if min <= max { (value <= min, value >= max) } else { (value >= min, value <= max) };
    if beyond {
        return 1.0;
    }
    if before || value.is_nan() {
        return 0.0;
    }
    let (low, high, value) = (natural(unit, min), natural(unit, max), natural(unit, value));
    let x = match curve {
        Curve::Linear => (value - low) / (high - low),
        Curve::Log => libm::log(value / low) / libm::log(high / low),
        Curve::Power(n) => libm::pow((value - low) / (high - low), 1.0 / f64::from(n)),
    };
    (x as f32).clamp(0.0, 1.0)
}

/// One entry of a live list of pitches: a note name, a frequency, an interval from C4, a note number, or `-` for a rest (NaN).
/// `[control]`
///
/// # Errors
/// One sentence: what is wrong and what would be right.
pub fn pitch_of_text(text: &str) -> Result<f32, String> {
    if text.trim() == "-" {
        return Ok(f32::NAN);
    }
    match quantity::read(text).map_err(|fault| told(&fault))? {
        Quantity::Plain(number) => Ok(pitch_of_number(number)),
        Quantity::Frequency(x) | Quantity::Interval(x) => Ok(counted(Unit::Number, x)),
        other => Err(format!("this is {}; wanted is a note name, a frequency, an interval, or `-` for a rest", other.what())),
    }
}

/// One entry of a live list of pitches given as a note number: 60 is C4 [octaves above C4]. `[control]`
pub fn pitch_of_number(number: f64) -> f32 {
    counted(Unit::Number, crate::base::names::octaves_from_note(number))
}

/// A text as a value of a setting that is no list: a word of a choice, or a number. `[control]`
///
/// # Errors
/// One sentence: what is wrong and what would be right.
pub fn setting_of_text(kind: &SettingKind, text: &str) -> Result<SettingValue, String> {
    let text = text.trim();
    match kind {
        SettingKind::Choice(words) => match words.iter().position(|word| *word == text) {
            Some(index) => Ok(SettingValue::Choice(index)),
            None => Err(format!("`{text}` is none of {}", words.join(", "))),
        },
        SettingKind::Integer { min, max, .. } => match text.parse::<i64>() {
            Ok(number) if (*min..=*max).contains(&number) => Ok(SettingValue::Integer(number)),
            _ => Err(format!("`{text}` is no whole number from {min} to {max}")),
        },
        SettingKind::Number { min, max, .. } => match text.parse::<f64>() {
            Ok(number) if (*min..=*max).contains(&number) => Ok(SettingValue::Number(number)),
            _ => Err(format!("`{text}` is no number from {min} to {max}")),
        },
        SettingKind::Pitches(_) | SettingKind::Numbers(_) => Err("a list takes its entries one by one".to_owned()),
        SettingKind::Name(_) if is_outer_name(text) => Ok(SettingValue::Name(text.to_owned())),
        SettingKind::Name(_) => Err(format!("`{text}` is no name: {OUTER_NAME}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [Unit; 9] =
        [Unit::Audio, Unit::Hertz, Unit::Octaves, Unit::Seconds, Unit::Decibels, Unit::Number, Unit::Degrees, Unit::Gate, Unit::Trigger];

    #[test]
    fn texts_become_counted_values() {
        let plain = |unit, text: &str| match amount_of_text(unit, text).unwrap() {
            Amount::Plain(x) => x,
            Amount::Beats(_) => panic!("{text} is beats"),
        };
        assert_eq!(plain(Unit::Hertz, "A4"), 0.75);
        assert_eq!(plain(Unit::Hertz, "440"), 0.75);
        assert_eq!(plain(Unit::Hertz, "880 Hz"), 1.75);
        assert_eq!(plain(Unit::Hertz, "6 ct"), 0.005);
        assert_eq!(plain(Unit::Octaves, "6 st"), 0.5);
        assert_eq!(plain(Unit::Seconds, "250 ms"), 0.25);
        assert_eq!(plain(Unit::Decibels, "-6 dB"), -6.0);
        assert_eq!(plain(Unit::Number, "50 %"), 0.5);
        assert_eq!(plain(Unit::Gate, "on"), 1.0);
        assert_eq!(amount_of_text(Unit::Seconds, "1/8"), Ok(Amount::Beats(0.5)));
        assert_eq!(amount_of_text(Unit::Hertz, "1/8"), Ok(Amount::Beats(0.5)));
        for (unit, text) in [
            (Unit::Number, "3 oct"),
            (Unit::Seconds, "440 Hz"),
            (Unit::Hertz, "0"),
            (Unit::Gate, "1/8"),
            (Unit::Audio, "-6 dB"),
            (Unit::Hertz, "nan"),
            (Unit::Hertz, ""),
        ] {
            assert!(amount_of_text(unit, text).is_err(), "{unit:?} {text}");
        }
        assert_eq!(depth_of_text(Unit::Hertz, "2 oct"), Ok(2.0));
        assert!((depth_of_text(Unit::Audio, "-6 dB").unwrap() - 0.501_187).abs() < 1e-6);
        assert!(depth_of_text(Unit::Audio, "2 oct").is_err());
        assert!(pitch_of_text("-").unwrap().is_nan());
        assert_eq!(pitch_of_text("A4"), Ok(0.75));
        assert_eq!(pitch_of_text("72"), Ok(1.0));
    }

    #[test]
    fn spelling_is_read_back() {
        for (unit, counted, want) in [
            (Unit::Hertz, super::counted(Unit::Hertz, 800.0), "800 Hz"),
            (Unit::Hertz, super::counted(Unit::Hertz, 1500.0), "1.5 kHz"),
            (Unit::Seconds, 0.25, "250 ms"),
            (Unit::Seconds, 2.0, "2 s"),
            (Unit::Seconds, 0.0, "0 s"),
            (Unit::Decibels, -6.0, "-6 dB"),
            (Unit::Octaves, 3.0, "3 oct"),
            (Unit::Octaves, 7.0 / 12.0, "7 st"),
            (Unit::Octaves, 0.0125, "15 ct"),
            (Unit::Number, 0.7, "0.7"),
            (Unit::Degrees, 90.0, "90 deg"),
        ] {
            assert_eq!(spell(unit, counted), want);
        }
        for unit in UNITS {
            for x in [-3.2f32, -0.01, 0.0, 0.000_2, 0.123_456, 1.0, 4.5, 12.345_678] {
                let text = spell(unit, x);
                let Ok(Amount::Plain(back)) = amount_of_text(unit, &text) else { panic!("{unit:?} {text}") };
                assert!((back - x).abs() <= 1e-5 * x.abs().max(1.0), "{unit:?} {x} {text} {back}");
            }
        }
    }

    #[test]
    fn travel_is_exact_at_the_ends_and_turns_back() {
        for unit in UNITS {
            for (curve, min, max) in
                [(Curve::Linear, 0.1f32, 3.3f32), (Curve::Log, 0.1, 3.3), (Curve::Power(3.0), 0.1, 3.3), (Curve::Power(0.5), 0.1, 3.3)]
                    .into_iter()
                    .flat_map(|(curve, min, max)| [(curve, min, max), (curve, max, min)])
            {
                assert_eq!(from_travel(0.0, curve, min, max, unit), min);
                assert_eq!(from_travel(1.0, curve, min, max, unit), max);
                assert_eq!(from_travel(-5.0, curve, min, max, unit), min);
                assert_eq!(from_travel(f32::NAN, curve, min, max, unit), min);
                assert_eq!(to_travel(min, curve, min, max, unit), 0.0);
                assert_eq!(to_travel(max, curve, min, max, unit), 1.0);
                for step in 0..=20 {
                    let x = step as f32 / 20.0;
                    let back = to_travel(from_travel(x, curve, min, max, unit), curve, min, max, unit);
                    assert!((back - x).abs() < 2e-4, "{unit:?} {curve:?} {x} {back}");
                }
            }
        }
        let middle = from_travel(0.5, Curve::Log, counted(Unit::Hertz, 20.0), counted(Unit::Hertz, 20_000.0), Unit::Hertz);
        assert!((natural(Unit::Hertz, middle) - 632.455_5).abs() < 0.01);
    }
}
