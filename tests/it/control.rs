//! What is said to Control, and what comes of it in the engine.

use rackd::base::midi::MidiMessage;
use rackd::control::{Message, Value, When};

use super::desk::{Desk, RATE, first_change, me};

/// A constant that a control sets, so that what is heard is the value itself.
const LEVEL: &str = r#"
format = 1
[controls]
amount = { default = 0.25, min = 0, max = 1, osc = "/1/fader1", midi = "cc 20" }
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

const SYNTH: &str = r#"
format = 1
tempo = 120
[note]
[controls]
bright = { default = "1 kHz" }
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "1 ms"
release = "5 ms"
sustain = 1
[voice.filter]
type = "svf"
in = "osc.saw * 0.7 + osc.square * 0.3"
cutoff = "bright + env * 2 oct"
resonance = 0.3
[global.gen]
type = "seq_step"
steps = ["D3", "-", "A3"]
[out]
in = "filter.low * env * note.velocity"
"#;

fn rms(frames: &[f32]) -> f32 {
    (frames.iter().map(|x| x * x).sum::<f32>() / frames.len() as f32).sqrt()
}

#[test]
fn a_value_is_set_asked_for_clipped_and_refused() {
    let mut desk = Desk::new(SYNTH);
    assert!((desk.ask("/t/bright") - 1000.0).abs() < 0.01);
    desk.quietly("/t/bright 2000");
    assert!((desk.ask("/t/bright") - 2000.0).abs() < 0.01);
    desk.quietly("/t/bright \"1.5 kHz\"");
    desk.quietly("/t/bright A5");
    assert!((desk.ask("/t/filter/cutoff") - 880.0).abs() < 0.01, "the input is another name of the control that stands in it");
    desk.quietly("/t/filter/cutoff/env \"-7 st\"");
    assert!((desk.ask("/t/filter/cutoff/env") + 7.0 / 12.0).abs() < 1e-6);
    desk.quietly("/t/filter/in/osc.saw 0.2");
    assert!((desk.ask("/t/filter/in/osc.saw") - 0.2).abs() < 1e-6);
    desk.quietly("/t/filter/resonance true");
    assert_eq!(desk.ask("/t/filter/resonance"), 1.0);

    assert_eq!(desk.fails("/t/bright 30000"), "clipped");
    assert!((desk.ask("/t/bright") - 20_000.0).abs() < 1.0);
    assert_eq!(desk.fails("/t/filter/resonance loud"), "wrong-arguments");
    assert_eq!(desk.fails("/t/filter/resonance 0.1 0.2 0.3"), "wrong-arguments");
    assert_eq!(desk.fails("/t/filter/resonance \"3 Hz\""), "wrong-arguments");
    let not = desk.control.say(me(), "/t/filter/resonance", &[Value::Number(f64::NAN)]);
    assert_eq!(not[0].values[1], "not-a-number".into());
    assert_eq!(desk.ask("/t/filter/resonance"), 1.0, "what is refused changes nothing");
    let told = desk.say("/t/filtr/resonance 0.5");
    assert!(told[0].starts_with("/fail /t/filtr/resonance unknown-address") && told[0].contains("/t/filter/resonance"), "{told:?}");
    let told = desk.say("/tt/filter/resonance 0.5");
    assert!(told[0].contains("did you mean /t/filter/resonance"), "{told:?}");
    let told = desk.say("/transport/ply");
    assert!(told[0].contains("did you mean /transport/play"), "{told:?}");
}

#[test]
fn the_normalised_address_is_the_same_knob() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/n/t/bright 0");
    assert!((desk.ask("/t/bright") - 20.0).abs() < 0.01);
    desk.quietly("/n/t/bright 0.5");
    assert!((desk.ask("/t/bright") - 632.455).abs() < 0.1);
    assert!((desk.ask("/n/t/bright") - 0.5).abs() < 1e-3);
    desk.quietly("/n/t/bright 7");
    assert!((desk.ask("/n/t/bright") - 1.0).abs() < 1e-6);
}

