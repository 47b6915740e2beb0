//! Maps at work: what comes from a controller or a mapped address turns what a map says it turns.

use super::address_map::Spot;
use super::bound::{Goal, Law, Memory, Moved, Mover, takes_log};
use super::client::{Client, Origin};
use super::control::Control;
use super::draft::{Draft, MASTER, Step};
use super::fail::{Code, Fail};
use super::scale::Scale;
use super::slot::SlotSet;
use super::targets::Target;
use super::value::{Message, Value};
use crate::base::units::Unit;
use crate::engine::event::Mix;
use crate::module::{Curve, SettingKind, SettingValue};
use crate::patch::{Amount, Relative};

/// In what time a value gets to where a MIDI controller puts it [s]: the steps of 7 bits are not heard.
pub(super) const SMOOTH: f64 = 0.02;
/// How long after its time a value may still be on its way to whoever asks [s].
const GRACE: f64 = 0.01;
/// Travel of a click where none is written.
const CLICK: f64 = 0.01;
/// A controller this near to a value has picked it up: one step of 7 bits.
const NEAR: f64 = 1.0 / 127.0;

/// What came, before it is laid over a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Raw {
    /// A controller's position, 0..1, and the number of 7 bits that it came in.
    Position(f64, Option<u8>),
    /// A number over OSC: a position unless the map says otherwise; on a choice the index.
    Number(f64),
    /// So much of the travel further than it stands.
    Step(f64),
}

/// The target's scale, as far as the map does not say otherwise.
fn mapped(scale: Scale, law: &Law) -> Scale {
    let (min, max) = law.range_out.unwrap_or((scale.min, scale.max));
    let curve = law.curve.unwrap_or(scale.curve);
    let straight = curve == Curve::Log && !takes_log(scale, Some((min, max)));
    Scale { min, max, curve: if straight { Curve::Linear } else { curve }, ..scale }
}

/// The place 0..1 of what came in what counts as 0 to 1.
fn travel(law: &Law, x: f64) -> f64 {
    let (from, to) = law.range_in.unwrap_or((0.0, 1.0));
    let span = f64::from(to) - f64::from(from);
    if span == 0.0 { 0.0 } else { ((x - f64::from(from)) / span).clamp(0.0, 1.0) }
}

/// Whether a press has come: up to the upper half, or there once more from something that tells of presses alone.
fn pressed(memory: &mut Memory, x: f64) -> bool {
    let before = memory.last.replace(x);
    x >= 0.5 && before.is_none_or(|before| before < 0.5 || before == x)
}

/// A value that a map turns, as far as that can be worked out beforehand.
#[derive(Clone, Copy)]
struct Aim {
    target: Target,
    scale: Scale,
    /// Of a choice: how many there are between the ends, and whether from the last to the first.
    choices: Option<f64>,
    /// Where it stands, counted.
    stands: f64,
}

impl Aim {
    /// Where it stands as travel; a choice in the middle of its part.
    fn travel(&self) -> f64 {
        match self.choices {
            Some(count) => {
                let from = f64::from(self.scale.min) - self.stands;
                ((from.abs() + 0.5) / count).clamp(0.0, 1.0)
            }
            None => self.scale.travel_of(Amount::Plain(self.stands as f32), 120.0),
        }
    }

    /// The counted value at a place of its travel.
    fn at(&self, travel: f64) -> f64 {
        let (min, max) = (f64::from(self.scale.min), f64::from(self.scale.max));
        match self.choices {
            Some(count) => {
                let step = libm::floor(travel * count).min(count - 1.0);
                if min <= max { min + step } else { min - step }
            }
            None => f64::from(self.scale.at_travel(travel)),
        }
    }
}

