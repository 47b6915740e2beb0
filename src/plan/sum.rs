//! An input's sum: base plus products, a pass over the tile for several terms, ending in the input's unit.
//!
//! Products are taken from left to right and terms are added in the order written, whatever is held and whatever moves: so the
//! bits never depend on it.

use super::ramp::{Fade, LaneRamp};
use super::straight::{still, straight};
use crate::base::time::BLOCK;
use crate::base::units::C4_HZ;
use crate::dsp::lanes::{LaneMask, Lanes, end_frame};
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

impl<L: Lanes> SumState<L> {
    /// As if newly made. What sleeps is so but for its last frame. `[audio]`
    pub fn begin(&mut self) {
        self.last = L::default();
        if self.fade.active() {
            self.fade = Fade::default();
        }
    }
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

/// Plain loops: a closure handed on to an iterator would be compiled for the lowest level.
#[inline(always)]
fn each<L: Lanes>(run: &Run<'_, L>, frames: &mut [L], f: impl Fn(L, L) -> L) {
    match run {
        Run::Held(x) => {
            for frame in frames {
                *frame = f(*frame, *x);
                end_frame::<L>();
            }
        }
        Run::Moving(xs) => {
            for (frame, x) in frames.iter_mut().zip(*xs) {
                *frame = f(*frame, *x);
                end_frame::<L>();
            }
        }
        Run::Splat(xs) => {
            for (frame, x) in frames.iter_mut().zip(*xs) {
                *frame = f(*frame, L::splat(*x));
                end_frame::<L>();
            }
        }
        _ => {
            for (at, frame) in frames.iter_mut().enumerate() {
                *frame = f(*frame, run.at(at));
                end_frame::<L>();
            }
        }
    }
}

/// A term of one factor: what multiplies it, and its frames.
type Term<'a, L> = (L, &'a [L]);

/// Terms that are added in one pass at most.
const TERMS: usize = 8;

/// Adds a term frame by frame: to what stands there, or to a number.
#[inline(always)]
fn add_one<L: Lanes>(out: &mut [L], held: Option<L>, (depth, frames): Term<'_, L>) {
    let frames = out.iter_mut().zip(frames);
    match held {
        Some(sum) => {
            for (out, x) in frames {
                *out = sum + depth * *x;
                end_frame::<L>();
            }
        }
        None => {
            for (out, x) in frames {
                *out += depth * *x;
                end_frame::<L>();
            }
        }
    }
}

/// The same for two.
#[inline(always)]
fn add_two<L: Lanes>(out: &mut [L], held: Option<L>, a: Term<'_, L>, b: Term<'_, L>) {
    let frames = out.iter_mut().zip(a.1).zip(b.1);
    match held {
        Some(sum) => {
            for ((out, x), y) in frames {
                *out = sum + a.0 * *x + b.0 * *y;
                end_frame::<L>();
            }
        }
        None => {
            for ((out, x), y) in frames {
                *out = *out + a.0 * *x + b.0 * *y;
                end_frame::<L>();
            }
        }
    }
}

