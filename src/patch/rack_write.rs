//! [`Rack`] → text: what stands in a file already keeps its order and its comments.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Value};

use super::edit::{number, open, remove, section, set, single};
use super::map_edit::{keys, maps_value};
use super::map_spec::MapSpec;
use super::maps::spell_source;
use super::model::MapSource;
use super::rack::{MasterSpec, Rack, SendSpec, SetSpec, SetValue, SlotOut, SlotSpec, Zone};
use super::rack_read::parse_rack;
use super::tuning::{EQUAL, ScaleSpec, TuningSpec};
use crate::base::names::note_name;

/// A rack as text. Where the text of a file is given, only what differs from it is changed there: comments, spaces and the order of
/// what stands in it are kept, slots that are gone are taken away and new ones come last. `[control]`
///
/// What comes out is read back as the same rack, but for the order of what stood in another one in the file. A text that is no
/// rack without mistakes is not kept.
pub fn write_rack(previous_text: Option<&str>, rack: &Rack) -> String {
    let kept = previous_text.and_then(|text| {
        let (before, _) = parse_rack(text);
        let mut document = open(text)?;
        apply(&mut document, &before?, rack);
        let text = document.to_string();
        // A form that could not be kept is written anew.
        let back = parse_rack(&text).0?;
        (sorted(&back) == sorted(rack)).then_some(text)
    });
    kept.unwrap_or_else(|| {
        let mut document = DocumentMut::new();
        document.insert("format", toml_edit::value(1));
        apply(&mut document, &Rack::default(), rack);
        document.to_string()
    })
}

/// The same without places and with everything in one order, so that two can be compared.
fn sorted(rack: &Rack) -> Rack {
    let mut rack = rack.without_places();
    rack.slots.sort_by(|a, b| a.name.cmp(&b.name));
    for slot in &mut rack.slots {
        slot.route.sends.sort_by(|a, b| a.to.cmp(&b.to));
        slot.set.sort_by(|a, b| a.target.cmp(&b.target));
    }
    rack.maps.sort_by_key(|map| spell_source(&map.from));
    rack
}

/// Changes a document that says `before` into one that says `rack`.
fn apply(document: &mut DocumentMut, before: &Rack, rack: &Rack) {
    let root = document.as_item_mut();
    text(root, "name", &before.name, &rack.name);
    text(root, "description", &before.description, &rack.description);
    if before.tempo != rack.tempo {
        match rack.tempo {
            Some(tempo) => set(root, "tempo", number(tempo)),
            None => remove(root, "tempo"),
        }
    }
    tuning(root, before.tuning.as_ref(), rack.tuning.as_ref());
    if before.master != rack.master {
        master(section(root, "master"), before.master, rack.master);
    }
    let fresh = root.get("slots").is_none();
    let slots = section(root, "slots");
    for gone in before.slots.iter().filter(|slot| rack.slot(&slot.name).is_none()) {
        remove(slots, &gone.name);
    }
    for wanted in &rack.slots {
        let new = SlotSpec::new(&wanted.name, "");
        slot(section(slots, &wanted.name), before.slot(&wanted.name).unwrap_or(&new), wanted);
    }
    if let Some(table) = slots.as_table_mut()
        && (fresh || rack.slots.is_empty())
    {
        // `[slots]` itself is written where nothing else says that this is a rack.
        table.set_implicit(!rack.slots.is_empty());
    }
    maps(root, &before.maps, &rack.maps);
}

/// All maps of one source stand at one key.
fn maps(root: &mut Item, before: &[MapSpec], wanted: &[MapSpec]) {
    if wanted.is_empty() {
        if !before.is_empty() {
            remove(root, "map");
        }
        return;
    }
    let of = |maps: &[MapSpec], from: &MapSource| -> Vec<MapSpec> {
        maps.iter().filter(|map| map.from == *from).map(MapSpec::without_places).collect()
    };
    let mut seen: Vec<&MapSource> = Vec::new();
    for from in wanted.iter().chain(before).map(|map| &map.from) {
        if seen.contains(&from) {
            continue;
        }
        seen.push(from);
        let (was, is) = (of(before, from), of(wanted, from));
        if was == is {
            continue;
        }
        let mut there = keys(root, from).into_iter();
        let key = there.next();
        let table = section(root, "map");
        there.for_each(|other| remove(table, &other));
        match (is.is_empty(), key) {
            (true, None) => {}
            (true, Some(key)) => remove(table, &key),
            (false, key) => set(table, &key.unwrap_or_else(|| spell_source(from)), maps_value(&is.iter().collect::<Vec<_>>())),
        }
    }
}

