//! The mixer of the rack: where each slot's sound goes, as its file and its addresses say, and on its way to the engine.

use super::address_map::Spot;
use super::client::{Client, Origin};
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::scale::Scale;
use super::slot::{Strip, level_factor};
use super::targets::Target;
use super::value::Value;
use crate::base::nearest::nearest;
use crate::engine::event::Mix;
use crate::engine::{Act, Event};
use crate::patch::circle::circle;
use crate::patch::{Route, SendSpec, SlotOut};
use crate::plan::MixPlan;
use crate::plan::mixer::{CHANNELS, Lead, Tap, To};

/// What of the mixer is on its way.
#[derive(Debug)]
pub(super) struct Mixing {
    /// What the engine has, or gets.
    sent: Vec<Lead>,
    /// It has not told yet that this has taken over altogether.
    fading: bool,
    /// Routes or names may be others than when this was made.
    stale: bool,
    /// Circles that were broken, so that each is told once.
    broken: Vec<Vec<String>>,
}

impl Default for Mixing {
    fn default() -> Self {
        Self { sent: MixPlan::initial(), fading: false, stale: false, broken: Vec::new() }
    }
}

impl Mixing {
    /// Whether the engine does not have all of it yet. `[control]`
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }
}

impl Control {
    /// Puts a slot's strip of the mixer where a rack's file has it, and sends its sound where the file says. Where nothing was heard of the
    /// slot yet, at once. To be called for all slots of a rack before the first of their patches is put in. `[control]`
    pub fn set_mix(&mut self, slot: usize, strip: Strip, route: Route) {
        let Some(of) = self.slots.get_mut(slot) else { return };
        (of.strip, of.route) = (strip, route);
        let switch = |on: bool| f32::from(u8::from(on));
        let mut all = vec![
            (Mix::Level, level_factor(strip.level)),
            (Mix::Pan, strip.pan),
            (Mix::Mute, switch(strip.mute)),
            (Mix::Solo, switch(strip.solo)),
        ];
        all.extend(of.route.sends.iter().filter_map(|send| {
            let to = *self.names.get(&send.to)?;
            Some((Mix::Send(to as u8), level_factor(send.level)))
        }));
        self.put_mix(slot, &all);
        for spot in all.into_iter().map(|(what, _)| Spot::Strip(what)).chain([Spot::Out]) {
            self.arrive(Target { slot, spot });
            self.changed(Client::of(Origin::Rackd), Target { slot, spot });
        }
        // It is sent with the next patch, or in the next tick: of all slots together.
        self.mixing.stale = true;
    }

    /// A slot comes: what others send to its name stands where their routes say.
    pub(super) fn set_sends_to(&mut self, to: usize) {
        let name = self.slots.get(to).map_or("", |slot| slot.name.as_str());
        let sends = self.slots.iter().enumerate().filter(|(_, slot)| slot.plays).filter_map(|(from, slot)| {
            let send = slot.route.sends.iter().find(|send| send.to == name)?;
            let act = Act::Mix { slot: from as u8, what: Mix::Send(to as u8), value: level_factor(send.level), frames: 0 };
            Some(Event { at: 0, act })
        });
        let events: Vec<Event> = sends.collect();
        self.counts.events += events.len() as u64;
        // What finds no room is counted as dropped.
        let _ = self.feed(Origin::Rackd, &events, &[]);
    }

    /// Slots, their names or their routes have changed: what the engine mixes follows. `[control]`
    pub fn remix(&mut self) {
        self.mixing.stale = true;
        self.send_mix();
    }

    /// Sends the engine what it is to mix, if that is another now and the one before has taken over.
    pub(super) fn send_mix(&mut self) {
        if !self.mixing.stale {
            return;
        }
        let wanted = self.leads();
        let sent = &self.mixing.sent;
        if wanted == *sent {
            self.mixing.stale = false;
            return;
        }
        if self.mixing.fading {
            return;
        }
        // Where what comes and what goes would feed each other, what goes is let go first.
        let (leads, mut plan, whole) = match MixPlan::new(&wanted, sent) {
            Some(plan) => (wanted, plan, true),
            None => {
                let both: Vec<Lead> = sent.iter().copied().filter(|lead| wanted.contains(lead)).collect();
                let Some(plan) = MixPlan::new(&both, sent) else { return };
                (both, plan, false)
            }
        };
        let new: Vec<Lead> =
            leads.iter().copied().filter(|lead| lead.tap != Tap::Out && self.mixing.sent.binary_search(lead).is_err()).collect();
        plan.log = self.logbook.as_mut().map_or(0, |book| book.mix(&leads));
        if self.door.mix(plan).is_ok() {
            (self.mixing.sent, self.mixing.fading, self.mixing.stale) = (leads, true, !whole);
            new.into_iter().for_each(|lead| self.level_send(lead));
        }
    }

