//! How much OSC is taken in through UDP on this machine, beside scsynth in the same run: `cargo bench --bench intake`.
//!
//! One sender for both, as fast as it is told to: values one a datagram (`/t/amount f`, scsynth: `/n_set 0 x f` to its empty root
//! group, the least work it can be given), and in bundles of 50. Lost is what the system dropped before the socket. Then round
//! trips of `/ping` (scsynth: `/sync`), idle and while values come at a third of the highest rate. scsynth needs a JACK server;
//! one of its own with the dummy driver is started and ended here.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rackd::control::counts::Transport;
use rackd::control::peers::Peer;
use rackd::control::{self, Client, Control, Origin};
use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::osc::intake;
use rackd::plan;
use rackd::wire::{Arg, Bundle, Limits, Message, Packet, decode, encode};

const RATES: [f64; 7] = [50e3, 100e3, 150e3, 200e3, 300e3, 400e3, 600e3];
const BUNDLED: [f64; 6] = [500e3, 1e6, 2e6, 4e6, 6e6, 10e6];
const IN_A_BUNDLE: usize = 50;

const PATCH: &str = "format = 1\n[controls]\namount = { default = 0.2, min = 0, max = 1 }\n[global.osc]\ntype = \"vco\"\n[out]\nin = \"osc.sine * amount\"\n";

/// A process that is ended with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, so that JACK gives its server slot back.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        for _ in 0..100 {
            if self.0.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(30));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, args: &[&str], server: Option<&str>) -> Option<Running> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(server) = server {
        command.env("JACK_DEFAULT_SERVER", server).env("SC_JACK_DEFAULT_OUTPUTS", "").env("SC_JACK_DEFAULT_INPUTS", "");
    }
    command.spawn().ok().map(Running)
}

/// One of the two, and how it is spoken to.
struct Side {
    name: &'static str,
    port: u16,
    value: fn(f32) -> Message,
    ping: fn(i32) -> Message,
    pong: &'static str,
    /// Asks how many packets it has counted, where it can tell.
    counted: Option<&'static str>,
    _running: Vec<Running>,
}

impl Side {
    /// Packets that it says it has taken in.
    fn packets(&self) -> Option<u64> {
        let socket = self.socket();
        socket.send(&encode(&Packet::Message(Message::new(self.counted?, Vec::new())))).ok()?;
        let mut buffer = [0; 65_536];
        let length = socket.recv(&mut buffer).ok()?;
        let Ok(Packet::Message(told)) = decode(&buffer[..length]) else { return None };
        let at = told.args.iter().position(|arg| *arg == Arg::Text("packets".into()))?;
        match told.args.get(at + 1)? {
            Arg::Int(count) => u64::try_from(*count).ok(),
            Arg::Long(count) => u64::try_from(*count).ok(),
            _ => None,
        }
    }

    fn socket(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        socket
    }

    /// One round trip [s].
    fn trip(&self, socket: &UdpSocket, number: i32) -> Option<f64> {
        let bytes = encode(&Packet::Message((self.ping)(number)));
        let start = Instant::now();
        socket.send(&bytes).ok()?;
        let mut buffer = [0; 65_536];
        loop {
            let length = socket.recv(&mut buffer).ok()?;
            if let Ok(Packet::Message(message)) = decode(&buffer[..length])
                && message.address == self.pong
                && message.args == [Arg::Int(number)]
            {
                return Some(start.elapsed().as_secs_f64());
            }
        }
    }

    fn answers(&self) -> bool {
        let socket = self.socket();
        (0..100).any(|number| {
            thread::sleep(Duration::from_millis(50));
            self.trip(&socket, number).is_some()
        })
    }

    /// Datagrams dropped before its socket.
    fn lost(&self) -> u64 {
        let table = fs::read_to_string("/proc/net/udp").unwrap_or_default();
        let end = format!(":{:04X}", self.port);
        let line = table.lines().find(|line| line.split_whitespace().nth(1).is_some_and(|at| at.ends_with(&end)));
        line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or(0)
    }

