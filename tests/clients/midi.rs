//! A note from a real JACK MIDI port.

use std::process::Stdio;
use std::time::Duration;

use super::daemon::{Daemon, TONE};
use super::ear::{RATE, cents, onset, partial};
use super::jack::{Jack, until};

#[test]
fn a_sequencer_on_jack_plays_the_daemon() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, TONE, &[]);
    daemon.wait_for("playing");
    let mut input = None;
    until("the daemon has a MIDI port at the server", Duration::from_secs(20), || {
        input = jack.ports("rackd").into_iter().find(|port| port.contains("midi") || port.ends_with(":in"));
        input.is_some()
    });

    // E4 for 30,000 frames out of every 96,000, over and over.
    let recording = jack.record(5.0);
    let mut sequencer =
        jack.tool("jack_midiseq").args(["seq", "96000", "0", "64", "30000"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the sequencer has a port", Duration::from_secs(20), || !jack.ports("seq:out").is_empty());
    let connected = jack.tool("jack_connect").args(["seq:out", &input.unwrap()]).status().unwrap();
    assert!(connected.success());
    let samples = recording.samples();
    sequencer.kill().unwrap();
    sequencer.wait().unwrap();

    let e4 = 440.0 * 2f64.powf(-5.0 / 12.0);
    let from = onset(&samples, 0.001) + 2_000;
    let (amplitude, frequency) = partial(&samples[from..from + 24_000], e4);
    assert!(amplitude > 0.01, "{amplitude}");
    assert!(cents(e4, frequency).abs() < 1.0, "E4 sounds at {frequency} Hz");
    // It is let go as the sequencer says: 30,000 frames and the release.
    let end = samples[from..].windows(480).position(|window| window.iter().all(|x| x.abs() < 1e-6)).expect("the note ends");
    assert!((from + end) as f64 - (from as f64 - 2_000.0) < 30_000.0 + 0.05 * RATE, "let go after {end} frames");
}
