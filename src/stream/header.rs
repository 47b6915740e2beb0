//! The one line with which a stream begins, and the line that answers it.

use std::fmt;
use std::str::FromStr;

use super::format::{Format, UnknownFormat};
use crate::base::names::{OUTER_NAME, is_outer_name};
use crate::base::nearest::nearest;
use crate::rt::inflow::CHANNELS;

/// How a header begins.
pub const MAGIC: &str = "rackd-stream";
/// The version that is spoken here.
pub const VERSION: &str = "1";
/// Bytes of a header at most, its end of line among them.
pub const LONGEST: usize = 512;
/// Rates that are taken [Hz].
pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
/// Sound that may be asked to wait [ms].
pub const BUFFERS: std::ops::RangeInclusive<u32> = 5..=2_000;

/// Whose clock a sender keeps time by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Its own, such as a sound card's: the difference is absorbed by resampling.
    #[default]
    Own,
    /// The engine's: it sends as fast as is taken, such as a file. At the engine's rate the samples go through as they are.
    Engine,
}

/// Who sends, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The stream's name.
    pub name: String,
    /// Frames a second [Hz].
    pub rate: u32,
    /// Channels of a frame, 1 to 64.
    pub channels: usize,
    /// How a sample is written.
    pub format: Format,
    /// Sound that waits before any is heard [ms].
    pub buffer: u32,
    /// Whose clock it keeps time by.
    pub clock: Clock,
    /// What there is no room for is thrown away and told, instead of making the sender wait.
    pub nonblock: bool,
}

