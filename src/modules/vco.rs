//! Oscillator.

use std::ops::Range;

use crate::dsp::blep::{Bare, Late, Mended, RUN, Residuals, TAPS, moved, run_from};
use crate::dsp::ints::Ints;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::dsp::math::sin_half_turn;
use crate::dsp::phase::TURN;
use crate::dsp::waves::{self, EVENTS, Events, QUARTER, WAVES, Way, is_high, reached, saw, saw_jump, threshold, triangle};
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed, Signal};
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

/// Events of a run that are kept until its bare frames are in; where there may be more, a run is one frame.
const LATE: usize = 128;

/// The ways of the last [`TAPS`] frames, the newest last, so that a wave that nobody heard can be caught up with. All but
/// `sync` have one more: where the last way ends and how far the next goes.
struct Past<L> {
    phase: [Ints<L>; TAPS + 1],
    step: [Ints<L>; TAPS + 1],
    sync: [L; TAPS],
    width: [Ints<L>; TAPS + 1],
}

impl<L: Lanes> Past<L> {
    /// Makes room for so many frames at the end; gives where they begin.
    #[inline(always)]
    fn shift(&mut self, frames: usize) -> usize {
        if frames < TAPS {
            self.phase.copy_within(frames.., 0);
            self.step.copy_within(frames.., 0);
            self.sync.copy_within(frames.., 0);
            self.width.copy_within(frames.., 0);
        } else {
            self.phase[0] = self.phase[TAPS];
            self.step[0] = self.step[TAPS];
            self.width[0] = self.width[TAPS];
        }
        TAPS - frames
    }

    #[inline(always)]
    fn way(&self, at: usize, lane: usize) -> Way {
        Way {
            from: self.phase[at].lane(lane),
            step: self.step[at].lane(lane),
            sync: *self.sync[at].lane_ref(lane),
            widths: [self.width[at].lane(lane), self.width[at + 1].lane(lane)],
        }
    }
}

/// The course of the phase through some frames.
trait Course<L> {
    /// Its steps through time.
    type Walk: Walk<L>;
    /// From a frame on.
    fn walk(&self, begin: usize) -> Self::Walk;
    /// One lane's way to a frame.
    fn way(&self, frame: usize, lane: usize) -> Way;
}

/// Goes through a course frame by frame.
trait Walk<L> {
    /// Goes on to a frame of the run: where the way begins, where it ends, how far it goes.
    fn next(&mut self, frame: usize) -> [Ints<L>; 3];
    /// Bounds of the square at both ends of the way to this frame.
    fn widths(&self, frame: usize) -> [Ints<L>; 2];
    /// When it goes back to 0.
    fn sync(&self, frame: usize) -> L;
}

/// Nothing moves and no sync comes.
#[derive(Clone, Copy)]
struct Even<L> {
    phase: Ints<L>,
    step: Ints<L>,
    width: Ints<L>,
}

impl<L: Lanes> Course<L> for Even<L> {
    type Walk = Self;
    #[inline(always)]
    fn walk(&self, begin: usize) -> Self {
        Self { phase: self.phase.plus(self.step.times(begin as i32)), ..*self }
    }
    #[inline(always)]
    fn way(&self, frame: usize, lane: usize) -> Way {
        let step = self.step.lane(lane);
        let from = self.phase.lane(lane).wrapping_add(step.wrapping_mul(frame as i32));
        Way { from, step, sync: -1.0, widths: [self.width.lane(lane); 2] }
    }
}

impl<L: Lanes> Walk<L> for Even<L> {
    #[inline(always)]
    fn next(&mut self, frame: usize) -> [Ints<L>; 3] {
        if L::WIDTH == 1 {
            // Whole numbers: so the frames are worked out side by side.
            let from = self.phase.plus(self.step.times(frame as i32));
            return [from, from.plus(self.step), self.step];
        }
        let from = self.phase;
        self.phase = from.plus(self.step);
        [from, self.phase, self.step]
    }
    #[inline(always)]
    fn widths(&self, _: usize) -> [Ints<L>; 2] {
        [self.width; 2]
    }
    #[inline(always)]
    fn sync(&self, _: usize) -> L {
        L::splat(-1.0)
    }
}

