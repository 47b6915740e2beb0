//! What clients say of themselves, what they ask for, what they trace.

use rackd::control::client::CONNECTION;
use rackd::control::{Client, Message, Value};

use super::desk::Desk;
use super::feedback::{far, near, say, told};

const PATCH: &str = r#"
format = 1
[controls]
amount = { default = 0.25, min = 0, max = 1, osc = "/1/fader1" }
[note]
[voice.env]
type = "adsr"
[out]
in = "env * amount"
"#;

fn connection(number: u64) -> Client {
    Client { door: CONNECTION | number, ..near(0) }
}

#[test]
fn a_client_names_the_port_at_which_it_is_answered() {
    let mut desk = Desk::new(PATCH);
    let at = |desk: &Desk, who| desk.control.answered_at(who);
    assert_eq!(say(&mut desk, near(5000), "/hello port 9000")[0].address, "/hello");
    assert_eq!((at(&desk, near(5000)), at(&desk, near(5001))), (near(9000), near(5001)));
    say(&mut desk, near(5000), "/hello port 0");
    assert_eq!(at(&desk, near(5000)), near(5000));
    for wrong in ["70000", "-1", "1.5", "x"] {
        assert_eq!(say(&mut desk, near(5000), &format!("/hello port {wrong}"))[0].values[1], "wrong-arguments".into(), "{wrong}");
    }
    assert_eq!(say(&mut desk, connection(1), "/hello port 9000")[0].values[1], "wrong-arguments".into());
    assert_eq!(say(&mut desk, far(5000), "/hello port 9000")[0].values[1], "not-allowed".into());
    assert_eq!(at(&desk, far(5000)), far(5000));
    let Value::Integer(cookie) = say(&mut desk, far(5000), "/hello")[0].values[2] else { panic!("no cookie") };
    assert_eq!(say(&mut desk, far(5000), &format!("/hello cookie {cookie} port 9000"))[0].address, "/hello");
    assert_eq!(at(&desk, far(5000)), far(9000));
}

#[test]
fn who_was_silent_longest_is_forgotten_but_not_who_is_proven_or_subscribes() {
    let mut desk = Desk::new(PATCH);
    let Value::Integer(cookie) = say(&mut desk, far(1), "/hello")[0].values[2] else { panic!("no cookie") };
    say(&mut desk, far(1), &format!("/hello cookie {cookie}"));
    say(&mut desk, near(1), "/hello port 9000");
    say(&mut desk, near(1), "/sub /t/amount");
    say(&mut desk, near(2), "/hello port 9000");
    say(&mut desk, near(3), "/hello port 9000");
    for door in 10_000..18_000 {
        say(&mut desk, near(door), "/hello late drop");
        if door % 1000 == 0 {
            say(&mut desk, near(3), "/t/amount 0.5");
        }
    }
    let at = |who| desk.control.answered_at(who);
    assert!(desk.control.is_proven(far(1)));
    assert_eq!(at(near(1)), near(9000), "it subscribes");
    assert_eq!(at(near(3)), near(9000), "it spoke now and then");
    assert_eq!(at(near(2)), near(2), "it said nothing more");
}

#[test]
fn everything_that_comes_in_is_traced_to_who_asked() {
    let mut desk = Desk::new(PATCH);
    assert_eq!(say(&mut desk, near(1), "/dumpOSC 1")[0].values, ["/dumpOSC".into(), Value::Integer(1)]);
    say(&mut desk, near(2), "/hello name tablet");
    say(&mut desk, near(2), "/t/amount 0.5");
    say(&mut desk, connection(7), "/t/nothing 1 word");
    say(&mut desk, near(1), "/dumpOSC 1");
    say(&mut desk, near(3), "/dump 1");
    let short = desk.control.apply_quick(near(2), [Some(("/t/amount", Value::Number(0.1)))].into_iter());
    assert_eq!(short, None, "nothing goes past a trace");
    assert_eq!(
        told(&mut desk, near(1), 640),
        [
            "/dump 127.0.0.1:2 /hello name tablet",
            "/dump \"tablet 127.0.0.1:2\" /t/amount 0.5",
            "/dump \"127.0.0.1 connection 7\" /t/nothing 1 word",
        ]
    );
    say(&mut desk, near(1), "/dumpOSC 0");
    say(&mut desk, near(2), "/t/amount 0.5");
    assert!(told(&mut desk, near(1), 640).is_empty());
    assert_eq!(say(&mut desk, far(1), "/dumpOSC 1")[0].values[1], "not-allowed".into());
    assert_eq!(say(&mut desk, near(1), "/dumpOSC 3")[0].values[1], "wrong-arguments".into());
}

