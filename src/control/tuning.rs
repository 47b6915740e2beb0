//! Which pitch a key has.

use super::control::Control;
use crate::base::names::octaves_from_note;

impl Control {
    /// The pitch of a key in a slot [octaves above C4], its zone's transposition in it; `None` where it has none. `[control]`
    pub fn pitch_of_key(&self, slot: usize, key: u8) -> Option<f32> {
        Some(octaves_from_note(f64::from(key)) as f32 + self.slots.get(slot)?.zone.transpose)
    }
}
