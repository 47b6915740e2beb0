//! [`Control`]: the one owner of state off the audio thread.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use super::address_tree::AddressTree;
use super::ahead::Ahead;
use super::bound::Maps;
use super::client::{Client, Origin};
use super::counts::Counts;
use super::dump::Dumps;
use super::fail::Fail;
use super::feed_line::FeedLine;
use super::flight::Flight;
use super::glides::Glides;
use super::keyboard::Keyboard;
use super::later::Later;
use super::logbook::Logbook;
use super::midi_clock::MidiClock;
use super::mixer::Mixing;
use super::notes::Notes;
use super::peers::{Peer, Peers};
use super::quick::Quick;
use super::rack::Standing;
use super::reload::Pending;
use super::score_notes::Played;
use super::slot::{Slot, Strip};
use super::subscribe::Subscribers;
use super::transport::{Motion, Transport};
use super::tuning::Tunings;
use super::value::Message;
use super::verbs::{Call, ElsewhereBody, Given};
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;
use crate::engine::doors::{Doors, Feed, Shown};
use crate::engine::recording::RecordDoor;
use crate::engine::{Act, Event, PlanDoor, Report};
use crate::module::Catalogue;
use crate::plan;
use crate::rt::clock::WallClock;
use crate::rt::flows::Flows;

/// What Control is made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// What plans are compiled for.
    pub plan: plan::Options,
    /// Folders out of which messages may load files.
    pub folders: Vec<PathBuf>,
    /// Whether the beat clock runs from the start.
    pub running: bool,
    /// How OSC clients are treated that say nothing of themselves.
    pub peer: Peer,
}

