//! `rackd render`: a patch or a rack to a WAV file, exact and as fast as it goes.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Bits, Render};
use super::check::draw_for_terminal;
use super::exit::Exit;
use super::{replay, style};
use crate::control::peers::Peer;
use crate::control::{self, Client, Control, Group, Message, Origin, Value, When};
use crate::daemon::levels::Levels;
use crate::daemon::source::{Playable, Source, drawn};
use crate::engine::Engine;
use crate::host::{Buffers, Offline};
use crate::module::isa::Level;
use crate::modules::CATALOGUE;
use crate::osc::text::spell;
use crate::patch::{KeySource, Out, Patch, Source as PatchSource, Sum};
use crate::plan;
use crate::record::{Sample, SoundFile, Spec};
use crate::score::file::{self, Wrong};
use crate::score::{Reader, ScoreFile, Stand};

/// What is played where there is nothing else to play.
const A3: u8 = 57;

/// Sound that comes in, interleaved.
struct Input {
    samples: Vec<f32>,
    channels: usize,
}

/// Renders and says how loud it was. `[control]`
///
/// # Errors
/// What was wrong with the patch, the command line or the machine.
pub fn run(args: &Render) -> Result<(), Exit> {
    if let Some(log) = &args.log {
        return replay::run(args, log);
    }
    let source = Source::new(args.file.as_deref());
    let (playable, remarks) = source.playable(draw_for_terminal)?;
    style::complain(&drawn(draw_for_terminal, &remarks));
    let channels = args.channels.unwrap_or_else(|| playable.channels());
    if channels < playable.channels() {
        style::complain(&format!("{} channels are written: what goes to others up to {} is left out\n", channels, playable.channels()));
    }
    let score = args.score.as_deref().map(read_score).transpose()?;
    let input = args.input.as_deref().map(|file| read_input(file, args.rate)).transpose()?;
    if input.is_some() && !playable.hears() {
        return Err(Exit::CommandLine(format!("{} takes no sound: it has no [in]", source.name())));
    }
    let frames = length(args, score.as_ref(), input.as_ref());

    let (mut engine, doors, door) = Engine::new(args.rate as f32);
    engine.employ(args.threads.saturating_sub(1));
    let plan = plan::Options { rate: args.rate as f32, level: Level::detect(), width: None, tempo: 120.0, shares: args.threads };
    let mut control =
        Control::new(CATALOGUE, doors, door, control::Options { plan, folders: Vec::new(), running: true, peer: Peer::default() });
    match playable.clone() {
        Playable::Patch(read) => {
            let put = control.put(&source.slot(), read.patch, &read.text, args.file.as_deref(), Vec::new());
            put.map_err(|full| Exit::Machine(full.message))?;
        }
        Playable::Rack(read) => drop(control.put_rack(*read, Vec::new())),
    }
    // All of it stands before the first frame.
    control.settle(&mut engine);
    let slots = playable.patches(&control.loaded().map(|(_, slot)| slot.name.clone()).next().unwrap_or_default());
    let stand = Stand::set_up(&mut control);
    let (mut reader, mut timed, mut failed) = (None, None, 0);
    match score {
        None => play_by_itself(&mut control, &slots, args, frames)?,
        Some(ScoreFile::Midi(score)) => {
            control.follow_metres(score.bars());
            reader = Some(Reader::new(Arc::new(score), args.rate, 0));
        }
        Some(ScoreFile::Messages(messages)) => timed = Some(messages),
        Some(ScoreFile::Notes(written)) => {
            if let Some(stand) = &stand {
                file::open(&mut control, stand, written).iter().for_each(|remark| style::complain(&format!("{remark}\n")));
            }
        }
    }

    let levels = Levels::default();
    let mut out = OutFile::create(args, args.rate, channels)?;
    let bar = progress(frames, args.rate);
    let mut host = Offline::new(engine, usize::from(channels));
    if let Some(input) = input {
        host = host.with_input(input.samples, input.channels);
    }
    let feed = |_, to| {
        if let Some(reader) = &mut reader {
            reader.lead(to, |at, tempo| file::lead(&mut control, stand.as_deref(), at, tempo));
            reader.feed(to, |at, message| control.midi_message(Client::of(Origin::Score), message, When::At(at)));
        }
        if let Some(timed) = &mut timed {
            file::say(&mut control, timed, (0, args.rate), to, &mut failed);
        }
        if let Some(stand) = &stand {
            Stand::look(stand, &mut control);
        }
        for (_, answer) in control.tick() {
            tracing::debug!("{answer:?}");
        }
        Ok(())
    };
    let sink = |frames: &[f32]| {
        levels.count(frames);
        bar.inc(frames.len() as u64 / u64::from(channels));
        out.write(frames).map_err(|error| Exit::machine(format!("cannot write {}", args.output.display()), error))
    };
    // Control feeds the engine 250 ms ahead: no buffer may be longer.
    host.run(frames, Buffers::Fixed(args.buffer.min(args.rate / 5) as usize), feed, sink)?;
    bar.finish_and_clear();
    for notice in control.take_notices() {
        style::complain(&format!("{notice}\n"));
    }
    out.finish(args)?;
    let seconds = frames as f64 / f64::from(args.rate);
    style::print(&format!("{}: {seconds:.2} s, {channels} channels, {} Hz, {levels}\n", args.output.display(), args.rate));
    Ok(())
}

