//! The log of a set: what was played on a real server with MIDI, OSC, reloads and sound that came in is made again, byte for byte.

use std::process::Command;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant, SystemTime};

use super::daemon::{Daemon, TONE};
use super::hostile::Chance;
use super::jack::{Jack, until};
use super::midi::Python;
use super::speaker::Speaker;

/// Voices, noise, a row that follows the beat, an echo, and whatever comes in.
const SET: &str = r#"
format = 1
tempo = 125
[in]
[note]
voices = 8
glide = "20 ms"
[controls]
bright = { default = "900 Hz", min = "50 Hz", max = "8 kHz", midi = "cc 74" }
[voice.osc]
type = "vco"
pitch = "note.pitch + note.random * 0.01"
[voice.env]
type = "adsr"
attack = "5 ms"
[voice.filter]
type = "svf"
in = "osc.saw"
cutoff = "bright + env * 2"
[global.row]
type = "seq_step"
clock = "1/16"
steps = ["C3", "E3", "G3", "C4"]
[global.arp]
type = "vco"
pitch = "row"
[global.hiss]
type = "noise"
[global.echo]
type = "delay"
in = "filter.low * env * note.velocity * 0.2 + arp.saw * 0.1 + hiss.white * 0.01 + in * 0.3"
time = "3/16"
feedback = 0.5
[out]
in = "echo"
"#;

