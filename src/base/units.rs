//! The units in which inputs and controls are measured, and the one place that says how each is counted inside.

/// Frequency that counts as 0 octaves: C4, note number 60, in equal temperament from A4 = 440 Hz [Hz].
pub const C4_HZ: f64 = 261.625_565_300_598_6;

/// What an input, a control or a number is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A signal, nominally ±1. Sums of audio are neither clamped nor smoothed.
    Audio,
    /// A frequency. Users write Hz; sums count octaves from C4; kernels are given Hz.
    Hertz,
    /// An interval of pitch [octaves].
    Octaves,
    /// A length of time [s].
    Seconds,
    /// A level [dB]. Sums add dB; kernels are given dB.
    Decibels,
    /// A plain number.
    Number,
    /// An angle [degrees].
    Degrees,
    /// 0 or 1; high while above 0.5. Never smoothed, never merged.
    Gate,
    /// An instant: fires on each rise above 0.5. Never smoothed, never merged.
    Trigger,
}

/// Octaves above C4 of a frequency [Hz]. Off the audio thread only. `[control]`
pub fn octaves_from_hertz(hertz: f64) -> f64 {
    libm::log2(hertz / C4_HZ)
}

/// Frequency [Hz] of a pitch in octaves above C4. Off the audio thread only. `[control]`
pub fn hertz_from_octaves(octaves: f64) -> f64 {
    C4_HZ * libm::exp2(octaves)
}

/// The factor that a level in dB stands for: −6 dB is 0.501. `[control]`
pub fn factor_from_decibels(decibels: f64) -> f64 {
    libm::pow(10.0, decibels / 20.0)
}
