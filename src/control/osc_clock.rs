//! `/clock beat`: somebody tells over OSC where the music is, and the beat clock follows.
//!
//! Each message is a tick of a clock whose beats are told; from the second on it is known how far they lie apart. From there on it is as with
//! a MIDI clock: a line through the ticks, a start on the sample, small changes of the tempo. A time tag says when the beat is; without one
//! it is when the message came, and the line evens out what the network does.

use super::client::{Client, Origin};
use super::control::Control;
use super::draft::Draft;
use super::fail::{Code, Fail};
use super::midi_clock::{Lead, Wanted};
use super::verbs::Call;
use crate::base::time::SampleTime;

/// Beats from one message to the next at most.
const MOST: f64 = 4.0;
/// What is nearer than this is the same [steps].
const NEAR: f64 = 0.01;

/// `/clock`
pub(super) fn tick(control: &mut Control, _: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let beat = match call.values {
        [value] => value.number().filter(|beat| (0.0..1e9).contains(beat)),
        _ => None,
    };
    let text = "the beat that it is now is wanted, counted from 0";
    let beat = beat.ok_or_else(|| Fail::new(call.address, Code::WrongArguments, text))?;
    if control.midi_clock.wanted != Some(Wanted::Osc) {
        let text = "the beat clock does not follow OSC: /clock/source osc makes it";
        return Err(Fail::new(call.address, Code::NotAllowed, text));
    }
    let time = call.at.max(control.shown.now());
    if control.midi_clock.lead.as_ref().is_some_and(|lead| lead.from != call.client) {
        let text = "another client's clock is followed: it ends with /clock/source internal, or when it is silent";
        return Err(Fail::new(call.address, Code::NotAllowed, text));
    }
    control.beat_told(call.client, time, beat);
    Ok(())
}

impl Control {
    /// Somebody tells which beat falls on a sample; who leads already is listened to, and nobody else.
    fn beat_told(&mut self, from: Client, time: SampleTime, beat: f64) {
        let rate = self.rate();
        let lead = self.midi_clock.lead.get_or_insert_with(|| Lead::new(from, time, 0.0, rate));
        if lead.from != from {
            return;
        }
        let before = lead.told.replace(beat);
        let step = before.map_or(0.0, |before| beat - before);
        let goes_on = lead.step > 0.0 && (step / lead.step - 1.0).abs() < NEAR;
        if !goes_on {
            let places = if lead.step > 0.0 { beat / lead.step } else { 0.0 };
            let jumps = lead.step > 0.0 && (places - libm::round(places)).abs() < NEAR;
            if !jumps {
                let first = lead.last;
                *lead = Lead::new(from, time, 0.0, rate);
                lead.told = Some(beat);
                if !(step > 0.0 && step <= MOST) {
                    // How far they lie apart is known with the next.
                    return;
                }
                lead.step = step;
                lead.follow.tick(first as f64);
            }
            let place = libm::round(beat / lead.step);
            lead.base = beat - place * lead.step;
            lead.armed = Some(place as i64);
        }
        self.clock_ticks(time);
    }

    /// There is somebody who knows Ableton Link, and will tell its beats by [`Self::link_told`]. `[control]`
    pub fn has_link(&mut self) {
        self.midi_clock.has_link = true;
    }

    /// The beat clock follows Link's session, or its own again. `[control]`
    pub fn follow_link(&mut self, follows: bool) {
        self.follow_clock(follows.then_some(Wanted::Link));
    }

    /// Whether the beat clock is to follow Link's session. `[control]`
    pub fn wants_link(&self) -> bool {
        self.midi_clock.wanted == Some(Wanted::Link)
    }

    /// Which beat of Link's session falls on a sample, in order. `[control]`
    pub fn link_told(&mut self, time: SampleTime, beat: f64) {
        self.beat_told(Client::of(Origin::Rackd), time, beat);
    }

    /// The tempo that somebody here wants of Link's session [beats a minute]; each is given once. `[control]`
    pub fn take_asked_tempo(&mut self) -> Option<f64> {
        self.midi_clock.asked.take()
    }
}
