//! Layer 4: TOML → Document → check → [`Patch`].
//!
//! Imports `base`, `media`, `module`. Takes a `&Catalogue` and never names `modules`. Opens no file and plays nothing: text in, a plain
//! value or diagnostics out. Start reading at [`model`], then [`parse`](mod@parse); the rules of units are in `sum`.

pub mod addresses;
pub mod circle;
pub mod codes;
mod controls;
mod document;
mod edit;
mod expression;
mod findings;
pub mod include;
pub mod map_edit;
pub mod map_form;
pub mod map_spec;
mod maps;
pub mod model;
mod modules;
pub mod note;
pub mod parse;
mod pitch;
mod ports;
pub mod presets;
mod product;
mod quantity;
pub mod rack;
mod rack_check;
pub mod rack_programs;
pub mod rack_read;
mod rack_write;
mod reading;
mod scope;
mod settings;
mod slot;
pub mod stereo;
mod sum;
pub mod tuning;
pub mod values;

pub use addresses::{Address, What, addresses};
pub use document::LARGEST;
pub use include::{FileText, Files, Unread};
pub use map_edit::write_maps;
pub use map_spec::{MapSpec, Written, parse_profile};
pub use maps::{map_source, spell_source};
pub use model::*;
pub use parse::{Parsed, parse, parse_bytes, parse_bytes_with, parse_with};
pub use presets::Preset;
pub use rack::{MasterSpec, Rack, Route, SendSpec, SetSpec, SetValue, SlotOut, SlotPlaces, SlotSpec, Zone};
pub use rack_read::{is_rack, parse_rack, parse_rack_as_far, parse_rack_bytes};
pub use rack_write::write_rack;
pub use slot::{is_slot_name, slot_name, slot_name_beside};
pub use tuning::{ScaleSpec, TuningSpec};
