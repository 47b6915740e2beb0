//! What a log must know of each plan so that it can be compiled again: told to whoever writes the log, before the plan is sent.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

use super::control::Control;
use super::place::Place;
use super::slot::Slot;
use crate::module::SettingValue;
use crate::patch::{Amount, IncludedFile, ModuleId, Patch};
use crate::plan::mixer::Lead;

/// A slot's plan as it was compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedPlan {
    /// Its number in the log, from 1.
    pub number: u32,
    /// Whose.
    pub slot: u8,
    /// The number of the slot's plan whose state it goes on with; 0: none.
    pub before: u32,
    /// Beats a minute.
    pub tempo: f64,
    /// Where the patch came from.
    pub file: Option<PathBuf>,
    /// The patch as text.
    pub text: String,
    /// The files that it includes.
    pub includes: Vec<IncludedFile>,
    /// Settings that were changed since it was read.
    pub settings: Vec<(ModuleId, usize, SettingValue)>,
    /// Numbers that were turned since it was read.
    pub turned: Vec<(Place, Amount)>,
}

/// What is told to whoever writes a log.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// A slot's plan is on its way.
    Plan(Box<LoggedPlan>),
    /// A plan of the mixer is on its way: its number in the log, from 1, and where sound goes by it.
    Mix(u32, Vec<Lead>),
    /// Something happens that the log cannot do again.
    Hole(String),
}

/// Numbers plans, and tells of them.
pub struct Logbook {
    to: Sender<Page>,
    plans: u32,
    mixes: u32,
    /// The number of each slot's present plan.
    now: Vec<u32>,
}

impl Logbook {
    /// Tells whoever writes. `[control]`
    pub const fn new(to: Sender<Page>) -> Self {
        Self { to, plans: 0, mixes: 0, now: Vec::new() }
    }

    /// A slot's plan was compiled; its number.
    pub(super) fn plan(&mut self, slot: usize, of: &Slot, written: &Patch, tempo: f64) -> u32 {
        self.plans += 1;
        self.now.resize(self.now.len().max(slot + 1), 0);
        let before = std::mem::replace(&mut self.now[slot], self.plans);
        let plan = LoggedPlan {
            number: self.plans,
            slot: slot as u8,
            before: if of.plays { before } else { 0 },
            tempo,
            file: of.file.clone(),
            text: of.text.clone(),
            includes: written.includes.clone(),
            settings: of.settings.iter().map(|((module, setting), value)| (*module, *setting, value.clone())).collect(),
            turned: of.turned.iter().map(|(place, amount)| (*place, *amount)).collect(),
        };
        // Where nobody writes any more, the log is over.
        let _ = self.to.send(Page::Plan(Box::new(plan)));
        self.plans
    }

    /// A plan of the mixer was made; its number.
    pub(super) fn mix(&mut self, leads: &[Lead]) -> u32 {
        self.mixes += 1;
        let _ = self.to.send(Page::Mix(self.mixes, leads.to_vec()));
        self.mixes
    }
}

impl Control {
    /// Tells a log of each plan from now on; to be given before the first patch. `[control]`
    pub fn keep_log(&mut self, logbook: Logbook) {
        self.logbook = Some(logbook);
    }
}
