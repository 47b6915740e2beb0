//! From an address to what it means.

use super::address_map::Spot;
use super::control::Control;
use super::draft::MASTER;
use super::fail::{Code, Fail};
use super::verbs::{Found, SLOT_VERBS, VERBS};
use crate::base::nearest::nearest;
use crate::engine::event::Mix;

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

/// The values of the master.
pub(super) const MASTER_SPOTS: [(&str, Mix); 2] = [("level", Mix::Level), ("limiter", Mix::Limiter)];

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
            // What was not compiled yet cannot be played.
            let plays = self.slots[*slot].plays;
            let at = SLOT_VERBS.iter().position(|verb| plays && verb.address == rest)?;
            return Some(Found::Slot(*slot, at));
        }
        let own = VERBS.iter().position(|verb| verb.address == address).map(Found::Own);
        own.or_else(|| self.given.iter().position(|verb| verb.address == address).map(Found::Given))
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
            let names: Vec<&str> = below.chain(verbs).collect();
            let name = match names.iter().find(|name| **name == part) {
                Some(name) => name,
                None => nearest(part, names.into_iter().take(CANDIDATES))?,
            };
            path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        }
        Some(format!("{prefix}/{}/{path}", slot.name))
    }
}
