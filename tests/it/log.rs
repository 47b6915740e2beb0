//! The log of a set: what an engine did is done again, and sounds the same, bit for bit.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rackd::control::When;
use rackd::control::logbook::{Logbook, Page};
use rackd::control::rack_file::Within;
use rackd::engine::journal::{Did, JournalEnd};
use rackd::log::file::{Head, Unreadable};
use rackd::log::keeper::{Ended, Kept};
use rackd::log::{Keeper, Log, Replay};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::rt::flows::Flows;

use super::desk::{Desk, RATE, SYNTH};

/// Voices that move and are random, a row that follows the beat, an echo that remembers; a list and a choice that can be set.
const LEAD: &str = r#"
format = 1
tempo = 125
[note]
voices = 6
glide = "30 ms"
[controls]
tone = { default = "900 Hz", min = "50 Hz", max = "8 kHz" }
[voice.osc]
type = "vco"
pitch = "note.pitch + note.random * 0.02"
[voice.env]
type = "adsr"
attack = "20 ms"
[voice.filter]
type = "svf"
in = "osc.saw"
cutoff = "tone + env * 2"
[global.row]
type = "seq_step"
clock = "1/16"
steps = ["C3", "E3", "G3", "C4"]
[global.arp]
type = "vco"
pitch = "row"
[global.hiss]
type = "noise"
[global.wobble]
type = "lfo"
rate = "3 Hz"
[global.echo]
type = "delay"
in = "filter.low * env * note.velocity * 0.2 + arp.saw * wobble * 0.1 + hiss.white * 0.01"
time = "3/16"
feedback = 0.5
[out]
in = "echo"
"#;

/// An effect.
const HALL: &str = r#"
format = 1
[in]
[global.room]
type = "reverb"
in = "in"
[out]
in = "room * 0.5 + in * 0.2"
"#;

struct Set {
    desk: Desk,
    journal: JournalEnd,
    pages: Receiver<Page>,
    heard: Vec<f32>,
    random: u64,
}

