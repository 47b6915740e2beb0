//! Goes through a packet without making anything of it: messages as they stand in the bytes.

use super::check::check_within;
use super::limits::{BUNDLE_DEPTH, Limits, Refusal};
use super::reader::Reader;

/// A message as it stands in a packet.
#[derive(Clone, Copy, Debug)]
pub struct Borrowed<'a> {
    /// The time tag of the innermost bundle that it stands in, and how deep it stands; `None` for a message alone.
    pub bundle: Option<(u64, usize)>,
    /// Begins with `/`; may be a pattern.
    pub address: &'a str,
    /// A letter for each argument, without the comma.
    pub types: &'a str,
    arguments: Reader<'a>,
}

impl Borrowed<'_> {
    /// The one argument of a message that has exactly one, where it is a number: whole ones too. `[any]`
    pub fn number(&self) -> Option<Number> {
        let mut reader = self.arguments;
        match self.types {
            "f" => reader.array().ok().map(|bytes| Number::Float(f32::from_be_bytes(bytes).into())),
            "d" => reader.array().ok().map(|bytes| Number::Float(f64::from_be_bytes(bytes))),
            "i" => reader.int().ok().map(|x| Number::Whole(x.into())),
            "h" => reader.array().ok().map(|bytes| Number::Whole(i64::from_be_bytes(bytes))),
            _ => None,
        }
    }
}

/// A number as it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// `f` and `d`.
    Float(f64),
    /// `i` and `h`.
    Whole(i64),
}

impl Number {
    /// As a float, whichever it is. `[any]`
    pub const fn float(self) -> f64 {
        match self {
            Self::Float(x) => x,
            Self::Whole(x) => x as f64,
        }
    }
}

/// The messages of a sound packet, in order.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    next: Option<Reader<'a>>,
    open: [Reader<'a>; BUNDLE_DEPTH],
    times: [u64; BUNDLE_DEPTH],
    depth: usize,
}

/// Checks a packet and goes through it; no memory is taken.
///
/// # Errors
/// The first reason to refuse it, whole. `[any]`
pub fn walk<'a>(packet: &'a [u8], limits: &Limits) -> Result<Messages<'a>, Refusal> {
    check_within(packet, limits)?;
    let open = [Reader::new(&[]); BUNDLE_DEPTH];
    Ok(Messages { next: Some(Reader::new(packet)), open, times: [0; BUNDLE_DEPTH], depth: 0 })
}

impl<'a> Iterator for Messages<'a> {
    type Item = Borrowed<'a>;

    fn next(&mut self) -> Option<Borrowed<'a>> {
        loop {
            let mut element = match self.next.take() {
                Some(element) => element,
                None => {
                    while self.depth > 0 && self.open[self.depth - 1].left() == 0 {
                        self.depth -= 1;
                    }
                    Reader::new(self.open.get_mut(self.depth.checked_sub(1)?)?.element().ok()?)
                }
            };
            if let Some(time) = element.bundle().ok()? {
                *self.open.get_mut(self.depth)? = element;
                self.times[self.depth] = time;
                self.depth += 1;
                continue;
            }
            let address = element.text().ok()?;
            let types = element.text().ok()?.strip_prefix(',')?;
            let bundle = self.depth.checked_sub(1).map(|at| (self.times[at], self.depth));
            return Some(Borrowed { bundle, address, types, arguments: element });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Arg, Bundle, Message, Packet, encode};

    #[test]
    fn messages_come_in_order_with_their_bundles() {
        let value = |address: &str, arg| Packet::Message(Message::new(address, vec![arg]));
        let inner = Bundle { time: 7, elements: vec![value("/b", Arg::Int(2)), Packet::Bundle(Bundle { time: 9, elements: vec![] })] };
        let packet = Packet::Bundle(Bundle {
            time: 1,
            elements: vec![value("/a", Arg::Float(0.5)), Packet::Bundle(inner), value("/c", Arg::Text("x".into()))],
        });
        let bytes = encode(&packet);
        let seen: Vec<_> = walk(&bytes, &Limits::DATAGRAM).expect("sound").map(|m| (m.address, m.bundle, m.number())).collect();
        assert_eq!(
            seen,
            [("/a", Some((1, 1)), Some(Number::Float(0.5))), ("/b", Some((7, 2)), Some(Number::Whole(2))), ("/c", Some((1, 1)), None),]
        );
        let alone = encode(&value("/d", Arg::Double(0.25)));
        let seen: Vec<_> = walk(&alone, &Limits::DATAGRAM).expect("sound").map(|m| (m.address, m.bundle, m.number())).collect();
        assert_eq!(seen, [("/d", None, Some(Number::Float(0.25)))]);
        assert!(walk(&bytes[..bytes.len() - 4], &Limits::DATAGRAM).is_err());
    }
}
