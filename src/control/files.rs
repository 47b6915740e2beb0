//! Patch files, out of the folders given and no others.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of a patch file at most.
pub const LARGEST: u64 = 1 << 20;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not inside any of the folders given.
    #[error("{0} is in none of the folders given")]
    Outside(PathBuf),
    /// Not a plain file.
    #[error("{0} is no plain file")]
    NotAFile(PathBuf),
    /// More than [`LARGEST`].
    #[error("{0} is larger than {LARGEST} bytes")]
    TooLarge(PathBuf),
    /// Not text.
    #[error("{0} is no text: it is not UTF-8")]
    NotText(PathBuf),
    /// The system refuses.
    #[error("{0} cannot be read: {1}")]
    System(PathBuf, std::io::Error),
}

/// Reads a file that must lie inside one of some folders, links followed. A relative path is looked for in each.
///
/// # Errors
/// Why not. `[control]`
pub fn read_inside(folders: &[PathBuf], path: &Path) -> Result<(PathBuf, String), FileError> {
    for folder in folders {
        let Ok(folder) = folder.canonicalize() else { continue };
        let Ok(real) = folder.join(path).canonicalize() else { continue };
        if real.starts_with(&folder) {
            let text = read(&real)?;
            return Ok((real, text));
        }
    }
    Err(FileError::Outside(path.to_owned()))
}

/// Reads a patch file: plain, text, not too large.
///
/// # Errors
/// Why not. `[control]`
pub fn read(path: &Path) -> Result<String, FileError> {
    let system = |error| FileError::System(path.to_owned(), error);
    // Looked at before it is opened: to open a pipe would wait for its other end.
    let before = std::fs::metadata(path).map_err(system)?;
    if !before.is_file() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(system)?;
    if bytes.len() as u64 > LARGEST {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| FileError::NotText(path.to_owned()))
}
