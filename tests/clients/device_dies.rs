//! The sound server dies under the daemon, which goes on and finds it again.

use std::net::UdpSocket;
use std::process::Command;

use super::daemon::{Daemon, TONE};
use super::ear::{cents, onset, partial};
use super::jack::{Jack, program};

fn a4(daemon: &Daemon) {
    let sent =
        program("oscsend").args(["127.0.0.1", &daemon.osc.port().to_string(), "/tone/note", "iff", "69", "1", "1"]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn sound_comes_back_by_itself_when_jackd_was_killed() {
    let mut jack = Jack::start();
    let mut daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
    daemon.wait_for("playing");

    jack.kill();
    daemon.wait_for("device-lost");
    // It still answers: time goes on on the silent clock.
    let asked = Command::new(env!("CARGO_BIN_EXE_rackd"))
        .args(["send", "--to", &daemon.osc.to_string(), "--wait", "5s", "/tone/loud"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&asked.stdout).starts_with("/tone/loud"), "{asked:?}");
    assert!(daemon.lives());

    jack.serve();
    daemon.wait_for("device-back");
    let recording = jack.record(2.5);
    a4(&daemon);
    let samples = recording.samples();
    let from = onset(&samples, 0.001) + 4_800;
    let (amplitude, frequency) = partial(&samples[from..from + 24_000], 440.0);
    assert!(amplitude > 0.01 && cents(440.0, frequency).abs() < 1.0, "{amplitude} at {frequency} Hz");

    daemon.signal("TERM");
    assert_eq!(daemon.exit_code(), Some(0));
    let port = UdpSocket::bind(daemon.osc);
    assert!(port.is_ok(), "the port is free again");
}
