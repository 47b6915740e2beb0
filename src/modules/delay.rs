//! Echo.

use crate::dsp::lanes::{LaneMask, Lanes, end_frame, end_step};
use crate::dsp::line::{Line, SPAN};
use crate::dsp::math::{one_pole_gain, sin_turn, tame};
use crate::module::def::Category;
use crate::module::io::Signal;
use crate::module::isa;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to repeat.");
const TIME: Input = Input::seconds(1, "time", 0.0, LONGEST, 0.25, "How long after the sound its echo comes.");
const FEEDBACK: Input =
    Input::ratio(2, "feedback", -1.0, 1.0, 0.4, "How much of an echo is repeated; 1 never ends, below 0 every other echo is turned over.")
        .smooth_ms(10.0);
const TONE: Input =
    Input::hertz(3, "tone", 20.0, 20_000.0, 20_000.0, "Corner above which each repetition is darker; 20 kHz leaves all.").smooth_ms(10.0);
const MIX: Input = Input::ratio(4, "mix", 0.0, 1.0, 0.35, "From the sound alone (0) to the echoes alone (1).").smooth_ms(10.0);
const OUT: Output = Output::audio(0, "out", "Sound and echoes, by `mix`.");
const WET: Output = Output::audio(1, "wet", "The echoes alone.");
const MODE: Setting = Setting::choice(
    0,
    "mode",
    &["crossfade", "tape"],
    "How a change of time sounds: crossfade goes over without a change of pitch, tape winds there.",
);

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("delay", Category::Effect, "Repeats a sound after a time.", per_voice!(Delay))
    .doc(
        "One echo line. `time` may be a musical time (`time = \"3/16\"`) and follows the tempo. In mode `crossfade` the time is exact to \
         the sample, and when it changes a second reader fades in over 50 ms: no click, no bend of pitch. In mode `tape` the one \
         reader glides to its new place, which bends the pitch as a tape machine does: for dubs, and with an LFO on a `time` of \
         5 to 20 ms for chorus, vibrato and flanging.\n\n\
         Each repetition passes `tone` and a high-pass at 5 Hz. Loops are safe: what runs around is left alone up to a level of 1 and held softly \
         below 2, so `feedback` may stay at 1. Patch the whole mix in `[global.*]`, or a voice's oscillator in `[voice.*]` for a comb or a string. \
         Fed stereo, it runs once a side.\n\n\
         Fade: sin². Tape: the place follows `time` with a lag of 20 ms, at most at 0.75 of the speed of sound on tape, and is read by a \
         Catmull-Rom cubic.",
    )
    .inputs(&[IN, TIME, FEEDBACK, TONE, MIX])
    .outputs(&[OUT, WET])
    .settings(&[MODE]);

/// The longest time [s].
const LONGEST: f32 = 5.0;
/// How long one reader takes to fade into the other [s].
const FADE: f32 = 0.05;
/// Lag of the tape's reader [s].
const LAG: f64 = 0.02;
/// Frames a frame that the tape's reader moves at most.
const SPEED: f64 = 0.75;

struct Delay<L> {
    tape: bool,
    rate: f32,
    longest: f32,
    fade_step: f32,
    follow: f64,
    /// What takes away what does not swing.
    swinging: OnePole<L>,
    lanes: Box<[Lane]>,
    /// State of the loop's filters.
    tone: L,
    block: L,
}

/// A bilinear one-pole low-pass, so written that one frame waits for the last no longer than for a product and a sum.
#[derive(Clone, Copy)]
struct OnePole<L> {
    fall: L,
    rise: L,
}

impl<L: Lanes> OnePole<L> {
    /// Of this gain (`one_pole_gain`).
    #[inline(always)]
    fn new(gain: L) -> Self {
        let fall = L::splat(1.0) - (gain + gain);
        // Exactly what is missing to 1: what stands still passes untouched.
        Self { fall, rise: L::splat(1.0) - fall }
    }

    /// The next frame.
    #[inline(always)]
    fn next(&self, state: &mut L, x: L) -> L {
        let before = *state;
        *state = before * self.fall + x * self.rise;
        (before + *state) * L::splat(0.5)
    }

