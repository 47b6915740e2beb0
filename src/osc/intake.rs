//! A packet comes in, whatever it came by: understood and done whole, or refused whole.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::convert::groups;
use crate::control::counts::Transport;
use crate::control::{Client, Control, Message, Value};
use crate::rt::clock::Wall;
use crate::wire;
use crate::wire::time::is_immediate;
use crate::wire::walk::{Messages, Number};
use crate::wire::{Limits, Refusal, walk};

/// Locked for as short as can be; what failed while it was locked has left it whole.
pub(super) fn lock(control: &Mutex<Control>) -> MutexGuard<'_, Control> {
    control.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Control is held for this long at once at most, however much has come.
const HELD: Duration = Duration::from_micros(500);

/// Does what a packet says and gives the answers. Nothing that arrives ends the thread. `[control]`
pub fn take(control: &Mutex<Control>, way: &Way, client: Client, bytes: &[u8]) -> Vec<Message> {
    Turn::new(control, way).take(client, bytes)
}

/// What packets come by, and what they may hold there.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// As what they are counted.
    pub by: Transport,
    /// What each may hold.
    pub limits: Limits,
}

/// Packets that came together: Control is locked once for many of them.
pub(super) struct Turn<'a> {
    control: &'a Mutex<Control>,
    way: Way,
    /// Packets that were understood.
    pub understood: u64,
    held: Option<(Instant, MutexGuard<'a, Control>)>,
    arrived: SystemTime,
}

impl<'a> Turn<'a> {
    /// For packets that have just arrived.
    pub fn new(control: &'a Mutex<Control>, way: &Way) -> Self {
        Self { control, way: *way, understood: 0, held: None, arrived: SystemTime::now() }
    }

    /// Does what the next packet says and gives the answers.
    pub fn take(&mut self, client: Client, bytes: &[u8]) -> Vec<Message> {
        let done = catch_unwind(AssertUnwindSafe(|| match walk(bytes, &self.way.limits) {
            Ok(messages) => self.quickly(client, messages).unwrap_or_else(|| self.in_full(client, bytes)),
            Err(refusal) => self.refuse(client, refusal, &refusal.to_string()),
        }));
        done.unwrap_or_else(|_| {
            self.held = None;
            lock(self.control).tell("a packet failed in rackd's own code; please report it".to_owned());
            Vec::new()
        })
    }

    /// A packet of nothing but plain values that act at once.
    fn quickly(&mut self, client: Client, messages: Messages<'_>) -> Option<Vec<Message>> {
        if self.held.as_ref().is_some_and(|(since, _)| since.elapsed() > HELD) {
            self.held = None;
        }
        let (_, control) = self.held.get_or_insert_with(|| (Instant::now(), lock(self.control)));
        let values = messages.map(|message| {
            let now = message.bundle.is_none_or(|(time, depth)| depth == 1 && is_immediate(time));
            let value = message.number().filter(|_| now)?;
            Some((message.address, if let Number::Whole(x) = value { Value::Integer(x) } else { Value::Number(value.float()) }))
        });
        let answers = control.apply_quick(client, values)?;
        control.counts_mut().arrive(self.way.by);
        self.understood += 1;
        Some(answers)
    }

    /// The next packets came by something else.
    pub fn by(&mut self, by: Transport) {
        self.way.by = by;
    }

    /// Counts a packet that cannot be read, and says why.
    pub fn refuse(&mut self, client: Client, refusal: Refusal, why: &str) -> Vec<Message> {
        self.held = None;
        let mut control = lock(self.control);
        let counts = control.counts_mut();
        counts.arrive(self.way.by);
        counts.malformed[refusal.index()] += 1;
        let answer = Message::new("/fail", vec!["".into(), refusal.code().into(), why.into()]);
        control.trace_refused(client, &answer);
        vec![answer]
    }

    /// Any other packet that is sound. It is read while others may have Control.
    fn in_full(&mut self, client: Client, bytes: &[u8]) -> Vec<Message> {
        self.held = None;
        match wire::decode_within(bytes, &self.way.limits) {
            Ok(packet) => {
                // Which turn of the tags' 136 years it is, any clock tells.
                let groups = groups(packet, Wall::default().at(self.arrived));
                let mut control = lock(self.control);
                control.counts_mut().arrive(self.way.by);
                self.understood += 1;
                let arrived = control.clock().wall().at(self.arrived);
                control.apply_arrived(client, arrived, &groups)
            }
            Err(refusal) => self.refuse(client, refusal, &refusal.to_string()),
        }
    }
}
