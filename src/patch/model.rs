//! The checked intention: a patch as a plain value, with every name resolved and every number in the unit in which it counts.
//!
//! Numbers here are **counted** values: octaves above C4 for frequencies, octaves for intervals, seconds for times, dB on
//! inputs measured in dB, linear factors elsewhere.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::units::Unit;
use crate::module::{Curve, ModuleDef, NoteSource, Settings};

use super::presets::Preset;
use super::tuning::TuningSpec;

/// Index into [`Patch::modules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub usize);

/// Index into [`Patch::controls`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ControlId(pub usize);

/// One instrument or effect.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// `name`, or empty.
    pub name: String,
    /// `description`, or empty.
    pub description: String,
    /// `tempo` [beats a minute].
    pub tempo: Option<f64>,
    /// `tuning`; `None`: the rack's.
    pub tuning: Option<TuningSpec>,
    /// `[note]`; `None` for an effect or a drone.
    pub note: Option<NoteMode>,
    /// `[controls]`, in the order of the file.
    pub controls: Vec<Control>,
    /// `[voice.*]` and `[global.*]`, in the order of the file.
    pub modules: Vec<Module>,
    /// `[in]`: `None` where the patch takes no sound; the main input is always stereo.
    pub inputs: Option<Vec<NamedInput>>,
    /// `[out]`.
    pub out: Out,
    /// `[map]`, and the `midi` and `osc` of controls.
    pub maps: Vec<Map>,
    /// `[presets]`, in the order of the file.
    pub presets: Vec<Preset>,
    /// Further addresses of controls: inputs of includes at which a control stands alone.
    pub aliases: Vec<(String, ControlId)>,
    /// The files that it includes, also by way of others, each once.
    pub includes: Vec<IncludedFile>,
}

/// A file that a patch includes, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncludedFile {
    /// Where it is.
    pub path: PathBuf,
    /// As it is called, by the one who includes it.
    pub name: String,
    /// What stands in it.
    pub text: Arc<str>,
}

/// One more input of an effect, named by a key of `[in]`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedInput {
    /// As it is written after `in.`.
    pub name: String,
    /// `side = "mono"`.
    pub mono: bool,
}

/// Where a module runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// One copy for each sounding note.
    Voice,
    /// One copy for the patch.
    Global,
}

/// One module of a patch.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its name in the patch.
    pub name: String,
    /// Where it runs.
    pub domain: Domain,
    /// What it is.
    pub kind: &'static ModuleDef,
    /// One sum for each of `kind.inputs`, in their order.
    pub inputs: Vec<Sum>,
    /// Its settings.
    pub settings: Settings,
    /// Where its table stands in the source.
    pub span: Range<usize>,
}

impl std::fmt::Debug for ModuleDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModuleDef({})", self.name)
    }
}

/// What stands at an input: base plus terms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// The number that the input's address sets.
    pub base: Base,
    /// Everything else, in the order written.
    pub terms: Vec<Term>,
    /// As written, for listings and for telling whether a reload changed it; empty where nothing is written.
    pub text: String,
    /// Where it stands in the source; empty where nothing is written.
    pub span: Range<usize>,
}

/// What an input's address sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Base {
    /// A number of the input's own.
    Number(Amount),
    /// A control that stands alone as a term: the input's address is another name of it. It is not among the terms.
    Control(ControlId),
}

impl Default for Base {
    fn default() -> Self {
        Self::Number(Amount::plain(0.0))
    }
}

/// A number, which may follow the tempo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A counted value.
    Plain(f32),
    /// This many beats (quarters): a length on a time input, once per that length on a frequency input.
    Beats(f64),
}

impl Amount {
    /// A counted value. `[any]`
    pub const fn plain(value: f32) -> Self {
        Self::Plain(value)
    }
}

/// One product of a sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The number written in it: with an address where `key` is not empty, else folded into it. 1 where none is written.
    pub depth: f32,
    /// Name of the depth's address: its sources as written joined by `-`; empty where no number is written or where the term
    /// stands inside parentheses.
    pub key: String,
    /// What is multiplied; never empty.
    pub sources: Vec<Source>,
}

