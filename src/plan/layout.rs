//! Where things stand in a plan, by name: what the next plan needs to know to carry them over.

use std::collections::HashMap;

use crate::module::Settings;
use crate::patch::Domain;

/// A side of a module that runs once a side, or 0.
pub type Side = u8;

/// What a sum belongs to: a module's input, or the output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SumKey {
    /// The module, or empty for `[out]`.
    pub module: String,
    /// The input.
    pub input: String,
    /// Which side.
    pub side: Side,
}

/// One kernel as the last plan had it.
#[derive(Clone, Debug)]
pub struct KernelLayout {
    /// Its number.
    pub number: u32,
    /// Name of its kind.
    pub kind: &'static str,
    /// Its settings.
    pub settings: Settings,
    /// Where it runs.
    pub domain: Domain,
    /// How many sides its module has.
    pub sides: Side,
}

/// One sum as the last plan had it.
#[derive(Clone, Debug)]
pub struct SumLayout {
    /// Its number in its part.
    pub number: u32,
    /// Of the voices' part.
    pub voice: bool,
    /// As written.
    pub text: String,
}

/// One cable from the voices as the last plan had it.
#[derive(Clone, Debug)]
pub struct SendLayout {
    /// Its number.
    pub number: u32,
    /// The wire of the sum.
    pub wire: u32,
    /// As written.
    pub text: String,
}

/// What stands where in a plan.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Kernels by module and side.
    pub kernels: HashMap<(String, Side), KernelLayout>,
    /// Sums.
    pub sums: HashMap<SumKey, SumLayout>,
    /// Sends.
    pub sends: HashMap<SumKey, SendLayout>,
    /// Feedback cables by module, output wire and whether they are the voices'.
    pub feedbacks: HashMap<(String, usize, Side, bool), u32>,
    /// Knobs by the words of their address and how they are counted.
    pub knobs: HashMap<String, u32>,
    /// Own values by the words of their knob.
    pub own: HashMap<String, u32>,
    /// Voices and lanes a group.
    pub voices: (usize, usize),
}
