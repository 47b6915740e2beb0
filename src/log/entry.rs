//! What the engine did, as messages: so any program that reads OSC can look into a log.
//!
//! | address | arguments |
//! |---|---|
//! | `/act` | frame, name, what belongs to it |
//! | `/began` | frame, slot, number of its plan |
//! | `/unload` | frame, slot |
//! | `/mixed` | frame, number of the mixer's plan |
//! | `/strained` | frame, true or false |
//! | `/shed` | frame, slot, first voice of the group, voices at most |

use crate::base::time::SampleTime;
use crate::engine::event::{Mix, Panic};
use crate::engine::journal::{Did, Entry};
use crate::engine::{Act, NoteId};
use crate::module::NoteSource;
use crate::plan::KnobId;
use crate::plan::outline::NoteValue;
use crate::wire::{Arg, Message};

/// A time or a number of any size as an argument. `[control]`
pub(super) fn long(x: u64) -> Arg {
    Arg::Long(i64::try_from(x).unwrap_or(i64::MAX))
}

/// A small number as an argument.
fn int(x: impl Into<i32>) -> Arg {
    Arg::Int(x.into())
}

/// An entry as a message. `[control]`
pub fn write(entry: Entry) -> Message {
    let at = long(entry.at);
    match entry.what {
        Did::Act(act) => {
            let (name, mut args) = write_act(act);
            let mut all = vec![at, Arg::Text(name.to_owned())];
            all.append(&mut args);
            Message::new("/act", all)
        }
        Did::Plan { slot, number } => Message::new("/began", vec![at, int(slot), long(number.into())]),
        Did::Unload { slot } => Message::new("/unload", vec![at, int(slot)]),
        Did::Mix { number } => Message::new("/mixed", vec![at, long(number.into())]),
        Did::Strained(on) => Message::new("/strained", vec![at, Arg::Bool(on)]),
        Did::Shed { slot, first, most } => Message::new("/shed", vec![at, int(slot), int(first), int(most)]),
    }
}

fn write_act(act: Act) -> (&'static str, Vec<Arg>) {
    let float = Arg::Float;
    let id = |id: NoteId| Arg::Long(id.0.into());
    match act {
        Act::Knob { slot, knob, value, beats, frames } => {
            ("knob", vec![int(slot), Arg::Long(knob.0.into()), float(value), Arg::Bool(beats), Arg::Long(frames.into())])
        }
        Act::Cell { slot, list, index, value } => ("cell", vec![int(slot), int(list), int(index), float(value)]),
        Act::NoteOn { slot, key, id: note, pitch, velocity, frames } => {
            ("note-on", vec![int(slot), int(key), id(note), float(pitch), float(velocity), Arg::Long(frames.into())])
        }
        Act::GlideFrom { slot, pitch } => ("glide-from", vec![int(slot), float(pitch)]),
        Act::NoteOff { slot, id: note, velocity } => ("note-off", vec![int(slot), id(note), float(velocity)]),
        Act::NoteFade { slot, id: note } => ("note-fade", vec![int(slot), id(note)]),
        Act::NoteSet { slot, id: note, what, value } => {
            let [kind, which] = match what {
                NoteValue::Pitch => [Arg::Text("pitch".to_owned()), Arg::Nil],
                NoteValue::Knob(knob) => [Arg::Text("knob".to_owned()), long(knob.0.into())],
                NoteValue::Source(source) => [Arg::Text("source".to_owned()), Arg::Text(source.name().to_owned())],
            };
            ("note-set", vec![int(slot), id(note), kind, which, float(value)])
        }
        Act::Panic { slot, how } => ("panic", vec![int(slot), int(how as u8)]),
        Act::Mix { slot, what, value, frames } => {
            let (what, to) = mix_number(what);
            ("mix", vec![int(slot), int(what), int(to), float(value), Arg::Long(frames.into())])
        }
        Act::Tempo(tempo) => ("tempo", vec![float(tempo)]),
        Act::Run(on) => ("run", vec![Arg::Bool(on)]),
        Act::RunWith { stamp, latest } => ("run-with", vec![long(stamp), long(latest)]),
        Act::Locate { beat, place } => ("locate", vec![Arg::Double(beat), Arg::Long(place.into())]),
        Act::Loop { start, end } => ("loop", vec![Arg::Double(start), Arg::Double(end)]),
        Act::Swing { share, step } => ("swing", vec![float(share), float(step)]),
        Act::Nudge(beats) => ("nudge", vec![float(beats)]),
        Act::Metronome { level, start, step, bar } => ("metronome", vec![float(level), float(start), float(step), int(bar)]),
        Act::CountIn(beats) => ("count-in", vec![float(beats)]),
        Act::Pause(on) => ("pause", vec![Arg::Bool(on)]),
        Act::Sync(number) => ("sync", vec![Arg::Long(number.into())]),
        Act::Clear => ("clear", Vec::new()),
    }
}

