//! What JACK calls in each cycle: it copies what comes in into a ring, with the sample at which it came, and writes what goes out.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::Thread;

use jack::{Client, Control, MidiIn, MidiOut, MidiWriter, Port, ProcessHandler, ProcessScope, RawMidi};

use super::out::Sends;
use super::place::Places;
use super::ports::PortId;
use super::ticker::Ticker;
use crate::base::time::SampleTime;
use crate::rt::beat_line::BeatLine;
use crate::rt::clock::WallClock;

/// Bytes that may wait for the draining thread, with their heads.
pub(super) const RING: usize = 1 << 20;
/// Inputs at most.
pub(super) const INPUTS: usize = 33;
/// Messages of one cycle that go out at most.
const TOGETHER: usize = 2048;
/// The longest message that goes out: a system exclusive one with its ends.
const LONGEST: usize = super::parser::EXCLUSIVE + 2;

/// What stands before the bytes of a message in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub port: PortId,
    pub length: u32,
    /// Frames of the cycle in which it came.
    pub period: u32,
    /// The sample that the engine worked out with the frame in which it came, where it is known.
    pub sample: Option<SampleTime>,
    /// When that frame was [ns since 1970].
    pub wall: u64,
}

/// Bytes of a head.
pub(super) const HEAD: usize = 26;

impl Head {
    fn bytes(self) -> [u8; HEAD] {
        let mut all = [0; HEAD];
        all[..2].copy_from_slice(&self.port.0.to_le_bytes());
        all[2..6].copy_from_slice(&self.length.to_le_bytes());
        all[6..10].copy_from_slice(&self.period.to_le_bytes());
        all[10..18].copy_from_slice(&self.sample.unwrap_or(u64::MAX).to_le_bytes());
        all[18..].copy_from_slice(&self.wall.to_le_bytes());
        all
    }

    pub(super) fn read(all: &[u8; HEAD]) -> Self {
        let number = |from: usize, to: usize| all[from..to].iter().rev().fold(0u64, |x, byte| x << 8 | u64::from(*byte));
        Self {
            port: PortId(number(0, 2) as u16),
            length: number(2, 6) as u32,
            period: number(6, 10) as u32,
            sample: Some(number(10, 18)).filter(|sample| *sample != u64::MAX),
            wall: number(18, 26),
        }
    }
}

/// An input of ours.
pub(super) struct Input {
    pub id: PortId,
    pub port: Port<MidiIn>,
}

/// What changes in the callback's inputs.
pub(super) enum Change {
    Add(Input),
    Remove(PortId),
}

/// What the callback shares with the threads around it.
#[derive(Default)]
pub(super) struct Shared {
    /// Cycles so far.
    pub cycles: AtomicU64,
    /// Something came that found no room: nobody knows what it was.
    pub lost: AtomicBool,
    /// Who is woken when something has come.
    pub drain: OnceLock<Thread>,
}

/// What goes out in a cycle: in which frame, in which order, what.
#[derive(Clone, Copy)]
struct Going {
    frame: u32,
    order: u32,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// A message of an input, both by number.
    Thru(u32, u32),
    Own([u8; 3], u8),
}

pub(super) struct Process {
    ends: Made,
    inputs: Vec<Input>,
    places: Places,
    ticker: Option<Ticker>,
    going: Vec<Going>,
    long: Box<[u8]>,
}

/// The ends that a process is made around.
pub(super) struct Made {
    pub out: Port<MidiOut>,
    pub changes: rtrb::Consumer<Change>,
    pub home: rtrb::Producer<Input>,
    pub ring: rtrb::Producer<u8>,
    pub queue: rtrb::Consumer<u8>,
    pub shared: Arc<Shared>,
    pub sends: Arc<Sends>,
    pub clock: WallClock,
    pub beat: Arc<BeatLine>,
}

impl Process {
    /// Without inputs yet. `[control]`
    pub fn new(ends: Made) -> Self {
        Self {
            ends,
            inputs: Vec::with_capacity(INPUTS),
            places: Places::default(),
            ticker: None,
            going: Vec::with_capacity(TOGETHER),
            long: vec![0; LONGEST].into_boxed_slice(),
        }
    }

    /// Takes inputs in and sends them home. Neither allocates: there is room for all that there can be.
    fn change(&mut self) {
        while self.ends.home.slots() > 0
            && let Ok(change) = self.ends.changes.pop()
        {
            match change {
                Change::Add(input) if self.inputs.len() < self.inputs.capacity() => self.inputs.push(input),
                Change::Add(input) => _ = self.ends.home.push(input),
                Change::Remove(id) => {
                    if let Some(at) = self.inputs.iter().position(|input| input.id == id) {
                        let _ = self.ends.home.push(self.inputs.swap_remove(at));
                    }
                }
            }
        }
    }

