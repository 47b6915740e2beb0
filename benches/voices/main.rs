//! 128 voices of one subtractive patch, offline, beside scsynth's in turn: CPU time a second of sound, and the ratio.
//!
//! Each run is a process of its own; a short run is subtracted, so that starting up does not count. `cargo bench --bench voices`.
#![allow(missing_docs, clippy::unwrap_used)]

mod score;

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rackd::engine::{Act, Engine, Event, NoteId};
use rackd::module::NoteSource;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::outline::NoteValue;
use rackd::plan::{Options, compile};

const VOICES: u32 = 128;
const RATE: f32 = 48_000.0;
const SHORT: f64 = 1.0;

fn frequency(voice: u32) -> f64 {
    55.0 * 2f64.powf(4.0 * f64::from(voice) / f64::from(VOICES))
}

fn pan(voice: u32) -> f64 {
    -0.9 + 1.8 * f64::from(voice % 16) / 15.0
}

/// Renders so many seconds in this process; prints the RMS, so that a silent run cannot pass for a fast one.
fn render(seconds: f64) {
    let text = include_str!("../w2.toml");
    let patch = rackd::patch::parse(text, &CATALOGUE).0.unwrap();
    let options = Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0 };
    let (plan, _) = compile(&patch, &options, &|_| None, None);
    let (mut engine, mut doors, mut door) = Engine::new(RATE);
    assert!(door.send(0, plan).is_ok());
    let off = ((seconds - 0.5) * f64::from(RATE)) as u32;
    for voice in 0..VOICES {
        let id = NoteId(voice);
        let pitch = (frequency(voice) / rackd::base::units::C4_HZ).log2() as f32;
        let on = Act::NoteOn { slot: 0, key: 60, id, pitch, velocity: 1.0, frames: off };
        let place = Act::NoteSet { slot: 0, id, what: NoteValue::Source(NoteSource::Pan), value: pan(voice) as f32 };
        doors.feeds[0].send(&[Event { at: 0, act: on }, Event { at: 0, act: place }]).unwrap();
    }
    let mut out = vec![0.0; 2 * 64];
    let mut sum = 0.0;
    let blocks = (seconds * f64::from(RATE)) as usize / 64;
    for _ in 0..blocks {
        engine.run(&[], 0, &mut out, 2);
        sum += out.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    }
    println!("{:.1}", 10.0 * (sum / (blocks * 128) as f64).log10());
}

/// CPU time of a process to its end [s], from the kernel's account of it (10 ms steps).
fn cpu(mut child: Child) -> f64 {
    let path = format!("/proc/{}/stat", child.id());
    let seconds = loop {
        let stat = std::fs::read_to_string(&path).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        if fields[0] == "Z" {
            break (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    child.wait().unwrap();
    seconds
}

fn ours(seconds: f64) -> f64 {
    let me = std::env::current_exe().unwrap();
    cpu(Command::new(me).args(["--render", &seconds.to_string()]).stdout(Stdio::null()).spawn().unwrap())
}

fn theirs(seconds: f64) -> Option<f64> {
    let folder = std::env::temp_dir();
    let score = folder.join(format!("rackd-bench-{}.osc", std::process::id()));
    let out = folder.join(format!("rackd-bench-{}.wav", std::process::id()));
    std::fs::File::create(&score).ok()?.write_all(&score::score(seconds, VOICES, frequency, pan)).ok()?;
    let run = Command::new("scsynth")
        .arg("-N")
        .args([score.as_os_str(), "_".as_ref(), out.as_os_str()])
        .args("48000 WAV float -o 2 -n 20000 -m 262144 -w 1024".split(' '))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let seconds = cpu(run);
    let size = std::fs::metadata(&out).map_or(0, |file| file.len());
    let _ = (std::fs::remove_file(score), std::fs::remove_file(out));
    (size > 1000).then_some(seconds)
}

fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    list[list.len() / 2]
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word == "--render") {
        return render(words[at + 1].parse().unwrap());
    }
    let (long, rounds) = (11.0, 5);
    let (mut mine, mut other, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let a = (ours(long) - ours(SHORT)) / (long - SHORT) * 1000.0;
        mine.push(a);
        if let (Some(slow), Some(start)) = (theirs(long), theirs(SHORT)) {
            let b = (slow - start) / (long - SHORT) * 1000.0;
            other.push(b);
            ratios.push(a / b);
        }
    }
    println!("W2, {VOICES} voices, CPU ms a second of sound, median of {rounds} in turn");
    println!("rackd    {:7.1}", median(mine));
    if ratios.is_empty() {
        println!("scsynth  not installed (package supercollider-server): no ratio");
    } else {
        println!("scsynth  {:7.1}", median(other));
        println!("ratio    {:7.3}  (rackd / scsynth; pair by pair, median)", median(ratios));
    }
}
