//! Glides: a value that is given a time is there on the sample, straight, and where it is asked to be on the way.

use rackd::control::{Value, When};

use super::desk::{Desk, me};
use super::rig::step;

/// What is heard is the control itself.
const LEVEL: &str = r#"
format = 1
tempo = 120
[controls]
amount = { default = 0.25, min = 0, max = 1, osc = "/1/fader1" }
volume = { default = "0 dB", min = "-60 dB", max = "6 dB" }
[global.env]
type = "adsr"
gate = 0
[out]
in = "env * 0 + amount * volume"
"#;

const SINE: &str = r#"
format = 1
[global.osc]
type = "vco"
pitch = "220 Hz"
[global.echo]
type = "delay"
in = "osc.sine"
time = "1/8"
mode = "tape"
mix = 0
[out]
in = "osc.sine * 0.5 + echo * 0"
"#;

/// Another sum at the output, and one more knob of the control, which is smoothed otherwise.
const CHANGED: &str = r#"
format = 1
tempo = 120
[controls]
amount = { default = 0.25, min = 0, max = 1, osc = "/1/fader1" }
volume = { default = "0 dB", min = "-60 dB", max = "6 dB" }
[global.env]
type = "adsr"
gate = 0
sustain = "amount"
[out]
in = "env * 0.5 + amount * volume"
"#;

/// The next frames, in buffers of this size; Control ticks between them.
fn run(desk: &mut Desk, frames: usize, buffer: usize) -> Vec<f32> {
    let mut heard = Vec::with_capacity(frames);
    while heard.len() < frames {
        let mut out = vec![0.0; 2 * buffer.min(frames - heard.len())];
        desk.engine.run(&[], 0, &mut out, 2);
        heard.extend(out.chunks(2).map(|frame| frame[0]));
        desk.later.extend(desk.control.tick().into_iter().map(|(_, message)| message));
    }
    heard
}

/// What a patch sounds like from a time on at which these lines are said, 1000 frames ahead.
fn heard(patch: &str, lines: &[(u64, &str)], frames: usize, buffer: usize) -> Vec<f32> {
    let mut desk = Desk::new(patch);
    desk.run(4_800 - 512);
    let now = desk.engine.now();
    for (at, line) in lines {
        let answers = desk.bundle(When::At(now + at), &[line]);
        assert!(answers.is_empty(), "{line}: {answers:?}");
    }
    run(&mut desk, frames, buffer)
}

#[test]
fn a_glide_begins_and_ends_on_its_frames_at_any_buffer_size() {
    let lines = [(1_000, "/t/amount 0.75 0.1")];
    let first = heard(LEVEL, &lines, 12_000, 64);
    assert!(first[..=1_000].iter().all(|x| *x == 0.25), "it begins on its frame");
    assert!(first[1_001] > 0.25 && first[5_799] < 0.75);
    assert!(first[5_800..].iter().all(|x| *x == 0.75), "it is there after 4800 frames, exactly");
    for (at, x) in first[1_000..5_800].iter().enumerate() {
        assert!((x - (0.25 + 0.5 * at as f32 / 4_800.0)).abs() < 1e-6, "frame {at} is {x}");
    }
    for buffer in [16, 17, 32, 128, 480, 1000, 1024, 4096] {
        assert!(heard(LEVEL, &lines, 12_000, buffer) == first, "buffer {buffer}");
    }
}

#[test]
fn a_frequency_glides_in_octaves() {
    let lines = [(0, "/t/osc/pitch \"880 Hz\" 2")];
    let all = heard(SINE, &lines, 100_000, 480);
    // Cycles of a stretch, from its first rise through 0 to its last.
    let hertz = |from: usize, to: usize| {
        let rises: Vec<f64> = (from..to)
            .filter(|at| all[at - 1] < 0.0 && all[*at] >= 0.0)
            .map(|at| at as f64 - f64::from(all[at] / (all[at] - all[at - 1])))
            .collect();
        (rises.len() - 1) as f64 * 48_000.0 / (rises[rises.len() - 1] - rises[0])
    };
    for (at, want) in [(24_000, 311.13), (48_000, 440.0), (72_000, 622.25), (98_000, 880.0)] {
        let got = hertz(at - 1_500, at + 1_500);
        assert!((got / want - 1.0).abs() < 0.005, "{got} Hz at {at}, {want} wanted");
    }
    for buffer in [16, 4096] {
        assert!(heard(SINE, &lines, 100_000, buffer) == all, "buffer {buffer}");
    }
}

