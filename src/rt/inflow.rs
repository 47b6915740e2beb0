//! Sound from outside the engine on its way in: one end is filled by a thread of its own, any number of kernels read the other, all of
//! them the same frames.
//!
//! What is heard when is decided once for each 64 frames, by whoever reads first, in one atomic word: so readers agree without waiting,
//! a kernel that is made anew goes on where the one before stood, and nothing depends on how the engine's calls are cut.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::base::time::{BLOCK, SampleTime};

/// Samples that there is room for, of all channels together; a power of two.
pub(super) const ROOM: u64 = 1 << 19;
/// Channels at most.
pub const CHANNELS: usize = 64;
/// Bits of a tile's number in a [`Heard`] word.
const TILE_BITS: u32 = 18;
/// Tiles of which it is still known what was heard in them; a power of two.
pub(super) const KNOWN: u64 = 4096;

/// What is heard in one tile of 64 frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Number of the tile, its last bits.
    tile: u32,
    /// Where its first sample lies, the last 32 bits.
    pub(super) at: u32,
    /// Frames that there are; the rest of the tile is silent.
    pub frames: usize,
    /// Channels of a frame.
    pub channels: usize,
}

impl Heard {
    pub(super) const fn of_word(word: u64) -> Self {
        Self { tile: (word >> 46) as u32, at: word as u32, frames: (word >> 32 & 0x7f) as usize, channels: (word >> 39 & 0x7f) as usize }
    }

    const fn word(self) -> u64 {
        (self.tile as u64) << 46 | (self.channels as u64) << 39 | (self.frames as u64) << 32 | self.at as u64
    }

    /// Where the next tile goes on.
    const fn end(self) -> u32 {
        self.at.wrapping_add((self.frames * self.channels) as u32)
    }
}

/// What happened to an inflow since it was made.
#[derive(Debug, Default)]
pub struct InflowCounts {
    /// How often nothing had come while its stream was open.
    pub underruns: AtomicU64,
    /// Frames of silence given in place of what had not come.
    pub starved: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub cells: Box<[AtomicU32]>,
    /// Samples written so far.
    pub written: AtomicU64,
    /// The present stream: where it begins among all samples, times 128, and its channels.
    stretch: AtomicU64,
    /// What was heard last.
    heard: AtomicU64,
    /// What was heard in the last tiles, each with its whole number times 2, and 1 where its stream begins in it.
    pub known: Box<[[AtomicU64; 2]]>,
    /// One more than the number of the last of them.
    pub tiles: AtomicU64,
    /// Frames that must wait before anything is heard.
    target: AtomicU32,
    /// More is to come.
    live: AtomicBool,
    /// Somebody holds the end.
    taken: AtomicBool,
    counts: InflowCounts,
}

/// The end from which kernels read.
#[derive(Clone, Debug)]
pub struct Inflow(pub(super) Arc<Shared>);

/// The end that is filled. Dropped, what is in store is still heard.
#[derive(Debug)]
pub struct InflowEnd {
    shared: Arc<Shared>,
    channels: usize,
    written: u64,
}

impl Default for Inflow {
    fn default() -> Self {
        Self::new()
    }
}

