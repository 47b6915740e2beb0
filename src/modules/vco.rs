//! Oscillator.

use crate::base::time::BLOCK;
use crate::dsp::blep::{DELAY, TAPS};
use crate::dsp::course::{Even, Past, Written};
use crate::dsp::ints::Ints;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::dsp::phase::TURN;
use crate::dsp::sound::Sound;
use crate::dsp::waves::{WAVES, reached, threshold};
use crate::module::def::Category;
use crate::module::isa::whole;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed, Signal, Tone};
use crate::per_voice;

const PITCH: Input =
    Input::pitch(0, "pitch", "Pitch. Added octaves move it: vibrato, detune, exponential FM.").normalled(NoteSource::Pitch);
const FM: Input = Input::audio(1, "fm", "Through-zero linear FM: the frequency is the pitch's times 1 + fm, and may turn back.");
const PULSE_WIDTH: Input = Input::ratio(2, "pulse_width", 0.01, 0.99, 0.5, "Part of a turn for which the square is high.").smooth_ms(5.0);
const SYNC: Input = Input::audio(3, "sync", "Hard sync: the waves start anew where this crosses zero upwards.");
const SAW: Output = Output::audio(0, "saw", "Rising sawtooth wave.");
const SQUARE: Output = Output::audio(1, "square", "Square, or a pulse by `pulse_width`.");
const TRIANGLE: Output = Output::audio(2, "triangle", "Triangle wave.");
const SINE: Output = Output::audio(3, "sine", "Sine wave.");

/// The declaration.
pub static DEF: ModuleDef =
    ModuleDef::new("vco", Category::Source, "Band-limited oscillator with hard sync and through-zero FM.", per_voice!(Vco))
        .doc(
            "The classic voice's source: four waves of one phase, all starting at the phase where the sine rises through 0. In \
             `[voice.*]` it plays the note.\n\n\
             Mix waves in the input of a filter: `in = \"osc.saw * 0.7 + osc.square * 0.3\"`. Two of them a few cents apart \
             (`pitch = \"note.pitch + 7 ct\"`) are a fat one. An LFO times `20 ct` in the sum of `pitch` is vibrato; another \
             oscillator's sine times `2 oct` there is exponential FM. `fm = \"mod.sine * 3\"` is linear FM with an index of 3 at a \
             modulator of the same pitch; it passes through zero, so the pitch stays. An LFO on `pulse_width` makes one oscillator \
             sound like two. `sync = \"master.saw\"` locks this one to a master, and sweeping `pitch` then moves formants.\n\n\
             No pitch aliases: jumps and corners are band-limited where they fall between two frames, those of sync and pulse \
             width too. Frequencies beyond half the sample rate are held there. The waves come three frames late.\n\n\
             E. Brandt, *Hard Sync Without Aliasing*, 2001 (minimum-phase band-limited steps); F. Esqueda, V. Välimäki, S. Bilbao, \
             *Rounding Corners with BLAMP*, 2016. The step's low-pass is flat to 18 kHz and 108 dB down at 28 kHz (at 48 kHz).",
        )
        .inputs(&[PITCH, FM, PULSE_WIDTH, SYNC])
        .outputs(&[SAW, SQUARE, TRIANGLE, SINE]);

struct Vco<L> {
    /// Steps of the phase a frame and Hz.
    per_hertz: f32,
    phase: Ints<L>,
    /// What the phase goes by the next frame.
    step: Ints<L>,
    width: Ints<L>,
    sync: L,
    past: Past<L>,
    /// The course was even in the last call, and the inputs held these values.
    steady: bool,
    inputs: [L; 4],
    /// Frames of an even course that `past` does not have yet.
    owed: usize,
    /// Frames since which no sync came and since which the width is the same, in `past` too.
    unsynced: usize,
    same_width: usize,
    /// The waves that were wanted last.
    heard: [bool; WAVES],
    sound: Sound<L>,
}

