//! Where the music is: beats as a function of time, so that no count can drift.

use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::module::Wire;
use crate::plan::slot::Pulse;
use crate::rt::beat_line::Line;

/// Shortest loop [beats].
const SHORTEST: f64 = 1.0 / 64.0;
/// By how much faster or slower it goes while it is nudged.
const NUDGE: f64 = 0.05;

/// How far every second one of equal steps is put off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swing {
    /// The first step's share of a pair: a half is straight.
    pub share: f64,
    /// Beats of a step.
    pub step: f64,
}

impl Swing {
    /// How far the music has come at a beat: pairs of steps last as long as ever, the first of the two longer, the second shorter.
    /// `[any]`
    pub fn music(self, beat: f64) -> f64 {
        if self.share == 0.5 {
            return beat;
        }
        let pair = 2.0 * self.step;
        let pairs = beat / pair;
        let whole = pairs as i64;
        let start = if (whole as f64) > pairs { whole - 1 } else { whole } as f64 * pair;
        let (within, first) = (beat - start, pair * self.share);
        start + if within < first { within * self.step / first } else { self.step + (within - first) * self.step / (pair - first) }
    }
}

/// The beat clock: a line from an anchor, moved when tempo or place change.
#[derive(Clone, Copy, Debug)]
pub struct BeatClock {
    line: Line,
    /// By what the music goes before a beat, and from there on: it swings otherwise only where a pair of steps begins.
    swing: [Swing; 2],
    turns: f64,
    /// From its end the line goes on at its start [beats].
    cycle: Option<[f64; 2]>,
    /// It counts in: nothing is played before this beat.
    start: Option<f64>,
    /// Beats a minute, where nothing nudges it.
    tempo: f64,
    /// Beats that it is still to gain, or to lose.
    nudge: f64,
    /// The beat of the frame before the anchor, where the line goes on from there in another tempo: a pulse between the two falls
    /// on the anchor. `None`: it starts or jumps there.
    before: Option<f64>,
}

impl BeatClock {
    /// At beat 0, running. `tempo` in beats a minute, `rate` in Hz. `[control]`
    pub fn new(tempo: f64, rate: f64) -> Self {
        let line = Line { at: 0, beat: 0.0, tempo, rate, running: true };
        Self { line, swing: [Swing { share: 0.5, step: 0.25 }; 2], turns: 0.0, cycle: None, start: None, tempo, nudge: 0.0, before: None }
    }

    /// The line as it is now. `[audio]`
    pub fn line(&self) -> Line {
        self.line
    }

    /// Beats a minute. `[audio]`
    pub fn tempo(&self) -> f64 {
        self.tempo
    }

    /// Whether it runs. `[audio]`
    pub fn running(&self) -> bool {
        self.line.running
    }

    /// The beat at a time. `[audio]`
    pub fn beat(&self, time: SampleTime) -> f64 {
        self.line.beat(time)
    }

    /// How far the music has come at a time: the beat, where nothing swings. Pulses fall by it. `[audio]`
    pub fn music(&self, time: SampleTime) -> f64 {
        self.music_at(self.beat(time))
    }

    fn music_at(&self, beat: f64) -> f64 {
        self.swing[usize::from(beat >= self.turns)].music(beat)
    }

    /// From the next pair on the first of each two steps takes this share of both (0.5 is straight, 2/3 a triplet), each of so many
    /// beats. `[audio]`
    pub fn set_swing(&mut self, time: SampleTime, share: f64, step: f64) {
        let beat = self.beat(time);
        let [_, now] = self.swing;
        let pair = 2.0 * if now.step > step { now.step } else { step };
        let before = if beat >= self.turns { now } else { self.swing[0] };
        self.turns = (self.line.count_at(beat, pair) + 1) as f64 * pair;
        self.swing = [before, Swing { share, step }];
    }

    /// From now on the line goes back to the first of two beats from the second, whenever it comes to it from before; none where they
    /// lie too near. `[audio]`
    pub fn set_loop(&mut self, time: SampleTime, start: f64, end: f64) {
        self.nudge(time, 0.0);
        self.cycle = (end - start >= SHORTEST).then_some([start, end]);
    }

    /// When the line comes to the loop's end, from its anchor on. `[audio]`
    pub fn lap(&self) -> Option<SampleTime> {
        let [_, end] = self.cycle?;
        if self.line.beat < end { self.line.frame_at(end) } else { None }
    }

    /// Goes back to the loop's start, in the frame that [`Self::lap`] gave. `[audio]`
    pub fn turn(&mut self, time: SampleTime) {
        let Some([start, end]) = self.cycle else { return };
        let over = self.beat(time) - end;
        let beat = if over > 0.0 { start + over } else { start };
        // What falls on the loop's start falls in this frame, as from one frame to the next.
        self.before = Some(beat - self.line.per_frame());
        (self.line.at, self.line.beat, self.swing[0]) = (time, beat, self.swing[1]);
    }

