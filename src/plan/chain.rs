//! Chains of modules that only multiply: one step keeps the signal in registers from the first to the last.
//!
//! A chain's own steps stand behind its marker in the part and are worked out as ever where a level moves, a jump fades or what comes
//! in stands still; else the marker works out all of them at once, with the same bits: the products are taken in the same order, and of
//! the zeros that sums begin with only the last can be told from what it is added to, by the sign of a zero.

use std::any::Any;
use std::fmt;

use super::draft::PartDraft;
use super::part::{PartShape, Span, Step};
use super::sum::{Depth, Factor, Finish, SumShape, SumState};
use crate::base::time::BLOCK;
use crate::dsp::lanes::{Lanes, Wide};
use crate::module::{Signal, Wire};

/// One module of a chain.
#[derive(Clone, Copy)]
pub struct Link {
    /// The sum of what it multiplies, by number.
    sum: u32,
    /// Its kernel, by number.
    kernel: u32,
    /// What multiplies, of its second input.
    gain: fn(f32) -> f32,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({}, {})", self.sum, self.kernel)
    }
}

/// A chain of a part, first module first. Its steps are two for each link, the sum and the kernel.
#[derive(Clone, Debug)]
pub struct ChainShape(Vec<Link>);

impl ChainShape {
    /// The same, its sums and kernels named by their numbers. `[control]`
    pub fn with_numbers(mut self, sums: &[u32], kernels: &[u32]) -> Self {
        for link in &mut self.0 {
            (link.sum, link.kernel) = (sums[link.sum as usize], kernels[link.kernel as usize]);
        }
        self
    }

    /// How many steps stand behind the marker. `[audio]`
    pub fn steps(&self) -> usize {
        2 * self.0.len()
    }
}

/// Finds the chains of a part, and has the steps of each stand together behind a marker. A link is a kernel that `gain_of` knows,
/// whose first input is one source by numbers and knobs and whose second is knobs alone; what is between two links, nobody else
/// reads. `[control]`
pub fn gather(draft: &mut PartDraft, gain_of: &dyn Fn(usize) -> Option<fn(f32) -> f32>) {
    let readers = draft.readers();
    let mut sum_of = vec![None; draft.pinned.len()];
    for (number, sum) in draft.sums.iter().enumerate() {
        sum_of[sum.out as usize] = Some(number);
    }
    let alone = |wire: u32| !draft.pinned[wire as usize] && readers[wire as usize] == 1;
    let knob = |factor: &Factor| matches!(factor, Factor::Wire(wire) if draft.stands(*wire));
    let stands = |depth: &Depth| match depth {
        Depth::Fixed(_) => true,
        Depth::Knob(factor) => knob(factor),
    };
    // What a kernel multiplies, where it is a link: its sum, and the wire that this takes.
    let source = |number: usize| {
        let ([input, level], [_]) = (&draft.kernels[number].shape.inputs[..], &draft.kernels[number].shape.outputs[..]) else {
            return None;
        };
        let sum = sum_of[*input as usize].filter(|_| alone(*input) && draft.still_wires.contains(level))?;
        let SumShape { base, products, finish: Finish::Signal, .. } = &draft.sums[sum] else { return None };
        match &products[..] {
            [product] if stands(base) && stands(&product.depth) => match &product.factors[..] {
                [factor @ Factor::Wire(wire)] if !knob(factor) => Some((sum, *wire)),
                _ => None,
            },
            _ => None,
        }
    };
    let mut chains: Vec<ChainShape> = Vec::new();
    // By kernel: the chain that it stands in; by wire: the chain that ends there, if it can go on.
    let mut chain_of = vec![None; draft.kernels.len()];
    let mut sum_stands_in = vec![false; draft.sums.len()];
    let mut end_of = vec![None; draft.pinned.len()];
    for span in draft.spans.iter().filter(|span| !span.cycle) {
        end_of.iter_mut().for_each(|end| *end = None);
        for step in &draft.steps[span.steps.start as usize..span.steps.end as usize] {
            let Step::Kernel(kernel) = *step else { continue };
            let (Some(gain), Some((sum, from))) = (gain_of(kernel as usize), source(kernel as usize)) else { continue };
            let link = Link { sum: sum as u32, kernel, gain };
            let number = match end_of[from as usize].filter(|_| alone(from)) {
                Some(number) => number,
                None => {
                    chains.push(ChainShape(Vec::new()));
                    chains.len() - 1
                }
            };
            chains[number].0.push(link);
            chain_of[kernel as usize] = Some(number);
            sum_stands_in[sum] = true;
            end_of[draft.kernels[kernel as usize].shape.outputs[0] as usize] = Some(number);
        }
    }
    let mut steps = Vec::with_capacity(draft.steps.len() + chains.len());
    let mut spans = Vec::with_capacity(draft.spans.len());
    for span in &draft.spans {
        let start = steps.len() as u32;
        for step in &draft.steps[span.steps.start as usize..span.steps.end as usize] {
            match *step {
                Step::Sum(sum) if sum_stands_in[sum as usize] => {}
                Step::Kernel(kernel) => match chain_of[kernel as usize] {
                    // All of a chain stands where its last link stood: what that reads has been worked out by then.
                    Some(number) => {
                        let links = &chains[number].0;
                        if links.last().is_some_and(|link| link.kernel == kernel) {
                            steps.push(Step::Chain(number as u32));
                            steps.extend(links.iter().flat_map(|link| [Step::Sum(link.sum), Step::Kernel(link.kernel)]));
                        }
                    }
                    None => steps.push(*step),
                },
                _ => steps.push(*step),
            }
        }
        spans.push(Span { steps: start..steps.len() as u32, cycle: span.cycle });
    }
    (draft.steps, draft.spans, draft.chains) = (steps, spans, chains);
}

