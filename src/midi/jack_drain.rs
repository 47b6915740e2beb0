//! The thread that takes what JACK's callback has put into the ring, and says at which sample it acts.
//!
//! A message that came in frame f of a cycle acts one cycle later, in frame f of that: all are as late, so none jitters. Where this
//! machine cannot pass messages on within a cycle, all of them act another cycle later.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use super::jack_process::{HEAD, Head, Shared};
use super::out::Out;
use super::parser::{Heard, Parser};
use super::ports::{At, PortId};
use super::registry::Desk;
use crate::rt::clock::WallClock;
use crate::rt::urgent::urgent;

/// The longest sleep: who puts something in wakes it.
const DRAIN: Duration = Duration::from_millis(20);
/// So many times late…
const TIMES: u32 = 3;
/// …within this, and all act later from then on. A stop that all suffer from is one time.
const WITHIN: Duration = Duration::from_secs(5);
const ONE_STOP: Duration = Duration::from_millis(100);
/// How late they act at most on that account [s].
const MOST: f64 = 0.02;

/// What is done after all that came before it.
pub(super) enum After {
    /// A port is gone.
    Gone(PortId),
    /// A cable was pulled out of one.
    Cut(PortId),
}

pub(super) struct Drain {
    pub ring: rtrb::Consumer<u8>,
    pub after: Receiver<After>,
    pub shared: Arc<Shared>,
    pub clock: WallClock,
    pub out: Out,
    pub desk: Desk,
    pub lead: Lead,
    pub parsers: HashMap<PortId, Parser>,
    pub bytes: Vec<u8>,
}

/// By how many cycles messages act later than they came.
#[derive(Debug)]
pub(super) struct Lead {
    periods: u64,
    late: u32,
    since: Instant,
    last: Option<Instant>,
}

impl Default for Lead {
    fn default() -> Self {
        Self { periods: 1, late: 0, since: Instant::now(), last: None }
    }
}

impl Lead {
    /// A message was late; whether all act later from now on.
    fn late(&mut self, now: Instant, period: u32, rate: u32) -> bool {
        if self.last.is_some_and(|last| now - last < ONE_STOP) {
            return false;
        }
        self.last = Some(now);
        if now - self.since > WITHIN {
            (self.since, self.late) = (now, 0);
        }
        self.late += 1;
        let next = (self.periods + 1) * u64::from(period);
        if self.late < TIMES || next as f64 > MOST * f64::from(rate) {
            return false;
        }
        (self.since, self.late) = (now, 0);
        self.periods += 1;
        true
    }
}

impl Drain {
    /// Drains until told to stop. `[control]`
    pub fn run(mut self, stop: &AtomicBool) {
        urgent();
        let _ = self.shared.drain.set(thread::current());
        while !stop.load(Relaxed) {
            self.drain();
            if self.shared.lost.swap(false, Relaxed) {
                // What was lost may have been the end of a note.
                let all: Vec<PortId> = self.parsers.keys().copied().collect();
                all.into_iter().for_each(|port| self.desk.cut(port));
                self.desk.trouble("MIDI from JACK came faster than it could be taken: all its notes were released".into());
            }
            self.afterwards();
            thread::park_timeout(DRAIN);
        }
        self.drain();
    }

    fn afterwards(&mut self) {
        while let Ok(after) = self.after.try_recv() {
            // What is in this cycle comes before it.
            let (cycle, until) = (self.shared.cycles.load(Relaxed), Instant::now() + 2 * DRAIN);
            while self.shared.cycles.load(Relaxed) < cycle + 2 && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
            self.drain();
            match after {
                After::Gone(port) => {
                    self.parsers.remove(&port);
                    self.desk.gone(port);
                }
                After::Cut(port) => {
                    self.parsers.insert(port, Parser::with_exclusive());
                    self.desk.cut(port);
                }
            }
        }
    }

    fn drain(&mut self) {
        while let Some(head) = self.next() {
            let period = u64::from(head.period);
            let at = match head.sample {
                Some(sample) => At::Sample(sample + self.lead.periods * period),
                None => At::Wall(head.wall),
            };
            let parser = self.parsers.entry(head.port).or_insert_with(Parser::with_exclusive);
            let (desk, out) = (&self.desk, &self.out);
            parser.take(&self.bytes, |heard| {
                desk.heard(head.port, heard, at);
                match heard {
                    Heard::Message(message) if out.sends.passes_message(message) => {
                        let (bytes, length) = message.bytes();
                        out.send_to_system(&bytes[..length]);
                    }
                    Heard::Exclusive(bytes) if out.sends.passes(0xf0) => out.send_to_system(&[&[0xf0], bytes, &[0xf7]].concat()),
                    _ => {}
                }
            });
            out.sends.lost.fetch_add(parser.take_skipped(), Relaxed);
            if let (At::Sample(at), Some(newest)) = (at, self.clock.cycles().newest())
                && newest.end() > at
                && self.lead.late(Instant::now(), head.period, self.clock.rate())
            {
                let frames = self.lead.periods * period;
                self.desk.trouble(format!("this machine is slow to pass on MIDI from JACK: it acts {frames} frames later from now on"));
            }
        }
    }

    /// The next message, into `bytes`.
    fn next(&mut self) -> Option<Head> {
        let mut head = [0; HEAD];
        let chunk = self.ring.read_chunk(HEAD).ok()?;
        let (first, second) = chunk.as_slices();
        head[..first.len()].copy_from_slice(first);
        head[first.len()..].copy_from_slice(second);
        chunk.commit_all();
        let head = Head::read(&head);
        self.bytes.clear();
        // It was put in together with its head.
        let chunk = self.ring.read_chunk(head.length as usize).ok()?;
        let (first, second) = chunk.as_slices();
        self.bytes.extend_from_slice(first);
        self.bytes.extend_from_slice(second);
        chunk.commit_all();
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stop_of_the_machine_changes_nothing_and_what_is_always_late_does() {
        let start = Instant::now();
        let after = |ms: u64| start + Duration::from_millis(ms);
        let mut lead = Lead::default();
        assert!((0..50).all(|n| !lead.late(after(n), 64, 48_000)), "one stop");
        assert!(!lead.late(after(60_000), 64, 48_000));
        assert!(!lead.late(after(60_500), 64, 48_000));
        assert!(lead.late(after(61_000), 64, 48_000));
        assert_eq!(lead.periods, 2);
        for n in 0..1000 {
            lead.late(after(70_000 + n * 200), 64, 48_000);
        }
        assert_eq!(lead.periods, 15, "20 ms at most");
    }
}
