//! The transport as it is known off the audio thread: whether the music plays, and where it is.

use super::bars::Bars;
use super::control::Control;
use super::value::Value;
use crate::base::time::SampleTime;
use crate::engine::Act;

/// What it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    /// The beat clock halts; voices sound on.
    #[default]
    Stopped,
    /// The beat clock runs.
    Playing,
    /// Time stands, for everything.
    Paused,
}

impl Motion {
    /// Its number: 0 stopped, 1 playing, 2 paused. `[any]`
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// Its word. `[any]`
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Playing => "playing",
            Self::Paused => "paused",
        }
    }
}

/// A change of how the music is counted.
#[derive(Clone, Debug)]
pub enum Counting {
    /// Bars as they are counted now.
    Bars(Bars),
    /// Where it goes round.
    Loop(Option<[f64; 2]>),
    /// What the first of two steps takes of both, and beats of a step.
    Swing(f64, f64),
    /// Bars of clicks before it plays.
    CountIn(u8),
    /// Level of the metronome.
    Metronome(f32),
}

/// Whether the music plays, and how it is counted.
#[derive(Debug, Default)]
pub(super) struct Transport {
    pub motion: Motion,
    pub bars: Bars,
    /// From where to where it goes round [beats].
    pub cycle: Option<[f64; 2]>,
    /// What the first of two steps takes of both, and beats of a step.
    pub swing: Option<(f64, f64)>,
    /// Bars of clicks before it plays.
    pub count_in: u8,
    /// Level of the metronome, as a factor.
    pub metronome: f32,
    /// When the tempo was tapped, since 1970 [ns].
    pub taps: Vec<i64>,
    /// The number of the last place to which it went.
    pub place: u32,
}

impl Transport {
    /// It is counted otherwise from now on.
    pub(super) fn count(&mut self, counting: Counting) {
        match counting {
            Counting::Bars(bars) => self.bars = bars,
            Counting::Loop(cycle) => self.cycle = cycle,
            Counting::Swing(share, step) => self.swing = Some((share, step)),
            Counting::CountIn(bars) => self.count_in = bars,
            Counting::Metronome(level) => self.metronome = level,
        }
    }

    /// Where a metronome of this level clicks, as these bars are counted from their last metre on.
    pub(super) fn clicks(bars: &Bars, level: f32) -> Act {
        let (metre, start, _) = bars.at(f64::MAX);
        Act::Metronome { level, start: start as f32, step: metre.step() as f32, bar: metre.steps }
    }
}

impl Control {
    /// What the transport does. `[control]`
    pub fn motion(&self) -> Motion {
        self.transport.motion
    }

    /// The beat at a time, 0 for now.
    pub(super) fn beat_at(&self, at: SampleTime) -> f64 {
        let at = if at == 0 { self.shown.now() } else { at };
        self.shown.beat.read().map_or(0.0, |line| line.beat(at))
    }

    /// `/transport number word bar beat seconds`: bars from 1 and beats of a bar from 1, as musicians count; seconds at this tempo.
    pub(super) fn tell_transport(&self) -> Vec<Value> {
        let motion = self.transport.motion;
        let beat = self.beat_at(0);
        let (bar, within) = self.transport.bars.bar_of(beat);
        let seconds = beat * 60.0 / self.tempo;
        vec![Value::Integer(motion.number()), motion.name().into(), Value::Integer(bar + 1), (within + 1.0).into(), seconds.into()]
    }
}
