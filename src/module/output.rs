//! What a module gives out.

use crate::base::units::Unit;

/// One output of a module; the first is what its bare name means.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Place in the module's list, from 0.
    pub index: usize,
    /// As it is written after the module's name.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// What it carries: audio, octaves, a gate, a trigger, or a plain number.
    pub unit: Unit,
    /// Gives a left and a right side.
    pub stereo: bool,
}

impl Output {
    const fn new(index: usize, name: &'static str, unit: Unit, doc: &'static str) -> Self {
        assert!(!name.is_empty(), "an output needs a name");
        assert!(!doc.is_empty(), "an output needs a sentence that says what it carries");
        Self { index, name, doc, unit, stereo: false }
    }

    /// A signal, nominally ±1.
    pub const fn audio(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Audio, doc)
    }

    /// A controller, 0..1 or ±1.
    pub const fn number(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Number, doc)
    }

    /// A pitch, in octaves above C4.
    pub const fn octaves(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Octaves, doc)
    }

    /// 0 or 1.
    pub const fn gate(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Gate, doc)
    }

    /// 1 for one frame.
    pub const fn trigger(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Trigger, doc)
    }

    /// The same with a left and a right side.
    pub const fn stereo(mut self) -> Self {
        self.stereo = true;
        self
    }
}
