//! Makes any unit of fundsp a kernel; the only file that names that library.
//!
//! A unit is driven by `tick` alone, frame by frame, because several give other samples when their `process` is cut. It is made,
//! seeded and allocated off the audio thread.

use fundsp::prelude::{AttoHash, AudioUnit};

use super::{Io, Kernel, Prepare, Seed};
use crate::base::time::tile_index;
use crate::dsp::lanes::LaneMask;
use crate::dsp::math::tame;

/// Inputs or outputs of a unit at most.
pub const PORTS_MAX: usize = 8;

/// How many resets swap in a fresh unit that was made beforehand.
const SPARES: usize = 2;

/// A unit of fundsp, guarded: what goes in and comes out is finite, and the same seed gives the same sound.
///
/// A reset swaps in one of two fresh units, which costs the same whatever the unit's memory. The engine resets what stands in the
/// global part when a plan is built and, if a number that is not finite came out, while it runs; only from the third such time on
/// is the unit's own reset called, whose cost grows with its memory. Units whose own reset allocates or rings on
/// (`pluck`, `reverb3_stereo`) must not be used.
pub struct Unit {
    unit: Box<dyn AudioUnit>,
    /// Fresh ones, and from the front those which were used: they are dropped with the kernel, off the audio thread.
    spares: [Box<dyn AudioUnit>; SPARES],
    /// How many of the spares were used.
    spent: usize,
    /// Whether it has run since it was fresh.
    used: bool,
    inputs: usize,
    outputs: usize,
}

impl Unit {
    /// A unit, made ready: rate, seed, memory. A parameter of the unit is a setting of the module: a change makes it anew. `[control]`
    ///
    /// # Panics
    /// Where the unit has more than eight inputs or outputs.
    pub fn new(mut unit: Box<dyn AudioUnit>, prepare: &Prepare<'_>) -> Self {
        let (inputs, outputs) = (unit.inputs(), unit.outputs());
        assert!(inputs <= PORTS_MAX && outputs <= PORTS_MAX, "a unit has at most {PORTS_MAX} inputs and outputs");
        unit.set_sample_rate(f64::from(prepare.rate));
        unit.ping(false, AttoHash::new(prepare.seed.0));
        unit.reset();
        unit.allocate();
        let spares = std::array::from_fn(|_| {
            let mut spare = unit.clone();
            spare.allocate();
            spare
        });
        Self { unit, spares, spent: 0, used: false, inputs, outputs }
    }

    /// fundsp's `reverb_stereo`: a feedback delay network of 32 lines, for a room of a size [m], a decay to −60 dB [s] and a
    /// damping 0..1. The unit rings 2.155 times as long as it is asked to (measured); here it is asked for less. `[control]`
    pub fn reverb_stereo(room: f64, seconds: f64, damping: f64, prepare: &Prepare<'_>) -> Self {
        Self::new(Box::new(fundsp::prelude::reverb_stereo(room, seconds / 2.155, damping)), prepare)
    }

    /// Starts afresh. `[audio]`
    pub fn reset(&mut self) {
        if !self.used {
            return;
        }
        self.used = false;
        match self.spares.get_mut(self.spent) {
            Some(spare) => {
                std::mem::swap(&mut self.unit, spare);
                self.spent += 1;
            }
            None => self.unit.reset(),
        }
    }

    /// One frame. Slices must be as long as the unit has inputs and outputs. `[audio]`
    pub fn tick(&mut self, input: &[f32], output: &mut [f32]) {
        self.used = true;
        let mut clean = [0.0; PORTS_MAX];
        for (clean, x) in clean.iter_mut().zip(input) {
            *clean = tame(*x);
        }
        self.unit.tick(&clean[..self.inputs], output);
        for x in output {
            *x = tame(*x);
        }
    }
}

/// The unit's inputs are the module's first input wires in order, its outputs the module's first output wires.
impl Kernel<f32> for Unit {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        if lanes.has(0) {
            Unit::reset(self);
        }
    }

    fn process(&mut self, io: &mut Io<'_, f32>) {
        let from = tile_index(io.start);
        let (mut input, mut output) = ([0.0; PORTS_MAX], [0.0; PORTS_MAX]);
        for frame in 0..io.frames {
            for (x, wire) in input.iter_mut().zip(&io.inputs[..self.inputs]) {
                *x = io.wires[*wire as usize].signal(from, from + io.frames).at(frame);
            }
            self.tick(&input[..self.inputs], &mut output[..self.outputs]);
            for (tile, x) in io.outputs.iter_mut().zip(&output[..self.outputs]) {
                tile[from + frame] = *x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::Settings;
    use crate::rt::flows::Flows;

    fn prepare(settings: &Settings, seed: u64) -> Prepare<'_> {
        static NOWHERE: Flows = Flows::NOWHERE;
        Prepare { rate: 48_000.0, seed: Seed(seed), voice: 0, settings, flows: &NOWHERE }
    }

    fn heard(unit: &mut Unit, frames: usize) -> Vec<f32> {
        (0..frames)
            .map(|_| {
                let mut out = [0.0];
                unit.tick(&[], &mut out);
                out[0]
            })
            .collect()
    }

    #[test]
    fn the_seed_alone_decides_and_every_reset_is_the_same() {
        let settings = Settings::default();
        let noise = |seed| Unit::new(Box::new(fundsp::prelude::noise()), &prepare(&settings, seed));
        let first = heard(&mut noise(1), 100);
        assert_eq!(first, heard(&mut noise(1), 100));
        assert_ne!(first, heard(&mut noise(2), 100));
        let mut unit = noise(1);
        for _ in 0..SPARES + 3 {
            assert_eq!(first, heard(&mut unit, 100));
            unit.reset();
        }
    }

    #[test]
    fn what_is_not_finite_goes_neither_in_nor_out() {
        let settings = Settings::default();
        let mut unit = Unit::new(Box::new(fundsp::prelude::lowpole_hz::<f64>(1_000.0)), &prepare(&settings, 1));
        let mut out = [0.0];
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0] {
            unit.tick(&[x], &mut out);
            assert!(out[0].is_finite());
        }
        assert!(out[0] > 0.0);
    }
}