#[test]
fn what_is_refused_is_traced_with_its_cause() {
    let mut desk = Desk::new(PATCH);
    say(&mut desk, near(1), "/dumpOSC 2 /t");
    say(&mut desk, near(2), "/t/amount loud");
    say(&mut desk, near(2), "/u/amount 1");
    say(&mut desk, near(2), "/rack/load none.toml");
    desk.control.trace_refused(near(2), &Message::new("/fail", vec!["".into(), "truncated".into(), "it ends early".into()]));
    let lines = told(&mut desk, near(1), 640);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], "/dump 127.0.0.1:2 /t/amount loud");
    assert!(lines[1].starts_with("/dump 127.0.0.1:2 /fail /t/amount wrong-arguments "), "{lines:?}");
    assert!(lines[2].starts_with("/dump 127.0.0.1:2 /fail \"\" truncated "), "{lines:?}");
}

#[test]
fn a_flood_is_traced_in_part_and_the_rest_is_counted() {
    let mut desk = Desk::new(PATCH);
    say(&mut desk, near(1), "/dumpOSC 1 /*/amount");
    for _ in 0..1000 {
        say(&mut desk, near(2), "/t/amount 0.5");
        say(&mut desk, near(2), "/ping");
    }
    let long = Message::new("/t/amount", vec![Value::Text("x".repeat(1000)); 50]);
    let lines = told(&mut desk, near(1), 64);
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (65, "/dump/left 936"));
    desk.control.say(near(2), &long.address, &long.values);
    let lines = told(&mut desk, near(1), 64);
    assert!(lines.len() == 1 && lines[0].len() < 1400 && lines[0].ends_with("and 49 more\""), "{lines:?}");
}

#[test]
fn what_datagrams_ask_for_ends_unless_renewed_what_connections_ask_for_when_they_close() {
    let mut desk = Desk::new(PATCH);
    for who in [near(1), connection(1)] {
        say(&mut desk, who, "/sub /t/amount");
        say(&mut desk, who, "/dumpOSC 1 /ping");
    }
    desk.run(61 * 48_000);
    let after = |desk: &mut Desk| {
        say(desk, near(2), "/t/amount 0.5");
        say(desk, near(2), "/ping");
        let mut out = [0.0; 128];
        desk.engine.run(&[], 0, &mut out, 2);
        desk.control.tick().into_iter().map(|(client, _)| client).collect::<Vec<_>>()
    };
    assert_eq!(after(&mut desk), [connection(1), connection(1)]);
    desk.control.gone(connection(1));
    assert!(after(&mut desk).is_empty());
}

#[test]
fn a_whole_subtree_is_listed() {
    let mut desk = Desk::new(&format!("{PATCH}{}", (0..60).map(|n| format!("[voice.a{n}]\ntype = \"svf\"\n")).collect::<String>()));
    let answers = say(&mut desk, near(1), "/query / all");
    let (done, listed) = answers.split_last().unwrap();
    let found: Vec<&str> = listed.iter().flat_map(|message| &message.values[1..]).map(|value| value.text().unwrap()).collect();
    assert_eq!(done.values, ["/query".into(), "/".into(), Value::Integer(found.len() as i64)]);
    assert!(listed.len() > 3, "{} messages", listed.len());
    for message in &answers {
        let bytes = rackd::wire::encode::encode_message(&rackd::osc::convert::answer(message)).len();
        assert!(bytes < 1400, "{bytes}");
    }
    for address in ["/t/amount", "/t/note/on", "/t/a59/cutoff", "/master/level", "/1/fader1", "/query"] {
        assert_eq!(found.iter().filter(|name| **name == address).count(), 1, "{address}");
    }
    // Whatever is listed and takes no argument to be asked is there.
    for address in found.iter().filter(|address| address.starts_with("/t/") && !address.starts_with("/t/note/") && **address != "/t/note") {
        assert_ne!(say(&mut desk, near(1), address).first().map(|answer| answer.address.as_str()), Some("/fail"), "{address}");
    }
    let one = say(&mut desk, near(1), "/query /t/a7 all");
    assert!(one[0].values[1..].iter().all(|value| value.text().unwrap().starts_with("/t/a7/")), "{one:?}");
    assert_eq!(say(&mut desk, near(1), "/query /t/nothing all")[0].values[1], "unknown-address".into());
}

#[test]
fn every_verb_that_acts_off_the_audio_thread_answers() {
    let mut desk = Desk::new(PATCH);
    for verb in rackd::control::VERBS.iter().filter(|verb| matches!(verb.body, rackd::control::verbs::Body::Direct(_))) {
        let answers = desk.control.say(near(1), verb.address, &[]);
        assert!(!answers.is_empty(), "{} is silent", verb.address);
        let mut t = desk.control.say(near(1), verb.address, &["t".into()]);
        // One that waits for the engine answers when that is done.
        desk.run(4_800);
        t.append(&mut desk.later);
        assert!(!t.is_empty(), "{} t is silent", verb.address);
    }
}
