//! Numbers with units, as they are written: `800 Hz`, `F#3`, `3:2`, `1/8.`, `-6 dB`.

use crate::base::names;
use crate::base::nearest::nearest;
use crate::base::units;

use super::codes;

/// A number and what its unit says it is, already in the unit in which it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Quantity {
    /// A number alone.
    Plain(f64),
    /// `%`, as the factor it stands for.
    Percent(f64),
    /// `Hz`, `kHz`, `bpm`, a note name [octaves above C4].
    Frequency(f64),
    /// `oct`, `st`, `ct`, `3:2` [octaves].
    Interval(f64),
    /// `s`, `ms`, `us` [s].
    Seconds(f64),
    /// `1/8`, `bars`, `beats` [beats].
    Beats(f64),
    /// `dB`.
    Decibels(f64),
    /// `deg`.
    Degrees(f64),
}

impl Quantity {
    /// The bare number.
    pub fn number(self) -> f64 {
        match self {
            Self::Plain(x)
            | Self::Percent(x)
            | Self::Frequency(x)
            | Self::Interval(x)
            | Self::Seconds(x)
            | Self::Beats(x)
            | Self::Decibels(x)
            | Self::Degrees(x) => x,
        }
    }

    /// What it is, with its article.
    pub fn what(self) -> &'static str {
        match self {
            Self::Plain(_) => "a plain number",
            Self::Percent(_) => "a percentage",
            Self::Frequency(_) => "a frequency",
            Self::Interval(_) => "an interval",
            Self::Seconds(_) => "a time",
            Self::Beats(_) => "a musical time",
            Self::Decibels(_) => "a level in dB",
            Self::Degrees(_) => "an angle",
        }
    }
}

/// Why a text is no quantity; places are bytes from the start of the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub code: &'static str,
    pub from: usize,
    pub to: usize,
    pub message: String,
    pub help: Option<String>,
    pub fix: Option<String>,
}

