//! Reverb.

use crate::base::time::SampleTime;
use crate::dsp::lanes::{LaneMask, Lanes, Wide, end_step};
use crate::dsp::line::{Line, SPAN};
use crate::dsp::math::{LaneMath, exp2, one_pole_gain, sin_turn, tame};
use crate::global_wide;
use crate::module::def::Category;
use crate::module::isa;
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
pub static DEF: ModuleDef = ModuleDef::new("reverb", Category::Effect, "A room whose every knob turns while it rings.", global_wide!(Reverb))
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

/// One place for each line [1/65,536 frame].
type Places = [i64; LINES];

/// Where readers are and how far they go in a frame [1/65,536 frame].
#[derive(Clone, Copy)]
struct Readers<const N: usize> {
    place: [i64; N],
    step: [i64; N],
    /// Where they would be without modulation.
    centre: [i64; N],
    /// How far that goes in [`EVERY`] frames.
    speed: [i64; N],
}

impl<const N: usize> Readers<N> {
    const NOWHERE: Self = Self { place: [0; N], step: [0; N], centre: [0; N], speed: [0; N] };

    /// Aims where they shall be in [`EVERY`] frames. The centres glide, at most by a third of a frame a frame.
    #[inline(always)]
    fn aim(&mut self, centre: [i64; N], swing: [i64; N], fresh: bool) {
        if fresh {
            *self = Self { centre, ..Self::NOWHERE };
            (0..N).for_each(|at| self.place[at] = centre[at] + swing[at]);
            return;
        }
        let most = i64::from(EVERY) * 65_536 / 3;
        for at in 0..N {
            let way = centre[at] - self.centre[at];
            // A thirty-second of the way every 16 frames, a lag of about 11 ms, and its speed comes softly.
            let speed = self.speed[at] + (within(way / 32, most) - self.speed[at]) / 8;
            let there = within(way, 63) == way && within(speed, 63) == speed;
            self.speed[at] = if there { 0 } else { speed };
            self.centre[at] = if there { centre[at] } else { self.centre[at] + speed };
            self.step[at] = (self.centre[at] + swing[at] - self.place[at]) / i64::from(EVERY);
        }
    }

    /// So many frames on.
    #[inline(always)]
    fn pass(&mut self, frames: usize) {
        (0..N).for_each(|at| self.place[at] += self.step[at] * frames as i64);
    }
}

/// Held within ±`most`.
#[inline(always)]
fn within(x: i64, most: i64) -> i64 {
    let x = if x > -most { x } else { -most };
    if x < most { x } else { most }
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
    predelay: Readers<1>,
    diffusers: [[(Line, u32); 4]; 2],
    /// Frames that every diffuser lasts for.
    most: usize,
    /// Frames that a reader may find itself behind its centre, and some more.
    margin: usize,
    lines: [Line; LINES],
    readers: Readers<LINES>,
    /// Gains of the low band, and of the high band.
    low: Glide,
    high: Glide,
    /// Aims of the two, and what they follow from beside the lengths: time, damping, how much is frozen.
    aims: (Lines, Lines),
    aimed: [f32; 3],
    /// Share of the input that comes in: now, and its step.
    open: f32,
    open_step: f32,
    /// How much of a frame goes into the state of what parts the bands.
    rising: f32,
    parted: Lines,
    phases: [u32; LINES],
    /// How far each goes in [`EVERY`] frames.
    turns: [u32; LINES],
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
            predelays: std::array::from_fn(|_| Line::new((LONGEST_PREDELAY * rate) as usize + 8 + SPAN)),
            predelay: Readers::NOWHERE,
            diffusers: DIFFUSERS.map(|side| {
                side.map(|length| {
                    let frames = (length * rate) as u32;
                    (Line::new(frames as usize), frames)
                })
            }),
            most: DIFFUSERS.iter().flatten().fold(SPAN, |most, length| most.min((length * rate) as usize)).max(1),
            margin: (SWING * rate) as usize + 4 * SPAN,
            lines: LENGTHS.map(|length| Line::new(longest(length) as usize)),
            readers: Readers::NOWHERE,
            low: Glide::default(),
            high: Glide::default(),
            aims: (Lines::default(), Lines::default()),
            aimed: [f32::NAN; 3],
            open: 0.0,
            open_step: 0.0,
            rising: 2.0 * one_pole_gain(4_000.0 / rate),
            parted: Lines::default(),
            phases: [0; LINES],
            // 0.2 to 0.9 Hz, each line its own.
            turns: std::array::from_fn(|line| {
                let turn = (0.2 + 0.7 * ((line * 7) % LINES) as f32 / LINES as f32) * EVERY as f32 / rate;
                (turn * 4_294_967_296.0) as u32
            }),
            frozen: 0.0,
            fresh: true,
            seed: prepare.seed,
        }
    }
}

