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

/// One group's part of a send, added to the partial sums.
pub struct SendWork<'a, L: Lanes> {
    /// What is sent.
    pub wire: &'a Wire<L>,
    /// What is kept of it.
    pub state: &'a mut SendState<L>,
    /// The sums so far.
    pub partials: &'a mut [[f32; PARTIALS]; BLOCK],
    /// The lanes that sound.
    pub lanes: LaneMask,
    /// The partial sum of the first lane.
    pub place: usize,
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
        let signal = self.wire.signal(self.from, self.to);
        let sounding = L::Mask::from_lanes(self.lanes);
        let silence = L::default();
        let fading = self.state.fade.active();
        let (mut peak, mut last) = (self.state.peak, self.state.last);
        for (at, partials) in self.partials[self.from..self.to].iter_mut().enumerate() {
            let x = signal.at(at);
            let mut x = sounding.and(x.finite()).select(x, silence);
            if fading {
                x = self.state.fade.frame(x, last, self.fade);
            }
            last = x;
            peak = peak.max(x.abs());
            for lane in 0..L::WIDTH {
                partials[self.place + lane] += x.lane(lane);
            }
        }
        self.state.peak = peak;
        self.state.last = last;
    }
}
