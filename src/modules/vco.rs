//! Oscillator.

use crate::dsp::blep::{Mended, Residuals, TAPS};
use crate::dsp::ints::Ints;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::dsp::math::sin_turn;
use crate::dsp::phase::{TURN, turns};
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed};
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

/// Steps in a quarter turn.
const QUARTER: i32 = 1 << 30;

/// The way of the phase from one frame to the next. The phase counts from −2³¹ to 2³¹, half a turn either way.
#[derive(Clone, Copy)]
struct Way<L> {
    from: Ints<L>,
    step: Ints<L>,
    /// When the phase goes back to 0, 0..1; −1 where it does not.
    sync: L,
    /// Bounds of the high part of the square, as [`threshold`] gives them.
    widths: [Ints<L>; 2],
}

/// One jump or corner of one wave between two frames.
#[derive(Clone, Copy, Default)]
struct Event {
    wave: usize,
    corner: bool,
    time: f32,
    amount: f32,
}

/// The jumps and corners of one lane between two frames: at most 3 of the square, 1 of the saw and 2 of the triangle on
/// either side of a sync, and 6 at the sync.
struct Events {
    list: [Event; 18],
    count: usize,
}

impl Events {
    #[inline(always)]
    fn push(&mut self, wave: Output, corner: bool, time: f32, amount: f32) {
        if let Some(event) = self.list.get_mut(self.count) {
            *event = Event { wave: wave.index, corner, time, amount };
            self.count += 1;
        }
    }
}

/// A stretch of the way in one lane without a sync in it.
#[derive(Clone, Copy)]
struct Leg {
    from: i32,
    step: i32,
    begin: f32,
    end: f32,
    widths: [i64; 2],
}

impl Leg {
    #[inline(always)]
    fn time(&self, part: f32) -> f32 {
        self.begin + (self.end - self.begin) * part
    }

    /// When a phase, moved by `shift`, passes half a turn.
    #[inline(always)]
    fn half(&self, shift: i32) -> Option<f32> {
        let from = self.from.wrapping_add(shift);
        let way = if self.step > 0 { (i32::MIN as u32).wrapping_sub(from as u32) } else { (from as u32).wrapping_sub(i32::MIN as u32) };
        from.checked_add(self.step).is_none().then(|| self.time(way as f32 / self.step.unsigned_abs() as f32))
    }

    /// When a phase, moved by `shift`, passes 0.
    #[inline(always)]
    fn zero(&self, shift: i32) -> Option<f32> {
        let from = self.from.wrapping_add(shift);
        let crosses = from.checked_add(self.step).is_some_and(|to| (to ^ from) < 0);
        crosses.then(|| self.time(from.unsigned_abs() as f32 / self.step.unsigned_abs() as f32))
    }

    /// Both edges of the square, which may move as well.
    #[inline(always)]
    fn edges(&self, events: &mut Events) {
        const WHOLE: i64 = 1 << 32;
        let [w0, w1] = self.widths;
        let from = i64::from(self.from as u32);
        let to = from + i64::from(self.step);
        // Where the turn ends the way goes on at its other end: up to two pieces.
        let wraps = !(0..WHOLE).contains(&to);
        let part = if !wraps {
            1.0
        } else if self.step > 0 {
            (WHOLE - from) as f32 / self.step as f32
        } else {
            from as f32 / self.step.unsigned_abs() as f32
        };
        let middle = w0 + ((w1 - w0) as f32 * part) as i64;
        let pieces = match (wraps, self.step > 0) {
            (false, _) => [(from, to, w0, w1, 0.0, 1.0), (0, 0, 1, 1, 1.0, 1.0)],
            (true, true) => [(from, WHOLE, w0, middle, 0.0, part), (0, to - WHOLE, middle, w1, part, 1.0)],
            (true, false) => [(from, 0, w0, middle, 0.0, part), (WHOLE, to + WHOLE, middle, w1, part, 1.0)],
        };
        for (a, b, wa, wb, begin, end) in pieces {
            let (was, is) = (a < wa, b < wb);
            if was != is {
                let crossing = (wa - a) as f32 / ((wa - a) - (wb - b)) as f32;
                events.push(SQUARE, false, self.time(begin + (end - begin) * crossing), if is { 2.0 } else { -2.0 });
            }
        }
        if wraps {
            events.push(SQUARE, false, self.time(part), if self.step > 0 { 2.0 } else { -2.0 });
        }
    }
}

