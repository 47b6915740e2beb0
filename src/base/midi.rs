//! A MIDI message as a value.

/// One message of MIDI 1.0 that a synthesizer acts on. Channels count from 0, keys, controllers and values are 0..=127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MidiMessage {
    /// A key is let go.
    NoteOff {
        /// 0..=15.
        channel: u8,
        /// Which key; 60 is C4.
        key: u8,
        /// How fast.
        velocity: u8,
    },
    /// A key is struck; the velocity is never 0, which is a [`Self::NoteOff`] with velocity 64.
    NoteOn {
        /// 0..=15.
        channel: u8,
        /// Which key; 60 is C4.
        key: u8,
        /// How hard, 1..=127.
        velocity: u8,
    },
    /// Pressure on one key.
    PolyPressure {
        /// 0..=15.
        channel: u8,
        /// Which key.
        key: u8,
        /// How hard.
        value: u8,
    },
    /// A controller moves.
    Cc {
        /// 0..=15.
        channel: u8,
        /// Which; 120 and above are modes of the channel.
        number: u8,
        /// To where.
        value: u8,
    },
    /// A program is chosen.
    Program {
        /// 0..=15.
        channel: u8,
        /// Which, from 0.
        number: u8,
    },
    /// Pressure on the whole channel.
    Pressure {
        /// 0..=15.
        channel: u8,
        /// How hard.
        value: u8,
    },
    /// The pitch wheel moves.
    Bend {
        /// 0..=15.
        channel: u8,
        /// To where, −8192..=8191; 0 is the middle.
        value: i16,
    },
    /// Where in the song to go on from [sixteenth notes].
    SongPosition(u16),
    /// A 24th of a quarter note has passed.
    Clock,
    /// The song starts from its beginning.
    Start,
    /// The song goes on from where it stopped.
    Continue,
    /// The song stops.
    Stop,
    /// The cable is alive; once it has come, silence of 300 ms means that it is not.
    Sense,
    /// All sounds off, everything as when switched on.
    Reset,
}

impl MidiMessage {
    /// The message of a status byte from 0x80 on and its data bytes, of which unneeded ones are ignored; `None` for what is no
    /// message of this list. `[any]`
    pub fn from_bytes(status: u8, first: u8, second: u8) -> Option<Self> {
        let (channel, a, b) = (status & 0x0f, first & 0x7f, second & 0x7f);
        Some(match status {
            0x80..=0x8f => Self::NoteOff { channel, key: a, velocity: b },
            0x90..=0x9f if b == 0 => Self::NoteOff { channel, key: a, velocity: 64 },
            0x90..=0x9f => Self::NoteOn { channel, key: a, velocity: b },
            0xa0..=0xaf => Self::PolyPressure { channel, key: a, value: b },
            0xb0..=0xbf => Self::Cc { channel, number: a, value: b },
            0xc0..=0xcf => Self::Program { channel, number: a },
            0xd0..=0xdf => Self::Pressure { channel, value: a },
            0xe0..=0xef => Self::Bend { channel, value: (i16::from(b) << 7 | i16::from(a)) - 8192 },
            0xf2 => Self::SongPosition(u16::from(b) << 7 | u16::from(a)),
            0xf8 => Self::Clock,
            0xfa => Self::Start,
            0xfb => Self::Continue,
            0xfc => Self::Stop,
            0xfe => Self::Sense,
            0xff => Self::Reset,
            _ => return None,
        })
    }

    /// Its bytes, and how many of them. `[any]`
    pub fn bytes(self) -> ([u8; 3], usize) {
        match self {
            Self::NoteOff { channel, key, velocity } => ([0x80 | channel, key, velocity], 3),
            Self::NoteOn { channel, key, velocity } => ([0x90 | channel, key, velocity], 3),
            Self::PolyPressure { channel, key, value } => ([0xa0 | channel, key, value], 3),
            Self::Cc { channel, number, value } => ([0xb0 | channel, number, value], 3),
            Self::Program { channel, number } => ([0xc0 | channel, number, 0], 2),
            Self::Pressure { channel, value } => ([0xd0 | channel, value, 0], 2),
            Self::Bend { channel, value } => {
                let all = (i32::from(value) + 8192).clamp(0, 16_383);
                ([0xe0 | channel, (all & 0x7f) as u8, (all >> 7) as u8], 3)
            }
            Self::SongPosition(at) => ([0xf2, (at & 0x7f) as u8, (at >> 7 & 0x7f) as u8], 3),
            Self::Clock => ([0xf8, 0, 0], 1),
            Self::Start => ([0xfa, 0, 0], 1),
            Self::Continue => ([0xfb, 0, 0], 1),
            Self::Stop => ([0xfc, 0, 0], 1),
            Self::Sense => ([0xfe, 0, 0], 1),
            Self::Reset => ([0xff, 0, 0], 1),
        }
    }

    /// The channel it is for, 0..=15, where it is for one. `[any]`
    pub fn channel(self) -> Option<u8> {
        match self {
            Self::NoteOff { channel, .. }
            | Self::NoteOn { channel, .. }
            | Self::PolyPressure { channel, .. }
            | Self::Cc { channel, .. }
            | Self::Program { channel, .. }
            | Self::Pressure { channel, .. }
            | Self::Bend { channel, .. } => Some(channel),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_its_bytes_again() {
        for status in 0x80..=0xff_u8 {
            for (first, second) in [(0, 1), (60, 127), (127, 64), (1, 99)] {
                if let Some(message) = MidiMessage::from_bytes(status, first, second) {
                    let (bytes, length) = message.bytes();
                    assert_eq!(MidiMessage::from_bytes(bytes[0], bytes[1], bytes[2]), Some(message));
                    assert_eq!(&bytes[..length], &[status, first, second][..length]);
                }
            }
        }
    }
}
