//! Active sensing: a port that promised to be heard all the time, and falls silent, holds nothing any more.

use super::client::Client;
use super::control::Control;

/// How long such a port may be silent [s]: MIDI's 300 ms, and a tenth more.
const SILENCE: f64 = 0.33;

impl Control {
    /// Lets go of all that ports hold whose cable is dead.
    pub(super) fn sense(&mut self) {
        let (now, limit) = (self.shown.now(), self.frames(SILENCE));
        let dead: Vec<Client> =
            self.keyboard.ports.iter().filter(|(_, port)| port.senses && now > port.heard + limit).map(|(of, _)| *of).collect();
        for from in dead {
            self.release_all_of(from);
            let port = self.keyboard.port(from);
            port.senses = false;
            for channel in port.channels.iter_mut() {
                channel.pedals = Default::default();
                channel.up.clear();
                (channel.down, channel.bend, channel.pressure) = (0, 0.0, 0.0);
            }
            self.counts.midi.silent += 1;
            self.tell(format!("{from}: its cable is silent, though it was to be heard all the time; its notes are let go"));
        }
    }
}