/// One factor of a term.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A module's output.
    Output {
        /// Which module.
        module: ModuleId,
        /// Which of its kind's outputs.
        output: usize,
        /// One side of a stereo output alone.
        side: Option<Side>,
    },
    /// `note.…`
    Note(NoteSource),
    /// `keys.…`
    Keys(KeySource),
    /// A control, counted in its own unit; a control in dB counts as the factor it stands for unless the input is in dB.
    Control(ControlId),
    /// The slot's input: 0 is the main one, from 1 on those named in `[in]`.
    Input {
        /// Which.
        index: usize,
        /// One side of it alone.
        side: Option<Side>,
    },
    /// A musical time on a clock or trigger input: a pulse every so many beats.
    Pulses(f64),
    /// A sum in parentheses; its base is a plain number and has no address.
    Group(Box<Sum>),
}

/// A side of a stereo cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Left.
    Left,
    /// Right.
    Right,
}

/// What the keyboard as a whole offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySource {
    /// 1 while any key is down.
    Gate,
    /// The last key's pitch [octaves above C4].
    Pitch,
    /// The last key's velocity.
    Velocity,
    /// 1 while this key is down.
    Key(u8),
    /// How hard this key was last struck.
    KeyVelocity(u8),
}

/// A knob of the patch's front panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Its name.
    pub name: String,
    /// What it is measured in: Hertz, Seconds, Octaves, Decibels or Number.
    pub unit: Unit,
    /// Where it starts.
    pub default: Amount,
    /// Lowest counted value.
    pub min: f32,
    /// Highest counted value.
    pub max: f32,
    /// How its travel is laid over the range **in natural units** (Hz, s, oct, dB).
    pub curve: Curve,
    /// What it does, in the user's words; may be empty.
    pub text: String,
    /// It is the depth of a term that the table of an include gives to an input of this unit.
    pub depth_at: Option<Unit>,
    /// Where it stands in the source.
    pub span: Range<usize>,
}

/// `[note]`.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteMode {
    /// `mode`.
    pub mode: VoiceMode,
    /// `voices`, 1 to 256.
    pub voices: usize,
    /// `priority`.
    pub priority: Priority,
    /// `steal`.
    pub steal: Steal,
    /// `unison`: voices a note, 1 to 16.
    pub unison: usize,
    /// `glide_mode`.
    pub glide_mode: GlideMode,
    /// `glide_when`.
    pub glide_when: GlideWhen,
    /// `mpe`.
    pub mpe: bool,
    /// `bend_range` [octaves].
    pub bend_range: f32,
    /// Input `glide` [s]; numbers and controls only.
    pub glide: Sum,
    /// Input `detune` [octaves]: from the lowest voice of a unison to the highest.
    pub detune: Sum,
    /// Input `spread`, 0..1.
    pub spread: Sum,
    /// `gate`, `pitch`, `velocity`: the patch plays its own voices.
    pub play: Option<Play>,
}

impl NoteMode {
    /// An input by its number: `glide` (0), `detune` (1), `spread` (2), and where the patch plays itself `gate` (3), `pitch` (4),
    /// `velocity` (5). `[control]`
    pub fn input(&self, number: usize) -> Option<&Sum> {
        match number {
            0 => Some(&self.glide),
            1 => Some(&self.detune),
            2 => Some(&self.spread),
            _ => self.play.as_ref().and_then(|play| play.0.get(number - 3)),
        }
    }
}

/// What plays a patch's own voices: `gate`, `pitch` [octaves above C4], `velocity`; of global signals alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Play(pub [Sum; 3]);

/// How notes become voices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceMode {
    /// A voice for each note.
    Poly,
    /// One voice, struck anew by each note.
    Mono,
    /// One voice, struck anew only after all keys were up.
    Legato,
}

/// Which of the keys held a mono voice plays, and which of the notes held never gives way to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// The last pressed; any note may give way.
    Last,
    /// The lowest.
    Low,
    /// The highest.
    High,
}

