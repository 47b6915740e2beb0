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
#[path = "../clients/jack_store.rs"]
mod jack_store;

mod examples;

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rackd::wire::packet::Bundle;
use rackd::wire::time::from_unix_nanos;
use rackd::wire::{Arg, Message, Packet, encode};

use daemon::{Daemon, TONE};
use ear::{RATE, cents, largest_step, onset, partial};
use jack::{Jack, program, until};

/// A4 and where its sound must lie.
const A4: f64 = 440.0;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/languages").join(name)
}

/// What was heard and what the language said.
struct Played {
    samples: Vec<f32>,
    said: String,
    /// The time of a last note that the test itself has tagged, since 1970 [ms].
    reference: i64,
}

fn unix_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Lets a language play the daemon: what it must do is two notes with a knob turned from 0.1 to 0.4 between them.
fn play(language: impl FnOnce(u16) -> Command) -> Played {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
    daemon.wait_for("playing");
    // It ends with the language; some take seconds before they read their script.
    let recording = jack.record(60.0);
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
    // The last note sounds on; then comes one from here.
    sleep(Duration::from_millis(600));
    let reference = unix_millis() + 100;
    let note = Message::new("/tone/note", vec![Arg::Int(69), Arg::Float(1.0), Arg::Float(0.05)]);
    let bundle = Bundle { time: from_unix_nanos(reference * 1_000_000), elements: vec![Packet::Message(note)] };
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&encode(&Packet::Bundle(bundle)), daemon.osc).unwrap();
    sleep(Duration::from_millis(300));
    Played { samples: recording.end(), said, reference }
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

    /// The first note is as far from the test's own last one as their time tags say: the daemon follows the clock that both go by.
    /// Where the sound server loses time in between, as it may when a language starts, the two are apart by as much: 50 ms are
    /// allowed.
    fn at_its_time(&self) {
        let tag = self.said.lines().find_map(|line| line.strip_prefix("first ")).expect("it says when the first note is due");
        let frames = (self.reference - tag.trim().parse::<i64>().unwrap()) * 48;
        // At a level in proportion, as above.
        let (first, second) = self.onsets();
        let from = second + (0.7 * RATE) as usize;
        let reference = from + onset(&self.samples[from..], 0.004);
        let off = (reference - first) as i64 - frames;
        assert!(off.abs() <= 2_400, "{off} frames off");
    }

    /// Both questions were answered, and the language understood the answers.
    fn was_answered(&self, pong: &str, loud: &str) {
        for wanted in [pong, loud] {
            assert!(self.said.lines().any(|line| line.starts_with(wanted)), "no `{wanted}` in: {}", self.said);
        }
    }
}

fn sclang_plays(by: &str) {
    let played = play(|port| {
        let mut sclang = program("sclang");
        sclang.arg("-D").arg(script("play.scd")).env("RACKD_PORT", port.to_string()).env("RACKD_BY", by);
        // Without a screen, and as root too.
        sclang.env("QT_QPA_PLATFORM", "offscreen").env("QTWEBENGINE_DISABLE_SANDBOX", "1");
        sclang
    });
    played.two_notes_and_a_knob();
    played.on_the_sample();
    played.was_answered("heard /pong 7 x", "heard /tone/loud 0.4");
}

#[test]
fn sclang_plays_on_its_time_tags_and_is_answered() {
    sclang_plays("udp");
}

#[test]
fn sclang_plays_by_a_connection() {
    sclang_plays("tcp");
}

fn node(name: &str, port: u16, by: &str) -> Command {
    let modules = Path::new(env!("CARGO_BIN_EXE_rackd")).ancestors().nth(2).unwrap().join("node/node_modules");
    assert!(modules.join("osc").is_dir(), "osc is not installed in {}: run `make test-clients`", modules.display());
    let mut node = program("node");
    node.arg(script(name)).arg(port.to_string()).arg(by).env("NODE_PATH", modules);
    node
}

