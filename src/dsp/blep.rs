//! Band-limited steps and corners: what has to be added to a jump between two frames so that it does not alias.
//!
//! A waveform of jumps and corners is written as it stands, [`DELAY`] frames late, and for each jump the difference between
//! a band-limited step and a bare one is added (Stilson and Smith 1996, Brandt 2001: "Hard sync without aliasing"); for each
//! corner the same for the step's integral (Esqueda, Välimäki, Bilbao 2016). The step is the running sum of a low-pass of
//! minimum phase, so nearly all of it lies after the jump and the delay is short. `DELAY` is exactly the mean delay of the
//! low-pass, so no offset appears that depends on the frequency.

use std::sync::LazyLock;

use crate::base::time::BLOCK;

use super::fft::{Complex, transform};
use super::lanes::{LaneMask, Lanes};

/// Frames over which a jump is mended.
pub const TAPS: usize = 32;
/// Frames by which the bare waveform is late.
pub const DELAY: usize = 3;
/// Places of a jump between two frames; between them lies a straight line.
const PHASES: usize = 256;
/// Corner of the low-pass, where it is down 6 dB [parts of the rate]: 22 kHz at 48 kHz.
const CORNER: f64 = 22.0 / 48.0;
/// Shape of the Kaiser window: 108 dB down from 28 kHz on at 48 kHz.
const KAISER: f64 = 11.0;
/// Points a frame in which the low-pass is designed.
const FINE: usize = 64;

/// For each place of the event, what the frames after it get; the last row is the first, one frame on.
#[repr(align(64))]
struct Rows([[f32; TAPS]; PHASES + 1]);

/// The two differences that mend a jump and a corner.
pub struct Residuals {
    step: Rows,
    corner: Rows,
}

#[allow(clippy::disallowed_methods, reason = "a table, worked out off the audio thread")]
static RESIDUALS: LazyLock<Box<Residuals>> = LazyLock::new(|| Box::new(Residuals::design()));

impl Residuals {
    /// The table, worked out on first use (some milliseconds). `[control]`
    pub fn shared() -> &'static Self {
        &RESIDUALS
    }

    #[allow(clippy::disallowed_methods, reason = "a table, worked out off the audio thread")]
    fn design() -> Self {
        let low_pass = minimum_phase(&windowed_sinc());
        let total: f64 = low_pass.iter().sum();
        let mean: f64 = low_pass.iter().enumerate().map(|(i, h)| i as f64 * h).sum::<f64>() / total;
        // Sum up to the middle of each point: the integral of the impulse response seen as a row of narrow columns.
        let mut sum = 0.0;
        let step: Vec<f64> = low_pass
            .iter()
            .map(|h| {
                sum += h / total;
                sum - 0.5 * h / total
            })
            .collect();
        // Late by so many points more that the whole delay is DELAY frames.
        let late = (DELAY * FINE) as f64 - mean;
        assert!(late >= 0.0, "the low-pass is later than the bare waveform");
        let at = |place: usize| cubic(&step, place as f64 * (FINE as f64 / PHASES as f64) - late);

        let mut out = Self { step: Rows([[0.0; TAPS]; PHASES + 1]), corner: Rows([[0.0; TAPS]; PHASES + 1]) };
        let mut ramp = 0.0;
        for place in 0..=TAPS * PHASES {
            if place > 0 {
                ramp += 0.5 * (at(place - 1) + at(place)) / PHASES as f64;
            }
            let (frame, phase) = (place / PHASES, place % PHASES);
            let bare = (place as f64 / PHASES as f64 - DELAY as f64).max(0.0);
            let mut put = |row: usize, tap: usize| {
                let one = if tap >= DELAY { 1.0 } else { 0.0 };
                out.step.0[row][tap] = (at(place) - one) as f32;
                out.corner.0[row][tap] = (ramp - bare) as f32;
            };
            if frame < TAPS {
                put(phase, frame);
            }
            if phase == 0 && frame > 0 {
                put(PHASES, frame - 1);
            }
        }
        out
    }
}

#[allow(clippy::disallowed_methods, reason = "a table, worked out off the audio thread")]
fn windowed_sinc() -> Vec<f64> {
    let n = TAPS * FINE;
    (0..n)
        .map(|i| {
            let t = (i as f64 - (n - 1) as f64 / 2.0) / FINE as f64;
            let x = std::f64::consts::TAU * CORNER * t;
            let sinc = if x == 0.0 { 1.0 } else { libm::sin(x) / x };
            let place = 2.0 * i as f64 / (n - 1) as f64 - 1.0;
            sinc * bessel_i0(KAISER * libm::sqrt((1.0 - place * place).max(0.0)))
        })
        .collect()
}

