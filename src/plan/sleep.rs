//! Steps that sleep: one whose outputs stand is not worked out again until something that it reads moves or changes.
//!
//! A group's steps share their wires with other groups and with each other, so what a sleeping step would write is kept by the group and
//! put back where a step that is awake reads it. That gives the same bits: a sum is a function of what it reads, and a kernel that says that its output stands has said so
//! for as long as its inputs do.

use std::ops::Range;

use super::colour::KNOB;
use super::lower::PartDraft;
use super::part::Step;
use super::sum::{Depth, Factor, SumShape};
use crate::dsp::lanes::Lanes;
use crate::module::Wire;

/// What a step reads and writes.
#[derive(Clone, Debug)]
struct Watch {
    /// It may sleep: it runs once a block, and what it reads is all in sight.
    may_sleep: bool,
    /// The wires that wake it, without those of knobs.
    reads: Range<u32>,
    /// The wires that it writes.
    writes: Range<u32>,
    /// Where the group keeps what it wrote.
    kept: u32,
    /// It has a state that can be set back.
    kernel: bool,
}

/// What all steps of a part read and write.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    steps: Vec<Watch>,
    wires: Vec<u32>,
    kept: usize,
    /// The wires that are read when all steps have run.
    lasting: Vec<u32>,
}

impl Watches {
    /// Of a part whose wires get places. `[control]`
    pub fn new(draft: &PartDraft, place: &dyn Fn(u32) -> u32) -> Self {
        let lasting = (0u32..).zip(&draft.pinned).filter(|(_, pinned)| **pinned).map(|(wire, _)| place(wire)).collect();
        let mut watches = Self { lasting, ..Self::default() };
        let own = |wire: &u32| wire & KNOB == 0 && !draft.still_wires.contains(wire);
        for span in &draft.spans {
            for step in &draft.steps[span.steps.start as usize..span.steps.end as usize] {
                let (mut may_sleep, mut reads, mut writes) = (!span.cycle, Vec::new(), Vec::new());
                match *step {
                    Step::Sum(number) => {
                        let sum = &draft.sums[number as usize];
                        for factor in factors(sum) {
                            match factor {
                                Factor::Wire(wire) => reads.push(*wire),
                                // What the global part works out may move without a word.
                                Factor::Global(wire) => may_sleep &= wire & KNOB != 0,
                                Factor::Own { .. } => {}
                            }
                        }
                        writes.push(sum.out);
                    }
                    Step::Kernel(number) => {
                        let shape = &draft.kernels[number as usize].shape;
                        reads.extend(&shape.inputs);
                        writes.extend(shape.heard.iter().map(|at| shape.outputs[*at as usize]));
                    }
                    Step::Recall(number) => {
                        may_sleep = false;
                        writes.push(draft.feedbacks[number as usize].to);
                    }
                    Step::Keep(_) | Step::Chain(_) | Step::Choir(_) => may_sleep = false,
                }
                reads.retain(own);
                reads.sort_unstable();
                reads.dedup();
                let reads = watches.add(reads.into_iter().map(place));
                let writes = watches.add(writes.into_iter().map(place));
                let kept = watches.kept as u32;
                watches.kept += writes.len();
                let kernel = matches!(step, Step::Kernel(_));
                watches.steps.push(Watch { may_sleep, reads, writes, kept, kernel });
            }
        }
        watches
    }

    fn add(&mut self, wires: impl Iterator<Item = u32>) -> Range<u32> {
        let start = self.wires.len() as u32;
        self.wires.extend(wires);
        start..self.wires.len() as u32
    }

    fn of(&self, wires: &Range<u32>) -> &[u32] {
        &self.wires[wires.start as usize..wires.end as usize]
    }
}

/// The factors that a sum reads.
fn factors(sum: &SumShape) -> impl Iterator<Item = &Factor> {
    let depths = sum.products.iter().map(|product| &product.depth).chain(std::iter::once(&sum.base));
    let knobs = depths.filter_map(|depth| if let Depth::Knob(factor) = depth { Some(factor) } else { None });
    sum.products.iter().flat_map(|product| &product.factors).chain(knobs)
}

/// Which wires carry something else than they did when the group that runs was run before: they move, or hold another number.
pub struct Stir {
    wires: Vec<bool>,
    /// Room for a thought about each wire.
    marks: Vec<bool>,
}

impl Stir {
    /// Of so many wires: all, until something else is known. `[control]`
    pub fn new(wires: usize) -> Self {
        Self { wires: vec![true; wires], marks: vec![false; wires] }
    }

