//! Bytes of a MIDI cable into messages.

use crate::base::midi::MidiMessage;

/// Bytes of a system exclusive message at most, where they are kept.
pub const EXCLUSIVE: usize = 64 * 1024;

/// What came whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A message.
    Message(MidiMessage),
    /// A system exclusive message, without the bytes that begin and end it.
    Exclusive(&'a [u8]),
}

/// The state of one cable. After its making it never allocates.
///
/// Understands running status; real-time bytes may come anywhere, even inside other messages; data bytes without a status are skipped;
/// a note-on with velocity 0 is a note-off. System exclusive is kept up to [`EXCLUSIVE`] bytes where the parser was made for it; one that
/// is longer is skipped whole, to its end, of whatever length, and so is one that another status cuts off.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    /// Status that data bytes belong to; 0: none, they are skipped.
    status: u8,
    /// It stays for the next message.
    running: bool,
    first: Option<u8>,
    /// Where system exclusive is kept; none where it is of no interest.
    exclusive: Box<[u8]>,
    /// Bytes of the one that is coming, those beyond the end too.
    length: usize,
    /// Those that were skipped.
    skipped: u64,
}

/// What a byte completes.
enum Whole {
    Nothing,
    Message(MidiMessage),
    Exclusive,
}

impl Parser {
    /// A cable on which nothing has come yet; system exclusive is of no interest. `[any]`
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, where system exclusive is kept. `[control]`
    pub fn with_exclusive() -> Self {
        Self { exclusive: vec![0; EXCLUSIVE].into_boxed_slice(), ..Self::default() }
    }

    /// System exclusive messages that were too long or were cut off, since this was last asked. `[any]`
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    fn step(&mut self, byte: u8) -> Whole {
        let message = |message: Option<MidiMessage>| message.map_or(Whole::Nothing, Whole::Message);
        if byte >= 0xf8 {
            return message(MidiMessage::from_bytes(byte, 0, 0));
        }
        if byte >= 0x80 {
            self.first = None;
            let before = self.status;
            // What is undefined or needs no data leaves nothing that data bytes belong to.
            (self.status, self.running) = match byte {
                0x80..=0xef => (byte, true),
                0xf0..=0xf3 => (byte, false),
                _ => (0, false),
            };
            if before == 0xf0 {
                return self.end_exclusive(byte == 0xf7);
            }
            self.length = 0;
            return Whole::Nothing;
        }
        let status = self.status;
        if status == 0 {
            return Whole::Nothing;
        }
        if status == 0xf0 {
            if let Some(place) = self.exclusive.get_mut(self.length) {
                *place = byte;
            }
            self.length = self.length.saturating_add(1);
            return Whole::Nothing;
        }
        let wants_two = !matches!(status, 0xc0..=0xdf | 0xf1 | 0xf3);
        if wants_two && self.first.is_none() {
            self.first = Some(byte);
            return Whole::Nothing;
        }
        let (first, second) = self.first.take().map_or((byte, 0), |first| (first, byte));
        if !self.running {
            self.status = 0;
        }
        message(MidiMessage::from_bytes(status, first, second))
    }

    fn end_exclusive(&mut self, rightly: bool) -> Whole {
        if rightly && self.length <= self.exclusive.len() {
            return if self.exclusive.is_empty() { Whole::Nothing } else { Whole::Exclusive };
        }
        self.skipped += u64::from(!self.exclusive.is_empty());
        self.length = 0;
        Whole::Nothing
    }

    /// Takes one byte; the message that it completes. System exclusive is skipped. `[any]`
    pub fn byte(&mut self, byte: u8) -> Option<MidiMessage> {
        match self.step(byte) {
            Whole::Message(message) => Some(message),
            Whole::Nothing | Whole::Exclusive => {
                self.length *= usize::from(self.status == 0xf0);
                None
            }
        }
    }

    /// Takes bytes and gives out the messages that they complete; system exclusive is skipped. `[any]`
    pub fn feed(&mut self, bytes: &[u8], mut give: impl FnMut(MidiMessage)) {
        self.take(bytes, |heard| {
            if let Heard::Message(message) = heard {
                give(message);
            }
        });
    }

    /// Takes bytes and gives out all that they complete. `[any]`
    pub fn take(&mut self, bytes: &[u8], mut give: impl FnMut(Heard<'_>)) {
        for byte in bytes {
            match self.step(*byte) {
                Whole::Nothing => {}
                Whole::Message(message) => give(Heard::Message(message)),
                Whole::Exclusive => {
                    give(Heard::Exclusive(&self.exclusive[..self.length]));
                    self.length = 0;
                }
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

    /// A message, or the bytes of one of System Exclusive.
    type Came = (Option<MidiMessage>, Vec<u8>);

    /// All that comes, cut into pieces of so many bytes; and how many were skipped.
    fn take(bytes: &[u8], piece: usize) -> (Vec<Came>, u64) {
        let (mut parser, mut out) = (Parser::with_exclusive(), Vec::new());
        for piece in bytes.chunks(piece) {
            parser.take(piece, |heard| match heard {
                Heard::Message(message) => out.push((Some(message), Vec::new())),
                Heard::Exclusive(bytes) => out.push((None, bytes.to_vec())),
            });
        }
        (out, parser.take_skipped())
    }

    #[test]
    fn system_exclusive_comes_whole_or_not_at_all() {
        let note = (Some(MidiMessage::NoteOn { channel: 0, key: 60, velocity: 1 }), Vec::new());
        let clock = (Some(MidiMessage::Clock), Vec::new());
        for piece in 1..9 {
            // Real time passes through it, out of it and before its end.
            let bytes = [0x90, 60, 1, 0xf0, 0x7e, 0xf8, 0x7f, 8, 0xf8, 0xf7, 0x90, 60, 1];
            let want = [note.clone(), clock.clone(), clock.clone(), (None, vec![0x7e, 0x7f, 8]), note.clone()];
            assert_eq!(take(&bytes, piece), (want.to_vec(), 0));
            // Cut off by a message, and by another of its kind; an empty one; an end out of nowhere.
            let bytes = [0xf0, 1, 2, 0x90, 60, 1, 0xf0, 3, 0xf0, 4, 0xf7, 0xf0, 0xf7, 0xf7];
            assert_eq!(take(&bytes, piece), (vec![note.clone(), (None, vec![4]), (None, Vec::new())], 2));
        }
        let long = |length: usize| [&[0xf0], vec![5; length].as_slice(), &[0xf7, 0x90, 60, 1]].concat();
        let (all, skipped) = take(&long(EXCLUSIVE), 4096);
        assert_eq!((all[0].1.len(), all.len(), skipped), (EXCLUSIVE, 2, 0));
        assert_eq!(take(&long(EXCLUSIVE + 1), 4096), (vec![note], 1));
        assert_eq!(parse(&[0xf0, 1, 2, 0xf7, 0x90, 60, 1]).len(), 1, "where it is of no interest it is not counted either");
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
            proptest::prop_assert_eq!(take(&bytes, bytes.len().max(1)), take(&bytes, cut));
            let (all, _) = take(&bytes, cut);
            let exclusive = all.iter().filter(|(message, _)| message.is_none());
            proptest::prop_assert!(exclusive.into_iter().all(|(_, bytes)| bytes.iter().all(|byte| *byte < 0x80)));
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
