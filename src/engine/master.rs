//! The last of the mixer: level, limiter, meters.

use std::sync::atomic::Ordering::Relaxed;

use super::doors::Shown;
use super::event::Mix;
use super::meter::Gauge;
use crate::base::time::BLOCK;
use crate::dsp::limiter::Limiter;
use crate::plan::ramp::LaneRamp;

/// What all slots go through.
pub struct Master {
    level: LaneRamp<f32>,
    smooth: u32,
    limiter: Limiter,
    limiting: bool,
    release: f32,
    /// Frames that were limited since the meters were shown.
    limited: u64,
    gauge: Gauge,
}

impl Master {
    /// At full level, limiting. `[control]`
    pub fn new(rate: f32) -> Self {
        let mut level = LaneRamp::default();
        level.set(0, 1.0, 0);
        Self {
            level,
            smooth: (rate * 0.005) as u32,
            limiter: Limiter::new(rate),
            limiting: true,
            release: Limiter::release_step(Limiter::RELEASE, rate),
            limited: 0,
            gauge: Gauge::default(),
        }
    }

    /// Sets level or limiter. `[audio]`
    pub fn set(&mut self, what: Mix, value: f32) {
        match what {
            Mix::Level => self.level.set(0, value, self.smooth),
            Mix::Limiter => self.limiting = value > 0.5,
            Mix::Pan | Mix::Mute | Mix::Solo => {}
        }
    }

    /// Takes some frames of the mix through it. `[audio]`
    pub fn run(&mut self, mix: &mut [[f32; BLOCK]; 2], from: usize, to: usize) {
        for at in from..to {
            let gain = if self.level.moving() { self.level.advance() } else { self.level.now() };
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
