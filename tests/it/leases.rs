//! Notes belong to their client: none sounds on when it has vanished, or when its note-off was lost.

use rackd::control::{Client, Group, Message, Origin, Value, When};

use crate::desk::{Desk, RATE, me};
use crate::rig::peak;

const PATCH: &str = "format = 1\n[note]\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\nattack = \"0 ms\"\nrelease = \"2 ms\"\n[out]\nin = \"osc.saw * env\"\n";

fn frames(milliseconds: u64) -> usize {
    (RATE as u64 * milliseconds / 1000) as usize
}

fn other() -> Client {
    Client { origin: Origin::Osc, host: 0, door: 7 }
}

#[test]
fn a_note_lives_as_long_as_its_lease_and_renewing_prolongs_it() {
    let mut desk = Desk::new(PATCH);
    desk.say("/hello lease 0.2");
    desk.quietly("/t/note/on 1 60 1");
    desk.quietly("/t/note/on 2 67 1");
    assert!(peak(&desk.run(frames(150))) > 0.1);
    desk.quietly("/notes t 1");
    desk.run(frames(30));
    assert_eq!(desk.say("/notes"), ["/notes t 1"]);
    assert!(peak(&desk.run(frames(160))) > 0.1, "1 sounds for 200 ms more");
    desk.run(frames(30));
    assert_eq!(peak(&desk.run(frames(50))), 0.0, "nobody renewed it");
    assert_eq!(desk.say("/notes"), ["/notes"]);
}

#[test]
fn an_expression_renews_its_note() {
    let mut desk = Desk::new(PATCH);
    desk.say("/hello lease 0.1");
    desk.quietly("/t/note/on 1 60 1");
    for _ in 0..10 {
        assert!(peak(&desk.run(frames(80))) > 0.1);
        desk.quietly("/t/note/bend 1 0.1");
    }
    desk.run(frames(110));
    assert_eq!(peak(&desk.run(frames(50))), 0.0);
}

#[test]
fn no_note_outlives_its_lease_where_every_fifth_packet_is_lost() {
    let mut desk = Desk::new(PATCH);
    desk.say("/hello lease 0.1");
    let mut chance = 1u64;
    let mut arrives = || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        chance >> 33 & 0xffff > 0xffff / 5
    };
    let mut lost_offs = 0;
    for id in 0..200 {
        if arrives() {
            desk.quietly(&format!("/t/note/on {id} {} 0.5", 40 + id % 40));
        }
        desk.run(frames(20));
        if arrives() {
            // Its note-on may have been lost.
            desk.say(&format!("/t/note/off {id}"));
        } else {
            lost_offs += 1;
        }
        desk.run(frames(5));
    }
    assert!(lost_offs > 20, "{lost_offs}");
    desk.run(frames(110));
    assert_eq!(peak(&desk.run(frames(100))), 0.0);
    assert_eq!(desk.say("/notes"), ["/notes"]);
}

#[test]
fn who_is_gone_holds_nothing_and_others_go_on() {
    let mut desk = Desk::new(PATCH);
    for id in 0..8 {
        desk.control.say(other(), "/t/note/on", &[Value::Integer(id), Value::Integer(60 + id), 0.5.into()]);
    }
    desk.quietly("/t/note/on 1 48 0.5");
    desk.run(frames(50));
    desk.control.gone(other());
    desk.run(frames(20));
    assert_eq!(desk.say("/notes"), ["/notes t 1"]);
    assert!(peak(&desk.run(frames(50))) > 0.1, "mine sounds");
    desk.control.gone(me());
    desk.run(frames(20));
    assert_eq!(peak(&desk.run(frames(50))), 0.0);
}

#[test]
fn what_is_let_go_before_it_begins_does_not_hang() {
    for way in ["off", "panic", "gone"] {
        let mut desk = Desk::new(PATCH);
        let at = desk.engine.now() + frames(100) as u64;
        let on = Message::new("/t/note/on", vec![Value::Integer(1), Value::Integer(60), 1.0.into()]);
        desk.control.apply(me(), &[Group { at: When::At(at), messages: vec![on] }]);
        desk.run(frames(10));
        match way {
            "off" => desk.quietly("/t/note/off 1"),
            "panic" => desk.quietly("/panic"),
            _ => desk.control.gone(me()),
        }
        desk.run(frames(120));
        assert_eq!(peak(&desk.run(frames(100))), 0.0, "{way}");
    }
}
