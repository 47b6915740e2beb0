//! The allocator against a plain re-statement of what it is to do: a list of notes, and who has which voice.

use std::any::Any;

use proptest::prelude::*;
use rackd::engine::NoteId;
use rackd::engine::allocator::{Gone, HELD, Held, Moment, VOICES, VoiceAllocator, YOUNG};
use rackd::module::{NoteSource, Wire};
use rackd::plan::bank::{BankCarry, BlockCall, Glide, Start, Voices};
use rackd::plan::slot::{GlideMode, GlideWhen, Manner, Priority, Steal, VoiceMode};

const RATE: f32 = 1_000.0;

/// What a voice was told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Told {
    sounds: bool,
    gate: bool,
    pitch: f32,
    velocity: f32,
    bend: f32,
    pan: f32,
    glide: Option<Glide>,
    struck: bool,
    afresh: bool,
}

/// Voices that only remember what they were told.
struct Stage {
    told: Vec<Told>,
    loud: Vec<f32>,
}

impl Stage {
    fn of(count: usize) -> Self {
        Self { told: vec![Told::default(); count], loud: vec![0.0; count] }
    }
}

impl Voices for Stage {
    fn count(&self) -> usize {
        self.told.len()
    }
    fn start(&mut self, voice: usize, _: usize, start: Start) {
        let old = self.told[voice];
        assert!(start.afresh || old.sounds, "voice {voice} goes on without having begun");
        let (bend, pan) = if start.afresh { (0.0, start.pan) } else { (old.bend, old.pan) };
        let Start { pitch, velocity, glide, trigger: struck, afresh, .. } = start;
        self.told[voice] = Told { sounds: true, gate: true, pitch, velocity, bend, pan, glide, struck, afresh };
    }
    fn release(&mut self, voice: usize, _: usize, _: f32) {
        assert!(self.told[voice].gate, "voice {voice} is let go twice");
        self.told[voice].gate = false;
    }
    fn leave(&mut self, _: usize, _: usize, _: f32) {}
    fn set(&mut self, voice: usize, _: usize, source: NoteSource, value: f32, _: u32) {
        assert!(self.told[voice].sounds);
        match source {
            NoteSource::Bend => self.told[voice].bend = value,
            NoteSource::Pan => self.told[voice].pan = value,
            _ => {}
        }
    }
    fn retune(&mut self, _: usize, _: usize, _: f32, _: u32) {}

    fn set_own(&mut self, _: usize, _: usize, _: u32, _: f32, _: f32, _: u32) {}
    fn end(&mut self, voice: usize, _: bool) {
        assert!(self.told[voice].sounds, "voice {voice} ends twice");
        self.told[voice] = Told::default();
    }
    fn end_at(&mut self, voice: usize, _: usize) {
        self.end(voice, false);
    }
    fn pitch_at(&self, voice: usize, _: usize, _: usize) -> f32 {
        self.told[voice].pitch
    }
    fn loudness(&self, voice: usize) -> f32 {
        self.loud[voice]
    }
    fn run(&mut self, _: usize, _: &mut [Wire<f32>], _: &BlockCall<'_>, _: &mut dyn FnMut(u16, usize)) {}
    fn finish(&mut self, _: u64, _: &mut dyn FnMut(usize)) {}
    fn carry(&mut self, _: &mut dyn Voices, _: &BankCarry) {}
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn sounding(&self, voice: usize) -> bool {
        self.told[voice].sounds
    }
}

/// A note from its press until it is neither held nor heard.
#[derive(Clone, Debug)]
struct Note {
    id: u32,
    pitch: f32,
    velocity: f32,
    bend: f32,
    /// Held.
    down: bool,
    /// Its voices, the lowest place of the unison first.
    voices: Vec<usize>,
    /// Its turn among all that were given voices.
    turn: u64,
    /// What became of it has been told.
    told: bool,
}

/// What the allocator is to do, said plainly.
struct Model {
    count: usize,
    notes: Vec<Note>,
    turn: u64,
    last_pitch: Option<f32>,
    glide_from: Option<f32>,
    /// When each voice began.
    born: [u64; VOICES],
    glides: [Option<Glide>; VOICES],
}

impl Model {
    fn owner(&self, voice: usize) -> Option<usize> {
        self.notes.iter().position(|note| note.voices.contains(&voice))
    }

