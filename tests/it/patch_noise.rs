//! Whatever a file holds, reading it ends soon and without a panic.

use std::fmt::Write;

use proptest::prelude::*;
use rackd::base::diagnostic::has_errors;
use rackd::cli::draw::{draw, one_line};
use rackd::patch::{addresses, codes, parse, parse_bytes, values};

use crate::patch_toy::TOYS;

const ACID: &str = include_str!("../patch/acid.toml");

/// What must hold of any text at all.
fn holds(bytes: &[u8]) {
    let (patch, diagnostics) = parse_bytes(bytes, &TOYS);
    assert_eq!(patch.is_some(), !has_errors(&diagnostics), "{diagnostics:?}");
    let text = String::from_utf8_lossy(bytes);
    for diagnostic in &diagnostics {
        assert!(codes::find(diagnostic.code).is_some());
        for label in &diagnostic.labels {
            assert!(label.span.start <= label.span.end && label.span.end <= text.len(), "{diagnostic:?}");
            assert!(text.is_char_boundary(label.span.start) && text.is_char_boundary(label.span.end), "{diagnostic:?}");
        }
    }
    for diagnostic in diagnostics.iter().take(20) {
        one_line("x.toml", &text, diagnostic);
    }
    let drawn = draw("x.toml", &text, &diagnostics, false);
    assert_eq!(drawn.is_empty(), diagnostics.is_empty());
    if let Some(patch) = patch {
        addresses(&patch);
    }
}

/// Pieces of which files that are nearly right are made.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[voice.osc]\n",
        "[global.echo]\n",
        "[note]\n",
        "[controls]\n",
        "[out]\n",
        "[in]\n",
        "[map]\n",
        "type = \"vco\"\n",
        "type = ",
        "in = \"",
        "\"\n",
        "osc",
        "osc.saw",
        "note.pitch",
        "keys.36",
        "in.left",
        " + ",
        " * ",
        " - ",
        "(",
        ")",
        " / ",
        "800 Hz",
        "3 oct",
        "-6 dB",
        "1/8",
        "3:2",
        "A4",
        "F#3",
        "0.5",
        "1e999",
        "nan",
        "inf",
        "= ",
        "{ ",
        " }",
        "[",
        "]",
        ", ",
        "\n",
        "x = ",
        "default = ",
        "\"cc 1\" = ",
        "é",
        "\0",
        "\u{1F3B9}",
        "\\u0041",
        "#",
        "'''",
    ];
    prop_oneof![8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        holds(&bytes);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        holds(text.as_bytes());
    }

    #[test]
    fn pieces_of_patches(pieces in prop::collection::vec(piece(), 0..60)) {
        holds(pieces.concat().as_bytes());
    }

    #[test]
    fn mutated_patches(cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), piece()), 1..6)) {
        let mut text = ACID.as_bytes().to_vec();
        for (from, length, piece) in cuts {
            let from = from.index(text.len() + 1);
            let to = (from + length.index(12)).min(text.len());
            text.splice(from..to, piece.into_bytes());
        }
        holds(&text);
    }

    #[test]
    fn expressions(pieces in prop::collection::vec(piece(), 0..30)) {
        let expression = pieces.concat().replace(['\n', '\'', '\0'], " ");
        holds(format!("[note]\n[voice.osc]\ntype = 'vco'\npitch = '{expression}'\nfm = '{expression}'\n[out]\nin = '{expression}'\n").as_bytes());
    }

    #[test]
    fn values_as_text(text in ".{0,30}") {
        use rackd::base::units::Unit;
        for unit in [Unit::Audio, Unit::Hertz, Unit::Octaves, Unit::Seconds, Unit::Decibels, Unit::Number, Unit::Degrees, Unit::Gate] {
            if let Ok(rackd::patch::Amount::Plain(value)) = values::amount_of_text(unit, &text) {
                prop_assert!(value.is_finite());
            }
            let _ = values::depth_of_text(unit, &text);
        }
        let _ = values::pitch_of_text(&text);
        rackd::patch::slot_name(&text);
        let _ = rackd::patch::map_source(&text);
    }
}

#[test]
fn every_beginning_of_a_file_is_told_to_be_one() {
    for end in 0..ACID.len() {
        holds(&ACID.as_bytes()[..end]);
    }
}

#[test]
fn huge_and_hostile_files_end() {
    let many = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    let big = 1 << 20;
    for text in [
        many("[", big),
        many("a", big),
        many("a=1\n", big),
        many("x = \"\n", big),
        many("[[voice]]\n", big),
        many("[voice.a]\ntype='vco'\n", big),
        format!("[out]\nin = '{}'", many("(", big - 100)),
        format!("[out]\nin = '{}'", many("-", big - 100)),
        format!("[out]\nin = '{}'", many("? ", big - 100)),
        format!("[out]\nin = '{}1'", many("1 + ", big - 100)),
        format!("[out]\nin = '{}keys.1'", many("keys.1 * ", big - 100)),
        format!("[out]\nin = '{}1'", many("osc. ", big - 100)),
        format!("[out]\nin = '{}'", many("x", big - 100)),
        format!("[out]\nin = '{}'", many("9", big - 100)),
        format!("name = '{}'\nnam = 1\n", many("\u{7}", big - 100)),
        format!("controls = {{{} !", (0..90_000).map(|at| format!("a{at} = 1,")).collect::<String>()),
        many("\u{feff}", big),
        many("\u{1}", big + 1),
    ] {
        holds(text.as_bytes());
    }
    holds(&vec![0xff; 100 << 20]);
}

/// A patch of so many modules, each fed by the one before.
pub fn chain(modules: usize) -> String {
    let mut text = String::from("[note]\n\n[controls]\nbrightness = \"300 Hz\"\n\n");
    for at in 0..modules {
        let before = if at == 0 { "note.gate".to_owned() } else { format!("m{}", at - 1) };
        let _ = write!(
            text,
            "[voice.m{at}]\ntype = \"ladder\"\nin = \"{before} * 0.5\"\ncutoff = \"brightness + {before} * 1 oct + note.pitch\"\n\n"
        );
    }
    let _ = write!(text, "[out]\nin = \"m{}\"\n", modules - 1);
    text
}

#[test]
fn ten_thousand_modules_are_read() {
    let text = chain(10_000);
    assert!(text.len() <= rackd::patch::LARGEST);
    let (patch, diagnostics) = parse(&text, &TOYS);
    assert_eq!(diagnostics, []);
    assert_eq!(patch.unwrap().modules.len(), 10_000);
}

#[test]
fn ten_thousand_wrong_names_are_told_soon() {
    let text = chain(10_000).replace("\"m", "\"mm").replace("+ m", "+ mm").replace("ladder", "laddr");
    let (patch, diagnostics) = parse(&text, &TOYS);
    assert!(patch.is_none());
    assert_eq!(diagnostics.last().unwrap().code, codes::TOO_MANY);
    assert!(!draw("x.toml", &text, &diagnostics, false).is_empty());
}
