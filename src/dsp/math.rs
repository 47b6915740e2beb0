//! Functions of our own in place of the platform's, so that every machine gives the same bits.
//!
//! Each is one formula over `f32` that a kernel uses through [`Lanes::map`], so that it vectorises. Errors stated here are
//! tested below. None uses `mul_add`: without the instruction it is a library call, and the bits would differ.

use super::lanes::Lanes;

/// The nearest whole number, for |x| < 2²²; ties to even. `[audio]`
#[inline(always)]
pub fn round(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves no bit for a fraction
    (x + SHIFT) - SHIFT
}

/// The greatest whole number not above, for |x| < 2²². `[audio]`
#[inline(always)]
pub fn floor(x: f32) -> f32 {
    let near = round(x);
    near - if near > x { 1.0 } else { 0.0 }
}

/// What is left above [`floor`]: 0 ≤ fract < 1 (a tiny negative number gives 0). `[audio]`
#[inline(always)]
pub fn fract(x: f32) -> f32 {
    let rest = x - floor(x);
    if rest < 1.0 { rest } else { 0.0 }
}

/// 2ˣ for −126 ≤ x ≤ 126, held at the ends outside; relative error below 2·10⁻⁷ (0.0004 cents). `[audio]`
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let x = if x > -126.0 { x } else { -126.0 };
    let x = if x < 126.0 { x } else { 126.0 };
    const SHIFT: f32 = 12_582_912.0;
    let shifted = x + SHIFT; // the nearest whole number now stands in the low bits
    let f = x - (shifted - SHIFT); // −0.5..0.5
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    // Taylor series of 2^f to the 7th power: the first term left out is below 6·10⁻¹⁰·2^f at |f| = 0.5.
    let p = 1.525_273_4e-5;
    let p = p * f + 1.540_353e-4;
    let p = p * f + 1.333_355_8e-3;
    let p = p * f + 9.618_129e-3;
    let p = p * f + 5.550_411e-2;
    let p = p * f + 2.402_265e-1;
    let p = p * f + 6.931_472e-1;
    (p * f + 1.0) * scale
}

/// Sine of a whole turn: sin(2π·t) for |t| < 2²²; absolute error below 3·10⁻⁷. `[audio]`
///
/// Folded to a quarter turn, then the series of sin to the 11th power.
#[inline(always)]
pub fn sin_turn(t: f32) -> f32 {
    let t = t - round(t); // −0.5..0.5
    let t = if t > 0.25 { 0.5 - t } else { t };
    let t = if t < -0.25 { -0.5 - t } else { t };
    sin_quarter_turn(t)
}

/// The same of a place on the circle of 2³² steps a turn, sooner: the very bits of `sin_turn(place as f32 / 2³²)` but for the sign of a 0 at
/// half a turn, since powers of two round nothing. `[audio]`
#[inline(always)]
pub fn sin_of_place(place: i32) -> f32 {
    let place = place as f32;
    let size = f32::from_bits(place.to_bits() & 0x7fff_ffff);
    let rest = 2_147_483_648.0 - size;
    let folded = if rest < size { rest } else { size };
    let folded = f32::from_bits(folded.to_bits() | place.to_bits() & 0x8000_0000);
    sin_series(folded * (std::f32::consts::TAU / 4_294_967_296.0))
}

/// The same for |t| ≤ ¼: the series alone. `[audio]`
#[inline(always)]
fn sin_quarter_turn(t: f32) -> f32 {
    sin_series(t * std::f32::consts::TAU)
}

/// Sine of an angle within a quarter turn.
#[inline(always)]
fn sin_series(x: f32) -> f32 {
    let z = x * x;
    let p = -2.505_210_8e-8;
    let p = p * z + 2.755_732e-6;
    let p = p * z - 1.984_127e-4;
    let p = p * z + 8.333_333e-3;
    let p = p * z - 1.666_666_7e-1;
    x + x * z * p
}

/// Cosine of a place on the circle of 2³² steps a turn; absolute error below 2.1·10⁻⁷. `[audio]`
///
/// A sine a quarter turn on: the size of the place says how far it is from there, without folding. The odd polynomial of the 9th power
/// was fitted (Remez) to a quarter turn, where it is off by 3.4·10⁻⁹ but for rounding.
#[inline(always)]
pub fn cos_of_place(place: i32) -> f32 {
    let size = f32::from_bits((place as f32 * (1.0 / 4_294_967_296.0)).to_bits() & 0x7fff_ffff);
    let t = 0.25 - size; // turns, −0.25..0.25
    let z = t * t;
    let p = 39.536_705;
    let p = p * z - 76.549_78;
    let p = p * z + 81.601_006;
    let p = p * z - 41.341_656;
    let p = p * z + 6.283_185_005;
    t * p
}

