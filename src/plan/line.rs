//! A way from one value to another in so many frames: exact at both ends, however long it is.

use crate::dsp::math;

/// The lowest level that a way in decibels tells from silence, as log₂ of a factor (−60 dB).
const FLOOR: f32 = -9.965_784;

/// What is straight on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Law {
    /// The number itself: octaves are an exponential in Hz, seconds, dB, factors.
    #[default]
    Straight,
    /// The number is a factor, and its level in dB is straight. Silence counts as −60 dB and is still reached without a step.
    Decibels,
}

/// A way that begins at frame 0 and has arrived at frame `frames`. Every frame is worked out from its number, so that an hour is as
/// exact as a millisecond and no cut can change a bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    from: f32,
    to: f32,
    frames: u32,
    law: Law,
    /// Both ends as log₂ of the factor, and what is left of the factor there; for [`Law::Decibels`].
    logs: (f32, f32),
    rest: (f32, f32),
    /// What is still to fade of a way before, and in how many frames.
    slip: (f32, u32),
}

impl Line {
    /// From a value to a value in so many frames; none is as good as one. `[any]`
    pub fn new(law: Law, from: f32, to: f32, frames: u32) -> Self {
        let log = |factor: f32| if factor > 0.001 { math::log2(factor) } else { FLOOR };
        let (logs, rest) = match law {
            Law::Straight => ((0.0, 0.0), (0.0, 0.0)),
            Law::Decibels => {
                let logs = (log(from), log(to));
                (logs, (from - math::exp2(logs.0), to - math::exp2(logs.1)))
            }
        };
        Self { from, to, frames: if frames > 0 { frames } else { 1 }, law, logs, rest, slip: (0.0, 0) }
    }

    /// The same while a short way before it is still on: that one's distance from its own end fades in so many frames. So a value that
    /// is set and at once sent on its way sets off from where it was set. `[any]`
    pub fn with_slip(self, slip: f32, frames: u32) -> Self {
        Self { slip: (slip, if frames < self.frames { frames } else { self.frames }), ..self }
    }

    /// Frames from the one that is still at the start to the one that has arrived. `[any]`
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Where it is so many frames after the start. `[any]`
    pub fn at(&self, frame: u32) -> f32 {
        let (slip, fades) = self.slip;
        let way = self.way(frame);
        if frame < fades { way + slip * ((fades - frame) as f32 / fades as f32) } else { way }
    }

    fn way(&self, frame: u32) -> f32 {
        if frame >= self.frames {
            return self.to;
        }
        if frame == 0 {
            return self.from;
        }
        let part = f64::from(frame) / f64::from(self.frames);
        let between = |(from, to): (f32, f32)| (f64::from(from) + (f64::from(to) - f64::from(from)) * part) as f32;
        match self.law {
            Law::Straight => between((self.from, self.to)),
            Law::Decibels => math::exp2(between(self.logs)) + between(self.rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_exact_and_the_middle_is_half_way() {
        for law in [Law::Straight, Law::Decibels] {
            for (from, to) in [(0.1, 0.7), (0.7, 0.1), (0.3, 0.3), (0.0, 1.0), (1.0, 0.0)] {
                for frames in [1, 2, 48_000, 172_800_000] {
                    let line = Line::new(law, from, to, frames);
                    assert_eq!((line.at(0), line.at(frames), line.at(u32::MAX)), (from, to, to), "{law:?} {from} {to} {frames}");
                }
            }
        }
        assert_eq!(Line::new(Law::Straight, -1.0, 3.0, 1000).at(500), 1.0);
        let middle = Line::new(Law::Decibels, 1.0, 0.01, 1000).at(500);
        assert!((middle - 0.1).abs() < 1e-6, "{middle}");
    }

    #[test]
    fn an_hour_moves_in_every_stretch_of_it() {
        let frames = 3600 * 192_000;
        let line = Line::new(Law::Straight, 0.0, 1.0, frames);
        for part in 0..=1000u32 {
            let at = frames / 1000 * part;
            assert!((f64::from(line.at(at)) - f64::from(at) / f64::from(frames)).abs() < 1e-7, "{part}");
        }
    }

    #[test]
    fn silence_is_left_and_reached_without_a_step() {
        for (from, to) in [(0.0, 1.0), (1.0, 0.0)] {
            let line = Line::new(Law::Decibels, from, to, 48_000);
            let steps = (1..=48_000).map(|at| (line.at(at) - line.at(at - 1)).abs());
            assert!(steps.fold(0.0, f32::max) < 2e-4);
        }
    }
}
