//! Standard MIDI Files, formats 0, 1 and 2, in beats or in SMPTE time.

use midly::{Format, Fps, MetaMessage, Smf, Timing, TrackEventKind};

use super::model::{Item, Score};
use crate::base::midi::MidiMessage;
use crate::control::bars::Metre;

/// Why bytes are no score.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// They are no MIDI file.
    #[error("not a MIDI file: {0}")]
    NotMidi(String),
    /// The division in the header is 0.
    #[error("the MIDI file's header says that a beat has no ticks")]
    NoTicks,
    /// It lasts longer than can be counted.
    #[error("the MIDI file lasts longer than can be counted")]
    TooLong,
}

/// Microseconds a quarter where the file does not say: 120 beats a minute.
const TEMPO: u64 = 500_000;

/// What of a file matters: one thing at one tick.
enum Thing {
    Tempo(u64),
    Metre(Metre),
    Message(MidiMessage),
    End,
}

impl Score {
    /// Reads a Standard MIDI File. System exclusive, text and the like are left out. `[control]`
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn from_midi_file(bytes: &[u8]) -> Result<Self, ScoreError> {
        let smf = Smf::parse(bytes).map_err(|why| ScoreError::NotMidi(why.to_string()))?;
        let (parts, metrical) = match smf.header.timing {
            Timing::Metrical(ticks) => (u64::from(ticks.as_int()) * 1_000_000, true),
            Timing::Timecode(fps, ticks) => (timecode_parts(fps, ticks), false),
        };
        if parts == 0 {
            return Err(ScoreError::NoTicks);
        }
        let mut things = Vec::new();
        let mut from = 0;
        for track in &smf.tracks {
            let mut tick = from;
            if smf.header.format == Format::Sequential && metrical {
                things.push((tick, Thing::Tempo(TEMPO)));
            }
            for event in track {
                tick += u64::from(event.delta.as_int());
                let thing = match event.kind {
                    TrackEventKind::Midi { channel, message } => message_of(channel.as_int(), message).map(Thing::Message),
                    TrackEventKind::Meta(MetaMessage::Tempo(micros)) if metrical => Some(Thing::Tempo(u64::from(micros.as_int()))),
                    TrackEventKind::Meta(MetaMessage::TimeSignature(steps, power, ..)) if metrical => {
                        Metre::new(f64::from(steps), libm::exp2(f64::from(power))).map(Thing::Metre)
                    }
                    TrackEventKind::Meta(MetaMessage::EndOfTrack) => Some(Thing::End),
                    _ => None,
                };
                things.extend(thing.map(|thing| (tick, thing)));
            }
            if smf.header.format == Format::Sequential {
                from = tick;
            }
        }
        // Stable: within a tick, tracks act in their order and events in theirs.
        things.sort_by_key(|(tick, _)| *tick);
        let each = if metrical { None } else { Some(timecode_each(smf.header.timing)) };
        lay_out(things, parts, each)
    }
}

/// Walks the tempo map. With a metrical division a tick lasts `tempo` parts of a second, which are millionths of ticks.
fn lay_out(things: Vec<(u64, Thing)>, parts: u64, each: Option<u64>) -> Result<Score, ScoreError> {
    let (mut at, mut last, mut tempo) = (0u64, 0u64, each.unwrap_or(TEMPO));
    let (mut items, mut length, mut tempos, mut metres) = (Vec::new(), 0, Vec::new(), Vec::new());
    // In beats a tick is a millionth of as many parts as a beat has.
    let beat = |tick: u64| tick as f64 * 1e6 / parts as f64;
    for (tick, thing) in things {
        let passed = (tick - last).checked_mul(tempo).and_then(|passed| at.checked_add(passed));
        at = passed.ok_or(ScoreError::TooLong)?;
        last = tick;
        match thing {
            Thing::Tempo(micros) => {
                tempo = micros;
                if micros > 0 {
                    tempos.push((at, 60e6 / micros as f64));
                }
            }
            Thing::Metre(metre) => metres.push((beat(tick), metre)),
            Thing::Message(message) => items.push(Item { at, message }),
            Thing::End => {}
        }
        length = length.max(at);
    }
    Ok(Score { parts, items, length, tempos, metres })
}

/// Parts of a second for SMPTE time: ticks, thousandths of them where a second has not a whole number of frames.
fn timecode_parts(fps: Fps, ticks: u8) -> u64 {
    let ticks = u64::from(ticks);
    match fps {
        Fps::Fps24 => 24 * ticks,
        Fps::Fps25 => 25 * ticks,
        Fps::Fps29 => 30_000 * ticks,
        Fps::Fps30 => 30 * ticks,
    }
}

/// Parts that a tick of SMPTE time lasts.
fn timecode_each(timing: Timing) -> u64 {
    if matches!(timing, Timing::Timecode(Fps::Fps29, _)) { 1_001 } else { 1 }
}

fn message_of(channel: u8, message: midly::MidiMessage) -> Option<MidiMessage> {
    use midly::MidiMessage as Smf;
    let (kind, first, second) = match message {
        Smf::NoteOff { key, vel } => (0x80, key.as_int(), vel.as_int()),
        Smf::NoteOn { key, vel } => (0x90, key.as_int(), vel.as_int()),
        Smf::Aftertouch { key, vel } => (0xa0, key.as_int(), vel.as_int()),
        Smf::Controller { controller, value } => (0xb0, controller.as_int(), value.as_int()),
        Smf::ProgramChange { program } => (0xc0, program.as_int(), 0),
        Smf::ChannelAftertouch { vel } => (0xd0, vel.as_int(), 0),
        Smf::PitchBend { bend } => (0xe0, (bend.0.as_int() & 0x7f) as u8, (bend.0.as_int() >> 7) as u8),
    };
    MidiMessage::from_bytes(kind | channel, first, second)
}
