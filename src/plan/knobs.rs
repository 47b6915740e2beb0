//! Knobs: the numbers that users turn, found again by what they belong to; and what plays the voices.

use super::colour::KNOB;
use super::compile::KnobDraft;
use super::knob::Musical;
use super::lower::Lowering;
use super::order::Consumer;
use super::outline::{Count, KnobOutline, KnobOwner};
use super::sum::Factor;
use crate::base::units::{Unit, factor_from_decibels};
use crate::patch::note::PLAYED;
use crate::patch::{Amount, ControlId, KeySource};

impl Lowering<'_> {
    /// What plays the voices. `[control]`
    pub fn notes(&mut self) {
        let mut wires = [0; 3];
        for (at, wire) in wires.iter_mut().enumerate() {
            *wire = self.input_sum(false, Consumer::Note(at + 3), 0, &PLAYED[at], None);
            self.global.pinned[*wire as usize] = true;
        }
        self.played = Some(wires);
    }

    /// The knob in which a source `keys.…` stands. `[control]`
    pub(super) fn key(&mut self, key: KeySource) -> u32 {
        if let Some((_, knob)) = self.keys.iter().find(|(source, _)| *source == key) {
            return *knob;
        }
        let outline = KnobOutline { owner: KnobOwner::Key(key), value: 0.0, beats: None, event: true };
        let knob = self.add_knob(KnobDraft { outline, smooth: 0, trigger: false, musical: None });
        self.keys.push((key, knob));
        knob
    }

    /// A knob as a factor; in the voices a note may have its own value of it, if `ownable`. `[control]`
    pub(super) fn knob_factor(&mut self, voice: bool, knob: u32, ownable: bool) -> Factor {
        let wire = KNOB | knob;
        if !voice {
            return Factor::Wire(wire);
        }
        if !ownable {
            return Factor::Global(wire);
        }
        let own = match self.own_of.get(&knob) {
            Some(own) => *own,
            None => {
                let own = self.own.len() as u32;
                let wire = self.voice.wire(true);
                self.own.push((knob, wire));
                self.own_of.insert(knob, own);
                own
            }
        };
        Factor::Own { wire, own }
    }

    /// The knob of an owner. `[control]`
    pub fn knob(&mut self, owner: KnobOwner, written: Amount, smooth_ms: f32, trigger: bool, musical: Musical) -> u32 {
        let smooth = (smooth_ms * 0.001 * self.rate) as u32;
        if let Some(knob) = self.knob_index.get(&(owner, smooth, false)) {
            return *knob;
        }
        let amount = (self.turned)(owner).unwrap_or(written);
        let knob = self.add_amount(owner, amount, smooth, trigger, Some(musical));
        self.knob_index.insert((owner, smooth, false), knob);
        knob
    }

    /// The knob of a control as it is counted at an input: in dB only where the input is. `[control]`
    pub fn control(&mut self, id: ControlId, in_decibels: bool, smooth_ms: f32) -> u32 {
        let control = &self.patch.controls[id.0];
        let count = if control.unit == Unit::Decibels && !in_decibels { Count::Factor } else { Count::Plain };
        let owner = KnobOwner::Control(id, count);
        let smooth = (smooth_ms * 0.001 * self.rate) as u32;
        if let Some(knob) = self.knob_index.get(&(owner, smooth, true)) {
            return *knob;
        }
        let amount = (self.turned)(KnobOwner::Control(id, Count::Plain)).unwrap_or(control.default);
        let amount = match (count, amount) {
            (Count::Factor, Amount::Plain(decibels)) => Amount::Plain(factor_from_decibels(f64::from(decibels)) as f32),
            (_, amount) => amount,
        };
        let knob = self.add_amount(owner, amount, smooth, false, musical(control.unit));
        self.knob_index.insert((owner, smooth, true), knob);
        knob
    }

    fn add_amount(&mut self, owner: KnobOwner, amount: Amount, smooth: u32, trigger: bool, musical: Option<Musical>) -> u32 {
        let (value, beats) = match amount {
            Amount::Plain(value) => (value, None),
            Amount::Beats(beats) => (0.0, Some(beats)),
        };
        let event = trigger || self.is_gate(owner);
        self.add_knob(KnobDraft { outline: KnobOutline { owner, value, beats, event }, smooth, trigger, musical })
    }

    fn add_knob(&mut self, draft: KnobDraft) -> u32 {
        self.knobs.push(draft);
        self.knobs.len() as u32 - 1
    }

    fn is_gate(&self, owner: KnobOwner) -> bool {
        match owner {
            KnobOwner::Base(module, input) => matches!(self.patch.modules[module.0].kind.inputs[input].unit, Unit::Gate | Unit::Trigger),
            KnobOwner::NoteBase(number) => number == 3,
            _ => false,
        }
    }
}

/// How a number of a unit follows the tempo, if it can. `[control]`
pub(super) fn musical(unit: Unit) -> Option<Musical> {
    match unit {
        Unit::Seconds => Some(Musical::Length),
        Unit::Hertz => Some(Musical::Rate),
        _ => None,
    }
}
