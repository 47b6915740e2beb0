//! A part while it is being lowered: its wires have no places yet.

use std::ops::Range;

use rustc_hash::FxHashSet;

use super::chain::ChainShape;
use super::choir::ChoirShape;
use super::colour::KNOB;
use super::layout::{Side, SumKey};
use super::part::{Feedback, KernelShape, Span, Step};
use super::sum::{Depth, Factor, SumShape};
use crate::patch::ModuleId;

/// A kernel before its wires have places.
pub struct KernelDraft {
    /// With virtual wires.
    pub shape: KernelShape,
    /// Which side of its module.
    pub side: Side,
}

/// A part before its wires have places.
#[derive(Default)]
pub struct PartDraft {
    /// Whether each virtual wire needs a place of its own.
    pub pinned: Vec<bool>,
    /// Everything, in order.
    pub steps: Vec<Step>,
    /// The runs of steps.
    pub spans: Vec<Span>,
    /// The spans of each section.
    pub sections: Vec<Range<usize>>,
    /// Sums.
    pub sums: Vec<SumShape>,
    /// What each belongs to.
    pub sum_keys: Vec<SumKey>,
    /// Kernels.
    pub kernels: Vec<KernelDraft>,
    /// Feedback cables.
    pub feedbacks: Vec<Feedback>,
    /// Module, output and side that each comes from.
    pub feedback_keys: Vec<(ModuleId, usize, Side)>,
    /// Sums of knobs alone, by section.
    pub still: Vec<Vec<u32>>,
    /// The wires that these write.
    pub(super) still_wires: FxHashSet<u32>,
    /// Chains, by number.
    pub chains: Vec<ChainShape>,
    /// Choirs, by number.
    pub choirs: Vec<ChoirShape>,
    /// The first span of the section that is being lowered.
    pub(super) section_start: usize,
    /// The first step of what runs together.
    pub(super) span_start: u32,
    /// Its steps before the others.
    pub(super) recalls: Vec<Step>,
    /// Its steps behind the others.
    pub(super) keeps: Vec<Step>,
    /// Its steps.
    pub(super) body: Vec<Step>,
}

impl PartDraft {
    /// A new virtual wire. `[control]`
    pub(super) fn wire(&mut self, pinned: bool) -> u32 {
        self.pinned.push(pinned);
        self.pinned.len() as u32 - 1
    }

    /// Whether a wire stands while nothing is turned. `[control]`
    pub(super) fn stands(&self, wire: u32) -> bool {
        wire & KNOB != 0 || self.still_wires.contains(&wire)
    }

    /// How often each virtual wire is read. `[control]`
    pub(super) fn readers(&self) -> Vec<u32> {
        let mut readers = vec![0u32; self.pinned.len()];
        let mut read = |factor: &Factor| {
            if let Factor::Wire(wire) = factor
                && wire & KNOB == 0
            {
                readers[*wire as usize] += 1;
            }
        };
        for sum in &self.sums {
            let depths = sum.products.iter().map(|product| &product.depth).chain(std::iter::once(&sum.base));
            depths.for_each(|depth| {
                if let Depth::Knob(factor) = depth {
                    read(factor)
                }
            });
            sum.products.iter().flat_map(|product| &product.factors).for_each(&mut read);
        }
        let wires = self.kernels.iter().flat_map(|kernel| &kernel.shape.inputs).chain(self.feedbacks.iter().map(|feedback| &feedback.from));
        wires.for_each(|wire| read(&Factor::Wire(*wire)));
        readers
    }
}
