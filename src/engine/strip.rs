//! One slot as it runs: its plan, its notes, its strip of the mixer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::event::{Act, Mix};
use super::fader::Fader;
use super::meter::{Gauge, Meter};
use super::mixer::{Sides, Taps};
use super::playing::Playing;
use super::report::Report;
use crate::base::time::{SampleTime, tile_index};
use crate::module::io::Signal;
use crate::plan::SlotPlan;
use crate::plan::knob::Turn;
use crate::plan::line::Law;
use crate::plan::ramp::LaneRamp;

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
    playing: Playing,
    /// A factor; glides straight in dB.
    level: Fader,
    /// ±1.
    pan: Fader,
    /// How loud and where it is played, beside these two.
    volume: Fader,
    balance: Fader,
    /// 1 open, 0 muted.
    open: LaneRamp<f32>,
    pub(super) mute: bool,
    pub(super) solo: bool,
    /// What failed once stays silent until it is loaded anew.
    dead: bool,
    /// Its plan is to go: how much of it is still heard, 1 to 0.
    leaving: Option<LaneRamp<f32>>,
    /// It has run no frame since it was empty: what its mixer is set to then is so at once.
    fresh: bool,
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
            playing: Playing::new(number),
            level: Fader::new(1.0, Law::Decibels),
            pan: Fader::new(0.0, Law::Straight),
            volume: Fader::new(1.0, Law::Straight),
            balance: Fader::new(0.0, Law::Straight),
            open: one,
            mute: false,
            solo: false,
            dead: false,
            leaving: None,
            fresh: true,
            last: [0.0; 2],
            ending: 0.0,
            gauge: Gauge::default(),
        }
    }

    /// Its plan fades in so many frames, running on, and is then to be taken by [`Self::empty`]. `[audio]`
    pub fn leave(&mut self, frames: u32) {
        let mut share = LaneRamp::default();
        share.set(0, 1.0, 0);
        share.set(0, 0.0, frames);
        self.leaving = Some(share);
    }

    /// Whether its plan is on its way out. `[audio]`
    pub fn leaves(&self) -> bool {
        self.leaving.is_some()
    }

    /// Whether its plan has faded. `[audio]`
    pub fn has_left(&self) -> bool {
        self.leaving.is_some_and(|share| !share.moving())
    }

    /// Gives up the plan; all notes end, and the strip stands as a new one does. `[audio]`
    pub fn empty(&mut self, report: &mut dyn FnMut(Report)) -> Option<Box<SlotPlan>> {
        self.playing.forget(report);
        self.level = Fader::new(1.0, Law::Decibels);
        self.pan = Fader::new(0.0, Law::Straight);
        self.volume = Fader::new(1.0, Law::Straight);
        self.balance = Fader::new(0.0, Law::Straight);
        self.open.set(0, 1.0, 0);
        (self.mute, self.solo, self.dead, self.fresh) = (false, false, false, true);
        (self.leaving, self.last, self.ending, self.gauge) = (None, [0.0; 2], 0.0, Gauge::default());
        self.plan.take()
    }

    /// Voices that sound. `[audio]`
    pub fn voices(&self) -> usize {
        self.playing.voices()
    }

    /// Whether its patch plays its own voices, so that the order of notes from elsewhere among them counts. `[audio]`
    pub fn plays_itself(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.played.is_some())
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
        let carried = plan.carry.voices.is_some() && !self.dead;
        self.dead = false;
        self.playing.install(&mut plan, carried, block, report);
        self.plan = Some(plan);
        old
    }

    /// Something happens in a frame of the tile. `[audio]`
    pub fn act(&mut self, act: Act, frame: usize, block: Block, report: &mut dyn FnMut(Report)) {
        let from = tile_index(block.start);
        let smooth = (block.rate * 0.005) as u32;
        if let Act::Mix { what, value, frames, .. } = act {
            return self.mix(what, value, frames, smooth);
        }
        if let (Act::NoteOn { id, .. }, true) = (act, self.plan.is_none() || self.leaves()) {
            // There is nothing that could play it.
            return report(Report::NoteEnded { slot: self.number, id });
        }
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
            Act::NoteOn { .. }
            | Act::GlideFrom { .. }
            | Act::NoteOff { .. }
            | Act::NoteFade { .. }
            | Act::NoteSet { .. }
            | Act::Panic { .. } => {
                self.playing.act(act, plan, frame, block, report);
            }
            Act::Tempo(_) => plan.set_tempo(frame, block.tempo, false),
            Act::Mix { .. } | Act::Run(_) | Act::Locate(_) | Act::Sync(_) | Act::Clear => {}
        }
    }

    /// The mixer is set. A strip of which nothing was heard yet stands there at once.
    fn mix(&mut self, what: Mix, value: f32, frames: u32, smooth: u32) {
        let smooth = if self.fresh { 0 } else { smooth };
        let played = if self.fresh { 0 } else { frames };
        match what {
            Mix::Level => self.level.set(value, frames, smooth),
            Mix::Pan => self.pan.set(value, frames, smooth),
            Mix::Mute => self.mute = value > 0.5,
            Mix::Solo => self.solo = value > 0.5,
            Mix::Volume => self.volume.set(value, played, smooth),
            Mix::Balance => self.balance.set(value, played, smooth),
            Mix::Send(_) | Mix::Limiter => {}
        }
    }

    /// Works out a block and lays it down in the taps, before the fader only where `early`; `heard`: no other strip is to be heard alone
    /// without this one. What failed comes back. `[audio]`
    pub fn run(
        &mut self,
        block: Block,
        heard: bool,
        early: bool,
        taps: &mut Taps,
        report: &mut dyn FnMut(Report),
    ) -> Option<Box<dyn Any + Send>> {
        let from = tile_index(block.start);
        let to = from + block.frames;
        let number = self.number;
        let mut failed = None;
        if let (Some(plan), false) = (&mut self.plan, self.dead) {
            let playing = &mut self.playing;
            let done = catch_unwind(AssertUnwindSafe(|| {
                let fault = |module, voice: Option<usize>| {
                    let voice = voice.map_or(u16::MAX, |voice| voice as u16);
                    Report::NotFinite { slot: number, module, voice }
                };
                let voices = plan.run_to_voices(block.start, block.frames, &mut |module, voice| report(fault(module, voice)));
                playing.play_own(plan, block, report);
                plan.run_on(voices, block.start, block.frames, &mut |module, voice| report(fault(module, voice)));
                playing.finish(plan, block.start + block.frames as u64, report);
            }));
            if let Err(payload) = done {
                self.dead = true;
                self.ending = 1.0;
                report(Report::Died { slot: number });
                failed = Some(payload);
            }
        }
        let open = if self.mute || !heard { 0.0 } else { 1.0 };
        if self.open.now() != open && !self.open.moving() {
            self.open.set(0, open, if self.fresh { 0 } else { (block.rate * 0.005) as u32 });
        }
        self.fresh = false;
        self.take(from, to, taps);
        self.fade(from, to, block.rate, taps);
        self.level(from, to, early, taps);
        failed
    }

    /// Takes what the plan puts out, numbers only.
    fn take(&mut self, from: usize, to: usize, taps: &mut Taps) {
        let (Some(plan), false) = (&self.plan, self.dead) else { return };
        for ((wire, tap), last) in plan.out.into_iter().zip(&mut taps.late).zip(&mut self.last) {
            let number = |x: f32| if x.is_finite() { x } else { 0.0 };
            match plan.part.wires[wire as usize].signal(from, to) {
                Signal::Held(x) => tap[from..to].fill(number(x)),
                Signal::Moving(frames) => tap[from..to].iter_mut().zip(frames).for_each(|(tap, x)| *tap = number(*x)),
            }
            *last = tap[to - 1];
        }
    }

    /// What failed, and what is to go, fades.
    fn fade(&mut self, from: usize, to: usize, rate: f32, taps: &mut Taps) {
        if self.dead {
            let step = 1.0 / (rate * 0.01);
            for at in from..to {
                self.ending = if self.ending > step { self.ending - step } else { 0.0 };
                for side in 0..2 {
                    taps.late[side][at] = self.last[side] * self.ending;
                }
            }
        }
        if let Some(share) = &mut self.leaving {
            for at in from..to {
                let share = share.advance();
                taps.late.iter_mut().for_each(|side| side[at] *= share);
            }
        }
    }

    /// The factors of both sides before the fader and after it.
    fn gains(&self) -> ([f32; 2], [f32; 2]) {
        let sides =
            |gain: f32, pan: f32| [if pan > 0.0 { gain * (1.0 - pan) } else { gain }, if pan < 0.0 { gain * (1.0 + pan) } else { gain }];
        let (open, volume, balance) = (self.open.now(), self.volume.now(), self.balance.now());
        let pan = self.pan.now() + balance;
        let pan = if pan > 1.0 { 1.0 } else { pan };
        let pan = if pan < -1.0 { -1.0 } else { pan };
        (sides(open * volume, balance), sides(self.level.now() * open * volume, pan))
    }

    /// Level, pan and mute, and what is played of volume and balance: these are heard before the fader too.
    fn level(&mut self, from: usize, to: usize, early: bool, taps: &mut Taps) {
        let Taps { early: before, late } = taps;
        if early {
            for (before, late) in before.iter_mut().zip(&*late) {
                before[from..to].copy_from_slice(&late[from..to]);
            }
        }
        if [&self.level, &self.pan, &self.volume, &self.balance].into_iter().any(Fader::moving) || self.open.moving() {
            for at in from..to {
                for fader in [&mut self.level, &mut self.pan, &mut self.volume, &mut self.balance] {
                    fader.advance();
                }
                self.open.advance();
                let (early_gains, gains) = self.gains();
                for side in 0..2 {
                    before[side][at] *= early_gains[side];
                    late[side][at] *= gains[side];
                }
            }
        } else {
            let (early_gains, gains) = self.gains();
            for side in 0..2 {
                late[side][from..to].iter_mut().for_each(|x| *x *= gains[side]);
                if early {
                    before[side][from..to].iter_mut().for_each(|x| *x *= early_gains[side]);
                }
            }
        }
        for at in from..to {
            self.gauge.see([late[0][at], late[1][at]]);
        }
    }

    /// Shows the meter. `[audio]`
    pub fn show(&mut self, meter: &Meter) {
        self.gauge.show(meter);
    }

    /// Whether the slot has an input. `[audio]`
    pub fn takes_sound(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| !plan.inputs.is_empty())
    }

    /// Whether nothing was heard of it yet. `[audio]`
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Puts sound, numbers only, into the wires in which the slot's main input stands. `[audio]`
    pub fn input(&mut self, from: usize, to: usize, sides: &Sides) {
        let Some(plan) = &mut self.plan else { return };
        for (number, pair) in plan.inputs.iter().enumerate() {
            for side in 0..2 {
                let wire = &mut plan.part.wires[pair[side] as usize];
                wire.held = number > 0;
                let Some(tile) = &mut wire.tile else { continue };
                match number {
                    0 => tile[from..to].iter_mut().zip(&sides[side][from..to]).for_each(|(x, y)| *x = if y.is_finite() { *y } else { 0.0 }),
                    _ => tile[0] = 0.0,
                }
            }
        }
    }
}
