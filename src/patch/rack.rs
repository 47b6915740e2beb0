//! The checked intention of a rack: its slots as plain values. The patches themselves stand in files of their own.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::map_spec::MapSpec;
use super::tuning::TuningSpec;

/// A rack file: several patches that play at once, and how their sound is mixed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rack {
    /// `name`, or empty.
    pub name: String,
    /// `description`, or empty.
    pub description: String,
    /// `tempo` [beats a minute].
    pub tempo: Option<f64>,
    /// `tuning` of every slot that has none of its own.
    pub tuning: Option<TuningSpec>,
    /// `[master]`.
    pub master: MasterSpec,
    /// `[slots.*]`, in the order of the file.
    pub slots: Vec<SlotSpec>,
    /// `[map]`, in the order of the file. The first word of each target is a slot of the rack or `master`.
    pub maps: Vec<MapSpec>,
}

/// Slots of a rack at most.
pub const MOST_SLOTS: usize = 64;

/// Levels and sends that can be written [dB]; the lowest is silence.
pub const LEVELS: (f64, f64) = (-60.0, 6.0);

/// The highest channel of a device that can be written.
pub const MOST_CHANNELS: u16 = 64;

/// How far `transpose` goes either way [octaves].
pub const TRANSPOSE: f64 = 10.0;

/// `[master]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MasterSpec {
    /// `level` [dB].
    pub level: f32,
    /// `limiter`.
    pub limiter: bool,
}

impl Default for MasterSpec {
    fn default() -> Self {
        Self { level: 0.0, limiter: true }
    }
}

/// One slot of a rack.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotSpec {
    /// First part of its addresses.
    pub name: String,
    /// `patch`: the file, as written; relative to the rack's.
    pub patch: String,
    /// `level` [dB]; −60 is silence.
    pub level: f32,
    /// `pan`, ±1.
    pub pan: f32,
    /// `mute`.
    pub mute: bool,
    /// `solo`.
    pub solo: bool,
    /// Where its sound goes.
    pub route: Route,
    /// `tuning`: wins over its patch's and the rack's.
    pub tuning: Option<TuningSpec>,
    /// `midi`: which keys it plays.
    pub zone: Zone,
    /// `programs`: what a program change of that number plays, a preset of its patch or a file, which ends in `.toml`.
    pub programs: BTreeMap<u8, String>,
    /// `set`: dotted target, and the value as it would be written at its address.
    pub set: Vec<SetSpec>,
    /// Where its name stands in the source.
    pub span: Range<usize>,
    /// Where its parts stand in the source.
    pub places: SlotPlaces,
}

impl SlotSpec {
    /// A slot as it is where nothing but its patch is written. `[any]`
    pub fn new(name: impl Into<String>, patch: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            patch: patch.into(),
            level: 0.0,
            pan: 0.0,
            mute: false,
            solo: false,
            route: Route::default(),
            tuning: None,
            zone: Zone::default(),
            programs: BTreeMap::new(),
            set: Vec::new(),
            span: 0..0,
            places: SlotPlaces::default(),
        }
    }

    /// The slots that hear it: those it sends to, and the one its `out` names. `[any]`
    pub fn feeds(&self) -> impl Iterator<Item = &str> {
        super::circle::fed(&self.route)
    }
}

/// Where the parts of a slot stand in the source; empty where they are not written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlotPlaces {
    /// The value of `patch`.
    pub patch: Range<usize>,
    /// The value of `out`.
    pub out: Range<usize>,
    /// The name in each of `sends`.
    pub sends: Vec<Range<usize>>,
    /// The values of `programs`, in their order.
    pub programs: Vec<Range<usize>>,
}

/// One entry of `set`.
#[derive(Clone, Debug, PartialEq)]
pub struct SetSpec {
    /// Dotted: `filter.cutoff`.
    pub target: String,
    /// What it is set to.
    pub value: SetValue,
    /// Where the key stands in the source.
    pub span: Range<usize>,
}

/// A value of `set`.
#[derive(Clone, Debug, PartialEq)]
pub enum SetValue {
    /// A number in the natural unit.
    Number(f64),
    /// With its unit, or a choice.
    Text(String),
    /// A switch.
    Switch(bool),
    /// A list setting.
    List(Vec<SetValue>),
}

impl Rack {
    /// The slot of this name. `[any]`
    pub fn slot(&self, name: &str) -> Option<&SlotSpec> {
        self.slots.iter().find(|slot| slot.name == name)
    }

