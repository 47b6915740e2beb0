//! Engines that are armed start together: on one JACK server in the same frame.

use std::net::UdpSocket;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rackd::wire::packet::Bundle;
use rackd::wire::time::from_unix_nanos;
use rackd::wire::{Arg, Message, Packet, decode, encode};

use super::daemon::Daemon;
use super::jack::{Jack, until};

/// A click on the first beat.
const CLICK: &str = r#"
format = 1
tempo = 60
[global.hit]
type = "ar"
gate = "8 bars"
attack = 0
release = "20 ms"
[out]
in = "hit * 0.5"
"#;

/// How often they start.
const STARTS: usize = 100;
/// From one start to the next.
const TURN: Duration = Duration::from_millis(300);

/// Someone who speaks to one engine.
struct Desk {
    socket: UdpSocket,
}

impl Desk {
    fn at(daemon: &Daemon) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(daemon.osc).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Self { socket }
    }

    fn say(&self, address: &str) {
        self.socket.send(&encode(&Packet::Message(Message::new(address, Vec::new())))).unwrap();
    }

    fn say_at(&self, time: Duration, address: &str) {
        let elements = vec![Packet::Message(Message::new(address, Vec::new()))];
        let bundle = Packet::Bundle(Bundle { time: from_unix_nanos(time.as_nanos() as i64), elements });
        self.socket.send(&encode(&bundle)).unwrap();
    }

    /// The values of the next answer at this address.
    fn wait_for(&self, address: &str) -> Vec<Arg> {
        let mut bytes = [0; 65_536];
        loop {
            let count = self.socket.recv(&mut bytes).unwrap_or_else(|why| panic!("no {address}: {why}"));
            if let Ok(Packet::Message(message)) = decode(&bytes[..count])
                && message.address == address
            {
                return message.args;
            }
        }
    }
}

fn number(arg: &Arg) -> f64 {
    match arg {
        Arg::Float(x) => f64::from(*x),
        Arg::Double(x) => *x,
        Arg::Int(x) => f64::from(*x),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_engines_on_one_server_start_in_the_same_frame_a_hundred_times() {
    let jack = Jack::start();
    let engines = [Daemon::on(&jack, CLICK, &["--midi", "none", "--paused"]), Daemon::on(&jack, CLICK, &["--midi", "none", "--paused"])];
    engines.iter().for_each(|engine| drop(engine.wait_for("playing")));
    let mut ports = Vec::new();
    until("both have ports", Duration::from_secs(20), || {
        ports = jack.ports("rackd").into_iter().filter(|port| port.ends_with("out_0")).collect();
        ports.len() == 2
    });
    let desks = engines.each_ref().map(Desk::at);
    let recording = jack.record_ports(600.0, &ports);
    let mut skews = Vec::new();
    for _ in 0..STARTS {
        desks.iter().for_each(|desk| desk.say("/transport/arm"));
        let lead = desks.iter().map(|desk| number(&desk.wait_for("/ready")[1])).fold(0.0, f64::max);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        desks.iter().for_each(|desk| desk.say_at(now + Duration::from_secs_f64(lead + 0.02), "/transport/play"));
        for desk in &desks {
            skews.push(number(&desk.wait_for("/transport/started")[2]));
        }
        std::thread::sleep(TURN.saturating_sub(Duration::from_millis(100)));
    }
    std::thread::sleep(Duration::from_millis(200));
    let samples = recording.end();
    let onsets = [0, 1].map(|channel| {
        let heard: Vec<f32> = samples.iter().skip(channel).step_by(2).copied().collect();
        (1..heard.len()).filter(|at| heard[*at] > 0.2 && heard[at - 1] == 0.0).collect::<Vec<_>>()
    });
    assert_eq!(onsets[0].len(), STARTS, "each start is heard once");
    assert_eq!(onsets[0], onsets[1], "in the same frames");
    // Half a callback of 256 frames, and how well the clock is known.
    let most = skews.iter().fold(0.0f64, |most, skew| most.max(skew.abs()));
    assert!(most < 2.67 + 1.0, "the start was off by {most} ms");
}
