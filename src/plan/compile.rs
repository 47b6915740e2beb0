//! [`Patch`] → [`SlotPlan`].

use super::bank::{self, Bank, BankShape, Voices};
use super::colour::{Virtual, Wires};
use super::knob::{Knob, Musical};
use super::layout::Layout;
use super::line::Law;
use super::lower::Lowering;
use super::order::{self, Item, Order};
use super::outline::{Count, KnobOutline, KnobOwner, Outline};
use super::part::{Group, Nobody, Part, PartShape, Stood};
use super::sleep::Sleep;
use super::slot::{Carry, NoteInput, NoteShape, Section, SlotPlan};
use super::sum::{Own, SumState};
use super::{carry, chain, choir, verify};
use crate::dsp::lanes::{Lanes, Wide};
use crate::module::def::Build;
use crate::module::io::List;
use crate::module::isa::Level;
use crate::module::setting::LIST_MAX;
use crate::module::{Kernel, Prepare, Seed, SettingValue};
use crate::patch::{Amount, Base, Domain, ModuleId, Patch, Source, Sum};
use crate::rt::flows::Flows;
use carry::{PartNumbers, PlanNumbers};

/// What a plan is compiled for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Frames a second [Hz].
    pub rate: f32,
    /// Instructions to use.
    pub level: Level,
    /// Lanes side by side (1, 8, 16 or 32); `None`: as the number of voices asks.
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
pub const fn width_for(voices: usize, level: Level) -> usize {
    match voices {
        0 | 1 => 1,
        2..=8 => 8,
        // Two of the widest vectors: while a frame waits for what comes round in the one, the other is worked out.
        17.. if level.is_512() => 32,
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
    compile_among(patch, options, &Flows::default(), turned, before)
}

/// The same, with sound from outside and to outside. `[control]`
pub fn compile_among(
    patch: &Patch,
    options: &Options,
    flows: &Flows,
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
    let has_voices = patch.modules.iter().any(|module| module.domain == Domain::Voice) || !order.sends.is_empty();
    let voices = if has_voices { patch.note.as_ref().map_or(0, |note| note.voices) } else { 0 };
    let width = options.width.unwrap_or(width_for(voices, options.level));
    let fade = (options.rate * FADE) as u32;

    let (numbers, mut carry) = match before {
        Some(before) => carry::carry(patch, &lowering, (voices, width), before),
        None => (carry::in_order(&lowering), Carry::default()),
    };
    let mut layout = layout(patch, &lowering, &numbers, (voices, width));

    let Lowering { mut global, voice, lists, list_names, mut sends, delays, pulses, inputs, out, played, sources, own, keys, .. } =
        lowering;
    let global_modules: Vec<u16> = global.kernels.iter().map(|kernel| kernel.shape.module).collect();
    let gain_of = |kernel: usize| {
        let module = &patch.modules[usize::from(global_modules[kernel])];
        module.kind.multiplies.map(|gain| gain(&module.settings))
    };
    chain::gather(&mut global, &gain_of);
    choir::gather(&mut global);

    // Wires get their places; what never meets shares one. Knobs and own values stand where their numbers say.
    let global_wires = Wires::colour(&global, &numbers.knobs, &[]);
    let voice_wires = Wires::colour(&voice, &numbers.own, &own);
    let on_global = |wire: u32| global_wires.place(Virtual(wire));
    let on_voice = |wire: u32| voice_wires.place(Virtual(wire));
    let knob_number = |knob: u32| numbers.knobs.of[knob as usize];
    for send in &mut sends {
        send.from = on_voice(send.from);
        send.to = on_global(send.to);
    }
    for send in layout.sends.values_mut() {
        send.wire = on_global(send.wire);
    }
    let delays: Vec<(u32, u32)> = delays.iter().map(|(from, to)| (on_global(*from), on_global(*to))).collect();
    carry.wires.iter_mut().for_each(|(_, wire)| *wire = on_global(*wire));
    let delayed: Vec<u32> = delays.iter().map(|(from, _)| *from).collect();
    layout.wires = carry.take_wires(&delayed, global_wires.count(), before.map(|before| before.outline.layout.wires));

    let several = sections.iter().filter(|section| matches!(section, Section::Voice(_))).count() > 1;
    let mut kept: Vec<u32> = if several { voice_wires.kept(&voice).collect() } else { Vec::new() };
    let (voice_sections, envelopes) = (voice.sections.clone(), voice.kernels.iter().any(|kernel| kernel.shape.envelope));
    let global_shape = global_wires.shape(global, &numbers.global, &numbers.own, &global_wires);
    let voice_shape = voice_wires.shape(voice, &numbers.voice, &numbers.own, &global_wires);

    let group = make_group::<f32>(patch, &global_shape, &numbers.global, Vec::new(), (options, flows, 0));
    let mut part = Part::<f32>::new(global_shape, layout.wires.0, options.level);
    part.wires.reserve(layout.wires.1.saturating_sub(part.wires.len()));

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
        sections: voice_sections,
        sends,
        kept,
        own: numbers.own.store(own.iter().map(|(knob, wire)| (knob_number(*knob), on_voice(*wire))), || (u32::MAX, 0)),
        envelopes,
        quiet_blocks: (options.rate * QUIET / 64.0).ceil() as u16,
    };
    let outside = inputs.iter().flatten().chain(pulses.iter().map(|pulse| &pulse.wire)).map(|wire| on_global(*wire));
    let outside = outside.chain(delays.iter().map(|(_, to)| *to)).chain(0..numbers.knobs.count as u32);
    let given = shape.sources.iter().flatten().copied().chain(0..numbers.own.count as u32);
    verify::verify(&verify::Seen {
        sections: &sections,
        global: &part.shape,
        written: outside.collect(),
        wires: layout.wires.0,
        played: played.map(|wires| wires.map(on_global)),
        out: out.map(on_global),
        voice: &voice_shape,
        voice_written: given.collect(),
        voice_wires: voice_wires.count(),
        sends: &shape.sends,
        voice_sections: &shape.sections,
    });
    let make = Make { patch, numbers: &numbers, options, flows, fade, wires: voice_wires.count(), lists: &lists };
    let bank: Box<dyn Voices> = match width {
        1 => make.bank::<f32>(shape, voice_shape),
        8 => make.bank::<Wide<8>>(shape, voice_shape),
        16 => make.bank::<Wide<16>>(shape, voice_shape),
        _ => make.bank::<Wide<32>>(shape, voice_shape),
    };

    let nobody = || Knob::new(0.0, 0, false, Musical::Length, None);
    let mut running = numbers.knobs.empty();
    running.extend(layout.drafts.iter().map(|draft| if draft.is_someones() { draft.make(options.tempo) } else { nobody() }));
    for (knob, wire) in running.iter().zip(&mut part.wires) {
        knob.show(wire);
    }
    let outline = Outline { knobs: layout.drafts.iter().map(|draft| draft.outline).collect(), lists: list_names, voices, layout };
    let plan = SlotPlan {
        active: touched_room(running.len()),
        touched: touched_room(running.len()),
        beat_knobs: (0..running.len() as u32).filter(|knob| outline.layout.drafts[*knob as usize].musical.is_some()).collect(),
        knobs: running,
        part,
        group,
        voices: bank,
        sections,
        delays,
        pulses: pulses.iter().map(|pulse| super::slot::Pulse { wire: on_global(pulse.wire), ..*pulse }).collect(),
        keys: keys.iter().map(|(source, knob)| (*source, knob_number(*knob))).collect(),
        inputs: inputs.iter().map(|pair| pair.map(on_global)).collect(),
        out: out.map(on_global),
        played: played.map(|wires| wires.map(on_global)),
        lists,
        note: note.map(|note| note.with_knobs(&knob_number)),
        fade,
        carry,
        number: 0,
        log: 0,
        stood: Stood::default(),
        restless: true,
    };
    (Box::new(plan), outline)
}

