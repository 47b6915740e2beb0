//! Looks at every plan before it may run: a mistake of the compiler must not be heard.

use std::ops::Range;

use super::bank::Send;
use super::part::{PartShape, Step};
use super::slot::Section;
use super::sum::{Depth, Factor, SumShape};

/// What is looked at of a plan, before it is whole.
pub struct Seen<'a> {
    /// What runs after what.
    pub sections: &'a [Section],
    /// The global part.
    pub global: &'a PartShape,
    /// Its wires that stand before anything runs: knobs, and what comes from outside: inputs, pulses, the voices' sums of 64 samples ago.
    pub written: Vec<u32>,
    /// How many wires it has.
    pub wires: usize,
    /// What plays the voices.
    pub played: Option<[u32; 3]>,
    /// The output.
    pub out: [u32; 2],
    /// The voices' part.
    pub voice: &'a PartShape,
    /// The wires that the notes themselves write.
    pub voice_written: Vec<u32>,
    /// How many wires it has.
    pub voice_wires: usize,
    /// Its sends.
    pub sends: &'a [Send],
    /// The spans of each of its sections.
    pub voice_sections: &'a [Range<usize>],
}

/// Follows a plan in the order in which it runs, and panics with a sentence where it is not sound: a step that stands in no span or in two,
/// a wire that is read before anything has been written to it, a wire that is not there, a kernel that reads what it writes. `[control]`
pub fn verify(plan: &Seen<'_>) {
    whole(plan.global);
    whole(plan.voice);
    let mut global = vec![false; plan.wires];
    let mut voices = vec![false; plan.voice_wires];
    plan.written.iter().for_each(|wire| global[*wire as usize] = true);
    plan.voice_written.iter().for_each(|wire| voices[*wire as usize] = true);
    for number in plan.global.still.iter().flatten() {
        sum_reads(&plan.global.sums[*number as usize], &mut global, None);
    }
    for number in plan.voice.still.iter().flatten() {
        sum_reads(&plan.voice.sums[*number as usize], &mut voices, Some(&global));
    }
    for section in plan.sections {
        match section {
            Section::Global(spans) => {
                for span in &plan.global.spans[spans.clone()] {
                    follow(plan.global, span.steps.clone(), &mut global, None);
                }
            }
            Section::Voice(number) => {
                let played = plan.played.iter().flatten().all(|wire| global[*wire as usize]);
                assert!(played, "what plays the voices is worked out after them");
                for span in &plan.voice.spans[plan.voice_sections[*number].clone()] {
                    follow(plan.voice, span.steps.clone(), &mut voices, Some(&global));
                }
                for send in plan.sends.iter().filter(|send| send.section == *number) {
                    assert!(voices[send.from as usize], "the voices send what nobody has written");
                    global[send.to as usize] = true;
                }
            }
        }
    }
    assert!(plan.out.iter().all(|wire| global[*wire as usize]), "the output reads what nobody has written");
}

/// Every step stands in exactly one span.
fn whole(shape: &PartShape) {
    let mut expected = 0;
    for span in &shape.spans {
        assert_eq!(span.steps.start, expected, "a step stands in no span, or in two");
        expected = span.steps.end;
    }
    assert_eq!(expected as usize, shape.steps.len(), "a step stands in no span");
}

/// The factors that a sum reads.
fn factors(sum: &SumShape) -> impl Iterator<Item = &Factor> {
    let depths = sum.products.iter().map(|product| &product.depth).chain(std::iter::once(&sum.base));
    let knobs = depths.filter_map(|depth| if let Depth::Knob(factor) = depth { Some(factor) } else { None });
    sum.products.iter().flat_map(|product| &product.factors).chain(knobs)
}

fn sum_reads(sum: &SumShape, written: &mut [bool], global: Option<&[bool]>) {
    for factor in factors(sum) {
        let known = match factor {
            Factor::Wire(wire) => written[*wire as usize] && *wire != sum.out,
            Factor::Global(wire) | Factor::Own { wire, .. } => global.is_some_and(|global| global[*wire as usize]),
        };
        assert!(known, "a sum reads what nobody has written");
    }
    written[sum.out as usize] = true;
}

fn follow(shape: &PartShape, steps: std::ops::Range<u32>, written: &mut [bool], global: Option<&[bool]>) {
    for at in steps {
        match shape.steps[at as usize] {
            Step::Sum(number) => sum_reads(&shape.sums[number as usize], written, global),
            Step::Kernel(number) => {
                let kernel = &shape.kernels[number as usize];
                for wire in &kernel.inputs {
                    assert!(written[*wire as usize], "a kernel reads what nobody has written");
                    assert!(!kernel.outputs.contains(wire), "a kernel reads a wire that it writes");
                }
                kernel.outputs.iter().for_each(|wire| written[*wire as usize] = true);
            }
            // Its steps stand behind it.
            Step::Chain(number) => {
                let end = at as usize + shape.chains[number as usize].steps();
                assert!(end < shape.steps.len(), "a chain goes beyond its part");
            }
            Step::Choir(number) => {
                let end = at as usize + shape.choirs[number as usize].steps();
                assert!(end < shape.steps.len(), "a choir goes beyond its part");
            }
            Step::Recall(number) => written[shape.feedbacks[number as usize].to as usize] = true,
            Step::Keep(number) => {
                assert!(written[shape.feedbacks[number as usize].from as usize], "a feedback cable reads what nobody has written");
            }
        }
    }
}
