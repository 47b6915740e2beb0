//! The mixer of a rack, heard: what feeds what, what goes and comes without a click, what goes on untouched.

use rackd::control::When;
use rackd::control::slot::Strip;
use rackd::patch::{Route, SendSpec, SlotOut};

use crate::desk::{Desk, SYNTH};
use crate::rig::{peak, step};

/// Stands still at a height, so that any step in it is a click.
fn still(height: f32) -> String {
    format!("format = 1\n[controls]\nheight = {{ default = {height}, min = 0, max = 1 }}\n[out]\nin = \"height\"\n")
}

/// Puts out what comes in, times a factor.
fn through(factor: f32) -> String {
    format!("format = 1\n[in]\n[out]\nin = \"in * {factor}\"\n")
}

fn to(out: &str, sends: &[(&str, f32, bool)]) -> Route {
    let out = match out {
        "master" => SlotOut::Master,
        name if name.starts_with('[') => {
            SlotOut::Channels(name[1..name.len() - 1].split(',').map(|it| it.trim().parse().unwrap()).collect())
        }
        name => SlotOut::Slot(name.to_owned()),
    };
    let sends = sends.iter().map(|(to, level, pre)| SendSpec { to: (*to).to_owned(), level: *level, pre: *pre }).collect();
    Route { out, sends }
}

/// A rack that has not run yet: name, patch, where its sound goes.
fn rack(slots: &[(&str, &str, Route)]) -> Desk {
    let mut desk = Desk::empty(Vec::new());
    for (name, patch, _) in slots {
        if let Err(diagnostics) = desk.control.load(name, patch, None) {
            panic!("{name}: {diagnostics:#?}");
        }
    }
    for (at, (_, _, route)) in slots.iter().enumerate() {
        desk.control.set_mix(at, Strip::default(), route.clone());
    }
    desk.control.remix();
    desk
}

/// The next frames of each channel; Control ticks after each buffer.
fn channels(desk: &mut Desk, frames: usize, channels: usize, buffer: usize) -> Vec<Vec<f32>> {
    let mut heard = vec![Vec::with_capacity(frames); channels];
    while heard[0].len() < frames {
        let size = buffer.min(frames - heard[0].len());
        let mut out = vec![0.0; channels * size];
        desk.engine.run(&[], 0, &mut out, channels);
        for (channel, heard) in heard.iter_mut().enumerate() {
            heard.extend(out[channel..].iter().step_by(channels));
        }
        desk.later.extend(desk.control.tick().into_iter().map(|(_, message)| message));
    }
    heard
}

/// Where it has come to stand after a while.
fn stands(desk: &mut Desk) -> f32 {
    let heard = desk.run(9_600);
    let end = &heard[heard.len() - 480..];
    assert!(end.iter().all(|x| (x - end[0]).abs() < 1e-6), "it does not stand still");
    end[0]
}

#[track_caller]
fn assert_near(heard: f32, expected: f32) {
    let decibels = 20.0 * (heard / expected).abs().log10();
    assert!(decibels.abs() < 0.01, "{heard} against {expected}: {decibels} dB");
}

fn factor(decibels: f32) -> f32 {
    10_f32.powf(decibels / 20.0)
}

#[test]
fn sends_are_taken_after_the_fader_or_before_it() {
    // The effects come first in the file: they still run after what feeds them.
    let mut desk = rack(&[
        ("hall", &through(1.0), to("master", &[])),
        ("echo", &through(1.0), to("[1, 2]", &[])),
        ("bass", &still(0.25), to("master", &[("hall", -12.0, false), ("echo", -6.0, true)])),
    ]);
    desk.quietly("/master/limiter 0");
    let (post, pre) = (0.25 * factor(-12.0), 0.25 * factor(-6.0));
    assert_near(stands(&mut desk), 0.25 + post + pre);
    desk.quietly("/bass/level -20");
    assert_near(stands(&mut desk), (0.25 + post) * factor(-20.0) + pre);
    desk.quietly("/bass/pan 1");
    assert_near(stands(&mut desk), pre);
    desk.quietly("/bass/pan 0");
    desk.quietly("/master/level -60");
    assert_near(stands(&mut desk), pre);
    desk.quietly("/bass/mute 1");
    assert_eq!(stands(&mut desk), 0.0, "a mute silences both");
}