/// Who wants to hear, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// `master`, or the stream that a `stream_out` gives.
    pub name: String,
    /// How a sample is written.
    pub format: Format,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Sound comes in.
    Push(Push),
    /// Sound goes out.
    Read(Read),
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// Its first word.
    #[error(
        "a stream begins with `{MAGIC} {VERSION}` and then key=value, such as `{MAGIC} {VERSION} name=mic rate=48000 channels=2 format=s16le`"
    )]
    Beginning,
    /// Its version.
    #[error("version {0} is not spoken here, only {VERSION}")]
    Version(String),
    /// Letters that no header has.
    #[error("a header is plain text of one line, {LONGEST} bytes at most")]
    Text,
    /// A word that is none.
    #[error("`{0}` is no word of a header{near}", near = .1.map_or(String::new(), |near| format!("; did you mean {near}?")))]
    Word(String, Option<&'static str>),
    /// Twice.
    #[error("`{0}` stands twice")]
    Twice(&'static str),
    /// Something is missing.
    #[error("`{0}` is missing: {1}")]
    Missing(&'static str, &'static str),
    /// Neither one nor the other.
    #[error("either `name` (to send) or `read` (to hear) is wanted, not both")]
    Both,
    /// A word that does not belong there.
    #[error("`{0}` does not go with `read`: rate and channels are the engine's")]
    Surplus(&'static str),
    /// A value that does not fit.
    #[error("`{0}={1}`: {2}")]
    Value(&'static str, String, String),
    /// A format that is none.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
}

const KEYS: [&str; 8] = ["name", "read", "rate", "channels", "format", "buffer", "clock", "nonblock"];

/// What `name` wants.
const NAME_WANTED: &str = "the name of a stream, such as name=mic";

impl Header {
    /// Reads a line without its end. `[control]`
    ///
    /// # Errors
    /// [`BadHeader`]: a sentence for the sender.
    pub fn read(line: &[u8]) -> Result<Self, BadHeader> {
        let text = std::str::from_utf8(line).ok().filter(|text| text.chars().all(|c| (' '..='~').contains(&c))).ok_or(BadHeader::Text)?;
        let mut words = text.split_ascii_whitespace();
        if words.next() != Some(MAGIC) {
            return Err(BadHeader::Beginning);
        }
        match words.next() {
            Some(VERSION) => {}
            Some(other) => return Err(BadHeader::Version(short(other))),
            None => return Err(BadHeader::Beginning),
        }
        let mut given: [Option<&str>; KEYS.len()] = [None; KEYS.len()];
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let at = KEYS.iter().position(|known| *known == key).ok_or_else(|| BadHeader::Word(short(word), nearest(key, KEYS)))?;
            if given[at].replace(value).is_some() {
                return Err(BadHeader::Twice(KEYS[at]));
            }
        }
        let [name, read, rate, channels, format, buffer, clock, nonblock] = given;
        let format = format.map(Format::from_str).transpose()?.unwrap_or_default();
        match (name, read) {
            (Some(_), Some(_)) => Err(BadHeader::Both),
            (None, None) => Err(BadHeader::Missing("name", NAME_WANTED)),
            (None, Some(read)) => {
                let surplus = [("rate", rate), ("channels", channels), ("buffer", buffer), ("clock", clock), ("nonblock", nonblock)];
                match surplus.iter().find(|(_, given)| given.is_some()) {
                    Some((key, _)) => Err(BadHeader::Surplus(key)),
                    None => Ok(Self::Read(Read { name: outer("read", read)?, format })),
                }
            }
            (Some(name), None) => {
                let rate = rate.ok_or(BadHeader::Missing("rate", "frames a second, such as rate=48000"))?;
                let channels = channels.ok_or(BadHeader::Missing("channels", "how many, such as channels=2"))?;
                Ok(Self::Push(Push {
                    name: outer("name", name)?,
                    rate: within("rate", rate, *RATES.start(), *RATES.end())?,
                    channels: within("channels", channels, 1, CHANNELS as u32)? as usize,
                    format,
                    buffer: buffer.map_or(Ok(Push::BUFFER), |text| {
                        within("buffer", text.strip_suffix("ms").unwrap_or(text), *BUFFERS.start(), *BUFFERS.end())
                    })?,
                    clock: match clock {
                        None | Some("own") => Clock::Own,
                        Some("engine") => Clock::Engine,
                        Some(other) => return Err(BadHeader::Value("clock", short(other), "own or engine is wanted".to_owned())),
                    },
                    nonblock: match nonblock {
                        None | Some("0") => false,
                        Some("" | "1") => true,
                        Some(other) => return Err(BadHeader::Value("nonblock", short(other), "nothing, 0 or 1 is wanted".to_owned())),
                    },
                }))
            }
        }
    }
}

impl Push {
    /// Sound that waits where nothing is said of it [ms].
    pub const BUFFER: u32 = 50;
}

fn short(text: &str) -> String {
    text.chars().take(32).collect()
}

fn outer(key: &'static str, name: &str) -> Result<String, BadHeader> {
    if is_outer_name(name) { Ok(name.to_owned()) } else { Err(BadHeader::Value(key, short(name), OUTER_NAME.to_owned())) }
}

fn within(key: &'static str, text: &str, least: u32, most: u32) -> Result<u32, BadHeader> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| BadHeader::Value(key, short(text), format!("a whole number from {least} to {most} is wanted")))
}

impl fmt::Display for Header {
    /// The line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(push) => {
                let Push { name, rate, channels, format, buffer, .. } = push;
                write!(f, "{MAGIC} {VERSION} name={name} rate={rate} channels={channels} format={format} buffer={buffer}ms")?;
                f.write_str(if push.clock == Clock::Engine { " clock=engine" } else { "" })?;
                f.write_str(if push.nonblock { " nonblock" } else { "" })
            }
            Self::Read(Read { name, format }) => write!(f, "{MAGIC} {VERSION} read={name} format={format}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let line = "rackd-stream 1 name=mic rate=44100 channels=2 format=s24be buffer=20ms clock=engine nonblock";
        let header = Header::read(line.as_bytes()).unwrap();
        assert_eq!(header.to_string(), line);
        let Header::Push(push) = Header::read(b"rackd-stream 1 channels=64 rate=768000 name=a.b-c_9").unwrap() else { panic!("it sends") };
        assert_eq!((push.format, push.buffer, push.clock, push.nonblock), (Format::default(), 50, Clock::Own, false));
        let read = Header::read(b"rackd-stream 1 read=master format=u8").unwrap();
        assert_eq!(read, Header::Read(Read { name: "master".to_owned(), format: Format::U8 }));
        assert_eq!(Header::read(read.to_string().as_bytes()), Ok(read));
    }

    #[test]
    fn each_mistake_has_its_sentence() {
        let said = |rest: &str| match Header::read(rest.as_bytes()) {
            Err(bad) => bad.to_string(),
            Ok(header) => panic!("{header} is read"),
        };
        let full = "rackd-stream 1 name=a rate=48000 channels=2";
        for (line, part) in [
            ("", "begins with"),
            ("GET / HTTP/1.1", "begins with"),
            ("rackd-stream", "begins with"),
            ("rackd-stream 2 name=a", "version 2"),
            ("rackd-stream 1", "`name` is missing"),
            ("rackd-stream 1 name=a", "`rate` is missing"),
            ("rackd-stream 1 name=a rate=1", "`channels` is missing"),
            ("rackd-stream 1 name=a rate=999 channels=1", "from 1000 to 768000"),
            ("rackd-stream 1 name=a rate=768001 channels=1", "from 1000 to 768000"),
            ("rackd-stream 1 name=a rate=-5 channels=1", "from 1000 to 768000"),
            ("rackd-stream 1 name=a rate=4e4 channels=1", "from 1000 to 768000"),
            ("rackd-stream 1 name=a rate=48000 channels=0", "from 1 to 64"),
            ("rackd-stream 1 name=a rate=48000 channels=65", "from 1 to 64"),
            ("rackd-stream 1 name=Mic rate=48000 channels=1", "a name is"),
            ("rackd-stream 1 name=../x rate=48000 channels=1", "a name is"),
            ("rackd-stream 1 name= rate=48000 channels=1", "a name is"),
            ("rackd-stream 1 name=a read=b", "not both"),
            ("rackd-stream 1 read=b rate=48000", "does not go with `read`"),
            (&format!("{full} name=b"), "stands twice"),
            (&format!("{full} fromat=s16le"), "did you mean format?"),
            (&format!("{full} format=s17le"), "no format `s17le`"),
            (&format!("{full} buffer=1s"), "from 5 to 2000"),
            (&format!("{full} clock=mine"), "own or engine"),
            (&format!("{full} nonblock=maybe"), "nothing, 0 or 1"),
            (&format!("{full} \u{7}"), "plain text"),
            (&format!("{full} n\u{e4}me=a"), "plain text"),
        ] {
            let told = said(line);
            assert!(told.contains(part), "{line}: {told}");
            assert!(told.chars().all(|c| (' '..='~').contains(&c)), "one plain line: {told}");
        }
        assert_eq!(Header::read(&[0xff; 20]), Err(BadHeader::Text));
    }
}
