//! Layer 9: sound to disk, on threads of its own or at once where nobody waits.
//!
//! Imports `rt`, `engine`'s recordings and `control`. Knows no patch: it is given the far end of a [`crate::rt::tap`], or frames. Never
//! overwrites a file. Start reading at [`file`], then [`recorder`] and [`desk`].

mod code;
pub mod desk;
mod disk;
pub mod file;
mod flac;
pub mod recorder;
mod request;
pub mod spec;
mod wav;

pub use desk::Desk;
pub use file::{Recorded, SoundFile};
pub use recorder::{Progress, RecordEvent, Recorder};
pub use spec::{Format, Sample, Spec, Unfit};
