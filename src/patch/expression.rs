//! Expressions as they are written: sums of products with parentheses, every piece with its place in the file.
//!
//! A recursive-descent parser that goes on after a mistake, so that one run tells them all.

use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::names;

use super::codes;
use super::document::Origin;
use super::findings::Findings;
use super::quantity::{self, Fault, Quantity};

/// Parentheses within parentheses at most.
const DEEPEST: usize = 32;

/// A sum.
#[derive(Clone, Debug)]
pub(super) struct Expression<'t> {
    pub products: Vec<Product<'t>>,
}

/// One term of a sum.
#[derive(Clone, Debug)]
pub(super) struct Product<'t> {
    pub factors: Vec<Factor<'t>>,
    pub span: Range<usize>,
}

/// One factor of a product.
#[derive(Clone, Debug)]
pub(super) enum Factor<'t> {
    Number(Quantity, Range<usize>),
    Name(Name<'t>),
    Group(Expression<'t>, Range<usize>),
}

/// `module.output.left`: its words and where they stand.
#[derive(Clone, Debug)]
pub(super) struct Name<'t> {
    pub words: Vec<(&'t str, Range<usize>)>,
    pub span: Range<usize>,
}

/// Reads a text. Where its form is wrong, which has then been reported, gives as an error what could be understood of it, so that the
/// names in it can still be looked at.
pub(super) fn read<'t>(text: &'t str, origin: &Origin, findings: &mut Findings) -> Result<Expression<'t>, Expression<'t>> {
    if text.trim().is_empty() {
        let help = "write a number, a source such as `osc.saw`, or a sum of them; leave the key out for its default";
        findings.report(Diagnostic::error(codes::EXPECTED_TERM, origin.whole(), "the expression is empty").help(help));
        return Err(Expression { products: Vec::new() });
    }
    let mut parser = Parser { text, at: 0, origin, findings, broken: false, depth: 0, joins: false };
    let expression = parser.sum();
    while parser.at < text.len() {
        // Only a `)` without a partner ends a sum before the text does.
        let at = parser.at;
        parser.wrong(codes::PARENTHESIS, at, at + 1, "this `)` closes nothing", Some("remove it, or open it with `(` before"));
        parser.at += 1;
        parser.sum_after_stray();
    }
    if parser.broken { Err(expression) } else { Ok(expression) }
}

