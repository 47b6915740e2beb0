//! A share of a slot's voices that stands by itself: whichever thread has it can run it.

use std::any::Any;
use std::sync::Arc;

use super::bank::{BankCarry, BankShape, BlockCall, Glide, Start, Voices};
use super::panel::{Aspect, Panel, lanes_of_width};
use super::part::{Call, Faults, Group, Part, Stood};
use super::ramp::Meet;
use super::send::{Into, SendState, SendWork};
use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::dsp::lanes::{LaneMask, Lanes, MOST_LANES};
use crate::module::io::{List, Tile};
use crate::module::isa;
use crate::module::{NoteSource, Seed, Wire};

/// Starts and first own values that one group takes in a block; the rest are refused.
const CUTS: usize = 256;

/// Below this a voice is silent (−100 dB).
const SILENCE: f32 = 1e-5;

/// Faults of a share that are told after a run at most.
const FAULTS: usize = 64;

/// Who runs the shares of a bank side by side.
pub trait Hands {
    /// Lends each share of a bank that was prepared, has it run, and takes it back. `[audio]`
    fn run(&mut self, voices: &mut dyn Voices);
}

/// A share of a bank on its way through the threads: it owns all that it needs to run. `[audio]` throughout.
pub trait Share: Send {
    /// Works out what it was given: its voices' section, for the frames of the block. Flush-to-zero is the caller's.
    fn run(&mut self);
    /// Whether there is nothing to work out.
    fn is_idle(&self) -> bool;
    /// Back to what it was, for [`super::bank::Voices::take_back`].
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

#[derive(Clone, Copy, Debug)]
enum CutKind {
    Start(Seed),
    End,
    Own(u32),
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    frame: u8,
    lane: u8,
    kind: CutKind,
}

/// Voices side by side, and what is kept of them.
pub(super) struct VoiceGroup<L: Lanes> {
    group: Group<L>,
    panel: Panel<L>,
    /// Lanes that sound at the block's start.
    sounding: LaneMask,
    /// Lanes that sound at the block's end.
    sounding_after: LaneMask,
    gates: LaneMask,
    cuts: Vec<Cut>,
    sends: Vec<SendState<L>>,
    /// What it knows of the sums of knobs alone, by section.
    stood: Vec<Stood>,
    /// What it sent, by send, for whoever adds it up; none where it adds by itself.
    sent: Vec<Tile<L>>,
    /// The wires that later voice sections read.
    kept: Vec<Wire<L>>,
    /// The lanes with own values at the block's start, by own value.
    own_before: Vec<LaneMask>,
    /// Multiples of 64 frames for which a lane has been silent, and how loud it was of late.
    quiet: [u16; MOST_LANES],
    loud: L,
    /// Frames for which the group still runs after its last voice.
    tail: u32,
    rendered: bool,
    /// Some source of its notes moved when it was run before.
    stirred: bool,
    /// What each of them held then, by its wire; `None` where it moved.
    seen: Vec<Option<L>>,
    /// It was worked out in the last run.
    ran: bool,
}

/// What a share works out next.
#[derive(Clone, Copy, Default)]
struct Job {
    section: usize,
    start: SampleTime,
    frames: usize,
    fade: u32,
    turned: bool,
}

/// A share of a slot's voices: some of its groups, with wires, memory and copies of what they read from elsewhere.
pub struct Crew<L: Lanes> {
    shape: Arc<BankShape>,
    part: Part<L>,
    groups: Vec<VoiceGroup<L>>,
    /// Number of the first group, and how far it is to the next.
    first: usize,
    step: usize,
    /// What its voices read of the global part, and the live lists; none where it reads them in place.
    copies: Vec<Wire<f32>>,
    lists: Vec<List>,
    job: Job,
    faults: Vec<(u16, usize)>,
}

/// No lane has own values; with as much room as there is for these.
fn own_before(shape: &BankShape) -> Vec<LaneMask> {
    let mut before = Vec::with_capacity(shape.own.capacity());
    before.resize(shape.own.len(), LaneMask::NONE);
    before
}

impl<L: Lanes> Crew<L> {
    /// Some groups, every `step`th from `first` on. `copies`: how many wires of the global part it keeps copies of, and
    /// the live lists; `None` where it reads them in place. `[control]`
    pub fn new(
        shape: &Arc<BankShape>,
        part: Part<L>,
        groups: Vec<Group<L>>,
        (first, step): (usize, usize),
        copies: Option<(usize, &[List])>,
    ) -> Self {
        let sent = if copies.is_some() { shape.sends.len() } else { 0 };
        let groups = groups
            .into_iter()
            .map(|group| VoiceGroup {
                group,
                panel: Panel::new(),
                sounding: LaneMask::NONE,
                sounding_after: LaneMask::NONE,
                gates: LaneMask::NONE,
                cuts: Vec::with_capacity(CUTS + L::WIDTH),
                sends: vec![SendState::default(); shape.sends.len()],
                stood: vec![Stood::default(); shape.sections.len()],
                sent: (0..sent).map(|_| Box::new([L::default(); BLOCK])).collect(),
                kept: shape.kept.iter().map(|_| Wire::new()).collect(),
                own_before: own_before(shape),
                quiet: [0; MOST_LANES],
                loud: L::default(),
                tail: 0,
                rendered: false,
                stirred: true,
                seen: vec![None; shape.sources.iter().flatten().count()],
                ran: false,
            })
            .collect();
        let (wires, lists) = copies.map_or((0, Vec::new()), |(wires, lists)| (wires, lists.to_vec()));
        Self {
            shape: Arc::clone(shape),
            part,
            groups,
            first,
            step,
            copies: (0..wires).map(|_| Wire::new()).collect(),
            lists,
            job: Job::default(),
            faults: Vec::with_capacity(FAULTS),
        }
    }

