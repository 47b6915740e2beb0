//! [`Patch`] → [`SlotPlan`].

use super::bank::{self, Bank, BankShape, Voices};
use super::colour::{Virtual, Wires};
use super::knob::{Knob, Musical};
use super::layout::{KernelLayout, SumKey};
use super::line::Law;
use super::lower::{Lowering, PartDraft};
use super::order::{self, Consumer, Item, Order};
use super::outline::{Count, KnobOutline, KnobOwner, Outline};
use super::part::{Group, Part, Stood};
use super::slot::{Carry, NoteInput, NoteShape, Section, SlotPlan};
use super::sum::{Own, SumState};
use super::{carry, chain, verify};
use crate::dsp::lanes::{Lanes, Wide};
use crate::module::def::Build;
use crate::module::io::List;
use crate::module::isa::Level;
use crate::module::setting::LIST_MAX;
use crate::module::{Kernel, Prepare, Seed, SettingValue};
use crate::patch::{Amount, Base, Domain, ModuleId, Patch, Source, Sum};

/// What a plan is compiled for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Frames a second [Hz].
    pub rate: f32,
    /// Instructions to use.
    pub level: Level,
    /// Lanes side by side (1, 8 or 16); `None`: as the number of voices asks.
    pub width: Option<usize>,
    /// Beats a minute at the start, where neither rack nor patch says otherwise.
    pub tempo: f64,
    /// Shares into which a slot's voices are cut, that can be worked out at the same time; at least 1.
    pub shares: usize,
}

/// What runs before, so that it can be carried over.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The patch.
    pub patch: &'a Patch,
    /// What its plan's knobs were.
    pub outline: &'a Outline,
}

/// How long a jump takes to fade [s].
const FADE: f32 = 0.010;

/// How long a voice without envelopes must be silent [s].
const QUIET: f32 = 0.050;

/// The lanes side by side for so many voices. `[any]`
pub const fn width_for(voices: usize) -> usize {
    match voices {
        0 | 1 => 1,
        2..=8 => 8,
        _ => 16,
    }
}

