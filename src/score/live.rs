//! A score played in real time: a thread that keeps a reader ahead of the engine.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::reader::{AHEAD, Reader};
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;

/// How often it looks; so short that it is always 250 ms ahead.
const TICK: Duration = Duration::from_millis(20);

/// A score that plays. Dropping it stops it and ends its notes.
pub struct Live {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Plays on a thread of its own. `now` tells the engine's time; `lead` is told of tempos, then `give` of messages, each in order,
    /// ahead of time, and at the end once for each note that would hang. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn start(
        mut reader: Reader,
        rate: u32,
        now: impl Fn() -> SampleTime + Send + 'static,
        mut lead: impl FnMut(SampleTime, f64) + Send + 'static,
        mut give: impl FnMut(SampleTime, MidiMessage) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (told, tell) = (Arc::clone(&stop), Arc::clone(&done));
        let ahead = (AHEAD * f64::from(rate)) as u64;
        let thread = thread::Builder::new().name("score".into()).spawn(move || {
            while !told.load(Relaxed) {
                let until = now().saturating_add(ahead);
                reader.lead(until, &mut lead);
                reader.feed(until, &mut give);
                if reader.is_done() && reader.end() <= until {
                    break;
                }
                thread::sleep(TICK);
            }
            let end = if told.load(Relaxed) { now() } else { reader.end() };
            reader.release(end, &mut give);
            tell.store(true, Relaxed);
        })?;
        Ok(Self { stop, done, thread: Some(thread) })
    }

    /// Feeds something on a thread of its own, until it says that it is done: `feed` is told up to which frame. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn keep(
        rate: u32,
        now: impl Fn() -> SampleTime + Send + 'static,
        mut feed: impl FnMut(SampleTime) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (told, tell) = (Arc::clone(&stop), Arc::clone(&done));
        let ahead = (AHEAD * f64::from(rate)) as u64;
        let thread = thread::Builder::new().name("score".into()).spawn(move || {
            while !told.load(Relaxed) && !feed(now().saturating_add(ahead)) {
                thread::sleep(TICK);
            }
            tell.store(true, Relaxed);
        })?;
        Ok(Self { stop, done, thread: Some(thread) })
    }

    /// Whether everything was given out, up to the score's end. `[any]`
    pub fn is_done(&self) -> bool {
        self.done.load(Relaxed)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
