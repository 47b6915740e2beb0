//! rackd as a library, offline: a patch, a score in beats, and a WAV file of what a daemon would play, as fast as it goes.
//!
//! `cargo run --release --example render [FILE.wav]` writes `render.wav`.

use std::convert::Infallible;
use std::error::Error;
use std::path::Path;

use rackd::control::peers::Peer;
use rackd::control::{Control, Options};
use rackd::engine::Engine;
use rackd::host::{Buffers, Offline};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::osc::text;
use rackd::plan;
use rackd::score::Stand;
use rackd::score::stand::lock;

/// Frames a second [Hz].
const RATE: u32 = 48_000;
/// How long it is [s].
const LENGTH: u32 = 5;

const PATCH: &str = r#"
format = 1
tempo = 100
[note]
voices = 8
[controls]
tone = { default = "900 Hz", min = "100 Hz", max = "8 kHz" }
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
decay = "300 ms"
sustain = 0.4
release = "200 ms"
[voice.filter]
type = "ladder"
in = "osc.saw * 0.5"
cutoff = "tone + env * 2 oct"
[global.room]
type = "reverb"
in = "filter * env * note.velocity * 0.3"
mix = 0.2
[out]
in = "room"
"#;

/// What is said, line by line, as it would be to a daemon by OSC or on standard input.
const SCORE: [&str; 9] = [
    "/score/add 1 0 lead A3 0.9 0.5",
    "/score/add 2 0.5 lead C4 0.6 0.5",
    "/score/add 3 1 lead E4 0.7 0.5",
    "/score/add 4 1.5 lead A4 0.8 1 pan -0.4",
    "/score/add 5 2.5 lead G4 0.6 0.5",
    "/score/add 6 3 lead E4 0.7 1 tone 3000",
    "/score/add bass-1 0 lead A2 0.9 2",
    "/score/add bass-2 2 lead F2 0.9 2",
    "/transport/locate 0",
];

/// Renders the score to a file, so many frames at a time, and gives the highest sample. The buffer changes nothing that can be heard.
///
/// # Errors
/// A mistake in the patch or the score, or what the system has against the file.
pub fn render(file: &Path, buffer: usize) -> Result<f32, Box<dyn Error>> {
    let (mut engine, doors, door) = Engine::new(RATE as f32);
    let plan = plan::Options { rate: RATE as f32, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let options = Options { plan, folders: Vec::new(), running: true, peer: Peer::default() };
    let mut control = Control::new(CATALOGUE, doors, door, options);
    let stand = Stand::set_up(&mut control).ok_or("the engine has one score")?;
    if let Err(mistakes) = control.load("lead", PATCH, None) {
        return Err(mistakes.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("\n").into());
    }
    // All of it stands before the first frame.
    control.settle(&mut engine);
    for line in SCORE {
        if let Some(answer) = text::answer(&mut control, line).into_iter().find(|answer| answer.address == "/fail") {
            return Err(text::spell(&answer).into());
        }
    }

    let format = hound::WavSpec { channels: 2, sample_rate: RATE, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut wav = hound::WavWriter::create(file, format)?;
    let mut peak = 0f32;
    let mut samples = Vec::new();
    let mut host = Offline::new(engine, 2);
    let feed = |_, _| {
        // What a daemon does every few milliseconds.
        lock(&stand).feed(&control);
        control.tick();
        Ok::<(), Infallible>(())
    };
    let sink = |frames: &[f32]| {
        samples.extend_from_slice(frames);
        Ok(())
    };
    // Control feeds the engine 250 ms ahead: no buffer may be longer.
    host.run(u64::from(LENGTH * RATE), Buffers::Fixed(buffer.min(RATE as usize / 5)), feed, sink)?;
    for sample in samples {
        peak = peak.max(sample.abs());
        wav.write_sample(sample)?;
    }
    wav.finalize()?;
    Ok(peak)
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "render.wav".to_owned());
    let peak = render(Path::new(&file), 512)?;
    println!("{file}: {LENGTH} s, peak {:.1} dBFS", 20.0 * f64::from(peak).log10());
    Ok(())
}
