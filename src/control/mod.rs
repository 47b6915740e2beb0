//! Layer 7: the one owner of state off the audio thread.
//!
//! Imports `base`, `rt`, `module`, `patch`, `plan`, `engine`, and of `wire` only address patterns and the names of refusals: what is
//! said to it is an address and plain [`value`]s, whatever it came by. Opens no socket, starts no thread, and never waits for the
//! engine. It owns the table of [`verbs`]; bodies that need the world are handed over. Start reading at [`control`], then
//! [`apply`] and [`commit`] for the way of a message ([`quick`] is the short one), [`reload`] and [`flight`] for the way of a patch.

pub mod address_map;
pub mod address_tree;
pub mod ahead;
pub mod apply;
pub mod bars;
pub mod bindings;
pub mod bound;
pub mod changes;
mod channel;
mod channel_mix;
pub mod clear;
pub mod client;
mod clock_verbs;
pub mod commit;
#[allow(clippy::module_inception, reason = "Control is what this folder is named after")]
pub mod control;
pub mod controllers;
pub mod counts;
pub mod draft;
mod dump;
pub mod engine_verbs;
pub mod exclusive;
mod expression;
pub mod fail;
pub mod feed_line;
pub mod files;
pub mod flight;
pub mod glides;
pub mod keyboard;
pub mod later;
mod learn;
mod leases;
pub mod logbook;
mod map_files;
mod map_verbs;
mod meters;
pub mod midi_clock;
mod midi_follow;
pub mod mixer;
mod mpe;
mod mts;
pub mod note_keys;
pub mod note_verbs;
pub mod notes;
mod osc_clock;
mod parameters;
mod patterns;
mod pedals;
pub mod peer_clock;
pub mod peers;
pub mod place;
mod presets;
mod programs;
pub mod quick;
pub mod rack;
pub mod rack_file;
mod rack_save;
pub mod rack_verbs;
mod relative;
pub mod reload;
pub mod saving;
pub mod scale;
pub mod score_notes;
mod sensing;
mod set;
pub mod settings;
pub mod slot;
mod streams;
pub mod subscribe;
pub mod targets;
pub mod tick;
pub mod time_verbs;
pub mod transport;
pub mod tuning;
mod tuning_verbs;
pub mod turning;
pub mod unload;
pub mod value;
pub mod verbs;
pub mod zone;

pub use client::{Client, Origin};
pub use control::{Control, Options};
pub use fail::{Code, Fail};
pub use value::{Group, Message, Value, When};
pub use verbs::{Call, SLOT_VERBS, VERBS, Verb};
