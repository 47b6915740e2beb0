//! `[map]`, and the `midi` and `osc` of controls: which controller turns what.

use std::collections::HashMap;
use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::names::FIRST_WORDS;
use crate::base::units::Unit;
use crate::module::{Curve, SettingKind};

use super::addresses::{Address, What};
use super::codes;
use super::controls::curve_of;
use super::document::Entry;
use super::map_form::Form;
use super::model::{Amount, Map, MapSource, Target};
use super::quantity::Quantity;
use super::reading::Reading;
use super::scope::{Meaning, short};
use super::values;

/// Everything that a map can turn, by its dotted name.
pub(super) struct Targets<'a> {
    by_name: HashMap<String, &'a Address>,
}

impl<'a> Targets<'a> {
    pub fn new(addresses: &'a [Address]) -> Self {
        Self { by_name: addresses.iter().map(|address| (address.path.replace('/', "."), address)).collect() }
    }
}

/// Reads where a map listens; else what is wrong with it.
pub fn map_source(text: &str) -> Result<MapSource, String> {
    let text = text.trim();
    if text.starts_with('/') {
        return osc_source(text);
    }
    let mut words = text.split_ascii_whitespace();
    let what = words.next().unwrap_or("");
    let mut number = |what: &str, from: u16, to: u16| {
        let word = words.next().unwrap_or("");
        let key = if what == "note" { crate::base::names::note_number(word).and_then(|key| u16::try_from(key).ok()) } else { None };
        key.or_else(|| word.parse::<u16>().ok())
            .filter(|number| (from..=to).contains(number))
            .ok_or_else(|| format!("after `{what}` stands a number from {from} to {to}"))
    };
    let numbered = match what {
        "cc" => Some(number("cc", 0, 127)?),
        "nrpn" => Some(number("nrpn", 0, 16_383)?),
        "note" => Some(number("note", 0, 127)?),
        "bend" | "pressure" => None,
        _ => return Err(format!("nothing is heard from `{}`", short(text))),
    };
    let channel = match words.next() {
        None => None,
        Some("ch") => {
            let channel = words.next().and_then(|word| word.parse::<u8>().ok()).filter(|channel| (1..=16).contains(channel));
            Some(channel.ok_or("after `ch` stands a channel from 1 to 16")?)
        }
        Some(word) => return Err(format!("`{}` means nothing here: only ` ch 2` can follow", short(word))),
    };
    if let Some(word) = words.next() {
        return Err(format!("`{}` means nothing here", short(word)));
    }
    let small = |number: Option<u16>| number.and_then(|number| u8::try_from(number).ok()).unwrap_or(0);
    Ok(match what {
        "cc" => MapSource::Cc(small(numbered), channel),
        "nrpn" => MapSource::Nrpn(numbered.unwrap_or(0), channel),
        "note" => MapSource::Note(small(numbered), channel),
        "bend" => MapSource::Bend(channel),
        _ => MapSource::Pressure(channel),
    })
}

/// A source as it is written. `[control]`
pub fn spell_source(source: &MapSource) -> String {
    let (what, channel) = match source {
        MapSource::Cc(number, channel) => (format!("cc {number}"), channel),
        MapSource::Nrpn(number, channel) => (format!("nrpn {number}"), channel),
        MapSource::Bend(channel) => ("bend".to_owned(), channel),
        MapSource::Pressure(channel) => ("pressure".to_owned(), channel),
        MapSource::Note(key, channel) => (format!("note {key}"), channel),
        MapSource::Osc(address) => return address.clone(),
    };
    channel.map_or_else(|| what.clone(), |channel| format!("{what} ch {channel}"))
}

