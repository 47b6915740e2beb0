//! Racks and patches as they are read from their files: all of a rack, or every mistake in any of its files.

use std::path::{Component, Path, PathBuf};

use super::files::{self, FileError};
use super::tuning::resolve;
use crate::base::diagnostic::{Diagnostic, has_errors};
use crate::module::Catalogue;
use crate::patch::{self, FileText, Files, Parsed, Patch, Rack, TuningSpec, Unread, codes};

/// What is to be said of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Remarks {
    /// As it is called.
    pub file: PathBuf,
    /// Its text, in which the places lie.
    pub text: String,
    /// Mistakes, warnings, notes.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that it includes, or would include if they were there.
    pub includes: Vec<PathBuf>,
}

/// A patch without mistakes, and its file.
#[derive(Clone, Debug)]
pub struct ReadPatch {
    /// The patch.
    pub patch: Patch,
    /// As it was written.
    pub text: String,
    /// Where.
    pub file: PathBuf,
}

/// A rack without mistakes, and the patch of each of its slots.
#[derive(Clone, Debug)]
pub struct ReadRack {
    /// The rack.
    pub rack: Rack,
    /// As it was written.
    pub text: String,
    /// Where.
    pub file: PathBuf,
    /// Of each slot, in order.
    pub patches: Vec<ReadPatch>,
}

/// Out of which folders files may be read.
#[derive(Clone, Copy, Debug)]
pub enum Within<'a> {
    /// These: for what comes by messages.
    Folders(&'a [PathBuf]),
    /// Any: for what the user of this computer has named.
    Anywhere,
}

impl Within<'_> {
    /// Reads a text; gives its path, links followed. `[control]`
    ///
    /// # Errors
    /// Why not.
    pub fn read(self, file: &Path) -> Result<(PathBuf, String), FileError> {
        match self {
            Self::Folders(folders) => files::read_inside(folders, file),
            Self::Anywhere => {
                let text = files::read(file)?;
                Ok((file.canonicalize().unwrap_or_else(|_| file.to_owned()), text))
            }
        }
    }
}

/// The files that a patch includes.
#[derive(Clone, Copy, Debug)]
pub struct Including<'a> {
    /// Where they may lie.
    pub within: Within<'a>,
    /// The patch's own file, to which paths are relative; `None`: to the folders given.
    pub file: Option<&'a Path>,
}

impl Files for Including<'_> {
    fn itself(&self) -> Option<PathBuf> {
        self.file.map(|file| file.canonicalize().unwrap_or_else(|_| file.to_owned()))
    }

    fn read(&self, from: Option<&str>, path: &str) -> Result<FileText, Unread> {
        let named = named_from(from, self.file, path);
        match self.within.read(&named) {
            Ok((real, text)) => Ok(FileText { path: real, name: named.display().to_string(), text }),
            Err(why) => {
                let near = files::nearest_inside(folder_of(from, self.file), path, matches!(self.within, Within::Anywhere));
                Err(Unread { path: std::path::absolute(&named).ok(), why: why.to_string(), near })
            }
        }
    }
}

/// How a file is called that another includes by a path: `from`, or else the patch's own file. `[any]`
pub fn named_from(from: Option<&str>, file: Option<&Path>, path: &str) -> PathBuf {
    plain(&folder_of(from, file).join(path))
}

/// Where the paths lead from that a file includes by.
fn folder_of<'a>(from: Option<&'a str>, file: Option<&'a Path>) -> &'a Path {
    from.map(Path::new).or(file).and_then(Path::parent).unwrap_or(Path::new(""))
}

/// A path without `.`, and without `..` after a folder.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

impl ReadPatch {
    /// Checks the text of a patch, and reads what it includes. With what else there is to say of it.
    ///
    /// # Errors
    /// All mistakes. `[control]`
    pub fn of_text(text: String, file: PathBuf, within: Within<'_>, catalogue: &Catalogue) -> Result<(Self, Remarks), Remarks> {
        let parsed = patch::parse_with(&text, catalogue, &Including { within, file: Some(&file) });
        let Parsed { patch, mut diagnostics, files } = parsed;
        diagnostics.extend(patch.iter().filter_map(|patch| unusable(patch.tuning.as_ref(), &file)));
        let right = !has_errors(&diagnostics);
        let remarks = Remarks { file: file.clone(), text: text.clone(), diagnostics, includes: files };
        match patch.filter(|_| right) {
            Some(patch) => Ok((Self { patch, text, file }, remarks)),
            None => Err(remarks),
        }
    }
}

impl ReadPatch {
    /// Its file, and those that it includes. `[control]`
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.file).chain(self.patch.includes.iter().map(|include| &include.path))
    }
}

