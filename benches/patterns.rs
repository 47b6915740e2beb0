//! What an address pattern costs over 2,000 addresses, beside one plain value: `cargo bench --bench patterns`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Instant;

use rackd::control::counts::Transport;
use rackd::control::peers::Peer;
use rackd::control::{Client, Control, Options, Origin};
use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::osc::intake::{Way, take};
use rackd::plan;
use rackd::wire::{Arg, Limits, Message, Packet, encode};

const WAY: Way = Way { by: Transport::Udp, limits: Limits::DATAGRAM };

/// A Control with 2,000 addresses and its engine, both driven by hand.
struct Large {
    control: Mutex<Control>,
    engine: Engine,
}

impl Large {
    fn new() -> Self {
        let mut text = "format = 1\n".to_owned();
        for at in 0..500 {
            let name = ["m", "m", "m", "a", "b"][at % 5];
            let _ = write!(text, "[global.{name}{}]\ntype = \"onepole\"\nin = \"m100.low * 0.1 + m101.low * 0.1\"\n", 100 + at);
        }
        let (engine, doors, door) = Engine::new(48_000.0);
        let plan = plan::Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
        let mut control = Control::new(CATALOGUE, doors, door, Options { plan, folders: Vec::new(), running: true, peer: Peer::default() });
        assert!(control.load("t", &(text + "[out]\nin = \"m100.low\"\n"), None).is_ok());
        let mut large = Self { control: Mutex::new(control), engine };
        (0..20).for_each(|_| large.play());
        large
    }

    fn play(&mut self) {
        self.engine.run(&[], 0, &mut [0.0; 128], 2);
        self.control.lock().unwrap().tick();
    }

    /// What each of some packets takes [us]: the median.
    fn each(&mut self, packets: &[Vec<u8>], count: usize) -> f64 {
        let mut took = Vec::with_capacity(count);
        for sent in 0..count {
            let start = Instant::now();
            let answers = take(&self.control, &WAY, Client::of(Origin::Osc), &packets[sent % packets.len()]);
            took.push(start.elapsed().as_secs_f64() * 1e6);
            assert!(answers.is_empty(), "{answers:?}");
            if sent % 8 == 7 {
                self.play();
            }
        }
        took.sort_by(f64::total_cmp);
        took[count / 2]
    }
}

fn main() {
    let mut large = Large::new();
    let addresses = large.control.lock().unwrap().slots()[0].addresses.iter().count();
    let message = |address: &str| encode(&Packet::Message(Message::new(address, vec![Arg::Float(0.5)])));
    println!("{addresses} addresses; a pattern that was met before, one that was not, one plain value [us]; patterns/s (goal 10000)");
    // Of each, the same in other words: `#` is a number that no name has.
    for (pattern, others) in [
        ("/n/t/m1??/cutoff", "/n/t/{m1,z#}??/cutoff"),
        ("/n//cutoff", "/n//{z#,cutoff}"),
        ("/t/{a,b}*/in", "/t/{z#,a,b}*/in"),
        ("/n/t/m10[01]/cutoff", "/n/t/{m10,z#}[01]/cutoff"),
    ] {
        let plain = large.each(&[message("/n/t/m100/cutoff")], 2000);
        let met = large.each(&[message(pattern)], 2000);
        let new: Vec<_> = (0..300).map(|number| message(&others.replace('#', &number.to_string()))).collect();
        let new = large.each(&new, 300);
        println!(
            "{pattern:22} {met:8.1} {new:8.1} {plain:8.2}   {:8.0}/s {:8.0}/s   {:.0} times a plain value",
            1e6 / met,
            1e6 / new,
            met / plain
        );
    }
}
