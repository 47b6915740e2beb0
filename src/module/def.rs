//! The declaration of a module: everything else about it is drawn from here.

use super::{Input, Kernel, Output, Prepare, Setting, Settings, isa::Level};
use crate::dsp::lanes::Wide;

/// Where a module stands in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Makes sound.
    Source,
    /// Changes the spectrum.
    Filter,
    /// Shapes in time: envelopes, slew.
    Envelope,
    /// Slow movement and chance.
    Modulator,
    /// Steps and patterns.
    Sequencer,
    /// Levels and places.
    Mixer,
    /// Delay, reverb, dynamics.
    Effect,
}

/// Makes a kernel of one width at one instruction level. `[control]`
pub type Builder<L> = fn(&Prepare<'_>, Level) -> Box<dyn Kernel<L>>;

/// How a module's kernels are made.
#[derive(Clone, Copy)]
pub enum Build {
    /// Runs in voices and in the global part.
    PerVoice {
        /// One lane.
        one: Builder<f32>,
        /// Eight lanes.
        eight: Builder<Wide<8>>,
        /// Sixteen lanes.
        sixteen: Builder<Wide<16>>,
        /// Thirty-two lanes.
        thirty_two: Builder<Wide<32>>,
    },
    /// Runs in the global part only.
    Global(Builder<f32>),
}

/// Gives, for a module's settings, the number that its second input makes the first be multiplied by. `[control]`
pub type Multiplier = fn(&Settings) -> fn(f32) -> f32;

/// One kind of module.
pub struct ModuleDef {
    /// As it is written after `type =`.
    pub name: &'static str,
    /// Where it stands in the catalogue.
    pub category: Category,
    /// One sentence.
    pub summary: &'static str,
    /// Markdown: what it does, what to patch it to, where its algorithm is from.
    pub doc: &'static str,
    /// What it takes.
    pub inputs: &'static [Input],
    /// What it gives.
    pub outputs: &'static [Output],
    /// What no cable can drive.
    pub settings: &'static [Setting],
    /// Decides when a voice is over: it is at rest after its gate has fallen and its end has come.
    pub envelope: bool,
    /// Where it puts out its first input times a number that follows from its second, frame by frame, and does nothing else: that number
    /// of what the second holds, as the settings have it.
    pub multiplies: Option<Multiplier>,
    /// How its kernels are made.
    pub build: Build,
}

impl ModuleDef {
    /// A module without ports. `[any]`
    pub const fn new(name: &'static str, category: Category, summary: &'static str, build: Build) -> Self {
        assert!(!name.is_empty() && !summary.is_empty(), "a module needs a name and a summary");
        Self { name, category, summary, doc: "", inputs: &[], outputs: &[], settings: &[], envelope: false, multiplies: None, build }
    }

    /// The same with its documentation. `[any]`
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// The same with these inputs; each must stand at its own index. `[any]`
    pub const fn inputs(mut self, inputs: &'static [Input]) -> Self {
        let mut at = 0;
        while at < inputs.len() {
            assert!(inputs[at].index == at, "a module's inputs are out of order");
            at += 1;
        }
        self.inputs = inputs;
        self
    }

    /// The same with these outputs; each must stand at its own index. `[any]`
    pub const fn outputs(mut self, outputs: &'static [Output]) -> Self {
        let mut at = 0;
        while at < outputs.len() {
            assert!(outputs[at].index == at, "a module's outputs are out of order");
            at += 1;
        }
        self.outputs = outputs;
        self
    }

    /// The same with these settings; each must stand at its own index. `[any]`
    pub const fn settings(mut self, settings: &'static [Setting]) -> Self {
        let mut at = 0;
        while at < settings.len() {
            assert!(settings[at].index == at, "a module's settings are out of order");
            at += 1;
        }
        self.settings = settings;
        self
    }

    /// The same, doing nothing but multiply: its one output is its first input times this function of its second and last. `[any]`
    pub const fn multiplies(mut self, gain: Multiplier) -> Self {
        self.multiplies = Some(gain);
        self
    }

    /// The same, deciding when a voice is over. `[any]`
    pub const fn envelope(mut self) -> Self {
        self.envelope = true;
        self
    }

    /// Whether it can stand in `[voice.*]`. `[any]`
    pub const fn per_voice(&self) -> bool {
        matches!(self.build, Build::PerVoice { .. })
    }

    /// Whether any input takes both sides at once: if not, the module runs once a side when it is fed stereo. `[any]`
    pub fn stereo(&self) -> bool {
        self.inputs.iter().any(|input| input.stereo) || self.outputs.iter().any(|output| output.stereo)
    }

    /// Wires that its inputs need, a stereo input two. `[any]`
    pub fn input_wires(&self) -> usize {
        self.inputs.iter().map(|input| 1 + usize::from(input.stereo)).sum()
    }

    /// Wires that its outputs need, a stereo output two. `[any]`
    pub fn output_wires(&self) -> usize {
        self.outputs.iter().map(|output| 1 + usize::from(output.stereo)).sum()
    }

    /// The first wire of an input among [`Self::input_wires`]. `[any]`
    pub fn input_wire(&self, input: usize) -> usize {
        self.inputs[..input].iter().map(|input| 1 + usize::from(input.stereo)).sum()
    }

    /// The first wire of an output among [`Self::output_wires`]. `[any]`
    pub fn output_wire(&self, output: usize) -> usize {
        self.outputs[..output].iter().map(|output| 1 + usize::from(output.stereo)).sum()
    }
}

/// The [`Build`] of a kernel type written over `Lanes`: `per_voice!(Svf)` for `Svf<L>: Kernel<L> + Make`.
#[macro_export]
macro_rules! per_voice {
    ($kernel:ident) => {
        $crate::module::def::Build::PerVoice {
            one: $crate::module::isa::build::<f32, $kernel<f32>>,
            eight: $crate::module::isa::build::<$crate::dsp::lanes::Wide<8>, $kernel<$crate::dsp::lanes::Wide<8>>>,
            sixteen: $crate::module::isa::build::<$crate::dsp::lanes::Wide<16>, $kernel<$crate::dsp::lanes::Wide<16>>>,
            thirty_two: $crate::module::isa::build::<$crate::dsp::lanes::Wide<32>, $kernel<$crate::dsp::lanes::Wide<32>>>,
        }
    };
}

/// The [`Build`] of a kernel type of one lane that stands in the global part only.
#[macro_export]
macro_rules! global_only {
    ($kernel:ty) => {
        $crate::module::def::Build::Global($crate::module::isa::build::<f32, $kernel>)
    };
}

/// The same for a kernel that works on sixteen numbers at a time within.
#[macro_export]
macro_rules! global_wide {
    ($kernel:ty) => {
        $crate::module::def::Build::Global($crate::module::isa::build_wide::<$kernel>)
    };
}
