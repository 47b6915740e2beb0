//! Between packets and what Control is told.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::control::value::values;
use crate::control::{Client, Group, Message, Origin, Value, When};
use crate::wire;
use crate::wire::time::{from_unix_nanos, is_immediate, to_unix_nanos};
use crate::wire::{Arg, Packet};

/// The bundles of a packet as groups, in order; `now` since 1970 [ns]. A bundle within a bundle acts no earlier than the outer one,
/// and with it where it says: at once. `[control]`
pub fn groups(packet: Packet, now: i64) -> Vec<Group> {
    let mut out = Vec::new();
    gather(packet, None, now, &mut out);
    out
}

fn gather(packet: Packet, at: Option<i64>, now: i64, out: &mut Vec<Group>) {
    match packet {
        Packet::Message(message) => push(at, message, now, out),
        Packet::Bundle(bundle) => {
            let own = (!is_immediate(bundle.time)).then(|| to_unix_nanos(bundle.time, now));
            // Messages of a bundle stand together, whatever stood before it.
            out.push(Group { at: when(own.max(at)), messages: Vec::new() });
            for element in bundle.elements {
                let inner = matches!(element, Packet::Bundle(_));
                gather(element, own.max(at), now, out);
                if inner {
                    out.push(Group { at: when(own.max(at)), messages: Vec::new() });
                }
            }
            out.retain(|group| !group.messages.is_empty());
        }
    }
}

fn when(at: Option<i64>) -> When {
    at.map_or(When::Now, When::Wall)
}

fn push(at: Option<i64>, message: wire::Message, now: i64, out: &mut Vec<Group>) {
    let message = Message { address: message.address, values: values(message.args, now) };
    match out.last_mut() {
        Some(group) if group.at == when(at) => group.messages.push(message),
        _ => out.push(Group { at: when(at), messages: vec![message] }),
    }
}

/// An answer as a packet: whole numbers as `i` where they fit, else `h`; numbers as `f`. `[control]`
pub fn answer(message: &Message) -> wire::Message {
    let args = message.values.iter().map(|value| match value {
        Value::Integer(x) => i32::try_from(*x).map_or(Arg::Long(*x), Arg::Int),
        Value::Number(x) => Arg::Float(*x as f32),
        Value::Text(text) => Arg::Text(text.clone()),
        Value::Bool(x) => Arg::Bool(*x),
        Value::Impulse => Arg::Impulse,
        Value::Time(nanos) => Arg::Time(from_unix_nanos(*nanos)),
        Value::Other(_) => Arg::Nil,
    });
    wire::Message::new(message.address.clone(), args.collect())
}

/// Who speaks from an address to one of our sockets of datagrams. `[control]`
pub fn client(from: SocketAddr, socket: usize) -> Client {
    let (ip, scope) = match from {
        SocketAddr::V4(v4) => (v4.ip().to_ipv6_mapped(), 0),
        SocketAddr::V6(v6) => (*v6.ip(), v6.scope_id()),
    };
    let door = u64::from(from.port()) | u64::from(scope) << 16 | (socket as u64) << 48;
    Client { origin: Origin::Osc, host: ip.into(), door }
}

/// Where a client of datagrams is, and which of our sockets it spoke to; `None` for a connection. `[control]`
pub fn address(client: Client) -> Option<(SocketAddr, usize)> {
    if client.is_connection() {
        return None;
    }
    let port = client.door as u16;
    let scope = (client.door >> 16) as u32;
    let address = match Ipv6Addr::from(client.host).to_canonical() {
        IpAddr::V4(v4) => SocketAddr::new(v4.into(), port),
        IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, scope).into(),
    };
    Some((address, (client.door >> 48) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Bundle;
    use crate::wire::time::from_unix_nanos;

    fn message(address: &str) -> Packet {
        Packet::Message(wire::Message::new(address, vec![]))
    }

    fn spelt(groups: &[Group]) -> Vec<(When, Vec<&str>)> {
        groups.iter().map(|group| (group.at, group.messages.iter().map(|message| message.address.as_str()).collect())).collect()
    }

    #[test]
    fn bundles_keep_their_times() {
        let now = 1_790_000_000_000_000_000;
        let [early, late] = [now + 100_000_000, now + 200_000_000];
        let bundle = |time, elements| Packet::Bundle(Bundle { time, elements });
        let at = from_unix_nanos;
        let packet = bundle(
            at(late),
            vec![
                message("/a"),
                bundle(1, vec![message("/b")]),
                bundle(at(early), vec![message("/c")]),
                bundle(at(late + 5), vec![message("/d")]),
                message("/e"),
            ],
        );
        let groups = groups(packet, now);
        assert_eq!(
            spelt(&groups),
            [
                (When::Wall(late), vec!["/a"]),
                (When::Wall(late), vec!["/b"]),
                (When::Wall(late), vec!["/c"]),
                (When::Wall(late + 5), vec!["/d"]),
                (When::Wall(late), vec!["/e"]),
            ]
        );
        assert_eq!(spelt(&super::groups(bundle(1, vec![message("/x"), message("/y")]), now)), [(When::Now, vec!["/x", "/y"])]);
        assert!(super::groups(bundle(1, vec![]), now).is_empty());
    }

    #[test]
    fn clients_are_found_again() {
        for (text, socket) in [("127.0.0.1:57120", 0), ("192.168.1.7:1", 3), ("[::1]:9000", 1), ("[fe80::1%5]:65535", 2)] {
            let from: SocketAddr = text.parse().expect("an address");
            assert_eq!(address(client(from, socket)), Some((from, socket)), "{text}");
        }
    }
}
