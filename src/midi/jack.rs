//! MIDI through JACK: a client of ours, there whenever a server is, with an input and an output that others connect to, and an input
//! of its own for each port that we connect to ourselves, so that what comes from one is told from what comes from another.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use jack::{AsyncClient, Client, ClientOptions, MidiIn, MidiOut, NotificationHandler, PortFlags, PortId as JackId};

use super::jack_drain::{After, Drain, Lead};
use super::jack_process::{Change, INPUTS, Input, Made, Process, RING, Shared};
use super::out::Out;
use super::ports::{Listing, PortId, Setup, Wanted};
use super::registry::Desk;
use crate::rt::quiet::quiet;

/// JACK's name for the type of MIDI ports.
const MIDI_TYPE: &str = "8 bit raw midi";
/// Time without a cycle after which the server counts as gone.
const STALL: Duration = Duration::from_secs(1);
/// Longer than the longest cycle: a server that ran one within this is alive.
const ALIVE: Duration = Duration::from_millis(250);
/// How often the server is looked after; what changes at its ports is told at once.
const LOOK: Duration = Duration::from_millis(50);
/// How often its ports are looked through although nothing was told.
const LOOK_ANYWAY: Duration = Duration::from_secs(1);
/// First and longest wait between two tries at a server.
const WAIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long a client of a server that is gone is left alone before it is closed: libjack ends its threads wherever they are, and where
/// that is in a callback of ours, the whole process with them. Shorter than the first wait of whoever opens a client again.
const REST: Duration = Duration::from_millis(100);

/// The client and its thread.
pub(super) struct JackMidi {
    stop: Arc<AtomicBool>,
    /// The server is gone, as somebody else has noticed.
    gone: Arc<AtomicBool>,
    keeper: Thread,
}

impl JackMidi {
    /// Starts the thread; it looks for a server from then on. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn start(setup: &Setup, out: Out, desk: Desk) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let gone = Arc::new(AtomicBool::new(false));
        let (told, heard, setup) = (Arc::clone(&stop), Arc::clone(&gone), setup.clone());
        let keeper = thread::Builder::new().name("jack-midi".into()).spawn(move || run(&setup, &out, &desk, &told, &heard))?;
        Ok(Self { stop, gone, keeper: keeper.thread().clone() })
    }

    /// The server is gone: the client is closed after a short rest. The next client that anything in this process opens makes libjack free all that
    /// a dead server has left, and ours may not be touched from then on. `[control]`
    pub fn server_gone(&self) {
        self.gone.store(true, Relaxed);
        self.keeper.unpark();
    }
}

impl Drop for JackMidi {
    fn drop(&mut self) {
        // Not waited for: a server that hangs would hang us.
        self.stop.store(true, Relaxed);
    }
}

/// The server's MIDI ports. `[control]`
pub(super) fn list() -> Listing {
    let _quiet = quiet();
    match Client::new("rackd-list", ClientOptions::NO_START_SERVER) {
        Ok((client, _)) => {
            let own = |name: &String| !name.starts_with("rackd:");
            let named = |flags| Ok(client.ports(None, Some(MIDI_TYPE), flags).into_iter().filter(own).collect());
            Listing { inputs: named(PortFlags::IS_OUTPUT), outputs: named(PortFlags::IS_INPUT) }
        }
        Err(_) => Listing { inputs: Err("no JACK server runs".into()), outputs: Err("no JACK server runs".into()) },
    }
}

/// Told by the server on a thread of its own, on which it may not be asked anything.
struct Notices {
    changed: Arc<AtomicBool>,
    keeper: Thread,
}

impl Notices {
    fn tell(&self) {
        self.changed.store(true, Relaxed);
        self.keeper.unpark();
    }
}

impl NotificationHandler for Notices {
    fn port_registration(&mut self, _: &Client, _: JackId, _: bool) {
        self.tell();
    }

    fn ports_connected(&mut self, _: &Client, _: JackId, _: JackId, _: bool) {
        self.tell();
    }
}

/// A port that we connected to: ours for it.
struct Source {
    id: PortId,
    /// Our port's number, from 1, and its name.
    number: usize,
    own: String,
    connected: bool,
}

