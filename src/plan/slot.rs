//! One slot's compiled patch.

use std::ops::Range;

use super::bank::{BankCarry, BlockCall, Voices};
use super::crew::Hands;
use super::knob::{Knob, Turn};
use super::number::Exchange;
use super::part::{Call, Faults, Group, GroupCarry, Part, Stood};
use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::dsp::lanes::LaneMask;
use crate::module::io::List;
pub use crate::patch::{GlideMode, GlideWhen, KeySource, Priority, Steal, VoiceMode};

/// What runs after what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// These spans of the global part.
    Global(Range<usize>),
    /// This section of the voices.
    Voice(usize),
}

/// A pulse every so many beats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    /// How many beats.
    pub beats: f64,
    /// The wire of the global part.
    pub wire: u32,
}

/// `glide`, `detune` or `spread`: a sum of knobs alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoteInput {
    /// A number, and the knobs that multiply it.
    pub terms: Vec<(f32, Vec<u32>)>,
    /// Lowest and highest.
    pub range: (f32, f32),
}

/// How notes become voices.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteShape {
    /// Poly, mono or legato.
    pub mode: VoiceMode,
    /// Which key a mono voice plays.
    pub priority: Priority,
    /// Which voice gives way.
    pub steal: Steal,
    /// Voices a note.
    pub unison: usize,
    /// What the time of a glide is the time of.
    pub glide_mode: GlideMode,
    /// Which notes glide.
    pub glide_when: GlideWhen,
    /// [s]
    pub glide: NoteInput,
    /// [octaves]
    pub detune: NoteInput,
    /// 0..1.
    pub spread: NoteInput,
}

impl NoteShape {
    /// The same, its knobs named by their numbers. `[control]`
    pub fn with_knobs(mut self, number: &impl Fn(u32) -> u32) -> Self {
        let inputs = [&mut self.glide, &mut self.detune, &mut self.spread];
        let knobs = inputs.into_iter().flat_map(|input| &mut input.terms).flat_map(|(_, knobs)| knobs);
        knobs.for_each(|knob| *knob = number(*knob));
        self
    }
}

/// How notes become voices at one moment: the settings, and the inputs as they stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    /// Poly, mono or legato.
    pub mode: VoiceMode,
    /// Which key a mono voice plays, and which note never gives way.
    pub priority: Priority,
    /// Which note gives way.
    pub steal: Steal,
    /// Voices a note.
    pub unison: usize,
    /// What the time of a glide is the time of.
    pub glide_mode: GlideMode,
    /// Which notes glide.
    pub glide_when: GlideWhen,
    /// Time of a glide [s].
    pub glide: f32,
    /// From the lowest voice of a unison to the highest [octaves].
    pub detune: f32,
    /// How far the voices of a unison stand apart, 0..1.
    pub spread: f32,
}

/// What goes over from the plan that ran before.
#[derive(Clone, Debug, Default)]
pub struct Carry {
    /// Knobs.
    pub knobs: Exchange,
    /// Those of them that were made otherwise than the old ones.
    pub changed: Vec<u32>,
    /// New knobs that begin where an old one stands: old number, new number.
    pub like: Vec<(u32, u32)>,
    /// The global part.
    pub group: GroupCarry,
    /// Sums of voices that are heard 64 frames later: old wire, new wire.
    pub wires: Vec<(u32, u32)>,
    /// The global part's wires.
    pub wire_exchange: Exchange,
    /// The voices go on: same number, same width.
    pub voices: Option<BankCarry>,
}

impl Carry {
    /// How many things are moved one by one; of the voices, for each group. `[any]`
    fn work(&self) -> usize {
        let voices = self.voices.as_ref().map_or(0, |bank| bank.group.work() + bank.own.work() + bank.sends.len());
        let lists = self.changed.len() + self.like.len() + self.wires.len();
        self.knobs.work() + self.group.work() + self.wire_exchange.work() + lists + voices
    }
}

/// What the audio thread runs for one slot.
pub struct SlotPlan {
    pub(crate) knobs: Vec<Knob>,
    pub(crate) active: Vec<u32>,
    /// Knobs that were turned since the plan began.
    pub(crate) touched: Vec<u32>,
    /// The knobs that can follow the tempo.
    pub(crate) beat_knobs: Vec<u32>,
    pub(crate) part: Part<f32>,
    pub(crate) group: Group<f32>,
    pub(crate) voices: Box<dyn Voices>,
    pub(crate) sections: Vec<Section>,
    /// Cables that close a cycle through the sum of the voices: from wire, to wire.
    pub(crate) delays: Vec<(u32, u32)>,
    pub(crate) pulses: Vec<Pulse>,
    /// The knobs in which the sources `keys.…` stand.
    pub(crate) keys: Vec<(KeySource, u32)>,
    /// The wires of the slot's inputs, left and right.
    pub(crate) inputs: Vec<[u32; 2]>,
    pub(crate) out: [u32; 2],
    /// What plays the voices: gate, pitch [octaves above C4], velocity.
    pub(crate) played: Option<[u32; 3]>,
    pub(crate) lists: Vec<List>,
    pub(crate) note: Option<NoteShape>,
    pub(crate) fade: u32,
    pub(crate) carry: Carry,
    /// What its slot calls it, for values that name its knobs; set by who sends it.
    pub number: u8,
    /// Its number in the log of a set; 0: none is kept.
    pub log: u32,
    /// What is known of the global part's sums of knobs alone.
    pub(crate) stood: Stood,
    /// Some knob was turned in the block before, or the plan has just begun.
    pub(crate) restless: bool,
}

