//! The wall clock against the engine's: one fixed offset, read by any thread without a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use super::cycles::Cycles;
use crate::base::time::SampleTime;

const SECOND: i128 = 1_000_000_000;
const UNSET: i64 = i64::MIN;

/// The one clock on the wall that all of rackd looks at: the system's, or one that is off from it by as much as it was shifted.
#[derive(Clone, Debug, Default)]
pub struct Wall {
    shift: Arc<AtomicI64>,
}

impl Wall {
    /// Time since 1970 [ns]. `[any]`
    pub fn now(&self) -> i64 {
        self.at(SystemTime::now())
    }

    /// What it showed when the system's clock showed this [ns since 1970]; 0 for what was before 1970. `[any]`
    pub fn at(&self, system: SystemTime) -> i64 {
        let nanos = system.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        nanos.saturating_add(self.shift.load(Relaxed))
    }

    /// The raw monotonic clock [µs] at a moment since 1970 [ns], by which JACK counts too; `None` where there is no such clock. `[any]`
    #[cfg(target_os = "linux")]
    pub fn monotonic_at(&self, unix_nanos: i64) -> Option<u64> {
        use rustix::time::{ClockId, clock_gettime};
        let nanos = || {
            let time = clock_gettime(ClockId::MonotonicRaw);
            i128::from(time.tv_sec) * SECOND + i128::from(time.tv_nsec)
        };
        // Of a few tries the one in which least time passed between the two readings.
        let read = || {
            let (before, wall, after) = (nanos(), self.now(), nanos());
            (after - before, (before + after) / 2 - i128::from(wall))
        };
        let (_, ahead) = (0..8).map(|_| read()).min()?;
        u64::try_from((i128::from(unix_nanos) + ahead) / 1000).ok()
    }

    /// The same where nobody knows how. `[any]`
    #[cfg(not(target_os = "linux"))]
    pub fn monotonic_at(&self, _: i64) -> Option<u64> {
        None
    }

    /// From now on it is off from the system's clock by so much [ns]: as if somebody had set it. `[any]`
    pub fn shift(&self, nanos: i64) {
        self.shift.store(nanos, Relaxed);
    }
}

/// Which sample belongs to which moment. Its slope is the engine's nominal rate, its offset is set by the host.
#[derive(Clone, Debug)]
pub struct WallClock {
    rate: u32,
    /// Wall time of sample 0 since 1970 [ns].
    zero: Arc<AtomicI64>,
    wall: Wall,
    cycles: Arc<Cycles>,
}

impl WallClock {
    /// A clock of an engine at a rate [Hz], not yet set. `[control]`
    pub fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), zero: Arc::new(AtomicI64::new(UNSET)), wall: Wall::default(), cycles: Arc::default() }
    }

    /// Frames a second [Hz]. `[any]`
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Where moments come from: whoever needs the time of day asks here. `[any]`
    pub fn wall(&self) -> &Wall {
        &self.wall
    }

    /// The callbacks of a driver whose own clock others read too, such as JACK's; empty with any other. `[any]`
    pub fn cycles(&self) -> &Arc<Cycles> {
        &self.cycles
    }

    /// Says at which moment since 1970 [ns] a sample is heard; the host does so at its first callback. `[audio]`
    pub fn anchor(&self, sample: SampleTime, unix_nanos: i64) {
        let since_zero = i128::from(sample) * SECOND / i128::from(self.rate);
        let zero = (i128::from(unix_nanos) - since_zero).clamp(i128::from(UNSET + 1), i128::from(i64::MAX));
        self.zero.store(zero as i64, Relaxed);
    }

    /// Whether a host has set it. `[any]`
    pub fn is_set(&self) -> bool {
        self.zero.load(Relaxed) != UNSET
    }

    /// The sample of a moment since 1970 [ns], below 0 for one before the engine's start; `None` until a host has set the
    /// clock. `[any]`
    pub fn sample_at(&self, unix_nanos: i64) -> Option<i64> {
        let zero = self.zero.load(Relaxed);
        if zero == UNSET {
            return None;
        }
        let frames = ((i128::from(unix_nanos) - i128::from(zero)) * i128::from(self.rate) + SECOND / 2).div_euclid(SECOND);
        Some(frames.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// The moment of a sample since 1970 [ns]; `None` until a host has set the clock. `[any]`
    pub fn unix_nanos_of(&self, sample: SampleTime) -> Option<i64> {
        let zero = self.zero.load(Relaxed);
        (zero != UNSET).then(|| (i128::from(zero) + i128::from(sample) * SECOND / i128::from(self.rate)) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_moments_are_the_same_line() {
        for rate in [44_100, 48_000, 96_000] {
            let clock = WallClock::new(rate);
            assert_eq!(clock.sample_at(0), None);
            let start = 1_790_000_000_123_456_789;
            clock.anchor(12_345, start);
            for sample in (0..10_000_000_u64).step_by(99_991) {
                let moment = clock.unix_nanos_of(sample).expect("the clock is set");
                assert_eq!(clock.sample_at(moment), Some(sample as i64), "rate {rate}");
                // Half a sample aside is still nearest to it, but for rounding.
                assert_eq!(clock.sample_at(moment + 4_000), Some(sample as i64));
            }
            assert!(clock.sample_at(start - 60_000_000_000).is_some_and(|sample| sample < 0));
        }
    }
}