#[test]
fn a_newer_turn_takes_over_from_where_the_value_is() {
    let lines = [(0, "/t/amount 0.75 0.1"), (2_400, "/t/amount 0.25 0.05"), (3_600, "/t/amount 0.9"), (6_000, "/t/amount 0 0.01")];
    let all = heard(LEVEL, &lines, 9_600, 64);
    assert_eq!(all[2_400], 0.5);
    assert!((all[3_599] - 0.375).abs() < 2e-4 && all[3_601] > 0.375, "{} {}", all[3_599], all[3_601]);
    assert_eq!(all[6_000], 0.9, "without a time it is there as the knob declares");
    assert_eq!(all[6_480], 0.0);
    assert!(all[6_479] > 0.0 && step(&all) < 0.02);
    for buffer in [16, 333, 4096] {
        assert!(heard(LEVEL, &lines, 9_600, buffer) == all, "buffer {buffer}");
    }
}

#[test]
fn a_musical_time_is_counted_at_the_tempo() {
    // 2 bars of 4 beats at 120 are 4 s; an eighth is 0.25 s.
    for (time, frames) in [("2 bars", 192_000), ("1/8", 12_000), ("500 ms", 24_000), ("0.5", 24_000)] {
        let all = heard(LEVEL, &[(100, &format!("/t/amount 0.75 \"{time}\""))], frames + 200, 512);
        assert!(all[100 + frames - 10] < 0.75, "{time}");
        assert_eq!(all[100 + frames], 0.75, "{time}");
        assert!((all[100 + frames / 2] - 0.5).abs() < 1e-5, "{time}");
    }
}

#[test]
fn a_control_in_decibels_glides_in_decibels() {
    let all = heard(LEVEL, &[(0, "/t/volume -40 0.1")], 6_000, 64);
    assert!((all[2_400] - 0.025).abs() < 1e-5, "half way is -20 dB: {}", all[2_400]);
    assert!((all[4_800] - 0.0025).abs() < 1e-7);
    assert_eq!(all[4_800], all[5_999]);
}

#[test]
fn a_normalised_address_glides_too() {
    let all = heard(LEVEL, &[(0, "/n/t/amount 0.75 0.1")], 6_000, 64);
    assert_eq!((all[0], all[2_400], all[4_800]), (0.25, 0.5, 0.75));
}

#[test]
fn whoever_asks_on_the_way_hears_where_the_value_is() {
    let mut desk = Desk::new(SINE);
    desk.quietly("/t/osc/pitch 880 2");
    assert!((desk.ask("/t/osc/pitch") - 220.0).abs() < 0.1);
    desk.run(48_000);
    assert!((desk.ask("/t/osc/pitch") - 440.0).abs() < 0.5, "{}", desk.ask("/t/osc/pitch"));
    desk.run(24_000);
    assert!((desk.ask("/t/osc/pitch") - 622.25).abs() < 0.7, "{}", desk.ask("/t/osc/pitch"));
    desk.run(24_100);
    assert!((desk.ask("/t/osc/pitch") - 880.0).abs() < 1e-2);

    let mut desk = Desk::new(LEVEL);
    desk.quietly("/n/t/amount 0.75 1");
    desk.run(24_000);
    for address in ["/t/amount", "/n/t/amount", "/1/fader1"] {
        assert!((desk.ask(address) - 0.5).abs() < 0.002, "{address}: {}", desk.ask(address));
    }
    desk.quietly("/t/amount 0.3");
    assert!((desk.ask("/t/amount") - 0.3).abs() < 1e-6, "a newer value ends it");
    let at = desk.engine.now() + 4_800;
    desk.bundle(When::At(at), &["/t/amount 0.7 0.2"]);
    assert!((desk.ask("/t/amount") - 0.3).abs() < 1e-6, "it begins at its time");
    desk.run(9_600);
    assert!((desk.ask("/t/amount") - 0.5).abs() < 0.002);
}

