//! What the callback owns.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::beat::BeatClock;
use super::click::Click;
use super::doors::{Doors, FEED_CAPACITY, FEEDS, Feed, PlanDoor, Shown};
use super::event::{ALL_SLOTS, Act, Event, Mix};
use super::headroom::Headroom;
use super::journal::{Did, Journal};
use super::master::Master;
use super::mixer::{Mixer, bits};
use super::outbox::Outbox;
use super::pause::Pause;
use super::queue::EventQueue;
use super::recording::Recordings;
use super::report::Report;
use super::score::Lane;
use super::strip::{Block, Strip};
use super::team::Team;
use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::plan::mixer::SLOTS;
use crate::plan::{MixPlan, SlotPlan};
use crate::rt::beat_line::Line;
use crate::rt::guard::FlushToZero;

/// The audio thread's half of rackd.
pub struct Engine {
    pub(super) rate: f32,
    /// Its own time, which stands while it pauses.
    pub(super) now: SampleTime,
    /// Boxed, since a strip goes to another thread and back without being copied.
    #[allow(clippy::vec_box, reason = "they are moved one by one")]
    pub(super) strips: Vec<Box<Strip>>,
    /// The strips that have a plan, as bits.
    pub(super) filled: u64,
    /// Those among them whose plan is on its way out.
    pub(super) leaving: u64,
    team: Option<Team>,
    pub(super) feeds: Vec<rtrb::Consumer<Event>>,
    pub(super) queue: EventQueue,
    pub(super) beat: BeatClock,
    pub(super) score: Lane,
    pub(super) pause: Pause,
    click: Click,
    /// It starts with a callback that is heard at this moment of the driver's clock, or at this time.
    waits: Option<(u64, SampleTime)>,
    master: Master,
    pub(super) mixer: Mixer,
    pub(super) headroom: Headroom,
    pub(super) journal: Journal,
    pub(super) recordings: Recordings,
    pub(super) keep_all: bool,
    input: Box<[[f32; BLOCK]; 2]>,
    pub(super) plans: rtrb::Consumer<(u8, Option<Box<SlotPlan>>)>,
    pub(super) home: rtrb::Producer<Box<SlotPlan>>,
    pub(super) mixes: rtrb::Consumer<Box<MixPlan>>,
    pub(super) mixes_home: rtrb::Producer<Box<MixPlan>>,
    failures: rtrb::Producer<Box<dyn Any + Send>>,
    pub(super) out: Outbox,
}

impl Engine {
    /// An engine without plans at a rate that it keeps for life [Hz]. `[control]`
    #[allow(clippy::disallowed_methods, reason = "built off the audio thread")]
    pub fn new(rate: f32) -> (Self, Doors, PlanDoor) {
        let (to, plans) = rtrb::RingBuffer::new(1);
        let (home, home_end) = rtrb::RingBuffer::new(8);
        let (mixes_to, mixes) = rtrb::RingBuffer::new(1);
        let (mixes_home, mixes_home_end) = rtrb::RingBuffer::new(2);
        let initial = MixPlan::new(&MixPlan::initial(), &[]).expect("where all go to the master there is no circle");
        let (failures, failures_end) = rtrb::RingBuffer::new(SLOTS);
        let (reports, reports_end) = rtrb::RingBuffer::new(8192);
        let (senders, feeds): (Vec<_>, Vec<_>) = (0..FEEDS).map(|_| rtrb::RingBuffer::new(FEED_CAPACITY)).unzip();
        let shown = Arc::new(Shown::default());
        let (lane, score) = Lane::new();
        let (recordings, record) = Recordings::new();
        let engine = Self {
            rate,
            now: 0,
            strips: (0..SLOTS as u8).map(|slot| Box::new(Strip::new(slot))).collect(),
            filled: 0,
            leaving: 0,
            team: None,
            feeds,
            queue: EventQueue::new(),
            beat: BeatClock::new(120.0, f64::from(rate)),
            score,
            pause: Pause::new(rate),
            click: Click::new(rate),
            waits: None,
            master: Master::new(rate),
            mixer: Mixer::new(rate, initial),
            headroom: Headroom::default(),
            journal: Journal::default(),
            recordings,
            keep_all: false,
            input: Box::new([[0.0; BLOCK]; 2]),
            plans,
            home,
            mixes,
            mixes_home,
            failures,
            out: Outbox { reports, shown: Arc::clone(&shown), ahead: 0 },
        };
        let feeds = senders.into_iter().enumerate().map(|(number, ring)| Feed { number: number as u8, ring }).collect();
        let door = PlanDoor { to, home: home_end, mixes: mixes_to, mixes_home: mixes_home_end, failures: failures_end };
        (engine, Doors { feeds, score: lane, record, reports: reports_end, shown }, door)
    }

