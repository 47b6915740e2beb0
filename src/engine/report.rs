//! What comes back from the audio thread.

use super::NoteId;
use crate::base::time::SampleTime;

/// Something to tell off the audio thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Report {
    /// A note's sound has ended.
    NoteEnded {
        /// Whose.
        slot: u8,
        /// Which.
        id: NoteId,
    },
    /// A note was refused because no voice may give way, or gave way to another.
    NoteStolen {
        /// Whose.
        slot: u8,
        /// Which.
        id: NoteId,
    },
    /// All that one feed sent before this number has been applied.
    Synced(u32),
    /// An event came too late.
    Late {
        /// Which feed.
        feed: u8,
        /// By how many frames.
        frames: u32,
    },
    /// The events waiting in the engine were too many: one was dropped.
    Overflow {
        /// Which feed.
        feed: u8,
    },
    /// A slot's new plan has begun to run.
    Swapped {
        /// Whose.
        slot: u8,
        /// When.
        at: SampleTime,
    },
    /// The mixer's new plan has taken over altogether.
    Mixed,
    /// A slot's sound goes to a channel that the device has not.
    NoChannel {
        /// Whose.
        slot: u8,
        /// Which, from 0.
        channel: u8,
    },
    /// A slot's plan was taken away: its sound has faded, its notes have ended, its strip stands as a new one does.
    Unloaded {
        /// Whose.
        slot: u8,
    },
    /// A module put out what is no number; its bad lanes were silenced and started afresh.
    NotFinite {
        /// Whose.
        slot: u8,
        /// Which module of the patch.
        module: u16,
        /// Voice number, or `u16::MAX` in the global part.
        voice: u16,
    },
    /// The beat clock comes to a whole beat.
    Beat {
        /// When.
        at: SampleTime,
        /// Which, from 0.
        beat: i64,
        /// Beats a minute.
        tempo: f32,
    },
    /// The score has set the tempo [beats a minute].
    Tempo(f32),
    /// The beat clock runs with all others that the driver calls.
    Started {
        /// Since when.
        at: SampleTime,
    },
    /// A slot's code failed; the slot is silent until it is loaded anew.
    Died {
        /// Whose.
        slot: u8,
    },
}
