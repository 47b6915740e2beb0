//! Sound that is pushed over a real socket is heard as it was sent; what goes wrong has its answer and its count.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use rackd::module::isa::Level;
use rackd::module::rig::{Cuts, Rig};
use rackd::module::{SettingValue, Settings};
use rackd::modules::{stream_in, stream_out};
use rackd::rt::flows::Flows;
use rackd::stream::server::Allowed;
use rackd::stream::{Format, Place, Server};

const RATE: u32 = 48_000;
/// Wide: only what hangs takes so long.
const LONG: Duration = Duration::from_secs(20);

pub struct Door {
    pub server: Server,
    pub flows: Flows,
}

impl Door {
    pub fn open() -> Self {
        Self::at(Place::Tcp(([127, 0, 0, 1], 0).into()))
    }

    fn at(place: Place) -> Self {
        let flows = Flows::new();
        let nobody: Allowed = Arc::new(|_| false);
        Self { server: Server::start(&[place], &nobody, &flows, RATE).unwrap(), flows }
    }

    /// Says a header; gives the connection and its answer.
    pub fn say(&self, header: &str) -> (TcpStream, BufReader<TcpStream>, String) {
        let Place::Tcp(at) = &self.server.places()[0] else { panic!("it listens for TCP") };
        let mut socket = TcpStream::connect(at).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket.set_write_timeout(Some(LONG)).unwrap();
        socket.write_all(format!("{header}\n").as_bytes()).unwrap();
        let mut lines = BufReader::new(socket.try_clone().unwrap());
        let answer = line(&mut lines);
        (socket, lines, answer)
    }

    /// A `stream_in` that takes two channels from one on, at the time 64: what the tile of time 0 holds is decided before anything comes.
    fn module(&self, name: &str, channel: usize) -> Rig {
        let name = SettingValue::Name(name.to_owned());
        let settings = Settings(vec![name, SettingValue::Choice(0), SettingValue::Integer(channel as i64)]);
        let mut rig = Rig::among(&stream_in::DEF, 1, Level::detect(), RATE as f32, &settings, &self.flows);
        rig.jump(64);
        rig
    }

    /// Waits until so many frames of a stream have come.
    fn come(&self, name: &str, frames: u64) {
        until("the frames come", || {
            self.server.desk().sessions().iter().any(|session| session.name() == name && session.frames.load(Relaxed) >= frames)
        });
    }
}

