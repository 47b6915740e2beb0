//! Ladder filter.

use crate::dsp::lanes::{LaneMask, Lanes, end_frame};
use crate::dsp::math::{LaneMath, factor_from_decibels, one_pole_gain};
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Signal};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "Signal to filter.");
const CUTOFF: Input = Input::hertz(1, "cutoff", 20.0, 20_000.0, 1_000.0, "Corner frequency.").smooth_ms(5.0);
const RESONANCE: Input =
    Input::ratio(2, "resonance", 0.0, 1.0, 0.1, "Emphasis at the corner; the last few percent sing by themselves.").smooth_ms(5.0);
const DRIVE: Input =
    Input::decibels(3, "drive", -24.0, 36.0, 0.0, "Level into the ladder, which saturates softly at about 2.").smooth_ms(5.0);
const LOW: Output = Output::audio(0, "low", "What lies below the cutoff, 24 dB per octave.");
const LOW12: Output = Output::audio(1, "low12", "What lies below the cutoff, 12 dB per octave.");
const BAND: Output = Output::audio(2, "band", "What lies about the cutoff, 12 dB per octave to each side.");
const HIGH: Output = Output::audio(3, "high", "What lies above the cutoff, 24 dB per octave.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("ladder", Category::Filter, "Ladder filter, 24 dB per octave, with saturation.", per_voice!(Ladder))
    .doc(
        "Four low-pass stages in a row with feedback around them: the filter of the classic monophonic synthesizers. As `resonance` \
         rises the low end thins; from 0.97 on it sings by itself in tune with `cutoff`. A soft saturation stands where signal and feedback meet: \
         it keeps the filter within bounds whatever comes in, and `drive` pushes into it for growl.\n\n\
         Patch an oscillator mix to `in` and an envelope with a depth to `cutoff`: `cutoff = \"brightness + env * 3 oct + note.pitch\"`. \
         `cutoff`, `resonance` and `drive` may be moved at audio rate. The feedback is `4 * resonance`, and up to 4.4 in the last 5 percent.\n\n\
         Four trapezoidal one-pole stages with zero-delay feedback, solved as if linear, then saturated (V. Zavalishin, *The Art of VA \
         Filter Design*, 2018, chapter 5); `low` and `low12` are summed from the stages so that they follow the analog response towards the top \
         of the range. Stage sums: T. Stilson and J. Smith 1996; V. Välimäki and A. Huovilainen 2006.",
    )
    .inputs(&[IN, CUTOFF, RESONANCE, DRIVE])
    .outputs(&[LOW, LOW12, BAND, HIGH]);

/// What the saturation gives at most: inside, signals are counted in this.
const CEILING: f32 = 2.0;

struct Ladder<L> {
    per_hertz: L,
    stages: [L; 4],
}

/// What follows from the cutoff alone.
#[derive(Clone, Copy)]
struct Shape<L> {
    /// Part of its way that a stage goes in a frame.
    g: L,
    /// Shares of the signals before, between and after two stages that make b S² + a S + 1 over (1 + S)²: zeros in place of those
    /// which the bilinear transform puts at half the rate.
    p: L,
    q: L,
    r: L,
}

impl<L: Lanes> Shape<L> {
    /// Of a corner as a part of the rate. The polynomials of a and b were fitted to the analog response for corners of 0.5 to
    /// 14 kHz at 48 kHz and feedbacks of 0, 2 and 3.6: they leave 0.03 dB at 1 kHz and 0.6 dB at 5 kHz up to twice the corner.
    #[inline(always)]
    fn new(corner: L) -> Self {
        let corner = corner.clamp(0.0, 0.46);
        let g = corner.map(one_pole_gain);
        let a = corner.map(|p| p * (4.902_01 - 5.212_43 * p));
        let b = corner.map(|p| p * p * (8.026_55 - 9.886_45 * p));
        Self { g, p: b, q: a - b - b, r: L::splat(1.0) - a + b }
    }
}

/// Feedback of a resonance.
#[inline(always)]
fn feedback<L: Lanes>(resonance: L) -> L {
    resonance.map(|r| {
        let over = r - 0.95;
        4.0 * r + if over > 0.0 { 8.0 * over } else { 0.0 }
    })
}

#[inline(always)]
fn factor<L: Lanes>(drive: L) -> L {
    drive.map(|drive| factor_from_decibels(drive) * (1.0 / CEILING))
}

impl<L: Lanes> Make for Ladder<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { per_hertz: L::splat(1.0 / prepare.rate), stages: [L::default(); 4] }
    }
}

