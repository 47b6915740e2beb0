//! OSC messages as they are shown: as lines that can be sent again, and as JSON.

use serde_json::{Map, Value, json};

use super::style::Style;
use crate::osc::moment;
use crate::osc::typed::{hex, spell_arg, types};
use crate::wire::time::{is_immediate, to_unix_nanos};
use crate::wire::{Arg, Message};

/// The arguments as words, with spaces between; times as they stand to `now` since 1970 [ns]. `[control]`
pub fn arguments(message: &Message, now: i64) -> String {
    let words: Vec<String> = message.args.iter().map(|arg| spell_arg(arg, now)).collect();
    words.join(" ")
}

/// An address, in the colour of names, or of what went wrong. Nothing that arrives steers the terminal. `[control]`
pub fn address(message: &Message, style: Style) -> String {
    let plain: String = message.address.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if message.address == "/fail" { style.wrong(&plain) } else { style.name(&plain) }
}

/// A time tag beside a present time: `+200.000ms`, `now`. `[control]`
pub fn tag(tag: u64, now: i64) -> String {
    moment::spell(tag, now)
}

/// Nanoseconds as seconds: the nearest number that there is, which a division would miss now and then.
fn seconds(nanos: i64) -> f64 {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000).parse().unwrap_or(0.0)
}

/// A message as a JSON object: `time` since 1970 \[s\], `from`, `address`, `types`, `args`; of one in a bundle also `bundle`: its time since
/// 1970 \[s\] or `"now"`, `ahead`: how long after its arrival that is \[s\], and `depth`: how many bundles it stands in. `[control]`
pub fn object(message: &Message, from: &str, at: i64, bundle: Option<(u64, usize)>) -> Value {
    let mut object = Map::new();
    object.insert("time".into(), json!(seconds(at)));
    object.insert("from".into(), json!(from));
    object.insert("address".into(), json!(message.address));
    object.insert("types".into(), json!(types(&message.args)));
    object.insert("args".into(), message.args.iter().map(|arg| argument(arg, at)).collect());
    if let Some((tag, depth)) = bundle {
        insert_tag(&mut object, tag, at);
        object.insert("depth".into(), json!(depth));
    }
    Value::Object(object)
}

/// A bundle without any message as a JSON object. `[control]`
pub fn empty_bundle(from: &str, at: i64, tag: u64, depth: usize) -> Value {
    let mut object = Map::new();
    object.insert("time".into(), json!(seconds(at)));
    object.insert("from".into(), json!(from));
    insert_tag(&mut object, tag, at);
    object.insert("depth".into(), json!(depth));
    Value::Object(object)
}

fn insert_tag(object: &mut Map<String, Value>, tag: u64, at: i64) {
    object.insert("bundle".into(), time(tag, at));
    if !is_immediate(tag) {
        object.insert("ahead".into(), json!(seconds(to_unix_nanos(tag, at).saturating_sub(at))));
    }
}

fn time(tag: u64, at: i64) -> Value {
    if is_immediate(tag) { json!("now") } else { json!(seconds(to_unix_nanos(tag, at))) }
}

/// One argument; what JSON has no word for is a text, or null where it has no value. `[control]`
fn argument(arg: &Arg, at: i64) -> Value {
    let number =
        |x: f64, shortest: String| if x.is_finite() { shortest.parse::<f64>().map_or(Value::Null, Value::from) } else { json!(shortest) };
    match arg {
        Arg::Int(x) => json!(x),
        Arg::Long(x) => json!(x),
        // As it was meant, not with the digits that a float adds: 0.1, not 0.10000000149.
        Arg::Float(x) => number((*x).into(), x.to_string()),
        Arg::Double(x) => number(*x, x.to_string()),
        Arg::Text(text) => json!(text),
        Arg::Blob(blob) => json!(hex(blob)),
        Arg::Time(tag) => time(*tag, at),
        Arg::Char(c) => json!(c),
        Arg::Color(colour) => json!(format!("#{}", hex(colour))),
        Arg::Midi(bytes) => json!(bytes),
        Arg::Bool(x) => json!(x),
        Arg::Nil | Arg::Impulse => Value::Null,
        Arg::Array(items) => items.iter().map(|item| argument(item, at)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::time::from_unix_nanos;

    #[test]
    fn every_type_has_its_json() {
        let now = 1_790_000_000_000_000_000;
        let args = vec![
            Arg::Int(1),
            Arg::Long(1 << 40),
            Arg::Float(0.1),
            Arg::Float(f32::INFINITY),
            Arg::Double(0.1),
            Arg::Text("é\"".into()),
            Arg::Blob(vec![0, 255]),
            Arg::Time(1),
            Arg::Time(from_unix_nanos(now + 500_000_000)),
            Arg::Char('x'),
            Arg::Color([1, 2, 3, 255]),
            Arg::Midi([0, 0x90, 60, 1]),
            Arg::Bool(true),
            Arg::Nil,
            Arg::Array(vec![Arg::Int(1), Arg::Array(vec![])]),
        ];
        let object = object(&Message::new("/x", args), "me", now, Some((from_unix_nanos(now + 250_000_000), 2)));
        assert_eq!(
            object,
            json!({
                "time": 1_790_000_000.0, "from": "me", "address": "/x", "types": "ihffdsbttcrmTN[i[]]",
                "args": [1, 1_099_511_627_776_i64, 0.1, "inf", 0.1, "é\"", "00ff", "now", 1_790_000_000.5, "x", "#010203ff", [0, 144, 60, 1],
                    true, null, [1, []]],
                "bundle": 1_790_000_000.25, "ahead": 0.25, "depth": 2,
            })
        );
        assert!(super::object(&Message::new("/x", vec![]), "me", now, None).get("bundle").is_none());
    }
}