/// What keeps a tuning of a file from being used.
fn unusable(tuning: Option<&TuningSpec>, file: &Path) -> Option<Diagnostic> {
    resolve(tuning?, Some(file), &[]).err()
}

impl ReadRack {
    /// Checks the text of a rack and reads its patches, which are relative to its file. With what else there is to say of any file.
    ///
    /// # Errors
    /// All mistakes, by files; those of the rack itself first. `[control]`
    pub fn of_text(text: String, file: PathBuf, within: Within<'_>, catalogue: &Catalogue) -> Result<(Self, Vec<Remarks>), Vec<Remarks>> {
        let (rack, mut diagnostics) = patch::parse_rack_as_far(&text);
        let rack = rack.unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut known: Vec<(&str, Result<ReadPatch, ()>)> = Vec::new();
        let mut others: Vec<Remarks> = Vec::new();
        for slot in &rack.slots {
            // That it names none is said already.
            if slot.patch.is_empty() {
                known.push(("", Err(())));
                continue;
            }
            let read = match known.iter().find(|(path, _)| *path == slot.patch) {
                Some((_, read)) => read.clone(),
                None => match within.read(&folder.join(&slot.patch)) {
                    Ok((path, text)) => match ReadPatch::of_text(text, path, within, catalogue) {
                        Ok((read, remarks)) => {
                            others.push(remarks);
                            Ok(read)
                        }
                        Err(remarks) => {
                            others.push(remarks);
                            Err(())
                        }
                    },
                    Err(why) => {
                        let wrong = Diagnostic::error(codes::NO_FILE, slot.places.patch.clone(), why.to_string());
                        let near = files::nearest_inside(&folder, &slot.patch, matches!(within, Within::Anywhere));
                        diagnostics.push(match near {
                            Some(near) => wrong.fix(format!("\"{near}\"")),
                            None => wrong,
                        });
                        Err(())
                    }
                },
            };
            known.push((&slot.patch, read));
        }
        let patches: Vec<(&str, &Patch)> =
            rack.slots.iter().zip(&known).filter_map(|(slot, (_, read))| Some((slot.name.as_str(), &read.as_ref().ok()?.patch))).collect();
        diagnostics.extend(rack.check_with(&patches));
        diagnostics.extend(unusable(rack.tuning.as_ref(), &file));
        diagnostics.extend(rack.slots.iter().filter_map(|slot| unusable(slot.tuning.as_ref(), &file)));
        diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
        let read: Result<Vec<ReadPatch>, ()> = known.into_iter().map(|(_, read)| read).collect();
        let wrong = has_errors(&diagnostics) || others.iter().any(|one| has_errors(&one.diagnostics));
        let own = Remarks { file: file.clone(), text: text.clone(), diagnostics, includes: Vec::new() };
        let all: Vec<Remarks> = [own].into_iter().chain(others).filter(|one| !one.diagnostics.is_empty()).collect();
        match read {
            Ok(patches) if !wrong => Ok((Self { rack, text, file, patches }, all)),
            _ => Err(all.into_iter().filter(|one| has_errors(&one.diagnostics)).collect()),
        }
    }

    /// Reads a rack's file, and all that it names.
    ///
    /// # Errors
    /// All mistakes, by files. `[control]`
    pub fn read(file: &Path, within: Within<'_>, catalogue: &Catalogue) -> Result<(Self, Vec<Remarks>), Vec<Remarks>> {
        match within.read(file) {
            Ok((path, text)) => Self::of_text(text, path, within, catalogue),
            Err(why) => Err(vec![Remarks::unread(file, &why)]),
        }
    }

    /// Every folder in which one of its files lies. `[control]`
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for file in [&self.file].into_iter().chain(self.patches.iter().flat_map(ReadPatch::files)) {
            if let Some(folder) = file.parent()
                && !folders.iter().any(|known| known == folder)
            {
                folders.push(folder.to_owned());
            }
        }
        folders
    }

    /// The highest channel of the device that a slot goes to; 2 where none says. `[control]`
    pub fn channels(&self) -> u16 {
        channels(&self.rack)
    }
}

/// The highest channel of the device that a rack's slots go to; 2 where none says. `[control]`
pub fn channels(rack: &Rack) -> u16 {
    let named = rack.slots.iter().flat_map(|slot| match &slot.route.out {
        patch::SlotOut::Channels(channels) => channels.as_slice(),
        _ => &[],
    });
    named.copied().max().unwrap_or(2).max(2)
}

impl Remarks {
    /// A file that could not be read.
    pub(super) fn unread(file: &Path, why: &FileError) -> Self {
        let diagnostic = Diagnostic { labels: Vec::new(), ..Diagnostic::error(codes::NO_FILE, 0..0, why.to_string()) };
        Self { file: file.to_owned(), text: String::new(), diagnostics: vec![diagnostic], includes: Vec::new() }
    }
}
