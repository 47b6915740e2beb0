//! The beat clock as a MIDI clock: which of its messages fall into a stretch of time, and in which frame.

use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;
use crate::rt::beat_line::Line;

/// Beats from one clock to the next.
const BEATS: f64 = 1.0 / 24.0;
/// Clocks of a sixteenth, which is what places in the song are counted in.
const SIXTEENTH: i64 = 6;
/// A place that differs by more than this from where the line would have led is a jump [beats].
const JUMP: f64 = 1e-6;
/// Clocks that are later than this are left out, and the place is told anew [s].
const TOO_LATE: f64 = 0.1;

/// What was said last, and what comes next. Never allocates.
///
/// While the beat clock runs, clock n falls in the very frame in which a pulse of the 24th part of a beat falls in the patches. Clocks go
/// on while it halts, so that others know the tempo. A start at beat 0 is Start; any other is Song Position and, on the next sixteenth,
/// Continue, since places are told in sixteenths.
#[derive(Clone, Debug, Default)]
pub(super) struct Ticker {
    line: Option<Line>,
    /// The next clock, counted from beat 0.
    next: i64,
    /// The clock before which Continue is said.
    resume: Option<i64>,
    /// While it halts: when the next clock is due.
    free: f64,
}

impl Ticker {
    /// Nothing was said yet. `[any]`
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what falls into some frames, in order, each with its frame counted from `from`; what should have been said before is said at
    /// once. Each call goes on where the one before ended. `[audio]`
    pub fn window(&mut self, line: Line, from: SampleTime, frames: u64, mut say: impl FnMut(u32, MidiMessage)) {
        if line.tempo <= 0.0 || line.rate <= 0.0 {
            return;
        }
        let before = self.line.replace(line);
        let ran = before.is_some_and(|before| before.running);
        let jumped = before.is_none_or(|before| (before.beat(line.at) - line.beat).abs() > JUMP);
        if line.running {
            if ran && jumped {
                say(0, MidiMessage::Stop);
            }
            if !ran || jumped || self.is_lost(line, from) {
                self.begin(line, from, &mut say);
            }
            self.clocks(line, from, frames, &mut say);
        } else {
            let gap = BEATS * 60.0 * line.rate / line.tempo;
            if ran || before.is_none() {
                if ran {
                    say(0, MidiMessage::Stop);
                }
                self.free = self.free.max(from as f64);
            }
            if jumped || ran {
                say(0, MidiMessage::SongPosition(position(libm::floor(line.beat * 4.0 + JUMP) as i64)));
            }
            if (from as f64) - self.free > TOO_LATE * line.rate {
                self.free = from as f64;
            }
            while self.free < (from + frames) as f64 {
                say((self.free as u64).saturating_sub(from) as u32, MidiMessage::Clock);
                self.free += gap;
            }
        }
    }

    /// When the next clock is due, by the last line. `[any]`
    pub fn due(&self) -> Option<SampleTime> {
        let line = self.line?;
        if line.running { line.frame_of(self.next, BEATS) } else { Some(self.free as SampleTime) }
    }

    fn is_lost(&self, line: Line, from: SampleTime) -> bool {
        line.frame_of(self.next, BEATS).is_some_and(|frame| (frame as f64) + TOO_LATE * line.rate < from as f64)
    }

    fn begin(&mut self, line: Line, from: SampleTime, say: &mut impl FnMut(u32, MidiMessage)) {
        self.resume = None;
        let passed = from.saturating_sub(line.at) as f64;
        if line.beat.abs() < JUMP && passed <= TOO_LATE * line.rate {
            self.next = 0;
            let frame = line.at.saturating_sub(from);
            say(frame as u32, MidiMessage::Start);
            return;
        }
        let here = line.beat(from.max(line.at));
        let sixteenth = libm::ceil(here * 4.0 - JUMP) as i64;
        self.next = libm::ceil(here * 24.0 - JUMP) as i64;
        self.resume = Some(sixteenth * SIXTEENTH);
        say(0, MidiMessage::SongPosition(position(sixteenth)));
    }

    fn clocks(&mut self, line: Line, from: SampleTime, frames: u64, say: &mut impl FnMut(u32, MidiMessage)) {
        while let Some(frame) = line.frame_of(self.next, BEATS).filter(|frame| *frame < from + frames) {
            let at = frame.saturating_sub(from) as u32;
            if self.resume.take_if(|resume| *resume == self.next).is_some() {
                say(at, MidiMessage::Continue);
            }
            say(at, MidiMessage::Clock);
            self.next += 1;
            self.free = frame as f64 + BEATS * 60.0 * line.rate / line.tempo;
        }
    }
}

/// A place as far as it can be told.
fn position(sixteenth: i64) -> u16 {
    sixteenth.clamp(0, 0x3fff) as u16
}

