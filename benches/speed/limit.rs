//! The limit: W2 and W3 as one hand-written kernel each, by the same means as rackd's own (plain arithmetic over lanes, compiled for
//! each level), but without patch, plan, wires, notes or choice.
//!
//! Saws by a polynomial transition (2nd order), a ladder of four one-pole stages with one saturation, envelopes in straight lines worked
//! out every 16 frames, a sine by a polynomial (error below 2·10⁻⁵). Two groups of W2's lanes run side by side, so that one works
//! while the other waits for its filter.

use rackd::dsp::lanes::{Lanes, Wide};
use rackd::dsp::math::LaneMath;
use rackd::module::isa::{Level, Work, run};

use super::workloads::{
    BUFFER, CUTOFF, DETUNE, INDICES, LOUDNESS, RATE, RATIOS, SWEEP, Workload, notes,
    render::{level, wav},
};

/// Frames between two points of an envelope.
const TILE: usize = 16;

/// An envelope of straight lines: attack, decay, sustain, release [s, s, -, s].
#[derive(Clone, Copy)]
struct Envelope<L> {
    shape: [f32; 4],
    now: L,
}

impl<L: Lanes> Envelope<L> {
    /// What it moves by in each frame of the next tile, which ends at a time after the note's start and end [s].
    #[inline(always)]
    fn step(&self, time: f32, since_end: f32) -> L {
        let [attack, decay, sustain, release] = self.shape;
        let rise = (time / attack).min(1.0);
        let fall = (1.0 - (1.0 - sustain) * ((time - attack) / decay).max(0.0)).max(sustain);
        let gone = (1.0 - (since_end / release).max(0.0)).max(0.0);
        (L::splat(rise.min(fall) * gone) - self.now) * L::splat(1.0 / TILE as f32)
    }
}

/// Equal power: what a side gets.
fn sides(pan: f64) -> [f32; 2] {
    let turn = (pan + 1.0) * std::f64::consts::FRAC_PI_4;
    [0.03 * turn.cos() as f32, 0.03 * turn.sin() as f32]
}

/// A group of lanes of voices.
trait Group<L: Lanes>: Copy {
    fn new(frequency: L, sides: [L; 2]) -> Self;
    /// Before each tile.
    fn tile(&mut self, time: f32, since_end: f32);
    /// The next frame of both sides.
    fn frame(&mut self) -> [L; 2];
}

#[derive(Clone, Copy)]
struct Subtractive<L> {
    phase: [L; 2],
    step: [L; 2],
    inverse: [L; 2],
    stage: [L; 4],
    envelope: [Envelope<L>; 2],
    slope: [L; 2],
    sides: [L; 2],
}

/// A saw from −1 to 1 with its jump smoothed over two frames, and on by a frame.
#[inline(always)]
fn saw<L: Lanes>(phase: &mut L, step: L, inverse: L) -> L {
    let wave = phase.zip(inverse, |phase, inverse| {
        let after = 1.0 - if phase * inverse < 1.0 { phase * inverse } else { 1.0 };
        let before = (1.0 - phase) * inverse;
        let before = 1.0 - if before < 1.0 { before } else { 1.0 };
        phase + phase - 1.0 + after * after - before * before
    });
    *phase = phase.zip(step, |phase, step| {
        let next = phase + step;
        if next >= 1.0 { next - 1.0 } else { next }
    });
    wave
}

impl<L: Lanes> Group<L> for Subtractive<L> {
    fn new(frequency: L, sides: [L; 2]) -> Self {
        let zero = L::splat(0.0);
        let step = DETUNE.map(|ratio| frequency * L::splat(ratio as f32 / RATE));
        Self {
            phase: [zero; 2],
            step,
            inverse: step.map(|step| L::splat(1.0) / step),
            stage: [zero; 4],
            envelope: [SWEEP, LOUDNESS].map(|shape| Envelope { shape, now: zero }),
            slope: [zero; 2],
            sides,
        }
    }

    #[inline(always)]
    fn tile(&mut self, time: f32, since_end: f32) {
        self.slope = [self.envelope[0].step(time, since_end), self.envelope[1].step(time, since_end)];
    }

    #[inline(always)]
    fn frame(&mut self) -> [L; 2] {
        let [sweep, loudness] = [self.envelope[0].now + self.slope[0], self.envelope[1].now + self.slope[1]];
        (self.envelope[0].now, self.envelope[1].now) = (sweep, loudness);
        // 1 − e^−w by its series.
        let gain = sweep.map(|sweep| {
            let w = (CUTOFF[0] + CUTOFF[1] * sweep) * (std::f32::consts::TAU / RATE);
            w * (1.0 - w * (0.5 - w * (1.0 / 6.0 - w * (1.0 / 24.0))))
        });
        let low = saw(&mut self.phase[0], self.step[0], self.inverse[0]);
        let mix = (low + saw(&mut self.phase[1], self.step[1], self.inverse[1])) * L::splat(0.5);
        let [a, b, c, d] = self.stage;
        let a = a + gain * ((mix - L::splat(2.0) * d).saturate() - a);
        let b = b + gain * (a - b);
        let c = c + gain * (b - c);
        let d = d + gain * (c - d);
        self.stage = [a, b, c, d];
        let sound = d * loudness;
        [sound * self.sides[0], sound * self.sides[1]]
    }
}

#[derive(Clone, Copy)]
struct Operators<L> {
    /// In turns, −½..½.
    phase: [L; 4],
    step: [L; 4],
    envelope: [Envelope<L>; 4],
    slope: [L; 4],
    sides: [L; 2],
}

