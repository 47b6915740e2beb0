//! The lane of a score: notes that are to come, by their beats. Which frame that is, is known when the block comes: tempo changes,
//! halts and jumps need nothing to be taken back.
//!
//! Each note has a seat, a number that its feeder gives it and takes back when the note is over; by it a note is changed or removed,
//! whether it waits or sounds. Notes wait for their (place, lap, beat): the place is the number of the jump after which they are played,
//! the lap counts the turns of a loop there. What belongs before the present place is dropped when the clock jumps.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::beat::BeatClock;
use super::event::{Act, NoteId};
use crate::base::time::SampleTime;
use crate::plan::mixer::SLOTS;
use crate::plan::outline::NoteValue;
use crate::rt::whereabouts::{self, Whereabouts};

/// Before all beats of a place.
pub const AT_ONCE: f64 = f64::NEG_INFINITY;
/// Notes that can be in the lane at once, waiting or sounding.
pub const SEATS: usize = 4096;
/// Things that may wait at once: starts, ends, values of notes, and what is no note.
const WAITING: usize = 16_384;
/// The seat of all that is no note, behind those of notes.
const ACTS: u16 = SEATS as u16;
/// Orders on their way into the engine.
pub const ORDERS: usize = 8192;
/// Beats by which a note may lie before its exact place, for the rounding of sums; as with pulses.
const NEAR: f64 = 1e-9;

/// A note that is to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coming {
    /// After which jump.
    pub place: u32,
    /// After how many turns of the loop there.
    pub lap: u32,
    /// At which beat.
    pub beat: f64,
    /// For how many beats.
    pub length: f64,
    /// In which slot.
    pub slot: u8,
    /// The key, for `keys.…`.
    pub key: u8,
    /// Octaves above C4.
    pub pitch: f32,
    /// 0..1.
    pub velocity: f32,
    /// Of notes of one beat, the lower begins first.
    pub order: u32,
}

/// What a lane is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// A note takes a seat; one that had it, ends.
    Add {
        /// Which, below [`SEATS`].
        seat: u16,
        /// What it plays.
        note: Coming,
    },
    /// A note is given a value of its own: at its start, or at once where it sounds.
    Set {
        /// Whose.
        seat: u16,
        /// What.
        what: NoteValue,
        /// Counted.
        value: f32,
        /// The plan that knows the knob by this number, by the plan's own.
        plan: u8,
    },
    /// A note leaves its seat: it is not played, or ends.
    Remove {
        /// Whose.
        seat: u16,
    },
    /// Something that is no note acts at its beat: the score's own tempo, say.
    Act {
        /// After which jump, and after how many turns of the loop there.
        place: (u32, u32),
        /// At which beat; [`AT_ONCE`]: in the frame in which the clock comes there, also where it halts.
        beat: f64,
        /// What.
        act: Act,
    },
    /// Of that nothing acts that was told so far.
    ForgetActs,
}

/// Who feeds the lane.
pub struct LaneDoor {
    ring: rtrb::Producer<Order>,
}

impl LaneDoor {
    /// How many orders find room. `[control]`
    pub fn room(&self) -> usize {
        self.ring.slots()
    }

    /// Sends as many orders as there is room for; how many. They come into the engine between two blocks, together. `[control]`
    pub fn send(&mut self, orders: &[Order]) -> usize {
        let count = orders.len().min(self.ring.slots());
        match self.ring.write_chunk_uninit(count) {
            Ok(chunk) => chunk.fill_from_iter(orders.iter().copied()),
            Err(_) => 0,
        }
    }
}

/// What the lane shows of itself.
#[derive(Debug, Default)]
pub struct LaneShown {
    /// Where the score is being played.
    pub here: whereabouts::Shown,
    /// Notes started.
    pub played: AtomicU64,
    /// Notes that came after their beat: they began at once, and were so much shorter.
    pub late: AtomicU64,
    /// Notes of which nothing was left, or for which there was no room.
    pub dropped: AtomicU64,
}

/// A note on its seat.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    /// What waits for an earlier one is dead.
    turn: u32,
    note: Option<Coming>,
    sounds: Option<NoteId>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    End,
    Start,
    Value(NoteValue, f32, u8),
    Act(Act),
}

