//! Low-frequency oscillator.

use crate::base::time::BLOCK;
use crate::dsp::edge::Edge;
use crate::dsp::ints::Ints;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::dsp::math::sin_turn;
use crate::dsp::phase::{Phase, TURN, turns};
use crate::dsp::random::Random;
use crate::module::def::Category;
use crate::module::isa::whole;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};
use crate::per_voice;

const RATE: Input = Input::hertz(0, "rate", 0.001, 200.0, 1.0, "Turns a second.").smooth_ms(5.0);
const PHASE: Input = Input::ratio(1, "phase", 0.0, 1.0, 0.0, "Where in the turn it starts, and how far it runs ahead [turns].");
const PULSE_WIDTH: Input = Input::ratio(2, "pulse_width", 0.0, 1.0, 0.5, "Part of a turn for which the square is high.");
const RESET: Input = Input::trigger(3, "reset", "Starts the turn anew.");
const SINE: Output = Output::number(0, "sine", "Sine, rising from its middle.");
const TRIANGLE: Output = Output::number(1, "triangle", "Triangle, rising from its middle.");
const SAW: Output = Output::number(2, "saw", "Ramp from the bottom to the top; times -1 it falls.");
const SQUARE: Output = Output::number(3, "square", "High, then low.");
const RANDOM: Output = Output::number(4, "random", "A new random value each turn, held.");
const SMOOTH: Output = Output::number(5, "smooth", "The values of `random`, one gliding into the next.");
const POLARITY: Setting = Setting::choice(0, "polarity", &["bipolar", "unipolar"], "Whether outputs go from -1 to 1 or from 0 to 1.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new("lfo", Category::Modulator, "Slow waves for moving other inputs.", per_voice!(Lfo))
    .doc(
        "What turns a knob for you, over and over. Multiply an output by how far it shall turn it, and add it to the input's sum: \
         `pitch = \"note.pitch + vibrato * 20 ct\"`, `cutoff = \"800 Hz + lfo.triangle * 2 oct\"`, `pulse_width = \"0.5 + lfo * \
         0.3\"`.\n\n\
         `rate` takes Hz, a length (`\"8 bars\"`: once per eight bars) or a sum of these. In `[voice.*]` it starts afresh with each \
         note, at `phase`; in `[global.*]` it runs free. `reset = \"note.trigger\"` or any pulse starts it anew. Two of the same \
         rate with `phase` 0 and 0.25 move in a circle. `random` steps once a turn, `smooth` wanders.\n\n\
         The phase counts in steps of 2⁻³² turn with the rest carried on, so that the slowest rate is exact. The waves have sharp \
         edges on purpose: at the top of its range it is no oscillator; for sound take `vco`.",
    )
    .inputs(&[RATE, PHASE, PULSE_WIDTH, RESET])
    .outputs(&[SINE, TRIANGLE, SAW, SQUARE, RANDOM, SMOOTH])
    .settings(&[POLARITY]);

struct Lfo<L: Lanes> {
    per_hertz: L,
    /// Every output is times this, plus the other.
    scale: (L, L),
    phase: Phase<L>,
    edge: Edge<L>,
    random: Random<L>,
    value: L,
    next_value: L,
}

impl<L: Lanes> Make for Lfo<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        let (factor, offset) = if prepare.settings.choice(POLARITY) == 1 { (0.5, 0.5) } else { (1.0, 0.0) };
        let mut lfo = Self {
            per_hertz: L::splat(TURN / prepare.rate),
            scale: (L::splat(factor), L::splat(offset)),
            phase: Phase::default(),
            edge: Edge::default(),
            random: Random::new(),
            value: L::default(),
            next_value: L::default(),
        };
        lfo.reset(LaneMask::ALL, prepare.seed);
        lfo.draw(LaneMask::ALL, |lane| prepare.of_lane(lane));
        lfo
    }
}

/// Steps that a part of a turn is ahead, less half a turn, so that the whole range fits; the sign is put back by the sum.
#[inline(always)]
fn ahead_of<L: Lanes>(offset: L) -> Ints<L> {
    Ints::rounded(offset.map(|x| (x - 0.5) * TURN))
}

impl<L: Lanes> Lfo<L> {
    /// The random values with which these lanes begin, and those to come.
    #[inline(always)]
    fn draw(&mut self, lanes: LaneMask, seed: impl Fn(usize) -> Seed) {
        self.random.seed(lanes, |lane| seed(lane).0);
        self.turn(L::Mask::from_lanes(lanes));
        self.turn(L::Mask::from_lanes(lanes));
    }

