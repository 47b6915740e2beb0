//! What a packet comes to, worked out in full before any of it is done.

use super::clear::Clear;
use super::client::Client;
use super::feed_line::Merge;
use super::notes::{NoteName, Sounding};
use super::place::Place;
use super::targets::Target;
use super::transport::{Counting, Motion};
use super::tuning::{Retuning, Scope};
use super::value::{Message, Value};
use super::zone::ZonePart;
use crate::base::time::SampleTime;
use crate::engine::event::Mix;
use crate::engine::{Act, Event, NoteId};
use crate::module::SettingValue;
use crate::patch::{Amount, ModuleId, SlotOut};

/// Number of the master among the slots.
pub const MASTER: usize = u8::MAX as usize;

/// The time of a glide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Of its first frame; 0: as soon as may be.
    pub at: SampleTime,
    /// How long it takes.
    pub frames: u32,
}

/// A change to what Control knows, done when the events have been sent.
#[derive(Clone, Debug)]
pub enum Step {
    /// A number of a slot stands there from now on.
    Turned(usize, Place, Amount),
    /// A setting of a slot is this from now on; where it is no list, the patch is compiled anew.
    Setting(usize, ModuleId, usize, SettingValue),
    /// An entry of a list is this from now on.
    Cell(usize, ModuleId, usize, usize, f32),
    /// A number sets off to there, and stands there when it has arrived.
    Glide(Target, Amount, Way),
    /// A strip of a slot, or of the [`MASTER`], stands there from now on, as its address gives it.
    Strip(usize, Mix, f32),
    /// There is a send to a slot from now on, silent where there was none.
    Send(usize, u8),
    /// A slot's sound goes there from now on.
    Out(usize, SlotOut),
    /// A part of which keys play a slot is as these values say from now on.
    Zone(usize, ZonePart, Vec<Value>),
    /// Beats a minute.
    Tempo(f64),
    /// The transport does this from now on.
    Motion(Motion),
    /// How the music is counted from now on.
    Counting(Counting),
    /// A slot's patch stands where this preset of it has it.
    Recalled(usize, usize),
    /// A tuning changes.
    Tune(Retuning),
    /// A finger rests on an address, or has left it.
    Touched(String, bool),
    /// A note starts.
    Started(NoteId, Sounding),
    /// A note is let go.
    Released(NoteId),
    /// A note is still held.
    Renewed(NoteId),
    /// Somebody waits for this number to come back, and is told this then.
    Sync(u32, Message),
    /// A verb that acts off the audio thread, by its place in the packet: (verb, slot, address, values).
    Call(super::verbs::Found, String, Vec<Value>),
}

impl Step {
    /// The slot in which something is to stand, if it is one. `[control]`
    pub const fn slot(&self) -> Option<usize> {
        match self {
            Self::Turned(slot, ..)
            | Self::Setting(slot, ..)
            | Self::Cell(slot, ..)
            | Self::Glide(Target { slot, .. }, ..)
            | Self::Strip(slot, ..)
            | Self::Send(slot, ..)
            | Self::Out(slot, ..)
            | Self::Recalled(slot, _)
            | Self::Tune(Retuning { scope: Scope::Slot(slot), .. }) => Some(*slot),
            _ => None,
        }
    }

    /// Whether it says where something stands: that is so from its time on, not before. `[control]`
    pub const fn waits(&self) -> bool {
        match self {
            Self::Turned(..)
            | Self::Glide(..)
            | Self::Cell(..)
            | Self::Strip(..)
            | Self::Zone(..)
            | Self::Tempo(_)
            | Self::Motion(_)
            | Self::Counting(_)
            | Self::Recalled(..)
            | Self::Tune(_) => true,
            Self::Setting(.., value) => matches!(value, SettingValue::List(_)),
            Self::Send(..)
            | Self::Out(..)
            | Self::Touched(..)
            | Self::Started(..)
            | Self::Released(_)
            | Self::Renewed(_)
            | Self::Sync(..)
            | Self::Call(..) => false,
        }
    }
}

/// Everything that a packet will do.
pub struct Draft {
    /// Whose packet.
    pub client: Client,
    /// The time of the group that is being worked out; 0: in the next block.
    pub at: SampleTime,
    /// The moment since 1970 that the group was meant for [ns], where it was meant for one.
    pub tag: Option<i64>,
    /// For the engine, in order.
    pub events: Vec<Event>,
    /// For Control, in order, each with its time.
    pub steps: Vec<(SampleTime, Step)>,
    /// For the client.
    pub replies: Vec<Message>,
    /// Values set, notes started…: only values can be stood in for by newer ones.
    pub things: usize,
    /// Verbs that failed when their turn came.
    pub failed: u64,
    /// Messages left out because they came too late.
    pub left_out: u64,
    /// By how much the present group's notes are shorter, since they came too late [frames].
    pub cut: u64,
    /// What is to be taken back before anything is sent.
    pub clears: Vec<Clear>,
    /// What each value is, and how many events it has.
    values: Vec<(Merge, usize)>,
}

impl Draft {
    /// Nothing yet. `[control]`
    pub fn new(client: Client) -> Self {
        Self {
            client,
            at: 0,
            tag: None,
            events: Vec::new(),
            steps: Vec::new(),
            replies: Vec::new(),
            things: 0,
            failed: 0,
            left_out: 0,
            cut: 0,
            clears: Vec::new(),
            values: Vec::new(),
        }
    }

    /// One more event at the present group's time. `[control]`
    pub fn act(&mut self, act: Act) {
        self.things += 1;
        self.events.push(Event { at: self.at, act });
    }

    /// One more step at the present group's time. `[control]`
    pub fn step(&mut self, step: Step) {
        self.steps.push((self.at, step));
    }

    /// Events of one value, for which a newer value of the same may stand in. `[control]`
    pub fn value(&mut self, merge: Option<Merge>, events: impl IntoIterator<Item = Event>) {
        self.things += 1;
        let (at, before) = (self.at, self.events.len());
        self.events.extend(events.into_iter().map(|event| Event { at, ..event }));
        self.values.extend(merge.map(|merge| (merge, self.events.len() - before)));
    }

    /// What newer values may stand in for: a packet of nothing but values without a time. `[control]`
    pub fn merges(&self) -> &[(Merge, usize)] {
        let all = self.things == self.values.len() && self.events.iter().all(|event| event.at == 0);
        if all { &self.values } else { &[] }
    }

    /// The note that this packet itself started under a name, if it did. `[control]`
    pub fn started(&self, slot: u8, name: &NoteName) -> Option<NoteId> {
        self.steps.iter().rev().find_map(|(_, step)| match step {
            Step::Started(id, note) if note.slot == slot && note.name.as_ref() == Some(name) => Some(*id),
            _ => None,
        })
    }

    /// The first frame of a note that this packet itself started. `[control]`
    pub fn start_of(&self, id: NoteId) -> Option<SampleTime> {
        self.steps.iter().rev().find_map(|(_, step)| match step {
            Step::Started(started, note) if *started == id => Some(note.start),
            _ => None,
        })
    }

    /// The changes of tuning in this packet, in order. `[control]`
    pub fn retunings(&self) -> impl Iterator<Item = &Retuning> {
        self.steps.iter().filter_map(|(_, step)| if let Step::Tune(retuning) = step { Some(retuning) } else { None })
    }

    /// Whether this packet lets go of a note. `[control]`
    pub fn releases(&self, id: NoteId) -> bool {
        self.steps.iter().any(|(_, step)| matches!(step, Step::Released(released) if *released == id))
    }
}
