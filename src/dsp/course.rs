//! The course of a phase through time, and the ways it went of late.
//!
//! A course is even, while nothing moves, or it was written down way by way.

use super::blep::{RUN, TAPS};
use super::ints::Ints;
use super::lanes::{LaneMask, Lanes};
use super::waves::Way;

/// The ways of the last [`TAPS`] frames, the newest last, so that a wave that nobody heard can be caught up with. All but
/// `sync` have one more: where the last way ends and how far the next goes.
#[derive(Clone, Debug)]
pub struct Past<L> {
    /// Where each way begins.
    pub phase: [Ints<L>; TAPS + 1],
    /// How far each goes.
    pub step: [Ints<L>; TAPS + 1],
    /// When each goes back to 0, 0..1; −1 where it does not.
    pub sync: [L; TAPS],
    /// Bounds of the square at the ends of the ways.
    pub width: [Ints<L>; TAPS + 1],
}

impl<L: Lanes> Past<L> {
    /// As if the phase had stood at 0. `[control]`
    pub fn new() -> Self {
        let zero = Ints::splat(0);
        Self { phase: [zero; TAPS + 1], step: [zero; TAPS + 1], sync: [L::splat(-1.0); TAPS], width: [zero; TAPS + 1] }
    }

    /// As if the phase of these lanes had stood at 0. `[audio]`
    pub fn reset(&mut self, lanes: LaneMask) {
        if lanes.is_one() {
            let mut lanes = lanes;
            while let Some(lane) = lanes.take_first() {
                for ints in self.phase.iter_mut().chain(&mut self.step).chain(&mut self.width) {
                    ints.set_lane(lane, 0);
                }
                for sync in &mut self.sync {
                    sync.set_lane(lane, -1.0);
                }
            }
            return;
        }
        let zero = Ints::splat(0);
        for ints in self.phase.iter_mut().chain(&mut self.step).chain(&mut self.width) {
            *ints = zero.pick(lanes, *ints);
        }
        for sync in &mut self.sync {
            *sync = L::splat(-1.0).pick(lanes, *sync);
        }
    }

    /// Writes down the last frames of an even course that ends here. `[audio]`
    pub fn go_on(&mut self, end: &Even<L>, frames: usize) {
        for at in self.shift(frames)..TAPS {
            self.phase[at] = end.phase.minus(end.step.times((TAPS - at) as i32));
            self.step[at] = end.step;
            self.sync[at] = L::splat(-1.0);
            self.width[at] = end.width;
        }
        (self.phase[TAPS], self.step[TAPS], self.width[TAPS]) = (end.phase, end.step, end.width);
    }

    /// Makes room for so many frames at the end; gives where they begin. `[audio]`
    #[inline(always)]
    pub fn shift(&mut self, frames: usize) -> usize {
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

    /// One lane's way. `[audio]`
    #[inline(always)]
    pub fn way(&self, at: usize, lane: usize) -> Way {
        Way {
            from: self.phase[at].lane(lane),
            step: self.step[at].lane(lane),
            sync: *self.sync[at].lane_ref(lane),
            widths: [self.width[at].lane(lane), self.width[at + 1].lane(lane)],
        }
    }
}

impl<L: Lanes> Default for Past<L> {
    fn default() -> Self {
        Self::new()
    }
}

/// The course of the phase through some frames. `[audio]` throughout.
pub trait Course<L> {
    /// Its steps through time.
    type Walk: Walk<L>;
    /// From a frame on.
    fn walk(&self, begin: usize) -> Self::Walk;
    /// One lane's way to a frame.
    fn way(&self, frame: usize, lane: usize) -> Way;
    /// Where on their ways through a run the lanes' saws jump, no sync coming: bit t is frame t.
    #[inline(always)]
    fn jumps(&self, frames: usize) -> Ints<L>
    where
        L: Lanes,
    {
        scan(&mut self.walk(0), frames)
    }
}

/// Where in a run something is true, lane by lane: bit t is frame t.
pub struct Found<L> {
    bits: Ints<L>,
    /// One lane's frames each by itself, so that they can be looked at side by side.
    alone: [i32; RUN],
}

impl<L: Lanes> Found<L> {
    /// Nowhere so far. `[audio]`
    #[inline(always)]
    pub fn new() -> Self {
        Self { bits: Ints::splat(0), alone: [0; RUN] }
    }

    /// The next frame: where the sign is set. `[audio]`
    #[inline(always)]
    pub fn put(&mut self, frame: usize, signs: Ints<L>) {
        if L::WIDTH == 1 {
            self.alone[frame] = signs.lane(0);
        } else {
            self.bits = self.bits.zip(signs, |bits, now| ((bits as u32) >> 1) as i32 | now & i32::MIN);
        }
    }

    /// After so many frames. `[audio]`
    #[inline(always)]
    pub fn bits(self, frames: usize) -> Ints<L> {
        if L::WIDTH == 1 {
            let mut bits = 0;
            for frame in 0..RUN {
                bits |= (self.alone[frame] as u32 >> 31) << frame;
            }
            return Ints::splat(bits as i32);
        }
        let unused = (RUN - frames) as u32;
        self.bits.map(|bits| ((bits as u32) >> unused) as i32)
    }
}

impl<L: Lanes> Default for Found<L> {
    fn default() -> Self {
        Self::new()
    }
}

/// Looks at every frame of a run for jumps of the saw.
#[inline(always)]
fn scan<L: Lanes>(walk: &mut impl Walk<L>, frames: usize) -> Ints<L> {
    let mut found = Found::new();
    for frame in 0..frames {
        let [from, to, step] = walk.next(frame);
        found.put(frame, from.zip(to, |a, b| a ^ b).zip(step.zip(to, |a, b| a ^ b), |a, b| a & b));
    }
    found.bits(frames)
}

/// Goes through a course frame by frame. `[audio]` throughout.
pub trait Walk<L> {
    /// Goes on to a frame of the run: where the way begins, where it ends, how far it goes.
    fn next(&mut self, frame: usize) -> [Ints<L>; 3];
    /// Bounds of the square at both ends of the way to this frame.
    fn widths(&self, frame: usize) -> [Ints<L>; 2];
    /// When it goes back to 0.
    fn sync(&self, frame: usize) -> L;
}

/// Nothing moves and no sync comes.
#[derive(Clone, Copy, Debug)]
pub struct Even<L> {
    /// Where it begins.
    pub phase: Ints<L>,
    /// How far it goes by each frame.
    pub step: Ints<L>,
    /// Bound of the square.
    pub width: Ints<L>,
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
    #[inline(always)]
    fn jumps(&self, frames: usize) -> Ints<L> {
        if L::WIDTH > 1 {
            return scan(&mut self.walk(0), frames);
        }
        // One lane: from jump to jump.
        let (mut from, step) = (self.phase.lane(0), self.step.lane(0));
        let size = u64::from(step.unsigned_abs());
        let (mut frame, mut busy) = (0, 0u32);
        if size == 0 {
            return Ints::splat(0);
        }
        loop {
            let away = i64::from(from) + (1 << 31);
            let whole_steps = if step > 0 { ((1 << 32) - 1 - away) as u64 / size } else { away as u64 / size };
            frame += whole_steps;
            if frame >= frames as u64 {
                break;
            }
            busy |= 1 << frame;
            from = from.wrapping_add(step.wrapping_mul(whole_steps as i32 + 1));
            frame += 1;
        }
        Ints::splat(busy as i32)
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
#[derive(Clone, Copy, Debug)]
pub struct Written<'a, L> {
    /// The ways.
    pub past: &'a Past<L>,
    /// Which of them is the first.
    pub at: usize,
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
