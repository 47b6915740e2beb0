//! What runs after what: domains, cycles, sections.
//!
//! Things to order are the modules, the cables from the voices to the global part ("sends"), and the output. A cycle through the
//! sum of the voices is opened at its sends (64 samples of delay); what is left are cycles inside one domain, opened at the cables into
//! the module that stands first in the file (one sample). Strongly connected parts: Tarjan 1972, without recursion.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::patch::stereo::modules_of_term;
use crate::patch::{Amount, Base, Domain, ModuleId, Out, Patch, Side, Source, Sum, Term};

/// Who takes a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// An input of a global module.
    Input(ModuleId, usize),
    /// `[out]`: its `in` or `left` (0), its `right` (1).
    Out(usize),
    /// An input of `[note]` that plays the voices, by its number there.
    Note(usize),
}

/// A cable from the voices to the global part: the voice terms of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendCable {
    /// Who takes it.
    pub consumer: Consumer,
    /// It closes a cycle: what arrives is 64 samples old.
    pub delayed: bool,
}

/// Something that has a place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A module.
    Module(ModuleId),
    /// A send, by its number.
    Send(usize),
    /// The output.
    Out,
    /// What plays the voices: before any of them sounds.
    Notes,
}

/// Items that run together: one, or those of a cycle.
#[derive(Clone, Debug)]
pub struct Together {
    /// In the order in which they run.
    pub items: Vec<Item>,
    /// They feed each other and run frame by frame.
    pub cycle: bool,
    /// Even: global; odd: voices. Lower ones run first.
    pub level: usize,
}

/// The order of a patch.
#[derive(Clone, Debug)]
pub struct Order {
    /// Everything, in order.
    pub run: Vec<Together>,
    /// The sends, by number.
    pub sends: Vec<SendCable>,
    /// Cables that are one sample late: from module, into module.
    pub late: FxHashSet<(ModuleId, ModuleId)>,
}

/// Whether a source comes from the voices. `[control]`
pub fn of_voices(patch: &Patch, source: &Source) -> bool {
    match source {
        Source::Output { module, .. } => patch.modules[module.0].domain == Domain::Voice,
        Source::Note(_) => true,
        Source::Group(sum) => sum.terms.iter().any(|term| term_of_voices(patch, term)),
        _ => false,
    }
}

/// Whether a term holds anything that comes from the voices. `[control]`
pub fn term_of_voices(patch: &Patch, term: &Term) -> bool {
    term.sources.iter().any(|source| of_voices(patch, source))
}

/// The sums of `[out]`: one, or one a side. `[control]`
pub fn out_sums(patch: &Patch) -> Vec<&Sum> {
    match &patch.out {
        Out::Whole(sum) => vec![sum],
        Out::Sides(left, right) => vec![left, right],
    }
}

/// The sum at a consumer. `[control]`
pub fn sum_of(patch: &Patch, consumer: Consumer) -> &Sum {
    match consumer {
        Consumer::Input(module, input) => &patch.modules[module.0].inputs[input],
        Consumer::Out(which) => out_sums(patch)[which],
        Consumer::Note(number) => played_sums(patch).find(|(other, _)| *other == number).map_or(&NOTHING, |(_, sum)| sum),
    }
}

/// The sums that play the voices, by their numbers in `[note]`. `[control]`
pub fn played_sums(patch: &Patch) -> impl Iterator<Item = (usize, &Sum)> {
    let play = patch.note.as_ref().and_then(|note| note.play.as_ref());
    play.into_iter().flat_map(|play| &play.0).enumerate().map(|(at, sum)| (at + 3, sum))
}

/// Which side of a stereo cable a side of `[out]` takes, where sides are written one by one. `[control]`
pub fn side_of_out(patch: &Patch, which: usize) -> Option<Side> {
    match (&patch.out, which) {
        (Out::Whole(_), _) => None,
        (Out::Sides(..), 0) => Some(Side::Left),
        (Out::Sides(..), _) => Some(Side::Right),
    }
}

/// Where nothing is written.
static NOTHING: Sum = Sum { base: Base::Number(Amount::Plain(0.0)), terms: Vec::new(), text: String::new(), span: 0..0 };

struct Web {
    /// What each item needs, by number: modules, then sends, then the output, then what plays the voices.
    needs: Vec<Vec<usize>>,
    modules: usize,
    sends: usize,
}

impl Web {
    fn item(&self, number: usize) -> Item {
        if number < self.modules {
            Item::Module(ModuleId(number))
        } else if number < self.modules + self.sends {
            Item::Send(number - self.modules)
        } else if number == self.modules + self.sends {
            Item::Out
        } else {
            Item::Notes
        }
    }
}

