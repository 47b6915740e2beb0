//! Keeps the engine's lane fed about a second ahead, and tells it of every change of what it was fed.
//!
//! What was fed is remembered as spans of beats, one for each jump and each turn of a loop that was or will be; so a change is made
//! wherever the note was fed, and a jump finds its first second fed before it happens.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::book::{Book, Item, Key, key};
use super::tempo_map::TempoMap;
use crate::control::{Call, Client, Control, Origin, Value};
use crate::engine::score::{AT_ONCE, Coming, LaneDoor, Order, SEATS};
use crate::plan::outline::NoteValue;
use crate::rt::whereabouts::Whereabouts;

/// How far ahead the lane is fed [s].
const AHEAD: f64 = 1.0;
/// The same, where that is more, for a tempo that leaps [beats].
const BEATS: f64 = 4.0;
/// Things in the lane at once: starts, ends and values of notes.
const THINGS: usize = 12_000;
/// Changes of tempo and metre in the lane at once.
const CHANGES: usize = 1024;
/// Jumps that are fed before they come at most.
const JUMPS: usize = 256;
/// Turns of a loop that are fed before they come at most.
const LAPS: usize = 32;
/// A note is over so many beats behind its end: no frame is longer.
const OVER: f64 = 0.01;
/// By so much a note may lie before the beat to which the clock goes.
const NEAR: f64 = 1e-9;

/// What was fed for one place and lap.
#[derive(Clone, Copy, Debug)]
struct Span {
    place: u32,
    lap: u32,
    from: Key,
    to: Key,
    /// The next change of tempo or metre.
    change: usize,
}

impl Span {
    fn new(place: u32, lap: u32, beat: f64) -> Self {
        let from = key(beat);
        Self { place, lap, from, to: from, change: 0 }
    }
}

/// What is played.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    /// The notes.
    pub book: &'a Book,
    /// The tempo and metre that lead, where they do.
    pub map: Option<&'a TempoMap>,
}

/// A note in the lane.
#[derive(Clone, Copy, Debug)]
struct Fed {
    item: u32,
    place: u32,
    lap: u32,
    end: f64,
    slot: u8,
    pitch: f32,
    /// How many things it is.
    things: usize,
}

/// Where the clock goes back from, where it comes to that.
fn loop_end(control: &Control, beat: f64) -> f64 {
    control.cycle().filter(|[_, end]| beat < *end).map_or(f64::INFINITY, |[_, end]| end)
}

/// The one who feeds.
pub struct Feeder {
    lane: LaneDoor,
    /// Not sent yet, in order.
    orders: VecDeque<Order>,
    seats: Vec<Option<Fed>>,
    free: Vec<u16>,
    of: FxHashMap<u32, Vec<u16>>,
    spans: VecDeque<Span>,
    things: usize,
    highest: u32,
    voicing: u64,
    /// Changed notes for which no seat was left.
    pending: Vec<u32>,
    /// Changes of tempo and metre in the lane: place, lap and beat.
    changes: VecDeque<(u32, u32, f64)>,
    /// Whether a map leads.
    leads: bool,
}

impl Feeder {
    /// With the way into an empty lane. `[control]`
    pub fn new(lane: LaneDoor) -> Self {
        Self {
            lane,
            orders: VecDeque::new(),
            seats: vec![None; SEATS],
            free: (0..SEATS as u16).rev().collect(),
            of: FxHashMap::default(),
            spans: VecDeque::new(),
            things: 0,
            highest: 0,
            voicing: 0,
            pending: Vec::new(),
            changes: VecDeque::new(),
            leads: false,
        }
    }

