//! rackd: a modular synthesizer daemon. TOML patches in, sound out, played over OSC and MIDI.
//!
//! The library is the whole program; `main.rs` only hands it the command line. It is built in layers, and imports point
//! strictly down: a folder sees folders of a lower number only, never one of its own. `tests/it/layers.rs` holds this.
//!
//! | layer | folder | what it is |
//! |---|---|---|
//! | 0 | [`base`] | units and their text, time, names, diagnostics as data |
//! | 1 | [`dsp`], [`rt`], [`wire`] | signal maths over lanes; crossing threads safely; OSC bytes ↔ messages |
//! | 2 | [`media`] | tunings: decoded, shared, read-only |
//! | 3 | [`module`] | the contract between a module and everything that reads its declaration or runs it |
//! | 4 | [`modules`], [`patch`] | the catalogue, one file a module; TOML → checked patch |
//! | 5 | [`plan`], [`surface`] | patch → what the audio thread runs; what is drawn from declarations |
//! | 6 | [`engine`] | the audio thread |
//! | 7 | [`control`] | the one owner of state off the audio thread |
//! | 8 | [`score`] | what is played from files |
//! | 9 | [`host`], [`osc`], [`midi`], [`log`], [`record`], [`stream`] | who calls the engine; sockets; ports; a set to disk, sound to disk; sound over sockets |
//! | 11 | [`daemon`] | wires it together |
//! | 12 | [`cli`] | subcommands |
//!
//! Where to start reading: [`module::def`] for what a module is, [`patch::model`] for what a patch is, [`plan::compile`] for how
//! one becomes the other's running half, [`engine::engine`] for what happens in a block.
#![deny(unsafe_code)]

pub mod base;
pub mod cli;
pub mod control;
pub mod daemon;
#[cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]
pub mod dsp;
#[cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]
pub mod engine;
pub mod host;
pub mod log;
pub mod media;
pub mod midi;
pub mod module;
#[cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]
pub mod modules;
pub mod osc;
pub mod patch;
pub mod plan;
pub mod record;
pub mod rt;
pub mod score;
pub mod stream;
pub mod surface;
pub mod wire;

/// The example in `docs/embedding.md` is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;
