//! What is done every few milliseconds, whether or not anybody speaks.

use super::client::{Client, Origin};
use super::control::Control;
use super::draft::Step;
use super::fail::{Code, Fail};
use super::flight::SHORT;
use super::value::{Message, Value};
use crate::base::time::SampleTime;
use crate::engine::Report;

/// Notices that wait to be read at most.
const NOTICES: usize = 100;
/// How far ahead of its time an event is given to the engine [s].
const LEAD: f64 = 0.25;

impl Control {
    /// Takes in what the engine reports, feeds what has become near, sends the next plan, drops old ones; gives the answers that
    /// have become due, each with the client it is for. To be called every 2 to 5 ms. `[control]`
    pub fn tick(&mut self) -> Vec<(Client, Message)> {
        self.searched.set(0);
        self.door.collect();
        while let Some(failure) = self.door.failure() {
            self.tell(format!("a slot's code failed: {failure}"));
        }
        while let Ok(report) = self.reports.pop() {
            self.take_in(report);
        }
        while let Some((client, step)) = self.later.pop(self.shown.now()) {
            self.stand(client, step);
        }
        self.follow_glides();
        self.decide();
        self.watch_clock();
        if !self.is_closed() {
            for slot in &mut self.slots {
                slot.fed_until = slot.fed_until.max(std::mem::take(&mut slot.held_until));
            }
            for line in &mut self.lines {
                self.counts.fed += line.flush().0 as u64;
            }
        }
        self.end_leases();
        self.sense();
        self.pay();
        self.change_programs();
        self.feed_near();
        for (client, events) in self.ahead.take_gave_way() {
            let text = format!("{events} events that waited for their time gave way to nearer ones");
            self.outbox.push((client, Fail::new("", Code::Full, text).message()));
        }
        self.pump();
        self.tell_watches();
        self.tell_traces();
        std::mem::take(&mut self.outbox)
    }

    /// Gives the engine what has become near.
    pub(super) fn feed_near(&mut self) {
        let (now, near) = (self.shown.now(), self.near());
        while let Some((at, waiting)) = self.ahead.pop_before(near) {
            // What finds no room even to wait is counted as dropped.
            let _ = self.feed(waiting.client.origin, &waiting.events, &[]);
            for step in waiting.steps {
                if at > now { self.later.push(at, waiting.client, step) } else { self.stand(waiting.client, step) }
            }
        }
    }

    /// Up to which time events are given to the engine.
    pub(super) fn near(&self) -> SampleTime {
        self.shown.now() + self.frames(if self.pending_since.is_some() { SHORT } else { LEAD })
    }

    fn take_in(&mut self, report: Report) {
        match report {
            Report::NoteEnded { id, .. } => {
                let ended = self.notes.ended(id);
                self.tell_ended(ended);
            }
            Report::NoteStolen { id, .. } => {
                let ended = self.notes.stolen(id);
                self.tell_ended(ended);
            }
            Report::Started { at } => self.tell_started(at),
            Report::Tempo(tempo) => self.stand(Client::of(Origin::Score), Step::Tempo(f64::from(tempo))),
            Report::Beat { at, beat, tempo } => self.tell_beat(at, beat, tempo),
            Report::Synced(token) => {
                if self.mark_back(token) {
                    self.pump();
                } else if let Some((client, message)) = self.syncs.remove(&token) {
                    self.outbox.push((client, message));
                }
            }
            Report::Swapped { slot, .. } => {
                self.landed(usize::from(slot));
                self.tell_waits();
            }
            Report::NotFinite { slot, module, voice } => {
                if let Some(of) = self.slots.get(usize::from(slot)) {
                    let module = of.patch.modules.get(usize::from(module)).map_or("?", |module| module.name.as_str());
                    let place = if voice == u16::MAX { String::new() } else { format!(" in voice {voice}") };
                    self.tell(format!("{}: {module} put out what is no number{place}; it was started afresh", of.name));
                }
            }
            Report::Died { slot } => {
                if let Some(of) = self.slots.get(usize::from(slot)) {
                    self.tell(format!("{}: its code failed; it is silent until it is loaded anew", of.name));
                }
            }
            Report::Mixed => self.mixed(),
            Report::NoChannel { slot, channel } => {
                if let Some(of) = self.slots.get(usize::from(slot)) {
                    self.tell(format!("{}: the device has no channel {}; what goes there is not heard", of.name, u32::from(channel) + 1));
                }
            }
            Report::Unloaded { slot } => {
                self.unloaded(usize::from(slot));
                self.tell_waits();
            }
            // Counted by the engine.
            Report::Late { .. } | Report::Overflow { .. } => {}
        }
    }

    /// Something to tell whoever looks at the screen; of a flood only the first are kept. `[control]`
    pub fn tell(&mut self, notice: String) {
        if self.notices.len() < NOTICES {
            self.notices.push(notice);
        }
    }

    /// The value at an address, as it would be answered. `[control]`
    pub fn value_at(&self, address: &str) -> Option<Vec<Value>> {
        self.find_target(address).map(|target| self.ask(target, false))
    }
}
