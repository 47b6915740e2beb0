//! Pedals: sustain, sostenuto and soft, and the keys that they hold.

use super::bound::Mover;
use super::client::Client;
use super::control::Control;
use super::draft::Draft;
use super::notes::NoteName;

/// How much softer a note is that is struck while the soft pedal is down.
pub(super) const SOFT: f32 = 2.0 / 3.0;

/// What the pedals of a channel do.
#[derive(Clone, Debug, Default)]
pub(super) struct Pedals {
    pub(super) sustain: bool,
    /// The keys of all of the port's channels that were down when it was pressed; `None`: it is up.
    pub(super) sostenuto: Option<Box<[u128; 16]>>,
    pub(super) soft: bool,
}

impl Control {
    /// A pedal of a channel is pressed or let go: 64 sustain, 66 sostenuto, 67 soft.
    pub(super) fn pedal(&mut self, draft: &mut Draft, from: Client, channel: u8, number: u8, pressed: bool) {
        let port = self.keyboard.port(from);
        match number {
            64 => port.channel(channel).pedals.sustain = pressed,
            66 if !pressed => port.channel(channel).pedals.sostenuto = None,
            66 => {
                let down = Box::new(std::array::from_fn(|at| port.channels[at].down));
                // Half way up and down again is no new press.
                port.channel(channel).pedals.sostenuto.get_or_insert(down);
            }
            _ => port.channel(channel).pedals.soft = pressed,
        }
        if !pressed {
            self.let_up(draft, from);
        }
    }

    /// The channel itself, and the master of its zone as a slot sees it.
    fn pedals_for(&self, slot: usize, from: Client, channel: u8) -> impl Iterator<Item = (u8, &Pedals)> {
        let master = self.master_of(slot, from, channel).filter(|master| *master != channel);
        let channels = [Some(channel), master].into_iter().flatten();
        channels.filter_map(move |of| Some((of, &self.keyboard.seen(from, of)?.pedals)))
    }

    /// Whether a pedal goes on holding a slot's note when its key goes up. A pedal that a map binds in the slot does only
    /// what the map says.
    fn holds(&self, slot: usize, from: Client, channel: u8, key: u8) -> bool {
        self.pedals_for(slot, from, channel).any(|(of, pedals)| {
            let down = pedals.sostenuto.as_ref().map_or(0, |down| down[usize::from(channel.wrapping_sub(1) & 15)]);
            (pedals.sustain && !self.binds(slot, from, of, Mover::Cc(64)))
                || (down >> (key & 127) & 1 == 1 && !self.binds(slot, from, of, Mover::Cc(66)))
        })
    }

    /// How much softer a slot's new note is.
    pub(super) fn softened(&self, slot: usize, from: Client, channel: u8) -> f32 {
        let soft = self.pedals_for(slot, from, channel).any(|(of, pedals)| pedals.soft && !self.binds(slot, from, of, Mover::Cc(67)));
        if soft { SOFT } else { 1.0 }
    }

    /// A key goes up: its notes end, but for those that a pedal holds.
    pub(super) fn lift_key(&mut self, draft: &mut Draft, from: Client, channel: u8, key: u8, velocity: f32) {
        let held = self.let_go(draft, from, channel, key, velocity);
        let state = self.keyboard.port(from).channel(channel);
        state.down &= !(1 << (key & 127));
        state.up.retain(|(up, _)| *up != key);
        if held {
            state.up.push((key, velocity));
        }
    }

    /// Lets go of a key's notes that no pedal holds, in whatever slot; whether there are others.
    fn let_go(&mut self, draft: &mut Draft, from: Client, channel: u8, key: u8, velocity: f32) -> bool {
        let name = NoteName::Key(from.door, channel, key);
        let mut held = false;
        for slot in 0..self.slots.len() {
            let found = self.notes.find(slot as u8, from, &name).filter(|id| !draft.releases(*id));
            match found {
                Some(_) if self.holds(slot, from, channel, key) => held = true,
                Some(id) => self.let_go_of(draft, slot as u8, id, velocity),
                None => {}
            }
        }
        held
    }

    /// Lets go of what was held by pedals of a port and is no longer.
    pub(super) fn let_up(&mut self, draft: &mut Draft, from: Client) {
        for channel in 1..=16 {
            let up = std::mem::take(&mut self.keyboard.port(from).channel(channel).up);
            let still = up.into_iter().filter(|(key, velocity)| self.let_go(draft, from, channel, *key, *velocity)).collect();
            self.keyboard.port(from).channel(channel).up = still;
        }
    }
}
