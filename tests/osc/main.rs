//! Runs the conformance cases against a rackd of its own, or against `OSC_TARGET` with the profile `OSC_PROFILE`.
#![cfg(all(target_os = "linux", feature = "jack"))]
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../clients/daemon.rs"]
mod daemon;
mod engine;
#[allow(dead_code)]
#[path = "../clients/jack.rs"]
mod jack;
#[allow(dead_code)]
#[path = "../clients/jack_store.rs"]
mod jack_store;

use std::path::Path;

use engine::{Profile, report, run};

#[test]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/osc");
    let name = std::env::var("OSC_PROFILE").unwrap_or_else(|_| "rackd".into());
    let profile = Profile::read(&folder.join("profiles").join(name).with_extension("toml")).unwrap();
    let scratch = std::env::temp_dir().join(format!("rackd-osc-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let own;
    let at = match std::env::var("OSC_TARGET") {
        Ok(target) => target.parse().unwrap(),
        Err(_) => {
            own = daemon::Daemon::silent(&scratch, daemon::TONE, &[]);
            own.osc
        }
    };
    let outcomes = run(&folder.join("cases"), "", at, at, &profile).unwrap();
    assert!(outcomes.len() > 20);
    let failed = report(&outcomes);
    let _ = std::fs::remove_dir_all(scratch);
    assert_eq!(failed, 0);
}
