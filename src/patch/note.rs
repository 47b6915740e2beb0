//! `[note]`: how notes become voices.

use toml::de::DeValue;

use crate::base::diagnostic::Diagnostic;
use crate::base::units::Unit;
use crate::module::Input;

use super::codes;
use super::document::Entry;
use super::model::{Amount, Base, Domain, GlideMode, GlideWhen, NoteMode, Patch, Play, Priority, Source, Steal, Sum, VoiceMode};
use super::pitch::Pending;
use super::quantity::Quantity;
use super::reading::Reading;
use super::stereo::modules_of_term;
use super::sum::Place;

/// Its inputs, in the order of their numbers: name, unit, range [natural unit], what they do.
pub const INPUTS: [(&str, Unit, (f32, f32), &str); 3] = [
    ("glide", Unit::Seconds, (0.0, 10.0), "Time in which the pitch goes from one note to the next."),
    ("detune", Unit::Octaves, (0.0, 1.0), "From the lowest voice of a unison to the highest."),
    ("spread", Unit::Number, (0.0, 1.0), "How far the voices of a unison stand apart in note.pan."),
];

/// The inputs with which a patch plays its own voices; their numbers follow those of [`INPUTS`].
pub static PLAYED: [Input; 3] = [
    Input::gate(0, "gate", "Plays a note of the patch's own: starts it where this rises, ends it where it falls."),
    Input::pitch(1, "pitch", "Pitch of that note, which it follows while the gate is high."),
    Input::ratio(2, "velocity", 0.0, 1.0, 1.0, "How hard that note is struck: as this stands where the gate rises."),
];

/// Its settings.
pub const SETTINGS: [&str; 9] = ["mode", "voices", "priority", "steal", "unison", "glide_mode", "glide_when", "mpe", "bend_range"];

/// Words of `mode`.
pub const MODES: [&str; 3] = ["poly", "mono", "legato"];

/// Words of `priority`.
pub const PRIORITIES: [&str; 3] = ["last", "low", "high"];

/// Words of `steal`.
pub const STEALS: [&str; 4] = ["oldest", "quietest", "same", "never"];

/// Words of `glide_mode`.
pub const GLIDE_MODES: [&str; 2] = ["time", "rate"];

/// Words of `glide_when`.
pub const GLIDE_WHENS: [&str; 2] = ["always", "legato"];

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
            glide_mode: GlideMode::Time,
            glide_when: GlideWhen::Always,
            mpe: false,
            bend_range: 2.0 / 12.0,
            glide: number(0.0),
            detune: number(DETUNE),
            spread: number(0.0),
            play: None,
        }
    }
}

impl<'d, 't> Reading<'d, 't> {
    /// Reads `[note]`.
    pub fn note(&mut self, entries: &[Entry<'d, 't>], pending: &mut Vec<Pending>) -> NoteMode {
        let mut note = NoteMode::default();
        let mut voices = None;
        let mut glide_when = None;
        let mut played: [Option<Sum>; 3] = [None, None, None];
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
                "glide_mode" => {
                    if let Some(at) = self.choice(entry, &GLIDE_MODES) {
                        note.glide_mode = [GlideMode::Time, GlideMode::Rate][at];
                    }
                }
                "glide_when" => glide_when = self.choice(entry, &GLIDE_WHENS).map(|at| [GlideWhen::Always, GlideWhen::Legato][at]),
                "mpe" => note.mpe = self.boolean(entry).unwrap_or(false),
                "bend_range" => note.bend_range = self.bend_range(entry).unwrap_or(note.bend_range),
                "glide" => note.glide = self.note_input(entry, 0).unwrap_or_default(),
                "detune" => note.detune = self.note_input(entry, 1).unwrap_or_default(),
                "spread" => note.spread = self.note_input(entry, 2).unwrap_or_default(),
                "gate" => played[0] = Some(self.played(entry, 0, pending).unwrap_or_default()),
                "pitch" => played[1] = Some(self.played(entry, 1, pending).unwrap_or_default()),
                "velocity" => played[2] = Some(self.played(entry, 2, pending).unwrap_or_default()),
                _ => self.unknown_key(
                    entry,
                    "`[note]`",
                    SETTINGS.into_iter().chain(INPUTS.map(|input| input.0)).chain(PLAYED.map(|input| input.name)),
                ),
            }
        }
        let unplayed = entries.iter().find(|entry| matches!(entry.key, "pitch" | "velocity"));
        note.play = match played {
            [None, ..] => {
                if let Some(entry) = unplayed {
                    let message = format!("`{}` is of notes that the patch plays itself, and no `gate` plays any", entry.key);
                    let help = "add `gate`, such as `gate = \"seq.gate\"`; keys from outside bring their own pitch and velocity";
                    self.findings.report(Diagnostic::error(codes::MISSING_KEY, entry.key_span.clone(), message).help(help));
                }
                None
            }
            [Some(gate), pitch, velocity] => Some(Play([gate, pitch.unwrap_or_default(), velocity.unwrap_or_else(|| number(1.0))])),
        };
        // Who plays legato means it.
        let usual = if note.mode == VoiceMode::Legato { GlideWhen::Legato } else { GlideWhen::Always };
        note.glide_when = glide_when.unwrap_or(usual);
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

    /// What plays the patch's own voices: a sum of global signals.
    fn played(&mut self, entry: &Entry<'d, 't>, at: usize, pending: &mut Vec<Pending>) -> Option<Sum> {
        let input = &PLAYED[at];
        let range = Some((input.min, input.max));
        let place = Place { name: format!("note.{}", input.name), unit: input.unit, range, domain: Domain::Global, knobs_only: false };
        let lowered = self.sum(entry, &place)?;
        if let (true, DeValue::String(text)) = (lowered.needs_pitch, entry.value) {
            let origin = self.document.origin(text, &entry.span);
            pending.push(Pending::Note { span: origin.span(0, lowered.sum.text.len()), exact: origin.exact() });
        }
        Some(lowered.sum)
    }

    /// What plays the voices must not hear them: it is worked out before they are.
    pub fn plays_before_voices(&mut self, patch: &Patch) {
        let Some(play) = patch.note.as_ref().and_then(|note| note.play.as_ref()) else { return };
        for (input, sum) in PLAYED.iter().zip(&play.0) {
            let mut seen = vec![false; patch.modules.len()];
            let mut found = Vec::new();
            sum.terms.iter().for_each(|term| modules_of_term(term, &mut found));
            while let Some(id) = found.pop() {
                let module = &patch.modules[id.0];
                if std::mem::replace(&mut seen[id.0], true) {
                    continue;
                }
                let terms = || module.inputs.iter().flat_map(|sum| &sum.terms);
                if let (Domain::Global, true) = (module.domain, terms().any(|term| hears_voices(patch, &term.sources))) {
                    let message = format!("`note.{}` plays the voices and hears them, through `{}`", input.name, module.name);
                    let help = "which note begins must be known before the voices sound: take it from modules that they do not reach";
                    self.findings.report(Diagnostic::error(codes::PLAYS_ITSELF, sum.span.clone(), message).help(help));
                    break;
                }
                terms().for_each(|term| modules_of_term(term, &mut found));
            }
        }
    }
}

/// Whether anything among these comes from a voice.
fn hears_voices(patch: &Patch, sources: &[Source]) -> bool {
    sources.iter().any(|source| match source {
        Source::Output { module, .. } => patch.modules[module.0].domain == Domain::Voice,
        Source::Note(_) => true,
        Source::Group(sum) => sum.terms.iter().any(|term| hears_voices(patch, &term.sources)),
        _ => false,
    })
}
