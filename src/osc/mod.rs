//! Layer 9: OSC over UDP, TCP, WebSockets and Unix sockets, and lines of text that say the same: sockets, dispatch, reply.
//!
//! Imports `base`, `rt` (its clock), `wire` and `control`. Whatever arrives is refused whole or done whole; nothing that arrives ends
//! a thread. Knows no patch and no engine. Start reading at [`server`] and [`intake`]; [`client`], [`link`] and [`ear`] are the other
//! end, for the command line.

pub mod allow;
pub mod bounds;
pub mod client;
#[cfg(target_os = "linux")]
mod closed;
mod connection;
pub mod convert;
mod crowd;
pub mod ear;
pub mod intake;
pub mod json;
pub mod limit;
pub mod link;
pub mod moment;
mod out;
mod reply;
pub mod server;
mod stream;
pub mod text;
pub mod typed;
mod udp;
mod websocket;

pub use server::{Listen, OpenError, Server, Spot};
