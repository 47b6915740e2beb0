//! Everything that a pattern means. What was found is remembered until addresses change.

use std::sync::Arc;

use super::address_map::Spot;
use super::address_tree::Walk;
use super::control::Control;
use super::draft::{Draft, MASTER};
use super::fail::{Code, Fail};
use super::quick::{Known, Quick};
use super::targets::{MASTER_SPOTS, Target};
use super::value::Value;
use super::verbs::{Found, SLOT_VERBS};
use crate::module::SettingValue;
use crate::wire::Pattern;
use crate::wire::pattern::Reached;

/// Addresses that one pattern may match at most.
const MATCHES: usize = 4096;
/// Work that one pattern may be at most: names that are looked at, and what each takes to compare; some milliseconds.
const STEPS: u64 = 1_000_000;
/// Patterns that are remembered at most; then all are forgotten, and found again.
const REMEMBERED: usize = 1024;
/// Addresses that they match together at most.
const TOGETHER: usize = 65_536;

/// What a pattern means, each with its own address.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// Values.
    pub targets: Vec<(String, Target)>,
    /// Verbs of slots.
    pub verbs: Vec<(String, Found)>,
    /// Mapped addresses.
    pub bound: Vec<String>,
    /// The values once more where all that matches is plain numbers: then the short way is open.
    pub(super) known: Vec<Known>,
}

impl Matches {
    fn len(&self) -> usize {
        self.targets.len() + self.verbs.len() + self.bound.len()
    }
}

/// The way of a pattern through the addresses.
struct Finding<'a> {
    control: &'a Control,
    found: Matches,
}

impl Finding<'_> {
    /// Whether there is room for what was added last.
    fn has_room(&self) -> bool {
        self.found.len() <= MATCHES
    }

    fn target(&mut self, walk: &Walk<'_>, target: Target) -> bool {
        self.found.targets.push((walk.path.clone(), target));
        self.has_room()
    }

    fn master(&mut self, walk: &mut Walk<'_>, reached: Reached) -> bool {
        MASTER_SPOTS.iter().all(|(name, mix)| {
            let Some(reached) = walk.next(reached, name) else { return false };
            let target = Target { slot: MASTER, spot: Spot::Strip(*mix) };
            !walk.pattern.is_whole(reached) || walk.below(name, |walk| self.target(walk, target))
        })
    }

    fn slot(&mut self, walk: &mut Walk<'_>, slot: usize, verbs: bool, reached: Reached) -> bool {
        let of = &self.control.slots[slot];
        let whole = of.addresses.tree().walk(walk, reached, &mut |walk, spot, reached| {
            let more = !walk.pattern.is_whole(reached) || self.target(walk, Target { slot, spot });
            more && self.cells(walk, slot, spot, reached)
        });
        let spelt = |at: &usize| walk.pattern.spells(reached, SLOT_VERBS[*at].address);
        if verbs && let Some(verb) = (0..SLOT_VERBS.len()).find(spelt) {
            self.found.verbs.push((format!("{}/{}", walk.path, SLOT_VERBS[verb].address), Found::Slot(slot, verb)));
        }
        whole && self.has_room()
    }

    /// The entries of a list stand below it, as many as it holds now.
    fn cells(&mut self, walk: &mut Walk<'_>, slot: usize, spot: Spot, reached: Reached) -> bool {
        let Spot::Setting(module, setting) = spot else { return true };
        let Some(SettingValue::List(list)) = self.control.slots[slot].setting(module, setting) else { return true };
        (0..list.len()).all(|cell| {
            let name = (cell + 1).to_string();
            let Some(reached) = walk.next(reached, &name) else { return false };
            let target = Target { slot, spot: Spot::Cell(module, setting, cell) };
            !walk.pattern.is_whole(reached) || walk.below(&name, |walk| self.target(walk, target))
        })
    }

    /// Everything; false where it is too much.
    fn all(&mut self, walk: &mut Walk<'_>, travel: bool) -> bool {
        let start = walk.pattern.start();
        let Some(reached) = walk.next(start, "master") else { return false };
        if !walk.below("master", |walk| self.master(walk, reached)) {
            return false;
        }
        let control = self.control;
        for (at, slot) in control.slots.iter().enumerate().filter(|(_, slot)| slot.plays) {
            let Some(reached) = walk.next(start, &slot.name) else { return false };
            if !reached.is_nowhere() && !walk.below(&slot.name, |walk| self.slot(walk, at, !travel, reached)) {
                return false;
            }
        }
        let mut bound = |walk: &mut Walk<'_>, (), reached| {
            if walk.pattern.is_whole(reached) {
                self.found.bound.push(walk.path.clone());
            }
            self.has_room()
        };
        let whole = travel || control.bound_tree.walk(walk, start, &mut bound);
        self.found.bound.sort_unstable();
        whole
    }
}

