//! What stands somewhere from a time on that is near, but has not come yet.

use std::collections::BTreeMap;

use super::address_map::Spot;
use super::client::Client;
use super::draft::Step;
use super::place::Named;
use super::targets::Target;
use crate::base::time::SampleTime;
use crate::patch::Patch;

/// Steps that may wait.
const ROOM: usize = 16_384;

/// Steps by their time, and in the order in which they came.
#[derive(Default)]
pub struct Later {
    steps: BTreeMap<(SampleTime, u64), (Client, Step)>,
    order: u64,
}

impl Later {
    /// Whether so many more may wait. `[control]`
    pub fn has_room(&self, steps: usize) -> bool {
        self.steps.len() + steps <= ROOM
    }

    /// Lets a client's step wait for its time. `[control]`
    pub fn push(&mut self, at: SampleTime, client: Client, step: Step) {
        self.order += 1;
        self.steps.insert((at, self.order), (client, step));
    }

    /// The next whose time has come. `[control]`
    pub fn pop(&mut self, now: SampleTime) -> Option<(Client, Step)> {
        let first = self.steps.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Forgets what is meant for a slot. `[control]`
    pub fn forget(&mut self, slot: usize) {
        self.steps.retain(|_, (_, step)| step.slot() != Some(slot));
    }

    /// Forgets them all. `[control]`
    pub fn clear(&mut self) {
        self.steps.clear();
    }

    /// Gives all that is meant for a slot the places of its next patch; what has none there is forgotten. `[control]`
    pub fn rename(&mut self, slot: usize, patch: &Patch, new: &Named<'_>) {
        self.steps.retain(|_, (_, step)| rename(step, slot, patch, new));
    }
}

/// Gives a step that is meant for a slot its place in the slot's next patch; false where it has none there. `[control]`
pub fn rename(step: &mut Step, slot: usize, patch: &Patch, new: &Named<'_>) -> bool {
    match step {
        Step::Turned(of, place, _) | Step::Glide(Target { slot: of, spot: Spot::Place(place) }, ..) if *of == slot => {
            place.in_other(patch, new).map(|there| *place = there).is_some()
        }
        Step::Setting(of, module, ..) | Step::Cell(of, module, ..) if *of == slot => {
            new.same_module(patch, *module).map(|there| *module = there).is_some()
        }
        _ => true,
    }
}
