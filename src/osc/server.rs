//! The sockets that listen: a thread for each.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use socket2::{Domain, Protocol, Socket, Type};

use super::convert::{address, answer, client, groups};
use super::limit::{FAR_BYTES, LONGEST, Limit};
use crate::control::{Client, Code, Control, Fail, Message, Origin};
use crate::wire;
use crate::wire::encode::encode_message;

/// Bytes that the system is asked to keep for us while we are busy.
const KEPT: usize = 4 << 20;
/// How often a thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// Why a socket is not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else listens there.
    #[error("UDP port {port} is taken: another program, perhaps another rackd, listens there; end it, or choose another with --osc {host}:{next}", port = .0.port(), host = .0.ip(), next = .0.port().wrapping_add(1))]
    Taken(SocketAddr),
    /// Not ours to listen at.
    #[error("no permission to listen at UDP port {}: ports below 1024 belong to the system; choose another with --osc", .0.port())]
    NotAllowed(SocketAddr),
    /// Not an address of this computer.
    #[error("this computer has no address {}: choose one that it has with --osc, such as 127.0.0.1:{}", .0.ip(), .0.port())]
    NotHere(SocketAddr),
    /// Anything else.
    #[error("cannot listen at {0}: {1}")]
    System(SocketAddr, io::Error),
}

impl OpenError {
    fn new(address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address),
            io::ErrorKind::PermissionDenied => Self::NotAllowed(address),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(address),
            _ => Self::System(address, error),
        }
    }
}

/// Everything that listens for OSC. Dropping it stops it.
pub struct Server {
    sockets: Vec<Arc<UdpSocket>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A socket of our own at an address; nobody else can take it while it is open.
fn open(at: SocketAddr) -> io::Result<UdpSocket> {
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

impl Server {
    /// Listens at all of these addresses; port 0 is any that is free.
    ///
    /// # Errors
    /// The first address that cannot be had; then none is. `[control]`
    pub fn start(addresses: &[SocketAddr], control: &Arc<Mutex<Control>>) -> Result<Self, OpenError> {
        let mut server = Self { sockets: Vec::new(), stop: Arc::default(), threads: Vec::new() };
        for at in addresses {
            server.sockets.push(Arc::new(open(*at).map_err(|error| OpenError::new(*at, error))?));
        }
        for (number, (socket, at)) in server.sockets.iter().zip(addresses).enumerate() {
            let listener = Listener {
                socket: Arc::clone(socket),
                number,
                control: Arc::clone(control),
                stop: Arc::clone(&server.stop),
                limit: Limit::default(),
            };
            let thread = thread::Builder::new().name(format!("osc {}", at.port())).stack_size(8 << 20);
            server.threads.push(thread.spawn(move || listener.run()).map_err(|error| OpenError::System(*at, error))?);
        }
        Ok(server)
    }

    /// Where it listens, in the order asked for. `[control]`
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Sends answers that have become due to those of their clients that came in here; how many could not be sent. `[control]`
    pub fn deliver(&self, answers: &[(Client, Message)]) -> u64 {
        let ours = answers.iter().filter(|(client, _)| client.origin == Origin::Osc);
        let sent = ours.map(|(client, message)| {
            let (to, number) = address(*client);
            let socket = self.sockets.get(number)?;
            socket.send_to(&encode_message(&answer(message)), to).ok()
        });
        sent.filter(Option::is_none).count() as u64
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that failed has nothing left to say.
            let _ = thread.join();
        }
    }
}

struct Listener {
    socket: Arc<UdpSocket>,
    number: usize,
    control: Arc<Mutex<Control>>,
    stop: Arc<AtomicBool>,
    limit: Limit,
}

impl Listener {
    fn run(mut self) {
        // One byte more than is allowed, so that what is too long is seen to be.
        let mut buffer = vec![0; wire::limits::PACKET + 1];
        while !self.stop.load(Relaxed) {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let bytes = &buffer[..length];
                    if catch_unwind(AssertUnwindSafe(|| self.take(bytes, from))).is_err() {
                        self.control().tell(format!("a packet from {from} failed in rackd's own code; please report it"));
                    }
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                // Such as a port that somebody who was answered has closed: nothing that ends us, nor is it worth a busy loop.
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&mut self, bytes: &[u8], from: SocketAddr) {
        let answers = match wire::decode(bytes) {
            Ok(packet) => {
                let groups = groups(packet, unix_nanos());
                let mut control = self.control();
                control.counts_mut().packets += 1;
                control.apply(client(from, self.number), &groups)
            }
            Err(refusal) => {
                let mut control = self.control();
                let counts = control.counts_mut();
                counts.packets += 1;
                counts.malformed[refusal.index()] += 1;
                let text = refusal.to_string();
                vec![Message::new("/fail", vec!["".into(), refusal.code().into(), text.as_str().into()])]
            }
        };
        if !answers.is_empty() {
            self.reply(&answers, from, bytes.len());
        }
    }

    /// Sends answers to where the packet came from, as far as the limits go.
    fn reply(&mut self, answers: &[Message], to: SocketAddr, asked: usize) {
        let near = to.ip().to_canonical().is_loopback();
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
            self.control().counts_mut().unanswered += unanswered;
        }
    }
}

/// Time since 1970 [ns].
fn unix_nanos() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
