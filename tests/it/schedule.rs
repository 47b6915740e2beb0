//! What is sent ahead of its time: on its sample, in its order, whatever else waits; and taken back.

use rackd::control::{Client, Group, Message, Origin, Value, When};

use super::desk::{Desk, first_change, me};

const SYNTH: &str = r#"
format = 1
[note]
voices = 8
[controls]
amount = { default = 0, min = 0, max = 1, osc = "/1/fader1" }
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = 0
[out]
in = "env * 0.5 + amount"
"#;

const SECOND: u64 = 48_000;

fn other() -> Client {
    Client { origin: Origin::Osc, host: 0, door: 7 }
}

fn elsewhere() -> Client {
    Client { origin: Origin::Osc, host: 99, door: 7 }
}

fn line(text: &str) -> Message {
    rackd::osc::text::read(text).unwrap().unwrap()
}

fn send(desk: &mut Desk, client: Client, at: u64, lines: &[&str]) -> Vec<String> {
    let messages = lines.iter().map(|text| line(text)).collect();
    desk.control.apply(client, &[Group { at: When::At(at), messages }]).iter().map(rackd::osc::text::spell).collect()
}

/// The next frames in callbacks of this length.
fn run(desk: &mut Desk, frames: usize, buffer: usize) -> Vec<f32> {
    let mut heard = Vec::new();
    let mut out = vec![0.0; 2 * buffer];
    while heard.len() < frames {
        desk.control.tick();
        desk.engine.run(&[], 0, &mut out, 2);
        heard.extend(out.chunks(2).map(|frame| frame[0]));
    }
    heard
}

#[track_caller]
fn check_sums(desk: &Desk) {
    let parts = ["fed", "merged", "dropped", "waiting"].map(|name| desk.status(name));
    assert_eq!(desk.status("events"), parts.iter().sum::<i64>(), "{parts:?}");
    assert_eq!(desk.status("messages"), desk.status("accepted") + desk.status("refused") + desk.status("late-dropped"));
}

#[test]
fn a_millisecond_is_48_samples_for_notes_and_values_at_any_buffer() {
    for buffer in [32, 64, 128, 256, 512, 1024, 2048] {
        for [first, second] in [["/t/note/on 1 60 1", "/t/note/on 2 62 1"], ["/t/amount 0.25", "/t/amount 0.75"]] {
            let mut desk = Desk::new(SYNTH);
            let at = desk.engine.now() + 10_007;
            assert!(send(&mut desk, me(), at, &[first]).is_empty());
            assert!(send(&mut desk, me(), at + 48, &[second]).is_empty());
            let heard = run(&mut desk, 20_000, buffer);
            assert_eq!(first_change(&heard), Some(10_007), "{first}, {buffer} frames");
            // The first alone moves so; where both differ, the second has begun.
            let mut alone = Desk::new(SYNTH);
            assert!(send(&mut alone, me(), at, &[first]).is_empty());
            let alone = run(&mut alone, 20_000, buffer);
            let apart = heard.iter().zip(&alone).position(|(a, b)| a != b);
            assert_eq!(apart, Some(10_055), "{second}, {buffer} frames");
        }
    }
}

