//! Universal System Exclusive messages that tune or turn the whole: bytes in, what they mean out. Sources: MIDI 1.0's MIDI Tuning
//! Standard with CA-020 (banks, dumps) and CA-021 / RP-020 (scale and octave tuning), and Device Control.

use crate::base::names::octaves_from_note;
use crate::media::tuning::KEYS;

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// These keys have these pitches [octaves above C4].
    Keys(Vec<(u8, f64)>),
    /// On some channels each of the twelve notes from C on is so much higher than in equal temperament [octaves].
    Octave {
        /// Bit 0 is channel 1.
        channels: u16,
        /// From C on.
        offsets: [f64; 12],
    },
    /// All keys are so much higher [octaves]: fine tuning.
    Fine(f64),
    /// The same: coarse tuning, in semitones.
    Coarse(f64),
    /// How loud the whole is, 0..1 of the way.
    Volume(f64),
}

/// A message that is understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Exclusive {
    /// What it says.
    pub said: Said,
    /// Notes that sound are to follow at once.
    pub real_time: bool,
}

/// A message that is meant for us and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too short or too long.
    #[error("its length is wrong")]
    Length,
    /// Its sum does not fit.
    #[error("its checksum is wrong")]
    Checksum,
    /// A byte above 127.
    #[error("a byte of it is no data byte")]
    Byte,
}

/// Every channel.
pub const ALL_CHANNELS: u16 = u16::MAX;

const NON_REAL_TIME: u8 = 0x7e;
const REAL_TIME: u8 = 0x7f;
const DEVICE_CONTROL: u8 = 4;
const TUNING: u8 = 8;
/// Letters of the name of a dump.
const NAME: usize = 16;

/// Reads a message without its F0 and F7, for whatever device it is meant; `None`: it is none of these.
///
/// # Errors
/// Why it cannot be read. `[control]`
pub fn read(bytes: &[u8]) -> Result<Option<Exclusive>, Malformed> {
    let [kind @ (NON_REAL_TIME | REAL_TIME), _device, group, what, body @ ..] = bytes else { return Ok(None) };
    let real_time = *kind == REAL_TIME;
    let read = match (real_time, *group, *what) {
        (true, DEVICE_CONTROL, 1 | 3 | 4) => device(*what, body),
        (false, TUNING, 1) => dump(bytes, body, 1).and_then(all_keys),
        (false, TUNING, 4) => dump(bytes, body, 2).and_then(all_keys),
        (false, TUNING, 5) => dump(bytes, body, 2).and_then(|data| octave(ALL_CHANNELS, data, false)),
        (false, TUNING, 6) => dump(bytes, body, 2).and_then(|data| octave(ALL_CHANNELS, data, true)),
        (true, TUNING, 2) => body.get(1..).ok_or(Malformed::Length).and_then(some_keys),
        (_, TUNING, 7) => body.get(2..).ok_or(Malformed::Length).and_then(some_keys),
        (_, TUNING, 8 | 9) => masked(body, *what == 9),
        _ => return Ok(None),
    };
    if bytes.iter().any(|byte| *byte > 127) {
        return Err(Malformed::Byte);
    }
    read.map(|said| Some(Exclusive { said, real_time }))
}

fn wide(low: u8, high: u8) -> f64 {
    f64::from(u16::from(high) << 7 | u16::from(low))
}

fn device(what: u8, body: &[u8]) -> Result<Said, Malformed> {
    let [low, high] = body else { return Err(Malformed::Length) };
    Ok(match what {
        1 => Said::Volume(wide(*low, *high) / 16_383.0),
        3 => Said::Fine((wide(*low, *high) - 8192.0) / 8192.0 / 12.0),
        _ => Said::Coarse((f64::from(*high) - 64.0) / 12.0),
    })
}

