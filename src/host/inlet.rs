//! What a device's capture callback is given. Where its clock is not the engine's, what it hears is stretched by as little as keeps the
//! same length waiting: on the device's own thread, so that the engine's has nothing to do with it.

use std::time::Instant;

use super::driven::PIECE;
use super::input::{Capture, lay};
use super::rank::{Rank, This};
use super::stream::Alarm;
use crate::rt::convert::Convert;
use crate::rt::guard::FlushToZero;
use crate::rt::steady::Steady;

/// How long a device may empty a store of its own that filled while it began [s].
const SETTLING: u32 = 2;

/// The ends that one capturing stream is built around.
#[derive(Clone)]
pub struct CaptureEnd {
    pub(super) capture: Capture,
    pub(super) alarm: Alarm,
    pub(super) rate: u32,
    pub(super) born: Instant,
    /// Real-time scheduling is to be asked for.
    pub(super) realtime: bool,
}

impl CaptureEnd {
    /// Frames a second of the engine. `[any]`
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Channels of the input, as the engine sees it. `[any]`
    pub fn channels(&self) -> usize {
        self.capture.channels()
    }

    /// How its error callback tells. `[any]`
    pub fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }

    /// What its capture callback calls, on a device of this rate [Hz]; `one_clock`: the device that plays runs by the same clock, so
    /// frames of the same rate go through as they are. `[control]`
    ///
    /// # Errors
    /// A sentence, where the device's rate cannot be turned into the engine's.
    pub fn inlet(&self, device_rate: u32, one_clock: bool) -> Result<Inlet, String> {
        let plain = one_clock && device_rate == self.rate;
        let joint = if plain { None } else { Some(Joint::new(device_rate, self.rate, self.channels())?) };
        // Pieces wait within the converter until they are whole.
        let (spare, settling) = joint.as_ref().map_or((0, 0), |joint| (2 * joint.convert.most(), (SETTLING * self.rate) as usize));
        self.capture.counts().begin(spare, settling);
        Ok(Inlet { end: self.clone(), rate: device_rate, joint, rank: Rank::new(self.realtime) })
    }
}

/// The capture callback's end.
pub struct Inlet {
    end: CaptureEnd,
    rate: u32,
    joint: Option<Joint>,
    rank: Rank,
}

/// What joins two clocks.
struct Joint {
    convert: Convert,
    /// From when the device has settled.
    steady: Option<Steady>,
    piece: Box<[f32]>,
}

impl Inlet {
    /// Takes the frames of one callback: their number, the device's channels, and its samples by their places among all. One channel goes
    /// to all of ours, surplus ones are left out, missing ones are silent. `[audio]`
    pub fn push(&mut self, frames: usize, device_channels: usize, sample: impl Fn(usize) -> f32) {
        let (end, now) = (&self.end, Instant::now());
        end.alarm.pulse.beat(frames, self.rate, now.saturating_duration_since(end.born));
        self.rank.look(&This, now, frames, self.rate);
        match &mut self.joint {
            None => end.capture.push(frames, device_channels, sample),
            Some(joint) => joint.push(end, (frames, self.rate), device_channels, sample),
        }
    }
}

impl Joint {
    fn new(from: u32, to: u32, channels: usize) -> Result<Self, String> {
        let piece = vec![0.0; PIECE * channels].into_boxed_slice();
        Ok(Self { convert: Convert::new(from, to, channels)?, steady: None, piece })
    }