impl Control {
    /// What a map's target is and where it stands, by the law of a map.
    fn aim(&self, target: Target, law: &Law) -> Option<Aim> {
        let scale = mapped(self.map_scale(target)?, law);
        let Spot::Setting(module, setting) = target.spot else {
            let stands = match self.amount_at(target)? {
                Amount::Plain(x) => x,
                Amount::Beats(beats) => scale.of_beats(beats, self.tempo),
            };
            return Some(Aim { target, scale, choices: None, stands: stands.into() });
        };
        let slot = &self.slots[target.slot];
        let (stands, choices) = match slot.setting(module, setting)? {
            SettingValue::Choice(index) => {
                let SettingKind::Choice(words) = slot.declared(module, setting)?.kind else { return None };
                let most = words.len() as f32 - 1.0;
                let (min, max) = (scale.min.clamp(0.0, most), scale.max.clamp(0.0, most));
                let scale = Scale { min: libm::roundf(min), max: libm::roundf(max), ..scale };
                let count = f64::from((scale.max - scale.min).abs()) + 1.0;
                return Some(Aim { target, scale, choices: Some(count), stands: *index as f64 });
            }
            SettingValue::Integer(x) => (*x as f64, None),
            SettingValue::Number(x) => (*x, None),
            _ => return None,
        };
        Some(Aim { target, scale, choices, stands })
    }

    /// Turns one target of a map by what has come.
    fn turn_end(&mut self, draft: &mut Draft, (bound, end): (usize, usize), from: Client, raw: Raw) -> Result<(), String> {
        let law = self.maps.all[bound].law;
        let (Raw::Position(x, _) | Raw::Number(x) | Raw::Step(x)) = raw;
        let target = match self.maps.all[bound].ends[end].goal {
            Goal::Idle => return Ok(()),
            Goal::Learn => {
                if pressed(self.memory(bound, end, from), travel(&law, x)) {
                    self.learn_button(from);
                }
                return Ok(());
            }
            Goal::Value(target) => target,
        };
        let Some(aim) = self.aim(target, &law) else { return Ok(()) };
        let now = self.shown.now();
        let placed = !(law.toggle || law.relative.is_some());
        if placed && let (Raw::Number(x), Some(_), None) = (raw, aim.choices, law.range_in) {
            return self.bring(draft, &aim, x, 0).map(|_| ());
        }
        let memory = self.memory(bound, end, from);
        let held = memory.put.filter(|(value, _)| now < memory.until || *value == aim.stands);
        let to = if let Raw::Step(step) = raw {
            let place = held.map_or_else(|| aim.travel(), |(_, place)| place);
            let place = (place + step).clamp(0.0, 1.0);
            let to = aim.at(place);
            memory.put = Some((to, place));
            to
        } else if law.toggle {
            if !pressed(memory, travel(&law, x)) {
                return Ok(());
            }
            match aim.choices {
                Some(count) => aim.at((aim.travel() + 1.0 / count).fract()),
                None => aim.at(if aim.travel() >= 0.5 { 0.0 } else { 1.0 }),
            }
        } else if let Some(relative) = law.relative {
            let Raw::Position(_, Some(value)) = raw else { return Ok(()) };
            let way = match relative {
                Relative::Auto => {
                    memory.way.hear(value);
                    memory.way.way().unwrap_or(relative)
                }
                way => way,
            };
            let usual = match (aim.choices, aim.target.spot) {
                (Some(count), _) => 1.0 / count,
                (None, Spot::Setting(..)) => CLICK.max(1.0 / f64::from((aim.scale.max - aim.scale.min).abs().max(1.0))),
                _ => CLICK,
            };
            let step = law.step.map_or(usual, f64::from);
            let place = held.map_or_else(|| aim.travel(), |(_, place)| place);
            let place = (place + f64::from(way.clicks(value)) * step).clamp(0.0, 1.0);
            if way.clicks(value) == 0 {
                return Ok(());
            }
            let to = aim.at(place);
            memory.put = Some((to, place));
            to
        } else {
            let x = travel(&law, x);
            let last = memory.last.replace(x);
            if law.pickup && held.is_none() {
                let at = aim.travel();
                let passed = last.is_some_and(|last| (last.min(x)..=last.max(x)).contains(&at));
                if !passed && (x - at).abs() > NEAR {
                    memory.put = None;
                    return Ok(());
                }
            }
            aim.at(x)
        };
        let frames = if matches!(raw, Raw::Position(..) | Raw::Step(_)) { self.frames(SMOOTH) as u32 } else { 0 };
        let put = self.bring(draft, &aim, to, frames)?;
        let until = if draft.at == 0 { 0 } else { draft.at + self.frames(GRACE) };
        let memory = self.memory(bound, end, from);
        memory.put = Some((put, memory.put.filter(|(value, _)| *value == to).map_or(x, |(_, place)| place)));
        memory.until = until;
        Ok(())
    }

