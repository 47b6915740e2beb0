//! OSC through a real socket, against a Control with a real engine.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rackd::control::{Control, Message, Value};
use rackd::engine::Engine;
use rackd::osc::{Listen, OpenError, Server, Spot, client};
use rackd::wire::time::from_unix_nanos;
use rackd::wire::{Arg, Bundle, Packet, decode, encode};

use super::chance::Chance;
use super::desk::{first_change, pair};
use super::wire::recorded;

pub const TONE: &str = r#"
format = 1
[controls]
amount = { default = 0.2, min = 0, max = 1, osc = "/1/fader1" }
[global.osc]
type = "vco"
pitch = "1 kHz"
[out]
in = "osc.sine * amount"
"#;

/// A note is heard as its envelope alone, which moves in the frame in which it starts.
pub const SYNTH: &str = r#"
format = 1
[note]
[voice.env]
type = "adsr"
attack = 0
sustain = 1
[out]
in = "env * 0.5"
"#;

/// Long enough for any machine; nothing waits for it unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a running rig's thread shares with it.
type Parts = (Arc<Mutex<Control>>, Arc<Server>, Arc<AtomicBool>, Arc<Mutex<Vec<f32>>>);

/// A server whose engine runs on a thread, as fast as a sound card would ask for it or slower.
pub struct Stage {
    pub server: Arc<Server>,
    pub control: Arc<Mutex<Control>>,
    stop: Arc<AtomicBool>,
    pub heard: Arc<Mutex<Vec<f32>>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    pub fn new(patch: &str, at: &str) -> Self {
        Self::listening(patch, &Listen::udp(at.parse().unwrap()))
    }

    pub fn listening(patch: &str, listen: &Listen) -> Self {
        let (control, engine) = pair(Vec::new());
        let control = Arc::new(Mutex::new(control));
        assert!(control.lock().unwrap().load("t", patch, None).is_ok());
        let server = Arc::new(Server::start(listen, &control).unwrap());
        let (stop, heard) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let parts = (Arc::clone(&control), Arc::clone(&server), Arc::clone(&stop), Arc::clone(&heard));
        let thread = Some(thread::spawn(move || Self::drive(engine, parts)));
        Self { server, control, stop, heard, thread }
    }

