//! The reverb of fundsp.

use crate::dsp::lanes::LaneMask;
use crate::dsp::math::tame;
use crate::global_only;
use crate::module::def::Category;
use crate::module::unit::Unit;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};

const IN: Input = Input::audio(0, "in", "Signal to put in the room.").stereo();
const MIX: Input = Input::ratio(1, "mix", 0.0, 1.0, 0.3, "From the sound alone (0) to the room alone (1).").smooth_ms(10.0);
const OUT: Output = Output::audio(0, "out", "Sound and room, by `mix`.").stereo();
const ROOM: Setting = Setting::number(0, "room", 10.0, 30.0, 10.0, "Size of the room [m].");
const TIME: Setting = Setting::number(1, "time", 0.1, 60.0, 2.0, "Time in which the sound falls by 60 dB [s].");
const DAMPING: Setting = Setting::number(2, "damping", 0.0, 1.0, 0.5, "How much faster the top falls.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new(
    "reverb_fdn",
    Category::Effect,
    "A room from a network of 32 delay lines.",
    global_only!(ReverbFdn),
)
.doc(
    "A dense, unmodulated stereo room with a slow start: its first reflection comes after 36 ms. Room, time and damping are settings: \
             a change builds the room anew and fades over. For a room whose knobs turn while it rings, take `reverb`.\n\n\
             Patch a send or a whole mix to `in`: `in = \"pad * 0.3 + keys * 0.2\"`, with `mix = 1`, and add its output in `[out]`.\n\n\
             `reverb_stereo` of the library fundsp (S. Merilainen): a feedback delay network of 32 lines with a Hadamard matrix.",
)
.inputs(&[IN, MIX])
.outputs(&[OUT])
.settings(&[ROOM, TIME, DAMPING]);

/// What brings the unit's level near that of `reverb`.
const LEVEL: f32 = 2.0;

struct ReverbFdn(Unit);

impl Make for ReverbFdn {
    fn make(prepare: &Prepare<'_>) -> Self {
        let number = |setting| prepare.settings.number(setting);
        Self(Unit::reverb_stereo(number(ROOM), number(TIME), number(DAMPING), prepare))
    }
}

impl Kernel<f32> for ReverbFdn {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        if lanes.has(0) {
            self.0.reset();
        }
    }

    fn process(&mut self, io: &mut Io<'_, f32>) {
        let ((in_left, in_right), mix) = (io.pair(IN), io.input(MIX));
        let frames = io.frames();
        let [left, right] = io.outputs();
        for frame in 0..frames {
            let dry = [tame(in_left.at(frame)), tame(in_right.at(frame))];
            let mut wet = [0.0; 2];
            self.0.tick(&dry, &mut wet);
            let wet = wet.map(|x| x * LEVEL);
            let mix = mix.at(frame);
            left[frame] = dry[0] + (wet[0] - dry[0]) * mix;
            right[frame] = dry[1] + (wet[1] - dry[1]) * mix;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    #[test]
    fn the_tail_falls_in_the_time_asked_for() {
        let settings = Settings([10.0, 1.5, 0.0].map(SettingValue::Number).to_vec());
        let mut rig = Rig::of(&DEF, 1, Level::detect(), 48_000.0, &settings);
        rig.hold(MIX, 1.0).play(IN, &[1.0]);
        let take = rig.run(120_000, &Cuts::whole());
        let energy = |from: usize| take.lane(0, 0)[from..].iter().map(|x| f64::from(x * x)).sum::<f64>();
        // One second apart, 40 dB.
        let fall = 10.0 * libm::log10(energy(24_000) / energy(72_000));
        assert!((fall - 40.0).abs() < 2.0, "{fall}");
    }
}
