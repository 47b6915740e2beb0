//! The file as it is written, which may be wrong: TOML with the place of every key and value.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::base::diagnostic::Diagnostic;

use super::codes;
use super::findings::Findings;

/// Bytes of the largest file that is read.
pub const LARGEST: usize = 1 << 20;

/// A file that has been read as TOML as far as it could be.
#[derive(Debug)]
pub(super) struct Document<'t> {
    pub text: &'t str,
    pub root: DeTable<'t>,
    /// Places of mistakes of form, ascending, each with the start of its line.
    broken: Vec<(usize, usize)>,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry<'d, 't> {
    pub key: &'d str,
    pub key_span: Range<usize>,
    pub value: &'d DeValue<'t>,
    pub span: Range<usize>,
    /// A mistake of form stands in it: it is there, but nothing is to be said of its value.
    pub broken: bool,
}

/// Where the bytes of a text stand in the file.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    start: Option<usize>,
    whole: Range<usize>,
}

impl Origin {
    /// Place in the file of a part of the text; of the whole text where escapes hide the part.
    pub fn span(&self, from: usize, to: usize) -> Range<usize> {
        self.start.map_or_else(|| self.whole.clone(), |start| start + from..start + to)
    }

    /// The whole value with its quotes.
    pub fn whole(&self) -> Range<usize> {
        self.whole.clone()
    }

    /// Whether parts have places of their own.
    pub fn exact(&self) -> bool {
        self.start.is_some()
    }
}

/// Reads TOML; what is wrong with its form is reported once a line.
pub(super) fn read<'t>(text: &'t str, findings: &mut Findings) -> Document<'t> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut broken = Vec::new();
    let (mut last, mut line) = (0, 0);
    let mut places: Vec<_> = errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message())).collect();
    places.sort_by_key(|(span, _)| span.start);
    for (span, message) in places {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        // Looking no further back than the last mistake keeps a line full of them from taking long.
        let new_line = text[last..start].rfind('\n').map(|at| last + at + 1);
        line = new_line.unwrap_or(line);
        if new_line.is_some() || broken.is_empty() {
            findings.report(tell(message, start..end));
        }
        broken.push((start, line));
        last = start;
    }
    Document { text, root: root.into_inner(), broken }
}

fn tell(message: &str, span: Range<usize>) -> Diagnostic {
    if message.starts_with("duplicate key") {
        return Diagnostic::error(codes::DUPLICATE_KEY, span, "this name stands twice").help("keep one of them");
    }
    // toml says "what is wrong, expected this".
    match message.split_once(", expected ") {
        Some(("string values must be quoted", _)) => {
            Diagnostic::error(codes::TOML_SYNTAX, span, "text must stand in quotes").help("such as \"osc.saw\"")
        }
        Some((what, expected)) => Diagnostic::error(codes::TOML_SYNTAX, span, what.to_owned()).help(format!("expected {expected}")),
        None => Diagnostic::error(codes::TOML_SYNTAX, span, message.to_owned()),
    }
}

fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl<'t> Document<'t> {
    /// Whether the form of the file is right.
    pub fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }

    /// The entries of a table in the order of the file.
    pub fn entries<'d>(&self, table: &'d DeTable<'t>) -> Vec<Entry<'d, 't>> {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let (key_span, span) = (key.span(), value.span());
                let broken = self.is_broken(key_span.start, span.end.max(key_span.end));
                Entry { key: key.get_ref(), key_span, value: value.get_ref(), span, broken }
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    /// Whether a mistake of form stands between here and the end of the line in which this ends.
    fn is_broken(&self, from: usize, to: usize) -> bool {
        let next = self.broken.partition_point(|(at, _)| *at < from);
        self.broken.get(next).is_some_and(|(at, line)| *at <= to || *line <= to)
    }

    /// Where the bytes of a string value stand.
    pub fn origin(&self, decoded: &str, span: &Range<usize>) -> Origin {
        let raw = self.text.get(span.clone()).unwrap_or("");
        let long = ["\"\"\"", "'''"].iter().any(|quotes| raw.starts_with(quotes) && raw.len() >= 6);
        let mut skip = if long { 3 } else { 1 };
        if long {
            // A line break right after the opening quotes is no part of the text.
            let opened = &raw[3..];
            skip += if opened.starts_with("\r\n") { 2 } else { usize::from(opened.starts_with('\n')) };
        }
        let same = raw.get(skip..).is_some_and(|inner| inner.starts_with(decoded));
        Origin { start: same.then_some(span.start + skip), whole: span.clone() }
    }

    /// A value that is no string, as its own text.
    pub fn bare(&self, span: &Range<usize>) -> &'t str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// Names in `[voice.name]` and `[global.name]` headers that stand alone on a line. Where the form is broken, tables may have
    /// been lost; their names are then still known.
    pub fn header_names(&self) -> impl Iterator<Item = &'t str> {
        self.text.lines().filter_map(|line| {
            let inner = line.trim_start().strip_prefix('[')?;
            let name = inner.strip_prefix("voice.").or_else(|| inner.strip_prefix("global."))?;
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            Some(&name[..end])
        })
    }
}
