//! A number that a user turns, as one frame after another.

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

/// One knob of a running plan; its frames stand in a wire of the global part.
#[derive(Clone, Debug)]
pub struct Knob {
    now: f32,
    step: f32,
    target: f32,
    left: u32,
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
}

impl Knob {
    /// A knob that stands still. `smooth` in frames. `[control]`
    pub fn new(value: f32, smooth: u32, trigger: bool, musical: Musical, beats: Option<f64>) -> Self {
        let now = if trigger { 0.0 } else { value };
        let beats = beats.map(|beats| beats as f32);
        Self { now, step: 0.0, target: now, left: 0, smooth, musical, beats, trigger, written: 0, active: false }
    }

    /// Where it is now. `[audio]`
    pub fn now(&self) -> f32 {
        self.now
    }

    /// Where it is going, or is. `[audio]`
    pub fn target(&self) -> f32 {
        self.target
    }

    /// What so many beats are in this knob's unit at a tempo [beats a minute]. `[audio]`
    fn of_beats(&self, beats: f32, tempo: f32) -> f32 {
        let seconds = beats * 60.0 / tempo;
        match self.musical {
            Musical::Length => seconds,
            Musical::Rate => -math::log2(seconds * crate::base::units::C4_HZ as f32),
        }
    }

    /// Goes at once to where the tempo has it. `[audio]`
    pub fn set_tempo(&mut self, tempo: f32, at_once: bool) {
        if let Some(beats) = self.beats {
            let value = self.of_beats(beats, tempo);
            if at_once {
                self.jump(value);
            } else {
                self.turn(value);
            }
        }
    }

    fn jump(&mut self, value: f32) {
        self.now = value;
        self.target = value;
        self.left = 0;
    }

    fn turn(&mut self, value: f32) {
        self.target = value;
        if self.smooth < 2 || self.now == value {
            self.jump(value);
        } else {
            self.step = (value - self.now) / self.smooth as f32;
            self.left = self.smooth;
        }
    }

    /// Begins as another knob stands, and goes on to its own target. `[audio]`
    pub fn carry(&mut self, old: &Self) {
        let target = self.target;
        self.now = old.now;
        self.left = 0;
        self.turn(target);
    }

    /// Whether it is at rest, its wire held. `[audio]`
    pub fn at_rest(&self) -> bool {
        self.left == 0
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

    /// Turned in a frame of the tile. A trigger fires there; beats follow the tempo from there on. `[audio]`
    pub fn set(&mut self, wire: &mut Wire<f32>, frame: usize, value: f32, beats: bool, tempo: f32) {
        self.write(wire, frame);
        if self.trigger {
            if value > 0.5 {
                self.blip(wire, frame, 1.0);
            }
            return;
        }
        self.beats = beats.then_some(value);
        let value = if beats { self.of_beats(value, tempo) } else { value };
        self.turn(value);
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
            if self.left > 0 {
                self.left -= 1;
                self.now = if self.left == 0 { self.target } else { self.now + self.step };
            }
            *frame = self.now;
        }
        self.written = self.written.max(to);
    }

    /// Stands still from now on: its wire is held. `[audio]`
    pub fn rest(&mut self, wire: &mut Wire<f32>) {
        self.active = false;
        wire.held = true;
        if let Some(tile) = &mut wire.tile {
            tile[0] = self.now;
        }
    }
}
