//! The patch's file, or the built-in patch.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::options::{Draw, Failure};
use crate::base::diagnostic::Diagnostic;
use crate::modules::CATALOGUE;
use crate::patch::{self, LARGEST, Patch};

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

    /// The folder whose files messages may load. `[control]`
    pub fn folder(&self) -> Option<PathBuf> {
        let file = std::path::absolute(self.file.as_deref()?).ok()?;
        file.parent().map(Path::to_owned)
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
        let (patch, diagnostics) = patch::parse_bytes(&bytes, &CATALOGUE);
        Ok(Reading { text: String::from_utf8_lossy(&bytes).into_owned(), patch, diagnostics })
    }

    /// The same, where a mistake is a failure.
    ///
    /// # Errors
    /// As [`Self::read`], and [`Failure::Patch`] with all mistakes drawn. `[control]`
    pub fn right(&self, draw: Draw) -> Result<(Patch, Reading), Failure> {
        let mut reading = self.read()?;
        match reading.patch.take() {
            Some(patch) => Ok((patch, reading)),
            None => Err(Failure::Patch(draw(&self.name(), &reading.text, &reading.diagnostics))),
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
