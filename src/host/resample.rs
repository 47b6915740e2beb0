//! From the engine's rate, which never changes, to a device's that is another.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction};

/// Frames given out at a time inside.
const CHUNK: usize = 64;

/// Turns frames of one rate into frames of another, in any lengths. Everything is allocated when it is made.
pub(super) struct Converter {
    inner: Async<f32>,
    channels: usize,
    fresh: Box<[f32]>,
    ready: Box<[f32]>,
    /// Frames of `ready` already given out.
    given: usize,
}

impl Converter {
    /// From one rate to another [Hz]. `[control]`
    ///
    /// # Errors
    /// A sentence, where no such converter can be made.
    pub fn new(from: u32, to: u32, channels: usize) -> Result<Self, String> {
        let ratio = f64::from(to) / f64::from(from);
        let quality = SincInterpolationParameters::new(128, WindowFunction::Blackman2)
            .oversampling_factor(256)
            .interpolation(SincInterpolationType::Quadratic);
        let inner = Async::new_sinc(ratio, 1.0, &quality, CHUNK, channels, FixedAsync::Output)
            .map_err(|why| format!("{from} Hz cannot be turned into {to} Hz: {why}"))?;
        let fresh = vec![0.0; inner.input_frames_max() * channels].into_boxed_slice();
        Ok(Self { inner, channels, fresh, ready: vec![0.0; CHUNK * channels].into_boxed_slice(), given: CHUNK })
    }

    /// How much later, in seconds of the device's `rate`, a new frame comes out than it goes in. `[audio]`
    pub fn delay(&self, rate: u32) -> f64 {
        (self.inner.output_delay() + CHUNK - self.given) as f64 / f64::from(rate)
    }

    /// Gives out so many device frames in pieces, asking `more` to fill engine frames into the slice that it is given. `[audio]`
    pub fn frames(&mut self, frames: usize, mut more: impl FnMut(&mut [f32]), mut take: impl FnMut(&[f32])) {
        let mut left = frames;
        while left > 0 {
            if self.given == CHUNK {
                self.convert(&mut more);
            }
            let count = left.min(CHUNK - self.given);
            take(&self.ready[self.given * self.channels..(self.given + count) * self.channels]);
            self.given += count;
            left -= count;
        }
    }

    fn convert(&mut self, more: &mut impl FnMut(&mut [f32])) {
        let need = self.inner.input_frames_next();
        let fresh = &mut self.fresh[..need * self.channels];
        more(fresh);
        self.given = 0;
        let input = InterleavedSlice::new(&*fresh, self.channels, need);
        let output = InterleavedSlice::new_mut(&mut self.ready, self.channels, CHUNK);
        let done = match (input, output) {
            (Ok(input), Ok(mut output)) => self.inner.process_into_buffer(&input, &mut output, None).is_ok(),
            _ => false,
        };
        if !done {
            self.ready.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A tone at one rate, asked for in odd lengths at another: its amplitude, and the level of all else [dB below it].
    fn purity(from: u32, to: u32, hertz: f64) -> (f64, f64) {
        let mut converter = Converter::new(from, to, 2).unwrap();
        let (mut at, mut out) = (0u64, Vec::new());
        let lengths = [1usize, 7, 64, 113, 512, 2000];
        for round in 0..600 {
            converter.frames(
                lengths[round % lengths.len()],
                |fresh| {
                    for frame in fresh.chunks_exact_mut(2) {
                        frame.fill((0.5 * (TAU * hertz * at as f64 / f64::from(from)).sin()) as f32);
                        at += 1;
                    }
                },
                |piece| out.extend(piece.chunks_exact(2).map(|frame| f64::from(frame[0]))),
            );
        }
        let tail = &out[4096..];
        let step = TAU * hertz / f64::from(to);
        let (mut s, mut c, mut ss, mut cc, mut sc) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (n, x) in tail.iter().enumerate() {
            let (sin, cos) = (step * n as f64).sin_cos();
            s += x * sin;
            c += x * cos;
            ss += sin * sin;
            cc += cos * cos;
            sc += sin * cos;
        }
        let det = ss * cc - sc * sc;
        let (a, b) = ((s * cc - c * sc) / det, (c * ss - s * sc) / det);
        let rest: f64 =
            tail.iter().enumerate().map(|(n, x)| x - a * (step * n as f64).sin() - b * (step * n as f64).cos()).map(|x| x * x).sum();
        let amplitude = a.hypot(b);
        (amplitude, 10.0 * (rest / tail.len() as f64 / (amplitude * amplitude / 2.0)).log10())
    }

    #[test]
    fn a_tone_stays_pure_at_its_pitch_and_level() {
        for (from, to, hertz) in [(48_000, 44_100, 997.0), (44_100, 48_000, 997.0), (48_000, 96_000, 10_007.0), (48_000, 44_100, 15_013.0)]
        {
            let (amplitude, rest) = purity(from, to, hertz);
            println!("{from} -> {to} Hz, {hertz} Hz: amplitude {amplitude:.5}, residue {rest:.1} dB");
            assert!((amplitude - 0.5).abs() < 0.001, "{from} -> {to}: {amplitude}");
            assert!(rest < -90.0, "{from} -> {to}: {rest} dB");
        }
    }

    #[test]
    fn as_many_frames_go_in_as_the_ratio_says() {
        let mut converter = Converter::new(48_000, 44_100, 1).unwrap();
        let mut asked = 0usize;
        for _ in 0..441 {
            converter.frames(1000, |fresh| asked += fresh.len(), |_| {});
        }
        assert!(asked.abs_diff(480_000) < 400, "{asked}");
    }
}
