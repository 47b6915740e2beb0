//! The steps of one part of a patch, and one group's memory of them.

use super::chain::{Chain, ChainShape};
use super::choir::{Choir, ChoirShape};
use super::number::Exchange;
use super::panel::lanes_of_width;
use super::ramp::Meet;
use super::sleep::{Sleep, Stir, Watches};
use super::sum::{Own, SumShape, SumState, SumWork};
use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::module::io::List;
use crate::module::isa::{self, Level, Work};
use crate::module::{Io, Kernel, Seed, Tile, Wire};
use std::ops::Range;

/// One thing done in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A sum, by its number.
    Sum(u32),
    /// A kernel, by its number.
    Kernel(u32),
    /// The frame before, from the group's memory, by the number of the feedback cable.
    Recall(u32),
    /// Remembers the last frame for [`Self::Recall`].
    Keep(u32),
    /// A chain, by its number, whose own steps follow: all of them at once, where that can be.
    Chain(u32),
    /// A choir, by number, whose own steps follow: all of them at once, where that can be.
    Choir(u32),
}

/// Steps that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which steps.
    pub steps: Range<u32>,
    /// Frame by frame, because they feed each other.
    pub cycle: bool,
}

/// A cable that closes a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The wire whose last frame is remembered.
    pub from: u32,
    /// The wire that carries it one frame later.
    pub to: u32,
}

/// A kernel's place in the plan.
#[derive(Clone, Debug)]
pub struct KernelShape {
    /// Number of the module in the patch.
    pub module: u16,
    /// Wire of each input, a stereo one two.
    pub inputs: Vec<u32>,
    /// Position of each declared input's first wire.
    pub places: Vec<u8>,
    /// Wire of each output, a stereo one two.
    pub outputs: Vec<u32>,
    /// Which of these are of outputs that something is connected to.
    pub heard: Vec<u32>,
    /// One bit a declared output that something is connected to.
    pub wanted: u32,
    /// Its settings among the slot's lists.
    pub lists: Range<u32>,
    /// Decides when a voice is over.
    pub envelope: bool,
    /// Drawn from the module's name and side.
    pub seed: Seed,
}

impl KernelShape {
    /// Of a number that no kernel has. `[control]`
    pub fn nobody() -> Self {
        let (inputs, places, outputs) = (Vec::new(), Vec::new(), Vec::new());
        Self { module: u16::MAX, inputs, places, outputs, heard: Vec::new(), wanted: 0, lists: 0..0, envelope: false, seed: Seed(0) }
    }
}

/// What stands where no kernel is.
pub struct Nobody;

impl<L: Lanes> Kernel<L> for Nobody {
    fn reset(&mut self, _: LaneMask, _: Seed) {}