#[test]
fn what_is_set_is_heard() {
    let mut desk = Desk::new(LEVEL);
    assert!(desk.run(4800).iter().all(|x| (x - 0.25).abs() < 1e-5));
    desk.quietly("/t/amount 0.75");
    let heard = desk.run(9600);
    assert!((heard[9599] - 0.75).abs() < 1e-4, "{}", heard[9599]);
    desk.quietly("/1/fader1 0.5");
    desk.run(9600);
    assert!((desk.run(64)[63] - 0.5).abs() < 1e-4);
    assert!((desk.ask("/1/fader1") - 0.5).abs() < 1e-6, "a mapped address can be asked");
    desk.midi(MidiMessage::Cc { channel: 0, number: 20, value: 64 });
    desk.run(9600);
    assert!((desk.run(64)[63] - 64.0 / 127.0).abs() < 1e-4);
    desk.quietly("/t/level \"-6 dB\"");
    desk.quietly("/t/amount 0.5");
    desk.run(9600);
    assert!((desk.run(64)[63] - 0.2506).abs() < 1e-3);
    desk.quietly("/t/mute 1");
    desk.run(9600);
    assert_eq!(desk.run(64)[63], 0.0);
}

#[test]
fn a_bundle_acts_on_its_sample_and_as_one() {
    let mut desk = Desk::new(SYNTH);
    let now = desk.engine.now();
    for ahead in [1_000, 9_600, 48_000] {
        let at = now + ahead;
        assert!(desk.bundle(When::At(at), &["/t/note/on 1 60 1", "/t/note/set 1 bright 500"]).is_empty());
    }
    let heard = desk.run(2000);
    let first = first_change(&heard).expect("a note");
    assert!((1_000..=1_002).contains(&first), "the note begins at frame {first}");
    desk.run(60_000);
    assert_eq!(desk.status("late-events"), 0);
    assert_eq!(desk.status("waiting"), 0);
}

#[test]
fn a_bundle_with_a_mistake_does_nothing() {
    let mut desk = Desk::new(SYNTH);
    let answers = desk.bundle(When::Now, &["/t/bright 500", "/t/note/on 1 60 1", "/t/nonsense 1"]);
    assert_eq!(answers.len(), 1);
    assert!(answers[0].starts_with("/fail /t/nonsense unknown-address"), "{answers:?}");
    assert!((desk.ask("/t/bright") - 1000.0).abs() < 0.01);
    assert_eq!(rms(&desk.run(4800)), 0.0);
    assert_eq!((desk.status("refused"), desk.status("refused/together"), desk.status("accepted")), (3, 2, 1));
}

#[test]
fn late_and_far_bundles_are_told() {
    let mut desk = Desk::new(SYNTH);
    desk.run(48_000);
    let now = desk.engine.now();
    let answers = desk.bundle(When::At(now - 4_800), &["/t/bright 500"]);
    assert_eq!(answers, ["/late /t/bright 100 run"]);
    assert!((desk.ask("/t/bright") - 500.0).abs() < 0.01, "it acts at once");
    let answers = desk.bundle(When::At(now + 3_601 * RATE as u64), &["/t/bright 700"]);
    assert!(answers[0].starts_with("/fail /t/bright too-far"), "{answers:?}");
    assert!((desk.ask("/t/bright") - 500.0).abs() < 0.01);
}

#[test]
fn notes_begin_and_end_by_their_names() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/t/note/on 1 A4 1");
    desk.quietly("/t/note/on lead 64 0.5");
    assert!(rms(&desk.run(4800)) > 0.05);
    assert_eq!(desk.status("voices"), 2);
    desk.quietly("/t/note/bend 1 2");
    desk.quietly("/t/note/pan lead -1");
    desk.quietly("/t/note/set 1 filter.resonance 0.9 bright \"2 kHz\"");
    assert_eq!(desk.fails("/t/note/set 1 nonsense 1"), "unknown-address");
    assert_eq!(desk.fails("/t/note/set 1 bright"), "wrong-arguments");
    assert_eq!(desk.fails("/t/note/off 7"), "unknown-note");
    assert_eq!(desk.fails("/t/note/on 2 H4 1"), "wrong-arguments");
    desk.quietly("/t/note/off 1");
    desk.quietly("/t/note/on lead 64 0");
    desk.run(4800);
    assert_eq!(desk.status("voices"), 0);
    assert_eq!(desk.fails("/t/note/off 1"), "unknown-note");
    assert_eq!(rms(&desk.run(4800)), 0.0);
}