/// What stands between the head of a dump, its name with it, and its checksum.
fn dump<'a>(bytes: &[u8], body: &'a [u8], head: usize) -> Result<&'a [u8], Malformed> {
    let Some((sum, data)) = body.split_last() else { return Err(Malformed::Length) };
    let data = data.get(head + NAME..).ok_or(Malformed::Length)?;
    let want = bytes[..bytes.len() - 1].iter().fold(0, |sum, byte| sum ^ byte) & 127;
    if data.len() != 3 * KEYS && data.len() != 12 && data.len() != 24 {
        return Err(Malformed::Length);
    }
    if *sum == want { Ok(data) } else { Err(Malformed::Checksum) }
}

/// The frequency of three bytes [octaves above C4]: a key of equal temperament and 14 bits of the way to the next; `None`: no change.
fn frequency(data: [u8; 3]) -> Option<f64> {
    let [key, high, low] = data;
    (data != [127; 3]).then(|| octaves_from_note(f64::from(key) + wide(low, high) / 16_384.0))
}

fn all_keys(data: &[u8]) -> Result<Said, Malformed> {
    if data.len() != 3 * KEYS {
        return Err(Malformed::Length);
    }
    let (each, _) = data.as_chunks::<3>();
    Ok(Said::Keys(each.iter().zip(0..).filter_map(|(data, key)| Some((key, frequency(*data)?))).collect()))
}

fn some_keys(body: &[u8]) -> Result<Said, Malformed> {
    let Some((count, data)) = body.split_first() else { return Err(Malformed::Length) };
    let (each, rest) = data.as_chunks::<4>();
    if each.len() != usize::from(*count) || !rest.is_empty() {
        return Err(Malformed::Length);
    }
    Ok(Said::Keys(each.iter().filter_map(|[key, a, b, c]| Some((*key, frequency([*a, *b, *c])?))).collect()))
}

fn masked(body: &[u8], two_bytes: bool) -> Result<Said, Malformed> {
    let [last, middle, first, data @ ..] = body else { return Err(Malformed::Length) };
    let part = |byte: &u8, bits: u16| u16::from(*byte) & ((1 << bits) - 1);
    octave(part(first, 7) | part(middle, 7) << 7 | part(last, 2) << 14, data, two_bytes)
}

