//! Scores as text: TOML with a line for each note. Every mistake is told with its place.

use std::ops::Range;

use rustc_hash::FxHashSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::book::{Book, FARTHEST, Id, Item, LENGTHS, MOST, key};
use super::tempo_map::{TEMPOS, TempoMap};
use crate::base::diagnostic::Diagnostic;
use crate::base::nearest::nearest;
use crate::base::units::Unit;
use crate::control::bars::Metre;
use crate::control::note_keys::Tone;
use crate::control::{Call, Client, Origin, Value};
use crate::patch::{Amount, values};

/// Mistakes that are told of one file.
const TOLD: usize = 100;

/// A score as it was written.
#[derive(Debug, Default)]
pub struct Written {
    /// Its tempo and metre.
    pub map: TempoMap,
    /// The notes.
    pub book: Book,
    /// Values of notes' own, one of each slot and input.
    pub inputs: Vec<(Box<str>, Box<str>, Value)>,
}

impl Written {
    /// Of notes that stand in a book. `[control]`
    pub fn new(map: TempoMap, book: Book) -> Self {
        let (mut known, mut inputs) = (FxHashSet::default(), Vec::new());
        for item in book.range(key(0.0), key(f64::MAX)).filter_map(|(_, at)| book.item(at)) {
            for (input, value) in &item.values {
                if !known.contains(&(item.slot, input.clone())) {
                    known.insert((item.slot, input.clone()));
                    inputs.push((book.slot_name(item.slot).into(), input.clone(), value.clone()));
                }
            }
        }
        Self { map, book, inputs }
    }
}

/// Reads a score; all that is wrong with it where it is not right. Spans are bytes of `text`. `[control]`
///
/// # Errors
/// The mistakes, in the order of the file.
pub fn read(text: &str) -> Result<Written, Vec<Diagnostic>> {
    let mut reader = Reader { from: 0, wrong: Vec::new(), map: TempoMap::default(), slots: Vec::new(), items: Vec::new() };
    for (from, section) in sections(text) {
        reader.from = from;
        let (root, errors) = DeTable::parse_recoverable(section);
        for error in errors.iter().take(TOLD) {
            let span = error.span().unwrap_or(0..0);
            reader.mistake("toml-syntax", span, error.message().to_owned(), "");
        }
        if errors.is_empty() {
            reader.top(root.get_ref());
        }
    }
    if reader.wrong.is_empty() {
        match Book::of_items(reader.slots, reader.items) {
            Ok(book) => return Ok(Written::new(reader.map, book)),
            Err(full) => reader.wrong.push(Diagnostic::error("too-many", 0..0, full.to_string())),
        }
    }
    reader.wrong.sort_by_key(|wrong| wrong.labels.first().map_or(0, |label| label.span.start));
    Err(reader.wrong)
}

/// A text in parts that can be read one by one, with where each begins: so many notes need not stand in memory as text and as a tree
/// of all of it.
fn sections(text: &str) -> Vec<(usize, &str)> {
    const TRACK: &str = "\n[[track]]";
    // Within a text of several lines such a line would be no track.
    let whole = ["\"\"\"", "'''"].iter().any(|quotes| text.contains(quotes));
    let mut all = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(TRACK).take_while(|_| !whole) {
        all.push((from, &text[from..at + 1]));
        from = at + 1;
    }
    all.push((from, &text[from..]));
    all
}

struct Reader {
    /// Where the part begins that is being read.
    from: usize,
    wrong: Vec<Diagnostic>,
    map: TempoMap,
    slots: Vec<Box<str>>,
    items: Vec<Item>,
}

type Element<'t> = Spanned<DeValue<'t>>;

/// A number as it is written; `None` for anything else.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(x) => i64::from_str_radix(x.as_str(), x.radix()).ok().map(|x| x as f64),
        DeValue::Float(x) => x.as_str().parse().ok(),
        _ => None,
    }
}

