//! A real JACK server: sound that a third party captures, a crash, a hang, another rate.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use super::jackd::{Jackd, capture, in_its_own_process, scratch, wait_port};
use rackd::host::{Audio, Choice, HostEvent, HostName, Options, Parts};

const PATIENCE: Duration = Duration::from_secs(30);

/// A tone of 441 Hz at half of full scale, and how many frames of it were played.
fn play(options: Options) -> (Audio, Receiver<HostEvent>, Arc<AtomicU64>) {
    let choice = Choice::make(options);
    let (frames, rate) = (Arc::new(AtomicU64::new(0)), f64::from(choice.rate));
    let count = Arc::clone(&frames);
    let tone = move |_: &[f32], _: usize, output: &mut [f32], channels: usize| {
        for frame in output.chunks_exact_mut(channels) {
            let at = count.fetch_add(1, Relaxed);
            frame.fill((0.5 * (TAU * (at as f64 * 441.0 / rate).fract()).sin()) as f32);
        }
    };
    let parts = Parts { player: Box::new(tone), shown: Arc::default(), clock: None, tap: None };
    let (audio, events) = Audio::start(&choice, parts).unwrap();
    (audio, events, frames)
}

fn jack() -> Options {
    Options { host: HostName::Jack, ..Options::default() }
}

fn wait(events: &Receiver<HostEvent>) -> HostEvent {
    loop {
        match events.recv_timeout(PATIENCE).expect("something happens") {
            HostEvent::Xruns(_) | HostEvent::Skipped(_) => {}
            event => return event,
        }
    }
}

/// Time goes on.
fn advances(frames: &AtomicU64) {
    let (from, until) = (frames.load(Relaxed), Instant::now() + PATIENCE);
    while frames.load(Relaxed) < from + 4_800 {
        assert!(Instant::now() < until, "time stands still");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What is captured is the tone: its pitch [Hz] from the whole length, its level, and no step that a sine of it has not.
fn check_tone(rate: f64) {
    let port = wait_port("rackd_out:out_0");
    let heard = capture(&port, 1.0, &scratch("tone.wav"));
    // A busy machine may make the server skip a cycle; a gap shows as silence. The tone is looked at where it is whole.
    let start = heard.iter().position(|x| x.abs() > 0.01).expect("something is heard");
    let step = 0.5 * TAU * 441.0 / rate * 1.01 + 1e-4;
    let end = (start + 1..heard.len()).find(|at| f64::from((heard[*at] - heard[*at - 1]).abs()) > step).unwrap_or(heard.len());
    let tone = &heard[start + 1..end.max(start + 2) - 1];
    assert!(tone.len() > rate as usize / 4, "only {} frames of tone without a step", tone.len());
    let rises: Vec<f64> = tone
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] <= 0.0 && pair[1] > 0.0)
        .map(|(at, pair)| at as f64 + f64::from(-pair[0] / (pair[1] - pair[0])))
        .collect();
    let hertz = (rises.len() - 1) as f64 * rate / (rises[rises.len() - 1] - rises[0]);
    let cents = 1200.0 * (hertz / 441.0).log2();
    let peak = tone.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    println!("captured {} frames at {rate} Hz: {hertz:.3} Hz ({cents:+.3} cents), peak {peak:.4}", tone.len());
    assert!(cents.abs() < 1.0, "{hertz} Hz");
    assert!((peak - 0.5).abs() < 0.005, "peak {peak}");
}

#[test]
fn sound_is_back_after_the_server_was_killed_and_started_again() {
    in_its_own_process("host_jack::sound_is_back_after_the_server_was_killed_and_started_again", |name| {
        let server = Jackd::start(name, 48_000, 128);
        let (audio, events, frames) = play(jack());
        let HostEvent::Started(running) = wait(&events) else { panic!("it does not start") };
        assert_eq!((running.host, running.rate, running.buffer, running.resampled), ("jack", 48_000, Some(128), false));
        check_tone(48_000.0);

        let killed = Instant::now();
        server.crash();
        let HostEvent::Lost { why } = wait(&events) else { panic!("the crash is not noticed") };
        println!("lost after {:?}: {why}", killed.elapsed());
        assert!(!audio.on_device());
        advances(&frames);

        let _server = Jackd::start(name, 48_000, 256);
        let started = Instant::now();
        let HostEvent::Back(running) = wait(&events) else { panic!("it does not come back") };
        println!("back after {:?}", started.elapsed());
        assert_eq!(running.buffer, Some(256));
        check_tone(48_000.0);
        drop(audio);
    });
}

