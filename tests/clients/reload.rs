//! A patch file is saved while sixteen voices sound.

use std::f64::consts::TAU;
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::Duration;

use rackd::wire::encode::encode_message;
use rackd::wire::{Arg, Message};

use super::daemon::{Daemon, TONE};
use super::ear::{RATE, largest_step, longest_gap, onset, rms};
use super::jack::Jack;

/// The notes held, all different.
fn keys() -> impl Iterator<Item = i32> {
    (0..16).map(|n| 48 + n * 2)
}

/// The largest step that sixteen sines of this amplitude can make from one sample to the next.
fn own_step(amplitude: f64) -> f64 {
    keys().map(|key| amplitude * TAU * 440.0 * 2f64.powf(f64::from(key - 69) / 12.0) / RATE).sum()
}

#[test]
fn voices_go_on_without_a_click_and_a_broken_version_is_refused_with_its_place() {
    let jack = Jack::start();
    let patch = TONE.replace("loud = 0.1", "loud = 0.02");
    let daemon = Daemon::on(&jack, &patch, &["--midi", "none"]);
    daemon.wait_for("playing");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();

    let recording = jack.record(4.5);
    for key in keys() {
        let on = Message::new("/tone/note/on", vec![Arg::Int(key), Arg::Int(key), Arg::Float(1.0)]);
        socket.send_to(&encode_message(&on), daemon.osc).unwrap();
    }
    sleep(Duration::from_millis(700));
    // A change that is not heard: the release is longer, and a module stands there that nobody listens to.
    let other = patch.replace("\"20 ms\"", "\"30 ms\"").replace("[out]", "[global.idle]\ntype = \"lfo\"\n\n[out]");
    daemon.save(&other);
    daemon.wait_for("reloaded");
    sleep(Duration::from_millis(500));
    // One that is heard: everything at half its level.
    daemon.save(&other.replace("osc.sine * env", "osc.sine * 0.5 * env"));
    daemon.wait_for("reloaded");
    sleep(Duration::from_millis(500));
    // A broken one.
    daemon.save(&other.replace("osc.sine * env", "osc.sign * env"));
    let refused = daemon.wait_for("refused");
    let text = refused["text"].as_str().unwrap();
    let line = 1 + other.lines().position(|line| line.starts_with("in = ")).unwrap();
    assert!(text.contains(&format!("tone.toml:{line}:")) && text.contains("osc.sine"), "{text}");

    let samples = recording.samples();
    let sound = &samples[onset(&samples, 1e-4)..];
    // It sounds to the end: no voice was lost, nor was there a hole.
    let tenth = (RATE / 10.0) as usize;
    let whole = rms(&sound[3 * tenth..4 * tenth]);
    let half = rms(&sound[sound.len() - tenth..]);
    assert!((half / whole - 0.5).abs() < 0.15, "{whole} became {half}");
    assert!(longest_gap(sound) < 8, "a gap of {} samples", longest_gap(sound));
    let (step, own) = (f64::from(largest_step(sound)), own_step(0.02));
    assert!(step <= own * 1.02, "a step of {step}, where the voices themselves make {own} at most");
}
