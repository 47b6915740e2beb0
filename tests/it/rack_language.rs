//! Rack files: what is read, and that every mistake is told at its place.

use rackd::base::diagnostic::Diagnostic;
use rackd::patch::{
    MapSource, MasterSpec, Patch, Rack, Route, SendSpec, SetValue, SlotOut, SlotSpec, Zone, codes, is_rack, parse, parse_rack,
    parse_rack_bytes,
};

use crate::patch_toy::TOYS;

/// A rack with one of everything.
pub const FULL: &str = r#"
format = 1
name = "Stage"
description = "Split"
tempo = "120 bpm"

[master]
level = "-3 dB"
limiter = false

[slots.bass]
patch = "bass/acid.toml"
level = "-6 dB"
pan = -0.25
mute = true
solo = true
out = "bus"
midi = { channel = 1, keys = "C1..B3", velocity = "1..80", transpose = "-1 oct", mpe = false }
sends = { hall = "-12 dB", echo = "-20 dB pre" }
set = { "filter.resonance" = 0.9, "filter.cutoff.env" = "2 oct", "lfo.sync" = true, "seq.steps" = ["D3", "-", 3] }

[slots.lead]
patch = "./lead/../lead.toml"
out = [3, 4]
midi = false

[slots.pad]
patch = "pad.toml"
level = -60
out = [5]
midi = { keys = "36..59", velocity = 100 }
sends.hall = 0
set.filter.cutoff = 300

[slots.organ-2]
patch = "organ.toml"
out = "master"
midi = { keys = "C4", transpose = "7 st", mpe = true }

[slots.bus]
patch = "bus.toml"

[slots.hall]
patch = "hall.toml"

[slots.echo]
patch = "echo.toml"
sends = { hall = "-30 dB" }

[map]
"cc 1" = "bass.filter.cutoff"
"/1/xy" = ["bass.level", "bass.send.hall"]
"cc 7 ch 16" = { to = "master.level", min = "-60 dB", max = 0, from = [0, 127], curve = 2, pickup = true }
"#;

fn rack(text: &str) -> Rack {
    let (rack, diagnostics) = parse_rack(text);
    rack.unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

/// What is said of a rack: code, what stands at the place, what would be right.
fn told<'t>(text: &'t str, diagnostics: &[Diagnostic]) -> Vec<(&'static str, &'t str, Option<String>)> {
    diagnostics.iter().map(|one| (one.code, &text[one.labels[0].span.clone()], one.fix.clone())).collect()
}

#[test]
fn everything_that_can_be_written_is_read() {
    let rack = rack(FULL);
    assert_eq!((rack.name.as_str(), rack.description.as_str()), ("Stage", "Split"));
    assert!((rack.tempo.unwrap() - 120.0).abs() < 1e-9);
    assert_eq!(rack.master, MasterSpec { level: -3.0, limiter: false });
    let names: Vec<_> = rack.slots.iter().map(|slot| slot.name.as_str()).collect();
    assert_eq!(names, ["bass", "lead", "pad", "organ-2", "bus", "hall", "echo"]);
    let plain = rack.without_places();
    let send = |to: &str, level, pre| SendSpec { to: to.to_owned(), level, pre };
    let bass = &plain.slots[0];
    assert_eq!((bass.level, bass.pan, bass.mute, bass.solo), (-6.0, -0.25, true, true));
    let sends = vec![send("hall", -12.0, false), send("echo", -20.0, true)];
    assert_eq!(bass.route, Route { out: SlotOut::Slot("bus".to_owned()), sends });
    let zone = Zone { listens: true, channel: Some(1), keys: (24, 59), velocity: (1, 80), transpose: -1.0, mpe: Some(false) };
    assert_eq!(bass.zone, zone);
    let set: Vec<_> = bass.set.iter().map(|set| (set.target.as_str(), &set.value)).collect();
    let text = |text: &str| SetValue::Text(text.to_owned());
    let list = SetValue::List(vec![text("D3"), text("-"), SetValue::Number(3.0)]);
    let wanted = [
        ("filter.resonance", &SetValue::Number(0.9)),
        ("filter.cutoff.env", &text("2 oct")),
        ("lfo.sync", &SetValue::Switch(true)),
        ("seq.steps", &list),
    ];
    assert_eq!(set, wanted);
    assert_eq!(plain.slots[1].route.out, SlotOut::Channels(vec![3, 4]));
    assert!(!plain.slots[1].zone.listens);
    let pad = &plain.slots[2];
    assert_eq!((pad.level, &pad.route.out, pad.zone.keys, pad.zone.velocity), (-60.0, &SlotOut::Channels(vec![5]), (36, 59), (100, 100)));
    assert_eq!(pad.route.sends, [send("hall", 0.0, false)]);
    assert_eq!((pad.set[0].target.as_str(), &pad.set[0].value), ("filter.cutoff", &SetValue::Number(300.0)));
    let organ = &plain.slots[3].zone;
    assert_eq!((organ.keys, organ.transpose, organ.mpe), ((60, 60), 7.0 / 12.0, Some(true)));
    assert_eq!(plain.slots[4], SlotSpec::new("bus", "bus.toml"), "what is not written is as it is usual");
    let maps: Vec<_> = rack.maps.iter().map(|map| (map.from.clone(), map.to.len(), map.is_plain())).collect();
    assert_eq!(
        maps,
        [(MapSource::Cc(1, None), 1, true), (MapSource::Osc("/1/xy".to_owned()), 2, true), (MapSource::Cc(7, Some(16)), 1, false)]
    );
    assert_eq!((rack.maps[2].range_in, rack.maps[2].pickup), (Some((0.0, 127.0)), true));
    assert_eq!(&FULL[rack.maps[1].to_spans[1].clone()], "\"bass.send.hall\"");
    assert_eq!(&FULL[rack.slots[0].places.sends[1].clone()], "echo");
    let order: Vec<_> = rack.order().into_iter().map(|at| names[at]).collect();
    assert_eq!(order, ["bass", "lead", "pad", "organ-2", "bus", "echo", "hall"]);
}

