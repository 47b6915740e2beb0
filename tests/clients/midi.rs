//! MIDI from real JACK ports, and to them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::daemon::{Daemon, TONE};
use super::ear::{RATE, cents, onset, partial};
use super::jack::{Jack, until};
use super::osc::interpreter;

/// Full scale while a key is down, in the very frame.
const GATE: &str = r#"
format = 1
[note]
voices = 8
[voice.env]
type    = "adsr"
attack  = 0
sustain = 1
release = 0
[out]
in = "env * 0.5"
"#;

/// One frame of sound on every sixteenth.
const SIXTEENTHS: &str = r#"
format = 1
[global.click]
type    = "adsr"
gate    = "1/16"
attack  = 0
sustain = 1
release = 0
[out]
in = "click * 0.5"
"#;

/// A client by Python's JACK-Client: `jackmidi.py` says what it does.
pub struct Python {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Python {
    pub fn start(jack: &Jack, mode: &str, name: &str) -> Self {
        let mut command = interpreter("jackmidi.py");
        jack.on_this_server(&mut command);
        let mut child = command.args([mode, name]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut python = Self { child, said };
        assert_eq!(python.line(), "ready");
        python
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn say(&mut self, line: &str) -> String {
        self.tell(line);
        self.line()
    }

    /// Messages at frames from the next cycle on: the frame of the cycle's first.
    pub fn play(&mut self, messages: &[(u64, &[u8])]) -> u64 {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let all: Vec<String> = messages.iter().map(|(at, bytes)| format!("{at}:{}", hex(bytes))).collect();
        let answer = self.say(&format!("play {}", all.join(" ")));
        answer.strip_prefix("played ").unwrap().parse().unwrap()
    }

    /// Ends a listener: what it heard.
    pub fn end(&mut self) -> Vec<String> {
        self.tell("quit");
        std::iter::repeat_with(|| self.line()).take_while(|line| line.contains(' ')).collect()
    }

    /// The same: when sound began, and which messages came when.
    fn heard(&mut self) -> (Vec<u64>, Vec<(u64, u8)>) {
        let (mut sound, mut midi) = (Vec::new(), Vec::new());
        for line in self.end() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["sound", at, _] => sound.push(at.parse().unwrap()),
                ["midi", at, bytes] => midi.push((at.parse().unwrap(), u8::from_str_radix(&bytes[..2], 16).unwrap())),
                _ => panic!("{line}"),
            }
        }
        (sound, midi)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for_ports(jack: &Jack) {
    until("the daemon has its ports at the server", Duration::from_secs(20), || {
        ["rackd:in", "rackd:out", "out_0"].iter().all(|port| !jack.ports(port).is_empty())
    });
    // The count of samples and that of the server's frames have met.
    sleep(Duration::from_millis(300));
}

/// Says a line to the daemon over OSC.
fn send(daemon: &Daemon, line: &str) {
    let status = Command::new(env!("CARGO_BIN_EXE_rackd"))
        .args(["send", "--to", &daemon.osc.to_string()])
        .args(line.split(' '))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{line}");
}

fn sound_port(jack: &Jack) -> String {
    jack.ports("out_0").into_iter().find(|port| port.starts_with("rackd")).unwrap()
}

#[test]
fn notes_sound_one_period_after_their_frame_at_any_period() {
    for period in [64, 128, 256, 1024] {
        let jack = Jack::with_period(period);
        let daemon = Daemon::on(&jack, GATE, &[]);
        daemon.wait_for("playing");
        wait_for_ports(&jack);
        let mut ear = Python::start(&jack, "hear", "ear");
        ear.say(&format!("connect {} sound", sound_port(&jack)));
        let mut hand = Python::start(&jack, "send", "hand");
        hand.say("connect rackd:in");
        sleep(Duration::from_millis(300));
        // Every half second, and somewhere else in the cycle each time.
        let frames: Vec<u64> = (0..12).map(|n| n * 24_000 + n * n * 7 % 1000).collect();
        let bytes = [[0x90, 60, 100], [0x80, 60, 0]];
        let notes: Vec<(u64, &[u8])> =
            frames.iter().flat_map(|at| [(*at, bytes[0].as_slice()), (at + 6_000, bytes[1].as_slice())]).collect();
        let base = hand.play(&notes);
        sleep(Duration::from_millis(300));
        let (sound, _) = ear.heard();
        let late: Vec<i64> = sound.iter().zip(&frames).map(|(heard, sent)| *heard as i64 - (base + sent) as i64).collect();
        println!("periods of {period}: heard {late:?} frames after they were sent");
        assert_eq!(sound.len(), frames.len(), "{sound:?}");
        assert!(late.iter().all(|off| *off == late[0]), "all as late: {late:?}");
        assert_eq!(late[0], i64::from(period), "one period");
    }
}

#[test]
fn the_clock_that_goes_out_falls_on_the_frames_of_the_pulses() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, SIXTEENTHS, &["--clock-out", "--paused", "--midi-out", "ear"]);
    daemon.wait_for("playing");
    wait_for_ports(&jack);
    let mut ear = Python::start(&jack, "hear", "ear");
    ear.say(&format!("connect {} sound", sound_port(&jack)));
    until("the output is connected by its name", Duration::from_secs(10), || {
        let lines = String::from_utf8(jack.tool("jack_lsp").args(["-c", "ear:midi"]).output().unwrap().stdout).unwrap();
        lines.contains("rackd:out")
    });
    sleep(Duration::from_millis(500));
    send(&daemon, "/transport/play");
    sleep(Duration::from_secs(3));
    send(&daemon, "/clock/tempo 133.7");
    sleep(Duration::from_secs(3));
    send(&daemon, "/transport/stop");
    sleep(Duration::from_millis(500));
    let (sound, midi) = ear.heard();
    let start = midi.iter().position(|(_, status)| *status == 0xfa).expect("a start");
    let stop = midi.iter().position(|(_, status)| *status == 0xfc).expect("a stop");
    assert!(start > 10 && stop > start, "clocks go before it: {start}");
    let clocks: Vec<u64> = midi[start..stop].iter().filter(|(_, status)| *status == 0xf8).map(|(at, _)| *at).collect();
    let sixteenths: Vec<u64> = clocks.iter().step_by(6).copied().collect();
    println!("{} clocks, {} sixteenths heard, the first {} frames late", clocks.len(), sound.len(), sixteenths[0] - sound[0]);
    assert!(sound.len() > 45 && sound.len().abs_diff(sixteenths.len()) <= 1, "{} and {}", sound.len(), sixteenths.len());
    // Only the first may be late: who starts it is told of it a period later at most.
    assert!(sixteenths[0] - sound[0] <= 256);
    let off: Vec<i64> = sound.iter().zip(&sixteenths).skip(1).map(|(heard, told)| *told as i64 - *heard as i64).collect();
    // The cycle in which the tempo changes was told by the tempo before it.
    assert!(off.iter().filter(|off| **off != 0).count() <= 1 && off.iter().all(|off| off.abs() <= 256), "{off:?}");
    let gaps: Vec<u64> = clocks[1..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (890..=1001).contains(gap)), "{gaps:?}");
}

