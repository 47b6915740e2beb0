//! The clock at the system's outputs: sent when its sample is heard. JACK's has frames of its own for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::out::Out;
use super::ports::Setup;
use super::ticker::Ticker;

/// The longest sleep while the clock goes out: changes of the beat clock are told within it.
const STEP: Duration = Duration::from_millis(2);
/// The same while it does not.
const IDLE: Duration = Duration::from_millis(100);

/// Sends the clock until told to stop. `[control]`
///
/// # Errors
/// The system's, where it gives no thread.
pub(super) fn start(setup: &Setup, out: Out, stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let (clock, beat) = (setup.clock.clone(), Arc::clone(&setup.beat));
    // Not waited for at the end: it sleeps at most 100 ms.
    thread::Builder::new().name("midi-clock".into()).spawn(move || {
        let mut ticker = None;
        let mut told = 0;
        while !stop.load(Relaxed) {
            let now = clock.sample_at(clock.wall().now()).and_then(|now| u64::try_from(now).ok());
            let (Some(now), Some(line), true) = (now, beat.read(), out.sends.clock.load(Relaxed) && out.has_system()) else {
                ticker = None;
                thread::sleep(IDLE);
                continue;
            };
            let ticker = ticker.get_or_insert_with(|| {
                told = now;
                Ticker::new()
            });
            // Where the line of samples steps back by a frame, what was told is not told again.
            if now >= told {
                ticker.window(line, told, now + 1 - told, |_, message| {
                    let (bytes, length) = message.bytes();
                    out.send_to_system(&bytes[..length]);
                });
                told = now + 1;
            }
            let due = ticker.due().and_then(|due| clock.unix_nanos_of(due));
            let wait = due.map_or(STEP, |due| Duration::from_nanos(due.saturating_sub(clock.wall().now()).max(0) as u64));
            thread::sleep(wait.min(STEP));
        }
    })?;
    Ok(())
}
