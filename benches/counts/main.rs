//! How many instructions a frame takes: every workload and every module, counted by callgrind, beside the figures in `counts.txt`.
//!
//! Counts do not depend on how busy a machine is, so a change of 3 percent is told from noise. `make counts` compares, `make
//! counts-update` writes the figures anew; `docs/performance.md` says more.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../workloads/mod.rs"]
mod workloads;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use rackd::base::units::Unit;
use rackd::dsp::lanes::LaneMask;
use rackd::module::rig::{Cuts, Rig, widths};
use rackd::module::{Input, Seed, Settings};
use rackd::modules::CATALOGUE;
use workloads::render::{Stage, level};
use workloads::{BUFFER, PIECES, Piece, RATE};

/// By how much a count may differ from the one that is kept [parts of it].
const MARGIN: f64 = 0.03;

/// The level at which all is counted: valgrind knows no 512-bit vectors.
const LEVEL: &str = "avx2";

/// Blocks before the count begins, and blocks that are counted: 0.1 s and 0.25 s.
const BEFORE: usize = 75;
const COUNTED: usize = 188;

#[derive(Parser)]
#[command(name = "counts", about = "Instructions a frame, by callgrind")]
struct Args {
    /// Writes the figures anew
    #[arg(long)]
    update: bool,
    /// Only what has this in its name
    #[arg(long, default_value = "")]
    only: String,
    /// Shows every figure
    #[arg(long)]
    all: bool,
    /// Runs one of them and ends
    #[arg(long)]
    play: Option<String>,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Collecting begins where this is entered and stops where it is left: its name is given to callgrind.
#[inline(never)]
fn what_is_counted(work: &mut dyn FnMut()) {
    work();
}

fn play(name: &str) {
    let level = level(LEVEL).expect("256-bit vectors");
    if let Some(piece) = name.strip_prefix("workload ") {
        let piece = Piece::of(piece).unwrap_or_else(|| panic!("no piece is called {piece}"));
        let mut stage = Stage::new(piece, 10.0, level, 1);
        let mut run = |blocks| {
            for _ in 0..blocks {
                std::hint::black_box(stage.block());
            }
        };
        run(BEFORE);
        what_is_counted(&mut || run(COUNTED));
        return;
    }
    let (kind, lanes) = name.strip_prefix("module ").and_then(|name| name.split_once(' ')).expect("a kind and how many lanes");
    let def = *CATALOGUE.0.iter().find(|def| def.name == kind).unwrap_or_else(|| panic!("no module is called {kind}"));
    let mut rig = Rig::of(def, lanes.parse().expect("lanes"), level, RATE, &Settings::defaults(def.settings));
    for input in def.inputs {
        feed(&mut rig, *input);
    }
    rig.reset(LaneMask::ALL, Seed::of_name(def.name));
    rig.run(BUFFER, &Cuts::whole());
    rig.spin(BEFORE);
    what_is_counted(&mut || rig.spin(COUNTED));
}

/// What is to be worked on moves; gates are up, and all else stands where it stands by itself.
fn feed(rig: &mut Rig, input: Input) {
    if input.unit == Unit::Audio && input.name.starts_with("in") {
        let chance = |time: u64, lane: usize| Seed::of_name("chance").with(time).with(lane as u64).0 as u32;
        rig.drive(input, move |time, lane| chance(time, lane) as f32 / u32::MAX as f32 - 0.5);
    } else if input.name == "gate" {
        rig.hold(input, 1.0);
    }
}

/// Everything that is counted.
fn names() -> Vec<String> {
    let workloads = PIECES.iter().map(|piece| format!("workload {}", piece.name));
    let modules = CATALOGUE.0.iter().flat_map(|def| {
        // Eight lanes are sixteen's loop, cut short.
        widths(def).iter().filter(|lanes| [1, 16].contains(*lanes)).map(|lanes| format!("module {} {lanes}", def.name))
    });
    workloads.chain(modules).collect()
}

/// Instructions a frame.
fn count(name: &str) -> Result<f64, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*what_is_counted*"])
        .arg(me)
        .args(["--play", name])
        // What stands in the environment lies on the stack, and moves all that follows.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind (package valgrind): {error}"))?;
    let said = String::from_utf8_lossy(&run.stderr);
    if !run.status.success() {
        return Err(said.lines().find(|line| line.contains("panicked")).or(said.lines().last()).unwrap_or("it failed").to_string());
    }
    let counted = said.lines().find_map(|line| line.split_once("Collected :")).and_then(|(_, number)| number.trim().parse::<f64>().ok());
    match counted {
        Some(counted) if counted > 0.0 => Ok(counted / (COUNTED * BUFFER) as f64),
        _ => Err("callgrind has counted nothing".to_string()),
    }
}

