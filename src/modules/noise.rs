//! Noise.

use crate::base::time::BLOCK;
use crate::dsp::lanes::{LaneMask, Lanes, Wide};
use crate::dsp::random::Random;
use crate::module::def::Category;
use crate::module::{Io, Kernel, Make, ModuleDef, Output, Prepare, Seed};
use crate::per_voice;

const WHITE: Output = Output::audio(0, "white", "The same power at every frequency; within ±1.");
const PINK: Output = Output::audio(1, "pink", "The same power in every octave (3 dB less an octave up); seldom beyond ±1.");
const BROWN: Output = Output::audio(2, "brown", "6 dB less an octave up, as of a random walk; seldom beyond ±1.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("noise", Category::Source, "White, pink and brown noise.", per_voice!(Noise))
    .doc(
        "Three colours of one stream of chance. In `[voice.*]` each note has its own.\n\n\
         White through a filter is wind, hi-hats and the breath of a flute; pink is surf and rain, and the right signal to try a \
         filter or a room with; brown is thunder, and a slow one through `slew` or `onepole` is drift for a pitch or a cutoff. \
         `sample_hold` fed with white gives random steps.\n\n\
         The same patch, note and moment give the same noise each time. White: xorshift (G. Marsaglia, *Xorshift RNGs*, 2003), one \
         number a frame. Pink: seven poles and zeros alternating in equal ratios (J. O. Smith, *Spectral Audio Signal Processing*), \
         within 0.3 dB of the slope from 20 Hz to 20 kHz at every rate. Brown: one pole at 8 Hz.",
    )
    .outputs(&[WHITE, PINK, BROWN]);

/// Poles of the pink filter; each zero stands half way to the next pole.
const POLES: usize = 7;
const LOWEST_HERTZ: f64 = 6.0;
const RATIO: f64 = 4.0;
/// Share of the last frame in what drives the pink filter: it takes off what the zeros near half the rate leave too much.
const TILT: f64 = 0.08;
const BROWN_HERTZ: f64 = 8.0;
/// Level of pink and brown noise (root mean square).
const LEVEL: f64 = 0.25;

/// The pink filter as a sum: the input itself, and each pole's own share.
struct Pink {
    direct: f64,
    shares: [f64; POLES],
    poles: [f64; POLES],
}

impl Pink {
    /// For this rate, giving [`LEVEL`] when fed with white noise within ±1.
    fn design(rate: f64) -> Self {
        let at = |hertz: f64| libm::exp(-std::f64::consts::TAU * hertz / rate);
        let poles: [f64; POLES] = std::array::from_fn(|i| at(LOWEST_HERTZ * libm::pow(RATIO, i as f64)));
        let zeros: [f64; POLES] = std::array::from_fn(|i| at(LOWEST_HERTZ * libm::pow(RATIO, i as f64 + 0.5)));
        let direct: f64 = zeros.iter().zip(poles).map(|(zero, pole)| zero / pole).product();
        let shares: [f64; POLES] = std::array::from_fn(|i| {
            let over: f64 = zeros.iter().map(|zero| 1.0 - zero / poles[i]).product();
            let under: f64 = (0..POLES).filter(|&j| j != i).map(|j| 1.0 - poles[j] / poles[i]).product();
            over / under
        });
        // Energy of the impulse response, and its product with itself a frame later, by geometric series.
        let (mut energy, mut next) = (direct * direct, 0.0);
        for i in 0..POLES {
            energy += 2.0 * direct * shares[i];
            next += direct * shares[i] * poles[i];
            for j in 0..POLES {
                let both = shares[i] * shares[j] / (1.0 - poles[i] * poles[j]);
                energy += both;
                next += both * poles[j];
            }
        }
        let energy = (1.0 + TILT * TILT) * energy + 2.0 * TILT * next;
        let gain = LEVEL / libm::sqrt(energy / 3.0);
        Self { direct: direct * gain, shares: shares.map(|share| share * gain), poles }
    }
}

/// The states of the pink filter's poles, and of the brown one's.
type Poles = Wide<{ POLES + 1 }>;

struct Noise<L> {
    direct: L,
    shares: [L; POLES],
    poles: [L; POLES],
    brown_pole: L,
    brown_gain: L,
    random: Random<L>,
    white: L,
    pink: [L; POLES],
    brown: L,
}

impl<L: Lanes> Make for Noise<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        let rate = f64::from(prepare.rate);
        let pink = Pink::design(rate);
        let brown_pole = libm::exp(-std::f64::consts::TAU * BROWN_HERTZ / rate);
        let brown_gain = LEVEL * libm::sqrt(3.0 * (1.0 - brown_pole * brown_pole));
        let zero = L::splat(0.0);
        let mut noise = Self {
            direct: L::splat(pink.direct as f32),
            shares: pink.shares.map(|share| L::splat(share as f32)),
            poles: pink.poles.map(|pole| L::splat(pole as f32)),
            brown_pole: L::splat(brown_pole as f32),
            brown_gain: L::splat(brown_gain as f32),
            random: Random::new(),
            white: zero,
            pink: [zero; POLES],
            brown: zero,
        };
        noise.random.seed(LaneMask::ALL, |lane| prepare.of_lane(lane).0);
        noise
    }
}

