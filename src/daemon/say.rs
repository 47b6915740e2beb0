//! What the daemon says: sentences for a person, or one JSON object a line for a program.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use serde_json::{Value, json};

/// Where and how it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// Sentences on standard output.
    Plain,
    /// Sentences on standard error: standard output belongs to the answers to standard input.
    Aside,
    /// One JSON object a line on standard output.
    Json,
}

/// Says what happens. Whoever listens may go away at any time: that is no mistake.
#[derive(Debug)]
pub struct Voice {
    tongue: Tongue,
    /// Lines of several threads do not mix; what stands below them all.
    line: Mutex<String>,
    /// There is a terminal on which a line can stand.
    terminal: bool,
}

/// Takes away the line on which the cursor stands.
const CLEAR: &str = "\r\x1b[K";

impl Voice {
    /// Speaks like this. `[control]`
    pub fn new(tongue: Tongue) -> Self {
        let terminal = tongue != Tongue::Json && std::io::stderr().is_terminal();
        Self { tongue, line: Mutex::default(), terminal }
    }

    /// Says an event: `text` to a person; its name, `fields` (an object) and text to a program. An empty text is for programs only.
    /// `[control]`
    pub fn event(&self, name: &str, fields: Value, text: &str) {
        match self.tongue {
            Tongue::Json => self.write(&object(name, fields, text)),
            _ if text.is_empty() => {}
            _ => self.write(text),
        }
    }

    /// Shows a line below all others on a terminal, in place of the one before; an empty one takes it away. Elsewhere nothing is shown.
    /// `[control]`
    pub fn stand(&self, text: &str) {
        let Ok(mut line) = self.line.lock() else { return };
        if self.terminal && *line != text {
            let _ = write!(std::io::stderr(), "{CLEAR}{text}");
            text.clone_into(&mut line);
        }
    }

    /// Writes above the line that stands there.
    fn above(&self, write: impl FnOnce() -> std::io::Result<()>) {
        let line = self.line.lock();
        let standing = line.as_deref().map_or("", String::as_str);
        if !standing.is_empty() {
            let _ = write!(std::io::stderr(), "{CLEAR}");
        }
        let _ = write();
        if !standing.is_empty() {
            let _ = write!(std::io::stderr(), "{standing}");
        }
    }

    /// Writes the answer to a line of standard input. `[control]`
    pub fn answer(&self, line: &str) {
        match self.tongue {
            Tongue::Json => self.write(&object("answer", json!({}), line)),
            Tongue::Plain | Tongue::Aside => self.above(|| print(line)),
        }
    }

    fn write(&self, line: &str) {
        self.above(|| if self.tongue == Tongue::Aside { writeln!(std::io::stderr(), "{line}") } else { print(line) });
    }
}

fn print(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

fn object(name: &str, fields: Value, text: &str) -> String {
    let mut said = json!({ "event": name });
    if let (Some(said), Value::Object(fields)) = (said.as_object_mut(), fields) {
        said.extend(fields);
        if !text.is_empty() {
            said.insert("text".to_owned(), text.into());
        }
    }
    said.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_json() {
        let line = object("x\"y", json!({ "a": "tab\there", "b": 0.5 }), "two\nlines \\");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["event"], "x\"y");
        assert_eq!(read["a"], "tab\there");
        assert_eq!(read["b"], 0.5);
        assert_eq!(read["text"], "two\nlines \\");
        assert!(!line.contains('\n'));
    }
}
