//! The transport as it is known off the audio thread: whether the music plays, and where it is.

use std::cell::Cell;

use super::bars::{Bars, Metre};
use super::client::Client;
use super::control::Control;
use super::value::{Message, Value};
use crate::base::time::SampleTime;
use crate::engine::Act;
use crate::rt::beat_line::Line;

/// A callback that is longer ago than this was one of a driver that is gone [µs].
const STALE: f64 = 200_000.0;

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
    /// This client waits for a start together, or nobody does any more.
    Armed(Option<Client>),
    /// It was to start at this moment since 1970 [ns].
    Meant(i64),
    /// It has started in this frame.
    Started(SampleTime),
}

/// Whether the music plays, and how it is counted.
#[derive(Debug, Default)]
pub(super) struct Transport {
    pub motion: Motion,
    pub bars: Bars,
    /// The bars of the score, where it has metres of its own.
    pub written: Option<Bars>,
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
    /// Who waits for a start together, and the moment that it is meant for since 1970 [ns].
    pub armed: Option<Client>,
    pub meant: i64,
    /// The line of beats as it was read last: in the moment in which it is written nobody can read it.
    pub line: Cell<Option<Line>>,
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
            Counting::Armed(client) => self.armed = client,
            Counting::Meant(moment) => self.meant = moment,
            Counting::Started(_) => {}
        }
    }

    /// Where a metronome of this level clicks, as these bars are counted at a beat.
    pub(super) fn clicks(bars: &Bars, beat: f64, level: f32) -> Act {
        let (metre, start, _) = bars.at(beat);
        Act::Metronome { level, start: start as f32, step: metre.step() as f32, bar: metre.steps }
    }
}

impl Control {
    /// What the transport does. `[control]`
    pub fn motion(&self) -> Motion {
        self.transport.motion
    }

    /// The score has metres of its own: bars are counted by them, from wherever the clock is. None: as they are now. `[control]`
    pub fn follow_metres(&mut self, bars: Option<Bars>) {
        if let Some(bars) = &bars {
            self.transport.bars = bars.clone();
        }
        self.transport.written = bars;
    }

    /// Where the metronome clicks in bars that begin so, in this metre. `[control]`
    pub fn clicks_of(&self, start: f64, metre: Metre) -> Act {
        Act::Metronome { level: self.transport.metronome, start: start as f32, step: metre.step() as f32, bar: metre.steps }
    }

    /// Whether a MIDI clock from outside leads the tempo. `[control]`
    pub fn follows_midi_clock(&self) -> bool {
        self.midi_clock.tempo().is_some()
    }

    /// A start at a moment since 1970 [ns] that others are told too: with a callback of the driver, where it calls others as well, and so
    /// in the same frame; else on its own sample.
    pub(super) fn start_together(&self, tag: i64, sample: SampleTime) -> Act {
        let with = || {
            let cycle = self.clock.cycles().newest()?;
            let period = f64::from(cycle.frames) * 1e6 / self.rate();
            let [now, wanted] = [self.clock.wall().now(), tag].map(|moment| self.clock.wall().monotonic_at(moment));
            let (now, wanted) = (now? as f64, wanted? as f64);
            let since = now - cycle.stamp as f64;
            if !(-period..STALE).contains(&since) {
                return None;
            }
            let latest = sample + u64::from(cycle.frames) * 4;
            Some(Act::RunWith { stamp: (wanted - period / 2.0) as u64, latest })
        };
        with().unwrap_or(Act::Run(true))
    }

    /// It has started in a frame: who made it ready is told `/transport/started beat time skew`, the skew in ms.
    pub(super) fn tell_started(&mut self, at: SampleTime) {
        let Some(client) = self.transport.armed.take() else { return };
        let heard = self.clock.unix_nanos_of(at).unwrap_or(self.transport.meant);
        let skew = (heard - self.transport.meant) as f64 * 1e-6;
        self.outbox.push((client, Message::new("/transport/started", vec![self.beat_at(at).into(), Value::Time(heard), skew.into()])));
    }

    /// The beat at a time, 0 for now.
    pub(super) fn beat_at(&self, at: SampleTime) -> f64 {
        let at = if at == 0 { self.shown.now() } else { at };
        let line = self.shown.beat.read().or(self.transport.line.get());
        self.transport.line.set(line);
        line.map_or(0.0, |line| line.beat(at))
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
