//! Layer 9: sound to disk, on a thread of its own or at once where nobody waits.
//!
//! Imports `rt`. Knows no engine and no patch: it is given the far end of a [`crate::rt::tap`], or frames. Never overwrites a file.
//! Start reading at [`wav`], then [`recorder`].

pub mod recorder;
mod repair;
pub mod wav;

pub use recorder::{RecordEvent, Recorder};
pub use wav::{Recorded, Sample, WavFile};
