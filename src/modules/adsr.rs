//! Envelope of four stages.

use std::hint::black_box;

use crate::dsp::contour::{BELOW, Level, TOP, attack_part, fall_part, frames};
use crate::dsp::edge::Edge;
use crate::dsp::lanes::{LaneMask, Lanes, Truth, end_frame};
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed, Setting, Signal};
use crate::per_voice;

const GATE: Input = Input::gate(0, "gate", "Rises and stays while high, is released when it falls.").normalled(NoteSource::Gate);
const RETRIGGER: Input =
    Input::trigger(1, "retrigger", "While the gate is high: attacks again, from where it is.").normalled(NoteSource::Trigger);
const ATTACK: Input = Input::seconds(2, "attack", 0.0, 60.0, 0.005, "Time from 0 to 1.");
const DECAY: Input = Input::seconds(3, "decay", 0.0, 60.0, 0.2, "Time from 1 to the sustain level (exponential: 99.9 % of the way).");
const SUSTAIN: Input = Input::ratio(4, "sustain", 0.0, 1.0, 0.7, "Level held while the gate stays high.").smooth_ms(5.0);
const RELEASE: Input =
    Input::seconds(5, "release", 0.0, 60.0, 0.3, "Time from 1 (linear: from where it is) to 0 after the gate has fallen.");
const OUT: Output = Output::number(0, "out", "The envelope, 0..1.");
const CURVE: Setting =
    Setting::choice(0, "curve", &["exponential", "linear"], "Shape of the stages: as a capacitor charges, or straight lines.");

/// The declaration.
pub static DEF: ModuleDef =
    ModuleDef::new("adsr", Category::Envelope, "Attack, decay, sustain, release: the course of a held note.", per_voice!(Adsr))
        .doc(
            "Opens while a key is down and closes after it. In `[voice.*]` its gate is the note's, and the voice sounds until its \
             envelopes have ended.\n\n\
             Times a signal it is a VCA: `[out] in = \"filter * env * note.velocity\"`. Times octaves it opens a filter: `cutoff = \
             \"300 Hz + env * 3 oct\"`. A sustain of 0 with a short decay is a pluck. In mono patches `retrigger = 0` lets \
             overlapping notes run on without a new attack. Elsewhere any gate plays it: `gate = \"steps.gate\"`.\n\n\
             It moves from the frame in which its gate rises, and always from where it is, so that nothing clicks. Its curves are \
             those of an analogue envelope: the attack aims at 1.29 and is cut at 1; decay and release fall by 60 dB in their time, \
             and the release ends at exactly 0. A sustain that is turned is followed at the pace of the decay.",
        )
        .inputs(&[GATE, RETRIGGER, ATTACK, DECAY, SUSTAIN, RELEASE])
        .outputs(&[OUT])
        .settings(&[CURVE])
        .envelope();

/// Frames that are worked out before it is asked whether a stage has ended in them.
const PIECE: usize = 16;

struct Adsr<L: Lanes> {
    rate: f32,
    linear: bool,
    gate: Edge<L>,
    retrigger: Edge<L>,
    level: Level<L>,
    attacking: L::Mask,
    /// Straight lines only: has come down to the sustain level.
    sustaining: L::Mask,
    /// Straight lines only: where it was when the gate fell.
    from: L,
    /// The three times of the last call's first frame, and what they say.
    times: [L; 3],
    pace: Pace<L>,
}

impl<L: Lanes> Make for Adsr<L> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self {
            rate: prepare.rate,
            linear: prepare.settings.choice(CURVE) == 1,
            gate: Edge::default(),
            retrigger: Edge::default(),
            level: Level::default(),
            attacking: L::Mask::default(),
            sustaining: L::Mask::default(),
            from: L::default(),
            // No time is NaN: the first call works it out.
            times: [L::splat(f32::NAN); 3],
            pace: Pace::default(),
        }
    }
}

/// What the three times say each frame: parts of the way, or steps.
#[derive(Clone, Copy, Default)]
struct Pace<L> {
    attack: L,
    decay: L,
    release: L,
}

impl<L: Lanes> Adsr<L> {
    #[inline(always)]
    fn pace(&self, attack: L, decay: L, release: L) -> Pace<L> {
        let (attack, decay, release) = (frames(attack, self.rate), frames(decay, self.rate), frames(release, self.rate));
        if self.linear {
            let one = L::splat(1.0);
            Pace { attack: one / attack, decay: one / decay, release: one / release }
        } else {
            Pace { attack: attack_part(attack), decay: fall_part(decay), release: fall_part(release) }
        }
    }

