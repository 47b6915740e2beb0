//! Devices that fail in every way that real ones do: the engine's time goes on and sound comes back.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rackd::engine::doors::Shown;
use rackd::host::{Alarm, Attempt, Audio, Choice, HostEvent, HostName, Opened, Opener, Options, Parts, Player, Running};
use rackd::rt::clock::WallClock;
use rackd::rt::tap::{TapEnd, tap};

/// How long a test waits for what must come; none depends on how soon it does.
const PATIENCE: Duration = Duration::from_secs(30);
const RATE: u32 = 48_000;

/// What a made-up device does.
#[derive(Clone, Copy)]
enum Fate {
    /// It cannot be opened.
    Refuses(&'static str),
    /// It plays after so many callbacks for ever.
    Plays { rate: u32 },
    /// It stops calling after so many callbacks, without a word.
    Stalls(u64),
    /// After so many callbacks it reports errors as fast as it can.
    Storms(u64),
    /// As [`Self::Storms`], and dropping it blocks until the test ends.
    Clings(u64),
    /// The system's own code panics while it is opened.
    Panics,
}

/// Made-up devices, one fate after another; the last one for ever.
struct Bench {
    fates: Mutex<VecDeque<Fate>>,
    let_go: (Mutex<bool>, Condvar),
    opened: AtomicU64,
    errors: AtomicU64,
    /// Callbacks of streams that had been given up which were given sound all the same.
    ghosts: AtomicU64,
    /// When a stream told its loss, and how long after that it was dropped.
    told: Mutex<Option<Instant>>,
    rested: Mutex<Option<Duration>>,
}

struct Clinging(Arc<Bench>);

impl Drop for Clinging {
    fn drop(&mut self) {
        let (gone, bell) = &self.0.let_go;
        let mut gone = gone.lock().unwrap();
        while !*gone {
            gone = bell.wait(gone).unwrap();
        }
    }
}

struct Stream(Arc<AtomicBool>, Arc<Bench>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
        if let Some(told) = self.1.told.lock().unwrap().take() {
            *self.1.rested.lock().unwrap() = Some(told.elapsed());
        }
    }
}

impl Bench {
    fn new(fates: &[Fate]) -> Arc<Self> {
        Arc::new(Self {
            fates: Mutex::new(fates.iter().copied().collect()),
            let_go: (Mutex::new(false), Condvar::new()),
            opened: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            ghosts: AtomicU64::new(0),
            told: Mutex::default(),
            rested: Mutex::default(),
        })
    }

    fn opener(self: &Arc<Self>) -> Opener {
        let bench = Arc::clone(self);
        Arc::new(move |attempt| bench.open(attempt))
    }

