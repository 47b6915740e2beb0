//! Patches that are to play: the newest of each slot waits for the plan before it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::client::{Client, Origin};
use super::control::Control;
use super::rack_file::{Including, ReadPatch, Within};
use super::set::Turned;
use super::slot::Slot;
use super::streams::Stream;
use super::tuning::resolve;
use crate::base::diagnostic::{Diagnostic, has_errors};
use crate::engine::{Act, Event};
use crate::media::Recipe;
use crate::patch;
use crate::patch::{Parsed, Patch, SetSpec, slot_name_beside};
use crate::plan::mixer::SLOTS;

/// Something that waits for the plan before it to have landed.
pub enum Pending {
    /// A file that was read.
    File(Box<Loading>),
    /// A setting was changed.
    Rebuild(usize),
    /// A slot is to be empty.
    Unload(usize),
}

/// A patch that is to play.
pub struct Loading {
    slot: usize,
    patch: Patch,
    /// What its `tuning` comes to.
    tuning: Option<Arc<Recipe>>,
    text: String,
    file: Option<PathBuf>,
    /// What its rack sets in it; `None`: as before, where it is the same file.
    set: Option<Vec<SetSpec>>,
    /// Its own tempo counts, where it is another than before.
    tempo: bool,
    /// Who is told when it plays: the client and the address it spoke to.
    pub(super) waiting: Vec<(Client, String)>,
}

