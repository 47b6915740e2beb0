//! Sound on its way out of the engine: one kernel at a time fills it, any number of threads read it, nobody waits for anybody.
//!
//! The writer never looks at the readers. A reader that is too slow finds its place written over, which it sees by two counts around its
//! reading (a seqlock: Hans-J. Boehm, "Can seqlocks get along with programming language memory models?", 2012); then it counts what it lost.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

/// Samples that there is room for, of all channels together; a power of two.
const ROOM: usize = 1 << 17;
/// Frames that are put in at once at most.
const AT_ONCE: u64 = 4_096;

#[derive(Debug)]
struct Shared {
    cells: Box<[AtomicU32]>,
    channels: usize,
    /// Frames that a writer may be writing up to, and frames written.
    begun: AtomicU64,
    written: AtomicU64,
    /// Who writes: its number, and the last bits of the tile in which it last did.
    owner: AtomicU64,
    /// The next writer's number.
    next: AtomicU32,
}

/// A flow out; a clone is the same.
#[derive(Clone, Debug)]
pub struct Outflow(Arc<Shared>);

/// The end that a kernel fills.
#[derive(Debug)]
pub struct OutflowEnd {
    flow: Outflow,
    number: u32,
}

/// One reader's place.
#[derive(Debug)]
pub struct Reader {
    flow: Outflow,
    at: u64,
    lost: u64,
    /// Frames of silence still owed for those that were lost.
    owed: u64,
}

impl Outflow {
    /// Of frames of so many channels, 1 to 64. `[control]`
    pub fn new(channels: usize) -> Self {
        let channels = channels.clamp(1, super::inflow::CHANNELS);
        let cells = (0..ROOM).map(|_| AtomicU32::new(0)).collect();
        let (begun, written, owner) = Default::default();
        Self(Arc::new(Shared { cells, channels, begun, written, owner, next: AtomicU32::new(1) }))
    }

    /// Channels of a frame. `[any]`
    pub fn channels(&self) -> usize {
        self.0.channels
    }

    /// An end for another kernel; while several live, the one that wrote last goes on. `[control]`
    pub fn end(&self) -> OutflowEnd {
        OutflowEnd { flow: self.clone(), number: self.0.next.fetch_add(1, Relaxed).max(1) }
    }

    /// From now on. `[control]`
    pub fn reader(&self) -> Reader {
        Reader { flow: self.clone(), at: self.0.written.load(Acquire), lost: 0, owed: 0 }
    }

    /// Whether nobody holds it but this. `[any]`
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Frames that may lie between reader and writer.
    fn room(&self) -> u64 {
        (ROOM / self.0.channels) as u64 - AT_ONCE / self.0.channels.min(16) as u64
    }
}

impl OutflowEnd {
    /// Puts frames in, in the tile of this number: `sample` gives each by frame and channel. Nothing, where another writes. `[audio]`
    #[inline]
    pub fn put(&self, tile: u64, frames: usize, sample: impl Fn(usize, usize) -> f32) {
        let shared = &*self.flow.0;
        let mine = u64::from(self.number) << 32 | u64::from(tile as u32);
        let owner = shared.owner.load(Relaxed);
        if owner >> 32 != u64::from(self.number) {
            // Who has not written for a whole tile is not run any more.
            let idle = owner == 0 || (tile as u32).wrapping_sub(owner as u32) > 1;
            if !idle || shared.owner.compare_exchange(owner, mine, AcqRel, Relaxed).is_err() {
                return;
            }
        } else {
            shared.owner.store(mine, Relaxed);
        }
        let at = shared.written.load(Acquire);
        shared.begun.store(at + frames as u64, Relaxed);
        fence(Release);
        let mask = shared.cells.len() - 1;
        let mut cell = at as usize * shared.channels;
        for frame in 0..frames {
            for channel in 0..shared.channels {
                shared.cells[cell & mask].store(sample(frame, channel).to_bits(), Relaxed);
                cell += 1;
            }
        }
        shared.written.store(at + frames as u64, Release);
    }

    /// Channels of a frame. `[any]`
    pub fn channels(&self) -> usize {
        self.flow.0.channels
    }
}

impl Reader {
    /// Channels of a frame. `[any]`
    pub fn channels(&self) -> usize {
        self.flow.0.channels
    }

