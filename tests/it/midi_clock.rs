//! A MIDI clock leads the beat clock: what is heard of it.

use rackd::base::midi::MidiMessage;
use rackd::control::peers::Peer;
use rackd::control::{Client, Control, Options, When};
use rackd::engine::Engine;
use rackd::midi::Parser;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan;

use super::desk::Desk;

const RATE: f64 = 48_000.0;

/// One frame of sound for every quarter.
const QUARTERS: &str = r#"
format = 1
[global.click]
type = "adsr"
gate = "1/4"
attack = 0
sustain = 1
release = 0
[out]
in = "click * 0.5"
"#;

/// A sender with a tempo and a jitter, and what has been heard.
struct Sender {
    desk: Desk,
    chance: u64,
    /// Frames so far, and the frames in which a quarter was heard.
    now: u64,
    clicks: Vec<u64>,
    /// Ideal time of the next clock.
    next: f64,
    tempo: f64,
    /// Milliseconds to either side.
    jitter: f64,
    ticks: u64,
}

fn port() -> Client {
    Client::port(3)
}

impl Sender {
    fn new(tempo: f64, jitter: f64, seed: u64) -> Self {
        let mut desk = Desk::new(QUARTERS);
        desk.control.port_came(port(), "Drum machine");
        desk.quietly("/clock/source midi drum");
        desk.quietly("/transport/stop");
        desk.run(480);
        let now = desk.control.shown().now();
        Self { desk, chance: seed, now, clicks: Vec::new(), next: now as f64 + 4800.0, tempo, jitter, ticks: 0 }
    }

    /// Bytes through the parser; the port says when they act, 10 ms from now.
    fn bytes(&mut self, bytes: &[u8], at: f64) {
        let desk = &mut self.desk;
        Parser::new().feed(bytes, |message: MidiMessage| desk.control.midi_message(port(), message, When::At(at as u64)));
    }

    fn run(&mut self, to: f64) {
        while (self.now as f64) < to {
            let heard = self.desk.run(64);
            let clicks = heard.iter().enumerate().filter(|(_, x)| **x > 0.1).map(|(at, _)| self.now + at as u64);
            self.clicks.extend(clicks);
            self.now += 64;
        }
    }

    /// So many clocks, after those bytes, which come just before the first.
    fn clocks(&mut self, count: u64, before: &[u8]) {
        for n in 0..count {
            self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let by = (self.chance >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
            let at = self.next + by * self.jitter * RATE / 1000.0;
            self.run(at - 480.0);
            if n == 0 {
                self.bytes(before, at);
            }
            self.bytes(&[0xf8], at);
            self.next += 60.0 * RATE / (24.0 * self.tempo);
            self.ticks += 1;
        }
    }

    fn status(&self, name: &str) -> f64 {
        self.desk.control.status().iter().find(|(of, _)| of == name).and_then(|(_, value)| value.number()).unwrap()
    }
}

#[test]
fn two_milliseconds_of_jitter_in_are_a_fifth_of_one_out_and_no_quarter_is_lost() {
    for (seed, tempo) in [(1, 120.0), (7, 97.3), (23, 160.0)] {
        let mut sender = Sender::new(tempo, 2.0, seed);
        // Clocks run before the start, as most senders do.
        sender.clocks(96, &[]);
        let start = sender.next;
        sender.clocks(24 * 200, &[0xfa]);
        sender.run(sender.next - 2000.0);
        let quarter = 60.0 * RATE / tempo;
        let off: Vec<f64> =
            sender.clicks.iter().enumerate().map(|(n, at)| (*at as f64 - start - n as f64 * quarter) / RATE * 1000.0).collect();
        assert_eq!(off.len(), 200, "none is lost and none comes twice");
        let worst = |of: &[f64]| of.iter().fold(0.0f64, |worst, off| worst.max(off.abs()));
        println!("{tempo} bpm: worst {:.3} ms, after 60 quarters {:.3} ms", worst(&off), worst(&off[60..]));
        assert!(worst(&off) < 2.0, "{off:?}");
        assert!(worst(&off[60..]) < 0.2, "after settling: {:?}", &off[60..]);
        // A quarter lasts as long as the one before but for as much.
        let steps = off.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
        assert!(worst(&steps[60..]) < 0.1, "{}", worst(&steps[60..]));
        assert!((sender.desk.ask("/clock/tempo") - tempo).abs() < 0.05);
        assert_eq!(sender.status("clock-locked"), 1.0);
        assert!((sender.status("clock-jitter") - 2.0 / 3f64.sqrt()).abs() < 0.2);
    }
}

#[test]
fn start_is_beat_0_on_the_next_clock_and_stop_continue_and_places_are_kept() {
    let mut sender = Sender::new(120.0, 0.0, 1);
    sender.clocks(48, &[]);
    assert!(sender.clicks.is_empty(), "clocks alone start nothing");
    assert!((sender.desk.ask("/clock/tempo") - 120.0).abs() < 0.05, "but the tempo is known");
    let start = sender.next as u64;
    sender.clocks(60, &[0xfa]);
    assert_eq!(sender.clicks, [start, start + 24_000, start + 48_000]);
    // Halted after 60 clocks, 2.5 quarters; the next clock after continue is the 61st.
    let halt = sender.next;
    sender.bytes(&[0xfc], halt);
    sender.clocks(30, &[]);
    sender.clicks.clear();
    let goes_on = sender.next as u64;
    sender.clocks(24, &[0xfb]);
    assert_eq!(sender.clicks, [goes_on + 12_000], "quarter 3");
    // From sixteenth 18, a half after quarter 4.
    sender.bytes(&[0xfc], sender.next);
    sender.clocks(3, &[]);
    sender.clicks.clear();
    let from = sender.next as u64;
    sender.clocks(20, &[0xf2, 18, 0, 0xfb]);
    assert_eq!(sender.clicks, [from + 12_000]);
    let beat = sender.desk.control.shown().beat.read().unwrap();
    let now = sender.desk.control.shown().now();
    assert!((beat.beat(now) - (4.5 + (now - from) as f64 / 24_000.0)).abs() < 1e-3);
}

#[test]
fn a_change_of_tempo_is_followed_without_a_pulse_lost_or_doubled() {
    let mut sender = Sender::new(120.0, 1.0, 3);
    sender.clocks(48, &[]);
    sender.clocks(24 * 20, &[0xfa]);
    for tempo in [126.0, 90.0, 180.0] {
        sender.tempo = tempo;
        sender.clocks(24 * 40, &[]);
        let behind = sender.clicks.len() as i64 - (sender.ticks as i64 - 48) / 24;
        assert!((0..=1).contains(&behind), "at {tempo}: {} quarters of {} clocks", sender.clicks.len(), sender.ticks - 48);
        assert!((sender.desk.ask("/clock/tempo") - tempo).abs() < 0.3);
    }
    let shortest = sender.clicks.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    assert!(shortest > 12_000, "{shortest} frames between two quarters");
}

#[test]
fn a_clock_that_goes_leaves_its_tempo_and_is_told() {
    let mut sender = Sender::new(133.0, 0.5, 9);
    sender.clocks(24 * 8, &[0xfa]);
    assert_eq!(sender.desk.fails("/clock/tempo 90"), "not-allowed");
    sender.run(sender.next + 2.0 * RATE);
    let told = sender.desk.control.take_notices();
    assert!(told.iter().any(|line| line.contains("Drum machine is gone") && line.contains("133")), "{told:?}");
    assert_eq!(sender.status("clock-locked"), 0.0);
    sender.clicks.clear();
    sender.run(sender.next + 6.0 * RATE);
    let gaps: Vec<u64> = sender.clicks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() > 5 && gaps.iter().all(|gap| (*gap as f64 * 133.0 / 60.0 / RATE - 1.0).abs() < 0.002), "{gaps:?}");
    sender.desk.quietly("/clock/tempo 90");
    assert_eq!(sender.desk.ask("/clock/tempo"), 90.0);
}

