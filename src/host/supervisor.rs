//! Keeps sound going: opens the device, watches it, hands the engine to the silent clock when it dies, and opens it again.
//!
//! Opening and dropping a stream may block for as long as a sound server hangs, so each has a thread of its own. The supervisor itself
//! never waits for anything but its own signals.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::attempt::{Attempt, Ends, Opened, Opener};
use super::driven::{Driven, Pulse, TapDoor};
use super::event::HostEvent;
use super::inlet::CaptureEnd;
use super::input::{Capture, InputCounts, input};
use super::line::{Line, Verdict};
use super::options::{DEFAULT_RATE, HostName, Options};
use super::player::Player;
use super::silent::SilentClock;
use super::stream::{Alarm, StreamEnd};
use super::turn::Turn;
use crate::engine::doors::Shown;
use crate::rt::clock::WallClock;
use crate::rt::seat::Seat;
use crate::rt::tap::Tap;

/// How often the supervisor looks after its streams.
const TICK: Duration = Duration::from_millis(25);
/// How long a stream that is lost is left alone before it is dropped, less than the shortest wait for the next. JACK's library ends the
/// threads of a client that is closed wherever they are, by POSIX's asynchronous cancellation, and where that is in a callback of ours,
/// such as the one that has just told of the loss, the whole process with them. No cycle of a dead server begins any more, so all that is
/// needed is time for the last to end.
const REST: Duration = Duration::from_millis(100);

/// What reaches the supervisor.
pub(super) enum Signal {
    /// A try has ended.
    Opened(u64, Result<Opened, String>),
    /// A stream's error callback was called.
    Dead(u64, String),
    /// It is over.
    Stop,
}

/// Which device it will be, and the engine's rate that follows from it.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What was asked for.
    pub options: Options,
    /// Frames a second for the engine, for its whole life.
    pub rate: u32,
    /// Why there is no device, where there is none (yet).
    pub trouble: Option<String>,
}

impl Choice {
    /// Looks which device there is. Takes no longer than 5 s, whatever hangs. `[control]`
    pub fn make(options: Options) -> Self {
        if options.host == HostName::Silent {
            let rate = options.rate.unwrap_or(DEFAULT_RATE);
            return Self { options, rate, trouble: None };
        }
        let (to, from) = channel();
        let asked = options.clone();
        let probe = thread::Builder::new().name("sound-probe".into()).spawn(move || to.send(super::cpal::probe(&asked)));
        let found = match probe {
            Ok(_) => from.recv_timeout(Duration::from_secs(5)).unwrap_or_else(|_| Err("the sound server does not answer".into())),
            Err(why) => Err(why.to_string()),
        };
        let rate = options.rate.unwrap_or(*found.as_ref().unwrap_or(&DEFAULT_RATE));
        Self { options, rate, trouble: found.err() }
    }
}

/// Everything that plays: dropping it stops the sound.
pub struct Audio {
    signals: SyncSender<Signal>,
    supervisor: Option<JoinHandle<()>>,
    taps: Option<TapDoor>,
    turn: Arc<Turn>,
    input: Arc<InputCounts>,
}

/// What goes into [`Audio`].
pub struct Parts {
    /// What is driven.
    pub player: Box<dyn Player>,
    /// Where the load is shown.
    pub shown: Arc<Shown>,
    /// Is told which frame is heard when.
    pub clock: Option<WallClock>,
    /// Takes what is played from the first frame on.
    pub tap: Option<Tap>,
}

impl Audio {
    /// Begins to play: on the silent clock at once, on the device as soon as it is open. What happens is told to the receiver.
    /// `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no threads.
    pub fn start(choice: &Choice, parts: Parts) -> io::Result<(Self, Receiver<HostEvent>)> {
        Self::start_with(choice, parts, Arc::new(super::cpal::open))
    }

    /// The same with another way to open devices. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no threads.
    pub fn start_with(choice: &Choice, parts: Parts, opener: Opener) -> io::Result<(Self, Receiver<HostEvent>)> {
        let options = Arc::new(choice.options.clone());
        let (signals, inbox) = sync_channel(64);
        let (events, outbox) = channel();
        let wanted_input = if options.input.is_some() { usize::from(options.input_channels) } else { 0 };
        let (capture, input_end) = input(wanted_input);
        let counts = Arc::clone(capture.counts());
        let channels = usize::from(options.channels.max(1));
        let shown = Arc::clone(&parts.shown);
        let (driven, taps) = Driven::new(parts.player, parts.shown, choice.rate, channels, input_end, parts.clock, parts.tap);
        let seat = Seat::new(driven);
        let turn = Arc::new(Turn::default());
        let clock = SilentClock::start(seat.clone(), Arc::clone(&turn), choice.rate)?;
        let mut supervisor = Supervisor {
            rate: choice.rate,
            channels,
            signals: signals.clone(),
            inbox,
            events,
            seat,
            shown,
            turn: Arc::clone(&turn),
            clock: Some(clock),
            output: Line::new(options.host == HostName::Jack),
            input: Line::new(false),
            capture,
            gaps_told: Instant::now(),
            numbers: 0,
            host: options.host,
            doublings: 0,
            input_doublings: 0,
            started: false,
            said: None,
            options,
            opener,
        };
        let supervisor = thread::Builder::new().name("sound-supervisor".into()).spawn(move || supervisor.run())?;
        Ok((Self { signals, supervisor: Some(supervisor), taps: Some(taps), turn, input: counts }, outbox))
    }

