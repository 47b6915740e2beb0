//! Looks through a packet before anything is made of it: in one pass, without recursion, without memory of its own.

use super::limits::{BUNDLE_DEPTH, Limits, Refusal};
use super::reader::Reader;

/// What a sound packet holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Messages, in all bundles.
    pub messages: usize,
    /// Numbers that are NaN or infinite: well formed, but nothing can be set to them.
    pub not_finite: usize,
}

/// Whether a datagram is sound in every byte: then [`super::decode`] cannot fail.
///
/// # Errors
/// The first reason to refuse it, whole. `[any]`
pub fn check(packet: &[u8]) -> Result<Found, Refusal> {
    check_within(packet, &Limits::DATAGRAM)
}

/// The same within other limits, of a stream for one.
///
/// # Errors
/// The first reason to refuse it, whole. `[any]`
pub fn check_within(packet: &[u8], limits: &Limits) -> Result<Found, Refusal> {
    if packet.is_empty() {
        return Err(Refusal::Empty);
    }
    if packet.len() > limits.packet {
        return Err(Refusal::TooLong(limits.packet));
    }
    if !packet.len().is_multiple_of(4) {
        return Err(Refusal::NotInFours(packet.len()));
    }
    let mut found = Found::default();
    let mut open = [Reader::new(&[]); BUNDLE_DEPTH];
    let mut depth = 0;
    let mut elements = 0;
    let mut element = Reader::new(packet);
    loop {
        if element.bundle()?.is_some() {
            let most = limits.bundle_depth.min(BUNDLE_DEPTH);
            *open[..most].get_mut(depth).ok_or(Refusal::DeepBundle(most))? = element;
            depth += 1;
        } else {
            message(element, limits, &mut found)?;
        }
        while depth > 0 && open[depth - 1].left() == 0 {
            depth -= 1;
        }
        if depth == 0 {
            return Ok(found);
        }
        elements += 1;
        if elements > limits.elements {
            return Err(Refusal::ManyElements(limits.elements));
        }
        element = Reader::new(open[depth - 1].element()?);
    }
}

fn message(mut reader: Reader<'_>, limits: &Limits, found: &mut Found) -> Result<(), Refusal> {
    let address = reader.text()?;
    if !address.starts_with('/') {
        return Err(Refusal::NoAddress);
    }
    if address.len() > limits.address {
        return Err(Refusal::LongAddress(limits.address));
    }
    if reader.left() == 0 {
        return Err(Refusal::NoTypes);
    }
    let types = reader.text()?.strip_prefix(',').ok_or(Refusal::NoTypes)?;
    if types.len() > limits.arguments {
        return Err(Refusal::ManyArguments(limits.arguments));
    }
    let mut depth = 0usize;
    for tag in types.chars() {
        match tag {
            '[' if depth == limits.array_depth => return Err(Refusal::DeepArray(limits.array_depth)),
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1).ok_or(Refusal::Brackets)?,
            _ => argument(tag, &mut reader, found)?,
        }
    }
    if depth != 0 {
        return Err(Refusal::Brackets);
    }
    if reader.left() != 0 {
        return Err(Refusal::LeftOver(reader.left()));
    }
    found.messages += 1;
    Ok(())
}

