//! By whose clock a client's time tags are read, and when its messages without a time act.
//!
//! Everything is counted on the engine's line of moments ([`crate::rt::clock::WallClock`]). A packet's arrival is told by the
//! computer's own clock; while that stands apart from the line, since somebody has set it, the engine's present stands in for it.

use std::collections::VecDeque;

use super::client::Client;
use super::control::Control;
use super::draft::Draft;
use super::value::{Message, Value, When};
use crate::base::time::SampleTime;

/// Who is read by its tags is heard this long after its first bundle has come [ns].
const LEAD: i64 = 50_000_000;
/// What a bundle that would be late gains beyond its lateness [ns].
const MARGIN: i64 = 20_000_000;
/// A clock that is off by no more than this is ours [ns].
const SMALL: i64 = 50_000_000;
/// A client whose first bundle is later than this has a clock that is wrong [ns].
const WRONG: i64 = 10_000_000_000;
/// What is off by more than this may be a mistake: the next one must say the same [ns].
const FAR: i64 = 1_000_000_000;
/// How long leads are watched before they are made smaller [ns].
const WATCH: i64 = 10_000_000_000;
/// Steps of the line beyond this are no drift: a clock was set, or time was lost [ns].
const JUMP: i64 = 100_000_000;
/// The arrival of a packet and the engine's present lie closer together than this, or a clock was set [ns].
const APART: i64 = 1_000_000_000;
/// Pings that count.
const PINGS: usize = 16;
/// How long one counts [ns].
const FRESH: i64 = 300_000_000_000;
/// The longest round trip that is believed [s].
const ROUND_TRIP: f64 = 2.0;

/// By whose clock a client's time tags are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// By ours; by the client's where its pings, or its first bundle, show that its clock is another.
    #[default]
    Auto,
    /// By ours.
    Own,
    /// By the client's, as its pings tell it.
    Ping,
    /// By the client's, as its time tags tell it.
    Tags,
}

impl Reading {
    /// All of them, in the order of their names.
    pub const ALL: [(&'static str, Self); 4] = [("own", Self::Own), ("ping", Self::Ping), ("tags", Self::Tags), ("auto", Self::Auto)];

    /// Out of its word. `[any]`
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, reading)| *reading)
    }
}

/// A client's clock beside the engine's line.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Ours less the client's [ns].
    offset: i64,
    /// Moment of sample 0 when it was last used [ns].
    zero: i64,
    /// How far ahead of its arrival the last bundle was [ns].
    lead: i64,
}

impl Line {
    /// Where the engine's line has jumped, the client's clock went with it, or stayed: whichever leaves its bundles as far ahead as
    /// they were.
    fn follow(&mut self, tag: i64, base: i64, zero: i64) {
        let jump = zero.saturating_sub(self.zero);
        self.zero = zero;
        if jump.saturating_abs() > JUMP {
            let lead = self.moment(tag).saturating_sub(base);
            let apart = |lead: i64| lead.saturating_sub(self.lead).saturating_abs();
            if apart(lead.saturating_add(jump)) < apart(lead) {
                self.offset = self.offset.saturating_add(jump);
            }
        }
    }

    /// The engine's moment of a time tag.
    fn moment(&self, tag: i64) -> i64 {
        tag.saturating_add(self.offset)
    }
}

/// A client as its tags tell its clock.
#[derive(Clone, Debug)]
struct Tags {
    line: Line,
    /// What late bundles have added [ns].
    added: i64,
    /// The offset of a bundle that was so late that it may be a mistake.
    odd: Option<i64>,
    /// When the present watch over leads began [ns].
    since: i64,
    /// The smallest lead in it [ns], and of how many.
    least: i64,
    count: u32,
    /// Bundles so far; only for one that is read so without having asked for it.
    unasked: Option<u32>,
}

impl Tags {
    /// As the first bundle tells it.
    fn new(tag: i64, base: i64, zero: i64, unasked: bool) -> Self {
        let offset = base.saturating_add(LEAD).saturating_sub(tag);
        let line = Line { offset, zero, lead: LEAD };
        Self { line, added: 0, odd: None, since: base, least: i64::MAX, count: 0, unasked: unasked.then_some(0) }
    }