impl Pending {
    pub(super) fn slot(&self) -> usize {
        match self {
            Self::File(loading) => loading.slot,
            Self::Rebuild(slot) | Self::Unload(slot) => *slot,
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
        let files = Including { within: Within::Folders(&self.options.folders), file };
        let Parsed { patch, mut diagnostics, .. } = patch::parse_with(text, &self.catalogue, &files);
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
    /// Where there is no room for another slot, or a file of its tuning cannot be used. `[control]`
    pub fn put(
        &mut self,
        slot: &str,
        patch: Patch,
        text: &str,
        file: Option<&Path>,
        waiting: Vec<(Client, String)>,
    ) -> Result<usize, Diagnostic> {
        let tuning = patch.tuning.as_ref().map(|spec| resolve(spec, file, &self.options.folders)).transpose()?;
        let slot = self.slot_called(slot)?;
        let tempo = self.standing.tempo().is_none();
        let (text, file) = (text.to_owned(), file.map(Path::to_owned));
        self.put_in(Loading { slot, patch, tuning, text, file, set: None, tempo, waiting });
        Ok(slot)
    }

    /// Plays a checked patch of a rack in a slot that is there, with what the rack sets in it.
    pub(super) fn put_of_rack(&mut self, slot: usize, read: ReadPatch, set: Vec<SetSpec>, tempo: bool) {
        let ReadPatch { patch, text, file } = read;
        let tuning = self.resolved(patch.tuning.as_ref(), Some(&file));
        self.put_in(Loading { slot, patch, tuning, text, file: Some(file), set: Some(set), tempo, waiting: Vec::new() });
    }

    fn put_in(&mut self, mut loading: Loading) {
        let slot = loading.slot;
        // A newer version takes the place of one that has not left yet; whoever waits for that one waits for this.
        self.pending.retain_mut(|pending| match pending {
            Pending::File(older) if older.slot == slot => {
                loading.waiting.append(&mut older.waiting);
                if loading.set.is_none() && loading.file == older.file {
                    loading.set = older.set.take();
                }
                false
            }
            Pending::Rebuild(older) => *older != slot,
            Pending::File(_) | Pending::Unload(_) => true,
        });
        self.pending.push_back(Pending::File(Box::new(loading)));
        self.pump();
    }

    /// The number of the slot of this name, which is made where there is none.
    pub(super) fn slot_called(&mut self, name: &str) -> Result<usize, Diagnostic> {
        if let Some(slot) = self.names.get(name) {
            return Ok(*slot);
        }
        let Some(number) = self.free_number() else {
            let full = Diagnostic::error("slots-full", 0..0, "the rack has no room for another slot");
            return Err(Diagnostic { labels: Vec::new(), ..full });
        };
        let name = if patch::is_slot_name(name) { name.to_owned() } else { slot_name_beside(name, |name| self.names.contains_key(name)) };
        self.slots[number] = Slot::new(&name).leaving(self.slots[number].leaves);
        self.names.insert(name, number);
        self.quick.forget();
        self.remix();
        Ok(number)
    }

    /// A number that no slot has: the first that the engine has let go of, else a new one, else one that it is still letting go of.
    fn free_number(&mut self) -> Option<usize> {
        let free = |leaves: bool| self.slots.iter().position(|slot| slot.is_vacant() && slot.leaves == leaves);
        if let Some(number) = free(false) {
            return Some(number);
        }
        if self.slots.len() < SLOTS {
            self.slots.push(Slot::default());
            return Some(self.slots.len() - 1);
        }
        free(true)
    }

    /// A slot's patch is compiled anew, for a setting that was changed.
    pub(super) fn rebuild(&mut self, slot: usize) {
        if !self.pending.iter().any(|pending| pending.slot() == slot) {
            self.pending.push_back(Pending::Rebuild(slot));
        }
        self.pump();
    }

    /// The tempo is this from the next block on.
    pub(super) fn set_tempo(&mut self, tempo: f64) {
        self.tempo = tempo;
        self.bend_glides();
        self.changed_stream(Client::of(Origin::Rackd), Stream::Tempo);
        self.counts.events += 1;
        // What finds no room is counted as dropped.
        let _ = self.feed(Origin::Rackd, &[Event { at: 0, act: Act::Tempo(tempo as f32) }], &[]);
    }

    /// Whether a slot's plan, or its end, is still to come.
    pub(super) fn is_on_its_way(&self, slot: usize) -> bool {
        self.flying.as_ref().is_some_and(|flight| flight.slot == slot)
            || self.pending.iter().any(|pending| pending.slot() == slot)
            || self.slots.get(slot).is_some_and(|slot| slot.leaves)
    }

    /// Moves the plan that is on its way one step on, or begins with the next.
    pub(super) fn pump(&mut self) {
        self.send_mix();
        if self.flying.is_some() {
            return self.fly();
        }
        while let Some(Pending::Unload(slot)) = self.pending.front() {
            if !self.door.unload(*slot as u8) {
                return;
            }
            self.pending.pop_front();
        }
        let Some(slot) = self.pending.front().map(Pending::slot) else { return };
        if self.slots[slot].leaves {
            return;
        }
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
                let Loading { patch, tuning, text, file, set, tempo, waiting, .. } = *loading;
                self.carry_glides(slot, &patch);
                let of = &mut self.slots[slot];
                let (numbers, settings) = of.carried(&patch);
                let mut turned = Turned { numbers, settings };
                let before = std::mem::take(&mut of.set);
                of.set = set.unwrap_or_else(|| if of.file == file { before.clone() } else { Vec::new() });
                let wrong = turned.lay(&patch, &before, &of.set);
                (of.turned, of.settings) = (turned.numbers, turned.settings);
                of.tuning.patch = tuning;
                of.text = text;
                self.standing.version += u64::from(of.file != file || of.written.includes != patch.includes);
                of.file = file;
                let tempo = patch.tempo.filter(|new| tempo && (!of.plays || of.written.tempo != Some(*new)));
                for why in wrong {
                    let name = self.slots[slot].name.clone();
                    self.tell(format!("{name}: what its rack sets is not there any more: {why}"));
                }
                if let Some(tempo) = tempo {
                    self.set_tempo(tempo);
                }
                if !self.slots[slot].plays {
                    // Only now is its number surely free of what played under it.
                    let of = &self.slots[slot];
                    self.set_mix(slot, of.strip, of.route.clone());
                    self.set_sends_to(slot);
                }
                (patch, waiting)
            }
            Pending::Rebuild(_) | Pending::Unload(_) => (self.slots[slot].written.clone(), Vec::new()),
        };
        self.begin_flight(slot, written, waiting);
        if loaded {
            self.refresh(Client::of(Origin::Rackd), true);
            let name = self.slots[slot].name.clone();
            self.watch_anew(slot, &name);
        }
        self.fly();
    }
}