    /// The next frames, [`SPAN`] at most.
    #[inline(always)]
    fn run(&self, state: &mut L, x: &[L], out: &mut [L; SPAN]) {
        let mut states = [*state; SPAN + 1];
        for at in 0..x.len() {
            states[at + 1] = states[at] * self.fall + x[at] * self.rise;
            end_step();
        }
        *state = states[x.len()];
        for at in 0..SPAN {
            out[at] = (states[at] + states[at + 1]) * L::splat(0.5);
        }
    }
}

/// One voice's memory and readers.
struct Lane {
    line: Line,
    /// Where the reader is [frames]; whole numbers but on tape. Below 0: not yet anywhere.
    place: f64,
    /// Where a fade goes.
    next: u32,
    /// How far the fade has come [frames]; 0 where there is none.
    faded: u32,
}

impl<L: Lanes> Make for Delay<L> {
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "built off the audio thread")]
    fn make(prepare: &Prepare<'_>) -> Self {
        let longest = LONGEST * prepare.rate;
        let lane = || Lane { line: Line::new(longest as usize + 4), place: -1.0, next: 0, faded: 0 };
        Self {
            tape: prepare.settings.choice(MODE) == 1,
            rate: prepare.rate,
            longest,
            fade_step: 1.0 / (FADE * prepare.rate),
            follow: 1.0 / (LAG * f64::from(prepare.rate)),
            swinging: OnePole::new(L::splat(one_pole_gain(5.0 / prepare.rate))),
            lanes: (0..L::WIDTH).map(|_| lane()).collect(),
            tone: L::default(),
            block: L::default(),
        }
    }
}

impl Lane {
    /// What the reader finds, and what goes around the loop (one frame old at least).
    #[inline(always)]
    fn crossfade(&mut self, wanted: f32, fade_step: f32) -> Reading {
        let wanted = (wanted + 0.5) as u32;
        if self.place < 0.0 {
            self.place = f64::from(wanted);
        }
        let place = self.place as u32;
        if self.faded == 0 && wanted != place {
            self.next = wanted;
            self.faded = 1;
        }
        if self.faded == 0 {
            return Reading { echo: self.line.ago(place.max(1)), fresh: if place == 0 { 1.0 } else { 0.0 } };
        }
        let part = self.faded as f32 * fade_step;
        let root = sin_turn(0.25 * part);
        let (new, old) = (root * root, 1.0 - root * root);
        let fresh = if place == 0 { old } else { 0.0 } + if self.next == 0 { new } else { 0.0 };
        let echo = self.line.ago(place.max(1)) * old + self.line.ago(self.next.max(1)) * new;
        self.faded += 1;
        if part >= 1.0 {
            self.place = f64::from(self.next);
            self.faded = 0;
        }
        Reading { echo, fresh }
    }

    #[inline(always)]
    fn tape(&mut self, wanted: f32, follow: f64) -> Reading {
        let wanted = f64::from(if wanted > 2.0 { wanted } else { 2.0 });
        if self.place < 0.0 {
            self.place = wanted;
        }
        let step = (wanted - self.place) * follow;
        let step = if step < SPEED { step } else { SPEED };
        self.place += if step > -SPEED { step } else { -SPEED };
        let whole = self.place as u32;
        Reading { echo: self.line.between(whole, (self.place - f64::from(whole)) as f32), fresh: 0.0 }
    }
}

/// What a reader finds.
struct Reading {
    /// In the memory.
    echo: f32,
    /// How much of the reader stands at time 0, where what just comes in is its own echo.
    fresh: f32,
}

/// As it is up to ±1, softly held below ±2 beyond. No question is asked in it, so that many can be worked out at once.
#[inline(always)]
fn soft<L: Lanes>(x: L) -> L {
    x.map(|x| {
        let level = f32::from_bits(x.to_bits() & 0x7fff_ffff);
        let over = if level > 1.0 { level - 1.0 } else { 0.0 };
        let held = if level < 1.0 { level } else { 1.0 } + over / (1.0 + over);
        f32::from_bits(held.to_bits() | x.to_bits() & 0x8000_0000)
    })
}

