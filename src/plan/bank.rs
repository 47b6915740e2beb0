//! The voices of a slot, side by side in groups.

use std::any::Any;
use std::ops::Range;

use super::panel::{Aspect, Panel, PanelWires};
use super::part::{Call, Faults, Group, Part};
use super::ramp::Meet;
use super::send::{PARTIALS, SendState, SendWork, added_up};
use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::dsp::lanes::{LaneMask, Lanes};
use crate::module::io::List;
use crate::module::isa::{self, Level};
use crate::module::{NoteSource, Seed, Wire};

/// Starts and first own values that one group takes in a block; the rest are refused.
const CUTS: usize = 256;

/// Below this a voice is silent (−100 dB).
const SILENCE: f32 = 1e-5;

/// A cable from the voices to the global part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// The wire that carries it in each voice.
    pub from: u32,
    /// The wire of the global part that carries the sum.
    pub to: u32,
    /// Which voice section works it out.
    pub section: usize,
}

/// How a pitch gets to where a note has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glide {
    /// Where it comes from [octaves above C4]; `None`: from where the voice is.
    pub from: Option<f32>,
    /// In how many frames.
    pub frames: u32,
}

/// How a voice begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Octaves above C4.
    pub pitch: f32,
    /// The key's own pitch in equal temperament [octaves above C4].
    pub key: f32,
    /// 0..1.
    pub velocity: f32,
    /// ±1.
    pub pan: f32,
    /// Whether it glides there.
    pub glide: Option<Glide>,
    /// Its pitch moves with the wire that plays the voices, from where that stands.
    pub follow: Option<f32>,
    /// How far its lane has gone with that wire until now.
    pub followed: f32,
    /// Drawn from voice and note count.
    pub seed: Seed,
    /// The envelopes are struck.
    pub trigger: bool,
    /// The lane starts afresh; else it goes on as it is (a mono voice's next note).
    pub afresh: bool,
}

/// What the engine asks of a slot's voices, whatever their width. `[audio]` throughout.
pub trait Voices: std::marker::Send {
    /// How many there are.
    fn count(&self) -> usize;
    /// A voice begins in a frame of the tile.
    fn start(&mut self, voice: usize, frame: usize, start: Start);
    /// A voice's gate falls; `velocity` is how fast its key was let go.
    fn release(&mut self, voice: usize, frame: usize, velocity: f32);
    /// A voice's pitch moves no more with the wire that plays the voices, with which it has gone so far.
    fn leave(&mut self, voice: usize, frame: usize, followed: f32);
    /// A voice's source moves to a value in so many frames.
    fn set(&mut self, voice: usize, frame: usize, source: NoteSource, value: f32, frames: u32);
    /// A voice moves to another pitch in so many frames, or in the time that its glide still needs where that is longer.
    fn retune(&mut self, voice: usize, frame: usize, pitch: f32, frames: u32);
    /// A voice gets a value of its own in place of a knob's, from where the knob stands.
    fn set_own(&mut self, voice: usize, frame: usize, knob_wire: u32, from: f32, value: f32, frames: u32);
    /// A voice ends with the block before: within the fade, or at once.
    fn end(&mut self, voice: usize, at_once: bool);
    /// A voice ends in a frame of the tile, within the fade.
    fn end_at(&mut self, voice: usize, frame: usize);
    /// The pitch of a voice in a frame of the tile, without bend; the block begins in frame `from`.
    fn pitch_at(&self, voice: usize, from: usize, frame: usize) -> f32;
    /// How loud a voice was of late, as of the last multiple of 64 frames.
    fn loudness(&self, voice: usize) -> f32;
    /// Runs a section for all groups, and puts the sums of their sends into the global part's wires.
    fn run(&mut self, section: usize, global: &mut [Wire<f32>], block: &BlockCall<'_>, faults: &mut dyn FnMut(u16, usize));
    /// After the last section of a block; at a multiple of 64 frames gives the voices that are over to `over`.
    fn finish(&mut self, end: SampleTime, over: &mut dyn FnMut(usize));
    /// Takes over from a bank of the same width.
    fn carry(&mut self, old: &mut dyn Voices, carry: &BankCarry);
    /// For [`Self::carry`].
    fn as_any(&mut self) -> &mut dyn Any;
    /// For [`Self::carry`]: hands every voice's outgoing level to a successor of another shape: all end.
    fn sounding(&self, voice: usize) -> bool;
}

/// One block's bounds and surroundings.
#[derive(Clone, Copy)]
pub struct BlockCall<'a> {
    /// Time of the first frame.
    pub start: SampleTime,
    /// How many frames; they never cross a multiple of 64.
    pub frames: usize,
    /// The slot's live lists.
    pub lists: &'a [List],
    /// Frames in which a jump fades.
    pub fade: u32,
}

