//! Any order of keys, pedals, modes and cables pulled out: in the end nothing sounds and nothing is held.

use rackd::control::Client;
use rackd::patch::Zone;

use super::board::{Board, GATES, rpn};
use super::chance::Chance;

/// One message, often one that matters; keys and channels are few, so that they meet.
fn step(chance: &mut Chance, board: &mut Board) {
    let channel = *chance.pick(&[0, 0, 0, 1, 2, 3, 14, 15]) as u8;
    let port = chance.below(3);
    let key = 60 + chance.below(6) as u8;
    let cc = |number: u8, value: u8| vec![0xb0 | channel, number, value];
    let bytes = match chance.below(30) {
        0..=9 => vec![0x90 | channel, key, 1 + chance.below(127) as u8],
        10..=15 => vec![0x80 | channel, key, chance.below(128) as u8],
        16 => vec![0x90 | channel, key, 0],
        17..=18 => cc(64, *chance.pick(&[0, 127])),
        19..=20 => cc(66, *chance.pick(&[0, 127])),
        21 => cc(67, *chance.pick(&[0, 127])),
        22 => cc(*chance.pick(&[120, 121, 123, 124, 127]), 0),
        23 => rpn(*chance.pick(&[0, 15]), 6, *chance.pick(&[0, 0, 3, 7, 15])).to_vec(),
        24 => rpn(channel, chance.below(4) as u8, chance.below(128) as u8).to_vec(),
        25 => vec![0xe0 | channel, chance.below(128) as u8, chance.below(128) as u8],
        26 => vec![0xd0 | channel, chance.below(128) as u8],
        27 => cc(chance.below(128) as u8, chance.below(128) as u8),
        28 => {
            let slot = chance.below(3);
            let zone = Zone {
                listens: chance.below(5) > 0,
                channel: *chance.pick(&[None, None, Some(1), Some(2), Some(16)]),
                mpe: *chance.pick(&[None, Some(true), Some(false)]),
                ..Zone::default()
            };
            board.desk.control.hear(slot, zone);
            return;
        }
        _ => match chance.below(8) {
            0 => vec![0xff],
            1 => vec![0xfe],
            2 => {
                board.desk.control.gone(Client::port(port as u64));
                return;
            }
            _ => vec![0xf8],
        },
    };
    board.bytes(port, &bytes);
}

fn three_slots() -> Board {
    let patch = GATES.replace("100 ms", "5 ms");
    let mut board = Board::new(&patch);
    board.put("u", &patch.replace("[note]", "[note]\nmpe = true"), Zone::default());
    board.put("v", &patch.replace("[note]", "[note]\nmode = \"legato\"").replace("voices = 32\n", ""), Zone::default());
    board
}

fn nothing_is_left(board: &mut Board, what: &str) {
    board.desk.run(4_800);
    assert_eq!(board.status("voices"), 0, "{what}");
    assert_eq!(board.desk.control.notes_sounding(), 0, "{what}");
    assert_eq!(board.desk.run(64).iter().fold(0.0_f32, |most, x| most.max(x.abs())), 0.0, "{what}");
    let [messages, accepted, refused] = ["messages", "accepted", "refused"].map(|name| board.status(name));
    assert_eq!(messages, accepted + refused, "{what}");
}

#[test]
fn whatever_was_played_nothing_hangs_once_all_is_let_go() {
    let mut board = three_slots();
    for seed in 0..150 {
        let mut chance = Chance(seed);
        for _ in 0..chance.below(120) {
            step(&mut chance, &mut board);
            if chance.below(6) == 0 {
                board.desk.run(1 + chance.below(200));
            }
        }
        // All keys and pedals are let go, in any order.
        let mut ends: Vec<(usize, [u8; 3])> = Vec::new();
        for port in 0..3 {
            for channel in 0..16 {
                ends.extend((60..66).map(|key| (port, [0x80 | channel, key, 0])));
                ends.extend([64, 66, 67].map(|number| (port, [0xb0 | channel, number, 0])));
            }
        }
        while !ends.is_empty() {
            let at = chance.below(ends.len());
            let (port, bytes) = ends.swap_remove(at);
            board.bytes(port, &bytes);
        }
        nothing_is_left(&mut board, &format!("seed {seed}"));
    }
}

#[test]
fn a_cable_may_be_pulled_out_at_any_moment() {
    let mut board = three_slots();
    for seed in 0..1_000 {
        let mut chance = Chance(seed ^ 0xface);
        for _ in 0..chance.below(25) {
            step(&mut chance, &mut board);
            if chance.below(4) == 0 {
                board.desk.run(1 + chance.below(100));
            }
        }
        for port in 0..3 {
            board.desk.control.gone(Client::port(port));
        }
        nothing_is_left(&mut board, &format!("seed {seed}"));
    }
}

#[test]
fn no_end_of_a_note_is_lost_where_the_queue_is_full() {
    let mut board = Board::new(&GATES.replace("100 ms", "5 ms"));
    // The engine stands still: more than its queue and the line before it hold.
    let mut chance = Chance(7);
    while board.status("refused") < 500 {
        board.say(&[0x90 | chance.below(16) as u8, chance.below(128) as u8, 100]);
    }
    for channel in 0..16 {
        board.say(&[0xb0 | channel, 64, 127, 0xb0 | channel, 123, 0, 0xb0 | channel, 64, 0]);
        board.say(&(0..128).flat_map(|key| [0x80 | channel, key, 0]).collect::<Vec<u8>>());
    }
    assert!(board.status("midi/owed") > 0);
    board.desk.run(96_000);
    assert_eq!((board.status("voices"), board.status("waiting")), (0, 0));
    let [events, fed, merged, dropped] = ["events", "fed", "merged", "dropped"].map(|name| board.status(name));
    assert_eq!(events, fed + merged + dropped);
    board.say(&[0x90, 60, 100]);
    assert_eq!(board.sounding(), 1, "it plays on");
}
