//! `rackd stream`: sends a sound file or standard input to a running rackd, or prints what it gives out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::exit::Exit;
use super::stream_file::{Manner, Playing};
use super::{parse, style};
use crate::stream::header::{Clock, Header, Push, Read as Hear};
use crate::stream::socket::Socket;
use crate::stream::{Format, Place};

/// Where streams are listened for by those who follow the examples.
pub const STREAM_ADDRESS: &str = "127.0.0.1:57131";
/// Samples sent at a time.
const AT_ONCE: usize = 4_096;

/// Shown by `rackd stream --help`.
pub const HELP: &str = "\
Examples:
  rackd play examples/stream.toml --stream 57131           let it listen
  rackd stream song.wav                                   send a sound file to its stream_in
  arecord -f S16_LE -r 44100 -c 2 -t raw | rackd stream - --raw s16le --rate 44100 --channels 2 --live
  rackd stream loop.wav --from 1.5s --loop --speed 0.5     from there on, round and round, at half the speed; -1 is backwards
  rackd stream --read master > heard.f32                  print what is heard, as raw samples

A file is sent as fast as it is played; --live is for sound with a clock of its own, such as a microphone's.
Ends with 1 where rackd refuses, 3 where nobody listens.";

/// `stream`.
#[derive(Debug, Args)]
pub struct Stream {
    /// A WAV file; `-` reads standard input: a WAV file too, or samples with --raw
    #[arg(value_name = "FILE", required_unless_present = "read")]
    pub file: Option<String>,
    /// Where rackd listens for streams: a port, an address or unix:PATH
    #[arg(long, value_name = "PLACE", default_value = STREAM_ADDRESS, value_parser = parse::stream_place)]
    pub to: Place,
    /// The stream's name, as a stream_in names it
    #[arg(long, value_name = "NAME", default_value = "in")]
    pub name: String,
    /// What is sent is plain samples in this format: u8, s8, s16le, s24le, s32le, f32le, or with be
    #[arg(long, value_name = "FORMAT", requires_all = ["rate", "channels"])]
    pub raw: Option<Format>,
    /// Frames a second of --raw [Hz]
    #[arg(long, value_name = "HZ", requires = "raw")]
    pub rate: Option<u32>,
    /// Channels of --raw
    #[arg(long, value_name = "COUNT", requires = "raw")]
    pub channels: Option<usize>,
    /// Sound that waits before any is heard, against what comes unevenly
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = parse::duration)]
    pub buffer: Duration,
    /// Begin here in the file, and again here with --loop
    #[arg(long, value_name = "DURATION", value_parser = parse::duration, conflicts_with = "raw")]
    pub from: Option<Duration>,
    /// Begin again at the file's end, until it is stopped
    #[arg(long = "loop", conflicts_with = "raw")]
    pub looped: bool,
    /// How fast the file is played, as a factor: 2 is an octave higher, below 0 it goes backwards
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, allow_negative_numbers = true, value_parser = speed, conflicts_with = "raw")]
    pub speed: f64,
    /// What is sent keeps time by a clock of its own: the difference is absorbed by resampling
    #[arg(long)]
    pub live: bool,
    /// Never wait: what there is no room for is thrown away, and said
    #[arg(long)]
    pub nonblock: bool,
    /// Read instead: a stream_out's name, or master; samples go to standard output
    #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "raw", "live", "nonblock"])]
    pub read: Option<String>,
    /// The format in which --read writes
    #[arg(long, value_name = "FORMAT", default_value = "f32le", requires = "read")]
    pub format: Format,
}

/// A file that is played from beginning to end, at its own speed.
const AS_IT_IS: Manner = Manner { from: Duration::ZERO, speed: 1.0, looped: false };

/// A speed at which a file can be sent.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0 / 64.0..=64.0).contains(&speed.abs()) => Ok(speed),
        _ => Err("a factor from 1/64 to 64 is wanted, or the same below 0 for backwards: 0.5, 2, -1".to_owned()),
    }
}

