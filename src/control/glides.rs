//! Glides: numbers that are on their way, and where they are now.

use std::collections::HashMap;

use super::address_map::Spot;
use super::client::{Client, Origin};
use super::control::Control;
use super::draft::{MASTER, Step, Way};
use super::fail::{Code, Fail};
use super::note_keys::LONGEST;
use super::place::Named;
use super::targets::Target;
use super::value::Value;
use crate::base::time::SampleTime;
use crate::base::units::Unit;
use crate::engine::event::Mix;
use crate::patch::{Amount, Patch, values};
use crate::plan::line::{Law, Line};

/// How often those who watch a number on its way are told [s].
const PACE: f64 = 0.02;

/// A number on its way, as its address counts it. The engine has its own, exact; this one is for whoever asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glide {
    line: Line,
    start: SampleTime,
    /// It is on its way to so many beats.
    beats: Option<f64>,
    told: SampleTime,
}

impl Glide {
    fn at(&self, now: SampleTime) -> f32 {
        self.line.at(u32::try_from(now.saturating_sub(self.start)).unwrap_or(u32::MAX))
    }

    fn end(&self) -> SampleTime {
        self.start + u64::from(self.line.frames())
    }
}

/// All that are on their way: slot, and what there.
pub(super) type Glides = HashMap<(usize, Spot), Glide>;

impl Control {
    /// The frames of the time in which a value glides: seconds, `"500 ms"`, or a musical time at the tempo as it is now.
    pub(super) fn glide_frames(&self, address: &str, time: &Value) -> Result<u32, Fail> {
        let wrong = |text: String| Fail::new(address, Code::WrongArguments, text);
        let seconds = match (time.number(), time.text()) {
            (Some(seconds), _) => seconds,
            (None, Some(text)) => match values::amount_of_text(Unit::Seconds, text) {
                Ok(Amount::Plain(seconds)) => f64::from(seconds),
                Ok(Amount::Beats(beats)) => beats * 60.0 / self.tempo,
                Err(text) => return Err(wrong(format!("the time to glide in: {text}"))),
            },
            (None, None) => return Err(wrong(format!("a time to glide in is wanted; {time} is none"))),
        };
        if !(0.0..=f64::from(LONGEST)).contains(&seconds) {
            return Err(wrong(format!("a glide takes from 0 to {LONGEST} seconds, not {time}")));
        }
        // An hour of frames is far below the most that 32 bits count.
        Ok(self.frames(seconds).min(u64::from(u32::MAX) - 1) as u32)
    }

    /// What a number is known by: one place has one, whatever it is called.
    fn glide_key(&self, target: Target) -> (usize, Spot) {
        let spot = match (target.spot, self.slots.get(target.slot)) {
            (Spot::Place(place), Some(slot)) => Spot::Place(place.own(&slot.patch)),
            (spot, _) => spot,
        };
        (target.slot, spot)
    }

    /// Where a number stands at a time: on the way of its glide, or where it was set; `None` for a setting.
    pub(super) fn standing_at(&self, target: Target, time: SampleTime) -> Option<Amount> {
        if !self.glides.is_empty()
            && let Some(glide) = self.glides.get(&self.glide_key(target)).filter(|glide| time < glide.end())
        {
            return Some(Amount::Plain(glide.at(time)));
        }
        let slot = self.slots.get(target.slot);
        match target.spot {
            Spot::Place(place) => slot?.present(place),
            Spot::Strip(Mix::Limiter) => Some(Amount::Plain(f32::from(u8::from(self.limiter)))),
            Spot::Strip(Mix::Level) if target.slot == MASTER => Some(Amount::Plain(self.master.level)),
            Spot::Strip(Mix::Send(to)) => Some(Amount::Plain(self.send_level(target.slot, to))),
            Spot::Strip(mix) => Some(Amount::Plain(slot.map_or(0.0, |slot| slot.strip_value(mix)))),
            Spot::Setting(..) | Spot::Cell(..) | Spot::Out | Spot::Zone(_) | Spot::Preset => None,
        }
    }

    /// A number sets off to an amount.
    pub(super) fn set_off(&mut self, client: Client, target: Target, amount: Amount, way: Way) {
        let Some(scale) = self.scale(target) else { return };
        let counted = |amount: Amount| match amount {
            Amount::Plain(x) => (x, None),
            Amount::Beats(beats) => (scale.of_beats(beats, self.tempo), Some(beats)),
        };
        let start = if way.at == 0 { self.shown.now() } else { way.at };
        let Some(from) = self.standing_at(target, start) else { return };
        let (from, _) = counted(from);
        let (to, beats) = counted(amount);
        let key = self.glide_key(target);
        match (target.spot, amount) {
            (Spot::Place(place), _) => self.stand(client, Step::Turned(target.slot, place, amount)),
            (Spot::Strip(mix), Amount::Plain(value)) => self.stand(client, Step::Strip(target.slot, mix, value)),
            _ => return,
        }
        self.glides.insert(key, Glide { line: Line::new(Law::Straight, from, to, way.frames), start, beats, told: start });
    }

    /// A number was set without a time: it is on its way no more.
    pub(super) fn arrive(&mut self, target: Target) {
        if !self.glides.is_empty() {
            self.glides.remove(&self.glide_key(target));
        }
    }

    /// Tells those who watch where the numbers on their way are; lets go of those that have arrived.
    pub(super) fn follow_glides(&mut self) {
        if self.glides.is_empty() {
            return;
        }
        let (now, pace) = (self.shown.now(), self.frames(PACE));
        let mut moved = Vec::new();
        self.glides.retain(|(slot, spot), glide| {
            let arrived = now >= glide.end();
            if arrived || now >= glide.told + pace {
                glide.told = now;
                moved.push(Target { slot: *slot, spot: *spot });
            }
            !arrived
        });
        for target in moved {
            self.changed(Client::of(Origin::Rackd), target);
        }
    }

    /// The tempo is another: what is on its way to a musical time goes elsewhere, in the time that is left.
    pub(super) fn bend_glides(&mut self) {
        let now = self.shown.now();
        let bent: Vec<_> = self
            .glides
            .iter()
            .filter_map(|(key, glide)| {
                let (slot, spot) = *key;
                let scale = self.scale(Target { slot, spot })?;
                let left = u32::try_from(glide.end().saturating_sub(now)).ok()?;
                let line = Line::new(Law::Straight, glide.at(now), scale.of_beats(glide.beats?, self.tempo), left);
                Some((*key, Glide { line, start: now, ..*glide }))
            })
            .collect();
        self.glides.extend(bent);
    }

    /// The glides of a slot go on in another version of its patch, where what was turned stays.
    pub(super) fn carry_glides(&mut self, slot: usize, new: &Patch) {
        if self.glides.is_empty() {
            return;
        }
        let (old, named) = (&self.slots[slot].written, Named::new(new));
        self.glides = std::mem::take(&mut self.glides)
            .into_iter()
            .filter_map(|((of, spot), glide)| match spot {
                Spot::Place(place) if of == slot => {
                    let there = place.in_other(old, &named).filter(|there| place.written_alike(old, *there, new))?;
                    Some(((of, Spot::Place(there.own(new))), glide))
                }
                _ => Some(((of, spot), glide)),
            })
            .collect();
    }
}