/// Adds eight to what stands there.
#[inline(always)]
fn add_eight<L: Lanes>(out: &mut [L], [a, b, c, d, e, f, g, h]: [Term<'_, L>; TERMS]) {
    let first = a.1.iter().zip(b.1).zip(c.1).zip(d.1);
    let second = e.1.iter().zip(f.1).zip(g.1).zip(h.1);
    for ((out, (((x, y), z), u)), (((v, w), p), q)) in out.iter_mut().zip(first).zip(second) {
        let sum = *out + a.0 * *x + b.0 * *y + c.0 * *z + d.0 * *u;
        *out = sum + e.0 * *v + f.0 * *w + g.0 * *p + h.0 * *q;
        end_frame::<L>();
    }
}

/// Adds the terms that wait, if any.
#[inline(always)]
fn add_waiting<L: Lanes>(out: &mut [L], held: &mut Option<L>, terms: &mut ([Term<'_, L>; TERMS], usize)) {
    let count = std::mem::take(&mut terms.1);
    if count == TERMS {
        if let Some(sum) = held.take() {
            out.fill(sum);
        }
        return add_eight(out, terms.0);
    }
    let mut at = 0;
    while at < count {
        let held = held.take();
        if at + 1 < count {
            add_two(out, held, terms.0[at], terms.0[at + 1]);
            at += 2;
        } else {
            add_one(out, held, terms.0[at]);
            at += 1;
        }
    }
}

#[inline(always)]
fn splat<L: Lanes>(global: &[Wire<f32>], wire: u32, from: usize, to: usize) -> Run<'_, L> {
    match global[wire as usize].signal(from, to) {
        Signal::Held(x) => Run::Held(L::splat(x)),
        Signal::Moving(frames) => Run::Splat(frames),
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
    match factor {
        Factor::Wire(wire) => match wires[wire as usize].signal(from, to) {
            Signal::Held(x) => Run::Held(x),
            Signal::Moving(frames) => Run::Moving(frames),
        },
        Factor::Global(wire) => splat(global, wire, from, to),
        Factor::Own { wire, own: number } => {
            let own = &own[number as usize];
            if own.lanes.is_empty() {
                return splat(global, wire, from, to);
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

#[inline(always)]
fn depth<'a, L: Lanes>(wires: &'a [Wire<L>], global: &'a [Wire<f32>], own: &[Own<L>], depth: Depth, from: usize, to: usize) -> Run<'a, L> {
    match depth {
        Depth::Fixed(x) => Run::Held(L::splat(x)),
        Depth::Knob(factor) => source(wires, global, own, factor, from, to),
    }
}

impl<L: Lanes> Work for SumWork<'_, L> {
    #[inline(always)]
    fn work(self) {
        let Self { shape, state, wires, global, own, scratch, from, to, fade } = self;
        let Some(mut tile) = wires[shape.out as usize].tile.take() else { return };
        if !state.fade.active() {
            let moves = match still(shape, wires, global, own) {
                Some(sum) => {
                    state.last = sum;
                    tile[0] = finished(shape.finish, sum);
                    Some(false)
                }
                None => straight(shape, &mut state.last, wires, global, own, (from, to), &mut tile[from..to]).then_some(true),
            };
            if let Some(moves) = moves {
                let wire = &mut wires[shape.out as usize];
                wire.tile = Some(tile);
                wire.held = !moves;
                return;
            }
        }
        let scratch = &mut scratch[..to - from];

        // What stands still is added up once; from the first that moves, frame by frame.
        let base = depth(wires, global, own, shape.base, from, to);
        let out = &mut tile[from..to];
        let mut held = match base {
            Run::Held(x) => Some(x),
            _ => {
                each(&base, out, |_, x| x);
                None
            }
        };
        let nothing: &[L] = &[];
        let mut terms = ([(L::default(), nothing); TERMS], 0);
        for product in &shape.products {
            let first = depth(wires, global, own, product.depth, from, to);
            if let (Run::Held(x), [factor]) = (first, &product.factors[..]) {
                match source(wires, global, own, *factor, from, to) {
                    Run::Held(y)
                        if terms.1 == 0
                            && let Some(sum) = held =>
                    {
                        held = Some(sum + x * y);
                        continue;
                    }
                    Run::Moving(frames) => {
                        terms.0[terms.1] = (x, frames);
                        terms.1 += 1;
                        if terms.1 == TERMS {
                            add_waiting(out, &mut held, &mut terms);
                        }
                        continue;
                    }
                    _ => {}
                }
            }
            add_waiting(out, &mut held, &mut terms);
            let mut still = match first {
                Run::Held(x) => Some(x),
                moving => {
                    each(&moving, scratch, |_, x| x);
                    None
                }
            };
            let (last, first) = match product.factors.split_last() {
                Some((last, first)) => (source(wires, global, own, *last, from, to), first),
                None => (Run::Held(L::splat(1.0)), &[][..]),
            };
            if let (Some(x), [factor], Run::Moving(ys)) = (still, first, last)
                && let Run::Moving(xs) = source(wires, global, own, *factor, from, to)
            {
                // A signal times a signal: all in one pass.
                let frames = out.iter_mut().zip(xs).zip(ys);
                match held.take() {
                    Some(sum) => {
                        for ((frame, a), b) in frames {
                            *frame = sum + x * *a * *b;
                            end_frame::<L>();
                        }
                    }
                    None => {
                        for ((frame, a), b) in frames {
                            *frame += x * *a * *b;
                            end_frame::<L>();
                        }
                    }
                }
                continue;
            }
            for factor in first {
                let factor = source(wires, global, own, *factor, from, to);
                still = match (still, factor) {
                    (Some(x), Run::Held(y)) => Some(x * y),
                    (Some(x), factor) => {
                        each(&factor, scratch, |_, y| x * y);
                        None
                    }
                    (None, factor) => {
                        each(&factor, scratch, |frame, y| frame * y);
                        None
                    }
                };
            }
            held = match (held, still, last) {
                (Some(sum), Some(x), Run::Held(y)) => Some(sum + x * y),
                (Some(sum), Some(x), last) => {
                    each(&last, out, |_, y| sum + x * y);
                    None
                }
                (None, Some(x), last) => {
                    each(&last, out, |frame, y| frame + x * y);
                    None
                }
                (sum, None, last) => {
                    if let Some(sum) = sum {
                        out.fill(sum);
                    }
                    each(&last, scratch, |frame, y| frame * y);
                    for (frame, x) in out.iter_mut().zip(&*scratch) {
                        *frame += *x;
                        end_frame::<L>();
                    }
                    None
                }
            };
        }
        add_waiting(out, &mut held, &mut terms);

        if state.fade.active() {
            if let Some(sum) = held.take() {
                out.fill(sum);
            }
            for frame in out.iter_mut() {
                *frame = state.fade.frame(*frame, state.last, fade);
                state.last = *frame;
            }
            state.fade.settle();
        }
        match held {
            Some(sum) => {
                state.last = sum;
                tile[0] = finished(shape.finish, sum);
            }
            None => {
                state.last = out[out.len() - 1];
                match shape.finish {
                    Finish::Signal => {}
                    Finish::Hertz(low, high) => {
                        for x in out {
                            *x = hertz(*x, low, high);
                            end_frame::<L>();
                        }
                    }
                    Finish::Range(low, high) => {
                        for x in out {
                            *x = x.clamp(low, high);
                            end_frame::<L>();
                        }
                    }
                }
            }
        }
        let wire = &mut wires[shape.out as usize];
        wire.tile = Some(tile);
        wire.held = held.is_some();
    }
}

#[inline(always)]
pub(super) fn hertz<L: Lanes>(x: L, low: f32, high: f32) -> L {
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
