//! Controllers without a place: which of the three usual ways of counting clicks one uses, told from what comes.

use crate::patch::Relative;

/// Clicks in one message that nobody turns in one: what lies as far from the middle is another way of counting.
const FAR: u8 = 32;

/// What is known of a controller's way of counting.
///
/// A number n of 7 bits says: 1 to 31, some clicks up (two's complement or sign); 97 to 127, down (two's complement); 33 to 63, down
/// (offset); 65 to 96, up (offset) or down (sign). Only the last is open: it is taken as sign where 1 to 31 have come before it, else as
/// offset, which is mended as soon as 1 to 31 come. Until the first message nothing is known, from the first on each acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Detect {
    way: Option<Relative>,
    /// Something has come that only this way can say.
    sure: bool,
}

impl Detect {
    /// Takes in one message.
    pub fn hear(&mut self, value: u8) {
        let (way, sure) = match (value, self.way) {
            (0 | FAR | 64, _) => return,
            // Of a fast turn in a way that is known.
            (_, Some(way)) if self.sure && way != Relative::Offset && !(33..64).contains(&value) && value <= 96 => (way, true),
            (1..FAR, Some(Relative::Offset)) => (Relative::Sign, true),
            (1..FAR, Some(way)) => (way, self.sure),
            (1..FAR, None) => (Relative::TwosComplement, false),
            (97.., Some(Relative::Sign)) if self.sure => (Relative::Sign, true),
            (97.., _) => (Relative::TwosComplement, true),
            (33..64, Some(way)) if self.sure && way != Relative::Offset => (way, true),
            (33..64, _) => (Relative::Offset, true),
            (_, Some(Relative::TwosComplement)) if !self.sure => (Relative::Sign, true),
            (_, Some(way)) => (way, self.sure),
            (_, None) => (Relative::Offset, false),
        };
        (self.way, self.sure) = (Some(way), sure);
    }

    /// As far as it is known.
    pub fn way(self) -> Option<Relative> {
        self.way
    }
}

/// Whether these messages of one turn come from a controller without a place, and how it counts. One with a place goes on from
/// number to number; one without says the same few numbers again and again.
pub(super) fn told_by(values: &[u8]) -> Option<Relative> {
    let near = |value: u8| matches!(value, 1..=12 | 52..=63 | 65..=76 | 116..=127);
    if values.len() < 3 || !values.iter().all(|value| near(*value) || *value == 64) {
        return None;
    }
    let again = values.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let mut detect = Detect::default();
    values.iter().for_each(|value| detect.hear(*value));
    let way = detect.way()?;
    // Both ends, or both sides of the middle: nobody gets from one to the other with a knob that stays near them.
    let low = values.iter().any(|value| *value <= 12);
    let high = values.iter().any(|value| *value >= 116);
    let jumps = low && (high || values.iter().any(|value| (65..=76).contains(value)));
    (jumps || 3 * again >= values.len() - 1 && again > 0).then_some(way)
}

/// Whether a turn that began like this may yet turn out to be one of a controller without a place.
pub(super) fn may_be(values: &[u8]) -> bool {
    values.len() < 3 && values.iter().all(|value| matches!(value, 1..=3 | 62..=66 | 125..=127))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Relative::{Offset, Sign, TwosComplement};

    fn heard(values: &[u8]) -> Option<Relative> {
        let mut detect = Detect::default();
        values.iter().for_each(|value| detect.hear(*value));
        detect.way()
    }

    #[test]
    fn each_way_of_counting_is_told_from_a_turn() {
        for (values, way) in [
            (&[1u8, 1, 2, 127, 126][..], TwosComplement),
            (&[127, 1], TwosComplement),
            (&[127, 127, 1, 90], TwosComplement),
            (&[1, 2, 65, 66, 1], Sign),
            (&[65, 66, 1], Sign),
            (&[65, 1, 65, 120], Sign),
            (&[65, 65, 63], Offset),
            (&[63, 62, 65], Offset),
            (&[64, 65, 70], Offset),
            (&[1, 1], TwosComplement),
        ] {
            assert_eq!(heard(values), Some(way), "{values:?}");
        }
        assert_eq!(heard(&[0, 64]), None);
    }

    #[test]
    fn a_knob_with_a_place_is_no_encoder() {
        for (values, way) in [
            (&[1u8, 1, 1, 2, 1][..], Some(TwosComplement)),
            (&[127, 127, 126], Some(TwosComplement)),
            (&[1, 127, 1, 127], Some(TwosComplement)),
            (&[65, 65, 65], Some(Offset)),
            (&[63, 63, 62, 63], Some(Offset)),
            (&[1, 1, 65, 65], Some(Sign)),
            (&[60, 61, 62, 63, 64, 65], None),
            (&[1, 2, 3, 4, 5, 6], None),
            (&[127, 126, 125, 124], None),
            (&[127, 0, 127], None),
            (&[10, 40, 41, 42], None),
            (&[1, 1], None),
        ] {
            assert_eq!(told_by(values), way, "{values:?}");
        }
        assert!(may_be(&[1]) && may_be(&[127, 127]) && !may_be(&[0]) && !may_be(&[1, 1, 1]) && !may_be(&[50]));
    }
}
