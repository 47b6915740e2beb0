//! Four signals into one.

use std::marker::PhantomData;

use crate::dsp::lanes::{LaneMask, Lanes};
use crate::module::def::Category;
use crate::module::io::Signal;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed};
use crate::per_voice;

const IN_1: Input = Input::audio(0, "in1", "First signal, mono or stereo.").stereo();
const IN_2: Input = Input::audio(1, "in2", "Second signal, mono or stereo.").stereo();
const IN_3: Input = Input::audio(2, "in3", "Third signal, mono or stereo.").stereo();
const IN_4: Input = Input::audio(3, "in4", "Fourth signal, mono or stereo.").stereo();
const LEVEL_1: Input = Input::ratio(4, "level1", 0.0, 2.0, 1.0, "Gain of the first signal.").smooth_ms(10.0);
const LEVEL_2: Input = Input::ratio(5, "level2", 0.0, 2.0, 1.0, "Gain of the second signal.").smooth_ms(10.0);
const LEVEL_3: Input = Input::ratio(6, "level3", 0.0, 2.0, 1.0, "Gain of the third signal.").smooth_ms(10.0);
const LEVEL_4: Input = Input::ratio(7, "level4", 0.0, 2.0, 1.0, "Gain of the fourth signal.").smooth_ms(10.0);
const PAN_1: Input = Input::ratio(8, "pan1", -1.0, 1.0, 0.0, "Place of the first signal: -1 left, 1 right.").smooth_ms(10.0);
const PAN_2: Input = Input::ratio(9, "pan2", -1.0, 1.0, 0.0, "Place of the second signal: -1 left, 1 right.").smooth_ms(10.0);
const PAN_3: Input = Input::ratio(10, "pan3", -1.0, 1.0, 0.0, "Place of the third signal: -1 left, 1 right.").smooth_ms(10.0);
const PAN_4: Input = Input::ratio(11, "pan4", -1.0, 1.0, 0.0, "Place of the fourth signal: -1 left, 1 right.").smooth_ms(10.0);
const OUT: Output = Output::audio(0, "out", "The sum.").stereo();

const CHANNELS: [(Input, Input, Input); 4] = [(IN_1, LEVEL_1, PAN_1), (IN_2, LEVEL_2, PAN_2), (IN_3, LEVEL_3, PAN_3), (IN_4, LEVEL_4, PAN_4)];

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("mixer4", Category::Mixer, "Four signals, each at a level and a place, into one.", per_voice!(Mixer))
    .doc(
        "A small desk: each of four signals has a level and a place that can be turned, patched and mapped. A sum does the same in \
         writing (`in = \"kick * 0.8 + hat * 0.3\"`); this one has knobs.\n\n\
         A pan works as the rack's: in the middle both sides are heard whole, turned to one side the other fades in a straight line. \
         A mono signal stands in the middle, a stereo one keeps its sides. For equal power put a `pan` before it. What is not connected costs nothing.\n\n\
         The signals are added in their order.",
    )
    .inputs(&[IN_1, IN_2, IN_3, IN_4, LEVEL_1, LEVEL_2, LEVEL_3, LEVEL_4, PAN_1, PAN_2, PAN_3, PAN_4])
    .outputs(&[OUT]);

struct Mixer<L>(PhantomData<fn(L)>);

impl<L: Lanes> Make for Mixer<L> {
    fn make(_: &Prepare<'_>) -> Self {
        Self(PhantomData)
    }
}

/// Gain of one side: `toward` is 1 for the left, which fades as the pan goes right, and −1 for the right.
#[inline(always)]
fn gain<L: Lanes>(level: L, pan: L, toward: f32) -> L {
    level.zip(pan, |level, pan| {
        let away = pan * toward;
        level * if away > 0.0 { 1.0 - away } else { 1.0 }
    })
}

/// Adds one side of one signal.
#[inline(always)]
fn add<L: Lanes>(out: &mut [L], input: Signal<'_, L>, level: Signal<'_, L>, pan: Signal<'_, L>, toward: f32) {
    // Nothing that is added to a sum that began with +0 leaves it bit by bit.
    if input.held().is_some_and(|x| x == L::splat(0.0)) {
        return;
    }
    match (input, level, pan) {
        (Signal::Moving(input), Signal::Held(level), Signal::Held(pan)) => {
            let gain = gain(level, pan, toward);
            out.iter_mut().zip(input).for_each(|(out, x)| *out += *x * gain);
        }
        _ => out.iter_mut().enumerate().for_each(|(frame, out)| *out += input.at(frame) * gain(level.at(frame), pan.at(frame), toward)),
    }
}

impl<L: Lanes> Kernel<L> for Mixer<L> {
    fn reset(&mut self, _: LaneMask, _: Seed) {}

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let channels = CHANNELS.map(|(input, level, pan)| (io.pair(input), io.input(level), io.input(pan)));
        let [left, right] = io.outputs();
        left.fill(L::default());
        right.fill(L::default());
        for ((in_left, in_right), level, pan) in channels {
            add(left, in_left, level, pan, 1.0);
            add(right, in_right, level, pan, -1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig};

    #[test]
    fn each_signal_has_its_own_level() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        for (number, (input, level, _)) in CHANNELS.into_iter().enumerate() {
            let tens = 10f32.powi(number as i32);
            rig.drive_side(input, 0, move |_, _| tens).drive_side(input, 1, move |_, _| 2.0 * tens).hold(level, 0.5);
        }
        let take = rig.hold(LEVEL_3, 2.0).run(100, &Cuts::whole());
        assert!(take.lane(0, 0).iter().all(|x| *x == 0.5 + 5.0 + 200.0 + 500.0));
        assert!(take.lane(1, 0).iter().all(|x| *x == 1.0 + 10.0 + 400.0 + 1_000.0));
    }

    #[test]
    fn a_place_fades_the_other_side_alone() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        for (pan, left, right) in [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (-1.0, 1.0, 0.0), (0.25, 0.75, 1.0), (-0.5, 1.0, 0.5)] {
            let take = rig.hold(IN_2, 1.0).hold(PAN_2, pan).run(1, &Cuts::whole());
            assert_eq!((take.lane(0, 0)[0], take.lane(1, 0)[0]), (left, right), "{pan}");
        }
    }
}