impl Inflow {
    /// With nothing in it. `[control]`
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            cells: (0..ROOM).map(|_| AtomicU32::new(0)).collect(),
            written: AtomicU64::new(0),
            stretch: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            known: (0..KNOWN).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect(),
            tiles: AtomicU64::new(0),
            target: AtomicU32::new(0),
            live: AtomicBool::new(false),
            taken: AtomicBool::new(false),
            counts: InflowCounts::default(),
        }))
    }

    /// What is heard in the tile of this time. `[audio]`
    #[inline]
    pub fn heard(&self, time: SampleTime) -> Heard {
        let tile = (time / BLOCK as u64) as u32 & ((1 << TILE_BITS) - 1);
        loop {
            let word = self.0.heard.load(Acquire);
            let last = Heard::of_word(word);
            if last.tile == tile {
                return last;
            }
            let (next, starved) = self.decide(last, tile);
            if self.0.heard.compare_exchange(word, next.word(), AcqRel, Acquire).is_ok() {
                let number = time / BLOCK as u64;
                let place = number & (KNOWN - 1);
                let [heard, which] = &self.0.known[place as usize];
                which.store(u64::MAX, Relaxed);
                heard.store(next.word(), Release);
                which.store(number << 1 | u64::from(next.frames > 0 && self.begins(&next)), Release);
                self.0.tiles.store(number + 1, Release);
                if starved > 0 {
                    self.0.counts.starved.fetch_add(starved as u64, Relaxed);
                    self.0.counts.underruns.fetch_add(u64::from(last.frames == BLOCK), Relaxed);
                }
                return next;
            }
            // Another thread has decided: at most one does for each tile.
        }
    }

    /// The next tile, and how many of its frames ought to have come.
    fn decide(&self, last: Heard, tile: u32) -> (Heard, usize) {
        let live = self.0.live.load(Acquire);
        let stretch = self.0.stretch.load(Acquire);
        let (begin, channels) = ((stretch >> 7) as u32, (stretch & 0x7f) as usize);
        let written = self.0.written.load(Acquire) as u32;
        let silent = Heard { tile, at: last.end(), frames: 0, channels: last.channels };
        if channels == 0 {
            return (silent, 0);
        }
        // What was left of a stream before this one is not heard any more.
        let fresh = last.channels == 0 || (last.end().wrapping_sub(begin) as i32) < 0;
        let at = if fresh { begin } else { last.end() };
        let waiting = written.wrapping_sub(at) as usize / channels;
        let begun = at != begin;
        let playing = begun && last.frames == BLOCK;
        let store = self.0.target.load(Relaxed).max(BLOCK as u32) as usize;
        let frames = if playing || !live || waiting >= store { waiting.min(BLOCK) } else { 0 };
        let starved = if live && begun { BLOCK - frames } else { 0 };
        (Heard { tile, at, frames, channels }, starved)
    }

    /// A sample of a frame and a channel of a tile, both from 0 and within it. `[audio]`
    #[inline(always)]
    pub fn sample(&self, heard: &Heard, frame: usize, channel: usize) -> f32 {
        let at = heard.at.wrapping_add((frame * heard.channels + channel) as u32) as usize;
        f32::from_bits(self.0.cells[at & (self.0.cells.len() - 1)].load(Relaxed))
    }

    /// Whether a tile is the first of its stream. `[audio]`
    #[inline]
    pub fn begins(&self, heard: &Heard) -> bool {
        (self.0.stretch.load(Relaxed) >> 7) as u32 == heard.at
    }

    /// The end to be filled, for frames of so many channels, 1 to 64, of which so many shall wait before anything is heard; `None` where
    /// somebody holds it. `[control]`
    pub fn open(&self, channels: usize, target: usize) -> Option<InflowEnd> {
        let channels = channels.clamp(1, CHANNELS);
        self.0.taken.compare_exchange(false, true, AcqRel, Acquire).ok()?;
        let written = self.0.written.load(Acquire);
        self.0.stretch.store(written << 7 | channels as u64, Release);
        self.0.live.store(true, Release);
        let end = InflowEnd { shared: Arc::clone(&self.0), channels, written };
        end.aim(target);
        Some(end)
    }

    /// What happened to it. `[any]`
    pub fn counts(&self) -> &InflowCounts {
        &self.0.counts
    }

    /// Whether nobody holds an end but this. `[any]`
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// How many hold its reading end besides so many of them. `[any]`
    pub fn readers_but(&self, others: usize) -> usize {
        Arc::strong_count(&self.0).saturating_sub(others + usize::from(self.0.taken.load(Relaxed)))
    }
}

impl InflowEnd {
    /// So many frames shall wait before anything is heard, or is again after a gap; half the room at most. `[any]`
    pub fn aim(&self, target: usize) {
        let most = ROOM as usize / self.channels / 2;
        self.shared.target.store(target.clamp(BLOCK, most) as u32, Relaxed);
    }

    /// The same as it stands. `[any]`
    pub fn target(&self) -> usize {
        self.shared.target.load(Relaxed) as usize
    }

    /// Frames that wait to be heard. `[any]`
    pub fn waiting(&self) -> usize {
        let heard = Heard::of_word(self.shared.heard.load(Acquire));
        let begin = (self.shared.stretch.load(Relaxed) >> 7) as u32;
        let before = heard.channels == 0 || (heard.at.wrapping_sub(begin) as i32) < 0;
        let from = if before { begin } else { heard.end() };
        (self.written as u32).wrapping_sub(from) as usize / self.channels
    }

    /// Frames of this stream that have been heard. `[any]`
    pub fn heard(&self) -> u64 {
        let begin = self.shared.stretch.load(Relaxed) >> 7;
        (self.written - begin) / self.channels as u64 - self.waiting() as u64
    }

    /// Frames that there is room for. `[any]`
    pub fn room(&self) -> usize {
        // The tile that is being read is still needed, and what was left of the stream before may be.
        let heard = Heard::of_word(self.shared.heard.load(Acquire));
        (ROOM as usize).saturating_sub((self.written as u32).wrapping_sub(heard.at) as usize) / self.channels
    }

    /// Puts interleaved frames in, as many as there is room for; how many. `[any]`
    pub fn push(&mut self, frames: &[f32]) -> usize {
        let count = (frames.len() / self.channels).min(self.room());
        let cells = &self.shared.cells;
        for x in &frames[..count * self.channels] {
            cells[self.written as usize & (cells.len() - 1)].store(x.to_bits(), Relaxed);
            self.written += 1;
        }
        self.shared.written.store(self.written, Release);
        count
    }

    /// No more is to come: all that waits is heard, and what is missing then is no gap. `[any]`
    pub fn finish(&mut self) {
        self.shared.live.store(false, Release);
    }

    /// What happened to the inflow. `[any]`
    pub fn counts(&self) -> &InflowCounts {
        &self.shared.counts
    }
}

impl Drop for InflowEnd {
    fn drop(&mut self) {
        self.finish();
        self.shared.taken.store(false, Release);
    }
}
