//! Chance, one stream a lane.

use super::ints::Ints;
use super::lanes::{LaneMask, Lanes};

/// Random numbers of 32 bits that are never 0 (xorshift, Marsaglia 2003; it comes round after 2³² − 1 of them).
#[derive(Clone, Copy, Debug)]
pub struct Random<L> {
    state: Ints<L>,
}

impl<L: Lanes> Random<L> {
    /// Every lane with the same numbers; to be seeded. `[any]`
    pub fn new() -> Self {
        Self { state: Ints::splat(1) }
    }

    /// Starts the meant lanes afresh, each from a seed of its own. `[audio]`
    #[inline(always)]
    pub fn seed(&mut self, lanes: LaneMask, seed: impl Fn(usize) -> u64) {
        for lane in 0..L::WIDTH {
            if lanes.has(lane) {
                let mixed = seed(lane).wrapping_mul(0x9e37_79b9_7f4a_7c15); // so that seeds in a row are far apart
                self.state.set_lane(lane, (mixed >> 32) as i32 | 1);
            }
        }
    }

    /// The next number of each lane. `[audio]`
    #[inline(always)]
    pub fn draw(&mut self) -> Ints<L> {
        self.state = self.state.map(|x| {
            let x = x ^ x << 13;
            let x = x ^ ((x as u32) >> 17) as i32;
            x ^ x << 5
        });
        self.state
    }

    /// The next number −1 ≤ x ≤ 1 of each lane. `[audio]`
    #[inline(always)]
    pub fn bipolar(&mut self) -> L {
        self.draw().to_lanes(|x| x as f32 * (1.0 / 2_147_483_648.0))
    }

    /// The next number −1 ≤ x ≤ 1 in the lanes where it is asked for; the others keep the one they have. `[audio]`
    #[inline(always)]
    pub fn bipolar_where(&mut self, asked: L::Mask, kept: L) -> L {
        use super::lanes::Truth;
        let before = self.state;
        let drawn = self.bipolar();
        self.state = Ints::select(asked, self.state, before);
        asked.select(drawn, kept)
    }
}

impl<L: Lanes> Default for Random<L> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::lanes::{Truth, Wide};

    #[test]
    fn numbers_are_spread_evenly_and_lanes_differ() {
        let mut random = Random::<Wide<8>>::new();
        random.seed(LaneMask::ALL, |lane| lane as u64);
        let drawn: Vec<Wide<8>> = (0..40_000).map(|_| random.bipolar()).collect();
        for lane in 0..8 {
            let mean = drawn.iter().map(|x| f64::from(x.lane(lane))).sum::<f64>() / 40_000.0;
            let power = drawn.iter().map(|x| f64::from(x.lane(lane)).powi(2)).sum::<f64>() / 40_000.0;
            assert!(mean.abs() < 0.01 && (power - 1.0 / 3.0).abs() < 0.01, "lane {lane}: {mean} {power}");
            assert_ne!(drawn[100].lane(lane), drawn[100].lane((lane + 1) % 8));
        }
    }

    #[test]
    fn a_lane_that_is_not_asked_keeps_its_place() {
        let seeded = || {
            let mut random = Random::<Wide<8>>::new();
            random.seed(LaneMask::ALL, |lane| lane as u64);
            random
        };
        let (mut asked, mut left) = (seeded(), seeded());
        let kept = left.bipolar_where(<Wide<8> as Lanes>::Mask::from_lanes(LaneMask::one(2)), Wide([0.25; 8]));
        let all = asked.bipolar();
        assert_eq!((kept.lane(2), kept.lane(1)), (all.lane(2), 0.25));
        assert_eq!(left.bipolar().lane(1), all.lane(1));
    }
}
