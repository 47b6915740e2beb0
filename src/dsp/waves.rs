//! The classic waves of one phase: where they jump and bend between two frames.
//!
//! The phase counts from −2³¹ to 2³¹, half a turn either way, and moves on a straight line from frame to frame; a sync sets it back
//! to 0 in between.

use super::ints::Ints;
use super::lanes::Lanes;
use super::math::sin_turn;
use super::phase::{TURN, turns};

/// Number of the rising sawtooth.
pub const SAW: usize = 0;
/// Number of the square.
pub const SQUARE: usize = 1;
/// Number of the triangle.
pub const TRIANGLE: usize = 2;
/// Number of the sine.
pub const SINE: usize = 3;
/// How many waves there are.
pub const WAVES: usize = 4;

/// Steps in a quarter turn.
pub const QUARTER: i32 = 1 << 30;

/// The way of one lane's phase from one frame to the next.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Where it begins.
    pub from: i32,
    /// How far it goes.
    pub step: i32,
    /// When the phase goes back to 0, 0..1; −1 where it does not.
    pub sync: f32,
    /// Bounds of the high part of the square at both ends, as [`threshold`] gives them.
    pub widths: [i32; 2],
}

/// One jump or corner of one wave between two frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event {
    /// Which wave.
    pub wave: usize,
    /// A change of slope [1/frame], else a jump.
    pub corner: bool,
    /// When, 0..1.
    pub time: f32,
    /// By how much.
    pub amount: f32,
}

/// Events of one way at most: 3 of the square, 1 of the saw and 2 of the triangle on either side of a sync, and 6 at the sync.
pub const EVENTS: usize = 18;

/// The jumps and corners of one way.
#[derive(Debug)]
pub struct Events {
    list: [Event; EVENTS],
    count: usize,
}

impl Events {
    /// Those of these waves, in the order in which they are to be mended. `[audio]`
    pub fn of(way: &Way, wants: [bool; WAVES]) -> Self {
        let mut events = Self { list: [Event::default(); EVENTS], count: 0 };
        let Way { from, step, sync, .. } = *way;
        let widths = way.widths.map(|width| i64::from(width) + (1 << 31));
        let slope = step.unsigned_abs() as f32 * (1.0 / TURN);
        let whole = Leg { from, step, begin: 0.0, end: 1.0, widths };
        let (legs, count) = if sync >= 0.0 {
            let middle = widths[0] + ((widths[1] - widths[0]) as f32 * sync) as i64;
            let first = Leg { step: (step as f32 * sync) as i32, end: sync, widths: [widths[0], middle], ..whole };
            let rest = Leg { from: 0, step: step.wrapping_sub(first.step), begin: sync, widths: [middle, widths[1]], ..whole };
            let before = from.wrapping_add(first.step);
            events.jump(before, step, middle, sync);
            ([first, rest], 2)
        } else {
            ([whole; 2], 1)
        };
        for leg in &legs[..count] {
            let up = leg.step > 0;
            if wants[SAW]
                && let Some(time) = leg.half(0)
            {
                events.push(SAW, false, time, if up { -2.0 } else { 2.0 });
            }
            if wants[SQUARE] {
                leg.edges(&mut events);
            }
            if wants[TRIANGLE] {
                if let Some(time) = leg.half(QUARTER) {
                    events.push(TRIANGLE, true, time, -8.0 * slope);
                }
                if let Some(time) = leg.zero(QUARTER) {
                    events.push(TRIANGLE, true, time, 8.0 * slope);
                }
            }
        }
        events
    }

    /// What a sync does to each wave at this phase.
    fn jump(&mut self, before: i32, step: i32, width: i64, time: f32) {
        let slope = step as f32 * (1.0 / TURN);
        self.push(SAW, false, time, -saw(before));
        if i64::from(before as u32) >= width {
            self.push(SQUARE, false, time, 2.0);
        }
        self.push(TRIANGLE, false, time, -triangle(before));
        // From the falling half of the triangle to the rising one.
        if before.wrapping_add(QUARTER) < 0 {
            self.push(TRIANGLE, true, time, 8.0 * slope);
        }
        let turn = turns(before);
        self.push(SINE, false, time, -sin_turn(turn));
        self.push(SINE, true, time, std::f32::consts::TAU * slope * (1.0 - sin_turn(turn + 0.25)));
    }

    fn push(&mut self, wave: usize, corner: bool, time: f32, amount: f32) {
        if let Some(event) = self.list.get_mut(self.count) {
            *event = Event { wave, corner, time, amount };
            self.count += 1;
        }
    }

    /// All of them; those at a sync may be of waves that were not wanted. `[audio]`
    pub fn all(&self) -> &[Event] {
        &self.list[..self.count]
    }
}