/// Compiles a checked patch. `turned` gives the present amount of a knob that was turned since the file was read, `None` for one that
/// stands as written. `[control]`
pub fn compile(
    patch: &Patch,
    options: &Options,
    turned: &dyn Fn(KnobOwner) -> Option<Amount>,
    before: Option<Before<'_>>,
) -> (Box<SlotPlan>, Outline) {
    let order = order::order(patch);
    let mut lowering = Lowering::new(patch, options.rate, turned);
    let sections = emit(&mut lowering, &order);
    let note = patch.note.as_ref().map(|note| NoteShape {
        mode: note.mode,
        priority: note.priority,
        steal: note.steal,
        unison: note.unison,
        glide_mode: note.glide_mode,
        glide_when: note.glide_when,
        glide: note_input(&mut lowering, 0, &note.glide, (0.0, 10.0)),
        detune: note_input(&mut lowering, 1, &note.detune, (0.0, 4.0)),
        spread: note_input(&mut lowering, 2, &note.spread, (0.0, 1.0)),
    });
    let keys = lowering.keys.iter().map(|(source, knob)| (*source, *knob)).collect();

    let has_voices = patch.modules.iter().any(|module| module.domain == Domain::Voice) || !order.sends.is_empty();
    let voices = if has_voices { patch.note.as_ref().map_or(0, |note| note.voices) } else { 0 };
    let width = options.width.unwrap_or(width_for(voices));
    let fade = (options.rate * FADE) as u32;

    let Lowering {
        global,
        voice,
        lists,
        list_names,
        knobs,
        knob_names,
        mut layout,
        mut sends,
        delays,
        pulses,
        inputs,
        out,
        played,
        sources,
        own,
        own_names,
        ..
    } = lowering;
    layout.voices = (voices, width);
    layout.knobs = knob_names.into_iter().enumerate().map(|(number, name)| (name, number as u32)).collect();
    layout.own = own_names.into_iter().enumerate().map(|(number, name)| (name, number as u32)).collect();

    let global_modules: Vec<u16> = global.kernels.iter().map(|kernel| kernel.shape.module).collect();
    let mut global = global;
    let gain_of = |kernel: usize| {
        let module = &patch.modules[usize::from(global_modules[kernel])];
        module.kind.multiplies.map(|gain| gain(&module.settings))
    };
    chain::gather(&mut global, &gain_of);

    // Wires get their places; what never meets shares one.
    let (global_wires, voice_wires) = (Wires::colour(&global), Wires::colour(&voice));
    let on_global = |wire: u32| global_wires.place(Virtual(wire));
    let on_voice = |wire: u32| voice_wires.place(Virtual(wire));
    let global_shape = global_wires.shape(&global, &global_wires);
    let voice_shape = voice_wires.shape(&voice, &global_wires);
    for send in &mut sends {
        send.from = on_voice(send.from);
        send.to = on_global(send.to);
    }
    for send in layout.sends.values_mut() {
        send.wire = on_global(send.wire);
    }

    let global_kernels = kernels::<f32>(patch, &global, options, 0);
    let group = Group {
        sums: vec![SumState::default(); global_shape.sums.len()],
        recalls: vec![0.0; global_shape.feedbacks.len()],
        own: Vec::new(),
        kernels: global_kernels,
    };
    let mut part = Part::<f32>::new(global_shape, global_wires.count(), options.level);

    let several = sections.iter().filter(|section| matches!(section, Section::Voice(_))).count() > 1;
    let mut kept: Vec<u32> = if several { voice_wires.kept(&voice).collect() } else { Vec::new() };
    if several {
        kept.extend(sources.iter().flatten().map(|wire| on_voice(*wire)));
        kept.extend(own.iter().map(|(_, wire)| on_voice(*wire)));
    }
    kept.sort_unstable();
    kept.dedup();
    let follow = played.map(|[_, pitch, _]| on_global(pitch));
    let reads = bank::global_reads(&voice_shape, follow);
    let shape = BankShape {
        voices,
        follow,
        follow_copy: follow.and_then(|wire| reads.binary_search(&wire).ok().map(|at| at as u32)),
        reads,
        lists: (0u32..).zip(&list_names).filter(|(_, name)| is_live_of_voices(patch, **name)).map(|(number, _)| number).collect(),
        sources: sources.map(|wire| wire.map(on_voice)),
        sections: voice.sections.clone(),
        sends,
        kept,
        own: own.iter().map(|(knob, wire)| (*knob, on_voice(*wire))).collect(),
        envelopes: voice.kernels.iter().any(|kernel| kernel.shape.envelope),
        quiet_blocks: (options.rate * QUIET / 64.0).ceil() as u16,
    };
    let given: Vec<u32> = shape.sources.iter().flatten().copied().chain(shape.own.iter().map(|(_, wire)| *wire)).collect();
    let (sends_seen, sections_seen, voice_seen) = (shape.sends.clone(), shape.sections.clone(), voice_shape.clone());
    let make = Make { patch, draft: &voice, options, fade, wires: voice_wires.count(), lists: &lists };
    let bank: Box<dyn Voices> = match width {
        1 => make.bank::<f32>(shape, voice_shape),
        8 => make.bank::<Wide<8>>(shape, voice_shape),
        _ => make.bank::<Wide<16>>(shape, voice_shape),
    };

    let mut running: Vec<Knob> = knobs.iter().map(|knob| knob.make(options.tempo)).collect();
    for (number, knob) in running.iter_mut().enumerate() {
        knob.rest(&mut part.wires[number]);
    }
    let carry = before.map_or_else(Carry::default, |before| carry::carry(patch, &layout, before));
    let outline = Outline { knobs: knobs.iter().map(|knob| knob.outline).collect(), lists: list_names, voices, layout };
    let plan = SlotPlan {
        active: Vec::with_capacity(running.len()),
        beat_knobs: (0..running.len() as u32).filter(|knob| knobs[*knob as usize].musical.is_some()).collect(),
        knobs: running,
        part,
        group,
        voices: bank,
        sections,
        delays: delays.iter().map(|(from, to)| (on_global(*from), on_global(*to))).collect(),
        pulses: pulses.iter().map(|pulse| super::slot::Pulse { wire: on_global(pulse.wire), ..*pulse }).collect(),
        keys,
        inputs: inputs.iter().map(|pair| pair.map(on_global)).collect(),
        out: out.map(on_global),
        played: played.map(|wires| wires.map(on_global)),
        lists,
        note,
        fade,
        carry,
        stood: Stood::default(),
        restless: true,
    };
    verify::verify(&plan, (&voice_seen, voice_wires.count(), &given), &sends_seen, &sections_seen);
    (Box::new(plan), outline)
}

