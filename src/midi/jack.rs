//! MIDI through JACK: a client of ours with one input port, there whenever a server is.
//!
//! The process callback only copies bytes and their frame into a ring; a thread of ours drains it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use jack::{AsyncClient, Client, ClientOptions, Control, MidiIn, Port, PortFlags, ProcessHandler, ProcessScope};

use super::parser::Parser;
use super::ports::{PortId, Wanted};
use super::registry::{Desk, unix_nanos};

/// JACK's name for the type of MIDI ports.
const MIDI_TYPE: &str = "8 bit raw midi";
/// Messages that may wait for the draining thread.
const RING: usize = 4096;
/// How often the ring is drained.
const DRAIN: Duration = Duration::from_millis(1);
/// Time without a cycle after which the server counts as gone.
const STALL: Duration = Duration::from_secs(1);
/// How often new ports are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// First and longest wait between two tries at a server.
const WAIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// A message as it comes, with the frame of JACK's time.
#[derive(Clone, Copy)]
struct Raw {
    frame: u32,
    length: u8,
    bytes: [u8; 3],
}

struct Process {
    port: Port<MidiIn>,
    ring: rtrb::Producer<Raw>,
    dropped: Arc<AtomicU64>,
    cycles: Arc<AtomicU64>,
}

impl ProcessHandler for Process {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        self.cycles.fetch_add(1, Relaxed);
        let start = scope.last_frame_time();
        for event in self.port.iter(scope) {
            // Longer ones are system exclusive.
            if let 1..=3 = event.bytes.len() {
                let mut bytes = [0; 3];
                bytes[..event.bytes.len()].copy_from_slice(event.bytes);
                let raw = Raw { frame: start.wrapping_add(event.time), length: event.bytes.len() as u8, bytes };
                if self.ring.push(raw).is_err() {
                    self.dropped.fetch_add(1, Relaxed);
                }
            }
        }
        Control::Continue
    }
}

/// The client and its thread.
pub(super) struct JackMidi {
    stop: Arc<AtomicBool>,
}

impl JackMidi {
    /// Starts the thread; it looks for a server from then on. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn start(client: &str, wanted: Wanted, desk: Desk) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, client) = (Arc::clone(&stop), client.to_owned());
        thread::Builder::new().name("jack-midi".into()).spawn(move || run(&client, &wanted, &desk, &told))?;
        Ok(Self { stop })
    }
}

impl Drop for JackMidi {
    fn drop(&mut self) {
        // Not waited for: a server that hangs would hang us.
        self.stop.store(true, Relaxed);
    }
}

/// An open client.
struct Open {
    client: AsyncClient<(), Process>,
    ring: rtrb::Consumer<Raw>,
    dropped: Arc<AtomicU64>,
    own: String,
    cycles: Arc<AtomicU64>,
    /// Cycles when they last changed, and when that was.
    seen: (u64, Instant),
    /// Ports that were connected once: what a user has disconnected stays so.
    known: HashSet<String>,
}

fn run(name: &str, wanted: &Wanted, desk: &Desk, stop: &AtomicBool) {
    let mut wait = WAIT.0;
    while !stop.load(Relaxed) {
        let Some(mut open) = open(name) else {
            nap(wait, stop);
            wait = (wait * 2).min(WAIT.1);
            continue;
        };
        wait = WAIT.0;
        let port = desk.came(&format!("jack:{}", open.own), 0);
        let mut look = Instant::now();
        while !stop.load(Relaxed) && open.lives() {
            open.drain(port, desk);
            if Instant::now() >= look {
                look = Instant::now() + LOOK;
                open.connect(wanted);
                let dropped = open.dropped.swap(0, Relaxed);
                if dropped > 0 {
                    desk.trouble(format!("{dropped} MIDI messages from JACK came faster than they could be taken"));
                }
            }
            thread::sleep(DRAIN);
        }
        desk.gone(port);
        // Blocks as long as a server hangs. So does opening another meanwhile, but then this thread is the only one that waits.
        drop(open);
    }
}

fn nap(time: Duration, stop: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !stop.load(Relaxed) {
        thread::sleep(Duration::from_millis(50));
    }
}

fn open(name: &str) -> Option<Open> {
    let (client, _) = Client::new(name, ClientOptions::NO_START_SERVER).ok()?;
    let port = client.register_port("in", MidiIn::default()).ok()?;
    let own = port.name().ok()?;
    let (to, ring) = rtrb::RingBuffer::new(RING);
    let (dropped, cycles) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let process = Process { port, ring: to, dropped: Arc::clone(&dropped), cycles: Arc::clone(&cycles) };
    let client = client.activate_async((), process).ok()?;
    Some(Open { client, ring, dropped, own, cycles, seen: (0, Instant::now()), known: HashSet::new() })
}

impl Open {
    /// Whether the server still runs its cycles: one that died and one that hangs do not, and neither does one that put us out.
    fn lives(&mut self) -> bool {
        let cycles = self.cycles.load(Relaxed);
        if cycles != self.seen.0 {
            self.seen = (cycles, Instant::now());
        }
        self.seen.1.elapsed() < STALL
    }

    fn drain(&mut self, port: PortId, desk: &Desk) {
        while let Ok(raw) = self.ring.pop() {
            let client = self.client.as_client();
            let (then, now) = (client.frames_to_time(raw.frame), client.time());
            // Both count microseconds on JACK's clock; an event may lie a little ahead.
            let off = then.wrapping_sub(now) as i64;
            let at = unix_nanos().saturating_add_signed(off.clamp(-10_000_000, 10_000_000) * 1000);
            Parser::new().feed(&raw.bytes[..usize::from(raw.length)], |message| desk.message(port, message, at));
        }
    }

    /// Connects what is wanted and new: the machine's own ports, or those that are named.
    fn connect(&mut self, wanted: &Wanted) {
        let client = self.client.as_client();
        let flags = match wanted {
            Wanted::All => PortFlags::IS_OUTPUT | PortFlags::IS_PHYSICAL,
            Wanted::Named(_) => PortFlags::IS_OUTPUT,
            Wanted::Own => return,
        };
        let there: HashSet<String> = client.ports(None, Some(MIDI_TYPE), flags).into_iter().filter(|port| wanted.has(port)).collect();
        for port in there.difference(&self.known) {
            let _ = client.connect_ports_by_name(port, &self.own);
        }
        self.known = there;
    }
}