    /// The same, worked out only where it is for other times than the last.
    #[inline(always)]
    fn kept_pace(&mut self, attack: L, decay: L, release: L) -> Pace<L> {
        let [was_attack, was_decay, was_release] = self.times;
        if !(attack.is(was_attack) && decay.is(was_decay) && release.is(was_release)) {
            self.times = [attack, decay, release];
            self.pace = self.pace(attack, decay, release);
        }
        self.pace
    }

    #[inline(always)]
    fn curved(&mut self, pace: &Pace<L>, sustain: L, high: L::Mask) -> L {
        let target = self.attacking.select(L::splat(TOP), high.select(sustain, L::splat(-BELOW)));
        let part = self.attacking.select(pace.attack, high.select(pace.decay, pace.release));
        (target - self.level.at()) * part
    }

    #[inline(always)]
    fn straight(&mut self, pace: &Pace<L>, sustain: L, high: L::Mask, falls: L::Mask) -> L {
        let at = self.level.at();
        self.from = falls.select(at, self.from);
        let fall = (sustain - L::splat(1.0)) * pace.decay;
        // It is down when the next step would take it below.
        self.sustaining = self.sustaining.or(high.and((at + fall).gt(sustain).not())).and(self.attacking.not()).and(high);
        let follow = (sustain - at).zip(pace.decay, |way, most| {
            let way = if way < most { way } else { most };
            if way > -most { way } else { -most }
        });
        let held = self.sustaining.select(follow, fall);
        self.attacking.select(pace.attack, high.select(held, -self.from * pace.release))
    }
}

impl<L: Lanes> Adsr<L> {
    /// One frame of a curve on which nothing attacks and no gate moves.
    #[inline(always)]
    fn glide(&mut self, pace: &Pace<L>, sustain: L, high: L::Mask, falls: bool) {
        let target = high.select(sustain, L::splat(-BELOW));
        let step = (target - self.level.at()) * high.select(pace.decay, pace.release);
        self.level.step(step);
        if falls {
            let down = high.not().and((self.level.at() + step * L::splat(0.5)).gt(L::splat(0.0)).not());
            self.level.put(down, L::splat(0.0));
        }
    }

    /// Frames of a curve under inputs that hold, and gates too. True where it had arrived, and nothing was written.
    #[inline(always)]
    fn coast(&mut self, pace: &Pace<L>, sustain: L, out: &mut [L]) -> bool {
        let low = self.gate.is_high().not();
        if !self.attacking.any() {
            let before = self.level;
            self.glide(pace, sustain, low.not(), low.any());
            if self.level.is(&before) {
                // Every frame to come is this one.
                return true;
            }
            self.level = before;
        }
        let mut at = 0;
        while at < out.len() {
            at += self.coast_on(pace, sustain, low, &mut out[at..]);
        }
        false
    }

    /// Frames of that up to the piece in which a stage ends in some lane, or all; gives how many. Ends come rarely: each piece is worked
    /// out as if none came, and again frame by frame where one did.
    #[inline(always)]
    fn coast_on(&mut self, pace: &Pace<L>, sustain: L, low: L::Mask, out: &mut [L]) -> usize {
        let (zero, half, one, top) = (L::splat(0.0), L::splat(0.5), L::splat(1.0), L::splat(TOP));
        let (level, mut attacking) = (self.level, self.attacking);
        let aim = low.select(L::splat(-BELOW), sustain);
        let share = low.select(pace.release, pace.decay);
        // What is at rest stays there without being put back in every frame.
        let resting = low.and(level.is_zero());
        let falling = low.and(resting.not());
        let aims = attacking.select(top, aim);
        let shares = resting.select(zero, attacking.select(pace.attack, share));
        // From memory: so the compiler sees where each set of lanes begins, and keeps it together.
        let (aims, shares, mut level) = black_box((aims, shares, level));
        if !attacking.or(falling).any() {
            for out in &mut *out {
                level.step((aims - level.at()) * shares);
                *out = level.at();
                end_frame::<L>();
            }
            self.level = level;
            return out.len();
        }
        // An attack ends at the one, a release at the other.
        let (most, least) = black_box((attacking.select(one, L::splat(f32::MAX)), falling.select(zero, L::splat(f32::MIN))));
        let mut nexts = [zero; PIECE];
        let mut done = 0;
        while done < out.len() {
            let end = if done + PIECE < out.len() { done + PIECE } else { out.len() };
            let piece = &mut out[done..end];
            let mut ahead = level;
            for (out, next) in piece.iter_mut().zip(&mut nexts) {
                let step = (aims - ahead.at()) * shares;
                ahead.step(step);
                *out = ahead.at();
                *next = ahead.at() + step * half;
                end_frame::<L>();
            }
            // Looked at in a loop of its own, which keeps the lanes together.
            let mut ended = L::Mask::default();
            for next in &nexts[..piece.len()] {
                ended = ended.or(next.lt(most).and(next.gt(least)).not());
                end_frame::<L>();
            }
            done = end;
            if !ended.any() {
                level = ahead;
            } else {
                for out in piece {
                    let step = (attacking.select(top, aim) - level.at()) * attacking.select(pace.attack, share);
                    level.step(step);
                    let next = level.at() + step * half;
                    let up = attacking.and(next.lt(one).not());
                    level.put(up, one);
                    attacking = attacking.and(up.not());
                    level.put(low.and(next.gt(zero).not()), zero);
                    *out = level.at();
                    end_frame::<L>();
                }
                break;
            }
        }
        (self.level, self.attacking) = (level, attacking);
        done
    }

