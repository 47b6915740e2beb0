//! A plain Fourier transform for tables and measures; never on the audio thread.

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

/// The discrete Fourier transform in place, radix 2 (Cooley and Tukey 1965); the length must be a power of two. Applied to
/// the conjugate it is the inverse times the length. `[control]`
#[allow(clippy::disallowed_methods, reason = "never on the audio thread")]
pub fn transform(x: &mut [Complex]) {
    let n = x.len();
    assert!(n.is_power_of_two(), "the transform's length is a power of two");
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = if bits == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - bits) };
        if i < j {
            x.swap(i, j);
        }
    }
    let circle: Vec<Complex> = (0..n / 2)
        .map(|k| {
            let angle = -std::f64::consts::TAU * k as f64 / n as f64;
            Complex { re: libm::cos(angle), im: libm::sin(angle) }
        })
        .collect();
    let mut half = 1;
    while half < n {
        let stride = n / (2 * half);
        for start in (0..n).step_by(2 * half) {
            for k in 0..half {
                let (w, a, b) = (circle[k * stride], x[start + k], x[start + k + half]);
                let t = Complex { re: b.re * w.re - b.im * w.im, im: b.re * w.im + b.im * w.re };
                x[start + k] = Complex { re: a.re + t.re, im: a.im + t.im };
                x[start + k + half] = Complex { re: a.re - t.re, im: a.im - t.im };
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complex_tone_falls_into_its_own_bin() {
        let n = 64;
        let mut x: Vec<Complex> = (0..n)
            .map(|i| {
                let angle = std::f64::consts::TAU * 5.0 * f64::from(i) / f64::from(n);
                Complex { re: angle.cos(), im: angle.sin() }
            })
            .collect();
        transform(&mut x);
        for (bin, y) in x.iter().enumerate() {
            let want = if bin == 5 { f64::from(n) } else { 0.0 };
            assert!((y.re - want).abs() < 1e-12 && y.im.abs() < 1e-12, "bin {bin}: {y:?}");
        }
    }
}
