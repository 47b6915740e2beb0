//! Capture: what a device's input callback hears, on its way to the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::driven::PIECE;
use crate::rt::seat::Seat;

/// Frames that the ring between capture and engine holds.
const RING: usize = 16_384;

/// Counts of what went wrong on the way in.
#[derive(Debug, Default)]
pub(super) struct InputCounts {
    /// Frames of silence given because nothing had come.
    starved: AtomicU64,
    /// Frames thrown away because too many had come.
    flooded: AtomicU64,
    /// Frames of the longest capture callback so far.
    longest: AtomicUsize,
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
    /// Enough has come to begin.
    primed: bool,
}

/// Both ends of an input of so many channels; 0 for none. `[control]`
pub(super) fn input(channels: usize) -> (Capture, InputEnd) {
    let (to, from) = rtrb::RingBuffer::new(RING * channels);
    let counts = Arc::new(InputCounts::default());
    let piece = vec![0.0; PIECE * channels].into_boxed_slice();
    (
        Capture { ring: Seat::new(to), counts: Arc::clone(&counts), channels },
        InputEnd { ring: from, counts, channels, piece, primed: false },
    )
}

impl Capture {
    /// Frames missing and frames left out since last asked. `[control]`
    pub fn take_gaps(&self) -> (u64, u64) {
        (self.counts.starved.swap(0, Relaxed), self.counts.flooded.swap(0, Relaxed))
    }

    /// Takes captured frames of a device's own number of channels: one goes to all of ours, surplus ones are left out, missing ones
    /// are silent. `[audio]`
    pub fn push(&self, frames: usize, device_channels: usize, sample: impl Fn(usize) -> f32) {
        self.counts.longest.fetch_max(frames, Relaxed);
        let Some(mut ring) = self.ring.take() else { return };
        let fit = frames.min(ring.slots() / self.channels.max(1));
        let (channels, mono) = (self.channels, device_channels == 1);
        if let Ok(chunk) = ring.write_chunk_uninit(fit * channels) {
            let place = |at: usize| {
                let (frame, channel) = (at / channels, at % channels);
                let from = if mono { 0 } else { channel };
                if from < device_channels { sample(frame * device_channels + from) } else { 0.0 }
            };
            chunk.fill_from_iter((0..fit * channels).map(place));
        }
        if fit < frames {
            self.counts.flooded.fetch_add((frames - fit) as u64, Relaxed);
        }
    }
}

impl InputEnd {
    /// Channels of a frame; 0: there is no input. `[any]`
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The next frames, at most [`PIECE`]; silence, which is counted, where they have not come. `[audio]`
    pub fn frames(&mut self, frames: usize) -> &[f32] {
        if self.channels == 0 {
            return &[];
        }
        let waiting = self.ring.slots() / self.channels;
        let longest = self.counts.longest.load(Relaxed);
        // One capture callback in store, so that the two callbacks may come in any order.
        let store = longest + frames;
        if !self.primed {
            if longest == 0 || waiting < store {
                return &[];
            }
            self.primed = true;
        }
        if waiting > 2 * store + 2 * PIECE {
            // The other clock is faster, or this side stood still: the newest frames are worth more than the oldest.
            let surplus = waiting - store;
            self.skip(surplus);
            self.counts.flooded.fetch_add(surplus as u64, Relaxed);
        }
        let count = frames.min(self.ring.slots() / self.channels);
        if count < frames {
            self.counts.starved.fetch_add((frames - count) as u64, Relaxed);
            self.primed = false;
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

    fn skip(&mut self, frames: usize) {
        if let Ok(chunk) = self.ring.read_chunk(frames * self.channels) {
            chunk.commit_all();
        }
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
}