    /// What is remembered of a controller on its way to a target. Who speaks by datagrams has a new door now and then.
    fn memory(&mut self, bound: usize, end: usize, from: Client) -> &mut Memory {
        let from = if from.origin == Origin::Midi { from } else { Client::of(from.origin) };
        let memories = &mut self.maps.all[bound].ends[end].memory;
        let at = memories.iter().position(|(of, _)| *of == from).unwrap_or_else(|| {
            memories.push((from, Memory::default()));
            memories.len() - 1
        });
        &mut memories[at].1
    }

    /// Puts a target to a counted value, in so many frames where it can glide; gives what it then stands at.
    fn bring(&mut self, draft: &mut Draft, aim: &Aim, to: f64, frames: u32) -> Result<f64, String> {
        let Spot::Setting(module, setting) = aim.target.spot else {
            let switch = matches!(aim.target.spot, Spot::Strip(Mix::Mute | Mix::Solo | Mix::Limiter));
            let event = switch || aim.scale.is_event();
            let to = if event { f32::from(u8::from(if switch { to >= 0.5 } else { to > 0.5 })) } else { to as f32 };
            self.smooth(draft, aim.target, aim.scale, Amount::Plain(to), if event { 0 } else { frames });
            return Ok(to.into());
        };
        let Some(declared) = self.slots[aim.target.slot].declared(module, setting) else { return Ok(to) };
        let (value, to) = match declared.kind {
            SettingKind::Choice(words) => {
                let index = libm::floor(to.clamp(0.0, words.len() as f64 - 1.0));
                (SettingValue::Choice(index as usize), index)
            }
            SettingKind::Integer { min, max, .. } => {
                let x = (libm::round(to) as i64).clamp(min, max);
                (SettingValue::Integer(x), x as f64)
            }
            SettingKind::Number { min, max, .. } => (SettingValue::Number(to.clamp(min, max)), to.clamp(min, max)),
            SettingKind::Pitches(_) | SettingKind::Numbers(_) => return Err("a list is set entry by entry".to_owned()),
            SettingKind::Name(_) => return Err("a name is no number".to_owned()),
        };
        if self.slots[aim.target.slot].setting(module, setting) != Some(&value) {
            draft.things += 1;
            draft.step(Step::Setting(aim.target.slot, module, setting, value));
        }
        Ok(to)
    }

    /// What comes at a mapped OSC address: one target for each argument; none asks.
    pub(super) fn draft_bound(&mut self, draft: &mut Draft, entries: &[usize], address: &str, values: &[Value]) -> Result<(), Fail> {
        if values.is_empty() {
            let told = entries.first().map(|bound| self.ask_map(*bound)).unwrap_or_default();
            draft.replies.push(Message::new(address, told));
            return Ok(());
        }
        let mut done = Vec::new();
        for bound in entries {
            for (end, value) in (0..self.maps.all[*bound].ends.len()).zip(values) {
                let wrong = |text: String| Fail::new(address, Code::WrongArguments, text);
                let x = value.number().ok_or_else(|| wrong(format!("a number is wanted; {value} is none")))?;
                if self.is_first(&mut done, *bound, end) {
                    self.turn_end(draft, (*bound, end), draft.client, Raw::Number(x)).map_err(wrong)?;
                }
            }
        }
        Ok(())
    }

    /// Whether no map before has turned the same by the same; it has from now on.
    fn is_first(&self, done: &mut Vec<Target>, bound: usize, end: usize) -> bool {
        match self.maps.all[bound].ends[end].goal {
            Goal::Value(target) if done.contains(&target) => false,
            Goal::Value(target) => {
                done.push(target);
                true
            }
            Goal::Learn => true,
            Goal::Idle => false,
        }
    }

    /// Where the targets of a map stand, as their surface shows them.
    pub(super) fn ask_map(&self, bound: usize) -> Vec<Value> {
        let Some(bound) = self.maps.all.get(bound) else { return Vec::new() };
        let asked = bound.ends.iter().filter_map(|end| match end.goal {
            Goal::Value(target) => self.ask_bound(target, &bound.law),
            _ => None,
        });
        asked.collect()
    }