    /// A new random value where a turn begins.
    #[inline(always)]
    fn turn(&mut self, begins: L::Mask) {
        self.value = begins.select(self.next_value, self.value);
        self.next_value = self.random.bipolar_where(begins, self.next_value);
    }
}

/// The triangle of a part of a turn.
#[inline(always)]
fn triangle(t: f32) -> f32 {
    let t = if t < 0.75 { t } else { t - 1.0 };
    if t < 0.25 { 4.0 * t } else { 2.0 - 4.0 * t }
}

impl<L: Lanes> Lfo<L> {
    /// One lane whose inputs hold: all frames side by side. False, and nothing has happened, where they must be gone through one by one.
    #[inline(always)]
    fn glides(&mut self, [rate, width, reset]: [L; 3], ahead: Ints<L>, wants: [bool; 6], outputs: &mut [&mut [L]; 6]) -> bool {
        let mut edge = self.edge;
        if edge.rises(reset).any() {
            return false;
        }
        let frames = outputs[0].len();
        let Some((places, ends)) = self.phase.go_evenly(rate * self.per_hertz, frames) else { return false };
        self.edge = edge;
        for _ in 0..ends {
            self.turn(L::Mask::from_lanes(LaneMask::ALL));
        }
        let (factor, middle) = self.scale;
        let ahead = ahead.lane(0).wrapping_add(i32::MIN);
        let mut parts = [0.0; BLOCK];
        for frame in 0..BLOCK {
            parts[frame] = turns(places[frame].wrapping_add(ahead));
        }
        macro_rules! give {
            ($output:ident, $t:ident => $value:expr) => {
                if wants[$output.index] {
                    for (out, $t) in outputs[$output.index].iter_mut().zip(&parts) {
                        let $t = *$t;
                        *out = L::splat($value) * factor + middle;
                    }
                }
            };
        }
        let width = width.lane(0);
        give!(SINE, t => sin_turn(t));
        give!(TRIANGLE, t => triangle(t));
        give!(SAW, t => 2.0 * t - 1.0);
        give!(SQUARE, t => if t < width { 1.0 } else { -1.0 });
        true
    }
}

impl<L: Lanes> Kernel<L> for Lfo<L> {
    fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        self.phase.reset(lanes);
        self.edge.reset(lanes);
        self.draw(lanes, |lane| seed.of_lane(lanes, lane));
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (rate, offset, width, reset) = (io.input(RATE), io.input(PHASE), io.input(PULSE_WIDTH), io.input(RESET));
        let wants = [SINE, TRIANGLE, SAW, SQUARE, RANDOM, SMOOTH].map(|output| io.wants(output));
        let (factor, middle) = self.scale;
        let held_ahead = offset.held().map(ahead_of);
        let frames = io.frames();
        let mut outputs = io.outputs::<6>();
        if L::WIDTH == 1
            && !wants[RANDOM.index]
            && !wants[SMOOTH.index]
            && let (Some(rate), Some(ahead), Some(width), Some(reset)) = (rate.held(), held_ahead, width.held(), reset.held())
            && self.glides([rate, width, reset], ahead, wants, &mut outputs)
        {
            return;
        }
        #[allow(clippy::needless_range_loop, reason = "only the wanted outputs are written")]
        for frame in 0..frames {
            let restarts = self.edge.rises(reset.at(frame));
            self.phase.restart(restarts);
            if restarts.any() {
                self.turn(restarts);
            }
            let ahead = match held_ahead {
                Some(ahead) => ahead,
                None => ahead_of(offset.at(frame)),
            };
            let place = self.phase.at().zip(ahead, |at, ahead| at.wrapping_add(ahead).wrapping_add(i32::MIN));
            let turn = place.to_lanes(turns);
            let mut give = |output: Output, x: L| outputs[output.index][frame] = x * factor + middle;
            if wants[SINE.index] {
                give(SINE, turn.map(sin_turn));
            }
            if wants[TRIANGLE.index] {
                give(TRIANGLE, turn.map(triangle));
            }
            if wants[SAW.index] {
                give(SAW, turn.map(|t| 2.0 * t - 1.0));
            }
            if wants[SQUARE.index] {
                give(SQUARE, turn.zip(width.at(frame), |t, width| if t < width { 1.0 } else { -1.0 }));
            }
            if wants[RANDOM.index] {
                give(RANDOM, self.value);
            }
            if wants[SMOOTH.index] {
                let part = self.phase.at().to_lanes(|at| {
                    let t = turns(at);
                    t * t * (3.0 - 2.0 * t)
                });
                give(SMOOTH, self.value + (self.next_value - self.value) * part);
            }
            let ended = self.phase.advance(rate.at(frame) * self.per_hertz, whole);
            if ended.any() {
                self.turn(ended);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    #[test]
    fn it_turns_as_often_as_asked_at_every_rate() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            for (hertz, seconds) in [(0.1f32, 40.0f32), (1.0, 10.0), (7.3, 10.0), (200.0, 5.0)] {
                let mut rig = Rig::new(&DEF, rate);
                rig.hold(RATE, hertz);
                let take = rig.run((seconds * rate) as usize, &Cuts::whole());
                let falls: Vec<usize> = take.lane(2, 0).windows(2).enumerate().filter(|(_, w)| w[1] < w[0]).map(|(i, _)| i).collect();
                let (first, last) = (falls[0], falls[falls.len() - 1]);
                let measured = (falls.len() - 1) as f32 * rate / (last - first).max(1) as f32;
                let rounding = hertz / seconds / rate * hertz.recip() * 2.0 * seconds;
                assert!((measured / hertz - 1.0).abs() < 1e-4 + rounding, "{rate}: {measured} Hz, not {hertz}");
            }
        }
    }

