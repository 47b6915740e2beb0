//! The examples are run as they stand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rackd::host::HostName;

use super::daemon::{Daemon, TONE};
use super::jack::program;
use super::osc::script;
use super::speaker::Speaker;

#[allow(dead_code, reason = "its main is not called")]
#[path = "../../examples/embed.rs"]
mod embed;

const RACKD: &str = env!("CARGO_BIN_EXE_rackd");

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// An example in Python.
pub fn python(name: &str) -> Command {
    script(&format!("examples/{name}"))
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd_example_{name}_{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What it said, where it ended well.
fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{status}: {said}{}", String::from_utf8_lossy(&stderr));
    said
}

/// Frames of a WAV file of so many bits, and whether anything is to be heard in it.
fn recorded(file: &Path, bits: u16) -> (u32, bool) {
    let mut wav = hound::WavReader::open(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    assert_eq!(wav.spec().bits_per_sample, bits);
    let frames = wav.duration();
    (frames, wav.samples::<i32>().any(|x| x.unwrap().abs() > 1 << (bits - 8)))
}

#[test]
fn a_program_with_the_engine_inside_plays_and_sees_its_meters() {
    let seen = embed::play(HostName::Silent, Duration::from_secs(1)).unwrap();
    assert!(seen.peak > 0.02, "{seen:?}");
    assert!(seen.meters > 10, "{seen:?}");
    // A second and a half of 750 blocks each, on a machine that may be busy.
    assert!((750..3_000).contains(&seen.blocks), "{seen:?}");
}

#[test]
fn the_desk_in_python_plays_and_records() {
    let folder = folder("desk");
    let daemon = Daemon::silent(&folder, TONE, &["--rate", "48000"]);
    let said = said(python("desk.py").arg(daemon.osc.port().to_string()));
    assert!(said.contains("records to ") && said.contains("bar 2, beat 4: playing"), "{said}");
    assert!(said.lines().last().unwrap().starts_with("recorded ") && said.contains(" 0 lost"), "{said}");
    let (frames, heard) = recorded(&folder.join("desk.wav"), 24);
    // Seven beats at 132 a minute and the rest at the end.
    assert!(frames > 48_000 * 3 && heard, "{frames} frames");
    drop(daemon);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_child_process_is_driven_by_lines() {
    let folder = folder("child");
    let patch = folder.join("tone.toml");
    std::fs::write(&patch, TONE).unwrap();
    let said = said(python("subprocess_desk.py").env("RACKD", RACKD).arg(&patch).args(["--host", "silent", "--midi", "none"]));
    assert!(said.contains("where it is: 1 playing") && said.contains(" 0 lost, in "), "{said}");
    assert!(said.lines().last().unwrap().starts_with("ended -"), "it says how loud it was, at its end: {said}");
    let (frames, heard) = recorded(&folder.join("child.wav"), 16);
    assert!(frames > 24_000 && heard, "{frames} frames");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_set_is_told_by_a_shell_script() {
    let folder = folder("set");
    let daemon = Daemon::silent(&folder, TONE, &["--rate", "48000", "--paused"]);
    let mut shell = program("sh");
    let said = said(shell.arg(example("set.sh")).env("RACKD", RACKD).env("TO", daemon.osc.to_string()));
    assert!(said.contains("plays on /tone") && said.contains("/transport 1 playing") && said.contains("/score/get 5 "), "{said}");
    let (frames, heard) = recorded(&folder.join("set.wav"), 24);
    assert!(frames > 48_000 * 3 && heard, "{frames} frames");
    drop(daemon);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_tone_goes_through_a_daemon_by_streams() {
    let said = said(program("sh").arg(example("stream.sh")).env("RACKD", RACKD));
    assert!(said.contains("loudest sample "), "{said}");
}

/// A daemon with a slot `keys`, which two examples play by its name; what they do is recorded.
fn keys_are_heard(name: &str, play: impl FnOnce(&Daemon) -> Command) {
    let folder = folder(name);
    std::fs::write(folder.join("keys.toml"), TONE).unwrap();
    let daemon = Daemon::silent(&folder, TONE, &["--rate", "48000"]);
    let speaker = Speaker::to(&daemon);
    speaker.say("/rack/load keys.toml");
    speaker.wait("/done");
    speaker.say("/record/start take.wav 16 keys");
    speaker.wait("/done");
    said(&mut play(&daemon));
    std::thread::sleep(Duration::from_millis(300));
    speaker.say("/record/stop");
    speaker.wait("/record/done");
    assert!(recorded(&folder.join("take.wav"), 16).1, "it is not heard");
    drop(daemon);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn notes_are_played_by_python_ahead_of_time() {
    keys_are_heard("play-python", |daemon| {
        let mut command = python("play.py");
        command.arg(daemon.osc.port().to_string());
        command
    });
}

#[test]
fn notes_are_played_by_a_shell_script() {
    keys_are_heard("play-shell", |daemon| {
        program("oscsend");
        let mut command = program("sh");
        command.arg(example("play.sh")).env("TO", daemon.osc.to_string());
        command
    });
}

#[test]
fn lines_are_piped_into_a_child() {
    let said = said(python("pipe.py").env("RACKD", RACKD).args(["--host", "silent", "--midi", "none", "--osc", "none", "--tcp", "none"]));
    assert!(said.lines().any(|line| line.starts_with("/engine/status ")), "{said}");
}

#[test]
fn two_engines_and_a_video_start_together() {
    let folder = folder("together");
    let others = folder.join("other");
    std::fs::create_dir(&others).unwrap();
    let daemons = [&folder, &others].map(|folder| Daemon::silent(folder, TONE, &["--rate", "48000", "--paused"]));
    let said = said(python("together.py").args(daemons.each_ref().map(|daemon| daemon.osc.to_string())));
    let words: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((words.len(), words[0][0]), (3, "video"), "{said}");
    for line in &words {
        // Wide: what is exact is shown by capture elsewhere.
        let skew: f64 = line[1].parse().unwrap();
        assert!(skew.abs() < 250.0, "{said}");
    }
    drop(daemons);
    std::fs::remove_dir_all(folder).unwrap();
}
