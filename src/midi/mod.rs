//! Layer 9: MIDI in: ports that come and go, bytes into messages.
//!
//! Imports `base` and `rt`. Knows no engine and no patch: what arrives goes to one closure, with the port and the time. The only folder that
//! names `midir`. Start reading at [`parser`], then [`ports`].

#[cfg(feature = "jack")]
mod jack;
pub mod parser;
pub mod ports;
mod registry;
mod system;
mod watch;

pub use parser::Parser;
pub use ports::{Deliver, PortEvent, PortId, Ports, Wanted, list};

pub use crate::base::midi::MidiMessage;