/// What is known of a chain's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    /// Nothing: something moves, or nobody has looked.
    #[default]
    Unknown,
    /// They stand.
    Stands,
    /// They stand as they cannot be worked out at once.
    Unfit,
}

/// A chain as it runs.
#[derive(Default)]
pub struct Chain {
    state: State,
    /// By link: depth and gain.
    numbers: Vec<(f32, f32)>,
    /// All of them but the last gain, in order, without ones.
    factors: Vec<f32>,
    /// The last frame that came in, where the sums' own were not kept.
    last: Option<f32>,
}

impl Chain {
    /// Room for all it needs. `[control]`
    pub fn new(shape: &ChainShape) -> Self {
        let links = shape.0.len();
        Self { numbers: Vec::with_capacity(links), factors: Vec::with_capacity(2 * links), ..Self::default() }
    }

    /// Works out all of the chain at once; false where that cannot be, and nothing has happened. `turned`: numbers may not stand as they
    /// did. `[audio]`
    #[inline(always)]
    #[allow(clippy::ptr_arg, reason = "what it holds is only known by its own type, not as a slice")]
    pub fn run<L: Lanes>(
        &mut self,
        (shape, part): (&ChainShape, &PartShape),
        sums: &[SumState<L>],
        wires: &mut Vec<Wire<L>>,
        (from, to): (usize, usize),
        turned: bool,
    ) -> bool {
        self.last = None;
        // One lane: there frames stand side by side in registers.
        let Some(wires) = (wires as &mut dyn Any).downcast_mut::<Vec<Wire<f32>>>() else { return false };
        if turned {
            self.state = State::Unknown;
        }
        if self.state == State::Unknown {
            self.look(shape, part, sums, wires);
        }
        if self.state == State::Stands {
            self.last = self.multiply(shape, part, wires, from, to);
        }
        self.last.is_some()
    }

