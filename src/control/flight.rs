//! A plan on its way to the engine: one in flight.

use std::collections::{HashMap, HashSet};

use super::client::Client;
use super::control::Control;
use super::feed_line::Renamed;
use super::later::rename;
use super::place::{Named, Place};
use super::value::{Message, Value};
use crate::base::time::SampleTime;
use crate::engine::{Act, Event};
use crate::patch::Patch;
use crate::plan;
use crate::plan::{Before, KnobId, KnobOwner, Outline, SlotPlan};

/// While plans wait, values with a time are given to the engine only this far ahead [s], so that soon none waits there.
pub const SHORT: f64 = 0.03;
/// A plan that has waited so long for a time without values keeps them all back until it has landed [s].
const PATIENCE: f64 = 0.3;

/// A plan on its way: compiled, waiting for all to be applied that was sent before, then in the door, then landed.
pub struct Flight {
    /// Whose.
    pub slot: usize,
    /// Who is told when it has landed.
    pub waiting: Vec<(Client, String)>,
    /// Until it is sent.
    plan: Option<Box<SlotPlan>>,
    /// Another plan of the slot plays until then.
    replaces: bool,
    /// Marks in the engine's queues that have not come back yet; `None`: not put in yet.
    marks: Vec<(usize, Option<u32>)>,
}

impl Control {
    /// Compiles the plan of a slot. From here on all events name the new plan's knobs, and wait for it.
    pub(super) fn begin_flight(&mut self, slot: usize, written: Patch, waiting: Vec<(Client, String)>) {
        let of = &mut self.slots[slot];
        let mut patch = written.clone();
        for ((module, setting), value) in &of.settings {
            if let Some(place) = patch.modules.get_mut(module.0).and_then(|module| module.settings.0.get_mut(*setting)) {
                *place = value.clone();
            }
        }
        let options = plan::Options { tempo: self.tempo, ..self.options.plan };
        let turned = |owner: KnobOwner| Place::of_knob(owner).and_then(|place| of.turned.get(&place).copied());
        let before = of.plays.then_some(Before { patch: &of.patch, outline: &of.outline });
        let (mut plan, outline) = plan::compile_among(&patch, &options, &self.flows, &turned, before);
        plan.number = self.score.new_plan(slot);
        plan.log = self.logbook.as_mut().map_or(0, |book| book.plan(slot, of, &written, options.tempo));
        let mut marks = Vec::new();
        let replaces = of.plays;
        if replaces {
            let renamed = renamed(&of.patch, &of.outline, &patch, &outline);
            let mut dropped = 0;
            let mut change = |events: &mut Vec<Event>| dropped += renamed.rename(events, slot as u8);
            let named = Named::new(&patch);
            self.ahead.change(&mut change, |step| rename(step, slot, &of.patch, &named));
            self.later.rename(slot, &of.patch, &named);
            self.lines.iter_mut().for_each(|line| line.change(&mut change));
            self.counts.dropped += dropped as u64;
            marks.extend((0..self.lines.len()).map(|line| (line, None)));
        }
        of.written = written;
        of.set_plan(patch, outline);
        self.bind_sends();
        self.bind();
        self.flying = Some(Flight { slot, waiting, plan: Some(plan), replaces, marks });
    }

    /// Puts marks behind all that was sent for the plan before; sends the plan once all have come back, so that no value meant for
    /// the old one meets the new one.
    pub(super) fn fly(&mut self) {
        self.send_mix();
        let Some(flight) = &mut self.flying else { return };
        for (line, mark) in flight.marks.iter_mut().filter(|(_, mark)| mark.is_none()) {
            self.next_sync = self.next_sync.wrapping_add(1);
            let token = self.next_sync;
            if self.lines[*line].pass(Event { at: 0, act: Act::Sync(token) }) {
                *mark = Some(token);
                self.counts.events += 1;
                self.counts.fed += 1;
            }
        }
        // Nothing is heard of a slot before the mixer knows where it goes.
        if flight.marks.is_empty()
            && (flight.replaces || !self.mixing.is_stale())
            && let Some(plan) = flight.plan.take()
        {
            // It is given back while the door is not free.
            flight.plan = self.door.send(flight.slot as u8, plan).err();
        }
    }

    /// A mark has come back; false where it is none of the plan's that is on its way.
    pub(super) fn mark_back(&mut self, token: u32) -> bool {
        let Some(flight) = &mut self.flying else { return false };
        let before = flight.marks.len();
        flight.marks.retain(|(_, mark)| *mark != Some(token));
        flight.marks.len() != before
    }

    /// Whether events wait for a plan to land. A slot's first plan has no other before it: once it is sent, events may follow.
    pub(super) fn is_closed(&self) -> bool {
        let late = |since: SampleTime| self.shown.now() > since + self.frames(PATIENCE);
        self.flying.as_ref().is_some_and(|flight| flight.replaces || flight.plan.is_some()) || self.pending_since.is_some_and(late)
    }

    /// A slot's plan has landed.
    pub(super) fn landed(&mut self, slot: usize) {
        if let Some(flight) = self.flying.take_if(|flight| flight.slot == slot && flight.plan.is_none()) {
            let name = self.slots[slot].name.clone();
            for (client, address) in flight.waiting {
                let values = vec![Value::Text(address), Value::Text(name.clone())];
                self.outbox.push((client, Message::new("/done", values)));
            }
        }
    }
}

/// What the knobs and lists of a plan are called in the next. A control that has more knobs there has its first become all of them.
fn renamed(patch: &Patch, outline: &Outline, new_patch: &Patch, new_outline: &Outline) -> Renamed {
    let mut there: HashMap<Place, Vec<KnobId>> = HashMap::new();
    for (at, knob) in new_outline.knobs.iter().enumerate() {
        if let Some(place) = Place::of_knob(knob.owner) {
            there.entry(place).or_default().push(KnobId(at as u32));
        }
    }
    let named = Named::new(new_patch);
    let mut seen = HashSet::new();
    let mut renamed = Renamed::default();
    for (at, knob) in outline.knobs.iter().enumerate() {
        let Some(place) = Place::of_knob(knob.owner) else { continue };
        let Some(knobs) = place.in_other(patch, &named).and_then(|place| there.get(&place.own(new_patch))) else { continue };
        renamed.knobs.insert(KnobId(at as u32), if seen.insert(place) { knobs.clone() } else { Vec::new() });
    }
    let lists: HashMap<_, usize> = new_outline.lists.iter().enumerate().map(|(at, list)| (*list, at)).collect();
    for (at, (module, setting)) in outline.lists.iter().enumerate() {
        if let Some(module) = named.same_module(patch, *module)
            && let Some(list) = lists.get(&(module, *setting))
        {
            renamed.lists.insert(at as u16, *list as u16);
        }
    }
    renamed
}
