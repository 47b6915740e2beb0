//! What was played, on its way to someone who keeps it: a ring in which frames are never out of place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The audio thread's end: takes frames and never waits.
///
/// Where the ring is full, frames are lost and counted, and silence of the same length goes in as soon as there is room: what comes
/// out at the other end stays true in time.
pub struct Tap {
    ring: rtrb::Producer<f32>,
    channels: usize,
    /// Samples of silence still owed for those that were lost.
    owed: usize,
    lost: Arc<AtomicU64>,
    /// Frames given so far, lost ones among them.
    given: u64,
    /// Where the gap begins that has not ended yet.
    gap: Option<u64>,
    gaps: rtrb::Producer<Gap>,
}

/// The other end.
pub struct TapEnd {
    ring: rtrb::Consumer<f32>,
    channels: usize,
    lost: Arc<AtomicU64>,
    gaps: rtrb::Consumer<Gap>,
}

/// Frames that were lost: there is silence in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them, counted from the first that was given.
    pub at: u64,
    /// How many.
    pub frames: u64,
}

/// Gaps that wait to be read at most; of more, the frames are still counted.
const GAPS: usize = 1024;

/// Both ends of a ring for this many frames of so many channels. `[control]`
pub fn tap(channels: usize, frames: usize) -> (Tap, TapEnd) {
    let channels = channels.max(1);
    let size = channels * frames.max(1);
    let (ring, from) = rtrb::RingBuffer::new(size);
    let (gaps, gaps_end) = rtrb::RingBuffer::new(GAPS);
    let lost = Arc::new(AtomicU64::new(0));
    let mut near = Tap { ring, channels, owed: 0, lost: Arc::clone(&lost), given: 0, gap: None, gaps };
    let mut far = TapEnd { ring: from, channels, lost, gaps: gaps_end };
    // The system gives memory when it is first written to: not while sound is worked out.
    near.write(size, std::iter::repeat_n(0.0, size));
    let _ = far.drain(usize::MAX, |_| Ok::<(), ()>(()));
    (near, far)
}

impl Tap {
    /// Puts interleaved frames in, or counts them as lost. `[audio]`
    pub fn push(&mut self, frames: &[f32]) {
        let room = self.room();
        let silence = self.owed.min(room);
        self.write(silence, std::iter::repeat_n(0.0, silence));
        self.owed -= silence;
        // What follows silence that is still owed would come too early.
        let fit = if self.owed == 0 { frames.len().min(room - silence) } else { 0 };
        if fit > 0 {
            self.end_gap();
        }
        self.write(fit, frames[..fit].iter().copied());
        self.given += (fit / self.channels) as u64;
        let lost = frames.len() - fit;
        if lost > 0 {
            self.gap = self.gap.or(Some(self.given));
            self.given += (lost / self.channels) as u64;
            self.owed += lost;
            self.lost.fetch_add((lost / self.channels) as u64, Relaxed);
        }
    }

    /// What is lost at this moment is told: nothing more comes. `[audio]`
    pub fn end_gap(&mut self) {
        if let Some(at) = self.gap.take() {
            let _ = self.gaps.push(Gap { at, frames: self.given - at });
        }
    }

    /// Whether nobody is at the other end any more. `[audio]`
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Free places in the ring, whole frames only [samples].
    fn room(&self) -> usize {
        let slots = self.ring.slots();
        slots - slots % self.channels
    }

    fn write(&mut self, count: usize, samples: impl Iterator<Item = f32>) {
        if let Ok(chunk) = self.ring.write_chunk_uninit(count) {
            chunk.fill_from_iter(samples);
        }
    }
}

impl TapEnd {
    /// Channels of a frame. `[any]`
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames lost so far; each was, or will be, made up for by silence. `[any]`
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// The next gap that has ended since last asked. `[control]`
    pub fn gap(&mut self) -> Option<Gap> {
        self.gaps.pop().ok()
    }

    /// Frames that are waiting. `[any]`
    pub fn waiting(&self) -> usize {
        self.ring.slots() / self.channels
    }

    /// Whether the other end is gone: what is waiting is all there will be. `[any]`
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Gives what is waiting, so many frames at most, interleaved, in one or two pieces of whole samples; how many frames. `[control]`
    ///
    /// # Errors
    /// What `take` refused; the piece it refused is gone.
    pub fn drain<E>(&mut self, most: usize, mut take: impl FnMut(&[f32]) -> Result<(), E>) -> Result<usize, E> {
        let samples = self.waiting().min(most) * self.channels;
        let Ok(chunk) = self.ring.read_chunk(samples) else { return Ok(0) };
        let (first, second) = chunk.as_slices();
        let done = take(first).and_then(|()| if second.is_empty() { Ok(()) } else { take(second) });
        chunk.commit_all();
        done.map(|()| samples / self.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(end: &mut TapEnd) -> Vec<f32> {
        let mut out = Vec::new();
        end.drain(usize::MAX, |piece| {
            out.extend_from_slice(piece);
            Ok::<(), ()>(())
        })
        .unwrap();
        out
    }

    #[test]
    fn lost_frames_become_silence_in_their_own_place() {
        let (mut tap, mut end) = tap(2, 4);
        tap.push(&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        tap.push(&[4.0, 4.0, 5.0, 5.0]); // one fits, one is lost
        assert_eq!(end.lost(), 1);
        assert_eq!(all(&mut end), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
        tap.push(&[6.0, 6.0]);
        assert_eq!(all(&mut end), [0.0, 0.0, 6.0, 6.0]);
        assert_eq!((end.lost(), end.gap(), end.gap()), (1, Some(Gap { at: 4, frames: 1 }), None));
    }

    #[test]
    fn a_long_stall_owes_all_of_its_length() {
        let (mut tap, mut end) = tap(1, 8);
        let mut out = Vec::new();
        for n in 0..100 {
            tap.push(&[n as f32 + 1.0; 3]);
            if n > 40 {
                out.append(&mut all(&mut end));
            }
        }
        out.append(&mut all(&mut end));
        tap.end_gap();
        let gaps: Vec<Gap> = std::iter::from_fn(|| end.gap()).collect();
        assert_eq!(gaps.iter().map(|gap| gap.frames).sum::<u64>(), end.lost());
        // What is still owed at the end is not in the ring yet; all that is there lies where it belongs.
        for (at, x) in out.iter().enumerate() {
            let lost = gaps.iter().any(|gap| (gap.at..gap.at + gap.frames).contains(&(at as u64)));
            assert_eq!(*x, if lost { 0.0 } else { (at / 3) as f32 + 1.0 }, "frame {at}");
        }
        assert!(out.ends_with(&[100.0]));
        assert!(end.lost() > 100);
    }

    #[test]
    fn either_end_sees_the_other_go() {
        let (tap, end) = super::tap(1, 1);
        assert!(!tap.is_abandoned() && !end.is_abandoned());
        drop(end);
        assert!(tap.is_abandoned());
    }
}
