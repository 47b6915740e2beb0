//! The parser of a MIDI cable: no memory of its own, whatever comes.

use rackd::midi::{Heard, Parser};

use super::calls;

#[test]
fn ten_million_bytes_of_anything_take_no_memory_however_they_are_cut() {
    let mut parser = Parser::with_exclusive();
    let (mut chance, mut messages, mut exclusive, mut longest) = (1u64, 0u64, 0u64, 0);
    let mut next = move || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        chance >> 33
    };
    let mut piece = [0u8; 256];
    let mut left = 10_000_000usize;
    let count = calls(|| {
        while left > 0 {
            let length = (1 + next() as usize % piece.len()).min(left);
            // Some stretches are all noise, some mostly data, so that long messages come too.
            let noise = next() % 8 == 0;
            for byte in &mut piece[..length] {
                let any = next() as u32;
                *byte = if noise || any.is_multiple_of(4000) { (any >> 8) as u8 } else { (any >> 8) as u8 & 0x7f };
                if any % 500 == 1 {
                    *byte = 0xf0;
                } else if any % 500 == 2 {
                    *byte = 0xf7;
                }
            }
            left -= length;
            parser.take(&piece[..length], |heard| match heard {
                Heard::Message(message) => {
                    assert!(message.channel().is_none_or(|channel| channel < 16));
                    messages += 1;
                }
                Heard::Exclusive(bytes) => {
                    assert!(bytes.iter().all(|byte| *byte < 0x80));
                    longest = longest.max(bytes.len());
                    exclusive += 1;
                }
            });
        }
    });
    assert_eq!(count, 0);
    assert!(messages > 1_000_000 && exclusive > 1_000 && longest > 100, "{messages}, {exclusive}, {longest}");
    let mut heard = Vec::new();
    parser.feed(&[0x91, 60, 100], |message| heard.push(message));
    assert_eq!(heard.len(), 1, "and it understands what comes then");
}