/// Something that waits for its beat.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    place: u32,
    lap: u32,
    beat: f64,
    order: u32,
    arrival: u32,
    turn: u32,
    seat: u16,
    what: What,
}

impl Waiting {
    fn compare(&self, other: &Self) -> Ordering {
        let ends = |waiting: &Self| !matches!(waiting.what, What::End);
        let (own, others) = ((self.place, self.lap), (other.place, other.lap));
        own.cmp(&others)
            .then(self.beat.total_cmp(&other.beat))
            .then(ends(self).cmp(&ends(other)))
            .then(self.order.cmp(&other.order))
            // Numbers go round; those of one note are near each other.
            .then((self.arrival.wrapping_sub(other.arrival) as i32).cmp(&0))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
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
        other.compare(self)
    }
}

/// The lane.
pub struct Lane {
    orders: rtrb::Consumer<Order>,
    seats: Box<[Seat]>,
    heap: BinaryHeap<Waiting>,
    /// What acts in the next frame, whatever its beat.
    at_once: VecDeque<Act>,
    arrivals: u32,
    notes: u32,
    place: u32,
    lap: u32,
    /// The highest number of a place so far: what waits for a higher one still comes.
    highest: u32,
    /// The number of each slot's plan.
    plans: [u8; SLOTS],
    late: u64,
    dropped: u64,
    played: u64,
}

impl Lane {
    /// An empty lane, and its other end. `[control]`
    #[allow(clippy::disallowed_methods, reason = "built off the audio thread")]
    pub fn new() -> (LaneDoor, Self) {
        let (ring, orders) = rtrb::RingBuffer::new(ORDERS);
        let lane = Self {
            orders,
            seats: (0..=SEATS).map(|_| Seat::default()).collect(),
            heap: BinaryHeap::with_capacity(WAITING),
            at_once: VecDeque::with_capacity(2 * SEATS),
            arrivals: 0,
            notes: 0,
            place: 0,
            lap: 0,
            highest: 0,
            plans: [0; SLOTS],
            late: 0,
            dropped: 0,
            played: 0,
        };
        (LaneDoor { ring }, lane)
    }

    /// Takes in what it was told; it acts from the next frame on. `[audio]`
    pub fn take_in(&mut self) {
        while self.at_once.len() < SEATS
            && let Ok(order) = self.orders.pop()
        {
            match order {
                Order::Add { seat, note } => self.add(seat, note),
                Order::Set { seat, what, value, plan } => self.set(seat, what, value, plan),
                Order::Remove { seat } => self.leave(seat),
                Order::Act { place: (place, lap), beat, act } => self.wait_to_act((place, lap), beat, act),
                Order::ForgetActs => self.seats[usize::from(ACTS)].turn = self.seats[usize::from(ACTS)].turn.wrapping_add(1),
            }
        }
    }

    fn add(&mut self, number: u16, note: Coming) {
        self.leave(number);
        let over = self.is_over(note.place, note.lap);
        let seat = self.seats.get_mut(usize::from(number)).filter(|_| number < ACTS && !over);
        let Some(seat) = seat else {
            self.dropped += 1;
            return;
        };
        seat.note = Some(note);
        if !self.wait(number, note.beat, What::Start) {
            self.dropped += 1;
        }
    }

    /// Whether the clock has left a place and lap behind.
    fn is_over(&self, place: u32, lap: u32) -> bool {
        place != self.place && place <= self.highest || place == self.place && lap < self.lap
    }

    fn wait_to_act(&mut self, at: (u32, u32), beat: f64, act: Act) {
        if self.is_over(at.0, at.1) {
            return;
        }
        if !self.wait_at(ACTS, at, beat, 0, What::Act(act)) {
            self.dropped += 1;
        }
        self.arrive();
    }

    /// What acts as soon as the clock is here.
    fn arrive(&mut self) {
        while let Some(next) = self.heap.peek()
            && next.beat == AT_ONCE
            && (next.place, next.lap) == (self.place, self.lap)
            && self.at_once.len() < 2 * SEATS
        {
            let own = self.seats[usize::from(next.seat)].turn == next.turn;
            if let (What::Act(act), true) = (next.what, own) {
                self.at_once.push_back(act);
            }
            self.heap.pop();
        }
    }