#[test]
fn a_slot_that_feeds_another_runs_before_it_in_the_same_frame() {
    let mut desk = rack(&[
        ("last", &through(0.5), to("master", &[])),
        ("middle", &through(0.5), to("last", &[])),
        ("first", SYNTH, to("middle", &[])),
    ]);
    desk.run(4_800);
    assert!(desk.bundle(When::At(5_800), &["/first/note 60 1"]).is_empty());
    let heard = desk.run(2_000);
    assert!(heard[..1_000].iter().all(|x| *x == 0.0));
    assert_eq!(heard[1_000], 0.125, "through both, without delay");
}

#[test]
fn an_effect_hears_the_device_where_nothing_feeds_it() {
    let mut desk = rack(&[("voice", &through(1.0), to("master", &[])), ("bass", &still(0.0), to("master", &[]))]);
    let input = [0.25; 128];
    let run = |desk: &mut Desk| {
        let mut heard = Vec::new();
        for _ in 0..40 {
            let mut out = [0.0; 128];
            desk.engine.run(&input, 2, &mut out, 2);
            heard.extend(out.chunks(2).map(|frame| frame[0]));
            desk.control.tick();
        }
        heard
    };
    let heard = run(&mut desk);
    assert!(heard.iter().all(|x| *x == 0.25));
    desk.quietly("/bass/send/voice 0");
    let heard = run(&mut desk);
    assert!(heard[2_000..].iter().all(|x| *x == 0.0), "now the bass feeds it, and it is silent");
    assert!(step(&heard) < 0.001, "{}", step(&heard));
}

#[test]
fn sends_have_addresses_that_are_made_by_turning_them_up() {
    let mut desk = rack(&[("bass", &still(0.25), to("master", &[])), ("hall", &through(1.0), to("master", &[]))]);
    assert_near(stands(&mut desk), 0.25);
    assert_eq!(desk.ask("/bass/send/hall"), -60.0);
    assert_eq!(desk.say("/query /bass/send"), ["/query /bass/send hall"], "one for each other slot that takes sound");
    assert_eq!(desk.fails("/bass/send/bass 0"), "unknown-address");
    desk.quietly("/bass/send/hall -60");
    assert!(desk.control.slots()[0].route.sends.is_empty(), "silence makes no send");
    desk.quietly("/bass/send/hall -12");
    assert_near(stands(&mut desk), 0.25 * (1.0 + factor(-12.0)));
    assert_eq!(desk.ask("/bass/send/hall"), -12.0);
    assert_eq!(desk.control.slots()[0].route.sends, [SendSpec { to: "hall".to_owned(), level: -12.0, pre: false }]);
    desk.quietly("/n/bass/send/hall 0.5");
    assert_eq!(desk.ask("/bass/send/hall"), -27.0);
    let from = desk.engine.now();
    desk.bundle(When::At(from + 4_800), &["/bass/send/hall -7 1"]);
    let heard = desk.run(4_800 + 48_000 + 4_800);
    assert_near(heard[4_800 + 24_000], 0.25 * (1.0 + factor(-17.0)));
    assert_near(heard[4_800 + 48_000], 0.25 * (1.0 + factor(-7.0)));
    assert_eq!(desk.fails("/bass/send/hall loud"), "wrong-arguments");
    let clipped = desk.say("/bass/send/hall 20");
    assert!(clipped[0].contains("clipped") && desk.ask("/bass/send/hall") == 6.0, "{clipped:?}");
    desk.quietly("/bass/send/hall -60");
    assert_near(stands(&mut desk), 0.25);
}

#[test]
fn who_subscribes_is_told_of_sends_and_outs() {
    let mut desk = rack(&[("bass", &still(0.25), to("master", &[])), ("hall", &through(1.0), to("master", &[]))]);
    desk.run(512);
    desk.say("/sub /bass");
    desk.run(9_600);
    let told = |desk: &mut Desk| std::mem::take(&mut desk.later).iter().map(rackd::osc::text::spell).collect::<Vec<_>>();
    let first = told(&mut desk);
    assert!(first.contains(&"/bass/send/hall -60".to_owned()) && first.contains(&"/bass/out master".to_owned()), "{first:?}");
    let other = rackd::control::Client::port(3);
    let say = |desk: &mut Desk, line: &str| {
        let message = rackd::osc::text::read(line).unwrap().unwrap();
        desk.control.say(other, &message.address, &message.values)
    };
    assert!(say(&mut desk, "/bass/send/hall -6").is_empty() && say(&mut desk, "/bass/out hall").is_empty());
    desk.run(9_600);
    let later = told(&mut desk);
    assert!(later.contains(&"/bass/send/hall -6".to_owned()) && later.contains(&"/bass/out hall".to_owned()), "{later:?}");
    assert_eq!(desk.say("/bass/out"), ["/bass/out hall"]);
}

