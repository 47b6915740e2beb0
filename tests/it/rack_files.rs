//! Racks and their files: what is saved loads back to the same bits, and no failure of any kind loses what was there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::desk::Desk;
use crate::racks::{SINE, Stage, key, level};

const LIVE: &str = r#"# Played live.
format = 1
tempo  = 100                      # slow

[slots.synth]
patch = "init.toml"               # the first
level = "-3 dB"

[slots.tines]
patch = "keys.toml"
set   = { bark = 1.5 }            # softer
midi  = { channel = 2 }
"#;

/// A desk with the shipped patches and a rack of two of them.
fn live() -> Stage {
    let mut stage = Stage::new(&[
        ("live.toml", LIVE),
        ("init.toml", include_str!("../../patches/init.toml")),
        ("keys.toml", include_str!("../../patches/keys.toml")),
    ]);
    stage.load("live.toml");
    stage
}

/// A desk where a rack stands before the first frame: what runs freely in it began at the same time in each.
fn fresh(stage: &Stage, rack: &str) -> Desk {
    let mut desk = Desk::empty(vec![stage.folder.clone()]);
    desk.quietly(&format!("/rack/load {rack}"));
    desk.control.settle(&mut desk.engine);
    desk
}

/// Turns what can be turned.
fn turn(desk: &mut Desk) {
    for line in [
        "/synth/brightness \"777.7 Hz\"",
        "/synth/filter/cutoff/note.velocity 1.3333333",
        "/n/synth/emphasis 0.333",
        "/tines/tone/fm/modulator.sine-growl-note.velocity 0.1",
        "/tines/tremolo 0.7",
        "/tines/pan -0.3",
        "/tines/level -4.7",
        "/tines/midi/keys 30 100",
        "/tines/midi/transpose \"7 st\"",
        "/master/level -1.5",
        "/clock/tempo 87.5",
        "/synth/mute 0",
    ] {
        let answers = desk.say(line);
        assert!(answers.iter().all(|answer| !answer.starts_with("/fail")) || line.contains("tone/fm"), "{line}: {answers:?}");
    }
}

/// What two keys sound like from a time on at which everything rests.
fn played(desk: &mut Desk) -> Vec<u32> {
    const REST: usize = 96_000;
    desk.run(REST - desk.engine.now() as usize);
    desk.midi(key(0, 60));
    desk.midi(key(1, 64));
    desk.run(24_000).iter().map(|x| x.to_bits()).collect()
}

#[test]
fn what_was_saved_loads_back_to_the_same_bits() {
    let mut stage = live();
    stage.desk = fresh(&stage, "live.toml");
    turn(&mut stage.desk);
    let want = played(&mut stage.desk);
    assert!(want.iter().any(|bits| f32::from_bits(*bits).abs() > 0.01));
    // While it sounds.
    let told = stage.desk.say("/rack/save mine.toml");
    assert!(told[0].starts_with("/done /rack/save") && told[0].contains("mine.toml"), "{told:?}");
    let mine = stage.read("mine.toml");

    let mut again = fresh(&stage, "mine.toml");
    let other = want.iter().zip(&played(&mut again)).position(|(a, b)| a != b);
    assert_eq!(other, None, "the first other frame");
    // And once more: nothing is added, nothing is lost.
    assert!(again.say("/rack/save twice.toml")[0].starts_with("/done"));
    assert_eq!(stage.read("twice.toml"), mine);
    // What the file said before still sounds as it did.
    let mut plain = fresh(&stage, "live.toml");
    assert_ne!(played(&mut plain), want);
}

#[test]
fn comments_of_the_own_file_stay_and_only_what_changed_is_written() {
    let mut stage = live();
    stage.desk.quietly("/synth/level -9");
    stage.desk.quietly("/tines/bark 4");
    stage.desk.run(480);
    assert!(stage.desk.say("/rack/save")[0].starts_with("/done"));
    let saved = stage.read("live.toml");
    for kept in ["# Played live.", "tempo  = 100                      # slow", "# the first", "# softer", "midi  = { channel = 2 }"] {
        assert!(saved.contains(kept), "{kept}: {saved}");
    }
    assert!(saved.contains("-9") && !saved.contains("-3 dB") && saved.contains("bark = 4"), "{saved}");
    // What stands in the file is what plays: a reload finds nothing to do.
    stage.settle();
    stage.desk.quietly("/rack/reload");
    let told = stage.settle();
    assert_eq!(told[0].values.len(), 1, "{told:?}");
    assert_eq!((stage.desk.ask("/synth/level"), stage.desk.ask("/tines/bark")), (-9.0, 4.0));
}

