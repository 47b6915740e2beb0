//! Plans come into the engine and go home: slots' one by one, the mixer's.

use super::engine::Engine;
use super::event::Act;
use super::journal::Did;
use super::report::Report;

impl Engine {
    /// Begins a new plan of the mixer, if one waits and the one before has faded.
    pub(super) fn take_mix(&mut self, channels: usize) {
        if !self.mixer.is_fading() {
            self.begin_mix();
        }
        let out = &mut self.out;
        self.mixer.check_channels(channels, &mut |slot, channel| out.tell(Report::NoChannel { slot, channel }));
    }

    /// Begins a plan of the mixer that waits.
    pub(super) fn begin_mix(&mut self) {
        let Ok(plan) = self.mixes.pop() else { return };
        self.journal.note(self.now(), Did::Mix { number: plan.log });
        self.mixer.install(plan, self.fresh());
        if self.now == 0 {
            // Nothing was heard yet that could fade.
            self.end_mix(u32::MAX as usize);
        }
    }

    /// The plan of the mixer before goes home, when it has faded.
    pub(super) fn end_mix(&mut self, frames: usize) {
        if self.mixer.end(frames)
            && self.mixes_home.slots() > 0
            && let Some(before) = self.mixer.take_before()
        {
            let _ = self.mixes_home.push(before);
            self.out.tell(Report::Mixed);
        }
    }

    /// The strips of which nothing was heard yet, as bits.
    pub(super) fn fresh(&self) -> u64 {
        self.strips.iter().enumerate().fold(0, |bits, (slot, strip)| bits | u64::from(strip.is_fresh()) << slot)
    }

    /// Begins a new plan, if one waits and the old one can go home.
    pub(super) fn take_plan(&mut self) {
        if self.home.slots() == 0 {
            return;
        }
        let of = self.plans.peek().ok().map(|(slot, _)| usize::from(*slot));
        if of.and_then(|slot| self.strips.get(slot)).is_some_and(|strip| strip.leaves()) {
            return;
        }
        let Ok((slot, plan)) = self.plans.pop() else { return };
        let block = self.block(0);
        let out = &mut self.out;
        let (Some(strip), Some(plan)) = (self.strips.get_mut(slot as usize), plan) else {
            self.journal.note(self.now + self.pause.ahead(), Did::Unload { slot });
            return self.begin_unloading(slot);
        };
        self.journal.note(self.now + self.pause.ahead(), Did::Plan { slot, number: plan.log });
        self.score.planned(slot, plan.number);
        if let Some(old) = strip.install(plan, block, &mut |report| out.tell(report)) {
            let _ = self.home.push(old);
        }
        self.filled |= 1 << slot;
        self.out.tell(Report::Swapped { slot, at: self.now });
    }

    /// A strip's plan is to go; one that has none is done at once.
    fn begin_unloading(&mut self, slot: u8) {
        let fade = (self.rate * 0.01) as u32;
        match self.strips.get_mut(usize::from(slot)) {
            Some(strip) if strip.plan.is_some() => {
                strip.leave(fade);
                self.leaving |= 1u64.checked_shl(slot.into()).unwrap_or(0);
            }
            _ => self.unload(slot),
        }
    }

    /// A strip that has faded gives up its plan, where there is room for it on the way home.
    pub(super) fn unload(&mut self, slot: u8) {
        if self.home.slots() == 0 {
            return;
        }
        let out = &mut self.out;
        self.queue.retain(|event| {
            let stays = event.act.slot() != Some(slot);
            if let (false, Act::NoteOn { id, .. }) = (stays, event.act) {
                out.tell(Report::NoteEnded { slot, id });
            }
            stays
        });
        self.score.forget(slot);
        self.recordings.forget(slot);
        let strip = self.strips.get_mut(usize::from(slot));
        if let Some(plan) = strip.and_then(|strip| strip.empty(&mut |report| out.tell(report))) {
            let _ = self.home.push(plan);
        }
        let others = !1u64.checked_shl(slot.into()).unwrap_or(0);
        (self.filled, self.leaving) = (self.filled & others, self.leaving & others);
        self.mixer.forget(slot);
        out.tell(Report::Unloaded { slot });
    }
}