pub fn line(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Bytes of some samples, and what they are as floats.
fn some(format: Format, samples: usize) -> (Vec<u8>, Vec<f32>) {
    let (mut bytes, mut heard) = (Vec::new(), Vec::new());
    let sent: Vec<f32> = (0..samples).map(|n| ((n * 7_919 + 13) % 2_000) as f32 / 1_000.0 - 1.0).collect();
    format.encode(&sent, &mut bytes);
    format.decode(&bytes, &mut heard);
    (bytes, heard)
}

#[test]
fn every_format_arrives_bit_by_bit() {
    let door = Door::open();
    for (number, (name, format)) in Format::ALL.into_iter().enumerate() {
        let stream = format!("s{number}");
        let mut module = door.module(&stream, 1);
        let (mut socket, mut lines, answer) =
            door.say(&format!("rackd-stream 1 name={stream} rate=48000 channels=2 format={name} clock=engine"));
        assert_eq!(answer, format!("ok name={stream} rate=48000 buffer=50ms readers=1"));
        let (bytes, sent) = some(format, 2 * 4_000);
        socket.write_all(&bytes).unwrap();
        door.come(&stream, 4_000);
        let take = module.run(4_096, &Cuts::Random(number as u64));
        for frame in 0..4_000 {
            let heard = [take.lane(0, 0)[frame], take.lane(1, 0)[frame]];
            assert_eq!(heard.map(f32::to_bits), [sent[2 * frame], sent[2 * frame + 1]].map(f32::to_bits), "{name}, frame {frame}");
        }
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(line(&mut lines), "done frames=4000 lost=0", "{name}");
    }
}

#[test]
fn from_1_to_64_channels_each_is_found_in_its_place() {
    let door = Door::open();
    for channels in [1usize, 2, 3, 7, 32, 63, 64] {
        let stream = format!("c{channels}");
        let mut modules: Vec<_> = (1..=channels).map(|channel| door.module(&stream, channel)).collect();
        let (mut socket, _, answer) =
            door.say(&format!("rackd-stream 1 name={stream} rate=48000 channels={channels} format=f32le clock=engine buffer=5ms"));
        assert!(answer.starts_with("ok "), "{answer}");
        let (bytes, sent) = some("f32le".parse().unwrap(), channels * 300);
        socket.write_all(&bytes).unwrap();
        door.come(&stream, 300);
        for (channel, module) in modules.iter_mut().enumerate() {
            let take = module.run(64, &Cuts::whole());
            let heard: Vec<f32> = take.lane(0, 0).to_vec();
            let want: Vec<f32> = (0..64).map(|frame| sent[frame * channels + channel]).collect();
            assert_eq!(heard, want, "channel {channel} of {channels}");
        }
    }
}

#[test]
fn what_has_not_come_is_silent_and_counted() {
    let door = Door::open();
    let mut module = door.module("mic", 1);
    let (mut socket, ..) = door.say("rackd-stream 1 name=mic rate=48000 channels=1 format=f32le clock=engine buffer=20ms");
    let half = 0.5f32.to_le_bytes().repeat(1_000);
    socket.write_all(&half).unwrap();
    door.come("mic", 1_000);
    let heard = module.run(64 * 20, &Cuts::whole()).lane(0, 0).to_vec();
    assert!(heard[..1_000].iter().all(|x| *x == 0.5) && heard[1_064..].iter().all(|x| *x == 0.0));
    assert_eq!(door.flows.starved(), (1, 280));
    // It goes on with what comes, and nothing of it is left out.
    socket.write_all(&half).unwrap();
    door.come("mic", 2_000);
    let heard = module.run(64 * 20, &Cuts::whole()).lane(0, 0).to_vec();
    assert!(heard[64..1_000].iter().all(|x| *x == 0.5) && heard[1_064..].iter().all(|x| *x == 0.0));
}

#[test]
fn an_overrun_makes_the_sender_wait_and_closing_lets_it_go() {
    let door = Door::open();
    let _module = door.module("file", 1);
    let (mut socket, mut lines, _) = door.say("rackd-stream 1 name=file rate=48000 channels=2 format=s16le clock=engine");
    let written = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&written);
    let sender = thread::spawn(move || {
        let bytes = [0u8; 4_096];
        while socket.write_all(&bytes).is_ok() {
            count.fetch_add(bytes.len() as u64, Relaxed);
        }
    });
    let session = || door.server.desk().sessions()[0].clone();
    until("it has to wait", || session().full.load(Relaxed) > 0);
    assert!(session().frames.load(Relaxed) <= 4_800, "twice what shall wait is taken at most");
    // The system's own buffers fill; then nothing goes on.
    let mut before = u64::MAX;
    until("the sender stands still", || {
        let now = written.load(Relaxed);
        thread::sleep(Duration::from_millis(100));
        std::mem::replace(&mut before, now) == now
    });
    assert_eq!(session().lost.load(Relaxed), 0);
    assert_eq!(door.server.desk().close("file"), 1);
    sender.join().unwrap();
    assert!(line(&mut lines).starts_with("closed frames="));
    until("nobody is there any more", || door.server.desk().sessions().is_empty());
}

#[test]
fn who_does_not_want_to_wait_is_told_what_was_lost() {
    let door = Door::open();
    let _module = door.module("live", 1);
    let (mut socket, mut lines, _) = door.say("rackd-stream 1 name=live rate=48000 channels=1 format=s16le clock=engine nonblock");
    socket.write_all(&vec![0; 2 * 48_000]).unwrap();
    door.come("live", 48_000);
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let told = line(&mut lines);
    let lost: u64 = told.strip_prefix("would-block frames=").unwrap_or_else(|| panic!("{told}")).parse().unwrap();
    assert!(lost > 0);
    let mut rest = String::new();
    door.server.desk().close("live");
    lines.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("done frames=48000 lost=43200\n"), "{rest}");
    assert_eq!(door.server.desk().counts().iter().find(|(name, _)| *name == "lost"), Some(&("lost", 43_200)));
}

#[test]
fn a_name_is_one_senders() {
    let door = Door::open();
    let header = "rackd-stream 1 name=mic rate=48000 channels=1";
    let (first, _, answer) = door.say(header);
    assert!(answer.starts_with("ok name=mic"), "{answer}");
    let (.., answer) = door.say(header);
    assert!(answer.starts_with("error taken somebody else sends mic"), "{answer}");
    assert!(door.say("rackd-stream 1 name=other rate=48000 channels=1").2.starts_with("ok name=other"));
    drop(first);
    until("the name is free", || door.say(header).2.starts_with("ok "));
}

