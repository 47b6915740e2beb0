//! Values from outside: set, asked for, by pattern, through a map.

use super::address_map::Spot;
use super::control::Control;
use super::draft::{Draft, MASTER, Step, Way};
use super::fail::{Code, Fail};
use super::feed_line::Merge;
use super::scale::{Scale, Unreadable};
use super::slot::{level_factor, strip_scale};
use super::targets::Target;
use super::value::{Message, Value};
use crate::base::units::Unit;
use crate::engine::event::{ALL_SLOTS, Mix};
use crate::engine::{Act, Event};
use crate::patch::Amount;

/// How long a pulse at a gate is [s].
const PULSE: f64 = 0.01;

impl Control {
    /// One value at one address: set, or asked for where no value is given. `travel`: it is a place 0..1 of the knob's travel.
    pub(super) fn draft_value(
        &mut self,
        draft: &mut Draft,
        target: Target,
        address: &str,
        values: &[Value],
        travel: bool,
    ) -> Result<(), Fail> {
        if values.is_empty() {
            let told = self.ask(target, travel);
            if told.is_empty() {
                return Err(Fail::new(address, Code::UnknownAddress, "the list has no such entry"));
            }
            draft.replies.push(Message::new(address, told));
            return Ok(());
        }
        self.touch_map(draft.client, target);
        match target.spot {
            Spot::Place(_) | Spot::Strip(_) => {
                let (value, time) = match values {
                    [value] => (value, None),
                    [value, time] => (value, Some(time)),
                    _ => {
                        let told = format!("a value is wanted, and at most a time to glide in; {} are given", values.len());
                        return Err(Fail::new(address, Code::WrongArguments, told));
                    }
                };
                self.draft_number(draft, target, address, (value, time), travel)
            }
            Spot::Setting(module, setting) => self.draft_setting(draft, (target.slot, module, setting), address, values, travel),
            Spot::Out => self.draft_out(draft, target.slot, address, values),
            Spot::Cell(module, setting, cell) => self.draft_cell(draft, (target.slot, module, setting), cell, address, values),
            Spot::Preset => self.draft_preset(draft, target.slot, address, values),
            Spot::Zone(part) => self.draft_zone(draft, (target.slot, part), address, values, travel),
        }
    }

    /// The scale of a target that is a number.
    pub(super) fn scale(&self, target: Target) -> Option<Scale> {
        match target.spot {
            Spot::Strip(mix) => Some(strip_scale(mix)),
            spot => self.slots.get(target.slot)?.scale(spot),
        }
    }

    fn draft_number(
        &mut self,
        draft: &mut Draft,
        target: Target,
        address: &str,
        (value, time): (&Value, Option<&Value>),
        travel: bool,
    ) -> Result<(), Fail> {
        let Some(scale) = self.scale(target) else { return Err(self.unknown(address)) };
        let frames = match time {
            Some(_) if scale.is_event() => {
                return Err(Fail::new(address, Code::WrongArguments, "it is on or off and cannot glide: one value is wanted"));
            }
            Some(time) => self.glide_frames(address, time)?,
            None => 0,
        };
        if scale.unit == Unit::Gate && *value == Value::Impulse && scale.depth_at.is_none() {
            return self.draft_pulse(draft, target);
        }
        let amount = if travel {
            match value.number() {
                Some(x) => Amount::Plain(scale.at_travel(x)),
                None => return Err(Fail::new(address, Code::WrongArguments, "a number from 0 to 1 is wanted")),
            }
        } else {
            let read = scale.read(value).map_err(|why| match why {
                Unreadable::NotFinite => Fail::new(address, Code::NotANumber, "the value is no finite number"),
                Unreadable::Wrong(text) => Fail::new(address, Code::WrongArguments, text),
            })?;
            if read.clipped && !scale.is_event() {
                self.counts.fail(Code::Clipped);
                let told = format!("{value} is out of range: set to {}", scale.tell(read.amount));
                draft.replies.push(Fail::new(address, Code::Clipped, told).message());
            }
            read.amount
        };
        if let Amount::Plain(level) = amount {
            self.draft_send(draft, target, address, level)?;
        }
        self.glide(draft, target, scale, amount, frames);
        Ok(())
    }

    /// Turns a number to a counted amount in range, in so many frames; 0: as it is declared. It stands there when it has arrived. Gates and
    /// triggers are events.
    pub(super) fn glide(&mut self, draft: &mut Draft, target: Target, scale: Scale, amount: Amount, frames: u32) {
        self.turn_in(draft, target, scale, amount, frames, frames > 0);
    }

