//! OSC by datagrams: a socket and the thread that reads it.

#[cfg(target_os = "linux")]
use std::array;
#[cfg(target_os = "linux")]
use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[cfg(target_os = "linux")]
use nix::errno::Errno;
#[cfg(target_os = "linux")]
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::allow::Allow;
#[cfg(target_os = "linux")]
use super::closed;
use super::convert::client;
use super::intake;
use super::intake::Way;
use super::reply::Replies;
use crate::control::{Control, Message};
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
    // More than users are given, where we are allowed to.
    #[cfg(target_os = "linux")]
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &KEPT);
    socket.bind(&at.into())?;
    let socket = UdpSocket::from(socket);
    #[cfg(target_os = "linux")]
    closed::ask(&socket);
    socket.set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

/// Reads one socket.
pub(super) struct Listener {
    pub socket: Arc<UdpSocket>,
    /// Which of the server's sockets.
    pub number: usize,
    /// What a datagram may hold.
    pub way: Way,
    /// From where anybody is listened to.
    pub allow: Allow,
    pub control: Arc<Mutex<Control>>,
    pub stop: Arc<AtomicBool>,
    pub replies: Replies,
}

/// Datagrams that are taken from the system at once.
#[cfg(target_os = "linux")]
const TOGETHER: usize = 32;
/// One byte more than is allowed, so that what is too long is seen to be.
const ROOM: usize = wire::limits::PACKET + 1;

/// An answer that waits until Control is free again: what, to whom, for which packet and of how many bytes.
type Answer = (Vec<Message>, SocketAddr, (u64, usize));

impl Listener {
    /// Until told to stop.
    pub fn run(mut self) {
        let mut answers = Vec::new();
        self.count_lost();
        #[cfg(target_os = "linux")]
        {
            let mut buffer = vec![0; TOGETHER * ROOM];
            let mut headers = MultiHeaders::preallocate(TOGETHER, None);
            while !self.stop.load(Relaxed) {
                self.receive(&mut buffer, &mut headers, &mut answers);
                self.look_for_closed();
                self.answer(&mut answers);
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let mut buffer = vec![0; ROOM];
            while !self.stop.load(Relaxed) {
                match self.socket.recv_from(&mut buffer) {
                    Ok((_, from)) if !self.allow.allows(from.ip()) => intake::lock(&self.control).counts_mut().not_allowed += 1,
                    Ok((length, from)) => {
                        let asked = self.replies.asked(from, length);
                        let told = intake::take(&self.control, &self.way, client(from, self.number), &buffer[..length]);
                        answers.push((told, from, (asked, length)));
                    }
                    Err(error) => failed(&error),
                }
                self.answer(&mut answers);
            }
        }
    }

    /// Waits for a datagram and takes with it as many as are there.
    #[cfg(target_os = "linux")]
    fn receive(&self, buffer: &mut [u8], headers: &mut MultiHeaders<SockaddrStorage>, answers: &mut Vec<Answer>) {
        let mut rooms = buffer.chunks_exact_mut(ROOM);
        let mut slices: [[IoSliceMut<'_>; 1]; TOGETHER] = array::from_fn(|_| [IoSliceMut::new(rooms.next().unwrap_or_default())]);
        match recvmmsg(self.socket.as_raw_fd(), headers, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None) {
            Ok(datagrams) => {
                let mut turn = intake::Turn::new(&self.control, &self.way);
                let mut not_allowed = 0;
                for datagram in datagrams {
                    let Some(from) = datagram.address.and_then(address) else { continue };
                    if !self.allow.allows(from.ip()) {
                        not_allowed += 1;
                        continue;
                    }
                    let bytes = datagram.iovs().next().unwrap_or_default();
                    let asked = self.replies.asked(from, bytes.len());
                    let told = turn.take(client(from, self.number), bytes);
                    if !told.is_empty() {
                        answers.push((told, from, (asked, bytes.len())));
                    }
                }
                drop(turn);
                if not_allowed > 0 {
                    intake::lock(&self.control).counts_mut().not_allowed += not_allowed;
                }
            }
            Err(Errno::ECONNREFUSED) => self.replies.failed.store(true, Relaxed),
            Err(error) => failed(&error.into()),
        }
    }

    /// Whoever has closed its port is told nothing more.
    #[cfg(target_os = "linux")]
    fn look_for_closed(&self) {
        if self.replies.failed.swap(false, Relaxed) {
            for at in closed::told(&self.socket) {
                intake::lock(&self.control).came_back(client(at, self.number));
            }
        }
    }

    fn answer(&mut self, answers: &mut Vec<Answer>) {
        for (told, from, asked) in answers.drain(..) {
            if !told.is_empty() {
                self.replies.send(&self.control, &told, client(from, self.number), asked);
            }
        }
    }

    /// What the system had no room to keep for this socket is counted by the system.
    fn count_lost(&self) {
        #[cfg(target_os = "linux")]
        if let Ok(name) = fs::read_link(format!("/proc/self/fd/{}", self.socket.as_raw_fd()))
            && let Some(inode) = name.to_str().and_then(|name| name.strip_prefix("socket:[")?.strip_suffix(']'))
        {
            let inode = inode.to_owned();
            intake::lock(&self.control).lost_at(move || lost(&inode));
        }
    }
}

/// Datagrams that the system dropped before a socket of ours, by the number of its inode.
#[cfg(target_os = "linux")]
fn lost(inode: &str) -> u64 {
    let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let mut lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let found = lines.find(|line| line.split_whitespace().nth(9) == Some(inode));
    found.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or(0)
}

#[cfg(target_os = "linux")]
pub(super) fn address(from: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = from.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| from.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

/// Such as a port that somebody who was answered has closed: nothing that ends us, nor is it worth a busy loop.
fn failed(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
        thread::sleep(Duration::from_millis(1));
    }
}