    fn process(&mut self, _: &mut Io<'_, L>) {}
}

/// What goes over from a group of the plan before.
#[derive(Clone, Debug, Default)]
pub struct GroupCarry {
    /// Kernels.
    pub kernels: Exchange,
    /// Sums.
    pub sums: Exchange,
    /// How sums that go on meet the last frame of the old ones, where they may jump.
    pub meets: Vec<(u32, Meet)>,
    /// Feedback cables.
    pub feedbacks: Exchange,
}

impl GroupCarry {
    /// How many things are moved one by one. `[any]`
    pub fn work(&self) -> usize {
        self.kernels.work() + self.sums.work() + self.meets.len() + self.feedbacks.work()
    }
}

/// What never changes of a part.
#[derive(Clone, Debug, Default)]
pub struct PartShape {
    /// Everything, in order.
    pub steps: Vec<Step>,
    /// The runs of steps.
    pub spans: Vec<Span>,
    /// The sums, by number.
    pub sums: Vec<SumShape>,
    /// The kernels, by number.
    pub kernels: Vec<KernelShape>,
    /// The cables that close cycles, by number.
    pub feedbacks: Vec<Feedback>,
    /// Sums of knobs alone, by section: they are no steps, and are worked out only when something was turned. Each has a wire of its own.
    pub still: Vec<Vec<u32>>,
    /// The chains, by number.
    pub chains: Vec<ChainShape>,
    /// The choirs, by number.
    pub choirs: Vec<ChoirShape>,
    /// What the steps read and write.
    pub watches: Watches,
}

/// What a group knows of the sums of knobs alone of one section.
#[derive(Clone, Copy, Debug)]
pub struct Stood {
    /// How often something had been turned when it worked them out.
    turns: u32,
    /// Jumps may still fade in them.
    fading: bool,
}

impl Default for Stood {
    fn default() -> Self {
        // A plan that has just begun may have to meet the one before.
        Self { turns: 0, fading: true }
    }
}

/// What one group of lanes keeps from block to block.
pub struct Group<L: Lanes> {
    /// The kernels, by number.
    pub kernels: Vec<Box<dyn Kernel<L>>>,
    /// What is kept of the sums.
    pub sums: Vec<SumState<L>>,
    /// What is kept of the feedback cables.
    pub recalls: Vec<L>,
    /// Values that notes have been given in place of a knob's.
    pub own: Vec<Own<L>>,
    /// What is kept of the steps that sleep.
    pub sleep: Sleep<L>,
}

impl<L: Lanes> Group<L> {
    /// Starts these lanes afresh in some spans, those of a section. `[audio]`
    ///
    /// Until then they ran along with lanes that sound, or did not, so nothing of what they were may be heard.
    pub fn reset(&mut self, shape: &PartShape, section: usize, spans: Range<usize>, lanes: LaneMask, seed: Seed) {
        self.sleep.wake_kernels(&shape.watches);
        for number in shape.still.get(section).into_iter().flatten() {
            self.sums[*number as usize].fade.forget(lanes);
        }
        for span in &shape.spans[spans] {
            for step in &shape.steps[span.steps.start as usize..span.steps.end as usize] {
                match *step {
                    Step::Kernel(number) => {
                        let own = Seed(shape.kernels[number as usize].seed.0 ^ seed.0);
                        self.kernels[number as usize].reset(lanes, own);
                    }
                    Step::Recall(number) => {
                        let kept = &mut self.recalls[number as usize];
                        *kept = L::default().pick(lanes, *kept);
                    }
                    Step::Sum(number) => self.sums[number as usize].fade.forget(lanes),
                    Step::Keep(_) | Step::Chain(_) | Step::Choir(_) => {}
                }
            }
        }
    }

    /// Goes on as a group of the plan before. `[audio]`
    pub fn take_over(&mut self, old: &mut Self, carry: &GroupCarry) {
        carry.kernels.make(&mut self.kernels, &mut old.kernels);
        carry.sums.make_by(&mut self.sums, &mut old.sums, |sum, _| sum.begin());
        for (number, meet) in &carry.meets {
            self.sums[*number as usize].fade.expect(lanes_of_width(L::WIDTH), *meet);
        }
        carry.feedbacks.make(&mut self.recalls, &mut old.recalls);
    }

    /// The lanes in which every envelope is at rest. `[audio]`
    pub fn at_rest(&self, shape: &PartShape) -> LaneMask {
        let mut rest = LaneMask::ALL;
        for (kernel, shape) in self.kernels.iter().zip(&shape.kernels) {
            if shape.envelope {
                rest = rest.and(kernel.at_rest());
            }
        }
        rest
    }
}

/// The modules that put out what is no number, as many as are told at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    list: [(u16, LaneMask); 8],
    len: usize,
}

impl Faults {
    fn add(&mut self, module: u16, lanes: LaneMask) {
        if let Some(entry) = self.list.get_mut(self.len) {
            *entry = (module, lanes);
            self.len += 1;
        }
    }

    /// Those seen: module and lanes. `[audio]`
    pub fn iter(&self) -> impl Iterator<Item = (u16, LaneMask)> {
        self.list[..self.len].iter().copied()
    }
}

/// One call's bounds and surroundings.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Time of the first frame.
    pub start: SampleTime,
    /// How many frames.
    pub frames: usize,
    /// The global part's wires; empty where the part is the global one.
    pub global: &'a [Wire<f32>],
    /// The slot's live lists.
    pub lists: &'a [List],
    /// The lanes that sound.
    pub lanes: LaneMask,
    /// Frames in which a jump fades.
    pub fade: u32,
    /// Some knob is turned, or was when these wires were last written.
    pub turned: bool,
}

