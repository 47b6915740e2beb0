//! An input's sum: base plus products, one pass a term over the tile, ending in the input's unit.
//!
//! Products are taken from left to right and terms are added in the order written, whatever is held and whatever moves: so the
//! bits never depend on it.

use super::ramp::{Fade, LaneRamp};
use crate::base::time::BLOCK;
use crate::base::units::C4_HZ;
use crate::dsp::lanes::{LaneMask, Lanes};
use crate::dsp::math::LaneMath;
use crate::module::isa::Work;
use crate::module::{Signal, Wire};

/// Where a factor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// A wire of the same part.
    Wire(u32),
    /// A wire of the global part, the same for every voice.
    Global(u32),
    /// A knob's wire of the global part, in place of which a note may have a value of its own.
    Own {
        /// The knob's wire.
        wire: u32,
        /// Which of the group's own values.
        own: u32,
    },
}

/// What multiplies a term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Depth {
    /// A number that nobody can turn.
    Fixed(f32),
    /// A knob.
    Knob(Factor),
}

/// One product.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// What multiplies it.
    pub depth: Depth,
    /// Its factors, left to right.
    pub factors: Vec<Factor>,
}

/// What is done to the sum at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finish {
    /// Nothing: a signal.
    Signal,
    /// Octaves become Hz, kept within a range [Hz].
    Hertz(f32, f32),
    /// Kept within a range.
    Range(f32, f32),
}

/// What does not change while a plan runs.
#[derive(Clone, Debug, PartialEq)]
pub struct SumShape {
    /// The number it begins with.
    pub base: Depth,
    /// What is added, in order.
    pub products: Vec<Product>,
    /// What is done at the end.
    pub finish: Finish,
    /// The wire it writes.
    pub out: u32,
}

/// What one group of voices keeps of a sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct SumState<L> {
    /// The last frame, before the finish.
    pub last: L,
    /// What is left of a jump.
    pub fade: Fade<L>,
}

/// Values that notes have been given in place of a knob's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own<L> {
    /// The lanes that have one.
    pub lanes: LaneMask,
    /// The values.
    pub ramp: LaneRamp<L>,
    /// Its frames of this block stand in a wire of the part.
    pub wire: u32,
}

/// One sum over some frames of a tile.
pub struct SumWork<'a, L: Lanes> {
    /// What to add up.
    pub shape: &'a SumShape,
    /// What the group keeps.
    pub state: &'a mut SumState<L>,
    /// The part's wires.
    pub wires: &'a mut [Wire<L>],
    /// The global part's wires; empty where the part is the global one.
    pub global: &'a [Wire<f32>],
    /// The group's own values.
    pub own: &'a [Own<L>],
    /// Room for a product.
    pub scratch: &'a mut [L; BLOCK],
    /// First frame of the tile.
    pub from: usize,
    /// Past the last frame.
    pub to: usize,
    /// Frames in which a jump fades.
    pub fade: u32,
}

/// A factor over some frames.
#[derive(Clone, Copy)]
enum Run<'a, L> {
    Held(L),
    Moving(&'a [L]),
    /// The same in every lane.
    Splat(&'a [f32]),
    /// The same in every lane, but for those that have their own.
    Own(&'a [f32], Signal<'a, L>, LaneMask),
    /// The same, where the knob stands still.
    OwnHeld(f32, Signal<'a, L>, LaneMask),
}

impl<L: Lanes> Run<'_, L> {
    #[inline(always)]
    fn at(&self, frame: usize) -> L {
        match self {
            Self::Held(x) => *x,
            Self::Moving(frames) => frames[frame],
            Self::Splat(frames) => L::splat(frames[frame]),
            Self::Own(frames, own, lanes) => own.at(frame).pick(*lanes, L::splat(frames[frame])),
            Self::OwnHeld(x, own, lanes) => own.at(frame).pick(*lanes, L::splat(*x)),
        }
    }
}

#[inline(always)]
fn each<L: Lanes>(run: &Run<'_, L>, frames: &mut [L], f: impl Fn(&mut L, L)) {
    match run {
        Run::Held(x) => frames.iter_mut().for_each(|frame| f(frame, *x)),
        Run::Moving(xs) => frames.iter_mut().zip(*xs).for_each(|(frame, x)| f(frame, *x)),
        Run::Splat(xs) => frames.iter_mut().zip(*xs).for_each(|(frame, x)| f(frame, L::splat(*x))),
        _ => frames.iter_mut().enumerate().for_each(|(at, frame)| f(frame, run.at(at))),
    }
}

#[inline(always)]
fn source<'a, L: Lanes>(
    wires: &'a [Wire<L>],
    global: &'a [Wire<f32>],
    own: &[Own<L>],
    factor: Factor,
    from: usize,
    to: usize,
) -> Run<'a, L> {
    let splat = |wire: u32| match global[wire as usize].signal(from, to) {
        Signal::Held(x) => Run::Held(L::splat(x)),
        Signal::Moving(frames) => Run::Splat(frames),
    };
    match factor {
        Factor::Wire(wire) => match wires[wire as usize].signal(from, to) {
            Signal::Held(x) => Run::Held(x),
            Signal::Moving(frames) => Run::Moving(frames),
        },
        Factor::Global(wire) => splat(wire),
        Factor::Own { wire, own: number } => {
            let own = &own[number as usize];
            if own.lanes.is_empty() {
                return splat(wire);
            }
            let mine = wires[own.wire as usize].signal(from, to);
            match (global[wire as usize].signal(from, to), mine) {
                (Signal::Held(x), Signal::Held(own_x)) => Run::Held(own_x.pick(own.lanes, L::splat(x))),
                (Signal::Held(x), mine) => Run::OwnHeld(x, mine, own.lanes),
                (Signal::Moving(frames), mine) => Run::Own(frames, mine, own.lanes),
            }
        }
    }
}

