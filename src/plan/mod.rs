//! Layer 5: [`crate::patch::Patch`] → [`SlotPlan`]: domains, order, sections, cycles, buffers, kernels, verify, listing.
//!
//! Imports `base`, `dsp`, `rt`, `module`, `patch`. What the compiler makes for the audio thread holds no string. Start reading at
//! [`compile`]; what runs is in [`slot`], [`part`] and [`bank`].

pub mod bank;
pub mod carry;
pub mod chain;
pub mod choir;
pub mod colour;
pub mod compile;
pub mod crew;
pub mod draft;
pub mod knob;
pub mod knobs;
pub mod layout;
pub mod line;
pub mod listing;
pub mod lower;
pub mod mixer;
pub mod number;
pub mod order;
pub mod outline;
pub mod panel;
pub mod part;
pub mod ramp;
pub mod send;
pub mod sleep;
pub mod slot;
pub mod sources;
mod straight;
pub mod sum;
pub mod verify;

pub use compile::{Before, Options, compile, compile_among};
pub use listing::listing;
pub use mixer::MixPlan;
pub use outline::{KnobId, KnobOwner, Outline};
pub use slot::SlotPlan;
