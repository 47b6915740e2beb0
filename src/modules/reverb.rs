//! Reverb.

use crate::base::time::SampleTime;
use crate::dsp::lanes::{LaneMask, Lanes, Wide};
use crate::dsp::line::Line;
use crate::dsp::math::{LaneMath, exp2, one_pole_gain, sin_turn, tame};
use crate::global_only;
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed};

const IN: Input = Input::audio(0, "in", "Signal to put in the room.").stereo();
const TIME: Input = Input::seconds(1, "time", 0.1, 60.0, 2.0, "Time in which the sound falls by 60 dB.").smooth_ms(30.0);
const SIZE: Input = Input::ratio(2, "size", 0.0, 1.0, 0.5, "Size of the room, from a box (0) to a hall (1); moving it bends the pitch.");
const DAMPING: Input = Input::ratio(3, "damping", 0.0, 1.0, 0.4, "How much faster the top falls: at 1 in a tenth of the time.").smooth_ms(30.0);
const PREDELAY: Input = Input::seconds(4, "predelay", 0.0, LONGEST_PREDELAY, 0.01, "How long before the room answers.");
const MODULATION: Input = Input::ratio(5, "modulation", 0.0, 1.0, 0.3, "How much the walls move: takes the metal out, then swims.").smooth_ms(30.0);
const FREEZE: Input = Input::gate(6, "freeze", "While high, what rings rings on for ever and nothing new comes in.");
const MIX: Input = Input::ratio(7, "mix", 0.0, 1.0, 0.3, "From the sound alone (0) to the room alone (1).").smooth_ms(10.0);
const OUT: Output = Output::audio(0, "out", "Sound and room, by `mix`.").stereo();

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("reverb", Category::Effect, "A room whose every knob turns while it rings.", global_only!(Reverb))
    .doc(
        "A stereo room, dense from early on. `time` is exact: the tail falls by 60 dB in that time at every `size`; `damping` lets the \
         range above about 4 kHz fall faster. All inputs may move while it rings, without a click; `size` and `predelay` glide there as a tape \
         does. `freeze` holds the sound for as long as it is high: patch a pedal or a slow square to it.\n\n\
         Patch a send or a whole mix to `in`: `in = \"pad * 0.3 + keys * 0.2\"` with `mix = 1`, and add it in `[out]`; or put it in line with \
         a small `mix`.\n\n\
         A feedback delay network of 16 lines with a Hadamard matrix (J.-M. Jot and A. Chaigne 1991; J. O. Smith, *Physical Audio \
         Signal Processing*), four allpass diffusers a side (M. Schroeder 1962; lengths after J. Dattorro 1997), each line's length moved slowly \
         on its own, its gain set for its length in two bands.",
    )
    .inputs(&[IN, TIME, SIZE, DAMPING, PREDELAY, MODULATION, FREEZE, MIX])
    .outputs(&[OUT]);

const LINES: usize = 16;
/// One number for each line.
type Lines = Wide<LINES>;

/// Lengths of the lines in a room of scale 1 [s].
const LENGTHS: [f32; LINES] = [
    0.0303, 0.0329, 0.0347, 0.0379, 0.0401, 0.0437, 0.0463, 0.0491, 0.0527, 0.0559, 0.0583, 0.0629, 0.0661, 0.0703, 0.0749, 0.0797,
];
/// Lengths of the diffusers [s], left and right.
const DIFFUSERS: [[f32; 4]; 2] = [[0.004_771, 0.003_595, 0.012_735, 0.009_307], [0.004_393, 0.003_929, 0.011_483, 0.010_151]];
const DIFFUSION: f32 = 0.65;
/// Scale of the smallest room, and octaves to the largest.
const SMALLEST: f32 = 0.2;
const SIZE_OCTAVES: f32 = 2.907;
/// How far a line's length swings at full modulation [s].
const SWING: f32 = 0.000_8;
const LONGEST_PREDELAY: f32 = 0.5;
/// Frames between two aims: what is not worked out in every frame is worked out where the time is a multiple of it.
const EVERY: u32 = 16;
/// A length counts in 65,536ths of a frame.
const FRAME: f32 = 65_536.0;
/// Above which level [of a line] nothing runs around, should anything ever grow.
const BOUND: f32 = 16.0;