    /// The end of the frames, from one on, in which neither gate nor retrigger goes up or down.
    #[inline(always)]
    fn calm_until(&self, gate: &Signal<'_, L>, retrigger: &Signal<'_, L>, from: usize, frames: usize) -> usize {
        let mut end = frames;
        for (signal, edge) in [(gate, &self.gate), (retrigger, &self.retrigger)] {
            match signal {
                Signal::Held(x) if edge.moves(*x) => end = from,
                Signal::Held(_) => {}
                Signal::Moving(xs) => {
                    let mut at = from;
                    while at < end && !edge.moves(xs[at]) {
                        at += 1;
                    }
                    end = at;
                }
            }
        }
        end
    }
}

impl<L: Lanes> Kernel<L> for Adsr<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        let others = L::Mask::from_lanes(lanes).not();
        self.gate.reset(lanes);
        self.retrigger.reset(lanes);
        self.level.reset(lanes);
        self.attacking = self.attacking.and(others);
        self.sustaining = self.sustaining.and(others);
        self.from = L::default().pick(lanes, self.from);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (gate, retrigger, sustain) = (io.input(GATE), io.input(RETRIGGER), io.input(SUSTAIN));
        let (attack, decay, release) = (io.input(ATTACK), io.input(DECAY), io.input(RELEASE));
        let still = attack.held().is_some() && decay.held().is_some() && release.held().is_some();
        let mut pace = self.kept_pace(attack.at(0), decay.at(0), release.at(0));
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let [out] = io.outputs();
        // While gates stay as they are the edges need no looking for: the same numbers, sooner.
        let gates_still = gate.held().is_some() && retrigger.held().is_some();
        let mut frame = 0;
        while frame < out.len() {
            if !self.linear {
                let calm = self.calm_until(&gate, &retrigger, frame, out.len());
                if let (true, true, Some(sustain)) = (frame < calm, still, sustain.held()) {
                    if self.coast(&pace, sustain, &mut out[frame..calm]) {
                        let at = self.level.at();
                        if gates_still && frame == 0 {
                            out[0] = at;
                            io.stands(OUT.index);
                            return;
                        }
                        for out in &mut out[frame..calm] {
                            *out = at;
                        }
                    }
                    frame = calm;
                    continue;
                }
                if frame < calm && gates_still && !self.attacking.any() {
                    let high = self.gate.is_high();
                    let falls = high.not().any();
                    for at in frame..out.len() {
                        if !still {
                            pace = self.pace(attack.at(at), decay.at(at), release.at(at));
                        }
                        self.glide(&pace, sustain.at(at), high, falls);
                        out[at] = self.level.at();
                    }
                    return;
                }
            }
            if !still && frame > 0 {
                pace = self.pace(attack.at(frame), decay.at(frame), release.at(frame));
            }
            let was_high = self.gate.is_high();
            let rises = self.gate.rises(gate.at(frame));
            let high = self.gate.is_high();
            let starts = rises.or(self.retrigger.rises(retrigger.at(frame)));
            self.attacking = self.attacking.or(starts).and(high);
            let sustain = sustain.at(frame);
            let step =
                if self.linear { self.straight(&pace, sustain, high, was_high.and(high.not())) } else { self.curved(&pace, sustain, high) };
            self.level.step(step);
            // An end is reached in the frame nearest to it.
            let half = step * L::splat(0.5);
            let up = self.attacking.and((self.level.at() + half).lt(one).not());
            self.level.put(up, one);
            self.attacking = self.attacking.and(up.not());
            let down = high.not().and((self.level.at() + half).gt(zero).not());
            self.level.put(down, zero);
            out[frame] = self.level.at();
            frame += 1;
        }
    }

    fn at_rest(&self) -> LaneMask {
        self.gate.is_high().or(self.level.at().gt(L::splat(0.0))).not().lanes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level as Isa;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};

    const RATES: [f32; 3] = [44_100.0, 48_000.0, 96_000.0];

    fn rig(linear: bool, rate: f32) -> Rig {
        let mut rig = Rig::of(&DEF, 1, Isa::detect(), rate, &Settings(vec![SettingValue::Choice(usize::from(linear))]));
        rig.hold(ATTACK, 0.005).hold(DECAY, 0.05).hold(SUSTAIN, 0.5).hold(RELEASE, 0.02);
        rig
    }

    #[test]
    fn it_starts_in_the_gates_own_frame_and_peaks_on_time() {
        for linear in [false, true] {
            for rate in RATES {
                for (attack, start) in [(0.001, 100u64), (0.005, 4_811), (0.1, 777), (2.0, 5)] {
                    let mut rig = rig(linear, rate);
                    rig.hold(ATTACK, attack).drive(GATE, move |time, _| f32::from(time >= start));
                    let take = rig.run((start as f32 + attack * rate * 1.1) as usize + 10, &Cuts::whole());
                    let out = take.lane(0, 0);
                    assert!(out[..start as usize].iter().all(|x| *x == 0.0) && out[start as usize] > 0.0);
                    let peak = out.iter().position(|x| *x == 1.0).expect("it reaches 1");
                    let took = (peak - start as usize + 1) as f32 / rate;
                    assert!((took - attack).abs() <= 1.01 / rate, "linear {linear}: {took} s, not {attack}");
                }
            }
        }
    }

    #[test]
    fn decay_and_release_take_their_time_and_end_exactly() {
        for rate in RATES {
            for linear in [false, true] {
                let mut rig = rig(linear, rate);
                let frames = |seconds: f32| (seconds * rate).round() as usize;
                let falls = frames(0.3) as u64;
                rig.drive(GATE, move |time, _| f32::from(time < falls));
                let take = rig.run(frames(0.4), &Cuts::whole());
                let out = take.lane(0, 0);
                // 5 ms up, 50 ms down to 0.5 (of the exponential: all but a thousandth of the way).
                let done = out[frames(0.055)];
                assert!((done - 0.5).abs() < 0.000_6, "linear {linear}: {done} after attack and decay");
                let before = out[frames(0.050)];
                assert!(before > 0.500_6, "linear {linear}: too early down, {before}");
                let zero = out.iter().skip(falls as usize).position(|x| *x == 0.0).expect("it ends") as f32 / rate;
                // From 0.5 the exponential needs ln(501) / ln(1001) of its time.
                let want = if linear { 0.02 } else { 0.02 * 501f32.ln() / 1001f32.ln() };
                assert!((zero - want).abs() < 2.0 / rate, "linear {linear}: ends after {zero} s, not {want}");
                assert!(rig.at_rest().has(0));
            }
        }
    }

    #[test]
    fn a_retrigger_attacks_from_where_it_is() {
        for linear in [false, true] {
            let mut rig = rig(linear, 48_000.0);
            rig.hold(GATE, 1.0).drive(RETRIGGER, |time, _| f32::from(time == 0 || time == 9_600));
            let take = rig.run(12_000, &Cuts::whole());
            let out = take.lane(0, 0);
            assert!((out[9_599] - 0.5).abs() < 1e-3);
            assert_eq!(out[9_600..9_900].iter().copied().fold(0.0, f32::max), 1.0, "it attacks again");
            let steepest = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
            assert!(steepest < 0.009, "linear {linear}: a step of {steepest}");
        }
    }

    #[test]
    fn a_gate_that_is_high_at_reset_attacks_and_a_fallen_one_rests() {
        let mut rig = rig(true, 48_000.0);
        assert!(rig.at_rest().has(0));
        rig.hold(GATE, 1.0);
        rig.run(1_000, &Cuts::whole());
        assert!(!rig.at_rest().has(0));
        rig.reset(LaneMask::one(0), Seed(1));
        let take = rig.run(500, &Cuts::whole());
        assert!(take.lane(0, 0)[0] < 0.01 && take.lane(0, 0)[300] > 0.9);
    }

    #[test]
    fn a_turned_sustain_is_followed_without_a_step() {
        for linear in [false, true] {
            let mut rig = rig(linear, 48_000.0);
            rig.hold(GATE, 1.0).drive(SUSTAIN, |time, _| if time < 12_000 { 0.5 } else { 0.9 });
            let take = rig.run(24_000, &Cuts::whole());
            let out = take.lane(0, 0);
            assert!((out[11_999] - 0.5).abs() < 1e-3 && (out[23_999] - 0.9).abs() < 1e-3);
            let steepest = out[11_000..].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
            assert!(steepest < 0.002, "linear {linear}: a step of {steepest}");
        }
    }

    #[test]
    fn times_of_0_act_at_once() {
        let mut rig = rig(true, 48_000.0);
        rig.hold(ATTACK, 0.0).hold(DECAY, 0.0).hold(RELEASE, 0.0).drive(GATE, |time, _| f32::from(time < 4));
        assert_eq!(rig.run(6, &Cuts::whole()).lane(0, 0), [1.0, 0.5, 0.5, 0.5, 0.0, 0.0]);
    }
}