/// An open client.
struct Open {
    client: AsyncClient<Notices, Process>,
    shared: Arc<Shared>,
    changed: Arc<AtomicBool>,
    changes: rtrb::Producer<Change>,
    home: rtrb::Consumer<Input>,
    after: Sender<After>,
    drain: Option<(JoinHandle<()>, Arc<AtomicBool>)>,
    desk: Desk,
    /// The input that others connect to, and who has.
    input: (PortId, String),
    callers: BTreeSet<String>,
    output: String,
    sources: BTreeMap<String, Source>,
    /// Outputs that were connected once: what a user has disconnected stays so.
    targets: BTreeSet<String>,
    /// Cycles when they last changed, and when that was.
    seen: (u64, Instant),
}

fn run(setup: &Setup, out: &Out, desk: &Desk, stop: &AtomicBool, gone: &AtomicBool) {
    let mut wait = WAIT.0;
    while !stop.load(Relaxed) {
        gone.store(false, Relaxed);
        let Some(mut open) = open(setup, out, desk) else {
            nap(wait, stop);
            wait = (wait * 2).min(WAIT.1);
            continue;
        };
        wait = WAIT.0;
        let mut look = Instant::now();
        while !stop.load(Relaxed) && !gone.load(Relaxed) && open.lives() {
            if open.runs() && (open.changed.swap(false, Relaxed) || Instant::now() >= look) {
                look = Instant::now() + LOOK_ANYWAY;
                open.look(setup);
            }
            thread::park_timeout(LOOK);
        }
        open.end();
        if !stop.load(Relaxed) {
            thread::sleep(REST);
        }
        // Blocks as long as a server hangs. So does opening another meanwhile, but then this thread is the only one that waits.
        drop(open);
        // Whoever else was a client of a dead server closes too before the next is opened.
        nap(wait, stop);
    }
}

fn nap(time: Duration, stop: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !stop.load(Relaxed) {
        thread::sleep(Duration::from_millis(50));
    }
}