/// Ways that stand in [`Past`], from a place there on.
struct Written<'a, L> {
    past: &'a Past<L>,
    at: usize,
}

impl<'a, L: Lanes> Course<L> for Written<'a, L> {
    type Walk = Self;
    #[inline(always)]
    fn walk(&self, begin: usize) -> Self {
        Self { past: self.past, at: self.at + begin }
    }
    #[inline(always)]
    fn way(&self, frame: usize, lane: usize) -> Way {
        self.past.way(self.at + frame, lane)
    }
}

impl<L: Lanes> Walk<L> for Written<'_, L> {
    #[inline(always)]
    fn next(&mut self, frame: usize) -> [Ints<L>; 3] {
        let at = self.at + frame;
        [self.past.phase[at], self.past.phase[at + 1], self.past.step[at]]
    }
    #[inline(always)]
    fn widths(&self, frame: usize) -> [Ints<L>; 2] {
        let at = self.at + frame;
        [self.past.width[at], self.past.width[at + 1]]
    }
    #[inline(always)]
    fn sync(&self, frame: usize) -> L {
        self.past.sync[self.at + frame]
    }
}

/// One bare wave along a course.
struct Wave<W, const WAVE: usize>(W);

impl<L: Lanes, W: Walk<L>, const WAVE: usize> Bare<L> for Wave<W, WAVE> {
    #[inline(always)]
    fn frame(&mut self, frame: usize) -> L {
        let [_, to, _] = self.0.next(frame);
        match WAVE {
            waves::SAW => to.to_lanes(saw),
            waves::SQUARE => {
                let high = to.zip(self.0.widths(frame)[1], |phase, width| i32::from(is_high(phase, width)));
                high.to_lanes(|high| if high == 1 { 1.0 } else { -1.0 })
            }
            waves::TRIANGLE => to.to_lanes(triangle),
            _ => to.to_lanes(|phase| sin_half_turn(phase as f32 * (1.0 / TURN))),
        }
    }
}

/// What an event adds later to frames that have their bare wave then.
#[derive(Clone, Copy, Default)]
struct Debt {
    wave: u8,
    frame: u8,
    lane: u8,
    late: Late,
}

/// The waves on their way out.
struct Sound<L> {
    residuals: &'static Residuals,
    /// Where on their rings the next frame lies.
    place: usize,
    waves: [Mended<L>; WAVES],
    debts: [Debt; LATE],
    debt_count: usize,
}

impl<L: Lanes> Sound<L> {
    /// Where on their ways through a run lanes have events: bit t is frame t.
    #[inline(always)]
    fn busy(course: &impl Course<L>, wants: [bool; WAVES], syncs: bool, frames: usize) -> Ints<L> {
        let mut walk = course.walk(0);
        let mut busy = Ints::splat(0);
        for frame in 0..frames {
            let [from, to, step] = walk.next(frame);
            let mut now = Ints::splat(0);
            if syncs {
                now = Ints::from_mask(walk.sync(frame).gt(L::splat(-0.5)));
            }
            if wants[waves::SAW] {
                let turned = from.zip(to, |a, b| a ^ b).zip(step.zip(to, |a, b| a ^ b), |a, b| a & b);
                now = now.zip(turned, |a, b| a | b);
            }
            if wants[waves::SQUARE] {
                let [width_from, width_to] = walk.widths(frame);
                let edge = |phase: Ints<L>, width: Ints<L>| phase.zip(width, |phase, width| -i32::from(is_high(phase, width)));
                let changed = edge(from, width_from).zip(edge(to, width_to), |a, b| a ^ b);
                let passed = from.zip(to, |a, b| a ^ b);
                now = now.zip(changed, |a, b| a | b).zip(passed, |a, b| a | b);
            }
            if wants[waves::TRIANGLE] {
                let corner = from.zip(to, |a, b| a.wrapping_add(QUARTER) ^ b.wrapping_add(QUARTER));
                now = now.zip(corner, |a, b| a | b);
            }
            busy = busy.zip(now, |busy, now| ((busy as u32) >> 1) as i32 | now & i32::MIN);
        }
        let unused = (RUN - frames) as u32;
        busy.map(|busy| ((busy as u32) >> unused) as i32)
    }

