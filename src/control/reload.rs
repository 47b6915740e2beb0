//! Patches that are to play: the newest of each slot waits for the plan before it.

use std::path::{Path, PathBuf};

use super::client::{Client, Origin};
use super::control::Control;
use super::slot::Slot;
use super::streams::Stream;
use crate::base::diagnostic::{Diagnostic, has_errors};
use crate::engine::engine::SLOTS;
use crate::engine::{Act, Event};
use crate::patch;
use crate::patch::{Patch, slot_name_beside};

/// Something that waits for the plan before it to have landed.
pub enum Pending {
    /// A file that was read.
    File(Box<Loading>),
    /// A setting was changed.
    Rebuild(usize),
}

/// A patch that is to play.
pub struct Loading {
    slot: usize,
    patch: Patch,
    text: String,
    file: Option<PathBuf>,
    /// Who is told when it plays: the client and the address it spoke to.
    waiting: Vec<(Client, String)>,
}

impl Pending {
    fn slot(&self) -> usize {
        match self {
            Self::File(loading) => loading.slot,
            Self::Rebuild(slot) => *slot,
        }
    }
}

impl Control {
    /// Plays a patch in the slot of this name, which is made where there is none. What was turned since the last load stays where
    /// it is, unless its own text is another now. A patch with mistakes changes nothing. Gives the slot's number and what else
    /// there is to say of the patch.
    ///
    /// # Errors
    /// All mistakes. `[control]`
    pub fn load(&mut self, slot: &str, text: &str, file: Option<&Path>) -> Result<(usize, Vec<Diagnostic>), Vec<Diagnostic>> {
        self.load_for(slot, text, file, Vec::new())
    }

    /// The same, telling some clients when it plays.
    pub(super) fn load_for(
        &mut self,
        slot: &str,
        text: &str,
        file: Option<&Path>,
        waiting: Vec<(Client, String)>,
    ) -> Result<(usize, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (patch, mut diagnostics) = patch::parse(text, &self.catalogue);
        let Some(patch) = patch.filter(|_| !has_errors(&diagnostics)) else {
            return Err(diagnostics);
        };
        match self.put(slot, patch, text, file, waiting) {
            Ok(slot) => Ok((slot, diagnostics)),
            Err(full) => {
                diagnostics.push(full);
                Err(diagnostics)
            }
        }
    }

    /// Plays a checked patch; see [`Self::load`].
    ///
    /// # Errors
    /// Where there is no room for another slot. `[control]`
    pub fn put(
        &mut self,
        slot: &str,
        patch: Patch,
        text: &str,
        file: Option<&Path>,
        waiting: Vec<(Client, String)>,
    ) -> Result<usize, Diagnostic> {
        let slot = self.slot_called(slot)?;
        let mut loading = Loading { slot, patch, text: text.to_owned(), file: file.map(Path::to_owned), waiting };
        // A newer version takes the place of one that has not left yet; whoever waits for that one waits for this.
        self.pending.retain_mut(|pending| match pending {
            Pending::File(older) if older.slot == slot => {
                loading.waiting.append(&mut older.waiting);
                false
            }
            Pending::Rebuild(older) => *older != slot,
            Pending::File(_) => true,
        });
        self.pending.push_back(Pending::File(Box::new(loading)));
        self.pump();
        Ok(slot)
    }

    fn slot_called(&mut self, name: &str) -> Result<usize, Diagnostic> {
        if let Some(slot) = self.names.get(name) {
            return Ok(*slot);
        }
        if self.slots.len() >= SLOTS {
            let full = Diagnostic::error("slots-full", 0..0, "the rack has no room for another slot");
            return Err(Diagnostic { labels: Vec::new(), ..full });
        }
        let name = if patch::is_slot_name(name) { name.to_owned() } else { slot_name_beside(name, |name| self.names.contains_key(name)) };
        self.slots.push(Slot::new(&name));
        self.names.insert(name, self.slots.len() - 1);
        self.quick.forget();
        Ok(self.slots.len() - 1)
    }

    /// A slot's patch is compiled anew, for a setting that was changed.
    pub(super) fn rebuild(&mut self, slot: usize) {
        if !self.pending.iter().any(|pending| pending.slot() == slot) {
            self.pending.push_back(Pending::Rebuild(slot));
        }
        self.pump();
    }

    /// Moves the plan that is on its way one step on, or begins with the next.
    pub(super) fn pump(&mut self) {
        if self.flying.is_some() {
            return self.fly();
        }
        let Some(slot) = self.pending.front().map(Pending::slot) else { return };
        let now = self.shown.now();
        self.pending_since.get_or_insert(now);
        if self.slots[slot].plays && self.slots[slot].fed_until > now {
            return;
        }
        let Some(pending) = self.pending.pop_front() else { return };
        self.pending_since = None;
        let loaded = matches!(pending, Pending::File(_));
        let (written, waiting) = match pending {
            Pending::File(loading) => {
                let Loading { patch, text, file, waiting, .. } = *loading;
                self.carry_glides(slot, &patch);
                let of = &mut self.slots[slot];
                (of.turned, of.settings) = of.carried(&patch);
                of.text = text;
                of.file = file;
                let tempo = patch.tempo.filter(|tempo| !of.plays || of.written.tempo != Some(*tempo));
                if let Some(tempo) = tempo {
                    self.tempo = tempo;
                    self.bend_glides();
                    self.changed_stream(Client::of(Origin::Rackd), Stream::Tempo);
                    self.counts.events += 1;
                    // What finds no room is counted as dropped.
                    let _ = self.feed(Origin::Rackd, &[Event { at: 0, act: Act::Tempo(tempo as f32) }], &[]);
                }
                (patch, waiting)
            }
            Pending::Rebuild(_) => (self.slots[slot].written.clone(), Vec::new()),
        };
        self.begin_flight(slot, written, waiting);
        if loaded {
            self.watch_anew(slot);
        }
        self.fly();
    }
}