/// Where a reader is and how far it goes in a frame [1/65,536 frame].
#[derive(Clone, Copy, Default)]
struct Reader {
    place: i64,
    step: i64,
    /// Where it would be without modulation.
    centre: i64,
    /// How far that goes in [`EVERY`] frames.
    speed: i64,
}

impl Reader {
    /// Aims where it shall be in [`EVERY`] frames. The centre glides, at most by a third of a frame a frame.
    #[inline(always)]
    fn aim(&mut self, centre: i64, swing: i64, fresh: bool) {
        if fresh {
            self.centre = centre;
            self.place = centre + swing;
            (self.step, self.speed) = (0, 0);
            return;
        }
        let most = i64::from(EVERY) * 65_536 / 3;
        let way = centre - self.centre;
        // A thirty-second of the way every 16 frames, a lag of about 11 ms, and its speed comes softly.
        self.speed += ((way / 32).clamp(-most, most) - self.speed) / 8;
        if way.abs() < 64 && self.speed.abs() < 64 {
            self.speed = 0;
            self.centre = centre;
        } else {
            self.centre += self.speed;
        }
        self.step = (self.centre + swing - self.place) / i64::from(EVERY);
    }

    #[inline(always)]
    fn read(&mut self, line: &Line) -> f32 {
        self.place += self.step;
        line.between((self.place >> 16) as u32, (self.place & 0xffff) as f32 * (1.0 / FRAME))
    }
}

/// A number for each line on its way to an aim.
#[derive(Clone, Copy, Default)]
struct Glide {
    now: Lines,
    step: Lines,
}

impl Glide {
    #[inline(always)]
    fn aim(&mut self, aim: Lines, fresh: bool) {
        if fresh {
            self.now = aim;
        }
        self.step = (aim - self.now) * Lines::splat(1.0 / EVERY as f32);
    }

    #[inline(always)]
    fn next(&mut self) -> Lines {
        self.now += self.step;
        self.now
    }
}

struct Reverb {
    rate: f32,
    predelays: [Line; 2],
    predelay: Reader,
    diffusers: [[(Line, u32); 4]; 2],
    lines: [Line; LINES],
    readers: [Reader; LINES],
    /// Gains of the low band, and of the high band.
    low: Glide,
    high: Glide,
    /// Share of the input that comes in, the same in every lane.
    open: Glide,
    /// What parts the bands, and its state.
    parting: f32,
    parted: Lines,
    phases: [u32; LINES],
    frozen: f32,
    fresh: bool,
    seed: Seed,
}

impl Make for Reverb {
    fn make(prepare: &Prepare<'_>) -> Self {
        let rate = prepare.rate;
        let longest = |length: f32| (length * SMALLEST * exp2(SIZE_OCTAVES) + SWING) * rate + 8.0;
        Self {
            rate,
            predelays: std::array::from_fn(|_| Line::new((LONGEST_PREDELAY * rate) as usize + 8)),
            predelay: Reader::default(),
            diffusers: DIFFUSERS.map(|side| {
                side.map(|length| {
                    let frames = (length * rate) as u32;
                    (Line::new(frames as usize), frames)
                })
            }),
            lines: LENGTHS.map(|length| Line::new(longest(length) as usize)),
            readers: [Reader::default(); LINES],
            low: Glide::default(),
            high: Glide::default(),
            open: Glide::default(),
            parting: one_pole_gain(4_000.0 / rate),
            parted: Lines::default(),
            phases: [0; LINES],
            frozen: 0.0,
            fresh: true,
            seed: prepare.seed,
        }
    }
}

/// Every line into every line, without loss (S. J. Hadamard's matrix over 4).
#[inline(always)]
fn mix(mut x: Lines) -> Lines {
    for span in [1, 2, 4, 8] {
        let old = x;
        for at in 0..LINES {
            let other = old.0[at ^ span];
            x.0[at] = if at & span == 0 { old.0[at] + other } else { other - old.0[at] };
        }
    }
    x * Lines::splat(0.25)
}