fn text(table: &mut Item, key: &str, before: &str, wanted: &str) {
    if before == wanted {
        return;
    }
    match wanted {
        "" => remove(table, key),
        wanted => set(table, key, Value::from(wanted)),
    }
}

fn master(table: &mut Item, before: MasterSpec, wanted: MasterSpec) {
    if before.level != wanted.level {
        set(table, "level", decibels(wanted.level));
    }
    if before.limiter != wanted.limiter {
        set(table, "limiter", Value::from(wanted.limiter));
    }
}

fn slot(table: &mut Item, before: &SlotSpec, wanted: &SlotSpec) {
    text(table, "patch", &before.patch, &wanted.patch);
    if before.level != wanted.level {
        set(table, "level", decibels(wanted.level));
    }
    if before.pan != wanted.pan {
        set(table, "pan", single(wanted.pan));
    }
    for (key, before, wanted) in [("mute", before.mute, wanted.mute), ("solo", before.solo, wanted.solo)] {
        if before != wanted {
            set(table, key, Value::from(wanted));
        }
    }
    if before.route.out != wanted.route.out {
        set(table, "out", out(&wanted.route.out));
    }
    tuning(table, before.tuning.as_ref(), wanted.tuning.as_ref());
    if before.programs != wanted.programs {
        programs(table, &wanted.programs);
    }
    if before.zone != wanted.zone {
        zone(table, before.zone, wanted.zone);
    }
    sends(table, &before.route.sends, &wanted.route.sends);
    values(table, &before.set, &wanted.set);
}

fn programs(table: &mut Item, wanted: &BTreeMap<u8, String>) {
    if wanted.is_empty() {
        return remove(table, "programs");
    }
    let mut written = InlineTable::new();
    for (number, what) in wanted {
        written.insert(number.to_string(), Value::from(what));
    }
    set(table, "programs", written.into());
}

fn tuning(table: &mut Item, before: Option<&TuningSpec>, wanted: Option<&TuningSpec>) {
    let alike = |a: &TuningSpec, b: &TuningSpec| TuningSpec { span: a.span.clone(), ..b.clone() } == *a;
    match (before, wanted) {
        (Some(before), Some(wanted)) if alike(before, wanted) => {}
        (None, None) => {}
        (Some(_), None) => remove(table, "tuning"),
        (_, Some(wanted)) => set(table, "tuning", tuning_value(wanted)),
    }
}

fn tuning_value(tuning: &TuningSpec) -> Value {
    let scale = match &tuning.scale {
        None => None,
        Some(ScaleSpec::File(file)) => Some(Value::from(file)),
        Some(ScaleSpec::Inline(steps, _)) => Some(steps.iter().map(String::as_str).collect::<Array>().into()),
    };
    let mut table = InlineTable::new();
    let mut say = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            table.insert(key, value);
        }
    };
    let key = |key: Option<u8>| key.map(|key| Value::from(note_name(i32::from(key))));
    say("map", tuning.map.as_deref().map(Value::from));
    say("root", key(tuning.root));
    say("reference", key(tuning.reference));
    say("frequency", tuning.frequency.map(number));
    match scale {
        Some(scale) if table.is_empty() => scale,
        None if table.is_empty() => Value::from(EQUAL),
        scale => {
            if let Some(scale) = scale {
                table.insert("scale", scale);
            }
            table.into()
        }
    }
}

/// -0 dB is 0 dB.
fn decibels(level: f32) -> Value {
    Value::from(format!("{} dB", level + 0.0))
}

fn out(out: &SlotOut) -> Value {
    match out {
        SlotOut::Master => Value::from("master"),
        SlotOut::Slot(name) => Value::from(name),
        SlotOut::Channels(channels) => channels.iter().map(|channel| i64::from(*channel)).collect::<Array>().into(),
    }
}

