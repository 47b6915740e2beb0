//! Patterns of OSC 1.0 and the `//` of OSC 1.1: which addresses they reach, and what they cost.

use std::fmt::Write;

use rackd::control::{Client, Group, Message, Origin, Value, When};

use super::chance::Chance;
use super::desk::Desk;

const PATCH: &str = r#"
format = 1
[note]
[controls]
amount = { default = 0.2, min = 0, max = 1, osc = "/1/fader1" }
tone = { default = "500 Hz", min = "100 Hz", max = "2000 Hz", osc = "/1/fader2" }
[voice.env]
type = "adsr"
sustain = 1
[global.gen]
type = "seq_step"
steps = ["C3", "D3", "E3"]
[global.low]
type = "svf"
in = "low2.low * 0.5"
cutoff = "800 Hz"
[global.low2]
type = "svf"
in = "low.low * 0.5"
cutoff = "300 Hz"
[out]
in = "env * amount + low.low * 0.1 + gen * 0"
"#;

/// So many addresses of so many modules.
fn large(modules: usize) -> String {
    let mut text = "format = 1\n".to_owned();
    for at in 0..modules {
        let _ = write!(text, "[global.m{at}]\ntype = \"onepole\"\nin = \"m{}.low * 0.5\"\n", (at + 1) % modules);
    }
    text + "[out]\nin = \"m0.low\"\n"
}

/// The addresses that a question by a pattern is answered with, in the order of the alphabet.
fn reached(desk: &mut Desk, pattern: &str) -> Vec<String> {
    let mut all: Vec<String> = desk.say(pattern).iter().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect();
    all.sort_unstable();
    all
}

#[test]
fn they_reach_what_they_mean() {
    let mut desk = Desk::new(PATCH);
    let cases: [(&str, &[&str]); 20] = [
        ("/t/low*/cutoff", &["/t/low/cutoff", "/t/low2/cutoff"]),
        ("/t/low?/cutoff", &["/t/low2/cutoff"]),
        ("/t/{l,lo}w/cutoff", &["/t/low/cutoff"]),
        ("/t/{lo,low}{w2,2}/cutoff", &["/t/low2/cutoff"]),
        ("/t/low[!0-9]/cutoff", &[]),
        ("/t/low[0-9]/cutoff", &["/t/low2/cutoff"]),
        ("//cutoff", &["/t/low/cutoff", "/t/low2/cutoff"]),
        ("/t//cutoff", &["/t/low/cutoff", "/t/low2/cutoff"]),
        ("/t//level", &["/t/level"]),
        ("//level", &["/master/level", "/t/level"]),
        ("/master/l*", &["/master/level", "/master/limiter"]),
        ("/n//cutoff", &["/n/t/low/cutoff", "/n/t/low2/cutoff"]),
        ("/n/?/l[o]w/cutoff", &["/n/t/low/cutoff"]),
        ("/t/gen/steps/*", &["/t/gen/steps/1", "/t/gen/steps/2", "/t/gen/steps/3"]),
        ("//steps/[2-9]", &["/t/gen/steps/2", "/t/gen/steps/3"]),
        ("//steps/4*", &[]),
        ("/1/fader*", &["/1/fader1", "/1/fader2"]),
        ("//fader[!2]", &["/1/fader1"]),
        ("/t/*cut*", &[]),
        ("/*/{amount,tone}", &["/t/amount", "/t/tone"]),
    ];
    for (pattern, addresses) in cases {
        if addresses.is_empty() {
            assert_eq!(desk.fails(pattern), "pattern", "{pattern}");
        } else {
            // Once looked for, once remembered.
            assert_eq!(reached(&mut desk, pattern), addresses, "{pattern}");
            assert_eq!(reached(&mut desk, pattern), addresses, "{pattern}");
        }
    }
    let all = reached(&mut desk, "/t//");
    let below = desk.control.slots()[0].addresses.iter().count();
    assert_eq!(all.len(), below + 5, "all of the slot and the five entries of its lists: {all:?}");
}

#[test]
fn a_verb_is_meant_only_where_its_name_is_written_out() {
    let mut desk = Desk::new(PATCH);
    for pattern in ["/t/*", "/t//", "/t/note/*", "//on", "/n/?/note/on", "/t/no?e", "//"] {
        desk.say(&format!("{pattern} 60 1"));
        desk.run(480);
        assert_eq!(desk.status("voices"), 0, "{pattern}");
    }
    for (count, pattern) in ["/*/note/on", "//note/on", "/[t]//note/on"].into_iter().enumerate() {
        desk.quietly(&format!("{pattern} {count} {} 1", 60 + count));
        desk.run(480);
        assert_eq!(desk.status("voices"), count as i64 + 1, "{pattern}");
    }
}

#[test]
fn what_was_remembered_is_forgotten_when_addresses_change() {
    let mut desk = Desk::new(PATCH);
    assert_eq!(reached(&mut desk, "//steps/*").len(), 3);
    desk.quietly("/t/gen/steps C3 D3 E3 F3 G3");
    assert_eq!(reached(&mut desk, "//steps/*").len(), 5, "a list that has become longer");
    desk.quietly("//cutoff 400");
    assert_eq!(desk.fails("//high/cutoff 1"), "pattern");
    desk.load(&PATCH.replace("low2", "high"));
    desk.quietly("//cutoff 600");
    assert!((desk.ask("/t/high/cutoff") - 600.0).abs() < 0.1 && (desk.ask("/t/low/cutoff") - 600.0).abs() < 0.1);
    assert_eq!(reached(&mut desk, "//high/cutoff"), ["/t/high/cutoff"]);
    assert!(desk.control.load("u", PATCH, None).is_ok());
    desk.run(512);
    assert_eq!(reached(&mut desk, "//low/cutoff"), ["/t/low/cutoff", "/u/low/cutoff"]);
}

