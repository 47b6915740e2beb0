//! OSC as JSON, for those who have no other way, such as a line typed into a browser: `{"address": "/x", "args": [0.5]}`.
//!
//! Several messages in `[…]` act together; `{"time": seconds since 1970, "messages": […]}` acts at that time. Whole numbers, numbers,
//! texts, `true`, `false` and `null` are values; arrays within `args` stand for what is in them.

use serde_json::{Map, Value as Json, json};

use crate::control::{Message, Value};
use crate::wire;
use crate::wire::time::from_unix_nanos;
use crate::wire::{Arg, Bundle, Packet};

/// The time tag that means: at once.
const AT_ONCE: u64 = 1;

/// Why a text says no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// The text is no JSON.
    #[error("this is no JSON: {0}")]
    Syntax(String),
    /// JSON, but something else.
    #[error(
        "{0} is no message; wanted is an object such as {{\"address\": \"/x\", \"args\": [0.5]}}, an array of them, or {{\"time\": seconds, \"messages\": [...]}}"
    )]
    Shape(String),
    /// A key that nothing here knows.
    #[error("`{0}` is no key of a message: address and args are, time and messages of a bundle")]
    Key(String),
    /// No argument.
    #[error("an object is no argument")]
    Object,
    /// A number that no argument can be.
    #[error("{0} is too large")]
    Number(String),
    /// No time since 1970.
    #[error("time is a number of seconds since 1970")]
    Time,
}

/// The packet that a text says.
///
/// # Errors
/// Why it says none. `[control]`
pub fn read(text: &str) -> Result<Packet, BadJson> {
    let json: Json = serde_json::from_str(text).map_err(|error| BadJson::Syntax(error.to_string()))?;
    packet(json)
}

fn packet(json: Json) -> Result<Packet, BadJson> {
    match json {
        Json::Array(elements) => bundle(AT_ONCE, elements),
        Json::Object(mut object) if object.contains_key("messages") => {
            let time = match object.remove("time") {
                None | Some(Json::Null) => AT_ONCE,
                Some(time) => moment(&time)?,
            };
            let Some(Json::Array(elements)) = object.remove("messages") else {
                return Err(BadJson::Shape("a bundle whose messages are no array".to_owned()));
            };
            no_more(&object)?;
            bundle(time, elements)
        }
        Json::Object(mut object) => {
            let Some(Json::String(address)) = object.remove("address") else {
                return Err(BadJson::Shape("an object without an address".to_owned()));
            };
            let mut args = Vec::new();
            match object.remove("args") {
                None => {}
                Some(Json::Array(items)) => arguments(items, &mut args)?,
                Some(one) => arguments(vec![one], &mut args)?,
            }
            no_more(&object)?;
            Ok(Packet::Message(wire::Message::new(address, args)))
        }
        other => Err(BadJson::Shape(other.to_string().chars().take(40).collect())),
    }
}

fn bundle(time: u64, elements: Vec<Json>) -> Result<Packet, BadJson> {
    Ok(Packet::Bundle(Bundle { time, elements: elements.into_iter().map(packet).collect::<Result<_, _>>()? }))
}

fn no_more(object: &Map<String, Json>) -> Result<(), BadJson> {
    object.keys().next().map_or(Ok(()), |key| Err(BadJson::Key(key.chars().take(40).collect())))
}

fn moment(time: &Json) -> Result<u64, BadJson> {
    let nanos = match time.as_i64() {
        Some(seconds) => seconds.checked_mul(1_000_000_000),
        None => time.as_f64().map(|seconds| libm::round(seconds * 1e9)).filter(|nanos| nanos.abs() < 9e18).map(|nanos| nanos as i64),
    };
    nanos.filter(|nanos| *nanos >= 0).map(from_unix_nanos).ok_or(BadJson::Time)
}