impl<L: Lanes> Make for Vco<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        let zero = Ints::splat(0);
        Self {
            per_hertz: TURN / prepare.rate,
            phase: zero,
            step: zero,
            width: zero,
            sync: L::splat(0.0),
            past: Past::new(),
            steady: false,
            inputs: [L::splat(0.0); 4],
            owed: 0,
            unsynced: 0,
            same_width: 0,
            heard: [false; WAVES],
            sound: Sound::new(),
        }
    }
}

/// Steps of the phase a frame, the nearest whole number; half a turn is the end.
#[inline(always)]
fn step_of<L: Lanes>(per_hertz: f32, pitch: L, fm: L) -> Ints<L> {
    let steps = pitch.zip(fm, |pitch, fm| {
        let x = (pitch + pitch * fm) * per_hertz;
        x + f32::from_bits(x.to_bits() & 0x8000_0000 | 0x3f00_0000)
    });
    Ints::from_lanes(steps, whole)
}

impl<L: Lanes> Vco<L> {
    /// Writes down the even frames that were only counted.
    fn settle(&mut self) {
        let frames = if self.owed < TAPS { self.owed } else { TAPS };
        self.owed = 0;
        if frames == 0 {
            return;
        }
        self.past.go_on(&self.even(), frames);
    }

    /// Makes waves that are wanted from now on what they would be had they been wanted before.
    fn listen(&mut self, wants: [bool; WAVES]) {
        self.settle();
        let fresh = std::array::from_fn(|wave| wants[wave] && !self.heard[wave]);
        self.heard = wants;
        self.sound.catch_up(&self.past, fresh);
    }

    /// The course from here on while nothing moves.
    #[inline(always)]
    fn even(&self) -> Even<L> {
        Even { phase: self.phase, step: self.step, width: self.width }
    }
}

/// A signal over some frames, without asking in each whether it moves.
trait Frames<L>: Copy {
    fn frame(self, at: usize) -> L;
}

#[derive(Clone, Copy)]
struct Still<L>(L);

impl<L: Lanes> Frames<L> for Still<L> {
    #[inline(always)]
    fn frame(self, _: usize) -> L {
        self.0
    }
}

impl<L: Copy> Frames<L> for &[L] {
    #[inline(always)]
    fn frame(self, at: usize) -> L {
        self[at]
    }
}

/// When, between two frames, a signal passes 0 upwards on a straight line; −1 where it does not.
#[inline(always)]
fn passes<L: Lanes>(last: L, now: L) -> L {
    last.zip(now, |a, b| if (a <= 0.0) & (b > 0.0) { a / (a - b) } else { -1.0 })
}

impl<L: Lanes> Kernel<L> for Vco<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.settle();
        self.steady = false;
        self.same_width = 0;
        let zero = Ints::splat(0);
        self.phase = zero.pick(lanes, self.phase);
        self.step = zero.pick(lanes, self.step);
        self.width = zero.pick(lanes, self.width);
        self.sync = L::splat(0.0).pick(lanes, self.sync);
        self.past.reset(lanes);
        self.sound.reset(lanes, self.heard);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (pitch, fm, width, sync) = (io.input(PITCH), io.input(FM), io.input(PULSE_WIDTH), io.input(SYNC));
        let wants = [SAW, SQUARE, TRIANGLE, SINE].map(|wave| io.wants(wave));
        if wants != self.heard {
            self.listen(wants);
        }
        let frames = io.frames();
        let [saw, square, triangle, sine] = io.outputs::<WAVES>();
        let steady = match (pitch.held(), fm.held(), width.held(), sync.held()) {
            (Some(pitch), Some(fm), Some(width), Some(sync)) => self.is_steady([pitch, fm, width, sync]),
            _ => false,
        };
        self.steady &= steady;
        if steady
            && self.is_lone_sine()
            && let Ok(out) = <&mut [L; BLOCK]>::try_from(&mut *sine)
        {
            let course = self.even();
            self.sound.lone_sine(&course, out);
            self.phase = self.phase.plus(self.step.times(BLOCK as i32));
            self.owed += BLOCK;
            self.sync = sync.at(0);
            return;
        }
        let mut done = 0;
        while done < frames {
            let run = self.sound.room().min(frames - done);
            let end = done + run;
            let mut out = [&mut saw[done..end], &mut square[done..end], &mut triangle[done..end], &mut sine[done..end]];
            if steady {
                let course = self.even();
                self.sound.run(&course, wants, false, run, &mut out);
                self.phase = self.phase.plus(self.step.times(run as i32));
                self.owed += run;
            } else {
                self.settle();
                let syncs = self.write(pitch, fm, width, sync, done, run);
                self.sound.run(&Written { past: &self.past, at: TAPS - run }, wants, syncs, run, &mut out);
            }
            done = end;
        }
        self.sync = sync.at(frames - 1);
    }

    fn tone(&self) -> Option<Tone> {
        // The wave is late, so the first frames to come are older: they must have been even too.
        let goes_on = L::WIDTH == 1 && self.steady && self.owed >= DELAY && self.is_lone_sine();
        let (place, step) = (self.phase.lane(0), self.step.lane(0));
        goes_on.then(|| Tone { place: place.wrapping_sub(step.wrapping_mul(DELAY as i32 - 1)), step })
    }

    fn go_on(&mut self, frames: usize) {
        self.phase = self.phase.plus(self.step.times(frames as i32));
        self.owed += frames;
        self.sound.go_on(&self.even(), frames);
    }
}

