//! A clock from outside leads the beat clock: the ticks of a MIDI clock, its start, stop and places in the song; or the beats that somebody
//! tells over OSC (`osc_clock.rs`).
//!
//! A tick stands at the sample at which a note that came with it would act. So a sequencer's notes and its clock stay together, and a
//! start loses no pulse: the tick after it is beat 0, in the very frame. From then on the beat clock is steered by small changes of its
//! tempo, so that no pulse comes twice or never.

use std::collections::BTreeMap;

use super::client::Client;
use super::control::Control;
use super::draft::{Draft, Step};
use super::fail::{Code, Fail};
use super::feed_line::Merge;
use super::midi_follow::Follow;
use super::transport::Motion;
use super::value::{Message, Value, When};
use super::verbs::Call;
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;
use crate::engine::{Act, Event};

/// Ticks of a beat.
const TICKS: f64 = 24.0;
/// Ticks of a sixteenth, which is what places in the song are counted in.
const SIXTEENTH: i64 = 6;
/// So often the beat clock is steered [beats].
const STEER: f64 = 0.25;
/// How long it takes to come to the clock [s].
const REACH: f64 = 0.5;
/// By how much its tempo differs meanwhile at most.
const SLEW: f64 = 0.1;
/// What is farther off than this jumps [beats].
const FAR: f64 = 0.5;
/// Silence after which the clock is gone [s]: the slowest, 20 beats a minute, ticks every eighth of a second. Where ticks are rarer, that of
/// three of them.
const GONE: f64 = 1.0;
/// What is reckoned with until the tempo is known [beats a minute].
const SLOWEST: f64 = 20.0;
/// Least difference of tempo that is told [beats a minute].
const TOLD: f64 = 0.02;

/// Who is to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A MIDI port with this in its name, `""` for whichever ticks first.
    Port(String),
    /// Whoever tells beats by `/clock` first.
    Osc,
    /// The session of Ableton Link.
    Link,
}

/// Who leads, and how far it has come.
#[derive(Default)]
pub(super) struct MidiClock {
    /// `None`: the beat clock is its own.
    pub(super) wanted: Option<Wanted>,
    /// There is somebody who knows Ableton Link, and the tempo that it is to be asked for.
    pub(super) has_link: bool,
    pub(super) asked: Option<f64>,
    /// Ports that are open, by number.
    names: BTreeMap<u64, String>,
    pub(super) lead: Option<Lead>,
    /// By how much the engine is ahead of what is heard, at most [frames].
    ahead: i64,
}

/// Who leads.
pub(super) struct Lead {
    pub from: Client,
    pub follow: Follow,
    /// Beats from tick to tick.
    pub step: f64,
    /// The beat of place 0.
    pub base: f64,
    /// When its last tick came, and the beat that was told with it.
    pub last: SampleTime,
    pub told: Option<f64>,
    /// The tick that is place 0.
    zero: Option<i64>,
    /// The place in the song of the tick that starts it, once it was told to start [ticks].
    pub armed: Option<i64>,
    /// The place of the next tick, while it stands [ticks].
    place: i64,
    running: bool,
    /// When it started: before that, the beat clock's line is of another song.
    start: SampleTime,
}

impl Lead {
    /// One without a tick yet, from a time on, with so many beats from one to the next, at so many samples a second.
    pub fn new(from: Client, last: SampleTime, step: f64, rate: f64) -> Self {
        // Ticks of a MIDI clock come close together, and their jitter is large beside that.
        let follow = Follow::new(rate, if step == 1.0 / TICKS { 6 } else { 3 });
        Self { from, follow, step, base: 0.0, last, told: None, zero: None, armed: None, place: 0, running: false, start: 0 }
    }

    fn beat_of(&self, place: i64) -> f64 {
        self.base + place as f64 * self.step
    }

    fn tempo(&self) -> Option<f64> {
        self.follow.tempo().map(|tempo| tempo * TICKS * self.step)
    }
}

impl MidiClock {
    fn is_wanted(&self, from: Client) -> bool {
        let Some(Wanted::Port(part)) = &self.wanted else { return false };
        part.is_empty() || self.names.get(&from.door).is_some_and(|name| name.to_lowercase().contains(part))
    }

    fn name(&self, from: Client) -> String {
        self.names.get(&from.door).cloned().unwrap_or_else(|| from.to_string())
    }

    /// Beats a minute of the clock that leads, once it is known.
    pub(super) fn tempo(&self) -> Option<f64> {
        self.lead.as_ref().and_then(Lead::tempo)
    }

    /// What is told of it: whether a clock from outside is wanted, whether it is followed, and its jitter [ms].
    pub(super) fn status(&self) -> [(&'static str, Value); 3] {
        let jitter = self.lead.as_ref().map_or(0.0, |lead| lead.follow.jitter() * 1000.0);
        [
            ("clock-in", Value::Integer(self.wanted.is_some().into())),
            ("clock-locked", Value::Integer(self.tempo().is_some().into())),
            ("clock-jitter", Value::Number(jitter)),
        ]
    }
}

impl Control {
    /// A MIDI port is open under this name. `[control]`
    pub fn port_came(&mut self, port: Client, name: &str) {
        self.midi_clock.names.insert(port.door, name.to_owned());
        self.device_came(port, name);
    }

