//! Notes become voices.
//!
//! Which voice sounds for which note, which notes are held, who gives way. The voices themselves are told through [`Voices`]; what
//! became of a note is told to whoever asks for it, once for each note that was pressed.

use super::NoteId;
use super::note::{glide, place, smooth};
use crate::base::time::SampleTime;
use crate::dsp::lanes::Lanes;
use crate::module::{NoteSource, Seed};
use crate::plan::bank::{Glide, Start, Voices};
use crate::plan::slot::{GlideWhen, Manner, Priority, Steal, VoiceMode};

pub use super::note::{Gone, Held, Moment};

/// Voices a slot has at most.
pub const VOICES: usize = 256;

/// Keys that may be held at once in a slot.
pub const HELD: usize = 512;

/// What is younger than this is not taken for quiet: it has hardly begun [s].
pub const YOUNG: f32 = 0.010;

/// What of a note can be set while it sounds.
const SET: [NoteSource; 5] = [NoteSource::Bend, NoteSource::Pressure, NoteSource::Timbre, NoteSource::Volume, NoteSource::Pan];

/// Where each of them stands at its start.
const STANDS: [f32; SET.len()] = [0.0, 0.0, 0.0, 1.0, 0.0];

/// A note that is held, and what of it was set.
#[derive(Clone, Copy, Debug)]
struct Key {
    held: Held,
    /// What became of it has been told.
    told: bool,
    set: [f32; SET.len()],
}

#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    #[default]
    Free,
    /// Its note gave way in this very moment: for the next one, or to end.
    Taken,
    Held,
    Released,
}

#[derive(Clone, Copy, Debug, Default)]
struct Voice {
    state: State,
    id: NoteId,
    /// Of its note, without detune.
    pitch: f32,
    /// How far it stands from that in a unison [octaves].
    detune: f32,
    /// The first voice of its note.
    lead: usize,
    /// Its pitch moves with what plays the voices.
    follows: bool,
    /// Its number among all that were started.
    age: u64,
    /// When its lane started afresh.
    since: SampleTime,
    /// From where it stands in a unison.
    pan: f32,
    /// As its lane was last told.
    set: [f32; SET.len()],
    /// What became of its note was told before: a key that was refused, and sounds now that another was let go.
    told: bool,
}

/// Which voices sound for which notes of a slot, and which notes are held.
pub struct VoiceAllocator {
    voices: Vec<Voice>,
    keys: Vec<Key>,
    /// Voices that are not free.
    sounding: usize,
    started: u64,
    last_pitch: Option<f32>,
    glide_from: Option<f32>,
    /// Where the pitch stood that the patch's own note moves with, in the frame before.
    followed: f32,
    /// Notes refused, and notes that took another's place, since last asked, because there was no time for more voices.
    strained: [u64; 2],
}

/// How one voice of a note begins.
#[derive(Clone, Copy)]
struct Begin {
    /// The first voice of the note.
    lead: usize,
    /// Number in the unison, and of how many.
    unison: (usize, usize),
    glide: Option<Glide>,
    afresh: bool,
    strike: bool,
}

