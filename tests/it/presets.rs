//! Presets: recalled by name, by number, by program, over a time; asked for; told; and every mistake in them.

use rackd::base::midi::MidiMessage;
use rackd::control::{Client, Origin, When};
use rackd::modules::CATALOGUE;
use rackd::patch;

use crate::desk::{Desk, me};

const PATCH: &str = r#"
format = 1
[note]
[controls]
brightness = { default = "1 kHz", min = "40 Hz", max = "16 kHz" }
amount = { default = 0.25, min = 0, max = 1 }
[voice.osc]
type = "vco"
[voice.filter]
type = "svf"
in = "osc.saw"
cutoff = "brightness + note.velocity * 1 oct"
[global.gen]
type = "seq_step"
steps = ["D3", "-", "A3"]
[out]
in = "filter.low * 0 + amount"
[presets]
dark = { brightness = "250 Hz", "filter.resonance" = 0.4, "filter.cutoff.note.velocity" = "2 oct", amount = 0.75 }
"very bright" = { brightness = "4 kHz", amount = 0.5 }
[presets.song]
gen.steps = ["C3", "E3"]
amount = 0
"#;

#[test]
fn a_preset_is_recalled_by_name_and_number_and_told_while_it_stands() {
    let mut desk = Desk::new(PATCH);
    assert_eq!(desk.say("/t/preset"), ["/t/preset \"\""]);
    desk.quietly("/t/preset dark");
    desk.run(512);
    assert!((desk.ask("/t/brightness") - 250.0).abs() < 1e-3);
    assert!((desk.ask("/t/filter/resonance") - 0.4).abs() < 1e-6);
    assert!((desk.ask("/t/filter/cutoff/note.velocity") - 2.0).abs() < 1e-6);
    assert_eq!(desk.say("/t/preset"), ["/t/preset dark"]);
    assert!((desk.run(4_800)[4_000] - 0.75).abs() < 1e-4, "the engine has it too");
    desk.quietly("/t/filter/resonance 0.5");
    assert_eq!(desk.say("/t/preset"), ["/t/preset \"\""], "something was turned since");
    desk.quietly("/t/preset 1");
    assert_eq!(desk.say("/t/preset"), ["/t/preset \"very bright\""]);
    assert!((desk.ask("/t/filter/resonance") - 0.5).abs() < 1e-6, "what it does not name stays");
    desk.quietly("/t/preset song");
    assert_eq!(desk.say("/t/gen/steps"), ["/t/gen/steps C3 E3"]);
    assert_eq!(desk.say("/t/preset"), ["/t/preset song"]);
    for (line, words) in [("/t/preset drak", "did you mean dark"), ("/t/preset 3", "no preset 3"), ("/t/preset dark fast", "time")] {
        let told = desk.say(line);
        assert!(told.len() == 1 && told[0].starts_with("/fail /t/preset wrong-arguments") && told[0].contains(words), "{told:?}");
    }
    assert_eq!(desk.say("/t/preset"), ["/t/preset song"]);
    let counts = desk.control.counts();
    assert_eq!(counts.messages, counts.accepted + counts.refused());
}

#[test]
fn over_a_time_each_number_goes_its_own_way_and_all_arrive_together() {
    let mut desk = Desk::new(PATCH);
    desk.quietly("/t/preset dark 0");
    desk.run(4_800);
    desk.quietly("/t/preset \"very bright\" 1");
    desk.run(24_000);
    let half = desk.ask("/t/brightness");
    assert!((1200.0 * (half / 1000.0).log2()).abs() < 20.0, "half way from 250 Hz to 4 kHz by octaves is 1 kHz: {half}");
    let amount = desk.ask("/t/amount");
    assert!((amount - 0.625).abs() < 0.005, "half way from 0.75 to 0.5: {amount}");
    let heard = desk.run(64)[0];
    assert!((heard - 0.625).abs() < 0.005, "{heard}");
    desk.run(25_000);
    assert_eq!((desk.ask("/t/brightness").round(), desk.ask("/t/amount")), (4000.0, 0.5));
    assert_eq!(desk.say("/t/preset"), ["/t/preset \"very bright\""]);
    // Lists do not glide: they are as the preset has them from the start.
    desk.quietly("/t/preset song 2");
    desk.run(128);
    assert_eq!(desk.say("/t/gen/steps"), ["/t/gen/steps C3 E3"]);
    assert!(desk.ask("/t/amount") > 0.4);
}

#[test]
fn at_a_time_of_its_own_all_moves_on_one_sample() {
    let two = PATCH.replace("in = \"filter.low * 0 + amount\"", "left = \"filter.low * 0 + amount\"\nright = \"amount * 0.5\"");
    let mut desk = Desk::new(&two);
    let at = 9_600;
    desk.bundle(When::At(at), &["/t/preset dark 0.001", "/t/level -6 0.001"]);
    let from = desk.engine.now() as usize;
    let heard = desk.run(24_000);
    let first = heard.iter().position(|x| *x != heard[0]).unwrap() + from;
    assert!((at as usize..at as usize + 2).contains(&first), "{first}");
    assert_eq!(desk.say("/t/preset"), ["/t/preset dark"]);
}

