//! Which devices there are, and what each can do, as they can be named in options.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{HostId, SampleFormat, SupportedBufferSize, SupportedStreamConfig, SupportedStreamConfigRange};

use super::cpal::{format_rank, host_name, named};
use crate::rt::quiet::quiet;

/// How long a host is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// One host and its devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostListing {
    /// As after `--host`.
    pub host: &'static str,
    /// Why nothing can be said of its devices.
    pub trouble: Option<String>,
    /// Its devices.
    pub devices: Vec<DeviceListing>,
}

/// One device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceListing {
    /// As after `--device` and `--input-device`; stays the same.
    pub id: String,
    /// As it calls itself.
    pub name: String,
    /// How it plays, where it plays.
    pub output: Option<WayListing>,
    /// How it captures, where it captures.
    pub input: Option<WayListing>,
}

/// What a device can do one way. All lists are empty where it cannot be asked, because another program has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WayListing {
    /// It is what is taken where no device is named.
    pub default: bool,
    /// What it does where nothing is asked for.
    pub usual: Option<ConfigListing>,
    /// Frames a second: from, to, in rising order [Hz].
    pub rates: Vec<(u32, u32)>,
    /// Numbers of channels: from, to, in rising order.
    pub channels: Vec<(u32, u32)>,
    /// Sample formats that rackd knows, such as `i16` and `f32`: letter and bits.
    pub formats: Vec<String>,
    /// Least and most frames a callback, where known.
    pub buffer: Option<(u32, u32)>,
}

/// One configuration of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigListing {
    /// Frames a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// Sample format, such as `f32`.
    pub format: String,
}

impl WayListing {
    /// Out of what a device says of itself. `[control]`
    fn of(ranges: &[SupportedStreamConfigRange], usual: Option<&SupportedStreamConfig>, default: bool) -> Self {
        let ranges: Vec<_> = ranges.iter().filter(|range| format_rank(range.sample_format()).is_some()).collect();
        let rates = stretches(ranges.iter().map(|range| (range.min_sample_rate(), range.max_sample_rate())).collect(), 0);
        let channels = stretches(ranges.iter().map(|range| (range.channels().into(), range.channels().into())).collect(), 1);
        let mut formats: Vec<SampleFormat> = ranges.iter().map(|range| range.sample_format()).collect();
        formats.sort_unstable_by_key(|format| (format.is_float(), format.is_uint(), format.bits_per_sample()));
        formats.dedup();
        let sizes = ranges.iter().filter_map(|range| match range.buffer_size() {
            SupportedBufferSize::Range { min, max } => Some((*min, *max)),
            SupportedBufferSize::Unknown => None,
        });
        Self {
            default,
            usual: usual.map(|usual| ConfigListing {
                rate: usual.sample_rate(),
                channels: usual.channels(),
                format: usual.sample_format().to_string(),
            }),
            rates,
            channels,
            formats: formats.iter().map(ToString::to_string).collect(),
            buffer: sizes.reduce(|(least, most), (min, max)| (least.min(min), most.max(max))),
        }
    }

    /// Whether the device could not be asked. `[any]`
    pub fn is_unknown(&self) -> bool {
        self.rates.is_empty() && self.usual.is_none()
    }
}

