//! What lies further ahead than the engine's queue is meant for waits here.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::client::Client;
use crate::base::time::SampleTime;
use crate::engine::Event;

/// Events that may wait, of all clients.
const ALL: usize = 65_536;
/// Events that one computer may have waiting, so that none can keep the others out.
const EACH: usize = 16_384;

struct Waiting {
    at: SampleTime,
    order: u64,
    client: Client,
    events: Vec<Event>,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Batches by their time, and in the order in which they came.
#[derive(Default)]
pub struct Ahead {
    heap: BinaryHeap<Reverse<Waiting>>,
    order: u64,
    events: usize,
    of: HashMap<u128, usize>,
}

impl Ahead {
    /// Events that wait. `[control]`
    pub fn events(&self) -> usize {
        self.events
    }

    /// Whether so many more events of a client may wait. `[control]`
    pub fn has_room(&self, client: Client, events: usize) -> bool {
        self.events + events <= ALL && self.of.get(&client.host).copied().unwrap_or(0) + events <= EACH
    }

    /// Lets events of one time wait. `[control]`
    pub fn push(&mut self, at: SampleTime, client: Client, events: Vec<Event>) {
        self.order += 1;
        self.events += events.len();
        *self.of.entry(client.host).or_default() += events.len();
        self.heap.push(Reverse(Waiting { at, order: self.order, client, events }));
    }

    /// The next that lies before a time. `[control]`
    pub fn pop_before(&mut self, time: SampleTime) -> Option<(Client, Vec<Event>)> {
        if self.heap.peek()?.0.at >= time {
            return None;
        }
        let Reverse(next) = self.heap.pop()?;
        self.events -= next.events.len();
        if let Some(count) = self.of.get_mut(&next.client.host) {
            *count -= next.events.len();
            if *count == 0 {
                self.of.remove(&next.client.host);
            }
        }
        Some((next.client, next.events))
    }

    /// Changes all that wait; for a new plan, whose knobs have other names. `[control]`
    pub fn change(&mut self, mut change: impl FnMut(&mut Vec<Event>)) {
        let mut all: Vec<_> = std::mem::take(&mut self.heap).into_vec();
        self.of.clear();
        self.events = 0;
        for Reverse(waiting) in &mut all {
            change(&mut waiting.events);
            self.events += waiting.events.len();
            *self.of.entry(waiting.client.host).or_default() += waiting.events.len();
        }
        self.heap = all.into();
    }
}
