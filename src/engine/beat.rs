//! Where the music is: beats as a function of time, so that no count can drift.

use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::module::Wire;
use crate::plan::slot::Pulse;

/// The beat clock: a line from an anchor, moved when tempo or place change.
#[derive(Clone, Copy, Debug)]
pub struct BeatClock {
    at: SampleTime,
    beat: f64,
    tempo: f64,
    rate: f64,
    running: bool,
}

/// Beats by which a pulse may lie before its exact place, for the rounding of sums.
const NEAR: f64 = 1e-9;

impl BeatClock {
    /// At beat 0, running. `tempo` in beats a minute, `rate` in Hz. `[control]`
    pub fn new(tempo: f64, rate: f64) -> Self {
        Self { at: 0, beat: 0.0, tempo, rate, running: true }
    }

    /// Beats a minute. `[audio]`
    pub fn tempo(&self) -> f64 {
        self.tempo
    }

    /// Whether it runs. `[audio]`
    pub fn running(&self) -> bool {
        self.running
    }

    /// The beat at a time. `[audio]`
    pub fn beat(&self, time: SampleTime) -> f64 {
        if !self.running {
            return self.beat;
        }
        self.beat + (time.saturating_sub(self.at)) as f64 * self.tempo / (60.0 * self.rate)
    }

    fn anchor(&mut self, time: SampleTime) {
        self.beat = self.beat(time);
        self.at = time;
    }

    /// Another tempo from a time on [beats a minute]. `[audio]`
    pub fn set_tempo(&mut self, time: SampleTime, tempo: f64) {
        self.anchor(time);
        self.tempo = tempo;
    }

    /// Runs or halts from a time on. `[audio]`
    pub fn run(&mut self, time: SampleTime, running: bool) {
        self.anchor(time);
        self.running = running;
    }

    /// Goes to a beat at a time. `[audio]`
    pub fn locate(&mut self, time: SampleTime, beat: f64) {
        self.at = time;
        self.beat = beat;
    }

    /// How many pulses have fallen up to a time. `[audio]`
    fn count(&self, time: SampleTime, beats: f64) -> i64 {
        let pulses = self.beat(time) / beats + NEAR;
        // The platform's floor would do the same, but by a call.
        let whole = pulses as i64;
        if (whole as f64) > pulses { whole - 1 } else { whole }
    }

    /// Whether a pulse falls in a frame. `[audio]`
    fn falls(&self, time: SampleTime, beats: f64) -> bool {
        if time == self.at {
            // The first frame after a start: the pulse of its own beat, if it stands on one.
            let count = self.count(time, beats);
            return self.beat(time) - count as f64 * beats < 1e-6;
        }
        self.count(time, beats) != self.count(time - 1, beats)
    }

    /// The first whole beat that falls in some frames: when, and which. `[audio]`
    pub fn next_beat(&self, start: SampleTime, frames: usize) -> Option<(SampleTime, i64)> {
        let end = start + frames as u64;
        if frames == 0 || !self.running || (start > self.at && self.count(start - 1, 1.0) == self.count(end - 1, 1.0)) {
            return None;
        }
        (start..end).find(|at| self.falls(*at, 1.0)).map(|at| (at, self.count(at, 1.0)))
    }

    /// Writes the pulses of some frames. `[audio]`
    pub fn write(&self, pulse: Pulse, wire: &mut Wire<f32>, start: SampleTime, frames: usize) {
        let Some(tile) = &mut wire.tile else { return };
        let last = start + frames as u64 - 1;
        let none =
            !self.running || (start > self.at && last > self.at && self.count(start - 1, pulse.beats) == self.count(last, pulse.beats));
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
    fn a_halted_clock_has_no_pulse_and_goes_on_where_it_was() {
        let mut clock = BeatClock::new(60.0, 48_000.0);
        clock.run(24_000, false);
        assert!(!clock.running());
        assert_eq!(clock.beat(96_000), 0.5);
        clock.run(96_000, true);
        assert_eq!(clock.beat(120_000), 1.0);
    }
}