    /// One of its groups. `[audio]`
    pub(super) fn group(&mut self, number: usize) -> &mut VoiceGroup<L> {
        &mut self.groups[number]
    }

    /// One of its groups, to look at. `[audio]`
    pub(super) fn seen(&self, number: usize) -> &VoiceGroup<L> {
        &self.groups[number]
    }

    /// Takes in what it needs for a run away from the bank: copies of the wires that it reads, and of the live lists. `[audio]`
    pub(super) fn prepare(&mut self, section: usize, global: &[Wire<f32>], block: &BlockCall<'_>) {
        self.job = Job { section, start: block.start, frames: block.frames, fade: block.fade, turned: block.turned };
        if block.turned {
            self.part.turn();
        }
        if self.is_idle() {
            return;
        }
        let from = tile_index(block.start);
        let to = from + block.frames;
        for (copy, wire) in self.copies.iter_mut().zip(&self.shape.reads) {
            let wire = &global[*wire as usize];
            copy.held = wire.held;
            if let (Some(copy), Some(wire_tile)) = (&mut copy.tile, &wire.tile) {
                match wire.held {
                    true => copy[0] = wire_tile[0],
                    false => copy[from..to].copy_from_slice(&wire_tile[from..to]),
                }
            }
        }
        for list in &self.shape.lists {
            self.lists[*list as usize] = block.lists[*list as usize];
        }
    }

    /// Runs a section of its groups where they are, and adds what they send to the partial sums. `[audio]`
    pub(super) fn run_here(&mut self, section: usize, global: &[Wire<f32>], block: &BlockCall<'_>, partials: &mut [Vec<[L; BLOCK]>]) {
        let job = Job { section, start: block.start, frames: block.frames, fade: block.fade, turned: block.turned };
        if block.turned {
            self.part.turn();
        }
        self.run_groups(job, global, block.lists, Some(partials));
    }

