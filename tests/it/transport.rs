//! The transport: pauses in which time stands, loops, swing, nudges, count-ins, bars; and a start on the sample.

use rackd::control::When;
use rackd::engine::event::Panic;
use rackd::engine::{Act, Report};

use super::desk::{Desk, SYNTH, first_change};
use super::rig::{Rig, Way, peak};

/// Voices that move, a free LFO, an echo, and a row that follows the beat.
const MUSIC: &str = r#"
format = 1
tempo = 125
[note]
voices = 4
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "20 ms"
[global.row]
type = "seq_step"
clock = "1/16"
steps = ["C3", "E3", "G3", "C4"]
[global.lead]
type = "vco"
pitch = "row"
[global.wobble]
type = "lfo"
rate = "3 Hz"
[global.echo]
type = "delay"
in = "osc.saw * env * 0.2 + lead.saw * wobble * 0.1"
time = "3/16"
feedback = 0.5
[out]
in = "echo"
"#;

/// A row alone.
const ROW: &str = r#"
format = 1
tempo = 120
[global.row]
type = "seq_step"
clock = "1/16"
steps = ["C3", "E3", "G3", "C4"]
[global.lead]
type = "vco"
pitch = "row"
[out]
in = "lead.saw * 0.2"
"#;

fn played(buffer: usize, during: impl Fn(&mut Rig)) -> Vec<f32> {
    let mut rig = Rig::with(MUSIC, Way { buffer, ..Way::default() });
    rig.note(500, 57.0, 0.8, 0);
    rig.note(9_000, 64.0, 0.6, 20_000);
    during(&mut rig);
    rig.left(48_000)
}

#[test]
fn time_stands_in_a_pause_and_the_music_goes_on_where_it_was() {
    let whole = played(64, |_| {});
    let (from, until, fade) = (10_007usize, 30_001usize, 240usize);
    let mut paused = None;
    for buffer in [64, 1, 17, 0, 480] {
        let heard = played(buffer, |rig| {
            rig.at(from as u64, Act::Pause(true));
            rig.at(until as u64, Act::Pause(false));
        });
        assert_eq!(heard[..from], whole[..from], "before it");
        assert!(heard[from + fade..until].iter().all(|x| *x == 0.0), "it is silent");
        let step = heard[from..from + fade]
            .windows(2)
            .zip(whole[from..].windows(2))
            .all(|(a, b)| (a[1] - a[0]).abs() < (b[1] - b[0]).abs() + 0.01);
        assert!(step, "it fades");
        let rest = 48_000 - until - fade;
        assert_eq!(heard[until + fade..], whole[from + 2 * fade..from + 2 * fade + rest], "it goes on");
        match &paused {
            None => paused = Some(heard),
            Some(first) => assert_eq!(&heard, first, "buffers of {buffer}"),
        }
    }
}

#[test]
fn what_comes_in_a_pause_is_heard_when_it_goes_on() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/transport/pause");
    desk.run(1000);
    desk.quietly("/t/note/on 1 60 1");
    desk.quietly("/sync 7");
    let silent = desk.run(4800);
    assert_eq!(peak(&silent), 0.0);
    assert!(desk.later.iter().any(|told| told.address == "/synced"), "{:?}", desk.later);
    assert_eq!(desk.say("/transport")[0].split(' ').take(3).collect::<Vec<_>>(), ["/transport", "2", "paused"]);
    // A reload lands, too.
    assert!(desk.control.load("t", &SYNTH.replace("0.5", "0.25"), None).is_ok());
    desk.run(640);
    desk.quietly("/transport/toggle");
    let heard = desk.run(4800);
    assert!(first_change(&heard).is_some_and(|at| at <= 64), "{:?}", first_change(&heard));
    assert_eq!(heard[4799], 0.25, "by the patch that was loaded meanwhile");
    assert_eq!(desk.status("late"), 0);
}

#[test]
fn a_pause_ends_on_the_sample_that_it_was_told() {
    for at in [5000u64, 5001, 5063] {
        let mut desk = Desk::new(SYNTH);
        let start = desk.engine.now();
        desk.quietly("/t/note/on 1 60 1");
        desk.quietly("/transport/pause");
        desk.run(1000);
        assert!(desk.bundle(When::At(start + at), &["/transport/play"]).is_empty());
        // What has a time waits for as long after it as it would have.
        assert!(desk.bundle(When::At(start + at + 1000), &["/panic 2"]).is_empty());
        let heard = desk.run(8000);
        assert_eq!(first_change(&heard).map(|first| first as u64 + 1000), Some(at), "its first frame is the first of the fade");
        assert_eq!((heard[(at - 1000 + 999) as usize], heard[(at - 1000 + 1000) as usize]), (0.5, 0.0), "a thousand frames later");
    }
}

