//! Events that wait for their time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Event;
use crate::base::time::SampleTime;

/// Events that may wait in the engine at once.
pub const CAPACITY: usize = 16_384;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    event: Event,
    feed: u8,
    order: u64,
}

impl Waiting {
    fn key(&self) -> (SampleTime, u8, u64) {
        (self.event.at, self.feed, self.order)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    /// The heap gives its greatest first: so the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// A heap of a fixed size: earliest first; of equal times the lower feed first, then the order of arrival.
pub struct EventQueue {
    heap: BinaryHeap<Waiting>,
    order: u64,
}

impl EventQueue {
    /// With all the room it will ever have. `[control]`
    pub fn new() -> Self {
        Self { heap: BinaryHeap::with_capacity(CAPACITY), order: 0 }
    }

    /// Lets an event wait; false where there is no room. `[audio]`
    #[must_use]
    pub fn push(&mut self, event: Event, feed: u8) -> bool {
        if self.heap.len() >= CAPACITY {
            return false;
        }
        self.order += 1;
        self.heap.push(Waiting { event, feed, order: self.order });
        true
    }

    /// The earliest event, and its feed. `[audio]`
    pub fn peek(&self) -> Option<(&Event, u8)> {
        self.heap.peek().map(|waiting| (&waiting.event, waiting.feed))
    }

    /// Drops what is not to stay, in place. `[audio]`
    pub fn retain(&mut self, mut stays: impl FnMut(&Event) -> bool) {
        self.heap.retain(|waiting| stays(&waiting.event));
    }

    /// Takes the earliest event if it lies before a time. `[audio]`
    pub fn pop_before(&mut self, time: SampleTime) -> Option<(Event, u8)> {
        if self.heap.peek()?.event.at >= time {
            return None;
        }
        self.heap.pop().map(|waiting| (waiting.event, waiting.feed))
    }
}

impl Default for EventQueue {
    fn default() -> Self {
        Self::new()
    }
}
