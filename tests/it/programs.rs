//! Programs and banks over MIDI.

use std::fs;
use std::path::{Path, PathBuf};

use super::board::{Board, near};
use super::desk::Desk;
use rackd::patch::Zone;

fn patch(level: f32) -> String {
    format!("format = 1\n[note]\n[voice.env]\ntype = \"adsr\"\nattack = 0\nsustain = 1\nrelease = 0\n[out]\nin = \"env * {level}\"\n")
}

/// Banks 02, 07 and 384 with a few programs each, and one outside.
fn banks(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("rackd-programs-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    for (file, level) in [
        ("in/02-keys/000-piano.toml", 0.01),
        ("in/02-keys/001-organ.toml", 0.02),
        ("in/02-keys/127-last.toml", 0.03),
        ("in/07-pads/001-soft.toml", 0.04),
        ("in/00384-far/001-far.toml", 0.05),
        ("09-out/001-outside.toml", 0.06),
    ] {
        fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        fs::write(root.join(file), patch(level)).unwrap();
    }
    fs::write(root.join("in/02-keys/005-broken.toml"), "format = 1\n[voice.osc]\ntype = \"vcoo\"\n").unwrap();
    root
}

fn board(allowed: &Path, file: &Path) -> Board {
    let mut desk = Desk::empty(vec![allowed.to_owned()]);
    desk.control.load("t", &fs::read_to_string(file).unwrap(), Some(file)).unwrap();
    desk.run(512);
    Board::of(desk)
}

/// How loud a key is once everything has landed.
fn heard(board: &mut Board) -> f32 {
    board.level();
    board.say(&[0x90, 60, 100]);
    let level = board.level();
    board.say(&[0x80, 60, 0]);
    board.level();
    level
}

#[test]
fn a_program_is_the_file_of_its_number_and_a_bank_the_folder_beside() {
    let root = banks("all");
    let mut board = board(&root.join("in"), &root.join("in/02-keys/000-piano.toml"));
    near("at first", heard(&mut board), 0.01, 1e-6);
    for (bytes, level) in [
        (&[0xc0, 1][..], 0.02),
        (&[0xc0, 127], 0.03),
        // Bank 7 by its high part, by both, by its low part; then back.
        (&[0xb0, 0, 7, 0xc0, 1], 0.04),
        (&[0xb0, 0, 0, 0xb0, 32, 2, 0xc0, 0], 0.01),
        (&[0xb0, 32, 7, 0xc0, 1], 0.04),
        (&[0xb0, 0, 3, 0xb0, 32, 0, 0xc0, 1], 0.05),
        (&[0xb0, 0, 2, 0xc0, 1], 0.02),
    ] {
        board.say(bytes);
        near(&format!("{bytes:?}"), heard(&mut board), level, 1e-6);
    }
    assert_eq!(board.status("midi/programs"), 0);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_held_note_goes_on_and_another_slot_is_not_touched() {
    let root = banks("held");
    let mut board = board(&root.join("in"), &root.join("in/02-keys/000-piano.toml"));
    board.put("u", &patch(0.1), Zone { channel: Some(2), ..Zone::default() });
    board.desk.control.hear(0, Zone { channel: Some(1), ..Zone::default() });
    board.say(&[0x90, 60, 100, 0x91, 60, 100]);
    near("both", board.level(), 0.11, 1e-5);
    board.say(&[0xc1, 1]);
    near("the other has no number", board.level(), 0.11, 1e-5);
    board.say(&[0xc0, 1]);
    near("the held note is the new program's", board.level(), 0.12, 1e-5);
    board.say(&[0x80, 60, 0, 0x81, 60, 0]);
    near("and ends", board.level(), 0.0, 1e-6);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn what_is_missing_broken_or_outside_changes_nothing_and_is_told_once() {
    let root = banks("missing");
    let mut board = board(&root.join("in"), &root.join("in/02-keys/000-piano.toml"));
    for (at, bytes) in [&[0xc0, 9][..], &[0xc0, 5], &[0xb0, 0, 9, 0xc0, 1], &[0xb0, 0, 2, 0xc0, 9]].iter().enumerate() {
        board.say(bytes);
        near(&format!("{bytes:?}"), heard(&mut board), 0.01, 1e-6);
        assert_eq!(board.status("midi/programs"), at as i64 + 1);
        let told = board.desk.control.take_notices();
        assert_eq!(told.len(), 1, "{told:?}");
        board.say(bytes);
        board.level();
        assert!(board.desk.control.take_notices().is_empty(), "it was told before");
        board.say(&[0xff]);
        assert_eq!(board.status("midi/programs"), at as i64 + 2);
        // Only the first of each pair is counted below.
        board.desk.control.counts_mut().midi.programs -= 1;
    }
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn where_only_its_own_folder_is_allowed_there_are_no_banks() {
    let root = banks("own");
    let own = root.join("in/02-keys");
    let mut board = board(&own, &own.join("000-piano.toml"));
    board.say(&[0xc0, 1]);
    near("beside", heard(&mut board), 0.02, 1e-6);
    board.say(&[0xb0, 0, 7, 0xc0, 1]);
    near("elsewhere", heard(&mut board), 0.02, 1e-6);
    assert_eq!(board.status("midi/programs"), 1);
    fs::remove_dir_all(root).unwrap();
}
