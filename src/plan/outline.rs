//! What is known off the audio thread of a plan that runs on it: which knob is what.

use super::layout::Layout;
use crate::module::NoteSource;
use crate::patch::{ControlId, KeySource, ModuleId};

/// Number of a knob in a plan: what a value event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KnobId(pub u32);

/// What a knob of a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnobOwner {
    /// The base of an input.
    Base(ModuleId, usize),
    /// The depth of a term of an input (index into its terms).
    Depth(ModuleId, usize, usize),
    /// A control, as counted in this way; one control may have several knobs, one for each way and smoothing.
    Control(ControlId, Count),
    /// The base of an input of `[note]`, by the number that the patch has for it.
    NoteBase(usize),
    /// The depth of a term of one of these.
    NoteDepth(usize, usize),
    /// The base of `[out]`'s `in` or `left` (0), or of its `right` (1).
    OutBase(usize),
    /// The depth of a term of one of these.
    OutDepth(usize, usize),
    /// A source `keys.…`; notes turn it, nobody else.
    Key(KeySource),
    /// Nobody: the number is free.
    Nobody,
}

/// How the number of a control is counted by those it feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    /// As the control's unit is counted in the model.
    Plain,
    /// A level in dB as the factor it stands for.
    Factor,
}

/// One knob as it was compiled.
#[derive(Clone, Copy, Debug)]
pub struct KnobOutline {
    /// What it is.
    pub owner: KnobOwner,
    /// Where it stood when the plan was made, counted.
    pub value: f32,
    /// Beats, where it follows the tempo instead.
    pub beats: Option<f64>,
    /// A gate or trigger: its values are events and never merged.
    pub event: bool,
}

/// What Control knows of a slot's plan.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Every knob, by its [`KnobId`].
    pub knobs: Vec<KnobOutline>,
    /// Every live list: module and setting, by the number that a list event names.
    pub lists: Vec<(ModuleId, usize)>,
    /// Voices.
    pub voices: usize,
    /// Where everything stands, for the plan that comes after.
    pub layout: Layout,
}

impl Outline {
    /// Every knob of an owner: one, or for a control as many as it needs. `[control]`
    pub fn knobs_of(&self, is: impl Fn(&KnobOwner) -> bool) -> impl Iterator<Item = KnobId> {
        self.knobs.iter().enumerate().filter(move |(_, knob)| is(&knob.owner)).map(|(at, _)| KnobId(at as u32))
    }
}

/// What a note may be given that is its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoteValue {
    /// An expression: bend [octaves], pressure, timbre, volume, pan.
    Source(NoteSource),
    /// Its pitch without bend [octaves above C4]; detune and glide go on.
    Pitch,
    /// The base of a voice input or a control, by its knob.
    Knob(KnobId),
}
