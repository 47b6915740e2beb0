//! Who speaks to Control.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};

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

/// The bit of [`Client::door`] that says: a connection, which is told apart from all others for as long as it lasts.
pub const CONNECTION: u64 = 1 << 63;

impl Client {
    /// The one client of an origin inside this process. `[any]`
    pub const fn of(origin: Origin) -> Self {
        Self { origin, host: 0, door: 0 }
    }

    /// A connection, by its number. `[any]`
    pub const fn connection(host: u128, number: u64) -> Self {
        Self { origin: Origin::Osc, host, door: number | CONNECTION }
    }

    /// Whether this is a connection. `[any]`
    pub const fn is_connection(self) -> bool {
        matches!(self.origin, Origin::Osc) && self.door & CONNECTION != 0
    }

    /// Whether this may be the same one by another door: as a sender of datagrams whose port changes, never as a connection.
    /// `[any]`
    pub fn may_be(self, other: Self) -> bool {
        self.origin == other.origin && self.host == other.host && !self.is_connection() && !other.is_connection()
    }

    /// A MIDI port, by its number. `[any]`
    pub const fn port(number: u64) -> Self {
        Self { origin: Origin::Midi, host: 0, door: number }
    }

    /// Whether nothing tells when it is gone, as with datagrams: what it asked for is renewed, or ends. `[any]`
    pub fn has_lease(self) -> bool {
        self.origin == Origin::Osc && !self.is_connection()
    }

    /// The same computer at another port; itself where it is a connection. `[any]`
    #[must_use]
    pub fn at_port(self, port: u16) -> Self {
        if self.has_lease() { Self { door: self.door & !0xffff | u64::from(port), ..self } } else { self }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Rackd => f.write_str("rackd"),
            Origin::Midi => write!(f, "midi {}", self.door),
            Origin::Lines => f.write_str("lines"),
            Origin::Score => f.write_str("score"),
            Origin::Osc => {
                let host = Ipv6Addr::from(self.host).to_canonical();
                match self.door & CONNECTION {
                    0 => write!(f, "{}", SocketAddr::new(host, self.door as u16)),
                    _ => write!(f, "{host} connection {}", self.door & !CONNECTION),
                }
            }
        }
    }
}
