//! `/rack/save`: the rack as it stands, as a file.

use std::path::{Path, PathBuf};

use super::control::Control;
use super::files;
use super::saving::{Place, SaveError, path_from};
use super::slot::Slot;
use crate::patch::{self, MasterSpec, Rack, SlotSpec};

/// Why a rack is not saved. What stood in the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Unsaved {
    /// No file is named, and the rack has none.
    #[error("the rack has no file of its own yet: name one, such as live.toml")]
    NoFile,
    /// A slot's patch is in no file that a rack could name.
    #[error("{0} was not loaded from a file: a rack cannot name it")]
    NoPatch(String),
    /// Something else would be lost.
    #[error("{0} is a patch, not a rack: it is not written over")]
    Patch(PathBuf),
    /// Somebody is at work on it.
    #[error("{0} has mistakes: it is not written over")]
    Broken(PathBuf),
    /// It cannot be written there.
    #[error("{0}")]
    File(#[from] SaveError),
}

impl Control {
    /// Writes the rack as it stands into a file inside the folders given, or into its own; gives where. From then on that file is the
    /// rack's own. `[control]`
    ///
    /// # Errors
    /// Why not; nothing is changed.
    pub fn save_rack(&mut self, file: Option<&Path>) -> Result<PathBuf, Unsaved> {
        let file = file.or(self.standing.file.as_deref()).ok_or(Unsaved::NoFile)?;
        let place = Place::find(&self.options.folders, file)?;
        let path = place.path();
        // What stands there now is what is kept of it, whoever wrote it.
        let before = files::read(&path).ok();
        if before.as_ref().is_some_and(|text| !text.trim().is_empty() && !patch::is_rack(text)) {
            return Err(Unsaved::Patch(path));
        }
        if before.as_ref().is_some_and(|text| !text.trim().is_empty() && patch::parse_rack(text).0.is_none()) {
            return Err(Unsaved::Broken(path));
        }
        let rack = self.as_rack(&path)?;
        let text = patch::write_rack(before.as_deref(), &rack);
        place.stage(&text)?.commit()?;
        for spec in &rack.slots {
            if let Some(slot) = self.names.get(&spec.name) {
                self.slots[*slot].set = spec.set.clone();
            }
        }
        (self.standing.file, self.standing.text, self.standing.rack) = (Some(path.clone()), text, Some(rack));
        self.standing.version += 1;
        Ok(path)
    }

    /// The rack as it stands, for a file at this path.
    fn as_rack(&self, path: &Path) -> Result<Rack, Unsaved> {
        let old = self.standing.rack.as_ref();
        let folder = path.parent().unwrap_or(Path::new(""));
        // In the order in which they were written; what came since, behind them.
        let place = |slot: &Slot| old.and_then(|old| old.slots.iter().position(|spec| spec.name == slot.name)).unwrap_or(usize::MAX);
        let mut slots: Vec<&Slot> = self.loaded().map(|(_, slot)| slot).collect();
        slots.sort_by_key(|slot| place(slot));
        let slots = slots.into_iter().map(|slot| {
            let file = slot.file.as_deref().ok_or_else(|| Unsaved::NoPatch(slot.name.clone()))?;
            let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
            let named = path_from(folder, &file).components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
            // As it was written, where that is still the way there.
            let written = old.and_then(|old| old.slot(&slot.name)).map(|spec| spec.patch.clone());
            let written = written.filter(|written| folder.join(written).canonicalize().is_ok_and(|there| there == file));
            let spec = old.and_then(|old| old.slot(&slot.name)).cloned();
            let spec = spec.unwrap_or_else(|| SlotSpec::new(slot.name.as_str(), ""));
            Ok(SlotSpec {
                patch: written.unwrap_or(named),
                level: slot.strip.level,
                pan: slot.strip.pan,
                mute: slot.strip.mute,
                solo: slot.strip.solo,
                route: slot.route.clone(),
                zone: slot.zone,
                set: slot.set_entries(),
                ..spec
            })
        });
        let slots = slots.collect::<Result<Vec<_>, Unsaved>>()?;
        let master = MasterSpec { level: self.master.level, limiter: self.limiter };
        Ok(Rack { tempo: Some(self.tempo), master, slots, ..old.cloned().unwrap_or_default() })
    }
}
