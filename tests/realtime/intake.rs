//! What the short way of plain values takes: no memory, once it has met its addresses.

use std::fmt::Write;
use std::sync::Mutex;

use rackd::control::counts::Transport;
use rackd::control::peers::Peer;
use rackd::control::{Client, Control, Options, Origin, Value};
use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::osc::intake::{Way, take};
use rackd::plan;
use rackd::wire::{Arg, Bundle, Limits, Message, Packet, encode};

use super::calls;

/// Fifty places, and a control that is the only thing one more stands for.
fn patch() -> String {
    let mut text = "format = 1\n[controls]\namount = { default = 0.2, min = 0, max = 1 }\n".to_owned();
    for at in 0..25 {
        let _ = write!(text, "[global.m{at}]\ntype = \"svf\"\nin = \"m{}.low * 0.5\"\ncutoff = \"800 Hz\"\n", (at + 24) % 25);
    }
    text + "[out]\nin = \"m0.low * amount\"\n"
}

/// How the packets come.
const WAY: Way = Way { by: Transport::Udp, limits: Limits::DATAGRAM };

/// A Control whose engine is driven by hand.
struct Rig {
    control: Mutex<Control>,
    engine: Engine,
}

impl Rig {
    fn new() -> Self {
        let (engine, doors, door) = Engine::new(48_000.0);
        let plan = plan::Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
        let mut control = Control::new(CATALOGUE, doors, door, Options { plan, folders: Vec::new(), running: true, peer: Peer::default() });
        if let Err(diagnostics) = control.load("t", &patch(), None) {
            panic!("{diagnostics:?}");
        }
        let mut rig = Self { control: Mutex::new(control), engine };
        for _ in 0..20 {
            rig.play();
        }
        rig
    }

    fn play(&mut self) {
        let mut out = [0.0; 2 * 64];
        self.engine.run(&[], 0, &mut out, 2);
        self.control.lock().unwrap().tick();
    }

    fn status(&self, name: &str) -> f64 {
        let all = self.control.lock().unwrap().status();
        all.iter().find(|(of, _)| of == name).and_then(|(_, value)| value.number()).unwrap()
    }

    /// How often memory was asked for or given back while packets were taken, once they had been met; `plays` after each round.
    fn count(&mut self, packets: &[Vec<u8>], rounds: usize, plays: bool) -> usize {
        let mut counted = 0;
        for round in 0..2 * rounds {
            let mut answers = 0;
            let count = calls(|| {
                for packet in packets {
                    answers += take(&self.control, &WAY, Client::of(Origin::Osc), packet).len();
                }
            });
            assert_eq!(answers, 0);
            if round >= rounds {
                counted += count;
            }
            if plays {
                self.play();
            }
        }
        counted
    }
}

fn message(address: &str, x: f32) -> Packet {
    Packet::Message(Message { address: address.to_owned(), args: vec![Arg::Float(x)] })
}

/// Values one a packet, as bundles of fifty, and by patterns.
fn packets() -> [(&'static str, Vec<Vec<u8>>); 3] {
    let fifty = |x: f32| -> Vec<Packet> {
        let both = |at: usize| [message(&format!("/t/m{at}/resonance"), x), message(&format!("/n/t/m{at}/cutoff"), x)];
        (0..25).flat_map(both).collect()
    };
    let singles = [0.1, 0.7].into_iter().flat_map(fifty).chain([message("/t/amount", 0.5)]).map(|one| encode(&one)).collect();
    let bundles = [0.2, 0.3, 0.4].map(|x| encode(&Packet::Bundle(Bundle { time: 1, elements: fifty(x) }))).to_vec();
    let patterns = ["/t/m1?/resonance", "//resonance", "/n/t/{m2,m3}*/cutoff"].map(|address| encode(&message(address, 0.5))).to_vec();
    [("singles", singles), ("bundles", bundles), ("patterns", patterns)]
}

#[test]
fn plain_values_take_no_memory() {
    for (name, packets) in packets() {
        let mut rig = Rig::new();
        let before = rig.status("events");
        assert_eq!(rig.count(&packets, 30, true), 0, "{name}");
        assert!(rig.status("events") - before >= 60.0 * packets.len() as f64, "{name} do nothing");
        assert_eq!(rig.status("waiting"), 0.0);
    }
}

#[test]
fn nor_do_they_while_the_engine_stands_still() {
    for (name, packets) in packets() {
        let mut rig = Rig::new();
        assert_eq!(rig.count(&packets, 300, false), 0, "{name}");
        assert!(rig.status("merged") > 0.0 && rig.status("waiting") > 0.0, "{name} were not held up");
    }
}

#[test]
fn nor_while_somebody_is_told_of_them() {
    for (name, packets) in packets() {
        // While nothing plays, the queue must be full before it counts.
        for (plays, rounds) in [(true, 100), (false, 300)] {
            let mut rig = Rig::new();
            let done =
                rig.control.lock().unwrap().say(Client::of(Origin::Lines), "/sub", &[Value::Text("//".to_owned()), Value::Integer(200)]);
            assert_eq!(done[0].address, "/done", "{done:?}");
            assert_eq!(rig.count(&packets, rounds, plays), 0, "{name}");
        }
    }
}
