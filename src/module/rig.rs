//! One kernel outside of a plan, for tests and measurements.
//!
//! What is fed reaches the kernel as it is: nothing is clamped or made finite, so that a test can be unkind.

use super::io::{Io, List, Wire};
use super::isa::Level;
use super::setting::{LIST_MAX, SettingValue};
use super::{Input, Kernel, ModuleDef, Output, Prepare, Seed, Setting, Settings};
use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::dsp::lanes::{LaneMask, Lanes, Wide};
use crate::module::def::Build;
use crate::rt::flows::Flows;
use crate::rt::guard::FlushToZero;

/// Into what calls a run is cut; a call also ends at each multiple of 64 of the time and where a lane is reset.
#[derive(Clone, Debug)]
pub enum Cuts {
    /// These lengths [frames], over and over.
    Lengths(Vec<usize>),
    /// Lengths of 1 to 64 drawn from a seed.
    Random(u64),
}

impl Cuts {
    /// Calls as long as they may be. `[any]`
    pub fn whole() -> Self {
        Self::Lengths(vec![BLOCK])
    }

    fn length(&self, call: usize) -> usize {
        match self {
            Self::Lengths(lengths) => lengths[call % lengths.len()].max(1),
            Self::Random(seed) => 1 + (Seed(*seed).with(call as u64).0 % BLOCK as u64) as usize,
        }
    }
}

/// What was heard of a run: `[output wire][lane][frame]`; a stereo output has two wires, left first.
#[derive(Clone, Debug, PartialEq)]
pub struct Take(pub Vec<Vec<Vec<f32>>>);

impl Take {
    /// One lane of one output wire. `[any]`
    pub fn lane(&self, wire: usize, lane: usize) -> &[f32] {
        &self.0[wire][lane]
    }
}

/// What an input wire carries: the same number in every frame, or a number a frame; of the time and the lane.
enum Source {
    Held(Box<dyn Fn(usize) -> f32>),
    Moving(Box<dyn Fn(SampleTime, usize) -> f32>),
}

/// One kernel, its wires and its time.
pub struct Rig {
    def: &'static ModuleDef,
    running: Box<dyn Running>,
    sources: Vec<Source>,
    resets: Vec<(SampleTime, LaneMask, Seed)>,
    now: SampleTime,
}

impl Rig {
    /// A kernel of one lane with default settings and inputs, at the best level of this machine. `[control]`
    pub fn new(def: &'static ModuleDef, rate: f32) -> Self {
        Self::of(def, 1, Level::detect(), rate, &Settings::defaults(def.settings))
    }

    /// The same as [`Self::among`] with no sound from outside. `[control]`
    ///
    /// # Panics
    /// At any other width.
    pub fn of(def: &'static ModuleDef, width: usize, level: Level, rate: f32, settings: &Settings) -> Self {
        Self::among(def, width, level, rate, settings, &Flows::default())
    }

    /// A kernel of a width (1, 8, 16 or 32; always 1 for a module that stands in the global part only), level, rate [Hz] and
    /// settings, seeded with the module's name, among these flows. Every input holds its default; the time is 0. `[control]`
    ///
    /// # Panics
    /// At any other width.
    pub fn among(def: &'static ModuleDef, width: usize, level: Level, rate: f32, settings: &Settings, flows: &Flows) -> Self {
        let prepare = Prepare { rate, seed: Seed::of_name(def.name), voice: 0, settings, flows };
        let running: Box<dyn Running> = match (def.build, width) {
            (Build::Global(one), _) | (Build::PerVoice { one, .. }, 1) => Box::new(Lane::new(def, one(&prepare, level), settings)),
            (Build::PerVoice { eight, .. }, 8) => Box::new(Lane::new(def, eight(&prepare, level), settings)),
            (Build::PerVoice { sixteen, .. }, 16) => Box::new(Lane::new(def, sixteen(&prepare, level), settings)),
            (Build::PerVoice { thirty_two, .. }, 32) => Box::new(Lane::new(def, thirty_two(&prepare, level), settings)),
            (Build::PerVoice { .. }, width) => panic!("no kernel is {width} lanes wide"),
        };
        let mut sources = Vec::new();
        for input in def.inputs {
            for _ in 0..1 + usize::from(input.stereo) {
                let default = input.default;
                sources.push(Source::Held(Box::new(move |_| default)));
            }
        }
        Self { def, running, sources, resets: Vec::new(), now: 0 }
    }

    /// How many lanes it has. `[any]`
    pub fn width(&self) -> usize {
        self.running.width()
    }

    /// Time of the next frame. `[any]`
    pub fn now(&self) -> SampleTime {
        self.now
    }

