//! Patches that include others: what they become, and how mistakes are told, each in its own file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rackd::base::diagnostic::Diagnostic;
use rackd::base::units::Unit;
use rackd::patch::{
    Amount, Base, Domain, FileText, Files, Parsed, Patch, Source, Target, Unread, What, addresses, codes, parse, parse_with,
};

use crate::patch_toy::TOYS;

/// Files that are nowhere.
#[derive(Default)]
pub struct Shelf {
    files: HashMap<PathBuf, String>,
    itself: Option<PathBuf>,
}

impl Shelf {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (PathBuf::from(path), text.to_owned())).collect();
        Self { files, itself: Some("main.toml".into()) }
    }
}

impl Files for Shelf {
    fn itself(&self) -> Option<PathBuf> {
        self.itself.clone()
    }

    fn read(&self, from: Option<&str>, path: &str) -> Result<FileText, Unread> {
        let mut real = from.and_then(|from| Path::new(from).parent()).unwrap_or(Path::new("")).to_owned();
        for part in path.split('/') {
            match part {
                "." => {}
                ".." => drop(real.pop()),
                part => real.push(part),
            }
        }
        match self.files.get(&real) {
            Some(text) => Ok(FileText { name: real.display().to_string(), path: real, text: text.clone() }),
            None => Err(Unread { why: format!("there is no file {}", real.display()), path: Some(real), near: None }),
        }
    }
}

const SAW: &str = r#"
name = "Saw"
[controls]
brightness = { default = "300 Hz", min = "40 Hz", max = "8 kHz", midi = "cc 74" }
squelch = { default = "3 oct", max = "5 oct" }
[note]
mode = "mono"
glide = "60 ms"
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
[voice.filter]
type = "ladder"
in = "osc * 0.7"
cutoff = "brightness + env * squelch + note.pitch"
[out]
in = "filter * env * 0.5"
[map]
"cc 1" = "filter.resonance"
"#;

fn read(main: &str, files: &[(&str, &str)]) -> Parsed {
    parse_with(main, &TOYS, &Shelf::new(files.iter().copied()))
}

fn right(main: &str, files: &[(&str, &str)]) -> Patch {
    let parsed = read(main, files);
    parsed.patch.unwrap_or_else(|| panic!("{:#?}", parsed.diagnostics))
}

fn paths(patch: &Patch) -> Vec<String> {
    addresses(patch).into_iter().map(|address| address.path).collect()
}

/// Code, file, and what stands at the place.
fn told<'t>(main: &'t str, diagnostics: &'t [Diagnostic]) -> Vec<(&'static str, &'t str, &'t str)> {
    let one = |one: &'t Diagnostic| {
        let (name, text) = one.file.as_ref().map_or(("", main), |file| (file.name.as_str(), file.text.as_str()));
        (one.code, name, &text[one.labels[0].span.clone()])
    };
    diagnostics.iter().map(one).collect()
}

#[test]
fn the_inside_has_addresses_and_the_names_of_its_place() {
    let main = "[note]\n[voice.lead]\ninclude = \"parts/saw.toml\"\n[out]\nin = \"lead * 0.8\"\n";
    let patch = right(main, &[("parts/saw.toml", SAW)]);
    let names: Vec<_> = patch.modules.iter().map(|module| (module.name.as_str(), module.domain)).collect();
    let voice = Domain::Voice;
    assert_eq!(names, [("lead/osc", voice), ("lead/env", voice), ("lead/filter", voice), ("lead/out", voice)]);
    let paths = paths(&patch);
    for path in
        ["lead/brightness", "lead/filter/resonance", "lead/filter/in/osc", "lead/out/in/filter-env", "out/in/lead", "lead/osc/fm_mode"]
    {
        assert!(paths.iter().any(|found| found == path), "{path} is missing in {paths:#?}");
    }
    assert_eq!(patch.note.as_ref().unwrap().glide, rackd::patch::NoteMode::default().glide, "its [note] is left out");
    assert!(patch.maps.is_empty(), "and its maps");
    // Turned alone, an input that is a control's other name turns the control, in an include as outside.
    let filter = &patch.modules[2];
    let Base::Control(control) = filter.inputs[1].base else { panic!("{:?}", filter.inputs[1]) };
    assert_eq!(patch.controls[control.0].name, "lead/brightness");
    let turned = |path: &str| addresses(&patch).into_iter().find(|address| address.path == path).unwrap().target;
    assert_eq!(turned("lead/filter/cutoff"), Target::Control(control));
}

