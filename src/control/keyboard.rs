//! MIDI as it is played: keys, pedals, wheels, and controllers by the patches' maps. Channels are counted from 1; a port is a
//! client whose door is its number.

use std::collections::{HashMap, HashSet};

use super::client::{Client, Origin};
use super::control::Control;
use super::draft::{Draft, Step};
use super::notes::{NoteName, Sounding};
use super::value::When;
use crate::base::midi::MidiMessage;
use crate::engine::{Act, NoteId};
use crate::module::NoteSource;
use crate::patch::MapSource;
use crate::plan::outline::NoteValue;

/// Bend of a member channel of an MPE keyboard, at its full [octaves].
const MEMBER_BEND: f32 = 4.0;

/// What a channel's wheels and pedals do.
#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    /// −1..1.
    pub(super) bend: f32,
    /// [octaves]; `None`: as the patch says.
    pub(super) bend_range: Option<f32>,
    pub(super) pressure: f32,
    pub(super) timbre: f32,
    pub(super) sustain: bool,
    /// Keys that are up but held by the pedal, with the speed of their release.
    pub(super) sustained: Vec<(u8, f32)>,
    /// Registered (true) or non-registered parameter that data entry means.
    pub(super) parameter: Option<(bool, u8, u8)>,
    pub(super) data: (u8, u8),
}

/// All keyboards.
#[derive(Clone, Debug, Default)]
pub struct Keyboard {
    channels: HashMap<(Client, u8), Channel>,
}

impl Keyboard {
    pub(super) fn channel(&mut self, from: Client, channel: u8) -> &mut Channel {
        self.channels.entry((from, channel)).or_default()
    }

    /// No pedal holds anything any more. `[control]`
    pub fn let_go(&mut self) {
        for channel in self.channels.values_mut() {
            channel.sustained.clear();
        }
    }
}

impl Control {
    /// What a MIDI port or a score says. `[control]`
    pub fn midi_message(&mut self, from: Client, message: MidiMessage, at: When) {
        let unit = |x: u8| f32::from(x) / 127.0;
        match message {
            MidiMessage::NoteOn { channel, key, velocity } => self.key_on(from, channel + 1, key, unit(velocity), at),
            MidiMessage::NoteOff { channel, key, velocity } => self.key_off(from, channel + 1, key, unit(velocity), at),
            MidiMessage::PolyPressure { channel, key, value } => self.key_pressure(from, channel + 1, key, unit(value), at),
            MidiMessage::Pressure { channel, value } => self.pressure(from, channel + 1, unit(value), at),
            MidiMessage::Cc { channel, number, value } => self.controller(from, channel + 1, number, value, at),
            MidiMessage::Bend { channel, value } => {
                let whole = if value < 0 { 8192.0 } else { 8191.0 };
                self.bend(from, channel + 1, f32::from(value) / whole, at);
            }
            MidiMessage::Reset => self.gone(from),
            // Presets and a clock from outside are not there yet.
            MidiMessage::Program { .. }
            | MidiMessage::SongPosition(_)
            | MidiMessage::Clock
            | MidiMessage::Start
            | MidiMessage::Continue
            | MidiMessage::Stop
            | MidiMessage::Sense => {}
        }
    }

    pub(super) fn midi(&mut self, from: Client, at: When, work: impl FnOnce(&mut Self, &mut Draft)) {
        let mut draft = Draft::new(from);
        draft.at = match at {
            When::Now => 0,
            When::At(sample) => sample,
            When::Wall(nanos) => self.clock.sample_at(nanos).and_then(|sample| u64::try_from(sample).ok()).unwrap_or(0),
        };
        // What was played a moment ago is not late: it acts in the next block.
        if draft.at < self.shown.now() {
            draft.at = 0;
        }
        self.counts.messages += 1;
        work(self, &mut draft);
        match self.commit(&mut draft) {
            Ok(()) => self.counts.accepted += 1,
            Err(fail) => self.counts.fail(fail.code),
        }
    }