    /// The next frame shall be of this time: a kernel must stand a jump as it stands a stretch in which it was not run. `[any]`
    pub fn jump(&mut self, time: SampleTime) {
        self.now = time;
    }

    fn set(&mut self, input: Input, side: usize, source: Source) {
        self.sources[self.def.input_wire(input.index) + side] = source;
    }

    /// An input (both sides of a stereo one) holds a number in every lane. `[any]`
    pub fn hold(&mut self, input: Input, x: f32) -> &mut Self {
        self.hold_lanes(input, move |_| x)
    }

    /// An input (both sides of a stereo one) holds a number in each lane. `[any]`
    pub fn hold_lanes(&mut self, input: Input, x: impl Fn(usize) -> f32 + Clone + 'static) -> &mut Self {
        for side in 0..1 + usize::from(input.stereo) {
            self.set(input, side, Source::Held(Box::new(x.clone())));
        }
        self
    }

    /// An input (both sides of a stereo one) moves: a number for each frame and lane. `[any]`
    pub fn drive(&mut self, input: Input, x: impl Fn(SampleTime, usize) -> f32 + Clone + 'static) -> &mut Self {
        for side in 0..1 + usize::from(input.stereo) {
            self.set(input, side, Source::Moving(Box::new(x.clone())));
        }
        self
    }

    /// One side of a stereo input moves: 0 left, 1 right. `[any]`
    pub fn drive_side(&mut self, input: Input, side: usize, x: impl Fn(SampleTime, usize) -> f32 + 'static) -> &mut Self {
        self.set(input, side, Source::Moving(Box::new(x)));
        self
    }

    /// An input (both sides of a stereo one) plays these frames in every lane from time 0 on, then 0. `[any]`
    pub fn play(&mut self, input: Input, frames: &[f32]) -> &mut Self {
        let frames: std::rc::Rc<[f32]> = frames.into();
        self.drive(input, move |time, _| frames.get(time as usize).copied().unwrap_or(0.0))
    }

    /// A live list holds these entries from the next run on, 1 to 64 of them. `[any]`
    pub fn list(&mut self, setting: Setting, cells: &[f32]) -> &mut Self {
        self.running.list(setting.index, cells);
        self
    }

    /// Only these outputs are connected; at first all are. `[any]`
    pub fn want(&mut self, outputs: &[Output]) -> &mut Self {
        self.running.want(outputs.iter().fold(0, |mask, output| mask | 1 << output.index));
        self
    }

    /// Resets lanes before the next frame. `[any]`
    pub fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        self.running.reset(lanes, seed);
    }

    /// Resets lanes at a time to come. `[any]`
    pub fn reset_at(&mut self, time: SampleTime, lanes: LaneMask, seed: Seed) -> &mut Self {
        self.resets.push((time, lanes, seed));
        self.resets.sort_by_key(|(time, ..)| *time);
        self
    }

    /// The lanes in which an envelope is at rest. `[any]`
    pub fn at_rest(&self) -> LaneMask {
        self.running.at_rest()
    }

    /// Runs on for as many frames. `[any]`
    pub fn run(&mut self, frames: usize, cuts: &Cuts) -> Take {
        let _scope = FlushToZero::begin();
        let end = self.now + frames as u64;
        let mut take = Take(vec![vec![Vec::with_capacity(frames); self.width()]; self.def.output_wires()]);
        let mut call = 0;
        while self.now < end {
            while let Some(&(time, lanes, seed)) = self.resets.first().filter(|(time, ..)| *time <= self.now) {
                debug_assert_eq!(time, self.now, "a reset was set for a time gone by");
                self.running.reset(lanes, seed);
                self.resets.remove(0);
            }
            let next = self.resets.first().map_or(end, |(time, ..)| *time).min(end);
            let left = (next - self.now).min((BLOCK - tile_index(self.now)) as u64) as usize;
            let length = cuts.length(call).min(left);
            self.running.call(&self.sources, self.now, length, &mut take);
            self.now += length as u64;
            call += 1;
        }
        take
    }

    /// Runs whole blocks over the inputs of the last call, keeping nothing, so that what is timed is the kernel alone. `[any]`
    pub fn spin(&mut self, blocks: usize) {
        let _scope = FlushToZero::begin();
        self.now = self.now.next_multiple_of(BLOCK as u64);
        for _ in 0..blocks {
            self.running.process(self.now, BLOCK);
            self.now += BLOCK as u64;
        }
    }
}

/// A kernel of some width.
trait Running {
    fn width(&self) -> usize;
    fn list(&mut self, index: usize, cells: &[f32]);
    fn want(&mut self, outputs: u32);
    fn reset(&mut self, lanes: LaneMask, seed: Seed);
    fn at_rest(&self) -> LaneMask;
    fn call(&mut self, sources: &[Source], now: SampleTime, frames: usize, take: &mut Take);
    fn process(&mut self, now: SampleTime, frames: usize) -> u32;
}

