//! The other end, for the command line and whoever drives a daemon: which answers are to come, and packets as rows. The ways to and fro
//! are [`super::link`] and [`super::ear`].

pub mod answers;
pub mod rows;

pub use answers::{Answers, ask, send};
pub use rows::{Row, rows};