    /// A key goes down, how hard 0..1; at 0 it goes up. A key that a map names as a switch plays no note. `[control]`
    pub fn key_on(&mut self, from: Client, channel: u8, key: u8, velocity: f32, at: When) {
        if velocity <= 0.0 {
            return self.key_off(from, channel, key, 0.0, at);
        }
        self.midi(from, at, |control, draft| {
            if control.turn_all_bound(draft, channel, |source| switch(source, key), 1.0) {
                return;
            }
            control.keyboard.channel(from, channel).sustained.retain(|(held, _)| *held != key);
            for slot in 0..control.slots.len() {
                let force = libm::roundf(velocity.min(1.0) * 127.0).max(1.0) as u8;
                if control.slots[slot].zone.takes(channel, key, force) {
                    control.press(draft, slot, (from, channel, key), velocity.min(1.0));
                }
            }
        });
    }

    fn press(&mut self, draft: &mut Draft, slot: usize, key: (Client, u8, u8), velocity: f32) {
        let (from, channel, number) = key;
        let name = NoteName::Key(from.door, channel, number);
        let of = slot as u8;
        if let Some(id) = self.notes.find(of, draft.client, &name) {
            self.let_go_of(draft, of, id, 0.0);
        }
        let Some(pitch) = self.pitch_of_key(slot, number) else { return };
        let id = self.notes.fresh();
        draft.act(Act::NoteOn { slot: of, key: number, id, pitch, velocity, frames: 0 });
        let start = self.start(draft);
        draft.step(Step::Started(id, Sounding { slot: of, client: draft.client, name: Some(name), start, lease: None }));
        let bend = self.bend_of(slot, from, channel);
        let state = self.keyboard.channel(from, channel);
        let (pressure, timbre) = (state.pressure, state.timbre);
        for (source, value) in [(NoteSource::Bend, bend), (NoteSource::Pressure, pressure), (NoteSource::Timbre, timbre)] {
            if value != 0.0 {
                draft.act(Act::NoteSet { slot: of, id, what: NoteValue::Source(source), value });
            }
        }
    }

    /// A key goes up, how fast 0..1. `[control]`
    pub fn key_off(&mut self, from: Client, channel: u8, key: u8, velocity: f32, at: When) {
        self.midi(from, at, |control, draft| {
            if control.turn_all_bound(draft, channel, |source| switch(source, key), 0.0) {
                return;
            }
            let state = control.keyboard.channel(from, channel);
            if state.sustain {
                state.sustained.push((key, velocity));
            } else {
                control.let_go(draft, (from, channel, key), velocity);
            }
        });
    }

    pub(super) fn let_go(&mut self, draft: &mut Draft, key: (Client, u8, u8), velocity: f32) {
        let name = NoteName::Key(key.0.door, key.1, key.2);
        for slot in 0..self.slots.len() as u8 {
            if let Some(id) = self.notes.find(slot, draft.client, &name).filter(|id| !draft.releases(*id)) {
                self.let_go_of(draft, slot, id, velocity);
            }
        }
    }

    /// Pressure on one key, 0..1. `[control]`
    pub fn key_pressure(&mut self, from: Client, channel: u8, key: u8, pressure: f32, at: When) {
        self.midi(from, at, |control, draft| {
            let name = NoteName::Key(from.door, channel, key);
            for slot in 0..control.slots.len() as u8 {
                if let Some(id) = control.notes.find(slot, draft.client, &name) {
                    draft.act(Act::NoteSet { slot, id, what: NoteValue::Source(NoteSource::Pressure), value: pressure });
                }
            }
        });
    }

