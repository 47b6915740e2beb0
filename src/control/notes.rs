//! Which notes sound, and what those who started them call them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::client::Client;
use super::value::Value;
use crate::base::time::SampleTime;
use crate::engine::NoteId;

/// Notes that are remembered at most; the oldest are forgotten first.
const REMEMBERED: usize = 65_536;

/// A client's own name of a note.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NoteName {
    /// A number.
    Number(i64),
    /// A word.
    Word(String),
    /// A key of a MIDI port: port, channel, key.
    Key(u64, u8, u8),
}

impl NoteName {
    /// A whole number or a word; a numeric word is that number, for those who send everything as text. `[control]`
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(x) => Some(Self::Number(*x)),
            Value::Number(x) if x.is_finite() && x.abs() < 1e15 && libm::floor(*x) == *x => Some(Self::Number(*x as i64)),
            Value::Text(text) => Some(text.parse().map_or_else(|_| Self::Word(text.clone()), Self::Number)),
            _ => None,
        }
    }
}

impl NoteName {
    /// As it is told. `[control]`
    pub fn value(&self) -> Value {
        match self {
            Self::Number(x) => Value::Integer(*x),
            Self::Word(word) => Value::Text(word.clone()),
            Self::Key(_, _, key) => Value::Integer((*key).into()),
        }
    }
}

/// A note by the name that its client gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Who started it.
    pub client: Client,
    /// In which slot.
    pub slot: u8,
    /// Its name there.
    pub name: NoteName,
}

/// What a note's pitch came from, for when the tuning changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Played {
    /// A key.
    Key {
        /// Its number, which may have a fraction.
        number: f32,
        /// What is added to its pitch [octaves].
        above: f32,
    },
    /// A pitch that no tuning moves.
    Pitch,
    /// A key that plays nothing: the note is remembered until it is let go, and never heard.
    Nothing,
}

/// A note that sounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Sounding {
    /// In which slot.
    pub slot: u8,
    /// Who started it.
    pub client: Client,
    /// What it is called there; `None` for one that ends by itself, or was let go.
    pub name: Option<NoteName>,
    /// Its first frame.
    pub start: SampleTime,
    /// Frames that it lives without being renewed; `None`: until it is let go.
    pub lease: Option<SampleTime>,
    /// What its pitch came from.
    pub played: Played,
}

/// A note of a MIDI key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyNote {
    /// The note.
    pub id: NoteId,
    /// In which slot.
    pub slot: u8,
    /// Channel, 1 to 16.
    pub channel: u8,
    /// Key.
    pub key: u8,
    /// It was not let go yet.
    pub held: bool,
}

/// All notes that sound.
#[derive(Default)]
pub struct Notes {
    next: u32,
    sounding: BTreeMap<NoteId, Sounding>,
    /// Those among them whose voice was taken or refused: their keys are still down.
    mute: HashSet<NoteId>,
    /// By slot, computer and name: the newest last. A client whose port changes from packet to packet still finds its notes.
    named: HashMap<(u8, u128, NoteName), Vec<(Client, NoteId)>>,
    /// What those were called that were let go and still sound.
    let_go: HashMap<NoteId, NoteName>,
    /// Ends of leases that may have been renewed since.
    leases: BTreeSet<(SampleTime, NoteId)>,
    /// When each of these leases was last renewed, or begun.
    renewed: HashMap<NoteId, SampleTime>,
}

impl Notes {
    /// A name that no note that sounds has. `[control]`
    pub fn fresh(&mut self) -> NoteId {
        loop {
            self.next = (self.next + 1) % NoteId::SCORE;
            if !self.sounding.contains_key(&NoteId(self.next)) {
                return NoteId(self.next);
            }
        }
    }

    /// A note starts. `[control]`
    pub fn start(&mut self, id: NoteId, note: Sounding) {
        if let Some(name) = &note.name {
            self.named.entry((note.slot, note.client.host, name.clone())).or_default().push((note.client, id));
        }
        if let Some(lease) = note.lease {
            self.leases.insert((note.start + lease, id));
            self.renewed.insert(id, note.start);
        }
        if note.played == Played::Nothing {
            self.mute.insert(id);
        }
        self.sounding.insert(id, note);
        if self.sounding.len() > REMEMBERED
            && let Some(oldest) = self.sounding.keys().next().copied()
        {
            self.ended(oldest);
        }
    }

