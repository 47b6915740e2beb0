//! `rackd render --log`: a set once more, sample by sample.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use super::args::Render;
use super::exit::Exit;
use super::render::{OutFile, progress};
use super::style;
use crate::daemon::levels::{FadeOut, Levels};
use crate::log::file::{Unreadable, input_beside};
use crate::log::replay::{Input, Undone};
use crate::log::{Log, Replay};
use crate::module::isa::Level;
use crate::modules::CATALOGUE;

/// Renders what a log says, and says what of it is not the same again. `[control]`
///
/// # Errors
/// What was wrong with the log, the command line or the machine.
pub fn run(args: &Render, path: &Path) -> Result<(), Exit> {
    let log = Log::read(path).map_err(|why| match why {
        Unreadable::System(_, why) if why.kind() != io::ErrorKind::NotFound => {
            Exit::machine(format!("cannot read {}", path.display()), why)
        }
        why => Exit::CommandLine(why.to_string()),
    })?;
    let (head, fade) = (log.head.clone(), log.fade);
    if head.version != env!("CARGO_PKG_VERSION") {
        style::complain(&format!(
            "the log was written by rackd {}, this is {}: the sound may differ\n",
            head.version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    for hole in log.holes() {
        style::complain(&format!("the log has a hole, so what follows may differ: {hole}\n"));
    }
    if !log.is_whole {
        style::complain("the log was cut off: it is rendered as far as it goes\n");
    }
    let rate = u64::from(head.rate);
    let frames = args.length.map_or(log.end, |length| ((length.as_secs_f64() * rate as f64).ceil() as u64).min(log.end));
    let (levels, channels) = (Levels::default(), usize::from(head.channels));
    let mut out = OutFile::create(args, head.rate, head.channels)?;
    let bar = progress(frames, head.rate);
    let mut replay = Replay::new(log, CATALOGUE, Level::detect(), args.threads);
    let beside = input_beside(path);
    if beside.is_file() {
        replay = replay.with_input(input(&beside, head.rate).map_err(Exit::CommandLine)?);
    }
    let (mut at, mut ending) = (0, fade.map(|(at, frames)| (at, FadeOut::new(frames))));
    let mut sound = Vec::new();
    let done = replay.run(frames, |heard| {
        sound.clear();
        sound.extend_from_slice(heard);
        let count = (heard.len() / channels) as u64;
        if let Some((from, fade)) = &mut ending {
            let before = from.saturating_sub(at).min(count) as usize;
            fade.apply(&mut sound[before * channels..], channels);
        }
        at += count;
        levels.count(&sound);
        bar.inc(count);
        out.write(&sound)
    });
    bar.finish_and_clear();
    done.map_err(|why| match why {
        Undone::Wrong(..) => Exit::CommandLine(format!("{}: {why}", path.display())),
        Undone::System(why) => Exit::machine(format!("cannot write {}", args.output.display()), why),
    })?;
    out.finish(args)?;
    let seconds = frames as f64 / rate as f64;
    style::print(&format!("{}: {seconds:.2} s, {channels} channels, {rate} Hz, {levels}\n", args.output.display()));
    Ok(())
}

/// The sound that came in, frame by frame; silence behind its end.
fn input(path: &Path, rate: u32) -> Result<Input<'static>, String> {
    let wrong = |why: hound::Error| format!("{} cannot be read: {why}", path.display());
    let reader = hound::WavReader::new(BufReader::new(File::open(path).map_err(|why| wrong(why.into()))?)).map_err(wrong)?;
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate, spec.sample_format) != (2, rate, hound::SampleFormat::Float) {
        return Err(format!("{} is not what came in when the log was written: it has another format", path.display()));
    }
    let mut samples = reader.into_samples::<f32>();
    Ok(Box::new(move |frames: &mut [f32]| {
        for sample in frames {
            *sample = samples.next().transpose().map_err(io::Error::other)?.unwrap_or(0.0);
        }
        Ok(())
    }))
}