/// What goes over from an old bank to a new one.
#[derive(Clone, Debug, Default)]
pub struct BankCarry {
    /// Kernels: old number, new number.
    pub kernels: Vec<(u32, u32)>,
    /// Sums: old number, new number, and how the new one goes on from the old one's last frame.
    pub sums: Vec<(u32, u32, Meet)>,
    /// Feedback cables: old number, new number.
    pub feedbacks: Vec<(u32, u32)>,
    /// Own values: old number, new number.
    pub own: Vec<(u32, u32)>,
    /// Sends: old number, new number, and how the new one goes on from the old one's last frame.
    pub sends: Vec<(u32, u32, Meet)>,
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

struct VoiceGroup<L: Lanes> {
    group: Group<L>,
    panel: Panel<L>,
    /// Lanes that sound at the block's start.
    sounding: LaneMask,
    /// Lanes that sound at the block's end.
    sounding_after: LaneMask,
    gates: LaneMask,
    cuts: Vec<Cut>,
    sends: Vec<SendState<L>>,
    /// The wires that later voice sections read.
    kept: Vec<Wire<L>>,
    /// The lanes with own values at the block's start, by own value.
    own_before: Vec<LaneMask>,
    /// Multiples of 64 frames for which a lane has been silent, and how loud it was of late.
    quiet: [u16; PARTIALS],
    loud: L,
    /// Frames for which the group still runs after its last voice.
    tail: u32,
    rendered: bool,
}

/// How a bank is built.
pub struct BankShape {
    /// Voices.
    pub voices: usize,
    /// The wire of the global part that the pitch of the patch's own notes moves with.
    pub follow: Option<u32>,
    /// The wires of the note sources.
    pub sources: PanelWires,
    /// The spans of each voice section.
    pub sections: Vec<Range<usize>>,
    /// The cables to the global part.
    pub sends: Vec<Send>,
    /// Wires that a later voice section reads.
    pub kept: Vec<u32>,
    /// Knob wire and part wire of each knob that a note may have a value of its own for.
    pub own: Vec<(u32, u32)>,
    /// Some module decides when a voice is over.
    pub envelopes: bool,
    /// Multiples of 64 frames that a voice without envelopes must be silent.
    pub quiet_blocks: u16,
}

/// The voices of a slot at one width.
pub struct Bank<L: Lanes> {
    shape: BankShape,
    part: Part<L>,
    groups: Vec<VoiceGroup<L>>,
    partials: Vec<Box<[[f32; PARTIALS]; BLOCK]>>,
    level: Level,
    fade: u32,
}

impl<L: Lanes> Bank<L> {
    /// Of ready groups. `fade` in frames. `[control]`
    pub fn new(shape: BankShape, part: Part<L>, groups: Vec<Group<L>>, level: Level, fade: u32) -> Self {
        let groups = groups
            .into_iter()
            .map(|group| VoiceGroup {
                group,
                panel: Panel::new(),
                sounding: LaneMask::NONE,
                sounding_after: LaneMask::NONE,
                gates: LaneMask::NONE,
                cuts: Vec::with_capacity(CUTS + PARTIALS),
                sends: vec![SendState::default(); shape.sends.len()],
                kept: shape.kept.iter().map(|_| Wire::new()).collect(),
                own_before: vec![LaneMask::NONE; shape.own.len()],
                quiet: [0; PARTIALS],
                loud: L::default(),
                tail: 0,
                rendered: false,
            })
            .collect();
        let partials = shape.sends.iter().map(|_| Box::new([[0.0; PARTIALS]; BLOCK])).collect();
        Self { shape, part, groups, partials, level, fade }
    }

    fn place(voice: usize) -> (usize, usize) {
        (voice / L::WIDTH, voice % L::WIDTH)
    }
}

impl<L: Lanes> VoiceGroup<L> {
    fn active(&self) -> bool {
        !self.sounding.is_empty() || !self.sounding_after.is_empty() || self.tail > 0 || !self.cuts.is_empty()
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
}

impl<L: Lanes> Voices for Bank<L> {
    fn count(&self) -> usize {
        self.shape.voices
    }

