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
}

impl Level {
    /// The best this machine offers. `[control]`
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self::Avx2;
        }
        Self::Base
    }

    /// Every level this machine offers, lowest first. `[control]`
    pub fn available() -> &'static [Self] {
        match Self::detect() {
            Self::Base => &[Self::Base],
            Self::Avx2 => &[Self::Base, Self::Avx2],
        }
    }
}

/// A kernel of type `K`, compiled for a level; falls to the base where the machine lacks it. `[control]`
pub fn build<L: Lanes, K: Kernel<L> + Make + 'static>(prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<L>> {
    wrap(K::make(prepare), level)
}

/// A ready kernel, compiled for a level; falls to the base where the machine lacks it. `[control]`
pub fn wrap<L: Lanes, K: Kernel<L> + 'static>(kernel: K, level: Level) -> Box<dyn Kernel<L>> {
    match level.min(Level::detect()) {
        Level::Base => Box::new(kernel),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Box::new(Avx2(kernel)),
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2 => Box::new(kernel),
    }
}

/// A kernel whose `process` is compiled with 256-bit vectors. Made only by [`wrap`], which has asked the machine.
#[cfg(target_arch = "x86_64")]
struct Avx2<K>(K);

#[cfg(target_arch = "x86_64")]
impl<L: Lanes, K: Kernel<L>> Kernel<L> for Avx2<K> {
    fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        self.0.reset(lanes, seed);
    }

    fn process(&mut self, io: &mut Io<'_, L>) {
        #[target_feature(enable = "avx2")]
        fn process<L: Lanes, K: Kernel<L>>(kernel: &mut K, io: &mut Io<'_, L>) {
            kernel.process(io);
        }
        // SAFETY: `wrap` builds this only where `Level::detect` has seen AVX2.
        unsafe { process(&mut self.0, io) }
    }

    fn at_rest(&self) -> LaneMask {
        self.0.at_rest()
    }
}

/// A piece of work that is compiled for every level; its `work` is `#[inline(always)]`.
pub trait Work {
    /// Does it. `[audio]`
    fn work(self);
}

/// Does a piece of work with the instructions of a level; with the base's where the machine lacks them. `[audio]`
#[inline(always)]
pub fn run(level: Level, work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx2 && std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn avx2(work: impl Work) {
            work.work();
        }
        // SAFETY: AVX2 was seen on this machine in the line above.
        unsafe { avx2(work) };
        return;
    }
    let _ = level;
    work.work();
}
