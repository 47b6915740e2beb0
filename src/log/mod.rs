//! Layer 9: the log of a set, and the same set again from it.
//!
//! Imports `wire`, `patch`, `plan`, `engine` and `control`. What the engine did, frame by frame, goes to a file on a thread of its own; an
//! engine that does it again makes the same sound, bit for bit. Start reading at [`entry`].

pub mod entry;
pub mod file;
pub mod keeper;
mod page;
pub mod replay;

pub use file::Log;
pub use keeper::Keeper;
pub use replay::Replay;
