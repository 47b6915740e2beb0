//! How much the doors of OSC take in: what a packet may hold, how many may be connected, how long each is waited for.

use std::time::Duration;

use crate::wire::Limits;

/// All bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What a datagram may hold.
    pub datagram: Limits,
    /// What a packet in a stream may hold.
    pub stream: Limits,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one computer that is not this one.
    pub per_host: usize,
    /// How long a connection's first packet is waited for.
    pub handshake: Duration,
    /// How long the next one is waited for from who never sent one that could be read.
    pub idle: Duration,
    /// Bytes that wait to be sent to one connection.
    pub queue: usize,
    /// How long a connection may take nothing of what waits for it.
    pub stall: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            datagram: Limits::DATAGRAM,
            stream: Limits::STREAM,
            connections: 64,
            per_host: 16,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            queue: 1 << 20,
            stall: Duration::from_secs(10),
        }
    }
}

/// Why a bound is not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBound {
    /// `KEY=NUMBER` is wanted.
    #[error("`{0}` is no limit: KEY=NUMBER is wanted, such as connections=8")]
    Shape(String),
    /// No such key.
    #[error("`{0}` is no limit; there are {all}", all = Bounds::KEYS.map(|(key, ..)| key).join(" "))]
    Key(String),
    /// Out of range.
    #[error("{key} is a whole number from {least} to {most}")]
    Range {
        /// Which.
        key: &'static str,
        /// At least.
        least: usize,
        /// At most.
        most: usize,
    },
}

impl Bounds {
    /// What can be set: the key, the least, the most.
    pub const KEYS: [(&'static str, usize, usize); 13] = [
        ("datagram", 64, 65_507),
        ("frame", 64, 16 << 20),
        ("depth", 1, 8),
        ("elements", 1, 65_536),
        ("arguments", 1, 65_536),
        ("arrays", 0, 16),
        ("address", 16, 4096),
        ("connections", 1, 1024),
        ("per-host", 1, 1024),
        ("handshake", 1, 3600),
        ("idle", 1, 86_400),
        ("queue", 65_536, 64 << 20),
        ("stall", 1, 3600),
    ];

    /// Sets one: `KEY=NUMBER`, in bytes, seconds or things.
    ///
    /// # Errors
    /// Why it is not set. `[control]`
    pub fn set(&mut self, text: &str) -> Result<(), BadBound> {
        let (key, number) = text.split_once('=').ok_or_else(|| BadBound::Shape(text.to_owned()))?;
        let known = Self::KEYS.into_iter().find(|(name, ..)| *name == key);
        let (key, least, most) = known.ok_or_else(|| BadBound::Key(key.to_owned()))?;
        let number = number.parse().ok().filter(|x| (least..=most).contains(x)).ok_or(BadBound::Range { key, least, most })?;
        let seconds = Duration::from_secs(number as u64);
        for limits in [&mut self.datagram, &mut self.stream] {
            match key {
                "depth" => limits.bundle_depth = number,
                "elements" => limits.elements = number,
                "arguments" => limits.arguments = number,
                "arrays" => limits.array_depth = number,
                "address" => limits.address = number,
                _ => {}
            }
        }
        match key {
            "datagram" => self.datagram.packet = number,
            "frame" => self.stream.packet = number,
            "connections" => self.connections = number,
            "per-host" => self.per_host = number,
            "handshake" => self.handshake = seconds,
            "idle" => self.idle = seconds,
            "queue" => self.queue = number,
            "stall" => self.stall = seconds,
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_sets_something_and_nothing_else_does() {
        for (key, least, most) in Bounds::KEYS {
            let mut bounds = Bounds::default();
            assert_eq!(bounds.set(&format!("{key}={least}")), Ok(()));
            assert_ne!(bounds, Bounds::default(), "{key}");
            assert_eq!(bounds.set(&format!("{key}={}", most + 1)), Err(BadBound::Range { key, least, most }));
        }
        let mut bounds = Bounds::default();
        for text in ["", "depth", "depths=3", "depth=x", "depth=-1", "=3"] {
            assert!(bounds.set(text).is_err(), "{text}");
        }
        assert_eq!(bounds, Bounds::default());
    }
}