impl<L: Lanes> Vco<L> {
    /// Whether nothing but the bare sine is heard, for as long as nothing moves.
    #[inline(always)]
    fn is_lone_sine(&self) -> bool {
        self.heard == [false, false, false, true] && self.sound.sine_is_smooth()
    }

    /// Whether the course goes on evenly under inputs that hold.
    #[inline(always)]
    fn is_steady(&mut self, inputs: [L; 4]) -> bool {
        if !(self.steady && (0..4).all(|at| Ints::bits(inputs[at]).is(Ints::bits(self.inputs[at])))) {
            let [pitch, fm, width, sync] = inputs;
            let even = step_of(self.per_hertz, pitch, fm).is(self.step) && threshold(width).is(self.width);
            self.steady = even && !passes(self.sync, sync).gt(L::splat(-0.5)).any();
            self.inputs = inputs;
        }
        self.steady
    }

    /// Writes down the ways of some frames of the call; whether there are syncs in them.
    #[inline(always)]
    fn write(
        &mut self,
        pitch: Signal<'_, L>,
        fm: Signal<'_, L>,
        width: Signal<'_, L>,
        sync: Signal<'_, L>,
        done: usize,
        run: usize,
    ) -> bool {
        let begin = self.past.shift(run);
        let range = done..done + run;
        let mut passing = L::Mask::default();
        let mut last = if done == 0 { self.sync } else { sync.at(done - 1) };
        if self.unsynced < TAPS || sync.held().is_none() || passes(last, sync.at(done)).gt(L::splat(-0.5)).any() {
            for at in 0..run {
                let next = sync.at(done + at);
                let pass = passes(last, next);
                self.past.sync[begin + at] = pass;
                passing = passing.or(pass.gt(L::splat(-0.5)));
                last = next;
            }
        }
        match width {
            Signal::Held(width) => {
                let width = threshold(width);
                if self.same_width < TAPS || !width.is(self.width) {
                    for at in begin + 1..=TAPS {
                        self.past.width[at] = width;
                    }
                    self.same_width = if width.is(self.width) { self.same_width + run } else { 0 };
                }
            }
            Signal::Moving(width) => {
                for (at, width) in width[range.clone()].iter().enumerate() {
                    self.past.width[begin + 1 + at] = threshold(*width);
                }
                self.same_width = 0;
            }
        }
        let syncs = passing.any();
        self.unsynced = if syncs { 0 } else { self.unsynced + run };
        match (pitch, fm) {
            (Signal::Held(pitch), Signal::Held(fm)) => self.write_ways(Still(pitch), Still(fm), begin, syncs),
            (Signal::Held(pitch), Signal::Moving(fm)) => self.write_ways(Still(pitch), &fm[range.clone()], begin, syncs),
            (Signal::Moving(pitch), Signal::Held(fm)) => self.write_ways(&pitch[range.clone()], Still(fm), begin, syncs),
            (Signal::Moving(pitch), Signal::Moving(fm)) => self.write_ways(&pitch[range.clone()], &fm[range.clone()], begin, syncs),
        }
        (self.phase, self.step, self.width) = (self.past.phase[TAPS], self.past.step[TAPS], self.past.width[TAPS]);
        syncs
    }

