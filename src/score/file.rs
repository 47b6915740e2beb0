//! Files of scores, by their kinds.

use std::path::Path;
use std::sync::Mutex;

use super::model::Score;
use super::notes;
use super::stand::{Stand, lock};
use super::tempo_map::TEMPOS;
use super::timed::Timed;
use super::written::{self, Written};
use crate::base::diagnostic::Diagnostic;
use crate::base::time::SampleTime;
use crate::control::value::values;
use crate::control::{Call, Client, Control, Group, Message, Origin, Value, When};
use crate::patch::Zone;

/// Messages that failed and are told of one score; the rest is counted.
const TOLD: usize = 20;

/// What a score's file holds.
pub enum ScoreFile {
    /// A Standard MIDI File, in a time of its own.
    Midi(Score),
    /// Notes in beats.
    Notes(Written),
    /// Messages in seconds.
    Messages(Timed),
}

/// Why a file is no score.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// In one sentence.
    Sentence(String),
    /// By its places in the text.
    Places(String, Vec<Diagnostic>),
}

impl ScoreFile {
    /// Reads a score by the ending of its name: `.toml` notes, `.osc` messages, else a MIDI file. `[control]`
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(name: &Path, bytes: &[u8]) -> Result<Self, Wrong> {
        match name.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("toml") => {
                let text = std::str::from_utf8(bytes).map_err(|_| Wrong::Sentence("it is no text: it is not UTF-8".to_owned()))?;
                written::read(text).map(Self::Notes).map_err(|places| Wrong::Places(text.to_owned(), places))
            }
            Some("osc") => Timed::read(bytes).map(Self::Messages).map_err(|why| Wrong::Sentence(why.to_string())),
            _ => Score::from_midi_file(bytes).map(Self::Midi).map_err(|why| Wrong::Sentence(why.to_string())),
        }
    }

    /// Reads the notes of a score, those of a MIDI file in the slots that these zones play; what there is to say of it. `[control]`
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn notes(name: &Path, bytes: &[u8], zones: &[(Box<str>, Zone)]) -> Result<(Written, Vec<String>), Wrong> {
        let ending = name.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "toml" => match Self::read(name, bytes)? {
                Self::Notes(written) => Ok((written, Vec::new())),
                _ => Err(Wrong::Sentence("it holds no notes".to_owned())),
            },
            "mid" | "midi" | "smf" | "kar" => notes::read(bytes, zones).map_err(|why| Wrong::Sentence(why.to_string())),
            "osc" => {
                Err(Wrong::Sentence("messages in seconds are played by --score; a score in beats is a .toml or a .mid file".to_owned()))
            }
            _ => Err(Wrong::Sentence("a score in beats is a .toml or a .mid file".to_owned())),
        }
    }

    /// How long it lasts at a rate [Hz], notes in the tempo that it says [frames]. `[control]`
    pub fn frames(&self, rate: u32) -> SampleTime {
        match self {
            Self::Midi(score) => score.frames(rate),
            Self::Notes(written) => (written.map.seconds(written.book.end()) * f64::from(rate)).ceil() as SampleTime,
            Self::Messages(timed) => timed.frames(rate),
        }
    }
}

/// Puts notes on a stand, in their tempo; what there is to say of them. `[control]`
pub fn open(control: &mut Control, stand: &Mutex<Stand>, written: Written) -> Vec<String> {
    if let Some(tempo) = written.map.first_tempo() {
        control.say(Client::of(Origin::Score), "/clock/tempo", &[Value::Number(tempo)]);
    }
    let call = Call { client: Client::of(Origin::Score), address: "", slot: 0, at: 0, values: &[] };
    let missing = written.book.slots().filter_map(|slot| control.slot_named(call, slot).err());
    let inputs = written.inputs.iter().filter(|(slot, ..)| control.slot_named(call, slot).is_ok());
    let strange = inputs.filter_map(|(slot, input, value)| control.voice_value(call, slot, input, value).err());
    let remarks = missing.chain(strange).map(|fail| format!("the score: {}", fail.text)).collect();
    lock(stand).open(control, written.book, written.map);
    remarks
}

/// A MIDI file in a time of its own leads the tempo, unless that is left to whoever plays. `[control]`
pub fn lead(control: &mut Control, stand: Option<&Mutex<Stand>>, at: SampleTime, tempo: f64) {
    if stand.is_none_or(|stand| lock(stand).leads) && !control.follows_midi_clock() {
        let message = Message::new("/clock/tempo", vec![Value::Number(tempo.clamp(TEMPOS.0, TEMPOS.1))]);
        control.apply(Client::of(Origin::Score), &[Group { at: When::At(at), messages: vec![message] }]);
    }
}

/// Gives Control the messages that act before a frame. `[control]`
pub fn say(control: &mut Control, timed: &mut Timed, (start, rate): (SampleTime, u32), until: SampleTime, failed: &mut usize) {
    timed.feed(start, rate, until, |at, messages| {
        let messages = messages.into_iter().map(|message| Message::new(message.address, values(message.args, 0))).collect();
        for answer in control.apply(Client::of(Origin::Score), &[Group { at: When::At(at), messages }]) {
            if answer.address == "/fail" {
                *failed += 1;
                if *failed <= TOLD {
                    let words: Vec<String> = answer.values.iter().map(Value::to_string).collect();
                    control.tell(format!("score, {:.3} s: {}", (at - start) as f64 / f64::from(rate), words.join(" ")));
                }
            }
        }
    });
}