/// Which note gives way where voices are short, with all its voices. One that was let go goes before one that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steal {
    /// The one that started first.
    Oldest,
    /// The one that is softest.
    Quietest,
    /// One of the same pitch, even where voices are free; else the oldest.
    Same,
    /// None: the new note is refused and counted.
    Never,
}

/// What the time of `glide` is the time of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlideMode {
    /// The whole way, however far.
    Time,
    /// One octave of it.
    Rate,
}

/// Which notes glide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlideWhen {
    /// All.
    Always,
    /// Those that are struck while another key is held.
    Legato,
}

/// `[out]`: a whole stereo cable, or a sum a side.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// `in`.
    Whole(Sum),
    /// `left` and `right`.
    Sides(Sum, Sum),
}

impl Default for Out {
    fn default() -> Self {
        Self::Whole(Sum::default())
    }
}

/// One entry of `[map]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// What comes.
    pub from: MapSource,
    /// What it turns: one target for each argument.
    pub to: Vec<Target>,
    /// What counts as 0 and as 1; `None`: 0..1 as it comes.
    pub range_in: Option<(f32, f32)>,
    /// Lowest and highest counted value it turns to; `None`: the target's own.
    pub range_out: Option<(f32, f32)>,
    /// The curve; `None`: the target's own.
    pub curve: Option<Curve>,
    /// Acts only once the controller has passed the present value.
    pub pickup: bool,
    /// Each press turns it over.
    pub toggle: bool,
    /// The controller has no place: it says how far it was turned.
    pub relative: Option<Relative>,
    /// Travel of one click of a relative controller; `None`: as suits the target.
    pub step: Option<f32>,
    /// Where it stands in the source.
    pub span: Range<usize>,
}

/// How a controller without a place says how far it was turned, in a number of 7 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relative {
    /// 1 to 63 up, 127 down to 64: 1 to 64 down.
    TwosComplement,
    /// 65 to 127: 1 to 63 up, 63 down to 0: 1 to 64 down.
    Offset,
    /// 1 to 63 up, 65 to 127: 1 to 63 down.
    Sign,
    /// One of these, told from what comes.
    Auto,
}

impl Relative {
    /// Their names in patches.
    pub const ALL: [(&'static str, Self); 4] =
        [("twos-complement", Self::TwosComplement), ("offset", Self::Offset), ("sign", Self::Sign), ("auto", Self::Auto)];

    /// Its name in patches. `[any]`
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, relative)| *relative == self).map_or("auto", |(name, _)| name)
    }

    /// The one of this name. `[any]`
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, relative)| *relative)
    }

    /// Clicks in a number of 7 bits, up or down; 0 where the way of counting is not known. `[any]`
    pub fn clicks(self, value: u8) -> i32 {
        let value = i32::from(value & 127);
        match self {
            Self::TwosComplement if value < 64 => value,
            Self::TwosComplement => value - 128,
            Self::Offset => value - 64,
            Self::Sign if value < 64 => value,
            Self::Sign => 64 - value,
            Self::Auto => 0,
        }
    }
}

/// Where a map's values come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MapSource {
    /// A MIDI controller; channel 1..16 or any.
    Cc(u8, Option<u8>),
    /// A non-registered parameter.
    Nrpn(u16, Option<u8>),
    /// The bend wheel.
    Bend(Option<u8>),
    /// Channel pressure.
    Pressure(Option<u8>),
    /// A key as a switch.
    Note(u8, Option<u8>),
    /// A free OSC address.
    Osc(String),
}

/// What a map turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A control.
    Control(ControlId),
    /// The base of an input.
    Input(ModuleId, usize),
    /// The depth of a term of an input.
    Depth(ModuleId, usize, usize),
    /// A setting.
    Setting(ModuleId, usize),
    /// The base of an input of `[note]`, by the number that [`NoteMode::input`] has for it.
    NoteBase(usize),
    /// The depth of a term of one of these.
    NoteDepth(usize, usize),
    /// The base of `[out]`'s `in` or `left` (0), or of its `right` (1).
    OutBase(usize),
    /// The depth of a term of one of these.
    OutDepth(usize, usize),
}
