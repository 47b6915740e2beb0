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

/// What is given away.
enum Job {
    /// A slot's part of a block.
    Slot { slot: usize, strip: Box<Strip>, block: Block, reports: Vec<Report>, unreported: u64 },
    /// A share of a slot's voices.
    Share { number: usize, share: Box<dyn Share>, seconds: f32, failed: Option<Box<dyn Any + Send>> },
}

/// The engine's workers.
pub struct Team {
    workers: Workers<Job>,
    /// What stands in a slot's place while it is away, and room for its reports.
    spares: Vec<(Box<Strip>, Vec<Report>)>,
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
    let lap = Lap::begin();
    match job {
        Job::Slot { strip, block, reports, unreported, .. } => {
            strip.work(*block, None, &mut |report| match reports.len() < REPORTS {
                true => reports.push(report),
                false => *unreported += 1,
            });
            strip.costs(lap.seconds());
        }
        Job::Share { share, seconds, failed, .. } => {
            *failed = catch_unwind(AssertUnwindSafe(|| share.run())).err();
            *seconds = lap.seconds();
        }
    }
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
        let spare = |slot| (Box::new(Strip::new(slot as u8)), Vec::with_capacity(REPORTS));
        Self {
            workers: Workers::start(others, SLOTS, run),
            spares: (0..SLOTS).map(spare).collect(),
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
        let shared = self.always || strip.cost() > least;
        self.shares_voices = if shared { self.shares_voices | bit } else { self.shares_voices & !bit };
        let lap = Lap::begin();
        if !shared {
            strip.work(block, None, report);
            return strip.costs(lap.seconds());
        }
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
        for at in 0..SLOTS {
            let slot = mixer.strip_at(at);
            if !may(&strips[slot]) {
                continue;
            }
            let Some((mut strip, reports)) = self.spares.pop() else { break };
            strips[slot].write_pulses(beat, block);
            std::mem::swap(&mut strip, &mut strips[slot]);
            // There is a place for each slot.
            if let Err(Job::Slot { strip, reports, .. }) = self.workers.put(Job::Slot { slot, strip, block, reports, unreported: 0 }) {
                self.spares.push((std::mem::replace(&mut strips[slot], strip), reports));
                break;
            }
        }
        self.workers.offer();
        self.workers.help();
        let mut lost = 0;
        let spares = &mut self.spares;
        self.workers.take_back(|job| {
            let Job::Slot { slot, strip, mut reports, unreported, .. } = job else { return };
            reports.drain(..).for_each(&mut *report);
            lost += unreported;
            spares.push((std::mem::replace(&mut strips[slot], strip), reports));
        });
        lost
    }
}
