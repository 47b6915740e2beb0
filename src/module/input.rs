//! What a module takes in: one constant is declaration, documentation and accessor at once.

use crate::base::units::Unit;

/// How a knob's travel 0..1 is laid over its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// Equal steps.
    Linear,
    /// Equal ratios; the range must not hold 0.
    Log,
    /// min + (max − min) · xⁿ.
    Power(f32),
}

/// What a sounding note offers: the sources `note.…` of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteSource {
    /// Octaves above C4, with bend, glide and tuning in it.
    Pitch,
    /// 1 while the key is down, else 0.
    Gate,
    /// 1 in the frame in which the note starts.
    Trigger,
    /// How hard the key was struck, 0..1.
    Velocity,
    /// How fast the key was let go, 0..1.
    Lift,
    /// Pressure on the key, 0..1.
    Pressure,
    /// The third axis of an expressive controller, 0..1.
    Timbre,
    /// Per-note volume, 0..1.
    Volume,
    /// Bend alone [octaves].
    Bend,
    /// Per-note place, −1 left to 1 right.
    Pan,
    /// A number in ±1, new for each note.
    Random,
    /// The key's own pitch in equal temperament from A4 = 440 Hz: no tuning, no bend, no glide [octaves above C4].
    Key,
}

impl NoteSource {
    /// Every source, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Pitch,
        Self::Gate,
        Self::Trigger,
        Self::Velocity,
        Self::Lift,
        Self::Pressure,
        Self::Timbre,
        Self::Volume,
        Self::Bend,
        Self::Pan,
        Self::Random,
        Self::Key,
    ];

    /// As it is written after `note.`. `[any]`
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pitch => "pitch",
            Self::Gate => "gate",
            Self::Trigger => "trigger",
            Self::Velocity => "velocity",
            Self::Lift => "lift",
            Self::Pressure => "pressure",
            Self::Timbre => "timbre",
            Self::Volume => "volume",
            Self::Bend => "bend",
            Self::Pan => "pan",
            Self::Random => "random",
            Self::Key => "key",
        }
    }

    /// Unit in which it comes. `[any]`
    pub const fn unit(self) -> Unit {
        match self {
            Self::Pitch | Self::Bend => Unit::Octaves,
            Self::Gate => Unit::Gate,
            Self::Trigger => Unit::Trigger,
            _ => Unit::Number,
        }
    }
}

/// One input of a module.
///
/// Numbers are in the input's natural unit (Hz for frequencies, s for times). What a kernel reads is finite and, except for
/// audio, within `min..=max`.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Place in the module's list, from 0.
    pub index: usize,
    /// As it is written in patches and addresses.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// Lowest value [natural unit].
    pub min: f32,
    /// Highest value [natural unit].
    pub max: f32,
    /// What counts where nothing is written [natural unit].
    pub default: f32,
    /// How a knob's travel is laid over the range.
    pub curve: Curve,
    /// Time in which a turned knob arrives, in a straight line of the unit in which sums count [ms]; 0 acts at once.
    pub smooth_ms: f32,
    /// In `[voice.*]`: what is connected where nothing is written.
    pub normalled: Option<NoteSource>,
    /// Takes a left and a right side at once.
    pub stereo: bool,
}

impl Input {
    const fn new(index: usize, name: &'static str, unit: Unit, range: (f32, f32, f32), doc: &'static str) -> Self {
        let (min, max, default) = range;
        assert!(!name.is_empty(), "an input needs a name");
        assert!(!doc.is_empty(), "an input needs a sentence that says what it does");
        assert!(min <= default && default <= max, "an input's default lies outside its range");
        Self { index, name, doc, unit, min, max, default, curve: Curve::Linear, smooth_ms: 0.0, normalled: None, stereo: false }
    }

    /// A signal, nominally ±1; not clamped.
    pub const fn audio(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Audio, (-1.0, 1.0, 0.0), doc)
    }

    /// A pitch: octaves in sums, Hz for the kernel, 0.01 Hz to 24 kHz; 0 octaves is C4. No smoothing.
    pub const fn pitch(index: usize, name: &'static str, doc: &'static str) -> Self {
        let mut input = Self::new(index, name, Unit::Hertz, (0.01, 24_000.0, 261.625_57), doc);
        input.curve = Curve::Log;
        input
    }

    /// A frequency: octaves in sums, Hz for the kernel.
    pub const fn hertz(index: usize, name: &'static str, min: f32, max: f32, default: f32, doc: &'static str) -> Self {
        assert!(min > 0.0, "a frequency's range does not reach 0");
        let mut input = Self::new(index, name, Unit::Hertz, (min, max, default), doc);
        input.curve = Curve::Log;
        input
    }

    /// A length of time [s].
    pub const fn seconds(index: usize, name: &'static str, min: f32, max: f32, default: f32, doc: &'static str) -> Self {
        let mut input = Self::new(index, name, Unit::Seconds, (min, max, default), doc);
        input.curve = if min > 0.0 { Curve::Log } else { Curve::Power(3.0) };
        input
    }

    /// A plain number.
    pub const fn ratio(index: usize, name: &'static str, min: f32, max: f32, default: f32, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Number, (min, max, default), doc)
    }

    /// An interval [octaves].
    pub const fn octaves(index: usize, name: &'static str, min: f32, max: f32, default: f32, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Octaves, (min, max, default), doc)
    }

    /// A level [dB].
    pub const fn decibels(index: usize, name: &'static str, min: f32, max: f32, default: f32, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Decibels, (min, max, default), doc)
    }

    /// High while above 0.5.
    pub const fn gate(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Gate, (0.0, 1.0, 0.0), doc)
    }

    /// Fires on each rise above 0.5.
    pub const fn trigger(index: usize, name: &'static str, doc: &'static str) -> Self {
        Self::new(index, name, Unit::Trigger, (0.0, 1.0, 0.0), doc)
    }

    /// The same, arriving within this time when turned [ms].
    pub const fn smooth_ms(mut self, ms: f32) -> Self {
        self.smooth_ms = ms;
        self
    }

    /// The same, with this connected in `[voice.*]` where nothing is written.
    pub const fn normalled(mut self, source: NoteSource) -> Self {
        self.normalled = Some(source);
        self
    }

    /// The same with another curve.
    pub const fn curve(mut self, curve: Curve) -> Self {
        self.curve = curve;
        self
    }

    /// The same, taking both sides at once: read it with `Io::pair`.
    pub const fn stereo(mut self) -> Self {
        self.stereo = true;
        self
    }
}