#[test]
fn what_is_no_header_is_answered_in_words() {
    let door = Door::open();
    for (header, answer) in [
        ("GET / HTTP/1.1", "error header a stream begins with `rackd-stream 1`"),
        ("rackd-stream 1", "error header `name` is missing"),
        ("rackd-stream 9 name=a", "error header version 9"),
        ("rackd-stream 1 name=a rate=48000 channels=99", "error header `channels=99`"),
        ("rackd-stream 1 name=a rate=48000 chanels=2", "error header `chanels=2` is no word of a header; did you mean channels?"),
        (&"x".repeat(600), "error header a header is plain text"),
        ("\u{0}\u{1}\u{2}", "error header a header is plain text"),
    ] {
        let (_, _, told) = door.say(header);
        assert!(told.starts_with(answer), "{header}: {told}");
    }
    assert_eq!(door.server.desk().counts()[1], ("refused", 7));
    let (mut silent, Place::Tcp(at)) = (None, &door.server.places()[0]) else { panic!("it listens for TCP") };
    let socket = silent.insert(TcpStream::connect(at).unwrap());
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.write_all(b"rackd-str").unwrap();
    assert_eq!(line(&mut BufReader::new(socket)), "error header no header came within 5 s");
}

#[cfg(unix)]
#[test]
fn a_socket_in_the_file_system_serves_too_and_goes_with_its_server() {
    use std::os::unix::net::UnixStream;
    let path = std::env::temp_dir().join(format!("rackd-stream-{}", std::process::id()));
    let door = Door::at(Place::Unix(path.clone()));
    let mut module = door.module("mic", 1);
    let mut socket = UnixStream::connect(&path).unwrap();
    socket.write_all(b"rackd-stream 1 name=mic rate=48000 channels=1 format=s8 clock=engine buffer=5ms\n").unwrap();
    socket.write_all(&[64; 1_000]).unwrap();
    door.come("mic", 480);
    assert!(module.run(400, &Cuts::whole()).lane(0, 0).iter().all(|x| *x == 0.5));
    drop(door);
    let mut told = String::new();
    socket.read_to_string(&mut told).unwrap();
    assert!(told.contains("\nclosed frames="), "{told}");
    assert!(!path.exists());
}

#[test]
fn what_a_module_gives_out_is_read_by_any_number_in_any_format() {
    let door = Door::open();
    let settings = Settings(vec![SettingValue::Name("tape".to_owned())]);
    let mut module = Rig::among(&stream_out::DEF, 1, Level::detect(), RATE as f32, &settings, &door.flows);
    let sound = |time: u64| ((time * 7_919) % 2_000) as f32 / 1_000.0 - 1.0;
    module.drive_side(stream_out::DEF.inputs[0], 0, move |time, _| sound(time));
    module.drive_side(stream_out::DEF.inputs[0], 1, move |time, _| sound(time + 5));
    let mut readers: Vec<_> = Format::ALL
        .iter()
        .map(|(name, format)| {
            let (socket, lines, answer) = door.say(&format!("rackd-stream 1 read=tape format={name}"));
            assert_eq!(answer, format!("ok name=tape rate=48000 channels=2 format={name}"));
            (*format, socket, lines)
        })
        .collect();
    module.run(10_000, &Cuts::Random(1));
    for (format, _, lines) in &mut readers {
        let mut want = Vec::new();
        let sent: Vec<f32> = (0..10_000).flat_map(|time| [sound(time), sound(time + 5)]).collect();
        format.encode(&sent, &mut want);
        let mut heard = vec![0; want.len()];
        lines.read_exact(&mut heard).unwrap();
        assert!(heard == want, "{format}");
    }
    let (_, _, answer) = door.say("rackd-stream 1 read=tap");
    assert_eq!(answer, "error unknown no stream out is called tap; did you mean tape?; there is tape");
    // Closing ends them, after the last byte.
    until("all sit", || door.server.desk().close("tape") == Format::ALL.len());
    for (_, _, lines) in &mut readers {
        let mut rest = Vec::new();
        lines.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
    }
}

#[test]
fn a_reader_that_does_not_read_loses_frames_and_nothing_else_is_touched() {
    let door = Door::open();
    let settings = Settings(vec![SettingValue::Name("tape".to_owned())]);
    let mut module = Rig::among(&stream_out::DEF, 1, Level::detect(), RATE as f32, &settings, &door.flows);
    module.drive(stream_out::DEF.inputs[0], |time, _| time as f32 + 1.0);
    let (_socket, mut lines, _) = door.say("rackd-stream 1 read=tape format=f32le");
    let session = door.server.desk().sessions()[0].clone();
    let mut frames = 0;
    until("frames are lost", || {
        module.run(64 * 400, &Cuts::whole());
        frames += 64 * 400;
        session.lost.load(Relaxed) > 0
    });
    let mut bytes = vec![0; frames * 8];
    lines.read_exact(&mut bytes).unwrap();
    let mut heard = Vec::new();
    Format::F32(Default::default()).decode(&bytes, &mut heard);
    for (frame, pair) in heard.chunks_exact(2).enumerate() {
        let x = frame as f32 + 1.0;
        assert!(pair == [x, x] || pair == [0.0, 0.0], "frame {frame} is {pair:?}");
    }
    assert!(heard.iter().filter(|x| **x == 0.0).count() as u64 >= 2 * session.lost.load(Relaxed));
}