/// Sixteen frames of every line, line by line or frame by frame.
type Square = [Lines; LINES];

/// Every line into every line, four times as loud (S. J. Hadamard's matrix); line by line.
#[inline(always)]
fn mix(x: &mut Square) {
    for span in [1, 2, 4, 8] {
        for pair in 0..LINES / 2 {
            let at = (pair & !(span - 1)) << 1 | pair & (span - 1);
            (x[at], x[at + span]) = (x[at] + x[at + span], x[at] - x[at + span]);
            end_step();
        }
    }
}

/// Lines become frames and frames lines.
#[inline(always)]
fn turn_over(x: &Square) -> Square {
    let mut from = [[0.0; LINES]; LINES];
    for at in 0..LINES {
        from[at] = x[at].0;
    }
    let over = isa::turn_over(&from);
    let mut to = [Wide([0.0; LINES]); LINES];
    for at in 0..LINES {
        to[at] = Wide(over[at]);
    }
    to
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
        for (phase, turn) in self.phases.iter_mut().zip(self.turns) {
            *phase = phase.wrapping_add(turn);
        }
        let swings = Lines::from_fn(|line| (self.phases[line] >> 8) as i32 as f32 * (1.0 / 16_777_216.0)).map(sin_turn) * Lines::splat(swing);
        let places = |frames: &Lines, parts: u32| -> Places { std::array::from_fn(|line| i64::from(frames.0[line] as i32) << parts) };
        // Whole frames at rest, where reading loses nothing.
        let centres = places(&(Lines::from_fn(|line| LENGTHS[line]) * Lines::splat(scale)), 16);
        let before = self.readers.centre;
        self.readers.aim(centres, places(&swings, 0), fresh);
        let frames = Lanes::clamp(io.input(PREDELAY).at(frame), 0.0, LONGEST_PREDELAY) * self.rate;
        self.predelay.aim([((frames as i64) << 16).max(2 << 16)], [0], fresh);
        if fresh || self.readers.centre != before || self.predelay.speed != [0] {
            // A reader moves more slowly than what it reads is written: it never meets what was forgotten.
            for (line, centre) in self.lines.iter_mut().zip(self.readers.centre) {
                line.fit((centre >> 16) as usize + self.margin);
            }
            for line in &mut self.predelays {
                line.fit((self.predelay.centre[0] >> 16) as usize + self.margin);
            }
        }
        let frozen = self.frozen;
        if self.readers.centre != before || self.aimed != [seconds, damping, frozen] {
            self.aimed = [seconds, damping, frozen];
            // 60 dB in `seconds`: log2 of the gain of a line is −9.966 · its length / seconds.
            let fall = -9.965_784 / (seconds * self.rate * FRAME);
            let lengths = Lines::from_fn(|line| self.readers.centre[line] as f32);
            let kept = |gain: f32| gain + (1.0 - gain) * frozen;
            self.aims.0 = (lengths * Lines::splat(fall)).exp2().map(kept);
            self.aims.1 = (lengths * Lines::splat(fall / (1.0 - 0.9 * damping))).exp2().map(kept);
        }
        self.low.aim(self.aims.0, fresh);
        self.high.aim(self.aims.1, fresh);
        let open = 1.0 - frozen;
        if fresh {
            self.open = open;
        }
        self.open_step = (open - self.open) * (1.0 / EVERY as f32);
    }

    /// One side's sound through its diffusers.
    #[inline(always)]
    fn diffuse(diffusers: &mut [(Line, u32); 4], x: &mut [f32]) {
        for (line, frames) in diffusers {
            let mut spare = [0.0; SPAN];
            let (mut old, mut new) = ([0.0; SPAN], [0.0; SPAN]);
            let (old, new) = (&mut old[..x.len()], &mut new[..x.len()]);
            old.copy_from_slice(line.stretch(*frames, &mut spare[..x.len()]));
            for ((x, old), new) in x.iter_mut().zip(old).zip(&mut *new) {
                *new = *x - DIFFUSION * *old;
                *x = *old + DIFFUSION * *new;
            }
            line.write_all(new);
        }
    }

    /// The next frames, up to [`SPAN`], all before the next aim; what comes in becomes the room alone.
    #[inline(always)]
    fn run(&mut self, dry: &mut [[f32; SPAN]; 2], frames: usize) {
        let mut open = [0.0; SPAN];
        for open in &mut open[..frames] {
            self.open += self.open_step;
            *open = self.open;
        }
        let mut fed = [[0.0; SPAN]; 2];
        let Readers { place: [place], step: [step], .. } = self.predelay;
        for side in 0..2 {
            let fed = &mut fed[side][..frames];
            self.predelays[side].write_all(&dry[side][..frames]);
            self.predelays[side].along(place + step, step, frames, fed, |fed, x| *fed = x);
            Self::diffuse(&mut self.diffusers[side], fed);
            fed.iter_mut().zip(&open).for_each(|(fed, open)| *fed *= *open);
        }
        self.predelay.pass(frames);
        let mut x = [Lines::default(); LINES];
        for (at, (line, x)) in self.lines.iter().zip(&mut x).enumerate() {
            let (place, step) = (self.readers.place[at], self.readers.step[at]);
            line.along(place + step, step, 0, &mut x.0[..frames], |out, x| *out = x);
            // There are more lines than a processor foresees: the next span is sent for while this one is worked on.
            isa::soon(line.place(2 * SPAN as i64 + 1 - (place >> 16)));
            isa::soon(line.place(2 * SPAN as i64));
        }
        self.readers.pass(frames);
        // Two bands, each with its own gain.
        let mut x = turn_over(&x);
        let (fall, rise) = (Lines::splat(1.0 - self.rising), Lines::splat(self.rising));
        for x in &mut x[..frames] {
            // A bilinear one-pole, in which one frame waits for the last no longer than for a product and a sum.
            let before = self.parted;
            self.parted = before * fall + *x * rise;
            let low = (before + self.parted) * Lines::splat(0.5);
            *x = self.high.next() * (*x - low) + self.low.next() * low;
        }
        let mut x = turn_over(&x);
        mix(&mut x);
        let quarter = Lines::splat(0.25);
        // Two rows of the matrix are two signals that have nothing in common.
        *dry = [(x[5] * quarter).0, (x[10] * quarter).0];
        for (at, line) in self.lines.iter_mut().enumerate() {
            let sign = if at & 2 == 0 { 0.5 } else { -0.5 };
            let x = (x[at] * quarter + Lines::splat(sign) * Wide(fed[at & 1])).clamp(-BOUND, BOUND);
            line.write_all(&x.0[..frames]);
            end_step();
        }
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
        let (input, amount) = (io.pair(IN), io.input(MIX));
        let (frames, start) = (io.frames(), io.start());
        let mut from = 0;
        while from < frames {
            let past = ((start + from as SampleTime) % SampleTime::from(EVERY)) as usize;
            if self.fresh || past == 0 {
                self.aim(io, from);
            }
            let to = frames.min(from + EVERY as usize - past).min(from + self.most);
            let outputs: [&mut [f32]; 2] = io.outputs();
            let mut dry = [[0.0; SPAN]; 2];
            input.0.frames(from, &mut dry[0][..to - from]);
            input.1.frames(from, &mut dry[1][..to - from]);
            dry.iter_mut().flatten().for_each(|x| *x = tame(*x));
            let mut wet = dry;
            if to - from == SPAN {
                self.run(&mut wet, SPAN);
            } else {
                self.run(&mut wet, to - from);
            }
            let mut share = [0.0; SPAN];
            amount.frames(from, &mut share[..to - from]);
            for (side, out) in outputs.into_iter().enumerate() {
                for at in 0..SPAN {
                    wet[side][at] = dry[side][at] + (wet[side][at] - dry[side][at]) * share[at];
                }
                out[from..to].copy_from_slice(&wet[side][..to - from]);
            }
            from = to;
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
