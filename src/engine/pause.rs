//! Pause: the sound fades, then time stands, and goes on where it stood.
//!
//! The engine counts its own time, which is the host's but for the frames in which it stood. Events that come meanwhile act at once in
//! what stands, and are heard when it goes on; those that come with a time wait for as long as they would have.

use crate::base::time::{BLOCK, SampleTime};
use crate::plan::ramp::LaneRamp;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Runs,
    /// It runs on, ever softer, until this frame of its own time.
    Fades(SampleTime),
    /// Time stands until the host's time is this, where that is known.
    Stands(Option<SampleTime>),
}

/// Whether time goes by.
pub struct Pause {
    phase: Phase,
    /// Frames in which it stood so far: so far the host's time is ahead of its own.
    ahead: u64,
    gain: LaneRamp<f32>,
    /// The gain in each frame of the present block, by its place in the tile, where it is not 1 throughout.
    curve: Option<[f32; BLOCK]>,
    /// Of a fade [frames].
    fade: u32,
}

impl Pause {
    /// Time goes by; fades last 5 ms at this rate [Hz]. `[control]`
    pub fn new(rate: f32) -> Self {
        let mut gain = LaneRamp::default();
        gain.set(0, 1.0, 0);
        Self { phase: Phase::Runs, ahead: 0, gain, curve: None, fade: (rate * 0.005) as u32 }
    }

    /// By how much the host's time is ahead of the engine's [frames]. `[audio]`
    pub fn ahead(&self) -> u64 {
        self.ahead
    }

    /// Whether time stands. `[audio]`
    pub fn stands(&self) -> bool {
        matches!(self.phase, Phase::Stands(_))
    }

    /// It is to fade from a frame of its own time on, and then to stand. `[audio]`
    pub fn begin(&mut self, now: SampleTime) {
        if self.phase == Phase::Runs {
            self.gain.set(0, 0.0, self.fade);
            self.phase = Phase::Fades(now + u64::from(self.fade));
        }
    }

    /// It is to go on when the host's time is so far. `[audio]`
    pub fn end(&mut self, at: SampleTime) {
        match &mut self.phase {
            Phase::Runs => {}
            Phase::Fades(_) => self.go_on(),
            Phase::Stands(until) => *until = Some(until.map_or(at, |until| if until < at { until } else { at })),
        }
    }

    fn go_on(&mut self) {
        self.phase = Phase::Runs;
        self.gain.set(0, 1.0, self.fade);
    }

    /// The frames until it stands, where it is about to. `[audio]`
    pub fn left(&self, now: SampleTime) -> Option<u64> {
        if let Phase::Fades(until) = self.phase { Some(until.saturating_sub(now)) } else { None }
    }

    /// Time stands from now on if it has faded; whether it does so from this moment. `[audio]`
    pub fn stops(&mut self, now: SampleTime) -> bool {
        let stops = self.left(now) == Some(0);
        if stops {
            self.phase = Phase::Stands(None);
        }
        stops
    }

    /// Lets up to so many frames of the host's time go by while its own stands; how many they were. It may go on after them. `[audio]`
    pub fn stand(&mut self, now: SampleTime, most: usize) -> usize {
        let Phase::Stands(until) = self.phase else { return 0 };
        let here = now + self.ahead;
        let left = until.map_or(u64::MAX, |until| until.saturating_sub(here));
        let frames = if left < most as u64 { left } else { most as u64 };
        self.ahead += frames;
        if frames == left {
            self.go_on();
        }
        frames as usize
    }

    /// A time of the host's in the engine's own time; while that stands, as if it went on now or when it is known to. `[audio]`
    pub fn own(&self, at: SampleTime, now: SampleTime) -> SampleTime {
        match self.phase {
            Phase::Stands(Some(until)) => at.saturating_sub(until.saturating_sub(now)),
            _ => at.saturating_sub(self.ahead),
        }
    }

    /// The next frames lie here in the tile: how loud each is. `[audio]`
    pub fn advance(&mut self, from: usize, to: usize) {
        let still = !self.gain.moving() && self.gain.now() == 1.0;
        self.curve = if still { None } else { Some([1.0; BLOCK]) };
        if let Some(curve) = &mut self.curve {
            curve[from..to].iter_mut().for_each(|gain| *gain = self.gain.advance());
        }
    }

    /// How loud each frame of the tile is; `None`: all as they are. `[audio]`
    pub fn curve(&self) -> Option<&[f32; BLOCK]> {
        self.curve.as_ref()
    }

    /// Fades frames, interleaved, the first of which lies here in the tile. `[audio]`
    pub fn shape(&self, frames: &mut [f32], channels: usize, from: usize) {
        let Some(curve) = &self.curve else { return };
        for (frame, gain) in frames.chunks_exact_mut(channels).zip(&curve[from..]) {
            frame.iter_mut().for_each(|x| *x *= gain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_between_the_fades_and_goes_on_where_it_was() {
        let mut pause = Pause::new(48_000.0);
        pause.begin(1000);
        assert_eq!((pause.left(1000), pause.stops(1100), pause.stands()), (Some(240), false, false));
        (0..4).for_each(|_| pause.advance(0, 60));
        assert!(pause.stops(1240) && pause.stands());
        assert_eq!(pause.stand(1240, 512), 512);
        assert_eq!(pause.own(3000, 1240), 3000 - 512, "as if it went on now");
        pause.end(2000);
        assert_eq!(pause.own(3000, 1240), 2240, "1000 frames after it goes on");
        assert_eq!(pause.stand(1240, 512), 2000 - 1240 - 512);
        assert!(!pause.stands());
        assert_eq!((pause.ahead(), pause.own(3000, 1240)), (760, 2240));
        let mut frames = [1.0; 640];
        for tile in frames.chunks_mut(128) {
            pause.advance(0, 64);
            pause.shape(tile, 2, 0);
        }
        assert!(frames[0] < 0.01 && frames[478] == 1.0 && frames.is_sorted());
        assert!(pause.curve().is_none());
    }

    #[test]
    fn a_pause_that_is_taken_back_at_once_never_stands() {
        let mut pause = Pause::new(48_000.0);
        pause.begin(0);
        pause.advance(0, 64);
        pause.end(100);
        assert!(!pause.stops(240) && pause.left(240).is_none());
        pause.end(300);
        assert_eq!((pause.stand(300, 64), pause.ahead()), (0, 0));
    }
}
