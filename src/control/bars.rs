//! Bars: where they begin, in which metre.

/// Beats of a whole note.
const WHOLE: f64 = 4.0;
/// Beats by which a beat may lie before a bar's beginning and still be in it.
const NEAR: f64 = 1e-6;

/// A metre, as it is written: 3 over 4, 7 over 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metre {
    /// Steps of a bar, 1 to 64.
    pub steps: u8,
    /// Steps of a whole note: 1, 2, 4 … 64.
    pub of: u8,
}

impl Metre {
    /// Four quarters.
    pub const COMMON: Self = Self { steps: 4, of: 4 };

    /// A metre that can be counted.
    pub fn new(steps: f64, of: f64) -> Option<Self> {
        let fits = (1.0..=64.0).contains(&steps) && (1.0..=64.0).contains(&of) && steps.fract() == 0.0 && of.fract() == 0.0;
        let metre = Self { steps: steps as u8, of: of as u8 };
        (fits && metre.of.is_power_of_two()).then_some(metre)
    }

    /// Beats of a step.
    pub fn step(self) -> f64 {
        WHOLE / f64::from(self.of)
    }

    /// Beats of a bar.
    pub fn bar(self) -> f64 {
        f64::from(self.steps) * self.step()
    }
}

/// Metres from their first bars on.
#[derive(Clone, Debug)]
pub struct Bars {
    /// The first beat, its bar, and the metre from there on; ascending, the first at beat 0 and bar 0.
    parts: Vec<(f64, i64, Metre)>,
}

impl Default for Bars {
    fn default() -> Self {
        Self { parts: vec![(0.0, 0, Metre::COMMON)] }
    }
}

impl Bars {
    /// Bars of a score: each metre from the first bar on that begins at its beat or after it. `[control]`
    pub fn of(metres: &[(f64, Metre)]) -> Self {
        let mut bars = Self::default();
        for (beat, metre) in metres {
            bars.change(*beat, *metre);
        }
        bars
    }

    /// Where each metre begins [beats]. `[control]`
    pub fn metres(&self) -> impl Iterator<Item = (f64, Metre)> + '_ {
        self.parts.iter().map(|(from, _, metre)| (*from, *metre))
    }

    /// The metre at a beat, a beat on which one of its bars begins, and that bar's number.
    pub fn at(&self, beat: f64) -> (Metre, f64, i64) {
        let part = self.parts.iter().rev().find(|(from, ..)| *from <= beat + NEAR).unwrap_or(&self.parts[0]);
        (part.2, part.0, part.1)
    }

    /// The bar of a beat, from 0, and how far it is into it [beats].
    pub fn bar_of(&self, beat: f64) -> (i64, f64) {
        let (metre, from, bar) = self.at(beat);
        let bars = libm::floor((beat - from + NEAR) / metre.bar());
        let within = beat - from - bars * metre.bar();
        (bar + bars as i64, if within < 0.0 { 0.0 } else { within })
    }

    /// The beat on which a bar begins, from 0.
    pub fn beat_of(&self, bar: i64) -> f64 {
        let (from, first, metre) = self.parts.iter().rev().find(|(_, first, _)| *first <= bar).unwrap_or(&self.parts[0]);
        from + (bar - first) as f64 * metre.bar()
    }

    /// Another metre from the next bar on that begins at a beat or after it; gives that beat.
    pub fn change(&mut self, beat: f64, metre: Metre) -> f64 {
        let (bar, within) = self.bar_of(beat);
        let bar = if within > NEAR { bar + 1 } else { bar };
        let from = self.beat_of(bar);
        self.parts.retain(|part| part.0 < from - NEAR);
        self.parts.push((from, bar, metre));
        if self.parts[0].0 > 0.0 || self.parts[0].1 > 0 {
            self.parts.insert(0, (0.0, 0, metre));
        }
        from
    }

    /// The last metre counts from the beginning.
    pub fn forget(&mut self) {
        if let Some((_, _, metre)) = self.parts.last().copied() {
            self.parts = vec![(0.0, 0, metre)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_metre_begins_with_the_next_bar() {
        let mut bars = Bars::default();
        assert_eq!((bars.bar_of(0.0), bars.bar_of(7.5), bars.bar_of(8.0), bars.bar_of(-1.0)), ((0, 0.0), (1, 3.5), (2, 0.0), (-1, 3.0)));
        assert_eq!(bars.change(5.0, Metre { steps: 7, of: 8 }), 8.0);
        assert_eq!((bars.bar_of(7.9).0, bars.bar_of(8.0), bars.bar_of(11.5), bars.beat_of(4)), (1, (2, 0.0), (3, 0.0), 15.0));
        // Said again before it has begun, the newest counts.
        assert_eq!(bars.change(6.0, Metre { steps: 3, of: 4 }), 8.0);
        assert_eq!((bars.bar_of(11.0), bars.beat_of(3)), ((3, 0.0), 11.0));
        bars.forget();
        assert_eq!(bars.bar_of(6.0), (2, 0.0));
        assert_eq!(bars.change(0.0, Metre::COMMON), 0.0);
        assert_eq!(bars.bar_of(6.0), (1, 2.0));
    }

    #[test]
    fn a_metre_that_cannot_be_counted_is_none() {
        for (steps, of) in [(0.0, 4.0), (4.0, 3.0), (4.5, 4.0), (65.0, 4.0), (4.0, 128.0), (f64::NAN, 4.0)] {
            assert_eq!(Metre::new(steps, of), None);
        }
        assert_eq!(Metre::new(6.0, 8.0).map(Metre::bar), Some(3.0));
    }
}
