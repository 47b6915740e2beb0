//! What a kernel reads and writes in one call.

use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::dsp::lanes::{Lanes, Wide};

use super::{Input, Output, Setting};

/// One block of one cable; frame t of the engine's time lies at t mod 64.
pub type Tile<L> = Box<[L; BLOCK]>;

/// A buffer between steps.
#[derive(Debug)]
pub struct Wire<L> {
    /// The frames; lent out while a step writes them. Where `held`, only the first is true.
    pub tile: Option<Tile<L>>,
    /// The same number in every frame of this run.
    pub held: bool,
}

impl<L: Lanes> Wire<L> {
    /// Silent. `[control]`
    pub fn new() -> Self {
        Self { tile: Some(Box::new([L::default(); BLOCK])), held: true }
    }

    /// The number that it carries in every frame; `None` where it moves. `[audio]`
    #[inline(always)]
    pub fn stands(&self) -> Option<L> {
        match &self.tile {
            Some(tile) if self.held => Some(tile[0]),
            _ => None,
        }
    }

    /// What it carries in these frames of the tile. `[audio]`
    #[inline(always)]
    pub fn signal(&self, from: usize, to: usize) -> Signal<'_, L> {
        match &self.tile {
            Some(tile) if self.held => Signal::Held(tile[0]),
            Some(tile) => Signal::Moving(&tile[from..to]),
            None => Signal::Held(L::default()),
        }
    }
}

impl<L: Lanes> Default for Wire<L> {
    fn default() -> Self {
        Self::new()
    }
}

/// What an input carries during a call.
#[derive(Clone, Copy, Debug)]
pub enum Signal<'a, L> {
    /// The same in every frame.
    Held(L),
    /// One value a frame.
    Moving(&'a [L]),
}

impl<L: Lanes> Signal<'_, L> {
    /// The value in a frame of the call. `[audio]`
    #[inline(always)]
    pub fn at(&self, frame: usize) -> L {
        match self {
            Self::Held(x) => *x,
            Self::Moving(frames) => frames[frame],
        }
    }

    /// The values of frames from one on, as many as `out` is long. `[audio]`
    #[inline(always)]
    pub fn frames(&self, from: usize, out: &mut [L]) {
        match self {
            Self::Held(x) => out.iter_mut().for_each(|out| *out = *x),
            Self::Moving(frames) => match (frames[from..].first_chunk::<16>(), <&mut [L; 16]>::try_from(&mut *out)) {
                // The common case without a call for a few bytes.
                (Some(frames), Ok(out)) => *out = *frames,
                _ => out.copy_from_slice(&frames[from..from + out.len()]),
            },
        }
    }

    /// Sixteen frames of one lane from one on, which take the places of lanes: what no frame takes over from the last is worked out for all of
    /// them together. Past the end they are 0. `[audio]`
    #[inline(always)]
    pub fn sixteen(&self, from: usize) -> Wide<16> {
        let mut some = Wide::default();
        match self {
            Self::Held(x) => some = Wide::splat(x.lane(0)),
            Self::Moving(frames) => match frames[from..].first_chunk::<16>() {
                Some(frames) => {
                    for at in 0..16 {
                        some.0[at] = frames[at].lane(0);
                    }
                }
                None => {
                    for (to, x) in some.0.iter_mut().zip(&frames[from..]) {
                        *to = x.lane(0);
                    }
                }
            },
        }
        some
    }

    /// The value of all frames, where it is one. `[audio]`
    #[inline(always)]
    pub fn held(&self) -> Option<L> {
        match self {
            Self::Held(x) => Some(*x),
            Self::Moving(_) => None,
        }
    }
}

/// Writes as many of [`Signal::sixteen`] frames as there is room for. `[audio]`
#[inline(always)]
pub fn put_sixteen<L: Lanes>(frames: &Wide<16>, out: &mut [L]) {
    if let Some(out) = out.first_chunk_mut::<16>() {
        for at in 0..16 {
            out[at] = L::splat(frames.0[at]);
        }
        return;
    }
    for (out, x) in out.iter_mut().zip(&frames.0) {
        *out = L::splat(*x);
    }
}

/// A kernel's view of one call: its inputs, its outputs, the time.
pub struct Io<'a, L: Lanes> {
    pub(crate) wires: &'a [Wire<L>],
    /// Wire of each input in order of declaration, a stereo input two.
    pub(crate) inputs: &'a [u32],
    /// Position of each declared input's first wire among `inputs`.
    pub(crate) places: &'a [u8],
    pub(crate) outputs: &'a mut [Tile<L>],
    /// One bit a declared output that something is connected to.
    pub(crate) wanted: u32,
    /// One bit an output wire that holds its first frame throughout the call.
    pub(crate) still: u32,
    pub(crate) start: SampleTime,
    pub(crate) frames: usize,
    pub(crate) lists: &'a [List],
}

/// A live list setting as a kernel sees it.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Entries; NaN is a rest.
    pub cells: [f32; super::setting::LIST_MAX],
    /// How many count, at least 1.
    pub len: usize,
}

impl<'a, L: Lanes> Io<'a, L> {
    /// How many frames to work out: 1 to 64. `[audio]`
    #[inline(always)]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Time of the first frame. `[audio]`
    #[inline(always)]
    pub fn start(&self) -> SampleTime {
        self.start
    }

    /// What a mono input carries. `[audio]`
    #[inline(always)]
    pub fn input(&self, input: Input) -> Signal<'a, L> {
        self.wire(self.places[input.index] as usize)
    }

    /// What the two sides of a stereo input carry. `[audio]`
    #[inline(always)]
    pub fn pair(&self, input: Input) -> (Signal<'a, L>, Signal<'a, L>) {
        let place = self.places[input.index] as usize;
        (self.wire(place), self.wire(place + 1))
    }

    #[inline(always)]
    fn wire(&self, place: usize) -> Signal<'a, L> {
        let from = tile_index(self.start);
        self.wires[self.inputs[place] as usize].signal(from, from + self.frames)
    }

    /// The first `N` output wires in order of declaration, a stereo output two; every frame of each wanted one must be
    /// written. `N` must not exceed the module's output wires. `[audio]`
    #[inline(always)]
    pub fn outputs<const N: usize>(&mut self) -> [&mut [L]; N] {
        let from = tile_index(self.start);
        let to = from + self.frames;
        match self.outputs.first_chunk_mut::<N>() {
            Some(tiles) => tiles.each_mut().map(|tile| &mut tile[from..to]),
            None => unreachable!("a kernel asks for more outputs than it declares"),
        }
    }

    /// Whether anything is connected to a mono output; what nobody hears need not be worked out, but its state must go on
    /// as if it were. `[audio]`
    #[inline(always)]
    pub fn wants(&self, output: Output) -> bool {
        self.wanted >> output.index & 1 == 1
    }

    /// Says that every frame of an output wire is the same, of which the first is written, and will be for as long as the inputs hold
    /// what they hold: what reads it may work it out once, and a kernel that says so of all its outputs is not called again before an
    /// input moves or it is reset. It does not count where the call is one frame. `[audio]`
    #[inline(always)]
    pub fn stands(&mut self, wire: usize) {
        if self.frames > 1 {
            self.still |= 1 << wire;
        }
    }

    /// A live list setting. `[audio]`
    #[inline(always)]
    pub fn list(&self, setting: Setting) -> &'a [f32] {
        let list = &self.lists[setting.index];
        &list.cells[..list.len]
    }
}
