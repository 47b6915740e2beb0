//! Every mistake has a code, an example and a drawing that does not change unseen.
//!
//! `RACKD_WRITE_MISTAKES=1 cargo test --release --test it patch_mistakes` writes the drawings anew; read the difference.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rackd::base::diagnostic::{Diagnostic, Severity, has_errors};
use rackd::cli::draw::draw;
use rackd::patch::codes::{self, CODES, find};
use rackd::patch::{LARGEST, is_rack, parse, parse_bytes, parse_bytes_with, parse_rack};

use crate::include_language::Shelf;
use crate::patch_toy::TOYS;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/patch/mistakes")
}

/// The example of a code. Two are no text that could be kept: they are made here.
fn example(id: &str) -> Vec<u8> {
    match id {
        codes::TOO_BIG => vec![b'#'; LARGEST + 1],
        codes::NOT_TEXT => b"name = \"\xff\"\n".to_vec(),
        id => fs::read(folder().join(format!("{id}.toml"))).unwrap_or_else(|error| panic!("{id} has no example: {error}")),
    }
}

/// Codes that an example owns to besides its own: `# also: bad-character, expected-term` in its first line.
fn also(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or("");
    first.strip_prefix("# also: ").map(|list| list.split(", ").map(str::to_owned).collect()).unwrap_or_default()
}

/// What examples include.
fn parts(itself: &str) -> Shelf {
    let deep: Vec<(String, String)> = (1..10)
        .map(|n| (format!("deep-{n}.toml"), format!("[global.a]\ninclude = \"deep-{}.toml\"\n[out]\nin = \"a\"\n", n + 1)))
        .collect();
    let voice = "[note]\n[voice.osc]\ntype = \"vco\"\nfm = \"note.velocity\"\n[out]\nin = \"osc\"\n";
    let wrong = "[global.osc]\ntype = \"noise\"\n[out]\nin = \"ocs\"\n";
    let plain = [("main.toml", itself), ("voice.toml", voice), ("wrong.toml", wrong)];
    Shelf::new(plain.into_iter().chain(deep.iter().map(|(name, text)| (name.as_str(), text.as_str()))))
}

/// All that is to be said of an example, and whether it could be used. Patches that a rack names are these two.
fn read(bytes: &[u8]) -> (bool, Vec<Diagnostic>) {
    let text = String::from_utf8_lossy(bytes);
    // What is no rack can be wanted to be one, and the other way round.
    if !text.starts_with("# a rack") && (!is_rack(&text) || text.starts_with("# a patch")) {
        let parsed = parse_bytes_with(bytes, &TOYS, &parts(&text));
        return (parsed.patch.is_some(), parsed.diagnostics);
    }
    let (rack, mut diagnostics) = parse_rack(&text);
    let Some(rack) = rack else { return (false, diagnostics) };
    let voice = parse("[note]\n[voice.osc]\ntype = \"vco\"\nfm = \"osc * 0\"\n[out]\nin = \"osc\"\n", &TOYS).0.unwrap();
    let effect = parse("[in]\n[global.filter]\ntype = \"ladder\"\nin = \"in\"\n[out]\nin = \"filter\"\n", &TOYS).0.unwrap();
    let patches: Vec<_> =
        rack.slots.iter().map(|slot| (slot.name.as_str(), if slot.patch == "effect.toml" { &effect } else { &voice })).collect();
    diagnostics.extend(rack.check_with(&patches));
    (!has_errors(&diagnostics), diagnostics)
}