    /// It is no more; what it held is released by [`Self::gone`]. `[control]`
    pub fn port_gone(&mut self, port: Client) {
        if self.midi_clock.lead.as_ref().is_some_and(|lead| lead.from == port) {
            self.lose_clock();
        }
        self.midi_clock.names.remove(&port.door);
        self.device_gone(port);
    }

    /// The name of an open MIDI port. `[control]`
    pub fn port_name(&self, port: Client) -> Option<&str> {
        self.midi_clock.names.get(&port.door).map(String::as_str)
    }

    /// The beat clock follows the MIDI clock of the first port with this in its name, `""` for any; `None`: it is its own. `[control]`
    pub fn follow_clock_of(&mut self, port: Option<&str>) {
        self.follow_clock(port.map(|part| Wanted::Port(part.to_lowercase())));
    }

    pub(super) fn follow_clock(&mut self, wanted: Option<Wanted>) {
        if wanted != self.midi_clock.wanted {
            self.midi_clock.wanted = wanted;
            if self.midi_clock.lead.is_some() {
                self.leave_clock();
            }
        }
    }

    /// A clock's message. What comes from others than who leads does nothing. `[control]`
    pub(super) fn clock_says(&mut self, from: Client, message: MidiMessage, at: When) {
        let leads = self.midi_clock.lead.as_ref().map(|lead| lead.from);
        if leads.map_or(!self.midi_clock.is_wanted(from), |leads| leads != from) {
            return;
        }
        let time = self.time_of(at);
        let rate = self.rate();
        let lead = self.midi_clock.lead.get_or_insert_with(|| Lead::new(from, time, 1.0 / TICKS, rate));
        match message {
            MidiMessage::Clock => self.clock_ticks(time),
            MidiMessage::Start => lead.armed = Some(0),
            MidiMessage::Continue => lead.armed = Some(lead.place),
            MidiMessage::Stop => {
                if let Some((number, _)) = lead.follow.newest().filter(|_| lead.running) {
                    lead.place = number + 1 - lead.zero.unwrap_or(number + 1);
                }
                (lead.armed, lead.zero, lead.running) = (None, None, false);
                self.time_acts(from, time, |_, draft| {
                    draft.act(Act::Run(false));
                    draft.step(Step::Motion(Motion::Stopped));
                });
            }
            MidiMessage::SongPosition(sixteenths) => {
                lead.place = i64::from(sixteenths) * SIXTEENTH;
                let (place, beat) = (lead.place, lead.beat_of(lead.place));
                if lead.running || lead.armed.is_some() {
                    // It goes on there with the next tick.
                    lead.armed = Some(place);
                } else {
                    self.time_acts(from, time, |control, draft| draft.act(control.go_to(beat)));
                }
            }
            _ => {}
        }
    }

    /// The sample at which a note would act that came so.
    fn time_of(&mut self, at: When) -> SampleTime {
        let now = self.shown.now();
        match at {
            When::Now => now,
            When::At(sample) => sample,
            When::Wall(nanos) => {
                let (Some(heard), Some(present)) = (self.clock.sample_at(nanos), self.clock.sample_at(self.clock.wall().now())) else {
                    return now;
                };
                // What is heard was worked out before: by so much all are later, so that none comes too late.
                self.midi_clock.ahead = self.midi_clock.ahead.max((now as i64).saturating_sub(present).min(self.frames(0.5) as i64));
                u64::try_from(heard + self.midi_clock.ahead).unwrap_or(0)
            }
        }
    }

    /// Does something at a time, outside the count of messages: who said it was counted.
    fn time_acts(&mut self, from: Client, time: SampleTime, work: impl FnOnce(&mut Self, &mut Draft)) {
        let mut draft = Draft::new(from);
        draft.at = if time < self.shown.now() { 0 } else { time };
        work(self, &mut draft);
        if let Err(fail) = self.commit(&mut draft) {
            self.tell(format!("the beat clock lost a step of the clock that leads: {}", fail.text));
        }
    }

    /// Who leads ticks.
    pub(super) fn clock_ticks(&mut self, time: SampleTime) {
        let Some(lead) = &mut self.midi_clock.lead else { return };
        lead.last = time;
        lead.follow.tick(time as f64);
        let (from, armed, often) = (lead.from, lead.armed.take(), ((STEER / lead.step) as i64).max(1));
        let Some((number, on_line)) = lead.follow.newest() else { return };
        if let Some(place) = armed {
            let (ran, beat) = (lead.running, lead.beat_of(place));
            let start = libm::round(on_line).max(0.0) as SampleTime;
            (lead.zero, lead.running, lead.start) = (Some(number - place), true, start);
            self.time_acts(from, start, |control, draft| {
                draft.act(Act::Run(true));
                draft.act(control.go_to(beat));
                if !ran {
                    draft.step(Step::Motion(Motion::Playing));
                }
            });
        }
        if number % often == 0 || armed.is_some() {
            self.steer();
        }
    }

