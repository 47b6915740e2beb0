//! Why something that was asked for is not done.

use super::value::Message;

/// The cause, as it is counted and as `/fail` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Nothing has this address.
    UnknownAddress,
    /// The pattern cannot be read, or matches nothing.
    Pattern,
    /// Too few, too many, or of a type that cannot be taken.
    WrongArguments,
    /// NaN or infinite.
    NotANumber,
    /// It was out of range: the nearest value was taken. Not a refusal.
    Clipped,
    /// No such note sounds.
    UnknownNote,
    /// More than an hour ahead.
    TooFar,
    /// More than the engine takes at once.
    TooMuch,
    /// The queue to the engine is full.
    Full,
    /// The file is not there, not allowed, or cannot be read.
    File,
    /// The patch has mistakes.
    Patch,
    /// Not for those who come from outside.
    NotAllowed,
    /// The key plays nothing in its slot's tuning. Not a refusal.
    Unmapped,
    /// A System Exclusive message that is meant for us and cannot be read.
    Exclusive,
    /// Slots would feed each other in a circle.
    Circle,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::UnknownAddress,
        Self::Pattern,
        Self::WrongArguments,
        Self::NotANumber,
        Self::Clipped,
        Self::UnknownNote,
        Self::TooFar,
        Self::TooMuch,
        Self::Full,
        Self::File,
        Self::Patch,
        Self::NotAllowed,
        Self::Unmapped,
        Self::Exclusive,
        Self::Circle,
    ];

    /// Its stable name. `[any]`
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownAddress => "unknown-address",
            Self::Pattern => "pattern",
            Self::WrongArguments => "wrong-arguments",
            Self::NotANumber => "not-a-number",
            Self::Clipped => "clipped",
            Self::UnknownNote => "unknown-note",
            Self::TooFar => "too-far",
            Self::TooMuch => "too-much",
            Self::Full => "full",
            Self::File => "file",
            Self::Patch => "patch",
            Self::NotAllowed => "not-allowed",
            Self::Unmapped => "unmapped",
            Self::Exclusive => "exclusive",
            Self::Circle => "circle",
        }
    }
}

/// What is answered where something is not done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{address}: {text}")]
pub struct Fail {
    /// The address that was spoken to.
    pub address: String,
    /// The cause.
    pub code: Code,
    /// One sentence.
    pub text: String,
}

impl Fail {
    /// A failure. `[control]`
    pub fn new(address: &str, code: Code, text: impl Into<String>) -> Self {
        Self { address: address.to_owned(), code, text: text.into() }
    }

    /// As it is answered: `/fail address code text`. `[control]`
    pub fn message(&self) -> Message {
        Message::new("/fail", vec![self.address.as_str().into(), self.code.name().into(), self.text.as_str().into()])
    }
}
