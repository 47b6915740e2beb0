//! Where a MIDI clock is, in spite of its jitter: a line through its ticks.
//!
//! A straight line is fitted to all ticks so far by least squares, as a recursive filter whose gains fall with their number (Morrison,
//! "Introduction to Sequential Smoothing and Prediction", 1969); from [`MOST`] ticks on they stay, and the oldest are forgotten. Where the
//! newest ticks lie off the line by more than their jitter explains, the tempo has changed: the line begins anew with those.

/// Ticks after which the line forgets the oldest.
const MOST: f64 = 2000.0;
/// Ticks that are looked at together.
const LAST: usize = 16;
/// How far their mean may lie off, as multiples of what their jitter explains.
const ODD: f64 = 5.0;
/// The least jitter that is believed [s].
const LEAST: f64 = 20e-6;

/// The line. Times are in samples, of any rate.
#[derive(Clone, Debug)]
pub(super) struct Follow {
    rate: f64,
    /// Ticks from which on the tempo is known.
    known: u32,
    /// Number of the newest tick, from 0, and its time on the line.
    number: i64,
    time: f64,
    /// From one tick to the next.
    gap: f64,
    /// Ticks since the line began, as far as they count.
    weight: u32,
    /// What the last ticks were off by, and when they came; the newest last.
    errors: Vec<f64>,
    times: Vec<f64>,
    /// Half the mean square of steps from one error to the next: the jitter's variance, whatever the mean.
    jitter: f64,
}

impl Follow {
    /// Without a tick, at so many samples a second; the tempo is known from so many ticks on. `[control]`
    pub fn new(rate: f64, known: u32) -> Self {
        Self { rate, known, number: -1, time: 0.0, gap: 0.0, weight: 0, errors: Vec::new(), times: Vec::new(), jitter: 0.0 }
    }

    /// A tick came. `[control]`
    pub fn tick(&mut self, time: f64) {
        self.number += 1;
        if self.times.len() == LAST {
            self.times.remove(0);
        }
        self.times.push(time);
        self.meet(time);
        if self.is_off() {
            self.again();
        }
    }

    fn meet(&mut self, time: f64) {
        match self.weight {
            0 => self.time = time,
            1 => (self.gap, self.time) = (time - self.time, time),
            _ => {
                let n = f64::from(self.weight + 1).min(MOST);
                let error = time - (self.time + self.gap);
                self.time += self.gap + error * 2.0 * (2.0 * n - 1.0) / (n * (n + 1.0));
                self.gap += error * 6.0 / (n * (n + 1.0));
                if let Some(before) = self.errors.last() {
                    let step = (error - before) * (error - before) / 2.0;
                    // Over as many ticks as there are, later over a few hundred.
                    self.jitter += (step - self.jitter) / f64::from(self.weight).min(300.0);
                }
                if self.errors.len() == LAST {
                    self.errors.remove(0);
                }
                self.errors.push(error);
            }
        }
        self.weight = self.weight.saturating_add(1);
    }

    /// Whether the last ticks are off for another reason than jitter.
    fn is_off(&self) -> bool {
        // A single gap that is far too long or too short is a stop or a jump; the line says nothing about what comes then.
        if self.weight > 2 && self.errors.last().is_some_and(|error| error.abs() > self.gap.abs() * 0.75) {
            return true;
        }
        if self.errors.len() < LAST {
            return false;
        }
        let mean = self.errors.iter().sum::<f64>() / LAST as f64;
        let jitter = libm::sqrt(self.jitter).max(LEAST * self.rate);
        mean.abs() > ODD * jitter / libm::sqrt(LAST as f64)
    }

    /// Begins the line anew with the last ticks that are alike.
    fn again(&mut self) {
        let times = std::mem::take(&mut self.times);
        let newest = times.last().copied().unwrap_or(0.0);
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let last = gaps.last().copied().unwrap_or(self.gap);
        // What came before a gap of another kind belongs to the old line.
        let alike = gaps.iter().rev().take_while(|gap| (*gap / last - 1.0).abs() < 0.75).count();
        let keep = (alike + 1).min(times.len()).min(LAST / 2);
        (self.weight, self.time) = (0, newest);
        self.errors.clear();
        for time in &times[times.len() - keep..] {
            self.meet(*time);
        }
        self.errors.clear();
        self.times = times[times.len() - keep..].to_vec();
    }

