//! Text → [`Rack`]: the whole way, every mistake collected.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::names::{FIRST_WORDS, note_number};

use super::codes;
use super::document::{self, Entry, LARGEST};
use super::findings::Findings;
use super::parse::{of_bytes, too_big};
use super::quantity::{self, Quantity};
use super::rack::{LEVELS, MOST_CHANNELS, MOST_SLOTS, MasterSpec, Rack, SendSpec, SetSpec, SetValue, SlotOut, SlotSpec, TRANSPOSE, Zone};
use super::reading::{Reading, as_number};
use super::scope::short;
use super::slot::{is_slot_name, slot_name};

/// Keys at the top of a rack.
pub const TOP: [&str; 8] = ["format", "name", "description", "tempo", "tuning", "master", "slots", "map"];

/// Keys of a slot.
pub const SLOT: [&str; 11] = ["patch", "level", "pan", "mute", "solo", "out", "tuning", "programs", "midi", "sends", "set"];

/// Keys of a slot's `midi`.
pub const MIDI: [&str; 5] = ["channel", "keys", "velocity", "transpose", "mpe"];

/// Keys of `[master]`.
pub const MASTER: [&str; 2] = ["level", "limiter"];

/// Whether a text is a rack: a file with `[slots]`. A file with mistakes of form is one where a line looks like it. `[control]`
pub fn is_rack(text: &str) -> bool {
    if text.len() > LARGEST {
        return false;
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    let header = |line: &str| line.trim_start().strip_prefix("[slots").is_some_and(|rest| rest.starts_with([']', '.']));
    root.get_ref().contains_key("slots") || (!errors.is_empty() && text.lines().any(header))
}

/// Reads a rack. There is one exactly where no mistake is an error. `[control]`
///
/// Spans are bytes of `text`. What can only be known with the patches is checked by [`Rack::check_with`]. Takes time in
/// proportion to the text, which may hold anything; more than 1 MiB is refused.
pub fn parse_rack(text: &str) -> (Option<Rack>, Vec<Diagnostic>) {
    let (rack, diagnostics) = parse_rack_as_far(text);
    let right = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    (rack.filter(|_| right), diagnostics)
}

/// The same, with the rack as far as it could be read: what is wrong in it is as it is usual, and slots may have no patch.
/// `[control]`
pub fn parse_rack_as_far(text: &str) -> (Option<Rack>, Vec<Diagnostic>) {
    if let Some(diagnostic) = too_big(text) {
        return (None, vec![diagnostic]);
    }
    let mut findings = Findings::new();
    let document = document::read(text, &mut findings);
    let mut reading = Reading::new(&document, findings);
    let rack = reading.rack();
    (rack, reading.findings.finish())
}

/// The same for the bytes of a file, which may not be text. `[control]`
pub fn parse_rack_bytes(bytes: &[u8]) -> (Option<Rack>, Vec<Diagnostic>) {
    of_bytes(bytes, parse_rack)
}

/// What keeps a text from being a path beside the file that names it; else nothing. What may be opened is decided where it is opened.
pub(super) fn wrong_path(path: &str) -> Option<&'static str> {
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.is_empty() {
        return Some("is empty");
    }
    if path.starts_with('/') || path.starts_with('~') || drive {
        return Some("is absolute");
    }
    if path.contains('\\') {
        return Some("has `\\` in it");
    }
    if path.chars().any(char::is_control) {
        return Some("has control characters in it");
    }
    None
}

impl<'d, 't> Reading<'d, 't> {
    fn rack(&mut self) -> Option<Rack> {
        let document = self.document;
        let top = self.entries(&document.root);
        let mut rack = Rack::default();
        let mut found = false;
        for entry in &top {
            match entry.key {
                "format" => self.format(entry),
                "name" => rack.name = self.string(entry, "what the rack is called").unwrap_or("").to_owned(),
                "description" => rack.description = self.string(entry, "what the rack is").unwrap_or("").to_owned(),
                "tempo" => rack.tempo = self.tempo(entry),
                "tuning" => rack.tuning = self.tuning(entry),
                "master" => rack.master = self.master(entry),
                "slots" => {
                    found = true;
                    rack.slots = self.slots(entry);
                }
                "map" => {}
                _ => self.unknown_rack_key(entry),
            }
        }
        if !found && document.is_whole() {
            let end = document.text.trim_end().len();
            let help = "add `[slots.bass]` with `patch = \"bass.toml\"`; a file without `[slots]` is a single patch";
            self.findings.report(Diagnostic::error(codes::NO_SLOTS, end..end, "the rack has no `[slots]`").help(help));
            return None;
        }
        self.routes(&rack);
        // Maps come last: what they turn are slots.
        if let Some(entry) = top.iter().find(|entry| entry.key == "map")
            && let Some(entries) = self.table(entry, "such as `\"cc 1\" = \"bass.filter.cutoff\"` below `[map]`")
        {
            rack.maps = self.map_specs(&entries);
            self.map_targets(&rack);
        }
        Some(rack)
    }

