//! Frames through a gain, measured on their way.

use crate::module::isa::Work;

/// How many frames are worked on together.
const TOGETHER: usize = 16;

/// What was seen of some frames.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// Highest size.
    pub peak: f32,
    /// Sum of the squares.
    pub squares: f64,
}

/// Frames that are multiplied by a gain where they stand; what is not finite becomes 0.
pub struct Pass<'a> {
    /// The frames.
    pub frames: &'a mut [f32],
    /// What multiplies them.
    pub gain: f32,
    /// What they are afterwards.
    pub seen: &'a mut Seen,
}

impl Work for Pass<'_> {
    #[inline(always)]
    fn work(self) {
        let Self { frames, gain, seen } = self;
        // Sixteen peaks and sums of their own, so that they need not wait for each other.
        let (mut peaks, mut squares) = ([0.0f32; TOGETHER], [0.0f64; TOGETHER]);
        let mut chunks = frames.chunks_exact_mut(TOGETHER);
        for chunk in &mut chunks {
            for at in 0..TOGETHER {
                let x = through(chunk[at], gain);
                chunk[at] = x;
                peaks[at] = higher(size(x), peaks[at]);
                squares[at] += f64::from(x) * f64::from(x);
            }
        }
        for x in chunks.into_remainder() {
            *x = through(*x, gain);
            peaks[0] = higher(size(*x), peaks[0]);
            squares[0] += f64::from(*x) * f64::from(*x);
        }
        *seen =
            Seen { peak: peaks.into_iter().fold(0.0, |peak, x| higher(x, peak)), squares: squares.into_iter().fold(0.0, |sum, x| sum + x) };
    }
}

#[inline(always)]
fn through(x: f32, gain: f32) -> f32 {
    if x.to_bits() & 0x7f80_0000 == 0x7f80_0000 { 0.0 } else { x * gain }
}

#[inline(always)]
fn size(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7fff_ffff)
}

#[inline(always)]
fn higher(x: f32, than: f32) -> f32 {
    if x > than { x } else { than }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::{Level, run};

    #[test]
    fn frames_of_any_number_pass_and_are_measured_at_every_level() {
        for frames in [1, 15, 16, 40, 64] {
            let mut x: Vec<f32> = (0..frames).map(|at| (at as f32 - 20.0) / 16.0).collect();
            x[0] = f32::NAN;
            let want: Vec<f32> = x.iter().map(|x| if x.is_nan() { 0.0 } else { x * 0.5 }).collect();
            let peak = want.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
            let squares: f64 = want.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
            for level in Level::available() {
                let (mut frames, mut seen) = (x.clone(), Seen::default());
                run(*level, Pass { frames: &mut frames, gain: 0.5, seen: &mut seen });
                assert_eq!((&frames, seen.peak), (&want, peak));
                assert!((seen.squares - squares).abs() < 1e-12);
            }
        }
    }
}
