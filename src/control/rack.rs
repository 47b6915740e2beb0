//! A whole rack: what is new is made, what is gone is unloaded, what is as it was goes on sounding.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::address_map::Spot;
use super::client::{Client, Origin};
use super::control::Control;
use super::draft::{Draft, MASTER, Step};
use super::fail::{Code, Fail};
use super::rack_file::{ReadPatch, ReadRack, Remarks, Within};
use super::slot::{Slot, Strip, level_factor};
use super::targets::Target;
use super::value::{Message, Value};
use super::zone::ZonePart;
use crate::base::diagnostic::Diagnostic;
use crate::engine::event::{ALL_SLOTS, Mix};
use crate::engine::{Act, Engine, Event};
use crate::patch::{Rack, SendSpec, SlotSpec, Zone};
use crate::plan::mixer::CHANNELS;

/// The rack that was loaded last, as it was written.
#[derive(Debug, Default)]
pub struct Standing {
    /// Its file.
    pub(super) file: Option<PathBuf>,
    /// As it was read, or saved.
    pub(super) text: String,
    /// The same checked.
    pub(super) rack: Option<Rack>,
    /// Who waits for slots to sound.
    waits: Vec<Wait>,
    /// How often the files that what plays was read from have become others.
    pub(super) version: u64,
    /// What patches that had mistakes when they were last read include.
    asked: Vec<PathBuf>,
}

impl Standing {
    /// Its tempo, which counts before that of any patch [beats a minute].
    pub(super) fn tempo(&self) -> Option<f64> {
        self.rack.as_ref()?.tempo
    }
}

/// Who waits for slots to sound, or to have gone.
#[derive(Debug)]
struct Wait {
    client: Client,
    done: Message,
    slots: HashSet<usize>,
}

/// What a reload came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reloaded {
    /// Slots that play another version of their patch, or are new.
    pub slots: Vec<String>,
    /// The rack's own file was another.
    pub rack: bool,
    /// What else there is to say of the files.
    pub remarks: Vec<Remarks>,
}

impl Control {
    /// The slots that are not vacant, with their numbers. `[control]`
    pub fn loaded(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots.iter().enumerate().filter(|(_, slot)| !slot.is_vacant())
    }

    /// The rack that was loaded last, as it was written, and its file; none while patches play that nobody has put into one. `[control]`
    pub fn rack(&self) -> Option<(&Rack, Option<&PathBuf>)> {
        self.standing.rack.as_ref().map(|rack| (rack, self.standing.file.as_ref()))
    }

    /// Every file that what plays was read from: the rack's first. `[control]`
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.standing.file.iter().cloned().collect();
        let of_slots =
            self.loaded().flat_map(|(_, slot)| slot.file.iter().chain(slot.written.includes.iter().map(|include| &include.path)));
        for file in of_slots.chain(&self.standing.asked) {
            if !files.contains(file) {
                files.push(file.clone());
            }
        }
        for file in self.tuning_files() {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files
    }

    /// Another number each time when [`Self::files`] may be others. `[control]`
    pub fn version(&self) -> u64 {
        self.standing.version
    }

    /// Files of these folders may be loaded by messages, and saved, from now on. `[control]`
    pub fn allow_folders(&mut self, folders: impl IntoIterator<Item = PathBuf>) {
        for folder in folders {
            if !self.options.folders.contains(&folder) {
                self.options.folders.push(folder);
            }
        }
    }

