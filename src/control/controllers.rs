//! MIDI controllers: by the patches' maps, else what they mean by themselves.

use super::bound::{Moved, Mover};
use super::client::Client;
use super::control::Control;
use super::draft::{Draft, Step};
use super::slot::SlotSet;
use super::value::When;
use crate::engine::Act;
use crate::module::NoteSource;

/// Controllers that CC 121 sets back, and to where: modulation, expression, and the pedals.
const RESET: [(u8, f64); 6] = [(1, 0.0), (11, 1.0), (64, 0.0), (65, 0.0), (66, 0.0), (67, 0.0)];

impl Control {
    /// A controller moves, 0 to 127. In a slot whose patch maps it, it does only what the map says, but for those that choose a bank,
    /// parameters or modes. `[control]`
    pub fn controller(&mut self, from: Client, channel: u8, number: u8, value: u8, at: When) {
        self.midi(from, at, |control, draft| {
            let mut bound = SlotSet::default();
            let (mut which, mut x) = (number, f64::from(value) / 127.0);
            // Where none listens to a low part as such, it is of its high one.
            if (32..=63).contains(&number) {
                bound = control.moved(draft, Moved { from, channel, what: Mover::Cc(number), x, raw: Some(value) });
            }
            if bound.is_empty() {
                (which, x) = control.keyboard.port(from).channel(channel).turn(number, value);
                if which != number || !(32..=63).contains(&number) {
                    let raw = (which == number).then_some(value);
                    bound = control.moved(draft, Moved { from, channel, what: Mover::Cc(which), x, raw });
                }
            }
            let entered = |known: bool| u64::from(!known && bound.is_empty());
            let meant = match number {
                0 | 32 => control.choose_bank(from, channel, number == 0, value),
                6 | 38 => {
                    let known = control.enter(draft, from, channel, number == 6, value);
                    control.counts.midi.parameters += entered(known);
                    true
                }
                96 | 97 => {
                    let known = control.step_entry(draft, from, channel, number == 96);
                    control.counts.midi.parameters += entered(known);
                    true
                }
                88 => {
                    control.keyboard.port(from).channel(channel).prefix = Some(value);
                    true
                }
                98..=101 => control.choose_parameter(from, channel, number, value),
                120..=127 => control.mode(draft, from, channel, number),
                _ => control.play(draft, from, channel, (which, x), bound),
            };
            control.counts.midi.controllers += u64::from(!meant && bound.is_empty());
        });
    }

    /// What a controller does by itself in slots where no map names it; whether it means anything.
    fn play(&mut self, draft: &mut Draft, from: Client, channel: u8, (number, x): (u8, f64), bound: SlotSet) -> bool {
        match number {
            7 | 8 | 10 | 11 => self.play_strips(draft, from, channel, (number, x), bound),
            64 | 66 | 67 => self.pedal(draft, from, channel, number, x >= 64.0 / 127.0),
            // The next note glides from this key.
            84 => {
                let key = libm::round(x * 127.0) as u8;
                for slot in (0..self.slots.len()).filter(|slot| !bound.has(*slot)) {
                    let heard = self.hears(slot, from, channel);
                    if let Some(pitch) = self.pitch_of_key(slot, key).filter(|_| heard) {
                        draft.act(Act::GlideFrom { slot: slot as u8, pitch });
                    }
                }
            }
            74 => {
                self.keyboard.port(from).channel(channel).timbre = x as f32;
                self.express(draft, from, channel, NoteSource::Timbre);
            }
            _ => return false,
        }
        true
    }

    fn choose_bank(&mut self, from: Client, channel: u8, high: bool, value: u8) -> bool {
        let state = self.keyboard.port(from).channel(channel);
        // A new high part begins anew.
        state.bank = Some(if high { (value, 0) } else { (state.bank.map_or(0, |(high, _)| high), value) });
        true
    }

    /// A mode of the channel: 120 and above.
    fn mode(&mut self, draft: &mut Draft, from: Client, channel: u8, number: u8) -> bool {
        match number {
            120 => self.all_sound_off(draft, from, channel),
            121 => self.reset_controllers(draft, from, channel),
            // Local control is of the keyboard that sends it.
            122 => {}
            _ => self.all_keys_up(draft, from, channel),
        }
        true
    }

    /// All notes of a channel, or of the zone whose master it is, are over within 10 ms, whatever holds them.
    fn all_sound_off(&mut self, draft: &mut Draft, from: Client, channel: u8) {
        let all: Vec<_> = self.notes.keys(from).filter(|key| self.is_of(usize::from(key.slot), from, key.channel, channel)).collect();
        let start = self.start(draft);
        for key in all {
            if self.notes.start_of(key.id).is_some_and(|begins| begins > start) {
                self.let_go_of(draft, key.slot, key.id, 0.0);
            } else {
                draft.act(Act::NoteFade { slot: key.slot, id: key.id });
                draft.step(Step::Released(key.id));
            }
        }
        self.let_up(draft, from);
    }

    /// All keys of a channel, or of the zone whose master it is, go up; a pedal that is down goes on holding them.
    fn all_keys_up(&mut self, draft: &mut Draft, from: Client, channel: u8) {
        self.keyboard.port(from).channel(channel).down = 0;
        let all: Vec<_> = self.notes.keys(from).filter(|key| key.held).collect();
        for key in all {
            let state = self.keyboard.port(from).channel(key.channel);
            let is_up = state.up.iter().any(|(up, _)| *up == key.key);
            if !is_up && self.is_of(usize::from(key.slot), from, key.channel, channel) {
                self.lift_key(draft, from, key.channel, key.key, 0.0);
            }
        }
    }

    /// Modulation, expression, pedals, bend, pressures and parameters of a channel, and of the zone whose master it is, are as at the
    /// start. Volume, pan, program and bend range stay.
    fn reset_controllers(&mut self, draft: &mut Draft, from: Client, channel: u8) {
        let zones = self.zones_of(from);
        for channel in (1..=16).filter(|of| *of == channel || zones.master_of(*of) == Some(channel)) {
            for (number, x) in RESET {
                let state = self.keyboard.port(from).channel(channel);
                if !state.has(number) {
                    continue;
                }
                state.forget(number);
                let bound = self.moved(draft, Moved { from, channel, what: Mover::Cc(number), x, raw: None });
                self.play(draft, from, channel, (number, x), bound);
            }
            let state = self.keyboard.port(from).channel(channel);
            (state.parameter, state.prefix) = (None, None);
            let (bend, pressure) = (state.bend, state.pressure);
            if bend != 0.0 {
                self.bend_channel(draft, from, channel, 0.0);
            }
            if pressure != 0.0 {
                self.press_channel(draft, from, channel, 0.0);
            } else {
                // Keys may have a pressure of their own.
                self.express(draft, from, channel, NoteSource::Pressure);
            }
        }
    }
}