    fn anchor(&mut self, time: SampleTime) {
        let beat = self.beat(time);
        // What it has gained so far.
        let gained = (beat - self.line.beat) * (1.0 - self.tempo / self.line.tempo);
        let left = self.nudge - gained;
        self.nudge = if left * self.nudge > 0.0 && left.abs() > 1e-9 { left } else { 0.0 };
        (self.line.at, self.line.beat) = (time, beat);
    }

    /// Another tempo from a time on [beats a minute]. `[audio]`
    pub fn set_tempo(&mut self, time: SampleTime, tempo: f64) {
        self.bend(time, tempo, 0.0);
    }

    /// Gains so many beats from a time on, or loses them, by going a little faster or slower: no pulse comes twice, none is left out.
    /// `[audio]`
    pub fn nudge(&mut self, time: SampleTime, beats: f64) {
        self.bend(time, self.tempo, beats);
    }

    fn bend(&mut self, time: SampleTime, tempo: f64, more: f64) {
        if time > self.line.at {
            self.before = self.line.running.then(|| self.beat(time - 1));
        }
        self.anchor(time);
        self.tempo = tempo;
        self.nudge += more;
        self.line.tempo = match self.nudge {
            0.0 => tempo,
            nudge if nudge > 0.0 => tempo * (1.0 + NUDGE),
            _ => tempo * (1.0 - NUDGE),
        };
    }

    /// When it is nudged no more. `[audio]`
    pub fn calm(&self) -> Option<SampleTime> {
        let frames = if self.nudge < 0.0 { -self.nudge } else { self.nudge } / (NUDGE * self.tempo / (60.0 * self.line.rate));
        (self.line.running && frames > 0.0).then(|| self.line.at + frames as u64 + 1)
    }

    /// Runs from so many beats before the place where it halts: nothing but its beats is told of until it is there. `[audio]`
    pub fn count_in(&mut self, time: SampleTime, beats: f64) {
        if self.line.running || beats <= 0.0 {
            return self.run(time, true);
        }
        let start = self.line.beat;
        self.locate(time, start - beats);
        (self.line.running, self.start) = (true, Some(start));
    }

    /// Whether it counts in. `[audio]`
    pub fn counts_in(&self) -> bool {
        self.start.is_some()
    }

    /// When what it counts in begins. `[audio]`
    pub fn starts(&self) -> Option<SampleTime> {
        self.line.frame_at(self.start?)
    }

    /// Begins that, in the frame that [`Self::starts`] gave. `[audio]`
    pub fn start(&mut self, time: SampleTime) {
        if let Some(beat) = self.start {
            self.locate(time, beat);
        }
    }

    /// Runs or halts from a time on. `[audio]`
    pub fn run(&mut self, time: SampleTime, running: bool) {
        if let (false, Some(beat)) = (running, self.start) {
            self.locate(time, beat);
        }
        // One that runs already goes on without a seam.
        let before = if running && time > self.line.at { self.line.running.then(|| self.beat(time - 1)) } else { self.before };
        self.before = before.filter(|_| self.line.running && running);
        self.anchor(time);
        self.line.running = running;
    }

    /// Goes to a beat at a time. `[audio]`
    pub fn locate(&mut self, time: SampleTime, beat: f64) {
        (self.line.at, self.line.beat, self.swing[0]) = (time, beat, self.swing[1]);
        (self.before, self.start) = (None, None);
    }

    /// How many pulses, so many beats apart, have fallen from a beat on up to a time.
    fn count(&self, time: SampleTime, from: f64, beats: f64) -> i64 {
        self.line.count_at(self.music(time) - from, beats)
    }

    /// Whether one of them falls in a frame.
    fn falls(&self, time: SampleTime, from: f64, beats: f64) -> bool {
        let count = self.count(time, from, beats);
        if time == self.line.at {
            if let Some(before) = self.before {
                return self.line.count_at(self.music_at(before) - from, beats) != count;
            }
            // The first frame after a start: the pulse of its own beat, if it stands on one.
            return self.music(time) - from - count as f64 * beats < 1e-6;
        }
        count != self.count(time - 1, from, beats)
    }

    /// The first whole beat that falls in some frames: when, and which. `[audio]`
    pub fn next_beat(&self, start: SampleTime, frames: usize) -> Option<(SampleTime, i64)> {
        self.next_pulse(start, frames, 0.0, 1.0)
    }

    /// The first pulse, of those that fall so many beats apart from a beat on, in some frames: when, and which. `[audio]`
    pub fn next_pulse(&self, start: SampleTime, frames: usize, from: f64, beats: f64) -> Option<(SampleTime, i64)> {
        let end = start + frames as u64;
        let none = || start > self.line.at && self.count(start - 1, from, beats) == self.count(end - 1, from, beats);
        if frames == 0 || !self.line.running || none() {
            return None;
        }
        (start..end).find(|at| self.falls(*at, from, beats)).map(|at| (at, self.count(at, from, beats)))
    }