/// Hyperbolic tangent; absolute error below 3·10⁻⁷. From the exact 1 − 2 / (e²ˣ + 1). `[audio]`
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    // Beyond ±9 the result is 1 to the last bit.
    let x = if x > -9.0 { x } else { -9.0 };
    let x = if x < 9.0 { x } else { 9.0 };
    let e = exp2(x * 2.885_39);
    let near = 1.0 - 2.0 / (e + 1.0);
    // Close to 0 the difference loses bits: there the series serves.
    let z = x * x;
    let small = x * (1.0 - z * (0.333_333_34 - z * (0.133_333_34 - z * 0.053_968_254)));
    if z < 0.04 { small } else { near }
}

/// tan(π·x) for 0 ≤ x ≤ 0.49, held at the ends: the warp of a bilinear filter whose corner is x of the rate;
/// relative error below 3·10⁻⁶. `[audio]`
#[inline(always)]
pub fn tan_half_turn(x: f32) -> f32 {
    let x = if x > 0.0 { x } else { 0.0 };
    let x = if x < 0.49 { x } else { 0.49 };
    sin_turn(0.5 * x) / sin_turn(0.25 - 0.5 * x)
}

/// t / (1 + t) for t = tan(π·x), 0 ≤ x ≤ 0.46, held at the ends: the gain of a bilinear one-pole filter whose corner is x of the
/// rate; relative error below 4·10⁻⁶ (0.007 cents). A polynomial without division: filters work it out in every frame. `[audio]`
#[inline(always)]
pub fn one_pole_gain(x: f32) -> f32 {
    let x = if x > 0.0 { x } else { 0.0 };
    let x = if x < 0.46 { x } else { 0.46 };
    let z = x - 0.23;
    let p = -1_680.166_1;
    let p = p * z + 1_014.881_3;
    let p = p * z - 136.167_51;
    let p = p * z + 104.650_53;
    let p = p * z - 42.520_3;
    let p = p * z + 31.084_694;
    let p = p * z - 9.089_066;
    let p = p * z + 7.339_525;
    let p = p * z - 2.000_581_7;
    x * (p * z + 2.037_145_1)
}

/// Logarithm to the base 2 of a normal x > 0; absolute error below 1·10⁻⁶. `[audio]`
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    let bits = x.to_bits() as i32;
    let shift = (bits - 0x3f35_04f3) >> 23; // m in √½..√2
    let m = f32::from_bits((bits - (shift << 23)) as u32);
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let p = 0.222_222_22;
    let p = p * z + 0.285_714_3;
    let p = p * z + 0.4;
    let p = p * z + 0.666_666_7;
    let p = p * z + 2.0;
    shift as f32 + s * p * std::f32::consts::LOG2_E
}

/// 1 − e^−x for x ≥ 0: the part of its way that an exponential has covered; relative error below 4·10⁻⁷. `[audio]`
#[inline(always)]
pub fn one_minus_exp(x: f32) -> f32 {
    // Close to 0 the difference loses bits: there the series serves, to the 7th power.
    let p = 1.0 - x * (1.0 / 7.0);
    let p = 1.0 - x * (1.0 / 6.0) * p;
    let p = 1.0 - x * 0.2 * p;
    let p = 1.0 - x * 0.25 * p;
    let p = 1.0 - x * (1.0 / 3.0) * p;
    let small = x * (1.0 - x * 0.5 * p);
    let large = 1.0 - exp2(x * -std::f32::consts::LOG2_E);
    if x < 0.4 { small } else { large }
}

/// Factor of a level in dB. `[audio]`
#[inline(always)]
pub fn factor_from_decibels(decibels: f32) -> f32 {
    exp2(decibels * 0.166_096_4)
}

/// As it is, but 0 where it is not finite or beyond ±10⁶: what a recursive filter may take in and stay finite. `[audio]`
#[inline(always)]
pub fn tame(x: f32) -> f32 {
    if f32::from_bits(x.to_bits() & 0x7fff_ffff) <= 1e6 { x } else { 0.0 }
}

