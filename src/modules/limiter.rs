//! Limiter.

use crate::dsp::lanes::LaneMask;
use crate::dsp::limiter::{Limiter as Gain, peak, within};
use crate::dsp::line::Line;
use crate::dsp::math::{factor_from_decibels, tame};
use crate::global_only;
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};

const IN: Input = Input::audio(0, "in", "Signal to hold.").stereo();
const CEILING: Input = Input::decibels(1, "ceiling", -24.0, 0.0, -0.3, "Level above which nothing comes out.").smooth_ms(20.0);
const RELEASE: Input = Input::seconds(2, "release", 0.005, 2.0, 0.08, "Time in which the gain comes back by 63 percent.");
const OUT: Output = Output::audio(0, "out", "The held signal.").stereo();
const GAIN: Output = Output::number(1, "gain", "What the signal is multiplied by: 1 where it is left alone.");
const LOOKAHEAD: Setting =
    Setting::number(0, "lookahead", 0.0, 20.0, 0.0, "How far it looks ahead, which delays the sound by as much [ms].");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("limiter", Category::Effect, "Keeps a stereo signal under a ceiling.", global_only!(Limiter))
    .doc(
        "Both sides are turned down by one gain, so the picture does not move. What stays under the ceiling passes unchanged to the \
             bit. Without `lookahead` there is no delay: the gain falls at once where a peak comes, holds for 8 ms and comes back \
             within `release`. With `lookahead` it falls in a straight line before the peak arrives, which is softer on drums.\n\n\
             Patch a bus or the whole mix to `in`; for loudness, a factor above 1: `in = \"mix * 12 dB\"`. `gain` drives a meter or \
             ducks something else.\n\n\
             Look-ahead: sliding minimum of the needed gain (D. Lemire 2006), then the mean over the same stretch.",
    )
    .inputs(&[IN, CEILING, RELEASE])
    .outputs(&[OUT, GAIN])
    .settings(&[LOOKAHEAD]);

struct Limiter {
    rate: f32,
    gain: Gain,
    ahead: Option<Ahead>,
}

/// What looks ahead: the sound is delayed by as many frames as the gain is given to fall.
struct Ahead {
    frames: u64,
    left: Line,
    right: Line,
    /// Peaks that may still be the greatest of the stretch: their time and height, descending. A ring.
    peaks: Box<[(u64, f32)]>,
    first: u64,
    end: u64,
    now: u64,
    /// The gains of the stretch, in whole parts of 2³⁰ so that their sum stays exact.
    gains: Box<[u32]>,
    sum: u64,
}

const WHOLE: u32 = 1 << 30;

impl Ahead {
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "built off the audio thread")]
    fn new(frames: usize) -> Self {
        Self {
            frames: frames as u64,
            left: Line::new(frames),
            right: Line::new(frames),
            peaks: vec![(1, 0.5); frames + 2].into_boxed_slice(),
            first: 0,
            end: 0,
            now: 0,
            gains: vec![WHOLE; frames].into_boxed_slice(),
            sum: frames as u64 * u64::from(WHOLE),
        }
    }

    fn forget(&mut self) {
        self.left.forget();
        self.right.forget();
        (self.first, self.end, self.now) = (0, 0, 0);
        self.sum = self.frames * u64::from(WHOLE);
    }

    /// The greatest peak of the last `frames` + 1 frames, this one's among them.
    #[inline(always)]
    fn greatest(&mut self, peak: f32) -> f32 {
        let size = self.peaks.len() as u64;
        while self.end > self.first && self.peaks[((self.end - 1) % size) as usize].1 <= peak {
            self.end -= 1;
        }
        self.peaks[(self.end % size) as usize] = (self.now, peak);
        self.end += 1;
        if self.peaks[(self.first % size) as usize].0 + self.frames < self.now {
            self.first += 1;
        }
        self.peaks[(self.first % size) as usize].1
    }

    /// The mean of the last `frames` gains, this one among them; 1 before the start.
    #[inline(always)]
    fn mean(&mut self, gain: f32) -> f32 {
        let at = (self.now % self.frames) as usize;
        let oldest = if self.now < self.frames { WHOLE } else { self.gains[at] };
        self.gains[at] = (gain * WHOLE as f32) as u32;
        self.sum = self.sum + u64::from(self.gains[at]) - u64::from(oldest);
        self.now += 1;
        (self.sum as f64 / (self.frames * u64::from(WHOLE)) as f64) as f32
    }
}

