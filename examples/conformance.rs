//! Runs the OSC conformance cases of `tests/osc` against any server; ends with 1 where a case fails.
//!
//! `cargo run --example conformance -- --target 127.0.0.1:57110 --profile tests/osc/profiles/scsynth.toml`; `--tcp HOST:PORT` where
//! streams are taken elsewhere, `--only TEXT` for the cases whose id contains it.
#![allow(missing_docs)]

#[path = "../tests/osc/engine.rs"]
mod engine;

use std::path::Path;
use std::process::ExitCode;

fn option(name: &str) -> Result<String, String> {
    let mut words = std::env::args().skip_while(|word| word != name);
    words.nth(1).ok_or_else(|| format!("`{name}` is missing: --target HOST:PORT [--tcp HOST:PORT] --profile FILE [--only TEXT]"))
}

fn tried() -> Result<usize, String> {
    let at = option("--target")?.parse().map_err(|error| format!("--target: {error}"))?;
    let streams = option("--tcp").map_or(Ok(at), |tcp| tcp.parse().map_err(|error| format!("--tcp: {error}")))?;
    let profile = engine::Profile::read(Path::new(&option("--profile")?))?;
    let only = option("--only").unwrap_or_default();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/osc/cases");
    Ok(engine::report(&engine::run(&cases, &only, at, streams, &profile)?))
}

fn main() -> ExitCode {
    match tried() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
