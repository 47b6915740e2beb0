//! What is bound to what: maps of patches, of the rack, of devices and those made while playing, looked up by what moves.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use rustc_hash::FxHashMap;

use super::address_map::Spot;
use super::address_tree::AddressTree;
use super::client::Client;
use super::control::Control;
use super::draft::MASTER;
use super::learn::Learning;
use super::relative::Detect;
use super::scale::Scale;
use super::slot::Slot;
use super::targets::{MASTER_SPOTS, Target};
use crate::base::time::SampleTime;
use crate::base::units::Unit;
use crate::module::{Curve, SettingKind};
use crate::patch::{Amount, Map, MapSource, MapSpec, Relative, Written, values};

/// The word that stands for the button that begins and ends learning, where a target is named.
pub(super) const LEARN: &str = "learn";

/// What moves on a MIDI port, as maps know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mover {
    /// A controller.
    Cc(u8),
    /// A non-registered parameter.
    Nrpn(u16),
    /// The bend wheel.
    Bend,
    /// Channel pressure.
    Pressure,
    /// A key as a switch.
    Note(u8),
}

impl Mover {
    /// What moves for a source of MIDI, and on which channel alone. `[control]`
    pub const fn of(source: &MapSource) -> Option<(Self, Option<u8>)> {
        Some(match source {
            MapSource::Cc(number, channel) => (Self::Cc(*number), *channel),
            MapSource::Nrpn(number, channel) => (Self::Nrpn(*number), *channel),
            MapSource::Bend(channel) => (Self::Bend, *channel),
            MapSource::Pressure(channel) => (Self::Pressure, *channel),
            MapSource::Note(key, channel) => (Self::Note(*key), *channel),
            MapSource::Osc(_) => return None,
        })
    }

    /// The source that listens to it on a channel. `[control]`
    pub const fn source(self, channel: Option<u8>) -> MapSource {
        match self {
            Self::Cc(number) => MapSource::Cc(number, channel),
            Self::Nrpn(number) => MapSource::Nrpn(number, channel),
            Self::Bend => MapSource::Bend(channel),
            Self::Pressure => MapSource::Pressure(channel),
            Self::Note(key) => MapSource::Note(key, channel),
        }
    }
}

/// Something that moved on a MIDI port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// The port.
    pub from: Client,
    /// 1 to 16.
    pub channel: u8,
    /// What.
    pub what: Mover,
    /// Where it stands, 0..1, as finely as is known.
    pub x: f64,
    /// The number of 7 bits that came, for controllers without a place; `None` where only the finer part of a place has come.
    pub raw: Option<u8>,
}

/// Who made a map. Of several that would turn the same by the same, the first of these alone acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// It was made while playing: its number.
    Made(usize),
    /// A device's profile: the number of the device.
    Device(usize),
    /// The rack.
    Rack,
    /// The patch of this slot.
    Patch(usize),
}

/// What is said of a map besides source and targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Law {
    pub range_in: Option<(f32, f32)>,
    pub range_out: Option<(f32, f32)>,
    pub curve: Option<Curve>,
    pub pickup: bool,
    pub toggle: bool,
    pub relative: Option<Relative>,
    pub step: Option<f32>,
}

impl Law {
    fn of(map: &Map) -> Self {
        let Map { range_in, range_out, curve, pickup, toggle, relative, step, .. } = map;
        Self {
            range_in: *range_in,
            range_out: *range_out,
            curve: *curve,
            pickup: *pickup,
            toggle: *toggle,
            relative: *relative,
            step: *step,
        }
    }
}

/// What a map turns.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Goal {
    /// A value.
    Value(Target),
    /// Learning begins, or ends.
    Learn,
    /// Nothing that is there now.
    Idle,
}

/// What is remembered of one source on its way to one target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Memory {
    /// Where the controller stood, 0..1.
    pub last: Option<f64>,
    /// Where the target was put by it: counted, and as travel.
    pub put: Option<(f64, f64)>,
    /// Until then the target may not have got there yet.
    pub until: SampleTime,
    /// How its clicks are counted.
    pub way: Detect,
}

/// One target of a map.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub goal: Goal,
    /// As it is addressed.
    pub name: String,
    /// By who moves it.
    pub memory: Vec<(Client, Memory)>,
}

/// One map, ready to act.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub source: MapSource,
    /// Only what comes from here.
    pub port: Option<Client>,
    /// Only what this slot hears.
    pub slot: Option<usize>,
    pub ends: Vec<End>,
    pub law: Law,
    pub layer: Layer,
    /// What is wrong with it, where it cannot act.
    pub wrong: Option<String>,
}

