//! The examples that need a language of their own, run as they stand.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::daemon::{Daemon, TONE};
use super::jack::program;
use super::node;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Runs a program for a minute at most: what it says.
fn said(wanted: &Command) -> String {
    let mut command = Command::new("timeout");
    command.arg("60").arg(wanted.get_program()).args(wanted.get_args());
    for (name, value) in wanted.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{:?}: {said}", output.status);
    said
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd_examples_{name}_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_page_of_a_desk_plays_and_shows_what_it_is_told() {
    let folder = folder("page");
    let daemon = Daemon::silent(&folder, TONE, &["--rate", "48000", "--paused", "--allow-origin", "http://localhost:8000"]);
    let said = said(&node("page.js", daemon.osc.port(), example("desk.html").to_str().unwrap()));
    let of = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_default().to_owned();
    assert_eq!((of("state"), of("slot"), of("said")), ("connected".to_owned(), "of tone".to_owned(), String::new()), "{said}");
    assert!(of("place").starts_with("playing, bar 1") && of("paused").starts_with("paused, bar "), "{said}");
    assert_eq!(of("bpm"), "90.0");
    assert!(of("tape").contains("page.wav: ") && of("tape").ends_with(" frames, 0 lost"), "{said}");
    assert!(of("left").ends_with('%') && of("loudest").parse::<f64>().unwrap() > 0.01, "{said}");
    drop(daemon);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_desk_in_sclang_plays_and_is_told() {
    let folder = folder("sclang");
    let daemon = Daemon::silent(&folder, TONE, &["--rate", "48000"]);
    let mut sclang = program("sclang");
    sclang.arg("-D").arg(example("desk.scd")).env("RACKD_PORT", daemon.osc.port().to_string());
    sclang.env("QT_QPA_PLATFORM", "offscreen").env("QTWEBENGINE_DISABLE_SANDBOX", "1");
    let said = said(&sclang);
    let has = |word: &str| said.lines().any(|line| line.starts_with(word));
    assert!(has("recorded ") && has("transport 1 playing") && has("cursor ") && !has("rackd:"), "{said}");
    drop(daemon);
    std::fs::remove_dir_all(folder).unwrap();
}