fn argument(tag: char, reader: &mut Reader<'_>, found: &mut Found) -> Result<(), Refusal> {
    let finite = match tag {
        'f' => f32::from_be_bytes(reader.array()?).is_finite(),
        'd' => f64::from_be_bytes(reader.array()?).is_finite(),
        'i' | 'r' | 'm' => reader.take(4).map(|_| true)?,
        'h' | 't' => reader.take(8).map(|_| true)?,
        's' | 'S' => reader.text().map(|_| true)?,
        'b' => reader.blob().map(|_| true)?,
        'c' => u32::try_from(reader.int()?).ok().and_then(char::from_u32).map(|_| true).ok_or(Refusal::NotAChar)?,
        'T' | 'F' | 'N' | 'I' => true,
        _ => return Err(Refusal::UnknownType(tag)),
    };
    found.not_finite += usize::from(!finite);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::limits::{ADDRESS, ARGUMENTS, ARRAY_DEPTH, ELEMENTS, PACKET};

    fn bundle(elements: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
        for element in elements {
            bytes.extend((element.len() as u32).to_be_bytes());
            bytes.extend_from_slice(element);
        }
        bytes
    }

    const PING: &[u8] = b"/p\0\0,\0\0\0";

    #[test]
    fn each_mistake_has_its_own_cause() {
        let long = [b"/".as_slice(), &[b'a'; 300], b"\0\0\0,\0\0\0"].concat();
        let cases: &[(&[u8], Refusal)] = &[
            (b"", Refusal::Empty),
            (&[0; PACKET + 1], Refusal::TooLong(PACKET)),
            (b"/p\0", Refusal::NotInFours(3)),
            (b"hello\0\0\0,\0\0\0", Refusal::NoAddress),
            (&long, Refusal::LongAddress(ADDRESS)),
            (b"/p\0\0", Refusal::NoTypes),
            (b"/p\0\0i\0\0\0\0\0\0\x01", Refusal::NoTypes),
            (b"/p\0\0,q\0\0", Refusal::UnknownType('q')),
            (b"/p\0\0,[[[[[]]]]]\0", Refusal::DeepArray(ARRAY_DEPTH)),
            (b"/p\0\0,[[[[]]]\0\0\0\0", Refusal::Brackets),
            (b"/p\0\0,]\0\0", Refusal::Brackets),
            (b"/p\0\0,s\0\0abcd", Refusal::OpenText),
            (b"/pqr", Refusal::OpenText),
            (b"/p\0\0,s\0\0\xff\0\0\0", Refusal::NotUtf8),
            (b"/p\0\0,c\0\0\0\0\xd8\0", Refusal::NotAChar),
            (b"/p\0\0,i\0\0", Refusal::Short),
            (b"/p\0\0,b\0\0\0\0\0\x09abcd", Refusal::BadSize(9)),
            (b"/p\0\0,b\0\0\xff\xff\xff\xfcabcd", Refusal::BadSize(-4)),
            (b"/p\0\0,\0\0\0abcd", Refusal::LeftOver(4)),
            (b"#bundle\0\0\0\0\0", Refusal::Short),
            (b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\0\0", Refusal::BadSize(0)),
            (b"#bundle\0\0\0\0\0\0\0\0\x01\x80\0\0\0", Refusal::BadSize(i32::MIN)),
            (b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\0\x03/p\0\0", Refusal::NotInFours(3)),
        ];
        for (bytes, refusal) in cases {
            assert_eq!(check(bytes), Err(*refusal), "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
        }
        let many = vec![PING; ELEMENTS + 1];
        assert_eq!(check(&bundle(&many)), Err(Refusal::ManyElements(ELEMENTS)));
        let tags = [b"/p\0\0,".as_slice(), &[b'T'; ARGUMENTS + 1], b"\0\0"].concat();
        assert_eq!(check(&tags), Err(Refusal::ManyArguments(ARGUMENTS)));
    }

    #[test]
    fn bundles_nest_eight_deep_and_no_deeper() {
        let mut bytes = PING.to_vec();
        for depth in 1..=3000 {
            bytes = bundle(&[&bytes]);
            if bytes.len() > PACKET {
                break;
            }
            let expected =
                if depth <= BUNDLE_DEPTH { Ok(Found { messages: 1, not_finite: 0 }) } else { Err(Refusal::DeepBundle(BUNDLE_DEPTH)) };
            assert_eq!(check(&bytes), expected, "depth {depth}");
        }
    }

    #[test]
    fn as_much_as_is_allowed_passes() {
        assert_eq!(check(&bundle(&vec![PING; ELEMENTS])), Ok(Found { messages: ELEMENTS, not_finite: 0 }));
        assert_eq!(check(&bundle(&[])), Ok(Found::default()));
        assert_eq!(check(b"/p\0\0,[[[[]]]]\0\0\0"), Ok(Found { messages: 1, not_finite: 0 }));
        assert_eq!(check(b"/p\0\0,ff\0\x7f\xc0\0\0\x7f\x80\0\0"), Ok(Found { messages: 1, not_finite: 2 }));
    }

    #[test]
    fn every_cause_has_a_name_of_its_own() {
        let mut codes = Refusal::CODES.to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Refusal::CODES.len());
        assert_eq!(Refusal::Json.index(), Refusal::CODES.len() - 1);
    }
}