    /// Plays a rack: all of it from the next blocks on, slot by slot. A slot of a name that is there already goes on with its held notes
    /// and its turned values, by the rules of a reload; one whose patch and `set` are the same is not touched. Slots that the rack does
    /// not have are unloaded. Where it is the rack that plays already, read anew, only what is written otherwise than before is set; what
    /// was turned, loaded and unloaded by hand since stays. Gives the slots that are put anew. `[control]`
    pub fn put_rack(&mut self, read: ReadRack, waiting: Vec<(Client, String)>) -> Vec<String> {
        let ReadRack { rack, text, file, patches } = read;
        let again = self.standing.file.as_ref() == Some(&file);
        let old = if again { self.standing.rack.take() } else { None };
        for (name, slot) in self.names.clone() {
            let was = old.as_ref().is_none_or(|old| old.slot(&name).is_some());
            if was && rack.slot(&name).is_none() {
                self.unload(slot);
            }
        }
        self.standing.rack = Some(Rack { slots: Vec::new(), ..rack.clone() });
        self.put_tempo(&rack, old.as_ref(), &patches);
        self.tunings.rack.rack = self.resolved(rack.tuning.as_ref(), Some(&file));
        // All names and routes stand before the first patch: what a slot sends to another is known from its first frame on.
        let before = |spec: &SlotSpec| old.as_ref().and_then(|old| old.slot(&spec.name));
        let slots: Vec<Option<(usize, bool)>> = rack.slots.iter().map(|spec| self.put_strip(spec, before(spec))).collect();
        self.remix();
        let mut put = Vec::new();
        for ((spec, read), slot) in rack.slots.iter().zip(patches).zip(&slots) {
            if let Some((slot, new)) = *slot
                && self.put_patch(slot, new, spec, before(spec), read)
            {
                put.push(spec.name.clone());
            }
        }
        let slots: HashSet<usize> = slots.into_iter().flatten().map(|(slot, _)| slot).collect();
        self.put_master(&rack, old.as_ref());
        self.set_rack_maps(rack.maps.clone());
        self.put_tunings(&rack, &file);
        let named = file.display().to_string();
        (self.standing.file, self.standing.text, self.standing.rack) = (Some(file), text, Some(rack));
        let maps = self.standing.rack.as_ref().map(|rack| rack.maps.clone()).unwrap_or_default();
        if old.as_ref().is_none_or(|old| old.maps != maps) {
            self.set_rack_maps(maps);
        }
        self.standing.version += 1;
        for (client, address) in waiting {
            let done = Message::new("/done", vec![address.into(), named.as_str().into()]);
            self.standing.waits.push(Wait { client, done, slots: slots.clone() });
        }
        self.tell_waits();
        put
    }

    fn put_tempo(&mut self, rack: &Rack, old: Option<&Rack>, patches: &[ReadPatch]) {
        let stays = old.is_some_and(|old| old.tempo == rack.tempo);
        // Without one of the rack's own, that of the first patch that has one.
        let tempo = rack.tempo.or_else(|| if old.is_none() { patches.iter().find_map(|read| read.patch.tempo) } else { None });
        if let Some(tempo) = tempo.filter(|_| !stays) {
            self.set_tempo(tempo);
        }
    }

    /// The slots' own tunings, and what programs play there.
    fn put_tunings(&mut self, rack: &Rack, file: &Path) {
        for spec in &rack.slots {
            let tuning = self.resolved(spec.tuning.as_ref(), Some(file));
            if let Some(slot) = self.names.get(&spec.name).copied() {
                self.slots[slot].tuning.rack = tuning;
                self.slots[slot].programs = (spec.programs.clone(), file.to_owned());
            }
        }
        self.refresh(Client::of(Origin::Rackd), true);
    }

    fn put_master(&mut self, rack: &Rack, old: Option<&Rack>) {
        let old = old.map(|old| old.master);
        let mut draft = Draft::new(Client::of(Origin::Rackd));
        if old.is_none_or(|old| old.level != rack.master.level) {
            Self::draft_master(&mut draft, Mix::Level, rack.master.level);
        }
        if old.is_none_or(|old| old.limiter != rack.master.limiter) {
            Self::draft_master(&mut draft, Mix::Limiter, f32::from(u8::from(rack.master.limiter)));
        }
        self.commit_own(draft);
    }

