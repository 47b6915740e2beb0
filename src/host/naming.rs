//! Which device a name means, and the nearest name where it means none. Knows names only.

use super::cpal::host_names;
use super::options::HostName;
use crate::base::nearest::nearest;

/// A device as it is told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Its stable name, with its host's and a colon before it.
    pub id: String,
    /// As it calls itself.
    pub name: String,
}

impl Named {
    /// Its stable name without its host's.
    fn own(&self) -> &str {
        self.id.split_once(':').map_or("", |(_, own)| own)
    }

    /// How much a name is like this; 0: not at all.
    fn likeness(&self, wanted: &str) -> u8 {
        let (small, name) = (wanted.to_lowercase(), self.name.to_lowercase());
        if self.id == wanted || self.own() == wanted {
            4
        } else if name == small {
            3
        } else if name.contains(&small) {
            2
        } else {
            u8::from(self.id.to_lowercase().contains(&small))
        }
    }
}

/// The devices that a name may mean, the best first: by its stable name, by its whole name, by a part of its name, by a part of its stable
/// name. None for an empty name. `[any]`
pub(super) fn meant(wanted: &str, devices: &[Named]) -> Vec<usize> {
    if wanted.trim().is_empty() {
        return Vec::new();
    }
    let mut all: Vec<(u8, usize)> = devices.iter().enumerate().map(|(at, device)| (device.likeness(wanted.trim()), at)).collect();
    all.retain(|(likeness, _)| *likeness > 0);
    all.sort_by_key(|(likeness, _)| std::cmp::Reverse(*likeness));
    all.into_iter().map(|(_, at)| at).collect()
}

/// What is said where a name means no device of a host: with the nearest name, where one is near. `[any]`
pub(super) fn unknown(host: &str, wanted: &str, devices: &[Named]) -> String {
    let names = devices.iter().flat_map(|device| [device.own(), device.id.as_str(), device.name.as_str()]);
    // Words of names too: who writes `Scarlet` means `Scarlett 2i2 USB`.
    let words = devices.iter().flat_map(|device| device.name.split([' ', ',', '(', ')']));
    let near = nearest(wanted.trim(), names.chain(words).filter(|name| !name.is_empty()));
    match near {
        Some(near) => format!("{host}: no device `{wanted}`; did you mean `{near}`? (rackd devices lists all)"),
        None => format!("{host}: no device `{wanted}` (rackd devices lists all)"),
    }
}

/// The host that a device's name begins with, such as `alsa:hw:CARD=USB`, where that is one of this build's. `[any]`
pub(super) fn host_of(name: &str) -> Option<HostName> {
    let (host, _) = name.trim().split_once(':')?;
    host_names().into_iter().find(|known| *known == host).map(HostName::of)
}

/// Whether two devices of a host surely run by one clock: all of a JACK server do, and all of one card. `[any]`
pub(super) fn one_clock(host: &str, one: &str, other: &str) -> bool {
    match host {
        "jack" => true,
        "alsa" => card(one).is_some_and(|card_of_one| card(other) == Some(card_of_one)),
        // Where a server stands between, its two sides may be two cards whatever they are called.
        "pulseaudio" | "pipewire" => false,
        _ => one == other,
    }
}

/// The card of an ALSA device: `USB` of `alsa:plughw:CARD=USB,DEV=0` and of `alsa:hw:USB`.
fn card(id: &str) -> Option<&str> {
    let id = id.strip_prefix("alsa:").unwrap_or(id);
    let (kind, place) = id.split_once(':')?;
    let known = ["hw", "plughw", "sysdefault", "front", "iec958", "hdmi"].contains(&kind);
    let first = place.split(',').next().unwrap_or_default();
    known.then(|| first.strip_prefix("CARD=").unwrap_or(first)).filter(|card| !card.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Vec<Named> {
        [
            ("alsa:default", "Default Audio Device"),
            ("alsa:hw:CARD=PCH,DEV=0", "HDA Intel PCH, ALC257 Analog"),
            ("alsa:plughw:CARD=PCH,DEV=0", "HDA Intel PCH, ALC257 Analog"),
            ("alsa:hw:CARD=USB,DEV=0", "Scarlett 2i2 USB, USB Audio"),
            ("alsa:plughw:CARD=USB,DEV=0", "Scarlett 2i2 USB, USB Audio"),
        ]
        .map(|(id, name)| Named { id: id.to_owned(), name: name.to_owned() })
        .to_vec()
    }

    #[test]
    fn a_name_means_the_device_that_is_most_like_it() {
        let shelf = shelf();
        for (wanted, means) in [
            ("alsa:hw:CARD=USB,DEV=0", Some(3)),
            ("hw:CARD=USB,DEV=0", Some(3)),
            ("plughw:CARD=USB,DEV=0", Some(4)),
            ("default", Some(0)),
            ("Scarlett 2i2 USB, USB Audio", Some(3)),
            ("scarlett", Some(3)),
            (" Scarlett ", Some(3)),
            ("ALC257", Some(1)),
            ("card=usb", Some(3)),
            ("Scarlet 18i20", None),
            ("", None),
            ("  ", None),
        ] {
            assert_eq!(meant(wanted, &shelf).first().copied(), means, "{wanted}");
        }
        assert_eq!(meant("usb audio", &shelf), [3, 4], "where the first cannot do it, the next is asked");
    }

    #[test]
    fn who_means_none_is_told_the_nearest() {
        let shelf = shelf();
        for (wanted, near) in [
            ("Scarlettt", Some("Scarlett")),
            ("hw:CARD=USB,DEV=1", Some("hw:CARD=USB,DEV=0")),
            ("alsa:hw:CARD=PHC,DEV=0", Some("alsa:hw:CARD=PCH,DEV=0")),
            ("defalt", Some("default")),
            ("turntable", None),
            ("", None),
        ] {
            let told = unknown("alsa", wanted, &shelf);
            assert!(told.starts_with(&format!("alsa: no device `{wanted}`")), "{told}");
            assert_eq!(told.contains("did you mean"), near.is_some(), "{told}");
            assert!(near.is_none_or(|near| told.contains(&format!("`{near}`?"))), "{told}");
        }
        assert_eq!(unknown("jack", "x", &[]), "jack: no device `x` (rackd devices lists all)");
    }

    #[test]
    fn one_card_is_one_clock() {
        for (host, one, other, same) in [
            ("jack", "jack:output", "jack:input", true),
            ("alsa", "alsa:hw:CARD=USB,DEV=0", "alsa:plughw:CARD=USB,DEV=1", true),
            ("alsa", "alsa:hw:CARD=USB,DEV=0", "alsa:hw:CARD=PCH,DEV=0", false),
            ("alsa", "alsa:default", "alsa:default", false),
            ("alsa", "alsa:hw:0", "alsa:hw:0,1", true),
            ("pulseaudio", "pulseaudio:a", "pulseaudio:a", false),
            ("coreaudio", "coreaudio:a", "coreaudio:a", true),
            ("coreaudio", "coreaudio:a", "coreaudio:b", false),
        ] {
            assert_eq!(one_clock(host, one, other), same, "{host} {one} {other}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_name_may_say_its_host() {
        assert_eq!(host_of("alsa:hw:CARD=USB,DEV=0"), Some(HostName::Other("alsa")));
        assert_eq!(host_of("hw:CARD=USB,DEV=0"), None);
        assert_eq!(host_of("Scarlett"), None);
    }
}
