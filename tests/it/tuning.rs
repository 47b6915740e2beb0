//! Tunings: from files, patches, messages and System Exclusive to the pitch that is heard, within 0.01 cent.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rackd::base::midi::MidiMessage;
use rackd::base::units::hertz_from_octaves;
use rackd::control::tuning::resolve;
use rackd::control::{Client, Message, Value, When};
use rackd::media::{KeyMap, Scale};
use rackd::patch::{ScaleSpec, TuningSpec};

use crate::desk::{Desk, RATE};

/// A sine as loud as its key is held, and its tuning.
fn sine(tuning: &str) -> String {
    format!(
        r#"
format = 1
{tuning}
[note]
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "5 ms"
sustain = 1
release = 0
[out]
in = "osc.sine * env * 0.5"
"#
    )
}

fn shipped() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("patches/tunings")
}

/// The frequency of a sine by where it first and last rises through zero.
fn heard(frames: &[f32]) -> f64 {
    let rises: Vec<f64> = frames
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(at, pair)| at as f64 + f64::from(-pair[0]) / f64::from(pair[1] - pair[0]))
        .collect();
    (rises.len() - 1) as f64 * f64::from(RATE) / (rises[rises.len() - 1] - rises[0])
}

#[track_caller]
fn near(got: f64, want: f64, cents: f64, of: &str) {
    let off = 1200.0 * (got / want).log2();
    assert!(off.abs() < cents, "{of}: {got} Hz for {want} Hz, {off:+.4} cents");
}

fn on(desk: &mut Desk, key: u8) {
    desk.midi(MidiMessage::NoteOn { channel: 0, key, velocity: 100 });
}

fn off(desk: &mut Desk, key: u8) {
    desk.midi(MidiMessage::NoteOff { channel: 0, key, velocity: 0 });
    desk.run(256);
}

/// What a key sounds like, heard for a second and a half.
fn pitch(desk: &mut Desk, key: u8) -> f64 {
    on(desk, key);
    desk.run(2_048);
    let hertz = heard(&desk.run(72_000));
    off(desk, key);
    hertz
}

/// A patch from a file of this folder plays.
fn desk_at(folder: &Path, tuning: &str) -> Desk {
    let mut desk = Desk::empty(vec![folder.to_owned()]);
    desk.control.load("t", &sine(tuning), Some(&folder.join("t.toml"))).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    desk.run(512);
    desk
}

fn octave(ratio: f64, octaves: i32) -> f64 {
    ratio * 2f64.powi(octaves)
}

#[test]
fn known_scales_sound_within_a_hundredth_of_a_cent() {
    let c4 = 440.0 / 2f64.powf(0.75);
    let fifth = 5f64.powf(0.25);
    // Scale, keys and what they must be, worked out here from what defines the scale and not from its file.
    let cases: [(&str, Vec<(u8, f64)>); 5] = [
        ("equal-12.scl", vec![(21, 27.5), (61, c4 * 2f64.powf(1.0 / 12.0)), (69, 440.0), (96, c4 * 8.0)]),
        ("pythagorean.scl", vec![(67, c4 * 1.5), (64, c4 * 81.0 / 64.0), (55, c4 * 0.75), (71, c4 * 243.0 / 128.0), (84, c4 * 4.0)]),
        (
            "meantone.scl",
            vec![
                (67, c4 * fifth),
                (64, c4 * 1.25),
                (62, c4 * fifth * fifth / 2.0),
                (63, c4 * octave(fifth.powi(-3), 2)),
                (68, c4 * octave(fifth.powi(8), -4)),
            ],
        ),
        ("bohlen-pierce.scl", vec![(73, c4 * 3.0), (47, c4 / 3.0), (66, c4 * 5.0 / 3.0), (70, c4 * 7.0 / 3.0), (80, c4 * 3.0 * 9.0 / 5.0)]),
        ("equal-19.scl", vec![(79, c4 * 2.0), (61, c4 * 2f64.powf(1.0 / 19.0)), (58, c4 * 2f64.powf(-2.0 / 19.0))]),
    ];
    for (file, keys) in cases {
        let mut desk = desk_at(&shipped(), &format!("tuning = \"{file}\""));
        for (key, want) in keys {
            near(pitch(&mut desk, key), want, 0.01, &format!("{file}, key {key}"));
        }
    }
}

