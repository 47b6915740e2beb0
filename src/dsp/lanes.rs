//! Voices side by side in a register.
//!
//! A kernel is written once over [`Lanes`] and exists for one lane (`f32`), [`Wide<8>`], [`Wide<16>`] and [`Wide<32>`]: plain aligned arrays
//! with element-wise loops, which the compiler turns into vector instructions at whatever level the kernel is compiled for.
//! Every operation is exact IEEE arithmetic in a fixed order, so the bits are the same at every width and level.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};
use std::sync::atomic::{Ordering, compiler_fence};

/// Lanes side by side at most.
pub const MOST_LANES: usize = 32;

/// Which lanes are meant, one bit a lane; bit 0 is lane 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneMask(pub u32);

impl LaneMask {
    /// No lane.
    pub const NONE: Self = Self(0);
    /// Every lane.
    pub const ALL: Self = Self(u32::MAX);

    /// One lane alone. `[audio]`
    #[inline(always)]
    pub const fn one(lane: usize) -> Self {
        Self(1 << lane)
    }

    /// Whether a lane is meant. `[audio]`
    #[inline(always)]
    pub const fn has(self, lane: usize) -> bool {
        self.0 >> lane & 1 == 1
    }

    /// Whether none is meant. `[audio]`
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one lane alone is meant. `[audio]`
    #[inline(always)]
    pub const fn is_one(self) -> bool {
        self.0.is_power_of_two()
    }

    /// The lanes of both. `[audio]`
    #[inline(always)]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The lanes of either. `[audio]`
    #[inline(always)]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The lanes of this that are not in the other. `[audio]`
    #[inline(always)]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Takes the first lane out; for kernels, where an iterator's closures may be compiled apart. `[audio]`
    #[inline(always)]
    pub fn take_first(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let lane = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(lane)
    }

    /// The lanes meant, ascending. `[audio]`
    #[inline(always)]
    pub fn lanes(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let lane = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                lane
            })
        })
    }
}

/// `WIDTH` numbers that are worked on together. `[audio]` throughout.
pub trait Lanes:
    Copy
    + Send
    + Sync
    + Debug
    + Default
    + PartialEq
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// How many lanes there are.
    const WIDTH: usize;
    /// A truth for each lane.
    type Mask: Truth<Lanes = Self>;
    /// The same number in every lane.
    fn splat(x: f32) -> Self;
    /// The number in one lane; a lane past the width is a mistake of the caller.
    fn lane(self, lane: usize) -> f32;
    /// Puts a number in one lane.
    fn set_lane(&mut self, lane: usize, x: f32);
    /// One lane in place, where the lanes lie in memory: reading one by value copies them all first.
    fn lane_ref(&self, lane: usize) -> &f32;
    /// One lane in place.
    fn lane_mut(&mut self, lane: usize) -> &mut f32;
    /// A function of one number in every lane. Write whole formulas in one `map`: one loop vectorises best.
    fn map(self, f: impl Fn(f32) -> f32) -> Self;
    /// A function of two numbers, lane by lane.
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self;
    /// A function of three numbers, lane by lane.
    fn zip3(self, b: Self, c: Self, f: impl Fn(f32, f32, f32) -> f32) -> Self;
    /// Where this is less than the other; false where either is NaN.
    fn lt(self, other: Self) -> Self::Mask;
    /// Where this is greater than the other; false where either is NaN.
    #[inline(always)]
    fn gt(self, other: Self) -> Self::Mask {
        other.lt(self)
    }
    /// Where this is finite.
    fn finite(self) -> Self::Mask;
    /// Whether this is the other to the bit, in every lane.
    fn is(self, other: Self) -> bool;

    /// The lesser of the two; the other where this is NaN.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    /// The greater of the two; the other where this is NaN.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    /// Within bounds; the low bound where this is NaN.
    #[inline(always)]
    fn clamp(self, low: f32, high: f32) -> Self {
        self.map(|x| {
            let x = if x > low { x } else { low };
            if x < high { x } else { high }
        })
    }
    /// Without its sign.
    #[inline(always)]
    fn abs(self) -> Self {
        self.map(|x| f32::from_bits(x.to_bits() & 0x7fff_ffff))
    }
    /// This where the lanes are meant, else the other.
    #[inline(always)]
    fn pick(self, lanes: LaneMask, other: Self) -> Self {
        Self::Mask::from_lanes(lanes).select(self, other)
    }
    /// The lanes of `x` added in their order to sums by the number of the lane mod 16, which stand in the first sixteen.
    #[inline(always)]
    fn add_by_sixteens(self, x: Self) -> Self {
        self + x
    }
    /// 0 in place of what is not finite.
    #[inline(always)]
    fn or_zero(self) -> Self {
        self.finite().select(self, Self::splat(0.0))
    }
    /// The lanes in order into a function, with their number.
    #[inline(always)]
    fn from_fn(f: impl Fn(usize) -> f32) -> Self {
        let mut out = Self::splat(0.0);
        for lane in 0..Self::WIDTH {
            out.set_lane(lane, f(lane));
        }
        out
    }
}