    /// Where a mapped target stands, as its surface shows it.
    fn ask_bound(&self, target: Target, law: &Law) -> Option<Value> {
        if let Spot::Setting(module, setting) = target.spot
            && let Some(SettingValue::Choice(index)) = self.slots[target.slot].setting(module, setting)
        {
            return Some(Value::Integer(*index as i64));
        }
        let x = self.aim(target, law)?.travel();
        let (from, end) = law.range_in.unwrap_or((0.0, 1.0));
        Some(Value::Number(f64::from(from) + x * (f64::from(end) - f64::from(from))))
    }

    /// Turns everything that is bound to something on a MIDI port; the slots in which it turns anything.
    pub(super) fn moved(&mut self, draft: &mut Draft, moved: Moved) -> SlotSet {
        self.turn_moved(draft, moved, Raw::Position(moved.x, moved.raw))
    }

    /// The same for something that moves by so much of its travel.
    pub(super) fn moved_by(&mut self, draft: &mut Draft, (from, channel, what): (Client, u8, Mover), step: f64) -> SlotSet {
        self.turn_moved(draft, Moved { from, channel, what, x: 0.0, raw: None }, Raw::Step(step))
    }

    fn turn_moved(&mut self, draft: &mut Draft, moved: Moved, raw: Raw) -> SlotSet {
        let mut found = SlotSet::default();
        let Some(entries) = self.maps.midi.get_mut(&moved.what) else { return found };
        // They are away while they act; nothing that they do binds anew.
        let entries = std::mem::take(entries);
        let mut done = Vec::new();
        for bound in &entries {
            if !self.listens(*bound, moved) {
                continue;
            }
            for end in 0..self.maps.all[*bound].ends.len() {
                match self.maps.all[*bound].ends[end].goal {
                    Goal::Value(target) if target.slot != MASTER => found.add(target.slot),
                    // What belongs to no slot is nobody's else.
                    Goal::Value(_) | Goal::Learn => (0..self.slots.len()).for_each(|slot| found.add(slot)),
                    Goal::Idle => {}
                }
                if self.is_first(&mut done, *bound, end) {
                    // A position always fits.
                    let _ = self.turn_end(draft, (*bound, end), moved.from, raw);
                }
            }
        }
        if let Some(place) = self.maps.midi.get_mut(&moved.what) {
            *place = entries;
        }
        found
    }

    /// Whether something on a MIDI port is bound to anything in a slot, as [`Self::moved`] finds it.
    pub(super) fn binds(&self, slot: usize, from: Client, channel: u8, what: Mover) -> bool {
        let moved = Moved { from, channel, what, x: 0.0, raw: None };
        let there = |goal: &Goal| match goal {
            Goal::Value(target) => target.slot == slot || target.slot == MASTER,
            Goal::Learn => true,
            Goal::Idle => false,
        };
        let bound = |bound: &usize| self.listens(*bound, moved) && self.maps.all[*bound].ends.iter().any(|end| there(&end.goal));
        self.maps.midi.get(&what).is_some_and(|entries| entries.iter().any(bound))
    }

    /// Whether a map listens to a port and a channel.
    fn listens(&self, bound: usize, moved: Moved) -> bool {
        let bound = &self.maps.all[bound];
        match bound.slot {
            Some(slot) => self.map_hears(slot, moved.from, moved.channel, &bound.source),
            None => {
                let only = Mover::of(&bound.source).and_then(|(_, channel)| channel);
                only.is_none_or(|only| only == moved.channel) && bound.port.is_none_or(|port| port == moved.from)
            }
        }
    }

    /// Forgets what is remembered of a port's controllers: who comes back may stand elsewhere.
    pub(super) fn forget_controllers(&mut self, from: Client) {
        for end in self.maps.all.iter_mut().flat_map(|bound| &mut bound.ends) {
            end.memory.retain(|(of, _)| *of != from);
        }
    }

    /// Whether a value is on or off, or one of some words: what a key is learnt for.
    pub(super) fn is_switch(&self, target: Target) -> bool {
        match target.spot {
            Spot::Strip(mix) => matches!(mix, Mix::Mute | Mix::Solo | Mix::Limiter),
            Spot::Setting(module, setting) => {
                let declared = self.slots.get(target.slot).and_then(|slot| slot.declared(module, setting));
                declared.is_some_and(|declared| matches!(declared.kind, SettingKind::Choice(_)))
            }
            _ => self.scale(target).is_some_and(|scale| matches!(scale.unit, Unit::Gate | Unit::Trigger) && scale.depth_at.is_none()),
        }
    }
}
