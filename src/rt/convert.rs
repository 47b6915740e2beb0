//! From a sender's rate to ours, by a ratio that may be bent a little while it runs: so two clocks are joined.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction};

use super::steady::MOST;

/// Frames that go through at once, as a part of a second.
const PIECES: u32 = 1_000;

/// Turns frames of one rate into frames of another; what is too little for a piece waits in it. Everything is allocated when it is made.
pub struct Convert {
    inner: Async<f32>,
    channels: usize,
    ratio: f64,
    waiting: Vec<f32>,
    out: Box<[f32]>,
    /// Frames from before the first that are still to be left out.
    early: usize,
}

impl Convert {
    /// From one rate to another [Hz]. `[control]`
    ///
    /// # Errors
    /// A sentence, where no such converter can be made.
    pub fn new(from: u32, to: u32, channels: usize) -> Result<Self, String> {
        let ratio = f64::from(to) / f64::from(from);
        // Where fewer come out than go in, the filter must be longer to stay as steep.
        let taps = 128 * (from.div_ceil(to) as usize).clamp(1, 16);
        let quality = SincInterpolationParameters::new(taps, WindowFunction::Blackman2)
            .oversampling_factor(256)
            .interpolation(SincInterpolationType::Quadratic);
        let piece = (from / PIECES).max(8) as usize;
        let inner = Async::new_sinc(ratio, MOST * 1.001, &quality, piece, channels, FixedAsync::Input)
            .map_err(|why| format!("{from} Hz cannot be turned into {to} Hz: {why}"))?;
        let waiting = Vec::with_capacity(inner.input_frames_max() * channels);
        let out = vec![0.0; inner.output_frames_max() * channels].into_boxed_slice();
        let early = inner.output_delay();
        Ok(Self { inner, channels, ratio, waiting, out, early })
    }

    /// Frames that come out for one that goes in, where nothing is bent. `[any]`
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    /// Frames that come out at once, at most. `[any]`
    pub fn most(&self) -> usize {
        self.out.len() / self.channels
    }

    /// Frames that went in and wait for the rest of their piece. `[any]`
    pub fn waiting(&self) -> usize {
        self.waiting.len() / self.channels
    }

    /// From now on the sender counts as faster by this than it says: 0.0002 is 200 parts in a million. `[audio]`
    pub fn faster(&mut self, by: f64) {
        // What `Steady` gives is within the bounds that this was made with, so it is not refused.
        let _ = self.inner.set_resample_ratio_relative(1.0 / (1.0 + by), true);
    }

    /// Takes interleaved frames, as many as there are, and gives what they become to `take`, in pieces. `[audio]`
    pub fn give(&mut self, samples: &[f32], mut take: impl FnMut(&[f32])) {
        let mut rest = samples;
        loop {
            let frames = self.inner.input_frames_next();
            let need = frames * self.channels;
            let (fresh, later) = rest.split_at(need.saturating_sub(self.waiting.len()).min(rest.len()));
            self.waiting.extend_from_slice(fresh);
            rest = later;
            if self.waiting.len() < need {
                return;
            }
            let room = self.out.len() / self.channels;
            let input = InterleavedSlice::new(&self.waiting[..need], self.channels, frames);
            let output = InterleavedSlice::new_mut(&mut self.out, self.channels, room);
            let made = match (input, output) {
                (Ok(input), Ok(mut output)) => self.inner.process_into_buffer(&input, &mut output, None).map_or(0, |(_, made)| made),
                _ => 0,
            };
            let left_out = made.min(self.early);
            self.early -= left_out;
            take(&self.out[left_out * self.channels..made * self.channels]);
            self.waiting.clear();
        }
    }

    /// No more comes: what is within goes on its way. `[control]`
    pub fn finish(&mut self, take: impl FnMut(&[f32])) {
        let late = (self.inner.output_delay() as f64 / self.ratio).ceil() as usize + self.inner.input_frames_next();
        self.give(&vec![0.0; late * self.channels], take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_come_out_as_the_ratio_says_however_they_go_in() {
        for (from, to) in [(44_100, 48_000), (48_000, 48_000), (96_000, 48_000)] {
            let mut told = Vec::new();
            for length in [1, 37, 480, 5_000] {
                let mut convert = Convert::new(from, to, 2).unwrap();
                let samples = vec![0.25; 2 * length];
                let (mut given, mut out) = (0, Vec::new());
                while given < from as usize / 4 {
                    convert.give(&samples, |piece| out.extend_from_slice(piece));
                    given += length;
                }
                convert.finish(|piece| out.extend_from_slice(piece));
                let expected = given as f64 * convert.ratio();
                let frames = out.len() / 2;
                assert!((frames as f64 - expected).abs() < 200.0, "{from} to {to} by {length}: {frames} frames of {expected}");
                told.push(out[..10_000].to_vec());
            }
            assert!(told.iter().all(|one| *one == told[0]), "{from} to {to}: how the frames go in changes nothing");
        }
    }

    #[test]
    fn a_sender_that_is_faster_gives_fewer_frames() {
        let mut frames = [0usize; 3];
        for (count, by) in frames.iter_mut().zip([0.004, 0.0, -0.004]) {
            let mut convert = Convert::new(48_000, 48_000, 1).unwrap();
            convert.faster(by);
            convert.give(&[0.0; 50_000], |piece| *count += piece.len());
        }
        let [fast, even, slow] = frames;
        assert!(even.abs_diff(fast).abs_diff(200) < 10 && slow.abs_diff(even).abs_diff(200) < 10, "{frames:?}");
    }
}