impl Set {
    fn new(folders: Vec<PathBuf>) -> Self {
        let mut desk = Desk::empty(folders);
        let journal = desk.engine.keep_journal();
        let (to, pages) = channel();
        desk.control.keep_log(Logbook::new(to));
        Self { desk, journal, pages, heard: Vec::new(), random: 0x9e37_79b9_7f4a_7c15 }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn run(&mut self, frames: usize) {
        let mut left = frames;
        while left > 0 {
            let count = (1 + self.random(700) as usize).min(left);
            let mut out = vec![0.0; 2 * count];
            self.desk.engine.run(&[], 0, &mut out, 2);
            self.heard.extend(out);
            drop(self.desk.control.tick());
            left -= count;
        }
    }

    fn log(&mut self) -> Log {
        let head = Head { version: "test".to_owned(), rate: RATE as u32, channels: 2 };
        let entries: Vec<_> = std::iter::from_fn(|| self.journal.take()).collect();
        Log { head, pages: self.pages.try_iter().collect(), entries, end: self.heard.len() as u64 / 2, is_whole: true, ..Log::default() }
    }

    /// A line; what cannot be at the moment is refused, and that is no matter here.
    fn say(&mut self, line: &str) {
        let answers = self.desk.say(line);
        let unknown = answers.iter().any(|answer| answer.contains("unknown-address"));
        assert!(!unknown || line.starts_with("/b/") || line.ends_with(" b"), "{answers:?}");
    }

    #[track_caller]
    fn load(&mut self, slot: &str, text: &str) {
        if let Err(wrong) = self.desk.control.load(slot, text, None) {
            panic!("{slot}: {wrong:?}");
        }
    }
}

fn again(log: Log, threads: usize) -> Vec<f32> {
    let (end, mut heard) = (log.end, Vec::new());
    let mut replay = Replay::new(log, CATALOGUE, Level::detect(), threads);
    let done = replay.run(end, |frames| {
        heard.extend_from_slice(frames);
        Ok(())
    });
    assert!(done.is_ok(), "{}", done.expect_err("not done"));
    heard
}

/// What one of a set's moments does.
fn moment(set: &mut Set, number: usize) {
    let key = 40 + set.random(40);
    let (n, one) = (set.random(12), set.random(4) as usize);
    let x = set.random(1000) as f64 / 1000.0;
    let at = When::At(set.desk.engine.now() + set.random(9000));
    match set.random(30) {
        0..=6 => set.say(&format!("/a/note {key} {x} {}", 0.05 + x)),
        7 => set.say(&format!("/b/note/on {number} {key} {x}")),
        8 => set.say(&format!("/b/note/off {}", number.saturating_sub(9))),
        9 => set.say(&format!("/a/tone {}", 100.0 + x * 4000.0)),
        10 => drop(set.desk.bundle(at, &[&format!("/a/tone {} 0.2", 100.0 + x * 4000.0), &format!("/a/note {key} 0.5 0.1")])),
        11 => set.say(&format!("/a/row/steps/{} {key}", 1 + n % 4)),
        12 => set.say(&format!("/a/echo/feedback {}", x * 0.9)),
        13 => set.say(&format!("/clock/tempo {}", 60.0 + x * 120.0)),
        14 => set.say(&format!("/transport/loop {} {}", n % 3, 3 + n % 4)),
        15 => set.say("/transport/loop"),
        16 => set.say(&format!("/transport/locate {n}")),
        17 => set.say("/transport/pause"),
        18..=19 => set.say("/transport/play"),
        20 => drop(set.desk.bundle(at, &["/transport/play"])),
        21 => set.say(&format!("/clock/swing {}", 0.5 + x * 0.2)),
        22 => set.say(&format!("/clock/nudge {}", x * 40.0 - 20.0)),
        23 => set.say(&format!("/clock/metronome {}", n % 2)),
        24 => set.say(&format!("/a/level {}", -20.0 * x)),
        25 => set.say(&format!("/a/send/hall {}", -20.0 * x)),
        26 => set.say(["/a/mute 1", "/a/mute 0", "/b/solo 1", "/b/solo 0"][one]),
        27 => {
            let feedback = format!("feedback = {}", x * 0.8);
            set.load("a", &LEAD.replace("feedback = 0.5", &feedback));
        }
        28 => match one {
            0 => set.say("/rack/unload b"),
            1 => set.load("b", SYNTH),
            _ => set.load("b", &SYNTH.replace("0.5", "0.25")),
        },
        _ => set.say(["/panic", "/panic 2", "/clear all"][one % 3]),
    }
}

fn played(seed: u64, moments: usize) -> Set {
    let mut set = Set::new(Vec::new());
    set.random ^= seed << 17;
    set.load("a", LEAD);
    set.load("b", SYNTH);
    set.load("hall", HALL);
    set.run(3000);
    set.say("/a/send/hall -6");
    for number in 0..moments {
        moment(&mut set, number);
        let frames = set.random(3000) as usize;
        set.run(frames);
    }
    set.say("/transport/play");
    set.run(24_000);
    set
}

#[test]
fn a_set_is_done_again_bit_for_bit() {
    for seed in 0..4 {
        let mut set = played(seed, 150);
        assert_eq!(set.journal.lost(), 0);
        let log = set.log();
        let kinds = |is: fn(&Did) -> bool| log.entries.iter().filter(|entry| is(&entry.what)).count();
        assert!(kinds(|did| matches!(did, Did::Plan { .. })) > 4, "it was reloaded");
        assert!(kinds(|did| matches!(did, Did::Mix { .. })) > 0, "it was mixed");
        assert!(set.heard.iter().any(|x| x.abs() > 0.01), "it is heard");
        let again = again(log, 1 + seed as usize % 2);
        let first = set.heard.iter().zip(&again).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(first.map(|at| at / 2), None, "seed {seed}: it differs from this frame on");
        assert_eq!(again.len(), set.heard.len());
    }
}

#[test]
fn the_same_through_a_file_with_what_patches_include() {
    let folder = super::record::folder("log-file");
    let part = folder.join("part.toml");
    std::fs::write(
        &part,
        "format = 1\n[in]\n[global.echo]\ntype = \"delay\"\nin = \"in\"\ntime = \"50 ms\"\nfeedback = 0.4\n[out]\nin = \"echo\"\n",
    )
    .expect("a file");
    let patch = "format = 1\n[global.source]\ntype = \"vco\"\n[global.part]\ninclude = \"part.toml\"\nin = \"source.saw * 0.1\"\n[out]\nin = \"part\"\n";
    let file = folder.join("set.toml");
    std::fs::write(&file, patch).expect("a file");
    let mut set = Set::new(vec![folder.clone()]);
    let read = rackd::control::rack_file::ReadPatch::of_text(patch.to_owned(), file.clone(), Within::Anywhere, &CATALOGUE);
    let (read, _) = read.map_err(|wrong| wrong.diagnostics).expect("a patch");
    set.desk.control.put("set", read.patch, patch, Some(&file), Vec::new()).expect("there is room");
    set.run(9000);
    set.say("/set/part/echo/feedback 0.6");
    set.run(9000);
    // The file that it includes is gone when the set is done again.
    std::fs::remove_file(&part).expect("it was there");

    let path = folder.join("set.oscl");
    let Set { desk, journal, pages, heard, .. } = set;
    let head = Head { version: "test".to_owned(), rate: RATE as u32, channels: 2 };
    let shown = Arc::clone(desk.control.shown());
    let keeper = Keeper::start(&path, &head, journal, pages, Flows::NOWHERE, shown).expect("a file");
    assert_eq!(keeper.path(), path);
    let ended = Ended { end: 18_000, fade: Some((17_000, 480)) };
    let Kept { entries, lost: 0 } = keeper.finish(ended).expect("it is written") else { panic!("nothing was lost") };
    let log = Log::read(&path).expect("a log");
    assert_eq!((log.head.clone(), log.end, log.fade, log.is_whole), (head, 18_000, Some((17_000, 480)), true));
    assert_eq!((log.entries.len() as u64, log.holes().count()), (entries, 0));
    assert!(again(log, 1) == heard, "through the file it sounds as it did");

    // Cut off anywhere, what is left is read.
    let bytes = std::fs::read(&path).expect("a file");
    let cut = folder.join("cut.oscl");
    for length in (200..bytes.len()).step_by(97) {
        std::fs::write(&cut, &bytes[..length]).expect("a file");
        assert!(!Log::read(&cut).expect("as far as it goes").is_whole);
    }
    for (text, is) in [(&b"RIFF...."[..], true), (b"", true), (&bytes[..7], true)] {
        std::fs::write(&cut, text).expect("a file");
        assert_eq!(matches!(Log::read(&cut), Err(Unreadable::NoLog(_))), is);
    }
    std::fs::remove_dir_all(folder).expect("it is there");
}
