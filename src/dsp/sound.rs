//! The four classic waves of one phase, band-limited, on their way out.

use super::blep::{Bare, DELAY, Late, Mended, RUN, Residuals, TAPS, moved, run_from};
use super::course::{Course, Even, Found, Past, Walk, Written};
use super::ints::Ints;
use super::lanes::{LaneMask, Lanes, Truth};
use super::math::sin_of_place;
use super::waves::{self, EVENTS, Events, QUARTER, WAVES, is_high, saw, saw_jump, triangle};
use crate::base::time::BLOCK;

/// Events of a run that are kept until its bare frames are in; where there may be more, a run is one frame.
const LATE: usize = 128;

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
            _ => to.to_lanes(sin_of_place),
        }
    }
}

/// A bare wave that was worked out before.
struct Ready<'a, L>(&'a [L; BLOCK]);

impl<L: Lanes> Bare<L> for Ready<'_, L> {
    #[inline(always)]
    fn frame(&mut self, frame: usize) -> L {
        self.0[frame]
    }
}

/// What an event adds later to frames that have their bare wave then.
#[derive(Clone, Copy, Debug, Default)]
struct Debt {
    wave: u8,
    frame: u8,
    lane: u8,
    late: Late,
}

/// The waves on their way out.
#[derive(Clone)]
pub struct Sound<L> {
    residuals: &'static Residuals,
    /// Where on their rings the next frame lies.
    place: usize,
    waves: [Mended<L>; WAVES],
    debts: [Debt; LATE],
    debt_count: usize,
    /// Frames for which what a sync has mended of the sine may still be to come.
    rough: usize,
}

/// A wave that has stood still at phase 0.
fn resting<L: Lanes>(wave: usize) -> L {
    L::splat(if wave == waves::SQUARE { 1.0 } else { 0.0 })
}

impl<L: Lanes> Sound<L> {
    /// Of a phase that stood at 0. `[control]`
    pub fn new() -> Self {
        Self {
            residuals: Residuals::shared(),
            place: 0,
            waves: std::array::from_fn(|wave| Mended::new(resting(wave))),
            debts: [Debt::default(); LATE],
            debt_count: 0,
            rough: 0,
        }
    }

    /// Starts these lanes of the waves that are heard afresh; the others are caught up with when they are wanted. `[audio]`
    pub fn reset(&mut self, lanes: LaneMask, heard: [bool; WAVES]) {
        for (wave, mended) in self.waves.iter_mut().enumerate().filter(|(wave, _)| heard[*wave]) {
            mended.start(self.place, lanes, resting(wave));
        }
    }

    /// Makes fresh waves what they would be had they been wanted before. `[audio]`
    pub fn catch_up(&mut self, past: &Past<L>, fresh: [bool; WAVES]) {
        let now = self.place;
        self.place = moved(now, TAPS);
        for wave in 0..WAVES {
            if fresh[wave] {
                self.waves[wave].start(self.place, LaneMask::ALL, L::splat(0.0));
            }
        }
        let mut at = 0;
        while at < TAPS {
            let mut unheard = [[L::splat(0.0); RUN]; WAVES];
            let frames = run_from(self.place).min(TAPS - at);
            let mut out = unheard.each_mut().map(|out| &mut out[..frames]);
            self.run(&Written { past, at }, fresh, true, frames, &mut out);
            at += frames;
        }
        self.place = now;
    }

    /// Frames until a run must end. `[audio]`
    #[inline(always)]
    pub fn room(&self) -> usize {
        run_from(self.place)
    }

    /// Whether a sync has left nothing to mend of the sine. `[audio]`
    #[inline(always)]
    pub fn sine_is_smooth(&self) -> bool {
        self.rough == 0
    }

    /// A whole block of the sine alone, along an even course and with nothing to mend. `[audio]`
    #[inline(always)]
    pub fn lone_sine(&mut self, course: &Even<L>, out: &mut [L; BLOCK]) {
        let mut bare = Wave::<_, { waves::SINE }>(*course);
        let sine = &mut self.waves[waves::SINE];
        if L::WIDTH == 1 {
            let mut frames = [L::splat(0.0); BLOCK];
            for frame in 0..BLOCK {
                frames[frame] = bare.frame(frame);
            }
            sine.give_smooth(self.place, out, &mut Ready(&frames));
        } else {
            sine.give_smooth(self.place, out, &mut bare);
        }
        self.place = moved(self.place, BLOCK);
    }

    /// So many frames of the sine alone are over, and an even course begins here: what of it is late is still to come. `[audio]`
    pub fn go_on(&mut self, course: &Even<L>, frames: usize) {
        self.place = moved(self.place, frames);
        let late = course.step.times(DELAY as i32);
        let mut bare = Wave::<_, { waves::SINE }>(Even { phase: course.phase.minus(late), ..*course });
        let sine = &mut self.waves[waves::SINE];
        sine.start(self.place, LaneMask::ALL, L::splat(0.0));
        sine.wait(self.place, &mut bare);
    }

    /// Where on their ways through a run lanes have events: bit t is frame t.
    #[inline(always)]
    fn busy(course: &impl Course<L>, wants: [bool; WAVES], syncs: bool, frames: usize) -> Ints<L> {
        let mut walk = course.walk(0);
        let mut found = Found::new();
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
            found.put(frame, now);
        }
        found.bits(frames)
    }

    /// Works out a run of these waves; `syncs`: some may come. `[audio]`
    #[inline(always)]
    pub fn run(&mut self, course: &impl Course<L>, wants: [bool; WAVES], syncs: bool, frames: usize, out: &mut [&mut [L]; WAVES]) {
        let events_in_a_way = match (syncs, wants) {
            (true, _) => EVENTS,
            (false, [saw, square, triangle, _]) => usize::from(saw) + 3 * usize::from(square) + 2 * usize::from(triangle),
        };
        let saw_alone = events_in_a_way == 1;
        let (mut busy, mut busy_lanes, mut ways) = (Ints::splat(0), LaneMask::NONE, 0);
        if events_in_a_way > 0 {
            busy = if saw_alone { course.jumps(frames) } else { Self::busy(course, wants, syncs, frames) };
            busy_lanes = busy.not_zero().lanes();
            let mut lanes = busy_lanes;
            while let Some(lane) = lanes.take_first() {
                ways += busy.lane(lane).count_ones() as usize;
            }
        }
        let piece = if ways * events_in_a_way > LATE { 1 } else { frames };
        let mut begin = 0;
        while begin < frames {
            self.debt_count = 0;
            let mut lanes = busy_lanes;
            while let Some(lane) = lanes.take_first() {
                let busy = busy.lane(lane) as u32;
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
            self.rough = self.rough.saturating_sub(piece);
            begin += piece;
        }
    }

    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "one event in a frame of a piece of a run")]
    fn mend(&mut self, wave: usize, corner: bool, lane: usize, frame: usize, piece: usize, time: f32, amount: f32) {
        if wave == waves::SINE {
            self.rough = self.rough.max(frame + TAPS);
        }
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

impl<L: Lanes> Default for Sound<L> {
    fn default() -> Self {
        Self::new()
    }
}
