//! What the engine did, at which frame: enough to do it again, sample by sample.
//!
//! Entries stand in the order in which things were done. What the engine works out by itself from them (ends of timed notes, a loop's turns,
//! a patch's own notes) is not among them, or stands there as what it came to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::event::Act;
use crate::base::time::SampleTime;

/// Entries that may wait for whoever writes them.
pub const WAITING: usize = 65_536;

/// Something that was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Did {
    /// An event acted. A note's start has no length here: its end is an entry of its own.
    Act(Act),
    /// A slot's plan began, by the number that it was sent with.
    Plan {
        /// Whose.
        slot: u8,
        /// Which.
        number: u32,
    },
    /// A slot's plan began to go.
    Unload {
        /// Whose.
        slot: u8,
    },
    /// A plan of the mixer began.
    Mix {
        /// Which.
        number: u32,
    },
    /// From here on there is, or is no, time for more voices.
    Strained(bool),
    /// Voices were shed.
    Shed {
        /// Whose.
        slot: u8,
        /// The first of their group.
        first: u16,
        /// How many at most.
        most: u16,
    },
}

/// Something that was done, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// In the time that others count by, which goes on in a pause.
    pub at: SampleTime,
    /// What.
    pub what: Did,
}

/// The engine's end: keeps entries where anybody reads them.
#[derive(Default)]
pub struct Journal {
    to: Option<rtrb::Producer<Entry>>,
    lost: Arc<AtomicU64>,
    strained: bool,
}

/// Whoever reads them.
pub struct JournalEnd {
    from: rtrb::Consumer<Entry>,
    lost: Arc<AtomicU64>,
}

impl Journal {
    /// One that is kept, and its other end. `[control]`
    #[allow(clippy::disallowed_methods, reason = "built off the audio thread")]
    pub fn new() -> (Self, JournalEnd) {
        let (to, from) = rtrb::RingBuffer::new(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        (Self { to: Some(to), lost: Arc::clone(&lost), strained: false }, JournalEnd { from, lost })
    }

    /// Keeps what was done; what finds no room is counted. `[audio]`
    pub fn note(&mut self, at: SampleTime, what: Did) {
        if let Some(to) = &mut self.to
            && to.push(Entry { at, what }).is_err()
        {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// Keeps whether there is time for more voices, where that is another than before. `[audio]`
    pub fn strained(&mut self, at: SampleTime, strained: bool) {
        if self.strained != strained {
            self.strained = strained;
            self.note(at, Did::Strained(strained));
        }
    }

    /// Keeps that an event acted, if it does anything that can be heard. `[audio]`
    pub fn acted(&mut self, at: SampleTime, act: Act) {
        let act = match act {
            Act::Sync(_) | Act::Clear | Act::RunWith { .. } => return,
            // Its end is told when it comes.
            Act::NoteOn { slot, key, id, pitch, velocity, .. } => Act::NoteOn { slot, key, id, pitch, velocity, frames: 0 },
            other => other,
        };
        self.note(at, Did::Act(act));
    }
}

impl JournalEnd {
    /// The next entry. `[control]`
    pub fn take(&mut self) -> Option<Entry> {
        self.from.pop().ok()
    }

    /// Entries that found no room so far: the log has a hole. `[any]`
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::NoteId;

    #[test]
    fn what_finds_no_room_is_counted_and_what_is_not_heard_is_left_out() {
        let (mut journal, mut end) = Journal::new();
        journal.acted(1, Act::Sync(3));
        journal.acted(2, Act::NoteOn { slot: 0, key: 60, id: NoteId(1), pitch: 0.0, velocity: 1.0, frames: 480 });
        let Some(Entry { at: 2, what: Did::Act(Act::NoteOn { frames: 0, .. }) }) = end.take() else { panic!("a note without an end") };
        for _ in 0..WAITING + 7 {
            journal.acted(9, Act::Tempo(90.0));
        }
        assert_eq!(end.lost(), 7);
        // Where nobody reads, nothing is counted either.
        Journal::default().acted(1, Act::Tempo(60.0));
    }
}
