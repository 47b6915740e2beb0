//! MIDI ports of the machine: those that are wanted are open whenever they are there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clock_out;
use super::out::{Out, Sends};
use super::registry::Desk;
use super::system::{System, SystemOut};
use super::watch::Watch;
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;
use crate::rt::beat_line::BeatLine;
use crate::rt::clock::WallClock;

/// A port, by number; a port that comes back under its name has the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortId(pub u16);

/// When something was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At this moment [ns since 1970], a little in the past.
    Wall(u64),
    /// It acts at this sample: JACK counts the same frames as the engine.
    Sample(SampleTime),
}

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
    /// A cable was pulled out of a port, which stays open for others, or something that came was lost: its notes are to be released.
    Cut {
        /// Which.
        port: PortId,
    },
    /// An output has come or gone.
    Output {
        /// As it calls itself.
        name: String,
        /// Whether it is there.
        there: bool,
    },
    /// A message.
    Message {
        /// From where.
        port: PortId,
        /// What.
        message: MidiMessage,
        /// When.
        at: At,
    },
    /// A system exclusive message.
    Exclusive {
        /// From where.
        port: PortId,
        /// Without those that begin and end it.
        bytes: Box<[u8]>,
        /// When.
        at: At,
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

/// What ports are opened with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name of our own ports.
    pub client: String,
    /// Which inputs.
    pub inputs: Wanted,
    /// Which outputs, besides our own.
    pub outputs: Wanted,
    /// What goes out.
    pub sends: Arc<Sends>,
    /// When samples are heard.
    pub clock: WallClock,
    /// Where the music is.
    pub beat: Arc<BeatLine>,
}

/// Open ports; dropping them closes them.
pub struct Ports {
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
    out: Out,
    #[cfg(feature = "jack")]
    jack: super::jack::JackMidi,
}

impl Ports {
    /// Opens what is wanted now and whenever it comes, ports of our own under our name where the system can, and some in JACK.
    /// A system without MIDI is told once as trouble. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no threads.
    pub fn open(setup: Setup, deliver: Deliver) -> std::io::Result<Self> {
        let desk = Desk::new(deliver);
        let out = Out::new(Arc::clone(&setup.sends));
        let stop = Arc::new(AtomicBool::new(false));
        #[cfg(feature = "jack")]
        let jack = super::jack::JackMidi::start(&setup, out.clone(), desk.clone())?;
        clock_out::start(&setup, out.clone(), Arc::clone(&stop))?;
        let (told, sends) = (Arc::clone(&stop), out.clone());
        let watcher = thread::Builder::new().name("midi-ports".into()).spawn(move || {
            let mut outputs = Watch::new(SystemOut::new(&setup.client, sends.clone()), setup.outputs, outputs_desk(&desk));
            let mut inputs = Watch::new(System::new(&setup.client, sends), setup.inputs, desk);
            while !told.load(Relaxed) {
                let answers = inputs.look();
                if answers {
                    outputs.look();
                }
                thread::park_timeout(if answers { LOOK } else { LOOK_SELDOM });
            }
            inputs.close();
            outputs.close();
        })?;
        Ok(Self {
            stop,
            watcher: Some(watcher),
            out,
            #[cfg(feature = "jack")]
            jack,
        })
    }

    /// The sound server is gone: MIDI that comes through it is too. `[control]`
    pub fn server_gone(&self) {
        #[cfg(feature = "jack")]
        self.jack.server_gone();
    }

    /// Sends a message to all outputs. `[control]`
    pub fn send(&self, message: MidiMessage) {
        let (bytes, length) = message.bytes();
        self.out.send(&bytes[..length]);
    }
}

/// A desk for outputs, which have no numbers for others to know them by.
fn outputs_desk(desk: &Desk) -> Desk {
    let (desk, mut names) = (desk.clone(), std::collections::HashMap::new());
    Desk::new(Box::new(move |event| match event {
        PortEvent::Came { port, name } => {
            names.insert(port, name.clone());
            desk.output(name, true);
        }
        PortEvent::Gone { port } => {
            if let Some(name) = names.remove(&port) {
                desk.output(name, false);
            }
        }
        PortEvent::Trouble(why) => desk.trouble(why),
        _ => {}
    }))
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

/// Ports that there are, as they can be named.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Inputs; or why there are none.
    pub inputs: Result<Vec<String>, String>,
    /// Outputs; or why there are none.
    pub outputs: Result<Vec<String>, String>,
}

/// The system's ports. `[control]`
pub fn list() -> Listing {
    use super::watch::Source;
    let out = Out::new(Arc::default());
    let names = |found: Result<Vec<super::watch::Found>, String>| found.map(|found| found.into_iter().map(|found| found.name).collect());
    Listing { inputs: names(System::new("rackd", out.clone()).list()), outputs: names(SystemOut::new("rackd", out).list()) }
}

/// JACK's ports; `None` where this build knows no JACK. `[control]`
pub fn list_jack() -> Option<Listing> {
    #[cfg(feature = "jack")]
    return Some(super::jack::list());
    #[cfg(not(feature = "jack"))]
    None
}
