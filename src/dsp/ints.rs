//! Whole numbers side by side: phases that never drift, random numbers.

use super::lanes::{LaneMask, Lanes, Truth};

/// A whole number of 32 bits in each lane, kept as the bits of the lane's `f32`; only [`Ints::to_lanes`] makes numbers of
/// them. Everything wraps around. `[audio]` throughout.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ints<L>(L);

impl<L: Lanes> Ints<L> {
    /// The same in every lane.
    #[inline(always)]
    pub fn splat(x: i32) -> Self {
        Self(L::splat(f32::from_bits(x as u32)))
    }

    /// The nearest whole numbers, ties away from 0; the nearest there is beyond 32 bits, 0 for NaN.
    #[inline(always)]
    pub fn rounded(x: L) -> Self {
        Self(x.map(|x| {
            let half = f32::from_bits(x.to_bits() & 0x8000_0000 | 0x3f00_0000);
            f32::from_bits(truncated(x + half) as u32)
        }))
    }

    /// The number in one lane.
    #[inline(always)]
    pub fn lane(&self, lane: usize) -> i32 {
        self.0.lane_ref(lane).to_bits() as i32
    }

    /// Puts a number in one lane.
    #[inline(always)]
    pub fn set_lane(&mut self, lane: usize, x: i32) {
        self.0.set_lane(lane, f32::from_bits(x as u32));
    }

    /// A function of one number in every lane.
    #[inline(always)]
    pub fn map(self, f: impl Fn(i32) -> i32) -> Self {
        Self(self.0.map(|x| f32::from_bits(f(x.to_bits() as i32) as u32)))
    }

    /// A function of two numbers, lane by lane.
    #[inline(always)]
    pub fn zip(self, other: Self, f: impl Fn(i32, i32) -> i32) -> Self {
        Self(self.0.zip(other.0, |a, b| f32::from_bits(f(a.to_bits() as i32, b.to_bits() as i32) as u32)))
    }

    /// The sums.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        self.zip(other, i32::wrapping_add)
    }

    /// The differences.
    #[inline(always)]
    pub fn minus(self, other: Self) -> Self {
        self.zip(other, i32::wrapping_sub)
    }

    /// So many times each.
    #[inline(always)]
    pub fn times(self, times: i32) -> Self {
        self.map(|x| x.wrapping_mul(times))
    }

    /// A whole number made of each lane's number.
    #[inline(always)]
    pub fn from_lanes(x: L, f: impl Fn(f32) -> i32) -> Self {
        Self(x.map(|x| f32::from_bits(f(x) as u32)))
    }

    /// A number made of each.
    #[inline(always)]
    pub fn to_lanes(self, f: impl Fn(i32) -> f32) -> L {
        self.0.map(|x| f(x.to_bits() as i32))
    }

    /// −1 where a truth holds, else 0.
    #[inline(always)]
    pub fn from_mask(mask: L::Mask) -> Self {
        Self(mask.select(L::splat(f32::from_bits(u32::MAX)), L::splat(0.0)))
    }

    /// Where it is less than 0.
    #[inline(always)]
    pub fn negative(self) -> L::Mask {
        // The sign in front of 1.0, so that the comparison is one of numbers.
        self.0.map(|x| f32::from_bits(x.to_bits() & 0x8000_0000 | 0x3f80_0000)).lt(L::splat(0.0))
    }

    /// Whether it is the other in every lane.
    #[inline(always)]
    pub fn is(self, other: Self) -> bool {
        self.0.is(other.0)
    }

    /// Where it is not 0.
    #[inline(always)]
    pub fn not_zero(self) -> L::Mask {
        self.map(|x| -i32::from(x != 0)).negative()
    }

    /// The bits of numbers.
    #[inline(always)]
    pub fn bits(x: L) -> Self {
        Self(x)
    }

    /// This where the mask is true, else the other.
    #[inline(always)]
    pub fn select(mask: L::Mask, yes: Self, no: Self) -> Self {
        Self(mask.select(yes.0, no.0))
    }

    /// This where the lanes are meant, else the other.
    #[inline(always)]
    pub fn pick(self, lanes: LaneMask, other: Self) -> Self {
        Self(self.0.pick(lanes, other.0))
    }
}

/// What `x as i32` gives. A cast goes lane by lane; this makes vectors.
///
/// A number of 64 bits has room for 1.5 · 2⁵² on top, which leaves whole numbers, the nearest, in its low half. Of the way to the
/// next one, all but a little less than half is taken off before, so that the nearest is the one towards 0.
#[inline(always)]
fn truncated(x: f32) -> i32 {
    const HALF: u64 = 0x3fdf_ffff_e000_0000; // ½ − 2⁻²⁵: less than half by half of the least part that a number about 1 has
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let exact = f64::from(x);
    let nearly = exact - f64::from_bits(HALF | exact.to_bits() & 0x8000_0000_0000_0000);
    let whole = (nearly + SHIFT).to_bits() as i32;
    let whole = if x < 2_147_483_648.0 { whole } else { i32::MAX };
    let whole = if x > -2_147_483_648.0 { whole } else { i32::MIN };
    if x.is_nan() { 0 } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::lanes::Wide;

    #[test]
    fn every_bit_pattern_survives() {
        for x in [0, 1, -1, i32::MIN, i32::MAX, 0x7f80_0001, 0x7fc0_0000u32 as i32, 0x0000_00ff] {
            let mut ints = Ints::<Wide<8>>::splat(x);
            assert_eq!(ints.plus(Ints::splat(5)).lane(3), x.wrapping_add(5));
            ints.set_lane(2, x ^ 1);
            assert_eq!((ints.lane(2), ints.lane(7)), (x ^ 1, x));
            assert_eq!(ints.pick(LaneMask::one(7), Ints::splat(9)).lane(7), x);
            assert_eq!(ints.negative().lanes().has(7), x < 0);
        }
    }

    #[test]
    fn truncated_is_the_cast() {
        let specials = [0.0, -0.0, 0.5, 1.0, 0.999_999_94, 8_388_607.5, 8_388_608.0, 16_777_215.0, 2_147_483_520.0, 2_147_483_648.0, 3e9];
        let bits = (0..=u32::MAX).step_by(1_009).map(f32::from_bits);
        for x in bits.chain(specials).chain([f32::NAN, f32::INFINITY]) {
            for x in [x, -x] {
                assert_eq!(truncated(x), x as i32, "{x}");
            }
        }
        for whole in (1..1 << 25).step_by(63) {
            for bits in (whole as f32).to_bits() - 1..=(whole as f32).to_bits() + 1 {
                assert_eq!(truncated(f32::from_bits(bits)), f32::from_bits(bits) as i32);
            }
        }
    }

    #[test]
    fn rounds_to_the_nearest_and_holds_at_the_ends() {
        for (x, want) in
            [(0.49, 0), (0.5, 1), (-0.5, -1), (-2.4, -2), (3e9, i32::MAX), (-3e9, i32::MIN), (f32::NAN, 0), (39_370_536.0, 39_370_536)]
        {
            assert_eq!(Ints::<f32>::rounded(x).lane(0), want, "{x}");
        }
    }
}
