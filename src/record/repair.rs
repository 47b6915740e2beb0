//! Puts a WAV file's header right after its writer could not.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Makes the sizes in the header those of what lies in the file, cut to whole frames; how many frames. Takes no room on the disk.
/// `[control]`
///
/// # Errors
/// The system's, or that it is no WAV file.
pub(super) fn repair(path: &Path) -> io::Result<u64> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    (&mut file).take(4096).read_to_end(&mut head)?;
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "not a WAV file");
    let word = |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes).ok_or_else(broken);
    if head.get(..4) != Some(b"RIFF") || head.get(8..12) != Some(b"WAVE") {
        return Err(broken());
    }
    let (mut at, mut frame_bytes, mut fact) = (12, 0u64, None);
    loop {
        let size = word(at + 4)? as usize;
        match head.get(at..at + 4) {
            Some(b"fmt ") => frame_bytes = u64::from(word(at + 20)? & 0xffff), // block align stands 12 bytes into the chunk
            Some(b"fact") => fact = Some(at as u64 + 8),
            Some(b"data") => break,
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    if frame_bytes == 0 {
        return Err(broken());
    }
    let start = at as u64 + 8;
    let frames = length.saturating_sub(start) / frame_bytes;
    let bytes = frames * frame_bytes;
    // A chunk of odd length is followed by a byte that fills it up; there is none to be had on a full disk, so the last frame goes.
    let (frames, bytes) = if bytes % 2 == 1 { (frames - 1, bytes - frame_bytes) } else { (frames, bytes) };
    let put = |file: &mut File, at: u64, value: u64| -> io::Result<()> {
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&u32::try_from(value).map_err(io::Error::other)?.to_le_bytes())
    };
    file.set_len(start + bytes)?;
    put(&mut file, at as u64 + 4, bytes)?;
    put(&mut file, 4, start + bytes - 8)?;
    if let Some(fact) = fact {
        put(&mut file, fact, frames)?;
    }
    file.sync_all()?;
    Ok(frames)
}
