//! The verbs of the rack and its patches.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::control::Control;
use super::fail::{Code, Fail};
use super::files;
use super::files::FileError;
use super::rack;
use super::rack_file::{Including, ReadPatch, Remarks, Within};
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::diagnostic::{Diagnostic, Severity, line_and_column};
use crate::base::nearest::nearest;
use crate::patch;

fn wrong(call: Call<'_>, text: &str) -> Fail {
    Fail::new(call.address, Code::WrongArguments, text)
}

fn slot_of(control: &Control, call: Call<'_>, value: &Value) -> Result<usize, Fail> {
    let name = value.to_string();
    control.names.get(&name).copied().ok_or_else(|| {
        let near = nearest(&name, control.names.keys().map(String::as_str)).map(|near| format!("; did you mean {near}?"));
        Fail::new(call.address, Code::UnknownAddress, format!("there is no slot {name}{}", near.unwrap_or_default()))
    })
}

/// The mistakes of a file as sentences, each with its place: in this file, or in one that it includes. `[control]`
pub fn sentences(name: &str, text: &str, diagnostics: &[Diagnostic]) -> Vec<String> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let told = errors.map(|diagnostic| {
        let (name, text) = diagnostic.file.as_ref().map_or((name, text), |file| (file.name.as_str(), file.text.as_str()));
        let place = diagnostic.labels.first().map_or(String::new(), |label| {
            let (line, column) = line_and_column(text, label.span.start);
            format!(":{line}:{column}")
        });
        let fix = diagnostic.fix.as_ref().map_or(String::new(), |fix| format!(": did you mean {fix}?"));
        format!("{name}{place}: {}{fix} [{}]", diagnostic.message, diagnostic.code)
    });
    told.collect()
}

/// What is answered where files are wrong.
fn refused(call: Call<'_>, mistakes: &[Remarks]) -> Fail {
    let unread = mistakes.iter().any(|one| one.diagnostics.iter().any(|it| it.labels.is_empty()));
    Fail::new(call.address, if unread { Code::File } else { Code::Patch }, rack::sentence(mistakes))
}

/// `/rack/load`
pub(super) fn load(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let (file, slot) = match call.values {
        [Value::Text(file)] => (file, None),
        [Value::Text(file), Value::Text(slot)] => (file, Some(slot.as_str())),
        _ => return Err(wrong(call, "a file is wanted, and the name of a slot if a patch is to play in another than its own")),
    };
    let (path, text) = read(control, call, file)?;
    if slot.is_some() && patch::is_rack(&text) {
        return Err(wrong(call, "this is a rack: it is loaded as a whole, not into a slot"));
    }
    let waiting = vec![(call.client, call.address.to_owned())];
    control.load_file(path, text, slot, waiting).map_err(|mistakes| refused(call, &mistakes))?;
    Ok(Vec::new())
}

/// Reads a file out of the folders given.
fn read(control: &Control, call: Call<'_>, file: &str) -> Result<(PathBuf, String), Fail> {
    let folders = &control.options.folders;
    files::read_inside(folders, Path::new(file)).map_err(|error| {
        let near = match error {
            FileError::Outside(_) => files::nearest_file(folders, Path::new(file)),
            _ => None,
        };
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        Fail::new(call.address, Code::File, format!("{error}{near}"))
    })
}

/// `/rack/unload`
pub(super) fn unload(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let [value] = call.values else { return Err(wrong(call, "one slot is wanted")) };
    let slot = slot_of(control, call, value)?;
    let done = rack::done(call.address, &control.slots[slot].name);
    control.unload(slot);
    control.wait_for(call.client, done, HashSet::from([slot]));
    Ok(Vec::new())
}

/// `/rack/reload`
pub(super) fn reload(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let slots: Vec<usize> = match call.values {
        [] if control.standing.file.is_some() => return reload_rack(control, call),
        [] => control.loaded().filter(|(_, slot)| slot.file.is_some()).map(|(at, _)| at).collect(),
        [value] => vec![slot_of(control, call, value)?],
        _ => return Err(wrong(call, "one slot is wanted, or none for all")),
    };
    if slots.is_empty() {
        return Ok(vec![Message::new("/done", vec![call.address.into()])]);
    }
    let (mut patches, mut mistakes) = (Vec::new(), Vec::new());
    for slot in slots {
        let slot = &control.slots[slot];
        let Some(file) = slot.file.clone() else {
            return Err(Fail::new(call.address, Code::File, format!("{} was not loaded from a file", slot.name)));
        };
        let text = files::read(&file).map_err(|error| Fail::new(call.address, Code::File, error.to_string()))?;
        match ReadPatch::of_text(text, file, Within::Folders(&control.options.folders), &control.catalogue) {
            Ok((read, _)) => patches.push((slot.name.clone(), read)),
            Err(wrong) => mistakes.push(wrong),
        }
    }
    if !mistakes.is_empty() {
        return Err(refused(call, &mistakes));
    }
    for (name, ReadPatch { patch, text, file }) in patches {
        let waiting = vec![(call.client, call.address.to_owned())];
        let put = control.put(&name, patch, &text, Some(&file), waiting);
        put.map_err(|full| Fail::new(call.address, Code::Full, full.message))?;
    }
    Ok(Vec::new())
}

/// All files of a rack: `/done` with the slots that play anew, once they sound.
fn reload_rack(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let folders = control.options.folders.clone();
    let reloaded = control.reload(Within::Folders(&folders), false).map_err(|mistakes| refused(call, &mistakes))?;
    let slots = reloaded.slots.iter().filter_map(|name| control.names.get(name).copied()).collect();
    let values = [call.address].into_iter().chain(reloaded.slots.iter().map(String::as_str)).map(Value::from).collect();
    control.wait_for(call.client, Message::new("/done", values), slots);
    Ok(Vec::new())
}

/// `/rack/save`
pub(super) fn save(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let file = match call.values {
        [] => None,
        [Value::Text(file)] => Some(Path::new(file)),
        _ => return Err(wrong(call, "a file is wanted, or none for the rack's own")),
    };
    let saved = control.save_rack(file).map_err(|why| Fail::new(call.address, Code::File, why.to_string()))?;
    Ok(vec![Message::new("/done", vec![call.address.into(), saved.display().to_string().into()])])
}

/// `/rack/list`
pub(super) fn list(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let values = control.loaded().flat_map(|(_, slot)| {
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
    let files = Including { within: Within::Folders(&control.options.folders), file: None };
    let diagnostics = patch::parse_with(text, &control.catalogue, &files).diagnostics;
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