    #[inline(always)]
    fn write_ways(&mut self, pitch: impl Frames<L>, fm: impl Frames<L>, begin: usize, syncs: bool) {
        let past = &mut self.past;
        if L::WIDTH == 1 && !syncs {
            // One lane: the steps side by side, then what they add up to.
            for at in 0..TAPS - begin {
                past.step[begin + 1 + at] = step_of(self.per_hertz, pitch.frame(at), fm.frame(at));
            }
            for at in begin..TAPS {
                past.phase[at + 1] = past.phase[at].plus(past.step[at]);
            }
            return;
        }
        let (mut phase, mut step) = (past.phase[begin], past.step[begin]);
        for at in 0..TAPS - begin {
            phase = if syncs { reached(phase, step, past.sync[begin + at]) } else { phase.plus(step) };
            past.phase[begin + 1 + at] = phase;
            step = step_of(self.per_hertz, pitch.frame(at), fm.frame(at));
            past.step[begin + 1 + at] = step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::math::sin_turn;
    use crate::dsp::measure::{alias, amplitude, cents};
    use crate::module::rig::{Cuts, Rig};

    const ALL: usize = usize::MAX;
    /// No alias of the first folds lies near a harmonic of these at 48 kHz.
    const TONES: [f32; 5] = [441.13, 1_243.7, 2_639.1, 4_183.3, 7_907.9];

    /// Every output of a steady tone, once it has settled.
    fn tone(rate: f32, hertz: f32, width: f32, frames: usize) -> [Vec<f32>; 4] {
        let mut rig = Rig::new(&DEF, rate);
        rig.hold(PITCH, hertz).hold(PULSE_WIDTH, width);
        rig.run(2_048, &Cuts::whole());
        let take = rig.run(frames, &Cuts::whole());
        std::array::from_fn(|wave| take.lane(wave, 0).to_vec())
    }

    #[test]
    fn no_wave_aliases() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            for hertz in TONES {
                let waves = tone(rate, hertz, 0.5, 65_536);
                let pulse = &tone(rate, hertz, 0.2, 65_536)[SQUARE.index];
                for (name, wave) in [("saw", &waves[0]), ("square", &waves[1]), ("triangle", &waves[2]), ("pulse", pulse)] {
                    let alias = alias(wave, f64::from(rate), f64::from(hertz), ALL);
                    // At 44.1 kHz what lies just below 20 kHz is in the slope of the low-pass.
                    let most = if rate < 48_000.0 { -90.0 } else { -100.0 };
                    assert!(alias.worst < -115.0 && alias.total < most, "{name} of {hertz} Hz at {rate}: {alias:?}");
                }
            }
        }
    }

    #[test]
    fn harmonics_have_their_levels_to_the_top_octave() {
        for hertz in [110.0f32, 440.0] {
            let waves = tone(48_000.0, hertz, 0.5, 65_536);
            for wave in [SAW, SQUARE, TRIANGLE].map(|wave| wave.index) {
                // Odd harmonics only are looked at: 1/k, or 1/k² of the triangle.
                let ideal = |k: f64| if wave == TRIANGLE.index { 1.0 / (k * k) } else { 1.0 / k };
                let level = |k: usize| amplitude(&waves[wave], 48_000.0, f64::from(hertz) * k as f64);
                let first = level(1);
                let error = |k: usize| 20.0 * libm::log10(level(k) / first / ideal(k as f64));
                for k in (3..=19).step_by(2) {
                    assert!(error(k).abs() < 0.02, "output {wave}, {hertz} Hz, harmonic {k}: {} dB off", error(k));
                }
                let top = (18_000.0 / hertz) as usize / 2 * 2 - 1;
                assert!(error(top).abs() < 0.3, "output {wave}, {hertz} Hz, harmonic {top}: {} dB off", error(top));
            }
        }
    }

