//! Bytes → [`Packet`].

use super::check::check_within;
use super::limits::{Limits, Refusal};
use super::packet::{Arg, Bundle, Message, Packet};
use super::reader::Reader;

/// What a packet says; it is checked first, and refused or decoded whole. `S` comes as text.
///
/// # Errors
/// Why it is refused. `[control]`
pub fn decode(bytes: &[u8]) -> Result<Packet, Refusal> {
    decode_within(bytes, &Limits::DATAGRAM)
}

/// The same within other limits, of a stream for one.
///
/// # Errors
/// Why it is refused. `[control]`
pub fn decode_within(bytes: &[u8], limits: &Limits) -> Result<Packet, Refusal> {
    check_within(bytes, limits)?;
    packet(Reader::new(bytes))
}

/// No deeper than the check allows.
fn packet(mut reader: Reader<'_>) -> Result<Packet, Refusal> {
    let Some(time) = reader.bundle()? else { return message(reader).map(Packet::Message) };
    let mut elements = Vec::new();
    while reader.left() > 0 {
        elements.push(packet(Reader::new(reader.element()?))?);
    }
    Ok(Packet::Bundle(Bundle { time, elements }))
}

fn message(mut reader: Reader<'_>) -> Result<Message, Refusal> {
    let address = reader.text()?.to_owned();
    let types = reader.text()?;
    let mut open = Vec::new();
    let mut args = Vec::with_capacity(types.len() - 1);
    for tag in types.chars().skip(1) {
        match tag {
            '[' => open.push(std::mem::take(&mut args)),
            ']' => {
                let array = Arg::Array(args);
                args = open.pop().ok_or(Refusal::Brackets)?;
                args.push(array);
            }
            _ => args.push(argument(tag, &mut reader)?),
        }
    }
    Ok(Message { address, args })
}

fn argument(tag: char, reader: &mut Reader<'_>) -> Result<Arg, Refusal> {
    Ok(match tag {
        'i' => Arg::Int(reader.int()?),
        'h' => Arg::Long(i64::from_be_bytes(reader.array()?)),
        'f' => Arg::Float(f32::from_be_bytes(reader.array()?)),
        'd' => Arg::Double(f64::from_be_bytes(reader.array()?)),
        's' | 'S' => Arg::Text(reader.text()?.to_owned()),
        'b' => Arg::Blob(reader.blob()?.to_owned()),
        't' => Arg::Time(reader.time()?),
        'c' => Arg::Char(u32::try_from(reader.int()?).ok().and_then(char::from_u32).ok_or(Refusal::NotAChar)?),
        'r' => Arg::Color(reader.array()?),
        'm' => Arg::Midi(reader.array()?),
        'T' => Arg::Bool(true),
        'F' => Arg::Bool(false),
        'N' => Arg::Nil,
        'I' => Arg::Impulse,
        _ => return Err(Refusal::UnknownType(tag)),
    })
}
