//! MPE: zones of channels in which each note has a channel of its own; and which slot hears which channel.

use super::client::Client;
use super::control::Control;
use super::draft::Draft;
use crate::engine::Act;
use crate::module::NoteSource;
use crate::patch::{MapSource, Zone};
use crate::plan::outline::NoteValue;

/// Master of the lower zone; its members are counted from 2 upwards.
pub(super) const LOWER: u8 = 1;
/// Master of the upper zone; its members are counted from 15 downwards.
pub(super) const UPPER: u8 = 16;

/// How many members each zone of a port has; 0: there is no such zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Zones {
    lower: u8,
    upper: u8,
}

impl Zones {
    /// The same after a zone was told how many members it has, 0 to 15: what it takes the other loses. `[control]`
    pub(super) fn with(self, master: u8, members: u8) -> Self {
        let members = members.min(15);
        // The other has its own master, and what is left.
        let left = |other: u8| if members == 0 { other } else { other.min(14_u8.saturating_sub(members)) };
        match master {
            LOWER => Self { lower: members, upper: left(self.upper) },
            UPPER => Self { lower: left(self.lower), upper: members },
            _ => self,
        }
    }

    /// The master of the zone that a channel is in, be it the master itself; `None` where it is in none. `[control]`
    pub(super) fn master_of(self, channel: u8) -> Option<u8> {
        match (self.lower > 0 && channel <= LOWER + self.lower, self.upper > 0 && channel >= UPPER - self.upper) {
            (true, _) => Some(LOWER),
            (_, true) => Some(UPPER),
            _ => None,
        }
    }

    /// Whether a channel is one note's. `[control]`
    pub(super) fn is_member(self, channel: u8) -> bool {
        self.master_of(channel).is_some_and(|master| master != channel)
    }
}

/// Whether a slot's settings ask for a zone without being told over MIDI, and which.
fn asks(zone: &Zone, patch: bool) -> Option<u8> {
    let wanted = zone.listens && zone.mpe.unwrap_or(patch);
    match zone.channel {
        None | Some(LOWER) if wanted => Some(LOWER),
        Some(UPPER) if wanted => Some(UPPER),
        // It is to play on one plain channel.
        _ => None,
    }
}

impl Control {
    fn asked(&self, slot: usize) -> Option<u8> {
        let slot = self.slots.get(slot)?;
        asks(&slot.zone, slot.patch.note.as_ref().is_some_and(|note| note.mpe))
    }

    /// The zones of a port: as it said, else as slots ask; two that ask share the members.
    pub(super) fn zones_of(&self, from: Client) -> Zones {
        self.keyboard.seen_port(from).and_then(|port| port.zones).unwrap_or_else(|| {
            let any = |master: u8| (0..self.slots.len()).any(|slot| self.asked(slot) == Some(master));
            match (any(LOWER), any(UPPER)) {
                (true, true) => Zones { lower: 7, upper: 7 },
                (true, false) => Zones { lower: 15, upper: 0 },
                (false, true) => Zones { lower: 0, upper: 15 },
                (false, false) => Zones::default(),
            }
        })
    }

    /// The zones of a port as a slot sees them: none where its rack says so, or where neither port nor slot speak of MPE.
    fn zones(&self, slot: usize, from: Client) -> Zones {
        let said = self.keyboard.seen_port(from).is_some_and(|port| port.zones.is_some());
        let refused = self.slots.get(slot).is_none_or(|slot| slot.zone.mpe == Some(false));
        if refused || !(said || self.asked(slot).is_some()) { Zones::default() } else { self.zones_of(from) }
    }

    /// The master of the zone that a channel is in as a slot sees it, be it the master itself.
    pub(super) fn master_of(&self, slot: usize, from: Client, channel: u8) -> Option<u8> {
        self.zones(slot, from).master_of(channel)
    }

    /// Whether a channel is one note's, as a slot sees it.
    pub(super) fn is_member(&self, slot: usize, from: Client, channel: u8) -> bool {
        self.zones(slot, from).is_member(channel)
    }

    /// The channel that a slot's filter looks at: of a zone, its master.
    pub(super) fn heard_as(&self, slot: usize, from: Client, channel: u8) -> u8 {
        self.master_of(slot, from, channel).unwrap_or(channel)
    }

    /// Whether a slot hears a channel of a port.
    pub(super) fn hears(&self, slot: usize, from: Client, channel: u8) -> bool {
        self.slots.get(slot).is_some_and(|of| of.plays && of.zone.hears(self.heard_as(slot, from, channel)))
    }

