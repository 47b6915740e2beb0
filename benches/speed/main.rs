//! What the seven workloads cost, beside every sound server and language that is installed: CPU time a second of sound.
//!
//! `make bench`, or `cargo bench --bench speed -- --only w1,w2 --peers scsynth --reps 3`. `docs/performance.md` says how it is measured.
#![allow(missing_docs, clippy::unwrap_used)]

mod child;
mod chuck;
mod csound;
mod faust;
#[cfg(feature = "fundsp")]
mod fundsp;
mod limit;
mod pd;
mod players;
mod race;
mod scsynth;
mod sound;
mod synthdef;
mod table;
#[path = "../workloads/mod.rs"]
mod workloads;

use std::path::PathBuf;

use clap::Parser;
use workloads::{Piece, Workload, render};

#[derive(Parser)]
#[command(name = "speed", about = "CPU time of seven workloads, beside other sound servers and languages")]
struct Args {
    /// Workloads, such as w1,w2
    #[arg(long, value_delimiter = ',', value_parser = |name: &str| Workload::of(name).ok_or("there are w1 to w7"))]
    only: Vec<Workload>,
    /// Who plays beside rackd: scsynth, supernova, …
    #[arg(long, value_delimiter = ',')]
    peers: Option<Vec<String>>,
    /// rackd's levels: avx512, avx2, sse2
    #[arg(long, value_delimiter = ',')]
    levels: Option<Vec<String>>,
    /// Repetitions
    #[arg(long, default_value_t = 5)]
    reps: usize,
    /// CPU time of a run, about [s]
    #[arg(long, default_value_t = 0.5)]
    effort: f64,
    /// Renders a piece and ends: PIECE SECONDS OUT.wav [LEVEL [THREADS]]
    #[arg(long, num_args = 3..=5, value_names = ["PIECE", "SECONDS", "OUT"])]
    render: Option<Vec<String>>,
    /// Prints the patches of a piece and ends
    #[arg(long)]
    show: Option<String>,
    /// Listens to WAV files: level and octaves [dB], and what is wrong beside the first
    #[arg(long, num_args = 1..)]
    listen: Vec<PathBuf>,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    if let Some(name) = &args.show {
        let piece = Piece::of(name).unwrap_or_else(|| panic!("no piece is called {name}"));
        piece.patches().iter().for_each(|patch| println!("{patch}"));
        return;
    }
    if !args.listen.is_empty() {
        let mut first = None;
        for path in &args.listen {
            let sound = sound::measure(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let bands: String = sound.bands.iter().map(|band| format!(" {band:6.1}")).collect();
            println!("{:6.1} |{bands}  {}: {}", sound.level, path.display(), sound.against(first.as_ref()).join("; "));
            first.get_or_insert(sound);
        }
        return;
    }
    if let Some(words) = &args.render {
        let seconds = words[1].parse().expect("seconds");
        let threads = words.get(4).map_or(1, |threads| threads.parse().expect("a number of threads"));
        std::fs::write(PathBuf::from(&words[2]), rendered(&words[0], seconds, words.get(3).map(String::as_str), threads))
            .expect("the file can be written");
        return;
    }
    let works = if args.only.is_empty() { Workload::ALL.to_vec() } else { args.only };
    let mut players = players::players();
    players.retain(|player| {
        let asked = |list: &Option<Vec<String>>, key: &str| list.as_ref().is_none_or(|list| list.iter().any(|it| it == key));
        match player.level {
            Some(level) => asked(&args.levels, level),
            None => asked(&args.peers, player.key),
        }
    });
    let result = race::race(&works, players, args.reps, args.effort);
    table::print(&works, &result);
}

/// A WAV file of a piece, or of what is called `limit-` and `fundsp-` a workload.
fn rendered(name: &str, seconds: f64, level: Option<&str>, threads: usize) -> Vec<u8> {
    let level = level.unwrap_or(render::best());
    let work = |name| Workload::of(name).unwrap_or_else(|| panic!("no workload is called {name}"));
    if let Some(name) = name.strip_prefix("limit-") {
        return limit::render(work(name), seconds, level);
    }
    #[cfg(feature = "fundsp")]
    if let Some(name) = name.strip_prefix("fundsp-") {
        return fundsp::render(work(name), seconds);
    }
    let piece = Piece::of(name).unwrap_or_else(|| panic!("no piece is called {name}"));
    let level = render::level(level).unwrap_or_else(|| panic!("this machine has no level {level}"));
    render::render(piece, seconds, level, threads)
}
