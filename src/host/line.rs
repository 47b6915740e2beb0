//! The life of one stream as its supervisor sees it: waiting, being opened, open; and when it is time for what.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::attempt::Opened;
use super::driven::Pulse;
use super::supervisor::drop_elsewhere;

/// Time without a callback after which a stream counts as dead, beyond what its last callback lasts.
const STALL: Duration = Duration::from_millis(500);
/// The same for the first callback.
const FIRST: Duration = Duration::from_secs(2);
/// Time after which an opening that does not end is told.
const STUCK: Duration = Duration::from_secs(10);
/// A stream that lived so long was well: the next try comes soon again.
const WELL: Duration = Duration::from_secs(5);
/// Longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(5);
/// Length of the windows in which a device's speed is measured.
const WINDOW: Duration = Duration::from_secs(2);
/// Larger buffers to try, at most.
const SLOW_LIMIT: u32 = 3;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Well,
    /// Open it.
    Open,
    /// Opening it takes too long; said once.
    Stuck,
    /// It is dead without having said so.
    Stalled,
    /// It does not keep up: frames a second that it takes.
    Slow(u64),
}

enum State {
    Waiting(Instant),
    Opening { since: Instant, told: bool, given_up: bool },
    Open { opened: Opened, since: Instant },
}

/// One stream's life.
pub(super) struct Line {
    state: State,
    number: u64,
    pulse: Arc<Pulse>,
    born: Instant,
    first: Duration,
    wait: Duration,
    failures: u32,
    window: (Instant, u64),
    slow_windows: u32,
    slow_found: u32,
    xruns: (Instant, u64),
}

impl Line {
    /// Nothing yet; to be opened at once. JACK's server takes a little longer to come back. `[control]`
    pub fn new(jack: bool) -> Self {
        let now = Instant::now();
        let first = Duration::from_millis(if jack { 250 } else { 100 });
        Self {
            state: State::Waiting(now),
            number: 0,
            pulse: Arc::default(),
            born: now,
            first,
            wait: first,
            failures: 0,
            window: (now, 0),
            slow_windows: 0,
            slow_found: 0,
            xruns: (now, 0),
        }
    }

    /// Its number. `[any]`
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether this number is its own. `[any]`
    pub fn is(&self, number: u64) -> bool {
        self.number == number
    }

    /// Whether it waits for this number to be opened. `[any]`
    pub fn expects(&self, number: u64) -> bool {
        self.number == number && matches!(self.state, State::Opening { given_up: false, .. })
    }

    /// Whether it is open. `[any]`
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// It is being opened from now on. `[control]`
    pub fn opening(&mut self, number: u64, pulse: Arc<Pulse>, now: Instant) {
        (self.number, self.pulse, self.born) = (number, pulse, now);
        self.state = State::Opening { since: now, told: false, given_up: false };
    }

    /// It is open. `[control]`
    pub fn opened(&mut self, opened: Opened, now: Instant) {
        if opened.running.host == "jack" {
            self.first = Duration::from_millis(250);
        }
        self.failures = 0;
        self.window = (now, self.pulse.frames.load(Relaxed));
        self.xruns = (now, self.pulse.xruns.load(Relaxed));
        self.state = State::Open { opened, since: now };
    }

    /// It could not be opened; how often in a row. `[control]`
    pub fn failed(&mut self, now: Instant) -> u32 {
        self.failures += 1;
        self.retry(now);
        self.failures
    }

    /// It was opened after it had been given up. `[control]`
    pub fn given_up(&mut self, number: u64, now: Instant) {
        if self.number == number && matches!(self.state, State::Opening { .. }) {
            self.retry(now);
        }
    }

    /// It is dead: its stream, to be dropped where that may block. `[control]`
    pub fn lost(&mut self, now: Instant) -> Option<Box<dyn Any + Send>> {
        match std::mem::replace(&mut self.state, State::Waiting(now)) {
            State::Open { opened, since } => {
                if now - since > WELL {
                    self.wait = self.first;
                }
                self.retry(now);
                Some(opened.stream)
            }
            // Its opener still runs: nothing else is tried until that returns.
            State::Opening { since, told, .. } => {
                self.state = State::Opening { since, told, given_up: true };
                None
            }
            State::Waiting(until) => {
                self.state = State::Waiting(until);
                None
            }
        }
    }

    /// Ends it; the thread that closes the stream. `[control]`
    pub fn close(&mut self) -> Option<JoinHandle<()>> {
        match std::mem::replace(&mut self.state, State::Waiting(Instant::now())) {
            State::Open { opened, .. } => drop_elsewhere(opened.stream, Duration::ZERO),
            _ => None,
        }
    }

    /// What is to be done at this moment. `[control]`
    pub fn look(&mut self, now: Instant) -> Verdict {
        let silent_for = || (now - self.born).saturating_sub(Duration::from_nanos(self.pulse.lasts_until.load(Relaxed)));
        let called = self.pulse.calls.load(Relaxed) > 0;
        match &mut self.state {
            State::Waiting(until) if now >= *until => Verdict::Open,
            State::Waiting(_) => Verdict::Well,
            State::Opening { given_up: true, .. } => Verdict::Well,
            State::Opening { since, told, .. } => {
                if called && silent_for() > STALL {
                    return Verdict::Stalled;
                }
                if !*told && now - *since > STUCK {
                    *told = true;
                    return Verdict::Stuck;
                }
                Verdict::Well
            }
            State::Open { since, .. } => {
                let dead = if called { silent_for() > STALL } else { now - *since > FIRST };
                if dead { Verdict::Stalled } else { self.speed(now) }
            }
        }
    }

    /// Xruns since last asked, at most once a second. `[control]`
    pub fn take_xruns(&mut self, now: Instant) -> Option<u64> {
        if now - self.xruns.0 < Duration::from_secs(1) {
            return None;
        }
        let all = self.pulse.xruns.load(Relaxed);
        let new = all.saturating_sub(self.xruns.1);
        self.xruns = (now, all);
        (new > 0).then_some(new)
    }

    /// Some hosts take far too few frames a second with small buffers and call that well. JACK does not, and is slow when told so.
    fn speed(&mut self, now: Instant) -> Verdict {
        let State::Open { opened, .. } = &self.state else { return Verdict::Well };
        let passed = now - self.window.0;
        if opened.running.host == "jack" || passed < WINDOW {
            return Verdict::Well;
        }
        let frames = self.pulse.frames.load(Relaxed);
        let speed = (frames - self.window.1) as f64 / passed.as_secs_f64();
        self.window = (now, frames);
        // A device that takes seconds at a time cannot be measured in windows as short as these.
        let long = opened.running.buffer.is_none_or(|buffer| buffer > opened.running.rate / 8);
        if long || speed > 0.9 * f64::from(opened.running.rate) {
            self.slow_windows = 0;
            return Verdict::Well;
        }
        self.slow_windows += 1;
        if self.slow_windows < 2 || self.slow_found >= SLOW_LIMIT {
            return Verdict::Well;
        }
        (self.slow_windows, self.slow_found) = (0, self.slow_found + 1);
        Verdict::Slow(speed as u64)
    }

    fn retry(&mut self, now: Instant) {
        self.state = State::Waiting(now + self.wait);
        self.wait = (self.wait * 2).min(LONGEST);
    }
}