/// Frames and numbers of the beats that are told of.
fn beats(rig: &mut Rig) -> Vec<(u64, i64)> {
    let of = |report| if let Report::Beat { at, beat, .. } = report { Some((at, beat)) } else { None };
    rig.reports().into_iter().filter_map(of).collect()
}

#[test]
fn a_loop_goes_round_on_the_sample_at_any_buffer_size() {
    let mut first = None;
    for buffer in [64, 1, 23, 0] {
        let mut rig = Rig::with(ROW, Way { buffer, ..Way::default() });
        rig.at(1, Act::Loop { start: 0.0, end: 2.0 });
        let heard = rig.left(192_000);
        // A beat is 24,000 frames. The row is four steps long: every beat sounds like the first once it has begun.
        let told = beats(&mut rig);
        assert_eq!(told, (0..8).map(|n| (n * 24_000, n as i64 % 2)).collect::<Vec<_>>());
        match &first {
            None => first = Some(heard),
            Some(first) => assert_eq!(&heard, first, "buffers of {buffer}"),
        }
    }
    // The same as without it: the loop is a whole number of rows.
    let mut rig = Rig::new(ROW);
    assert_eq!(Some(rig.left(192_000)), first);
}

#[test]
fn beats_are_told_by_the_time_that_others_count_by() {
    let mut rig = Rig::new(ROW);
    rig.at(30_000, Act::Pause(true));
    rig.at(90_000, Act::Pause(false));
    rig.run(140_000);
    let stood = 90_000 - 30_240;
    assert_eq!(beats(&mut rig), [(0, 0), (24_000, 1), (48_000 + stood, 2), (72_000 + stood, 3)]);
    assert_eq!(rig.engine.now(), 140_000);
}

#[test]
fn it_counts_in_with_clicks_and_begins_on_the_sample() {
    let mut desk = Desk::new(ROW);
    desk.quietly("/transport/stop");
    desk.run(4096);
    desk.quietly("/clock/metre 3 4");
    desk.quietly("/transport/count-in 1");
    assert_eq!(desk.ask("/transport/count-in"), 1.0);
    desk.quietly("/t/level -60");
    desk.run(48_000);
    desk.say("/sub /beat");
    desk.quietly("/transport/play");
    let heard = desk.run(3 * 24_000 + 30_000);
    let loud = |from: usize| peak(&heard[from..from + 500]);
    let clicks: Vec<usize> = (0..heard.len() / 1000).filter(|n| loud(n * 1000) > 0.2).map(|n| n * 1000).collect();
    assert_eq!(clicks, [0, 24_000, 48_000], "the bar of clicks, and then none");
    let told: Vec<String> = desk.later.iter().filter(|it| it.address == "/beat").map(rackd::osc::text::spell).collect();
    let first = told.iter().map(|line| line.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(first, ["-3 -1", "-2 -1", "-1 -1", "0 0", "1 0"]);
    // With the metronome it goes on clicking, the first of a bar higher.
    desk.quietly("/clock/metronome 0.5");
    let heard = desk.run(4 * 24_000);
    let crossings = |from: usize| heard[from..from + 480].windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    let clicks: Vec<usize> = (1..heard.len() - 600)
        .filter(|at| heard[at - 1].abs() < 1e-4 && heard[*at].abs() > 1e-3 && peak(&heard[*at..at + 100]) > 0.2)
        .collect();
    let rises: Vec<usize> = clicks.iter().map(|at| crossings(*at)).collect();
    assert!(rises.len() >= 3 && rises.contains(&15) && rises.contains(&10), "{clicks:?} {rises:?}");
}

#[test]
fn the_transport_answers_in_musicians_words() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/transport/stop");
    desk.run(64);
    let place = |desk: &mut Desk, said: &str| {
        desk.quietly(&format!("/transport/locate {said}"));
        desk.run(64);
        desk.say("/transport")[0].clone()
    };
    assert_eq!(place(&mut desk, "6"), "/transport 0 stopped 2 3 3");
    assert_eq!(place(&mut desk, "\"3:1\""), "/transport 0 stopped 3 1 4");
    assert_eq!(place(&mut desk, "\"2.5 bars\""), "/transport 0 stopped 3 3 5");
    assert_eq!(place(&mut desk, "\"1.5 s\""), "/transport 0 stopped 1 4 1.5");
    assert_eq!(place(&mut desk, "\"9 beats\""), "/transport 0 stopped 3 2 4.5");
    desk.quietly("/transport/locate 0");
    desk.run(64);
    desk.quietly("/clock/metre \"7/8\"");
    assert_eq!(desk.say("/clock/metre"), ["/clock/metre 7 8"]);
    assert_eq!(place(&mut desk, "\"3:2\""), "/transport 0 stopped 3 1.5 3.75");
    desk.quietly("/transport/loop \"1:1\" \"2:1\"");
    assert_eq!(desk.say("/transport/loop"), ["/transport/loop 0 3.5"]);
    desk.quietly("/transport/loop off");
    assert_eq!(desk.say("/transport/loop"), ["/transport/loop off"]);
    desk.quietly("/clock/swing \"62 %\" \"1/8\"");
    assert_eq!(desk.say("/clock/swing"), ["/clock/swing 0.62 0.5"]);
    desk.quietly("/setcps 0.5625");
    assert_eq!(desk.ask("/clock/tempo"), 135.0);
    for wrong in [
        "/transport/locate",
        "/transport/locate soon",
        "/transport/locate 1 2",
        "/transport/loop 4",
        "/transport/loop 4 2",
        "/transport/count-in -1",
        "/transport/count-in 1.5",
        "/clock/metre 4 3",
        "/clock/metre 4",
        "/clock/swing 0.3",
        "/clock/swing 0.6 \"1/4\"",
        "/clock/nudge",
        "/clock/nudge 5000",
        "/clock/nudge late",
        "/clock/metronome 2",
        "/setcps 0",
        "/setcps",
    ] {
        assert_eq!(desk.fails(wrong), "wrong-arguments", "{wrong}");
    }
    // A bundle is done whole or not at all.
    desk.bundle(When::Now, &["/transport/loop 0 4", "/clock/metre 3 4", "/clock/swing 0.1"]);
    assert_eq!(
        (desk.say("/transport/loop"), desk.say("/clock/metre")),
        (vec!["/transport/loop off".to_owned()], vec!["/clock/metre 7 8".to_owned()])
    );
}