impl<L: Lanes> Kernel<L> for Ladder<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        for stage in &mut self.stages {
            *stage = L::default().pick(lanes, *stage);
        }
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        if io.wants(LOW12) || io.wants(BAND) || io.wants(HIGH) { self.run::<true>(io) } else { self.run::<false>(io) }
    }
}

/// What follows from cutoff, resonance and drive alone.
#[derive(Clone, Copy)]
struct Turn<L> {
    /// What comes in is multiplied by this.
    factor: L,
    /// The shares of the stages in what comes round, k times what the fourth would give were nothing to come in.
    back: [L; 4],
    /// What the saturation divides by; its limit; its square, times 27.
    over: L,
    limit: L,
    square: L,
    /// Parts of its way that a stage goes, and stays, in a frame; and of what came in, that each stage then has.
    g: L,
    stay: L,
    powers: [L; 4],
    twice: [L; 4],
}

impl<L: Lanes> Turn<L> {
    #[inline(always)]
    fn new(g: L, k: L, factor: L) -> Self {
        let (g2, stay) = (g * g, L::splat(1.0) - g);
        let (g3, g4) = (g2 * g, g2 * g2);
        let over = L::splat(1.0) + k * g4;
        let back = k * stay;
        Self {
            factor,
            back: [back, back * g, back * g2, back * g3],
            over,
            limit: over.map(|over| 3.0 * over),
            square: over.map(|over| 27.0 * (over * over)),
            g,
            stay,
            powers: [g, g2, g3, g4],
            twice: [g + g, g2 + g2, g3 + g3, g4 + g4],
        }
    }

    /// A frame: what goes into the first stage, and what each gives.
    #[inline(always)]
    fn frame(&self, stages: &mut [L; 4], x: L) -> [L; 5] {
        let [s1, s2, s3, s4] = *stages;
        // The four shares side by side, for the next frame waits for it.
        let [b4, b3, b2, b1] = self.back;
        let round = (b4 * s4 + b3 * s3) + (b2 * s2 + b1 * s1);
        let push = x.tame() * self.factor - round;
        // saturate(push / over), with one division for both.
        let push = push.max(-self.limit).min(self.limit);
        let z = push * push;
        let v = push * (self.square + z) / (self.over * (self.square + z.map(|z| 9.0 * z)));
        // What each stage would give were nothing to come in: y_i = g^i · v + rest_i; and where it stands then, s_i = 2 y_i − s_i.
        let (g, stay) = (self.g, self.stay);
        let rest1 = stay * s1;
        let rest2 = stay * s2 + g * rest1;
        let rest3 = stay * s3 + g * rest2;
        let rest4 = stay * s4 + g * rest3;
        let (t1, t2, t3, t4) = (rest1 + rest1 - s1, rest2 + rest2 - s2, rest3 + rest3 - s3, rest4 + rest4 - s4);
        let [d1, d2, d3, d4] = self.twice;
        *stages = [d1 * v + t1, d2 * v + t2, d3 * v + t3, d4 * v + t4];
        let [g1, g2, g3, g4] = self.powers;
        [v, g1 * v + rest1, g2 * v + rest2, g3 * v + rest3, g4 * v + rest4]
    }
}