    fn run_groups(&mut self, job: Job, global: &[Wire<f32>], lists: &[List], mut partials: Option<&mut [Vec<[L; BLOCK]>]>) {
        let Self { shape, part, groups, faults, .. } = self;
        let away = partials.is_none();
        let section = job.section;
        let from = tile_index(job.start);
        let to = from + job.frames;
        let spans = shape.sections[section].clone();
        let sends = || shape.sends.iter().enumerate().filter(|(_, send)| send.section == section);
        for (at, voices) in groups.iter_mut().enumerate() {
            let first = (self.first + at * self.step) * L::WIDTH;
            voices.ran = voices.active();
            if !voices.ran {
                continue;
            }
            voices.swap_kept(&shape.kept, &mut part.wires);
            let follow = if away { shape.follow_copy } else { shape.follow };
            let followed = follow.map(|wire| &global[wire as usize]);
            let several = shape.sections.len() > 1;
            if several {
                // What one section works out, and the sources of the whole block, another reads when other groups have run.
                voices.group.sleep.wake();
                if !voices.rendered {
                    voices.panel.render(&shape.sources, followed, &mut voices.group.own, &mut part.wires, (from, to));
                    voices.rendered = true;
                }
            }
            for (own, before) in voices.group.own.iter_mut().zip(&voices.own_before) {
                own.lanes = *before;
            }
            let mut lanes = voices.sounding;
            let mut at = from;
            let mut next = 0;
            while at < to {
                // Everything that begins in this frame.
                while let Some(cut) = voices.cuts.get(next).copied().filter(|cut| cut.frame as usize <= at) {
                    next += 1;
                    let one = LaneMask::one(cut.lane as usize);
                    match cut.kind {
                        CutKind::Start(seed) => {
                            lanes = lanes.or(one);
                            voices.group.reset(&part.shape, section, spans.clone(), one, seed);
                            voices.group.own.iter_mut().for_each(|own| own.lanes = own.lanes.without(one));
                            for (number, _) in sends() {
                                let send = &mut voices.sends[number];
                                if send.last.lane(cut.lane as usize) != 0.0 {
                                    send.fade.expect(one, Meet::Jump);
                                }
                            }
                        }
                        CutKind::End => {
                            lanes = lanes.without(one);
                            for (number, _) in sends() {
                                voices.sends[number].fade.expect(one, Meet::Jump);
                            }
                        }
                        CutKind::Own(number) => {
                            let own = &mut voices.group.own[number as usize];
                            own.lanes = own.lanes.or(one);
                        }
                    }
                }
                let end = voices.cuts.get(next).map_or(to, |cut| (cut.frame as usize).min(to));
                let mut calm = false;
                if !several {
                    let stirs = voices.panel.render(&shape.sources, followed, &mut voices.group.own, &mut part.wires, (at, end));
                    calm = !stirs && !voices.stirred;
                    voices.stirred = stirs;
                    for (wire, seen) in shape.sources.iter().flatten().zip(&mut voices.seen) {
                        if !calm {
                            let now = part.wires[*wire as usize].stands();
                            let same = matches!((now, *seen), (Some(now), Some(seen)) if now.is(seen));
                            *seen = now;
                            part.stir(*wire, !same);
                        } else {
                            part.stir(*wire, false);
                        }
                    }
                }
                let start = job.start + (at - from) as u64;
                let call = Call { start, frames: end - at, global, lists, lanes, fade: job.fade, turned: job.turned };
                part.run_still(&mut voices.group, section, &mut voices.stood[section], &call);
                let mut seen = Faults::default();
                part.run(&mut voices.group, spans.clone(), &call, &mut seen, calm);
                for (module, bad) in seen.iter() {
                    for lane in bad.lanes() {
                        if faults.len() < FAULTS {
                            faults.push((module, first + lane));
                        }
                    }
                }
                for (number, send) in sends() {
                    let into = match &mut partials {
                        Some(partials) => {
                            let row = first / L::WIDTH % partials[number].len();
                            Into::Partials(&mut partials[number][row])
                        }
                        None => Into::Tile(&mut voices.sent[number]),
                    };
                    isa::run(
                        part.level(),
                        SendWork {
                            wire: &part.wires[send.from as usize],
                            state: &mut voices.sends[number],
                            into,
                            lanes,
                            from: at,
                            to: end,
                            fade: job.fade,
                        },
                    );
                }
                at = end;
            }
            voices.swap_kept(&shape.kept, &mut part.wires);
        }
    }

    /// What one of its groups sent while it was away, where that ran. `[audio]`
    pub(super) fn sent(&self, group: usize, send: usize) -> Option<&[L; BLOCK]> {
        let voices = &self.groups[group];
        voices.ran.then(|| voices.sent.get(send).map(|tile| &**tile)).flatten()
    }

    /// Tells which voices put out what is no number: module and voice. `[audio]`
    pub(super) fn tell(&mut self, faults: &mut dyn FnMut(u16, usize)) {
        self.faults.drain(..).for_each(|(module, voice)| faults(module, voice));
    }