    /// Works out a run of these waves.
    #[inline(always)]
    fn run(&mut self, course: &impl Course<L>, wants: [bool; WAVES], syncs: bool, frames: usize, out: &mut [&mut [L]; WAVES]) {
        let events_in_a_way = match (syncs, wants) {
            (true, _) => EVENTS,
            (false, [saw, square, triangle, _]) => usize::from(saw) + 3 * usize::from(square) + 2 * usize::from(triangle),
        };
        let saw_alone = events_in_a_way == 1;
        let (mut list, mut count, mut ways) = ([(0u32, 0usize); RUN], 0, 0);
        if events_in_a_way > 0 {
            let busy = Self::busy(course, wants, syncs, frames);
            for lane in 0..L::WIDTH {
                let frames = busy.lane(lane) as u32;
                list[count % RUN] = (frames, lane);
                count += usize::from(frames != 0);
                ways += frames.count_ones() as usize;
            }
        }
        let piece = if ways * events_in_a_way > LATE { 1 } else { frames };
        let mut begin = 0;
        while begin < frames {
            self.debt_count = 0;
            for &(busy, lane) in &list[..count] {
                let mut rest = if piece == frames { busy } else { busy & 1 << begin };
                while rest != 0 {
                    let frame = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    let way = course.way(frame, lane);
                    if saw_alone {
                        let (time, amount) = saw_jump(way.from, way.step);
                        self.mend(waves::SAW, false, lane, frame - begin, piece, time, amount);
                    } else {
                        for event in Events::of(&way, wants).all() {
                            if wants[event.wave] {
                                self.mend(event.wave, event.corner, lane, frame - begin, piece, event.time, event.amount);
                            }
                        }
                    }
                }
            }
            let range = begin..begin + piece;
            let [saw, square, triangle, sine] = out;
            if wants[waves::SAW] {
                let mut bare = Wave::<_, { waves::SAW }>(course.walk(begin));
                self.waves[waves::SAW].give(self.place, &mut saw[range.clone()], &mut bare);
            }
            if wants[waves::SQUARE] {
                let mut bare = Wave::<_, { waves::SQUARE }>(course.walk(begin));
                self.waves[waves::SQUARE].give(self.place, &mut square[range.clone()], &mut bare);
            }
            if wants[waves::TRIANGLE] {
                let mut bare = Wave::<_, { waves::TRIANGLE }>(course.walk(begin));
                self.waves[waves::TRIANGLE].give(self.place, &mut triangle[range.clone()], &mut bare);
            }
            if wants[waves::SINE] {
                let mut bare = Wave::<_, { waves::SINE }>(course.walk(begin));
                self.waves[waves::SINE].give(self.place, &mut sine[range.clone()], &mut bare);
            }
            for debt in &self.debts[..self.debt_count] {
                let Debt { wave, frame, lane, late } = debt;
                let wave = *wave as usize % WAVES;
                self.waves[wave].mend_late(self.place, &mut out[wave][range.clone()], *frame as usize, *lane as usize, late);
            }
            self.place = moved(self.place, piece);
            begin += piece;
        }
    }

    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "one event in a frame of a piece of a run")]
    fn mend(&mut self, wave: usize, corner: bool, lane: usize, frame: usize, piece: usize, time: f32, amount: f32) {
        let slot = moved(self.place, frame);
        let late = self.waves[wave].mend(self.residuals, corner, slot, lane, time, amount);
        if piece == 1 {
            // The bare frames before this one are in already.
            self.waves[wave].mend_late(slot, &mut [], 0, lane, &late);
        } else if let Some(debt) = self.debts.get_mut(self.debt_count) {
            *debt = Debt { wave: wave as u8, frame: frame as u8, lane: lane as u8, late };
            self.debt_count += 1;
        }
    }
}

