//! The notes of one slot: who holds what, and what the keyboard as a whole is to the patch.

use super::NoteId;
use super::allocator::{Gone, Held, Moment, VOICES, VoiceAllocator};
use super::event::{Act, Panic};
use super::report::Report;
use super::shed::{self, Missed};
use super::strip::Block;
use crate::base::time::tile_index;
use crate::dsp::edge::Edge;
use crate::plan::SlotPlan;
use crate::plan::knob::Turn;
use crate::plan::outline::NoteValue;
use crate::plan::slot::KeySource;

/// Notes of a slot.
pub struct Playing {
    slot: u8,
    allocator: VoiceAllocator,
    /// The gate with which the patch plays itself.
    gate: Edge<f32>,
    /// The note that it plays, and how many there were.
    own: Option<NoteId>,
    owns: u32,
}

/// The keys that are down: what others play.
fn keys(allocator: &VoiceAllocator) -> impl DoubleEndedIterator<Item = &Held> {
    allocator.held().filter(|held| !held.id.is_own())
}

/// Says of a note that it is gone, to whoever started it.
fn teller<'a>(slot: u8, report: &'a mut dyn FnMut(Report)) -> impl FnMut(Gone) + 'a {
    move |gone| match gone {
        Gone::Ended(id) | Gone::Stolen(id) if id.is_own() => {}
        Gone::Ended(id) => report(Report::NoteEnded { slot, id }),
        Gone::Stolen(id) => report(Report::NoteStolen { slot, id }),
    }
}

/// A frame of the tile in a block.
fn moment(block: Block, frame: usize) -> Moment {
    let from = tile_index(block.start);
    Moment { at: block.start + (frame - from) as u64, frame, from, rate: block.rate, strained: block.strained }
}

impl Playing {
    /// No notes. `[control]`
    pub fn new(slot: u8) -> Self {
        Self { slot, allocator: VoiceAllocator::new(), gate: Edge::default(), own: None, owns: 0 }
    }

    /// Voices that sound. `[audio]`
    pub fn voices(&self) -> usize {
        self.allocator.sounding()
    }

    /// Notes refused, and notes that took another's place, since last asked, because there was no time for more voices. `[audio]`
    pub fn take_strained(&mut self) -> [u64; 2] {
        self.allocator.take_strained()
    }

    /// The group of voices that would be missed least. `[audio]`
    pub fn least(&self, plan: &SlotPlan, block: Block) -> Option<Missed> {
        shed::least(&self.allocator, &*plan.voices, moment(block, tile_index(block.start)))
    }

    /// Sheds up to so many voices of that group; how many. `[audio]`
    pub fn shed(&mut self, plan: &mut SlotPlan, first: usize, most: usize, block: Block, report: &mut dyn FnMut(Report)) -> usize {
        let moment = moment(block, tile_index(block.start));
        shed::shed(&mut self.allocator, &mut *plan.voices, first, most, moment, &mut teller(self.slot, report))
    }

    /// A new plan begins; `carried` where the voices go on. `[audio]`
    pub fn install(&mut self, plan: &mut SlotPlan, carried: bool, block: Block, report: &mut dyn FnMut(Report)) {
        if !carried {
            for voice in 0..VOICES {
                self.allocator.free(voice, &mut teller(self.slot, report));
            }
        }
        if !carried || plan.played.is_none() {
            // Where it goes on to play, a gate that is high strikes anew.
            self.gate = Edge::default();
            let from = tile_index(block.start);
            self.let_go_own(plan, moment(block, from), report);
        }
        self.show_keys(plan, block);
    }

    /// All notes end at once, and nothing is remembered of them: the plan goes. `[audio]`
    pub fn forget(&mut self, report: &mut dyn FnMut(Report)) {
        (self.gate, self.own, self.owns) = (Edge::default(), None, 0);
        self.allocator.forget(&mut teller(self.slot, report));
    }

