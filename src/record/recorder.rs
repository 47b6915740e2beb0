//! A thread that writes what comes out of a tap, until the tap's other end goes or it is told to stop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::file::{Recorded, SoundFile};
use super::spec::Spec;
use crate::rt::tap::{Tap, TapEnd, tap};

/// Sound that may wait for a slow disk [s].
pub const PATIENCE: usize = 4;
/// How often the thread looks for frames.
const TICK: Duration = Duration::from_millis(20);
/// How often lost frames are told at most.
const TELL: Duration = Duration::from_secs(1);

/// What a recording tells of itself.
#[derive(Debug)]
pub enum RecordEvent {
    /// The disk was too slow: so many frames more are silence in the file.
    Gap(u64),
    /// It ended by itself: the disk is full or gone. What there is of the file is valid.
    Failed {
        /// Why.
        why: io::Error,
        /// What there is.
        file: Recorded,
    },
    /// It ended as it was told.
    Done(Recorded),
}

/// How far a recording is, for whoever looks.
#[derive(Debug, Default)]
pub struct Progress {
    frames: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
    peak: AtomicU32,
}

impl Progress {
    /// Frames taken so far, and how many of them were lost. `[any]`
    pub fn frames(&self) -> (u64, u64) {
        (self.frames.load(Relaxed), self.lost.load(Relaxed))
    }

    /// Length of the file [bytes]. `[any]`
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// The highest sample since this was last asked. `[any]`
    pub fn take_peak(&self) -> f32 {
        f32::from_bits(self.peak.swap(0, Relaxed))
    }

    fn see(&self, samples: &[f32]) {
        let peak = samples.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        // Positive floats order as their bits do.
        self.peak.fetch_max(peak.to_bits(), Relaxed);
    }
}

/// How a recording's end is known.
pub(super) trait Ending {
    /// Looked at often: whether it is over, so that all of it is in the tap.
    fn is_over(&mut self) -> bool;
    /// How many frames it had by then, lost ones among them, where that is known.
    fn frames(&self) -> Option<u64>;
}

/// Writes what comes out of a tap until its end.
pub(super) fn write_out(
    mut file: SoundFile,
    mut tap: TapEnd,
    progress: &Progress,
    ending: &mut dyn Ending,
    tell: &mut dyn FnMut(RecordEvent),
) {
    let (mut lost, mut told): (u64, Option<Instant>) = (0, None);
    loop {
        // In this order: what came before the end is in the ring by then.
        let over = ending.is_over() || tap.is_abandoned();
        let written = empty(&mut file, &mut tap, progress);
        while let Some(gap) = tap.gap() {
            file.mark(gap);
        }
        let now_lost = tap.lost();
        if now_lost > lost && (over || told.is_none_or(|told| told.elapsed() >= TELL)) {
            tell(RecordEvent::Gap(now_lost - lost));
            (lost, told) = (now_lost, Some(Instant::now()));
        }
        progress.lost.store(now_lost, Relaxed);
        let ended = match written {
            Err(why) => Err(why),
            Ok(()) if over => complete(&mut file, progress, ending.frames()).and_then(|()| file.finish()),
            Ok(()) => {
                thread::sleep(TICK);
                continue;
            }
        };
        return tell(match ended {
            Ok(file) => RecordEvent::Done(Recorded { lost: now_lost, ..file }),
            Err(why) => RecordEvent::Failed { why, file: Recorded { lost: now_lost, ..file.recorded() } },
        });
    }
}

/// Writes all that waits, in pieces, so that what was written makes room at once.
fn empty(file: &mut SoundFile, tap: &mut TapEnd, progress: &Progress) -> io::Result<()> {
    let piece = file.spec().rate() as usize / 16 + 1;
    loop {
        let count = tap.drain(piece, |samples| {
            progress.see(samples);
            file.write(samples)
        })?;
        progress.frames.fetch_add(count as u64, Relaxed);
        progress.bytes.store(file.size().1, Relaxed);
        if count < piece {
            return Ok(());
        }
    }
}

/// Silence for what was lost at the end, which nothing came after.
fn complete(file: &mut SoundFile, progress: &Progress, frames: Option<u64>) -> io::Result<()> {
    let channels = usize::from(file.spec().channels());
    let mut missing = frames.map_or(0, |frames| frames.saturating_sub(progress.frames().0)) as usize;
    let silence = vec![0.0; missing.min(1 << 12) * channels];
    while missing > 0 {
        let count = missing.min(1 << 12);
        file.write(&silence[..count * channels])?;
        progress.frames.fetch_add(count as u64, Relaxed);
        missing -= count;
    }
    Ok(())
}

/// A recording of all that a tap is given.
pub struct Recorder {
    path: PathBuf,
    spec: Spec,
    stop: Arc<AtomicBool>,
    progress: Arc<Progress>,
    thread: JoinHandle<()>,
    events: Receiver<RecordEvent>,
}

/// It ends when it is told.
struct Told(Arc<AtomicBool>);

impl Ending for Told {
    fn is_over(&mut self) -> bool {
        self.0.load(Relaxed)
    }

    fn frames(&self) -> Option<u64> {
        None
    }
}

impl Recorder {
    /// Begins a file, and gives the tap to be put into the host. `[control]`
    ///
    /// # Errors
    /// The system's: no such folder, no permission, no thread.
    pub fn start(path: &Path, spec: Spec) -> io::Result<(Self, Tap)> {
        Self::start_on(SoundFile::create(path, spec)?)
    }

    pub(super) fn start_on(file: SoundFile) -> io::Result<(Self, Tap)> {
        let spec = file.spec();
        let (near, far) = tap(usize::from(spec.channels()), spec.rate() as usize * PATIENCE);
        let path = file.path().to_owned();
        let (stop, progress) = (Arc::new(AtomicBool::new(false)), Arc::new(Progress::default()));
        let (to, events) = channel();
        let (mut told, shown) = (Told(Arc::clone(&stop)), Arc::clone(&progress));
        let run = move || write_out(file, far, &shown, &mut told, &mut |event| drop(to.send(event)));
        let thread = thread::Builder::new().name("recorder".into()).spawn(run)?;
        Ok((Self { path, spec, stop, progress, thread, events }, near))
    }

    /// Where it goes; not always where it was asked to. `[any]`
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file is. `[any]`
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// How far it is. `[any]`
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What has happened since last asked; after [`RecordEvent::Failed`] or [`RecordEvent::Done`] nothing more will. `[control]`
    pub fn poll(&self) -> Option<RecordEvent> {
        self.events.try_recv().ok()
    }

    /// Writes what is in the tap and completes the file; what is pushed from now on is not in it. `[control]`
    pub fn finish(self) -> RecordEvent {
        self.stop.store(true, Relaxed);
        let _ = self.thread.join();
        self.events
            .try_iter()
            .find(|event| !matches!(event, RecordEvent::Gap(_)))
            .unwrap_or_else(|| RecordEvent::Failed { why: io::Error::other("the recorder failed in itself"), file: Recorded::default() })
    }
}