    #[test]
    fn waves_go_through_their_known_points() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        rig.hold(RATE, 1.0);
        let take = rig.run(48_000, &Cuts::whole());
        let at = |wire: usize, turn: f32| take.lane(wire, 0)[(turn * 48_000.0) as usize + 1];
        for (wire, points) in
            [(0, [0.0, 1.0, 0.0, -1.0]), (1, [0.0, 1.0, 0.0, -1.0]), (2, [-1.0, -0.5, 0.0, 0.5]), (3, [1.0, 1.0, -1.0, -1.0])]
        {
            for (quarter, want) in points.into_iter().enumerate() {
                let got = at(wire, quarter as f32 / 4.0);
                assert!((got - want).abs() < 3e-4, "output {wire} at quarter {quarter}: {got}, not {want}");
            }
        }
    }

    #[test]
    fn it_starts_at_its_phase_and_anew_on_a_pulse() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        rig.hold(PHASE, 0.25).hold(RATE, 3.0).drive(RESET, |time, _| f32::from(time == 1_000));
        let take = rig.run(2_000, &Cuts::whole());
        let sine = take.lane(0, 0);
        assert!((sine[0] - 1.0).abs() < 1e-6 && sine[1_000] == sine[0]);
        assert!(sine[999] < 0.95);
        assert_ne!(take.lane(4, 0)[999], take.lane(4, 0)[1_000], "a new turn draws a new value");
    }

    #[test]
    fn random_steps_once_a_turn_and_smooth_glides_between_its_values() {
        let mut rig = Rig::new(&DEF, 48_000.0);
        rig.hold(RATE, 100.0);
        let take = rig.run(48_000, &Cuts::whole());
        let (random, smooth) = (take.lane(4, 0), take.lane(5, 0));
        let steps: Vec<usize> = (1..48_000).filter(|&i| random[i] != random[i - 1]).collect();
        assert!((98..=100).contains(&steps.len()), "{} steps", steps.len());
        for &step in &steps {
            assert!((smooth[step] - random[step]).abs() < 0.01);
        }
        let jump = smooth.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(jump < 0.01, "smooth jumps by {jump}");
    }

    #[test]
    fn unipolar_goes_from_0_to_1() {
        let settings = Settings(vec![SettingValue::Choice(1)]);
        let mut rig = Rig::of(&DEF, 1, Level::detect(), 48_000.0, &settings);
        rig.hold(RATE, 10.0);
        let take = rig.run(48_000, &Cuts::whole());
        for wire in 0..6 {
            let (low, high) = take.lane(wire, 0).iter().fold((1.0f32, 0.0f32), |(l, h), &x| (l.min(x), h.max(x)));
            assert!((-1e-6..0.35).contains(&low) && (0.65..=1.000_001).contains(&high), "output {wire}: {low}..{high}");
        }
    }
}
