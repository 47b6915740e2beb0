//! What a packet may hold, and why one is refused.

use super::frame::Broken;

/// Bytes of a packet at most: what a UDP datagram can carry.
pub const PACKET: usize = 65_507;
/// Bundles within bundles at most; the outermost counts as one.
pub const BUNDLE_DEPTH: usize = 8;
/// Elements of all bundles of a packet at most.
pub const ELEMENTS: usize = 4096;
/// Arguments of a message at most.
pub const ARGUMENTS: usize = 1024;
/// Arrays within arrays at most.
pub const ARRAY_DEPTH: usize = 4;
/// Bytes of an address at most.
pub const ADDRESS: usize = 256;

/// Bytes of a packet at most where it comes by a stream.
pub const STREAM_PACKET: usize = 1 << 20;

/// What a packet may hold, as a value: it differs by what the packet came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes at most.
    pub packet: usize,
    /// Bundles within bundles at most; never more than [`BUNDLE_DEPTH`].
    pub bundle_depth: usize,
    /// Elements of all bundles at most.
    pub elements: usize,
    /// Arguments of a message at most.
    pub arguments: usize,
    /// Arrays within arrays at most.
    pub array_depth: usize,
    /// Bytes of an address at most.
    pub address: usize,
}

impl Limits {
    /// Of a datagram.
    pub const DATAGRAM: Self = Self {
        packet: PACKET,
        bundle_depth: BUNDLE_DEPTH,
        elements: ELEMENTS,
        arguments: ARGUMENTS,
        array_depth: ARRAY_DEPTH,
        address: ADDRESS,
    };
    /// Of a packet in a stream.
    pub const STREAM: Self = Self { packet: STREAM_PACKET, ..Self::DATAGRAM };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DATAGRAM
    }
}

/// Why a packet was refused, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No bytes.
    #[error("the packet is empty")]
    Empty,
    /// Longer than [`Limits::packet`].
    #[error("the packet is longer than {0} bytes")]
    TooLong(usize),
    /// OSC counts in fours.
    #[error("a size of {0} bytes is no multiple of 4")]
    NotInFours(usize),
    /// Neither `/` nor `#bundle`.
    #[error("neither an address, which begins with `/`, nor a bundle")]
    NoAddress,
    /// Longer than [`Limits::address`].
    #[error("the address is longer than {0} bytes")]
    LongAddress(usize),
    /// The type tags are left out, as some old senders do.
    #[error("the type tags are missing: a `,` and one letter for each argument must follow the address")]
    NoTypes,
    /// A letter that is no type.
    #[error("`{0}` is no type of argument; known are i f s S b h d t c r m T F I N [ ]")]
    UnknownType(char),
    /// More than [`Limits::arguments`].
    #[error("more than {0} arguments")]
    ManyArguments(usize),
    /// Deeper than [`Limits::array_depth`].
    #[error("arrays are nested more than {0} deep")]
    DeepArray(usize),
    /// `[` without `]`, or the other way round.
    #[error("the brackets of the type tags do not match")]
    Brackets,
    /// A text without its zero byte.
    #[error("a text is not closed by a zero byte")]
    OpenText,
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A number that is no character.
    #[error("a character argument is no character")]
    NotAChar,
    /// The bytes end within something.
    #[error("the packet ends in the middle of a value")]
    Short,
    /// An element's or blob's size reaches past the end, or is below 0.
    #[error("a size of {0} bytes does not fit in what is there")]
    BadSize(i32),
    /// Something stands after the last argument.
    #[error("{0} bytes are left over after the last argument")]
    LeftOver(usize),
    /// Deeper than [`Limits::bundle_depth`].
    #[error("bundles are nested more than {0} deep")]
    DeepBundle(usize),
    /// More than [`Limits::elements`].
    #[error("more than {0} elements in a bundle")]
    ManyElements(usize),
    /// A frame of a stream is longer than [`Limits::packet`].
    #[error("a frame is longer than {0} bytes")]
    LongFrame(usize),
    /// A size prefix below 0: nobody knows where the next packet begins.
    #[error("a frame claims a size of {0} bytes")]
    FrameSize(i32),
    /// SLIP escapes what needs no escape.
    #[error("a SLIP escape before byte {0:#04x}, which is never escaped")]
    BadEscape(u8),
    /// Frames that are no WebSocket's.
    #[error("these are no frames of a WebSocket")]
    WebSocket,
    /// A text frame that says no message.
    #[error("the text says no message")]
    Json,
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::TooLong(most) => Self::LongFrame(most),
            Broken::BadSize(size) => Self::FrameSize(size),
            Broken::BadEscape(byte) => Self::BadEscape(byte),
        }
    }
}

impl Refusal {
    /// The stable names of all causes, in the order of [`Self::index`].
    pub const CODES: [&'static str; 23] = [
        "empty",
        "too-long",
        "not-in-fours",
        "no-address",
        "long-address",
        "no-types",
        "unknown-type",
        "many-arguments",
        "deep-array",
        "brackets",
        "open-text",
        "not-utf8",
        "not-a-char",
        "short",
        "bad-size",
        "left-over",
        "deep-bundle",
        "many-elements",
        "long-frame",
        "frame-size",
        "bad-escape",
        "web-socket",
        "json",
    ];

    /// Its place among [`Self::CODES`], for counting. `[any]`
    pub const fn index(self) -> usize {
        match self {
            Self::Empty => 0,
            Self::TooLong(_) => 1,
            Self::NotInFours(_) => 2,
            Self::NoAddress => 3,
            Self::LongAddress(_) => 4,
            Self::NoTypes => 5,
            Self::UnknownType(_) => 6,
            Self::ManyArguments(_) => 7,
            Self::DeepArray(_) => 8,
            Self::Brackets => 9,
            Self::OpenText => 10,
            Self::NotUtf8 => 11,
            Self::NotAChar => 12,
            Self::Short => 13,
            Self::BadSize(_) => 14,
            Self::LeftOver(_) => 15,
            Self::DeepBundle(_) => 16,
            Self::ManyElements(_) => 17,
            Self::LongFrame(_) => 18,
            Self::FrameSize(_) => 19,
            Self::BadEscape(_) => 20,
            Self::WebSocket => 21,
            Self::Json => 22,
        }
    }

    /// Its stable name. `[any]`
    pub const fn code(self) -> &'static str {
        Self::CODES[self.index()]
    }
}
