//! Notes become voices.

use super::NoteId;
use crate::base::time::SampleTime;
use crate::module::{NoteSource, Seed};

use crate::plan::SlotPlan;
use crate::plan::bank::Start;
use crate::plan::slot::{NoteShape, Priority, Steal, VoiceMode};

/// Voices a slot has at most.
pub const VOICES: usize = 256;

/// Keys that may be held at once in a slot.
const HELD: usize = 512;

/// A key that is down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The note.
    pub id: NoteId,
    /// The key, for `keys.…`.
    pub key: u8,
    /// Octaves above C4.
    pub pitch: f32,
    /// 0..1.
    pub velocity: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Held,
    Released,
}

#[derive(Clone, Copy, Debug)]
struct Voice {
    state: State,
    id: NoteId,
    pitch: f32,
    /// Order of its start among all.
    age: u64,
    since: SampleTime,
}

/// What became of a note that was to start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Started {
    /// It sounds.
    Sounds,
    /// It sounds, and another gave way to it.
    Stole(NoteId),
    /// No voice may give way.
    Refused,
}

/// Which voices sound for which notes of a slot, and which keys are down.
pub struct VoiceAllocator {
    voices: Vec<Voice>,
    held: Vec<Held>,
    /// Voices that are not free.
    sounding: usize,
    started: u64,
    last_pitch: Option<f32>,
}

/// One note's start.
#[derive(Clone, Copy, Debug)]
pub struct NoteStart {
    /// The key, the pitch, the velocity.
    pub note: Held,
    /// When.
    pub at: SampleTime,
    /// The frame of the tile.
    pub frame: usize,
    /// Frames a second.
    pub rate: f32,
}