fn codes_of(diagnostics: &[Diagnostic]) -> BTreeSet<&str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn each_code_has_an_example_that_yields_it_and_nothing_else() {
    let mut wrong = Vec::new();
    for code in CODES {
        let bytes = example(code.id);
        let (usable, diagnostics) = read(&bytes);
        let also = also(&bytes);
        let wanted: BTreeSet<&str> = also.iter().map(String::as_str).chain([code.id]).collect();
        if codes_of(&diagnostics) != wanted || usable == has_errors(&diagnostics) {
            let told: Vec<_> = diagnostics.iter().take(10).map(|diagnostic| (diagnostic.code, &diagnostic.message)).collect();
            wrong.push(format!("{}: {told:#?}", code.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_example_is_drawn_as_before() {
    let write = std::env::var_os("RACKD_WRITE_MISTAKES").is_some();
    for code in CODES {
        let bytes = example(code.id);
        let (_, diagnostics) = read(&bytes);
        let own: Vec<_> = diagnostics.into_iter().filter(|diagnostic| diagnostic.code == code.id).collect();
        let drawn = draw(&format!("{}.toml", code.id), &String::from_utf8_lossy(&bytes), &own, false);
        let path = folder().join(format!("{}.txt", code.id));
        if write {
            fs::write(&path, &drawn).unwrap();
        }
        let before = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(drawn, before, "{} is drawn differently", code.id);
    }
}

#[test]
fn the_folder_holds_examples_of_codes_and_nothing_else() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let id = path.file_stem().unwrap().to_str().unwrap();
        assert!(find(id).is_some(), "{} is the example of no code", path.display());
    }
}

#[test]
fn codes_are_told_once_and_named_only_in_their_table() {
    let ids: BTreeSet<_> = CODES.iter().map(|code| code.id).collect();
    assert_eq!(ids.len(), CODES.len(), "a code stands twice");
    for code in CODES {
        assert!(code.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", code.id);
        assert!(!code.summary.is_empty() && !code.advice.is_empty(), "{}", code.id);
    }
    // What is reported names a constant of the table, so that no code can be missing there.
    for entry in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/patch")).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        for made in ["Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::note(", "Fault::new("] {
            for rest in source.split(made).skip(1) {
                let first = rest.trim_start().split(',').next().unwrap_or("");
                let named = first.starts_with("codes::") || ["code", "fault.code"].contains(&first);
                assert!(named, "{}: {made}{first}", path.display());
            }
        }
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_in_its_order() {
    let text = r#"tempo = "fast"
colour = "red"

[controls]
Bright = "300 Hz"
squelch = { default = "3 oct", max = "8 kHz" }

[note]
mode = "solo"

[voice.osc]
type = "vco"
widht = 0.5
pitch = "note.pich + 7 st"

[voice.filter]
type = "laddr"
in = "osc.sow / 2"

[voice.keys]
type = "noise"

[global.echo]
type = "delay"
in = "filter + noise"
time = "1/8 + 10 ms"

[out]
in = "ech"
"#;
    let (patch, diagnostics) = parse_bytes(text.as_bytes(), &TOYS);
    assert!(patch.is_none());
    let told: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(
        told,
        [
            codes::BAD_VALUE,
            codes::UNKNOWN_KEY,
            codes::BAD_NAME,
            codes::WRONG_UNIT,
            codes::UNKNOWN_CHOICE,
            codes::UNKNOWN_INPUT,
            codes::UNKNOWN_NOTE_SOURCE,
            codes::UNKNOWN_TYPE,
            codes::UNKNOWN_OUTPUT,
            codes::DIVISION,
            codes::RESERVED_NAME,
            codes::UNKNOWN_NAME,
            codes::MUSICAL_TIME,
            codes::UNKNOWN_NAME,
        ]
    );
    for diagnostic in &diagnostics {
        assert_eq!(diagnostic.severity, Severity::Error);
        assert!(!diagnostic.labels[0].span.is_empty(), "{diagnostic:?}");
    }
    let fix = |code| diagnostics.iter().find(|diagnostic| diagnostic.code == code).unwrap().fix.as_deref();
    assert_eq!(fix(codes::UNKNOWN_INPUT), Some("width"));
    assert_eq!(fix(codes::UNKNOWN_NOTE_SOURCE), Some("pitch"));
    assert_eq!(fix(codes::UNKNOWN_TYPE), Some("\"ladder\""));
    assert_eq!(fix(codes::DIVISION), Some("* 0.5"));
}

#[test]
fn putting_the_fix_in_place_mends_the_file() {
    let mut mended = 0;
    for code in CODES {
        let bytes = example(code.id);
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let (_, diagnostics) = read(text.as_bytes());
        for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.fix.is_some()) {
            let span = diagnostic.labels[0].span.clone();
            let mut right = text.clone();
            right.replace_range(span.clone(), diagnostic.fix.as_deref().unwrap());
            let (_, after) = read(right.as_bytes());
            let same = |other: &&Diagnostic| other.code == diagnostic.code && other.labels[0].span.start == span.start;
            assert!(after.iter().find(same).is_none(), "{}: {diagnostic:?}\n{after:?}", code.id);
            mended += 1;
        }
    }
    assert!(mended > 12, "{mended}");
}
