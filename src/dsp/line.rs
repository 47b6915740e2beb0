//! Memory of a signal.

/// Frames that are written or read at once at best.
pub const SPAN: usize = 16;

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

    /// Uses no more of its memory than it needs to remember this many frames, where it has just forgotten everything; more where it
    /// remembers something. Little memory stays near the processor. What it remembers from before, it still does, and all that is written
    /// from then on. At most what it was made for. `[audio]`
    #[inline(always)]
    pub fn fit(&mut self, frames: usize) {
        let size = frames.max(SPAN).next_power_of_two().min(self.memory.len());
        if self.written == 0 {
            self.mask = size as u64 - 1;
        }
        while self.size() < size {
            // Wherever a frame lies in the larger ring, there it is now.
            self.memory.copy_within(0..self.size(), self.size());
            self.mask = self.mask << 1 | 1;
        }
    }

    /// Frames of memory in use.
    #[inline(always)]
    fn size(&self) -> usize {
        self.mask as usize + 1
    }

    /// Remembers the next frame. `[audio]`
    #[inline(always)]
    pub fn write(&mut self, x: f32) {
        self.memory[(self.written & self.mask) as usize] = x;
        self.written += 1;
    }

    /// Remembers frames in their order, no more than it was made for. `[audio]`
    #[inline(always)]
    pub fn write_all(&mut self, frames: &[f32]) {
        let at = (self.written & self.mask) as usize;
        self.written += frames.len() as u64;
        // The common case without a call for a few bytes.
        let size = self.size();
        if let (Ok(frames), Some(place)) = (<&[f32; SPAN]>::try_from(frames), self.memory[at..size].first_chunk_mut::<SPAN>()) {
            *place = *frames;
            return;
        }
        let first = frames.len().min(size - at);
        let (before, after) = frames.split_at(first);
        self.memory[at..at + first].copy_from_slice(before);
        self.memory[..after.len()].copy_from_slice(after);
    }

    /// Frames in the order in which they were written, as many as `spare` is long: the first is what [`Line::ago`] finds `ago` frames
    /// before the next write, which must not be less than that number. Lies in the memory or, where they are not together there,
    /// in `spare`. `[audio]`
    #[inline(always)]
    pub fn stretch<'a>(&'a self, ago: u32, spare: &'a mut [f32]) -> &'a [f32] {
        let at = (self.written.wrapping_sub(u64::from(ago)) & self.mask) as usize;
        if u64::from(ago) <= self.written && at + spare.len() <= self.size() {
            return &self.memory[at..at + spare.len()];
        }
        for (x, ago) in spare.iter_mut().zip((0..=ago).rev()) {
            *x = self.ago(ago);
        }
        spare
    }

    /// Where the frame lies, or will lie, that comes so many frames after the next write, before it where that is negative: to have it
    /// brought near. `[audio]`
    #[inline(always)]
    pub fn place(&self, ahead: i64) -> &f32 {
        &self.memory[(self.written.wrapping_add_signed(ahead) & self.mask) as usize]
    }

    /// What a reader finds that moves along with some frames, up to [`SPAN`] of them: at the first it stands `place` [1/65,536 frame] behind
    /// it, and farther by `step` at each following one. `written` of these frames were written already; those that a reader meets must
    /// have been: a place is at least 1 frame then, else more than there are frames. `put` is given where it goes. Between frames as
    /// [`Line::between`]. `[audio]`
    #[inline(always)]
    pub fn along(&self, place: i64, step: i64, written: usize, out: &mut [f32], put: impl Fn(&mut f32, f32)) {
        let mut done = 0;
        while done < out.len() {
            // As long as it passes no frame, what it reads lies side by side.
            let first = place + step * done as i64;
            let whole = first >> 16;
            let mut run = out.len() - done;
            while run > 1 && (first + step * (run as i64 - 1)) >> 16 != whole {
                run -= 1;
            }
            let mut spare = [0.0; SPAN + 3];
            let ago = (written + whole as usize + 2 - done) as u32;
            let x = self.stretch(ago, &mut spare[..run + 3]);
            let (part, step) = ((first & 0xffff) as i32, step as i32);
            let between = |at: usize, x: [f32; 4]| {
                let [d, c, b, a] = x;
                let part = (part + step * at as i32) as f32 * (1.0 / 65_536.0);
                let slope = 0.5 * (c - a);
                let bend = a - 2.5 * b + 2.0 * c - 0.5 * d;
                let curl = 0.5 * (d - a) + 1.5 * (b - c);
                b + part * (slope + part * (bend + part * curl))
            };
            match (x.first_chunk::<{ SPAN + 3 }>(), out.first_chunk_mut::<SPAN>()) {
                (Some(x), Some(out)) if run == SPAN => {
                    for at in 0..SPAN {
                        put(&mut out[at], between(at, [x[at], x[at + 1], x[at + 2], x[at + 3]]));
                    }
                }
                _ => {
                    for (at, (out, x)) in out[done..done + run].iter_mut().zip(x.windows(4)).enumerate() {
                        put(out, between(at, [x[0], x[1], x[2], x[3]]));
                    }
                }
            }
            done += run;
        }
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
    fn what_fits_remembers_as_much_as_is_asked_for_and_as_it_grows() {
        let (mut line, mut whole) = (Line::new(1000), Line::new(1000));
        line.fit(10);
        assert_eq!(line.size(), SPAN);
        let (mut reach, mut time) = (10, 0.0);
        // The reader moves away by a third of a frame a frame.
        for step in 0..60 {
            line.fit(reach);
            for _ in 0..48 {
                line.write_all(&[time]);
                whole.write(time);
                time += 1.0;
            }
            for ago in [1, 2, reach as u32 / 2, reach as u32] {
                assert_eq!(line.ago(ago), whole.ago(ago), "step {step}, {ago} frames ago");
            }
            let (mut spare, mut other) = ([0.0; SPAN], [0.0; SPAN]);
            let ago = reach.max(SPAN) as u32;
            assert_eq!(line.stretch(ago, &mut spare), whole.stretch(ago, &mut other));
            reach += 16;
        }
        assert_eq!(line.size(), 1024);
        line.fit(20);
        assert_eq!(line.size(), 1024, "what is remembered stays so");
        line.forget();
        line.fit(20);
        assert_eq!((line.size(), line.ago(3)), (32, 0.0));
        line.fit(5000);
        assert_eq!(line.size(), 1024, "no more than it was made for");
    }

    #[test]
    fn stretches_are_what_single_frames_are() {
        let (mut line, mut other) = (Line::new(40), Line::new(40));
        let mut written = 0;
        for length in [3usize, 17, 1, 40, 25, 0, 31, 64] {
            let frames: Vec<f32> = (0..length).map(|x| (written + x) as f32).collect();
            line.write_all(&frames);
            frames.iter().for_each(|x| other.write(*x));
            written += length;
            for (ago, long) in [(1u32, 1usize), (40, 40), (33, 20), (40, 3), (7, 7)] {
                let mut spare = vec![f32::NAN; long];
                let want: Vec<f32> = (0..long as u32).map(|at| other.ago(ago - at)).collect();
                assert_eq!(line.stretch(ago, &mut spare), want, "{ago} frames ago, {long} of them");
            }
            if length == 25 {
                line.forget();
                other.forget();
            }
        }
    }

    #[test]
    fn a_reader_along_frames_finds_what_it_finds_frame_by_frame() {
        let frame = |time: u64| ((time * 7919) % 1000) as f32 * 0.001 - 0.5;
        for (place, step) in
            [(20i64 << 16, 0i64), (100 << 16 | 77, 180), (90 << 16, -40_000), (60 << 16 | 65_000, 49_000), (20 << 16, -179)]
        {
            for written in [0, SPAN] {
                let (mut line, mut single) = (Line::new(200), Line::new(200));
                let (mut at, mut time) = (place, 0);
                for length in [16usize, 16, 3, 9, 16, 16, 1] {
                    let frames: Vec<f32> = (0..length as u64).map(|at| frame(time + at)).collect();
                    let want: Vec<f32> = (0..length)
                        .map(|number| {
                            let place = at + step * number as i64;
                            let x = single.between((place >> 16) as u32, (place & 0xffff) as f32 / 65_536.0);
                            single.write(frames[number]);
                            x
                        })
                        .collect();
                    let mut got = vec![0.0; length];
                    if written > 0 {
                        line.write_all(&frames);
                    }
                    line.along(at, step, written.min(length), &mut got, |out, x| *out = x);
                    if written == 0 {
                        line.write_all(&frames);
                    }
                    assert_eq!(got, want, "{place} by {step}");
                    at = place;
                    time += length as u64;
                }
            }
        }
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
