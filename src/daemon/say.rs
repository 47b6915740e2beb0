//! What the daemon says: sentences for a person, or one JSON object a line for a program.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::control::Message;
use crate::osc::json::object as message_object;
use crate::osc::text::spell;

/// Lines that wait to be written at most; what happens beyond them is not said, but counted.
const MOST: usize = 4096;
/// How long the end waits for who does not read.
const LAST_WORDS: Duration = Duration::from_millis(500);

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

/// Says what happens, on a thread of its own. Whoever listens may go away at any time, or not read at all: that is no mistake, and nothing
/// waits for it.
#[derive(Debug)]
pub struct Voice {
    tongue: Tongue,
    to: Sender<Said>,
    /// Lines that wait to be written.
    waiting: Arc<AtomicUsize>,
    /// Lines that were not said since last asked.
    unsaid: AtomicU64,
}

/// What the thread is told to write.
#[derive(Debug)]
enum Said {
    Out(String),
    Aside(String),
    /// The line that stands below all others on a terminal.
    Standing(String),
}

/// Takes away the line on which the cursor stands.
const CLEAR: &str = "\r\x1b[K";

impl Voice {
    /// Speaks like this. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn start(tongue: Tongue) -> io::Result<Self> {
        let terminal = tongue != Tongue::Json && io::stderr().is_terminal();
        let (to, from) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&waiting);
        thread::Builder::new().name("voice".into()).spawn(move || write_all(&from, &counted, terminal))?;
        Ok(Self { tongue, to, waiting, unsaid: AtomicU64::new(0) })
    }

    /// Says an event: `text` to a person; its name, `fields` (an object) and text to a program. An empty text is for programs only.
    /// `[control]`
    pub fn event(&self, name: &str, fields: Value, text: &str) {
        match self.tongue {
            Tongue::Json => self.unless_full(Said::Out(object(name, fields, text))),
            _ if text.is_empty() => {}
            Tongue::Aside => self.unless_full(Said::Aside(text.to_owned())),
            Tongue::Plain => self.unless_full(Said::Out(text.to_owned())),
        }
    }

    /// Shows a line below all others on a terminal, in place of the one before; an empty one takes it away. Elsewhere nothing is shown.
    /// `[control]`
    pub fn stand(&self, text: &str) {
        self.unless_full(Said::Standing(text.to_owned()));
    }

    /// Says the answer to a line of standard input, however many wait: who does not read them is not listened to, [`Self::is_behind`].
    /// `[control]`
    pub fn answer(&self, answer: &Message) {
        self.say(Said::Out(self.spelt(answer)));
    }

    /// Says a message that came of itself, or late. `[control]`
    pub fn tell(&self, message: &Message) {
        self.unless_full(Said::Out(self.spelt(message)));
    }

    /// Whether so much waits to be written that no more is to be asked for. `[control]`
    pub fn is_behind(&self) -> bool {
        self.waiting.load(Relaxed) >= MOST / 2
    }

    /// How much was not said since last asked, because nobody read what came before. `[control]`
    pub fn take_unsaid(&self) -> u64 {
        self.unsaid.swap(0, Relaxed)
    }

    /// Waits until all is written, or so long that nobody seems to read it. `[control]`
    pub fn finish(&self) {
        let end = Instant::now() + LAST_WORDS;
        while self.waiting.load(Relaxed) > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn spelt(&self, message: &Message) -> String {
        let text = spell(message);
        if self.tongue == Tongue::Json { object("answer", message_object(message), &text) } else { text }
    }

    fn unless_full(&self, said: Said) {
        if self.waiting.load(Relaxed) < MOST {
            self.say(said);
        } else {
            self.unsaid.fetch_add(1, Relaxed);
        }
    }

    fn say(&self, said: Said) {
        self.waiting.fetch_add(1, Relaxed);
        // The thread lives as long as this does.
        let _ = self.to.send(said);
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Writes what is said, until nobody says anything any more.
fn write_all(from: &Receiver<Said>, waiting: &AtomicUsize, terminal: bool) {
    let mut standing = String::new();
    for said in from {
        let _ = match said {
            Said::Standing(line) if terminal && line != standing => {
                standing = line;
                write!(io::stderr(), "{CLEAR}{standing}")
            }
            Said::Standing(_) => Ok(()),
            Said::Out(line) => above(&standing, || print(&line)),
            Said::Aside(line) => above(&standing, || writeln!(io::stderr(), "{line}")),
        };
        waiting.fetch_sub(1, Relaxed);
    }
}

/// Writes above the line that stands there.
fn above(standing: &str, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if standing.is_empty() {
        return write();
    }
    write!(io::stderr(), "{CLEAR}")?;
    write()?;
    write!(io::stderr(), "{standing}")
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
        let message = Message::new("/x/y", vec![0.5.into(), "two words".into()]);
        let line = object("answer", message_object(&message), &spell(&message));
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read, json!({ "event": "answer", "address": "/x/y", "args": [0.5, "two words"], "text": "/x/y 0.5 \"two words\"" }));
    }

    #[test]
    fn what_nobody_reads_is_held_back_and_counted_but_answers_are_kept() {
        let (to, nobody) = channel();
        let voice = Voice { tongue: Tongue::Plain, to, waiting: Arc::default(), unsaid: AtomicU64::new(0) };
        let message = Message::new("/x", Vec::new());
        for n in 0..MOST + 10 {
            assert_eq!(voice.is_behind(), n >= MOST / 2, "{n}");
            voice.tell(&message);
        }
        voice.event("x", json!({}), "x");
        voice.answer(&message);
        assert_eq!((voice.take_unsaid(), voice.take_unsaid()), (11, 0));
        assert_eq!(nobody.try_iter().count(), MOST + 1);
        voice.waiting.store(0, Relaxed);
    }
}
