//! A running daemon, played by the languages that musicians write in: sclang, Pd, Csound, ChucK, Node.
//!
//! `make test-clients` installs what this needs. A language that is missing makes its test fail; none is skipped.
#![cfg(all(target_os = "linux", feature = "jack"))]
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../clients/daemon.rs"]
mod daemon;
#[allow(dead_code)]
#[path = "../clients/ear.rs"]
mod ear;
#[allow(dead_code)]
#[path = "../clients/jack.rs"]
mod jack;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use daemon::{Daemon, TONE};
use ear::{RATE, cents, onset, partial};
use jack::{Jack, program};

/// A4 and where its sound must lie.
const A4: f64 = 440.0;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/languages").join(name)
}

/// What was heard and what the language said.
struct Played {
    samples: Vec<f32>,
    said: String,
}

/// Lets a language play the daemon: what it must do is two notes with a knob turned from 0.1 to 0.4 between them.
fn play(language: impl FnOnce(u16) -> Command) -> Played {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
    daemon.wait_for("playing");
    // sclang alone takes seconds before it reads its script.
    let recording = jack.record(12.0);
    // `timeout`: a language that waits for ever fails the test instead of holding it.
    let wanted = language(daemon.osc.port());
    let mut command = Command::new("timeout");
    command.arg("60").arg(wanted.get_program()).args(wanted.get_args());
    for (name, value) in wanted.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{:?}: {said}", output.status);
    Played { samples: recording.samples(), said }
}

impl Played {
    /// Where the two notes begin [frames].
    fn onsets(&self) -> (usize, usize) {
        let first = onset(&self.samples, 0.001);
        let silence = first + (0.7 * RATE) as usize;
        (first, silence + onset(&self.samples[silence..], 0.001))
    }

    /// Both notes are A4 and the second is four times as loud as the first.
    fn two_notes_and_a_knob(&self) {
        let (first, second) = self.onsets();
        let heard = [first, second].map(|from| partial(&self.samples[from + 4_800..from + 21_600], A4));
        for (_, frequency) in heard {
            assert!(cents(A4, frequency).abs() < 1.0, "A4 sounds at {frequency} Hz");
        }
        let ratio = heard[1].0 / heard[0].0;
        assert!((ratio - 4.0).abs() < 0.02, "0.1 → 0.4 made it {ratio} times as loud");
    }

    /// The second note begins on the sample that its time tag says.
    fn on_the_sample(&self) {
        let (first, second) = self.onsets();
        // Two envelopes that rise four times apart cross the level up to some samples apart; at a level in proportion they do not.
        let from = second - 4_800;
        let at = from + onset(&self.samples[from..], 0.004);
        assert_eq!(at - first, 48_000, "from tag to tag");
    }

    /// Both questions were answered, and the language understood the answers.
    fn was_answered(&self, pong: &str, loud: &str) {
        for wanted in [pong, loud] {
            assert!(self.said.lines().any(|line| line.starts_with(wanted)), "no `{wanted}` in: {}", self.said);
        }
    }
}

#[test]
fn sclang_plays_on_its_time_tags_and_is_answered() {
    let played = play(|port| {
        let mut sclang = program("sclang");
        sclang.arg("-D").arg(script("play.scd")).env("RACKD_PORT", port.to_string());
        // Without a screen, and as root too.
        sclang.env("QT_QPA_PLATFORM", "offscreen").env("QTWEBENGINE_DISABLE_SANDBOX", "1");
        sclang
    });
    played.two_notes_and_a_knob();
    played.on_the_sample();
    played.was_answered("heard /pong 7 x", "heard /tone/loud 0.4");
}

#[test]
fn node_plays_on_its_time_tags_and_is_answered() {
    let played = play(|port| {
        let modules = Path::new(env!("CARGO_BIN_EXE_rackd")).ancestors().nth(2).unwrap().join("node/node_modules");
        assert!(modules.join("osc").is_dir(), "osc is not installed in {}: run `make test-clients`", modules.display());
        let mut node = program("node");
        node.arg(script("play.js")).arg(port.to_string()).env("NODE_PATH", modules);
        node
    });
    played.two_notes_and_a_knob();
    played.on_the_sample();
    played.was_answered("heard /pong 7 x", "heard /tone/loud 0.4");
}

#[test]
fn pd_plays_and_is_answered() {
    let played = play(|port| {
        let mut pd = program("puredata");
        pd.args(["-nogui", "-noaudio", "-nomidi", "-stderr", "-send", &format!("port {port}")]).arg(script("play.pd"));
        pd
    });
    played.two_notes_and_a_knob();
    played.was_answered("heard: list pong 7 x", "heard: list tone loud 0.4");
}

#[test]
fn csound_plays() {
    let played = play(|port| {
        let mut csound = program("csound");
        csound.arg(format!("--omacro:PORT={port}")).arg(script("play.csd"));
        csound
    });
    played.two_notes_and_a_knob();
}

#[test]
fn chuck_plays() {
    let played = play(|port| {
        program("chuck");
        let run = format!("chuck --silent {}:{port}", script("play.ck").display());
        let mut shell = Command::new("sh");
        shell.args(["-ec", &format!("{run}:note; sleep 0.7; {run}:knob; sleep 0.3; {run}:note")]);
        shell
    });
    played.two_notes_and_a_knob();
}
