//! Items become steps: sums, kernels, feedback cables, knobs.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::bank::Send;
use super::colour::KNOB;
use super::compile::{KnobDraft, lists_of, seed_of};
pub use super::draft::{KernelDraft, PartDraft};
use super::knob::Musical;
use super::knobs::musical;
use super::layout::{SendLayout, Side, SumKey};
use super::order::{self, Consumer, Item, Order, SendCable, Together};
use super::outline::KnobOwner;
use super::panel::PanelWires;
use super::part::{KernelShape, Span, Step};
use super::slot::Pulse;
use super::sum::{Depth, Factor, Finish, Product, SumShape};
use crate::base::units::Unit;
use crate::module::io::List;
use crate::module::{Input, NoteSource};
use crate::patch::note::PLAYED;
use crate::patch::stereo::Sides;
use crate::patch::{Amount, Base, Domain, KeySource, ModuleId, Out, Patch, Source, Sum};

/// The pitches that a patch plays itself lie between these [octaves above C4].
const LOWEST: f32 = -15.0;
const HIGHEST: f32 = 7.0;

/// Where a sum is worked out, and for what.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub voice: bool,
    pub side: u8,
    /// The module that takes it, for cables that close a cycle.
    pub taker: Option<ModuleId>,
    pub input: &'a Input,
}

/// Everything that lowering gathers.
pub struct Lowering<'a> {
    pub(super) patch: &'a Patch,
    pub(super) rate: f32,
    pub(super) turned: &'a dyn Fn(KnobOwner) -> Option<Amount>,
    /// The global part.
    pub global: PartDraft,
    /// The voices' part.
    pub voice: PartDraft,
    /// Knobs.
    pub(super) knobs: Vec<KnobDraft>,
    pub(super) knob_index: FxHashMap<(KnobOwner, u32, bool), u32>,
    /// The knobs of `keys.…`.
    pub keys: Vec<(KeySource, u32)>,
    /// Every setting of every module as a list.
    pub lists: Vec<List>,
    /// Which each is.
    pub list_names: Vec<(ModuleId, usize)>,
    module_lists: Vec<Range<u32>>,
    /// Where the cables from the voices stand.
    pub send_layouts: FxHashMap<(Consumer, Side), SendLayout>,
    /// Cables from the voices.
    pub sends: Vec<Send>,
    send_wires: Vec<[u32; 2]>,
    taken_wires: Vec<[u32; 2]>,
    /// Sends that arrive 64 samples late.
    pub delays: Vec<(u32, u32)>,
    /// Pulses.
    pub pulses: Vec<Pulse>,
    /// The slot's inputs.
    pub inputs: Vec<[u32; 2]>,
    /// The output.
    pub out: [u32; 2],
    /// What plays the voices: gate, pitch, velocity.
    pub played: Option<[u32; 3]>,
    /// Note sources.
    pub sources: PanelWires,
    /// Own values: knob, wire.
    pub own: Vec<(u32, u32)>,
    pub(super) own_of: FxHashMap<u32, u32>,
    pub(super) outputs: FxHashMap<(ModuleId, usize, u8), u32>,
    used: FxHashSet<(ModuleId, usize)>,
    /// How many sides each module has.
    pub sides: Sides,
    pub(super) late: FxHashSet<(ModuleId, ModuleId)>,
    pub(super) recalls: FxHashMap<(ModuleId, usize, u8), u32>,
    send_of: FxHashMap<Consumer, usize>,
    /// Sums within the one that is being made, so far.
    pub(super) within: u16,
}

impl<'a> Lowering<'a> {
    /// Nothing lowered yet. `[control]`
    pub fn new(patch: &'a Patch, rate: f32, turned: &'a dyn Fn(KnobOwner) -> Option<Amount>) -> Self {
        let (mut lists, mut list_names, mut module_lists) = (Vec::new(), Vec::new(), Vec::new());
        for (number, module) in patch.modules.iter().enumerate() {
            let start = lists.len() as u32;
            let of_module = lists_of(module);
            list_names.extend((0..of_module.len()).map(|setting| (ModuleId(number), setting)));
            lists.extend(of_module);
            module_lists.push(start..lists.len() as u32);
        }
        let mut used = FxHashSet::default();
        let sums = patch
            .modules
            .iter()
            .flat_map(|module| &module.inputs)
            .chain(order::out_sums(patch))
            .chain(order::played_sums(patch).map(|(_, sum)| sum));
        sums.for_each(|sum| used_outputs(sum, &mut used));
        let mut lowering = Self {
            patch,
            rate,
            turned,
            global: PartDraft::default(),
            voice: PartDraft::default(),
            knobs: Vec::new(),
            knob_index: FxHashMap::default(),
            keys: Vec::new(),
            lists,
            list_names,
            module_lists,
            send_layouts: FxHashMap::default(),
            sends: Vec::new(),
            send_wires: Vec::new(),
            taken_wires: Vec::new(),
            delays: Vec::new(),
            pulses: Vec::new(),
            inputs: Vec::new(),
            out: [0; 2],
            played: None,
            sources: [None; NoteSource::ALL.len()],
            own: Vec::new(),
            own_of: FxHashMap::default(),
            outputs: FxHashMap::default(),
            used,
            sides: Sides::of(patch),
            late: FxHashSet::default(),
            recalls: FxHashMap::default(),
            send_of: FxHashMap::default(),
            within: 0,
        };
        if let Some(named) = &patch.inputs {
            for mono in std::iter::once(false).chain(named.iter().map(|input| input.mono)) {
                let left = lowering.global.wire(true);
                let right = if mono { left } else { lowering.global.wire(true) };
                lowering.inputs.push([left, right]);
            }
        }
        lowering
    }