/// Half a turn below the phase at which the square falls.
#[inline(always)]
fn threshold<L: Lanes>(width: L) -> Ints<L> {
    Ints::rounded(width.map(|width| (width - 0.5) * TURN))
}

#[inline(always)]
fn saw(phase: i32) -> f32 {
    phase as f32 * (2.0 / TURN)
}

#[inline(always)]
fn triangle(phase: i32) -> f32 {
    let saw = saw(phase);
    let size = f32::from_bits(saw.to_bits() & 0x7fff_ffff);
    let folded = if size > 0.5 { 2.0 - 2.0 * size } else { 2.0 * size };
    f32::from_bits(folded.to_bits() | saw.to_bits() & 0x8000_0000)
}

#[inline(always)]
fn is_high(phase: i32, threshold: i32) -> bool {
    (phase ^ i32::MIN) < threshold
}

struct Vco<L> {
    residuals: &'static Residuals,
    /// Steps of the phase a frame and Hz.
    per_hertz: f32,
    phase: Ints<L>,
    /// What the phase goes by the next frame.
    step: Ints<L>,
    width: Ints<L>,
    sync: L,
    /// The ways of the last frames, so that a wave that nobody heard can be caught up with.
    past: [Way<L>; TAPS],
    /// Where in `past` the next goes.
    at: usize,
    /// The waves that were wanted last.
    heard: [bool; 4],
    waves: [Mended<L>; 4],
}

impl<L: Lanes> Make for Vco<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        let zero = Ints::splat(0);
        Self {
            residuals: Residuals::shared(),
            per_hertz: TURN / prepare.rate,
            phase: zero,
            step: zero,
            width: zero,
            sync: L::splat(0.0),
            past: [Way { from: zero, step: zero, sync: L::splat(-1.0), widths: [zero; 2] }; TAPS],
            at: 0,
            heard: [false; 4],
            waves: std::array::from_fn(|wave| Mended::new(L::splat(if wave == SQUARE.index { 1.0 } else { 0.0 }))),
        }
    }
}

impl<L: Lanes> Vco<L> {
    #[inline(always)]
    fn step_of(&self, pitch: L, fm: L) -> Ints<L> {
        let per_hertz = self.per_hertz;
        // Half a turn a frame is the end; the greatest `f32` below it keeps the whole number in range.
        Ints::rounded(pitch.zip(fm, |pitch, fm| (pitch + pitch * fm) * per_hertz).clamp(-2_147_483_520.0, 2_147_483_520.0))
    }

