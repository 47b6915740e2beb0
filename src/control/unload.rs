//! A slot's patch goes: what waits for it is taken back, the engine lets it fade and gives up its plan.

use super::ahead::Gone;
use super::client::Client;
use super::control::Control;
use super::reload::Pending;
use crate::engine::Act;

impl Control {
    /// Has the engine let go of a slot: it fades within 10 ms, its notes end, its plan comes home. Whatever waits for its time there is
    /// taken back, and so are loads of it that are under way: who waits for these is given back, with the address each spoke to.
    /// [`Slot::leaves`](super::slot::Slot::leaves) is set until the engine has told that it is done; only then may the slot's number
    /// be used again. Names and addresses stay: they are the caller's. `[control]`
    pub fn take_away(&mut self, slot: usize) -> Vec<(Client, String)> {
        let mut waiting = Vec::new();
        self.pending.retain_mut(|pending| {
            let goes = pending.slot() == slot;
            if let (true, Pending::File(loading)) = (goes, pending) {
                waiting.append(&mut loading.waiting);
            }
            !goes
        });
        // A plan that is in the door lands, and leaves again.
        if let Some(flight) = self.flying.take_if(|flight| flight.slot == slot) {
            waiting.extend(flight.waiting);
        }
        let is_its = |act: &Act| act.slot().map(usize::from) == Some(slot);
        let gone = self.ahead.clear(None, |event| is_its(&event.act), |step| step.slot() == Some(slot));
        self.taken_back(&gone);
        let mut waited = Gone::default();
        for line in &mut self.lines {
            line.change(|events| {
                let before = events.len();
                events.retain(|event| {
                    let goes = is_its(&event.act);
                    if let (true, Act::NoteOn { id, .. }) = (goes, event.act) {
                        waited.notes.push(id);
                    }
                    !goes
                });
                self.counts.dropped += (before - events.len()) as u64;
            });
        }
        self.taken_back(&waited);
        self.later.forget(slot);
        self.glides.retain(|(of, _), _| *of != slot);
        self.slots[slot].leaves = true;
        self.pending_since = None;
        self.bind_sends();
        self.quick.forget();
        self.pending.push_back(Pending::Unload(slot));
        self.pump();
        waiting
    }

    /// The engine has let go of a slot.
    pub(super) fn unloaded(&mut self, slot: usize) {
        if let Some(of) = self.slots.get_mut(slot) {
            (of.leaves, of.plays, of.fed_until, of.held_until) = (false, false, 0, 0);
        }
        self.remix();
        self.pump();
    }
}
