//! The seven workloads: their numbers, and each as patches and notes for rackd.
//!
//! | | what |
//! |---|---|
//! | W1 | 512 sines, 80 · 2^(7 i / 512) Hz, summed, each at 1/512 |
//! | W2 | 128 held voices: two saws, a ladder swept by an envelope, an amplifier with an envelope, a place |
//! | W3 | 128 held voices: four operators in a row, true FM, an envelope each |
//! | W4 | one sine through 50 chains of 100 multiplications |
//! | W5 | 8 times noise, chorus, delay, reverb |
//! | W6 | 200 notes a second of W2's voice with short envelopes: 50 at a time |
//! | W7 | 64 slots, each another patch of one voice |
#![allow(dead_code, reason = "each bench takes what it needs")]

pub mod render;
pub mod slots;

use std::fmt::Write;

/// Frames a second [Hz].
pub const RATE: f32 = 48_000.0;

/// Frames of one call of the engine.
pub const BUFFER: usize = 64;

pub const SINES: u32 = 512;
pub const VOICES: u32 = 128;
pub const DETUNE: [f64; 2] = [0.997, 1.003];
/// Attack, decay, sustain, release of W2's cutoff and loudness [s, s, -, s].
pub const SWEEP: [f32; 4] = [0.05, 0.5, 0.4, 0.3];
pub const LOUDNESS: [f32; 4] = [0.02, 0.3, 0.7, 0.3];
/// The same of all of W6's envelopes.
pub const SHORT: [f32; 4] = [0.01, 0.05, 0.7, 0.05];
/// Cutoff of W2 without its envelope and what the envelope adds [Hz].
pub const CUTOFF: [f32; 2] = [300.0, 3000.0];
/// Ratio of each of W3's operators to the note, the first is heard.
pub const RATIOS: [f32; 4] = [1.0, 1.0, 2.0, 3.0];
/// How far the next operator moves each of the first three.
pub const INDICES: [f32; 3] = [1.5, 1.0, 1.0];
pub const CHAINS: usize = 50;
pub const LINKS: usize = 100;
/// The factors of a chain, in turn.
pub const FACTORS: [f32; 2] = [0.8, 1.25];
pub const EFFECTS: usize = 8;
/// W6: seconds from note to note, and how long each is held [s].
pub const EVERY: f64 = 0.005;
pub const HELD: f64 = 0.2;

/// One of the seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    W1,
    W2,
    W3,
    W4,
    W5,
    W6,
    W7,
}

impl Workload {
    pub const ALL: [Self; 7] = [Self::W1, Self::W2, Self::W3, Self::W4, Self::W5, Self::W6, Self::W7];

    pub fn name(self) -> &'static str {
        ["w1", "w2", "w3", "w4", "w5", "w6", "w7"][self as usize]
    }

    pub fn what(self) -> &'static str {
        [
            "512 sines",
            "128 subtractive voices",
            "128 voices of four FM operators",
            "5,000 multiplications in 50 chains",
            "8 times noise, chorus, delay, reverb",
            "200 notes a second, 50 voices at a time",
            "64 different patches of one voice",
        ][self as usize]
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.name().eq_ignore_ascii_case(name))
    }
}

/// A workload as rackd plays it: its name on the command line, and where it differs from the others of its workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub name: &'static str,
    pub work: Workload,
    /// What is said of it in a table; empty for the workload as it is.
    pub form: &'static str,
}

/// All that rackd plays.
pub const PIECES: [Piece; 8] = [
    Piece { name: "w1", work: Workload::W1, form: "" },
    Piece { name: "w2", work: Workload::W2, form: "" },
    Piece { name: "w3", work: Workload::W3, form: "" },
    Piece { name: "w4", work: Workload::W4, form: "" },
    Piece { name: "w4-folded", work: Workload::W4, form: "factors as numbers" },
    Piece { name: "w5", work: Workload::W5, form: "" },
    Piece { name: "w6", work: Workload::W6, form: "" },
    Piece { name: "w7", work: Workload::W7, form: "" },
];

impl Piece {
    pub fn of(name: &str) -> Option<Self> {
        PIECES.into_iter().find(|piece| piece.name.eq_ignore_ascii_case(name))
    }

