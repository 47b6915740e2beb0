//! Layer 8: scores, fed ahead of time.
//!
//! Imports `base`, `rt`, `wire`, `patch`, `control` and the engine's lane. A score in beats is a [`book`] on a [`stand`]: its verbs
//! change it, its [`feeder`] keeps the lane a second ahead, its [`conductor`] sees to that on a thread of its own; its [`tempo_map`]
//! leads the transport. A MIDI file in a time of its own is a [`model`], read by [`smf`] and handed out by a [`reader`] to whoever hands
//! in a closure. Files are read by their kind in [`file`](mod@file): text in [`written`], a MIDI file's notes in [`notes`], messages in
//! seconds in [`timed`]; a shelf loads and saves them for who asks by a message. Opens no port and no patch.

pub mod book;
pub mod conductor;
pub mod feeder;
pub mod file;
pub mod live;
pub mod model;
pub mod notes;
pub mod reader;
mod shelf;
pub mod smf;
pub mod stand;
pub mod tempo_map;
pub mod timed;
pub mod verbs;
mod write;
pub mod written;

pub use book::Book;
pub use conductor::Conductor;
pub use file::ScoreFile;
pub use live::Live;
pub use model::{Item, Score};
pub use reader::Reader;
pub use smf::ScoreError;
pub use stand::Stand;
pub use tempo_map::TempoMap;
pub use timed::Timed;