fn arguments(items: Vec<Json>, args: &mut Vec<Arg>) -> Result<(), BadJson> {
    for item in items {
        args.push(match item {
            Json::Null => Arg::Nil,
            Json::Bool(x) => Arg::Bool(x),
            Json::String(text) => Arg::Text(text),
            Json::Number(x) => match (x.as_i64(), x.as_f64()) {
                (Some(whole), _) => i32::try_from(whole).map_or(Arg::Long(whole), Arg::Int),
                (None, Some(number)) if !x.is_u64() => Arg::Double(number),
                _ => return Err(BadJson::Number(x.to_string())),
            },
            Json::Array(items) => {
                arguments(items, args)?;
                continue;
            }
            Json::Object(_) => return Err(BadJson::Object),
        });
    }
    Ok(())
}

/// An answer as a text. A number has as many digits as a float of 32 bits needs; one that is none is `null`, a pulse is `true`, a
/// moment is seconds since 1970. `[control]`
pub fn write(message: &Message) -> String {
    object(message).to_string()
}

/// The same as an object. `[control]`
pub fn object(message: &Message) -> Json {
    let args: Vec<Json> = message.values.iter().map(value).collect();
    json!({ "address": message.address, "args": args })
}

fn value(value: &Value) -> Json {
    match value {
        Value::Integer(x) => json!(x),
        Value::Number(x) => {
            let short = (*x as f32).to_string().parse::<f64>().unwrap_or(*x);
            if short.is_finite() { json!(short) } else { Json::Null }
        }
        Value::Text(text) => json!(text),
        Value::Bool(x) => json!(x),
        Value::Impulse => json!(true),
        Value::Time(nanos) => json!(*nanos as f64 / 1e9),
        Value::Other(_) => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(address: &str, args: Vec<Arg>) -> Packet {
        Packet::Message(wire::Message::new(address, args))
    }

    #[test]
    fn messages_are_read() {
        let all = r#"{"address":"/x","args":[1,-3000000000,0.5,"a",true,null,[2,[3.5]],1e0]}"#;
        let args = vec![
            Arg::Int(1),
            Arg::Long(-3_000_000_000),
            Arg::Double(0.5),
            Arg::Text("a".into()),
            Arg::Bool(true),
            Arg::Nil,
            Arg::Int(2),
            Arg::Double(3.5),
            Arg::Double(1.0),
        ];
        assert_eq!(read(all), Ok(message("/x", args)));
        assert_eq!(read(r#"{"address":"/x"}"#), Ok(message("/x", vec![])));
        assert_eq!(read(r#"{"address":"/x","args":2}"#), Ok(message("/x", vec![Arg::Int(2)])));
        let both = vec![message("/a", vec![]), message("/b", vec![])];
        assert_eq!(read(r#"[{"address":"/a"},{"address":"/b"}]"#), Ok(Packet::Bundle(Bundle { time: 1, elements: both.clone() })));
        let timed = Packet::Bundle(Bundle { time: from_unix_nanos(1_500_000_000), elements: both });
        assert_eq!(read(r#"{"time":1.5,"messages":[{"address":"/a"},{"address":"/b"}]}"#), Ok(timed));
    }

    #[test]
    fn what_is_none_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "no JSON"),
            ("{", "no JSON"),
            ("5", "no message"),
            (r#"{"args":[]}"#, "without an address"),
            (r#"{"address":5}"#, "without an address"),
            (r#"{"address":"/x","args":[{}]}"#, "no argument"),
            (r#"{"address":"/x","values":[1]}"#, "`values`"),
            (r#"{"address":"/x","args":[18446744073709551615]}"#, "too large"),
            (r#"{"time":"now","messages":[]}"#, "seconds"),
            (r#"{"time":-5,"messages":[]}"#, "seconds"),
            (r#"{"time":1e300,"messages":[]}"#, "seconds"),
            (r#"{"messages":{}}"#, "no array"),
            (&"[".repeat(100_000), "no JSON"),
        ] {
            let told = read(text).expect_err(text).to_string();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn answers_are_written() {
        let values = vec![Value::Integer(-5), Value::Number(f64::from(0.1_f32)), "a\"b".into(), Value::Bool(false), f64::NAN.into()];
        assert_eq!(write(&Message::new("/x", values)), r#"{"address":"/x","args":[-5,0.1,"a\"b",false,null]}"#);
    }
}
