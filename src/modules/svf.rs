//! State-variable filter.

use crate::dsp::lanes::{LaneMask, Lanes};
use crate::dsp::math::LaneMath;
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to filter.");
const CUTOFF: Input = Input::hertz(1, "cutoff", 20.0, 20_000.0, 1_000.0, "Corner frequency.").smooth_ms(5.0);
const RESONANCE: Input =
    Input::ratio(2, "resonance", 0.0, 1.0, 0.1, "Emphasis at the corner; from 0.99 on it sings by itself.").smooth_ms(5.0);
const LOW: Output = Output::audio(0, "low", "What lies below the cutoff.");
const BAND: Output = Output::audio(1, "band", "What lies about the cutoff.");
const HIGH: Output = Output::audio(2, "high", "What lies above the cutoff.");
const NOTCH: Output = Output::audio(3, "notch", "All but what lies at the cutoff.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("svf", Category::Filter, "State-variable filter, 12 dB per octave.", per_voice!(Svf))
    .doc(
        "A clean filter with four outputs at once. It follows its analog model up to the top of the hearing range: no dull last octave, \
         the same resonance at every cutoff. `low` is the usual subtractive filter, `band` a voice-like formant, `high` thins, `notch` \
         swept by an LFO phases.\n\n\
         `resonance` 0 is a Q of 0.5, 0.3 is flat (0.72), 0.74 a Q of 2, 0.965 a Q of 20, `Q = 1 / (2 - 2.02 resonance)`; at 1 it \
         sings by itself, at a level of about 0.7, and can be played by its cutoff. Loud peaks are held by damping that \
         grows with them. `cutoff` and `resonance` may be moved at audio rate.\n\n\
         Patch an oscillator to `in`, an envelope with a depth in octaves to `cutoff`: \
         `cutoff = \"300 Hz + env * 4 oct + note.pitch\"`.\n\n\
         Trapezoidal state-variable filter (V. Zavalishin, *The Art of VA Filter Design*, 2018, chapter 4; A. Simper, 2013); damping \
         and output sums matched to the analog response at the cutoff, at 0 and at half the rate (after M. Vicanek, *Matched Second \
         Order Digital Filters*, 2016).",
    )
    .inputs(&[IN, CUTOFF, RESONANCE])
    .outputs(&[LOW, BAND, HIGH, NOTCH]);

struct Svf<L> {
    per_hertz: L,
    band: L,
    low: L,
}

/// What follows from the cutoff alone.
#[derive(Clone, Copy)]
struct Shape<L> {
    /// Gain of an integrator: tan x, where x is half the angle of the corner.
    g: L,
    /// By what the damping grows to keep the width of the peak: x / (sin x · cos x); also the gain of `high`.
    h: L,
    /// Share of the band signal in `low`.
    low_band: L,
    /// Share of the high signal in `low`.
    low_high: L,
    /// Shares of the band and high signals in `band`.
    band_band: L,
    band_high: L,
}

impl<L: Lanes> Shape<L> {
    /// Of a corner as a part of the rate.
    ///
    /// With S the bilinear variable, low = (1 + (g + q/g) S + q S²) / D has no second zero in time and the analog gain at the corner
    /// for q = √(x² − sin² x) / cos x; band = (a S + b S²) / D has the analog slope at 0 for a = g/x and the analog gain at the
    /// corner for b = √(h² − a²). Sine and cosine, whose range is short here, and the square roots are polynomials of y = x²,
    /// fitted for x up to 0.49 π (relative errors below 5·10⁻⁹, 10⁻⁷ and 10⁻⁵ but for rounding).
    #[inline(always)]
    fn new(corner: L) -> Self {
        let x = corner.clamp(0.0, 0.49).map(|p| p * std::f32::consts::PI);
        let y = x * x;
        let sinc = y.map(|y| 1.0 + y * (-0.166_666_58 + y * (8.333_061e-3 + y * (-1.981_006_6e-4 + y * 2.607_971e-6))));
        let c = y.map(|y| 1.0 + y * (-0.5 + y * (0.041_666_62 + y * (-1.388_819e-3 + y * (2.475_277e-5 - y * 2.593_861e-7)))));
        let root = y.map(|y| y * (0.577_350_2 + y * (-0.038_489_383 + y * (1.464_944_8e-3 - y * 2.351_302e-5))));
        let rest = y.map(|y| y * (0.816_491 + y * (-0.122_403_65 + y * (0.012_701_776 - y * 6.537_595e-4))));
        let s = sinc * x;
        let inverse = L::splat(1.0) / (s * c);
        let g = s * s * inverse;
        Self {
            g,
            h: x * inverse,
            low_band: g + root * c * inverse,
            low_high: root * s * inverse,
            band_band: sinc * s * inverse,
            band_high: rest * inverse,
        }
    }
}

/// Damping of small signals, and how it grows with the square of the band signal.
#[inline(always)]
fn damping<L: Lanes>(resonance: L) -> (L, L) {
    let square = resonance * resonance;
    (resonance.map(|r| 2.0 - 2.02 * r), square * square * L::splat(0.05))
}

impl<L: Lanes> Make for Svf<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { per_hertz: L::splat(1.0 / prepare.rate), band: L::default(), low: L::default() }
    }
}

