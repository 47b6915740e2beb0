//! One slot as it runs: its plan, its notes, its strip of the mixer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::allocator::{Held, NoteStart, Started, VoiceAllocator};
use super::event::{Act, Mix, NoteId, Panic};
use super::fader::Fader;
use super::meter::{Gauge, Meter};
use super::report::Report;
use crate::base::time::{BLOCK, SampleTime, tile_index};

use crate::plan::SlotPlan;
use crate::plan::knob::Turn;
use crate::plan::line::Law;
use crate::plan::outline::NoteValue;
use crate::plan::ramp::LaneRamp;
use crate::plan::slot::KeySource;

/// What is wanted of a slot for one block.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Time of the first frame.
    pub start: SampleTime,
    /// How many frames.
    pub frames: usize,
    /// Frames a second.
    pub rate: f32,
    /// Beats a minute.
    pub tempo: f32,
}

/// A slot of the engine.
pub struct Strip {
    number: u8,
    pub(super) plan: Option<Box<SlotPlan>>,
    allocator: VoiceAllocator,
    /// A factor; glides straight in dB.
    level: Fader,
    /// ±1.
    pan: Fader,
    /// 1 open, 0 muted.
    open: LaneRamp<f32>,
    pub(super) mute: bool,
    pub(super) solo: bool,
    /// What failed once stays silent until it is loaded anew.
    dead: bool,
    /// The last frame, and how much of it is still to fade, for a slot that failed.
    last: [f32; 2],
    ending: f32,
    gauge: Gauge,
}

impl Strip {
    /// An empty slot. `[control]`
    pub fn new(number: u8) -> Self {
        let mut one = LaneRamp::default();
        one.set(0, 1.0, 0);
        Self {
            number,
            plan: None,
            allocator: VoiceAllocator::new(),
            level: Fader::new(1.0, Law::Decibels),
            pan: Fader::new(0.0, Law::Straight),
            open: one,
            mute: false,
            solo: false,
            dead: false,
            last: [0.0; 2],
            ending: 0.0,
            gauge: Gauge::default(),
        }
    }

    /// Voices that sound. `[audio]`
    pub fn voices(&self) -> usize {
        self.allocator.sounding()
    }

    /// A new plan begins; the old one is given back. `[audio]`
    pub fn install(&mut self, mut plan: Box<SlotPlan>, block: Block, report: &mut dyn FnMut(Report)) -> Option<Box<SlotPlan>> {
        let from = tile_index(block.start);
        let mut old = self.plan.take();
        match &mut old {
            Some(old) if !self.dead => {
                plan.take_over(old, from);
                plan.set_tempo(from, block.tempo, false);
            }
            _ => plan.set_tempo(from, block.tempo, true),
        }
        if plan.carry.voices.is_none() || self.dead {
            for voice in 0..super::allocator::VOICES {
                if let Some(id) = self.allocator.free(voice) {
                    report(Report::NoteEnded { slot: self.number, id });
                }
            }
        }
        self.dead = false;
        self.plan = Some(plan);
        self.show_keys(block);
        old
    }

