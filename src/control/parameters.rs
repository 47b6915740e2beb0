//! Parameters by data entry: RPN and NRPN.

use super::bound::{Moved, Mover};
use super::channel::{Pair, Parameter};
use super::client::Client;
use super::control::Control;
use super::draft::Draft;
use super::mpe::{LOWER, UPPER};
use crate::module::NoteSource;

/// The widest bend [ct].
const WIDEST: u16 = 9600;

impl Control {
    /// CC 98 to 101: which parameter data entry means.
    pub(super) fn choose_parameter(&mut self, from: Client, channel: u8, number: u8, value: u8) -> bool {
        let state = self.keyboard.port(from).channel(channel);
        let registered = number >= 100;
        let (high, low) = match state.parameter {
            Some(Parameter::Registered(high, low)) if registered => (high, low),
            Some(Parameter::Own(high, low)) if !registered => (high, low),
            _ => (127, 127),
        };
        let (high, low) = if number % 2 == 1 { (value, low) } else { (high, value) };
        state.parameter = Some(if registered { Parameter::Registered(high, low) } else { Parameter::Own(high, low) });
        state.entry = Pair::default();
        true
    }

    fn parameter(&mut self, from: Client, channel: u8) -> Option<Parameter> {
        let chosen = self.keyboard.port(from).channel(channel).parameter;
        chosen.filter(|chosen| !matches!(chosen, Parameter::Registered(127, 127) | Parameter::Own(127, 127)))
    }

    /// CC 6 and 38: the parameter's value; whether there is such a parameter.
    pub(super) fn enter(&mut self, draft: &mut Draft, from: Client, channel: u8, high: bool, value: u8) -> bool {
        let parameter = self.parameter(from, channel);
        let state = self.keyboard.port(from).channel(channel);
        if high {
            state.entry.set_high(value);
        } else if parameter.is_some() && !state.entry.set_low(value) {
            // The low part alone: the high one stands where it stood, or at 0.
            state.entry.set_high(0);
            state.entry.set_low(value);
        }
        let entry = state.entry;
        match parameter {
            Some(Parameter::Registered(0, 0)) => {
                let [semitones, cents] = [entry.whole() >> 7, (entry.whole() & 127).min(99)];
                self.set_range(draft, from, channel, semitones * 100 + cents)
            }
            Some(Parameter::Registered(0, 1)) => self.tune(draft, from, channel, Some(entry.whole() as i16 - 8192), None),
            Some(Parameter::Registered(0, 2)) => self.tune(draft, from, channel, None, Some((entry.whole() >> 7) as i8 - 64)),
            Some(Parameter::Registered(0, 6)) if channel == LOWER || channel == UPPER => {
                if high {
                    self.set_members(draft, from, channel, value);
                }
                true
            }
            Some(Parameter::Own(high, low)) => {
                !self.moved(draft, Moved { from, channel, what: nrpn(high, low), x: entry.position(), raw: None }).is_empty()
            }
            _ => false,
        }
    }

    /// CC 96 and 97: one step up or down. Of a bend range it is a cent, of a coarse tuning a semitone, else the smallest
    /// there is. Whether there is such a parameter.
    pub(super) fn step_entry(&mut self, draft: &mut Draft, from: Client, channel: u8, up: bool) -> bool {
        let sign = if up { 1 } else { -1 };
        let parameter = self.parameter(from, channel);
        let state = self.keyboard.port(from).channel(channel);
        let (fine, coarse, entry) = (state.fine, state.coarse, state.entry);
        match parameter {
            Some(Parameter::Registered(0, 0)) => {
                let now = self.range_now(from, channel);
                self.set_range(draft, from, channel, now.saturating_add_signed(sign as i16))
            }
            Some(Parameter::Registered(0, 1)) => {
                self.tune(draft, from, channel, Some((i32::from(fine) + sign).clamp(-8192, 8191) as i16), None)
            }
            Some(Parameter::Registered(0, 2)) => {
                self.tune(draft, from, channel, None, Some((i32::from(coarse) + sign).clamp(-64, 63) as i8))
            }
            Some(Parameter::Own(high, low)) => {
                let step = f64::from(sign) / if entry.is_fine() { 16_383.0 } else { 127.0 };
                !self.moved_by(draft, (from, channel, nrpn(high, low)), step).is_empty()
            }
            _ => false,
        }
    }

    /// RPN 0: how far a channel bends at its full [ct]. Said on a member of an MPE zone it is for all of them.
    fn set_range(&mut self, draft: &mut Draft, from: Client, channel: u8, cents: u16) -> bool {
        let cents = cents.min(WIDEST);
        let zones = self.zones_of(from);
        let port = self.keyboard.port(from);
        port.channel(channel).range = Some(cents);
        let member = zones.is_member(channel).then(|| zones.master_of(channel)).flatten();
        let shared = |of: u8| of == channel || (member.is_some() && zones.is_member(of) && zones.master_of(of) == member);
        for of in (1..=16).filter(|of| shared(*of)) {
            let state = self.keyboard.port(from).channel(of);
            if member.is_some() {
                state.member_range = Some(cents);
            }
            self.express(draft, from, of, NoteSource::Bend);
        }
        true
    }

    /// Where a channel's bend range stands [ct].
    fn range_now(&self, from: Client, channel: u8) -> u16 {
        let state = self.keyboard.seen(from, channel);
        match self.zones_of(from).is_member(channel) {
            true => state.and_then(|state| state.member_range).unwrap_or(4800),
            false => state.and_then(|state| state.range).unwrap_or(200),
        }
    }

    /// RPN 1 and 2: the channel's tuning.
    fn tune(&mut self, draft: &mut Draft, from: Client, channel: u8, fine: Option<i16>, coarse: Option<i8>) -> bool {
        let state = self.keyboard.port(from).channel(channel);
        state.fine = fine.unwrap_or(state.fine);
        state.coarse = coarse.unwrap_or(state.coarse);
        self.express(draft, from, channel, NoteSource::Bend);
        true
    }
}

fn nrpn(high: u8, low: u8) -> Mover {
    Mover::Nrpn(u16::from(high) << 7 | u16::from(low))
}
