//! Numbers of ports: the same name has the same number whenever it comes back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::parser::Heard;
use super::ports::{At, Deliver, PortEvent, PortId};

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

    /// A cable was pulled out of a port that stays, or something was lost before it. `[control]`
    #[cfg(feature = "jack")]
    pub fn cut(&self, port: PortId) {
        (self.lock().deliver)(PortEvent::Cut { port });
    }

    /// An output has come or gone. `[control]`
    pub fn output(&self, name: String, there: bool) {
        (self.lock().deliver)(PortEvent::Output { name, there });
    }

    /// Something has come. `[control]`
    pub fn heard(&self, port: PortId, heard: Heard<'_>, at: At) {
        (self.lock().deliver)(match heard {
            Heard::Message(message) => PortEvent::Message { port, message, at },
            Heard::Exclusive(bytes) => PortEvent::Exclusive { port, bytes: bytes.into(), at },
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time [ns since 1970]. `[any]`
pub(super) fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}