    /// Sends values for a second; values sent a second in truth, datagrams lost.
    fn flood(&self, rate: f64, bundled: usize) -> (f64, u64) {
        let packets: Vec<Vec<u8>> = (0..64)
            .map(|n| {
                let one = |k: usize| Packet::Message((self.value)(((n + k) % 64) as f32 / 64.0));
                encode(&if bundled == 1 { one(0) } else { Packet::Bundle(Bundle { time: 1, elements: (0..bundled).map(one).collect() }) })
            })
            .collect();
        let socket = self.socket();
        let before = self.lost();
        let counted = self.packets();
        let total = rate as usize / bundled;
        let begin = Instant::now();
        for sent in 0..total {
            let _ = socket.send(&packets[sent % 64]);
            if sent % 16 == 0 {
                while begin.elapsed().as_secs_f64() < (sent * bundled) as f64 / rate {
                    std::hint::spin_loop();
                }
            }
        }
        let took = begin.elapsed().as_secs_f64();
        let probe = self.socket();
        // The rest is worked off once it answers again.
        let probes = (0..20).position(|number| self.trip(&probe, number).is_some()).unwrap_or(20) as u64 + 1;
        let lost = self.lost() - before;
        if let (Some(before), Some(after)) = (counted, self.packets()) {
            // The second question is itself a packet.
            assert_eq!(after - before + lost, total as u64 + probes + 1, "every packet is counted or lost");
        }
        ((total * bundled) as f64 / took, lost)
    }

    /// The highest rate of these at which nothing is lost [values/s], as it was sent in truth.
    fn highest(&self, rates: &[f64], bundled: usize) -> f64 {
        let mut best = 0.0f64;
        for rate in rates {
            let (sent, lost) = self.flood(*rate, bundled);
            println!("  {:8} {bundled:3} a packet, asked {rate:9.0}/s: sent {sent:9.0}/s, datagrams lost {lost}", self.name);
            if lost == 0 {
                best = best.max(sent);
            }
            thread::sleep(Duration::from_millis(200));
        }
        best
    }

    /// Median and 99th percentile of a round trip [ms], and how many never came back.
    fn trips(&self, count: i32) -> (f64, f64, usize) {
        let socket = self.socket();
        let mut took: Vec<f64> = Vec::new();
        let mut gone = 0;
        for number in 0..count {
            match self.trip(&socket, number) {
                Some(seconds) => took.push(seconds * 1e3),
                None => gone += 1,
            }
            thread::sleep(Duration::from_micros(1500));
        }
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
        (at(0.5), at(0.99), gone)
    }

    fn trips_under(&self, rate: f64) -> (f64, f64, usize) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let socket = self.socket();
                let bytes = encode(&Packet::Message((self.value)(0.5)));
                while !stop.load(Relaxed) {
                    let begin = Instant::now();
                    for _ in 0..(rate / 1000.0) as usize {
                        let _ = socket.send(&bytes);
                    }
                    thread::sleep(Duration::from_millis(1).saturating_sub(begin.elapsed()));
                }
            });
            let trips = self.trips(500);
            stop.store(true, Relaxed);
            trips
        })
    }
}

fn rackd() -> Side {
    let patch = std::env::temp_dir().join(format!("intake-{}", std::process::id())).join("t.toml");
    fs::create_dir_all(patch.parent().unwrap()).unwrap();
    fs::write(&patch, PATCH).unwrap();
    let path = patch.display().to_string();
    let args = ["play", &path, "--host", "silent", "--osc", "127.0.0.1:57391"];
    let running = start(env!("CARGO_BIN_EXE_rackd"), &args, None).unwrap();
    let side = Side {
        name: "rackd",
        port: 57391,
        value: |x| Message::new("/t/amount", vec![Arg::Float(x)]),
        ping: |n| Message::new("/ping", vec![Arg::Int(n)]),
        pong: "/pong",
        counted: Some("/engine/status"),
        _running: vec![running],
    };
    assert!(side.answers(), "rackd does not answer");
    side
}

