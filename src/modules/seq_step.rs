//! Step sequencer.

use crate::dsp::edge::Edge;
use crate::dsp::lanes::{LaneMask, Lanes, MOST_LANES, Truth};
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};
use crate::per_voice;

const CLOCK: Input = Input::trigger(0, "clock", "Each rise goes one step on; a length such as 1/16 makes its own pulses.");
const RESET: Input = Input::trigger(1, "reset", "Back to the start: the next clock, or one in the same frame, plays the first step.");
const GATE_LENGTH: Input =
    Input::ratio(2, "gate_length", 0.0, 1.0, 0.5, "Part of the time between two clocks for which the gate is high; 1 ties the steps.");
const PITCH: Output = Output::octaves(0, "pitch", "Pitch of the step; rests keep the one before.");
const GATE: Output = Output::gate(1, "gate", "High at the beginning of each step that is no rest.");
const TRIGGER: Output = Output::trigger(2, "trigger", "A pulse at the start of each step that is no rest.");
const VELOCITY: Output = Output::number(3, "velocity", "The step's entry in velocities.");
const LEVEL: Output = Output::number(4, "level", "The step's entry in levels.");
const STEP: Output = Output::number(5, "step", "Number of the step that plays, from 1; 0 before the first clock.");
const STEPS: Setting =
    Setting::pitches(0, "steps", &[0.0, 3.0 / 12.0, 7.0 / 12.0, 10.0 / 12.0], "Pitches to play in turn; \"-\" is a rest.");
const VELOCITIES: Setting =
    Setting::numbers(1, "velocities", &[1.0], "How hard each step is struck, 0..1; a shorter list starts anew on its own.");
const LEVELS: Setting =
    Setting::numbers(2, "levels", &[0.0], "A value for each step, for anything; a shorter list starts anew on its own.");
const DIRECTION: Setting =
    Setting::choice(3, "direction", &["forward", "backward", "pingpong", "random"], "In which order the steps are played.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("seq_step", Category::Sequencer, "Plays a row of up to 64 steps.", per_voice!(SeqStep))
    .doc(
        "A row of pitches, gone through by a clock. `clock = \"1/16\"` follows the tempo and the transport; any gate or trigger \
             will do as well.\n\n\
             Give `pitch` to an oscillator, `gate` to an envelope, `velocity` as a factor to the level: `pitch = \"steps\"`, `gate = \
             \"steps.gate\"`. `levels` is a second row, for a cutoff or whatever else shall change from step to step. Lists of \
             other lengths than `steps` give rhythms that shift against each other. The lists are live: a step that is turned while \
             it sounds is heard at once, and a list that grows or shrinks plays on.\n\n\
             Before the first clock it waits at the first step and is silent. The gate's length is a part of the time between the last \
             two clocks, so it follows the tempo; for the first step an eighth of a second counts as that time. With `gate_length = 1` \
             the gate stays high from step to step, and `trigger` tells them apart.",
    )
    .inputs(&[CLOCK, RESET, GATE_LENGTH])
    .outputs(&[PITCH, GATE, TRIGGER, VELOCITY, LEVEL, STEP])
    .settings(&[STEPS, VELOCITIES, LEVELS, DIRECTION]);

/// Time between two clocks until two have been seen [s].
const FIRST_PERIOD: f32 = 0.125;

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Backward,
    PingPong,
    Random,
}

/// Where one lane stands.
#[derive(Clone, Copy)]
struct Place {
    step: usize,
    /// A clock has come since the reset of the lane.
    running: bool,
    /// The next clock plays the first step.
    at_start: bool,
    /// Ping-pong on its way back.
    returning: bool,
    seed: Seed,
    draws: u64,
}

impl Place {
    const fn first(seed: Seed) -> Self {
        Self { step: 0, running: false, at_start: true, returning: false, seed, draws: 0 }
    }

    /// Goes on by one in a list of `count`.
    #[inline(always)]
    fn advance(&mut self, direction: Direction, count: usize) {
        let last = count - 1;
        let at = if self.step > last { last } else { self.step };
        let starts = self.at_start;
        self.at_start = false;
        self.running = true;
        self.step = match direction {
            Direction::Forward if starts || at == last => 0,
            Direction::Forward => at + 1,
            Direction::Backward if starts || at == 0 => last,
            Direction::Backward => at - 1,
            Direction::PingPong => {
                self.returning = !starts && last > 0 && (at == last || self.returning && at > 0);
                match (starts || last == 0, self.returning) {
                    (true, _) => 0,
                    (false, true) => at - 1,
                    (false, false) => at + 1,
                }
            }
            Direction::Random => {
                self.draws += 1;
                (((self.seed.with(self.draws).0 >> 32) * count as u64) >> 32) as usize
            }
        };
    }
}

struct SeqStep<L: Lanes> {
    direction: Direction,
    first_period: L,
    clock: Edge<L>,
    reset: Edge<L>,
    places: [Place; MOST_LANES],
    /// Frames since the last clock, and between the two before it.
    age: L,
    period: L,
    /// Where a step plays that is no rest.
    active: L::Mask,
    /// Where a clock has come.
    clocked: L::Mask,
    pitch: L,
    velocity: L,
    level: L,
    step: L,
}

