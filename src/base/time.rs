//! Time as the engine counts it.

/// A point in time on the engine's own clock: frames since the engine started.
///
/// It never stops, jumps or changes its rate while an engine lives, whatever device plays it.
pub type SampleTime = u64;

/// Frames in the longest block; a block never crosses a multiple of it. A power of two.
pub const BLOCK: usize = 64;

/// Where a frame of this time lies in its tile of [`BLOCK`] frames.
#[inline(always)]
pub const fn tile_index(time: SampleTime) -> usize {
    (time % BLOCK as u64) as usize
}
