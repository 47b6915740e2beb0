//! Diagnostics as they are shown: drawn with the source line for a terminal, or in one line for `/fail` and logs.

use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet, normalize_untrusted_str};

use crate::base::diagnostic::{Diagnostic, Severity};

/// Source that is shown for one diagnostic at most [bytes]; where more would have to be, only the place is told.
const MOST_SOURCE: usize = 8192;

/// All diagnostics of a file, each with its place, source line, what was expected and what would be right; with a count at the end.
/// What stands in an included file is shown there. Ends with a line break where there are any. `[control]`
pub fn draw(file_name: &str, text: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let source = Source::new(file_name, text);
    let mut drawn = String::new();
    for diagnostic in diagnostics {
        let other = diagnostic.file.as_ref().map(|file| Source::new(&file.name, &file.text));
        let report = other.as_ref().unwrap_or(&source).report(diagnostic);
        drawn.push_str(&renderer.render(&report));
        drawn.push_str("\n\n");
    }
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let told = [(count(Severity::Error), "mistake"), (count(Severity::Warning), "warning")];
    let told: Vec<_> =
        told.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}{}", if *n == 1 { "" } else { "s" })).collect();
    if !told.is_empty() {
        let _ = writeln!(drawn, "{}: {}", normalize_untrusted_str(file_name), told.join(", "));
    }
    drawn
}

