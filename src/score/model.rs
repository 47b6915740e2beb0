//! A score: messages in time, exactly.

use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;
use crate::control::bars::{Bars, Metre};

/// A message and when it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Since the score's beginning, in the score's own parts of a second.
    pub at: u64,
    /// What.
    pub message: MidiMessage,
}

/// Messages in the order of their time; those of the same time in the order in which they act.
///
/// Times are whole numbers of parts of a second, as fine as the file they come from, so that nothing is rounded before the frame is
/// known.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub(super) parts: u64,
    pub(super) items: Vec<Item>,
    pub(super) length: u64,
    pub(super) tempos: Vec<(u64, f64)>,
    pub(super) metres: Vec<(f64, Metre)>,
}

impl Score {
    /// Parts of a second in which its times are counted. `[any]`
    pub fn parts(&self) -> u64 {
        self.parts
    }

    /// Its messages. `[any]`
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Its tempos as they come: since its beginning in its parts of a second, beats a minute. Empty where it says none. `[any]`
    pub fn tempos(&self) -> &[(u64, f64)] {
        &self.tempos
    }

    /// Its bars, where it says of them. `[control]`
    pub fn bars(&self) -> Option<Bars> {
        (!self.metres.is_empty()).then(|| Bars::of(&self.metres))
    }

    /// The length of the file: to its last message or its written end, whichever is later [s]. `[any]`
    pub fn seconds(&self) -> f64 {
        self.length as f64 / self.parts as f64
    }

    /// The same in frames at a rate [Hz], rounded up. `[any]`
    pub fn frames(&self, rate: u32) -> u64 {
        let frames = (u128::from(self.length) * u128::from(rate)).div_ceil(u128::from(self.parts));
        u64::try_from(frames).unwrap_or(u64::MAX)
    }

    /// The frame nearest to a time of this score, counted from its beginning at a rate [Hz]. `[any]`
    pub fn frame(&self, at: u64, rate: u32) -> SampleTime {
        let parts = u128::from(self.parts);
        let frame = (u128::from(at) * u128::from(rate) + parts / 2) / parts;
        u64::try_from(frame).unwrap_or(u64::MAX)
    }
}