    /// Writes the pulses of some frames. `[audio]`
    pub fn write(&self, pulse: Pulse, wire: &mut Wire<f32>, start: SampleTime, frames: usize) {
        let Some(tile) = &mut wire.tile else { return };
        let last = start + frames as u64 - 1;
        let none = !self.line.running
            || self.counts_in()
            || (start > self.line.at
                && last > self.line.at
                && self.count(start - 1, 0.0, pulse.beats) == self.count(last, 0.0, pulse.beats));
        wire.held = none;
        if none {
            tile[0] = 0.0;
            return;
        }
        let from = tile_index(start);
        for (at, frame) in tile[from..(from + frames).min(BLOCK)].iter_mut().enumerate() {
            *frame = if self.falls(start + at as u64, 0.0, pulse.beats) { 1.0 } else { 0.0 };
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
                heard += i64::from(clock.falls(at, 0.0, 0.25));
            }
            assert_eq!(heard, clock.count(239_999, 0.0, 0.25) + 1, "steps of {step}");
        }
    }

    #[test]
    fn a_loop_lasts_as_long_as_its_beats_and_loses_no_pulse() {
        // At 125 beats a minute a beat is 23,040 frames; at 97 it is no whole number.
        for tempo in [125.0, 97.0] {
            let mut clock = BeatClock::new(tempo, 48_000.0);
            clock.locate(0, 3.0);
            clock.set_loop(0, 1.0, 5.0);
            let (mut laps, mut heard) = (Vec::new(), 0);
            for at in 0..2_000_000u64 {
                if clock.lap() == Some(at) {
                    clock.turn(at);
                    laps.push(at);
                }
                heard += i64::from(clock.falls(at, 0.0, 0.25));
            }
            let beat = 60.0 * 48_000.0 / tempo;
            for (lap, at) in laps.iter().enumerate() {
                let exact = beat * (2.0 + 4.0 * lap as f64);
                assert!((*at as f64 - exact - 0.5).abs() <= 0.5 + 1e-3, "lap {lap} at {at}, not {exact}, at {tempo}");
            }
            let want = (2_000_000.0 / beat * 4.0).ceil() as i64;
            assert_eq!(heard, want, "at {tempo}");
            // From behind its end it does not go back.
            clock.locate(2_000_000, 5.0);
            assert_eq!(clock.lap(), None);
        }
    }

    #[test]
    fn a_nudge_gains_what_it_was_told_and_no_pulse_is_lost_or_doubled() {
        for beats in [0.05, -0.02] {
            let (mut clock, mut heard) = (BeatClock::new(120.0, 48_000.0), 0);
            for at in 0..480_000u64 {
                if at == 10_000 || at == 11_000 {
                    clock.nudge(at, beats);
                }
                if at == 12_000 {
                    clock.set_tempo(at, 60.0);
                }
                if clock.calm() == Some(at) {
                    clock.nudge(at, 0.0);
                }
                heard += i64::from(clock.falls(at, 0.0, 0.25));
            }
            assert_eq!((clock.tempo(), clock.line().tempo, clock.calm()), (60.0, 60.0, None));
            let want = 12_000.0 / 24_000.0 + 468_000.0 / 48_000.0 + 2.0 * beats;
            assert!((clock.beat(480_000) - want).abs() < 1e-5, "{} of {want}", clock.beat(480_000));
            assert_eq!(heard, clock.count(479_999, 0.0, 0.25) + 1);
        }
    }

    #[test]
    fn swing_puts_off_every_second_step() {
        let mut clock = BeatClock::new(120.0, 48_000.0);
        clock.set_swing(0, 2.0 / 3.0, 0.25);
        clock.locate(0, 0.0);
        assert_eq!(pulses(&clock, 0.25, 48_000, 64), [0, 8000, 12_000, 20_000, 24_000, 32_000, 36_000, 44_000]);
        assert_eq!(pulses(&clock, 0.5, 48_000, 64), [0, 12_000, 24_000, 36_000]);
        assert_eq!(pulses(&clock, 0.125, 24_000, 7), [0, 4000, 8000, 10_000, 12_000, 16_000, 20_000, 22_000]);
        let found: Vec<_> = (0..48_000).step_by(64).filter_map(|at| clock.next_beat(at, 64)).collect();
        assert_eq!(found, [(0, 0), (24_000, 1)]);
    }

    #[test]
    fn nothing_is_played_while_it_counts_in() {
        let mut clock = BeatClock::new(120.0, 48_000.0);
        clock.run(0, false);
        clock.locate(0, 8.0);
        clock.count_in(1000, 4.0);
        assert_eq!(clock.next_beat(1000, 64), Some((1000, 4)));
        assert_eq!((clock.counts_in(), clock.starts()), (true, Some(97_000)));
        assert!(pulses(&clock, 0.25, 97_000, 64).is_empty());
        clock.start(97_000);
        assert!(clock.falls(97_000, 0.0, 0.25) && !clock.counts_in());
        assert_eq!(clock.beat(121_000), 9.0);
        // Halted while it counts in, it stands where it was to begin.
        clock.run(121_000, false);
        clock.count_in(130_000, 4.0);
        clock.run(140_000, false);
        assert_eq!((clock.beat(150_000), clock.counts_in()), (9.0, false));
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