    /// The patches, a slot each.
    pub fn patches(self) -> Vec<String> {
        match self.name {
            "w1" => vec![sines()],
            "w2" => vec![include_str!("w2.toml").to_string()],
            "w3" => vec![include_str!("w3.toml").to_string()],
            "w4" => vec![chains(false)],
            "w4-folded" => vec![chains(true)],
            "w5" => vec![effects()],
            "w6" => vec![include_str!("w6.toml").to_string()],
            "w7" => (0..slots::SLOTS).map(slots::patch).collect(),
            other => unreachable!("no piece is called {other}"),
        }
    }
}

/// A note of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    pub slot: u8,
    /// When it begins, and how long it is held [s].
    pub at: f64,
    pub held: f64,
    /// Its pitch [Hz].
    pub frequency: f64,
    /// Its place, -1..1.
    pub pan: f64,
}

/// The place of the voice of a number, -1..1.
pub fn pan(voice: u32) -> f64 {
    -0.9 + 1.8 * f64::from(voice % 16) / 15.0
}

/// The frequency of a sine of W1 [Hz].
pub fn sine(number: u32) -> f64 {
    80.0 * 2f64.powf(7.0 * f64::from(number) / f64::from(SINES))
}

/// The notes of a workload of so many seconds, by time.
pub fn notes(work: Workload, seconds: f64) -> Vec<Note> {
    let held = seconds - 0.5;
    let chord = |low: f64, octaves: f64| {
        let frequency = move |voice| low * 2f64.powf(octaves * f64::from(voice) / f64::from(VOICES));
        (0..VOICES).map(|voice| Note { slot: 0, at: 0.0, held, frequency: frequency(voice), pan: pan(voice) }).collect()
    };
    match work {
        Workload::W1 | Workload::W4 | Workload::W5 => Vec::new(),
        Workload::W2 => chord(55.0, 4.0),
        Workload::W3 => chord(110.0, 3.0),
        Workload::W6 => {
            let count = ((seconds - 0.3) / EVERY) as u32;
            let frequency = |number: u32| 110.0 * 2f64.powf(f64::from(number * 7 % 48) / 12.0);
            let note = |number| Note { slot: 0, at: f64::from(number) * EVERY, held: HELD, frequency: frequency(number), pan: pan(number) };
            (0..count).map(note).collect()
        }
        Workload::W7 => {
            let frequency = |slot| slots::frequency(usize::from(slot));
            (0..slots::SLOTS as u8)
                .map(|slot| Note { slot, at: 0.0, held, frequency: frequency(slot), pan: pan(u32::from(slot)) })
                .collect()
        }
    }
}

fn sines() -> String {
    let mut text = String::from("format = 1\nname = \"W1\"\n");
    for number in 0..SINES {
        let _ = write!(text, "[global.sine{number}]\ntype = \"vco\"\npitch = \"{:.5} Hz\"\n", sine(number));
    }
    let sum: Vec<String> = (0..SINES).map(|number| format!("sine{number}.sine")).collect();
    let _ = write!(text, "[out]\nin = \"({}) * {}\"\n", sum.join(" + "), 1.0 / f64::from(SINES));
    text
}

/// Chains of modules that each have a gain with an address, or of numbers in an expression.
fn chains(folded: bool) -> String {
    let mut text = String::from("format = 1\nname = \"W4\"\n[global.source]\ntype = \"vco\"\npitch = \"220 Hz\"\n");
    let mut ends = Vec::new();
    for chain in 0..CHAINS {
        let mut from = String::from("source.sine");
        if folded {
            for link in 0..LINKS {
                let _ = write!(from, " * {}", FACTORS[link % 2]);
            }
            let _ = write!(text, "[global.chain{chain}]\ntype = \"vca\"\nin = \"{from}\"\n");
            from = format!("chain{chain}");
        } else {
            for link in 0..LINKS {
                let name = format!("link{chain}_{link}");
                let _ = write!(text, "[global.{name}]\ntype = \"vca\"\nin = \"{from}\"\nlevel = {}\n", FACTORS[link % 2]);
                from = name;
            }
        }
        ends.push(from);
    }
    let _ = write!(text, "[out]\nin = \"({}) * 0.01\"\n", ends.join(" + "));
    text
}

fn effects() -> String {
    let mut text = String::from("format = 1\nname = \"W5\"\n");
    let one = include_str!("w5.toml");
    for number in 0..EFFECTS {
        text.push_str(&one.replace("{n}", &number.to_string()));
    }
    let sum: Vec<String> = (0..EFFECTS).map(|number| format!("room{number}")).collect();
    let _ = write!(text, "[out]\nin = \"{}\"\n", sum.join(" + "));
    text
}
