//! A feed that cannot lose values: what finds no room waits, in order.

use std::collections::{HashMap, VecDeque};

use super::place::Place;
use crate::engine::doors::Feed;
use crate::engine::event::Mix;
use crate::engine::{Act, Event};
use crate::plan::KnobId;
use crate::plan::outline::NoteValue;

/// Batches that may wait at most.
const WAITING: usize = 65_536;

/// What a later value stands in for: only values of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Merge {
    /// A knob of a slot.
    Place(u8, Place),
    /// An entry of a list of a slot.
    Cell(u8, u16, u8),
    /// A strip of the mixer.
    Strip(u8, MixKey),
    /// The tempo.
    Tempo,
}

/// [`Mix`], as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MixKey(u8);

impl From<Mix> for MixKey {
    fn from(mix: Mix) -> Self {
        Self(match mix {
            Mix::Level => 0,
            Mix::Pan => 1,
            Mix::Mute => 2,
            Mix::Solo => 3,
            Mix::Limiter => 4,
        })
    }
}

/// Events that go in together or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    /// In order.
    pub events: Vec<Event>,
    /// `None` for notes, bundles, syncs, gates and triggers: nothing stands in for them and nothing overtakes them.
    pub merge: Option<Merge>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is in the engine's queue.
    Fed,
    /// It waits for room.
    Waits,
    /// It waits in the place of an older value of the same, of so many events.
    Merged(usize),
}

/// No room is left even to wait; nothing of the batch was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// A feed and what waits before it.
pub struct FeedLine {
    feed: Feed,
    waiting: VecDeque<Batch>,
    /// Batches that have left `waiting`, so that places in it can be named.
    left: u64,
    /// Values that may still be stood in for, by their place: those since the last that may not.
    newest: HashMap<Merge, u64>,
}

impl FeedLine {
    /// With nothing waiting. `[control]`
    pub fn new(feed: Feed) -> Self {
        Self { feed, waiting: VecDeque::new(), left: 0, newest: HashMap::new() }
    }

    /// Batches that wait. `[control]`
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Events that wait. `[control]`
    pub fn waiting_events(&self) -> usize {
        self.waiting.iter().map(|batch| batch.events.len()).sum()
    }

    /// Sends a batch after all that wait; while `closed`, all wait.
    ///
    /// # Errors
    /// [`NoRoom`]. `[control]`
    pub fn send(&mut self, batch: Batch, closed: bool) -> Result<Sent, NoRoom> {
        if batch.events.is_empty() {
            return Ok(Sent::Fed);
        }
        if !closed && self.flush().1 && self.feed.send(&batch.events).is_ok() {
            return Ok(Sent::Fed);
        }
        if let Some(merge) = batch.merge
            && let Some(at) = self.newest.get(&merge)
            && let Some(older) = self.waiting.get_mut((at - self.left) as usize)
        {
            let merged = older.events.len();
            *older = batch;
            return Ok(Sent::Merged(merged));
        }
        if self.waiting.len() >= WAITING {
            return Err(NoRoom);
        }
        match batch.merge {
            Some(merge) => {
                self.newest.insert(merge, self.left + self.waiting.len() as u64);
            }
            None => self.newest.clear(),
        }
        self.waiting.push_back(batch);
        Ok(Sent::Waits)
    }

    /// Sends one event past all that wait; false where there is no room. `[control]`
    pub fn pass(&mut self, event: Event) -> bool {
        self.feed.send(&[event]).is_ok()
    }

    /// Changes all that wait; nothing that comes later stands in for it. `[control]`
    pub fn change(&mut self, mut change: impl FnMut(&mut Vec<Event>)) {
        self.waiting.iter_mut().for_each(|batch| change(&mut batch.events));
        self.newest.clear();
    }

    /// Sends what waits, as far as there is room: how many events went, and whether nothing waits any more. `[control]`
    pub fn flush(&mut self) -> (usize, bool) {
        let mut events = 0;
        while let Some(batch) = self.waiting.front() {
            if self.feed.send(&batch.events).is_err() {
                return (events, false);
            }
            events += batch.events.len();
            self.left += 1;
            self.waiting.pop_front();
        }
        self.newest.clear();
        (events, true)
    }
}

/// What the knobs and lists of a plan are called in the next.
#[derive(Clone, Debug, Default)]
pub struct Renamed {
    /// One knob may become several.
    pub knobs: HashMap<KnobId, Vec<KnobId>>,
    /// Lists.
    pub lists: HashMap<u16, u16>,
}

impl Renamed {
    /// Gives every knob and list of a slot in some events its new name; how many were dropped because theirs is gone. `[control]`
    pub fn rename(&self, events: &mut Vec<Event>, slot: u8) -> usize {
        let mut dropped = 0;
        let mut out = Vec::with_capacity(events.len());
        for event in events.drain(..) {
            let before = out.len();
            let mut put = |act: Act| out.push(Event { at: event.at, act });
            let named = match event.act {
                Act::Knob { slot: of, knob, value, beats } if of == slot => {
                    let knobs = self.knobs.get(&knob).map_or(&[][..], Vec::as_slice);
                    knobs.iter().for_each(|knob| put(Act::Knob { slot, knob: *knob, value, beats }));
                    // A control's other knobs say the same once more: that is no loss.
                    self.knobs.contains_key(&knob)
                }
                Act::NoteSet { slot: of, id, what: NoteValue::Knob(knob), value } if of == slot => {
                    let knobs = self.knobs.get(&knob).map_or(&[][..], Vec::as_slice);
                    knobs.iter().for_each(|knob| put(Act::NoteSet { slot, id, what: NoteValue::Knob(*knob), value }));
                    self.knobs.contains_key(&knob)
                }
                Act::Cell { slot: of, list, index, value } if of == slot => {
                    let list = self.lists.get(&list);
                    list.into_iter().for_each(|list| put(Act::Cell { slot, list: *list, index, value }));
                    list.is_some()
                }
                act => {
                    put(act);
                    true
                }
            };
            debug_assert!(named || out.len() == before, "what has no name is not sent");
            dropped += usize::from(!named);
        }
        *events = out;
        dropped
    }
}
