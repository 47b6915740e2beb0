//! How sound is kept in a file.

use std::path::Path;

/// Highest rate of a FLAC file that its encoder takes [Hz].
const FLAC_RATE: u32 = 96_000;
/// Channels that the format has room for.
const FLAC_CHANNELS: u16 = 8;

/// Kinds of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// WAV; RF64 where it gets larger than 4 GiB.
    #[default]
    Wav,
    /// FLAC: whole numbers without loss, in about half the room.
    Flac,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Wav, Self::Flac];

    /// Its name, and the ending of its files. `[any]`
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
        }
    }

    /// The format of this name. `[any]`
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// The format of a file by its ending. `[any]`
    pub fn of_path(path: &Path) -> Option<Self> {
        path.extension().and_then(|ending| ending.to_str()).and_then(Self::of_name)
    }

    /// How samples are kept where nobody says: WAV as they are, FLAC in 24 bits. `[any]`
    pub const fn sample(self) -> Sample {
        match self {
            Self::Wav => Sample::Float32,
            Self::Flac => Sample::Int24,
        }
    }
}

/// How samples are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sample {
    /// 32-bit float: nothing is clipped.
    #[default]
    Float32,
    /// 24-bit whole numbers.
    Int24,
    /// 16-bit whole numbers.
    Int16,
}

impl Sample {
    /// The format of so many bits: 32 (float), 24 or 16. `[any]`
    pub const fn of_bits(bits: u32) -> Option<Self> {
        match bits {
            32 => Some(Self::Float32),
            24 => Some(Self::Int24),
            16 => Some(Self::Int16),
            _ => None,
        }
    }

    /// Bits of a sample. `[any]`
    pub const fn bits(self) -> u16 {
        match self {
            Self::Float32 => 32,
            Self::Int24 => 24,
            Self::Int16 => 16,
        }
    }

    /// A sample as a whole number of steps; clipped, what is no number is 0. Of no use with floats. `[any]`
    pub fn whole(self, x: f32) -> i32 {
        let full = f64::from(1u32 << (self.bits() - 1));
        (f64::from(x) * full).round_ties_even().clamp(-full, full - 1.0) as i32
    }
}

/// Why a FLAC file cannot be as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// FLAC knows whole numbers only.
    #[error("FLAC has 16 or 24 bits, no floats: say 24, or take WAV")]
    Floats,
    /// More channels than the format has.
    #[error("FLAC has 8 channels at most, not {0}: take WAV")]
    Channels(u16),
    /// A higher rate than the encoder takes.
    #[error("FLAC is written up to 96000 Hz, not at {0} Hz: take WAV")]
    Rate(u32),
}

/// Everything that a file is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    pub(super) format: Format,
    pub(super) sample: Sample,
    pub(super) rate: u32,
    pub(super) channels: u16,
}

impl Spec {
    /// A kind of file, how it keeps samples, its rate [Hz] and its channels. `[any]`
    ///
    /// # Errors
    /// What the format cannot be.
    pub fn new(format: Format, sample: Sample, rate: u32, channels: u16) -> Result<Self, Unfit> {
        if format == Format::Flac {
            if sample == Sample::Float32 {
                return Err(Unfit::Floats);
            }
            if channels > FLAC_CHANNELS {
                return Err(Unfit::Channels(channels));
            }
            if rate > FLAC_RATE {
                return Err(Unfit::Rate(rate));
            }
        }
        Ok(Self { format, sample, rate: rate.max(1), channels: channels.max(1) })
    }

    /// A WAV file. `[any]`
    pub fn wav(sample: Sample, rate: u32, channels: u16) -> Self {
        Self { format: Format::Wav, sample, rate: rate.max(1), channels: channels.max(1) }
    }

    /// The kind of file that a path's ending names, WAV where it names none, with the samples that are usual there. `[any]`
    ///
    /// # Errors
    /// What the format cannot be.
    pub fn of_path(path: &Path, rate: u32, channels: u16) -> Result<Self, Unfit> {
        let format = Format::of_path(path).unwrap_or_default();
        Self::new(format, format.sample(), rate, channels)
    }

    /// Frames a second [Hz]. `[any]`
    pub fn rate(self) -> u32 {
        self.rate
    }

    /// Channels. `[any]`
    pub fn channels(self) -> u16 {
        self.channels
    }

    /// Bytes of a frame where nothing is squeezed. `[any]`
    pub fn frame_bytes(self) -> u64 {
        u64::from(self.channels) * u64::from(self.sample.bits() / 8)
    }
}
