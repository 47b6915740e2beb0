//! What the musician did wrong, as data: drawn for the terminal, for `/fail` and for a page by others.

use std::ops::Range;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the patch plays.
    Note,
    /// Probably not meant; the patch plays.
    Warning,
    /// The patch cannot play.
    Error,
}

/// A place in the source text and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the source.
    pub span: Range<usize>,
    /// What stands under the mark; may be empty.
    pub text: String,
}

/// A file other than the one that was asked about: one that it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherFile {
    /// As it is called in what is said.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One mistake or remark, complete in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, such as `unknown-module`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence: what is wrong.
    pub message: String,
    /// Where, the most telling place first; empty only where no place exists.
    pub labels: Vec<Label>,
    /// What was expected or what to do.
    pub help: Option<String>,
    /// The text that would be right in place of the first label, where there is one nearest right thing.
    pub fix: Option<String>,
    /// The file in which all its places are; `None`: the one that was asked about.
    pub file: Option<Arc<OtherFile>>,
}

impl Diagnostic {
    /// An error at a place. `[control]`
    pub fn error(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning at a place. `[control]`
    pub fn warning(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    /// A remark at a place. `[control]`
    pub fn note(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, span, message)
    }

    fn new(severity: Severity, code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            labels: vec![Label { span, text: String::new() }],
            help: None,
            fix: None,
            file: None,
        }
    }

    /// The same with words under the mark of its first place. `[control]`
    #[must_use]
    pub fn mark(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// The same with one more place. `[control]`
    #[must_use]
    pub fn label(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// The same with what was expected or what to do. `[control]`
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with the text that would be right. `[control]`
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Whether any of these keeps a patch from playing. `[control]`
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Line and column, both from 1, of a byte of a text; columns count characters. `[control]`
pub fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let text = "äb\ncd\n";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 1), (1, 1), "inside a character counts as its start");
        assert_eq!(line_and_column(text, 2), (1, 2));
        assert_eq!(line_and_column(text, 4), (2, 1));
        assert_eq!(line_and_column(text, 99), (3, 1), "beyond the end is the end");
    }
}
