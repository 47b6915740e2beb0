//! A note as the allocator has it: what is held, when something happens to it, what became of it, how it gets to its pitch.

use super::NoteId;
use crate::base::time::SampleTime;
use crate::plan::bank::Glide;
use crate::plan::slot::{GlideMode, Manner};

/// A glide lasts at most so long [s].
const LONGEST: f32 = 60.0;

/// A note that is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The note.
    pub id: NoteId,
    /// The key, for `keys.…`.
    pub key: u8,
    /// Octaves above C4.
    pub pitch: f32,
    /// 0..1.
    pub velocity: f32,
}

/// What became of a note in the end; each is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It was let go, and its sound is over.
    Ended(NoteId),
    /// It gave way to another, or no voice gave way to it. Its key may still be held.
    Stolen(NoteId),
}

/// When something happens.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The frame's time.
    pub at: SampleTime,
    /// The frame of the tile.
    pub frame: usize,
    /// The frame of the tile in which the block begins.
    pub from: usize,
    /// Frames a second.
    pub rate: f32,
    /// There is no time for more voices: a new note takes the place of one that was let go, or is refused.
    pub strained: bool,
}

/// Where a unison voice stands, −1 to 1. `[audio]`
pub(super) fn place((number, of): (usize, usize)) -> f32 {
    if of < 2 { 0.0 } else { 2.0 * number as f32 / (of - 1) as f32 - 1.0 }
}

/// How many octaves take how long. `[audio]`
pub(super) fn glide(manner: &Manner, from: Option<f32>, way: f32, rate: f32) -> Option<Glide> {
    let seconds = match manner.glide_mode {
        GlideMode::Time => manner.glide,
        GlideMode::Rate => manner.glide * way.abs(),
    };
    let seconds = if seconds < LONGEST { seconds } else { LONGEST };
    let frames = (seconds * rate) as u32;
    (frames > 0).then_some(Glide { from, frames })
}

/// In which time a voice that sounds goes to what is set of it [frames]. `[audio]`
pub(super) fn smooth(rate: f32) -> u32 {
    (rate * 0.005) as u32
}
