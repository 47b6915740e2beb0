//! A set once more: an engine that does what stands in a log.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;

use super::file::{Head, Log};
use crate::base::time::{BLOCK, SampleTime};
use crate::control::logbook::{LoggedPlan, Page};
use crate::control::place::Place;
use crate::engine::doors::Doors;
use crate::engine::journal::{Did, Entry};
use crate::engine::{Engine, PlanDoor};
use crate::module::Catalogue;
use crate::patch::{FileText, Files, IncludedFile, Parsed, Patch, Unread, parse_with};
use crate::plan::mixer::Lead;
use crate::plan::{self, Before, KnobOwner, MixPlan, Outline, compile_among};
use crate::rt::flows::Flows;
use crate::rt::overheard::{Retold, Tile};

/// Frames worked out at once at most.
const PIECE: usize = 512;

/// Why a log cannot be done again.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// What stands in it is not for this rackd, or does not hang together.
    #[error("at frame {0}: {1}")]
    Wrong(SampleTime, String),
    /// What is heard could not be written, or what was heard not be read.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Gives the next frames of the sound that came in, interleaved, in two channels.
pub type Input<'a> = Box<dyn FnMut(&mut [f32]) -> io::Result<()> + 'a>;

/// An engine that does again what stands in a log.
pub struct Replay<'a> {
    catalogue: Catalogue,
    head: Head,
    plans: HashMap<u32, LoggedPlan>,
    mixes: HashMap<u32, Vec<Lead>>,
    entries: std::iter::Peekable<std::vec::IntoIter<Entry>>,
    engine: Engine,
    doors: Doors,
    door: PlanDoor,
    /// Of each slot: the patch and the outline of its present plan, and its number.
    now: HashMap<u8, (u32, Patch, Outline)>,
    /// Where sound goes at present.
    leads: Vec<Lead>,
    options: plan::Options,
    flows: Flows,
    /// The streams, by their numbers, and what is still to be heard of each.
    streams: Vec<(Option<Retold>, VecDeque<Tile>)>,
    input: Option<Input<'a>>,
}

impl<'a> Replay<'a> {
    /// From the first frame on, worked out by so many threads. `[control]`
    pub fn new(log: Log, catalogue: Catalogue, level: crate::module::isa::Level, threads: usize) -> Self {
        let rate = log.head.rate as f32;
        let (mut engine, doors, door) = Engine::new(rate);
        engine.employ(threads.saturating_sub(1));
        let (mut plans, mut mixes) = (HashMap::new(), HashMap::new());
        for page in log.pages {
            match page {
                Page::Plan(plan) => drop(plans.insert(plan.number, *plan)),
                Page::Mix(number, leads) => drop(mixes.insert(number, leads)),
                Page::Hole(_) => {}
            }
        }
        let options = plan::Options { rate, level, width: None, tempo: 120.0, shares: threads.max(1) };
        let (entries, leads, flows) = (log.entries.into_iter().peekable(), MixPlan::initial(), Flows::new());
        let retold = |name: &String| (flows.inflow(name).map(Retold::new), VecDeque::new());
        let mut streams: Vec<(Option<Retold>, VecDeque<Tile>)> = log.streams.iter().map(retold).collect();
        for (number, tile) in log.heard {
            if let Some((_, tiles)) = streams.get_mut(number) {
                tiles.push_back(tile);
            }
        }
        let (now, head, input) = (HashMap::new(), log.head, None);
        Self { catalogue, head, plans, mixes, entries, engine, doors, door, now, leads, options, flows, streams, input }
    }

    /// The same, hearing this. `[control]`
    #[must_use]
    pub fn with_input(self, input: Input<'a>) -> Self {
        Self { input: Some(input), ..self }
    }

    /// Goes on up to a frame, giving what is heard, interleaved, to `sink`. `[control]`
    ///
    /// # Errors
    /// See [`Undone`].
    pub fn run(&mut self, until: SampleTime, mut sink: impl FnMut(&[f32]) -> io::Result<()>) -> Result<(), Undone> {
        let channels = usize::from(self.head.channels);
        let mut out = vec![0.0; PIECE * channels];
        let mut heard = vec![0.0; PIECE * 2];
        while self.engine.now() < until {
            let now = self.engine.now();
            while let Some(entry) = self.entries.next_if(|entry| entry.at <= now) {
                self.redo(entry)?;
            }
            let next = self.entries.peek().map_or(until, |entry| entry.at.min(until));
            let frames = (next - now).min(self.tell_streams()) as usize;
            let heard = match &mut self.input {
                Some(input) => {
                    input(&mut heard[..2 * frames])?;
                    &heard[..2 * frames]
                }
                None => &[],
            };
            let out = &mut out[..frames * channels];
            self.engine.run(heard, 2, out, channels);
            while self.doors.reports.pop().is_ok() {}
            self.door.collect();
            sink(out)?;
        }
        Ok(())
    }