    fn free(&self) -> Vec<usize> {
        (0..self.count).filter(|voice| self.owner(*voice).is_none()).collect()
    }

    fn held(&self) -> impl DoubleEndedIterator<Item = &Note> {
        self.notes.iter().filter(|note| note.down)
    }

    /// Forgets notes that are neither held nor heard; tells of those that have just fallen silent.
    fn tidy(&mut self, gone: &mut Vec<Gone>) {
        for note in &mut self.notes {
            if !note.down && note.voices.is_empty() && !note.told {
                note.told = true;
                gone.push(Gone::Ended(NoteId(note.id)));
            }
        }
        self.notes.retain(|note| note.down || !note.voices.is_empty());
    }

    fn steal(&mut self, at: usize, gone: &mut Vec<Gone>) -> Vec<usize> {
        let note = &mut self.notes[at];
        if !std::mem::replace(&mut note.told, true) {
            gone.push(Gone::Stolen(NoteId(note.id)));
        }
        std::mem::take(&mut note.voices)
    }

    /// The held note that a mono voice plays.
    fn choice(&self, priority: Priority) -> Option<u32> {
        let best = |better: fn(f32, f32) -> bool| {
            self.held().fold(None::<&Note>, |best, note| match best {
                Some(best) if better(best.pitch, note.pitch) => Some(best),
                _ => Some(note),
            })
        };
        match priority {
            Priority::Last => self.held().next_back(),
            Priority::Low => best(|best, note| best < note),
            Priority::High => best(|best, note| best > note),
        }
        .map(|note| note.id)
    }

    fn glide(&mut self, manner: &Manner, from: Option<f32>, way: f32, overlaps: bool, told: bool) -> Option<Glide> {
        if !told && manner.glide_when == GlideWhen::Legato && !overlaps {
            return None;
        }
        let seconds = if manner.glide_mode == GlideMode::Time { manner.glide } else { manner.glide * way.abs() };
        let frames = (seconds * RATE) as u32;
        (frames > 0).then_some(Glide { from, frames })
    }

    fn press(&mut self, manner: &Manner, id: u32, pitch: f32, velocity: f32, now: u64, stage: &Stage, gone: &mut Vec<Gone>) {
        if self.held().count() == HELD {
            return gone.push(Gone::Stolen(NoteId(id)));
        }
        let overlaps = self.held().count() > 0;
        self.notes.push(Note { id, pitch, velocity, bend: 0.0, down: true, voices: Vec::new(), turn: 0, told: false });
        if manner.mode != VoiceMode::Poly {
            if self.choice(manner.priority) == Some(id) {
                self.play_mono(manner, id, overlaps, now, stage, gone);
            }
            return;
        }
        let me = self.notes.len() - 1;
        let unison = manner.unison;
        // The note that never gives way: the one in the lowest voice, of several of one pitch.
        let mut sounding: Vec<usize> = (0..me).filter(|at| self.notes[*at].down && !self.notes[*at].voices.is_empty()).collect();
        sounding.sort_by_key(|at| *self.notes[*at].voices.iter().min().unwrap());
        let extreme = |sign: f32| {
            let lowest = sounding.iter().map(|at| sign * self.notes[*at].pitch).fold(f32::INFINITY, f32::min);
            sounding.iter().copied().find(|at| sign * self.notes[*at].pitch == lowest && lowest <= sign * pitch)
        };
        let stays = match manner.priority {
            Priority::Last => None,
            Priority::Low => extreme(1.0),
            Priority::High => extreme(-1.0),
        };
        let out_of_reach: usize = match manner.steal {
            Steal::Never => self.notes.iter().map(|note| note.voices.len()).sum(),
            _ => stays.map_or(0, |at| self.notes[at].voices.len()),
        };
        if self.count - out_of_reach < unison {
            self.steal(me, gone);
            return;
        }
        let mut reused = Vec::new();
        if manner.steal == Steal::Same {
            for at in 0..me {
                if self.notes[at].pitch == pitch && !self.notes[at].voices.is_empty() {
                    reused.extend(self.steal(at, gone));
                }
            }
        }
        let loud = |note: &Note| {
            let of_voice = |voice: &usize| if now - self.born[*voice] < (YOUNG * RATE) as u64 { f32::INFINITY } else { stage.loud[*voice] };
            note.voices.iter().map(of_voice).fold(0.0, f32::max)
        };
        let loud: Vec<f32> = self.notes.iter().map(loud).collect();
        while self.free().len() < unison {
            let candidates = (0..me).filter(|at| !self.notes[*at].voices.is_empty() && Some(*at) != stays);
            let victim = candidates
                .min_by(|a, b| {
                    let (a, b) = ((&self.notes[*a], loud[*a]), (&self.notes[*b], loud[*b]));
                    let quieter = if manner.steal == Steal::Quietest { a.1.total_cmp(&b.1) } else { std::cmp::Ordering::Equal };
                    a.0.down.cmp(&b.0.down).then(quieter).then(a.0.turn.cmp(&b.0.turn))
                })
                .unwrap();
            let taken = self.steal(victim, gone);
            if manner.steal == Steal::Same {
                reused.extend(taken);
            }
        }
        reused.sort_unstable();
        let rest = self.free().into_iter().filter(|voice| !reused.contains(voice));
        let voices: Vec<usize> = reused.iter().copied().chain(rest).take(unison).collect();
        let told = self.glide_from.take();
        let from = told.or(self.last_pitch);
        let glide = from.and_then(|from| self.glide(manner, Some(from), pitch - from, overlaps, told.is_some()));
        for voice in &voices {
            self.born[*voice] = now;
            self.glides[*voice] = glide;
        }
        self.turn += 1;
        self.notes[me].turn = self.turn;
        self.notes[me].voices = voices;
        self.last_pitch = Some(pitch);
    }

