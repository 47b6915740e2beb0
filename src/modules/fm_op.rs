//! Operator of frequency modulation.

use crate::dsp::ints::Ints;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::dsp::math::{cos_of_place, tame};
use crate::dsp::phase::TURN;
use crate::module::def::Category;
use crate::module::isa::whole;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed};
use crate::per_voice;

const PITCH: Input = Input::pitch(0, "pitch", "Pitch, of which `ratio` makes the operator's own.").normalled(NoteSource::Pitch);
const FM: Input = Input::audio(1, "fm", "What modulates it: the frequency is its own times 1 + index * fm, and may turn back.");
const RATIO: Input = Input::ratio(2, "ratio", 0.0, 64.0, 1.0, "Own frequency as a multiple of the pitch.").smooth_ms(5.0);
const INDEX: Input = Input::ratio(3, "index", 0.0, 64.0, 1.0, "How far `fm` moves it.").smooth_ms(5.0);
const FEEDBACK: Input =
    Input::ratio(4, "feedback", 0.0, 1.0, 0.0, "How far it modulates itself: at 1 its output moves its phase by a quarter turn.").smooth_ms(5.0);
const LEVEL: Input = Input::ratio(5, "level", 0.0, 1.0, 1.0, "Level of the output; an envelope's place.").smooth_ms(5.0);
const OUT: Output = Output::audio(0, "out", "The sine, modulated.");

/// The declaration.
pub static DEF: ModuleDef =
    ModuleDef::new("fm_op", Category::Source, "Sine operator with frequency modulation and feedback.", per_voice!(FmOp))
        .doc(
            "One operator of an FM synthesizer. Two make a sound: `fm = \"modulator\"` on the carrier, an envelope on the modulator's \
             `level`, and the brightness moves with it. Chains of four or six, each with its own `ratio` and envelope, are electric pianos, \
             bells, brass and basses. Whole ratios are harmonic, others bells and metal. In `[voice.*]` it plays the note.\n\n\
             It is true frequency modulation through zero: of a modulator at the operator's own frequency and full level, `index` is the \
             modulation index of the books, and sidebands have the levels of its Bessel functions; of another it is that index times the \
             modulator's frequency over the operator's. `feedback` bends the sine towards a saw, at the end towards noise; the mean of the \
             last two frames goes round, so that it does not tremble. `level` counts before the feedback, as it does for what the operator \
             modulates.\n\n\
             Sidebands beyond half the sample rate fold back, as in every digital FM synthesizer: at high notes keep `index` low.\n\n\
             J. Chowning, *The Synthesis of Complex Audio Spectra by Means of Frequency Modulation*, 1973; feedback after N. Tomisawa, US \
             patent 4249447, 1981.",
        )
        .inputs(&[PITCH, FM, RATIO, INDEX, FEEDBACK, LEVEL])
        .outputs(&[OUT]);

/// Steps in a quarter turn: the sine is read as a cosine a quarter turn late.
const QUARTER: i32 = 1 << 30;

struct FmOp<L> {
    /// Steps of the phase a frame and Hz.
    per_hertz: L,
    /// A quarter turn behind the sine's.
    phase: Ints<L>,
    /// The last two frames.
    last: [L; 2],
}

impl<L: Lanes> Make for FmOp<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { per_hertz: L::splat(TURN / prepare.rate), phase: Ints::splat(-QUARTER), last: [L::default(); 2] }
    }
}

/// Whole steps; beyond half a turn it is held there.
#[inline(always)]
fn steps<L: Lanes>(x: L) -> Ints<L> {
    Ints::from_lanes(x, whole)
}