#[test]
fn what_comes_in_goes_out_in_its_own_frame() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, GATE, &["--midi-thru"]);
    daemon.wait_for("playing");
    wait_for_ports(&jack);
    let mut ear = Python::start(&jack, "hear", "ear");
    ear.say("connect rackd:out midi");
    let mut hand = Python::start(&jack, "send", "hand");
    hand.say("connect rackd:in");
    sleep(Duration::from_millis(300));
    let messages: [(u64, &[u8]); 5] =
        [(100, &[0x90, 60, 1]), (100, &[0xb0, 1, 2]), (777, &[0xf0, 1, 2, 3, 4, 5, 0xf7]), (9_000, &[0xfe]), (30_001, &[0x80, 60, 1])];
    let base = hand.play(&messages);
    sleep(Duration::from_millis(300));
    let (_, midi) = ear.heard();
    let want: Vec<(u64, u8)> = [(100, 0x90), (100, 0xb0), (777, 0xf0), (30_001, 0x80)].map(|(at, status)| (base + at, status)).to_vec();
    assert_eq!(midi, want, "signs of life stay here");
}

#[test]
fn the_end_of_a_sound_goes_out_as_a_note_off() {
    let jack = Jack::start();
    let patch = GATE.replace("release = 0", "release = \"400 ms\"");
    let daemon = Daemon::on(&jack, &patch, &["--note-ends"]);
    daemon.wait_for("playing");
    wait_for_ports(&jack);
    let mut ear = Python::start(&jack, "hear", "ear");
    ear.say("connect rackd:out midi");
    let mut hand = Python::start(&jack, "send", "hand");
    hand.say("connect rackd:in");
    sleep(Duration::from_millis(300));
    let base = hand.play(&[(0, &[0x92, 60, 100]), (4_800, &[0x82, 60, 0])]);
    sleep(Duration::from_millis(1500));
    let (_, midi) = ear.heard();
    assert_eq!(midi.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [0x82]);
    let after = (midi[0].0 - base) as f64 / RATE;
    assert!((0.45..1.2).contains(&after), "{after} s after it began: 0.1 s held, 0.4 s of release");
}

