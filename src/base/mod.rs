//! Layer 0: what everything else stands on: units and their text, names, diagnostics as data, nearest name.
//!
//! Imports nothing of rackd. Knows no module, patch, thread or file. Start reading at [`diagnostic`].

pub mod diagnostic;
pub mod midi;
pub mod names;
pub mod nearest;
pub mod time;
pub mod units;