fn open(setup: &Setup, out: &Out, desk: &Desk) -> Option<Open> {
    let (client, _) = Client::new(&setup.client, ClientOptions::NO_START_SERVER).ok()?;
    let input = client.register_port("in", MidiIn::default()).ok()?;
    let output = client.register_port("out", MidiOut::default()).ok()?;
    let (own, output_name) = (input.name().ok()?, output.name().ok()?);
    let (ring_to, ring) = rtrb::RingBuffer::new(RING);
    let (mut changes, changes_end) = rtrb::RingBuffer::new(2 * INPUTS);
    let (home_to, home) = rtrb::RingBuffer::new(2 * INPUTS);
    let (after, after_end) = channel();
    let shared = Arc::new(Shared::default());
    let changed = Arc::new(AtomicBool::new(true));
    let id = desk.came(&format!("jack:{own}"), 0);
    let _ = changes.push(Change::Add(Input { id, port: input }));
    let process = Process::new(Made {
        out: output,
        changes: changes_end,
        home: home_to,
        ring: ring_to,
        queue: out.to_jack(),
        shared: Arc::clone(&shared),
        sends: Arc::clone(&setup.sends),
        clock: setup.clock.clone(),
        beat: Arc::clone(&setup.beat),
    });
    let drain = Drain {
        ring,
        after: after_end,
        shared: Arc::clone(&shared),
        clock: setup.clock.clone(),
        out: out.clone(),
        desk: desk.clone(),
        lead: Lead::default(),
        parsers: HashMap::new(),
        bytes: Vec::with_capacity(4096),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let drain = thread::Builder::new().name("jack-midi-in".into()).spawn(move || drain.run(&told)).ok();
    let notices = Notices { changed: Arc::clone(&changed), keeper: thread::current() };
    let client = client.activate_async(notices, process);
    let (Ok(client), Some(drain)) = (client, drain) else {
        stop.store(true, Relaxed);
        desk.gone(id);
        return None;
    };
    Some(Open {
        client,
        shared,
        changed,
        changes,
        home,
        after,
        drain: Some((drain, stop)),
        desk: desk.clone(),
        input: (id, own),
        callers: BTreeSet::new(),
        output: output_name,
        sources: BTreeMap::new(),
        targets: BTreeSet::new(),
        seen: (0, Instant::now()),
    })
}

impl Open {
    /// Whether the server still runs its cycles: one that died and one that hangs do not, and neither does one that put us out.
    fn lives(&mut self) -> bool {
        let cycles = self.shared.cycles.load(Relaxed);
        if cycles != self.seen.0 {
            self.seen = (cycles, Instant::now());
        }
        self.seen.1.elapsed() < STALL
    }

    /// Whether the server ran a cycle a moment ago. One that is dead may not be asked anything: libjack reads what is no more.
    fn runs(&self) -> bool {
        self.seen.1.elapsed() < ALIVE
    }

    /// Looks through the server's ports: lets go of what is gone, connects what is wanted and new.
    fn look(&mut self, setup: &Setup) {
        while let Ok(input) = self.home.pop() {
            let _ = self.client.as_client().unregister_port(input.port);
        }
        let flags = match setup.inputs {
            Wanted::All => PortFlags::IS_OUTPUT | PortFlags::IS_PHYSICAL,
            Wanted::Named(_) | Wanted::Own => PortFlags::IS_OUTPUT,
        };
        let there = self.ports(flags);
        self.leave(&there);
        for port in there.iter().filter(|port| setup.inputs.has(port)) {
            if !self.sources.contains_key(port) {
                self.join(port);
            }
        }
        let targets: BTreeSet<String> = self.ports(PortFlags::IS_INPUT).into_iter().filter(|port| setup.outputs.has(port)).collect();
        for port in targets.difference(&self.targets) {
            if self.client.as_client().connect_ports_by_name(&self.output, port).is_ok() {
                self.desk.output(format!("jack:{port}"), true);
            }
        }
        for port in self.targets.difference(&targets) {
            self.desk.output(format!("jack:{port}"), false);
        }
        self.targets = targets;
        self.listen();
    }

    /// MIDI ports of others.
    fn ports(&self, flags: PortFlags) -> BTreeSet<String> {
        let own = self.output.trim_end_matches("out");
        self.client.as_client().ports(None, Some(MIDI_TYPE), flags).into_iter().filter(|port| !port.starts_with(own)).collect()
    }

    /// Who is connected to a port of ours.
    fn callers(&self, own: &str) -> BTreeSet<String> {
        self.client.as_client().port_by_name(own).map(|port| port.get_connections().into_iter().collect()).unwrap_or_default()
    }

    /// Ports that were there and are no more.
    fn leave(&mut self, there: &BTreeSet<String>) {
        let gone: Vec<String> = self.sources.keys().filter(|port| !there.contains(*port)).cloned().collect();
        for port in gone {
            if let Some(source) = self.sources.remove(&port) {
                let _ = self.changes.push(Change::Remove(source.id));
                self.tell(After::Gone(source.id));
            }
        }
    }

    /// Connects to a port, by an input of its own as long as there are any.
    fn join(&mut self, port: &str) {
        let client = self.client.as_client();
        let number = (1..INPUTS).find(|number| self.sources.values().all(|source| source.number != *number));
        let registered = number.and_then(|number| {
            // The one before it may still be on its way home.
            (0..).map(|more| if more == 0 { format!("in_{number}") } else { format!("in_{number}_{more}") }).take(8).find_map(|name| {
                let port = client.register_port(&name, MidiIn::default()).ok()?;
                Some((number, port.name().ok()?, port))
            })
        });
        let Some((number, own, input)) = registered else {
            let _ = client.connect_ports_by_name(port, &self.input.1);
            return;
        };
        let id = self.desk.came(&format!("jack:{port}"), 0);
        let _ = self.changes.push(Change::Add(Input { id, port: input }));
        let connected = client.connect_ports_by_name(port, &own).is_ok();
        self.sources.insert(port.to_owned(), Source { id, number, own, connected });
    }

    /// Hears of cables that were pulled out.
    fn listen(&mut self) {
        let callers = self.callers(&self.input.1);
        if !self.callers.is_subset(&callers) {
            self.tell(After::Cut(self.input.0));
        }
        self.callers = callers;
        let cut: Vec<PortId> = self
            .sources
            .iter()
            .filter_map(|(port, source)| (source.connected && !self.callers(&source.own).contains(port)).then_some(source.id))
            .collect();
        for id in cut {
            self.tell(After::Cut(id));
        }
        let now: Vec<(String, bool)> =
            self.sources.iter().map(|(port, source)| (port.clone(), self.callers(&source.own).contains(port))).collect();
        for (port, connected) in now {
            if let Some(source) = self.sources.get_mut(&port) {
                source.connected = connected;
            }
        }
    }

    fn tell(&self, after: After) {
        let _ = self.after.send(after);
        if let Some(drain) = self.shared.drain.get() {
            drain.unpark();
        }
    }

    /// All ports are gone.
    fn end(&mut self) {
        if let Some((drain, stop)) = self.drain.take() {
            stop.store(true, Relaxed);
            drain.thread().unpark();
            let _ = drain.join();
        }
        for source in std::mem::take(&mut self.sources).into_values() {
            self.desk.gone(source.id);
        }
        self.desk.gone(self.input.0);
    }
}
