//! What Control is told and what it answers, whatever it came by: an address and plain values.

use crate::wire::Arg;
use crate::wire::time::{is_immediate, to_unix_nanos};

/// One value of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text: a word, a note name, a number with its unit.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// A pulse.
    Impulse,
    /// A moment since 1970 [ns].
    Time(i64),
    /// Something that nothing here takes, by the letter of its type.
    Other(char),
}

impl Value {
    /// A number out of a number, a switch or a numeric text. `[control]`
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(x) => Some(*x as f64),
            Self::Number(x) => Some(*x),
            Self::Bool(x) => Some(f64::from(u8::from(*x))),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Impulse => Some(1.0),
            Self::Time(_) | Self::Other(_) => None,
        }
    }

    /// The text, where it is one. `[control]`
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a number that is none: NaN or infinite. `[control]`
    pub fn is_not_finite(&self) -> bool {
        self.number().is_some_and(|x| !x.is_finite())
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(x) => write!(f, "{x}"),
            Self::Number(x) => write!(f, "{}", *x as f32),
            Self::Text(text) => f.write_str(text),
            Self::Bool(x) => write!(f, "{x}"),
            Self::Impulse => f.write_str("impulse"),
            Self::Time(nanos) => write!(f, "{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000)),
            Self::Other(tag) => write!(f, "a value of type {tag}"),
        }
    }
}

/// An address and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Begins with `/`.
    pub address: String,
    /// In order.
    pub values: Vec<Value>,
}

impl Message {
    /// A message. `[control]`
    pub fn new(address: impl Into<String>, values: Vec<Value>) -> Self {
        Self { address: address.into(), values }
    }
}

/// Messages that act at one time, together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// When.
    pub at: When,
    /// In order.
    pub messages: Vec<Message>,
}

/// When something is to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In the next block.
    Now,
    /// On this sample.
    At(crate::base::time::SampleTime),
    /// On the sample of this moment since 1970 [ns].
    Wall(i64),
}

/// Arguments as values; arrays as if their brackets were not there; `now` since 1970 [ns]. `[control]`
pub fn values(args: Vec<Arg>, now: i64) -> Vec<Value> {
    let mut out = Vec::with_capacity(args.len());
    for arg in args {
        out.push(match arg {
            Arg::Int(x) => Value::Integer(x.into()),
            Arg::Long(x) => Value::Integer(x),
            Arg::Float(x) => Value::Number(x.into()),
            Arg::Double(x) => Value::Number(x),
            Arg::Text(text) => Value::Text(text),
            Arg::Char(c) => Value::Text(c.into()),
            Arg::Bool(x) => Value::Bool(x),
            Arg::Impulse => Value::Impulse,
            Arg::Blob(_) => Value::Other('b'),
            Arg::Time(time) if is_immediate(time) => Value::Other('t'),
            Arg::Time(time) => Value::Time(to_unix_nanos(time, now)),
            Arg::Color(_) => Value::Other('r'),
            Arg::Midi(_) => Value::Other('m'),
            Arg::Nil => Value::Other('N'),
            Arg::Array(items) => {
                out.extend(values(items, now));
                continue;
            }
        });
    }
    out
}
