//! A patch, an engine and a feed, so that a test reads as a sentence.

use std::path::Path;

use rackd::control::rack_file::{Including, Within};
use rackd::dsp::lanes::{Lanes, Wide};
use rackd::engine::doors::Doors;
use rackd::engine::event::Panic;
use rackd::engine::{Act, Engine, Event, NoteId, PlanDoor, Report};
use rackd::module::Catalogue;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::patch::{self, Amount, Parsed, Patch};
use rackd::plan::{Before, KnobId, KnobOwner, Options, Outline, compile};

pub const RATE: f32 = 48_000.0;

/// How a rig calls the engine.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub width: Option<usize>,
    pub level: Level,
    /// Frames a call; 0: random ones, from this seed.
    pub buffer: usize,
    pub seed: u64,
    /// Shares of the voices.
    pub shares: usize,
}

impl Default for Way {
    fn default() -> Self {
        Self { width: None, level: Level::detect(), buffer: 64, seed: 1, shares: 1 }
    }
}

pub struct Rig {
    pub engine: Engine,
    pub doors: Doors,
    pub door: PlanDoor,
    pub patch: Patch,
    pub outline: Outline,
    way: Way,
    random: u64,
    notes: u32,
    turned: Vec<(u64, KnobId, f32)>,
    pub input: Box<dyn FnMut(u64) -> [f32; 2]>,
}

/// A patch from text; mistakes are the test's.
pub fn parsed(text: &str) -> Patch {
    parsed_with(text, &CATALOGUE)
}

/// What a text includes lies in the folder of the shipped patches.
pub fn shipped() -> Including<'static> {
    Including { within: Within::Anywhere, file: Some(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/patches/it.toml"))) }
}

/// The same with other kinds of modules.
pub fn parsed_with(text: &str, catalogue: &Catalogue) -> Patch {
    let Parsed { patch, diagnostics, .. } = patch::parse_with(text, catalogue, &shipped());
    let told: Vec<String> = diagnostics.iter().map(|it| format!("{}: {} {:?}", it.code, it.message, it.labels)).collect();
    patch.unwrap_or_else(|| panic!("{}", told.join("\n")))
}

impl Rig {
    pub fn new(text: &str) -> Self {
        Self::with(text, Way::default())
    }

    pub fn with(text: &str, way: Way) -> Self {
        Self::of(parsed(text), way)
    }

    pub fn of(patch: Patch, way: Way) -> Self {
        let (engine, doors, mut door) = Engine::new(RATE);
        let (plan, outline) = compile(&patch, &Self::options(way), &|_| None, None);
        assert!(door.send(0, plan).is_ok());
        let random = way.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut rig =
            Self { engine, doors, door, patch, outline, way, random, notes: 0, turned: Vec::new(), input: Box::new(|_| [0.0; 2]) };
        if let Some(tempo) = rig.patch.tempo {
            rig.at(0, Act::Tempo(tempo as f32));
        }
        rig
    }

    fn options(way: Way) -> Options {
        Options { rate: RATE, level: way.level, width: way.width, tempo: 120.0, shares: way.shares }
    }

    /// Another version of the patch, as a reload brings it.
    pub fn reload(&mut self, text: &str) {
        self.reload_as(parsed(text));
    }

    pub fn reload_as(&mut self, patch: Patch) {
        // What was turned stays so, as Control keeps it, where the patch is the same.
        let now = self.engine.now();
        let (knobs, list) = (self.outline.knobs.clone(), self.turned.clone());
        let turned = |owner: KnobOwner| {
            let mine = list.iter().rev().find(|(at, knob, _)| *at < now && knobs[knob.0 as usize].owner == owner);
            mine.map(|(_, _, value)| Amount::Plain(*value))
        };
        self.reload_turned(patch, &turned);
    }

    /// The same, with these amounts of the knobs that were turned.
    pub fn reload_turned(&mut self, patch: Patch, turned: &dyn Fn(KnobOwner) -> Option<Amount>) {
        self.door.collect();
        let before = Before { patch: &self.patch, outline: &self.outline };
        let (plan, outline) = compile(&patch, &Self::options(self.way), turned, Some(before));
        assert!(self.door.send(0, plan).is_ok(), "a plan is in flight");
        (self.patch, self.outline) = (patch, outline);
    }

    pub fn at(&mut self, at: u64, act: Act) {
        self.doors.feeds[0].send(&[Event { at, act }]).unwrap();
    }

    /// A note of a number, ended after some frames (0: held).
    pub fn note(&mut self, at: u64, number: f32, velocity: f32, frames: u32) -> NoteId {
        self.notes += 1;
        let id = NoteId(self.notes);
        self.at(at, Act::NoteOn { slot: 0, key: number as u8, id, pitch: (number - 60.0) / 12.0, velocity, frames });
        id
    }

    pub fn off(&mut self, at: u64, id: NoteId) {
        self.at(at, Act::NoteOff { slot: 0, id, velocity: 0.5 });
    }

    pub fn panic(&mut self, at: u64, how: Panic) {
        self.at(at, Act::Panic { slot: 0, how });
    }

    /// The base of `module.input`.
    pub fn base(&self, name: &str) -> KnobId {
        let (module, input) = name.split_once('.').unwrap();
        let number = self.patch.modules.iter().position(|it| it.name == module).unwrap();
        let input = self.patch.modules[number].kind.inputs.iter().position(|it| it.name == input).unwrap();
        self.outline.knobs_of(|owner| *owner == KnobOwner::Base(patch::ModuleId(number), input)).next().unwrap()
    }

    /// Turns the base of `module.input` to a counted value.
    pub fn turn(&mut self, at: u64, name: &str, value: f32) {
        let knob = self.base(name);
        self.turned.push((at, knob, value));
        self.at(at, Act::Knob { slot: 0, knob, value, beats: false, frames: 0 });
    }

    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// The next frames, left and right.
    pub fn run(&mut self, frames: usize) -> Vec<[f32; 2]> {
        let mut heard = Vec::with_capacity(frames);
        while heard.len() < frames {
            let most = if self.way.buffer == 0 { 1 + self.next() as usize % 700 } else { self.way.buffer };
            let n = most.min(frames - heard.len());
            let now = self.engine.now();
            let input: Vec<f32> = (0..n as u64).flat_map(|at| (self.input)(now + at)).collect();
            let mut out = vec![0.0; 2 * n];
            self.engine.run(&input, 2, &mut out, 2);
            self.door.collect();
            heard.extend(out.chunks(2).map(|frame| [frame[0], frame[1]]));
        }
        heard
    }

    pub fn left(&mut self, frames: usize) -> Vec<f32> {
        self.run(frames).into_iter().map(|frame| frame[0]).collect()
    }

    pub fn reports(&mut self) -> Vec<Report> {
        std::iter::from_fn(|| self.doors.reports.pop().ok()).collect()
    }
}

/// The lane widths, by the types that have them.
pub const WIDTHS: [usize; 4] = [<f32 as Lanes>::WIDTH, <Wide<8> as Lanes>::WIDTH, <Wide<16> as Lanes>::WIDTH, <Wide<32> as Lanes>::WIDTH];

pub fn peak(frames: &[f32]) -> f32 {
    frames.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// The largest step from one frame to the next.
pub fn step(frames: &[f32]) -> f32 {
    frames.windows(2).fold(0.0, |most, pair| most.max((pair[1] - pair[0]).abs()))
}