#[test]
fn a_rack_is_a_file_with_slots() {
    assert!(is_rack(FULL) && is_rack("[slots]\n") && is_rack("slots.a.patch = \"a.toml\"") && is_rack("[slots.a]\npatch = \n"));
    assert!(!is_rack("") && !is_rack("[out]\nin = \"slots\"\n") && !is_rack("# [slots]\n[out\n") && !is_rack("[slotsy]\nx = \n"));
    assert_eq!(rack("[slots]\n"), Rack::default(), "a rack may be empty");
    assert_eq!(parse_rack_bytes(b"\xff").1[0].code, codes::NOT_TEXT);
}

#[test]
fn every_mistake_is_told_at_once_and_at_its_place() {
    let text = r#"tempo = "fast"
colour = 1
[voice.osc]
type = "vco"
[master]
level = "3 oct"
gain = 1
[slots.Bass]
patch = "bass.toml"
level = "12 dB"
pan = "7 st"
muted = true
midi = { channel = 17, keys = "C9..C10", velocity = "0..9", transpose = 12, chanel = 1 }
[slots.master]
patch = 3
out = []
sends = { Bass = "-12 dB post", bas = "1 s" }
[slots.pad]
out = [0, 1]
set = { "filter.cutoff" = 2000-01-01, x = inf }
midi = 3
[map]
"cc 128" = "pad.level"
"/master/x" = "pad.level"
"cc 2" = "pad"
"cc 3" = { pickup = true }
"cc 5" = { to = "pad.level", from = [1, 1], curve = "bent", speed = 1 }
"cc 4" = "master.pan"
"#;
    let (rack, diagnostics) = parse_rack(text);
    assert!(rack.is_none());
    let told: Vec<_> = diagnostics.iter().map(|one| (one.code, &text[one.labels[0].span.clone()])).collect();
    let wanted = [
        (codes::BAD_VALUE, "fast"),
        (codes::UNKNOWN_KEY, "colour"),
        (codes::UNKNOWN_KEY, "voice"),
        (codes::WRONG_UNIT, "\"3 oct\""),
        (codes::UNKNOWN_KEY, "gain"),
        (codes::BAD_NAME, "Bass"),
        (codes::OUT_OF_RANGE, "\"12 dB\""),
        (codes::WRONG_UNIT, "\"7 st\""),
        (codes::UNKNOWN_KEY, "muted"),
        (codes::OUT_OF_RANGE, "17"),
        (codes::OUT_OF_RANGE, "\"C9..C10\""),
        (codes::OUT_OF_RANGE, "\"0..9\""),
        (codes::NEEDS_UNIT, "12"),
        (codes::UNKNOWN_KEY, "chanel"),
        (codes::RESERVED_NAME, "master"),
        (codes::WRONG_TYPE, "3"),
        (codes::LIST_LENGTH, "[]"),
        (codes::BAD_VALUE, "-12 dB post"),
        (codes::UNKNOWN_SLOT, "bas"),
        (codes::WRONG_UNIT, "\"1 s\""),
        (codes::MISSING_KEY, "pad"),
        (codes::OUT_OF_RANGE, "0"),
        (codes::WRONG_TYPE, "2000-01-01"),
        (codes::NOT_FINITE, "inf"),
        (codes::WRONG_TYPE, "3"),
        (codes::BAD_MAP_SOURCE, "\"cc 128\""),
        (codes::TAKEN_ADDRESS, "\"/master/x\""),
        (codes::UNKNOWN_TARGET, "\"pad\""),
        (codes::MISSING_KEY, "\"cc 3\""),
        (codes::BAD_MAP_RANGE, "[1, 1]"),
        (codes::BAD_CURVE, "\"bent\""),
        (codes::UNKNOWN_KEY, "speed"),
        (codes::UNKNOWN_TARGET, "\"master.pan\""),
    ];
    for (at, (told, wanted)) in told.iter().zip(&wanted).enumerate() {
        assert_eq!(told, wanted, "{at}");
    }
    assert_eq!(told.len(), wanted.len());
}

