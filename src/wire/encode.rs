//! [`Packet`] → bytes.

use super::packet::{Arg, Message, Packet};
use rosc::{OscArray, OscBundle, OscColor, OscMessage, OscMidiMessage, OscPacket, OscTime, OscType, encoder};

/// The bytes of a packet. A text ends at its first zero byte, since OSC has no other way. `[control]`
pub fn encode(packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(_) = encoder::encode_into(&foreign(packet), &mut bytes);
    bytes
}

/// The bytes of one message. `[control]`
pub fn encode_message(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(_) = encoder::encode_into(&OscPacket::Message(foreign_message(message)), &mut bytes);
    bytes
}

fn foreign(packet: &Packet) -> OscPacket {
    match packet {
        Packet::Message(message) => OscPacket::Message(foreign_message(message)),
        Packet::Bundle(bundle) => {
            OscPacket::Bundle(OscBundle { timetag: foreign_time(bundle.time), content: bundle.elements.iter().map(foreign).collect() })
        }
    }
}

fn foreign_message(message: &Message) -> OscMessage {
    OscMessage { addr: text(&message.address), args: message.args.iter().map(foreign_arg).collect() }
}

fn foreign_time(tag: u64) -> OscTime {
    OscTime { seconds: (tag >> 32) as u32, fractional: tag as u32 }
}

fn text(text: &str) -> String {
    text.split('\0').next().unwrap_or_default().to_owned()
}

fn foreign_arg(arg: &Arg) -> OscType {
    match arg {
        Arg::Int(x) => OscType::Int(*x),
        Arg::Long(x) => OscType::Long(*x),
        Arg::Float(x) => OscType::Float(*x),
        Arg::Double(x) => OscType::Double(*x),
        Arg::Text(x) => OscType::String(text(x)),
        Arg::Blob(x) => OscType::Blob(x.clone()),
        Arg::Time(x) => OscType::Time(foreign_time(*x)),
        Arg::Char(x) => OscType::Char(*x),
        Arg::Color([red, green, blue, alpha]) => OscType::Color(OscColor { red: *red, green: *green, blue: *blue, alpha: *alpha }),
        Arg::Midi([port, status, data1, data2]) => {
            OscType::Midi(OscMidiMessage { port: *port, status: *status, data1: *data1, data2: *data2 })
        }
        Arg::Bool(x) => OscType::Bool(*x),
        Arg::Nil => OscType::Nil,
        Arg::Impulse => OscType::Inf,
        Arg::Array(items) => OscType::Array(OscArray { content: items.iter().map(foreign_arg).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Bundle, decode};

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let message = Message::new(
            "/all/types",
            vec![
                Arg::Int(-1),
                Arg::Long(1 << 40),
                Arg::Float(0.25),
                Arg::Double(1e-300),
                Arg::Text("é".into()),
                Arg::Text(String::new()),
                Arg::Blob(vec![1, 2, 3, 4, 5]),
                Arg::Time(1),
                Arg::Char('x'),
                Arg::Color([1, 2, 3, 4]),
                Arg::Midi([0, 0x90, 60, 100]),
                Arg::Bool(true),
                Arg::Nil,
                Arg::Impulse,
                Arg::Array(vec![Arg::Int(1), Arg::Array(vec![]), Arg::Text("abcd".into())]),
            ],
        );
        let inner = Packet::Bundle(Bundle { time: 7 << 32, elements: vec![Packet::Message(message.clone())] });
        let packet = Packet::Bundle(Bundle { time: 1, elements: vec![Packet::Message(Message::new("/x", vec![])), inner] });
        assert_eq!(decode(&encode(&packet)), Ok(packet));
        assert_eq!(decode(&encode_message(&message)), Ok(Packet::Message(message)));
    }

    #[test]
    fn a_zero_byte_ends_a_text() {
        let bytes = encode_message(&Message::new("/x", vec![Arg::Text("ab\0cd".into())]));
        assert_eq!(decode(&bytes), Ok(Packet::Message(Message::new("/x", vec![Arg::Text("ab".into())]))));
    }
}
