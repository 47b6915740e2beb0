//! Subscriptions: who is told of what, how often, and until when. Told and dropped, never waited for.

use std::collections::{HashMap, HashSet, VecDeque};

use super::address_map::Spot;
use super::client::Client;
use super::control::Control;
use super::draft::MASTER;
use super::fail::{Code, Fail};
use super::meters;
use super::meters::{Gathered, Metered};
use super::patterns::Matches;
use super::streams::Stream;
use super::targets::Target;
use super::value::{Message, Value};
use super::verbs::Call;
use crate::base::time::SampleTime;
use crate::patch::values::spell_amount;
use crate::wire::Pattern;

/// Clients that subscribe at most.
const CLIENTS: usize = 64;
/// Subscriptions of one client at most.
const EACH: usize = 256;
/// Addresses that all subscriptions watch together at most.
const WATCHED: usize = 65_536;
/// Messages that one client is sent in one tick at most: a large subtree is told over several.
const TOGETHER: usize = 64;
/// Updates of each address a second where none are asked for [Hz].
const HZ: f64 = 30.0;
/// What came back so often since it last subscribed, was sent to a client that is gone.
const CAME_BACK: u32 = 3;
/// How long a subscription by datagrams lives without being renewed [s].
pub(super) const LEASE: f64 = 60.0;

/// What stands behind a watched address: the same number has the same key, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A value.
    Value(usize, Spot),
    /// A stream.
    Stream(Stream),
}

impl Key {
    /// An entry of a list counts as its list.
    fn of(target: Target) -> Self {
        let spot = match target.spot {
            Spot::Cell(module, setting, _) => Spot::Setting(module, setting),
            spot => spot,
        };
        Self::Value(target.slot, spot)
    }
}

/// How a watched address is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Value(Target, bool),
    Text(Target),
    Bound(usize),
    Stream(Stream),
    Meter(Metered),
}

/// One address that somebody watches.
#[derive(Debug)]
struct Watch {
    address: String,
    told: Told,
    /// Not before this.
    due: SampleTime,
    /// It stands in the queue.
    waits: bool,
    /// Of a meter: what is told next.
    gathered: Option<Box<Gathered>>,
}

#[derive(Debug)]
struct Subscription {
    path: String,
    /// Frames between two updates of one address.
    period: SampleTime,
    until: Option<SampleTime>,
    watches: Vec<Watch>,
    keys: HashMap<Key, Vec<usize>>,
    queue: VecDeque<usize>,
    metered: bool,
    /// The watch that is told again and again, as it moves by itself.
    cursor: Option<usize>,
}

impl Subscription {
    fn wait(&mut self, at: usize) {
        let watch = &mut self.watches[at];
        if !watch.waits {
            watch.waits = true;
            self.queue.push_back(at);
        }
    }

    /// All that show this are to be told.
    fn touch(&mut self, key: Key) {
        for at in self.keys.get(&key).map_or(&[][..], Vec::as_slice) {
            let watch = &mut self.watches[*at];
            if !watch.waits {
                watch.waits = true;
                self.queue.push_back(*at);
            }
        }
    }
}

/// One client that subscribes.
#[derive(Debug, Default)]
pub(super) struct Subscriber {
    all: Vec<Subscription>,
    /// Addresses that its finger rests on.
    touched: HashSet<String>,
    /// Slots whose patch has changed, or was unloaded, since it was told.
    changed: Vec<String>,
    /// How often what was sent to it came back.
    came_back: u32,
    /// What it is still to be told that happened, in order.
    pub happened: VecDeque<Message>,
}

impl Subscriber {
    /// Whether one of its subscriptions watches this.
    pub(super) fn watches(&self, key: Key) -> bool {
        self.all.iter().any(|sub| sub.keys.contains_key(&key))
    }
}

/// All subscriptions.
#[derive(Debug, Default)]
pub struct Subscribers {
    pub(super) of: HashMap<Client, Subscriber>,
}

impl Subscribers {
    /// Whether a client subscribes to anything. `[control]`
    pub fn has(&self, client: Client) -> bool {
        self.of.contains_key(&client)
    }

    /// A client is gone. `[control]`
    pub fn forget(&mut self, client: Client) {
        self.of.remove(&client);
    }
}

