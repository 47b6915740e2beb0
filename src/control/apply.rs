//! From messages to a draft: a packet is worked out whole before any of it is done.

use super::client::Client;
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::peers::Late;
use super::value::{Group, Message, Value, When};
use super::verbs::{Body, Call, Found, SLOT_VERBS, VERBS};
use crate::base::time::SampleTime;

/// Further ahead than this, nothing is taken [s].
const HORIZON: f64 = 3600.0;
impl Control {
    /// Does what a client's packet says, whole or not at all, and gives the answers. Several groups are the bundles of one
    /// packet. `[control]`
    pub fn apply(&mut self, client: Client, groups: &[Group]) -> Vec<Message> {
        self.apply_arrived(client, self.clock.unix_nanos_of(self.shown.now()).unwrap_or(0), groups)
    }

    /// The same for a packet that arrived at this moment since 1970 [ns]. `[control]`
    pub fn apply_arrived(&mut self, client: Client, arrived: i64, groups: &[Group]) -> Vec<Message> {
        self.arrived = arrived;
        self.peers.hear(client);
        self.trace(client, groups);
        let answers = self.apply_whole(client, groups);
        for refusal in answers.iter().filter(|answer| answer.address == "/fail") {
            self.trace_refused(client, refusal);
        }
        answers
    }

    fn apply_whole(&mut self, client: Client, groups: &[Group]) -> Vec<Message> {
        let messages = groups.iter().map(|group| group.messages.len() as u64).sum::<u64>();
        let mut draft = Draft::new(client);
        let done = groups.iter().try_for_each(|group| self.draft_group(&mut draft, group)).and_then(|()| self.commit(&mut draft));
        // Counted with what became of it, not before: so the sums are right for a message of this packet that asks for them.
        self.counts.messages += messages - draft.failed;
        match done {
            Ok(()) => {
                self.counts.accepted += messages - draft.failed - draft.left_out;
                self.counts.late_dropped += draft.left_out;
                draft.replies
            }
            Err(mut fail) => {
                self.counts.fail(fail.code);
                if fail.address.is_empty()
                    && let Some(first) = groups.iter().flat_map(|group| &group.messages).next()
                {
                    fail.address.clone_from(&first.address);
                }
                self.counts.together += messages.saturating_sub(1);
                vec![fail.message()]
            }
        }
    }

    /// The same for a single message that is to act now. `[control]`
    pub fn say(&mut self, client: Client, address: &str, values: &[Value]) -> Vec<Message> {
        self.apply(client, &[Group { at: When::Now, messages: vec![Message::new(address, values.to_vec())] }])
    }

    fn draft_group(&mut self, draft: &mut Draft, group: &Group) -> Result<(), Fail> {
        let first = group.messages.first().map_or("", |message| message.address.as_str());
        let at = self.by_its_clock(draft, group.at, first);
        let (at, late) = self.when(at, first)?;
        draft.at = at;
        draft.tag = if let (When::Wall(tag), None) = (group.at, late) { Some(tag) } else { None };
        let policy = self.peers.get(draft.client).late;
        draft.cut = 0;
        if let Some(frames) = late {
            let milliseconds = frames as f64 * 1000.0 / self.rate();
            self.counts.late(milliseconds);
            draft.replies.push(Message::new("/late", vec![first.into(), milliseconds.into(), policy.name().into()]));
            if policy == Late::Truncate {
                draft.cut = frames;
            }
        }
        let drops = late.is_some() && policy == Late::Drop;
        group.messages.iter().try_for_each(|message| {
            if drops && !ends_notes(message) {
                draft.left_out += 1;
                return Ok(());
            }
            match self.draft_message(draft, message) {
                // The note's start was left out before its end.
                Err(fail) if drops && fail.code == Code::UnknownNote => {
                    draft.left_out += 1;
                    Ok(())
                }
                other => other,
            }
        })
    }

    /// The sample of a time, 0 for the next block; and how late it is [frames].
    fn when(&self, when: When, address: &str) -> Result<(SampleTime, Option<u64>), Fail> {
        let now = self.shown.now();
        let sample = match when {
            When::Now | When::At(0) => return Ok((0, None)),
            When::At(sample) => i64::try_from(sample).unwrap_or(i64::MAX),
            When::Wall(nanos) => match self.clock.sample_at(nanos) {
                Some(sample) => sample,
                None => return Ok((0, None)),
            },
        };
        let ahead = sample.saturating_sub_unsigned(now);
        if ahead < 0 {
            return Ok((0, Some(ahead.unsigned_abs())));
        }
        if ahead as f64 > HORIZON * self.rate() {
            return Err(Fail::new(address, Code::TooFar, "more than an hour ahead; is the sender's clock right?"));
        }
        Ok((sample as SampleTime, None))
    }

    /// Works out one message.
    fn draft_message(&mut self, draft: &mut Draft, message: &Message) -> Result<(), Fail> {
        let (address, values) = (message.address.as_str(), message.values.as_slice());
        if let Some(at) = values.iter().position(Value::is_not_finite) {
            return Err(Fail::new(address, Code::NotANumber, format!("argument {} is no finite number", at + 1)));
        }
        if crate::wire::is_pattern(address) {
            return self.draft_pattern(draft, address, values);
        }
        if let Some(found) = self.find_verb(address) {
            return self.draft_verb(draft, found, address, values);
        }
        let (plain, travel) = match address.strip_prefix("/n/") {
            Some(rest) => (&address[address.len() - rest.len() - 1..], true),
            None => (address, false),
        };
        if let Some(target) = self.find_target(plain) {
            return self.draft_value(draft, target, address, values, travel);
        }
        let learnt = self.overhear_osc(address, values);
        if let Some(bound) = self.bound.get(address) {
            return self.draft_bound(draft, &bound.clone(), address, values);
        }
        if values.is_empty()
            && let Some(target) = address.strip_suffix("/text").and_then(|of| self.find_target(of))
        {
            draft.replies.push(Message::new(address, vec![self.text_of(target).into()]));
            return Ok(());
        }
        if let Some(touched) = address.strip_suffix("/z")
            && (self.find_target(touched).is_some() || self.bound.contains_key(touched))
        {
            if let Some(rests) = values.first().and_then(Value::number) {
                draft.step(Step::Touched(touched.to_owned(), rests > 0.5));
            }
            return Ok(());
        }
        if learnt { Ok(()) } else { Err(self.unknown(address)) }
    }

    pub(super) fn draft_verb(&mut self, draft: &mut Draft, found: Found, address: &str, values: &[Value]) -> Result<(), Fail> {
        let (body, slot) = match found {
            Found::Own(at) => (Some(VERBS[at].body), 0),
            Found::Slot(slot, at) => (Some(SLOT_VERBS[at].body), slot),
            Found::Given(_) => (None, 0),
        };
        match body {
            Some(Body::Timed(body)) => body(self, draft, Call { client: draft.client, address, slot, at: draft.at, values }),
            Some(Body::Direct(_) | Body::Elsewhere) | None => {
                draft.step(Step::Call(found, address.to_owned(), values.to_vec()));
                Ok(())
            }
        }
    }
}

/// Whether a message does nothing but end notes: that is done however late it is.
fn ends_notes(message: &Message) -> bool {
    let address = message.address.as_str();
    address == "/panic"
        || address.ends_with("/note/off")
        || (address.ends_with("/note/on") && message.values.get(2).and_then(Value::number) == Some(0.0))
}