#[test]
fn circles_and_slots_that_are_not_there_are_refused() {
    let mut desk = rack(&[
        ("bass", &still(0.25), to("master", &[])),
        ("hall", &through(1.0), to("echo", &[])),
        ("echo", &through(1.0), to("master", &[])),
    ]);
    desk.run(512);
    let answer = desk.say("/echo/send/hall -6");
    assert_eq!(answer.len(), 1);
    assert!(answer[0].starts_with("/fail /echo/send/hall circle ") && answer[0].contains("hall → echo → hall"), "{answer:?}");
    assert_eq!(desk.fails("/echo/out hall"), "circle");
    assert_eq!(desk.fails("/echo/out echo"), "circle");
    assert!(desk.control.slots()[2].route == Route::default(), "nothing was changed");
    let answer = desk.say("/bass/out hal");
    assert!(answer[0].contains("wrong-arguments") && answer[0].contains("did you mean hall?"), "{answer:?}");
    let answer = desk.say("/hall/out bass");
    assert!(answer[0].contains("takes no sound"), "{answer:?}");
    for wrong in ["/bass/out 0", "/bass/out 65", "/bass/out 1.5", "/bass/out 1 2 3", "/bass/out hall 2"] {
        assert_eq!(desk.fails(wrong), "wrong-arguments", "{wrong}");
    }
    let refused = desk.status("refused");
    assert_eq!(desk.status("messages"), desk.status("accepted") + refused);
    assert_eq!(desk.status("refused/circle"), 3);
}

#[test]
fn a_soloed_slot_is_heard_with_what_it_feeds_and_what_feeds_it() {
    let mut desk = rack(&[
        ("bass", &still(0.125), to("master", &[("hall", -20.0, false)])),
        ("keys", &still(0.25), to("master", &[("hall", -20.0, false)])),
        ("hall", &through(1.0), to("master", &[])),
        ("noise", &still(0.5), to("master", &[])),
    ]);
    desk.quietly("/master/limiter 0");
    assert_near(stands(&mut desk), 0.375 * 1.1 + 0.5);
    desk.quietly("/bass/solo 1");
    assert_near(stands(&mut desk), 0.125 * 1.1);
    desk.quietly("/keys/solo 1");
    assert_near(stands(&mut desk), 0.375 * 1.1);
    desk.quietly("/bass/solo 0");
    desk.quietly("/keys/solo 0");
    desk.quietly("/hall/solo 1");
    assert_near(stands(&mut desk), 0.0375);
    desk.quietly("/hall/mute 1");
    assert_eq!(stands(&mut desk), 0.0);
    desk.quietly("/hall/mute 0");
    desk.quietly("/hall/solo 0");
    assert_near(stands(&mut desk), 0.375 * 1.1 + 0.5);
}

#[test]
fn channels_of_the_device_go_past_the_master_and_one_it_lacks_is_told_once() {
    let mut desk = rack(&[
        ("one", &still(0.25), to("[3, 4]", &[])),
        ("two", "format = 1\n[out]\nleft = \"0.5 * 1\"\nright = \"0.25 * 1\"\n", to("[4]", &[])),
        ("three", &still(1.0), to("master", &[])),
        ("four", &still(0.125), to("[2, 9]", &[])),
    ]);
    desk.quietly("/master/level -60");
    desk.quietly("/one/level -6");
    channels(&mut desk, 9_600, 4, 64);
    let heard: Vec<f32> = channels(&mut desk, 64, 4, 64).iter().map(|channel| channel[63]).collect();
    assert_eq!(heard[..2], [0.0, 0.125]);
    assert_near(heard[2], 0.25 * factor(-6.0));
    assert_near(heard[3], 0.25 * factor(-6.0) + 0.375);
    let told = desk.control.take_notices();
    assert_eq!(told, ["four: the device has no channel 9; what goes there is not heard"]);
    desk.quietly("/one/out 1 2");
    channels(&mut desk, 9_600, 4, 64);
    assert_eq!(desk.control.take_notices(), Vec::<String>::new(), "once");
    desk.quietly("/one/out 7");
    let heard = channels(&mut desk, 9_600, 4, 64);
    assert!(heard.iter().all(|channel| channel.iter().all(|x| x.is_finite())));
    assert_eq!(desk.control.take_notices().len(), 1);
    let mono = channels(&mut desk, 9_600, 1, 64);
    assert_eq!(mono[0][9_599], 0.0, "the device has one channel, and nobody goes there");
}

