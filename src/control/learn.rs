//! Learning: the next controller that moves, or free OSC address that speaks, is bound to what was picked.
//!
//! What moves is looked at for the length of one turn before it is decided what it is: a controller of 7 or of 14 bits, one without a
//! place, a parameter, a wheel, a key. It stays in learning: what is picked next, by `/map/learn` or by being turned, is next.

use std::collections::{HashMap, HashSet, VecDeque};

use super::bound::{Goal, LEARN, Layer, Made, Mover};
use super::client::{Client, Origin};
use super::control::Control;
use super::relative;
use super::targets::Target;
use super::value::{Message, Value};
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;
use crate::patch::{MapSource, MapSpec, Relative, map_source, spell_source};

/// Quiet after which a turn is over [s].
const QUIET: f64 = 0.3;
/// The same after so little that it may be anything [s].
const QUIET_LONG: f64 = 1.0;
/// Messages of one controller that are enough.
const ENOUGH: usize = 12;
/// Things that move at once and are told apart at most.
const TOGETHER: usize = 64;
/// After so long without anything learnt or picked, learning ends [s].
const PATIENCE: f64 = 120.0;

/// What may be learnt, where the client says so.
pub(super) const KINDS: [&str; 7] = ["cc", "nrpn", "bend", "pressure", "note", "midi", "osc"];

/// What moves while something is learnt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Moving {
    /// On a port and a channel, 1 to 16.
    Midi(Client, u8, Mover),
    /// A controller that has another meaning: why it is refused.
    Reserved(Client, u8, u8, &'static str),
    /// A free address.
    Osc(String),
}

/// What came of one of them.
#[derive(Clone, Debug, Default)]
struct Turn {
    /// Numbers of 7 bits, of controllers.
    bytes: Vec<u8>,
    /// Numbers over OSC.
    numbers: Vec<f64>,
    /// How often it spoke.
    count: usize,
}

/// Something is being learnt.
#[derive(Debug)]
pub(super) struct Learning {
    /// Who is told.
    pub client: Client,
    /// Addresses that are learnt for, the first now.
    pub picked: VecDeque<String>,
    /// Kinds that are listened to; none: all but keys where a key would be no use.
    pub kinds: Vec<String>,
    /// What has been learnt: source and address.
    pub learnt: Vec<(MapSource, String)>,
    /// What moves, in the order in which it began.
    moving: Vec<(Moving, Turn)>,
    /// When something last moved.
    last: SampleTime,
    /// When something was last picked or learnt.
    since: SampleTime,
    /// What was refused already.
    refused: HashSet<(u8, u8)>,
    /// Non-registered parameters as they are chosen, by port and channel.
    chosen: HashMap<(Client, u8), (u8, u8)>,
}

impl Learning {
    fn new(client: Client, now: SampleTime) -> Self {
        Self {
            client,
            picked: VecDeque::new(),
            kinds: Vec::new(),
            learnt: Vec::new(),
            moving: Vec::new(),
            last: now,
            since: now,
            refused: HashSet::new(),
            chosen: HashMap::new(),
        }
    }