/// The table at a key of a slot: `{ … }` where there is none.
fn inline<'a>(table: &'a mut Item, key: &str) -> &'a mut Item {
    if !table.get(key).is_some_and(Item::is_table_like) {
        set(table, key, InlineTable::new().into());
    }
    section(table, key)
}

fn zone(slot: &mut Item, before: Zone, wanted: Zone) {
    if wanted == Zone::default() {
        return remove(slot, "midi");
    }
    if !wanted.listens {
        return set(slot, "midi", Value::from(false));
    }
    // What is `false` says nothing of channel or keys.
    let before = if before.listens { before } else { Zone::default() };
    let table = inline(slot, "midi");
    let mut put = |key: &str, differs: bool, usual: bool, value: Value| match (differs, usual) {
        (true, true) => remove(table, key),
        (true, false) => set(table, key, value),
        (false, _) => {}
    };
    let usual = Zone::default();
    put("channel", before.channel != wanted.channel, wanted.channel.is_none(), Value::from(i64::from(wanted.channel.unwrap_or(1))));
    put("keys", before.keys != wanted.keys, wanted.keys == usual.keys, span(wanted.keys, &key_name));
    put("velocity", before.velocity != wanted.velocity, wanted.velocity == usual.velocity, span(wanted.velocity, &|x| x.to_string()));
    put("transpose", before.transpose != wanted.transpose, wanted.transpose == 0.0, Value::from(interval(wanted.transpose)));
    put("mpe", before.mpe != wanted.mpe, wanted.mpe.is_none(), Value::from(wanted.mpe == Some(true)));
}

fn key_name(key: u8) -> String {
    crate::base::names::note_name(i32::from(key))
}

fn span((low, high): (u8, u8), name: &dyn Fn(u8) -> String) -> Value {
    Value::from(if low == high { name(low) } else { format!("{}..{}", name(low), name(high)) })
}

/// Whole octaves and half-tones as such, whatever else exactly.
fn interval(octaves: f32) -> String {
    let steps = f64::from(octaves * 12.0).round();
    if (steps / 12.0) as f32 != octaves {
        format!("{octaves} oct")
    } else if steps % 12.0 == 0.0 {
        format!("{} oct", steps / 12.0)
    } else {
        format!("{steps} st")
    }
}

fn sends(slot: &mut Item, before: &[SendSpec], wanted: &[SendSpec]) {
    if before == wanted {
        return;
    }
    if wanted.is_empty() {
        return remove(slot, "sends");
    }
    let table = inline(slot, "sends");
    for gone in before.iter().filter(|send| !wanted.iter().any(|other| other.to == send.to)) {
        remove(table, &gone.to);
    }
    for send in wanted.iter().filter(|send| !before.contains(send)) {
        let level = format!("{} dB{}", send.level + 0.0, if send.pre { " pre" } else { "" });
        set(table, &send.to, Value::from(level));
    }
}

fn values(slot: &mut Item, before: &[SetSpec], wanted: &[SetSpec]) {
    let same = |a: &SetSpec, b: &SetSpec| a.target == b.target && a.value == b.value;
    if before.len() == wanted.len() && before.iter().zip(wanted).all(|(a, b)| same(a, b)) {
        return;
    }
    if wanted.is_empty() {
        return remove(slot, "set");
    }
    // `filter.cutoff = 1` without quotes is a table of tables: such are written anew.
    let plain = |table: &dyn toml_edit::TableLike| before.iter().all(|set| table.contains_key(&set.target));
    let keep = slot.get("set").and_then(Item::as_table_like).is_some_and(plain);
    if !keep {
        set(slot, "set", InlineTable::new().into());
    }
    let table = inline(slot, "set");
    for gone in before.iter().filter(|set| !wanted.iter().any(|other| other.target == set.target)) {
        remove(table, &gone.target);
    }
    for entry in wanted.iter().filter(|entry| !keep || !before.iter().any(|other| same(other, entry))) {
        set(table, &entry.target, value(&entry.value));
    }
}

fn value(value: &SetValue) -> Value {
    match value {
        SetValue::Number(x) => number(*x),
        SetValue::Text(text) => Value::from(text),
        SetValue::Switch(on) => Value::from(*on),
        SetValue::List(list) => list.iter().map(self::value).collect::<Array>().into(),
    }
}
