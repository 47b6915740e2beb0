//! Which devices there are, as they can be named in options.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{HostId, SupportedBufferSize, SupportedStreamConfig};

use super::cpal::host_name;
use crate::rt::quiet::quiet;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceListing {
    /// As after `--device`; stays the same.
    pub id: String,
    /// As it calls itself.
    pub name: String,
    /// What it plays by default, where it plays.
    pub output: Option<ConfigListing>,
    /// What it captures by default, where it captures.
    pub input: Option<ConfigListing>,
    /// It is what is played on where no device is named.
    pub default_output: bool,
    /// It is what is captured from where no device is named.
    pub default_input: bool,
}

/// A configuration of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigListing {
    /// Frames a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// Sample format, such as `f32`.
    pub format: String,
    /// Least and most frames a callback, where known.
    pub buffer: Option<(u32, u32)>,
}

/// Every host of this build and its devices. A host that hangs or fails in itself is listed with its trouble. `[control]`
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
                Ok(_) => from.recv_timeout(Duration::from_secs(5)).unwrap_or_else(|_| failed("it does not answer")),
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
                listing.devices.push(DeviceListing {
                    id: device.id().map(|id| id.to_string()).unwrap_or_default(),
                    name: device.to_string().lines().collect::<Vec<_>>().join(", "),
                    output: device.default_output_config().ok().map(|config| config_listing(&config)),
                    input: device.default_input_config().ok().map(|config| config_listing(&config)),
                    default_output: output.as_ref() == Some(&device),
                    default_input: input.as_ref() == Some(&device),
                });
            }
        }
        Err(why) => listing.trouble = Some(why.to_string()),
    }
    if listing.devices.is_empty() && listing.trouble.is_none() {
        listing.trouble = Some(if listing.host == "jack" { "no server runs" } else { "no devices" }.to_owned());
    }
    listing
}

fn config_listing(config: &SupportedStreamConfig) -> ConfigListing {
    ConfigListing {
        rate: config.sample_rate(),
        channels: config.channels(),
        format: config.sample_format().to_string(),
        buffer: match config.buffer_size() {
            SupportedBufferSize::Range { min, max } => Some((*min, *max)),
            SupportedBufferSize::Unknown => None,
        },
    }
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
}
