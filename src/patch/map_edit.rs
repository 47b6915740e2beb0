//! Maps written into a file, which keeps its order, its comments and its spaces.

use toml_edit::{Array, InlineTable, Item, Value};

use crate::module::Curve;

use super::edit::{number, open, remove, section, set, single};
use super::map_spec::{MapSpec, Written};
use super::maps::{map_source, spell_source};
use super::model::{MapSource, Relative};

/// Puts maps into the `[map]` of a patch or a profile, each in place of one from the same to the same, and takes others out: from
/// where to what. Targets are named as they are in this file; `same` tells whether two names mean the same there. `[control]`
///
/// # Errors
/// One sentence: why the file is not changed.
pub fn write_maps(text: &str, maps: &[MapSpec], gone: &[(MapSource, String)], same: &dyn Fn(&str, &str) -> bool) -> Result<String, String> {
    let mut document = open(text).ok_or("the file is not TOML any more")?;
    let root = document.as_item_mut();
    for (source, target) in gone {
        take_out(root, source, target, same)?;
    }
    for map in maps {
        put_in(root, map, same)?;
    }
    Ok(document.to_string())
}

/// A map as it stands in a file: its source, and what else is said.
pub(super) fn map_item(map: &MapSpec) -> (String, Item) {
    (spell_source(&map.from), Item::Value(map_value(map)))
}

fn map_value(map: &MapSpec) -> Value {
    if map.is_plain() { to_value(map) } else { map_table(map) }
}

fn to_value(map: &MapSpec) -> Value {
    match map.to.as_slice() {
        [one] => Value::from(one.as_str()),
        all => Value::Array(all.iter().map(String::as_str).collect()),
    }
}

/// Everything that maps of one source say, as one value.
pub(super) fn maps_value(maps: &[&MapSpec]) -> Value {
    match maps {
        [one] => map_value(one),
        all => Value::Array(all.iter().map(|map| map_table(map)).collect()),
    }
}

/// A map as a table, be there nothing to say but what it turns.
fn map_table(map: &MapSpec) -> Value {
    let mut table = InlineTable::new();
    table.insert("to", to_value(map));
    if let Some((low, high)) = map.range_in {
        table.insert("from", Value::Array([single(low), single(high)].into_iter().collect()));
    }
    for (key, end) in [("min", &map.min), ("max", &map.max)] {
        match end {
            None => {}
            Some(Written::Number(x)) => drop(table.insert(key, number(*x))),
            Some(Written::Text(text)) => drop(table.insert(key, Value::from(text.as_str()))),
        }
    }
    match map.curve {
        None => {}
        Some(Curve::Linear) => drop(table.insert("curve", Value::from("linear"))),
        Some(Curve::Log) => drop(table.insert("curve", Value::from("log"))),
        Some(Curve::Power(n)) => drop(table.insert("curve", single(n))),
    }
    for (key, said) in [("pickup", map.pickup), ("toggle", map.toggle)] {
        if said {
            table.insert(key, Value::from(true));
        }
    }
    match map.relative {
        None => {}
        Some(Relative::Auto) => drop(table.insert("relative", Value::from(true))),
        Some(relative) => drop(table.insert("relative", Value::from(relative.name()))),
    }
    if let Some(step) = map.step {
        table.insert("step", single(step));
    }
    Value::InlineTable(table)
}

/// The keys of `[map]` that listen to a source, however they are written.
pub(super) fn keys(root: &Item, source: &MapSource) -> Vec<String> {
    let map = root.get("map").and_then(Item::as_table_like);
    let keys = map.into_iter().flat_map(|map| map.iter()).map(|(key, _)| key.to_owned());
    keys.filter(|key| map_source(key).as_ref() == Ok(source)).collect()
}

