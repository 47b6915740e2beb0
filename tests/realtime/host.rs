//! What a host does around the engine in a callback: tap, line of time, input, resampler, load, errors.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rackd::host::{Attempt, Audio, Choice, HostName, Opened, Opener, Options, Parts, Running};
use rackd::rt::clock::WallClock;
use rackd::rt::tap::tap;

use super::calls;

/// Callbacks of many lengths on a device of this rate, and of one that captures at another: how many were given sound, and how often memory
/// was asked for or given back while it was played, and while it was captured.
fn callbacks(rate: u32) -> (usize, usize, usize) {
    let (to, counted) = channel();
    let (heard, captured) = channel();
    let opener: Opener = Arc::new(move |attempt: &Attempt| {
        let Some(end) = attempt.output() else {
            let (mut inlet, to) = (attempt.input().ok_or("an input")?.inlet(44_100, false)?, heard.clone());
            thread::spawn(move || {
                let mut count = 0;
                for call in 0..300usize {
                    count += calls(|| inlet.push(1 + call * 37 % 700, 1, |at| at as f32 * 1e-4));
                    thread::sleep(Duration::from_micros(500));
                }
                let _ = to.send(count);
            });
            let running = Running { host: "alsa", device: "made up".into(), rate: 44_100, buffer: None, channels: 1, resampled: true };
            return Ok(Opened { running, stream: Box::new(()) });
        };
        let (mut outlet, alarm, to) = (end.outlet(rate)?, end.alarm(), to.clone());
        thread::spawn(move || {
            let (mut given, mut count) = (0, 0);
            for call in 0..2000usize {
                count += calls(|| {
                    given += usize::from(outlet.fill(1 + call * 37 % 700, Duration::from_millis(5), |_| {}));
                    alarm.xrun();
                });
                if call < 20 {
                    // So that the tap is changed while it plays.
                    thread::sleep(Duration::from_millis(5));
                }
            }
            let _ = to.send((given, count));
        });
        let running = Running { host: "alsa", device: "made up".into(), rate, buffer: None, channels: 2, resampled: false };
        Ok(Opened { running, stream: Box::new(()) })
    });
    let options = Options { host: HostName::Other("alsa"), input: Some("default".into()), ..Options::default() };
    let choice = Choice { options, rate: 48_000, trouble: None };
    let (tap, _end) = tap(2, 96_000);
    let parts = Parts {
        player: Box::new(|_: &[f32], _: usize, output: &mut [f32], _: usize| output.fill(0.5)),
        shown: Arc::default(),
        clock: Some(WallClock::new(48_000)),
        tap: Some(tap),
    };
    let (mut audio, _events) = Audio::start_with(&choice, parts, opener).unwrap();
    let mut door = audio.take_tap_door().unwrap();
    thread::sleep(Duration::from_millis(30));
    assert!(door.set(None));
    let (given, count) = counted.recv().unwrap();
    (given, count, captured.recv().unwrap())
}

#[test]
fn no_callback_allocates() {
    for rate in [48_000, 44_100] {
        let (given, count, captured) = callbacks(rate);
        assert!(given > 1000, "{given} callbacks were given sound at {rate} Hz");
        assert_eq!((count, captured), (0, 0), "at {rate} Hz");
    }
}
