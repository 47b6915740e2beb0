//! The verbs of time.

use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::feed_line::Merge;
use super::scale::{Scale, Unreadable};
use super::value::{Message, Value};
use super::verbs::Call;
use crate::engine::{Act, Event};
use crate::patch::Amount;

/// Beats as far as f32 counts them finely enough.
const FARTHEST: f64 = 1e6;

fn run(draft: &mut Draft, running: bool) {
    draft.act(Act::Run(running));
    draft.step(Step::Running(running));
}

/// `/transport/play`
pub(super) fn play(_: &mut Control, draft: &mut Draft, _: Call<'_>) -> Result<(), Fail> {
    run(draft, true);
    Ok(())
}

/// `/transport/pause`
pub(super) fn pause(_: &mut Control, draft: &mut Draft, _: Call<'_>) -> Result<(), Fail> {
    run(draft, false);
    Ok(())
}

/// `/transport/toggle`
pub(super) fn toggle(control: &mut Control, draft: &mut Draft, _: Call<'_>) -> Result<(), Fail> {
    let running = draft.steps.iter().rev().find_map(|(_, step)| if let Step::Running(running) = step { Some(*running) } else { None });
    run(draft, !running.unwrap_or(control.running));
    Ok(())
}

/// `/transport/stop`
pub(super) fn stop(_: &mut Control, draft: &mut Draft, _: Call<'_>) -> Result<(), Fail> {
    run(draft, false);
    draft.act(Act::Locate(0.0));
    Ok(())
}

/// `/transport/locate`
pub(super) fn locate(_: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    match call.values.first().and_then(Value::number) {
        Some(beat) => {
            draft.act(Act::Locate(beat.clamp(0.0, FARTHEST) as f32));
            Ok(())
        }
        None => Err(Fail::new(call.address, Code::WrongArguments, "a beat is wanted, counted from 0")),
    }
}

/// `/midi/ends`
pub(super) fn ends(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    match call.values {
        [] => Ok(vec![Message::new(call.address, vec![Value::Integer(control.note_ends.is_some().into())])]),
        [value] => {
            let on = value.number().ok_or_else(|| Fail::new(call.address, Code::WrongArguments, "0 or 1 is wanted"))?;
            control.send_note_ends(on > 0.5);
            Ok(Vec::new())
        }
        _ => Err(Fail::new(call.address, Code::WrongArguments, "0 or 1 is wanted")),
    }
}

/// `/clock/tempo`
pub(super) fn tempo(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let Some(value) = call.values.first() else {
        draft.replies.push(Message::new(call.address, vec![control.tempo.into()]));
        return Ok(());
    };
    if control.midi_clock.tempo().is_some() {
        return Err(Fail::new(call.address, Code::NotAllowed, "the tempo follows a MIDI clock; /clock/source internal ends that"));
    }
    if call.values.len() > 1 {
        return Err(Fail::new(call.address, Code::WrongArguments, "the tempo does not glide: one value is wanted"));
    }
    let value = match value {
        Value::Text(text) => Value::Text(text.trim().trim_end_matches("bpm").to_owned()),
        other => other.clone(),
    };
    let read = Scale::TEMPO.read(&value).map_err(|why| match why {
        Unreadable::NotFinite => Fail::new(call.address, Code::NotANumber, "the tempo is no finite number"),
        Unreadable::Wrong(text) => Fail::new(call.address, Code::WrongArguments, text),
    })?;
    let Amount::Plain(tempo) = read.amount else {
        return Err(Fail::new(call.address, Code::WrongArguments, "beats a minute are wanted"));
    };
    if read.clipped {
        control.counts.fail(Code::Clipped);
        let told = format!("{value} is out of range: set to {tempo}");
        draft.replies.push(Fail::new(call.address, Code::Clipped, told).message());
    }
    draft.value(Some(Merge::Tempo), [Event { at: 0, act: Act::Tempo(tempo) }]);
    draft.step(Step::Tempo(f64::from(tempo)));
    Ok(())
}
