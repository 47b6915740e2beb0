//! From an address to what it means.

use super::address_map::Spot;
use super::control::Control;
use super::draft::MASTER;
use super::fail::{Code, Fail};
use super::verbs::{Found, SLOT_VERBS, VERBS};
use crate::base::nearest::nearest;
use crate::engine::event::Mix;
use crate::module::SettingValue;
use crate::wire::Pattern;

/// Addresses that one pattern may match at most.
const MATCHES: usize = 4096;
/// Nearest addresses that are looked for between two ticks at most.
const SEARCHES: u32 = 20;
/// Names that are looked through for the nearest at most.
const CANDIDATES: usize = 2000;

/// A value somewhere in the rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which slot, or [`MASTER`].
    pub slot: usize,
    /// What there.
    pub spot: Spot,
}

/// What a pattern means, each with its own address.
pub(super) struct Matches {
    /// Values.
    pub targets: Vec<(String, Target)>,
    /// Verbs of slots.
    pub verbs: Vec<(String, Found)>,
}

const MASTER_SPOTS: [(&str, Mix); 2] = [("level", Mix::Level), ("limiter", Mix::Limiter)];

impl Control {
    /// The value at an address such as `/acid/filter/cutoff`.
    pub(super) fn find_target(&self, address: &str) -> Option<Target> {
        let (first, rest) = address.strip_prefix('/')?.split_once('/')?;
        if first == "master" {
            let (_, mix) = MASTER_SPOTS.iter().find(|(name, _)| *name == rest)?;
            return Some(Target { slot: MASTER, spot: Spot::Strip(*mix) });
        }
        let slot = *self.names.get(first)?;
        Some(Target { slot, spot: self.slots[slot].addresses.find(rest)? })
    }

    /// The verb at an address.
    pub(super) fn find_verb(&self, address: &str) -> Option<Found> {
        let (first, rest) = address.strip_prefix('/')?.split_once('/').unwrap_or((&address[1..], ""));
        if let Some(slot) = self.names.get(first) {
            let at = SLOT_VERBS.iter().position(|verb| verb.address == rest)?;
            return Some(Found::Slot(*slot, at));
        }
        let own = VERBS.iter().position(|verb| verb.address == address).map(Found::Own);
        own.or_else(|| self.given.iter().position(|verb| verb.address == address).map(Found::Given))
    }

    /// Everything that a pattern means: values, verbs of slots, mapped addresses. A verb is meant only where its own name is
    /// written out, so that `/acid/*` plays no note.
    pub(super) fn find_all(&self, address: &str) -> Result<Matches, Fail> {
        let wrong = |text: String| Fail::new(address, Code::Pattern, text);
        let (plain, travel) = match address.strip_prefix("/n/") {
            Some(rest) => (&address[address.len() - rest.len() - 1..], true),
            None => (address, false),
        };
        let pattern = Pattern::new(plain).map_err(|bad| wrong(bad.to_string()))?;
        let written_out = plain.strip_prefix('/').and_then(|rest| rest.split_once('/')).map(|(_, rest)| rest);
        let (mut targets, mut verbs) = (Vec::new(), Vec::new());
        let prefix = if travel { "/n" } else { "" };
        for (name, mix) in MASTER_SPOTS {
            let path = format!("/master/{name}");
            if pattern.matches(&path) {
                targets.push((format!("{prefix}{path}"), Target { slot: MASTER, spot: Spot::Strip(mix) }));
            }
        }
        for (at, slot) in self.slots.iter().enumerate() {
            if !pattern.part_matches(0, &slot.name) {
                continue;
            }
            let mut found = |rest: &str, spot: Spot| targets.push((format!("{prefix}/{}/{rest}", slot.name), Target { slot: at, spot }));
            // The addresses of a module stand together: its name is compared once.
            let mut module = ("", false);
            for rest in slot.addresses.iter() {
                let first = rest.split('/').next().unwrap_or(rest);
                if module.0 != first {
                    module = (first, pattern.part_matches(1, first));
                }
                let Some(spot) = slot.addresses.find(rest).filter(|_| module.1) else { continue };
                if pattern.matches_after(1, rest) {
                    found(rest, spot);
                }
                if let Spot::Setting(module, setting) = spot
                    && let Some(SettingValue::List(list)) = slot.setting(module, setting)
                {
                    for cell in 0..list.len() {
                        let path = format!("{rest}/{}", cell + 1);
                        if pattern.matches_after(1, &path) {
                            found(&path, Spot::Cell(module, setting, cell));
                        }
                    }
                }
            }
            if let Some(verb) = SLOT_VERBS.iter().position(|verb| Some(verb.address) == written_out) {
                verbs.push((format!("/{}/{}", slot.name, SLOT_VERBS[verb].address), Found::Slot(at, verb)));
            }
        }
        if targets.len() + verbs.len() > MATCHES {
            return Err(wrong(format!("the pattern matches more than {MATCHES} addresses")));
        }
        Ok(Matches { targets, verbs })
    }

    /// Mapped addresses that a pattern means.
    pub(super) fn find_all_bound(&self, address: &str) -> Vec<String> {
        let Ok(pattern) = Pattern::new(address) else { return Vec::new() };
        let mut all: Vec<String> = self.bound.keys().filter(|bound| pattern.matches(bound)).cloned().collect();
        all.sort_unstable();
        all
    }

    /// What is answered where nothing has this address: the nearest right one, part by part.
    /// Of a flood of such only the first are helped.
    pub(super) fn unknown(&self, address: &str) -> Fail {
        let searched = self.searched.get();
        self.searched.set(searched + 1);
        let nearest = if searched < SEARCHES { self.nearest_address(address) } else { None };
        let told = match nearest {
            Some(nearest) => format!("there is no {address}; did you mean {nearest}?"),
            None => format!("there is no {address}"),
        };
        Fail::new(address, Code::UnknownAddress, told)
    }

    fn nearest_address(&self, address: &str) -> Option<String> {
        let (prefix, plain) = address.strip_prefix("/n/").map_or(("", address), |rest| ("/n", &address[address.len() - rest.len() - 1..]));
        let (first, rest) = plain.strip_prefix('/')?.split_once('/').unwrap_or((plain.strip_prefix('/')?, ""));
        let Some(slot) = self.names.get(first).map(|slot| &self.slots[*slot]) else {
            let name = nearest(first, self.names.keys().map(String::as_str));
            let verbs = VERBS.iter().map(|verb| verb.address).chain(self.given.iter().map(|verb| verb.address.as_str()));
            return match (nearest(plain, verbs), name) {
                (Some(verb), _) if prefix.is_empty() => Some(verb.to_owned()),
                (_, Some(name)) if rest.is_empty() => Some(format!("{prefix}/{name}")),
                (_, Some(name)) => Some(format!("{prefix}/{name}/{rest}")),
                _ => None,
            };
        };
        let mut path = String::new();
        for part in rest.split('/') {
            let below = slot.addresses.below(&path);
            let verbs = SLOT_VERBS.iter().filter_map(|verb| {
                let rest = if path.is_empty() { Some(verb.address) } else { verb.address.strip_prefix(&path)?.strip_prefix('/') };
                rest.and_then(|rest| rest.split('/').next())
            });
            let names: Vec<&str> = below.into_iter().chain(verbs).collect();
            let name = match names.iter().find(|name| **name == part) {
                Some(name) => name,
                None => nearest(part, names.into_iter().take(CANDIDATES))?,
            };
            path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        }
        Some(format!("{prefix}/{}/{path}", slot.name))
    }
}
