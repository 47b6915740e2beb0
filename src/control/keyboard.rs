//! MIDI as it is played: ports, keys, and where each message goes. Channels are counted from 1; a port is a client whose door is its
//! number.

use std::collections::{BTreeSet, HashMap};

use super::bound::{Moved, Mover};
use super::channel::Channel;
use super::client::{Client, Origin};
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::Code;
use super::mpe::Zones;
use super::notes::{NoteName, Played, Sounding};
use super::programs::Programs;
use super::value::When;
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;
use crate::engine::{Act, NoteId};
use crate::module::NoteSource;
use crate::plan::outline::NoteValue;

/// What is known of a port.
#[derive(Clone, Debug, Default)]
pub(super) struct Port {
    pub(super) channels: Box<[Channel; 16]>,
    /// Its MPE zones, where it spoke of them.
    pub(super) zones: Option<Zones>,
    /// When it was last heard.
    pub(super) heard: SampleTime,
    /// It promised never to be silent for long.
    pub(super) senses: bool,
}

impl Port {
    /// A channel, 1 to 16. `[control]`
    pub(super) fn channel(&mut self, channel: u8) -> &mut Channel {
        &mut self.channels[usize::from(channel.wrapping_sub(1) & 15)]
    }
}

/// All keyboards.
#[derive(Debug, Default)]
pub struct Keyboard {
    pub(super) ports: HashMap<Client, Port>,
    /// Notes whose end found no room on its way to the engine.
    pub(super) owed: BTreeSet<NoteId>,
    pub(super) programs: Programs,
}

impl Keyboard {
    pub(super) fn port(&mut self, from: Client) -> &mut Port {
        self.ports.entry(from).or_default()
    }

    /// A port that was heard.
    pub(super) fn seen_port(&self, from: Client) -> Option<&Port> {
        self.ports.get(&from)
    }

    /// A channel of a port that was heard.
    pub(super) fn seen(&self, from: Client, channel: u8) -> Option<&Channel> {
        self.ports.get(&from).map(|port| &port.channels[usize::from(channel.wrapping_sub(1) & 15)])
    }

    /// No pedal holds anything any more. `[control]`
    pub fn let_go(&mut self) {
        for port in self.ports.values_mut() {
            port.channels.iter_mut().for_each(|channel| channel.up.clear());
        }
    }
}

impl Control {
    /// What a MIDI port or a score says. `[control]`
    pub fn midi_message(&mut self, from: Client, message: MidiMessage, at: When) {
        self.overhear(from, &message);
        let now = self.shown.now();
        let port = self.keyboard.port(from);
        port.heard = now;
        let unit = |x: u8| f32::from(x) / 127.0;
        match message {
            MidiMessage::NoteOn { channel, key, velocity } => {
                let fine = port.channel(channel + 1).velocity(velocity);
                self.strike(from, channel + 1, key, (velocity, fine), at);
            }
            MidiMessage::NoteOff { channel, key, velocity } => {
                let fine = port.channel(channel + 1).velocity(velocity);
                self.key_off(from, channel + 1, key, fine, at);
            }
            MidiMessage::PolyPressure { channel, key, value } => self.key_pressure(from, channel + 1, key, unit(value), at),
            MidiMessage::Pressure { channel, value } => self.pressure(from, channel + 1, unit(value), at),
            MidiMessage::Cc { channel, number, value } => self.controller(from, channel + 1, number, value, at),
            MidiMessage::Bend { channel, value } => {
                let whole = if value < 0 { 8192.0 } else { 8191.0 };
                self.bend(from, channel + 1, f32::from(value) / whole, at);
            }
            MidiMessage::Program { channel, number } => {
                let bank = port.channel(channel + 1).bank.map(|(high, low)| u16::from(high) << 7 | u16::from(low));
                self.program(from, channel + 1, bank, number, at);
            }
            MidiMessage::Sense => port.senses = true,
            MidiMessage::Reset => self.gone(from),
            MidiMessage::SongPosition(_) | MidiMessage::Clock | MidiMessage::Start | MidiMessage::Continue | MidiMessage::Stop => {
                (self.counts.messages, self.counts.accepted) = (self.counts.messages + 1, self.counts.accepted + 1);
                self.clock_says(from, message, at);
            }
        }
    }

    /// The sample of a moment; 0, the next block, for what is past: what was played a moment ago is not late.
    pub(super) fn midi_time(&self, at: When) -> SampleTime {
        let sample = match at {
            When::Now => 0,
            When::At(sample) => sample,
            When::Wall(nanos) => self.clock.sample_at(nanos).and_then(|sample| u64::try_from(sample).ok()).unwrap_or(0),
        };
        if sample < self.shown.now() { 0 } else { sample }
    }

