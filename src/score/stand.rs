//! What a score is played from: its book, who feeds it, and what was changed since it was last fed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use super::book::Book;
use super::feeder::{Feeder, Sheet};
use super::file;
use super::tempo_map::TempoMap;
use super::written::Written;
use crate::control::{Client, Code, Control, Fail, Message};

/// What has come of something that was done elsewhere.
pub(super) struct News {
    /// What is played from now on.
    pub written: Option<Written>,
    /// What there is to say of it.
    pub remarks: Vec<String>,
    /// What is answered.
    pub answer: Message,
}

impl News {
    /// An answer, and no more.
    pub(super) fn told(answer: Message) -> Self {
        Self { written: None, remarks: Vec::new(), answer }
    }

    /// It failed.
    pub(super) fn failed(fail: Fail) -> Self {
        Self::told(fail.message())
    }
}

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
    /// What was done elsewhere, and for whom.
    news: Vec<(Client, News)>,
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
            news: Vec::new(),
            old: Vec::new(),
            bell: None,
        };
        let stand = Arc::new(Mutex::new(stand));
        super::verbs::hand_over(control, &stand);
        super::shelf::hand_over(control, &stand);
        let jumps = Arc::clone(&stand);
        control.prepare_jumps(move |control, jump| {
            let stand = &mut *lock(&jumps);
            stand.feed(control);
            let (feeder, sheet) = stand.parts(control);
            if let Some((place, beat)) = jump {
                feeder.prepare(control, sheet, place, beat);
            }
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

    /// Something was done elsewhere.
    pub(super) fn hear(&mut self, client: Client, news: News) {
        self.news.push((client, news));
        self.ring();
    }

    /// What was done elsewhere is played and answered; then what has become near is fed. `[control]`
    pub fn look(stand: &Mutex<Self>, control: &mut Control) {
        let all = std::mem::take(&mut lock(stand).news);
        for (client, News { written, mut remarks, answer }) in all {
            if let Some(written) = written {
                remarks.extend(file::open(control, stand, written));
            }
            for remark in remarks {
                control.answer_later(client, Fail::new("/score/load", Code::File, remark).message());
            }
            control.answer_later(client, answer);
        }
        lock(stand).feed(control);
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
