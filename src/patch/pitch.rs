//! Whether a sum on a frequency input that names no frequency holds a pitch.
//!
//! A pitch comes from the keyboard or from an output that carries octaves; and it passes through modules that take any signal,
//! such as a slew or a sample-and-hold, so their inputs have to be known first.

use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::units::Unit;
use crate::module::{Input, NoteSource};

use super::codes;
use super::findings::Findings;
use super::model::{Base, Control, Domain, KeySource, Module, ModuleId, NoteMode, Source, Sum};
use super::note::PLAYED;
use super::values;

/// What could not be decided while a module was read.
pub(super) enum Pending {
    /// This input needs a pitch.
    Pitch {
        module: ModuleId,
        input: usize,
        /// Its expression.
        span: Range<usize>,
        /// The span holds the expression alone.
        exact: bool,
    },
    /// This sum, which is given to a control of an include, needs a pitch.
    Given {
        /// As it is told.
        name: String,
        sum: Sum,
        /// What could be added.
        default: String,
        span: Range<usize>,
    },
    /// So does `pitch` of `[note]`.
    Note {
        /// Its expression.
        span: Range<usize>,
        /// The span holds the expression alone.
        exact: bool,
    },
    /// What this module carries is not known, because something in it is wrong.
    Unknown(ModuleId),
}

/// Reports each pending input that has no pitch. `modules` are all of the patch, `None` where one could not be read.
pub(super) fn check(
    modules: &[Option<Module>],
    controls: &[Control],
    note: Option<&NoteMode>,
    pending: &[Pending],
    findings: &mut Findings,
) {
    if pending.iter().all(|pending| matches!(pending, Pending::Unknown(_))) {
        return;
    }
    let carries = carriers(modules, controls, pending);
    let has_pitch = |sum: &Sum| {
        let mut has = false;
        each_source(sum, &mut |source| {
            has |= is_pitch(source, modules, controls)
                || matches!(source, Source::Output { module, output, .. } if carries[module.0] && any_signal(modules, *module, *output));
        });
        has
    };
    for pending in pending {
        match pending {
            Pending::Unknown(_) => {}
            Pending::Given { sum, .. } if has_pitch(sum) => {}
            Pending::Given { name, default, span, .. } => {
                let message = format!("`{name}` is given neither a frequency nor a pitch");
                let help = format!("intervals and plain signals only move a frequency: add `{default}`, or another frequency or pitch");
                findings.report(Diagnostic::error(codes::NO_FREQUENCY, span.clone(), message).help(help));
            }
            Pending::Pitch { module, input, span, exact } => {
                if let Some(found) = &modules[module.0]
                    && !has_pitch(&found.inputs[*input])
                {
                    let text = &found.inputs[*input].text;
                    let input = &found.kind.inputs[*input];
                    report((&found.name, input, found.domain), text, span, *exact, findings);
                }
            }
            Pending::Note { span, exact } => {
                if let Some(sum) = note.and_then(|note| note.input(4))
                    && !has_pitch(sum)
                {
                    report(("note", &PLAYED[1], Domain::Global), &sum.text, span, *exact, findings);
                }
            }
        }
    }
}

fn report((name, input, domain): (&str, &Input, Domain), text: &str, span: &Range<usize>, exact: bool, findings: &mut Findings) {
    let place = format!("{name}.{}", input.name);
    let add = match domain {
        Domain::Voice if input.normalled == Some(NoteSource::Pitch) => "note.pitch".to_owned(),
        _ => values::spell_natural(input.unit, input.default),
    };
    let message = format!("`{place}` is given neither a frequency nor a pitch");
    let mut diagnostic = Diagnostic::error(codes::NO_FREQUENCY, span.clone(), message)
        .help(format!("intervals and plain signals only move a frequency: add `{add}`, or another frequency or pitch"));
    if exact {
        diagnostic.fix = Some(format!("{add} + {text}"));
    }
    findings.report(diagnostic);
}

/// Modules that pass a pitch on, or may do so.
fn carriers(modules: &[Option<Module>], controls: &[Control], pending: &[Pending]) -> Vec<bool> {
    let mut carries = vec![false; modules.len()];
    let mut feeds: Vec<Vec<usize>> = vec![Vec::new(); modules.len()];
    for (at, module) in modules.iter().enumerate() {
        let Some(module) = module else {
            carries[at] = true;
            continue;
        };
        for (input, sum) in module.kind.inputs.iter().zip(&module.inputs) {
            if !matches!(input.unit, Unit::Audio | Unit::Number) {
                continue;
            }
            if let Base::Control(id) = sum.base {
                carries[at] |= controls[id.0].unit == Unit::Hertz;
            }
            each_source(sum, &mut |source| {
                carries[at] |= is_pitch(source, modules, controls);
                if let Source::Output { module, output, .. } = source
                    && any_signal(modules, *module, *output)
                {
                    feeds[module.0].push(at);
                }
            });
        }
    }
    for pending in pending {
        if let Pending::Unknown(id) = pending {
            carries[id.0] = true;
        }
    }
    let mut to_visit: Vec<usize> = (0..modules.len()).filter(|at| carries[*at]).collect();
    while let Some(at) = to_visit.pop() {
        for next in std::mem::take(&mut feeds[at]) {
            if !std::mem::replace(&mut carries[next], true) {
                to_visit.push(next);
            }
        }
    }
    carries
}

/// A pitch by what it is.
fn is_pitch(source: &Source, modules: &[Option<Module>], controls: &[Control]) -> bool {
    match source {
        Source::Note(NoteSource::Pitch | NoteSource::Key) | Source::Keys(KeySource::Pitch) => true,
        Source::Output { module, output, .. } => {
            modules[module.0].as_ref().is_none_or(|module| module.kind.outputs[*output].unit == Unit::Octaves)
        }
        Source::Control(id) => controls[id.0].unit == Unit::Hertz,
        _ => false,
    }
}

/// An output whose signal may be anything that went in.
fn any_signal(modules: &[Option<Module>], module: ModuleId, output: usize) -> bool {
    modules[module.0].as_ref().is_none_or(|module| matches!(module.kind.outputs[output].unit, Unit::Audio | Unit::Number))
}

fn each_source(sum: &Sum, see: &mut dyn FnMut(&Source)) {
    for source in sum.terms.iter().flat_map(|term| &term.sources) {
        match source {
            Source::Group(inner) => each_source(inner, see),
            source => see(source),
        }
    }
}
