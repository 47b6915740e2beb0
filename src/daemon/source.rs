//! The file of a patch or a rack, or the built-in patch.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::options::{Draw, Failure};
use crate::base::diagnostic::Diagnostic;
use crate::control::rack_file::{Including, ReadPatch, ReadRack, Remarks, Within};
use crate::control::tuning::resolve;
use crate::modules::CATALOGUE;
use crate::patch::{self, LARGEST, Parsed, Patch};

/// What is played where no file is named.
const BUILT_IN: &str = include_str!("../../patches/init.toml");

/// Where a patch comes from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its file; `None`: it is built in.
    pub file: Option<PathBuf>,
}

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its text; what was not UTF-8 is replaced.
    pub text: String,
    /// The patch, where it has no mistake.
    pub patch: Option<Patch>,
    /// All that is to be said of it.
    pub diagnostics: Vec<Diagnostic>,
}

/// What can be played: all of it without a mistake.
#[derive(Clone, Debug)]
pub enum Playable {
    /// One patch, a rack of one slot.
    Patch(Box<ReadPatch>),
    /// A rack.
    Rack(Box<ReadRack>),
}

impl Playable {
    /// Slots and their patches, in order. `[control]`
    pub fn patches(&self, slot: &str) -> Vec<(String, &Patch)> {
        match self {
            Self::Patch(read) => vec![(slot.to_owned(), &read.patch)],
            Self::Rack(read) => {
                read.rack.slots.iter().map(|slot| slot.name.clone()).zip(read.patches.iter().map(|read| &read.patch)).collect()
            }
        }
    }

    /// The highest channel of the device that it goes to; 2 where nothing says. `[control]`
    pub fn channels(&self) -> u16 {
        match self {
            Self::Patch(_) => 2,
            Self::Rack(read) => read.channels(),
        }
    }

    /// Whether it hears the device's input: a patch with `[in]` to which nothing else is sent. `[control]`
    pub fn hears(&self) -> bool {
        match self {
            Self::Patch(read) => read.patch.inputs.is_some(),
            Self::Rack(read) => {
                let slots = &read.rack.slots;
                let fed = |name: &str| slots.iter().any(|slot| slot.feeds().any(|fed| fed == name));
                slots.iter().zip(&read.patches).any(|(slot, read)| read.patch.inputs.is_some() && !fed(&slot.name))
            }
        }
    }

    /// The folders in which its files lie. `[control]`
    pub fn folders(&self) -> Vec<PathBuf> {
        match self {
            Self::Patch(read) => {
                let folders = read.files().filter_map(|file| std::path::absolute(file).ok()?.parent().map(Path::to_owned));
                folders.fold(Vec::new(), |mut all, folder| {
                    if !all.contains(&folder) {
                        all.push(folder);
                    }
                    all
                })
            }
            Self::Rack(read) => read.folders(),
        }
    }
}

/// What is to be said of some files, as it is shown. `[control]`
pub fn drawn(draw: Draw, all: &[Remarks]) -> String {
    all.iter().map(|one| draw(&one.file.display().to_string(), &one.text, &one.diagnostics)).collect()
}

impl Source {
    /// A file, or the built-in patch. `[control]`
    pub fn new(file: Option<&Path>) -> Self {
        Self { file: file.map(Path::to_owned) }
    }

    /// As it is called in what is said. `[control]`
    pub fn name(&self) -> String {
        self.file.as_ref().map_or_else(|| "the built-in patch".to_owned(), |file| file.display().to_string())
    }

    /// The slot it is played in. `[control]`
    pub fn slot(&self) -> String {
        let stem = self.file.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        patch::slot_name(stem.as_deref().unwrap_or("init"))
    }

    /// Reads and checks it. `[control]`
    ///
    /// # Errors
    /// [`Failure::Asked`] where there is no such file, [`Failure::Machine`] where the system refuses.
    pub fn read(&self) -> Result<Reading, Failure> {
        let bytes = match &self.file {
            None => BUILT_IN.as_bytes().to_vec(),
            Some(file) => bytes(file)?,
        };
        let Parsed { patch, mut diagnostics, .. } = match self.file.as_deref() {
            Some(file) => patch::parse_bytes_with(&bytes, &CATALOGUE, &Including { within: Within::Anywhere, file: Some(file) }),
            None => {
                let (patch, diagnostics) = patch::parse_bytes(&bytes, &CATALOGUE);
                Parsed { patch, diagnostics, files: Vec::new() }
            }
        };
        // What its tuning names is part of what it says.
        let patch = patch.filter(|patch| {
            let wrong = patch.tuning.as_ref().and_then(|tuning| resolve(tuning, self.file.as_deref(), &[]).err());
            let right = wrong.is_none();
            diagnostics.extend(wrong);
            right
        });
        Ok(Reading { text: String::from_utf8_lossy(&bytes).into_owned(), patch, diagnostics })
    }

    /// Reads what is to be played, and all the files that it names; with what else there is to say of any of them.
    ///
    /// # Errors
    /// As [`Self::read`], and [`Failure::Patch`] with all mistakes of all files drawn. `[control]`
    pub fn playable(&self, draw: Draw) -> Result<(Playable, Vec<Remarks>), Failure> {
        let reading = self.read()?;
        let file = self.file.clone().unwrap_or_default();
        if self.file.is_some() && patch::is_rack(&reading.text) {
            let file = file.canonicalize().unwrap_or(file);
            return match ReadRack::of_text(reading.text, file, Within::Anywhere, &CATALOGUE) {
                Ok((read, remarks)) => Ok((Playable::Rack(Box::new(read)), remarks)),
                Err(mistakes) => Err(Failure::Patch(drawn(draw, &mistakes))),
            };
        }
        let remarks =
            Remarks { file: self.name().into(), text: reading.text.clone(), diagnostics: reading.diagnostics, includes: Vec::new() };
        match reading.patch {
            Some(patch) => {
                let all = if remarks.diagnostics.is_empty() { Vec::new() } else { vec![remarks] };
                Ok((Playable::Patch(Box::new(ReadPatch { patch, text: reading.text, file })), all))
            }
            None => Err(Failure::Patch(drawn(draw, &[remarks]))),
        }
    }
}

/// The bytes of a plain file, one more than a patch may have at most.
fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let refused = |error: std::io::Error| {
        let text = format!("cannot read {}: {error}", file.display());
        if error.kind() == std::io::ErrorKind::NotFound { Failure::Asked(text) } else { Failure::Machine(text) }
    };
    // Looked at before it is opened: to open a pipe would wait for its other end.
    if !std::fs::metadata(file).map_err(refused)?.is_file() {
        return Err(Failure::Asked(format!("{} is not a file", file.display())));
    }
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(LARGEST as u64 + 1).read_to_end(&mut bytes)).map_err(refused)?;
    Ok(bytes)
}
