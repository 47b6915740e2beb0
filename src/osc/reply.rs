//! Answers to datagrams: to where the packet came from, as far as the limits go, so that nobody can use rackd to flood a third.

use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::convert::{address, answer};
use super::intake::lock;
use super::limit::{FAR_BYTES, LONGEST, Limit};
use crate::control::{Client, Code, Control, Fail, Message};
use crate::wire::encode::encode_message;

/// Answers by one socket.
pub(super) struct Replies {
    socket: Arc<UdpSocket>,
    limit: Limit,
}

impl Replies {
    pub fn new(socket: Arc<UdpSocket>) -> Self {
        Self { socket, limit: Limit::default() }
    }

    /// Sends answers to a packet of so many bytes; what is kept back is counted.
    pub fn send(&mut self, control: &Mutex<Control>, answers: &[Message], client: Client, asked: usize) {
        let Some((to, _)) = address(client) else { return };
        let near = to.ip().to_canonical().is_loopback() || lock(control).is_proven(client);
        let mut left = if near { usize::MAX } else { FAR_BYTES.max(asked) };
        let mut unanswered = 0;
        for message in answers {
            let mistake = message.address == "/fail" || message.address == "/late";
            if mistake && !self.limit.allows(to.ip(), Instant::now()) {
                unanswered += 1;
                continue;
            }
            let mut bytes = encode_message(&answer(message));
            if bytes.len() > LONGEST.min(left) {
                let text = format!("the answer has {} bytes; ask for less, or from the computer that rackd runs on", bytes.len());
                bytes = encode_message(&answer(&Fail::new(&message.address, Code::TooMuch, text).message()));
            }
            if bytes.len() > left || self.socket.send_to(&bytes, to).is_err() {
                unanswered += 1;
                continue;
            }
            left -= bytes.len();
        }
        if unanswered > 0 {
            lock(control).counts_mut().unanswered += unanswered;
        }
    }
}
