//! The nearest right name.

/// Names longer than this are like nothing [characters].
const LONGEST: usize = 48;

/// The candidate most like what was written, if one is like it at all; the first of equals. `[control]`
///
/// Alike means: at most one slip (a letter changed, missing, too many, or two swapped) for every three letters, or the
/// beginning of the candidate. Capitals count as their small letters.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = written.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    let small = written.to_ascii_lowercase();
    let limit = length.div_ceil(3);
    candidates
        .into_iter()
        .filter(|name| *name != written && name.len() <= 4 * LONGEST)
        .filter_map(|name| {
            let begins = length >= 3 && name.starts_with(written);
            if !begins && name.chars().count().abs_diff(length) > limit {
                return None;
            }
            let distance = strsim::osa_distance(&small, &name.to_ascii_lowercase());
            (distance <= limit || begins).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_beginnings_and_capitals() {
        let names = ["cutoff", "resonance", "in", "drive"];
        assert_eq!(nearest("cutof", names), Some("cutoff"));
        assert_eq!(nearest("reso", names), Some("resonance"));
        assert_eq!(nearest("CUTOFF", names), Some("cutoff"));
        assert_eq!(nearest("ni", names), Some("in"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest(&"cutoff".repeat(1000), names), None);
    }
}
