//! Frames into WAV files: valid after every second of sound, and after the disk was full.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use super::repair::repair;

/// How samples are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sample {
    /// 32-bit float: nothing is clipped.
    #[default]
    Float32,
    /// 24-bit whole numbers.
    Int24,
    /// 16-bit whole numbers.
    Int16,
}

impl Sample {
    /// The format of so many bits: 32 (float), 24 or 16. `[any]`
    pub fn of_bits(bits: u32) -> Option<Self> {
        match bits {
            32 => Some(Self::Float32),
            24 => Some(Self::Int24),
            16 => Some(Self::Int16),
            _ => None,
        }
    }

    fn bits(self) -> u16 {
        match self {
            Self::Float32 => 32,
            Self::Int24 => 24,
            Self::Int16 => 16,
        }
    }
}

/// A file that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it is.
    pub path: PathBuf,
    /// Frames in it.
    pub frames: u64,
}

/// Bytes of samples in one file at most: the format counts in 32 bits, headers included.
const FULL: u64 = u32::MAX as u64 - 4096;

/// What a file is written through; tests put a disk that gets full in between.
pub(super) trait Disk: Write + Seek + Send {}
impl<T: Write + Seek + Send> Disk for T {}

/// Makes the writer of a new file.
pub(super) type MakeDisk = Box<dyn FnMut(File) -> Box<dyn Disk> + Send>;

/// A recording; what would not fit into one WAV file (4 GB) goes on in a next one.
pub struct WavFile {
    wanted: PathBuf,
    path: PathBuf,
    spec: hound::WavSpec,
    sample: Sample,
    /// `None` after a failure.
    writer: Option<Writer>,
    make_disk: MakeDisk,
    frames: u64,
    unsaved: u64,
    done: Vec<Recorded>,
    limit: u64,
}

impl WavFile {
    /// Begins a file. Where one of this name is there, `name-2.wav` and so on is taken. `[control]`
    ///
    /// # Errors
    /// The system's: no such folder, no permission.
    pub fn create(path: &Path, rate: u32, channels: u16, sample: Sample) -> io::Result<Self> {
        Self::create_on(path, rate, channels, sample, Box::new(|file| Box::new(file)), FULL)
    }

    pub(super) fn create_on(
        path: &Path,
        rate: u32,
        channels: u16,
        sample: Sample,
        mut make_disk: MakeDisk,
        limit: u64,
    ) -> io::Result<Self> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: sample.bits(),
            sample_format: if sample == Sample::Float32 { hound::SampleFormat::Float } else { hound::SampleFormat::Int },
        };
        let (path_taken, writer) = begin(path, spec, &mut make_disk)?;
        Ok(Self {
            wanted: path.to_owned(),
            path: path_taken,
            spec,
            sample,
            writer: Some(writer),
            make_disk,
            frames: 0,
            unsaved: 0,
            done: Vec::new(),
            limit,
        })
    }

    /// Where it goes; not always where it was asked to. `[any]`
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Frames written to the present file. `[any]`
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Adds interleaved frames. After each second of them the file on the disk is complete up to there. `[control]`
    ///
    /// # Errors
    /// The system's, such as a full disk: the file ends there, is valid, and takes nothing more.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        let channels = usize::from(self.spec.channels);
        for frames in samples.chunks(channels * self.spec.sample_rate as usize) {
            let result = self.write_some(frames);
            if let Err(why) = result {
                self.break_off();
                return Err(why);
            }
        }
        Ok(())
    }

    /// Completes the file: all the files that the recording became. `[control]`
    ///
    /// # Errors
    /// The system's; the file is valid up to where it could be written.
    pub fn finish(mut self) -> io::Result<Vec<Recorded>> {
        if let Some(writer) = self.writer.take() {
            let ended = writer.finalize().map_err(plain);
            if let Err(why) = ended {
                self.break_off();
                return Err(why);
            }
            self.done.push(Recorded { path: self.path.clone(), frames: self.frames });
        }
        Ok(self.done)
    }

    fn write_some(&mut self, samples: &[f32]) -> io::Result<()> {
        let channels = u64::from(self.spec.channels);
        let frame_bytes = channels * u64::from(self.spec.bits_per_sample / 8);
        let more = samples.len() as u64 / channels;
        if (self.frames + more) * frame_bytes > self.limit {
            self.next_file()?;
        }
        let Some(writer) = &mut self.writer else { return Err(io::Error::other("the recording has ended")) };
        for x in samples {
            match self.sample {
                Sample::Float32 => writer.write_sample(*x),
                Sample::Int24 => writer.write_sample(whole(*x, 8_388_608.0)),
                Sample::Int16 => writer.write_sample(whole(*x, 32_768.0)),
            }
            .map_err(plain)?;
        }
        self.frames += more;
        self.unsaved += more;
        if self.unsaved >= u64::from(self.spec.sample_rate) {
            self.unsaved = 0;
            writer.flush().map_err(plain)?;
        }
        Ok(())
    }

    fn next_file(&mut self) -> io::Result<()> {
        if let Some(writer) = self.writer.take() {
            writer.finalize().map_err(plain)?;
        }
        self.done.push(Recorded { path: self.path.clone(), frames: self.frames });
        let (path, writer) = begin(&self.wanted, self.spec, &mut self.make_disk)?;
        (self.path, self.writer, self.frames, self.unsaved) = (path, Some(writer), 0, 0);
        Ok(())
    }

    /// The disk takes no more: what lies there becomes a valid file.
    fn break_off(&mut self) {
        // Its own last words cannot be written; the header is put right afterwards, which takes no room.
        drop(self.writer.take());
        if let Ok(frames) = repair(&self.path) {
            self.frames = frames;
            self.done.push(Recorded { path: self.path.clone(), frames });
        }
    }

    /// The files that are complete so far. `[any]`
    pub fn done(&self) -> &[Recorded] {
        &self.done
    }
}

/// A sample as a whole number of steps, `full` of which are 1.0; clipped, no number is 0.
fn whole(x: f32, full: f64) -> i32 {
    (f64::from(x) * full).round_ties_even().clamp(-full, full - 1.0) as i32
}

fn plain(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(why) => why,
        other => io::Error::other(other),
    }
}

/// Writes to whatever takes the bytes.
type Writer = hound::WavWriter<BufWriter<Box<dyn Disk>>>;

fn begin(path: &Path, spec: hound::WavSpec, make_disk: &mut MakeDisk) -> io::Result<(PathBuf, Writer)> {
    let (path, file) = create_new(path)?;
    let disk = BufWriter::with_capacity(1 << 16, make_disk(file));
    let writer = hound::WavWriter::new(disk, spec).map_err(plain)?;
    Ok((path, writer))
}

/// A file that was not there: `name.wav`, `name-2.wav`, `name-3.wav` …
fn create_new(path: &Path) -> io::Result<(PathBuf, File)> {
    for number in 1.. {
        let taken = if number == 1 {
            path.to_owned()
        } else {
            let mut name = path.file_stem().unwrap_or_default().to_owned();
            name.push(format!("-{number}"));
            if let Some(ending) = path.extension() {
                name.push(".");
                name.push(ending);
            }
            path.with_file_name(name)
        };
        match OpenOptions::new().write(true).create_new(true).open(&taken) {
            Ok(file) => return Ok((taken, file)),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