/// Sends or reads. `[control]`
///
/// # Errors
/// [`Exit`]: the file is not there or no sound, nobody listens, or rackd refuses.
pub fn run(args: &Stream) -> Result<(), Exit> {
    if let Some(name) = &args.read {
        return read(args, name);
    }
    let from = args.file.as_deref().unwrap_or("-");
    let source: Box<dyn Read> = if from == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(from).map_err(|why| Exit::CommandLine(format!("cannot read {from}: {why}")))?)
    };
    let manner = Manner { from: args.from.unwrap_or_default(), speed: args.speed, looped: args.looped };
    if manner != AS_IT_IS {
        if from == "-" {
            return Err(Exit::CommandLine("--from, --loop and --speed are for a file: standard input goes by once".to_owned()));
        }
        return send_played(args, Playing::open(Path::new(from), manner)?);
    }
    match (args.raw, args.rate, args.channels) {
        (Some(format), Some(rate), Some(channels)) => {
            let (mut socket, lines) = greet(args, &push(args, rate, channels, format))?;
            let bar = progress(None);
            let frame = format.bytes() * channels;
            let sent = send_raw(source, &mut socket, &bar, frame);
            finish(socket, lines, sent, &bar)
        }
        _ => send_wav(args, from, source),
    }
}

fn push(args: &Stream, rate: u32, channels: usize, format: Format) -> Header {
    let clock = if args.live { Clock::Own } else { Clock::Engine };
    let buffer = u32::try_from(args.buffer.as_millis()).unwrap_or(u32::MAX);
    Header::Push(Push { name: args.name.clone(), rate, channels, format, buffer, clock, nonblock: args.nonblock })
}

/// Says the header; what rackd answers to it has to begin with `ok`.
fn greet(args: &Stream, header: &Header) -> Result<(Socket, BufReader<Socket>), Exit> {
    // Read as rackd will read it, so that what it would refuse is told without it.
    Header::read(header.to_string().as_bytes()).map_err(|bad| Exit::CommandLine(bad.to_string()))?;
    let nobody = |why: io::Error| Exit::Machine(format!("nobody listens for streams at {} (rackd play --stream 57131): {why}", args.to));
    let mut socket = Socket::connect(&args.to).map_err(nobody)?;
    let mut lines = BufReader::new(socket.again().map_err(nobody)?);
    let mut answer = String::new();
    socket.write_all(format!("{header}\n").as_bytes()).and_then(|()| lines.read_line(&mut answer)).map_err(nobody)?;
    match answer.trim_end().strip_prefix("ok ") {
        Some(told) => {
            eprintln!("{told}");
            Ok((socket, lines))
        }
        None => Err(refused(answer.trim_end().strip_prefix("error ").unwrap_or("no answer came"))),
    }
}

/// Prints why, as rackd has it.
fn refused(why: &str) -> Exit {
    style::complain(&format!("rackd: {why}\n"));
    Exit::Refused
}

