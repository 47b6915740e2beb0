//! OSC by datagrams: a socket and the thread that reads it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::convert::client;
use super::intake;
use super::reply::Replies;
use crate::control::Control;
use crate::wire;

/// Bytes that the system is asked to keep for us while we are busy.
const KEPT: usize = 4 << 20;
/// How often a thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// A socket of our own at an address; nobody else can take it while it is open.
pub(super) fn open(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // As much as the system gives; less is no error.
    let _ = socket.set_recv_buffer_size(KEPT);
    socket.bind(&at.into())?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

/// Reads one socket.
pub(super) struct Listener {
    pub socket: Arc<UdpSocket>,
    /// Which of the server's sockets.
    pub number: usize,
    pub control: Arc<Mutex<Control>>,
    pub stop: Arc<AtomicBool>,
    pub replies: Replies,
}

impl Listener {
    /// Until told to stop.
    pub fn run(mut self) {
        // One byte more than is allowed, so that what is too long is seen to be.
        let mut buffer = vec![0; wire::limits::PACKET + 1];
        while !self.stop.load(Relaxed) {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let from = client(from, self.number);
                    let answers = intake::take(&self.control, from, &buffer[..length]);
                    if !answers.is_empty() {
                        self.replies.send(&self.control, &answers, from, length);
                    }
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                // Such as a port that somebody who was answered has closed: nothing that ends us, nor is it worth a busy loop.
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}
