//! MIDI as players expect it: a row for each behaviour, from bytes on the cable to what is heard.

use rackd::patch::Zone;

use super::board::{Board, GATES, bend, near, rpn};
use super::desk::RATE;

/// What is promised, and what shows that it is kept.
type Row = (&'static str, fn());

fn all(rows: &[Row]) {
    for (promise, kept) in rows {
        println!("{promise}");
        kept();
    }
}

/// A tenth of the travel of what a map turns.
const MAPS: &str = r#"
format = 1
[note]
[controls]
amount = { default = 0, midi = "SOURCE" }
[voice.env]
type = "adsr"
[out]
in = "env * 0 + amount * 0.1"
"#;

fn mapped(source: &str) -> Board {
    Board::new(&MAPS.replace("SOURCE", source))
}

const SINE: &str = r#"
format = 1
[note]
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = "100 ms"
[out]
in = "osc.sine * env * 0.5"
"#;

#[test]
fn notes() {
    all(&[
        ("a key sounds from its note-on to its note-off", || {
            let mut board = Board::new(GATES);
            board.say(&[0x90, 60, 100]);
            assert_eq!(board.sounding(), 1);
            board.say(&[0x80, 60, 64]);
            assert_eq!((board.sounding(), board.status("voices")), (0, 0));
        }),
        ("velocity 0 is a note-off, under running status too", || {
            let mut board = Board::new(GATES);
            board.say(&[0x90, 60, 100, 64, 100]);
            assert_eq!(board.sounding(), 2);
            board.say(&[0x90, 60, 0, 64, 0]);
            assert_eq!(board.sounding(), 0);
        }),
        ("a clock within messages and within system exclusive loses no note-off", || {
            let mut board = Board::new(GATES);
            board.say(&[0x90, 0xf8, 60, 0xfe, 100, 0xf0, 1, 0xf8, 2, 0xf8, 0xf7, 0x80, 0xf8, 60, 0xf8, 0]);
            assert_eq!(board.sounding(), 0);
        }),
        ("the same key twice sounds once, and one note-off ends it", || {
            let mut board = Board::new(GATES);
            board.say(&[0x90, 60, 100, 60, 100]);
            assert_eq!(board.sounding(), 1);
            board.say(&[0x80, 60, 0]);
            assert_eq!(board.sounding(), 0);
        }),
        ("the same key of two channels and of two ports is four notes", || {
            let mut board = Board::new(GATES);
            for port in [0, 1] {
                board.bytes(port, &[0x90, 60, 100, 0x91, 60, 100]);
            }
            assert_eq!(board.sounding(), 4);
            board.bytes(1, &[0x80, 60, 0]);
            assert_eq!(board.sounding(), 3);
        }),
        ("velocity is a 127th", || {
            let mut board = Board::probe("note.velocity");
            board.say(&[0x90, 60, 100]);
            near("velocity", board.source(), 100.0 / 127.0, 1e-5);
        }),
        ("velocity of release is note.lift", || {
            let mut board = Board::new("format = 1\n[note]\n[voice.lag]\ntype = \"onepole\"\n[out]\nin = \"note.lift * 0.5\"\n");
            board.say(&[0x90, 60, 100]);
            assert_eq!(board.level(), 0.0);
            board.say(&[0x80, 60, 80]);
            near("lift", board.level(), 0.5 * 80.0 / 127.0, 1e-5);
        }),
        ("velocity of release over OSC is note.lift too", || {
            let mut board = Board::new("format = 1\n[note]\n[voice.lag]\ntype = \"onepole\"\n[out]\nin = \"note.lift * 0.5\"\n");
            board.desk.quietly("/t/note/on 1 60 0.7");
            board.level();
            board.desk.quietly("/t/note/off 1 0.3");
            near("lift", board.level(), 0.15, 1e-5);
        }),
        ("CC 88 before a note-on makes its velocity 14 bits fine, once", || {
            let mut board = Board::probe("note.velocity");
            board.say(&[0xb0, 88, 33, 0x90, 60, 64]);
            near("fine", board.source(), (64 * 128 + 33) as f32 / 16_383.0, 1e-6);
            board.say(&[0x80, 60, 0]);
            board.level();
            board.level();
            board.say(&[0x90, 60, 64]);
            near("forgotten", board.source(), 64.0 / 127.0, 1e-6);
        }),
        ("CC 88 before a note-off makes its lift fine", || {
            let mut board = Board::new("format = 1\n[note]\n[voice.lag]\ntype = \"onepole\"\n[out]\nin = \"note.lift * 0.5\"\n");
            board.say(&[0x90, 60, 100, 0xb0, 88, 5, 0x80, 60, 30]);
            near("lift", board.level(), 0.5 * (30 * 128 + 5) as f32 / 16_383.0, 1e-6);
        }),
        ("a key that no slot takes is counted", || {
            let mut board = Board::new(GATES);
            board.put("t", GATES, Zone { keys: (60, 72), ..Zone::default() });
            board.say(&[0x90, 59, 100, 0x80, 59, 0]);
            assert_eq!((board.sounding(), board.status("midi/notes")), (0, 1));
        }),
    ]);
}

#[test]
fn wheels_and_tuning() {
    all(&[
        ("the wheel bends two semitones, or as far as the patch says, and back, within a cent", || {
            let mut board = Board::new(SINE);
            board.say(&[0x90, 69, 100]);
            assert!(board.cents_from(440.0).abs() < 1.0);
            board.say(&bend(0, 1.0));
            assert!((board.cents_from(440.0) - 200.0).abs() < 1.0);
            board.say(&bend(0, -1.0));
            assert!((board.cents_from(440.0) + 200.0).abs() < 1.0);
            board.say(&bend(0, 0.0));
            assert!(board.cents_from(440.0).abs() < 0.1);
            let mut board = Board::new(&SINE.replace("[note]", "[note]\nbend_range = \"7 st\""));
            board.say(&[0x90, 69, 100]);
            board.say(&bend(0, 1.0));
            assert!((board.cents_from(440.0) - 700.0).abs() < 1.0);
        }),
        ("the wheel bends its own channel alone", || {
            let mut board = Board::new(SINE);
            board.say(&[0x91, 69, 100]);
            board.say(&bend(0, 1.0));
            assert!(board.cents_from(440.0).abs() < 0.1);
        }),
        ("a wheel that is bent when a key comes bends it from its first frame, and goes on when it is let go", || {
            let mut board = Board::probe("note.pitch");
            board.say(&bend(0, 1.0));
            board.say(&[0x90, 60, 100]);
            let heard = board.desk.run(64);
            assert!(heard.iter().skip(1).all(|x| (x * 10.0 - 2.0 / 12.0).abs() < 1e-5), "{heard:?}");
            board.say(&[0x80, 60, 0]);
            board.say(&bend(0, 0.0));
            // The release lasts 100 ms: of the pitch nothing is left long before.
            board.desk.run(480);
            assert!(board.desk.run(64).iter().all(|x| x.abs() < 1e-5));
        }),
        ("RPN 0/0 sets the range in semitones and cents, for what sounds too", || {
            let mut board = Board::new(SINE);
            board.say(&[0x90, 69, 100]);
            board.say(&bend(0, 1.0));
            board.say(&rpn(0, 0, 12));
            assert!((board.cents_from(440.0) - 1200.0).abs() < 1.0);
            board.say(&[0xb0, 38, 50]);
            assert!((board.cents_from(440.0) - 1250.0).abs() < 1.0);
            board.say(&[0xb0, 6, 7]);
            assert!((board.cents_from(440.0) - 700.0).abs() < 1.0, "a new high part begins without cents");
        }),
        ("CC 96 and 97 move it by a cent", || {
            let mut board = Board::new(SINE);
            board.say(&[0x90, 69, 100]);
            board.say(&bend(0, 1.0));
            board.say(&rpn(0, 0, 2));
            for _ in 0..5 {
                board.say(&[0xb0, 96, 0]);
            }
            assert!((board.cents_from(440.0) - 205.0).abs() < 0.5);
            for _ in 0..10 {
                board.say(&[0xb0, 97, 0]);
            }
            assert!((board.cents_from(440.0) - 195.0).abs() < 0.5);
        }),
        ("RPN 0/1 tunes 100 ct up and down, 8192 is none, for what sounds and for what comes", || {
            let mut board = Board::new(SINE);
            board.say(&[0x90, 69, 100]);
            board.say(&rpn(0, 1, 96));
            assert!((board.cents_from(440.0) - 50.0).abs() < 0.1);
            board.say(&[0xb0, 38, 64]);
            assert!((board.cents_from(440.0) - 50.78).abs() < 0.1);
            board.say(&[0xb0, 6, 0]);
            assert!((board.cents_from(440.0) + 100.0).abs() < 0.1);
            board.say(&[0x80, 69, 0]);
            board.level();
            board.level();
            board.say(&[0x90, 69, 100]);
            assert!((board.cents_from(440.0) + 100.0).abs() < 0.1);
            board.say(&[0xb0, 6, 64]);
            assert!(board.cents_from(440.0).abs() < 0.1);
        }),
        ("RPN 0/2 tunes by semitones, 64 is none, beside the fine tuning and the wheel", || {
            let mut board = Board::new(SINE);
            board.say(&[0x90, 69, 100]);
            board.say(&rpn(0, 2, 64 - 12));
            assert!((board.cents_from(440.0) + 1200.0).abs() < 0.1);
            board.say(&rpn(0, 1, 96));
            board.say(&bend(0, 1.0));
            assert!((board.cents_from(440.0) + 950.0).abs() < 0.1);
            board.say(&rpn(0, 2, 64));
            board.say(&[0xb0, 96, 0]);
            assert!((board.cents_from(440.0) - 350.0).abs() < 0.1);
        }),
        ("data entry counts only while a parameter is chosen, 127/127 chooses none", || {
            let mut board = Board::new(SINE);
            board.say(&[0x90, 69, 100]);
            board.say(&bend(0, 1.0));
            board.say(&[0xb0, 6, 24]);
            assert!((board.cents_from(440.0) - 200.0).abs() < 1.0);
            assert_eq!(board.status("midi/parameters"), 1);
            board.say(&rpn(0, 0, 12));
            board.say(&[0xb0, 101, 127, 100, 127, 6, 24, 38, 3, 96, 0]);
            assert!((board.cents_from(440.0) - 1200.0).abs() < 1.0);
            board.say(&[0xb0, 101, 0, 100, 0, 99, 127, 98, 127, 6, 24]);
            assert!((board.cents_from(440.0) - 1200.0).abs() < 1.0, "an NRPN chosen after it takes its place");
        }),
        ("RPN 0/5 and unknown ones move nothing and are counted", || {
            let mut board = Board::new(SINE);
            board.say(&[0x90, 69, 100]);
            board.say(&rpn(0, 5, 64));
            board.say(&rpn(0, 9, 64));
            board.say(&rpn(4, 6, 5));
            assert!(board.cents_from(440.0).abs() < 0.1);
            assert_eq!(board.status("midi/parameters"), 3);
        }),
        ("pressure on a key is its own, pressure on a channel everyone's there", || {
            let mut board = Board::probe("note.pressure");
            board.say(&[0x90, 60, 100, 64, 100, 0x91, 60, 100]);
            board.say(&[0xa0, 60, 127]);
            near("one key", board.source(), 1.0, 1e-5);
            board.say(&[0xd0, 64]);
            near("both of the channel", board.source(), 2.0 * 64.0 / 127.0, 1e-5);
            board.say(&[0x90, 67, 100]);
            near("and who comes later", board.source(), 3.0 * 64.0 / 127.0, 1e-5);
        }),
        ("CC 74 is note.timbre", || {
            let mut board = Board::probe("note.timbre");
            board.say(&[0xb0, 74, 32, 0x90, 60, 100]);
            near("timbre", board.source(), 32.0 / 127.0, 1e-5);
            board.say(&[0xb0, 74, 127]);
            near("timbre", board.source(), 1.0, 1e-5);
        }),
    ]);
}

#[test]
fn controllers() {
    all(&[
        ("a controller that a map names turns it, smoothly in 20 ms", || {
            let mut board = mapped("cc 1");
            board.say(&[0xb0, 1, 127]);
            let heard = board.desk.run(1_200);
            assert!(heard.windows(2).all(|pair| (pair[1] - pair[0]) < 0.15 / 960.0), "no step");
            near("half way", heard[480], 0.05, 0.001);
            near("there", heard[1_000], 0.1, 1e-6);
            near("as it is told", board.desk.ask("/t/amount") as f32, 1.0, 1e-6);
        }),
        ("a low part after its high one makes 14 bits, without a step between", || {
            let mut board = mapped("cc 1");
            board.say(&[0xb0, 1, 64, 33, 127]);
            near("fine", board.source(), (64 * 128 + 127) as f32 / 16_383.0, 1e-6);
            board.say(&[0xb0, 1, 65]);
            near("a high part begins with a low one of 0", board.source(), (65 * 128) as f32 / 16_383.0, 1e-6);
            board.say(&[0xb0, 33, 0]);
            // Down by one: for a millisecond it looks as if it were down by 128.
            board.say(&[0xb0, 1, 64]);
            let between = board.desk.run(48);
            board.say(&[0xb0, 33, 127]);
            let heard = board.desk.run(4_800);
            let end = (64 * 128 + 127) as f32 / 16_383.0;
            near("there", heard[4_799] * 10.0, end, 1e-6);
            let lowest = between.iter().chain(&heard).fold(1.0_f32, |low, x| low.min(*x * 10.0));
            assert!(end - lowest < 8.0 / 16_383.0, "{} of 16383 too low on the way", (end - lowest) * 16_383.0);
        }),
        ("who sends no low parts reaches the top", || {
            let mut board = mapped("cc 16");
            board.say(&[0xb0, 16, 127]);
            near("top", board.source(), 1.0, 1e-6);
        }),
        ("a low part's number may be a controller of its own", || {
            let mut board = mapped("cc 33");
            board.say(&[0xb0, 1, 0, 33, 127]);
            near("its own", board.source(), 1.0, 1e-6);
        }),
        ("what is on or off acts at once", || {
            let patch = "format = 1\n[global.env]\ntype = \"adsr\"\ngate = 0\nattack = 0\nsustain = 1\n[out]\nin = \"env * 0.5\"\n";
            let mut board = Board::new(&format!("{patch}[map]\n\"cc 20\" = \"env.gate\"\n"));
            board.say(&[0xb0, 20, 127]);
            near("on", board.desk.run(64)[8], 0.5, 1e-3);
        }),
        ("NRPNs are 14 bits, and their steps too", || {
            let mut board = mapped("nrpn 300");
            board.say(&[0xb0, 99, 2, 98, 44, 6, 127]);
            near("high part alone", board.source(), 1.0, 1e-6);
            board.say(&[0xb0, 6, 64, 38, 5]);
            near("both", board.source(), (64 * 128 + 5) as f32 / 16_383.0, 1e-6);
            board.say(&[0xb0, 96, 0, 96, 0]);
            near("two up", board.source(), (64 * 128 + 7) as f32 / 16_383.0, 2e-6);
            board.say(&[0xb0, 97, 0]);
            near("one down", board.source(), (64 * 128 + 6) as f32 / 16_383.0, 2e-6);
            board.say(&[0xb0, 98, 45, 6, 0]);
            near("another", board.source(), (64 * 128 + 6) as f32 / 16_383.0, 2e-6);
            assert_eq!(board.status("midi/parameters"), 1);
        }),
        ("the wheel, pressure and a key turn what maps name", || {
            for (source, bytes, x) in [
                ("bend", bend(0, 1.0).to_vec(), 1.0),
                ("bend", bend(0, 0.0).to_vec(), 0.5),
                ("pressure", vec![0xd0, 32], 32.0 / 127.0),
                ("cc 64", vec![0xb0, 64, 100], 100.0 / 127.0),
                ("cc 7", vec![0xb0, 7, 100], 100.0 / 127.0),
                ("note 36", vec![0x90, 36, 5], 1.0),
                ("cc 20 ch 3", vec![0xb2, 20, 127, 0xb0, 20, 5], 1.0),
            ] {
                let mut board = mapped(source);
                board.say(&bytes);
                near(source, board.source(), x, 1e-5);
            }
        }),
        ("a map listens only to channels that its slot hears", || {
            let mut board = mapped("cc 1");
            board.put("t", &MAPS.replace("SOURCE", "cc 1"), Zone { channel: Some(2), ..Zone::default() });
            board.say(&[0xb0, 1, 127]);
            near("channel 1", board.source(), 0.0, 1e-6);
            board.say(&[0xb1, 1, 127]);
            near("channel 2", board.source(), 1.0, 1e-6);
        }),
        ("CC 7 and 11 are the slot's volume, 40 dB a decade, beside its level", || {
            let mut board = Board::new(GATES);
            board.say(&[0x90, 60, 100]);
            board.say(&[0xb0, 7, 64]);
            near("volume", board.level(), 0.05 * (64.0_f32 / 127.0).powi(2), 1e-6);
            board.say(&[0xb0, 11, 64]);
            near("expression", board.level(), 0.05 * (64.0_f32 / 127.0).powi(4), 1e-6);
            near("the strip stands", board.desk.ask("/t/level") as f32, 0.0, 0.0);
            board.say(&[0xb0, 7, 127, 11, 127]);
            near("full", board.level(), 0.05, 1e-7);
            board.desk.quietly("/t/level -6");
            board.say(&[0xb0, 7, 0]);
            near("none", board.level(), 0.0, 0.0);
            board.desk.control.gone(rackd::control::Client::port(0));
            board.bytes(1, &[0x90, 60, 100]);
            near("its port is gone", board.level(), 0.05 * 0.5012, 1e-4);
        }),
        ("CC 10 is the slot's pan and CC 8 its balance, 64 is the middle", || {
            let mut board = Board::new(GATES);
            board.say(&[0x90, 60, 100]);
            for (bytes, sides) in [
                ([0xb0, 10, 64], [0.05, 0.05]),
                ([0xb0, 10, 127], [0.0, 0.05]),
                ([0xb0, 10, 32], [0.05, 0.025]),
                ([0xb0, 8, 96], [0.05 * (1.5 - 32.0 / 63.0), 0.05]),
                ([0xb0, 8, 0], [0.05, 0.0]),
            ] {
                board.say(&bytes);
                let heard = board.sides();
                near("left", heard[0], sides[0], 1e-5);
                near("right", heard[1], sides[1], 1e-5);
            }
            near("the strip stands", board.desk.ask("/t/pan") as f32, 0.0, 0.0);
        }),
        ("volume of a channel is for slots that hear it and do not map it", || {
            let mut board = Board::new(GATES);
            board.put("t", GATES, Zone { channel: Some(1), ..Zone::default() });
            board.put("u", GATES, Zone { channel: Some(2), ..Zone::default() });
            board.say(&[0x90, 60, 100, 0x91, 60, 100]);
            board.say(&[0xb1, 7, 0]);
            near("one of two", board.level(), 0.05, 1e-6);
        }),
        ("a controller without a meaning is counted", || {
            let mut board = Board::new(GATES);
            board.say(&[0xb0, 1, 5, 20, 5, 65, 127, 91, 3, 122, 0]);
            assert_eq!(board.status("midi/controllers"), 4);
        }),
    ]);
}

#[test]
fn modes_and_cables() {
    all(&[
        ("CC 120 ends all sound of its channel at once, pedals or not, tails too, and no other's", || {
            let mut board = Board::new(&GATES.replace("100 ms", "10 s"));
            board.say(&[0x91, 60, 100, 0x90, 60, 100, 64, 100, 0xb0, 64, 127, 0x80, 60, 0, 0x90, 72, 100]);
            board.say(&[0xb0, 64, 0, 0xb0, 64, 127]);
            board.say(&[0xb0, 120, 0]);
            // 10 ms and a block.
            board.desk.run(600);
            near("one is left", board.desk.run(64)[63], 0.05, 1e-4);
            assert_eq!(board.status("voices"), 1);
            board.say(&[0x80, 64, 0, 72, 0, 0xb0, 64, 0]);
            near("and stays", board.desk.run(64)[63], 0.05, 1e-4);
            board.say(&[0x90, 60, 100]);
            near("the channel plays on", board.desk.run(64)[63], 0.1, 1e-4);
        }),
        ("CC 121 resets mod, expression, pedals, bend and pressures, but not volume, pan and range", || {
            let mut board = Board::probe("note.pitch");
            board.say(&rpn(0, 0, 12));
            board.say(&[0xb0, 7, 64, 0xb0, 11, 30, 64, 127, 66, 127, 67, 127]);
            board.say(&bend(0, 1.0));
            board.say(&[0x90, 72, 100, 0x80, 72, 0]);
            assert!(board.level() > 0.0);
            board.say(&[0xb0, 121, 0]);
            board.level();
            assert_eq!(board.sounding(), 0, "the pedals are up");
            board.say(&[0x90, 72, 100]);
            let volume = (64.0_f32 / 127.0).powi(2);
            near("bend is 0, expression full, volume as it was", board.source(), volume, 1e-4);
            board.say(&bend(0, 1.0));
            near("the range is as it was", board.source(), 2.0 * volume, 1e-4);
            board.say(&[0xb0, 6, 2]);
            near("no parameter is chosen", board.source(), 2.0 * volume, 1e-4);
            let mut board = mapped("cc 1");
            board.say(&[0xb0, 1, 127]);
            near("a map on the wheel", board.source(), 1.0, 1e-6);
            board.say(&[0xb0, 121, 0]);
            near("goes back too", board.source(), 0.0, 1e-6);
            let mut board = Board::probe("note.pressure");
            board.say(&[0x90, 60, 100, 0xa0, 60, 100, 0xb0, 121, 0]);
            near("pressure of a key", board.source(), 0.0, 1e-6);
        }),
        ("CC 123 lets all keys of its channel go, but a pedal holds them", || {
            let mut board = Board::new(GATES);
            board.say(&[0x91, 60, 100, 0x90, 60, 100, 64, 100, 0xb0, 123, 0]);
            assert_eq!(board.sounding(), 1);
            board.say(&[0xb0, 64, 127, 0x90, 60, 100, 64, 100, 0xb0, 123, 0]);
            assert_eq!(board.sounding(), 3);
            board.say(&[0xb0, 64, 0]);
            assert_eq!(board.sounding(), 1);
        }),
        ("CC 124 to 127 let all keys go, 122 does nothing", || {
            for number in [124, 125, 126, 127] {
                let mut board = Board::new(GATES);
                board.say(&[0x90, 60, 100, 0xb0, 122, 0]);
                assert_eq!(board.sounding(), 1);
                board.say(&[0xb0, number, 0]);
                assert_eq!(board.sounding(), 0, "{number}");
                board.say(&[0x90, 60, 100, 64, 100]);
                assert_eq!(board.sounding(), 2, "it stays polyphonic");
            }
        }),
        ("active sensing: 330 ms of silence lets all go, once it has come", || {
            let mut board = Board::new(GATES);
            board.say(&[0x90, 60, 100]);
            board.desk.run(48_000);
            assert_eq!(board.sounding(), 1, "no promise was made");
            board.say(&[0xfe, 0xb0, 64, 127, 0x80, 60, 0]);
            for _ in 0..10 {
                board.desk.run((0.28 * RATE) as usize);
                board.say(&[0xfe]);
            }
            assert_eq!(board.status("voices"), 1);
            board.bytes(1, &[0x90, 60, 100]);
            board.desk.run((0.35 * RATE) as usize);
            assert_eq!(board.sounding(), 1, "the other port's");
            assert_eq!(board.status("midi/silent"), 1);
            assert_eq!(board.desk.control.take_notices().len(), 1);
            board.say(&[0x90, 60, 100, 0x80, 60, 0]);
            assert_eq!(board.sounding(), 1, "its pedal is up, and it is heard again");
        }),
        ("system reset lets all of its port go", || {
            let mut board = Board::new(GATES);
            board.say(&[0xb0, 64, 127, 0x90, 60, 100, 0x80, 60, 0, 0x91, 61, 100]);
            board.bytes(1, &[0x90, 60, 100]);
            board.say(&[0xff]);
            assert_eq!(board.sounding(), 1);
        }),
        ("CC 84 lets the next note glide from a key", || {
            let mut board = Board::probe("note.pitch");
            board.desk.load(
                "format = 1\n[note]\nglide = \"1 s\"\n[voice.env]\ntype = \"adsr\"\nattack = 0\nsustain = 1\n[out]\nin = \"env * note.pitch * 0.1\"\n",
            );
            board.say(&[0xb0, 84, 84, 0x90, 60, 100]);
            let start = board.desk.run(64)[32] * 10.0;
            assert!((1.9..=2.0).contains(&start), "it begins at {start} octaves");
            board.desk.run(48_000);
            near("and arrives", board.source(), 0.0, 1e-4);
        }),
    ]);
}
