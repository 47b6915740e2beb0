//! A device that captures beside one that plays: another rate and another clock come through, and its end is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use rackd::host::{Attempt, Audio, Choice, HostEvent, HostName, Opened, Opener, Options, Parts, Running};
use rackd::rt::tap::tap;

/// How long a test waits for what must come; none depends on how soon it does.
const PATIENCE: Duration = Duration::from_secs(30);
const RATE: u32 = 48_000;

/// A stream that ends its thread when it is dropped.
struct Stream(Arc<AtomicBool>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Calls so many times a second until it is over, or `most` times.
fn paced(frames: usize, rate: u32, most: u64, over: Arc<AtomicBool>, mut call: impl FnMut() + Send + 'static) {
    thread::spawn(move || {
        let start = Instant::now();
        for count in 0..most {
            let due = start + Duration::from_secs_f64(count as f64 * frames as f64 / f64::from(rate));
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if over.load(Relaxed) {
                return;
            }
            call();
        }
    });
}

/// A made-up host without an output, on which an input by name is heard all the same.
fn deaf(opener: Opener) -> Opener {
    Arc::new(move |attempt: &Attempt| if attempt.output().is_some() { Err("no device `x`".into()) } else { opener(attempt) })
}

/// A made-up host: its output plays at the engine's rate, its input captures 0.5 at another, so many times.
fn opener(input_rate: u32, captures: u64) -> Opener {
    opener_that_keeps_up(input_rate, captures, 0)
}

/// The same, with an input that is half as fast as it says until its buffer was doubled so often.
fn opener_that_keeps_up(input_rate: u32, captures: u64, doublings: u32) -> Opener {
    Arc::new(move |attempt: &Attempt| {
        let over = Arc::new(AtomicBool::new(false));
        let rate = if let Some(end) = attempt.output() {
            let mut outlet = end.outlet(RATE)?;
            paced(256, RATE, u64::MAX, Arc::clone(&over), move || {
                outlet.fill(256, Duration::from_millis(10), |_| {});
            });
            RATE
        } else {
            let end = attempt.input().expect("an input, where it is no output");
            assert_eq!((end.rate(), end.channels()), (RATE, 2));
            let mut inlet = end.inlet(input_rate, false)?;
            let speed = if attempt.doublings < doublings { input_rate / 2 } else { input_rate };
            paced(441, speed, captures, Arc::clone(&over), move || inlet.push(441, 1, |_| 0.5));
            input_rate
        };
        let running = Running { host: "alsa", device: "made up".into(), rate, buffer: Some(256), channels: 2, resampled: rate != RATE };
        Ok(Opened { running, stream: Box::new(Stream(over)) })
    })
}

/// An engine that gives out what comes in.
fn start(opener: Opener) -> (Audio, Receiver<HostEvent>, rackd::rt::tap::TapEnd) {
    let through = |input: &[f32], from: usize, output: &mut [f32], channels: usize| {
        output.fill(0.0);
        for (frame, out) in input.chunks_exact(from.max(1)).zip(output.chunks_exact_mut(channels)) {
            out[..2].copy_from_slice(&frame[..2]);
        }
    };
    let options = Options { host: HostName::Other("alsa"), input: Some("made up".into()), ..Options::default() };
    let (tap, end) = tap(2, RATE as usize * 60);
    let parts = Parts { player: Box::new(through), shown: Arc::default(), clock: None, tap: Some(tap) };
    let (audio, events) = Audio::start_with(&Choice { options, rate: RATE, trouble: None }, parts, opener).unwrap();
    (audio, events, end)
}

fn wait_for(events: &Receiver<HostEvent>, wanted: impl Fn(&HostEvent) -> bool) -> HostEvent {
    let until = Instant::now() + PATIENCE;
    loop {
        let event = events.recv_timeout(until.saturating_duration_since(Instant::now())).expect("it happens");
        if wanted(&event) {
            return event;
        }
    }
}

#[test]
fn another_rate_and_clock_are_heard_as_they_are() {
    for (rate, plays) in [(44_100, true), (48_000, true), (48_000, false)] {
        let opener = opener(rate, u64::MAX);
        let (audio, events, mut end) = start(if plays { opener } else { deaf(opener) });
        let event = wait_for(&events, |event| matches!(event, HostEvent::InputStarted(_)));
        assert!(matches!(event, HostEvent::InputStarted(running) if running.rate == rate && running.resampled == (rate != RATE)));
        // Half a second in which what is heard is what came in, on both sides.
        let (mut steady, until) = (0usize, Instant::now() + PATIENCE);
        while steady < RATE as usize / 2 {
            assert!(Instant::now() < until, "{rate} Hz: nothing steady is heard");
            end.drain(usize::MAX, |piece| {
                for frame in piece.chunks_exact(2) {
                    steady = if frame.iter().all(|x| (x - 0.5).abs() < 0.002) { steady + 1 } else { 0 };
                }
                Ok::<(), ()>(())
            })
            .unwrap();
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(audio.on_device(), plays);
        assert!(audio.input_counts().drift().abs() <= 0.005, "no clock is believed to be worse");
    }
}

#[test]
fn an_input_that_ends_is_told_and_counted_and_opened_again() {
    let (audio, events, _end) = start(opener(RATE, 40));
    wait_for(&events, |event| matches!(event, HostEvent::InputStarted(_)));
    wait_for(&events, |event| matches!(event, HostEvent::InputLost { .. }));
    wait_for(&events, |event| matches!(event, HostEvent::InputStarted(_)));
    let [(name, underruns), (_, missing), _] = audio.input_counts().all();
    assert!(name == "underruns" && underruns >= 1 && missing >= 1, "what was heard of it ended in a gap");
}

#[test]
fn an_input_that_does_not_keep_up_is_opened_with_a_larger_buffer() {
    let (_audio, events, _end) = start(opener_that_keeps_up(RATE, u64::MAX, 1));
    wait_for(&events, |event| matches!(event, HostEvent::InputStarted(_)));
    let lost = wait_for(&events, |event| matches!(event, HostEvent::InputLost { .. }));
    let told = |why: &str| why.starts_with("it gives only 2") && why.ends_with(" frames a second; trying a larger buffer");
    assert!(matches!(&lost, HostEvent::InputLost { why } if told(why)), "{lost:?}");
    wait_for(&events, |event| matches!(event, HostEvent::InputStarted(_)));
}