#[test]
fn what_may_not_be_written_is_refused_and_nothing_is_lost() {
    let mut stage = Stage::new(&[("sine.toml", SINE), ("sub/low.toml", &level(0.5))]);
    assert_eq!(stage.desk.fails("/rack/save"), "file", "it has no file of its own");
    stage.load("sine.toml");
    let outside = stage.folder.with_extension("out.toml");
    for path in ["../x.toml", outside.to_str().unwrap(), "none/x.toml", "x.txt", "x", ".x.toml", "sine.toml", "/etc/x.toml"] {
        assert_eq!(stage.desk.fails(&format!("/rack/save \"{path}\"")), "file", "{path}");
    }
    assert!(!outside.exists());
    assert_eq!(stage.read("sine.toml"), SINE, "a patch is not written over by a rack");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/tmp", stage.folder.join("link")).unwrap();
        std::os::unix::fs::symlink(&outside, stage.folder.join("linked.toml")).unwrap();
        for path in ["link/x.toml", "linked.toml"] {
            assert_eq!(stage.desk.fails(&format!("/rack/save {path}")), "file", "{path}");
        }
        assert!(!outside.exists() && !Path::new("/tmp/x.toml").exists());
    }
    stage.write("broken.toml", "format = 1\n[slots.a]\npatch =\n");
    assert_eq!(stage.desk.fails("/rack/save broken.toml"), "file", "somebody is at work on it");
    // A patch that came without a file cannot be named.
    assert!(stage.desk.control.load("t", &level(0.1), None).is_ok());
    stage.settle();
    assert!(stage.desk.say("/rack/save all.toml")[0].contains("was not loaded from a file"));
    stage.desk.quietly("/rack/unload t");
    stage.load("sub/low.toml");
    assert!(stage.desk.say("/rack/save sub/all.toml")[0].starts_with("/done"));
    let saved = stage.read("sub/all.toml");
    assert!(saved.contains("\"../sine.toml\"") && saved.contains("\"low.toml\""), "{saved}");
}

/// A daemon that is told what to do line by line.
struct Told {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Told {
    fn new(rack: &Path, before: &str) -> Self {
        let run = format!("{before} exec \"$0\" play \"$1\" --host silent --osc none --midi none --stdin");
        let mut command = Command::new("sh");
        command.args(["-c", &run, env!("CARGO_BIN_EXE_rackd")]).arg(rack);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn say(&mut self, lines: &str) {
        self.child.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }
}

fn big() -> String {
    let slots = (0..24).map(|at| format!("[slots.s{at}]\npatch = \"low.toml\"\nset = {{ level_of = 0.0{at} }}\n"));
    format!("format = 1\n{}", slots.collect::<String>())
}

fn files_of(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    let stage = Stage::new(&[("big.toml", &big()), ("low.toml", &level(0.01))]);
    // No file may be longer than this many blocks of 512 or 1024 bytes.
    let mut told = Told::new(&stage.folder.join("big.toml"), "ulimit -f 1;");
    told.say("/s0/level -3\n/rack/save\n/ping\n");
    let answer = told.answer();
    assert!(answer.starts_with("/fail /rack/save file"), "{answer}");
    assert_eq!(told.answer(), "/pong\n", "it plays on");
    assert_eq!(stage.read("big.toml"), big());
    assert_eq!(files_of(&stage.folder), ["big.toml", "low.toml"]);
}

#[cfg(unix)]
#[test]
fn who_is_killed_while_saving_leaves_the_old_file_or_the_new_one() {
    let stage = Stage::new(&[("big.toml", &big()), ("low.toml", &level(0.01))]);
    let rack = stage.folder.join("big.toml");
    let mut known: Vec<String> = vec![big()];
    {
        let mut told = Told::new(&rack, "");
        for level in ["-3", "-9"] {
            told.say(&format!("/s0/level {level}\n/rack/save\n"));
            assert!(told.answer().starts_with("/done"));
            known.push(stage.read("big.toml"));
        }
    }
    let mut seen = [0; 3];
    for round in 0..12u64 {
        let mut told = Told::new(&rack, "");
        told.say(&"/s0/level -3\n/rack/save\n/s0/level -9\n/rack/save\n".repeat(500));
        assert!(told.answer().starts_with("/done"));
        std::thread::sleep(Duration::from_micros(700 * round * round % 9_001));
        told.child.kill().unwrap();
        told.child.wait().unwrap();
        let text = stage.read("big.toml");
        let which = known.iter().position(|one| *one == text);
        seen[which.unwrap_or_else(|| panic!("neither the old one nor the new one:\n{text}"))] += 1;
    }
    assert_eq!(seen[0], 0, "it was saved at least once");
}
