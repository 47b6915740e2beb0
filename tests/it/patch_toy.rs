//! A catalogue for tests of the patch language: ports like those of real modules, kernels that do nothing.

use rackd::base::units::Unit;
use rackd::dsp::lanes::{LaneMask, Lanes};
use rackd::module::{Catalogue, Category, Input, Io, Kernel, Make, ModuleDef, NoteSource, Output, Prepare, Seed, Setting};
use rackd::{global_only, per_voice};

/// Does nothing.
pub struct Still<L>(std::marker::PhantomData<L>);

impl<L: Lanes> Make for Still<L> {
    fn make(_: &Prepare<'_>) -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<L: Lanes> Kernel<L> for Still<L> {
    fn reset(&mut self, _: LaneMask, _: Seed) {}
    fn process(&mut self, _: &mut Io<'_, L>) {}
}

static VCO: ModuleDef = ModuleDef::new("vco", Category::Source, "Oscillator.", per_voice!(Still))
    .inputs(&[
        Input::pitch(0, "pitch", "Pitch.").normalled(NoteSource::Pitch),
        Input::audio(1, "fm", "Frequency modulation."),
        Input::ratio(2, "width", 0.01, 0.99, 0.5, "Pulse width."),
        Input { unit: Unit::Degrees, ..Input::ratio(3, "phase", -180.0, 180.0, 0.0, "Phase.") },
    ])
    .outputs(&[Output::audio(0, "saw", "Saw."), Output::audio(1, "square", "Square."), Output::audio(2, "sine", "Sine.")])
    .settings(&[
        Setting::choice(0, "fm_mode", &["exponential", "through_zero"], "How fm bends the pitch."),
        Setting::integer(1, "octaves", -4, 4, 0, "Transposition."),
        Setting::number(2, "drift", 0.0, 1.0, 0.1, "Drift."),
    ]);

static NOISE: ModuleDef =
    ModuleDef::new("noise", Category::Source, "Noise.", per_voice!(Still)).outputs(&[Output::audio(0, "white", "White noise.")]);

static LFO: ModuleDef = ModuleDef::new("lfo", Category::Modulator, "Low-frequency oscillator.", per_voice!(Still))
    .inputs(&[Input::hertz(0, "rate", 0.001, 200.0, 2.0, "Rate."), Input::trigger(1, "reset", "Restart.")])
    .outputs(&[Output::number(0, "sine", "Sine."), Output::number(1, "square", "Square.")]);

static ADSR: ModuleDef = ModuleDef::new("adsr", Category::Envelope, "Envelope.", per_voice!(Still))
    .inputs(&[
        Input::gate(0, "gate", "Gate.").normalled(NoteSource::Gate),
        Input::seconds(1, "attack", 0.0, 30.0, 0.002, "Attack."),
        Input::seconds(2, "decay", 0.0, 30.0, 0.1, "Decay."),
        Input::ratio(3, "sustain", 0.0, 1.0, 1.0, "Sustain."),
        Input::seconds(4, "release", 0.0, 30.0, 0.2, "Release."),
    ])
    .outputs(&[Output::number(0, "out", "Envelope.")])
    .envelope();

static LADDER: ModuleDef = ModuleDef::new("ladder", Category::Filter, "Ladder filter.", per_voice!(Still))
    .inputs(&[
        Input::audio(0, "in", "Signal."),
        Input::hertz(1, "cutoff", 20.0, 20_000.0, 1_000.0, "Corner."),
        Input::ratio(2, "resonance", 0.0, 1.0, 0.1, "Emphasis."),
    ])
    .outputs(&[Output::audio(0, "out", "Filtered.")]);

static SLEW: ModuleDef = ModuleDef::new("slew", Category::Envelope, "Slew.", per_voice!(Still))
    .inputs(&[Input::audio(0, "in", "Signal."), Input::seconds(1, "rise", 0.0, 10.0, 0.1, "Rise.")])
    .outputs(&[Output::audio(0, "out", "Slewed.")]);

static SEQ: ModuleDef = ModuleDef::new("seq_step", Category::Sequencer, "Sequencer.", global_only!(Still<f32>))
    .inputs(&[Input::trigger(0, "clock", "Next step."), Input::trigger(1, "reset", "First step.")])
    .outputs(&[Output::octaves(0, "pitch", "Pitch."), Output::gate(1, "gate", "Gate.")])
    .settings(&[Setting::pitches(0, "steps", &[0.0, 0.5], "Pitches."), Setting::numbers(1, "levels", &[1.0], "Levels.")]);

static PAN: ModuleDef = ModuleDef::new("pan", Category::Mixer, "Panner.", per_voice!(Still))
    .inputs(&[
        Input::audio(0, "in", "Signal."),
        Input::ratio(1, "pan", -1.0, 1.0, 0.0, "Place."),
        Input::decibels(2, "level", -60.0, 12.0, 0.0, "Level."),
    ])
    .outputs(&[Output::audio(0, "out", "Both sides.").stereo()]);

static DELAY: ModuleDef = ModuleDef::new("delay", Category::Effect, "Delay.", per_voice!(Still))
    .inputs(&[
        Input::audio(0, "in", "Signal.").stereo(),
        Input::seconds(1, "time", 0.0, 10.0, 0.3, "Time."),
        Input::ratio(2, "feedback", 0.0, 1.1, 0.3, "Feedback."),
        Input::octaves(3, "shift", -4.0, 4.0, 0.0, "Shift."),
    ])
    .outputs(&[Output::audio(0, "out", "Delayed.").stereo()]);

static REVERB: ModuleDef = ModuleDef::new("reverb", Category::Effect, "Reverb.", global_only!(Still<f32>))
    .inputs(&[Input::audio(0, "in", "Signal.").stereo()])
    .outputs(&[Output::audio(0, "out", "Reverberated.").stereo()]);

static SINK: ModuleDef =
    ModuleDef::new("sink", Category::Effect, "Swallows.", per_voice!(Still)).inputs(&[Input::audio(0, "in", "Signal.")]);

/// All of them.
pub static TOYS: Catalogue = Catalogue(&[&VCO, &NOISE, &LFO, &ADSR, &LADDER, &SLEW, &SEQ, &PAN, &DELAY, &REVERB, &SINK]);