    /// Goes one way with these waves, gives the next frame of each, and returns the phase reached.
    #[inline(always)]
    fn go(&mut self, way: &Way<L>, wants: [bool; 4], mut give: impl FnMut(Output, L)) -> Ints<L> {
        let mut to = way.from.plus(way.step);
        let mut busy = Ints::from_mask(way.sync.gt(L::splat(-0.5)));
        if wants[SAW.index] {
            let turned = way.from.zip(to, |a, b| a ^ b).zip(way.step.zip(to, |a, b| a ^ b), |a, b| a & b);
            busy = busy.zip(turned, |a, b| a | b);
        }
        if wants[SQUARE.index] {
            let edge = |phase: Ints<L>, width: Ints<L>| phase.zip(width, |phase, width| -i32::from(is_high(phase, width)));
            let changed = edge(way.from, way.widths[0]).zip(edge(to, way.widths[1]), |a, b| a ^ b);
            let passed = way.from.zip(to, |a, b| a ^ b);
            busy = busy.zip(changed, |a, b| a | b).zip(passed, |a, b| a | b);
        }
        if wants[TRIANGLE.index] {
            let corner = way.from.zip(to, |a, b| a.wrapping_add(QUARTER) ^ b.wrapping_add(QUARTER));
            busy = busy.zip(corner, |a, b| a | b);
        }
        let busy = busy.negative();
        if busy.any() {
            for lane in busy.lanes().lanes() {
                let reached = self.mend(way, lane, wants);
                to.set_lane(lane, reached);
            }
        }
        if wants[SAW.index] {
            give(SAW, self.waves[SAW.index].next(to.to_lanes(saw)));
        }
        if wants[SQUARE.index] {
            let high = to.zip(way.widths[1], |phase, width| i32::from(is_high(phase, width)));
            give(SQUARE, self.waves[SQUARE.index].next(high.to_lanes(|high| if high == 1 { 1.0 } else { -1.0 })));
        }
        if wants[TRIANGLE.index] {
            give(TRIANGLE, self.waves[TRIANGLE.index].next(to.to_lanes(triangle)));
        }
        if wants[SINE.index] {
            give(SINE, self.waves[SINE.index].next(to.to_lanes(|phase| sin_turn(phase as f32 * (1.0 / TURN)))));
        }
        to
    }

    /// Mends what happens on one lane's way; the phase reached.
    #[inline(always)]
    fn mend(&mut self, way: &Way<L>, lane: usize, wants: [bool; 4]) -> i32 {
        let (from, step, sync) = (way.from.lane(lane), way.step.lane(lane), *way.sync.lane_ref(lane));
        let widths = [0, 1].map(|end| i64::from(way.widths[end].lane(lane)) + (1 << 31));
        let slope = step.unsigned_abs() as f32 * (1.0 / TURN);
        let whole = Leg { from, step, begin: 0.0, end: 1.0, widths };
        if sync < 0.0 && !wants[SQUARE.index] && !wants[TRIANGLE.index] {
            // The saw alone: what the fat patches are made of.
            if let Some(time) = whole.half(0)
                && wants[SAW.index]
            {
                self.waves[SAW.index].mend(self.residuals, false, lane, time, if step > 0 { -2.0 } else { 2.0 });
            }
            return from.wrapping_add(step);
        }
        let mut events = Events { list: [Event::default(); 18], count: 0 };
        let (legs, count, reached) = if sync >= 0.0 {
            let middle = widths[0] + ((widths[1] - widths[0]) as f32 * sync) as i64;
            let first = Leg { step: (step as f32 * sync) as i32, end: sync, widths: [widths[0], middle], ..whole };
            let rest = Leg { from: 0, step: step.wrapping_sub(first.step), begin: sync, widths: [middle, widths[1]], ..whole };
            let before = from.wrapping_add(first.step);
            Self::jump(&mut events, before, step, middle, sync);
            ([first, rest], 2, rest.step)
        } else {
            ([whole; 2], 1, from.wrapping_add(step))
        };
        for leg in &legs[..count] {
            let up = leg.step > 0;
            if wants[SAW.index]
                && let Some(time) = leg.half(0)
            {
                events.push(SAW, false, time, if up { -2.0 } else { 2.0 });
            }
            if wants[SQUARE.index] {
                leg.edges(&mut events);
            }
            if wants[TRIANGLE.index] {
                if let Some(time) = leg.half(QUARTER) {
                    events.push(TRIANGLE, true, time, -8.0 * slope);
                }
                if let Some(time) = leg.zero(QUARTER) {
                    events.push(TRIANGLE, true, time, 8.0 * slope);
                }
            }
        }
        for event in &events.list[..events.count] {
            if wants[event.wave] {
                self.waves[event.wave].mend(self.residuals, event.corner, lane, event.time, event.amount);
            }
        }
        reached
    }

