//! What a packet says, once its bytes are understood.

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// `i`
    Int(i32),
    /// `h`
    Long(i64),
    /// `f`
    Float(f32),
    /// `d`
    Double(f64),
    /// `s` and `S`
    Text(String),
    /// `b`
    Blob(Vec<u8>),
    /// `t`: an NTP time tag.
    Time(u64),
    /// `c`
    Char(char),
    /// `r`: red, green, blue, alpha.
    Color([u8; 4]),
    /// `m`: port, status, first and second data byte.
    Midi([u8; 4]),
    /// `T` and `F`
    Bool(bool),
    /// `N`
    Nil,
    /// `I`
    Impulse,
    /// `[` … `]`
    Array(Vec<Self>),
}

/// An address and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Begins with `/`; may be a pattern.
    pub address: String,
    /// In order.
    pub args: Vec<Arg>,
}

impl Message {
    /// A message. `[control]`
    pub fn new(address: impl Into<String>, args: Vec<Arg>) -> Self {
        Self { address: address.into(), args }
    }
}

/// Packets that belong to one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// An NTP time tag; see [`super::time`].
    pub time: u64,
    /// Messages and bundles, in order.
    pub elements: Vec<Packet>,
}

/// What one datagram carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    /// One message.
    Message(Message),
    /// Several, at a time.
    Bundle(Bundle),
}
