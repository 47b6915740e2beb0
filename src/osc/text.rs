//! Messages as lines of text: `/acid/filter/cutoff 800`, `/acid/note C3 0.8 "1/8"`.

use crate::control::{Client, Control, Group, Message, Origin, Value, When};

/// Bytes of a line at most: as of a packet of a connection.
pub const LONGEST: usize = 1 << 20;

/// Why a line is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It does not begin with an address.
    #[error("a line begins with an address such as /acid/filter/cutoff; `{0}` is none")]
    NoAddress(String),
    /// A quotation mark stands alone.
    #[error("a quotation mark is not closed")]
    OpenQuote,
    /// It has more than [`LONGEST`] bytes.
    #[error("a line has {LONGEST} bytes at most")]
    TooLong,
}

/// Words of a line; in quotation marks they may hold spaces, `\n`, `\r` and `\t` are what they are elsewhere, and `\` takes any other
/// character as it is. Whether it was quoted stands beside each.
///
/// # Errors
/// [`BadLine::OpenQuote`]. `[control]`
pub fn words(line: &str) -> Result<Vec<(String, bool)>, BadLine> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    while let Some(first) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut word = String::new();
        if first == '"' {
            loop {
                match chars.next().ok_or(BadLine::OpenQuote)? {
                    '"' => break,
                    '\\' => word.push(match chars.next().ok_or(BadLine::OpenQuote)? {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        c => c,
                    }),
                    c => word.push(c),
                }
            }
            words.push((word, true));
        } else {
            word.push(first);
            while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                word.push(c);
            }
            words.push((word, false));
        }
    }
    Ok(words)
}

/// A bare word as the value it looks like: a whole number, a number, `true`, `false`, else text. `[control]`
pub fn guess(word: &str) -> Value {
    if let Ok(x) = word.parse::<i64>() {
        return Value::Integer(x);
    }
    let numeric = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match word.parse::<f64>() {
            Ok(x) if numeric => Value::Number(x),
            _ => Value::Text(word.to_owned()),
        },
    }
}

/// The message that a line says; `None` for an empty line or one that begins with `#`.
///
/// # Errors
/// Why it says none. `[control]`
pub fn read(line: &str) -> Result<Option<Message>, BadLine> {
    if line.len() > LONGEST {
        return Err(BadLine::TooLong);
    }
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut words = words(line)?.into_iter();
    let (address, quoted) = words.next().unwrap_or_default();
    if quoted || !address.starts_with('/') {
        return Err(BadLine::NoAddress(address));
    }
    let values = words.map(|(word, quoted)| if quoted { Value::Text(word) } else { guess(&word) });
    Ok(Some(Message::new(address, values.collect())))
}

/// A message as the line that says it. `[control]`
pub fn spell(message: &Message) -> String {
    let mut line = message.address.clone();
    for value in &message.values {
        line.push(' ');
        match value {
            Value::Text(text) if plain(text) => line.push_str(text),
            Value::Text(text) => {
                line.push('"');
                for c in text.chars() {
                    match c {
                        '"' | '\\' => line.extend(['\\', c]),
                        '\n' => line.push_str("\\n"),
                        '\r' => line.push_str("\\r"),
                        '\t' => line.push_str("\\t"),
                        c => line.push(c),
                    }
                }
                line.push('"');
            }
            other => line.push_str(&other.to_string()),
        }
    }
    line
}

/// Whether a text needs no quotation marks to be read as it is.
fn plain(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\\'))
        && guess(text) == Value::Text(text.to_owned())
}

/// Does what a line says and gives what answers it. `[control]`
pub fn answer(control: &mut Control, line: &str) -> Vec<Message> {
    match read(line) {
        Ok(None) => Vec::new(),
        Ok(Some(message)) => {
            let group = Group { at: When::Now, messages: vec![message] };
            control.apply(Client::of(Origin::Lines), &[group])
        }
        Err(bad) => vec![Message::new("/fail", vec!["".into(), "line".into(), bad.to_string().into()])],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_look() {
        let message = |line| read(line).expect("a sound line").expect("a message");
        assert_eq!(message("/acid/filter/cutoff 800"), Message::new("/acid/filter/cutoff", vec![Value::Integer(800)]));
        assert_eq!(
            message(r#"  /x  -1.5 1e3 true C3 "800 Hz" "" "5" "a \"b\" \\" inf 1/8  "#),
            Message::new(
                "/x",
                vec![
                    Value::Number(-1.5),
                    Value::Number(1000.0),
                    Value::Bool(true),
                    "C3".into(),
                    "800 Hz".into(),
                    "".into(),
                    "5".into(),
                    r#"a "b" \"#.into(),
                    "inf".into(),
                    "1/8".into(),
                ]
            )
        );
        assert_eq!(read(""), Ok(None));
        assert_eq!(read(" # /x 1"), Ok(None));
        assert_eq!(read("x 1"), Err(BadLine::NoAddress("x".into())));
        assert_eq!(read("/x \"abc"), Err(BadLine::OpenQuote));
        assert_eq!(read(&"/".repeat(LONGEST + 1)), Err(BadLine::TooLong));
    }

    #[test]
    fn what_is_spelt_is_read_back() {
        let message = Message::new(
            "/x/y",
            vec![
                Value::Integer(-3),
                Value::Number(0.25),
                Value::Bool(false),
                "a b".into(),
                "5".into(),
                "q\"\\".into(),
                "two\nlines\t\\n".into(),
                "".into(),
                "-".into(),
            ],
        );
        assert_eq!(read(&spell(&message)), Ok(Some(message)));
    }
}