    /// Whether a kind is listened to.
    fn hears(&self, kind: &str) -> bool {
        let midi = kind != "osc";
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind || midi && wanted == "midi")
    }

    fn turn(&mut self, moving: Moving, now: SampleTime) -> Option<&mut Turn> {
        let at = match self.moving.iter().position(|(of, _)| *of == moving) {
            Some(at) => at,
            None if self.moving.len() < TOGETHER => {
                self.moving.push((moving, Turn::default()));
                self.moving.len() - 1
            }
            None => return None,
        };
        self.last = now;
        let turn = &mut self.moving[at].1;
        turn.count += 1;
        Some(turn)
    }

    fn begin_anew(&mut self) {
        self.moving.clear();
        self.chosen.clear();
    }

    /// What has moved most, if it has come to its end; and whether all is over.
    fn over(&self, now: SampleTime, rate: f64) -> (Option<usize>, bool) {
        let quiet = now.saturating_sub(self.last) as f64 / rate;
        let Some(best) = self.best() else { return (None, quiet >= QUIET_LONG) };
        let (moving, turn) = &self.moving[best];
        let at_once = matches!(moving, Moving::Midi(_, _, Mover::Note(_)));
        let open = matches!(moving, Moving::Midi(_, _, Mover::Cc(_))) && relative::may_be(&turn.bytes);
        let over = at_once || turn.count >= ENOUGH || quiet >= if open { QUIET_LONG } else { QUIET };
        (over.then_some(best), over)
    }

    /// What moves most; what presses on a key only where nothing else moves, and what is refused only then too.
    fn best(&self) -> Option<usize> {
        let mut best: Option<(usize, (i32, usize))> = None;
        for (at, (moving, turn)) in self.moving.iter().enumerate() {
            // What says the same again and again does not move, unless that is a click.
            let still = turn.bytes.len() > 2 && turn.bytes.iter().all(|byte| *byte == turn.bytes[0]);
            let weight = match moving {
                Moving::Midi(_, _, Mover::Cc(_)) if still && relative::told_by(&turn.bytes).is_none() => continue,
                Moving::Midi(_, _, Mover::Pressure) => (1, turn.count),
                Moving::Reserved(..) => (0, turn.count),
                _ => (2, turn.count),
            };
            if best.is_none_or(|(_, most)| weight > most) {
                best = Some((at, weight));
            }
        }
        best.map(|(at, _)| at)
    }
}

/// Why a controller is not learnt, where it never is.
fn reserved(number: u8, mpe: bool) -> Option<&'static str> {
    Some(match number {
        0 | 32 => "it chooses the bank",
        6 | 38 => "it enters the data of a parameter, and none is chosen",
        64 => "it is the sustain pedal; `/map/set` binds it all the same",
        74 if mpe => "it is the timbre of each note of an MPE keyboard",
        88 => "it is the finer part of a velocity",
        96..=101 => "it chooses a parameter",
        120..=127 => "it is a mode of the channel",
        _ => return None,
    })
}

impl Control {
    /// Whether a patch or a slot is played by an MPE keyboard.
    fn has_mpe(&self) -> bool {
        let mpe = |slot: &super::slot::Slot| slot.zone.mpe.unwrap_or_else(|| slot.patch.note.as_ref().is_some_and(|note| note.mpe));
        self.slots.iter().any(mpe)
    }

    /// Something comes from a MIDI port: it is looked at while something is learnt.
    pub(super) fn overhear(&mut self, from: Client, message: &MidiMessage) {
        let Some(picked) = self.maps.learning.as_ref().and_then(|learning| learning.picked.front()) else { return };
        if from.origin != Origin::Midi {
            return;
        }
        let now = self.shown.now();
        let for_keys = self.find_target(picked).is_some_and(|target| self.is_switch(target));
        let mpe = self.has_mpe();
        let Some(learning) = &mut self.maps.learning else { return };
        let for_keys = for_keys && learning.hears("note");
        let (moving, byte) = match *message {
            MidiMessage::Cc { channel, number, value } => {
                let at = (from, channel);
                match number {
                    98 | 99 => {
                        let (high, low) = learning.chosen.get(&at).copied().unwrap_or((127, 127));
                        learning.chosen.insert(at, if number == 99 { (value, low) } else { (high, value) });
                    }
                    100 | 101 => {
                        learning.chosen.remove(&at);
                    }
                    _ => {}
                }
                let parameter = learning.chosen.get(&at).filter(|chosen| matches!(number, 6 | 38) && **chosen != (127, 127));
                match (parameter, reserved(number, mpe)) {
                    (Some((high, low)), _) if learning.hears("nrpn") => {
                        (Moving::Midi(from, channel + 1, Mover::Nrpn(u16::from(*high) << 7 | u16::from(*low))), None)
                    }
                    (Some(_), _) => return,
                    (None, Some(why)) => (Moving::Reserved(from, channel + 1, number, why), None),
                    (None, None) if learning.hears("cc") => (Moving::Midi(from, channel + 1, Mover::Cc(number)), Some(value)),
                    (None, None) => return,
                }
            }
            MidiMessage::Bend { channel, .. } if learning.hears("bend") => (Moving::Midi(from, channel + 1, Mover::Bend), None),
            MidiMessage::Pressure { channel, .. } if learning.hears("pressure") => (Moving::Midi(from, channel + 1, Mover::Pressure), None),
            MidiMessage::NoteOn { channel, key, .. } if for_keys || learning.kinds.iter().any(|kind| kind == "note") => {
                (Moving::Midi(from, channel + 1, Mover::Note(key)), None)
            }
            _ => return,
        };
        if let Some(turn) = learning.turn(moving, now) {
            turn.bytes.extend(byte);
        }
        self.decide();
    }

