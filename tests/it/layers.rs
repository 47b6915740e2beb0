//! The house stands: imports point strictly down, each outside crate is named only where it may be, `unsafe` lives in two
//! files, and no file is too long to know.
//!
//! Imports are read as text: every `crate::name` in the code, comments and strings left out. So that this stays trivial, a
//! grouped import from the crate's root and a `super::super` that reaches it are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders by layer: a folder imports only folders of a lower number.
const LAYERS: [(&str, u8); 22] = [
    ("base", 0),
    ("dsp", 1),
    ("rt", 1),
    ("wire", 1),
    ("media", 2),
    ("module", 3),
    ("modules", 4),
    ("patch", 4),
    ("plan", 5),
    ("surface", 5),
    ("engine", 6),
    ("control", 7),
    ("score", 8),
    ("host", 9),
    ("log", 9),
    ("osc", 9),
    ("midi", 9),
    ("record", 9),
    ("stream", 9),
    ("query", 10),
    ("daemon", 11),
    ("cli", 12),
];

/// What a folder may see, where that is less than everything below it.
const SEES_ONLY: [(&str, &[&str]); 3] = [
    ("dsp", &["base"]),
    ("module", &["base", "dsp", "rt"]),
    // The audio thread does not know what TOML or a name is.
    ("engine", &["base", "dsp", "rt", "module", "plan"]),
];

/// Who may name the catalogue; all others are handed a `&Catalogue`.
const NAMES_CATALOGUE: [&str; 2] = ["daemon", "cli"];

/// Where each outside crate may be named: the beginnings of paths below `src`. Empty: anywhere.
const OUTSIDE: [(&str, &[&str]); 36] = [
    ("alsa", &["rt/quiet.rs"]),
    ("annotate_snippets", &["cli/draw.rs"]),
    ("clap", &["cli/"]),
    ("claxon", &["record/"]),
    ("cpal", &["host/"]),
    ("etcetera", &["daemon/"]),
    ("flacenc", &["record/flac.rs"]),
    ("fundsp", &["module/unit.rs", "modules/"]),
    ("hound", &["log/", "record/", "cli/"]),
    ("indicatif", &["cli/"]),
    ("ipnet", &["osc/", "cli/"]),
    ("jack", &["midi/"]),
    ("libm", &[]),
    ("midir", &["midi/"]),
    ("midly", &["score/"]),
    ("nix", &["osc/"]),
    ("notify", &["daemon/"]),
    ("proptest", &[]),
    ("realfft", &[]),
    ("rosc", &["wire/"]),
    ("rtrb", &["rt/", "engine/", "control/", "host/", "midi/", "record/"]),
    ("rubato", &["host/", "rt/convert.rs"]),
    ("rustc_hash", &["control/", "plan/", "score/"]),
    ("rustix", &["control/saving.rs", "rt/clock.rs", "rt/cores.rs", "rt/limits.rs"]),
    ("rusty_link", &["daemon/link.rs"]),
    ("serde_json", &["osc/", "surface/", "daemon/", "cli/"]),
    ("socket2", &["osc/", "stream/", "cli/"]),
    ("strsim", &["base/nearest.rs"]),
    ("thiserror", &[]),
    ("thread_priority", &["rt/urgent.rs"]),
    ("tokio", &["osc/", "query/", "daemon/"]),
    ("toml", &["patch/", "score/written.rs"]),
    ("toml_edit", &["patch/"]),
    ("tracing", &["control/", "score/", "host/", "osc/", "midi/", "record/", "daemon/", "cli/"]),
    ("tracing_subscriber", &["cli/"]),
    ("tungstenite", &["osc/"]),
];

/// The only files with `unsafe` in them.
const UNSAFE: [&str; 2] = ["module/isa.rs", "rt/guard.rs"];

/// Lines of a file at most, its tests among them.
const LONGEST: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder: its path from there, with `/`, and its text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display())) {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(folder).expect("below the folder").to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).expect("source is UTF-8")));
            }
        }
    }
    found.sort();
    found
}