    fn open(self: &Arc<Self>, attempt: &Attempt) -> Result<Opened, String> {
        let fate = {
            let mut fates = self.fates.lock().unwrap();
            if fates.len() > 1 { fates.pop_front().unwrap() } else { fates[0] }
        };
        let (rate, calls) = match fate {
            Fate::Refuses(why) => return Err(why.to_owned()),
            Fate::Panics => panic!("the driver is broken"),
            Fate::Plays { rate } => (rate, u64::MAX),
            Fate::Stalls(calls) | Fate::Storms(calls) | Fate::Clings(calls) => (RATE, calls),
        };
        let end = attempt.output().unwrap();
        let mut outlet = end.outlet(rate)?;
        let (alarm, bench, over) = (end.alarm(), Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let stop = Arc::clone(&over);
        self.opened.fetch_add(1, Relaxed);
        thread::spawn(move || {
            let frames = 256;
            let start = Instant::now();
            for call in 0..calls {
                let due = start + Duration::from_secs_f64(call as f64 * frames as f64 / f64::from(rate));
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if stop.load(Relaxed) {
                    return;
                }
                outlet.fill(frames, Duration::from_millis(10), |_| {});
            }
            if matches!(fate, Fate::Storms(_) | Fate::Clings(_)) {
                storm(&alarm, &bench);
            }
            // A server that goes on much later calls again.
            while !stop.load(Relaxed) && !*bench.let_go.0.lock().unwrap() {
                thread::sleep(Duration::from_millis(20));
                let born = start.elapsed() > Duration::from_secs(3);
                if born && outlet.fill(64, Duration::ZERO, |_| {}) {
                    bench.ghosts.fetch_add(1, Relaxed);
                }
            }
        });
        let stream: Box<dyn Any + Send> =
            if matches!(fate, Fate::Clings(_)) { Box::new(Clinging(Arc::clone(self))) } else { Box::new(Stream(over, Arc::clone(self))) };
        let running =
            Running { host: "alsa", device: "made up".into(), rate, buffer: Some(256), channels: 2, resampled: rate != end.rate() };
        Ok(Opened { running, stream })
    }
}

fn storm(alarm: &Alarm, bench: &Bench) {
    for _ in 0..100_000 {
        alarm.fatal(|| {
            bench.errors.fetch_add(1, Relaxed);
            *bench.told.lock().unwrap() = Some(Instant::now());
            "the card was pulled out".to_owned()
        });
    }
}

/// An engine that counts its frames, so that a lost or doubled one shows.
fn play(bench: &Arc<Bench>) -> (Audio, Receiver<HostEvent>, TapEnd) {
    let mut at = 0u64;
    let count = move |_: &[f32], _: usize, output: &mut [f32], channels: usize| {
        for frame in output.chunks_exact_mut(channels) {
            frame.fill((at % 65_536) as f32);
            at += 1;
        }
    };
    let (tap, end) = tap(2, RATE as usize * 60);
    let choice = Choice { options: Options { host: HostName::Other("alsa"), ..Options::default() }, rate: RATE, trouble: None };
    let parts = Parts { player: Box::new(count), shown: Arc::default(), clock: None, tap: Some(tap) };
    let (audio, events) = Audio::start_with(&choice, parts, bench.opener()).unwrap();
    (audio, events, end)
}

fn wait(events: &Receiver<HostEvent>) -> HostEvent {
    loop {
        match events.recv_timeout(PATIENCE).expect("something happens") {
            // Depends on how busy the machine is.
            HostEvent::Xruns(_) | HostEvent::Skipped(_) => {}
            event => return event,
        }
    }
}

fn wait_frames(end: &TapEnd, frames: usize) {
    let until = Instant::now() + PATIENCE;
    let goal = end.waiting() + frames;
    while end.waiting() < goal {
        assert!(Instant::now() < until, "time stands still");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Every frame once and in order, whoever drove.
fn check_time(end: &mut TapEnd) -> usize {
    assert_eq!(end.lost(), 0);
    let mut at = 0;
    end.drain(usize::MAX, |piece| {
        for frame in piece.chunks_exact(2) {
            assert_eq!(frame[0], (at % 65_536) as f32, "frame {at}");
            at += 1;
        }
        Ok::<(), ()>(())
    })
    .unwrap();
    at
}

fn release(bench: &Bench) {
    *bench.let_go.0.lock().unwrap() = true;
    bench.let_go.1.notify_all();
}

/// Plays nothing, and notes what it is told.
struct Listener(Arc<[AtomicU64; 3]>);

impl Player for Listener {
    fn run(&mut self, _: &[f32], _: usize, _: &mut [f32], _: usize) {}
    fn expect(&mut self, _: Instant) {
        self.0[0].fetch_add(1, Relaxed);
    }
    fn loaded(&mut self, share: f32, frames: usize) {
        assert!(share > 0.0);
        self.0[1].fetch_add(1, Relaxed);
        self.0[2].store(frames as u64, Relaxed);
    }
}

#[test]
fn a_device_tells_its_load_and_the_silent_clock_none() {
    let bench = Bench::new(&[Fate::Plays { rate: RATE }]);
    for (host, tells) in [(HostName::Other("alsa"), true), (HostName::Silent, false)] {
        let told: Arc<[AtomicU64; 3]> = Arc::default();
        let choice = Choice { options: Options { host, ..Options::default() }, rate: RATE, trouble: None };
        let shown = Arc::new(Shown::default());
        let parts = Parts { player: Box::new(Listener(Arc::clone(&told))), shown: Arc::clone(&shown), clock: None, tap: None };
        let (audio, _events) = Audio::start_with(&choice, parts, bench.opener()).unwrap();
        let until = Instant::now() + PATIENCE;
        while told[usize::from(tells)].load(Relaxed) < 20 {
            assert!(Instant::now() < until, "time stands still");
            thread::sleep(Duration::from_millis(5));
        }
        drop(audio);
        let [expected, loaded, frames] = [0, 1, 2].map(|at| told[at].load(Relaxed));
        assert!(expected >= loaded && (loaded > 0) == tells && frames == if tells { 256 } else { 0 });
        // The last one may have ended between the two.
        assert!(shown.shares.callbacks().abs_diff(expected) <= 1, "each callback is in the histogram");
    }
    release(&bench);
}

#[test]
fn a_device_that_falls_silent_is_noticed_and_time_goes_on() {
    let bench = Bench::new(&[Fate::Stalls(20), Fate::Plays { rate: RATE }]);
    let (audio, events, mut end) = play(&bench);
    assert!(matches!(wait(&events), HostEvent::Started(_)));
    let HostEvent::Lost { why } = wait(&events) else { panic!("the stall was not noticed") };
    assert_eq!(why, "it does not ask for sound any more");
    assert!(matches!(wait(&events), HostEvent::Back(_)));
    wait_frames(&end, 4800);
    assert!(audio.on_device());
    drop(audio);
    release(&bench);
    assert!(check_time(&mut end) > 20 * 256 + 4800);
}

#[test]
fn a_storm_of_errors_is_one_loss() {
    let bench = Bench::new(&[Fate::Storms(20), Fate::Plays { rate: RATE }]);
    let (audio, events, mut end) = play(&bench);
    assert!(matches!(wait(&events), HostEvent::Started(_)));
    let HostEvent::Lost { why } = wait(&events) else { panic!("the error was not noticed") };
    assert_eq!(why, "the card was pulled out");
    assert!(matches!(wait(&events), HostEvent::Back(_)));
    assert_eq!(bench.errors.load(Relaxed), 1, "of a hundred thousand errors one was put into words");
    // The next stream is opened only after it: where the library ends the threads of a lost stream, no callback may still be on them.
    let rested = bench.rested.lock().unwrap().expect("the lost stream is dropped before the next is opened");
    assert!(rested >= Duration::from_millis(100), "dropped {rested:?} after it told of its loss");
    drop(audio);
    release(&bench);
    check_time(&mut end);
}

#[test]
fn a_stream_whose_drop_blocks_stands_in_nobodys_way_and_never_drives_again() {
    let bench = Bench::new(&[Fate::Clings(20), Fate::Plays { rate: RATE }]);
    let (audio, events, mut end) = play(&bench);
    assert!(matches!(wait(&events), HostEvent::Started(_)));
    assert!(matches!(wait(&events), HostEvent::Lost { .. }));
    assert!(matches!(wait(&events), HostEvent::Back(_)), "while the old one is still being dropped");
    wait_frames(&end, RATE as usize * 4); // the old one has come to life again by now
    assert_eq!(bench.ghosts.load(Relaxed), 0);
    drop(audio); // must not wait for the one that hangs
    release(&bench);
    check_time(&mut end);
}

#[test]
fn no_device_is_told_once_and_tried_again() {
    let no = Fate::Refuses("alsa: no sound card");
    let bench = Bench::new(&[no, no, Fate::Panics, no, Fate::Plays { rate: RATE }]);
    let (audio, events, mut end) = play(&bench);
    assert_eq!(wait(&events), HostEvent::Silent { why: "alsa: no sound card".into() });
    wait_frames(&end, 480);
    assert_eq!(wait(&events), HostEvent::Silent { why: "the sound system failed in itself".into() });
    assert_eq!(wait(&events), HostEvent::Silent { why: "alsa: no sound card".into() });
    let HostEvent::Started(running) = wait(&events) else { panic!("a device that comes is taken") };
    assert_eq!((running.device.as_str(), running.rate), ("made up", RATE));
    drop(audio);
    release(&bench);
    check_time(&mut end);
}

#[test]
fn a_device_that_comes_back_at_another_rate_is_resampled_and_the_engine_keeps_its_own() {
    let bench = Bench::new(&[Fate::Stalls(20), Fate::Plays { rate: 44_100 }]);
    let (audio, events, mut end) = play(&bench);
    assert!(matches!(wait(&events), HostEvent::Started(_)));
    assert!(matches!(wait(&events), HostEvent::Lost { .. }));
    let HostEvent::Back(running) = wait(&events) else { panic!("not back") };
    assert!(running.resampled && running.rate == 44_100);
    wait_frames(&end, 48_000);
    drop(audio);
    release(&bench);
    check_time(&mut end);
}

#[test]
fn the_silent_clock_keeps_time_and_tells_when_each_frame_is() {
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let choice = Choice::make(Options { host: HostName::Silent, rate: Some(8_000), ..Options::default() });
    assert_eq!((choice.rate, &choice.trouble), (8_000, &None));
    let clock = WallClock::new(8_000);
    let shown: Arc<rackd::engine::doors::Shown> = Arc::default();
    let (tap, mut end) = tap(2, 80_000);
    let quiet = |_: &[f32], _: usize, output: &mut [f32], _: usize| output.fill(0.25);
    let parts = Parts { player: Box::new(quiet), shown: Arc::clone(&shown), clock: Some(clock.clone()), tap: Some(tap) };
    let (audio, events) = Audio::start(&choice, parts).unwrap();
    assert!(matches!(wait(&events), HostEvent::Silent { .. }));
    wait_frames(&end, 8_000);
    assert!(!audio.on_device());
    drop(audio);
    // The first frame is heard about when it was asked for.
    let off = (clock.unix_nanos_of(0).unwrap() - before.as_nanos() as i64) as f64 / 1e9;
    assert!((0.0..30.0).contains(&off), "frame 0 is heard after {off} s");
    assert!(f32::from_bits(shown.load.load(Relaxed)) > 0.0, "the load is shown");
    let mut frames = 0;
    end.drain(usize::MAX, |piece| {
        assert!(piece.iter().all(|x| *x == 0.25));
        frames += piece.len() / 2;
        Ok::<(), ()>(())
    })
    .unwrap();
    assert!(frames >= 8_000);
}

#[test]
fn a_tap_can_be_put_in_and_taken_out_while_it_plays() {
    let bench = Bench::new(&[Fate::Plays { rate: RATE }]);
    let (mut audio, events, end) = play(&bench);
    assert!(matches!(wait(&events), HostEvent::Started(_)));
    let mut door = audio.take_tap_door().unwrap();
    let (second, second_end) = tap(2, 480_000);
    assert!(door.set(Some(second)));
    wait_frames(&second_end, 480);
    let until = Instant::now() + PATIENCE;
    while !end.is_abandoned() {
        assert!(Instant::now() < until, "the first tap comes home and is dropped");
        door.collect();
        thread::sleep(Duration::from_millis(5));
    }
    while !door.set(None) {
        thread::sleep(Duration::from_millis(5));
    }
    while !second_end.is_abandoned() {
        assert!(Instant::now() < until, "the second as well");
        door.collect();
        thread::sleep(Duration::from_millis(5));
    }
    release(&bench);
}
