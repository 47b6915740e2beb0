//! Layer 8: scores, fed ahead of time.
//!
//! Imports `base`. Knows no engine, no port and no patch: messages go to whoever hands in a closure, with the frame at which each
//! acts. Start reading at [`model`], then [`smf`] and [`reader`].

pub mod live;
pub mod model;
pub mod reader;
pub mod smf;

pub use live::Live;
pub use model::{Item, Score};
pub use reader::Reader;
pub use smf::ScoreError;