impl<L: Lanes> Work for SumWork<'_, L> {
    #[inline(always)]
    fn work(self) {
        let Self { shape, state, wires, global, own, scratch, from, to, fade } = self;
        let Some(mut tile) = wires[shape.out as usize].tile.take() else { return };
        let depth = |depth: Depth| match depth {
            Depth::Fixed(x) => Run::Held(L::splat(x)),
            Depth::Knob(factor) => source(wires, global, own, factor, from, to),
        };
        let scratch = &mut scratch[..to - from];

        // What stands still is added up once; from the first that moves, frame by frame.
        let base = depth(shape.base);
        let mut held = match base {
            Run::Held(x) => Some(x),
            _ => None,
        };
        let out = &mut tile[from..to];
        if held.is_none() {
            each(&base, out, |frame, x| *frame = x);
        }
        for product in &shape.products {
            let mut still = match depth(product.depth) {
                Run::Held(x) => Some(x),
                moving => {
                    each(&moving, scratch, |frame, x| *frame = x);
                    None
                }
            };
            let (last, first) = match product.factors.split_last() {
                Some((last, first)) => (source(wires, global, own, *last, from, to), first),
                None => (Run::Held(L::splat(1.0)), &[][..]),
            };
            for factor in first {
                let factor = source(wires, global, own, *factor, from, to);
                still = match (still, factor) {
                    (Some(x), Run::Held(y)) => Some(x * y),
                    (Some(x), factor) => {
                        each(&factor, scratch, |frame, y| *frame = x * y);
                        None
                    }
                    (None, factor) => {
                        each(&factor, scratch, |frame, y| *frame = *frame * y);
                        None
                    }
                };
            }
            held = match (held, still, last) {
                (Some(sum), Some(x), Run::Held(y)) => Some(sum + x * y),
                (Some(sum), Some(x), last) => {
                    each(&last, out, |frame, y| *frame = sum + x * y);
                    None
                }
                (None, Some(x), last) => {
                    each(&last, out, |frame, y| *frame = *frame + x * y);
                    None
                }
                (sum, None, last) => {
                    if let Some(sum) = sum {
                        out.fill(sum);
                    }
                    each(&last, scratch, |frame, y| *frame = *frame * y);
                    out.iter_mut().zip(&*scratch).for_each(|(frame, x)| *frame = *frame + *x);
                    None
                }
            };
        }

        if state.fade.active() {
            if let Some(sum) = held.take() {
                out.fill(sum);
            }
            for frame in out.iter_mut() {
                *frame = state.fade.frame(*frame, state.last, fade);
                state.last = *frame;
            }
        }
        match held {
            Some(sum) => {
                state.last = sum;
                tile[0] = finished(shape.finish, sum);
            }
            None => {
                state.last = out[to - from - 1];
                match shape.finish {
                    Finish::Signal => {}
                    Finish::Hertz(low, high) => out.iter_mut().for_each(|x| *x = hertz(*x, low, high)),
                    Finish::Range(low, high) => out.iter_mut().for_each(|x| *x = x.clamp(low, high)),
                }
            }
        }
        let wire = &mut wires[shape.out as usize];
        wire.tile = Some(tile);
        wire.held = held.is_some();
    }
}

#[inline(always)]
fn hertz<L: Lanes>(x: L, low: f32, high: f32) -> L {
    (x.exp2() * L::splat(C4_HZ as f32)).clamp(low, high)
}

#[inline(always)]
fn finished<L: Lanes>(finish: Finish, x: L) -> L {
    match finish {
        Finish::Signal => x,
        Finish::Hertz(low, high) => hertz(x, low, high),
        Finish::Range(low, high) => x.clamp(low, high),
    }
}
