//! The short way of a packet that holds nothing but plain values: the same as the long way in all it does, without memory of its own.
//!
//! What would be answered, or is anything but a number for a place that is no gate, takes the long way; so nothing is decided twice.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::address_map::Spot;
use super::client::Client;
use super::commit::TOGETHER;
use super::control::Control;
use super::draft::Step;
use super::fail::{Code, Fail};
use super::feed_line::Merge;
use super::patterns::Matches;
use super::place::Place;
use super::scale::Scale;
use super::targets::Target;
use super::value::{Message, Value};
use crate::base::units::Unit;
use crate::engine::Event;
use crate::patch::Amount;

/// Addresses that are remembered at most; then all are forgotten, and found again.
const REMEMBERED: usize = 65_536;

/// What an address means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    slot: usize,
    /// Its own place, whatever it was called by.
    place: Place,
    scale: Scale,
    /// Values are places 0..1 of the knob's travel.
    travel: bool,
}

/// Addresses that were met, and what the present packet comes to.
#[derive(Debug, Default)]
pub(super) struct Quick {
    known: FxHashMap<Box<str>, Known>,
    /// What patterns mean.
    pub(super) patterns: FxHashMap<Box<str>, Result<Arc<Matches>, Fail>>,
    /// How many addresses all of these match.
    pub(super) matched: usize,
    messages: u64,
    events: Vec<Event>,
    values: Vec<(Merge, usize)>,
    turned: Vec<(usize, Place, Amount)>,
    first: String,
}

impl Quick {
    /// Addresses have changed.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.forget_patterns();
    }

    /// What patterns match has changed.
    pub(super) fn forget_patterns(&mut self) {
        self.patterns.clear();
        self.matched = 0;
    }
}

impl Control {
    /// Does a client's packet of plain values that act now; `None`, and nothing done, where it must take the long way,
    /// [`Control::apply_arrived`]. `messages`: their addresses and numbers, `None` for what is no number. `[control]`
    pub fn apply_quick<'a>(&mut self, client: Client, messages: impl Iterator<Item = Option<(&'a str, Value)>>) -> Option<Vec<Message>> {
        // Who wants delays has a time for everything; traces are of messages.
        self.peers.hear(client);
        if self.peers.get(client).jitter != 0 || !self.dumps.is_empty() || !self.later.has_room(0) {
            return None;
        }
        let mut quick = std::mem::take(&mut self.quick);
        let all = self.resolve(&mut quick, messages);
        let answers = if all { Some(self.commit_quick(&quick, client)) } else { None };
        // Nothing above changes what addresses mean: what was known still holds.
        self.quick = quick;
        answers
    }

    /// Whether every message is plain; then all that is to be done stands in `quick`.
    fn resolve<'a>(&self, quick: &mut Quick, messages: impl Iterator<Item = Option<(&'a str, Value)>>) -> bool {
        quick.events.clear();
        quick.values.clear();
        quick.turned.clear();
        quick.messages = 0;
        for message in messages {
            let Some((address, value)) = message else { return false };
            let (one, many);
            let all = match quick.known.get(address) {
                Some(known) => {
                    one = *known;
                    std::slice::from_ref(&one)
                }
                None if crate::wire::is_pattern(address) => {
                    let Ok(matches) = self.matches(quick, address) else { return false };
                    many = matches;
                    &many.known
                }
                None => {
                    let Some(known) = self.plain(address) else { return false };
                    if quick.known.len() >= REMEMBERED {
                        quick.known.clear();
                    }
                    quick.known.insert(address.into(), known);
                    one = known;
                    std::slice::from_ref(&one)
                }
            };
            if quick.turned.is_empty() {
                quick.first.clear();
                quick.first.push_str(address);
            }
            if all.is_empty() || !all.iter().all(|known| self.resolve_one(quick, *known, &value)) {
                return false;
            }
            quick.messages += 1;
        }
        quick.messages > 0
    }

    /// Whether a value is plain where it is to go.
    fn resolve_one(&self, quick: &mut Quick, known: Known, value: &Value) -> bool {
        let amount = match (known.travel, value.number()) {
            _ if value.is_not_finite() => return false,
            (true, Some(x)) => Amount::Plain(known.scale.at_travel(x)),
            _ => match known.scale.read(value) {
                Ok(read) if !read.clipped => read.amount,
                _ => return false,
            },
        };
        let before = quick.events.len();
        self.slots[known.slot].turn(known.slot as u8, known.place, amount, 0, &mut quick.events);
        quick.values.push((Merge::Place(known.slot as u8, known.place), quick.events.len() - before));
        quick.turned.push((known.slot, known.place, amount));
        quick.events.len() <= TOGETHER
    }

    /// What an address means, where the long way would come to a number that is no event.
    fn plain(&self, address: &str) -> Option<Known> {
        if self.find_verb(address).is_some() {
            return None;
        }
        let (plain, travel) = match address.strip_prefix("/n/") {
            Some(rest) => (&address[address.len() - rest.len() - 1..], true),
            None => (address, false),
        };
        self.known(self.find_target(plain)?, travel)
    }

    /// A value, where it is a number that is no event.
    pub(super) fn known(&self, target: Target, travel: bool) -> Option<Known> {
        let Spot::Place(place) = target.spot else { return None };
        let scale = self.scale(target)?;
        let event = scale.is_event() || matches!(scale.unit, Unit::Gate | Unit::Trigger);
        (!event).then(|| Known { slot: target.slot, place: place.own(&self.slots[target.slot].patch), scale, travel })
    }

    fn commit_quick(&mut self, quick: &Quick, client: Client) -> Vec<Message> {
        let messages = quick.messages;
        self.counts.messages += messages;
        self.counts.events += quick.events.len() as u64;
        if self.feed(client.origin, &quick.events, &quick.values).is_err() {
            self.counts.fail(Code::Full);
            self.counts.together += messages - 1;
            return vec![Fail::new(&quick.first, Code::Full, "the queue to the engine is full").message()];
        }
        self.counts.accepted += messages;
        if let Some((slot, place, _)) = quick.turned.last() {
            self.touch_map(client, Target { slot: *slot, spot: Spot::Place(*place) });
        }
        for (slot, place, amount) in &quick.turned {
            self.stand(client, Step::Turned(*slot, *place, *amount));
        }
        Vec::new()
    }
}
