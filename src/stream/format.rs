//! How samples lie in bytes, and how they become floats and come back.

use std::fmt;
use std::str::FromStr;

/// How one sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Unsigned, 8 bits: 128 is silence.
    U8,
    /// Signed, 8 bits.
    S8,
    /// Signed, 16 bits.
    S16(Order),
    /// Signed, 24 bits in three bytes.
    S24(Order),
    /// Signed, 32 bits.
    S32(Order),
    /// Floating point, 32 bits; ±1 is full.
    F32(Order),
}

/// Which byte of a sample comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The least.
    #[default]
    Little,
    /// The greatest.
    Big,
}

impl Default for Format {
    fn default() -> Self {
        Self::S16(Order::Little)
    }
}

impl Format {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 10] = [
        ("u8", Self::U8),
        ("s8", Self::S8),
        ("s16le", Self::S16(Order::Little)),
        ("s16be", Self::S16(Order::Big)),
        ("s24le", Self::S24(Order::Little)),
        ("s24be", Self::S24(Order::Big)),
        ("s32le", Self::S32(Order::Little)),
        ("s32be", Self::S32(Order::Big)),
        ("f32le", Self::F32(Order::Little)),
        ("f32be", Self::F32(Order::Big)),
    ];

    /// Bytes of a sample. `[any]`
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::S8 => 1,
            Self::S16(_) => 2,
            Self::S24(_) => 3,
            Self::S32(_) | Self::F32(_) => 4,
        }
    }

    /// Appends the samples of whole ones in `bytes`; what is no number becomes 0. `[any]`
    pub fn decode(self, bytes: &[u8], samples: &mut Vec<f32>) {
        let one = bytes.chunks_exact(self.bytes());
        match self {
            Self::U8 => samples.extend(bytes.iter().map(|x| (f32::from(*x) - 128.0) / 128.0)),
            Self::S8 => samples.extend(bytes.iter().map(|x| f32::from(x.cast_signed()) / 128.0)),
            Self::S16(order) => samples.extend(one.map(|x| whole(x, order) as f32 / 32_768.0)),
            Self::S24(order) => samples.extend(one.map(|x| whole(x, order) as f32 / 8_388_608.0)),
            Self::S32(order) => samples.extend(one.map(|x| (f64::from(whole(x, order)) / 2_147_483_648.0) as f32)),
            Self::F32(order) => samples.extend(one.map(|x| {
                let x = f32::from_bits(whole(x, order).cast_unsigned());
                if x.is_finite() { x } else { 0.0 }
            })),
        }
    }

    /// Appends samples as bytes: rounded to the nearest, whole numbers held at their ends. `[any]`
    pub fn encode(self, samples: &[f32], bytes: &mut Vec<u8>) {
        for x in samples {
            let x = if x.is_nan() { 0.0 } else { *x };
            let step = |full: f64| (f64::from(x) * full).round_ties_even().clamp(-full, full - 1.0) as i32;
            match self {
                Self::U8 => bytes.push((step(128.0) + 128) as u8),
                Self::S8 => bytes.push((step(128.0) as i8).cast_unsigned()),
                Self::S16(order) => put(step(32_768.0), 2, order, bytes),
                Self::S24(order) => put(step(8_388_608.0), 3, order, bytes),
                Self::S32(order) => put(step(2_147_483_648.0), 4, order, bytes),
                Self::F32(order) => put(x.to_bits().cast_signed(), 4, order, bytes),
            }
        }
    }
}

/// The signed whole number that some bytes are.
fn whole(bytes: &[u8], order: Order) -> i32 {
    let add = |x: u32, byte: &u8| x << 8 | u32::from(*byte);
    let x = match order {
        Order::Little => bytes.iter().rev().fold(0, add),
        Order::Big => bytes.iter().fold(0, add),
    };
    let empty = 32 - 8 * bytes.len() as u32;
    (x << empty).cast_signed() >> empty
}

/// The lowest bytes of a whole number.
fn put(x: i32, count: usize, order: Order, bytes: &mut Vec<u8>) {
    match order {
        Order::Little => bytes.extend(&x.to_le_bytes()[..count]),
        Order::Big => bytes.extend(&x.to_be_bytes()[4 - count..]),
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, format)| format == self).map_or("s16le", |(name, _)| name))
    }
}

/// There is no such format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no format `{0}`; there are u8 s8 s16le s24le s32le f32le, and with be in place of le the greatest byte first")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let named = |name: &str| Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
        let plain = matches!(text, "s16" | "s24" | "s32" | "f32").then(|| format!("{text}le"));
        named(plain.as_deref().unwrap_or(text)).ok_or_else(|| UnknownFormat(text.chars().take(16).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_format_comes_back_as_the_same_bytes() {
        for (name, format) in Format::ALL {
            assert_eq!((name.parse(), format.to_string().as_str()), (Ok(format), name));
            let mut bytes = Vec::new();
            for number in 0..70_000u32 {
                // All of 8 and 16 bits, and many of the others; a float must be a number.
                let x = number.wrapping_mul(if format.bytes() > 2 { 61_363 } else { 1 });
                let x = if matches!(format, Format::F32(_)) { (f32::from_bits(0x3f00_0000 | x & 0x7f_ffff)).to_bits() } else { x };
                // What a float cannot hold of 32 bits is left out.
                let x = if matches!(format, Format::S32(_)) { x & !0xff } else { x };
                match format {
                    Format::S16(Order::Big) | Format::S24(Order::Big) | Format::S32(Order::Big) | Format::F32(Order::Big) => {
                        bytes.extend(&x.to_be_bytes()[4 - format.bytes()..]);
                    }
                    _ => bytes.extend(&x.to_le_bytes()[..format.bytes()]),
                }
            }
            let (mut samples, mut back) = (Vec::new(), Vec::new());
            format.decode(&bytes, &mut samples);
            format.encode(&samples, &mut back);
            assert!(bytes == back, "{name}");
            assert!(samples.iter().all(|x| (-1.0..=1.0).contains(x)), "{name}");
        }
    }

    #[test]
    fn ends_silence_and_what_is_no_number() {
        for (name, format) in Format::ALL {
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            format.encode(&[0.0, 7.0, -7.0, f32::NAN], &mut bytes);
            format.decode(&bytes, &mut back);
            assert_eq!((back[0], back[3]), (0.0, 0.0), "{name}");
            assert!(back[1] > 0.99 && back[2] <= -1.0, "{name}: {back:?}");
        }
        let mut heard = Vec::new();
        Format::F32(Order::Little).decode(&f32::INFINITY.to_le_bytes(), &mut heard);
        assert_eq!(heard, [0.0]);
        assert!("s17".parse::<Format>().is_err() && "s24".parse() == Ok(Format::S24(Order::Little)));
    }
}
