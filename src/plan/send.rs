//! From the voices to the global part: what each sends, its fades, and the sum in an order that is the same at every width.

use super::ramp::Fade;
use crate::base::time::BLOCK;
use crate::dsp::lanes::{LaneMask, Lanes, Truth};
use crate::module::Wire;
use crate::module::isa::Work;

/// Partial sums of the voices: by voice number mod 16.
pub const PARTIALS: usize = 16;

/// What one group keeps of a send.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendState<L> {
    /// The last frame, as it was heard.
    pub last: L,
    /// What keeps jumps from being heard.
    pub fade: Fade<L>,
    /// The loudest frame of late.
    pub peak: L,
}

/// The partial sums of one send, frame by frame.
pub type Partials = [[f32; PARTIALS]; BLOCK];

/// 8+8, 4+4, 2+2, 1+1: the same at every width. `[audio]`
#[inline(always)]
pub fn added_up(partials: &[f32; PARTIALS]) -> f32 {
    let mut sums = *partials;
    let mut half = PARTIALS / 2;
    while half > 0 {
        for at in 0..half {
            sums[at] += sums[at + half];
        }
        half /= 2;
    }
    sums[0]
}

/// Where one group's part of a send goes.
pub enum Into<'a, L> {
    /// To the sums so far, from the partial sum of the first lane on.
    Partials(&'a mut Partials, usize),
    /// It is kept, for whoever adds it up.
    Tile(&'a mut [L; BLOCK]),
}

/// One group's part of a send.
pub struct SendWork<'a, L: Lanes> {
    /// What is sent.
    pub wire: &'a Wire<L>,
    /// What is kept of it.
    pub state: &'a mut SendState<L>,
    /// Where it goes.
    pub into: Into<'a, L>,
    /// The lanes that sound.
    pub lanes: LaneMask,
    /// First frame of the tile.
    pub from: usize,
    /// Frame after the last.
    pub to: usize,
    /// Frames in which a jump fades.
    pub fade: u32,
}

impl<L: Lanes> Work for SendWork<'_, L> {
    #[inline(always)]
    fn work(self) {
        let Self { wire, state, into, lanes, from, to, fade } = self;
        let signal = wire.signal(from, to);
        let sounding = L::Mask::from_lanes(lanes);
        let silence = L::default();
        let fading = state.fade.active();
        let (mut peak, mut last) = (state.peak, state.last);
        let mut next = |at: usize| {
            let x = signal.at(at);
            let mut x = sounding.and(x.finite()).select(x, silence);
            if fading {
                x = state.fade.frame(x, last, fade);
            }
            last = x;
            peak = peak.max(x.abs());
            x
        };
        match into {
            Into::Partials(partials, place) => {
                for (at, partials) in partials[from..to].iter_mut().enumerate() {
                    add(next(at), partials, place);
                }
            }
            Into::Tile(tile) => {
                for (at, out) in tile[from..to].iter_mut().enumerate() {
                    *out = next(at);
                }
            }
        }
        state.peak = peak;
        state.last = last;
    }
}

/// One frame of a group is added to the partial sums, lane by lane in the order of the voices.
#[inline(always)]
fn add<L: Lanes>(x: L, partials: &mut [f32; PARTIALS], place: usize) {
    for first in (0..L::WIDTH).step_by(PARTIALS) {
        for (lane, partial) in partials[place..].iter_mut().take(L::WIDTH).enumerate() {
            *partial += *x.lane_ref(first + lane);
        }
    }
}

/// What a group sent is added to the partial sums.
pub struct AddWork<'a, L: Lanes> {
    /// What it sent.
    pub sent: &'a [L],
    /// The sums so far, of the same frames.
    pub partials: &'a mut [[f32; PARTIALS]],
    /// The partial sum of the first lane.
    pub place: usize,
}

impl<L: Lanes> Work for AddWork<'_, L> {
    #[inline(always)]
    fn work(self) {
        for (x, partials) in self.sent.iter().zip(self.partials) {
            add(*x, partials, self.place);
        }
    }
}

/// The partial sums become one.
pub struct SumUpWork<'a> {
    /// The sums, frame by frame.
    pub partials: &'a [[f32; PARTIALS]],
    /// What they make.
    pub out: &'a mut [f32],
}

impl Work for SumUpWork<'_> {
    #[inline(always)]
    fn work(self) {
        for (out, partials) in self.out.iter_mut().zip(self.partials) {
            *out = added_up(partials);
        }
    }
}
