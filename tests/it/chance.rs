//! Seeded chance, so that a failing case can be had again.

/// SplitMix64.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Bytes that often look like OSC: letters, tags, zeros, sizes.
    pub fn datagram(&mut self) -> Vec<u8> {
        let length = self.below(40) * 4;
        let mut bytes = Vec::with_capacity(length);
        if self.below(2) == 0 {
            const PARTS: [&[u8]; 3] = [b"/a\0\0,", b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\0\x08", b"/n/x/y\0\0,ff\0"];
            let part: &&[u8] = self.pick(&PARTS);
            bytes.extend_from_slice(part);
        }
        while bytes.len() < length {
            match self.below(4) {
                0 => bytes.push(0),
                1 => bytes.push(*self.pick(b"/,ifsbhdtcrmTFIN[]#*?{}a")),
                2 => bytes.extend((self.below(64) as u32).to_be_bytes()),
                _ => bytes.push(self.next() as u8),
            }
        }
        if self.below(8) != 0 {
            bytes.truncate(bytes.len() / 4 * 4);
        }
        bytes
    }

    /// A sound datagram with a few things changed.
    pub fn mutated(&mut self, from: &[u8]) -> Vec<u8> {
        let mut bytes = from.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1));
            match self.below(6) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = self.next() as u8,
                2 => bytes.truncate(at / 4 * 4),
                3 => {
                    let piece = bytes[at..].to_vec();
                    bytes.extend(piece);
                }
                4 if at + 4 <= bytes.len() => bytes[at..at + 4].copy_from_slice(&(self.next() as u32 >> self.below(32)).to_be_bytes()),
                _ => bytes.splice(at..at, [0; 4]).for_each(drop),
            }
        }
        bytes.truncate(65_536);
        bytes
    }
}
