//! What lies further ahead than the engine's queue is meant for waits here, within each client's share.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::client::Client;
use super::draft::Step;
use crate::base::time::SampleTime;
use crate::engine::{Act, Event, NoteId};

/// Events that may wait, of all clients.
pub const ALL: usize = 16_384;
/// Events that one computer may have waiting, so that none can keep the others out.
pub const HOST: usize = 12_288;
/// Events that one client may have waiting: as many as one packet may hold.
pub const EACH: usize = 8192;

/// Panics that may wait, of all clients.
const PANICS: usize = 256;

/// When, and in which order it came.
type Key = (SampleTime, u64);

/// What one client wants done at one time.
#[derive(Debug)]
pub struct Waiting {
    /// Whose.
    pub client: Client,
    /// For the engine, in order.
    pub events: Vec<Event>,
    /// What stands there from then on.
    pub steps: Vec<Step>,
}

impl Waiting {
    /// What counts against shares: the events that may give way.
    fn weight(&self) -> usize {
        weight(&self.events, &self.steps)
    }
}

/// Whether an event must never be taken back: a note would sound for ever, or somebody wait for ever. Such count against no share;
/// each ends a note that was counted, or one of the syncs that may be open. `[any]`
pub const fn must_stay(act: &Act) -> bool {
    act.ends_notes() || matches!(act, Act::Sync(_))
}

/// What events and steps of one time count against a share. `[control]`
pub fn weight(events: &[Event], steps: &[Step]) -> usize {
    events.iter().filter(|event| !must_stay(&event.act)).count().max(steps.len())
}

/// What was taken back.
#[derive(Debug, Default)]
pub struct Gone {
    /// How many events, of whom.
    pub events: BTreeMap<Client, usize>,
    /// Notes that will not start.
    pub notes: Vec<NoteId>,
}

impl Gone {
    /// Events of all. `[control]`
    pub fn count(&self) -> usize {
        self.events.values().sum()
    }
}

#[derive(Default)]
struct Share {
    weight: usize,
    keys: BTreeSet<Key>,
}

/// Batches by their time, and in the order in which they came.
#[derive(Default)]
pub struct Ahead {
    waiting: BTreeMap<Key, Waiting>,
    order: u64,
    events: usize,
    weight: usize,
    of: HashMap<Client, Share>,
    of_host: HashMap<u128, usize>,
    /// Where the end of a note waits.
    ends: HashMap<NoteId, Key>,
    panics: usize,
    /// Events that gave way since last asked, by their client.
    gave_way: BTreeMap<Client, usize>,
}

impl Ahead {
    /// Events that wait. `[control]`
    pub fn events(&self) -> usize {
        self.events
    }

    /// Whether so many more panics may wait. `[control]`
    pub fn has_room_for_panics(&self, more: usize) -> bool {
        more == 0 || self.panics + more <= PANICS
    }

    /// How many events of whom gave way since this was last asked. `[control]`
    pub fn take_gave_way(&mut self) -> BTreeMap<Client, usize> {
        std::mem::take(&mut self.gave_way)
    }

    fn held(&self, client: Client) -> usize {
        self.of.get(&client).map_or(0, |share| share.weight)
    }

    /// Makes room for so much more of a client, none of it later than a time. Where a share is used up, what lies farthest beyond
    /// that time gives way: the client's own; for its computer's and the common room, that of any client that holds more.
    /// `None`, and nothing is changed, where that is not enough. `[control]`
    pub fn make_room(&mut self, client: Client, until: SampleTime, more: usize) -> Option<Gone> {
        let mut going = BTreeSet::new();
        let mut freed = 0;
        let held = self.held(client);
        if held + more > EACH {
            let keys = self.of.get(&client).into_iter().flat_map(|share| share.keys.iter().rev());
            for key in keys.take_while(|key| key.0 > until) {
                if held + more <= EACH + freed {
                    break;
                }
                freed += self.waiting.get(key).map_or(0, Waiting::weight);
                going.insert(*key);
            }
            if held + more > EACH + freed {
                return None;
            }
        }
        let on_host = self.of_host.get(&client.host).copied().unwrap_or(0);
        // What leaves a computer's share leaves the common room as well.
        for (room, used, whole) in [(HOST, on_host, false), (ALL, self.weight, true)] {
            if used + more > room + freed {
                for (key, waiting) in self.waiting.iter().rev().take_while(|(key, _)| key.0 > until) {
                    if used + more <= room + freed {
                        break;
                    }
                    let meant = whole || waiting.client.host == client.host;
                    if meant && (waiting.client == client || self.held(waiting.client) > held + more) && going.insert(*key) {
                        freed += waiting.weight();
                    }
                }
            }
            if used + more > room + freed {
                return None;
            }
        }
        let mut gone = Gone::default();
        for key in going {
            self.take(key, &mut |_| true, &mut |_| true, &mut gone);
        }
        for (client, events) in &gone.events {
            *self.gave_way.entry(*client).or_default() += events;
        }
        Some(gone)
    }