    /// The order in which the slots sound: each before those that hear it, else that of the file. `[control]`
    ///
    /// Slots of a circle, which no rack that was read without mistakes has, come in the order of the file at its end.
    pub fn order(&self) -> Vec<usize> {
        let numbers: HashMap<&str, usize> = self.slots.iter().enumerate().map(|(at, slot)| (slot.name.as_str(), at)).collect();
        let hears = |at: usize| self.slots[at].feeds().filter_map(|name| numbers.get(name).copied());
        let mut waits = vec![0; self.slots.len()];
        for slot in 0..self.slots.len() {
            hears(slot).for_each(|to| waits[to] += 1);
        }
        let mut order = Vec::with_capacity(self.slots.len());
        while let Some(next) = (0..waits.len()).find(|at| waits[*at] == 0 && !order.contains(at)) {
            order.push(next);
            hears(next).for_each(|to| waits[to] -= 1);
        }
        order.extend((0..waits.len()).filter(|at| waits[*at] > 0));
        order
    }

    /// The same without its places in the text, so that two can be compared. `[control]`
    #[must_use]
    pub fn without_places(&self) -> Self {
        let mut rack = self.clone();
        rack.tuning.iter_mut().chain(rack.slots.iter_mut().filter_map(|slot| slot.tuning.as_mut())).for_each(|tuning| tuning.span = 0..0);
        for slot in &mut rack.slots {
            (slot.span, slot.places) = (0..0, SlotPlaces::default());
            slot.set.iter_mut().for_each(|set| set.span = 0..0);
        }
        rack.maps = rack.maps.iter().map(MapSpec::without_places).collect();
        rack
    }
}

/// Where a slot's sound goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `out`: after the fader.
    pub out: SlotOut,
    /// `sends`, in the order of the file.
    pub sends: Vec<SendSpec>,
}

impl Default for Route {
    fn default() -> Self {
        Self { out: SlotOut::Master, sends: Vec::new() }
    }
}

/// `out` of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotOut {
    /// The master.
    Master,
    /// The main input of another slot.
    Slot(String),
    /// Channels of the device, from 1: left and right, or one for the mean of both. They do not go through the master.
    Channels(Vec<u16>),
}

/// A send to another slot's main input.
#[derive(Clone, Debug, PartialEq)]
pub struct SendSpec {
    /// Which slot.
    pub to: String,
    /// [dB]; −60 is silence.
    pub level: f32,
    /// Taken before the fader.
    pub pre: bool,
}

/// Which keys of which channels play a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    /// `midi = false`: none do.
    pub listens: bool,
    /// `channel`, 1 to 16; `None`: all.
    pub channel: Option<u8>,
    /// `keys`, from and to.
    pub keys: (u8, u8),
    /// `velocity`, from and to, 1 to 127.
    pub velocity: (u8, u8),
    /// `transpose` [octaves].
    pub transpose: f32,
    /// `mpe`; `None`: as the patch says.
    pub mpe: Option<bool>,
}

impl Default for Zone {
    fn default() -> Self {
        Self { listens: true, channel: None, keys: (0, 127), velocity: (1, 127), transpose: 0.0, mpe: None }
    }
}

impl Zone {
    /// Whether a key struck on a channel, 1 to 16, so hard, 1 to 127, plays here. `[any]`
    pub fn takes(&self, channel: u8, key: u8, velocity: u8) -> bool {
        self.hears(channel) && within(self.keys, key) && within(self.velocity, velocity)
    }

    /// Whether what is said on a channel, 1 to 16, is for here. `[any]`
    pub fn hears(&self, channel: u8) -> bool {
        self.listens && self.channel.is_none_or(|only| only == channel)
    }
}

fn within((low, high): (u8, u8), x: u8) -> bool {
    (low..=high).contains(&x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_by_another_sounds_before_it() {
        let mut rack = Rack { slots: ["hall", "drums", "bass", "bus"].map(|name| SlotSpec::new(name, "a.toml")).into(), ..Rack::default() };
        let send = |to: &str| SendSpec { to: to.to_owned(), level: 0.0, pre: false };
        rack.slots[1].route.out = SlotOut::Slot("bus".to_owned());
        rack.slots[2].route.sends = vec![send("hall"), send("bus")];
        rack.slots[3].route.sends = vec![send("hall")];
        assert_eq!(rack.order(), [1, 2, 3, 0]);
        rack.slots[0].route.sends = vec![send("bus")];
        assert_eq!(rack.order(), [1, 2, 0, 3], "a circle is no rack, and still has an order");
    }

    #[test]
    fn a_zone_takes_its_channel_its_keys_and_its_force() {
        let zone = Zone { channel: Some(2), keys: (36, 59), velocity: (1, 80), ..Zone::default() };
        for (channel, key, velocity, takes) in
            [(2, 36, 1, true), (2, 59, 80, true), (1, 40, 40, false), (2, 35, 40, false), (2, 60, 40, false), (2, 40, 81, false)]
        {
            assert_eq!(zone.takes(channel, key, velocity), takes, "{channel} {key} {velocity}");
        }
        assert!(Zone::default().takes(16, 127, 127) && !Zone { listens: false, ..Zone::default() }.hears(1));
    }
}
