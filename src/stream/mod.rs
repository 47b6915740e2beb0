//! Layer 9: sound from other programs and to them, over TCP and Unix sockets, each connection on a thread of its own.
//!
//! Imports `base` and `rt`. Knows no engine and no patch: it fills and empties the flows of [`crate::rt::flows`]. The rate conversion of
//! what comes in is done here, never on the audio thread. Start reading at [`header`], then [`session`] and [`pour`].

pub mod format;
pub mod header;
mod hear;
pub mod pour;
pub mod server;
pub mod session;
pub mod socket;

pub use format::Format;
pub use header::Header;
pub use server::{Desk, Server};
pub use socket::Place;