    fn unknown_rack_key(&mut self, entry: &Entry<'d, 't>) {
        if !["voice", "global", "out", "in", "note", "controls"].contains(&entry.key) {
            return self.unknown_key(entry, "a rack", TOP);
        }
        let message = format!("`{}` belongs into a patch, and this is a rack", entry.key);
        let help = "put the patch into a file of its own, and name that in a slot: `patch = \"bass.toml\"`";
        self.findings.report(Diagnostic::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message).help(help));
    }

    fn master(&mut self, entry: &Entry<'d, 't>) -> MasterSpec {
        let mut master = MasterSpec::default();
        for field in self.table(entry, "write `[master]`, and below it `level = \"-6 dB\"`").unwrap_or_default() {
            match field.key {
                "level" => master.level = self.level(&field).unwrap_or(0.0),
                "limiter" => master.limiter = self.boolean(&field).unwrap_or(true),
                _ => self.unknown_key(&field, "the master", MASTER),
            }
        }
        master
    }

    fn slots(&mut self, entry: &Entry<'d, 't>) -> Vec<SlotSpec> {
        let help = "a slot is a table: `[slots.bass]` with `patch = \"bass.toml\"`";
        let entries = self.table(entry, help).unwrap_or_default();
        if let Some(first) = entries.get(MOST_SLOTS) {
            let message = format!("the rack has {} slots; {MOST_SLOTS} is the most", entries.len());
            let diagnostic = Diagnostic::error(codes::TOO_MANY_SLOTS, first.key_span.clone(), message).mark("one too many");
            self.findings.report(diagnostic.help("make two racks of it"));
        }
        let mut slots = Vec::with_capacity(entries.len());
        for entry in &entries {
            self.slot_name(entry);
            let mut slot = SlotSpec { span: entry.key_span.clone(), ..SlotSpec::new(entry.key, "") };
            if let Some(fields) = self.table(entry, help) {
                self.slot(&mut slot, entry, &fields);
            }
            slots.push(slot);
        }
        slots
    }

    fn slot_name(&mut self, entry: &Entry<'d, 't>) {
        let name = entry.key;
        if is_slot_name(name) {
            return;
        }
        let diagnostic = if FIRST_WORDS.contains(&name) {
            Diagnostic::error(
                codes::RESERVED_NAME,
                entry.key_span.clone(),
                format!("addresses that begin with `/{name}` mean something else"),
            )
            .help(format!("no slot may be called {}", FIRST_WORDS.join(" ")))
        } else {
            Diagnostic::error(codes::BAD_NAME, entry.key_span.clone(), format!("`{}` is no name of a slot", short(name)))
                .help("names of slots are small letters, digits, `_` and `-`, beginning with a letter")
        };
        self.findings.report(diagnostic.fix(slot_name(name)));
    }

    fn slot(&mut self, slot: &mut SlotSpec, entry: &Entry<'d, 't>, fields: &[Entry<'d, 't>]) {
        for field in fields {
            match field.key {
                "patch" => {
                    slot.places.patch = field.span.clone();
                    slot.patch = self.path(field, "the file of a patch, such as \"bass.toml\"").unwrap_or("").to_owned();
                }
                "level" => slot.level = self.level(field).unwrap_or(0.0),
                "pan" => slot.pan = self.pan(field).unwrap_or(0.0),
                "mute" => slot.mute = self.boolean(field).unwrap_or(false),
                "solo" => slot.solo = self.boolean(field).unwrap_or(false),
                "out" => {
                    slot.places.out = field.span.clone();
                    slot.route.out = self.slot_out(field).unwrap_or(SlotOut::Master);
                }
                "tuning" => slot.tuning = self.tuning(field),
                "programs" => self.programs(field, slot),
                "midi" => slot.zone = self.zone(field),
                "sends" => self.sends(field, slot),
                "set" => slot.set = self.set(field),
                _ => self.unknown_key(field, "a slot", SLOT),
            }
        }
        if self.document.is_whole() && !fields.iter().any(|field| field.key == "patch") {
            let message = format!("slot `{}` does not say what it plays", short(entry.key));
            let help = "add `patch = \"…\"`: a file, relative to this one";
            self.findings.report(Diagnostic::error(codes::MISSING_KEY, entry.key_span.clone(), message).help(help));
        }
    }

    /// A file, relative to this one.
    pub fn path(&mut self, entry: &Entry<'d, 't>, help: &str) -> Option<&'d str> {
        let path = self.string(entry, help)?;
        if let Some(why) = wrong_path(path) {
            let message = format!("the path \"{}\" {why}", short(path));
            let help = "a path is relative to this file, with `/` between folders; what it names lies inside the folders given";
            self.findings.report(Diagnostic::error(codes::BAD_PATH, entry.span.clone(), message).help(help));
            return None;
        }
        Some(path)
    }

    /// A level of the mixer [dB].
    fn level(&mut self, entry: &Entry<'d, 't>) -> Option<f32> {
        let quantity = self.amount(entry)?;
        self.decibels(entry, quantity)
    }

    /// A number with or without a unit, and no switch.
    fn amount(&mut self, entry: &Entry<'d, 't>) -> Option<Quantity> {
        if matches!(entry.value, DeValue::Boolean(_)) {
            self.wrong_type(entry, "a number or text", "such as 0.5 or \"-6 dB\"");
            return None;
        }
        self.quantity(entry)
    }

    fn decibels(&mut self, entry: &Entry<'d, 't>, quantity: Quantity) -> Option<f32> {
        let (Quantity::Plain(level) | Quantity::Decibels(level)) = quantity else {
            self.wrong_unit(entry, quantity, "a level in dB", "such as \"-6 dB\"");
            return None;
        };
        self.within(entry, level, LEVELS, " dB; the lowest is silence")
    }

    fn pan(&mut self, entry: &Entry<'d, 't>) -> Option<f32> {
        match self.amount(entry)? {
            Quantity::Plain(pan) | Quantity::Percent(pan) => self.within(entry, pan, (-1.0, 1.0), ": left is -1, right is 1"),
            other => {
                self.wrong_unit(entry, other, "a number from -1 (left) to 1 (right)", "such as 0.3");
                None
            }
        }
    }

    fn within(&mut self, entry: &Entry<'d, 't>, value: f64, (min, max): (f64, f64), more: &str) -> Option<f32> {
        if (min..=max).contains(&value) {
            return Some(value as f32);
        }
        let message = format!("`{}` goes from {min} to {max}{more}", short(entry.key));
        self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, entry.span.clone(), message));
        None
    }

    fn wrong_unit(&mut self, entry: &Entry<'d, 't>, quantity: Quantity, wanted: &str, help: &str) {
        let message = format!("this is {}, and `{}` is {wanted}", quantity.what(), short(entry.key));
        self.findings.report(Diagnostic::error(codes::WRONG_UNIT, entry.span.clone(), message).help(help));
    }

    /// Where a slot's sound goes; whether there is such a slot is seen later.
    fn slot_out(&mut self, entry: &Entry<'d, 't>) -> Option<SlotOut> {
        let help = "\"master\", a slot, or channels of the device: [3, 4]";
        let list = match entry.value {
            _ if entry.broken => return None,
            DeValue::String(name) if name == "master" => return Some(SlotOut::Master),
            DeValue::String(name) => return Some(SlotOut::Slot(name.clone().into_owned())),
            DeValue::Array(list) => list,
            _ => {
                self.wrong_type(entry, "text in quotes or a list of channels", help);
                return None;
            }
        };
        if !(1..=2).contains(&list.len()) {
            let message = format!("`out` has {} channels; it has one, or left and right", list.len());
            self.findings.report(Diagnostic::error(codes::LIST_LENGTH, entry.span.clone(), message).help("such as [3, 4]"));
            return None;
        }
        let mut channels = Vec::with_capacity(2);
        for value in list.iter() {
            let cell = Entry { value: value.get_ref(), span: value.span(), broken: false, ..entry.clone() };
            channels.push(self.number(&cell, 1.0, f64::from(MOST_CHANNELS), true)? as u16);
        }
        Some(SlotOut::Channels(channels))
    }

    fn sends(&mut self, entry: &Entry<'d, 't>, slot: &mut SlotSpec) {
        for field in self.table(entry, "such as { hall = \"-12 dB\" }").unwrap_or_default() {
            let (quantity, pre) = match field.value {
                DeValue::String(text) if !field.broken => {
                    let (level, pre) = match text.trim_end().strip_suffix("pre") {
                        Some(level) if level.ends_with(char::is_whitespace) => (level, true),
                        _ => (&**text, false),
                    };
                    match quantity::read(level) {
                        Ok(quantity) => (Some(quantity), pre),
                        Err(fault) => {
                            self.fault(fault, &self.document.origin(text, &field.span));
                            (None, pre)
                        }
                    }
                }
                _ => (self.amount(&field), false),
            };
            let level = quantity.and_then(|quantity| self.decibels(&field, quantity)).unwrap_or(0.0);
            slot.route.sends.push(SendSpec { to: field.key.to_owned(), level, pre });
            slot.places.sends.push(field.key_span);
        }
    }

    fn zone(&mut self, entry: &Entry<'d, 't>) -> Zone {
        let mut zone = Zone::default();
        if let DeValue::Boolean(listens) = entry.value {
            zone.listens = *listens;
            return zone;
        }
        for field in self.table(entry, "such as { channel = 1, keys = \"C1..B3\" }, or false").unwrap_or_default() {
            match field.key {
                "channel" => zone.channel = self.number(&field, 1.0, 16.0, true).map(|channel| channel as u8),
                "keys" => zone.keys = self.span_of(&field, (0, 127), "a key", "\"C1..B3\", \"36..59\" or \"C4\"").unwrap_or(zone.keys),
                "velocity" => zone.velocity = self.span_of(&field, (1, 127), "a velocity", "\"1..80\"").unwrap_or(zone.velocity),
                "transpose" => zone.transpose = self.transpose(&field).unwrap_or(0.0),
                "mpe" => zone.mpe = self.boolean(&field),
                _ => self.unknown_key(&field, "`midi`", MIDI),
            }
        }
        zone
    }

    /// `C1..B3`, `36..59`, or one of them.
    fn span_of(&mut self, entry: &Entry<'d, 't>, (lowest, highest): (u8, u8), what: &str, example: &str) -> Option<(u8, u8)> {
        let text = match entry.value {
            _ if entry.broken => return None,
            DeValue::String(text) => text,
            _ => {
                let one = self.number(entry, f64::from(lowest), f64::from(highest), true)? as u8;
                return Some((one, one));
            }
        };
        let keys = entry.key == "keys";
        let end = |word: &str| {
            let word = word.trim();
            let digits = !word.is_empty() && word.len() < 9 && word.bytes().all(|b| b.is_ascii_digit());
            if digits { word.parse::<i32>().ok() } else { note_number(word).filter(|_| keys) }
        };
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let help = format!("such as {example}");
        let mut report = |code, message: String, fix: Option<String>| {
            self.findings.report(Diagnostic { fix, ..Diagnostic::error(code, entry.span.clone(), message).help(&*help) });
            None
        };
        let (Some(low), Some(high)) = (end(from), end(to)) else {
            let word = if end(from).is_none() { from } else { to };
            return report(codes::KEY_RANGE, format!("\"{}\" is not {what}", short(word.trim())), None);
        };
        let range = i32::from(lowest)..=i32::from(highest);
        if !range.contains(&low) || !range.contains(&high) {
            return report(codes::OUT_OF_RANGE, format!("`{}` goes from {lowest} to {highest}", entry.key), None);
        }
        if low > high {
            let fix = format!("\"{}..{}\"", to.trim(), from.trim());
            return report(codes::KEY_RANGE, format!("\"{}\" goes backward", short(text)), Some(fix));
        }
        Some((low as u8, high as u8))
    }

    fn transpose(&mut self, entry: &Entry<'d, 't>) -> Option<f32> {
        match self.amount(entry)? {
            Quantity::Interval(octaves) => self.within(entry, octaves, (-TRANSPOSE, TRANSPOSE), " oct"),
            Quantity::Plain(0.0) => Some(0.0),
            Quantity::Plain(number) => {
                let message = "`transpose` is an interval, and this does not say its unit";
                let diagnostic = Diagnostic::error(codes::NEEDS_UNIT, entry.span.clone(), message);
                self.findings.report(diagnostic.help("such as \"-1 oct\" or \"7 st\"").fix(format!("\"{number} st\"")));
                None
            }
            other => {
                self.wrong_unit(entry, other, "an interval", "such as \"-1 oct\" or \"7 st\"");
                None
            }
        }
    }

    pub fn set(&mut self, entry: &Entry<'d, 't>) -> Vec<SetSpec> {
        let help = "such as { \"filter.resonance\" = 0.9 }";
        let mut found = Vec::new();
        for field in self.table(entry, help).unwrap_or_default() {
            self.set_entries(field.key.to_owned(), &field, &mut found);
        }
        found
    }

    /// `filter.resonance = 0.9` without quotes is a table in TOML, and means the same.
    fn set_entries(&mut self, target: String, field: &Entry<'d, 't>, found: &mut Vec<SetSpec>) {
        if let DeValue::Table(table) = field.value {
            for inner in self.entries(table) {
                self.set_entries(format!("{target}.{}", inner.key), &inner, found);
            }
        } else if let Some(value) = self.set_value(field) {
            found.push(SetSpec { target, value, span: field.key_span.clone() });
        }
    }

    fn set_value(&mut self, field: &Entry<'d, 't>) -> Option<SetValue> {
        match field.value {
            _ if field.broken => None,
            DeValue::String(text) => Some(SetValue::Text(text.clone().into_owned())),
            DeValue::Boolean(value) => Some(SetValue::Switch(*value)),
            DeValue::Array(list) => {
                let cell = |value: &'d toml::Spanned<DeValue<'t>>| Entry { value: value.get_ref(), span: value.span(), ..field.clone() };
                list.iter().map(|value| self.set_value(&cell(value))).collect::<Option<_>>().map(SetValue::List)
            }
            value if as_number(value).is_some() => match self.quantity(field)? {
                Quantity::Plain(number) => Some(SetValue::Number(number)),
                _ => None,
            },
            _ => {
                self.wrong_type(field, "a number, text, true or false, or a list", "as it is written at its address");
                None
            }
        }
    }

    /// What maps turn begins with a slot, or is the master's.
    fn map_targets(&mut self, rack: &Rack) {
        for (name, span) in rack.maps.iter().flat_map(|map| map.to.iter().zip(&map.to_spans)) {
            let (first, rest) = name.split_once('.').unwrap_or((name, ""));
            if rest.is_empty() {
                let message = format!("there is no `{}` to turn", short(name));
                let help = "a slot or `master`, a dot, and what is turned there: `bass.filter.cutoff`, `bass.level`, `master.level`";
                self.findings.report(Diagnostic::error(codes::UNKNOWN_TARGET, span.clone(), message).help(help));
            } else if first != "master" && rack.slot(first).is_none() {
                let near = self.findings.nearest(first, rack.slots.iter().map(|slot| slot.name.as_str()).chain(["master"]));
                let fix = near.map(|near| format!("\"{near}.{rest}\""));
                self.unknown_slot(first, span.clone(), fix);
            } else if first == "master" && !MASTER.contains(&rest) {
                let near = self.findings.nearest(rest, MASTER).map(|near| format!("\"master.{near}\""));
                let message = format!("the master has no `{}`", short(rest));
                let diagnostic = Diagnostic::error(codes::UNKNOWN_TARGET, span.clone(), message);
                self.findings.report(Diagnostic { fix: near, ..diagnostic.help("it has master.level and master.limiter") });
            }
        }
    }

    /// Reports a name that is no slot's.
    pub fn unknown_slot(&mut self, name: &str, span: Range<usize>, fix: Option<String>) {
        let diagnostic = Diagnostic::error(codes::UNKNOWN_SLOT, span, format!("the rack has no slot `{}`", short(name)));
        let help = fix.is_none().then(|| format!("add `[slots.{}]`", if is_slot_name(name) { name } else { "name" }));
        self.findings.report(Diagnostic { help, fix, ..diagnostic });
    }
}
