//! What goes over from the plan that runs: same name, kind, settings, domain and width.

use std::collections::{HashMap, HashSet};

use super::bank::BankCarry;
use super::compile::{Before, fixed_settings};
use super::layout::{Layout, SumKey};
use super::order::out_sums;
use super::ramp::Meet;
use super::slot::Carry;
use crate::patch::stereo::modules_of_term;
use crate::patch::{Domain, Module, Patch, Sum};

/// The pairs of a new plan and the one before. `[control]`
pub fn carry(patch: &Patch, layout: &Layout, before: Before<'_>) -> Carry {
    let old = &before.outline.layout;
    let voices_go_on = old.voices == layout.voices && layout.voices.0 > 0;
    let (mut carry, mut voices) = (Carry::default(), BankCarry::default());

    let old_modules: HashMap<&str, &Module> = before.patch.modules.iter().map(|module| (module.name.as_str(), module)).collect();
    let new_modules: HashMap<&str, &Module> = patch.modules.iter().map(|module| (module.name.as_str(), module)).collect();

    // Modules whose kernels go over; the rest start anew.
    let mut anew: HashSet<&str> = new_modules.keys().copied().collect();
    for ((name, side), kernel) in &layout.kernels {
        let (Some(was), Some(old_module), Some(new_module)) =
            (old.kernels.get(&(name.clone(), *side)), old_modules.get(name.as_str()), new_modules.get(name.as_str()))
        else {
            continue;
        };
        let same = was.kind == kernel.kind
            && was.domain == kernel.domain
            && was.sides == kernel.sides
            && fixed_settings(old_module) == fixed_settings(new_module)
            && (kernel.domain == Domain::Global || voices_go_on);
        if !same {
            continue;
        }
        anew.remove(name.as_str());
        let pairs = if kernel.domain == Domain::Voice { &mut voices.kernels } else { &mut carry.kernels };
        pairs.push((was.number, kernel.number));
    }

    let reads_anew = |sum: &Sum| {
        let mut found = Vec::new();
        sum.terms.iter().for_each(|term| modules_of_term(term, &mut found));
        found.iter().any(|id| anew.contains(patch.modules[id.0].name.as_str()))
    };
    let sum_of = |key: &SumKey| -> Option<&Sum> {
        if key.module.is_empty() {
            let sums = out_sums(patch);
            return sums.get(usize::from(key.input == "right")).copied();
        }
        let module = new_modules.get(key.module.as_str())?;
        let input = module.kind.inputs.iter().position(|input| input.name == key.input)?;
        module.inputs.get(input)
    };
    for (key, sum) in &layout.sums {
        let Some(was) = old.sums.get(key).filter(|was| was.voice == sum.voice) else { continue };
        // Where a module's kernel starts anew its inputs may jump.
        if anew.contains(key.module.as_str()) {
            continue;
        }
        let lost_voices = !sum.voice && !voices_go_on && (layout.sends.contains_key(key) || old.sends.contains_key(key));
        let meet = meets(lost_voices || sum_of(key).is_some_and(reads_anew), was.text != sum.text);
        if sum.voice {
            if voices_go_on {
                voices.sums.push((was.number, sum.number, meet));
            }
        } else {
            carry.sums.push((was.number, sum.number, meet));
        }
    }
    for (key, send) in &layout.sends {
        let Some(was) = old.sends.get(key) else { continue };
        carry.wires.push((was.wire, send.wire));
        if voices_go_on {
            let meet = meets(sum_of(key).is_some_and(reads_anew), was.text != send.text);
            voices.sends.push((was.number, send.number, meet));
        }
    }
    for (key, feedback) in &layout.feedbacks {
        if let Some(was) = old.feedbacks.get(key) {
            let pairs = if key.3 { &mut voices.feedbacks } else { &mut carry.feedbacks };
            pairs.push((*was, *feedback));
        }
    }
    for (name, own) in &layout.own {
        if let Some(was) = old.own.get(name) {
            voices.own.push((*was, *own));
        }
    }
    for (name, knob) in &layout.knobs {
        // A control that has one more knob now: it begins where the others are.
        let like = || {
            let control = control_of(name)?;
            old.knobs.iter().filter(|(other, _)| control_of(other) == Some(control)).map(|(_, was)| was).min()
        };
        if let Some(was) = old.knobs.get(name).or_else(like) {
            carry.knobs.push((*was, *knob));
        }
    }
    carry.voices = voices_go_on.then_some(voices);
    carry
}

/// Of the words of a control's knob, those that do not tell its smoothing.
fn control_of(knob: &str) -> Option<&str> {
    knob.rsplit_once(' ').map(|(control, _)| control).filter(|control| control.ends_with(" Plain") || control.ends_with(" Factor"))
}

fn meets(anew: bool, changed: bool) -> Meet {
    match (anew, changed) {
        (true, _) => Meet::Anew,
        (false, true) => Meet::Jump,
        (false, false) => Meet::Same,
    }
}
