//! `set` of a rack's slot: what is turned before the first note, and what was turned since, as it is written.

use std::collections::HashMap;

use super::address_map::{AddressMap, Spot};
use super::place::Place;
use super::scale::Scale;
use super::settings;
use super::slot::Slot;
use super::value::Value;
use crate::base::nearest::nearest;
use crate::module::{SettingKind, SettingValue};
use crate::patch::{Amount, ModuleId, Patch, SetSpec, SetValue};

/// Numbers turned and settings changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turned {
    pub numbers: HashMap<Place, Amount>,
    pub settings: HashMap<(ModuleId, usize), SettingValue>,
}

/// What one entry comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Set {
    Number(Place, Amount),
    Setting(ModuleId, usize, SettingValue),
}

/// A value as it would be sent to its address.
pub(super) fn value(written: &SetValue) -> Option<Value> {
    Some(match written {
        SetValue::Number(x) => Value::Number(*x),
        SetValue::Text(text) => Value::Text(text.clone()),
        SetValue::Switch(x) => Value::Bool(*x),
        SetValue::List(_) => return None,
    })
}

/// Whether a path (`filter/cutoff`) is what a dotted name (`filter.cutoff`) means.
fn is_named(path: &str, dotted: &str) -> bool {
    path.len() == dotted.len() && path.bytes().zip(dotted.bytes()).all(|(a, b)| a == b || (a == b'/' && b == b'.'))
}

/// What an entry comes to in a patch.
///
/// # Errors
/// One sentence: what is wrong with it.
pub(super) fn resolve(patch: &Patch, addresses: &AddressMap, spec: &SetSpec) -> Result<Set, String> {
    let target = spec.target.as_str();
    let Some(path) = addresses.iter().find(|path| is_named(path, target)) else {
        let names: Vec<String> = addresses.iter().map(|path| path.replace('/', ".")).collect();
        let near = nearest(target, names.iter().map(String::as_str)).map(|near| format!("; did you mean {near}?"));
        return Err(format!("the patch has no {target}{}", near.unwrap_or_default()));
    };
    match addresses.find(path) {
        Some(Spot::Place(place)) => {
            let place = place.own(patch);
            let scale = addresses.scale(place).unwrap_or(Scale::FACTOR);
            let value = value(&spec.value).ok_or_else(|| format!("{target} is one number, no list"))?;
            match scale.read(&value) {
                Ok(read) if read.clipped => Err(format!("{target}: {value} is out of range")),
                Ok(read) => Ok(Set::Number(place, read.amount)),
                Err(_) => Err(format!("{target}: {value} is no value of it")),
            }
        }
        Some(Spot::Setting(module, setting)) => {
            let kind = &patch.modules[module.0].kind.settings[setting].kind;
            let list = matches!(kind, SettingKind::Pitches(_) | SettingKind::Numbers(_));
            let set = match &spec.value {
                SetValue::List(entries) if list => {
                    let entries = entries.iter().map(|entry| {
                        let value = value(entry).ok_or_else(|| "a list of lists is none".to_owned())?;
                        settings::entry(kind, &value)
                    });
                    SettingValue::List(entries.collect::<Result<_, _>>().map_err(|why| format!("{target}: {why}"))?)
                }
                written => {
                    let value = value(written).ok_or_else(|| format!("{target} is no list"))?;
                    let (set, clipped) = settings::single(kind, &value, false).map_err(|why| format!("{target}: {why}"))?;
                    if clipped {
                        return Err(format!("{target}: {value} is out of range"));
                    }
                    set
                }
            };
            Ok(Set::Setting(module, setting, set))
        }
        _ => Err(format!("{target} belongs to the slot, not to its patch")),
    }
}

impl Turned {
    fn put(&mut self, set: Set) {
        match set {
            Set::Number(place, amount) => {
                self.numbers.insert(place, amount);
            }
            Set::Setting(module, setting, value) => {
                self.settings.insert((module, setting), value);
            }
        }
    }

    fn has(&self, set: &Set) -> bool {
        match set {
            Set::Number(place, _) => self.numbers.contains_key(place),
            Set::Setting(module, setting, _) => self.settings.contains_key(&(*module, *setting)),
        }
    }

