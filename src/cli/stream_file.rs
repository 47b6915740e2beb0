//! A sound file as a row of frames: from a place on, round and round, at another speed, backwards.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::time::Duration;

use super::exit::Exit;

/// How a file is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Manner {
    /// What of its beginning is left out.
    pub from: Duration,
    /// As a factor; below 0 it goes backwards.
    pub speed: f64,
    /// It begins again at its end.
    pub looped: bool,
}

/// A WAV file that is played.
pub(super) struct Playing {
    wav: hound::WavReader<BufReader<File>>,
    /// The frames that are played, and the next of them; backwards, the one behind it.
    first: u32,
    end: u32,
    at: u32,
    backwards: bool,
    looped: bool,
}

impl Playing {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, is no sound, or is shorter than what is left out.
    pub fn open(path: &Path, manner: Manner) -> Result<Self, Exit> {
        let wrong = |why: hound::Error| Exit::CommandLine(format!("{} is no WAV file that can be read: {why}", path.display()));
        let file = File::open(path).map_err(|why| Exit::CommandLine(format!("cannot read {}: {why}", path.display())))?;
        let wav = hound::WavReader::new(BufReader::new(file)).map_err(wrong)?;
        let (rate, end) = (wav.spec().sample_rate, wav.duration());
        let first = manner.from.as_secs_f64() * f64::from(rate);
        if first >= f64::from(end) {
            let seconds = f64::from(end) / f64::from(rate);
            return Err(Exit::CommandLine(format!("--from: {} has only {seconds:.3} s", path.display())));
        }
        let (first, backwards) = (first as u32, manner.speed < 0.0);
        let at = if backwards { end } else { first };
        Ok(Self { wav, first, end, at, backwards, looped: manner.looped })
    }

    /// What the file is.
    pub fn spec(&self) -> hound::WavSpec {
        self.wav.spec()
    }

    /// Frames of one turn.
    pub fn frames(&self) -> u64 {
        u64::from(self.end - self.first)
    }

    /// The next frames, so many at most, interleaved; none at the end.
    ///
    /// # Errors
    /// The file's.
    pub fn next(&mut self, most: u32, samples: &mut Vec<f32>) -> io::Result<()> {
        samples.clear();
        let over = if self.backwards { self.at == self.first } else { self.at == self.end };
        if over && !self.looped {
            return Ok(());
        }
        if over {
            self.at = if self.backwards { self.end } else { self.first };
        }
        let channels = usize::from(self.spec().channels);
        let (from, to) = match self.backwards {
            true => (self.at.saturating_sub(most).max(self.first), self.at),
            false => (self.at, self.at.saturating_add(most).min(self.end)),
        };
        self.wav.seek(from)?;
        let count = (to - from) as usize * channels;
        let foreign = |why: hound::Error| io::Error::other(why.to_string());
        match self.spec().sample_format {
            hound::SampleFormat::Float => {
                for x in self.wav.samples::<f32>().take(count) {
                    samples.push(x.map_err(foreign)?);
                }
            }
            hound::SampleFormat::Int => {
                let full = 2f64.powi(i32::from(self.spec().bits_per_sample) - 1);
                for x in self.wav.samples::<i32>().take(count) {
                    samples.push((f64::from(x.map_err(foreign)?) / full) as f32);
                }
            }
        }
        if self.backwards {
            // Frames change places, their channels do not.
            samples.reverse();
            samples.chunks_exact_mut(channels).for_each(<[f32]>::reverse);
        }
        self.at = if self.backwards { from } else { to };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_where_it_should_and_goes_round_either_way() {
        let path = std::env::temp_dir().join(format!("rackd-stream-file-{}.wav", std::process::id()));
        let spec = hound::WavSpec { channels: 2, sample_rate: 1000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
        let mut wav = hound::WavWriter::create(&path, spec).expect("a file");
        (0..200).for_each(|n| wav.write_sample(n * 100).expect("room"));
        wav.finalize().expect("room");
        let play = |from, speed, looped, frames: usize| {
            let manner = Manner { from: Duration::from_millis(from), speed, looped };
            let mut playing = Playing::open(&path, manner).map_err(|_| "no file").expect("a file");
            let (mut all, mut some) = (Vec::new(), Vec::new());
            while all.len() < 2 * frames {
                playing.next(7, &mut some).expect("it is read");
                if some.is_empty() {
                    break;
                }
                all.extend(some.iter().map(|x| (x * 327.68).round() as i32));
            }
            all.truncate(2 * frames);
            all
        };
        assert_eq!(play(0, 1.0, false, 999), (0..200).collect::<Vec<_>>());
        assert_eq!(play(95, 1.0, true, 7), [190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 190, 191, 192, 193]);
        assert_eq!(play(97, -0.5, true, 4), [198, 199, 196, 197, 194, 195, 198, 199]);
        let late = Manner { from: Duration::from_millis(100), speed: 1.0, looped: false };
        assert!(matches!(Playing::open(&path, late), Err(Exit::CommandLine(why)) if why.contains("only 0.100 s")));
        std::fs::remove_file(&path).expect("it is there");
    }
}
