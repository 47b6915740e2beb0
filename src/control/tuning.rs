//! Which pitch each key has: what tunes a slot, how that is changed while it plays, and notes that move to their new pitch.
//!
//! What was said while it plays wins over what the rack's file says of a slot, that over the slot's patch, that over what is said
//! of the whole rack, and that over the rack's file. Notes whose pitch was given in Hz are never retuned.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::client::{Client, Origin};
use super::commit::TOGETHER;
use super::control::Control;
use super::draft::Draft;
use super::files::{self, FileError};
use super::notes::Played;
use crate::base::diagnostic::Diagnostic;
use crate::engine::{Act, Event};
use crate::media::{KeyMap, Recipe, Scale, Steps, Tuning};
use crate::patch::codes::BAD_TUNING;
use crate::patch::{ScaleSpec, TuningSpec};
use crate::plan::outline::NoteValue;

/// What tunes a slot, or the whole rack; the strongest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// What was said while it plays.
    pub said: Option<Arc<Recipe>>,
    /// What the rack's file says.
    pub rack: Option<Arc<Recipe>>,
    /// What the patch says.
    pub patch: Option<Arc<Recipe>>,
}

impl Layers {
    /// Whether it has no tuning of its own but what was said. `[control]`
    pub fn follows(&self) -> bool {
        self.rack.is_none() && self.patch.is_none()
    }

    fn strongest(&self) -> Option<&Arc<Recipe>> {
        self.said.as_ref().or(self.rack.as_ref()).or(self.patch.as_ref())
    }

    /// Makes a change that may be meant for this slot.
    fn change(&mut self, retuning: &Retuning, slot: usize, tunings: &Tunings) {
        match (&retuning.edit, retuning.scope) {
            (Edit::Fine(_) | Edit::Coarse(_), _) => {}
            (Edit::Reset, Scope::All) => self.said = None,
            (Edit::Reset, Scope::Slot(of)) if of == slot => self.said = None,
            (edit, Scope::Slot(of)) if of == slot => {
                self.said = edited(self.strongest().or(tunings.rack.strongest()), edit).or(self.said.take());
            }
            _ => {}
        }
    }
}

/// What tunes the rack.
#[derive(Clone, Debug, Default)]
pub struct Tunings {
    /// Of every slot that has none of its own.
    pub rack: Layers,
    /// All slots are so much higher [octaves]: master tuning, fine and coarse.
    pub fine: f64,
    /// The same in semitones [octaves].
    pub coarse: f64,
}

impl Tunings {
    /// Makes a change that may be meant for the rack.
    fn change(&mut self, retuning: &Retuning) {
        match (&retuning.edit, retuning.scope) {
            (Edit::Fine(octaves), _) => self.fine = *octaves,
            (Edit::Coarse(octaves), _) => self.coarse = *octaves,
            (Edit::Reset, Scope::All) => (self.rack.said, self.fine, self.coarse) = (None, 0.0, 0.0),
            (Edit::Reset, Scope::Rack) => self.rack.said = None,
            (edit, Scope::Rack | Scope::All) => self.rack.said = edited(self.rack.strongest(), edit).or(self.rack.said.take()),
            (_, Scope::Slot(_)) => {}
        }
    }

    /// What the keys of a slot play.
    fn tuning(&self, layers: &Layers) -> Tuning {
        let recipe = layers.strongest().or(self.rack.strongest());
        recipe.and_then(|recipe| recipe.tuning().ok()).unwrap_or_default()
    }

    fn pitch(&self, tuning: &Tuning, played: Played) -> Option<f32> {
        let Played::Key { number, above } = played else { return None };
        Some((tuning.pitch(f64::from(number))? + self.fine + self.coarse + f64::from(above)) as f32)
    }
}

/// What a change of tuning is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every slot without a tuning of its own.
    Rack,
    /// One slot.
    Slot(usize),
    /// Everything, to forget what was said.
    All,
}

/// A change of tuning.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A scale takes the place of what was there; a key map brings its own reference, else the reference stays.
    Scale(Arc<Scale>, Option<Arc<KeyMap>>),
    /// Equal temperament, each of the twelve notes from C on so much higher [octaves]; the reference stays.
    Octave([f64; 12]),
    /// Equal temperament; the reference stays.
    Equal,
    /// A key has this frequency [Hz]; `None`: the key that had one.
    Reference(f64, Option<u8>),
    /// Keys have pitches of their own [octaves above C4].
    Keys(Vec<(u8, f64)>),
    /// What was said is forgotten.
    Reset,
    /// All slots are so much higher [octaves].
    Fine(f64),
    /// The same, in semitones [octaves].
    Coarse(f64),
}

/// One change of tuning, as it waits for its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Retuning {
    /// What for.
    pub scope: Scope,
    /// What changes.
    pub edit: Edit,
    /// Notes that sound move to their new pitch.
    pub sounding: bool,
}

