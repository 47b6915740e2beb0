//! The patches that are shipped, and a typical phrase for each: what its kind asks for follows from the patch itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use rackd::patch::{KeySource, Out, Patch, Source, Sum, VoiceMode};

use crate::rig::{Rig, Way, parsed};

/// Frames of a phrase.
pub const PHRASE: usize = 144_000;

/// One shipped patch.
pub struct Piece {
    /// Below `patches/`, without `.toml`: `tutorial/01-tone`.
    pub name: String,
    pub text: String,
}

/// What makes a patch sound.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Notes, several at once.
    Chords,
    /// Notes, one after the other.
    Line,
    /// These keys, each with modules of its own.
    Kit(Vec<u8>),
    /// What comes in.
    Effect,
    /// Nothing: it plays itself.
    Alone,
}

/// Where they lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("patches")
}

/// All of them, in order of their names.
pub fn pieces() -> Vec<Piece> {
    let mut names = BTreeSet::new();
    for below in ["", "parts/", "tutorial/"] {
        for entry in std::fs::read_dir(folder().join(below)).unwrap() {
            if let Some(stem) = entry.unwrap().file_name().to_str().unwrap().strip_suffix(".toml") {
                names.insert(format!("{below}{stem}"));
            }
        }
    }
    names.into_iter().map(|name| Piece { text: std::fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap(), name }).collect()
}

fn keys_of(sum: &Sum, keys: &mut BTreeSet<u8>) {
    for source in sum.terms.iter().flat_map(|term| &term.sources) {
        match source {
            Source::Keys(KeySource::Key(key)) => {
                keys.insert(*key);
            }
            Source::Group(sum) => keys_of(sum, keys),
            _ => {}
        }
    }
}

/// What a patch asks for.
pub fn kind(patch: &Patch) -> Kind {
    let mut keys = BTreeSet::new();
    let out = match &patch.out {
        Out::Whole(sum) => vec![sum],
        Out::Sides(left, right) => vec![left, right],
    };
    for sum in patch.modules.iter().flat_map(|module| &module.inputs).chain(out) {
        keys_of(sum, &mut keys);
    }
    match &patch.note {
        Some(note) if note.play.is_some() => Kind::Alone,
        Some(note) if note.mode == VoiceMode::Poly => Kind::Chords,
        Some(_) => Kind::Line,
        None if !keys.is_empty() => Kind::Kit(keys.into_iter().collect()),
        None if patch.inputs.is_some() => Kind::Effect,
        None => Kind::Alone,
    }
}

/// A struck string, once a second: what comes in to an effect for the first three seconds.
fn plucked(at: u64) -> [f32; 2] {
    if at >= PHRASE as u64 {
        return [0.0; 2];
    }
    // A triangle of 330 Hz that dies away, counted in whole numbers so that it is the same everywhere.
    let (t, beat) = ((at * 330 % 48_000) as f32 / 48_000.0, (at % 48_000) as f32 / 48_000.0);
    let wave = if t < 0.5 { 4.0 * t - 1.0 } else { 3.0 - 4.0 * t };
    let fall = if beat < 0.5 { 1.0 - 2.0 * beat } else { 0.0 };
    let x = 0.6 * wave * fall * fall * fall;
    [x, 0.8 * x]
}

impl Piece {
    /// A rig that will play the phrase of three seconds; whatever is held by then is let go.
    pub fn rig(&self, way: Way) -> Rig {
        let mut rig = Rig::with(&self.text, way);
        match kind(&rig.patch) {
            Kind::Chords => {
                for (at, notes) in [(480, [48.0, 60.0, 63.0, 67.0]), (72_480, [44.0, 56.0, 63.0, 72.0])] {
                    for (number, note) in notes.into_iter().enumerate() {
                        rig.note(at + 31 * number as u64, note, 0.75, 66_000);
                    }
                }
            }
            Kind::Line => {
                // Some notes overlap, so that they slide.
                for (number, note) in [36.0, 36.0, 48.0, 43.0, 39.0, 41.0, 34.0, 46.0].into_iter().enumerate() {
                    let long = number % 3 == 2;
                    rig.note(480 + 17_501 * number as u64, note, 0.6 + 0.05 * (number % 8) as f32, if long { 24_000 } else { 14_000 });
                }
            }
            Kind::Kit(keys) => {
                for (number, key) in keys.iter().cycle().take(14).enumerate() {
                    rig.note(480 + 10_001 * number as u64, f32::from(*key), 0.8, 2_400);
                }
            }
            Kind::Effect => rig.input = Box::new(plucked),
            Kind::Alone => {}
        }
        rig
    }
}

/// Frames that the limiter held back, and outputs that were no number.
pub fn troubles(rig: &Rig) -> (u64, u64) {
    (rig.doors.shown.limited.load(Relaxed), rig.doors.shown.not_finite.load(Relaxed))
}

/// Kinds are what the names say, or the other tests would play nothing.
#[test]
fn the_shipped_patches_are_of_every_kind() {
    let kind_of = |name: &str| kind(&parsed(&pieces().into_iter().find(|piece| piece.name == name).unwrap().text));
    for (name, want) in [
        ("init", Kind::Chords),
        ("bass", Kind::Line),
        ("pad", Kind::Chords),
        ("keys", Kind::Chords),
        ("drums", Kind::Kit(vec![36, 38, 39, 42, 45, 46, 50])),
        ("drone", Kind::Alone),
        ("wander", Kind::Alone),
        ("echo", Kind::Effect),
        ("tutorial/01-tone", Kind::Alone),
        ("tutorial/06-voices", Kind::Line),
    ] {
        assert_eq!(kind_of(name), want, "{name}");
    }
    assert!(pieces().iter().filter(|piece| piece.name.starts_with("tutorial/")).count() >= 8);
}
