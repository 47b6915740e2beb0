//! Amplifier.

use crate::dsp::lanes::{LaneMask, Lanes};
use crate::module::def::Category;
use crate::module::io::Signal;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to make louder or softer.");
const LEVEL: Input = Input::ratio(1, "level", 0.0, 2.0, 1.0, "0 is silence, 1 leaves the signal as it is.").smooth_ms(10.0);
const OUT: Output = Output::audio(0, "out", "The signal at its level.");
const CURVE: Setting = Setting::choice(
    0,
    "curve",
    &["linear", "exponential"],
    "Whether the gain is the level itself, or its fourth power, which the ear takes for even steps.",
);

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("vca", Category::Mixer, "Sets the level of a signal.", per_voice!(Vca))
    .doc(
        "One gain with an input of its own, for envelopes, LFOs and hands: `in = \"osc\"`, `level = \"env\"`. A sum can multiply too \
         (`osc * env`); this one has an address, a knob that is smoothed, and a curve.\n\n\
         With `curve = \"linear\"` the gain is `level`, exactly: for envelopes that are curved already, and for tremolo. With \
         `\"exponential\"` it is `level` to the fourth power, -24 dB in the middle: for straight envelopes and for faders. A `level` that moves at \
         audio rate is amplitude modulation. Fed stereo, it runs once a side.\n\n\
         Nothing is rounded but the product, so that a level of 1 passes the signal bit by bit.",
    )
    .inputs(&[IN, LEVEL])
    .outputs(&[OUT])
    .settings(&[CURVE])
    .multiplies(|settings| if settings.choice(CURVE) == 1 { fourth } else { itself });

struct Vca<L> {
    exponential: bool,
    width: std::marker::PhantomData<fn(L)>,
}

impl<L: Lanes> Make for Vca<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { exponential: prepare.settings.choice(CURVE) == 1, width: std::marker::PhantomData }
    }
}

#[inline(always)]
fn fourth<L: Lanes>(level: L) -> L {
    let square = level * level;
    square * square
}

#[inline(always)]
fn itself<L: Lanes>(level: L) -> L {
    level
}

/// Puts out the signal by the gain that belongs to the level.
#[inline(always)]
fn amplify<L: Lanes>(out: &mut [L], input: Signal<'_, L>, level: Signal<'_, L>, gain: impl Fn(L) -> L) {
    match (input, level) {
        (Signal::Moving(input), Signal::Held(level)) => {
            let gain = gain(level);
            out.iter_mut().zip(input).for_each(|(out, x)| *out = *x * gain);
        }
        (Signal::Moving(input), Signal::Moving(level)) => {
            out.iter_mut().zip(input).zip(level).for_each(|((out, x), level)| *out = *x * gain(*level));
        }
        (Signal::Held(x), Signal::Moving(level)) => out.iter_mut().zip(level).for_each(|(out, level)| *out = x * gain(*level)),
        (Signal::Held(x), Signal::Held(level)) => out.fill(x * gain(level)),
    }
}

impl<L: Lanes> Kernel<L> for Vca<L> {
    fn reset(&mut self, _: LaneMask, _: Seed) {}

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (input, level) = (io.input(IN), io.input(LEVEL));
        let [out] = io.outputs();
        if self.exponential {
            amplify(out, input, level, fourth);
        } else {
            amplify(out, input, level, itself);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    fn gain(curve: usize, level: f32) -> f32 {
        let mut rig = Rig::of(&DEF, 1, Level::detect(), 48_000.0, &Settings(vec![SettingValue::Choice(curve)]));
        rig.hold(IN, 0.5).hold(LEVEL, level).run(1, &Cuts::whole()).lane(0, 0)[0] / 0.5
    }

    #[test]
    fn the_linear_gain_is_the_level() {
        for level in [0.0, 0.3, 1.0, 1.25, 2.0] {
            assert_eq!(gain(0, level), level);
        }
    }

    #[test]
    fn the_exponential_gain_falls_by_24_db_to_the_middle() {
        assert_eq!((gain(1, 0.0), gain(1, 1.0)), (0.0, 1.0));
        let decibels = 20.0 * libm::log10(f64::from(gain(1, 0.5)));
        assert!((decibels + 24.08).abs() < 0.01, "{decibels} dB");
    }

    #[test]
    fn a_moving_level_counts_in_its_own_frame() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        rig.drive(IN, |time, _| time as f32).drive(LEVEL, |time, _| (time % 3) as f32 * 0.5);
        let take = rig.run(300, &Cuts::whole());
        assert!(take.lane(0, 0).iter().enumerate().all(|(time, x)| *x == time as f32 * ((time % 3) as f32 * 0.5)));
    }
}
