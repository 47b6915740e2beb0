//! What a score is played from: its book, who feeds it, and what was changed since it was last fed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use super::book::Book;
use super::feeder::{Feeder, Sheet};
use super::tempo_map::TempoMap;
use crate::control::Control;

/// The stand. Whoever has both locks Control first.
pub struct Stand {
    /// The notes.
    pub book: Book,
    /// Their tempo and metre.
    pub map: TempoMap,
    /// Those lead.
    pub leads: bool,
    /// Counts the books that were opened.
    pub edition: u64,
    /// Who feeds them to the engine.
    pub feeder: Feeder,
    /// A note that is added or moved sounds at once.
    pub audition: bool,
    /// Places of notes that were changed since they were last fed.
    changed: Vec<u32>,
    /// Books that are no more: freed by who has time for it.
    old: Vec<Book>,
    bell: Option<Thread>,
}

impl Stand {
    /// An empty stand before this engine, its verbs in Control's table; `None` where there is one already. `[control]`
    pub fn set_up(control: &mut Control) -> Option<Arc<Mutex<Self>>> {
        let feeder = Feeder::new(control.take_lane()?);
        let stand = Self {
            book: Book::default(),
            map: TempoMap::default(),
            leads: true,
            edition: 0,
            feeder,
            audition: false,
            changed: Vec::new(),
            old: Vec::new(),
            bell: None,
        };
        let stand = Arc::new(Mutex::new(stand));
        super::verbs::hand_over(control, &stand);
        let jumps = Arc::clone(&stand);
        control.prepare_jumps(move |control, place, beat| {
            let stand = &mut *lock(&jumps);
            stand.feed(control);
            let (feeder, sheet) = stand.parts(control);
            feeder.prepare(control, sheet, place, beat);
        });
        Some(stand)
    }

    /// Feeds what has become near and what has changed. `[control]`
    pub fn feed(&mut self, control: &Control) {
        self.changed.sort_unstable();
        self.changed.dedup();
        let changed = std::mem::take(&mut self.changed);
        let (feeder, sheet) = self.parts(control);
        feeder.feed(control, sheet, &changed);
    }

    /// Who feeds, and what: the tempo of the score where it has one that changes, and nobody else leads.
    fn parts(&mut self, control: &Control) -> (&mut Feeder, Sheet<'_>) {
        let leads = self.leads && self.map.leads() && !control.follows_midi_clock();
        (&mut self.feeder, Sheet { book: &self.book, map: leads.then_some(&self.map) })
    }

    /// The note at this place was changed: it is fed when all of its packet is done. `[control]`
    pub fn touch(&mut self, at: u32) {
        self.changed.push(at);
        self.ring();
    }

    /// Another book takes the place of the one before, from where the clock is, in its tempo and metre. `[control]`
    pub fn open(&mut self, control: &mut Control, book: Book, map: TempoMap) {
        self.feeder.empty();
        self.changed.clear();
        control.follow_metres(map.bars());
        self.old.push(std::mem::replace(&mut self.book, book));
        self.map = map;
        self.edition += 1;
        self.ring();
    }

    /// Who is woken when something is to be done.
    pub(super) fn wake(&mut self, thread: Thread) {
        self.bell = Some(thread);
    }

    /// Wakes whoever feeds.
    pub(super) fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.unpark();
        }
    }

    /// The books that are no more, to be dropped without a lock. `[control]`
    pub fn take_old(&mut self) -> Vec<Book> {
        std::mem::take(&mut self.old)
    }
}

/// Locked for as short as can be; what failed while it was locked has left it whole. `[control]`
pub fn lock(stand: &Mutex<Stand>) -> MutexGuard<'_, Stand> {
    stand.lock().unwrap_or_else(PoisonError::into_inner)
}