#[test]
fn a_note_with_a_duration_ends_by_itself() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/t/note 69 1 0.1");
    desk.quietly("/t/note 69 1 1/8");
    desk.quietly("/t/note 69 1");
    desk.run(64);
    let mut ends = Vec::new();
    let mut voices = 3;
    for frame in (0..48_000).step_by(64) {
        desk.run(64);
        let now = desk.status("voices");
        if now < voices {
            ends.push(frame);
            voices = now;
        }
    }
    // 0.1 s, an eighth (0.25 s at 120), a quarter (0.5 s), each with its 5 ms of release and a little.
    for (end, expected) in ends.iter().zip([4800, 12_000, 24_000]) {
        assert!((expected..expected + 1600).contains(end), "{ends:?}");
    }
    assert_eq!(ends.len(), 3, "{ends:?}");
}

#[test]
fn another_port_of_the_same_computer_finds_the_note() {
    let mut desk = Desk::new(SYNTH);
    let from = |host: u128, door: u64| rackd::control::Client { host, door, ..me() };
    let on = |desk: &mut Desk, who, key: i64| {
        let values = [Value::Integer(5), Value::Integer(key), Value::Number(1.0)];
        desk.control.say(who, "/t/note/on", &values)
    };
    assert!(on(&mut desk, from(1, 1000), 60).is_empty());
    assert!(on(&mut desk, from(2, 1000), 64).is_empty(), "another computer's 5 is another note");
    desk.run(480);
    assert_eq!(desk.status("voices"), 2);
    assert!(desk.control.say(from(1, 1001), "/t/note/off", &[Value::Number(5.0)]).is_empty());
    desk.run(4800);
    assert_eq!(desk.status("voices"), 1);
    assert!(!desk.control.say(from(1, 1000), "/t/note/off", &[Value::Integer(5)]).is_empty());
    assert!(desk.control.say(from(2, 1), "/t/note/off", &["5".into()]).is_empty());
}

#[test]
fn midi_plays_bends_and_holds() {
    let mut desk = Desk::new(SYNTH);
    let on = |key| MidiMessage::NoteOn { channel: 0, key, velocity: 100 };
    let off = |key| MidiMessage::NoteOff { channel: 0, key, velocity: 64 };
    let pedal = |value| MidiMessage::Cc { channel: 0, number: 64, value };
    desk.midi(on(60));
    desk.midi(on(64));
    assert!(rms(&desk.run(4800)) > 0.05);
    desk.midi(pedal(127));
    desk.midi(off(60));
    desk.run(4800);
    assert_eq!(desk.status("voices"), 2, "the pedal holds");
    desk.midi(MidiMessage::Bend { channel: 0, value: 8191 });
    desk.midi(pedal(0));
    desk.run(4800);
    assert_eq!(desk.status("voices"), 1);
    desk.midi(MidiMessage::Cc { channel: 0, number: 123, value: 0 });
    desk.run(4800);
    assert_eq!(desk.status("voices"), 0);
    for key in 40..50 {
        desk.midi(on(key));
    }
    desk.run(480);
    desk.midi(MidiMessage::Cc { channel: 0, number: 120, value: 0 });
    desk.run(4800);
    assert_eq!((desk.status("voices"), rms(&desk.run(480))), (0, 0.0));
    desk.midi(on(60));
    desk.run(480);
    desk.control.gone(rackd::control::Client::port(0));
    desk.run(4800);
    assert_eq!(desk.status("voices"), 0, "a port that is gone holds no keys");
}

#[test]
fn bend_moves_the_pitch_by_the_range_of_the_patch() {
    let mut desk = Desk::new(&SYNTH.replace("[note]", "[note]\nbend_range = \"12 st\"").replace("filter.low", "osc.sine"));
    desk.midi(MidiMessage::NoteOn { channel: 0, key: 69, velocity: 127 });
    desk.midi(MidiMessage::Bend { channel: 0, value: 8191 });
    desk.run(4800);
    let heard = desk.run(48_000);
    let rises = heard.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    assert!((879..=881).contains(&rises), "{rises} Hz");
}