#[test]
fn a_program_recalls_the_preset_of_its_number() {
    let mut desk = Desk::new(PATCH);
    desk.midi(MidiMessage::Program { channel: 0, number: 1 });
    desk.run(512);
    assert_eq!(desk.say("/t/preset"), ["/t/preset \"very bright\""]);
    desk.midi(MidiMessage::Program { channel: 0, number: 0 });
    desk.run(512);
    assert_eq!(desk.say("/t/preset"), ["/t/preset dark"]);
    desk.midi(MidiMessage::Program { channel: 0, number: 9 });
    desk.run(512);
    assert_eq!(desk.say("/t/preset"), ["/t/preset dark"], "there is no such preset");
}

#[test]
fn others_are_told_of_a_recall() {
    let mut desk = Desk::new(PATCH);
    let other = Client::of(Origin::Lines);
    let told = desk.control.say(other, "/sub", &["/t".into()]);
    assert!(told.iter().all(|told| told.address != "/fail"), "{told:?}");
    desk.run(4_800);
    desk.later.clear();
    desk.quietly("/t/preset dark");
    desk.run(9_600);
    let preset = desk.later.iter().find(|told| told.address == "/t/preset").unwrap_or_else(|| panic!("{:?}", desk.later));
    assert_eq!(preset.values, ["dark".into()]);
    assert!(desk.later.iter().any(|told| told.address == "/t/brightness"));
    assert_eq!(desk.control.say(me(), "/t/preset", &[])[0].values, ["dark".into()]);
}

#[test]
fn mistakes_in_presets_are_told_with_their_places() {
    let of = |presets: &str| {
        let text = format!("{}\n[presets]\n{presets}\n", PATCH.split("[presets]").next().unwrap());
        let (patch, told) = patch::parse(&text, &CATALOGUE);
        assert!(patch.is_none(), "{presets}");
        told.iter().map(|told| (told.code, told.fix.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of("a = { brightnes = 300 }"), [("unknown-target", Some("\"brightness\"".to_owned()))]);
    assert_eq!(of("a = { brightness = \"3 s\" }"), [("bad-value", None)]);
    assert_eq!(of("a = { brightness = \"30 kHz\" }"), [("bad-value", None)]);
    assert_eq!(of("a = { amount = 1.5 }"), [("bad-value", None)]);
    assert_eq!(of("a = { \"gen.steps\" = 3 }"), [("bad-value", None)]);
    assert_eq!(of("7 = { amount = 1 }"), [("bad-name", None)]);
    assert_eq!(of("a = 3"), [("wrong-type", None)]);
}

#[test]
fn the_page_on_presets_is_true() {
    let page = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/presets.md")).unwrap();
    let blocks: Vec<&str> = page.split("```").collect();
    let mut desk = Desk::new(blocks[1].strip_prefix("toml").unwrap());
    let lines: Vec<&str> = blocks[3].lines().filter(|line| line.starts_with('/')).collect();
    assert_eq!(lines.len(), 3);
    desk.quietly(lines[0].split("  ").next().unwrap());
    assert!((desk.ask("/t/brightness") - 250.0).abs() < 1e-3);
    desk.quietly(lines[1].split("  ").next().unwrap());
    desk.run(4 * 48_000 + 64);
    assert!((desk.ask("/t/brightness") - 4_000.0).abs() < 1e-2);
    assert_eq!(desk.say(lines[2].split("  ").next().unwrap()), ["/t/preset bright"]);
}

#[test]
fn a_rack_says_what_programs_play() {
    let folder = std::env::temp_dir().join(format!("rackd-programs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.toml"), PATCH).unwrap();
    std::fs::write(folder.join("b.toml"), PATCH.replace("amount = { default = 0.25", "amount = { default = 0.125")).unwrap();
    let rack = "[slots.x]\npatch = \"a.toml\"\nprograms = { 0 = \"very bright\", 7 = \"song\", 100 = \"b.toml\" }\n";
    std::fs::write(folder.join("rack.toml"), rack).unwrap();
    let (read, wrong) = patch::parse_rack(rack);
    assert_eq!(wrong, []);
    let back = patch::parse_rack(&patch::write_rack(None, read.as_ref().unwrap())).0.unwrap();
    assert_eq!(back.without_places(), read.unwrap().without_places());
    let mut desk = Desk::empty(vec![folder.clone()]);
    desk.quietly("/rack/load rack.toml");
    desk.run(4_096);
    for (number, name) in [(0, "\"very bright\""), (7, "song"), (1, "\"very bright\"")] {
        desk.midi(MidiMessage::Program { channel: 0, number });
        desk.run(512);
        assert_eq!(desk.say("/x/preset"), [format!("/x/preset {name}")], "program {number}");
    }
    desk.midi(MidiMessage::Program { channel: 0, number: 100 });
    desk.run(4_096);
    assert_eq!(desk.say("/rack/list").len(), 1);
    assert!(desk.say("/rack/list")[0].contains("b.toml"), "{:?}", desk.say("/rack/list"));
    // Names that are not there are told.
    std::fs::write(folder.join("rack.toml"), rack.replace("song", "sonk")).unwrap();
    let told = desk.say("/rack/load rack.toml");
    assert!(told.len() == 1 && told[0].contains("sonk"), "{told:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
