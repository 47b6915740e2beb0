//! The steps of one part of a patch, and one group's memory of them.

use super::chain::{Chain, ChainShape};
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
    /// One bit a declared output that something is connected to.
    pub wanted: u32,
    /// Its settings among the slot's lists.
    pub lists: Range<u32>,
    /// Decides when a voice is over.
    pub envelope: bool,
    /// Drawn from the module's name and side.
    pub seed: Seed,
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
}

impl<L: Lanes> Group<L> {
    /// Starts these lanes afresh in some spans, those of a section. `[audio]`
    ///
    /// Until then they ran along with lanes that sound, or did not, so nothing of what they were may be heard.
    pub fn reset(&mut self, shape: &PartShape, section: usize, spans: Range<usize>, lanes: LaneMask, seed: Seed) {
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
                    Step::Keep(_) | Step::Chain(_) => {}
                }
            }
        }
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
    lent: Vec<Tile<L>>,
    scratch: Box<[L; BLOCK]>,
    level: Level,
    /// How often something was turned.
    turns: u32,
    /// By section: the wires of its sums of knobs alone stand as any group has them in which no voice has values of its own.
    settled: Vec<bool>,
    /// The chains as they run, by number.
    chains: Vec<Chain>,
}

impl<L: Lanes> Part<L> {
    /// With so many wires, for a level of instructions. `[control]`
    pub fn new(shape: PartShape, wires: usize, level: Level) -> Self {
        let most = shape.kernels.iter().map(|kernel| kernel.outputs.len()).max().unwrap_or(0);
        Self {
            settled: vec![false; shape.still.len()],
            chains: shape.chains.iter().map(Chain::new).collect(),
            turns: 1,
            shape,
            wires: (0..wires).map(|_| Wire::new()).collect(),
            lent: Vec::with_capacity(most),
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

    /// Works out a section's sums of knobs alone for one group, where they do not stand as they must. `[audio]`
    pub fn run_still(&mut self, group: &mut Group<L>, section: usize, stood: &mut Stood, call: &Call<'_>) {
        let Some(settled) = self.settled.get_mut(section) else { return };
        let plain = !stood.fading && group.own.iter().all(|own| own.lanes.is_empty());
        if plain && *settled && stood.turns == self.turns {
            return;
        }
        let stands = plain && !call.turned;
        *settled = stands;
        stood.turns = if stands { self.turns } else { self.turns.wrapping_sub(1) };
        let numbers = &self.shape.still[section];
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

    /// What its chains left out of a group's sums is made up for, so that another plan can go on from them. `[audio]`
    pub fn settle(&mut self, group: &mut Group<L>) {
        for (chain, shape) in self.chains.iter_mut().zip(&self.shape.chains) {
            chain.settle(shape, &mut group.sums);
        }
    }

    /// Runs some spans for one group. `[audio]`
    pub fn run(&mut self, group: &mut Group<L>, spans: Range<usize>, call: &Call<'_>, faults: &mut Faults) {
        isa::run(self.level, SpansWork { part: self, group, spans, call, faults });
    }

    #[inline(always)]
    fn run_steps(&mut self, group: &mut Group<L>, steps: Range<usize>, call: &Call<'_>, faults: &mut Faults) {
        let from = tile_index(call.start);
        let to = from + call.frames;
        let mut steps = steps;
        while let Some(at) = steps.next() {
            match self.shape.steps[at] {
                Step::Chain(number) => {
                    let shape = &self.shape.chains[number as usize];
                    let chain = &mut self.chains[number as usize];
                    if chain.run((shape, &self.shape), &group.sums, &mut self.wires, (from, to), call.turned) {
                        steps.start += shape.steps();
                    }
                }
                Step::Sum(number) => SumWork {
                    shape: &self.shape.sums[number as usize],
                    state: &mut group.sums[number as usize],
                    wires: &mut self.wires,
                    global: call.global,
                    own: &group.own,
                    scratch: &mut self.scratch,
                    from,
                    to,
                    fade: call.fade,
                }
                .work(),
                Step::Kernel(number) => self.run_kernel(group, number as usize, call, faults),
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
        }
    }

    #[inline(always)]
    fn run_kernel(&mut self, group: &mut Group<L>, number: usize, call: &Call<'_>, faults: &mut Faults) {
        let shape = &self.shape.kernels[number];
        self.lent.clear();
        for wire in &shape.outputs {
            let wire = &mut self.wires[*wire as usize];
            wire.held = false;
            if let Some(tile) = wire.tile.take() {
                self.lent.push(tile);
            }
        }
        let from = tile_index(call.start);
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
        let still = io.still;
        // The guard looks at the last frame before a multiple of a block, so that it sees and does the same at any buffer size.
        let last = BLOCK - 1;
        if from + call.frames == BLOCK {
            let mut bad = LaneMask::NONE;
            for tile in &self.lent {
                bad = bad.or(tile[last].finite().not().lanes());
            }
            let bad = bad.and(call.lanes);
            if !bad.is_empty() {
                let guilty = shape.inputs.iter().all(|wire| {
                    let lanes = self.wires[*wire as usize].signal(last, BLOCK).at(0).finite().not().lanes();
                    lanes.and(bad).is_empty()
                });
                if guilty {
                    faults.add(shape.module, bad);
                }
                bad.lanes().for_each(|lane| group.kernels[number].reset(LaneMask::one(lane), shape.seed));
                for tile in &mut self.lent {
                    tile[last] = L::default().pick(bad, tile[last]);
                }
            }
        }
        for (at, wire) in shape.outputs.iter().enumerate().rev() {
            let wire = &mut self.wires[*wire as usize];
            wire.held = still >> at & 1 == 1;
            wire.tile = self.lent.pop();
        }
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