#[test]
fn lists_are_live_and_choices_rebuild() {
    let mut desk = Desk::new(SYNTH);
    assert_eq!(desk.say("/t/gen/steps"), ["/t/gen/steps D3 - A3"]);
    desk.quietly("/t/gen/steps/2 F3");
    desk.quietly("/t/gen/steps/3 -");
    assert_eq!(desk.say("/t/gen/steps"), ["/t/gen/steps D3 F3 -"]);
    assert_eq!(desk.say("/t/gen/steps/2"), ["/t/gen/steps/2 F3"]);
    assert_eq!(desk.fails("/t/gen/steps/4 C3"), "unknown-address");
    desk.quietly("/t/gen/steps C3 D3 E3 F3 62");
    desk.quietly("/t/gen/steps/5 \"440 Hz\"");
    assert_eq!(desk.say("/t/gen/steps"), ["/t/gen/steps C3 D3 E3 F3 A4"]);
    assert_eq!(desk.fails("/t/gen/steps C3 nonsense"), "wrong-arguments");
    desk.run(480);
    // A list survives a reload unless its own text changed.
    desk.load(&SYNTH.replace("resonance = 0.3", "resonance = 0.4"));
    assert_eq!(desk.say("/t/gen/steps/5"), ["/t/gen/steps/5 A4"]);
    desk.load(&SYNTH.replace("\"D3\", \"-\"", "\"D4\", \"-\""));
    assert_eq!(desk.say("/t/gen/steps"), ["/t/gen/steps D4 - A3"]);
}

#[test]
fn what_was_turned_survives_a_reload_unless_its_own_text_changed() {
    let mut desk = Desk::new(LEVEL);
    desk.quietly("/t/amount 0.75");
    desk.quietly("/t/env/attack 0.5");
    desk.run(9600);
    desk.load(&LEVEL.replace("300 Hz", "400 Hz"));
    assert!((desk.ask("/t/amount") - 0.75).abs() < 1e-6);
    assert!((desk.ask("/t/env/attack") - 0.5).abs() < 1e-6);
    assert!((desk.ask("/t/tone") - 400.0).abs() < 0.01);
    let heard = desk.run(9600);
    assert!(heard.iter().all(|x| (x - 0.75).abs() < 1e-4), "the new plan begins where the knob stands");
    desk.load(&LEVEL.replace("default = 0.25", "default = 0.35"));
    assert!((desk.ask("/t/amount") - 0.35).abs() < 1e-6);
    let failed = desk.control.load("t", "format = 1\n[global.x]\ntype = \"nonsense\"\n", None);
    assert!(failed.is_err());
    assert!((desk.ask("/t/amount") - 0.35).abs() < 1e-6, "a patch with mistakes changes nothing");
}

/// Values on their way to the old plan must not meet the new one, whose knobs have other numbers.
#[test]
fn values_never_turn_another_knob_during_a_reload() {
    let more = LEVEL
        .replace("[controls]", "[controls]\nfirst = 0.9\nsecond = 0.8")
        .replace("[global.env]", "[global.more]\ntype = \"adsr\"\ngate = \"first\"\nattack = 0.1\n[global.env]");
    let mut desk = Desk::new(LEVEL);
    for round in 0..20 {
        let text = if round % 2 == 0 { &more } else { LEVEL };
        let now = desk.engine.now();
        desk.bundle(When::At(now + 3000), &["/t/amount 0.5"]);
        desk.bundle(When::At(now + 30_000), &["/t/amount 0.6"]);
        desk.quietly("/t/amount 0.4");
        assert!(desk.control.load("t", text, None).is_ok());
        desk.quietly("/t/amount 0.45");
        let heard = desk.run(24_000);
        assert!((heard[23_000] - 0.5).abs() < 1e-3, "round {round}: {}", heard[23_000]);
        let heard = desk.run(24_000);
        assert!((heard[23_000] - 0.6).abs() < 1e-3, "round {round}: {}", heard[23_000]);
        for (address, stands) in [("/t/env/attack", 0.01), ("/t/tone", 300.0)] {
            let asked = desk.ask(address);
            assert!((asked - stands).abs() < 0.02 * stands.max(1.0), "round {round}: {address} is {asked}");
        }
    }
    assert_eq!(desk.status("dropped"), 0);
}

/// Each note brings a value with a time: none of them may keep the new plan waiting for ever.
#[test]
fn a_reload_lands_while_notes_with_values_keep_coming() {
    let quiet = SYNTH.replace("env * note.velocity", "env * note.velocity * 0.25");
    let mut desk = Desk::new(SYNTH);
    let (mut loud, mut last) = (0.0, 0.0);
    for round in 0..400 {
        if round == 100 {
            loud = last;
            assert!(desk.control.load("t", &quiet, None).is_ok());
        }
        desk.bundle(When::At(desk.engine.now() + 4_800), &["/t/note 60 0.8 0.02 pan 0.1"]);
        last = rms(&desk.run(480));
    }
    assert!(desk.status("waiting") < 60, "{}", desk.status("waiting"));
    assert!(loud > 0.05 && last > 0.2 * loud && last < 0.5 * loud, "the new patch sounds: {loud} before, {last} after");
    assert_eq!(desk.status("dropped"), 0);
}