#[cfg(test)]
mod tests {
    use super::MidiMessage::{Clock, Continue, SongPosition, Start, Stop};
    use super::*;

    struct Desk {
        ticker: Ticker,
        now: SampleTime,
        said: Vec<(SampleTime, MidiMessage)>,
    }

    impl Desk {
        fn new() -> Self {
            Self { ticker: Ticker::new(), now: 0, said: Vec::new() }
        }

        fn run(&mut self, line: Line, frames: u64, period: u64) -> Vec<(SampleTime, MidiMessage)> {
            let end = self.now + frames;
            while self.now < end {
                let (now, said) = (self.now, &mut self.said);
                self.ticker.window(line, now, period, |frame, message| said.push((now + u64::from(frame), message)));
                self.now += period;
            }
            std::mem::take(&mut self.said)
        }
    }

    fn line(at: SampleTime, beat: f64, running: bool) -> Line {
        Line { at, beat, tempo: 120.0, rate: 48_000.0, running }
    }

    #[test]
    fn clocks_fall_on_their_frames_at_any_period() {
        for period in [32, 64, 100, 1024] {
            let mut desk = Desk::new();
            let said = desk.run(line(0, 0.0, true), 48_000, period);
            assert_eq!(said[0], (0, Start));
            let clocks: Vec<u64> = said[1..]
                .iter()
                .map(|(at, message)| (*at, *message))
                .map(|(at, message)| {
                    assert_eq!(message, Clock);
                    at
                })
                .collect();
            let want: Vec<u64> = (0..).map(|n| n * 1000).take(clocks.len()).collect();
            assert_eq!(clocks, want, "periods of {period}");
            assert!(clocks.len() >= 48);
        }
    }

    #[test]
    fn a_change_of_tempo_moves_no_clock_that_was_and_leaves_none_out() {
        let mut desk = Desk::new();
        desk.run(line(0, 0.0, true), 24_000, 64);
        let faster = Line { tempo: 240.0, ..line(24_000, 1.0, true) };
        let said = desk.run(faster, 24_000, 64);
        assert_eq!(said.iter().take(3).collect::<Vec<_>>(), [&(24_000, Clock), &(24_500, Clock), &(25_000, Clock)]);
    }

    #[test]
    fn it_halts_and_goes_on_at_the_next_sixteenth() {
        let mut desk = Desk::new();
        desk.run(line(0, 0.0, true), 12_800, 128);
        // Halted at 12 700, a little after a sixteenth; clocks go on at the same speed.
        let halted = line(12_700, 12_700.0 / 24_000.0, false);
        let said = desk.run(halted, 12_800, 128);
        assert_eq!(said[..4], [(12_800, Stop), (12_800, SongPosition(2)), (13_000, Clock), (14_000, Clock)]);
        let runs = line(25_600, halted.beat, true);
        let said = desk.run(runs, 12_800, 128);
        // Beat 0.529…: the next sixteenth is 0.75, clock 18, 5 300 frames on; clocks 13 to 17 come before it.
        assert_eq!(said[0], (25_600, SongPosition(3)));
        let go = said.iter().position(|(_, message)| *message == Continue).unwrap();
        assert_eq!(said[go..go + 2], [(25_600 + 5_300, Continue), (25_600 + 5_300, Clock)]);
        assert_eq!(said[1..go].len(), 5);
    }

    #[test]
    fn from_the_beginning_is_start_though_it_is_told_a_period_late() {
        let mut desk = Desk::new();
        desk.run(line(0, 0.0, false), 1000, 100);
        let said = desk.run(line(950, 0.0, true), 2000, 100);
        assert_eq!(said[..3], [(1000, Start), (1000, Clock), (1950, Clock)], "the first is late, the others are not");
    }

    #[test]
    fn a_jump_is_told() {
        let mut desk = Desk::new();
        desk.run(line(0, 0.0, true), 9_600, 64);
        let said = desk.run(line(9_600, 16.0, true), 1_600, 64);
        assert_eq!(said[..4], [(9_600, Stop), (9_600, SongPosition(64)), (9_600, Continue), (9_600, Clock)]);
        let said = desk.run(line(11_200, 0.0, false), 64, 64);
        assert_eq!(said[..2], [(11_200, Stop), (11_200, SongPosition(0))]);
    }

    #[test]
    fn who_comes_late_is_told_where_it_is() {
        let mut desk = Desk::new();
        desk.now = 1_000_000;
        let said = desk.run(line(0, 0.0, true), 6_400, 64);
        // Beat 41.666…: the next sixteenth is 41.75.
        assert_eq!(said[0], (1_000_000, SongPosition(167)));
        assert!(said.contains(&(1_002_000, Continue)), "{said:?}");
    }
}