#[test]
fn paths_are_relative() {
    for (path, right) in [
        ("a.toml", true),
        ("a/b/../c.toml", true),
        ("./a b/ü.toml", true),
        ("a..toml", true),
        ("", false),
        ("/a.toml", false),
        ("~/a.toml", false),
        ("C:/a.toml", false),
        ("a\\\\b.toml", false),
        ("../a.toml", true),
        ("a\\u0000.toml", false),
    ] {
        let text = format!("[slots.a]\npatch = \"{path}\"\n");
        let (rack, diagnostics) = parse_rack(&text);
        assert_eq!(rack.is_some(), right, "{path}");
        assert!(diagnostics.iter().all(|one| one.code == codes::BAD_PATH), "{path}: {diagnostics:?}");
    }
}

#[test]
fn circles_are_told_however_long() {
    let chain = |last: &str| {
        let slots = (0..64)
            .map(|n| format!("[slots.s{n}]\npatch = \"a.toml\"\nout = \"{}\"\n", if n < 63 { format!("s{}", n + 1) } else { last.into() }));
        slots.collect::<String>()
    };
    assert!(parse_rack(&chain("master")).0.is_some());
    let text = chain("s0");
    let (_, diagnostics) = parse_rack(&text);
    assert_eq!(told(&text, &diagnostics), [(codes::SEND_CIRCLE, "\"s0\"", None)]);
    assert!(diagnostics[0].message.contains("s0 → s1 → s2"), "{}", diagnostics[0].message);
    // What has no path back is no circle: two ways to one effect.
    let two = "[slots.a]\npatch = \"a.toml\"\nsends = { b = 0, c = 0 }\n[slots.b]\npatch = \"a.toml\"\nout = \"c\"\n[slots.c]\npatch = \"a.toml\"\n";
    assert!(parse_rack(two).0.is_some());
}

#[test]
fn patches_tell_what_a_text_cannot() {
    let voice = r#"
[controls]
bright = { default = "300 Hz" }
[note]
[voice.osc]
type = "vco"
[voice.filter]
type = "ladder"
in = "osc * 0.5"
cutoff = "bright + note.pitch * 1"
[out]
in = "filter"
"#;
    let effect = "[in]\n[out]\nin = \"in * 1\"\n";
    let read = |text: &str| -> Patch { parse(text, &TOYS).0.unwrap() };
    let (voice, effect) = (read(voice), read(effect));
    let right = r#"
[slots.bass]
patch = "voice.toml"
out = "bus"
sends = { bus = "-6 dB" }
set = { bright = "1 kHz", "filter.resonance" = 0.5, "filter.in.osc" = "-6 dB", "osc.fm_mode" = "through_zero", "osc.octaves" = -1, osc.drift = 0.2 }
[slots.bus]
patch = "effect.toml"
[map]
"cc 1" = ["bass.bright", "bass.filter.in.osc", "bass.level", "bass.pan", "bass.mute", "bass.solo", "bass.send.bus", "bass.osc.octaves"]
"cc 2" = { to = "master.level" }
"#;
    let checked = |text: &str| rack(text).check_with(&[("bass", &voice), ("bus", &effect)]);
    assert_eq!(checked(right), []);
    let wrong = r#"
[slots.bass]
patch = "voice.toml"
set = { brigth = 1, "filter.cutoff" = "-6 dB", "/filter/resonance" = 1, "osc.fm_mode" = "linear", "osc.octaves" = 9, filter.cuttoff = 1 }
[slots.bus]
patch = "effect.toml"
sends = { bass = 0 }
[slots.unknown]
patch = "missing.toml"
set = { anything = 1 }
[map]
"cc 1" = ["bass.send.bus", "bass.filter.in.ocs", "unknown.anything", "bass.levle"]
"#;
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        told(wrong, &checked(wrong)),
        [
            (codes::UNKNOWN_TARGET, "brigth", some("\"bright\"")),
            (codes::BAD_VALUE, "\"filter.cutoff\"", None),
            (codes::UNKNOWN_TARGET, "\"/filter/resonance\"", some("\"filter.resonance\"")),
            (codes::BAD_VALUE, "\"osc.fm_mode\"", None),
            (codes::BAD_VALUE, "\"osc.octaves\"", None),
            (codes::UNKNOWN_TARGET, "cuttoff", None),
            (codes::NO_EFFECT, "bass", None),
            (codes::UNKNOWN_TARGET, "\"bass.send.bus\"", None),
            (codes::UNKNOWN_TARGET, "\"bass.filter.in.ocs\"", some("\"bass.filter.in.osc\"")),
            (codes::UNKNOWN_TARGET, "\"bass.levle\"", some("\"bass.level\"")),
        ]
    );
}
