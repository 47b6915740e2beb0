//! What sits in the seat: the engine with everything that every driver does around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::discipline::Discipline;
use super::input::InputEnd;
use super::pace::length;
use super::player::Player;
use super::silent::SILENT;
use crate::base::time::SampleTime;
use crate::engine::doors::Shown;
use crate::rt::clock::WallClock;
use crate::rt::cycles::Cycle;
use crate::rt::guard::FlushToZero;
use crate::rt::tap::Tap;

/// Frames worked out at a time, so that callbacks of any length need no more memory.
pub(super) const PIECE: usize = 512;

/// Puts taps in and takes them out while the engine runs.
pub struct TapDoor {
    to: rtrb::Producer<Option<Tap>>,
    home: rtrb::Consumer<Tap>,
}

impl TapDoor {
    /// From the next callback on, what is played goes into this tap, or nowhere; false where the last change is still on its way.
    /// `[control]`
    pub fn set(&mut self, tap: Option<Tap>) -> bool {
        self.collect();
        self.to.push(tap).is_ok()
    }

    /// Drops the taps that came home, which ends what reads their other ends; how many. `[control]`
    pub fn collect(&mut self) -> usize {
        std::iter::from_fn(|| self.home.pop().ok()).count()
    }
}

/// The engine, its input, its tap, its clock and its load.
pub(super) struct Driven {
    player: Box<dyn Player>,
    shown: Arc<Shown>,
    channels: usize,
    now: SampleTime,
    piece: Box<[f32]>,
    input: InputEnd,
    tap: Option<Tap>,
    taps: rtrb::Consumer<Option<Tap>>,
    home: rtrb::Producer<Tap>,
    discipline: Option<Discipline>,
    load: f32,
    /// When the frame after the last one worked out is due.
    due: Option<Instant>,
}

impl Driven {
    /// The engine in its seat's cushions. `[control]`
    pub fn new(
        player: Box<dyn Player>,
        shown: Arc<Shown>,
        rate: u32,
        channels: usize,
        input: InputEnd,
        clock: Option<WallClock>,
        tap: Option<Tap>,
    ) -> (Self, TapDoor) {
        let (to, taps) = rtrb::RingBuffer::new(1);
        let (home, from) = rtrb::RingBuffer::new(4);
        let channels = channels.max(1);
        let piece = vec![0.0; PIECE * channels].into_boxed_slice();
        let discipline = clock.map(|clock| Discipline::new(clock, rate));
        let driven = Self { player, shown, channels, now: 0, piece, input, tap, taps, home, discipline, load: 0.0, due: None };
        (driven, TapDoor { to, home: from })
    }

    /// Channels of what is given. `[any]`
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// When the next frame is due, once anything was played. `[any]`
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Works out frames in one callback of a driver that began at `began` and whose sound lasts so long, and is first heard after
    /// `ahead`; `make` asks for them by [`Self::frames`]. `[audio]`
    pub fn callback(&mut self, driver: u64, began: Instant, lasts: Duration, ahead: Duration, make: impl FnOnce(&mut Self)) {
        let _quick = FlushToZero::begin();
        self.change_tap();
        if let Some(discipline) = &mut self.discipline {
            discipline.measure(driver, self.now, i64::try_from(ahead.as_nanos()).unwrap_or(i64::MAX));
        }
        let first = self.now;
        make(self);
        self.input.took(driver, (self.now - first) as usize);
        self.due = Some(began + lasts);
        self.player.expect(began + lasts);
        if !lasts.is_zero() {
            // Rises at once, falls within about a second.
            let load = began.elapsed().as_secs_f32() / lasts.as_secs_f32();
            let fall = (lasts.as_secs_f32() * 4.0).min(1.0);
            self.load = if load > self.load { load } else { self.load + (load - self.load) * fall };
            self.shown.load.store(self.load.to_bits(), Relaxed);
            self.shown.shares.count(load);
            if driver == SILENT {
                self.shown.realtime.store(false, Relaxed);
            } else {
                // Nobody hears it when the silent clock is late.
                self.player.loaded(load, (self.now - first) as usize);
            }
        }
    }

    /// Says for which samples a callback is, by the driver's own clock [µs]: when it was called, when it is heard. `[audio]`
    pub fn show(&mut self, [stamp, heard]: [u64; 2], frames: u32) {
        self.player.heard(heard);
        if let Some(discipline) = &self.discipline {
            discipline.clock().cycles().publish(Cycle { stamp, sample: self.now, frames });
        }
    }

    /// The next frames, interleaved, in pieces. `[audio]`
    pub fn frames(&mut self, frames: usize, mut take: impl FnMut(&[f32])) {
        let mut left = frames;
        while left > 0 {
            let count = left.min(PIECE);
            let output = &mut self.piece[..count * self.channels];
            let input_channels = self.input.channels();
            self.player.run(self.input.frames(count), input_channels, output, self.channels);
            if let Some(tap) = &mut self.tap {
                tap.push(output);
            }
            take(output);
            self.now += count as u64;
            left -= count;
        }
    }

    fn change_tap(&mut self) {
        // The old one must have room on its way home before it is taken out: nothing is dropped here.
        if self.home.slots() == 0 {
            return;
        }
        if let Ok(tap) = self.taps.pop() {
            let old = std::mem::replace(&mut self.tap, tap);
            if let Some(old) = old {
                let _ = self.home.push(old);
            }
        } else if self.tap.as_ref().is_some_and(Tap::is_abandoned)
            && let Some(old) = self.tap.take()
        {
            let _ = self.home.push(old);
        }
    }
}

/// What callbacks tell the one who watches them.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Callbacks so far.
    pub calls: AtomicU64,
    /// Frames so far, the device's.
    pub frames: AtomicU64,
    /// Nanoseconds from the stream's making until its last callback's sound runs out.
    pub lasts_until: AtomicU64,
    /// Callbacks that found the seat taken and stayed silent.
    pub missed: AtomicU64,
    /// Xruns reported.
    pub xruns: AtomicU64,
}

impl Pulse {
    /// A callback for so many frames, so long after the stream's making. `[audio]`
    pub fn beat(&self, frames: usize, rate: u32, at: Duration) {
        self.calls.fetch_add(1, Relaxed);
        self.frames.fetch_add(frames as u64, Relaxed);
        self.lasts_until.store((at + length(frames as u64, rate)).as_nanos() as u64, Relaxed);
    }
}