    /// Sets the sources `keys.…` as the keys are held, for a plan that has just begun.
    fn show_keys(&self, plan: &mut SlotPlan, block: Block) {
        let from = tile_index(block.start);
        let held = || keys(&self.allocator);
        let Some(last) = held().next_back().copied() else { return };
        for at in 0..plan.keys.len() {
            let (source, knob) = plan.keys[at];
            let of_key = |key: u8| held().rev().find(|held| held.key == key);
            let value = match source {
                KeySource::Gate => 1.0,
                KeySource::Pitch => last.pitch,
                KeySource::Velocity => last.velocity,
                KeySource::Key(key) => of_key(key).map_or(0.0, |_| 1.0),
                KeySource::KeyVelocity(key) => of_key(key).map_or(0.0, |held| held.velocity),
            };
            plan.turn(knob, from, from, Turn::to(value), block.tempo);
        }
    }

    /// Something happens to a note, or to all, in a frame of the tile. `[audio]`
    pub fn act(&mut self, act: Act, plan: &mut SlotPlan, frame: usize, block: Block, report: &mut dyn FnMut(Report)) {
        let from = tile_index(block.start);
        let moment = moment(block, frame);
        match act {
            Act::NoteOn { key, id, pitch, velocity, .. } => {
                let note = Held { id, key, pitch, velocity };
                let was_down = keys(&self.allocator).any(|held| held.key == key);
                let manner = plan.manner(frame);
                let told = &mut teller(self.slot, report);
                if self.allocator.press(&mut *plan.voices, manner.as_ref(), note, moment, told) {
                    show_press(note, was_down, plan, moment, block);
                }
            }
            Act::GlideFrom { pitch, .. } => self.allocator.glide_from(pitch),
            Act::NoteOff { id, velocity, .. } => self.release(id, velocity, plan, moment, block, report),
            Act::NoteFade { id, .. } => {
                self.release(id, 0.0, plan, moment, block, report);
                let mut voices = [false; VOICES];
                self.allocator.each(id, moment.at, |voice, _| voices[voice] = true);
                for voice in (0..VOICES).filter(|voice| voices[*voice]) {
                    plan.voices.end(voice, false);
                    self.allocator.free(voice, &mut teller(self.slot, report));
                }
            }
            Act::NoteSet { id, what: NoteValue::Source(source), value, .. } => {
                self.allocator.set(&mut *plan.voices, id, source, value, moment);
            }
            Act::NoteSet { id, what: NoteValue::Pitch, value, .. } => {
                self.allocator.retune(&mut *plan.voices, id, value, moment);
                if keys(&self.allocator).next_back().is_some_and(|last| last.id == id) {
                    for at in 0..plan.keys.len() {
                        let (source, knob) = plan.keys[at];
                        if source == KeySource::Pitch {
                            plan.turn(knob, frame, from, Turn::to(value), block.tempo);
                        }
                    }
                }
            }
            Act::NoteSet { id, what: NoteValue::Knob(knob), value, .. } => {
                let Some(now) = plan.knobs.get(knob.0 as usize).map(|knob| knob.stands(frame)) else { return };
                let smooth = (block.rate * 0.005) as u32;
                self.allocator.each(id, moment.at, |voice, starts| {
                    plan.voices.set_own(voice, frame, knob.0, now, value, if starts { 0 } else { smooth });
                });
            }
            Act::Panic { how, .. } => self.panic(how, plan, moment, block, report),
            _ => {}
        }
    }

    fn release(&mut self, id: NoteId, velocity: f32, plan: &mut SlotPlan, moment: Moment, block: Block, report: &mut dyn FnMut(Report)) {
        let manner = plan.manner(moment.frame);
        let told = &mut teller(self.slot, report);
        let Some(note) = self.allocator.release(&mut *plan.voices, manner.as_ref(), id, velocity, moment, told) else { return };
        let last = keys(&self.allocator).next_back().copied();
        for at in 0..plan.keys.len() {
            let (source, knob) = plan.keys[at];
            let value = match (source, last) {
                (KeySource::Gate, None) => 0.0,
                (KeySource::Key(key), _) if key == note.key && !keys(&self.allocator).any(|held| held.key == key) => 0.0,
                (KeySource::Pitch, Some(last)) => last.pitch,
                _ => continue,
            };
            plan.turn(knob, moment.frame, moment.from, Turn::to(value), block.tempo);
        }
    }

