//! Work that is shared with other threads: slots that hear nobody run side by side, or the voices of one slot, where measuring says that
//! it is worth it.
//!
//! What is given away is given away whole, and laid down in the same order as without anybody's help: so the samples are the same at any
//! number of threads, and however the work fell.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use super::beat::BeatClock;
use super::mixer::Mixer;
use super::report::Report;
use super::strip::{Block, Strip};
use crate::base::time::BLOCK;
use crate::plan::bank::Voices;
use crate::plan::crew::{Hands, Share};
use crate::plan::mixer::SLOTS;
use crate::rt::lap::Lap;
use crate::rt::workers::Workers;

/// Work of a block from which on it is shared [s]: giving it away and taking it back costs one or two millionths.
const WORTH: f32 = 20e-6;
/// Below this it is not shared any more [s].
const NOT_WORTH: f32 = 12e-6;
/// Reports of one slot in one block that are kept until it is back.
const REPORTS: usize = 1024;

/// Jobs a thread that slots are dealt out in, where there are so many: few, since each costs, but more than threads, since none is as
/// long as another.
const JOBS: usize = 16;

/// Slots on their way, with room for what they report.
struct Load {
    block: Block,
    strips: Vec<(usize, Box<Strip>)>,
    /// What they are thought to take together [s].
    cost: f32,
    reports: Vec<Report>,
    unreported: u64,
}

/// What is given away.
enum Job {
    /// Some slots' part of a block.
    Slots(Box<Load>),
    /// A share of a slot's voices.
    Share { number: usize, share: Box<dyn Share>, seconds: f32, failed: Option<Box<dyn Any + Send>> },
}

/// The engine's workers.
pub struct Team {
    workers: Workers<Job>,
    /// What stands in a slot's place while it is away, and room for those that are.
    #[allow(clippy::vec_box, reason = "they are moved one by one")]
    spares: Vec<Box<Strip>>,
    #[allow(clippy::vec_box, reason = "they are moved one by one")]
    loads: Vec<Box<Load>>,
    shares_slots: bool,
    /// The slots whose voices are shared, as bits.
    shares_voices: u64,
    /// Worth it or not.
    always: bool,
    /// Jobs were given away in this callback.
    begun: bool,
}

/// Runs a job, on whichever thread.
#[allow(clippy::disallowed_methods, reason = "the room was taken before, and no more is used")]
fn run(job: &mut Job) {
    match job {
        Job::Slots(load) => {
            let Load { block, strips, reports, unreported, .. } = &mut **load;
            let mut report = |report: Report| match reports.len() < REPORTS {
                true => reports.push(report),
                false => *unreported += 1,
            };
            for (slot, strip) in strips {
                measured(*slot, strip, *block, |strip| strip.work(*block, None, &mut report));
            }
        }
        Job::Share { share, seconds, failed, .. } => {
            let lap = Lap::begin();
            *failed = catch_unwind(AssertUnwindSafe(|| share.run())).err();
            *seconds = lap.seconds();
        }
    }
}

/// Does a slot's work of a block; now and then it is measured.
fn measured(slot: usize, strip: &mut Strip, block: Block, work: impl FnOnce(&mut Strip)) {
    if block.start / BLOCK as u64 % 8 != slot as u64 % 8 {
        return work(strip);
    }
    let lap = Lap::begin();
    work(strip);
    strip.costs(lap.seconds());
}

/// The workers while one slot runs.
struct Sharing<'a> {
    workers: &'a mut Workers<Job>,
    /// What the shares took, wherever they ran, and how long that was here [s].
    worked: f32,
    here: f32,
}

impl Hands for Sharing<'_> {
    fn run(&mut self, voices: &mut dyn Voices) {
        let lap = Lap::begin();
        let mut failed = None;
        let mut back = |voices: &mut dyn Voices, job: Job| {
            let Job::Share { number, share, seconds, failed: trouble } = job else { return };
            voices.take_back(number, share);
            self.worked += seconds;
            // One reason is enough; freeing another here would free on the audio thread.
            if let Some(other) = trouble.and_then(|trouble| failed.replace(trouble)) {
                std::mem::forget(other);
            }
        };
        for number in 0..voices.shares() {
            let Some(share) = voices.lend(number) else { continue };
            if let Err(mut job) = self.workers.put(Job::Share { number, share, seconds: 0.0, failed: None }) {
                run(&mut job);
                back(voices, job);
            }
        }
        self.workers.offer();
        self.workers.help();
        self.workers.take_back(|job| back(voices, job));
        self.here += lap.seconds();
        if let Some(trouble) = failed {
            // As if it had failed here: its slot dies.
            resume_unwind(trouble);
        }
    }
}

