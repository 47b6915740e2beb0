//! What subscribers are told: everything once, then each change of others, no faster than asked for.

use std::net::Ipv4Addr;

use rackd::control::{Client, Message, Origin, Value};

use super::desk::Desk;

const PATCH: &str = r#"
format = 1
[controls]
amount = { default = 0.25, min = 0, max = 1, osc = "/1/fader1" }
tone = { default = "300 Hz", min = "40 Hz", max = "8 kHz" }
[global.env]
type = "adsr"
gate = 0
[global.lag]
type = "onepole"
in = "env * 0.5"
cutoff = "tone"
[out]
in = "lag * 0 + amount"
"#;

pub fn near(door: u64) -> Client {
    Client { origin: Origin::Osc, host: Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), door }
}

pub fn far(door: u64) -> Client {
    Client { origin: Origin::Osc, host: Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().into(), door }
}

pub fn say(desk: &mut Desk, who: Client, line: &str) -> Vec<Message> {
    let message = rackd::osc::text::read(line).unwrap().unwrap();
    desk.control.say(who, &message.address, &message.values)
}

/// What one client is told over so many frames, as lines.
pub fn told(desk: &mut Desk, who: Client, frames: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..frames / 64 {
        let mut out = [0.0; 128];
        desk.engine.run(&[], 0, &mut out, 2);
        let answers = desk.control.tick();
        lines.extend(answers.iter().filter(|(client, _)| *client == who).map(|(_, message)| rackd::osc::text::spell(message)));
    }
    lines
}

#[test]
fn all_but_the_maker_are_told() {
    let mut desk = Desk::new(PATCH);
    for who in [near(1), near(2)] {
        let done = say(&mut desk, who, "/sub /t/tone");
        assert_eq!(done[0].address, "/done");
    }
    assert_eq!(told(&mut desk, near(1), 6400), ["/t/tone 300"], "the full state first");
    say(&mut desk, near(1), "/t/lag/cutoff 800");
    let mut lines = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let mut out = [0.0; 128];
        desk.engine.run(&[], 0, &mut out, 2);
        for (client, message) in desk.control.tick() {
            if client == near(1) { lines.0.push(message) } else { lines.1.push(rackd::osc::text::spell(&message)) }
        }
    }
    assert_eq!(lines, (vec![], vec!["/t/tone 800".to_owned()]), "by whatever name it was turned");
}

#[test]
fn a_flood_is_told_at_the_rate_asked_for_and_its_last_value_arrives() {
    let mut desk = Desk::new(PATCH);
    say(&mut desk, near(1), "/sub /t/amount 10");
    told(&mut desk, near(1), 9600);
    let mut lines = Vec::new();
    for step in 0..750 {
        say(&mut desk, near(2), &format!("/t/amount {}", f64::from(step) / 1000.0));
        lines.extend(told(&mut desk, near(1), 64));
    }
    lines.extend(told(&mut desk, near(1), 9600));
    assert!((9..=13).contains(&lines.len()), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "/t/amount 0.749");
}

#[test]
fn a_subtree_is_told_whole_over_several_ticks() {
    let mut desk = Desk::new(PATCH);
    let done = say(&mut desk, near(1), "/sub /");
    let count = done[0].values[2].number().unwrap() as usize;
    let lines = told(&mut desk, near(1), 6400);
    assert_eq!(lines.len(), count, "{lines:?}");
    assert!(lines.contains(&"/t/lag/cutoff 300".to_owned()) && !lines.iter().any(|line| line.contains("/text")), "{lines:?}");
}

#[test]
fn texts_travels_and_mapped_addresses_are_told() {
    let mut desk = Desk::new(PATCH);
    for (path, line) in [
        ("/t/tone/text", "/t/tone/text \"300 Hz\""),
        ("/n/t/amount", "/n/t/amount 0.25"),
        ("/1", "/1/fader1 0.25"),
        ("/1/fader*", "/1/fader1 0.25"),
        ("/clock/tempo", "/clock/tempo 120"),
    ] {
        say(&mut desk, near(1), &format!("/sub {path}"));
        assert_eq!(told(&mut desk, near(1), 6400), [line], "{path}");
        say(&mut desk, near(1), "/unsub");
    }
    assert_eq!(say(&mut desk, near(1), "/t/level/text")[0].values, ["0 dB".into()]);
}

#[test]
fn a_lease_ends_unless_it_is_renewed() {
    let mut desk = Desk::new(PATCH);
    say(&mut desk, near(1), "/sub /t/amount 30 1");
    told(&mut desk, near(1), 24_000);
    say(&mut desk, near(1), "/sub /t/amount 30 1");
    told(&mut desk, near(1), 38_400);
    say(&mut desk, near(2), "/t/amount 0.5");
    assert_eq!(told(&mut desk, near(1), 6400), ["/t/amount 0.5"]);
    told(&mut desk, near(1), 9600);
    say(&mut desk, near(2), "/t/amount 0.6");
    assert!(told(&mut desk, near(1), 6400).is_empty());
}

#[test]
fn nothing_is_told_under_a_finger() {
    let mut desk = Desk::new(PATCH);
    say(&mut desk, near(1), "/sub /1/fader1");
    told(&mut desk, near(1), 6400);
    say(&mut desk, near(1), "/1/fader1/z 1");
    say(&mut desk, near(2), "/t/amount 0.5");
    assert!(told(&mut desk, near(1), 6400).is_empty());
    say(&mut desk, near(1), "/1/fader1/z 0");
    assert_eq!(told(&mut desk, near(1), 6400), ["/1/fader1 0.5"]);
}

#[test]
fn subscriptions_survive_another_version_of_the_patch() {
    let mut desk = Desk::new(PATCH);
    say(&mut desk, near(1), "/sub /t/amount");
    say(&mut desk, near(1), "/sub /changed");
    told(&mut desk, near(1), 6400);
    assert!(desk.control.load("t", &PATCH.replace("default = 0.25", "default = 0.75"), None).is_ok());
    let mut lines = told(&mut desk, near(1), 9600);
    lines.sort();
    assert_eq!(lines, ["/changed t", "/t/amount 0.75"]);
    say(&mut desk, near(2), "/t/amount 0.5");
    assert_eq!(told(&mut desk, near(1), 6400), ["/t/amount 0.5"]);
}

#[test]
fn who_is_elsewhere_shows_first_that_it_receives() {
    let mut desk = Desk::new(PATCH);
    let refused = say(&mut desk, far(1), "/sub /t");
    assert_eq!(refused[0].values[1], "not-allowed".into());
    let hello = say(&mut desk, far(1), "/hello");
    let Value::Integer(cookie) = hello[0].values[2] else { panic!("{hello:?}") };
    assert_eq!(say(&mut desk, far(2), &format!("/hello cookie {cookie}"))[0].address, "/fail", "a cookie is one client's alone");
    assert_eq!(say(&mut desk, far(1), &format!("/hello cookie {cookie}"))[0].address, "/hello");
    assert_eq!(say(&mut desk, far(1), "/sub /t")[0].address, "/done");
}
