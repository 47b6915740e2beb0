//! System Exclusive messages: the MIDI Tuning Standard, master volume and master tuning. All others are none of ours.

use super::address_map::Spot;
use super::client::Client;
use super::control::Control;
use super::draft::{Draft, MASTER, Step};
use super::fail::Code;
use super::mts::{self, ALL_CHANNELS, Exclusive, Said};
use super::scale::Scale;
use super::targets::Target;
use super::tuning::{Edit, Retuning, Scope};
use super::value::{Value, When};
use crate::engine::event::Mix;

impl Control {
    /// What a System Exclusive message says, without its F0 and F7. What is meant for us and cannot be read is counted; what is meant
    /// for others is passed over. `[control]`
    ///
    /// Tunings are meant for all slots that follow the rack's; a scale for some channels for those of them that hear one of these.
    /// Messages of real time move notes that sound, others are heard from the next note on.
    pub fn exclusive(&mut self, from: Client, bytes: &[u8], at: When) {
        match mts::read(bytes) {
            Ok(Some(exclusive)) => self.midi(from, at, |control, draft| control.tell_tuning(draft, exclusive)),
            Ok(None) => {}
            Err(_) => {
                self.counts.messages += 1;
                self.counts.fail(Code::Exclusive);
            }
        }
    }

    fn tell_tuning(&mut self, draft: &mut Draft, exclusive: Exclusive) {
        let Exclusive { said, real_time: sounding } = exclusive;
        let mut tune = |scope, edit| draft.step(Step::Tune(Retuning { scope, edit, sounding }));
        match said {
            Said::Keys(keys) => tune(Scope::Rack, Edit::Keys(keys)),
            Said::Octave { channels: ALL_CHANNELS, offsets } => tune(Scope::Rack, Edit::Octave(offsets)),
            Said::Octave { channels, offsets } => {
                for (number, slot) in self.slots.iter().enumerate() {
                    let hears = (1..=16).any(|channel| channels >> (channel - 1) & 1 == 1 && slot.zone.hears(channel));
                    if hears && slot.tuning.follows() {
                        tune(Scope::Slot(number), Edit::Octave(offsets));
                    }
                }
            }
            Said::Fine(octaves) => tune(Scope::All, Edit::Fine(octaves)),
            Said::Coarse(octaves) => tune(Scope::All, Edit::Coarse(octaves)),
            Said::Volume(way) => {
                // As a channel's volume: 40 dB for each tenth of the way.
                let decibels = if way > 0.0 { 40.0 * libm::log10(way) } else { f64::NEG_INFINITY };
                let level = decibels.max(f64::from(Scale::LEVEL.min));
                let master = Target { slot: MASTER, spot: Spot::Strip(Mix::Level) };
                // The value is in range, and the address is there.
                let _ = self.draft_value(draft, master, "/master/level", &[Value::Number(level)], false);
            }
        }
    }
}