/// The same text with comments, strings and character literals blanked out; lines keep their places.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut kept = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let blank = |kept: &mut Vec<u8>, from: usize, to: usize| {
        kept.extend(bytes[from..to].iter().map(|&byte| if byte == b'\n' { byte } else { b' ' }));
    };
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            at + find(rest, b"*/").map_or(rest.len(), |to| to + 2)
        } else if let Some(hashes) = raw_string(rest, at.checked_sub(1).map(|before| bytes[before])) {
            let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            let open = 2 + hashes;
            at + find(&rest[open..], &close).map_or(rest.len(), |to| open + to + close.len())
        } else if rest[0] == b'"' {
            at + string_end(rest, b'"')
        } else if rest.starts_with(b"'\\") || (rest.len() > 2 && rest[0] == b'\'' && char_literal(rest)) {
            at + string_end(rest, b'\'')
        } else {
            kept.push(rest[0]);
            at += 1;
            continue;
        };
        blank(&mut kept, at, end);
        at = end;
    }
    String::from_utf8(kept).expect("only whole literals were blanked out")
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

/// Hashes of a raw string that begins here.
fn raw_string(rest: &[u8], before: Option<u8>) -> Option<usize> {
    if rest[0] != b'r' || before.is_some_and(|byte| byte.is_ascii_alphanumeric() && byte != b'b' || byte == b'_') {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    (rest.get(1 + hashes) == Some(&b'"')).then_some(hashes)
}

/// Bytes up to and with the closing mark of a literal that opens here.
fn string_end(rest: &[u8], mark: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != mark {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Whether `'` opens a character here, not a lifetime.
fn char_literal(rest: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&rest[1..rest.len().min(9)]);
    let mut chars = text.chars();
    chars.next();
    chars.next() == Some('\'')
}

/// The words that follow `path` in the code, with their lines: `crate::` gives the folders imported.
fn after<'a>(code: &'a str, path: &str) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        for (at, _) in line.match_indices(path) {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &line[at + path.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            found.push((number + 1, if end == 0 { &rest[..rest.len().min(1)] } else { &rest[..end] }));
        }
    }
    found
}

fn layer(folder: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == folder).map(|(_, number)| *number)
}

/// What is wrong with the imports of one file.
fn wrong_imports(name: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let code = code(text);
    let Some((folder, _)) = name.split_once('/') else {
        return wrong; // lib.rs and main.rs stand above all layers
    };
    let Some(own) = layer(folder) else {
        return vec![format!("src/{folder} has no layer: give it one in tests/it/layers.rs and ARCHITECTURE.md")];
    };
    for (line, to) in after(&code, "crate::") {
        let at = format!("src/{name}:{line}");
        if !to.starts_with(|c: char| c.is_ascii_alphabetic()) {
            wrong.push(format!("{at}: grouped import from the crate's root; write one `use crate::…;` for each"));
        } else if to == folder || to == "per_voice" || ["global_only", "global_wide"].contains(&to) {
            continue;
        } else {
            match layer(to) {
                None => wrong.push(format!("{at}: crate::{to} is no folder of a layer")),
                Some(below) if below >= own => wrong.push(format!("{at}: {folder} (layer {own}) imports {to} (layer {below})")),
                Some(_) => {}
            }
            if let Some((_, seen)) = SEES_ONLY.iter().find(|(name, _)| *name == folder)
                && !seen.contains(&to)
            {
                wrong.push(format!("{at}: {folder} sees only {seen:?}, not {to}"));
            }
            if to == "modules" && !NAMES_CATALOGUE.contains(&folder) {
                wrong.push(format!("{at}: {folder} names modules; it is handed a &Catalogue"));
            }
        }
    }
    // A file at depth n reaches the root with n supers, its tests with one more.
    let mut supers = "super::".repeat(name.matches('/').count() + usize::from(!name.ends_with("/mod.rs")));
    for (line, text) in code.lines().enumerate() {
        if text.trim() == "#[cfg(test)]" {
            supers.push_str("super::");
        }
        if text.contains(&supers) {
            wrong.push(format!("src/{name}:{}: reaches the crate's root by `super`; write `crate::`", line + 1));
        }
    }
    wrong
}