/// The pitches of a chord in a piece of sound: how far off each is [cents].
fn pitches(sound: &[f32], keys: &[f64]) -> Vec<f64> {
    keys.iter()
        .map(|key| {
            let near = 440.0 * 2f64.powf((key - 69.0) / 12.0);
            let (amplitude, frequency) = partial(sound, near);
            assert!(amplitude > 0.005, "key {key} sounds: {amplitude}");
            cents(near, frequency)
        })
        .collect()
}

#[test]
fn a_chord_held_by_the_pedal_and_a_bent_note_are_in_tune_and_a_closed_port_is_silent() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, TONE, &["--midi", "hand"]);
    daemon.wait_for("playing");
    wait_for_ports(&jack);
    let mut hand = Python::start(&jack, "send", "hand");
    until("the named port is connected", Duration::from_secs(10), || !jack.ports("rackd:in_1").is_empty());
    sleep(Duration::from_millis(300));
    let recording = jack.record(12.0);
    sleep(Duration::from_millis(500));
    let wheel = 8192 + 683u16;
    let bend = ((wheel & 0x7f) as u8, (wheel >> 7) as u8);
    // C, E, G; the pedal goes down, the keys go up, and they sound on.
    hand.play(&[
        (0, &[0x90, 60, 100]),
        (0, &[0x90, 64, 100]),
        (0, &[0x90, 67, 100]),
        (4_800, &[0xb0, 64, 127]),
        (9_600, &[0x80, 60, 0]),
        (9_600, &[0x80, 64, 0]),
        (9_600, &[0x80, 67, 0]),
        (96_000, &[0xb0, 64, 0]),
        // A zone of 15 members; one note of two is bent by four semitones of the 48.
        (144_000, &[0xb0, 101, 0]),
        (144_000, &[0xb0, 100, 6]),
        (144_000, &[0xb0, 6, 15]),
        (144_100, &[0x91, 72, 100]),
        (144_100, &[0x92, 76, 100]),
        (144_200, &[0xe2, bend.0, bend.1]),
        (216_000, &[0x81, 72, 0]),
        (216_000, &[0x82, 76, 0]),
        // One key that is held while its port is closed.
        (240_000, &[0x91, 57, 100]),
    ]);
    sleep(Duration::from_millis(700));
    let closed = Instant::now();
    hand.tell("quit");
    hand.child.wait().unwrap();
    let closing = closed.elapsed();
    sleep(Duration::from_millis(700));
    let sound = recording.end();
    let start = onset(&sound, 0.001);
    for off in pitches(&sound[start + 24_000..start + 90_000], &[60.0, 64.0, 67.0]) {
        assert!(off.abs() < 1.0, "{off} cents");
    }
    let pause = &sound[start + 96_000 + 4_800..start + 144_000 - 480];
    assert!(pause.iter().all(|x| x.abs() < 1e-6), "the pedal is up");
    let bent = 76.0 + 48.0 * 683.0 / 8191.0;
    for off in pitches(&sound[start + 150_000..start + 214_000], &[72.0, bent]) {
        assert!(off.abs() < 1.0, "{off} cents");
    }
    let held = &sound[start + 240_000..];
    let end = held.iter().rposition(|x| x.abs() > 1e-4).unwrap() as f64 / RATE;
    println!("closed in {closing:?}; it sounded for {end:.3} s");
    assert!(end > 0.6 && end < 0.7 + closing.as_secs_f64() + 0.1 + 0.05, "it is let go within 100 ms: {end} s");
    assert!(held[held.len() - 4_800..].iter().all(|x| x.abs() < 1e-6), "silence");
}

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
