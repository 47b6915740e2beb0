//! What `/record/start` asks for.

use std::path::{Path, PathBuf};

use super::spec::{Format, Sample};
use crate::base::nearest::nearest;
use crate::control::{Control, Value};
use crate::engine::recording::{CHANNELS, Line, Source};

/// Frames of a buffer, as `buffers` counts them.
const BUFFER: usize = 1024;
/// Buffers: so few that the thread has time to look, so many that they are a minute.
const BUFFERS: std::ops::RangeInclusive<i64> = 8..=4096;
/// Names of what stands behind the path.
const KEYS: [&str; 5] = ["format", "bits", "channels", "buffers", "source"];

/// What is to be recorded, and how.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// With the ending of its format.
    pub path: PathBuf,
    pub format: Format,
    pub sample: Sample,
    pub lines: Vec<Line>,
    /// Frames that may wait for the disk; `None`: as many as are usual.
    pub patience: Option<usize>,
}

/// What has been said so far.
#[derive(Default)]
struct Said {
    format: Option<Format>,
    bits: Option<i64>,
    channels: Option<i64>,
    buffers: Option<i64>,
    sources: Vec<Source>,
}

impl Request {
    /// Reads the values behind the address.
    ///
    /// # Errors
    /// One sentence: what was expected.
    pub fn read(control: &Control, values: &[Value]) -> Result<Self, String> {
        let [Value::Text(path), rest @ ..] = values else {
            return Err("the path of a file is wanted, such as take.wav".to_owned());
        };
        let said = Said::read(control, rest)?;
        let (path, format) = file(Path::new(path), said.format)?;
        let sample = match said.bits {
            None => format.sample(),
            Some(bits) => u32::try_from(bits).ok().and_then(Sample::of_bits).ok_or_else(|| unknown_bits(format, bits))?,
        };
        if format == Format::Flac && sample == Sample::Float32 {
            return Err(unknown_bits(format, 32));
        }
        let patience = match said.buffers {
            None => None,
            Some(count) if BUFFERS.contains(&count) => Some(count as usize * BUFFER),
            Some(count) => return Err(format!("8 to 4096 buffers, of {BUFFER} frames each, are kept for a slow disk; not {count}")),
        };
        let sources = if said.sources.is_empty() { vec![Source::Master] } else { said.sources };
        Ok(Self { path, format, sample, lines: lines(&sources, said.channels)?, patience })
    }

    /// Channels of the file.
    pub fn channels(&self) -> u16 {
        self.lines.iter().map(|line| line.channels() as u16).sum()
    }
}

fn unknown_bits(format: Format, bits: i64) -> String {
    match format {
        Format::Wav => format!("WAV has 16, 24 or 32 bits (32 are float); not {bits}"),
        Format::Flac => format!("FLAC has 16 or 24 bits; not {bits}"),
    }
}

/// The path with its ending, and the format: each may say the other.
fn file(path: &Path, format: Option<Format>) -> Result<(PathBuf, Format), String> {
    match (path.extension(), Format::of_path(path)) {
        (_, Some(of_path)) => match format {
            Some(format) if format != of_path => {
                Err(format!("{} is not the name of a {} file: the ending says {}", path.display(), format.name(), of_path.name()))
            }
            _ => Ok((path.to_owned(), of_path)),
        },
        (None, None) => {
            let format = format.unwrap_or_default();
            Ok((path.with_extension(format.name()), format))
        }
        (Some(ending), None) => Err(format!("files end in .wav or .flac, not in .{}", ending.to_string_lossy())),
    }
}

/// What goes side by side into the file: all sources stereo, or all mono.
fn lines(sources: &[Source], channels: Option<i64>) -> Result<Vec<Line>, String> {
    let count = sources.len() as i64;
    let mono = match channels {
        None => false,
        Some(channels) if channels == 2 * count => false,
        Some(channels) if channels == count => true,
        Some(channels) => {
            let each = if count == 1 { "1 or 2 channels".to_owned() } else { format!("{count} or {} channels", 2 * count) };
            return Err(format!("so many sources have {each}, one or two each; not {channels}"));
        }
    };
    let lines: Vec<Line> = sources.iter().map(|from| Line { from: *from, mono }).collect();
    let all: usize = lines.iter().map(|line| line.channels()).sum();
    if all > CHANNELS { Err(format!("{CHANNELS} channels are the most, not {all}")) } else { Ok(lines) }
}

impl Said {
    fn read(control: &Control, mut values: &[Value]) -> Result<Self, String> {
        let mut said = Self::default();
        while let [value, rest @ ..] = values {
            values = rest;
            let key = value.text().and_then(|word| KEYS.into_iter().find(|key| *key == word));
            match (key, rest) {
                (Some(key), [value, rest @ ..]) => {
                    values = rest;
                    said.set(control, key, value)?;
                }
                (Some(key), []) => return Err(format!("{key} of what? A value is wanted behind it")),
                (None, _) => said.take(control, value)?,
            }
        }
        Ok(said)
    }

    /// A value without a name: a format, a source, or the next number of bits, channels and buffers.
    fn take(&mut self, control: &Control, value: &Value) -> Result<(), String> {
        match value {
            Value::Text(word) if Format::of_name(word).is_some() => self.set(control, "format", value),
            Value::Text(word) if word.parse::<f64>().is_err() => self.set(control, "source", value),
            _ => {
                let next = [("bits", self.bits), ("channels", self.channels), ("buffers", self.buffers)];
                let free = next.into_iter().find(|(_, said)| said.is_none());
                let (key, _) = free.ok_or_else(|| format!("{value}: bits, channels and buffers have been said"))?;
                self.set(control, key, value)
            }
        }
    }

    fn set(&mut self, control: &Control, key: &str, value: &Value) -> Result<(), String> {
        let whole = || {
            let number = value.number().filter(|x| x.trunc() == *x && x.abs() < 1e9);
            number.map(|x| x as i64).ok_or_else(|| format!("{key}: a whole number is wanted, not {value}"))
        };
        let once = |said: bool| if said { Err(format!("{key} is said twice")) } else { Ok(()) };
        match key {
            "format" => {
                once(self.format.is_some())?;
                let format = value.text().and_then(Format::of_name);
                self.format = Some(format.ok_or_else(|| format!("the formats are wav and flac; not {value}"))?);
            }
            "bits" => {
                once(self.bits.is_some())?;
                self.bits = Some(whole()?);
            }
            "channels" => {
                once(self.channels.is_some())?;
                self.channels = Some(whole()?);
            }
            "buffers" => {
                once(self.buffers.is_some())?;
                self.buffers = Some(whole()?);
            }
            _ => self.sources.push(source(control, &value.to_string())?),
        }
        Ok(())
    }
}

/// The master, a slot by its name or its address, or what comes in from the device.
fn source(control: &Control, written: &str) -> Result<Source, String> {
    let name = written.strip_prefix('/').unwrap_or(written);
    if name == "master" {
        return Ok(Source::Master);
    }
    let slot = control.loaded().find(|(_, slot)| slot.name == name).and_then(|(at, _)| u8::try_from(at).ok());
    let input = (name == "input").then_some(Source::Input);
    slot.map(Source::Slot).or(input).ok_or_else(|| {
        let names = control.loaded().map(|(_, slot)| slot.name.as_str()).chain(["master", "input", "wav", "flac"]).chain(KEYS);
        let near = nearest(name, names).map(|near| format!("; did you mean {near}?"));
        format!("there is no slot {name}: sources are master, input and the slots{}", near.unwrap_or_default())
    })
}