fn node_plays(by: &str) {
    let played = play(|port| node("play.js", port, by));
    played.two_notes_and_a_knob();
    played.on_the_sample();
    played.at_its_time();
    played.was_answered("heard /pong 7 x", "heard /tone/loud 0.4");
}

#[test]
fn node_plays_on_its_time_tags_and_is_answered() {
    node_plays("udp");
}

#[test]
fn node_plays_by_tcp_in_slip() {
    node_plays("tcp");
}

#[test]
fn node_plays_by_a_websocket() {
    node_plays("ws");
}

#[test]
fn node_plays_by_a_websocket_in_json() {
    node_plays("json");
}

/// A client that holds eight notes is killed: its connection ends, and so do they, as if the keys were let go.
fn let_go_where_killed(by: &str) {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
    daemon.wait_for("playing");
    let recording = jack.record(60.0);
    let mut holder = node("hold.js", daemon.osc.port(), by).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "holding\n");
    sleep(Duration::from_millis(500));
    holder.kill().unwrap();
    holder.wait().unwrap();
    sleep(Duration::from_millis(700));
    let samples = recording.end();
    let last = samples.iter().rposition(|x| *x != 0.0).expect("eight notes sound");
    let held = last - onset(&samples, 0.001);
    assert!(held > 19_200, "they are held: {held} frames");
    assert!(samples.len() - last > 9_600, "they still sound after their client was killed");
    // Eight sines of 0.1 below 340 Hz.
    assert!(largest_step(&samples) < 0.04, "they end by their release: {}", largest_step(&samples));
}

#[test]
fn notes_of_a_killed_tcp_client_are_let_go() {
    let_go_where_killed("tcp");
}

#[test]
fn notes_of_a_killed_websocket_are_let_go() {
    let_go_where_killed("ws");
}

#[test]
fn oscsend_plays_by_tcp() {
    let played = play(|port| {
        program("oscsend");
        let run = format!("oscsend osc.tcp://127.0.0.1:{port}");
        let note = format!("{run} /tone/note iff 69 1 0.5");
        let mut shell = Command::new("sh");
        shell.args(["-ec", &format!("{note}; sleep 0.8; {run} /tone/loud f 0.4; sleep 0.3; {note}")]);
        shell
    });
    played.two_notes_and_a_knob();
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

/// A patch of Pd is a source of sound like any other: by JACK, in a process of its own.
#[test]
fn what_pd_works_out_is_heard_through_rackd() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, "format = 1\n[in]\n[out]\nin = \"in * 0.5\"\n", &["--midi", "none"]);
    daemon.wait_for("playing");
    let mut puredata = jack.tool("puredata");
    let child = puredata
        .args(["-nogui", "-jack", "-nojackconnect", "-jackname", "pd", "-nomidi", "-r", "48000", "-channels", "1"])
        .arg(script("sine.pd"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut pd = child.unwrap();
    let port = |containing: &str| {
        let mut found = None;
        until(containing, Duration::from_secs(20), || {
            found = jack.ports(containing).into_iter().next();
            found.is_some()
        });
        found.unwrap()
    };
    let (from, to) = (port("pd:output"), port("in_0"));
    assert!(jack.tool("jack_connect").args([from, to]).status().unwrap().success());
    let samples = jack.record(2.0).samples();
    pd.kill().unwrap();
    pd.wait().unwrap();
    let (loud, frequency) = partial(&samples[24_000..72_000], A4);
    assert!((loud - 0.1).abs() < 0.001 && cents(A4, frequency).abs() < 0.1, "{loud} at {frequency} Hz");
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
        // ChucK sometimes ends with a segmentation fault of its own: what it has sent by then is heard, and what it has not is missed.
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{run}:note; sleep 0.7; {run}:knob; sleep 0.3; {run}:note; true")]);
        shell
    });
    played.two_notes_and_a_knob();
}