    /// Streams have what is heard of them in the next tile; the frames that may be worked out at once.
    fn tell_streams(&mut self) -> u64 {
        if self.streams.is_empty() {
            return PIECE as u64;
        }
        let (tile, within) = (self.engine.own_time() / BLOCK as u64, self.engine.own_time() % BLOCK as u64);
        for (stream, tiles) in &mut self.streams {
            while let Some(told) = tiles.pop_front_if(|told| told.number <= tile) {
                stream.iter_mut().for_each(|stream| stream.tell(&told));
            }
        }
        BLOCK as u64 - within
    }

    fn redo(&mut self, Entry { at, what }: Entry) -> Result<(), Undone> {
        let wrong = |why: String| Undone::Wrong(at, why);
        match what {
            Did::Plan { slot, number } => {
                let plan = self.compiled(slot, number).map_err(wrong)?;
                self.door.send(slot, plan).map_err(|_| wrong("a plan is on its way already".to_owned()))?;
            }
            Did::Unload { slot } => {
                self.now.remove(&slot);
                if !self.door.unload(slot) {
                    return Err(wrong("a plan is on its way already".to_owned()));
                }
            }
            Did::Mix { number } => {
                let leads = self.mixes.remove(&number).ok_or_else(|| wrong(format!("there is no mixer {number}")))?;
                let plan = MixPlan::new(&leads, &self.leads).ok_or_else(|| wrong("slots feed each other in a circle".to_owned()))?;
                self.door.mix(plan).map_err(|_| wrong("a mixer is on its way already".to_owned()))?;
                self.leads = leads;
            }
            Did::Act(_) | Did::Strained(_) | Did::Shed { .. } => {}
        }
        self.engine.redo(what);
        Ok(())
    }

    /// A slot's plan, compiled as it was.
    fn compiled(&mut self, slot: u8, number: u32) -> Result<Box<plan::SlotPlan>, String> {
        let of = self.plans.remove(&number).ok_or_else(|| format!("there is no plan {number}"))?;
        let Parsed { patch, diagnostics, .. } = parse_with(&of.text, &self.catalogue, &Kept(&of));
        let Some(mut patch) = patch else {
            let why = diagnostics.first().map_or(String::new(), |first| format!(": {}", first.message));
            return Err(format!("plan {number} is no patch for this rackd{why}"));
        };
        for (module, setting, value) in &of.settings {
            if let Some(place) = patch.modules.get_mut(module.0).and_then(|module| module.settings.0.get_mut(*setting)) {
                place.clone_from(value);
            }
        }
        let turned: HashMap<Place, _> = of.turned.iter().copied().collect();
        let turned = |owner: KnobOwner| Place::of_knob(owner).and_then(|place| turned.get(&place).copied());
        let before = match self.now.get(&slot) {
            Some((number, patch, outline)) if *number == of.before => Some(Before { patch, outline }),
            _ if of.before == 0 => None,
            _ => return Err(format!("plan {number} goes on from plan {}, which the slot does not have", of.before)),
        };
        let options = plan::Options { tempo: of.tempo, ..self.options };
        let (plan, outline) = compile_among(&patch, &options, &self.flows, &turned, before);
        self.now.insert(slot, (number, patch, outline));
        Ok(plan)
    }
}

/// The files of a plan, as they were when it was compiled.
struct Kept<'a>(&'a LoggedPlan);

impl Files for Kept<'_> {
    fn itself(&self) -> Option<PathBuf> {
        self.0.file.clone()
    }

    fn read(&self, from: Option<&str>, path: &str) -> Result<FileText, Unread> {
        let name = crate::control::rack_file::named_from(from, self.0.file.as_deref(), path).display().to_string();
        match self.0.includes.iter().find(|file| file.name == name) {
            Some(IncludedFile { path, name, text }) => Ok(FileText { path: path.clone(), name: name.clone(), text: text.to_string() }),
            None => Err(Unread { path: None, why: format!("{name} is not in the log"), near: None }),
        }
    }
}
