//! A thread that writes down what the engine did.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::file::{self, Head};
use super::{entry, page};
use crate::base::time::SampleTime;
use crate::control::logbook::Page;
use crate::control::saving::create_new;
use crate::engine::doors::Shown;
use crate::engine::journal::{Entry, JournalEnd};
use crate::rt::flows::Flows;
use crate::rt::overheard::Overheard;

/// How often the thread looks for entries.
const TICK: Duration = Duration::from_millis(5);
/// How often streams are listened to.
const LISTEN: Duration = Duration::from_millis(40);
/// How often what was written is given to the system: so much is missing after the end of the process.
const FLUSH: Duration = Duration::from_millis(250);

/// How a set ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The frame after its last.
    pub end: SampleTime,
    /// It was faded out from a frame on, within so many.
    pub fade: Option<(SampleTime, u64)>,
}

/// A log that is being written.
pub struct Keeper {
    path: PathBuf,
    end: SyncSender<Ended>,
    thread: JoinHandle<io::Result<Kept>>,
}

/// A log that was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Entries in it.
    pub entries: u64,
    /// Entries that found no room: it has holes.
    pub lost: u64,
}

impl Keeper {
    /// Begins a file; where one of this name is there, `name-2.oscl` and so on is taken. `[control]`
    ///
    /// # Errors
    /// The system's: no such folder, no permission, no thread.
    pub fn start(
        path: &Path,
        head: &Head,
        journal: JournalEnd,
        pages: Receiver<Page>,
        flows: Flows,
        shown: Arc<Shown>,
    ) -> io::Result<Self> {
        let (path, file) = create_new(path)?;
        let mut file = BufWriter::new(file);
        file::put(&mut file, &head.message())?;
        file.flush()?;
        let (end, ends) = sync_channel(1);
        let (entries, streams) = Default::default();
        let mut writer = Writer { file, journal, pages, flows, shown, entries, streams, kept: Kept::default() };
        let thread = thread::Builder::new().name("log".into()).spawn(move || writer.run(&ends))?;
        Ok(Self { path, end, thread })
    }

    /// Where it goes; not always where it was asked to. `[any]`
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has ended before its time, since it could not be written. `[any]`
    pub fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// Writes all that was done, and completes the file; the engine must have stopped. `[control]`
    ///
    /// # Errors
    /// The system's: what was written by then is there.
    pub fn finish(self, ended: Ended) -> io::Result<Kept> {
        let _ = self.end.send(ended);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("its thread failed")))
    }
}

/// What the thread has.
struct Writer {
    file: BufWriter<File>,
    journal: JournalEnd,
    pages: Receiver<Page>,
    flows: Flows,
    shown: Arc<Shown>,
    entries: Vec<Entry>,
    /// What is heard of streams, by their numbers.
    streams: Vec<(String, Overheard)>,
    kept: Kept,
}

impl Writer {
    fn run(&mut self, ends: &Receiver<Ended>) -> io::Result<Kept> {
        let (mut flushed, mut listened) = (Instant::now(), Instant::now());
        loop {
            let ended = match ends.recv_timeout(TICK) {
                Ok(ended) => Some(ended),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(self.kept),
            };
            let now = self.shown.now();
            self.take()?;
            if ended.is_some() || listened.elapsed() >= LISTEN {
                listened = Instant::now();
                self.listen()?;
            }
            if let Some(Ended { end, fade }) = ended {
                if let Some(fade) = fade {
                    file::put(&mut self.file, &file::fade(fade))?;
                }
                file::put(&mut self.file, &file::end(end))?;
                self.file.flush()?;
                self.file.get_ref().sync_data()?;
                return Ok(self.kept);
            }
            if flushed.elapsed() >= FLUSH {
                flushed = Instant::now();
                file::put(&mut self.file, &file::until(now))?;
                self.file.flush()?;
            }
        }
    }

    /// Writes what was heard of streams.
    fn listen(&mut self) -> io::Result<()> {
        for (name, flow) in self.flows.inflows() {
            if !self.streams.iter().any(|(_, overheard)| overheard.is_of(&flow)) {
                file::put(&mut self.file, &file::stream(self.streams.len(), &name))?;
                self.streams.push((name, Overheard::new(&flow)));
            }
        }
        let mut gone = Vec::new();
        for (number, (name, overheard)) in self.streams.iter_mut().enumerate() {
            let (before, mut written) = (overheard.lost(), Ok(()));
            overheard.take(|tile| {
                if written.is_ok() {
                    written = file::put(&mut self.file, &file::heard(number, &tile));
                }
            });
            written?;
            if overheard.lost() > before {
                gone.push(format!("{} pieces of the stream {name} were gone before they were written", overheard.lost() - before));
            }
        }
        gone.into_iter().try_for_each(|why| self.hole(why))
    }

    fn hole(&mut self, why: String) -> io::Result<()> {
        page::write(&Page::Hole(why)).iter().try_for_each(|message| file::put(&mut self.file, message))
    }

    /// Writes what waits. Entries are taken first: what they name was told before.
    fn take(&mut self) -> io::Result<()> {
        self.entries.extend(std::iter::from_fn(|| self.journal.take()));
        for page in self.pages.try_iter() {
            for message in page::write(&page) {
                file::put(&mut self.file, &message)?;
            }
        }
        let lost = self.journal.lost();
        if lost > self.kept.lost {
            self.hole(format!("{} things that were done found no room in the log", lost - self.kept.lost))?;
            self.kept.lost = lost;
        }
        for entry in self.entries.drain(..) {
            file::put(&mut self.file, &entry::write(entry))?;
            self.kept.entries += 1;
        }
        Ok(())
    }
}
