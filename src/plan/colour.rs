//! Wires get their places: two that never carry anything at the same time share one.

use super::carry::PartNumbers;
use super::lower::PartDraft;
use super::number::Numbers;
use super::part::{Feedback, KernelShape, PartShape, Step};
use super::sleep::Watches;
use super::sum::{Depth, Factor, Finish, SumShape};

/// A wire before it has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Virtual(pub u32);

/// Marks the virtual wire of a knob, by the order in which they were found; its place is the knob's number.
pub const KNOB: u32 = 1 << 31;

/// The places of a part's wires.
pub struct Wires {
    places: Vec<u32>,
    /// The places of knobs.
    knobs: Vec<u32>,
    /// Whether each has a place of its own.
    pinned: Vec<bool>,
    count: usize,
}

#[derive(Clone, Copy)]
struct Use {
    span: usize,
    last: usize,
    pinned: bool,
    seen: bool,
}

impl Wires {
    /// Places for all wires of a part: first those of `first`, which stand where their numbers say. These are the knobs; or, where
    /// `given` has them, wires of the part. `[control]`
    pub fn colour(draft: &PartDraft, first: &Numbers, given: &[(u32, u32)]) -> Self {
        let mut uses: Vec<Use> = draft.pinned.iter().map(|pinned| Use { span: 0, last: 0, pinned: *pinned, seen: false }).collect();
        let mut touched = Vec::new();
        for (number, span) in draft.spans.iter().enumerate() {
            for at in span.steps.start as usize..span.steps.end as usize {
                touched.clear();
                reads(draft, draft.steps[at], &mut touched);
                writes(draft, draft.steps[at], &mut touched);
                for wire in touched.iter().filter(|wire| **wire & KNOB == 0) {
                    let it = &mut uses[*wire as usize];
                    it.pinned |= span.cycle || (it.seen && it.span != number);
                    it.span = number;
                    it.last = at;
                    it.seen = true;
                }
            }
        }
        let mut places = vec![u32::MAX; uses.len()];
        let mut count = first.count;
        for ((_, wire), number) in given.iter().zip(&first.of) {
            places[*wire as usize] = *number;
        }
        for (wire, it) in uses.iter().enumerate() {
            if (it.pinned || !it.seen) && places[wire] == u32::MAX {
                places[wire] = count as u32;
                count += 1;
            }
        }
        let mut free: Vec<u32> = Vec::new();
        for (at, step) in draft.steps.iter().enumerate() {
            touched.clear();
            writes(draft, *step, &mut touched);
            for wire in touched.iter().map(|wire| *wire as usize) {
                if places[wire] == u32::MAX {
                    places[wire] = free.pop().unwrap_or_else(|| {
                        count += 1;
                        count as u32 - 1
                    });
                }
            }
            reads(draft, *step, &mut touched);
            touched.sort_unstable();
            touched.dedup();
            for wire in touched.iter().filter(|wire| **wire & KNOB == 0).map(|wire| *wire as usize) {
                if !uses[wire].pinned && uses[wire].last == at {
                    free.push(places[wire]);
                }
            }
        }
        Self { places, knobs: first.of.clone(), pinned: uses.iter().map(|it| it.pinned).collect(), count }
    }

    /// How many places there are. `[control]`
    pub fn count(&self) -> usize {
        self.count
    }

    /// The place of a wire. `[control]`
    pub fn place(&self, Virtual(wire): Virtual) -> u32 {
        if wire & KNOB == 0 { self.places[wire as usize] } else { self.knobs[(wire & !KNOB) as usize] }
    }

    /// The places of kernels' outputs that stand alone: what a later section may read. `[control]`
    pub fn kept<'a>(&'a self, draft: &'a PartDraft) -> impl Iterator<Item = u32> + 'a {
        let outputs = draft.kernels.iter().flat_map(|kernel| kernel.shape.outputs.iter().copied());
        outputs.filter(|wire| self.pinned[*wire as usize]).map(|wire| self.places[wire as usize])
    }

