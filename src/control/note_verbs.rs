//! The verbs that play.

use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::note_keys::{DURATION, Pitched, SEMITONES, UNIPOLAR, give_all, pitch, read, read_plain, wrong};
use super::notes::{NoteName, Sounding};
use super::scale::Scale;
use super::value::Value;
use super::verbs::Call;
use crate::base::time::SampleTime;
use crate::engine::event::{ALL_SLOTS, Panic};
use crate::engine::{Act, Event, NoteId};
use crate::module::NoteSource;
use crate::patch::Amount;
use crate::plan::outline::NoteValue;

/// `/<slot>/note`
pub(super) fn note(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let [pitch_value, velocity, rest @ ..] = call.values else {
        return Err(wrong(call, "pitch and velocity are wanted, then duration, then keys and values"));
    };
    let Pitched { pitch, key, played } = pitch(control, draft, call, pitch_value)?;
    let velocity = read_plain(control, draft, call, UNIPOLAR, velocity)?;
    let (length, pairs) = match rest {
        [length, pairs @ ..] => (read(control, draft, call, DURATION, length)?, pairs),
        [] => (Amount::Beats(1.0), rest),
    };
    let Some(pitch) = pitch.filter(|_| velocity > 0.0) else { return Ok(()) };
    let seconds = match length {
        Amount::Plain(seconds) => f64::from(seconds),
        Amount::Beats(beats) => f64::from(DURATION.within(DURATION.of_beats(beats, control.tempo))),
    };
    let frames = control.frames(seconds).clamp(1, u64::from(u32::MAX)) as u32;
    if u64::from(frames) <= draft.cut {
        return Ok(());
    }
    let frames = frames - draft.cut as u32;
    let id = control.notes.fresh();
    draft.act(Act::NoteOn { slot: call.slot as u8, key, id, pitch, velocity, frames });
    let start = control.start(draft);
    draft.step(Step::Started(id, Sounding { slot: call.slot as u8, client: call.client, name: None, start, lease: None, played }));
    give_all(control, draft, call, id, pairs)
}

/// `/<slot>/note/on`
pub(super) fn on(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let [id, pitch_value, velocity, pairs @ ..] = call.values else {
        return Err(wrong(call, "id, pitch and velocity are wanted, then keys and values"));
    };
    let name = name(call, id)?;
    let Pitched { pitch, key, played } = pitch(control, draft, call, pitch_value)?;
    let velocity = read_plain(control, draft, call, UNIPOLAR, velocity)?;
    let before = find(control, draft, call, &name);
    if let Some(id) = before {
        control.let_go_of(draft, call.slot as u8, id, 0.0);
    }
    if velocity == 0.0 {
        return before.map(|_| ()).ok_or_else(|| unknown(call, id));
    }
    let id = control.notes.fresh();
    if let Some(pitch) = pitch {
        draft.act(Act::NoteOn { slot: call.slot as u8, key, id, pitch, velocity, frames: 0 });
    }
    let start = control.start(draft);
    let lease = control.peers.get(call.client).lease.map(|seconds| control.frames(seconds));
    draft.step(Step::Started(id, Sounding { slot: call.slot as u8, client: call.client, name: Some(name), start, lease, played }));
    give_all(control, draft, call, id, pairs)
}

/// `/<slot>/note/off`
pub(super) fn off(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let (id, velocity) = match call.values {
        [id] => (id, 0.0),
        [id, velocity] => (id, read_plain(control, draft, call, UNIPOLAR, velocity)?),
        _ => return Err(wrong(call, "id is wanted, and how fast it is let go")),
    };
    let name = name(call, id)?;
    let found = find(control, draft, call, &name).ok_or_else(|| unknown(call, id))?;
    control.let_go_of(draft, call.slot as u8, found, velocity);
    Ok(())
}

impl Control {
    /// The first frame of a note that a draft starts.
    pub(super) fn start(&self, draft: &Draft) -> SampleTime {
        draft.at.max(self.shown.now())
    }