#[test]
fn subscribers_see_it_move() {
    let mut desk = Desk::new(LEVEL);
    desk.say("/sub /t/amount 100");
    desk.quietly("/t/amount 0.75 1");
    desk.run(4_800);
    desk.later.clear();
    desk.run(48_000);
    let told: Vec<f64> = desk.later.iter().filter(|it| it.address == "/t/amount").filter_map(|it| it.values[0].number()).collect();
    assert!((30..=51).contains(&told.len()), "{} updates", told.len());
    assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
    assert_eq!(told.last(), Some(&0.75));
    desk.later.clear();
    desk.run(9_600);
    assert!(desk.later.is_empty(), "what has arrived is told no more: {:?}", desk.later);
}

#[test]
fn a_glide_goes_on_through_a_reload_and_arrives_at_its_time() {
    // Where a sum is written otherwise, its first frame meets the last one before, and what that differs by fades: one step.
    for (patch, slack) in [(LEVEL, 1e-6), (CHANGED, 1.2e-5)] {
        let mut desk = Desk::new(LEVEL);
        desk.run(4_800 - 512);
        let now = desk.engine.now();
        desk.bundle(When::At(now), &["/t/amount 0.75 1"]);
        let mut all = desk.run(20_000);
        desk.control.load("t", patch, None).unwrap();
        all.extend(desk.run(30_000));
        for (at, x) in all.iter().enumerate().take(48_000) {
            assert!((x - (0.25 + 0.5 * at as f32 / 48_000.0)).abs() < slack, "frame {at} is {x}");
        }
        assert!(all[47_999] < 0.75 && all[48_000..].iter().all(|x| *x == 0.75));
        assert_eq!(desk.ask("/t/amount"), 0.75, "it is what was turned since");
        desk.load(patch);
        assert_eq!(desk.ask("/t/amount"), 0.75);
    }
    let mut desk = Desk::new(LEVEL);
    desk.quietly("/t/amount 0.75 1");
    desk.run(20_000);
    desk.load(&LEVEL.replace("default = 0.25", "default = 0.5"));
    assert_eq!(desk.ask("/t/amount"), 0.5, "what is written anew is meant");
    let heard = desk.run(9_600);
    assert_eq!(heard[9_599], 0.5);
}

#[test]
fn a_value_sent_while_a_plan_lands_is_where_its_glide_begins() {
    let mut desk = Desk::new(LEVEL);
    desk.run(4_800);
    desk.control.load("t", CHANGED, None).unwrap();
    desk.quietly("/t/amount 0.9");
    desk.quietly("/t/amount 0.1 0.1");
    let heard = desk.run(9_600);
    assert!(heard.iter().any(|x| *x > 0.85), "the value is heard first");
    assert_eq!(heard[9_599], 0.1);
}

#[test]
fn a_musical_length_is_glided_to_and_follows_the_tempo_after() {
    let mut desk = Desk::new(SINE);
    desk.quietly("/t/echo/time \"1/4\" 1");
    desk.run(24_000);
    assert!((desk.ask("/t/echo/time") - 0.375).abs() < 0.001, "half way from 250 to 500 ms");
    desk.quietly("/clock/tempo 60");
    desk.run(12_000);
    assert!((desk.ask("/t/echo/time") - 0.6875).abs() < 0.003, "half of what was left, to 1 s: {}", desk.ask("/t/echo/time"));
    desk.run(14_000);
    assert_eq!(desk.control.say(me(), "/t/echo/time", &[])[0].values, ["1 beats".into()]);
    desk.quietly("/t/echo/time 0.1 0.5");
    desk.run(12_000);
    assert!((desk.ask("/t/echo/time") - 0.55).abs() < 0.002);
    desk.quietly("/clock/tempo 240");
    desk.run(14_000);
    assert!((desk.ask("/t/echo/time") - 0.1).abs() < 1e-6);
}

