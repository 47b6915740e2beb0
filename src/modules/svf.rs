//! State-variable filter.

use crate::dsp::lanes::{LaneMask, Lanes, Wide};
use crate::dsp::math::LaneMath;
use crate::module::def::Category;
use crate::module::io::put_sixteen;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Signal};
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
    state: State<L>,
}

/// What the filter remembers.
#[derive(Clone, Copy, Debug, Default)]
struct State<L> {
    band: L,
    low: L,
    /// Where the band signal was thought to come, and how far it went in the last frame for what was left over.
    guess: L,
    reach: L,
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

/// What a frame of the filter is worked out with.
#[derive(Clone, Copy)]
struct Pace<L> {
    g: L,
    /// Gain and damping of small signals, added.
    slope: L,
    /// What the solution is divided by, of small signals.
    over: L,
    growth: L,
}

impl<L: Lanes> Pace<L> {
    #[inline(always)]
    fn new(shape: &Shape<L>, (k, growth): (L, L)) -> Self {
        let slope = shape.g + k * shape.h;
        Self { g: shape.g, slope, over: L::splat(1.0) + shape.g * slope, growth }
    }
}

/// The three signals of a frame.
#[derive(Clone, Copy, Default)]
struct Bare<L> {
    low: L,
    band: L,
    high: L,
}

impl<L: Lanes> State<L> {
    /// The next frame. How far the damping has grown follows from a guess of the band signal that takes the last frame's division for
    /// this one's, from which it hardly differs: so a frame need not wait for the division of the one before.
    #[inline(always)]
    fn next(&mut self, x: L, pace: &Pace<L>) -> Bare<L> {
        let g = pace.g;
        let grown = (pace.growth * (self.guess * self.guess)).min(L::splat(4.0));
        let inverse = L::splat(1.0) / (pace.over + g * grown);
        let (s1, s2) = (self.band, self.low);
        let rest = (x - s2) - (pace.slope + grown) * s1;
        let guess = s1 + self.reach * rest;
        let gain = g * inverse;
        let step = gain * rest;
        let band = s1 + step;
        let up = g * band;
        let low = s2 + up;
        *self = Self { band: band + step, low: low + up, guess, reach: gain + gain };
        Bare { low, band, high: inverse * rest }
    }
}

impl<L: Lanes> Shape<L> {
    #[inline(always)]
    fn low(&self, bare: &Bare<L>) -> L {
        bare.low + self.low_band * bare.band + self.low_high * bare.high
    }

    #[inline(always)]
    fn band(&self, bare: &Bare<L>) -> L {
        self.band_band * bare.band + self.band_high * bare.high
    }

    #[inline(always)]
    fn high(&self, bare: &Bare<L>) -> L {
        self.h * bare.high
    }

    #[inline(always)]
    fn notch(&self, bare: &Bare<L>) -> L {
        bare.low + bare.high
    }
}

impl<L: Lanes> Make for Svf<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { per_hertz: L::splat(1.0 / prepare.rate), state: State::default() }
    }
}

impl<L: Lanes> Kernel<L> for Svf<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        let State { band, low, guess, reach } = &mut self.state;
        for x in [band, low, guess, reach] {
            *x = L::default().pick(lanes, *x);
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        if L::WIDTH == 1 {
            return self.run_alone(io);
        }
        let (input, cutoff, resonance) = (io.input(IN), io.input(CUTOFF), io.input(RESONANCE));
        let wants = [LOW, BAND, HIGH, NOTCH].map(|output| io.wants(output));
        let mut state = self.state;
        let frames = io.frames();
        let [low, band, high, notch] = io.outputs();
        let held_shape = match cutoff {
            Signal::Held(hertz) => Some(Shape::new(hertz * self.per_hertz)),
            Signal::Moving(_) => None,
        };
        let held_pace = match (held_shape, resonance) {
            (Some(shape), Signal::Held(resonance)) => Some(Pace::new(&shape, damping(resonance))),
            _ => None,
        };
        for frame in 0..frames {
            let shape = match held_shape {
                Some(shape) => shape,
                None => Shape::new(cutoff.at(frame) * self.per_hertz),
            };
            let pace = match held_pace {
                Some(pace) => pace,
                None => Pace::new(&shape, damping(resonance.at(frame))),
            };
            let bare = state.next(input.at(frame).tame(), &pace);
            if wants[LOW.index] {
                low[frame] = shape.low(&bare);
            }
            if wants[BAND.index] {
                band[frame] = shape.band(&bare);
            }
            if wants[HIGH.index] {
                high[frame] = shape.high(&bare);
            }
            if wants[NOTCH.index] {
                notch[frame] = shape.notch(&bare);
            }
        }
        self.state = state;
    }
}

impl<L: Lanes> Svf<L> {
    /// One lane: all but what a frame takes over from the last is worked out for sixteen frames together.
    #[inline(always)]
    fn run_alone(&mut self, io: &mut Io<'_, L>) {
        let (input, cutoff, resonance) = (io.input(IN), io.input(CUTOFF), io.input(RESONANCE));
        let per_hertz = Wide::<16>::splat(self.per_hertz.lane(0));
        let wants = [LOW, BAND, HIGH, NOTCH].map(|output| io.wants(output));
        let before = self.state;
        let mut state =
            State { band: before.band.lane(0), low: before.low.lane(0), guess: before.guess.lane(0), reach: before.reach.lane(0) };
        let frames = io.frames();
        let [low, band, high, notch] = io.outputs();
        let still = cutoff.held().is_some();
        let mut shape = Shape::new(cutoff.sixteen(0) * per_hertz);
        for from in (0..frames).step_by(16) {
            if from > 0 && !still {
                shape = Shape::new(cutoff.sixteen(from) * per_hertz);
            }
            let pace = Pace::new(&shape, damping(resonance.sixteen(from)));
            let x = input.sixteen(from).tame();
            let count = if frames - from < 16 { frames - from } else { 16 };
            let mut bare = Bare::<Wide<16>>::default();
            for at in 0..count {
                let pace = Pace { g: pace.g.0[at], slope: pace.slope.0[at], over: pace.over.0[at], growth: pace.growth.0[at] };
                let frame = state.next(x.0[at], &pace);
                (bare.low.0[at], bare.band.0[at], bare.high.0[at]) = (frame.low, frame.band, frame.high);
            }
            if wants[LOW.index] {
                put_sixteen(&shape.low(&bare), &mut low[from..]);
            }
            if wants[BAND.index] {
                put_sixteen(&shape.band(&bare), &mut band[from..]);
            }
            if wants[HIGH.index] {
                put_sixteen(&shape.high(&bare), &mut high[from..]);
            }
            if wants[NOTCH.index] {
                put_sixteen(&shape.notch(&bare), &mut notch[from..]);
            }
        }
        let State { band, low, guess, reach } = state;
        self.state = State { band: L::splat(band), low: L::splat(low), guess: L::splat(guess), reach: L::splat(reach) };
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