fn octave(channels: u16, data: &[u8], two_bytes: bool) -> Result<Said, Malformed> {
    if data.len() != if two_bytes { 24 } else { 12 } {
        return Err(Malformed::Length);
    }
    let cents = |note: usize| {
        if two_bytes { (wide(data[2 * note + 1], data[2 * note]) - 8192.0) * 100.0 / 8192.0 } else { f64::from(data[note]) - 64.0 }
    };
    Ok(Said::Octave { channels, offsets: std::array::from_fn(|note| cents(note) / 1200.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> Said {
        read(bytes).unwrap().unwrap().said
    }

    fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.push(bytes.iter().fold(0, |sum, byte| sum ^ byte) & 127);
        bytes
    }

    #[test]
    fn the_examples_of_the_standard_mean_what_it_says() {
        // From its table: 00 00 00 is 8.1758 Hz, 3C 00 00 middle C, 45 00 00 440 Hz, 45 00 01 440.0016 Hz, 7F 7F 7E 13289.73 Hz.
        let hertz = |a, b, c| crate::base::units::hertz_from_octaves(frequency([a, b, c]).unwrap());
        for (bytes, want) in [
            ([0, 0, 0], 8.1758),
            ([0, 0, 1], 8.1758),
            ([1, 0, 0], 8.6620),
            ([60, 0, 0], 261.6256),
            ([69, 0, 0], 440.0),
            ([69, 0, 1], 440.0016),
            ([127, 127, 126], 13_289.656_7),
        ] {
            let got = hertz(bytes[0], bytes[1], bytes[2]);
            assert!((got / want - 1.0).abs() < 1e-5, "{bytes:?}: {got} for {want}");
        }
        assert_eq!(frequency([127; 3]), None);
    }

    #[test]
    fn single_notes_with_and_without_a_bank() {
        let half = octaves_from_note(60.5);
        assert_eq!(said(&[0x7f, 0x7f, 8, 2, 0, 1, 61, 60, 64, 0]), Said::Keys(vec![(61, half)]));
        assert_eq!(said(&[0x7f, 3, 8, 7, 1, 0, 2, 61, 60, 64, 0, 62, 127, 127, 127]), Said::Keys(vec![(61, half)]));
        assert!(!read(&[0x7e, 3, 8, 7, 1, 0, 1, 61, 60, 64, 0]).unwrap().unwrap().real_time);
        assert_eq!(read(&[0x7f, 0x7f, 8, 2, 0, 2, 61, 60, 64, 0]), Err(Malformed::Length));
        assert_eq!(read(&[0x7f, 0x7f, 8, 2]), Err(Malformed::Length));
        assert_eq!(read(&[0x7f, 0x7f, 8, 2, 0, 1, 61, 60, 200, 0]), Err(Malformed::Byte));
    }

    #[test]
    fn dumps_are_summed() {
        let mut bytes = vec![0x7e, 0, 8, 1, 5];
        bytes.extend(*b"a tuning, 16 let");
        bytes.extend((0..128u8).flat_map(|key| [key, 0, 0]));
        let whole = summed(bytes.clone());
        assert_eq!(whole.len(), 406);
        let Said::Keys(keys) = said(&whole) else { panic!() };
        assert_eq!((keys.len(), keys[69]), (128, (69, 0.75)));
        let mut wrong = whole.clone();
        wrong[100] ^= 1;
        assert_eq!(read(&wrong), Err(Malformed::Checksum));
        assert_eq!(read(&whole[..405]), Err(Malformed::Length));
        let mut octave = vec![0x7e, 0, 8, 5, 0, 5];
        octave.extend(*b"twelve of one by");
        octave.extend([64; 11]);
        octave.push(74);
        let Said::Octave { channels, offsets } = said(&summed(octave)) else { panic!() };
        assert_eq!((channels, offsets[0], offsets[11]), (ALL_CHANNELS, 0.0, 10.0 / 1200.0));
    }

    #[test]
    fn octaves_name_their_channels() {
        let one = |first: u8, middle: u8, last: u8| {
            let mut bytes = vec![0x7f, 0x7f, 8, 8, last, middle, first];
            bytes.extend([0, 127, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]);
            let Said::Octave { channels, offsets } = said(&bytes) else { panic!() };
            assert_eq!((offsets[0], offsets[1], offsets[2]), (-64.0 / 1200.0, 63.0 / 1200.0, 0.0));
            channels
        };
        assert_eq!(one(1, 0, 0), 1, "channel 1");
        assert_eq!(one(0, 1, 0), 1 << 7, "channel 8");
        assert_eq!(one(0, 0, 1), 1 << 14, "channel 15");
        assert_eq!(one(127, 127, 3), ALL_CHANNELS);
        let mut two = vec![0x7e, 0x7f, 8, 9, 3, 127, 127];
        two.extend([0, 0, 127, 127, 64, 0]);
        two.extend([64, 0].repeat(9));
        let Said::Octave { offsets, .. } = said(&two) else { panic!() };
        assert!((offsets[0] * 1200.0 + 100.0).abs() < 1e-9 && (offsets[1] * 1200.0 - 99.987_79).abs() < 1e-4 && offsets[2] == 0.0);
        two.pop();
        assert_eq!(read(&two), Err(Malformed::Length));
    }

    #[test]
    fn the_whole_is_turned_and_strangers_are_left_alone() {
        assert_eq!(said(&[0x7f, 0x7f, 4, 1, 127, 127]), Said::Volume(1.0));
        assert_eq!(said(&[0x7f, 0x7f, 4, 3, 0, 64]), Said::Fine(0.0));
        assert_eq!(said(&[0x7f, 0x7f, 4, 3, 0, 0]), Said::Fine(-1.0 / 12.0));
        assert_eq!(said(&[0x7f, 0x7f, 4, 4, 0, 76]), Said::Coarse(1.0));
        assert_eq!(read(&[0x7f, 0x7f, 4, 1, 127]), Err(Malformed::Length));
        for stranger in [&[0x43, 1, 2, 3][..], &[0x7e, 0x7f, 9, 1], &[0x7e, 0x7f, 8, 0, 1], &[0x7e], &[]] {
            assert_eq!(read(stranger), Ok(None), "{stranger:?}");
        }
    }
}
