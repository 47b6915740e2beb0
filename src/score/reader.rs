//! Hands out a score's messages with the frames at which they act, as far ahead as it is asked.

use std::sync::Arc;

use super::model::Score;
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;

/// How far ahead of the engine a score is to be fed in real time [s].
pub const AHEAD: f64 = 0.3;

/// A place in a score that is being played.
#[derive(Clone, Debug)]
pub struct Reader {
    score: Arc<Score>,
    rate: u32,
    start: SampleTime,
    next: usize,
    next_tempo: usize,
    /// Everything before this frame was given out.
    fed: SampleTime,
    /// Keys that are down, a bit each, by channel.
    down: [u128; 16],
}

impl Reader {
    /// A score played from its beginning at this frame on, at a rate [Hz]. `[control]`
    pub fn new(score: Arc<Score>, rate: u32, start: SampleTime) -> Self {
        Self { score, rate, start, next: 0, next_tempo: 0, fed: 0, down: [0; 16] }
    }

    /// Gives out, in order, all messages not yet given that act before the frame `until`. `[control]`
    pub fn feed(&mut self, until: SampleTime, mut give: impl FnMut(SampleTime, MidiMessage)) {
        self.fed = self.fed.max(until);
        while let Some(item) = self.score.items().get(self.next) {
            let at = self.start.saturating_add(self.score.frame(item.at, self.rate));
            if at >= until {
                return;
            }
            self.next += 1;
            match item.message {
                MidiMessage::NoteOn { channel, key, .. } => self.down[usize::from(channel & 15)] |= 1 << (key & 127),
                MidiMessage::NoteOff { channel, key, .. } => self.down[usize::from(channel & 15)] &= !(1 << (key & 127)),
                _ => {}
            }
            give(at, item.message);
        }
    }

    /// Gives out, in order, all tempos not yet given that count from before the frame `until` on [beats a minute]. `[control]`
    pub fn lead(&mut self, until: SampleTime, mut give: impl FnMut(SampleTime, f64)) {
        while let Some((at, tempo)) = self.score.tempos().get(self.next_tempo) {
            let at = self.start.saturating_add(self.score.frame(*at, self.rate));
            if at >= until {
                return;
            }
            self.next_tempo += 1;
            give(at, *tempo);
        }
    }

    /// Ends every note that was given out and not ended, at a frame or, where starts were given out further ahead than that, after
    /// them: for a score that is stopped, or that leaves notes hanging. `[control]`
    pub fn release(&mut self, at: SampleTime, mut give: impl FnMut(SampleTime, MidiMessage)) {
        let at = at.max(self.fed);
        for (channel, keys) in self.down.iter_mut().enumerate() {
            for key in (0..128u8).filter(|key| *keys >> key & 1 == 1) {
                give(at, MidiMessage::NoteOff { channel: channel as u8, key, velocity: 64 });
            }
            *keys = 0;
        }
    }

    /// Whether everything was given out. `[any]`
    pub fn is_done(&self) -> bool {
        self.next == self.score.items().len()
    }

    /// The frame after the score's last. `[any]`
    pub fn end(&self) -> SampleTime {
        self.start.saturating_add(self.score.frames(self.rate))
    }
}