#[test]
fn a_control_takes_what_an_input_takes() {
    let main = r#"
[controls]
bright = "1 kHz"
wide = "2 oct"
[note]
[voice.lfo]
type = "lfo"
[voice.a]
include = "saw.toml"
brightness = "2 kHz"
[voice.b]
include = "saw.toml"
brightness = "bright"
squelch = "wide * 1"
[voice.c]
include = "saw.toml"
brightness = "500 Hz + lfo * 2 oct + note.velocity * wide"
squelch = "1 oct + lfo.square * -0.5"
[voice.d]
include = "saw.toml"
brightness = "bright + lfo * 1.5 oct"
[out]
in = "a + b + c + d"
"#;
    let patch = right(main, &[("saw.toml", SAW)]);
    let control = |name: &str| {
        let at = patch.controls.iter().position(|control| control.name == name).unwrap_or_else(|| panic!("{name}"));
        (at, &patch.controls[at])
    };
    let sum = |module: &str, input: usize| &patch.modules.iter().find(|found| found.name == module).unwrap().inputs[input];
    let hertz = |x: f64| Amount::Plain(rackd::patch::values::counted(Unit::Hertz, x));
    // A number: the control starts there.
    assert_eq!(control("a/brightness").1.default, hertz(2000.0));
    assert_eq!(sum("a/filter", 1).base, Base::Control(rackd::patch::ControlId(control("a/brightness").0)));
    // A control alone: both are one.
    assert!(!patch.controls.iter().any(|control| control.name == "b/brightness"));
    assert_eq!(sum("b/filter", 1).base, Base::Control(rackd::patch::ControlId(control("bright").0)));
    let target = |path: &str| addresses(&patch).into_iter().find(|address| address.path == path);
    assert_eq!(target("b/brightness").unwrap().target, Target::Control(rackd::patch::ControlId(0)));
    // A sum: its number is the knob, the rest is added wherever the control is used, and its depths are knobs.
    assert_eq!(control("c/brightness").1.default, hertz(500.0));
    let depth = target("c/brightness/lfo").unwrap();
    assert!(matches!(depth.what, What::Depth { unit: Unit::Hertz, written: 2.0, range: (-2.0, 2.0) }), "{:?}", depth.what);
    let cutoff = sum("c/filter", 1);
    assert_eq!(cutoff.base, Base::Control(rackd::patch::ControlId(control("c/brightness").0)));
    assert_eq!(cutoff.terms.len(), 4, "env * squelch, note.pitch, lfo * 2 oct, velocity * wide");
    let Source::Group(group) = &cutoff.terms[0].sources[1] else { panic!("{:?}", cutoff.terms[0]) };
    assert_eq!(group.terms.len(), 2, "squelch + lfo.square * -0.5");
    // With a control as its number.
    assert_eq!(sum("d/filter", 1).base, Base::Control(rackd::patch::ControlId(0)));
    assert!(target("d/brightness/lfo").is_some());
    // Maps reach inside.
    let mapped = format!("{main}[map]\n\"cc 1\" = [\"a.brightness\", \"c.brightness.lfo\", \"b.filter.resonance\"]\n");
    assert_eq!(right(&mapped, &[("saw.toml", SAW)]).maps[0].to.len(), 3);
}

