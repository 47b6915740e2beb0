//! Layer 3: the contract between a module and everything that reads its declaration or runs it.
//!
//! Imports `base`, `dsp` and `rt`. Knows no module of the catalogue, no patch and no thread. [`isa`] is the only file that knows
//! instruction sets. Start reading at [`def`], then [`kernel`] and [`io`].

pub mod catalogue;
pub mod def;
pub mod input;
pub mod io;
pub mod isa;
pub mod kernel;
pub mod output;
pub mod rig;
pub mod setting;
pub mod through;
#[cfg(feature = "fundsp")]
pub mod unit;

pub use catalogue::Catalogue;
pub use def::{Category, ModuleDef};
pub use input::{Curve, Input, NoteSource};
pub use io::{Io, Signal, Tile, Wire};
pub use kernel::{Kernel, Make, Prepare, Seed, Tone};
pub use output::Output;
pub use setting::{Setting, SettingKind, SettingValue, Settings};
