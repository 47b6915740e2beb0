//! A phase that goes round as slowly as one likes and never drifts.

use super::ints::Ints;
use super::lanes::{LaneMask, Lanes, Truth};

/// Steps in one turn of a phase.
pub const TURN: f32 = 4_294_967_296.0;

/// A place on a circle in 2³² steps a turn, with what is left of a step carried from frame to frame: a turn of a thousand
/// seconds ends as exactly as one of a millisecond.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phase<L> {
    at: Ints<L>,
    rest: L,
}

impl<L: Lanes> Phase<L> {
    /// Back to 0. `[audio]`
    #[inline(always)]
    pub fn reset(&mut self, lanes: LaneMask) {
        self.at = Ints::splat(0).pick(lanes, self.at);
        self.rest = L::splat(0.0).pick(lanes, self.rest);
    }

    /// Back to 0 where the mask is true. `[audio]`
    #[inline(always)]
    pub fn restart(&mut self, mask: L::Mask) {
        self.at = Ints::select(mask, Ints::splat(0), self.at);
        self.rest = mask.select(L::splat(0.0), self.rest);
    }

    /// Where it is. `[audio]`
    #[inline(always)]
    pub fn at(&self) -> Ints<L> {
        self.at
    }

    /// Goes on by a number of steps from 0 up to less than half a [`TURN`]; true where a turn ends. `whole` gives the whole number
    /// towards 0. `[audio]`
    #[inline(always)]
    pub fn advance(&mut self, steps: L, whole: impl Fn(f32) -> i32) -> L::Mask {
        let exact = steps + self.rest;
        let whole = Ints::from_lanes(exact, |x| whole(x + f32::from_bits(x.to_bits() & 0x8000_0000 | 0x3f00_0000)));
        self.rest = exact - whole.to_lanes(|x| x as f32);
        let old = self.at;
        self.at = old.plus(whole);
        // From the upper half of the circle to the lower: a turn ends only where the top bit falls.
        old.zip(self.at, |old, new| old & !new).negative()
    }
}

/// Part of a turn, 0 ≤ t < 1, of a place on the circle. `[audio]`
#[inline(always)]
pub fn turns(place: i32) -> f32 {
    // Only 24 bits fit; cutting the others off keeps the result below 1.
    ((place as u32) >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_and_fast_turns_end_where_they_should() {
        for (hertz, seconds) in [(0.01f64, 1000), (1.0, 100), (3.3, 100), (200.0, 10)] {
            let mut phase = Phase::<f32>::default();
            let steps = (hertz / 48_000.0 * f64::from(TURN)) as f32;
            let turns = (0..seconds * 48_000).filter(|_| phase.advance(steps, |x| x as i32).any()).count();
            let want = hertz * f64::from(seconds);
            assert!((turns as f64 - want).abs() <= 1.0, "{hertz} Hz: {turns} turns, not {want}");
        }
    }

    #[test]
    fn turns_stay_below_one() {
        assert!((0.0..1.0).contains(&turns(-1)));
        assert_eq!(turns(i32::MIN), 0.5);
    }
}
