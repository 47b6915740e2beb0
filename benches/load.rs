//! How long a large patch takes from text to plan: parsed, checked, compiled. `cargo bench --bench load`.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "large/mod.rs"]
mod large;

use std::time::Instant;

use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::{Options, compile};

fn main() {
    println!("from text to plan, best of 5 [ms]: parse and check, compile, together");
    for (modules, part, limit) in [(1_000, "global", 20.0), (1_000, "voice", 20.0), (10_000, "global", 200.0), (10_000, "voice", 200.0)] {
        let text = large::patch(modules, part, large::Version::First);
        let mut best = [f64::MAX; 3];
        for _ in 0..5 {
            let start = Instant::now();
            let (patch, diagnostics) = rackd::patch::parse(&text, &CATALOGUE);
            let patch = patch.unwrap_or_else(|| panic!("{diagnostics:?}"));
            let parsed = start.elapsed().as_secs_f64() * 1e3;
            let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
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