/// Emits every item in order; gives the sections.
fn emit(lowering: &mut Lowering<'_>, order: &Order) -> Vec<Section> {
    lowering.declare_sends(order);
    let mut sections = Vec::new();
    let (mut at, mut voice_sections) = (0, 0);
    while at < order.run.len() {
        let level = order.run[at].level;
        let end = at + order.run[at..].iter().take_while(|together| together.level == level).count();
        let voice = level % 2 == 1;
        let start = lowering.open_section(voice);
        for together in &order.run[at..end] {
            lowering.begin(voice);
            for item in &together.items {
                match *item {
                    Item::Module(module) => lowering.module(module),
                    Item::Send(send) => lowering.send(send, order.sends[send], voice_sections),
                    Item::Out => lowering.output(),
                    Item::Notes => lowering.notes(),
                }
            }
            lowering.end(voice, together);
        }
        let spans = start..lowering.part(voice).spans.len();
        if voice {
            lowering.part(true).sections.push(spans);
            sections.push(Section::Voice(voice_sections));
            voice_sections += 1;
        } else {
            lowering.part(false).sections.push(spans.clone());
            sections.push(Section::Global(spans));
        }
        at = end;
    }
    sections
}

/// A sum of knobs alone, for `[note]`.
fn note_input(lowering: &mut Lowering<'_>, which: usize, sum: &Sum, range: (f32, f32)) -> NoteInput {
    let mut terms = Vec::new();
    match sum.base {
        Base::Number(amount) => {
            let knob = lowering.knob(KnobOwner::NoteBase(which), amount, 0.0, false, Musical::Length);
            terms.push((1.0, vec![knob]));
        }
        Base::Control(control) => terms.push((1.0, vec![lowering.control(control, false, 0.0)])),
    }
    for (number, term) in sum.terms.iter().enumerate() {
        let mut knobs = Vec::new();
        let mut depth = term.depth;
        if !term.key.is_empty() {
            knobs.push(lowering.knob(KnobOwner::NoteDepth(which, number), Amount::Plain(term.depth), 0.0, false, Musical::Length));
            depth = 1.0;
        }
        for source in &term.sources {
            if let Source::Control(control) = source {
                knobs.push(lowering.control(*control, false, 0.0));
            }
        }
        terms.push((depth, knobs));
    }
    NoteInput { terms, range }
}

/// The kernels of one group of a part, from a voice on.
fn kernels<L: Width>(patch: &Patch, draft: &PartDraft, options: &Options, voice: usize) -> Vec<Box<dyn Kernel<L>>> {
    draft
        .kernels
        .iter()
        .map(|kernel| {
            let module = &patch.modules[kernel.shape.module as usize];
            L::build(
                &module.kind.build,
                &Prepare { rate: options.rate, seed: kernel.shape.seed, voice, settings: &module.settings },
                options.level,
            )
        })
        .collect()
}