/// Orders a patch. `[control]`
pub fn order(patch: &Patch) -> Order {
    let mut sends = Vec::new();
    let consumers = (0..patch.modules.len())
        .filter(|module| patch.modules[*module].domain == Domain::Global)
        .flat_map(|module| (0..patch.modules[module].inputs.len()).map(move |input| Consumer::Input(ModuleId(module), input)))
        .chain((0..out_sums(patch).len()).map(Consumer::Out));
    for consumer in consumers {
        if sum_of(patch, consumer).terms.iter().any(|term| term_of_voices(patch, term)) {
            sends.push(SendCable { consumer, delayed: false });
        }
    }
    let modules = patch.modules.len();
    let out = modules + sends.len();
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); out + 1 + usize::from(played_sums(patch).count() > 0)];
    let mut found = Vec::new();
    let place = |consumer: Consumer| match consumer {
        Consumer::Input(module, _) => module.0,
        Consumer::Out(_) | Consumer::Note(_) => out,
    };
    for (number, module) in patch.modules.iter().enumerate() {
        for term in module.inputs.iter().flat_map(|sum| &sum.terms) {
            if module.domain == Domain::Voice || !term_of_voices(patch, term) {
                modules_of_term(term, &mut found);
            }
        }
        needs[number].extend(found.drain(..).map(|id| id.0));
    }
    for sum in out_sums(patch) {
        sum.terms.iter().filter(|term| !term_of_voices(patch, term)).for_each(|term| modules_of_term(term, &mut found));
    }
    needs[out].extend(found.drain(..).map(|id| id.0));
    if let Some(notes) = needs.get_mut(out + 1) {
        played_sums(patch).flat_map(|(_, sum)| &sum.terms).for_each(|term| modules_of_term(term, &mut found));
        notes.extend(found.drain(..).map(|id| id.0));
    }
    for (number, send) in sends.iter().enumerate() {
        let sum = sum_of(patch, send.consumer);
        sum.terms.iter().filter(|term| term_of_voices(patch, term)).for_each(|term| modules_of_term(term, &mut found));
        needs[modules + number].extend(found.drain(..).map(|id| id.0));
        needs[place(send.consumer)].push(modules + number);
    }
    for list in &mut needs {
        list.sort_unstable();
        list.dedup();
    }
    let mut web = Web { needs, modules, sends: sends.len() };
    let is_voice = |item: Item| match item {
        Item::Module(module) => patch.modules[module.0].domain == Domain::Voice,
        Item::Send(_) => true,
        Item::Out | Item::Notes => false,
    };

    // Cycles through the sum of the voices are opened at their sends.
    for ring in rings(&web.needs) {
        let voices = ring.iter().filter(|number| is_voice(web.item(**number))).count();
        if voices == 0 || voices == ring.len() {
            continue;
        }
        for number in &ring {
            if let Item::Send(send) = web.item(*number) {
                sends[send].delayed = true;
                let taker = place(sends[send].consumer);
                web.needs[taker].retain(|need| need != number);
            }
        }
    }

    // The rest are cycles inside one domain.
    let rings_left = rings(&web.needs);
    let mut late = FxHashSet::default();
    let mut ring_of: Vec<Option<usize>> = vec![None; web.needs.len()];
    for (number, ring) in rings_left.iter().enumerate() {
        ring.iter().for_each(|item| ring_of[*item] = Some(number));
    }
    let mut open = web.needs.clone();
    let mut waiting: Vec<Vec<usize>> = rings_left.clone();
    while let Some(ring) = waiting.pop() {
        let Some(first) = ring.iter().min().copied() else { continue };
        let inside: FxHashSet<usize> = ring.iter().copied().collect();
        for need in open[first].extract_if(.., |need| inside.contains(need)) {
            late.insert((ModuleId(need), ModuleId(first)));
        }
        // What is still closed without that module is opened in the same way.
        let mut numbers: Vec<usize> = ring;
        numbers.sort_unstable();
        let small: Vec<Vec<usize>> =
            numbers.iter().map(|item| open[*item].iter().filter_map(|need| numbers.binary_search(need).ok()).collect()).collect();
        waiting.extend(rings(&small).into_iter().map(|ring| ring.into_iter().map(|at| numbers[at]).collect::<Vec<_>>()));
    }

    let run = arranged(&web, &open, &ring_of, &rings_left, &is_voice);
    Order { run, sends, late }
}

