//! The ends of the engine that others hold: feeds in, reports, meters and old plans out.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::meter::Meters;
use super::recording::RecordDoor;
use super::score::{LaneDoor, LaneShown};
use super::{Event, Report};
use crate::base::time::SampleTime;
use crate::plan::{MixPlan, SlotPlan};
use crate::rt::beat_line::BeatLine;
use crate::rt::shares::Shares;

/// How many feeds an engine has, one for each kind of producer.
pub const FEEDS: usize = 16;

/// Events that one feed holds before it is full.
pub const FEED_CAPACITY: usize = 8192;

/// One kind of producer's door into the engine.
pub struct Feed {
    /// Which, 0 to 15: of equal times, the lower feed's events act first.
    pub number: u8,
    pub(super) ring: rtrb::Producer<Event>,
}

/// The feed has no room for all of the events; none went in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine's queue is full")]
pub struct Full;

impl Feed {
    /// A feed without an engine, and its other end.
    #[cfg(test)]
    pub(crate) fn alone() -> (Self, rtrb::Consumer<Event>) {
        let (ring, end) = rtrb::RingBuffer::new(FEED_CAPACITY);
        (Self { number: 0, ring }, end)
    }

    /// Sends all events, or none. Together they come into the engine between two blocks. `[control]`
    ///
    /// # Errors
    /// [`Full`] where there is no room for all.
    pub fn send(&mut self, events: &[Event]) -> Result<(), Full> {
        let chunk = self.ring.write_chunk_uninit(events.len()).map_err(|_| Full)?;
        chunk.fill_from_iter(events.iter().copied());
        Ok(())
    }
}

/// What the engine shows of itself, without a wait on either side.
#[derive(Debug, Default)]
pub struct Shown {
    /// Time of the next block.
    pub now: AtomicU64,
    /// Events applied since the start.
    pub applied: AtomicU64,
    /// Events that came too late and acted at once.
    pub late: AtomicU64,
    /// Events dropped because too many were waiting.
    pub overflowed: AtomicU64,
    /// Reports that found no room on their way back.
    pub unreported: AtomicU64,
    /// Voices sounding.
    pub voices: AtomicU32,
    /// Frames in which the master was limited.
    pub limited: AtomicU64,
    /// Outputs that were no number.
    pub not_finite: AtomicU64,
    /// Where the music is.
    pub beat: Arc<BeatLine>,
    /// What is played of a score.
    pub score: LaneShown,
    /// How loud it is.
    pub meters: Meters,
    /// Share of the time that the last callbacks took, as bits of f32; written by the host.
    pub load: AtomicU32,
    /// The same of each callback; written by the host.
    pub shares: Shares,
    /// How often the device ran dry or over; written by the host.
    pub xruns: AtomicU64,
    /// The system runs the thread that drives the engine for a device before all ordinary ones; written by the host.
    pub realtime: AtomicBool,
    /// The process's memory is locked; written by the daemon.
    pub memory_locked: AtomicBool,
    /// Notes refused because there was no time for more voices.
    pub refused: AtomicU64,
    /// Notes that took the place of one that was let go, because there was no time for more voices.
    pub replaced: AtomicU64,
    /// Voices shed because there was no time for them.
    pub shed: AtomicU64,
}

impl Shown {
    /// Time of the next block. `[any]`
    pub fn now(&self) -> SampleTime {
        self.now.load(Relaxed)
    }
}

/// Everything but the engine itself.
pub struct Doors {
    /// The feeds, by number.
    pub feeds: Vec<Feed>,
    /// The way into the lane of a score.
    pub score: LaneDoor,
    /// What comes back.
    pub reports: rtrb::Consumer<Report>,
    /// What the engine shows of itself.
    pub shown: Arc<Shown>,
    /// Recordings in and out.
    pub record: RecordDoor,
}

/// Control's door for plans: one in flight, and the old ones come home through it.
pub struct PlanDoor {
    pub(super) to: rtrb::Producer<(u8, Option<Box<SlotPlan>>)>,
    pub(super) home: rtrb::Consumer<Box<SlotPlan>>,
    pub(super) mixes: rtrb::Producer<Box<MixPlan>>,
    pub(super) mixes_home: rtrb::Consumer<Box<MixPlan>>,
    pub(super) failures: rtrb::Consumer<Box<dyn Any + Send>>,
}

impl PlanDoor {
    /// Sends a slot's new plan; it is given back while another is in flight. `[control]`
    ///
    /// # Errors
    /// The plan itself, where one is in flight.
    pub fn send(&mut self, slot: u8, plan: Box<SlotPlan>) -> Result<(), Box<SlotPlan>> {
        if self.busy() {
            return Err(plan);
        }
        // There is room, and only this end fills it.
        let _ = self.to.push((slot, Some(plan)));
        Ok(())
    }

    /// Has a slot's plan taken away; false while something else is in flight. The slot fades within 10 ms, running on, its notes end,
    /// what waits for it in the engine is dropped, its strip stands as a new one does: then [`Report::Unloaded`] is told. `[control]`
    #[must_use]
    pub fn unload(&mut self, slot: u8) -> bool {
        self.to.push((slot, None)).is_ok()
    }

    /// Sends the mixer's new plan; it is given back while another is in flight. When it has taken over altogether, 10 ms after it began,
    /// [`Report::Mixed`] is told; until then no other begins. `[control]`
    ///
    /// # Errors
    /// The plan itself, where one is in flight.
    pub fn mix(&mut self, plan: Box<MixPlan>) -> Result<(), Box<MixPlan>> {
        self.mixes.push(plan).map_err(|rtrb::PushError::Full(plan)| plan)
    }

    /// Whether a plan is in flight. `[control]`
    pub fn busy(&self) -> bool {
        self.to.slots() == 0
    }

    /// Drops the plans that have come home; how many. `[control]`
    pub fn collect(&mut self) -> usize {
        while self.mixes_home.pop().is_ok() {}
        std::iter::from_fn(|| self.home.pop().ok()).count()
    }

    /// What the code of a slot said when it failed. `[control]`
    #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "not on the audio thread")]
    pub fn failure(&mut self) -> Option<String> {
        let payload = self.failures.pop().ok()?;
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_string());
        Some(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}
