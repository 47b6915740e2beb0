//! Events that wait for their time.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use super::Event;
use crate::base::time::SampleTime;

/// Events that may wait in the engine at once.
pub const CAPACITY: usize = 16_384;

/// Events of one time that are looked at together at most.
const TOGETHER: usize = 1_024;

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
    /// The next events, all of one time, in their order.
    next: VecDeque<(Event, u8)>,
}

impl EventQueue {
    /// With all the room it will ever have. `[control]`
    pub fn new() -> Self {
        Self { heap: BinaryHeap::with_capacity(CAPACITY), order: 0, next: VecDeque::with_capacity(TOGETHER) }
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

    /// The time of the next events, where that lies before `end`; all of that time come before any other. `[audio]`
    pub fn next_time(&mut self, end: SampleTime) -> Option<SampleTime> {
        if self.next.is_empty() {
            let at = self.heap.peek()?.event.at;
            while at < end && self.next.len() < TOGETHER && self.heap.peek().is_some_and(|waiting| waiting.event.at == at) {
                self.next.extend(self.heap.pop().map(|waiting| (waiting.event, waiting.feed)));
            }
        }
        self.next.front().map(|(event, _)| event.at).filter(|at| *at < end)
    }

    /// Whether any of the next events is such a one; of more than can be looked at together it may be. `[audio]`
    pub fn any_next(&self, such: impl Fn(&Event) -> bool) -> bool {
        self.next.len() == TOGETHER || self.next.iter().any(|(event, _)| such(event))
    }

    /// Takes the first of the next events, and its feed. `[audio]`
    pub fn take_next(&mut self) -> Option<(Event, u8)> {
        self.next.pop_front()
    }

    /// Drops what is not to stay, in place. `[audio]`
    pub fn retain(&mut self, mut stays: impl FnMut(&Event) -> bool) {
        self.next.retain(|(event, _)| stays(event));
        self.heap.retain(|waiting| stays(&waiting.event));
    }
}

impl Default for EventQueue {
    fn default() -> Self {
        Self::new()
    }
}