    fn panic(&mut self, how: Panic, plan: &mut SlotPlan, moment: Moment, block: Block, report: &mut dyn FnMut(Report)) {
        self.own = None;
        self.allocator.release_all(&mut *plan.voices, moment, &mut teller(self.slot, report));
        for at in 0..plan.keys.len() {
            let (source, knob) = plan.keys[at];
            if matches!(source, KeySource::Gate | KeySource::Key(_)) {
                plan.turn(knob, moment.frame, moment.from, Turn::to(0.0), block.tempo);
            }
        }
        if how == Panic::Release {
            return;
        }
        for voice in 0..plan.voices.count() {
            if plan.voices.sounding(voice) {
                plan.voices.end(voice, how == Panic::Cut);
            }
            self.allocator.free(voice, &mut teller(self.slot, report));
        }
    }

    /// The patch plays its own voices, in the frames of a block whose gate, pitch and velocity stand in their wires. `[audio]`
    pub fn play_own(&mut self, plan: &mut SlotPlan, block: Block, report: &mut dyn FnMut(Report)) {
        let Some(wires) = plan.played else { return };
        let from = tile_index(block.start);
        for frame in from..from + block.frames {
            let [gate, pitch, velocity] = wires.map(|wire| plan.part.wires[wire as usize].signal(frame, frame + 1).at(0));
            let moment = moment(block, frame);
            let rises = self.gate.rises(gate);
            if !self.gate.is_high() {
                self.let_go_own(plan, moment, report);
            }
            self.allocator.follow(pitch);
            if rises {
                let id = NoteId(NoteId::OWN | self.owns);
                self.owns = (self.owns + 1) % NoteId::OWN;
                let note = Held { id, key: 0, pitch, velocity };
                let manner = plan.manner(frame);
                let told = &mut teller(self.slot, report);
                self.own = self.allocator.press(&mut *plan.voices, manner.as_ref(), note, moment, told).then_some(id);
            }
        }
    }

    fn let_go_own(&mut self, plan: &mut SlotPlan, moment: Moment, report: &mut dyn FnMut(Report)) {
        let Some(id) = self.own.take() else { return };
        let manner = plan.manner(moment.frame);
        self.allocator.release(&mut *plan.voices, manner.as_ref(), id, 0.5, moment, &mut teller(self.slot, report));
    }

    /// At a block's end, the voices that are over become free. `[audio]`
    pub fn finish(&mut self, plan: &mut SlotPlan, end: u64, report: &mut dyn FnMut(Report)) {
        let mut over = [0u16; VOICES];
        let mut count = 0;
        plan.voices.finish(end, &mut |voice| {
            over[count] = voice as u16;
            count += 1;
        });
        for voice in &over[..count] {
            plan.voices.end(*voice as usize, false);
            self.allocator.free(*voice as usize, &mut teller(self.slot, report));
        }
    }
}

/// The sources `keys.…` follow a key that is struck.
fn show_press(note: Held, was_down: bool, plan: &mut SlotPlan, moment: Moment, block: Block) {
    for at in 0..plan.keys.len() {
        let (source, knob) = plan.keys[at];
        let value = match source {
            KeySource::Gate => 1.0,
            KeySource::Pitch => note.pitch,
            KeySource::Velocity => note.velocity,
            KeySource::Key(number) | KeySource::KeyVelocity(number) if number != note.key => continue,
            KeySource::Key(_) => 1.0,
            KeySource::KeyVelocity(_) => note.velocity,
        };
        plan.turn(knob, moment.frame, moment.from, Turn::to(value), block.tempo);
        if was_down && matches!(source, KeySource::Key(_)) {
            // Struck again while down: the gate falls for one frame, so that its edge is seen.
            plan.blip(knob, moment.frame, moment.from, 0.0);
        }
    }
}
