//! Layer 12: the command line: subcommands, their help, how diagnostics are drawn, exit codes.
//!
//! Imports anything below. Holds no state and no sound: every subcommand reads its arguments, asks a lower layer and prints.
//! Start reading at [`args`].

pub mod args;
pub mod check;
pub mod devices;
pub mod draw;
pub mod exit;
pub mod learn;
pub mod listen;
pub mod listening;
pub mod modules;
pub mod parse;
pub mod play;
pub mod rates;
pub mod render;
mod replay;
pub mod run;
pub mod send;
pub mod shown;
pub mod status;
pub mod stream;
mod stream_file;
pub mod style;
pub mod surface;

pub use run::run;