    /// Lets go of a note, but never before it has begun: one that is still to come would hang.
    pub(super) fn let_go_of(&self, draft: &mut Draft, slot: u8, id: NoteId, velocity: f32) {
        let start = draft.start_of(id).or_else(|| self.notes.start_of(id)).filter(|start| *start > self.start(draft));
        draft.things += 1;
        draft.events.push(Event { at: start.unwrap_or(draft.at), act: Act::NoteOff { slot, id, velocity } });
        draft.step(Step::Released(id));
    }
}

pub(super) fn name(call: Call<'_>, id: &Value) -> Result<NoteName, Fail> {
    NoteName::of(id).ok_or_else(|| wrong(call, "a note's id is a whole number or a word"))
}

pub(super) fn find(control: &Control, draft: &Draft, call: Call<'_>, name: &NoteName) -> Option<NoteId> {
    let known = draft.started(call.slot as u8, name).or_else(|| control.notes.find(call.slot as u8, call.client, name));
    known.filter(|id| !draft.releases(*id))
}

pub(super) fn unknown(call: Call<'_>, id: &Value) -> Fail {
    Fail::new(call.address, Code::UnknownNote, format!("no note {id} is held"))
}

/// An expression of one note: id and value.
fn express(control: &mut Control, draft: &mut Draft, call: Call<'_>, source: NoteSource, scale: Scale, factor: f32) -> Result<(), Fail> {
    let [id, value] = call.values else { return Err(wrong(call, "id and value are wanted")) };
    let name = name(call, id)?;
    let note = find(control, draft, call, &name).ok_or_else(|| unknown(call, id))?;
    let value = read_plain(control, draft, call, scale, value)? * factor;
    draft.step(Step::Renewed(note));
    draft.act(Act::NoteSet { slot: call.slot as u8, id: note, what: NoteValue::Source(source), value });
    Ok(())
}

/// `/<slot>/note/bend`
pub(super) fn bend(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    express(control, draft, call, NoteSource::Bend, SEMITONES, 1.0 / 12.0)
}

/// `/<slot>/note/pressure`
pub(super) fn pressure(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    express(control, draft, call, NoteSource::Pressure, UNIPOLAR, 1.0)
}

/// `/<slot>/note/timbre`
pub(super) fn timbre(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    express(control, draft, call, NoteSource::Timbre, UNIPOLAR, 1.0)
}

/// `/<slot>/note/volume`
pub(super) fn volume(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    express(control, draft, call, NoteSource::Volume, UNIPOLAR, 1.0)
}

/// `/<slot>/note/pan`
pub(super) fn pan(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    express(control, draft, call, NoteSource::Pan, Scale::PAN, 1.0)
}

/// `/<slot>/note/set`
pub(super) fn set(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let [id, pairs @ ..] = call.values else { return Err(wrong(call, "id, key and value are wanted")) };
    if pairs.is_empty() {
        return Err(wrong(call, "key and value are wanted"));
    }
    let name = name(call, id)?;
    let note = find(control, draft, call, &name).ok_or_else(|| unknown(call, id))?;
    draft.step(Step::Renewed(note));
    give_all(control, draft, call, note, pairs)
}

/// `/panic`
pub(super) fn panic(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let how = match call.values.first() {
        None => Panic::Release,
        Some(value) => match (value.text(), value.number()) {
            (Some("release"), _) => Panic::Release,
            (Some("fade"), _) => Panic::Fade,
            (Some("cut"), _) => Panic::Cut,
            (_, Some(x)) if x < 0.5 => Panic::Release,
            (_, Some(x)) if x < 1.5 => Panic::Fade,
            (_, Some(_)) => Panic::Cut,
            (_, None) => return Err(wrong(call, "0 release, 1 fade or 2 cut is wanted")),
        },
    };
    draft.act(Act::Panic { slot: ALL_SLOTS, how });
    let now = control.start(draft);
    let all: Vec<(NoteId, u8, bool)> = control.notes.iter().map(|(id, note)| (id, note.slot, note.start > now)).collect();
    for (id, slot, to_come) in all {
        if to_come {
            control.let_go_of(draft, slot, id, 0.0);
        } else {
            draft.step(Step::Released(id));
        }
    }
    control.keyboard.let_go();
    Ok(())
}