#[test]
fn a_server_that_hangs_is_left_and_taken_again_when_it_goes_on() {
    in_its_own_process("host_jack::a_server_that_hangs_is_left_and_taken_again_when_it_goes_on", |name| {
        let server = Jackd::start(name, 48_000, 128);
        let (audio, events, frames) = play(jack());
        assert!(matches!(wait(&events), HostEvent::Started(_)));
        let until = Instant::now() + PATIENCE;
        while !audio.on_device() {
            assert!(Instant::now() < until);
            thread::sleep(Duration::from_millis(5));
        }
        server.signal("STOP");
        let stopped = Instant::now();
        assert!(matches!(wait(&events), HostEvent::Lost { .. }));
        println!("the hang was noticed after {:?}", stopped.elapsed());
        advances(&frames);
        server.signal("CONT");
        assert!(matches!(wait(&events), HostEvent::Back(_)));
        check_tone(48_000.0);
        drop(audio);
    });
}

#[test]
fn a_server_at_another_rate_is_reached_through_a_resampler() {
    in_its_own_process("host_jack::a_server_at_another_rate_is_reached_through_a_resampler", |name| {
        let _server = Jackd::start(name, 44_100, 256);
        let (_audio, events, _) = play(Options { rate: Some(48_000), ..jack() });
        let HostEvent::Started(running) = wait(&events) else { panic!("it does not start") };
        assert!(running.resampled && running.rate == 44_100);
        check_tone(44_100.0);
    });
}

#[test]
fn without_a_server_it_is_silent_until_one_comes_and_auto_takes_it() {
    in_its_own_process("host_jack::without_a_server_it_is_silent_until_one_comes_and_auto_takes_it", |name| {
        let (audio, events, frames) = play(jack());
        assert_eq!(wait(&events), HostEvent::Silent { why: "jack: no server runs".into() });
        advances(&frames);
        let _server = Jackd::start(name, 48_000, 128);
        assert!(matches!(wait(&events), HostEvent::Started(_)));
        drop(audio);
        // With a server, `auto` means JACK, at the server's rate.
        let choice = Choice::make(Options::default());
        assert_eq!((choice.rate, choice.trouble), (48_000, None));
        let (_audio, events, _) = play(Options::default());
        let HostEvent::Started(running) = wait(&events) else { panic!("it does not start") };
        assert_eq!(running.host, "jack");
    });
}

#[test]
fn what_is_captured_comes_out_again() {
    in_its_own_process("host_jack::what_is_captured_comes_out_again", |name| {
        let _server = Jackd::start(name, 48_000, 256);
        // One rackd plays a tone, another, under another name, hears it and passes it on.
        let (_tone, events, _) = play(jack());
        assert!(matches!(wait(&events), HostEvent::Started(_)));
        let choice = Choice::make(Options { client: "echo".into(), input: Some("default".into()), ..jack() });
        let through = |input: &[f32], channels: usize, output: &mut [f32], _: usize| {
            assert!(channels == 2);
            output.fill(0.0);
            output[..input.len()].copy_from_slice(input);
        };
        let parts = Parts { player: Box::new(through), shown: Arc::default(), clock: None, tap: None };
        let (_echo, echo_events) = Audio::start(&choice, parts).unwrap();
        assert!(matches!(wait(&echo_events), HostEvent::Started(_)));
        while !matches!(wait(&echo_events), HostEvent::InputStarted(_)) {}
        for (from, to) in [("rackd_out:out_0", "echo_in:in_0"), ("rackd_out:out_1", "echo_in:in_1")] {
            let status = std::process::Command::new("jack_connect").args([from, to]).status().unwrap();
            assert!(status.success());
        }
        thread::sleep(Duration::from_millis(300));
        let heard = capture(&wait_port("echo_out:out_0"), 1.0, &scratch("echo.wav"));
        let peak = heard.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!((peak - 0.5).abs() < 0.01, "the tone came through at {peak}");
    });
}