    /// After the last section of a block; at a multiple of 64 frames gives the voices that are over to `over`. `[audio]`
    pub(super) fn finish(&mut self, group: usize, end: SampleTime, over: &mut dyn FnMut(usize)) {
        let first = (self.first + group * self.step) * L::WIDTH;
        let voices = &mut self.groups[group];
        if !voices.active() {
            return;
        }
        voices.cuts.clear();
        voices.rendered = false;
        voices.sounding = voices.sounding_after;
        for (before, own) in voices.own_before.iter_mut().zip(&voices.group.own) {
            *before = own.lanes;
        }
        if !end.is_multiple_of(BLOCK as u64) {
            return;
        }
        voices.tail = voices.tail.saturating_sub(BLOCK as u32);
        let mut loud = L::default();
        for send in &mut voices.sends {
            loud = loud.max(send.peak);
            send.peak = L::default();
        }
        voices.loud = loud;
        let released = voices.sounding.without(voices.gates);
        if released.is_empty() {
            return;
        }
        let rest = if self.shape.envelopes { voices.group.at_rest(&self.part.shape) } else { LaneMask::ALL };
        for lane in released.lanes().take_while(|lane| *lane < L::WIDTH) {
            let done = if self.shape.envelopes {
                rest.has(lane)
            } else {
                let quiet = &mut voices.quiet[lane];
                *quiet = if loud.lane(lane) < SILENCE { *quiet + 1 } else { 0 };
                *quiet >= self.shape.quiet_blocks
            };
            if done {
                over(first + lane);
            }
        }
    }
}

impl<L: Lanes> Share for Crew<L> {
    fn run(&mut self) {
        // Taken out for the run: what is read stands still while the voices move.
        let (copies, lists) = (std::mem::take(&mut self.copies), std::mem::take(&mut self.lists));
        self.run_groups(self.job, &copies, &lists, None);
        (self.copies, self.lists) = (copies, lists);
    }

