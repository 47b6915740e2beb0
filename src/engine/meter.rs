//! How loud each strip is: measured by the audio thread, read by others without a wait on either side.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::pass::Seen;
use crate::plan::mixer::SLOTS;

/// Steps of a full square that a [`Meter`] counts in.
const STEPS: f64 = (1_u64 << 36) as f64;
/// More than this is not measured of one callback: the count would run over.
const MOST: f64 = (1_u64 << 26) as f64;

/// One strip's meter, left and right. The audio thread alone writes it.
#[derive(Debug, Default)]
pub struct Meter {
    /// Highest size since it was last taken, as bits of f32.
    peak: [AtomicU32; 2],
    /// Squares of all samples so far, counted in steps; it runs over and goes on at 0.
    squares: [AtomicU64; 2],
}

impl Meter {
    /// The highest sizes since this was last asked: there is one who asks. `[control]`
    pub fn take_peaks(&self) -> [f32; 2] {
        [0, 1].map(|side: usize| f32::from_bits(self.peak[side].swap(0, Relaxed)))
    }

    /// A count of squares from which [`Self::squares_between`] works out sums. `[any]`
    pub fn count(&self) -> [u64; 2] {
        [0, 1].map(|side: usize| self.squares[side].load(Relaxed))
    }

    /// The sum of the squares of all samples between two counts. `[any]`
    pub fn squares_between(from: [u64; 2], to: [u64; 2]) -> [f64; 2] {
        [0, 1].map(|side: usize| to[side].wrapping_sub(from[side]) as f64 / STEPS)
    }
}

/// Every meter of an engine.
#[derive(Debug)]
pub struct Meters {
    /// The slots', by number: what each adds to the mix.
    pub slots: [Meter; SLOTS],
    /// What goes to the device.
    pub master: Meter,
}

impl Default for Meters {
    fn default() -> Self {
        Self { slots: std::array::from_fn(|_| Meter::default()), master: Meter::default() }
    }
}

/// The audio thread's side of a meter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauge {
    peak: [f32; 2],
    squares: [f64; 2],
}

impl Gauge {
    /// Measures a frame, whose samples are numbers. `[audio]`
    pub fn see(&mut self, frame: [f32; 2]) {
        for (side, x) in frame.into_iter().enumerate() {
            let size = if x < 0.0 { -x } else { x };
            if size > self.peak[side] {
                self.peak[side] = size;
            }
            self.squares[side] += f64::from(x) * f64::from(x);
        }
    }

    /// Measures what was seen of some frames of one side. `[audio]`
    pub fn add(&mut self, side: usize, seen: Seen) {
        if seen.peak > self.peak[side] {
            self.peak[side] = seen.peak;
        }
        self.squares[side] += seen.squares;
    }

    /// Shows what was seen since this was last called. `[audio]`
    pub fn show(&mut self, meter: &Meter) {
        for side in 0..2 {
            if self.peak[side] > 0.0 {
                // Positive floats order as their bits do.
                meter.peak[side].fetch_max(self.peak[side].to_bits(), Relaxed);
                self.peak[side] = 0.0;
            }
            let sum = if self.squares[side] < MOST { self.squares[side] } else { MOST };
            let steps = (sum * STEPS) as u64;
            meter.squares[side].fetch_add(steps, Relaxed);
            // What is less than a step is kept for the next time.
            self.squares[side] = sum - steps as f64 / STEPS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_shown_once_and_nothing_is_lost_between_two_counts() {
        let (mut gauge, meter) = (Gauge::default(), Meter::default());
        let before = meter.count();
        for at in 0..4800 {
            gauge.see([if at == 7 { -0.75 } else { 1e-4 }, 2e-7]);
            if at % 64 == 63 {
                gauge.show(&meter);
            }
        }
        assert_eq!(meter.take_peaks(), [0.75, 2e-7]);
        assert_eq!(meter.take_peaks(), [0.0, 0.0]);
        let [left, right] = Meter::squares_between(before, meter.count());
        assert!((left - (0.5625 + 4799e-8)).abs() < 1e-9, "{left}");
        assert!((right - 4800.0 * 4e-14).abs() < 2e-11, "{right}");
    }

    #[test]
    fn the_count_runs_over_and_goes_on() {
        let meter = Meter { squares: [AtomicU64::new(u64::MAX - 5), AtomicU64::new(0)], ..Meter::default() };
        let before = meter.count();
        let mut gauge = Gauge::default();
        gauge.see([0.5, f32::MAX]);
        gauge.show(&meter);
        let [left, right] = Meter::squares_between(before, meter.count());
        assert!((left - 0.25).abs() < 1e-9 && right == MOST, "{left} {right}");
    }
}
