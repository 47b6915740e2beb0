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

    /// From now on so much is to wait [s]. `[any]`
    pub fn aim(&mut self, target: f64) {
        self.off += self.target - target;
        self.target = target;
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

#[cfg(test)]
mod tests {
    use super::*;

    const CENT: f64 = 577.8e-6;

    /// A sender whose blocks come by its own clock and an engine that takes whole blocks, both by a time that is counted.
    struct Two {
        steady: Steady,
        /// How much faster the sender is.
        ppm: f64,
        sent: f64,
        taken: f64,
        blocks: (f64, f64),
        faster: f64,
        time: f64,
        clock: f64,
        chance: u64,
    }

    const TARGET: f64 = 0.05;

    impl Two {
        /// Blocks of the sender and of the engine [s].
        fn new(blocks: (f64, f64)) -> Self {
            Self { steady: Steady::new(TARGET), ppm: 0.0, sent: TARGET, taken: 0.0, blocks, faster: 0.0, time: 0.0, clock: 0.0, chance: 1 }
        }

        /// So many seconds, looked at every 1 to 4 ms by chance, as a thread is woken; how far the fill was from its aim at most without the saw teeth [s], the least fill of
        /// all, and the most by which the pitch was off.
        fn run(&mut self, seconds: f64) -> (f64, f64, f64) {
            let (mut off, mut least, mut pitch) = (0.0f64, f64::MAX, 0.0f64);
            let end = self.time + seconds;
            while self.time < end {
                self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let step = 0.001 + (self.chance >> 40) as f64 / (1 << 24) as f64 * 0.003;
                self.time += step;
                let before = (self.clock / self.blocks.0).floor();
                self.clock += step * (1.0 + self.ppm * 1e-6);
                let blocks = (self.clock / self.blocks.0).floor() - before;
                self.sent += blocks * self.blocks.0 / (1.0 + self.faster);
                self.taken = (self.time / self.blocks.1).floor() * self.blocks.1;
                let waits = self.sent - self.taken;
                self.faster = self.steady.turn(waits, step, false);
                least = least.min(waits);
                off = off.max((self.steady.waits() - TARGET).abs());
                pitch = pitch.max((self.faster - self.ppm * 1e-6).abs());
            }
            (off, least, pitch)
        }
    }

    #[test]
    fn ten_minutes_fast_and_ten_slow_leave_no_gap_and_the_fill_where_it_shall_be() {
        // The same blocks on both sides are the worst: their saw teeth beat against each other for as long as half a minute.
        for blocks in [(0.010, 256.0 / 48_000.0), (256.0 / 48_000.0, 256.0 / 48_000.0), (0.020, 1_024.0 / 48_000.0), (0.001, 0.001)] {
            let mut two = Two::new(blocks);
            for ppm in [200.0, -200.0] {
                two.ppm = ppm;
                let (_, least, pitch) = two.run(60.0);
                assert!(least > 0.0, "{blocks:?} {ppm}: a gap");
                assert!(pitch < 1.05 * CENT, "{blocks:?} {ppm}: {} cents while it settles", pitch / CENT);
                let (off, least, pitch) = two.run(540.0);
                println!(
                    "{blocks:?} {ppm} ppm: fill within {:.3} ms, pitch within {:.4} cents, least {:.1} ms",
                    off * 1e3,
                    pitch / CENT,
                    least * 1e3
                );
                assert!(least > 0.0, "{blocks:?} {ppm}: a gap");
                assert!(off < 0.002, "{blocks:?} {ppm}: {} ms off", off * 1e3);
                assert!(pitch < CENT / 2.0, "{blocks:?} {ppm}: {} cents", pitch / CENT);
                assert!((two.steady.drift() * 1e6 - ppm).abs() < 60.0, "{blocks:?}: {} ppm for {ppm}", two.steady.drift() * 1e6);
            }
        }
    }

    #[test]
    fn a_clock_that_no_sound_card_has_is_followed_too() {
        let mut two = Two::new((0.010, 0.005));
        for ppm in [3_000.0, -3_000.0] {
            two.ppm = ppm;
            let (_, least, _) = two.run(120.0);
            assert!(least > 0.0, "{ppm}: a gap");
            let (off, ..) = two.run(480.0);
            assert!(off < TARGET * 0.5, "{ppm}: {} ms off", off * 1e3);
        }
    }

    #[test]
    fn who_is_held_back_keeps_his_pitch() {
        let mut steady = Steady::new(TARGET);
        for _ in 0..100_000 {
            assert!(steady.turn(2.0 * TARGET, 0.004, true) <= NEAR);
        }
    }

    #[test]
    fn another_aim_is_reached_and_the_drift_that_is_known_stays_so() {
        let mut two = Two::new((0.010, 0.005));
        two.ppm = 150.0;
        two.run(400.0);
        let drift = two.steady.drift();
        two.steady.aim(TARGET + 0.01);
        assert_eq!(two.steady.drift(), drift);
        two.run(400.0);
        assert!((two.steady.waits() - TARGET - 0.01).abs() < 0.002, "{} s wait", two.steady.waits());
    }
}
