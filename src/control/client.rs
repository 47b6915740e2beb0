//! Who speaks to Control.

/// The kind of door somebody came in by; each has a feed of its own into the engine, by this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Origin {
    /// rackd itself: tempo of a patch, ends of pulses.
    Rackd = 0,
    /// MIDI.
    Midi = 1,
    /// OSC.
    Osc = 2,
    /// Lines on standard input.
    Lines = 3,
    /// A score being played.
    Score = 4,
}

impl Origin {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Rackd, Self::Midi, Self::Osc, Self::Lines, Self::Score];
}

/// One who speaks to Control, told apart by where it is. Its door may change from message to message; notes that it started are
/// found again by its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client {
    /// What it came in by.
    pub origin: Origin,
    /// Its computer, as an IPv6 address; 0 where it is this process.
    pub host: u128,
    /// Its port and whatever else tells it apart there.
    pub door: u64,
}

impl Client {
    /// The one client of an origin inside this process. `[any]`
    pub const fn of(origin: Origin) -> Self {
        Self { origin, host: 0, door: 0 }
    }

    /// A MIDI port, by its number. `[any]`
    pub const fn port(number: u64) -> Self {
        Self { origin: Origin::Midi, host: 0, door: number }
    }
}
