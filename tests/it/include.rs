//! Included patches as they are played: the same sound, addresses inside, reloads that keep what sounds, files that are watched.

use std::path::{Path, PathBuf};
use std::process::Command;

use rackd::control::rack_file::Within;
use rackd::patch::codes;

use crate::desk::Desk;

/// A voice with a slow envelope, a filter and two controls.
const PART: &str = r#"
[controls]
tone = { default = "800 Hz", min = "40 Hz", max = "8 kHz" }
loud = { default = 0.5, max = 1 }
[note]
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = 1
decay = 0.1
sustain = 1
release = 0.05
[voice.filter]
type = "svf"
in = "osc.saw * 0.7"
cutoff = "tone + env * 1 oct + note.pitch * 0.5"
[out]
in = "filter * env * loud"
"#;

const MAIN: &str = "[note]\n[voice.lead]\ninclude = \"parts/part.toml\"\n[out]\nin = \"lead\"\n";

/// A folder of its own with files in it, which goes when this does.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("rackd-include-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("parts")).unwrap();
        let folder = Self(folder.canonicalize().unwrap());
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A desk that may read this folder and plays one of its files in the slot `t`.
    fn desk(&self, main: &str) -> Desk {
        let mut desk = Desk::empty(vec![self.0.clone()]);
        desk.quietly(&format!("/rack/load {main} t"));
        desk.run(512);
        desk
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn same(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn an_included_patch_sounds_as_it_does_alone() {
    let folder = Folder::new("alone", &[("main.toml", MAIN), ("parts/part.toml", PART)]);
    let (mut alone, mut within) = (folder.desk("parts/part.toml"), folder.desk("main.toml"));
    for desk in [&mut alone, &mut within] {
        desk.quietly("/t/note/on 1 57 0.8");
        desk.quietly("/t/note/on 2 64 0.5");
    }
    let (a, b) = (alone.run(24_000), within.run(24_000));
    assert!(a.iter().any(|x| x.abs() > 0.05));
    assert_eq!(same(&a, &b), 0.0, "not a bit is another");
    // The same knob, at its address inside.
    alone.quietly("/t/tone 2000");
    within.quietly("/t/lead/tone 2000");
    assert_eq!(same(&alone.run(4_800), &within.run(4_800)), 0.0);
    within.quietly("/t/lead/filter/cutoff 500");
    assert!((within.ask("/t/lead/tone") - 500.0).abs() < 0.01, "a control that stands alone at an input has two names");
    within.quietly("/t/lead/filter/resonance 0.9");
    assert!((within.ask("/t/lead/filter/resonance") - 0.9).abs() < 1e-6);
    assert_eq!(within.fails("/t/lead/filter/resonence 1"), "unknown-address");
}

#[test]
fn a_control_is_driven_like_any_input() {
    // What is added to the control is as if it stood where the control is used.
    let written = PART.replace("tone + env", "tone + note.velocity * 2 oct + env").replace("* loud", "* (loud + note.timbre * 0.25)");
    let main = "[note]\n[voice.lead]\ninclude = \"parts/part.toml\"\ntone = \"800 Hz + note.velocity * 2 oct\"\nloud = \"0.5 + note.timbre * 0.25\"\n[out]\nin = \"lead\"\n";
    let folder = Folder::new("driven", &[("main.toml", main), ("parts/part.toml", PART), ("written.toml", &written)]);
    let (mut by_hand, mut within) = (folder.desk("written.toml"), folder.desk("main.toml"));
    for desk in [&mut by_hand, &mut within] {
        desk.quietly("/t/note/on 1 57 0.8");
        desk.quietly("/t/note/timbre 1 0.7");
    }
    let (a, b) = (by_hand.run(24_000), within.run(24_000));
    assert!(a.iter().any(|x| x.abs() > 0.05) && same(&a, &b) < 1e-5, "{}", same(&a, &b));
    // Its depths are knobs.
    assert!((within.ask("/t/lead/tone/note.velocity") - 2.0).abs() < 1e-6);
    within.quietly("/t/lead/tone/note.velocity -1");
    by_hand.quietly("/t/filter/cutoff/note.velocity -1");
    by_hand.run(4_800);
    within.run(4_800);
    assert!(same(&by_hand.run(4_800), &within.run(4_800)) < 1e-5);
    // A note has values of its own inside.
    within.quietly("/t/note/on 2 45 1 lead.tone 3000 lead.filter.resonance 0.5");
}

#[test]
fn a_reload_keeps_what_sounds_inside() {
    let folder = Folder::new("reload", &[("main.toml", MAIN), ("parts/part.toml", PART)]);
    let mut desk = folder.desk("main.toml");
    assert_eq!(desk.control.files(), [folder.path("main.toml"), folder.path("parts/part.toml")]);
    desk.quietly("/t/lead/filter/resonance 0.4");
    desk.quietly("/t/note/on 1 57 1");
    let before = desk.run(24_000);
    let folders = [folder.0.clone()];
    let unchanged = desk.control.reload(Within::Folders(&folders), false).unwrap();
    assert_eq!(unchanged.slots, [""; 0], "nothing was saved");
    folder.write("parts/part.toml", &PART.replace("release = 0.05", "release = 0.5"));
    let reloaded = desk.control.reload(Within::Folders(&folders), false).unwrap();
    assert_eq!(reloaded.slots, ["t"], "the patch itself is the same, what it includes is not");
    let after = desk.run(9_600);
    // The envelope is half-way up: begun anew it would be silent here.
    let level = |frames: &[f32]| frames.iter().fold(0.0f32, |loudest, x| loudest.max(x.abs()));
    assert!(level(&after[..2_400]) > 0.8 * level(&before[21_600..]), "{} {}", level(&after[..2_400]), level(&before));
    let step = |frames: &[f32]| frames.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0f32, f32::max);
    let joined: Vec<f32> = before[23_900..].iter().chain(&after[..100]).copied().collect();
    assert!(step(&joined) <= 1.5 * step(&before[12_000..]), "a click: {} {}", step(&joined), step(&before[12_000..]));
    assert!((desk.ask("/t/lead/filter/resonance") - 0.4).abs() < 1e-6, "what was turned stays");
    assert!((desk.ask("/t/lead/env/release") - 0.5).abs() < 1e-6, "what was written anew counts");
}

#[test]
fn what_is_wrong_or_missing_is_watched_and_changes_nothing() {
    let folder = Folder::new("watched", &[("main.toml", MAIN), ("parts/part.toml", PART)]);
    let mut desk = folder.desk("main.toml");
    let folders = [folder.0.clone()];
    folder.write("parts/part.toml", &PART.replace("osc.saw", "osc.swa"));
    let mistakes = desk.control.reload(Within::Folders(&folders), false).unwrap_err();
    let told: Vec<_> = mistakes.iter().flat_map(|one| &one.diagnostics).map(|one| (one.code, one.file.is_some())).collect();
    assert_eq!(told, [(codes::INCLUDE_WRONG, false), (codes::UNKNOWN_OUTPUT, true)]);
    assert!((desk.ask("/t/lead/tone") - 800.0).abs() < 0.01, "what played before plays on");
    // A file that is not there yet is watched for.
    folder.write("parts/part.toml", PART);
    folder.write("main.toml", &MAIN.replace("part.toml", "new.toml"));
    let version = desk.control.version();
    assert!(desk.control.reload(Within::Folders(&folders), false).is_err());
    assert!(desk.control.files().contains(&folder.path("parts/new.toml")) && desk.control.version() != version);
    folder.write("parts/new.toml", &PART.replace("800 Hz", "900 Hz"));
    assert_eq!(desk.control.reload(Within::Folders(&folders), false).unwrap().slots, ["t"]);
    desk.run(512);
    assert!((desk.ask("/t/lead/tone") - 900.0).abs() < 0.01);
    assert_eq!(desk.control.files(), [folder.path("main.toml"), folder.path("parts/new.toml")]);
    // The sentence of `/fail` names the file with the mistake where there is but one.
    folder.write("parts/new.toml", "[out]\nin = \"x\"\n");
    let failed = desk.say("/rack/load main.toml t");
    assert!(failed[0].contains("/fail /rack/load patch") && failed[0].contains("new.toml"), "{failed:?}");
}

#[test]
fn nothing_is_included_from_outside_the_folders_given() {
    let main = MAIN.replace("parts/part.toml", "../../parts/part.toml");
    let folder = Folder::new("outside", &[("parts/part.toml", PART)]);
    std::fs::create_dir_all(folder.path("given/deep")).unwrap();
    folder.write("given/deep/main.toml", &main);
    folder.write("given/deep/link.toml", &MAIN.replace("parts/part.toml", "part-link.toml"));
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path("parts/part.toml"), folder.path("given/deep/part-link.toml")).unwrap();
    let mut desk = Desk::empty(vec![folder.path("given")]);
    for file in ["deep/main.toml", "deep/link.toml"] {
        let failed = desk.say(&format!("/rack/load {file} t"));
        assert!(failed[0].contains("none of the folders given"), "{file}: {failed:?}");
    }
    // Up and down again inside them is right.
    folder.write("given/part.toml", PART);
    folder.write("given/deep/main.toml", &MAIN.replace("parts/part.toml", "../part.toml"));
    desk.quietly("/rack/load deep/main.toml t");
    desk.run(512);
    assert!((desk.ask("/t/lead/tone") - 800.0).abs() < 0.01);
}

#[test]
fn check_draws_each_mistake_in_its_own_file() {
    let wrong = PART.replace("osc.saw", "osc.swa");
    let folder = Folder::new("check", &[("main.toml", MAIN), ("parts/part.toml", &wrong)]);
    let check = |folder: &Path, more: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_rackd")).args(["check", "main.toml"]).args(more).current_dir(folder).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, _, told) = check(&folder.0, &[]);
    assert_eq!(code, Some(1));
    for part in ["--> main.toml:3:11", "`parts/part.toml` has mistakes", "--> parts/part.toml:16:11", "in = \"osc.swa * 0.7\""] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
    folder.write("parts/part.toml", PART);
    let (code, plan, told) = check(&folder.0, &["--plan"]);
    assert_eq!((code, told.as_str()), (Some(0), ""));
    assert!(plan.contains("lead/filter (svf)"), "{plan}");
}
