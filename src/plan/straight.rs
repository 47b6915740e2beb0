//! The sums that most patches are made of: those in which all stands, and those of a product or two, worked out straight from the wires.
//!
//! The operations and their order are those of [`super::sum::SumWork`], so the bits are the same.

use super::sum::{Depth, Factor, Finish, Own, SumShape, hertz};
use crate::dsp::lanes::{Lanes, end_frame};
use crate::module::{Signal, Wire};

/// A number that stands, the same in every lane; `None` where it moves or a lane may have its own.
#[inline(always)]
fn number<L: Lanes>(wires: &[Wire<L>], global: &[Wire<f32>], own: &[Own<L>], depth: Depth) -> Option<f32> {
    match depth {
        Depth::Fixed(x) => Some(x),
        Depth::Knob(Factor::Global(wire)) => global[wire as usize].stands(),
        Depth::Knob(Factor::Own { wire, own: number }) if own[number as usize].lanes.is_empty() => global[wire as usize].stands(),
        // A wire of one lane is the same in every lane.
        Depth::Knob(Factor::Wire(wire)) if L::WIDTH == 1 => wires[wire as usize].stands().map(|x| x.lane(0)),
        Depth::Knob(_) => None,
    }
}

/// What a signal of the same part carries.
#[inline(always)]
fn signal<L: Lanes>(wires: &[Wire<L>], factor: Factor, (from, to): (usize, usize)) -> Option<Signal<'_, L>> {
    match factor {
        Factor::Wire(wire) => Some(wires[wire as usize].signal(from, to)),
        Factor::Global(_) | Factor::Own { .. } => None,
    }
}

/// Whether a factor carries the same number in every frame.
#[inline(always)]
fn standing<L: Lanes>(wires: &[Wire<L>], global: &[Wire<f32>], own: &[Own<L>], factor: Factor) -> bool {
    match factor {
        Factor::Wire(wire) => wires[wire as usize].held,
        Factor::Global(wire) => global[wire as usize].held,
        Factor::Own { wire, own: number } => own[number as usize].lanes.is_empty() && global[wire as usize].held,
    }
}

/// The same of a depth.
#[inline(always)]
fn standing_depth<L: Lanes>(wires: &[Wire<L>], global: &[Wire<f32>], own: &[Own<L>], depth: Depth) -> bool {
    match depth {
        Depth::Fixed(_) => true,
        Depth::Knob(factor) => standing(wires, global, own, factor),
    }
}

/// What a factor that stands carries.
#[inline(always)]
fn value<L: Lanes>(wires: &[Wire<L>], global: &[Wire<f32>], factor: Factor) -> L {
    match factor {
        Factor::Wire(wire) => wires[wire as usize].signal(0, 1).at(0),
        Factor::Global(wire) | Factor::Own { wire, .. } => L::splat(global[wire as usize].signal(0, 1).at(0)),
    }
}

/// The same of a depth.
#[inline(always)]
fn depth_value<L: Lanes>(wires: &[Wire<L>], global: &[Wire<f32>], depth: Depth) -> L {
    match depth {
        Depth::Fixed(x) => L::splat(x),
        Depth::Knob(factor) => value(wires, global, factor),
    }
}

/// The whole sum, where all of it stands. Without closures: they would be compiled for the lowest level; and nothing is worked out before it is
/// known that all stands.
#[inline(always)]
pub(super) fn still<L: Lanes>(shape: &SumShape, wires: &[Wire<L>], global: &[Wire<f32>], own: &[Own<L>]) -> Option<L> {
    if !standing_depth(wires, global, own, shape.base) {
        return None;
    }
    for product in &shape.products {
        // What moves is a signal before it is a number: that is asked first.
        for factor in &product.factors {
            if !standing(wires, global, own, *factor) {
                return None;
            }
        }
        if !standing_depth(wires, global, own, product.depth) {
            return None;
        }
    }
    let mut sum: L = depth_value(wires, global, shape.base);
    for product in &shape.products {
        let mut x: L = depth_value(wires, global, product.depth);
        for factor in &product.factors {
            x *= value(wires, global, *factor);
        }
        sum += x;
    }
    Some(sum)
}

/// Works out the sums that most patches are made of in one pass, straight from the wires: one product of one or two signals, or two of
/// one each, times numbers that stand. False where it is another.
#[inline(always)]
pub(super) fn straight<L: Lanes>(
    shape: &SumShape,
    end: &mut L,
    wires: &[Wire<L>],
    global: &[Wire<f32>],
    own: &[Own<L>],
    span: (usize, usize),
    out: &mut [L],
) -> bool {
    let products = &shape.products[..];
    let Some((first, more)) = products.split_first().filter(|(_, more)| more.len() < 2) else { return false };
    let Some(sum) = number(wires, global, own, shape.base) else { return false };
    let Some(depth) = number(wires, global, own, first.depth) else { return false };
    let (sum, depth) = (L::splat(sum), L::splat(depth));
    let last = out.len() - 1;
    // The last frame is kept as it is before the finish: worked out once more, so that no frame hands it on to the next.
    macro_rules! pass {
        ($frames:expr, $ends:expr, $frame:pat => $value:expr) => {{
            match shape.finish {
                Finish::Signal => {
                    for (out, $frame) in out.iter_mut().zip($frames) {
                        *out = $value;
                        end_frame::<L>();
                    }
                }
                Finish::Hertz(low, high) => {
                    for (out, $frame) in out.iter_mut().zip($frames) {
                        *out = hertz($value, low, high);
                        end_frame::<L>();
                    }
                }
                Finish::Range(low, high) => {
                    for (out, $frame) in out.iter_mut().zip($frames) {
                        *out = $value.clamp(low, high);
                        end_frame::<L>();
                    }
                }
            }
            let $frame = $ends;
            *end = $value;
        }};
    }
    match (&first.factors[..], more) {
        ([a], []) => {
            let Some(Signal::Moving(a)) = signal(wires, *a, span) else { return false };
            pass!(a, &a[last], a => sum + depth * *a);
        }
        ([a, b], []) => match (signal(wires, *a, span), signal(wires, *b, span)) {
            (Some(Signal::Moving(a)), Some(Signal::Moving(b))) => {
                pass!(a.iter().zip(b), (&a[last], &b[last]), (a, b) => sum + depth * *a * *b)
            }
            (Some(Signal::Moving(a)), Some(Signal::Held(b))) => pass!(a, &a[last], a => sum + depth * *a * b),
            (Some(Signal::Held(a)), Some(Signal::Moving(b))) => {
                let depth = depth * a;
                pass!(b, &b[last], b => sum + depth * *b);
            }
            _ => return false,
        },
        ([a], [other]) => {
            let [b] = other.factors[..] else { return false };
            let Some(far) = number(wires, global, own, other.depth) else { return false };
            let far = L::splat(far);
            match (signal(wires, *a, span), signal(wires, b, span)) {
                (Some(Signal::Moving(a)), Some(Signal::Moving(b))) => {
                    pass!(a.iter().zip(b), (&a[last], &b[last]), (a, b) => sum + depth * *a + far * *b);
                }
                (Some(Signal::Held(a)), Some(Signal::Moving(b))) => {
                    let sum = sum + depth * a;
                    pass!(b, &b[last], b => sum + far * *b);
                }
                (Some(Signal::Moving(a)), Some(Signal::Held(b))) => {
                    let far = far * b;
                    pass!(a, &a[last], a => sum + depth * *a + far);
                }
                _ => return false,
            }
        }
        _ => return false,
    }
    true
}
