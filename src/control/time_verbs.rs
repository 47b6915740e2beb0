//! The verbs of the transport.

use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::transport::{Counting, Motion, Transport};
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::units::Unit;
use crate::engine::{Act, Event};
use crate::patch::{Amount, values};

/// As far as one may go [beats].
const FARTHEST: f64 = 1e6;
/// A start is to be said so much earlier than it could be heard [s].
const MARGIN: f64 = 0.05;
/// Shortest loop [beats].
const SHORTEST: f64 = 1.0 / 16.0;

fn go(draft: &mut Draft, motion: Motion) {
    draft.step(Step::Motion(motion));
}

/// What it does when this packet has come so far.
fn motion(control: &Control, draft: &Draft) -> Motion {
    let last = draft.steps.iter().rev().find_map(|(_, step)| if let Step::Motion(motion) = step { Some(*motion) } else { None });
    last.unwrap_or(control.transport.motion)
}

/// `/transport`
pub(super) fn status(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    draft.replies.push(Message::new(call.address, control.tell_transport()));
    Ok(())
}

/// `/transport/play`
pub(super) fn play(control: &mut Control, draft: &mut Draft, _: Call<'_>) -> Result<(), Fail> {
    let before = motion(control, draft);
    // However busy its own thread is.
    control.prepare(None);
    draft.act(Act::Pause(false));
    let bars = control.transport.count_in;
    if let (Some(_), Some(tag)) = (control.transport.armed, draft.tag) {
        let act = control.start_together(tag, draft.at);
        draft.steps.push((0, Step::Counting(Counting::Meant(tag))));
        if let Act::RunWith { .. } = act {
            // It waits in the engine for its callback.
            draft.events.push(Event { at: 0, act });
            draft.things += 1;
        } else {
            draft.act(act);
            draft.step(Step::Counting(Counting::Started(draft.at)));
        }
    } else if before == Motion::Stopped && bars > 0 {
        let (metre, ..) = control.transport.bars.at(control.beat_at(draft.at));
        draft.act(Act::CountIn((f64::from(bars) * metre.bar()) as f32));
    } else {
        draft.act(Act::Run(true));
    }
    go(draft, Motion::Playing);
    Ok(())
}

/// `/transport/pause`
pub(super) fn pause(_: &mut Control, draft: &mut Draft, _: Call<'_>) -> Result<(), Fail> {
    draft.act(Act::Pause(true));
    go(draft, Motion::Paused);
    Ok(())
}

/// `/transport/toggle`
pub(super) fn toggle(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    match motion(control, draft) {
        Motion::Playing => pause(control, draft, call),
        Motion::Stopped | Motion::Paused => play(control, draft, call),
    }
}

/// `/transport/stop`
pub(super) fn stop(control: &mut Control, draft: &mut Draft, _: Call<'_>) -> Result<(), Fail> {
    draft.act(Act::Pause(false));
    draft.act(Act::Run(false));
    draft.act(control.go_to(0.0));
    let bars = control.transport.written.clone().unwrap_or_else(|| {
        let mut bars = control.transport.bars.clone();
        bars.forget();
        bars
    });
    draft.act(Transport::clicks(&bars, 0.0, control.transport.metronome));
    draft.step(Step::Counting(Counting::Bars(bars)));
    go(draft, Motion::Stopped);
    Ok(())
}

/// `/transport/arm`
pub(super) fn arm(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let beat = match call.values {
        [] => 0.0,
        [place] => read_place(control, call, place)?,
        _ => return Err(Fail::new(call.address, Code::WrongArguments, PLACE)),
    };
    draft.act(Act::Pause(false));
    draft.act(Act::Run(false));
    draft.act(control.go_to(beat));
    go(draft, Motion::Stopped);
    let heard = control.clock.unix_nanos_of(control.shown.now()).map_or(0, |heard| heard - control.clock.wall().now());
    let lead = heard.max(0) as f64 * 1e-9 + MARGIN;
    draft.step(Step::Counting(Counting::Armed(Some(draft.client))));
    control.tell_then(draft, Message::new("/ready", vec![beat.into(), lead.into()]));
    Ok(())
}

