//! The line of beats over time: what the audio thread counts by, and how others see it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};

use crate::base::time::SampleTime;

/// Beats by which a pulse may lie before its exact place, for the rounding of sums.
const NEAR: f64 = 1e-9;

/// Beats as a function of time: a straight line from an anchor on, or level where the clock halts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Line {
    /// Time of the anchor.
    pub at: SampleTime,
    /// The beat there, from 0.
    pub beat: f64,
    /// Beats a minute.
    pub tempo: f64,
    /// Frames a second [Hz].
    pub rate: f64,
    /// Whether the clock runs.
    pub running: bool,
}

impl Line {
    /// The beat at a time. `[audio]`
    pub fn beat(&self, time: SampleTime) -> f64 {
        if !self.running {
            return self.beat;
        }
        self.beat + (time.saturating_sub(self.at)) as f64 * self.tempo / (60.0 * self.rate)
    }

    /// How many pulses, so many beats apart, have fallen up to a time. `[audio]`
    pub fn count(&self, time: SampleTime, beats: f64) -> i64 {
        self.count_at(self.beat(time), beats)
    }

    /// How many have fallen up to a beat. `[audio]`
    pub fn count_at(&self, beat: f64, beats: f64) -> i64 {
        let pulses = beat / beats + NEAR;
        // The platform's floor would do the same, but by a call.
        let whole = pulses as i64;
        if (whole as f64) > pulses { whole - 1 } else { whole }
    }

    /// The frame in which a pulse falls, from the anchor on; `None` where it never will. `[any]`
    pub fn frame_of(&self, pulse: i64, beats: f64) -> Option<SampleTime> {
        self.first(pulse as f64 * beats, |time| self.count(time, beats) >= pulse)
    }

    /// The first frame at or after a beat, from the anchor on; `None` where it never comes. `[audio]`
    pub fn frame_at(&self, beat: f64) -> Option<SampleTime> {
        self.first(beat, |time| self.beat(time) >= beat - NEAR)
    }

    /// Beats that go by in a frame. `[audio]`
    pub fn per_frame(&self) -> f64 {
        self.tempo / (60.0 * self.rate)
    }

    /// The first frame that has come so far. The line itself decides, so that it is the same frame wherever it is asked.
    fn first(&self, beat: f64, come: impl Fn(SampleTime) -> bool) -> Option<SampleTime> {
        let per_frame = self.per_frame();
        if !self.running || !per_frame.is_finite() || per_frame <= 0.0 {
            return None;
        }
        let frames = (beat - self.beat) / per_frame;
        if frames > 1e15 {
            return None;
        }
        let mut time = self.at + (if frames > 2.0 { frames as u64 - 2 } else { 0 });
        while !come(time) {
            time += 1;
        }
        Some(time)
    }
}

/// The line as the audio thread last had it. One thread writes, any reads, none waits for another.
#[derive(Debug, Default)]
pub struct BeatLine {
    turn: AtomicU32,
    at: AtomicU64,
    beat: AtomicU64,
    tempo: AtomicU64,
    rate: AtomicU64,
    running: AtomicBool,
}

impl BeatLine {
    /// From now on it is this. `[audio]`
    pub fn publish(&self, line: Line) {
        let turn = self.turn.load(Relaxed);
        self.turn.store(turn.wrapping_add(1), Relaxed);
        fence(Release);
        self.at.store(line.at, Relaxed);
        self.beat.store(line.beat.to_bits(), Relaxed);
        self.tempo.store(line.tempo.to_bits(), Relaxed);
        self.rate.store(line.rate.to_bits(), Relaxed);
        self.running.store(line.running, Relaxed);
        self.turn.store(turn.wrapping_add(2), Release);
    }

    /// The line, but for the moment in which it is being written. `[audio]`
    pub fn read(&self) -> Option<Line> {
        // A write takes a few nanoseconds: who meets one may try again.
        for _ in 0..4 {
            let turn = self.turn.load(Acquire);
            let line = Line {
                at: self.at.load(Relaxed),
                beat: f64::from_bits(self.beat.load(Relaxed)),
                tempo: f64::from_bits(self.tempo.load(Relaxed)),
                rate: f64::from_bits(self.rate.load(Relaxed)),
                running: self.running.load(Relaxed),
            };
            fence(Acquire);
            if turn.is_multiple_of(2) && self.turn.load(Relaxed) == turn {
                return (turn > 0).then_some(line);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_falls_in_the_frame_that_the_count_says() {
        for tempo in [60.0, 119.973_f64, 120.0, 133.3, 300.0] {
            let line = Line { at: 12_345, beat: 3.7, tempo, rate: 44_100.0, running: true };
            for pulse in 90..400 {
                let frame = line.frame_of(pulse, 1.0 / 24.0).unwrap();
                assert!(line.count(frame, 1.0 / 24.0) >= pulse);
                assert!(frame == line.at || line.count(frame - 1, 1.0 / 24.0) < pulse, "pulse {pulse} at {tempo}");
            }
        }
        let halted = Line { running: false, tempo: 120.0, rate: 48_000.0, ..Line::default() };
        assert_eq!(halted.frame_of(1, 1.0), None);
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let shown = BeatLine::default();
        assert_eq!(shown.read(), None);
        let line = Line { at: 5, beat: 0.25, tempo: 90.0, rate: 48_000.0, running: true };
        shown.publish(line);
        assert_eq!(shown.read(), Some(line));
    }
}
