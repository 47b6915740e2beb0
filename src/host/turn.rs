//! Whose turn it is to drive the engine: the silent clock's or one stream's.
//!
//! One atomic word: the number of the newest stream and a phase. A stream that was given up, and whose callback comes to life again
//! much later (a stopped server that goes on), finds another number there and stays silent.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const SILENT: u64 = 0;
const OFFERED: u64 = 1;
const DEVICE: u64 = 2;
const OVER: u64 = 3;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turn(AtomicU64);

impl Turn {
    /// Offers the engine to a stream: the silent clock goes on until that stream's first callback. `[control]`
    pub fn offer(&self, stream: u64) {
        self.store(stream << 2 | OFFERED);
    }

    /// The silent clock's turn; no stream up to this number may drive any more. `[control]`
    pub fn silence(&self, stream: u64) {
        self.store(stream << 2 | SILENT);
    }

    /// Nobody's turn any more. `[control]`
    pub fn end(&self) {
        self.0.store(OVER, SeqCst);
    }

    /// Whether this stream may drive; takes the turn where it is offered. `[audio]`
    pub fn claim(&self, stream: u64) -> bool {
        let now = self.0.load(SeqCst);
        now == (stream << 2 | DEVICE)
            || (now == (stream << 2 | OFFERED) && self.0.compare_exchange(now, stream << 2 | DEVICE, SeqCst, SeqCst).is_ok())
    }

    /// Whether the silent clock may drive. `[audio]`
    pub fn is_silent(&self) -> bool {
        matches!(self.0.load(SeqCst) & 3, SILENT | OFFERED)
    }

    /// Whether a stream drives. `[any]`
    pub fn is_device(&self) -> bool {
        self.0.load(SeqCst) & 3 == DEVICE
    }

    /// Whether nobody drives any more. `[any]`
    pub fn is_over(&self) -> bool {
        self.0.load(SeqCst) == OVER
    }

    fn store(&self, word: u64) {
        // Once over, over for good.
        let _ = self.0.fetch_update(SeqCst, SeqCst, |now| (now != OVER).then_some(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_was_given_up_never_drives_again() {
        let turn = Turn::default();
        assert!(turn.is_silent() && !turn.claim(1));
        turn.offer(1);
        assert!(turn.is_silent(), "time goes on until the stream calls");
        assert!(turn.claim(1) && turn.claim(1) && turn.is_device());
        turn.silence(1);
        assert!(!turn.claim(1) && turn.is_silent());
        turn.offer(2);
        assert!(!turn.claim(1) && turn.claim(2));
        turn.end();
        turn.offer(3);
        assert!(!turn.claim(3) && !turn.is_silent() && turn.is_over());
    }
}
