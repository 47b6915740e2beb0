//! From a draft to the engine: done whole or not at all.

use std::collections::BTreeMap;

use super::address_map::Spot;
use super::ahead::{Gone, weight};
use super::client::{Client, Origin};
use super::control::Control;
use super::draft::{Draft, MASTER, Step};
use super::fail::{Code, Fail};
use super::feed_line::{Merge, NoRoom};
use super::scale::Scale;
use super::streams::Stream;
use super::targets::Target;
use super::transport::Counting;
use super::value::{Message, Value};
use super::verbs::{Body, Call, Found, SLOT_VERBS, VERBS};
use crate::base::time::SampleTime;
use crate::engine::event::Mix;
use crate::engine::{Act, Event};
use crate::module::SettingValue;

/// Events of one packet at most: what the engine's queue can take at once.
pub(super) const TOGETHER: usize = crate::engine::doors::FEED_CAPACITY;

/// What waits for its time, by that time.
type Far = BTreeMap<SampleTime, (Vec<Event>, Vec<Step>)>;

impl Control {
    /// Sends the events, then does the steps; nothing is done where the events find no room.
    pub(super) fn commit(&mut self, draft: &mut Draft) -> Result<(), Fail> {
        for clear in std::mem::take(&mut draft.clears) {
            let count = self.clear(draft.client, clear);
            draft.replies.push(Message::new("/done", vec!["/clear".into(), Value::Integer(count as i64)]));
        }
        let (now, near) = (self.shown.now(), self.near());
        if !self.later.has_room(draft.steps.iter().filter(|(at, step)| (now + 1..near).contains(at) && step.waits()).count()) {
            return Err(Fail::new("", Code::Full, "too many values wait for their time"));
        }
        let values = draft.merges().to_vec();
        let (mut soon, mut far) = (Vec::new(), Far::new());
        for event in std::mem::take(&mut draft.events) {
            if event.at < near { soon.push(event) } else { far.entry(event.at).or_default().0.push(event) }
        }
        let mut steps = Vec::new();
        for (at, step) in std::mem::take(&mut draft.steps) {
            if at >= near && step.waits() { far.entry(at).or_default().1.push(step) } else { steps.push((at, step)) }
        }
        if let Err(fail) = self.send(draft.client, &soon, &values, far) {
            // Who sends the events another way still wants these.
            draft.steps = steps;
            return Err(fail);
        }
        for (at, step) in steps {
            if at > now && step.waits() {
                self.later.push(at, draft.client, step);
            } else {
                self.step(draft, at, step);
            }
        }
        Ok(())
    }

    /// Sends events: those that are near as one batch, the rest as batches that wait, one a time.
    fn send(&mut self, client: Client, soon: &[Event], values: &[(Merge, usize)], far: Far) -> Result<(), Fail> {
        let far_events: usize = far.values().map(|(events, _)| events.len()).sum();
        let count = soon.len() + far_events;
        if count > TOGETHER {
            return Err(Fail::new("", Code::TooMuch, format!("{count} events at once; at most {TOGETHER}")));
        }
        // What came before for the same time goes first.
        self.feed_near();
        self.counts.events += count as u64;
        let weight = far.values().map(|(events, steps)| weight(events, steps)).sum();
        let panics = far.values().flat_map(|(events, _)| events).filter(|event| matches!(event.act, Act::Panic { .. })).count();
        let until = far.keys().next_back().copied().unwrap_or(0);
        let room = if self.ahead.has_room_for_panics(panics) { self.ahead.make_room(client, until, weight) } else { None };
        let Some(gone) = room else {
            self.counts.dropped += count as u64;
            return Err(Fail::new("", Code::Full, "too many events wait for their time"));
        };
        self.taken_back(&gone);
        if self.feed(client.origin, soon, values).is_err() {
            self.counts.dropped += far_events as u64;
            return Err(Fail::new("", Code::Full, "the queue to the engine is full"));
        }
        for (at, (events, steps)) in far {
            self.ahead.push(at, client, events, steps);
        }
        Ok(())
    }

    /// What waited was taken back: it is counted, and its notes are over before they have begun.
    pub(super) fn taken_back(&mut self, gone: &Gone) {
        self.counts.dropped += gone.count() as u64;
        for note in &gone.notes {
            let ended = self.notes.ended(*note);
            self.tell_ended(ended);
        }
    }

    /// Sends a batch by an origin's feed, with what its values are if newer ones may stand in for them; what finds no room is counted as dropped.
    pub(super) fn feed(&mut self, origin: Origin, events: &[Event], values: &[(Merge, usize)]) -> Result<(), NoRoom> {
        let closed = self.is_closed();
        for event in events {
            if let Act::Knob { slot, .. } | Act::Cell { slot, .. } | Act::NoteSet { slot, .. } = event.act
                && let Some(of) = self.slots.get_mut(usize::from(slot))
            {
                // What waits for a plan must not keep that plan waiting.
                let until = if closed { &mut of.held_until } else { &mut of.fed_until };
                *until = event.at.max(*until);
            }
        }
        let line = &mut self.lines[origin as usize];
        let sent = line.send(events, values, closed);
        self.counts.fed += sent.fed as u64;
        self.counts.merged += sent.merged as u64;
        if !sent.kept {
            self.counts.dropped += events.len() as u64;
            return Err(NoRoom);
        }
        Ok(())
    }