    /// Looks whether all numbers stand.
    #[inline(never)]
    fn look<L: Lanes>(&mut self, shape: &ChainShape, part: &PartShape, sums: &[SumState<L>], wires: &[Wire<f32>]) {
        let held = |wire: u32| wires[wire as usize].signal(0, 1).held();
        let number = |depth: Depth| match depth {
            Depth::Fixed(x) => Some(x),
            Depth::Knob(Factor::Wire(wire)) => held(wire),
            Depth::Knob(_) => None,
        };
        self.numbers.clear();
        self.factors.clear();
        for link in &shape.0 {
            let sum = &part.sums[link.sum as usize];
            let level = part.kernels[link.kernel as usize].inputs[1];
            let (Some(base), Some(depth), Some(level)) = (number(sum.base), number(sum.products[0].depth), held(level)) else { return };
            if sums[link.sum as usize].fade.active() {
                return;
            }
            let gain = (link.gain)(level);
            if base.to_bits() != 0 || !depth.is_finite() || !gain.is_finite() {
                self.state = State::Unfit;
                return;
            }
            self.numbers.push((depth, gain));
            self.factors.extend([depth, gain].into_iter().filter(|x| *x != 1.0));
        }
        // The last gain stands by itself, behind the last zero that is added.
        if self.numbers.last().is_some_and(|(_, gain)| *gain != 1.0) {
            self.factors.pop();
        }
        self.state = State::Stands;
    }

    /// Gives the last frame that came in, where it is done.
    #[inline(always)]
    fn multiply(&self, shape: &ChainShape, part: &PartShape, wires: &mut [Wire<f32>], from: usize, to: usize) -> Option<f32> {
        let (first, last, (_, gain)) = (shape.0.first()?, shape.0.last()?, *self.numbers.last()?);
        let Some(Factor::Wire(input)) = part.sums[first.sum as usize].products[0].factors.first() else { return None };
        let Signal::Moving(frames) = wires[*input as usize].signal(from, to) else { return None };
        let before = *frames.last()?;
        // What comes in may lie where the end of the chain goes, so nothing is written before all is known.
        let mut x = [0.0; BLOCK];
        let x = &mut x[..to - from];
        match (<&[f32; BLOCK]>::try_from(frames), <&mut [f32; BLOCK]>::try_from(&mut *x)) {
            (Ok(frames), Ok(x)) => whole(frames, x, &self.factors, gain),
            _ => some(frames, x, &self.factors, gain),
        }
        // The guard looks at the last frame of a tile, and what is no number once is none at the end: who did it is found one by one.
        if to == BLOCK && !x[to - from - 1].is_finite() {
            return None;
        }
        let wire = &mut wires[part.kernels[last.kernel as usize].outputs[0] as usize];
        wire.tile.as_mut()?[from..to].copy_from_slice(x);
        wire.held = false;
        Some(before)
    }

    /// Puts the last frames of the sums where they would stand if each had been worked out. `[audio]`
    pub fn settle<L: Lanes>(&mut self, shape: &ChainShape, sums: &mut [SumState<L>]) {
        let Some(mut x) = self.last.take() else { return };
        for (link, (depth, gain)) in shape.0.iter().zip(&self.numbers) {
            let sum = 0.0 + depth * x;
            sums[link.sum as usize].last = L::splat(sum);
            x = sum * gain;
        }
    }
}

/// A whole block, multiplied by each factor in turn and by the last behind a zero.
#[inline(always)]
fn whole(frames: &[f32; BLOCK], out: &mut [f32; BLOCK], factors: &[f32], gain: f32) {
    let wide = |at: usize| Wide::<16>::from_fn(|lane| frames[16 * at + lane]);
    let (mut a, mut b, mut c, mut d) = (wide(0), wide(1), wide(2), wide(3));
    for factor in factors {
        let factor = Wide::splat(*factor);
        (a, b, c, d) = (a * factor, b * factor, c * factor, d * factor);
    }
    let (zero, gain) = (Wide::splat(0.0), Wide::splat(gain));
    for (at, x) in [a, b, c, d].into_iter().enumerate() {
        let x = (zero + x) * gain;
        for lane in 0..16 {
            out[16 * at + lane] = x.0[lane];
        }
    }
}

/// Some frames, in the same way.
#[inline(always)]
fn some(frames: &[f32], out: &mut [f32], factors: &[f32], gain: f32) {
    out.copy_from_slice(frames);
    for factor in factors {
        out.iter_mut().for_each(|x| *x *= factor);
    }
    out.iter_mut().for_each(|x| *x = (0.0 + *x) * gain);
}
