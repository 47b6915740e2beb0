//! The verbs by which a score is changed while it is played. What one packet changes is fed together.

use std::sync::{Arc, Mutex};

use super::book::{Book, FARTHEST, Id, Item, LENGTHS, key};
use super::stand::{Stand, lock};
use super::tempo_map::TempoMap;
use crate::base::units::{Unit, hertz_from_octaves};
use crate::control::fail::Code;
use crate::control::note_keys::Tone;
use crate::control::scale::{Scale, Unreadable};
use crate::control::{Call, Client, Control, Fail, Message, Origin, Value};
use crate::patch::Amount;

/// Values that a note may have of its own.
const VALUES: usize = 64;
/// Notes that are told at once.
const TOLD: usize = 1000;

type Answer = Result<Vec<Message>, Fail>;
type Body = fn(&mut Control, &mut Stand, Call<'_>) -> Answer;

/// The verbs: address, arguments, one sentence.
const VERBS: [(&str, &str, &str, Body); 9] = [
    (
        "/score/add",
        "id beat slot pitch velocity duration [input value]…",
        "Adds a note, duration in beats; it sounds at its beat. A beat is a number from 0, a time such as \"2 bars\", or \"now+1\".",
        add,
    ),
    (
        "/score/replace",
        "id beat slot pitch velocity duration [input value]…",
        "Puts a note in the place of the one of its name; adds it where there is none.",
        replace,
    ),
    ("/score/move", "id beat [pitch]", "Moves a note; it sounds at its new place, and ends where it sounds now.", shift),
    ("/score/set", "id input value", "Gives a note a value of its own, such as volume or pan, also while it sounds.", set),
    ("/score/remove", "id…", "Takes notes out; those that sound end.", remove),
    (
        "/score/get",
        "[id | from to]",
        "Answers with a note as it was added, or with all of some beats, then /done; without arguments with how many there are and the beat at which the last ends.",
        get,
    ),
    ("/score/clear", "", "Takes all notes out.", clear),
    (
        "/score/tempo",
        "[on | off]",
        "While on, tempo and metre follow the score where it changes them; off leaves them to you. Tells which, and how many tempos it has.",
        tempo,
    ),
    ("/score/audition", "[0 | 1]", "While 1, a note that is added or moved sounds at once; tells it.", audition),
];

/// Puts the verbs into Control's table. `[control]`
pub(super) fn hand_over(control: &mut Control, stand: &Arc<Mutex<Stand>>) {
    for (address, arguments, does, body) in VERBS {
        let stand = Arc::clone(stand);
        control.hand_over_with(address, arguments, does, move |control, call| body(control, &mut lock(&stand), call));
    }
}

/// The verbs as rows of a table in Markdown. `[control]`
pub fn markdown() -> String {
    let row = |(address, arguments, does): (&str, &str, &str)| {
        let arguments = if arguments.is_empty() { String::new() } else { format!("`{}`", arguments.replace('|', "\\|")) };
        format!("| `{address}` | {arguments} | {} |\n", does.replace('|', "\\|"))
    };
    let own = VERBS.iter().map(|(address, arguments, does, _)| (*address, *arguments, *does));
    own.chain(super::shelf::VERBS).map(row).collect()
}

fn wrong(call: Call<'_>, text: impl Into<String>) -> Fail {
    Fail::new(call.address, Code::WrongArguments, text)
}

fn id(call: Call<'_>, value: &Value) -> Result<Id, Fail> {
    Id::of(value).ok_or_else(|| wrong(call, "a note's id is a whole number or a word"))
}

/// The place of a note that there is.
fn find(call: Call<'_>, book: &Book, value: &Value) -> Result<u32, Fail> {
    let id = id(call, value)?;
    book.find(&id).ok_or_else(|| Fail::new(call.address, Code::UnknownNote, format!("the score has no note {id}")))
}

/// Beats, out of a number or a time.
fn beats(control: &Control, call: Call<'_>, value: &Value) -> Result<f64, Fail> {
    if let Some(beats) = value.number() {
        return Ok(beats);
    }
    match Scale::linear(Unit::Seconds, 0.0, 86_400.0).read(value) {
        Ok(read) => Ok(match read.amount {
            Amount::Beats(beats) => beats,
            Amount::Plain(seconds) => f64::from(seconds) * control.tempo() / 60.0,
        }),
        Err(Unreadable::NotFinite) => Err(Fail::new(call.address, Code::NotANumber, "beats are a finite number")),
        Err(Unreadable::Wrong(text)) => Err(wrong(call, text)),
    }
}

/// A beat from 0; `now+…` from where the clock is.
fn beat(control: &Control, call: Call<'_>, value: &Value) -> Result<f64, Fail> {
    let beat = match value.text().and_then(|text| text.trim().strip_prefix("now")) {
        Some("") => here(control),
        Some(rest) => match rest.trim().strip_prefix('+') {
            Some(rest) => here(control) + beats(control, call, &Value::from(rest.trim()))?,
            None => return Err(wrong(call, format!("now+ and beats are wanted, such as now+1; {value} is neither"))),
        },
        None => beats(control, call, value)?,
    };
    if (0.0..=FARTHEST).contains(&beat) { Ok(beat) } else { Err(wrong(call, format!("beats go from 0 to {FARTHEST}; {beat} is outside"))) }
}

fn here(control: &Control) -> f64 {
    control.shown().score.here.read().map_or(0.0, |here| here.beat)
}

/// A note out of the arguments of `/score/add`.
fn read(control: &Control, book: &mut Book, call: Call<'_>) -> Result<Item, Fail> {
    let [name, at, slot, pitch, velocity, duration, pairs @ ..] = call.values else {
        return Err(wrong(call, "id, beat, slot, pitch, velocity and duration are wanted, then inputs and values"));
    };
    let Value::Text(slot) = slot else { return Err(wrong(call, format!("the name of a slot is wanted; {slot} is none"))) };
    control.slot_named(call, slot)?;
    let velocity = match velocity.number() {
        Some(x) if (0.0..=1.0).contains(&x) => x as f32,
        _ => return Err(wrong(call, format!("a velocity goes from 0 to 1; {velocity} does not"))),
    };
    let length = beats(control, call, duration)?;
    if !(LENGTHS.0..=LENGTHS.1).contains(&length) {
        return Err(wrong(call, format!("a duration is more than 0 beats; {duration} is not")));
    }
    let mut values = Vec::new();
    if pairs.len() > 2 * VALUES {
        return Err(wrong(call, format!("a note has at most {VALUES} values of its own")));
    }
    for pair in pairs.chunks(2) {
        let [input, value] = pair else { return Err(wrong(call, format!("{} has no value", pair[0]))) };
        values.push(own_value(control, call, slot, input, value)?);
    }
    let (id, beat, tone) = (id(call, name)?, beat(control, call, at)?, Tone::read(call, pitch)?);
    Ok(Item { id, beat, length, tone, velocity, slot: book.slot(slot), order: 0, values })
}

fn own_value(control: &Control, call: Call<'_>, slot: &str, input: &Value, value: &Value) -> Result<(Box<str>, Value), Fail> {
    let Value::Text(input) = input else { return Err(wrong(call, "inputs are names of controls, or module.input")) };
    control.voice_value(call, slot, input, value)?;
    Ok((input.as_str().into(), value.clone()))
}

fn put(control: &mut Control, stand: &mut Stand, call: Call<'_>, item: Item) -> Answer {
    let at = stand.book.put(item).map_err(|full| Fail::new(call.address, Code::Full, full.to_string()))?;
    stand.touch(at);
    sound(control, stand, at);
    Ok(Vec::new())
}

/// A tone as it is told.
fn pitch(tone: Tone) -> Value {
    match tone {
        Tone::Key(number) => f64::from(number).into(),
        Tone::Octaves(octaves) => Value::Text(format!("{} Hz", hertz_from_octaves(f64::from(octaves)))),
    }
}

/// A note sounds at once, where that is wanted.
fn sound(control: &mut Control, stand: &Stand, at: u32) {
    let Some(item) = stand.book.item(at).filter(|_| stand.audition) else { return };
    let seconds = item.length * 60.0 / control.tempo();
    let mut values = vec![pitch(item.tone), f64::from(item.velocity).into(), seconds.into()];
    values.extend(item.values.iter().flat_map(|(input, value)| [Value::Text(input.to_string()), value.clone()]));
    let address = format!("/{}/note", stand.book.slot_name(item.slot));
    control.say(Client::of(Origin::Score), &address, &values);
}

fn add(control: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    let item = read(control, &mut stand.book, call)?;
    if stand.book.find(&item.id).is_some() {
        return Err(wrong(call, format!("there is a note {} already; /score/replace takes its place", item.id)));
    }
    put(control, stand, call, item)
}

fn replace(control: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    let item = read(control, &mut stand.book, call)?;
    put(control, stand, call, item)
}

fn shift(control: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    let (name, to, tone) = match call.values {
        [name, to] => (name, to, None),
        [name, to, pitch] => (name, to, Some(Tone::read(call, pitch)?)),
        _ => return Err(wrong(call, "id and beat are wanted, then a pitch if it is to be another")),
    };
    let at = find(call, &stand.book, name)?;
    let beat = beat(control, call, to)?;
    stand.book.change(at, |item| (item.beat, item.tone) = (beat, tone.unwrap_or(item.tone)));
    stand.touch(at);
    sound(control, stand, at);
    Ok(Vec::new())
}

fn set(control: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    let [name, input, value] = call.values else { return Err(wrong(call, "id, input and value are wanted")) };
    let at = find(call, &stand.book, name)?;
    let slot = stand.book.item(at).map_or(0, |item| item.slot);
    let (input, value) = own_value(control, call, stand.book.slot_name(slot), input, value)?;
    let has_room = stand.book.item(at).is_some_and(|item| item.values.len() < VALUES || item.values.iter().any(|(of, _)| *of == input));
    if !has_room {
        return Err(wrong(call, format!("a note has at most {VALUES} values of its own")));
    }
    let told = input.clone();
    stand.book.change(at, move |item| match item.values.iter_mut().find(|(of, _)| *of == input) {
        Some((_, before)) => *before = value,
        None => item.values.push((input, value)),
    });
    stand.feeder.give(control, &stand.book, at, &told);
    Ok(Vec::new())
}

fn remove(_: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    if call.values.is_empty() {
        return Err(wrong(call, "the ids of notes are wanted; /score/clear takes all"));
    }
    // All or none.
    let places = call.values.iter().map(|name| find(call, &stand.book, name)).collect::<Result<Vec<_>, _>>()?;
    for at in places {
        stand.book.remove(at);
        stand.touch(at);
    }
    Ok(Vec::new())
}

/// A note as it was added.
fn told(call: Call<'_>, book: &Book, item: &Item) -> Message {
    let mut values = vec![item.id.value(), item.beat.into(), book.slot_name(item.slot).into(), pitch(item.tone)];
    values.extend([f64::from(item.velocity).into(), item.length.into()]);
    values.extend(item.values.iter().flat_map(|(input, value)| [Value::Text(input.to_string()), value.clone()]));
    Message::new(call.address, values)
}

fn get(control: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    let book = &stand.book;
    match call.values {
        [] => Ok(vec![Message::new(call.address, vec![Value::Integer(book.len() as i64), book.end().into()])]),
        [name] => {
            let at = find(call, book, name)?;
            Ok(book.item(at).map(|item| told(call, book, item)).into_iter().collect())
        }
        [from, to] => {
            let (from, to) = (beat(control, call, from)?, beat(control, call, to)?);
            let found: Vec<u32> = book.range(key(from), key(to)).map(|(_, at)| at).take(TOLD + 1).collect();
            let mut all: Vec<Message> = found.iter().take(TOLD).filter_map(|at| Some(told(call, book, book.item(*at)?))).collect();
            all.push(Message::new("/done", vec![call.address.into(), Value::Integer(all.len() as i64)]));
            if found.len() > TOLD {
                let text = format!("there are more than {TOLD} notes from {from} to {to}: ask for fewer beats");
                all.push(Fail::new(call.address, Code::TooMuch, text).message());
            }
            Ok(all)
        }
        _ => Err(wrong(call, "nothing, an id, or two beats are wanted")),
    }
}

fn clear(control: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    let count = stand.book.len();
    stand.open(control, Book::default(), TempoMap::default());
    Ok(vec![Message::new("/done", vec![call.address.into(), Value::Integer(count as i64)])])
}

fn tempo(_: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    match call.values {
        [] => {
            let changes = Value::Integer(stand.map.tempos().len() as i64);
            Ok(vec![Message::new(call.address, vec![if stand.leads { "on" } else { "off" }.into(), changes])])
        }
        [word] if matches!(word.text(), Some("on" | "off")) => {
            stand.leads = word.text() == Some("on");
            stand.ring();
            Ok(Vec::new())
        }
        _ => Err(wrong(call, "on or off is wanted")),
    }
}

fn audition(_: &mut Control, stand: &mut Stand, call: Call<'_>) -> Answer {
    match call.values {
        [] => Ok(vec![Message::new(call.address, vec![Value::Integer(stand.audition.into())])]),
        [value] if value.number().is_some() => {
            stand.audition = value.number().is_some_and(|on| on > 0.5);
            Ok(Vec::new())
        }
        _ => Err(wrong(call, "0 or 1 is wanted")),
    }
}
