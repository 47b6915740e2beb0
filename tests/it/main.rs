//! Tests by capability, through the doors that users of the library have.
#![allow(missing_docs, clippy::unwrap_used)]

mod answers;
mod chance;
mod clock;
mod contract;
mod control;
mod desk;
mod engine;
mod faults;
mod feedback;
mod generated;
mod glide;
mod golden;
mod hello;
mod host;
#[cfg(all(target_os = "linux", feature = "jack"))]
mod host_jack;
mod intake;
#[cfg(all(target_os = "linux", feature = "jack"))]
mod jackd;
mod layers;
mod leases;
#[cfg(all(target_os = "linux", feature = "jack"))]
mod midi_jack;
mod osc;
mod patch_acid;
mod patch_language;
mod patch_mistakes;
mod patch_noise;
mod patch_schema;
mod patch_toy;
mod patches;
mod patterns;
mod peer_clock;
mod phrase;
mod rack_language;
mod rack_text;
mod record;
mod rig;
mod schedule;
mod score;
mod streams;
mod time;
mod tools;
mod transports;
mod wire;
