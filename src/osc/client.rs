//! The other end: one message sent and its answers awaited, or a socket that prints what arrives.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::convert::{answer, values};
use super::intake::unix_nanos;
use super::text::{guess, spell};
use crate::control::{Message, Value};
use crate::wire;
use crate::wire::encode::encode_message;
use crate::wire::{Packet, Refusal};

/// The message that words of a command line say: an address, then numbers, `true`, `false` or texts. `[control]`
pub fn message(address: &str, words: &[String]) -> Message {
    Message::new(address, words.iter().map(|word| guess(word)).collect())
}

/// Sends a message and gives each answer as a line. It asks for a `/sync` behind the message: when that has come back, all answers
/// have, but those of `/rack/…`, for which it waits until `/done` or `/fail`. Who does not know `/sync` is listened to until the time is
/// over. True where nothing failed.
///
/// # Errors
/// Of the socket. `[control]`
pub fn send(to: SocketAddr, message: &Message, patience: Duration, mut line: impl FnMut(&str)) -> io::Result<bool> {
    let any: SocketAddr = if to.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?;
    socket.send(&encode_message(&answer(message)))?;
    let token = i64::from(std::process::id() & 0x7fff_ffff);
    let sync = Message::new("/sync", vec![Value::Integer(token)]);
    socket.send(&encode_message(&answer(&sync)))?;
    let mut awaits_done = message.address.starts_with("/rack/") && message.address != "/rack/list";
    let (mut synced, mut sound) = (false, true);
    let end = Instant::now() + patience;
    let mut buffer = vec![0; wire::limits::PACKET];
    while !synced || awaits_done {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        socket.set_read_timeout(Some(left))?;
        let length = match socket.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => break,
            Err(error) => return Err(error),
        };
        for message in messages(&buffer[..length]).unwrap_or_default() {
            if message.address == "/synced" && message.values == [Value::Integer(token)] {
                synced = true;
                continue;
            }
            let of_sync = message.values.first() == Some(&Value::Text("/sync".into()));
            if message.address == "/fail" && of_sync {
                synced = true;
                continue;
            }
            let clipped = message.values.get(1) == Some(&Value::Text("clipped".into()));
            sound &= message.address != "/fail" || clipped;
            awaits_done &= !matches!(message.address.as_str(), "/done" | "/fail");
            line(&spell(&message));
        }
    }
    Ok(sound)
}

/// All messages of a packet, whatever their times.
fn messages(bytes: &[u8]) -> Result<Vec<Message>, Refusal> {
    let mut open = vec![wire::decode(bytes)?];
    let mut out = Vec::new();
    while let Some(packet) = open.pop() {
        match packet {
            Packet::Message(message) => out.push(Message::new(message.address, values(message.args, unix_nanos()))),
            Packet::Bundle(bundle) => open.extend(bundle.elements.into_iter().rev()),
        }
    }
    Ok(out)
}

/// Gives what arrives at a socket as lines, with where it came from, until told to stop; a packet that cannot be read is a line too.
///
/// # Errors
/// Of the socket. `[control]`
pub fn listen(socket: &UdpSocket, mut line: impl FnMut(SocketAddr, &str) -> bool) -> io::Result<()> {
    let mut buffer = vec![0; wire::limits::PACKET + 1];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let lines = match messages(&buffer[..length]) {
            Ok(messages) => messages.iter().map(spell).collect(),
            Err(refusal) => vec![format!("# {length} bytes that are no OSC: {refusal}")],
        };
        if !lines.iter().all(|text| line(from, text)) {
            return Ok(());
        }
    }
}