#[test]
fn a_subscription_may_be_a_pattern() {
    let mut desk = Desk::new(PATCH);
    let who = Client::of(Origin::Lines);
    let mut counts = Vec::new();
    for path in ["//cutoff", "/n//cutoff", "//cutoff/text", "/t/low*/cutoff", "//fader?", "/t//"] {
        let done = desk.control.say(who, "/sub", &[Value::Text(path.to_owned())]);
        assert_eq!(done[0].address, "/done", "{path}: {done:?}");
        counts.extend(done[0].values[2].number());
    }
    let below = desk.control.slots()[0].addresses.iter().count() as f64;
    assert_eq!(counts, [2.0, 2.0, 2.0, 2.0, 2.0, below + 5.0]);
    desk.run(48_000);
    desk.later.clear();
    desk.quietly("//cutoff 700");
    desk.run(9600);
    let told: Vec<String> = desk.later.iter().map(rackd::osc::text::spell).collect();
    for line in ["/t/low/cutoff 700", "/t/low2/cutoff 700", "/t/low/cutoff/text \"700 Hz\""] {
        assert!(told.iter().any(|told| told == line), "{line} in {told:?}");
    }
    assert!(told.iter().any(|line| line.starts_with("/n/t/low2/cutoff ")), "{told:?}");
}

#[test]
fn more_than_4096_addresses_are_refused() {
    let mut desk = Desk::new(&large(1500));
    let addresses = desk.control.slots()[0].addresses.iter().count();
    assert!(addresses > 4096, "{addresses}");
    for pattern in ["/t//", "//", "/*//"] {
        let answers = desk.say(pattern);
        assert!(answers.len() == 1 && answers[0].contains("more than 4096"), "{pattern}: {}", answers.len());
    }
    assert_eq!(reached(&mut desk, "//cutoff").len(), 1500);
    assert_eq!(desk.status("dropped"), 0);
}

#[test]
fn hostile_patterns_are_refused_or_cost_little() {
    let mut desk = Desk::new(&large(1500));
    let long = |text: &str| format!("/{}", text.repeat(120 / text.len()));
    let refused = [
        (format!("/t/{}", "*a".repeat(100)), "longer than 128"),
        ("/t/{a,{b,c}}".to_owned(), "between"),
        ("/t/{*a*a,".to_owned(), "not closed"),
        ("/t/[a".to_owned(), "not closed"),
        ("/t/a}".to_owned(), "closes nothing"),
        (format!("/t/{}", "*[!x]".repeat(24)), "nothing"),
        (long("//*[!x]*"), "nothing"),
        (long("//*m*"), "nothing"),
    ];
    for (pattern, why) in refused {
        let answers = desk.say(&format!("{pattern} 1"));
        assert!(answers.len() == 1 && answers[0].starts_with("/fail") && answers[0].contains(why), "{pattern}: {answers:?}");
    }
    // Names so long that all of them together are more work than is done for one pattern.
    let long_name = "m".repeat(120);
    desk.load(&large(500).replace(".m", &format!(".{long_name}")).replace("\"m", &format!("\"{long_name}")));
    let answers = desk.say(&format!("//{} 1", "*[!x]".repeat(24)));
    assert!(answers.len() == 1 && answers[0].contains("too much work"), "{answers:?}");
    let sum = desk.status("accepted") + desk.status("refused");
    assert_eq!(desk.status("messages"), sum);
}

/// The short way is open to patterns of plain numbers; both ways come to the same.
#[test]
fn patterns_of_plain_values_go_the_short_way_too() {
    let (mut short, mut long) = (Desk::new(PATCH), Desk::new(PATCH));
    let mut chance = Chance(1);
    let mut went = 0;
    for _ in 0..600 {
        let count = 1 + chance.below(3);
        let messages: Vec<Message> = (0..count)
            .map(|_| {
                let address =
                    *chance.pick(&["//cutoff", "/t/low*/cutoff", "/n/t/{amount,tone}", "/t/*/resonance", "/t/tone", "/t/lo*/*", "//x"]);
                let most = if address.ends_with("cutoff") { 3000 } else { 2 };
                Message::new(address, vec![Value::Number(chance.below(most) as f64 * 10.0 / 13.0)])
            })
            .collect();
        let who = Client::of(Origin::Osc);
        let values = messages.iter().map(|message| Some((message.address.as_str(), message.values[0].clone())));
        let shortly = short.control.apply_quick(who, values);
        went += usize::from(shortly.is_some());
        let group = [Group { at: When::Now, messages }];
        let answers = shortly.unwrap_or_else(|| short.control.apply(who, &group));
        assert_eq!(format!("{answers:?}"), format!("{:?}", long.control.apply(who, &group)));
        if chance.below(4) == 0 {
            assert_eq!(short.run(64), long.run(64));
        }
        assert_eq!(short.control.status(), long.control.status());
    }
    assert!((100..500).contains(&went), "{went} went the short way");
}
