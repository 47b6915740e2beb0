//! Keeps the wall clock and the engine's time together: one offset, which changes only where the two have truly parted.

use crate::base::time::SampleTime;
use crate::rt::clock::WallClock;

/// How far they may part [s].
const APART: f64 = 0.020;
/// How long they must have been apart [s]: a callback that is late once says nothing.
const LONG: f64 = 1.0;

/// Sees every callback.
pub struct Anchoring {
    clock: WallClock,
    rate: f64,
    /// When the present watch over the two began [frames].
    since: SampleTime,
    /// The least that callbacks were behind the clock in that watch [frames]; callbacks may be late, never early.
    least: i64,
}

impl Anchoring {
    /// Over a clock of an engine at a rate [Hz]. `[control]`
    pub fn new(clock: WallClock, rate: u32) -> Self {
        Self { clock, rate: f64::from(rate), since: 0, least: i64::MAX }
    }

    /// A callback begins with this sample, which will be heard at this moment [ns since 1970]. `[audio]`
    pub fn see(&mut self, sample: SampleTime, heard: i64) {
        let Some(expected) = self.clock.sample_at(heard) else {
            self.clock.anchor(sample, heard);
            self.since = sample;
            return;
        };
        let behind = expected - sample as i64;
        if behind.abs() < self.least.saturating_abs() {
            self.least = behind;
        }
        if (sample - self.since) as f64 >= LONG * self.rate {
            if self.least.saturating_abs() as f64 > APART * self.rate {
                self.clock.anchor(sample, heard);
            }
            self.since = sample;
            self.least = i64::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callbacks of 480 frames at 48 kHz from second 1000 on, each late by what `late` says [ms].
    fn run(callbacks: u64, late: impl Fn(u64) -> i64) -> WallClock {
        let clock = WallClock::new(48_000);
        let mut anchoring = Anchoring::new(clock.clone(), 48_000);
        for n in 0..callbacks {
            anchoring.see(n * 480, (1_000_000 + n as i64 * 10 + late(n)) * 1_000_000);
        }
        clock
    }

    #[test]
    fn a_late_callback_moves_nothing() {
        let clock = run(1000, |n| if n % 7 == 3 { 80 } else { (n % 3) as i64 });
        assert_eq!(clock.sample_at(1_000_000_000_000), Some(0));
        assert_eq!(clock.sample_at(1_005_000_000_000), Some(240_000));
    }

    #[test]
    fn a_suspend_is_followed() {
        // From callback 300 on everything is a minute later.
        let clock = run(1000, |n| if n >= 300 { 60_000 } else { 0 });
        assert_eq!(clock.sample_at((1_000_000 + 9_990 + 60_000) * 1_000_000), Some(999 * 480));
    }
}