#[test]
fn a_key_map_says_which_keys_play_and_others_are_counted() {
    let tuning = "tuning = { scale = \"slendro.scl\", map = \"black-keys.kbm\" }";
    let mut desk = desk_at(&shipped(), tuning);
    let root = 440.0 * 2f64.powf(-8.0 / 12.0);
    for (key, degree) in [(61, 0.0), (63, 1.0), (66, 2.0), (68, 3.0), (70, 4.0), (73, 5.0), (58, -1.0)] {
        near(pitch(&mut desk, key), root * 2f64.powf(degree / 5.0), 0.01, &format!("key {key}"));
    }
    on(&mut desk, 60);
    assert!(desk.run(2_048).iter().all(|x| *x == 0.0), "a white key plays nothing");
    off(&mut desk, 60);
    assert_eq!(desk.status("refused/unmapped"), 1);
    // Over OSC it is answered as well, and its end is no mistake.
    assert_eq!(desk.fails("/t/note 62 0.8"), "unmapped");
    assert_eq!(desk.fails("/t/note/on 7 62 0.8"), "unmapped");
    assert!(desk.run(2_048).iter().all(|x| *x == 0.0));
    desk.quietly("/t/note/off 7");
    let (said, done) = (desk.status("messages"), desk.status("accepted"));
    assert_eq!(desk.fails("/t/note/off 7"), "unknown-note");
    assert_eq!((desk.status("messages"), desk.status("accepted")), (said + 1, done), "what plays nothing is no refusal");
    let counts = desk.control.counts();
    assert_eq!(counts.messages, counts.accepted + counts.refused());
}

#[test]
fn inline_scales_roots_and_references() {
    let just = r#"tuning = { scale = ["9/8", "5/4", 498.045, "3/2", "884.359 ct", "15/8", "2/1"], root = "D3", reference = "D4", frequency = "300 Hz" }"#;
    let mut desk = Desk::new(&sine(just));
    // Seven notes to the octave: D4 is twelve keys, a period and five degrees, above the root D3.
    let fifth_degree = 2f64.powf(884.359 / 1200.0);
    near(pitch(&mut desk, 62), 300.0, 0.01, "the reference");
    near(pitch(&mut desk, 57), 300.0 / fifth_degree, 0.01, "a period above the root");
    near(pitch(&mut desk, 53), 300.0 / fifth_degree * 2f64.powf(498.045 / 1200.0) / 2.0, 0.01, "the fourth");
    let mut desk = Desk::new(&sine("tuning = { frequency = \"442 Hz\" }"));
    near(pitch(&mut desk, 69), 442.0, 0.01, "a reference alone");
    near(pitch(&mut desk, 60), 442.0 * 2f64.powf(-0.75), 0.01, "and what goes with it");
    // Fractions lie between the keys; frequencies are as they are said.
    assert!(desk.say("/tuning/note t 61 50").iter().all(|told| told.starts_with("/done")));
    desk.quietly("/t/note 60.5 0.8 2");
    desk.run(2_048);
    let (low, high) = (442.0 * 2f64.powf(-0.75), 440.0 * 2f64.powf(-7.5 / 12.0));
    near(heard(&desk.run(72_000)), (low * high).sqrt(), 0.01, "half way between two keys");
    desk.run(48_000);
    desk.quietly("/t/note \"440 Hz\" 0.8 2");
    desk.run(2_048);
    near(heard(&desk.run(72_000)), 440.0, 0.01, "a frequency is not tuned");
}

