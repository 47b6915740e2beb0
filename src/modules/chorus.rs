//! Chorus.

use crate::base::time::SampleTime;
use crate::dsp::lanes::{LaneMask, Lanes};
use crate::dsp::line::{Line, SPAN};
use crate::dsp::math::{sin_turn, tame};
use crate::global_wide;
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};

const IN: Input = Input::audio(0, "in", "Signal to make many of.").stereo();
const RATE: Input = Input::hertz(1, "rate", 0.01, 10.0, 0.4, "How often the slowest reader goes to and fro in a second.").smooth_ms(30.0);
const DEPTH: Input = Input::seconds(2, "depth", 0.0, DEEPEST, 0.003, "How far the readers go to either side of `delay`.").smooth_ms(50.0);
const DELAY: Input = Input::seconds(3, "delay", 0.0, LONGEST, 0.015, "Where the readers stand in the middle.").smooth_ms(50.0);
const MIX: Input = Input::ratio(4, "mix", 0.0, 1.0, 0.5, "From the sound alone (0) to the readers alone (1).").smooth_ms(10.0);
const OUT: Output = Output::audio(0, "out", "Sound and readers, by `mix`.").stereo();
const TAPS: Setting = Setting::integer(0, "taps", 1, TAPS_MAX as i64, 2, "How many readers each side has.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("chorus", Category::Effect, "Makes one sound many by readers that move.", global_wide!(Chorus))
    .doc(
        "Each side is remembered for a moment and read again by one to four readers that swing to and fro, each at a pace of its own: \
         reader n (from 0) of the left side goes (1 + 11/30 n) times as fast as `rate` says, on the right another sixth faster, so they never meet \
         again. What they find, the mean of them, is mixed with the sound.\n\n\
         Small and slow (`depth = \"2 ms\"`, `rate = \"0.4 Hz\"`) widens a pad; one reader with `mix = 1` and a `rate` of 5 Hz is vibrato; a `delay` below \
         5 ms flangs. Feed it the sum of the voices: `in = \"voice\"`. `delay` and `depth` may be moved: the readers wind there as a tape \
         does, at most at 0.75 of the speed of sound on tape.\n\n\
         Readers swing as sines, go in straight lines between frames that are multiples of 16, and read by a Catmull-Rom cubic, \
         whole frames exactly (J. Dattorro, *Effect Design, Part 2: Delay-Line Modulation and Chorus*, 1997).",
    )
    .inputs(&[IN, RATE, DEPTH, DELAY, MIX])
    .outputs(&[OUT])
    .settings(&[TAPS]);

const TAPS_MAX: usize = 4;
/// The longest delay, and the farthest swing beyond it [s].
const LONGEST: f32 = 0.05;
const DEEPEST: f32 = 0.01;
/// How much faster each reader is than the one before, and the right side than the left [parts of the rate].
const FASTER: f32 = 11.0 / 30.0;
const FASTER_RIGHT: f32 = 1.0 / 6.0;
/// Frames between two aims.
const EVERY: usize = SPAN;
/// A place counts in 65,536ths of a frame.
const FRAME: f32 = 65_536.0;
/// Frames a frame that a reader moves at most, so counted.
const SPEED: i32 = 49_152;
/// Nearer a reader does not come: its cubic needs the frame after the one that it reads.
const NEAREST: i32 = 1 << 16;

/// Where a reader is and how far it goes in a frame [1/65,536 frame], and where in its swing it is.
#[derive(Clone, Copy, Default)]
struct Reader {
    place: i32,
    step: i32,
    phase: u32,
}

/// One side's memory and its readers.
struct Side {
    line: Line,
    readers: [Reader; TAPS_MAX],
}

struct Chorus {
    rate: f32,
    taps: usize,
    sides: [Side; 2],
    fresh: bool,
}

impl Make for Chorus {
    fn make(prepare: &Prepare<'_>) -> Self {
        let rate = prepare.rate;
        let side = || Side { line: Line::new(((LONGEST + DEEPEST) * rate) as usize + EVERY + 8), readers: [Reader::default(); TAPS_MAX] };
        Self { rate, taps: prepare.settings.integer(TAPS).clamp(1, TAPS_MAX as i64) as usize, sides: [side(), side()], fresh: true }
    }
}

impl Reader {
    /// Aims where it shall be in [`EVERY`] frames.
    #[inline(always)]
    fn aim(&mut self, turn: f32, swing: f32, centre: f32, fresh: bool) {
        self.phase = self.phase.wrapping_add((turn * 4_294_967_296.0) as u32);
        let place = (centre + swing * sin_turn((self.phase >> 8) as f32 * (1.0 / 16_777_216.0))) as i32;
        let place = if place > NEAREST { place } else { NEAREST };
        if fresh {
            (self.place, self.step) = (place, 0);
            return;
        }
        let step = (place - self.place) / EVERY as i32;
        let step = if step < SPEED { step } else { SPEED };
        self.step = if step > -SPEED { step } else { -SPEED };
    }

    /// Adds what it finds for the newest frames of a line.
    #[inline(always)]
    fn read(&mut self, line: &Line, out: &mut [f32]) {
        line.along((self.place + self.step).into(), self.step.into(), out.len(), out, |out, x| *out += x);
        self.place += self.step * out.len() as i32;
    }
}

impl Chorus {
    /// Aims all readers, from what the inputs are now.
    #[inline(always)]
    fn aim(&mut self, io: &Io<'_, f32>, frame: usize) {
        let rate = Lanes::clamp(io.input(RATE).at(frame), RATE.min, RATE.max);
        let swing = Lanes::clamp(io.input(DEPTH).at(frame), 0.0, DEEPEST) * self.rate * FRAME;
        // Whole frames at rest, where reading loses nothing.
        let centre = (Lanes::clamp(io.input(DELAY).at(frame), 0.0, LONGEST) * self.rate + 0.5) as i32;
        let turn = rate * EVERY as f32 / self.rate;
        for (number, side) in self.sides.iter_mut().enumerate() {
            for (at, reader) in side.readers[..self.taps].iter_mut().enumerate() {
                if self.fresh {
                    // They begin spread over the turn, the sides a quarter apart.
                    reader.phase = (at as u32 * 4 / self.taps as u32 + number as u32) << 30;
                }
                let pace = 1.0 + FASTER * at as f32 + FASTER_RIGHT * number as f32;
                reader.aim(turn * pace, swing, centre as f32 * FRAME, self.fresh);
            }
        }
        self.fresh = false;
    }
}

impl Kernel<f32> for Chorus {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        if lanes.has(0) {
            self.fresh = true;
            self.sides.iter_mut().for_each(|side| side.line.forget());
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, f32>) {
        let ((in_left, in_right), amount) = (io.pair(IN), io.input(MIX));
        let (frames, start) = (io.frames(), io.start());
        let mean = 1.0 / self.taps as f32;
        let mut from = 0;
        while from < frames {
            let past = ((start + from as SampleTime) % EVERY as SampleTime) as usize;
            if self.fresh || past == 0 {
                self.aim(io, from);
            }
            let to = frames.min(from + EVERY - past);
            let [left, right] = io.outputs();
            let mut share = [0.0; EVERY];
            amount.frames(from, &mut share[..to - from]);
            for ((side, input), out) in self.sides.iter_mut().zip([in_left, in_right]).zip([left, right]) {
                let (mut dry, mut wet) = ([0.0; EVERY], [0.0; EVERY]);
                input.frames(from, &mut dry[..to - from]);
                dry.iter_mut().for_each(|x| *x = tame(*x));
                side.line.write_all(&dry[..to - from]);
                for reader in &mut side.readers[..self.taps] {
                    reader.read(&side.line, &mut wet[..to - from]);
                }
                for at in 0..EVERY {
                    wet[at] = dry[at] + (wet[at] * mean - dry[at]) * share[at];
                }
                out[from..to].copy_from_slice(&wet[..to - from]);
            }
            from = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    const RATE_HERTZ: f32 = 48_000.0;

    /// How far behind the first reader of each side is in each frame: it reads a ramp.
    fn ways(taps: i64, seconds: usize, set: impl Fn(&mut Rig)) -> [Vec<f32>; 2] {
        let mut rig = Rig::of(&DEF, 1, Level::detect(), RATE_HERTZ, &Settings(vec![SettingValue::Integer(taps)]));
        rig.hold(MIX, 1.0).drive(IN, |time, _| time as f32);
        set(&mut rig);
        let take = rig.run(seconds * 48_000, &Cuts::whole());
        [0, 1].map(|side| take.lane(side, 0).iter().enumerate().skip(4_000).map(|(time, x)| time as f32 - x).collect())
    }

    #[test]
    fn at_rest_it_is_a_delay_to_the_frame() {
        for taps in [1, 2] {
            let ways = ways(taps, 1, |rig| {
                rig.hold(DEPTH, 0.0).hold(DELAY, 0.01);
            });
            assert!(ways.iter().flatten().all(|way| *way == 480.0), "{taps}");
        }
    }

    #[test]
    fn readers_swing_as_far_and_as_often_as_said() {
        let [left, right] = ways(1, 10, |rig| {
            rig.hold(DEPTH, 0.004).hold(DELAY, 0.015).hold(RATE, 3.0);
        });
        for (ways, turns) in [(left, 3.0), (right, 3.5)] {
            let low = ways.iter().fold(f32::MAX, |low, x| low.min(*x));
            let high = ways.iter().fold(0.0f32, |high, x| high.max(*x));
            assert!((low - 528.0).abs() < 0.2 && (high - 912.0).abs() < 0.2, "{low} to {high}");
            let rises = ways.windows(2).filter(|pair| pair[0] < 720.0 && pair[1] >= 720.0).count() as f32;
            let seconds = ways.len() as f32 / 48_000.0;
            assert!((rises - turns * seconds).abs() <= 1.0, "{rises} turns in {seconds} s");
        }
    }

    #[test]
    fn a_jump_of_the_delay_is_wound_and_arrives() {
        let mut rig = Rig::new(&DEF, RATE_HERTZ);
        rig.hold(MIX, 1.0).hold(DEPTH, 0.0).drive(IN, |time, _| time as f32).drive(DELAY, |time, _| if time < 10_000 { 0.01 } else { 0.03 });
        let take = rig.run(20_000, &Cuts::whole());
        let ways: Vec<f32> = take.lane(0, 0).iter().enumerate().map(|(time, x)| time as f32 - x).collect();
        assert!(ways[4_000..].windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.76));
        assert!((ways[19_000] - 1_440.0).abs() < 0.01, "{}", ways[19_000]);
    }

    #[test]
    fn what_is_not_finite_is_forgotten() {
        let mut rig = Rig::new(&DEF, RATE_HERTZ);
        rig.play(IN, &[f32::NAN, f32::INFINITY, 0.5]);
        assert!(rig.run(9_600, &Cuts::whole()).lane(0, 0).iter().all(|x| x.is_finite()));
    }
}