    /// The part with every wire at its place, and everything at its number. `[control]`
    pub fn shape(&self, draft: PartDraft, numbers: &PartNumbers, own: &Numbers, global: &Self) -> PartShape {
        let mine = |wire: u32| self.place(Virtual(wire));
        let watches = Watches::new(&draft, &mine);
        let factor = |factor: &mut Factor| match factor {
            Factor::Wire(wire) => *wire = mine(*wire),
            Factor::Global(wire) => *wire = global.place(Virtual(*wire)),
            Factor::Own { wire, own: number } => {
                *wire = global.place(Virtual(*wire));
                *number = own.of[*number as usize];
            }
        };
        let depth = |depth: &mut Depth| match depth {
            Depth::Fixed(_) => {}
            Depth::Knob(knob) => factor(knob),
        };
        let step = |step: &Step| match *step {
            Step::Sum(number) => Step::Sum(numbers.sums.of[number as usize]),
            Step::Kernel(number) => Step::Kernel(numbers.kernels.of[number as usize]),
            Step::Recall(number) => Step::Recall(numbers.feedbacks.of[number as usize]),
            Step::Keep(number) => Step::Keep(numbers.feedbacks.of[number as usize]),
            Step::Chain(number) => Step::Chain(number),
            Step::Choir(number) => Step::Choir(number),
        };
        let sums = draft.sums.into_iter().map(|mut sum| {
            depth(&mut sum.base);
            for product in &mut sum.products {
                depth(&mut product.depth);
                product.factors.iter_mut().for_each(factor);
            }
            SumShape { out: mine(sum.out), ..sum }
        });
        let kernels = draft.kernels.into_iter().map(|mut kernel| {
            let shape = &mut kernel.shape;
            shape.inputs.iter_mut().chain(&mut shape.outputs).for_each(|wire| *wire = mine(*wire));
            kernel.shape
        });
        let feedbacks = draft.feedbacks.iter().map(|feedback| Feedback { from: mine(feedback.from), to: mine(feedback.to) });
        let no_sum = || SumShape { base: Depth::Fixed(0.0), products: Vec::new(), finish: Finish::Signal, out: 0 };
        PartShape {
            steps: draft.steps.iter().map(step).collect(),
            spans: draft.spans,
            sums: numbers.sums.store(sums, no_sum),
            kernels: numbers.kernels.store(kernels, KernelShape::nobody),
            feedbacks: numbers.feedbacks.store(feedbacks, || Feedback { from: 0, to: 0 }),
            still: draft.still.into_iter().map(|section| section.into_iter().map(|sum| numbers.sums.of[sum as usize]).collect()).collect(),
            chains: draft.chains.into_iter().map(|chain| chain.with_numbers(&numbers.sums.of, &numbers.kernels.of)).collect(),
            choirs: draft.choirs.into_iter().map(|choir| choir.with_numbers(&numbers.sums.of, &numbers.kernels.of)).collect(),
            watches,
        }
    }
}

fn reads(draft: &PartDraft, step: Step, found: &mut Vec<u32>) {
    let mut wire = |factor: &Factor| {
        if let Factor::Wire(wire) = factor {
            found.push(*wire);
        }
    };
    match step {
        Step::Sum(number) => {
            let sum = &draft.sums[number as usize];
            if let Depth::Knob(knob) = &sum.base {
                wire(knob);
            }
            for product in &sum.products {
                if let Depth::Knob(knob) = &product.depth {
                    wire(knob);
                }
                product.factors.iter().for_each(&mut wire);
            }
        }
        Step::Kernel(number) => found.extend(&draft.kernels[number as usize].shape.inputs),
        Step::Recall(_) | Step::Chain(_) | Step::Choir(_) => {}
        Step::Keep(number) => found.push(draft.feedbacks[number as usize].from),
    }
}

fn writes(draft: &PartDraft, step: Step, found: &mut Vec<u32>) {
    match step {
        Step::Sum(number) => found.push(draft.sums[number as usize].out),
        Step::Kernel(number) => found.extend(&draft.kernels[number as usize].shape.outputs),
        Step::Recall(number) => found.push(draft.feedbacks[number as usize].to),
        Step::Keep(_) | Step::Chain(_) | Step::Choir(_) => {}
    }
}
