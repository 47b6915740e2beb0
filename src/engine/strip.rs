//! One slot as it runs: its plan, its notes, its strip of the mixer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::beat::BeatClock;
use super::event::{Act, Mix};
use super::fader::Fader;
use super::meter::{Gauge, Meter};
use super::mixer::{Sides, Taps};
use super::pass::{Pass, Seen};
use super::playing::Playing;
use super::report::Report;
use super::shed::Missed;
use crate::base::time::{SampleTime, tile_index};
use crate::module::io::Signal;
use crate::module::isa;
use crate::plan::SlotPlan;
use crate::plan::crew::Hands;
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
    /// There is no time for more voices.
    pub strained: bool,
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
    isa: isa::Level,
    /// This block's plan has run already.
    worked: bool,
    /// What its code said when it failed in this block.
    failed: Option<Box<dyn Any + Send>>,
    /// What a block of its plan takes, a moving average [s].
    cost: f32,
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
            isa: isa::Level::detect(),
            worked: false,
            failed: None,
            cost: 0.0,
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

    /// The frames until its plan has faded, where it is on its way out; else 0. `[audio]`
    pub fn leaves_in(&self) -> u64 {
        self.leaving.map_or(0, |share| share.target(0).1.into())
    }

    /// Whether others are silent for it. `[audio]`
    pub fn is_solo(&self) -> bool {
        self.solo && !self.has_left()
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
        self.cost = 0.0;
        self.plan.take()
    }

    /// Voices that sound. `[audio]`
    pub fn voices(&self) -> usize {
        self.playing.voices()
    }

    /// Notes refused, and notes that took another's place, since last asked, because there was no time for more voices. `[audio]`
    pub fn take_strained(&mut self) -> [u64; 2] {
        self.playing.take_strained()
    }

    /// The group of voices that would be missed least, as loud as it is in the mix. `[audio]`
    pub fn least(&self, block: Block) -> Option<Missed> {
        let plan = self.plan.as_ref().filter(|_| !self.dead)?;
        let (_, [left, right]) = self.gains();
        let gain = if left > right { left } else { right };
        self.playing.least(plan, block).map(|it| Missed { loud: it.loud * gain, ..it })
    }

    /// Sheds up to so many voices of that group; how many. `[audio]`
    pub fn shed(&mut self, first: usize, most: usize, block: Block, report: &mut dyn FnMut(Report)) -> usize {
        let Some(plan) = &mut self.plan else { return 0 };
        self.playing.shed(plan, first, most, block, report)
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
                plan.take_over(old, from, block.tempo);
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
            Act::Mix { .. }
            | Act::Run(_)
            | Act::RunWith { .. }
            | Act::Locate { .. }
            | Act::Loop { .. }
            | Act::Swing { .. }
            | Act::Nudge(_)
            | Act::Metronome { .. }
            | Act::CountIn(_)
            | Act::Pause(_)
            | Act::Sync(_)
            | Act::Clear => {}
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

    /// Whether this block's plan has run already. `[audio]`
    pub fn has_worked(&self) -> bool {
        self.worked
    }

    /// What a block of its plan takes, of late [s]; 0 where nobody measures. `[audio]`
    pub fn cost(&self) -> f32 {
        self.cost
    }

    /// A block of its plan took so long [s]. `[audio]`
    pub fn costs(&mut self, seconds: f32) {
        self.cost += (seconds - self.cost) * 0.0625;
    }

    /// Whether its voices can be shared at all. `[audio]`
    pub fn has_shares(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.voices.shares() > 1)
    }

    /// Puts the beat clock's pulses into the wires in which the plan reads them. `[audio]`
    pub fn write_pulses(&mut self, beat: &BeatClock, block: Block) {
        let Some(plan) = &mut self.plan else { return };
        for at in 0..plan.pulses.len() {
            let pulse = plan.pulses[at];
            beat.write(pulse, &mut plan.part.wires[pulse.wire as usize], block.start, block.frames);
        }
    }

    /// Works out a block of the plan, its pulses and inputs standing in their wires, shares of its voices by `hands`; [`Self::run`] then
    /// lays it down. `[audio]`
    pub fn work(&mut self, block: Block, hands: Option<&mut dyn Hands>, report: &mut dyn FnMut(Report)) {
        self.worked = true;
        let number = self.number;
        let (Some(plan), false) = (&mut self.plan, self.dead) else { return };
        let playing = &mut self.playing;
        let done = catch_unwind(AssertUnwindSafe(|| {
            let fault = |module, voice: Option<usize>| {
                let voice = voice.map_or(u16::MAX, |voice| voice as u16);
                Report::NotFinite { slot: number, module, voice }
            };
            let voices = plan.run_to_voices(block.start, block.frames, &mut |module, voice| report(fault(module, voice)));
            playing.play_own(plan, block, report);
            plan.run_on(voices, block.start, block.frames, hands, &mut |module, voice| report(fault(module, voice)));
            playing.finish(plan, block.start + block.frames as u64, report);
        }));
        if let Err(payload) = done {
            self.dead = true;
            self.ending = 1.0;
            report(Report::Died { slot: number });
            self.failed = Some(payload);
        }
    }

    /// Works out a block, unless that was done, and lays it down in the taps, before the fader only where `early`; `heard`: no other strip
    /// is to be heard alone without this one. What failed comes back. `[audio]`
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
        if !std::mem::take(&mut self.worked) {
            self.work(block, None, report);
            self.worked = false;
        }
        let open = if self.mute || !heard { 0.0 } else { 1.0 };
        // It turns back half-way too: when it does must not depend on where blocks end.
        if self.open.target(0).0 != open {
            self.open.set(0, open, if self.fresh { 0 } else { (block.rate * 0.005) as u32 });
        }
        self.fresh = false;
        if early || self.dead || self.leaving.is_some() || self.moving() {
            self.take(from, to, taps);
            self.fade(from, to, block.rate, taps);
            self.level(from, to, early, taps);
        } else {
            self.pass(from, to, taps);
        }
        self.failed.take()
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

    /// Whether anything of the mixer is under way.
    fn moving(&self) -> bool {
        [&self.level, &self.pan, &self.volume, &self.balance].into_iter().any(Fader::moving) || self.open.moving()
    }

    /// Takes what the plan puts out through level and pan, where both stand still and nobody takes it before them: the same in one
    /// go.
    fn pass(&mut self, from: usize, to: usize, taps: &mut Taps) {
        let (_, gains) = self.gains();
        let Some(plan) = &self.plan else { return };
        for (side, tap) in taps.late.iter_mut().enumerate() {
            let signal = plan.part.wires[plan.out[side] as usize].signal(from, to);
            let tap = &mut tap[from..to];
            match signal {
                Signal::Held(x) => tap.fill(x),
                Signal::Moving(frames) => tap.copy_from_slice(frames),
            }
            let last = signal.at(to - from - 1);
            self.last[side] = if last.is_finite() { last } else { 0.0 };
            let mut seen = Seen::default();
            isa::run(self.isa, Pass { frames: tap, gain: gains[side], seen: &mut seen });
            self.gauge.add(side, seen);
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
        if self.moving() {
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
