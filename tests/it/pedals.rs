//! Pedals: what holds which note until when.

use super::board::{Board, GATES, near};
use rackd::patch::Zone;

/// Bytes of one step, and how many notes sound after it.
type Step = (&'static [u8], i64);

/// Every way in which pedals and keys meet.
const WAYS: &[(&str, &[Step])] = &[
    ("sustain holds what is let go", &[(&[0xb0, 64, 127, 0x90, 60, 100, 0x80, 60, 0], 1), (&[0xb0, 64, 0], 0)]),
    ("it is down from 64 on", &[(&[0xb0, 64, 64, 0x90, 60, 9, 60, 0], 1), (&[0xb0, 64, 63], 0), (&[0xb0, 64, 63, 0x90, 60, 9, 60, 0], 0)]),
    ("keys that are down stay when it goes up", &[(&[0xb0, 64, 127, 0x90, 60, 9, 62, 9, 60, 0], 2), (&[0xb0, 64, 0], 1)]),
    ("pressed after the key is up it holds nothing", &[(&[0x90, 60, 9, 60, 0], 0), (&[0xb0, 64, 127], 0)]),
    ("a key struck again is one note", &[(&[0xb0, 64, 127, 0x90, 60, 9, 60, 0, 60, 9], 1), (&[0xb0, 64, 0], 1), (&[0x90, 60, 0], 0)]),
    ("it is its channel's", &[(&[0xb0, 64, 127, 0x91, 60, 9, 60, 0], 0)]),
    (
        "sostenuto holds what is down when it is pressed, and nothing else",
        &[(&[0x90, 60, 9, 0xb0, 66, 127, 0x90, 64, 9, 60, 0, 64, 0], 1), (&[0xb0, 66, 0], 0)],
    ),
    ("what sustain holds with its key up is not down", &[(&[0xb0, 64, 127, 0x90, 60, 9, 60, 0, 0xb0, 66, 127], 1), (&[0xb0, 64, 0], 0)]),
    (
        "both: sostenuto's note outlives sustain",
        &[(&[0x90, 60, 9, 0xb0, 66, 127, 64, 127, 0x90, 64, 9, 60, 0, 64, 0], 2), (&[0xb0, 64, 0], 1), (&[0xb0, 66, 0], 0)],
    ),
    ("both: sustain's outlives sostenuto", &[(&[0x90, 60, 9, 0xb0, 66, 127, 64, 127, 0x90, 60, 0, 0xb0, 66, 0], 1), (&[0xb0, 64, 0], 0)]),
    (
        "more pressure on sostenuto catches nothing new",
        &[(&[0x90, 60, 9, 0xb0, 66, 127, 0x90, 64, 9, 0xb0, 66, 100, 0x90, 60, 0, 64, 0], 1), (&[0xb0, 66, 0], 0)],
    ),
    (
        "a key that sostenuto caught is caught again when struck again",
        &[(&[0x90, 60, 9, 0xb0, 66, 127, 0x90, 60, 0, 60, 9, 60, 0], 1), (&[0xb0, 66, 0], 0)],
    ),
    ("soft holds nothing", &[(&[0xb0, 67, 127, 0x90, 60, 9, 60, 0], 0)]),
    ("all notes off under both", &[(&[0x90, 60, 9, 0xb0, 66, 127, 0x90, 64, 9, 0xb0, 123, 0], 1), (&[0xb0, 66, 0], 0)]),
    (
        "all sound off under both",
        &[(&[0x90, 60, 9, 0xb0, 66, 127, 64, 127, 0x90, 64, 9, 64, 0, 0xb0, 120, 0], 0), (&[0xb0, 66, 0, 64, 0], 0)],
    ),
    ("a note-off that comes twice", &[(&[0xb0, 64, 127, 0x90, 60, 9, 60, 0, 60, 0], 1), (&[0xb0, 64, 0], 0)]),
];

#[test]
fn pedals_and_keys_in_every_way() {
    for (what, steps) in WAYS {
        let mut board = Board::new(GATES);
        for (at, (bytes, sound)) in steps.iter().enumerate() {
            board.say(bytes);
            assert_eq!(board.sounding(), *sound, "{what}, step {at}");
        }
    }
}

#[test]
fn the_speed_of_release_is_kept_until_the_pedal_lets_go() {
    let mut board = Board::new("format = 1\n[note]\n[voice.lag]\ntype = \"onepole\"\n[out]\nin = \"note.lift * 0.5\"\n");
    board.say(&[0xb0, 64, 127, 0x90, 60, 100, 0x80, 60, 80]);
    near("held", board.level(), 0.0, 0.0);
    board.say(&[0xb0, 64, 0]);
    near("lift", board.level(), 0.5 * 80.0 / 127.0, 1e-5);
}

#[test]
fn soft_makes_new_notes_softer_and_leaves_old_ones() {
    let mut board = Board::probe("note.velocity");
    board.say(&[0x90, 60, 127, 0xb0, 67, 127]);
    near("as it was struck", board.source(), 1.0, 1e-5);
    board.say(&[0x90, 64, 127]);
    near("softer", board.source(), 1.0 + 2.0 / 3.0, 1e-5);
    board.say(&[0xb0, 67, 0, 0x90, 67, 127]);
    near("as before", board.source(), 2.0 + 2.0 / 3.0, 1e-5);
}

#[test]
fn a_pedal_that_a_slot_maps_holds_in_the_others() {
    let mapped = format!("{GATES}[controls]\namount = {{ default = 0, midi = \"cc 64\" }}\n[map]\n\"cc 20\" = \"amount\"\n");
    let mapped = mapped.replace("env * 0.05", "env * 0.05 + amount * 0");
    let mut board = Board::new(&mapped);
    board.put("u", GATES, Zone::default());
    board.say(&[0xb0, 64, 127, 0x90, 60, 100]);
    assert_eq!(board.sounding(), 2);
    board.say(&[0x80, 60, 0]);
    assert_eq!(board.sounding(), 1);
    assert!((board.desk.ask("/t/amount") - 1.0).abs() < 1e-6);
    board.say(&[0xb0, 64, 0]);
    assert_eq!(board.sounding(), 0);
}

#[test]
fn a_note_ends_in_every_slot_that_began_it_though_their_zones_have_changed() {
    let mut board = Board::new(GATES);
    board.put("u", GATES, Zone::default());
    board.say(&[0x90, 60, 100, 62, 100, 0xb0, 64, 127, 0x90, 62, 0]);
    assert_eq!(board.sounding(), 4);
    let elsewhere = Zone { channel: Some(9), keys: (0, 1), ..Zone::default() };
    board.desk.control.hear(0, elsewhere);
    board.desk.control.hear(1, Zone { listens: false, ..elsewhere });
    board.say(&[0x90, 60, 0]);
    assert_eq!(board.sounding(), 4, "the pedal holds them");
    board.say(&[0xb0, 64, 0]);
    assert_eq!(board.sounding(), 0);
}

#[test]
fn keys_and_velocities_split_and_layer_slots() {
    let mut board = Board::new(GATES);
    board.put("t", GATES, Zone { keys: (0, 59), ..Zone::default() });
    board.put("u", GATES, Zone { keys: (60, 127), velocity: (1, 80), ..Zone::default() });
    board.put("v", GATES, Zone { keys: (60, 127), velocity: (60, 127), ..Zone::default() });
    for (key, velocity, sound) in [(59, 1, 1), (60, 59, 1), (60, 60, 2), (60, 80, 2), (60, 81, 1), (127, 127, 1)] {
        board.say(&[0x90, key, velocity]);
        assert_eq!(board.sounding(), sound, "{key} {velocity}");
        board.say(&[0x80, key, 0]);
        assert_eq!(board.sounding(), 0);
    }
    board.say(&[0xb0, 67, 127, 0x90, 60, 81]);
    assert_eq!(board.sounding(), 1, "as hard as it was struck, whatever the soft pedal makes of it");
}
