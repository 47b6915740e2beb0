//! What is wrong with a rack as a whole: slots that are not there, circles, and what only its patches can tell.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::base::diagnostic::Diagnostic;
use crate::base::units::Unit;
use crate::module::SettingKind;

use super::addresses::{Address, What, addresses};
use super::codes;
use super::document::Document;
use super::findings::Findings;
use super::model::{Amount, Patch};
use super::rack::{Rack, SetSpec, SetValue, SlotOut, SlotSpec};
use super::rack_programs;
use super::reading::Reading;
use super::scope::short;
use super::values;

/// What every slot has in the mixer, beside its sends.
const STRIP: [&str; 4] = ["level", "pan", "mute", "solo"];

impl Reading<'_, '_> {
    /// Every slot that is named is there, and none hears itself.
    pub fn routes(&mut self, rack: &Rack) {
        let names: Vec<&str> = rack.slots.iter().map(|slot| slot.name.as_str()).collect();
        for slot in &rack.slots {
            for (send, span) in slot.route.sends.iter().zip(&slot.places.sends) {
                if !names.contains(&send.to.as_str()) {
                    let fix = self.findings.nearest(&send.to, names.iter().copied()).map(str::to_owned);
                    self.unknown_slot(&send.to, span.clone(), fix);
                }
            }
            if let SlotOut::Slot(to) = &slot.route.out
                && !names.contains(&to.as_str())
            {
                let near = self.findings.nearest(to, names.iter().copied().chain(["master"]));
                let fix = near.map(|near| format!("\"{near}\""));
                self.unknown_slot(to, slot.places.out.clone(), fix);
            }
        }
        Circles { rack, names: names.iter().enumerate().map(|(at, name)| (*name, at)).collect(), way: Vec::new(), done: HashSet::new() }
            .find(self.document, &mut self.findings);
    }
}

/// A search for slots that hear themselves.
struct Circles<'r> {
    rack: &'r Rack,
    names: HashMap<&'r str, usize>,
    /// The slots on the way from the one that the search began with.
    way: Vec<usize>,
    done: HashSet<usize>,
}

/// The slots that hear this one, each with the place that says so.
fn hearers(slot: &SlotSpec) -> impl Iterator<Item = (&str, &Range<usize>)> {
    let out = match &slot.route.out {
        SlotOut::Slot(to) => Some((to.as_str(), &slot.places.out)),
        SlotOut::Master | SlotOut::Channels(_) => None,
    };
    slot.route.sends.iter().map(|send| send.to.as_str()).zip(&slot.places.sends).chain(out)
}

impl Circles<'_> {
    fn find(mut self, document: &Document<'_>, findings: &mut Findings) {
        if document.is_whole() {
            (0..self.rack.slots.len()).for_each(|at| self.visit(at, findings));
        }
    }

    /// At most 64 deep: a rack has no more slots, and one that has is wrong anyway.
    fn visit(&mut self, at: usize, findings: &mut Findings) {
        if self.done.contains(&at) || self.way.len() > super::rack::MOST_SLOTS {
            return;
        }
        self.way.push(at);
        let rack = self.rack;
        for (name, span) in hearers(&rack.slots[at]) {
            let Some(to) = self.names.get(name).copied() else { continue };
            match self.way.iter().position(|slot| *slot == to) {
                None => self.visit(to, findings),
                Some(start) => {
                    let circle = self.way[start..].iter().chain([&to]).map(|slot| rack.slots[*slot].name.as_str());
                    let circle = circle.collect::<Vec<_>>().join(" → ");
                    let message = format!("slot `{name}` would hear itself: {circle}");
                    let help = "take one of these sends away; feedback lives inside a patch";
                    findings.report(Diagnostic::error(codes::SEND_CIRCLE, span.clone(), message).mark("closes the circle").help(help));
                }
            }
        }
        self.way.pop();
        self.done.insert(at);
    }
}