/// `/sub`
pub(super) fn sub(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let wrong = |text: &str| Fail::new(call.address, Code::WrongArguments, text);
    let (path, rest) = match call.values {
        [Value::Text(path), rest @ ..] if path.starts_with('/') && rest.len() <= 2 => (path, rest),
        _ => return Err(wrong("an address or pattern is wanted, then updates a second and a lease in s if they are to be others")),
    };
    let hertz = match rest.first() {
        Some(value) => value.number().filter(|x| (1.0..=200.0).contains(x)).ok_or_else(|| wrong("1 to 200 updates a second"))?,
        None if path.starts_with("/meter") => meters::HZ,
        None => HZ,
    };
    let lease = match rest.get(1) {
        Some(value) => Some(value.number().filter(|x| (1.0..=3600.0).contains(x)).ok_or_else(|| wrong("a lease is 1 to 3600 s"))?),
        None => call.client.has_lease().then_some(LEASE),
    };
    control.proven_or_fail(call)?;
    let full = |text: &str| Fail::new(call.address, Code::Full, text);
    let of = &control.subscribers.of;
    if !of.contains_key(&call.client) && of.len() >= CLIENTS {
        return Err(full("64 clients subscribe already"));
    }
    if of.get(&call.client).is_some_and(|one| one.all.len() >= EACH && !one.all.iter().any(|sub| sub.path == *path)) {
        return Err(full("256 subscriptions of one client are the most"));
    }
    let found = control.watched(path)?;
    if found.is_empty() {
        return Err(control.unknown(path));
    }
    let others = of.iter().flat_map(|(client, one)| one.all.iter().map(move |sub| (client, sub)));
    let watched: usize =
        others.filter(|(client, sub)| **client != call.client || sub.path != *path).map(|(_, sub)| sub.watches.len()).sum();
    if watched + found.len() > WATCHED {
        return Err(full("too many addresses are watched"));
    }
    let count = found.len();
    let mut subscription = Subscription {
        path: path.clone(),
        period: control.frames(1.0 / hertz),
        until: lease.map(|lease| control.shown.now() + control.frames(lease)),
        watches: Vec::new(),
        keys: HashMap::new(),
        queue: VecDeque::new(),
        metered: false,
        cursor: None,
    };
    control.watch(&mut subscription, found);
    let one = control.subscribers.of.entry(call.client).or_default();
    one.came_back = 0;
    one.all.retain(|sub| sub.path != *path);
    one.all.push(subscription);
    Ok(vec![Message::new("/done", vec![call.address.into(), path.as_str().into(), Value::Integer(count as i64)])])
}

/// `/unsub`
pub(super) fn unsub(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let path = match call.values {
        [] => None,
        [Value::Text(path)] => Some(path),
        _ => return Err(Fail::new(call.address, Code::WrongArguments, "the path of a subscription is wanted, or none for all")),
    };
    let mut ended = 0;
    if let Some(one) = control.subscribers.of.get_mut(&call.client) {
        let before = one.all.len();
        one.all.retain(|sub| path.is_some_and(|path| sub.path != *path));
        ended = before - one.all.len();
        if one.all.is_empty() {
            control.subscribers.of.remove(&call.client);
        }
    }
    Ok(vec![Message::new("/done", vec![call.address.into(), Value::Integer(ended as i64)])])
}

impl Control {
    /// Everything that a path watches: a stream, an address, a pattern, a subtree; values, texts, mapped addresses.
    fn watched(&self, path: &str) -> Result<Vec<(String, Told)>, Fail> {
        if let Some((name, stream)) = Stream::ALL.iter().find(|(name, _)| *name == path) {
            return Ok(vec![((*name).to_owned(), Told::Stream(*stream))]);
        }
        if path.starts_with("/meter") {
            let pattern = crate::wire::is_pattern(path).then(|| Pattern::new(path)).transpose();
            let pattern = pattern.map_err(|bad| Fail::new(path, Code::Pattern, bad.to_string()))?;
            let meant = |address: &str| match &pattern {
                Some(pattern) => pattern.matches(address),
                None => address == path || path.trim_end_matches('/') == "/meter",
            };
            let all = self.meters().into_iter().filter(|(address, _)| meant(address));
            return Ok(all.map(|(address, of)| (address, Told::Meter(of))).collect());
        }
        let (path, text) = path.strip_suffix("/text").map_or((path, false), |path| (path, true));
        let (plain, travel) = path.strip_prefix("/n/").map_or((path, false), |rest| (&path[path.len() - rest.len() - 1..], true));
        let told = |target: Target| if text { Told::Text(target) } else { Told::Value(target, travel) };
        let spelt = |address: &str| if text { format!("{address}/text") } else { address.to_owned() };
        let bound = |address: &str| self.bound.get(address).and_then(|entries| entries.first()).map(|bound| Told::Bound(*bound));
        if crate::wire::is_pattern(path) {
            let Matches { targets, bound: mapped, .. } = self.find_all(path)?;
            let mut all: Vec<_> = targets.into_iter().map(|(name, target)| (spelt(&name), told(target))).collect();
            all.extend(mapped.into_iter().filter_map(|name| bound(&name).map(|told| (name, told))));
            return Ok(all);
        }
        if let Some(target) = self.find_target(plain).filter(|target| !self.ask(*target, travel).is_empty()) {
            return Ok(vec![(spelt(path), told(target))]);
        }
        let root = plain.trim_end_matches('/');
        let below = |address: &str| address.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        let masters = ["level", "limiter"].map(|name| format!("/master/{name}"));
        let slots = self.loaded().flat_map(|(_, slot)| slot.addresses.iter().map(move |rest| format!("/{}/{rest}", slot.name)));
        let mut all = Vec::new();
        for address in masters.into_iter().chain(slots).filter(|address| below(address)) {
            if let Some(target) = self.find_target(&address) {
                let name = if travel { format!("/n{address}") } else { address };
                all.push((spelt(&name), told(target)));
            }
        }
        let mut mapped: Vec<&String> = self.bound.keys().filter(|name| *name == path || below(name)).collect();
        mapped.sort_unstable();
        all.extend(mapped.into_iter().filter_map(|name| bound(name).map(|told| (name.clone(), told))));
        Ok(all)
    }