    /// What a sync does to each wave at this phase.
    #[inline(always)]
    fn jump(events: &mut Events, before: i32, step: i32, width: i64, time: f32) {
        let slope = step as f32 * (1.0 / TURN);
        events.push(SAW, false, time, -saw(before));
        if i64::from(before as u32) >= width {
            events.push(SQUARE, false, time, 2.0);
        }
        events.push(TRIANGLE, false, time, -triangle(before));
        // From the falling half of the triangle to the rising one.
        if before.wrapping_add(QUARTER) < 0 {
            events.push(TRIANGLE, true, time, 8.0 * slope);
        }
        let turn = turns(before);
        events.push(SINE, false, time, -sin_turn(turn));
        events.push(SINE, true, time, std::f32::consts::TAU * slope * (1.0 - sin_turn(turn + 0.25)));
    }

    /// Makes waves that are wanted from now on what they would be had they been wanted before.
    #[inline(always)]
    fn listen(&mut self, wants: [bool; 4]) {
        if wants == self.heard {
            return;
        }
        let fresh = std::array::from_fn(|wave| wants[wave] && !self.heard[wave]);
        self.heard = wants;
        for (wave, _) in self.waves.iter_mut().zip(fresh).filter(|(_, fresh)| *fresh) {
            *wave = Mended::new(L::splat(0.0));
        }
        for ago in 0..TAPS {
            let way = self.past[(self.at + ago) % TAPS];
            self.go(&way, fresh, |_, _| {});
        }
    }
}

impl<L: Lanes> Kernel<L> for Vco<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        let zero = Ints::splat(0);
        self.phase = zero.pick(lanes, self.phase);
        self.step = zero.pick(lanes, self.step);
        self.width = zero.pick(lanes, self.width);
        self.sync = L::splat(0.0).pick(lanes, self.sync);
        for way in &mut self.past {
            way.from = zero.pick(lanes, way.from);
            way.step = zero.pick(lanes, way.step);
            way.sync = L::splat(-1.0).pick(lanes, way.sync);
            way.widths = way.widths.map(|width| zero.pick(lanes, width));
        }
        for (wave, mended) in self.waves.iter_mut().enumerate() {
            mended.start(lanes, L::splat(if wave == SQUARE.index { 1.0 } else { 0.0 }));
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (pitch, fm, width, sync) = (io.input(PITCH), io.input(FM), io.input(PULSE_WIDTH), io.input(SYNC));
        let wants = [SAW, SQUARE, TRIANGLE, SINE].map(|wave| io.wants(wave));
        self.listen(wants);
        let moves = pitch.held().is_none() || fm.held().is_none();
        let mut next = self.step_of(pitch.at(0), fm.at(0));
        let mut way = Way { from: self.phase, step: self.step, sync: L::splat(-1.0), widths: [self.width, threshold(width.at(0))] };
        let mut last_sync = self.sync;
        let frames = io.frames();
        let outputs = io.outputs::<4>();
        #[allow(clippy::needless_range_loop, reason = "only the wanted outputs are written")]
        for frame in 0..frames {
            if frame > 0 && width.held().is_none() {
                way.widths[1] = threshold(width.at(frame));
            }
            // Where between the two frames it passed 0 on a straight line.
            let next_sync = sync.at(frame);
            way.sync = last_sync.zip(next_sync, |a, b| if (a <= 0.0) & (b > 0.0) { a / (a - b) } else { -1.0 });
            last_sync = next_sync;
            if frame + TAPS >= frames {
                let past = &mut self.past[self.at];
                past.from = way.from;
                past.step = way.step;
                past.sync = way.sync;
                past.widths[0] = way.widths[0];
                past.widths[1] = way.widths[1];
                self.at = (self.at + 1) % TAPS;
            }
            if frame > 0 && moves {
                next = self.step_of(pitch.at(frame), fm.at(frame));
            }
            way.from = self.go(&way, wants, |wave, x| outputs[wave.index][frame] = x);
            way.widths[0] = way.widths[1];
            way.step = next;
        }
        self.phase = way.from;
        self.step = way.step;
        self.width = way.widths[0];
        self.sync = last_sync;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
