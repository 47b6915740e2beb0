//! The engine plays what is in the lane of its score.

use super::engine::Engine;
use super::event::{Act, Event};
use super::report::Report;
use crate::base::time::{SampleTime, tile_index};

/// As a feed the lane is the last.
const FEED: u8 = u8::MAX;

impl Engine {
    /// Plays what falls before `end`; the frame at which the block must end, where it must. What others send for a frame acts before the
    /// score does there: it may move the beat. `[audio]`
    pub(super) fn play_score(&mut self, end: SampleTime) -> Option<usize> {
        let from = tile_index(self.now);
        self.play_at_once(from);
        while let Some(at) = self.score.next_time(&self.beat, self.now, end) {
            let frame = (at - self.now) as usize;
            let own = |slot: u8| self.strips.get(usize::from(slot)).is_some_and(|strip| strip.plays_itself());
            // What is for all of them changes what all of a block's steps read.
            if frame > 0 && self.score.next_slot().is_none_or(own) {
                return Some(frame);
            }
            if let Some(act) = self.score.take(&self.beat, at) {
                self.act(Event { at, act }, from + frame);
            }
        }
        None
    }

    /// What the score does at once, whatever the beat. `[audio]`
    pub(super) fn play_at_once(&mut self, frame: usize) {
        while let Some(act) = self.score.pop_at_once() {
            self.act(Event { at: self.now, act }, frame);
        }
    }

    fn act(&mut self, event: Event, frame: usize) {
        self.apply(event, FEED, frame);
        if let Act::Tempo(tempo) = event.act {
            self.out.tell(Report::Tempo(tempo));
        }
    }

    /// Shows where the score is, by the time that others count by. `[audio]`
    pub(super) fn show_score(&mut self) {
        let here = (self.now(), self.beat.music(self.now));
        self.score.show(&self.out.shown.score, here);
    }
}