    /// One of the parts. `[control]`
    pub fn part(&mut self, voice: bool) -> &mut PartDraft {
        if voice { &mut self.voice } else { &mut self.global }
    }

    /// Opens a section. `[control]`
    pub fn open_section(&mut self, voice: bool) -> usize {
        let part = self.part(voice);
        part.section_start = part.spans.len();
        part.section_start
    }

    /// Gives every send its wires in the global part. `[control]`
    pub fn declare_sends(&mut self, order: &Order) {
        self.late = order.late.iter().copied().collect();
        for (number, send) in order.sends.iter().enumerate() {
            self.send_of.insert(send.consumer, number);
            let stereo = self.send_is_stereo(send.consumer);
            let mut pair = || {
                let left = self.global.wire(true);
                [left, if stereo { self.global.wire(true) } else { left }]
            };
            let sums = pair();
            let taken = if send.delayed { pair() } else { sums };
            if send.delayed {
                self.delays.push((sums[0], taken[0]));
                if stereo {
                    self.delays.push((sums[1], taken[1]));
                }
            }
            self.send_wires.push(sums);
            self.taken_wires.push(taken);
        }
    }

    fn send_is_stereo(&self, consumer: Consumer) -> bool {
        let sum = order::sum_of(self.patch, consumer);
        let explicit = matches!(consumer, Consumer::Out(_)) && matches!(self.patch.out, Out::Sides(..));
        !explicit
            && sum
                .terms
                .iter()
                .filter(|term| order::term_of_voices(self.patch, term))
                .any(|term| self.sides.term_is_stereo(self.patch, term))
    }

    /// Begins what runs together. `[control]`
    pub fn begin(&mut self, voice: bool) {
        let part = self.part(voice);
        part.span_start = part.steps.len() as u32;
    }

    /// Ends what runs together. `[control]`
    pub fn end(&mut self, voice: bool, together: &Together) {
        self.recalls.clear();
        let part = self.part(voice);
        let start = part.span_start;
        let (recalls, body, keeps) = (std::mem::take(&mut part.recalls), std::mem::take(&mut part.body), std::mem::take(&mut part.keeps));
        part.steps.extend(recalls);
        part.steps.extend(body);
        part.steps.extend(keeps);
        let end = part.steps.len() as u32;
        if start == end {
            return;
        }
        let extends = part.spans.len() > part.section_start && !together.cycle && part.spans.last().is_some_and(|span| !span.cycle);
        match part.spans.last_mut() {
            Some(last) if extends => last.steps.end = end,
            _ => part.spans.push(Span { steps: start..end, cycle: together.cycle }),
        }
    }