impl Make for Limiter {
    fn make(prepare: &Prepare<'_>) -> Self {
        let frames = (prepare.settings.number(LOOKAHEAD) * 0.001 * f64::from(prepare.rate) + 0.5) as usize;
        Self { rate: prepare.rate, gain: Gain::new(prepare.rate), ahead: (frames > 0).then(|| Ahead::new(frames)) }
    }
}

impl Kernel<f32> for Limiter {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        if lanes.has(0) {
            self.gain.reset();
            if let Some(ahead) = &mut self.ahead {
                ahead.forget();
            }
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, f32>) {
        let ((in_left, in_right), ceiling, release) = (io.pair(IN), io.input(CEILING), io.input(RELEASE));
        let held_ceiling = ceiling.held().map(factor_from_decibels);
        let held_step = release.held().map(|seconds| Gain::release_step(seconds, self.rate));
        let frames = io.frames();
        let [left, right, gains] = io.outputs();
        for frame in 0..frames {
            let ceiling = match held_ceiling {
                Some(ceiling) => ceiling,
                None => factor_from_decibels(ceiling.at(frame)),
            };
            let step = match held_step {
                Some(step) => step,
                None => Gain::release_step(release.at(frame), self.rate),
            };
            let (mut l, mut r) = (tame(in_left.at(frame)), tame(in_right.at(frame)));
            let mut peak = peak(l, r);
            if let Some(ahead) = &mut self.ahead {
                peak = ahead.greatest(peak);
            }
            let mut gain = self.gain.gain(peak, ceiling, step);
            if let Some(ahead) = &mut self.ahead {
                gain = ahead.mean(gain);
                let ago = ahead.frames as u32;
                let old = (ahead.left.ago(ago), ahead.right.ago(ago));
                ahead.left.write(l);
                ahead.right.write(r);
                (l, r) = old;
            }
            left[frame] = within(l * gain, ceiling);
            right[frame] = within(r * gain, ceiling);
            gains[frame] = gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig, Take};
    use crate::module::{SettingValue, Settings};

    fn run(lookahead_ms: f64, level: f32) -> Take {
        let settings = Settings(vec![SettingValue::Number(lookahead_ms)]);
        let mut rig = Rig::of(&DEF, 1, Level::detect(), 48_000.0, &settings);
        rig.drive(IN, move |time, _| {
            let burst = if (4_800..9_600).contains(&time) { level } else { 0.2 };
            burst * libm::sin(time as f64 * 0.05) as f32
        });
        rig.run(24_000, &Cuts::whole())
    }

    #[test]
    fn under_the_ceiling_it_passes_bit_by_bit_after_its_delay() {
        for (ms, frames) in [(0.0, 0), (5.0, 240)] {
            let take = run(ms, 0.9);
            let dry = |time: usize| (if (4_800..9_600).contains(&time) { 0.9 } else { 0.2 }) * libm::sin(time as f64 * 0.05) as f32;
            for time in frames..24_000 {
                assert_eq!(take.lane(0, 0)[time], dry(time - frames), "{ms} ms, frame {time}");
            }
        }
    }

    #[test]
    fn looking_ahead_the_gain_moves_without_a_jump() {
        for (ms, jump) in [(0.0, 0.05), (5.0, 0.005)] {
            let take = run(ms, 6.0);
            let gain = take.lane(2, 0);
            let step = gain.windows(2).map(|g| (g[1] - g[0]).abs()).fold(0.0, f32::max);
            assert!(take.lane(0, 0).iter().all(|x| x.abs() <= 0.966_06));
            assert!(gain.iter().any(|g| *g < 0.17) && gain[23_999] > 0.95, "{}", gain[23_999]);
            assert!(if ms == 0.0 { step > jump } else { step < jump }, "{ms} ms: {step}");
        }
    }

    #[test]
    fn the_held_level_is_the_ceiling() {
        let take = run(5.0, 6.0);
        let top = take.lane(0, 0)[5_000..9_000].iter().fold(0.0f32, |top, x| top.max(x.abs()));
        assert!((20.0 * libm::log10f(top) + 0.3).abs() < 0.05, "{top}");
    }
}