impl<'t> Expression<'t> {
    /// Every name in it, also those in parentheses.
    pub fn names(&self, each: &mut dyn FnMut(&Name<'t>)) {
        for factor in self.products.iter().flat_map(|product| &product.factors) {
            match factor {
                Factor::Name(name) => each(name),
                Factor::Group(inner, _) => inner.names(each),
                Factor::Number(..) => {}
            }
        }
    }
}

struct Parser<'t, 'f> {
    text: &'t str,
    at: usize,
    origin: &'f Origin,
    findings: &'f mut Findings,
    broken: bool,
    depth: usize,
    /// The sign that follows also joins two terms.
    joins: bool,
}

impl<'t> Parser<'t, '_> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn wrong(&mut self, code: &'static str, from: usize, to: usize, message: &str, help: Option<&str>) {
        self.broken = true;
        let mut diagnostic = Diagnostic::error(code, self.origin.span(from, to), message);
        diagnostic.help = help.map(str::to_owned);
        self.findings.report(diagnostic);
    }

    fn fault(&mut self, start: usize, fault: Fault) {
        self.broken = true;
        let span = self.origin.span(start + fault.from, start + fault.to);
        let diagnostic = Diagnostic::error(fault.code, span, fault.message);
        self.findings.report(Diagnostic { help: fault.help, fix: fault.fix, ..diagnostic });
    }

    fn sum(&mut self) -> Expression<'t> {
        let mut products = Vec::new();
        loop {
            products.push(self.product());
            match self.peek() {
                Some('+') => self.at += 1,
                Some('-') => self.joins = true, // and is the sign of the number that follows
                _ => return Expression { products },
            }
        }
    }

    /// What follows a `)` that closes nothing is still looked at.
    fn sum_after_stray(&mut self) {
        match self.peek() {
            Some('+' | '*') => {
                self.at += 1;
                self.sum();
            }
            Some('-') => {
                self.sum();
            }
            Some(')') | None => {}
            Some(_) => {
                self.sum();
            }
        }
    }

    fn product(&mut self) -> Product<'t> {
        self.peek();
        let start = self.at;
        let mut factors = Vec::new();
        factors.extend(self.factor());
        let mut end = self.at;
        loop {
            match self.peek() {
                Some('*') => {
                    self.at += 1;
                    factors.extend(self.factor());
                }
                Some('/') => self.division(),
                Some('+' | '-' | ')') | None => break,
                Some(c) if c.is_ascii_alphanumeric() || matches!(c, '(' | '.' | '_') => {
                    let at = self.at;
                    self.factor();
                    self.wrong(
                        codes::EXPECTED_OPERATOR,
                        at,
                        self.at.max(at + 1),
                        "two things stand side by side",
                        Some("write `+` between them to mix, `*` to multiply"),
                    );
                }
                Some(_) => {
                    self.bad_character();
                    // It stood for an operator: what follows is the factor after it.
                    if self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '(') {
                        self.factor();
                    }
                }
            }
            end = self.at;
        }
        Product { factors, span: self.origin.span(start, end) }
    }

    fn division(&mut self) {
        let from = self.at;
        self.at += 1;
        let by = match self.factor() {
            Some(Factor::Number(Quantity::Plain(x), _)) if x != 0.0 => Some(x),
            _ => None,
        };
        self.broken = true;
        let span = self.origin.span(from, self.at);
        let mut diagnostic = Diagnostic::error(codes::DIVISION, span, "there is no division");
        diagnostic.help = Some(match by {
            Some(_) => "multiply by the reciprocal".to_owned(),
            None => "multiply by the reciprocal, such as `* 0.5`; a musical time is written without spaces: `1/8`".to_owned(),
        });
        diagnostic.fix = by.map(|x| format!("* {}", 1.0 / x));
        self.findings.report(diagnostic);
    }

    fn bad_character(&mut self) {
        let from = self.at;
        let rest = self.rest();
        let plain = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "+-*/()._".contains(c);
        let length = rest.find(plain).unwrap_or(rest.len()).max(1);
        self.at += length;
        let help = match rest.chars().next() {
            Some(',') => "decimals are written with a point: `0.5`",
            Some('×' | '·') => "a product is written with `*`",
            Some('−' | '–') => "the minus sign is `-`",
            Some('#' | '♯' | '♭') => "sharps and flats stand in note names, such as `F#3` or `Bb2`",
            Some('[' | '{') => "parentheses are round",
            _ => "expressions are made of names, numbers, `+ - * ( )`",
        };
        let message = format!("`{}` means nothing in an expression", quantity::brief(&rest[..length]));
        self.wrong(codes::BAD_CHARACTER, from, from + length, &message, Some(help));
    }

    /// One factor; `None` where something else stands, which has then been reported.
    fn factor(&mut self) -> Option<Factor<'t>> {
        let c = self.peek();
        let start = self.at;
        let joins = std::mem::take(&mut self.joins);
        let sign = match c {
            Some(sign @ ('+' | '-')) => {
                self.at += 1;
                self.peek();
                Some(sign)
            }
            _ => None,
        };
        if quantity::begins_number(self.rest()) {
            let at = self.at;
            let (length, outcome) = quantity::scan(self.rest(), sign == Some('-'));
            self.at += length;
            return match outcome {
                Ok(quantity) => Some(Factor::Number(quantity, self.origin.span(start, self.at))),
                Err(fault) => {
                    self.fault(at, fault);
                    None
                }
            };
        }
        match self.peek() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' || c == '(' => {
                let at = self.at;
                let factor = if c == '(' { self.group() } else { self.word() };
                if let Some(sign) = sign {
                    self.sign(sign, joins, start, at);
                }
                factor
            }
            None | Some('+' | '-' | '*' | '/' | ')') => {
                let to = self.at + usize::from(self.at < self.text.len());
                let message = if sign.is_some() { "a number is missing after the sign" } else { "a number, a name or `(` is missing" };
                self.wrong(codes::EXPECTED_TERM, self.at, to, message, None);
                None
            }
            Some(_) => {
                self.bad_character();
                // What follows may be the factor that was meant.
                let goes_on = self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '(');
                if goes_on { self.factor() } else { None }
            }
        }
    }

    /// A sign that stands before a name or a parenthesis.
    fn sign(&mut self, sign: char, joins: bool, start: usize, at: usize) {
        self.broken = true;
        let written = &self.text[at..self.at];
        let right = match sign {
            '-' if joins => format!("+ {written} * -1"),
            '-' => format!("{written} * -1"),
            _ => written.to_owned(),
        };
        let diagnostic = Diagnostic::error(codes::SIGN, self.origin.span(start, self.at), "only a number has a sign")
            .help("the sign belongs to the number of the product: `* -1`, `* -0.5`");
        self.findings.report(diagnostic.fix(right));
    }

    fn group(&mut self) -> Option<Factor<'t>> {
        let start = self.at;
        if self.depth == DEEPEST {
            self.wrong(codes::TOO_DEEP, start, start + 1, "parentheses stand more than 32 deep", None);
            self.at = self.text.len(); // nothing sensible can follow
            return None;
        }
        self.at += 1;
        self.depth += 1;
        let inner = self.sum();
        self.depth -= 1;
        if self.peek() == Some(')') {
            self.at += 1;
        } else if !self.broken {
            self.wrong(codes::PARENTHESIS, start, start + 1, "this `(` is never closed", Some("add `)`"));
        }
        Some(Factor::Group(inner, self.origin.span(start, self.at)))
    }

    /// A name with its dots, or a note name.
    fn word(&mut self) -> Option<Factor<'t>> {
        let start = self.at;
        if self.rest().starts_with(|c: char| c.is_ascii_uppercase()) {
            let length = note_length(self.rest());
            let word = &self.rest()[..length];
            self.at += length;
            if let Some(number) = names::note_number(word) {
                let octaves = names::octaves_from_note(f64::from(number));
                return Some(Factor::Number(Quantity::Frequency(octaves), self.origin.span(start, self.at)));
            }
            self.fault(start, quantity::bad_note_name(word, 0, length));
            return None;
        }
        let mut words = Vec::new();
        loop {
            let rest = self.rest();
            let capital = !words.is_empty() && rest.starts_with(|c: char| c.is_ascii_uppercase());
            let length = if capital { note_length(rest) } else { word_length(rest) };
            if length == 0 {
                let to = self.at + rest.chars().next().map_or(0, char::len_utf8);
                self.wrong(codes::EXPECTED_TERM, self.at, to, "a name is missing after the dot", None);
                return None;
            }
            words.push((&rest[..length], self.origin.span(self.at, self.at + length)));
            self.at += length;
            if !self.rest().starts_with('.') {
                break;
            }
            self.at += 1;
        }
        Some(Factor::Name(Name { words, span: self.origin.span(start, self.at) }))
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// A capital, `#` or `b`, an octave that may be negative; else the whole word.
fn note_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    if matches!(bytes.get(at), Some(b'#' | b'b')) {
        at += 1;
    }
    if bytes.get(at) == Some(&b'-') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at + word_length(&text[at..])
}
