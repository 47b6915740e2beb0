//! Choirs: many steady sines that are only added up. One step works out all of them and their sum in registers, so that nothing is written
//! but the sum.
//!
//! A choir's own steps stand behind its marker and are worked out as ever while something is turned, a jump fades, a block is cut or a voice
//! is not steady; else the marker works out all of them, with the same bits: each frame's terms are added in the same order.

use super::draft::PartDraft;
use super::part::{PartShape, Span, Step};
use super::sum::{Depth, Factor, Finish, SumState};
use crate::base::time::BLOCK;
use crate::dsp::ints::Ints;
use crate::dsp::lanes::{Lanes, Wide};
use crate::dsp::math::sin_of_place;
use crate::module::{Kernel, Tone, Wire};

/// Terms from which on it is worth a marker.
const LEAST: usize = 8;

/// A choir of a part: its kernels in the order in which their sum adds them, then the sum.
#[derive(Clone, Debug)]
pub struct ChoirShape {
    kernels: Vec<u32>,
    sum: u32,
}

impl ChoirShape {
    /// The same, its sum and kernels named by their numbers. `[control]`
    pub fn with_numbers(mut self, sums: &[u32], kernels: &[u32]) -> Self {
        self.sum = sums[self.sum as usize];
        self.kernels.iter_mut().for_each(|kernel| *kernel = kernels[*kernel as usize]);
        self
    }

    /// How many steps stand behind the marker. `[audio]`
    pub fn steps(&self) -> usize {
        self.kernels.len() + 1
    }
}

/// Finds the choirs of a part, and has the steps of each stand together behind a marker: sums of single sources, each times a number or a
/// knob, of modules that have one output heard, by this sum alone, and inputs by numbers and knobs. `[control]`
pub fn gather(draft: &mut PartDraft) {
    let readers = draft.readers();
    let mut source = vec![None; draft.pinned.len()];
    for (number, kernel) in draft.kernels.iter().enumerate() {
        if let ([at], true) = (&kernel.shape.heard[..], kernel.shape.inputs.iter().all(|wire| draft.stands(*wire))) {
            source[kernel.shape.outputs[*at as usize] as usize] = Some(number as u32);
        }
    }
    let still = |depth: &Depth| match depth {
        Depth::Fixed(_) => true,
        Depth::Knob(Factor::Wire(wire)) => draft.stands(*wire),
        Depth::Knob(_) => false,
    };
    let mut choirs: Vec<ChoirShape> = Vec::new();
    let mut choir_of = vec![None; draft.sums.len()];
    let mut sings = vec![false; draft.kernels.len()];
    for span in draft.spans.iter().filter(|span| !span.cycle) {
        let steps = &draft.steps[span.steps.start as usize..span.steps.end as usize];
        let mut here = vec![false; draft.kernels.len()];
        for step in steps {
            match *step {
                Step::Kernel(number) => here[number as usize] = true,
                Step::Sum(number) => {
                    let sum = &draft.sums[number as usize];
                    if sum.finish != Finish::Signal || sum.products.len() < LEAST || !still(&sum.base) {
                        continue;
                    }
                    let kernel = |product: &super::sum::Product| match product.factors[..] {
                        [Factor::Wire(wire)] if still(&product.depth) && !draft.stands(wire) => {
                            let alone = !draft.pinned[wire as usize] && readers[wire as usize] == 1;
                            source[wire as usize].filter(|kernel| alone && here[*kernel as usize])
                        }
                        _ => None,
                    };
                    if let Some(kernels) = sum.products.iter().map(kernel).collect::<Option<Vec<u32>>>() {
                        kernels.iter().for_each(|kernel| sings[*kernel as usize] = true);
                        choir_of[number as usize] = Some(choirs.len() as u32);
                        choirs.push(ChoirShape { kernels, sum: number });
                    }
                }
                _ => {}
            }
        }
    }
    let mut steps = Vec::with_capacity(draft.steps.len() + choirs.len());
    let mut spans = Vec::with_capacity(draft.spans.len());
    for span in &draft.spans {
        let start = steps.len() as u32;
        for step in &draft.steps[span.steps.start as usize..span.steps.end as usize] {
            match *step {
                Step::Kernel(kernel) if sings[kernel as usize] => {}
                Step::Sum(sum) => {
                    // All of a choir stands where its sum stood.
                    if let Some(number) = choir_of[sum as usize] {
                        steps.push(Step::Choir(number));
                        steps.extend(choirs[number as usize].kernels.iter().map(|kernel| Step::Kernel(*kernel)));
                    }
                    steps.push(*step);
                }
                _ => steps.push(*step),
            }
        }
        spans.push(Span { steps: start..steps.len() as u32, cycle: span.cycle });
    }
    (draft.steps, draft.spans, draft.choirs) = (steps, spans, choirs);
}

