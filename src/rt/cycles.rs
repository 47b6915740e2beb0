//! When a driver's callbacks were called, and for which samples: the last few, written by the audio thread, read by any other.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};

use crate::base::time::SampleTime;

/// Callbacks that are remembered.
const KEPT: usize = 16;

/// One callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// When, by the driver's own clock [µs].
    pub stamp: u64,
    /// Its first sample.
    pub sample: SampleTime,
    /// How many samples it worked out.
    pub frames: u32,
}

impl Cycle {
    /// The first sample that it did not work out. `[any]`
    pub fn end(self) -> SampleTime {
        self.sample + u64::from(self.frames)
    }
}

/// One place: what is in it counts where the turn is even and the same before and after.
#[derive(Debug, Default)]
struct Place {
    turn: AtomicU32,
    stamp: AtomicU64,
    sample: AtomicU64,
    frames: AtomicU32,
}

/// The last callbacks of one driver. One thread at a time writes; no side waits for the other.
#[derive(Debug, Default)]
pub struct Cycles {
    places: [Place; KEPT],
    /// Callbacks so far.
    count: AtomicU64,
}

impl Cycles {
    /// A callback begins. `[audio]`
    pub fn publish(&self, cycle: Cycle) {
        let count = self.count.load(Relaxed);
        let place = &self.places[(count % KEPT as u64) as usize];
        let turn = place.turn.load(Relaxed);
        place.turn.store(turn.wrapping_add(1), Relaxed);
        fence(Release);
        place.stamp.store(cycle.stamp, Relaxed);
        place.sample.store(cycle.sample, Relaxed);
        place.frames.store(cycle.frames, Relaxed);
        place.turn.store(turn.wrapping_add(2), Release);
        self.count.store(count.wrapping_add(1), Release);
    }

    /// The newest callback that fits, unless it is being overwritten or long forgotten. `[audio]`
    pub fn find(&self, fits: impl Fn(Cycle) -> bool) -> Option<Cycle> {
        let count = self.count.load(Acquire);
        (1..=count.min(KEPT as u64)).find_map(|back| self.read(count - back).filter(|cycle| fits(*cycle)))
    }

    /// The newest callback. `[audio]`
    pub fn newest(&self) -> Option<Cycle> {
        self.find(|_| true)
    }

    fn read(&self, number: u64) -> Option<Cycle> {
        let place = &self.places[(number % KEPT as u64) as usize];
        let turn = place.turn.load(Acquire);
        let cycle = Cycle { stamp: place.stamp.load(Relaxed), sample: place.sample.load(Relaxed), frames: place.frames.load(Relaxed) };
        fence(Acquire);
        (turn.is_multiple_of(2) && place.turn.load(Relaxed) == turn).then_some(cycle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn the_last_callbacks_are_found_and_old_ones_forgotten() {
        let cycles = Cycles::default();
        assert_eq!(cycles.newest(), None);
        for n in 0..40 {
            cycles.publish(Cycle { stamp: n * 1000, sample: n * 64, frames: 64 });
        }
        assert_eq!(cycles.newest().map(Cycle::end), Some(40 * 64));
        assert_eq!(cycles.find(|cycle| cycle.stamp == 30_000).map(|cycle| cycle.sample), Some(30 * 64));
        assert_eq!(cycles.find(|cycle| cycle.stamp == 3_000), None);
    }

    #[test]
    fn what_is_read_was_written_together() {
        let cycles = Arc::new(Cycles::default());
        let over = Arc::new(AtomicBool::new(false));
        let (writes, told) = (Arc::clone(&cycles), Arc::clone(&over));
        let writer = std::thread::spawn(move || {
            for n in 0..2_000_000u64 {
                writes.publish(Cycle { stamp: n, sample: n * 3, frames: n as u32 });
            }
            told.store(true, Relaxed);
        });
        let mut read = 0;
        while !over.load(Relaxed) {
            if let Some(cycle) = cycles.newest() {
                assert_eq!((cycle.sample, cycle.frames), (cycle.stamp * 3, cycle.stamp as u32));
                read += 1;
            }
        }
        writer.join().unwrap();
        assert!(read > 0 || cycles.newest().is_some());
    }
}