    /// A note's name is free for another: it was let go. `[control]`
    pub fn release(&mut self, id: NoteId) {
        if let Some(note) = self.sounding.get_mut(&id)
            && let Some(name) = note.name.take()
        {
            let key = (note.slot, note.client.host, name);
            if let Some(same) = self.named.get_mut(&key) {
                same.retain(|(_, other)| *other != id);
                if same.is_empty() {
                    self.named.remove(&key);
                }
            }
            self.let_go.insert(id, key.2);
            if self.mute.contains(&id) {
                // That it is not heard was told when its voice was taken.
                self.ended(id);
            }
        }
    }

    /// The first frame of a note, past or to come. `[control]`
    pub fn start_of(&self, id: NoteId) -> Option<SampleTime> {
        self.sounding.get(&id).map(|note| note.start)
    }

    /// Who started a note, and in which slot it is. `[control]`
    pub fn of(&self, id: NoteId) -> Option<(Client, u8)> {
        self.sounding.get(&id).map(|note| (note.client, note.slot))
    }

    /// A lease begins anew. `[control]`
    pub fn renew(&mut self, id: NoteId, now: SampleTime) {
        if let Some(since) = self.renewed.get_mut(&id) {
            *since = now.max(*since);
        }
    }

    /// The next held note whose lease is over. `[control]`
    pub fn over(&mut self, now: SampleTime) -> Option<NoteId> {
        while let Some((end, id)) = self.leases.first().copied().filter(|(end, _)| *end <= now) {
            self.leases.remove(&(end, id));
            let held = self.sounding.get(&id).filter(|note| note.name.is_some()).and_then(|note| note.lease);
            let (Some(lease), Some(since)) = (held, self.renewed.get(&id).copied()) else {
                self.renewed.remove(&id);
                continue;
            };
            if since + lease > now {
                self.leases.insert((since + lease, id));
                continue;
            }
            self.renewed.remove(&id);
            return Some(id);
        }
        None
    }

    /// A note has no voice any more, though its key may be down: it is remembered until it is let go, since the engine goes on
    /// holding its key. What it is called. `[control]`
    pub fn stolen(&mut self, id: NoteId) -> Option<Named> {
        match self.sounding.get(&id) {
            Some(Sounding { name: Some(name), client, slot, .. }) => {
                self.mute.insert(id).then(|| Named { client: *client, slot: *slot, name: name.clone() })
            }
            _ => self.ended(id),
        }
    }

    /// A note is heard no more. What it was called, if it had a name and was not told of before. `[control]`
    pub fn ended(&mut self, id: NoteId) -> Option<Named> {
        let told = self.mute.remove(&id);
        self.renewed.remove(&id);
        self.release(id);
        let name = self.let_go.remove(&id);
        let note = self.sounding.remove(&id)?;
        name.filter(|_| !told).map(|name| Named { client: note.client, slot: note.slot, name })
    }

    /// The note that a client calls so: its own, else one of another port of the same computer. `[control]`
    pub fn find(&self, slot: u8, client: Client, name: &NoteName) -> Option<NoteId> {
        let same = self.named.get(&(slot, client.host, name.clone()))?;
        let own = same.iter().rev().find(|(other, _)| *other == client);
        own.or_else(|| same.iter().rev().find(|(other, _)| other.may_be(client))).map(|(_, id)| *id)
    }

    /// The notes of a port's keys, also those that were let go and still sound. `[control]`
    pub fn keys(&self, client: Client) -> impl Iterator<Item = KeyNote> {
        self.sounding.iter().filter(move |(_, note)| note.client == client).filter_map(|(id, note)| {
            let (name, held) = match &note.name {
                Some(name) => (name, true),
                None => (self.let_go.get(id)?, false),
            };
            let NoteName::Key(_, channel, key) = *name else { return None };
            Some(KeyNote { id: *id, slot: note.slot, channel, key, held })
        })
    }

    /// Every note that sounds. `[control]`
    pub fn iter(&self) -> impl Iterator<Item = (NoteId, &Sounding)> {
        self.sounding.iter().map(|(id, note)| (*id, note))
    }

    /// How many are remembered. `[control]`
    pub fn len(&self) -> usize {
        self.sounding.len()
    }

    /// Whether none is. `[control]`
    pub fn is_empty(&self) -> bool {
        self.sounding.is_empty()
    }
}
