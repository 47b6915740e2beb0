//! What a packet may hold, and why one is refused.

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

/// Why a packet was refused, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No bytes.
    #[error("the packet is empty")]
    Empty,
    /// Longer than [`PACKET`].
    #[error("the packet is longer than {PACKET} bytes")]
    TooLong,
    /// OSC counts in fours.
    #[error("a size of {0} bytes is no multiple of 4")]
    NotInFours(usize),
    /// Neither `/` nor `#bundle`.
    #[error("neither an address, which begins with `/`, nor a bundle")]
    NoAddress,
    /// Longer than [`ADDRESS`].
    #[error("the address is longer than {ADDRESS} bytes")]
    LongAddress,
    /// The type tags are left out, as some old senders do.
    #[error("the type tags are missing: a `,` and one letter for each argument must follow the address")]
    NoTypes,
    /// A letter that is no type.
    #[error("`{0}` is no type of argument; known are i f s S b h d t c r m T F I N [ ]")]
    UnknownType(char),
    /// More than [`ARGUMENTS`].
    #[error("more than {ARGUMENTS} arguments")]
    ManyArguments,
    /// Deeper than [`ARRAY_DEPTH`].
    #[error("arrays are nested more than {ARRAY_DEPTH} deep")]
    DeepArray,
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
    /// Deeper than [`BUNDLE_DEPTH`].
    #[error("bundles are nested more than {BUNDLE_DEPTH} deep")]
    DeepBundle,
    /// More than [`ELEMENTS`].
    #[error("more than {ELEMENTS} elements in a bundle")]
    ManyElements,
}

impl Refusal {
    /// The stable names of all causes, in the order of [`Self::index`].
    pub const CODES: [&'static str; 18] = [
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
    ];

    /// Its place among [`Self::CODES`], for counting. `[any]`
    pub const fn index(self) -> usize {
        match self {
            Self::Empty => 0,
            Self::TooLong => 1,
            Self::NotInFours(_) => 2,
            Self::NoAddress => 3,
            Self::LongAddress => 4,
            Self::NoTypes => 5,
            Self::UnknownType(_) => 6,
            Self::ManyArguments => 7,
            Self::DeepArray => 8,
            Self::Brackets => 9,
            Self::OpenText => 10,
            Self::NotUtf8 => 11,
            Self::NotAChar => 12,
            Self::Short => 13,
            Self::BadSize(_) => 14,
            Self::LeftOver(_) => 15,
            Self::DeepBundle => 16,
            Self::ManyElements => 17,
        }
    }

    /// Its stable name. `[any]`
    pub const fn code(self) -> &'static str {
        Self::CODES[self.index()]
    }
}
