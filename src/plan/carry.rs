//! What goes over from the plan that runs: same name, kind, settings, domain and width; and the numbers that everything has.

use std::collections::HashMap;

use super::bank::BankCarry;
use super::compile::{Before, KnobDraft, fixed_settings};
use super::layout::{Layout, PartSizes, Side, Size, SumKey};
use super::lower::{Lowering, PartDraft};
use super::number::{Exchange, Numbers};
use super::order::{self, Consumer};
use super::outline::KnobOwner;
use super::part::GroupCarry;
use super::ramp::Meet;
use super::slot::Carry;
use crate::patch::stereo::modules_of_term;
use crate::patch::{ControlId, Domain, ModuleId, Patch, Sum};

/// The numbers of a part.
#[derive(Default)]
pub struct PartNumbers {
    /// Kernels.
    pub kernels: Numbers,
    /// Sums.
    pub sums: Numbers,
    /// Feedback cables.
    pub feedbacks: Numbers,
}

/// The numbers of a plan.
#[derive(Default)]
pub struct PlanNumbers {
    /// The global part's.
    pub global: PartNumbers,
    /// The voices'.
    pub voice: PartNumbers,
    /// Knobs.
    pub knobs: Numbers,
    /// Own values.
    pub own: Numbers,
}

impl PartNumbers {
    fn in_order(draft: &PartDraft) -> Self {
        Self {
            kernels: Numbers::in_order(draft.kernels.len()),
            sums: Numbers::in_order(draft.sums.len()),
            feedbacks: Numbers::in_order(draft.feedbacks.len()),
        }
    }

    /// How large its stores are. `[control]`
    pub fn sizes(&self) -> PartSizes {
        PartSizes { kernels: size(&self.kernels), sums: size(&self.sums), feedbacks: size(&self.feedbacks) }
    }
}

fn size(numbers: &Numbers) -> Size {
    (numbers.count, numbers.room)
}

/// The numbers of a plan before which there is none. `[control]`
pub fn in_order(lowering: &Lowering<'_>) -> PlanNumbers {
    PlanNumbers {
        global: PartNumbers::in_order(&lowering.global),
        voice: PartNumbers::in_order(&lowering.voice),
        knobs: Numbers::in_order(lowering.knobs.len()),
        own: Numbers::in_order(lowering.own.len()),
    }
}

/// What of a patch was in the one before.
struct Was<'a> {
    patch: &'a Patch,
    old: &'a Patch,
    layout: &'a Layout,
    modules: Vec<Option<ModuleId>>,
    controls: Vec<Option<ControlId>>,
    /// The modules whose kernels go on; the others start anew.
    goes_on: Vec<bool>,
    voices_go_on: bool,
}

impl<'a> Was<'a> {
    fn new(patch: &'a Patch, lowering: &Lowering<'_>, voices: (usize, usize), before: Before<'a>) -> Self {
        let (old, layout) = (before.patch, &before.outline.layout);
        let named: HashMap<&str, ModuleId> =
            old.modules.iter().enumerate().map(|(number, module)| (module.name.as_str(), ModuleId(number))).collect();
        let modules: Vec<Option<ModuleId>> = patch.modules.iter().map(|module| named.get(module.name.as_str()).copied()).collect();
        let controls: HashMap<&str, ControlId> =
            old.controls.iter().enumerate().map(|(number, control)| (control.name.as_str(), ControlId(number))).collect();
        let controls = patch.controls.iter().map(|control| controls.get(control.name.as_str()).copied()).collect();
        let voices_go_on = layout.voices == voices && voices.0 > 0;
        let goes_on = modules.iter().enumerate().map(|(number, was)| {
            let Some(was) = was else { return false };
            let (old, new) = (&old.modules[was.0], &patch.modules[number]);
            old.kind.name == new.kind.name
                && old.domain == new.domain
                && layout.sides[was.0] == lowering.sides.of_module(ModuleId(number))
                && fixed_settings(old).eq(fixed_settings(new))
                && (new.domain == Domain::Global || voices_go_on)
        });
        let goes_on = goes_on.collect();
        Self { patch, old, layout, modules, controls, goes_on, voices_go_on }
    }

    /// An input by its name.
    fn input(&self, module: ModuleId, input: usize) -> Option<(ModuleId, usize)> {
        let was = self.modules[module.0]?;
        let (old, new) = (self.old.modules[was.0].kind, self.patch.modules[module.0].kind);
        if std::ptr::eq(old, new) {
            return Some((was, input));
        }
        let name = new.inputs[input].name;
        old.inputs.iter().position(|input| input.name == name).map(|input| (was, input))
    }

    fn consumer(&self, consumer: Consumer) -> Option<Consumer> {
        match consumer {
            Consumer::Input(module, input) => self.input(module, input).map(|(module, input)| Consumer::Input(module, input)),
            Consumer::Out(_) | Consumer::Note(_) => Some(consumer),
        }
    }

