//! A packet as rows: bundles and messages in order, each with its depth and the time tag that it stands under.

use crate::wire::{Message, Packet};

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A bundle begins: how many bundles it stands in, its time tag, whether nothing is in it.
    Bundle(usize, u64, bool),
    /// A message: how many bundles it stands in, the time tag of the innermost.
    Message(usize, Option<u64>, Message),
}

/// All rows of a packet. `[control]`
pub fn rows(packet: Packet) -> Vec<Row> {
    let mut out = Vec::new();
    let mut open = vec![(0, None, packet)];
    while let Some((depth, tag, packet)) = open.pop() {
        match packet {
            Packet::Message(message) => out.push(Row::Message(depth, tag, message)),
            Packet::Bundle(bundle) => {
                out.push(Row::Bundle(depth, bundle.time, bundle.elements.is_empty()));
                open.extend(bundle.elements.into_iter().rev().map(|element| (depth + 1, Some(bundle.time), element)));
            }
        }
    }
    out
}

/// The rows whose message passes, and the bundles around them; of what is left, so many messages. `[control]`
pub fn keep(rows: Vec<Row>, most: usize, mut passes: impl FnMut(&Message) -> bool) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    let mut around: Vec<Row> = Vec::new();
    let mut kept = 0;
    for row in rows {
        let (Row::Bundle(depth, ..) | Row::Message(depth, ..)) = &row;
        around.retain(|bundle| matches!(bundle, Row::Bundle(outer, ..) if outer < depth));
        match row {
            Row::Bundle(..) => around.push(row),
            Row::Message(_, _, ref message) if kept < most && passes(message) => {
                out.append(&mut around);
                out.push(row);
                kept += 1;
            }
            Row::Message(..) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Bundle;

    fn message(address: &str) -> Packet {
        Packet::Message(Message::new(address, vec![]))
    }

    fn bundle(time: u64, elements: Vec<Packet>) -> Packet {
        Packet::Bundle(Bundle { time, elements })
    }

    fn spelt(rows: &[Row]) -> Vec<String> {
        let spell = |row: &Row| match row {
            Row::Bundle(depth, time, empty) => format!("{depth} #{time}{}", if *empty { " empty" } else { "" }),
            Row::Message(depth, tag, message) => format!("{depth} {tag:?} {}", message.address),
        };
        rows.iter().map(spell).collect()
    }

    #[test]
    fn order_and_depth_are_kept() {
        let packet = || {
            let inner = bundle(7, vec![message("/b"), bundle(8, vec![])]);
            bundle(5, vec![message("/a"), inner, message("/c"), bundle(9, vec![message("/b")])])
        };
        let all = ["0 #5", "1 Some(5) /a", "1 #7", "2 Some(7) /b", "2 #8 empty", "1 Some(5) /c", "1 #9", "2 Some(9) /b"];
        assert_eq!(spelt(&rows(packet())), all);
        let only_b = keep(rows(packet()), 99, |message| message.address == "/b");
        assert_eq!(spelt(&only_b), ["0 #5", "1 #7", "2 Some(7) /b", "1 #9", "2 Some(9) /b"]);
        let first = keep(rows(packet()), 1, |message| message.address != "/a");
        assert_eq!(spelt(&first), ["0 #5", "1 #7", "2 Some(7) /b"]);
        assert_eq!(keep(rows(packet()), 9, |_| false), []);
    }
}
