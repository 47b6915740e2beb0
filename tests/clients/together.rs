//! Engines that are armed start together: on one JACK server in the same frame, on two as near as their clocks.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::daemon::Daemon;
use super::jack::{Jack, until};
use super::midi::Python;
use super::speaker::Speaker;

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

/// Starts both engines as often, by what they answer; by how much each says that it was off [ms].
fn start(engines: &[Daemon; 2]) -> Vec<f64> {
    let desks = engines.each_ref().map(Speaker::to);
    let mut skews = Vec::new();
    for _ in 0..STARTS {
        desks.iter().for_each(|desk| desk.say("/transport/arm"));
        let lead = desks.iter().map(|desk| desk.wait("/ready")[1].number().unwrap()).fold(0.0, f64::max);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        desks.iter().for_each(|desk| desk.say_at(now + Duration::from_secs_f64(lead + 0.02), "/transport/play"));
        for desk in &desks {
            skews.push(desk.wait("/transport/started")[2].number().unwrap());
        }
        sleep(TURN.saturating_sub(Duration::from_millis(100)));
    }
    sleep(Duration::from_millis(200));
    skews
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
    let recording = jack.record_ports(600.0, &ports);
    let mut skews = start(&engines);
    let samples = recording.end();
    let onsets = [0, 1].map(|channel| {
        let heard: Vec<f32> = samples.iter().skip(channel).step_by(2).copied().collect();
        (1..heard.len()).filter(|at| heard[*at] > 0.2 && heard[at - 1] == 0.0).collect::<Vec<_>>()
    });
    assert_eq!(onsets[0].len(), STARTS, "each start is heard once");
    assert_eq!(onsets[0], onsets[1], "in the same frames");
    // Half a callback of 256 frames, and how well the clock is known; now and then a busy machine holds the server up.
    skews.iter_mut().for_each(|skew| *skew = skew.abs());
    skews.sort_by(f64::total_cmp);
    let most = skews[skews.len() * 9 / 10];
    assert!(most < 2.67 + 1.0, "one start in ten was off by {most} ms and more");
}

/// Servers that know nothing of each other have callbacks at moments of their own, and each engine takes the one that is nearest. What is
/// heard when is told by listeners at both, in microseconds of the clock that both servers go by.
#[test]
fn two_engines_on_servers_of_their_own_start_a_callback_apart_at_most_and_say_by_how_much() {
    let jack = Jack::start();
    let other = jack.beside();
    let servers = [&jack, &other];
    let engines = servers.map(|jack| Daemon::on(jack, CLICK, &["--midi", "none", "--paused"]));
    let mut listeners = servers.map(|jack| Python::start(jack, "hear", "listener"));
    for (jack, listener) in servers.into_iter().zip(&mut listeners) {
        let mut port = None;
        until("the daemon has a port", Duration::from_secs(20), || {
            port = jack.ports("rackd").into_iter().find(|port| port.ends_with("out_0"));
            port.is_some()
        });
        assert_eq!(listener.say(&format!("connect {} sound", port.unwrap())), "connected");
    }
    let said = start(&engines);
    let moments = listeners
        .map(|mut listener| listener.end().iter().map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).collect::<Vec<_>>());
    assert_eq!(moments.each_ref().map(Vec::len), [STARTS; 2], "each start is heard once at each");
    let apart: Vec<f64> = moments[0].iter().zip(&moments[1]).map(|(one, two)| one - two).collect();
    let off: Vec<f64> = apart.iter().zip(said.chunks(2)).map(|(apart, said)| apart - 1e3 * (said[0] - said[1])).collect();
    let [(middle, most), (wrong, _)] = [apart, off].map(|list| {
        let mut sizes: Vec<f64> = list.into_iter().map(f64::abs).collect();
        sizes.sort_by(f64::total_cmp);
        (sizes[STARTS / 2], sizes[STARTS - 1])
    });
    println!(
        "{STARTS} starts on two servers: {middle:.0} µs apart in the middle, {most:.0} at most; what they said is {wrong:.0} µs off it"
    );
    // A callback lasts 5,333 µs. What they say is not held here: where a busy machine lets a server lose time, it takes seconds until it is
    // right again.
    assert!(middle < 5_400.0, "in the middle {middle} µs apart");
}
