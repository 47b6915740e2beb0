//! A thread that writes what comes out of a tap, until the tap's other end goes or it is told to stop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::wav::{Recorded, Sample, WavFile};
use crate::rt::tap::{Tap, TapEnd, tap};

/// Sound that may wait for a slow disk [s].
const PATIENCE: usize = 8;
/// How often the thread looks for frames.
const TICK: Duration = Duration::from_millis(20);

/// What a recording tells of itself.
#[derive(Debug)]
pub enum RecordEvent {
    /// The disk was too slow: so many frames more are silence in the file.
    Gap(u64),
    /// It ended by itself: the disk is full or gone. The files are valid.
    Failed {
        /// Why.
        why: io::Error,
        /// What there is.
        files: Vec<Recorded>,
    },
    /// It ended as it was told.
    Done(Vec<Recorded>),
}

/// A recording that runs.
pub struct Recorder {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    events: Receiver<RecordEvent>,
}

impl Recorder {
    /// Begins a file, and gives the tap to be put into the host. `[control]`
    ///
    /// # Errors
    /// The system's: no such folder, no permission, no thread.
    pub fn start(path: &Path, rate: u32, channels: u16, sample: Sample) -> io::Result<(Self, Tap)> {
        let file = WavFile::create(path, rate, channels, sample)?;
        Self::start_on(file, rate, channels)
    }

    fn start_on(file: WavFile, rate: u32, channels: u16) -> io::Result<(Self, Tap)> {
        let (near, far) = tap(usize::from(channels), rate as usize * PATIENCE);
        let path = file.path().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let (to, events) = channel();
        let told = Arc::clone(&stop);
        let thread = thread::Builder::new().name("recorder".into()).spawn(move || run(file, far, &told, &to))?;
        Ok((Self { path, stop, thread, events }, near))
    }

    /// Where it goes; not always where it was asked to. `[any]`
    pub fn path(&self) -> &Path {
        &self.path
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
            .unwrap_or_else(|| RecordEvent::Failed { why: io::Error::other("the recorder failed in itself"), files: Vec::new() })
    }
}

fn run(mut file: WavFile, mut tap: TapEnd, stop: &AtomicBool, events: &Sender<RecordEvent>) {
    let mut lost = 0;
    loop {
        // In this order: what came before the end is in the ring by then.
        let over = stop.load(Relaxed) || tap.is_abandoned();
        if let Err(why) = tap.drain(|samples| file.write(samples)) {
            let _ = events.send(RecordEvent::Failed { why, files: file.done().to_vec() });
            return;
        }
        let now_lost = tap.lost();
        if now_lost > lost {
            let _ = events.send(RecordEvent::Gap(now_lost - lost));
            lost = now_lost;
        }
        if over {
            let _ = events.send(match file.finish() {
                Ok(files) => RecordEvent::Done(files),
                Err(why) => RecordEvent::Failed { why, files: Vec::new() },
            });
            return;
        }
        thread::sleep(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::super::wav::Disk;
    use super::*;
    use std::fs::File;
    use std::io::{Seek, SeekFrom, Write};

    /// A disk on which so many bytes have room.
    struct Small {
        file: File,
        room: u64,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let at = self.file.stream_position()?;
            let fit = self.room.saturating_sub(at).min(bytes.len() as u64) as usize;
            if fit == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.file.write(&bytes[..fit])
        }
        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    impl Seek for Small {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.file.seek(to)
        }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rackd-record-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn read(path: &Path) -> Vec<f32> {
        hound::WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).collect()
    }

    fn ramp(from: usize, frames: usize) -> Vec<f32> {
        (from..from + frames).flat_map(|n| [n as f32, -(n as f32)]).collect()
    }

    #[test]
    fn a_full_disk_ends_it_with_a_valid_file() {
        let folder = folder("full");
        for (sample, room) in [(Sample::Float32, 100_003), (Sample::Int24, 70_001), (Sample::Int16, 1_000_002)] {
            let path = folder.join(format!("{sample:?}.wav"));
            let disk = Box::new(move |file| Box::new(Small { file, room }) as Box<dyn Disk>);
            let file = WavFile::create_on(&path, 8_000, 2, sample, disk, u64::MAX).unwrap();
            let (recorder, mut tap) = Recorder::start_on(file, 8_000, 2).unwrap();
            let (why, files) = 'failed: loop {
                tap.push(&ramp(0, 400));
                match recorder.poll() {
                    Some(RecordEvent::Failed { why, files }) => break 'failed (why, files),
                    Some(RecordEvent::Done(_)) => panic!("the disk had no room"),
                    _ => thread::sleep(Duration::from_millis(1)),
                }
            };
            assert_eq!(why.kind(), io::ErrorKind::StorageFull);
            let [Recorded { frames, .. }] = files[..] else { panic!("one file") };
            let reader = hound::WavReader::open(&path).unwrap();
            assert_eq!(u64::from(reader.duration()), frames, "{sample:?}");
            let bytes = frames * u64::from(reader.spec().bits_per_sample / 8) * 2;
            assert!(bytes + 200 > room && bytes <= room, "{sample:?}: {bytes} of {room} bytes are sound");
            assert_eq!(std::fs::metadata(&path).unwrap().len() % 2, 0);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_does_not_fit_into_one_file_goes_on_in_the_next() {
        let folder = folder("long");
        let path = folder.join("long.wav");
        let disk = Box::new(|file| Box::new(file) as Box<dyn Disk>);
        let mut file = WavFile::create_on(&path, 1_000, 2, Sample::Float32, disk, 40_000).unwrap();
        for block in 0..120 {
            file.write(&ramp(block * 100, 100)).unwrap();
        }
        let files = file.finish().unwrap();
        assert_eq!(files.iter().map(|file| file.frames).collect::<Vec<_>>(), [5_000, 5_000, 2_000]);
        let all: Vec<f32> = files.iter().flat_map(|file| read(&file.path)).collect();
        assert_eq!(all, ramp(0, 12_000));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_second_of_sound_is_safe_without_an_end() {
        let folder = folder("crash");
        let path = folder.join("crash.wav");
        let mut file = WavFile::create(&path, 1_000, 2, Sample::Float32).unwrap();
        file.write(&ramp(0, 1_500)).unwrap();
        file.write(&ramp(1_500, 1_000)).unwrap();
        // As it lies there if the machine stops now.
        let heard = read(&path);
        assert!(heard.len() >= 2 * 1_500, "{} samples", heard.len());
        assert_eq!(heard[..], ramp(0, heard.len() / 2)[..]);
        drop(file);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