impl<L: Lanes> Kernel<L> for FmOp<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.phase = Ints::splat(-QUARTER).pick(lanes, self.phase);
        self.last = self.last.map(|frame| L::default().pick(lanes, frame));
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (pitch, fm, ratio) = (io.input(PITCH), io.input(FM), io.input(RATIO));
        let (index, feedback, level) = (io.input(INDEX), io.input(FEEDBACK), io.input(LEVEL));
        let frames = io.frames();
        let [out] = io.outputs();
        let turns_back = feedback.held().is_none_or(|feedback| feedback.gt(L::default()).any());
        let mut phase = self.phase;
        let [mut last, mut before] = self.last;
        if let (Some(pitch), Some(ratio), Some(index), false) = (pitch.held(), ratio.held(), index.held(), turns_back) {
            let own = pitch * ratio * self.per_hertz;
            let swing = own * index;
            if let Some(fm) = fm.held() {
                let step = steps(own + swing * fm);
                for frame in 0..frames {
                    // Whole numbers: alone in its register, the frames are worked out side by side.
                    let place = if L::WIDTH == 1 { self.phase.plus(step.times(frame as i32)) } else { phase };
                    out[frame] = place.to_lanes(cos_of_place) * level.at(frame);
                    phase = place.plus(step);
                }
            } else {
                for frame in 0..frames {
                    out[frame] = phase.to_lanes(cos_of_place) * level.at(frame);
                    phase = phase.plus(steps(own + swing * fm.at(frame)));
                }
            }
            before = if frames > 1 { out[frames - 2] } else { last };
            last = out[frames - 1];
        } else {
            for frame in 0..frames {
                let mut place = phase;
                if turns_back {
                    // Half of a quarter turn for each of the two.
                    let moved = ((last + before) * feedback.at(frame)).map(|x| tame(x) * (0.5 * QUARTER as f32));
                    place = place.plus(steps(moved));
                }
                let y = place.to_lanes(cos_of_place) * level.at(frame);
                out[frame] = y;
                before = last;
                last = y;
                let own = pitch.at(frame) * ratio.at(frame) * self.per_hertz;
                phase = phase.plus(steps(own + own * index.at(frame) * fm.at(frame)));
            }
        }
        self.phase = phase;
        self.last = [last, before];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::measure::{alias, amplitude, cents};
    use crate::module::rig::{Cuts, Rig};

    const RATE: f32 = 48_000.0;

    fn rig(hertz: f32) -> Rig {
        let mut rig = Rig::new(&DEF, RATE);
        rig.hold(PITCH, hertz);
        rig
    }

    /// Bessel function of the first kind, by its series.
    fn bessel(order: i32, x: f64) -> f64 {
        let mut term = (1..=order).fold(1.0, |term, k| term * x / 2.0 / f64::from(k));
        let mut sum = term;
        for k in 1..60 {
            term *= -(x / 2.0) * (x / 2.0) / f64::from(k) / f64::from(k + order);
            sum += term;
        }
        sum
    }

    #[test]
    fn it_is_a_clean_sine_at_ratio_times_pitch() {
        for (ratio, level) in [(1.0, 1.0), (2.0, 0.5), (0.5, 0.25), (3.5, 1.0)] {
            let take = rig(997.0).hold(RATIO, ratio).hold(LEVEL, level).run(65_536, &Cuts::whole());
            let (sine, hertz) = (take.lane(0, 0), 997.0 * f64::from(ratio));
            assert!(cents(sine, 48_000.0, hertz).abs() < 0.000_5, "ratio {ratio}");
            assert!((amplitude(sine, 48_000.0, hertz) / f64::from(level) - 1.0).abs() < 1e-4, "ratio {ratio}");
            assert!(alias(sine, 48_000.0, hertz, 1).total < -125.0, "ratio {ratio}");
        }
    }

    #[test]
    fn sidebands_have_the_levels_of_bessel_functions() {
        // A carrier of 10 kHz and a modulator of 100 Hz: of its frequency, the deviation is a hundredth of the index.
        for beta in [0.5, 1.0, 2.404_825_6, 5.0] {
            let mut rig = rig(10_000.0);
            rig.hold(INDEX, (beta / 100.0) as f32).drive(FM, |time, _| libm::cos(std::f64::consts::TAU * (time % 480) as f64 / 480.0) as f32);
            rig.run(4_800, &Cuts::whole());
            let take = rig.run(48_000, &Cuts::whole());
            for order in 0..8 {
                for side in [-1.0, 1.0] {
                    let level = amplitude(take.lane(0, 0), 48_000.0, 10_000.0 + side * 100.0 * f64::from(order));
                    let want = bessel(order, beta).abs();
                    assert!((level - want).abs() < 2e-3, "index {beta}, order {order}: {level}, not {want}");
                }
            }
        }
    }

    #[test]
    fn modulation_through_zero_keeps_the_pitch() {
        let mut rig = rig(500.0);
        rig.hold(INDEX, 3.0).drive(FM, |time, _| libm::sin(std::f64::consts::TAU * (time % 96) as f64 / 96.0) as f32);
        rig.run(4_800, &Cuts::whole());
        let take = rig.run(65_536, &Cuts::whole());
        let rest = alias(take.lane(0, 0), 48_000.0, 500.0, usize::MAX);
        assert!(rest.worst < -100.0, "{rest:?}");
    }

    #[test]
    fn feedback_makes_harmonics_that_fall_like_those_of_a_saw() {
        // A low tone, for which the frame and a half that the loop takes are nothing.
        let hertz = 55.37;
        let mut rig = rig(hertz as f32);
        rig.hold(FEEDBACK, std::f32::consts::FRAC_2_PI); // an index of 1
        rig.run(4_800, &Cuts::whole());
        let take = rig.run(65_536, &Cuts::whole());
        let wave = take.lane(0, 0);
        for order in 1..6 {
            // y = sin(x + y) has the harmonics 2 J_k(k) / k (as Kepler's equation).
            let k = f64::from(order);
            let want = 2.0 * bessel(order, k).abs() / k;
            let level = amplitude(wave, 48_000.0, hertz * k);
            assert!((level / want - 1.0).abs() < 0.05, "harmonic {order}: {level}, not {want}");
        }
        assert!(cents(wave, 48_000.0, hertz).abs() < 0.01);
    }

    #[test]
    fn it_stays_within_its_level_at_every_extreme() {
        for feedback in [0.0, 0.5, 1.0] {
            let mut rig = rig(24_000.0);
            rig.hold(RATIO, 64.0).hold(INDEX, 64.0).hold(FEEDBACK, feedback).hold(LEVEL, 0.5);
            rig.drive(FM, |time, _| if time % 7 < 3 { 1e9 } else { -3.0 });
            let take = rig.run(4_800, &Cuts::whole());
            assert!(take.lane(0, 0).iter().all(|x| x.abs() <= 0.5), "feedback {feedback}");
        }
    }
}
