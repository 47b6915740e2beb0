//! Maps: what comes from a controller or a mapped address turns what a patch says it turns.

use super::address_map::Spot;
use super::address_tree::AddressTree;
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::scale::Scale;
use super::settings::single;
use super::targets::Target;
use super::value::{Message, Value};
use crate::module::{SettingKind, SettingValue};
use crate::patch;
use crate::patch::{Amount, Map, MapSource};

/// What came, before it is laid over a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Raw {
    /// A controller's position, 0..1.
    Position(f64),
    /// A number over OSC: a position unless the map says otherwise; on a choice the index.
    Number(f64),
}

/// The target's scale, as far as the map does not say otherwise.
fn mapped(scale: Scale, map: &Map) -> Scale {
    let (min, max) = map.range_out.unwrap_or((scale.min, scale.max));
    Scale { min, max, curve: map.curve.unwrap_or(scale.curve), ..scale }
}

fn travel(map: &Map, x: f64) -> f64 {
    let (from, to) = map.range_in.unwrap_or((0.0, 1.0));
    let span = f64::from(to) - f64::from(from);
    if span == 0.0 { 0.0 } else { ((x - f64::from(from)) / span).clamp(0.0, 1.0) }
}

impl Control {
    /// Turns one target of a map.
    pub(super) fn turn_bound(&mut self, draft: &mut Draft, slot: usize, map: &Map, to: patch::Target, raw: Raw) -> Result<(), String> {
        let target = Target { slot, spot: to.into() };
        let (Raw::Position(x) | Raw::Number(x)) = raw;
        if let patch::Target::Setting(module, setting) = to {
            let Some(declared) = self.slots[slot].declared(module, setting) else { return Ok(()) };
            let index = matches!((raw, declared.kind), (Raw::Number(_), SettingKind::Choice(_))) && map.range_in.is_none();
            let given = if index { x } else { travel(map, x) };
            let (value, _) = single(&declared.kind, &Value::Number(given), !index)?;
            if self.slots[slot].setting(module, setting) != Some(&value) {
                draft.things += 1;
                draft.step(Step::Setting(slot, module, setting, value));
            }
            return Ok(());
        }
        let Some(scale) = self.scale(target) else { return Ok(()) };
        let scale = mapped(scale, map);
        let amount = Amount::Plain(scale.at_travel(travel(map, x)));
        self.turn(draft, target, scale, amount);
        Ok(())
    }

    /// What comes at a mapped OSC address: one target for each argument; none asks.
    pub(super) fn draft_bound(
        &mut self,
        draft: &mut Draft,
        entries: Vec<(usize, usize)>,
        address: &str,
        values: &[Value],
    ) -> Result<(), Fail> {
        for (at, (slot, map)) in entries.iter().enumerate() {
            let Some(map) = self.slots[*slot].patch.maps.get(*map).cloned() else { continue };
            if values.is_empty() {
                if at == 0 {
                    let told = map.to.iter().flat_map(|to| self.ask_bound(*slot, &map, *to)).collect();
                    draft.replies.push(Message::new(address, told));
                }
                continue;
            }
            for (to, value) in map.to.iter().zip(values) {
                let wrong = |text: String| Fail::new(address, Code::WrongArguments, text);
                let x = value.number().ok_or_else(|| wrong(format!("a number is wanted; {value} is none")))?;
                self.turn_bound(draft, *slot, &map, *to, Raw::Number(x)).map_err(wrong)?;
            }
        }
        Ok(())
    }

    /// Where the targets of a map stand, as their surface shows them.
    pub(super) fn ask_map(&self, slot: usize, map: usize) -> Vec<Value> {
        let Some(map) = self.slots[slot].patch.maps.get(map) else { return Vec::new() };
        map.to.iter().filter_map(|to| self.ask_bound(slot, map, *to)).collect()
    }

    /// Where a mapped target stands, as its surface shows it.
    fn ask_bound(&self, slot: usize, map: &Map, to: patch::Target) -> Option<Value> {
        let target = Target { slot, spot: to.into() };
        if let patch::Target::Setting(module, setting) = to
            && let Some(SettingValue::Choice(index)) = self.slots[slot].setting(module, setting)
        {
            return Some(Value::Integer(*index as i64));
        }
        let Spot::Place(_) = target.spot else { return self.ask(target, true).into_iter().next() };
        let amount = self.amount_at(target)?;
        let x = mapped(self.scale(target)?, map).travel_of(amount, self.tempo);
        let (from, end) = map.range_in.unwrap_or((0.0, 1.0));
        Some(Value::Number(f64::from(from) + x * (f64::from(end) - f64::from(from))))
    }

    /// Everything that a source of MIDI turns, on a channel 1 to 16; whether it turns anything.
    pub(super) fn turn_all_bound(&mut self, draft: &mut Draft, channel: u8, is: impl Fn(&MapSource) -> Option<Option<u8>>, x: f64) -> bool {
        let mut found = false;
        for slot in 0..self.slots.len() {
            let maps: Vec<Map> = self.slots[slot]
                .patch
                .maps
                .iter()
                .filter(|map| is(&map.from).is_some_and(|only| only.is_none_or(|only| only == channel)))
                .cloned()
                .collect();
            for map in maps {
                found = true;
                if let Some(to) = map.to.first() {
                    // A position always fits.
                    let _ = self.turn_bound(draft, slot, &map, *to, Raw::Position(x));
                }
            }
        }
        found
    }

    /// The mapped OSC addresses, anew after a slot's patch has changed.
    pub(super) fn bind(&mut self) {
        self.quick.forget();
        self.bound.clear();
        for (slot, of) in self.slots.iter().enumerate() {
            for (at, map) in of.patch.maps.iter().enumerate() {
                if let MapSource::Osc(address) = &map.from {
                    self.bound.entry(address.clone()).or_default().push((slot, at));
                }
            }
        }
        self.bound_tree = AddressTree::new(self.bound.keys().map(|address| (address.strip_prefix('/').unwrap_or(address), ())));
    }
}
