//! How a daemon is ended, and how it is driven as a child process.

use std::net::UdpSocket;
use std::process::Command;

use super::daemon::{Daemon, TONE};
use super::jack::Jack;

#[test]
fn it_ends_with_the_end_of_its_standard_input_and_answers_before() {
    let jack = Jack::start();
    let mut daemon = Daemon::silent(jack.folder(), TONE, &["--stdin"]);
    daemon.type_line("/tone/loud 0.25");
    daemon.type_line("# a remark, and an empty line");
    daemon.type_line("");
    daemon.type_line("/tone/loud");
    assert_eq!(daemon.wait_for("answer")["text"], "/tone/loud 0.25");
    daemon.type_line("/tone/laud 0.25");
    let answer = daemon.wait_for("answer")["text"].as_str().unwrap().to_owned();
    assert!(answer.starts_with("/fail /tone/laud unknown-address"), "{answer}");
    daemon.close_stdin();
    assert_eq!(daemon.exit_code(), Some(0));
}

#[test]
fn signals_and_the_verb_end_it_well_and_its_recording_is_whole() {
    let jack = Jack::start();
    for way in ["INT", "TERM", "/engine/quit"] {
        let take = jack.folder().join(format!("take{}.wav", way.replace('/', "")));
        let mut daemon = Daemon::silent(jack.folder(), TONE, &["--record", take.to_str().unwrap()]);
        let sent = |arguments: &[&str]| {
            let to = daemon.osc.to_string();
            Command::new(env!("CARGO_BIN_EXE_rackd")).args(["send", "--to", &to]).args(arguments).status().unwrap()
        };
        assert!(sent(&["/tone/note", "69", "1", "30"]).success());
        std::thread::sleep(std::time::Duration::from_millis(300));
        if way.starts_with('/') {
            sent(&[way]);
        } else {
            daemon.signal(way);
        }
        assert_eq!(daemon.exit_code(), Some(0), "{way}");
        assert!(daemon.wait_for("ended")["rms"].as_f64().unwrap() < 0.0);
        let mut reader = hound::WavReader::open(&take).unwrap();
        let samples: Vec<f32> = reader.samples::<f32>().map(Result::unwrap).collect();
        let loudest = samples.iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!((loudest - 0.1).abs() < 0.01, "{way}: it holds the note: {loudest}");
        // It fades out at its end: the last thing in the file is no cliff.
        assert!(samples.iter().rev().take(20).all(|x| x.abs() < 0.01), "{way}");
    }
}

#[test]
fn what_it_may_not_do_it_says_with_the_right_exit_code() {
    let folder = std::env::temp_dir().join(format!("rackd_life_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let wrong = folder.join("wrong.toml");
    std::fs::write(&wrong, "format = 1\n[global.x]\ntype = \"vxo\"\n[out]\nin = \"x\"\n").unwrap();
    let play = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rackd"))
            .args(["play", "--host", "silent", "--midi", "none", "--for", "100ms"])
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(play(&["--osc", "127.0.0.1:0"]), (Some(0), String::new()));
    let (code, text) = play(&["--osc", "127.0.0.1:0", wrong.to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("vco"), "{code:?} {text}");
    let (code, text) = play(&["--osc", "127.0.0.1:0", "nowhere.toml"]);
    assert!(code == Some(2) && text.contains("nowhere.toml"), "{code:?} {text}");
    let (code, text) = play(&["--osc", &at]);
    assert!(code == Some(3) && text.contains("taken"), "{code:?} {text}");
    let (code, text) = play(&["--osc", "none", "--record", "/proc/nowhere/take.wav"]);
    assert!(code == Some(3) && text.contains("/proc/nowhere"), "{code:?} {text}");
    std::fs::remove_dir_all(&folder).unwrap();
}