    /// A number comes at an address that nothing has, or that is mapped already; whether it is being learnt.
    pub(super) fn overhear_osc(&mut self, address: &str, values: &[Value]) -> bool {
        let now = self.shown.now();
        let listens = |learning: &Learning| !learning.picked.is_empty() && learning.hears("osc");
        if !self.maps.learning.as_ref().is_some_and(listens) {
            return false;
        }
        // A finger that rests on what is being learnt.
        let moves = |of: &str| {
            let learning = self.maps.learning.as_ref();
            learning.is_some_and(|learning| learning.moving.iter().any(|(moving, _)| *moving == Moving::Osc(of.to_owned())))
        };
        if address.strip_suffix("/z").is_some_and(moves) {
            return true;
        }
        let Some(x) = values.first().and_then(Value::number) else { return false };
        let first = address.trim_start_matches('/').split('/').next().unwrap_or("");
        let taken = crate::base::names::FIRST_WORDS.contains(&first) || self.names.contains_key(first) || address.ends_with("/z");
        if taken || !matches!(map_source(address), Ok(MapSource::Osc(_))) {
            return false;
        }
        let Some(learning) = &mut self.maps.learning else { return false };
        let heard = learning.turn(Moving::Osc(address.to_owned()), now).map(|turn| turn.numbers.push(x)).is_some();
        self.decide();
        heard
    }

    /// What has moved is bound, or refused, once its turn is over.
    pub(super) fn decide(&mut self) {
        let (now, rate) = (self.shown.now(), self.rate());
        let Some(learning) = &mut self.maps.learning else { return };
        if learning.moving.is_empty() {
            if now.saturating_sub(learning.since) as f64 > PATIENCE * rate {
                self.end_learning("time");
            }
            return;
        }
        let (best, over) = learning.over(now, rate);
        let Some(best) = best else {
            if over {
                learning.begin_anew();
            }
            return;
        };
        let (moving, turn) = learning.moving[best].clone();
        let others = std::mem::take(&mut learning.moving);
        learning.begin_anew();
        match moving {
            Moving::Reserved(_, channel, number, why) => {
                if learning.refused.insert((channel, number)) {
                    let client = learning.client;
                    let source = spell_source(&MapSource::Cc(number, Some(channel)));
                    self.tell_learner(client, Message::new("/map/refused", vec![source.into(), why.into()]));
                }
            }
            Moving::Midi(from, channel, mover) => self.learn_midi((from, channel, mover), &turn, &others),
            Moving::Osc(address) => {
                let most = turn.numbers.iter().fold(0.0_f64, |most, x| most.max(*x));
                let least = turn.numbers.iter().fold(0.0_f64, |least, x| least.min(*x));
                // What goes beyond 1 or below 0 counts otherwise.
                let range_in = match (least < 0.0, most > 1.0) {
                    (false, true) if most <= 127.0 => Some((0.0, 127.0)),
                    (true, _) if least >= -1.0 && most <= 1.0 => Some((-1.0, 1.0)),
                    _ => None,
                };
                let spec = MapSpec { range_in, ..MapSpec::new(MapSource::Osc(address), "") };
                self.learn(spec, None, &[]);
            }
        }
    }