#[test]
fn effects_take_sound_by_their_in() {
    let echo = "[in]\nside = \"mono\"\n[controls]\ntime = \"250 ms\"\n[global.delay]\ntype = \"delay\"\nin = \"in * 0.5 + in.side\"\ntime = \"time\"\n[out]\nleft = \"delay + in.left\"\nright = \"delay\"\n";
    let main = "[note]\n[voice.osc]\ntype = \"vco\"\n[global.echo]\ninclude = \"echo.toml\"\nin = \"osc * 0.3\"\n\"in.side\" = \"osc\"\ntime = \"1/8\"\n[out]\nin = \"echo + echo.left * 0.1\"\n";
    let patch = right(main, &[("echo.toml", echo)]);
    let names: Vec<_> = patch.modules.iter().map(|module| (module.name.as_str(), module.kind.name)).collect();
    let wanted = [("osc", "vco"), ("echo", "through_stereo"), ("echo/in/side", "through"), ("echo/delay", "delay"), ("echo/out", "sides")];
    assert_eq!(names, wanted);
    let paths = paths(&patch);
    for path in ["echo/in", "echo/in/osc", "echo/time", "echo/delay/in/in", "echo/out/left", "out/in/echo.left"] {
        assert!(paths.iter().any(|found| found == path), "{path} is missing in {paths:#?}");
    }
    assert_eq!(patch.controls[0].default, Amount::Beats(0.5));
    // In a voice it runs once a voice, where its modules can.
    let main = "[note]\n[voice.osc]\ntype = \"vco\"\n[voice.fx]\ninclude = \"fx.toml\"\nin = \"osc\"\n[out]\nin = \"fx\"\n";
    let effect = |kind: &str| format!("[in]\n[global.a]\ntype = \"{kind}\"\nin = \"in\"\n[out]\nin = \"a\"\n");
    let patch = right(main, &[("fx.toml", &effect("ladder"))]);
    assert!(patch.modules.iter().all(|module| module.domain == Domain::Voice));
    let parsed = read(main, &[("fx.toml", &effect("reverb"))]);
    assert_eq!(told(main, &parsed.diagnostics), [(codes::GLOBAL_ONLY, "", "\"fx.toml\"")]);
}

#[test]
fn includes_include_others() {
    let two = "[controls]\ntone = \"700 Hz\"\n[note]\n[voice.lfo]\ntype = \"lfo\"\n[voice.left]\ninclude = \"saw.toml\"\nbrightness = \"tone\"\n[voice.right]\ninclude = \"../saw.toml\"\nbrightness = \"tone + lfo * 1 oct\"\n[out]\nleft = \"left\"\nright = \"right\"\n";
    let main = "[controls]\nx = \"100 Hz\"\n[note]\n[voice.pair]\ninclude = \"parts/two.toml\"\ntone = \"x + note.timbre * 3 oct\"\n[out]\nin = \"pair\"\n";
    let parsed = read(main, &[("parts/two.toml", two), ("parts/saw.toml", SAW), ("saw.toml", SAW)]);
    assert_eq!(parsed.files, ["parts/two.toml", "parts/saw.toml", "saw.toml"].map(PathBuf::from));
    let patch = parsed.patch.unwrap_or_else(|| panic!("{:#?}", parsed.diagnostics));
    let paths = paths(&patch);
    for path in ["pair/left/filter/resonance", "pair/tone", "pair/tone/note.timbre", "pair/right/brightness/lfo", "pair/left/brightness"] {
        assert!(paths.iter().any(|found| found == path), "{path} is missing in {paths:#?}");
    }
    let unique: std::collections::HashSet<_> = paths.iter().collect();
    assert_eq!(unique.len(), paths.len(), "an address stands twice");
    let cutoff = &patch.modules.iter().find(|module| module.name == "pair/right/filter").unwrap().inputs[1];
    assert_eq!(cutoff.base, Base::Control(rackd::patch::ControlId(0)));
    assert_eq!(cutoff.terms.len(), 4, "env, note.pitch, lfo, timbre: {cutoff:#?}");
}

#[test]
fn drones_and_sequences_are_included_without_notes() {
    // A vco alone: its pitch is normalled in a voice, and not in the global part.
    let plain = "[note]\n[voice.osc]\ntype = \"vco\"\n[out]\nin = \"osc\"\n";
    let main = "[global.drone]\ninclude = \"a.toml\"\n[out]\nin = \"drone\"\n";
    let patch = right(main, &[("a.toml", plain)]);
    assert!(patch.modules[0].inputs[0].terms.is_empty() && patch.modules[0].domain == Domain::Global);
    let parsed = read(main, &[("a.toml", SAW)]);
    assert_eq!(told(main, &parsed.diagnostics), [(codes::INCLUDE_NOTES, "", "\"a.toml\"")]);
    assert!(parsed.diagnostics[0].help.as_deref().unwrap().contains("[voice.drone]"));
}