    /// A send that is new to the engine is silent there: it comes to where it stands, unless it is on its way in a glide.
    fn level_send(&mut self, lead: Lead) {
        let (slot, To::Slot(to)) = (usize::from(lead.from), lead.to) else { return };
        let what = Mix::Send(to);
        let value = level_factor(self.send_level(slot, to));
        if value > 0.0 && !self.glides.contains_key(&(slot, Spot::Strip(what))) {
            self.put_mix(slot, &[(what, value)]);
        }
    }

    /// Tells the engine where a slot's strip stands. What goes to a strip of which nothing is heard yet passes what waits for its plan: it
    /// stands there when that begins.
    fn put_mix(&mut self, slot: usize, all: &[(Mix, f32)]) {
        self.counts.events += all.len() as u64;
        for (what, value) in all {
            let event = Event { at: 0, act: Act::Mix { slot: slot as u8, what: *what, value: *value, frames: 0 } };
            if !self.slots[slot].plays && self.lines[Origin::Rackd as usize].pass(event) {
                self.counts.fed += 1;
            } else {
                // What finds no room is counted as dropped.
                let _ = self.feed(Origin::Rackd, &[event], &[]);
            }
        }
    }

    /// What was sent has taken over.
    pub(super) fn mixed(&mut self) {
        self.mixing.fading = false;
        self.send_mix();
    }

    /// Where the sound of every strip is to go, in order. A name that no slot has leads nowhere, an `out` of such a name to the master.
    fn leads(&mut self) -> Vec<Lead> {
        let mut routes: Vec<(String, Route)> = self.slots.iter().map(|slot| (slot.name.clone(), slot.route.clone())).collect();
        self.break_circles(&mut routes);
        let mut leads = MixPlan::initial().split_off(routes.len().min(MixPlan::initial().len()));
        for (from, (_, route)) in routes.iter().enumerate() {
            if self.slots[from].leaves {
                // It goes on as it is until it has faded.
                leads.extend(self.mixing.sent.iter().filter(|lead| usize::from(lead.from) == from));
                continue;
            }
            let to_slot = |name: &str| {
                let to = self.names.get(name).copied().filter(|to| *to != from && !self.slots[*to].leaves)?;
                Some(To::Slot(to as u8))
            };
            let channel = |number: u16| u8::try_from(number.saturating_sub(1)).unwrap_or(u8::MAX);
            let out = match &route.out {
                SlotOut::Master => To::Master,
                SlotOut::Slot(name) => to_slot(name).unwrap_or(To::Master),
                SlotOut::Channels(channels) => match channels[..] {
                    [] => To::Master,
                    [one] => To::Channels(channel(one), None),
                    [left, right, ..] => To::Channels(channel(left), Some(channel(right))),
                },
            };
            leads.push(Lead::out(from as u8, out));
            leads.extend(route.sends.iter().filter_map(|send| {
                let tap = if send.pre { Tap::PreSend } else { Tap::Send };
                Some(Lead { from: from as u8, tap, to: to_slot(&send.to)? })
            }));
        }
        leads.sort_unstable();
        leads.dedup();
        leads
    }

