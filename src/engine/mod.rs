//! Layer 6: the audio thread.
//!
//! Imports `base`, `dsp`, `rt`, `module` and `plan`. Never allocates, frees, locks, waits, logs or calls the system. Start
//! reading at [`engine`].

pub mod allocator;
pub mod beat;
mod click;
pub mod doors;
#[allow(clippy::module_inception, reason = "the engine is what this folder is named after")]
pub mod engine;
pub mod event;
pub mod fader;
pub mod headroom;
pub mod journal;
mod landing;
pub mod master;
pub mod meter;
pub mod mixer;
pub mod note;
mod outbox;
pub mod pass;
pub mod pause;
pub mod playing;
pub mod queue;
pub mod recording;
mod redo;
pub mod report;
pub mod score;
pub mod shed;
mod sheet;
pub mod strip;
pub mod team;

pub use doors::PlanDoor;
pub use engine::Engine;
pub use event::{Act, Event, NoteId};
pub use report::Report;