/// sin(2π t) for −½ ≤ t ≤ ½: t (t² − ¼) times a polynomial that meets it at the Chebyshev points.
#[inline(always)]
fn sine(t: f32) -> f32 {
    let z = t * t;
    let p = 32.014_447;
    let p = p * z - 66.090_14;
    let p = p * z + 64.787_02;
    let p = p * z - 25.132_36;
    t * (z - 0.25) * p
}

impl<L: Lanes> Operators<L> {
    /// The next frame of one operator, which another moves.
    #[inline(always)]
    fn operator(&mut self, number: usize, mover: L, index: f32) -> L {
        let envelope = self.envelope[number].now + self.slope[number];
        self.envelope[number].now = envelope;
        let sound = self.phase[number].map(sine) * envelope;
        let step = self.step[number];
        self.phase[number] = self.phase[number].zip3(step, mover, |phase, step, mover| {
            let next = phase + step + step * mover * index;
            let next = if next >= 0.5 { next - 1.0 } else { next };
            if next < -0.5 { next + 1.0 } else { next }
        });
        sound
    }
}

impl<L: Lanes> Group<L> for Operators<L> {
    fn new(frequency: L, sides: [L; 2]) -> Self {
        let zero = L::splat(0.0);
        Self {
            phase: [zero; 4],
            step: RATIOS.map(|ratio| frequency * L::splat(ratio / RATE)),
            envelope: [0.01, 0.02, 0.03, 0.04].map(|attack| Envelope { shape: [attack, 0.4, 0.6, 0.3], now: zero }),
            slope: [zero; 4],
            sides,
        }
    }

    #[inline(always)]
    fn tile(&mut self, time: f32, since_end: f32) {
        for operator in 0..4 {
            self.slope[operator] = self.envelope[operator].step(time, since_end);
        }
    }

    #[inline(always)]
    fn frame(&mut self) -> [L; 2] {
        // Written out: in a loop they would not stay in registers.
        let d = self.operator(3, L::splat(0.0), 0.0);
        let c = self.operator(2, d, INDICES[2]);
        let b = self.operator(1, c, INDICES[1]);
        let a = self.operator(0, b, INDICES[0]);
        [a * self.sides[0], a * self.sides[1]]
    }
}

/// The next frames of all groups.
struct Block<'a, L, G, const BESIDE: usize> {
    groups: &'a mut [[G; BESIDE]],
    sums: &'a mut [[L; 2]; BUFFER],
    out: &'a mut [f32; 2 * BUFFER],
    /// Of its first frame, and of the notes' end [s].
    time: f32,
    end: f32,
}

impl<L: Lanes, G: Group<L>, const BESIDE: usize> Work for Block<'_, L, G, BESIDE> {
    #[inline(always)]
    fn work(self) {
        *self.sums = [[L::splat(0.0); 2]; BUFFER];
        for pair in self.groups {
            // Kept here while it runs, so that it stays in registers as far as there are any.
            let mut groups = *pair;
            for (tile, sums) in self.sums.chunks_exact_mut(TILE).enumerate() {
                let time = self.time + (tile + 1) as f32 * (TILE as f32 / RATE);
                for group in &mut groups {
                    group.tile(time, time - self.end);
                }
                for sum in sums {
                    for group in &mut groups {
                        let [left, right] = group.frame();
                        *sum = [sum[0] + left, sum[1] + right];
                    }
                }
            }
            *pair = groups;
        }
        for (frame, sum) in self.out.chunks_exact_mut(2).zip(&*self.sums) {
            for side in 0..2 {
                frame[side] = (0..L::WIDTH).map(|lane| sum[side].lane(lane)).sum();
            }
        }
    }
}

fn play<L: Lanes, G: Group<L>, const BESIDE: usize>(work: Workload, seconds: f64, level: Level) -> Vec<u8> {
    let notes = notes(work, seconds);
    let mut groups: Vec<[G; BESIDE]> = notes
        .chunks(BESIDE * L::WIDTH)
        .map(|some| {
            std::array::from_fn(|beside| {
                let note = |lane: usize| &some[beside * L::WIDTH + lane];
                let side = |side: usize| L::from_fn(|lane| sides(note(lane).pan)[side]);
                G::new(L::from_fn(|lane| note(lane).frequency as f32), [side(0), side(1)])
            })
        })
        .collect();
    let mut sums = [[L::splat(0.0); 2]; BUFFER];
    let mut time = 0.0;
    wav(seconds, |out| {
        run(level, Block { groups: &mut groups, sums: &mut sums, out, time, end: notes[0].held as f32 });
        time += BUFFER as f32 / RATE;
    })
}

/// Renders W2 or W3 at a level: sixteen lanes with 512-bit vectors, else eight.
pub fn render(work: Workload, seconds: f64, name: &str) -> Vec<u8> {
    let level = level(name).expect("a level of this machine");
    match (work, name) {
        (Workload::W2, "avx512") => play::<Wide<16>, Subtractive<Wide<16>>, 2>(work, seconds, level),
        (Workload::W2, _) => play::<Wide<8>, Subtractive<Wide<8>>, 2>(work, seconds, level),
        (_, "avx512") => play::<Wide<16>, Operators<Wide<16>>, 1>(work, seconds, level),
        _ => play::<Wide<8>, Operators<Wide<8>>, 1>(work, seconds, level),
    }
}
