//! Scores loaded and saved by messages, while others play.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use midly::num::{u4, u7, u15, u28};
use midly::{Format, MetaMessage, MidiMessage as Smf, Timing, TrackEvent, TrackEventKind};
use rackd::score::Conductor;
use rackd::score::stand::lock;

use super::desk::{Desk, me};
use super::score::{end, file, note, tempo};
use super::score_live::{BEAT, GATES, Rig};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd-shelf-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn rig(folder: &std::path::Path) -> Rig {
    let mut desk = Desk::empty(vec![folder.to_owned()]);
    desk.load(GATES);
    Rig::at_desk(desk, &[64])
}

/// Says a line and waits for what it comes to.
fn wait(rig: &mut Rig, line: &str) -> Vec<String> {
    rig.say(line);
    let until = Instant::now() + Duration::from_secs(30);
    let mut all = Vec::new();
    while !all.iter().any(|line: &String| line.starts_with("/done") || line.contains("/fail") && !line.contains("the score:")) {
        assert!(Instant::now() < until, "{all:?}");
        rig.run(64);
        all.extend(rig.desk.later.drain(..).map(|message| rackd::osc::text::spell(&message)));
        std::thread::sleep(Duration::from_millis(1));
    }
    all
}

const SONG: &str = "tempo = [[0, 60], [4, 90]]\nmetre = \"3/4\"\n[[track]]\nslot = \"t\"\nnotes = [[0, \"C4\", 0.8, 1], [2, 64.5, 0.25, \"1/8\", { id = \"x\", amount = 2 }]]\n";

