//! Settings from outside: choices, numbers, lists.

use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::feed_line::Merge;
use super::value::Value;
use crate::base::names::note_name;
use crate::base::units::{Unit, hertz_from_octaves};
use crate::engine::{Act, Event};
use crate::module::setting::LIST_MAX;
use crate::module::{SettingKind, SettingValue};
use crate::patch::ModuleId;
use crate::patch::values;

/// Slot, module and setting.
pub(super) type SettingPlace = (usize, ModuleId, usize);

impl Control {
    /// A whole setting is set. Lists are live; anything else builds the module anew.
    pub(super) fn draft_setting(
        &mut self,
        draft: &mut Draft,
        place: SettingPlace,
        address: &str,
        given: &[Value],
        travel: bool,
    ) -> Result<(), Fail> {
        let (slot, module, setting) = place;
        let Some(declared) = self.slots[slot].declared(module, setting) else { return Err(self.unknown(address)) };
        if declared.is_list() {
            if given.len() > LIST_MAX {
                return Err(Fail::new(address, Code::WrongArguments, format!("a list holds at most {LIST_MAX} entries")));
            }
            let list = given.iter().map(|value| entry(&declared.kind, value)).collect::<Result<Vec<f32>, String>>();
            let list = list.map_err(|text| Fail::new(address, Code::WrongArguments, text))?;
            if let Some(number) = self.slots[slot].list(module, setting) {
                let cell = |index: u8, value: f32| Event { at: 0, act: Act::Cell { slot: slot as u8, list: number, index, value } };
                let cells = list.iter().enumerate().map(|(index, value)| cell(index as u8, *value));
                draft.value(None, cells.chain([cell(u8::MAX, list.len() as f32)]).collect::<Vec<_>>());
            }
            draft.step(Step::Setting(slot, module, setting, SettingValue::List(list)));
            return Ok(());
        }
        let [value] = given else {
            return Err(Fail::new(address, Code::WrongArguments, format!("one value is wanted, {} are given", given.len())));
        };
        let (value, clipped) = single(&declared.kind, value, travel).map_err(|text| Fail::new(address, Code::WrongArguments, text))?;
        if clipped {
            self.counts.fail(Code::Clipped);
            let told = format!("{} is out of range: set to {}", given[0], tell(&declared.kind, &value)[0]);
            draft.replies.push(Fail::new(address, Code::Clipped, told).message());
        }
        draft.things += 1;
        draft.step(Step::Setting(slot, module, setting, value));
        Ok(())
    }

    /// One entry of a list is set.
    pub(super) fn draft_cell(
        &mut self,
        draft: &mut Draft,
        place: SettingPlace,
        cell: usize,
        address: &str,
        given: &[Value],
    ) -> Result<(), Fail> {
        let (slot, module, setting) = place;
        let known = self.slots[slot].declared(module, setting).zip(self.slots[slot].setting(module, setting));
        let Some((declared, SettingValue::List(list))) = known else { return Err(self.unknown(address)) };
        if cell >= list.len() {
            return Err(Fail::new(address, Code::UnknownAddress, format!("the list has {} entries", list.len())));
        }
        let [value] = given else {
            return Err(Fail::new(address, Code::WrongArguments, format!("one value is wanted, {} are given", given.len())));
        };
        let value = entry(&declared.kind, value).map_err(|text| Fail::new(address, Code::WrongArguments, text))?;
        if let Some(number) = self.slots[slot].list(module, setting) {
            let act = Act::Cell { slot: slot as u8, list: number, index: cell as u8, value };
            draft.value(Some(Merge::Cell(slot as u8, number, cell as u8)), [Event { at: 0, act }]);
        }
        draft.step(Step::Cell(slot, module, setting, cell, value));
        Ok(())
    }

    /// What a setting, or an entry of it, holds.
    pub(super) fn ask_setting(&self, place: SettingPlace, cell: Option<usize>, travel: bool) -> Vec<Value> {
        let (slot, module, setting) = place;
        let slot = &self.slots[slot];
        let Some((declared, value)) = slot.declared(module, setting).zip(slot.setting(module, setting)) else { return Vec::new() };
        match (cell, value, declared.kind) {
            (Some(cell), SettingValue::List(list), _) => {
                list.get(cell).map(|x| tell(&declared.kind, &SettingValue::List(vec![*x]))).unwrap_or_default()
            }
            (None, SettingValue::Choice(index), SettingKind::Choice(words)) if travel => {
                vec![Value::Number(*index as f64 / words.len() as f64)]
            }
            (None, SettingValue::Integer(x), SettingKind::Integer { min, max, .. }) if travel => {
                vec![Value::Number((x - min) as f64 / (max - min).max(1) as f64)]
            }
            (None, SettingValue::Number(x), SettingKind::Number { min, max, .. }) if travel => {
                vec![Value::Number(if max > min { (x - min) / (max - min) } else { 0.0 })]
            }
            _ => tell(&declared.kind, value),
        }
    }
}