    /// Frames lost so far because they were not read in time; each was, or will be, made up for by silence. `[any]`
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Appends the next interleaved frames, so many at most; how many. `[control]`
    pub fn read(&mut self, most: usize, out: &mut Vec<f32>) -> usize {
        let shared = Arc::clone(&self.flow.0);
        let written = shared.written.load(Acquire);
        let behind = written - self.at;
        if behind > self.flow.room() {
            self.lose(behind);
        }
        if self.owed > 0 {
            let silent = self.owed.min(most as u64);
            out.resize(out.len() + silent as usize * shared.channels, 0.0);
            self.owed -= silent;
            return silent as usize;
        }
        let frames = (written - self.at).min(most as u64) as usize;
        let (before, mask) = (out.len(), shared.cells.len() - 1);
        let first = self.at as usize * shared.channels;
        out.extend((first..first + frames * shared.channels).map(|cell| f32::from_bits(shared.cells[cell & mask].load(Relaxed))));
        fence(Acquire);
        if (shared.begun.load(Relaxed) - self.at) * shared.channels as u64 > ROOM as u64 {
            // It was written over while it was read.
            out.truncate(before);
            self.lose(frames as u64);
            return 0;
        }
        self.at += frames as u64;
        frames
    }

    fn lose(&mut self, frames: u64) {
        self.at += frames;
        self.lost += frames;
        self.owed += frames;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(end: &OutflowEnd, tile: u64, first: u64) {
        end.put(tile, 64, |frame, channel| (first + frame as u64) as f32 + channel as f32 * 0.5);
    }

    #[test]
    fn every_reader_has_all_from_its_beginning_on() {
        let flow = Outflow::new(2);
        let (end, mut early) = (flow.end(), flow.reader());
        put(&end, 0, 0);
        let mut late = flow.reader();
        put(&end, 1, 64);
        let (mut all, mut rest) = (Vec::new(), Vec::new());
        assert_eq!((early.read(100, &mut all), early.read(100, &mut all), early.read(100, &mut all)), (100, 28, 0));
        assert_eq!(late.read(1_000, &mut rest), 64);
        let want: Vec<f32> = (0..128).flat_map(|n| [n as f32, n as f32 + 0.5]).collect();
        assert_eq!(all, want);
        assert_eq!(rest, want[128..]);
    }

    #[test]
    fn a_slow_reader_loses_frames_and_has_silence_in_their_place() {
        let flow = Outflow::new(2);
        let (end, mut reader) = (flow.end(), flow.reader());
        let mut out = Vec::new();
        let tiles = 3 * ROOM as u64 / 2 / 64;
        for tile in 0..tiles {
            put(&end, tile, tile * 64);
            if tile % 1_500 == 1_499 {
                while reader.read(777, &mut out) > 0 {}
            }
        }
        while reader.read(777, &mut out) > 0 {}
        assert!(reader.lost() > 0);
        assert_eq!(out.len() as u64, tiles * 64 * 2, "silence stands for what was lost");
        let silent = out.chunks(2).skip(1).filter(|frame| frame[0] == 0.0).count() as u64;
        assert_eq!(silent, reader.lost() - 1, "frame 0 is 0 itself");
        for (frame, x) in out.chunks(2).enumerate() {
            assert!(x == [0.0, 0.0] || x == [frame as f32, frame as f32 + 0.5], "frame {frame} is {x:?}");
        }
    }

    #[test]
    fn one_of_two_kernels_writes_and_the_other_takes_over() {
        let flow = Outflow::new(1);
        let (old, new, mut reader) = (flow.end(), flow.end(), flow.reader());
        for tile in 0..4 {
            put(&old, tile, 100);
            put(&new, tile, 200);
        }
        for tile in 4..8 {
            put(&new, tile, 200);
        }
        let mut out = Vec::new();
        while reader.read(64, &mut out) > 0 {}
        assert_eq!(out.iter().filter(|x| **x < 200.0).count(), 4 * 64);
        assert_eq!(out.iter().filter(|x| **x >= 200.0).count(), 3 * 64, "one tile is missing where the other takes over");
    }

    #[test]
    fn a_reader_beside_a_writer_never_sees_what_is_half_written() {
        let flow = Outflow::new(2);
        let (end, mut reader) = (flow.end(), flow.reader());
        let writer = std::thread::spawn(move || {
            for tile in 0..40_000u64 {
                end.put(tile, 64, |frame, channel| ((tile * 64 + frame as u64) % 100_003) as f32 + channel as f32 * 0.5);
            }
        });
        let (mut at, mut out) = (0u64, Vec::new());
        while !writer.is_finished() {
            out.clear();
            reader.read(500, &mut out);
            for frame in out.chunks(2) {
                let want = (at % 100_003) as f32;
                assert!(frame == [0.0, 0.0] || frame == [want, want + 0.5], "frame {at} is {frame:?}");
                at += 1;
            }
        }
        writer.join().unwrap();
    }
}
