//! Layer 2: what is made outside of rackd and played by it, decoded, shared, read-only: so far tunings.
//!
//! Imports `base`. Opens no file: bytes in, plain values or a [`Mistake`] with its line out. Start reading at [`tuning`]; the
//! two kinds of Scala file are [`scale`] and [`key_map`].
//!
//! The crate `tune` was tried for Scala's files and left out: it refuses a scale whose description is empty and any file that is
//! not UTF-8, tells no line where the count of a scale is wrong, and takes a map whose reference key has no pitch.

pub mod key_map;
mod lines;
pub mod scale;
pub mod tuning;

pub use key_map::KeyMap;
pub use lines::{LARGEST, Mistake};
pub use scale::Scale;
pub use tuning::{Recipe, Steps, Tuning};