    fn owner(&self, owner: KnobOwner) -> Option<KnobOwner> {
        // A term by its word.
        let term = |new: &Sum, old: &Sum, term: usize| old.terms.iter().rposition(|other| other.key == new.terms[term].key);
        match owner {
            KnobOwner::Base(module, input) => self.input(module, input).map(|(module, input)| KnobOwner::Base(module, input)),
            KnobOwner::Depth(module, input, number) => {
                let new = &self.patch.modules[module.0].inputs[input];
                let (module, input) = self.input(module, input)?;
                let old = &self.old.modules[module.0].inputs[input];
                term(new, old, number).map(|number| KnobOwner::Depth(module, input, number))
            }
            KnobOwner::Control(control, count) => self.controls[control.0].map(|control| KnobOwner::Control(control, count)),
            KnobOwner::OutDepth(which, number) => {
                let (new, old) = (order::out_sums(self.patch)[which], *order::out_sums(self.old).get(which)?);
                term(new, old, number).map(|number| KnobOwner::OutDepth(which, number))
            }
            KnobOwner::NoteBase(_) | KnobOwner::NoteDepth(..) | KnobOwner::OutBase(_) | KnobOwner::Key(_) => Some(owner),
            KnobOwner::Nobody => None,
        }
    }

    fn knob(&self, draft: &KnobDraft) -> Option<u32> {
        let owner = self.owner(draft.outline.owner)?;
        self.layout.knobs.get(&knob_key(owner, draft.smooth)).copied()
    }

    /// Whether the modules that a sum reads start anew.
    fn reads_anew(&self, sum: &Sum, found: &mut Vec<ModuleId>) -> bool {
        found.clear();
        sum.terms.iter().for_each(|term| modules_of_term(term, found));
        found.iter().any(|id| !self.goes_on[id.0])
    }

    fn kernels(&self, draft: &PartDraft) -> Vec<Option<u32>> {
        let was = |module: usize, side: Side| {
            let old = self.modules[module].filter(|_| self.goes_on[module])?;
            Some(self.layout.kernels[old.0][usize::from(side)])
        };
        draft.kernels.iter().map(|kernel| was(usize::from(kernel.shape.module), kernel.side)).collect()
    }

    /// Old numbers of a part's sums, and how those that go on meet what was before.
    fn sums(&self, draft: &PartDraft, sends: impl Fn(Consumer, Side) -> bool) -> Vec<Option<(u32, Meet)>> {
        let mut found = Vec::new();
        let was = |key: &SumKey| {
            let consumer = self.consumer(key.consumer)?;
            let old = *self.layout.sums.get(&SumKey { consumer, ..*key })?;
            let (fades, faded) = (fades(self.patch, key), fades(self.old, &SumKey { consumer, ..*key }));
            if let (Consumer::Input(module, _), true) = (key.consumer, fades)
                && !self.goes_on[module.0]
            {
                // Where a module's kernel starts anew its inputs may jump.
                return None;
            }
            if !fades || !faded {
                // Nothing is kept of these that could be heard.
                return (fades == faded).then_some((old, Meet::Same));
            }
            let lost_voices = !key.voice
                && !self.voices_go_on
                && (sends(key.consumer, key.side) || self.layout.sends.contains_key(&(consumer, key.side)));
            let (sum, before) = (order::sum_of(self.patch, key.consumer), order::sum_of(self.old, consumer));
            Some((old, meets(lost_voices || self.reads_anew(sum, &mut found), before.text != sum.text)))
        };
        draft.sum_keys.iter().map(was).collect()
    }

    fn feedbacks(&self, draft: &PartDraft, voice: bool) -> Vec<Option<u32>> {
        let was = |(module, output, side): &(ModuleId, usize, Side)| {
            let module = self.modules[module.0]?;
            self.layout.feedbacks.get(&(module, *output, *side, voice)).copied()
        };
        draft.feedback_keys.iter().map(was).collect()
    }

    fn part(&self, draft: &PartDraft, voice: bool, sends: impl Fn(Consumer, Side) -> bool) -> (PartNumbers, GroupCarry) {
        let sizes = if voice { &self.layout.voice } else { &self.layout.global };
        let (kernels, kernel_exchange) = Numbers::that_stay(&self.kernels(draft), sizes.kernels);
        let sums_were = self.sums(draft, sends);
        let was: Vec<Option<u32>> = sums_were.iter().map(|was| was.map(|(old, _)| old)).collect();
        let (sums, sum_exchange) = Numbers::that_stay(&was, sizes.sums);
        let meets = sums.of.iter().zip(&sums_were).filter_map(|(number, was)| was.map(|(_, meet)| (*number, meet)));
        let mut meets: Vec<(u32, Meet)> = meets.filter(|(_, meet)| *meet != Meet::Same).collect();
        meets.sort_unstable_by_key(|(number, _)| *number);
        let (feedbacks, feedback_exchange) = Numbers::that_stay(&self.feedbacks(draft, voice), sizes.feedbacks);
        let carry = GroupCarry { kernels: kernel_exchange, sums: sum_exchange, meets, feedbacks: feedback_exchange };
        (PartNumbers { kernels, sums, feedbacks }, carry)
    }
}

