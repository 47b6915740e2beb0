//! Memory of a signal.

/// A ring that remembers one signal for a bounded time.
///
/// Forgetting costs nothing: what was written before the last [`Line::forget`] is read as 0.
#[derive(Clone, Debug)]
pub struct Line {
    memory: Box<[f32]>,
    mask: u64,
    /// Frames written since it last forgot.
    written: u64,
}

impl Line {
    /// Remembers at least this many frames. All of its memory is touched here. `[control]`
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "built off the audio thread")]
    pub fn new(frames: usize) -> Self {
        let size = frames.max(1).next_power_of_two();
        // Nothing is read that was not written, so the filling only serves to show it if it were.
        Self { memory: vec![f32::NAN; size].into_boxed_slice(), mask: size as u64 - 1, written: 0 }
    }

    /// Forgets everything, at no cost. `[audio]`
    #[inline(always)]
    pub fn forget(&mut self) {
        self.written = 0;
    }

    /// Remembers the next frame. `[audio]`
    #[inline(always)]
    pub fn write(&mut self, x: f32) {
        self.memory[(self.written & self.mask) as usize] = x;
        self.written += 1;
    }

    /// What was written so many frames before the next write: 1 is the newest; 0 from before it last forgot. `ago` must be
    /// 1 to the number of frames it was made for. `[audio]`
    #[inline(always)]
    pub fn ago(&self, ago: u32) -> f32 {
        let ago = u64::from(ago);
        let x = self.memory[(self.written.wrapping_sub(ago) & self.mask) as usize];
        if ago <= self.written { x } else { 0.0 }
    }

    /// The same between frames: `ago` + `part` frames before the next write, 0 ≤ part < 1, from 2 up to two less than it was
    /// made for; the cubic through the four nearest (Catmull and Rom 1974). `[audio]`
    #[inline(always)]
    pub fn between(&self, ago: u32, part: f32) -> f32 {
        let (a, b, c, d) = (self.ago(ago - 1), self.ago(ago), self.ago(ago + 1), self.ago(ago + 2));
        let slope = 0.5 * (c - a);
        let bend = a - 2.5 * b + 2.0 * c - 0.5 * d;
        let curl = 0.5 * (d - a) + 1.5 * (b - c);
        b + part * (slope + part * (bend + part * curl))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_and_forgets() {
        let mut line = Line::new(10);
        assert_eq!(line.ago(3), 0.0);
        for x in 0..40 {
            line.write(x as f32);
        }
        assert_eq!((line.ago(1), line.ago(10)), (39.0, 30.0));
        line.forget();
        line.write(7.0);
        assert_eq!((line.ago(1), line.ago(2), line.ago(10)), (7.0, 0.0, 0.0));
    }

    #[test]
    fn a_parabola_is_met_between_frames() {
        let mut line = Line::new(16);
        for x in 0..16 {
            line.write((x * x) as f32);
        }
        for part in [0.0, 0.25, 0.5, 0.9] {
            let at = 16.0 - (5.0 + part);
            assert!((line.between(5, part) - at * at).abs() < 1e-4, "{part}: {} {}", line.between(5, part), at * at);
        }
    }
}