    fn step(&mut self, draft: &mut Draft, at: SampleTime, step: Step) {
        match step {
            Step::Started(id, note) => self.notes.start(id, note),
            Step::Released(id) => self.notes.release(id),
            Step::Renewed(id) => self.notes.renew(id, at.max(self.shown.now())),
            Step::Sync(token, message) => {
                self.syncs.insert(token, (draft.client, message));
            }
            Step::Call(found, address, values) => {
                let answer = self.call(found, Call { client: draft.client, address: &address, slot: 0, at, values: &values });
                match answer {
                    Ok(replies) => draft.replies.extend(replies),
                    Err(fail) => {
                        self.counts.fail(fail.code);
                        self.counts.messages += 1;
                        draft.failed += 1;
                        draft.replies.push(fail.message());
                    }
                }
            }
            standing => self.stand(draft.client, standing),
        }
    }

    /// From now on, something stands where a client's step says.
    pub(super) fn stand(&mut self, client: Client, step: Step) {
        match step {
            Step::Turned(slot, place, amount) => {
                let of = &mut self.slots[slot];
                let place = place.own(&of.patch);
                of.turned.insert(place, amount);
                self.arrive(Target { slot, spot: Spot::Place(place) });
                self.changed(client, Target { slot, spot: Spot::Place(place) });
            }
            Step::Setting(slot, module, setting, value) => {
                self.changed(client, Target { slot, spot: Spot::Setting(module, setting) });
                let list = matches!(value, SettingValue::List(_));
                // The entries of a list are addresses.
                self.quick.forget_patterns();
                self.slots[slot].settings.insert((module, setting), value);
                if !list {
                    self.rebuild(slot);
                }
            }
            Step::Cell(slot, module, setting, cell, value) => {
                self.changed(client, Target { slot, spot: Spot::Cell(module, setting, cell) });
                let of = &mut self.slots[slot];
                if let Some(SettingValue::List(mut list)) = of.setting(module, setting).cloned()
                    && cell < list.len()
                {
                    list[cell] = value;
                    of.settings.insert((module, setting), SettingValue::List(list));
                }
            }
            Step::Glide(target, amount, way) => self.set_off(client, target, amount, way),
            Step::Send(slot, to) => self.set_send(slot, to, Scale::LEVEL.min, true),
            Step::Out(slot, out) => {
                self.changed(client, Target { slot, spot: Spot::Out });
                self.slots[slot].route.out = out;
                self.remix();
            }
            Step::Strip(slot, mix, value) => {
                self.arrive(Target { slot, spot: Spot::Strip(mix) });
                self.changed(client, Target { slot, spot: Spot::Strip(mix) });
                let strip = if slot == MASTER { &mut self.master } else { &mut self.slots[slot].strip };
                match mix {
                    Mix::Send(to) => self.set_send(slot, to, value, false),
                    Mix::Level => strip.level = value,
                    Mix::Pan => strip.pan = value,
                    Mix::Mute => strip.mute = value > 0.5,
                    Mix::Solo => strip.solo = value > 0.5,
                    Mix::Limiter => self.limiter = value > 0.5,
                    Mix::Volume | Mix::Balance => {}
                }
            }
            Step::Zone(slot, part, values) => {
                self.set_zone(slot, part, &values);
                self.changed(client, Target { slot, spot: Spot::Zone(part) });
            }
            Step::Tempo(tempo) => {
                self.tempo = tempo;
                self.bend_glides();
                self.changed_stream(client, Stream::Tempo);
            }
            Step::Counting(Counting::Started(at)) => self.tell_started(at),
            Step::Counting(counting) => self.transport.count(counting),
            Step::Motion(motion) => {
                self.transport.motion = motion;
                self.changed_stream(client, Stream::Transport);
            }
            Step::Recalled(slot, preset) => {
                self.recalled(slot, preset);
                self.changed(client, Target { slot, spot: Spot::Preset });
            }
            Step::Tune(retuning) => self.retune(client, &retuning),
            Step::Touched(address, rests) => self.touched(client, address, rests),
            Step::Started(..) | Step::Released(_) | Step::Renewed(_) | Step::Sync(..) | Step::Call(..) => {}
        }
    }

    fn call(&mut self, found: Found, call: Call<'_>) -> Result<Vec<Message>, Fail> {
        match found {
            Found::Own(at) => match VERBS[at].body {
                Body::Direct(body) => body(self, call),
                Body::Timed(_) => Ok(Vec::new()),
                Body::Elsewhere => {
                    let address = VERBS[at].address;
                    let nobody = || Fail::new(call.address, Code::NotAllowed, "there is nothing here that could do this");
                    let mut body = self.bodies.remove(address).ok_or_else(nobody)?;
                    let answer = body(self, call);
                    self.bodies.insert(address, body);
                    answer
                }
            },
            Found::Slot(slot, at) => match SLOT_VERBS[at].body {
                Body::Direct(body) => body(self, Call { slot, ..call }),
                Body::Timed(_) | Body::Elsewhere => Ok(Vec::new()),
            },
            Found::Given(at) => {
                let Some(mut body) = self.given[at].body.take() else { return Ok(Vec::new()) };
                let answer = body(self, call);
                self.given[at].body = Some(body);
                answer
            }
        }
    }
}
