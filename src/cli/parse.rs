//! What options are written as.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use crate::control::peer_clock::Reading;
use crate::control::peers::Late;
use crate::daemon::{AtEnd, Wish};
use crate::osc::link::Place;
use crate::osc::{moment as moments, typed};

/// Where to listen, if anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAt(pub Option<SocketAddr>);

/// A length of time: `10`, `10s`, `1.5 min`, `800ms`, `1h`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let second = match unit.trim() {
        "" | "s" | "sec" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        other => return Err(format!("`{other}` is no unit of time; write 800ms, 10s, 1.5min or 1h")),
    };
    let seconds = number.trim().parse::<f64>().map_err(|_| "write a time as 800ms, 10s, 1.5min or 1h".to_owned())? * second;
    if !(seconds > 0.0 && seconds <= 7.0 * 86_400.0) {
        return Err("the time must be longer than nothing and no longer than a week".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// How much untagged messages are delayed: `0` to `40ms`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn jitter(text: &str) -> Result<Duration, String> {
    let none = text.trim().trim_end_matches(char::is_alphabetic).trim().parse() == Ok(0.0);
    let found = if none { Ok(Duration::ZERO) } else { duration(text) };
    found.ok().filter(|found| *found <= Duration::from_millis(40)).ok_or_else(|| "jitter is 0 to 40ms, such as 20ms".to_owned())
}

/// What becomes of late bundles: `run`, `drop` or `truncate`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn late(text: &str) -> Result<Late, String> {
    let found = Late::ALL.iter().find(|(name, _)| *name == text);
    found.map(|(_, late)| *late).ok_or_else(|| "late is run, drop or truncate".to_owned())
}

/// By whose clock time tags are read: `own`, `ping`, `tags` or `auto`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn clock(text: &str) -> Result<Reading, String> {
    Reading::of(text).ok_or_else(|| "clock is own, ping, tags or auto".to_owned())
}

/// A number of threads, or `auto`. `[control]`
///
/// # Errors
/// A sentence that says what is wanted.
pub fn threads(text: &str) -> Result<usize, String> {
    if text == "auto" {
        return Ok(std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)));
    }
    text.parse().ok().filter(|count| (1..=64).contains(count)).ok_or_else(|| "1 to 64 threads, or auto".to_owned())
}

/// Whether something is asked of the system: `auto`, `yes` or `no`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn wish(text: &str) -> Result<Wish, String> {
    match text {
        "auto" => Ok(Wish::Auto),
        "yes" => Ok(Wish::Yes),
        "no" => Ok(Wish::No),
        _ => Err("auto, yes or no".to_owned()),
    }
}

/// What happens at the end of standard input: `end` or `keep`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn at_end(text: &str) -> Result<AtEnd, String> {
    match text {
        "end" => Ok(AtEnd::End),
        "keep" => Ok(AtEnd::Keep),
        _ => Err("end or keep".to_owned()),
    }
}

/// A sampling rate, 8000 to 384000, or `48k`, `44.1k` [Hz]. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn rate(text: &str) -> Result<u32, String> {
    let (number, times) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1000.0),
        None => (text, 1.0),
    };
    match number.parse::<f64>().map(|number| number * times) {
        Ok(hertz) if (8_000.0..=384_000.0).contains(&hertz) && hertz.fract() == 0.0 => Ok(hertz as u32),
        _ => Err("a rate is a whole number from 8000 to 384000, such as 48000 or 44.1k".to_owned()),
    }
}

/// An address to send to or listen at: `127.0.0.1:57130`, `localhost:9000`, or a port alone on this computer. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn socket(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let wrong = || "write an address as 127.0.0.1:57130, or a port alone".to_owned();
    let mut found: Vec<SocketAddr> = text.to_socket_addrs().map_err(|_| wrong())?.collect();
    found.sort_by_key(SocketAddr::is_ipv6); // `localhost` is both: take the one that is listened to
    found.first().copied().ok_or_else(wrong)
}

