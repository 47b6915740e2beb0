//! What goes out: one stream for all outputs, with switches for what is in it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::midi::MidiMessage;

/// What is sent, and how it fared. Shared by whoever turns the switches and whoever sends.
#[derive(Debug, Default)]
pub struct Sends {
    /// What comes in goes out.
    pub thru: AtomicBool,
    /// The beat clock goes out as a MIDI clock.
    pub clock: AtomicBool,
    /// Messages that found no room on their way out.
    pub unsent: AtomicU64,
    /// Messages that came in faster than they could be taken, and long ones that were too long or cut off.
    pub lost: AtomicU64,
}

/// A place where bytes go out.
pub(super) trait Sink: Send {
    /// Sends one message, as bytes.
    fn send(&mut self, bytes: &[u8]) -> Result<(), String>;
}

/// Bytes that wait for JACK's next cycle: each message after its length.
#[cfg(feature = "jack")]
pub(super) const RING: usize = 256 * 1024;

struct Ends {
    /// To JACK's process callback.
    jack: Option<rtrb::Producer<u8>>,
    /// The system's, each with a mark of its own.
    system: Vec<(u64, Box<dyn Sink>)>,
    marks: u64,
}

/// All outputs.
#[derive(Clone)]
pub(super) struct Out {
    pub sends: Arc<Sends>,
    ends: Arc<Mutex<Ends>>,
}

impl Out {
    /// Without any output yet. `[control]`
    pub fn new(sends: Arc<Sends>) -> Self {
        Self { sends, ends: Arc::new(Mutex::new(Ends { jack: None, system: Vec::new(), marks: 0 })) }
    }

    /// JACK's callback takes what is sent from the other end of this ring. `[control]`
    #[cfg(feature = "jack")]
    pub fn to_jack(&self) -> rtrb::Consumer<u8> {
        let (to, from) = rtrb::RingBuffer::new(RING);
        self.lock().jack = Some(to);
        from
    }

    /// Another output of the system's: its mark. `[control]`
    pub fn add(&self, sink: Box<dyn Sink>) -> u64 {
        let mut ends = self.lock();
        ends.marks += 1;
        let mark = ends.marks;
        ends.system.push((mark, sink));
        mark
    }

    /// It is no more. `[control]`
    pub fn remove(&self, mark: u64) {
        let mut ends = self.lock();
        let gone = ends.system.iter().position(|(of, _)| *of == mark).map(|at| ends.system.swap_remove(at));
        // Closing it may take time: not while others wait.
        drop(ends);
        drop(gone);
    }

    /// Whether the system has an output. `[control]`
    pub fn has_system(&self) -> bool {
        !self.lock().system.is_empty()
    }

    /// To all outputs. `[control]`
    pub fn send(&self, bytes: &[u8]) {
        let mut ends = self.lock();
        let Ends { jack, system, .. } = &mut *ends;
        // Nobody takes from it where the server is gone.
        if let Some(jack) = jack.as_mut().filter(|jack| !jack.is_abandoned()) {
            let length = (bytes.len() as u32).to_le_bytes();
            match jack.write_chunk_uninit(length.len() + bytes.len()) {
                Ok(room) => _ = room.fill_from_iter(length.iter().chain(bytes).copied()),
                Err(_) => _ = self.sends.unsent.fetch_add(1, Relaxed),
            }
        }
        self.to_all(system, bytes);
    }

    /// To the system's outputs only: JACK's has it already. `[control]`
    pub fn send_to_system(&self, bytes: &[u8]) {
        self.to_all(&mut self.lock().system, bytes);
    }

    fn to_all(&self, system: &mut [(u64, Box<dyn Sink>)], bytes: &[u8]) {
        for (_, sink) in system {
            if sink.send(bytes).is_err() {
                self.sends.unsent.fetch_add(1, Relaxed);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sends {
    /// Whether a message that came in goes out: everything but signs of life, and the clock where there is one of our own. `[audio]`
    pub fn passes(&self, status: u8) -> bool {
        self.thru.load(Relaxed) && status != 0xfe && !(self.clock.load(Relaxed) && matches!(status, 0xf2 | 0xf8..=0xfc))
    }

    /// The same for a message. `[any]`
    pub fn passes_message(&self, message: MidiMessage) -> bool {
        self.passes(message.bytes().0[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Sink for Kept {
        fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
            if bytes.len() > 3 {
                return Err("too long".into());
            }
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(())
        }
    }

    #[test]
    fn all_outputs_get_it_and_what_finds_no_room_is_counted() {
        let out = Out::new(Arc::default());
        let kept = Arc::new(Mutex::new(Vec::new()));
        let mark = out.add(Box::new(Kept(Arc::clone(&kept))));
        let mut ring = out.to_jack();
        out.send(&[0x90, 60, 1]);
        out.send_to_system(&[0xf8]);
        out.send(&[0xf0, 1, 2, 0xf7]);
        assert_eq!(*kept.lock().unwrap(), [vec![0x90, 60, 1], vec![0xf8]]);
        assert_eq!(out.sends.unsent.load(Relaxed), 1);
        let bytes: Vec<u8> = std::iter::from_fn(|| ring.pop().ok()).collect();
        assert_eq!(bytes, [3, 0, 0, 0, 0x90, 60, 1, 4, 0, 0, 0, 0xf0, 1, 2, 0xf7]);
        out.remove(mark);
        assert!(!out.has_system());
        for _ in 0..=RING / 7 {
            out.send(&[0x90, 60, 1]);
        }
        assert_eq!(out.sends.unsent.load(Relaxed), 2);
    }

    #[test]
    fn what_passes() {
        let sends = Sends::default();
        assert!(!sends.passes(0x90));
        sends.thru.store(true, Relaxed);
        assert!(sends.passes(0x90) && sends.passes(0xf0) && sends.passes(0xf8) && !sends.passes(0xfe));
        sends.clock.store(true, Relaxed);
        assert!(sends.passes_message(MidiMessage::Reset) && !sends.passes_message(MidiMessage::Clock));
    }
}
