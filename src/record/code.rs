//! What a format makes of frames.

use crate::rt::tap::Gap;

/// One file's format at work: it makes bytes, and never writes them.
pub(super) trait Code: Send {
    /// What the file begins with, always of one length, so that it can be put right at any time: so many frames are in it, which end at this
    /// byte; the file ends at that one.
    fn head(&self, frames: u64, sound_end: u64, file_end: u64) -> Vec<u8>;

    /// Adds interleaved frames to what is to be written; how many of all frames so far are in it now.
    fn code(&mut self, samples: &[f32], to: &mut Vec<u8>) -> u64;

    /// The same for what was held back, after which nothing more comes.
    fn last(&mut self, to: &mut Vec<u8>) -> u64;

    /// Of a file that broke off at this length, `written` of whose frames were written before the last write, which began at `before`: how
    /// many frames are whole, and where the last of them ends.
    fn whole(&self, length: u64, before: u64, written: u64) -> (u64, u64);

    /// What stands behind the sound, which ends at this byte, so that the gaps are known; the head may say it instead.
    fn tail(&mut self, sound_end: u64, gaps: &[Gap], lost: u64) -> Vec<u8>;
}
