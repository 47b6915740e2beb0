//! Time tags as words, and words as time tags. Whole numbers throughout: what is written in decimal is exact to the nanosecond.

use crate::wire::time::{from_unix_nanos, is_immediate, to_unix_nanos};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// What is wanted where a word is no time.
const WANTED: &str = "a time is now, +200ms, seconds since 1970, 2026-01-31T18:00:00.5Z, or 0x and the 16 hex digits of a time tag";

/// A time tag out of a word: `now`, `+200ms` or `-1.5s` from a present time, seconds since 1970, a date with its time in UTC, or `0x`
/// and sixteen hexadecimal digits. `now` since 1970 [ns]. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn tag(word: &str, now: i64) -> Result<u64, String> {
    let read = if word == "now" {
        return Ok(1);
    } else if let Some(digits) = word.strip_prefix("0x") {
        let sound = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return u64::from_str_radix(digits, 16).ok().filter(|_| sound).ok_or_else(|| WANTED.to_owned());
    } else if let Some(ahead) = word.strip_prefix('+') {
        length(ahead).and_then(|ahead| now.checked_add(ahead))
    } else if let Some(ago) = word.strip_prefix('-') {
        length(ago).and_then(|ago| now.checked_sub(ago))
    } else if word.contains('T') {
        date(word)
    } else {
        decimal(word, SECOND)
    };
    read.map(from_unix_nanos).ok_or_else(|| WANTED.to_owned())
}

/// A length such as `200ms`, `1.5 s`, `0.2` [ns].
fn length(text: &str) -> Option<i64> {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "" | "s" => SECOND,
        "us" => 1_000,
        "ms" => 1_000_000,
        "min" => 60 * SECOND,
        "h" => 3600 * SECOND,
        _ => return None,
    };
    decimal(number.trim_end(), unit)
}

/// A number in decimal, times a unit; what is finer than 1 is cut off.
fn decimal(text: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) || whole.len() > 12 {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(15)];
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let part = number(fraction)? * i128::from(unit) / 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    i64::try_from(number(whole)? * i128::from(unit) + part).ok()
}

/// A date with its time in UTC: `2026-01-31T18:00:00.5Z` [ns since 1970].
fn date(text: &str) -> Option<i64> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let part = |text: &str, lengths: std::ops::RangeInclusive<usize>, most: i64| {
        let sound = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| sound && *number <= most)
    };
    let mut days = day.split('-');
    let (year, month, day) = (part(days.next()?, 4..=4, 9999)?, part(days.next()?, 2..=2, 12)?, part(days.next()?, 2..=2, 31)?);
    let mut times = time.splitn(3, ':');
    let (hour, minute) = (part(times.next()?, 2..=2, 23)?, part(times.next()?, 2..=2, 59)?);
    let second = times.next().map_or(Some(0), |second| decimal(second, SECOND).filter(|nanos| *nanos < 60 * SECOND))?;
    if days.next().is_some() || month == 0 || day == 0 || day > days_in(year, month) || year < 1970 {
        return None;
    }
    let since = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60;
    since.checked_mul(SECOND)?.checked_add(second)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar; the year is taken to begin in March, so that the odd day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    before + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// A time tag as it stands to a present time: `now`, `+200.000ms`, `-3.5s`; `0x` and its digits where it is more than a day away. Every
/// one is read back by [`tag`]. `now` since 1970 [ns]. `[control]`
pub fn spell(tag: u64, now: i64) -> String {
    let away = to_unix_nanos(tag, now).saturating_sub(now);
    if is_immediate(tag) {
        "now".to_owned()
    } else if away.abs() > DAY {
        format!("0x{tag:016x}")
    } else {
        let sign = if away < 0 { '-' } else { '+' };
        let micros = (away.unsigned_abs() + 500) / 1000;
        if micros < 10_000_000 {
            format!("{sign}{}.{:03}ms", micros / 1000, micros % 1000)
        } else {
            format!("{sign}{}.{:03}s", micros / 1_000_000, micros / 1000 % 1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_123_456_789;

    #[test]
    fn times_are_exact() {
        let at = |word: &str| tag(word, NOW).map(|tag| to_unix_nanos(tag, NOW));
        assert_eq!(at("+200ms"), Ok(NOW + 200_000_000));
        assert_eq!(at("+0.2"), Ok(NOW + 200_000_000));
        assert_eq!(at("-1.5s"), Ok(NOW - 1_500_000_000));
        assert_eq!(at("+1us"), Ok(NOW + 1_000));
        assert_eq!(at("+2 min"), Ok(NOW + 120_000_000_000));
        assert_eq!(at("1790000000.000000001"), Ok(1_790_000_000_000_000_001));
        assert_eq!(at("1970-01-01T00:00:00Z").map(|_| ()), Ok(()), "the nearest era");
        assert_eq!(at("2026-09-21T14:13:20Z"), Ok(1_790_000_000 * SECOND));
        assert_eq!(at("2024-02-29T23:59:59.25Z"), Ok(1_709_251_199_250_000_000));
        assert_eq!(at("2026-09-21T14:13Z"), Ok(1_789_999_980 * SECOND));
        assert_eq!((tag("now", NOW), tag("0x00000000000000ff", NOW)), (Ok(1), Ok(255)));
        for word in [
            "",
            "+",
            "soon",
            "+1 bar",
            "0x1",
            "0x+00000000000000f",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "1e9",
            "2026-01-01T24:00Z",
        ] {
            assert!(tag(word, NOW).is_err(), "{word}");
        }
    }

    #[test]
    fn a_tag_is_shown_as_it_stands_to_now() {
        for (away, shown) in [
            (0, "+0.000ms"),
            (200_000_000, "+200.000ms"),
            (-20_500_499, "-20.500ms"),
            (9_999_000_000, "+9999.000ms"),
            (3_600_000_000_000, "+3600.000s"),
        ] {
            let spelt = spell(from_unix_nanos(NOW + away), NOW);
            assert_eq!(spelt, shown);
            let back = tag(&spelt, NOW).map(|tag| to_unix_nanos(tag, NOW));
            assert!(back.is_ok_and(|back| (back - NOW - away).abs() <= 500), "{spelt}");
        }
        assert_eq!(spell(1, NOW), "now");
        let far = from_unix_nanos(NOW + 2 * DAY);
        assert_eq!(tag(&spell(far, NOW), NOW), Ok(far));
    }
}