impl VoiceAllocator {
    /// All free. `[control]`
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "built off the audio thread")]
    pub fn new() -> Self {
        let free = Voice { state: State::Free, id: NoteId(0), pitch: 0.0, age: 0, since: 0 };
        Self { voices: vec![free; VOICES], held: Vec::with_capacity(HELD), sounding: 0, started: 0, last_pitch: None }
    }

    /// The keys that are down, in the order in which they were pressed. `[audio]`
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Voices that sound. `[audio]`
    pub fn sounding(&self) -> usize {
        self.sounding
    }

    /// A key goes down. `[audio]`
    #[allow(clippy::disallowed_methods, reason = "room for HELD keys was taken when this was built")]
    pub fn press(&mut self, plan: &mut SlotPlan, start: NoteStart) -> Started {
        if self.held.len() == HELD {
            return Started::Refused;
        }
        let Some(shape) = plan.note.take() else {
            self.held.push(start.note);
            return Started::Sounds;
        };
        let before = self.mono_choice(&shape);
        self.held.push(start.note);
        let outcome = match shape.mode {
            VoiceMode::Poly => self.press_poly(plan, &shape, start),
            VoiceMode::Mono | VoiceMode::Legato => {
                if self.mono_choice(&shape) != before {
                    let overlaps = before.is_some();
                    let legato = shape.mode == VoiceMode::Legato;
                    self.play_mono(plan, &shape, start, !(legato && overlaps), overlaps || !legato)
                } else {
                    Started::Sounds
                }
            }
        };
        plan.note = Some(shape);
        if outcome == Started::Refused {
            self.held.pop();
        }
        outcome
    }

    fn press_poly(&mut self, plan: &mut SlotPlan, shape: &NoteShape, start: NoteStart) -> Started {
        let count = plan.voices.count().min(VOICES);
        let unison = shape.unison.clamp(1, count.max(1));
        let glide = self.glide(plan, shape, start);
        let mut stolen = None;
        for number in 0..unison {
            let free = (0..count).find(|voice| self.voices[*voice].state == State::Free);
            let voice = match free {
                Some(voice) => voice,
                None => match self.give_way(plan, shape.steal, start.note, count) {
                    Some(voice) => {
                        let id = self.voices[voice].id;
                        if id != start.note.id {
                            stolen = Some(id);
                        }
                        voice
                    }
                    None => return if number == 0 { Started::Refused } else { Started::Sounds },
                },
            };
            self.begin(
                plan,
                shape,
                voice,
                start,
                (number, unison),
                glide.zip(self.last_pitch).map(|(frames, from)| (from, frames)),
                (true, true),
            );
        }
        self.last_pitch = Some(start.note.pitch);
        stolen.map_or(Started::Sounds, Started::Stole)
    }

    /// The key that a mono voice plays. `[audio]`
    fn mono_choice(&self, shape: &NoteShape) -> Option<Held> {
        let by_pitch = |a: &&Held, b: &&Held| a.pitch.total_cmp(&b.pitch);
        match shape.priority {
            Priority::Last => self.held.last(),
            Priority::Low => self.held.iter().min_by(by_pitch),
            Priority::High => self.held.iter().max_by(by_pitch),
        }
        .copied()
    }

    /// The one voice plays `start.note`: struck anew where `trigger`, gliding there where `glides`.
    fn play_mono(&mut self, plan: &mut SlotPlan, shape: &NoteShape, start: NoteStart, trigger: bool, glides: bool) -> Started {
        let count = plan.voices.count().min(VOICES);
        let unison = shape.unison.clamp(1, count.max(1));
        let glide = if glides { self.glide(plan, shape, start) } else { None };
        for voice in 0..unison.min(count) {
            let sounds = self.voices[voice].state != State::Free;
            let from = if sounds { Some(plan.voices.pitch_now(voice)) } else { self.last_pitch };
            let glide = glide.zip(from).map(|(frames, from)| (from, frames));
            self.begin(plan, shape, voice, start, (voice, unison), glide, (!sounds, trigger));
        }
        self.last_pitch = Some(start.note.pitch);
        Started::Sounds
    }

    fn glide(&self, plan: &SlotPlan, shape: &NoteShape, start: NoteStart) -> Option<u32> {
        let seconds = plan.note_value(&shape.glide, start.frame);
        (seconds > 0.0).then_some((seconds * start.rate) as u32)
    }

    /// Where a unison voice stands, −1 to 1. `[audio]`
    fn place((number, of): (usize, usize)) -> f32 {
        if of < 2 { 0.0 } else { 2.0 * number as f32 / (of - 1) as f32 - 1.0 }
    }

    #[allow(clippy::too_many_arguments, reason = "one note's start in full")]
    fn begin(
        &mut self,
        plan: &mut SlotPlan,
        shape: &NoteShape,
        voice: usize,
        start: NoteStart,
        unison: (usize, usize),
        glide: Option<(f32, u32)>,
        (afresh, trigger): (bool, bool),
    ) {
        self.started += 1;
        let place = Self::place(unison);
        let detune = 0.5 * place * plan.note_value(&shape.detune, start.frame);
        let pan = place * plan.note_value(&shape.spread, start.frame);
        let note = start.note;
        self.sounding += usize::from(self.voices[voice].state == State::Free);
        self.voices[voice] = Voice { state: State::Held, id: note.id, pitch: note.pitch, age: self.started, since: start.at };
        plan.voices.start(
            voice,
            start.frame,
            Start {
                pitch: note.pitch + detune,
                velocity: note.velocity,
                pan,
                glide: glide.map(|(from, frames)| (from + if afresh { detune } else { 0.0 }, frames)),
                seed: Seed(0).with(voice as u64).with(self.started),
                trigger,
                afresh,
            },
        );
    }

    /// The voice that gives way, if one may. `[audio]`
    fn give_way(&self, plan: &SlotPlan, steal: Steal, note: Held, count: usize) -> Option<usize> {
        let others = || (0..count).filter(|voice| self.voices[*voice].id != note.id);
        let oldest = || others().min_by_key(|voice| (self.voices[*voice].state == State::Held, self.voices[*voice].age));
        match steal {
            Steal::Never => None,
            Steal::Oldest => oldest(),
            Steal::Quietest => others().min_by(|a, b| {
                let key = |voice: &usize| plan.voices.loudness(*voice);
                key(a).total_cmp(&key(b))
            }),
            Steal::Same => others().find(|voice| self.voices[*voice].pitch == note.pitch).or_else(oldest),
        }
    }

    /// A key goes up; gives the key. `[audio]`
    pub fn release(&mut self, plan: &mut SlotPlan, id: NoteId, velocity: f32, start: NoteStart) -> Option<Held> {
        let at = self.held.iter().position(|held| held.id == id)?;
        let shape = plan.note.take();
        let before = shape.as_ref().and_then(|shape| self.mono_choice(shape));
        let note = self.held.remove(at);
        if let Some(shape) = shape {
            let after = self.mono_choice(&shape);
            match (shape.mode, after) {
                (VoiceMode::Mono | VoiceMode::Legato, Some(next)) => {
                    if before != after {
                        // An earlier key sounds again; it was struck before, so the envelopes go on.
                        self.play_mono(plan, &shape, NoteStart { note: next, ..start }, false, true);
                    }
                }
                _ => {
                    for voice in 0..plan.voices.count().min(VOICES) {
                        let mono = shape.mode != VoiceMode::Poly;
                        let it = &mut self.voices[voice];
                        if it.state == State::Held && (mono || it.id == id) {
                            it.state = State::Released;
                            plan.voices.release(voice, start.frame, velocity);
                        }
                    }
                }
            }
            plan.note = Some(shape);
        }
        Some(note)
    }

    /// Something of a note changes, in every voice that sounds for it; whether it starts at this very time is told with each. `[audio]`
    pub fn each(&self, id: NoteId, at: SampleTime, mut f: impl FnMut(usize, bool)) {
        for (number, voice) in self.voices.iter().enumerate() {
            if voice.state != State::Free && voice.id == id {
                f(number, voice.since == at);
            }
        }
    }

    /// A source of a note changes. `[audio]`
    pub fn set(&self, plan: &mut SlotPlan, id: NoteId, at: SampleTime, frame: usize, source: NoteSource, value: f32, smooth: u32) {
        self.each(id, at, |voice, starts| plan.voices.set(voice, frame, source, value, if starts { 0 } else { smooth }));
    }

    /// A voice is over; gives its note when no other voice sounds for it. `[audio]`
    pub fn free(&mut self, voice: usize) -> Option<NoteId> {
        let id = self.voices[voice].id;
        if self.voices[voice].state == State::Free {
            return None;
        }
        self.voices[voice].state = State::Free;
        self.sounding -= 1;
        let sounds = self.voices.iter().any(|voice| voice.state != State::Free && voice.id == id);
        (!sounds).then_some(id)
    }

    /// The first key that is held, for ending them one by one. `[audio]`
    pub fn first_held(&self) -> Option<NoteId> {
        self.held.first().map(|held| held.id)
    }
}

impl Default for VoiceAllocator {
    fn default() -> Self {
        Self::new()
    }
}
