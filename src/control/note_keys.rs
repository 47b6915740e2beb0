//! The arguments of the verbs that play: pitches, durations, values of a note's own.

use super::control::Control;
use super::draft::Draft;
use super::fail::{Code, Fail};
use super::notes::Played;
use super::place::Place;
use super::scale::{Scale, Unreadable};
use super::value::Value;
use super::verbs::Call;
use crate::base::names::note_number;
use crate::base::nearest::nearest;
use crate::base::units::{Unit, factor_from_decibels};
use crate::engine::{Act, NoteId};
use crate::module::NoteSource;
use crate::patch::{Amount, ControlId, Domain, ModuleId, values};
use crate::plan::outline::{Count, NoteValue};

/// Pitches further than this from C4 [octaves] are taken as this.
pub(super) const REACH: f32 = 10.0;
/// The longest duration of a note [s].
pub(super) const LONGEST: f32 = 3600.0;

pub(super) const UNIPOLAR: Scale = Scale::FACTOR;
pub(super) const DURATION: Scale = Scale::linear(Unit::Seconds, 0.0, LONGEST);
pub(super) const SEMITONES: Scale = Scale::linear(Unit::Number, -12.0 * REACH, 12.0 * REACH);

pub(super) fn wrong(call: Call<'_>, text: impl Into<String>) -> Fail {
    Fail::new(call.address, Code::WrongArguments, text)
}

/// Reads an argument by a scale; what is out of range is clipped and told.
pub(super) fn read(control: &mut Control, draft: &mut Draft, call: Call<'_>, scale: Scale, value: &Value) -> Result<Amount, Fail> {
    let read = scale.read(value).map_err(|why| match why {
        Unreadable::NotFinite => Fail::new(call.address, Code::NotANumber, "the value is no finite number"),
        Unreadable::Wrong(text) => wrong(call, text),
    })?;
    if read.clipped {
        control.counts.fail(Code::Clipped);
        let told = format!("{value} is out of range: taken as {}", scale.tell(read.amount));
        draft.replies.push(Fail::new(call.address, Code::Clipped, told).message());
    }
    Ok(read.amount)
}

pub(super) fn read_plain(control: &mut Control, draft: &mut Draft, call: Call<'_>, scale: Scale, value: &Value) -> Result<f32, Fail> {
    match read(control, draft, call, scale, value)? {
        Amount::Plain(x) => Ok(x),
        Amount::Beats(_) => Err(wrong(call, "a musical time is not wanted here")),
    }
}

/// What a note plays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pitched {
    /// [octaves above C4]; `None`: its key plays nothing.
    pub pitch: Option<f32>,
    /// The nearest key.
    pub key: u8,
    /// What its pitch came from.
    pub played: Played,
}

/// What a note is asked to play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tone {
    /// A key, which may have a fraction; the slot's tuning says its pitch.
    Key(f32),
    /// A pitch [octaves above C4].
    Octaves(f32),
}

impl Tone {
    /// A note number, a note name, or a frequency.
    ///
    /// # Errors
    /// Where it is none of these. `[control]`
    pub fn read(call: Call<'_>, value: &Value) -> Result<Self, Fail> {
        let named = value.text().and_then(|text| note_number(text.trim()).map(f64::from).or_else(|| text.trim().parse().ok()));
        let number = if value.text().is_some() { named } else { value.number() };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Self::Key(number.clamp(60.0 - 12.0 * f64::from(REACH), 60.0 + 12.0 * f64::from(REACH)) as f32)),
            None => given_pitch(call, value).map(Self::Octaves),
        }
    }
}

/// The key nearest to a number that may have a fraction.
pub(super) fn key_near(number: f32) -> u8 {
    libm::roundf(number).clamp(0.0, 127.0) as u8
}

/// The pitch of a note number, a note name, or a frequency; only the last is not tuned. A key that plays nothing is told.
pub(super) fn pitch(control: &mut Control, draft: &mut Draft, call: Call<'_>, value: &Value) -> Result<Pitched, Fail> {
    let number = match Tone::read(call, value)? {
        Tone::Octaves(octaves) => return Ok(Pitched { pitch: Some(octaves), key: key_of(octaves), played: Played::Pitch }),
        Tone::Key(number) => number,
    };
    let (key, played) = (key_near(number), Played::Key { number, above: 0.0 });
    let pitch = control.pitch_in(draft, call.slot, played);
    if pitch.is_none() {
        control.counts.fail(Code::Unmapped);
        let told = format!("{value} plays nothing in the tuning of {}", control.slots[call.slot].name);
        draft.replies.push(Fail::new(call.address, Code::Unmapped, told).message());
    }
    Ok(Pitched { pitch: pitch.map(|pitch| pitch.clamp(-REACH, REACH)), key, played: pitch.map_or(Played::Nothing, |_| played) })
}

