//! A packet comes in, whatever it came by: understood and done whole, or refused whole.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::convert::groups;
use crate::control::{Client, Control, Message};
use crate::wire;
use crate::wire::Refusal;

/// Locked for as short as can be; what failed while it was locked has left it whole.
pub(super) fn lock(control: &Mutex<Control>) -> MutexGuard<'_, Control> {
    control.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what a packet says and gives the answers. Nothing that arrives ends the thread. `[control]`
pub fn take(control: &Mutex<Control>, client: Client, bytes: &[u8]) -> Vec<Message> {
    let arrived = unix_nanos();
    let done = catch_unwind(AssertUnwindSafe(|| match wire::decode(bytes) {
        Ok(packet) => {
            let groups = groups(packet, arrived);
            let mut control = lock(control);
            control.counts_mut().packets += 1;
            control.apply_arrived(client, arrived, &groups)
        }
        Err(refusal) => refuse(control, refusal),
    }));
    done.unwrap_or_else(|_| {
        lock(control).tell("a packet failed in rackd's own code; please report it".to_owned());
        Vec::new()
    })
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