#[test]
fn patterns_reach_many() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/t/{filter,env}/[rs]e{sonance,lease} 0.5");
    assert!((desk.ask("/t/filter/resonance") - 0.5).abs() < 1e-6);
    assert!((desk.ask("/t/env/release") - 0.5).abs() < 1e-6);
    let asked = desk.say("/t/filter/*");
    assert!(asked.len() >= 3 && asked.iter().all(|line| line.starts_with("/t/filter/")), "{asked:?}");
    assert_eq!(desk.fails("/t/nonsense*/x 1"), "pattern");
    assert_eq!(desk.fails("/t/[ 1"), "pattern");
    desk.quietly("/*/note/on 1 60 1");
    desk.run(480);
    assert_eq!(desk.status("voices"), 1);
    desk.quietly("/?/gen/steps/* C3");
    assert_eq!(desk.say("/t/gen/steps"), ["/t/gen/steps C3 C3 C3"]);
}

#[test]
fn time_verbs_and_sync() {
    let mut desk = Desk::new(SYNTH);
    assert_eq!(desk.say("/clock/tempo"), ["/clock/tempo 120"]);
    desk.quietly("/clock/tempo 90");
    assert_eq!(desk.say("/clock/tempo"), ["/clock/tempo 90"]);
    assert_eq!(desk.fails("/clock/tempo 5000"), "clipped");
    desk.quietly("/transport/pause");
    desk.quietly("/transport/toggle");
    desk.quietly("/transport/locate 4");
    desk.quietly("/transport/stop");
    assert_eq!(desk.fails("/transport/locate"), "wrong-arguments");
    desk.later.clear();
    desk.quietly("/t/bright 300");
    desk.quietly("/sync 42");
    desk.quietly("/sync word");
    assert!(desk.later.is_empty());
    desk.run(64);
    let synced = |value: Value| Message::new("/synced", vec![value]);
    assert_eq!(desk.later, [synced(Value::Integer(42)), synced("word".into())]);
    assert_eq!(desk.say("/ping 1 a"), ["/pong 1 a"]);
}

#[test]
fn panic_silences() {
    for how in ["", " 0", " fade", " 2"] {
        let mut desk = Desk::new(SYNTH);
        for key in 50..58 {
            desk.quietly(&format!("/t/note/on {key} {key} 1"));
        }
        assert!(rms(&desk.run(4800)) > 0.05);
        desk.quietly(&format!("/panic{how}"));
        desk.run(4800);
        assert_eq!((desk.status("voices"), rms(&desk.run(480))), (0, 0.0), "panic{how}");
        assert_eq!(desk.fails("/t/note/off 50"), "unknown-note");
    }
}

#[test]
fn questions_about_the_rack() {
    let mut desk = Desk::new(SYNTH);
    assert_eq!(desk.say("/rack/list"), ["/rack/list t \"\""]);
    let below = desk.say("/query /t/filter");
    assert!(below[0].contains("cutoff") && below[0].contains("resonance"), "{below:?}");
    let told = desk.say("/query /t/bright");
    assert!(told[0].starts_with("/query /t/bright unit Hz min 20 max 20000 value 1000"), "{told:?}");
    let top = desk.say("/query /");
    assert!(["t", "transport", "engine", "master"].iter().all(|name| top[0].split(' ').any(|word| word == *name)), "{top:?}");
    assert_eq!(desk.fails("/query /t/nonsense"), "unknown-address");
    let text = desk.say("/patch/get t");
    assert!(text[0].contains("tempo = 120"));
    let checked = desk.control.say(me(), "/patch/check", &["format = 1\n[global.x]\ntype = \"nonsense\"\n".into()]);
    let Some(Value::Integer(mistakes)) = checked[0].values.first() else { panic!("{checked:?}") };
    assert!(*mistakes >= 1 && checked[0].values[2] == Value::Integer(3), "{checked:?}");
    let status = desk.say("/engine/status");
    assert!(status[0].contains("voices") && status[0].contains("applied"), "{status:?}");
    assert!(!desk.control.quit_asked());
    let far = rackd::control::Client { host: 0xffff_c0a8_0101, ..me() };
    assert_eq!(desk.control.say(far, "/engine/quit", &[])[0].values[1], "not-allowed".into());
    assert!(!desk.control.quit_asked());
    assert_eq!(desk.say("/engine/quit"), ["/done /engine/quit"]);
    assert!(desk.control.quit_asked());
}