    /// So many frames of a device's rate.
    fn push(&mut self, end: &CaptureEnd, (frames, from): (usize, u32), device_channels: usize, sample: impl Fn(usize) -> f32) {
        let _quick = FlushToZero::begin();
        let (capture, channels) = (&end.capture, end.channels());
        let become_most = (frames as f64 * self.convert.ratio()).ceil() as usize;
        let Some(mut way) = capture.way(become_most) else { return };
        let mut done = 0;
        while done < frames {
            let count = (frames - done).min(PIECE);
            let piece = &mut self.piece[..count * channels];
            for (at, x) in piece.iter_mut().enumerate() {
                *x = lay(at, channels, device_channels, |at| sample(done * device_channels + at));
            }
            self.convert.give(piece, |made| way.put(made.len() / channels, |at| made[at]));
            done += count;
        }
        let counts = capture.counts();
        if !counts.is_settled() {
            return;
        }
        let rate = f64::from(end.rate);
        let target = counts.store() as f64 / rate;
        let waits = (way.waiting() as f64 + self.convert.waiting() as f64 * self.convert.ratio()) / rate;
        let steady = self.steady.get_or_insert_with(|| Steady::new(target));
        steady.aim(target);
        self.convert.faster(steady.turn(waits, frames as f64 / f64::from(from), false));
        counts.set_drift(steady.drift());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;

    use super::super::driven::Pulse;
    use super::super::input::{InputEnd, input};
    use super::*;

    fn ends(rate: u32, channels: usize) -> (CaptureEnd, InputEnd) {
        let (capture, end) = input(channels);
        let alarm =
            Alarm { number: 1, dead: Arc::default(), signals: sync_channel(1).0, pulse: Arc::new(Pulse::default()), shown: Arc::default() };
        (CaptureEnd { capture, alarm, rate, born: Instant::now(), realtime: false }, end)
    }

    #[test]
    fn one_clock_lets_every_sample_through_as_it_is() {
        let (capture, mut end) = ends(48_000, 2);
        let mut inlet = capture.inlet(48_000, true).unwrap();
        let (mut given, mut heard) = (0, 0);
        for _ in 0..100 {
            inlet.push(64, 2, |at| (given + at) as f32);
            given += 128;
            end.took(1, 64);
            for x in end.frames(64) {
                assert_eq!(*x, heard as f32);
                heard += 1;
            }
        }
        assert!(heard > 10_000 && heard <= given, "{heard} of {given}");
        assert_eq!(capture.capture.take_gaps(), (0, 0));
    }

    #[test]
    fn a_store_that_a_device_empties_while_it_begins_is_left_out_and_later_none_is() {
        let (capture, mut end) = ends(48_000, 1);
        let mut inlet = capture.inlet(48_000, false).unwrap();
        let mut run = |blocks: usize, more: usize| {
            for _ in 0..more {
                inlet.push(480, 1, |_| 0.5);
            }
            for _ in 0..blocks {
                inlet.push(480, 1, |_| 0.5);
                end.took(1, 480);
                end.frames(480);
            }
            capture.capture.take_gaps()
        };
        assert_eq!(run(20, 0), (0, 0));
        let (missing, surplus) = run(20, 5);
        assert!(missing == 0 && surplus.abs_diff(5 * 480) < 480, "{surplus}");
        assert_eq!(run(200, 0), (0, 0), "it settles");
        assert_eq!(run(20, 1), (0, 0), "what is too much later goes by and by");
    }

    #[test]
    fn who_comes_unevenly_is_soon_waited_for_longer() {
        let (capture, mut end) = ends(48_000, 1);
        let mut inlet = capture.inlet(48_000, false).unwrap();
        let mut run = |tens: usize| {
            for tick in 0..10 * tens {
                // Three that were held up come at once.
                let come = [1, 1, 1, 1, 1, 1, 1, 0, 0, 3][tick % 10];
                (0..come).for_each(|_| inlet.push(480, 1, |_| 0.5));
                end.took(1, 480);
                end.frames(480);
            }
            capture.capture.take_gaps()
        };
        let (missing, _) = run(50);
        assert!(missing > 0, "at first nobody knows how uneven it is");
        assert_eq!(run(100), (0, 0));
    }

    /// Two clocks by a time that is counted: the device's blocks of 20 ms, the engine's of 16, at a low rate so that minutes are soon over.
    fn minutes_apart(from: u32, ppm: f64) -> (CaptureEnd, f64) {
        const RATE: u32 = 2_000;
        let (capture, mut end) = ends(RATE, 1);
        let mut inlet = capture.inlet(from, false).unwrap();
        let block = from as usize / 50;
        let (mut captured, mut taken, mut loudest) = (0usize, 0usize, 0.0f32);
        let mut time = 0.0;
        while time < 200.0 {
            time += 0.001;
            while (captured + block) as f64 / f64::from(from) <= time * (1.0 + ppm * 1e-6) {
                inlet.push(block, 1, |_| 0.5);
                captured += block;
            }
            while (taken + 32) as f64 / f64::from(RATE) <= time {
                end.took(1, 32);
                loudest = end.frames(32).iter().fold(loudest, |most, x| most.max(*x));
                taken += 32;
            }
        }
        (capture, f64::from(loudest))
    }

    #[test]
    fn minutes_of_another_clock_leave_no_gap() {
        for (from, ppm) in [(2_000, 200.0), (2_000, -200.0), (1_500, 150.0), (3_000, -150.0)] {
            let (capture, loudest) = minutes_apart(from, ppm);
            let counts = capture.capture.counts();
            assert_eq!(counts.all(), [("underruns", 0), ("missing", 0), ("surplus", 0)], "{from} Hz, {ppm} ppm");
            assert!((counts.drift() * 1e6 - ppm).abs() < 80.0, "{} ppm for {ppm}", counts.drift() * 1e6);
            assert!(loudest > 0.49 && loudest < 0.6, "{from} Hz: what comes in is heard, {loudest}");
        }
    }
}