/// The steps and wires of one part.
pub struct Part<L: Lanes> {
    /// What is done.
    pub shape: PartShape,
    /// The buffers between steps.
    pub wires: Vec<Wire<L>>,
    /// What a kernel writes: its outputs that are heard change places with these while it runs.
    lent: Vec<Tile<L>>,
    scratch: Box<[L; BLOCK]>,
    level: Level,
    /// How often something was turned.
    turns: u32,
    /// By section: the wires of its sums of knobs alone stand as any group has them in which no voice has values of its own.
    settled: Vec<bool>,
    /// The chains as they run, by number.
    chains: Vec<Chain>,
    /// The choirs as they run, by number.
    choirs: Vec<Choir>,
    /// Which wires wake the steps that read them.
    stir: Stir,
}

impl<L: Lanes> Part<L> {
    /// With so many wires, for a level of instructions. `[control]`
    pub fn new(shape: PartShape, wires: usize, level: Level) -> Self {
        let most = shape.kernels.iter().map(|kernel| kernel.outputs.len()).max().unwrap_or(0);
        Self {
            settled: vec![false; shape.still.len()],
            chains: shape.chains.iter().map(Chain::new).collect(),
            choirs: shape.choirs.iter().map(Choir::new).collect(),
            turns: 1,
            stir: Stir::new(wires),
            shape,
            wires: (0..wires).map(|_| Wire::new()).collect(),
            lent: (0..most).map(|_| Box::new([L::default(); BLOCK])).collect(),
            scratch: Box::new([L::default(); BLOCK]),
            level,
        }
    }

    /// The instructions that its steps use. `[audio]`
    #[inline(always)]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Before the groups run: something was turned. `[audio]`
    pub fn turn(&mut self) {
        self.turns = self.turns.wrapping_add(1);
    }

    /// Says whether a wire, which no step writes, may carry something else than when the group was run before. `[audio]`
    pub fn stir(&mut self, wire: u32, stirs: bool) {
        self.stir.set(wire, stirs);
    }

    /// Works out a section's sums of knobs alone for one group, where they do not stand as they must; then all steps wake. `[audio]`
    pub fn run_still(&mut self, group: &mut Group<L>, section: usize, stood: &mut Stood, call: &Call<'_>) {
        let plain = !stood.fading && group.own.iter().all(|own| own.lanes.is_empty());
        if plain && self.settled.get(section).is_none_or(|settled| *settled) && stood.turns == self.turns {
            return;
        }
        group.sleep.wake();
        let stands = plain && !call.turned;
        stood.turns = if stands { self.turns } else { self.turns.wrapping_sub(1) };
        stood.fading = false;
        let Some(numbers) = self.shape.still.get(section) else { return };
        self.settled[section] = stands;
        let from = tile_index(call.start);
        let work = StillWork {
            sums: &self.shape.sums,
            numbers,
            states: &mut group.sums,
            wires: &mut self.wires,
            global: call.global,
            own: &group.own,
            scratch: &mut self.scratch,
            from,
            to: from + call.frames,
            fade: call.fade,
        };
        isa::run(self.level, work);
        stood.fading = numbers.iter().any(|number| group.sums[*number as usize].fade.active());
    }

    /// What its choirs left out of a group's kernels is made up for, so that another plan can go on from them; and what its chains left
    /// out of the sums, where it is asked how these stood. `[audio]`
    pub fn settle(&mut self, group: &mut Group<L>, sums: bool) {
        for (chain, shape) in self.chains.iter_mut().zip(&self.shape.chains).filter(|_| sums) {
            chain.settle(shape, &mut group.sums);
        }
        for (choir, shape) in self.choirs.iter_mut().zip(&self.shape.choirs) {
            choir.settle(shape, &mut group.kernels);
        }
    }

