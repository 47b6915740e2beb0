//! The verbs that tune. Each may begin with the name of a slot; with `*`, or with neither, the rack is meant.

use std::sync::Arc;

use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::note_keys::wrong;
use super::tuning::{Edit, Retuning, Scope, edited, map_file, scale_file};
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::names::{note_number, octaves_from_note};
use crate::base::units::{Unit, hertz_from_octaves};
use crate::media::Scale;
use crate::media::tuning::KEYS;
use crate::patch::tuning::{EQUAL, FREQUENCIES, step_of_text};
use crate::patch::{Amount, values};

/// The slot that the first argument names, or the rack; and the arguments that are left.
fn scope<'a>(control: &Control, call: Call<'a>, least: usize) -> (Scope, &'a [Value]) {
    match call.values {
        [Value::Text(first), rest @ ..] if rest.len() >= least => match (first.as_str(), control.names.get(first)) {
            ("*", _) => (Scope::Rack, rest),
            (_, Some(slot)) => (Scope::Slot(*slot), rest),
            _ => (Scope::Rack, call.values),
        },
        values => (Scope::Rack, values),
    }
}

fn tune(control: &Control, draft: &mut Draft, call: Call<'_>, scope: Scope, edit: Edit) -> Result<(), Fail> {
    let before = control.recipe(if let Scope::Slot(slot) = scope { Some(slot) } else { None });
    if edit != Edit::Reset && edited(Some(&before), &edit).is_none() {
        return Err(wrong(call, "the key whose frequency is given would play nothing"));
    }
    draft.step(Step::Tune(Retuning { scope, edit, sounding: true }));
    draft.replies.push(Message::new("/done", vec![call.address.into()]));
    Ok(())
}

/// A length on the scale of pitch [octaves]: a number is in cents.
fn cents(call: Call<'_>, value: &Value) -> Result<f64, Fail> {
    let octaves = match value {
        Value::Text(text) => step_of_text(text).map_err(|text| wrong(call, text))?,
        _ => value.number().ok_or_else(|| wrong(call, format!("cents are wanted; {value} is no number")))? / 1200.0,
    };
    if octaves.abs() <= 31.0 { Ok(octaves) } else { Err(wrong(call, format!("{value} is too wide an interval"))) }
}

fn hertz(call: Call<'_>, value: &Value) -> Result<f64, Fail> {
    let hertz = match value.number() {
        Some(hertz) => hertz,
        None => match values::amount_of_text(Unit::Hertz, value.text().unwrap_or("")) {
            Ok(Amount::Plain(octaves)) => hertz_from_octaves(f64::from(octaves)),
            _ => return Err(wrong(call, format!("a frequency is wanted; {value} is none"))),
        },
    };
    let (min, max) = FREQUENCIES;
    if (min..=max).contains(&hertz) { Ok(hertz) } else { Err(wrong(call, format!("a frequency goes from {min} to {max} Hz, not {value}"))) }
}

fn key(call: Call<'_>, value: &Value) -> Result<u8, Fail> {
    let named = value.text().and_then(|text| note_number(text.trim())).map(f64::from);
    let number = named.or_else(|| value.number()).filter(|number| libm::floor(*number) == *number && (0.0..128.0).contains(number));
    number.map(|number| number as u8).ok_or_else(|| wrong(call, format!("a key is a note name or a number from 0 to 127; {value} is none")))
}

fn file(call: Call<'_>, text: String) -> Fail {
    Fail::new(call.address, Code::File, text)
}

/// `/tuning/scale`
pub(super) fn scale(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let (scope, values) = scope(control, call, 1);
    let edit = match values {
        [] => return Err(wrong(call, "a scale is wanted: a .scl file, its text, equal, or intervals")),
        [Value::Text(word)] if word == EQUAL => Edit::Equal,
        [Value::Text(text)] if text.contains('\n') => {
            let scale = Scale::read(text).map_err(|mistake| wrong(call, mistake.to_string()))?;
            Edit::Scale(Arc::new(scale), None)
        }
        [Value::Text(name)] if name.to_ascii_lowercase().ends_with(".scl") => {
            Edit::Scale(Arc::new(scale_file(name, None, &control.options.folders).map_err(|text| file(call, text))?), None)
        }
        steps => {
            let steps = steps.iter().map(|step| cents(call, step)).collect::<Result<Vec<_>, _>>()?;
            Edit::Scale(Arc::new(Scale::of_steps("", steps).map_err(|text| wrong(call, text))?), None)
        }
    };
    tune(control, draft, call, scope, edit)
}

