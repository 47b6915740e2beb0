//! Presets: some numbers and settings of a patch go together to where its `[presets]` has them.
//!
//! Recalled over a time, each number goes its own way there, as by a glide of its own: by the unit of its address. What cannot glide
//! (settings, gates, triggers) is as the preset has it from the start of the way.

use super::address_map::Spot;
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::set::{Set, resolve, value};
use super::targets::Target;
use super::value::Value;
use crate::base::nearest::nearest;
use crate::patch::presets::find;
use crate::patch::{SetSpec, SetValue};

impl Control {
    /// `/<slot>/preset`: a name or number, and the time in which it is reached.
    pub(super) fn draft_preset(&mut self, draft: &mut Draft, slot: usize, address: &str, values: &[Value]) -> Result<(), Fail> {
        let (which, frames) = match values {
            [which] => (which, 0),
            [which, time] => (which, self.glide_frames(address, time)?),
            _ => return Err(Fail::new(address, Code::WrongArguments, "a name or number is wanted, and the time in which it is reached")),
        };
        let presets = &self.slots[slot].patch.presets;
        let Some(preset) = find(presets, &which.to_string()) else {
            let names = presets.iter().map(|preset| preset.name.as_str());
            let near = nearest(&which.to_string(), names).map(|near| format!("; did you mean {near}?"));
            let told = format!("there is no preset {which}{}", near.unwrap_or_default());
            return Err(Fail::new(address, Code::WrongArguments, told));
        };
        self.recall(draft, slot, preset, address, frames)
    }

    /// Everything that a preset names goes where it has it, in so many frames.
    pub(super) fn recall(&mut self, draft: &mut Draft, slot: usize, preset: usize, address: &str, frames: u32) -> Result<(), Fail> {
        let set = self.slots[slot].patch.presets[preset].set.clone();
        for spec in &set {
            let of = &self.slots[slot];
            match resolve(&of.patch, &of.addresses, spec) {
                Ok(Set::Number(place, amount)) => {
                    let target = Target { slot, spot: Spot::Place(place) };
                    let Some(scale) = self.scale(target) else { continue };
                    self.glide(draft, target, scale, amount, if scale.is_event() { 0 } else { frames });
                }
                // Compiled anew only where it is another.
                Ok(Set::Setting(module, setting, wanted)) if of.setting(module, setting) == Some(&wanted) => {}
                Ok(Set::Setting(module, setting, _)) => {
                    let spot = Spot::Setting(module, setting);
                    self.draft_value(draft, Target { slot, spot }, address, &written(spec), false)?;
                }
                Err(why) => return Err(Fail::new(address, Code::WrongArguments, why)),
            }
        }
        draft.step(Step::Recalled(slot, preset));
        Ok(())
    }

    /// The name of the preset that was recalled last, as long as all that it sets stands there; else none.
    pub(super) fn ask_preset(&self, slot: usize) -> Vec<Value> {
        let of = &self.slots[slot];
        let stands = |spec: &SetSpec| match resolve(&of.patch, &of.addresses, spec) {
            Ok(Set::Number(place, amount)) => of.present(place) == Some(amount),
            Ok(Set::Setting(module, setting, wanted)) => of.setting(module, setting) == Some(&wanted),
            Err(_) => false,
        };
        let preset = of.recalled.as_ref().and_then(|name| of.patch.presets.iter().find(|preset| preset.name == *name));
        let name = preset.filter(|preset| preset.set.iter().all(stands)).map_or("", |preset| preset.name.as_str());
        vec![name.into()]
    }

    /// A preset was recalled.
    pub(super) fn recalled(&mut self, slot: usize, preset: usize) {
        let of = &mut self.slots[slot];
        of.recalled = of.patch.presets.get(preset).map(|preset| preset.name.clone());
    }
}

/// A value as it would be sent to its address: a list entry by entry.
fn written(spec: &SetSpec) -> Vec<Value> {
    match &spec.value {
        SetValue::List(entries) => entries.iter().filter_map(value).collect(),
        single => value(single).into_iter().collect(),
    }
}