    /// Feeds what has become near, and what has changed. `[control]`
    pub fn feed(&mut self, control: &Control, sheet: Sheet<'_>, changed: &[u32]) {
        let Some(here) = control.shown().score.here.read() else { return };
        let book = sheet.book;
        self.catch_up(control, sheet, here);
        if self.leads != sheet.map.is_some() {
            self.lead_anew(control, sheet, here);
        }
        for at in std::mem::take(&mut self.pending).iter().chain(changed) {
            self.change(control, book, *at, here);
        }
        if self.voicing != control.voicing() {
            self.voicing = control.voicing();
            self.voice_anew(control, book, here);
        }
        self.extend(control, sheet, here);
        self.fill_anew(control, sheet);
        self.send();
    }

    /// The same when the clock is about to jump, so that nothing there is late. `[control]`
    pub fn prepare(&mut self, control: &Control, sheet: Sheet<'_>, place: u32, beat: f64) {
        if self.spans.len() >= JUMPS {
            return;
        }
        let from = control.music_from(beat);
        let mut span = Span::new(place, 0, from - NEAR);
        self.lead(control, sheet, &mut span, from);
        let end = loop_end(control, beat);
        self.fill(control, sheet, &mut span, end.min(beat + self.ahead(control)));
        self.spans.push_back(span);
        self.send();
    }

    /// Takes everything out of the lane; notes that sound end. `[control]`
    pub fn empty(&mut self) {
        for seat in 0..SEATS as u16 {
            if self.seats[usize::from(seat)].is_some() {
                self.take_out(seat);
            }
        }
        // Jumps that are still to come do come.
        let highest = self.highest;
        self.spans.retain_mut(|span| {
            (span.to, span.change) = (span.from, 0);
            span.place > highest
        });
        self.pending.clear();
        self.forget_changes();
        self.send();
    }

    /// Tells a note, whether it waits or sounds, its value of this name. `[control]`
    pub fn give(&mut self, control: &Control, book: &Book, item: u32, name: &str) {
        let Some(written) = book.item(item) else { return };
        for number in self.of.get(&item).cloned().unwrap_or_default() {
            for (name, value) in written.values.iter().filter(|(of, _)| **of == *name) {
                self.give_value(control, book.slot_name(written.slot), number, name, value);
            }
        }
        self.send();
    }

    fn ahead(&self, control: &Control) -> f64 {
        (AHEAD * control.tempo() / 60.0).max(BEATS)
    }

    /// What is over gives up its seats.
    fn catch_up(&mut self, control: &Control, sheet: Sheet<'_>, here: Whereabouts) {
        self.highest = self.highest.max(here.place);
        let highest = self.highest;
        let over = |place: u32, lap: u32| place <= highest && (place != here.place || lap < here.lap);
        self.spans.retain(|span| !over(span.place, span.lap));
        let done = |place: u32, lap: u32, end: f64| over(place, lap) || (place, lap) == (here.place, here.lap) && end + OVER < here.beat;
        self.changes.retain(|(place, lap, beat)| !done(*place, *lap, *beat));
        for seat in 0..if self.free.len() < SEATS { SEATS as u16 } else { 0 } {
            let Some(fed) = self.seats[usize::from(seat)] else { continue };
            if done(fed.place, fed.lap, fed.end) {
                self.release(seat);
            }
        }
        if !self.spans.iter().any(|span| (span.place, span.lap) == (here.place, here.lap)) {
            let mut span = Span::new(here.place, here.lap, here.beat);
            self.lead(control, sheet, &mut span, here.beat);
            self.spans.push_front(span);
        }
    }

    /// The lane is told what counts where a span begins.
    fn lead(&mut self, control: &Control, sheet: Sheet<'_>, span: &mut Span, beat: f64) {
        let Some(map) = sheet.map else { return };
        let (now, next) = map.at(beat);
        for (from, change) in now {
            self.orders.push_back(Order::Act { place: (span.place, span.lap), beat: AT_ONCE, act: change.act(control, from) });
        }
        span.change = next;
    }

    fn forget_changes(&mut self) {
        self.orders.push_back(Order::ForgetActs);
        self.changes.clear();
    }

