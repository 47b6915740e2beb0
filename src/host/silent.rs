//! Real time without a device: a thread that drives the engine in blocks at absolute deadlines whenever no device does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::driven::Driven;
use super::pace::{Next, Pace, length};
use super::turn::Turn;
use crate::rt::seat::Seat;

/// Frames that the silent clock works out at a time.
const BLOCK: usize = 256;

/// The silent clock as a driver; streams count from 1.
pub(super) const SILENT: u64 = 0;

/// The silent clock's thread.
pub(super) struct SilentClock {
    thread: JoinHandle<()>,
    skipped: Arc<AtomicU64>,
}

impl SilentClock {
    /// Starts it; it drives whenever it is its turn. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn start(seat: Seat<Driven>, turn: Arc<Turn>, rate: u32) -> std::io::Result<Self> {
        let skipped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&skipped);
        let thread = thread::Builder::new().name("silent-clock".into()).spawn(move || run(&seat, &turn, rate, &count))?;
        Ok(Self { thread, skipped })
    }

    /// Wakes it to look whose turn it is. `[control]`
    pub fn wake(&self) {
        self.thread.thread().unpark();
    }

    /// Frames of time left out since last asked. `[control]`
    pub fn take_skipped(&self) -> u64 {
        self.skipped.swap(0, Relaxed)
    }

    /// Waits for its end, after the turn is over. `[control]`
    pub fn join(self) {
        self.wake();
        let _ = self.thread.join();
    }
}

fn run(seat: &Seat<Driven>, turn: &Turn, rate: u32, skipped: &AtomicU64) {
    let mut pace: Option<Pace> = None;
    while !turn.is_over() {
        if !turn.is_silent() {
            pace = None;
            thread::park_timeout(Duration::from_secs(1));
            continue;
        }
        // After a device: from when the sound that it was given ran out, so that no time is missing; but not longer ahead than now.
        let pace = pace.get_or_insert_with(|| {
            let now = Instant::now();
            let due = seat.take().and_then(|driven| driven.due()).map_or(now, |due| due.min(now));
            Pace::from(due, rate)
        });
        match pace.next(Instant::now()) {
            Next::Sleep(time) => {
                thread::sleep(time.min(Duration::from_millis(100)));
                continue;
            }
            Next::SkipAndRun(frames) => {
                skipped.fetch_add(frames, Relaxed);
            }
            Next::Run => {}
        }
        let Some(mut driven) = seat.take() else {
            // A device is finishing its last callback.
            thread::sleep(Duration::from_micros(200));
            continue;
        };
        if !turn.is_silent() {
            continue;
        }
        let (lasts, deadline, now) = (length(BLOCK as u64, rate), pace.deadline(), Instant::now());
        // As with a device, a frame is heard one block after it is asked for.
        let ahead = (deadline + lasts).saturating_duration_since(now);
        driven.callback(SILENT, now, lasts, ahead, |driven| driven.frames(BLOCK, |_| {}));
        pace.ran(BLOCK);
    }
}