    fn learn_midi(&mut self, (from, channel, mover): (Client, u8, Mover), turn: &Turn, others: &[(Moving, Turn)]) {
        let spoke = |mover: Mover| {
            let other = others.iter().find(|(moving, _)| *moving == Moving::Midi(from, channel, mover));
            other.map_or(0, |(_, turn)| turn.count)
        };
        let (mut mover, mut remarks) = (mover, Vec::new());
        let mut relative = None;
        if let Mover::Cc(number) = mover {
            // The finer part of a place comes with the coarser, or a little more often.
            let coarse = if (32..64).contains(&number) { number - 32 } else { number };
            let fine = coarse < 32 && spoke(Mover::Cc(coarse)) > 0 && 2 * spoke(Mover::Cc(coarse + 32)) >= spoke(Mover::Cc(coarse));
            if fine || (coarse != number && spoke(Mover::Cc(coarse)) > 0) {
                mover = Mover::Cc(coarse);
                remarks.extend([Value::from("bits"), Value::Integer(14)]);
            } else {
                relative = relative::told_by(&turn.bytes);
            }
        }
        let spec = MapSpec { relative, ..MapSpec::new(mover.source(Some(channel)), "") };
        let device = self.maps.devices.iter().find(|device| device.ports.contains(&from)).map(|device| device.name.clone());
        if let Some(name) = &device {
            remarks.extend([Value::from("device"), name.as_str().into()]);
        }
        self.learn(spec, device, &remarks);
    }

    /// Binds what was learnt to what was picked, and tells it.
    fn learn(&mut self, spec: MapSpec, device: Option<String>, remarks: &[Value]) {
        let now = self.shown.now();
        let Some(learning) = &mut self.maps.learning else { return };
        let Some(address) = learning.picked.pop_front() else { return };
        learning.since = now;
        learning.learnt.push((spec.from.clone(), address.clone()));
        let (client, next) = (learning.client, learning.picked.front().cloned());
        let source = spec.from.clone();
        let relative = spec.relative;
        let range_in = spec.range_in;
        self.make(MapSpec { to: vec![Self::dotted(&address)], ..spec }, device);
        let mut told = vec![address.as_str().into(), spell_source(&source).into()];
        told.extend(relative.map(Relative::name).into_iter().flat_map(|name| [Value::from("relative"), name.into()]));
        if let Some((from, to)) = range_in {
            told.extend([Value::from("from"), format!("{from} {to}").into()]);
        }
        told.extend(remarks.iter().cloned());
        for also in self.turned_by(&source).into_iter().filter(|also| *also != address) {
            told.extend([Value::from("also"), also.into()]);
        }
        self.tell_learner(client, Message::new("/map/learned", told));
        if let Some(next) = next {
            self.tell_learner(client, Message::new("/map/learning", vec![next.into()]));
        }
    }

    /// A map is made while playing; it takes the place of one from the same to the same.
    pub(super) fn make(&mut self, spec: MapSpec, device: Option<String>) {
        let same = |made: &Made| made.spec.from == spec.from && made.spec.to == spec.to;
        for name in &spec.to {
            if let Some(address) = self.address_of(name).or_else(|| (name == LEARN).then(|| name.clone())) {
                self.maps.cleared.remove(&(spec.from.clone(), address));
            }
        }
        match self.maps.made.iter_mut().find(|made| same(made)) {
            Some(made) => *made = Made { spec, device, saved: None },
            None => self.maps.made.push(Made { spec, device, saved: None }),
        }
        self.bind_anew();
    }

