//! Packets that mean harm, or are broken: six kinds, the same in every run.

use std::path::PathBuf;

/// Chance that is the same in every run (SplitMix64, Steele and others 2014).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Packets of real clients.
pub fn captures() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut packets = Vec::new();
    for client in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            packets.push((file.path(), std::fs::read(file.path()).unwrap()));
        }
    }
    packets.sort();
    assert!(packets.len() > 100);
    packets.into_iter().map(|(_, bytes)| bytes).collect()
}

fn random(chance: &mut Chance) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..chance.below(300)).map(|_| chance.next() as u8).collect();
    // Half of them look like something at first.
    match chance.below(4) {
        0 => bytes.splice(0..0, *b"/tone/").count(),
        1 => bytes.splice(0..0, *b"#bundle\0").count(),
        _ => 0,
    };
    bytes
}

fn mutated(chance: &mut Chance, captures: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = captures[chance.below(captures.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len().max(1));
        match chance.below(4) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[at] = chance.next() as u8,
            2 => bytes.truncate(at),
            _ => bytes.insert(at.min(bytes.len()), chance.next() as u8),
        }
    }
    bytes
}

/// Bundles in bundles in bundles, up to what a datagram holds; some deeper ones hold a note.
fn nested(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = b"/tone/note\0\0,ii\0\0\0\0\x45\0\0\0\x01".to_vec();
    for _ in 0..9 + chance.below(40) * chance.below(80) {
        let size = (bytes.len() as u32).to_be_bytes();
        bytes.splice(0..0, [b"#bundle\0\0\0\0\0\0\0\0\x01".as_slice(), &size].concat());
        if bytes.len() > 65_000 {
            break;
        }
    }
    bytes
}

/// Sizes that are not true, of elements and of blobs.
fn lies(chance: &mut Chance) -> Vec<u8> {
    let size = [-4, i32::MIN, 0, -1, i32::MAX, 3, 65_536][chance.below(7)].to_be_bytes();
    match chance.below(3) {
        0 => [b"#bundle\0\0\0\0\0\0\0\0\x01".as_slice(), &size, b"/tone/note\0\0,ii\0"].concat(),
        1 => [b"#bundle\0\0\0\0\0\0\0\0\x01".as_slice(), &size.repeat(1 + chance.below(16_000))].concat(),
        _ => [b"/tone/note\0\0,b\0\0".as_slice(), &size, b"abcd"].concat(),
    }
}

/// A text that is far too long, as address, type string or argument; some have no end.
fn texts(chance: &mut Chance) -> Vec<u8> {
    let long = vec![b'a' + chance.below(26) as u8; 4 * (1 + chance.below(15_000))];
    let end: &[u8] = if chance.below(3) == 0 { b"" } else { b"\0\0\0\0" };
    match chance.below(4) {
        0 => [b"/xyz".as_slice(), &long, end, b",\0\0\0"].concat(),
        1 => [b"/tone/note\0\0,iii".as_slice(), &long, end].concat(),
        2 => [b"/tone/note\0\0,s\0\0".as_slice(), &long, end].concat(),
        _ => [b"/{*a*a,".as_slice(), &vec![b'*'; 4 * (1 + chance.below(60))], b"}\0\0\0,i\0\0\0\0\0\x01"].concat(),
    }
}

/// A blob as large as a datagram, or one that says so.
fn blobs(chance: &mut Chance) -> Vec<u8> {
    let length = 4 * chance.below(16_000);
    let said = (if chance.below(4) == 0 { length * 2 } else { length }) as u32;
    [b"/tone/loud\0\0,b\0\0".as_slice(), &said.to_be_bytes(), &vec![chance.next() as u8; length]].concat()
}

/// The kinds, by name.
pub const KINDS: [&str; 6] = ["random", "mutated", "nested", "lies", "texts", "blobs"];

/// The next packet of a kind.
pub fn packet(kind: usize, chance: &mut Chance, captures: &[Vec<u8>]) -> Vec<u8> {
    match kind {
        0 => random(chance),
        1 => mutated(chance, captures),
        2 => nested(chance),
        3 => lies(chance),
        4 => texts(chance),
        _ => blobs(chance),
    }
}