    fn is_idle(&self) -> bool {
        !self.groups.iter().any(VoiceGroup::active)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<L: Lanes> VoiceGroup<L> {
    fn active(&self) -> bool {
        !self.sounding.is_empty() || !self.sounding_after.is_empty() || self.tail > 0 || !self.cuts.is_empty()
    }

    fn swap_kept(&mut self, wires: &[u32], part: &mut [Wire<L>]) {
        for (wire, kept) in wires.iter().zip(&mut self.kept) {
            std::mem::swap(&mut part[*wire as usize], kept);
        }
    }

    fn cut(&mut self, frame: usize, lane: usize, kind: CutKind) -> bool {
        let cut = Cut { frame: frame as u8, lane: lane as u8, kind };
        let mine = |cut: &Cut| cut.lane as usize == lane && !matches!(cut.kind, CutKind::Own(_));
        let room = self.cuts.len() < CUTS;
        match kind {
            _ if room => self.cuts.push(cut),
            CutKind::Own(_) => return false,
            // A flood: the last of a lane's starts and ends counts, in the frame of one before it. There is room for one a lane.
            CutKind::Start(_) | CutKind::End => match self.cuts.iter_mut().rfind(|cut| mine(cut)) {
                Some(last) => last.kind = kind,
                None => self.cuts.push(cut),
            },
        }
        true
    }

    /// A voice begins in a frame of the tile. `[audio]`
    pub(super) fn start(&mut self, lane: usize, frame: usize, start: Start, fade: u32, follows: bool) {
        if start.afresh {
            self.cut(frame, lane, CutKind::Start(start.seed));
            self.sounding_after = self.sounding_after.or(LaneMask::one(lane));
        }
        self.gates = self.gates.or(LaneMask::one(lane));
        self.quiet[lane] = 0;
        let own = &mut self.group.own;
        let mut change = |aspect, value, frames| self.panel.change(frame, lane, aspect, value, frames, own);
        let source = |source: NoteSource| Aspect::Source(source);
        if follows {
            change(Aspect::Leave, start.followed, 0);
        }
        match start.glide {
            Some(Glide { from, frames }) => {
                if let Some(from) = from {
                    change(Aspect::Pitch, from, 0);
                }
                change(Aspect::Pitch, start.pitch, frames);
            }
            None => change(Aspect::Pitch, start.pitch, 0),
        }
        if let Some(stands) = start.follow.filter(|_| follows) {
            change(Aspect::Follow, stands, 0);
        }
        change(source(NoteSource::Key), start.key, 0);
        change(source(NoteSource::Gate), 1.0, 0);
        // Where the voice sounds on, another force must not jump.
        change(source(NoteSource::Velocity), start.velocity, if start.afresh { 0 } else { fade / 2 });
        if start.trigger {
            change(source(NoteSource::Trigger), 1.0, 0);
            change(source(NoteSource::Random), start.seed.bipolar(), 0);
        }
        if start.afresh {
            change(source(NoteSource::Lift), 0.0, 0);
            change(source(NoteSource::Pressure), 0.0, 0);
            change(source(NoteSource::Timbre), 0.0, 0);
            change(source(NoteSource::Volume), 1.0, 0);
            change(source(NoteSource::Bend), 0.0, 0);
            change(source(NoteSource::Pan), start.pan, 0);
        }
    }

    /// A voice's gate falls. `[audio]`
    pub(super) fn release(&mut self, lane: usize, frame: usize, velocity: f32) {
        self.gates = self.gates.without(LaneMask::one(lane));
        self.change(lane, frame, Aspect::Source(NoteSource::Gate), 0.0, 0);
        self.change(lane, frame, Aspect::Source(NoteSource::Lift), velocity, 0);
    }

    /// An aspect of a voice changes. `[audio]`
    pub(super) fn change(&mut self, lane: usize, frame: usize, aspect: Aspect, value: f32, frames: u32) {
        self.panel.change(frame, lane, aspect, value, frames, &mut self.group.own);
    }

    /// A voice moves to another pitch. `[audio]`
    pub(super) fn retune(&mut self, lane: usize, frame: usize, pitch: f32, frames: u32) {
        self.panel.retune(frame, lane, pitch, frames, &mut self.group.own);
    }

    /// A voice gets an own value, from where the knob stands. `[audio]`
    pub(super) fn set_own(&mut self, lane: usize, frame: usize, number: usize, from: f32, value: f32, frames: u32) {
        // It had one when the block began, or has got one since; a note that begins has none.
        let has =
            self.cuts.iter().filter(|cut| cut.lane as usize == lane).fold(self.own_before[number].has(lane), |has, cut| match cut.kind {
                CutKind::Start(_) => false,
                CutKind::Own(other) => has || other as usize == number,
                CutKind::End => has,
            });
        let aspect = Aspect::Own(number as u32);
        if !has {
            if !self.cut(frame, lane, CutKind::Own(number as u32)) {
                return;
            }
            self.change(lane, frame, aspect, from, 0);
        }
        self.change(lane, frame, aspect, value, frames);
    }

    /// A voice ends with the block before: within the fade, or at once. `[audio]`
    pub(super) fn end(&mut self, lane: usize, at_once: bool, fade: u32) {
        let one = LaneMask::one(lane);
        // What was to begin in this very frame does not.
        self.cuts.retain(|cut| cut.lane as usize != lane);
        self.sounding = self.sounding.without(one);
        self.sounding_after = self.sounding_after.without(one);
        self.gates = self.gates.without(one);
        self.tail = fade + BLOCK as u32;
        for send in &mut self.sends {
            if at_once {
                send.last.set_lane(lane, 0.0);
            } else {
                send.fade.expect(one, Meet::Jump);
            }
        }
    }

    /// A voice ends in a frame of the tile, within the fade. `[audio]`
    pub(super) fn end_at(&mut self, lane: usize, frame: usize, fade: u32) {
        let one = LaneMask::one(lane);
        self.cut(frame, lane, CutKind::End);
        self.sounding_after = self.sounding_after.without(one);
        self.gates = self.gates.without(one);
        self.tail = fade + 2 * BLOCK as u32;
    }

    /// The pitch of a voice in a frame of the tile, without bend. `[audio]`
    pub(super) fn pitch_at(&self, lane: usize, from: usize, frame: usize) -> f32 {
        self.panel.pitch_at(lane, from, frame)
    }

    /// How loud a voice was of late. `[audio]`
    pub(super) fn loudness(&self, lane: usize) -> f32 {
        self.loud.lane(lane)
    }

    /// Whether a voice sounds. `[audio]`
    pub(super) fn sounds(&self, lane: usize) -> bool {
        self.sounding_after.has(lane)
    }

    /// Goes on as a group of the bank before. `[audio]`
    pub(super) fn carry(&mut self, old: &mut Self, carry: &BankCarry, fade: u32) {
        std::mem::swap(&mut self.panel, &mut old.panel);
        // Where time stands, voices may have begun and ended in the very frame in which the plans are exchanged.
        std::mem::swap(&mut self.cuts, &mut old.cuts);
        self.cuts.retain(|cut| if let CutKind::Own(number) = cut.kind { carry.own.keeps(number) } else { true });
        self.sounding = old.sounding;
        self.sounding_after = old.sounding_after;
        self.gates = old.gates;
        self.quiet = old.quiet;
        self.loud = old.loud;
        self.tail = old.tail.max(fade + BLOCK as u32);
        self.group.take_over(&mut old.group, &carry.group);
        // An own value's wire has its number for a place.
        carry.own.make(&mut self.group.own, &mut old.group.own);
        carry.own.make(&mut self.own_before, &mut old.own_before);
        for (from, to, meet) in &carry.sends {
            let state = &mut self.sends[*to as usize];
            *state = old.sends[*from as usize];
            state.fade.expect(lanes_of_width(L::WIDTH), *meet);
        }
    }
}
