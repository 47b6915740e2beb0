//! MIDI controllers: by the patches' maps, else pedals, parameters and the channel's modes.

use std::collections::HashSet;

use super::client::Client;
use super::control::Control;
use super::draft::{Draft, Step};
use super::keyboard::Channel;
use super::notes::NoteName;
use super::value::When;
use crate::engine::event::{ALL_SLOTS, Panic};
use crate::engine::{Act, NoteId};
use crate::module::NoteSource;
use crate::patch::MapSource;
use crate::plan::outline::NoteValue;

impl Control {
    /// A controller moves, 0 to 127. One that a map names does only what the map says. `[control]`
    pub fn controller(&mut self, from: Client, channel: u8, number: u8, value: u8, at: When) {
        self.midi(from, at, |control, draft| {
            let of = |source: &MapSource| match source {
                MapSource::Cc(cc, only) if *cc == number => Some(*only),
                _ => None,
            };
            if control.turn_all_bound(draft, channel, of, f64::from(value) / 127.0) {
                return;
            }
            match number {
                64 => control.pedal(draft, from, channel, value >= 64),
                74 => control.timbre(draft, from, channel, f32::from(value) / 127.0),
                6 | 38 => control.data_entry(draft, from, channel, number == 6, value),
                98..=101 => control.choose_parameter(from, channel, number, value),
                120 => {
                    control.keyboard.channel(from, channel).sustained.clear();
                    draft.act(Act::Panic { slot: ALL_SLOTS, how: Panic::Fade });
                    let all: Vec<NoteId> = control.notes.iter().map(|(id, _)| id).collect();
                    all.into_iter().for_each(|id| draft.step(Step::Released(id)));
                }
                121 => {
                    control.pedal(draft, from, channel, false);
                    let state = control.keyboard.channel(from, channel);
                    let range = state.bend_range;
                    *state = Channel { bend_range: range, ..Channel::default() };
                    control.bend_notes(draft, from, channel);
                    for (slot, id) in control.notes_on(from, channel) {
                        draft.act(Act::NoteSet { slot, id, what: NoteValue::Source(NoteSource::Pressure), value: 0.0 });
                    }
                }
                123..=127 => control.all_keys_up(draft, from, channel),
                _ => {}
            }
        });
    }

    fn pedal(&mut self, draft: &mut Draft, from: Client, channel: u8, down: bool) {
        let state = self.keyboard.channel(from, channel);
        state.sustain = down;
        if !down {
            for (key, velocity) in std::mem::take(&mut state.sustained) {
                self.let_go(draft, (from, channel, key), velocity);
            }
        }
    }

    fn timbre(&mut self, draft: &mut Draft, from: Client, channel: u8, timbre: f32) {
        self.keyboard.channel(from, channel).timbre = timbre;
        for (slot, id) in self.notes_on(from, channel) {
            draft.act(Act::NoteSet { slot, id, what: NoteValue::Source(NoteSource::Timbre), value: timbre });
        }
    }

    /// All keys of a channel go up; a pedal that is down goes on holding them.
    pub(super) fn all_keys_up(&mut self, draft: &mut Draft, from: Client, channel: u8) {
        let keys: HashSet<u8> = self
            .notes
            .iter()
            .filter_map(|(_, note)| match note.name {
                Some(NoteName::Key(_, on, key)) if (note.client, on) == (from, channel) => Some(key),
                _ => None,
            })
            .collect();
        for key in keys {
            let state = self.keyboard.channel(from, channel);
            if !state.sustain {
                self.let_go(draft, (from, channel, key), 0.0);
            } else if !state.sustained.iter().any(|(held, _)| *held == key) {
                state.sustained.push((key, 0.0));
            }
        }
    }

    fn choose_parameter(&mut self, from: Client, channel: u8, number: u8, value: u8) {
        let state = self.keyboard.channel(from, channel);
        let registered = number >= 100;
        let (_, high, low) = state.parameter.filter(|(of, ..)| *of == registered).unwrap_or((registered, 127, 127));
        let (high, low) = if number % 2 == 1 { (value, low) } else { (high, value) };
        state.parameter = Some((registered, high, low));
        state.data = (0, 0);
    }

    fn data_entry(&mut self, draft: &mut Draft, from: Client, channel: u8, coarse: bool, value: u8) {
        let state = self.keyboard.channel(from, channel);
        if coarse {
            state.data = (value, 0);
        } else {
            state.data.1 = value;
        }
        let data = state.data;
        match state.parameter {
            Some((true, 0, 0)) => {
                state.bend_range = Some((f32::from(data.0) + f32::from(data.1) / 100.0) / 12.0);
                self.bend_notes(draft, from, channel);
            }
            Some((false, high, low)) if (high, low) != (127, 127) => {
                let parameter = u16::from(high) << 7 | u16::from(low);
                let of = |source: &MapSource| match source {
                    MapSource::Nrpn(nrpn, only) if *nrpn == parameter => Some(*only),
                    _ => None,
                };
                self.turn_all_bound(draft, channel, of, f64::from(u16::from(data.0) << 7 | u16::from(data.1)) / 16_383.0);
            }
            _ => {}
        }
    }
}
