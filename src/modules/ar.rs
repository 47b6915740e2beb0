//! Envelope of two stages.

use crate::dsp::contour::{BELOW, Level, TOP, attack_part, fall_part, frames};
use crate::dsp::edge::Edge;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed, Setting};
use crate::per_voice;

const GATE: Input = Input::gate(0, "gate", "Rises, stays at 1 while high, falls after it.").normalled(NoteSource::Gate);
const TRIGGER: Input = Input::trigger(1, "trigger", "Rises to 1 and falls, however short the pulse.").normalled(NoteSource::Trigger);
const ATTACK: Input = Input::seconds(2, "attack", 0.0, 60.0, 0.002, "Time from 0 to 1.");
const RELEASE: Input = Input::seconds(3, "release", 0.0, 60.0, 0.3, "Time from 1 to 0.");
const OUT: Output = Output::number(0, "out", "The envelope, 0..1.");
const MODE: Setting = Setting::choice(
    0,
    "mode",
    &["gate", "trigger"],
    "Whether it stays up while the gate is high, or only the gate's rise counts and each hit runs its whole course.",
);
const CURVE: Setting =
    Setting::choice(1, "curve", &["exponential", "linear"], "Shape of the stages: as a capacitor charges, or straight lines.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("ar", Category::Envelope, "Attack and release: drums, plucks, swells.", per_voice!(Ar))
    .doc(
        "The envelope for what is struck. In `[voice.*]` the note plays it, and the voice sounds until it has ended.\n\n\
             For a drum set `mode = \"trigger\"`: every hit rises to 1 and falls whatever the length of the note, and a pulse of one \
             frame is enough: `trigger = \"keys.C2\"`, `trigger = \"1/4\"`. With `mode = \"gate\"` it is an organ's envelope: up \
             while the gate is high. There too a trigger while the gate is low is a hit. A new hit rises from where the old one is, so \
             that nothing clicks. `out * 2 oct` in the sum of an oscillator's `pitch` is a kick's drop.\n\n\
             The curves are those of `adsr`: the attack aims at 1.29 and is cut at 1, the release falls by 60 dB in its time and ends \
             at exactly 0. Straight lines take their time for the whole way and less for a part of it.",
    )
    .inputs(&[GATE, TRIGGER, ATTACK, RELEASE])
    .outputs(&[OUT])
    .settings(&[MODE, CURVE])
    .envelope();

struct Ar<L: Lanes> {
    rate: f32,
    one_shot: bool,
    linear: bool,
    gate: Edge<L>,
    trigger: Edge<L>,
    level: Level<L>,
    attacking: L::Mask,
}

impl<L: Lanes> Make for Ar<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self {
            rate: prepare.rate,
            one_shot: prepare.settings.choice(MODE) == 1,
            linear: prepare.settings.choice(CURVE) == 1,
            gate: Edge::default(),
            trigger: Edge::default(),
            level: Level::default(),
            attacking: L::Mask::default(),
        }
    }
}

impl<L: Lanes> Ar<L> {
    /// What attack and release say each frame: parts of the way, or steps.
    #[inline(always)]
    fn pace(&self, attack: L, release: L) -> (L, L) {
        let (attack, release) = (frames(attack, self.rate), frames(release, self.rate));
        if self.linear { (L::splat(1.0) / attack, L::splat(-1.0) / release) } else { (attack_part(attack), fall_part(release)) }
    }
}

impl<L: Lanes> Ar<L> {
    /// Frames of a curve while gates stand and times hold: the same numbers, with the state in registers.
    #[inline(always)]
    fn coast(&mut self, rise: L, fall: L, out: &mut [L]) {
        let (zero, half, one) = (L::splat(0.0), L::splat(0.5), L::splat(1.0));
        let held = if self.one_shot { L::Mask::default() } else { self.gate.is_high() };
        let (mut level, mut attacking) = (self.level, self.attacking);
        for out in out {
            let at = level.at();
            let (up, down) = ((L::splat(TOP) - at) * rise, (L::splat(-BELOW) - at) * fall);
            let step = attacking.select(up, held.select(zero, down));
            level.step(step);
            let reached = attacking.and((level.at() + step * half).lt(one).not());
            level.put(reached, one);
            let falling = attacking.or(held).not();
            level.put(falling.and((level.at() + step * half).gt(zero).not()), zero);
            attacking = attacking.and(reached.not());
            *out = level.at();
        }
        (self.level, self.attacking) = (level, attacking);
    }
}

