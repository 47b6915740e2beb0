//! Answers by datagrams: to where the client wants them, as far as the limits go, so that nobody can use rackd to flood a third.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::convert::{address, answer};
use super::intake::lock;
use super::limit::{LONGEST, Limit};
use crate::control::{Client, Code, Control, Fail, Message};
use crate::wire::encode::encode_message;

/// Answers by one socket.
#[derive(Clone)]
pub(super) struct Replies {
    socket: Arc<UdpSocket>,
    /// That of all sockets together.
    limit: Arc<Mutex<Limit>>,
    /// The system has told of a failure that is to be looked at.
    pub failed: Arc<AtomicBool>,
}

/// Where a client is answered, and whether it surely asked.
#[derive(Clone, Copy)]
pub(super) struct To {
    address: SocketAddr,
    trusted: bool,
    /// By which of the server's sockets.
    pub socket: usize,
}

impl To {
    /// `None` for a connection.
    pub fn new(control: &Control, client: Client) -> Option<Self> {
        let (address, socket) = address(control.answered_at(client))?;
        Some(Self { address, trusted: control.is_proven(client), socket })
    }
}

impl Replies {
    pub fn new(socket: Arc<UdpSocket>, limit: Arc<Mutex<Limit>>) -> Self {
        Self { socket, limit, failed: Arc::default() }
    }

    fn limit(&self) -> MutexGuard<'_, Limit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A datagram of so many bytes has come, and is done next; its number, for [`Self::send`].
    pub fn asked(&self, from: SocketAddr, bytes: usize) -> u64 {
        if from.ip().to_canonical().is_loopback() { 0 } else { self.limit().asked(from.ip(), bytes, Instant::now()) }
    }

    /// Sends answers to a packet of a number and so many bytes; what is kept back is counted.
    pub fn send(&self, control: &Mutex<Control>, answers: &[Message], client: Client, (number, bytes): (u64, usize)) {
        let Some(to) = To::new(&lock(control), client) else { return };
        if !to.trusted {
            self.limit().answers(to.address.ip(), number, bytes);
        }
        let mut unanswered = 0;
        for message in answers {
            let mistake = message.address == "/fail" || message.address == "/late";
            if mistake && !self.limit().allows(to.address.ip(), Instant::now()) {
                unanswered += 1;
                continue;
            }
            unanswered += u64::from(!self.deliver(to, message));
        }
        if unanswered > 0 {
            lock(control).counts_mut().unanswered += unanswered;
        }
    }

    /// Sends one message, or what is told in its place where it is too long; whether either left.
    pub fn deliver(&self, to: To, message: &Message) -> bool {
        let ip = to.address.ip();
        let left = if to.trusted { LONGEST } else { self.limit().left(ip, Instant::now()) };
        let mut bytes = encode_message(&answer(message));
        if bytes.len() > LONGEST.min(left) {
            let text = format!("the answer has {} bytes; ask for less, or from the computer that rackd runs on", bytes.len());
            bytes = encode_message(&answer(&Fail::new(&message.address, Code::TooMuch, text).message()));
        }
        (to.trusted || self.limit().take(ip, bytes.len(), Instant::now())) && self.pass(&bytes, to.address)
    }

    fn pass(&self, bytes: &[u8], to: SocketAddr) -> bool {
        // A failure may be another's, of a datagram that came back: who that was is taken note of where packets are read.
        (0..3).any(|_| self.socket.send_to(bytes, to).inspect_err(|_| self.failed.store(true, Relaxed)).is_ok())
    }
}
