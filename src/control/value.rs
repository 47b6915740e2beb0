//! What Control is told and what it answers, whatever it came by: an address and plain values.

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
