//! What the engine does before a device runs dry: it plays fewer voices.
//!
//! The host tells how much of its time each callback took; a host without a clock tells nothing, and then nothing here ever happens.

use crate::base::time::SampleTime;

/// Above this share of the time no voice more may sound: a new note takes the place of one that was let go, or is refused.
pub const STRAINED: f32 = 0.85;
/// Above this one voices are shed, until about [`STRAINED`] is left.
pub const OVER: f32 = 0.95;

/// Callbacks that are looked at, at most.
const KEPT: usize = 9;
/// No longer than this back [s].
const BACK: f32 = 0.1;
/// From the last block of a voice to where its fade is over [s].
const FADE: f32 = 0.012;

/// The load as the engine minds it: the median of the last callbacks, since one hiccup of the machine is no load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headroom {
    shares: [f32; KEPT],
    /// Which of them was written last.
    at: usize,
    load: f32,
    /// Until here what was shed before has not shown in the load.
    rests: SampleTime,
    /// Frames from a change to where the median shows it.
    delay: u64,
}

impl Headroom {
    /// A callback of so many frames took this share of its time. `[audio]`
    pub fn tell(&mut self, share: f32, frames: usize, rate: f32) {
        self.at = (self.at + 1) % KEPT;
        self.shares[self.at] = if share > 0.0 { share } else { 0.0 };
        let frames = frames.clamp(1, 1 << 20);
        let looked = ((rate * BACK) as usize / frames).clamp(1, KEPT);
        let mut last = [0.0f32; KEPT];
        for (number, share) in last[..looked].iter_mut().enumerate() {
            *share = self.shares[(self.at + KEPT - number) % KEPT];
        }
        last[..looked].sort_unstable_by(f32::total_cmp);
        self.load = last[looked / 2];
        self.delay = ((looked / 2 + 1) * frames) as u64 + (rate * FADE) as u64;
    }

    /// There is time for more voices, or there is none, until a callback is told of. `[audio]`
    pub fn force(&mut self, strained: bool) {
        // Between strained and over: nothing is shed for it.
        self.load = if strained { f32::midpoint(STRAINED, OVER) } else { 0.0 };
    }

    /// Whether there is no time for more voices. `[audio]`
    pub fn is_strained(&self) -> bool {
        self.load > STRAINED
    }

    /// How many of so many voices are to be shed now. `[audio]`
    pub fn sheds(&mut self, voices: usize, now: SampleTime) -> usize {
        if self.load <= OVER || voices == 0 || now < self.rests {
            return 0;
        }
        self.rests = now + self.delay;
        // As if the load were theirs alone; where it is not, the next time sheds more.
        let part = (self.load - STRAINED) / self.load;
        ((voices as f32 * part) as usize + 1).min(voices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hiccup_is_no_load() {
        let mut room = Headroom::default();
        for n in 0..100 {
            room.tell(if n % 5 == 0 { 3.0 } else { 0.3 }, 64, 48_000.0);
            assert!(!room.is_strained());
        }
    }

    #[test]
    fn what_falls_is_noticed_within_300_ms_at_any_buffer() {
        for frames in [16, 64, 256, 1024, 2048, 4096, 9600] {
            let mut room = Headroom::default();
            for _ in 0..20 {
                room.tell(0.97, frames, 48_000.0);
            }
            assert!(room.is_strained() && room.sheds(100, 0) > 0);
            let calls = (0..).take_while(|_| {
                room.tell(0.5, frames, 48_000.0);
                room.is_strained()
            });
            assert!((calls.count() + 1) * frames <= 14_400, "{frames}");
        }
    }

    #[test]
    fn sheds_in_steps_that_it_can_see_the_end_of() {
        let mut room = Headroom::default();
        (0..9).for_each(|_| room.tell(1.0, 64, 48_000.0));
        let first = room.sheds(100, 1000);
        assert!((15..=17).contains(&first), "{first}");
        assert_eq!(room.sheds(84, 1064), 0, "the first are still fading");
        assert!(room.sheds(84, 3000) > 0, "they were not enough");
        assert_eq!(room.sheds(0, 9000), 0);
        (0..9).for_each(|_| room.tell(40.0, 64, 48_000.0));
        assert_eq!(room.sheds(1, 20_000), 1);
    }
}