#[test]
fn files_come_out_of_the_folders_given_alone() {
    let base = std::env::temp_dir().join(format!("rackd-control-{}", std::process::id()));
    let inside = base.join("patches");
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::write(inside.join("01-Level.toml"), LEVEL).unwrap();
    std::fs::write(inside.join("broken.toml"), "format = 1\n[global.x]\ntype = \"nonsense\"\n").unwrap();
    std::fs::write(inside.join("large.toml"), vec![b'#'; 2 << 20]).unwrap();
    std::fs::write(base.join("secret.toml"), LEVEL).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(base.join("secret.toml"), inside.join("link.toml")).unwrap();
    let mut desk = Desk::empty(vec![inside.clone()]);
    desk.quietly("/rack/load 01-Level.toml");
    assert!(desk.later.is_empty(), "it is done when it plays");
    desk.run(256);
    assert_eq!(desk.later, [Message::new("/done", vec!["/rack/load".into(), "level".into()])]);
    assert!((desk.ask("/level/amount") - 0.25).abs() < 1e-6);
    for outside in ["../secret.toml", "link.toml", "large.toml", "nothing.toml", ".", "/etc/passwd"] {
        assert_eq!(desk.fails(&format!("/rack/load {outside}")), "file", "{outside}");
    }
    let told = desk.say("/rack/load broken.toml");
    assert!(told[0].starts_with("/fail /rack/load patch") && told[0].contains("3:8"), "{told:?}");
    std::fs::write(inside.join("01-Level.toml"), LEVEL.replace("0.25", "0.5")).unwrap();
    desk.later.clear();
    desk.quietly("/rack/reload level");
    desk.run(512);
    assert_eq!(desk.later, [Message::new("/done", vec!["/rack/reload".into(), "level".into()])]);
    assert!((desk.ask("/level/amount") - 0.5).abs() < 1e-6);
    std::fs::remove_dir_all(&base).unwrap();
}

/// More than the engine's queue holds, while it does not run: nothing is lost but values that newer ones stood in for.
#[test]
fn a_flood_keeps_the_newest_and_loses_no_note() {
    let mut desk = Desk::new(SYNTH);
    for step in 0..20_000 {
        desk.quietly(&format!("/t/bright {}", 100 + step % 1000));
        if step % 4000 == 3999 {
            desk.quietly(&format!("/t/note/on n{step} 60 1"));
        }
    }
    desk.quietly("/t/bright 555");
    assert!(desk.status("merged") > 1000);
    let all = |desk: &Desk, names: &[&str]| names.iter().map(|name| desk.status(name)).sum::<i64>();
    assert_eq!(desk.status("events"), all(&desk, &["fed", "merged", "dropped", "waiting"]));
    desk.run(4800);
    assert_eq!(desk.status("voices"), 5);
    assert_eq!((desk.status("dropped"), desk.status("waiting")), (0, 0));
    assert_eq!(desk.status("events"), all(&desk, &["fed", "merged"]));
    assert_eq!(desk.status("fed"), all(&desk, &["applied", "overflowed"]));
    assert_eq!(desk.status("overflowed"), 0);
    assert!((desk.ask("/t/bright") - 555.0).abs() < 0.01);
}

#[test]
fn a_flood_ahead_is_bounded_and_keeps_nobody_out() {
    let mut desk = Desk::new(SYNTH);
    let now = desk.engine.now();
    let mut refused = 0;
    for _ in 0..30_000 {
        refused += desk.bundle(When::At(now + 3_000 * 48_000), &["/t/bright 500"]).len();
    }
    assert!(refused >= 10_000, "one computer may not fill the room: {refused}");
    let other = rackd::control::Client { host: 9, ..me() };
    let group = rackd::control::Group {
        at: When::At(now + 24_000),
        messages: vec![Message::new("/t/note/on", vec!["a".into(), Value::Integer(60), Value::Number(1.0)])],
    };
    assert!(desk.control.apply(other, &[group]).is_empty());
    let heard = desk.run(30_000);
    let first = first_change(&heard).expect("the near note sounds");
    assert!((24_000..=24_002).contains(&first), "{first}");
    assert_eq!(desk.status("events"), ["fed", "merged", "dropped", "waiting"].iter().map(|name| desk.status(name)).sum::<i64>());
}