    fn drive(mut engine: Engine, parts: Parts) {
        let (control, server, stop, heard) = parts;
        while !stop.load(Relaxed) {
            let mut out = [0.0; 2 * 96];
            engine.run(&[], 0, &mut out, 2);
            heard.lock().unwrap().extend(out.chunks(2).map(|frame| frame[0]));
            let answers = control.lock().unwrap().tick();
            server.deliver(&answers);
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.addresses()[0]
    }

    fn send(&self, address: &str, values: Vec<Value>) -> (bool, Vec<String>) {
        let mut lines = Vec::new();
        let message = Message::new(address, values);
        let sound = client::send(self.address(), &message, PATIENCE, |line| lines.push(line.to_owned())).unwrap();
        (sound, lines)
    }

    pub fn status(&self) -> Vec<(String, Value)> {
        self.control.lock().unwrap().status()
    }

    pub fn count(&self, name: &str) -> i64 {
        self.status().iter().find(|(of, _)| of == name).map_or(0, |(_, value)| value.number().unwrap_or(-1.0) as i64)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A socket that talks to the stage and hears its answers.
pub fn socket(stage: &Stage) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(stage.address()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

pub fn message(address: &str, args: Vec<Arg>) -> Packet {
    Packet::Message(rackd::wire::Message::new(address, args))
}

/// Waits until all that was sent before has come through.
pub fn sync(socket: &UdpSocket, token: i32) {
    socket.send(&encode(&message("/sync", vec![Arg::Int(token)]))).unwrap();
    let mut buffer = [0; 65_536];
    loop {
        let length = socket.recv(&mut buffer).expect("the daemon answers");
        if decode(&buffer[..length]) == Ok(message("/synced", vec![Arg::Int(token)])) {
            return;
        }
    }
}

#[test]
fn it_answers_where_it_is_asked_from() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let stage = Stage::new(TONE, at);
        assert_eq!(stage.send("/ping", vec![Value::Integer(7), "x".into()]), (true, vec!["/pong 7 x".into()]));
        assert_eq!(stage.send("/t/amount", vec![Value::Number(0.5)]), (true, vec![]));
        assert_eq!(stage.send("/t/amount", vec![]), (true, vec!["/t/amount 0.5".into()]));
        let (sound, lines) = stage.send("/t/amont", vec![Value::Number(0.5)]);
        assert!(!sound && lines[0].starts_with("/fail /t/amont unknown-address") && lines[0].contains("/t/amount"), "{lines:?}");
        let (sound, lines) = stage.send("/t/amount", vec![Value::Number(2.0)]);
        assert!(sound && lines[0].starts_with("/fail /t/amount clipped"), "{lines:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_told() {
    let stage = Stage::new(TONE, "127.0.0.1:0");
    let taken = stage.address();
    let Err(error) = Server::start(&Listen::udp(taken), &stage.control) else { panic!("the port was given twice") };
    assert!(matches!(error, OpenError::Taken(Spot::Udp(at)) if at == taken));
    assert!(error.to_string().contains("--osc 127.0.0.1:"), "{error}");
    let Err(error) = Server::start(&Listen::udp("192.0.2.1:0".parse().unwrap()), &stage.control) else {
        panic!("a foreign address was given")
    };
    assert!(matches!(error, OpenError::NotHere(_)), "{error}");
}

#[test]
fn stopping_frees_the_port() {
    let stage = Stage::new(TONE, "127.0.0.1:0");
    let at = stage.address();
    let control = Arc::clone(&stage.control);
    drop(stage);
    assert!(Server::start(&Listen::udp(at), &control).is_ok());
}

#[test]
fn every_type_of_number_turns_a_knob() {
    let stage = Stage::new(TONE, "127.0.0.1:0");
    let socket = socket(&stage);
    let cases = [
        (Arg::Int(1), 1.0),
        (Arg::Float(0.5), 0.5),
        (Arg::Double(0.25), 0.25),
        (Arg::Long(0), 0.0),
        (Arg::Text("0.75".into()), 0.75),
        (Arg::Bool(false), 0.0),
        (Arg::Text("30 %".into()), 0.3),
        (Arg::Array(vec![Arg::Float(0.6)]), 0.6),
    ];
    for (token, (arg, expected)) in cases.into_iter().enumerate() {
        socket.send(&encode(&message("/t/amount", vec![arg.clone()]))).unwrap();
        sync(&socket, token as i32);
        let asked = stage.control.lock().unwrap().value_at("/t/amount").unwrap();
        assert!((asked[0].number().unwrap() - expected).abs() < 1e-6, "{arg:?} gives {asked:?}");
    }
    for arg in [Arg::Blob(vec![0; 4]), Arg::Nil, Arg::Midi([0; 4]), Arg::Float(f32::NAN), Arg::Text("loud".into())] {
        socket.send(&encode(&message("/t/amount", vec![arg.clone()]))).unwrap();
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).unwrap();
        let Ok(Packet::Message(answer)) = decode(&buffer[..length]) else { panic!("{arg:?} is answered by no message") };
        assert_eq!(answer.address, "/fail", "{arg:?}");
    }
    let asked = stage.control.lock().unwrap().value_at("/t/amount").unwrap();
    assert!((asked[0].number().unwrap() - 0.6).abs() < 1e-6, "what is refused changes nothing");
}

#[test]
fn a_broken_bundle_does_nothing() {
    let stage = Stage::new(TONE, "127.0.0.1:0");
    let socket = socket(&stage);
    let sound = encode(&Packet::Bundle(Bundle { time: 1, elements: vec![message("/t/amount", vec![Arg::Float(0.9)]); 2] }));
    let broken_second = [&sound[..sound.len() - 24], b"\0\0\0\x14t/amount\0\0\0,f\0\0\0\0\0\0".as_slice()].concat();
    let left_over = [&sound[..], b"abcd"].concat();
    for bytes in [&broken_second, &left_over, &sound[..sound.len() - 4].to_vec()] {
        socket.send(bytes).unwrap();
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).unwrap();
        assert!(matches!(decode(&buffer[..length]), Ok(Packet::Message(answer)) if answer.address == "/fail"));
    }
    sync(&socket, 1);
    let asked = stage.control.lock().unwrap().value_at("/t/amount").unwrap();
    assert!((asked[0].number().unwrap() - 0.2).abs() < 1e-6);
    assert_eq!((stage.count("malformed"), stage.count("packets")), (3, 4));
}

/// A flood of bytes that mean nothing, and of bytes that nearly do, into a tone: it goes on without a gap, and all is counted.
#[test]
fn ten_thousand_random_and_ten_thousand_mutated_packets() {
    let stage = Stage::new(TONE, "127.0.0.1:0");
    let socket = socket(&stage);
    sync(&socket, -1);
    let recorded = recorded();
    let mut chance = Chance(7);
    let mut sent = 1;
    let from = stage.heard.lock().unwrap().len();
    for step in 0..20_000 {
        let bytes = if step < 10_000 { chance.datagram() } else { chance.mutated(&chance_pick(&mut Chance(step), &recorded)) };
        // Packets of no bytes at all are packets too.
        if socket.send(&bytes).is_ok() {
            sent += 1;
        }
        if step % 200 == 199 {
            sync(&socket, step as i32);
            sent += 1;
        }
    }
    sync(&socket, -2);
    sent += 1;
    assert_eq!(stage.count("packets"), sent);
    assert!(stage.count("malformed") > 1000);
    assert_eq!(stage.count("messages"), stage.count("accepted") + stage.count("refused"));
    let causes: i64 =
        stage.status().iter().filter(|(name, _)| name.starts_with("malformed/")).map(|(_, x)| x.number().unwrap() as i64).sum();
    assert_eq!(causes, stage.count("malformed"));
    let waiting = stage.count("merged") + stage.count("dropped") + stage.count("waiting");
    assert_eq!(stage.count("events"), stage.count("fed") + waiting);
    let heard = stage.heard.lock().unwrap()[from..].to_vec();
    let step = std::f32::consts::TAU * 1000.0 / 48_000.0 * 0.2;
    assert!(heard.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 1.01 * step), "the tone has a step in it");
    assert!(heard.chunks_exact(96).all(|block| block.iter().any(|x| x.abs() > 0.19)), "the tone has a gap");
}

fn chance_pick(chance: &mut Chance, recorded: &[(String, Vec<u8>, String)]) -> Vec<u8> {
    chance.pick(recorded).1.clone()
}

#[test]
fn a_bundle_sounds_on_its_sample_whatever_the_buffer() {
    for buffer in [16, 64, 113, 512, 4096] {
        let (mut control, mut engine) = pair(Vec::new());
        assert!(control.load("t", SYNTH, None).is_ok());
        let mut out = vec![0.0; 2 * buffer];
        engine.run(&[], 0, &mut out, 2);
        control.tick();
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
        control.clock().anchor(engine.now(), now);
        let control = Arc::new(Mutex::new(control));
        let server = Server::start(&Listen::udp("127.0.0.1:0".parse().unwrap()), &control).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server.addresses()[0]).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let note = message("/t/note/on", vec![Arg::Int(1), Arg::Int(69), Arg::Float(1.0)]);
        let bundle = Packet::Bundle(Bundle { time: from_unix_nanos(now + 200_000_000), elements: vec![note] });
        socket.send(&encode(&bundle)).unwrap();
        socket.send(&encode(&message("/ping", vec![]))).unwrap();
        assert!(socket.recv(&mut [0; 64]).is_ok());
        let mut heard = Vec::new();
        while heard.len() < 12_000 {
            control.lock().unwrap().tick();
            engine.run(&[], 0, &mut out, 2);
            heard.extend(out.chunks(2).map(|frame| frame[0]));
        }
        // 200 ms are 9600 samples.
        let first = first_change(&heard).expect("a note") as u64;
        assert_eq!(first, 9_600, "with {buffer} frames a buffer");
        assert_eq!(control.lock().unwrap().shown().late.load(Relaxed), 0);
    }
}
