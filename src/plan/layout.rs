//! Where things stand in a plan, by what they belong to: what the next plan needs to know to carry them over.

use rustc_hash::FxHashMap;

use super::compile::KnobDraft;
use super::order::Consumer;
use super::outline::KnobOwner;
use crate::patch::{ControlId, ModuleId};

/// A side of a module that runs once a side, or 0.
pub type Side = u8;

/// What a sum belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SumKey {
    /// Who takes it.
    pub consumer: Consumer,
    /// Which side.
    pub side: Side,
    /// It stands in the voices' part.
    pub voice: bool,
    /// 0 for the sum of the input itself; then those that stand in parentheses in it, and others that only it reads.
    pub within: u16,
}

/// One cable from the voices as the last plan had it.
#[derive(Clone, Copy, Debug)]
pub struct SendLayout {
    /// Its number.
    pub number: u32,
    /// The wire of the sum.
    pub wire: u32,
}

/// Numbers of a store, and the places set aside for it.
pub type Size = (usize, usize);

/// The stores of a part.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartSizes {
    /// Kernels.
    pub kernels: Size,
    /// Sums.
    pub sums: Size,
    /// Feedback cables.
    pub feedbacks: Size,
}

/// What stands where in a plan.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// How many sides each module has.
    pub sides: Vec<Side>,
    /// Kernels of each module, by side.
    pub kernels: Vec<[u32; 2]>,
    /// Sums.
    pub sums: FxHashMap<SumKey, u32>,
    /// Sends.
    pub sends: FxHashMap<(Consumer, Side), SendLayout>,
    /// Feedback cables by module, output wire and whether they are the voices'.
    pub feedbacks: FxHashMap<(ModuleId, usize, Side, bool), u32>,
    /// Knobs by owner; those of a control by their smoothing too, others have 0 there.
    pub knobs: FxHashMap<(KnobOwner, u32), u32>,
    /// The first knob of each control.
    pub first: FxHashMap<ControlId, u32>,
    /// What the knobs were as they were made, by number.
    pub drafts: Vec<KnobDraft>,
    /// Own values by knob.
    pub own: FxHashMap<u32, u32>,
    /// Voices and lanes a group.
    pub voices: (usize, usize),
    /// The stores of the global part.
    pub global: PartSizes,
    /// The stores of a group of voices.
    pub voice: PartSizes,
    /// The knobs' store.
    pub knob_size: Size,
    /// The own values' store.
    pub own_size: Size,
    /// The global part's wires.
    pub wires: Size,
}