/// Counts all, as many side by side as there are processors.
fn count_all(names: &[String]) -> Vec<Result<f64, String>> {
    let next = AtomicUsize::new(0);
    let counted = Mutex::new(vec![Err(String::new()); names.len()]);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = names.get(at) else { return };
                    let result = count(name);
                    counted.lock().unwrap()[at] = result;
                }
            });
        }
    });
    counted.into_inner().unwrap()
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/counts/counts.txt")
}

/// What is kept: a name and its figure a line.
fn kept() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (name, figure) = line.trim().rsplit_once(' ')?;
            Some((name.trim().to_string(), figure.parse().ok()?))
        })
        .collect()
}

fn write(figures: &BTreeMap<String, f64>) {
    let mut text = String::from("# Instructions a frame, with 256-bit vectors. Written by `make counts-update`.\n");
    for (name, figure) in figures {
        let _ = writeln!(text, "{name:<24} {figure:>10.1}");
    }
    std::fs::write(file(), text).expect("the file can be written");
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(name) = args.play {
        play(&name);
        return ExitCode::SUCCESS;
    }
    if level(LEVEL).is_none() {
        eprintln!("This machine has no 256-bit vectors: instructions cannot be compared.");
        return ExitCode::FAILURE;
    }
    let names: Vec<String> = names().into_iter().filter(|name| name.contains(&args.only)).collect();
    let kept = kept();
    let (mut figures, mut lines, mut wrong) = (kept.clone(), Vec::new(), 0);
    figures.retain(|name, _| !name.contains(&args.only) || names.contains(name));
    let gone = kept.keys().filter(|name| !figures.contains_key(*name));
    lines.extend(gone.map(|name| (format!("{name:<24} is kept, but is no longer there"), true)));
    for (name, counted) in names.iter().zip(count_all(&names)) {
        let before = kept.get(name);
        let (line, off) = match (counted, before) {
            (Err(error), _) => {
                wrong += 1;
                (format!("{name:<24} {error}"), true)
            }
            (Ok(now), None) => {
                figures.insert(name.clone(), now);
                (format!("{name:<24} {:>10} {now:>10.1}", "new"), true)
            }
            (Ok(now), Some(before)) => {
                figures.insert(name.clone(), now);
                let change = now / before - 1.0;
                (format!("{name:<24} {before:>10.1} {now:>10.1} {:>+7.1} %", change * 100.0), change.abs() > MARGIN)
            }
        };
        lines.push((line, off));
    }
    let off = lines.iter().filter(|(_, off)| *off).count();
    if args.all || off > 0 {
        println!("{:<24} {:>10} {:>10}   instructions a frame", "", "kept", "now");
    }
    for (line, _) in lines.iter().filter(|(_, off)| *off || args.all) {
        println!("{line}");
    }
    if args.update {
        write(&figures);
        println!("{} figures written", figures.len());
        return if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if off == 0 {
        println!("{} figures, all within {:.0} % of those that are kept", names.len(), MARGIN * 100.0);
        return ExitCode::SUCCESS;
    }
    println!("{off} of {} are off by more than {:.0} %. Where that is meant: make counts-update", lines.len(), MARGIN * 100.0);
    ExitCode::FAILURE
}
