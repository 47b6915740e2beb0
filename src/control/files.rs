//! Patch files, out of the folders given and no others.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::nearest::nearest;

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
    /// More than may be read.
    #[error("{0} is larger than {1} bytes")]
    TooLarge(PathBuf, u64),
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
    let real = inside(folders, path)?;
    let text = read(&real)?;
    Ok((real, text))
}

/// The same for a file that need not be UTF-8.
///
/// # Errors
/// Why not. `[control]`
pub fn bytes_inside(folders: &[PathBuf], path: &Path) -> Result<Vec<u8>, FileError> {
    read_bytes(&inside(folders, path)?, LARGEST)
}

/// The same for one of so many bytes at most, with its path, links followed.
///
/// # Errors
/// Why not. `[control]`
pub fn large_inside(folders: &[PathBuf], path: &Path, largest: u64) -> Result<(PathBuf, Vec<u8>), FileError> {
    let real = inside(folders, path)?;
    let bytes = read_bytes(&real, largest)?;
    Ok((real, bytes))
}

fn inside(folders: &[PathBuf], path: &Path) -> Result<PathBuf, FileError> {
    for folder in folders {
        let Ok(folder) = folder.canonicalize() else { continue };
        let Ok(real) = folder.join(path).canonicalize() else { continue };
        if real.starts_with(&folder) {
            return Ok(real);
        }
    }
    Err(FileError::Outside(path.to_owned()))
}

/// Files that are looked through for the nearest name at most.
const CANDIDATES: usize = 2000;
/// Folders within folders that are looked through.
const DEEP: usize = 3;

/// The `.toml` file below a folder whose path from there, or whose name, is most like this one; `upward`: also in folders above, where
/// it is looked for there. `[control]`
pub fn nearest_inside(folder: &Path, written: &str, upward: bool) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    // What lies above is looked through where it is named.
    let most = if upward { DEEP } else { 0 };
    let up = written.split('/').take_while(|part| *part == "..").count().min(most);
    let before = "../".repeat(up);
    let mut open = vec![(folder.join(&before), before, 0)];
    while let Some((at, path, depth)) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') || found.len() >= CANDIDATES {
                continue;
            }
            // Links are not followed: who looks for a name does not walk in circles.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEEP => open.push((entry.path(), format!("{path}{name}/"), depth + 1)),
                Ok(kind) if kind.is_file() && name.ends_with(".toml") => found.push(format!("{path}{name}")),
                _ => {}
            }
        }
    }
    found.sort();
    let near = nearest(written, found.iter().map(String::as_str)).map(str::to_owned);
    near.or_else(|| {
        // In another folder, or without its ending.
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml").to_owned();
        let wanted = name(written);
        let names: Vec<String> = found.iter().map(|path| name(path)).collect();
        let at = names.iter().position(|name| *name == wanted).or_else(|| {
            let near = nearest(&wanted, names.iter().map(String::as_str))?;
            names.iter().position(|name| name == near)
        });
        at.map(|at| found[at].clone())
    })
}

/// The same in any of some folders. `[control]`
pub fn nearest_file(folders: &[PathBuf], written: &Path) -> Option<String> {
    let written = written.to_str()?;
    folders.iter().find_map(|folder| nearest_inside(folder, written, false))
}

/// Reads a patch file: plain, text, not too large.
///
/// # Errors
/// Why not. `[control]`
pub fn read(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read_bytes(path, LARGEST)?).map_err(|_| FileError::NotText(path.to_owned()))
}

fn read_bytes(path: &Path, largest: u64) -> Result<Vec<u8>, FileError> {
    let system = |error| FileError::System(path.to_owned(), error);
    // Looked at before it is opened: to open a pipe would wait for its other end.
    let before = std::fs::metadata(path).map_err(system)?;
    if !before.is_file() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(largest + 1).read_to_end(&mut bytes)).map_err(system)?;
    if bytes.len() as u64 > largest {
        return Err(FileError::TooLarge(path.to_owned(), largest));
    }
    Ok(bytes)
}