impl SlotPlan {
    /// How many things are moved one by one where it takes over from the plan before, so that a test sees on what that depends: on what
    /// is another, and on what was turned meanwhile, never on how large the patch is. `[any]`
    pub fn moves(&self) -> usize {
        self.carry.work()
    }

    /// A knob is turned in a frame of the tile. `[audio]`
    pub fn turn(&mut self, knob: u32, frame: usize, from: usize, turn: Turn, tempo: f32) {
        let Some(index) = self.activate(knob, from) else { return };
        if self.knobs[index].touch() {
            self.touched.push(knob);
        }
        self.knobs[index].set(&mut self.part.wires[index], frame, turn, tempo);
    }

    /// A knob shows another value for one frame. `[audio]`
    pub fn blip(&mut self, knob: u32, frame: usize, from: usize, value: f32) {
        let Some(index) = self.activate(knob, from) else { return };
        self.knobs[index].blip(&mut self.part.wires[index], frame, value);
    }

    fn activate(&mut self, knob: u32, from: usize) -> Option<usize> {
        let index = knob as usize;
        if index >= self.knobs.len() {
            return None;
        }
        if !self.knobs[index].activate(from) {
            self.active.push(knob);
        }
        Some(index)
    }

    /// The knobs that follow the tempo go where it has them. `[audio]`
    pub fn set_tempo(&mut self, from: usize, tempo: f32, at_once: bool) {
        for at in 0..self.beat_knobs.len() {
            let knob = self.beat_knobs[at];
            if self.knobs[knob as usize].follows_tempo()
                && let Some(index) = self.activate(knob, from)
            {
                self.knobs[index].set_tempo(tempo, at_once);
            }
        }
    }

    /// The value of `glide`, `detune` or `spread` as its knobs stand in a frame of the tile. `[audio]`
    pub fn note_value(&self, input: &NoteInput, frame: usize) -> f32 {
        let product =
            |(number, knobs): &(f32, Vec<u32>)| knobs.iter().fold(*number, |x, knob| x * self.knobs[*knob as usize].stands(frame));
        let sum = input.terms.iter().map(product).fold(0.0, |sum, x| sum + x);
        let (low, high) = input.range;
        let sum = if sum > low { sum } else { low };
        if sum < high { sum } else { high }
    }

    /// How notes become voices in a frame of the tile; `None` where they do not. `[audio]`
    pub fn manner(&self, frame: usize) -> Option<Manner> {
        let note = self.note.as_ref().filter(|_| self.voices.count() > 0)?;
        Some(Manner {
            mode: note.mode,
            priority: note.priority,
            steal: note.steal,
            unison: note.unison,
            glide_mode: note.glide_mode,
            glide_when: note.glide_when,
            glide: self.note_value(&note.glide, frame),
            detune: self.note_value(&note.detune, frame),
            spread: self.note_value(&note.spread, frame),
        })
    }

    /// Works out some frames up to where the voices begin; gives how many sections that is. Pulses and inputs stand in their wires
    /// already. `[audio]`
    pub fn run_to_voices(&mut self, start: SampleTime, frames: usize, faults: &mut dyn FnMut(u16, Option<usize>)) -> usize {
        let from = tile_index(start);
        let to = from + frames;
        for at in 0..self.active.len() {
            let index = self.active[at] as usize;
            self.knobs[index].write(&mut self.part.wires[index], to);
        }
        for (source, target) in &self.delays {
            // The sum of 64 frames ago still stands where this block's will.
            let Some(mut tile) = self.part.wires[*target as usize].tile.take() else { continue };
            if let Some(source) = &self.part.wires[*source as usize].tile {
                tile[from..to].copy_from_slice(&source[from..to]);
            }
            self.part.wires[*target as usize].tile = Some(tile);
            self.part.wires[*target as usize].held = false;
        }
        let turned = self.turned();
        if turned {
            self.part.turn();
        }
        let call = Call { start, frames, global: &[], lists: &self.lists, lanes: LaneMask::one(0), fade: self.fade, turned };
        self.part.run_still(&mut self.group, 0, &mut self.stood, &call);
        let first = self.sections.iter().position(|section| matches!(section, Section::Voice(_))).unwrap_or(self.sections.len());
        self.run_sections(0..first, (start, frames), None, faults);
        first
    }