/// A line that shows how far it is, on a terminal.
fn progress(frames: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = frames.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let shape = if frames.is_some() { "{elapsed_precise} {wide_bar} {percent} %" } else { "{elapsed_precise} {msg}" };
    match ProgressStyle::with_template(shape) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn send_raw(mut source: impl Read, socket: &mut Socket, bar: &ProgressBar, frame: usize) -> io::Result<()> {
    let mut bytes = vec![0; AT_ONCE];
    let mut total = 0;
    loop {
        let count = source.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        socket.write_all(&bytes[..count])?;
        total += count;
        bar.set_message(format!("{} frames", total / frame.max(1)));
        bar.tick();
    }
}

/// The smallest format that holds what a WAV file holds.
fn format_of(spec: hound::WavSpec) -> Format {
    let format = match (spec.sample_format, spec.bits_per_sample) {
        (hound::SampleFormat::Int, ..=16) => "s16le",
        (hound::SampleFormat::Int, ..=24) => "s24le",
        _ => "f32le",
    };
    format.parse().unwrap_or_default()
}

fn send_played(args: &Stream, mut playing: Playing) -> Result<(), Exit> {
    let (spec, format) = (playing.spec(), format_of(playing.spec()));
    // Another speed is another rate: rackd's converter does the rest.
    let rate = (f64::from(spec.sample_rate) * args.speed.abs()).round() as u32;
    let (mut socket, lines) = greet(args, &push(args, rate, spec.channels.into(), format))?;
    let bar = progress((!args.looped).then(|| playing.frames()));
    let (mut some, mut bytes) = (Vec::with_capacity(AT_ONCE), Vec::new());
    let most = (AT_ONCE / usize::from(spec.channels.max(1))).max(1) as u32;
    let mut send = || loop {
        playing.next(most, &mut some)?;
        if some.is_empty() {
            return Ok(());
        }
        bytes.clear();
        format.encode(&some, &mut bytes);
        socket.write_all(&bytes)?;
        bar.inc((some.len() / usize::from(spec.channels.max(1))) as u64);
    };
    let sent = send();
    finish(socket, lines, sent, &bar)
}

fn send_wav(args: &Stream, from: &str, source: Box<dyn Read>) -> Result<(), Exit> {
    let wrong = |why: hound::Error| Exit::CommandLine(format!("{from} is no WAV file that can be read: {why} (plain samples: --raw)"));
    let mut wav = hound::WavReader::new(BufReader::new(source)).map_err(wrong)?;
    let spec = wav.spec();
    let frames = u64::from(wav.duration());
    let format = format_of(spec);
    let (mut socket, lines) = greet(args, &push(args, spec.sample_rate, spec.channels.into(), format))?;
    let bar = progress(Some(frames));
    let sent = match spec.sample_format {
        hound::SampleFormat::Float => send_samples(wav.samples::<f32>(), &mut socket, (format, spec.channels), &bar),
        hound::SampleFormat::Int => {
            let full = 2f64.powi(i32::from(spec.bits_per_sample) - 1);
            let samples = wav.samples::<i32>().map(|x| x.map(|x| (f64::from(x) / full) as f32));
            send_samples(samples, &mut socket, (format, spec.channels), &bar)
        }
    };
    finish(socket, lines, sent, &bar)
}

fn send_samples(
    samples: impl Iterator<Item = Result<f32, hound::Error>>,
    socket: &mut Socket,
    (format, channels): (Format, u16),
    bar: &ProgressBar,
) -> io::Result<()> {
    let (mut some, mut bytes) = (Vec::with_capacity(AT_ONCE), Vec::new());
    let mut samples = samples.peekable();
    while samples.peek().is_some() {
        some.clear();
        bytes.clear();
        for sample in samples.by_ref().take(AT_ONCE) {
            some.push(sample.map_err(|why| io::Error::other(why.to_string()))?);
        }
        format.encode(&some, &mut bytes);
        socket.write_all(&bytes)?;
        bar.inc((some.len() / usize::from(channels.max(1))) as u64);
    }
    Ok(())
}

/// Waits until what was sent has been heard, and says what rackd says of it.
fn finish(socket: Socket, lines: BufReader<Socket>, sent: io::Result<()>, bar: &ProgressBar) -> Result<(), Exit> {
    socket.end_sending();
    let mut last = String::new();
    for line in lines.lines().map_while(Result::ok) {
        bar.suspend(|| eprintln!("{line}"));
        last = line;
    }
    bar.finish_and_clear();
    match sent {
        Ok(()) if last.starts_with("done ") => Ok(()),
        Ok(()) => Err(refused("the stream was ended before its end")),
        // What was said last says more than that the line broke.
        Err(_) if last.starts_with("closed ") => Err(refused("somebody closed the stream")),
        Err(why) => Err(Exit::Machine(format!("sending broke off: {why}"))),
    }
}

fn read(args: &Stream, name: &str) -> Result<(), Exit> {
    if io::stdout().is_terminal() {
        return Err(Exit::CommandLine("standard output is a terminal: send the samples to a file or a program".to_owned()));
    }
    let header = Header::Read(Hear { name: name.to_owned(), format: args.format });
    let (_socket, mut sound) = greet(args, &header)?;
    match io::copy(&mut sound, &mut io::stdout().lock()) {
        Ok(_) => Ok(()),
        // Whoever listened has heard enough.
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(why) => Err(Exit::Machine(format!("reading broke off: {why}"))),
    }
}