#[test]
fn sixty_four_slots_play_together() {
    let names: Vec<String> = (0..64).map(|at| format!("s{at}")).collect();
    let (tone, effect) = (still(1.0 / 64.0), through(1.0));
    let slots: Vec<(&str, &str, Route)> = (0..64)
        .map(|at| {
            let name = names[at].as_str();
            // Sixty-two tones feed two effects in a row; the last first.
            match at {
                0 => (name, effect.as_str(), to("master", &[])),
                1 => (name, effect.as_str(), to("s0", &[])),
                _ => (name, tone.as_str(), to("s1", &[("s0", -20.0, at % 2 == 0)])),
            }
        })
        .collect();
    let mut desk = rack(&slots);
    desk.quietly("/master/limiter 0");
    assert_near(stands(&mut desk), 62.0 / 64.0 * 1.1);
    let error = desk.control.load("more", &tone, None).expect_err("the rack is full");
    assert_eq!(error[0].code, "slots-full");
}

#[test]
fn what_goes_elsewhere_fades_out_here_and_in_there() {
    let mut desk = rack(&[
        ("bass", &still(0.5), to("master", &[])),
        ("half", &through(0.5), to("master", &[])),
        ("other", &through(0.25), to("master", &[])),
    ]);
    desk.run(4_800);
    let change = |desk: &mut Desk, line: &str, until: f32| {
        desk.quietly(line);
        let heard = desk.run(4_800);
        // 10 ms from one height to another is at most 0.5 in 480 steps; a level of a send moves there in 5 ms.
        assert!(step(&heard) < 0.0025, "{line}: {}", step(&heard));
        assert!((heard[4_799] - until).abs() < 1e-4, "{line}: {}", heard[4_799]);
    };
    change(&mut desk, "/bass/out half", 0.25);
    change(&mut desk, "/bass/out 1 2", 0.5);
    change(&mut desk, "/bass/out other", 0.125);
    change(&mut desk, "/bass/send/half 0", 0.375);
    change(&mut desk, "/half/out other", 0.1875);
    change(&mut desk, "/bass/out master", 0.5 + 0.0625);
    // What comes and what goes would feed each other: what goes is let go first.
    change(&mut desk, "/half/out master", 0.75);
    change(&mut desk, "/other/out half", 0.75);
    change(&mut desk, "/bass/send/other 0", 0.75 + 0.0625);
    change(&mut desk, "/bass/send/half -60", 0.5 + 0.0625);
    let pre = to("master", &[("other", 0.0, true)]);
    desk.control.set_mix(0, Strip::default(), pre);
    let heard = desk.run(4_800);
    assert!(step(&heard) < 0.0025 && (heard[4_799] - 0.5625).abs() < 1e-4, "{} {}", step(&heard), heard[4_799]);
    desk.quietly("/bass/level -60");
    assert_near(stands(&mut desk), 0.0625);
    assert_eq!(desk.say("/other/out"), ["/other/out half"]);
}

#[test]
fn two_that_change_places_are_never_silent_for_long_nor_click() {
    let mut desk =
        rack(&[("tone", &still(0.5), to("a", &[])), ("a", &through(0.5), to("b", &[])), ("b", &through(0.5), to("master", &[]))]);
    assert_near(stands(&mut desk), 0.125);
    let mut slots = [to("b", &[]), to("master", &[]), to("a", &[])].into_iter();
    for slot in 0..3 {
        desk.control.slots();
        desk.control.set_mix(slot, Strip::default(), slots.next().unwrap());
    }
    let heard = desk.run(4_800);
    assert!(step(&heard) < 0.0025, "{}", step(&heard));
    assert_near(heard[4_799], 0.125);
    assert!(heard[2_400..].iter().all(|x| (x - 0.125).abs() < 1e-6));
}