#[test]
fn the_mixer_glides_levels_in_decibels_and_places_straight() {
    let level = [(0, "/t/level -40 0.1"), (9_600, "/t/level 0 0.1"), (19_200, "/t/level -60 0.1"), (28_800, "/t/level 0 0.1")];
    let all = heard(LEVEL, &level, 38_400, 64);
    for (at, want) in [(0, 0.25), (2_400, 0.025), (4_800, 0.0025), (12_000, 0.025), (14_400, 0.25), (24_000, 0.0), (33_600, 0.25)] {
        assert!((all[at] - want).abs() < 1e-6, "frame {at}: {}", all[at]);
    }
    assert!(step(&all) < 1e-3, "{}", step(&all));
    let pan = [(7, "/t/pan 1 0.1"), (2_407, "/t/pan 0 0.1")];
    let left = heard(LEVEL, &pan, 9_600, 64);
    assert_eq!((left[7], left[2_407], left[7_207]), (0.25, 0.125, 0.25));
    let master = [(5, "/master/level -20 1")];
    let out = heard(LEVEL, &master, 50_000, 64);
    assert!((out[24_005] - 0.079_057).abs() < 1e-5 && (out[48_005] - 0.025).abs() < 1e-7);
    assert!(out[5] == 0.25 && out[6] < 0.25 && out[48_004] > out[48_005] && out[48_005..].iter().all(|x| *x == out[48_005]));
    for buffer in [16, 333, 4096] {
        assert!(heard(LEVEL, &level, 38_400, buffer) == all, "buffer {buffer}");
        assert!(heard(LEVEL, &pan, 9_600, buffer) == left, "buffer {buffer}");
        assert!(heard(LEVEL, &master, 50_000, buffer) == out, "buffer {buffer}");
    }
    let mut desk = Desk::new(LEVEL);
    desk.quietly("/t/level -40 1");
    desk.quietly("/master/level -10 1");
    desk.run(24_000);
    assert!((desk.ask("/t/level") + 20.0).abs() < 0.1 && (desk.ask("/master/level") + 5.0).abs() < 0.1);
    desk.run(24_100);
    assert_eq!((desk.ask("/t/level"), desk.ask("/master/level")), (-40.0, -10.0));
}

#[test]
fn what_cannot_glide_says_so_and_stays() {
    let mut desk = Desk::new(&format!("{LEVEL}[global.gen]\ntype = \"seq_step\"\n"));
    for line in [
        "/t/amount 0.5 -1",
        "/t/amount 0.5 3601",
        "/t/amount 0.5 soon",
        "/t/amount 0.5 \"2000 bars\"",
        "/t/amount 0.5 \"100 Hz\"",
        "/t/amount 0.5 1 1",
        "/t/env/gate 1 1",
        "/t/mute 1 1",
        "/t/solo 1 1",
        "/master/limiter 0 1",
        "/t/gen/direction random 1",
        "/t/gen/steps/1 C4 1",
        "/clock/tempo 140 8",
    ] {
        assert_eq!(desk.fails(line), "wrong-arguments", "{line}");
    }
    let not = desk.control.say(me(), "/t/amount", &[Value::Number(0.5), Value::Number(f64::NAN)]);
    assert_eq!(not[0].values[1], "not-a-number".into());
    assert_eq!(desk.ask("/t/amount"), 0.25);
    assert_eq!((desk.ask("/t/mute"), desk.ask("/clock/tempo")), (0.0, 120.0));
    desk.quietly("/t/gen/steps C4 E4 G4");
    desk.quietly("/1/fader1 0.25 0.5");
    desk.quietly("/t/* 0.5 0.1");
    desk.run(9_600);
    assert!((desk.ask("/t/amount") - 0.5).abs() < 1e-6, "a pattern passes over what cannot glide");
    assert_eq!(desk.ask("/t/mute"), 0.0);
    let messages = desk.status("messages");
    assert_eq!(messages, desk.status("accepted") + desk.status("refused"));
    assert_eq!(desk.status("events"), desk.status("fed") + desk.status("merged") + desk.status("dropped") + desk.status("waiting"));
}

#[test]
fn a_value_set_and_sent_on_its_way_at_once_sets_off_from_where_it_was_set() {
    let mut desk = Desk::new(LEVEL);
    desk.run(4_800 - 512);
    let now = desk.engine.now();
    desk.bundle(When::At(now + 100), &["/t/amount 0.9", "/t/amount 0.1 0.1", "/t/level -40", "/t/level 0 0.1"]);
    let heard = desk.run(9_600);
    assert!(step(&heard[..100]) == 0.0 && step(&heard) < 0.01, "{}", step(&heard));
    // Past the 5 ms of the values themselves: 0.9 less a tenth of the way, at -40 dB and a tenth of the way up.
    assert!((heard[580] - 0.82 * 0.015_849).abs() < 1e-5, "{}", heard[580]);
    assert!((heard[2_500] - 0.5 * 0.1).abs() < 1e-5, "{}", heard[2_500]);
    assert_eq!(heard[4_900], 0.1);
}