/// Where streams are listened for or sent to: an address, a port alone, or `unix:PATH`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn stream_place(text: &str) -> Result<crate::stream::Place, String> {
    match text.strip_prefix("unix:") {
        Some("") => Err("write a socket in the file system as unix:/tmp/rackd-stream".to_owned()),
        Some(path) => Ok(crate::stream::Place::Unix(path.into())),
        None => socket(text.strip_prefix("tcp://").unwrap_or(text)).map(crate::stream::Place::Tcp),
    }
}

/// The same, or `none`. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn listen_at(text: &str) -> Result<ListenAt, String> {
    if text == "none" { Ok(ListenAt(None)) } else { socket(text).map(|at| ListenAt(Some(at))) }
}

/// An OSC address or pattern, or `-` for lines that hold some. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn address_or_lines(text: &str) -> Result<String, String> {
    if text == "-" || typed::is_address(text) {
        Ok(text.to_owned())
    } else {
        Err("an address begins with / and has no space, such as /bass/filter/cutoff".to_owned())
    }
}

/// Where to send: `127.0.0.1:57130`, `tcp://127.0.0.1:57130`, `unix:/tmp/osc` and so on; a port alone is on this computer. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn place(text: &str) -> Result<Place, String> {
    let port = |text: &str| text.strip_prefix(':').unwrap_or(text).parse::<u16>().ok();
    let (way, host) = text.split_once("://").unwrap_or(("udp", text));
    let whole = port(host).map_or_else(|| text.to_owned(), |port| format!("{way}://127.0.0.1:{port}"));
    whole.parse::<Place>().map_err(|wrong| wrong.to_string())
}

/// A time as `--at` takes it: looked at here, read once more when it counts. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn moment(text: &str) -> Result<String, String> {
    moments::tag(text, 0).map(|_| text.to_owned())
}

/// How long to wait: a [`duration`], or 0 for not at all. `[control]`
///
/// # Errors
/// What was expected, in words.
pub fn patience(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" { Ok(Duration::ZERO) } else { duration(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        for (text, milliseconds) in [("10", 10_000), ("10s", 10_000), ("1.5min", 90_000), ("800 ms", 800), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1s", "0", "NaN", "inf", "1e99h", "3 bars", "1e999"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_jitter_may_be_none() {
        for (text, milliseconds) in [("0", 0), ("0ms", 0), ("20ms", 20), ("40 ms", 40)] {
            assert_eq!(jitter(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "20", "41ms", "-1ms", "0 parsecs?", "often"] {
            assert!(jitter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_whole_and_sane() {
        assert_eq!(rate("48000"), Ok(48_000));
        assert_eq!(rate("44.1k"), Ok(44_100));
        for text in ["0", "-48000", "48000.5", "1e9", "NaN", "many"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wish_is_one_of_three() {
        assert_eq!(["auto", "yes", "no"].map(wish), [Ok(Wish::Auto), Ok(Wish::Yes), Ok(Wish::No)]);
        for text in ["", "YES", "maybe", "1"] {
            assert_eq!(wish(text), Err("auto, yes or no".to_owned()), "{text}");
        }
        assert_eq!(["end", "keep"].map(at_end), [Ok(AtEnd::End), Ok(AtEnd::Keep)]);
        assert_eq!(at_end("on"), Err("end or keep".to_owned()));
    }

    #[test]
    fn a_port_alone_is_on_this_computer() {
        assert_eq!(socket("9000"), Ok(SocketAddr::from(([127, 0, 0, 1], 9000))));
        assert_eq!(socket("127.0.0.1:57130").map(|at| at.port()), Ok(57130));
        assert!(socket("127.0.0.1").is_err());
        assert_eq!(place("9000"), Ok(Place::Udp("127.0.0.1:9000".into())));
        assert_eq!(place("tcp://9000"), Ok(Place::Tcp("127.0.0.1:9000".into())));
        assert_eq!(place("unix:/tmp/x"), Ok(Place::Unix("/tmp/x".into())));
        assert!(place("http://127.0.0.1:80").is_err() && place("nowhere").is_err());
        assert_eq!(listen_at("none"), Ok(ListenAt(None)));
    }
}