/// Whether anything of a sum is ever faded. What plays the voices is not: a pitch that jumps there is no click.
fn fades(patch: &Patch, key: &SumKey) -> bool {
    let voice = match key.consumer {
        Consumer::Input(module, _) => patch.modules[module.0].domain == Domain::Voice,
        Consumer::Out(_) => false,
        Consumer::Note(_) => return false,
    };
    key.within == 0 && voice == key.voice
}

/// How a knob is found again: only a control has several, one for each smoothing. `[control]`
pub fn knob_key(owner: KnobOwner, smooth: u32) -> (KnobOwner, u32) {
    (owner, if matches!(owner, KnobOwner::Control(..)) { smooth } else { 0 })
}

/// The numbers of a new plan, and what goes over from the one before; the wires are still to come. `[control]`
pub fn carry(patch: &Patch, lowering: &Lowering<'_>, voices: (usize, usize), before: Before<'_>) -> (PlanNumbers, Carry) {
    let was = Was::new(patch, lowering, voices, before);
    let old = was.layout;
    let sent = |consumer, side| lowering.send_layouts.contains_key(&(consumer, side));
    let (global, group) = was.part(&lowering.global, false, sent);

    let knobs_were: Vec<Option<u32>> = lowering.knobs.iter().map(|draft| was.knob(draft)).collect();
    let (knobs, knob_exchange) = Numbers::that_stay(&knobs_were, old.knob_size);
    let mut carry = Carry { group, knobs: knob_exchange, ..Carry::default() };
    for ((draft, before), number) in lowering.knobs.iter().zip(&knobs_were).zip(&knobs.of) {
        match (before, draft.outline.owner) {
            (Some(before), _) if !draft.is_like(&old.drafts[*before as usize]) => carry.changed.push(*number),
            // A control that has one more knob now: it begins where the others are.
            (None, KnobOwner::Control(control, _)) => {
                let first = was.controls[control.0].and_then(|control| old.first.get(&control));
                carry.like.extend(first.map(|first| (*first, *number)));
            }
            _ => {}
        }
    }
    carry.changed.sort_unstable();

    let (mut voice, mut own) = (PartNumbers::in_order(&lowering.voice), Numbers::in_order(lowering.own.len()));
    let mut bank = BankCarry::default();
    if was.voices_go_on {
        (voice, bank.group) = was.part(&lowering.voice, true, |_, _| false);
        let own_was = |(knob, _): &(u32, u32)| knobs_were[*knob as usize].and_then(|knob| old.own.get(&knob).copied());
        let own_were: Vec<Option<u32>> = lowering.own.iter().map(own_was).collect();
        (own, bank.own) = Numbers::that_stay(&own_were, old.own_size);
    }
    let mut found = Vec::new();
    for ((consumer, side), send) in &lowering.send_layouts {
        let Some(before) = was.consumer(*consumer) else { continue };
        let Some(old_send) = old.sends.get(&(before, *side)) else { continue };
        carry.wires.push((old_send.wire, send.wire));
        if was.voices_go_on {
            let (sum, old_sum) = (order::sum_of(patch, *consumer), order::sum_of(was.old, before));
            bank.sends.push((old_send.number, send.number, meets(was.reads_anew(sum, &mut found), old_sum.text != sum.text)));
        }
    }
    bank.sends.sort_unstable_by_key(|(_, new, _)| *new);
    carry.voices = was.voices_go_on.then_some(bank);
    (PlanNumbers { global, voice, knobs, own }, carry)
}

impl Carry {
    /// What goes over of the wires: those of the sums in `delayed` keep what they carried; the others are taken as they are where they
    /// are enough. `count`: how many there are; `old`: how many there were, and room. Gives how many there are then, and room. `[control]`
    pub fn take_wires(&mut self, delayed: &[u32], count: usize, old: Option<Size>) -> Size {
        self.wires.retain(|(_, new)| delayed.contains(new));
        self.wires.sort_unstable();
        let fresh = Numbers::in_order(count);
        let Some((old_count, room)) = old.filter(|(_, room)| self.knobs.whole() && count <= *room) else {
            return size(&fresh);
        };
        // What is heard 64 frames late begins with silence, or with what went over.
        let mut others = delayed.to_vec();
        others.sort_unstable();
        others.dedup();
        self.wire_exchange = Exchange::but(old_count, others);
        (old_count.max(count), room)
    }
}

fn meets(anew: bool, changed: bool) -> Meet {
    match (anew, changed) {
        (true, _) => Meet::Anew,
        (false, true) => Meet::Jump,
        (false, false) => Meet::Same,
    }
}