struct Vco<L> {
    /// Steps of the phase a frame and Hz.
    per_hertz: f32,
    phase: Ints<L>,
    /// What the phase goes by the next frame.
    step: Ints<L>,
    width: Ints<L>,
    sync: L,
    past: Past<L>,
    /// Frames of an even course that `past` does not have yet.
    owed: usize,
    /// The waves that were wanted last.
    heard: [bool; WAVES],
    sound: Sound<L>,
}

/// A wave that has stood still at phase 0.
fn resting<L: Lanes>(wave: usize) -> L {
    L::splat(if wave == waves::SQUARE { 1.0 } else { 0.0 })
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
            past: Past { phase: [zero; TAPS + 1], step: [zero; TAPS + 1], sync: [L::splat(-1.0); TAPS], width: [zero; TAPS + 1] },
            owed: 0,
            heard: [false; WAVES],
            sound: Sound {
                residuals: Residuals::shared(),
                place: 0,
                waves: std::array::from_fn(|wave| Mended::new(resting(wave))),
                debts: [Debt::default(); LATE],
                debt_count: 0,
            },
        }
    }
}

/// Steps of the phase a frame.
#[inline(always)]
fn step_of<L: Lanes>(per_hertz: f32, pitch: L, fm: L) -> Ints<L> {
    // Half a turn a frame is the end; the greatest `f32` below it keeps the whole number in range.
    Ints::rounded(pitch.zip(fm, |pitch, fm| (pitch + pitch * fm) * per_hertz).clamp(-2_147_483_520.0, 2_147_483_520.0))
}

impl<L: Lanes> Vco<L> {
    /// Writes down the even frames that were only counted.
    fn settle(&mut self) {
        let frames = if self.owed < TAPS { self.owed } else { TAPS };
        self.owed = 0;
        if frames == 0 {
            return;
        }
        for at in self.past.shift(frames)..TAPS {
            self.past.phase[at] = self.phase.minus(self.step.times((TAPS - at) as i32));
            self.past.step[at] = self.step;
            self.past.sync[at] = L::splat(-1.0);
            self.past.width[at] = self.width;
        }
        self.past.phase[TAPS] = self.phase;
        self.past.step[TAPS] = self.step;
        self.past.width[TAPS] = self.width;
    }

    /// Makes waves that are wanted from now on what they would be had they been wanted before.
    fn listen(&mut self, wants: [bool; WAVES]) {
        self.settle();
        let fresh = std::array::from_fn(|wave| wants[wave] && !self.heard[wave]);
        self.heard = wants;
        let now = self.sound.place;
        self.sound.place = moved(now, TAPS);
        for (wave, _) in self.sound.waves.iter_mut().zip(fresh).filter(|(_, fresh)| *fresh) {
            wave.start(self.sound.place, LaneMask::ALL, L::splat(0.0));
        }
        let mut at = 0;
        while at < TAPS {
            let mut unheard = [[L::splat(0.0); RUN]; WAVES];
            let frames = run_from(self.sound.place).min(TAPS - at);
            let mut out = unheard.each_mut().map(|out| &mut out[..frames]);
            self.sound.run(&Written { past: &self.past, at }, fresh, true, frames, &mut out);
            at += frames;
        }
        self.sound.place = now;
    }
}

