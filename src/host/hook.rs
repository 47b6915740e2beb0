//! A process hook: code of one's own once a block, on the audio thread.

use std::time::Instant;

use super::player::Player;
use crate::base::time::{BLOCK, SampleTime, tile_index};

/// A player before each of whose blocks something else is done: what Csound's process callback is to its performance thread.
///
/// A block is [`BLOCK`] frames, counted from the first frame on, however many the host asks for at a time: the hook is called as often, and
/// for the same frames, with every device and offline. What it sends through a feed of its own
/// ([`Control::take_feed`](crate::control::Control::take_feed)) with the time 0 acts on the first frame of that block, with a later
/// time on that frame.
///
/// ```
/// use rackd::host::{Hooked, Player};
///
/// let mut blocks = 0;
/// let silence = |_: &[f32], _: usize, output: &mut [f32], _: usize| output.fill(0.0);
/// let mut player = Hooked::new(silence, |_| blocks += 1);
/// player.run(&[], 0, &mut [0.5; 2 * 200], 2);
/// drop(player);
/// assert_eq!(blocks, 4);
/// ```
///
/// The hook runs on the audio thread: it may not allocate, free, lock, wait, log, call the system or panic. Time goes on in a pause of
/// the transport, and so does the hook.
pub struct Hooked<P, H> {
    player: P,
    hook: H,
    now: SampleTime,
}

impl<P: Player, H: FnMut(SampleTime) + Send> Hooked<P, H> {
    /// A player that has not run yet, and what is called before each of its blocks, with the block's first frame. `[control]`
    pub fn new(player: P, hook: H) -> Self {
        Self { player, hook, now: 0 }
    }

    /// The same where the next frame of the player is this one. `[control]`
    #[must_use]
    pub fn beginning(mut self, now: SampleTime) -> Self {
        self.now = now;
        self
    }

    /// The player and the hook back, as they have become. `[control]`
    pub fn into_parts(self) -> (P, H) {
        (self.player, self.hook)
    }
}

impl<P: Player, H: FnMut(SampleTime) + Send> Player for Hooked<P, H> {
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        let frames = output.len().checked_div(channels).unwrap_or(0);
        if frames == 0 {
            // No time goes by.
            return self.player.run(input, input_channels, output, channels);
        }
        let mut done = 0;
        while done < frames {
            let from = tile_index(self.now);
            if from == 0 {
                (self.hook)(self.now);
            }
            let end = done + (BLOCK - from).min(frames - done);
            let place = |frame: usize| (frame * input_channels).min(input.len());
            self.player.run(&input[place(done)..place(end)], input_channels, &mut output[done * channels..end * channels], channels);
            self.now += (end - done) as u64;
            done = end;
        }
    }

    fn expect(&mut self, due: Instant) {
        self.player.expect(due);
    }

    fn heard(&mut self, stamp: u64) {
        self.player.heard(stamp);
    }

    fn loaded(&mut self, share: f32, frames: usize) {
        self.player.loaded(share, frames);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Puts out what comes in.
    fn echo(input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        assert_eq!((input_channels, channels), (1, 2));
        output.fill(0.0);
        for (frame, x) in output.chunks_exact_mut(2).zip(input) {
            frame.fill(*x);
        }
    }

    #[test]
    fn it_is_called_once_a_block_whatever_the_buffers_and_no_frame_is_lost() {
        let input: Vec<f32> = (0..1000).map(|n| n as f32).collect();
        for size in [1, 17, 64, 100, 480, 1000] {
            let told = Arc::new(Mutex::new(Vec::new()));
            let calls = Arc::clone(&told);
            let mut hooked = Hooked::new(echo, move |now| calls.lock().expect("nobody panics").push(now));
            let mut heard = Vec::new();
            for piece in input.chunks(size) {
                let mut out = vec![0.0; 2 * piece.len()];
                hooked.run(piece, 1, &mut out, 2);
                heard.extend(out.chunks(2).map(|frame| frame[1]));
            }
            assert_eq!(heard, input, "buffers of {size}");
            assert_eq!(*told.lock().expect("nobody panics"), (0..16).map(|n| n * 64).collect::<Vec<u64>>(), "buffers of {size}");
        }
    }

    #[test]
    fn without_frames_and_with_too_little_input_nothing_goes_wrong() {
        let mut calls = 0;
        let mut hooked = Hooked::new(echo, |_| calls += 1).beginning(60);
        hooked.run(&[], 1, &mut [], 2);
        let mut out = [1.0; 2 * 10];
        hooked.run(&[0.5; 3], 1, &mut out, 2);
        assert_eq!(out.iter().filter(|x| **x != 0.0).count(), 6);
        assert_eq!(calls, 1, "frame 64 is the first of a block");
    }
}