    /// Something of a seat waits for a beat; false where there is no room.
    fn wait(&mut self, number: u16, beat: f64, what: What) -> bool {
        let Some(Coming { place, lap, order, .. }) = self.seats[usize::from(number)].note else { return false };
        self.wait_at(number, (place, lap), beat, order, what)
    }

    fn wait_at(&mut self, number: u16, (place, lap): (u32, u32), beat: f64, order: u32, what: What) -> bool {
        let turn = self.seats[usize::from(number)].turn;
        if self.heap.len() >= WAITING {
            // What was taken back stands here until its beat, or until its room is wanted.
            let seats = &self.seats;
            self.heap.retain(|waiting| seats[usize::from(waiting.seat)].turn == waiting.turn);
            if self.heap.len() >= WAITING {
                return false;
            }
        }
        self.arrivals = self.arrivals.wrapping_add(1);
        self.heap.push(Waiting { place, lap, beat, order, arrival: self.arrivals, turn, seat: number, what });
        true
    }

    fn set(&mut self, number: u16, what: NoteValue, value: f32, plan: u8) {
        let Some(seat) = self.seats.get(usize::from(number)) else { return };
        match (seat.note, seat.sounds) {
            (Some(note), Some(id)) => {
                if self.knows(note.slot, what, plan) && self.at_once.len() < 2 * SEATS {
                    self.at_once.push_back(Act::NoteSet { slot: note.slot, id, what, value });
                }
            }
            (Some(note), None) => {
                if !self.wait(number, note.beat, What::Value(what, value, plan)) {
                    self.dropped += 1;
                }
            }
            (None, _) => {}
        }
    }

    /// Whether a value is meant for the plan that a slot has now.
    fn knows(&self, slot: u8, what: NoteValue, plan: u8) -> bool {
        !matches!(what, NoteValue::Knob(_)) || self.plans.get(usize::from(slot)) == Some(&plan)
    }

    /// A note leaves its seat.
    fn leave(&mut self, number: u16) {
        let Some(seat) = self.seats.get_mut(usize::from(number)) else { return };
        seat.turn = seat.turn.wrapping_add(1);
        if let (Some(note), Some(id)) = (seat.note.take(), seat.sounds.take()) {
            self.at_once.push_back(Act::NoteOff { slot: note.slot, id, velocity: 0.5 });
        }
    }

    /// The beat clock jumps: notes that sound end, and what was to come before this place is dropped. `[audio]`
    pub fn jump(&mut self, place: u32, lap: u32) {
        (self.place, self.lap) = (place, lap);
        let highest = self.highest;
        self.highest = if place > highest { place } else { highest };
        for number in 0..SEATS as u16 {
            let Some(note) = self.seats[usize::from(number)].note else { continue };
            let comes = note.place > self.highest || note.place == place && note.lap >= lap;
            if !comes || self.seats[usize::from(number)].sounds.is_some() {
                self.leave(number);
            }
        }
        if !self.heap.is_empty() {
            let (seats, highest) = (&self.seats, self.highest);
            self.heap.retain(|waiting| {
                let comes = waiting.place > highest || waiting.place == place && waiting.lap >= lap;
                comes && seats[usize::from(waiting.seat)].turn == waiting.turn
            });
        }
        self.arrive();
    }

    /// The loop turns. `[audio]`
    pub fn turn(&mut self) {
        self.jump(self.place, self.lap.wrapping_add(1));
    }

    /// A slot has another plan, by its number. `[audio]`
    pub fn planned(&mut self, slot: u8, number: u8) {
        if let Some(plan) = self.plans.get_mut(usize::from(slot)) {
            *plan = number;
        }
    }

    /// A slot's plan is gone: so are its notes. `[audio]`
    pub fn forget(&mut self, slot: u8) {
        for number in 0..SEATS as u16 {
            if self.seats[usize::from(number)].note.is_some_and(|note| note.slot == slot) {
                self.leave(number);
            }
        }
    }

    /// The next of what acts at once. `[audio]`
    pub fn pop_at_once(&mut self) -> Option<Act> {
        self.at_once.pop_front()
    }