    /// Whether a key struck so hard, 1 to 127, plays a slot.
    pub(super) fn takes(&self, slot: usize, from: Client, channel: u8, key: u8, force: u8) -> bool {
        self.hears(slot, from, channel) && self.slots[slot].zone.takes(self.heard_as(slot, from, channel), key, force)
    }

    /// Which keys play a slot, from now on; those that are down there end when they are let go. `[control]`
    pub fn hear(&mut self, slot: usize, zone: Zone) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.zone = zone;
        }
    }

    /// Whether what is said on a channel is for a slot as a whole: it is none of a single note.
    pub(super) fn commands(&self, slot: usize, from: Client, channel: u8) -> bool {
        self.hears(slot, from, channel) && !self.is_member(slot, from, channel)
    }

    /// Whether a map of a slot listens to a channel. What expresses a single note is for that note, unless the map names the channel.
    pub(super) fn map_hears(&self, slot: usize, from: Client, channel: u8, source: &MapSource) -> bool {
        let (only, express) = match source {
            MapSource::Cc(number, only) => (*only, *number == 74),
            MapSource::Bend(only) | MapSource::Pressure(only) => (*only, true),
            MapSource::Nrpn(_, only) | MapSource::Note(_, only) => (*only, false),
            MapSource::Osc(_) => return false,
        };
        let wanted = match only {
            Some(only) => only == channel,
            None => !(express && self.is_member(slot, from, channel)),
        };
        wanted && self.hears(slot, from, channel)
    }

    /// RPN 6 on a channel: a zone has so many members from now on. Its notes end, its wheels, pedals and ranges are as at the start.
    pub(super) fn set_members(&mut self, draft: &mut Draft, from: Client, master: u8, members: u8) {
        let before = self.zones_of(from);
        let after = before.with(master, members);
        let port = self.keyboard.port(from);
        port.zones = Some(after);
        for channel in 1..=16 {
            if before.master_of(channel).is_none() && after.master_of(channel).is_none() {
                continue;
            }
            let state = self.keyboard.port(from).channel(channel);
            (state.bend, state.pressure, state.timbre) = (0.0, 0.0, 0.0);
            (state.range, state.member_range) = (None, None);
            state.pedals = Default::default();
            (state.down, state.prefix) = (0, None);
            let held: Vec<_> = self.notes.keys(from).filter(|key| key.channel == channel && key.held).collect();
            for key in held {
                self.let_go_of(draft, key.slot, key.id, 0.0);
            }
        }
        self.let_up(draft, from);
        for source in [NoteSource::Bend, NoteSource::Pressure, NoteSource::Timbre] {
            self.express_all(draft, from, source);
        }
    }

    /// Tells all notes of a port where a source stands.
    fn express_all(&mut self, draft: &mut Draft, from: Client, source: NoteSource) {
        let all: Vec<_> = self.notes.keys(from).collect();
        for key in all {
            let value = self.expression(usize::from(key.slot), from, key.channel, source);
            draft.act(Act::NoteSet { slot: key.slot, id: key.id, what: NoteValue::Source(source), value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_take_members_from_each_other_but_never_masters() {
        let none = Zones::default();
        assert_eq!((1..=16).filter_map(|channel| none.master_of(channel)).count(), 0);
        let lower = none.with(LOWER, 15);
        assert!((1..=16).all(|channel| lower.master_of(channel) == Some(LOWER)));
        assert!(lower.is_member(16) && !lower.is_member(1));
        let both = lower.with(UPPER, 5);
        assert_eq!(both, Zones { lower: 9, upper: 5 });
        assert_eq!((both.master_of(10), both.master_of(11), both.master_of(16)), (Some(LOWER), Some(UPPER), Some(UPPER)));
        assert!(both.is_member(15) && !both.is_member(16));
        assert_eq!(both.with(LOWER, 14), Zones { lower: 14, upper: 0 });
        assert_eq!(both.with(LOWER, 3), Zones { lower: 3, upper: 5 });
        assert_eq!(both.with(LOWER, 3).master_of(5), None);
        assert_eq!(both.with(LOWER, 0), Zones { lower: 0, upper: 5 });
        assert_eq!(both.with(7, 3), both, "channel 7 is no master");
        assert_eq!(none.with(UPPER, 127), Zones { lower: 0, upper: 15 });
    }
}
