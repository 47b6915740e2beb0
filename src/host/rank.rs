//! Real-time scheduling for a thread that plays or captures: asked for at its first callback, before any sound. From a device that then
//! never makes it wait it is taken back: such a one, as those that only throw sound away, would leave nothing of its core to anybody.

use std::time::{Duration, Instant};

use super::pace::length;
use crate::rt::urgent::{audio, is_realtime, ordinary};

/// So much sound is asked for until it is looked at how long that took: more than any device keeps in store.
const STRETCH: Duration = Duration::from_secs(10);

/// What the system can be asked of the calling thread.
pub(super) trait System {
    /// Whether it goes before ordinary ones.
    fn is_realtime(&self) -> bool;
    /// That it does from now on; whether it is let.
    fn ask(&self) -> bool;
    /// That it does so no more.
    fn give_back(&self);
}

/// The true one.
pub(super) struct This;

impl System for This {
    fn is_realtime(&self) -> bool {
        is_realtime()
    }

    fn ask(&self) -> bool {
        audio()
    }

    fn give_back(&self) {
        ordinary();
    }
}

/// A stream's thread's rank.
#[derive(Debug)]
pub(super) struct Rank {
    /// It is to be asked for; then: it was asked for here, and given.
    ours: bool,
    /// The thread goes before ordinary ones.
    realtime: bool,
    /// When this stretch of sound began, and how much there was of it.
    stretch: Option<(Instant, Duration)>,
}

impl Rank {
    /// Of a thread that is not there yet; to be asked for, or only to be looked at. `[control]`
    pub fn new(wanted: bool) -> Self {
        Self { ours: wanted, realtime: false, stretch: None }
    }

    /// Whether the thread goes before ordinary ones; to be called at the beginning of each callback for so many frames. `[audio]`
    pub fn look(&mut self, system: &impl System, now: Instant, frames: usize, rate: u32) -> bool {
        let lasts = length(frames as u64, rate);
        let Some((began, sound)) = &mut self.stretch else {
            self.stretch = Some((now, lasts));
            // JACK's own threads are what they are to be.
            let given = system.is_realtime();
            self.ours = self.ours && !given && system.ask();
            self.realtime = given || self.ours;
            return self.realtime;
        };
        if self.ours && *sound >= STRETCH {
            if spins(*sound, now.saturating_duration_since(*began)) {
                system.give_back();
                (self.ours, self.realtime) = (false, false);
            }
            (*began, *sound) = (now, Duration::ZERO);
        }
        *sound += lasts;
        self.realtime
    }
}

/// Whether a device that has asked for so much sound in so much time makes nobody wait.
fn spins(sound: Duration, passed: Duration) -> bool {
    passed * 2 < sound
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A system that lets or does not, and counts how often it was asked and given back to.
    struct Made {
        already: bool,
        lets: bool,
        asked: Cell<usize>,
        back: Cell<usize>,
    }

    impl System for Made {
        fn is_realtime(&self) -> bool {
            self.already
        }

        fn ask(&self) -> bool {
            self.asked.set(self.asked.get() + 1);
            self.lets
        }

        fn give_back(&self) {
            self.back.set(self.back.get() + 1);
        }
    }

    /// Callbacks of 480 frames at 48 kHz, so far apart: what the first and the last were told, and what the system was asked.
    fn played((already, lets): (bool, bool), wanted: bool, apart: Duration, callbacks: u32) -> (bool, bool, usize, usize) {
        let system = Made { already, lets, asked: Cell::new(0), back: Cell::new(0) };
        let (start, mut rank) = (Instant::now(), Rank::new(wanted));
        let told: Vec<bool> = (0..callbacks).map(|n| rank.look(&system, start + apart * n, 480, 48_000)).collect();
        (told[0], told[told.len() - 1], system.asked.get(), system.back.get())
    }

    #[test]
    fn it_is_asked_for_once_before_any_sound_and_kept_by_who_waits() {
        let beat = Duration::from_millis(10);
        assert_eq!(played((false, true), true, beat, 10_000), (true, true, 1, 0));
        assert_eq!(played((false, false), true, beat, 10_000), (false, false, 1, 0), "not let: it is not asked again");
        assert_eq!(played((false, true), false, beat, 10_000), (false, false, 0, 0), "it is not wanted");
        assert_eq!(played((true, false), true, beat, 10_000), (true, true, 0, 0), "it has it already, from JACK");
        assert_eq!(played((true, false), false, Duration::ZERO, 10_000), (true, true, 0, 0), "and JACK's is never given back");
    }

    #[test]
    fn who_never_waits_gives_it_back() {
        assert_eq!(played((false, true), true, Duration::from_micros(20), 1_000), (true, true, 1, 0), "so much may be a device's store");
        assert_eq!(played((false, true), true, Duration::from_micros(20), 1_002), (true, false, 1, 1));
        assert_eq!(played((false, true), true, Duration::from_micros(20), 5_000), (true, false, 1, 1), "once");
        assert_eq!(played((false, true), true, Duration::from_millis(9), 5_000), (true, true, 1, 0), "a clock that is a little fast");
    }
}
