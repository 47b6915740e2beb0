//! What subscribers are told that is no value: meters, beats, ends of notes.

use rackd::control::{Message, Value};

use super::desk::Desk;
use super::feedback::{near, say, told};

/// A sine on the left, half of it on the right, as loud as a control says.
const SINE: &str = r#"
format = 1
[controls]
amount = { default = 0.5, min = 0, max = 1 }
[global.osc]
type = "vco"
pitch = "1 kHz"
[out]
left = "osc.sine * amount"
right = "osc.sine * amount * 0.5"
"#;

const SYNTH: &str = r#"
format = 1
[note]
voices = 2
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = "50 ms"
[out]
in = "env * 0.1"
"#;

fn numbers(line: &str) -> Vec<f64> {
    line.split(' ').skip(1).map(|word| word.parse().unwrap()).collect()
}

#[test]
fn meters_tell_peak_and_mean_of_master_and_slot() {
    let mut desk = Desk::new(SINE);
    assert_eq!(say(&mut desk, near(1), "/sub /meter")[0].values[2], Value::Integer(3));
    desk.quietly("/t/level -6.0206");
    let lines = told(&mut desk, near(1), 48_000);
    for name in ["/meter/master ", "/meter/t ", "/meter/engine "] {
        let count = lines.iter().filter(|line| line.starts_with(name)).count();
        assert!((18..=20).contains(&count), "{name} twenty times a second: {count}");
    }
    for name in ["/meter/master ", "/meter/t "] {
        let last = numbers(lines.iter().rfind(|line| line.starts_with(name)).unwrap());
        for (told, expected) in last.iter().zip([0.25, 0.125, 0.17678, 0.08839]) {
            assert!((told - expected).abs() < 1e-3, "{name}{last:?}: peaks, then root of mean square");
        }
    }
    desk.quietly("/t/mute true");
    told(&mut desk, near(1), 9600);
    let silent = told(&mut desk, near(1), 4800);
    assert!(silent.iter().any(|line| line == "/meter/t 0 0 0 0"), "{silent:?}");
}

#[test]
fn each_who_watches_a_meter_sees_every_peak() {
    let mut desk = Desk::new(SINE);
    desk.quietly("/t/amount 0");
    desk.run(9600);
    say(&mut desk, near(1), "/sub /meter/t 5");
    say(&mut desk, near(2), "/sub /meter/* 50");
    desk.quietly("/t/amount 1");
    desk.quietly("/t/amount 0");
    desk.quietly("/t/amount 1");
    let mut peaks = [0.0_f64; 2];
    for at in 0..300 {
        if at == 3 {
            desk.quietly("/t/amount 0");
        }
        let mut out = [0.0; 128];
        desk.engine.run(&[], 0, &mut out, 2);
        for (client, Message { address, values }) in desk.control.tick() {
            if address == "/meter/t" {
                let of = &mut peaks[client.door as usize - 1];
                *of = of.max(values[0].number().unwrap());
            }
        }
    }
    assert!(peaks[0] > 0.1 && peaks[0] == peaks[1], "a short peak is told to both: {peaks:?}");
}

#[test]
fn a_new_slot_has_its_meter() {
    let mut desk = Desk::new(SINE);
    say(&mut desk, near(1), "/sub /meter");
    assert!(desk.control.load("u", SINE, None).is_ok());
    let lines = told(&mut desk, near(1), 9600);
    let heard = lines.iter().any(|line| line.starts_with("/meter/u ") && (numbers(line)[0] - 0.5).abs() < 1e-3);
    assert!(heard, "{lines:?}");
    assert_eq!(say(&mut desk, near(1), "/sub /meter/none")[0].values[1], "unknown-address".into());
}

#[test]
fn beats_are_told_with_the_moment_at_which_they_are_heard() {
    let mut desk = Desk::new(SINE);
    let start = 1_790_000_000_000_000_000;
    desk.control.clock().anchor(0, start);
    say(&mut desk, near(1), "/sub /beat");
    desk.quietly("/transport/locate 6.5");
    desk.quietly("/clock/tempo 90");
    let from = desk.control.shown().now();
    let mut beats = Vec::new();
    for _ in 0..1500 {
        let mut out = [0.0; 128];
        desk.engine.run(&[], 0, &mut out, 2);
        beats.extend(desk.control.tick().into_iter().filter(|(client, _)| *client == near(1)));
    }
    let at = |frames: u64| Value::Time(start + ((from + frames) as i128 * 1_000_000_000 / 48_000) as i64);
    let beat = |beat: i64, frames: u64| vec![Value::Integer(beat), Value::Integer(beat / 4), Value::Number(90.0), at(frames)];
    let told: Vec<Vec<Value>> = beats.into_iter().map(|(_, message)| message.values).collect();
    assert_eq!(told, [beat(7, 16_000), beat(8, 48_000), beat(9, 80_000)]);
    desk.quietly("/transport/stop");
    assert!(self::told(&mut desk, near(1), 96_000).is_empty());
    desk.quietly("/transport/play");
    let first = self::told(&mut desk, near(1), 6400);
    assert!(first.len() == 1 && first[0].starts_with("/beat 0 0 90 "), "{first:?}");
}

#[test]
fn who_started_a_note_is_told_that_its_sound_has_ended() {
    let mut desk = Desk::new(SYNTH);
    for who in [near(1), near(2)] {
        say(&mut desk, who, "/sub /note/ended");
    }
    say(&mut desk, near(1), "/t/note/on 7 60 0.5");
    say(&mut desk, near(2), "/t/note/on lead 64 0.5");
    assert!(told(&mut desk, near(1), 9600).is_empty());
    say(&mut desk, near(1), "/t/note/off 7");
    let lines = told(&mut desk, near(1), 1200);
    assert!(lines.is_empty(), "it is still to be heard: {lines:?}");
    assert_eq!(told(&mut desk, near(1), 9600), ["/note/ended t 7"]);
    // A note that gives way is heard no more, though its key is down; it is told once.
    say(&mut desk, near(1), "/t/note/on 8 60 0.5");
    say(&mut desk, near(1), "/t/note/on 9 67 0.5");
    assert_eq!(told(&mut desk, near(2), 9600), ["/note/ended t lead"]);
    say(&mut desk, near(2), "/t/note/off lead");
    assert!(told(&mut desk, near(2), 9600).is_empty());
    say(&mut desk, near(1), "/unsub");
    say(&mut desk, near(1), "/panic 2");
    assert!(told(&mut desk, near(1), 9600).is_empty());
}

#[test]
fn who_takes_too_little_loses_happenings_that_are_counted() {
    let mut desk = Desk::new(SYNTH);
    say(&mut desk, near(1), "/sub /note/ended");
    for round in 0..40 {
        for id in 0..50 {
            say(&mut desk, near(1), &format!("/t/note/on {} 60 0.5", 50 * round + id));
        }
        let mut out = [0.0; 128];
        desk.engine.run(&[], 0, &mut out, 2);
    }
    let ended = told(&mut desk, near(1), 9600).len() as i64;
    assert_eq!((ended, desk.status("untold")), (1024, 2000 - 2 - 1024), "two still sound");
}
