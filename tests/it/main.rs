//! Tests by capability, through the doors that users of the library have.
#![allow(missing_docs, clippy::unwrap_used)]

mod allocator_model;
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
mod include_language;
mod intake;
#[cfg(all(target_os = "linux", feature = "jack"))]
mod jackd;
mod layers;
mod learn;
mod leases;
mod maps;
#[cfg(all(target_os = "linux", feature = "jack"))]
mod midi_clock;
mod midi_jack;
mod mixer;
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
mod rack_check;
mod rack_files;
mod rack_language;
mod rack_text;
mod racks;
mod record;
mod rig;
mod schedule;
mod score;
mod streams;
mod time;
mod tools;
mod transports;
mod wire;
