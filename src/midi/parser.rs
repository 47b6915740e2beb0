//! Bytes of a MIDI cable into messages.

use crate::base::midi::MidiMessage;

/// The state of one cable. Never allocates.
///
/// Understands running status; real-time bytes may come anywhere, even inside other messages; system exclusive is skipped to its end,
/// of whatever length; data bytes without a status are skipped; a note-on with velocity 0 is a note-off.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    /// Status that data bytes belong to; 0: none, they are skipped.
    status: u8,
    /// It stays for the next message.
    running: bool,
    first: Option<u8>,
}

impl Parser {
    /// A cable on which nothing has come yet. `[any]`
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one byte; the message that it completes. `[any]`
    pub fn byte(&mut self, byte: u8) -> Option<MidiMessage> {
        if byte >= 0xf8 {
            return MidiMessage::from_bytes(byte, 0, 0);
        }
        if byte >= 0x80 {
            self.first = None;
            // System exclusive, its end, and what is undefined or needs no data leave nothing that data bytes belong to.
            (self.status, self.running) = match byte {
                0x80..=0xef => (byte, true),
                0xf1..=0xf3 => (byte, false),
                _ => (0, false),
            };
            return None;
        }
        let status = self.status;
        let wants_two = !matches!(status, 0xc0..=0xdf | 0xf1 | 0xf3);
        if status == 0 {
            return None;
        }
        if wants_two && self.first.is_none() {
            self.first = Some(byte);
            return None;
        }
        let (first, second) = self.first.take().map_or((byte, 0), |first| (first, byte));
        if !self.running {
            self.status = 0;
        }
        MidiMessage::from_bytes(status, first, second)
    }

    /// Takes bytes and gives out the messages that they complete. `[any]`
    pub fn feed(&mut self, bytes: &[u8], mut give: impl FnMut(MidiMessage)) {
        for byte in bytes {
            if let Some(message) = self.byte(*byte) {
                give(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Vec<MidiMessage> {
        let mut out = Vec::new();
        Parser::new().feed(bytes, |message| out.push(message));
        out
    }

    #[test]
    fn every_message_as_its_bytes_say() {
        use MidiMessage as M;
        let table: &[(&[u8], &[M])] = &[
            (&[0x83, 60, 7], &[M::NoteOff { channel: 3, key: 60, velocity: 7 }]),
            (&[0x9f, 60, 100], &[M::NoteOn { channel: 15, key: 60, velocity: 100 }]),
            (&[0x90, 60, 0], &[M::NoteOff { channel: 0, key: 60, velocity: 64 }]),
            (&[0xa1, 60, 5], &[M::PolyPressure { channel: 1, key: 60, value: 5 }]),
            (&[0xb2, 74, 127], &[M::Cc { channel: 2, number: 74, value: 127 }]),
            (&[0xc4, 9], &[M::Program { channel: 4, number: 9 }]),
            (&[0xd5, 77], &[M::Pressure { channel: 5, value: 77 }]),
            (&[0xe6, 0, 64], &[M::Bend { channel: 6, value: 0 }]),
            (&[0xe6, 0, 0], &[M::Bend { channel: 6, value: -8192 }]),
            (&[0xe6, 127, 127], &[M::Bend { channel: 6, value: 8191 }]),
            (&[0xf2, 1, 2], &[M::SongPosition(257)]),
            (&[0xf8, 0xfa, 0xfb, 0xfc, 0xff], &[M::Clock, M::Start, M::Continue, M::Stop, M::Reset]),
            // what is undefined
            (&[0xf9, 0xfd, 0xf4, 0xf5, 0xf6], &[]),
            (&[0xfe], &[M::Sense]),
            // running status, of one and of two data bytes
            (
                &[0x90, 60, 1, 64, 2, 67, 0],
                &[
                    M::NoteOn { channel: 0, key: 60, velocity: 1 },
                    M::NoteOn { channel: 0, key: 64, velocity: 2 },
                    M::NoteOff { channel: 0, key: 67, velocity: 64 },
                ],
            ),
            (&[0xc0, 1, 2], &[M::Program { channel: 0, number: 1 }, M::Program { channel: 0, number: 2 }]),
            // real time inside a message, which goes on
            (&[0x90, 0xf8, 60, 0xfe, 0xfa, 1], &[M::Clock, M::Sense, M::Start, M::NoteOn { channel: 0, key: 60, velocity: 1 }]),
            // system exclusive is skipped, clock in it is not, and it ends running status
            (&[0x90, 60, 1, 0xf0, 1, 2, 0xf8, 3, 0xf7, 61, 1], &[M::NoteOn { channel: 0, key: 60, velocity: 1 }, M::Clock]),
            // one that never ends is ended by the next status
            (&[0xf0, 1, 2, 3, 0x80, 60, 0], &[M::NoteOff { channel: 0, key: 60, velocity: 0 }]),
            // system common ends running status; its own does not run
            (&[0x90, 60, 1, 0xf3, 5, 60, 1], &[M::NoteOn { channel: 0, key: 60, velocity: 1 }]),
            (&[0xf2, 1, 0, 1, 0], &[M::SongPosition(1)]),
            // a message that is cut off
            (&[0x90, 60, 0x80, 60, 1], &[M::NoteOff { channel: 0, key: 60, velocity: 1 }]),
            // data out of nowhere
            (&[60, 1, 2, 3], &[]),
        ];
        for (bytes, messages) in table {
            assert_eq!(parse(bytes), *messages, "{bytes:02x?}");
        }
    }

    #[test]
    fn endless_system_exclusive_costs_nothing() {
        let mut parser = Parser::new();
        assert_eq!(parser.byte(0xf0), None);
        for _ in 0..10_000_000 {
            assert_eq!(parser.byte(0x55), None);
        }
        parser.feed(&[0xf7, 0x90, 60], |message| panic!("{message:?}"));
        assert_eq!(parser.byte(1), Some(MidiMessage::NoteOn { channel: 0, key: 60, velocity: 1 }));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_only_lawful_messages_however_they_are_cut(bytes: Vec<u8>, cut in 1usize..7) {
            let whole = parse(&bytes);
            let (mut parser, mut pieces) = (Parser::new(), Vec::new());
            for piece in bytes.chunks(cut) {
                parser.feed(piece, |message| pieces.push(message));
            }
            proptest::prop_assert_eq!(&whole, &pieces);
            for message in whole {
                proptest::prop_assert!(message.channel().is_none_or(|channel| channel < 16));
                match message {
                    MidiMessage::NoteOn { key, velocity, .. } => proptest::prop_assert!(key < 128 && (1..128).contains(&velocity)),
                    MidiMessage::Bend { value, .. } => proptest::prop_assert!((-8192..8192).contains(&value)),
                    MidiMessage::SongPosition(at) => proptest::prop_assert!(at < 1 << 14),
                    _ => {}
                }
            }
        }

        #[test]
        fn after_any_noise_a_whole_message_is_understood(bytes: Vec<u8>) {
            let mut parser = Parser::new();
            parser.feed(&bytes, |_| {});
            let mut out = Vec::new();
            parser.feed(&[0x91, 60, 100], |message| out.push(message));
            proptest::prop_assert_eq!(out, [MidiMessage::NoteOn { channel: 1, key: 60, velocity: 100 }]);
        }
    }
}