impl<L: Lanes> Ladder<L> {
    /// One call; `ALL` where more than `low` is heard.
    #[inline(always)]
    #[allow(clippy::manual_map, reason = "what is given to `map` would be compiled for the lowest level")]
    fn run<const ALL: bool>(&mut self, io: &mut Io<'_, L>) {
        let (input, cutoff, resonance, drive) = (io.input(IN), io.input(CUTOFF), io.input(RESONANCE), io.input(DRIVE));
        let mut shape = Shape::new(cutoff.at(0) * self.per_hertz);
        let mut stages = self.stages;
        let frames = io.frames();
        let [low, low12, band, high] = io.outputs();
        let mut out = Outputs::<L, ALL> { low, low12, band, high };
        if let (Some(_), Some(k), Some(drive)) = (cutoff.held(), resonance.held(), drive.held()) {
            let turn = Turn::new(shape.g, feedback(k), factor(drive));
            for frame in 0..frames {
                out.write(frame, &shape, turn.frame(&mut stages, input.at(frame)));
                end_frame::<L>();
            }
        } else {
            let held_feedback = if let Some(resonance) = resonance.held() { Some(feedback(resonance)) } else { None };
            let held_factor = if let Some(drive) = drive.held() { Some(factor(drive)) } else { None };
            let mut next = shape;
            for frame in 0..frames {
                shape = next;
                if let Signal::Moving(hertz) = cutoff {
                    // The next frame's, while this one waits for what comes round.
                    next = Shape::new(hertz[if frame + 1 < frames { frame + 1 } else { frame }] * self.per_hertz);
                }
                let k = match held_feedback {
                    Some(k) => k,
                    None => feedback(resonance.at(frame)),
                };
                let factor = match held_factor {
                    Some(factor) => factor,
                    None => factor(drive.at(frame)),
                };
                let turn = Turn::new(shape.g, k, factor);
                out.write(frame, &shape, turn.frame(&mut stages, input.at(frame)));
                end_frame::<L>();
            }
        }
        self.stages = stages;
    }
}

/// Where the frames go.
struct Outputs<'a, L, const ALL: bool> {
    low: &'a mut [L],
    low12: &'a mut [L],
    band: &'a mut [L],
    high: &'a mut [L],
}

