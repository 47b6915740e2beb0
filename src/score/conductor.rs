//! Keeps a stand fed on a thread of its own, so that nothing else that is done holds it up.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::stand::{Stand, lock};
use crate::control::Control;

/// How often it looks, where nobody wakes it.
const TICK: Duration = Duration::from_millis(20);

/// The thread. Dropping it ends it; what was fed is still played.
pub struct Conductor {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Conductor {
    /// Feeds a stand from now on. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn start(control: Arc<Mutex<Control>>, stand: Arc<Mutex<Stand>>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, own) = (Arc::clone(&stop), Arc::clone(&stand));
        let thread = thread::Builder::new().name("score".into()).spawn(move || {
            while !told.load(Relaxed) {
                Stand::look(&own, &mut control.lock().unwrap_or_else(PoisonError::into_inner));
                let old = lock(&own).take_old();
                drop(old);
                thread::park_timeout(TICK);
            }
        })?;
        lock(&stand).wake(thread.thread().clone());
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Conductor {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
