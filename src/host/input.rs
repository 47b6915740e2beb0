//! Capture: what a device's input callback hears, on its way to the engine.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, MutexGuard};

use super::driven::PIECE;
use crate::rt::seat::Seat;

/// Frames that the ring between capture and engine holds: more than any device gives at once, and some give two seconds.
const RING: usize = 1 << 18;

/// What went wrong on the way in, since the start; and what is known of the way.
#[derive(Debug, Default)]
pub struct InputCounts {
    /// How often nothing had come though capture went on.
    underruns: AtomicU64,
    /// Frames of silence given because nothing had come.
    starved: AtomicU64,
    /// Frames thrown away because too many had come.
    flooded: AtomicU64,
    /// The same two when they were last told.
    told: [AtomicU64; 2],
    /// Engine frames of the longest capture callback of the present device.
    longest: AtomicUsize,
    /// Frames of the longest callback of who drives the engine.
    burst: AtomicUsize,
    /// Frames that shall wait beyond one callback of each side: two clocks need some, and who comes unevenly more.
    spare: AtomicUsize,
    /// Frames from the first that is heard in which a device may still empty a store of its own; 0: its clock is ours.
    settling: AtomicUsize,
    /// What waits says how the two clocks go: the device has settled.
    settled: AtomicBool,
    /// By how much the device's clock is faster than ours, as bits of f64.
    drift: AtomicU64,
}

impl InputCounts {
    /// All with their names, as `/engine/status` tells them. `[any]`
    pub fn all(&self) -> [(&'static str, u64); 3] {
        let counts = [("underruns", &self.underruns), ("missing", &self.starved), ("surplus", &self.flooded)];
        counts.map(|(name, count)| (name, count.load(Relaxed)))
    }

    /// By how much the device's clock is faster than the engine's, as far as is known: 0.0002 is 200 parts in a million. `[any]`
    pub fn drift(&self) -> f64 {
        f64::from_bits(self.drift.load(Relaxed))
    }

    pub(super) fn set_drift(&self, drift: f64) {
        self.drift.store(drift.to_bits(), Relaxed);
    }

    /// A device begins: its callbacks are not known yet; so many frames are to wait beyond one callback of each side, and so many are heard
    /// until it has settled, where it has a clock of its own.
    pub(super) fn begin(&self, spare: usize, settling: usize) {
        self.longest.store(0, Relaxed);
        self.spare.store(spare, Relaxed);
        self.settling.store(settling, Relaxed);
        self.set_drift(0.0);
    }

    /// Frames that shall wait when the next callback of either side comes: one callback of each side, so that they may come in any order.
    pub(super) fn store(&self) -> usize {
        self.longest.load(Relaxed) + self.burst.load(Relaxed) + self.spare.load(Relaxed)
    }

    /// Whether what waits says how the two clocks go.
    pub(super) fn is_settled(&self) -> bool {
        self.settled.load(Relaxed)
    }
}

/// The capture callback's end; lives longer than any one stream, so whoever captures sits down at it.
#[derive(Clone)]
pub(super) struct Capture {
    ring: Seat<rtrb::Producer<f32>>,
    counts: Arc<InputCounts>,
    channels: usize,
}

/// The engine's end.
pub(super) struct InputEnd {
    ring: rtrb::Consumer<f32>,
    counts: Arc<InputCounts>,
    channels: usize,
    piece: Box<[f32]>,
    /// Who drove the engine last.
    driver: u64,
    /// Enough has come to begin.
    primed: bool,
    /// Frames that were heard since.
    heard: usize,
}

/// The capture callback's end while nobody else is at it.
pub(super) struct Way<'a> {
    ring: MutexGuard<'a, rtrb::Producer<f32>>,
    counts: &'a InputCounts,
    channels: usize,
}

