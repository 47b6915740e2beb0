//! Everything that listens for OSC: started together, ended together.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::convert::{address, answer};
use super::reply::Replies;
use super::udp;
use crate::control::{Client, Control, Message, Origin};
use crate::wire::encode::encode_message;

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

impl Server {
    /// Listens at all of these addresses; port 0 is any that is free.
    ///
    /// # Errors
    /// The first address that cannot be had; then none is. `[control]`
    pub fn start(addresses: &[SocketAddr], control: &Arc<Mutex<Control>>) -> Result<Self, OpenError> {
        let mut server = Self { sockets: Vec::new(), stop: Arc::default(), threads: Vec::new() };
        for at in addresses {
            server.sockets.push(Arc::new(udp::open(*at).map_err(|error| OpenError::new(*at, error))?));
        }
        for (number, (socket, at)) in server.sockets.iter().zip(addresses).enumerate() {
            let listener = udp::Listener {
                socket: Arc::clone(socket),
                number,
                control: Arc::clone(control),
                stop: Arc::clone(&server.stop),
                replies: Replies::new(Arc::clone(socket)),
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