#[test]
fn every_verb_is_in_the_table_with_its_sentence() {
    for verb in rackd::control::VERBS.iter().chain(rackd::control::SLOT_VERBS) {
        assert!(verb.does.ends_with('.') && verb.reference().starts_with('/'), "{}", verb.address);
    }
    let mut desk = Desk::new(SYNTH);
    desk.control.hand_over("/lamp/on", "file", "Lights.", |call| Ok(vec![Message::new("/done", call.values.to_vec())]));
    assert_eq!(desk.say("/lamp/on x.wav"), ["/done x.wav"]);
    // What stands in the table and was not handed over says so.
    assert!(desk.say("/record/start x.wav")[0].starts_with("/fail /record/start not-allowed"));
}

/// Whatever is said to whatever address, whenever: nothing fails, nothing but numbers is heard, everything is counted.
#[test]
fn random_messages_to_every_address() {
    let mut chance = super::chance::Chance(11);
    let mut desk = Desk::new(SYNTH);
    // What goes to channels of the device goes past the limiter.
    let paths = desk.control.slots()[0].addresses.iter().filter(|path| *path != "out");
    let mut addresses: Vec<String> = paths.map(|path| format!("/t/{path}")).collect();
    addresses.extend(addresses.clone().iter().map(|path| format!("/n{path}")));
    let verbs = rackd::control::VERBS.iter().chain(rackd::control::SLOT_VERBS).map(|verb| verb.reference().replace("<slot>", "t"));
    addresses.extend(verbs.filter(|address| address != "/clock/tempo"));
    addresses
        .extend(["/t/*", "/t/filter/*", "/n/t/*/*", "/*/note/on", "/master/level", "/t/gen/steps/2", "/t/gen/steps/40"].map(str::to_owned));
    let words = ["A4", "-", "1/8", "800 Hz", "-inf", "nan", "1e999", "", "bright", "filter.cutoff", "pan", "t", "é", "5", "on"];
    let numbers = [0.0, -1.0, 0.5, 1.0, 60.0, 1e30, -1e30, f64::NAN, f64::INFINITY, 1e-40, 127.0, 440.0];
    for step in 0..30_000 {
        let messages = (0..=chance.below(3)).map(|_| {
            let values = (0..chance.below(5)).map(|_| match chance.below(6) {
                0 => Value::Integer(chance.next() as i64 >> chance.below(64)),
                1 | 2 => Value::Number(*chance.pick(&numbers)),
                3 => Value::Text((*chance.pick(&words)).to_owned()),
                4 => Value::Bool(chance.below(2) == 0),
                _ => [Value::Impulse, Value::Other('b')][chance.below(2)].clone(),
            });
            let values = values.collect();
            Message::new(chance.pick(&addresses).clone(), values)
        });
        let messages = messages.collect();
        let at = match chance.below(4) {
            0 => When::At(desk.engine.now() + chance.below(20_000) as u64),
            1 => When::At(chance.next() >> chance.below(64)),
            _ => When::Now,
        };
        desk.control.apply(me(), &[rackd::control::Group { at, messages }]);
        let message = MidiMessage::from_bytes(0x80 | chance.next() as u8, chance.next() as u8 & 127, chance.next() as u8 & 127);
        if let Some(message) = message {
            desk.midi(message);
        }
        if step % 8 == 0 {
            let heard = desk.run(64);
            assert!(heard.iter().all(|x| x.is_finite() && x.abs() <= 1.0), "step {step}");
        }
        if step % 3000 == 0 {
            desk.load(SYNTH);
        }
    }
    desk.say("/panic 2");
    desk.run(96_000);
    // What had its time after the panic may have begun since.
    desk.say("/panic 2");
    desk.run(9_600);
    assert_eq!(desk.status("voices"), 0);
    assert_eq!(desk.status("messages"), desk.status("accepted") + desk.status("refused"));
    let parts: i64 = ["fed", "merged", "dropped", "waiting"].iter().map(|name| desk.status(name)).sum();
    assert_eq!(desk.status("events"), parts);
}