impl Reverb {
    /// Aims all that glides, from what the inputs are now.
    #[inline(always)]
    fn aim(&mut self, io: &Io<'_, f32>, frame: usize) {
        let fresh = self.fresh;
        if fresh {
            self.fresh = false;
            for (line, phase) in self.phases.iter_mut().enumerate() {
                *phase = self.seed.with(line as u64).0 as u32;
            }
        }
        let seconds = Lanes::clamp(io.input(TIME).at(frame), TIME.min, TIME.max);
        let size = Lanes::clamp(io.input(SIZE).at(frame), 0.0, 1.0);
        let damping = Lanes::clamp(io.input(DAMPING).at(frame), 0.0, 1.0);
        let swing = Lanes::clamp(io.input(MODULATION).at(frame), 0.0, 1.0) * (SWING * self.rate * FRAME);
        let gate = if io.input(FREEZE).at(frame) > 0.5 { 1.0 } else { 0.0 };
        // A lag of about 8 ms, then all the way.
        let frozen = self.frozen + (gate - self.frozen) * (0.04 * 48_000.0 / self.rate);
        self.frozen = if fresh || (gate - frozen).abs() < 1e-3 { gate } else { frozen };
        let scale = SMALLEST * exp2(SIZE_OCTAVES * size) * self.rate;
        for (line, reader) in self.readers.iter_mut().enumerate() {
            // 0.2 to 0.9 Hz, each line its own.
            let turn = (0.2 + 0.7 * ((line * 7) % LINES) as f32 / LINES as f32) * EVERY as f32 / self.rate;
            self.phases[line] = self.phases[line].wrapping_add((turn * 4_294_967_296.0) as u32);
            let phase = (self.phases[line] >> 8) as f32 * (1.0 / 16_777_216.0);
            // Whole frames at rest, where reading loses nothing.
            let centre = ((LENGTHS[line] * scale) as i64) << 16;
            reader.aim(centre, (swing * sin_turn(phase)) as i64, fresh);
        }
        let frames = Lanes::clamp(io.input(PREDELAY).at(frame), 0.0, LONGEST_PREDELAY) * self.rate;
        self.predelay.aim(((frames as i64) << 16).max(2 << 16), 0, fresh);
        // 60 dB in `seconds`: log2 of the gain of a line is −9.966 · its length / seconds.
        let fall = -9.965_784 / (seconds * self.rate * FRAME);
        let lengths = Lines::from_fn(|line| self.readers[line].centre as f32);
        let frozen = self.frozen;
        let kept = |gain: f32| gain + (1.0 - gain) * frozen;
        self.low.aim((lengths * Lines::splat(fall)).exp2().map(kept), fresh);
        self.high.aim((lengths * Lines::splat(fall / (1.0 - 0.9 * damping))).exp2().map(kept), fresh);
        self.open.aim(Lines::splat(1.0 - frozen), fresh);
    }

    /// One side's sound through its diffusers.
    #[inline(always)]
    fn diffuse(diffusers: &mut [(Line, u32); 4], mut x: f32) -> f32 {
        for (line, frames) in diffusers {
            let old = line.ago(*frames);
            let new = x - DIFFUSION * old;
            line.write(new);
            x = old + DIFFUSION * new;
        }
        x
    }
}

