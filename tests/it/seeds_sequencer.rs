//! The rows of the sequencer whose engine is a process of its own, and of audio that starts together with video.

use rackd::control::Value;
use rackd::osc::text::spell;

use super::feedback::{near, say};
use super::seeds::Shown::{Here, There};
use super::seeds::{Booth, GATES, Row, show};

pub static ROWS: [Row; 8] = [
    Row {
        call: "sequencer priority",
        theirs: "The engine is a process of higher priority, on cores of its own.",
        ours: "`--realtime`, `--lock-memory`, `--affinity`: what is granted is said; of what is refused, how to be granted it.",
        shown: There(
            "tests/it/rights.rs",
            &[
                "memory_is_locked_where_it_says_so_and_nowhere_else",
                "who_cannot_do_without_plays_with_it_or_not_at_all",
                "audio_threads_stay_on_their_cores_and_others_do_not",
            ],
        ),
    },
    Row {
        call: "sequencer sockets",
        theirs: "Control and events go by sockets of their own.",
        ours: "Any number of sockets, each a client; each is told what it subscribed to, and nothing else.",
        shown: Here(sockets),
    },
    Row {
        call: "sequencer slow client",
        theirs: "The scheduler calls the window's cursor without waiting for it.",
        ours: "Notes are fed by a thread of their own; cursor messages are told anew each time, and never wait in a queue.",
        shown: There("tests/clients/sequencer.rs", &["notes_are_edited_while_they_play_under_a_flood_and_all_are_on_their_sample"]),
    },
    Row {
        call: "sequencer audition",
        theirs: "A note that is added or moved in the editor sounds at once.",
        ours: "/score/audition 1: the same, also where the clock stands.",
        shown: Here(audition),
    },
    Row {
        call: "sequencer level and pan",
        theirs: "Level and place of instruments that sound can be changed.",
        ours: "/score/set id volume and pan for a note, /<slot>/level and pan for all of them, smoothly.",
        shown: Here(level_and_pan),
    },
    Row {
        call: "sequencer cursor",
        theirs: "Messages say where it plays, when they are sent.",
        ours: "/cursor beat bar seconds time: with the moment at which that beat is heard, at a rate that is asked for.",
        shown: Here(cursor),
    },
    Row {
        call: "sequencer re-attach",
        theirs: "The engine lives on when its window crashes.",
        ours: "The score plays on; who comes back asks for it with /score/get.",
        shown: There("tests/clients/seeds.rs", &["the_score_plays_on_when_its_editor_is_killed_and_another_finds_it"]),
    },
    Row {
        call: "video start together",
        theirs: "Each says ready, then one fires a start no earlier than the longest latency.",
        ours: "/transport/arm, /ready with its lead, one tagged /transport/play, /transport/started with the skew.",
        shown: There("tests/clients/together.rs", &["two_engines_on_one_server_start_in_the_same_frame_a_hundred_times"]),
    },
];

#[test]
fn the_sequencer_and_the_start_with_video() {
    show(&ROWS);
}

fn sockets() {
    let mut booth = Booth::new("sockets", GATES);
    let desk = &mut booth.desk;
    say(desk, near(2), "/sub /clock/tempo");
    say(desk, near(2), "/sub /transport");
    let mut told = Vec::new();
    let mut run = |desk: &mut super::desk::Desk, frames: usize| {
        for _ in 0..frames / 64 {
            desk.engine.run(&[], 0, &mut [0.0; 128], 2);
            told.extend(desk.control.tick());
        }
    };
    run(desk, 6_400);
    assert!(say(desk, near(1), "/clock/tempo 90").is_empty());
    assert!(say(desk, near(1), "/score/add 1 4 t C4 0.8 1").is_empty());
    run(desk, 6_400);
    assert!(told.iter().all(|(client, _)| *client == near(2)), "{told:?}");
    assert!(told.iter().any(|(_, message)| spell(message) == "/clock/tempo 90"), "{told:?}");
}

fn audition() {
    let mut booth = Booth::new("audition", GATES);
    booth.quietly("/transport/stop");
    booth.run(640);
    booth.quietly("/score/audition 1");
    booth.quietly("/score/add 1 8 t C4 0.8 0.01");
    assert_eq!(booth.edges(4_800), [(0, 1), (240, 0)], "added");
    booth.quietly("/score/move 1 9 D4");
    assert_eq!(booth.edges(4_800), [(0, 1), (240, 0)], "moved");
}

fn level_and_pan() {
    let mut booth = Booth::new("level", GATES);
    booth.quietly("/score/add 1 0 t C4 0.8 64 amount 4");
    booth.quietly("/score/add 2 0 t E4 0.8 64");
    booth.quietly("/transport/locate 0");
    assert_eq!((booth.run(12_000)[11_999] * 100.0).round(), 5.0);
    booth.quietly("/score/set 1 amount 2");
    assert_eq!((booth.run(12_000)[11_999] * 100.0).round(), 3.0, "one note");
    booth.quietly("/t/level -6.0206");
    let heard = booth.run(12_000);
    assert_eq!((heard[11_999] * 1000.0).round(), 15.0, "all of them");
    assert!(super::rig::step(&heard) < 0.001, "smoothly");
    booth.quietly("/t/pan 1");
    let heard = booth.run(12_000);
    assert!(heard[11_999].abs() < 1e-6 && super::rig::step(&heard) < 0.001, "the left is silent");
}

fn cursor() {
    let mut booth = Booth::new("cursor", GATES);
    let start = 1_790_000_000_000_000_000;
    booth.desk.control.clock().anchor(0, start);
    assert_eq!(booth.desk.say("/sub /cursor 30"), ["/done /sub /cursor 1"]);
    booth.quietly("/transport/locate 0");
    booth.run(64);
    // Beat 0 was the first frame of these.
    let zero = booth.desk.engine.now() - 64;
    booth.desk.later.clear();
    booth.run(96_000);
    let told: Vec<_> = booth.desk.later.iter().filter(|message| message.address == "/cursor").cloned().collect();
    assert!((58..=61).contains(&told.len()), "thirty times a second: {}", told.len());
    for message in told {
        let [Value::Number(beat), Value::Integer(bar), Value::Number(seconds), Value::Time(time)] = message.values[..] else {
            panic!("{message:?}")
        };
        // 24,000 frames a beat, four beats a bar; heard when its frame is.
        let frames = beat * 24_000.0;
        assert_eq!((bar, (seconds * 2.0 - beat).abs() < 1e-9), ((beat / 4.0) as i64, true), "{message:?}");
        let heard = start + ((zero as f64 + frames) / 48_000.0 * 1e9) as i64;
        assert!((time - heard).abs() < 100_000, "{message:?}: {} ns off", time - heard);
    }
}