    pub(super) fn midi(&mut self, from: Client, at: When, work: impl FnOnce(&mut Self, &mut Draft)) {
        let mut draft = Draft::new(from);
        draft.at = self.midi_time(at);
        self.counts.messages += 1;
        work(self, &mut draft);
        match self.commit(&mut draft) {
            Ok(()) => self.counts.accepted += 1,
            Err(fail) => {
                self.counts.fail(fail.code);
                self.owe(&draft);
            }
        }
    }

    /// Ends of notes that found no room are not forgotten: they go as soon as there is some.
    pub(super) fn owe(&mut self, draft: &Draft) {
        for (_, step) in &draft.steps {
            if let Step::Released(id) = step
                && self.notes.of(*id).is_some()
            {
                self.counts.midi.owed += u64::from(self.keyboard.owed.insert(*id));
            }
        }
    }

    /// Sends the ends of notes that wait.
    pub(super) fn pay(&mut self) {
        while let Some(id) = self.keyboard.owed.pop_first() {
            let Some((client, slot)) = self.notes.of(id) else { continue };
            let mut draft = Draft::new(client);
            self.let_go_of(&mut draft, slot, id, 0.0);
            if self.commit(&mut draft).is_err() {
                self.keyboard.owed.insert(id);
                return;
            }
        }
    }

    /// A key goes down, how hard 0..1; at 0 it goes up. In a slot whose patch maps the key as a switch it plays no note. `[control]`
    pub fn key_on(&mut self, from: Client, channel: u8, key: u8, velocity: f32, at: When) {
        if velocity <= 0.0 {
            return self.key_off(from, channel, key, 0.0, at);
        }
        let velocity = velocity.min(1.0);
        self.strike(from, channel, key, (libm::roundf(velocity * 127.0).max(1.0) as u8, velocity), at);
    }

    /// The same with the force as it was sent, by which slots are chosen, and the velocity as fine as it is known.
    fn strike(&mut self, from: Client, channel: u8, key: u8, (force, velocity): (u8, f32), at: When) {
        self.midi(from, at, |control, draft| {
            let switched = control.moved(draft, Moved { from, channel, what: Mover::Note(key), x: 1.0, raw: None });
            let state = control.keyboard.port(from).channel(channel);
            state.down |= 1 << (key & 127);
            state.up.retain(|(up, _)| *up != key);
            let mut taken = !switched.is_empty();
            for slot in (0..control.slots.len()).filter(|slot| !switched.has(*slot)) {
                if control.takes(slot, from, channel, key, force) {
                    taken = true;
                    control.press(draft, slot, (from, channel, key), velocity);
                }
            }
            control.counts.midi.notes += u64::from(!taken);
        });
    }

    fn press(&mut self, draft: &mut Draft, slot: usize, key: (Client, u8, u8), velocity: f32) {
        let (from, channel, number) = key;
        let name = NoteName::Key(from.door, channel, number);
        let of = slot as u8;
        if let Some(id) = self.notes.find(of, draft.client, &name) {
            self.let_go_of(draft, of, id, 0.0);
        }
        let Some(pitch) = self.pitch_of_key(slot, number) else {
            self.counts.fail(Code::Unmapped);
            return;
        };
        let played = Played::Key { number: f32::from(number), above: self.slots[slot].zone.transpose };
        let id = self.notes.fresh();
        let velocity = velocity * self.softened(slot, from, channel);
        draft.act(Act::NoteOn { slot: of, key: number, id, pitch, velocity, frames: 0 });
        let start = self.start(draft);
        draft.step(Step::Started(id, Sounding { slot: of, client: draft.client, name: Some(name), start, lease: None, played }));
        for source in [NoteSource::Bend, NoteSource::Pressure, NoteSource::Timbre] {
            let value = self.expression(slot, from, channel, source);
            if value != 0.0 {
                draft.act(Act::NoteSet { slot: of, id, what: NoteValue::Source(source), value });
            }
        }
    }

    /// A key goes up, how fast 0..1. `[control]`
    pub fn key_off(&mut self, from: Client, channel: u8, key: u8, velocity: f32, at: When) {
        self.midi(from, at, |control, draft| {
            control.moved(draft, Moved { from, channel, what: Mover::Note(key), x: 0.0, raw: None });
            control.lift_key(draft, from, channel, key, velocity);
        });
    }

    /// A client is gone: a port is pulled out, a connection closed. Its keys go up and its pedals with them, all notes that it holds
    /// are let go. `[control]`
    pub fn gone(&mut self, from: Client) {
        self.peers.forget(from);
        self.subscribers.forget(from);
        self.dumps.forget(from);
        self.release_all_of(from);
        if self.maps.learning.as_ref().is_some_and(|learning| learning.client == from) {
            self.maps.learning = None;
        }
        if from.origin == Origin::Midi {
            self.keyboard.ports.remove(&from);
            self.forget_controllers(from);
            self.play_plainly(from);
        }
    }
}
