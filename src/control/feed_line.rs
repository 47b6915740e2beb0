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
            Mix::Volume => 5,
            Mix::Balance => 6,
            Mix::Send(to) => to.saturating_add(7),
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
                Entry::Occupied(mut older) if glides(own) && !glides(&self.events[older.get().0..][..older.get().1]) => {
                    // It is to set off from the value before it: that one stays.
                    older.insert((self.events.len(), own.len()));
                    self.events.extend_from_slice(own);
                }
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

/// Whether these events begin a glide.
fn glides(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.act, Act::Knob { frames: 1.., .. } | Act::Mix { frames: 1.., .. }))
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
                Act::Knob { slot: of, knob, value, beats, frames } if of == slot => {
                    let knobs = self.knobs.get(&knob).map_or(&[][..], Vec::as_slice);
                    knobs.iter().for_each(|knob| put(Act::Knob { slot, knob: *knob, value, beats, frames }));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::ControlId;

    /// Notes what the engine would have been given.
    struct Bench {
        line: FeedLine,
        ring: rtrb::Consumer<Event>,
        given: usize,
        fed: usize,
        merged: usize,
    }

    fn value(place: usize, x: f32) -> Event {
        Event { at: 0, act: Act::Knob { slot: 0, knob: KnobId(place as u32), value: x, beats: false, frames: 0 } }
    }

    fn merge(place: usize) -> Merge {
        Merge::Place(0, Place::Control(ControlId(place)))
    }

    /// Nothing stands in for it and nothing overtakes it.
    fn barrier(number: u32) -> Event {
        Event { at: 0, act: Act::Sync(number) }
    }

    impl Bench {
        fn new() -> Self {
            let (feed, ring) = Feed::alone();
            Self { line: FeedLine::new(feed), ring, given: 0, fed: 0, merged: 0 }
        }

        fn send(&mut self, events: &[Event], values: &[(Merge, usize)], closed: bool) -> bool {
            let sent = self.line.send(events, values, closed);
            self.given += if sent.kept { events.len() } else { 0 };
            self.fed += sent.fed;
            self.merged += sent.merged;
            self.sums();
            sent.kept
        }

        fn turn(&mut self, places: &[usize], x: f32, closed: bool) -> bool {
            let events: Vec<Event> = places.iter().map(|place| value(*place, x)).collect();
            let values: Vec<_> = places.iter().map(|place| (merge(*place), 1)).collect();
            self.send(&events, &values, closed)
        }

        fn flush(&mut self) -> bool {
            let (fed, all) = self.line.flush();
            self.fed += fed;
            self.sums();
            all
        }

        /// What was taken in went on, was stood in for, or waits.
        fn sums(&self) {
            assert_eq!(self.given, self.fed + self.merged + self.line.waiting_events());
            assert_eq!(self.line.waiting_events(), self.line.waiting.iter().map(|piece| piece.events.len()).sum::<usize>());
        }

        /// Fills the queue to the engine but for so many.
        fn fill(&mut self, left: usize) {
            let many: Vec<Event> = (0..FEED_CAPACITY - left).map(|at| value(at, 0.0)).collect();
            assert!(self.send(&many, &[], false));
            assert_eq!(self.fed, many.len(), "all of it went");
        }

        fn drain(&mut self) -> Vec<Event> {
            std::iter::from_fn(|| self.ring.pop().ok()).collect()
        }
    }

    #[test]
    fn what_has_room_goes_at_once_and_in_order() {
        let mut bench = Bench::new();
        bench.turn(&[1, 2], 0.1, false);
        bench.send(&[barrier(1)], &[], false);
        bench.turn(&[1], 0.2, false);
        assert_eq!(bench.drain(), [value(1, 0.1), value(2, 0.1), barrier(1), value(1, 0.2)]);
        assert_eq!((bench.merged, bench.line.waiting_events()), (0, 0));
    }

    #[test]
    fn values_that_wait_are_stood_in_for_by_newer_ones_but_not_across_a_barrier() {
        let mut bench = Bench::new();
        bench.turn(&[1, 2], 0.1, true);
        bench.turn(&[2, 3], 0.2, true);
        bench.send(&[barrier(1)], &[], true);
        bench.turn(&[1], 0.3, true);
        bench.turn(&[1, 1], 0.4, true);
        bench.send(&[barrier(2)], &[], true);
        bench.turn(&[2], 0.5, true);
        assert_eq!((bench.merged, bench.line.waiting_events()), (3, 7));
        assert!(bench.flush());
        let before = [value(1, 0.1), value(2, 0.2), value(3, 0.2), barrier(1)];
        assert_eq!(bench.drain(), [before.as_slice(), &[value(1, 0.4), barrier(2), value(2, 0.5)]].concat());
    }

    #[test]
    fn a_bundle_goes_whole_in_one_flush() {
        let mut bench = Bench::new();
        bench.fill(2);
        bench.turn(&[1, 2, 3], 0.1, false);
        bench.turn(&[4], 0.1, false);
        assert_eq!(bench.drain().len(), FEED_CAPACITY - 2, "a part of it does not go, nor does what came after it");
        // What values came after one another is one piece: they act on the same sample.
        assert!(bench.flush());
        assert_eq!(bench.drain(), [value(1, 0.1), value(2, 0.1), value(3, 0.1), value(4, 0.1)]);
    }

    #[test]
    fn nothing_overtakes_what_waits() {
        let mut bench = Bench::new();
        bench.fill(1);
        bench.send(&[barrier(1), barrier(2)], &[], false);
        bench.turn(&[1], 0.1, false);
        assert_eq!(bench.drain().len(), FEED_CAPACITY - 1);
        bench.send(&[barrier(3)], &[], false);
        assert_eq!(bench.drain(), [barrier(1), barrier(2), value(1, 0.1), barrier(3)]);
    }

    #[test]
    fn a_value_of_other_length_begins_a_piece_of_its_own() {
        let mut bench = Bench::new();
        bench.send(&[value(1, 0.1), value(2, 0.1)], &[(merge(1), 2)], true);
        bench.send(&[value(1, 0.2)], &[(merge(1), 1)], true);
        assert_eq!((bench.merged, bench.line.waiting_events(), bench.line.waiting.len()), (0, 3, 2));
    }

    #[test]
    fn no_piece_outgrows_the_queue() {
        let mut bench = Bench::new();
        let places: Vec<usize> = (0..FEED_CAPACITY).collect();
        bench.turn(&places[1..], 0.1, true);
        bench.turn(&places[..1], 0.2, true);
        assert_eq!(bench.line.waiting.len(), 1, "exactly as many as go at once");
        bench.turn(&[FEED_CAPACITY], 0.3, true);
        assert_eq!(bench.line.waiting.len(), 2, "one more does not join");
        assert!(!bench.flush(), "the second waits for room");
        assert_eq!((bench.drain().len(), bench.line.waiting_events()), (FEED_CAPACITY, 1));
        assert!(bench.flush());
        assert_eq!(bench.drain(), [value(FEED_CAPACITY, 0.3)]);
    }

    #[test]
    fn what_finds_no_room_even_to_wait_is_not_kept_and_nothing_else_is_lost() {
        let mut bench = Bench::new();
        let batch: Vec<Event> = (0..FEED_CAPACITY).map(|at| barrier(at as u32)).collect();
        for _ in 0..WAITING / FEED_CAPACITY {
            assert!(bench.send(&batch, &[], true));
        }
        assert!(!bench.send(&batch[..1], &[], true) && !bench.turn(&[1], 0.1, true));
        assert_eq!((bench.line.waiting_events(), bench.merged), (WAITING, 0));
        let mut all = 0;
        while bench.line.waiting_events() > 0 {
            bench.flush();
            all += bench.drain().len();
        }
        assert_eq!(all, WAITING);
        assert!(bench.turn(&[1], 0.2, false));
        assert_eq!(bench.drain(), [value(1, 0.2)]);
    }

    #[test]
    fn what_was_changed_is_counted_anew_and_not_joined() {
        let mut bench = Bench::new();
        bench.turn(&[1, 2, 3], 0.1, true);
        bench.line.change(|events| events.truncate(2));
        assert_eq!(bench.line.waiting_events(), 2);
        let sent = bench.line.send(&[value(1, 0.2)], &[(merge(1), 1)], true);
        assert_eq!(sent, Sent { fed: 0, merged: 0, kept: true });
        assert_eq!(bench.line.flush(), (3, true));
        assert_eq!(bench.drain(), [value(1, 0.1), value(2, 0.1), value(1, 0.2)]);
    }

    #[test]
    fn one_that_passes_goes_before_what_waits() {
        let mut bench = Bench::new();
        bench.turn(&[1], 0.1, true);
        assert!(bench.line.pass(barrier(1)) && bench.flush());
        assert_eq!(bench.drain(), [barrier(1), value(1, 0.1)]);
    }

    #[test]
    fn the_newest_stands_in_for_older_values_but_a_glide_keeps_the_value_that_it_sets_off_from() {
        let (feed, _ring) = Feed::alone();
        let mut line = FeedLine::new(feed);
        let mut send = |value: f32, frames: u32| {
            let event = Event { at: 0, act: Act::Mix { slot: 0, what: Mix::Level, value, frames } };
            line.send(&[event], &[(Merge::Strip(0, Mix::Level.into()), 1)], true).merged
        };
        assert_eq!(send(0.1, 0), 0);
        assert_eq!(send(0.2, 0), 1);
        assert_eq!(send(0.9, 480), 0, "it is to begin at 0.2");
        assert_eq!(send(0.8, 960), 1, "the newest glide alone");
        assert_eq!(send(0.3, 0), 1, "a value ends the glide that waits");
        assert_eq!(line.waiting_events(), 2);
    }
}