    /// A module: the sums of its inputs, then its kernel, once a side where it runs once a side. `[control]`
    pub fn module(&mut self, id: ModuleId) {
        let patch = self.patch;
        let module = &patch.modules[id.0];
        let voice = module.domain == Domain::Voice;
        let kind = module.kind;
        let sides = self.sides.of_module(id);
        let mut places = Vec::new();
        let mut count = 0u8;
        for input in kind.inputs {
            places.push(count);
            count += 1 + u8::from(input.stereo);
        }
        // Wires of the inputs that both sides share.
        let mut shared = vec![[None; 2]; kind.inputs.len()];
        for side in 0..sides {
            let mut inputs = Vec::new();
            for (number, input) in kind.inputs.iter().enumerate() {
                let stereo_fed = self.sides.sum_is_stereo(patch, &module.inputs[number]);
                let mut wire = |lowering: &mut Self, side: u8| {
                    let side = if stereo_fed { side } else { 0 };
                    *shared[number][usize::from(side)]
                        .get_or_insert_with(|| lowering.input_sum(voice, Consumer::Input(id, number), side, input, Some(id)))
                };
                if input.stereo {
                    let pair = [wire(self, 0), wire(self, 1)];
                    inputs.extend(pair);
                } else if kind.stereo() && stereo_fed {
                    let pair = [wire(self, 0), wire(self, 1)];
                    let mean = self.mean(voice, Consumer::Input(id, number), pair);
                    inputs.push(mean);
                } else {
                    inputs.push(wire(self, side));
                }
            }
            let mut outputs = Vec::new();
            let mut wanted = 0;
            let mut heard = Vec::new();
            for (number, output) in kind.outputs.iter().enumerate() {
                if self.used.contains(&(id, number)) {
                    wanted |= 1 << number;
                    let first = outputs.len() as u32;
                    heard.extend(first..=first + u32::from(output.stereo));
                }
                if output.stereo {
                    let pair = [self.output_wire(id, number, 0), self.output_wire(id, number, 1)];
                    outputs.extend(pair);
                } else {
                    outputs.push(self.output_wire(id, number, side));
                }
            }
            let shape = KernelShape {
                module: id.0 as u16,
                inputs,
                places: places.clone(),
                outputs,
                heard,
                wanted,
                lists: self.module_lists[id.0].clone(),
                envelope: kind.envelope,
                seed: seed_of(&module.name, side),
            };
            let part = self.part(voice);
            let number = part.kernels.len() as u32;
            part.kernels.push(KernelDraft { shape, side });
            part.body.push(Step::Kernel(number));
        }
    }

    /// The voice terms of a global input, worked out in each voice. `[control]`
    pub fn send(&mut self, number: usize, send: SendCable, section: usize) {
        let patch = self.patch;
        let sum = order::sum_of(patch, send.consumer);
        let input = self.consumer_input(send.consumer);
        let stereo = self.send_is_stereo(send.consumer);
        for side in 0..=u8::from(stereo) {
            let place = Place { voice: true, side: self.side_for(send.consumer, side), taker: None, input: &input };
            let terms = sum.terms.iter().enumerate().filter(|(_, term)| order::term_of_voices(patch, term));
            self.within = 0;
            let products = terms.map(|(at, term)| self.product(place, send.consumer, at, term)).collect();
            let key = SumKey { consumer: send.consumer, side, voice: true, within: 0 };
            let shape_number = self.add_sum(key, Depth::Fixed(0.0), products, Finish::Signal, true);
            let from = match self.as_it_is(shape_number) {
                Some(wire) => wire,
                None => self.voice.sums[shape_number as usize].out,
            };
            let to = self.send_wires[number][side as usize];
            self.send_layouts.insert((send.consumer, side), SendLayout { number: self.sends.len() as u32, wire: to });
            self.sends.push(Send { from, to, section });
        }
    }

    /// The output. `[control]`
    pub fn output(&mut self) {
        let patch = self.patch;
        let sums = order::out_sums(patch);
        let input = self.consumer_input(Consumer::Out(0));
        if let [whole] = sums[..] {
            let left = self.input_sum(false, Consumer::Out(0), 0, &input, None);
            let right =
                if self.sides.sum_is_stereo(patch, whole) { self.input_sum(false, Consumer::Out(0), 1, &input, None) } else { left };
            self.out = [left, right];
        } else {
            let left = self.input_sum(false, Consumer::Out(0), 0, &input, None);
            self.out = [left, self.input_sum(false, Consumer::Out(1), 0, &input, None)];
        }
        for wire in self.out {
            self.global.pinned[wire as usize] = true;
        }
    }

    fn consumer_input(&self, consumer: Consumer) -> Input {
        match consumer {
            Consumer::Input(module, input) => self.patch.modules[module.0].kind.inputs[input],
            Consumer::Out(_) => Input::audio(0, "in", "What is heard."),
            Consumer::Note(number) => PLAYED[number - 3],
        }
    }

    /// The side of stereo sources that a consumer's side takes.
    fn side_for(&self, consumer: Consumer, side: u8) -> u8 {
        match consumer {
            Consumer::Out(which) => order::side_of_out(self.patch, which).map_or(side, |side| side as u8),
            Consumer::Input(..) | Consumer::Note(_) => side,
        }
    }