/// A recipe after a change; `None` where it would come to nothing: its reference plays nothing.
pub(super) fn edited(recipe: Option<&Arc<Recipe>>, edit: &Edit) -> Option<Arc<Recipe>> {
    let mut recipe = recipe.map(|recipe| Recipe::clone(recipe)).unwrap_or_default();
    match edit {
        Edit::Scale(scale, map) => {
            recipe = Recipe { steps: Steps::Scale(scale.clone()), map: map.clone(), keys: Default::default(), ..recipe };
            if map.is_some() {
                (recipe.root, recipe.reference, recipe.frequency) = (None, None, None);
            }
        }
        Edit::Octave(offsets) => recipe = Recipe { steps: Steps::Octave(*offsets), map: None, keys: Default::default(), ..recipe },
        Edit::Equal => recipe = Recipe { steps: Steps::Equal, map: None, keys: Default::default(), ..recipe },
        Edit::Reference(hertz, key) => {
            recipe.frequency = Some(*hertz);
            recipe.reference = key.or(recipe.reference);
        }
        Edit::Keys(keys) => recipe.keys.extend(keys.iter().copied()),
        Edit::Reset | Edit::Fine(_) | Edit::Coarse(_) => {}
    }
    recipe.tuning().is_ok().then(|| Arc::new(recipe))
}

/// Reads what a tuning names, from beside the file that names it; changes nothing.
///
/// # Errors
/// What is wrong, at the place of the tuning. `[control]`
pub fn resolve(spec: &TuningSpec, from: Option<&Path>, folders: &[PathBuf]) -> Result<Arc<Recipe>, Diagnostic> {
    let wrong = |text: String| Diagnostic::error(BAD_TUNING, spec.span.clone(), text);
    let steps = match &spec.scale {
        None => Steps::Equal,
        Some(ScaleSpec::Inline(_, scale)) => Steps::Scale(scale.clone()),
        Some(ScaleSpec::File(file)) => Steps::Scale(Arc::new(scale_file(file, from, folders).map_err(wrong)?)),
    };
    let map = match &spec.map {
        Some(file) => Some(Arc::new(map_file(file, from, folders).map_err(wrong)?)),
        None => None,
    };
    let (root, reference, frequency) = (spec.root, spec.reference, spec.frequency);
    let recipe = Recipe { steps, map, root, reference, frequency, keys: Default::default() };
    recipe.tuning().map_err(wrong)?;
    Ok(Arc::new(recipe))
}

