//! A piece through the library's own engine, as fast as it goes.

use rackd::engine::doors::Doors;
use rackd::engine::{Act, Engine, Event, NoteId};
use rackd::module::NoteSource;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::outline::NoteValue;
use rackd::plan::{Options, compile};

use super::{BUFFER, Note, Piece, RATE, Workload, notes};

/// The levels by name, lowest first.
pub const LEVELS: [&str; 3] = ["sse2", "avx2", "avx512"];

/// The level of a name, where this machine has it.
pub fn level(name: &str) -> Option<Level> {
    let number = LEVELS.iter().position(|it| *it == name)?;
    Level::available().get(number).copied()
}

/// The name of the best level of this machine.
pub fn best() -> &'static str {
    LEVELS[Level::available().len() - 1]
}

/// A WAV file of 32-bit floats in two channels. Room for all of it is taken at the start, and it is written in one go, so that writing
/// costs next to nothing.
pub fn render(piece: Piece, seconds: f64, level: Level, threads: usize) -> Vec<u8> {
    let mut stage = Stage::new(piece, seconds, level, threads);
    wav(seconds, |frames| frames.copy_from_slice(stage.block()))
}

/// A WAV file of so many seconds whose blocks of interleaved frames `next` fills in.
pub fn wav(seconds: f64, mut next: impl FnMut(&mut [f32; 2 * BUFFER])) -> Vec<u8> {
    let blocks = (seconds * f64::from(RATE)) as usize / BUFFER;
    let length = blocks * BUFFER * 8;
    let mut file = Vec::with_capacity(44 + length);
    file.extend(b"RIFF");
    file.extend((36 + length as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    // Float, two channels, frames a second, bytes a second, bytes a frame, bits.
    file.extend(3u16.to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend((RATE as u32).to_le_bytes());
    file.extend((RATE as u32 * 8).to_le_bytes());
    file.extend(8u16.to_le_bytes());
    file.extend(32u16.to_le_bytes());
    file.extend(b"data");
    file.extend((length as u32).to_le_bytes());
    let (mut frames, mut bytes) = ([0.0; 2 * BUFFER], [0; 8 * BUFFER]);
    for _ in 0..blocks {
        next(&mut frames);
        for (to, x) in bytes.chunks_exact_mut(4).zip(&frames) {
            to.copy_from_slice(&x.to_le_bytes());
        }
        file.extend_from_slice(&bytes);
    }
    file
}

/// When a saw of a frequency begins so that its first jump comes at 10 ms [s].
///
/// In W2 many voices are whole octaves apart, so how they add up depends on their phases: two whose saws jump together differ by 10 dB from
/// two of which one jumps halfway. Other sound servers begin a saw with its jump; rackd begins it in the middle of its rise.
fn together(frequency: f64) -> f64 {
    0.01 - 0.5 / frequency
}

/// An engine with a piece's patches in its slots, and the notes that are still to come.
pub struct Stage {
    engine: Engine,
    doors: Doors,
    notes: std::iter::Peekable<std::vec::IntoIter<Note>>,
    number: u32,
    events: Vec<Event>,
    out: [f32; 2 * BUFFER],
}

impl Stage {
    pub fn new(piece: Piece, seconds: f64, level: Level, threads: usize) -> Self {
        let options = Options { rate: RATE, level, width: None, tempo: 120.0, shares: threads };
        let (mut engine, doors, mut door) = Engine::new(RATE);
        engine.employ(threads - 1);
        for (slot, text) in piece.patches().iter().enumerate() {
            let (patch, diagnostics) = rackd::patch::parse(text, &CATALOGUE);
            let patch = patch.unwrap_or_else(|| panic!("{} of slot {slot}: {diagnostics:?}", piece.name));
            let (plan, _) = compile(&patch, &options, &|_| None, None);
            assert!(door.send(slot as u8, plan).is_ok(), "the plan before it was taken");
            engine.run(&[], 0, &mut [], 2);
        }
        let mut notes = notes(piece.work, seconds);
        if piece.work == Workload::W2 {
            notes.iter_mut().for_each(|note| note.at = together(note.frequency));
            notes.sort_by(|a, b| a.at.total_cmp(&b.at));
        }
        let notes = notes.into_iter().peekable();
        Self { engine, doors, notes, number: 0, events: Vec::new(), out: [0.0; 2 * BUFFER] }
    }

    /// The next frames; the notes that begin in them are sent before.
    pub fn block(&mut self) -> &[f32; 2 * BUFFER] {
        let end = self.engine.now() + BUFFER as u64;
        let frame = |seconds: f64| (seconds * f64::from(RATE)) as u64;
        while let Some(note) = self.notes.next_if(|note| frame(note.at) < end) {
            let (slot, id, at) = (note.slot, NoteId(self.number), frame(note.at));
            self.number += 1;
            let pitch = (note.frequency / rackd::base::units::C4_HZ).log2() as f32;
            let on = Act::NoteOn { slot, key: 60, id, pitch, velocity: 1.0, frames: frame(note.held) as u32 };
            let place = Act::NoteSet { slot, id, what: NoteValue::Source(NoteSource::Pan), value: note.pan as f32 };
            self.events.extend([Event { at, act: on }, Event { at, act: place }]);
        }
        if !self.events.is_empty() {
            self.doors.feeds[0].send(&self.events).expect("the feed is emptied in every block");
            self.events.clear();
        }
        while self.doors.reports.pop().is_ok() {}
        self.engine.run(&[], 0, &mut self.out, 2);
        &self.out
    }
}
