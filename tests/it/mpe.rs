//! MPE: zones of channels in which each note has a channel of its own.

use rackd::patch::Zone;

use super::board::{Board, GATES, bend, near, rpn};

const SINE: &str = r#"
format = 1
[note]
MPE
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = "300 ms"
[out]
in = "osc.sine * env * 0.5"
"#;

fn sine(mpe: &str) -> Board {
    Board::new(&SINE.replace("MPE", mpe))
}

/// What is wanted, and what shows it.
type Row = (&'static str, fn());

#[test]
fn zones() {
    let rows: &[Row] = &[
        ("members bend 48 semitones and their master 2, within a cent", || {
            let mut board = sine("mpe = true");
            board.say(&[0x91, 69, 100]);
            board.say(&bend(1, 7.0 / 48.0));
            assert!((board.cents_from(440.0) - 700.0).abs() < 1.0);
            board.say(&bend(0, 1.0));
            assert!((board.cents_from(440.0) - 900.0).abs() < 1.0, "the master's is added");
            board.say(&bend(2, 1.0));
            assert!((board.cents_from(440.0) - 900.0).abs() < 1.0, "another member's is not");
            board.say(&bend(1, -1.0));
            assert!((board.cents_from(440.0) + 4600.0).abs() < 1.0);
        }),
        ("a chord's notes are bent one by one", || {
            let mut board = Board::mpe_probe("note.bend");
            board.say(&[0x91, 60, 100, 0x92, 64, 100, 0x9f, 67, 100]);
            board.say(&bend(1, 1.0));
            near("one", board.source(), 4.0, 1e-4);
            board.say(&bend(15, -0.5));
            near("and channel 16", board.source(), 2.0, 1e-3);
            board.say(&bend(0, 1.0));
            near("and all", board.source(), 2.5, 1e-3);
        }),
        ("without MPE a channel bends 2 semitones", || {
            let mut board = Board::probe("note.bend");
            board.say(&[0x91, 60, 100]);
            board.say(&bend(1, 1.0));
            near("bend", board.source(), 2.0 / 12.0, 1e-5);
            board.say(&bend(0, 1.0));
            near("and channel 1 is another's", board.source(), 2.0 / 12.0, 1e-5);
        }),
        ("RPN 6 on channel 1 makes a lower zone of so many members", || {
            let mut board = Board::probe("note.bend");
            board.say(&rpn(0, 6, 3));
            board.say(&[0x93, 60, 100, 0x94, 60, 100]);
            board.say(&bend(3, 1.0));
            near("channel 4 is the last member", board.source(), 4.0, 1e-4);
            board.say(&bend(4, 1.0));
            near("channel 5 is none", board.source(), 4.0 + 2.0 / 12.0, 1e-4);
            board.say(&bend(0, 1.0));
            near("the master is its members'", board.source(), 4.0 + 4.0 / 12.0, 1e-4);
        }),
        ("RPN 6 on channel 16 makes an upper zone, and both share the members", || {
            let mut board = Board::probe("note.bend");
            board.say(&rpn(0, 6, 15));
            board.say(&rpn(15, 6, 4));
            board.say(&[0x9b, 60, 100, 0x9a, 60, 100]);
            board.say(&bend(15, 1.0));
            near("channel 12 is its last", board.source(), 2.0 / 12.0, 1e-4);
            board.say(&bend(0, 1.0));
            near("channel 11 the other's", board.source(), 4.0 / 12.0, 1e-4);
            board.say(&bend(10, 1.0));
            board.say(&bend(11, 1.0));
            near("both bend 48", board.source(), 8.0 + 4.0 / 12.0, 1e-3);
        }),
        ("RPN 6 of 0 ends it, and its notes with it", || {
            let mut board = Board::new(GATES);
            board.say(&rpn(0, 6, 15));
            board.say(&[0xb0, 64, 127, 0x92, 60, 100, 0x93, 64, 100, 0x82, 60, 0]);
            assert_eq!(board.sounding(), 2);
            board.say(&rpn(0, 6, 0));
            assert_eq!(board.sounding(), 0);
            board.say(&[0x92, 60, 100, 60, 0]);
            assert_eq!(board.sounding(), 0, "channel 1's pedal holds no other's");
        }),
        ("RPN 6 switches even an MPE patch off", || {
            let mut board = Board::mpe_probe("note.bend");
            board.say(&rpn(0, 6, 0));
            board.say(&[0x91, 60, 100]);
            board.say(&bend(1, 1.0));
            near("bend", board.source(), 2.0 / 12.0, 1e-5);
        }),
        ("RPN 6 is its port's", || {
            let mut board = Board::probe("note.bend");
            board.bytes(1, &rpn(0, 6, 15));
            board.say(&[0x91, 60, 100]);
            board.say(&bend(1, 1.0));
            near("bend", board.source(), 2.0 / 12.0, 1e-5);
        }),
        ("RPN 0 on one member is for all, on the master for the master", || {
            let mut board = Board::mpe_probe("note.bend");
            board.say(&[0x91, 60, 100, 0x95, 60, 100]);
            board.say(&rpn(3, 0, 24));
            board.say(&bend(1, 0.5));
            board.say(&bend(5, 0.25));
            near("24 each", board.source(), 1.5, 1e-3);
            board.say(&rpn(7, 0, 96));
            near("96 each", board.source(), 6.0, 3e-3);
            board.say(&rpn(7, 0, 0));
            near("none", board.source(), 0.0, 1e-5);
            board.say(&rpn(0, 0, 12));
            board.say(&bend(0, 1.0));
            near("the master's", board.source(), 2.0, 1e-4);
            board.say(&rpn(0, 6, 15));
            board.say(&[0x91, 60, 100]);
            board.say(&bend(1, 1.0));
            near("a zone begins with 48", board.source(), 4.0, 1e-4);
        }),
        ("pressure is the channel's, of master and member the larger", || {
            let mut board = Board::mpe_probe("note.pressure");
            board.say(&[0x91, 60, 100, 0x92, 60, 100]);
            board.say(&[0xd1, 64]);
            near("one note's", board.source(), 64.0 / 127.0, 1e-5);
            board.say(&[0xd0, 32]);
            near("master's", board.source(), 96.0 / 127.0, 1e-5);
            board.say(&[0xa1, 60, 127]);
            near("poly pressure is not for members", board.source(), 96.0 / 127.0, 1e-5);
            assert_eq!(board.status("midi/pressures"), 1);
            board.say(&[0xd0, 0, 0x90, 60, 100, 0xa0, 60, 127]);
            near("but for notes of the master", board.source(), 1.0 + 64.0 / 127.0, 1e-5);
        }),
        ("timbre is CC 74, and no map takes it from a member", || {
            let text = "[controls]\namount = { default = 0, midi = \"cc 74\" }\n";
            let patch = "format = 1\n[note]\nmpe = true\n[voice.env]\ntype = \"adsr\"\nsustain = 1\n[out]\nin = \"env * note.timbre * 0.1 + amount * 0.3\"\n";
            let mut board = Board::new(&patch.replace("[note]", &format!("{text}[note]")));
            board.say(&[0x91, 60, 100, 0xb1, 74, 127]);
            near("member", board.source(), 1.0, 1e-5);
            board.say(&[0xb0, 74, 127]);
            near("master", board.source(), 4.0, 1e-4);
        }),
        ("values that come just before a note are its own from its first frame", || {
            let mut board = Board::mpe_probe("(note.pressure + note.timbre + note.bend)");
            board.say(&[0xd1, 127, 0xb1, 74, 127]);
            board.say(&bend(1, 0.25));
            board.say(&[0x91, 60, 100]);
            let heard = board.desk.run(64);
            assert!(heard[2..].iter().all(|x| (x * 10.0 - 3.0).abs() < 1e-3), "{heard:?}");
        }),
        ("a note that was let go is bent on by its channel", || {
            let mut board = sine("mpe = true");
            board.desk.load(&SINE.replace("MPE", "mpe = true").replace("300 ms", "8 s"));
            board.say(&[0x91, 69, 100]);
            board.level();
            board.say(&[0x81, 69, 0]);
            board.say(&bend(1, 12.0 / 48.0));
            assert!((board.cents_from(440.0) - 1200.0).abs() < 1.0);
        }),
        ("pedals, soft, all notes off and all sound off on the master are for the zone", || {
            let mut board = Board::new(&GATES.replace("[note]", "[note]\nmpe = true"));
            board.say(&[0xb0, 64, 127, 0x91, 60, 9, 60, 0, 0x92, 60, 9, 60, 0]);
            assert_eq!(board.sounding(), 2);
            board.say(&[0xb0, 64, 0]);
            assert_eq!(board.sounding(), 0);
            board.say(&[0x91, 60, 9, 0xb0, 66, 127, 0x92, 60, 9, 60, 0, 0x91, 60, 0]);
            assert_eq!(board.sounding(), 1);
            board.say(&[0xb0, 66, 0]);
            assert_eq!(board.sounding(), 0);
            board.say(&[0x91, 60, 9, 0x92, 60, 9, 0x90, 60, 9, 0xb0, 123, 0]);
            assert_eq!(board.sounding(), 0);
            board.say(&[0xb1, 64, 127, 0x91, 60, 9, 60, 0, 0x92, 60, 9, 0xb0, 120, 0]);
            assert_eq!(board.sounding(), 0);
            let mut board = Board::mpe_probe("note.velocity");
            board.say(&[0xb0, 67, 127, 0x91, 60, 127]);
            near("soft", board.source(), 2.0 / 3.0, 1e-5);
        }),
        ("volume and program on a member are not the slot's", || {
            let mut board = Board::new(&GATES.replace("[note]", "[note]\nmpe = true"));
            board.say(&[0x91, 60, 9, 0xb1, 7, 0]);
            near("member", board.level(), 0.05, 1e-6);
            board.say(&[0xb0, 7, 0]);
            near("master", board.level(), 0.0, 1e-6);
        }),
        ("CC 121 on the master resets the zone", || {
            let mut board = Board::mpe_probe("note.bend");
            board.say(&[0x91, 60, 100, 0x92, 60, 100]);
            for channel in 0..3 {
                board.say(&bend(channel, 1.0));
            }
            near("bent", board.source(), 8.0 + 4.0 / 12.0, 1e-3);
            board.say(&[0xb0, 121, 0]);
            near("not bent", board.source(), 0.0, 1e-5);
        }),
    ];
    for (promise, kept) in rows {
        println!("{promise}");
        kept();
    }
}

#[test]
fn a_slot_hears_the_zone_whose_master_it_names() {
    let lower = Zone { channel: Some(1), ..Zone::default() };
    let upper = Zone { channel: Some(16), ..Zone::default() };
    let mut board = Board::new(GATES);
    board.put("t", GATES, lower);
    board.put("u", &GATES.replace("0.05", "0.5"), upper);
    board.say(&rpn(0, 6, 5));
    board.say(&rpn(15, 6, 5));
    for (channel, level) in [(0, 0.05), (1, 0.05), (5, 0.05), (6, 0.0), (9, 0.0), (10, 0.5), (14, 0.5), (15, 0.5)] {
        board.say(&[0x90 | channel, 60, 100]);
        near(&format!("channel {}", channel + 1), board.level(), level, 1e-4);
        board.say(&[0x80 | channel, 60, 100]);
        assert_eq!(board.sounding(), 0);
    }
    // Two racks' slots that ask for MPE on 1 and 16 share the members without being told.
    let mut board = Board::new(GATES);
    board.put("t", GATES, Zone { mpe: Some(true), ..lower });
    board.put("u", &GATES.replace("0.05", "0.5"), Zone { mpe: Some(true), ..upper });
    for (channel, level) in [(0, 0.05), (7, 0.05), (8, 0.5), (15, 0.5)] {
        board.say(&[0x90 | channel, 60, 100]);
        near(&format!("channel {}", channel + 1), board.level(), level, 1e-4);
        board.say(&[0x80 | channel, 60, 100]);
        assert_eq!(board.sounding(), 0);
    }
}

#[test]
fn a_rack_may_refuse_mpe_or_ask_for_it() {
    let probe = "format = 1\n[note]\n[voice.env]\ntype = \"adsr\"\nsustain = 1\n[out]\nin = \"env * note.bend * 0.1\"\n";
    for (mpe, said, bent) in [(None, false, 2.0), (Some(true), false, 48.0), (Some(false), true, 2.0), (None, true, 48.0)] {
        let mut board = Board::new(GATES);
        board.put("t", probe, Zone { mpe, ..Zone::default() });
        if said {
            board.say(&rpn(0, 6, 15));
        }
        board.say(&[0x91, 60, 100]);
        board.say(&bend(1, 1.0));
        near(&format!("{mpe:?} {said}"), board.source() * 12.0, bent, 1e-2);
    }
    // An MPE patch on a channel that is no zone's plays there as any other.
    let mut board = Board::new(GATES);
    board.put("t", &probe.replace("[note]", "[note]\nmpe = true"), Zone { channel: Some(5), ..Zone::default() });
    board.say(&[0x94, 60, 100]);
    board.say(&bend(4, 1.0));
    near("channel 5", board.source() * 12.0, 2.0, 1e-3);
}
