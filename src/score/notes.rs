//! Notes of a Standard MIDI File, in beats: for a score that follows the transport and can be changed.
//!
//! A key sounds from its start to its end, or until the pedal that holds it is let go. What is no note is left out and counted.

use midly::{Format, MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use super::book::{Book, FARTHEST, Full, Id, Item, LENGTHS};
use super::smf::ScoreError;
use super::tempo_map::TempoMap;
use super::written::Written;
use crate::control::bars::Metre;
use crate::control::note_keys::Tone;
use crate::patch::Zone;

/// Beats a second where a file counts in SMPTE time.
const BEATS: f64 = 2.0;
/// The controller of the sustain pedal, and those that end all notes.
const PEDAL: u8 = 64;
const ENDS: [u8; 2] = [120, 123];

/// Why a file's notes cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotesError {
    /// It is no MIDI file.
    #[error(transparent)]
    File(#[from] ScoreError),
    /// It has too many.
    #[error("{0}")]
    Full(Full),
}

/// A key that sounds.
#[derive(Clone, Copy)]
struct Down {
    channel: u8,
    key: u8,
    velocity: u8,
    start: f64,
    /// It is up, and the pedal holds it.
    held: bool,
}

#[derive(Default)]
struct Take {
    down: Vec<Down>,
    pedals: [bool; 16],
    items: Vec<Item>,
    left_out: usize,
    unplayed: usize,
}

/// The notes of a file, in the slots that its channels and keys play; what there is to say of it. `[control]`
///
/// # Errors
/// [`NotesError`].
pub fn read(bytes: &[u8], zones: &[(Box<str>, Zone)]) -> Result<(Written, Vec<String>), NotesError> {
    let smf = Smf::parse(bytes).map_err(|why| ScoreError::NotMidi(why.to_string()))?;
    let ticks = match smf.header.timing {
        Timing::Metrical(ticks) => f64::from(ticks.as_int()),
        Timing::Timecode(fps, ticks) => f64::from(fps.as_f32()) * f64::from(ticks) / BEATS,
    };
    if ticks <= 0.0 {
        return Err(ScoreError::NoTicks.into());
    }
    let mut things = Vec::new();
    let mut from = 0u64;
    for track in &smf.tracks {
        let mut tick = from;
        for event in track {
            tick += u64::from(event.delta.as_int());
            things.push((tick, event.kind));
        }
        if smf.header.format == Format::Sequential {
            from = tick;
        }
    }
    // Stable: within a tick, tracks act in their order and events in theirs.
    things.sort_by_key(|(tick, _)| *tick);
    let mut take = Take::default();
    let (mut tempos, mut metres, mut end) = (Vec::new(), Vec::new(), 0.0);
    for (tick, kind) in things {
        let beat = (tick as f64 / ticks).min(FARTHEST);
        end = beat;
        match kind {
            TrackEventKind::Midi { channel, message } => take.hear(zones, beat, channel.as_int(), message),
            TrackEventKind::Meta(MetaMessage::Tempo(micros)) if micros.as_int() > 0 => {
                tempos.push((beat, 60e6 / f64::from(micros.as_int())));
            }
            TrackEventKind::Meta(MetaMessage::TimeSignature(steps, power, ..)) => {
                metres.extend(Metre::new(f64::from(steps), libm::exp2(f64::from(power))).map(|metre| (beat, metre)));
            }
            _ => {}
        }
    }
    take.end(zones, end, |_| true);
    if tempos.first().is_some_and(|(beat, _)| *beat > 0.0) {
        tempos.insert(0, (0.0, 60.0 * BEATS));
    }
    if metres.first().is_some_and(|(beat, _)| *beat > 0.0) {
        metres.insert(0, (0.0, Metre::COMMON));
    }
    let mut remarks = Vec::new();
    if take.left_out > 0 {
        remarks.push(format!("{} controllers, bends and programs are left out: a score has notes", take.left_out));
    }
    if take.unplayed > 0 {
        remarks.push(format!("{} notes are left out: no slot plays their channel and key", take.unplayed));
    }
    take.items.sort_by(|one, other| one.beat.total_cmp(&other.beat));
    for (number, item) in take.items.iter_mut().enumerate() {
        item.id = Id::Number(number as i64 + 1);
    }
    let slots = zones.iter().map(|(name, _)| name.clone()).collect();
    let book = Book::of_items(slots, take.items).map_err(NotesError::Full)?;
    Ok((Written::new(TempoMap::new(tempos, metres), book), remarks))
}

impl Take {
    fn hear(&mut self, zones: &[(Box<str>, Zone)], beat: f64, channel: u8, message: MidiMessage) {
        match message {
            MidiMessage::NoteOn { key, vel } if vel.as_int() > 0 => {
                let (key, velocity) = (key.as_int(), vel.as_int());
                self.end(zones, beat, |down| (down.channel, down.key) == (channel, key));
                self.down.push(Down { channel, key, velocity, start: beat, held: false });
            }
            MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => {
                let is = |down: &Down| (down.channel, down.key) == (channel, key.as_int());
                match self.pedals[usize::from(channel)] {
                    true => self.down.iter_mut().filter(|down| is(down)).for_each(|down| down.held = true),
                    false => self.end(zones, beat, is),
                }
            }
            MidiMessage::Controller { controller, value } if controller.as_int() == PEDAL => {
                let on = value.as_int() >= 64;
                self.pedals[usize::from(channel)] = on;
                if !on {
                    self.end(zones, beat, |down| down.channel == channel && down.held);
                }
            }
            MidiMessage::Controller { controller, .. } if ENDS.contains(&controller.as_int()) => {
                self.end(zones, beat, |down| down.channel == channel);
            }
            _ => self.left_out += 1,
        }
    }

    /// These keys end.
    fn end(&mut self, zones: &[(Box<str>, Zone)], beat: f64, ends: impl Fn(&Down) -> bool) {
        let Self { down, items, unplayed, .. } = self;
        down.retain(|down| {
            if !ends(down) {
                return true;
            }
            let before = items.len();
            for (slot, (_, zone)) in zones.iter().enumerate().filter(|(_, (_, zone))| zone.takes(down.channel + 1, down.key, down.velocity))
            {
                items.push(Item {
                    id: Id::Number(0),
                    beat: down.start,
                    length: (beat - down.start).max(LENGTHS.0),
                    tone: Tone::Key(f32::from(down.key) + 12.0 * zone.transpose),
                    velocity: f32::from(down.velocity) / 127.0,
                    slot: slot.min(usize::from(u16::MAX)) as u16,
                    order: 0,
                    values: Vec::new(),
                });
            }
            *unplayed += usize::from(items.len() == before);
            false
        });
    }
}