impl Fault {
    fn new(code: &'static str, from: usize, to: usize, message: impl Into<String>) -> Self {
        Self { code, from, to, message: message.into(), help: None, fix: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Beats in a bar.
const BAR: f64 = 4.0;

/// Units as they are told.
pub const UNITS: [&str; 14] = ["Hz", "kHz", "bpm", "oct", "st", "ct", "s", "ms", "us", "bars", "beats", "dB", "%", "deg"];

/// What people write for them elsewhere.
const ELSEWHERE: [(&str, &str); 19] = [
    ("hertz", "Hz"),
    ("octave", "oct"),
    ("octaves", "oct"),
    ("semitone", "st"),
    ("semitones", "st"),
    ("semi", "st"),
    ("cent", "ct"),
    ("cents", "ct"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("msec", "ms"),
    ("µs", "us"),
    ("percent", "%"),
    ("degrees", "deg"),
    ("degree", "deg"),
    ("°", "deg"),
    ("decibels", "dB"),
];

/// A whole text as one quantity.
pub(super) fn read(text: &str) -> Result<Quantity, Fault> {
    let inner = text.trim();
    let start = text.len() - text.trim_start().len();
    let not_a_value = || {
        Fault::new(codes::BAD_VALUE, start, start + inner.len(), format!("`{}` is no value", brief(inner)))
            .help("a number with or without a unit (`800 Hz`, `-6 dB`), a note name (`A4`), an interval (`7 st`) or a musical time (`1/8`)")
    };
    if inner.starts_with(|c: char| c.is_ascii_uppercase()) {
        return match names::note_number(inner) {
            Some(number) => Ok(Quantity::Frequency(names::octaves_from_note(f64::from(number)))),
            None => Err(bad_note_name(inner, start, start + inner.len())),
        };
    }
    let (negative, digits) = match inner.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, inner.strip_prefix('+').map_or(inner, str::trim_start)),
    };
    let offset = start + (inner.len() - digits.len());
    if !begins_number(digits) {
        return Err(not_a_value());
    }
    let (length, outcome) = scan(digits, negative);
    let quantity = outcome.map_err(|fault| Fault { from: fault.from + offset, to: fault.to + offset, ..fault })?;
    if length == digits.len() { Ok(quantity) } else { Err(not_a_value()) }
}

/// At most the first 40 characters, for messages.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Whether a number starts here.
pub(super) fn begins_number(text: &str) -> bool {
    let mut bytes = text.bytes();
    match bytes.next() {
        Some(b) if b.is_ascii_digit() => true,
        Some(b'.') => bytes.next().is_some_and(|b| b.is_ascii_digit()),
        _ => false,
    }
}

/// A capital word that is no note name.
pub(super) fn bad_note_name(word: &str, from: usize, to: usize) -> Fault {
    let mut fault = Fault::new(codes::BAD_NOTE_NAME, from, to, format!("`{}` is no note name", brief(word)))
        .help("note names are a capital from A to G, # or b, and the octave, such as `F#3`; all other names are small");
    if names::is_name(&word.to_ascii_lowercase()) && word.len() > 3 {
        fault.fix = Some(word.to_ascii_lowercase());
    }
    fault
}

fn digits(text: &str, from: usize) -> usize {
    text.as_bytes()[from..].iter().take_while(|b| b.is_ascii_digit()).count()
}

/// Reads the number that starts here (see [`begins_number`]) with its unit; returns how many bytes it took.
pub(super) fn scan(text: &str, negative: bool) -> (usize, Result<Quantity, Fault>) {
    let bytes = text.as_bytes();
    let whole = digits(text, 0);
    if whole > 0 && bytes.get(whole) == Some(&b'/') && digits(text, whole + 1) > 0 {
        return fraction(text, whole, negative);
    }
    let (end, x) = match decimal(text) {
        Ok(found) => found,
        Err(fault) => return (fault.to, Err(fault)),
    };
    if bytes.get(end) == Some(&b':') && digits(text, end + 1) > 0 {
        return ratio(text, end, x, negative);
    }
    let x = if negative { -x } else { x };
    let gap = bytes[end..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let from = end + gap;
    let length = unit_length(&text[from..]);
    if length == 0 {
        return (end, Ok(Quantity::Plain(x)));
    }
    let unit = &text[from..from + length];
    (from + length, with_unit(x, unit, from, from + length))
}

/// Letters of the unit that starts here: a word, `%` or `°`.
fn unit_length(text: &str) -> usize {
    match text.chars().next() {
        Some(c @ ('%' | '°')) => c.len_utf8(),
        Some(c) if c.is_alphabetic() => text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()),
        _ => 0,
    }
}

/// Digits with a point and an exponent: where they end and what they say.
fn decimal(text: &str) -> Result<(usize, f64), Fault> {
    let bytes = text.as_bytes();
    let mut end = digits(text, 0);
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits(text, end + 1);
        if bytes.get(end) == Some(&b'.') {
            let to = end + bytes[end..].iter().take_while(|b| **b == b'.' || b.is_ascii_digit()).count();
            return Err(Fault::new(codes::BAD_NUMBER, 0, to, format!("`{}` has two points", brief(&text[..to]))));
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let power = digits(text, end + 1 + sign);
        if power > 0 {
            end += 1 + sign + power;
        }
    }
    match text[..end].parse::<f64>() {
        Ok(x) if x.abs() <= f64::from(f32::MAX) => Ok((end, x)),
        _ => Err(Fault::new(codes::BAD_NUMBER, 0, end, format!("`{}` is too large a number", brief(&text[..end])))),
    }
}

/// `1/8`, `1/8.`, `1/8t`: parts of a whole note.
fn fraction(text: &str, whole: usize, negative: bool) -> (usize, Result<Quantity, Fault>) {
    let bytes = text.as_bytes();
    let mut end = whole + 1 + digits(text, whole + 1);
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::INFINITY);
    let beats = BAR * number(&text[..whole]) / number(&text[whole + 1..end]);
    let mut scale = if negative { -1.0 } else { 1.0 };
    if bytes.get(end) == Some(&b'.') && !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
        end += 1;
        scale *= 1.5;
    } else if bytes.get(end) == Some(&b't') {
        end += 1;
        scale *= 2.0 / 3.0;
    }
    let rest = unit_length(&text[end..]);
    if rest > 0 {
        let to = end + rest;
        let fault = Fault::new(codes::BAD_NUMBER, 0, to, format!("`{}` is no musical time", brief(&text[..to])))
            .help("`1/8` is an eighth, `1/8.` dotted, `1/8t` a triplet");
        return (to, Err(fault));
    }
    if beats.is_finite() {
        return (end, Ok(Quantity::Beats(beats * scale)));
    }
    (end, Err(Fault::new(codes::BAD_NUMBER, 0, end, format!("`{}` is no musical time", brief(&text[..end]))).help("such as `3/16`")))
}

/// `3:2`: the interval from 2 up to 3.
fn ratio(text: &str, colon: usize, over: f64, negative: bool) -> (usize, Result<Quantity, Fault>) {
    let (length, under) = match decimal(&text[colon + 1..]) {
        Ok(found) => found,
        Err(fault) => return (colon + 1 + fault.to, Err(Fault { from: colon + 1, to: colon + 1 + fault.to, ..fault })),
    };
    let end = colon + 1 + length;
    if over > 0.0 && under > 0.0 {
        let octaves = libm::log2(over / under);
        return (end, Ok(Quantity::Interval(if negative { -octaves } else { octaves })));
    }
    (end, Err(Fault::new(codes::BAD_NUMBER, 0, end, "a ratio is of two numbers above 0").help("`3:2` is a fifth up")))
}

