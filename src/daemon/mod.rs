//! Layer 11: wires everything together: engine, host, Control, sockets, ports, files, signals.
//!
//! Imports anything below. The only folder with an async runtime of its own, on the thread that called it; nothing here runs on
//! the audio thread but what counts levels and fades out. Start reading at [`run`](mod@run).

mod banner;
mod demo;
pub mod devices;
pub mod levels;
mod lines;
#[cfg(feature = "link")]
mod link;
mod log;
mod midi;
pub mod options;
pub mod perform;
mod profiles;
mod recording;
mod rights;
pub mod run;
mod say;
mod signals;
pub mod source;
pub mod streams;
mod watch;

pub use lines::AtEnd;
pub use options::{Failure, OSC_ADDRESS, Options, Wish};
pub use run::run;
