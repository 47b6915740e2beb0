//! The verbs of the rack and its patches.

use std::path::Path;

use super::control::Control;
use super::fail::{Code, Fail};
use super::files;
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::diagnostic::{Diagnostic, Severity, line_and_column};
use crate::patch;

fn wrong(call: Call<'_>, text: &str) -> Fail {
    Fail::new(call.address, Code::WrongArguments, text)
}

fn slot_of(control: &Control, call: Call<'_>, value: &Value) -> Result<usize, Fail> {
    let name = value.to_string();
    control.names.get(&name).copied().ok_or_else(|| Fail::new(call.address, Code::UnknownAddress, format!("there is no slot {name}")))
}

/// The mistakes of a patch as one sentence: the first, and how many more.
pub(super) fn sentence(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let Some(first) = errors.next() else { return "no mistakes".to_owned() };
    let place = first.labels.first().map_or(String::new(), |label| {
        let (line, column) = line_and_column(text, label.span.start);
        format!("{line}:{column}: ")
    });
    match errors.count() {
        0 => format!("{place}{} [{}]", first.message, first.code),
        more => format!("{place}{} [{}], and {more} more", first.message, first.code),
    }
}

/// `/rack/load`
pub(super) fn load(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let (file, slot) = match call.values {
        [Value::Text(file)] => {
            let stem = Path::new(file).file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
            (file, patch::slot_name(&stem))
        }
        [Value::Text(file), Value::Text(slot)] => (file, slot.clone()),
        _ => return Err(wrong(call, "a file is wanted, and the name of a slot if it is to be another")),
    };
    let (path, text) = files::read_inside(&control.options.folders, Path::new(file))
        .map_err(|error| Fail::new(call.address, Code::File, error.to_string()))?;
    play(control, call, &slot, &text, &path)
}

fn play(control: &mut Control, call: Call<'_>, slot: &str, text: &str, path: &Path) -> Result<Vec<Message>, Fail> {
    match control.load_for(slot, text, Some(path), vec![(call.client, call.address.to_owned())]) {
        Ok(_) => Ok(Vec::new()),
        Err(diagnostics) => Err(Fail::new(call.address, Code::Patch, format!("{}:{}", path.display(), sentence(text, &diagnostics)))),
    }
}

/// `/rack/reload`
pub(super) fn reload(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let slots: Vec<usize> = match call.values {
        [] => (0..control.slots.len()).filter(|slot| control.slots[*slot].file.is_some()).collect(),
        [value] => vec![slot_of(control, call, value)?],
        _ => return Err(wrong(call, "one slot is wanted, or none for all")),
    };
    if slots.is_empty() {
        return Ok(vec![Message::new("/done", vec![call.address.into()])]);
    }
    let mut replies = Vec::new();
    for slot in slots {
        let slot = &control.slots[slot];
        let Some(file) = slot.file.clone() else {
            return Err(Fail::new(call.address, Code::File, format!("{} was not loaded from a file", slot.name)));
        };
        let name = slot.name.clone();
        let text = files::read(&file).map_err(|error| Fail::new(call.address, Code::File, error.to_string()))?;
        replies.extend(play(control, call, &name, &text, &file)?);
    }
    Ok(replies)
}

/// `/rack/list`
pub(super) fn list(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let values = control.slots.iter().flat_map(|slot| {
        let file = slot.file.as_ref().map_or(String::new(), |file| file.display().to_string());
        [slot.name.as_str().into(), file.into()]
    });
    Ok(vec![Message::new(call.address, values.collect())])
}

/// `/patch/get`
pub(super) fn get(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let [value] = call.values else { return Err(wrong(call, "one slot is wanted")) };
    let slot = &control.slots[slot_of(control, call, value)?];
    Ok(vec![Message::new(call.address, vec![slot.name.as_str().into(), slot.text.as_str().into()])])
}

/// `/patch/check`: how many mistakes, then code, line, column and sentence of each.
pub(super) fn check(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let [Value::Text(text)] = call.values else { return Err(wrong(call, "the text of a patch is wanted")) };
    let (_, diagnostics) = patch::parse(text, &control.catalogue);
    let mut values = vec![Value::Integer(diagnostics.len() as i64)];
    for diagnostic in &diagnostics {
        let at = diagnostic.labels.first().map_or(0, |label| label.span.start);
        let (line, column) = line_and_column(text, at);
        values.extend([
            diagnostic.code.into(),
            Value::Integer(line as i64),
            Value::Integer(column as i64),
            diagnostic.message.as_str().into(),
        ]);
    }
    Ok(vec![Message::new(call.address, values)])
}
