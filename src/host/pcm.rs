//! Samples as devices want them, and engine channels laid over a device's.

use cpal::{I24, SizedSample, U24};

/// A device's sample format.
pub(super) trait Pcm: SizedSample + Send + 'static {
    /// From ±1; what is outside is clipped, no number is silence. `[audio]`
    fn from_float(x: f32) -> Self;
    /// To ±1. `[audio]`
    fn to_float(self) -> f32;
}

/// Whole numbers are rounded in f64, which holds every step of them up to 32 bits; casts saturate and take no number as 0.
macro_rules! signed {
    ($type:ty, $full:expr) => {
        impl Pcm for $type {
            #[inline]
            fn from_float(x: f32) -> Self {
                (f64::from(x) * $full).round_ties_even() as $type
            }
            #[inline]
            fn to_float(self) -> f32 {
                (self as f64 / $full) as f32
            }
        }
    };
}

macro_rules! unsigned {
    ($type:ty, $full:expr) => {
        impl Pcm for $type {
            #[inline]
            fn from_float(x: f32) -> Self {
                let x = if x.is_nan() { 0.0 } else { x };
                (f64::from(x) * $full + $full).round_ties_even() as $type
            }
            #[inline]
            fn to_float(self) -> f32 {
                ((self as f64 - $full) / $full) as f32
            }
        }
    };
}

signed!(i8, 128.0);
signed!(i16, 32_768.0);
signed!(i32, 2_147_483_648.0);
signed!(i64, 9_223_372_036_854_775_808.0);
unsigned!(u8, 128.0);
unsigned!(u16, 32_768.0);
unsigned!(u32, 2_147_483_648.0);
unsigned!(u64, 9_223_372_036_854_775_808.0);

impl Pcm for f32 {
    #[inline]
    fn from_float(x: f32) -> Self {
        // Devices with floats may go beyond ±1; no number would deafen.
        if x.is_nan() { 0.0 } else { x }
    }
    #[inline]
    fn to_float(self) -> f32 {
        if self.is_finite() { self } else { 0.0 }
    }
}

impl Pcm for f64 {
    #[inline]
    fn from_float(x: f32) -> Self {
        f64::from(f32::from_float(x))
    }
    #[inline]
    fn to_float(self) -> f32 {
        (self as f32).to_float()
    }
}

impl Pcm for I24 {
    #[inline]
    fn from_float(x: f32) -> Self {
        let step = (f64::from(x) * 8_388_608.0).round_ties_even() as i32;
        Self::new(step.clamp(-8_388_608, 8_388_607)).unwrap_or_default()
    }
    #[inline]
    fn to_float(self) -> f32 {
        (f64::from(self.inner()) / 8_388_608.0) as f32
    }
}

impl Pcm for U24 {
    #[inline]
    fn from_float(x: f32) -> Self {
        let x = if x.is_nan() { 0.0 } else { x };
        let step = (f64::from(x) * 8_388_608.0 + 8_388_608.0).round_ties_even() as i32;
        Self::new(step.clamp(0, 16_777_215)).unwrap_or_default()
    }
    #[inline]
    fn to_float(self) -> f32 {
        ((f64::from(self.inner()) - 8_388_608.0) / 8_388_608.0) as f32
    }
}

/// Lays the engine's interleaved frames over a device's: surplus device channels are silent, missing ones are left out, and a mono
/// device gets the mean of the first two. `[audio]`
pub(super) fn spread<T: Pcm>(from: &[f32], channels: usize, to: &mut [T], device_channels: usize) {
    if channels == device_channels {
        for (x, y) in from.iter().zip(to) {
            *y = T::from_float(*x);
        }
        return;
    }
    for (frame, out) in from.chunks_exact(channels).zip(to.chunks_exact_mut(device_channels)) {
        if device_channels == 1 {
            out[0] = T::from_float((frame[0] + frame[1]) * 0.5);
            continue;
        }
        for (channel, y) in out.iter_mut().enumerate() {
            let from = if channels == 1 { usize::from(channel > 1) } else { channel };
            *y = T::from_float(frame.get(from).copied().unwrap_or(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T: Pcm>(step: f32) {
        for x in [-1.0f32, -0.5, -0.1, 0.0, 0.25, 0.7, 0.999] {
            let error = (T::from_float(x).to_float() - x).abs();
            assert!(error <= step, "{x} in {:?} is off by {error}", T::FORMAT);
        }
        assert!(T::from_float(7.0).to_float() >= 1.0 - 2.0 * step, "{:?} clips high", T::FORMAT);
        assert!(T::from_float(-7.0).to_float() <= -1.0, "{:?} clips low", T::FORMAT);
        assert_eq!(T::from_float(f32::NAN).to_float(), 0.0, "{:?} takes no number as silence", T::FORMAT);
        assert_eq!(T::from_float(0.0).to_float(), 0.0, "silence is silent in {:?}", T::FORMAT);
    }

    #[test]
    fn every_format_holds_what_it_is_given() {
        there_and_back::<i8>(1.0 / 128.0);
        there_and_back::<i16>(1.0 / 32_768.0);
        there_and_back::<I24>(1e-6);
        there_and_back::<i32>(1e-6);
        there_and_back::<i64>(1e-6);
        there_and_back::<u8>(1.0 / 128.0);
        there_and_back::<u16>(1.0 / 32_768.0);
        there_and_back::<U24>(1e-6);
        there_and_back::<u32>(1e-6);
        there_and_back::<u64>(1e-6);
        there_and_back::<f32>(0.0);
        there_and_back::<f64>(0.0);
    }

    #[test]
    fn channels_are_laid_over_the_devices() {
        let laid = |channels, device| {
            let mut to = vec![9.0f32; 2 * device];
            spread(&[0.1, 0.2, 0.3, 0.4][..2 * channels], channels, &mut to, device);
            to
        };
        assert_eq!(laid(2, 2), [0.1, 0.2, 0.3, 0.4]);
        assert_eq!(laid(2, 4), [0.1, 0.2, 0.0, 0.0, 0.3, 0.4, 0.0, 0.0]);
        assert_eq!(laid(1, 3), [0.1, 0.1, 0.0, 0.2, 0.2, 0.0]);
        let mono = laid(2, 1);
        assert!((mono[0] - 0.15).abs() < 1e-6 && (mono[1] - 0.35).abs() < 1e-6);
    }
}
