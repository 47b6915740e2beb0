//! A part while it is being lowered: its wires have no places yet.

use std::collections::HashSet;
use std::ops::Range;

use super::chain::ChainShape;
use super::part::{Feedback, KernelShape, Span, Step};
use super::sum::SumShape;

/// A kernel before its wires have places.
pub struct KernelDraft {
    /// With virtual wires.
    pub shape: KernelShape,
}

/// A part before its wires have places.
#[derive(Default)]
pub struct PartDraft {
    /// Whether each virtual wire needs a place of its own.
    pub pinned: Vec<bool>,
    /// Knobs, whose wires stand first.
    pub knobs: usize,
    /// Everything, in order.
    pub steps: Vec<Step>,
    /// The runs of steps.
    pub spans: Vec<Span>,
    /// The spans of each section.
    pub sections: Vec<Range<usize>>,
    /// Sums.
    pub sums: Vec<SumShape>,
    /// Kernels.
    pub kernels: Vec<KernelDraft>,
    /// Feedback cables.
    pub feedbacks: Vec<Feedback>,
    /// Sums of knobs alone, by section.
    pub still: Vec<Vec<u32>>,
    /// The wires that these write.
    pub(super) still_wires: HashSet<u32>,
    /// Chains, by number.
    pub chains: Vec<ChainShape>,
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
}
