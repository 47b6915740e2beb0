//! The beats that somebody tells over OSC lead the beat clock: what is heard of it.

use rackd::control::When;

use super::desk::{Desk, RATE};

/// One frame of sound for every quarter.
const QUARTERS: &str = r#"
format = 1
[global.click]
type = "adsr"
gate = "1/4"
attack = 0
sustain = 1
release = 0
[out]
in = "click * 0.5"
"#;

struct Sender {
    desk: Desk,
    chance: u64,
    /// Frames so far, and the frames in which a quarter was heard.
    now: u64,
    clicks: Vec<u64>,
    /// Milliseconds to either side.
    jitter: f64,
}

impl Sender {
    fn new(jitter: f64) -> Self {
        let mut desk = Desk::new(QUARTERS);
        desk.quietly("/transport/stop");
        desk.run(480);
        let now = desk.engine.now();
        Self { desk, chance: 1, now, clicks: Vec::new(), jitter }
    }

    fn run(&mut self, to: f64) {
        while (self.now as f64) < to {
            let heard = self.desk.run(64);
            let clicks = heard.iter().enumerate().filter(|(_, x)| **x > 0.1).map(|(at, _)| self.now + at as u64);
            self.clicks.extend(clicks);
            self.now += 64;
        }
    }

    /// Tells a beat, for its time or as it comes.
    fn tell(&mut self, beat: f64, at: f64, tagged: bool) {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let by = ((self.chance >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * self.jitter * RATE as f64 / 1000.0;
        self.run(at + by - if tagged { 4800.0 } else { 0.0 });
        let time = if tagged { When::At((at + by) as u64) } else { When::Now };
        let answers = self.desk.bundle(time, &[&format!("/clock {beat}")]);
        assert!(answers.is_empty(), "{answers:?}");
    }
}

/// How far quarters lie off a straight line of them that begins with beat 0 [ms].
fn off(clicks: &[u64], zero: f64, quarter: f64) -> Vec<f64> {
    let nearest = |at: u64| ((at as f64 - zero) / quarter).round();
    clicks.iter().map(|at| (*at as f64 - zero - nearest(*at) * quarter) / f64::from(RATE) * 1000.0).collect()
}

#[test]
fn beats_that_are_told_lead_whatever_their_distance_and_none_is_lost() {
    for (tempo, step, tagged, jitter) in
        [(97.3, 1.0, true, 2.0), (120.0, 0.25, false, 2.0), (133.0, 0.5, true, 0.0), (64.0, 4.0, true, 1.0)]
    {
        let mut sender = Sender::new(jitter);
        sender.desk.quietly("/clock/source osc");
        let (quarter, start) = (60.0 * f64::from(RATE) / tempo, sender.now as f64 + 9600.0);
        let count = (160.0 / step) as usize;
        for n in 0..count {
            let beat = n as f64 * step;
            sender.tell(beat, start + beat * quarter, tagged);
        }
        sender.run(start + 160.0 * quarter - 2000.0);
        // All but what went by before it was known how far they lie apart.
        let whole = sender.clicks.iter().filter(|at| **at as f64 > start + 59.5 * quarter).count();
        assert_eq!(whole, 100, "none is lost and none comes twice");
        let settled = off(&sender.clicks[sender.clicks.len() - 90..], start, quarter);
        let worst = settled.iter().fold(0.0f64, |worst, off| worst.max(off.abs()));
        println!("{tempo} bpm, told every {step}: {worst:.3} ms");
        // One that came as it came acts with the next block.
        let least = if tagged { 0.1 } else { 1.5 };
        assert!(worst < least + jitter * 0.4, "{settled:?}");
        assert!((sender.desk.ask("/clock/tempo") - tempo).abs() < 0.1);
        assert_eq!(sender.desk.say("/clock/source"), ["/clock/source osc"]);
    }
}

#[test]
fn it_follows_jumps_and_goes_on_by_itself_when_nobody_tells_beats_any_more() {
    let mut sender = Sender::new(0.0);
    assert_eq!(sender.desk.fails("/clock 0"), "not-allowed");
    sender.desk.quietly("/clock/source osc");
    assert_eq!(sender.desk.fails("/clock x"), "wrong-arguments");
    assert_eq!(sender.desk.fails("/clock -1"), "wrong-arguments");
    let (start, half) = (sender.now as f64 + 9600.0, 12_000.0);
    let mut at = start;
    // From beat 8.25 on, then a loop from 16.25 back to 4.25.
    for beat in (0..16).map(|n| 8.25 + n as f64 * 0.5).chain((0..16).map(|n| 4.25 + n as f64 * 0.5)) {
        sender.tell(beat, at, true);
        at += half;
    }
    sender.run(at - 4800.0);
    let line = sender.desk.control.shown().beat.read().unwrap();
    let here = sender.desk.engine.now();
    let want = 11.75 + (here as f64 - (at - half)) / 24_000.0;
    assert!((line.beat(here) - want).abs() < 0.01, "{} is not {want}", line.beat(here));
    assert_eq!(sender.desk.status("clock-locked"), 1);
    sender.run(at + 200_000.0);
    assert_eq!(sender.desk.status("clock-locked"), 0, "nobody leads");
    assert!((sender.desk.ask("/clock/tempo") - 120.0).abs() < 0.05, "the tempo stays");
    let line = sender.desk.control.shown().beat.read().unwrap();
    assert!(line.running);
    sender.desk.quietly("/clock/source internal");
    assert_eq!(sender.desk.say("/clock/source"), ["/clock/source internal"]);
}