impl<L: Lanes> Kernel<L> for Noise<L> {
    fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        let zero = L::splat(0.0);
        self.random.seed(lanes, |lane| seed.of_lane(lanes, lane).0);
        self.white = zero.pick(lanes, self.white);
        self.pink = self.pink.map(|pole| zero.pick(lanes, pole));
        self.brown = zero.pick(lanes, self.brown);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        match io.wants(PINK) {
            _ if L::WIDTH == 1 => self.run_one(io),
            true => self.run::<true>(io),
            false => self.run::<false>(io),
        }
    }
}

impl<L: Lanes> Noise<L> {
    /// One call, with the pink output or without; the state goes on all the same. A question in every frame would have the compiler
    /// weave frames together, which gathers and scatters lanes one by one.
    #[inline(always)]
    fn run<const HEARD: bool>(&mut self, io: &mut Io<'_, L>) {
        let frames = io.frames();
        let [white, pink, brown] = io.outputs();
        let tilt = L::splat(TILT as f32);
        let (mut random, mut last, mut poles, mut walk) = (self.random, self.white, self.pink, self.brown);
        for frame in 0..frames {
            let drawn = random.bipolar();
            let driven = drawn + last * tilt;
            let mut sum = driven * self.direct;
            for i in 0..POLES {
                poles[i] = poles[i] * self.poles[i] + driven;
                if HEARD {
                    sum += poles[i] * self.shares[i];
                }
            }
            walk = walk * self.brown_pole + drawn * self.brown_gain;
            last = drawn;
            white[frame] = drawn;
            if HEARD {
                pink[frame] = sum;
            }
            brown[frame] = walk;
        }
        (self.random, self.white, self.pink, self.brown) = (random, last, poles, walk);
    }