/// A saturator: straight near 0, 1 from 3 on, with a smooth bend; the Padé approximant x (27 + x²) / (27 + 9x²) of tanh, which it
/// follows within 0.024. `[audio]`
#[inline(always)]
pub fn saturate(x: f32) -> f32 {
    let x = if x > -3.0 { x } else { -3.0 };
    let x = if x < 3.0 { x } else { 3.0 };
    let z = x * x;
    x * (27.0 + z) / (27.0 + 9.0 * z)
}

/// The same functions lane by lane. `[audio]` throughout.
pub trait LaneMath: Lanes {
    /// [`tame`] of every lane.
    #[inline(always)]
    fn tame(self) -> Self {
        self.map(tame)
    }
    /// [`saturate`] of every lane.
    #[inline(always)]
    fn saturate(self) -> Self {
        self.map(saturate)
    }
    /// [`exp2`] of every lane.
    #[inline(always)]
    fn exp2(self) -> Self {
        self.map(exp2)
    }
    /// [`sin_turn`] of every lane.
    #[inline(always)]
    fn sin_turn(self) -> Self {
        self.map(sin_turn)
    }
    /// [`tanh`] of every lane.
    #[inline(always)]
    fn tanh(self) -> Self {
        self.map(tanh)
    }
    /// [`floor`] of every lane.
    #[inline(always)]
    fn floor(self) -> Self {
        self.map(floor)
    }
    /// [`fract`] of every lane.
    #[inline(always)]
    fn fract(self) -> Self {
        self.map(fract)
    }
}

impl<L: Lanes> LaneMath for L {}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(from: f64, to: f64, ours: fn(f32) -> f32, theirs: fn(f64) -> f64, relative: bool) -> f64 {
        (0..=200_000)
            .map(|i| (from + (to - from) * f64::from(i) / 200_000.0) as f32)
            .map(|x| {
                let want = theirs(f64::from(x));
                (f64::from(ours(x)) - want).abs() / if relative { want.abs().max(1e-30) } else { 1.0 }
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn errors_are_as_stated() {
        let tau = |t: f64| (t * std::f64::consts::TAU).sin();
        assert!(worst(-20.0, 20.0, exp2, libm::exp2, true) < 2e-7);
        assert!(worst(-4.0, 4.0, sin_turn, tau, false) < 3e-7);
        assert!(worst(-12.0, 12.0, tanh, libm::tanh, false) < 3e-7);
        assert!(worst(0.0001, 0.489, tan_half_turn, |x| (x * std::f64::consts::PI).tan(), true) < 3e-6);
        assert!(worst(1e-7, 10.0, one_minus_exp, |x| -libm::expm1(-x), true) < 4e-7);
        assert!(worst(0.001, 1000.0, log2, libm::log2, false) < 1e-6);
        let gain = |x: f64| 1.0 / (1.0 + 1.0 / (x * std::f64::consts::PI).tan());
        assert!(worst(0.0001, 0.4599, one_pole_gain, gain, true) < 4e-6);
        assert!(worst(-12.0, 12.0, saturate, libm::tanh, false) < 0.024);
    }

    #[test]
    fn the_cosine_of_a_place_is_near_and_within_one() {
        for place in (0..1u32 << 20).map(|i| i.wrapping_mul(4_097) as i32).chain([i32::MIN, i32::MAX, 0, -1, 1 << 30, -1 << 30]) {
            let want = libm::cos(std::f64::consts::TAU * f64::from(place) / 4_294_967_296.0);
            let y = cos_of_place(place);
            assert!((f64::from(y) - want).abs() < 2.1e-7 && y.abs() <= 1.0, "{place}: {y}, not {want}");
        }
    }

    #[test]
    fn a_place_has_the_sine_of_its_turn_bit_by_bit() {
        let places = (0..1u32 << 22).map(|i| i.wrapping_mul(1_023) as i32).chain([i32::MIN, i32::MAX, -1, 0, 1, 1 << 30, -1 << 30]);
        for place in places {
            let t = place as f32 * (1.0 / 4_294_967_296.0);
            assert_eq!((sin_of_place(place) + 0.0).to_bits(), (sin_turn(t) + 0.0).to_bits(), "at {t}");
        }
    }

    #[test]
    fn floor_and_fract_hold_at_whole_numbers() {
        for x in [-2.0f32, -1.5, -1.0, -0.5, -1e-9, 0.0, 0.3, 1.0, 1.999_999_9, 1000.25] {
            assert_eq!(floor(x), x.floor(), "floor {x}");
            assert!((0.0..1.0).contains(&fract(x)), "fract {x}");
        }
    }
}