impl Bound {
    /// Whether it says the same as another.
    fn says(&self, other: &Self) -> bool {
        let goals = |bound: &Self| bound.ends.iter().map(|end| end.goal.clone()).collect::<Vec<_>>();
        self.source == other.source && self.law == other.law && goals(self) == goals(other) && self.wrong.is_none()
    }
}

/// A map that was made while playing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Made {
    pub spec: MapSpec,
    /// The name of the port by which it was learnt.
    pub device: Option<String>,
    /// It was written into the file of its patch; the patch was this then.
    pub saved: Option<String>,
}

/// A device by the name of its port, and its profile.
#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    pub name: String,
    /// Where it is plugged in; of several with the same name each.
    pub ports: Vec<Client>,
    pub specs: Vec<MapSpec>,
}

impl Device {
    /// Whether its profile says something of a source.
    fn says(&self, source: &MapSource) -> bool {
        self.specs.iter().any(|spec| spec.from == *source)
    }
}

/// All maps.
#[derive(Debug, Default)]
pub(super) struct Maps {
    /// Those that may act, the first to act first.
    pub all: Vec<Bound>,
    /// Of MIDI, by what moves: numbers of `all`, ascending.
    pub midi: FxHashMap<Mover, Vec<usize>>,
    pub made: Vec<Made>,
    pub rack: Vec<MapSpec>,
    pub devices: Vec<Device>,
    /// Maps of files that are to act no more: source and address.
    pub cleared: HashSet<(MapSource, String)>,
    /// What is being learnt.
    pub learning: Option<Learning>,
    /// What somebody turned last over OSC, and who.
    pub touched: Option<(Client, Target)>,
    /// Where profiles of devices are kept.
    pub folder: Option<PathBuf>,
}

/// A path with dots for its slashes.
fn dotted(path: &str) -> impl Iterator<Item = u8> {
    path.bytes().map(|byte| if byte == b'/' { b'.' } else { byte })
}

/// The paths of a slot by what they mean; of several names the first.
fn paths(slot: &Slot) -> HashMap<Spot, &str> {
    let mut paths = HashMap::new();
    for path in slot.addresses.iter() {
        if let Some(spot) = slot.addresses.find(path) {
            paths.entry(spot).or_insert(path);
        }
    }
    paths
}

impl Control {
    /// The address of what is called by an address or by names with dots between them: `/bass/filter/cutoff`, `bass.filter.cutoff`.
    /// Where an input is a control's other name, the control's.
    pub(super) fn address_of(&self, name: &str) -> Option<String> {
        let target = self.named_target(name)?;
        self.spell_target(target).or_else(|| name.starts_with('/').then(|| name.to_owned()))
    }

    fn named_target(&self, name: &str) -> Option<Target> {
        if name.starts_with('/') {
            return self.find_target(name);
        }
        let (slot, rest) = name.split_once('.')?;
        self.find_target(&format!("/{slot}/{}", rest.replace('.', "/"))).or_else(|| {
            // The sources of a depth have dots of their own.
            let of = &self.slots[*self.names.get(slot)?];
            let path = of.addresses.iter().find(|path| dotted(path).eq(rest.bytes()))?;
            self.find_target(&format!("/{slot}/{path}"))
        })
    }

    /// An address as maps of racks and devices name it.
    pub(super) fn dotted(address: &str) -> String {
        address.trim_start_matches('/').replace('/', ".")
    }

    /// The address of a value.
    pub(super) fn spell_target(&self, target: Target) -> Option<String> {
        if target.slot == MASTER {
            let (name, _) = MASTER_SPOTS.iter().find(|(_, mix)| target.spot == Spot::Strip(*mix))?;
            return Some(format!("/master/{name}"));
        }
        let slot = self.slots.get(target.slot)?;
        let path = slot.addresses.iter().find(|path| slot.addresses.find(path) == Some(target.spot))?;
        Some(format!("/{}/{path}", slot.name))
    }

    /// Unit and range of a value that a map can turn; of a setting its numbers, of a choice their count.
    pub(super) fn map_scale(&self, target: Target) -> Option<Scale> {
        let (Spot::Setting(module, setting) | Spot::Cell(module, setting, _)) = target.spot else { return self.scale(target) };
        let declared = self.slots.get(target.slot)?.declared(module, setting)?;
        match declared.kind {
            SettingKind::Choice(words) => Some(Scale::linear(Unit::Number, 0.0, words.len() as f32 - 1.0)),
            SettingKind::Integer { min, max, .. } => Some(Scale::linear(Unit::Number, min as f32, max as f32)),
            SettingKind::Number { min, max, .. } => Some(Scale::linear(Unit::Number, min as f32, max as f32)),
            SettingKind::Pitches(_) | SettingKind::Numbers(_) | SettingKind::Name(_) => None,
        }
    }

