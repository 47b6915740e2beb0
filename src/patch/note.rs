//! `[note]`: how notes become voices.

use crate::base::diagnostic::Diagnostic;
use crate::base::units::Unit;

use super::codes;
use super::document::Entry;
use super::model::{Amount, Base, Domain, NoteMode, Priority, Steal, Sum, VoiceMode};
use super::quantity::Quantity;
use super::reading::Reading;
use super::sum::Place;

/// Its inputs, in the order of their numbers: name, unit, range [natural unit], what they do.
pub const INPUTS: [(&str, Unit, (f32, f32), &str); 3] = [
    ("glide", Unit::Seconds, (0.0, 10.0), "Time in which the pitch goes from one note to the next."),
    ("detune", Unit::Octaves, (0.0, 1.0), "From the lowest voice of a unison to the highest."),
    ("spread", Unit::Number, (0.0, 1.0), "How far the voices of a unison stand apart in note.pan."),
];

/// Its settings.
pub const SETTINGS: [&str; 7] = ["mode", "voices", "priority", "steal", "unison", "mpe", "bend_range"];

/// Words of `mode`.
pub const MODES: [&str; 3] = ["poly", "mono", "legato"];

/// Words of `priority`.
pub const PRIORITIES: [&str; 3] = ["last", "low", "high"];

/// Words of `steal`.
pub const STEALS: [&str; 4] = ["oldest", "quietest", "same", "never"];

/// Voices where nothing is written.
pub const VOICES: usize = 16;

/// `detune` where nothing is written: 20 ct [octaves].
const DETUNE: f32 = 20.0 / 1200.0;

fn number(value: f32) -> Sum {
    Sum { base: Base::Number(Amount::Plain(value)), ..Sum::default() }
}

impl Default for NoteMode {
    /// What counts where `[note]` is empty.
    fn default() -> Self {
        Self {
            mode: VoiceMode::Poly,
            voices: VOICES,
            priority: Priority::Last,
            steal: Steal::Oldest,
            unison: 1,
            mpe: false,
            bend_range: 2.0 / 12.0,
            glide: number(0.0),
            detune: number(DETUNE),
            spread: number(0.0),
        }
    }
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads `[note]`.
    pub fn note(&mut self, entries: &[Entry<'d, 't>]) -> NoteMode {
        let mut note = NoteMode::default();
        let mut voices = None;
        for entry in entries {
            match entry.key {
                "mode" => {
                    if let Some(at) = self.choice(entry, &MODES) {
                        note.mode = [VoiceMode::Poly, VoiceMode::Mono, VoiceMode::Legato][at];
                    }
                }
                "voices" => voices = self.number(entry, 1.0, 256.0, true).map(|x| (x as usize, entry.span.clone())),
                "priority" => {
                    if let Some(at) = self.choice(entry, &PRIORITIES) {
                        note.priority = [Priority::Last, Priority::Low, Priority::High][at];
                    }
                }
                "steal" => {
                    if let Some(at) = self.choice(entry, &STEALS) {
                        note.steal = [Steal::Oldest, Steal::Quietest, Steal::Same, Steal::Never][at];
                    }
                }
                "unison" => note.unison = self.number(entry, 1.0, 16.0, true).map_or(1, |x| x as usize),
                "mpe" => note.mpe = self.boolean(entry).unwrap_or(false),
                "bend_range" => note.bend_range = self.bend_range(entry).unwrap_or(note.bend_range),
                "glide" => note.glide = self.note_input(entry, 0).unwrap_or_default(),
                "detune" => note.detune = self.note_input(entry, 1).unwrap_or_default(),
                "spread" => note.spread = self.note_input(entry, 2).unwrap_or_default(),
                "gate" | "pitch" | "velocity" => {
                    let message = format!("a patch that plays its own voices with `{}` is not read by this version", entry.key);
                    let help = "leave it out; a drone or a sequence can be made of global modules";
                    self.findings.report(Diagnostic::error(codes::NOT_SUPPORTED, entry.key_span.clone(), message).help(help));
                }
                _ => self.unknown_key(entry, "`[note]`", SETTINGS.into_iter().chain(INPUTS.map(|input| input.0))),
            }
        }
        // One note at a time needs no more voices than that note has.
        let usual = if note.mode == VoiceMode::Poly { VOICES.max(note.unison) } else { note.unison };
        note.voices = usual;
        if let Some((voices, span)) = voices {
            note.voices = voices;
            if voices < note.unison {
                let message = format!("a note needs {} voices for its unison", note.unison);
                self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, span, message).help("`voices` is at least `unison`"));
            }
        }
        note
    }

    fn bend_range(&mut self, entry: &Entry<'d, 't>) -> Option<f32> {
        match self.quantity(entry)? {
            Quantity::Interval(octaves) if (0.0..=8.0).contains(&octaves) => Some(octaves as f32),
            Quantity::Interval(_) => {
                let message = "`bend_range` goes from 0 to 8 oct";
                self.findings.report(Diagnostic::error(codes::OUT_OF_RANGE, entry.span.clone(), message));
                None
            }
            Quantity::Plain(x) => {
                let message = "`bend_range` must say its unit";
                let mut diagnostic =
                    Diagnostic::error(codes::NEEDS_UNIT, entry.span.clone(), message).help("such as \"2 st\" or \"1 oct\"");
                diagnostic.fix = Some(format!("\"{x} st\""));
                self.findings.report(diagnostic);
                None
            }
            other => {
                let message = format!("this is {}, but `bend_range` takes an interval", other.what());
                self.findings.report(Diagnostic::error(codes::WRONG_UNIT, entry.span.clone(), message).help("such as \"2 st\""));
                None
            }
        }
    }

    fn note_input(&mut self, entry: &Entry<'d, 't>, at: usize) -> Option<Sum> {
        let (name, unit, range, _) = INPUTS[at];
        let place = Place { name: format!("note.{name}"), unit, range: Some(range), domain: Domain::Global, knobs_only: true };
        self.sum(entry, &place).map(|lowered| lowered.sum)
    }
}
