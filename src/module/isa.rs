//! The only file that knows instruction sets: a kernel is compiled once for every level and the level is chosen at run time.

#![allow(unsafe_code)]

use std::fmt;

use super::{Io, Kernel, Make, Prepare, Seed, Tone};
use crate::dsp::lanes::{LaneMask, Lanes};

/// Instructions that this machine offers: only [`Level::detect`] and [`Level::available`], which have asked it, give any above
/// [`Level::BASE`], so whoever holds one may use it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Tier);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// What every processor of the family has.
    Base,
    /// 256-bit vectors of x86-64, and what counts bits (AVX2, BMI, LZCNT, POPCNT).
    Avx2,
    /// 512-bit vectors of x86-64 (F, VL, DQ and BW).
    Avx512,
}

impl Level {
    /// What every processor of the family has.
    pub const BASE: Self = Self(Tier::Base);

    /// The best this machine offers. `[control]`
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
        {
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw");
            return Self(if wide { Tier::Avx512 } else { Tier::Avx2 });
        }
        Self::BASE
    }

    /// Every level this machine offers, lowest first. `[control]`
    pub fn available() -> &'static [Self] {
        const ALL: [Level; 3] = [Level(Tier::Base), Level(Tier::Avx2), Level(Tier::Avx512)];
        match Self::detect().0 {
            Tier::Base => &ALL[..1],
            Tier::Avx2 => &ALL[..2],
            Tier::Avx512 => &ALL,
        }
    }

    /// Whether it has 512-bit vectors. `[any]`
    pub const fn is_512(self) -> bool {
        matches!(self.0, Tier::Avx512)
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A kernel of type `K`, compiled for a level. `[control]`
pub fn build<L: Lanes, K: Kernel<L> + Make + 'static>(prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<L>> {
    wrap(K::make(prepare), level)
}

/// A ready kernel, compiled for a level. 512-bit vectors serve sixteen lanes and more, and one, whose frames stand side by side: eight
/// were slower by them. Thirty-two are meant for these vectors alone: without them they are worked out by the base's, to prove that the bits are the same.
/// `[control]`
pub fn wrap<L: Lanes, K: Kernel<L> + 'static>(kernel: K, level: Level) -> Box<dyn Kernel<L>> {
    match level.0 {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 if const { L::WIDTH != 8 } => Box::new(Avx512(kernel)),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 | Tier::Avx512 if const { L::WIDTH != 32 } => Box::new(Avx2(kernel)),
        _ => Box::new(kernel),
    }
}

/// A kernel of one lane that works on sixteen numbers at a time within, compiled for a level: 512-bit vectors serve it too. `[control]`
pub fn build_wide<K: Kernel<f32> + Make + 'static>(prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<f32>> {
    match level.0 {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => Box::new(Avx512(K::make(prepare))),
        _ => build::<f32, K>(prepare, level),
    }
}

/// Has memory brought near that is to be read or written soon. Changes nothing but the time that takes. `[audio]`
#[inline(always)]
pub fn soon(x: &f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of the family has the instruction; it reads nothing and cannot fail, and the place is one of ours.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(x).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

/// A square whose rows are the columns of another: by shuffles, where a compiler left to itself fetches each number alone. `[audio]`
#[inline(always)]
pub fn turn_over(x: &[[f32; 16]; 16]) -> [[f32; 16]; 16] {
    let mut over = [[0.0; 16]; 16];
    for row in (0..16).step_by(4) {
        for column in (0..16).step_by(4) {
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
                // SAFETY: every processor of the family has these instructions; each reads or writes a slice of four numbers.
                unsafe {
                    let mut a = _mm_loadu_ps(x[row][column..column + 4].as_ptr());
                    let mut b = _mm_loadu_ps(x[row + 1][column..column + 4].as_ptr());
                    let mut c = _mm_loadu_ps(x[row + 2][column..column + 4].as_ptr());
                    let mut d = _mm_loadu_ps(x[row + 3][column..column + 4].as_ptr());
                    _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
                    for (at, x) in [a, b, c, d].into_iter().enumerate() {
                        _mm_storeu_ps(over[column + at][row..row + 4].as_mut_ptr(), x);
                    }
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            for at in 0..16 {
                over[column + at % 4][row + at / 4] = x[row + at / 4][column + at % 4];
            }
        }
    }
    over
}

/// A piece of work that is compiled for every level; its `work` is `#[inline(always)]`.
pub trait Work {
    /// Does it. `[audio]`
    fn work(self);
}

/// Does a piece of work with the instructions of a level. `[audio]`
#[inline(always)]
pub fn run(level: Level, work: impl Work) {
    match level.0 {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Level` of this tier is made only by `Level::detect`, which has seen these instructions.
        Tier::Avx512 => unsafe { work_avx512(work) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the same.
        Tier::Avx2 => unsafe { work_avx2(work) },
        _ => work.work(),
    }
}

/// The whole number towards 0, held at ±2147483520, where NaN is the lower: in range what `as` gives, in one instruction where that
/// goes lane by lane. `[audio]`
#[inline(always)]
pub fn whole(x: f32) -> i32 {
    const END: f32 = 2_147_483_520.0; // the greatest below 2³¹
    let x = if x > -END { x } else { -END };
    let x = if x < END { x } else { END };
    // SAFETY: it is a number within the range of `i32`.
    unsafe { x.to_int_unchecked() }
}

/// A level's wrapper of a kernel, made only by [`wrap`] and [`build_wide`] of a [`Level`] that has them, and its way of doing a piece of work.
#[cfg(target_arch = "x86_64")]
macro_rules! level {
    ($name:ident, $work:ident, $features:literal) => {
        struct $name<K>(K);

        impl<L: Lanes, K: Kernel<L>> Kernel<L> for $name<K> {
            fn reset(&mut self, lanes: LaneMask, seed: Seed) {
                self.0.reset(lanes, seed);
            }

            fn process(&mut self, io: &mut Io<'_, L>) {
                #[target_feature(enable = $features)]
                fn process<L: Lanes, K: Kernel<L>>(kernel: &mut K, io: &mut Io<'_, L>) {
                    kernel.process(io);
                }
                // SAFETY: `wrap` builds this only of a `Level` of this tier, for which `Level::detect` has seen these instructions.
                unsafe { process(&mut self.0, io) }
            }

            fn tone(&self) -> Option<Tone> {
                self.0.tone()
            }

            fn go_on(&mut self, frames: usize) {
                self.0.go_on(frames);
            }

            fn at_rest(&self) -> LaneMask {
                self.0.at_rest()
            }
        }

        #[target_feature(enable = $features)]
        fn $work(work: impl Work) {
            work.work();
        }
    };
}

#[cfg(target_arch = "x86_64")]
level!(Avx2, work_avx2, "avx2,bmi1,bmi2,lzcnt,popcnt");
#[cfg(target_arch = "x86_64")]
level!(Avx512, work_avx512, "avx512f,avx512vl,avx512dq,avx512bw,bmi1,bmi2,lzcnt,popcnt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let x: [[f32; 16]; 16] = std::array::from_fn(|row| std::array::from_fn(|column| (100 * row + column) as f32));
        let over = turn_over(&x);
        assert!((0..256).all(|at| over[at % 16][at / 16] == x[at / 16][at % 16]));
    }
}
