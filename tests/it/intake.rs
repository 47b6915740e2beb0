//! The short way of plain values does what the long way does, and a flood loses nothing.

use proptest::prelude::*;
use rackd::control::{Group, Message, Value, When};

use super::desk::{Desk, me};

const PATCH: &str = r#"
format = 1
[note]
[controls]
amount = { default = 0.2, min = 0, max = 1, osc = "/1/fader1" }
tone = { default = "500 Hz", min = "100 Hz", max = "2000 Hz" }
[global.osc]
type = "vco"
pitch = "tone"
[global.env]
type = "adsr"
[out]
in = "osc.sine * amount"
"#;

const ADDRESSES: [&str; 13] = [
    "/t/amount",
    "/t/tone",
    "/n/t/amount",
    "/n/t/tone",
    "/t/osc/pitch",
    "/t/env/gate",
    "/t/env/attack",
    "/1/fader1",
    "/t/level",
    "/t/nothing",
    "/t/amou*",
    "//pitch",
    "/t/amount/z",
];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (0.0..1.0).prop_map(Value::Number),
        4 => (50.0..3000.0).prop_map(Value::Number),
        2 => (-2i64..3).prop_map(Value::Integer),
        1 => Just(Value::Number(f64::NAN)),
        1 => Just(Value::Text("0.5".into())),
        1 => Just(Value::Impulse),
    ]
}

fn message() -> impl Strategy<Value = (usize, Vec<Value>)> {
    let address = prop_oneof![6 => 0..5usize, 1 => 5..ADDRESSES.len()];
    (address, prop_oneof![12 => prop::collection::vec(value(), 1), 1 => prop::collection::vec(value(), 0..3)])
}

/// By the short way where it is open; whether it was.
fn shortly(desk: &mut Desk, messages: &[Message]) -> (Vec<Message>, bool) {
    let values = messages.iter().map(|message| match message.values.as_slice() {
        [value @ (Value::Number(_) | Value::Integer(_))] => Some((message.address.as_str(), value.clone())),
        _ => None,
    });
    match desk.control.apply_quick(me(), values) {
        Some(answers) => (answers, true),
        None => (desk.control.apply(me(), &[Group { at: When::Now, messages: messages.to_vec() }]), false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_come_to_the_same(packets in prop::collection::vec((prop::collection::vec(message(), 1..6), 0..3usize), 1..60)) {
        let (mut short, mut long) = (Desk::new(PATCH), Desk::new(PATCH));
        for (packet, blocks) in packets {
            let messages: Vec<Message> = packet.into_iter().map(|(at, values)| Message::new(ADDRESSES[at], values)).collect();
            let (answers, _) = shortly(&mut short, &messages);
            let expected = long.control.apply(me(), &[Group { at: When::Now, messages }]);
            prop_assert_eq!(format!("{answers:?}"), format!("{expected:?}"));
            prop_assert_eq!(short.run(64 * blocks), long.run(64 * blocks));
            prop_assert_eq!(short.control.status(), long.control.status());
        }
    }
}

#[test]
fn plain_values_do_go_the_short_way_and_nothing_else() {
    let mut desk = Desk::new(PATCH);
    let mut goes = |address: &str, value: Value| shortly(&mut desk, &[Message::new(address, vec![value])]).1;
    assert!(goes("/t/amount", Value::Number(0.5)) && goes("/n/t/tone", Value::Number(0.5)) && goes("/t/osc/pitch", Value::Integer(440)));
    for (address, value) in [("/t/amount", 7.0), ("/t/env/gate", 1.0), ("/t/level", 0.0), ("/1/fader1", 0.5), ("/t/none", 0.0)] {
        assert!(!goes(address, Value::Number(value)), "{address}");
    }
}

#[test]
fn a_flood_is_merged_by_whole_bundles_and_every_event_is_counted() {
    let mut desk = Desk::new(PATCH);
    let told = |desk: &Desk, name: &str| {
        let all = desk.control.status();
        let value = all.iter().find(|(of, _)| of == name).and_then(|(_, value)| value.number());
        value.unwrap_or_else(|| panic!("no {name}")) as u64
    };
    for n in 0..20_000 {
        let x = Value::Number(f64::from(n % 100) / 100.0);
        let pair = [Message::new("/t/amount", vec![x]), Message::new("/t/tone", vec![Value::Number(200.0 + f64::from(n % 100))])];
        let (answers, short) = shortly(&mut desk, &pair);
        assert!(short && answers.is_empty());
    }
    let sum = |desk: &Desk| told(desk, "fed") + told(desk, "merged") + told(desk, "dropped") + told(desk, "waiting");
    assert_eq!(sum(&desk), told(&desk, "events"));
    assert!(told(&desk, "merged") > 20_000 && told(&desk, "dropped") == 0 && told(&desk, "waiting") < 10);
    desk.run(512);
    assert_eq!((told(&desk, "waiting"), sum(&desk)), (0, told(&desk, "events")));
    assert_eq!(desk.ask("/t/amount"), f64::from(0.99f32));
}
