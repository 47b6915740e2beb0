//! What a host drives.

use std::time::Instant;

use crate::engine::Engine;

/// Makes the next frames, any number of them at a time.
pub trait Player: Send {
    /// Works out the next `output.len() / channels` frames, interleaved. `input` is interleaved too, with `input_channels` channels
    /// (0 for none), and may be shorter: what is missing is silence. `[audio]`
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize);

    /// The next callback is due at this moment. `[audio]`
    fn expect(&mut self, _due: Instant) {}

    /// The next callback's sound is heard from this moment of the driver's own clock on [µs]; the same for all that it calls. `[audio]`
    fn heard(&mut self, _stamp: u64) {}

    /// The device's last callback, of so many frames, took this share of its time: it may play fewer voices from now on. `[audio]`
    fn loaded(&mut self, _share: f32, _frames: usize) {}
}

impl Player for Engine {
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        Engine::run(self, input, input_channels, output, channels);
    }

    fn expect(&mut self, due: Instant) {
        Engine::expect(self, due);
    }

    fn heard(&mut self, stamp: u64) {
        Engine::heard(self, stamp);
    }

    fn loaded(&mut self, share: f32, frames: usize) {
        Engine::loaded(self, share, frames);
    }
}

/// Any closure of the same shape plays too: tests and other programs bring theirs.
impl<F: FnMut(&[f32], usize, &mut [f32], usize) + Send> Player for F {
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        self(input, input_channels, output, channels);
    }
}