    /// The moment of one more bundle.
    fn read(&mut self, tag: i64, base: i64, zero: i64) -> i64 {
        self.line.follow(tag, base, zero);
        if !(0..WATCH).contains(&base.saturating_sub(self.since)) {
            self.draw_back();
            self.watch(base);
        }
        let lead = self.line.moment(tag).saturating_sub(base);
        if lead < 0 {
            let odd = base.saturating_sub(tag);
            let confirmed = self.odd.take().is_some_and(|before| before.saturating_sub(odd).saturating_abs() < FAR);
            if lead < -FAR && !confirmed {
                self.odd = Some(odd);
                return self.line.moment(tag);
            }
            let more = MARGIN.saturating_sub(lead);
            self.line.offset = self.line.offset.saturating_add(more);
            self.added = self.added.saturating_add(more);
            self.line.lead = MARGIN;
            self.watch(base);
        } else {
            self.odd = None;
            self.line.lead = lead;
            self.least = self.least.min(lead);
            self.count += 1;
        }
        self.line.moment(tag)
    }

    /// Leads are watched from here on.
    fn watch(&mut self, base: i64) {
        (self.since, self.least, self.count) = (base, i64::MAX, 0);
    }

    /// Where all leads were far larger than needed: takes back what late bundles have added. More only where they were absurd, since
    /// a score may be ahead.
    fn draw_back(&mut self) {
        if self.count == 0 || self.least <= 2 * LEAD {
            return;
        }
        let spare = self.least - LEAD;
        let absurd = self.count >= 3 && self.least > WRONG;
        let back = if absurd { spare } else { spare.min(self.added) };
        self.line.offset = self.line.offset.saturating_sub(back);
        self.added = (self.added - back).max(0);
    }

    /// Whether the first bundle was a mistake, and this one, soon after it, is right by our clock.
    fn was_mistaken(&mut self, tag: i64, base: i64) -> bool {
        self.unasked.as_mut().is_some_and(|count| {
            *count += 1;
            *count <= 3 && (-FAR..2 * FAR).contains(&tag.saturating_sub(base))
        })
    }
}

/// When messages without a time act that are to keep their spacing.
#[derive(Clone, Copy, Debug, Default)]
struct Untagged {
    /// How far the engine works ahead of what is heard: that much later than asked for [ns].
    behind: i64,
    /// The last one's sample.
    last: Option<SampleTime>,
}

/// A ping that has told the client's time [ns].
#[derive(Clone, Copy, Debug)]
struct Ping {
    arrived: i64,
    /// Its arrival less when it left by the client's clock.
    apart: i64,
    /// Half of its round trip; 0 where that is not known.
    half: i64,
    /// Moment of sample 0.
    zero: i64,
}

/// What is known of a client's clock.
#[derive(Clone, Debug, Default)]
pub struct PeerClock {
    reading: Reading,
    pings: VecDeque<Ping>,
    /// The difference of a ping that is so far from the others that it may be a mistake.
    odd: Option<i64>,
    pinged: Option<Line>,
    /// Its pings show that its clock is not ours.
    off: bool,
    tags: Option<Tags>,
    /// It has sent a time tag.
    tagged: bool,
    untagged: Untagged,
}

impl PeerClock {
    /// One of which nothing is known yet. `[control]`
    pub fn new(reading: Reading) -> Self {
        Self { reading, ..Self::default() }
    }

    /// The client wants its tags read so; what they told before is forgotten. `[control]`
    pub fn set(&mut self, reading: Reading) {
        (self.reading, self.tags, self.tagged) = (reading, None, false);
    }

    /// A ping has arrived that left at a moment of the client's clock [ns]; half its round trip [ns].
    fn ping(&mut self, arrived: i64, sent: i64, half: i64, zero: i64) {
        let same_line = |ping: &Ping| zero.saturating_sub(ping.zero).saturating_abs() <= JUMP;
        self.pings.retain(|ping| same_line(ping) && (0..=FRESH).contains(&arrived.saturating_sub(ping.arrived)));
        let apart = arrived.saturating_sub(sent);
        let far = |other: i64| other.saturating_sub(apart).saturating_abs() > FAR;
        if self.pings.back().is_some_and(|ping| far(ping.apart)) {
            if self.odd.is_none_or(far) {
                self.odd = Some(apart);
                return;
            }
            self.pings.clear();
        }
        self.odd = None;
        if self.pings.len() >= PINGS {
            self.pings.pop_front();
        }
        self.pings.push_back(Ping { arrived, apart, half, zero });
        // The one that was on its way for the shortest time tells the most.
        let Some(quickest) = self.pings.iter().min_by_key(|ping| ping.apart) else { return };
        let offset = quickest.apart.saturating_sub(quickest.half);
        let lead = self.pinged.map_or(LEAD, |line| line.lead);
        self.pinged = Some(Line { offset, zero, lead });
        self.off = offset.saturating_abs() > if self.off { SMALL / 2 } else { SMALL };
    }