    /// What a target's name means now.
    fn goal(&self, name: &str) -> End {
        let (goal, name) = match self.address_of(name) {
            Some(address) => {
                let target = self.find_target(&address).filter(|target| self.map_scale(*target).is_some());
                (target.map_or(Goal::Idle, Goal::Value), address)
            }
            None if name == LEARN => (Goal::Learn, LEARN.to_owned()),
            None if name.starts_with('/') => (Goal::Idle, name.to_owned()),
            None => (Goal::Idle, format!("/{}", name.replace('.', "/"))),
        };
        End { goal, name, memory: Vec::new() }
    }

    /// Where a map leads, in the unit of what it turns.
    fn law_of(&self, spec: &MapSpec, ends: &[End]) -> Result<Law, String> {
        let scales: Vec<Scale> = ends
            .iter()
            .filter_map(|end| match end.goal {
                Goal::Value(target) => self.map_scale(target),
                _ => None,
            })
            .collect();
        let mut law = Law {
            range_in: spec.range_in,
            range_out: None,
            curve: spec.curve,
            pickup: spec.pickup,
            toggle: spec.toggle,
            relative: spec.relative,
            step: spec.step,
        };
        let Some(first) = scales.first() else { return Ok(law) };
        if spec.min.is_some() || spec.max.is_some() {
            if scales.iter().any(|scale| (scale.unit, scale.depth_at) != (first.unit, first.depth_at)) {
                return Err("the targets are measured in different units, so that one range cannot serve them all".to_owned());
            }
            let end = |written: &Option<Written>, usual: f32| written.as_ref().map_or(Ok(usual), |written| settle(first, written));
            law.range_out = Some((end(&spec.min, first.min)?, end(&spec.max, first.max)?));
        }
        if spec.curve == Some(Curve::Log) && scales.iter().any(|scale| !takes_log(*scale, law.range_out)) {
            return Err("a logarithmic curve cannot reach 0".to_owned());
        }
        Ok(law)
    }

    pub(super) fn bound_of(&self, spec: &MapSpec, layer: Layer, port: Option<Client>) -> Bound {
        let ends: Vec<End> = spec.to.iter().map(|name| self.goal(name)).collect();
        let (law, wrong) = match self.law_of(spec, &ends) {
            Ok(law) => (law, None),
            Err(wrong) => (Law::default(), Some(wrong)),
        };
        Bound { source: spec.from.clone(), port, slot: None, ends, law, layer, wrong }
    }

    fn bound_in(&self, slot: usize, map: &Map, paths: &HashMap<Spot, &str>) -> Bound {
        let of = &self.slots[slot];
        let ends = map.to.iter().map(|to| {
            let spot = Spot::from(*to);
            let path = paths.get(&spot).copied().unwrap_or_default();
            End { goal: Goal::Value(Target { slot, spot }), name: format!("/{}/{path}", of.name), memory: Vec::new() }
        });
        Bound {
            source: map.from.clone(),
            port: None,
            slot: Some(slot),
            ends: ends.collect(),
            law: Law::of(map),
            layer: Layer::Patch(slot),
            wrong: None,
        }
    }

