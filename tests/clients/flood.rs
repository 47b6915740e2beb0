//! Datagrams of nonsense, six kinds of them, while a tone sounds. `RACKD_FLOOD=1000000` sends as many of each kind.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rackd::wire::encode::encode_message;
use rackd::wire::{Arg, Message};

use super::daemon::{Daemon, TONE};
use super::ear::{RATE, largest_step, onset, rms};
use super::hostile::{Chance, KINDS, captures, packet};
use super::jack::Jack;

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
    let each: usize = std::env::var("RACKD_FLOOD").map_or(4_000, |each| each.parse().unwrap());
    let all = each * KINDS.len();
    let recording = jack.record(60.0 + all as f64 / 4_000.0);
    let on = Message::new("/tone/note/on", vec![Arg::Text("held".into()), Arg::Int(69), Arg::Float(1.0)]);
    socket.send_to(&encode_message(&on), daemon.osc).unwrap();
    sleep(Duration::from_millis(300));

    let before = status(&daemon);
    let (memory, idle) = (daemon.memory(), daemon.busy());
    let (mut chance, captures) = (Chance(7), captures());
    for number in 0..all {
        let bytes = packet(number % KINDS.len(), &mut chance, &captures);
        socket.send_to(&bytes, daemon.osc).unwrap();
        if number % 60 == 59 {
            // So that the system's own buffer hardly ever overflows.
            sleep(Duration::from_millis(1));
        }
    }
    let after = status(&daemon);
    assert!(daemon.lives());
    let (grown, busy) = (daemon.memory().saturating_sub(memory), daemon.busy());
    assert!(grown <= 4 << 20, "{grown} bytes more");
    assert!(busy <= idle + 0.1, "busy {busy} of the time, {idle} before");

    // The question before left its `/sync`, the one after is itself a packet.
    let lost = after["lost"] - before["lost"];
    assert_eq!(after["packets"] - before["packets"] + lost, all as f64 + 2.0, "{lost} found no room in the system's buffer");
    let refused_by_cause: f64 = after.iter().filter(|(name, _)| name.starts_with("malformed/")).map(|(_, count)| count).sum();
    assert_eq!(refused_by_cause, after["malformed"]);
    assert!(after["malformed"] > (all as f64 - lost) * 0.6, "{after:?}");
    // The question itself is a message that is not done yet when it is answered.
    assert!((after["messages"] - after["accepted"] - after["refused"] - 1.0).abs() <= 1.0, "{after:?}");
    assert_eq!(after["events"], after["fed"] + after["merged"] + after["dropped"] + after["waiting"], "{after:?}");

    let samples = recording.end();
    let sound = &samples[onset(&samples, 0.001) + 4_800..];
    assert!(sound.len() as f64 > 3.0 * RATE);
    let level = rms(&sound[..4_800]);
    for (tenth, piece) in sound.chunks_exact(4_800).enumerate() {
        assert!((rms(piece) / level - 1.0).abs() < 0.01, "tenth {tenth} of a second: {} instead of {level}", rms(piece));
    }
    let own = 0.1 * std::f64::consts::TAU * 440.0 / RATE;
    assert!(f64::from(largest_step(sound)) < own * 1.02, "a step of {}, its own are {own}", largest_step(sound));
}