    /// Another map leads, or none does any more.
    fn lead_anew(&mut self, control: &Control, sheet: Sheet<'_>, here: Whereabouts) {
        self.leads = sheet.map.is_some();
        self.forget_changes();
        for number in 0..self.spans.len() {
            let mut span = self.spans[number];
            let is_here = (span.place, span.lap) == (here.place, here.lap);
            let beat = if is_here { here.beat } else { f64::from_bits(span.from.0) };
            self.lead(control, sheet, &mut span, beat);
            self.spans[number] = span;
        }
    }

    fn release(&mut self, seat: u16) {
        let Some(fed) = self.seats[usize::from(seat)].take() else { return };
        self.things -= fed.things;
        self.free.push(seat);
        if let Some(seats) = self.of.get_mut(&fed.item) {
            seats.retain(|of| *of != seat);
            if seats.is_empty() {
                self.of.remove(&fed.item);
            }
        }
    }

    fn take_out(&mut self, seat: u16) {
        self.orders.push_back(Order::Remove { seat });
        self.release(seat);
    }

    /// A note is another, elsewhere, or gone.
    fn change(&mut self, control: &Control, book: &Book, at: u32, here: Whereabouts) {
        for seat in self.of.get(&at).cloned().unwrap_or_default() {
            self.take_out(seat);
        }
        let Some(item) = book.item(at) else { return };
        let stands = item.key();
        for number in 0..self.spans.len() {
            let span = self.spans[number];
            let is_here = (span.place, span.lap) == (here.place, here.lap);
            // Where the clock is, what began before it still has its rest.
            let comes = if is_here { item.end() > here.beat } else { stands >= span.from };
            if comes && stands < span.to && !self.seat(control, book, at, item, span) {
                self.pending.push(at);
                return;
            }
        }
    }

    /// Gives a note a seat; false where none is left.
    fn seat(&mut self, control: &Control, book: &Book, at: u32, item: &Item, span: Span) -> bool {
        // It is voiced anew when there is something to play it.
        let slot = book.slot_name(item.slot);
        let Some(voiced) = control.voice(slot, item.tone) else { return true };
        let things = 2 + item.values.len();
        if self.things + things > THINGS {
            return false;
        }
        let Some(seat) = self.free.pop() else { return false };
        let note = Coming {
            place: span.place,
            lap: span.lap,
            beat: item.beat,
            length: item.length,
            slot: voiced.slot,
            key: voiced.key,
            pitch: voiced.pitch,
            velocity: item.velocity,
            order: item.order,
        };
        self.orders.push_back(Order::Add { seat, note });
        self.things += things;
        let (slot_number, pitch) = (voiced.slot, voiced.pitch);
        self.seats[usize::from(seat)] =
            Some(Fed { item: at, place: span.place, lap: span.lap, end: item.end(), slot: slot_number, pitch, things });
        self.of.entry(at).or_default().push(seat);
        for (name, value) in &item.values {
            self.give_value(control, slot, seat, name, value);
        }
        true
    }

    fn give_value(&mut self, control: &Control, slot: &str, seat: u16, name: &str, value: &Value) {
        let call = Call { client: Client::of(Origin::Score), address: "/score", slot: 0, at: 0, values: &[] };
        let plan = control.plan_of(slot);
        // What the patch does not have is left out; who wrote it was told then.
        for (what, value) in control.voice_value(call, slot, name, value).unwrap_or_default() {
            self.orders.push_back(Order::Set { seat, what, value, plan });
        }
    }

    /// Feeds a span up to a beat, as far as there are seats.
    fn fill(&mut self, control: &Control, sheet: Sheet<'_>, span: &mut Span, until: f64) {
        let book = sheet.book;
        while let Some((beat, change)) = sheet.map.and_then(|map| map.change(span.change)).filter(|(beat, _)| *beat < until)
            && self.changes.len() < CHANGES
        {
            self.orders.push_back(Order::Act { place: (span.place, span.lap), beat, act: change.act(control, beat) });
            self.changes.push_back((span.place, span.lap, beat));
            span.change += 1;
        }
        let until = key(until);
        for (stands, at) in book.range(span.to, until) {
            let Some(item) = book.item(at) else { continue };
            if !self.seat(control, book, at, item, *span) {
                span.to = stands;
                return;
            }
        }
        span.to = span.to.max(until);
    }