    /// Pressure on a channel, 0..1. `[control]`
    pub fn pressure(&mut self, from: Client, channel: u8, pressure: f32, at: When) {
        self.midi(from, at, |control, draft| {
            control.keyboard.channel(from, channel).pressure = pressure;
            let of = |source: &MapSource| if let MapSource::Pressure(only) = source { Some(*only) } else { None };
            control.turn_all_bound(draft, channel, of, f64::from(pressure));
            for (slot, id) in control.notes_on(from, channel) {
                draft.act(Act::NoteSet { slot, id, what: NoteValue::Source(NoteSource::Pressure), value: pressure });
            }
        });
    }

    /// The bend wheel of a channel, −1..1. `[control]`
    pub fn bend(&mut self, from: Client, channel: u8, bend: f32, at: When) {
        self.midi(from, at, |control, draft| {
            control.keyboard.channel(from, channel).bend = bend;
            let of = |source: &MapSource| if let MapSource::Bend(only) = source { Some(*only) } else { None };
            control.turn_all_bound(draft, channel, of, f64::from(bend) * 0.5 + 0.5);
            control.bend_notes(draft, from, channel);
        });
    }

    pub(super) fn bend_notes(&mut self, draft: &mut Draft, from: Client, channel: u8) {
        let all: Vec<(u8, NoteId, u8)> = self.keys_of(from).collect();
        for (slot, id, of) in all {
            if of == channel || (channel == 1 && self.is_mpe(usize::from(slot))) {
                let value = self.bend_of(usize::from(slot), from, of);
                draft.act(Act::NoteSet { slot, id, what: NoteValue::Source(NoteSource::Bend), value });
            }
        }
    }

    fn is_mpe(&self, slot: usize) -> bool {
        self.slots[slot].patch.note.as_ref().is_some_and(|note| note.mpe)
    }

    /// The bend of a channel's notes in a slot [octaves].
    fn bend_of(&mut self, slot: usize, from: Client, channel: u8) -> f32 {
        let whole = self.slots[slot].patch.note.as_ref().map_or(0.0, |note| note.bend_range);
        let mpe = self.is_mpe(slot);
        let state = self.keyboard.channel(from, channel);
        let own = state.bend * state.bend_range.unwrap_or(if mpe && channel != 1 { MEMBER_BEND } else { whole });
        if !mpe || channel == 1 {
            return own;
        }
        let first = self.keyboard.channel(from, 1);
        own + first.bend * first.bend_range.unwrap_or(whole)
    }

    /// Keys of a port that are down: slot, note, channel.
    fn keys_of(&self, from: Client) -> impl Iterator<Item = (u8, NoteId, u8)> {
        self.notes.iter().filter_map(move |(id, note)| match note.name {
            Some(NoteName::Key(_, channel, _)) if note.client == from => Some((note.slot, id, channel)),
            _ => None,
        })
    }

    pub(super) fn notes_on(&self, from: Client, channel: u8) -> Vec<(u8, NoteId)> {
        self.keys_of(from).filter(|(_, _, of)| *of == channel).map(|(slot, id, _)| (slot, id)).collect()
    }

    /// A client is gone: a port is pulled out, a connection closed. Its keys go up and its pedals with them, all notes that it holds
    /// are let go. `[control]`
    pub fn gone(&mut self, from: Client) {
        self.peers.forget(from);
        self.subscribers.forget(from);
        self.dumps.forget(from);
        self.release_all_of(from);
        if from.origin != Origin::Midi {
            return;
        }
        let channels: HashSet<u8> = self.keys_of(from).map(|(_, _, channel)| channel).collect();
        self.midi(from, When::Now, |control, draft| {
            for channel in channels {
                control.keyboard.channel(from, channel).sustain = false;
                control.all_keys_up(draft, from, channel);
            }
            control.keyboard.channels.retain(|(of, _), _| *of != from);
        });
    }
}

fn switch(source: &MapSource, key: u8) -> Option<Option<u8>> {
    match source {
        MapSource::Note(of, only) if *of == key => Some(*only),
        _ => None,
    }
}
