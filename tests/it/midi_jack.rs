//! MIDI through a real JACK server, sent by a third party.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::jackd::{Jackd, in_its_own_process, ports, wait_port};
use rackd::midi::{At, MidiMessage, PortEvent, PortId, Ports, Sends, Setup, Wanted};
use rackd::rt::clock::WallClock;

const PATIENCE: Duration = Duration::from_secs(30);

/// A sequencer that plays key 60 and then key 64, round and round, each for 6 000 of 24 000 frames.
struct Sequencer(Child);

impl Sequencer {
    fn start() -> Self {
        let child = Command::new("jack_midiseq")
            .args(["seq", "24000", "0", "60", "6000", "12000", "64", "6000"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sequencer = Self(child);
        wait_port("seq:out");
        sequencer
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connect(from: &str, to: &str) {
    let until = Instant::now() + PATIENCE;
    while !Command::new("jack_connect").args([from, to]).stderr(Stdio::null()).status().unwrap().success() {
        assert!(Instant::now() < until, "{from} cannot be connected to {to}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn next(events: &Receiver<PortEvent>, mut is: impl FnMut(&PortEvent) -> bool) -> PortEvent {
    let until = Instant::now() + PATIENCE;
    loop {
        let event = events.recv_timeout(until.saturating_duration_since(Instant::now())).expect("it comes");
        if is(&event) {
            return event;
        }
    }
}

/// Ports under our name, for an engine that is not driven by the server.
fn open(inputs: Wanted) -> (Ports, Receiver<PortEvent>) {
    let (to, events) = channel();
    let setup = Setup {
        client: "rackd".into(),
        inputs,
        outputs: Wanted::Own,
        sends: Arc::new(Sends::default()),
        clock: WallClock::new(48_000),
        beat: Arc::default(),
    };
    (Ports::open(setup, Box::new(move |event| drop(to.send(event)))).unwrap(), events)
}

fn is_jack(event: &PortEvent) -> bool {
    matches!(event, PortEvent::Came { name, .. } if name == "jack:rackd:in")
}

/// The next notes that come from a port, with their times.
fn notes(events: &Receiver<PortEvent>, from: PortId, count: usize) -> Vec<(MidiMessage, u64)> {
    (0..count)
        .map(|_| match next(events, |event| matches!(event, PortEvent::Message { .. })) {
            PortEvent::Message { port, message, at: At::Wall(at) } => {
                assert_eq!(port, from);
                (message, at)
            }
            _ => unreachable!(),
        })
        .collect()
}

#[test]
fn a_sequencer_plays_and_the_server_may_die_and_come_back() {
    in_its_own_process("midi_jack::a_sequencer_plays_and_the_server_may_die_and_come_back", |name| {
        // No server yet: quiet, and found when it comes.
        let (_ports, events) = open(Wanted::Own);
        let server = Jackd::start(name, 48_000, 256);
        let PortEvent::Came { port, .. } = next(&events, is_jack) else { unreachable!() };

        let sequencer = Sequencer::start();
        connect("seq:out", "rackd:in");
        let heard = notes(&events, port, 12);
        // Every step of the sequencer is 6 000 frames: 125 ms by the stamps, though they came in periods of 256 frames.
        let steps: Vec<f64> = heard.windows(2).map(|pair| (pair[1].1 as f64 - pair[0].1 as f64) / 1e6).collect();
        println!("steps between notes [ms]: {steps:.3?}");
        let mut sorted = steps.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted[sorted.len() / 2];
        assert!((middle - 125.0).abs() < 2.0, "a step lasts {middle} ms");
        let keys: Vec<u8> = heard
            .iter()
            .filter_map(|(message, _)| match message {
                MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => Some(*key),
                _ => None,
            })
            .collect();
        assert!(keys.iter().all(|key| [60, 64].contains(key)) && keys.contains(&60) && keys.contains(&64), "{heard:?}");

        drop(sequencer);
        server.crash();
        assert_eq!(next(&events, |event| matches!(event, PortEvent::Gone { .. })), PortEvent::Gone { port });
        let _server = Jackd::start(name, 48_000, 128);
        assert_eq!(next(&events, is_jack), PortEvent::Came { port, name: "jack:rackd:in".into() });
        let _sequencer = Sequencer::start();
        connect("seq:out", "rackd:in");
        assert_eq!(notes(&events, port, 2).len(), 2);
    });
}

#[test]
fn a_port_that_is_named_is_connected_by_itself() {
    in_its_own_process("midi_jack::a_port_that_is_named_is_connected_by_itself", |name| {
        let _server = Jackd::start(name, 48_000, 256);
        let (_ports, events) = open(Wanted::from_names(&["SEQ:".into()]));
        next(&events, is_jack);
        let sequencer = Sequencer::start();
        let came = next(&events, |event| matches!(event, PortEvent::Came { .. }));
        let PortEvent::Came { port, name } = came else { unreachable!() };
        assert_eq!(name, "jack:seq:out", "a port of its own");
        assert_eq!(notes(&events, port, 2).len(), 2);
        let listed = ports();
        assert!(["rackd:in", "rackd:in_1", "rackd:out"].iter().all(|port| listed.contains(&(*port).to_owned())), "{listed:?}");
        drop(sequencer);
        let killed = Instant::now();
        next(&events, |event| *event == PortEvent::Gone { port });
        println!("gone {:?} after it was killed", killed.elapsed());
    });
}