/// The text of a Scala file; those in old alphabets are read all the same.
fn text_of(file: &str, from: Option<&Path>, folders: &[PathBuf]) -> Result<String, String> {
    let beside = from.and_then(Path::parent).map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let path = beside.map_or_else(|| PathBuf::from(file), |folder| folder.join(file));
    let path = if beside.is_some() { std::path::absolute(&path).unwrap_or(path) } else { path };
    // What plays may name its neighbours, and those of its folder: `../tunings/just.scl`.
    let near = beside.and_then(|folder| folder.canonicalize().ok());
    let around = near.as_deref().and_then(Path::parent).map(Path::to_owned);
    let allowed: Vec<PathBuf> = around.into_iter().chain(near).chain(folders.iter().cloned()).collect();
    let bytes = files::bytes_inside(&allowed, &path).map_err(|error| match error {
        FileError::Outside(_) => format!("{file} is not there, or not in a folder that may be read"),
        other => other.to_string(),
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The files that a tuning names, from beside the file that names them.
fn files_of(spec: &TuningSpec, from: Option<&Path>) -> Vec<PathBuf> {
    let scale = if let Some(ScaleSpec::File(file)) = &spec.scale { Some(file) } else { None };
    let folder = from.and_then(Path::parent).unwrap_or(Path::new(""));
    scale.into_iter().chain(&spec.map).map(|file| folder.join(file)).collect()
}

/// A `.scl` file.
pub(super) fn scale_file(file: &str, from: Option<&Path>, folders: &[PathBuf]) -> Result<Scale, String> {
    Scale::read(&text_of(file, from, folders)?).map_err(|mistake| format!("{file}, {mistake}"))
}

/// A `.kbm` file.
pub(super) fn map_file(file: &str, from: Option<&Path>, folders: &[PathBuf]) -> Result<KeyMap, String> {
    KeyMap::read(&text_of(file, from, folders)?).map_err(|mistake| format!("{file}, {mistake}"))
}

impl Control {
    /// The pitch of a key in a slot [octaves above C4], its zone's transposition in it; `None` where it has none. `[control]`
    pub fn pitch_of_key(&self, slot: usize, key: u8) -> Option<f32> {
        self.pitch_of(slot, Played::Key { number: f32::from(key), above: self.slots.get(slot)?.zone.transpose })
    }

    /// The pitch of a note by what was played; `None` where that plays nothing, or was given as a pitch.
    pub(super) fn pitch_of(&self, slot: usize, played: Played) -> Option<f32> {
        self.tunings.pitch(&self.slots.get(slot)?.tuned, played)
    }

    /// The same, with what the draft has changed before.
    pub(super) fn pitch_in(&self, draft: &Draft, slot: usize, played: Played) -> Option<f32> {
        let mut changes = draft.retunings().peekable();
        if changes.peek().is_none() {
            return self.pitch_of(slot, played);
        }
        let (mut tunings, mut layers) = (self.tunings.clone(), self.slots.get(slot)?.tuning.clone());
        for change in changes {
            layers.change(change, slot, &tunings);
            tunings.change(change);
        }
        tunings.pitch(&tunings.tuning(&layers), played)
    }

    /// What tunes a slot.
    pub(super) fn recipe(&self, slot: Option<usize>) -> Arc<Recipe> {
        let own = slot.and_then(|slot| self.slots.get(slot)).and_then(|slot| slot.tuning.strongest());
        own.or(self.tunings.rack.strongest()).cloned().unwrap_or_default()
    }

    /// What a tuning comes to; where its files are not as they were when it was checked, that is told, and it is left out.
    pub(super) fn resolved(&mut self, spec: Option<&TuningSpec>, from: Option<&Path>) -> Option<Arc<Recipe>> {
        match resolve(spec?, from, &self.options.folders) {
            Ok(recipe) => Some(recipe),
            Err(wrong) => {
                self.tell(wrong.message);
                None
            }
        }
    }

    /// The files that tune what plays. `[control]`
    pub fn tuning_files(&self) -> Vec<PathBuf> {
        let rack = self.rack().map(|(rack, file)| {
            let own = rack.tuning.iter().chain(rack.slots.iter().filter_map(|slot| slot.tuning.as_ref()));
            own.flat_map(|spec| files_of(spec, file.map(PathBuf::as_path))).collect::<Vec<_>>()
        });
        let patches = self.loaded().filter_map(|(_, slot)| Some((slot.written.tuning.as_ref()?, slot.file.as_deref())));
        rack.into_iter().flatten().chain(patches.flat_map(|(spec, file)| files_of(spec, file))).collect()
    }

    /// Reads the files anew that tune the slots' patches; those of a rack are read with it.
    pub(super) fn read_tunings(&mut self) {
        for slot in 0..self.slots.len() {
            let of = &self.slots[slot];
            let (Some(spec), file) = (of.written.tuning.clone(), of.file.clone()) else { continue };
            if let Some(recipe) = self.resolved(Some(&spec), file.as_deref()) {
                self.slots[slot].tuning.patch = Some(recipe);
            }
        }
        self.refresh(Client::of(Origin::Rackd), true);
    }

    /// What the rack's file says of the tuning of every slot without its own. `[control]`
    pub fn tune_rack(&mut self, recipe: Option<Arc<Recipe>>) {
        self.tunings.rack.rack = recipe;
        self.refresh(Client::of(Origin::Rackd), true);
    }

    /// What the rack's file says of a slot's tuning. `[control]`
    pub fn tune_slot(&mut self, slot: usize, recipe: Option<Arc<Recipe>>) {
        if let Some(of) = self.slots.get_mut(slot) {
            of.tuning.rack = recipe;
            self.refresh(Client::of(Origin::Rackd), true);
        }
    }

    /// A tuning is another from now on.
    pub(super) fn retune(&mut self, client: Client, retuning: &Retuning) {
        for (number, slot) in self.slots.iter_mut().enumerate() {
            slot.tuning.change(retuning, number, &self.tunings);
        }
        let before = (self.tunings.fine, self.tunings.coarse);
        self.tunings.change(retuning);
        if before == (self.tunings.fine, self.tunings.coarse) {
            self.refresh(client, retuning.sounding);
        } else {
            self.refresh(client, false);
            self.move_notes(client, |_| true);
        }
    }

    /// Works out the slots' tunings; where one is another now, its notes move there if they are to.
    pub(super) fn refresh(&mut self, client: Client, sounding: bool) {
        self.score.voicing += 1;
        let mut changed = vec![false; self.slots.len()];
        for (slot, changed) in self.slots.iter_mut().zip(&mut changed) {
            let tuning = self.tunings.tuning(&slot.tuning);
            *changed = *slot.tuned != tuning;
            if *changed {
                slot.tuned = Arc::new(tuning);
            }
        }
        if sounding {
            self.move_notes(client, |slot| changed.get(slot).copied().unwrap_or(false));
        }
    }

    /// Notes of some slots that sound, or wait for their time, go to their present pitch.
    fn move_notes(&mut self, client: Client, of: impl Fn(usize) -> bool) {
        let now = self.shown.now();
        let moved: Vec<Event> = self
            .notes
            .iter()
            .filter(|(_, note)| of(usize::from(note.slot)))
            .filter_map(|(id, note)| {
                let pitch = self.pitch_of(usize::from(note.slot), note.played)?;
                let at = if note.start > now { note.start } else { 0 };
                Some(Event { at, act: Act::NoteSet { slot: note.slot, id, what: NoteValue::Pitch, value: pitch } })
            })
            .collect();
        for part in moved.chunks(TOGETHER / 2) {
            let mut draft = Draft::new(client);
            draft.events.extend_from_slice(part);
            // What finds no room is counted as dropped.
            let _ = self.commit(&mut draft);
        }
    }
}