fn what(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl Reader {
    fn mistake(&mut self, code: &'static str, span: Range<usize>, text: impl Into<String>, help: &str) {
        if self.wrong.len() < TOLD {
            let wrong = Diagnostic::error(code, self.from + span.start..self.from + span.end, text);
            self.wrong.push(if help.is_empty() { wrong } else { wrong.help(help) });
        }
    }

    fn unknown(&mut self, key: &str, span: Range<usize>, of: &str, right: &[&str]) {
        let span = self.from + span.start..self.from + span.end;
        let mut wrong = Diagnostic::error("unknown-key", span, format!("{of} has no `{key}`"));
        match nearest(key, right.iter().copied()) {
            Some(near) => wrong = wrong.fix(near),
            None => wrong = wrong.help(format!("it has {}", right.join(", "))),
        }
        if self.wrong.len() < TOLD {
            self.wrong.push(wrong);
        }
    }

    fn top(&mut self, root: &DeTable<'_>) {
        // The tempo first: lengths in seconds go by it.
        if self.from == 0 {
            let tempos = root.get("tempo").map_or(Vec::new(), |value| self.course(value, Self::tempo));
            let metres = root.get("metre").map_or(Vec::new(), |value| self.course(value, Self::metre));
            self.map = TempoMap::new(tempos, metres);
        }
        for (key, value) in root {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("tempo" | "metre" | "name" | "description", _) => {}
                ("format", one) if number(one) == Some(1.0) => {}
                ("format", _) => self.mistake("bad-format", value.span(), "this version reads format 1", "write `format = 1`"),
                ("track", DeValue::Array(tracks)) => tracks.iter().for_each(|track| self.track(track)),
                ("track", other) => {
                    let text = format!("`track` is {}, and a list of tables is wanted", what(other));
                    self.mistake("wrong-type", value.span(), text, "write `[[track]]`, and below it `slot` and `notes`");
                }
                (other, _) => self.unknown(other, key.span(), "a score", &["format", "name", "description", "tempo", "metre", "track"]),
            }
        }
    }

    /// One value that counts from the beginning, or a list of beats and values.
    fn course<T>(&mut self, value: &Element<'_>, read: fn(&mut Self, &Element<'_>) -> Option<T>) -> Vec<(f64, T)> {
        let DeValue::Array(entries) = value.get_ref() else { return read(self, value).map(|one| (0.0, one)).into_iter().collect() };
        let mut course = Vec::new();
        for entry in entries {
            let pair = match entry.get_ref() {
                DeValue::Array(pair) => pair.iter().collect(),
                _ => Vec::new(),
            };
            let [beat, value] = pair[..] else {
                self.mistake("wrong-type", entry.span(), "a beat and what counts from it on are wanted", "such as `[16, 90]` for a tempo");
                continue;
            };
            let beat = number(beat.get_ref()).filter(|x| (0.0..=FARTHEST).contains(x)).or_else(|| {
                self.mistake("out-of-range", beat.span(), format!("a beat goes from 0 to {FARTHEST}"), "");
                None
            });
            course.extend(beat.zip(read(self, value)));
        }
        course
    }

    fn tempo(&mut self, value: &Element<'_>) -> Option<f64> {
        let tempo = number(value.get_ref()).filter(|tempo| (TEMPOS.0..=TEMPOS.1).contains(tempo));
        if tempo.is_none() {
            self.mistake("out-of-range", value.span(), "a tempo goes from 10 to 1000 beats a minute", "such as `tempo = 112`");
        }
        tempo
    }

    fn metre(&mut self, value: &Element<'_>) -> Option<Metre> {
        let metre = match value.get_ref() {
            DeValue::String(text) => {
                text.split_once('/').and_then(|(steps, of)| Metre::new(steps.trim().parse().ok()?, of.trim().parse().ok()?))
            }
            _ => None,
        };
        if metre.is_none() {
            self.mistake("wrong-type", value.span(), "a metre is wanted", "such as `metre = \"3/4\"`");
        }
        metre
    }

    fn track(&mut self, track: &Element<'_>) {
        let DeValue::Table(table) = track.get_ref() else {
            return self.mistake("wrong-type", track.span(), "a track is a table", "write `[[track]]`");
        };
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !["slot", "notes", "at"].contains(&name) {
                self.unknown(name, key.span(), "a track", &["slot", "notes", "at"]);
            }
        }
        let Some(slot) = table.get("slot") else {
            return self.mistake("missing-key", track.span(), "a track has no `slot`", "such as `slot = \"lead\"`");
        };
        let DeValue::String(name) = slot.get_ref() else {
            return self.mistake("wrong-type", slot.span(), "`slot` is the name of a slot", "such as `slot = \"lead\"`");
        };
        let number = self.slots.iter().position(|of| **of == **name).unwrap_or_else(|| {
            self.slots.push(name.as_ref().into());
            self.slots.len() - 1
        });
        let start = table.get("at").map_or(Some(0.0), |at| self.beats(at, "a beat", (0.0, FARTHEST)));
        match table.get("notes").map(|notes| (notes.get_ref(), notes.span())) {
            Some((DeValue::Array(notes), _)) => {
                for note in notes {
                    self.note(note, number.min(usize::from(u16::MAX)) as u16, start.unwrap_or(0.0));
                }
            }
            Some((other, span)) => {
                let text = format!("`notes` is {}, and a list of notes is wanted", what(other));
                self.mistake("wrong-type", span, text, "such as `notes = [[0, \"C4\", 0.8, 1]]`");
            }
            None => self.mistake("missing-key", track.span(), "a track has no `notes`", "such as `notes = [[0, \"C4\", 0.8, 1]]`"),
        }
    }

    /// Beats in a range: a number, or a musical or plain time.
    fn beats(&mut self, value: &Element<'_>, of: &str, (low, high): (f64, f64)) -> Option<f64> {
        let beats = match value.get_ref() {
            DeValue::String(text) => match values::amount_of_text(Unit::Seconds, text) {
                Ok(Amount::Beats(beats)) => Some(beats),
                Ok(Amount::Plain(seconds)) => Some(f64::from(seconds) * self.map.first_tempo().unwrap_or(120.0) / 60.0),
                Err(text) => {
                    self.mistake("wrong-type", value.span(), text, "beats are a number, or a time such as \"1/8\" or \"2 bars\"");
                    return None;
                }
            },
            other => number(other),
        };
        let right = beats.filter(|beats| (low..=high).contains(beats));
        if right.is_none() {
            self.mistake("out-of-range", value.span(), format!("{of} goes from {low} to {high} beats"), "");
        }
        right
    }

    fn note(&mut self, note: &Element<'_>, slot: u16, start: f64) {
        const FORM: &str = "[beat, pitch, velocity, duration], and a table of inputs and values behind them if it has such";
        let DeValue::Array(parts) = note.get_ref() else {
            return self.mistake("wrong-type", note.span(), format!("a note is a list; this is {}", what(note.get_ref())), FORM);
        };
        if self.items.len() >= MOST {
            return self.mistake("too-many", note.span(), format!("a score has at most {MOST} notes"), "");
        }
        let parts: Vec<&Element<'_>> = parts.iter().collect();
        let (&[beat, pitch, velocity, duration], rest) = match parts.split_first_chunk::<4>() {
            Some(both) => both,
            None => return self.mistake("missing-key", note.span(), format!("a note has four parts; this has {}", parts.len()), FORM),
        };
        let (beat, length) = (self.beats(beat, "a beat", (0.0, FARTHEST)), self.beats(duration, "a duration", LENGTHS));
        let tone = self.tone(pitch);
        let force = number(velocity.get_ref()).filter(|x| (0.0..=1.0).contains(x));
        if force.is_none() {
            self.mistake("out-of-range", velocity.span(), "a velocity goes from 0 to 1", "");
        }
        let (mut id, mut own) = (Id::Number(self.items.len() as i64 + 1), Vec::new());
        match rest {
            [] => {}
            [table] => match table.get_ref() {
                DeValue::Table(entries) => self.own(entries, "", &mut id, &mut own),
                other => {
                    let text = format!("behind the duration comes a table; this is {}", what(other));
                    self.mistake("wrong-type", table.span(), text, "such as `{ pan = -0.5 }`");
                }
            },
            [_, more, ..] => self.mistake("wrong-type", more.span(), "a note has no more parts than five", FORM),
        }
        if let (Some(beat), Some(length), Some(tone), Some(force)) = (beat, length, tone, force) {
            let beat = (beat + start).min(FARTHEST);
            self.items.push(Item { id, beat, length, tone, velocity: force as f32, slot, order: 0, values: own });
        }
    }

    fn tone(&mut self, pitch: &Element<'_>) -> Option<Tone> {
        let value = match (pitch.get_ref(), number(pitch.get_ref())) {
            (DeValue::String(text), _) => Value::Text(text.to_string()),
            (_, Some(number)) => Value::Number(number),
            (other, None) => {
                self.mistake(
                    "wrong-type",
                    pitch.span(),
                    format!("a pitch is a key or a name; this is {}", what(other)),
                    "such as 60 or \"C4\"",
                );
                return None;
            }
        };
        let call = Call { client: Client::of(Origin::Score), address: "", slot: 0, at: 0, values: &[] };
        match Tone::read(call, &value) {
            Ok(tone) => Some(tone),
            Err(fail) => {
                self.mistake("wrong-type", pitch.span(), fail.text, "such as 60, \"C4\" or \"440 Hz\"");
                None
            }
        }
    }

    /// A note's own values; `filter.cutoff = 400` is a table within it.
    fn own(&mut self, entries: &DeTable<'_>, before: &str, id: &mut Id, own: &mut Vec<(Box<str>, Value)>) {
        for (key, value) in entries {
            let name = format!("{before}{}", key.get_ref());
            let read = match value.get_ref() {
                DeValue::Table(inner) => {
                    self.own(inner, &format!("{name}."), id, own);
                    continue;
                }
                DeValue::String(text) => Some(Value::Text(text.to_string())),
                DeValue::Boolean(on) => Some(Value::Bool(*on)),
                DeValue::Integer(_) if name == "id" => number(value.get_ref()).map(|x| Value::Integer(x as i64)),
                other => number(other).map(Value::Number),
            };
            match read {
                Some(value) if name == "id" => *id = Id::of(&value).unwrap_or_else(|| id.clone()),
                Some(value) => own.push((name.into(), value)),
                None => {
                    let text = format!("`{name}` is {}, and a value is wanted", what(value.get_ref()));
                    self.mistake("wrong-type", value.span(), text, "a number or a text with its unit");
                }
            }
        }
    }
}
