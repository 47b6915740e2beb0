//! How long something took on the audio thread, for its own housekeeping: no sample depends on it.

use std::time::Instant;

/// Begun at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Lap(Instant);

impl Lap {
    /// Begins now. `[audio]`
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Since then [s]. `[audio]`
    pub fn seconds(self) -> f32 {
        self.0.elapsed().as_secs_f32()
    }
}
