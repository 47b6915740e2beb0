//! How much of the time that there was each callback took: counted by the audio thread, read by any other.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Classes an octave: each is a twelfth wide at most.
const FINE: u32 = 3;
/// The lowest class ends at 2^−10, about a thousandth; what took less is in it.
const LOWEST: u32 = (127 - 10) << FINE;
/// Up to 2^4 = 16 times the time that there was; what took longer is in the last.
const CLASSES: usize = 14 << FINE;

/// Callbacks by the share of their time that they took: one is all of it. The classes are spaced evenly in the logarithm.
#[derive(Debug)]
pub struct Shares {
    classes: [AtomicU64; CLASSES],
    /// Bits of the greatest share; those of numbers above zero are in their order.
    most: AtomicU32,
}

impl Default for Shares {
    fn default() -> Self {
        Self { classes: [const { AtomicU64::new(0) }; CLASSES], most: AtomicU32::new(0) }
    }
}

/// The end of a class.
fn end(class: usize) -> f32 {
    f32::from_bits((LOWEST + class as u32 + 1) << (23 - FINE))
}

impl Shares {
    /// A callback took this share of its time. `[audio]`
    pub fn count(&self, share: f32) {
        let share = if share > 0.0 { share } else { 0.0 };
        let class = (share.to_bits() >> (23 - FINE)).saturating_sub(LOWEST) as usize;
        self.classes[class.min(CLASSES - 1)].fetch_add(1, Relaxed);
        self.most.fetch_max(share.to_bits(), Relaxed);
    }

    /// Callbacks so far. `[any]`
    pub fn callbacks(&self) -> u64 {
        self.classes.iter().map(|class| class.load(Relaxed)).sum()
    }

    /// The greatest share so far. `[any]`
    pub fn most(&self) -> f32 {
        f32::from_bits(self.most.load(Relaxed))
    }

    /// The share that so many of all callbacks (0 to 1) did not exceed, up to the width of a class; 0 before the first. `[any]`
    pub fn quantile(&self, part: f64) -> f32 {
        let wanted = (self.callbacks() as f64 * part).ceil() as u64;
        let mut seen = 0;
        let class = self.classes.iter().position(|class| {
            seen += class.load(Relaxed);
            seen > 0 && seen >= wanted
        });
        class.map_or(0.0, |class| end(class).min(self.most()))
    }

    /// The classes that have callbacks in them, from below: where a class ends, and how many. `[any]`
    pub fn classes(&self) -> impl Iterator<Item = (f32, u64)> {
        self.classes.iter().enumerate().map(|(class, count)| (end(class), count.load(Relaxed))).filter(|(_, count)| *count > 0)
    }

    /// Begins anew; a callback that ends in this moment may be counted or not. `[any]`
    pub fn forget(&self) {
        self.classes.iter().for_each(|class| class.store(0, Relaxed));
        self.most.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_as_near_as_a_class_is_wide() {
        let shares = Shares::default();
        assert_eq!((shares.callbacks(), shares.quantile(0.5), shares.most()), (0, 0.0, 0.0));
        for n in 1..=1000 {
            shares.count(n as f32 / 1000.0);
        }
        assert_eq!(shares.callbacks(), 1000);
        for (part, want) in [(0.5, 0.5), (0.99, 0.99), (0.1, 0.1), (1.0, 1.0)] {
            let got = shares.quantile(part);
            assert!(got >= want && got <= want * 1.126, "{part}: {got}");
        }
        assert_eq!(shares.most(), 1.0);
        let ends: Vec<f32> = shares.classes().map(|(end, _)| end).collect();
        assert!(ends.is_sorted());
        assert_eq!(shares.classes().map(|(_, count)| count).sum::<u64>(), 1000);
        shares.forget();
        assert_eq!((shares.callbacks(), shares.most()), (0, 0.0));
    }

    #[test]
    fn what_is_out_of_all_bounds_is_counted_too() {
        let shares = Shares::default();
        for share in [0.0, -1.0, f32::NAN, 1e-30, 1e30] {
            shares.count(share);
        }
        assert_eq!(shares.callbacks(), 5);
        assert_eq!(shares.classes().count(), 2);
        assert_eq!(shares.most(), 1e30);
    }
}