    /// All maps anew, after a slot's patch or the maps of something else have changed. What is remembered of controllers stays.
    pub(super) fn bind(&mut self) {
        self.quick.forget();
        let mut written = Vec::new();
        for (slot, of) in self.slots.iter().enumerate().filter(|(_, of)| !of.patch.maps.is_empty()) {
            let paths = paths(of);
            written.extend(of.patch.maps.iter().map(|map| self.bound_in(slot, map, &paths)));
        }
        // What a file says by now need not be said any more, nor kept from acting where no file says it.
        let mut made = std::mem::take(&mut self.maps.made);
        made.retain(|made| {
            let bound = self.bound_of(&made.spec, Layer::Rack, None);
            let target = bound.ends.iter().find_map(|end| if let Goal::Value(target) = end.goal { Some(target) } else { None });
            let slot = target.and_then(|target| self.slots.get(target.slot));
            let read_anew = made.saved.as_ref().zip(slot).is_some_and(|(before, slot)| *before != slot.text);
            !read_anew && !written.iter().any(|other| other.says(&bound))
        });
        self.maps.made = made;
        let mut all: Vec<Bound> = Vec::new();
        for (at, made) in self.maps.made.iter().enumerate() {
            all.push(self.bound_of(&made.spec, Layer::Made(at), None));
        }
        for (at, device) in self.maps.devices.iter().enumerate() {
            let each = device.ports.iter().flat_map(|port| device.specs.iter().map(move |spec| (*port, spec)));
            all.extend(each.map(|(port, spec)| self.bound_of(spec, Layer::Device(at), Some(port))));
        }
        all.extend(self.maps.rack.iter().map(|spec| self.bound_of(spec, Layer::Rack, None)));
        all.extend(written);
        if !self.maps.cleared.is_empty() {
            let mut cleared = std::mem::take(&mut self.maps.cleared);
            let away = |source: &MapSource| self.maps.devices.iter().any(|device| device.ports.is_empty() && device.says(source));
            cleared.retain(|(source, name)| {
                let there = |bound: &Bound| !matches!(bound.layer, Layer::Made(_)) && bound.source == *source;
                all.iter().any(|bound| there(bound) && bound.ends.iter().any(|end| end.name == *name)) || away(source)
            });
            for bound in all.iter_mut().filter(|bound| !matches!(bound.layer, Layer::Made(_))) {
                // A list over OSC keeps its order.
                for end in &mut bound.ends {
                    if cleared.contains(&(bound.source.clone(), end.name.clone())) {
                        end.goal = Goal::Idle;
                    }
                }
            }
            self.maps.cleared = cleared;
        }
        self.remember(&mut all);
        self.maps.midi.clear();
        self.bound.clear();
        for (at, bound) in all.iter().enumerate().filter(|(_, bound)| bound.wrong.is_none()) {
            if bound.ends.iter().all(|end| end.goal == Goal::Idle) {
                continue;
            }
            match (&bound.source, Mover::of(&bound.source)) {
                (_, Some((mover, _))) => self.maps.midi.entry(mover).or_default().push(at),
                (MapSource::Osc(address), _) => self.bound.entry(address.clone()).or_default().push(at),
                _ => {}
            }
        }
        self.maps.all = all;
        self.bound_tree = AddressTree::new(self.bound.keys().map(|address| (address.strip_prefix('/').unwrap_or(address), ())));
    }

    /// What was remembered of the maps before goes over to those that lead from the same to the same.
    fn remember(&mut self, all: &mut [Bound]) {
        let old = std::mem::take(&mut self.maps.all);
        let mut memories = HashMap::new();
        for bound in old {
            for end in bound.ends.into_iter().filter(|end| !end.memory.is_empty()) {
                memories.insert((bound.source.clone(), bound.port, end.name), end.memory);
            }
        }
        if memories.is_empty() {
            return;
        }
        for bound in all {
            for end in &mut bound.ends {
                if let Some(memory) = memories.remove(&(bound.source.clone(), bound.port, end.name.clone())) {
                    end.memory = memory;
                }
            }
        }
    }

    /// The same, and all who watch mapped addresses look anew for them.
    pub(super) fn bind_anew(&mut self) {
        self.bind();
        self.look_anew(None);
    }

    /// Whether a map turns something of a slot.
    pub(super) fn bound_is_of(&self, bound: usize, slot: usize) -> bool {
        self.maps
            .all
            .get(bound)
            .is_some_and(|bound| bound.ends.iter().any(|end| matches!(end.goal, Goal::Value(target) if target.slot == slot)))
    }

    /// The values that a map turns.
    pub(super) fn targets_of(&self, bound: usize) -> impl Iterator<Item = Target> {
        self.maps.all.get(bound).into_iter().flat_map(|bound| &bound.ends).filter_map(|end| match end.goal {
            Goal::Value(target) => Some(target),
            _ => None,
        })
    }

    /// The maps of the rack's own file, in place of those before; what they turn may come later. `[control]`
    pub fn set_rack_maps(&mut self, maps: Vec<MapSpec>) {
        self.maps.rack = maps;
        self.bind_anew();
    }
}

/// Whether a range can be laid out by equal ratios.
pub(super) fn takes_log(scale: Scale, range: Option<(f32, f32)>) -> bool {
    let (min, max) = range.unwrap_or((scale.min, scale.max));
    values::natural(scale.unit, min) * values::natural(scale.unit, max) > 0.0
}

/// An end of a range, counted as the target counts.
fn settle(scale: &Scale, written: &Written) -> Result<f32, String> {
    match (written, scale.depth_at) {
        (Written::Number(x), _) => Ok(values::counted(scale.unit, *x)),
        (Written::Text(text), Some(at)) => values::depth_of_text(at, text),
        (Written::Text(text), None) => match values::amount_of_text(scale.unit, text)? {
            Amount::Plain(x) => Ok(x),
            Amount::Beats(_) => Err("the range of a map is not musical".to_owned()),
        },
    }
}