/// Everything in order: by level, then by the file, cycles kept together.
fn arranged(
    web: &Web,
    open: &[Vec<usize>],
    ring_of: &[Option<usize>],
    rings: &[Vec<usize>],
    is_voice: &dyn Fn(Item) -> bool,
) -> Vec<Together> {
    // One unit for each ring and for each item outside.
    let count = web.needs.len();
    let mut unit_of = vec![usize::MAX; count];
    let mut units: Vec<Vec<usize>> = Vec::new();
    for item in 0..count {
        if unit_of[item] != usize::MAX {
            continue;
        }
        let members = ring_of[item].map_or_else(|| vec![item], |ring| rings[ring].clone());
        members.iter().for_each(|member| unit_of[*member] = units.len());
        units.push(members);
    }
    let mut takers: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    let mut missing = vec![0usize; units.len()];
    for (unit, members) in units.iter().enumerate() {
        let mut needs: Vec<usize> =
            members.iter().flat_map(|item| &web.needs[*item]).map(|need| unit_of[*need]).filter(|need| *need != unit).collect();
        needs.sort_unstable();
        needs.dedup();
        missing[unit] = needs.len();
        needs.iter().for_each(|need| takers[*need].push(unit));
    }
    let voice = |unit: usize| is_voice(web.item(units[unit][0]));
    let mut level: Vec<usize> = (0..units.len()).map(|unit| usize::from(voice(unit))).collect();
    let mut ready: Vec<usize> = (0..units.len()).filter(|unit| missing[*unit] == 0).collect();
    let mut left = missing.clone();
    while let Some(unit) = ready.pop() {
        for taker in &takers[unit] {
            let least = level[unit] + usize::from(voice(unit) != voice(*taker));
            level[*taker] = level[*taker].max(least);
            left[*taker] -= 1;
            if left[*taker] == 0 {
                ready.push(*taker);
            }
        }
    }
    let mut heap: BinaryHeap<Reverse<(usize, usize)>> =
        (0..units.len()).filter(|unit| missing[*unit] == 0).map(|unit| Reverse((level[unit], unit))).collect();
    let mut run = Vec::with_capacity(units.len());
    while let Some(Reverse((_, unit))) = heap.pop() {
        let cycle = ring_of[units[unit][0]].is_some();
        let items = if cycle { inner_order(&units[unit], open) } else { units[unit].clone() };
        run.push(Together { items: items.into_iter().map(|item| web.item(item)).collect(), cycle, level: level[unit] });
        for taker in &takers[unit] {
            missing[*taker] -= 1;
            if missing[*taker] == 0 {
                heap.push(Reverse((level[*taker], *taker)));
            }
        }
    }
    run
}

/// The items of an opened cycle in the order in which they need each other.
fn inner_order(members: &[usize], open: &[Vec<usize>]) -> Vec<usize> {
    let inside: FxHashSet<usize> = members.iter().copied().collect();
    let needs = |item: usize| open[item].iter().copied().filter(|need| inside.contains(need));
    let mut missing: FxHashMap<usize, usize> = members.iter().map(|item| (*item, needs(*item).count())).collect();
    let mut takers: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    members.iter().for_each(|item| needs(*item).for_each(|need| takers.entry(need).or_default().push(*item)));
    let mut heap: BinaryHeap<Reverse<usize>> = members.iter().filter(|item| missing[item] == 0).map(|item| Reverse(*item)).collect();
    let mut order = Vec::with_capacity(members.len());
    while let Some(Reverse(item)) = heap.pop() {
        order.push(item);
        for taker in takers.get(&item).into_iter().flatten() {
            if let Some(count) = missing.get_mut(taker) {
                *count -= 1;
                if *count == 0 {
                    heap.push(Reverse(*taker));
                }
            }
        }
    }
    order
}

/// The strongly connected parts that are cycles: more than one item, or one that needs itself. `needs` by number.
fn rings(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let count = needs.len();
    let (mut index, mut low, mut on_stack) = (vec![NEW; count], vec![0; count], vec![false; count]);
    let (mut stack, mut found, mut next) = (Vec::new(), Vec::new(), 0);
    for root in 0..count {
        if index[root] != NEW {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((item, at)) = path.last_mut() {
            let item = *item;
            if *at == 0 {
                index[item] = next;
                low[item] = next;
                next += 1;
                stack.push(item);
                on_stack[item] = true;
            }
            if let Some(need) = needs[item].get(*at) {
                *at += 1;
                if index[*need] == NEW {
                    path.push((*need, 0));
                } else if on_stack[*need] {
                    low[item] = low[item].min(index[*need]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[item]);
            }
            if low[item] == index[item] {
                let mut ring = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    ring.push(member);
                    if member == item {
                        break;
                    }
                }
                if ring.len() > 1 || needs[item].contains(&item) {
                    found.push(ring);
                }
            }
        }
    }
    found
}