    /// The first voices play a note, whoever had them.
    fn play_mono(&mut self, manner: &Manner, id: u32, overlaps: bool, now: u64, stage: &Stage, gone: &mut Vec<Gone>) {
        let me = self.notes.iter().position(|note| note.id == id).unwrap();
        let pitch = self.notes[me].pitch;
        let told = self.glide_from.take();
        for voice in 0..manner.unison {
            let sounds = self.owner(voice).is_some();
            if let Some(owner) = self.owner(voice).filter(|owner| *owner != me) {
                self.notes[owner].voices.retain(|other| *other != voice);
                if self.notes[owner].voices.is_empty() && !self.notes[owner].down && self.notes[owner].turn != u64::MAX {
                    self.steal(owner, gone);
                }
            }
            let (from, way) = match (told, sounds) {
                (Some(from), _) => (Some(Some(from)), pitch - from),
                (None, true) => (Some(None), pitch - stage.told[voice].pitch),
                (None, false) => (self.last_pitch.map(Some), pitch - self.last_pitch.unwrap_or(0.0)),
            };
            self.glides[voice] = from.and_then(|from| self.glide(manner, from, way, overlaps, told.is_some()));
            if !sounds {
                self.born[voice] = now;
            }
        }
        self.notes[me].voices = (0..manner.unison).collect();
        self.turn += 1;
        self.notes[me].turn = self.turn;
        self.last_pitch = Some(pitch);
    }