    /// A subscription watches these from now on; all of them are told.
    fn watch(&self, sub: &mut Subscription, found: Vec<(String, Told)>) {
        sub.watches.clear();
        sub.keys.clear();
        sub.queue.clear();
        sub.cursor = None;
        // So that nothing that is set later needs memory for it.
        sub.queue.reserve(found.len());
        for (at, (address, told)) in found.into_iter().enumerate() {
            for key in self.watched_keys(told) {
                sub.keys.entry(key).or_default().push(at);
            }
            if told == Told::Stream(Stream::Cursor) {
                sub.cursor = Some(at);
            }
            let mut watch = Watch { address, told, due: 0, waits: false, gathered: None };
            if let Told::Meter(of) = told {
                sub.metered = true;
                watch.due = self.shown.now() + sub.period;
                watch.gathered = Some(Box::new(self.gather(of)));
            }
            sub.watches.push(watch);
            match told {
                Told::Stream(stream) if !stream.stands() => {}
                _ => sub.wait(at),
            }
        }
    }

    fn key(&self, target: Target) -> Key {
        match target.spot {
            Spot::Place(place) if target.slot != MASTER => {
                Key::of(Target { spot: Spot::Place(place.own(&self.slots[target.slot].patch)), ..target })
            }
            _ => Key::of(target),
        }
    }

    fn watched_keys(&self, told: Told) -> Vec<Key> {
        match told {
            Told::Value(target, _) | Told::Text(target) => vec![self.key(target)],
            Told::Stream(stream) => vec![Key::Stream(stream)],
            Told::Meter(_) => Vec::new(),
            Told::Bound(bound) => self.targets_of(bound).map(|target| self.key(target)).collect(),
        }
    }

    /// All who watch this are told of it, but its maker.
    pub(super) fn touch_watches(&mut self, maker: Client, key: Key) {
        for (_, one) in self.subscribers.of.iter_mut().filter(|(client, _)| **client != maker) {
            for sub in &mut one.all {
                sub.touch(key);
            }
        }
    }

    /// The same for a value.
    pub(super) fn touch_target(&mut self, maker: Client, target: Target) {
        let key = self.key(target);
        self.touch_watches(maker, key);
    }

    /// A slot of this name plays another patch, or is gone; its addresses are others: all subscriptions look anew for what they watch, and tell it.
    pub(super) fn watch_anew(&mut self, slot: usize, name: &str) {
        for one in self.subscribers.of.values_mut() {
            if !one.changed.iter().any(|changed| changed == name) {
                one.changed.push(name.to_owned());
            }
        }
        self.look_anew(Some(slot));
    }

    /// All subscriptions look anew for what they watch, and tell what was not there before, and what is of a slot.
    pub(super) fn look_anew(&mut self, slot: Option<usize>) {
        let mut of = std::mem::take(&mut self.subscribers.of);
        for one in of.values_mut() {
            for sub in &mut one.all {
                let found = self.watched(&sub.path).unwrap_or_default();
                let mut before: HashMap<String, Watch> = sub.watches.drain(..).map(|watch| (watch.address.clone(), watch)).collect();
                self.watch(sub, found);
                sub.queue.clear();
                for at in 0..sub.watches.len() {
                    let watch = &mut sub.watches[at];
                    watch.waits = false;
                    let waited = match before.remove(&watch.address) {
                        Some(old) => {
                            (watch.due, watch.gathered) = (old.due, old.gathered.or(watch.gathered.take()));
                            old.waits
                        }
                        None => true,
                    };
                    let anew = match watch.told {
                        Told::Value(target, _) | Told::Text(target) => slot == Some(target.slot),
                        Told::Bound(bound) => slot.is_some_and(|slot| self.bound_is_of(bound, slot)),
                        Told::Stream(stream) => slot.is_some() && stream == Stream::Changed,
                        Told::Meter(_) => slot.is_some(),
                    };
                    if waited || anew {
                        sub.wait(at);
                    }
                }
            }
        }
        self.subscribers.of = of;
    }