    /// Runs some spans for one group; `calm`: they are all there are, and no wire that they read from outside stirs. `[audio]`
    pub fn run(&mut self, group: &mut Group<L>, spans: Range<usize>, call: &Call<'_>, faults: &mut Faults, calm: bool) {
        if !calm {
            group.sleep.stir();
        }
        isa::run(self.level, SpansWork { part: self, group, spans, call, faults });
        if calm {
            group.sleep.settle(&self.shape.watches, &mut self.stir);
        }
    }

    #[inline(always)]
    fn run_steps(&mut self, group: &mut Group<L>, steps: Range<usize>, call: &Call<'_>, faults: &mut Faults) {
        let from = tile_index(call.start);
        let to = from + call.frames;
        let mut steps = steps;
        while let Some(at) = steps.next() {
            if group.sleep.sleeps_on(&self.shape.watches, at, &mut self.wires, &mut self.stir) {
                continue;
            }
            let mut stands = false;
            match self.shape.steps[at] {
                Step::Chain(number) => {
                    let shape = &self.shape.chains[number as usize];
                    let chain = &mut self.chains[number as usize];
                    if chain.run((shape, &self.shape), &group.sums, &mut self.wires, (from, to), call.turned) {
                        // Only the last of its steps writes what others read.
                        group.sleep.wake_some(steps.start..steps.start + shape.steps());
                        steps.start += shape.steps();
                        group.sleep.ran(&self.shape.watches, steps.start - 1, false, &self.wires, &mut self.stir);
                    }
                }
                Step::Choir(number) => {
                    let shape = &self.shape.choirs[number as usize];
                    let choir = &mut self.choirs[number as usize];
                    let (kernels, sums) = (&mut group.kernels, &mut group.sums);
                    if choir.run((shape, &self.shape), kernels, sums, &mut self.wires, (call.frames, call.turned)) {
                        group.sleep.wake_some(steps.start..steps.start + shape.steps());
                        steps.start += shape.steps();
                        group.sleep.ran(&self.shape.watches, steps.start - 1, false, &self.wires, &mut self.stir);
                    }
                }
                Step::Sum(number) => {
                    let sum = SumWork {
                        shape: &self.shape.sums[number as usize],
                        state: &mut group.sums[number as usize],
                        wires: &mut self.wires,
                        global: call.global,
                        own: &group.own,
                        scratch: &mut self.scratch,
                        from,
                        to,
                        fade: call.fade,
                    };
                    if L::WIDTH > 1 {
                        // A call of its own: within the others, what it keeps in many lanes would be handed from step to step.
                        isa::run(self.level, sum);
                    } else {
                        sum.work();
                    }
                    let out = self.shape.sums[number as usize].out;
                    stands = self.wires[out as usize].held && !group.sums[number as usize].fade.active();
                }
                Step::Kernel(number) => stands = self.run_kernel(group, number as usize, call, faults),
                Step::Recall(number) => {
                    let wire = &mut self.wires[self.shape.feedbacks[number as usize].to as usize];
                    wire.held = false;
                    if let Some(tile) = &mut wire.tile {
                        tile[from..to].fill(group.recalls[number as usize]);
                    }
                }
                Step::Keep(number) => {
                    let wire = &self.wires[self.shape.feedbacks[number as usize].from as usize];
                    group.recalls[number as usize] = wire.signal(from, to).at(call.frames - 1).or_zero();
                }
            }
            group.sleep.ran(&self.shape.watches, at, stands, &self.wires, &mut self.stir);
        }
    }