/// How long the set is [s]: `RACKD_SET_SECONDS=120` for a long one.
fn seconds() -> u64 {
    std::env::var("RACKD_SET_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(10)
}

/// Two hands on a keyboard with a pedal, a wheel and a controller: messages by their frames.
fn keys(seconds: u64, chance: &mut Chance) -> Vec<(u64, Vec<u8>)> {
    let mut messages = Vec::new();
    for at in (4_800..seconds * 48_000).step_by(4_801) {
        let key = 40 + chance.below(40) as u8;
        messages.push((at, vec![0x90, key, 1 + chance.below(127) as u8]));
        messages.push((at + 1_000 + chance.below(9_000) as u64, vec![0x80, key, 64]));
        match chance.below(6) {
            0 => messages.push((at + 7, vec![0xb0, 64, if chance.below(2) == 0 { 0 } else { 127 }])),
            1 => messages.push((at + 9, vec![0xe0, chance.below(128) as u8, chance.below(128) as u8])),
            2 => messages.push((at + 11, vec![0xb0, 74, chance.below(128) as u8])),
            _ => {}
        }
    }
    messages.sort_by_key(|(at, _)| *at);
    messages
}

fn play_osc(speaker: &Speaker, chance: &mut Chance, number: usize) {
    let (x, n) = (chance.below(1000) as f64 / 1000.0, chance.below(8));
    let soon = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_millis(50 + n as u64 * 40);
    match chance.below(16) {
        0..=3 => speaker.say(&format!("/tone/note {} {x} {}", 40 + n * 3, 0.05 + x)),
        4 => speaker.say_at(soon(), &format!("/tone/note {} 0.7 0.1", 50 + n)),
        5 => speaker.say(&format!("/tone/bright {}", 200.0 + x * 5000.0)),
        6 => speaker.say_at(soon(), &format!("/tone/echo/feedback {} 0.2", x * 0.8)),
        7 => speaker.say(&format!("/tone/row/steps/{} {}", 1 + n % 4, 48 + n)),
        8 => speaker.say(&format!("/clock/tempo {}", 80.0 + x * 90.0)),
        9 => speaker.say(&format!("/tone/level {}", -12.0 * x)),
        10 => speaker.say(&format!("/clock/swing {}", 0.5 + x * 0.2)),
        11 => speaker.say(&format!("/transport/locate {n}")),
        12 => speaker.say(["/transport/pause", "/transport/loop 0 4", "/transport/loop", "/clock/nudge 20"][number % 4]),
        13 => speaker.say(&format!("/score/add {number} {} tone {} {x} 0.5", n as f64 * 0.5, 40 + n)),
        14 => speaker.say(&format!("/score/remove {}", number.saturating_sub(9))),
        _ => speaker.say("/transport/play"),
    }
}

#[test]
fn a_set_with_midi_osc_reloads_and_an_input_is_rendered_again_byte_for_byte() {
    let jack = Jack::start();
    let folder = jack.folder().to_owned();
    let (log, live, again) = (folder.join("set.oscl"), folder.join("live.wav"), folder.join("again.wav"));
    let more = ["--log", log.to_str().unwrap(), "--record", live.to_str().unwrap()];
    let mut daemon = Daemon::on(&jack, SET, &more);
    daemon.wait_for("playing");
    until("the daemon has its ports at the server", Duration::from_secs(20), || {
        ["rackd:in", "in_0", "out_0"].iter().all(|port| !jack.ports(port).is_empty())
    });
    // It hears itself.
    let port = |part: &str| jack.ports(part).into_iter().find(|port| port.starts_with("rackd")).unwrap();
    assert!(jack.tool("jack_connect").args([port("out_0"), port("in_0")]).status().unwrap().success());
    let mut hand = Python::start(&jack, "send", "hand");
    hand.say("connect rackd:in");

    let seconds = seconds();
    let (mut chance, begun) = (Chance(7), Instant::now());
    let messages = keys(seconds, &mut chance);
    let speaker = Speaker::to(&daemon);
    let mut reloads = 0;
    scope(|scope| {
        scope.spawn(|| {
            let messages: Vec<(u64, &[u8])> = messages.iter().map(|(at, bytes)| (*at, bytes.as_slice())).collect();
            hand.play(&messages);
        });
        for number in 0.. {
            if begun.elapsed() > Duration::from_secs(seconds) {
                return;
            }
            play_osc(&speaker, &mut chance, number);
            if number % 25 == 24 {
                daemon.save(&SET.replace("feedback = 0.5", &format!("feedback = 0.{}", 1 + number / 25 % 6)));
                reloads += 1;
            }
            sleep(Duration::from_millis(60));
        }
    });
    speaker.say("/transport/play");
    sleep(Duration::from_millis(300));
    daemon.signal("TERM");
    let logged = daemon.wait_for("logged");
    assert_eq!(daemon.exit_code(), Some(0));
    println!("{seconds} s, {} things done, {reloads} reloads", logged["entries"]);
    assert_eq!(logged["lost"], 0);
    assert!(logged["entries"].as_u64().unwrap() > seconds * 20);

    let render = Command::new(env!("CARGO_BIN_EXE_rackd")).arg("render").arg("--log").arg(&log).arg("-o").arg(&again).output().unwrap();
    let told = String::from_utf8_lossy(&render.stderr);
    assert!(render.status.success() && told.is_empty(), "{told}");
    let heard: Vec<f32> = hound::WavReader::open(folder.join("set.input.wav")).unwrap().samples::<f32>().map(Result::unwrap).collect();
    assert!(heard.iter().any(|x| x.abs() > 0.01), "something came in");
    let (live, again) = (std::fs::read(&live).unwrap(), std::fs::read(&again).unwrap());
    let first = live.iter().zip(&again).position(|(a, b)| a != b);
    assert_eq!((first, live.len()), (None, again.len()), "the first byte that differs, and the length");
}

#[test]
fn what_came_by_streams_is_heard_again() {
    let folder = std::env::temp_dir().join(format!("rackd_log_streams_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let name = |name: &str| folder.join(name).display().to_string();
    let (log, live, again, sent) = (name("set.oscl"), name("live.wav"), name("again.wav"), name("sent.wav"));
    // Neither the engine's rate nor its channels.
    let spec = hound::WavSpec { channels: 1, sample_rate: 44_100, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(&sent, spec).unwrap();
    (0..40_000).for_each(|n| writer.write_sample((f64::from(n) * 0.05).sin().mul_add(9000.0, 0.0) as i16).unwrap());
    writer.finalize().unwrap();
    let patch = "format = 1\n[global.mic]\ntype = \"stream_in\"\n[global.echo]\ntype = \"delay\"\nin = \"mic\"\nfeedback = 0.5\n[out]\nin = \"echo + mic\"\n";
    let more = ["--rate", "48000", "--stream", "127.0.0.1:0", "--log", &log, "--record", &live];
    let mut daemon = Daemon::silent(&folder, patch, &more);
    let at = daemon.wait_for("streams")["at"][0].as_str().unwrap().to_owned();
    let speaker = Speaker::to(&daemon);
    for round in 0..2 {
        let stream = Command::new(env!("CARGO_BIN_EXE_rackd")).args(["stream", &sent, "--to", &at]).output().unwrap();
        assert!(stream.status.success(), "{}", String::from_utf8_lossy(&stream.stderr));
        if round == 0 {
            // Its time stands meanwhile, and the patch is another afterwards.
            speaker.say("/transport/pause");
            sleep(Duration::from_millis(100));
            speaker.say("/transport/play");
            daemon.save(&patch.replace("0.5", "0.3"));
            daemon.wait_for("reloaded");
        }
    }
    sleep(Duration::from_millis(300));
    daemon.signal("TERM");
    assert_eq!(daemon.wait_for("logged")["lost"], 0);
    assert_eq!(daemon.exit_code(), Some(0));
    let render = Command::new(env!("CARGO_BIN_EXE_rackd")).args(["render", "--log", &log, "-o", &again]).output().unwrap();
    let told = String::from_utf8_lossy(&render.stderr);
    assert!(render.status.success() && told.is_empty(), "{told}");
    let heard: Vec<f32> = hound::WavReader::open(&live).unwrap().samples::<f32>().map(Result::unwrap).collect();
    assert!(heard.iter().filter(|x| x.abs() > 0.01).count() > 96_000, "both were heard");
    let (live, again) = (std::fs::read(&live).unwrap(), std::fs::read(&again).unwrap());
    let first = live.iter().zip(&again).position(|(a, b)| a != b);
    assert_eq!((first, live.len()), (None, again.len()), "the first byte that differs, and the length");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_log_that_was_cut_off_or_spoilt_is_told_of_and_rendered_as_far_as_it_goes() {
    let folder = std::env::temp_dir().join(format!("rackd_log_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("set.oscl");
    let mut daemon = Daemon::silent(&folder, TONE, &["--log", path.to_str().unwrap()]);
    let speaker = Speaker::to(&daemon);
    for _ in 0..10 {
        speaker.say("/tone/note 60 0.8 0.1");
        sleep(Duration::from_millis(100));
    }
    sleep(Duration::from_millis(600));
    daemon.signal("KILL");
    daemon.exit_code();
    let render = |path: &std::path::Path| {
        let out = folder.join("out.wav");
        let run = Command::new(env!("CARGO_BIN_EXE_rackd")).arg("render").arg("--log").arg(path).arg("-o").arg(&out).output().unwrap();
        (run.status.code(), String::from_utf8(run.stderr).unwrap(), hound::WavReader::open(&out).map(|reader| reader.duration()))
    };
    let (code, told, length) = render(&path);
    assert_eq!((code, told.contains("cut off")), (Some(0), true), "{told}");
    assert!(length.unwrap() > 48_000, "but for its last quarter of a second");
    let (code, told, _) = render(&folder.join("tone.toml"));
    assert_eq!((code, told.contains("is no log")), (Some(2), true), "{told}");
    let (code, told, _) = render(&folder.join("none.oscl"));
    assert_eq!((code, told.contains("cannot read")), (Some(2), true), "{told}");
    std::fs::remove_dir_all(folder).unwrap();
}