/// An entry of a list.
pub(super) fn entry(kind: &SettingKind, value: &Value) -> Result<f32, String> {
    let pitches = matches!(kind, SettingKind::Pitches(_));
    match value {
        Value::Text(text) if pitches => values::pitch_of_text(text),
        _ => match value.number() {
            Some(x) if pitches => Ok(values::pitch_of_number(x)),
            Some(x) => Ok(values::counted(Unit::Number, x)),
            None => Err(format!("a number is wanted; {value} is none")),
        },
    }
}

/// A setting that is no list; and whether it was out of range.
pub(super) fn single(kind: &SettingKind, value: &Value, travel: bool) -> Result<(SettingValue, bool), String> {
    let number = value.number();
    match kind {
        SettingKind::Choice(words) => match (value.text(), number) {
            (Some(word), _) if words.contains(&word.trim()) => values::setting_of_text(kind, word).map(|value| (value, false)),
            (_, Some(x)) if travel => {
                let index = libm::floor(x.clamp(0.0, 1.0) * words.len() as f64) as usize;
                Ok((SettingValue::Choice(index.min(words.len() - 1)), false))
            }
            (_, Some(x)) => {
                let index = libm::floor(x.clamp(0.0, (words.len() - 1) as f64)) as usize;
                Ok((SettingValue::Choice(index), x < 0.0 || x >= words.len() as f64))
            }
            (Some(word), None) => values::setting_of_text(kind, word).map(|value| (value, false)),
            (None, None) => Err(format!("one of {} is wanted", words.join(", "))),
        },
        SettingKind::Integer { min, max, .. } => {
            let x = number.ok_or_else(|| format!("a whole number from {min} to {max} is wanted"))?;
            let x = libm::round(if travel { *min as f64 + x.clamp(0.0, 1.0) * (max - min) as f64 } else { x });
            let taken = x.clamp(*min as f64, *max as f64);
            Ok((SettingValue::Integer(taken as i64), taken != x))
        }
        SettingKind::Number { min, max, .. } => {
            let x = number.ok_or_else(|| format!("a number from {min} to {max} is wanted"))?;
            let x = if travel { min + x.clamp(0.0, 1.0) * (max - min) } else { x };
            let taken = x.clamp(*min, *max);
            Ok((SettingValue::Number(taken), taken != x))
        }
        SettingKind::Pitches(_) | SettingKind::Numbers(_) => Err("a list takes its entries one by one".to_owned()),
        SettingKind::Name(_) => match value {
            Value::Text(text) => values::setting_of_text(kind, text).map(|value| (value, false)),
            _ => Err(format!("a name is wanted; {value} is none")),
        },
    }
}

/// A setting as it is answered; pitches by their note names where they have one, else in Hz.
pub(super) fn tell(kind: &SettingKind, value: &SettingValue) -> Vec<Value> {
    match value {
        SettingValue::Choice(index) => match kind {
            SettingKind::Choice(words) => vec![words.get(*index).copied().unwrap_or_default().into()],
            _ => Vec::new(),
        },
        SettingValue::Integer(x) => vec![Value::Integer(*x)],
        SettingValue::Number(x) => vec![Value::Number(*x)],
        SettingValue::Name(name) => vec![name.as_str().into()],
        SettingValue::List(list) => list
            .iter()
            .map(|x| match kind {
                _ if x.is_nan() => "-".into(),
                SettingKind::Pitches(_) => {
                    let number = f64::from(*x) * 12.0 + 60.0;
                    let whole = libm::round(number);
                    if (number - whole).abs() < 1e-3 && (0.0..=127.0).contains(&whole) {
                        note_name(whole as i32).into()
                    } else {
                        format!("{} Hz", hertz_from_octaves(f64::from(*x)) as f32).into()
                    }
                }
                _ => Value::Number(f64::from(*x)),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAVES: SettingKind = SettingKind::Choice(&["sine", "saw", "square"]);

    #[test]
    fn a_choice_by_name_index_or_travel() {
        let index = |value: Value, travel| match single(&WAVES, &value, travel) {
            Ok((SettingValue::Choice(index), clipped)) => (index, clipped),
            other => panic!("{other:?}"),
        };
        assert_eq!(index("saw".into(), false), (1, false));
        assert_eq!(index(Value::Integer(2), false), (2, false));
        assert_eq!(index(Value::Number(1.0), false), (1, false));
        assert_eq!(index("2".into(), false), (2, false));
        assert_eq!(index(Value::Integer(9), false), (2, true));
        for (x, expected) in [(0.0, 0), (0.32, 0), (0.34, 1), (0.67, 2), (1.0, 2)] {
            assert_eq!(index(Value::Number(x), true), (expected, false), "{x}");
        }
        assert!(single(&WAVES, &"sow".into(), false).is_err());
    }

    #[test]
    fn lists_of_pitches_are_told_as_they_are_written() {
        let kind = SettingKind::Pitches(&[0.0]);
        let list = ["D3", "-", "60", "450 Hz"].map(|text| entry(&kind, &text.into()).expect("a pitch"));
        let told = tell(&kind, &SettingValue::List(list.to_vec()));
        assert_eq!(told[..3], ["D3".into(), "-".into(), "C4".into()]);
        assert!(entry(&kind, &told[3]).is_ok_and(|x| (x - list[3]).abs() < 1e-5), "{:?}", told[3]);
        assert!(entry(&kind, &"5 s".into()).is_err());
    }
}
