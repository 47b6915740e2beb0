//! What a MIDI controller costs with one map, and with thousands in 16 slots: `cargo bench --bench maps`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write;
use std::time::Instant;

use rackd::base::midi::MidiMessage;
use rackd::control::peers::Peer;
use rackd::control::{Client, Control, Options, When};
use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan;

/// Messages that are timed.
const COUNT: usize = 20_000;

/// So many slots with so many maps each, of which one of the first slot listens to CC 20.
fn rack(slots: usize, maps: usize) -> (Control, Engine) {
    let (mut engine, doors, door) = Engine::new(48_000.0);
    let plan = plan::Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let mut control = Control::new(CATALOGUE, doors, door, Options { plan, folders: Vec::new(), running: true, peer: Peer::default() });
    for slot in 0..slots {
        let mut text = "format = 1\n[controls]\na = 0.5\nb = 0.5\n[out]\nin = \"a * b\"\n[map]\n".to_owned();
        if slot == 0 {
            text += "\"cc 20\" = \"a\"\n";
        }
        for at in 0..maps {
            let _ = writeln!(text, "\"nrpn {at}\" = \"b\"");
        }
        assert!(control.load(&format!("s{slot}"), &text, None).is_ok());
        for _ in 0..20 {
            engine.run(&[], 0, &mut [0.0; 128], 2);
            control.tick();
        }
    }
    (control, engine)
}

/// What each of some messages takes [us]: the median.
fn each((mut control, mut engine): (Control, Engine)) -> f64 {
    let mut took = Vec::with_capacity(COUNT);
    for sent in 0..COUNT {
        let message = MidiMessage::Cc { channel: 0, number: 20, value: (sent % 128) as u8 };
        let start = Instant::now();
        control.midi_message(Client::port(0), message, When::Now);
        took.push(start.elapsed().as_secs_f64() * 1e6);
        if sent % 8 == 7 {
            engine.run(&[], 0, &mut [0.0; 128], 2);
            control.tick();
        }
    }
    took.sort_by(f64::total_cmp);
    took[COUNT / 2]
}

fn main() {
    println!("slots, maps in each, one controller [us]");
    for (slots, maps) in [(1, 0), (16, 0), (1, 300), (16, 300)] {
        println!("{slots:>3} {maps:>5} {:>8.3}", each(rack(slots, maps)));
    }
}