/// Both ends of an input of so many channels; 0 for none. `[control]`
pub(super) fn input(channels: usize) -> (Capture, InputEnd) {
    let (to, from) = rtrb::RingBuffer::new(RING * channels);
    let counts = Arc::new(InputCounts::default());
    let piece = vec![0.0; PIECE * channels].into_boxed_slice();
    let capture = Capture { ring: Seat::new(to), counts: Arc::clone(&counts), channels };
    (capture, InputEnd { ring: from, counts, channels, piece, driver: 0, primed: false, heard: 0 })
}

impl Capture {
    /// Frames missing and frames left out since last asked. `[control]`
    pub fn take_gaps(&self) -> (u64, u64) {
        let since = |count: &AtomicU64, told: &AtomicU64| {
            let all = count.load(Relaxed);
            all - told.swap(all, Relaxed)
        };
        let [starved, flooded] = &self.counts.told;
        (since(&self.counts.starved, starved), since(&self.counts.flooded, flooded))
    }

    /// What is counted. `[any]`
    pub fn counts(&self) -> &Arc<InputCounts> {
        &self.counts
    }

    /// Channels of a frame. `[any]`
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The way in for one callback that becomes so many engine frames; `None` where another stream is at it. `[audio]`
    pub fn way(&self, frames: usize) -> Option<Way<'_>> {
        self.counts.longest.fetch_max(frames, Relaxed);
        Some(Way { ring: self.ring.take()?, counts: &self.counts, channels: self.channels })
    }

    /// Takes captured frames of a device's own number of channels, at the engine's rate. `[audio]`
    pub fn push(&self, frames: usize, device_channels: usize, sample: impl Fn(usize) -> f32) {
        let Some(mut way) = self.way(frames) else { return };
        way.put(frames, |at| lay(at, self.channels, device_channels, &sample));
    }
}

/// A sample of ours, by its place among interleaved ones, out of a device's: one channel goes to all of ours, surplus ones are left out,
/// missing ones are silent. `[audio]`
pub(super) fn lay(at: usize, channels: usize, device_channels: usize, sample: impl Fn(usize) -> f32) -> f32 {
    let (frame, channel) = (at / channels, at % channels);
    let from = if device_channels == 1 { 0 } else { channel };
    if from < device_channels { sample(frame * device_channels + from) } else { 0.0 }
}

impl Way<'_> {
    /// Puts in as many frames as there is room for; the rest is counted. `[audio]`
    pub fn put(&mut self, frames: usize, sample: impl Fn(usize) -> f32) {
        let fit = frames.min(self.ring.slots() / self.channels.max(1));
        if let Ok(chunk) = self.ring.write_chunk_uninit(fit * self.channels) {
            chunk.fill_from_iter((0..fit * self.channels).map(sample));
        }
        if fit < frames {
            self.counts.flooded.fetch_add((frames - fit) as u64, Relaxed);
        }
    }

    /// Frames that wait to be heard. `[audio]`
    pub fn waiting(&self) -> usize {
        RING - self.ring.slots() / self.channels.max(1)
    }
}

impl InputEnd {
    /// Channels of a frame; 0: there is no input. `[any]`
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// A driver's callback has taken so many frames for the engine; another driver's are as long as they are. `[audio]`
    pub fn took(&mut self, driver: u64, frames: usize) {
        if driver != self.driver {
            self.driver = driver;
            self.counts.burst.store(0, Relaxed);
        }
        self.counts.burst.fetch_max(frames, Relaxed);
    }