    /// Frames a second. `[any]`
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// Time of the next frame. `[any]`
    pub fn now(&self) -> SampleTime {
        self.now + self.pause.ahead()
    }

    /// Works out the next `output.len() / channels` frames, interleaved; any number of them. `input` is interleaved too, with
    /// `input_channels` channels (0 for none), and may be shorter: what is missing is silence. One channel gets the mean of both
    /// sides; on channels past the second is heard what slots send there. Without frames only plans that wait are taken in. `[audio]`
    pub fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        if channels == 0 {
            return;
        }
        let _tiny = FlushToZero::begin();
        self.journal.strained(self.now(), self.headroom.is_strained());
        self.shed();
        self.take_events();
        self.score.take_in();
        let frames = output.len() / channels;
        if frames == 0 {
            // No time goes by: only what waits is taken in.
            self.take_mix(channels);
            self.take_plan();
        }
        let mut done = 0;
        while done < frames {
            if self.pause.stands() {
                done += self.stand(&mut output[done * channels..], channels);
                continue;
            }
            self.take_mix(channels);
            self.take_plan();
            let from = tile_index(self.now);
            let most = (BLOCK - from).min(frames - done);
            let block = self.next_block(most);
            let to = from + block.frames;
            self.take_input(input.get(done * input_channels..).unwrap_or(&[]), input_channels, from, to);
            self.run_block(block);
            let output = &mut output[done * channels..(done + block.frames) * channels];
            let mix = self.mixer.main();
            let sides = mix[0][from..to].iter().zip(&mix[1][from..to]);
            match channels {
                1 => output.iter_mut().zip(sides).for_each(|(mono, (left, right))| *mono = 0.5 * (left + right)),
                2 => output.as_chunks_mut().0.iter_mut().zip(sides).for_each(|(frame, (left, right))| *frame = [*left, *right]),
                _ => output.chunks_exact_mut(channels).zip(sides).for_each(|(frame, (left, right))| {
                    frame.fill(0.0);
                    (frame[0], frame[1]) = (*left, *right);
                }),
            }
            self.mixer.add_direct(output, channels, from);
            self.pause.shape(output, channels, from);
            self.end_mix(block.frames);
            self.now += block.frames as u64;
            done += block.frames;
            self.stop();
        }
        if let Some(team) = &mut self.team {
            team.end();
        }
        self.show_score();
        let shown = &self.out.shown;
        shown.now.store(self.now(), Relaxed);
        shown.beat.publish(self.line());
        shown.voices.store(bits(self.filled).map(|slot| self.strips[slot].voices()).sum::<usize>() as u32, Relaxed);
        self.master.show(shown);
        for slot in bits(self.filled) {
            let strip = &mut self.strips[slot];
            let [refused, replaced] = strip.take_strained();
            if refused + replaced > 0 {
                shown.refused.fetch_add(refused, Relaxed);
                shown.replaced.fetch_add(replaced, Relaxed);
            }
            strip.show(&shown.meters.slots[slot]);
        }
    }

    /// Shares the work with so many other threads from now on; the samples stay the same. `[control]`
    pub fn employ(&mut self, others: usize) {
        self.team = (others > 0).then(|| Team::new(others));
    }

    /// Whether all that can be shared is shared, worth it or not. `[control]`
    pub fn share_always(&mut self, always: bool) {
        if let Some(team) = &mut self.team {
            team.share_always(always);
        }
    }

    /// Whether all notes are played and all voices kept, however little time there is. `[control]`
    pub fn keep_all(&mut self, keep: bool) {
        self.keep_all = keep;
    }

    /// The next callback is due at this moment, for those who work beside it. `[audio]`
    pub fn expect(&mut self, due: Instant) {
        if let Some(team) = &self.team {
            team.expect(due);
        }
    }

    /// The next callback's sound is heard from this moment of the driver's own clock on [µs]. `[audio]`
    pub fn heard(&mut self, stamp: u64) {
        if self.waits.is_some_and(|(from, _)| from <= stamp) {
            self.start();
        }
    }

    /// What waits for others starts now.
    fn start(&mut self) {
        self.waits = None;
        self.journal.note(self.now(), Did::Act(Act::Run(true)));
        self.beat.run(self.now, true);
        self.out.tell(Report::Started { at: self.now });
    }

    /// The device's last callback, of so many frames, took this share of its time. Where that is too much, fewer voices are played; a
    /// host without a device never says so. `[audio]`
    pub fn loaded(&mut self, share: f32, frames: usize) {
        if !self.keep_all {
            self.headroom.tell(share, frames, self.rate);
        }
    }

    /// The line of beats over the time that others count by.
    fn line(&self) -> Line {
        let line = self.beat.line();
        match self.pause.stands() || self.beat.counts_in() {
            true => Line { at: self.now(), beat: line.beat(self.now), running: false, ..line },
            false => Line { at: line.at + self.pause.ahead(), ..line },
        }
    }

    /// Time stands from now on, where it has faded for that. It goes on when an event says so that has come already.
    fn stop(&mut self) {
        if self.pause.stops(self.now) {
            let mut first = None;
            self.queue.retain(|event| {
                if event.act == Act::Pause(false) && first.is_none_or(|first| event.at < first) {
                    first = Some(event.at);
                }
                true
            });
            if let Some(at) = first {
                self.pause.end(at + self.pause.ahead());
            }
        }
    }

    /// Silence while time stands: what comes acts at once, and is heard when it goes on. How many frames.
    fn stand(&mut self, output: &mut [f32], channels: usize) -> usize {
        self.take_plan();
        let from = tile_index(self.now);
        while self.queue.next_time(self.now + 1).is_some() {
            while let Some((event, feed)) = self.queue.take_next() {
                self.apply(event, feed, from);
            }
        }
        let start = self.now();
        let frames = self.pause.stand(self.now, output.len() / channels);
        if !self.pause.stands() {
            self.journal.note(self.now(), Did::Act(Act::Pause(false)));
        }
        self.recordings.rest(start, frames as u64);
        output[..frames * channels].fill(0.0);
        self.out.ahead = self.pause.ahead();
        frames
    }

    /// Takes what the feeds have brought into the queue. Where there is no room left, what ends notes acts at once: a flood may not make
    /// them hang.
    fn take_events(&mut self) {
        for number in 0..self.feeds.len() {
            while let Ok(mut event) = self.feeds[number].pop() {
                let feed = number as u8;
                if event.act == Act::Clear {
                    self.clear();
                    continue;
                }
                if event.at > 0 && event.at < self.now() {
                    let frames = (self.now() - event.at).min(u64::from(u32::MAX)) as u32;
                    self.out.shown.late.fetch_add(1, Relaxed);
                    self.out.tell(Report::Late { feed, frames });
                }
                if event.act == Act::Pause(false) && self.pause.stands() {
                    self.pause.end(event.at);
                    continue;
                }
                event.at = self.pause.own(event.at, self.now);
                if event.at < self.now {
                    event.at = self.now;
                }
                if self.queue.push(event, feed) {
                    continue;
                }
                if event.act.ends_notes() {
                    self.apply(Event { at: self.now, ..event }, feed, tile_index(self.now));
                } else {
                    self.out.shown.overflowed.fetch_add(1, Relaxed);
                    self.out.tell(Report::Overflow { feed });
                }
            }
        }
    }

    /// Drops what waits, but for what ends notes or is waited for. It is done when it comes, not in its turn: what comes after it stays.
    fn clear(&mut self) {
        self.out.shown.applied.fetch_add(1, Relaxed);
        let out = &mut self.out;
        let now = self.now;
        self.queue.retain(|event| {
            let stays = event.at <= now || event.act.ends_notes() || matches!(event.act, Act::Sync(_));
            if let (false, Act::NoteOn { slot, id, .. }) = (stays, event.act) {
                out.tell(Report::NoteEnded { slot, id });
            }
            stays
        });
    }

    pub(super) fn block(&self, frames: usize) -> Block {
        let strained = self.headroom.is_strained();
        Block { start: self.now, frames, rate: self.rate, tempo: self.beat.tempo() as f32, strained }
    }

    /// Applies the events of the next block; it ends before the next event that a block cannot hold within.
    fn next_block(&mut self, most: usize) -> Block {
        let from = tile_index(self.now);
        self.arrive();
        let mut frames = self.uncut(most);
        loop {
            let next = self.queue.next_time(self.now + frames as u64);
            if let Some(frame) = self.play_score(next.unwrap_or(self.now + frames as u64)) {
                frames = frame;
                break;
            }
            let Some(at) = next else { break };
            let frame = (at - self.now) as usize;
            // One of them is enough: what else comes at its time belongs to the block that begins there.
            if frame > 0 && self.queue.any_next(|event| divides(event.act) || self.divides_own(event.act)) {
                frames = frame;
                break;
            }
            while let Some((event, feed)) = self.queue.take_next() {
                self.apply(event, feed, from + frame);
            }
            if frame == 0 {
                frames = self.uncut(most);
            }
        }
        self.block(frames)
    }

    /// What the beat does by itself in this frame, before anything that is sent for it.
    pub(super) fn arrive(&mut self) {
        if self.waits.is_some_and(|(_, latest)| latest <= self.now()) {
            self.start();
        }
        if self.beat.starts().is_some_and(|at| at <= self.now) {
            self.beat.start(self.now);
        }
        if self.beat.lap().is_some_and(|at| at <= self.now) {
            self.beat.turn(self.now);
            self.score.turn();
        }
        if self.beat.calm().is_some_and(|at| at <= self.now) {
            self.beat.nudge(self.now, 0.0);
        }
    }

    /// The frames of a block that ends where the loop does, where time is to stand, and where a slot has faded for good.
    fn uncut(&self, most: usize) -> usize {
        let until = |at: Option<SampleTime>| at.map(|at| at.saturating_sub(self.now));
        let mut frames = most;
        let beat = &self.beat;
        let own = [until(beat.lap()), until(beat.calm()), until(beat.starts()), self.pause.left(self.now)].into_iter().flatten();
        for left in own.chain(bits(self.leaving).map(|slot| self.strips[slot].leaves_in())) {
            frames = if left > 0 && left < frames as u64 { left as usize } else { frames };
        }
        frames
    }

    /// Whether a block must begin at a note, because the slot's own notes are found when the block runs.
    fn divides_own(&self, act: Act) -> bool {
        match act {
            Act::NoteOn { slot, .. } | Act::NoteOff { slot, .. } | Act::NoteSet { slot, .. } | Act::GlideFrom { slot, .. } => {
                self.strips.get(slot as usize).is_some_and(|strip| strip.plays_itself())
            }
            _ => false,
        }
    }

    pub(super) fn apply(&mut self, event: Event, feed: u8, frame: usize) {
        self.out.shown.applied.fetch_add(1, Relaxed);
        self.journal.acted(event.at + self.pause.ahead(), event.act);
        let block = self.block(0);
        let out = &mut self.out;
        let mut tell = |report| out.tell(report);
        match event.act {
            Act::Tempo(tempo) => {
                self.beat.set_tempo(event.at, f64::from(tempo));
                let block = Block { tempo, ..block };
                self.strips.iter_mut().for_each(|strip| strip.act(event.act, frame, block, &mut tell));
            }
            Act::Run(running) => {
                self.waits = None;
                self.beat.run(event.at, running);
            }
            Act::RunWith { stamp, latest } => self.waits = Some((stamp, latest)),
            Act::Locate { beat, place } => {
                self.beat.locate(event.at, beat);
                self.score.jump(place, 0);
                // The score's own tempo there, before what else comes in this frame.
                self.play_at_once(frame);
            }
            Act::Loop { start, end } => self.beat.set_loop(event.at, start, end),
            Act::Swing { share, step } => self.beat.set_swing(event.at, f64::from(share), f64::from(step)),
            Act::Nudge(beats) => self.beat.nudge(event.at, f64::from(beats)),
            Act::Metronome { level, start, step, bar } => self.click.set(level, start, step, bar),
            Act::CountIn(beats) => self.beat.count_in(event.at, f64::from(beats)),
            Act::Pause(true) => self.pause.begin(event.at),
            Act::Pause(false) => self.pause.end(event.at),
            Act::Sync(number) => tell(Report::Synced(number)),
            Act::Clear => {}
            Act::Mix { slot: ALL_SLOTS, what, value, frames } => self.master.set(what, value, frames),
            Act::Mix { slot, what: Mix::Send(to), value, frames } => {
                let fresh = self.strips.get(usize::from(slot)).is_some_and(|strip| strip.is_fresh());
                self.mixer.set_send(slot, to, value, frames, fresh);
            }
            Act::Panic { slot: ALL_SLOTS, .. } => self.strips.iter_mut().for_each(|strip| strip.act(event.act, frame, block, &mut tell)),
            Act::Knob { slot, .. }
            | Act::Cell { slot, .. }
            | Act::NoteOff { slot, .. }
            | Act::NoteFade { slot, .. }
            | Act::NoteSet { slot, .. }
            | Act::Panic { slot, .. }
            | Act::Mix { slot, .. }
            | Act::GlideFrom { slot, .. }
            | Act::NoteOn { slot, .. } => {
                let Some(strip) = self.strips.get_mut(slot as usize) else { return };
                strip.act(event.act, frame, block, &mut tell);
                if let Act::NoteOn { slot, id, frames, .. } = event.act
                    && frames > 0
                {
                    let off = Event { at: event.at + u64::from(frames), act: Act::NoteOff { slot, id, velocity: 0.5 } };
                    if !self.queue.push(off, feed) {
                        // A note that cannot be ended later must not hang: it ends now.
                        self.out.shown.overflowed.fetch_add(1, Relaxed);
                        self.journal.acted(event.at + self.pause.ahead(), off.act);
                        let out = &mut self.out;
                        strip.act(off.act, frame, block, &mut |report| out.tell(report));
                    }
                }
            }
        }
    }

    fn take_input(&mut self, input: &[f32], channels: usize, from: usize, to: usize) {
        if input.is_empty() || channels == 0 {
            return self.input.iter_mut().for_each(|side| side[from..to].fill(0.0));
        }
        for at in from..to {
            let frame = input.get((at - from) * channels..(at - from + 1) * channels).unwrap_or(&[]);
            let (left, right) = match frame {
                [] => (0.0, 0.0),
                [mono] => (*mono, *mono),
                [left, right, ..] => (*left, *right),
            };
            self.input[0][at] = if left.is_finite() { left } else { 0.0 };
            self.input[1][at] = if right.is_finite() { right } else { 0.0 };
        }
    }

    fn run_block(&mut self, block: Block) {
        let from = tile_index(block.start);
        let to = from + block.frames;
        let solo = bits(self.filled).fold(0, |bits, slot| bits | u64::from(self.strips[slot].is_solo()) << slot);
        self.mixer.solo(solo, if solo == 0 { 0 } else { self.fresh() });
        self.mixer.begin(from, to);
        self.pause.advance(from, to);
        self.recordings.begin(block.start + self.pause.ahead(), from, block.frames, self.pause.curve());
        self.recordings.input(&self.input);
        if let Some(team) = &mut self.team {
            let out = &mut self.out;
            let lost = team.run_slots(&mut self.strips, &self.mixer, &self.beat, block, &mut |report| out.tell(report));
            self.out.shown.unreported.fetch_add(lost, Relaxed);
        }
        for at in 0..SLOTS {
            let slot = self.mixer.strip_at(at);
            if self.filled >> slot & 1 == 0 {
                continue;
            }
            let strip = &mut self.strips[slot];
            if strip.plan.is_none() || strip.has_left() {
                continue;
            }
            let slot = slot as u8;
            if strip.takes_sound() {
                strip.input(from, to, self.mixer.input(slot, strip.is_fresh(), &self.input, from, to));
            }
            strip.write_pulses(&self.beat, block);
            let (hears, early) = (self.mixer.hears(slot), self.mixer.takes_early(slot));
            let out = &mut self.out;
            if let Some(team) = &mut self.team {
                team.run_slot(usize::from(slot), strip, block, &mut |report| out.tell(report));
            }
            if let Some(payload) = strip.run(block, hears, early, self.mixer.taps(), &mut |report| out.tell(report))
                && let Err(rtrb::PushError::Full(payload)) = self.failures.push(payload)
            {
                // Freeing it here would free on the audio thread: it is left to the process.
                std::mem::forget(payload);
            }
            self.recordings.slot(slot, &self.mixer.taps().late);
            self.mixer.spread(slot, from, to);
        }
        for slot in bits(self.leaving) {
            if self.strips[slot].has_left() {
                self.unload(slot as u8);
            }
        }
        self.click.run(&self.beat, block.start, self.mixer.main(), from, to);
        self.master.run(self.mixer.main(), from, to);
        self.recordings.end(self.mixer.main());
        if let Some((at, beat)) = self.beat.next_beat(block.start, block.frames) {
            self.out.tell(Report::Beat { at, beat, tempo: self.beat.tempo() as f32 });
        }
    }
}

/// Whether a block must begin at an event: what changes something that all of a block's steps read.
fn divides(act: Act) -> bool {
    match act {
        Act::Cell { .. }
        | Act::Tempo(_)
        | Act::Run(_)
        | Act::RunWith { .. }
        | Act::Locate { .. }
        | Act::Loop { .. }
        | Act::Swing { .. }
        | Act::Nudge(_)
        | Act::Metronome { .. }
        | Act::CountIn(_)
        | Act::Pause(_)
        | Act::Mix { .. }
        | Act::Panic { .. }
        | Act::NoteFade { .. } => true,
        Act::Knob { .. }
        | Act::NoteOn { .. }
        | Act::GlideFrom { .. }
        | Act::NoteOff { .. }
        | Act::NoteSet { .. }
        | Act::Sync(_)
        | Act::Clear => false,
    }
}