    /// Changes the tempo so that the beat clock meets who leads in a moment.
    fn steer(&mut self) {
        let (now, moment) = (self.shown.now(), self.frames(0.25));
        let Some(lead) = &mut self.midi_clock.lead else { return };
        let (from, Some(tempo)) = (lead.from, lead.tempo()) else { return };
        let mut steered = tempo;
        let mut jump = None;
        // A start that is still to come is not on the line yet.
        if let Some(line) = self.shown.beat.read().filter(|line| line.running && (line.at >= lead.start || now > lead.start + moment)) {
            let here = now.max(line.at);
            let at = |time: f64| lead.follow.ticks_at(time).unwrap_or(0.0);
            let zero = *lead.zero.get_or_insert_with(|| {
                // It runs by itself: its own beats stay where they are, but for the part of a tick.
                let ticks = at(here as f64) - (line.beat(here) - lead.base) / lead.step;
                libm::round(ticks) as i64
            });
            let off = lead.base + (at(here as f64) - zero as f64) * lead.step - line.beat(here);
            if off.abs() > FAR {
                jump = Some(off);
            } else {
                // No sooner than it is looked at again.
                let reach = REACH.max(60.0 * lead.step / tempo);
                steered = (tempo + off * 60.0 / reach).clamp(tempo * (1.0 - SLEW), tempo * (1.0 + SLEW));
            }
        }
        let told = libm::round(tempo / TOLD) * TOLD;
        let is_news = (self.tempo - told).abs() >= TOLD * 0.99;
        self.time_acts(from, 0, |control, draft| {
            draft.value(Some(Merge::Tempo), [Event { at: 0, act: Act::Tempo(steered as f32) }]);
            if is_news {
                draft.step(Step::Tempo(told));
            }
            if let (Some(off), Some(line)) = (jump, control.shown.beat.read()) {
                draft.act(control.go_to((line.beat(now.max(line.at)) + off).max(0.0)));
            }
        });
    }

    /// Looks whether the clock still ticks.
    pub(super) fn watch_clock(&mut self) {
        let rare = self.midi_clock.lead.as_ref().map_or(0.0, |lead| 3.0 * 60.0 * lead.step / lead.tempo().unwrap_or(SLOWEST));
        let silence = self.frames(GONE.max(rare));
        if self.midi_clock.lead.as_ref().is_some_and(|lead| self.shown.now() > lead.last + silence && lead.follow.newest().is_some()) {
            self.lose_clock();
        }
    }

    fn lose_clock(&mut self) {
        let Some(lead) = &self.midi_clock.lead else { return };
        let ticked = lead.follow.newest().is_some();
        let name = self.midi_clock.name(lead.from);
        self.leave_clock();
        if ticked {
            self.tell(format!("the clock of {name} is gone: the tempo stays at {:.2}", self.tempo));
        }
    }

    /// The beat clock goes on by itself, in the tempo that it was led to.
    fn leave_clock(&mut self) {
        let Some(lead) = self.midi_clock.lead.take() else { return };
        if let Some(tempo) = lead.tempo() {
            self.time_acts(lead.from, 0, |_, draft| {
                draft.value(Some(Merge::Tempo), [Event { at: 0, act: Act::Tempo(tempo as f32) }]);
            });
        }
    }
}

/// `/clock/source`
pub(super) fn source(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let wrong = || Fail::new(call.address, Code::WrongArguments, "internal, osc, link, or midi and a part of a port's name");
    let words: Option<Vec<&str>> =
        call.values.iter().map(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None }).collect();
    match words.as_deref().ok_or_else(wrong)? {
        [] => {
            let clock = &control.midi_clock;
            let values = match &clock.wanted {
                None => vec!["internal".into()],
                Some(Wanted::Osc) => vec!["osc".into()],
                Some(Wanted::Link) => vec!["link".into()],
                Some(Wanted::Port(part)) => {
                    vec!["midi".into(), clock.lead.as_ref().map_or_else(|| part.clone(), |lead| clock.name(lead.from)).as_str().into()]
                }
            };
            return Ok(vec![Message::new(call.address, values)]);
        }
        ["internal"] => control.follow_clock(None),
        ["link"] if !control.midi_clock.has_link => {
            let text = "this rackd does not know Ableton Link: it is built with --features link for that";
            return Err(Fail::new(call.address, Code::NotAllowed, text));
        }
        ["link"] => control.follow_clock(Some(Wanted::Link)),
        ["osc"] => control.follow_clock(Some(Wanted::Osc)),
        ["midi"] => control.follow_clock_of(Some("")),
        ["midi", part] => control.follow_clock_of(Some(part)),
        _ => return Err(wrong()),
    }
    Ok(Vec::new())
}
