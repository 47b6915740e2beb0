//! Sound on its way to files: which frames of what go into which tap.
//!
//! Places are few and made at the start. A recording comes by a door, ready to be run; its [`Track`] says until when it goes on and shows how
//! far it is; when it is over it goes home by the same door, to be dropped there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::mixer::Sides;
use crate::base::time::{BLOCK, SampleTime};
use crate::rt::tap::Tap;

/// Recordings that run at once at most.
pub const PLACES: usize = 8;

/// Channels of a recording at most.
pub const CHANNELS: usize = 64;

/// Where sound is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What goes to the device: the master, after its limiter.
    Master,
    /// What a slot gives to the mix: after its fader.
    Slot(u8),
    /// What comes in from the device, as it comes: no pause fades it.
    Input,
    /// Nowhere: silence.
    Nowhere,
}

/// One or two channels of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where they are taken.
    pub from: Source,
    /// The mean of both sides is one channel; else left and right are two.
    pub mono: bool,
}

impl Line {
    /// How many channels it is. `[any]`
    pub const fn channels(self) -> usize {
        if self.mono { 1 } else { 2 }
    }
}

/// A recording as both sides see it, without a wait on either.
#[derive(Debug)]
pub struct Track {
    until: AtomicU64,
    first: AtomicU64,
    frames: AtomicU64,
    over: AtomicBool,
}

impl Default for Track {
    /// Of a recording that goes on until it is told otherwise.
    fn default() -> Self {
        Self { until: u64::MAX.into(), first: u64::MAX.into(), frames: 0.into(), over: false.into() }
    }
}

impl Track {
    /// Its last frame is the one before this; 0, or what has gone by: it ends before the next block. The earliest that was said counts.
    /// `[any]`
    pub fn stop_at(&self, at: SampleTime) {
        self.until.fetch_min(at, Ordering::Release);
    }

    /// Its first frame, once it has begun. `[any]`
    pub fn first(&self) -> Option<SampleTime> {
        let first = self.first.load(Ordering::Acquire);
        (first != u64::MAX).then_some(first)
    }

    /// Frames that it has had so far, lost ones among them. `[any]`
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Acquire)
    }

    /// Whether all its frames are in its tap, or lost. `[any]`
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// A recording, ready to run.
pub struct Recording {
    tap: Tap,
    lines: Box<[Line]>,
    at: SampleTime,
    until: SampleTime,
    track: Arc<Track>,
    channels: usize,
    /// The present block's frames, interleaved.
    frames: Box<[f32]>,
    /// Which frames of the tile are recorded in the present block.
    span: (usize, usize),
}

impl Recording {
    /// From frame `at` on (0, or what has gone by: from the next block on) these lines go side by side into the tap, which has as many
    /// channels as they. `[control]`
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "built off the audio thread")]
    pub fn new(tap: Tap, lines: &[Line], at: SampleTime, track: Arc<Track>) -> Box<Self> {
        let channels: usize = lines.iter().map(|line| line.channels()).sum();
        let frames = vec![0.0; channels * BLOCK].into_boxed_slice();
        Box::new(Self { tap, lines: lines.into(), at, until: u64::MAX, track, channels, frames, span: (0, 0) })
    }

    /// Some frames from `start` on will be worked out, here in the tile.
    fn begin(&mut self, start: SampleTime, from: usize, frames: usize) {
        self.until = self.track.until.load(Ordering::Acquire);
        let within = |at: SampleTime| from + at.clamp(start, start + frames as u64).abs_diff(start) as usize;
        self.span = (within(self.at), within(self.until));
        let count = self.span.1.saturating_sub(self.span.0);
        self.frames[..count * self.channels].fill(0.0);
    }

    /// The strips that it takes, as bits.
    fn slots(&self) -> u64 {
        let bit = |line: &Line| if let Source::Slot(slot) = line.from { 1u64.checked_shl(slot.into()).unwrap_or(0) } else { 0 };
        self.lines.iter().fold(0, |bits, line| bits | bit(line))
    }

    /// Takes what a source has put out in the present block.
    fn lay(&mut self, source: Source, sides: &Sides) {
        let (from, to) = self.span;
        if from >= to {
            return;
        }
        let mut channel = 0;
        for line in &self.lines {
            if line.from == source {
                let frames = self.frames.chunks_exact_mut(self.channels);
                for (frame, at) in frames.zip(from..to) {
                    let (left, right) = (sides[0][at], sides[1][at]);
                    if line.mono {
                        frame[channel] = 0.5 * (left + right);
                    } else {
                        (frame[channel], frame[channel + 1]) = (left, right);
                    }
                }
            }
            channel += line.channels();
        }
    }

    /// What was taken but for the input gets softer, each frame by its gain.
    fn fade(&mut self, gains: &[f32]) {
        for (frame, gain) in self.frames.chunks_exact_mut(self.channels).zip(gains) {
            let mut channel = 0;
            for line in &self.lines {
                let gain = if line.from == Source::Input { 1.0 } else { *gain };
                frame[channel..channel + line.channels()].iter_mut().for_each(|x| *x *= gain);
                channel += line.channels();
            }
        }
    }

    /// What was taken goes into the tap; whether there is more to come after the block that ended before `end`.
    fn end(&mut self, start: SampleTime, end: SampleTime, gains: Option<&[f32; BLOCK]>) -> bool {
        let count = self.span.1.saturating_sub(self.span.0);
        if count > 0 {
            if let Some(gains) = gains {
                self.fade(&gains[self.span.0..self.span.1]);
            }
            if self.track.first().is_none() {
                let first = if self.at > start { self.at } else { start };
                self.track.first.store(first, Ordering::Release);
            }
            self.tap.push(&self.frames[..count * self.channels]);
            self.track.frames.fetch_add(count as u64, Ordering::Release);
        }
        self.until > end && !self.tap.is_abandoned()
    }
}

