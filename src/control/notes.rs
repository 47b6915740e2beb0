//! Which notes sound, and what those who started them call them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::client::Client;
use super::value::Value;
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

/// A note that sounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Sounding {
    /// In which slot.
    pub slot: u8,
    /// Who started it.
    pub client: Client,
    /// What it is called there; `None` for one that ends by itself, or was let go.
    pub name: Option<NoteName>,
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
}

impl Notes {
    /// A name that no note that sounds has. `[control]`
    pub fn fresh(&mut self) -> NoteId {
        loop {
            self.next = self.next.wrapping_add(1);
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
            if self.mute.contains(&id) {
                self.ended(id);
            }
        }
    }

    /// A note has no voice any more, though its key may be down: it is remembered until it is let go, since the engine goes on
    /// holding its key. `[control]`
    pub fn stolen(&mut self, id: NoteId) {
        match self.sounding.get(&id) {
            Some(Sounding { name: Some(_), .. }) => {
                self.mute.insert(id);
            }
            _ => self.ended(id),
        }
    }

    /// A note is heard no more. `[control]`
    pub fn ended(&mut self, id: NoteId) {
        self.mute.remove(&id);
        self.release(id);
        self.sounding.remove(&id);
    }

    /// The note that a client calls so: its own, else one of another port of the same computer. `[control]`
    pub fn find(&self, slot: u8, client: Client, name: &NoteName) -> Option<NoteId> {
        let same = self.named.get(&(slot, client.host, name.clone()))?;
        let own = same.iter().rev().find(|(other, _)| *other == client);
        own.or_else(|| same.iter().rev().find(|(other, _)| other.origin == client.origin)).map(|(_, id)| *id)
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
