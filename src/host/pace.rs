//! When the next block of the silent clock is due: absolute deadlines, so that nothing drifts.

use std::time::{Duration, Instant};

/// Lateness that is caught up, so that a hiccup of the machine costs no time; what is beyond is left out, or a stop would end in a
/// storm. It is shorter than what Control gives the engine ahead (250 ms): while catching up the engine meets nothing too late.
const PATIENCE: Duration = Duration::from_millis(200);

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, for so long.
    Sleep(Duration),
    /// The next block.
    Run,
    /// The next block, after leaving out so many frames of time.
    SkipAndRun(u64),
}

/// Deadlines of blocks from a start on.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    frames: u64,
    rate: u32,
}

impl Pace {
    /// Deadlines from this moment on, at so many frames a second. `[control]`
    pub fn from(start: Instant, rate: u32) -> Self {
        Self { start, frames: 0, rate: rate.max(1) }
    }

    /// When the next frame is due. `[any]`
    pub fn deadline(&self) -> Instant {
        self.start + length(self.frames, self.rate)
    }

    /// What to do at this moment. `[any]`
    pub fn next(&mut self, now: Instant) -> Next {
        let deadline = self.deadline();
        if now < deadline {
            return Next::Sleep(deadline - now);
        }
        let late = now - deadline;
        if late <= PATIENCE {
            return Next::Run;
        }
        *self = Self::from(now, self.rate);
        Next::SkipAndRun((late.as_nanos() * u128::from(self.rate) / 1_000_000_000) as u64)
    }

    /// So many frames were run. `[any]`
    pub fn ran(&mut self, frames: usize) {
        self.frames += frames as u64;
    }
}

/// How long so many frames last. `[any]`
pub(super) fn length(frames: u64, rate: u32) -> Duration {
    let nanos = u128::from(frames) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::new((nanos / 1_000_000_000) as u64, (nanos % 1_000_000_000) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_blocks_ends_where_an_hour_ends() {
        let start = Instant::now();
        let mut pace = Pace::from(start, 44_100);
        for _ in 0..44_100 * 3600 / 100 {
            pace.ran(100);
        }
        assert_eq!(pace.deadline() - start, Duration::from_secs(3600));
    }

    #[test]
    fn a_little_late_is_caught_up_and_a_suspend_is_left_out() {
        let start = Instant::now();
        let mut pace = Pace::from(start, 48_000);
        assert_eq!(pace.next(start), Next::Run);
        pace.ran(480);
        assert_eq!(pace.next(start), Next::Sleep(Duration::from_millis(10)));
        let mut blocks = 0;
        while pace.next(start + Duration::from_millis(200)) == Next::Run {
            pace.ran(480);
            blocks += 1;
        }
        assert_eq!(blocks, 20, "19 missed blocks and the one that is due");
        let woken = start + Duration::from_secs(3600);
        assert_eq!(pace.next(woken), Next::SkipAndRun(48_000 * 3600 - 21 * 480));
        pace.ran(480);
        assert_eq!(pace.next(woken), Next::Sleep(Duration::from_millis(10)), "one block, no storm");
    }
}
