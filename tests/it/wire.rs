//! OSC bytes: real clients' packets, random ones, mutated ones.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::chance::Chance;
use rackd::wire::{Arg, Packet, Refusal, check, decode, encode};

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures")
}

/// Every recorded packet with what the table says of it.
pub fn recorded() -> Vec<(String, Vec<u8>, String)> {
    let table = std::fs::read_to_string(captures().join("table.txt")).expect("the table of captures");
    let paragraphs = table.split("\n\n").filter(|paragraph| !paragraph.starts_with('#')).filter(|p| !p.trim().is_empty());
    paragraphs
        .map(|paragraph| {
            let (name, says) = paragraph.trim_end().split_once('\n').expect("a name and what it says");
            (name.to_owned(), std::fs::read(captures().join(name)).expect(name), says.to_owned())
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Tags and values as the table spells them.
fn spell(args: &[Arg], tags: &mut String, values: &mut Vec<String>) {
    for arg in args {
        let (tag, value) = match arg {
            Arg::Int(x) => ('i', x.to_string()),
            Arg::Long(x) => ('h', x.to_string()),
            Arg::Float(x) => ('f', number(f64::from(*x))),
            Arg::Double(x) => ('d', number(*x)),
            Arg::Text(x) => ('s', format!("'{x}'")),
            Arg::Blob(x) => ('b', format!("'blob[{}]{}'", x.len(), hex(x))),
            Arg::Time(x) => ('t', format!("'{x:016x}'")),
            Arg::Char(x) => ('c', format!("'{x}'")),
            Arg::Color(x) => ('r', format!("'{}'", hex(x))),
            Arg::Midi(x) => ('m', format!("'{}'", hex(x))),
            Arg::Bool(true) => ('T', "'T'".into()),
            Arg::Bool(false) => ('F', "'F'".into()),
            Arg::Nil => ('N', "'N'".into()),
            Arg::Impulse => ('I', "'I'".into()),
            Arg::Array(items) => {
                tags.push('[');
                values.push("'['".into());
                spell(items, tags, values);
                (']', "']'".into())
            }
        };
        tags.push(tag);
        values.push(value);
    }
}

fn number(x: f64) -> String {
    if x.is_infinite() { "inf".into() } else { format!("{x:?}") }
}

fn lines(packet: &Packet, indent: usize, out: &mut Vec<String>) {
    let pad = "  ".repeat(indent);
    match packet {
        Packet::Message(message) => {
            let (mut tags, mut values) = (String::new(), Vec::new());
            spell(&message.args, &mut tags, &mut values);
            out.push(format!("{pad}{} ,{tags} [{}]", message.address, values.join(", ")));
        }
        Packet::Bundle(bundle) => {
            out.push(format!("{pad}#bundle tt={:08x}.{:08x}", bundle.time >> 32, bundle.time & 0xffff_ffff));
            for element in &bundle.elements {
                lines(element, indent + 1, out);
            }
        }
    }
}

#[test]
fn packets_of_real_clients_say_what_their_table_says() {
    let recorded = recorded();
    assert_eq!(recorded.len(), 113);
    for (name, bytes, says) in recorded {
        let ours = match decode(&bytes) {
            Ok(packet) => {
                let mut out = Vec::new();
                lines(&packet, 0, &mut out);
                out.join("\n")
            }
            Err(refusal) => format!("refused {}", refusal.code()),
        };
        // Symbols come as texts.
        let says = says.replace(",cSdhmtTFN ", ",csdhmtTFN ").replace(",cS ", ",cs ");
        assert_eq!(ours, says, "{name}");
    }
}

/// What rosc makes of bytes that the check lets through, encoded again.
fn second_opinion(bytes: &[u8]) -> Vec<u8> {
    let (rest, packet) = rosc::decoder::decode_udp(bytes).expect("rosc takes what the check takes");
    assert!(rest.is_empty(), "rosc leaves nothing over");
    rosc::encoder::encode(&packet).expect("rosc encodes")
}

fn whole_or_not_at_all(bytes: &[u8], tally: &mut [usize; 2]) {
    let checked = check(bytes);
    match decode(bytes) {
        Err(refusal) => {
            assert_eq!(checked, Err(refusal));
            tally[0] += 1;
        }
        Ok(packet) => {
            let found = checked.expect("what decodes was checked");
            assert_eq!(messages(&packet), found.messages);
            let again = encode(&packet);
            if !symbols(bytes) {
                assert_eq!(again, second_opinion(bytes), "{bytes:02x?}");
            }
            tally[1] += 1;
        }
    }
}

/// rosc does not know the tag `S`; the letter elsewhere costs the test nothing but a comparison.
fn symbols(bytes: &[u8]) -> bool {
    bytes.contains(&b'S')
}

fn messages(packet: &Packet) -> usize {
    match packet {
        Packet::Message(_) => 1,
        Packet::Bundle(bundle) => bundle.elements.iter().map(messages).sum(),
    }
}

#[test]
fn random_packets_are_refused_whole_or_decoded_whole() {
    let mut chance = Chance(1);
    let mut tally = [0; 2];
    for _ in 0..200_000 {
        whole_or_not_at_all(&chance.datagram(), &mut tally);
    }
    assert!(tally[0] > 1000 && tally[1] > 1000, "{tally:?}");
}

#[test]
fn mutated_packets_are_refused_whole_or_decoded_whole() {
    let recorded = recorded();
    let mut chance = Chance(2);
    let mut tally = [0; 2];
    for _ in 0..200_000 {
        let (_, bytes, _) = chance.pick(&recorded).clone();
        whole_or_not_at_all(&chance.mutated(&bytes), &mut tally);
    }
    assert!(tally[0] > 1000 && tally[1] > 1000, "{tally:?}");
}

#[test]
fn lies_about_sizes_are_refused_at_once() {
    for size in [-4_i32, 0, i32::MIN, i32::MAX - 3, 65_536] {
        let mut bytes = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
        bytes.extend(size.to_be_bytes().repeat(16_000));
        assert_eq!(check(&bytes), Err(Refusal::BadSize(size)));
    }
}