fn scsynth() -> Option<Side> {
    let name = format!("intake{}", std::process::id());
    let jack = start("jackd", &["-n", &name, "-r", "-d", "dummy", "-r", "48000", "-p", "128"], None)?;
    thread::sleep(Duration::from_millis(1500));
    let args = ["-u", "57392", "-B", "127.0.0.1", "-D", "0", "-R", "0", "-l", "8"];
    let running = start("scsynth", &args, Some(&name))?;
    let side = Side {
        name: "scsynth",
        port: 57392,
        value: |x| Message::new("/n_set", vec![Arg::Int(0), Arg::Text("x".into()), Arg::Float(x)]),
        ping: |n| Message::new("/sync", vec![Arg::Int(n)]),
        pong: "/synced",
        counted: None,
        // Ended in this order.
        _running: vec![running, jack],
    };
    side.answers().then_some(side)
}

/// What rackd's own code takes for a value, without the system's part: from its bytes to the engine [ns].
fn in_process(bundled: usize) -> f64 {
    let (mut engine, doors, door) = Engine::new(48_000.0);
    let plan = plan::Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let mut control =
        Control::new(CATALOGUE, doors, door, control::Options { plan, folders: Vec::new(), running: true, peer: Peer::default() });
    control.load("t", PATCH, None).expect("the patch is right");
    let mut sound = [0.0; 256];
    for _ in 0..10 {
        engine.run(&[], 0, &mut sound, 2);
        control.tick();
    }
    let control = Mutex::new(control);
    let client = Client { origin: Origin::Osc, host: 1, door: 1 };
    let way = intake::Way { by: Transport::Udp, limits: Limits::DATAGRAM };
    let one = |k: usize| Packet::Message(Message::new("/t/amount", vec![Arg::Float(k as f32 / 64.0)]));
    let bytes: Vec<Vec<u8>> = (0..64)
        .map(|n| {
            encode(&if bundled == 1 {
                one(n)
            } else {
                Packet::Bundle(Bundle { time: 1, elements: (0..bundled).map(|k| one((n + k) % 64)).collect() })
            })
        })
        .collect();
    let mut best = f64::MAX;
    for _ in 0..40 {
        let begin = Instant::now();
        let packets = 4096 / bundled;
        for n in 0..packets {
            assert!(intake::take(&control, &way, client, &bytes[n % 64]).is_empty());
        }
        best = best.min(begin.elapsed().as_secs_f64() / (packets * bundled) as f64);
        engine.run(&[], 0, &mut sound, 2);
        control.lock().unwrap().tick();
    }
    best * 1e9
}

fn main() {
    for bundled in [1, IN_A_BUNDLE] {
        let nanos = in_process(bundled);
        println!("rackd's own work: {nanos:.0} ns a value, {bundled} a packet: {:.2} million values/s", 1e3 / nanos);
    }
    let sides: Vec<Side> = [Some(rackd()), scsynth()].into_iter().flatten().collect();
    let mut found: Vec<[f64; 4]> = Vec::new();
    for side in &sides {
        let single = side.highest(&RATES, 1);
        let bundled = side.highest(&BUNDLED, IN_A_BUNDLE);
        found.push([single, bundled, 0.0, 0.0]);
    }
    let load = found.iter().map(|found| found[0]).fold(f64::MAX, f64::min) / 3.0;
    println!("{:8} {:>12} {:>12} {:>20} {:>20}", "", "messages/s", "bundled/s", "trip p50 p99 [ms]", "under load [ms]");
    for (side, found) in sides.iter().zip(&mut found) {
        let idle = side.trips(500);
        let busy = side.trips_under(load);
        (found[2], found[3]) = (idle.1, busy.1);
        println!(
            "{:8} {:12.0} {:12.0} {:11.3} {:8.3} {:11.3} {:8.3}   ({} and {} not answered; load {load:.0}/s)",
            side.name, found[0], found[1], idle.0, idle.1, busy.0, busy.1, idle.2, busy.2
        );
    }
    match found.as_slice() {
        [ours, theirs] => println!(
            "ratios rackd / scsynth: messages {:.2}, bundled {:.2}, p99 idle {:.3}, p99 under load {:.3}",
            ours[0] / theirs[0],
            ours[1] / theirs[1],
            ours[2] / theirs[2],
            ours[3] / theirs[3]
        ),
        _ => println!("scsynth or jackd not installed: no ratio"),
    }
}