impl Team {
    /// The audio thread and so many others. `[control]`
    #[allow(clippy::disallowed_methods, reason = "built off the audio thread")]
    pub fn new(others: usize) -> Self {
        let load = || Load {
            block: Block { start: 0, frames: 0, rate: 0.0, tempo: 0.0, strained: false },
            strips: Vec::with_capacity(SLOTS),
            cost: 0.0,
            reports: Vec::with_capacity(REPORTS),
            unreported: 0,
        };
        let jobs = JOBS * (others + 1);
        Self {
            workers: Workers::start(others, jobs.max(SLOTS), run),
            spares: (0..SLOTS).map(|slot| Box::new(Strip::new(slot as u8))).collect(),
            loads: (0..jobs).map(|_| Box::new(load())).collect(),
            shares_slots: false,
            shares_voices: 0,
            always: false,
            begun: false,
        }
    }

    /// Whether all that can be shared is shared, worth it or not. `[control]`
    pub fn share_always(&mut self, always: bool) {
        self.always = always;
    }

    /// The next callback is due at this moment. `[audio]`
    pub fn expect(&self, due: Instant) {
        self.workers.expect(Some(due));
    }

    /// A callback is over. `[audio]`
    pub fn end(&mut self) {
        if std::mem::take(&mut self.begun) {
            self.workers.end();
        }
    }

    /// Works out a slot's part of a block here and now, and how long that takes, unless it was done. `[audio]`
    pub fn run_slot(&mut self, slot: usize, strip: &mut Strip, block: Block, report: &mut dyn FnMut(Report)) {
        if strip.has_worked() {
            return;
        }
        let bit = 1 << slot;
        let least = if self.shares_voices & bit == 0 { WORTH } else { NOT_WORTH };
        let shared = strip.has_shares() && (self.always || strip.cost() > least);
        self.shares_voices = if shared { self.shares_voices | bit } else { self.shares_voices & !bit };
        if !shared {
            return measured(slot, strip, block, |strip| strip.work(block, None, report));
        }
        let lap = Lap::begin();
        self.begin();
        let mut sharing = Sharing { workers: &mut self.workers, worked: 0.0, here: 0.0 };
        strip.work(block, Some(&mut sharing), report);
        strip.costs(lap.seconds() - sharing.here + sharing.worked);
    }

    /// There are jobs in this callback.
    fn begin(&mut self) {
        if !self.begun {
            self.begun = true;
            self.workers.begin();
        }
    }

    /// Works out the slots that hear nobody, side by side, where that is worth it; they know of it. `[audio]`
    #[allow(clippy::disallowed_methods, reason = "the room was taken before")]
    pub fn run_slots(
        &mut self,
        strips: &mut [Box<Strip>],
        mixer: &Mixer,
        beat: &BeatClock,
        block: Block,
        report: &mut dyn FnMut(Report),
    ) -> u64 {
        let may = |strip: &Strip| strip.plan.is_some() && !strip.has_left() && !strip.takes_sound();
        let (mut all, mut most) = (0.0, 0.0);
        for strip in strips.iter().filter(|strip| may(strip)) {
            all += strip.cost();
            most = if strip.cost() > most { strip.cost() } else { most };
        }
        // One that costs more than all others is better shared by itself.
        self.shares_slots = all > if self.shares_slots { NOT_WORTH } else { WORTH } && most < 0.7 * all;
        if !(self.shares_slots || self.always) {
            return 0;
        }
        self.begin();
        // In order, each as much as any; where nothing was measured yet, all of them one by one.
        let most = all / self.loads.len() as f32;
        let mut lost = 0;
        let mut now: Option<Box<Load>> = None;
        for at in 0..SLOTS {
            let slot = mixer.strip_at(at);
            if !may(&strips[slot]) {
                continue;
            }
            let (Some(mut strip), Some(mut load)) = (self.spares.pop(), now.take().or_else(|| self.loads.pop())) else { break };
            strips[slot].write_pulses(beat, block);
            std::mem::swap(&mut strip, &mut strips[slot]);
            (load.block, load.cost) = (block, load.cost + strip.cost());
            load.strips.push((slot, strip));
            // The last one takes all that is left.
            if load.cost < most || self.loads.is_empty() {
                now = Some(load);
            } else {
                self.put(load);
            }
        }
        if let Some(load) = now {
            self.put(load);
        }
        self.workers.offer();
        self.workers.help();
        let Self { workers, spares, loads, .. } = self;
        workers.take_back(|job| {
            let Job::Slots(mut load) = job else { return };
            load.reports.drain(..).for_each(&mut *report);
            for (slot, strip) in load.strips.drain(..) {
                spares.push(std::mem::replace(&mut strips[slot], strip));
            }
            lost += std::mem::take(&mut load.unreported);
            load.cost = 0.0;
            loads.push(load);
        });
        lost
    }

    /// There is room for as many as there are.
    fn put(&mut self, load: Box<Load>) {
        if let Err(mut job) = self.workers.put(Job::Slots(load)) {
            // It would be lost: nothing else may be done with it here.
            debug_assert!(false, "more jobs than places");
            run(&mut job);
            std::mem::forget(job);
        }
    }
}