    /// What a rack says of a slot beside its patch; of one that is there, all of it, or what is written otherwise than `before`, when
    /// the same rack was read. Its number, and whether it is new; none where it was unloaded by hand.
    fn put_strip(&mut self, spec: &SlotSpec, before: Option<&SlotSpec>) -> Option<(usize, bool)> {
        let Some(slot) = self.names.get(&spec.name).copied() else {
            if before.is_some_and(|before| same(before, spec)) {
                return None;
            }
            // A rack has no more slots than there is room for, and those that it does not have are gone.
            let slot = self.slot_called(&spec.name).ok()?;
            let of = &mut self.slots[slot];
            of.strip = Strip { level: spec.level, pan: spec.pan, mute: spec.mute, solo: spec.solo };
            (of.route, of.zone) = (spec.route.clone(), spec.zone);
            return Some((slot, true));
        };
        let of = &self.slots[slot];
        let is_other = |differs: fn(&SlotSpec, &SlotSpec) -> bool| before.is_none_or(|before| differs(before, spec));
        let (mut strip, mut route) = (of.strip, of.route.clone());
        if is_other(|a, b| a.level != b.level) {
            strip.level = spec.level;
        }
        if is_other(|a, b| a.pan != b.pan) {
            strip.pan = spec.pan;
        }
        if is_other(|a, b| a.mute != b.mute) {
            strip.mute = spec.mute;
        }
        if is_other(|a, b| a.solo != b.solo) {
            strip.solo = spec.solo;
        }
        if is_other(|a, b| a.route.out != b.route.out) {
            route.out = spec.route.out.clone();
        }
        match before {
            None => route.sends.clone_from(&spec.route.sends),
            Some(before) => lay_sends(&mut route.sends, &before.route.sends, &spec.route.sends),
        }
        if strip != of.strip || route != of.route {
            self.set_mix(slot, strip, route);
        }
        if is_other(|a, b| a.zone != b.zone) {
            self.put_zone(slot, spec.zone);
        }
        Some((slot, false))
    }

    /// The patch of a slot of a rack; whether it has to be played anew.
    fn put_patch(&mut self, slot: usize, new: bool, spec: &SlotSpec, before: Option<&SlotSpec>, read: ReadPatch) -> bool {
        let of = &self.slots[slot];
        let by_hand = !new && before.is_some_and(|before| before.patch == spec.patch) && of.file.as_ref() != Some(&read.file);
        let as_it_was = !new
            && of.file.as_ref() == Some(&read.file)
            && of.text == read.text
            && of.written.includes == read.patch.includes
            && same_sets(&of.set, spec);
        if by_hand || (as_it_was && !self.pending_load(slot)) {
            return false;
        }
        let tempo = self.standing.tempo().is_none() && !new && before.is_some();
        self.put_of_rack(slot, read, spec.set.clone(), tempo);
        true
    }

    fn put_zone(&mut self, slot: usize, zone: Zone) {
        let was = std::mem::replace(&mut self.slots[slot].zone, zone);
        for (_, part) in ZonePart::ALL {
            if part.tell(&was) != part.tell(&zone) {
                self.changed(Client::of(Origin::Rackd), Target { slot, spot: Spot::Zone(part) });
            }
        }
    }

    /// The master is to stand there.
    fn draft_master(draft: &mut Draft, mix: Mix, value: f32) {
        let sent = if mix == Mix::Level { level_factor(value) } else { value };
        draft.value(None, [Event { at: 0, act: Act::Mix { slot: ALL_SLOTS, what: mix, value: sent, frames: 0 } }]);
        draft.step(Step::Strip(MASTER, mix, value));
    }

    /// What rackd itself wants done. What finds no room in the queue is counted as dropped.
    fn commit_own(&mut self, mut draft: Draft) {
        if !draft.events.is_empty() || !draft.steps.is_empty() {
            let _ = self.commit(&mut draft);
        }
    }

    fn pending_load(&self, slot: usize) -> bool {
        self.pending.iter().any(|pending| pending.slot() == slot && matches!(pending, super::reload::Pending::File(_)))
    }

    /// Takes a slot out of the rack: its sound fades, its notes end, its name and its addresses are gone. Its number is free for another
    /// once the engine has let go of it. `[control]`
    pub fn unload(&mut self, slot: usize) {
        let Some(name) = self.slots.get(slot).filter(|slot| !slot.is_vacant()).map(|slot| slot.name.clone()) else { return };
        let sounding: Vec<_> = self.notes.iter().filter(|(_, note)| usize::from(note.slot) == slot).map(|(id, _)| id).collect();
        for id in sounding {
            let ended = self.notes.ended(id);
            self.tell_ended(ended);
        }
        for (client, address) in self.take_away(slot) {
            let fail = Fail::new(&address, Code::UnknownAddress, format!("{name} was unloaded before it played"));
            self.outbox.push((client, fail.message()));
        }
        self.forget_slot(slot);
        self.names.remove(&name);
        self.bind();
        self.watch_anew(slot, &name);
        self.tell_waits();
    }

