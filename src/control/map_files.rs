//! Maps in files: into a patch's own, and the profiles of devices.

use std::path::PathBuf;

use super::bound::{Device, Layer, Made};
use super::control::Control;
use super::engine_verbs::is_near;
use super::fail::{Code, Fail};
use super::files;
use super::saving::save_inside;
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::diagnostic::{Diagnostic, Severity, has_errors, line_and_column};
use crate::patch;
use crate::patch::{MapSource, MapSpec, write_maps};

/// What a new profile begins with.
const FRESH: &str = "# What this device turns: it acts whenever the device is plugged in.\n";
/// Bytes of a profile's name at most, without its ending.
const NAME: usize = 200;

/// The name of a device's profile: letters that a file's name may not hold are written as `%` and their number.
pub(super) fn profile_name(device: &str) -> PathBuf {
    let mut name = String::new();
    for byte in device.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b" -_()+".contains(&byte) || (byte == b'.' && !name.is_empty());
        if name.len() + 3 > NAME {
            break;
        }
        if plain { name.push(char::from(byte)) } else { name += &format!("%{byte:02X}") }
    }
    PathBuf::from(format!("{}.toml", if name.is_empty() { "%" } else { &name }))
}

/// The first mistake, with its place.
fn first_of(text: &str, told: &[Diagnostic]) -> Option<String> {
    let first = told.iter().find(|one| one.severity == Severity::Error)?;
    let place = first.labels.first().map_or(String::new(), |label| {
        let (line, column) = line_and_column(text, label.span.start);
        format!("{line}:{column}: ")
    });
    Some(format!("{place}{} [{}]", first.message, first.code))
}

/// `/map/save`
pub(super) fn save(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let words: Vec<&str> = call.values.iter().filter_map(Value::text).collect();
    if words.len() != call.values.len() {
        return Err(Fail::new(call.address, Code::WrongArguments, "patch, or device and its name, is wanted"));
    }
    let mut told = Vec::new();
    let count = match words.as_slice() {
        [] | ["patch"] => control.save_to_patches(call, &mut told)?,
        ["device"] => control.save_to_devices(call, None, &mut told)?,
        ["device", name] => control.save_to_devices(call, Some(name), &mut told)?,
        _ => return Err(Fail::new(call.address, Code::WrongArguments, "patch, or device and its name, is wanted")),
    };
    told.push(Message::new("/done", vec![call.address.into(), Value::Integer(count as i64)]));
    Ok(told)
}

impl Control {
    /// The slot in which all of a map's targets are.
    fn slot_of_map(&self, spec: &MapSpec) -> Option<usize> {
        let slot = |name: &String| self.names.get(name.split_once('.')?.0).copied();
        let first = slot(spec.to.first()?)?;
        spec.to.iter().all(|name| slot(name) == Some(first)).then_some(first)
    }