    /// Takes out the last lead of each circle. Nobody could ask for one: names that are given anew may still close it.
    fn break_circles(&mut self, routes: &mut [(String, Route)]) {
        let mut broken = Vec::new();
        while let Some(names) = circle(&named(routes)).map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>()) {
            let [.., from, to] = &names[..] else { return };
            for (_, route) in routes.iter_mut().filter(|(name, _)| name == from) {
                route.sends.retain(|send| send.to != *to);
                if route.out == SlotOut::Slot(to.clone()) {
                    route.out = SlotOut::Master;
                }
            }
            if !self.mixing.broken.contains(&names) {
                self.tell(format!("{}: slots may not feed each other in a circle; the last way is left out", told(&names)));
            }
            broken.push(names);
        }
        self.mixing.broken = broken;
    }

    /// Every slot has an address for a send to each other slot that takes sound.
    pub(super) fn bind_sends(&mut self) {
        let takes = self.slots.iter().enumerate().filter(|(_, slot)| slot.plays && !slot.leaves && slot.patch.inputs.is_some());
        let all: Vec<(String, u8)> = takes.map(|(at, slot)| (slot.name.clone(), at as u8)).collect();
        for (at, slot) in self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.plays && !slot.leaves) {
            slot.addresses.set_sends(all.iter().filter(|(_, to)| usize::from(*to) != at));
        }
        self.remix();
    }

    /// Where a send stands [dB]; one that is not there is silent.
    pub(super) fn send_level(&self, slot: usize, to: u8) -> f32 {
        let to = self.slots.get(usize::from(to)).map_or("", |slot| slot.name.as_str());
        let sends = self.slots.get(slot).map_or(&[][..], |slot| &slot.route.sends[..]);
        sends.iter().find(|send| send.to == to).map_or(Scale::LEVEL.min, |send| send.level)
    }

    /// A send stands there from now on [dB]; one that is not there yet is made, unless it is silent and `silent` is not wanted.
    pub(super) fn set_send(&mut self, slot: usize, to: u8, level: f32, silent: bool) {
        let Some(to) = self.slots.get(usize::from(to)).map(|slot| slot.name.clone()) else { return };
        let Some(of) = self.slots.get_mut(slot) else { return };
        match of.route.sends.iter_mut().find(|send| send.to == to) {
            Some(send) => send.level = level,
            None if silent || level > Scale::LEVEL.min => {
                of.route.sends.push(SendSpec { to, level, pre: false });
                self.remix();
            }
            None => {}
        }
    }

    /// A send that is turned up, and is not there yet, is made beforehand, so that it is there in time.
    pub(super) fn draft_send(&mut self, draft: &mut Draft, target: Target, address: &str, level: f32) -> Result<(), Fail> {
        let Spot::Strip(Mix::Send(to)) = target.spot else { return Ok(()) };
        let (slot, name) = (target.slot, self.slots[usize::from(to)].name.clone());
        if level > Scale::LEVEL.min && !self.slots[slot].route.sends.iter().any(|send| send.to == name) {
            self.try_route(slot, address, |route| route.sends.push(SendSpec { to: name, level, pre: false }))?;
            draft.step(Step::Send(slot, to));
        }
        Ok(())
    }

    /// Where a slot's sound goes is set.
    pub(super) fn draft_out(&mut self, draft: &mut Draft, slot: usize, address: &str, values: &[Value]) -> Result<(), Fail> {
        let wrong = |text: String| Fail::new(address, Code::WrongArguments, text);
        let out = match values {
            [Value::Text(name)] if name == "master" => SlotOut::Master,
            [Value::Text(name)] if values[0].number().is_none() => {
                let Some(to) = self.names.get(name) else {
                    let near = nearest(name, self.names.keys().map(String::as_str));
                    let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
                    return Err(wrong(format!("there is no slot {name}{near}")));
                };
                if self.slots[*to].patch.inputs.is_none() {
                    return Err(wrong(format!("{name} takes no sound: its patch has no [in]")));
                }
                SlotOut::Slot(name.clone())
            }
            [_] | [_, _] => {
                let channel = |value: &Value| {
                    let channel = value.number().filter(|x| (1.0..=CHANNELS as f64).contains(x) && libm::trunc(*x) == *x);
                    channel.map(|x| x as u16).ok_or_else(|| wrong(format!("a channel of the device is 1 to {CHANNELS}, not {value}")))
                };
                SlotOut::Channels(values.iter().map(channel).collect::<Result<_, _>>()?)
            }
            _ => return Err(wrong("master, a slot, or one or two channels of the device are wanted".to_owned())),
        };
        self.try_route(slot, address, |route| route.out = out.clone())?;
        draft.things += 1;
        draft.step(Step::Out(slot, out));
        Ok(())
    }

    /// Whether a slot may have another route.
    fn try_route(&self, slot: usize, address: &str, change: impl FnOnce(&mut Route)) -> Result<(), Fail> {
        let mut routes: Vec<(String, Route)> = self.slots.iter().map(|slot| (slot.name.clone(), slot.route.clone())).collect();
        change(&mut routes[slot].1);
        match circle(&named(&routes)) {
            Some(names) => Err(Fail::new(address, Code::Circle, format!("slots may not feed each other in a circle: {}", told(&names)))),
            None => Ok(()),
        }
    }

    /// Where a slot's sound goes, as its address gives it.
    pub(super) fn ask_out(&self, slot: usize) -> Vec<Value> {
        match self.slots.get(slot).map(|slot| &slot.route.out) {
            Some(SlotOut::Slot(name)) => vec![name.as_str().into()],
            Some(SlotOut::Channels(channels)) => channels.iter().map(|channel| Value::Integer(i64::from(*channel))).collect(),
            Some(SlotOut::Master) => vec!["master".into()],
            None => Vec::new(),
        }
    }
}

/// Routes by the names of their slots; empty places have none.
fn named(routes: &[(String, Route)]) -> Vec<(&str, &Route)> {
    routes.iter().filter(|(name, _)| !name.is_empty()).map(|(name, route)| (name.as_str(), route)).collect()
}

/// A circle in words: `bass → hall → bass`.
fn told(names: &[impl AsRef<str>]) -> String {
    names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" → ")
}