    /// One call where there is one lane: the poles stand side by side in its place, brown's the last.
    #[inline(always)]
    fn run_one(&mut self, io: &mut Io<'_, L>) {
        let (frames, pink_heard) = (io.frames(), io.wants(PINK));
        let [white, pink, brown] = io.outputs();
        let (mut driven, mut states) = ([0.0; BLOCK], [Poles::default(); BLOCK]);
        let side_by_side = |pink: &[L; POLES], brown: L| Poles::from_fn(|i| if i < POLES { pink[i].lane(0) } else { brown.lane(0) });
        let falls = side_by_side(&self.poles, self.brown_pole);
        let mut state = side_by_side(&self.pink, self.brown);
        let (mut random, mut last, gain) = (self.random, self.white.lane(0), self.brown_gain.lane(0));
        for frame in 0..frames {
            let drawn = random.bipolar().lane(0);
            driven[frame] = drawn + last * TILT as f32;
            last = drawn;
            let mut fed = Poles::splat(driven[frame]);
            fed.set_lane(POLES, drawn * gain);
            state = state * falls + fed;
            states[frame] = state;
            white[frame] = L::splat(drawn);
        }
        (self.random, self.white) = (random, L::splat(last));
        for (i, pole) in self.pink.iter_mut().enumerate() {
            *pole = L::splat(state.lane(i));
        }
        self.brown = L::splat(state.lane(POLES));
        for frame in 0..frames {
            brown[frame] = L::splat(states[frame].lane(POLES));
        }
        if pink_heard {
            for frame in 0..frames {
                let mut sum = driven[frame] * self.direct.lane(0);
                for i in 0..POLES {
                    sum += states[frame].lane(i) * self.shares[i].lane(0);
                }
                pink[frame] = L::splat(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig};

    /// Mean power of each octave from 31 Hz to 16 kHz, per Hz [dB], and the level (root mean square).
    fn octaves(rate: f32, wire: usize) -> (Vec<f64>, f64) {
        let mut rig = Rig::new(&DEF, rate);
        rig.run(rate as usize / 2, &Cuts::whole());
        let n = 1 << 14;
        let mut power = vec![0.0; n / 2];
        let mut level = 0.0;
        for _ in 0..64 {
            let take = rig.run(n, &Cuts::whole());
            level += take.lane(wire, 0).iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / n as f64 / 64.0;
            for (sum, p) in power.iter_mut().zip(crate::dsp::measure::spectrum(take.lane(wire, 0))) {
                *sum += p;
            }
        }
        let bin = f64::from(rate) / n as f64;
        let mean = |hertz: f64| {
            let bins = (hertz / bin / 1.19) as usize..(hertz / bin * 1.19) as usize + 1;
            10.0 * libm::log10(power[bins.clone()].iter().sum::<f64>() / bins.len() as f64)
        };
        ((0..10).map(|octave| mean(31.25 * f64::from(1 << octave))).collect(), level.sqrt())
    }

    #[test]
    fn colours_have_their_slopes_at_every_rate() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            for (wire, slope, level) in [(0, 0.0, 0.577), (1, -3.01, LEVEL), (2, -6.02, LEVEL)] {
                let (octaves, rms) = octaves(rate, wire);
                // The pole of brown noise still shows at 31 Hz, and near half the rate every recursive filter bends.
                for (octave, y) in octaves.iter().enumerate().take(9).skip(1) {
                    let want = octaves[5] + slope * (octave as f64 - 5.0);
                    assert!((y - want).abs() < 1.2, "{rate} Hz, output {wire}, octave {octave}: {} dB off", y - want);
                }
                assert!((rms / level - 1.0).abs() < 0.1, "{rate} Hz, output {wire}: level {rms}");
            }
        }
    }

    #[test]
    fn the_pink_filter_is_within_its_words() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            let pink = Pink::design(rate);
            let level = |hertz: f64| {
                let turn = std::f64::consts::TAU * hertz / rate;
                let (sin, cos) = turn.sin_cos();
                let (mut re, mut im) = (pink.direct, 0.0);
                for (pole, share) in pink.poles.iter().zip(pink.shares) {
                    // share / (1 − pole · e^−jω)
                    let (a, b) = (1.0 - pole * cos, pole * sin);
                    re += share * a / (a * a + b * b);
                    im -= share * b / (a * a + b * b);
                }
                let tilt = (1.0 + TILT * cos).hypot(TILT * sin);
                20.0 * (re.hypot(im) * tilt).log10() + 10.0 * hertz.log10()
            };
            let middle = level(632.0);
            for i in 0..=200 {
                let hertz = 20.0 * 1000f64.powf(f64::from(i) / 200.0);
                assert!((level(hertz) - middle).abs() < 0.3, "{rate}: {} dB off at {hertz} Hz", level(hertz) - middle);
            }
        }
    }

    #[test]
    fn notes_and_lanes_have_their_own_noise() {
        let heard = |seed: u64| {
            let mut rig = Rig::new(&DEF, 48_000.0);
            rig.reset(LaneMask::one(0), Seed(seed));
            rig.run(1_000, &Cuts::whole()).lane(0, 0).to_vec()
        };
        assert_eq!(heard(1), heard(1));
        let (a, b) = (heard(1), heard(2));
        let product: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a * b)).sum::<f64>() / 1_000.0;
        assert!(product.abs() < 0.05, "two notes' noises are alike: {product}");
    }
}
