//! How addresses are spelt: everything of a patch that can be turned, by its path below the slot.

use crate::base::units::Unit;
use crate::module::{Curve, Setting};

use super::model::{Amount, Base, Control, ControlId, ModuleId, Out, Patch, Sum, Target};
use super::note::{INPUTS, PLAYED};
use super::values;

/// One thing that can be turned.
#[derive(Clone, Debug)]
pub struct Address {
    /// Below the slot, without a slash at its start: `filter/cutoff/env`.
    pub path: String,
    /// What it turns. The address of an input whose base is a control is another name of that control.
    pub target: Target,
    /// What values it takes.
    pub what: What,
}

/// What values an address takes.
#[derive(Clone, Debug)]
pub enum What {
    /// A value of a unit.
    Value(Range),
    /// The depth of a term: counted octaves on frequency inputs, seconds on times, dB on levels, else a factor.
    Depth {
        /// Unit of the **input** at which it stands; read texts with `values::depth_of_text`.
        unit: Unit,
        /// As written in the file.
        written: f32,
        /// What travel 0..1 is laid over, in a straight line.
        range: (f32, f32),
    },
    /// A setting.
    Setting(&'static Setting),
}

/// A range of counted values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// What they are measured in.
    pub unit: Unit,
    /// Lowest.
    pub min: f32,
    /// Highest.
    pub max: f32,
    /// As written in the file, or the default.
    pub written: Amount,
    /// How a knob's travel is laid over the range in natural units.
    pub curve: Curve,
}

/// Everything that can be turned, in the order of the file: controls, modules, `[note]`, `[out]`. `[control]`
pub fn addresses(patch: &Patch) -> Vec<Address> {
    let mut list = List { patch, addresses: Vec::new() };
    for (at, control) in patch.controls.iter().enumerate() {
        let what = match (control.depth_at, control.default) {
            (Some(unit), Amount::Plain(written)) => What::Depth { unit, written, range: (control.min, control.max) },
            _ => What::Value(range_of(control)),
        };
        list.push(control.name.clone(), Target::Control(ControlId(at)), what);
    }
    for (at, module) in patch.modules.iter().enumerate() {
        let id = ModuleId(at);
        for (input, sum) in module.kind.inputs.iter().zip(&module.inputs) {
            let path = format!("{}/{}", module.name, input.name);
            let natural = |x| values::counted(input.unit, f64::from(x));
            let range = (input.unit, natural(input.min), natural(input.max), input.curve);
            list.sum(&path, sum, range, Target::Input(id, input.index), |term| Target::Depth(id, input.index, term));
        }
        for setting in module.kind.settings {
            list.push(format!("{}/{}", module.name, setting.name), Target::Setting(id, setting.index), What::Setting(setting));
        }
    }
    if let Some(note) = &patch.note {
        let knobs = INPUTS.iter().map(|(name, unit, (min, max), _)| {
            let curve = if *unit == Unit::Seconds { Curve::Power(3.0) } else { Curve::Linear };
            (*name, (*unit, *min, *max, curve))
        });
        let played = PLAYED.iter().map(|input| {
            let counted = |x| values::counted(input.unit, f64::from(x));
            (input.name, (input.unit, counted(input.min), counted(input.max), input.curve))
        });
        for (at, (name, range)) in knobs.chain(played).enumerate() {
            if let Some(sum) = note.input(at) {
                list.sum(&format!("note/{name}"), sum, range, Target::NoteBase(at), |term| Target::NoteDepth(at, term));
            }
        }
    }
    let audio = (Unit::Audio, -1.0, 1.0, Curve::Linear);
    match &patch.out {
        Out::Whole(sum) => list.sum("out/in", sum, audio, Target::OutBase(0), |term| Target::OutDepth(0, term)),
        Out::Sides(left, right) => {
            list.sum("out/left", left, audio, Target::OutBase(0), |term| Target::OutDepth(0, term));
            list.sum("out/right", right, audio, Target::OutBase(1), |term| Target::OutDepth(1, term));
        }
    }
    for (path, control) in &patch.aliases {
        list.push(path.clone(), Target::Control(*control), What::Value(range_of(&patch.controls[control.0])));
    }
    list.addresses
}

fn range_of(control: &Control) -> Range {
    Range { unit: control.unit, min: control.min, max: control.max, written: control.default, curve: control.curve }
}

struct List<'a> {
    patch: &'a Patch,
    addresses: Vec<Address>,
}

impl List<'_> {
    fn push(&mut self, path: String, target: Target, what: What) {
        self.addresses.push(Address { path, target, what });
    }

    fn sum(&mut self, path: &str, sum: &Sum, range: (Unit, f32, f32, Curve), base: Target, depth: impl Fn(usize) -> Target) {
        let (unit, min, max, curve) = range;
        match sum.base {
            Base::Control(id) => self.push(path.to_owned(), Target::Control(id), What::Value(range_of(&self.patch.controls[id.0]))),
            Base::Number(written) => self.push(path.to_owned(), base, What::Value(Range { unit, min, max, written, curve })),
        }
        for (at, term) in sum.terms.iter().enumerate() {
            if !term.key.is_empty() {
                let reach = if term.depth.abs() > 1.0 { term.depth.abs() } else { 1.0 };
                self.push(format!("{path}/{}", term.key), depth(at), What::Depth { unit, written: term.depth, range: (-reach, reach) });
            }
        }
    }
}
