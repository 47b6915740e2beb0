//! The engine keeps a journal of what it does, and does again what stands in one.
//!
//! What is done again is done at once, between two calls of [`Engine::run`]: whoever reads the journal runs the engine up to the time of an
//! entry and then has it done. Since no sample depends on how calls are cut, the sound is the same.

use super::engine::Engine;
use super::event::{Act, Event};
use super::journal::{Did, Journal, JournalEnd};
use crate::base::time::{SampleTime, tile_index};

impl Engine {
    /// Keeps a journal from now on, from before the first frame if it is to be done again. `[control]`
    pub fn keep_journal(&mut self) -> JournalEnd {
        let (journal, end) = Journal::new();
        self.journal = journal;
        end
    }

    /// Time of the next frame by the engine's own count, which stands in a pause. `[any]`
    pub fn own_time(&self) -> SampleTime {
        self.now
    }

    /// Does what stands in a journal, whose time has come. A plan must wait in its door; for anything else nothing is to wait in any.
    /// `[control]`
    pub fn redo(&mut self, did: Did) {
        match did {
            Did::Act(act) => {
                if !self.pause.stands() {
                    self.arrive();
                }
                self.apply(Event { at: self.now, act }, 0, tile_index(self.now));
                if act == Act::Pause(false) && self.pause.stands() {
                    // It goes on in this frame.
                    self.pause.stand(self.now, 0);
                }
            }
            Did::Plan { .. } | Did::Unload { .. } => self.take_plan(),
            Did::Mix { .. } => self.begin_mix(),
            Did::Strained(strained) => self.headroom.force(strained),
            Did::Shed { slot, first, most } => drop(self.shed_of(usize::from(slot), usize::from(first), usize::from(most))),
        }
    }
}