/// The engine's places for recordings.
pub struct Recordings {
    new: rtrb::Consumer<Box<Recording>>,
    home: rtrb::Producer<Box<Recording>>,
    places: [Option<Box<Recording>>; PLACES],
    /// The strips that any of them takes, as bits.
    slots: u64,
    /// Where the present block begins and ends.
    block: (SampleTime, SampleTime),
    /// How loud each place of its tile is to be, where that is not 1.
    gains: Option<[f32; BLOCK]>,
}

/// The door by which recordings come and go.
pub struct RecordDoor {
    to: rtrb::Producer<Box<Recording>>,
    home: rtrb::Consumer<Box<Recording>>,
    away: usize,
}

impl RecordDoor {
    /// Has a recording run; it is given back where all places are taken. `[control]`
    ///
    /// # Errors
    /// The recording itself.
    pub fn send(&mut self, recording: Box<Recording>) -> Result<(), Box<Recording>> {
        self.collect();
        if self.away == PLACES {
            return Err(recording);
        }
        self.to.push(recording).map_err(|rtrb::PushError::Full(recording)| recording)?;
        self.away += 1;
        Ok(())
    }

    /// Drops the recordings that have come home; how many. `[control]`
    pub fn collect(&mut self) -> usize {
        let count = std::iter::from_fn(|| self.home.pop().ok()).count();
        self.away -= count;
        count
    }
}

impl Recordings {
    /// Without any, and the door to them. `[control]`
    #[allow(clippy::disallowed_methods, reason = "built off the audio thread")]
    pub fn new() -> (Self, RecordDoor) {
        let (to, new) = rtrb::RingBuffer::new(PLACES);
        let (home, from) = rtrb::RingBuffer::new(PLACES);
        let places = std::array::from_fn(|_| None);
        (Self { new, home, places, slots: 0, block: (0, 0), gains: None }, RecordDoor { to, home: from, away: 0 })
    }

    /// Some frames of one tile, from `start` on, will be worked out; where they lie in it, and how loud each place of it is to be.
    /// `[audio]`
    pub fn begin(&mut self, start: SampleTime, from: usize, frames: usize, gains: Option<&[f32; BLOCK]>) {
        self.gains = gains.copied();
        for place in &mut self.places {
            if place.is_none() {
                *place = self.new.pop().ok();
            }
        }
        self.block = (start, start + frames as u64);
        self.slots = 0;
        for recording in self.places.iter_mut().flatten() {
            recording.begin(start, from, frames);
            self.slots |= recording.slots();
        }
    }

    /// What came in from the device in this block. `[audio]`
    pub fn input(&mut self, sides: &Sides) {
        self.places.iter_mut().flatten().for_each(|recording| recording.lay(Source::Input, sides));
    }

    /// What a strip gives to the mix in this block. `[audio]`
    pub fn slot(&mut self, slot: u8, sides: &Sides) {
        if self.slots >> slot & 1 == 1 {
            self.places.iter_mut().flatten().for_each(|recording| recording.lay(Source::Slot(slot), sides));
        }
    }

    /// The block is over; what goes to the device in it. `[audio]`
    pub fn end(&mut self, master: &Sides) {
        let (start, end) = self.block;
        for place in &mut self.places {
            let Some(recording) = place else { continue };
            recording.lay(Source::Master, master);
            // Where there is no room on the way home it stays, and has no more frames.
            if !recording.end(start, end, self.gains.as_ref()) && self.home.slots() > 0 {
                recording.tap.end_gap();
                recording.track.over.store(true, Ordering::Release);
                if let Some(recording) = place.take() {
                    let _ = self.home.push(recording);
                }
            }
        }
    }

    /// So many frames from `start` on in which nothing is worked out: silence. `[audio]`
    pub fn rest(&mut self, start: SampleTime, frames: u64) {
        let (mut at, end) = (start, start + frames);
        while at < end {
            let count = (end - at).min(BLOCK as u64);
            self.begin(at, 0, count as usize, None);
            self.end(&[[0.0; BLOCK]; 2]);
            at += count;
        }
    }

    /// A strip was emptied: what comes there later is another's. `[audio]`
    pub fn forget(&mut self, slot: u8) {
        let lines = self.places.iter_mut().flatten().flat_map(|recording| recording.lines.iter_mut());
        lines.filter(|line| line.from == Source::Slot(slot)).for_each(|line| line.from = Source::Nowhere);
    }
}