/// The phase in which a way ends. `[audio]`
#[inline(always)]
pub fn reached<L: Lanes>(from: Ints<L>, step: Ints<L>, sync: L) -> Ints<L> {
    let first = Ints::from_lanes(step.to_lanes(|step| step as f32) * sync, |way| way as i32);
    Ints::select(sync.gt(L::splat(-0.5)), step.minus(first), from.plus(step))
}

/// When the saw jumps on a way on which it does, and by how much. `[audio]`
#[inline(always)]
pub fn saw_jump(from: i32, step: i32) -> (f32, f32) {
    let up = step > 0;
    let way = if up { (i32::MIN as u32).wrapping_sub(from as u32) } else { (from as u32).wrapping_sub(i32::MIN as u32) };
    (way as f32 / step.unsigned_abs() as f32, if up { -2.0 } else { 2.0 })
}

/// A stretch of the way in one lane without a sync in it.
#[derive(Clone, Copy)]
struct Leg {
    from: i32,
    step: i32,
    begin: f32,
    end: f32,
    widths: [i64; 2],
}

impl Leg {
    fn time(&self, part: f32) -> f32 {
        self.begin + (self.end - self.begin) * part
    }

    /// When a phase, moved by `shift`, passes half a turn.
    fn half(&self, shift: i32) -> Option<f32> {
        let from = self.from.wrapping_add(shift);
        let way = if self.step > 0 { (i32::MIN as u32).wrapping_sub(from as u32) } else { (from as u32).wrapping_sub(i32::MIN as u32) };
        from.checked_add(self.step).is_none().then(|| self.time(way as f32 / self.step.unsigned_abs() as f32))
    }

    /// When a phase, moved by `shift`, passes 0.
    fn zero(&self, shift: i32) -> Option<f32> {
        let from = self.from.wrapping_add(shift);
        let crosses = from.checked_add(self.step).is_some_and(|to| (to ^ from) < 0);
        crosses.then(|| self.time(from.unsigned_abs() as f32 / self.step.unsigned_abs() as f32))
    }

    /// Both edges of the square, which may move as well.
    fn edges(&self, events: &mut Events) {
        const WHOLE: i64 = 1 << 32;
        let [w0, w1] = self.widths;
        let from = i64::from(self.from as u32);
        let to = from + i64::from(self.step);
        // Where the turn ends the way goes on at its other end: up to two pieces.
        let wraps = !(0..WHOLE).contains(&to);
        let part = if !wraps {
            1.0
        } else if self.step > 0 {
            (WHOLE - from) as f32 / self.step as f32
        } else {
            from as f32 / self.step.unsigned_abs() as f32
        };
        let middle = w0 + ((w1 - w0) as f32 * part) as i64;
        let pieces = match (wraps, self.step > 0) {
            (false, _) => [(from, to, w0, w1, 0.0, 1.0), (0, 0, 1, 1, 1.0, 1.0)],
            (true, true) => [(from, WHOLE, w0, middle, 0.0, part), (0, to - WHOLE, middle, w1, part, 1.0)],
            (true, false) => [(from, 0, w0, middle, 0.0, part), (WHOLE, to + WHOLE, middle, w1, part, 1.0)],
        };
        for (a, b, wa, wb, begin, end) in pieces {
            let (was, is) = (a < wa, b < wb);
            if was != is {
                let crossing = (wa - a) as f32 / ((wa - a) - (wb - b)) as f32;
                events.push(SQUARE, false, self.time(begin + (end - begin) * crossing), if is { 2.0 } else { -2.0 });
            }
        }
        if wraps {
            events.push(SQUARE, false, self.time(part), if self.step > 0 { 2.0 } else { -2.0 });
        }
    }
}

/// Half a turn below the phase at which the square falls. `[audio]`
#[inline(always)]
pub fn threshold<L: Lanes>(width: L) -> Ints<L> {
    Ints::rounded(width.map(|width| (width - 0.5) * TURN))
}

/// The saw at a phase. `[audio]`
#[inline(always)]
pub fn saw(phase: i32) -> f32 {
    phase as f32 * (2.0 / TURN)
}

/// The triangle at a phase. `[audio]`
#[inline(always)]
pub fn triangle(phase: i32) -> f32 {
    let saw = saw(phase);
    let size = f32::from_bits(saw.to_bits() & 0x7fff_ffff);
    let folded = if size > 0.5 { 2.0 - 2.0 * size } else { 2.0 * size };
    f32::from_bits(folded.to_bits() | saw.to_bits() & 0x8000_0000)
}

/// Whether the square is high at a phase. `[audio]`
#[inline(always)]
pub fn is_high(phase: i32, threshold: i32) -> bool {
    (phase ^ i32::MIN) < threshold
}