    /// Whether a wire does. `[audio]`
    #[inline(always)]
    pub fn set(&mut self, wire: u32, stirs: bool) {
        self.wires[wire as usize] = stirs;
    }
}

/// How a step rests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It does not.
    Awake,
    /// It sleeps while nothing that it reads stirs.
    Light,
    /// The same, and nothing that it reads can stir before something from outside does.
    Deep,
    /// The same, and what it writes is read by steps alone that sleep as deep.
    Unread,
}

/// What one group keeps of the steps that sleep.
pub struct Sleep<L> {
    rest: Vec<Rest>,
    kept: Vec<L>,
    /// Some step has fallen asleep of late: more may sleep deep.
    changed: bool,
}

impl<L: Lanes> Sleep<L> {
    /// All awake. `[control]`
    pub fn new(watches: &Watches) -> Self {
        Self { rest: vec![Rest::Awake; watches.steps.len()], kept: vec![L::default(); watches.kept], changed: true }
    }

    /// Wakes every step. `[audio]`
    pub fn wake(&mut self) {
        self.rest.fill(Rest::Awake);
        self.changed = true;
    }

    /// Wakes some steps that another has worked out for them. `[audio]`
    #[inline(always)]
    pub fn wake_some(&mut self, steps: Range<usize>) {
        let rest = &mut self.rest[steps];
        let mut slept = false;
        for rest in &*rest {
            slept |= *rest != Rest::Awake;
        }
        if slept {
            rest.fill(Rest::Awake);
            self.changed = true;
        }
    }

    /// Wakes the kernels. `[audio]`
    pub fn wake_kernels(&mut self, watches: &Watches) {
        self.stir();
        for (rest, watch) in self.rest.iter_mut().zip(&watches.steps) {
            if watch.kernel {
                *rest = Rest::Awake;
            }
        }
    }

    /// Something from outside stirs: no step sleeps deep. `[audio]`
    pub fn stir(&mut self) {
        if self.changed {
            return;
        }
        for rest in &mut self.rest {
            if *rest != Rest::Awake {
                *rest = Rest::Light;
            }
        }
        self.changed = true;
    }

