//! A packet comes in, whatever it came by: understood and done whole, or refused whole.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::convert::groups;
use crate::control::{Client, Control, Message, Value};
use crate::wire;
use crate::wire::time::is_immediate;
use crate::wire::walk::{Messages, Number};
use crate::wire::{Refusal, walk};

/// Locked for as short as can be; what failed while it was locked has left it whole.
pub(super) fn lock(control: &Mutex<Control>) -> MutexGuard<'_, Control> {
    control.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Control is held for this long at once at most, however much has come.
const HELD: Duration = Duration::from_micros(500);

/// Does what a packet says and gives the answers. Nothing that arrives ends the thread. `[control]`
pub fn take(control: &Mutex<Control>, client: Client, bytes: &[u8]) -> Vec<Message> {
    Turn::new(control).take(client, bytes)
}

/// Packets that came together: Control is locked once for many of them.
pub(super) struct Turn<'a> {
    control: &'a Mutex<Control>,
    held: Option<(Instant, MutexGuard<'a, Control>)>,
    arrived: i64,
}

impl<'a> Turn<'a> {
    /// For packets that have just arrived.
    pub fn new(control: &'a Mutex<Control>) -> Self {
        Self { control, held: None, arrived: unix_nanos() }
    }

    /// Does what the next packet says and gives the answers.
    pub fn take(&mut self, client: Client, bytes: &[u8]) -> Vec<Message> {
        let done = catch_unwind(AssertUnwindSafe(|| match walk(bytes) {
            Ok(messages) => self.quickly(client, messages).unwrap_or_else(|| self.in_full(client, bytes)),
            Err(refusal) => {
                self.held = None;
                refuse(self.control, refusal)
            }
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
        control.counts_mut().packets += 1;
        Some(answers)
    }

    /// Any other packet that is sound. It is read while others may have Control.
    fn in_full(&mut self, client: Client, bytes: &[u8]) -> Vec<Message> {
        self.held = None;
        match wire::decode(bytes) {
            Ok(packet) => {
                let groups = groups(packet, self.arrived);
                let mut control = lock(self.control);
                control.counts_mut().packets += 1;
                control.apply_arrived(client, self.arrived, &groups)
            }
            Err(refusal) => refuse(self.control, refusal),
        }
    }
}

/// Counts a packet that cannot be read, and says why. `[control]`
pub fn refuse(control: &Mutex<Control>, refusal: Refusal) -> Vec<Message> {
    let mut control = lock(control);
    let counts = control.counts_mut();
    counts.packets += 1;
    counts.malformed[refusal.index()] += 1;
    let text = refusal.to_string();
    vec![Message::new("/fail", vec!["".into(), refusal.code().into(), text.as_str().into()])]
}

/// Time since 1970 [ns].
pub(super) fn unix_nanos() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
