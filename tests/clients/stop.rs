//! A daemon that stood still: it goes on calmly, and time tags are right again.

use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rackd::wire::packet::Bundle;
use rackd::wire::time::from_unix_nanos;
use rackd::wire::{Arg, Message, Packet, decode, encode};

use super::daemon::Daemon;

const SYNTH: &str = r#"
format = 1
[note]
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = 0
[out]
in = "env * 0.5"
"#;

/// What rackd says of itself, and when it was asked: about, and give or take.
fn status(socket: &UdpSocket, name: &str) -> (i64, SystemTime, Duration) {
    let (wall, asked) = (SystemTime::now(), Instant::now());
    socket.send(&encode(&Packet::Message(Message::new("/engine/status", vec![])))).unwrap();
    let mut buffer = [0; 8192];
    loop {
        let length = socket.recv(&mut buffer).expect("the daemon answers");
        let took = asked.elapsed();
        let Ok(Packet::Message(answer)) = decode(&buffer[..length]) else { continue };
        if answer.address != "/engine/status" {
            continue;
        }
        let at = answer.args.iter().position(|arg| *arg == Arg::Text(name.into())).unwrap();
        let value = match answer.args[at + 1] {
            Arg::Int(x) => x.into(),
            Arg::Long(x) => x,
            ref other => panic!("{name} is {other:?}"),
        };
        return (value, wall + took / 2, took / 2);
    }
}

#[test]
fn after_five_seconds_of_standing_still_there_is_no_storm_and_tags_are_right() {
    let folder = std::env::temp_dir().join(format!("rackd_stop_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let take = folder.join("take.wav");
    let mut daemon = Daemon::silent(&folder, SYNTH, &["--record", take.to_str().unwrap(), "--rate", "48000"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(daemon.osc).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    sleep(Duration::from_millis(500));

    let running = Instant::now();
    let before = status(&socket, "now").0;
    daemon.signal("STOP");
    let stopped = Instant::now();
    sleep(Duration::from_secs(5));
    let stood = stopped.elapsed();
    daemon.signal("CONT");
    sleep(Duration::from_millis(500));
    let after = status(&socket, "now").0;
    let ran = running.elapsed() - stood;
    // A fifth of a second is caught up, no more.
    let most = (ran.as_secs_f64() + 0.25) * 48_000.0;
    assert!(((after - before) as f64) < most, "{} frames in {ran:?}", after - before);

    sleep(Duration::from_millis(1500));
    let late = status(&socket, "late").0;
    let (now, at, about) = (0..20).map(|_| status(&socket, "now")).min_by_key(|(.., about)| *about).unwrap();
    let tag = SystemTime::now() + Duration::from_millis(200);
    let note = Message::new("/tone/note", vec![Arg::Int(69), Arg::Float(1.0), Arg::Float(0.05)]);
    let time = from_unix_nanos(tag.duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64);
    socket.send(&encode(&Packet::Bundle(Bundle { time, elements: vec![Packet::Message(note)] }))).unwrap();
    sleep(Duration::from_millis(700));
    assert_eq!(status(&socket, "late").0, late);
    daemon.signal("TERM");
    assert_eq!(daemon.exit_code(), Some(0));

    // What is worked out in a block is heard from one block later on: when it says `now`, that is one to two blocks behind.
    let expected = now as f64 - 384.0 + tag.duration_since(at).unwrap().as_secs_f64() * 48_000.0;
    let mut reader = hound::WavReader::open(&take).unwrap();
    let channels = usize::from(reader.spec().channels);
    let samples: Vec<f32> = reader.samples::<f32>().map(Result::unwrap).collect();
    let heard = samples.chunks(channels).position(|frame| frame[0] > 0.1).expect("the note is in the recording") as f64;
    let most = 256.0 + about.as_secs_f64() * 48_000.0;
    assert!((heard - expected).abs() <= most, "heard at frame {heard}, tagged for {expected}, {most} are allowed");
    std::fs::remove_dir_all(&folder).unwrap();
}
