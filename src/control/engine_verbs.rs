//! The verbs of the machine and of the client.

use std::net::Ipv6Addr;
use std::sync::atomic::Ordering::Relaxed;

use super::address_map::Spot;
use super::client::Client;
use super::control::Control;
use super::counts::Transport;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::targets::Target;
use super::value::{Message, Value};
use super::verbs::{Call, SLOT_VERBS, VERBS};
use crate::base::units::Unit;
use crate::engine::Act;
use crate::module::SettingKind;
use crate::patch::Amount;
use crate::wire::Refusal;

/// Requests for a sync that may be open at once.
const SYNCS: usize = 4096;
/// Bytes of one message of a long list at most.
const LISTED: usize = 1300;

/// `/sync`
pub(super) fn sync(control: &mut Control, draft: &mut Draft, call: Call<'_>) -> Result<(), Fail> {
    if control.syncs.len() >= SYNCS {
        return Err(Fail::new(call.address, Code::Full, "too many syncs are open"));
    }
    control.tell_then(draft, Message::new("/synced", vec![call.values.first().cloned().unwrap_or(Value::Integer(0))]));
    Ok(())
}

impl Control {
    /// The client is told this when all that was sent before has been applied.
    pub(super) fn tell_then(&mut self, draft: &mut Draft, message: Message) {
        self.next_sync = self.next_sync.wrapping_add(1);
        draft.act(Act::Sync(self.next_sync));
        draft.step(Step::Sync(self.next_sync, message));
    }
}

/// `/ping`
pub(super) fn ping(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    Ok(vec![Message::new("/pong", control.answer_ping(call.client, call.values))])
}

/// Whether a client is on this computer. `[any]`
pub(super) fn is_near(client: Client) -> bool {
    client.host == 0 || Ipv6Addr::from(client.host).to_canonical().is_loopback()
}

/// `/engine/quit`
pub(super) fn quit(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    if !is_near(call.client) {
        return Err(Fail::new(call.address, Code::NotAllowed, "only from the computer that rackd runs on"));
    }
    control.quit = true;
    Ok(vec![Message::new("/done", vec![call.address.into()])])
}

/// `/engine/status`: names and numbers, one after another.
pub(super) fn status(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let mut values = Vec::new();
    for (name, value) in control.status() {
        values.extend([name.as_str().into(), value]);
    }
    Ok(vec![Message::new(call.address, values)])
}

/// `/engine/load`
pub(super) fn load(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let shares = &control.shown.shares;
    let number = |x: f32| Value::Number(f64::from(x));
    let whole = |x: u64| Value::Integer(i64::try_from(x).unwrap_or(i64::MAX));
    let mut values = vec![whole(shares.callbacks()), number(shares.quantile(0.5)), number(shares.quantile(0.99)), number(shares.most())];
    values.extend(shares.classes().flat_map(|(end, count)| [number(end), whole(count)]));
    match call.values {
        [] => {}
        [Value::Text(word)] if word == "reset" => shares.forget(),
        _ => return Err(Fail::new(call.address, Code::WrongArguments, "nothing is wanted, or the word reset")),
    }
    Ok(vec![Message::new(call.address, values)])
}

