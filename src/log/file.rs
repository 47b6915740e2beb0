//! A log as a file: packets of OSC, each behind its size (32 bits, the highest byte first), as in scsynth's scores; each is one message.
//!
//! Sound that came by a stream is among them: `/stream number name`, then `/heard number tile begins channels frames` with 32-bit floats.
//!
//! The first is `/rackd/log format version rate channels`; what follows are pages, entries, `/until frame` after each second and at the end
//! `/fade frame frames` where the sound was faded out, and `/end frame`. A page stands before the entries that name it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::entry::{self, Args, long};
use super::page;
use crate::base::time::SampleTime;
use crate::control::logbook::Page;
use crate::engine::journal::Entry;
use crate::rt::overheard::Tile;
use crate::wire::encode::encode_message;
use crate::wire::{Arg, Deframer, Framing, Limits, Message, Packet, decode_within, frame};

/// The version of what is written here.
pub const FORMAT: i32 = 1;
const HEAD: &str = "/rackd/log";

/// What a log may hold in one packet: a patch as large as patches are, or a list of all settings.
const LIMITS: Limits = Limits { packet: 1 << 24, arguments: 1 << 16, ..Limits::DATAGRAM };

/// What a log begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The version of the rackd that wrote it.
    pub version: String,
    /// Frames a second.
    pub rate: u32,
    /// Channels that were put out.
    pub channels: u16,
}

/// A log that was read.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// What it begins with.
    pub head: Head,
    /// What it says of plans, in order.
    pub pages: Vec<Page>,
    /// What was done, in order.
    pub entries: Vec<Entry>,
    /// The names of streams, and what was heard of each, by its place here, in order.
    pub streams: Vec<String>,
    /// See there.
    pub heard: Vec<(usize, Tile)>,
    /// The frame after the last that is known of.
    pub end: SampleTime,
    /// The sound was faded out from a frame on, within so many.
    pub fade: Option<(SampleTime, u64)>,
    /// It was ended as it should be; else whoever wrote it was stopped short.
    pub is_whole: bool,
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The system's answer.
    #[error("cannot read {path}: {why}", path = .0.display(), why = .1)]
    System(PathBuf, io::Error),
    /// It is something else.
    #[error("{path} is no log of a set: it does not begin with {HEAD}", path = .0.display())]
    NoLog(PathBuf),
    /// It was written by a later rackd.
    #[error("{path} is of format {format}; this rackd reads format {FORMAT}", path = .0.display(), format = .1)]
    Format(PathBuf, i32),
    /// Something stands in it that this rackd does not know.
    #[error("{path}: message {number} ({what}) is not known to this rackd; the log is of version {version}", path = .0.display(), number = .1, what = .2, version = .3)]
    Unknown(PathBuf, usize, String, String),
}

/// Writes one message behind its size. `[control]`
///
/// # Errors
/// The system's.
pub fn put(to: &mut impl Write, message: &Message) -> io::Result<()> {
    to.write_all(&frame(Framing::Sized, &encode_message(message)))
}

impl Head {
    /// As the first message. `[control]`
    pub fn message(&self) -> Message {
        let numbers = [Arg::Int(self.rate.try_into().unwrap_or(i32::MAX)), Arg::Int(self.channels.into())];
        Message::new(HEAD, [Arg::Int(FORMAT), Arg::Text(self.version.clone())].into_iter().chain(numbers).collect())
    }
}

/// That all before this frame is in the log. `[control]`
pub fn until(frame: SampleTime) -> Message {
    Message::new("/until", vec![long(frame)])
}

/// That the sound was faded out from a frame on. `[control]`
pub fn fade((frame, frames): (SampleTime, u64)) -> Message {
    Message::new("/fade", vec![long(frame), long(frames)])
}

/// That the log is whole, up to this frame. `[control]`
pub fn end(frame: SampleTime) -> Message {
    Message::new("/end", vec![long(frame)])
}

impl Log {
    /// Reads a log. One whose end is missing is read as far as it goes. `[control]`
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        let bytes = std::fs::read(path).map_err(|why| Unreadable::System(path.to_owned(), why))?;
        let mut messages = Vec::new();
        Deframer::new(Framing::Sized, LIMITS.packet).push(&bytes, |packet| {
            if let Some(Ok(Packet::Message(message))) = packet.ok().map(|packet| decode_within(packet, &LIMITS)) {
                messages.push(message);
            }
        });
        let mut messages = messages.into_iter().enumerate();
        let head = messages.next().map(|(_, message)| message).filter(|message| message.address == HEAD);
        let Some(head) = head else { return Err(Unreadable::NoLog(path.to_owned())) };
        let head = read_head(&head, path)?;
        let mut log = Self { head, ..Self::default() };
        for (number, message) in messages {
            if log.take(&message).is_none() {
                return Err(Unreadable::Unknown(path.to_owned(), number, message.address, log.head.version));
            }
        }
        Ok(log)
    }

    fn take(&mut self, message: &Message) -> Option<()> {
        let mut args = Args::of(message);
        match message.address.as_str() {
            "/stream" => {
                let _: usize = args.part()?;
                self.streams.push(args.word()?.to_owned());
            }
            "/heard" => self.heard.push((args.part()?, read_tile(&mut args)?)),
            "/until" => self.end = args.part()?,
            "/fade" => self.fade = Some((args.part()?, args.part()?)),
            "/end" => (self.end, self.is_whole) = (args.part()?, true),
            _ => {
                if let Some(entry) = entry::read(message) {
                    self.end = self.end.max(entry.at);
                    self.entries.push(entry);
                } else {
                    page::read(message, &mut self.pages)?;
                }
            }
        }
        Some(())
    }

    /// What is not the same again, and why. `[control]`
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().filter_map(|page| if let Page::Hole(why) = page { Some(why.as_str()) } else { None })
    }
}

/// That a stream has this number. `[control]`
pub fn stream(number: usize, name: &str) -> Message {
    Message::new("/stream", vec![long(number as u64), Arg::Text(name.to_owned())])
}

/// What was heard of a stream. `[control]`
pub fn heard(number: usize, tile: &Tile) -> Message {
    let bytes = tile.frames.iter().flat_map(|x| x.to_be_bytes()).collect();
    let args = vec![long(number as u64), long(tile.number), Arg::Bool(tile.begins), Arg::Int(tile.channels.into()), Arg::Blob(bytes)];
    Message::new("/heard", args)
}

fn read_tile(args: &mut Args<'_>) -> Option<Tile> {
    let (number, begins, channels) = (args.part()?, args.truth()?, args.part()?);
    let frames = args.bytes()?.as_chunks().0.iter().map(|bytes| f32::from_be_bytes(*bytes)).collect();
    Some(Tile { number, begins, channels, frames })
}

fn read_head(message: &Message, path: &Path) -> Result<Head, Unreadable> {
    let mut args = Args::of(message);
    let no_log = || Unreadable::NoLog(path.to_owned());
    let format = args.part().ok_or_else(no_log)?;
    if format != FORMAT {
        return Err(Unreadable::Format(path.to_owned(), format));
    }
    let version = args.word().ok_or_else(no_log)?.to_owned();
    let (rate, channels) = args.part().zip(args.part()).ok_or_else(no_log)?;
    if rate == 0 || channels == 0 { Err(no_log()) } else { Ok(Head { version, rate, channels }) }
}

/// The file of the sound that came in, beside that of the log. `[any]`
pub fn input_beside(log: &Path) -> PathBuf {
    let mut name = log.file_stem().unwrap_or_default().to_owned();
    name.push(".input.wav");
    log.with_file_name(name)
}