/// A pitch that is given as one [octaves above C4].
fn given_pitch(call: Call<'_>, value: &Value) -> Result<f32, Fail> {
    let octaves = match value {
        Value::Text(text) => values::pitch_of_text(text).map_err(|text| wrong(call, text))?,
        _ => return Err(wrong(call, "a pitch is a note number or a name such as C4")),
    };
    if octaves.is_nan() {
        return Err(wrong(call, "a rest is no pitch"));
    }
    Ok(octaves.clamp(-REACH, REACH))
}

/// The nearest key of a pitch.
pub(super) fn key_of(octaves: f32) -> u8 {
    (libm::roundf(octaves * 12.0) + 60.0).clamp(0.0, 127.0) as u8
}

/// What a note can be given by a key such as `brightness`, `filter.cutoff`, `pan`; and its scale.
pub(super) fn key(control: &Control, call: Call<'_>, key: &Value) -> Result<(Vec<(NoteValue, Count)>, Scale), Fail> {
    let Value::Text(name) = key else { return Err(wrong(call, "keys are names of controls, or module.input")) };
    let slot = &control.slots[call.slot];
    let source = match name.as_str() {
        "bend" => Some((NoteSource::Bend, Scale::linear(Unit::Octaves, -REACH, REACH))),
        "pressure" => Some((NoteSource::Pressure, UNIPOLAR)),
        "timbre" => Some((NoteSource::Timbre, UNIPOLAR)),
        "volume" => Some((NoteSource::Volume, UNIPOLAR)),
        "pan" => Some((NoteSource::Pan, Scale::PAN)),
        _ => None,
    };
    // Inside an include a name has several words: `lead.brightness`, `lead.filter.cutoff`.
    let path = name.replace('.', "/");
    let control_named = slot.patch.controls.iter().position(|control| control.name == path);
    if let (Some((source, scale)), None) = (source, control_named) {
        return Ok((vec![(NoteValue::Source(source), Count::Plain)], scale));
    }
    let place = match control_named {
        Some(at) => Place::Control(ControlId(at)),
        None => {
            let found = path.rsplit_once('/').and_then(|(module, input)| {
                let at = slot.patch.modules.iter().position(|of| of.name == module)?;
                let input = slot.patch.modules[at].kind.inputs.iter().find(|of| of.name == input)?;
                Some((at, input.index))
            });
            let Some((module, input)) = found else {
                let names = slot.patch.controls.iter().map(|control| control.name.as_str());
                let near = nearest(name, names).map(|near| format!("; did you mean {near}?"));
                return Err(Fail::new(
                    call.address,
                    Code::UnknownAddress,
                    format!("the patch has no control and no input {name}{}", near.unwrap_or_default()),
                ));
            };
            if slot.patch.modules[module].domain == Domain::Global {
                return Err(wrong(call, format!("{name} is global: notes have no values of their own there")));
            }
            Place::Base(ModuleId(module), input)
        }
    };
    let knobs = slot.knobs(place).iter().map(|(knob, count)| (NoteValue::Knob(*knob), *count)).collect();
    let scale = slot.addresses.scale(place.own(&slot.patch)).unwrap_or(Scale::FACTOR);
    Ok((knobs, scale))
}

/// Gives a note one value of its own.
pub(super) fn give(control: &mut Control, draft: &mut Draft, call: Call<'_>, id: NoteId, name: &Value, value: &Value) -> Result<(), Fail> {
    let (what, scale) = key(control, call, name)?;
    let x = match read(control, draft, call, scale, value)? {
        Amount::Plain(x) => x,
        Amount::Beats(beats) => scale.of_beats(beats, control.tempo),
    };
    for (what, count) in what {
        let value = if count == Count::Factor { factor_from_decibels(f64::from(x)) as f32 } else { x };
        draft.act(Act::NoteSet { slot: call.slot as u8, id, what, value });
    }
    Ok(())
}

pub(super) fn give_all(control: &mut Control, draft: &mut Draft, call: Call<'_>, id: NoteId, pairs: &[Value]) -> Result<(), Fail> {
    for pair in pairs.chunks(2) {
        let [name, value] = pair else { return Err(wrong(call, format!("key {} has no value", pair[0]))) };
        give(control, draft, call, id, name, value)?;
    }
    Ok(())
}