    /// Gives whether all that it puts out stands, until an input moves.
    #[inline(always)]
    fn run_kernel(&mut self, group: &mut Group<L>, number: usize, call: &Call<'_>, faults: &mut Faults) -> bool {
        let shape = &self.shape.kernels[number];
        for at in &shape.heard {
            let wire = &mut self.wires[shape.outputs[*at as usize] as usize];
            if let Some(tile) = &mut wire.tile {
                std::mem::swap(tile, &mut self.lent[*at as usize]);
            }
        }
        let mut io = Io {
            wires: &self.wires,
            inputs: &shape.inputs,
            places: &shape.places,
            outputs: &mut self.lent,
            wanted: shape.wanted,
            still: 0,
            start: call.start,
            frames: call.frames,
            lists: &call.lists[shape.lists.start as usize..shape.lists.end as usize],
        };
        group.kernels[number].process(&mut io);
        let mut still = io.still;
        let mut stands = !shape.heard.is_empty();
        let from = tile_index(call.start);
        // The guard looks at the last frame before a multiple of a block, so that it sees and does the same at any buffer size.
        if from + call.frames == BLOCK {
            let mut bad = LaneMask::NONE;
            for at in &shape.heard {
                let seen = if still >> at & 1 == 1 { from } else { BLOCK - 1 };
                let odd = self.lent[*at as usize][seen].finite().not();
                if odd.any() {
                    bad = bad.or(odd.lanes());
                }
            }
            let bad = bad.and(call.lanes);
            if !bad.is_empty() {
                self.silence(group, number, bad, &mut still, call, faults);
                stands = false;
            }
        }
        let shape = &self.shape.kernels[number];
        for at in &shape.heard {
            let wire = &mut self.wires[shape.outputs[*at as usize] as usize];
            wire.held = still >> at & 1 == 1;
            if let Some(tile) = &mut wire.tile {
                std::mem::swap(tile, &mut self.lent[*at as usize]);
                if wire.held {
                    tile[0] = tile[from];
                    // What is no number must be seen by the guard.
                    stands &= !tile[0].finite().not().any();
                }
            }
            stands &= wire.held;
        }
        stands
    }

    /// A kernel has put out what is no number: it starts afresh in these lanes, and is told of if it was given numbers.
    #[cold]
    fn silence(&mut self, group: &mut Group<L>, number: usize, bad: LaneMask, still: &mut u32, call: &Call<'_>, faults: &mut Faults) {
        let (from, last) = (tile_index(call.start), BLOCK - 1);
        let shape = &self.shape.kernels[number];
        let guilty = shape.inputs.iter().all(|wire| {
            let lanes = self.wires[*wire as usize].signal(last, BLOCK).at(0).finite().not().lanes();
            lanes.and(bad).is_empty()
        });
        if guilty {
            faults.add(shape.module, bad);
        }
        bad.lanes().for_each(|lane| group.kernels[number].reset(LaneMask::one(lane), shape.seed));
        for at in &shape.heard {
            let tile = &mut self.lent[*at as usize];
            if *still >> at & 1 == 1 {
                let held = tile[from];
                tile[from..].fill(held);
            }
            tile[last] = L::default().pick(bad, tile[last]);
        }
        *still = 0;
    }
}

/// Some spans of a part for one group: compiled as a whole, so that a step costs no call.
struct SpansWork<'a, 'b, L: Lanes> {
    part: &'a mut Part<L>,
    group: &'a mut Group<L>,
    spans: Range<usize>,
    call: &'a Call<'b>,
    faults: &'a mut Faults,
}

impl<L: Lanes> Work for SpansWork<'_, '_, L> {
    #[inline(always)]
    fn work(self) {
        let Self { part, group, spans, call, faults } = self;
        for span in spans {
            let Span { ref steps, cycle } = part.shape.spans[span];
            let steps = steps.start as usize..steps.end as usize;
            let runs = if cycle { call.frames } else { 1 };
            let frames = if cycle { 1 } else { call.frames };
            for run in 0..runs {
                let call = Call { start: call.start + (run * frames) as u64, frames, ..*call };
                part.run_steps(group, steps.clone(), &call, faults);
            }
        }
    }
}

/// Sums of knobs alone, one after another.
struct StillWork<'a, L: Lanes> {
    sums: &'a [SumShape],
    numbers: &'a [u32],
    states: &'a mut [SumState<L>],
    wires: &'a mut [Wire<L>],
    global: &'a [Wire<f32>],
    own: &'a [Own<L>],
    scratch: &'a mut [L; BLOCK],
    from: usize,
    to: usize,
    fade: u32,
}

impl<L: Lanes> Work for StillWork<'_, L> {
    #[inline(always)]
    fn work(self) {
        let Self { sums, numbers, states, wires, global, own, scratch, from, to, fade } = self;
        for number in numbers {
            let number = *number as usize;
            SumWork { shape: &sums[number], state: &mut states[number], wires, global, own, scratch, from, to, fade }.work();
        }
    }
}
