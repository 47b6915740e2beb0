//! The checked intention of a rack: its slots as plain values. The patches themselves stand in files of their own.

use std::ops::Range;

/// A rack file: several patches that play at once, and how their sound is mixed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rack {
    /// `name`, or empty.
    pub name: String,
    /// `description`, or empty.
    pub description: String,
    /// `tempo` [beats a minute].
    pub tempo: Option<f64>,
    /// `[master]`.
    pub master: MasterSpec,
    /// `[slots.*]`, in the order of the file.
    pub slots: Vec<SlotSpec>,
}

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
    /// `midi`: which keys it plays.
    pub zone: Zone,
    /// `set`: dotted target, and the value as it would be written at its address.
    pub set: Vec<SetSpec>,
    /// Where its table stands in the source.
    pub span: Range<usize>,
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