    /// The addresses that a source turns, on whichever channel it listens.
    pub(super) fn turned_by(&self, source: &MapSource) -> Vec<String> {
        let same = |of: &MapSource| match (Mover::of(of), Mover::of(source)) {
            (Some((a, on)), Some((b, with))) => a == b && (on.is_none() || with.is_none() || on == with),
            _ => of == source,
        };
        let bound = self.maps.all.iter().filter(|bound| same(&bound.source) && bound.wrong.is_none());
        let ends = bound.flat_map(|bound| &bound.ends).filter(|end| end.goal != Goal::Idle);
        let mut names: Vec<String> = Vec::new();
        for end in ends {
            if !names.contains(&end.name) {
                names.push(end.name.clone());
            }
        }
        names
    }

    /// Picks what is learnt for; whoever learns already gives way.
    pub(super) fn pick(&mut self, client: Client, picked: Vec<String>, kinds: Vec<String>) {
        if self.maps.learning.as_ref().is_some_and(|learning| learning.client != client) {
            self.end_learning("taken");
        }
        let now = self.shown.now();
        let learning = self.maps.learning.get_or_insert_with(|| Learning::new(client, now));
        learning.begin_anew();
        learning.since = now;
        learning.picked = picked.into();
        learning.kinds = kinds;
    }

    /// Who learns has turned something: that is picked.
    pub(super) fn touch_map(&mut self, client: Client, target: Target) {
        if !matches!(client.origin, Origin::Osc | Origin::Lines) {
            return;
        }
        self.maps.touched = Some((client, target));
        let waits = |learning: &Learning| learning.client == client && learning.picked.is_empty();
        if self.maps.learning.as_ref().is_some_and(waits)
            && let Some(address) = self.spell_target(target)
        {
            self.pick(client, vec![address.clone()], Vec::new());
            self.tell_learner(client, Message::new("/map/learning", vec![address.into()]));
        }
    }

    /// The button that begins and ends learning was pressed.
    pub(super) fn learn_button(&mut self, _from: Client) {
        if self.maps.learning.is_some() {
            self.end_learning("button");
            return;
        }
        let Some((client, target)) = self.maps.touched else {
            self.tell("nothing was turned yet that could be learnt for".to_owned());
            return;
        };
        if let Some(address) = self.spell_target(target) {
            self.pick(client, vec![address.clone()], Vec::new());
            self.tell_learner(client, Message::new("/map/learning", vec![address.into()]));
        }
    }

    /// Learning ends; who learnt is told how much, and why it ends.
    pub(super) fn end_learning(&mut self, why: &str) {
        if let Some(learning) = self.maps.learning.take() {
            let count = Value::Integer(learning.learnt.len() as i64);
            self.tell_learner(learning.client, Message::new("/map/done", vec![count, why.into()]));
        }
    }

    /// Learning ends, and what was learnt since it began is forgotten; how much that was.
    pub(super) fn cancel_learning(&mut self) -> usize {
        let Some(learning) = self.maps.learning.take() else { return 0 };
        for (source, address) in &learning.learnt {
            let name = Self::dotted(address);
            self.maps.made.retain(|made| !(made.spec.from == *source && made.spec.to == [name.clone()]));
        }
        self.bind_anew();
        learning.learnt.len()
    }

    fn tell_learner(&mut self, client: Client, message: Message) {
        let words: Vec<String> = message.values.iter().map(Value::to_string).collect();
        self.tell(format!("{} {}", message.address.trim_start_matches("/map/"), words.join(" ")));
        self.outbox.push((client, message));
    }

    /// Who made a map, in words.
    pub(super) fn layer_name(&self, layer: &Layer) -> String {
        match layer {
            Layer::Made(_) => "made".to_owned(),
            Layer::Device(at) => format!("device {}", self.maps.devices[*at].name),
            Layer::Rack => "rack".to_owned(),
            Layer::Patch(slot) => format!("patch {}", self.slots[*slot].name),
        }
    }
}