fn mix_number(what: Mix) -> (u8, u8) {
    match what {
        Mix::Level => (0, 0),
        Mix::Pan => (1, 0),
        Mix::Mute => (2, 0),
        Mix::Solo => (3, 0),
        Mix::Send(to) => (4, to),
        Mix::Limiter => (5, 0),
        Mix::Volume => (6, 0),
        Mix::Balance => (7, 0),
    }
}

/// Arguments, taken one by one; `None` where there is none, or one of another kind.
pub(super) struct Args<'a>(std::slice::Iter<'a, Arg>);

impl<'a> Args<'a> {
    pub fn of(message: &'a Message) -> Self {
        Self(message.args.iter())
    }

    pub fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    pub fn whole(&mut self) -> Option<i64> {
        match self.0.next()? {
            Arg::Int(x) => Some(i64::from(*x)),
            Arg::Long(x) => Some(*x),
            _ => None,
        }
    }

    pub fn part<T: TryFrom<i64>>(&mut self) -> Option<T> {
        self.whole()?.try_into().ok()
    }

    pub fn float(&mut self) -> Option<f32> {
        if let Arg::Float(x) = self.0.next()? { Some(*x) } else { None }
    }

    pub fn double(&mut self) -> Option<f64> {
        if let Arg::Double(x) = self.0.next()? { Some(*x) } else { None }
    }

    pub fn truth(&mut self) -> Option<bool> {
        if let Arg::Bool(x) = self.0.next()? { Some(*x) } else { None }
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        if let Arg::Blob(x) = self.0.next()? { Some(x) } else { None }
    }

    pub fn word(&mut self) -> Option<&'a str> {
        if let Arg::Text(x) = self.0.next()? { Some(x) } else { None }
    }
}

/// The entry that a message is; `None` for one that is none, or that does not say all. `[control]`
pub fn read(message: &Message) -> Option<Entry> {
    let mut args = Args::of(message);
    let at: SampleTime = args.part()?;
    let what = match message.address.as_str() {
        "/act" => Did::Act(read_act(&mut args)?),
        "/began" => Did::Plan { slot: args.part()?, number: args.part()? },
        "/unload" => Did::Unload { slot: args.part()? },
        "/mixed" => Did::Mix { number: args.part()? },
        "/strained" => Did::Strained(args.truth()?),
        "/shed" => Did::Shed { slot: args.part()?, first: args.part()?, most: args.part()? },
        _ => return None,
    };
    Some(Entry { at, what })
}

