//! One slot of the rack, as it is known off the audio thread.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use super::address_map::{AddressMap, Spot};
use super::client::Client;
use super::place::{Named, Place};
use super::scale::Scale;
use super::tuning::Layers;
use crate::base::time::SampleTime;
use crate::base::units::factor_from_decibels;
use crate::engine::event::Mix;
use crate::engine::{Act, Event};
use crate::media::Tuning;
use crate::module::{Setting, SettingValue};
use crate::patch::{Amount, ModuleId, Patch, Route, SetSpec, Zone};
use crate::plan::mixer::SLOTS;
use crate::plan::outline::Count;
use crate::plan::{KnobId, KnobOwner, Outline};

/// A slot's strip of the mixer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strip {
    /// Level [dB]; −60 is silence.
    pub level: f32,
    /// Place, ±1.
    pub pan: f32,
    /// Silent.
    pub mute: bool,
    /// Others silent.
    pub solo: bool,
}

impl Default for Strip {
    fn default() -> Self {
        Self { level: 0.0, pan: 0.0, mute: false, solo: false }
    }
}

/// Some of the slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotSet(u64);

impl SlotSet {
    /// One more. `[control]`
    pub const fn add(&mut self, slot: usize) {
        self.0 |= 1 << (slot % SLOTS);
    }

    /// Whether it is among them. `[control]`
    pub const fn has(self, slot: usize) -> bool {
        self.0 >> (slot % SLOTS) & 1 == 1
    }

    /// Those of both. `[control]`
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there are none. `[control]`
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

const _: () = assert!(SLOTS <= 64, "a slot is a bit");

/// How a slot is played by MIDI's controllers, beside its strip: 7 and 11, 10 and 8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelMix {
    /// Positions 0..1 of channel volume and expression.
    pub volume: [f32; 2],
    /// ±1 each: pan and balance.
    pub balance: [f32; 2],
    /// Whose controllers these are.
    pub by: Option<Client>,
}

impl Default for ChannelMix {
    fn default() -> Self {
        Self { volume: [1.0; 2], balance: [0.0; 2], by: None }
    }
}

/// The factor of a level of the mixer [dB]; its lowest is silence. `[control]`
pub fn level_factor(decibels: f32) -> f32 {
    if decibels <= Scale::LEVEL.min { 0.0 } else { factor_from_decibels(f64::from(decibels)) as f32 }
}

/// A patch that plays, and where everything in it stands.
#[derive(Default)]
pub struct Slot {
    /// First part of its addresses.
    pub name: String,
    /// Where its patch came from.
    pub file: Option<PathBuf>,
    /// The patch as text.
    pub text: String,
    /// The patch as written.
    pub written: Patch,
    /// The patch that was compiled: as written, but for settings that were changed.
    pub patch: Patch,
    /// What its plan's knobs are.
    pub outline: Outline,
    /// What its addresses mean.
    pub addresses: AddressMap,
    /// The knobs of each place.
    knobs: HashMap<Place, Vec<(KnobId, Count)>>,
    /// The number that a list event names, of each list.
    lists: HashMap<(ModuleId, usize), u16>,
    /// Numbers turned since loading.
    pub turned: HashMap<Place, Amount>,
    /// Settings changed since loading.
    pub settings: HashMap<(ModuleId, usize), SettingValue>,
    /// Its strip of the mixer.
    pub strip: Strip,
    /// How MIDI's controllers play it.
    pub channel_mix: ChannelMix,
    /// Where its sound goes.
    pub route: Route,
    /// Which keys play it.
    pub zone: Zone,
    /// What tunes it.
    pub tuning: Layers,
    /// What that comes to.
    pub tuned: Arc<Tuning>,
    /// What its rack says that programs play, and the rack's file.
    pub programs: (BTreeMap<u8, String>, PathBuf),
    /// The preset that was recalled last.
    pub recalled: Option<String>,
    /// What its rack sets in its patch, as written.
    pub set: Vec<SetSpec>,
    /// The engine is letting go of it: its number is not free yet.
    pub leaves: bool,
    /// A plan of it was made.
    pub plays: bool,
    /// The latest time of a value that was given to the engine.
    pub fed_until: SampleTime,
    /// The same of those that wait for a plan to land.
    pub held_until: SampleTime,
}

impl Slot {
    /// An empty slot. `[control]`
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The same whose number the engine is still letting go of, or not. `[control]`
    #[must_use]
    pub fn leaving(self, leaves: bool) -> Self {
        Self { leaves, ..self }
    }

    /// Whether it was unloaded: it has no name and no addresses, and its number waits for another. `[control]`
    pub fn is_vacant(&self) -> bool {
        self.name.is_empty()
    }

    /// Whether a key struck on a channel, 1 to 16, so hard, 1 to 127, plays it. `[control]`
    pub fn takes(&self, channel: u8, key: u8, velocity: u8) -> bool {
        self.plays && self.zone.takes(channel, key, velocity)
    }