const PLUCK: &str = r#"
format = 1
[note]
voices = 8
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "5 ms"
release = "60 ms"
[voice.filter]
type = "svf"
in = "osc.saw"
cutoff = "1 kHz + env * 2 oct + note.pitch"
[out]
in = "filter.low * env * note.velocity * 0.2"
"#;

const SPACE: &str = r#"
format = 1
[in]
[global.space]
type = "delay"
in = "in"
time = "3/16"
feedback = 0.4
[out]
in = "space"
"#;

#[test]
fn the_same_bits_at_any_buffer_size() {
    let play = |buffer: usize| {
        let mut desk = rack(&[
            ("hall", SPACE, to("master", &[])),
            ("one", PLUCK, to("master", &[("hall", -12.0, false), ("echo", -3.0, true)])),
            ("echo", SPACE, to("hall", &[])),
            ("two", PLUCK, to("[3, 4]", &[("echo", -9.0, false)])),
            ("three", PLUCK, to("hall", &[])),
        ]);
        // The patches have landed.
        channels(&mut desk, 9_600, 4, 64);
        let start = desk.engine.now();
        for at in 0..40u64 {
            let slot = ["one", "two", "three"][at as usize % 3];
            let note = format!("/{slot}/note {} {} 0.2", 40 + at * 5 % 30, 0.3 + (at % 5) as f32 * 0.1);
            desk.bundle(When::At(start + 317 + at * 577), &[&note]);
            let send = format!("/{}/send/echo {}", ["one", "two"][at as usize % 2], -20 + (at as i32 * 7 % 20));
            desk.bundle(When::At(start + 401 + at * 503), &[&send]);
        }
        desk.bundle(When::At(start + 3_001), &["/one/send/hall 0 0.2", "/two/level -20 0.1"]);
        desk.bundle(When::At(start + 7_003), &["/hall/solo 1", "/one/pan 0.5"]);
        desk.bundle(When::At(start + 11_007), &["/hall/solo 0", "/one/mute 1"]);
        let mut random = buffer as u64 + 1;
        let mut heard = vec![Vec::new(); 4];
        while heard[0].len() < 24_000 {
            random = random.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) | 1;
            let size = if buffer == 0 { 1 + random as usize % 700 } else { buffer };
            let more = channels(&mut desk, size.min(24_000 - heard[0].len()), 4, size);
            heard.iter_mut().zip(more).for_each(|(heard, more)| heard.extend(more));
        }
        heard.into_iter().flatten().map(f32::to_bits).collect::<Vec<_>>()
    };
    let want = play(64);
    assert!(peak(&want.iter().map(|x| f32::from_bits(*x)).collect::<Vec<_>>()) > 0.05, "it must sound");
    for buffer in [1, 16, 113, 512, 2_048, 0] {
        assert!(play(buffer) == want, "other bits at {buffer}");
    }
}

