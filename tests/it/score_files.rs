//! Files of scores: what they say is heard on its frame; what is wrong with them is told at its place.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rackd::base::diagnostic::line_and_column;
use rackd::score::ScoreFile;
use rackd::score::file::Wrong;
use rackd::wire::packet::Bundle;
use rackd::wire::{Arg, Message, Packet, encode};

/// Puts out 0.1 for each note that sounds, from its frame to its end.
const GATES: &str = r#"
format = 1
[note]
voices = 64
[controls]
amount = { default = 1, min = 0, max = 10 }
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = 0
[out]
in = "env * amount * 0.1"
"#;

const NOTES: &str = r#"
format = 1
tempo = 60

[[track]]
slot = "gates"
notes = [
  [0, "C4", 0.8, 0.5],
  [1, 64, 0.8, "1/8", { id = "second", amount = 2 }],
]

[[track]]
slot = "gates"
at = 2
notes = [[0.25, "440 Hz", 1, 0.25]]
"#;

fn wrong(text: &str) -> Vec<(usize, usize, String)> {
    match ScoreFile::read(Path::new("a.toml"), text.as_bytes()) {
        Err(Wrong::Places(text, places)) => {
            let told = places.iter().map(|wrong| {
                let (line, column) = line_and_column(&text, wrong.labels[0].span.start);
                (line, column, format!("{} {}", wrong.message, wrong.fix.clone().or(wrong.help.clone()).unwrap_or_default()))
            });
            told.collect()
        }
        Err(Wrong::Sentence(text)) => panic!("{text}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn every_mistake_of_a_written_score_is_told_at_its_place() {
    assert_eq!(wrong(NOTES), []);
    for (line, (row, column), word) in [
        ("tempo = 5", (1, 9), "10 to 1000"),
        ("tenpo = 90", (1, 1), "tempo"),
        ("track = 3", (1, 9), "[[track]]"),
        ("format = 2", (1, 10), "format 1"),
        ("[[track]]\nnotes = []", (1, 1), "slot"),
        ("[[track]]\nslot = \"a\"", (1, 1), "notes"),
        ("[[track]]\nslot = \"a\"\nnots = []\nnotes = []", (3, 1), "notes"),
        ("[[track]]\nslot = \"a\"\nnotes = [[0, \"C4\", 0.8]]", (3, 10), "four parts; this has 3"),
        ("[[track]]\nslot = \"a\"\nnotes = [\n [0, \"H4\", 0.8, 1],\n]", (4, 6), "note name"),
        ("[[track]]\nslot = \"a\"\nnotes = [[-1, 60, 0.8, 1]]", (3, 11), "0 to"),
        ("[[track]]\nslot = \"a\"\nnotes = [[0, 60, 2, 1]]", (3, 18), "0 to 1"),
        ("[[track]]\nslot = \"a\"\nnotes = [[0, 60, 1, 0]]", (3, 21), "duration"),
        ("[[track]]\nslot = \"a\"\nnotes = [[0, 60, 1, 1, 5]]", (3, 24), "table"),
        ("[[track]]\nslot = \"a\"\nnotes = [[0, 60, 1, 1, { pan = [] }]]", (3, 32), "value"),
        ("[[track]]\nslot = \"a\"\nnotes = []\n[[track]]\nslot = 5\nnotes = [", (6, 10), ""),
        ("[[track]]\nslot = \"a\"\nnotes = []\n[[track]]\nslot = 5\nnotes = []", (5, 8), "name of a slot"),
        ("description = \"\"\"\n[[track]]\n\"\"\"\n[[track]]\nslot = 5\nnotes = []", (5, 8), "name of a slot"),
        ("[[track]]\nslot = \"a\"\nnotes = []\n[other]\nx = 1", (4, 2), "no `other`"),
        ("[[track]\nslot = 1", (1, 9), ""),
    ] {
        let told = wrong(line);
        let found = told.iter().find(|(_, _, text)| text.contains(word)).unwrap_or_else(|| panic!("{line}: {told:?}"));
        assert_eq!((found.0, found.1), (row, column), "{line}: {told:?}");
    }
}

/// Frames at which so many tenths sound from then on, as `render` writes them.
fn render(score: &str, bytes: &[u8], buffer: &str) -> Vec<(usize, i32)> {
    edges(score, bytes, &["render", "--bits", "32f", "--buffer", buffer, "-o"])
}

/// The same of a command that writes a file, whose name comes behind it.
fn edges(score: &str, bytes: &[u8], command: &[&str]) -> Vec<(usize, i32)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = std::env::temp_dir().join(format!("rackd-score-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed)));
    std::fs::create_dir_all(&folder).unwrap();
    let [patch, score, out] = ["gates.toml", score, "out.wav"].map(|name| folder.join(name));
    std::fs::write(&patch, GATES).unwrap();
    let score = if score == patch { folder.join("score.toml") } else { score };
    std::fs::write(&score, bytes).unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_rackd"))
        .args(command)
        .arg(&out)
        .args(["--rate", "48000", "--score"])
        .args([&score, &patch])
        .output()
        .unwrap();
    assert!(command.status.success(), "{}", String::from_utf8_lossy(&command.stderr));
    let mut wav = hound::WavReader::open(&out).unwrap();
    let heard: Vec<f32> = wav.samples::<f32>().map(Result::unwrap).step_by(2).collect();
    std::fs::remove_dir_all(&folder).unwrap();
    let mut last = 0;
    let mut edges = Vec::new();
    for (at, x) in heard.iter().enumerate() {
        let now = (x * 10.0).round() as i32;
        if now != std::mem::replace(&mut last, now) {
            edges.push((at, now));
        }
    }
    edges
}

#[test]
fn a_written_score_is_rendered_on_its_frames() {
    let want = [(0, 1), (24_000, 0), (48_000, 2), (72_000, 0), (108_000, 1), (120_000, 0)];
    for buffer in ["64", "1000"] {
        assert_eq!(render("notes.toml", NOTES.as_bytes(), buffer), want, "buffers of {buffer}");
    }
}

#[test]
fn messages_in_seconds_are_rendered_on_their_frames() {
    let bytes = messages();
    for buffer in ["64", "1000"] {
        assert_eq!(render("song.osc", &bytes, buffer), [(0, 1), (6000, 2), (12_000, 1), (18_000, 0), (72_000, 1), (96_000, 0)]);
    }
    let cut = &bytes[..bytes.len() - 3];
    match ScoreFile::read(Path::new("song.osc"), cut) {
        Err(Wrong::Sentence(text)) => assert!(text.contains("packet 4"), "{text}"),
        _ => panic!("it is cut off"),
    }
    assert!(matches!(ScoreFile::read(Path::new("song.osc"), b"hello, world"), Err(Wrong::Sentence(_))));
}

/// As scsynth's scores are written: the last one is for the end alone.
fn messages() -> Vec<u8> {
    let packet = |seconds: f64, message: Message| {
        let bundle = Bundle { time: (seconds * 4_294_967_296.0) as u64, elements: vec![Packet::Message(message)] };
        let bytes = encode(&Packet::Bundle(bundle));
        [(bytes.len() as i32).to_be_bytes().as_slice(), &bytes].concat()
    };
    let on = |key: i32, length: f32| Message::new("/gates/note", vec![Arg::Int(key), Arg::Float(0.8), Arg::Float(length)]);
    let end = Message::new("/c_set", vec![Arg::Int(0), Arg::Int(0)]);
    [packet(0.0, on(60, 0.25)), packet(1.5, on(62, 0.5)), packet(0.125, on(64, 0.25)), packet(2.0, end)].concat()
}

#[test]
fn what_is_played_live_is_what_is_rendered() {
    use super::score::{end, file, note, tempo};
    let track =
        vec![tempo(0, 600_000), note(0, 0, 60, 90), note(96, 0, 60, 0), tempo(0, 300_000), note(48, 0, 64, 90), note(48, 0, 64, 0), end(0)];
    let midi = file(midly::Format::SingleTrack, midly::Timing::Metrical(midly::num::u15::new(96)), vec![track]);
    let kinds = [("song.toml", NOTES.as_bytes().to_vec()), ("song.osc", messages()), ("song.mid", midi)];
    std::thread::scope(|scope| {
        for (name, bytes) in &kinds {
            scope.spawn(move || {
                let written = render(name, bytes, "512");
                let live = edges(name, bytes, &["play", "--host", "silent", "--osc", "none", "--midi", "none", "--for", "5s", "--record"]);
                let start = live.first().map_or(0, |(at, _)| *at);
                let live: Vec<(usize, i32)> = live.iter().map(|(at, level)| (at - start, *level)).collect();
                assert!(written.len() >= 4, "{name}: {written:?}");
                assert_eq!(live, written, "{name}");
            });
        }
    });
}

#[test]
fn the_example_of_the_page_plays_as_it_stands() {
    let read = |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    assert!(read("docs/score.md").contains(&format!("```toml\n{}```", read("examples/song.toml"))), "the page shows the file");
    let out = std::env::temp_dir().join(format!("rackd-song-{}.wav", std::process::id()));
    let command = Command::new(env!("CARGO_BIN_EXE_rackd"))
        .args(["render", "patches/racks/sixteen.toml", "--score", "examples/song.toml", "--for", "100ms", "-o"])
        .arg(&out)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(command.status.success());
    assert_eq!(String::from_utf8_lossy(&command.stderr), "", "nothing is to be said of it");
    std::fs::remove_file(out).unwrap();
}