#[test]
fn what_is_loaded_plays_and_what_is_saved_is_loaded_again_as_it_was() {
    let folder = folder("round");
    std::fs::write(folder.join("song.toml"), SONG).unwrap();
    let mut rig = rig(&folder);
    rig.say("/transport/stop");
    rig.say("/score/add 9 0 t C4 0.8 1");
    assert_eq!(wait(&mut rig, "/score/load song.toml"), ["/done /score/load song.toml 2"]);
    assert_eq!(rig.desk.say("/score/get 0 99").len(), 3, "what was there before is gone");
    rig.say("/transport/play");
    assert_eq!(rig.edges(5 * BEAT), [(0, 1), (2 * BEAT, 0), (4 * BEAT, 2), (5 * BEAT, 0)][..3]);
    // Nothing is written over.
    let saved = wait(&mut rig, "/score/save song");
    let path = folder.canonicalize().unwrap().join("song-2.toml");
    assert_eq!(saved, [format!("/done /score/save {} 2", path.display())]);
    assert_eq!(std::fs::read_to_string(folder.join("song.toml")).unwrap(), SONG);
    let before = rig.desk.say("/score/get 0 99");
    assert_eq!(wait(&mut rig, "/score/load song-2.toml"), ["/done /score/load song-2.toml 2"]);
    assert_eq!(rig.desk.say("/score/get 0 99"), before);
    assert_eq!(rig.desk.say("/score/tempo"), ["/score/tempo on 2"]);
    assert_eq!(rig.desk.say("/clock/metre"), ["/clock/metre 3 4"]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_wrong_with_a_file_is_told_and_what_plays_stays() {
    let folder = folder("wrong");
    std::fs::write(folder.join("bad.toml"), "[[track]]\nslot = \"t\"\nnots = []\nnotes = [[0, 60, 2, 1]]\n").unwrap();
    std::fs::write(folder.join("song.osc"), b"").unwrap();
    std::fs::write(folder.join("song.mid"), b"hello").unwrap();
    std::fs::write(
        folder.join("other.toml"),
        "[[track]]\nslot = \"tt\"\nnotes = [[0, 60, 1, 1]]\n[[track]]\nslot = \"t\"\nnotes = [[0, 60, 1, 1, { amont = 1 }]]\n",
    )
    .unwrap();
    let mut rig = rig(&folder);
    rig.say("/score/add 1 4 t C4 0.8 1");
    for (line, words) in [
        ("/score/load bad.toml", &["bad.toml:3:1", "notes", "bad.toml:4:18", "0 to 1"][..]),
        ("/score/load song.osc", &["--score"]),
        ("/score/load song.mid", &["not a MIDI file"]),
        ("/score/load ../x.toml", &["in none of the folders"]),
        ("/score/load /etc/passwd", &["in none of the folders"]),
        ("/score/save ../x.toml", &["in none of the folders"]),
        ("/score/save song.mid", &["does not end in .toml"]),
    ] {
        let told = wait(&mut rig, line);
        assert!(told.len() == 1 && told[0].starts_with(&format!("/fail {} file", &line[..11])), "{line}: {told:?}");
        words.iter().for_each(|word| assert!(told[0].contains(word), "{line}: {told:?}"));
    }
    assert_eq!(rig.desk.fails("/score/load"), "wrong-arguments");
    assert_eq!(rig.desk.say("/score/get"), ["/score/get 1 5"]);
    // What nothing plays is told, and kept: it may be loaded later.
    let told = wait(&mut rig, "/score/load other.toml");
    assert!(told.len() == 3 && told[0].contains("did you mean t?") && told[1].contains("did you mean amount?"), "{told:?}");
    assert_eq!(rig.desk.say("/score/get"), ["/score/get 2 1"]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_midi_file_becomes_notes_that_follow_the_transport() {
    let controller = |delta: u32, number: u8, value: u8| TrackEvent {
        delta: u28::new(delta),
        kind: TrackEventKind::Midi { channel: u4::new(3), message: Smf::Controller { controller: u7::new(number), value: u7::new(value) } },
    };
    let metre = TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::TimeSignature(6, 3, 24, 8)) };
    let track = vec![
        metre,
        tempo(0, 1_000_000),
        controller(0, 7, 100),
        note(0, 3, 60, 127),
        controller(48, 64, 127),
        note(48, 3, 60, 0),
        // Beat 2: the pedal is let go.
        controller(96, 64, 0),
        tempo(0, 500_000),
        note(48, 3, 62, 64),
        note(24, 3, 62, 0),
        end(0),
    ];
    let folder = folder("midi");
    std::fs::write(folder.join("song.mid"), file(Format::SingleTrack, Timing::Metrical(u15::new(96)), vec![track])).unwrap();
    let mut rig = rig(&folder);
    rig.say("/transport/stop");
    let told = wait(&mut rig, "/score/load song.mid");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("1 controllers") && told[1] == "/done /score/load song.mid 2", "{told:?}");
    assert_eq!(rig.desk.say("/score/get 0 99"), ["/score/get 1 0 t 60 1 2", "/score/get 2 2.5 t 62 0.503937 0.25", "/done /score/get 2"]);
    assert_eq!(rig.desk.say("/clock/metre"), ["/clock/metre 6 8"]);
    rig.say("/transport/play");
    assert_eq!(rig.edges(5 * BEAT), [(0, 1), (4 * BEAT, 0), (4 * BEAT + BEAT / 2, 1), (4 * BEAT + BEAT * 3 / 4, 0)]);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Nobody who speaks to Control waits for a file, however large.
#[test]
fn a_large_score_is_loaded_and_saved_beside_everything_else() {
    let folder = folder("large");
    let mut text = "[[track]]\nslot = \"t\"\nnotes = [\n".to_owned();
    (0..20_000).for_each(|note| text.push_str(&format!("[{}, 60, 0.8, 0.25],\n", f64::from(note) / 4.0 + 1000.0)));
    std::fs::write(folder.join("large.toml"), text + "]\n").unwrap();
    let Rig { mut desk, stand, .. } = rig(&folder);
    let mut engine = desk.engine;
    desk.control.say(me(), "/transport/stop", &[]);
    let control = Arc::new(Mutex::new(desk.control));
    let conductor = Conductor::start(Arc::clone(&control), Arc::clone(&stand)).unwrap();
    let mut say = |line: &str| {
        let message = rackd::osc::text::read(line).unwrap().unwrap();
        let answers = control.lock().unwrap().say(me(), &message.address, &message.values);
        assert_eq!(answers, [], "{line}");
        let (until, mut later, mut longest) = (Instant::now() + Duration::from_secs(60), Vec::new(), Duration::ZERO);
        while !later.iter().any(|line: &String| line.starts_with("/done")) {
            assert!(Instant::now() < until, "{line}: {later:?}");
            engine.run(&[], 0, &mut [0.0; 128], 2);
            let asked = Instant::now();
            later.extend(control.lock().unwrap().tick().into_iter().map(|(_, message)| rackd::osc::text::spell(&message)));
            longest = longest.max(asked.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
        (later, longest)
    };
    let (loaded, waited) = say("/score/load large.toml");
    assert_eq!(loaded, ["/done /score/load large.toml 20000"]);
    let (saved, also) = say("/score/save again.toml");
    assert!(saved[0].ends_with("again.toml 20000"), "{saved:?}");
    // A wide margin: what is measured elsewhere are parts of a millisecond.
    assert!(waited < Duration::from_millis(500) && also < Duration::from_millis(500), "{waited:?} {also:?}");
    assert_eq!(lock(&stand).book.len(), 20_000);
    drop(conductor);
    std::fs::remove_dir_all(folder).unwrap();
}
