//! The last of the mixer: level, limiter, meters.

use std::sync::atomic::Ordering::Relaxed;

use super::doors::Shown;
use super::event::Mix;
use super::fader::Fader;
use super::meter::Gauge;
use super::pass::{Pass, Seen};
use crate::base::time::BLOCK;
use crate::dsp::limiter::Limiter;
use crate::module::isa;
use crate::plan::line::Law;

/// What all slots go through.
pub struct Master {
    level: Fader,
    smooth: u32,
    limiter: Limiter,
    limiting: bool,
    release: f32,
    /// Nothing has gone through it yet: it stands at once where it is set.
    fresh: bool,
    /// Frames that were limited since the meters were shown.
    limited: u64,
    gauge: Gauge,
    isa: isa::Level,
}

impl Master {
    /// At full level, limiting. `[control]`
    pub fn new(rate: f32) -> Self {
        Self {
            level: Fader::new(1.0, Law::Decibels),
            smooth: (rate * 0.005) as u32,
            limiter: Limiter::new(rate),
            limiting: true,
            release: Limiter::release_step(Limiter::RELEASE, rate),
            fresh: true,
            limited: 0,
            gauge: Gauge::default(),
            isa: isa::Level::detect(),
        }
    }

    /// Sets level or limiter; the level glides in so many frames, straight in dB (0: in 5 ms). `[audio]`
    pub fn set(&mut self, what: Mix, value: f32, frames: u32) {
        match what {
            Mix::Level => self.level.set(value, frames, if self.fresh { 0 } else { self.smooth }),
            Mix::Limiter => self.limiting = value > 0.5,
            Mix::Pan | Mix::Mute | Mix::Solo | Mix::Send(_) | Mix::Volume | Mix::Balance => {}
        }
    }

    /// Takes some frames of the mix through it. `[audio]`
    pub fn run(&mut self, mix: &mut [[f32; BLOCK]; 2], from: usize, to: usize) {
        self.fresh = false;
        if !self.level.moving() {
            let (gain, mut seen) = (self.level.now(), [Seen::default(); 2]);
            for (side, seen) in mix.iter_mut().zip(&mut seen) {
                isa::run(self.isa, Pass { frames: &mut side[from..to], gain, seen });
            }
            let peak = if seen[0].peak > seen[1].peak { seen[0].peak } else { seen[1].peak };
            if !self.limiting || self.limiter.passes(to - from, peak, Limiter::CEILING) {
                return (0..2).for_each(|side| self.gauge.add(side, seen[side]));
            }
            return self.run_frames(mix, from, to, |_| 1.0);
        }
        let mut level = self.level;
        self.run_frames(mix, from, to, |_| level.advance());
        self.level = level;
    }

    /// The same frame by frame, each multiplied by a gain.
    fn run_frames(&mut self, mix: &mut [[f32; BLOCK]; 2], from: usize, to: usize, mut gain: impl FnMut(usize) -> f32) {
        for at in from..to {
            let gain = gain(at);
            let [left, right] = [mix[0][at], mix[1][at]].map(|x| if x.is_finite() { x * gain } else { 0.0 });
            let frame = if self.limiting {
                let frame = self.limiter.frame(left, right, Limiter::CEILING, self.release);
                self.limited += u64::from(frame != (left, right));
                [frame.0, frame.1]
            } else {
                [left, right]
            };
            for (side, x) in frame.into_iter().enumerate() {
                mix[side][at] = x;
            }
            self.gauge.see(frame);
        }
    }

    /// Shows the meters. `[audio]`
    pub fn show(&mut self, shown: &Shown) {
        shown.limited.fetch_add(std::mem::take(&mut self.limited), Relaxed);
        self.gauge.show(&shown.meters.master);
    }
}