#[test]
fn mistakes_are_told_in_the_file_in_which_they_are() {
    let wrong = "[note]\n[voice.osc]\ntype = \"vcoo\"\n[voice.deep]\ninclude = \"deep.toml\"\n[out]\nin = \"ocs + deep\"\n";
    let deep = "[out]\nin = \"nothing\"\n";
    let main =
        "[note]\nmode = \"pol\"\n[voice.a]\ninclude = \"wrong.toml\"\n[voice.b]\ninclude = \"wrong.toml\"\n[out]\nin = \"a + b + c\"\n";
    let parsed = read(main, &[("wrong.toml", wrong), ("deep.toml", deep)]);
    assert!(parsed.patch.is_none());
    assert_eq!(
        told(main, &parsed.diagnostics),
        [
            (codes::UNKNOWN_CHOICE, "", "\"pol\""),
            (codes::INCLUDE_WRONG, "", "\"wrong.toml\""),
            (codes::INCLUDE_WRONG, "", "\"wrong.toml\""),
            (codes::UNKNOWN_NAME, "", "c"),
            (codes::UNKNOWN_TYPE, "wrong.toml", "\"vcoo\""),
            (codes::INCLUDE_WRONG, "wrong.toml", "\"deep.toml\""),
            (codes::UNKNOWN_NAME, "wrong.toml", "ocs"),
            (codes::UNKNOWN_NAME, "deep.toml", "nothing"),
        ]
    );
    assert_eq!(parsed.files, ["wrong.toml", "deep.toml"].map(PathBuf::from), "they are watched all the same");
    let drawn = rackd::cli::draw::draw("main.toml", main, &parsed.diagnostics, false);
    for part in ["--> main.toml:4:11", "--> wrong.toml:3:8", "3 | type = \"vcoo\"", "--> deep.toml:2:7"] {
        assert!(drawn.contains(part), "{part} is missing in\n{drawn}");
    }
}

#[test]
fn what_the_table_of_an_include_says_is_checked() {
    let level = "[controls]\nloud = \"-6 dB\"\n[note]\n[voice.osc]\ntype = \"vco\"\n[out]\nin = \"osc * loud\"\n";
    let main = r#"
[note]
[voice.lfo]
type = "lfo"
[voice.a]
include = "saw.toml"
brigthness = 1
squelch = "300 Hz"
in = "lfo"
[voice.b]
include = "saw.toml"
type = "vco"
brightness = "9 kHz"
[voice.c]
include = "saw.toml"
brightness = "lfo * 2 oct"
[voice.d]
include = "level.toml"
loud = "-6 dB + lfo * 3 dB"
[global.e]
include = "saw.toml"
brightness = "300 Hz + note.pitch"
[voice.f]
include = 3
[voice.g]
include = "/etc/passwd"
[voice.h]
include = "gone.toml"
[voice.i]
include = "rack.toml"
[out]
in = "a.env + b + c + d + f + g + h + i"
"#;
    let parsed = read(main, &[("saw.toml", SAW), ("level.toml", level), ("rack.toml", "[slots]\n[out]\nin = 0\n")]);
    let mut found = told(main, &parsed.diagnostics);
    found.sort_unstable();
    let mut wanted = [
        (codes::UNKNOWN_INPUT, "", "brigthness"),
        (codes::WRONG_UNIT, "", "300 Hz"),
        (codes::UNKNOWN_INPUT, "", "in"),
        (codes::TYPE_AND_INCLUDE, "", "type"),
        (codes::OUT_OF_RANGE, "", "9 kHz"),
        (codes::NO_FREQUENCY, "", "\"lfo * 2 oct\""),
        (codes::KNOBS_ONLY, "", "\"-6 dB + lfo * 3 dB\""),
        (codes::INCLUDE_NOTES, "", "\"saw.toml\""),
        (codes::VOICE_TO_GLOBAL, "", "note.pitch"),
        (codes::WRONG_TYPE, "", "3"),
        (codes::BAD_PATH, "", "\"/etc/passwd\""),
        (codes::NO_FILE, "", "\"gone.toml\""),
        (codes::INCLUDE_WRONG, "", "\"rack.toml\""),
        (codes::RACK_HERE, "rack.toml", "slots"),
        (codes::UNKNOWN_OUTPUT, "", "env"),
    ];
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    assert!(parsed.files.contains(&PathBuf::from("gone.toml")), "its coming is watched for");
    // Text that stands in no folder includes nothing.
    let (patch, diagnostics) = parse("[voice.a]\ninclude = \"saw.toml\"\n[note]\n[out]\nin = \"a\"\n", &TOYS);
    assert!(patch.is_none() && diagnostics.iter().all(|one| one.code == codes::NO_FILE), "{diagnostics:?}");
    let (_, diagnostics) = parse("include = \"saw.toml\"\n[out]\nin = 0\n", &TOYS);
    assert_eq!(diagnostics[0].code, codes::UNKNOWN_KEY);
}