/// `/transport/locate`
pub(super) fn locate(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    match call.values {
        [place] => {
            let beat = read_place(control, call, place)?;
            draft.act(control.go_to(beat));
            Ok(())
        }
        _ => Err(Fail::new(call.address, Code::WrongArguments, PLACE)),
    }
}

const PLACE: &str =
    "a place is wanted: a beat counted from 0, \"3:1\" (bar and beat from 1), \"2 bars\", \"8 beats\" or \"12.5 s\" from the beginning";

/// A place in the music, in beats.
fn read_place(control: &Control, call: Call<'_>, value: &Value) -> Result<f64, Fail> {
    let wrong = || Fail::new(call.address, Code::WrongArguments, PLACE);
    let bars = &control.transport.bars;
    let beat = match (value.number(), value.text()) {
        (Some(beat), _) => beat,
        (None, Some(text)) => match text.split_once(':') {
            Some((bar, beat)) => {
                let bar: i64 = bar.trim().parse().map_err(|_| wrong())?;
                let beat: f64 = beat.trim().parse().map_err(|_| wrong())?;
                bars.beat_of(bar - 1) + (beat - 1.0) * bars.at(bars.beat_of(bar - 1)).0.step()
            }
            None => match text.trim().strip_suffix("bars").or_else(|| text.trim().strip_suffix("bar")) {
                Some(count) => {
                    let count: f64 = count.trim().parse().map_err(|_| wrong())?;
                    let start = bars.beat_of(count as i64);
                    start + count.fract() * bars.at(start).0.bar()
                }
                None => match values::amount_of_text(Unit::Seconds, text).map_err(|_| wrong())? {
                    Amount::Beats(beats) => beats,
                    Amount::Plain(seconds) => f64::from(seconds) * control.tempo / 60.0,
                },
            },
        },
        _ => return Err(wrong()),
    };
    if !beat.is_finite() {
        return Err(wrong());
    }
    Ok(beat.clamp(0.0, FARTHEST))
}

/// `/transport/loop`
pub(super) fn cycle(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let off = |value: &Value| value.text() == Some("off");
    let cycle = match call.values {
        [] => {
            let told = match control.transport.cycle {
                Some([start, end]) => vec![start.into(), end.into()],
                None => vec!["off".into()],
            };
            draft.replies.push(Message::new(call.address, told));
            return Ok(());
        }
        [word] if off(word) => None,
        [start, end] => {
            let (from, to) = (read_place(control, call, start)?, read_place(control, call, end)?);
            if to - from < SHORTEST {
                let text = format!("a loop ends at least a 64th behind its start; {start} to {end} does not");
                return Err(Fail::new(call.address, Code::WrongArguments, text));
            }
            Some([from, to])
        }
        _ => return Err(Fail::new(call.address, Code::WrongArguments, "two places are wanted, or off")),
    };
    let [start, end] = cycle.unwrap_or_default();
    draft.act(Act::Loop { start, end });
    draft.step(Step::Counting(Counting::Loop(cycle)));
    Ok(())
}

/// `/transport/count-in`
pub(super) fn count_in(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    match call.values {
        [] => {
            draft.replies.push(Message::new(call.address, vec![Value::Integer(control.transport.count_in.into())]));
            Ok(())
        }
        [bars] => match bars.number().filter(|bars| (0.0..=16.0).contains(bars) && bars.fract() == 0.0) {
            Some(bars) => {
                draft.step(Step::Counting(Counting::CountIn(bars as u8)));
                Ok(())
            }
            None => Err(Fail::new(call.address, Code::WrongArguments, "0 to 16 bars are wanted")),
        },
        _ => Err(Fail::new(call.address, Code::WrongArguments, "0 to 16 bars are wanted")),
    }
}

impl Control {
    /// Goes to a beat; what is played from there on goes by a number of its own.
    pub(super) fn go_to(&mut self, beat: f64) -> Act {
        self.transport.place = self.transport.place.wrapping_add(1);
        let place = self.transport.place;
        self.prepare(Some((place, beat)));
        Act::Locate { beat, place }
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