/// Room for so many numbers, in memory that is there already: the audio thread is not to be the first that touches it.
fn touched_room(count: usize) -> Vec<u32> {
    let mut room = vec![u32::MAX; count];
    room.clear();
    room
}

/// Where things stand, by what they belong to; the wires of the sends are still to get their places.
fn layout(patch: &Patch, lowering: &Lowering<'_>, numbers: &PlanNumbers, voices: (usize, usize)) -> Layout {
    let mut layout = Layout {
        sides: (0..patch.modules.len()).map(|module| lowering.sides.of_module(ModuleId(module))).collect(),
        kernels: vec![[u32::MAX; 2]; patch.modules.len()],
        sends: lowering.send_layouts.clone(),
        drafts: numbers.knobs.store(lowering.knobs.iter().copied(), KnobDraft::nobody),
        own: lowering.own.iter().zip(&numbers.own.of).map(|((knob, _), own)| (numbers.knobs.of[*knob as usize], *own)).collect(),
        voices,
        global: numbers.global.sizes(),
        voice: numbers.voice.sizes(),
        knob_size: (numbers.knobs.count, numbers.knobs.room),
        own_size: (numbers.own.count, numbers.own.room),
        ..Layout::default()
    };
    layout.sums.reserve(lowering.global.sums.len() + lowering.voice.sums.len());
    for (part, numbers, voice) in [(&lowering.global, &numbers.global, false), (&lowering.voice, &numbers.voice, true)] {
        for (kernel, number) in part.kernels.iter().zip(&numbers.kernels.of) {
            layout.kernels[usize::from(kernel.shape.module)][usize::from(kernel.side)] = *number;
        }
        layout.sums.extend(part.sum_keys.iter().copied().zip(numbers.sums.of.iter().copied()));
        let feedbacks = part.feedback_keys.iter().zip(&numbers.feedbacks.of);
        layout.feedbacks.extend(feedbacks.map(|((module, output, side), number)| ((*module, *output, *side, voice), *number)));
    }
    layout.knobs.reserve(lowering.knobs.len());
    for (draft, number) in lowering.knobs.iter().zip(&numbers.knobs.of) {
        let owner = draft.outline.owner;
        layout.knobs.insert(carry::knob_key(owner, draft.smooth), *number);
        if let KnobOwner::Control(control, _) = owner {
            layout.first.entry(control).or_insert(*number);
        }
    }
    layout
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

/// What one group of a part keeps, as if newly made; from a voice on.
fn make_group<L: Width>(
    patch: &Patch,
    shape: &PartShape,
    numbers: &PartNumbers,
    own: Vec<Own<L>>,
    (options, flows, voice): (&Options, &Flows, usize),
) -> Group<L> {
    let made = shape.kernels.iter().map(|kernel| match patch.modules.get(usize::from(kernel.module)) {
        Some(module) => {
            let prepare = Prepare { rate: options.rate, seed: kernel.seed, voice, settings: &module.settings, flows };
            L::build(&module.kind.build, &prepare, options.level)
        }
        None => Box::new(Nobody),
    });
    let mut kernels = numbers.kernels.empty();
    kernels.extend(made);
    let mut sums = numbers.sums.empty();
    sums.resize(numbers.sums.count, SumState::default());
    let mut recalls = numbers.feedbacks.empty();
    recalls.resize(numbers.feedbacks.count, L::default());
    Group { kernels, sums, recalls, own, sleep: Sleep::new(&shape.watches) }
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

impl Width for Wide<32> {
    fn build(build: &Build, prepare: &Prepare<'_>, level: Level) -> Box<dyn Kernel<Self>> {
        match build {
            Build::PerVoice { thirty_two, .. } => thirty_two(prepare, level),
            Build::Global(_) => unreachable!("checking a patch keeps global kinds out of the voices"),
        }
    }
}

struct Make<'a> {
    patch: &'a Patch,
    numbers: &'a PlanNumbers,
    options: &'a Options,
    flows: &'a Flows,
    fade: u32,
    wires: usize,
    lists: &'a [List],
}

impl Make<'_> {
    fn bank<L: Width>(&self, shape: BankShape, part: PartShape) -> Box<dyn Voices> {
        let groups = (0..shape.voices.div_ceil(L::WIDTH))
            .map(|group| {
                let mut own: Vec<Own<L>> = self.numbers.own.empty();
                own.extend((0..self.numbers.own.count as u32).map(|wire| Own { wire, ..Own::default() }));
                make_group(self.patch, &part, &self.numbers.voice, own, (self.options, self.flows, group * L::WIDTH))
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
pub fn fixed_settings(module: &crate::patch::Module) -> impl Iterator<Item = &SettingValue> {
    module.settings.0.iter().zip(module.kind.settings).filter(|(_, setting)| !setting.is_list()).map(|(value, _)| value)
}

/// The seed of a module's side. `[control]`
pub(super) fn seed_of(name: &str, side: u8) -> Seed {
    Seed::of_name(name).with(u64::from(side))
}

/// A knob before it runs.
#[derive(Clone, Copy, Debug)]
pub struct KnobDraft {
    /// What it is.
    pub outline: KnobOutline,
    /// Frames in which a turn arrives.
    pub smooth: u32,
    /// Fires for one frame instead of staying.
    pub trigger: bool,
    /// How its number follows the tempo, if it can.
    pub musical: Option<Musical>,
}

impl KnobDraft {
    /// Of a number that no knob has.
    fn nobody() -> Self {
        let outline = KnobOutline { owner: KnobOwner::Nobody, value: 0.0, beats: None, event: false };
        Self { outline, smooth: 0, trigger: false, musical: None }
    }

    fn is_someones(&self) -> bool {
        self.outline.owner != KnobOwner::Nobody
    }

    /// Whether a knob made of another is the same, whoever's it is. `[control]`
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let made = |draft: &Self| {
            let factor = matches!(draft.outline.owner, KnobOwner::Control(_, Count::Factor));
            (draft.outline.value.to_bits(), draft.outline.beats, draft.smooth, draft.trigger, draft.musical, factor)
        };
        made(self) == made(other)
    }

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
