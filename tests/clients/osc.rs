//! OSC clients that others wrote: liblo's oscsend and python-osc.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use super::daemon::{Daemon, TONE};
use super::ear::{RATE, cents, onset, partial};
use super::jack::{Jack, program};

/// A4 and where its sound must lie.
const A4: f64 = 440.0;

fn oscsend(daemon: &Daemon, arguments: &[&str]) {
    let sent = program("oscsend").arg(daemon.osc.ip().to_string()).arg(daemon.osc.port().to_string()).args(arguments).status().unwrap();
    assert!(sent.success(), "oscsend {arguments:?}");
}

/// A script of this repository, in the environment that `make test` makes.
pub fn script(path: &str) -> Command {
    let target = PathBuf::from(env!("CARGO_BIN_EXE_rackd"));
    let python = target.ancestors().nth(2).unwrap().join("python/bin/python3");
    assert!(python.exists(), "there is no {}: run `make test`, which makes it", python.display());
    let mut command = Command::new(python);
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path));
    command
}

/// One that belongs to these tests.
pub fn interpreter(name: &str) -> Command {
    script(&format!("tests/clients/{name}"))
}

/// python-osc.
fn python(daemon: &Daemon, arguments: &[&str]) -> Output {
    interpreter("client.py").arg(daemon.osc.port().to_string()).args(arguments).output().unwrap()
}

/// The note in a recording: its sound from 0.1 s after it began, half a second of it.
fn note(samples: &[f32]) -> &[f32] {
    let from = onset(samples, 0.001) + (0.1 * RATE) as usize;
    &samples[from..from + (0.5 * RATE) as usize]
}

#[test]
fn oscsend_plays_a_note_and_turns_a_knob() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
    daemon.wait_for("playing");

    let recording = jack.record(2.5);
    oscsend(&daemon, &["/tone/note", "iff", "69", "1.0", "1.0"]);
    let (soft, frequency) = partial(note(&recording.samples()), A4);
    assert!(cents(A4, frequency).abs() < 1.0, "A4 sounds at {frequency} Hz");

    let recording = jack.record(2.5);
    oscsend(&daemon, &["/tone/loud", "f", "0.4"]);
    sleep(Duration::from_millis(100));
    oscsend(&daemon, &["/tone/note", "sff", "A4", "1.0", "1.0"]);
    let (loud, frequency) = partial(note(&recording.samples()), A4);
    assert!(cents(A4, frequency).abs() < 1.0, "A4 by its name sounds at {frequency} Hz");
    assert!((loud / soft - 4.0).abs() < 0.02, "0.1 → 0.4 made {soft} into {loud}");
}

#[test]
fn python_osc_plays_a_note_turns_a_knob_and_is_answered() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
    daemon.wait_for("playing");

    let recording = jack.record(3.0);
    let output = python(&daemon, &["note", "69"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (soft, frequency) = partial(note(&recording.samples()), A4);
    assert!(cents(A4, frequency).abs() < 1.0, "A4 sounds at {frequency} Hz");

    let recording = jack.record(3.0);
    let output = python(&daemon, &["knob", "/tone/loud", "0.4"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("/tone/loud") && said.contains("0.4"), "asked where the knob stands, it said: {said}");
    let output = python(&daemon, &["note", "69"]);
    assert!(output.status.success());
    let (loud, _) = partial(note(&recording.samples()), A4);
    assert!((loud / soft - 4.0).abs() < 0.02, "0.1 → 0.4 made {soft} into {loud}");
}

#[test]
fn a_mistake_is_answered_with_the_nearest_address() {
    let jack = Jack::start();
    let daemon = Daemon::silent(jack.folder(), TONE, &[]);
    let output = python(&daemon, &["knob", "/tone/laud", "0.4"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("/fail") && said.contains("/tone/loud"), "{said}");
}
