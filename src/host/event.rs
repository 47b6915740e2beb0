//! What a host tells of itself, for the log.

use std::fmt;

/// A device that plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The way to it, such as `jack`.
    pub host: &'static str,
    /// Its name.
    pub device: String,
    /// Its frames a second.
    pub rate: u32,
    /// Frames a callback, as far as the device says.
    pub buffer: Option<u32>,
    /// Its channels.
    pub channels: u16,
    /// Its rate is not the engine's: a resampler stands between.
    pub resampled: bool,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), {} Hz, {} channels", self.device, self.host, self.rate, self.channels)?;
        if let Some(buffer) = self.buffer {
            write!(f, ", {buffer} frames a callback")?;
        }
        if self.resampled { f.write_str(", resampled") } else { Ok(()) }
    }
}

/// Something that happened to the device. Each prints as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// The first device plays.
    Started(Running),
    /// There is no device, or none could be opened; the silent clock drives. Said once for each cause.
    Silent {
        /// Why; what to do about it where that is known.
        why: String,
    },
    /// The device that played is gone; the silent clock has taken over and time goes on.
    Lost {
        /// Why.
        why: String,
    },
    /// A device plays again.
    Back(Running),
    /// The device ran dry, or over, this many times since it was last said.
    Xruns(u64),
    /// The silent clock was held up, by a suspend or too much load, and left out this many frames of time.
    Skipped(u64),
    /// Frames of captured sound that were not there in time, and that came too fast and were left out, since it was last said.
    InputGaps {
        /// Silence took their place.
        missing: u64,
        /// They were left out.
        surplus: u64,
    },
    /// Capture works.
    InputStarted(Running),
    /// Capture does not work, or no more; what comes in is silence, and it is tried again.
    InputLost {
        /// Why.
        why: String,
    },
}

impl fmt::Display for HostEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(running) => write!(f, "playing on {running}"),
            Self::Silent { why } => write!(f, "no sound: {why}; running on the silent clock"),
            Self::Lost { why } => write!(f, "the sound device is gone: {why}; going on on the silent clock"),
            Self::Back(running) => write!(f, "sound is back, on {running}"),
            Self::Xruns(count) => write!(f, "{count} xruns"),
            Self::Skipped(frames) => write!(f, "the silent clock was held up and left out {frames} frames"),
            Self::InputStarted(running) => write!(f, "capturing from {running}"),
            Self::InputGaps { missing, surplus } => write!(f, "input: {missing} frames missing, {surplus} left out"),
            Self::InputLost { why } => write!(f, "no input: {why}"),
        }
    }
}