impl VoiceAllocator {
    /// All free. `[control]`
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "built off the audio thread")]
    pub fn new() -> Self {
        let free = Voice { set: STANDS, ..Voice::default() };
        let (voices, keys) = (vec![free; VOICES], Vec::with_capacity(HELD));
        Self { voices, keys, sounding: 0, started: 0, last_pitch: None, glide_from: None, followed: 0.0, strained: [0; 2] }
    }

    /// The notes that are held, in the order in which they were pressed. `[audio]`
    pub fn held(&self) -> impl DoubleEndedIterator<Item = &Held> {
        self.keys.iter().map(|key| &key.held)
    }

    /// Voices that sound. `[audio]`
    pub fn sounding(&self) -> usize {
        self.sounding
    }

    /// The note that a voice sounds for, and whether it is held. `[audio]`
    pub fn note_of(&self, voice: usize) -> Option<(NoteId, bool)> {
        let voice = self.voices.get(voice).filter(|voice| voice.state != State::Free)?;
        Some((voice.id, voice.state == State::Held))
    }

    /// Notes refused, and notes that took the place of one that was let go, since last asked, because there was no time for more
    /// voices. `[audio]`
    pub fn take_strained(&mut self) -> [u64; 2] {
        std::mem::take(&mut self.strained)
    }

    /// How loud a voice is; one that has hardly begun counts as loud. `[audio]`
    pub fn heard(&self, voices: &dyn Voices, voice: usize, moment: Moment) -> f32 {
        let young = (YOUNG * moment.rate) as SampleTime;
        if moment.at.saturating_sub(self.voices[voice].since) < young { f32::INFINITY } else { voices.loudness(voice) }
    }

    /// The next note glides from this pitch, whatever else it would do [octaves above C4]; only a glide of no time keeps it from
    /// that. `[audio]`
    pub fn glide_from(&mut self, pitch: f32) {
        self.glide_from = Some(pitch);
    }

    /// Where the pitch stands now that the patch's own note moves with, for what happens in the next frame. `[audio]`
    pub fn follow(&mut self, pitch: f32) {
        self.followed = pitch;
    }

    /// A note is struck. Without a `manner` it is only held. False where too many are, so that it is not even that. `[audio]`
    #[allow(clippy::disallowed_methods, reason = "room for HELD keys was taken when this was built")]
    pub fn press(
        &mut self,
        voices: &mut dyn Voices,
        manner: Option<&Manner>,
        note: Held,
        moment: Moment,
        gone: &mut dyn FnMut(Gone),
    ) -> bool {
        if self.keys.len() == HELD {
            gone(Gone::Stolen(note.id));
            return false;
        }
        let before = manner.and_then(|manner| self.choice(manner));
        self.keys.push(Key { held: note, told: false, set: STANDS });
        let Some(manner) = manner else { return true };
        match manner.mode {
            VoiceMode::Poly => self.press_poly(voices, manner, note, moment, gone),
            VoiceMode::Mono | VoiceMode::Legato => {
                if moment.strained && self.sounding == 0 {
                    self.strained[0] += 1;
                    self.tell(Gone::Stolen(note.id), false, gone);
                } else if self.choice(manner).is_some_and(|chosen| chosen.id == note.id) {
                    let strike = manner.mode == VoiceMode::Mono || before.is_none();
                    self.play_mono(voices, manner, note, (strike, before.is_some()), moment, gone);
                }
            }
        }
        true
    }

    fn press_poly(&mut self, voices: &mut dyn Voices, manner: &Manner, note: Held, moment: Moment, gone: &mut dyn FnMut(Gone)) {
        let count = voices.count().min(VOICES);
        let unison = manner.unison.clamp(1, count.max(1));
        if !self.makes_room(voices, manner, note, (count, unison), moment, gone) {
            self.tell(Gone::Stolen(note.id), false, gone);
            return;
        }
        let glide = self.poly_glide(manner, note, moment);
        let mut lead = None;
        for number in 0..unison {
            let Some(voice) = self.next_voice(manner, count, moment.strained) else { break };
            let lead = *lead.get_or_insert(voice);
            let begin = Begin { lead, unison: (number, unison), glide, afresh: true, strike: true };
            self.begin(voices, manner, note, voice, begin, moment);
        }
        for voice in 0..count {
            if self.voices[voice].state == State::Taken {
                self.voices[voice].state = State::Free;
                voices.end_at(voice, moment.frame);
            }
        }
        self.last_pitch = Some(note.pitch);
    }

    /// The lowest voice that is free or was just taken; where the same pitch is struck again, one that it had, and where there is no
    /// time for more, one that was taken.
    fn next_voice(&self, manner: &Manner, count: usize, strained: bool) -> Option<usize> {
        let first = |also: State| (0..count).find(|voice| [State::Taken, also].contains(&self.voices[*voice].state));
        first(State::Taken).filter(|_| manner.steal == Steal::Same || strained).or_else(|| first(State::Free))
    }

    fn poly_glide(&mut self, manner: &Manner, note: Held, moment: Moment) -> Option<Glide> {
        let told = self.glide_from.take();
        let glides = told.is_some() || manner.glide_when == GlideWhen::Always || self.keys.len() > 1;
        let from = told.or(self.last_pitch).filter(|_| glides)?;
        glide(manner, Some(from), note.pitch - from, moment.rate)
    }

    /// Frees as many voices as a note needs, whole notes at a time. False, and nothing has changed, where that cannot be.
    fn makes_room(
        &mut self,
        voices: &mut dyn Voices,
        manner: &Manner,
        note: Held,
        (count, unison): (usize, usize),
        moment: Moment,
        gone: &mut dyn FnMut(Gone),
    ) -> bool {
        let stays = self.stays(manner, note);
        let held_back = self.voices[..count].iter().filter(|voice| voice.state != State::Free && Some(voice.id) == stays).count();
        let busy = self.voices[..count].iter().filter(|voice| voice.state != State::Free).count();
        let beyond_reach = if manner.steal == Steal::Never { busy } else { held_back };
        if count - beyond_reach < unison {
            return false;
        }
        if moment.strained {
            let released = self.voices[..count].iter().filter(|voice| voice.state == State::Released).count();
            if released < unison || manner.steal == Steal::Never {
                self.strained[0] += 1;
                return false;
            }
            self.strained[1] += 1;
        }
        let mut free = if moment.strained { 0 } else { count - busy };
        if manner.steal == Steal::Same {
            let same = |voice: &Voice| voice.state != State::Free && voice.state != State::Taken && voice.pitch == note.pitch;
            while let Some(id) = self.voices[..count].iter().find(|voice| same(voice)).map(|voice| voice.id) {
                free += self.take(id, gone);
            }
        }
        while free < unison {
            let Some(id) = self.victim(voices, manner, stays, count, moment) else { return false };
            free += self.take(id, gone);
        }
        true
    }

    /// The note that never gives way: the lowest or the highest of those that sound and are held, unless the new one is.
    fn stays(&self, manner: &Manner, note: Held) -> Option<NoteId> {
        let sign = match manner.priority {
            Priority::Last => return None,
            Priority::Low => 1.0,
            Priority::High => -1.0,
        };
        let held = self.voices.iter().filter(|voice| voice.state == State::Held);
        let best = held.min_by(|a, b| (sign * a.pitch).total_cmp(&(sign * b.pitch)))?;
        (sign * best.pitch <= sign * note.pitch).then_some(best.id)
    }

    /// The note that gives way: one that was let go before one that is held.
    fn victim(&self, voices: &dyn Voices, manner: &Manner, stays: Option<NoteId>, count: usize, moment: Moment) -> Option<NoteId> {
        // A note is as loud as the loudest of its voices.
        let mut loud = [0.0f32; VOICES];
        if manner.steal == Steal::Quietest || moment.strained {
            for (number, voice) in self.voices[..count].iter().enumerate().filter(|(_, voice)| voice.state != State::Free) {
                let heard = self.heard(voices, number, moment);
                let most = &mut loud[voice.lead];
                *most = if heard > *most { heard } else { *most };
            }
        }
        let may = |voice: &&Voice| matches!(voice.state, State::Held | State::Released) && Some(voice.id) != stays;
        let order = |a: &&Voice, b: &&Voice| {
            let held = |voice: &Voice| voice.state == State::Held;
            held(a).cmp(&held(b)).then(loud[a.lead].total_cmp(&loud[b.lead])).then(a.age.cmp(&b.age))
        };
        self.voices[..count].iter().filter(may).min_by(order).map(|voice| voice.id)
    }

    /// A note gives way with all its voices; how many.
    fn take(&mut self, id: NoteId, gone: &mut dyn FnMut(Gone)) -> usize {
        let (mut count, mut told) = (0, false);
        for voice in &mut self.voices {
            if matches!(voice.state, State::Held | State::Released) && voice.id == id {
                voice.state = State::Taken;
                told = voice.told;
                count += 1;
            }
        }
        self.sounding -= count;
        self.tell(Gone::Stolen(id), told, gone);
        count
    }

    /// Tells what became of a note, unless that has been told: while it was held, or as its voices know.
    fn tell(&mut self, what: Gone, told: bool, gone: &mut dyn FnMut(Gone)) {
        let (Gone::Ended(id) | Gone::Stolen(id)) = what;
        let told = match self.keys.iter_mut().find(|key| key.held.id == id) {
            Some(key) => std::mem::replace(&mut key.told, true),
            None => told,
        };
        if !told {
            gone(what);
        }
    }

    /// A voice leaves its note; whether others stay.
    fn leave(&mut self, voice: usize) -> bool {
        let Voice { id, .. } = self.voices[voice];
        self.voices[voice].state = State::Free;
        self.sounding -= 1;
        let of_note = |voice: &Voice| voice.state != State::Free && voice.id == id;
        let Some(first) = self.voices.iter().position(of_note) else { return false };
        self.voices.iter_mut().filter(|voice| of_note(voice)).for_each(|voice| voice.lead = first);
        true
    }

    fn sounds(&self, id: NoteId) -> bool {
        self.voices.iter().any(|voice| voice.state != State::Free && voice.id == id)
    }

    /// The note that a mono voice plays; of the same pitch, the last.
    fn choice(&self, manner: &Manner) -> Option<Held> {
        let sign = match manner.priority {
            Priority::Last => return self.keys.last().map(|key| key.held),
            Priority::Low => 1.0,
            Priority::High => -1.0,
        };
        let best = self.keys.iter().rev().min_by(|a, b| (sign * a.held.pitch).total_cmp(&(sign * b.held.pitch)));
        best.map(|key| key.held)
    }

    /// The one voice, or all of its unison, plays a note: struck anew where `strike`; `overlaps` where another is held.
    fn play_mono(
        &mut self,
        voices: &mut dyn Voices,
        manner: &Manner,
        note: Held,
        (strike, overlaps): (bool, bool),
        moment: Moment,
        gone: &mut dyn FnMut(Gone),
    ) {
        let count = voices.count().min(VOICES);
        let unison = manner.unison.clamp(1, count.max(1));
        let told = self.glide_from.take();
        let glides = told.is_some() || manner.glide_when == GlideWhen::Always || overlaps;
        for voice in 0..count {
            let old = self.voices[voice];
            let sounds = old.state != State::Free;
            let gives_way = sounds && (voice < unison || old.id == note.id);
            if gives_way && !self.leave(voice) && old.state == State::Released {
                // It rang on here.
                self.tell(Gone::Stolen(old.id), old.told, gone);
            }
            if voice >= unison {
                if sounds && old.id == note.id {
                    // Left from when the slot was poly.
                    voices.end_at(voice, moment.frame);
                }
                continue;
            }
            let way = match (told, sounds) {
                (None, true) => {
                    let from = voices.pitch_at(voice, moment.from, moment.frame) + self.gone_with(&old);
                    Some((None, note.pitch - from))
                }
                (None, false) => self.last_pitch.map(|from| (Some(from), note.pitch - from)),
                (Some(from), _) => Some((Some(from), note.pitch - from)),
            };
            let glide = way.filter(|_| glides).and_then(|(from, way)| glide(manner, from, way, moment.rate));
            let begin = Begin { lead: 0, unison: (voice, unison), glide, afresh: !sounds, strike };
            self.begin(voices, manner, note, voice, begin, moment);
        }
        self.last_pitch = Some(note.pitch);
    }

    /// How far a voice has gone with the pitch that plays it.
    fn gone_with(&self, voice: &Voice) -> f32 {
        if voice.follows { self.followed - voice.pitch } else { 0.0 }
    }

    fn begin(&mut self, voices: &mut dyn Voices, manner: &Manner, note: Held, voice: usize, begin: Begin, moment: Moment) {
        self.started += 1;
        let place = place(begin.unison);
        let detune = 0.5 * place * manner.detune;
        let pan = place * manner.spread;
        self.sounding += 1;
        let old = self.voices[voice];
        let set = if begin.afresh { STANDS } else { old.set };
        let since = if begin.afresh { moment.at } else { old.since };
        let key = self.keys.iter().find(|key| key.held.id == note.id).copied();
        let told = key.is_some_and(|key| key.told);
        let (lead, age, follows) = (begin.lead, self.started, note.id.is_own());
        self.voices[voice] =
            Voice { state: State::Held, id: note.id, pitch: note.pitch, detune, lead, follows, age, since, pan, set, told };
        voices.start(
            voice,
            moment.frame,
            Start {
                pitch: note.pitch + detune,
                key: (f32::from(note.key) - 60.0) / 12.0,
                velocity: note.velocity,
                pan,
                glide: begin
                    .glide
                    .map(|glide| Glide { from: glide.from.map(|from| from + if begin.afresh { detune } else { 0.0 }), ..glide }),
                follow: follows.then_some(note.pitch),
                followed: if begin.afresh { 0.0 } else { self.gone_with(&old) },
                seed: Seed(0).with(voice as u64).with(self.started),
                trigger: begin.strike,
                afresh: begin.afresh,
            },
        );
        // Where the lane goes on, it leaves what was set of the note before and goes to what was set of this one.
        let own = key.map_or(set, |key| key.set);
        for (number, value) in own.into_iter().enumerate() {
            let moved = SET[number] == NoteSource::Pan && !begin.afresh && pan != old.pan;
            if value != set[number] || moved {
                self.set_voice(voices, voice, number, value, moment);
            }
        }
    }

    fn set_voice(&mut self, voices: &mut dyn Voices, number: usize, what: usize, value: f32, moment: Moment) {
        let voice = &mut self.voices[number];
        voice.set[what] = value;
        let source = SET[what];
        let value = match source {
            NoteSource::Pan => Lanes::clamp(value + voice.pan, -1.0, 1.0),
            _ => value,
        };
        let smooth = if voice.since == moment.at { 0 } else { smooth(moment.rate) };
        voices.set(number, moment.frame, source, value, smooth);
    }

    /// A note's pitch is another: its key's, and that of every voice that sounds for it. `[audio]`
    pub fn retune(&mut self, voices: &mut dyn Voices, id: NoteId, pitch: f32, moment: Moment) {
        self.keys.iter_mut().filter(|key| key.held.id == id).for_each(|key| key.held.pitch = pitch);
        for (number, voice) in self.voices.iter_mut().enumerate() {
            if matches!(voice.state, State::Held | State::Released) && voice.id == id {
                voice.pitch = pitch;
                let starts = voice.since == moment.at;
                voices.retune(number, moment.frame, pitch + voice.detune, if starts { 0 } else { smooth(moment.rate) });
            }
        }
    }

    /// A note is let go; gives it. `[audio]`
    pub fn release(
        &mut self,
        voices: &mut dyn Voices,
        manner: Option<&Manner>,
        id: NoteId,
        velocity: f32,
        moment: Moment,
        gone: &mut dyn FnMut(Gone),
    ) -> Option<Held> {
        let at = self.keys.iter().position(|key| key.held.id == id)?;
        let mono = manner.filter(|manner| manner.mode != VoiceMode::Poly);
        let before = mono.and_then(|manner| self.choice(manner));
        let key = self.keys.remove(at);
        if let Some(manner) = mono
            && let Some(next) = self.choice(manner)
            && before.is_some_and(|before| before.id == id)
        {
            // An earlier key sounds again; it was struck before, so the envelopes go on.
            self.play_mono(voices, manner, next, (false, true), moment, gone);
        }
        self.let_go(voices, |voice| voice.id == id, velocity, moment);
        if !key.told && !self.sounds(id) {
            gone(Gone::Ended(id));
        }
        Some(key.held)
    }

    /// All notes are let go. `[audio]`
    pub fn release_all(&mut self, voices: &mut dyn Voices, moment: Moment, gone: &mut dyn FnMut(Gone)) {
        self.let_go(voices, |_| true, 0.0, moment);
        for at in 0..self.keys.len() {
            let Key { held, told, .. } = self.keys[at];
            if !told && !self.sounds(held.id) {
                gone(Gone::Ended(held.id));
            }
        }
        self.keys.clear();
    }

    fn let_go(&mut self, voices: &mut dyn Voices, which: impl Fn(&Voice) -> bool, velocity: f32, moment: Moment) {
        for number in 0..VOICES {
            let mut voice = self.voices[number];
            if voice.state != State::Held || !which(&voice) {
                continue;
            }
            if voice.follows {
                voices.leave(number, moment.frame, self.gone_with(&voice));
                voice = Voice { follows: false, pitch: self.followed, ..voice };
                self.last_pitch = Some(self.followed);
            }
            self.voices[number] = Voice { state: State::Released, ..voice };
            voices.release(number, moment.frame, velocity);
        }
    }

    /// A source of a note is set: in the frame of its start it begins there, later it moves there smoothly. `[audio]`
    pub fn set(&mut self, voices: &mut dyn Voices, id: NoteId, source: NoteSource, value: f32, moment: Moment) {
        let Some(what) = SET.iter().position(|other| *other == source) else { return };
        if let Some(key) = self.keys.iter_mut().find(|key| key.held.id == id) {
            key.set[what] = value;
        }
        for number in 0..VOICES {
            if self.voices[number].state != State::Free && self.voices[number].id == id {
                self.set_voice(voices, number, what, value, moment);
            }
        }
    }

    /// Every voice that sounds for a note; whether it starts at this very time is told with each. `[audio]`
    pub fn each(&self, id: NoteId, at: SampleTime, mut f: impl FnMut(usize, bool)) {
        for (number, voice) in self.voices.iter().enumerate() {
            if voice.state != State::Free && voice.id == id {
                f(number, voice.since == at);
            }
        }
    }

    /// A voice is over, or taken away. `[audio]`
    pub fn free(&mut self, voice: usize, gone: &mut dyn FnMut(Gone)) {
        let Voice { state, id, told, .. } = self.voices[voice];
        if state == State::Free {
            return;
        }
        if !self.leave(voice) {
            // What is still held is not forgotten by its maker before it is let go.
            let held = self.keys.iter().any(|key| key.held.id == id);
            self.tell(if held { Gone::Stolen(id) } else { Gone::Ended(id) }, told, gone);
        }
    }

    /// Everything begins anew: no key is down, no voice sounds, nothing glides from the note before. Tells each note that ends.
    /// `[audio]`
    pub fn forget(&mut self, gone: &mut dyn FnMut(Gone)) {
        for voice in 0..VOICES {
            let Voice { state, id, told, .. } = self.voices[voice];
            if state != State::Free && !self.leave(voice) {
                self.tell(Gone::Ended(id), told, gone);
            }
        }
        self.keys.drain(..).filter(|key| !key.told).for_each(|key| gone(Gone::Ended(key.held.id)));
        (self.started, self.last_pitch, self.glide_from, self.followed) = (0, None, None, 0.0);
    }
}

impl Default for VoiceAllocator {
    fn default() -> Self {
        Self::new()
    }
}
