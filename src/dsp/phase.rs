//! A phase that goes round as slowly as one likes and never drifts.

use super::ints::Ints;
use super::lanes::{LaneMask, Lanes, Truth};
use crate::base::time::BLOCK;

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

/// Parts of a step in which [`Phase::go_evenly`] counts.
const PARTS: f32 = 16_777_216.0;

impl<L: Lanes> Phase<L> {
    /// Goes on by the same number of steps in each of some frames, as [`Self::advance`] would: gives where it is before each, and how
    /// often a turn ended. One lane only; `None`, and nothing has happened, where `advance` rounds: there is no short way then.
    ///
    /// Where it does not round, what is left of a step is a multiple of what the number of steps is a multiple of, and whole numbers tell
    /// all frames at once. `[audio]`
    #[inline(always)]
    pub fn go_evenly(&mut self, steps: L, frames: usize) -> Option<([i32; BLOCK], usize)> {
        let (steps, rest) = (steps.lane(0), self.rest.lane(0));
        // From a half below to one above all numbers are equally dense: halves can be added, and the rest if it is no finer.
        let dense = (steps - 0.5).to_bits() >> 23 == (steps + 1.0).to_bits() >> 23;
        let fits = L::WIDTH == 1 && dense && (1.5..4_194_304.0).contains(&steps) && (steps + rest) - steps == rest;
        if !fits {
            return None;
        }
        let (way, rest) = ((steps * PARTS) as i64, (rest * PARTS) as i64);
        let begin = (rest + PARTS as i64 / 2) as u64;
        let from = self.at.lane(0);
        let mut places = [0; BLOCK];
        for frame in 0..BLOCK {
            places[frame] = from.wrapping_add(((begin + frame as u64 * way as u64) >> 24) as i32);
        }
        let whole = (begin + frames as u64 * way as u64) >> 24;
        let left = rest + frames as i64 * way - ((whole as i64) << 24);
        self.at.set_lane(0, from.wrapping_add(whole as i32));
        self.rest.set_lane(0, left as f32 * (1.0 / PARTS));
        Some((places, ((u64::from(from as u32) + whole) >> 32) as usize))
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
    fn all_frames_at_once_are_frame_by_frame() {
        let mut gone = 0;
        for hertz in (0..2_000u32).map(|at| 0.001 * libm::exp2f(at as f32 * 0.008_5)) {
            for rate in [44_100.0, 48_000.0, 96_000.0] {
                let (mut one, mut all) = (Phase::<f32>::default(), Phase::<f32>::default());
                for block in 0..40 {
                    // Now and then another pace, whose rest the next must take over.
                    let hertz = if block % 8 == 3 { hertz * 1.234_567 } else { hertz };
                    let (steps, frames) = (hertz / rate * TURN, if block % 5 == 4 { 17 } else { BLOCK });
                    let mut before = all;
                    let found = all.go_evenly(steps, frames);
                    let (mut turns, mut places) = (0, [0; BLOCK]);
                    for place in &mut places[..frames] {
                        *place = one.at.lane(0);
                        turns += usize::from(one.advance(steps, |x| x as i32));
                    }
                    match found {
                        Some((found, count)) => {
                            gone += 1;
                            assert_eq!((&found[..frames], count), (&places[..frames], turns), "{hertz} Hz at {rate}");
                        }
                        None => {
                            (0..frames).for_each(|_| _ = before.advance(steps, |x| x as i32));
                            all = before;
                        }
                    }
                    assert_eq!((all.at.lane(0), all.rest.to_bits()), (one.at.lane(0), one.rest.to_bits()), "{hertz} Hz at {rate}");
                }
            }
        }
        assert!(gone > 200_000, "the short way was taken {gone} times of 240,000");
    }

    #[test]
    fn turns_stay_below_one() {
        assert!((0.0..1.0).contains(&turns(-1)));
        assert_eq!(turns(i32::MIN), 0.5);
    }
}