    /// All that is known of a slot by its number is forgotten, but that the engine is still letting go of it.
    fn forget_slot(&mut self, slot: usize) {
        self.standing.version += 1;
        self.slots[slot] = Slot::new("").leaving(self.slots[slot].leaves);
        self.glides.retain(|(of, _), _| *of != slot);
    }

    /// Somebody waits until these slots sound, or have gone.
    pub(super) fn wait_for(&mut self, client: Client, done: Message, slots: HashSet<usize>) {
        self.standing.waits.push(Wait { client, done, slots });
        self.tell_waits();
    }

    /// Tells those whose slots have all landed.
    pub(super) fn tell_waits(&mut self) {
        let mut waits = std::mem::take(&mut self.standing.waits);
        waits.retain_mut(|wait| {
            wait.slots.retain(|slot| self.is_on_its_way(*slot));
            if wait.slots.is_empty() {
                self.outbox.push((wait.client, wait.done.clone()));
            }
            !wait.slots.is_empty()
        });
        self.standing.waits = waits;
    }

    /// Reads all files again and plays what is another than before; `anew`: all of it. One mistake anywhere, and nothing is changed.
    ///
    /// # Errors
    /// All mistakes, by files. `[control]`
    pub fn reload(&mut self, within: Within<'_>, anew: bool) -> Result<Reloaded, Vec<Remarks>> {
        let mut mistakes = Vec::new();
        let mut done = Reloaded::default();
        let rack = match self.standing.file.clone() {
            None => None,
            Some(file) => match ReadRack::read(&file, within, &self.catalogue) {
                Ok((read, remarks)) => {
                    done.remarks.extend(remarks);
                    Some(read)
                }
                Err(wrong) => {
                    mistakes.extend(wrong);
                    None
                }
            },
        };
        // Of slots that are not as the rack's file says, their own.
        let own: Vec<(usize, PathBuf)> = self
            .loaded()
            .filter(|(_, slot)| {
                let spec = rack.as_ref().and_then(|read| {
                    let at = read.rack.slots.iter().position(|spec| spec.name == slot.name)?;
                    let before = self.standing.rack.as_ref()?.slot(&slot.name)?;
                    let by_hand = before.patch == read.rack.slots[at].patch && slot.file.as_ref() != Some(&read.patches[at].file);
                    (!by_hand).then_some(())
                });
                spec.is_none()
            })
            .filter_map(|(at, slot)| Some((at, slot.file.clone()?)))
            .collect();
        let mut patches = Vec::new();
        for (slot, file) in own {
            match within.read(&file) {
                Err(why) => mistakes.push(Remarks::unread(&file, &why)),
                Ok((_, text)) if text == self.slots[slot].text && self.slots[slot].written.includes.is_empty() => {}
                Ok((_, text)) => match ReadPatch::of_text(text, file, within, &self.catalogue) {
                    Ok((read, _)) if read.text == self.slots[slot].text && read.patch.includes == self.slots[slot].written.includes => {}
                    Ok((read, remarks)) => {
                        patches.push((slot, read));
                        done.remarks.extend((!remarks.diagnostics.is_empty()).then_some(remarks));
                    }
                    Err(wrong) => mistakes.push(wrong),
                },
            }
        }
        // What a wrong patch includes may be what is to be mended.
        let asked: Vec<PathBuf> = mistakes.iter().flat_map(|wrong| wrong.includes.iter().cloned()).collect();
        if self.standing.asked != asked {
            self.standing.asked = asked;
            self.standing.version += 1;
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        if let Some(read) = rack {
            done.rack = read.text != self.standing.text;
            done.slots = self.put_rack(read, Vec::new());
        }
        for (slot, read) in patches {
            if !self.slots[slot].is_vacant() {
                let name = self.slots[slot].name.clone();
                let ReadPatch { patch, text, file } = read;
                if self.put(&name, patch, &text, Some(&file), Vec::new()).is_ok() {
                    done.slots.push(name);
                }
            }
        }
        if anew {
            let rest = self.loaded().filter(|(_, slot)| slot.file.is_some() && !done.slots.contains(&slot.name));
            let rest: Vec<_> =
                rest.map(|(_, slot)| (slot.name.clone(), slot.written.clone(), slot.text.clone(), slot.file.clone())).collect();
            for (name, patch, text, file) in rest {
                if self.put(&name, patch, &text, file.as_deref(), Vec::new()).is_ok() {
                    done.slots.push(name);
                }
            }
        }
        self.read_tunings();
        Ok(done)
    }

    /// Loads a file into the slot of this name, or, where the file is a rack, the rack. Who waits is told when all of it sounds.
    ///
    /// # Errors
    /// All mistakes, by files; nothing is changed. `[control]`
    pub fn load_file(
        &mut self,
        path: PathBuf,
        text: String,
        slot: Option<&str>,
        waiting: Vec<(Client, String)>,
    ) -> Result<(), Vec<Remarks>> {
        let folders = self.options.folders.clone();
        if crate::patch::is_rack(&text) && slot.is_none() {
            let (read, _) = ReadRack::of_text(text, path, Within::Folders(&folders), &self.catalogue)?;
            self.put_rack(read, waiting);
            return Ok(());
        }
        let stem = path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
        let name = slot.map_or_else(|| crate::patch::slot_name(&stem), str::to_owned);
        let (ReadPatch { patch, text, file }, remarks) =
            ReadPatch::of_text(text, path, Within::Folders(&folders), &self.catalogue).map_err(|wrong| vec![wrong])?;
        let full = |full: Diagnostic| vec![Remarks { diagnostics: vec![full], ..remarks.clone() }];
        self.put(&name, patch, &text, Some(&file), waiting).map_err(full)?;
        Ok(())
    }

    /// Lets an engine that nobody runs yet take in all that is on its way to it, so that everything stands before the first frame.
    /// `[control]`
    pub fn settle(&mut self, engine: &mut Engine) -> Vec<(Client, Message)> {
        let mut answers = Vec::new();
        // Each round takes one plan in; where none is taken any more, nothing more will be.
        for _ in 0..4 * crate::plan::mixer::SLOTS {
            if self.flying.is_none() && self.pending.is_empty() {
                break;
            }
            engine.run(&[], 0, &mut [], CHANNELS);
            answers.extend(self.tick());
        }
        answers
    }
}

/// Sends as they are now, and what is written of them otherwise than before.
fn lay_sends(now: &mut Vec<SendSpec>, before: &[SendSpec], written: &[SendSpec]) {
    now.retain(|send| written.iter().any(|it| it.to == send.to) || !before.iter().any(|it| it.to == send.to));
    for send in written.iter().filter(|send| !before.contains(send)) {
        match now.iter_mut().find(|it| it.to == send.to) {
            Some(it) => it.clone_from(send),
            None => now.push(send.clone()),
        }
    }
}

/// Whether two slots are written alike, wherever they stand.
fn same(a: &SlotSpec, b: &SlotSpec) -> bool {
    let plain = |slot: &SlotSpec| {
        let mut slot = SlotSpec { span: 0..0, places: Default::default(), ..slot.clone() };
        slot.set.iter_mut().for_each(|set| set.span = 0..0);
        slot
    };
    plain(a) == plain(b)
}

/// Whether what is set in a slot is what is written now.
fn same_sets(sets: &[crate::patch::SetSpec], spec: &SlotSpec) -> bool {
    sets.len() == spec.set.len() && sets.iter().zip(&spec.set).all(|(a, b)| a.target == b.target && a.value == b.value)
}

/// All mistakes of some files as one sentence, each with its file; cut where it grows too long to be sent.
pub(super) fn sentence(all: &[Remarks]) -> String {
    const LONGEST: usize = 1000;
    let mut told = String::new();
    let mut left = 0;
    for one in all {
        for text in super::rack_verbs::sentences(&one.file.display().to_string(), &one.text, &one.diagnostics) {
            if told.len() + text.len() > LONGEST && !told.is_empty() {
                left += 1;
                continue;
            }
            told += if told.is_empty() { "" } else { "; " };
            told += &text;
        }
    }
    if left > 0 {
        told += &format!("; and {left} more");
    }
    told
}

/// The values of a `/done` for a slot.
pub(super) fn done(address: &str, slot: &str) -> Message {
    Message::new("/done", vec![Value::Text(address.to_owned()), slot.into()])
}
