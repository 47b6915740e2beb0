//! Which sample of the engine a frame of JACK's is: both count the same cycles, and are called once in each.

use crate::base::time::SampleTime;
use crate::rt::cycles::Cycles;

/// Cycles in a row that must say the same before another answer is believed: a callback that comes more than a cycle late says nothing.
const SURE: u32 = 3;
/// Cycles without the engine after which it is no longer driven by this server.
const GONE: u32 = 200;

/// A cycle of JACK's.
#[derive(Clone, Copy, Debug)]
struct Cycle {
    frame: u64,
    /// When it and the next begin [µs].
    start: u64,
    next: u64,
}

/// Keeps the distance between the two counts, which changes only where one of them misses a cycle. Never allocates.
#[derive(Debug, Default)]
pub(super) struct Places {
    before: Option<Cycle>,
    offset: Option<i64>,
    other: Option<(i64, u32)>,
    unseen: u32,
}

impl Places {
    /// A cycle begins: its first frame, when it began and when the next will [µs]; the sample that the engine works out with this frame,
    /// where it is known. `[audio]`
    pub fn cycle(&mut self, frame: u32, start: u64, next: u64, cycles: &Cycles) -> Option<SampleTime> {
        // JACK's count is 32 bits wide and comes round within a day.
        let frame = match self.before {
            Some(before) => before.frame + u64::from(frame.wrapping_sub(before.frame as u32)),
            None => 1 << 32 | u64::from(frame),
        };
        // In this cycle the engine may still have to be called; in the one before it was.
        if let Some(before) = self.before.replace(Cycle { frame, start, next }) {
            let found = cycles.find(|cycle| (before.start..before.next).contains(&cycle.stamp));
            match found {
                Some(cycle) => self.meet(cycle.sample as i64 - before.frame as i64),
                None => {
                    self.unseen = self.unseen.saturating_add(1);
                    if self.unseen > GONE {
                        self.offset = None;
                    }
                }
            }
        }
        u64::try_from(frame as i64 + self.offset?).ok()
    }

    fn meet(&mut self, offset: i64) {
        self.unseen = 0;
        if self.offset == Some(offset) {
            self.other = None;
            return;
        }
        let times = self.other.filter(|(other, _)| *other == offset).map_or(1, |(_, times)| times + 1);
        self.other = Some((offset, times));
        if times >= SURE || self.offset.is_none() {
            self.offset = Some(offset);
            self.other = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rt::cycles::Cycle as Callback;

    /// A server with cycles of 256 frames at 48 kHz; the engine is called in each, late by so much [µs].
    struct Server {
        cycles: Cycles,
        places: Places,
        number: u64,
        frame: u32,
        sample: u64,
    }

    impl Server {
        fn new(frame: u32, sample: u64) -> Self {
            Self { cycles: Cycles::default(), places: Places::default(), number: 0, frame, sample }
        }

        fn cycle(&mut self, late: u64, first: bool, called: bool) -> Option<SampleTime> {
            let start = 1_000_000 + self.number * 5333;
            let callback = Callback { stamp: start + late, sample: self.sample, frames: 256 };
            if called && first {
                self.cycles.publish(callback);
            }
            let found = self.places.cycle(self.frame, start, start + 5333, &self.cycles);
            if called && !first {
                self.cycles.publish(callback);
            }
            self.number += 1;
            self.frame = self.frame.wrapping_add(256);
            self.sample += if called { 256 } else { 0 };
            found
        }
    }

    #[test]
    fn whoever_of_the_two_is_called_first_and_however_late_the_samples_are_the_same() {
        let mut server = Server::new(u32::MAX - 2560, 70_400);
        server.cycle(0, true, true);
        for n in 0..100u64 {
            let sample = server.sample;
            let found = server.cycle(n * 997 % 5333, n % 3 == 0, true);
            assert_eq!(found, Some(sample), "cycle {n}");
        }
    }

    #[test]
    fn one_callback_that_is_more_than_a_cycle_late_changes_nothing() {
        let mut server = Server::new(0, 0);
        (0..20).for_each(|_| _ = server.cycle(100, true, true));
        let sample = server.sample;
        assert_eq!(server.cycle(6000, true, true), Some(sample));
        for _ in 0..10 {
            let sample = server.sample;
            assert_eq!(server.cycle(100, true, true), Some(sample));
        }
    }

    #[test]
    fn a_cycle_that_the_engine_misses_is_noticed() {
        let mut server = Server::new(0, 4096);
        (0..20).for_each(|_| _ = server.cycle(100, true, true));
        server.cycle(0, true, false);
        (0..4).for_each(|_| _ = server.cycle(100, true, true));
        let sample = server.sample;
        assert_eq!(server.cycle(100, true, true), Some(sample));
        (0..300).for_each(|_| _ = server.cycle(0, true, false));
        assert_eq!(server.cycle(0, true, false), None, "the engine is driven by something else");
    }
}