fn with_unit(x: f64, unit: &str, from: usize, to: usize) -> Result<Quantity, Fault> {
    let hertz = |hertz: f64| {
        if hertz > 0.0 {
            Ok(Quantity::Frequency(units::octaves_from_hertz(hertz)))
        } else {
            Err(Fault::new(codes::BAD_NUMBER, 0, to, "a frequency is above 0"))
        }
    };
    match unit {
        "Hz" => hertz(x),
        "kHz" => hertz(x * 1000.0),
        "bpm" => hertz(x / 60.0),
        "oct" => Ok(Quantity::Interval(x)),
        "st" => Ok(Quantity::Interval(x / 12.0)),
        "ct" => Ok(Quantity::Interval(x / 1200.0)),
        "s" => Ok(Quantity::Seconds(x)),
        "ms" => Ok(Quantity::Seconds(x / 1e3)),
        "us" => Ok(Quantity::Seconds(x / 1e6)),
        "bar" | "bars" => Ok(Quantity::Beats(x * BAR)),
        "beat" | "beats" => Ok(Quantity::Beats(x)),
        "dB" => Ok(Quantity::Decibels(x)),
        "%" => Ok(Quantity::Percent(x / 100.0)),
        "deg" => Ok(Quantity::Degrees(x)),
        _ => {
            let small = unit.to_lowercase();
            let known = ELSEWHERE.iter().find(|(name, _)| *name == small).map(|(_, unit)| *unit);
            let mut fault = Fault::new(codes::UNKNOWN_UNIT, from, to, format!("there is no unit `{}`", brief(unit)))
                .help(format!("units are {}; a product is written with `*`", UNITS.join(" ")));
            fault.fix = known.or_else(|| nearest(unit, UNITS)).map(str::to_owned);
            Err(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(text: &str, want: Quantity) {
        let got = read(text).unwrap();
        assert_eq!(std::mem::discriminant(&got), std::mem::discriminant(&want), "{text}");
        assert!((got.number() - want.number()).abs() < 1e-9, "{text}: {got:?}");
    }

    #[test]
    fn every_unit_is_read() {
        near("0.25", Quantity::Plain(0.25));
        near(" -.5 ", Quantity::Plain(-0.5));
        near("1e3", Quantity::Plain(1000.0));
        near("50 %", Quantity::Percent(0.5));
        near("440 Hz", Quantity::Frequency(0.75));
        near("0.44kHz", Quantity::Frequency(0.75));
        near("120 bpm", Quantity::Frequency(libm::log2(2.0 / units::C4_HZ)));
        near("A4", Quantity::Frequency(0.75));
        near("C-1", Quantity::Frequency(-5.0));
        near("Bb3", Quantity::Frequency(-2.0 / 12.0));
        near("3 oct", Quantity::Interval(3.0));
        near("-7 st", Quantity::Interval(-7.0 / 12.0));
        near("6 ct", Quantity::Interval(0.005));
        near("2:1", Quantity::Interval(1.0));
        near("-3:2", Quantity::Interval(-libm::log2(1.5)));
        near("250 ms", Quantity::Seconds(0.25));
        near("5 us", Quantity::Seconds(5e-6));
        near("2 s", Quantity::Seconds(2.0));
        near("1/8", Quantity::Beats(0.5));
        near("1/8.", Quantity::Beats(0.75));
        near("1/8t", Quantity::Beats(1.0 / 3.0));
        near("3/16", Quantity::Beats(0.75));
        near("2 bars", Quantity::Beats(8.0));
        near("1.5 beats", Quantity::Beats(1.5));
        near("-6 dB", Quantity::Decibels(-6.0));
        near("90 deg", Quantity::Degrees(90.0));
    }

    #[test]
    fn faults_say_what_and_where() {
        let fault = |text: &str| {
            let fault = read(text).unwrap_err();
            (fault.code, fault.from, fault.to, fault.fix)
        };
        assert_eq!(fault("800 hz"), (codes::UNKNOWN_UNIT, 4, 6, Some("Hz".into())));
        assert_eq!(fault("- 5 seconds"), (codes::UNKNOWN_UNIT, 4, 11, Some("s".into())));
        assert_eq!(fault("1e999").0, codes::BAD_NUMBER);
        assert_eq!(fault("1/0").0, codes::BAD_NUMBER);
        assert_eq!(fault("1/8x").0, codes::BAD_NUMBER);
        assert_eq!(fault("1.2.3").0, codes::BAD_NUMBER);
        assert_eq!(fault("-5 Hz").0, codes::BAD_NUMBER);
        assert_eq!(fault("H4").0, codes::BAD_NOTE_NAME);
        for text in ["", "-", "osc", "5 5", "5 + 5", "1/", "nan", "inf"] {
            assert_eq!(fault(text).0, codes::BAD_VALUE, "{text:?}");
        }
    }
}
