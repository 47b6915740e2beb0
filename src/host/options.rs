//! What may be said about the device to play on.

use std::fmt;
use std::str::FromStr;

/// A way to reach sound devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HostName {
    /// JACK if its server runs, then what the system prefers, else the silent clock.
    #[default]
    Auto,
    /// Real time without a device.
    Silent,
    /// A JACK server (PipeWire's included).
    Jack,
    /// One of the other hosts that this build knows, by cpal's name in small letters: `alsa`, `pulseaudio`, `coreaudio`, `wasapi`.
    Other(&'static str),
}

impl HostName {
    /// The host of this name, which is one of this build's. `[any]`
    pub(super) fn of(name: &'static str) -> Self {
        match name {
            "auto" => Self::Auto,
            "silent" => Self::Silent,
            "jack" => Self::Jack,
            other => Self::Other(other),
        }
    }

    /// As it is written after `--host`. `[any]`
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Silent => "silent",
            Self::Jack => "jack",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no host of this name in this build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no sound host `{name}` here; there are {known}")]
pub struct UnknownHost {
    name: String,
    known: String,
}

impl FromStr for HostName {
    type Err = UnknownHost;

    fn from_str(text: &str) -> Result<Self, UnknownHost> {
        let name = text.trim().to_ascii_lowercase();
        match name.as_str() {
            "auto" => return Ok(Self::Auto),
            "silent" => return Ok(Self::Silent),
            _ => {}
        }
        let known = super::cpal::host_names();
        known
            .iter()
            .copied()
            .find(|host| *host == name || (*host == "pulseaudio" && name == "pulse"))
            .map(Self::of)
            .ok_or_else(|| UnknownHost { name: text.to_owned(), known: format!("auto, silent, {}", known.join(", ")) })
    }
}

/// Which device, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The way to it.
    pub host: HostName,
    /// Its stable name, its name, or a part of it; `None`: the host's default.
    pub device: Option<String>,
    /// Frames a second for the engine; `None`: the device's own.
    pub rate: Option<u32>,
    /// Frames a callback to ask for; JACK has its own.
    pub buffer: Option<u32>,
    /// Channels that the engine puts out.
    pub channels: u16,
    /// The device to capture from, by name as above; with the name of another host and a colon before it, through that host. `default`:
    /// the host's own; `None`: no input.
    pub input: Option<String>,
    /// Channels of the input, as the engine sees it.
    pub input_channels: u16,
    /// The name under which rackd shows itself to JACK.
    pub client: String,
    /// A thread that plays, and has no real-time scheduling from its host as JACK's has, asks the system for it.
    pub realtime: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: HostName::Auto,
            device: None,
            rate: None,
            buffer: None,
            channels: 2,
            input: None,
            input_channels: 2,
            client: "rackd".to_owned(),
            realtime: false,
        }
    }
}

/// Rate where neither the user nor a device says otherwise [Hz].
pub const DEFAULT_RATE: u32 = 48_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_name() {
        assert_eq!("auto".parse(), Ok(HostName::Auto));
        assert_eq!("Silent".parse(), Ok(HostName::Silent));
        #[cfg(all(target_os = "linux", feature = "jack"))]
        assert_eq!("jack".parse(), Ok(HostName::Jack));
        #[cfg(target_os = "linux")]
        assert_eq!("ALSA".parse(), Ok(HostName::Other("alsa")));
        #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
        assert_eq!("pulse".parse(), Ok(HostName::Other("pulseaudio")), "whether it runs or not");
        let error = "oss".parse::<HostName>().unwrap_err().to_string();
        assert!(error.starts_with("there is no sound host `oss` here; there are auto, silent, "), "{error}");
    }
}