impl<L: Lanes> Kernel<L> for Delay<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        for lane in lanes.lanes().take_while(|lane| *lane < L::WIDTH) {
            let lane = &mut self.lanes[lane];
            lane.line.forget();
            lane.place = -1.0;
            lane.faded = 0;
        }
        self.tone = L::default().pick(lanes, self.tone);
        self.block = L::default().pick(lanes, self.block);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let inputs = Inputs {
            input: io.input(IN),
            time: io.input(TIME),
            feedback: io.input(FEEDBACK),
            tone: io.input(TONE),
            mix: io.input(MIX),
        };
        let per_hertz = L::splat(1.0 / self.rate);
        let held_gain = inputs.tone.held().map(|hertz| (hertz * per_hertz).map(one_pole_gain));
        let frames = io.frames();
        let [out, wet] = io.outputs();
        let mut from = 0;
        while from < frames {
            let to = frames.min(from + SPAN);
            match (inputs.time.held(), held_gain, inputs.tone.held()) {
                (Some(seconds), Some(gain), Some(hertz)) if self.stands(self.wanted(seconds), to - from) => {
                    let loop_tone = (gain, open(hertz));
                    let (out, wet) = (&mut out[from..to], &mut wet[from..to]);
                    match (out.first_chunk_mut::<SPAN>(), wet.first_chunk_mut::<SPAN>()) {
                        (Some(out), Some(wet)) => self.run_span(&inputs, from, loop_tone, out, wet),
                        _ => self.run_span(&inputs, from, loop_tone, out, wet),
                    }
                }
                _ => (from..to).for_each(|frame| self.run_frame(&inputs, frame, held_gain, &mut out[frame], &mut wet[frame])),
            }
            from = to;
        }
    }
}

/// What a delay hears.
struct Inputs<'a, L> {
    input: Signal<'a, L>,
    time: Signal<'a, L>,
    feedback: Signal<'a, L>,
    tone: Signal<'a, L>,
    mix: Signal<'a, L>,
}

/// How far `tone` is open: above 16 kHz it lets more and more pass untouched.
#[inline(always)]
fn open<L: Lanes>(hertz: L) -> L {
    hertz.map(|hertz| (hertz - 16_000.0) * (1.0 / 4_000.0)).clamp(0.0, 1.0)
}

impl<L: Lanes> Delay<L> {
    /// The place of a time [frames].
    #[inline(always)]
    fn wanted(&self, seconds: L) -> L {
        seconds.map(|seconds| seconds * self.rate).clamp(0.0, self.longest)
    }

    /// Whether every reader stands still where it is wanted, so far back that so many frames do not hear themselves.
    #[inline(always)]
    fn stands(&self, wanted: L, frames: usize) -> bool {
        !self.tape
            && self.lanes.iter().enumerate().all(|(at, lane)| {
                let place = (wanted.lane(at) + 0.5) as u32;
                lane.faded == 0 && lane.place == f64::from(place) && place as usize >= frames
            })
    }

    /// Around the loop: darker, and without what does not swing.
    #[inline(always)]
    fn swing(&mut self, echo: L, gain: L, open: L) -> L {
        let low = OnePole::new(gain).next(&mut self.tone, echo);
        let dark = low + (echo - low) * open;
        dark - self.swinging.next(&mut self.block, dark)
    }