/// Stretches of numbers as they are read: `44100 48000`, `8000..192000`. `[control]`
pub fn spelled(stretches: &[(u32, u32)]) -> String {
    let one = |(from, to): &(u32, u32)| if from == to { from.to_string() } else { format!("{from}..{to}") };
    stretches.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// The same numbers in as few stretches as can be: those that meet, or lie no further apart than `step`, become one.
fn stretches(mut all: Vec<(u32, u32)>, step: u32) -> Vec<(u32, u32)> {
    all.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (from, to) in all {
        match merged.last_mut() {
            Some(last) if from <= last.1.saturating_add(step) => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// Every host of this build and its devices. A host that hangs or fails in itself is listed with its trouble. May take 5 s for each host.
/// `[control]`
pub fn list() -> Vec<HostListing> {
    cpal::ALL_HOSTS
        .iter()
        .copied()
        .map(|id| {
            let (to, from) = channel();
            let asked = thread::Builder::new().name("sound-lister".into()).spawn(move || to.send(list_host(id)));
            let failed = |why: &str| HostListing { host: host_name(id), trouble: Some(why.to_owned()), devices: Vec::new() };
            match asked {
                // A panic of the sound system ends its thread, which ends the channel.
                Ok(_) => from.recv_timeout(PATIENCE).unwrap_or_else(|_| failed("it does not answer")),
                Err(why) => failed(&why.to_string()),
            }
        })
        .collect()
}

fn list_host(id: HostId) -> HostListing {
    let _quiet = quiet();
    let mut listing = HostListing { host: host_name(id), trouble: None, devices: Vec::new() };
    let host = match cpal::host_from_id(id) {
        Ok(host) => host,
        Err(why) => {
            listing.trouble = Some(why.to_string());
            return listing;
        }
    };
    let (output, input) = (host.default_output_device(), host.default_input_device());
    match host.devices() {
        Ok(devices) => {
            for device in devices {
                let (plays, captures) = (output.as_ref() == Some(&device), input.as_ref() == Some(&device));
                let mut found = list_device(&device, plays, captures);
                if listing.host == "jack" {
                    // What it calls itself is another name each time; and it is two, one for each way, that say they go both.
                    found.name = "the card of the server".to_owned();
                    (found.output, found.input) = (found.output.filter(|_| plays), found.input.filter(|_| captures));
                }
                listing.devices.push(found);
            }
        }
        Err(why) => listing.trouble = Some(why.to_string()),
    }
    if listing.devices.is_empty() && listing.trouble.is_none() {
        listing.trouble = Some(if listing.host == "jack" { "no server runs" } else { "no devices" }.to_owned());
    }
    listing
}

/// A device, and whether it is played on and captured from by default.
fn list_device(device: &cpal::Device, plays: bool, captures: bool) -> DeviceListing {
    let named = named(device);
    let output = device.supports_output().then(|| {
        let ranges: Vec<_> = device.supported_output_configs().map(Iterator::collect).unwrap_or_default();
        WayListing::of(&ranges, device.default_output_config().ok().as_ref(), plays)
    });
    let input = device.supports_input().then(|| {
        let ranges: Vec<_> = device.supported_input_configs().map(Iterator::collect).unwrap_or_default();
        WayListing::of(&ranges, device.default_input_config().ok().as_ref(), captures)
    });
    DeviceListing { id: named.id, name: named.name, output, input }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_of_the_build_is_listed_whatever_the_machine_lacks() {
        let listed = list();
        assert_eq!(listed.len(), cpal::ALL_HOSTS.len());
        for host in listed {
            assert!(host.trouble.is_some() || !host.devices.is_empty(), "{host:?} says something");
        }
    }

    #[test]
    fn what_a_device_says_is_put_together() {
        let size = |min, max| SupportedBufferSize::Range { min, max };
        let range = SupportedStreamConfigRange::new;
        let ranges = [
            range(2, 44_100, 44_100, size(32, 1024), SampleFormat::I32),
            range(2, 48_000, 48_000, size(16, 2048), SampleFormat::I16),
            range(1, 48_000, 48_000, SupportedBufferSize::Unknown, SampleFormat::I16),
            range(4, 96_000, 192_000, size(64, 512), SampleFormat::F32),
            range(3, 176_400, 384_000, size(64, 512), SampleFormat::F64),
            range(8, 48_000, 48_000, size(64, 512), SampleFormat::U8),
            range(32, 1, 999_999, size(1, 9), SampleFormat::DsdU8),
        ];
        let usual = SupportedStreamConfig::new(2, 48_000, SupportedBufferSize::Unknown, SampleFormat::I16);
        let way = WayListing::of(&ranges, Some(&usual), true);
        assert_eq!(spelled(&way.rates), "44100 48000 96000..384000");
        assert_eq!(spelled(&way.channels), "1..4 8");
        assert_eq!(way.formats, ["i16", "i32", "u8", "f32", "f64"], "what rackd cannot play is left out");
        assert_eq!(way.buffer, Some((16, 2048)));
        assert_eq!(way.usual, Some(ConfigListing { rate: 48_000, channels: 2, format: "i16".to_owned() }));
        assert!(way.default && !way.is_unknown());
        assert!(WayListing::of(&[], None, false).is_unknown(), "somebody else has it");
    }

    #[test]
    fn every_format_that_can_be_played_is_told_by_its_bits() {
        use SampleFormat::{F32, F64, I8, I16, I24, I32, I64, U8, U16, U24, U32, U64};
        let all = [I8, I16, I24, I32, I64, U8, U16, U24, U32, U64, F32, F64];
        let ranges = all.map(|format| SupportedStreamConfigRange::new(2, 48_000, 48_000, SupportedBufferSize::Unknown, format));
        let told = WayListing::of(&ranges, None, false).formats;
        assert_eq!(told, ["i8", "i16", "i24", "i32", "i64", "u8", "u16", "u24", "u32", "u64", "f32", "f64"]);
    }
}
