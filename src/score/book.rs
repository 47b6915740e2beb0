//! The notes of a score, in beats: each by its name, all in their order, open to change while they are played.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use rustc_hash::FxHashMap;

use crate::control::Value;
use crate::control::note_keys::Tone;

/// Notes that a score has at most.
pub const MOST: usize = 4_000_000;
/// The farthest beat, as far as the beat clock goes.
pub const FARTHEST: f64 = 1e6;
/// Lengths of notes [beats].
pub const LENGTHS: (f64, f64) = (1e-6, 1e6);

/// What a note is called by who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// A number.
    Number(i64),
    /// A word.
    Word(Box<str>),
}

impl Id {
    /// A whole number or a word; a numeric word is that number. `[control]`
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(x) => Some(Self::Number(*x)),
            Value::Number(x) if x.is_finite() && x.abs() < 1e15 && libm::floor(*x) == *x => Some(Self::Number(*x as i64)),
            Value::Text(text) => Some(text.parse().map_or_else(|_| Self::Word(text.as_str().into()), Self::Number)),
            _ => None,
        }
    }

    /// As it is told. `[control]`
    pub fn value(&self) -> Value {
        match self {
            Self::Number(x) => Value::Integer(*x),
            Self::Word(word) => Value::Text(word.to_string()),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(x) => write!(f, "{x}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// A note.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its name.
    pub id: Id,
    /// Where it begins, from 0.
    pub beat: f64,
    /// For how long [beats].
    pub length: f64,
    /// What it plays.
    pub tone: Tone,
    /// 0..1.
    pub velocity: f32,
    /// Its slot, by its number in the book.
    pub slot: u16,
    /// Of notes of one beat, the lower begins first.
    pub order: u32,
    /// Values of its own: inputs or controls of its patch, and what they are.
    pub values: Vec<(Box<str>, Value)>,
}

/// Where a note stands among all: its beat, as bits that count as beats do, and its order.
pub type Key = (u64, u32);

/// The first key of a beat. `[any]`
pub fn key(beat: f64) -> Key {
    (if beat > 0.0 { beat.to_bits() } else { 0 }, 0)
}

impl Item {
    /// Where it stands. `[any]`
    pub fn key(&self) -> Key {
        (key(self.beat).0, self.order)
    }

    /// Where it ends [beats]. `[any]`
    pub fn end(&self) -> f64 {
        self.beat + self.length
    }
}

/// The book is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a score has at most {MOST} notes")]
pub struct Full;

/// All notes.
#[derive(Clone, Debug, Default)]
pub struct Book {
    items: Vec<Option<Item>>,
    free: Vec<u32>,
    of: FxHashMap<Id, u32>,
    order: BTreeMap<Key, u32>,
    slots: Vec<Box<str>>,
    next: u32,
    /// Where the last one ends, while that is known.
    end: Cell<Option<f64>>,
}

impl Book {
    /// Notes in it. `[any]`
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there is none. `[any]`
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Where the last note ends [beats]; takes time in proportion to the notes after that one was taken out or moved. `[control]`
    pub fn end(&self) -> f64 {
        let end = self.end.get().unwrap_or_else(|| self.items.iter().flatten().map(Item::end).fold(0.0, f64::max));
        self.end.set(Some(end));
        end
    }

    /// A note that ends there is another or gone.
    fn leaves(&self, end: f64) {
        self.end.set(self.end.get().filter(|last| end < *last));
    }

    /// A note that ends there has come.
    fn comes(&self, end: f64) {
        self.end.set(self.end.get().map(|last| last.max(end)));
    }

    /// The number of a slot's name; a name that is new gets one. `[control]`
    pub fn slot(&mut self, name: &str) -> u16 {
        let at = self.slots.iter().position(|slot| **slot == *name).unwrap_or_else(|| {
            self.slots.push(name.into());
            self.slots.len() - 1
        });
        at.min(usize::from(u16::MAX)) as u16
    }

    /// A slot's name. `[any]`
    pub fn slot_name(&self, slot: u16) -> &str {
        self.slots.get(usize::from(slot)).map_or("", |name| name)
    }

    /// The names of its slots. `[any]`
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|slot| &**slot)
    }

    /// The place of a note by its name. `[any]`
    pub fn find(&self, id: &Id) -> Option<u32> {
        self.of.get(id).copied()
    }

    /// A note by its place. `[any]`
    pub fn item(&self, at: u32) -> Option<&Item> {
        self.items.get(at as usize)?.as_ref()
    }

    /// Notes at so many places from this one on, and whether there are more behind: whoever looks at all of them so, slice by slice, sees
    /// each that stays exactly once, whatever is changed meanwhile. `[any]`
    pub fn slice(&self, from: usize, count: usize) -> (impl Iterator<Item = &Item>, bool) {
        let to = self.items.len().min(from + count);
        (self.items[from.min(to)..to].iter().flatten(), to < self.items.len())
    }

    /// The notes from a key on, before another. `[any]`
    pub fn range(&self, from: Key, to: Key) -> impl Iterator<Item = (Key, u32)> + '_ {
        // A range that goes backward is none.
        self.order.range(from..to.max(from)).map(|(key, at)| (*key, *at))
    }

    /// Puts a note in, or in the place of the one of its name; it keeps that one's order. Its place.
    ///
    /// # Errors
    /// [`Full`]. `[control]`
    pub fn put(&mut self, item: Item) -> Result<u32, Full> {
        let at = match self.find(&item.id) {
            Some(at) => at,
            None if self.of.len() >= MOST => return Err(Full),
            None => {
                let at = self.free.pop().unwrap_or(self.items.len() as u32);
                if at as usize == self.items.len() {
                    self.items.push(None);
                }
                self.of.insert(item.id.clone(), at);
                at
            }
        };
        let order = match self.items[at as usize].take() {
            Some(before) => {
                self.leaves(before.end());
                self.order.remove(&before.key());
                before.order
            }
            None => {
                self.next = self.next.wrapping_add(1);
                self.next
            }
        };
        let item = Item { order, ..item };
        self.comes(item.end());
        self.order.insert(item.key(), at);
        self.items[at as usize] = Some(item);
        Ok(at)
    }

    /// Changes a note in its place; its beat may be another. `[control]`
    pub fn change(&mut self, at: u32, change: impl FnOnce(&mut Item)) {
        let Some(item) = self.items.get_mut(at as usize).and_then(Option::as_mut) else { return };
        self.order.remove(&item.key());
        let before = item.end();
        change(item);
        self.order.insert(item.key(), at);
        let after = item.end();
        self.leaves(before);
        self.comes(after);
    }

    /// Takes a note out. `[control]`
    pub fn remove(&mut self, at: u32) -> Option<Item> {
        let item = self.items.get_mut(at as usize)?.take()?;
        self.of.remove(&item.id);
        self.order.remove(&item.key());
        self.leaves(item.end());
        self.free.push(at);
        Some(item)
    }

    /// A book of many notes at once, in their order; of one name the last stays.
    ///
    /// # Errors
    /// [`Full`]. `[control]`
    pub fn of_items(slots: Vec<Box<str>>, items: impl IntoIterator<Item = Item>) -> Result<Self, Full> {
        let mut book = Self { slots, ..Self::default() };
        for mut item in items {
            if book.items.len() >= MOST {
                return Err(Full);
            }
            book.next += 1;
            item.order = book.next;
            if let Some(before) = book.of.insert(item.id.clone(), book.items.len() as u32) {
                book.items[before as usize] = None;
                book.free.push(before);
            }
            book.items.push(Some(item));
        }
        let mut keys: Vec<(Key, u32)> =
            book.items.iter().enumerate().filter_map(|(at, item)| Some((item.as_ref()?.key(), at as u32))).collect();
        keys.sort_unstable();
        // From what is sorted, the tree is made in one go.
        book.order = keys.into_iter().collect();
        book.end();
        Ok(book)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: i64, beat: f64) -> Item {
        Item { id: Id::Number(id), beat, length: 1.0, tone: Tone::Key(60.0), velocity: 1.0, slot: 0, order: 0, values: Vec::new() }
    }

    fn ids(book: &Book, from: f64, to: f64) -> Vec<String> {
        book.range(key(from), key(to)).map(|(_, at)| book.item(at).unwrap().id.to_string()).collect()
    }

    #[test]
    fn notes_stand_by_beat_and_keep_their_order_when_they_are_changed() {
        let mut book = Book::default();
        for (id, beat) in [(1, 4.0), (2, 0.0), (3, 4.0), (4, 2.5)] {
            book.put(item(id, beat)).unwrap();
        }
        assert_eq!(ids(&book, 0.0, 9.0), ["2", "4", "1", "3"]);
        assert_eq!(ids(&book, 2.5, 4.0), ["4"]);
        book.put(Item { velocity: 0.5, ..item(1, 4.0) }).unwrap();
        assert_eq!(ids(&book, 4.0, 9.0), ["1", "3"], "what is put in its place begins where it began");
        let at = book.find(&Id::Number(3)).unwrap();
        book.change(at, |item| item.beat = 1.0);
        book.remove(book.find(&Id::Number(2)).unwrap());
        assert_eq!(ids(&book, 0.0, 9.0), ["3", "4", "1"]);
        assert_eq!((book.len(), book.end()), (3, 5.0));
        let last = book.find(&Id::Number(1)).unwrap();
        book.change(last, |item| item.beat = 2.0);
        assert_eq!(book.end(), 3.5, "the last is another");
        book.put(item(9, 6.0)).unwrap();
        book.change(last, |item| item.length = 9.0);
        assert_eq!(book.end(), 11.0);
        book.remove(last);
        assert_eq!(book.end(), 7.0);
    }

    #[test]
    fn many_at_once_are_as_one_after_another() {
        let all: Vec<Item> = (0..500).map(|n| item(n % 400, f64::from((n * 37 % 64) as i32) / 4.0)).collect();
        let mut one = Book::default();
        for item in &all {
            if let Some(at) = one.find(&item.id) {
                one.remove(at);
            }
            one.put(item.clone()).unwrap();
        }
        let many = Book::of_items(Vec::new(), all).unwrap();
        assert_eq!(ids(&many, 0.0, 1e6), ids(&one, 0.0, 1e6));
        assert_eq!(many.len(), 400);
    }
}
