//! Measures for tests: spectra, aliases, pitch.

use super::fft::{Complex, transform};

/// The 7-term Blackman-Harris window: side lobes below −180 dB.
const WINDOW: [f64; 7] = [
    0.271_051_400_693_42,
    0.433_297_939_234_48,
    0.218_122_999_543_11,
    0.065_925_446_388_03,
    0.010_811_742_098_37,
    0.000_776_584_825_22,
    0.000_013_887_217_35,
];
/// Bins that a steady tone reaches to either side.
const GUARD: usize = 9;

fn window(n: usize) -> impl Fn(usize) -> f64 {
    move |i| {
        let t = std::f64::consts::TAU * i as f64 / n as f64;
        WINDOW.iter().enumerate().map(|(k, a)| a * libm::cos(k as f64 * t) * if k % 2 == 0 { 1.0 } else { -1.0 }).sum()
    }
}

/// Power in each bin below half the rate; the length must be a power of two.
pub fn spectrum(x: &[f32]) -> Vec<f64> {
    let window = window(x.len());
    let mut bins: Vec<Complex> = x.iter().enumerate().map(|(i, x)| Complex { re: f64::from(*x) * window(i), im: 0.0 }).collect();
    transform(&mut bins);
    bins[..x.len() / 2].iter().map(|y| y.re * y.re + y.im * y.im).collect()
}

/// What a steady tone has beside its harmonics [dB over its fundamental].
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// The strongest bin from 20 Hz to 10 kHz.
    pub worst: f64,
    /// All of it together from 20 Hz to 20 kHz.
    pub total: f64,
}

/// The alias level of a steady tone of this frequency; with `harmonics` 1 everything but the fundamental counts.
pub fn alias(x: &[f32], rate: f64, hertz: f64, harmonics: usize) -> Alias {
    let power = spectrum(x);
    let bin = rate / x.len() as f64;
    let mut rest: Vec<f64> =
        power.iter().enumerate().map(|(i, p)| if (20.0..20_000.0).contains(&(i as f64 * bin)) { *p } else { 0.0 }).collect();
    let around = |k: usize| {
        let centre = (k as f64 * hertz / bin).round() as usize;
        centre.saturating_sub(GUARD)..(centre + GUARD + 1).min(power.len())
    };
    for k in (1..=harmonics).take_while(|k| *k as f64 * hertz < rate / 2.0) {
        rest[around(k)].fill(0.0);
    }
    let fundamental = &power[around(1)];
    let decibels = |x: f64| 10.0 * libm::log10(x.max(1e-30));
    let worst = rest.iter().take((10_000.0 / bin) as usize).copied().fold(0.0, f64::max);
    let peak = fundamental.iter().copied().fold(0.0, f64::max);
    Alias { worst: decibels(worst / peak), total: decibels(rest.iter().sum::<f64>() / fundamental.iter().sum::<f64>()) }
}

/// Complex amplitude of a component of exactly this frequency, with the time counted from `start`.
fn phasor(x: &[f32], rate: f64, hertz: f64, start: usize) -> Complex {
    let window = window(x.len());
    let (mut sum, mut total) = (Complex::default(), 0.0);
    for (i, x) in x.iter().enumerate() {
        let turn = (hertz / rate * (start + i) as f64).fract();
        let (sin, cos) = (std::f64::consts::TAU * turn).sin_cos();
        let w = window(i);
        sum.re += f64::from(*x) * w * cos;
        sum.im -= f64::from(*x) * w * sin;
        total += w;
    }
    Complex { re: 2.0 * sum.re / total, im: 2.0 * sum.im / total }
}

/// Amplitude of a component of exactly this frequency.
pub fn amplitude(x: &[f32], rate: f64, hertz: f64) -> f64 {
    let p = phasor(x, rate, hertz, 0);
    libm::hypot(p.re, p.im)
}

/// How far a steady tone lies above the frequency it should have [cents], by the phase between its first and last frames.
pub fn cents(x: &[f32], rate: f64, hertz: f64) -> f64 {
    let n = 32_768;
    let mut guess = hertz;
    // Ever longer distances, so that the phase never goes round unseen.
    for distance in [n / 64, n / 8, x.len() - n] {
        let (a, b) = (phasor(&x[..n], rate, guess, 0), phasor(&x[distance..distance + n], rate, guess, distance));
        let turn = libm::atan2(b.im * a.re - b.re * a.im, b.re * a.re + b.im * a.im) / std::f64::consts::TAU;
        guess += turn * rate / distance as f64;
    }
    1200.0 * libm::log2(guess / hertz)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, n: usize) -> Vec<f32> {
        (0..n).map(|i| libm::sin(std::f64::consts::TAU * (hertz / 48_000.0 * i as f64).fract()) as f32).collect()
    }

    #[test]
    fn a_clean_tone_measures_clean_and_a_dirty_one_as_dirty_as_it_is() {
        let mut x = tone(1_000.3, 32_768);
        assert!(alias(&x, 48_000.0, 1_000.3, 1).total < -140.0);
        for (x, y) in x.iter_mut().zip(tone(3_333.0, 32_768)) {
            *x += y * 0.001;
        }
        let dirty = alias(&x, 48_000.0, 1_000.3, 1);
        assert!((dirty.worst + 60.0).abs() < 0.5 && (dirty.total + 60.0).abs() < 0.1, "{dirty:?}");
        assert!((amplitude(&x, 48_000.0, 3_333.0) - 0.001).abs() < 1e-6);
    }

    #[test]
    fn cents_are_found() {
        let x = tone(440.0 * 2f64.powf(0.01 / 1200.0), 200_000);
        assert!((cents(&x, 48_000.0, 440.0) - 0.01).abs() < 1e-5);
    }
}
