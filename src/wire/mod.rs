//! Layer 1: OSC bytes ↔ messages: limits, patterns, time tags; no socket.
//!
//! Imports nothing of rackd. The only folder that names rosc. Never opens a socket, never allocates for bytes that it refuses,
//! never panics whatever the bytes are. Start reading at [`check`].

pub mod check;
pub mod decode;
pub mod encode;
pub mod frame;
pub mod limits;
pub mod packet;
pub mod pattern;
pub mod reader;
pub mod time;
pub mod walk;

pub use check::{Found, check};
pub use decode::{decode, decode_within};
pub use encode::encode;
pub use frame::{Broken, Deframer, Framing, frame};
pub use limits::{Limits, Refusal};
pub use packet::{Arg, Bundle, Message, Packet};
pub use pattern::{BadPattern, Pattern, is_pattern};
pub use walk::walk;
