//! How long a large patch takes from text to plan: parsed, checked, compiled. `cargo bench --bench load`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write;
use std::time::Instant;

use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::{Options, compile};

/// Chains of an oscillator, three filters and an LFO, mixed together; `part` is `global` or `voice` (16 of them).
fn patch(modules: usize, part: &str) -> String {
    let note = if part == "voice" { "[note]\n" } else { "" };
    let mut text = format!("format = 1\nname = \"large\"\n{note}");
    let chains = modules / 5;
    for chain in 0..chains {
        let _ = write!(
            text,
            "[{part}.osc{chain}]\ntype = \"vco\"\npitch = \"{} Hz\"\n\
             [{part}.lfo{chain}]\ntype = \"lfo\"\nrate = \"{} Hz\"\n\
             [{part}.low{chain}]\ntype = \"svf\"\nin = \"osc{chain}.saw * 0.5 + osc{chain}.square * 0.2\"\ncutoff = \"800 Hz + lfo{chain} * 1 oct\"\n\
             [{part}.high{chain}]\ntype = \"onepole\"\nin = \"low{chain}.low\"\ncutoff = \"100 Hz\"\n\
             [{part}.last{chain}]\ntype = \"svf\"\nin = \"high{chain}.high\"\ncutoff = 2000\n",
            55 + chain % 400,
            1 + chain % 7,
        );
    }
    let _ = write!(text, "[out]\nin = \"");
    for chain in 0..chains.min(100) {
        let _ = write!(text, "{}last{chain}.low * 0.01", if chain > 0 { " + " } else { "" });
    }
    text + "\"\n"
}

fn main() {
    println!("from text to plan, best of 5 [ms]: parse and check, compile, together");
    for (modules, part, limit) in [(1_000, "global", 50.0), (1_000, "voice", 50.0), (10_000, "global", 1_000.0), (10_000, "voice", 1_000.0)]
    {
        let text = patch(modules, part);
        let mut best = [f64::MAX; 3];
        for _ in 0..5 {
            let start = Instant::now();
            let (patch, diagnostics) = rackd::patch::parse(&text, &CATALOGUE);
            let patch = patch.unwrap_or_else(|| panic!("{diagnostics:?}"));
            let parsed = start.elapsed().as_secs_f64() * 1e3;
            let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0 };
            let plan = compile(&patch, &options, &|_| None, None);
            let all = start.elapsed().as_secs_f64() * 1e3;
            drop(plan);
            for (best, took) in best.iter_mut().zip([parsed, all - parsed, all]) {
                *best = best.min(took);
            }
        }
        println!("{modules:6} modules, {part:6} {:8.2} {:8.2} {:8.2}   (goal: {limit})", best[0], best[1], best[2]);
    }
}