#[test]
fn taps_and_nudges_move_the_beat() {
    let mut desk = Desk::new(SYNTH);
    let start = desk.engine.now();
    // 100 beats a minute: 28,800 frames apart.
    desk.control.clock().anchor(0, 1_790_000_000_000_000_000);
    for tap in 0..4u64 {
        assert!(desk.bundle(When::At(start + 6400 + tap * 28_800), &["/clock/tap"]).is_empty());
    }
    desk.run(6400 + 3 * 28_800 + 640);
    assert!((desk.ask("/clock/tempo") - 100.0).abs() < 1e-3);
    let beat = |desk: &Desk| desk.control.shown().beat.read().unwrap().beat(desk.engine.now());
    let before = beat(&desk);
    desk.quietly("/clock/nudge 30");
    desk.run(96_000);
    let gained = (beat(&desk) - before) * 0.6 - 2.0;
    assert!((gained - 0.03).abs() < 1e-4, "gained {gained} s");
}

#[test]
fn one_that_is_armed_tells_when_it_is_ready_and_starts_on_the_sample() {
    let mut desk = Desk::new(ROW);
    desk.run(30_000);
    desk.quietly("/transport/arm 4");
    desk.run(256);
    let ready = desk.later.iter().find(|it| it.address == "/ready").map(rackd::osc::text::spell).unwrap();
    assert!(ready.starts_with("/ready 4 "), "{ready}");
    desk.run(4096);
    assert_eq!(desk.say("/transport")[0], "/transport 0 stopped 2 1 2");
    let at = desk.engine.now() + 5003;
    assert!(desk.bundle(When::At(at), &["/transport/play"]).is_empty());
    desk.run(9000);
    let line = desk.control.shown().beat.read().unwrap();
    assert_eq!((line.at, line.beat, line.running), (at, 4.0, true));
}

#[test]
fn a_panic_in_a_pause_is_no_trap() {
    let mut rig = Rig::new(MUSIC);
    let id = rig.note(100, 60.0, 1.0, 0);
    rig.at(5000, Act::Pause(true));
    rig.run(10_000);
    rig.panic(0, Panic::Cut);
    rig.off(0, id);
    rig.at(0, Act::Tempo(90.0));
    rig.at(0, Act::Run(false));
    rig.run(1000);
    rig.at(0, Act::Pause(false));
    rig.run(96_000);
    assert!(rig.reports().contains(&Report::NoteEnded { slot: 0, id }));
}
