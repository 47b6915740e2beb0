//! Tempo and metre of a score over its beats.

use crate::control::Control;
use crate::control::bars::{Bars, Metre};
use crate::engine::Act;

/// What a tempo goes between [beats a minute].
pub const TEMPOS: (f64, f64) = (10.0, 1000.0);
/// The tempo of a score that says none [beats a minute].
const USUAL: f64 = 120.0;
/// By so much a change may lie behind a beat and still count there.
const NEAR: f64 = 1e-9;

/// What becomes another at a beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Beats a minute.
    Tempo(f64),
    /// Bars in this metre begin here.
    Metre(Metre),
}

/// Tempo and metre over beats.
#[derive(Clone, Debug, Default)]
pub struct TempoMap {
    /// From which beat on, beats a minute; ascending.
    tempos: Vec<(f64, f64)>,
    metres: Vec<(f64, Metre)>,
    /// What is led: all that comes to be another, in order.
    changes: Vec<(f64, Change)>,
}

impl TempoMap {
    /// Of tempos and metres from beats on, in any order; of one beat the last counts. A tempo out of [`TEMPOS`] is the nearest in it. The
    /// first of each counts from the beginning. `[control]`
    pub fn new(mut tempos: Vec<(f64, f64)>, mut metres: Vec<(f64, Metre)>) -> Self {
        sort(&mut tempos);
        tempos.iter_mut().for_each(|(_, tempo)| *tempo = tempo.clamp(TEMPOS.0, TEMPOS.1));
        tempos.dedup_by(|later, first| later.1 == first.1);
        sort(&mut metres);
        if let Some(first) = metres.first_mut() {
            first.0 = 0.0;
        }
        if let Some(first) = tempos.first_mut() {
            first.0 = 0.0;
        }
        let metres: Vec<_> = if metres.is_empty() { metres } else { Bars::of(&metres).metres().collect() };
        let mut changes = Vec::new();
        if tempos.len() > 1 {
            changes.extend(tempos.iter().map(|(beat, tempo)| (*beat, Change::Tempo(*tempo))));
        }
        if metres.len() > 1 {
            changes.extend(metres.iter().map(|(beat, metre)| (*beat, Change::Metre(*metre))));
        }
        changes.sort_by(|one, other| one.0.total_cmp(&other.0));
        Self { tempos, metres, changes }
    }

    /// Beats a minute from which beat on. `[any]`
    pub fn tempos(&self) -> &[(f64, f64)] {
        &self.tempos
    }

    /// Metres, from where each counts [beats]. `[any]`
    pub fn metres(&self) -> &[(f64, Metre)] {
        &self.metres
    }

    /// The bars, where it says of them. `[control]`
    pub fn bars(&self) -> Option<Bars> {
        (!self.metres.is_empty()).then(|| Bars::of(&self.metres))
    }

    /// The tempo at the beginning, where it says. `[any]`
    pub fn first_tempo(&self) -> Option<f64> {
        self.tempos.first().map(|(_, tempo)| *tempo)
    }

    /// When a beat comes, played from the beginning [s]. `[any]`
    pub fn seconds(&self, beat: f64) -> f64 {
        let (mut seconds, mut from, mut tempo) = (0.0, 0.0, self.first_tempo().unwrap_or(USUAL));
        for (at, next) in self.tempos.iter().take_while(|(at, _)| *at < beat) {
            seconds += (at - from) * 60.0 / tempo;
            (from, tempo) = (*at, *next);
        }
        seconds + (beat - from) * 60.0 / tempo
    }

    /// Whether there is anything to lead. `[any]`
    pub fn leads(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What becomes another in its turn, from this one on. `[any]`
    pub fn change(&self, number: usize) -> Option<(f64, Change)> {
        self.changes.get(number).copied()
    }

    /// What counts at a beat, and the number of the next change. `[control]`
    pub fn at(&self, beat: f64) -> (Vec<(f64, Change)>, usize) {
        let next = self.changes.partition_point(|(from, _)| *from <= beat + NEAR);
        let last = |is: fn(&Change) -> bool| self.changes[..next].iter().rfind(|(_, change)| is(change)).copied();
        let both = [last(|change| matches!(change, Change::Tempo(_))), last(|change| matches!(change, Change::Metre(_)))];
        (both.into_iter().flatten().collect(), next)
    }
}

impl Change {
    /// What the engine is told when it begins at a beat. `[control]`
    pub fn act(self, control: &Control, beat: f64) -> Act {
        match self {
            Self::Tempo(tempo) => Act::Tempo(tempo as f32),
            Self::Metre(metre) => control.clicks_of(beat, metre),
        }
    }
}

/// By beats; of one beat the last stays.
fn sort<T>(changes: &mut Vec<(f64, T)>) {
    changes.sort_by(|one, other| one.0.total_cmp(&other.0));
    changes.reverse();
    changes.dedup_by(|earlier, later| earlier.0 == later.0);
    changes.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_tells_what_counts_at_a_beat_and_when_it_comes() {
        let metre = |steps| Metre { steps, of: 4 };
        let map = TempoMap::new(
            vec![(8.0, 60.0), (0.0, 90.0), (0.0, 120.0), (8.0, 240.0), (16.0, 240.0)],
            vec![(0.0, metre(3)), (5.0, metre(4))],
        );
        assert_eq!(map.tempos(), [(0.0, 120.0), (8.0, 240.0)], "of one beat the last counts, and what changes nothing is none");
        assert_eq!(map.metres(), [(0.0, metre(3)), (6.0, metre(4))], "a metre begins with a bar");
        assert_eq!((map.seconds(4.0), map.seconds(8.0), map.seconds(12.0)), (2.0, 4.0, 5.0));
        let (now, next) = map.at(7.0);
        assert_eq!((now, next), (vec![(0.0, Change::Tempo(120.0)), (6.0, Change::Metre(metre(4)))], 3));
        assert_eq!(map.change(3), Some((8.0, Change::Tempo(240.0))));
        assert!(map.leads() && !TempoMap::new(vec![(4.0, 5.0)], Vec::new()).leads());
        assert_eq!(TempoMap::new(vec![(4.0, 5.0)], Vec::new()).first_tempo(), Some(10.0));
    }
}