    fn take(&mut self, set: &Set) {
        match set {
            Set::Number(place, _) => {
                self.numbers.remove(place);
            }
            Set::Setting(module, setting, _) => {
                self.settings.remove(&(*module, *setting));
            }
        }
    }

    /// Lays a rack's entries over what is carried from before. An entry that is as it was leaves what was turned since; one that is
    /// new or was edited counts, one that is gone takes with it what it set. What cannot be resolved is told.
    pub fn lay(&mut self, patch: &Patch, before: &[SetSpec], now: &[SetSpec]) -> Vec<String> {
        if before.is_empty() && now.is_empty() {
            return Vec::new();
        }
        let addresses = AddressMap::new(patch);
        let old = |spec: &SetSpec| before.iter().find(|old| old.target == spec.target);
        for gone in before.iter().filter(|old| !now.iter().any(|spec| spec.target == old.target)) {
            if let Ok(set) = resolve(patch, &addresses, gone) {
                self.take(&set);
            }
        }
        let mut wrong = Vec::new();
        for spec in now {
            match resolve(patch, &addresses, spec) {
                Ok(set) if old(spec).is_some_and(|old| old.value == spec.value) && self.has(&set) => {}
                Ok(set) => self.put(set),
                Err(why) => wrong.push(why),
            }
        }
        wrong
    }
}

/// A number written as shortly as it is read back to the last bit.
fn shortest(scale: &Scale, amount: Amount) -> SetValue {
    let Amount::Plain(counted) = amount else {
        return match scale.tell(amount) {
            Value::Text(text) => SetValue::Text(text),
            other => SetValue::Number(other.number().unwrap_or(0.0)),
        };
    };
    let exact =
        crate::patch::values::natural(if scale.depth_at.is_some() { crate::base::units::Unit::Number } else { scale.unit }, counted);
    let same = |x: f64| matches!(scale.read(&Value::Number(x)), Ok(read) if read.amount == Amount::Plain(counted));
    let short = (0..17).filter_map(|digits| format!("{exact:.digits$e}").parse().ok()).find(|x| same(*x));
    SetValue::Number(short.unwrap_or(exact))
}

/// A setting as it is written.
fn written(kind: &SettingKind, value: &SettingValue) -> SetValue {
    let plain = |value: Value| match value {
        Value::Text(text) => SetValue::Text(text),
        other => SetValue::Number(other.number().unwrap_or(0.0)),
    };
    match value {
        SettingValue::List(list) => SetValue::List(
            list.iter()
                .map(|x| {
                    let told = settings::tell(kind, &SettingValue::List(vec![*x])).into_iter().next();
                    let same = |back: f32| back.to_bits() == x.to_bits() || (back.is_nan() && x.is_nan());
                    match told.filter(|told| settings::entry(kind, told).is_ok_and(same)) {
                        Some(told) => plain(told),
                        // No name and no frequency is near enough: as a note number.
                        None => SetValue::Number(f64::from(*x) * 12.0 + 60.0),
                    }
                })
                .collect(),
        ),
        single => plain(settings::tell(kind, single).into_iter().next().unwrap_or(Value::Integer(0))),
    }
}

impl Slot {
    /// Everything that does not stand as its patch was written, as entries of `set`, in the order of the patch. `[control]`
    pub fn set_entries(&self) -> Vec<SetSpec> {
        let mut entries: Vec<SetSpec> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for path in self.addresses.iter() {
            let value = match self.addresses.find(path) {
                Some(Spot::Place(place)) => {
                    let place = place.own(&self.patch);
                    let Some(amount) = self.turned.get(&place).filter(|amount| place.written(&self.patch) != Some(**amount)) else {
                        continue;
                    };
                    if !seen.insert(place) {
                        continue;
                    }
                    shortest(&self.addresses.scale(place).unwrap_or(Scale::FACTOR), *amount)
                }
                Some(Spot::Setting(module, setting)) => {
                    let Some((value, declared)) = self.settings.get(&(module, setting)).zip(self.declared(module, setting)) else {
                        continue;
                    };
                    if self.written.modules.get(module.0).and_then(|of| of.settings.0.get(setting)) == Some(value) {
                        continue;
                    }
                    written(&declared.kind, value)
                }
                _ => continue,
            };
            entries.push(SetSpec { target: path.replace('/', "."), value, span: 0..0 });
        }
        entries
    }
}
