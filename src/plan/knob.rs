//! A number that a user turns, as one frame after another.

use super::line::{Law, Line};
use crate::base::time::BLOCK;
use crate::dsp::math;
use crate::module::Wire;

/// How a knob's number follows the tempo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Musical {
    /// A length of so many beats [s].
    Length,
    /// Once per so many beats [octaves above C4].
    Rate,
}

/// Where a knob is turned, and how it gets there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// To where: counted, or beats where `beats`.
    pub value: f32,
    /// The value is a number of beats and follows the tempo.
    pub beats: bool,
    /// It glides: there in so many frames, exactly. 0: in the time that the knob declares.
    pub frames: u32,
}

impl Turn {
    /// To a counted value, as the knob declares. `[any]`
    pub const fn to(value: f32) -> Self {
        Self { value, beats: false, frames: 0 }
    }
}

/// One knob of a running plan; its frames stand in a wire of the global part.
#[derive(Clone, Debug)]
pub struct Knob {
    now: f32,
    step: f32,
    target: f32,
    /// Frames to write until it has arrived.
    left: u32,
    /// The way it glides, while it does; else it steps.
    line: Option<Line>,
    /// What is straight when it glides.
    law: Law,
    /// Frames in which a turn arrives; 0: at once.
    smooth: u32,
    /// How its number follows the tempo, if beats are given to it.
    musical: Musical,
    /// The beats, while it follows the tempo.
    beats: Option<f32>,
    /// Fires for one frame instead of staying.
    trigger: bool,
    /// Frames of the tile written so far in this block.
    written: usize,
    /// Among the plan's active knobs.
    active: bool,
    /// Among those that were turned since the plan began.
    touched: bool,
}

impl Knob {
    /// A knob that stands still. `smooth` in frames. `[control]`
    pub fn new(value: f32, smooth: u32, trigger: bool, musical: Musical, beats: Option<f64>) -> Self {
        let now = if trigger { 0.0 } else { value };
        let beats = beats.map(|beats| beats as f32);
        let law = Law::Straight;
        Self {
            now,
            step: 0.0,
            target: now,
            left: 0,
            line: None,
            law,
            smooth,
            musical,
            beats,
            trigger,
            written: 0,
            active: false,
            touched: false,
        }
    }

    /// The same, gliding by another law. `[control]`
    pub fn with_law(self, law: Law) -> Self {
        Self { law, ..self }
    }

    /// Where it is now. `[audio]`
    pub fn now(&self) -> f32 {
        self.now
    }

    /// Where it is going, or is. `[audio]`
    pub fn target(&self) -> f32 {
        self.target
    }

    /// Where it stands for what begins in a frame of the tile: where its glide has it, else where it is going. `[audio]`
    pub fn stands(&self, frame: usize) -> f32 {
        match &self.line {
            Some(line) if self.left > 0 => line.at(line.frames() + 1 - self.left + frame.saturating_sub(self.written) as u32),
            _ => self.target,
        }
    }

    /// What so many beats are in this knob's unit at a tempo [beats a minute]. `[audio]`
    fn of_beats(&self, beats: f32, tempo: f32) -> f32 {
        let seconds = beats * 60.0 / tempo;
        match self.musical {
            Musical::Length => seconds,
            Musical::Rate => -math::log2(seconds * crate::base::units::C4_HZ as f32),
        }
    }

    /// Goes to where the tempo has it, at once or smoothly. A glide bends there and still arrives in its frame. `[audio]`
    pub fn set_tempo(&mut self, tempo: f32, at_once: bool) {
        if let Some(beats) = self.beats {
            let value = self.of_beats(beats, tempo);
            match (self.line, self.left) {
                _ if at_once => self.jump(value),
                (None, _) | (_, 0) => self.turn(value),
                _ if value == self.target => {}
                (_, 1) => self.jump(value),
                (_, left) => self.glide(value, left - 1),
            }
        }
    }

    fn jump(&mut self, value: f32) {
        self.line = None;
        self.now = value;
        self.target = value;
        self.left = 0;
    }

