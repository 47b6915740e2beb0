//! Slew limiter.

use crate::dsp::contour::Level;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::dsp::math::one_minus_exp;
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to follow.");
const RISE: Input =
    Input::seconds(1, "rise", 0.0, 60.0, 0.05, "Upwards: seconds for a way of 1 (linear), or for 63 % of any way (exponential).");
const FALL: Input = Input::seconds(2, "fall", 0.0, 60.0, 0.05, "Downwards: as rise.");
const OUT: Output = Output::number(0, "out", "What follows.");
const CURVE: Setting =
    Setting::choice(0, "curve", &["linear", "exponential"], "A constant pace, or one in proportion to what is left of the way.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("slew", Category::Envelope, "Follows a signal no faster than it may.", per_voice!(Slew))
    .doc(
        "Takes the steps out of what steps. Between a sequencer or a `sample_hold` and a pitch it is glide; behind a gate it is a \
             simple envelope; behind a rectified signal an envelope follower; behind `noise.brown` slow drift.\n\n\
             `rise` and `fall` are separate, so a quick rise with a slow fall makes pings out of gates. With `curve = \"linear\"` a \
             time is what a way of 1 takes: an octave of pitch, a whole gate. With `\"exponential\"` every way takes as long, as in an \
             RC circuit: after the time 63 % of it is done. At 0 it follows at once. It starts where its input is, so a new note does \
             not slide in from 0.",
    )
    .inputs(&[IN, RISE, FALL])
    .outputs(&[OUT])
    .settings(&[CURVE]);

struct Slew<L: Lanes> {
    rate: f32,
    exponential: bool,
    level: Level<L>,
    started: L::Mask,
}

impl<L: Lanes> Make for Slew<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { rate: prepare.rate, exponential: prepare.settings.choice(CURVE) == 1, level: Level::default(), started: L::Mask::default() }
    }
}

impl<L: Lanes> Slew<L> {
    /// The most it may go in a frame, or the part of the way.
    #[inline(always)]
    fn pace(&self, seconds: L) -> L {
        let (rate, exponential) = (self.rate, self.exponential);
        seconds.map(|seconds| {
            let frames = seconds * rate;
            let frames = if frames > 1e-6 { frames } else { 1e-6 };
            if exponential { one_minus_exp(1.0 / frames) } else { 1.0 / frames }
        })
    }
}

impl<L: Lanes> Kernel<L> for Slew<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.level.reset(lanes);
        self.started = self.started.and(L::Mask::from_lanes(lanes).not());
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (input, rise, fall) = (io.input(IN), io.input(RISE), io.input(FALL));
        let still = rise.held().is_some() && fall.held().is_some();
        let (mut up, mut down) = (self.pace(rise.at(0)), self.pace(fall.at(0)));
        let [out] = io.outputs();
        for (frame, out) in out.iter_mut().enumerate() {
            if !still && frame > 0 {
                (up, down) = (self.pace(rise.at(frame)), self.pace(fall.at(frame)));
            }
            let x = input.at(frame).or_zero();
            self.level.put(self.started.not(), x);
            self.started = L::Mask::from_lanes(LaneMask::ALL);
            let way = x - self.level.at();
            if self.exponential {
                self.level.step(way * way.gt(L::splat(0.0)).select(up, down));
            } else {
                let step = way.zip3(up, down, |way, up, down| {
                    let way = if way < up { way } else { up };
                    if way > -down { way } else { -down }
                });
                self.level.step(step);
                // Rounding must not keep it from arriving.
                let there = way.lt(up).and(way.gt(-down));
                self.level.put(there, x);
            }
            *out = self.level.at();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level as Isa;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    fn rig(curve: usize) -> Rig {
        let mut rig = Rig::of(&DEF, 1, Isa::detect(), 48_000.0, &Settings(vec![SettingValue::Choice(curve)]));
        rig.hold(RISE, 0.1).hold(FALL, 0.02);
        rig
    }

    #[test]
    fn a_way_of_one_takes_its_time_and_ends_exactly() {
        let mut rig = rig(0);
        rig.drive(IN, |time, _| if (1_000..11_000).contains(&time) { 2.0 } else { 1.0 });
        let take = rig.run(20_000, &Cuts::whole());
        let out = take.lane(0, 0);
        assert_eq!(out[0], 1.0, "it starts where its input is");
        let up = out.iter().position(|x| *x == 2.0).expect("it arrives") - 1_000 + 1;
        let down = out[11_000..].iter().position(|x| *x == 1.0).expect("it returns") + 1;
        assert!(up.abs_diff(4_800) <= 1 && down.abs_diff(960) <= 1, "{up} up, {down} down");
    }

    #[test]
    fn an_exponential_way_is_done_to_63_percent_after_its_time() {
        let mut rig = rig(1);
        rig.drive(IN, |time, _| if (1_000..50_000).contains(&time) { 5.0 } else { 0.0 });
        let take = rig.run(60_000, &Cuts::whole());
        let out = take.lane(0, 0);
        let covered = f64::from(out[1_000 + 4_799]) / 5.0;
        assert!((covered - 0.632_12).abs() < 1e-4, "{covered}");
        let left = f64::from(out[50_000 + 959] / out[49_999]);
        assert!((left - 0.367_88).abs() < 1e-4, "{left}");
    }

    #[test]
    fn a_time_of_0_follows_at_once() {
        for curve in [0, 1] {
            let mut rig = rig(curve);
            rig.hold(RISE, 0.0).hold(FALL, 0.0).drive(IN, |time, _| (time as f32 * 0.7).sin());
            let take = rig.run(500, &Cuts::whole());
            for (time, x) in take.lane(0, 0).iter().enumerate() {
                assert!((x - (time as f32 * 0.7).sin()).abs() < 1e-6);
            }
        }
    }
}