impl Control {
    /// How rackd fares, as names and numbers. Causes that never came up are left out. `[control]`
    pub fn status(&self) -> Vec<(String, Value)> {
        let shown = &self.shown;
        let counts = &self.counts;
        let whole = |x: u64| Value::Integer(i64::try_from(x).unwrap_or(i64::MAX));
        let waiting = self.ahead.events() + self.lines.iter().map(super::feed_line::FeedLine::waiting_events).sum::<usize>();
        let mut all = vec![
            ("rate", Value::Number(self.rate())),
            ("now", whole(shown.now())),
            ("load", Value::Number(f64::from(f32::from_bits(shown.load.load(Relaxed))))),
            ("load-p50", Value::Number(f64::from(shown.shares.quantile(0.5)))),
            ("load-p99", Value::Number(f64::from(shown.shares.quantile(0.99)))),
            ("load-max", Value::Number(f64::from(shown.shares.most()))),
            ("callbacks", whole(shown.shares.callbacks())),
            ("xruns", whole(shown.xruns.load(Relaxed))),
            ("realtime", whole(u64::from(shown.realtime.load(Relaxed)))),
            ("memory-locked", whole(u64::from(shown.memory_locked.load(Relaxed)))),
            ("voices", whole(u64::from(shown.voices.load(Relaxed)))),
            ("slots", whole(self.names.len() as u64)),
            ("tempo", Value::Number(self.tempo)),
            ("packets", whole(counts.packets())),
            ("malformed", whole(counts.malformed_all())),
            ("lost", whole(self.lost.iter().map(|lost| lost()).sum())),
            ("messages", whole(counts.messages)),
            ("accepted", whole(counts.accepted)),
            ("refused", whole(counts.refused())),
            ("events", whole(counts.events)),
            ("fed", whole(counts.fed)),
            ("merged", whole(counts.merged)),
            ("dropped", whole(counts.dropped)),
            ("waiting", whole(waiting as u64)),
            ("applied", whole(shown.applied.load(Relaxed))),
            ("overflowed", whole(shown.overflowed.load(Relaxed))),
            ("late", whole(counts.late)),
            ("late-dropped", whole(counts.late_dropped)),
            ("late-events", whole(shown.late.load(Relaxed))),
            ("notes-refused", whole(shown.refused.load(Relaxed))),
            ("notes-replaced", whole(shown.replaced.load(Relaxed))),
            ("voices-shed", whole(shown.shed.load(Relaxed))),
            ("score-notes", whole(shown.score.played.load(Relaxed))),
            ("score-late", whole(shown.score.late.load(Relaxed))),
            ("score-dropped", whole(shown.score.dropped.load(Relaxed))),
            ("leases-over", whole(counts.leases)),
            ("unanswered", whole(counts.unanswered)),
            ("unrecorded", whole(counts.unrecorded)),
            ("gone", whole(counts.gone)),
            ("unread", whole(counts.unread)),
            ("not-allowed", whole(counts.not_allowed)),
            ("receive-buffer", whole(counts.receive_buffer)),
            ("untold", whole(counts.untold)),
            ("unreported", whole(shown.unreported.load(Relaxed))),
            ("limited", whole(shown.limited.load(Relaxed))),
            ("not-finite", whole(shown.not_finite.load(Relaxed))),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<Vec<_>>();
        all.extend(self.midi_clock.status().into_iter().map(|(name, value)| (name.to_owned(), value)));
        let causes = Code::ALL.iter().map(|code| code.name()).zip(counts.failed).chain([("together", counts.together)]);
        let malformed = Refusal::CODES.into_iter().zip(counts.malformed);
        let lateness = super::counts::LATENESS.iter().map(|(_, name)| *name).chain(["more"]).zip(counts.lateness);
        let arrived = Transport::NAMES.into_iter().zip(counts.arrived);
        let more = self.more_counts.iter().map(|(group, counts)| (*group, counts()));
        let groups: Vec<(&str, Vec<(&str, u64)>)> = [
            ("packets", arrived.collect::<Vec<_>>()),
            ("connections", counts.connections.all().to_vec()),
            ("midi", counts.midi.all().to_vec()),
            ("refused", causes.collect()),
            ("malformed", malformed.collect()),
            ("late", lateness.collect()),
        ]
        .into_iter()
        .chain(more)
        .collect();
        for (group, name, count) in groups.iter().flat_map(|(group, all)| all.iter().map(move |(name, count)| (group, name, *count))) {
            if count > 0 {
                all.push((format!("{group}/{name}"), whole(count)));
            }
        }
        all
    }

    /// What lies below an address: names; of a value: what it is. `[control]`
    pub fn query(&self, address: &str) -> Result<Vec<Value>, Fail> {
        let plain = address.trim_end_matches('/');
        if let Some(target) = self.find_target(plain) {
            return Ok(self.describe(target));
        }
        let mut names: Vec<String> = if plain.is_empty() {
            let verbs = VERBS.iter().map(|verb| verb.address).chain(self.given.iter().map(|verb| verb.address.as_str()));
            let first = verbs.filter_map(|address| address.split('/').nth(1)).map(str::to_owned);
            self.loaded().map(|(_, slot)| slot.name.clone()).chain(first).chain(["master".to_owned()]).collect()
        } else {
            let (first, rest) = plain.strip_prefix('/').unwrap_or(plain).split_once('/').unwrap_or((plain.trim_start_matches('/'), ""));
            let below =
                |address: &str| -> Option<String> { address.strip_prefix(plain)?.strip_prefix('/')?.split('/').next().map(str::to_owned) };
            let mut names: Vec<String> = match self.names.get(first) {
                Some(slot) => {
                    let verbs = SLOT_VERBS.iter().filter_map(|verb| {
                        let under = if rest.is_empty() { Some(verb.address) } else { verb.address.strip_prefix(rest)?.strip_prefix('/') };
                        under.and_then(|under| under.split('/').next()).map(str::to_owned)
                    });
                    self.slots[*slot].addresses.below(rest).map(str::to_owned).chain(verbs).collect()
                }
                None => VERBS.iter().filter_map(|verb| below(verb.address)).collect(),
            };
            names.extend(self.given.iter().filter_map(|verb| below(&verb.address)));
            if plain == "/master" {
                names.extend(["level".to_owned(), "limiter".to_owned()]);
            }
            names
        };
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        if names.is_empty() && self.find_verb(plain).is_none() {
            return Err(self.unknown(address));
        }
        Ok(names.into_iter().map(Value::Text).collect())
    }

    /// Every address at a path and below it, over as many messages as datagrams of a common length need, and how many there are.
    fn query_all(&self, verb: &str, path: &str) -> Result<Vec<Message>, Fail> {
        let root = path.trim_end_matches('/');
        let verbs = VERBS.iter().map(|verb| verb.address.to_owned()).chain(self.given.iter().map(|verb| verb.address.clone()));
        let master = ["/master/level", "/master/limiter"].map(str::to_owned);
        let slots = self.loaded().flat_map(|(_, slot)| {
            let rests = slot.addresses.iter().chain(SLOT_VERBS.iter().map(|verb| verb.address));
            rests.map(move |rest| format!("/{}/{rest}", slot.name))
        });
        let mut mapped: Vec<String> = self.bound.keys().cloned().collect();
        mapped.sort_unstable();
        let all = verbs.chain(master).chain(slots).chain(mapped);
        let below = |address: &String| address.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let found: Vec<String> = all.filter(below).collect();
        if found.is_empty() {
            return Err(self.unknown(path));
        }
        let count = Value::Integer(found.len() as i64);
        let mut told: Vec<Message> = Vec::new();
        let mut bytes = 0;
        for address in found {
            // As OSC writes it: with its type, up to a multiple of four.
            let length = address.len() + 6;
            if told.is_empty() || bytes + length > LISTED {
                told.push(Message::new(verb, vec![path.into()]));
                bytes = verb.len() + path.len() + 16;
            }
            bytes += length;
            if let Some(last) = told.last_mut() {
                last.values.push(address.into());
            }
        }
        told.push(Message::new("/done", vec![verb.into(), path.into(), count]));
        Ok(told)
    }

    /// Unit, lowest, highest and present value, as names and values.
    fn describe(&self, target: Target) -> Vec<Value> {
        if let Spot::Setting(module, setting) | Spot::Cell(module, setting, _) = target.spot {
            let Some(declared) = self.slots[target.slot].declared(module, setting) else { return Vec::new() };
            let mut told: Vec<Value> = match declared.kind {
                SettingKind::Choice(words) => vec!["choice".into(), words.join(" ").into()],
                SettingKind::Integer { min, max, .. } => {
                    vec!["unit".into(), "integer".into(), "min".into(), Value::Integer(min), "max".into(), Value::Integer(max)]
                }
                SettingKind::Number { min, max, .. } => {
                    vec!["unit".into(), "number".into(), "min".into(), Value::Number(min), "max".into(), Value::Number(max)]
                }
                SettingKind::Pitches(_) => vec!["unit".into(), "pitches".into()],
                SettingKind::Numbers(_) => vec!["unit".into(), "numbers".into()],
                SettingKind::Name(_) => vec!["unit".into(), "name".into()],
            };
            told.push("value".into());
            told.extend(self.ask(target, false));
            return told;
        }
        if target.spot == Spot::Out {
            return ["unit".into(), "route".into(), "value".into()].into_iter().chain(self.ask(target, false)).collect();
        }
        if target.spot == Spot::Preset {
            let presets = self.slots[target.slot].patch.presets.iter().map(|preset| Value::Text(preset.name.clone()));
            return ["unit".into(), "preset".into(), "value".into()]
                .into_iter()
                .chain(self.ask(target, false))
                .chain(["of".into()])
                .chain(presets)
                .collect();
        }
        if let Spot::Zone(part) = target.spot {
            return ["value".into()].into_iter().chain(self.ask_zone(target, part)).collect();
        }
        let Some(scale) = self.scale(target) else { return Vec::new() };
        let unit = match scale.unit {
            Unit::Audio => "audio",
            Unit::Hertz => "Hz",
            Unit::Octaves => "oct",
            Unit::Seconds => "s",
            Unit::Decibels => "dB",
            Unit::Number => "number",
            Unit::Degrees => "deg",
            Unit::Gate => "gate",
            Unit::Trigger => "trigger",
        };
        let bound = |x: f32| scale.tell(Amount::Plain(x));
        let mut told: Vec<Value> =
            vec!["unit".into(), unit.into(), "min".into(), bound(scale.min), "max".into(), bound(scale.max), "value".into()];
        told.extend(self.ask(target, false));
        told
    }
}

/// `/query`
pub(super) fn query(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let address = match call.values {
        [] => "/",
        [Value::Text(address)] => address,
        [Value::Text(address), Value::Text(all)] if all == "all" => return control.query_all(call.address, address),
        _ => return Err(Fail::new(call.address, Code::WrongArguments, "one address is wanted, then all for everything below it")),
    };
    let mut values = vec![address.into()];
    values.extend(control.query(address)?);
    Ok(vec![Message::new(call.address, values)])
}