    /// Some frames, [`SPAN`] at most, in which every reader stands still: the same as frame by frame.
    #[inline(always)]
    fn run_span(&mut self, inputs: &Inputs<'_, L>, from: usize, (gain, open): (L, L), out: &mut [L], wet: &mut [L]) {
        let frames = out.len();
        let (mut x, mut echo, mut back, mut share) = ([L::default(); SPAN], [L::default(); SPAN], [L::default(); SPAN], [L::default(); SPAN]);
        inputs.input.frames(from, &mut x[..frames]);
        inputs.feedback.frames(from, &mut back[..frames]);
        inputs.mix.frames(from, &mut share[..frames]);
        let mut newest = L::default();
        for (at, lane) in self.lanes.iter().enumerate() {
            let mut spare = [0.0; SPAN];
            let found = lane.line.stretch(lane.place as u32, &mut spare[..frames]);
            for (echo, x) in echo.iter_mut().zip(found) {
                echo.set_lane(at, *x);
            }
            newest.set_lane(at, lane.line.ago(1));
            // Its memory is long: the next span is sent for while this one is worked on.
            isa::soon(lane.line.place(2 * SPAN as i64 - lane.place as i64));
            isa::soon(lane.line.place(2 * SPAN as i64));
        }
        // As in `swing`, filter by filter: only what one frame takes over from the last is worked out frame by frame.
        let (mut write, mut rest) = ([L::default(); SPAN], [L::default(); SPAN]);
        OnePole::new(gain).run(&mut self.tone, &echo[..frames], &mut write);
        for at in 0..SPAN {
            write[at] = write[at] + (echo[at] - write[at]) * open;
        }
        self.swinging.run(&mut self.block, &write[..frames], &mut rest);
        for at in 0..SPAN {
            x[at] = x[at].map(tame);
            write[at] = x[at] + soft(write[at] - rest[at]) * back[at].clamp(-1.0, 1.0);
            end_frame::<L>();
        }
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let frame = |frame: usize| write[frame].lane(at);
            if frames == SPAN {
                lane.line.write_all(&std::array::from_fn::<f32, SPAN, _>(frame));
            } else {
                (0..frames).for_each(|at| lane.line.write(frame(at)));
            }
        }
        for at in 0..frames {
            let before = if at == 0 { newest } else { write[at - 1] };
            // Nothing of what comes in is heard at once; the sign of a zero is as if it might be.
            let heard = echo[at] + (write[at] - before) * L::splat(0.0);
            wet[at] = heard;
            out[at] = x[at] + (heard - x[at]) * share[at];
        }
    }

    #[inline(always)]
    fn run_frame(&mut self, inputs: &Inputs<'_, L>, frame: usize, held_gain: Option<L>, out: &mut L, wet: &mut L) {
        let x = inputs.input.at(frame).map(tame);
        let wanted = self.wanted(inputs.time.at(frame));
        let (mut echo, mut fresh, mut newest) = (L::default(), L::default(), L::default());
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let reading = match self.tape {
                true => lane.tape(wanted.lane(at), self.follow),
                false => lane.crossfade(wanted.lane(at), self.fade_step),
            };
            echo.set_lane(at, reading.echo);
            fresh.set_lane(at, reading.fresh);
            newest.set_lane(at, lane.line.ago(1));
        }
        let hertz = inputs.tone.at(frame);
        let gain = match held_gain {
            Some(gain) => gain,
            None => (hertz * L::splat(1.0 / self.rate)).map(one_pole_gain),
        };
        // It is held below a level, too.
        let write = x + soft(self.swing(echo, gain, open(hertz))) * inputs.feedback.at(frame).clamp(-1.0, 1.0);
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            lane.line.write(write.lane(at));
        }
        let heard = echo + (write - newest) * fresh;
        *wet = heard;
        *out = x + (heard - x) * inputs.mix.at(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    const RATE: f32 = 48_000.0;

    fn rig(mode: usize) -> Rig {
        let mut rig = Rig::of(&DEF, 1, Level::detect(), RATE, &Settings(vec![SettingValue::Choice(mode)]));
        rig.hold(MIX, 1.0).hold(FEEDBACK, 0.0);
        rig
    }

    #[test]
    fn the_echo_comes_on_its_frame() {
        for frames in [0usize, 1, 2, 63, 64, 65, 12_000, 240_000] {
            let mut rig = rig(0);
            let take = rig.hold(TIME, (frames as f64 / 48_000.0) as f32).play(IN, &[0.0, 0.75]).run(frames + 10, &Cuts::whole());
            for (time, x) in take.lane(1, 0).iter().enumerate() {
                assert_eq!(*x, if time == frames + 1 { 0.75 } else { 0.0 }, "{frames} frames, frame {time}");
            }
        }
    }

    #[test]
    fn each_echo_is_smaller_by_the_feedback() {
        for feedback in [0.5f32, -0.8] {
            let mut rig = rig(0);
            let take = rig.hold(TIME, 0.01).hold(FEEDBACK, feedback).play(IN, &[1.0]).run(4_800, &Cuts::whole());
            for echo in 1..9 {
                let level = take.lane(1, 0)[echo * 480];
                let want = feedback.powi(echo as i32 - 1);
                // The high-pass at 5 Hz takes a little of a single frame.
                assert!((level / want - 1.0).abs() < 0.003 * echo as f32, "{feedback}, echo {echo}: {level} {want}");
            }
        }
    }

    #[test]
    fn a_change_of_time_is_not_heard_as_a_step() {
        let mut rig = rig(0);
        rig.drive(IN, |time, _| 0.5 * libm::sin(std::f64::consts::TAU * 441.4 * time as f64 / 48_000.0) as f32);
        rig.drive(TIME, |time, _| if time < 48_000 { 0.25 } else { 0.4 });
        let take = rig.run(72_000, &Cuts::whole());
        let wet = take.lane(1, 0);
        let step = |from: usize, to: usize| wet[from..to].windows(2).map(|x| (x[1] - x[0]).abs()).fold(0.0, f32::max);
        assert!(step(47_000, 60_000) <= step(24_000, 40_000) * 1.000_1);
        // After the fade the new time is exact.
        assert_eq!(wet[60_000], 0.5 * libm::sin(std::f64::consts::TAU * 441.4 * (60_000.0 - 19_200.0) / 48_000.0) as f32);
    }

    #[test]
    fn an_endless_feedback_neither_dies_nor_grows() {
        let mut rig = rig(0);
        rig.hold(TIME, 0.1).hold(FEEDBACK, 1.0);
        rig.drive(IN, |time, _| if time < 48_000 { libm::sin(time as f64 * 0.2) as f32 } else { 0.0 });
        rig.run(96_000, &Cuts::whole());
        let power = |frames: &[f32]| frames.iter().map(|x| f64::from(x * x)).sum::<f64>();
        let soon = rig.run(48_000, &Cuts::whole());
        rig.run(480_000, &Cuts::whole());
        let late = rig.run(48_000, &Cuts::whole());
        assert!(late.lane(1, 0).iter().all(|x| x.abs() < 3.0));
        let lost = 10.0 * libm::log10(power(soon.lane(1, 0)) / power(late.lane(1, 0)));
        assert!((0.0..8.0).contains(&lost), "{lost} dB in ten seconds");
    }

    #[test]
    fn tape_bends_the_pitch_while_it_winds() {
        let mut rig = rig(1);
        rig.drive(IN, |time, _| libm::sin(std::f64::consts::TAU * 1_000.0 * time as f64 / 48_000.0) as f32);
        rig.drive(TIME, |time, _| if time < 48_000 { 0.5 } else { 0.2 });
        let take = rig.run(96_000, &Cuts::whole());
        let rises = |from: usize, to: usize| {
            (from + 1..to).filter(|&at| take.lane(1, 0)[at - 1] < 0.0 && take.lane(1, 0)[at] >= 0.0).count()
        };
        assert_eq!(rises(38_000, 47_600), 200);
        // 0.3 s nearer at 0.75 of the speed: for 0.4 s it sounds at 1.75 kHz.
        assert!((347..=353).contains(&rises(48_480, 58_080)), "{}", rises(48_480, 58_080));
        assert_eq!(rises(86_000, 95_600), 200);
    }

    #[test]
    fn what_is_not_finite_does_not_stay() {
        let mut rig = rig(0);
        rig.hold(TIME, 0.01).hold(FEEDBACK, 1.0).play(IN, &[f32::NAN, f32::INFINITY, 0.5]);
        assert!(rig.run(48_000, &Cuts::whole()).lane(1, 0).iter().all(|x| x.is_finite()));
    }
}
