//! Where a score is being played, as the audio thread last had it: shown whole, so that no place is read with another place's beat.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};

use crate::base::time::SampleTime;

/// Where a score is being played.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Whereabouts {
    /// Time of the next block.
    pub now: SampleTime,
    /// The beat there.
    pub beat: f64,
    /// The number of the last jump.
    pub place: u32,
    /// Turns of the loop since then.
    pub lap: u32,
}

/// One thread writes, any reads, none waits for another.
#[derive(Debug, Default)]
pub struct Shown {
    turn: AtomicU32,
    now: AtomicU64,
    beat: AtomicU64,
    at: AtomicU64,
}

impl Shown {
    /// From now on it is here. `[audio]`
    pub fn publish(&self, here: Whereabouts) {
        let turn = self.turn.load(Relaxed);
        self.turn.store(turn.wrapping_add(1), Relaxed);
        fence(Release);
        self.now.store(here.now, Relaxed);
        self.beat.store(here.beat.to_bits(), Relaxed);
        self.at.store(u64::from(here.place) << 32 | u64::from(here.lap), Relaxed);
        self.turn.store(turn.wrapping_add(2), Release);
    }

    /// Where it is; at the beginning where nothing was shown yet. `None` in the moment in which it is being written. `[any]`
    pub fn read(&self) -> Option<Whereabouts> {
        // A write takes a few nanoseconds: who meets one may try again.
        for _ in 0..16 {
            let turn = self.turn.load(Acquire);
            let at = self.at.load(Relaxed);
            let here = Whereabouts {
                now: self.now.load(Relaxed),
                beat: f64::from_bits(self.beat.load(Relaxed)),
                place: (at >> 32) as u32,
                lap: at as u32,
            };
            fence(Acquire);
            if turn.is_multiple_of(2) && self.turn.load(Relaxed) == turn {
                return Some(here);
            }
            std::hint::spin_loop();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_begins_at_nothing() {
        let shown = Shown::default();
        assert_eq!(shown.read(), Some(Whereabouts::default()));
        let here = Whereabouts { now: 7, beat: 0.25, place: u32::MAX, lap: 3 };
        shown.publish(here);
        assert_eq!(shown.read(), Some(here));
    }
}