/// Ends a frame of many lanes, and costs nothing. Without it frames that cannot overlap would be worked out side by side, which takes the
/// lanes apart and together again: here a frame fills the vectors by itself. One lane alone gains by frames side by side. `[audio]`
#[inline(always)]
pub fn end_frame<L: Lanes>() {
    if L::WIDTH > 1 {
        end_step();
    }
}

/// Ends a step that fills the vectors by itself, or must wait for the last one: a compiler that wove it with the next would fetch
/// each number alone. Costs nothing. `[audio]`
#[inline(always)]
pub fn end_step() {
    compiler_fence(Ordering::SeqCst);
}

/// A truth for each lane. `[audio]` throughout.
pub trait Truth: Copy + Send + Sync + Debug + Default + 'static {
    /// The numbers it chooses between.
    type Lanes;
    /// The first where true, else the second.
    fn select(self, yes: Self::Lanes, no: Self::Lanes) -> Self::Lanes;
    /// True where both are.
    fn and(self, other: Self) -> Self;
    /// True where either is.
    fn or(self, other: Self) -> Self;
    /// True where this is not.
    fn not(self) -> Self;
    /// Whether any lane is true.
    fn any(self) -> bool;
    /// The true lanes, one bit each.
    fn lanes(self) -> LaneMask;
    /// True in the lanes that are meant.
    fn from_lanes(lanes: LaneMask) -> Self;
}

#[inline(always)]
fn bit_select(mask: u32, yes: f32, no: f32) -> f32 {
    f32::from_bits(yes.to_bits() & mask | no.to_bits() & !mask)
}

#[inline(always)]
fn bits_if(truth: bool) -> u32 {
    0u32.wrapping_sub(u32::from(truth))
}

#[inline(always)]
fn is_finite(x: f32) -> bool {
    x.to_bits() & 0x7f80_0000 != 0x7f80_0000
}

impl Lanes for f32 {
    const WIDTH: usize = 1;
    type Mask = bool;
    #[inline(always)]
    fn splat(x: f32) -> Self {
        x
    }
    #[inline(always)]
    fn lane(self, _: usize) -> f32 {
        self
    }
    #[inline(always)]
    fn set_lane(&mut self, _: usize, x: f32) {
        *self = x;
    }
    #[inline(always)]
    fn lane_ref(&self, _: usize) -> &f32 {
        self
    }
    #[inline(always)]
    fn lane_mut(&mut self, _: usize) -> &mut f32 {
        self
    }
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        f(self)
    }
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        f(self, other)
    }
    #[inline(always)]
    fn zip3(self, b: Self, c: Self, f: impl Fn(f32, f32, f32) -> f32) -> Self {
        f(self, b, c)
    }
    #[inline(always)]
    fn lt(self, other: Self) -> bool {
        self < other
    }
    #[inline(always)]
    fn finite(self) -> bool {
        is_finite(self)
    }
    #[inline(always)]
    fn is(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Truth for bool {
    type Lanes = f32;
    #[inline(always)]
    fn select(self, yes: f32, no: f32) -> f32 {
        if self { yes } else { no }
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self & other
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self | other
    }
    #[inline(always)]
    fn not(self) -> Self {
        !self
    }
    #[inline(always)]
    fn any(self) -> bool {
        self
    }
    #[inline(always)]
    fn lanes(self) -> LaneMask {
        LaneMask(u32::from(self))
    }
    #[inline(always)]
    fn from_lanes(lanes: LaneMask) -> Self {
        lanes.has(0)
    }
}

/// `N` lanes as an aligned array.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
pub struct Wide<const N: usize>(pub [f32; N]);

/// A truth for each of `N` lanes: all bits or none.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub struct WideMask<const N: usize>([u32; N]);

impl<const N: usize> Default for Wide<N> {
    #[inline(always)]
    fn default() -> Self {
        Self([0.0; N])
    }
}

impl<const N: usize> Default for WideMask<N> {
    #[inline(always)]
    fn default() -> Self {
        Self([0; N])
    }
}

macro_rules! wide_operators {
    ($($operator:ident $method:ident $assign:ident $assign_method:ident $symbol:tt;)*) => {$(
        impl<const N: usize> $operator for Wide<N> {
            type Output = Self;
            #[inline(always)]
            fn $method(mut self, other: Self) -> Self {
                for lane in 0..N {
                    self.0[lane] = self.0[lane] $symbol other.0[lane];
                }
                self
            }
        }
        impl<const N: usize> $assign for Wide<N> {
            #[inline(always)]
            fn $assign_method(&mut self, other: Self) {
                *self = *self $symbol other;
            }
        }
    )*};
}
wide_operators! {
    Add add AddAssign add_assign +;
    Sub sub SubAssign sub_assign -;
    Mul mul MulAssign mul_assign *;
}

impl<const N: usize> Div for Wide<N> {
    type Output = Self;
    #[inline(always)]
    fn div(mut self, other: Self) -> Self {
        for lane in 0..N {
            self.0[lane] /= other.0[lane];
        }
        self
    }
}

impl<const N: usize> Neg for Wide<N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}