    fn release(&mut self, manner: &Manner, id: u32, now: u64, stage: &Stage, gone: &mut Vec<Gone>) {
        let Some(at) = self.notes.iter().position(|note| note.id == id && note.down) else { return };
        let before = self.choice(manner.priority);
        self.notes[at].down = false;
        // Whose key goes up in this very moment ends by that, and gives way to nobody.
        let turn = std::mem::replace(&mut self.notes[at].turn, u64::MAX);
        if manner.mode != VoiceMode::Poly
            && before == Some(id)
            && let Some(next) = self.choice(manner.priority)
        {
            self.play_mono(manner, next, true, now, stage, gone);
        }
        if let Some(note) = self.notes.iter_mut().find(|note| note.id == id) {
            note.turn = turn;
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// Semitones.
    Press(u8),
    /// Of the notes that the player holds, which.
    LetGo(usize),
    Pedal(bool),
    Bend(usize, f32),
    GlideFrom(f32),
    Loud(usize, f32),
    /// Of the voices that ring on, which are over.
    Over(usize),
    AllOver,
    Wait(u64),
    Panic,
    Fade,
    /// Another plan: another manner, the voices go on.
    Manner(Manner),
    /// Another plan with so many voices, which begin anew.
    Reload(usize),
}

fn manner() -> impl Strategy<Value = Manner> {
    let choices = (
        prop::sample::select(vec![VoiceMode::Poly, VoiceMode::Poly, VoiceMode::Mono, VoiceMode::Legato]),
        prop::sample::select(vec![Priority::Last, Priority::Low, Priority::High]),
        prop::sample::select(vec![Steal::Oldest, Steal::Quietest, Steal::Same, Steal::Never]),
        prop::sample::select(vec![1usize, 1, 1, 2, 3, 7, 16]),
        prop::bool::ANY,
        prop::bool::ANY,
        prop::sample::select(vec![0.0f32, 0.1]),
    );
    choices.prop_map(|(mode, priority, steal, unison, rate, legato, glide)| Manner {
        mode,
        priority,
        steal,
        unison,
        glide_mode: if rate { GlideMode::Rate } else { GlideMode::Time },
        glide_when: if legato { GlideWhen::Legato } else { GlideWhen::Always },
        glide,
        detune: 0.25,
        spread: 0.5,
    })
}

fn count() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 1usize..9, 2 => 9usize..40, 1 => Just(256usize), 1 => 1usize..257]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0u8..8).prop_map(Op::Press),
        8 => any::<usize>().prop_map(Op::LetGo),
        1 => any::<bool>().prop_map(Op::Pedal),
        2 => (any::<usize>(), prop::sample::select(vec![0.0f32, 0.1, -0.2])).prop_map(|(which, bend)| Op::Bend(which, bend)),
        1 => prop::sample::select(vec![-1.0f32, 0.5]).prop_map(Op::GlideFrom),
        4 => (0usize..256, prop::sample::select(vec![0.0f32, 0.1, 0.2, 0.5])).prop_map(|(voice, loud)| Op::Loud(voice, loud)),
        4 => any::<usize>().prop_map(Op::Over),
        1 => Just(Op::AllOver),
        6 => prop::sample::select(vec![1u64, 9, 64]).prop_map(Op::Wait),
        1 => prop_oneof![Just(Op::Panic), Just(Op::Fade)],
        1 => manner().prop_map(Op::Manner),
        1 => count().prop_map(Op::Reload),
    ]
}

/// Both at once.
struct Pair {
    stage: Stage,
    allocator: VoiceAllocator,
    model: Model,
    manner: Manner,
    now: u64,
    notes: u32,
    /// Those that the player's fingers hold, and those that the pedal does.
    fingers: Vec<u32>,
    pedal: Option<Vec<u32>>,
    told: Vec<u32>,
}

impl Pair {
    fn new(count: usize, manner: Manner) -> Self {
        let model =
            Model { count, notes: Vec::new(), turn: 0, last_pitch: None, glide_from: None, born: [0; VOICES], glides: [None; VOICES] };
        let mut pair = Self {
            stage: Stage::of(count),
            allocator: VoiceAllocator::new(),
            model,
            manner,
            now: 0,
            notes: 0,
            fingers: Vec::new(),
            pedal: None,
            told: Vec::new(),
        };
        pair.become_fit();
        pair
    }

    /// A patch with more voices a note than voices is none.
    fn become_fit(&mut self) {
        self.manner.unison = self.manner.unison.min(self.model.count);
    }

    fn moment(&self) -> Moment {
        Moment { at: self.now, frame: 0, from: 0, rate: RATE, strained: false }
    }

    fn release(&mut self, id: u32, want: &mut Vec<Gone>, got: &mut Vec<Gone>) {
        self.model.release(&self.manner, id, self.now, &self.stage, want);
        self.model.tidy(want);
        let moment = self.moment();
        self.allocator.release(&mut self.stage, Some(&self.manner), NoteId(id), 0.5, moment, &mut |gone| got.push(gone));
    }