/// What a value of `[map]`, or a table in it, turns.
fn targets(value: &Value) -> Vec<&str> {
    match value {
        Value::String(name) => vec![name.value().as_str()],
        Value::Array(list) => list.iter().flat_map(targets).collect(),
        Value::InlineTable(table) => table.get("to").map(targets).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn take_out(root: &mut Item, source: &MapSource, target: &str, same: &dyn Fn(&str, &str) -> bool) -> Result<(), String> {
    let is_it = |name: &str| same(name, target);
    take_out_of_controls(root, source, &is_it);
    for key in keys(root, source) {
        let map = &mut root["map"];
        let Some(value) = map.get(&key).map(value_of) else { continue };
        let named = targets(&value);
        if !named.iter().any(|name| is_it(name)) {
            continue;
        }
        if named.iter().all(|name| is_it(name)) {
            remove(map, &key);
            continue;
        }
        if matches!(source, MapSource::Osc(_)) {
            return Err(format!("{} turns several things, each by an argument of its own: change it by hand", spell_source(source)));
        }
        let left = without(value, &is_it);
        set(map, &key, left);
    }
    Ok(())
}

/// `midi` and `osc` of controls.
fn take_out_of_controls(root: &mut Item, source: &MapSource, is_it: &dyn Fn(&str) -> bool) {
    let Some(controls) = root.get_mut("controls").and_then(Item::as_table_like_mut) else { return };
    let named: Vec<String> = controls.iter().map(|(name, _)| name.to_owned()).filter(|name| is_it(name)).collect();
    for name in named {
        let Some(control) = controls.get_mut(&name) else { continue };
        for key in ["midi", "osc"] {
            let text = control.get(key).and_then(Item::as_str);
            if text.is_some_and(|text| map_source(text).as_ref() == Ok(source)) {
                remove(control, key);
            }
        }
    }
}

/// An item as one value, be it a table of its own.
fn value_of(item: &Item) -> Value {
    match item {
        Item::Value(value) => value.clone(),
        other => other.clone().into_value().unwrap_or_else(|_| Value::InlineTable(InlineTable::new())),
    }
}

/// A value of `[map]` without some of its targets; others are left.
fn without(value: Value, is_it: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::Array(list) => {
            let mut left = Array::new();
            for one in list.iter().filter(|one| !targets(one).iter().all(|name| is_it(name))) {
                left.push(plain(without(one.clone(), is_it)));
            }
            match left.len() {
                1 => left.remove(0),
                _ => Value::Array(left),
            }
        }
        Value::InlineTable(mut table) => {
            if let Some(to) = table.get("to").cloned() {
                table.insert("to", without(to, is_it));
            }
            Value::InlineTable(table)
        }
        other => other,
    }
}

/// Without the spaces that stood around it elsewhere.
fn plain(mut value: Value) -> Value {
    value.decor_mut().clear();
    value
}

fn put_in(root: &mut Item, map: &MapSpec, same: &dyn Fn(&str, &str) -> bool) -> Result<(), String> {
    let is_it = |name: &str| map.to.iter().any(|to| same(name, to));
    take_out_of_controls(root, &map.from, &is_it);
    let there = keys(root, &map.from);
    let section = section(root, "map");
    let Some(key) = there.into_iter().next() else {
        let (key, item) = map_item(map);
        set(section, &key, value_of(&item));
        return Ok(());
    };
    let before = section.get(&key).map(value_of).unwrap_or_else(|| map_value(map));
    let named = targets(&before);
    if named.iter().all(|name| is_it(name)) {
        set(section, &key, map_value(map));
        return Ok(());
    }
    if matches!(map.from, MapSource::Osc(_)) {
        return Err(format!("{key} turns {} in the file already, and an address stands there once", named.join(" and ")));
    }
    let mut list = Array::new();
    match without(before, &is_it) {
        Value::Array(others) => list.extend(others.iter().cloned().map(plain)),
        one => list.push(plain(one)),
    }
    list.push(map_value(map));
    set(section, &key, Value::Array(list));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        a == b || [a, b] == ["filter.cutoff", "brightness"] || [b, a] == ["filter.cutoff", "brightness"]
    }

    fn cc(number: u8, to: &str) -> MapSpec {
        MapSpec::new(MapSource::Cc(number, None), to)
    }

    const TEXT: &str = "# A patch.\nformat = 1   # one\n\n[controls]\nbrightness = { default = \"300 Hz\", midi = \"cc 74\" } # bright\n\n[map] # what turns what\n\"cc 1\" = \"lfo.rate\" # the wheel\n\"note C2\"   = { to = \"mute\", toggle = true }\n\n# the end\n[out]\nin = \"x\"\n";

    #[test]
    fn what_is_put_in_is_all_that_changes() {
        let full = MapSpec {
            min: Some(Written::Text("1 kHz".into())),
            max: Some(Written::Number(200.0)),
            curve: Some(Curve::Power(2.5)),
            pickup: true,
            ..MapSpec::new(MapSource::Cc(20, Some(3)), "filter.resonance")
        };
        let text = write_maps(TEXT, &[full, cc(21, "lfo.depth")], &[], &same).unwrap();
        let added = "\"cc 20 ch 3\" = { to = \"filter.resonance\", min = \"1 kHz\", max = 200, curve = 2.5, pickup = true }\n\"cc 21\" = \"lfo.depth\"\n";
        let (before, after) = TEXT.split_at(TEXT.find("\n# the end").unwrap());
        assert_eq!(text, format!("{before}{added}{after}"));
        let encoder = MapSpec { relative: Some(Relative::Sign), step: Some(0.02), ..cc(5, "a") };
        let text = write_maps("[out]\nin = \"x\" # here\n", &[encoder], &[], &same).unwrap();
        assert_eq!(text, "[out]\nin = \"x\" # here\n\n[map]\n\"cc 5\" = { to = \"a\", relative = \"sign\", step = 0.02 }\n");
        assert!(write_maps("[out", &[], &[], &same).is_err());
    }

    #[test]
    fn a_source_may_turn_several_things() {
        let inverted = MapSpec { min: Some(Written::Number(1.0)), max: Some(Written::Number(0.0)), ..cc(1, "depth") };
        let text = write_maps(TEXT, &[cc(1, "filter.resonance"), inverted], &[], &same).unwrap();
        let line = "\"cc 1\" = [\"lfo.rate\", \"filter.resonance\", { to = \"depth\", min = 1, max = 0 }] # the wheel";
        assert!(text.contains(line), "{text}");
        // In place of what was said of the same before.
        let text = write_maps(&text, &[cc(1, "depth")], &[(MapSource::Cc(1, None), "lfo.rate".into())], &same).unwrap();
        assert!(text.contains("\"cc 1\" = [\"filter.resonance\", \"depth\"] # the wheel"), "{text}");
        let text = write_maps(&text, &[], &[(MapSource::Cc(1, None), "depth".into())], &same).unwrap();
        assert!(text.contains("\"cc 1\" = \"filter.resonance\" # the wheel"), "{text}");
        let xy = "[map]\n\"/1/xy\" = [\"a\", \"b\"]\n";
        let osc = |to: &str| MapSpec::new(MapSource::Osc("/1/xy".into()), to);
        assert!(write_maps(xy, &[osc("c")], &[], &same).is_err());
        assert!(write_maps(xy, &[], &[(MapSource::Osc("/1/xy".into()), "a".into())], &same).is_err());
    }

    #[test]
    fn what_is_taken_out_is_all_that_goes() {
        let text = write_maps(TEXT, &[], &[(MapSource::Note(36, None), "mute".into())], &same).unwrap();
        assert_eq!(text, TEXT.replace("\"note C2\"   = { to = \"mute\", toggle = true }\n", ""));
        // A control's own, by whichever of its names.
        let text = write_maps(TEXT, &[], &[(MapSource::Cc(74, None), "filter.cutoff".into())], &same).unwrap();
        assert_eq!(text, TEXT.replace(", midi = \"cc 74\"", ""));
        let text = write_maps(TEXT, &[MapSpec { pickup: true, ..cc(74, "brightness") }], &[], &same).unwrap();
        assert!(text.contains("{ default = \"300 Hz\" } # bright"), "{text}");
        assert!(text.contains("\"cc 74\" = { to = \"brightness\", pickup = true }\n"), "{text}");
        assert_eq!(write_maps(TEXT, &[], &[(MapSource::Cc(99, None), "mute".into())], &same).unwrap(), TEXT);
    }
}
