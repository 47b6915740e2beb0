//! Layer 9: OSC over UDP, and lines of text that say the same: sockets, dispatch, reply.
//!
//! Imports `base`, `wire` and `control`. Whatever arrives is refused whole or done whole; nothing that arrives ends a thread.
//! Knows no patch and no engine. Start reading at [`server`]; [`client`] is the other end, for the command line.

pub mod client;
pub mod convert;
pub mod intake;
pub mod limit;
mod reply;
pub mod server;
pub mod text;
mod udp;

pub use server::{OpenError, Server};