    /// The door for taps; once. `[control]`
    pub fn take_tap_door(&mut self) -> Option<TapDoor> {
        self.taps.take()
    }

    /// What went wrong on the way in. `[any]`
    pub fn input_counts(&self) -> &Arc<InputCounts> {
        &self.input
    }

    /// Whether a device drives at this moment, and not the silent clock. `[any]`
    pub fn on_device(&self) -> bool {
        self.turn.is_device()
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.turn.end();
        // A full box wakes it as well.
        let _ = self.signals.try_send(Signal::Stop);
        if let Some(thread) = self.supervisor.take() {
            let _ = thread.join();
        }
    }
}

struct Supervisor {
    options: Arc<Options>,
    rate: u32,
    channels: usize,
    signals: SyncSender<Signal>,
    inbox: Receiver<Signal>,
    events: Sender<HostEvent>,
    seat: Seat<Driven>,
    shown: Arc<Shown>,
    turn: Arc<Turn>,
    clock: Option<SilentClock>,
    output: Line,
    input: Line,
    capture: Capture,
    gaps_told: Instant,
    numbers: u64,
    /// Which way: what was asked for, and after the first success that way only, so that a server that comes back finds its card free.
    host: HostName,
    doublings: u32,
    input_doublings: u32,
    started: bool,
    /// The last trouble that was told, so that it is told once.
    said: Option<String>,
    opener: Opener,
}

impl Supervisor {
    fn run(&mut self) {
        if self.options.host == HostName::Silent {
            self.tell(HostEvent::Silent { why: "no device was asked for".into() });
        }
        while !self.turn.is_over() {
            match self.inbox.recv_timeout(TICK) {
                Ok(Signal::Opened(number, result)) => self.opened(number, result),
                Ok(Signal::Dead(number, why)) => self.dead(number, why),
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_after();
        }
        self.turn.end();
        if let Some(clock) = self.clock.take() {
            clock.join();
        }
        // A clean goodbye to the server, but no longer than it takes one that answers.
        let goodbyes = [self.output.close(), self.input.close()];
        let until = Instant::now() + Duration::from_millis(500);
        while goodbyes.iter().flatten().any(|thread| !thread.is_finished()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn tell(&self, event: HostEvent) {
        let _ = self.events.send(event);
    }

    fn look_after(&mut self) {
        let now = Instant::now();
        if self.options.host != HostName::Silent {
            match self.output.look(now) {
                Verdict::Well => {}
                Verdict::Open => self.open_output(),
                Verdict::Stuck => self.trouble("the sound server does not answer".into()),
                Verdict::Stalled => self.lose_output("it does not ask for sound any more".into(), now),
                Verdict::Slow(frames) => {
                    self.doublings += 1;
                    self.lose_output(format!("it takes only {frames} frames a second; trying a larger buffer"), now);
                }
            }
        }
        if self.is_input_wanted() {
            match self.input.look(now) {
                Verdict::Open => self.open_input(),
                Verdict::Stalled => self.lose_input("nothing comes any more".into(), now),
                Verdict::Slow(frames) => {
                    self.input_doublings += 1;
                    self.lose_input(format!("it gives only {frames} frames a second; trying a larger buffer"), now);
                }
                Verdict::Well | Verdict::Stuck => {}
            }
        }
        if let Some(count) = self.output.take_xruns(now) {
            self.tell(HostEvent::Xruns(count));
        }
        if now - self.gaps_told > Duration::from_secs(1) {
            self.gaps_told = now;
            let (missing, surplus) = self.capture.take_gaps();
            if missing + surplus > 0 {
                self.tell(HostEvent::InputGaps { missing, surplus });
            }
        }
        if let Some(skipped) = self.clock.as_ref().map(SilentClock::take_skipped).filter(|frames| *frames > 0) {
            self.tell(HostEvent::Skipped(skipped));
        }
    }

    /// Beside a device that plays; one that was named also beside the silent clock, once it is known that there is no other.
    fn is_input_wanted(&self) -> bool {
        let silent = self.options.host == HostName::Silent || self.said.is_some();
        self.options.input.as_deref().is_some_and(|name| self.output.is_open() || (silent && name != "default"))
    }

    fn open_output(&mut self) {
        let (number, alarm, pulse) = self.next_number();
        let born = Instant::now();
        let end = StreamEnd {
            number,
            turn: Arc::clone(&self.turn),
            seat: self.seat.clone(),
            pulse: Arc::clone(&pulse),
            born,
            alarm,
            rate: self.rate,
            channels: self.channels,
            realtime: self.options.realtime,
        };
        self.output.opening(number, pulse, born);
        self.turn.offer(number);
        self.attempt(number, Ends::Output(end));
    }

    fn open_input(&mut self) {
        let (number, alarm, pulse) = self.next_number();
        let born = Instant::now();
        self.input.opening(number, pulse, born);
        let (capture, realtime) = (self.capture.clone(), self.options.realtime);
        self.attempt(number, Ends::Input(CaptureEnd { capture, alarm, rate: self.rate, born, realtime }));
    }

    fn next_number(&mut self) -> (u64, Alarm, Arc<Pulse>) {
        self.numbers += 1;
        let pulse = Arc::new(Pulse::default());
        let alarm = Alarm {
            number: self.numbers,
            dead: Arc::new(AtomicBool::new(false)),
            signals: self.signals.clone(),
            pulse: Arc::clone(&pulse),
            shown: Arc::clone(&self.shown),
        };
        (self.numbers, alarm, pulse)
    }

    fn attempt(&mut self, number: u64, ends: Ends) {
        let doublings = if matches!(ends, Ends::Output(_)) { self.doublings } else { self.input_doublings };
        let attempt = Attempt { options: Arc::clone(&self.options), host: self.host, doublings, ends };
        let (opener, signals) = (Arc::clone(&self.opener), self.signals.clone());
        let spawned = thread::Builder::new().name("sound-opener".into()).spawn(move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| opener(&attempt)))
                .unwrap_or_else(|_| Err("the sound system failed in itself".into()));
            drop(attempt);
            // Refused only where the supervisor has ended: then the stream is dropped here.
            let _ = signals.send(Signal::Opened(number, result));
        });
        if let Err(why) = spawned {
            self.opened(number, Err(why.to_string()));
        }
    }

