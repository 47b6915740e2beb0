//! Traces: who asked for it is told each message that comes in from anyone, for who looks for a mistake.

use std::collections::{HashMap, VecDeque};

use super::client::Client;
use super::control::Control;
use super::fail::{Code, Fail};
use super::subscribe::LEASE;
use super::value::{Group, Message, Value};
use super::verbs::Call;
use crate::base::time::SampleTime;
use crate::wire::Pattern;

/// Clients that trace at most.
const CLIENTS: usize = 16;
/// Messages that one client is told in one tick at most.
const TOGETHER: usize = 64;
/// Bytes of one told message at most, about: what is longer is cut.
const BYTES: usize = 1200;

/// Which addresses are traced.
#[derive(Debug)]
enum Which {
    All,
    /// This address and what lies below it.
    Below(String),
    Like(Pattern),
}

impl Which {
    fn has(&self, address: &str) -> bool {
        match self {
            Self::All => true,
            Self::Below(path) => address.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Like(pattern) => pattern.matches(address),
        }
    }
}

/// One who traces.
#[derive(Debug)]
struct Trace {
    which: Which,
    /// What is refused is told too.
    refused: bool,
    until: Option<SampleTime>,
    /// What is to be told at the next tick.
    waits: VecDeque<Message>,
    /// What was left out since then.
    left_out: i64,
}

impl Trace {
    fn tell(&mut self, from: &Value, address: &str, values: &[Value]) {
        if self.waits.len() >= TOGETHER {
            self.left_out += 1;
            return;
        }
        let mut told = vec![from.clone(), address.into()];
        let mut bytes = address.len();
        for (at, value) in values.iter().enumerate() {
            let length = value.text().map_or(8, str::len);
            if bytes + length > BYTES {
                told.push(format!("and {} more", values.len() - at).into());
                break;
            }
            bytes += length + 8;
            told.push(value.clone());
        }
        self.waits.push_back(Message::new("/dump", told));
    }
}

/// All who trace.
#[derive(Debug, Default)]
pub struct Dumps {
    of: HashMap<Client, Trace>,
}

impl Dumps {
    /// Whether nobody traces. `[control]`
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// These clients are gone. `[control]`
    pub fn forget_all(&mut self, gone: impl Fn(Client) -> bool) {
        self.of.retain(|client, _| !gone(*client));
    }

    /// A client is gone. `[control]`
    pub fn forget(&mut self, client: Client) {
        self.of.remove(&client);
    }
}

/// `/dumpOSC`
pub(super) fn dump(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let wrong = |text: &str| Fail::new(call.address, Code::WrongArguments, text);
    let (level, path) = match call.values {
        [level] => (level.number(), "/"),
        [level, Value::Text(path)] if path.starts_with('/') => (level.number(), path.as_str()),
        _ => (None, "/"),
    };
    let level = level.filter(|level| (0.0..3.0).contains(level));
    let level = level.ok_or_else(|| wrong("0 off, 1 on or 2 with what is refused is wanted, then an address or pattern"))? as i64;
    let done = vec![Message::new("/done", vec![call.address.into(), Value::Integer(level)])];
    if level == 0 {
        control.dumps.forget(call.client);
        return Ok(done);
    }
    control.proven_or_fail(call)?;
    if control.dumps.of.len() >= CLIENTS && !control.dumps.of.contains_key(&call.client) {
        return Err(Fail::new(call.address, Code::Full, "16 clients trace already"));
    }
    let which = match path.trim_end_matches('/') {
        "" => Which::All,
        path if crate::wire::is_pattern(path) => {
            Which::Like(Pattern::new(path).map_err(|bad| Fail::new(call.address, Code::Pattern, bad.to_string()))?)
        }
        path => Which::Below(path.to_owned()),
    };
    let until = call.client.has_lease().then(|| control.shown.now() + control.frames(LEASE));
    let (waits, left_out) = control.dumps.of.remove(&call.client).map(|old| (old.waits, old.left_out)).unwrap_or_default();
    control.dumps.of.insert(call.client, Trace { which, refused: level == 2, until, waits, left_out });
    Ok(done)
}

impl Control {
    /// These came in. What has to do with traces is never traced.
    pub(super) fn trace(&mut self, from: Client, groups: &[Group]) {
        if self.dumps.is_empty() {
            return;
        }
        let who = self.named(from);
        for message in groups.iter().flat_map(|group| &group.messages).filter(|message| !message.address.starts_with("/dump")) {
            for trace in self.dumps.of.values_mut().filter(|trace| trace.which.has(&message.address)) {
                trace.tell(&who, &message.address, &message.values);
            }
        }
    }

    /// Something that came in is refused: by this answer. `[control]`
    pub fn trace_refused(&mut self, from: Client, answer: &Message) {
        if self.dumps.is_empty() {
            return;
        }
        let of = answer.values.first().and_then(Value::text).unwrap_or("");
        if of.starts_with("/dump") {
            return;
        }
        let who = self.named(from);
        for trace in self.dumps.of.values_mut().filter(|trace| trace.refused && (of.is_empty() || trace.which.has(of))) {
            trace.tell(&who, &answer.address, &answer.values);
        }
    }

    /// Tells what has come, and how much was left out: `/dump/left count`.
    pub(super) fn tell_traces(&mut self) {
        let now = self.shown.now();
        for (client, trace) in &mut self.dumps.of {
            self.outbox.extend(trace.waits.drain(..).map(|message| (*client, message)));
            if trace.left_out > 0 {
                self.outbox.push((*client, Message::new("/dump/left", vec![Value::Integer(std::mem::take(&mut trace.left_out))])));
            }
        }
        self.dumps.of.retain(|_, trace| trace.until.is_none_or(|until| now < until));
    }

    /// A client as it is told to others: where it is, after its name if it has said one.
    fn named(&self, client: Client) -> Value {
        match &self.peers.get(client).name {
            Some(name) => format!("{name} {client}").into(),
            None => client.to_string().into(),
        }
    }
}
