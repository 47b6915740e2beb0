//! Golden renders: one second of every shipped patch, half a second of every module in each of its modes.
//!
//! A render is kept as a hash of its exact bits, and as a coarse table of levels, so that who changes a sound sees what changed.
//! `GOLDEN=write cargo test --release --test it golden` writes them anew; what that changes is for a person to look at.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use rackd::base::units::Unit;
use rackd::dsp::fft::{Complex, transform};
use rackd::module::isa::Level;
use rackd::module::rig::{Cuts, Rig};
use rackd::module::{Input, ModuleDef, Seed, SettingKind, SettingValue, Settings};
use rackd::modules::CATALOGUE;

use crate::phrase::pieces;
use crate::rig::{RATE, Way};

/// Modules whose sound is made by a library: no bits are promised for them.
const FOREIGN: [&str; 1] = ["reverb_fdn"];

/// How far a level may be off where bits are not compared [dB].
const NEAR: f64 = 0.5;
/// Levels below this are silence [dB].
const FLOOR: f64 = -100.0;
/// Centres of the bands [Hz]; each is an octave wide.
const BANDS: [f64; 10] = [31.0, 63.0, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0];

/// FNV-1a of the bits, least byte first.
fn hash(frames: &[f32]) -> u64 {
    let bytes = frames.iter().flat_map(|x| x.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn level(power: f64) -> f64 {
    (10.0 * libm::log10(power.max(1e-20))).max(FLOOR)
}

fn numbers(values: impl Iterator<Item = f64>) -> String {
    values.fold(String::new(), |mut text, x| {
        let _ = write!(text, " {:6.1}", if x == 0.0 { 0.0 } else { x });
        text
    })
}

/// Power in each band.
fn bands(x: &[f32]) -> [f64; 10] {
    let size = 1 << x.len().ilog2();
    let mut bins: Vec<Complex> = (0..size)
        .map(|at| {
            let window = 1.0 - libm::cos(std::f64::consts::TAU * at as f64 / size as f64);
            Complex { re: f64::from(x[at]) * window, im: 0.0 }
        })
        .collect();
    transform(&mut bins);
    let mut powers = [0.0; 10];
    for (at, bin) in bins[..size / 2].iter().enumerate() {
        let hertz = at as f64 * f64::from(RATE) / size as f64;
        if let Some(band) =
            BANDS.iter().position(|centre| (centre / std::f64::consts::SQRT_2..centre * std::f64::consts::SQRT_2).contains(&hertz))
        {
            powers[band] += 2.0 * (bin.re * bin.re + bin.im * bin.im) / (size as f64 * size as f64 * 1.5);
        }
    }
    powers
}

/// What is kept of one signal: a line of bits and two lines of levels.
fn entry(name: &str, frames: &[f32], exact: bool) -> String {
    let bits = if exact { format!("{:016x}", hash(frames)) } else { "-".to_owned() };
    let mean_square = |part: &[f32]| part.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / part.len() as f64;
    let levels = numbers(frames.chunks(frames.len() / 10).map(|part| level(mean_square(part))));
    format!("{name}\n  bits   {bits}\n  levels{levels}\n  bands {}\n", numbers(bands(frames).into_iter().map(level)))
}

/// Whether two entries' lines say the same, bits by the letter and levels as closely as asked.
fn same(kept: &str, now: &str, exact: bool) -> bool {
    let (kept, now): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), now.lines().collect());
    kept.len() == now.len()
        && kept.iter().zip(&now).all(|(kept, now)| {
            let (a, b): (Vec<&str>, Vec<&str>) = (kept.split_whitespace().collect(), now.split_whitespace().collect());
            match a.first() {
                Some(&"bits") if exact => a == b,
                Some(&"bits") => true,
                Some(&("levels" | "bands")) => {
                    let close = |a: &&str, b: &&str| {
                        let (a, b): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
                        (a.max(-60.0) - b.max(-60.0)).abs() <= NEAR
                    };
                    a.len() == b.len() && a[1..].iter().zip(&b[1..]).all(|(a, b)| close(a, b))
                }
                _ => a == b,
            }
        })
}

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(of)
}

