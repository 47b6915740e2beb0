//! Keeps what waits of a stream at its length, though the sender's clock and ours drift apart: by a little more or fewer frames.
//!
//! A delay-locked loop on the fill, as in Fons Adriaensen, "Controlling adaptive resampling", 2012: a low-pass takes away the saw teeth
//! of both sides' blocks, a second integrator learns the drift, so that none is left standing.

use std::f64::consts::{SQRT_2, TAU};

/// Bandwidth of the loop [Hz].
const BANDWIDTH: f64 = 0.01;
/// Corner of the low-pass before it [Hz].
const CALM: f64 = 0.06;
/// Largest change of the rate as long as the fill is near: 0.7 cents.
const NEAR: f64 = 400e-6;
/// Largest change where it is far off and the sender is not held back: its clock is worse than any sound card's.
const FAR: f64 = 5e-3;
/// Largest change that may ever be asked for.
pub const MOST: f64 = 1.0 + FAR;

/// The loop.
#[derive(Clone, Debug)]
pub struct Steady {
    target: f64,
    /// What the low-pass holds: the fill less the target [s].
    off: f64,
    /// How much faster the sender is, as far as is known.
    drift: f64,
}

impl Steady {
    /// To keep so much waiting [s]. `[any]`
    pub fn new(target: f64) -> Self {
        Self { target, off: 0.0, drift: 0.0 }
    }

    /// So much waits [s], so long after the last turn [s]; `held`: the sender is being held back, so what waits says nothing of its clock.
    /// Gives by how much faster than it says its frames must be used up: 0.0002 is 200 parts in a million. `[any]`
    pub fn turn(&mut self, waits: f64, passed: f64, held: bool) -> f64 {
        let passed = passed.clamp(0.0, 0.1);
        let weight = 1.0 - libm::exp(-TAU * CALM * passed);
        self.off += weight * (waits - self.target - self.off);
        let omega = TAU * BANDWIDTH;
        let limit = if !held && self.off.abs() > self.target * 0.4 { FAR } else { NEAR };
        self.drift = (self.drift + omega * omega * self.off * passed).clamp(-limit, limit);
        (self.drift + SQRT_2 * omega * self.off).clamp(-limit, limit)
    }

    /// How much faster the sender is than it says, as far as is known. `[any]`
    pub fn drift(&self) -> f64 {
        self.drift
    }

    /// What waits, without the saw teeth of both sides' blocks [s]. `[any]`
    pub fn waits(&self) -> f64 {
        self.target + self.off
    }
}