impl Kernel<f32> for Reverb {
    fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        if !lanes.has(0) {
            return;
        }
        self.seed = seed;
        self.fresh = true;
        self.parted = Lines::default();
        for line in self.lines.iter_mut().chain(&mut self.predelays) {
            line.forget();
        }
        for (line, _) in self.diffusers.iter_mut().flatten() {
            line.forget();
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, f32>) {
        let ((in_left, in_right), amount) = (io.pair(IN), io.input(MIX));
        let (frames, start) = (io.frames(), io.start());
        for frame in 0..frames {
            if self.fresh || (start + frame as SampleTime).is_multiple_of(SampleTime::from(EVERY)) {
                self.aim(io, frame);
            }
            let dry = [tame(in_left.at(frame)), tame(in_right.at(frame))];
            let open = self.open.next().0[0];
            let predelay = &mut self.predelay;
            let late = [predelay.read(&self.predelays[0]), {
                predelay.place -= predelay.step; // both sides are read at the same place
                predelay.read(&self.predelays[1])
            }];
            let mut fed = [0.0; 2];
            for side in 0..2 {
                self.predelays[side].write(dry[side]);
                fed[side] = Self::diffuse(&mut self.diffusers[side], late[side]) * open;
            }
            let mut x = Lines::default();
            for (at, (line, reader)) in self.lines.iter().zip(&mut self.readers).enumerate() {
                x.0[at] = reader.read(line);
            }
            // Two bands, each with its own gain.
            let step = (x - self.parted) * Lines::splat(self.parting);
            let low = self.parted + step;
            self.parted = low + step;
            let y = self.high.next() * (x - low) + self.low.next() * low;
            let mixed = mix(y);
            for (at, line) in self.lines.iter_mut().enumerate() {
                let sign = if at & 2 == 0 { 0.5 } else { -0.5 };
                line.write(Lanes::clamp(mixed.0[at] + sign * fed[at & 1], -BOUND, BOUND));
            }
            // Two rows of the matrix are two signals that have nothing in common.
            let wet = [mixed.0[5], mixed.0[10]];
            let amount = amount.at(frame);
            let [left, right] = io.outputs();
            left[frame] = dry[0] + (wet[0] - dry[0]) * amount;
            right[frame] = dry[1] + (wet[1] - dry[1]) * amount;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig};

    const RATE: f32 = 48_000.0;

    fn rig(rate: f32) -> Rig {
        let mut rig = Rig::new(&DEF, rate);
        rig.hold(MIX, 1.0).hold(DAMPING, 0.0);
        rig
    }

    /// Time [s] in which the energy still to come falls by 60 dB, by its fall from -5 to -35 dB (M. Schroeder 1965).
    fn decay(frames: &[f32], rate: f32) -> f32 {
        let mut left: Vec<f64> = frames.iter().rev().scan(0.0, |sum, x| {
            *sum += f64::from(x * x);
            Some(*sum)
        }).collect();
        left.reverse();
        let at = |decibels: f64| left.iter().position(|x| 10.0 * libm::log10(x / left[0]) < decibels).expect("the energy falls to nothing") as f32;
        (at(-35.0) - at(-5.0)) * 2.0 / rate
    }

    #[test]
    fn the_tail_falls_in_the_time_asked_for() {
        for (rate, size, seconds) in [(RATE, 0.5, 0.5), (RATE, 0.0, 2.0), (RATE, 1.0, 2.0), (44_100.0, 0.5, 2.0), (96_000.0, 0.5, 2.0), (RATE, 0.5, 8.0)] {
            let mut rig = rig(rate);
            // Below 4 kHz, where a reader between frames loses next to nothing.
            rig.hold(TIME, seconds).hold(SIZE, size).play(IN, &(0..64).map(|t| 1.0 - libm::cosf(t as f32 * 0.098)).collect::<Vec<_>>());
            let take = rig.run((seconds * rate * 1.5) as usize, &Cuts::whole());
            for side in 0..2 {
                let found = decay(take.lane(side, 0), rate);
                assert!((found / seconds - 1.0).abs() < 0.05, "{rate} Hz, size {size}: {found} s for {seconds} s");
            }
        }
    }

    #[test]
    fn damping_makes_the_top_fall_faster() {
        let top = |damping: f32| {
            let mut rig = rig(RATE);
            // A short burst at 12 kHz.
            let burst = (0..256).map(|t| [1.0, 0.0, -1.0, 0.0][t % 4] * (1.0 - libm::cosf(t as f32 * 0.024_54))).collect::<Vec<_>>();
            rig.hold(DAMPING, damping).hold(MODULATION, 0.0).play(IN, &burst);
            decay(rig.run(96_000, &Cuts::whole()).lane(0, 0), RATE)
        };
        assert!(top(0.0) > 1.7, "{}", top(0.0));
        assert!((0.15..0.5).contains(&top(1.0)), "{}", top(1.0));
    }

    #[test]
    fn the_first_answer_comes_after_predelay_and_the_shortest_way() {
        let mut rig = rig(RATE);
        let take = rig.hold(PREDELAY, 0.1).hold(SIZE, 0.5).hold(MODULATION, 0.0).play(IN, &[1.0]).run(9_600, &Cuts::whole());
        let first = take.lane(0, 0).iter().position(|x| *x != 0.0).expect("the room answers");
        let shortest = (LENGTHS[0] * SMALLEST * exp2(SIZE_OCTAVES * 0.5) * RATE) as usize;
        assert!(first.abs_diff(4_800 + shortest) <= 1, "{first} {shortest}");
    }

    #[test]
    fn the_sides_have_little_in_common() {
        let mut rig = rig(RATE);
        rig.drive(IN, |time, _| Seed(time).bipolar());
        rig.run(48_000, &Cuts::whole());
        let take = rig.run(96_000, &Cuts::whole());
        let sum = |f: &dyn Fn(f64, f64) -> f64| {
            take.lane(0, 0).iter().zip(take.lane(1, 0)).map(|(l, r)| f(f64::from(*l), f64::from(*r))).sum::<f64>()
        };
        let alike = sum(&|l, r| l * r) / libm::sqrt(sum(&|l, _| l * l) * sum(&|_, r| r * r));
        assert!(alike.abs() < 0.15, "{alike}");
    }

    #[test]
    fn frozen_it_rings_on_and_takes_nothing_in() {
        let mut rig = rig(RATE);
        rig.hold(DAMPING, 0.5).hold(MODULATION, 0.0).drive(IN, |time, _| Seed(time).bipolar() * 0.5);
        rig.drive(FREEZE, |time, _| f32::from(time >= 48_000));
        rig.run(57_600, &Cuts::whole());
        let power = |take: &crate::module::rig::Take| take.lane(0, 0).iter().map(|x| f64::from(x * x)).sum::<f64>();
        let soon = power(&rig.run(48_000, &Cuts::whole()));
        rig.run(480_000, &Cuts::whole());
        let late = power(&rig.run(48_000, &Cuts::whole()));
        assert!((10.0 * libm::log10(late / soon)).abs() < 0.3, "{} dB in eleven seconds", 10.0 * libm::log10(late / soon));
    }

    #[test]
    fn turning_its_knobs_makes_no_click() {
        // A low tone rings; each knob jumps. Nothing above 3 kHz may appear: what a click would be.
        let high = |turned: Option<Input>| {
            let mut rig = rig(RATE);
            rig.drive(IN, |time, _| 0.5 * libm::sin(std::f64::consts::TAU * 200.0 * time as f64 / 48_000.0) as f32);
            if let Some(input) = turned {
                let (from, to) = (input.default, input.min + (input.max - input.min) * 0.7);
                // Turned as the engine turns it: in a straight line within its smoothing.
                let over = u64::from((input.smooth_ms * 48.0) as u32).max(1);
                rig.drive(input, move |time, _| from + (to - from) * ((time.max(96_000) - 96_000).min(over) as f32 / over as f32));
            }
            rig.run(90_000, &Cuts::whole());
            let take = rig.run(48_000, &Cuts::whole());
            let x = take.lane(0, 0);
            // A fourth difference: 24 dB an octave against the tone.
            x.windows(5).map(|x| (x[0] - 4.0 * x[1] + 6.0 * x[2] - 4.0 * x[3] + x[4]).abs()).fold(0.0f32, f32::max)
        };
        let still = high(None);
        for input in [TIME, SIZE, DAMPING, PREDELAY, MODULATION, FREEZE] {
            let turned = high(Some(input));
            assert!(turned < 1.5e-3, "{}: {turned} against {still}", input.name);
        }
    }
}
