//! Frames into a file that can be played at any time: valid after every half second of sound, after the disk was full, and after the end of
//! the process.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::code::Code;
use super::disk::{Disk, Growing};
use super::flac::Flac;
use super::spec::{Format, Spec};
use super::wav::{FULL, Wav};
use crate::control::saving::create_new;
use crate::rt::tap::Gap;

/// Seconds of sound after which it is made sure that it outlives a failure of the power.
const SYNC: u64 = 5;
/// Frames that are coded at once at most.
const AT_ONCE: usize = 1 << 14;

/// A file that is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Where it is.
    pub path: PathBuf,
    /// Frames in it.
    pub frames: u64,
    /// Frames of these that were lost: silence stands in their place.
    pub lost: u64,
}

/// A file of sound that grows.
pub struct SoundFile {
    path: PathBuf,
    spec: Spec,
    disk: Growing,
    code: Box<dyn Code>,
    /// Frames in it, and where their last byte is.
    frames: u64,
    sound_end: u64,
    /// Frames since the head was last put right, and since all was last made sure of.
    unsaved: u64,
    unsure: u64,
    /// It has failed: nothing more goes in.
    broken: bool,
    gaps: Vec<Gap>,
    lost: u64,
    bytes: Vec<u8>,
}

impl SoundFile {
    /// Begins a file. Where one of this name is there, `name-2.wav` and so on is taken. `[control]`
    ///
    /// # Errors
    /// The system's: no such folder, no permission.
    pub fn create(path: &Path, spec: Spec) -> io::Result<Self> {
        let (path, file) = create_new(path)?;
        Self::on(path, file, spec)
    }

    /// Begins in an empty file. `[control]`
    ///
    /// # Errors
    /// The system's.
    pub fn on(path: PathBuf, file: File, spec: Spec) -> io::Result<Self> {
        Self::on_disk(path, Box::new(file), spec, FULL)
    }

    /// The same on any disk, with RF64 above so many bytes.
    pub(super) fn on_disk(path: PathBuf, disk: Box<dyn Disk>, spec: Spec, limit: u64) -> io::Result<Self> {
        let code: Box<dyn Code> = match spec.format {
            Format::Wav => Box::new(Wav::new(spec, limit)),
            Format::Flac => Box::new(Flac::new(spec).ok_or_else(|| io::Error::other("the FLAC encoder does not take this"))?),
        };
        let mut disk = Growing::new(disk);
        disk.add(&code.head(0, 0, 0))?;
        let sound_end = disk.length();
        // As it is to be read if nothing more comes.
        disk.put(0, &code.head(0, sound_end, sound_end))?;
        let (gaps, bytes) = (Vec::new(), Vec::new());
        Ok(Self { path, spec, disk, code, frames: 0, sound_end, unsaved: 0, unsure: 0, broken: false, gaps, lost: 0, bytes })
    }

    /// Where it is; not always where it was asked to. `[any]`
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is. `[any]`
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// Frames that can be read of it at this moment, and how long it is [bytes]. `[any]`
    pub fn size(&self) -> (u64, u64) {
        (self.frames, self.disk.length())
    }