/// A choir as it runs.
#[derive(Default)]
pub struct Choir {
    tones: Vec<Tone>,
    depths: Vec<f32>,
    base: f32,
    /// It sings, and for so many frames: its kernels do not know of them yet.
    sung: Option<usize>,
    /// Who was not steady when it was last asked.
    unsteady: usize,
}

impl Choir {
    /// Room for all it needs. `[control]`
    pub fn new(shape: &ChoirShape) -> Self {
        let voices = shape.kernels.len();
        Self { tones: Vec::with_capacity(voices), depths: Vec::with_capacity(voices), ..Self::default() }
    }

    /// Works out a whole block of all of it; false where that cannot be: then its own steps are to run. `turned`: inputs or numbers may not
    /// stand as they did. `[audio]`
    #[inline(always)]
    pub fn run<L: Lanes>(
        &mut self,
        (shape, part): (&ChoirShape, &PartShape),
        kernels: &mut [Box<dyn Kernel<L>>],
        sums: &mut [SumState<L>],
        wires: &mut [Wire<L>],
        (frames, turned): (usize, bool),
    ) -> bool {
        let state = &mut sums[shape.sum as usize];
        if L::WIDTH > 1 || turned || frames < BLOCK || state.fade.active() || !self.begin((shape, part), kernels, wires) {
            self.settle(shape, kernels);
            return false;
        }
        let wire = &mut wires[part.sums[shape.sum as usize].out as usize];
        let Some(out) = &mut wire.tile else {
            self.settle(shape, kernels);
            return false;
        };
        self.sing(out);
        wire.held = false;
        state.last = out[BLOCK - 1];
        self.sung = self.sung.map(|sung| sung + BLOCK);
        true
    }

    /// Whether it sings, from now on if not before.
    #[inline(never)]
    fn begin<L: Lanes>(&mut self, (shape, part): (&ChoirShape, &PartShape), kernels: &[Box<dyn Kernel<L>>], wires: &[Wire<L>]) -> bool {
        if self.sung.is_some() {
            return true;
        }
        let tone = |at: usize| kernels[shape.kernels[at] as usize].tone();
        if tone(self.unsteady).is_none() {
            return false;
        }
        let number = |depth: Depth| match depth {
            Depth::Fixed(x) => Some(x),
            Depth::Knob(Factor::Wire(wire)) => wires[wire as usize].stands().map(|x| x.lane(0)),
            Depth::Knob(_) => None,
        };
        let sum = &part.sums[shape.sum as usize];
        // From −0 on the sign of a zero that is added would count.
        let Some(base) = number(sum.base).filter(|base| base.to_bits() != (-0.0f32).to_bits()) else { return false };
        self.base = base;
        self.tones.clear();
        self.depths.clear();
        for (at, product) in sum.products.iter().enumerate() {
            let (Some(tone), Some(depth)) = (tone(at), number(product.depth)) else {
                self.unsteady = at;
                return false;
            };
            self.tones.push(tone);
            self.depths.push(depth);
        }
        self.sung = Some(0);
        true
    }

    /// A block of the sum.
    #[inline(always)]
    fn sing<L: Lanes>(&mut self, out: &mut [L; BLOCK]) {
        let mut lanes = Ints::<Wide<16>>::splat(0);
        for lane in 0..16 {
            lanes.set_lane(lane, lane as i32);
        }
        // Known numbers would be multiplied lane by lane.
        let lanes = std::hint::black_box(lanes);
        let base = Wide::<16>::splat(self.base);
        let (mut a, mut b, mut c, mut d) = (base, base, base, base);
        for (tone, depth) in self.tones.iter_mut().zip(&self.depths) {
            let depth = Wide::splat(*depth);
            let step = Ints::splat(tone.step.wrapping_mul(16));
            let place = Ints::splat(tone.place).plus(lanes.times(tone.step));
            a += depth * sine(place);
            let place = place.plus(step);
            b += depth * sine(place);
            let place = place.plus(step);
            c += depth * sine(place);
            d += depth * sine(place.plus(step));
            tone.place = tone.place.wrapping_add(tone.step.wrapping_mul(BLOCK as i32));
        }
        for (at, x) in [a, b, c, d].iter().enumerate() {
            for lane in 0..16 {
                out[16 * at + lane] = L::splat(x.0[lane]);
            }
        }
    }

    /// Tells its kernels how far they have gone. `[audio]`
    #[inline(never)]
    pub fn settle<L: Lanes>(&mut self, shape: &ChoirShape, kernels: &mut [Box<dyn Kernel<L>>]) {
        if let Some(frames) = self.sung.take().filter(|frames| *frames > 0) {
            shape.kernels.iter().for_each(|kernel| kernels[*kernel as usize].go_on(frames));
        }
    }
}

#[inline(always)]
fn sine(place: Ints<Wide<16>>) -> Wide<16> {
    place.to_lanes(sin_of_place)
}
