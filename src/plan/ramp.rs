//! Straight lines from where a value is to where it is wanted, a step a frame.

use crate::dsp::lanes::{LaneMask, Lanes, Truth};

/// One value a lane, each moving to its own target in its own time.
#[derive(Clone, Copy, Debug, Default)]
pub struct LaneRamp<L> {
    now: L,
    step: L,
    target: L,
    /// Frames left to the target.
    left: L,
}

impl<L: Lanes> LaneRamp<L> {
    /// Sends one lane to a value within this many frames; 0 or 1: at once. `[audio]`
    pub fn set(&mut self, lane: usize, value: f32, frames: u32) {
        self.target.set_lane(lane, value);
        if frames < 2 {
            self.now.set_lane(lane, value);
            self.left.set_lane(lane, 0.0);
            self.step.set_lane(lane, 0.0);
        } else {
            self.step.set_lane(lane, (value - self.now.lane(lane)) / frames as f32);
            self.left.set_lane(lane, frames as f32);
        }
    }

    /// Moves one lane, and where it is going, by so much. `[audio]`
    pub fn shift(&mut self, lane: usize, by: f32) {
        self.now.set_lane(lane, self.now.lane(lane) + by);
        self.target.set_lane(lane, self.target.lane(lane) + by);
    }

    /// Where the lanes are now. `[audio]`
    #[inline(always)]
    pub fn now(&self) -> L {
        self.now
    }

    /// Where a lane is going, or is, and the frames that it still needs. `[audio]`
    pub fn target(&self, lane: usize) -> (f32, u32) {
        (self.target.lane(lane), self.left.lane(lane) as u32)
    }

    /// Whether any lane is under way. `[audio]`
    #[inline(always)]
    pub fn moving(&self) -> bool {
        L::splat(0.0).lt(self.left).any()
    }

    /// One frame on; gives where the lanes are then. `[audio]`
    #[inline(always)]
    pub fn advance(&mut self) -> L {
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let moving = zero.lt(self.left);
        self.left = moving.select(self.left - one, self.left);
        let arrived = self.left.lt(one);
        let stepped = arrived.select(self.target, self.now + self.step);
        self.now = moving.select(stepped, self.now);
        self.now
    }
}

/// How a signal goes on where a plan takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meet {
    /// By itself: nothing jumps.
    Same,
    /// It may jump: the jump is added and fades.
    Jump,
    /// Its source starts from nothing: the last frame is held and fades while the signal comes in, so that its start is not heard.
    Anew,
}

/// What keeps a jump from being heard: one number a lane, faded out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fade<L> {
    offset: LaneRamp<L>,
    /// Lanes whose next frame must meet the last one.
    waiting: LaneMask,
    /// The frame that is held, and how much of it is heard, 1 to 0.
    held: L,
    share: LaneRamp<L>,
    anew: LaneMask,
    /// There is, or was of late, something to do.
    awake: bool,
}

impl<L: Lanes> Fade<L> {
    /// The next frame of these lanes is to meet the last one before. `[audio]`
    #[inline(always)]
    pub fn expect(&mut self, lanes: LaneMask, meet: Meet) {
        self.awake |= meet != Meet::Same;
        match meet {
            Meet::Same => {}
            Meet::Jump => self.waiting = self.waiting.or(lanes),
            Meet::Anew => self.anew = self.anew.or(lanes),
        }
    }

    /// These lanes begin anew: whatever was to be met or still fades is nothing to them. `[audio]`
    pub fn forget(&mut self, lanes: LaneMask) {
        if !self.awake {
            return;
        }
        self.waiting = self.waiting.without(lanes);
        self.anew = self.anew.without(lanes);
        for lane in lanes.lanes().take_while(|lane| *lane < L::WIDTH) {
            self.offset.set(lane, 0.0, 0);
            self.share.set(lane, 0.0, 0);
        }
    }

    /// Whether there is anything to do. `[audio]`
    #[inline(always)]
    pub fn active(&self) -> bool {
        self.awake
    }

    /// After some frames: sleeps where nothing is left to do. `[audio]`
    #[inline(always)]
    pub fn settle(&mut self) {
        self.awake = !self.waiting.is_empty() || !self.anew.is_empty() || self.offset.moving() || self.share.moving();
    }

    /// A frame of the signal without its jump. `last` is the frame before as it was heard; `frames` is how long a jump takes to
    /// fade. `[audio]`
    #[inline(always)]
    pub fn frame(&mut self, x: L, last: L, frames: u32) -> L {
        self.offset.advance();
        self.share.advance();
        for lane in self.anew.lanes().take_while(|lane| *lane < L::WIDTH) {
            let last = last.lane(lane);
            self.held.set_lane(lane, if last.is_finite() { last } else { 0.0 });
            self.share.set(lane, 1.0, 0);
            self.share.set(lane, 0.0, frames);
            self.offset.set(lane, 0.0, 0);
        }
        self.anew = LaneMask::NONE;
        let x = x + (self.held - x) * self.share.now();
        for lane in self.waiting.lanes().take_while(|lane| *lane < L::WIDTH) {
            let jump = last.lane(lane) - x.lane(lane);
            let jump = if jump.is_finite() { jump } else { 0.0 };
            self.offset.set(lane, jump, 0);
            if jump != 0.0 {
                self.offset.set(lane, 0.0, frames);
            }
        }
        self.waiting = LaneMask::NONE;
        x + self.offset.now()
    }
}