/// A width for which a kind may have a kernel.
trait Width: Lanes {
    fn build(build: &Build, prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<Self>>;
}

impl Width for f32 {
    fn build(build: &Build, prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<Self>> {
        match build {
            Build::PerVoice { one, .. } => one(prepare, level),
            Build::Global(one) => one(prepare, level),
        }
    }
}

impl Width for Wide<8> {
    fn build(build: &Build, prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<Self>> {
        match build {
            Build::PerVoice { eight, .. } => eight(prepare, level),
            Build::Global(_) => unreachable!("checking a patch keeps global kinds out of the voices"),
        }
    }
}

impl Width for Wide<16> {
    fn build(build: &Build, prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<Self>> {
        match build {
            Build::PerVoice { sixteen, .. } => sixteen(prepare, level),
            Build::Global(_) => unreachable!("checking a patch keeps global kinds out of the voices"),
        }
    }
}

struct Make<'a> {
    patch: &'a Patch,
    draft: &'a PartDraft,
    options: &'a Options,
    fade: u32,
    wires: usize,
    lists: &'a [List],
}

impl Make<'_> {
    fn bank<L: Width>(&self, shape: BankShape, part: super::part::PartShape) -> Box<dyn Voices> {
        let groups = (0..shape.voices.div_ceil(L::WIDTH))
            .map(|group| Group {
                kernels: kernels::<L>(self.patch, self.draft, self.options, group * L::WIDTH),
                sums: vec![SumState::default(); part.sums.len()],
                recalls: vec![L::default(); part.feedbacks.len()],
                own: shape.own.iter().map(|(_, wire)| Own { wire: *wire, ..Own::default() }).collect(),
            })
            .collect();
        let Options { shares, level, .. } = *self.options;
        Box::new(Bank::new(shape, (part, self.wires), groups, shares, level, self.fade, self.lists))
    }
}

/// Whether a setting is a live list of a module of the voices.
fn is_live_of_voices(patch: &Patch, (module, setting): (ModuleId, usize)) -> bool {
    let module = &patch.modules[module.0];
    module.domain == Domain::Voice && module.kind.settings[setting].is_list()
}

/// One module's settings as the lists that its kernels read. `[control]`
pub fn lists_of(module: &crate::patch::Module) -> Vec<List> {
    module
        .settings
        .0
        .iter()
        .map(|value| {
            let mut list = List { cells: [0.0; LIST_MAX], len: 1 };
            if let SettingValue::List(values) = value {
                list.len = values.len().clamp(1, LIST_MAX);
                list.cells.iter_mut().zip(values).for_each(|(cell, value)| *cell = *value);
            }
            list
        })
        .collect()
}

/// What of a module must be the same for its kernels to be carried: its settings but for the live lists. `[control]`
pub fn fixed_settings(module: &crate::patch::Module) -> Vec<&SettingValue> {
    module.settings.0.iter().zip(module.kind.settings).filter(|(_, setting)| !setting.is_list()).map(|(value, _)| value).collect()
}

/// The layout of a kernel. `[control]`
pub(super) fn kernel_layout(module: &crate::patch::Module, number: u32, sides: u8) -> KernelLayout {
    KernelLayout { number, kind: module.kind.name, settings: module.settings.clone(), domain: module.domain, sides }
}

/// The name of a sum. `[control]`
pub(super) fn sum_key(patch: &Patch, consumer: Consumer, side: u8) -> SumKey {
    match consumer {
        Consumer::Input(module, input) => {
            let module = &patch.modules[module.0];
            SumKey { module: module.name.clone(), input: module.kind.inputs[input].name.to_string(), side }
        }
        Consumer::Out(which) | Consumer::Note(which) => {
            SumKey { module: String::new(), input: if which == 0 { "in".into() } else { "right".into() }, side }
        }
    }
}

/// The seed of a module's side. `[control]`
pub(super) fn seed_of(name: &str, side: u8) -> Seed {
    Seed::of_name(name).with(u64::from(side))
}

/// A knob before it runs.
pub(super) struct KnobDraft {
    pub outline: KnobOutline,
    pub smooth: u32,
    pub trigger: bool,
    pub musical: Option<Musical>,
}

impl KnobDraft {
    fn make(&self, tempo: f64) -> Knob {
        let value = match (self.outline.beats, self.musical) {
            (Some(beats), Some(Musical::Length)) => (beats * 60.0 / tempo) as f32,
            (Some(beats), Some(Musical::Rate)) => crate::base::units::octaves_from_hertz(tempo / (60.0 * beats)) as f32,
            _ => self.outline.value,
        };
        let law = match self.outline.owner {
            KnobOwner::Control(_, Count::Factor) => Law::Decibels,
            _ => Law::Straight,
        };
        Knob::new(value, self.smooth, self.trigger, self.musical.unwrap_or(Musical::Length), self.outline.beats).with_law(law)
    }
}
