//! Runs the OSC conformance cases of `tests/osc` against any server; ends with 1 where a case fails.
//!
//! `cargo run --example conformance -- --target 127.0.0.1:57110 --profile tests/osc/profiles/scsynth.toml`
#![allow(missing_docs)]

#[path = "../tests/osc/engine.rs"]
mod engine;

use std::path::Path;
use std::process::ExitCode;

fn option(name: &str) -> Result<String, String> {
    let mut words = std::env::args().skip_while(|word| word != name);
    words.nth(1).ok_or_else(|| format!("`{name}` is missing: --target HOST:PORT --profile FILE"))
}

fn tried() -> Result<usize, String> {
    let at = option("--target")?.parse().map_err(|error| format!("--target: {error}"))?;
    let profile = engine::Profile::read(Path::new(&option("--profile")?))?;
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/osc/cases");
    Ok(engine::report(&engine::run(&cases, at, &profile)?))
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
