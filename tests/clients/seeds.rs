//! What takes a real process to show of the rows in `tests/it/seeds.rs`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rackd::control::Value;

use super::daemon::{Daemon, TONE};
use super::ear::partial;
use super::jack::{Jack, until};
use super::speaker::Speaker;

/// Wide: only what hangs takes so long.
const LONG: Duration = Duration::from_secs(20);

#[test]
fn the_score_plays_on_when_its_editor_is_killed_and_another_finds_it() {
    let folder = std::env::temp_dir().join(format!("rackd_seeds_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let daemon = Daemon::silent(&folder, TONE, &["--rate", "48000"]);
    let mut editor = Command::new(env!("CARGO_BIN_EXE_rackd"))
        .args(["send", "--to", &format!("tcp://{}", daemon.osc), "--wait", "0", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = editor.stdin.take().unwrap();
    for number in 0..4 {
        writeln!(lines, "/score/add n{number} {} tone {} 0.5 0.1", f64::from(number) * 0.25, 60 + number).unwrap();
    }
    writeln!(lines, "/transport/loop 0 1").unwrap();
    writeln!(lines, "/transport/locate 0").unwrap();
    lines.flush().unwrap();
    let other = Speaker::to(&daemon);
    until("the score is there", LONG, || other.ask("/score/get")[0].number() == Some(4.0));
    until("it plays", LONG, || other.status("score-notes") > 0);
    // Its standard input is still open: it is killed at work.
    editor.kill().unwrap();
    editor.wait().unwrap();
    let then = other.status("score-notes");
    until("it plays on, lap after lap", LONG, || other.status("score-notes") >= then + 8);
    assert_eq!((other.status("score-late"), other.status("score-dropped")), (0, 0));
    // Who comes now finds all of it, and edits it.
    let fresh = Speaker::to(&daemon);
    fresh.say("/score/get 0 1");
    for number in 0..4 {
        let note = fresh.wait("/score/get");
        assert_eq!((note[0].clone(), note[1].number()), (Value::from(format!("n{number}")), Some(f64::from(number) * 0.25)));
    }
    fresh.wait("/done");
    fresh.say("/score/remove n0 n1 n2 n3");
    until("it is another", LONG, || fresh.ask("/score/get")[0].number() == Some(0.0));
    drop(daemon);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What is sent as `in`.
const RELAY: &str = "format = 1\n[global.sent]\ntype = \"stream_in\"\n[out]\nin = \"sent\"\n";

#[test]
fn a_sound_file_is_heard_whole_and_its_sender_ends_with_it() {
    let folder = std::env::temp_dir().join(format!("rackd_seeds_file_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("half.wav");
    let spec = hound::WavSpec { channels: 2, sample_rate: 44_100, bits_per_sample: 24, sample_format: hound::SampleFormat::Int };
    let mut wav = hound::WavWriter::create(&file, spec).unwrap();
    (0..2 * 44_100).for_each(|_| wav.write_sample(1 << 22).unwrap());
    wav.finalize().unwrap();
    let daemon = Daemon::silent(&folder, RELAY, &["--rate", "48000", "--stream", "127.0.0.1:0"]);
    let at = daemon.wait_for("streams")["at"][0].as_str().unwrap().to_owned();
    let speaker = Speaker::to(&daemon);
    speaker.say("/record/start heard.wav");
    speaker.wait("/done");
    let began = Instant::now();
    let sent = Command::new(env!("CARGO_BIN_EXE_rackd")).args(["stream", file.to_str().unwrap(), "--to", &at]).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert!(began.elapsed() > Duration::from_millis(900), "as fast as it is heard: {:?}", began.elapsed());
    speaker.say("/record/stop");
    speaker.wait("/record/done");
    let mut heard = hound::WavReader::open(folder.join("heard.wav")).unwrap();
    let left: Vec<f32> = heard.samples::<f32>().map(Result::unwrap).step_by(2).collect();
    // But for its fades and the resampler's, 1.3 ms and less.
    let whole = left.iter().filter(|x| (**x - 0.5).abs() < 1e-3).count();
    assert!((47_500..=48_000).contains(&whole), "{whole} frames of a second");
    assert_eq!(left.last(), Some(&0.0), "its end was heard");
    drop(daemon);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_sound_file_is_played_from_a_place_round_and_round_at_another_speed_and_backwards() {
    let folder = std::env::temp_dir().join(format!("rackd_seeds_played_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // A ramp of a second from 0 to 0.5.
    let file = folder.join("ramp.wav");
    let spec = hound::WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut wav = hound::WavWriter::create(&file, spec).unwrap();
    (0..2 * 48_000).for_each(|n| wav.write_sample((n / 2) as f32 / 96_000.0).unwrap());
    wav.finalize().unwrap();
    let daemon = Daemon::silent(&folder, RELAY, &["--rate", "48000", "--stream", "127.0.0.1:0"]);
    let at = daemon.wait_for("streams")["at"][0].as_str().unwrap().to_owned();
    let speaker = Speaker::to(&daemon);
    // What is heard on the left for so long.
    let heard = |name: &str, options: &[&str], seconds: f64| {
        let path = folder.join(name);
        speaker.say(&format!("/record/start {name}"));
        speaker.wait("/done");
        let mut sender = Command::new(env!("CARGO_BIN_EXE_rackd"))
            .args(["stream", file.to_str().unwrap(), "--to", &at])
            .args(options)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_secs_f64(seconds));
        let ended = sender.try_wait().unwrap();
        let _ = sender.kill();
        sender.wait().unwrap();
        speaker.say("/record/stop");
        speaker.wait("/record/done");
        let left: Vec<f32> = hound::WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).step_by(2).collect();
        let begins = left.iter().position(|x| *x > 0.01).unwrap();
        (left[begins..].to_vec(), ended.is_some())
    };
    let near = |x: f32, want: f64| assert!((f64::from(x) - want).abs() < 0.003, "{x} is not {want}");
    // From 0.5 s on at half the speed: a second, as slow, once.
    let (slow, ended) = heard("slow.wav", &["--from", "0.5s", "--speed", "0.5"], 2.5);
    assert!(ended, "it ends with the file");
    (0..9).for_each(|n| near(slow[100 + n * 4_800], 0.25 + 0.025 * n as f64));
    // Backwards, from its end to 0.75 s and again from its end.
    let (back, ended) = heard("back.wav", &["--from", "0.75s", "--speed", "-1", "--loop"], 2.0);
    assert!(!ended, "it goes on");
    for n in [0, 1, 2, 3, 5, 6, 7] {
        // A turn is 12,000 frames.
        near(back[100 + n * 2_400], 0.5 - 0.025 * (n % 5) as f64);
    }
    drop(daemon);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_input_is_listed_and_heard_by_its_stable_name() {
    let jack = Jack::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rackd"));
    jack.on_this_server(&mut command);
    let listed = command.args(["devices", "--json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let hosts = listed["hosts"].as_array().unwrap();
    let cards = hosts.iter().find(|host| host["host"] == "jack").unwrap()["devices"].as_array().unwrap();
    let card = cards.iter().find(|device| device["input"].is_object()).unwrap();
    assert_eq!((&card["input"]["rates"], &card["input"]["buffer"]), (&[[48_000, 48_000]].into(), &[256, 256].into()));

    // Both play one patch, whose notes are the other's input.
    let patch = TONE.replace("[out]", "[in]\n[out]").replace("* loud", "* loud + in * 0.5");
    let daemon = Daemon::on(&jack, &patch, &["--midi", "none", "--input-device", card["id"].as_str().unwrap()]);
    daemon.wait_for("playing");
    let port = |containing: &str, but: &[String]| {
        let mut found = None;
        until(containing, LONG, || {
            found = jack.ports(containing).into_iter().find(|port| !but.contains(port));
            found.is_some()
        });
        found.unwrap()
    };
    let (heard, to) = (port("out_0", &[]), port("in_0", &[]));
    daemon.wait_for("input");
    let source = Daemon::on(&jack, &patch, &["--midi", "none"]);
    let from = port("out_0", std::slice::from_ref(&heard));
    assert!(jack.tool("jack_connect").args([from, to]).status().unwrap().success());
    Speaker::to(&source).say("/tone/note/on 1 69 1");
    let samples = jack.record_ports(2.0, &[heard]).samples();
    let (loud, _) = partial(&samples[24_000..72_000], 440.0);
    assert!((loud - 0.05).abs() < 0.001, "{loud}");
}