/// How long it will be [frames].
fn length(args: &Render, score: Option<&ScoreFile>, input: Option<&Input>) -> u64 {
    let tail = 2 * u64::from(args.rate);
    match (args.length, score, input) {
        (Some(length), _, _) => (length.as_secs_f64() * f64::from(args.rate)).ceil() as u64,
        (None, None, None) => 2 * tail,
        (None, score, input) => {
            let input = input.map_or(0, |input| input.samples.len() / input.channels) as u64;
            score.map_or(0, |score| score.frames(args.rate)).max(input) + tail
        }
    }
}

/// A patch that takes notes plays A3; a kit plays each of its keys, one after another; of a rack, each slot in turn.
fn play_by_itself(control: &mut Control, slots: &[(String, &Patch)], args: &Render, frames: u64) -> Result<(), Exit> {
    let mut struck: Vec<(&str, u8)> = Vec::new();
    for (slot, patch) in slots {
        let mut keys = BTreeSet::new();
        let out = match &patch.out {
            Out::Whole(sum) => vec![sum],
            Out::Sides(left, right) => vec![left, right],
        };
        patch.modules.iter().flat_map(|module| &module.inputs).chain(out).for_each(|sum| keys_of(sum, &mut keys));
        if patch.note.is_some() {
            keys = BTreeSet::from([A3]);
        }
        struck.extend(keys.into_iter().map(|key| (slot.as_str(), key)));
    }
    let each = frames / 2 / struck.len().max(1) as u64;
    let mut notes = Vec::new();
    for (number, (slot, key)) in struck.into_iter().enumerate() {
        let seconds = each as f64 / f64::from(args.rate);
        let values = vec![Value::Integer(key.into()), Value::Number(0.8), Value::Number(seconds)];
        notes.push(Group { at: When::At(each * number as u64), messages: vec![Message::new(format!("/{slot}/note"), values)] });
    }
    match control.apply(Client::of(Origin::Score), &notes).first() {
        Some(answer) if answer.address == "/fail" => Err(Exit::Machine(spell(answer))),
        _ => Ok(()),
    }
}

/// The keys that a sum listens to; for the keyboard as a whole, A3.
fn keys_of(sum: &Sum, keys: &mut BTreeSet<u8>) {
    for source in sum.terms.iter().flat_map(|term| &term.sources) {
        match source {
            PatchSource::Keys(KeySource::Key(key) | KeySource::KeyVelocity(key)) => {
                keys.insert(*key);
            }
            PatchSource::Keys(_) => {
                keys.insert(A3);
            }
            PatchSource::Group(sum) => keys_of(sum, keys),
            _ => {}
        }
    }
}

fn read_score(file: &Path) -> Result<ScoreFile, Exit> {
    let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
    ScoreFile::read(file, &bytes).map_err(|wrong| match wrong {
        Wrong::Sentence(text) => Exit::CommandLine(format!("{}: {text}", file.display())),
        Wrong::Places(text, places) => Exit::CommandLine(draw_for_terminal(&file.display().to_string(), &text, &places)),
    })
}

/// What cannot be read is the command line's fault where it is not there, else the machine's.
fn unreadable(file: &Path, error: &std::io::Error) -> Exit {
    let text = format!("cannot read {}: {error}", file.display());
    if error.kind() == std::io::ErrorKind::NotFound { Exit::CommandLine(text) } else { Exit::Machine(text) }
}

fn read_input(file: &Path, rate: u32) -> Result<Input, Exit> {
    let wrong = |error: hound::Error| match error {
        hound::Error::IoError(error) => unreadable(file, &error),
        error => Exit::CommandLine(format!("{} is no WAV file that can be read: {error}", file.display())),
    };
    let mut reader = hound::WavReader::open(file).map_err(wrong)?;
    let spec = reader.spec();
    if spec.sample_rate != rate {
        return Err(Exit::CommandLine(format!("{} is at {} Hz: render with --rate {1}", file.display(), spec.sample_rate)));
    }
    let samples = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
        hound::SampleFormat::Int => {
            let full = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
            reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 * full)).collect()
        }
    };
    Ok(Input { samples: samples.map_err(wrong)?, channels: usize::from(spec.channels) })
}

/// The file that is written: under another name until it is done, so that what was there before is not lost half-way.
pub(super) struct OutFile {
    sound: SoundFile,
}

impl OutFile {
    pub fn create(args: &Render, rate: u32, channels: u16) -> Result<Self, Exit> {
        let part = args.output.with_extension("part.wav");
        let _ = std::fs::remove_file(&part);
        let sample = match args.bits {
            Bits::Sixteen => Sample::Int16,
            Bits::TwentyFour => Sample::Int24,
            Bits::Float => Sample::Float32,
        };
        let sound = SoundFile::create(&part, Spec::wav(sample, rate, channels));
        Ok(Self { sound: sound.map_err(|error| Exit::machine(format!("cannot write {}", args.output.display()), error))? })
    }

    /// Adds interleaved frames.
    pub fn write(&mut self, frames: &[f32]) -> io::Result<()> {
        self.sound.write(frames)
    }

    /// Gives the file its name.
    pub fn finish(mut self, args: &Render) -> Result<(), Exit> {
        let refused = |error| Exit::machine(format!("cannot write {}", args.output.display()), error);
        let file = self.sound.finish().map_err(refused)?;
        std::fs::rename(&file.path, &args.output).map_err(refused)
    }
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn progress(frames: u64, rate: u32) -> ProgressBar {
    if !std::io::stderr().is_terminal() || frames < 10 * u64::from(rate) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(frames);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