impl<L: Lanes> Make for SeqStep<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        let direction = match prepare.settings.choice(DIRECTION) {
            0 => Direction::Forward,
            1 => Direction::Backward,
            2 => Direction::PingPong,
            _ => Direction::Random,
        };
        let zero = L::splat(0.0);
        let mut seq = Self {
            direction,
            first_period: L::splat(FIRST_PERIOD * prepare.rate),
            clock: Edge::default(),
            reset: Edge::default(),
            places: [Place::first(prepare.seed); MOST_LANES],
            age: zero,
            period: zero,
            active: L::Mask::default(),
            clocked: L::Mask::default(),
            pitch: zero,
            velocity: zero,
            level: zero,
            step: zero,
        };
        Kernel::reset(&mut seq, LaneMask::ALL, prepare.seed);
        seq.places = std::array::from_fn(|lane| Place::first(prepare.of_lane(lane)));
        seq
    }
}

/// An entry of a list that starts anew on its own; 0 for what is no number.
#[inline(always)]
fn entry(list: &[f32], step: usize) -> f32 {
    let x = list[step % list.len()];
    if x > f32::MIN { x } else { 0.0 }
}

impl<L: Lanes> SeqStep<L> {
    /// Reads what the lists say of a lane's step; the pitch of a rest is the one before. True where it is no rest.
    #[inline(always)]
    fn read(&mut self, lane: usize, steps: &[f32], velocities: &[f32], levels: &[f32]) -> bool {
        let place = &self.places[lane];
        let pitch = steps[place.step % steps.len()];
        let sounds = pitch > f32::MIN;
        if sounds {
            self.pitch.set_lane(lane, pitch);
        }
        self.velocity.set_lane(lane, entry(velocities, place.step));
        self.level.set_lane(lane, entry(levels, place.step));
        self.step.set_lane(lane, if place.running { (place.step + 1) as f32 } else { 0.0 });
        sounds
    }
}

impl<L: Lanes> Kernel<L> for SeqStep<L> {
    fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        let others = L::Mask::from_lanes(lanes).not();
        self.clock.reset(lanes);
        self.reset.reset(lanes);
        for (lane, place) in self.places.iter_mut().enumerate().filter(|(lane, _)| lanes.has(*lane)) {
            *place = Place::first(seed.of_lane(lanes, lane));
        }
        self.age = L::splat(0.0).pick(lanes, self.age);
        self.period = self.first_period.pick(lanes, self.period);
        self.pitch = L::splat(0.0).pick(lanes, self.pitch);
        self.active = self.active.and(others);
        self.clocked = self.clocked.and(others);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (clock, reset, length) = (io.input(CLOCK), io.input(RESET), io.input(GATE_LENGTH));
        let (steps, velocities, levels) = (io.list(STEPS), io.list(VELOCITIES), io.list(LEVELS));
        // The lists change between two calls only.
        for lane in 0..L::WIDTH {
            self.read(lane, steps, velocities, levels);
        }
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let frames = io.frames();
        let [pitch, gate, trigger, velocity, level, step] = io.outputs();
        for frame in 0..frames {
            let resets = self.reset.rises(reset.at(frame));
            let clocks = self.clock.rises(clock.at(frame));
            let mut starts = L::Mask::default();
            if resets.any() {
                for lane in resets.lanes().lanes() {
                    self.places[lane].at_start = true;
                }
            }
            if clocks.any() {
                let mut sounding = LaneMask::NONE;
                for lane in clocks.lanes().lanes() {
                    self.places[lane].advance(self.direction, steps.len());
                    if self.read(lane, steps, velocities, levels) {
                        sounding = sounding.or(LaneMask::one(lane));
                    }
                }
                starts = L::Mask::from_lanes(sounding);
                self.active = starts.or(self.active.and(clocks.not()));
                self.period = clocks.and(self.clocked).select(self.age, self.period);
                self.clocked = self.clocked.or(clocks);
                self.age = clocks.select(zero, self.age);
            }
            // A tied gate outlasts a late clock, but not a clock that has stopped.
            let end = self.period.zip(length.at(frame), |period, length| {
                let frames = if length < 1.0 { length * period } else { 2.0 * period };
                if frames > 1.0 { frames } else { 1.0 }
            });
            let high = self.active.and(self.age.lt(end));
            self.active = high;
            self.age += one;
            pitch[frame] = self.pitch;
            gate[frame] = high.select(one, zero);
            trigger[frame] = starts.select(one, zero);
            velocity[frame] = self.velocity;
            level[frame] = self.level;
            step[frame] = self.step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig, Take};
    use crate::module::{SettingValue, Settings};

    const REST: f32 = f32::NAN;
    const PERIOD: usize = 100;