    /// What was sent to this place came back: nobody listens there. Whoever is answered there is told nothing more if that goes on.
    /// `[control]`
    pub fn came_back(&mut self, at: Client) {
        let peers = &self.peers;
        self.dumps.forget_all(|client| peers.answered_at(client) == at);
        self.subscribers.of.retain(|client, one| {
            one.came_back += u32::from(peers.answered_at(*client) == at);
            let gone = one.came_back >= CAME_BACK;
            self.counts.gone += u64::from(gone);
            !gone
        });
    }

    /// A finger rests on an address, or has left it: until then nothing is told of it.
    pub(super) fn touched(&mut self, client: Client, address: String, rests: bool) {
        if let Some(one) = self.subscribers.of.get_mut(&client) {
            if rests && one.touched.len() < EACH {
                one.touched.insert(address);
            } else if !rests && one.touched.remove(&address) {
                for sub in &mut one.all {
                    if let Some(at) = sub.watches.iter().position(|watch| watch.address == address) {
                        sub.wait(at);
                    }
                }
            }
        }
    }

    /// Tells what has become due, and ends what was not renewed.
    pub(super) fn tell_watches(&mut self) {
        let peaks = self.take_peaks();
        if self.subscribers.of.is_empty() {
            return;
        }
        let now = self.shown.now();
        let mut of = std::mem::take(&mut self.subscribers.of);
        for (client, one) in &mut of {
            one.all.retain(|sub| sub.until.is_none_or(|until| now < until));
            let mut left = TOGETHER;
            while left > 0
                && let Some(message) = one.happened.pop_front()
            {
                self.outbox.push((*client, message));
                left -= 1;
            }
            for sub in &mut one.all {
                if let Some(at) = sub.cursor {
                    sub.wait(at);
                }
                if sub.metered {
                    for at in 0..sub.watches.len() {
                        let watch = &mut sub.watches[at];
                        if let (Told::Meter(of), Some(gathered)) = (watch.told, &mut watch.gathered) {
                            peaks.add_to(of, gathered);
                        }
                        sub.wait(at);
                    }
                }
                for _ in 0..sub.queue.len() {
                    if left == 0 {
                        break;
                    }
                    let Some(at) = sub.queue.pop_front() else { break };
                    let watch = &mut sub.watches[at];
                    if one.touched.contains(&watch.address) {
                        watch.waits = false;
                        continue;
                    }
                    if watch.due > now {
                        sub.queue.push_back(at);
                        continue;
                    }
                    watch.waits = false;
                    // What moves by itself is told as often as it was asked for, however ticks fall.
                    let on_time = sub.cursor == Some(at) && now < watch.due + sub.period;
                    watch.due = if on_time { watch.due } else { now } + sub.period;
                    if watch.told == Told::Stream(Stream::Changed) {
                        for name in one.changed.drain(..) {
                            self.outbox.push((*client, Message::new(watch.address.clone(), vec![name.into()])));
                        }
                    } else {
                        let values = match (watch.told, &mut watch.gathered) {
                            (Told::Meter(of), Some(gathered)) => self.tell_meter(of, gathered),
                            (told, _) => self.told(told),
                        };
                        self.outbox.push((*client, Message::new(watch.address.clone(), values)));
                    }
                    left -= 1;
                }
            }
            // What was passed over for want of room comes first one day.
            let next = usize::from(one.all.len() > 1);
            one.all.rotate_left(next);
        }
        of.retain(|_, one| !one.all.is_empty());
        self.subscribers.of = of;
    }

    fn told(&self, told: Told) -> Vec<Value> {
        match told {
            Told::Value(target, travel) => self.ask(target, travel),
            Told::Text(target) => vec![self.text_of(target).into()],
            Told::Bound(bound) => self.ask_map(bound),
            Told::Stream(Stream::Tempo) => vec![self.tempo.into()],
            Told::Stream(Stream::Cursor) => self.cursor(),
            Told::Stream(Stream::Transport) => self.tell_transport(),
            Told::Stream(Stream::Changed | Stream::Ended | Stream::Beat | Stream::Record) | Told::Meter(_) => Vec::new(),
        }
    }

    /// A value as a text with its unit: 800 Hz, -6 dB.
    pub(super) fn text_of(&self, target: Target) -> String {
        match self.amount_at(target).zip(self.scale(target)) {
            Some((amount, scale)) => spell_amount(scale.unit, amount),
            None => self.ask(target, false).iter().map(Value::to_string).collect::<Vec<_>>().join(" "),
        }
    }
}