    /// The next frames, at most [`PIECE`]; silence, which is counted, where they have not come. `[audio]`
    pub fn frames(&mut self, frames: usize) -> &[f32] {
        if self.channels == 0 {
            return &[];
        }
        let counts = &*self.counts;
        let mut waiting = self.ring.slots() / self.channels;
        let store = counts.store().max(counts.longest.load(Relaxed) + frames);
        // Between two clocks as much is to wait as is aimed at, from the first frame on.
        let settling = counts.settling.load(Relaxed);
        if !self.primed {
            if counts.longest.load(Relaxed) == 0 || waiting < store {
                return &[];
            }
            (self.primed, self.heard) = (true, 0);
            if settling > 0 {
                // Nothing was heard yet, so nothing is lost.
                skip(&mut self.ring, (waiting - store) * self.channels);
                waiting = store;
            }
        }
        let settled = self.heard >= settling;
        counts.settled.store(settled, Relaxed);
        self.heard += frames;
        // Beyond it the other clock is much faster, or this side stood still: the newest frames are worth more than the oldest.
        let burst = counts.burst.load(Relaxed);
        let most = if settled { 2 * store + 2 * PIECE } else { store + burst + store / 4 };
        if waiting > most {
            let surplus = waiting - store;
            skip(&mut self.ring, surplus * self.channels);
            counts.flooded.fetch_add(surplus as u64, Relaxed);
        }
        let count = frames.min(self.ring.slots() / self.channels);
        if count < frames {
            counts.starved.fetch_add((frames - count) as u64, Relaxed);
            counts.underruns.fetch_add(1, Relaxed);
            self.primed = false;
            counts.settled.store(false, Relaxed);
            if settling > 0 {
                // Who comes so unevenly is waited for longer from now on, by a quarter of a second at most.
                let spare = counts.spare.load(Relaxed) + (frames - count).max(store / 4);
                counts.spare.store(spare.min(settling / 8), Relaxed);
            }
        }
        let samples = count * self.channels;
        if let Ok(chunk) = self.ring.read_chunk(samples) {
            let (first, second) = chunk.as_slices();
            self.piece[..first.len()].copy_from_slice(first);
            self.piece[first.len()..samples].copy_from_slice(second);
            chunk.commit_all();
        }
        &self.piece[..samples]
    }
}

/// Leaves samples out.
fn skip(ring: &mut rtrb::Consumer<f32>, samples: usize) {
    if let Ok(chunk) = ring.read_chunk(samples) {
        chunk.commit_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_through_in_order_and_gaps_are_counted() {
        let (capture, mut end) = input(2);
        assert!(end.frames(64).is_empty(), "nothing has come yet");
        assert_eq!(capture.take_gaps(), (0, 0), "waiting for the first frames is no fault");
        let mut next = 0;
        let mut send = |frames: usize| {
            capture.push(frames, 2, |at| (next * 2 + at) as f32);
            next += frames;
        };
        send(128);
        send(128);
        let mut expected = 0.0;
        for _ in 0..3 {
            let got = end.frames(64);
            assert_eq!(got.len(), 128);
            for x in got {
                assert_eq!(*x, expected);
                expected += 1.0;
            }
        }
        assert_eq!(end.frames(128).len(), 128, "only 64 frames were left");
        assert_eq!(capture.take_gaps(), (64, 0));
        assert_eq!(capture.take_gaps(), (0, 0), "told once");
        assert_eq!(capture.counts().all(), [("underruns", 1), ("missing", 64), ("surplus", 0)], "and kept");
    }

    #[test]
    fn a_flood_keeps_the_newest_and_mono_goes_to_both_sides() {
        let (capture, mut end) = input(2);
        for block in 0..1000 {
            capture.push(64, 1, |_| block as f32);
        }
        let got = end.frames(64).to_vec();
        assert!(capture.take_gaps().1 > 0);
        assert!(got.chunks(2).all(|frame| frame[0] == frame[1]));
    }

    #[test]
    fn the_engine_begins_when_a_callback_of_each_side_waits() {
        let (capture, mut end) = input(1);
        end.took(1, 1024);
        capture.push(512, 1, |_| 1.0);
        assert!(end.frames(512).is_empty(), "a callback of 1024 frames comes in two pieces");
        capture.push(512, 1, |_| 1.0);
        assert!(end.frames(512).is_empty());
        capture.push(512, 1, |_| 1.0);
        assert_eq!((end.frames(512).len(), end.frames(512).len()), (512, 512));
        assert_eq!(capture.take_gaps(), (0, 0));
    }
}
