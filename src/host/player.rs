//! What a host drives.

use crate::engine::Engine;

/// Makes the next frames, any number of them at a time.
pub trait Player: Send {
    /// Works out the next `output.len() / channels` frames, interleaved. `input` is interleaved too, with `input_channels` channels
    /// (0 for none), and may be shorter: what is missing is silence. `[audio]`
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize);
}

impl Player for Engine {
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        Engine::run(self, input, input_channels, output, channels);
    }
}

/// Any closure of the same shape plays too: tests and other programs bring theirs.
impl<F: FnMut(&[f32], usize, &mut [f32], usize) + Send> Player for F {
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        self(input, input_channels, output, channels);
    }
}
