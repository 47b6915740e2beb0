//! One clock: time tags stay right when the wall clock is set, and when rackd stood still.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rackd::control::{Control, Group, Message, Value, When};
use rackd::host::{Audio, Choice, HostEvent, HostName, Options, Parts};
use rackd::rt::clock::WallClock;

use super::desk::{SYNTH, first_change, me, pair};

/// Frames that the silent clock works out at a time.
const BLOCK: i64 = 256;
const HOUR: i64 = 3_600_000_000_000;

/// An engine on the silent clock, with Control, in this process.
struct Stage {
    control: Arc<Mutex<Control>>,
    clock: WallClock,
    heard: Arc<Mutex<Vec<f32>>>,
    stop: Arc<AtomicBool>,
    ticks: Option<JoinHandle<()>>,
    audio: Option<Audio>,
    events: Receiver<HostEvent>,
}

impl Stage {
    fn new() -> Self {
        let (mut control, mut engine) = pair(Vec::new());
        assert!(control.load("t", SYNTH, None).is_ok());
        let (clock, shown) = (control.clock().clone(), Arc::clone(control.shown()));
        let heard: Arc<Mutex<Vec<f32>>> = Arc::default();
        let kept = Arc::clone(&heard);
        let play = move |_: &[f32], _: usize, output: &mut [f32], channels: usize| {
            engine.run(&[], 0, output, channels);
            kept.lock().unwrap().extend(output.chunks(channels).map(|frame| frame[0]));
        };
        let options = Options { host: HostName::Silent, rate: Some(48_000), ..Options::default() };
        let parts = Parts { player: Box::new(play), shown, clock: Some(clock.clone()), tap: None };
        let (audio, events) = Audio::start(&Choice::make(options), parts).unwrap();
        let control = Arc::new(Mutex::new(control));
        let stop = Arc::new(AtomicBool::new(false));
        let (ticking, over) = (Arc::clone(&control), Arc::clone(&stop));
        let ticks = thread::spawn(move || {
            while !over.load(Relaxed) {
                ticking.lock().unwrap().tick();
                thread::sleep(Duration::from_millis(3));
            }
        });
        let stage = Self { control, clock, heard, stop, ticks: Some(ticks), audio: Some(audio), events };
        stage.wait("the clock is set", || stage.clock.is_set());
        stage
    }

    #[track_caller]
    fn wait(&self, what: &str, mut until: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !until() {
            assert!(Instant::now() < end, "{what}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// A note 200 ms from now by the wall clock; the sample that this is, and its answers.
    fn note(&self, id: i64) -> (i64, Vec<Message>) {
        let at = self.clock.wall().now() + 200_000_000;
        let values = vec![Value::Integer(id), Value::Integer(69), Value::Number(1.0)];
        let messages = vec![Message::new("/t/note/on", values)];
        let mut control = self.control.lock().unwrap();
        (self.clock.sample_at(at).unwrap(), control.apply(me(), &[Group { at: When::Wall(at), messages }]))
    }

    fn now(&self) -> i64 {
        self.control.lock().unwrap().shown().now() as i64
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        let _ = self.ticks.take().map(JoinHandle::join);
        self.audio.take();
    }
}

#[test]
fn after_the_wall_clock_is_set_by_an_hour_tags_are_on_their_sample_again() {
    let stage = Stage::new();
    thread::sleep(Duration::from_millis(500));
    for (id, shift, step) in [(1, HOUR, HOUR), (2, 0, -HOUR)] {
        let zero = stage.clock.unix_nanos_of(0).unwrap();
        stage.clock.wall().shift(shift);
        let set = Instant::now();
        stage.wait("the line begins anew", || (stage.clock.sample_at(stage.clock.wall().now()).unwrap() - stage.now()).abs() < 20 * BLOCK);
        assert!(set.elapsed() < Duration::from_secs(2), "it took {:?}", set.elapsed());
        let line = stage.clock.unix_nanos_of(0).unwrap();
        if stage.events.try_iter().all(|event| !matches!(event, HostEvent::Skipped(_))) {
            assert!((line - zero - step).abs() < BLOCK * 1_000_000_000 / 48_000, "the same frames, an hour away: {}", line - zero - step);
        }
        let (sample, answers) = stage.note(id);
        assert!(answers.is_empty(), "{answers:?}");
        stage.wait("the note was heard", || stage.heard.lock().unwrap().len() as i64 > sample + 2 * BLOCK);
        let heard = stage.heard.lock().unwrap().clone();
        let from = (sample - 9_000).max(0) as usize;
        let first = first_change(&heard[from..]).unwrap() as i64 + from as i64;
        let late = stage.control.lock().unwrap().shown().late.load(Relaxed);
        assert!((first - sample).abs() <= BLOCK && late == 0, "{first}, not {sample}; {late} late");
        let moved = stage.clock.unix_nanos_of(0).unwrap() - line;
        assert!(moved.abs() < 1_000_000, "it is calm again: {moved} ns");
        let note_off = vec![Value::Integer(id)];
        assert!(stage.control.lock().unwrap().say(me(), "/t/note/off", &note_off).is_empty());
        thread::sleep(Duration::from_millis(100));
    }
    let status = stage.control.lock().unwrap().status();
    assert!(status.iter().all(|(name, value)| name != "late" || *value == Value::Integer(0)), "{status:?}");
}