    /// The frame, before `end`, in which the next act falls. `[audio]`
    pub fn next_time(&mut self, clock: &BeatClock, now: SampleTime, end: SampleTime) -> Option<SampleTime> {
        if now >= end || !clock.running() || clock.counts_in() {
            return None;
        }
        loop {
            let next = *self.heap.peek()?;
            let seat = &self.seats[usize::from(next.seat)];
            if seat.turn != next.turn {
                self.heap.pop();
                continue;
            }
            if (next.place, next.lap) != (self.place, self.lap) || clock.music(end - 1) + NEAR < next.beat {
                return None;
            }
            let (mut from, mut to) = (now, end - 1);
            while from < to {
                let middle = from + (to - from) / 2;
                if clock.music(middle) + NEAR < next.beat { from = middle + 1 } else { to = middle }
            }
            let nothing_left =
                matches!(next.what, What::Start) && seat.note.is_some_and(|note| note.beat + note.length <= clock.music(from));
            if nothing_left {
                self.heap.pop();
                self.dropped += 1;
                self.leave(next.seat);
                continue;
            }
            return Some(from);
        }
    }

    /// The slot of the act that [`Self::next_time`] found; `None` where it is for all. `[audio]`
    pub fn next_slot(&self) -> Option<u8> {
        self.seats[usize::from(self.heap.peek()?.seat)].note.map(|note| note.slot)
    }

    /// The act that falls in the frame that [`Self::next_time`] gave; `None` where it turns out to be none. `[audio]`
    pub fn take(&mut self, clock: &BeatClock, at: SampleTime) -> Option<Act> {
        let next = self.heap.pop()?;
        let seat = &mut self.seats[usize::from(next.seat)];
        match (next.what, seat.note) {
            (What::Act(act), _) => Some(act),
            (_, None) => None,
            (What::Start, Some(note)) => {
                self.notes = (self.notes + 1) % (NoteId::OWN - NoteId::SCORE);
                let id = NoteId(NoteId::SCORE + self.notes);
                seat.sounds = Some(id);
                // It lasts a frame at least.
                let (here, after) = (clock.music(at), clock.music(at + 1));
                let end = note.beat + note.length;
                self.wait(next.seat, if end > after { end } else { after }, What::End);
                self.late += u64::from(here - next.beat > (after - here) * 1.000_001 + NEAR);
                self.played += 1;
                Some(Act::NoteOn { slot: note.slot, key: note.key, id, pitch: note.pitch, velocity: note.velocity, frames: 0 })
            }
            (What::End, Some(note)) => {
                let id = seat.sounds.take()?;
                (seat.note, seat.turn) = (None, seat.turn.wrapping_add(1));
                Some(Act::NoteOff { slot: note.slot, id, velocity: 0.5 })
            }
            (What::Value(what, value, plan), Some(note)) => {
                let id = seat.sounds?;
                self.knows(note.slot, what, plan).then_some(Act::NoteSet { slot: note.slot, id, what, value })
            }
        }
    }

