//! NTP time tags: seconds since 1900 in the upper 32 bits, fractions of 2⁻³² s in the lower. Whole numbers throughout.

/// Seconds from 1900 to 1970.
const UNIX: i128 = 2_208_988_800;
const SECOND: i128 = 1_000_000_000;

/// Whether a time tag means: at once. `[any]`
pub const fn is_immediate(tag: u64) -> bool {
    tag <= 1
}

/// The time tag of a time since 1970 [ns]; eras beyond 2036 begin again at 0. `[any]`
pub const fn from_unix_nanos(nanos: i64) -> u64 {
    let since_1900 = nanos as i128 + UNIX * SECOND;
    let seconds = since_1900.div_euclid(SECOND);
    let fraction = ((since_1900.rem_euclid(SECOND) << 32) + SECOND / 2) / SECOND;
    ((seconds << 32) + fraction) as u64
}

/// Time since 1970 [ns] of a time tag, in the era that is nearest to a present time [ns]. `[any]`
pub const fn to_unix_nanos(tag: u64, present: i64) -> i64 {
    let here = ((present as i128 + UNIX * SECOND) << 32).div_euclid(SECOND);
    let there = here + tag.wrapping_sub(here as u64) as i64 as i128;
    let nanos = (there * SECOND + (1 << 31)).div_euclid(1 << 32) - UNIX * SECOND;
    if nanos > i64::MAX as i128 {
        i64::MAX
    } else if nanos < i64::MIN as i128 {
        i64::MIN
    } else {
        nanos as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        assert_eq!(from_unix_nanos(0), 2_208_988_800 << 32);
        assert_eq!(from_unix_nanos(500_000_000), 2_208_988_800 << 32 | 1 << 31);
        assert_eq!(to_unix_nanos(2_208_988_800 << 32 | 1 << 30, 0), 250_000_000);
        assert!(is_immediate(0) && is_immediate(1) && !is_immediate(2));
    }

    #[test]
    fn there_and_back_is_the_same_nanosecond() {
        let mut nanos: i64 = 1_700_000_000_123_456_789;
        for step in 0..10_000 {
            nanos += step * 7_919;
            for present in [nanos, nanos - 3_600_000_000_001, nanos + 999_999_999, 1_700_000_000_999_999_999] {
                assert_eq!(to_unix_nanos(from_unix_nanos(nanos), present), nanos);
            }
        }
    }

    #[test]
    fn the_next_era_is_near() {
        // 2036-02-07 06:28:16 UTC, where 32 bits of seconds end.
        let end = (4_294_967_296_i64 - 2_208_988_800) * 1_000_000_000;
        assert_eq!(from_unix_nanos(end), 0);
        assert_eq!(to_unix_nanos(5 << 32, end - 1_000_000_000), end + 5_000_000_000);
        assert_eq!(to_unix_nanos(u64::MAX - 0xffff_ffff, end + 1_000_000_000), end - 1_000_000_000);
    }
}