/// `/tuning/load`
pub(super) fn load(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let (scope, values) = scope(control, call, 1);
    let folders = &control.options.folders;
    let edit = match values {
        [Value::Text(scale), map @ ..] if map.len() < 2 && map.iter().all(|map| map.text().is_some()) => {
            let scale = scale_file(scale, None, folders).map_err(|text| file(call, text))?;
            let map = map.first().and_then(Value::text).map(|map| map_file(map, None, folders));
            Edit::Scale(Arc::new(scale), map.transpose().map_err(|text| file(call, text))?.map(Arc::new))
        }
        _ => return Err(wrong(call, "a .scl file is wanted, and a .kbm file if there is one")),
    };
    tune(control, draft, call, scope, edit)
}

/// `/tuning/reference`
pub(super) fn reference(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let (scope, values) = scope(control, call, 1);
    let edit = match values {
        [of] => Edit::Reference(hertz(call, of)?, None),
        [of, at] => Edit::Reference(hertz(call, of)?, Some(key(call, at)?)),
        _ => return Err(wrong(call, "a frequency is wanted, and the key that has it")),
    };
    tune(control, draft, call, scope, edit)
}

/// `/tuning/note`
pub(super) fn note(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let (scope, values) = scope(control, call, 2);
    let [of, to] = values else { return Err(wrong(call, "a key is wanted, and cents or a frequency")) };
    let number = key(call, of)?;
    let is_frequency = to.text().is_some_and(|text| text.trim_end().ends_with("Hz"));
    let pitch = if is_frequency {
        crate::base::units::octaves_from_hertz(hertz(call, to)?)
    } else {
        octaves_from_note(f64::from(number)) + cents(call, to)?
    };
    tune(control, draft, call, scope, Edit::Keys(vec![(number, pitch)]))
}

/// `/tuning/octave`
pub(super) fn octave(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let (scope, values) = scope(control, call, 12);
    if values.len() != 12 {
        return Err(wrong(call, format!("12 numbers are wanted, cents from C on, and here are {}", values.len())));
    }
    let mut offsets = [0.0; 12];
    for (offset, value) in offsets.iter_mut().zip(values) {
        *offset = cents(call, value)?;
    }
    tune(control, draft, call, scope, Edit::Octave(offsets))
}

/// `/tuning/reset`
pub(super) fn reset(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    let all = match call.values {
        [] => Scope::All,
        [_] => match scope(control, call, 0) {
            (scope, []) => scope,
            _ => return Err(no_slot(call, &call.values[0])),
        },
        _ => return Err(wrong(call, "one slot is wanted, * for the rack, or nothing for all")),
    };
    tune(control, draft, call, all, Edit::Reset)
}

/// `/tuning/get`: the slot or `*`, the name of its tuning, the frequency of each key, 0 for one that plays nothing.
pub(super) fn get(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let (scope, rest) = scope(control, call, 0);
    if let Some(unknown) = rest.first() {
        return Err(no_slot(call, unknown));
    }
    let slot = if let Scope::Slot(slot) = scope { Some(slot) } else { None };
    let recipe = control.recipe(slot);
    let name = slot.and_then(|slot| control.slots.get(slot)).map_or("*", |slot| slot.name.as_str());
    let tuning = recipe.tuning().unwrap_or_default();
    let above = control.tunings.fine + control.tunings.coarse;
    let keys = (0..KEYS).map(|key| tuning.key(key as u8).map_or(0.0, |pitch| hertz_from_octaves(pitch + above)));
    let mut values = vec![name.into(), recipe.name().into()];
    values.extend(keys.map(Value::Number));
    Ok(vec![Message::new(call.address, values)])
}

fn no_slot(call: Call<'_>, value: &Value) -> Fail {
    Fail::new(call.address, Code::UnknownAddress, format!("there is no slot {value}"))
}