    fn opened(&mut self, number: u64, result: Result<Opened, String>) {
        let now = Instant::now();
        match result {
            Ok(opened) if self.output.expects(number) => {
                let running = opened.running.clone();
                self.host = HostName::of(running.host);
                self.output.opened(opened, now);
                self.said = None;
                self.tell(if self.started { HostEvent::Back(running) } else { HostEvent::Started(running) });
                self.started = true;
            }
            Ok(opened) if self.input.expects(number) => {
                let running = opened.running.clone();
                self.input.opened(opened, now);
                self.tell(HostEvent::InputStarted(running));
            }
            // It was given up while it was being opened.
            Ok(opened) => {
                drop_elsewhere(opened.stream, Duration::ZERO);
                self.output.given_up(number, now);
                self.input.given_up(number, now);
            }
            Err(why) if self.output.is(number) => {
                self.turn.silence(number);
                self.output.failed(now);
                self.trouble(why);
            }
            Err(why) if self.input.is(number) => {
                if self.input.failed(now) == 1 {
                    self.tell(HostEvent::InputLost { why });
                }
            }
            Err(_) => {}
        }
    }

    fn dead(&mut self, number: u64, why: String) {
        let now = Instant::now();
        if self.output.is(number) {
            self.lose_output(why, now);
        } else if self.input.is(number) {
            self.lose_input(why, now);
        }
    }

    fn lose_output(&mut self, why: String, now: Instant) {
        self.turn.silence(self.output.number());
        if let Some(clock) = &self.clock {
            clock.wake();
        }
        let was_open = self.output.is_open();
        if let Some(stream) = self.output.lost(now) {
            drop_elsewhere(stream, REST);
        }
        if was_open {
            self.tell(HostEvent::Lost { why: why.clone() });
            self.said = Some(why);
        } else {
            self.trouble(why);
        }
    }

    fn lose_input(&mut self, why: String, now: Instant) {
        if let Some(stream) = self.input.lost(now) {
            drop_elsewhere(stream, REST);
            self.tell(HostEvent::InputLost { why });
        }
    }

    /// No device can be had. Before the first it is told, each cause once; later it is known that there is none.
    fn trouble(&mut self, why: String) {
        if !self.started && self.said.as_ref() != Some(&why) {
            self.said = Some(why.clone());
            self.tell(HostEvent::Silent { why });
        }
    }
}

/// Drops a stream after a rest, on a thread of its own: that may block as long as a server hangs.
pub(super) fn drop_elsewhere(stream: Box<dyn std::any::Any + Send>, rest: Duration) -> Option<JoinHandle<()>> {
    let closer = thread::Builder::new().name("sound-closer".into());
    closer
        .spawn(move || {
            thread::sleep(rest);
            drop(stream);
        })
        .ok()
}