struct Lane<L: Lanes> {
    kernel: Box<dyn Kernel<L>>,
    wires: Vec<Wire<L>>,
    inputs: Vec<u32>,
    places: Vec<u8>,
    outputs: Vec<Box<[L; BLOCK]>>,
    wanted: u32,
    lists: Vec<List>,
}

impl<L: Lanes> Lane<L> {
    fn new(def: &ModuleDef, kernel: Box<dyn Kernel<L>>, settings: &Settings) -> Self {
        let mut lane = Self {
            kernel,
            wires: (0..def.input_wires()).map(|_| Wire::new()).collect(),
            inputs: (0..def.input_wires() as u32).collect(),
            places: (0..def.inputs.len()).map(|input| def.input_wire(input) as u8).collect(),
            outputs: (0..def.output_wires()).map(|_| Box::new([L::default(); BLOCK])).collect(),
            wanted: u32::MAX,
            lists: vec![List { cells: [0.0; LIST_MAX], len: 1 }; def.settings.len()],
        };
        for (index, value) in settings.0.iter().enumerate() {
            if let SettingValue::List(cells) = value {
                lane.list(index, cells);
            }
        }
        lane
    }
}

impl<L: Lanes> Running for Lane<L> {
    fn width(&self) -> usize {
        L::WIDTH
    }

    fn list(&mut self, index: usize, cells: &[f32]) {
        let list = &mut self.lists[index];
        list.len = cells.len().clamp(1, LIST_MAX);
        for (cell, x) in list.cells.iter_mut().zip(cells) {
            *cell = *x;
        }
    }

    fn want(&mut self, outputs: u32) {
        self.wanted = outputs;
    }

    fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        self.kernel.reset(lanes, seed);
    }

    fn at_rest(&self) -> LaneMask {
        self.kernel.at_rest()
    }

    fn call(&mut self, sources: &[Source], now: SampleTime, frames: usize, take: &mut Take) {
        let from = tile_index(now);
        for (wire, source) in self.wires.iter_mut().zip(sources) {
            let tile = wire.tile.as_mut().expect("a rig's wires are never lent out");
            match source {
                Source::Held(x) => tile[0] = L::from_fn(x),
                Source::Moving(x) => {
                    for frame in 0..frames {
                        tile[from + frame] = L::from_fn(|lane| x(now + frame as u64, lane));
                    }
                }
            }
            wire.held = matches!(source, Source::Held(_));
        }
        for output in &mut self.outputs {
            output.fill(L::splat(f32::NAN)); // a frame that is not written shows
        }
        let still = self.process(now, frames);
        for (number, (output, lanes)) in self.outputs.iter_mut().zip(&mut take.0).enumerate() {
            if still >> number & 1 == 1 {
                let first = output[from];
                output[from..from + frames].fill(first);
            }
            for (lane, heard) in lanes.iter_mut().enumerate() {
                heard.extend(output[from..from + frames].iter().map(|x| x.lane(lane)));
            }
        }
    }

    /// Gives which outputs stand, one bit each.
    fn process(&mut self, now: SampleTime, frames: usize) -> u32 {
        let mut io = Io {
            wires: &self.wires,
            inputs: &self.inputs,
            places: &self.places,
            outputs: &mut self.outputs,
            wanted: self.wanted,
            still: 0,
            start: now,
            frames,
            lists: &self.lists,
        };
        self.kernel.process(&mut io);
        io.still
    }
}

/// Level [dB] of what a signal, say an impulse response, holds at a frequency [Hz]: its Fourier sum there. `[any]`
pub fn level_at(frames: &[f32], rate: f32, hertz: f64) -> f64 {
    let step = hertz / f64::from(rate);
    let (mut re, mut im) = (0.0, 0.0);
    for (time, x) in frames.iter().enumerate() {
        let turn = step * time as f64;
        let angle = std::f64::consts::TAU * (turn - turn.floor());
        re += f64::from(*x) * libm::cos(angle);
        im += f64::from(*x) * libm::sin(angle);
    }
    10.0 * libm::log10(re * re + im * im + 1e-30)
}

/// The widths at which a module's kernels exist. `[any]`
pub fn widths(def: &ModuleDef) -> &'static [usize] {
    const { assert!(<Wide<8> as Lanes>::WIDTH == 8 && <Wide<16> as Lanes>::WIDTH == 16 && <Wide<32> as Lanes>::WIDTH == 32) };
    if def.per_voice() { &[1, 8, 16, 32] } else { &[1] }
}