    /// Feeds the present place on, and the turns of the loop that come within that time.
    fn extend(&mut self, control: &Control, sheet: Sheet<'_>, here: Whereabouts) {
        let mut left = self.ahead(control);
        let (mut lap, mut beat) = (here.lap, here.beat);
        for _ in 0..LAPS {
            let end = loop_end(control, beat);
            let at = self.spans.iter().position(|span| (span.place, span.lap) == (here.place, lap));
            let at = at.unwrap_or_else(|| {
                let from = control.music_from(beat);
                let mut span = Span::new(here.place, lap, from);
                self.lead(control, sheet, &mut span, from);
                self.spans.push_back(span);
                self.spans.len() - 1
            });
            let mut span = self.spans[at];
            self.fill(control, sheet, &mut span, end.min(beat + left));
            self.spans[at] = span;
            left -= end - beat;
            let Some([start, _]) = control.cycle().filter(|_| left > 0.0) else { return };
            (lap, beat) = (lap.wrapping_add(1), start);
        }
    }

    /// Feeds what lies behind jumps to come, where it was taken out.
    fn fill_anew(&mut self, control: &Control, sheet: Sheet<'_>) {
        for number in 0..self.spans.len() {
            let mut span = self.spans[number];
            if span.place <= self.highest || span.to != span.from {
                continue;
            }
            let beat = f64::from_bits(span.from.0) + NEAR;
            self.lead(control, sheet, &mut span, beat);
            self.fill(control, sheet, &mut span, loop_end(control, beat).min(beat + self.ahead(control)));
            self.spans[number] = span;
        }
    }

    /// Tunings or plans are others: notes in the lane are told, and what had nothing to play it may have it now.
    fn voice_anew(&mut self, control: &Control, book: &Book, here: Whereabouts) {
        for number in 0..SEATS as u16 {
            let Some(fed) = self.seats[usize::from(number)] else { continue };
            let Some(item) = book.item(fed.item) else { continue };
            let slot = book.slot_name(item.slot);
            let Some(voiced) = control.voice(slot, item.tone).filter(|voiced| voiced.slot == fed.slot) else { continue };
            if voiced.pitch != fed.pitch {
                self.orders.push_back(Order::Set { seat: number, what: NoteValue::Pitch, value: voiced.pitch, plan: 0 });
                self.seats[usize::from(number)] = Some(Fed { pitch: voiced.pitch, ..fed });
            }
            for (name, value) in &item.values {
                self.give_value(control, slot, number, name, value);
            }
        }
        for number in 0..self.spans.len() {
            let span = self.spans[number];
            let is_here = (span.place, span.lap) == (here.place, here.lap);
            let from = if is_here { span.from.max(key(here.beat)) } else { span.from };
            let missing: Vec<u32> = book.range(from, span.to).map(|(_, at)| at).filter(|at| !self.is_fed(*at, span)).collect();
            for at in missing {
                if let Some(item) = book.item(at) {
                    self.seat(control, book, at, item, span);
                }
            }
        }
    }

    fn is_fed(&self, item: u32, span: Span) -> bool {
        let seats = self.of.get(&item).map_or(&[][..], Vec::as_slice);
        let fed = seats.iter().filter_map(|seat| self.seats[usize::from(*seat)].as_ref());
        fed.into_iter().any(|fed| (fed.place, fed.lap) == (span.place, span.lap))
    }

    /// Sends as much as there is room for.
    fn send(&mut self) {
        let count = self.lane.send(self.orders.make_contiguous());
        self.orders.drain(..count);
    }
}
