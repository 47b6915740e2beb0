//! rackd as a library: a module of one's own beside the built-in ones, a patch that uses it, and a few seconds of it in a WAV file.
//!
//! `cargo run --release --example own_module` writes `own_module.wav`.

use std::error::Error;
use std::path::Path;

use rackd::dsp::lanes::{LaneMask, Lanes};
use rackd::dsp::math;
use rackd::engine::{Act, Engine, Event, NoteId};
use rackd::module::def::Category;
use rackd::module::isa::Level;
use rackd::module::{Catalogue, Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed};
use rackd::modules::CATALOGUE;
use rackd::per_voice;
use rackd::plan::{Options, compile};

const IN: Input = Input::audio(0, "in", "Signal to fold.");
const FOLDS: Input = Input::ratio(1, "folds", 0.0, 8.0, 1.0, "How often full scale is folded back.").smooth_ms(5.0);
const OUT: Output = Output::audio(0, "out", "The folded signal.");

static DEF: ModuleDef = ModuleDef::new("fold", Category::Effect, "Sine wave folder.", per_voice!(Fold))
    .doc("Sends a signal through a sine: quiet parts pass, loud ones fold back and grow overtones.")
    .inputs(&[IN, FOLDS])
    .outputs(&[OUT]);

/// It remembers nothing.
struct Fold<L>(std::marker::PhantomData<L>);

impl<L: Lanes> Make for Fold<L> {
    fn make(_: &Prepare<'_>) -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<L: Lanes> Kernel<L> for Fold<L> {
    fn reset(&mut self, _: LaneMask, _: Seed) {}

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, L>) {
        let (signal, folds) = (io.input(IN), io.input(FOLDS));
        let [out] = io.outputs();
        for (frame, out) in out.iter_mut().enumerate() {
            *out = signal.at(frame).zip(folds.at(frame), |x, folds| math::sin_turn(x * (0.25 + 0.5 * folds)));
        }
    }
}

const PATCH: &str = r#"
format = 1
[note]
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
decay = "600 ms"
sustain = 0.2
[voice.fold]
type = "fold"
in = "osc.sine * env"
folds = "env * 4"
[global.hall]
type = "reverb"
in = "fold * note.velocity * 0.2"
mix = 0.3
[out]
in = "hall"
"#;

/// Plays it for four seconds into a file; the highest sample.
///
/// # Errors
/// A mistake above, or what the system has against the file.
pub fn render(path: &Path) -> Result<f32, Box<dyn Error>> {
    let kinds: Vec<&'static ModuleDef> = CATALOGUE.iter().chain([&DEF]).collect();
    let catalogue = Catalogue(kinds.leak());
    let (patch, mistakes) = rackd::patch::parse(PATCH, &catalogue);
    let patch = patch.ok_or_else(|| mistakes.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("\n"))?;

    let rate = 48_000;
    let options = Options { rate: rate as f32, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let (plan, _) = compile(&patch, &options, &|_| None, None);
    let (mut engine, mut doors, mut door) = Engine::new(rate as f32);
    door.send(0, plan).map_err(|_| "a plan is in flight")?;
    for (number, key) in [48, 55, 62, 67, 70, 74].into_iter().enumerate() {
        let at = number as u64 * u64::from(rate) / 4;
        let act =
            Act::NoteOn { slot: 0, key, id: NoteId(number as u32), pitch: (f32::from(key) - 60.0) / 12.0, velocity: 0.8, frames: rate / 2 };
        doors.feeds[0].send(&[Event { at, act }])?;
    }

    let format = hound::WavSpec { channels: 2, sample_rate: rate, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut file = hound::WavWriter::create(path, format)?;
    let mut buffer = [0.0; 2 * 512];
    let mut peak = 0f32;
    for _ in 0..4 * rate / 512 {
        engine.run(&[], 0, &mut buffer, 2);
        for x in buffer {
            peak = peak.max(x.abs());
            file.write_sample(x)?;
        }
    }
    file.finalize()?;
    Ok(peak)
}

fn main() -> Result<(), Box<dyn Error>> {
    let peak = render(Path::new("own_module.wav"))?;
    println!("own_module.wav: 4 s, peak {:.1} dBFS", 20.0 * f64::from(peak).log10());
    Ok(())
}