fn osc_source(text: &str) -> Result<MapSource, String> {
    let legal = |c: char| c.is_ascii_graphic() && !"#*,?[]{}".contains(c);
    if text.len() < 2 || text.len() > 255 || text.ends_with('/') || text.contains("//") || !text.chars().all(legal) {
        return Err(format!("`{}` is no OSC address: words after `/`, without spaces and without # * , ? [ ] {{ }}", short(text)));
    }
    Ok(MapSource::Osc(text.to_owned()))
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads `[map]`.
    pub fn maps(&mut self, entries: &[Entry<'d, 't>], targets: &Targets<'_>) -> Vec<Map> {
        let forms: Vec<Form<'d, 't>> = entries.iter().flat_map(|entry| self.forms(entry)).collect();
        forms.iter().filter_map(|form| self.map(form, targets)).collect()
    }

    /// Reads the `midi` or `osc` of a control.
    pub fn short_map(&mut self, entry: &Entry<'d, 't>, to: Target) -> Option<Map> {
        let osc = entry.key == "osc";
        let help = if osc { "an address such as \"/1/fader1\"" } else { "such as \"cc 74\"" };
        let text = self.string(entry, help)?;
        let from = self.source(text, entry.span.clone())?;
        if osc != matches!(from, MapSource::Osc(_)) {
            let message = format!("`{}` does not listen to \"{}\"", entry.key, short(text));
            self.findings.report(Diagnostic::error(codes::BAD_MAP_SOURCE, entry.span.clone(), message).help(help));
            return None;
        }
        Some(Map {
            from,
            to: vec![to],
            range_in: None,
            range_out: None,
            curve: None,
            pickup: false,
            toggle: false,
            relative: None,
            step: None,
            span: entry.span.clone(),
        })
    }

    /// Where a map listens; reports what is none, or is taken.
    pub fn source(&mut self, text: &str, span: Range<usize>) -> Option<MapSource> {
        let source = match map_source(text) {
            Ok(source) => source,
            Err(message) => {
                let help = "cc 1, nrpn 300, bend, pressure, note 36, each with ` ch 2`, or a free OSC address such as /1/fader1";
                self.findings.report(Diagnostic::error(codes::BAD_MAP_SOURCE, span, message).help(help));
                return None;
            }
        };
        if let MapSource::Osc(address) = &source {
            let first = address[1..].split('/').next().unwrap_or("");
            if FIRST_WORDS.contains(&first) {
                let message = format!("addresses that begin with `/{first}` mean something else");
                let help = "begin it with another word, such as /1/fader1";
                self.findings.report(Diagnostic::error(codes::TAKEN_ADDRESS, span, message).help(help));
                return None;
            }
        }
        Some(source)
    }

    fn map(&mut self, form: &Form<'d, 't>, targets: &Targets<'_>) -> Option<Map> {
        let to: Vec<Option<&Address>> = form.to.iter().map(|(name, span)| self.target(name, span.clone(), targets)).collect();
        let turned: Vec<&Address> = to.iter().flatten().copied().collect();
        let range_out = self.range_out(form.min.as_ref(), form.max.as_ref(), &turned);
        let curve = form.curve.as_ref().and_then(|entry| self.map_curve(entry, range_out, &turned));
        let to: Option<Vec<Target>> = to.into_iter().map(|address| address.map(|address| address.target)).collect();
        let to = to.filter(|to| !to.is_empty())?;
        Some(Map {
            from: form.from.clone()?,
            to,
            range_in: form.range_in,
            range_out,
            curve,
            pickup: form.pickup,
            toggle: form.toggle,
            relative: form.relative,
            step: form.step,
            span: form.span.clone(),
        })
    }

    fn target<'a>(&mut self, name: &str, span: Range<usize>, targets: &Targets<'a>) -> Option<&'a Address> {
        if let Some(address) = targets.by_name.get(name).copied() {
            if !matches!(&address.what, What::Setting(setting) if setting.is_list()) {
                return Some(address);
            }
            let message = format!("`{name}` is a list, which no controller can turn");
            self.findings.report(Diagnostic::error(codes::UNKNOWN_TARGET, span, message).help("a list is set at its address over OSC"));
            return None;
        }
        let first = name.split(['.', '/']).next().unwrap_or("");
        // What is wrong has no full list of targets: nothing is to be said of them.
        let unsound = match self.scope.meaning(first) {
            Some(Meaning::Module(id)) => !self.scope.modules[id.0].sound,
            Some(Meaning::Broken) => true,
            _ => matches!(first, "note" | "out") && self.findings.errors() > 0,
        };
        if unsound {
            return None;
        }
        let dotted = name.trim_start_matches('/').replace('/', ".");
        let fix = if targets.by_name.contains_key(&dotted) {
            Some(dotted)
        } else if !self.findings.searches() {
            None
        } else {
            let mut near: Vec<&str> = targets.by_name.keys().map(String::as_str).collect();
            near.retain(|candidate| candidate.len().abs_diff(name.len()) <= 1 + name.len() / 3);
            near.sort_unstable();
            self.findings.nearest(name, near).map(str::to_owned)
        };
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_TARGET, span, format!("there is no `{}` to turn", short(name)))
            .help("a control, `module.input`, `module.setting`, or `module.input.sources` for the depth of a term with a number");
        diagnostic.fix = fix.map(|name| format!("\"{name}\""));
        self.findings.report(diagnostic);
        None
    }

    /// `min` and `max`, in the unit of what is turned.
    fn range_out(&mut self, min: Option<&Entry<'d, 't>>, max: Option<&Entry<'d, 't>>, to: &[&Address]) -> Option<(f32, f32)> {
        let span = min.or(max)?.span.clone();
        let ranges: Vec<_> = to.iter().map(|address| range_of(address)).collect();
        let (unit, usual_min, usual_max) = *ranges.first()?;
        if ranges.iter().any(|range| range.0 != unit) {
            let message = "the targets are measured in different units, so that one range cannot serve them all";
            self.findings.report(Diagnostic::error(codes::BAD_MAP_RANGE, span, message).help("write a map for each"));
            return None;
        }
        let mut end = |entry: Option<&Entry<'d, 't>>, usual: f32| match entry {
            None => Some(usual),
            Some(entry) => {
                let quantity = self.quantity(entry)?;
                match settle(quantity, unit) {
                    Ok(value) => Some(value),
                    Err(message) => {
                        self.findings.report(Diagnostic::error(codes::BAD_MAP_RANGE, entry.span.clone(), message));
                        None
                    }
                }
            }
        };
        let (low, high) = (end(min, usual_min), end(max, usual_max));
        Some((low?, high?))
    }

    fn map_curve(&mut self, entry: &Entry<'d, 't>, range: Option<(f32, f32)>, to: &[&Address]) -> Option<Curve> {
        for address in to {
            let (unit, min, max) = range_of(address);
            let (min, max) = range.unwrap_or((min, max));
            self.curve(entry, unit, min, max)?;
        }
        curve_of(entry.value)
    }
}

fn settle(quantity: Quantity, unit: Unit) -> Result<f32, String> {
    match values::settle(quantity, unit)? {
        Amount::Plain(value) => Ok(value),
        Amount::Beats(_) => Err("the range of a map is not musical".to_owned()),
    }
}

/// Unit, lowest and highest counted value of what an address takes.
fn range_of(address: &Address) -> (Unit, f32, f32) {
    match &address.what {
        What::Value(range) => (range.unit, range.min, range.max),
        What::Depth { range, .. } => (Unit::Number, range.0, range.1),
        What::Setting(setting) => match setting.kind {
            SettingKind::Choice(words) => (Unit::Number, 0.0, words.len() as f32 - 1.0),
            SettingKind::Integer { min, max, .. } => (Unit::Number, min as f32, max as f32),
            SettingKind::Number { min, max, .. } => (Unit::Number, min as f32, max as f32),
            SettingKind::Pitches(_) | SettingKind::Numbers(_) | SettingKind::Name(_) => (Unit::Number, 0.0, 1.0),
        },
    }
}