/// Modified Bessel function of the first kind and order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..60 {
        term *= (x / 2.0 / f64::from(k)) * (x / 2.0 / f64::from(k));
        sum += term;
    }
    sum
}

/// The response of the same magnitude whose energy comes soonest, by folding the cepstrum (Oppenheim and Schafer 1975).
#[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a table, worked out off the audio thread")]
fn minimum_phase(response: &[f64]) -> Vec<f64> {
    let n = (response.len() * 16).next_power_of_two();
    let peak: f64 = response.iter().sum();
    let mut x = vec![Complex::default(); n];
    for (x, h) in x.iter_mut().zip(response) {
        x.re = h / peak;
    }
    transform(&mut x);
    for x in &mut x {
        // The floor keeps the zeros of the response out of the logarithm.
        *x = Complex { re: libm::log(libm::hypot(x.re, x.im).max(1e-9)), im: 0.0 };
    }
    transform(&mut x);
    for (i, x) in x.iter_mut().enumerate() {
        let fold = if i == 0 || i == n / 2 {
            1.0
        } else if i < n / 2 {
            2.0
        } else {
            0.0
        };
        *x = Complex { re: x.re * fold / n as f64, im: 0.0 };
    }
    transform(&mut x);
    for x in &mut x {
        let size = libm::exp(x.re);
        // Conjugate, so that the next transform is the inverse.
        *x = Complex { re: size * libm::cos(x.im), im: -size * libm::sin(x.im) };
    }
    transform(&mut x);
    x[..response.len()].iter().map(|x| x.re / n as f64).collect()
}