/// Compares with the files of a folder, or writes them; all that differ are told at once. `known`: whether a file that belongs to
/// none of these is to stay.
fn compare(of: &str, renders: &[(String, String, bool)], known: impl Fn(&str) -> bool) {
    let folder = folder(of);
    let writes = std::env::var_os("GOLDEN").is_some_and(|word| word == "write");
    let head = "Levels in dB for each tenth of the time, and for each octave band about 31, 63, … 16000 Hz.\n";
    let mut wrong = String::new();
    for (name, now, exact) in renders {
        let file = folder.join(format!("{name}.txt"));
        let now = format!("{head}{now}");
        if writes {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, now).unwrap();
            continue;
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        if !same(&kept, &now, *exact && cfg!(target_arch = "x86_64")) {
            let _ = writeln!(wrong, "{} kept:\n{kept}now:\n{now}", file.display());
        }
    }
    for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        let stem = entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
        if known(&stem) || renders.iter().any(|(name, ..)| *name == stem) {
            continue;
        }
        if writes {
            fs::remove_file(entry.path()).unwrap();
        } else {
            let _ = writeln!(wrong, "{} is of nothing that there is", entry.path().display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}If that is how it shall sound: GOLDEN=write cargo test --release --test it golden");
}

#[test]
fn golden_patches() {
    let renders: Vec<_> = pieces()
        .iter()
        .map(|piece| {
            let heard = piece.rig(Way { buffer: 512, ..Way::default() }).run(RATE as usize);
            let shared = piece.rig(Way { buffer: 512, width: Some(1), shares: 3, ..Way::default() }).run(RATE as usize);
            assert!(shared == heard, "{} one by one, in three shares", piece.name);
            let side = |side: usize| heard.iter().map(|frame| frame[side]).collect::<Vec<f32>>();
            let text = entry("left", &side(0), true) + &entry("right", &side(1), true);
            (piece.name.replace('/', "-"), text, true)
        })
        .collect();
    compare("patches", &renders, |_| false);
}

/// What an input is fed: sound, gates and pulses that all kinds of modules make something of. Whole numbers and sums of them, so
/// that it is the same everywhere.
fn course(input: Input, side: usize, time: u64) -> f32 {
    // Up and down once in so many frames, 0..1.
    let sway = |frames: u64| {
        let at = (time % frames) as f32 / frames as f32;
        if at < 0.5 { 2.0 * at } else { 2.0 - 2.0 * at }
    };
    let saw = |hertz: u64| (time * hertz % 48_000) as f32 / 24_000.0 - 1.0;
    match input.unit {
        Unit::Audio if time % 16_000 < 12_000 => 0.3 * saw(110 + 55 * side as u64) + 0.2 * saw(333),
        Unit::Audio => 0.0,
        Unit::Gate => f32::from(u8::from(time % 9_000 < 5_000)),
        Unit::Trigger => f32::from(u8::from(time % 3_000 == 17)),
        // Moved by a part of the range that leaves the sound in its middle.
        Unit::Hertz => input.default * (0.5 + 2.0 * sway(10_000 + 1_000 * input.index as u64)),
        Unit::Seconds => input.default * (0.2 + sway(14_000)),
        _ => input.default + 0.3 * (input.max - input.default) * sway(8_000 + 500 * input.index as u64),
    }
}

/// The defaults, and each word of each choice.
fn variants(def: &ModuleDef) -> Vec<(String, Settings)> {
    let mut all = vec![("defaults".to_owned(), Settings::defaults(def.settings))];
    for setting in def.settings {
        if let SettingKind::Choice(words) = setting.kind {
            for (at, word) in words.iter().enumerate().skip(1) {
                let mut settings = Settings::defaults(def.settings);
                settings.0[setting.index] = SettingValue::Choice(at);
                all.push((format!("{} = {word}", setting.name), settings));
            }
        }
    }
    all
}

#[test]
fn golden_modules() {
    let mut renders = Vec::new();
    for def in CATALOGUE.iter() {
        let exact = !FOREIGN.contains(&def.name);
        let mut text = String::new();
        for (variant, settings) in variants(def) {
            let mut rig = Rig::of(def, 1, Level::detect(), RATE, &settings);
            rig.reset(rackd::dsp::lanes::LaneMask::one(0), Seed::of_name(def.name));
            for &input in def.inputs {
                for side in 0..1 + usize::from(input.stereo) {
                    rig.drive_side(input, side, move |time, _| course(input, side, time));
                }
            }
            let take = rig.run(24_000, &Cuts::whole());
            for output in def.outputs {
                for side in 0..1 + usize::from(output.stereo) {
                    let name = format!("{variant}: {}{}", output.name, ["", ".right"][side]);
                    text += &entry(&name, take.lane(def.output_wire(output.index) + side, 0), exact);
                }
            }
        }
        renders.push((def.name.to_owned(), text, exact));
    }
    compare("modules", &renders, |stem| FOREIGN.contains(&stem));
}

/// Comparing must be able to fail.
#[test]
fn golden_comparison_sees_what_changed() {
    let tone: Vec<f32> = (0..4_800).map(|at| (at % 109) as f32 / 109.0 - 0.5).collect();
    let kept = entry("left", &tone, true);
    assert!(same(&kept, &kept, true));
    let mut other = tone.clone();
    other[4_000] = f32::from_bits(other[4_000].to_bits() ^ 1);
    assert!(!same(&kept, &entry("left", &other, true), true), "one bit");
    assert!(same(&kept, &entry("left", &other, true), false), "no ear hears one bit");
    let louder: Vec<f32> = tone.iter().map(|x| x * 1.1).collect();
    assert!(!same(&kept, &entry("left", &louder, true), false), "0.8 dB");
    let higher: Vec<f32> = (0..4_800).map(|at| (at % 50) as f32 / 50.0 - 0.5).collect();
    assert!(!same(&kept, &entry("left", &higher, true), false), "an octave");
    assert!(!same("", &kept, true), "nothing kept");
}
