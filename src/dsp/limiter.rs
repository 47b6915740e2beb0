//! What keeps a stereo signal under a ceiling.

use super::math::{exp2, tame};

/// Finds the gain that keeps peaks under a ceiling: falls at once, holds for a moment, rises smoothly.
///
/// While nothing has come near the ceiling the gain is 1 exactly, so the signal passes bit by bit.
#[derive(Clone, Debug)]
pub struct Limiter {
    /// 1 less the gain.
    cut: f32,
    /// Frames until the gain may rise.
    hold: u32,
    hold_frames: u32,
}

/// A cut below this is none: a step of −100 dB.
const NEAR: f32 = 1e-5;

impl Limiter {
    /// The level at which the master is held: −0.3 dBFS.
    pub const CEILING: f32 = 0.966_051;
    /// Time in which the master's gain has come back by 63 % [s].
    pub const RELEASE: f32 = 0.08;

    /// At rest, for a rate [Hz]. `[control]`
    pub fn new(rate: f32) -> Self {
        Self { cut: 0.0, hold: 0, hold_frames: (rate * 0.008) as u32 }
    }

    /// Starts afresh. `[audio]`
    #[inline(always)]
    pub fn reset(&mut self) {
        self.cut = 0.0;
        self.hold = 0;
    }

    /// Part of its cut that the gain loses in a frame, for a release time [s] and a rate [Hz]. `[any]`
    #[inline(always)]
    pub fn release_step(seconds: f32, rate: f32) -> f32 {
        1.0 - exp2(-std::f32::consts::LOG2_E / (seconds * rate))
    }

    /// The gain for a frame whose highest side is `peak`. `[audio]`
    #[inline(always)]
    pub fn gain(&mut self, peak: f32, ceiling: f32, release_step: f32) -> f32 {
        let needed = if peak > ceiling { 1.0 - ceiling / peak } else { 0.0 };
        if needed > self.cut {
            self.cut = needed;
            self.hold = self.hold_frames;
        } else if self.hold > 0 {
            self.hold -= 1;
        } else {
            let left = self.cut - self.cut * release_step;
            let left = if left > NEAR { left } else { 0.0 };
            self.cut = if left > needed { left } else { needed };
        }
        1.0 - self.cut
    }

    /// Whether so many frames whose highest is `peak` pass bit by bit, because nothing is cut: then they have passed, else nothing
    /// has happened. `[audio]`
    #[inline(always)]
    pub fn passes(&mut self, frames: usize, peak: f32, ceiling: f32) -> bool {
        let passes = self.cut == 0.0 && peak <= ceiling;
        if passes {
            self.hold = self.hold.saturating_sub(frames as u32);
        }
        passes
    }

    /// One frame, both sides by one gain. What comes out is finite and within ±`ceiling`, whatever comes in; no delay. `[audio]`
    #[inline(always)]
    pub fn frame(&mut self, left: f32, right: f32, ceiling: f32, release_step: f32) -> (f32, f32) {
        let (left, right) = (tame(left), tame(right));
        let gain = self.gain(peak(left, right), ceiling, release_step);
        (within(left * gain, ceiling), within(right * gain, ceiling))
    }
}

/// The greater of two magnitudes. `[audio]`
#[inline(always)]
pub fn peak(left: f32, right: f32) -> f32 {
    let left = f32::from_bits(left.to_bits() & 0x7fff_ffff);
    let right = f32::from_bits(right.to_bits() & 0x7fff_ffff);
    if left > right { left } else { right }
}

