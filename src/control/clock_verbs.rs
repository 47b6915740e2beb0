//! The verbs of the beat clock.

use super::bars::Metre;
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::feed_line::Merge;
use super::midi_clock::Wanted;
use super::scale::{Scale, Unreadable};
use super::transport::{Counting, Transport};
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::units::Unit;
use crate::engine::{Act, Event};
use crate::patch::{Amount, values};

/// A pause after which tapping begins anew [ns].
const TAPPED: i64 = 2_500_000_000;
/// Taps that count at most.
const TAPS: usize = 8;
/// As far as the clock is nudged at once [s].
const FAR: f64 = 1.0;
/// Beats of a cycle of Tidal's.
const CYCLE: f64 = 4.0;

/// `/clock/tempo`
pub(super) fn tempo(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let Some(value) = call.values.first() else {
        draft.replies.push(Message::new(call.address, vec![control.tempo.into()]));
        return Ok(());
    };
    let leads = control.midi_clock.tempo().is_some();
    let link = control.midi_clock.wanted == Some(Wanted::Link);
    if leads && !link {
        return Err(Fail::new(call.address, Code::NotAllowed, "the tempo follows another clock; /clock/source internal ends that"));
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
    if link {
        // All of the session have one tempo: it comes from there.
        control.midi_clock.asked = Some(f64::from(tempo));
        return Ok(());
    }
    draft.value(Some(Merge::Tempo), [Event { at: 0, act: Act::Tempo(tempo) }]);
    draft.step(Step::Tempo(f64::from(tempo)));
    Ok(())
}

/// A tempo that is given otherwise than by `/clock/tempo` [beats a minute].
fn set_tempo(control: &mut Control, draft: &mut Draft, call: Call<'_>, beats: f64) -> Result<(), Fail> {
    self::tempo(control, draft, Call { values: &[beats.into()], ..call })
}

/// `/setcps`, as Tidal says it: cycles of four beats a second.
pub(super) fn cycles(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    match call.values.first().and_then(Value::number) {
        Some(cycles) if cycles > 0.0 => set_tempo(control, draft, call, cycles * CYCLE * 60.0),
        _ => Err(Fail::new(call.address, Code::WrongArguments, "cycles a second are wanted, more than 0")),
    }
}

/// `/clock/tap`
pub(super) fn tap(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    // A bundle's time is when it was tapped; else it was when it came.
    let at = if draft.at == 0 { Some(control.arrived) } else { control.clock.unix_nanos_of(draft.at) };
    let Some(at) = at else { return Ok(()) };
    let taps = &mut control.transport.taps;
    if taps.last().is_some_and(|last| !(0..TAPPED).contains(&(at - last))) {
        taps.clear();
    }
    taps.push(at);
    if taps.len() > TAPS {
        taps.remove(0);
    }
    // From two taps on.
    let [first, .., last] = taps[..] else { return Ok(()) };
    let beats = (taps.len() - 1) as f64;
    if last == first {
        return Ok(());
    }
    set_tempo(control, draft, call, beats * 60e9 / (last - first) as f64)
}

/// `/clock/nudge`
pub(super) fn nudge(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let wrong = || Fail::new(call.address, Code::WrongArguments, "milliseconds are wanted: more than 0 is earlier, less is later");
    let [by] = call.values else { return Err(wrong()) };
    if control.midi_clock.tempo().is_some() {
        return Err(Fail::new(call.address, Code::NotAllowed, "the beat follows a MIDI clock; /clock/source internal ends that"));
    }
    let seconds = match (by.number(), by.text()) {
        (Some(milliseconds), _) => milliseconds / 1000.0,
        (None, Some(text)) => match values::amount_of_text(Unit::Seconds, text).map_err(|_| wrong())? {
            Amount::Plain(seconds) => f64::from(seconds),
            Amount::Beats(beats) => beats * 60.0 / control.tempo,
        },
        _ => return Err(wrong()),
    };
    if !(-FAR..=FAR).contains(&seconds) {
        return Err(Fail::new(call.address, Code::WrongArguments, "at most a second at once; /transport/locate goes farther"));
    }
    draft.act(Act::Nudge((seconds * control.tempo / 60.0) as f32));
    Ok(())
}

/// `/clock/swing`
pub(super) fn swing(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let wrong = || {
        let text = "a share is wanted, 0.5 (even) to 0.8 or \"50 %\" to \"80 %\", and then \"1/8\" or \"1/16\"";
        Fail::new(call.address, Code::WrongArguments, text)
    };
    let (share, step) = match call.values {
        [] => {
            let (share, step) = control.transport.swing.unwrap_or((0.5, 0.25));
            draft.replies.push(Message::new(call.address, vec![share.into(), step.into()]));
            return Ok(());
        }
        [share] => (share, control.transport.swing.map_or(0.25, |(_, step)| step)),
        [share, step] => (share, beats_of(step).filter(|step| *step == 0.25 || *step == 0.5).ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    let share = match (share.number(), share.text()) {
        (Some(share), _) => share,
        (None, Some(text)) => text.trim().strip_suffix('%').and_then(|x| x.trim().parse::<f64>().ok()).ok_or_else(wrong)? / 100.0,
        _ => return Err(wrong()),
    };
    if !(0.5..=0.8).contains(&share) {
        return Err(wrong());
    }
    draft.act(Act::Swing { share: share as f32, step: step as f32 });
    draft.step(Step::Counting(Counting::Swing(share, step)));
    Ok(())
}

/// A musical length in beats.
fn beats_of(value: &Value) -> Option<f64> {
    match (value.number(), value.text()) {
        (Some(beats), _) => Some(beats),
        (None, Some(text)) => match values::amount_of_text(Unit::Seconds, text) {
            Ok(Amount::Beats(beats)) => Some(beats),
            _ => None,
        },
        _ => None,
    }
}

/// `/clock/metre`
pub(super) fn metre(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let wrong = || Fail::new(call.address, Code::WrongArguments, "a metre is wanted, such as 3 4 or \"7/8\"");
    let number = |value: &Value| value.number().ok_or_else(wrong);
    let (steps, of) = match call.values {
        [] => {
            let (metre, ..) = control.transport.bars.at(control.beat_at(draft.at));
            let told = vec![Value::Integer(metre.steps.into()), Value::Integer(metre.of.into())];
            draft.replies.push(Message::new(call.address, told));
            return Ok(());
        }
        [Value::Text(text)] => {
            let (steps, of) = text.split_once('/').ok_or_else(wrong)?;
            (steps.trim().parse().map_err(|_| wrong())?, of.trim().parse().map_err(|_| wrong())?)
        }
        [steps, of] => (number(steps)?, number(of)?),
        _ => return Err(wrong()),
    };
    let metre = Metre::new(steps, of).ok_or_else(wrong)?;
    let mut bars = control.transport.bars.clone();
    bars.change(control.beat_at(draft.at), metre);
    draft.act(Transport::clicks(&bars, f64::MAX, control.transport.metronome));
    draft.step(Step::Counting(Counting::Bars(bars)));
    Ok(())
}

/// `/clock/metronome`
pub(super) fn metronome(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let wrong = |text: String| Fail::new(call.address, Code::WrongArguments, text);
    match call.values {
        [] => draft.replies.push(Message::new(call.address, vec![f64::from(control.transport.metronome).into()])),
        [level] => {
            let level = level.number().filter(|level| (0.0..=1.0).contains(level));
            let level = level.ok_or_else(|| wrong("a level is wanted, 0 (silent) to 1".into()))? as f32;
            // A metre that was asked for counts from now on, though it begins with the next bar; one of the score when it comes.
            let beat = if control.transport.written.is_some() { control.beat_at(draft.at) } else { f64::MAX };
            draft.act(Transport::clicks(&control.transport.bars, beat, level));
            draft.step(Step::Counting(Counting::Metronome(level)));
        }
        _ => return Err(wrong("one level is wanted, 0 (silent) to 1".into())),
    }
    Ok(())
}