    fn take(&mut self, scope: &ProcessScope, first: Option<SampleTime>) {
        let began = self.ends.clock.wall().now();
        let rate = i64::from(self.ends.clock.rate().max(1));
        let nanos = |frames: u32| i64::from(frames) * 1_000_000_000 / rate;
        let start = began - nanos(scope.frames_since_cycle_start().min(scope.n_frames()));
        let mut woken = false;
        for (number, input) in self.inputs.iter().enumerate() {
            for (index, event) in input.port.iter(scope).enumerate() {
                let Some(status) = event.bytes.first() else { continue };
                let head = Head {
                    port: input.id,
                    length: event.bytes.len() as u32,
                    period: scope.n_frames(),
                    sample: first.map(|first| first + u64::from(event.time)),
                    wall: (start + nanos(event.time)).max(0) as u64,
                };
                match self.ends.ring.write_chunk_uninit(HEAD + event.bytes.len()) {
                    Ok(room) => _ = room.fill_from_iter(head.bytes().iter().chain(event.bytes).copied()),
                    Err(_) => {
                        self.ends.sends.lost.fetch_add(1, Relaxed);
                        self.ends.shared.lost.store(true, Relaxed);
                    }
                }
                woken = true;
                if self.ends.sends.passes(*status) {
                    let what = What::Thru(number as u32, index as u32);
                    push(&mut self.going, &self.ends.sends, event.time, what);
                }
            }
        }
        if woken && let Some(drain) = self.ends.shared.drain.get() {
            drain.unpark();
        }
    }

    /// The beat clock's messages of this cycle.
    fn tick(&mut self, frames: u32, first: Option<SampleTime>) {
        let (Some(first), true) = (first, self.ends.sends.clock.load(Relaxed)) else {
            self.ticker = None;
            return;
        };
        // While it is being written it is left to the next cycle, which goes on from here.
        let Some(line) = self.ends.beat.read() else { return };
        let (going, sends) = (&mut self.going, &self.ends.sends);
        self.ticker.get_or_insert_default().window(line, first, u64::from(frames), |frame, message| {
            let (bytes, length) = message.bytes();
            push(going, sends, frame.min(frames - 1), What::Own(bytes, length as u8));
        });
    }

    fn give(&mut self, scope: &ProcessScope) {
        let Self { ends: Made { out, queue, sends, .. }, long, going, inputs, .. } = self;
        let mut writer = out.writer(scope);
        while let Some(length) = next(queue, long) {
            write(&mut writer, sends, 0, &long[..length]);
        }
        // By order too, so that equal frames keep theirs.
        going.sort_unstable_by_key(|going| (going.frame, going.order));
        for going in going.iter() {
            match going.what {
                What::Own(bytes, length) => write(&mut writer, sends, going.frame, &bytes[..usize::from(length)]),
                What::Thru(input, index) => {
                    let event = inputs.get(input as usize).and_then(|input| input.port.iter(scope).nth(index as usize));
                    if let Some(event) = event {
                        write(&mut writer, sends, going.frame, event.bytes);
                    }
                }
            }
        }
        going.clear();
    }
}

/// The next message of the queue, into `long`: its length.
fn next(queue: &mut rtrb::Consumer<u8>, long: &mut [u8]) -> Option<usize> {
    let mut length = [0; 4];
    copy(queue, &mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    // What is sent is never longer: it was put in by us.
    let kept = length.min(long.len());
    copy(queue, &mut long[..kept])?;
    for _ in kept..length {
        let _ = queue.pop();
    }
    Some(kept)
}

fn copy(queue: &mut rtrb::Consumer<u8>, to: &mut [u8]) -> Option<()> {
    let chunk = queue.read_chunk(to.len()).ok()?;
    let (first, second) = chunk.as_slices();
    to[..first.len()].copy_from_slice(first);
    to[first.len()..].copy_from_slice(second);
    chunk.commit_all();
    Some(())
}

fn push(going: &mut Vec<Going>, sends: &Sends, frame: u32, what: What) {
    if going.len() < going.capacity() {
        let order = going.len() as u32;
        going.push(Going { frame, order, what });
    } else {
        sends.unsent.fetch_add(1, Relaxed);
    }
}

fn write(writer: &mut MidiWriter<'_>, sends: &Sends, time: u32, bytes: &[u8]) {
    if writer.write(&RawMidi { time, bytes }).is_err() {
        sends.unsent.fetch_add(1, Relaxed);
    }
}

impl ProcessHandler for Process {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        self.ends.shared.cycles.fetch_add(1, Relaxed);
        self.change();
        let times = scope.cycle_times().ok();
        let first = times
            .and_then(|times| self.places.cycle(times.current_frames, times.current_usecs, times.next_usecs, self.ends.clock.cycles()));
        self.take(scope, first);
        self.tick(scope.n_frames(), first);
        self.give(scope);
        Control::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for sample in [None, Some(0), Some(1 << 40)] {
            let head = Head { port: PortId(513), length: 65_538, period: 1024, sample, wall: 1_790_000_000_123_456_789 };
            assert_eq!(Head::read(&head.bytes()), head);
        }
    }
}