impl<L: Lanes> Kernel<L> for Ar<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.gate.reset(lanes);
        self.trigger.reset(lanes);
        self.level.reset(lanes);
        self.attacking = self.attacking.and(L::Mask::from_lanes(lanes).not());
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (gate, trigger) = (io.input(GATE), io.input(TRIGGER));
        let (attack, release) = (io.input(ATTACK), io.input(RELEASE));
        let still = attack.held().is_some() && release.held().is_some();
        let (mut rise, mut fall) = self.pace(attack.at(0), release.at(0));
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let [out] = io.outputs();
        let gates_still = gate.held().is_some() && trigger.held().is_some();
        for frame in 0..out.len() {
            if frame > 0 && still && gates_still && !self.linear {
                return self.coast(rise, fall, &mut out[frame..]);
            }
            if !still && frame > 0 {
                (rise, fall) = self.pace(attack.at(frame), release.at(frame));
            }
            let was_high = self.gate.is_high();
            let starts = self.gate.rises(gate.at(frame)).or(self.trigger.rises(trigger.at(frame)));
            let mut held = self.gate.is_high();
            if self.one_shot {
                held = L::Mask::default();
            } else {
                // A gate that falls early ends the attack.
                self.attacking = self.attacking.and(was_high.and(held.not()).not());
            }
            self.attacking = self.attacking.or(starts);
            let at = self.level.at();
            let (up, down) = if self.linear { (rise, fall) } else { ((L::splat(TOP) - at) * rise, (L::splat(-BELOW) - at) * fall) };
            let step = self.attacking.select(up, held.select(zero, down));
            self.level.step(step);
            // An end is reached in the frame nearest to it.
            let half = step * L::splat(0.5);
            let reached = self.attacking.and((self.level.at() + half).lt(one).not());
            self.level.put(reached, one);
            let falling = self.attacking.or(held).not();
            self.level.put(falling.and((self.level.at() + half).gt(zero).not()), zero);
            self.attacking = self.attacking.and(reached.not());
            out[frame] = self.level.at();
        }
    }

    fn at_rest(&self) -> LaneMask {
        let held = if self.one_shot { L::Mask::default() } else { self.gate.is_high() };
        held.or(self.attacking).or(self.level.at().gt(L::splat(0.0))).not().lanes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level as Isa;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    fn rig(mode: usize, curve: usize) -> Rig {
        let settings = Settings(vec![SettingValue::Choice(mode), SettingValue::Choice(curve)]);
        let mut rig = Rig::of(&DEF, 1, Isa::detect(), 48_000.0, &settings);
        rig.hold(ATTACK, 0.005).hold(RELEASE, 0.1);
        rig
    }

    fn peak_and_end(out: &[f32], start: usize) -> (usize, usize) {
        let peak = out.iter().position(|x| *x == 1.0).expect("it reaches 1");
        let end = peak + out[peak..].iter().position(|x| *x == 0.0).expect("it ends");
        (peak - start + 1, end - peak)
    }

    #[test]
    fn a_trigger_of_one_frame_runs_the_whole_course_in_both_modes() {
        for mode in [0, 1] {
            for curve in [0, 1] {
                let mut rig = rig(mode, curve);
                rig.drive(TRIGGER, |time, _| f32::from(time == 123));
                let take = rig.run(10_000, &Cuts::whole());
                let out = take.lane(0, 0);
                assert!(out[..123].iter().all(|x| *x == 0.0) && out[123] > 0.001);
                let (attack, release) = peak_and_end(out, 123);
                assert!(attack.abs_diff(240) <= 1 && release.abs_diff(4_800) <= 1, "{mode} {curve}: {attack}, {release} frames");
                assert!(rig.at_rest().has(0));
            }
        }
    }

    #[test]
    fn a_gate_holds_it_up_or_counts_as_a_hit_by_mode() {
        let gate = |time: u64, _: usize| f32::from((100..20_000).contains(&time));
        let mut held = rig(0, 0);
        held.drive(GATE, gate);
        let take = held.run(19_000, &Cuts::whole());
        assert!(take.lane(0, 0)[400..].iter().all(|x| *x == 1.0));
        assert!(!held.at_rest().has(0));
        let mut hit = rig(1, 0);
        hit.drive(GATE, gate);
        let take = hit.run(19_000, &Cuts::whole());
        assert_eq!(take.lane(0, 0)[18_999], 0.0);
        assert!(hit.at_rest().has(0));
    }

    #[test]
    fn a_gate_that_falls_early_ends_the_attack_in_gate_mode_alone() {
        for (mode, reaches) in [(0, false), (1, true)] {
            let mut rig = rig(mode, 1);
            // A note: gate and trigger rise together.
            rig.drive(GATE, |time, _| f32::from(time < 100)).drive(TRIGGER, |time, _| f32::from(time == 0));
            let take = rig.run(10_000, &Cuts::whole());
            let top = take.lane(0, 0).iter().copied().fold(0.0, f32::max);
            assert_eq!(top == 1.0, reaches, "mode {mode}: top {top}");
        }
    }

    #[test]
    fn a_second_hit_rises_from_where_the_first_is() {
        let mut rig = rig(1, 0);
        rig.drive(TRIGGER, |time, _| f32::from(time % 2_000 == 0));
        let take = rig.run(8_000, &Cuts::whole());
        let out = take.lane(0, 0);
        assert!(out[1_999] > 0.05 && out[2_000] > out[1_999]);
        let steepest = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.009, "a step of {steepest}");
    }
}
