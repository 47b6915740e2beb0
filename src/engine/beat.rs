//! Where the music is: beats as a function of time, so that no count can drift.

use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::module::Wire;
use crate::plan::slot::Pulse;
use crate::rt::beat_line::Line;

/// The beat clock: a line from an anchor, moved when tempo or place change.
#[derive(Clone, Copy, Debug)]
pub struct BeatClock {
    line: Line,
    /// The beat of the frame before the anchor, where the line goes on from there in another tempo: a pulse between the two falls
    /// on the anchor. `None`: it starts or jumps there.
    before: Option<f64>,
}

impl BeatClock {
    /// At beat 0, running. `tempo` in beats a minute, `rate` in Hz. `[control]`
    pub fn new(tempo: f64, rate: f64) -> Self {
        Self { line: Line { at: 0, beat: 0.0, tempo, rate, running: true }, before: None }
    }

    /// The line as it is now. `[audio]`
    pub fn line(&self) -> Line {
        self.line
    }

    /// Beats a minute. `[audio]`
    pub fn tempo(&self) -> f64 {
        self.line.tempo
    }

    /// Whether it runs. `[audio]`
    pub fn running(&self) -> bool {
        self.line.running
    }

    /// The beat at a time. `[audio]`
    pub fn beat(&self, time: SampleTime) -> f64 {
        self.line.beat(time)
    }

    fn anchor(&mut self, time: SampleTime) {
        self.line.beat = self.beat(time);
        self.line.at = time;
    }

    /// Another tempo from a time on [beats a minute]. `[audio]`
    pub fn set_tempo(&mut self, time: SampleTime, tempo: f64) {
        if time > self.line.at {
            self.before = self.line.running.then(|| self.beat(time - 1));
        }
        self.anchor(time);
        self.line.tempo = tempo;
    }

    /// Runs or halts from a time on. `[audio]`
    pub fn run(&mut self, time: SampleTime, running: bool) {
        // One that runs already goes on without a seam.
        let before = if running && time > self.line.at { self.line.running.then(|| self.beat(time - 1)) } else { self.before };
        self.before = before.filter(|_| self.line.running && running);
        self.anchor(time);
        self.line.running = running;
    }

    /// Goes to a beat at a time. `[audio]`
    pub fn locate(&mut self, time: SampleTime, beat: f64) {
        self.line.at = time;
        self.line.beat = beat;
        self.before = None;
    }

    /// How many pulses have fallen up to a time. `[audio]`
    fn count(&self, time: SampleTime, beats: f64) -> i64 {
        self.line.count(time, beats)
    }

    /// Whether a pulse falls in a frame. `[audio]`
    fn falls(&self, time: SampleTime, beats: f64) -> bool {
        if time == self.line.at {
            if let Some(before) = self.before {
                return self.line.count_at(before, beats) != self.count(time, beats);
            }
            // The first frame after a start: the pulse of its own beat, if it stands on one.
            let count = self.count(time, beats);
            return self.beat(time) - count as f64 * beats < 1e-6;
        }
        self.count(time, beats) != self.count(time - 1, beats)
    }

    /// The first whole beat that falls in some frames: when, and which. `[audio]`
    pub fn next_beat(&self, start: SampleTime, frames: usize) -> Option<(SampleTime, i64)> {
        let end = start + frames as u64;
        if frames == 0 || !self.line.running || (start > self.line.at && self.count(start - 1, 1.0) == self.count(end - 1, 1.0)) {
            return None;
        }
        (start..end).find(|at| self.falls(*at, 1.0)).map(|at| (at, self.count(at, 1.0)))
    }

    /// Writes the pulses of some frames. `[audio]`
    pub fn write(&self, pulse: Pulse, wire: &mut Wire<f32>, start: SampleTime, frames: usize) {
        let Some(tile) = &mut wire.tile else { return };
        let last = start + frames as u64 - 1;
        let none = !self.line.running
            || (start > self.line.at && last > self.line.at && self.count(start - 1, pulse.beats) == self.count(last, pulse.beats));
        wire.held = none;
        if none {
            tile[0] = 0.0;
            return;
        }
        let from = tile_index(start);
        for (at, frame) in tile[from..(from + frames).min(BLOCK)].iter_mut().enumerate() {
            *frame = if self.falls(start + at as u64, pulse.beats) { 1.0 } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses(clock: &BeatClock, beats: f64, frames: u64, block: usize) -> Vec<u64> {
        let mut wire = Wire::new();
        let mut found = Vec::new();
        let mut at = 0;
        while at < frames {
            let n = block.min(BLOCK - tile_index(at));
            clock.write(Pulse { beats, wire: 0 }, &mut wire, at, n);
            if !wire.held {
                let tile = wire.tile.as_ref().unwrap();
                found.extend((0..n).filter(|i| tile[tile_index(at) + i] == 1.0).map(|i| at + i as u64));
            }
            at += n as u64;
        }
        found
    }

    #[test]
    fn sixteenths_at_120_fall_every_6000_frames_at_any_block_size() {
        let clock = BeatClock::new(120.0, 48_000.0);
        let want: Vec<u64> = (0..8).map(|i| i * 6000).collect();
        for block in [1, 7, 16, 64] {
            assert_eq!(pulses(&clock, 0.25, 48_000, block), want, "block {block}");
        }
    }

    #[test]
    fn whole_beats_are_found_once_whatever_the_block() {
        let mut clock = BeatClock::new(90.0, 48_000.0);
        clock.locate(100, 2.5);
        for block in [1, 7, 64] {
            let found: Vec<_> = (100..100_000).step_by(block).filter_map(|at| clock.next_beat(at, block)).collect();
            assert_eq!(found, [(16_100, 3), (48_100, 4), (80_100, 5)], "block {block}");
        }
        clock.locate(5000, 8.0);
        assert_eq!(clock.next_beat(4992, 64), Some((5000, 8)), "it stands on a beat from the start");
        clock.run(6000, false);
        assert_eq!(clock.next_beat(6000, 64), None);
    }

    #[test]
    fn no_pulse_is_lost_or_doubled_where_the_tempo_changes() {
        // The tempo changes in every frame in which a pulse might fall, a little and a lot.
        for step in [1e-7, 0.01, 3.0] {
            let mut clock = BeatClock::new(120.0, 48_000.0);
            let mut heard = 0;
            for at in 0..240_000u64 {
                if at % 6000 < 40 || at % 6000 > 5960 {
                    clock.set_tempo(at, 120.0 + step * (at % 3) as f64);
                }
                if at % 97 == 0 {
                    clock.run(at, true);
                }
                heard += i64::from(clock.falls(at, 0.25));
            }
            assert_eq!(heard, clock.count(239_999, 0.25) + 1, "steps of {step}");
        }
    }

    #[test]
    fn a_halted_clock_has_no_pulse_and_goes_on_where_it_was() {
        let mut clock = BeatClock::new(60.0, 48_000.0);
        clock.run(24_000, false);
        assert!(!clock.running());
        assert_eq!(clock.beat(96_000), 0.5);
        clock.run(96_000, true);
        assert_eq!(clock.beat(120_000), 1.0);
    }
}