    /// Lets events and steps of one time wait. `[control]`
    pub fn push(&mut self, at: SampleTime, client: Client, events: Vec<Event>, steps: Vec<Step>) {
        self.order += 1;
        let key = (at, self.order);
        for event in &events {
            if let Act::NoteOff { id, .. } = event.act {
                self.ends.insert(id, key);
            }
        }
        let waiting = Waiting { client, events, steps };
        self.count(key, &waiting, true);
        self.waiting.insert(key, waiting);
    }

    /// The next that lies before a time. `[control]`
    pub fn pop_before(&mut self, time: SampleTime) -> Option<(SampleTime, Waiting)> {
        let key = *self.waiting.first_key_value().filter(|(key, _)| key.0 < time)?.0;
        let waiting = self.waiting.remove(&key)?;
        self.count(key, &waiting, false);
        for event in &waiting.events {
            if let Act::NoteOff { id, .. } = event.act {
                self.ends.remove(&id);
            }
        }
        Some((key.0, waiting))
    }

    /// Takes back all events and steps that are meant, but for what must stay. Ends of notes that do not start go with them.
    /// `[control]`
    pub fn clear(&mut self, whose: Option<Client>, mut event: impl FnMut(&Event) -> bool, mut step: impl FnMut(&Step) -> bool) -> Gone {
        let keys: Vec<Key> = match whose {
            Some(client) => self.of.get(&client).into_iter().flat_map(|share| share.keys.iter().copied()).collect(),
            None => self.waiting.keys().copied().collect(),
        };
        let mut gone = Gone::default();
        for key in keys {
            self.take(key, &mut event, &mut step, &mut gone);
        }
        gone
    }

    /// Changes all that wait; for a new plan, whose knobs have other names. `[control]`
    pub fn change(&mut self, mut change: impl FnMut(&mut Vec<Event>), mut keep: impl FnMut(&mut Step) -> bool) {
        let all = std::mem::take(&mut self.waiting);
        for (key, mut waiting) in all {
            self.count(key, &waiting, false);
            change(&mut waiting.events);
            waiting.steps.retain_mut(&mut keep);
            self.count(key, &waiting, true);
            self.waiting.insert(key, waiting);
        }
    }

    /// Counts a batch in or out.
    fn count(&mut self, key: Key, waiting: &Waiting, comes: bool) {
        let (events, weight) = (waiting.events.len(), waiting.weight());
        let panics = waiting.events.iter().filter(|event| matches!(event.act, Act::Panic { .. })).count();
        let share = self.of.entry(waiting.client).or_default();
        let host = self.of_host.entry(waiting.client.host).or_default();
        if comes {
            self.panics += panics;
            (self.events, self.weight) = (self.events + events, self.weight + weight);
            (share.weight, *host) = (share.weight + weight, *host + weight);
            share.keys.insert(key);
            return;
        }
        self.panics -= panics;
        (self.events, self.weight) = (self.events - events, self.weight - weight);
        (share.weight, *host) = (share.weight - weight, *host - weight);
        share.keys.remove(&key);
        if share.keys.is_empty() {
            self.of.remove(&waiting.client);
        }
        if *host == 0 {
            self.of_host.remove(&waiting.client.host);
        }
    }

    /// Takes events and steps out of one batch.
    fn take(&mut self, key: Key, event: &mut dyn FnMut(&Event) -> bool, step: &mut dyn FnMut(&Step) -> bool, gone: &mut Gone) {
        let Some(mut waiting) = self.waiting.remove(&key) else { return };
        self.count(key, &waiting, false);
        let client = waiting.client;
        let from = gone.notes.len();
        let mut left = 0;
        waiting.events.retain(|it| {
            let stays = must_stay(&it.act) || !event(it);
            if !stays {
                left += 1;
                if let Act::NoteOn { id, .. } = it.act {
                    gone.notes.push(id);
                }
            }
            stays
        });
        waiting.steps.retain(|it| !step(it));
        if left > 0 {
            *gone.events.entry(client).or_default() += left;
        }
        if !(waiting.events.is_empty() && waiting.steps.is_empty()) {
            self.count(key, &waiting, true);
            self.waiting.insert(key, waiting);
        }
        for at in from..gone.notes.len() {
            self.take_end(gone.notes[at], gone);
        }
    }

    /// Takes out the end of a note that does not start.
    fn take_end(&mut self, note: NoteId, gone: &mut Gone) {
        let Some(key) = self.ends.remove(&note) else { return };
        let Some(mut waiting) = self.waiting.remove(&key) else { return };
        self.count(key, &waiting, false);
        let before = waiting.events.len();
        waiting.events.retain(|event| !matches!(event.act, Act::NoteOff { id, .. } if id == note));
        *gone.events.entry(waiting.client).or_default() += before - waiting.events.len();
        if !(waiting.events.is_empty() && waiting.steps.is_empty()) {
            self.count(key, &waiting, true);
            self.waiting.insert(key, waiting);
        }
    }
}