/// A function of two signals in some frames of the call.
#[inline(always)]
fn each<L: Lanes>(a: Signal<'_, L>, b: Signal<'_, L>, range: Range<usize>, mut f: impl FnMut(usize, L, L)) {
    match (a, b) {
        (Signal::Held(a), Signal::Held(b)) => {
            for (at, _) in range.enumerate() {
                f(at, a, b);
            }
        }
        (Signal::Moving(a), Signal::Held(b)) => {
            for (at, a) in a[range].iter().enumerate() {
                f(at, *a, b);
            }
        }
        (Signal::Held(a), Signal::Moving(b)) => {
            for (at, b) in b[range].iter().enumerate() {
                f(at, a, *b);
            }
        }
        (Signal::Moving(a), Signal::Moving(b)) => {
            for (at, (a, b)) in a[range.clone()].iter().zip(&b[range]).enumerate() {
                f(at, *a, *b);
            }
        }
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
        let zero = Ints::splat(0);
        self.phase = zero.pick(lanes, self.phase);
        self.step = zero.pick(lanes, self.step);
        self.width = zero.pick(lanes, self.width);
        self.sync = L::splat(0.0).pick(lanes, self.sync);
        let past = &mut self.past;
        for ints in past.phase.iter_mut().chain(&mut past.step).chain(&mut past.width) {
            *ints = zero.pick(lanes, *ints);
        }
        for sync in &mut past.sync {
            *sync = L::splat(-1.0).pick(lanes, *sync);
        }
        for (wave, mended) in self.sound.waves.iter_mut().enumerate() {
            mended.start(self.sound.place, lanes, resting(wave));
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (pitch, fm, width, sync) = (io.input(PITCH), io.input(FM), io.input(PULSE_WIDTH), io.input(SYNC));
        let wants = [SAW, SQUARE, TRIANGLE, SINE].map(|wave| io.wants(wave));
        if wants != self.heard {
            self.listen(wants);
        }
        let frames = io.frames();
        let mut outputs = io.outputs::<WAVES>();
        let steady = match (pitch.held(), fm.held(), width.held(), sync.held()) {
            (Some(pitch), Some(fm), Some(width), Some(sync)) => {
                let even = step_of(self.per_hertz, pitch, fm).is(self.step) && threshold(width).is(self.width);
                even && !passes(self.sync, sync).gt(L::splat(-0.5)).any()
            }
            _ => false,
        };
        let mut done = 0;
        while done < frames {
            let run = run_from(self.sound.place).min(frames - done);
            let mut out = outputs.each_mut().map(|out| &mut out[done..done + run]);
            if steady {
                let course = Even { phase: self.phase, step: self.step, width: self.width };
                self.sound.run(&course, wants, false, run, &mut out);
                self.phase = self.phase.plus(self.step.times(run as i32));
                self.owed += run;
            } else {
                self.settle();
                let syncs = self.write(pitch, fm, width, sync, done, run);
                self.sound.run(&Written { past: &self.past, at: TAPS - run }, wants, syncs, run, &mut out);
            }
            done += run;
        }
        self.sync = sync.at(frames - 1);
    }
}

impl<L: Lanes> Vco<L> {
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
        each(pitch, fm, range.clone(), |at, pitch, fm| self.past.step[begin + 1 + at] = step_of(self.per_hertz, pitch, fm));
        let mut passing = L::Mask::default();
        if sync.held().is_none() || done == 0 {
            let mut last = if done == 0 { self.sync } else { sync.at(done - 1) };
            for at in 0..run {
                let next = sync.at(done + at);
                let pass = passes(last, next);
                self.past.sync[begin + at] = pass;
                passing = passing.or(pass.gt(L::splat(-0.5)));
                last = next;
            }
        } else {
            self.past.sync[begin..].fill(L::splat(-1.0));
        }
        match width {
            Signal::Held(width) => self.past.width[begin + 1..].fill(threshold(width)),
            Signal::Moving(width) => {
                for (at, width) in width[range].iter().enumerate() {
                    self.past.width[begin + 1 + at] = threshold(*width);
                }
            }
        }
        let syncs = passing.any();
        for at in begin..TAPS {
            let (from, step) = (self.past.phase[at], self.past.step[at]);
            self.past.phase[at + 1] = if syncs { reached(from, step, self.past.sync[at]) } else { from.plus(step) };
        }
        (self.phase, self.step, self.width) = (self.past.phase[TAPS], self.past.step[TAPS], self.past.width[TAPS]);
        syncs
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