    /// Takes over what was compiled. `[control]`
    pub fn set_plan(&mut self, patch: Patch, outline: Outline) {
        self.addresses = AddressMap::new(&patch);
        self.knobs.clear();
        for (at, knob) in outline.knobs.iter().enumerate() {
            let count = match knob.owner {
                KnobOwner::Control(_, count) => count,
                _ => Count::Plain,
            };
            if let Some(place) = Place::of_knob(knob.owner) {
                self.knobs.entry(place).or_default().push((KnobId(at as u32), count));
            }
        }
        self.lists = outline.lists.iter().enumerate().map(|(at, list)| (*list, at as u16)).collect();
        self.patch = patch;
        self.outline = outline;
        self.plays = true;
    }

    /// The knobs of a place, and how each counts. `[control]`
    pub fn knobs(&self, place: Place) -> &[(KnobId, Count)] {
        self.knobs.get(&place.own(&self.patch)).map_or(&[], Vec::as_slice)
    }

    /// Where a number stands. `[control]`
    pub fn present(&self, place: Place) -> Option<Amount> {
        let place = place.own(&self.patch);
        self.turned.get(&place).copied().or_else(|| place.written(&self.patch))
    }

    /// What a setting is. `[control]`
    pub fn declared(&self, module: ModuleId, setting: usize) -> Option<&'static Setting> {
        self.patch.modules.get(module.0)?.kind.settings.get(setting)
    }

    /// What a setting holds. `[control]`
    pub fn setting(&self, module: ModuleId, setting: usize) -> Option<&SettingValue> {
        self.settings.get(&(module, setting)).or_else(|| self.patch.modules.get(module.0)?.settings.0.get(setting))
    }

    /// The number that a list event names. `[control]`
    pub fn list(&self, module: ModuleId, setting: usize) -> Option<u16> {
        self.lists.get(&(module, setting)).copied()
    }

    /// Events that turn a place there, gliding in so many frames (0: as its knobs declare); none where nothing listens to it. `[control]`
    pub fn turn(&self, slot: u8, place: Place, amount: Amount, frames: u32, events: &mut Vec<Event>) {
        for (knob, count) in self.knobs(place) {
            let (value, beats) = match (amount, count) {
                (Amount::Plain(x), Count::Plain) => (x, false),
                (Amount::Plain(x), Count::Factor) => (factor_from_decibels(f64::from(x)) as f32, false),
                (Amount::Beats(beats), _) => (beats as f32, true),
            };
            events.push(Event { at: 0, act: Act::Knob { slot, knob: *knob, value, beats, frames } });
        }
    }

    /// Where a strip's value stands, as its address gives it; sends are [`Control`](super::control::Control)'s to tell. `[control]`
    pub fn strip_value(&self, mix: Mix) -> f32 {
        match mix {
            Mix::Level => self.strip.level,
            Mix::Pan => self.strip.pan,
            Mix::Mute => f32::from(u8::from(self.strip.mute)),
            Mix::Solo => f32::from(u8::from(self.strip.solo)),
            Mix::Send(_) | Mix::Limiter | Mix::Volume | Mix::Balance => 0.0,
        }
    }

    /// The scale of a number at an address; `None` for settings. `[control]`
    pub fn scale(&self, spot: Spot) -> Option<Scale> {
        match spot {
            Spot::Place(place) => self.addresses.scale(place.own(&self.patch)),
            Spot::Strip(mix) => Some(strip_scale(mix)),
            Spot::Setting(..) | Spot::Cell(..) | Spot::Out | Spot::Zone(_) | Spot::Preset => None,
        }
    }

    /// What of this slot's turned numbers and changed settings still holds in a new version of its patch: what was written is the
    /// same in both. `[control]`
    pub fn carried(&self, new: &Patch) -> (HashMap<Place, Amount>, HashMap<(ModuleId, usize), SettingValue>) {
        let named = Named::new(new);
        let mut turned = HashMap::new();
        for (place, amount) in &self.turned {
            if let Some(there) = place.in_other(&self.written, &named)
                && place.written_alike(&self.written, there, new)
            {
                turned.insert(there.own(new), *amount);
            }
        }
        let mut settings = HashMap::new();
        for ((module, setting), value) in &self.settings {
            if let Some(there) = named.same_module(&self.written, *module)
                && alike(self.written.modules[module.0].settings.0.get(*setting), new.modules[there.0].settings.0.get(*setting))
            {
                settings.insert((there, *setting), value.clone());
            }
        }
        (turned, settings)
    }
}

/// Whether two settings are the same; rests of a list are.
fn alike(a: Option<&SettingValue>, b: Option<&SettingValue>) -> bool {
    match (a, b) {
        (Some(SettingValue::List(a)), Some(SettingValue::List(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
        }
        _ => a == b,
    }
}

/// The scale of a strip's value. `[control]`
pub fn strip_scale(mix: Mix) -> Scale {
    match mix {
        Mix::Level | Mix::Send(_) => Scale::LEVEL,
        Mix::Pan | Mix::Balance => Scale::PAN,
        Mix::Volume => Scale::FACTOR,
        Mix::Mute | Mix::Solo | Mix::Limiter => Scale::SWITCH,
    }
}
