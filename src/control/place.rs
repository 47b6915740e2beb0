//! The places of a patch that hold a number somebody may turn.

use std::collections::HashMap;

use crate::patch::{Amount, Base, ControlId, ModuleId, Out, Patch, Sum};
use crate::plan::KnobOwner;

/// A number that may be turned: [`KnobOwner`] without the ways of counting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A control.
    Control(ControlId),
    /// The base of an input.
    Base(ModuleId, usize),
    /// The depth of a term of an input.
    Depth(ModuleId, usize, usize),
    /// The base of an input of `[note]`.
    NoteBase(usize),
    /// The depth of a term of one of these.
    NoteDepth(usize, usize),
    /// The base of `[out]`'s `in` or `left` (0) or `right` (1).
    OutBase(usize),
    /// The depth of a term of one of these.
    OutDepth(usize, usize),
}

impl Place {
    /// The place of a knob; `None` for one that notes alone turn. `[control]`
    pub const fn of_knob(owner: KnobOwner) -> Option<Self> {
        Some(match owner {
            KnobOwner::Control(control, _) => Self::Control(control),
            KnobOwner::Base(module, input) => Self::Base(module, input),
            KnobOwner::Depth(module, input, term) => Self::Depth(module, input, term),
            KnobOwner::NoteBase(input) => Self::NoteBase(input),
            KnobOwner::NoteDepth(input, term) => Self::NoteDepth(input, term),
            KnobOwner::OutBase(side) => Self::OutBase(side),
            KnobOwner::OutDepth(side, term) => Self::OutDepth(side, term),
            KnobOwner::Key(_) | KnobOwner::Nobody => return None,
        })
    }
}

/// An input of `[note]`.
fn note_sum(patch: &Patch, input: usize) -> Option<&Sum> {
    patch.note.as_ref()?.input(input)
}

/// `in`, or `left` and `right`.
fn out_sum(out: &Out, side: usize) -> Option<&Sum> {
    match (out, side) {
        (Out::Whole(sum), 0) | (Out::Sides(sum, _), 0) | (Out::Sides(_, sum), 1) => Some(sum),
        _ => None,
    }
}

impl Place {
    /// The control whose other name this is, else itself: where a control stands alone in a sum, turning the input turns the
    /// control. `[control]`
    pub fn own(self, patch: &Patch) -> Self {
        let base = match self {
            Self::Base(module, input) => patch.modules.get(module.0).and_then(|module| module.inputs.get(input)).map(|sum| sum.base),
            Self::NoteBase(input) => note_sum(patch, input).map(|sum| sum.base),
            Self::OutBase(side) => out_sum(&patch.out, side).map(|sum| sum.base),
            _ => None,
        };
        match base {
            Some(Base::Control(control)) => Self::Control(control),
            _ => self,
        }
    }

    fn sum(self, patch: &Patch) -> Option<&Sum> {
        match self {
            Self::Control(_) => None,
            Self::Base(module, input) | Self::Depth(module, input, _) => patch.modules.get(module.0)?.inputs.get(input),
            Self::NoteBase(input) | Self::NoteDepth(input, _) => note_sum(patch, input),
            Self::OutBase(side) | Self::OutDepth(side, _) => out_sum(&patch.out, side),
        }
    }

    /// Where it stands as written. `[control]`
    pub fn written(self, patch: &Patch) -> Option<Amount> {
        match self {
            Self::Control(control) => Some(patch.controls.get(control.0)?.default),
            Self::Base(..) | Self::NoteBase(_) | Self::OutBase(_) => match self.sum(patch)?.base {
                Base::Number(amount) => Some(amount),
                Base::Control(control) => Some(patch.controls.get(control.0)?.default),
            },
            Self::Depth(_, _, term) | Self::NoteDepth(_, term) | Self::OutDepth(_, term) => {
                Some(Amount::Plain(self.sum(patch)?.terms.get(term)?.depth))
            }
        }
    }

    /// The place of the same name in another patch, if there is one. `[control]`
    pub fn in_other(self, patch: &Patch, other: &Named<'_>) -> Option<Self> {
        let same_input = |module: ModuleId, input: usize| {
            let there = other.same_module(patch, module)?;
            (input < other.patch.modules[there.0].inputs.len()).then_some(there)
        };
        let same_term = |term: usize, there: Self| {
            let key = &self.sum(patch)?.terms.get(term)?.key;
            there.sum(other.patch)?.terms.iter().position(|term| !key.is_empty() && term.key == *key)
        };
        match self {
            Self::Control(control) => {
                let name = patch.controls.get(control.0)?.name.as_str();
                other.controls.get(name).map(|at| Self::Control(ControlId(*at)))
            }
            Self::Base(module, input) => same_input(module, input).map(|module| Self::Base(module, input)),
            Self::Depth(module, input, term) => {
                let module = same_input(module, input)?;
                same_term(term, Self::Base(module, input)).map(|term| Self::Depth(module, input, term))
            }
            Self::NoteBase(input) => note_sum(other.patch, input).map(|_| self),
            Self::NoteDepth(input, term) => same_term(term, Self::NoteBase(input)).map(|term| Self::NoteDepth(input, term)),
            Self::OutBase(side) => out_sum(&other.patch.out, side).map(|_| self),
            Self::OutDepth(side, term) => same_term(term, Self::OutBase(side)).map(|term| Self::OutDepth(side, term)),
        }
    }

    /// Whether the number written here is the same in both patches. `[control]`
    pub fn written_alike(self, patch: &Patch, there: Self, other: &Patch) -> bool {
        let units = match (self, there) {
            (Self::Control(here), Self::Control(there)) => patch.controls[here.0].unit == other.controls[there.0].unit,
            _ => true,
        };
        units && self.written(patch) == there.written(other)
    }
}

/// A patch whose modules and controls are found by their names.
pub struct Named<'a> {
    /// The patch.
    pub patch: &'a Patch,
    modules: HashMap<&'a str, usize>,
    controls: HashMap<&'a str, usize>,
}

impl<'a> Named<'a> {
    /// Of a patch. `[control]`
    pub fn new(patch: &'a Patch) -> Self {
        Self {
            patch,
            modules: patch.modules.iter().enumerate().map(|(at, module)| (module.name.as_str(), at)).collect(),
            controls: patch.controls.iter().enumerate().map(|(at, control)| (control.name.as_str(), at)).collect(),
        }
    }

    /// The module here that has the name and kind of one of another patch. `[control]`
    pub fn same_module(&self, patch: &Patch, module: ModuleId) -> Option<ModuleId> {
        let there = patch.modules.get(module.0)?;
        let at = *self.modules.get(there.name.as_str())?;
        std::ptr::eq(there.kind, self.patch.modules[at].kind).then_some(ModuleId(at))
    }
}
