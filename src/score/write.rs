//! Scores as text that can be read again: what [`written`](super::written) reads.

use std::fmt::Write as _;

use super::book::{Id, Item};
use super::tempo_map::TempoMap;
use crate::base::units::hertz_from_octaves;
use crate::control::Value;
use crate::control::note_keys::Tone;

/// Notes of a track: so few that one who reads it track by track needs little memory.
const LONGEST: usize = 10_000;

/// Notes of a score as a file, tracks for each slot, in the order of their beats. `slots` are called by number. `[control]`
pub fn write(slots: &[Box<str>], mut items: Vec<Item>, map: &TempoMap) -> String {
    items.sort_unstable_by_key(|item| (item.slot, item.key()));
    let mut text = String::with_capacity(40 * items.len() + 200);
    text.push_str("format = 1\n");
    course(&mut text, "tempo", map.tempos(), |tempo| tempo.to_string());
    course(&mut text, "metre", map.metres(), |metre| format!("\"{}/{}\"", metre.steps, metre.of));
    let mut number = 0;
    for track in items.chunk_by(|one, next| one.slot == next.slot).flat_map(|track| track.chunks(LONGEST)) {
        let slot = slots.get(usize::from(track[0].slot)).map_or("", |name| name);
        let _ = write!(text, "\n[[track]]\nslot = {}\nnotes = [\n", quoted(slot));
        for item in track {
            number += 1;
            note(&mut text, item, number);
        }
        text.push_str("]\n");
    }
    text
}

fn course<T>(text: &mut String, name: &str, course: &[(f64, T)], told: impl Fn(&T) -> String) {
    match course {
        [] => {}
        [(_, one)] => text.push_str(&format!("{name} = {}\n", told(one))),
        all => {
            let all: Vec<String> = all.iter().map(|(beat, one)| format!("[{beat}, {}]", told(one))).collect();
            text.push_str(&format!("{name} = [{}]\n", all.join(", ")));
        }
    }
}

/// A line for a note; one that is called by its number in the file needs no name.
fn note(text: &mut String, item: &Item, number: i64) {
    let _ = write!(text, "  [{}, ", item.beat);
    let _ = match item.tone {
        Tone::Key(key) => write!(text, "{key}"),
        Tone::Octaves(octaves) => write!(text, "\"{} Hz\"", hertz_from_octaves(f64::from(octaves))),
    };
    let _ = write!(text, ", {}, {}", item.velocity, item.length);
    let mut own: Vec<String> = Vec::new();
    match &item.id {
        Id::Number(of) if *of == number => {}
        Id::Number(of) => own.push(format!("id = {of}")),
        Id::Word(word) => own.push(format!("id = {}", quoted(word))),
    }
    own.extend(item.values.iter().filter_map(|(input, value)| Some(format!("{} = {}", path(input), told(value)?))));
    if !own.is_empty() {
        let _ = write!(text, ", {{ {} }}", own.join(", "));
    }
    text.push_str("],\n");
}

/// `filter.cutoff`, each part quoted where it must be.
fn path(input: &str) -> String {
    let bare = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let parts: Vec<String> = input.split('.').map(|part| if bare(part) { part.to_owned() } else { quoted(part) }).collect();
    parts.join(".")
}

fn told(value: &Value) -> Option<String> {
    match value {
        Value::Integer(x) => Some(x.to_string()),
        Value::Number(x) => Some(format!("{x:?}")),
        Value::Bool(on) => Some(on.to_string()),
        Value::Text(text) => Some(quoted(text)),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::bars::Metre;
    use crate::score::written;

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let item = |id, beat, tone, slot, values| Item { id, beat, length: 1.0 / 3.0, tone, velocity: 0.1, slot, order: 0, values };
        let own = vec![("filter.cutoff".into(), Value::Number(400.0)), ("pan".into(), "-12 %\n\"".into())];
        let items = vec![
            item(Id::Number(1), 0.0, Tone::Key(60.25), 0, Vec::new()),
            item(Id::Number(7), 1e-7, Tone::Octaves(0.75), 0, own),
            item(Id::Word("a \"b\"".into()), 12_345.1, Tone::Key(0.0), 1, vec![("on".into(), Value::Bool(true))]),
        ];
        let metres = vec![(0.0, Metre { steps: 7, of: 8 }), (7.0, Metre { steps: 3, of: 4 })];
        let map = TempoMap::new(vec![(0.0, 90.5), (1.0 / 3.0, 120.0)], metres);
        let text = write(&["one".into(), "two".into()], items.clone(), &map);
        let read = written::read(&text).unwrap_or_else(|wrong| panic!("{text}\n{wrong:?}"));
        assert_eq!((read.map.tempos(), read.map.metres()), (map.tempos(), map.metres()));
        let (all, more) = read.book.slice(0, 9);
        let all: Vec<Item> = all.map(|item| Item { order: 0, ..item.clone() }).collect();
        assert_eq!((all, more), (items, false), "{text}");
        assert_eq!(read.book.slots().collect::<Vec<_>>(), ["one", "two"]);
    }
}