#[test]
fn of_sixteen_slots_one_changes_and_the_others_do_not_notice() {
    // Each on channels of its own, past the master; the last two are fed by some of the others.
    let play = |meddle: bool| {
        let names: Vec<String> = (0..16).map(|at| format!("s{at}")).collect();
        let slots: Vec<(&str, &str, Route)> = (0..16)
            .map(|at| {
                let out = format!("[{}, {}]", 2 * at + 3, 2 * at + 4);
                let route = match at {
                    0..=3 => to(&out, &[("s14", -9.0, false)]),
                    5..=8 => to(&out, &[("s15", -9.0, at == 7)]),
                    _ => to(&out, &[]),
                };
                (names[at].as_str(), if at < 14 { PLUCK } else { SPACE }, route)
            })
            .collect();
        let mut desk = rack(&slots);
        channels(&mut desk, 9_600, 34, 64);
        for at in 0..200u64 {
            let note = format!("/s{}/note {} 0.8 0.3", at % 14, 40 + at * 5 % 30);
            assert!(desk.bundle(When::At(9_917 + at * 211), &[&note]).is_empty());
        }
        let mut heard = channels(&mut desk, 12_000, 34, 64);
        let more = |desk: &mut Desk, heard: &mut Vec<Vec<f32>>, frames: usize| {
            let more = channels(desk, frames, 34, 64);
            heard.iter_mut().zip(more).for_each(|(heard, more)| heard.extend(more));
        };
        if meddle {
            // One's patch is another, one is unloaded, one goes elsewhere, an effect is fed by one more.
            let other = PLUCK.replace("osc.saw", "osc.square").replace("voices = 8", "voices = 3");
            desk.control.load("s4", &other, None).unwrap();
            let _ = desk.control.take_away(9);
            desk.quietly("/s10/out master");
            desk.quietly("/s11/send/s15 -6");
        }
        more(&mut desk, &mut heard, 12_000);
        if meddle {
            assert_eq!(desk.fails("/s12/send/s4 -6"), "unknown-address", "it takes no sound");
            desk.quietly("/s10/out 23 24");
        }
        more(&mut desk, &mut heard, 12_000);
        heard
    };
    let (want, got) = (play(false), play(true));
    for slot in 0..16 {
        for channel in [2 * slot + 2, 2 * slot + 3] {
            let same = want[channel].iter().map(|x| x.to_bits()).eq(got[channel].iter().map(|x| x.to_bits()));
            let meddled = [4, 9, 10, 15].contains(&slot);
            let other = want[channel].iter().zip(&got[channel]).position(|(want, got)| want != got);
            assert_eq!(same, !meddled, "slot {slot}, channel {channel}: {other:?}");
            assert!(peak(&want[channel][20_000..]) > 0.001, "slot {slot} must sound");
            assert!(step(&got[channel]) < 3.0 * step(&want[channel]), "slot {slot}: {}", step(&got[channel]));
        }
    }
}

#[test]
fn a_slot_that_is_unloaded_fades_while_it_runs_on_and_its_notes_end() {
    let mut desk = Desk::new(SYNTH);
    desk.say("/sub /note/ended");
    desk.quietly("/t/note/on 7 60 1");
    let _ = desk.run(4_800);
    assert_eq!(desk.status("voices"), 1);
    assert!(desk.control.take_away(0).is_empty());
    assert!(desk.control.slots()[0].leaves);
    let heard = desk.run(4_800);
    assert!(heard[..64].iter().all(|x| *x > 0.4) && heard[600..].iter().all(|x| *x == 0.0), "{:?}", &heard[..64]);
    assert!(step(&heard) < 0.0011, "480 steps from a half to nothing: {}", step(&heard));
    assert!(!desk.control.slots()[0].leaves);
    assert_eq!(desk.status("voices"), 0);
    assert!(desk.later.iter().any(|message| message.address == "/note/ended"), "{:?}", desk.later);
}

#[test]
fn a_slot_that_is_used_again_starts_afresh() {
    let mut desk = rack(&[("bass", &still(0.5), to("master", &[("hall", 0.0, false)])), ("hall", &through(0.5), to("master", &[]))]);
    desk.quietly("/bass/level -20");
    assert_near(stands(&mut desk), 0.05 * 1.5);
    let _ = desk.control.take_away(0);
    assert_eq!(stands(&mut desk), 0.0);
    desk.control.set_mix(0, Strip::default(), Route::default());
    desk.control.load("bass", &still(0.25), None).unwrap();
    let heard = desk.run(9_600);
    assert!(heard[2_000..].iter().all(|x| *x == 0.25), "its level is new, and there is no send");
}

#[test]
fn what_a_rack_says_of_a_strip_holds_from_its_first_frame() {
    let mut desk = rack(&[("bass", &still(0.5), Route::default())]);
    desk.control.set_mix(0, Strip { level: -20.0, pan: -1.0, ..Strip::default() }, to("hall", &[]));
    desk.control.load("hall", &through(1.0), None).unwrap();
    desk.control.remix();
    let heard = desk.run(4_800);
    let first = heard.iter().position(|x| *x != 0.0).unwrap();
    assert!(heard[first..].iter().all(|x| (x - 0.05).abs() < 1e-6), "{:?}", &heard[first..first + 64]);
    assert!(first < 1_500);
}
