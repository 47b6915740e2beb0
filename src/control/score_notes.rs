//! What a score needs of Control: its notes as the engine is told of them, the lane, and the numbers of jumps.

use std::path::PathBuf;

use super::control::Control;
use super::fail::{Code, Fail};
use super::note_keys::{REACH, Tone, key, key_near, key_of};
use super::notes;
use super::scale::Unreadable;
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::nearest::nearest;
use crate::base::units::factor_from_decibels;
use crate::control::client::Client;
use crate::engine::beat::Swing;
use crate::engine::score::LaneDoor;
use crate::patch::{Amount, Zone};
use crate::plan::mixer::SLOTS;
use crate::plan::outline::{Count, NoteValue};

/// Told before the engine is: of each jump, by its number and the beat; with nothing, that the beat clock is about to run.
type Prepare = Box<dyn FnMut(&mut Control, Option<(u32, f64)>) + Send>;

/// What Control keeps for a score.
pub struct Played {
    lane: Option<LaneDoor>,
    prepare: Option<Prepare>,
    /// Other pitches or other plans since the start.
    pub(super) voicing: u64,
    plans: [u8; SLOTS],
}

impl Played {
    /// With the way into the lane. `[control]`
    pub fn new(lane: LaneDoor) -> Self {
        Self { lane: Some(lane), prepare: None, voicing: 0, plans: [0; SLOTS] }
    }

    /// The number of a slot's next plan.
    pub(super) fn new_plan(&mut self, slot: usize) -> u8 {
        self.voicing += 1;
        let Some(plan) = self.plans.get_mut(slot) else { return 0 };
        *plan = plan.wrapping_add(1);
        *plan
    }
}

/// A note as the engine is told of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voiced {
    /// Whose.
    pub slot: u8,
    /// The key, for `keys.…`.
    pub key: u8,
    /// Octaves above C4.
    pub pitch: f32,
}

impl Control {
    /// The way into the engine's lane of a score; once. `[control]`
    pub fn take_lane(&mut self) -> Option<LaneDoor> {
        self.score.lane.take()
    }

    /// From now on this is told before the engine is of each jump of the beat clock, by its number and its beat, and with nothing where the
    /// clock is about to run. `[control]`
    pub fn prepare_jumps(&mut self, prepare: impl FnMut(&mut Self, Option<(u32, f64)>) + Send + 'static) {
        self.score.prepare = Some(Box::new(prepare));
    }

    /// The beat clock is about to go to a beat, or to run from where it is.
    pub(super) fn prepare(&mut self, jump: Option<(u32, f64)>) {
        // It is away while it runs.
        if let Some(mut prepare) = self.score.prepare.take() {
            prepare(self, jump);
            self.score.prepare = Some(prepare);
        }
    }

    /// From where to where the beat clock goes round [beats]. `[control]`
    pub fn cycle(&self) -> Option<[f64; 2]> {
        self.transport.cycle
    }

    /// How far the music has come where the clock goes to a beat: notes fall by it. `[control]`
    pub fn music_from(&self, beat: f64) -> f64 {
        // As the engine is told of it.
        let swing = self.transport.swing.map(|(share, step)| Swing { share: f64::from(share as f32), step: f64::from(step as f32) });
        swing.map_or(beat, |swing| swing.music(beat))
    }

    /// Folders out of which messages may load files, and into which they save. `[control]`
    pub fn folders(&self) -> &[PathBuf] {
        &self.options.folders
    }

    /// The slots that keys play, with what plays them. `[control]`
    pub fn keyed(&self) -> Vec<(Box<str>, Zone)> {
        let all = self.loaded().filter(|(_, slot)| slot.plays);
        all.map(|(_, slot)| (slot.name.as_str().into(), slot.zone)).collect()
    }

    /// Changes with each tuning and each plan: what was voiced before is to be voiced anew. `[control]`
    pub fn voicing(&self) -> u64 {
        self.score.voicing
    }

    /// A note of a slot; `None` where there is no such slot, or the tone plays nothing there. `[control]`
    pub fn voice(&self, slot: &str, tone: Tone) -> Option<Voiced> {
        let at = *self.names.get(slot)?;
        if !self.slots[at].plays {
            return None;
        }
        let (key, pitch) = match tone {
            Tone::Octaves(octaves) => (key_of(octaves), octaves),
            Tone::Key(number) => (key_near(number), self.pitch_of(at, notes::Played::Key { number, above: 0.0 })?),
        };
        Some(Voiced { slot: at as u8, key, pitch: pitch.clamp(-REACH, REACH) })
    }

    /// The plan by whose numbers the knobs of a slot are called. `[control]`
    pub fn plan_of(&self, slot: &str) -> u8 {
        self.names.get(slot).and_then(|at| self.score.plans.get(*at)).copied().unwrap_or(0)
    }

    /// What a value of a note's own comes to.
    ///
    /// # Errors
    /// Where the slot's patch has no such input, or the value is none of its. `[control]`
    pub fn voice_value(&self, call: Call<'_>, slot: &str, name: &str, value: &Value) -> Result<Vec<(NoteValue, f32)>, Fail> {
        let at = self.slot_named(call, slot)?;
        let (what, scale) = key(self, Call { slot: at, ..call }, &Value::from(name))?;
        let read = scale.read(value).map_err(|why| match why {
            Unreadable::NotFinite => Fail::new(call.address, Code::NotANumber, "the value is no finite number"),
            Unreadable::Wrong(text) => Fail::new(call.address, Code::WrongArguments, text),
        })?;
        let x = match read.amount {
            Amount::Plain(x) => x,
            Amount::Beats(beats) => scale.of_beats(beats, self.tempo),
        };
        let counted = |count| if count == Count::Factor { factor_from_decibels(f64::from(x)) as f32 } else { x };
        Ok(what.into_iter().map(|(what, count)| (what, counted(count))).collect())
    }

    /// A slot by its name.
    ///
    /// # Errors
    /// The nearest right name, where there is none of this. `[control]`
    pub fn slot_named(&self, call: Call<'_>, name: &str) -> Result<usize, Fail> {
        self.names.get(name).copied().ok_or_else(|| {
            let near = nearest(name, self.names.keys().map(String::as_str)).map(|near| format!("; did you mean {near}?"));
            Fail::new(call.address, Code::UnknownAddress, format!("there is no slot {name}{}", near.unwrap_or_default()))
        })
    }

    /// Answers a client some time after it asked. `[control]`
    pub fn answer_later(&mut self, client: Client, message: Message) {
        self.outbox.push((client, message));
    }
}