    /// Maps made and cleared, into the files of the patches of which they are.
    fn save_to_patches(&mut self, call: Call<'_>, told: &mut Vec<Message>) -> Result<usize, Fail> {
        let (mut count, mut left) = (0, 0);
        for slot in 0..self.slots.len() {
            let name = self.slots[slot].name.clone();
            let below = |name: &str, of: &str| name.strip_prefix(of).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned);
            let made: Vec<usize> =
                (0..self.maps.made.len()).filter(|at| self.slot_of_map(&self.maps.made[*at].spec) == Some(slot)).collect();
            let specs: Vec<MapSpec> = made
                .iter()
                .map(|at| &self.maps.made[*at].spec)
                .map(|spec| MapSpec { to: spec.to.iter().filter_map(|to| below(to, &name)).collect(), ..spec.clone() })
                .collect();
            let gone: Vec<(MapSource, String)> = self
                .cleared_of(|layer| *layer == Layer::Patch(slot))
                .filter_map(|(source, address)| Some((source, below(&Self::dotted(&address), &name)?)))
                .collect();
            if specs.is_empty() && gone.is_empty() {
                continue;
            }
            let refuse = |code, text: String| Fail::new(call.address, code, text);
            let Some(file) = self.slots[slot].file.clone() else {
                let text =
                    format!("{name} was not loaded from a file, so there is none to save into; /map/save device keeps what was learnt");
                return Err(refuse(Code::File, text));
            };
            let text = files::read(&file).map_err(|why| refuse(Code::File, why.to_string()))?;
            let same = |a: &str, b: &str| {
                let meant = |rest: &str| self.address_of(&format!("{name}.{rest}"));
                a == b || meant(a).is_some_and(|a| Some(a) == meant(b))
            };
            let new = write_maps(&text, &specs, &gone, &same).map_err(|why| refuse(Code::File, format!("{}: {why}", file.display())))?;
            let (_, diagnostics) = patch::parse(&new, &self.catalogue);
            if has_errors(&diagnostics) {
                let why = first_of(&new, &diagnostics).unwrap_or_default();
                let text = format!("{} would not be right with these maps in it, and stays as it is: {why}", file.display());
                return Err(refuse(Code::Patch, text));
            }
            let path = save_inside(&self.options.folders, &file, &new).map_err(|why| refuse(Code::File, why.to_string()))?;
            for at in made {
                self.maps.made[at].saved = Some(self.slots[slot].text.clone());
            }
            count += specs.len() + gone.len();
            told.push(Message::new(
                "/map/saved",
                vec![path.display().to_string().into(), Value::Integer((specs.len() + gone.len()) as i64)],
            ));
        }
        left += self.maps.made.iter().filter(|made| self.slot_of_map(&made.spec).is_none()).count();
        if left > 0 && count == 0 {
            let text = "what was learnt turns nothing of one patch alone: /map/save device keeps it";
            return Err(Fail::new(call.address, Code::File, text));
        }
        Ok(count)
    }

    /// What was cleared of the maps of some layer: source and address.
    fn cleared_of(&self, is: impl Fn(&Layer) -> bool) -> impl Iterator<Item = (MapSource, String)> {
        let ends = self
            .maps
            .all
            .iter()
            .filter(move |bound| is(&bound.layer))
            .flat_map(|bound| bound.ends.iter().map(|end| (bound.source.clone(), end.name.clone())).collect::<Vec<_>>());
        ends.filter(|entry| self.maps.cleared.contains(entry))
    }

    /// Maps made and cleared, into the profiles of the devices by which they were learnt; by name, those without a device too.
    fn save_to_devices(&mut self, call: Call<'_>, only: Option<&str>, told: &mut Vec<Message>) -> Result<usize, Fail> {
        let refuse = |code, text: String| Fail::new(call.address, code, text);
        if !is_near(call.client) {
            return Err(refuse(Code::NotAllowed, "only from the computer that rackd runs on".to_owned()));
        }
        let Some(folder) = self.maps.folder.clone() else {
            return Err(refuse(Code::File, "there is no folder for the profiles of devices".to_owned()));
        };
        let devices: Vec<usize> = match only {
            None => (0..self.maps.devices.len()).collect(),
            Some(name) => vec![self.device_like(name).ok_or_else(|| {
                let known: Vec<&str> = self.maps.devices.iter().map(|device| device.name.as_str()).collect();
                let known = if known.is_empty() { "none was seen yet".to_owned() } else { known.join(", ") };
                refuse(Code::File, format!("there is no device {name}: {known}"))
            })?],
        };
        let mut count = 0;
        for at in devices {
            let name = self.maps.devices[at].name.clone();
            let of = |made: &Made| !matches!(made.spec.from, MapSource::Osc(_));
            let mine = |made: &Made| of(made) && (made.device.as_ref() == Some(&name) || (only.is_some() && made.device.is_none()));
            let specs: Vec<MapSpec> = self.maps.made.iter().filter(|made| mine(made)).map(|made| made.spec.clone()).collect();
            let gone: Vec<(MapSource, String)> =
                self.cleared_of(|layer| *layer == Layer::Device(at)).map(|(source, address)| (source, Self::dotted(&address))).collect();
            if specs.is_empty() && gone.is_empty() {
                continue;
            }
            let file = profile_name(&name);
            let before = match files::read(&folder.join(&file)) {
                Ok(text) => text,
                Err(files::FileError::System(_, why)) if why.kind() == std::io::ErrorKind::NotFound => {
                    let title: String = name.chars().flat_map(char::escape_default).collect();
                    format!("{FRESH}device = \"{title}\"\n")
                }
                Err(why) => return Err(refuse(Code::File, why.to_string())),
            };
            let same = |a: &str, b: &str| a == b || self.address_of(a).is_some_and(|a| Some(a) == self.address_of(b));
            let new = write_maps(&before, &specs, &gone, &same).map_err(|why| refuse(Code::File, why))?;
            let (profile, diagnostics) = patch::parse_profile(&new);
            let Some(profile) = profile else {
                let why = first_of(&new, &diagnostics).unwrap_or_default();
                return Err(refuse(Code::File, format!("the profile of {name} has a mistake, and stays as it is: {why}")));
            };
            std::fs::create_dir_all(&folder).map_err(|why| refuse(Code::File, format!("{}: {why}", folder.display())))?;
            let path = save_inside(std::slice::from_ref(&folder), &file, &new).map_err(|why| refuse(Code::File, why.to_string()))?;
            self.maps.devices[at].specs = profile;
            let mut made = std::mem::take(&mut self.maps.made);
            made.retain(|made| !specs.contains(&made.spec));
            self.maps.made = made;
            count += specs.len() + gone.len();
            told.push(Message::new(
                "/map/saved",
                vec![path.display().to_string().into(), Value::Integer((specs.len() + gone.len()) as i64)],
            ));
        }
        self.bind_anew();
        Ok(count)
    }

    /// The number of the device with this name, or of the one whose name has it in it.
    fn device_like(&self, name: &str) -> Option<usize> {
        let devices = &self.maps.devices;
        let lower = name.to_lowercase();
        let whole = devices.iter().position(|device| device.name == name);
        whole.or_else(|| devices.iter().position(|device| device.name.to_lowercase().contains(&lower)))
    }

    /// The number of the device with this name; a new one where there is none.
    pub(super) fn device(&mut self, name: &str) -> usize {
        if let Some(at) = self.maps.devices.iter().position(|device| device.name == name) {
            return at;
        }
        self.maps.devices.push(Device { name: name.to_owned(), ..Device::default() });
        self.maps.devices.len() - 1
    }

    /// Where profiles of devices are kept; there need be no such folder yet. `[control]`
    pub fn keep_profiles_in(&mut self, folder: PathBuf) {
        self.maps.folder = Some(folder);
    }

    /// A port is there, under this name. The profile of the device, as it was read from its file, acts from now on for what comes from
    /// it; one with mistakes, and none, leave what was known of the device.
    pub(super) fn device_came(&mut self, client: super::Client, name: &str) {
        let at = self.device(name);
        let device = &mut self.maps.devices[at];
        if !device.ports.contains(&client) {
            device.ports.push(client);
        }
        if let Some(folder) = &self.maps.folder {
            let file = folder.join(profile_name(name));
            match files::read(&file) {
                Ok(text) => {
                    let (profile, diagnostics) = patch::parse_profile(&text);
                    match (profile, first_of(&text, &diagnostics)) {
                        (Some(specs), _) => self.maps.devices[at].specs = specs,
                        (None, why) => self.tell(format!("{}:{}", file.display(), why.unwrap_or_default())),
                    }
                }
                // No profile: it is taken away, or was never made.
                Err(files::FileError::System(_, why)) if why.kind() == std::io::ErrorKind::NotFound => {
                    self.maps.devices[at].specs.clear();
                }
                Err(why) => self.tell(why.to_string()),
            }
        }
        self.bind_anew();
    }

    /// A port is gone: the profile of its device waits until it comes back.
    pub(super) fn device_gone(&mut self, client: super::Client) {
        let mut gone = false;
        for device in &mut self.maps.devices {
            let before = device.ports.len();
            device.ports.retain(|port| *port != client);
            gone |= device.ports.len() != before;
        }
        if gone {
            self.bind_anew();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_a_name_of_its_own_whatever_the_device_is_called() {
        for (device, file) in [
            ("Keystation 61", "Keystation 61.toml"),
            ("nano:nano MIDI 1", "nano%3Anano MIDI 1.toml"),
            ("../../etc/passwd", "%2E%2F..%2F%2E..%2Fetc%2Fpasswd.toml"),
            (".x", "%2Ex.toml"),
            ("é", "%C3%A9.toml"),
            ("", "%.toml"),
        ] {
            let name = profile_name(device);
            assert_eq!(name.components().count(), 1, "{device}");
            if device.contains('/') {
                assert!(!name.to_string_lossy().contains('/'), "{name:?}");
            } else {
                assert_eq!(name, PathBuf::from(file), "{device}");
            }
        }
        assert!(profile_name(&"x".repeat(1000)).as_os_str().len() <= NAME + 5);
    }
}
