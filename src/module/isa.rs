//! The only file that knows instruction sets: a kernel is compiled once for every level and the level is chosen at run time.

#![allow(unsafe_code)]

use super::{Io, Kernel, Make, Prepare, Seed};
use crate::dsp::lanes::{LaneMask, Lanes};

/// Instructions that this machine offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of the family has.
    Base,
    /// 256-bit vectors of x86-64.
    Avx2,
    /// 512-bit vectors of x86-64 (F, VL, DQ and BW).
    Avx512,
}

impl Level {
    /// The best this machine offers. `[control]`
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
        {
            return Self::Avx512;
        } else if is_x86_feature_detected!("avx2") {
            return Self::Avx2;
        }
        Self::Base
    }

    /// Every level this machine offers, lowest first. `[control]`
    pub fn available() -> &'static [Self] {
        match Self::detect() {
            Self::Base => &[Self::Base],
            Self::Avx2 => &[Self::Base, Self::Avx2],
            Self::Avx512 => &[Self::Base, Self::Avx2, Self::Avx512],
        }
    }
}

/// A kernel of type `K`, compiled for a level; falls to the base where the machine lacks it. `[control]`
pub fn build<L: Lanes, K: Kernel<L> + Make + 'static>(prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<L>> {
    wrap(K::make(prepare), level)
}

/// A ready kernel, compiled for a level; falls to the best that the machine has. 512-bit vectors serve sixteen lanes and more: with
/// fewer they were slower. `[control]`
pub fn wrap<L: Lanes, K: Kernel<L> + 'static>(kernel: K, level: Level) -> Box<dyn Kernel<L>> {
    match level.min(Level::detect()) {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if L::WIDTH >= 16 => Box::new(Avx512(kernel)),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => Box::new(Avx2(kernel)),
        _ => Box::new(kernel),
    }
}

/// A piece of work that is compiled for every level; its `work` is `#[inline(always)]`.
pub trait Work {
    /// Does it. `[audio]`
    fn work(self);
}

/// Does a piece of work with the instructions of a level; with the best that the machine has where it lacks them. `[audio]`
#[inline(always)]
pub fn run(level: Level, work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    match level.min(Level::detect()) {
        Level::Base => {}
        // SAFETY: `Level::detect` has seen these instructions.
        Level::Avx2 => return unsafe { work_avx2(work) },
        // SAFETY: the same.
        Level::Avx512 => return unsafe { work_avx512(work) },
    }
    let _ = level;
    work.work();
}

/// A level's wrapper of a kernel, made only by [`wrap`], which has asked the machine, and its way of doing a piece of work.
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
                // SAFETY: `wrap` builds this only where `Level::detect` has seen these instructions.
                unsafe { process(&mut self.0, io) }
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
level!(Avx2, work_avx2, "avx2");
#[cfg(target_arch = "x86_64")]
level!(Avx512, work_avx512, "avx512f,avx512vl,avx512dq,avx512bw");