    /// Number and time on the line of the newest tick. `[control]`
    pub fn newest(&self) -> Option<(i64, f64)> {
        (self.weight > 0).then_some((self.number, self.time))
    }

    /// How many ticks there are to a time, by the line. `[control]`
    pub fn ticks_at(&self, time: f64) -> Option<f64> {
        self.is_known().then(|| self.number as f64 + (time - self.time) / self.gap)
    }

    /// Whether the tempo is known. `[control]`
    pub fn is_known(&self) -> bool {
        self.weight >= self.known && self.gap > 0.0
    }

    /// Beats a minute. `[control]`
    pub fn tempo(&self) -> Option<f64> {
        self.is_known().then(|| 60.0 * self.rate / (24.0 * self.gap))
    }

    /// By how much ticks come early or late, as the root of the mean square [s]. `[control]`
    pub fn jitter(&self) -> f64 {
        libm::sqrt(self.jitter.max(0.0)) / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    /// Between −1 and 1.
    struct Chance(u64);

    impl Chance {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        }
    }

    /// Ticks with a jitter [ms] up to a number; the worst error of the line over those from `settled` on [ms].
    fn worst(follow: &mut Follow, chance: &mut Chance, tempo: f64, jitter: f64, ticks: (i64, i64, i64)) -> f64 {
        let gap = 60.0 * RATE / (24.0 * tempo);
        let (from, settled, to) = ticks;
        let mut worst = 0.0f64;
        for n in from..to {
            let ideal = n as f64 * gap;
            follow.tick(ideal + chance.next() * jitter * RATE / 1000.0);
            if n >= settled {
                worst = worst.max((follow.newest().unwrap().1 - ideal).abs() / RATE * 1000.0);
            }
        }
        worst
    }

    #[test]
    fn two_milliseconds_of_jitter_become_less_than_a_fifth() {
        for seed in 0..20 {
            for tempo in [60.0, 120.0, 174.3] {
                let (mut follow, mut chance) = (Follow::new(RATE, 6), Chance(seed * 77 + 1));
                let worst = worst(&mut follow, &mut chance, tempo, 2.0, (0, 1500, 8000));
                assert!(worst < 0.2, "seed {seed}, {tempo} bpm: {worst} ms");
                let found = follow.tempo().unwrap();
                assert!((found / tempo - 1.0).abs() < 1e-4, "{found} for {tempo}");
                assert!((follow.jitter() * 1000.0 - 2.0 / 3f64.sqrt()).abs() < 0.15, "{}", follow.jitter());
            }
        }
    }

    #[test]
    fn the_tempo_is_found_within_a_few_beats() {
        for seed in 0..50 {
            let (mut follow, mut chance) = (Follow::new(RATE, 6), Chance(seed * 31 + 7));
            worst(&mut follow, &mut chance, 120.0, 2.0, (0, 0, 24));
            assert!((follow.tempo().unwrap() - 120.0).abs() < 1.0, "after a beat: {:?}", follow.tempo());
            worst(&mut follow, &mut chance, 120.0, 2.0, (24, 24, 96));
            assert!((follow.tempo().unwrap() - 120.0).abs() < 0.15, "after four: {:?}", follow.tempo());
        }
    }

    #[test]
    fn another_tempo_is_followed_at_once() {
        for (to, jitter, ticks, near) in [(121.0, 2.0, 72, 0.6), (140.0, 2.0, 24, 2.0), (60.0, 1.0, 24, 0.8), (120.2, 0.0, 24, 0.01)] {
            let (mut follow, mut chance) = (Follow::new(RATE, 6), Chance(5));
            worst(&mut follow, &mut chance, 120.0, jitter, (0, 0, 2000));
            let start = follow.newest().unwrap().1;
            let gap = 60.0 * RATE / (24.0 * to);
            for n in 1..=ticks {
                follow.tick(start + f64::from(n) * gap + chance.next() * jitter * 48.0);
            }
            let found = follow.tempo().unwrap();
            assert!((found - to).abs() < near, "{found} for {to}");
            assert_eq!(follow.newest().unwrap().0, 1999 + i64::from(ticks), "no tick is lost");
        }
    }
}