fn read_act(args: &mut Args<'_>) -> Option<Act> {
    Some(match args.word()? {
        "knob" => {
            let (slot, knob) = (args.part()?, KnobId(args.part()?));
            Act::Knob { slot, knob, value: args.float()?, beats: args.truth()?, frames: args.part()? }
        }
        "cell" => Act::Cell { slot: args.part()?, list: args.part()?, index: args.part()?, value: args.float()? },
        "note-on" => Act::NoteOn {
            slot: args.part()?,
            key: args.part()?,
            id: NoteId(args.part()?),
            pitch: args.float()?,
            velocity: args.float()?,
            frames: args.part()?,
        },
        "glide-from" => Act::GlideFrom { slot: args.part()?, pitch: args.float()? },
        "note-off" => Act::NoteOff { slot: args.part()?, id: NoteId(args.part()?), velocity: args.float()? },
        "note-fade" => Act::NoteFade { slot: args.part()?, id: NoteId(args.part()?) },
        "note-set" => {
            let (slot, id) = (args.part()?, NoteId(args.part()?));
            let what = match args.word()? {
                "pitch" => {
                    args.0.next()?;
                    NoteValue::Pitch
                }
                "knob" => NoteValue::Knob(KnobId(args.part()?)),
                "source" => {
                    let name = args.word()?;
                    NoteValue::Source(NoteSource::ALL.into_iter().find(|source| source.name() == name)?)
                }
                _ => return None,
            };
            Act::NoteSet { slot, id, what, value: args.float()? }
        }
        "panic" => {
            let slot = args.part()?;
            let how = *[Panic::Release, Panic::Fade, Panic::Cut].get(usize::try_from(args.whole()?).ok()?)?;
            Act::Panic { slot, how }
        }
        "mix" => {
            let (slot, what, to): (u8, u8, u8) = (args.part()?, args.part()?, args.part()?);
            let what = match what {
                0 => Mix::Level,
                1 => Mix::Pan,
                2 => Mix::Mute,
                3 => Mix::Solo,
                4 => Mix::Send(to),
                5 => Mix::Limiter,
                6 => Mix::Volume,
                7 => Mix::Balance,
                _ => return None,
            };
            Act::Mix { slot, what, value: args.float()?, frames: args.part()? }
        }
        "tempo" => Act::Tempo(args.float()?),
        "run" => Act::Run(args.truth()?),
        "locate" => Act::Locate { beat: args.double()?, place: args.part()? },
        "loop" => Act::Loop { start: args.double()?, end: args.double()? },
        "swing" => Act::Swing { share: args.float()?, step: args.float()? },
        "nudge" => Act::Nudge(args.float()?),
        "metronome" => Act::Metronome { level: args.float()?, start: args.float()?, step: args.float()?, bar: args.part()? },
        "count-in" => Act::CountIn(args.float()?),
        "pause" => Act::Pause(args.truth()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_is_read_as_it_was_written() {
        let id = NoteId(77);
        let acts = [
            Act::Knob { slot: 3, knob: KnobId(70_000), value: 0.1, beats: true, frames: 4_000_000_000 },
            Act::Cell { slot: 0, list: 2, index: 255, value: 3.0 },
            Act::NoteOn { slot: 63, key: 127, id, pitch: -0.083_333_336, velocity: 0.7, frames: 0 },
            Act::GlideFrom { slot: 1, pitch: 0.25 },
            Act::NoteOff { slot: 1, id, velocity: 0.5 },
            Act::NoteFade { slot: 1, id },
            Act::NoteSet { slot: 1, id, what: NoteValue::Source(NoteSource::Bend), value: 0.1 },
            Act::NoteSet { slot: 1, id, what: NoteValue::Knob(KnobId(9)), value: 0.1 },
            Act::NoteSet { slot: 1, id, what: NoteValue::Pitch, value: 0.1 },
            Act::Panic { slot: 255, how: Panic::Cut },
            Act::Mix { slot: 4, what: Mix::Send(9), value: 0.501, frames: 480 },
            Act::Mix { slot: 4, what: Mix::Balance, value: -0.5, frames: 0 },
            Act::Tempo(117.3),
            Act::Run(false),
            Act::Locate { beat: 1.0 / 3.0, place: 9 },
            Act::Loop { start: 0.1, end: 7.0 },
            Act::Swing { share: 0.62, step: 0.25 },
            Act::Nudge(-0.01),
            Act::Metronome { level: 0.5, start: 3.0, step: 0.5, bar: 7 },
            Act::CountIn(4.0),
            Act::Pause(true),
        ];
        for act in acts {
            let entry = Entry { at: 1 << 40, what: Did::Act(act) };
            assert_eq!(read(&write(entry)), Some(entry));
        }
        for what in [
            Did::Plan { slot: 2, number: 12 },
            Did::Unload { slot: 2 },
            Did::Mix { number: 4 },
            Did::Strained(true),
            Did::Shed { slot: 1, first: 32, most: 7 },
        ] {
            let entry = Entry { at: 5, what };
            assert_eq!(read(&write(entry)), Some(entry));
        }
        assert_eq!(read(&Message::new("/act", vec![Arg::Long(1), Arg::Text("tempo".to_owned())])), None, "how fast?");
    }
}
