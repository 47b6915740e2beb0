//! Which answers are still to come, and whether any is a failure.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::rows::{Row, rows};
use crate::control;
use crate::control::value::values;
use crate::osc::convert::answer;
use crate::osc::link::{Link, Place};
use crate::osc::text::spell;
use crate::rt::clock::Wall;
use crate::wire::encode::encode_message;
use crate::wire::limits::Limits;
use crate::wire::{Arg, Message};

/// The answers to some messages. Behind them goes a `/sync`: when that has come back, all answers have, but those of `/rack/…` and of
/// `/devices`, which come with `/done` or `/fail`. Who does not know `/sync` is listened to until the time is over.
#[derive(Clone, Debug)]
pub struct Answers {
    token: i32,
    synced: bool,
    /// `/done`s that are still to come.
    awaited: usize,
    sound: bool,
}

impl Default for Answers {
    fn default() -> Self {
        static NEXT: AtomicI32 = AtomicI32::new(0);
        // Two programs at one port never share a token but by chance; those of one program differ.
        let token = (std::process::id() as i32).wrapping_mul(0x1_0001).wrapping_add(NEXT.fetch_add(1, Relaxed)) & 0x7fff_ffff;
        Self { token, synced: false, awaited: 0, sound: true }
    }
}

impl Answers {
    /// One more message is sent. `[control]`
    pub fn expect(&mut self, message: &Message) {
        let address = message.address.as_str();
        self.awaited += usize::from(address == "/devices" || (address.starts_with("/rack/") && address != "/rack/list"));
    }

    /// The packet to send behind all messages. `[control]`
    pub fn sync(&self) -> Vec<u8> {
        encode_message(&Message::new("/sync", vec![Arg::Int(self.token)]))
    }

    /// Takes one answer in; false where it only answers the [`Self::sync`]. `[control]`
    pub fn take(&mut self, message: &Message) -> bool {
        let text = |at: usize| match message.args.get(at) {
            Some(Arg::Text(text)) => text.as_str(),
            _ => "",
        };
        let fails = message.address == "/fail";
        if message.address == "/synced" && message.args == [Arg::Int(self.token)] || fails && text(0) == "/sync" {
            self.synced = true;
            return false;
        }
        self.sound &= !fails || text(1) == "clipped";
        if message.address == "/done" || fails {
            self.awaited = self.awaited.saturating_sub(1);
        }
        true
    }

    /// Whether nothing is to come any more. `[control]`
    pub const fn are_complete(&self) -> bool {
        self.synced && self.awaited == 0
    }

    /// Whether nothing failed so far; a value that was clipped is no failure. `[control]`
    pub const fn are_sound(&self) -> bool {
        self.sound
    }
}

/// The messages of a packet, whatever their times; none where it cannot be read.
fn messages(bytes: &[u8]) -> Vec<Message> {
    let packet = crate::wire::decode::decode_within(bytes, &Limits::STREAM);
    let message = |row| match row {
        Row::Message(_, _, message) => Some(message),
        Row::Bundle(..) => None,
    };
    packet.map(|packet| rows(packet).into_iter().filter_map(message).collect()).unwrap_or_default()
}

/// Sends a message to a daemon's UDP port and gives each answer as a line. True where nothing failed.
///
/// # Errors
/// Of the socket. `[control]`
pub fn send(to: SocketAddr, message: &control::Message, patience: Duration, mut line: impl FnMut(&str)) -> io::Result<bool> {
    let message = answer(message);
    let mut answers = Answers::default();
    answers.expect(&message);
    let mut link = Link::connect(&Place::Udp(to.to_string()), patience)?;
    link.send(&encode_message(&message))?;
    link.send(&answers.sync())?;
    let end = Instant::now() + patience;
    while !answers.are_complete() {
        let Some(packet) = link.receive(end.saturating_duration_since(Instant::now()))? else { break };
        for message in messages(&packet) {
            if answers.take(&message) {
                line(&spell(&control::Message::new(message.address, values(message.args, Wall::default().now()))));
            }
        }
    }
    Ok(answers.are_sound())
}

/// Asks one question and gives its answer: the message that comes back from the same address, or the `/fail`.
///
/// # Errors
/// Of the connection; [`ErrorKind::TimedOut`] where no answer came in time. `[control]`
pub fn ask(place: &Place, question: &Message, patience: Duration) -> io::Result<Message> {
    let end = Instant::now() + patience;
    let mut link = Link::connect(place, patience)?;
    link.send(&encode_message(question))?;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let packet = link.receive(left)?.ok_or_else(|| io::Error::from(ErrorKind::TimedOut))?;
        if let Some(answer) = messages(&packet).into_iter().find(|answer| answer.address == question.address || answer.address == "/fail") {
            return Ok(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Packet, decode};

    fn text(text: &str) -> Arg {
        Arg::Text(text.into())
    }

    #[test]
    fn they_are_complete_with_the_sync_and_every_done() {
        let mut answers = Answers::default();
        answers.expect(&Message::new("/rack/load", vec![]));
        answers.expect(&Message::new("/rack/list", vec![]));
        let Ok(Packet::Message(sync)) = decode(&answers.sync()) else { panic!("a message") };
        assert!(answers.take(&Message::new("/synced", vec![Arg::Int(-1)])), "somebody else's");
        assert!(!answers.are_complete());
        assert!(!answers.take(&Message::new("/synced", sync.args)));
        assert!(!answers.are_complete(), "the patch is still being loaded");
        answers.expect(&Message::new("/devices", vec![]));
        assert!(answers.take(&Message::new("/done", vec![text("/rack/load")])));
        assert!(!answers.are_complete(), "sound systems are slow to tell");
        assert!(answers.take(&Message::new("/done", vec![text("/devices"), Arg::Int(0)])));
        assert!(answers.are_complete() && answers.are_sound());
    }

    #[test]
    fn a_failure_is_one_but_a_clipped_value_is_none() {
        let mut answers = Answers::default();
        assert!(answers.take(&Message::new("/fail", vec![text("/x"), text("clipped"), text("")])));
        assert!(answers.are_sound());
        assert!(!answers.take(&Message::new("/fail", vec![text("/sync"), text("unknown-address"), text("")])));
        assert!(answers.are_sound() && answers.are_complete(), "who does not know /sync has said all");
        assert!(answers.take(&Message::new("/fail", vec![text("/x"), text("unknown-address"), text("")])));
        assert!(!answers.are_sound());
    }
}