    fn start(&mut self, voice: usize, frame: usize, start: Start) {
        let (group, lane) = Self::place(voice);
        let (fade, follows) = (self.fade, self.shape.follow.is_some());
        let group = &mut self.groups[group];
        if start.afresh {
            group.cut(frame, lane, CutKind::Start(start.seed));
            group.sounding_after = group.sounding_after.or(LaneMask::one(lane));
        }
        group.gates = group.gates.or(LaneMask::one(lane));
        group.quiet[lane] = 0;
        let own = &mut group.group.own;
        let mut change = |aspect, value, frames| group.panel.change(frame, lane, aspect, value, frames, own);
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

    fn release(&mut self, voice: usize, frame: usize, velocity: f32) {
        let (group, lane) = Self::place(voice);
        let group = &mut self.groups[group];
        group.gates = group.gates.without(LaneMask::one(lane));
        let own = &mut group.group.own;
        group.panel.change(frame, lane, Aspect::Source(NoteSource::Gate), 0.0, 0, own);
        group.panel.change(frame, lane, Aspect::Source(NoteSource::Lift), velocity, 0, own);
    }

    fn leave(&mut self, voice: usize, frame: usize, followed: f32) {
        let (group, lane) = Self::place(voice);
        let group = &mut self.groups[group];
        group.panel.change(frame, lane, Aspect::Leave, followed, 0, &mut group.group.own);
    }

    fn set(&mut self, voice: usize, frame: usize, source: NoteSource, value: f32, frames: u32) {
        let (group, lane) = Self::place(voice);
        let group = &mut self.groups[group];
        group.panel.change(frame, lane, Aspect::Source(source), value, frames, &mut group.group.own);
    }

    fn retune(&mut self, voice: usize, frame: usize, pitch: f32, frames: u32) {
        let (group, lane) = Self::place(voice);
        let group = &mut self.groups[group];
        group.panel.retune(frame, lane, pitch, frames, &mut group.group.own);
    }

    fn set_own(&mut self, voice: usize, frame: usize, knob_wire: u32, from: f32, value: f32, frames: u32) {
        let Some(number) = self.shape.own.iter().position(|(knob, _)| *knob == knob_wire) else { return };
        let (group, lane) = Self::place(voice);
        let group = &mut self.groups[group];
        let has = group.group.own[number].lanes.has(lane) && !group.cuts.iter().any(|cut| cut.lane as usize == lane);
        if !has {
            if !group.cut(frame, lane, CutKind::Own(number as u32)) {
                return;
            }
            group.panel.change(frame, lane, Aspect::Own(number as u32), from, 0, &mut group.group.own);
        }
        group.panel.change(frame, lane, Aspect::Own(number as u32), value, frames, &mut group.group.own);
    }

    fn end(&mut self, voice: usize, at_once: bool) {
        let (group, lane) = Self::place(voice);
        let one = LaneMask::one(lane);
        let fade = self.fade;
        let group = &mut self.groups[group];
        group.sounding = group.sounding.without(one);
        group.sounding_after = group.sounding_after.without(one);
        group.gates = group.gates.without(one);
        group.tail = fade + BLOCK as u32;
        for send in &mut group.sends {
            if at_once {
                send.last.set_lane(lane, 0.0);
            } else {
                send.fade.expect(one, Meet::Jump);
            }
        }
    }

    fn end_at(&mut self, voice: usize, frame: usize) {
        let (group, lane) = Self::place(voice);
        let one = LaneMask::one(lane);
        let fade = self.fade;
        let group = &mut self.groups[group];
        group.cut(frame, lane, CutKind::End);
        group.sounding_after = group.sounding_after.without(one);
        group.gates = group.gates.without(one);
        group.tail = fade + 2 * BLOCK as u32;
    }

    fn pitch_at(&self, voice: usize, from: usize, frame: usize) -> f32 {
        let (group, lane) = Self::place(voice);
        self.groups[group].panel.pitch_at(lane, from, frame)
    }

    fn loudness(&self, voice: usize) -> f32 {
        let (group, lane) = Self::place(voice);
        self.groups[group].loud.lane(lane)
    }

    fn sounding(&self, voice: usize) -> bool {
        let (group, lane) = Self::place(voice);
        self.groups[group].sounding_after.has(lane)
    }

    fn run(&mut self, section: usize, global: &mut [Wire<f32>], block: &BlockCall<'_>, faults: &mut dyn FnMut(u16, usize)) {
        let from = tile_index(block.start);
        let to = from + block.frames;
        let spans = self.shape.sections[section].clone();
        let sends = || self.shape.sends.iter().enumerate().filter(|(_, send)| send.section == section);
        for (number, _) in sends() {
            self.partials[number][from..to].fill([0.0; PARTIALS]);
        }
        for (group_number, voices) in self.groups.iter_mut().enumerate() {
            if !voices.active() {
                continue;
            }
            for (wire, kept) in self.shape.kept.iter().zip(&mut voices.kept) {
                std::mem::swap(&mut self.part.wires[*wire as usize], kept);
            }
            if !voices.rendered {
                let followed = self.shape.follow.map(|wire| &global[wire as usize]);
                voices.panel.render(&self.shape.sources, followed, &mut voices.group.own, &mut self.part.wires, (from, to));
                voices.rendered = true;
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
                            voices.group.reset(&self.part.shape, spans.clone(), one, seed);
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
                let call =
                    Call { start: block.start + (at - from) as u64, frames: end - at, global, lists: block.lists, lanes, fade: block.fade };
                let mut seen = Faults::default();
                self.part.run(&mut voices.group, spans.clone(), &call, &mut seen);
                for (module, bad) in seen.iter() {
                    bad.lanes().for_each(|lane| faults(module, group_number * L::WIDTH + lane));
                }
                for (number, send) in sends() {
                    isa::run(
                        self.level,
                        SendWork {
                            wire: &self.part.wires[send.from as usize],
                            state: &mut voices.sends[number],
                            partials: &mut self.partials[number],
                            lanes,
                            place: group_number * L::WIDTH % PARTIALS,
                            from: at,
                            to: end,
                            fade: block.fade,
                        },
                    );
                }
                at = end;
            }
            for (wire, kept) in self.shape.kept.iter().zip(&mut voices.kept) {
                std::mem::swap(&mut self.part.wires[*wire as usize], kept);
            }
        }
        for (number, send) in sends() {
            let wire = &mut global[send.to as usize];
            wire.held = false;
            if let Some(tile) = &mut wire.tile {
                for (out, partials) in tile[from..to].iter_mut().zip(&self.partials[number][from..to]) {
                    *out = added_up(partials);
                }
            }
        }
    }

    fn finish(&mut self, end: SampleTime, over: &mut dyn FnMut(usize)) {
        for (number, voices) in self.groups.iter_mut().enumerate() {
            if !voices.active() {
                continue;
            }
            voices.cuts.clear();
            voices.rendered = false;
            voices.sounding = voices.sounding_after;
            for (before, own) in voices.own_before.iter_mut().zip(&voices.group.own) {
                *before = own.lanes;
            }
            if !end.is_multiple_of(BLOCK as u64) {
                continue;
            }
            voices.tail = voices.tail.saturating_sub(BLOCK as u32);
            let mut loud = L::default();
            for send in &mut voices.sends {
                loud = loud.max(send.peak);
                send.peak = L::default();
            }
            voices.loud = loud;
            let rest = if self.shape.envelopes { voices.group.at_rest(&self.part.shape) } else { LaneMask::ALL };
            for lane in voices.sounding.without(voices.gates).lanes().take_while(|lane| *lane < L::WIDTH) {
                let done = if self.shape.envelopes {
                    rest.has(lane)
                } else {
                    let quiet = &mut voices.quiet[lane];
                    *quiet = if loud.lane(lane) < SILENCE { *quiet + 1 } else { 0 };
                    *quiet >= self.shape.quiet_blocks
                };
                if done {
                    over(number * L::WIDTH + lane);
                }
            }
        }
    }

    fn carry(&mut self, old: &mut dyn Voices, carry: &BankCarry) {
        let Some(old) = old.as_any().downcast_mut::<Self>() else { return };
        for (mine, old) in self.groups.iter_mut().zip(&mut old.groups) {
            std::mem::swap(&mut mine.panel, &mut old.panel);
            mine.sounding = old.sounding;
            mine.sounding_after = old.sounding_after;
            mine.gates = old.gates;
            mine.quiet = old.quiet;
            mine.loud = old.loud;
            mine.tail = old.tail.max(self.fade + BLOCK as u32);
            for (from, to) in &carry.kernels {
                std::mem::swap(&mut mine.group.kernels[*to as usize], &mut old.group.kernels[*from as usize]);
            }
            for (from, to, meet) in &carry.sums {
                let state = &mut mine.group.sums[*to as usize];
                *state = old.group.sums[*from as usize];
                state.fade.expect(super::panel::lanes_of_width(L::WIDTH), *meet);
            }
            for (from, to) in &carry.feedbacks {
                mine.group.recalls[*to as usize] = old.group.recalls[*from as usize];
            }
            for (from, to) in &carry.own {
                let wire = mine.group.own[*to as usize].wire;
                mine.group.own[*to as usize] = old.group.own[*from as usize];
                mine.group.own[*to as usize].wire = wire;
                mine.own_before[*to as usize] = old.own_before[*from as usize];
            }
            for (from, to, meet) in &carry.sends {
                let state = &mut mine.sends[*to as usize];
                *state = old.sends[*from as usize];
                state.fade.expect(super::panel::lanes_of_width(L::WIDTH), *meet);
            }
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