#[test]
fn sixty_four_values_of_a_bundle_change_on_one_sample() {
    let controls: String = (1..=64).map(|n| format!("c{n} = {{ default = 0, min = 0, max = 1 }}\n")).collect();
    let sum: Vec<String> = (1..=64).map(|n| format!("c{n} * 0.01")).collect();
    let patch = format!("format = 1\n[controls]\n{controls}[out]\nin = \"{}\"\n", sum.join(" + "));
    let curve = |count: usize, buffer: usize| {
        let mut desk = Desk::new(&patch);
        let at = desk.engine.now() + 5_003;
        let lines: Vec<String> = (1..=count).map(|n| format!("/t/c{n} 1")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert!(send(&mut desk, me(), at, &lines).is_empty());
        run(&mut desk, 8_192, buffer)
    };
    for buffer in [32, 512, 2048] {
        let (one, all) = (curve(1, buffer), curve(64, buffer));
        assert_eq!((first_change(&one), first_change(&all)), (Some(5_003), Some(5_003)), "{buffer} frames");
        for (frame, (one, all)) in one.iter().zip(&all).enumerate() {
            assert!((one * 64.0 - all).abs() < 1e-3, "frame {frame}: {one} and {all}");
        }
    }
}

#[test]
fn a_flood_an_hour_ahead_neither_delays_nor_displaces_what_is_near() {
    let mut desk = Desk::new(SYNTH);
    let now = desk.engine.now();
    let near = [(me(), 0.2), (me(), 10.0), (other(), 0.3), (other(), 10.5), (elsewhere(), 0.4), (elsewhere(), 11.0)];
    let sample = |seconds: f64| now + (seconds * SECOND as f64) as u64;
    // Half comes before the flood, half after it.
    let note = |desk: &mut Desk, (client, seconds): (Client, f64)| {
        assert!(send(desk, client, sample(seconds), &["/t/note 60 1 0.01"]).is_empty());
    };
    near.iter().step_by(2).for_each(|it| note(&mut desk, *it));
    let mut full = 0;
    for number in 0..100_000u64 {
        let client = [me(), other(), elsewhere()][(number % 3) as usize];
        let text = if number % 2 == 0 { "/t/note 72 1 0.5" } else { "/t/amount 0.3" };
        // Half of it ever farther, half ever nearer, so that it pushes; but never near.
        let at = if number < 50_000 { now + 3_590 * SECOND + number } else { now + 3_590 * SECOND - number };
        let answers = send(&mut desk, client, at, &[text]);
        full += usize::from(answers.iter().any(|answer| answer.contains("full")));
    }
    near.iter().skip(1).step_by(2).for_each(|it| note(&mut desk, *it));
    assert!(desk.status("waiting") <= 16_384 + 4);
    check_sums(&desk);
    let heard = desk.run(12 * SECOND as usize);
    let from = now as usize;
    for (_, seconds) in near {
        let at = sample(seconds) as usize - from;
        assert!(heard[at - 1].abs() < 1e-6 && heard[at].abs() > 0.4, "at {seconds} s: {} {}", heard[at - 1], heard[at]);
    }
    let starts = heard.windows(2).filter(|pair| pair[0].abs() < 1e-6 && pair[1].abs() > 0.4).count();
    assert_eq!(starts, near.len(), "nothing else is heard");
    assert!(desk.later.iter().any(|answer| answer.address == "/fail"), "who lost something is told");
    assert_eq!(desk.status("late-events"), 0);
    assert!(full > 0);
    check_sums(&desk);
    assert!(!desk.say("/clear all").is_empty());
    desk.run(512);
    assert_eq!(desk.say("/notes none"), Vec::<String>::new());
    assert_eq!(desk.status("waiting"), 0);
    check_sums(&desk);
}

#[test]
fn the_farther_gives_way_to_the_nearer_and_is_refused_behind_it() {
    let mut desk = Desk::new(SYNTH);
    let now = desk.engine.now();
    for number in 0..8192u64 {
        assert!(send(&mut desk, me(), now + 100 * SECOND + number, &["/t/amount 0.5"]).is_empty());
    }
    let refused = send(&mut desk, me(), now + 200 * SECOND, &["/t/amount 0.5"]);
    assert!(refused.len() == 1 && refused[0].contains(" full "), "{refused:?}");
    assert_eq!((desk.status("waiting"), desk.status("dropped")), (8192, 1));
    assert!(send(&mut desk, me(), now + 50 * SECOND, &["/t/amount 0.5"]).is_empty());
    assert_eq!((desk.status("waiting"), desk.status("dropped")), (8192, 2));
    // Another client is not touched by that, and touches nothing.
    assert!(send(&mut desk, other(), now + 300 * SECOND, &["/t/amount 0.5"]).is_empty());
    assert_eq!((desk.status("waiting"), desk.status("dropped")), (8193, 2));
    desk.run(64);
    assert!(
        desk.later
            .iter()
            .any(|answer| answer.values.last().is_some_and(|text| text.text().is_some_and(|text| text.starts_with("1 event"))))
    );
    check_sums(&desk);
}

#[test]
fn a_note_that_gave_way_is_over_and_its_end_goes_with_it() {
    let mut desk = Desk::new(SYNTH);
    let now = desk.engine.now();
    assert!(send(&mut desk, me(), now + 1000 * SECOND, &["/t/note/on 5 60 1"]).is_empty());
    assert!(send(&mut desk, me(), now + 1001 * SECOND, &["/t/note/off 5"]).is_empty());
    for number in 0..8192u64 {
        assert!(send(&mut desk, me(), now + 100 * SECOND + number, &["/t/amount 0.5"]).is_empty());
    }
    assert_eq!(desk.status("waiting"), 8192, "neither its start nor its end");
    assert_eq!(desk.say("/notes"), ["/notes"]);
    check_sums(&desk);
}

#[test]
fn nested_bundles_have_their_own_times_and_equal_times_their_order() {
    let mut desk = Desk::new(SYNTH);
    desk.run(64);
    let at = desk.engine.now() + SECOND;
    let group = |at: u64, text: &str| Group { at: When::At(at), messages: vec![line(text)] };
    let groups = [group(at, "/t/note 60 1 0.01"), group(at + 4_800, "/t/note 60 1 0.01"), group(at + 2_400, "/t/note 60 1 0.01")];
    assert!(desk.control.apply(me(), &groups).is_empty());
    let from = desk.engine.now();
    let heard = desk.run(2 * SECOND as usize);
    let starts: Vec<u64> =
        (1..heard.len()).filter(|at| heard[at - 1].abs() < 1e-6 && heard[*at].abs() > 0.4).map(|at| at as u64 + from).collect();
    assert_eq!(starts, [at, at + 2_400, at + 4_800]);
    // The last of equal times stands; the second comes when the first has already been given to the engine, or not.
    for ahead in [100, SECOND / 5, SECOND / 4 + 10, SECOND] {
        let at = desk.engine.now() + ahead;
        assert!(send(&mut desk, me(), at, &["/t/amount 0.2"]).is_empty());
        let mut out = [0.0; 128];
        // The engine goes on, and Control has not looked since.
        desk.engine.run(&[], 0, &mut out, 2);
        assert!(send(&mut desk, me(), at, &["/t/amount 0.9"]).is_empty());
        desk.run(ahead as usize + 4_800);
        assert!((desk.ask("/t/amount") - 0.9).abs() < 1e-6, "{ahead} frames ahead");
        assert!((desk.run(64)[0] - 0.9).abs() < 1e-3, "{ahead} frames ahead");
    }
}

#[test]
fn clear_takes_back_ones_own_or_everybodys_or_what_is_meant() {
    let mut desk = Desk::new(SYNTH);
    let mut at = 0;
    let mut fill = |desk: &mut Desk| {
        desk.say("/clear all");
        at = desk.engine.now() + 2 * SECOND;
        for client in [me(), other()] {
            assert!(send(desk, client, at, &["/t/note 60 1 0.01", "/t/amount 0.5", "/t/level -3", "/clock/tempo 90"]).is_empty());
        }
        assert_eq!(desk.status("waiting"), 8);
    };
    for (said, count) in [
        ("/clear", 4),
        ("/clear all", 8),
        ("/clear /t", 3),
        ("/clear /t all", 6),
        ("/clear /t/amount", 1),
        ("/clear /n/t/amount", 1),
        ("/clear /1/fader1 all", 2),
        ("/clear /t/note", 1),
        ("/clear /t/{amount,level}", 2),
        ("/clear /clock all", 2),
        ("/clear /*/note all", 2),
        ("/clear /transport", 0),
    ] {
        fill(&mut desk);
        assert_eq!(desk.say(said), [format!("/done /clear {count}")], "{said}");
        assert_eq!(desk.status("waiting"), 8 - count, "{said}");
        check_sums(&desk);
    }
    fill(&mut desk);
    assert_eq!(desk.say("/clear all"), ["/done /clear 8"]);
    let heard = desk.run(3 * SECOND as usize);
    assert!(heard.iter().all(|x| *x == 0.0) && desk.ask("/t/amount") == 0.0 && desk.ask("/clock/tempo") != 90.0);
    assert_eq!(desk.say("/notes"), ["/notes"]);
    assert_eq!(desk.fails("/clear /t/nothing"), "unknown-address");
    assert_eq!(desk.fails("/clear /x*"), "pattern");
    assert_eq!(desk.fails("/clear 3 4"), "wrong-arguments");
    assert_eq!(desk.status("waiting"), 0);
}

#[test]
fn clear_leaves_the_ends_of_notes_and_syncs_and_empties_the_engine() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/t/note/on 1 60 1");
    desk.run(64);
    let now = desk.engine.now();
    assert!(send(&mut desk, me(), now + SECOND, &["/t/note/off 1", "/sync 9"]).is_empty());
    // These lie in the engine: a start and an end, and a value.
    assert!(send(&mut desk, me(), now + 4_800, &["/t/note/on 2 64 1", "/t/amount 0.5"]).is_empty());
    desk.run(64);
    assert_eq!(desk.say("/clear all"), ["/done /clear 0"]);
    // What comes behind it stays.
    assert!(send(&mut desk, me(), now + 9_600, &["/t/note 67 1 0.01"]).is_empty());
    let heard = desk.run(2 * SECOND as usize);
    let level = |seconds: f64| heard[(seconds * SECOND as f64) as usize];
    assert!(
        (level(0.15) - 0.5).abs() < 0.01 && level(0.205) > 0.9 && (level(0.5) - 0.5).abs() < 0.01,
        "one note sounds, then two, then one"
    );
    assert_eq!(level(1.1), 0.0, "its end has come");
    assert!(desk.later.contains(&Message::new("/synced", vec![Value::Integer(9)])));
    assert_eq!(desk.ask("/t/amount"), 0.0);
    assert_eq!(desk.say("/notes"), ["/notes"]);
    check_sums(&desk);
}

#[test]
fn clear_acts_before_the_rest_of_its_packet() {
    let mut desk = Desk::new(SYNTH);
    let at = desk.engine.now() + SECOND;
    assert!(send(&mut desk, me(), at, &["/t/amount 0.5"]).is_empty());
    let groups =
        [Group { at: When::Now, messages: vec![line("/clear")] }, Group { at: When::At(at), messages: vec![line("/t/amount 0.25")] }];
    assert_eq!(desk.control.apply(me(), &groups).len(), 1);
    assert_eq!((desk.status("waiting"), desk.status("dropped")), (1, 1));
    desk.run(2 * SECOND as usize);
    assert_eq!(desk.ask("/t/amount"), 0.25);
}