#[test]
fn what_cannot_be_used_changes_nothing_and_says_where() {
    let mut desk = desk_at(&shipped(), "tuning = \"just.scl\"");
    let folder = std::env::temp_dir().join(format!("rackd-tuning-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("bad.scl"), "! bad\n!\nA scale\n2\n3//2\n2/1\n").unwrap();
    std::fs::write(folder.join("old.scl"), b"Caf\xe9\r\n1\r\n2/1\r\n").unwrap();
    std::fs::write(folder.join("deaf.kbm"), "1\n0\n127\n60\n60\n261.6\n0\nx\n").unwrap();
    std::fs::write(folder.join("good.scl"), "!\n\n2\n3/2\n2/1\n").unwrap();
    for (tuning, words) in [
        ("tuning = \"bad.scl\"", vec!["bad.scl", "line 5", "3//2"]),
        ("tuning = \"nowhere.scl\"", vec!["nowhere.scl is not there"]),
        ("tuning = \"../../etc/passwd.scl\"", vec!["is not there"]),
        ("tuning = { scale = \"good.scl\", map = \"deaf.kbm\" }", vec!["deaf.kbm", "line 5"]),
    ] {
        let wrong = desk.control.load("t", &sine(tuning), Some(&folder.join("t.toml"))).unwrap_err();
        let told = wrong.iter().find(|told| told.code == "bad-tuning").unwrap_or_else(|| panic!("{wrong:#?}"));
        assert!(words.iter().all(|word| told.message.contains(word)), "{told:?}");
        assert!(sine(tuning)[told.labels[0].span.clone()].contains("scl"), "its place is that of the tuning");
    }
    desk.run(512);
    near(pitch(&mut desk, 64), 440.0 * 2f64.powf(-0.75) * 1.25, 0.01, "the tuning before stays");
    desk.control.load("t", &sine("tuning = \"old.scl\""), Some(&folder.join("t.toml"))).unwrap();
    assert_eq!(desk.fails("/tuning/scale bad.scl"), "file");
    assert_eq!(desk.fails("/tuning/scale t 3//2"), "wrong-arguments");
    assert_eq!(desk.fails("/tuning/octave 1 2 3"), "wrong-arguments");
    assert_eq!(desk.fails("/tuning/reference 0"), "wrong-arguments");
    assert_eq!(desk.fails("/tuning/note 128 0"), "wrong-arguments");
    assert_eq!(desk.fails("/tuning/get nobody"), "unknown-address");
    std::fs::remove_dir_all(folder).unwrap();
}

fn frequencies(desk: &mut Desk, line: &str) -> (String, Vec<f64>) {
    let message = rackd::osc::text::read(line).unwrap().unwrap();
    let told = desk.control.say(crate::desk::me(), &message.address, &message.values);
    let [Message { values, .. }] = &told[..] else { panic!("{told:?}") };
    (values[1].to_string(), values[2..].iter().map(|value| value.number().unwrap()).collect())
}

#[test]
fn the_verbs_tune_the_rack_a_slot_and_forget_again() {
    let mut desk = Desk::empty(vec![shipped()]);
    for slot in ["a", "b"] {
        desk.control.load(slot, &sine(""), None).unwrap();
        desk.run(512);
    }
    let c4 = 440.0 * 2f64.powf(-0.75);
    assert_eq!(desk.say("/tuning/scale * just.scl"), ["/done /tuning/scale"]);
    assert_eq!(desk.say("/tuning/reference 442"), ["/done /tuning/reference"]);
    let (name, rack) = frequencies(&mut desk, "/tuning/get");
    assert!(name.starts_with("Just intonation"), "{name}");
    near(rack[69], 442.0, 1e-6, "A4");
    near(rack[60], 442.0 * 3.0 / 5.0, 1e-6, "C4 a pure sixth below");
    desk.say("/tuning/octave b 0 0 0 0 0 0 0 0 0 -14 0 0");
    near(frequencies(&mut desk, "/tuning/get b").1[69], 442.0 * 2f64.powf(-14.0 / 1200.0), 1e-6, "b has its own, by the reference before");
    near(frequencies(&mut desk, "/tuning/get a").1[60], 442.0 * 3.0 / 5.0, 1e-6, "a follows the rack");
    desk.say("/tuning/note a A4 \"431 Hz\"");
    near(frequencies(&mut desk, "/tuning/get a").1[69], 431.0, 1e-3, "one key");
    near(frequencies(&mut desk, "/tuning/get *").1[69], 442.0, 1e-6, "of one slot");
    desk.say("/tuning/scale a 100 200 \"3/2\" \"2/1\"");
    near(frequencies(&mut desk, "/tuning/get a").1[73], 442.0 * 2.0, 1e-6, "four notes to the octave");
    desk.say("/tuning/load a slendro.scl black-keys.kbm");
    let (_, mapped) = frequencies(&mut desk, "/tuning/get a");
    assert_eq!(mapped[60], 0.0, "0 plays nothing");
    near(mapped[61], 277.182_630_976_9, 1e-6, "a map brings its own reference");
    assert_eq!(desk.say("/tuning/reset a"), ["/done /tuning/reset"]);
    near(frequencies(&mut desk, "/tuning/get a").1[60], 442.0 * 3.0 / 5.0, 1e-6, "the rack's again");
    desk.say("/tuning/reset");
    for of in ["a", "b", "*"] {
        let (name, keys) = frequencies(&mut desk, &format!("/tuning/get {of}"));
        assert_eq!(name, "equal temperament");
        near(keys[60], c4, 1e-6, of);
    }
}

#[test]
fn in_one_packet_the_notes_after_a_tuning_have_it() {
    let mut desk = Desk::new(&sine(""));
    desk.bundle(When::Now, &["/t/note/on 1 A4 0.8", "/tuning/reference 220", "/t/note/on 2 A5 0.8"]);
    // Both move to, or begin at, what the bundle has come to: an octave lower.
    desk.run(2_048);
    desk.quietly("/t/note/off 1");
    desk.run(512);
    near(heard(&desk.run(72_000)), 440.0, 0.01, "the second note");
    desk.quietly("/t/note/off 2");
    // At a time of its own: the note that begins there too has the new pitch, the one before it moves.
    let at = 200_000;
    desk.say("/t/note/on 3 A4 0.8");
    desk.bundle(When::At(at), &["/tuning/reference 330", "/t/note/on 4 A5 0.8", "/t/note/off 3"]);
    desk.run(48_000);
    near(heard(&desk.run(48_000)), 220.0, 0.01, "not before its time");
    desk.run(60_000);
    near(heard(&desk.run(72_000)), 660.0, 0.01, "from its time on");
}

#[test]
fn a_chord_that_sounds_moves_without_a_click_and_keeps_its_bend() {
    let mut desk = Desk::new(&sine(""));
    for key in [57, 64, 69] {
        on(&mut desk, key);
    }
    desk.midi(MidiMessage::Bend { channel: 0, value: 4_096 });
    desk.run(9_600);
    let before = desk.run(4_800);
    let bend = 2f64.powf(4_096.0 / 8_191.0 * 2.0 / 12.0);
    desk.say("/tuning/scale 10 200 386.3137 498.045 701.955 884.3587 1088.2687 1200");
    let moved = desk.run(4_800);
    // Three sines of a sixth of the way each: no step may be larger than they can make by themselves.
    let steepest = |frames: &[f32]| frames.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steepest(&moved) < 1.05 * 0.5 * std::f32::consts::TAU * (440.0 + 330.0 + 220.0) * 2.0 / RATE, "{}", steepest(&moved));
    let curve = |frames: &[f32]| frames.windows(3).map(|of| (of[0] - 2.0 * of[1] + of[2]).abs()).fold(0.0, f32::max);
    assert!(curve(&moved) < 3.0 * curve(&before).max(1e-3), "a bend in the wave: {} after {}", curve(&moved), curve(&before));
    off(&mut desk, 57);
    off(&mut desk, 64);
    // Eight notes: A4 is nine keys above C4, a period and a degree.
    let want = 440.0 * 2f64.powf(-0.75) * 2.0 * 2f64.powf(10.0 / 1200.0) * bend;
    near(heard(&desk.run(72_000)), want, 0.01, "the bend is kept");
    desk.midi(MidiMessage::Bend { channel: 0, value: 0 });
    desk.run(2_048);
    near(heard(&desk.run(72_000)), want / bend, 0.01, "and let go of");
}

#[test]
fn a_glide_goes_on_to_the_new_pitch_and_a_unison_keeps_its_detune() {
    let mono = sine("").replace("[note]", "[note]\nmode = \"legato\"\nglide = \"1 s\"");
    let mut desk = Desk::new(&mono);
    on(&mut desk, 57);
    desk.run(4_800);
    on(&mut desk, 69);
    desk.run(24_000);
    desk.say("/tuning/reference 466.16");
    let half = heard(&desk.run(480));
    assert!((250.0..420.0).contains(&half), "still on its way: {half}");
    desk.run(26_000);
    near(heard(&desk.run(72_000)), 466.16, 0.01, "arrived");
    let unison = sine("")
        .replace("[note]", "[note]\nunison = 2\ndetune = \"100 ct\"\n")
        .replace("osc.sine * env", "osc.sine * env * (0.5 + note.pan * 0.5)");
    let unison = unison.replace("[note]", "[note]\nspread = 1");
    let mut desk = Desk::new(&unison);
    on(&mut desk, 69);
    desk.run(2_048);
    near(heard(&desk.run(72_000)), 440.0 * 2f64.powf(0.5 / 12.0), 0.01, "the upper of the two");
    desk.say("/tuning/reference 450");
    desk.run(2_048);
    near(heard(&desk.run(72_000)), 450.0 * 2f64.powf(0.5 / 12.0), 0.01, "as far above as before");
}

#[test]
fn a_module_that_is_not_to_be_tuned_asks_for_the_key() {
    let patch = sine("tuning = { frequency = \"466.16 Hz\" }").replace("type = \"vco\"", "type = \"vco\"\npitch = \"note.key\"");
    let mut desk = Desk::new(&patch);
    near(pitch(&mut desk, 69), 440.0, 0.01, "A4 as it always was");
    on(&mut desk, 57);
    desk.midi(MidiMessage::Bend { channel: 0, value: 8_191 });
    desk.run(4_800);
    near(heard(&desk.run(72_000)), 220.0, 0.01, "without bend");
}

fn exclusive(desk: &mut Desk, bytes: &[u8]) {
    desk.control.exclusive(Client::port(0), bytes, When::Now);
}

#[test]
fn the_midi_tuning_standard_tunes_what_sounds() {
    let mut desk = Desk::new(&sine(""));
    on(&mut desk, 69);
    desk.run(2_048);
    // Real time, one note: key 69 to 70 and a half semitone.
    exclusive(&mut desk, &[0x7f, 0x7f, 8, 2, 0, 1, 69, 70, 64, 0]);
    desk.run(2_048);
    near(heard(&desk.run(72_000)), 440.0 * 2f64.powf(1.5 / 12.0), 0.01, "at once");
    // Not in real time: the next note has it, this one goes on.
    exclusive(&mut desk, &[0x7e, 0x7f, 8, 7, 0, 0, 1, 69, 69, 0, 0]);
    desk.run(2_048);
    near(heard(&desk.run(72_000)), 440.0 * 2f64.powf(1.5 / 12.0), 0.01, "it goes on");
    off(&mut desk, 69);
    near(pitch(&mut desk, 69), 440.0, 0.01, "the next note");
    // A scale for the octave, by one byte and by two.
    let mut scale = vec![0x7f, 0x7f, 8, 8, 3, 127, 127];
    scale.extend([64, 64, 64, 64, 50, 64, 64, 64, 64, 64, 64, 64]);
    exclusive(&mut desk, &scale);
    near(pitch(&mut desk, 64), 440.0 * 2f64.powf(-5.14 / 12.0), 0.01, "14 cents lower");
    let mut fine = vec![0x7e, 0x7f, 8, 9, 3, 127, 127];
    fine.extend([64, 0].repeat(11));
    fine.extend([96, 0]);
    exclusive(&mut desk, &fine);
    near(pitch(&mut desk, 71), 440.0 * 2f64.powf(2.5 / 12.0), 0.01, "50 cents higher");
    near(pitch(&mut desk, 64), 440.0 * 2f64.powf(-5.0 / 12.0), 0.01, "and not added to the scale before");
    // A dump of all keys; what is malformed changes nothing and is counted.
    let mut dump = vec![0x7e, 0, 8, 1, 0];
    dump.extend(*b"quarter tones up");
    dump.extend((0..128u8).flat_map(|key| if key == 127 { [127, 127, 127] } else { [key, 64, 0] }));
    dump.push(dump.iter().fold(0, |sum, byte| sum ^ byte) & 127);
    let mut broken = dump.clone();
    broken[40] ^= 2;
    exclusive(&mut desk, &broken);
    assert_eq!(desk.status("refused/exclusive"), 1);
    near(pitch(&mut desk, 60), 440.0 * 2f64.powf(-0.75), 0.01, "broken");
    exclusive(&mut desk, &dump);
    near(pitch(&mut desk, 60), 440.0 * 2f64.powf(-8.5 / 12.0), 0.01, "whole");
    // Master tuning is on top, master volume turns the master.
    exclusive(&mut desk, &[0x7f, 0x7f, 4, 4, 0, 76]);
    exclusive(&mut desk, &[0x7f, 0x7f, 4, 3, 0, 96]);
    near(pitch(&mut desk, 60), 440.0 * 2f64.powf(4.0 / 12.0), 0.01, "an octave and a quarter tone up");
    exclusive(&mut desk, &[0x7f, 0x7f, 4, 1, 0, 64]);
    desk.run(512);
    assert!((desk.ask("/master/level") + 12.04).abs() < 0.01, "{}", desk.ask("/master/level"));
    exclusive(&mut desk, &[0x7f, 0x7f, 4, 1, 0, 0]);
    assert_eq!(desk.ask("/master/level"), -60.0);
    let counts = desk.control.counts();
    assert_eq!(counts.messages, counts.accepted + counts.refused());
}

#[test]
fn a_slot_with_a_tuning_of_its_own_wins_over_messages_for_the_rack() {
    let mut desk = Desk::empty(vec![shipped()]);
    desk.control.load("own", &sine("tuning = \"equal\""), None).unwrap();
    desk.run(512);
    desk.control.load("follows", &sine(""), None).unwrap();
    desk.run(512);
    exclusive(&mut desk, &[0x7f, 0x7f, 8, 2, 0, 1, 69, 70, 0, 0]);
    near(frequencies(&mut desk, "/tuning/get own").1[69], 440.0, 1e-6, "its patch says equal");
    near(frequencies(&mut desk, "/tuning/get follows").1[69], 440.0 * 2f64.powf(1.0 / 12.0), 1e-6, "no word of its own");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_much_for_the_readers(
        text in proptest::collection::vec(
            prop_oneof!["[ -~]{0,12}", "[0-9]{1,3}", "[0-9]{1,4}/[0-9]{1,4}", "-?[0-9]{1,4}\\.[0-9]{0,6}", Just("x".to_owned()), "!.{0,9}", "\\PC{0,6}"],
            0..24,
        )
    ) {
        let text = text.join("\n");
        let lines = text.lines().count() + 1;
        match Scale::read(&text) {
            Ok(scale) => {
                prop_assert!((1..=1000).contains(&scale.notes()));
                for degree in [-1000i64, -1, 0, 1, 5000] {
                    prop_assert!(scale.pitch(degree).is_finite());
                }
                prop_assert_eq!(scale.pitch(scale.notes() as i64), scale.period());
            }
            Err(mistake) => prop_assert!((1..=lines).contains(&mistake.line), "{mistake}"),
        }
        match KeyMap::read(&text) {
            Ok(map) => prop_assert!(map.pitch(map.reference, &Scale::equal()).is_some()),
            Err(mistake) => prop_assert!((1..=lines).contains(&mistake.line), "{mistake}"),
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(steps in proptest::collection::vec(1.0f64..4800.0, 1..40), key in 0u8..128) {
        let text = format!("!\na scale\n{}\n{}\n", steps.len(), steps.iter().map(|step| format!("{step:.6}")).collect::<Vec<_>>().join("\n"));
        let scale = Scale::read(&text).unwrap();
        let from = i64::from(key) - 60;
        let (times, within) = (from.div_euclid(steps.len() as i64), from.rem_euclid(steps.len() as i64) as usize);
        let want = times as f64 * steps[steps.len() - 1] + if within == 0 { 0.0 } else { steps[within - 1] };
        prop_assert!((scale.pitch(from) * 1200.0 - want).abs() < 1e-3);
        prop_assert!(hertz_from_octaves(scale.pitch(0)) > 261.0);
    }

    #[test]
    fn no_exclusive_message_does_harm(bytes in proptest::collection::vec(0u8..=127, 0..420), head in 0usize..8) {
        let heads: [&[u8]; 8] = [
            &[0x7f, 0x7f, 8, 2], &[0x7e, 1, 8, 7], &[0x7e, 1, 8, 1], &[0x7f, 0x7f, 8, 8],
            &[0x7e, 0x7f, 8, 9], &[0x7e, 0, 8, 4], &[0x7f, 0x7f, 4, 1], &[],
        ];
        let (mut control, _engine) = crate::desk::pair(Vec::new());
        control.exclusive(Client::port(0), &[heads[head], &bytes].concat(), When::Now);
        let counts = control.counts();
        prop_assert_eq!(counts.messages, counts.accepted + counts.refused());
        let told = control.say(crate::desk::me(), "/tuning/get", &[]);
        prop_assert!(told[0].values[2..].iter().all(|value| matches!(value, Value::Number(hertz) if hertz.is_finite())));
    }
}

#[test]
fn racks_and_their_slots_name_tunings_and_are_written_back() {
    let text = r#"
tuning = { scale = "just.scl", root = "D4", frequency = "442 Hz" }
[slots.a]
patch = "a.toml"
tuning = ["9/8", "5/4", 498.045, 702, "5:3", "2/1"]
[slots.b]
patch = "b.toml"
tuning = "equal"
[slots.c]
patch = "c.toml"
"#;
    let (rack, wrong) = rackd::patch::parse_rack(text);
    assert_eq!(wrong, []);
    let rack = rack.unwrap();
    let tuning = rack.tuning.clone().unwrap();
    assert_eq!((tuning.root, tuning.reference, tuning.frequency.map(f64::round)), (Some(62), None, Some(442.0)));
    assert!(matches!(&rack.slots[0].tuning.as_ref().unwrap().scale, Some(ScaleSpec::Inline(_, scale)) if scale.notes() == 6));
    assert!(rack.slots[1].tuning.is_some() && rack.slots[2].tuning.is_none());
    let written = rackd::patch::write_rack(None, &rack);
    let (back, wrong) = rackd::patch::parse_rack(&written);
    assert_eq!(wrong, [], "{written}");
    assert_eq!(back.unwrap().without_places(), rack.without_places(), "{written}");
    // What the rack's file says comes to the slots; a slot's own wins, then its patch's.
    let mut desk = Desk::empty(Vec::new());
    for (slot, own) in [("a", ""), ("b", "tuning = { frequency = 300 }"), ("c", "tuning = { frequency = 310 }"), ("d", "")] {
        desk.control.load(slot, &sine(own), None).unwrap();
        desk.run(512);
    }
    let from = shipped().join("rack.toml");
    let read = |spec: &Option<TuningSpec>| spec.as_ref().map(|spec| resolve(spec, Some(&from), &[]).unwrap());
    desk.control.tune_rack(read(&rack.tuning));
    desk.control.tune_slot(0, read(&rack.slots[0].tuning));
    desk.control.tune_slot(1, read(&rack.slots[1].tuning));
    let c4 = 440.0 * 2f64.powf(-0.75);
    near(frequencies(&mut desk, "/tuning/get a").1[66], c4 * 2.0, 1e-6, "the slot's own six notes");
    near(frequencies(&mut desk, "/tuning/get b").1[69], 440.0, 1e-6, "the slot's word wins over its patch's");
    near(frequencies(&mut desk, "/tuning/get c").1[69], 310.0, 1e-6, "the patch's over the rack's");
    near(frequencies(&mut desk, "/tuning/get d").1[69], 442.0, 1e-6, "the rack's where nobody says more");
    near(frequencies(&mut desk, "/tuning/get d").1[62], 442.0 * 2.0 / 3.0, 1e-6, "its fifth from D is pure");
}

#[test]
fn the_page_on_tunings_is_true() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/tuning.md")).unwrap();
    let block = |mark: &str| page.split(mark).nth(1).and_then(|rest| rest.split("```").next()).unwrap().to_owned();
    let folder = root.join("patches");
    let mut desk = Desk::empty(vec![folder.clone()]);
    let patch = block("```toml\n");
    desk.control.load("t", &patch, Some(&folder.join("t.toml"))).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    desk.run(512);
    near(frequencies(&mut desk, "/tuning/get t").1[69], 442.0, 1e-6, "A4");
    near(frequencies(&mut desk, "/tuning/get t").1[62], 442.0 * 2.0 / 3.0, 1e-6, "D4 a pure fifth below");
    let lines = block("## While it plays\n\n```\n");
    assert!(lines.lines().count() >= 10);
    for line in lines.lines() {
        let said = line.split("   ").next().unwrap().trim();
        let answers = desk.say(said);
        assert!(
            answers.iter().all(|told| told.starts_with("/done") || told.starts_with("/tuning/get")) && answers.len() == 1,
            "{said}: {answers:?}"
        );
    }
    // The rows of the table of what can be written.
    let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `tuning = ")?.split('`').next()).collect();
    assert_eq!(rows.len(), 5);
    for row in rows {
        let row = row
            .replace("scale = …", "scale = \"meantone.scl\"")
            .replace("keys.kbm", "black-keys.kbm")
            .replace("root = \"C4\", reference = \"A4\"", "root = \"C#4\", reference = \"A#4\"");
        desk.control
            .load("t", &sine(&format!("tuning = {row}")), Some(&shipped().join("t.toml")))
            .unwrap_or_else(|wrong| panic!("{row}: {wrong:#?}"));
    }
}

#[test]
fn every_shipped_tuning_is_read() {
    for entry in std::fs::read_dir(shipped()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|end| end.to_str()) {
            Some("scl") => assert!(!Scale::read(&text).unwrap().description().is_empty(), "{}", path.display()),
            Some("kbm") => drop(KeyMap::read(&text).unwrap()),
            _ => panic!("{} is no tuning", path.display()),
        }
    }
}