/// Names and numbers that another part of the daemon counts.
type MoreCounts = Box<dyn Fn() -> Vec<(&'static str, u64)> + Send>;

/// A rack as it is known off the audio thread: patches, present values, notes, clients' requests. Daemon keeps it behind one lock
/// that the audio thread never sees.
pub struct Control {
    pub(super) catalogue: Catalogue,
    pub(super) options: Options,
    /// By number; one that was unloaded is vacant until its number is used again.
    pub(super) slots: Vec<Slot>,
    pub(super) names: HashMap<String, usize>,
    /// The rack that was loaded last.
    pub(super) standing: Standing,
    /// What controllers and mapped addresses turn.
    pub(super) maps: Maps,
    /// Mapped OSC addresses: numbers of maps, the first to act first.
    pub(super) bound: HashMap<String, Vec<usize>>,
    /// Numbers on their way.
    pub(super) glides: Glides,
    /// The same part by part.
    pub(super) bound_tree: AddressTree<()>,
    pub(super) master: Strip,
    pub(super) limiter: bool,
    pub(super) tempo: f64,
    pub(super) tunings: Tunings,
    pub(super) transport: Transport,
    pub(super) peers: Peers,
    pub(super) subscribers: Subscribers,
    pub(super) dumps: Dumps,
    pub(super) quick: Quick,
    /// Each tells how many packets were lost before one of the doors.
    pub(super) lost: Vec<Box<dyn Fn() -> u64 + Send>>,
    /// What other parts of the daemon count, by group.
    pub(super) more_counts: Vec<(&'static str, MoreCounts)>,
    pub(super) notes: Notes,
    pub(super) keyboard: Keyboard,
    pub(super) midi_clock: MidiClock,
    /// Ends of keys that were heard no more since they were last asked for, where anyone asks.
    pub(super) note_ends: Option<Vec<MidiMessage>>,
    pub(super) lines: Vec<FeedLine>,
    spare: Vec<Feed>,
    pub(super) score: Played,
    pub(super) ahead: Ahead,
    pub(super) later: Later,
    pub(super) door: PlanDoor,
    /// The new plan that is on its way.
    pub(super) flying: Option<Flight>,
    /// Where slots' sound goes, on its way.
    pub(super) mixing: Mixing,
    pub(super) pending: VecDeque<Pending>,
    /// Since when a plan waits to begin its way.
    pub(super) pending_since: Option<SampleTime>,
    pub(super) reports: rtrb::Consumer<Report>,
    pub(super) shown: Arc<Shown>,
    pub(super) clock: WallClock,
    /// When the present packet arrived since 1970 [ns].
    pub(super) arrived: i64,
    pub(super) syncs: HashMap<u32, (Client, Message)>,
    pub(super) next_sync: u32,
    pub(super) counts: Counts,
    pub(super) outbox: Vec<(Client, Message)>,
    pub(super) given: Vec<Given>,
    /// Bodies of verbs of the table that stand elsewhere, by their address; away while one runs.
    pub(super) bodies: HashMap<&'static str, ElsewhereBody>,
    record_door: Option<RecordDoor>,
    pub(super) quit: bool,
    pub(super) logbook: Option<Logbook>,
    /// Sound from outside and to outside, by name.
    pub(super) flows: Flows,
    pub(super) notices: Vec<String>,
    /// Nearest addresses looked for since the last tick.
    pub(super) searched: Cell<u32>,
}

impl Control {
    /// Without slots. The feeds from [`Origin::ALL`] on are left for [`Self::take_feed`]. `[control]`
    pub fn new(catalogue: Catalogue, doors: Doors, door: PlanDoor, options: Options) -> Self {
        let mut feeds: Vec<Feed> = doors.feeds;
        let spare = feeds.split_off(Origin::ALL.len().min(feeds.len()));
        let mut control = Self {
            catalogue,
            slots: Vec::new(),
            names: HashMap::new(),
            maps: Maps::default(),
            standing: Standing::default(),
            bound: HashMap::new(),
            glides: Glides::default(),
            bound_tree: AddressTree::default(),
            master: Strip::default(),
            limiter: true,
            tempo: options.plan.tempo,
            flows: Flows::default(),
            tunings: Tunings::default(),
            transport: Transport { motion: if options.running { Motion::Playing } else { Motion::Stopped }, ..Transport::default() },
            peers: Peers::new(options.peer.clone()),
            subscribers: Subscribers::default(),
            dumps: Dumps::default(),
            quick: Quick::default(),
            lost: Vec::new(),
            more_counts: Vec::new(),
            notes: Notes::default(),
            keyboard: Keyboard::default(),
            midi_clock: MidiClock::default(),
            note_ends: None,
            lines: feeds.into_iter().map(FeedLine::new).collect(),
            spare,
            score: Played::new(doors.score),
            ahead: Ahead::default(),
            later: Later::default(),
            door,
            flying: None,
            mixing: Mixing::default(),
            pending: VecDeque::new(),
            pending_since: None,
            reports: doors.reports,
            shown: doors.shown,
            clock: WallClock::new(options.plan.rate as u32),
            arrived: 0,
            syncs: HashMap::new(),
            next_sync: 0,
            counts: Counts::default(),
            outbox: Vec::new(),
            given: Vec::new(),
            bodies: HashMap::new(),
            record_door: Some(doors.record),
            quit: false,
            logbook: None,
            notices: Vec::new(),
            searched: Cell::new(0),
            options,
        };
        if control.transport.motion == Motion::Stopped {
            // Before the first frame: it stands at beat 0.
            control.counts.events += 1;
            let _ = control.feed(Origin::Rackd, &[Event { at: 0, act: Act::Run(false) }], &[]);
        }
        control
    }

    /// A feed that no origin uses, for a producer of its own. `[control]`
    pub fn take_feed(&mut self) -> Option<Feed> {
        self.spare.pop()
    }

    /// The wall clock that time tags are read by; the host anchors it. `[control]`
    pub fn clock(&self) -> &WallClock {
        &self.clock
    }

    /// What the engine shows of itself. `[control]`
    pub fn shown(&self) -> &Arc<Shown> {
        &self.shown
    }

    /// Everything counted so far. `[control]`
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The same, for who counts packets. `[control]`
    pub fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Adds counts of another part of the daemon to what `/engine/status` answers, as `group/name`; what is 0 is left out. `[control]`
    pub fn add_counts(&mut self, group: &'static str, counts: impl Fn() -> Vec<(&'static str, u64)> + Send + 'static) {
        self.more_counts.push((group, Box::new(counts)));
    }

    /// Adds a door before which packets may be lost, and how many were. `[control]`
    pub fn lost_at(&mut self, lost: impl Fn() -> u64 + Send + 'static) {
        self.lost.push(Box::new(lost));
    }

    /// The slots, by their numbers; see [`Slot::is_vacant`]. `[control]`
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Notes that sound or are held. `[control]`
    pub fn notes_sounding(&self) -> usize {
        self.notes.len()
    }

    /// Beats a minute. `[control]`
    pub fn tempo(&self) -> f64 {
        self.tempo
    }

    /// Somebody asked for the end. `[control]`
    pub fn quit_asked(&self) -> bool {
        self.quit
    }

    /// What there is to tell whoever looks at the screen since this was last asked. `[control]`
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// From now on the ends of keys are kept for [`Self::take_note_ends`], or not. `[control]`
    pub fn send_note_ends(&mut self, on: bool) {
        self.note_ends = on.then(Vec::new);
    }

    /// Note-offs of the keys whose sound has ended since this was last asked, by the channel and key that started it. `[control]`
    pub fn take_note_ends(&mut self) -> Vec<MidiMessage> {
        self.note_ends.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Adds a verb whose body belongs to another part of the daemon. `[control]`
    pub fn hand_over(
        &mut self,
        address: &str,
        arguments: &'static str,
        does: &'static str,
        mut body: impl FnMut(Call<'_>) -> Result<Vec<Message>, Fail> + Send + 'static,
    ) {
        self.hand_over_with(address, arguments, does, move |_, call| body(call));
    }

    /// The same, where the body looks at Control or speaks to it. `[control]`
    pub fn hand_over_with(
        &mut self,
        address: &str,
        arguments: &'static str,
        does: &'static str,
        body: impl FnMut(&mut Self, Call<'_>) -> Result<Vec<Message>, Fail> + Send + 'static,
    ) {
        self.quick.forget();
        self.given.push(Given { address: address.to_owned(), arguments, does, body: Some(Box::new(body)) });
    }

    /// The patches that come from now on have this sound from outside and to outside. `[control]`
    pub fn set_flows(&mut self, flows: Flows) {
        self.flows = flows;
    }

    /// Gives a verb of the table its body, which stands elsewhere. `[control]`
    pub fn hand_body_over(
        &mut self,
        address: &'static str,
        body: impl FnMut(&mut Self, Call<'_>) -> Result<Vec<Message>, Fail> + Send + 'static,
    ) {
        self.bodies.insert(address, Box::new(body));
    }

    /// The door by which recordings go into the engine and come back; there is one who has it. `[control]`
    pub fn take_record_door(&mut self) -> Option<RecordDoor> {
        self.record_door.take()
    }

    /// The verbs that were handed over. `[control]`
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// Frames a second [Hz].
    pub(super) fn rate(&self) -> f64 {
        f64::from(self.options.plan.rate)
    }

    /// So many seconds in frames.
    pub(super) fn frames(&self, seconds: f64) -> SampleTime {
        libm::round(seconds.max(0.0) * self.rate()) as SampleTime
    }
}
