//! `rackd check` of racks, as a program: the rack, every patch it names, and what it compiles to.

use std::path::PathBuf;
use std::process::Command;

const RACK: &str = "\
name = \"Stage\"
[slots.echo]
patch = \"parts/echo.toml\"
[slots.bass]
patch = \"parts/bass.toml\"
level = \"-6 dB\"
sends = { echo = \"-12 dB pre\" }
[slots.low]
patch = \"parts/bass.toml\"
out = [3, 4]
";

/// A folder of its own with a rack and shipped patches.
fn folder(name: &str, rack: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd-check-{}-{name}", std::process::id()));
    std::fs::create_dir_all(folder.join("parts")).unwrap();
    for patch in ["bass", "echo"] {
        let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("patches/{patch}.toml"));
        std::fs::copy(shipped, folder.join(format!("parts/{patch}.toml"))).unwrap();
    }
    std::fs::write(folder.join("stage.toml"), rack).unwrap();
    folder
}

fn check(folder: &std::path::Path, more: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rackd")).args(["check", "stage.toml"]).args(more).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_right_rack_is_told_with_its_patches() {
    let folder = folder("right", RACK);
    let wanted = "stage.toml: no mistakes\nparts/echo.toml: no mistakes\nparts/bass.toml: no mistakes\n";
    assert_eq!(check(&folder, &[]), (0, wanted.to_owned(), String::new()));
    let (code, plan, told) = check(&folder, &["--plan"]);
    assert_eq!((code, told.as_str()), (0, ""));
    let order = "\
Stage: 3 slots, in the order in which they sound
  bass  to the master at -6 dB, to echo at -12 dB before its fader
  echo  to the master at 0 dB
  low   to channels 3 and 4 at 0 dB
";
    assert!(plan.starts_with(order), "{plan}");
    for slot in ["\n/bass parts/bass.toml\nBass: ", "\n/low parts/bass.toml\nBass: ", "\n/echo parts/echo.toml\nEcho: "] {
        assert!(plan.contains(slot), "{slot} is missing in\n{plan}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn mistakes_of_the_rack_and_of_its_patches_are_told_at_once() {
    let text = format!("{RACK}sends = {{ bass = -3 }}\nlevle = 3\n[slots.gone]\npatch = \"parts/gone.toml\"\n");
    let folder = folder("wrong", &text);
    std::fs::write(folder.join("parts/echo.toml"), "[in]\n[out]\nin = \"inn\"\n").unwrap();
    let (code, out, told) = check(&folder, &["--plan"]);
    assert_eq!((code, out.as_str()), (1, "parts/bass.toml: no mistakes\n"));
    let places = [
        "error[no-effect]: the patch of slot `bass` takes no sound: it has no `[in]`\n  --> stage.toml:11:11",
        "error[unknown-key]: there is no `levle` in a slot\n  --> stage.toml:12:1",
        "error[no-file]: cannot read parts/gone.toml",
        "  --> stage.toml:14:9",
        "stage.toml: 3 mistakes",
        "error[unknown-name]: there is no module or control `inn`\n --> parts/echo.toml:3:7",
        "parts/echo.toml: 1 mistake",
    ];
    let mut from = 0;
    for place in places {
        let at = told[from..].find(place).unwrap_or_else(|| panic!("{place} is missing or out of order in\n{told}"));
        from += at;
    }
    std::fs::remove_dir_all(folder).unwrap();
}
