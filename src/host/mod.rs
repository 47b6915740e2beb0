//! Layer 9: who calls the engine: a sound device through cpal, the silent clock (real time, no device), offline (exact, as fast as
//! it goes).
//!
//! Imports `base`, `rt` and `engine`. Never names a patch, an address or a file. The only folder that names `cpal`. Engine and
//! drivers meet in a [`crate::rt::seat::Seat`]: whoever has the turn ([`turn`]) drives it, nobody waits. Start reading at [`driven`],
//! then [`silent`] and [`supervisor`].

mod attempt;
mod cpal;
pub mod devices;
mod discipline;
pub mod driven;
pub mod event;
mod hook;
mod inlet;
mod input;
mod line;
mod naming;
pub mod offline;
pub mod options;
mod pace;
mod pcm;
pub mod player;
mod rank;
mod resample;
pub mod silent;
mod stream;
pub mod supervisor;
mod turn;

pub use attempt::{Attempt, Opened, Opener};
pub use driven::TapDoor;
pub use event::{HostEvent, Running};
pub use hook::Hooked;
pub use inlet::{CaptureEnd, Inlet};
pub use input::InputCounts;
pub use offline::{Buffers, Offline};
pub use options::{HostName, Options};
pub use player::Player;
pub use stream::{Alarm, Outlet, StreamEnd};
pub use supervisor::{Audio, Choice, Parts};
