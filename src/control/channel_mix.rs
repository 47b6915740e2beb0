//! Volume, expression, pan and balance of MIDI: how a slot is played, beside its strip of the mixer, which they do not move.

use super::bindings::SMOOTH;
use super::client::{Client, Origin};
use super::control::Control;
use super::draft::Draft;
use super::feed_line::Merge;
use super::slot::{ChannelMix, SlotSet};
use crate::engine::event::Mix;
use crate::engine::{Act, Event};

/// A pan or balance 0..1 as ±1; the middle is 64 of 127.
fn place(x: f64) -> f32 {
    const MIDDLE: f64 = 64.0 / 127.0;
    (if x < MIDDLE { x / MIDDLE - 1.0 } else { (x - MIDDLE) / (1.0 - MIDDLE) }) as f32
}

impl Control {
    /// CC 7, 8, 10 or 11, at a position 0..1, in slots that hear the channel and do not map it; where several channels play a slot the
    /// newest counts. A single note of an MPE zone has none.
    pub(super) fn play_strips(&mut self, draft: &mut Draft, from: Client, channel: u8, (number, x): (u8, f64), bound: SlotSet) {
        for slot in 0..self.slots.len() {
            if bound.has(slot) || !self.commands(slot, from, channel) {
                continue;
            }
            let mix = &mut self.slots[slot].channel_mix;
            mix.by = Some(from);
            let what = match number {
                7 | 11 => {
                    mix.volume[usize::from(number == 11)] = x as f32;
                    Mix::Volume
                }
                _ => {
                    mix.balance[usize::from(number == 8)] = place(x);
                    Mix::Balance
                }
            };
            self.send_channel_mix(draft, slot, what);
        }
    }

    fn send_channel_mix(&self, draft: &mut Draft, slot: usize, what: Mix) {
        let ChannelMix { volume, balance, .. } = self.slots[slot].channel_mix;
        let value = match what {
            // As General MIDI has it: 40 dB for each factor of ten.
            Mix::Volume => (volume[0] * volume[1]) * (volume[0] * volume[1]),
            _ => (balance[0] + balance[1]).clamp(-1.0, 1.0),
        };
        let event = Event { at: 0, act: Act::Mix { slot: slot as u8, what, value, frames: self.frames(SMOOTH) as u32 } };
        draft.value(Some(Merge::Strip(slot as u8, what.into())), [event]);
    }

    /// The slots that a port's controllers play are as before: it is gone.
    pub(super) fn play_plainly(&mut self, from: Client) {
        let mut draft = Draft::new(Client::of(Origin::Rackd));
        for slot in 0..self.slots.len() {
            if self.slots[slot].channel_mix.by == Some(from) {
                self.slots[slot].channel_mix = ChannelMix::default();
                self.send_channel_mix(&mut draft, slot, Mix::Volume);
                self.send_channel_mix(&mut draft, slot, Mix::Balance);
            }
        }
        // What finds no room is counted as dropped.
        let _ = self.commit(&mut draft);
    }
}
