//! What a recording says.

use std::f64::consts::TAU;

/// Frames a second of every recording here.
pub const RATE: f64 = 48_000.0;

/// Root of the mean square.
pub fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

/// Where the sound begins: the first sample above a level.
pub fn onset(samples: &[f32], level: f32) -> usize {
    samples.iter().position(|x| x.abs() > level).expect("there is a sound in the recording")
}

/// Amplitude of the partial near a frequency, and its exact frequency [Hz]: the turn of its phase between the two halves.
pub fn partial(samples: &[f32], near: f64) -> (f64, f64) {
    let half = samples.len() / 2;
    let phasor = |from: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in samples[from..from + half].iter().enumerate() {
            // A window that ends smoothly keeps other partials out.
            let window = 1.0 - (TAU * (n as f64 + 0.5) / half as f64).cos();
            let angle = TAU * near * (from + n) as f64 / RATE;
            re += window * f64::from(*x) * angle.cos();
            im -= window * f64::from(*x) * angle.sin();
        }
        (re * 2.0 / half as f64, im * 2.0 / half as f64)
    };
    let ((a, b), (c, d)) = (phasor(0), phasor(half));
    let turn = (d * a - c * b).atan2(c * a + d * b);
    (a.hypot(b), near + turn / TAU * RATE / half as f64)
}

/// From one frequency to another [cents].
pub fn cents(from: f64, to: f64) -> f64 {
    1200.0 * (to / from).log2()
}

/// The largest step from one sample to the next.
pub fn largest_step(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// The longest run of exact silence [samples].
pub fn longest_gap(samples: &[f32]) -> usize {
    samples.split(|x| *x != 0.0).map(<[f32]>::len).max().unwrap_or(0)
}

#[test]
fn the_ear_is_true_to_a_tenth_of_a_cent() {
    let sound: Vec<f32> = (0..48_000).map(|n| (0.3 * (TAU * 220.05 * f64::from(n) / RATE + 1.0).sin()) as f32).collect();
    let (amplitude, frequency) = partial(&sound, 220.0);
    assert!((amplitude - 0.3).abs() < 0.003, "{amplitude}");
    assert!(cents(220.05, frequency).abs() < 0.1, "{frequency}");
}
