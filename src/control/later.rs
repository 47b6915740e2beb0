//! What stands somewhere from a time on that has not come yet.

use std::collections::BTreeMap;

use super::client::Client;
use super::draft::Step;
use super::place::Named;
use crate::base::time::SampleTime;
use crate::patch::Patch;

/// Steps that may wait.
const ROOM: usize = 65_536;

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

    /// Gives all that is meant for a slot the places of its next patch; what has none there is forgotten. `[control]`
    pub fn rename(&mut self, slot: usize, patch: &Patch, new: &Named<'_>) {
        self.steps.retain(|_, (_, step)| match step {
            Step::Turned(of, place, _) if *of == slot => match place.in_other(patch, new) {
                Some(there) => {
                    *place = there;
                    true
                }
                None => false,
            },
            Step::Setting(of, module, ..) | Step::Cell(of, module, ..) if *of == slot => match new.same_module(patch, *module) {
                Some(there) => {
                    *module = there;
                    true
                }
                None => false,
            },
            _ => true,
        });
    }
}