    #[test]
    fn pitch_holds_for_twenty_seconds() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            for hertz in [55.0, 440.0, 3_520.0] {
                let off = cents(&tone(rate, hertz, 0.5, 20 * rate as usize)[0], f64::from(rate), f64::from(hertz));
                assert!(off.abs() < 0.000_5, "{hertz} Hz at {rate}: {off} cents");
            }
        }
    }

    #[test]
    fn the_sine_is_clean() {
        let sine = &tone(48_000.0, 997.0, 0.5, 65_536)[SINE.index];
        let distortion = alias(sine, 48_000.0, 997.0, 1);
        assert!(distortion.total < -125.0, "{distortion:?}");
    }

    #[test]
    fn no_wave_of_any_pitch_has_an_offset_or_runs_away() {
        for hertz in [0.01, 20.0, 440.0, 5_000.0, 15_000.0, 24_000.0] {
            let waves = tone(48_000.0, hertz, 0.5, 96_000);
            for (wave, x) in waves.iter().enumerate() {
                let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / x.len() as f64;
                assert!(hertz < 1.0 || mean.abs() < 1e-3, "output {wave} at {hertz} Hz: offset {mean}");
                assert!(x.iter().all(|x| x.abs() < 1.6), "output {wave} at {hertz} Hz");
            }
        }
    }

    #[test]
    fn through_zero_fm_turns_back_and_keeps_the_pitch() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        // Index 3 at the carrier's own pitch: the frequency goes from −2 to 4 times the pitch.
        rig.hold(PITCH, 500.0).drive(FM, |time, _| 3.0 * sin_turn((time % 96) as f32 / 96.0));
        rig.run(4_800, &Cuts::whole());
        let take = rig.run(65_536, &Cuts::whole());
        let sine = take.lane(SINE.index, 0);
        // All that is there are harmonics of 500 Hz.
        let rest = alias(sine, 48_000.0, 500.0, ALL);
        assert!(rest.worst < -100.0, "{rest:?}");
        for (wave, heard) in take.0.iter().enumerate() {
            assert!(heard[0].iter().all(|x| x.abs() < 1.7), "output {wave}");
        }
    }

    #[test]
    fn sync_locks_to_the_master_between_frames_without_alias() {
        let master = 441.13;
        let mut rig = Rig::new(&DEF, 48_000.0);
        rig.hold(PITCH, 1_003.7).drive(SYNC, move |time, _| {
            let turn = master / 48_000.0 * time as f64;
            (turn.fract() - 0.5) as f32
        });
        rig.run(4_800, &Cuts::whole());
        let take = rig.run(65_536, &Cuts::whole());
        for (name, wave) in [("saw", SAW), ("square", SQUARE), ("triangle", TRIANGLE), ("sine", SINE)] {
            let rest = alias(take.lane(wave.index, 0), 48_000.0, master, ALL);
            assert!(rest.worst < -85.0 && rest.total < -70.0, "{name}: {rest:?}");
        }
    }

    #[test]
    fn a_moving_pulse_width_stays_clean_and_returns() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        // 441.13 Hz, its width moved at exactly a third of it: harmonics of the third are all that may be heard.
        let third = 441.13f64 / 3.0;
        rig.hold(PITCH, 441.13)
            .drive(PULSE_WIDTH, move |time, _| 0.5 + 0.4 * libm::sin(std::f64::consts::TAU * (third / 48_000.0 * time as f64)) as f32);
        rig.run(4_800, &Cuts::whole());
        let take = rig.run(65_536, &Cuts::whole());
        let rest = alias(take.lane(SQUARE.index, 0), 48_000.0, third, ALL);
        assert!(rest.worst < -75.0, "{rest:?}");
    }
}