    /// After a run of all steps in which nothing from outside stirred: finds those that sleep deep. `[audio]`
    pub fn settle(&mut self, watches: &Watches, stir: &mut Stir) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let Stir { wires, marks } = stir;
        // Which wires cannot stir.
        for (mark, stirs) in marks.iter_mut().zip(wires) {
            *mark = !*stirs;
        }
        for (rest, watch) in self.rest.iter_mut().zip(&watches.steps) {
            let deep = *rest != Rest::Awake && watches.of(&watch.reads).iter().all(|wire| marks[*wire as usize]);
            *rest = match *rest {
                Rest::Awake => Rest::Awake,
                _ if deep => Rest::Deep,
                _ => Rest::Light,
            };
            watches.of(&watch.writes).iter().for_each(|wire| marks[*wire as usize] = deep);
        }
        // Which are read later, from the end on.
        marks.fill(false);
        watches.lasting.iter().for_each(|wire| marks[*wire as usize] = true);
        for (rest, watch) in self.rest.iter_mut().zip(&watches.steps).rev() {
            let writes = watches.of(&watch.writes);
            if *rest == Rest::Deep && !writes.iter().any(|wire| marks[*wire as usize]) {
                *rest = Rest::Unread;
            }
            writes.iter().for_each(|wire| marks[*wire as usize] = false);
            if matches!(*rest, Rest::Awake | Rest::Light) {
                watches.of(&watch.reads).iter().for_each(|wire| marks[*wire as usize] = true);
            }
        }
    }

    /// Whether a step sleeps on: then what it writes has been put back, where that is read. `[audio]`
    #[inline(always)]
    pub fn sleeps_on(&self, watches: &Watches, step: usize, wires: &mut [Wire<L>], stir: &mut Stir) -> bool {
        let rest = self.rest[step];
        if matches!(rest, Rest::Awake | Rest::Unread) {
            return rest == Rest::Unread;
        }
        let watch = &watches.steps[step];
        if rest == Rest::Light {
            for wire in watches.of(&watch.reads) {
                if stir.wires[*wire as usize] {
                    return false;
                }
            }
        }
        for (at, wire) in watches.of(&watch.writes).iter().enumerate() {
            stir.set(*wire, false);
            let wire = &mut wires[*wire as usize];
            wire.held = true;
            if let Some(tile) = &mut wire.tile {
                tile[0] = self.kept[watch.kept as usize + at];
            }
        }
        true
    }

    /// After a step was worked out: it falls asleep where it can and all that it wrote `stands`. `[audio]`
    #[inline(always)]
    pub fn ran(&mut self, watches: &Watches, step: usize, stands: bool, wires: &[Wire<L>], stir: &mut Stir) {
        let watch = &watches.steps[step];
        let stood = self.rest[step] != Rest::Awake;
        let stands = stands && watch.may_sleep;
        self.rest[step] = if stands { Rest::Light } else { Rest::Awake };
        self.changed |= stands && !stood;
        for (at, wire) in watches.of(&watch.writes).iter().enumerate() {
            let mut stirs = true;
            if stands && let Some(x) = wires[*wire as usize].stands() {
                let kept = &mut self.kept[watch.kept as usize + at];
                stirs = !(stood && x.is(*kept));
                *kept = x;
            }
            stir.set(*wire, stirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps that each read a wire and write the next: wire 0 is from outside, the last is read when all have run.
    fn row(steps: u32) -> (Watches, Vec<Wire<f32>>, Stir, Sleep<f32>) {
        let mut watches = Watches { lasting: vec![steps], ..Watches::default() };
        for step in 0..steps {
            let (reads, writes) = (watches.add(std::iter::once(step)), watches.add(std::iter::once(step + 1)));
            watches.steps.push(Watch { may_sleep: true, reads, writes, kept: step, kernel: step == 0 });
            watches.kept += 1;
        }
        let wires = (0..=steps).map(|_| Wire::new()).collect();
        let (stir, sleep) = (Stir::new(steps as usize + 1), Sleep::new(&watches));
        (watches, wires, stir, sleep)
    }

    /// One run in which every step that is awake writes a number, held; gives which were worked out.
    fn run((watches, wires, stir, sleep): &mut (Watches, Vec<Wire<f32>>, Stir, Sleep<f32>), number: f32, outside: bool) -> Vec<u32> {
        stir.set(0, outside);
        if outside {
            sleep.stir();
        }
        let mut ran = Vec::new();
        for step in 0..watches.steps.len() {
            // Other groups have used the wires since.
            wires[step + 1].tile.as_mut().unwrap()[0] = f32::NAN;
            if !sleep.sleeps_on(watches, step, wires, stir) {
                ran.push(step as u32);
                wires[step + 1].tile.as_mut().unwrap()[0] = number;
                sleep.ran(watches, step, true, wires, stir);
            }
        }
        if !outside {
            sleep.settle(watches, stir);
        }
        ran
    }

    #[test]
    fn steps_sleep_until_something_from_outside_stirs_and_no_longer_than_it_changes_anything() {
        let mut row = row(3);
        assert_eq!(run(&mut row, 1.0, true), [0, 1, 2]);
        for _ in 0..3 {
            assert_eq!(run(&mut row, 2.0, false), [0u32; 0]);
            assert_eq!(row.1[3].stands(), Some(1.0), "what is read afterwards is put back");
        }
        assert!(matches!(row.3.rest[..], [Rest::Unread, Rest::Unread, Rest::Deep]));
        assert_eq!(run(&mut row, 1.0, true), [0], "the same number wakes nobody");
        assert_eq!(run(&mut row, 2.0, true), [0, 1, 2]);
        assert_eq!(run(&mut row, 3.0, false), [0u32; 0]);
        assert_eq!(row.1[3].stands(), Some(2.0));
    }

    #[test]
    fn a_reset_wakes_kernels_and_whoever_hears_the_difference() {
        let mut row = row(3);
        run(&mut row, 1.0, true);
        run(&mut row, 1.0, false);
        row.3.wake_kernels(&row.0);
        assert_eq!(run(&mut row, 5.0, false), [0, 1, 2]);
        row.3.wake_kernels(&row.0);
        assert_eq!(run(&mut row, 5.0, false), [0, 1], "a kernel that was set back is not known to stand");
        assert_eq!(run(&mut row, 5.0, false), [0u32; 0]);
        row.3.wake();
        assert_eq!(run(&mut row, 6.0, false), [0, 1, 2]);
    }

    #[test]
    fn what_moves_keeps_its_readers_awake() {
        let (watches, mut wires, mut stir, mut sleep) = row(2);
        for _ in 0..3 {
            stir.set(0, false);
            for step in 0..2 {
                assert!(!sleep.sleeps_on(&watches, step, &mut wires, &mut stir), "step {step}");
                wires[step + 1].held = step > 0;
                sleep.ran(&watches, step, step > 0, &wires, &mut stir);
            }
            sleep.settle(&watches, &mut stir);
        }
    }
}