    /// The engine's moment of a time tag, and whether the client is from now on read by its tags without having asked for it.
    fn read(&mut self, tag: i64, base: i64, zero: i64) -> (i64, bool) {
        let first = !std::mem::replace(&mut self.tagged, true);
        match (self.reading, &mut self.pinged) {
            (Reading::Own, _) | (Reading::Ping, None) => (tag, false),
            (Reading::Auto, Some(_)) if !self.off => (tag, false),
            (Reading::Ping | Reading::Auto, Some(line)) => {
                line.follow(tag, base, zero);
                let moment = line.moment(tag);
                line.lead = moment.saturating_sub(base);
                (moment, false)
            }
            (Reading::Tags, _) => {
                let tags = self.tags.get_or_insert_with(|| Tags::new(tag, base, zero, false));
                (tags.read(tag, base, zero), false)
            }
            (Reading::Auto, None) => {
                if first && base.saturating_sub(tag) > WRONG {
                    let tags = self.tags.insert(Tags::new(tag, base, zero, true));
                    return (tags.read(tag, base, zero), true);
                }
                if self.tags.as_mut().is_some_and(|tags| tags.was_mistaken(tag, base)) {
                    self.tags = None;
                }
                (self.tags.as_mut().map_or(tag, |tags| tags.read(tag, base, zero)), false)
            }
        }
    }
}

impl Control {
    /// When a client's group acts: a time tag by the client's clock, messages without one after its `jitter`.
    pub(super) fn by_its_clock(&mut self, draft: &mut Draft, at: When, address: &str) -> When {
        match at {
            When::At(_) => at,
            When::Now => self.after_jitter(draft.client).map_or(at, When::At),
            When::Wall(tag) => {
                let Some((zero, present)) = self.clock.unix_nanos_of(0).zip(self.clock.unix_nanos_of(self.shown.now())) else { return at };
                let base = self.arrival().max(present);
                let (moment, told) = self.peers.at(draft.client, &self.subscribers).clock.read(tag, base, zero);
                if told {
                    let late = base.saturating_sub(tag) as f64 * 1e-6;
                    draft.replies.push(Message::new("/late", vec![address.into(), late.into(), "mapped".into()]));
                }
                When::Wall(moment)
            }
        }
    }

    /// The sample on which messages act that have no time and are to keep their spacing; `None` for the next block.
    fn after_jitter(&mut self, client: Client) -> Option<SampleTime> {
        let jitter = self.peers.get(client).jitter;
        if jitter == 0 {
            return None;
        }
        let now = self.shown.now();
        let (arrived, present, second) = (self.arrival(), self.clock.unix_nanos_of(now), self.frames(1.0));
        let untagged = &mut self.peers.at(client, &self.subscribers).clock.untagged;
        let at = match present {
            Some(present) => {
                if untagged.last.is_none_or(|last| now > last + second) {
                    untagged.behind = present.saturating_sub(arrived).max(0);
                }
                let due = arrived.saturating_add(jitter + untagged.behind);
                let late = present.saturating_sub(due).max(0);
                untagged.behind += late;
                self.clock.sample_at(due + late).map_or(now, |at| at.max(0) as SampleTime)
            }
            // No device has ever played: the engine's present is all that there is.
            None => now + (i128::from(jitter) * i128::from(second) / 1_000_000_000) as SampleTime,
        };
        let at = at.max(now).max(untagged.last.unwrap_or(0));
        untagged.last = Some(at);
        Some(at)
    }

    /// A client's ping: when it left by the client's clock [ns], and its round trip [s] where the client has measured one. Gives the
    /// moment of its arrival. `[control]`
    pub(super) fn pinged(&mut self, client: Client, sent: i64, round_trip: Option<f64>) -> i64 {
        let arrived = self.arrival();
        if let Some(zero) = self.clock.unix_nanos_of(0)
            // While our clock stands apart from the engine's line, the ping tells nothing.
            && arrived == self.arrived
        {
            let half = round_trip.filter(|x| (0.0..=ROUND_TRIP).contains(x)).map_or(0, |x| (x * 0.5e9) as i64);
            self.peers.at(client, &self.subscribers).clock.ping(arrived, sent, half, zero);
        }
        arrived
    }

    /// When the present packet arrived, on the engine's line [ns since 1970].
    fn arrival(&self) -> i64 {
        let present = self.clock.unix_nanos_of(self.shown.now());
        present.filter(|present| present.saturating_sub(self.arrived).saturating_abs() > APART).unwrap_or(self.arrived)
    }

    /// Tells a client its own time beside ours, where it has asked for it by a time tag. `[control]`
    pub(super) fn answer_ping(&mut self, client: Client, values: &[Value]) -> Vec<Value> {
        let mut told = values.to_vec();
        if let Some(Value::Time(sent)) = values.first() {
            told.push(Value::Time(self.pinged(client, *sent, values.get(1).and_then(Value::number))));
        }
        told
    }
}