    fn over(&mut self, voice: usize, want: &mut Vec<Gone>, got: &mut Vec<Gone>) {
        if let Some(owner) = self.model.owner(voice) {
            self.model.notes[owner].voices.retain(|other| *other != voice);
        }
        self.model.tidy(want);
        self.stage.end(voice, false);
        self.allocator.free(voice, &mut |gone| got.push(gone));
    }

    fn ringing(&self) -> Vec<usize> {
        (0..self.model.count).filter(|voice| self.model.owner(*voice).is_some_and(|at| !self.model.notes[at].down)).collect()
    }

    fn apply(&mut self, op: &Op) {
        let (mut want, mut got) = (Vec::new(), Vec::new());
        match *op {
            Op::Press(semitones) => {
                self.notes += 1;
                let (id, pitch, velocity) = (self.notes, f32::from(semitones) / 12.0, f32::from(semitones) / 10.0);
                self.fingers.push(id);
                self.model.press(&self.manner, id, pitch, velocity, self.now, &self.stage, &mut want);
                self.model.tidy(&mut want);
                let note = Held { id: NoteId(id), key: semitones, pitch, velocity };
                let moment = self.moment();
                self.allocator.press(&mut self.stage, Some(&self.manner), note, moment, &mut |gone| got.push(gone));
            }
            Op::LetGo(which) if !self.fingers.is_empty() => {
                let id = self.fingers.remove(which % self.fingers.len());
                match &mut self.pedal {
                    Some(pedal) => pedal.push(id),
                    None => self.release(id, &mut want, &mut got),
                }
            }
            Op::Pedal(true) => self.pedal = Some(self.pedal.take().unwrap_or_default()),
            Op::Pedal(false) => {
                for id in self.pedal.take().unwrap_or_default() {
                    self.release(id, &mut want, &mut got);
                }
            }
            Op::Bend(which, bend) if !self.model.notes.is_empty() => {
                let at = which % self.model.notes.len();
                let note = &mut self.model.notes[at];
                note.bend = bend;
                let (id, moment) = (NoteId(note.id), self.moment());
                self.allocator.set(&mut self.stage, id, NoteSource::Bend, bend, moment);
            }
            Op::GlideFrom(pitch) => {
                self.model.glide_from = Some(pitch);
                self.allocator.glide_from(pitch);
            }
            Op::Loud(voice, loud) if voice < self.model.count => self.stage.loud[voice] = loud,
            Op::Over(which) => {
                let ringing = self.ringing();
                if !ringing.is_empty() {
                    self.over(ringing[which % ringing.len()], &mut want, &mut got);
                }
            }
            Op::AllOver => self.ringing().into_iter().for_each(|voice| self.over(voice, &mut want, &mut got)),
            Op::Wait(frames) => self.now += frames,
            Op::Panic | Op::Fade => {
                self.model.notes.iter_mut().for_each(|note| note.down = false);
                self.model.tidy(&mut want);
                (self.fingers, self.pedal) = Default::default();
                let moment = self.moment();
                self.allocator.release_all(&mut self.stage, moment, &mut |gone| got.push(gone));
                if matches!(op, Op::Fade) {
                    self.ringing().into_iter().for_each(|voice| self.over(voice, &mut want, &mut got));
                }
            }
            Op::Manner(manner) => {
                self.manner = manner;
                self.become_fit();
            }
            Op::Reload(count) => {
                for at in 0..self.model.notes.len() {
                    let note = &mut self.model.notes[at];
                    if !note.voices.is_empty() && note.down {
                        // Its maker is not to forget it before it is let go.
                        self.model.steal(at, &mut want);
                    }
                    self.model.notes[at].voices.clear();
                }
                self.model.tidy(&mut want);
                (0..VOICES).for_each(|voice| self.allocator.free(voice, &mut |gone| got.push(gone)));
                self.model.count = count;
                self.stage = Stage::of(count);
                self.become_fit();
            }
            _ => {}
        }
        let key = |gone: &Gone| match gone {
            Gone::Ended(id) => (id.0, false),
            Gone::Stolen(id) => (id.0, true),
        };
        want.sort_by_key(key);
        got.sort_by_key(key);
        assert_eq!(got, want, "told after {op:?}");
        self.told.extend(got.iter().map(|gone| key(gone).0));
        self.compare(op);
    }

