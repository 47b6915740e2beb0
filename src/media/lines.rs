//! The lines of Scala's files: comments begin with `!`, what follows a value is no part of it.

/// Bytes of a Scala file at most.
pub const LARGEST: usize = 64 * 1024;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text}")]
pub struct Mistake {
    /// In which line, from 1.
    pub line: usize,
    /// One sentence.
    pub text: String,
}

impl Mistake {
    pub(super) fn new(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: text.into() }
    }
}

/// The lines that count, with their numbers from 1.
pub(super) struct Lines<'t> {
    lines: std::iter::Enumerate<std::str::Lines<'t>>,
    /// The last line that was given.
    at: usize,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str) -> Result<Self, Mistake> {
        if text.len() > LARGEST {
            return Err(Mistake::new(1, format!("the file is larger than {LARGEST} bytes: is this the right one?")));
        }
        Ok(Self { lines: text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate(), at: 0 })
    }

    /// The next line that is no comment, as it stands.
    pub fn next(&mut self) -> Option<(usize, &'t str)> {
        let (at, line) = self.lines.find(|(_, line)| !line.starts_with('!'))?;
        self.at = at + 1;
        Some((self.at, line))
    }

    /// The same, or what is missing.
    pub fn want(&mut self, what: &str) -> Result<(usize, &'t str), Mistake> {
        let end = self.at + 1;
        self.next().ok_or_else(|| Mistake::new(end, format!("the file ends here; {what} is missing")))
    }

    /// The first word of the next line that is neither a comment nor empty.
    pub fn word(&mut self) -> Option<(usize, &'t str)> {
        loop {
            let (at, line) = self.next()?;
            if let Some(word) = line.split_whitespace().next() {
                return Some((at, word));
            }
        }
    }

    /// A whole number in a range.
    pub fn whole(&mut self, what: &str, from: i64, to: i64) -> Result<(usize, i64), Mistake> {
        let (at, line) = self.want(what)?;
        let word = line.split_whitespace().next().unwrap_or("");
        match word.parse::<i64>() {
            Ok(number) if (from..=to).contains(&number) => Ok((at, number)),
            Ok(number) => Err(Mistake::new(at, format!("{what} goes from {from} to {to}, and this is {number}"))),
            Err(_) => Err(Mistake::new(at, format!("{what} is wanted, a whole number, and this is \"{}\"", brief(line)))),
        }
    }
}

/// At most the first 40 characters, for messages.
pub(super) fn brief(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