impl Rack {
    /// What is wrong with a rack beside its patches, each given with the name of its slot: sound that goes to a patch without
    /// `[in]`, values of `set` and targets of maps that are not there or cannot be read. Slots whose patch is not given are left
    /// alone. Places are bytes of the rack's text. `[control]`
    pub fn check_with(&self, patches: &[(&str, &Patch)]) -> Vec<Diagnostic> {
        let mut findings = Findings::new();
        let patches: HashMap<&str, &Patch> = patches.iter().copied().collect();
        let addresses: HashMap<&str, HashMap<String, Address>> = patches
            .iter()
            .map(|(slot, patch)| (*slot, addresses(patch).into_iter().map(|address| (address.path.replace('/', "."), address)).collect()))
            .collect();
        for slot in &self.slots {
            for (to, span) in hearers(slot) {
                if patches.get(to).is_some_and(|patch| patch.inputs.is_none()) {
                    let message = format!("the patch of slot `{to}` takes no sound: it has no `[in]`");
                    let help = "send to an effect, or add `[in]` to that patch";
                    findings.report(Diagnostic::error(codes::NO_EFFECT, span.clone(), message).help(help));
                }
            }
            if let Some(patch) = patches.get(slot.name.as_str()) {
                rack_programs::check(slot, patch, &mut findings);
            }
            let Some(known) = addresses.get(slot.name.as_str()) else { continue };
            check_set(&slot.set, known, &mut findings);
        }
        for (target, span) in self.maps.iter().flat_map(|map| map.to.iter().zip(&map.to_spans)) {
            let Some((first, rest)) = target.split_once('.') else { continue };
            let (Some(slot), Some(known)) = (self.slot(first), addresses.get(first)) else { continue };
            let sends: Vec<String> = slot.route.sends.iter().map(|send| format!("send.{}", send.to)).collect();
            let list = matches!(known.get(rest).map(|address| &address.what), Some(What::Setting(setting)) if setting.is_list());
            if list {
                let message = format!("`{}` is a list, which no controller can turn", short(target));
                let help = "a list is set at its address over OSC";
                findings.report(Diagnostic::error(codes::UNKNOWN_TARGET, span.clone(), message).help(help));
            } else if !known.contains_key(rest) && !STRIP.contains(&rest) && !sends.iter().any(|send| send == rest) {
                unknown_target(rest, &format!("{first}."), known, &sends, span.clone(), true, &mut findings);
            }
        }
        findings.finish()
    }
}

/// What is set is there, and can be set to that.
pub(super) fn check_set(set: &[SetSpec], known: &HashMap<String, Address>, findings: &mut Findings) {
    for set in set {
        match known.get(&set.target) {
            None => unknown_target(&set.target, "", known, &[], set.span.clone(), false, findings),
            Some(address) => {
                if let Err(message) = fits(&address.what, &set.value) {
                    let message = format!("`{}`: {message}", short(&set.target));
                    findings.report(Diagnostic::error(codes::BAD_VALUE, set.span.clone(), message));
                }
            }
        }
    }
}

fn unknown_target(
    name: &str,
    before: &str,
    known: &HashMap<String, Address>,
    sends: &[String],
    span: Range<usize>,
    mixer: bool,
    findings: &mut Findings,
) {
    let strip: &[&str] = if mixer { &STRIP } else { &[] };
    let mut near: Vec<&str> =
        known.keys().map(String::as_str).chain(sends.iter().map(String::as_str)).chain(strip.iter().copied()).collect();
    near.retain(|candidate| candidate.len().abs_diff(name.len()) <= 1 + name.len() / 3);
    near.sort_unstable();
    let dotted = name.trim_start_matches('/').replace('/', ".");
    let fix = if known.contains_key(&dotted) { Some(dotted) } else { findings.nearest(name, near).map(str::to_owned) };
    let what = if mixer { "turn" } else { "set" };
    let span_length = span.len();
    let diagnostic = Diagnostic::error(codes::UNKNOWN_TARGET, span, format!("there is no `{before}{}` to {what}", short(name)));
    let help = if mixer {
        "a control, `module.input`, `module.setting`, `module.input.sources`, or `level`, `pan`, `mute`, `solo`, `send.slot`"
    } else {
        "a control, `module.input`, `module.setting`, or `module.input.sources` for the depth of a term with a number"
    };
    // A name spread over several keys of TOML has no one place that could be put right.
    let whole = span_length >= name.len();
    findings.report(Diagnostic { fix: fix.filter(|_| whole).map(|name| format!("\"{before}{name}\"")), ..diagnostic.help(help) });
}