/// `file:line:column: error[code]: message`, with what would be right. Line and column count from 1. `[control]`
pub fn one_line(file_name: &str, text: &str, diagnostic: &Diagnostic) -> String {
    let (file_name, text) = diagnostic.file.as_ref().map_or((file_name, text), |file| (&file.name, &file.text));
    let mut line = Source::new(file_name, text).place(diagnostic);
    let _ = write!(line, " {}[{}]: {}", severity(diagnostic.severity), diagnostic.code, diagnostic.message);
    match (&diagnostic.fix, &diagnostic.help) {
        (Some(fix), _) => {
            let _ = write!(line, " (did you mean {fix}?)");
        }
        (None, Some(help)) => {
            let _ = write!(line, " ({help})");
        }
        (None, None) => {}
    }
    normalize_untrusted_str(&line.replace(['\n', '\r'], " "))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A file and where its lines begin.
struct Source<'a> {
    file_name: &'a str,
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    fn new(file_name: &'a str, text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file_name, text, lines }
    }

    /// Number of the line, from 0, in which a byte lies.
    fn line_of(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    fn floor(&self, byte: usize) -> usize {
        let mut at = byte.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// `file:line:column:`
    fn place(&self, diagnostic: &Diagnostic) -> String {
        let Some(label) = diagnostic.labels.first() else { return format!("{}:", self.file_name) };
        let at = self.floor(label.span.start);
        let line = self.line_of(at);
        let column = self.text[self.lines[line]..at].chars().count() + 1;
        format!("{}:{}:{column}:", self.file_name, line + 1)
    }

    /// The whole lines in which the labels of a diagnostic stand: bytes, and the number of the first line from 1.
    fn window(&self, diagnostic: &Diagnostic) -> Option<(Range<usize>, usize)> {
        let from = diagnostic.labels.iter().map(|label| label.span.start).min()?;
        let to = diagnostic.labels.iter().map(|label| label.span.end).max()?;
        let (first, last) = (self.line_of(self.floor(from)), self.line_of(self.floor(to)));
        let end = self.lines.get(last + 1).map_or(self.text.len(), |next| next - 1);
        let window = self.lines[first]..end;
        (window.len() <= MOST_SOURCE).then_some((window, first + 1))
    }

    fn report(&self, diagnostic: &Diagnostic) -> Vec<Group<'a>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let window = self.window(diagnostic);
        let message = normalize_untrusted_str(&diagnostic.message);
        let title = match &window {
            Some(_) => message,
            None => format!("{} {message}", self.place(diagnostic)),
        };
        let mut group = Group::with_title(level.primary_title(title).id(diagnostic.code));
        if let Some((window, line)) = &window {
            let inside = |span: &Range<usize>| {
                let start = self.floor(span.start).clamp(window.start, window.end);
                let end = self.floor(span.end).clamp(start, window.end);
                start - window.start..end - window.start
            };
            let mut snippet = Snippet::source(&self.text[window.clone()]).path(self.file_name).line_start(*line);
            for (at, label) in diagnostic.labels.iter().enumerate() {
                let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let annotation = kind.span(inside(&label.span));
                snippet = snippet.annotation(match label.text.as_str() {
                    "" => annotation,
                    text => annotation.label(normalize_untrusted_str(text)),
                });
            }
            group = group.element(snippet);
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
        }
        let mut groups = vec![group];
        if let (Some(fix), Some((window, line)), Some(label)) = (&diagnostic.fix, window, diagnostic.labels.first()) {
            let start = self.floor(label.span.start).clamp(window.start, window.end);
            let end = self.floor(label.span.end).clamp(start, window.end);
            let patch = Patch::new(start - window.start..end - window.start, normalize_untrusted_str(fix));
            let snippet = Snippet::source(&self.text[window]).line_start(line).patch(patch);
            groups.push(Level::HELP.secondary_title("did you mean this?").element(snippet));
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::diagnostic::{Label, OtherFile};

    #[test]
    fn drawings_show_place_line_help_and_fix() {
        let text = "[voice.osc]\ntype = \"vcoo\"\n";
        let diagnostic = Diagnostic::error("unknown-type", 19..25, "there is no module of type \"vcoo\"")
            .label(0..11, "in this table")
            .help("types are vco")
            .fix("\"vco\"");
        let drawn = draw("a.toml", text, std::slice::from_ref(&diagnostic), false);
        for part in [
            "error[unknown-type]: there is no module",
            "--> a.toml:2:8",
            "type = \"vcoo\"",
            "in this table",
            "types are vco",
            "type = \"vco\"",
            "a.toml: 1 mistake",
        ] {
            assert!(drawn.contains(part), "{part} is missing in\n{drawn}");
        }
        assert!(draw("a.toml", text, std::slice::from_ref(&diagnostic), true).contains("\u{1b}["));
        let line = one_line("a.toml", text, &diagnostic);
        assert_eq!(line, "a.toml:2:8: error[unknown-type]: there is no module of type \"vcoo\" (did you mean \"vco\"?)");
        let file = OtherFile { name: "parts/b.toml".into(), text: format!("\n{text}") };
        let inside = Diagnostic { file: Some(Arc::new(file)), labels: vec![Label { span: 20..26, text: String::new() }], ..diagnostic };
        assert!(draw("a.toml", "", std::slice::from_ref(&inside), false).contains("--> parts/b.toml:3:8"));
        assert!(one_line("a.toml", "", &inside).starts_with("parts/b.toml:3:8: "));
    }

    #[test]
    fn nothing_breaks_a_drawing() {
        let long = "x".repeat(100_000);
        for text in ["", "\n\n", "ä", "\u{1b}[31m\t\u{0}", &long] {
            let (late, early) = (500, 400);
            for span in [0..0, 0..1, 1..1, 0..text.len(), late..early, 7..999_999] {
                let diagnostic = Diagnostic::error("x", span.clone(), "\u{1b}[31mred\n\n").label(span, "\u{7}").fix("\u{1b}").help("\n");
                let drawn = draw("f", text, std::slice::from_ref(&diagnostic), false);
                assert!(!drawn.contains('\u{1b}'), "escape sequences of a file do not reach the terminal: {drawn:?}");
                assert!(!one_line("f", text, &diagnostic).contains(['\n', '\u{1b}']));
            }
        }
        let mut nowhere = Diagnostic::error("x", 0..0, "no place");
        nowhere.labels.clear();
        assert!(draw("f", "text", std::slice::from_ref(&nowhere), false).contains("no place"));
    }
}