impl<L: Lanes> Kernel<L> for Svf<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.band = L::default().pick(lanes, self.band);
        self.low = L::default().pick(lanes, self.low);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (input, cutoff, resonance) = (io.input(IN), io.input(CUTOFF), io.input(RESONANCE));
        let held_shape = cutoff.held().map(|hertz| Shape::new(hertz * self.per_hertz));
        let held_damping = resonance.held().map(damping);
        let (mut s1, mut s2) = (self.band, self.low);
        let frames = io.frames();
        let [low, band, high, notch] = io.outputs();
        for frame in 0..frames {
            let shape = match held_shape {
                Some(shape) => shape,
                None => Shape::new(cutoff.at(frame) * self.per_hertz),
            };
            let (k, growth) = match held_damping {
                Some(damping) => damping,
                None => damping(resonance.at(frame)),
            };
            let g = shape.g;
            let k = k * shape.h + (growth * s1 * s1).min(L::splat(4.0));
            let slope = g + k;
            let hp = (input.at(frame).tame() - slope * s1 - s2) / (L::splat(1.0) + g * slope);
            let step = g * hp;
            let bp = step + s1;
            s1 = bp + step;
            let step = g * bp;
            let lp = step + s2;
            s2 = lp + step;
            low[frame] = lp + shape.low_band * bp + shape.low_high * hp;
            band[frame] = shape.band_band * bp + shape.band_high * hp;
            high[frame] = shape.h * hp;
            notch[frame] = lp + hp;
        }
        (self.band, self.low) = (s1, s2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig, level_at};

    const RATE: f32 = 48_000.0;

    fn resonance(q: f64) -> f32 {
        ((2.0 - 1.0 / q) / 2.02) as f32
    }

    /// Worst error [dB] of each output against the analog filter from a quarter of the cutoff to twice it.
    fn errors(rate: f32, cutoff: f64, q: f64) -> [f64; 4] {
        let mut rig = Rig::new(&DEF, rate);
        rig.hold(CUTOFF, cutoff as f32).hold(RESONANCE, resonance(q)).play(IN, &[0.001]);
        let take = rig.run(48_000, &Cuts::whole());
        let mut worst = [0.0f64; 4];
        for step in -16..=8i32 {
            let f = libm::exp2(f64::from(step) / 8.0);
            let bottom = libm::hypot(1.0 - f * f, f / q);
            for (output, top) in [1.0, f, f * f, (1.0 - f * f).abs()].into_iter().enumerate() {
                let analog = 20.0 * libm::log10(top / bottom);
                if analog > -40.0 {
                    let error = level_at(take.lane(output, 0), rate, f * cutoff) + 60.0 - analog;
                    worst[output] = worst[output].max(error.abs());
                }
            }
        }
        worst
    }

    #[test]
    fn every_output_follows_its_analog_model() {
        for (rate, cutoff, most) in [(RATE, 200.0, 0.002), (RATE, 1_000.0, 0.03), (RATE, 5_000.0, 0.52), (44_100.0, 5_000.0, 0.65), (96_000.0, 5_000.0, 0.13)] {
            for q in [0.7, 4.0, 20.0] {
                let errors = errors(rate, cutoff, q);
                assert!(errors.iter().all(|error| *error < most), "{rate} Hz, {cutoff} Hz, Q {q}: {errors:?}");
            }
        }
    }

    #[test]
    fn at_full_resonance_it_sings_in_tune() {
        let mut rig = Rig::new(&DEF, RATE);
        rig.hold(CUTOFF, 1_000.0).hold(RESONANCE, 1.0).play(IN, &[0.1]);
        rig.run(48_000 * 2, &Cuts::whole());
        let take = rig.run(48_000, &Cuts::whole());
        let low = take.lane(0, 0);
        let top = low.iter().fold(0.0f32, |top, x| top.max(x.abs()));
        assert!((0.6..0.85).contains(&top), "level {top}");
        let rises: Vec<f64> = (1..low.len())
            .filter(|&at| low[at - 1] < 0.0 && low[at] >= 0.0)
            .map(|at| at as f64 - f64::from(low[at] / (low[at] - low[at - 1])))
            .collect();
        let hertz = (rises.len() - 1) as f64 / (rises[rises.len() - 1] - rises[0]) * 48_000.0;
        assert!((1_200.0 * libm::log2(hertz / 1_000.0)).abs() < 1.0, "{hertz} Hz");
    }

    #[test]
    fn loud_peaks_are_held() {
        let mut rig = Rig::new(&DEF, RATE);
        rig.hold(CUTOFF, 1_000.0).hold(RESONANCE, 1.0).drive(IN, |time, _| if time / 24 % 2 == 0 { 4.0 } else { -4.0 });
        let take = rig.run(96_000, &Cuts::whole());
        let top = take.lane(0, 0).iter().fold(0.0f32, |top, x| top.max(x.abs()));
        assert!(top < 12.0, "{top}");
    }

    #[test]
    fn it_comes_back_after_the_worst_cutoffs() {
        let run = |course: fn(u64) -> f32| {
            let mut rig = Rig::new(&DEF, RATE);
            rig.hold(RESONANCE, resonance(20.0)).drive(CUTOFF, move |time, _| course(time));
            rig.drive(IN, |time, _| 0.2 * ((time % 436) as f32 / 218.0 - 1.0));
            let take = rig.run(96_000, &Cuts::whole());
            let power = |frames: &[f32]| frames.iter().map(|x| f64::from(x * x)).sum::<f64>();
            let top = take.lane(0, 0).iter().fold(0.0f32, |top, x| top.max(x.abs()));
            (10.0 * libm::log10(power(&take.lane(0, 0)[72_000..])), top)
        };
        let (still, top) = run(|_| 1_000.0);
        let modulated = |time: u64| {
            let octaves = 4.0 * libm::sin(time as f64 * 0.1309);
            if (24_000..48_000).contains(&time) { 1_000.0 * libm::exp2(octaves) as f32 } else { 1_000.0 }
        };
        let low = |time: u64| if (24_000..24_064).contains(&time) { 20.0 } else { 1_000.0 };
        let high = |time: u64| if (24_000..24_064).contains(&time) { 20_000.0 } else { 1_000.0 };
        for course in [modulated as fn(u64) -> f32, low, high] {
            let (level, peak) = run(course);
            assert!((level - still).abs() < 0.1 && peak < 2.0 * top, "{level} {still}, {peak} {top}");
        }
    }
}