#[test]
fn only_the_port_that_was_chosen_leads() {
    let mut sender = Sender::new(120.0, 0.0, 1);
    let other = Client::port(4);
    sender.desk.control.port_came(other, "Sequencer");
    for n in 0..100 {
        sender.desk.control.midi_message(other, MidiMessage::Clock, When::At(sender.now + n * 100));
    }
    sender.desk.control.midi_message(other, MidiMessage::Start, When::Now);
    sender.run(sender.now as f64 + 20_000.0);
    assert_eq!((sender.desk.ask("/clock/tempo"), sender.clicks.len()), (120.0, 0));
    assert_eq!(sender.desk.say("/clock/source"), ["/clock/source midi drum"]);
    sender.next = sender.now as f64 + 4800.0;
    sender.tempo = 150.0;
    sender.clocks(48, &[]);
    assert_eq!(sender.desk.say("/clock/source"), ["/clock/source midi \"Drum machine\""]);
    assert!((sender.desk.ask("/clock/tempo") - 150.0).abs() < 0.1);
    sender.desk.quietly("/clock/source internal");
    assert_eq!(sender.desk.say("/clock/source"), ["/clock/source internal"]);
    assert_eq!(sender.desk.fails("/clock/source 5"), "wrong-arguments");
    sender.desk.quietly("/clock/tempo 100");
    sender.clocks(24, &[]);
    assert_eq!(sender.desk.ask("/clock/tempo"), 100.0);
}

#[test]
fn a_beat_clock_that_begins_paused_stands_at_beat_0() {
    let (engine, doors, door) = Engine::new(RATE as f32);
    let plan = plan::Options { rate: RATE as f32, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let options = Options { plan, folders: Vec::new(), running: false, peer: Peer::default() };
    let mut desk = Desk { control: Control::new(CATALOGUE, doors, door, options), engine, later: Vec::new() };
    desk.load(QUARTERS);
    assert!(desk.run(48_000).iter().all(|x| *x == 0.0));
    desk.quietly("/transport/play");
    let heard = desk.run(48_000);
    let clicks: Vec<usize> = heard.iter().enumerate().filter(|(_, x)| **x > 0.1).map(|(at, _)| at).collect();
    assert_eq!(clicks, [0, 24_000], "beat 0 is the first");
    assert_eq!(desk.status("events"), desk.status("fed") + desk.status("merged") + desk.status("dropped") + desk.status("waiting"));
}
