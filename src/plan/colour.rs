//! Wires get their places: two that never carry anything at the same time share one.

use super::lower::PartDraft;
use super::part::{Feedback, KernelShape, PartShape, Step};
use super::sum::{Depth, Factor, Product, SumShape};

/// A wire before it has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Virtual(pub u32);

/// Marks the virtual wire of a knob; its place is the knob's number.
pub const KNOB: u32 = 1 << 31;

/// The places of a part's wires.
pub struct Wires {
    places: Vec<u32>,
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
    /// Places for all wires of a part. `[control]`
    pub fn colour(draft: &PartDraft) -> Self {
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
        let mut count = draft.knobs;
        for (wire, it) in uses.iter().enumerate() {
            if it.pinned || !it.seen {
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
        Self { places, pinned: uses.iter().map(|it| it.pinned).collect(), count }
    }

    /// How many places there are. `[control]`
    pub fn count(&self) -> usize {
        self.count
    }

    /// The place of a wire. `[control]`
    pub fn place(&self, Virtual(wire): Virtual) -> u32 {
        if wire & KNOB == 0 { self.places[wire as usize] } else { wire & !KNOB }
    }

    /// The places of kernels' outputs that stand alone: what a later section may read. `[control]`
    pub fn kept<'a>(&'a self, draft: &'a PartDraft) -> impl Iterator<Item = u32> + 'a {
        let outputs = draft.kernels.iter().flat_map(|kernel| kernel.shape.outputs.iter().copied());
        outputs.filter(|wire| self.pinned[*wire as usize]).map(|wire| self.places[wire as usize])
    }

    /// The part with every wire at its place. `[control]`
    pub fn shape(&self, draft: &PartDraft, global: &Self) -> PartShape {
        let own = |wire: u32| self.place(Virtual(wire));
        let factor = |factor: &Factor| match *factor {
            Factor::Wire(wire) => Factor::Wire(own(wire)),
            Factor::Global(wire) => Factor::Global(global.place(Virtual(wire))),
            Factor::Own { wire, own } => Factor::Own { wire: global.place(Virtual(wire)), own },
        };
        let depth = |depth: &Depth| match depth {
            Depth::Fixed(number) => Depth::Fixed(*number),
            Depth::Knob(knob) => Depth::Knob(factor(knob)),
        };
        let product = |product: &Product| Product { depth: depth(&product.depth), factors: product.factors.iter().map(factor).collect() };
        PartShape {
            steps: draft.steps.clone(),
            spans: draft.spans.clone(),
            sums: draft
                .sums
                .iter()
                .map(|sum| SumShape {
                    base: depth(&sum.base),
                    products: sum.products.iter().map(product).collect(),
                    finish: sum.finish,
                    out: own(sum.out),
                })
                .collect(),
            kernels: draft
                .kernels
                .iter()
                .map(|kernel| KernelShape {
                    inputs: kernel.shape.inputs.iter().map(|wire| own(*wire)).collect(),
                    outputs: kernel.shape.outputs.iter().map(|wire| own(*wire)).collect(),
                    ..kernel.shape.clone()
                })
                .collect(),
            feedbacks: draft.feedbacks.iter().map(|feedback| Feedback { from: own(feedback.from), to: own(feedback.to) }).collect(),
            still: draft.still.clone(),
            chains: draft.chains.clone(),
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
        Step::Recall(_) | Step::Chain(_) => {}
        Step::Keep(number) => found.push(draft.feedbacks[number as usize].from),
    }
}

fn writes(draft: &PartDraft, step: Step, found: &mut Vec<u32>) {
    match step {
        Step::Sum(number) => found.push(draft.sums[number as usize].out),
        Step::Kernel(number) => found.extend(&draft.kernels[number as usize].shape.outputs),
        Step::Recall(number) => found.push(draft.feedbacks[number as usize].to),
        Step::Keep(_) | Step::Chain(_) => {}
    }
}
