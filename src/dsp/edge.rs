//! The one place that says when a trigger fires.

use super::lanes::{LaneMask, Lanes, Truth};

/// Where a gate is high: above 0.5. `[audio]`
#[inline(always)]
pub fn high<L: Lanes>(x: L) -> L::Mask {
    x.gt(L::splat(0.5))
}

/// Finds the frames in which a gate or trigger rises above 0.5, lane by lane.
///
/// After a reset the signal counts as low, so that one that is high in the first frame rises there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edge<L: Lanes> {
    was: L::Mask,
}

impl<L: Lanes> Edge<L> {
    /// Forgets what came before. `[audio]`
    #[inline(always)]
    pub fn reset(&mut self, lanes: LaneMask) {
        self.was = self.was.and(L::Mask::from_lanes(lanes).not());
    }

    /// Takes the next frame; true where it rises. `[audio]`
    #[inline(always)]
    pub fn rises(&mut self, x: L) -> L::Mask {
        let now = high(x);
        let rises = now.and(self.was.not());
        self.was = now;
        rises
    }

    /// Whether the next frame would rise or fall in any lane. `[audio]`
    #[inline(always)]
    pub fn moves(&self, x: L) -> bool {
        let now = high(x);
        now.and(self.was.not()).or(self.was.and(now.not())).any()
    }

    /// Where the last frame was high. `[audio]`
    #[inline(always)]
    pub fn is_high(&self) -> L::Mask {
        self.was
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::lanes::Wide;

    #[test]
    fn fires_once_a_rise() {
        let mut edge = Edge::<f32>::default();
        let signal = [1.0, 1.0, 0.5, 0.51, 0.0, f32::NAN, 1.0, 0.2];
        assert_eq!(signal.map(|x| edge.rises(x)), [true, false, false, true, false, false, true, false]);
    }

    #[test]
    fn a_reset_lane_alone_fires_again() {
        let mut edge = Edge::<Wide<8>>::default();
        assert_eq!(edge.rises(Wide([1.0; 8])).lanes(), LaneMask(0xff));
        edge.reset(LaneMask::one(3));
        assert_eq!(edge.rises(Wide([1.0; 8])).lanes(), LaneMask::one(3));
    }
}
