//! Which address of a slot means what: made from the patch, looked up by hash, listed in order.

use std::collections::HashMap;

use super::address_tree::AddressTree;
use super::place::Place;
use super::scale::Scale;
use super::zone::ZonePart;
use crate::engine::event::Mix;
use crate::module::setting::LIST_MAX;
use crate::patch::{ModuleId, Patch, Target, addresses};

/// What an address of a slot means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spot {
    /// A number.
    Place(Place),
    /// A setting.
    Setting(ModuleId, usize),
    /// An entry of a list setting, from 0.
    Cell(ModuleId, usize, usize),
    /// The slot's strip of the mixer.
    Strip(Mix),
    /// Where the slot's sound goes.
    Out,
    /// Which keys play the slot.
    Zone(ZonePart),
    /// Which of the patch's presets was recalled.
    Preset,
}

impl From<Target> for Spot {
    fn from(target: Target) -> Self {
        Self::Place(match target {
            Target::Setting(module, setting) => return Self::Setting(module, setting),
            Target::Control(control) => Place::Control(control),
            Target::Input(module, input) => Place::Base(module, input),
            Target::Depth(module, input, term) => Place::Depth(module, input, term),
            Target::NoteBase(input) => Place::NoteBase(input),
            Target::NoteDepth(input, term) => Place::NoteDepth(input, term),
            Target::OutBase(side) => Place::OutBase(side),
            Target::OutDepth(side, term) => Place::OutDepth(side, term),
        })
    }
}

/// The addresses of a slot, without the slot's name: `filter/cutoff`.
#[derive(Clone, Debug, Default)]
pub struct AddressMap {
    spots: HashMap<String, Spot>,
    scales: HashMap<Place, Scale>,
    order: Vec<String>,
    /// The slots that a send may go to, by name.
    sends: Vec<(String, u8)>,
    tree: AddressTree<Spot>,
}

impl AddressMap {
    /// Every address of a patch, and of its strip of the mixer. `[control]`
    pub fn new(patch: &Patch) -> Self {
        let mut map = Self::default();
        for address in addresses(patch) {
            let spot = Spot::from(address.target);
            match spot {
                Spot::Place(place) => {
                    map.scales.insert(place, Scale::of_address(&address.what));
                }
                Spot::Setting(module, setting) if patch.modules[module.0].kind.settings[setting].is_list() => {
                    for cell in 0..LIST_MAX {
                        map.spots.insert(format!("{}/{}", address.path, cell + 1), Spot::Cell(module, setting, cell));
                    }
                }
                _ => {}
            }
            map.add(address.path, spot);
        }
        for (name, mix) in [("level", Mix::Level), ("pan", Mix::Pan), ("mute", Mix::Mute), ("solo", Mix::Solo)] {
            map.add(name.to_owned(), Spot::Strip(mix));
        }
        map.add("out".to_owned(), Spot::Out);
        if !patch.presets.is_empty() {
            map.add("preset".to_owned(), Spot::Preset);
        }
        for (path, part) in ZonePart::ALL {
            // A module may be called midi: what a patch says goes first.
            if !map.spots.contains_key(path) {
                map.add(path.to_owned(), Spot::Zone(part));
            }
        }
        map.grow();
        map
    }

    fn grow(&mut self) {
        self.tree = AddressTree::new(self.order.iter().map(|path| (path.as_str(), self.spots[path])));
    }

    /// These slots take sound: there is a send to each, and to no other. `[control]`
    pub fn set_sends<'a>(&mut self, to: impl Iterator<Item = &'a (String, u8)>) {
        let to: Vec<_> = to.cloned().collect();
        if self.sends == to {
            return;
        }
        for (name, _) in std::mem::replace(&mut self.sends, to) {
            let path = format!("send/{name}");
            self.spots.remove(&path);
            self.order.retain(|other| *other != path);
        }
        for (name, slot) in self.sends.clone() {
            self.add(format!("send/{name}"), Spot::Strip(Mix::Send(slot)));
        }
        self.grow();
    }

    fn add(&mut self, path: String, spot: Spot) {
        self.order.push(path.clone());
        self.spots.insert(path, spot);
    }

    /// Unit and range of a number. `[control]`
    pub fn scale(&self, place: Place) -> Option<Scale> {
        self.scales.get(&place).copied()
    }

    /// What an address means. `[control]`
    pub fn find(&self, path: &str) -> Option<Spot> {
        self.spots.get(path).copied()
    }

    /// All addresses but those of single list entries, in the order of the patch. `[control]`
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// The same part by part. `[control]`
    pub fn tree(&self) -> &AddressTree<Spot> {
        &self.tree
    }

    /// The names that stand right below a path; none for an address. `[control]`
    pub fn below(&self, path: &str) -> impl Iterator<Item = &str> {
        self.tree.below(path)
    }
}
