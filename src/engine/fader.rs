//! A level or a place of the mixer, on its way to where it was set.

use crate::plan::line::{Law, Line};
use crate::plan::ramp::LaneRamp;

/// One number of the mixer: it moves there smoothly, or glides there in a time of its own.
#[derive(Clone, Copy, Debug)]
pub struct Fader {
    ramp: LaneRamp<f32>,
    law: Law,
    /// Its glide, and the frames until it has arrived.
    line: Option<(Line, u32)>,
}

impl Fader {
    /// At rest at a value; glides by this law. `[any]`
    pub fn new(value: f32, law: Law) -> Self {
        let mut ramp = LaneRamp::default();
        ramp.set(0, value, 0);
        Self { ramp, law, line: None }
    }

    /// Where it is now. `[audio]`
    #[inline(always)]
    pub fn now(&self) -> f32 {
        self.ramp.now()
    }

    /// Whether it is under way. `[audio]`
    #[inline(always)]
    pub fn moving(&self) -> bool {
        self.line.is_some() || self.ramp.moving()
    }

    /// One frame on; gives where it is then. `[audio]`
    #[inline(always)]
    pub fn advance(&mut self) -> f32 {
        let Some((line, left)) = &mut self.line else { return self.ramp.advance() };
        *left = left.saturating_sub(1);
        let (value, arrived) = (line.at(line.frames().saturating_sub(*left)), *left == 0);
        self.ramp.set(0, value, 0);
        if arrived {
            self.line = None;
        }
        value
    }

    /// Goes to a value from the next frame on: glides in `glide` frames, exactly, or moves there in `smooth` where that is 0. `[audio]`
    pub fn set(&mut self, value: f32, glide: u32, smooth: u32) {
        if glide == 0 {
            self.line = None;
            self.ramp.set(0, value, smooth);
        } else {
            // The next frame is where the way before would have had it; one that is not a glide goes on below.
            let glided = self.line.is_some();
            let from = if self.moving() { self.advance() } else { self.now() };
            let (target, left) = self.ramp.target(0);
            let line = match glided {
                true => Line::new(self.law, from, value, glide),
                false => Line::new(self.law, target, value, glide).with_slip(from - target, left),
            };
            self.line = Some((line, glide.saturating_add(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glide_begins_with_the_next_frame_and_ends_on_its_last() {
        let mut fader = Fader::new(1.0, Law::Decibels);
        fader.set(0.01, 100, 240);
        let way: Vec<f32> = (0..=100).map(|_| fader.advance()).collect();
        assert_eq!((way[0], way[100]), (1.0, 0.01));
        assert!((way[50] - 0.1).abs() < 1e-6 && way[99] > 0.01);
        assert!(!fader.moving());
        assert_eq!(fader.now(), 0.01);
    }

    #[test]
    fn what_is_set_on_the_way_takes_over_from_there() {
        let mut fader = Fader::new(0.0, Law::Straight);
        fader.set(1.0, 100, 0);
        (0..50).for_each(|_| _ = fader.advance());
        fader.set(0.0, 50, 0);
        assert_eq!(fader.advance(), 0.5);
        fader.set(1.0, 0, 4);
        assert!(fader.advance() > 0.5);
        (0..3).for_each(|_| _ = fader.advance());
        assert!(!fader.moving() && fader.now() == 1.0);
    }
}