/// Held within ±`ceiling`: takes back what rounding puts above. `[audio]`
#[inline(always)]
pub fn within(x: f32, ceiling: f32) -> f32 {
    let x = if x > -ceiling { x } else { -ceiling };
    if x < ceiling { x } else { ceiling }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f32 = 48_000.0;

    fn run(frames: impl Iterator<Item = (f32, f32)>) -> Vec<(f32, f32)> {
        let mut limiter = Limiter::new(RATE);
        let step = Limiter::release_step(Limiter::RELEASE, RATE);
        frames.map(|(left, right)| limiter.frame(left, right, Limiter::CEILING, step)).collect()
    }

    fn tone(level: f64) -> impl Iterator<Item = (f32, f32)> {
        (0..48_000).map(move |t| {
            let x = level * libm::sin(f64::from(t) * std::f64::consts::TAU * 100.0 / 48_000.0);
            (x as f32, (0.5 * x) as f32)
        })
    }

    #[test]
    fn what_lies_below_passes_bit_by_bit() {
        assert!(run(tone(0.966)).iter().zip(tone(0.966)).all(|(out, x)| *out == x));
    }

    #[test]
    fn blocks_that_pass_are_as_if_they_had_gone_frame_by_frame() {
        let step = Limiter::release_step(Limiter::RELEASE, RATE);
        let (mut whole, mut single) = (Limiter::new(RATE), Limiter::new(RATE));
        let mut passed = 0;
        for block in 0..400 {
            let frames: Vec<f32> = (0..64).map(|t| if block % 150 == 20 && t == 9 { 3.0 } else { 0.5 }).collect();
            let top = frames.iter().fold(0.0, |top, x| peak(top, *x));
            let want: Vec<f32> = frames.iter().map(|x| single.frame(*x, 0.0, Limiter::CEILING, step).0).collect();
            if whole.passes(64, top, Limiter::CEILING) {
                passed += 1;
                assert_eq!(frames, want);
            } else {
                let got: Vec<f32> = frames.iter().map(|x| whole.frame(*x, 0.0, Limiter::CEILING, step).0).collect();
                assert_eq!(got, want);
            }
        }
        assert!((20..300).contains(&passed), "{passed}");
    }

    #[test]
    fn nothing_comes_out_above_and_the_sides_keep_their_ratio() {
        for (left, right) in run(tone(7.0)) {
            assert!(left.abs() <= Limiter::CEILING);
            assert!((right - 0.5 * left).abs() < 1e-6);
        }
        let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e6, -3.0];
        assert!(
            run(bad.into_iter().cycle().take(1_000).map(|x| (x, 1.0))).iter().all(|(left, right)| left.abs() <= 1.0 && right.abs() <= 1.0)
        );
    }

    #[test]
    fn the_gain_comes_back_smoothly_and_whole() {
        let out = run((0..48_000).map(|t| (if t == 100 { 4.0 } else { 0.5 }, 0.0)));
        let gain: Vec<f32> = out.iter().map(|(left, _)| left / 0.5).collect();
        assert!(gain[101] < 0.25 && gain[..100].iter().all(|g| *g == 1.0));
        let step = (102..48_000).map(|t| (gain[t] - gain[t - 1]).abs()).fold(0.0, f32::max);
        assert!(step < 3e-4, "{step}");
        // 8 ms of hold, then 63 % of the way in 80 ms.
        let at = 100 + (0.088 * RATE) as usize;
        assert!((gain[at] - (1.0 - 0.758_49 / std::f32::consts::E)).abs() < 0.01, "{}", gain[at]);
        assert_eq!(out[47_999].0, 0.5);
    }

    #[test]
    fn a_loud_tone_is_hardly_bent() {
        // All that is not the tone or its gain: the release ripples by less than a percent between the peaks.
        let out = run(tone(2.0));
        let (a, b) = (24_000, 43_200);
        let (mut power, mut re, mut im) = (0.0, 0.0, 0.0);
        for (t, (left, _)) in out.iter().enumerate().take(b).skip(a) {
            let x = f64::from(*left);
            let angle = t as f64 * std::f64::consts::TAU * 100.0 / 48_000.0;
            power += x * x;
            re += x * libm::cos(angle);
            im += x * libm::sin(angle);
        }
        let n = (b - a) as f64;
        let tone = 2.0 * (re * re + im * im) / n;
        let rest = 10.0 * libm::log10((power - tone) / power);
        assert!(rest < -40.0, "{rest} dB");
    }
}
