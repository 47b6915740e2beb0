//! Messages as words in which every type of OSC can be said: `/x 48 0.5 C3`, and where a guess would be wrong `f:48 s:48 b:00ff`.
//!
//! What is spelt here is read back as it was, so that what one program prints another can send.

use super::moment;
use crate::wire::{Arg, Bundle, Message, Packet};

/// A word, and whether it stood in quotation marks: then it is text, whatever it looks like.
pub type Word = (String, bool);

/// Stands between the messages of a bundle.
pub const AND: &str = "+";

/// Why words are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWord {
    /// No address where one must stand.
    #[error("an address begins with / and has no space, such as /bass/filter/cutoff; `{0}` is none")]
    NoAddress(String),
    /// Nothing stands where a message must.
    #[error("a message is missing beside `+`")]
    NoMessage,
    /// A type was named and what follows is not of it: the word, what is wanted.
    #[error("`{0}`: {1}")]
    NoValue(String, String),
    /// A bracket without the other.
    #[error("the brackets [ and ] do not match; write s:[ for a text")]
    Brackets,
}

/// Whether it may stand as an address: it begins with `/` and has nothing in it that OSC forbids. `[control]`
pub fn is_address(text: &str) -> bool {
    text.starts_with('/') && text.len() > 1 && text.is_ascii() && !text.contains(|c: char| c == '#' || c.is_whitespace() || c.is_control())
}

/// The messages that words say; `+` alone stands between two. `now` since 1970 [ns], for times that are counted from it. `[control]`
///
/// # Errors
/// The first word that cannot be read.
pub fn messages(words: &[Word], now: i64) -> Result<Vec<Message>, BadWord> {
    words.split(|(word, quoted)| word == AND && !quoted).map(|words| message(words, now)).collect()
}

fn message(words: &[Word], now: i64) -> Result<Message, BadWord> {
    let ((address, quoted), words) = words.split_first().ok_or(BadWord::NoMessage)?;
    if *quoted || !is_address(address) {
        return Err(BadWord::NoAddress(address.clone()));
    }
    let mut open = Vec::new();
    let mut args = Vec::new();
    for (word, quoted) in words {
        match word.as_str() {
            "[" if !quoted => open.push(std::mem::take(&mut args)),
            "]" if !quoted => {
                let array = Arg::Array(args);
                args = open.pop().ok_or(BadWord::Brackets)?;
                args.push(array);
            }
            _ if *quoted => args.push(Arg::Text(word.clone())),
            _ => args.push(arg(word, now)?),
        }
    }
    if open.is_empty() { Ok(Message::new(address.clone(), args)) } else { Err(BadWord::Brackets) }
}

/// Messages as one packet: one alone and untimed as itself, all else as a bundle with this time tag, `now` where there is none.
/// `[control]`
pub fn packet(messages: Vec<Message>, tag: Option<u64>) -> Packet {
    let mut elements: Vec<Packet> = messages.into_iter().map(Packet::Message).collect();
    match (elements.len(), tag) {
        (1, None) => elements.remove(0),
        _ => Packet::Bundle(Bundle { time: tag.unwrap_or(1), elements }),
    }
}

/// One argument out of a bare word: of the type that stands before its colon, else of the one it looks like.
fn arg(word: &str, now: i64) -> Result<Arg, BadWord> {
    let bad = |wanted: &str| BadWord::NoValue(word.to_owned(), wanted.to_owned());
    let mut chars = word.chars();
    let (Some(kind), Some(':')) = (chars.next(), chars.next()) else { return guess(word) };
    let text = chars.as_str();
    Ok(match kind {
        'i' => Arg::Int(text.parse().map_err(|_| bad("i: takes a whole number of 32 bits, such as i:-5"))?),
        'h' => Arg::Long(text.parse().map_err(|_| bad("h: takes a whole number of 64 bits, such as h:5"))?),
        'f' => Arg::Float(text.parse().map_err(|_| bad("f: takes a number, such as f:0.5"))?),
        'd' => Arg::Double(text.parse().map_err(|_| bad("d: takes a number, such as d:0.5"))?),
        's' => Arg::Text(text.to_owned()),
        'b' => Arg::Blob(bytes(text).ok_or_else(|| bad("b: takes bytes of two hex digits each, such as b:00ff10"))?),
        't' => Arg::Time(moment::tag(text, now).map_err(|wanted| bad(&wanted))?),
        'c' => {
            let mut chars = text.chars();
            let one = chars.next().filter(|_| chars.next().is_none());
            Arg::Char(one.ok_or_else(|| bad("c: takes one character, such as c:x"))?)
        }
        'r' => {
            let mut colour = bytes(text.strip_prefix('#').unwrap_or(text)).unwrap_or_default();
            if colour.len() == 3 {
                colour.push(255);
            }
            let colour = colour.try_into().map_err(|_| bad("r: takes a colour of 6 or 8 hex digits, such as r:ff8000 or r:ff8000ff"))?;
            Arg::Color(colour)
        }
        'm' => Arg::Midi(midi(text).ok_or_else(|| bad("m: takes [port,] status in hex and two data bytes, such as m:90,60,127"))?),
        _ => return guess(word),
    })
}