#[test]
fn imports_point_strictly_down() {
    let wrong: Vec<String> = files(&root().join("src")).iter().flat_map(|(name, text)| wrong_imports(name, text)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_has_a_layer_and_every_first_line_names_it() {
    for (name, text) in files(&root().join("src")) {
        let Some(folder) = name.strip_suffix("/mod.rs").filter(|folder| !folder.contains('/')) else { continue };
        let number = layer(folder).unwrap_or_else(|| panic!("src/{folder} has no layer"));
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("//! Layer {number}:")), "src/{name} must begin with `//! Layer {number}: …`, not `{first}`");
    }
}

#[test]
fn outside_crates_are_named_only_where_they_may_be() {
    let mut wrong = Vec::new();
    for (name, text) in files(&root().join("src")) {
        let code = code(&text);
        for (outside, places) in OUTSIDE {
            let named = after(&code, outside).iter().any(|(line, _)| {
                let line = code.lines().nth(line - 1).unwrap_or_default();
                line.contains(&format!("{outside}::")) && !line.contains(&format!("::{outside}::"))
                    || line.contains(&format!("use {outside};"))
            });
            if named && !places.is_empty() && !places.iter().any(|place| name.starts_with(place)) {
                wrong.push(format!("src/{name} names {outside}, which belongs in {places:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_dependency_has_its_place() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml can be read");
    let mut within = false;
    let mut named = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            within = line.contains("dependencies");
        } else if within && let Some((name, _)) = line.split_once('=') {
            named.insert(name.trim().replace('-', "_"));
        }
    }
    let known: BTreeSet<String> = OUTSIDE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, known, "the table of outside crates in this file differs from Cargo.toml");
}

#[test]
fn unsafe_lives_in_two_files() {
    let with: Vec<String> = files(&root().join("src"))
        .into_iter()
        .filter(|(_, text)| {
            let words = code(text);
            words.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == "unsafe")
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(with, UNSAFE);
}

#[test]
fn no_file_is_too_long() {
    let mut long = BTreeMap::new();
    for folder in ["src", "tests"] {
        for (name, text) in files(&root().join(folder)) {
            let lines = text.lines().count();
            if lines > LONGEST {
                long.insert(format!("{folder}/{name}"), lines);
            }
        }
    }
    assert!(long.is_empty(), "longer than {LONGEST} lines: {long:?}");
}

/// The reader sees what it must and nothing else: without this the tests above could pass by blindness.
#[test]
fn the_reader_is_not_blind() {
    let wrong = |name: &str, text: &str| wrong_imports(name, text).len();
    assert_eq!(wrong("plan/a.rs", "use crate::patch::Patch;"), 0);
    assert_eq!(wrong("patch/a.rs", "use crate::plan::Plan;"), 1);
    assert_eq!(wrong("osc/a.rs", "fn f() { crate::midi::g() }"), 1, "folders of one number");
    assert_eq!(wrong("daemon/a.rs", "use crate::{base, rt};"), 1, "grouped");
    assert_eq!(wrong("control/a.rs", "use crate::modules::CATALOGUE;"), 1, "the catalogue");
    assert_eq!(wrong("engine/a.rs", "use crate::patch::Patch;"), 1, "the audio thread knows no patch");
    assert_eq!(wrong("base/a.rs", "// use crate::cli::X;\n/// [`crate::cli`]\nconst A: &str = \"crate::cli::B\";"), 0, "comments, strings");
    assert_eq!(wrong("base/a.rs", "const A: &str = r#\"x\"#; const B: char = '\"'; use crate::cli::C;"), 1, "after literals");
    assert_eq!(wrong("base/deep/a.rs", "use super::super::super::cli::X;"), 1, "by super");
    assert_eq!(wrong("base/mod.rs", "use super::cli::X;\n#[cfg(test)]\nuse super::*;"), 1, "by super, from mod.rs");
    assert_eq!(wrong("nowhere/a.rs", ""), 1, "a folder without a layer");
    assert!(!code("let a = 'a'; fn f<'unsafe_life>() {} // unsafe").contains("unsafe "));
}