/// Whether a value can stand at an address; else one sentence.
fn fits(what: &What, value: &SetValue) -> Result<(), String> {
    match (what, value) {
        (What::Setting(setting), value) => setting_fits(&setting.kind, value),
        (_, SetValue::List(_)) => Err("a list cannot stand here".to_owned()),
        (What::Value(range), SetValue::Number(x)) => match range.unit {
            Unit::Hertz if *x <= 0.0 => Err("a frequency is above 0".to_owned()),
            unit => in_range(range, values::counted(unit, *x)),
        },
        (What::Value(range), SetValue::Text(text)) => match values::amount_of_text(range.unit, text)? {
            Amount::Plain(counted) => in_range(range, counted),
            Amount::Beats(_) => Ok(()),
        },
        (What::Value(range), SetValue::Switch(_)) => match range.unit {
            Unit::Gate | Unit::Trigger | Unit::Number => Ok(()),
            _ => Err("true and false cannot stand here".to_owned()),
        },
        (What::Depth { unit, .. }, SetValue::Text(text)) => values::depth_of_text(*unit, text).map(drop),
        (What::Depth { .. }, SetValue::Number(_)) => Ok(()),
        (What::Depth { .. }, SetValue::Switch(_)) => Err("a depth is a number".to_owned()),
    }
}

fn in_range(range: &super::addresses::Range, counted: f32) -> Result<(), String> {
    let (low, high) = (range.min - 1e-4, range.max + 1e-4);
    if (low..=high).contains(&counted) {
        return Ok(());
    }
    Err(format!("it goes from {} to {}", values::spell(range.unit, range.min), values::spell(range.unit, range.max)))
}

fn setting_fits(kind: &SettingKind, value: &SetValue) -> Result<(), String> {
    match (kind, value) {
        (SettingKind::Pitches(_) | SettingKind::Numbers(_), SetValue::List(list)) => {
            let most = crate::module::setting::LIST_MAX;
            if !(1..=most).contains(&list.len()) {
                return Err(format!("it has {} entries; a list has 1 to {most}", list.len()));
            }
            list.iter().try_for_each(|cell| match (kind, cell) {
                (_, SetValue::Number(_)) => Ok(()),
                (SettingKind::Pitches(_), SetValue::Text(text)) => values::pitch_of_text(text).map(drop),
                (_, SetValue::Text(text)) => values::amount_of_text(Unit::Number, text).map(drop),
                _ => Err("a list holds numbers and texts".to_owned()),
            })
        }
        (SettingKind::Pitches(_) | SettingKind::Numbers(_), _) => Err("a list is wanted, such as [0, 0.5, 1]".to_owned()),
        (_, SetValue::Text(text)) => values::setting_of_text(kind, text).map(drop),
        (SettingKind::Choice(words), SetValue::Number(index)) => {
            let whole = index.fract() == 0.0 && (0.0..words.len() as f64).contains(index);
            if whole { Ok(()) } else { Err(format!("one of {} is wanted", words.join(" "))) }
        }
        (SettingKind::Integer { .. }, SetValue::Number(number)) => values::setting_of_text(kind, &format!("{number}")).map(drop),
        (SettingKind::Number { .. }, SetValue::Number(number)) => values::setting_of_text(kind, &format!("{number}")).map(drop),
        (SettingKind::Name(_), SetValue::Number(_)) => Err("a name is wanted".to_owned()),
        (_, SetValue::Switch(_) | SetValue::List(_)) => Err("a number or text is wanted".to_owned()),
    }
}
