//! The mistakes found so far in one file.

use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::nearest;

use super::codes;
use super::model::ModuleId;

/// Mistakes that are told of one file; what lies beyond is counted.
const TOLD: usize = 1000;

/// Names compared in search of nearest ones in one file: a file full of wrong names must not take long.
const COMPARED: usize = 200_000;

/// Collects mistakes, and finds nearest names within a bounded effort.
#[derive(Debug)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    beyond: usize,
    errors: usize,
    to_compare: usize,
    /// Sides asked of mono kinds, which have them only where they are fed stereo.
    pub sides: Vec<(ModuleId, usize, Diagnostic)>,
}

impl Findings {
    pub fn new() -> Self {
        Self { list: Vec::new(), beyond: 0, errors: 0, to_compare: COMPARED, sides: Vec::new() }
    }

    /// One more.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        if self.list.len() < TOLD {
            self.list.push(diagnostic);
        } else {
            self.beyond += 1;
        }
    }

    /// The same, unless it was told already.
    pub fn report_once(&mut self, diagnostic: Diagnostic) {
        if !self.list.contains(&diagnostic) {
            self.report(diagnostic);
        }
    }

    /// Errors so far.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many are told so far.
    pub fn told(&self) -> usize {
        self.list.len()
    }

    /// Takes back what would be right of all told since: their places are only roughly known.
    pub fn without_fixes_since(&mut self, told: usize) {
        for diagnostic in self.list.iter_mut().skip(told) {
            diagnostic.fix = None;
        }
    }

    /// Whether the effort for nearest names lasts.
    pub fn searches(&self) -> bool {
        self.to_compare > 0
    }

    /// The nearest right name, as long as the effort lasts.
    pub fn nearest<'a>(&mut self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let left = self.to_compare;
        let mut compared = 0;
        let found = nearest::nearest(written, candidates.into_iter().take(left).inspect(|_| compared += 1));
        self.to_compare -= compared;
        found
    }

    /// All, in the order of the file; after them what stands in included files.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| match diagnostic.file {
            None => (false, diagnostic.labels.first().map_or(0, |label| label.span.start)),
            Some(_) => (true, 0),
        });
        if self.beyond > 0 {
            let last = self.list.iter().rfind(|diagnostic| diagnostic.file.is_none());
            let end = last.and_then(|last| last.labels.first()).map_or(0, |label| label.span.end);
            self.list.push(Diagnostic::note(codes::TOO_MANY, end..end, format!("{} more mistakes are not shown", self.beyond)));
        }
        self.list
    }
}