    fn compare(&self, op: &Op) {
        let model = &self.model;
        let held: Vec<u32> = self.allocator.held().map(|held| held.id.0).collect();
        assert_eq!(held, model.held().map(|note| note.id).collect::<Vec<_>>(), "held after {op:?}");
        assert_eq!(self.allocator.sounding(), model.count - model.free().len(), "voices after {op:?}");
        for voice in 0..model.count {
            let told = &self.stage.told[voice];
            let note = model.owner(voice).map(|at| &model.notes[at]);
            assert_eq!(self.allocator.note_of(voice), note.map(|note| (NoteId(note.id), note.down)), "voice {voice} after {op:?}");
            assert_eq!((told.sounds, told.gate), (note.is_some(), note.is_some_and(|note| note.down)), "voice {voice} after {op:?}");
            if let Some(note) = note {
                assert_eq!((told.velocity, told.bend), (note.velocity, note.bend), "voice {voice} after {op:?}");
                assert!((told.pitch - note.pitch).abs() <= 0.126, "voice {voice} after {op:?}");
            }
        }
        // Where a note was started: all its voices, symmetric about its pitch, and its glide.
        let Op::Press(_) = op else { return };
        let Some(note) = model.notes.iter().find(|note| note.id == self.notes && !note.voices.is_empty()) else { return };
        let of = |what: fn(&Told) -> f32| note.voices.iter().map(move |voice| what(&self.stage.told[*voice]));
        assert_eq!(note.voices.len(), self.manner.unison, "no half of a unison");
        let middle: f32 = of(|told| told.pitch).sum::<f32>() / note.voices.len() as f32;
        assert!((middle - note.pitch).abs() < 1e-5, "{middle} is not {}", note.pitch);
        assert!(of(|told| told.pan).sum::<f32>().abs() < 1e-5);
        for voice in &note.voices {
            let (told, want) = (&self.stage.told[*voice], model.glides[*voice]);
            let shift = if told.afresh { told.pitch - note.pitch } else { 0.0 };
            // A unison's own detune may be a part of the way where the voice goes on.
            let near = |a: u32, b: u32| a.abs_diff(b) <= (0.13 * self.manner.glide * RATE) as u32 + 1;
            match (told.glide, want) {
                (Some(got), Some(want)) => {
                    let from = got.from.zip(want.from).is_none_or(|(got, want)| (got - want - shift).abs() < 1e-5);
                    assert!(from && got.from.is_some() == want.from.is_some() && near(got.frames, want.frames), "{got:?} is not {want:?}");
                }
                (got, want) => assert_eq!(got, want),
            }
        }
    }

    /// All let go, all sound over.
    fn end(mut self) {
        self.apply(&Op::Pedal(false));
        while !self.fingers.is_empty() {
            self.apply(&Op::LetGo(0));
        }
        self.apply(&Op::AllOver);
        assert_eq!(self.allocator.sounding(), 0, "a note hangs");
        assert_eq!(self.allocator.held().count(), 0, "a key hangs");
        self.told.sort_unstable();
        assert_eq!(self.told, (1..=self.notes).collect::<Vec<_>>(), "each note ends once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_allocator_does_what_the_model_does(count in count(), manner in manner(), ops in prop::collection::vec(op(), 1..160)) {
        let mut pair = Pair::new(count, manner);
        ops.iter().for_each(|op| pair.apply(op));
        pair.end();
    }
}

#[test]
fn more_keys_than_can_be_held_are_refused_and_none_hangs() {
    let mut pair = Pair::new(
        256,
        Manner {
            mode: VoiceMode::Poly,
            priority: Priority::Last,
            steal: Steal::Oldest,
            unison: 1,
            glide_mode: GlideMode::Time,
            glide_when: GlideWhen::Always,
            glide: 0.0,
            detune: 0.0,
            spread: 0.0,
        },
    );
    (0..HELD + 50).for_each(|at| pair.apply(&Op::Press((at % 100) as u8)));
    assert_eq!(pair.allocator.held().count(), HELD);
    assert_eq!(pair.allocator.sounding(), 256);
    pair.end();
}