impl<const N: usize> Lanes for Wide<N> {
    const WIDTH: usize = N;
    type Mask = WideMask<N>;
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; N])
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> f32 {
        self.0[lane]
    }
    #[inline(always)]
    fn set_lane(&mut self, lane: usize, x: f32) {
        self.0[lane] = x;
    }
    #[inline(always)]
    fn lane_ref(&self, lane: usize) -> &f32 {
        &self.0[lane]
    }
    #[inline(always)]
    fn lane_mut(&mut self, lane: usize) -> &mut f32 {
        &mut self.0[lane]
    }
    #[inline(always)]
    fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        for lane in 0..N {
            self.0[lane] = f(self.0[lane]);
        }
        self
    }
    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        for lane in 0..N {
            self.0[lane] = f(self.0[lane], other.0[lane]);
        }
        self
    }
    #[inline(always)]
    fn zip3(mut self, b: Self, c: Self, f: impl Fn(f32, f32, f32) -> f32) -> Self {
        for lane in 0..N {
            self.0[lane] = f(self.0[lane], b.0[lane], c.0[lane]);
        }
        self
    }
    #[inline(always)]
    fn lt(self, other: Self) -> WideMask<N> {
        let mut out = [0; N];
        for lane in 0..N {
            out[lane] = bits_if(self.0[lane] < other.0[lane]);
        }
        WideMask(out)
    }
    #[inline(always)]
    fn add_by_sixteens(mut self, x: Self) -> Self {
        for first in (0..N).step_by(16) {
            for lane in 0..if N < 16 { N } else { 16 } {
                self.0[lane] += x.0[first + lane];
            }
        }
        self
    }
    #[inline(always)]
    fn is(self, other: Self) -> bool {
        let mut differs = 0;
        for lane in 0..N {
            differs |= self.0[lane].to_bits() ^ other.0[lane].to_bits();
        }
        differs == 0
    }
    #[inline(always)]
    fn finite(self) -> WideMask<N> {
        let mut out = [0; N];
        for lane in 0..N {
            out[lane] = bits_if(is_finite(self.0[lane]));
        }
        WideMask(out)
    }
}

impl<const N: usize> Truth for WideMask<N> {
    type Lanes = Wide<N>;
    #[inline(always)]
    fn select(self, mut yes: Wide<N>, no: Wide<N>) -> Wide<N> {
        for lane in 0..N {
            yes.0[lane] = bit_select(self.0[lane], yes.0[lane], no.0[lane]);
        }
        yes
    }
    #[inline(always)]
    fn and(mut self, other: Self) -> Self {
        for lane in 0..N {
            self.0[lane] &= other.0[lane];
        }
        self
    }
    #[inline(always)]
    fn or(mut self, other: Self) -> Self {
        for lane in 0..N {
            self.0[lane] |= other.0[lane];
        }
        self
    }
    #[inline(always)]
    fn not(mut self) -> Self {
        for lane in 0..N {
            self.0[lane] = !self.0[lane];
        }
        self
    }
    #[inline(always)]
    fn any(self) -> bool {
        let mut all = 0;
        for lane in 0..N {
            all |= self.0[lane];
        }
        all != 0
    }
    #[inline(always)]
    fn lanes(self) -> LaneMask {
        let mut bits = 0;
        for lane in 0..N {
            bits |= (self.0[lane] & 1) << lane;
        }
        LaneMask(bits)
    }
    #[inline(always)]
    fn from_lanes(lanes: LaneMask) -> Self {
        let mut out = [0; N];
        for (lane, bits) in out.iter_mut().enumerate() {
            *bits = bits_if(lanes.0 >> lane & 1 == 1);
        }
        Self(out)
    }
}
