//! Place between left and right.

use std::marker::PhantomData;

use crate::dsp::lanes::{LaneMask, Lanes};
use crate::dsp::math::{LaneMath, sin_turn};
use crate::module::def::Category;
use crate::module::io::put_sixteen;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Signal};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to place; a stereo signal keeps its sides, each at its own gain.").stereo();
const PAN: Input = Input::ratio(1, "pan", -1.0, 1.0, 0.0, "Place: -1 left, 0 the middle, 1 right.").smooth_ms(10.0);
const OUT: Output = Output::audio(0, "out", "The placed signal.").stereo();

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("pan", Category::Mixer, "Places a signal between left and right.", per_voice!(Pan))
    .doc(
        "Equal power: the gains of the two sides are a cosine and a sine, so a sound keeps its loudness while it travels, and stands \
         at -3 dB on both sides in the middle. A stereo signal is balanced: the side it is turned away from fades.\n\n\
         Patch `note.pan`, `note.random` with a depth, or an LFO to `pan`: `pan = \"lfo.triangle * 0.5\"`. It may be moved at audio rate.",
    )
    .inputs(&[IN, PAN])
    .outputs(&[OUT]);

struct Pan<L>(PhantomData<fn(L)>);

impl<L: Lanes> Make for Pan<L> {
    fn make(_: &Prepare<'_>) -> Self {
        Self(PhantomData)
    }
}

/// Gains of left and right.
#[inline(always)]
fn gains<L: Lanes>(pan: L) -> (L, L) {
    let pan = pan.clamp(-1.0, 1.0);
    (pan.map(|x| sin_turn(0.125 - 0.125 * x)), pan.map(|x| sin_turn(0.125 + 0.125 * x)))
}

impl<L: Lanes> Kernel<L> for Pan<L> {
    fn reset(&mut self, _: LaneMask, _: Seed) {}

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let ((in_left, in_right), pan) = (io.pair(IN), io.input(PAN));
        let frames = io.frames();
        let [left, right] = io.outputs();
        if L::WIDTH == 1 {
            let (mut gain_left, mut gain_right) = gains(pan.sixteen(0));
            for from in (0..frames).step_by(16) {
                if from > 0 && pan.held().is_none() {
                    (gain_left, gain_right) = gains(pan.sixteen(from));
                }
                put_sixteen(&(in_left.sixteen(from).tame() * gain_left), &mut left[from..]);
                put_sixteen(&(in_right.sixteen(from).tame() * gain_right), &mut right[from..]);
            }
            return;
        }
        let held = match pan {
            Signal::Held(pan) => Some(gains(pan)),
            Signal::Moving(_) => None,
        };
        for frame in 0..frames {
            let (gain_left, gain_right) = match held {
                Some(gains) => gains,
                None => gains(pan.at(frame)),
            };
            left[frame] = in_left.at(frame).tame() * gain_left;
            right[frame] = in_right.at(frame).tame() * gain_right;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig};

    fn gains_at(pan: f32) -> (f32, f32) {
        let mut rig = Rig::new(&DEF, 48_000.0);
        let take = rig.hold(IN, 1.0).hold(PAN, pan).run(1, &Cuts::whole());
        (take.lane(0, 0)[0], take.lane(1, 0)[0])
    }

    #[test]
    fn power_is_equal_everywhere() {
        for step in -10..=10i8 {
            let (left, right) = gains_at(f32::from(step) / 10.0);
            assert!((left * left + right * right - 1.0).abs() < 1e-6, "{step}: {left} {right}");
        }
    }

    #[test]
    fn the_middle_is_at_minus_3_db_and_the_ends_are_silent() {
        let (left, right) = gains_at(0.0);
        assert_eq!(left, right);
        assert!((left - 0.5f32.sqrt()).abs() < 1e-6);
        assert_eq!(gains_at(-1.0).1, 0.0);
        assert_eq!(gains_at(1.0).0, 0.0);
    }
}
