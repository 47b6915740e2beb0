//! A map as it is written, before it is known what it turns.

use std::ops::Range;

use toml::de::DeValue;

use crate::base::diagnostic::Diagnostic;

use super::codes;
use super::document::Entry;
use super::model::{MapSource, Relative};
use super::reading::{Reading, as_number};
use super::scope::short;

/// Keys of a map's table.
pub const KEYS: [&str; 9] = ["to", "from", "min", "max", "curve", "pickup", "toggle", "relative", "step"];

/// The largest and the smallest travel of one click.
pub const STEP: (f64, f64) = (0.0001, 1.0);

const TARGETS: &str = "such as \"filter.cutoff\", or a list of such";

/// One map: where it listens, and what else is said of it.
#[derive(Clone, Debug)]
pub(super) struct Form<'d, 't> {
    /// `None`: it was wrong, and that was reported.
    pub from: Option<MapSource>,
    /// Names and where they stand.
    pub to: Vec<(&'d str, Range<usize>)>,
    pub range_in: Option<(f32, f32)>,
    pub min: Option<Entry<'d, 't>>,
    pub max: Option<Entry<'d, 't>>,
    pub curve: Option<Entry<'d, 't>>,
    pub pickup: bool,
    pub toggle: bool,
    pub relative: Option<Relative>,
    pub step: Option<f32>,
    pub span: Range<usize>,
}

impl<'d, 't> Reading<'d, 't> {
    /// The maps of one entry of `[map]`: a list may hold several tables.
    pub fn forms(&mut self, entry: &Entry<'d, 't>) -> Vec<Form<'d, 't>> {
        if entry.broken {
            return Vec::new();
        }
        let from = self.source(entry.key, entry.key_span.clone());
        let is_table = |value: &toml::Spanned<DeValue<'t>>| matches!(value.get_ref(), DeValue::Table(_));
        match entry.value {
            DeValue::Array(list) if list.iter().any(is_table) => {
                let each = list.iter().map(|value| Entry { value: value.get_ref(), span: value.span(), ..entry.clone() });
                each.filter_map(|one| self.form(&one, &from)).collect()
            }
            _ => self.form(entry, &from).into_iter().collect(),
        }
    }

    fn form(&mut self, entry: &Entry<'d, 't>, from: &Option<MapSource>) -> Option<Form<'d, 't>> {
        let mut form = Form {
            from: from.clone(),
            to: Vec::new(),
            range_in: None,
            min: None,
            max: None,
            curve: None,
            pickup: false,
            toggle: false,
            relative: None,
            step: None,
            span: entry.key_span.clone(),
        };
        let DeValue::Table(table) = entry.value else {
            form.to = self.names(entry)?;
            return Some(form);
        };
        let (mut to, mut click) = (None, None);
        for field in self.entries(table) {
            match field.key {
                "to" => to = Some(self.names(&field)),
                "from" => form.range_in = self.range_in(&field),
                "min" => form.min = Some(field),
                "max" => form.max = Some(field),
                "curve" => form.curve = Some(field),
                "pickup" => form.pickup = self.boolean(&field).unwrap_or(false),
                "toggle" => form.toggle = self.boolean(&field).unwrap_or(false),
                "relative" => form.relative = self.relative(&field),
                "step" => {
                    form.step = self.number(&field, STEP.0, STEP.1, false).map(|step| step as f32);
                    click = Some(field);
                }
                _ => self.unknown_key(&field, "a map", KEYS),
            }
        }
        if to.is_none() {
            let message = format!("map `{}` does not say what it turns", short(entry.key));
            self.findings.report(Diagnostic::error(codes::MISSING_KEY, entry.key_span.clone(), message).help("add `to = \"…\"`"));
        }
        form.to = to??;
        let contradiction = contradiction(Keys {
            from: form.from.as_ref(),
            range_in: form.range_in.is_some(),
            pickup: form.pickup,
            toggle: form.toggle,
            relative: form.relative.is_some(),
            step: form.step.is_some(),
        });
        if let Some((message, help)) = contradiction {
            let span = click.filter(|_| form.relative.is_none()).map_or_else(|| entry.key_span.clone(), |click| click.key_span);
            self.findings.report(Diagnostic::error(codes::MAP_CONTRADICTS, span, message).help(help));
            return None;
        }
        Some(form)
    }

    /// What a map turns: one name or a list of them.
    fn names(&mut self, entry: &Entry<'d, 't>) -> Option<Vec<(&'d str, Range<usize>)>> {
        let names = match entry.value {
            _ if entry.broken => return None,
            DeValue::String(name) => Some(vec![(name.as_ref(), entry.span.clone())]),
            DeValue::Array(list) if !list.is_empty() => list
                .iter()
                .map(|value| match value.get_ref() {
                    DeValue::String(name) => Some((name.as_ref(), value.span())),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        if names.is_none() {
            self.wrong_type(entry, "text in quotes", TARGETS);
        }
        names
    }

    /// `relative = true`, or the name of a way of counting.
    fn relative(&mut self, entry: &Entry<'d, 't>) -> Option<Relative> {
        match entry.value {
            DeValue::Boolean(relative) if !entry.broken => relative.then_some(Relative::Auto),
            _ => {
                let words = Relative::ALL.map(|(name, _)| name);
                self.choice(entry, &words).map(|at| Relative::ALL[at].1)
            }
        }
    }

    /// `from = [0, 127]`.
    pub fn range_in(&mut self, entry: &Entry<'d, 't>) -> Option<(f32, f32)> {
        let ends = match entry.value {
            _ if entry.broken => return None,
            DeValue::Array(list) if list.len() == 2 => list.iter().map(|value| as_number(value.get_ref())).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        match ends.as_deref() {
            Some([low, high]) if low.abs() < 1e30 && high.abs() < 1e30 && low != high => Some((*low as f32, *high as f32)),
            _ => {
                let message = "`from` is two different numbers: what counts as 0 and as 1";
                self.findings.report(Diagnostic::error(codes::BAD_MAP_RANGE, entry.span.clone(), message).help("such as [0, 127]"));
                None
            }
        }
    }
}

/// Keys that do not go together: what is wrong, and what to do.
pub(super) fn contradiction(keys: Keys<'_>) -> Option<(&'static str, &'static str)> {
    let no_cc = keys.from.is_some_and(|from| !matches!(from, MapSource::Cc(..)));
    match keys {
        Keys { relative: true, .. } if no_cc => Some(("only a controller (`cc`) can be relative", "leave out `relative`")),
        Keys { relative: true, range_in: true, .. } => {
            Some(("a relative controller has no place that `from` could lay out", "leave out `from`; `step` says how far a click goes"))
        }
        Keys { relative: true, toggle: true, .. } => {
            Some(("a map is either `relative` or a `toggle`", "an encoder turns, a pad toggles: keep one of them"))
        }
        Keys { pickup: true, relative, toggle, .. } if relative || toggle => {
            Some(("`pickup` is for controllers with a place", "an encoder or a toggle goes on from the present value: leave out `pickup`"))
        }
        Keys { step: true, relative: false, .. } => {
            Some(("`step` is the travel of a click, and this map is not `relative`", "add `relative = true`"))
        }
        _ => None,
    }
}

/// Which keys a map has, as far as they may not go together.
pub(super) struct Keys<'a> {
    pub from: Option<&'a MapSource>,
    pub range_in: bool,
    pub pickup: bool,
    pub toggle: bool,
    pub relative: bool,
    pub step: bool,
}