    /// Works out the rest of these frames, from a section on; the shares of the voices by `hands` where there are any. `[audio]`
    pub fn run_on(
        &mut self,
        section: usize,
        start: SampleTime,
        frames: usize,
        hands: Option<&mut dyn Hands>,
        faults: &mut dyn FnMut(u16, Option<usize>),
    ) {
        let to = tile_index(start) + frames;
        self.run_sections(section..self.sections.len(), (start, frames), hands, faults);
        let Self { active, knobs, part, .. } = self;
        // What comes to rest now has its last value in the next block.
        self.restless = !active.is_empty();
        active.retain(|index| {
            let index = *index as usize;
            let moving = !knobs[index].at_rest();
            if moving {
                knobs[index].begin(if to == BLOCK { 0 } else { to });
            } else {
                knobs[index].rest(&mut part.wires[index]);
            }
            moving
        });
    }

    /// Whether sums of knobs alone may not stand as they did.
    fn turned(&self) -> bool {
        self.restless || !self.active.is_empty()
    }

    fn run_sections(
        &mut self,
        which: Range<usize>,
        (start, frames): (SampleTime, usize),
        mut hands: Option<&mut dyn Hands>,
        faults: &mut dyn FnMut(u16, Option<usize>),
    ) {
        let turned = self.turned();
        let block = BlockCall { start, frames, lists: &self.lists, fade: self.fade, turned };
        for section in &self.sections[which] {
            match section {
                Section::Global(spans) => {
                    let call = Call { start, frames, global: &[], lists: &self.lists, lanes: LaneMask::one(0), fade: self.fade, turned };
                    let mut seen = Faults::default();
                    self.part.run(&mut self.group, spans.clone(), &call, &mut seen, false);
                    seen.iter().for_each(|(module, _)| faults(module, None));
                }
                Section::Voice(number) => {
                    let Self { voices, part, .. } = self;
                    let faults = &mut |module, voice| faults(module, Some(voice));
                    match &mut hands {
                        Some(hands) if voices.shares() > 1 => {
                            if voices.prepare(*number, &part.wires, &block) {
                                hands.run(&mut **voices);
                            }
                            voices.gather(*number, &mut part.wires, &block, faults);
                        }
                        _ => voices.run(*number, &mut part.wires, &block, faults),
                    }
                }
            }
        }
    }

    /// Takes over from the plan that ran before, in a frame of the tile. It costs as much as is another than before: what was compiled
    /// anew, and the knobs that were turned since the old plan began. `[audio]`
    pub fn take_over(&mut self, old: &mut Self, frame: usize, tempo: f32) {
        // Only where something may jump is it asked where it stood.
        old.part.settle(&mut old.group, !self.carry.group.meets.is_empty());
        for (from, to) in &self.carry.wires {
            std::mem::swap(&mut self.part.wires[*to as usize].tile, &mut old.part.wires[*from as usize].tile);
        }
        let wires_go_on = self.carry.wire_exchange.make(&mut self.part.wires, &mut old.part.wires);
        self.take_knobs(old, frame, tempo, wires_go_on);
        self.group.take_over(&mut old.group, &self.carry.group);
        if let Some(carry) = &self.carry.voices {
            self.voices.carry(&mut *old.voices, carry);
        }
    }

    fn take_knobs(&mut self, old: &mut Self, frame: usize, tempo: f32, wires_go_on: bool) {
        let Self { carry, knobs, part, active, beat_knobs, .. } = self;
        let mut settle = |knobs: &mut [Knob], number: u32| {
            let Some(knob) = knobs.get_mut(number as usize) else { return };
            // It may come twice; what moves stands among the active once.
            if knob.is_active() {
                return;
            }
            knob.set_tempo(tempo, false);
            knob.rest(&mut part.wires[number as usize]);
            if !knob.at_rest() && !knob.activate(frame) {
                active.push(number);
            }
        };
        for (from, to) in &carry.like {
            knobs[*to as usize].carry(&old.knobs[*from as usize]);
        }
        if carry.knobs.whole() {
            // Those that go on otherwise than they were: made otherwise, turned, or on their way. One may be among them twice.
            let others = || carry.changed.iter().chain(&old.touched).chain(&old.active).filter(|number| carry.knobs.goes_on(**number));
            for number in others() {
                let (Some(mine), Some(was)) = (knobs.get(*number as usize), old.knobs.get_mut(*number as usize)) else { continue };
                let mut knob = mine.clone();
                knob.carry(was);
                *was = knob;
            }
            carry.knobs.make(knobs, &mut old.knobs);
            others().chain(carry.knobs.others()).for_each(|number| settle(knobs, *number));
        } else {
            for (from, to) in carry.knobs.pairs() {
                knobs[*to as usize].carry(&old.knobs[*from as usize]);
            }
            // The others stand as they were made, in wires that show it, but where the tempo has them.
            carry.like.iter().chain(carry.knobs.pairs()).for_each(|(_, to)| settle(knobs, *to));
            for number in beat_knobs {
                if knobs[*number as usize].follows_tempo() {
                    settle(knobs, *number);
                }
            }
        }
        if carry.knobs.whole() && !wires_go_on {
            // Those on their way write theirs from this frame on; what stands in the first is not read before.
            for (knob, wire) in knobs.iter().zip(&mut part.wires) {
                knob.show(wire);
            }
        }
    }
}
