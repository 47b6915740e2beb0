//! Racks as they live: loaded, reloaded, unloaded, saved and played, while something sounds.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rackd::base::midi::MidiMessage;
use rackd::control::Message;

use crate::desk::{Desk, me};

/// A sine while a key is held; `loud` says how loud.
pub const SINE: &str = r#"
format = 1
[note]
[controls]
loud = 0.2
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = "5 ms"
[out]
in = "osc.sine * env * loud"
"#;

/// A constant; whoever adds it up hears which slots play.
pub fn level(x: f32) -> String {
    format!("format = 1\n[controls]\nlevel_of = {x}\n[out]\nin = \"level_of\"\n")
}

/// A folder of one test's own, and a desk that may load what lies in it.
pub struct Stage {
    pub folder: PathBuf,
    pub desk: Desk,
    /// What was answered while something was loaded.
    pub told: Vec<Message>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Stage {
    pub fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join(format!("rackd-racks-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed)));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        let stage = Self { desk: Desk::empty(vec![folder.clone()]), folder, told: Vec::new() };
        files.iter().for_each(|(name, text)| stage.write(name, text));
        stage
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// Runs until nothing is on its way; what is answered.
    pub fn settle(&mut self) -> Vec<Message> {
        self.desk.run(4_800);
        std::mem::take(&mut self.desk.later)
    }

    /// Loads a rack or a patch; it sounds when this comes back.
    #[track_caller]
    pub fn load(&mut self, line: &str) {
        self.desk.quietly(&format!("/rack/load {line}"));
        for _ in 0..40 {
            self.desk.run(480);
            let later = std::mem::take(&mut self.desk.later);
            assert!(later.iter().all(|answer| answer.address != "/fail"), "{later:?}");
            let done = later.iter().any(|answer| answer.address == "/done");
            self.told.extend(later);
            if done {
                self.desk.run(480);
                return;
            }
        }
        panic!("{line} is not done");
    }

    fn list(&mut self) -> Vec<String> {
        let answers = self.desk.control.say(me(), "/rack/list", &[]);
        answers[0].values.chunks(2).map(|pair| pair[0].to_string()).collect()
    }

    /// What is heard now, once it is at rest.
    fn hears(&mut self) -> f32 {
        self.desk.run(2_400);
        *self.desk.run(64).last().unwrap()
    }
}

pub fn key(channel: u8, key: u8) -> MidiMessage {
    MidiMessage::NoteOn { channel, key, velocity: 100 }
}

const TWO: &str = r#"# Two that add up.
format = 1
tempo = 90

[slots.low]                       # the low one
patch = "low.toml"
level = "-6.0206 dB"

[slots.high]
patch = "high.toml"
set   = { level_of = 0.25 }
"#;

fn two() -> Stage {
    let mut stage = Stage::new(&[("two.toml", TWO), ("low.toml", &level(0.5)), ("high.toml", &level(0.125))]);
    stage.load("two.toml");
    stage
}

#[test]
fn a_rack_is_loaded_whole_with_its_levels_and_what_it_sets() {
    let mut stage = two();
    assert_eq!(stage.list(), ["low", "high"]);
    assert!((stage.hears() - 0.5).abs() < 1e-4, "{}", stage.hears());
    assert_eq!(stage.desk.ask("/high/level_of"), 0.25);
    assert_eq!(stage.desk.ask("/clock/tempo"), 90.0);
    assert!((stage.desk.ask("/low/level") + 6.0206).abs() < 1e-4);
}

#[test]
fn a_mistake_anywhere_changes_nothing_and_all_are_told_with_their_files() {
    let mut stage = two();
    let before = stage.hears();
    stage.write("worse.toml", "format = 1\n[out]\nin = \"nothing\"\n");
    stage.write("three.toml", &TWO.replace("high.toml", "worse.toml").replace("level_of", "no_such"));
    let told = stage.desk.say("/rack/load three.toml");
    assert!(told[0].starts_with("/fail /rack/load patch") && told[0].contains("worse.toml:3:7"), "{told:?}");
    stage.write("three.toml", &TWO.replace("patch = \"low.toml\"", "patch = \"lwo.toml\"").replace("level_of", "no_such"));
    let told = stage.desk.say("/rack/load three.toml");
    assert!(told[0].contains("did you mean \\\"low.toml") && told[0].contains("no_such"), "{told:?}");
    let told = stage.desk.say("/rack/load twoo.toml");
    assert!(told[0].starts_with("/fail /rack/load file") && told[0].contains("did you mean two.toml?"), "{told:?}");
    let told = stage.desk.say("/rack/unload lwo");
    assert!(told[0].starts_with("/fail /rack/unload unknown-address") && told[0].contains("did you mean low?"), "{told:?}");
    assert_eq!((stage.hears(), stage.list()), (before, vec!["low".to_owned(), "high".to_owned()]));
}

#[test]
fn nothing_outside_the_folders_is_named_or_read() {
    let mut stage = two();
    let outside = stage.folder.with_extension("outside.toml");
    std::fs::write(&outside, level(0.5)).unwrap();
    let name = outside.file_name().unwrap().to_str().unwrap();
    stage.write("out.toml", &format!("format = 1\n[slots.a]\npatch = \"../{name}\"\n"));
    let told = stage.desk.say("/rack/load out.toml");
    assert!(told[0].contains("in none of the folders given"), "{told:?}");
    // Nor is it told what else lies there.
    stage.write("out.toml", &format!("format = 1\n[slots.a]\npatch = \"../x{name}\"\n"));
    assert!(!stage.desk.say("/rack/load out.toml")[0].contains("did you mean"));
    std::fs::remove_file(outside).unwrap();
}

#[test]
fn a_reload_plays_exactly_what_was_written_anew() {
    let mut stage = two();
    stage.desk.quietly("/low/level_of 0.75");
    stage.desk.quietly("/high/level_of 0.5");
    stage.desk.quietly("/low/pan 0.5");
    stage.desk.run(4_800);
    let answers = |stage: &mut Stage| {
        stage.desk.quietly("/rack/reload");
        let told = stage.settle();
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].values[1..].iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(answers(&mut stage).is_empty(), "nothing was written");
    // Another level of one slot, another value set in the other: what was turned by hand stays where it is but there.
    stage.write("two.toml", &TWO.replace("-6.0206 dB", "-12 dB").replace("# Two", "# Too"));
    assert!(answers(&mut stage).is_empty(), "no patch has to begin anew for a level");
    assert_eq!((stage.desk.ask("/low/level"), stage.desk.ask("/low/pan")), (-12.0, 0.5));
    assert_eq!((stage.desk.ask("/low/level_of"), stage.desk.ask("/high/level_of")), (0.75, 0.5));
    stage.write("two.toml", &TWO.replace("0.25", "0.375"));
    assert_eq!(answers(&mut stage), ["high"]);
    assert_eq!((stage.desk.ask("/low/level_of"), stage.desk.ask("/high/level_of")), (0.75, 0.375));
    // A patch that says something else in another place keeps what the rack sets.
    stage.write("high.toml", &format!("# Louder\n{}", level(0.0625)));
    assert_eq!(answers(&mut stage), ["high"]);
    assert_eq!(stage.desk.ask("/high/level_of"), 0.375);
    stage.write("two.toml", &TWO.replace("set   = { level_of = 0.25 }", ""));
    assert_eq!(answers(&mut stage), ["high"]);
    assert_eq!(stage.desk.ask("/high/level_of"), 0.0625, "what is set no more stands as its patch says");
    // A slot less, a slot more; one that was loaded by hand stays, one that was unloaded by hand stays away.
    stage.load("low.toml byhand");
    stage.desk.quietly("/rack/unload high");
    stage.settle();
    let more = TWO.replace("set   = { level_of = 0.25 }", "") + "[slots.more]\npatch = \"low.toml\"\n";
    stage.write("two.toml", &more);
    assert_eq!(answers(&mut stage), ["more"]);
    let mut list = stage.list();
    list.sort();
    assert_eq!(list, ["byhand", "low", "more"]);
    stage.write("two.toml", "format = 1\n[slots.more]\npatch = \"low.toml\"\n");
    assert!(answers(&mut stage).is_empty());
    let mut list = stage.list();
    list.sort();
    assert_eq!(list, ["byhand", "more"]);
    // Another rack is another rack.
    stage.write("one.toml", "format = 1\n[slots.high]\npatch = \"high.toml\"\n");
    stage.load("one.toml");
    assert_eq!(stage.list(), ["high"]);
}

#[test]
fn an_unloaded_slot_is_forgotten_by_all() {
    let mut stage = Stage::new(&[("sine.toml", SINE), ("low.toml", &level(0.25))]);
    stage.load("low.toml");
    stage.load("sine.toml");
    stage.desk.quietly("/sine/note/on a 60 0.8");
    stage.desk.midi(key(0, 64));
    stage.desk.quietly("/sine/loud 0.9 60");
    stage.desk.bundle(rackd::control::When::At(1_000_000), &["/sine/note 60 1", "/sine/loud 0.3"]);
    assert_eq!(stage.desk.say("/sub /sine").len(), 1);
    stage.desk.run(4_800);
    assert!(crate::rig::peak(&stage.desk.run(2_400)) > 0.4, "it sounds");
    let waiting = stage.desk.status("waiting");
    assert!(waiting > 0);
    stage.desk.later.clear();
    stage.told.clear();
    stage.desk.quietly("/rack/unload sine");
    // At once it is not there any more, and soon not heard.
    for line in ["/sine/note/off a", "/sine/loud 0.1", "/sine/note 60 1", "/n/sine/loud 0.5", "/sine/level -3", "/sine/midi/channel 2"] {
        assert_eq!(stage.desk.fails(line), "unknown-address", "{line}");
    }
    assert_eq!(stage.desk.fails("/rack/reload sine"), "unknown-address");
    assert_eq!(stage.desk.fails("/*/loud 0.5"), "pattern");
    let told = stage.settle();
    assert!(told.iter().any(|answer| answer.address == "/done" && answer.values[1] == "sine".into()), "{told:?}");
    assert_eq!((stage.hears(), stage.desk.status("voices"), stage.desk.status("slots")), (0.25, 0, 1));
    assert_eq!((stage.list(), stage.desk.status("waiting")), (vec!["low".to_owned()], 0));
    let sums = |stage: &Stage| {
        let of = |name: &str| stage.desk.status(name);
        assert_eq!(of("events"), of("fed") + of("merged") + of("dropped") + of("waiting"));
        assert_eq!(of("messages"), of("accepted") + of("refused") + of("late-dropped"));
    };
    sums(&stage);
    // Whoever comes next under its number, and whoever comes under its name, begins afresh.
    stage.load("low.toml other");
    assert_eq!((stage.hears(), stage.desk.ask("/other/level")), (0.5, 0.0));
    stage.load("sine.toml");
    assert!((stage.desk.ask("/sine/loud") - 0.2).abs() < 1e-6);
    stage.desk.midi(MidiMessage::NoteOff { channel: 0, key: 64, velocity: 0 });
    assert!((stage.hears() - 0.5).abs() < 1e-6, "no note of before sounds");
    assert!(stage.told.iter().chain(&stage.desk.later).any(|answer| answer.address == "/sine/loud"), "who subscribed is told of it again");
    sums(&stage);
}

/// What is heard on the left of a slot that plays the whole time while a verb is used half-way.
fn beside(more: impl Fn(&mut Stage)) -> Vec<u32> {
    let mut stage = Stage::new(&[("sine.toml", SINE), ("pad.toml", include_str!("../../patches/pad.toml")), ("low.toml", &level(0.0))]);
    stage.load("pad.toml");
    stage.load("sine.toml silent");
    stage.desk.run(4_800 - stage.desk.engine.now() as usize % 4_800);
    for note in [48, 55, 63] {
        stage.desk.midi(key(0, note));
    }
    stage.desk.quietly("/silent/level -60");
    let mut heard = stage.desk.run(9_600);
    more(&mut stage);
    heard.extend(stage.desk.run(9_600));
    stage.desk.midi(key(0, 51));
    heard.extend(stage.desk.run(9_600));
    heard.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn nothing_else_changes_by_a_bit_while_a_slot_comes_changes_and_goes() {
    let want = beside(|_| {});
    assert!(want.iter().any(|bits| f32::from_bits(*bits).abs() > 0.02), "it sounds");
    type Act = fn(&mut Stage);
    let acts: [(&str, Act); 5] = [
        ("load", |stage| stage.desk.quietly("/rack/load low.toml")),
        ("unload", |stage| stage.desk.quietly("/rack/unload silent")),
        ("reload", |stage| {
            stage.write("sine.toml", &SINE.replace("5 ms", "6 ms"));
            stage.desk.quietly("/rack/reload silent");
        }),
        ("another", |stage| stage.desk.quietly("/rack/load low.toml silent")),
        ("save", |stage| assert!(stage.desk.say("/rack/save all.toml")[0].starts_with("/done"))),
    ];
    for (name, act) in acts {
        let other = want.iter().zip(&beside(act)).position(|(a, b)| a != b);
        assert_eq!(other, None, "{name}: the first other frame");
    }
}

#[test]
fn names_that_are_taken_and_sixty_four_slots() {
    let mut stage = Stage::new(&[("low.toml", &level(0.0078125)), ("Low.toml", &level(0.5)), ("sub/master.toml", &level(0.0))]);
    for _ in 0..2 {
        stage.load("low.toml");
    }
    stage.load("sub/master.toml");
    stage.load("low.toml \"Bass Drum\"");
    assert_eq!(stage.list(), ["low", "master-2", "bass-drum"]);
    for at in 0..61 {
        stage.load(&format!("low.toml s{at}"));
    }
    assert_eq!(stage.list().len(), 64);
    assert!(stage.desk.say("/rack/load low.toml more")[0].contains("no room for another slot"));
    assert!((stage.hears() - 63.0 * 0.0078125).abs() < 1e-6);
    // A number is used again as soon as it is free.
    stage.desk.quietly("/rack/unload s20");
    stage.load("low.toml more");
    assert_eq!(stage.list()[23], "more");
    assert!((stage.hears() - 63.0 * 0.0078125).abs() < 1e-6);
    // All of them in place of all of them.
    let slots = |patch: &str| (0..64).map(|at| format!("[slots.t{at}]\npatch = \"{patch}\"\n")).collect::<String>();
    stage.write("many.toml", &format!("format = 1\n{}", slots("low.toml")));
    stage.load("many.toml");
    assert_eq!((stage.list().len(), stage.list()[7].as_str()), (64, "t7"));
    assert!((stage.hears() - 0.5).abs() < 1e-6, "{}", stage.hears());
    assert_eq!(stage.desk.status("slots"), 64);
}

#[test]
fn keys_play_the_slots_whose_zones_they_are_in() {
    let mut stage = Stage::new(&[
        ("sine.toml", SINE),
        (
            "split.toml",
            "format = 1\n[slots.low]\npatch = \"sine.toml\"\nmidi = { keys = \"C0..B3\" }\n[slots.high]\npatch = \"sine.toml\"\nmidi = { keys = \"C4..G9\", channel = 2 }\n",
        ),
    ]);
    stage.load("split.toml");
    let held = |stage: &mut Stage| {
        let answers = stage.desk.control.say(me(), "/meter", &[]);
        drop(answers);
        stage.desk.run(480);
        stage.desk.status("voices")
    };
    stage.desk.midi(key(0, 48));
    assert_eq!(held(&mut stage), 1);
    stage.desk.midi(key(0, 60));
    assert_eq!(held(&mut stage), 1, "the high one listens to channel 2");
    stage.desk.midi(key(1, 60));
    assert_eq!(held(&mut stage), 2);
    assert_eq!(stage.desk.say("/low/midi/keys"), ["/low/midi/keys 12 59"]);
    assert_eq!(stage.desk.say("/high/midi/channel"), ["/high/midi/channel 2"]);
    stage.desk.quietly("/high/midi/channel 0");
    stage.desk.quietly("/low/midi/keys C5 C6");
    stage.desk.midi(key(0, 48));
    stage.desk.midi(key(0, 62));
    assert_eq!(held(&mut stage), 3, "another high one, and the low one's second stroke is for nobody");
    for (channel, of) in [(0, 48), (1, 60), (0, 62)] {
        stage.desk.midi(MidiMessage::NoteOff { channel, key: of, velocity: 64 });
    }
    stage.desk.run(4_800);
    assert_eq!(held(&mut stage), 0, "what began in a zone that is another now ends all the same");
    assert_eq!(stage.desk.fails("/low/midi/keys C6 C5"), "wrong-arguments");
    assert_eq!(stage.desk.say("/sub /low/midi").len(), 1);
    stage.desk.run(480);
    let told: Vec<String> = stage.desk.later.iter().map(rackd::osc::text::spell).collect();
    assert!(told.contains(&"/low/midi/keys 72 84".to_owned()), "{told:?}");
    stage.desk.quietly("/low/midi/transpose \"-1 oct\"");
    assert_eq!(stage.desk.ask("/low/midi/transpose"), -1.0);
}