    /// Shows at which time it is at which beat, and what it has counted. `[audio]`
    pub fn show(&mut self, shown: &LaneShown, here: (SampleTime, f64)) {
        shown.here.publish(Whereabouts { now: here.0, beat: here.1, place: self.place, lap: self.lap });
        for (count, to) in [(&mut self.late, &shown.late), (&mut self.dropped, &shown.dropped), (&mut self.played, &shown.played)] {
            if *count > 0 {
                to.fetch_add(std::mem::take(count), Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: u64 = 24_000;

    fn note(place: u32, lap: u32, beat: f64, length: f64) -> Coming {
        Coming { place, lap, beat, length, slot: 0, key: 60, pitch: 0.0, velocity: 1.0, order: 0 }
    }

    /// What acts in each frame up to `end`: `+` a note starts, `-` one ends, `=` one is set; jumps when and where it is told.
    fn play(lane: &mut Lane, clock: &mut BeatClock, from: u64, end: u64, block: u64, jumps: &[(u64, f64, u32, u32)]) -> Vec<(u64, char)> {
        let (mut acts, mut now) = (Vec::new(), from);
        let spell = |act: Act| match act {
            Act::NoteOn { .. } => '+',
            Act::NoteOff { .. } => '-',
            _ => '=',
        };
        while now < end {
            lane.take_in();
            for (_, beat, place, lap) in jumps.iter().filter(|(at, ..)| *at == now) {
                clock.locate(now, *beat);
                lane.jump(*place, *lap);
            }
            while let Some(act) = lane.pop_at_once() {
                acts.push((now, spell(act)));
            }
            let next = jumps.iter().map(|(at, ..)| *at).filter(|at| *at > now).min().unwrap_or(u64::MAX);
            let to = (now + block).min(end).min(next);
            while let Some(at) = lane.next_time(clock, now, to) {
                acts.extend(lane.take(clock, at).map(|act| (at, spell(act))));
            }
            now = to;
        }
        acts
    }

    #[test]
    fn the_turns_of_a_loop_are_fed_before_they_happen() {
        for block in [1, 7, 64] {
            let ((mut door, mut lane), mut clock) = (Lane::new(), BeatClock::new(120.0, 48_000.0));
            for lap in 0..3u16 {
                for (seat, beat) in [(0, 1.0), (1, 1.75)] {
                    door.send(&[Order::Add { seat: lap * 2 + seat, note: note(0, lap.into(), beat, 0.5) }]);
                }
            }
            // From beat 2 back to 1.
            let jumps = [(2 * BEAT, 1.0, 0, 1), (3 * BEAT, 1.0, 0, 2)];
            let acts = play(&mut lane, &mut clock, 0, 4 * BEAT + 1, block, &jumps);
            let lap = |at: u64| vec![(at, '+'), (at + 12_000, '-'), (at + 18_000, '+'), (at + 24_000, '-')];
            let mut want = [lap(BEAT), lap(2 * BEAT), lap(3 * BEAT)].concat();
            // Where the clock goes on, the last ends by itself, at its own beat.
            want.truncate(11);
            assert_eq!(acts, want, "blocks of {block}");
        }
    }

    #[test]
    fn what_waits_for_another_jump_stays_and_what_is_over_goes() {
        let ((mut door, mut lane), mut clock) = (Lane::new(), BeatClock::new(120.0, 48_000.0));
        for (seat, place) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
            door.send(&[Order::Add { seat, note: note(place, 0, 0.5, 0.25) }]);
        }
        // The second jump comes before the first, which had been meant for before it.
        let acts = play(&mut lane, &mut clock, 0, BEAT, 64, &[(640, 0.0, 2, 0), (1280, 0.0, 1, 0), (1920, 0.0, 3, 0)]);
        assert_eq!(acts, [(13_920, '+'), (19_920, '-')], "only what belongs to the last");
        assert!(lane.heap.is_empty() && lane.seats.iter().all(|seat| seat.note.is_none() && seat.sounds.is_none()));
        door.send(&[Order::Add { seat: 0, note: note(2, 0, 9.0, 1.0) }]);
        lane.take_in();
        assert_eq!(lane.dropped, 1, "nobody comes back to a place");
    }

    #[test]
    fn a_seat_that_is_taken_anew_ends_who_had_it_and_takes_its_end_back() {
        let ((mut door, mut lane), mut clock) = (Lane::new(), BeatClock::new(120.0, 48_000.0));
        door.send(&[Order::Add { seat: 5, note: note(0, 0, 0.0, 1.0) }]);
        assert_eq!(play(&mut lane, &mut clock, 0, 6000, 64, &[]), [(0, '+')]);
        door.send(&[Order::Set { seat: 5, what: NoteValue::Pitch, value: 1.0, plan: 0 }]);
        door.send(&[Order::Add { seat: 5, note: note(0, 0, 0.5, 1.0) }]);
        assert_eq!(play(&mut lane, &mut clock, 6000, 40_000, 64, &[]), [(6000, '='), (6000, '-'), (12_000, '+'), (36_000, '-')]);
    }

    #[test]
    fn room_is_made_where_what_was_taken_back_stands() {
        let ((mut door, mut lane), _) = (Lane::new(), BeatClock::new(120.0, 48_000.0));
        for _ in 0..20 * WAITING as u32 {
            door.send(&[Order::Add { seat: 7, note: note(0, 0, 3.0, 1.0) }]);
            lane.take_in();
        }
        assert!(lane.dropped == 0 && lane.heap.len() <= WAITING && lane.heap.capacity() < 2 * WAITING);
    }
}
