//! The example sequencer, whose drawing thread never rests: what it edits while it plays sounds on its sample, and its cursor is in time.

use std::process::Stdio;
use std::time::Duration;

use super::daemon::Daemon;
use super::examples::python;
use super::jack::Jack;

/// 0.1 for as long as a note sounds, from its frame on.
const GATES: &str = r#"
format = 1
[note]
voices = 16
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = 0
[out]
in = "env * 0.1"
"#;

/// How often the cursor is told [Hz].
const HZ: f64 = 4.0;
const BEATS: f64 = 24.0;

#[test]
fn notes_are_edited_while_they_play_under_a_flood_and_all_are_on_their_sample() {
    let jack = Jack::start();
    let daemon = Daemon::on(&jack, GATES, &["--midi", "none", "--paused"]);
    daemon.wait_for("playing");
    let recording = jack.record(120.0);
    let output = python("sequencer.py")
        .args(["--port", &daemon.osc.port().to_string(), "--beats", &BEATS.to_string(), "--hz", &HZ.to_string(), "--flood", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let samples = recording.end();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("rackd:"), "{said}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let numbers = |list: &serde_json::Value| list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();

    // Onsets: 24,000 frames a beat, to the sample. None is lost, none is too many.
    let beats = numbers(&told["beats"]);
    let edits = told["edits"].as_u64().unwrap();
    assert!(edits > 100 && beats.len() > 10 && beats[0] == 0.0, "{edits} edits of {beats:?}");
    let heard: Vec<usize> = (1..samples.len()).filter(|at| samples[at - 1] == 0.0 && samples[*at] > 0.05).collect();
    let counts = &told["counts"];
    let counted = ["score-notes", "score-late", "score-dropped"].map(|name| counts[name].as_u64());
    assert_eq!(counted, [Some(beats.len() as u64), Some(0), Some(0)]);
    assert!(!heard.is_empty(), "nothing is heard");
    let onsets: Vec<f64> = heard.iter().map(|at| (at - heard[0]) as f64).collect();
    assert_eq!(onsets, beats.iter().map(|beat| beat * 24_000.0).collect::<Vec<_>>());

    // Cursors: each comes before it would be late by as much as lies between two, and says at which moment its beat is heard.
    let cursors: Vec<Vec<f64>> = told["cursors"].as_array().unwrap().iter().map(numbers).collect();
    let playing: Vec<&Vec<f64>> = cursors.iter().filter(|cursor| cursor[0] > 0.0).collect();
    assert!(playing.len() as f64 > 0.8 * HZ * BEATS / 2.0, "{} cursors", playing.len());
    let latest = playing.iter().map(|cursor| cursor[2]).fold(f64::MIN, f64::max);
    assert!(latest < 1.0 / HZ, "a cursor came {latest} s late");
    let zero = playing[0][1] - playing[0][0] / 2.0;
    let off = playing.iter().map(|cursor| (cursor[1] - cursor[0] / 2.0 - zero).abs()).fold(0.0, f64::max);
    assert!(off < 0.02, "cursors disagree by {off} s on when the music began");
    assert!(told["drawn"].as_u64().unwrap() > 10);
}
