//! MIDI inputs of the machine: those that are wanted are open whenever they are there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::registry::Desk;
use super::system::System;
use super::watch::Watch;
use crate::base::midi::MidiMessage;

/// A port, by number; a port that comes back under its name has the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortId(pub u16);

/// What ports deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortEvent {
    /// A port is open.
    Came {
        /// Which.
        port: PortId,
        /// As it calls itself.
        name: String,
    },
    /// A port is no more: its notes are to be released.
    Gone {
        /// Which.
        port: PortId,
    },
    /// A message.
    Message {
        /// From where.
        port: PortId,
        /// What.
        message: MidiMessage,
        /// When it was played [ns since 1970]; a little in the past or, from JACK, up to a period ahead.
        at: u64,
    },
    /// A sentence for the log; nothing stops because of it.
    Trouble(String),
}

/// Takes what ports deliver: called on threads of drivers, never on the audio thread, one at a time.
pub type Deliver = Box<dyn FnMut(PortEvent) + Send>;

/// Which inputs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Every one.
    #[default]
    All,
    /// Those whose names have one of these in them, in letters of any size.
    Named(Vec<String>),
    /// Only what others connect to rackd's own port.
    Own,
}

impl Wanted {
    /// From what stands after `--midi`: nothing is all, `none` is only the own port. `[control]`
    pub fn from_names(names: &[String]) -> Self {
        if names.is_empty() || names.iter().any(|name| name == "all") {
            Self::All
        } else if names.iter().all(|name| name == "none") {
            Self::Own
        } else {
            Self::Named(names.iter().filter(|name| *name != "none").map(|name| name.to_lowercase()).collect())
        }
    }

    /// Whether it is one of them. `[any]`
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|wanted| name.to_lowercase().contains(&wanted.to_lowercase())),
            Self::Own => false,
        }
    }
}

/// How often the system is asked which ports there are: it tells of none by itself.
const LOOK: Duration = Duration::from_secs(1);
/// The same while the system has no MIDI at all.
const LOOK_SELDOM: Duration = Duration::from_secs(5);

/// Open inputs; dropping them closes them.
pub struct Ports {
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
    #[cfg(feature = "jack")]
    _jack: super::jack::JackMidi,
}

impl Ports {
    /// Opens what is wanted now and whenever it comes, a port of our own under this name where the system can, and one in JACK.
    /// A system without MIDI is told once as trouble. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no threads.
    pub fn open(client: &str, wanted: Wanted, deliver: Deliver) -> std::io::Result<Self> {
        let desk = Desk::new(deliver);
        let stop = Arc::new(AtomicBool::new(false));
        #[cfg(feature = "jack")]
        let jack = super::jack::JackMidi::start(client, wanted.clone(), desk.clone())?;
        let (told, name) = (Arc::clone(&stop), client.to_owned());
        let watcher = thread::Builder::new().name("midi-ports".into()).spawn(move || {
            let mut watch = Watch::new(System::new(&name), wanted, desk);
            while !told.load(Relaxed) {
                let answers = watch.look();
                thread::park_timeout(if answers { LOOK } else { LOOK_SELDOM });
            }
            watch.close();
        })?;
        Ok(Self {
            stop,
            watcher: Some(watcher),
            #[cfg(feature = "jack")]
            _jack: jack,
        })
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            let _ = watcher.join();
        }
    }
}

/// The names of the inputs that there are, as they can be named; or why there are none. `[control]`
///
/// # Errors
/// A sentence.
pub fn list() -> Result<Vec<String>, String> {
    use super::watch::Source;
    Ok(System::new("rackd").list()?.into_iter().map(|found| found.name).collect())
}
