//! Sample and hold.

use crate::dsp::edge::{Edge, high};
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed, Setting};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to take values from.");
const TRIGGER: Input =
    Input::trigger(1, "trigger", "Takes a value when it rises; in track mode follows while it is high.").normalled(NoteSource::Trigger);
const OUT: Output = Output::number(0, "out", "The value held; 0 until the first is taken.");
const MODE: Setting = Setting::choice(
    0,
    "mode",
    &["sample", "track"],
    "Whether one value is taken at each rise of the trigger, or the input is followed while it is high and held while it is low.",
);

/// The declaration.
pub static DEF: ModuleDef =
    ModuleDef::new("sample_hold", Category::Modulator, "Takes a value when it is told to and holds it.", per_voice!(SampleHold))
        .doc(
            "A moment of a signal, kept. Fed with `noise.white` and a steady pulse (`trigger = \"1/8\"`) it is the bubbling of old \
             science-fiction films; fed with an LFO a little out of step, patterns that come round slowly; with audio and an audio-rate \
             trigger a lower sample rate.\n\n\
             In `[voice.*]` the note's start triggers it, so an LFO of the global part gives each note its place: `in = \"drift\"`. \
             The value of the very frame in which the trigger rises is taken. `mode = \"track\"` follows while the trigger is high, as \
             a track-and-hold does. `slew` behind it rounds the steps.",
        )
        .inputs(&[IN, TRIGGER])
        .outputs(&[OUT])
        .settings(&[MODE]);

struct SampleHold<L: Lanes> {
    track: bool,
    edge: Edge<L>,
    value: L,
}

impl<L: Lanes> Make for SampleHold<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { track: prepare.settings.choice(MODE) == 1, edge: Edge::default(), value: L::default() }
    }
}

impl<L: Lanes> Kernel<L> for SampleHold<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.edge.reset(lanes);
        self.value = L::default().pick(lanes, self.value);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (input, trigger) = (io.input(IN), io.input(TRIGGER));
        let [out] = io.outputs();
        for (frame, out) in out.iter_mut().enumerate() {
            let now = trigger.at(frame);
            let takes = if self.track { high(now) } else { self.edge.rises(now) };
            self.value = takes.select(input.at(frame).or_zero(), self.value);
            *out = self.value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    /// The input counts frames; the trigger is high from 10 to 14 and from 20 to 22.
    fn heard(mode: usize) -> Vec<f32> {
        let mut rig = Rig::of(&DEF, 1, Level::detect(), 48_000.0, &Settings(vec![SettingValue::Choice(mode)]));
        rig.drive(IN, |time, _| time as f32);
        rig.drive(TRIGGER, |time, _| f32::from((10..15).contains(&time) || (20..23).contains(&time)));
        rig.run(30, &Cuts::Lengths(vec![7])).lane(0, 0).to_vec()
    }

    #[test]
    fn a_rise_takes_the_value_of_its_own_frame() {
        let want: Vec<f32> = (0..30).map(|t| [0.0, 10.0, 20.0][usize::from(t >= 10) + usize::from(t >= 20)]).collect();
        assert_eq!(heard(0), want);
    }

    #[test]
    fn track_follows_while_high() {
        let want: Vec<f32> = (0..30)
            .map(|t: u32| match t {
                0..10 => 0.0,
                10..15 => t as f32,
                15..20 => 14.0,
                20..23 => t as f32,
                _ => 22.0,
            })
            .collect();
        assert_eq!(heard(1), want);
    }
}