/// A bare word without a type: numbers, truths, the types that have no value, else text.
fn guess(word: &str) -> Result<Arg, BadWord> {
    if let Ok(x) = word.parse::<i64>() {
        return Ok(i32::try_from(x).map_or(Arg::Long(x), Arg::Int));
    }
    let numeric = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    Ok(match word {
        "true" | "T" => Arg::Bool(true),
        "false" | "F" => Arg::Bool(false),
        "N" => Arg::Nil,
        "I" => Arg::Impulse,
        _ => match word.parse::<f32>() {
            Ok(x) if numeric && x.is_infinite() && word.contains(|c: char| c.is_ascii_digit()) => {
                return Err(BadWord::NoValue(word.to_owned(), "too large for a float; write d: before it".to_owned()));
            }
            Ok(x) if numeric && x.is_finite() => Arg::Float(x),
            _ => Arg::Text(word.to_owned()),
        },
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// `status,data,data` or `port,status,data,data`; the status in hex, as charts of MIDI give it, the rest in decimal.
fn midi(text: &str) -> Option<[u8; 4]> {
    let parts: Vec<&str> = text.split(',').collect();
    let (port, parts) = match parts.as_slice() {
        [port, rest @ ..] if rest.len() == 3 => (port.parse().ok()?, rest),
        rest if rest.len() == 3 => (0, rest),
        _ => return None,
    };
    let status = bytes(parts[0]).filter(|bytes| bytes.len() == 1)?[0];
    Some([port, status, parts[1].parse().ok()?, parts[2].parse().ok()?])
}

/// Bytes as hex digits. `[control]`
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The type tags of arguments, without the comma. `[control]`
pub fn types(args: &[Arg]) -> String {
    let mut out = String::new();
    for arg in args {
        match arg {
            Arg::Array(items) => {
                out.push('[');
                out.push_str(&types(items));
                out.push(']');
            }
            other => out.push(letter(other)),
        }
    }
    out
}

const fn letter(arg: &Arg) -> char {
    match arg {
        Arg::Int(_) => 'i',
        Arg::Long(_) => 'h',
        Arg::Float(_) => 'f',
        Arg::Double(_) => 'd',
        Arg::Text(_) => 's',
        Arg::Blob(_) => 'b',
        Arg::Time(_) => 't',
        Arg::Char(_) => 'c',
        Arg::Color(_) => 'r',
        Arg::Midi(_) => 'm',
        Arg::Bool(true) => 'T',
        Arg::Bool(false) => 'F',
        Arg::Nil => 'N',
        Arg::Impulse => 'I',
        Arg::Array(_) => '[',
    }
}

/// A message as the words that say it; times as they stand to `now` since 1970 [ns]. `[control]`
pub fn spell(message: &Message, now: i64) -> String {
    let mut line = message.address.clone();
    for arg in &message.args {
        line.push(' ');
        line.push_str(&spell_arg(arg, now));
    }
    line
}

/// One argument as the word that says it, with its type only where a guess would be wrong. `[control]`
pub fn spell_arg(arg: &Arg, now: i64) -> String {
    match arg {
        Arg::Int(x) => x.to_string(),
        Arg::Long(x) if i32::try_from(*x).is_err() => x.to_string(),
        Arg::Long(x) => format!("h:{x}"),
        Arg::Float(x) if x.is_finite() => format!("{x:?}"),
        Arg::Float(x) => format!("f:{x}"),
        Arg::Double(x) => format!("d:{x:?}"),
        Arg::Text(text) => spell_text(text, now),
        Arg::Blob(blob) => format!("b:{}", hex(blob)),
        Arg::Time(tag) => format!("t:{}", moment::spell(*tag, now)),
        Arg::Char(c) if c.is_whitespace() || c.is_control() => format!("c:{}", c.escape_default()),
        Arg::Char(c) => format!("c:{c}"),
        Arg::Color(colour) => format!("r:{}", hex(colour)),
        Arg::Midi([0, status, a, b]) => format!("m:{status:02x},{a},{b}"),
        Arg::Midi([port, status, a, b]) => format!("m:{port},{status:02x},{a},{b}"),
        Arg::Bool(x) => x.to_string(),
        Arg::Nil => "N".to_owned(),
        Arg::Impulse => "I".to_owned(),
        Arg::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| spell_arg(item, now)).collect();
            format!("[ {}{}]", items.join(" "), if items.is_empty() { "" } else { " " })
        }
    }
}

fn spell_text(text: &str, now: i64) -> String {
    let needs_quotes = text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\'));
    if needs_quotes {
        let mut out = "\"".to_owned();
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                // Nothing that arrives may steer the terminal.
                c if c.is_control() => out.push('\u{fffd}'),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    } else if matches!(text, AND | "[" | "]") || arg(text, now) != Ok(Arg::Text(text.to_owned())) {
        format!("s:{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::osc::text::words;

    const NOW: i64 = 1_790_000_000_000_000_000;

    fn read(line: &str) -> Result<Vec<Message>, BadWord> {
        messages(&words(line).expect("closed quotes"), NOW)
    }

    fn args(line: &str) -> Vec<Arg> {
        read(&format!("/x {line}")).expect("sound words").remove(0).args
    }

    #[test]
    fn words_are_what_they_look_like_or_what_they_say() {
        assert_eq!(
            args("48 -1.5 C3 true F 5000000000 800Hz +5 http://x:1 - inf"),
            [
                Arg::Int(48),
                Arg::Float(-1.5),
                Arg::Text("C3".into()),
                Arg::Bool(true),
                Arg::Bool(false),
                Arg::Long(5_000_000_000),
                Arg::Text("800Hz".into()),
                Arg::Int(5),
                Arg::Text("http://x:1".into()),
                Arg::Text("-".into()),
                Arg::Text("inf".into()),
            ]
        );
        assert_eq!(
            args("f:1 d:1 h:1 s:1 s: b:00fF c:a r:ff8000 r:#01020304 m:90,60,127 m:3,b0,7,100 t:+200ms t:now T N I"),
            [
                Arg::Float(1.0),
                Arg::Double(1.0),
                Arg::Long(1),
                Arg::Text("1".into()),
                Arg::Text(String::new()),
                Arg::Blob(vec![0, 255]),
                Arg::Char('a'),
                Arg::Color([255, 128, 0, 255]),
                Arg::Color([1, 2, 3, 4]),
                Arg::Midi([0, 0x90, 60, 127]),
                Arg::Midi([3, 0xb0, 7, 100]),
                Arg::Time(crate::wire::time::from_unix_nanos(NOW + 200_000_000)),
                Arg::Time(1),
                Arg::Bool(true),
                Arg::Nil,
                Arg::Impulse,
            ]
        );
        assert_eq!(
            args(r#"[ 1 [ ] "]" ] "f:1" "+""#),
            [Arg::Array(vec![Arg::Int(1), Arg::Array(vec![]), Arg::Text("]".into())]), Arg::Text("f:1".into()), Arg::Text("+".into())]
        );
    }

    #[test]
    fn what_cannot_be_is_told() {
        for line in [
            "i:x",
            "i:5000000000",
            "h:0.5",
            "f:",
            "b:f",
            "b:0g",
            "c:ab",
            "c:",
            "r:ff",
            "m:90,60",
            "m:190,60,1",
            "m:90,60,300",
            "t:soon",
            "[ 1",
            "1 ]",
            "1e39",
        ] {
            assert!(read(&format!("/x {line}")).is_err(), "{line}");
        }
        for line in ["x", "/", "/a b+ + x", "+ /a", "/a +", "/a + + /b", "\"/a\"", "/a#"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_plus_stands_between_the_messages_of_a_bundle() {
        let three = read("/a 1 + /b s:+ + /c").expect("three messages");
        assert_eq!(three.iter().map(|message| message.address.as_str()).collect::<Vec<_>>(), ["/a", "/b", "/c"]);
        assert!(matches!(packet(three, None), Packet::Bundle(Bundle { time: 1, elements }) if elements.len() == 3));
        let one = || read("/a 1").expect("a message");
        assert_eq!(packet(one(), None), Packet::Message(Message::new("/a", vec![Arg::Int(1)])));
        assert!(matches!(packet(one(), Some(7)), Packet::Bundle(Bundle { time: 7, .. })));
    }

    #[test]
    fn what_is_spelt_is_read_back() {
        let all = vec![
            Arg::Int(-3),
            Arg::Long(7),
            Arg::Long(-7_000_000_000),
            Arg::Float(1.0),
            Arg::Float(1e-12),
            Arg::Float(f32::MAX),
            Arg::Float(f32::NEG_INFINITY),
            Arg::Double(0.1),
            Arg::Double(1.0),
            Arg::Text("800 Hz".into()),
            Arg::Text("5".into()),
            Arg::Text("f:5".into()),
            Arg::Text("T".into()),
            Arg::Text("+".into()),
            Arg::Text("[".into()),
            Arg::Text(String::new()),
            Arg::Text("a \"b\" \\ \n\t".into()),
            Arg::Text("é".into()),
            Arg::Blob(vec![1, 2, 254]),
            Arg::Blob(vec![]),
            Arg::Time(1),
            Arg::Time(crate::wire::time::from_unix_nanos(NOW - 20_000_000)),
            Arg::Char('é'),
            Arg::Color([1, 2, 3, 4]),
            Arg::Midi([0, 0x90, 60, 100]),
            Arg::Midi([1, 0x05, 200, 255]),
            Arg::Bool(true),
            Arg::Bool(false),
            Arg::Nil,
            Arg::Impulse,
            Arg::Array(vec![Arg::Int(1), Arg::Array(vec![]), Arg::Text("abcd".into())]),
        ];
        assert_eq!(types(&all), "ihhffffddsssssssssbbttcrmmTFNI[i[]s]");
        let message = Message::new("/x", all);
        let line = spell(&message, NOW);
        assert_eq!(read(&line), Ok(vec![message]), "{line}");
    }
}
