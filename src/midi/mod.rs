//! Layer 9: MIDI in and out: ports that come and go, bytes into messages, the clock.
//!
//! Imports `base` and `rt`. Knows no engine and no patch: what arrives goes to one closure, with the port and the time. The only folder that
//! names `midir` and `jack`. Start reading at [`parser`], then [`ports`].

mod clock_out;
#[cfg(feature = "jack")]
mod jack;
#[cfg(feature = "jack")]
mod jack_drain;
#[cfg(feature = "jack")]
mod jack_process;
mod out;
pub mod parser;
#[cfg(feature = "jack")]
mod place;
pub mod ports;
mod registry;
mod system;
mod ticker;
mod watch;

pub use out::Sends;
pub use parser::{Heard, Parser};
pub use ports::{At, Deliver, Listing, PortEvent, PortId, Ports, Setup, Wanted, list, list_jack};

pub use crate::base::midi::MidiMessage;
