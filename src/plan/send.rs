//! From the voices to the global part: what each sends, its fades, and the sum in an order that is the same at every width.

use super::ramp::Fade;
use crate::base::time::BLOCK;
use crate::dsp::lanes::{LaneMask, Lanes, Truth, end_frame};
use crate::module::isa::Work;
use crate::module::{Signal, Wire};

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

/// Rows of lanes that hold the partial sums at a width; where there are more lanes than sums, the first lanes hold them. `[any]`
pub const fn rows(width: usize) -> usize {
    PARTIALS.div_ceil(width)
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

/// Where one group's part of a send goes.
pub enum Into<'a, L> {
    /// To the sums so far of the groups in the same row.
    Partials(&'a mut [L; BLOCK]),
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
        match (into, signal, state.fade.active()) {
            (Into::Partials(sums), Signal::Moving(frames), false) if L::WIDTH == 1 => {
                // One lane alone: frames side by side, and sixteen peaks, so that none waits for the one before.
                let mut peaks = [L::default(); PARTIALS];
                let sums = &mut sums[from..to];
                for (sum, x) in sums.iter_mut().zip(frames) {
                    *sum += heard(*x, sounding);
                }
                let (whole, rest) = frames.as_chunks::<PARTIALS>();
                for frames in whole {
                    for (peak, x) in peaks.iter_mut().zip(frames) {
                        *peak = peak.max(heard(*x, sounding).abs());
                    }
                }
                for (peak, x) in peaks.iter_mut().zip(rest) {
                    *peak = peak.max(heard(*x, sounding).abs());
                }
                for peak in peaks {
                    state.peak = state.peak.max(peak);
                }
                state.last = heard(frames[frames.len() - 1], sounding);
            }
            (Into::Partials(sums), Signal::Moving(frames), false) => {
                let (mut peak, mut last) = (state.peak, state.last);
                for (sum, x) in sums[from..to].iter_mut().zip(frames) {
                    last = heard(*x, sounding);
                    peak = peak.max(last.abs());
                    *sum = sum.add_by_sixteens(last);
                    end_frame::<L>();
                }
                (state.peak, state.last) = (peak, last);
            }
            (Into::Tile(tile), Signal::Moving(frames), false) => {
                let (mut peak, mut last) = (state.peak, state.last);
                for (out, x) in tile[from..to].iter_mut().zip(frames) {
                    last = heard(*x, sounding);
                    peak = peak.max(last.abs());
                    *out = last;
                    end_frame::<L>();
                }
                (state.peak, state.last) = (peak, last);
            }
            (Into::Partials(sums), signal, fading) => {
                for (at, sum) in sums[from..to].iter_mut().enumerate() {
                    *sum = sum.add_by_sixteens(faded(state, heard(signal.at(at), sounding), fading, fade));
                }
                state.fade.settle();
            }
            (Into::Tile(tile), signal, fading) => {
                for (at, out) in tile[from..to].iter_mut().enumerate() {
                    *out = faded(state, heard(signal.at(at), sounding), fading, fade);
                }
                state.fade.settle();
            }
        }
    }
}

/// Numbers of lanes that sound; silence in the others.
#[inline(always)]
fn heard<L: Lanes>(x: L, sounding: L::Mask) -> L {
    sounding.and(x.finite()).select(x, L::default())
}

/// A frame without its jump, where one fades, and what is kept of it.
#[inline(always)]
fn faded<L: Lanes>(state: &mut SendState<L>, x: L, fading: bool, fade: u32) -> L {
    let x = if fading { state.fade.frame(x, state.last, fade) } else { x };
    state.last = x;
    state.peak = state.peak.max(x.abs());
    x
}

/// What a group sent is added to the sums so far of the groups in its row.
pub struct AddWork<'a, L: Lanes> {
    /// What it sent.
    pub sent: &'a [L],
    /// The sums so far, of the same frames.
    pub sums: &'a mut [L],
}

impl<L: Lanes> Work for AddWork<'_, L> {
    #[inline(always)]
    fn work(self) {
        for (x, sum) in self.sent.iter().zip(self.sums) {
            *sum = sum.add_by_sixteens(*x);
            end_frame::<L>();
        }
    }
}

/// The partial sums become one.
pub struct SumUpWork<'a, L: Lanes> {
    /// The sums, row by row.
    pub rows: &'a [[L; BLOCK]],
    /// First frame of the tile.
    pub from: usize,
    /// What they make.
    pub out: &'a mut [f32],
}

impl<L: Lanes> Work for SumUpWork<'_, L> {
    #[inline(always)]
    fn work(self) {
        if let (1, [row]) = (L::WIDTH, self.rows) {
            // One voice alone: the others would add nothing.
            for (out, sum) in self.out.iter_mut().zip(&row[self.from..]) {
                *out = sum.lane(0);
            }
            return;
        }
        for (at, out) in self.out.iter_mut().enumerate() {
            let mut partials = [0.0; PARTIALS];
            for (row, partials) in self.rows.iter().zip(partials.chunks_mut(L::WIDTH)) {
                for (lane, partial) in partials.iter_mut().enumerate() {
                    *partial = *row[self.from + at].lane_ref(lane);
                }
            }
            *out = added_up(&partials);
            end_frame::<L>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::lanes::Wide;

    /// 40 voices of one frame each, summed at a width; kept for another to add up, or not.
    fn sum<L: Lanes>(kept: bool) -> u32 {
        let voice = |number: usize| if number < 40 { 1.0 / (number as f32 + 1.3) } else { 0.0 };
        let mut partials = vec![[L::default(); BLOCK]; rows(L::WIDTH)];
        for group in 0..40usize.div_ceil(L::WIDTH) {
            let mut wire = Wire::<L>::new();
            wire.held = false;
            wire.tile.as_mut().unwrap().fill(L::from_fn(|lane| voice(group * L::WIDTH + lane)));
            let row = group % rows(L::WIDTH);
            let mut tile = [L::default(); BLOCK];
            let into = if kept { Into::Tile(&mut tile) } else { Into::Partials(&mut partials[row]) };
            let state = &mut SendState::default();
            SendWork { wire: &wire, state, into, lanes: LaneMask::ALL, from: 0, to: 1, fade: 480 }.work();
            if kept {
                AddWork { sent: &tile[..1], sums: &mut partials[row][..1] }.work();
            }
        }
        let mut out = [0.0];
        SumUpWork { rows: &partials, from: 0, out: &mut out }.work();
        out[0].to_bits()
    }

    #[test]
    fn voices_are_summed_in_the_same_order_at_every_width() {
        let one = sum::<f32>(false);
        assert!((f32::from_bits(one) - 3.88).abs() < 0.05);
        for kept in [false, true] {
            assert_eq!(sum::<f32>(kept), one);
            assert_eq!(sum::<Wide<8>>(kept), one);
            assert_eq!(sum::<Wide<16>>(kept), one);
            assert_eq!(sum::<Wide<32>>(kept), one);
        }
    }
}