    /// Sets the sources `keys.…` as the keys are held, for a plan that has just begun.
    fn show_keys(&mut self, block: Block) {
        let from = tile_index(block.start);
        let Some(plan) = &mut self.plan else { return };
        let held = self.allocator.held();
        let Some(last) = held.last().copied() else { return };
        for at in 0..plan.keys.len() {
            let (source, knob) = plan.keys[at];
            let of_key = |key: u8| held.iter().rev().find(|held| held.key == key);
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

    /// Something happens in a frame of the tile. `[audio]`
    pub fn act(&mut self, act: Act, frame: usize, block: Block, report: &mut dyn FnMut(Report)) {
        let from = tile_index(block.start);
        let at = block.start + (frame - from) as u64;
        let note = |key, id, pitch, velocity| NoteStart { note: Held { id, key, pitch, velocity }, at, frame, rate: block.rate };
        let smooth = (block.rate * 0.005) as u32;
        let Some(plan) = &mut self.plan else { return };
        match act {
            Act::Knob { knob, value, beats, frames, .. } => {
                plan.turn(knob.0, frame, from, Turn { value, beats, frames }, block.tempo);
            }
            Act::Cell { list, index, value, .. } => {
                if let Some(list) = plan.lists.get_mut(list as usize) {
                    match index {
                        u8::MAX => list.len = (value as usize).clamp(1, list.cells.len()),
                        _ => {
                            if let Some(cell) = list.cells.get_mut(index as usize) {
                                *cell = value;
                            }
                        }
                    }
                }
            }
            Act::NoteOn { key, id, pitch, velocity, .. } => {
                let was_down = self.allocator.held().iter().any(|held| held.key == key);
                match self.allocator.press(plan, note(key, id, pitch, velocity)) {
                    Started::Sounds => {}
                    Started::Stole(id) => report(Report::NoteStolen { slot: self.number, id }),
                    Started::Refused => return report(Report::NoteStolen { slot: self.number, id }),
                }
                for at in 0..plan.keys.len() {
                    let (source, knob) = plan.keys[at];
                    let value = match source {
                        KeySource::Gate => 1.0,
                        KeySource::Pitch => pitch,
                        KeySource::Velocity => velocity,
                        KeySource::Key(number) | KeySource::KeyVelocity(number) if number != key => continue,
                        KeySource::Key(_) => 1.0,
                        KeySource::KeyVelocity(_) => velocity,
                    };
                    plan.turn(knob, frame, from, Turn::to(value), block.tempo);
                    if was_down && matches!(source, KeySource::Key(_)) {
                        // Struck again while down: the gate falls for one frame, so that its edge is seen.
                        plan.blip(knob, frame, from, 0.0);
                    }
                }
            }
            Act::NoteOff { id, velocity, .. } => self.release(id, velocity, frame, at, block, report),
            Act::NoteSet { id, what, value, .. } => match what {
                NoteValue::Source(source) => self.allocator.set(plan, id, at, frame, source, value, smooth),
                NoteValue::Knob(knob) => {
                    let Some(now) = plan.knobs.get(knob.0 as usize).map(|knob| knob.stands(frame)) else { return };
                    self.allocator.each(id, at, |voice, starts| {
                        plan.voices.set_own(voice, frame, knob.0, now, value, if starts { 0 } else { smooth });
                    });
                }
            },
            Act::Panic { how, .. } => self.panic(how, frame, at, block, report),
            Act::Mix { what, value, frames, .. } => match what {
                Mix::Level => self.level.set(value, frames, smooth),
                Mix::Pan => self.pan.set(value, frames, smooth),
                Mix::Mute => self.mute = value > 0.5,
                Mix::Solo => self.solo = value > 0.5,
                Mix::Limiter => {}
            },
            Act::Tempo(_) => plan.set_tempo(frame, block.tempo, false),
            Act::Run(_) | Act::Locate(_) | Act::Sync(_) | Act::Clear => {}
        }
    }

    fn release(&mut self, id: NoteId, velocity: f32, frame: usize, at: SampleTime, block: Block, report: &mut dyn FnMut(Report)) {
        let from = tile_index(block.start);
        let Some(plan) = &mut self.plan else { return };
        let start = NoteStart { note: Held { id, key: 0, pitch: 0.0, velocity }, at, frame, rate: block.rate };
        let Some(note) = self.allocator.release(plan, id, velocity, start) else { return };
        let held = self.allocator.held();
        for at in 0..plan.keys.len() {
            let (source, knob) = plan.keys[at];
            let value = match source {
                KeySource::Gate if held.is_empty() => 0.0,
                KeySource::Key(key) if key == note.key && !held.iter().any(|held| held.key == key) => 0.0,
                KeySource::Pitch => match held.last() {
                    Some(last) => last.pitch,
                    None => continue,
                },
                _ => continue,
            };
            plan.turn(knob, frame, from, Turn::to(value), block.tempo);
        }
        let mut sounds = false;
        self.allocator.each(id, at, |_, _| sounds = true);
        if !sounds {
            report(Report::NoteEnded { slot: self.number, id });
        }
    }

    fn panic(&mut self, how: Panic, frame: usize, at: SampleTime, block: Block, report: &mut dyn FnMut(Report)) {
        while let Some(id) = self.allocator.first_held() {
            self.release(id, 0.0, frame, at, block, report);
        }
        if how == Panic::Release {
            return;
        }
        let Some(plan) = &mut self.plan else { return };
        for voice in 0..plan.voices.count() {
            if plan.voices.sounding(voice) {
                plan.voices.end(voice, how == Panic::Cut);
                if let Some(id) = self.allocator.free(voice) {
                    report(Report::NoteEnded { slot: self.number, id });
                }
            }
        }
    }

    /// Works out a block and adds it to the mix; `others_solo`: another slot is to be heard alone. What failed comes back. `[audio]`
    pub fn run(
        &mut self,
        block: Block,
        others_solo: bool,
        mix: &mut [[f32; BLOCK]; 2],
        report: &mut dyn FnMut(Report),
    ) -> Option<Box<dyn Any + Send>> {
        let from = tile_index(block.start);
        let to = from + block.frames;
        let number = self.number;
        let mut failed = None;
        if let (Some(plan), false) = (&mut self.plan, self.dead) {
            let allocator = &mut self.allocator;
            let done = catch_unwind(AssertUnwindSafe(|| {
                plan.run(block.start, block.frames, &mut |module, voice| {
                    let voice = voice.map_or(u16::MAX, |voice| voice as u16);
                    report(Report::NotFinite { slot: number, module, voice });
                });
                let mut over = [0u16; super::allocator::VOICES];
                let mut count = 0;
                plan.voices.finish(block.start + block.frames as u64, &mut |voice| {
                    over[count] = voice as u16;
                    count += 1;
                });
                for voice in &over[..count] {
                    plan.voices.end(*voice as usize, false);
                    if let Some(id) = allocator.free(*voice as usize) {
                        report(Report::NoteEnded { slot: number, id });
                    }
                }
            }));
            if let Err(payload) = done {
                self.dead = true;
                self.ending = 1.0;
                report(Report::Died { slot: number });
                failed = Some(payload);
            }
        }
        let open = if self.mute || (others_solo && !self.solo) { 0.0 } else { 1.0 };
        if self.open.now() != open && !self.open.moving() {
            self.open.set(0, open, (block.rate * 0.005) as u32);
        }
        let still = !self.level.moving() && !self.pan.moving() && !self.open.moving();
        let fade_step = 1.0 / (block.rate * 0.01);
        for at in from..to {
            let frame = match (&self.plan, self.dead) {
                (Some(plan), false) => plan.out.map(|wire| {
                    let x = plan.part.wires[wire as usize].signal(at, at + 1).at(0);
                    if x.is_finite() { x } else { 0.0 }
                }),
                _ => {
                    self.ending = if self.ending > fade_step { self.ending - fade_step } else { 0.0 };
                    self.last.map(|x| x * self.ending)
                }
            };
            if !self.dead {
                self.last = frame;
            }
            if !still {
                self.level.advance();
                self.pan.advance();
                self.open.advance();
            }
            let gain = self.level.now() * self.open.now();
            let pan = self.pan.now();
            let sides = [if pan > 0.0 { 1.0 - pan } else { 1.0 }, if pan < 0.0 { 1.0 + pan } else { 1.0 }];
            let added = [frame[0] * (gain * sides[0]), frame[1] * (gain * sides[1])];
            for side in 0..2 {
                mix[side][at] += added[side];
            }
            self.gauge.see(added);
        }
        failed
    }

    /// Shows the meter. `[audio]`
    pub fn show(&mut self, meter: &Meter) {
        self.gauge.show(meter);
    }

    /// The wires in which the slot's main input stands. `[audio]`
    pub fn input(&mut self, from: usize, to: usize, sides: [&[f32; BLOCK]; 2]) {
        let Some(plan) = &mut self.plan else { return };
        for (number, pair) in plan.inputs.iter().enumerate() {
            for side in 0..2 {
                let wire = &mut plan.part.wires[pair[side] as usize];
                wire.held = number > 0;
                if let Some(tile) = &mut wire.tile {
                    match number {
                        0 => tile[from..to].copy_from_slice(&sides[side][from..to]),
                        _ => tile[0] = 0.0,
                    }
                }
            }
        }
    }
}
