//! The running half of a module.

use super::{Io, Settings};
use crate::dsp::lanes::{LaneMask, Lanes};
use crate::rt::flows::Flows;

/// A number from which all chance of a module is drawn: the same name, voice and note count give the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// Of a name (FNV-1a, 64 bits). `[control]`
    pub fn of_name(name: &str) -> Self {
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)))
    }

    /// Another seed, drawn from this and a number (SplitMix64, Steele and others 2014). `[audio]`
    #[inline(always)]
    pub const fn with(self, number: u64) -> Self {
        let z = self.0 ^ number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(z ^ z >> 31)
    }

    /// The seed of one of the lanes that a reset means: this itself where it means one alone. `[audio]`
    #[inline(always)]
    pub fn of_lane(self, lanes: LaneMask, lane: usize) -> Self {
        if lanes.is_one() || lanes.is_empty() { self } else { self.with(lane as u64) }
    }

    /// A number −1 ≤ x < 1. `[audio]`
    #[inline(always)]
    pub fn bipolar(self) -> f32 {
        (self.with(0).0 >> 40) as f32 * (1.0 / 8_388_608.0) - 1.0
    }
}

/// What a kernel is told when it is made.
pub struct Prepare<'a> {
    /// Frames a second; it never changes while the kernel lives [Hz].
    pub rate: f32,
    /// Drawn from the module's name.
    pub seed: Seed,
    /// Number of the voice in the first lane.
    pub voice: usize,
    /// The module's settings.
    pub settings: &'a Settings,
    /// Sound from outside and to outside, by name.
    pub flows: &'a Flows,
}

impl Prepare<'_> {
    /// The seed of a lane: a voice has the same however many stand side by side. `[control]`
    pub const fn of_lane(&self, lane: usize) -> Seed {
        self.seed.with((self.voice + lane) as u64)
    }
}

/// How a kernel is made, off the audio thread.
pub trait Make: Sized {
    /// Ready to run, as after [`Kernel::reset`] of all lanes, each with its seed: a voice that sounds may get a module while it does.
    /// Allocates all it will ever need. `[control]`
    fn make(prepare: &Prepare<'_>) -> Self;
}

/// A sine that goes on evenly, as [`crate::dsp::math::sin_of_place`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tone {
    /// Where it is in the next frame [2⁻³² turns].
    pub place: i32,
    /// How far it goes by each frame [2⁻³² turns].
    pub step: i32,
}

/// The running half of a module, `L::WIDTH` voices at once.
///
/// **The rule of sameness**: what a kernel puts out depends on its inputs frame by frame since its reset, on its seed and on
/// the time, never on where a call begins or ends. `Held(x)` and `Moving` full of x give the same bits. What is done less
/// often than every frame is done where the time is a multiple of 16, and at a lane's reset for that lane alone.
pub trait Kernel<L: Lanes>: Send {
    /// Starts these lanes afresh, as if newly made; costs the same whatever memory the module has. `seed` is the note's: a
    /// lane draws its own with `seed.with(lane)` only where several lanes are reset at once. `[audio]`
    fn reset(&mut self, lanes: LaneMask, seed: Seed);

    /// Works out `io.frames()` frames. `[audio]`
    fn process(&mut self, io: &mut Io<'_, L>);

    /// For a source of one lane: the sine that its one heard output will be for as long as its inputs hold as they did in the last call;
    /// `None` where it will be anything else. `[audio]`
    fn tone(&self) -> Option<Tone> {
        None
    }

    /// Goes on as if so many frames of its [`Self::tone`] had been worked out. `[audio]`
    fn go_on(&mut self, _frames: usize) {}

    /// For an envelope: the lanes whose end has come after their gate fell. `[audio]`
    fn at_rest(&self) -> LaneMask {
        LaneMask::ALL
    }
}