    fn turn(&mut self, value: f32) {
        self.line = None;
        self.target = value;
        if self.smooth < 2 || self.now == value {
            self.jump(value);
        } else {
            self.step = (value - self.now) / self.smooth as f32;
            self.left = self.smooth;
        }
    }

    /// From where it would be in this frame, straight to a value that it has so many frames later. A turn that is not yet there goes
    /// on below it: the way begins where that one ends.
    fn glide(&mut self, value: f32, frames: u32) {
        self.advance();
        self.line = Some(match self.line {
            None if self.left > 0 => Line::new(self.law, self.target, value, frames).with_slip(self.now - self.target, self.left),
            _ => Line::new(self.law, self.now, value, frames),
        });
        self.target = value;
        self.left = frames.saturating_add(1);
    }

    /// One frame on.
    fn advance(&mut self) {
        if self.left > 0 {
            self.left -= 1;
            self.now = match &self.line {
                Some(line) => line.at(line.frames().saturating_sub(self.left)),
                None if self.left == 0 => self.target,
                None => self.now + self.step,
            };
        }
    }

    /// Begins as another knob stands, and goes on to its own target; a glide to the same goes on as it was. `[audio]`
    pub fn carry(&mut self, old: &Self) {
        self.now = old.now;
        self.left = 0;
        let same = match (self.beats, old.beats) {
            (None, None) => self.target == old.target,
            (mine, other) => mine == other,
        };
        if old.left > 0 && old.line.is_some() && same {
            (self.line, self.left, self.target) = (old.line, old.left, old.target);
        } else {
            self.turn(self.target);
        }
    }

    /// Whether its number is beats. `[audio]`
    pub fn follows_tempo(&self) -> bool {
        self.beats.is_some()
    }

    /// It is turned: whether that is the first time since the plan began. `[audio]`
    pub fn touch(&mut self) -> bool {
        !std::mem::replace(&mut self.touched, true)
    }

    /// Whether it is at rest, its wire held. `[audio]`
    pub fn at_rest(&self) -> bool {
        self.left == 0
    }

    /// Whether it stands among the active ones. `[audio]`
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Whether it stands among the active ones; becomes so. `[audio]`
    pub fn activate(&mut self, from: usize) -> bool {
        let was = self.active;
        if !was {
            self.active = true;
            self.written = from;
        }
        was
    }

    /// Begins another block of the same activity. `[audio]`
    pub fn begin(&mut self, from: usize) {
        self.written = from;
    }

    /// Turned in a frame of the tile. A trigger fires there; a glide begins there, from where it is; beats follow the tempo from
    /// there on. `[audio]`
    pub fn set(&mut self, wire: &mut Wire<f32>, frame: usize, turn: Turn, tempo: f32) {
        self.write(wire, frame);
        let Turn { value, beats, frames } = turn;
        if self.trigger {
            if value > 0.5 {
                self.blip(wire, frame, 1.0);
            }
            return;
        }
        self.beats = beats.then_some(value);
        let value = if beats { self.of_beats(value, tempo) } else { value };
        match frames {
            0 => self.turn(value),
            _ => self.glide(value, frames),
        }
    }

    /// Another value for one frame alone. `[audio]`
    pub fn blip(&mut self, wire: &mut Wire<f32>, frame: usize, value: f32) {
        self.write(wire, frame);
        if let Some(tile) = &mut wire.tile
            && frame < BLOCK
        {
            tile[frame] = value;
            self.written = self.written.max(frame + 1);
        }
    }

    /// Writes its frames up to here. `[audio]`
    pub fn write(&mut self, wire: &mut Wire<f32>, to: usize) {
        let Some(tile) = &mut wire.tile else { return };
        wire.held = false;
        for frame in &mut tile[self.written.min(to)..to] {
            self.advance();
            *frame = self.now;
        }
        self.written = self.written.max(to);
    }

    /// Stands still from now on: its wire is held. `[audio]`
    pub fn rest(&mut self, wire: &mut Wire<f32>) {
        self.active = false;
        self.show(wire);
    }

    /// Holds its wire where it is. `[audio]`
    pub fn show(&self, wire: &mut Wire<f32>) {
        wire.held = true;
        if let Some(tile) = &mut wire.tile {
            tile[0] = self.now;
        }
    }
}