    fn rig(direction: usize, steps: &[f32]) -> Rig {
        let mut settings = Settings::defaults(DEF.settings);
        settings.0[STEPS.index] = SettingValue::List(steps.to_vec());
        settings.0[VELOCITIES.index] = SettingValue::List(vec![1.0, 0.5]);
        settings.0[DIRECTION.index] = SettingValue::Choice(direction);
        let mut rig = Rig::of(&DEF, 1, Level::detect(), 48_000.0, &settings);
        // A clock of one frame every 100, from frame 50 on.
        rig.drive(CLOCK, |time, _| f32::from(time >= 50 && (time - 50) % PERIOD as u64 == 0));
        rig
    }

    /// An output in the frame of each clock.
    fn at_clocks(take: &Take, output: Output, count: usize) -> Vec<f32> {
        (0..count).map(|i| take.lane(output.index, 0)[50 + i * PERIOD]).collect()
    }

    #[test]
    fn it_plays_in_order_holds_through_rests_and_waits_for_the_first_clock() {
        let mut rig = rig(0, &[0.5, REST, 1.0]);
        let take = rig.run(700, &Cuts::whole());
        assert_eq!(at_clocks(&take, PITCH, 6), [0.5, 0.5, 1.0, 0.5, 0.5, 1.0]);
        assert_eq!(at_clocks(&take, GATE, 6), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(at_clocks(&take, TRIGGER, 6), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(at_clocks(&take, VELOCITY, 4), [1.0, 0.5, 1.0, 1.0]);
        assert_eq!(at_clocks(&take, STEP, 4), [1.0, 2.0, 3.0, 1.0]);
        assert!(take.lane(GATE.index, 0)[..50].iter().all(|x| *x == 0.0));
        assert_eq!((take.lane(PITCH.index, 0)[0], take.lane(STEP.index, 0)[49]), (0.5, 0.0));
        assert_eq!(take.lane(TRIGGER.index, 0).iter().sum::<f32>(), 5.0, "one frame a step");
    }

    #[test]
    fn directions() {
        let row = [0.1, 0.2, 0.3];
        assert_eq!(at_clocks(&rig(1, &row).run(800, &Cuts::whole()), STEP, 7), [3.0, 2.0, 1.0, 3.0, 2.0, 1.0, 3.0]);
        assert_eq!(at_clocks(&rig(2, &row).run(800, &Cuts::whole()), STEP, 7), [1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0]);
        assert_eq!(at_clocks(&rig(2, &row[..1]).run(800, &Cuts::whole()), STEP, 3), [1.0, 1.0, 1.0]);
        assert_eq!(at_clocks(&rig(2, &row[..2]).run(800, &Cuts::whole()), STEP, 5), [1.0, 2.0, 1.0, 2.0, 1.0]);
        let chance = at_clocks(&rig(3, &row).run(30_100, &Cuts::whole()), STEP, 300);
        for step in [1.0, 2.0, 3.0] {
            let count = chance.iter().filter(|x| **x == step).count();
            assert!((70..130).contains(&count), "step {step} came {count} times of 300");
        }
    }

    #[test]
    fn the_gate_is_a_part_of_the_clocks_period() {
        let mut rig = rig(0, &[0.0]);
        rig.hold(GATE_LENGTH, 0.25);
        let take = rig.run(400, &Cuts::whole());
        let gate = take.lane(GATE.index, 0);
        // Once two clocks have been seen: 25 frames of 100.
        assert!(gate[150..175].iter().all(|x| *x == 1.0) && gate[175..250].iter().all(|x| *x == 0.0));
        rig.hold(GATE_LENGTH, 1.0);
        let take = rig.run(400, &Cuts::whole());
        assert!(take.lane(GATE.index, 0)[50..].iter().all(|x| *x == 1.0), "tied steps have no gap");
        rig.hold(CLOCK, 0.0);
        let take = rig.run(400, &Cuts::whole());
        assert_eq!(take.lane(GATE.index, 0)[399], 0.0, "a stopped clock leaves no note hanging");
    }

    #[test]
    fn a_reset_plays_the_first_step_at_the_next_clock_or_at_once() {
        let mut later = rig(0, &[0.1, 0.2, 0.3]);
        later.drive(RESET, |time, _| f32::from(time == 180));
        assert_eq!(at_clocks(&later.run(400, &Cuts::whole()), STEP, 4), [1.0, 2.0, 1.0, 2.0]);
        let mut same = rig(0, &[0.1, 0.2, 0.3]);
        same.drive(RESET, |time, _| f32::from(time == 250));
        assert_eq!(at_clocks(&same.run(400, &Cuts::whole()), STEP, 4), [1.0, 2.0, 1.0, 2.0]);
    }

    #[test]
    fn lists_are_live() {
        let mut rig = rig(0, &[0.1, 0.2, 0.3]);
        rig.run(260, &Cuts::whole()); // in the third step
        rig.list(STEPS, &[0.1, 0.2, 0.9]);
        assert_eq!(rig.run(10, &Cuts::whole()).lane(PITCH.index, 0)[0], 0.9);
        rig.list(STEPS, &[0.4, 0.5]); // its step is gone
        let take = rig.run(300, &Cuts::whole());
        assert!(take.lane(PITCH.index, 0).iter().all(|x| [0.4, 0.5, 0.9].contains(x)));
    }
}
