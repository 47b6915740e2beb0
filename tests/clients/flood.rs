//! Twenty thousand datagrams of nonsense while a tone sounds.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rackd::wire::encode::encode_message;
use rackd::wire::{Arg, Message};

use super::daemon::{Daemon, TONE};
use super::ear::{RATE, largest_step, onset, rms};
use super::jack::Jack;

/// Chance that is the same in every run (SplitMix64, Steele and others 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Packets of real clients.
fn captures() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut packets = Vec::new();
    for client in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            packets.push((file.path(), std::fs::read(file.path()).unwrap()));
        }
    }
    packets.sort();
    assert!(packets.len() > 100);
    packets.into_iter().map(|(_, bytes)| bytes).collect()
}

fn random(chance: &mut Chance) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..chance.below(300)).map(|_| chance.next() as u8).collect();
    // Half of them look like something at first.
    match chance.below(4) {
        0 => bytes.splice(0..0, *b"/tone/").count(),
        1 => bytes.splice(0..0, *b"#bundle\0").count(),
        _ => 0,
    };
    bytes
}

fn mutated(chance: &mut Chance, captures: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = captures[chance.below(captures.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len().max(1));
        match chance.below(4) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[at] = chance.next() as u8,
            2 => bytes.truncate(at),
            _ => bytes.insert(at.min(bytes.len()), chance.next() as u8),
        }
    }
    bytes
}

/// What `/engine/status` says.
fn status(daemon: &Daemon) -> HashMap<String, f64> {
    let output = Command::new(env!("CARGO_BIN_EXE_rackd"))
        .args(["send", "--to", &daemon.osc.to_string(), "--wait", "10s", "/engine/status"])
        .output()
        .unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = line.trim().split(' ').skip(1).collect();
    words.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].parse().unwrap())).collect()
}

#[test]
fn nonsense_leaves_the_tone_alone_and_every_packet_is_counted() {
    let jack = Jack::start();
    let mut daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
    daemon.wait_for("playing");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let recording = jack.record(6.0);
    let on = Message::new("/tone/note/on", vec![Arg::Text("held".into()), Arg::Int(69), Arg::Float(1.0)]);
    socket.send_to(&encode_message(&on), daemon.osc).unwrap();
    sleep(Duration::from_millis(300));

    let before = status(&daemon);
    let (mut chance, captures) = (Chance(7), captures());
    for number in 0..20_000 {
        let bytes = if number % 2 == 0 { random(&mut chance) } else { mutated(&mut chance, &captures) };
        socket.send_to(&bytes, daemon.osc).unwrap();
        if number % 20 == 19 {
            // So that the system's own buffer never overflows: what it drops nobody can count.
            sleep(Duration::from_millis(1));
        }
    }
    let after = status(&daemon);
    assert!(daemon.lives());

    // The question before left its `/sync`, the one after is itself a packet.
    assert_eq!(after["packets"] - before["packets"], 20_002.0);
    let refused_by_cause: f64 = after.iter().filter(|(name, _)| name.starts_with("malformed/")).map(|(_, count)| count).sum();
    assert_eq!(refused_by_cause, after["malformed"]);
    assert!(after["malformed"] > 12_000.0, "{after:?}");
    // The question itself is a message that is not done yet when it is answered.
    assert!((after["messages"] - after["accepted"] - after["refused"] - 1.0).abs() <= 1.0, "{after:?}");
    assert_eq!(after["events"], after["fed"] + after["merged"] + after["dropped"] + after["waiting"], "{after:?}");

    let samples = recording.samples();
    let sound = &samples[onset(&samples, 0.001) + 4_800..];
    assert!(sound.len() as f64 > 3.0 * RATE);
    let level = rms(&sound[..4_800]);
    for (tenth, piece) in sound.chunks_exact(4_800).enumerate() {
        assert!((rms(piece) / level - 1.0).abs() < 0.01, "tenth {tenth} of a second: {} instead of {level}", rms(piece));
    }
    let own = 0.1 * std::f64::consts::TAU * 440.0 / RATE;
    assert!(f64::from(largest_step(sound)) < own * 1.02, "a step of {}, its own are {own}", largest_step(sound));
}