    /// The same for a value whose steps are to be smoothed: it stands there at once. What is on or off acts at once.
    pub(super) fn smooth(&mut self, draft: &mut Draft, target: Target, scale: Scale, amount: Amount, frames: u32) {
        self.turn_in(draft, target, scale, amount, if scale.is_event() { 0 } else { frames }, false);
    }

    fn turn_in(&mut self, draft: &mut Draft, target: Target, scale: Scale, amount: Amount, frames: u32, glides: bool) {
        let Spot::Place(place) = target.spot else {
            if let (Spot::Strip(mix), Amount::Plain(value)) = (target.spot, amount) {
                self.set_strip(draft, target.slot, mix, value, frames, glides);
            }
            return;
        };
        let amount = match amount {
            Amount::Plain(x) if scale.is_event() => Amount::Plain(f32::from(u8::from(x > 0.5))),
            other => other,
        };
        if scale.unit == Unit::Trigger && scale.depth_at.is_none() && amount == Amount::Plain(0.0) {
            return;
        }
        let slot = &self.slots[target.slot];
        let place = place.own(&slot.patch);
        let mut events = Vec::new();
        slot.turn(target.slot as u8, place, amount, frames, &mut events);
        let merge = (!scale.is_event()).then_some(Merge::Place(target.slot as u8, place));
        draft.value(merge, events);
        if scale.unit != Unit::Trigger || scale.depth_at.is_some() {
            draft.step(match glides {
                false => Step::Turned(target.slot, place, amount),
                true => Step::Glide(Target { spot: Spot::Place(place), ..target }, amount, Way { at: draft.at, frames }),
            });
        }
    }

    /// A pulse at a gate: up, and down again 10 ms later.
    fn draft_pulse(&mut self, draft: &mut Draft, target: Target) -> Result<(), Fail> {
        let Spot::Place(place) = target.spot else { return Ok(()) };
        let start = if draft.at == 0 { self.shown.now() } else { draft.at };
        let end = start + self.frames(PULSE);
        let slot = &self.slots[target.slot];
        let (mut up, mut down) = (Vec::new(), Vec::new());
        slot.turn(target.slot as u8, place, Amount::Plain(1.0), 0, &mut up);
        slot.turn(target.slot as u8, place, Amount::Plain(0.0), 0, &mut down);
        draft.value(None, up);
        draft.events.extend(down.into_iter().map(|event| Event { at: end, ..event }));
        Ok(())
    }

    fn set_strip(&mut self, draft: &mut Draft, slot: usize, mix: Mix, value: f32, frames: u32, glides: bool) {
        let (sent, number) = match mix {
            Mix::Level | Mix::Send(_) => (level_factor(value), value),
            Mix::Pan | Mix::Volume | Mix::Balance => (value, value),
            Mix::Mute | Mix::Solo | Mix::Limiter => {
                let switch = f32::from(u8::from(value >= 0.5));
                (switch, switch)
            }
        };
        let of = if slot == MASTER { ALL_SLOTS } else { slot as u8 };
        let event = Event { at: 0, act: Act::Mix { slot: of, what: mix, value: sent, frames } };
        draft.value(Some(Merge::Strip(of, mix.into())), [event]);
        draft.step(match glides {
            false => Step::Strip(slot, mix, number),
            true => {
                let target = Target { slot, spot: Spot::Strip(mix) };
                Step::Glide(target, Amount::Plain(number), Way { at: draft.at, frames })
            }
        });
    }

    /// Where a number stands, counted, be it on the way of a glide; `None` for a setting.
    pub(super) fn amount_at(&self, target: Target) -> Option<Amount> {
        self.standing_at(target, self.shown.now())
    }

    /// Where a value stands.
    pub(super) fn ask(&self, target: Target, travel: bool) -> Vec<Value> {
        let amount = match target.spot {
            Spot::Setting(module, setting) => return self.ask_setting((target.slot, module, setting), None, travel),
            Spot::Cell(module, setting, cell) => return self.ask_setting((target.slot, module, setting), Some(cell), travel),
            Spot::Out => return self.ask_out(target.slot),
            Spot::Zone(part) => return self.ask_zone(target, part),
            Spot::Preset => return self.ask_preset(target.slot),
            Spot::Place(_) | Spot::Strip(_) => self.amount_at(target).unwrap_or(Amount::Plain(0.0)),
        };
        match self.scale(target) {
            Some(scale) if travel => vec![Value::Number(scale.travel_of(amount, self.tempo))],
            Some(scale) => vec![scale.tell(amount)],
            None => Vec::new(),
        }
    }
}