impl Control {
    /// Everything that a pattern means: values, verbs of slots, mapped addresses. A verb is meant only where its own name is
    /// written out, so that `/acid/*` plays no note.
    pub(super) fn find_all(&self, address: &str) -> Result<Matches, Fail> {
        let wrong = |text: String| Fail::new(address, Code::Pattern, text);
        let (plain, travel) = match address.strip_prefix("/n/") {
            Some(rest) => (&address[address.len() - rest.len() - 1..], true),
            None => (address, false),
        };
        let pattern = Pattern::new(plain).map_err(|bad| wrong(bad.to_string()))?;
        let path = if travel { "/n" } else { "" }.to_owned();
        let mut walk = Walk { pattern: &pattern, steps: 0, most: STEPS, path };
        let mut finding = Finding { control: self, found: Matches::default() };
        match finding.all(&mut walk, travel) {
            true => Ok(finding.found),
            false if walk.steps > STEPS => Err(wrong("the pattern is too much work: write more of its parts out".to_owned())),
            false => Err(wrong(format!("the pattern matches more than {MATCHES} addresses"))),
        }
    }

    /// The same, remembered, also where it fails.
    pub(super) fn matches(&self, quick: &mut Quick, address: &str) -> Result<Arc<Matches>, Fail> {
        if let Some(remembered) = quick.patterns.get(address) {
            return remembered.clone();
        }
        let mut found = self.find_all(address);
        if let Ok(matches) = &mut found
            && matches.verbs.is_empty()
            && matches.bound.is_empty()
        {
            let travel = address.starts_with("/n/");
            let known = matches.targets.iter().map(|(_, target)| self.known(*target, travel)).collect::<Option<_>>();
            matches.known = known.unwrap_or_default();
        }
        let count = found.as_ref().map_or(0, Matches::len);
        if quick.patterns.len() >= REMEMBERED || quick.matched + count > TOGETHER {
            quick.forget_patterns();
        }
        quick.matched += count;
        let found = found.map(Arc::new);
        quick.patterns.insert(address.into(), found.clone());
        found
    }

    /// All that a pattern means. What cannot take the values is passed over, unless none can.
    pub(super) fn draft_pattern(&mut self, draft: &mut Draft, address: &str, values: &[Value]) -> Result<(), Fail> {
        let mut quick = std::mem::take(&mut self.quick);
        let matches = self.matches(&mut quick, address);
        self.quick = quick;
        let matches = matches?;
        let travel = address.starts_with("/n/");
        let mut first = None;
        let mut done = 0;
        let mut count = |done_so: Result<(), Fail>| match done_so {
            Ok(()) => done += 1,
            Err(fail) => first = first.take().or(Some(fail)),
        };
        for (path, target) in &matches.targets {
            // Like a verb: nobody means it who does not write it out.
            if target.spot == Spot::Out && !values.is_empty() && !address.ends_with("/out") {
                continue;
            }
            count(self.draft_value(draft, *target, path, values, travel));
        }
        for (path, found) in &matches.verbs {
            count(self.draft_verb(draft, *found, path, values));
        }
        for path in &matches.bound {
            let entries = self.bound.get(path).cloned().unwrap_or_default();
            count(self.draft_bound(draft, &entries, path, values));
        }
        match first {
            _ if done > 0 => Ok(()),
            Some(fail) => Err(fail),
            None => Err(Fail::new(address, Code::Pattern, "the pattern matches nothing")),
        }
    }
}
