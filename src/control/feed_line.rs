//! A feed that cannot lose values: what finds no room waits, in order.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use rustc_hash::FxHashMap;

use super::place::Place;
use crate::engine::doors::{FEED_CAPACITY, Feed};
use crate::engine::event::Mix;
use crate::engine::{Act, Event};
use crate::plan::KnobId;
use crate::plan::outline::NoteValue;

/// Events that may wait at most: some megabytes.
const WAITING: usize = 131_072;

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

/// No room is left even to wait; nothing of the batch was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Events that went into the engine's queue: of this batch, or of what waited before it.
    pub fed: usize,
    /// Older events that waited, for which some of these stand in now.
    pub merged: usize,
    /// The batch is in the queue or waits; else nothing of it was kept.
    pub kept: bool,
}

/// What waits to go in together.
#[derive(Debug, Default)]
struct Piece {
    /// In order.
    events: Vec<Event>,
    /// Where each value's events begin, and how many they are.
    newest: FxHashMap<Merge, (usize, usize)>,
    /// Newer values may join it and stand in for older ones.
    open: bool,
}

impl Piece {
    /// Whether these values can join: there is room, and each has as many events as the one that it stands in for.
    fn takes(&self, values: &[(Merge, usize)], count: usize) -> bool {
        self.open
            && self.events.len() + count <= FEED_CAPACITY
            && values.iter().all(|(merge, count)| self.newest.get(merge).is_none_or(|(_, older)| older == count))
    }

    /// Takes values in; how many events they stand in for.
    fn join(&mut self, events: &[Event], values: &[(Merge, usize)]) -> usize {
        let (mut rest, mut merged) = (events, 0);
        for (merge, count) in values {
            let (own, after) = rest.split_at((*count).min(rest.len()));
            rest = after;
            match self.newest.entry(*merge) {
                Entry::Occupied(older) => {
                    let (at, count) = *older.get();
                    // The same value twice in one packet may differ in nothing but its amount.
                    self.events[at..at + count].copy_from_slice(own);
                    merged += count;
                }
                Entry::Vacant(place) => {
                    place.insert((self.events.len(), own.len()));
                    self.events.extend_from_slice(own);
                }
            }
        }
        merged
    }
}

/// A feed and what waits before it: pieces, each of which goes in whole. Values that come one after another, with nothing between
/// that must keep its order, are one piece: of each address the newest, and all of them act on the same sample.
pub struct FeedLine {
    feed: Feed,
    waiting: VecDeque<Piece>,
    /// Events in `waiting`.
    events: usize,
    /// A piece that went, for its memory.
    spare: Piece,
}

impl FeedLine {
    /// With nothing waiting. `[control]`
    pub fn new(feed: Feed) -> Self {
        Self { feed, waiting: VecDeque::new(), events: 0, spare: Piece::default() }
    }

    /// Events that wait. `[control]`
    pub fn waiting_events(&self) -> usize {
        self.events
    }

    /// Sends a batch after all that waits; while `closed`, all waits. `values`: what the batch is made of, in order, each with its
    /// number of events, where newer values may stand in for all of it; none for notes, bundles with a time, syncs, gates and
    /// triggers: nothing stands in for them and nothing overtakes them. `[control]`
    pub fn send(&mut self, events: &[Event], values: &[(Merge, usize)], closed: bool) -> Sent {
        let mut sent = Sent { fed: 0, merged: 0, kept: true };
        if events.is_empty() {
            return sent;
        }
        if !closed {
            let (fed, all) = self.flush();
            sent.fed = fed;
            if all && self.feed.send(events).is_ok() {
                sent.fed += events.len();
                return sent;
            }
        }
        if !values.is_empty()
            && let Some(last) = self.waiting.back_mut()
            && last.takes(values, events.len())
        {
            let before = last.events.len();
            if self.events + events.len() <= WAITING {
                sent.merged = last.join(events, values);
                self.events += last.events.len() - before;
                return sent;
            }
        }
        if self.events + events.len() > WAITING {
            sent.kept = false;
            return sent;
        }
        let mut piece = std::mem::take(&mut self.spare);
        if values.is_empty() {
            piece.events.extend_from_slice(events);
        } else {
            piece.open = true;
            sent.merged = piece.join(events, values);
        }
        self.events += piece.events.len();
        self.waiting.push_back(piece);
        sent
    }

    /// Sends one event past all that wait; false where there is no room. `[control]`
    pub fn pass(&mut self, event: Event) -> bool {
        self.feed.send(&[event]).is_ok()
    }

    /// Changes all that wait; nothing that comes later stands in for it. `[control]`
    pub fn change(&mut self, mut change: impl FnMut(&mut Vec<Event>)) {
        for piece in &mut self.waiting {
            piece.open = false;
            change(&mut piece.events);
        }
        self.events = self.waiting.iter().map(|piece| piece.events.len()).sum();
    }

    /// Sends what waits, as far as there is room: how many events went, and whether nothing waits any more. `[control]`
    pub fn flush(&mut self) -> (usize, bool) {
        let mut events = 0;
        while let Some(piece) = self.waiting.front() {
            if self.feed.send(&piece.events).is_err() {
                return (events, false);
            }
            events += piece.events.len();
            self.events -= piece.events.len();
            if let Some(mut piece) = self.waiting.pop_front() {
                piece.events.clear();
                piece.newest.clear();
                piece.open = false;
                self.spare = piece;
            }
        }
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
