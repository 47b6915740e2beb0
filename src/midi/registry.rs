//! Numbers of ports: the same name has the same number whenever it comes back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::ports::{Deliver, PortEvent, PortId};
use crate::base::midi::MidiMessage;

/// The one door through which all ports deliver.
#[derive(Clone)]
pub(super) struct Desk(Arc<Mutex<State>>);

struct State {
    numbers: HashMap<(String, usize), PortId>,
    deliver: Deliver,
}

impl Desk {
    /// A desk before whoever takes what comes. `[control]`
    pub fn new(deliver: Deliver) -> Self {
        Self(Arc::new(Mutex::new(State { numbers: HashMap::new(), deliver })))
    }

    /// A port has come: its number. Of several ports with the same name each has its own, by its `place` among them. `[control]`
    pub fn came(&self, name: &str, place: usize) -> PortId {
        let mut state = self.lock();
        let next = PortId(state.numbers.len() as u16);
        let port = *state.numbers.entry((name.to_owned(), place)).or_insert(next);
        (state.deliver)(PortEvent::Came { port, name: name.to_owned() });
        port
    }

    /// A port has gone. `[control]`
    pub fn gone(&self, port: PortId) {
        (self.lock().deliver)(PortEvent::Gone { port });
    }

    /// Something that the user may want to know. `[control]`
    pub fn trouble(&self, why: String) {
        (self.lock().deliver)(PortEvent::Trouble(why));
    }

    /// A message has come at this time [ns since 1970]. `[control]`
    pub fn message(&self, port: PortId, message: MidiMessage, at: u64) {
        (self.lock().deliver)(PortEvent::Message { port, message, at });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time [ns since 1970]. `[any]`
pub(super) fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}