#[test]
fn circles_depth_and_number_have_an_end() {
    let including = |file: &str| format!("[global.a]\ninclude = \"{file}\"\n[out]\nin = \"a\"\n");
    let (a, b) = (including("b.toml"), including("main.toml"));
    let parsed = read(&a, &[("b.toml", &b), ("main.toml", &a)]);
    assert_eq!(
        told(&a, &parsed.diagnostics),
        [(codes::INCLUDE_WRONG, "", "\"b.toml\""), (codes::INCLUDE_CIRCLE, "b.toml", "\"main.toml\"")]
    );
    assert!(parsed.diagnostics[1].message.contains("main.toml → b.toml → main.toml"), "{}", parsed.diagnostics[1].message);
    let itself = including("main.toml");
    assert_eq!(told(&itself, &read(&itself, &[("main.toml", &itself)]).diagnostics), [(codes::INCLUDE_CIRCLE, "", "\"main.toml\"")]);
    // Eight deep is right, nine is not.
    let last = "[global.x]\ntype = \"noise\"\n[out]\nin = \"x\"\n".to_owned();
    for depth in [8usize, 9] {
        let files: Vec<(String, String)> = (1..=depth)
            .map(|n| (format!("{n}.toml"), if n == depth { last.clone() } else { including(&format!("{}.toml", n + 1)) }))
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let main = including("1.toml");
        let parsed = read(&main, &files);
        assert_eq!(parsed.patch.is_some(), depth == 8, "{depth}: {:?}", parsed.diagnostics);
        assert_eq!(parsed.diagnostics.last().map(|one| one.code), (depth == 9).then_some(codes::INCLUDE_LIMIT));
    }
    // Ten includes in each of eight files would be a hundred million modules.
    let ten = |file: &str| (0..10).map(|n| format!("[global.a{n}]\ninclude = \"{file}\"\n")).collect::<String>() + "[out]\nin = \"a0\"\n";
    let files: Vec<(String, String)> =
        (1..=8).map(|n| (format!("{n}.toml"), if n == 8 { last.clone() } else { ten(&format!("{}.toml", n + 1)) })).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let parsed = read(&ten("1.toml"), &files);
    assert!(parsed.patch.is_none() && parsed.diagnostics.iter().any(|one| one.code == codes::INCLUDE_LIMIT));
    // A thousand modules in all are the most.
    let many: String = (0..300).map(|n| format!("[global.n{n}]\ntype = \"noise\"\n")).collect::<String>() + "[out]\nin = \"n0\"\n";
    for (count, fits) in [(3, true), (4, false)] {
        let main: String =
            (0..count).map(|n| format!("[global.a{n}]\ninclude = \"many.toml\"\n")).collect::<String>() + "[out]\nin = \"a0\"\n";
        let parsed = read(&main, &[("many.toml", &many)]);
        assert_eq!(parsed.patch.is_some(), fits, "{count}: {:?}", parsed.diagnostics);
    }
}
