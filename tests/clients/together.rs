//! Engines that are armed start together: on one JACK server in the same frame.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::daemon::Daemon;
use super::jack::{Jack, until};
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
    let desks = engines.each_ref().map(Speaker::to);
    let recording = jack.record_ports(600.0, &ports);
    let mut skews = Vec::new();
    for _ in 0..STARTS {
        desks.iter().for_each(|desk| desk.say("/transport/arm"));
        let lead = desks.iter().map(|desk| desk.wait("/ready")[1].number().unwrap()).fold(0.0, f64::max);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        desks.iter().for_each(|desk| desk.say_at(now + Duration::from_secs_f64(lead + 0.02), "/transport/play"));
        for desk in &desks {
            skews.push(desk.wait("/transport/started")[2].number().unwrap());
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
    // Half a callback of 256 frames, and how well the clock is known; now and then a busy machine holds the server up.
    skews.iter_mut().for_each(|skew| *skew = skew.abs());
    skews.sort_by(f64::total_cmp);
    let most = skews[skews.len() * 9 / 10];
    assert!(most < 2.67 + 1.0, "one start in ten was off by {most} ms and more");
}
