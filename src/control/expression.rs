//! What a channel's wheels do to its notes: bend, pressure, timbre, and tuning by RPN.

use super::bound::{Moved, Mover};
use super::channel::Channel;
use super::client::Client;
use super::control::Control;
use super::draft::Draft;
use super::value::When;
use crate::engine::Act;
use crate::module::NoteSource;
use crate::plan::outline::NoteValue;

/// Bend of a member of an MPE zone at its full [ct].
const MEMBER: u16 = 4800;

fn octaves(cents: u16) -> f32 {
    f32::from(cents) / 1200.0
}

impl Control {
    /// Pressure on one key, 0..1. A member of an MPE zone has the pressure of its channel instead. `[control]`
    pub fn key_pressure(&mut self, from: Client, channel: u8, key: u8, pressure: f32, at: When) {
        self.midi(from, at, |control, draft| {
            let all: Vec<_> = control.notes.keys(from).filter(|it| it.channel == channel && it.key == key).collect();
            let mut member = false;
            for it in all {
                if control.is_member(usize::from(it.slot), from, channel) {
                    member = true;
                } else {
                    let what = NoteValue::Source(NoteSource::Pressure);
                    draft.act(Act::NoteSet { slot: it.slot, id: it.id, what, value: pressure });
                }
            }
            control.counts.midi.pressures += u64::from(member);
        });
    }

    /// Pressure on a channel, 0..1. `[control]`
    pub fn pressure(&mut self, from: Client, channel: u8, pressure: f32, at: When) {
        self.midi(from, at, |control, draft| control.press_channel(draft, from, channel, pressure));
    }

    pub(super) fn press_channel(&mut self, draft: &mut Draft, from: Client, channel: u8, pressure: f32) {
        self.keyboard.port(from).channel(channel).pressure = pressure;
        self.moved(draft, Moved { from, channel, what: Mover::Pressure, x: f64::from(pressure), raw: None });
        self.express(draft, from, channel, NoteSource::Pressure);
    }

    /// The bend wheel of a channel, −1..1. `[control]`
    pub fn bend(&mut self, from: Client, channel: u8, bend: f32, at: When) {
        self.midi(from, at, |control, draft| control.bend_channel(draft, from, channel, bend));
    }

    pub(super) fn bend_channel(&mut self, draft: &mut Draft, from: Client, channel: u8, bend: f32) {
        self.keyboard.port(from).channel(channel).bend = bend;
        self.moved(draft, Moved { from, channel, what: Mover::Bend, x: f64::from(bend) * 0.5 + 0.5, raw: None });
        self.express(draft, from, channel, NoteSource::Bend);
    }

    /// Tells the notes of a channel, or of the zone whose master it is, where a source stands; also those that were let go and still
    /// sound.
    pub(super) fn express(&mut self, draft: &mut Draft, from: Client, channel: u8, source: NoteSource) {
        let all: Vec<_> = self.notes.keys(from).filter(|key| self.is_of(usize::from(key.slot), from, key.channel, channel)).collect();
        for key in all {
            let value = self.expression(usize::from(key.slot), from, key.channel, source);
            draft.act(Act::NoteSet { slot: key.slot, id: key.id, what: NoteValue::Source(source), value });
        }
    }

    /// Whether what is said on a channel is for a slot's note on another or the same.
    pub(super) fn is_of(&self, slot: usize, from: Client, note: u8, channel: u8) -> bool {
        note == channel || self.master_of(slot, from, note) == Some(channel)
    }

    /// Where a source stands for a slot's notes on a channel: what a zone's master says is added to what its member says, of pressure and
    /// timbre the larger counts.
    pub(super) fn expression(&self, slot: usize, from: Client, channel: u8, source: NoteSource) -> f32 {
        let member = self.is_member(slot, from, channel);
        let zone = if member { self.master_of(slot, from, channel) } else { None };
        let (own, master) = (self.keyboard.seen(from, channel), zone.and_then(|master| self.keyboard.seen(from, master)));
        let more = |a: f32, b: f32| if b > a { b } else { a };
        match source {
            NoteSource::Bend => {
                let patch = self.slots.get(slot).and_then(|slot| slot.patch.note.as_ref()).map_or(0.0, |note| note.bend_range);
                let bent = |state: &Channel, range: Option<u16>, else_: f32| state.bend * range.map_or(else_, octaves) + state.tuning();
                let own = own.map_or(0.0, |state| match member {
                    true => bent(state, state.member_range, octaves(MEMBER)),
                    false => bent(state, state.range, patch),
                });
                own + master.map_or(0.0, |state| bent(state, state.range, patch))
            }
            NoteSource::Pressure => more(own.map_or(0.0, |own| own.pressure), master.map_or(0.0, |master| master.pressure)),
            // A map of the slot's takes it away.
            NoteSource::Timbre => {
                let of = |state: Option<&Channel>, channel| {
                    state.filter(|_| !self.binds(slot, from, channel, Mover::Cc(74))).map_or(0.0, |state| state.timbre)
                };
                more(of(own, channel), of(master, zone.unwrap_or(channel)))
            }
            _ => 0.0,
        }
    }
}
