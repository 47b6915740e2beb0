//! Layer 4: TOML → Document → check → [`Patch`].
//!
//! Imports `base`, `module`. Takes a `&Catalogue` and never names `modules`. Opens no file and plays nothing: text in, a plain
//! value or diagnostics out. Start reading at [`model`], then [`parse`](mod@parse); the rules of units are in `sum`.

pub mod addresses;
pub mod codes;
mod controls;
mod document;
mod expression;
mod findings;
mod maps;
pub mod model;
mod modules;
pub mod note;
pub mod parse;
mod pitch;
mod ports;
mod product;
mod quantity;
pub mod rack;
mod reading;
mod scope;
mod settings;
mod slot;
pub mod stereo;
mod sum;
pub mod values;

pub use addresses::{Address, What, addresses};
pub use document::LARGEST;
pub use maps::map_source;
pub use model::*;
pub use parse::{parse, parse_bytes};
pub use rack::{Rack, Route, SendSpec, SetSpec, SetValue, SlotOut, SlotSpec, Zone};
pub use slot::{is_slot_name, slot_name, slot_name_beside};
