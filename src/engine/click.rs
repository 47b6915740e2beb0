//! The metronome: a short tone at each beat, a higher one where a bar begins.

use super::beat::BeatClock;
use super::mixer::Sides;
use crate::base::time::SampleTime;

/// Tones of a beat, and of a bar's first [Hz].
const TONES: [f32; 2] = [1000.0, 1500.0];
/// A click falls to a thousandth in this time [s].
const LASTS: f32 = 0.06;
/// Its level while it counts in, where it is silent else.
const COUNT_IN: f32 = 0.5;
/// What is softer is silence.
const SILENCE: f32 = 1e-5;

/// Clicks of equal distance, and the one that sounds.
pub struct Click {
    level: f32,
    start: f64,
    step: f64,
    bar: i64,
    /// A resonator of two poles for each tone, as it rings by itself: what it has of its last frame and of the one before.
    poles: [[f32; 2]; 2],
    tone: usize,
    rings: [f32; 2],
}

impl Click {
    /// Silent, at a rate [Hz]. `[control]`
    #[allow(clippy::disallowed_methods, reason = "built off the audio thread")]
    pub fn new(rate: f32) -> Self {
        let fall = libm::powf(0.001, 1.0 / (LASTS * rate));
        let poles = TONES.map(|tone| [2.0 * fall * libm::cosf(std::f32::consts::TAU * tone / rate), -fall * fall]);
        Self { level: 0.0, start: 0.0, step: 1.0, bar: 4, poles, tone: 0, rings: [0.0; 2] }
    }

    /// Clicks at this level, as a factor, every so many beats from one on that begins a bar of so many clicks; 0: none. `[audio]`
    pub fn set(&mut self, level: f32, start: f32, step: f32, bar: u8) {
        (self.level, self.start, self.step, self.bar) = (level, f64::from(start), f64::from(step), i64::from(bar.max(1)));
    }

    /// A click begins in the next frame.
    fn strike(&mut self, level: f32, first: bool) {
        self.tone = usize::from(first);
        // Its first frame is this much, its highest about the level.
        self.rings = [0.0, level * if first { 0.19 } else { 0.13 } / self.poles[self.tone][1]];
    }

    /// Adds what clicks in some frames of the tile. `[audio]`
    pub fn run(&mut self, beat: &BeatClock, start: SampleTime, sides: &mut Sides, from: usize, to: usize) {
        let level = if beat.counts_in() && self.level == 0.0 { COUNT_IN } else { self.level };
        if level == 0.0 && self.rings == [0.0; 2] {
            return;
        }
        let next = if level == 0.0 { None } else { beat.next_pulse(start, to - from, self.start, self.step) };
        for at in from..to {
            if let Some((frame, count)) = next
                && frame == start + (at - from) as u64
            {
                self.strike(level, count.rem_euclid(self.bar) == 0);
            }
            let [now, before] = self.rings;
            let [near, far] = self.poles[self.tone];
            let sound = near * now + far * before;
            // Frame by frame, so that it ends in the same one however calls are cut.
            let silent = sound.abs() < SILENCE && now.abs() < SILENCE;
            self.rings = if silent { [0.0; 2] } else { [sound, now] };
            sides[0][at] += sound;
            sides[1][at] += sound;
        }
    }
}