    /// Adds interleaved frames. After each half second of them the file on the disk is complete up to there. `[control]`
    ///
    /// # Errors
    /// The system's, such as a full disk: the file ends there, is valid, and takes nothing more.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        for samples in samples.chunks(usize::from(self.spec.channels) * AT_ONCE) {
            self.bytes.clear();
            let mut bytes = std::mem::take(&mut self.bytes);
            let frames = self.code.code(samples, &mut bytes);
            let written = self.add(&bytes, frames);
            self.bytes = bytes;
            written?;
            self.save_often()?;
        }
        Ok(())
    }

    /// Frames were lost here: silence that was written in their place, or is missing at the end. `[control]`
    pub fn mark(&mut self, gap: Gap) {
        self.lost += gap.frames;
        self.gaps.push(gap);
    }

    /// Frames marked as lost. `[any]`
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Completes the file. `[control]`
    ///
    /// # Errors
    /// The system's; the file is valid up to where it could be written, and [`Self::recorded`] tells how far that is.
    pub fn finish(&mut self) -> io::Result<Recorded> {
        let mut bytes = Vec::new();
        let frames = self.code.last(&mut bytes);
        self.add(&bytes, frames)?;
        let tail = self.code.tail(self.sound_end, &self.gaps, self.lost);
        if let Err(why) = self.disk.add(&tail) {
            // Better without the marks than broken.
            self.break_off();
            return Err(why);
        }
        self.put_head()?;
        self.disk.sync()?;
        Ok(self.recorded())
    }

    /// What there is of it. `[any]`
    pub fn recorded(&self) -> Recorded {
        Recorded { path: self.path.clone(), frames: self.frames, lost: self.lost }
    }

    /// Adds what was coded, with which so many frames are in the file.
    fn add(&mut self, bytes: &[u8], frames: u64) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("the recording has ended"));
        }
        if let Err(why) = self.disk.add(bytes) {
            self.break_off();
            return Err(why);
        }
        (self.unsaved, self.unsure) = (self.unsaved + frames - self.frames, self.unsure + frames - self.frames);
        (self.frames, self.sound_end) = (frames, self.disk.length());
        Ok(())
    }

    fn save_often(&mut self) -> io::Result<()> {
        let rate = u64::from(self.spec.rate);
        if self.unsaved * 2 >= rate {
            self.unsaved = 0;
            self.put_head()?;
        }
        if self.unsure >= SYNC * rate {
            self.unsure = 0;
            self.disk.sync()?;
        }
        Ok(())
    }

    fn put_head(&mut self) -> io::Result<()> {
        self.disk.put(0, &self.code.head(self.frames, self.sound_end, self.disk.length()))
    }

    /// The disk takes no more: what lies there becomes a valid file, which takes no room.
    fn break_off(&mut self) {
        self.broken = true;
        let (frames, end) = self.code.whole(self.disk.length(), self.sound_end, self.frames);
        if self.disk.cut(end).is_ok() {
            (self.frames, self.sound_end) = (frames, end);
            let _ = self.put_head();
            let _ = self.disk.sync();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorder::{RecordEvent, Recorder};
    use super::super::spec::Sample;
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    /// A disk with room for so many bytes.
    struct Small(File, u64);

    impl Disk for Small {
        fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fit = (self.1.saturating_sub(self.0.metadata()?.len())).min(bytes.len() as u64) as usize;
            if fit == 0 { Err(io::ErrorKind::StorageFull.into()) } else { self.0.append(&bytes[..fit]) }
        }
        fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
            assert!(at + bytes.len() as u64 <= self.0.metadata()?.len().max(1), "what is put right takes no room");
            self.0.put(at, bytes)
        }
        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.0.cut(length)
        }
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that takes nothing behind its head until it is told to.
    struct Stalled(File, Receiver<()>, u32);

    impl Disk for Stalled {
        fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.2 += 1;
            if self.2 == 2 {
                self.1.recv().expect("the test tells it");
            }
            self.0.append(bytes)
        }
        fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
            self.0.put(at, bytes)
        }
        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.0.cut(length)
        }
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The folder of one test.
    struct Desk(PathBuf);

    impl Desk {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("rackd-record-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).expect("a folder");
            Self(folder)
        }

        fn create(&self, name: &str, spec: Spec, limit: u64, disk: impl FnOnce(File) -> Box<dyn Disk>) -> SoundFile {
            let (path, file) = create_new(&self.0.join(name)).expect("a new file");
            SoundFile::on_disk(path, disk(file), spec, limit).expect("there is room for the head")
        }
    }

    impl Drop for Desk {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn ramp(from: usize, frames: usize) -> Vec<f32> {
        (from..from + frames).flat_map(|n| [n as f32 / 65_536.0, -(n as f32) / 65_536.0]).collect()
    }

    /// Every format, with its name.
    fn specs(rate: u32) -> Vec<(String, Spec)> {
        let wav = [Sample::Float32, Sample::Int24, Sample::Int16].map(|sample| Spec::new(Format::Wav, sample, rate, 2));
        let flac = [Sample::Int24, Sample::Int16].map(|sample| Spec::new(Format::Flac, sample, rate, 2));
        let all = wav.into_iter().chain(flac).map(|spec| spec.expect("it can be"));
        all.map(|spec| (format!("{}.{}", spec.sample.bits(), spec.format.name()), spec)).collect()
    }

    /// What can be read of a file, as steps of its own samples; floats as 24 bits.
    fn read(path: &Path, spec: Spec) -> Vec<i32> {
        if spec.format == Format::Flac {
            let mut reader = claxon::FlacReader::open(path).expect("it opens");
            let most = reader.streaminfo().samples.unwrap_or(0) as usize * 2;
            return reader.samples().take(most).map(|x| x.expect("a sample")).collect();
        }
        let mut reader = hound::WavReader::open(path).expect("it opens");
        match spec.sample {
            Sample::Float32 => reader.samples::<f32>().map(|x| Sample::Int24.whole(x.expect("a sample"))).collect(),
            _ => reader.samples::<i32>().map(|x| x.expect("a sample")).collect(),
        }
    }

    fn wanted(samples: &[f32], spec: Spec) -> Vec<i32> {
        let sample = if spec.sample == Sample::Float32 { Sample::Int24 } else { spec.sample };
        samples.iter().map(|x| sample.whole(*x)).collect()
    }

    #[test]
    fn a_full_disk_ends_it_with_a_valid_file() {
        let desk = Desk::new("full");
        for (name, spec) in specs(8_000) {
            let room = 70_001;
            let file = desk.create(&name, spec, FULL, |file| Box::new(Small(file, room)));
            let (recorder, mut tap) = Recorder::start_on(file).expect("a thread");
            let mut pushed = 0;
            let (why, file) = 'failed: loop {
                // No faster than it is written: what is lost is another test's.
                if pushed < recorder.progress().frames().0 as usize + 16_000 {
                    tap.push(&ramp(pushed % 30_000, 400));
                    pushed += 400;
                }
                match recorder.poll() {
                    Some(RecordEvent::Failed { why, file }) => break 'failed (why, file),
                    Some(RecordEvent::Done(_)) => panic!("the disk had no room"),
                    _ => std::thread::sleep(std::time::Duration::from_millis(1)),
                }
            };
            assert_eq!(why.kind(), io::ErrorKind::StorageFull);
            let heard = read(&file.path, spec);
            assert_eq!(heard.len() as u64, 2 * file.frames, "{name}");
            let length = std::fs::metadata(&file.path).expect("it is there").len();
            assert!(length <= room && length % 2 == 0 || spec.format == Format::Flac, "{name}: {length}");
            assert!(spec.format == Format::Flac || length + 200 > room, "{name}: all but {} bytes are used", room - length);
            let all: Vec<f32> = (0..pushed / 400).flat_map(|at| ramp(at * 400 % 30_000, 400)).collect();
            assert!(!heard.is_empty() && heard[..] == wanted(&all, spec)[..heard.len()], "{name}");
        }
    }

    #[test]
    fn a_second_of_sound_is_safe_without_an_end() {
        let desk = Desk::new("crash");
        for (name, spec) in specs(8_000) {
            let mut file = desk.create(&name, spec, FULL, |file| Box::new(file));
            for from in (0..20_000).step_by(160) {
                file.write(&ramp(from, 160)).expect("there is room");
                // As it lies there if the machine stops now.
                if from % 3_200 == 1_600 {
                    let heard = read(file.path(), spec);
                    assert!(heard.len() / 2 + 8_000 >= from + 160, "{name}: {} frames after {}", heard.len() / 2, from + 160);
                    assert!(heard == wanted(&ramp(0, heard.len() / 2), spec), "{name}");
                }
            }
        }
    }

    /// EBU Tech 3306: the sizes of 64 bits in `ds64`, which stands where JUNK kept its place.
    #[test]
    fn a_large_file_becomes_rf64() {
        let desk = Desk::new("large");
        let spec = Spec::wav(Sample::Int16, 1_000, 2);
        let mut file = desk.create("large.wav", spec, 40_000, |file| Box::new(file));
        let head = |name: &[u8; 4], from: usize, bytes: &[u8]| assert_eq!(&bytes[from..from + 4], name);
        file.write(&ramp(0, 5_000)).expect("there is room");
        let small = std::fs::read(file.path()).expect("it is there");
        head(b"RIFF", 0, &small);
        head(b"JUNK", 12, &small);
        file.write(&ramp(5_000, 7_000)).expect("there is room");
        file.mark(Gap { at: 3, frames: 5 });
        let path = file.finish().expect("there is room").path;
        let bytes = std::fs::read(path).expect("it is there");
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        head(b"RF64", 0, &bytes);
        head(b"WAVE", 8, &bytes);
        head(b"ds64", 12, &bytes);
        assert_eq!((&bytes[4..8], bytes[16]), (&[0xff; 4][..], 28));
        assert_eq!([long(20), long(28), long(36)], [bytes.len() as u64 - 8, 48_000, 12_000]);
        head(b"data", 72, &bytes);
        assert_eq!(bytes[76..80], [0xff; 4]);
        let sound: Vec<i32> = bytes[80..48_080].chunks(2).map(|x| i32::from(i16::from_le_bytes([x[0], x[1]]))).collect();
        assert!(sound == wanted(&ramp(0, 12_000), spec));
        head(b"cue ", 48_080, &bytes);
    }

    /// Where frames were lost stands in the file.
    #[test]
    fn gaps_are_marked() {
        let desk = Desk::new("gaps");
        for (name, spec) in specs(8_000) {
            let (go, told) = channel();
            let file = desk.create(&name, spec, FULL, |file| Box::new(Stalled(file, told, 0)));
            let (recorder, mut tap) = Recorder::start_on(file).expect("a thread");
            // Four seconds fit, and what FLAC holds back; what is taken out of the ring makes no room before it is written.
            let frames = 8_000 * 6;
            (0..frames / 100).for_each(|_| tap.push(&[0.25; 200]));
            go.send(()).expect("it waits");
            while recorder.progress().frames().0 < 8_000 * 4 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            tap.push(&[0.25; 200]);
            while recorder.progress().frames().0 < 8_000 * 6 {
                // The silence that is owed goes in with what comes next.
                tap.push(&[0.25; 200]);
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            tap.end_gap();
            let RecordEvent::Done(file) = recorder.finish() else { panic!("{name}: it ends well") };
            let heard = read(&file.path, spec);
            let silent: Vec<usize> = (0..heard.len() / 2).filter(|at| heard[2 * at] == 0).collect();
            let (at, lost) = (silent[0], file.lost);
            assert!(at >= 32_000 && lost >= 14_000 && silent.len() as u64 == lost, "{name}: {at} {lost} {}", silent.len());
            let bytes = std::fs::read(&file.path).expect("it is there");
            let says = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            if spec.format == Format::Flac {
                let reader = claxon::FlacReader::open(&file.path).expect("it opens");
                assert_eq!(reader.get_tag("LOST_FRAMES").next(), Some(lost.to_string().as_str()));
                assert!(reader.get_tag("LOST").any(|gap| gap.ends_with(&format!("frames at frame {at}"))));
            } else {
                let cue = bytes.windows(4).position(|part| part == b"cue ").expect("it has cues");
                let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
                assert_eq!((word(cue + 12), word(cue + 12 + 4), word(cue + 12 + 20)), (1, at, at));
                assert!(says("labl") && says("frames\0"), "{name}");
            }
        }
    }
}
