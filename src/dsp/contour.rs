//! Levels that go somewhere in a given time: what envelopes and slews share.

use super::ints::Ints;
use super::lanes::{LaneMask, Lanes, Truth};
use super::math::one_minus_exp;

/// Time constants in an attack: the curve aims beyond 1 and is cut off there, as a capacitor's charge is.
const ATTACK: f32 = 1.5;
/// Where an exponential attack aims, 1 / (1 − e^−[`ATTACK`]).
pub const TOP: f32 = 1.287_216_7;
/// How far below 0 an exponential release aims, so that it arrives: −60 dB.
pub const BELOW: f32 = 0.001;
/// Time constants in a fall from 1 to 0, ln(1 + 1 / [`BELOW`]).
const FALL: f32 = 6.908_755;

/// Frames in a time [s], at least 1. `[audio]`
#[inline(always)]
pub fn frames<L: Lanes>(seconds: L, rate: f32) -> L {
    seconds.map(|seconds| {
        let frames = seconds * rate;
        if frames > 1.0 { frames } else { 1.0 }
    })
}

/// Part of the way to [`TOP`] that each frame covers, to be at 1 after so many. `[audio]`
#[inline(always)]
pub fn attack_part<L: Lanes>(frames: L) -> L {
    frames.map(|frames| one_minus_exp(ATTACK / frames))
}

/// Part of the way to −[`BELOW`] that each frame covers, to come from 1 to 0 in so many. `[audio]`
#[inline(always)]
pub fn fall_part<L: Lanes>(frames: L) -> L {
    frames.map(|frames| one_minus_exp(FALL / frames))
}

/// A level and what rounding has kept from it, so that a minute's way in millions of small steps ends in time (Kahan 1965).
#[derive(Clone, Copy, Debug, Default)]
pub struct Level<L> {
    at: L,
    rest: L,
}

impl<L: Lanes> Level<L> {
    /// Where it is. `[audio]`
    #[inline(always)]
    pub fn at(&self) -> L {
        self.at
    }

    /// Whether it is another to the bit. `[audio]`
    #[inline(always)]
    pub fn is(&self, other: &Self) -> bool {
        self.at.is(other.at) && self.rest.is(other.rest)
    }

    /// Where it is 0 to the bit, and nothing is kept. `[audio]`
    #[inline(always)]
    pub fn is_zero(&self) -> L::Mask {
        Ints::bits(self.at).zip(Ints::bits(self.rest), |at, rest| at | rest).not_zero().not()
    }

    /// Moves it by a step. `[audio]`
    #[inline(always)]
    pub fn step(&mut self, by: L) {
        let by = by + self.rest;
        let to = self.at + by;
        self.rest = by - (to - self.at);
        self.at = to;
    }

    /// Puts it to a value where the mask is true. `[audio]`
    #[inline(always)]
    pub fn put(&mut self, mask: L::Mask, value: L) {
        self.at = mask.select(value, self.at);
        self.rest = mask.select(L::splat(0.0), self.rest);
    }

    /// Back to 0. `[audio]`
    #[inline(always)]
    pub fn reset(&mut self, lanes: LaneMask) {
        self.put(L::Mask::from_lanes(lanes), L::splat(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_of_small_steps_ends_in_time() {
        let mut level = Level::<f32>::default();
        let step = 1.0 / frames(60.0, 96_000.0);
        for _ in 0..5_760_000 {
            level.step(step);
        }
        assert!((level.at() - 1.0).abs() < 1e-6, "{}", level.at());
    }

    #[test]
    fn curves_arrive_after_as_many_frames_as_asked() {
        for n in [1.0f32, 7.0, 240.0, 48_000.0, 1_440_000.0] {
            let (mut up, mut down) = (Level::<f32>::default(), Level::<f32>::default());
            down.put(true, 1.0);
            for _ in 0..n as usize {
                up.step((TOP - up.at()) * attack_part(n));
                down.step((-BELOW - down.at()) * fall_part(n));
            }
            assert!((up.at() - 1.0).abs() < 1e-5, "{n} frames up: {}", up.at());
            assert!(down.at().abs() < 1e-5, "{n} frames down: {}", down.at());
        }
    }
}
