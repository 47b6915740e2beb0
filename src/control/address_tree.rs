//! The address space as a tree of names: a pattern enters no branch but those that match it so far.

use rustc_hash::FxHashMap;

use crate::wire::Pattern;
use crate::wire::pattern::Reached;

/// One name, and the names below it.
#[derive(Clone, Debug)]
struct Branch<T> {
    name: Box<str>,
    what: Option<T>,
    /// As they were given.
    below: Vec<u32>,
    /// The same, by name.
    sorted: Vec<u32>,
}

/// Addresses part by part, and what each means.
#[derive(Clone, Debug)]
pub struct AddressTree<T> {
    /// The first is the root; it has no name.
    branches: Vec<Branch<T>>,
}

impl<T> Default for AddressTree<T> {
    fn default() -> Self {
        Self { branches: vec![Branch { name: "".into(), what: None, below: Vec::new(), sorted: Vec::new() }] }
    }
}

/// A pattern on its way through the addresses.
pub struct Walk<'a> {
    /// The pattern.
    pub pattern: &'a Pattern,
    /// Work so far: each name that was looked at, and what it took to compare it.
    pub steps: u64,
    /// No more work than this.
    pub most: u64,
    /// Where it is: an address without the slash at its end.
    pub path: String,
}

impl Walk<'_> {
    /// How far the pattern comes with one more name; `None` where no work is left to be done. `[control]`
    pub fn next(&mut self, from: Reached, name: &str) -> Option<Reached> {
        let reached = self.pattern.next(from, name, &mut self.steps);
        (self.steps <= self.most).then_some(reached)
    }

    /// Does something one name further down. `[control]`
    pub fn below<R>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        let done = work(self);
        self.path.truncate(length);
        done
    }
}

impl<T: Copy> AddressTree<T> {
    /// Of addresses without a slash at their front, in order. `[control]`
    pub fn new<'a>(addresses: impl Iterator<Item = (&'a str, T)>) -> Self {
        let mut tree = Self::default();
        let mut known: FxHashMap<(u32, &str), u32> = FxHashMap::default();
        for (address, what) in addresses {
            let mut at = 0u32;
            for name in address.split('/') {
                let new = tree.branches.len() as u32;
                let next = *known.entry((at, name)).or_insert(new);
                if next == new {
                    tree.branches[at as usize].below.push(new);
                    tree.branches.push(Branch { name: name.into(), what: None, below: Vec::new(), sorted: Vec::new() });
                }
                at = next;
            }
            tree.branches[at as usize].what = Some(what);
        }
        for at in 0..tree.branches.len() {
            let mut sorted = tree.branches[at].below.clone();
            sorted.sort_unstable_by(|a, b| tree.name(*a).cmp(tree.name(*b)));
            tree.branches[at].sorted = sorted;
        }
        tree
    }

    fn name(&self, at: u32) -> &str {
        &self.branches[at as usize].name
    }

    fn child(&self, at: u32, name: &str) -> Option<u32> {
        let sorted = &self.branches[at as usize].sorted;
        sorted.binary_search_by(|below| self.name(*below).cmp(name)).ok().map(|found| sorted[found])
    }

    /// The names right below an address, in order; none where there is no such address, or nothing below it. `[control]`
    pub fn below(&self, address: &str) -> impl Iterator<Item = &str> {
        let mut names = address.split('/').filter(|name| !name.is_empty());
        let at = names.try_fold(0, |at, name| self.child(at, name));
        at.into_iter().flat_map(|at| &self.branches[at as usize].below).map(|below| self.name(*below))
    }

    /// Takes a pattern, which has come so far already, to all that has a meaning; `found` is told each and how far the pattern has
    /// come there, whether or not that is its end. False, and no further, where `found` says so or the work is too much. `[control]`
    pub fn walk(&self, walk: &mut Walk<'_>, from: Reached, found: &mut impl FnMut(&mut Walk<'_>, T, Reached) -> bool) -> bool {
        self.walk_from(0, walk, from, found)
    }

    fn walk_from(&self, at: u32, walk: &mut Walk<'_>, from: Reached, found: &mut impl FnMut(&mut Walk<'_>, T, Reached) -> bool) -> bool {
        let one = walk.pattern.only(from).map(|name| self.child(at, name));
        let all = match &one {
            Some(child) => child.as_slice(),
            None => &self.branches[at as usize].below,
        };
        all.iter().all(|child| {
            let branch = &self.branches[*child as usize];
            let Some(reached) = walk.next(from, &branch.name) else { return false };
            reached.is_nowhere()
                || walk.below(&branch.name, |walk| {
                    branch.what.is_none_or(|what| found(walk, what, reached)) && self.walk_from(*child, walk, reached, found)
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESSES: [&str; 7] = ["osc/pitch", "osc/in", "env/attack", "env/attack/x", "low/cutoff", "level", "high/cutoff"];

    fn walked(pattern: &str, most: u64) -> (Vec<String>, u64, bool) {
        let tree = AddressTree::new(ADDRESSES.iter().copied().zip(0usize..));
        let pattern = Pattern::new(pattern).expect("a sound pattern");
        let mut walk = Walk { pattern: &pattern, steps: 0, most, path: String::new() };
        let mut all = Vec::new();
        let whole = tree.walk(&mut walk, pattern.start(), &mut |walk, what, reached| {
            assert_eq!(walk.path[1..], *ADDRESSES[what]);
            if walk.pattern.is_whole(reached) {
                all.push(walk.path.clone());
            }
            true
        });
        assert!(walk.path.is_empty() || !whole);
        (all, walk.steps, whole)
    }

    #[test]
    fn a_pattern_finds_what_matches_in_order() {
        assert_eq!(walked("/*/cutoff", 1000).0, ["/low/cutoff", "/high/cutoff"]);
        assert_eq!(walked("//attack//", 1000).0, ["/env/attack", "/env/attack/x"]);
        assert_eq!(walked("/{level,osc}", 1000).0, ["/level"]);
        assert_eq!(walked("//", 1000).0.len(), ADDRESSES.len());
        assert!(walked("/none/*", 1000).0.is_empty());
    }

    #[test]
    fn only_branches_that_match_are_entered() {
        // `osc` has two names below it; below the other four nothing is looked at.
        assert_eq!(walked("/{osc,x}/*", 1000).1 - walked("/{osc,x}/x", 1000).1, 2);
        assert_eq!(walked("/{osc,x}/*", 1000).1 - walked("/{osd,x}/*", 1000).1, 2);
        // A name that is written out is looked up, not looked for.
        assert_eq!(walked("/osc/pitch", 1000).1, 2);
        assert_eq!(walked("/osc/*", 1000).1, 3);
    }

    #[test]
    fn it_ends_where_the_work_is_too_much() {
        let all = walked("//x", 1000).1;
        assert!(walked("//x", all).2 && !walked("//x", all - 1).2);
    }

    #[test]
    fn what_is_below_a_name() {
        let tree = AddressTree::new(ADDRESSES.iter().copied().zip(0usize..));
        assert_eq!(tree.below("").collect::<Vec<_>>(), ["osc", "env", "low", "level", "high"]);
        assert_eq!(tree.below("env").collect::<Vec<_>>(), ["attack"]);
        assert_eq!(tree.below("env/attack").collect::<Vec<_>>(), ["x"]);
        assert_eq!(tree.below("level").count() + tree.below("none").count(), 0);
    }
}