    /// The sum at an input; gives its wire.
    pub(super) fn input_sum(&mut self, voice: bool, consumer: Consumer, side: u8, input: &Input, taker: Option<ModuleId>) -> u32 {
        let patch = self.patch;
        let sum = order::sum_of(patch, consumer);
        let place = Place { voice, side: self.side_for(consumer, side), taker, input };
        self.within = 0;
        let base = match sum.base {
            Base::Number(amount) => {
                let (owner, musical) = match consumer {
                    Consumer::Input(module, number) => (KnobOwner::Base(module, number), musical(input.unit)),
                    Consumer::Out(which) => (KnobOwner::OutBase(which), None),
                    Consumer::Note(number) => (KnobOwner::NoteBase(number), musical(input.unit)),
                };
                let knob = self.knob(owner, amount, input.smooth_ms, input.unit == Unit::Trigger, musical.unwrap_or(Musical::Length));
                Depth::Knob(self.knob_factor(voice, knob, matches!(consumer, Consumer::Input(..))))
            }
            Base::Control(control) => {
                let knob = self.control(control, input.unit == Unit::Decibels, input.smooth_ms);
                Depth::Knob(self.knob_factor(voice, knob, true))
            }
        };
        let mut products = Vec::new();
        let mut sent = false;
        for (at, term) in sum.terms.iter().enumerate() {
            if !voice && order::term_of_voices(patch, term) {
                if !std::mem::replace(&mut sent, true)
                    && let Some(send) = self.send_of.get(&consumer)
                {
                    let wire = self.taken_wires[*send][side as usize];
                    products.push(Product { depth: Depth::Fixed(1.0), factors: vec![Factor::Wire(wire)] });
                }
                continue;
            }
            products.push(self.product(place, consumer, at, term));
        }
        let finish = match input.unit {
            Unit::Audio => Finish::Signal,
            // Notes count their pitch in octaves.
            Unit::Hertz if matches!(consumer, Consumer::Note(_)) => Finish::Range(LOWEST, HIGHEST),
            Unit::Hertz => Finish::Hertz(input.min, input.max),
            _ => Finish::Range(input.min, input.max),
        };
        let number = self.add_sum(SumKey { consumer, side, voice, within: 0 }, base, products, finish, false);
        self.part(voice).sums[number as usize].out
    }

    pub(super) fn add_sum(&mut self, key: SumKey, base: Depth, products: Vec<Product>, finish: Finish, pinned: bool) -> u32 {
        let part = self.part(key.voice);
        let number = part.sums.len() as u32;
        let knob = |factor: &Factor| match factor {
            Factor::Wire(wire) => wire & KNOB != 0 || part.still_wires.contains(wire),
            Factor::Global(wire) => wire & KNOB != 0,
            Factor::Own { .. } => true,
        };
        let still = |depth: &Depth| match depth {
            Depth::Fixed(_) => true,
            Depth::Knob(factor) => knob(factor),
        };
        let stands = still(&base) && products.iter().all(|product| still(&product.depth) && product.factors.iter().all(knob));
        // What is worked out once must not be written over.
        let out = part.wire(pinned || stands);
        if stands {
            // Knobs stand before anything runs; the voices keep what they share section by section.
            let section = if key.voice { part.sections.len() } else { 0 };
            part.still.resize_with(section + 1, Vec::new);
            part.still[section].push(number);
            part.still_wires.insert(out);
        } else {
            part.body.push(Step::Sum(number));
        }
        part.sums.push(SumShape { base, products, finish, out });
        part.sum_keys.push(key);
        number
    }

    /// The wire that a sum of the voices, the last one, sends on as it is: then there is nothing to work out.
    fn as_it_is(&mut self, number: u32) -> Option<u32> {
        let voice = &mut self.voice;
        let [Product { depth: Depth::Fixed(1.0), factors }] = &voice.sums[number as usize].products[..] else { return None };
        let [Factor::Wire(wire)] = factors[..] else { return None };
        if voice.body.last() != Some(&Step::Sum(number)) {
            return None;
        }
        voice.body.pop();
        voice.sums.pop();
        voice.sum_keys.pop();
        voice.pinned[wire as usize] = true;
        Some(wire)
    }

    /// The mean of two wires.
    fn mean(&mut self, voice: bool, consumer: Consumer, pair: [u32; 2]) -> u32 {
        let products = pair.map(|wire| Product { depth: Depth::Fixed(0.5), factors: vec![Factor::Wire(wire)] }).to_vec();
        let key = SumKey { consumer, side: 0, voice, within: u16::MAX };
        let number = self.add_sum(key, Depth::Fixed(0.0), products, Finish::Signal, false);
        self.part(voice).sums[number as usize].out
    }
}

fn used_outputs(sum: &Sum, used: &mut FxHashSet<(ModuleId, usize)>) {
    for source in sum.terms.iter().flat_map(|term| &term.sources) {
        match source {
            Source::Output { module, output, .. } => {
                used.insert((*module, *output));
            }
            Source::Group(sum) => used_outputs(sum, used),
            _ => {}
        }
    }
}

/// The items of a cycle, for whoever lists them. `[control]`
pub fn modules_of(together: &Together) -> impl Iterator<Item = ModuleId> {
    together.items.iter().filter_map(|item| match item {
        Item::Module(module) => Some(*module),
        _ => None,
    })
}
