//! Layer 1: what makes crossing the thread safe.
//!
//! Imports only `base`. Knows no module and no patch. Start reading at [`guard`].

pub mod beat_line;
pub mod clock;
pub mod convert;
pub mod cores;
pub mod cycles;
pub mod flows;
pub mod guard;
pub mod inflow;
pub mod lap;
pub mod limits;
pub mod outflow;
pub mod overheard;
pub mod quiet;
pub mod seat;
pub mod shares;
pub mod steady;
pub mod tap;
pub mod urgent;
pub mod whereabouts;
pub mod workers;