/// Between points by Lagrange's cubic; 0 before the first point, 1 after the last.
fn cubic(points: &[f64], place: f64) -> f64 {
    let first = libm::floor(place);
    let t = place - first;
    let at = |offset: isize| {
        let i = first as isize + offset;
        if i < 0 { 0.0 } else { points.get(i as usize).copied().unwrap_or(1.0) }
    };
    let (a, b, c, d) = (at(-1), at(0), at(1), at(2));
    -t * (t - 1.0) * (t - 2.0) / 6.0 * a + (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0 * b - (t + 1.0) * t * (t - 2.0) / 2.0 * c
        + (t + 1.0) * t * (t - 1.0) / 6.0 * d
}

/// Frames that are worked out at a time, at most.
pub const RUN: usize = 32;
/// Slots of a waveform's ring: those of a run, and those which an event in its last frame still reaches.
const RING: usize = RUN + TAPS;

/// The frames to come of one mended waveform, in a ring of slots.
///
/// A run of frames takes three calls: [`Self::mend`] for each event, in order of time, [`Self::give`], then [`Self::mend_late`] for
/// each event in the same order. So each slot gets its numbers in the order of time, whatever the length of a run: events up to
/// the bare frame that lands in it, that frame, later events. Where a slot is meant, it is the run's frame plus the place of the
/// run's first frame, which moves on by [`moved`].
#[derive(Clone, Debug)]
pub struct Mended<L> {
    slots: [L; RING],
}

/// The place on the ring so many frames on. `[audio]`
#[inline(always)]
pub const fn moved(place: usize, frames: usize) -> usize {
    (place + frames) % RING
}

/// Frames of a run from a place on: up to where half of the ring ends. `[audio]`
#[inline(always)]
pub const fn run_from(place: usize) -> usize {
    RUN - place % RUN
}

/// What an event adds to its own frame and those before the bare waveform arrives.
pub type Late = [f32; DELAY];

/// A bare waveform.
pub trait Bare<L> {
    /// Its frame of a run; each is asked for once, in order. `[audio]`
    fn frame(&mut self, frame: usize) -> L;
}

impl<L: Lanes> Mended<L> {
    /// Nothing to mend, and as if the waveform had stood at this value; the next frame's place is 0. `[audio]`
    #[inline(always)]
    pub fn new(value: L) -> Self {
        let mut mended = Self { slots: [L::splat(0.0); RING] };
        mended.start(0, LaneMask::ALL, value);
        mended
    }

    /// Starts these lanes afresh, as if the waveform had stood at this value. `[audio]`
    #[inline(always)]
    pub fn start(&mut self, place: usize, lanes: LaneMask, value: L) {
        if lanes.is_one() {
            // One voice's note begins: the others are not touched.
            let mut lanes = lanes;
            while let Some(lane) = lanes.take_first() {
                for ahead in 0..RING {
                    *self.slots[(place + ahead) % RING].lane_mut(lane) = if ahead < DELAY { *value.lane_ref(lane) } else { 0.0 };
                }
            }
            return;
        }
        for ahead in 0..RING {
            let slot = &mut self.slots[(place + ahead) % RING];
            let value = if ahead < DELAY { value } else { L::splat(0.0) };
            *slot = value.pick(lanes, *slot);
        }
    }

    /// A jump of one lane by an amount, or a change of its slope [1/frame], at a time 0..1 from the frame before to the one of this
    /// slot. What it gives is for [`Self::mend_late`]. `[audio]`
    #[inline(always)]
    pub fn mend(&mut self, residuals: &Residuals, corner: bool, slot: usize, lane: usize, time: f32, amount: f32) -> Late {
        let rows = if corner { &residuals.corner } else { &residuals.step };
        let place = (1.0 - time) * PHASES as f32;
        let row = place as i32;
        let row = if row > 0 { row } else { 0 };
        let row = if row < PHASES as i32 { row } else { PHASES as i32 - 1 };
        let rest = place - row as f32;
        let (a, b) = (&rows.0[row as usize], &rows.0[row as usize + 1]);
        // In two loops: the first vectorises, the second cannot, and must not draw the first with it.
        let mut bent = [0.0; TAPS];
        for tap in 0..TAPS {
            bent[tap] = amount * (a[tap] + rest * (b[tap] - a[tap]));
        }
        let bent = std::hint::black_box(bent);
        for tap in DELAY..TAPS {
            *self.slots[(slot + tap) % RING].lane_mut(lane) += bent[tap];
        }
        [bent[0], bent[1], bent[2]]
    }

    /// Gives a run of mended frames from a place on; the bare waveform is heard [`DELAY`] frames on. `[audio]`
    #[inline(always)]
    pub fn give(&mut self, place: usize, out: &mut [L], bare: &mut impl Bare<L>) {
        let frames = out.len();
        if L::WIDTH == 1
            && let Ok(out) = <&mut [L; RUN]>::try_from(&mut *out)
        {
            // Side by side in time.
            let mut bares = [L::splat(0.0); RUN];
            for frame in 0..RUN {
                bares[frame] = bare.frame(frame);
            }
            out[..DELAY].copy_from_slice(&self.slots[place..place + DELAY]);
            for frame in DELAY..RUN {
                out[frame] = self.slots[place + frame] + bares[frame - DELAY];
            }
            for frame in 0..RUN {
                self.slots[place + frame] = L::splat(0.0);
            }
            for ahead in 0..DELAY {
                self.slots[(place + RUN + ahead) % RING] += bares[RUN - DELAY + ahead];
            }
            return;
        }
        let early = if frames < DELAY { frames } else { DELAY };
        let slots = &mut self.slots[place..place + frames];
        for frame in 0..early {
            out[frame] = slots[frame];
            slots[frame] = L::splat(0.0);
        }
        for frame in early..frames {
            out[frame] = slots[frame] + bare.frame(frame - early);
            slots[frame] = L::splat(0.0);
        }
        for frame in frames - early..frames {
            self.slots[(place + frame + DELAY) % RING] += bare.frame(frame);
        }
    }

    /// Gives a whole block where nothing is left to mend. `[audio]`
    #[inline(always)]
    pub fn give_smooth(&mut self, place: usize, out: &mut [L; BLOCK], bare: &mut impl Bare<L>) {
        let zero = L::splat(0.0); // which takes the sign off a 0, as a slot does
        for ahead in 0..DELAY {
            let slot = &mut self.slots[(place + ahead) % RING];
            out[ahead] = *slot;
            *slot = zero;
        }
        for frame in DELAY..BLOCK {
            out[frame] = zero + bare.frame(frame - DELAY);
        }
        for ahead in 0..DELAY {
            self.slots[(place + BLOCK + ahead) % RING] = zero + bare.frame(BLOCK - DELAY + ahead);
        }
    }

    /// Puts what of the bare waveform is late where nothing is left to mend. `[audio]`
    #[inline(always)]
    pub fn wait(&mut self, place: usize, bare: &mut impl Bare<L>) {
        for ahead in 0..DELAY {
            self.slots[(place + ahead) % RING] = L::splat(0.0) + bare.frame(ahead);
        }
    }

    /// The rest of an event in a frame of the run that was given. `[audio]`
    #[inline(always)]
    pub fn mend_late(&mut self, place: usize, out: &mut [L], frame: usize, lane: usize, late: &Late) {
        for (tap, bent) in late.iter().enumerate() {
            let slot = match out.get_mut(frame + tap) {
                Some(given) => given,
                None => &mut self.slots[(place + frame + tap) % RING],
            };
            *slot.lane_mut(lane) += bent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<F: Fn(usize) -> f32> Bare<f32> for F {
        fn frame(&mut self, frame: usize) -> f32 {
            self(frame)
        }
    }

    /// 64 frames of a bare waveform with one event between frames 0 and 1, in runs that begin at a place.
    fn with_event(place: usize, corner: bool, time: f32, bare: impl Fn(usize) -> f32) -> Vec<f32> {
        let mut mended = Mended::<f32>::new(0.0);
        mended.start(place, LaneMask::ALL, 0.0);
        let (mut out, mut place, mut done) = (vec![0.0; 64], place, 0);
        while done < 64 {
            let frames = run_from(place).min(64 - done);
            let run = &mut out[done..done + frames];
            let event = 1usize.checked_sub(done).filter(|at| *at < frames);
            let late = event.map(|at| mended.mend(Residuals::shared(), corner, moved(place, at), 0, time, 1.0));
            mended.give(place, run, &mut |frame| bare(done + frame));
            if let (Some(at), Some(late)) = (event, late) {
                mended.mend_late(place, run, at, 0, &late);
            }
            place = moved(place, frames);
            done += frames;
        }
        out
    }

    /// What comes of one unit step at a time 0..1 after frame 0.
    fn step_at(time: f32) -> Vec<f64> {
        with_event(0, false, time, |frame| f32::from(frame > 0)).into_iter().map(f64::from).collect()
    }

    #[test]
    fn where_a_run_begins_on_the_ring_is_not_heard() {
        let bare = |frame: usize| frame as f32 * 0.1 - 1.0;
        let first = with_event(0, false, 0.3, bare);
        for place in 1..RING {
            assert_eq!(with_event(place, false, 0.3, bare), first, "from place {place}");
        }
    }

    #[test]
    fn a_step_ends_at_its_height_and_is_late_by_the_delay() {
        for time in [0.0, 0.1, 0.5, 0.77, 0.999] {
            let out = step_at(time);
            assert!((out[63] - 1.0).abs() < 1e-6);
            let missing: f64 = out.iter().map(|y| 1.0 - y).sum();
            let want = f64::from(time) + DELAY as f64 + 0.5;
            assert!((missing - want).abs() < 1e-4, "at {time}: {missing}, not {want}");
        }
    }

    #[test]
    fn a_corner_ends_on_the_bare_ramp() {
        let out = with_event(0, true, 0.25, |frame| if frame > 0 { frame as f32 - 0.25 } else { 0.0 });
        for (n, y) in out.iter().enumerate().skip(TAPS + 1) {
            assert!((y - (n as f32 - DELAY as f32 - 0.25)).abs() < 1e-4, "frame {n}: {y}");
        }
    }

    #[test]
    fn the_step_is_flat_to_18_khz_and_silent_from_28_khz() {
        // Steps at all places between two frames, woven together: the step at PHASES times the rate.
        let rows: Vec<Vec<f64>> = (0..PHASES).map(|i| step_at(1.0 - i as f32 / PHASES as f32)).collect();
        let fine: Vec<f64> = (1..63 * PHASES).map(|i| rows[i % PHASES][i / PHASES + 1]).collect();
        let level = |hertz: f64| {
            let turn = std::f64::consts::TAU * hertz / 48_000.0 / PHASES as f64;
            let (mut re, mut im) = (0.0, 0.0);
            for (i, pair) in fine.windows(2).enumerate() {
                let (sin, cos) = (turn * i as f64).sin_cos();
                re += (pair[1] - pair[0]) * cos;
                im -= (pair[1] - pair[0]) * sin;
            }
            20.0 * re.hypot(im).log10()
        };
        assert!(level(100.0).abs() < 0.01 && level(18_000.0).abs() < 0.1 && level(20_000.0) > -1.2);
        for hertz in [28_000.0, 30_000.0, 33_333.0, 38_000.0, 45_000.0] {
            assert!(level(hertz) < -100.0, "{hertz} Hz: {} dB", level(hertz));
        }
    }
}
