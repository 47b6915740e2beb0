//! One-pole filter.

use crate::dsp::lanes::{LaneMask, Lanes, Wide};
use crate::dsp::math::{LaneMath, one_pole_gain};
use crate::module::def::Category;
use crate::module::io::put_sixteen;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to filter.");
const CUTOFF: Input =
    Input::hertz(1, "cutoff", 1.0, 20_000.0, 1_000.0, "Corner frequency, where either output is at -3 dB.").smooth_ms(5.0);
const LOW: Output = Output::audio(0, "low", "What lies below the cutoff.");
const HIGH: Output = Output::audio(1, "high", "What lies above the cutoff.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("onepole", Category::Filter, "One-pole filter, 6 dB per octave.", per_voice!(OnePole))
    .doc(
        "The gentlest filter: it takes the edge off a sound, or the rumble, without a colour of its own. `low` and `high` add up to \
         the input exactly.\n\n\
         Patch a delay's or a reverb's return to `in` to darken it, an LFO or a stepped value to round its corners, a DC-laden \
         signal with `cutoff = \"10 Hz\"` and take `high`. `cutoff` may be moved at audio rate.\n\n\
         Trapezoidal integrator with zero-delay feedback: V. Zavalishin, *The Art of VA Filter Design*, 2018, section 3.10.",
    )
    .inputs(&[IN, CUTOFF])
    .outputs(&[LOW, HIGH]);

struct OnePole<L> {
    per_hertz: L,
    state: L,
}

impl<L: Lanes> Make for OnePole<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { per_hertz: L::splat(1.0 / prepare.rate), state: L::default() }
    }
}

#[inline(always)]
fn gain<L: Lanes>(corner: L) -> L {
    corner.map(one_pole_gain)
}

impl<L: Lanes> Kernel<L> for OnePole<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.state = L::default().pick(lanes, self.state);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (input, cutoff) = (io.input(IN), io.input(CUTOFF));
        if L::WIDTH == 1 {
            return self.run_alone(io);
        }
        let held = cutoff.held().map(|hertz| gain(hertz * self.per_hertz));
        let mut state = self.state;
        let frames = io.frames();
        let [low, high] = io.outputs();
        for frame in 0..frames {
            let gain = match held {
                Some(gain) => gain,
                None => gain(cutoff.at(frame) * self.per_hertz),
            };
            let x = input.at(frame).tame();
            let step = (x - state) * gain;
            let y = state + step;
            state = y + step;
            low[frame] = y;
            high[frame] = x - y;
        }
        self.state = state;
    }
}

impl<L: Lanes> OnePole<L> {
    /// One lane: all but what a frame takes over from the last is worked out for sixteen frames together.
    #[inline(always)]
    fn run_alone(&mut self, io: &mut Io<'_, L>) {
        let (input, cutoff) = (io.input(IN), io.input(CUTOFF));
        let per_hertz = Wide::<16>::splat(self.per_hertz.lane(0));
        let mut state = self.state.lane(0);
        let frames = io.frames();
        let [low, high] = io.outputs();
        let mut gains = gain(cutoff.sixteen(0) * per_hertz);
        for from in (0..frames).step_by(16) {
            if from > 0 && cutoff.held().is_none() {
                gains = gain(cutoff.sixteen(from) * per_hertz);
            }
            let x = input.sixteen(from).tame();
            let count = if frames - from < 16 { frames - from } else { 16 };
            let mut y = Wide::<16>::default();
            for at in 0..count {
                let step = (x.0[at] - state) * gains.0[at];
                y.0[at] = state + step;
                state = y.0[at] + step;
            }
            put_sixteen(&y, &mut low[from..]);
            put_sixteen(&(x - y), &mut high[from..]);
        }
        self.state = L::splat(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig};

    /// Gain in dB of both outputs at a frequency, once it has settled.
    fn gains(rate: f32, cutoff: f32, hertz: f64) -> (f64, f64) {
        let mut rig = Rig::new(&DEF, rate);
        let step = hertz / f64::from(rate);
        rig.hold(CUTOFF, cutoff).drive(IN, move |time, _| libm::sin(std::f64::consts::TAU * (step * time as f64)) as f32);
        rig.run(rate as usize / 2, &Cuts::whole());
        let take = rig.run(rate as usize / 2, &Cuts::whole());
        let level = |wire| {
            let power = take.lane(wire, 0).iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            10.0 * libm::log10(2.0 * power / f64::from(rate / 2.0))
        };
        (level(0), level(1))
    }

    #[test]
    fn both_outputs_are_3_db_down_at_the_corner_at_every_rate() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            for cutoff in [100.0, 1_000.0, 10_000.0] {
                let (low, high) = gains(rate, cutoff, f64::from(cutoff));
                assert!((low + 3.01).abs() < 0.02 && (high + 3.01).abs() < 0.02, "{rate} {cutoff}: {low} {high}");
            }
        }
    }

    #[test]
    fn slopes_are_6_db_an_octave() {
        let (low, _) = gains(96_000.0, 100.0, 1_600.0);
        let (lower, _) = gains(96_000.0, 100.0, 3_200.0);
        assert!((low - lower - 6.02).abs() < 0.1, "{low} {lower}");
        let (_, high) = gains(96_000.0, 4_000.0, 200.0);
        let (_, higher) = gains(96_000.0, 4_000.0, 100.0);
        assert!((high - higher - 6.02).abs() < 0.1, "{high} {higher}");
    }
}
