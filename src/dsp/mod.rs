//! Layer 1: signal maths over [`lanes::Lanes`].
//!
//! Imports only `base`. Knows no patch, port, thread or file. Nothing here allocates after it is built, and all that a kernel
//! calls is `#[inline(always)]`, so that it is compiled at the kernel's own instruction set. Start reading at [`lanes`].

pub mod blep;
pub mod contour;
pub mod course;
pub mod edge;
pub mod fft;
pub mod ints;
pub mod lanes;
pub mod limiter;
pub mod line;
pub mod math;
#[cfg(test)]
pub mod measure;
pub mod phase;
pub mod random;
pub mod sound;
pub mod waves;
