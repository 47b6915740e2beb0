//! What a term reads: wires of modules, notes, keys, controls, inputs and pulses, and sums in parentheses.

use super::colour::KNOB;
use super::knob::Musical;
use super::layout::SumKey;
use super::lower::{Lowering, Place};
use super::order::Consumer;
use super::outline::KnobOwner;
use super::part::{Feedback, Step};
use super::slot::Pulse;
use super::sum::{Depth, Factor, Finish, Product};
use crate::base::units::Unit;
use crate::module::{Input, NoteSource};
use crate::patch::{Amount, Base, Domain, ModuleId, Source, Term};

/// A jump of a depth is never shorter than this [ms].
const DEPTH_MS: f32 = 5.0;

impl Lowering<'_> {
    pub(super) fn product(&mut self, place: Place<'_>, consumer: Consumer, at: usize, term: &Term) -> Product {
        let depth = if term.key.is_empty() {
            Depth::Fixed(term.depth)
        } else {
            let owner = match consumer {
                Consumer::Input(module, input) => KnobOwner::Depth(module, input, at),
                Consumer::Out(which) => KnobOwner::OutDepth(which, at),
                Consumer::Note(number) => KnobOwner::NoteDepth(number, at),
            };
            let knob = self.knob(owner, Amount::Plain(term.depth), depth_ms(place.input), false, Musical::Length);
            Depth::Knob(self.knob_factor(place.voice, knob, false))
        };
        Product { depth, factors: term.sources.iter().map(|source| self.source(place, consumer, source)).collect() }
    }

    fn source(&mut self, place: Place<'_>, consumer: Consumer, source: &Source) -> Factor {
        match source {
            Source::Output { module, output, side } => {
                let side = self.sides.side_of_output(self.patch, *module, *output, side.map_or(place.side, |side| side as u8));
                let global = self.patch.modules[module.0].domain == Domain::Global;
                let wire = self.output_wire(*module, *output, side);
                if place.taker.is_some_and(|taker| self.late.contains(&(*module, taker))) {
                    return Factor::Wire(self.recall(place.voice, *module, *output, side, wire));
                }
                if global && place.voice {
                    self.global.pinned[wire as usize] = true;
                    return Factor::Global(wire);
                }
                Factor::Wire(wire)
            }
            Source::Note(source) => Factor::Wire(self.note_source(*source)),
            Source::Keys(key) => {
                let knob = self.key(*key);
                if place.voice { Factor::Global(KNOB | knob) } else { Factor::Wire(KNOB | knob) }
            }
            Source::Control(control) => {
                let knob = self.control(*control, place.input.unit == Unit::Decibels, depth_ms(place.input));
                self.knob_factor(place.voice, knob, true)
            }
            Source::Input { index, side } => {
                let pair = self.inputs.get(*index).copied().unwrap_or([0; 2]);
                let wire = pair[side.map_or(place.side, |side| side as u8) as usize];
                if place.voice { Factor::Global(wire) } else { Factor::Wire(wire) }
            }
            Source::Pulses(beats) => {
                let found = self.pulses.iter().find(|pulse| pulse.beats == *beats).map(|pulse| pulse.wire);
                let wire = found.unwrap_or_else(|| {
                    let wire = self.global.wire(true);
                    self.pulses.push(Pulse { beats: *beats, wire });
                    wire
                });
                if place.voice { Factor::Global(wire) } else { Factor::Wire(wire) }
            }
            Source::Group(sum) => {
                let base = match sum.base {
                    Base::Number(Amount::Plain(number)) => Depth::Fixed(number),
                    Base::Number(Amount::Beats(_)) => Depth::Fixed(0.0),
                    Base::Control(control) => {
                        let knob = self.control(control, place.input.unit == Unit::Decibels, depth_ms(place.input));
                        Depth::Knob(self.knob_factor(place.voice, knob, true))
                    }
                };
                let products = sum
                    .terms
                    .iter()
                    .map(|term| Product {
                        depth: Depth::Fixed(term.depth),
                        factors: term.sources.iter().map(|source| self.source(place, consumer, source)).collect(),
                    })
                    .collect();
                self.within += 1;
                let key = SumKey { consumer, side: place.side, voice: place.voice, within: self.within };
                let number = self.add_sum(key, base, products, Finish::Signal, false);
                Factor::Wire(self.part(place.voice).sums[number as usize].out)
            }
        }
    }

    pub(super) fn output_wire(&mut self, module: ModuleId, output: usize, side: u8) -> u32 {
        if let Some(wire) = self.outputs.get(&(module, output, side)) {
            return *wire;
        }
        let voice = self.patch.modules[module.0].domain == Domain::Voice;
        let wire = self.part(voice).wire(false);
        self.outputs.insert((module, output, side), wire);
        wire
    }

    fn recall(&mut self, voice: bool, module: ModuleId, output: usize, side: u8, from: u32) -> u32 {
        if let Some(wire) = self.recalls.get(&(module, output, side)) {
            return *wire;
        }
        let part = self.part(voice);
        let to = part.wire(true);
        let number = part.feedbacks.len() as u32;
        part.feedbacks.push(Feedback { from, to });
        part.feedback_keys.push((module, output, side));
        part.recalls.push(Step::Recall(number));
        part.keeps.push(Step::Keep(number));
        self.recalls.insert((module, output, side), to);
        to
    }

    fn note_source(&mut self, source: NoteSource) -> u32 {
        if source == NoteSource::Pitch {
            // Bend is in the pitch.
            self.note_source(NoteSource::Bend);
        }
        if let Some(wire) = self.sources[source as usize] {
            return wire;
        }
        let wire = self.voice.wire(true);
        self.sources[source as usize] = Some(wire);
        wire
    }
}

fn depth_ms(input: &Input) -> f32 {
    match input.unit {
        Unit::Gate | Unit::Trigger => 0.0,
        _ => input.smooth_ms.max(DEPTH_MS),
    }
}