impl<L: Lanes, const ALL: bool> Outputs<'_, L, ALL> {
    #[inline(always)]
    fn write(&mut self, frame: usize, shape: &Shape<L>, [v, y1, y2, y3, y4]: [L; 5]) {
        let (four, six, ceiling) = (L::splat(4.0), L::splat(6.0), L::splat(CEILING));
        let (p, q, r) = (shape.p, shape.q, shape.r);
        let first = p * v + q * y1 + r * y2;
        let second = p * y1 + q * y2 + r * y3;
        let third = p * y2 + q * y3 + r * y4;
        self.low[frame] = (p * first + q * second + r * third) * ceiling;
        if ALL {
            self.low12[frame] = first * ceiling;
            self.band[frame] = (y2 - y3 - y3 + y4) * four * ceiling;
            self.high[frame] = (v + y4 - four * (y1 + y3) + six * y2) * ceiling;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig, level_at};

    const RATE: f32 = 48_000.0;

    /// Level of an output at a multiple of the cutoff, as the analog ladder of feedback k has it: (1 + s)^top / ((1 + s)⁴ + k).
    fn analog(f: f64, k: f64, top: i32) -> f64 {
        // (1 + i f) as length and angle.
        let (length, angle) = (libm::hypot(1.0, f), libm::atan(f));
        let fourth = libm::pow(length, 4.0);
        let bottom = libm::hypot(fourth * libm::cos(4.0 * angle) + k, fourth * libm::sin(4.0 * angle));
        20.0 * libm::log10(libm::pow(length, f64::from(top)) / bottom)
    }

    /// Worst errors [dB] of `low` and `low12` from a quarter of the cutoff to twice it.
    fn errors(rate: f32, cutoff: f64, k: f64) -> [f64; 2] {
        let mut rig = Rig::new(&DEF, rate);
        rig.hold(CUTOFF, cutoff as f32).hold(RESONANCE, (k / 4.0) as f32).play(IN, &[0.001]);
        let take = rig.run(48_000, &Cuts::whole());
        let mut worst = [0.0f64; 2];
        for step in -16..=8i32 {
            let f = libm::exp2(f64::from(step) / 8.0);
            for (output, top) in [0, 2].into_iter().enumerate() {
                let error = level_at(take.lane(output, 0), rate, f * cutoff) + 60.0 - analog(f, k, top);
                worst[output] = worst[output].max(error.abs());
            }
        }
        worst
    }

    #[test]
    fn it_follows_the_analog_ladder() {
        for (rate, cutoff, most) in [(RATE, 200.0, 0.003), (RATE, 1_000.0, 0.04), (RATE, 5_000.0, 0.7), (44_100.0, 5_000.0, 0.8), (96_000.0, 5_000.0, 0.25)] {
            for k in [0.0, 2.0, 3.6] {
                let errors = errors(rate, cutoff, k);
                assert!(errors.iter().all(|error| *error < most), "{rate} Hz, {cutoff} Hz, k {k}: {errors:?}");
            }
        }
    }

    #[test]
    fn slopes_are_24_and_12_db_an_octave() {
        // Two octaves or more from the corner, each output on its steep side.
        for (output, cutoff, from, to, slope, within) in [
            (0, 200.0, 2_000.0, 4_000.0, -24.0, 0.6),
            (1, 200.0, 2_000.0, 4_000.0, -12.0, 0.4),
            (2, 4_000.0, 200.0, 400.0, 12.0, 0.2),
            (3, 4_000.0, 200.0, 400.0, 24.0, 0.2),
        ] {
            let mut rig = Rig::new(&DEF, RATE);
            rig.hold(CUTOFF, cutoff).hold(RESONANCE, 0.0).play(IN, &[0.01]);
            let take = rig.run(48_000, &Cuts::whole());
            let level = |hertz| level_at(take.lane(output, 0), RATE, hertz);
            let found = level(to) - level(from);
            assert!((found - slope).abs() < within, "output {output}: {found}");
        }
    }

    #[test]
    fn at_full_resonance_it_sings_in_tune() {
        for cutoff in [220.0, 880.0, 3_520.0] {
            let mut rig = Rig::new(&DEF, RATE);
            rig.hold(CUTOFF, cutoff).hold(RESONANCE, 1.0).play(IN, &[0.1]);
            rig.run(48_000, &Cuts::whole());
            let take = rig.run(48_000, &Cuts::whole());
            let low = take.lane(0, 0);
            let top = low.iter().fold(0.0f32, |top, x| top.max(x.abs()));
            assert!((0.2..0.5).contains(&top), "level {top}");
            let rises: Vec<f64> = (1..low.len())
                .filter(|&at| low[at - 1] < 0.0 && low[at] >= 0.0)
                .map(|at| at as f64 - f64::from(low[at] / (low[at] - low[at - 1])))
                .collect();
            let hertz = (rises.len() - 1) as f64 / (rises[rises.len() - 1] - rises[0]) * 48_000.0;
            let cents = 1_200.0 * libm::log2(hertz / f64::from(cutoff));
            assert!(cents.abs() < 12.0, "{cutoff} Hz sings at {hertz} Hz, {cents} cents");
        }
    }

    #[test]
    fn nothing_gets_out_of_hand() {
        for resonance in [0.0, 1.0] {
            let mut rig = Rig::new(&DEF, RATE);
            rig.hold(RESONANCE, resonance).hold(DRIVE, 36.0);
            rig.drive(CUTOFF, |time, _| if time % 97 < 48 { 20.0 } else { 20_000.0 });
            rig.drive(IN, |time, _| if time / 24 % 2 == 0 { 1e5 } else { -1e5 });
            let take = rig.run(48_000, &Cuts::whole());
            for output in 0..4 {
                let top = take.lane(output, 0).iter().fold(0.0f32, |top, x| top.max(x.abs()));
                assert!(top < 40.0, "output {output}: {top}");
            }
        }
    }

    #[test]
    fn drive_bends_and_a_usual_level_hardly_does() {
        let third = |drive: f32| {
            let mut rig = Rig::new(&DEF, RATE);
            rig.hold(CUTOFF, 20_000.0).hold(RESONANCE, 0.0).hold(DRIVE, drive);
            rig.drive(IN, |time, _| 0.5 * libm::sin(std::f64::consts::TAU * (time % 48) as f64 / 48.0) as f32);
            rig.run(4_800, &Cuts::whole());
            let take = rig.run(4_800, &Cuts::whole());
            level_at(take.lane(0, 0), RATE, 3_000.0) - level_at(take.lane(0, 0), RATE, 1_000.0)
        };
        assert!(third(0.0) < -44.0, "{}", third(0.0));
        assert!(third(24.0) > -15.0, "{}", third(24.0));
    }
}
