//! Something that happens at a point in time.

use crate::base::time::SampleTime;
use crate::plan::KnobId;
use crate::plan::outline::NoteValue;

/// A note as its maker calls it; unique among all that sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoteId(pub u32);

impl NoteId {
    /// Numbers from here on are those of notes that patches play themselves; others name theirs below.
    pub const OWN: u32 = 1 << 31;

    /// Numbers from here up to those are of notes that a score plays.
    pub const SCORE: u32 = 1 << 30;

    /// Whether a patch plays it itself. `[any]`
    pub const fn is_own(self) -> bool {
        self.0 >= Self::OWN
    }
}

/// The number of a slot that means all of them.
pub const ALL_SLOTS: u8 = u8::MAX;

/// Something at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When; a time that has passed, such as 0, means at the start of the next block.
    pub at: SampleTime,
    /// What.
    pub act: Act,
}

/// What happens. Values are counted as the model says, finite and in range: who sends has seen to that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// A knob is turned.
    Knob {
        /// Whose.
        slot: u8,
        /// Which.
        knob: KnobId,
        /// To where: counted, or beats where `beats`.
        value: f32,
        /// The value is a number of beats and follows the tempo.
        beats: bool,
        /// It glides: there in so many frames, exactly. 0: in the time that the knob declares.
        frames: u32,
    },
    /// An entry of a live list is set.
    Cell {
        /// Whose.
        slot: u8,
        /// Which list, by its number in the outline.
        list: u16,
        /// Which entry, from 0; `u8::MAX` sets how many entries count, to `value`.
        index: u8,
        /// To what.
        value: f32,
    },
    /// A note starts.
    NoteOn {
        /// Whose.
        slot: u8,
        /// The key, for `keys.…`.
        key: u8,
        /// The note's name.
        id: NoteId,
        /// Octaves above C4.
        pitch: f32,
        /// 0..1.
        velocity: f32,
        /// Frames after which it ends by itself; 0: when told.
        frames: u32,
    },
    /// The next note of a slot glides from this pitch, whatever else it would do; a glide of no time keeps it from that.
    GlideFrom {
        /// Whose.
        slot: u8,
        /// Octaves above C4.
        pitch: f32,
    },
    /// A note ends.
    NoteOff {
        /// Whose.
        slot: u8,
        /// Which.
        id: NoteId,
        /// How fast it was let go, 0..1.
        velocity: f32,
    },
    /// A note's sound ends within 10 ms, whether or not its key is down.
    NoteFade {
        /// Whose.
        slot: u8,
        /// Which.
        id: NoteId,
    },
    /// A note is given a value of its own. At the time of its start it begins there, later it moves there smoothly.
    NoteSet {
        /// Whose.
        slot: u8,
        /// Which.
        id: NoteId,
        /// What.
        what: NoteValue,
        /// Counted.
        value: f32,
    },
    /// All notes end.
    Panic {
        /// Whose, or [`ALL_SLOTS`].
        slot: u8,
        /// How.
        how: Panic,
    },
    /// A strip of the mixer is set.
    Mix {
        /// Whose, or [`ALL_SLOTS`] for the master.
        slot: u8,
        /// What.
        what: Mix,
        /// Level as a factor, pan ±1, switches 0 or 1.
        value: f32,
        /// All but switches glide there in so many frames, exactly; 0: in 5 ms.
        frames: u32,
    },
    /// The tempo becomes this [beats a minute].
    Tempo(f32),
    /// The beat clock runs on, or halts where it is.
    Run(bool),
    /// The beat clock runs from the first callback on whose sound is heard at this moment or later, so that all whom one driver calls
    /// start together; [`Report::Started`](super::Report::Started) tells when that was.
    RunWith {
        /// By the driver's own clock [µs].
        stamp: u64,
        /// By this time in any case: the driver may be gone.
        latest: SampleTime,
    },
    /// The beat clock goes to a beat.
    Locate {
        /// Which.
        beat: f64,
        /// What is played from there on goes by this number.
        place: u32,
    },
    /// The beat clock goes from the second of these beats back to the first; none where the second is not behind the first.
    Loop {
        /// From where.
        start: f64,
        /// To where.
        end: f64,
    },
    /// Every second one of equal steps is put off.
    Swing {
        /// What the first step of a pair takes of it; 0.5: they are even.
        share: f32,
        /// Beats of a step.
        step: f32,
    },
    /// The beat clock gains so many beats, or loses them, without a jump.
    Nudge(f32),
    /// A click is heard at each beat of a bar.
    Metronome {
        /// Its level as a factor; 0: none.
        level: f32,
        /// A beat on which a bar begins.
        start: f32,
        /// Beats from click to click.
        step: f32,
        /// Clicks of a bar.
        bar: u8,
    },
    /// The beat clock runs on after so many beats in which nothing is played but clicks.
    CountIn(f32),
    /// Sound fades, then time stands; or it goes on where it stood.
    Pause(bool),
    /// Tell when everything sent before by the same feed has been applied.
    Sync(u32),
    /// All that waits for its time is dropped at once, but for what ends notes or is waited for.
    Clear,
}

impl Act {
    /// The one slot that it is meant for, if it is for one. `[any]`
    pub const fn slot(self) -> Option<u8> {
        match self {
            Self::Knob { slot, .. }
            | Self::Cell { slot, .. }
            | Self::NoteOn { slot, .. }
            | Self::NoteOff { slot, .. }
            | Self::NoteFade { slot, .. }
            | Self::NoteSet { slot, .. }
            | Self::Panic { slot, .. }
            | Self::Mix { slot, .. }
                if slot != ALL_SLOTS =>
            {
                Some(slot)
            }
            _ => None,
        }
    }

    /// Whether it does nothing but end notes: that is never dropped. `[any]`
    pub const fn ends_notes(&self) -> bool {
        matches!(self, Self::NoteOff { .. } | Self::NoteFade { .. } | Self::Panic { .. })
    }
}

/// How notes end at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panic {
    /// As when their keys are let go.
    Release,
    /// Within 10 ms.
    Fade,
    /// In this frame.
    Cut,
}

/// What the mixer has for each slot and for the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mix {
    /// Level, as a factor.
    Level,
    /// Place, ±1.
    Pan,
    /// Silent.
    Mute,
    /// Others silent.
    Solo,
    /// Level of its send to a slot, as a factor.
    Send(u8),
    /// The safety limiter (master only).
    Limiter,
    /// How loud it is played, as a factor beside its level (slots only).
    Volume,
    /// Where it is played, ±1, added to its place (slots only).
    Balance,
}

const _: () = assert!(size_of::<Event>() <= 32, "an event is at most 32 bytes");
