//! Everything that listens for OSC: started together, ended together.

use std::io;
use std::net::{SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use socket2::SockRef;
use tokio::sync::Notify;

use super::allow::Allow;
use super::bounds::Bounds;
use super::crowd::Crowd;
use super::intake::{Way, lock};
use super::reply::{Replies, To};
use super::{stream, udp};
use crate::control::counts::Transport;
use crate::control::{Client, Control, Message, Origin};

/// Where to listen for OSC, and to whom.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    /// By datagrams; port 0 is any that is free.
    pub udp: Vec<SocketAddr>,
    /// By connections: size prefixes, SLIP and WebSockets alike; port 0 is that of the first of `udp` where that is free.
    pub tcp: Vec<SocketAddr>,
    /// By connections to a file.
    pub unix: Option<PathBuf>,
    /// From where web pages may connect: `scheme://host:port`.
    pub origins: Vec<String>,
    /// From which networks anybody is listened to.
    pub allow: Allow,
    /// How much is taken in.
    pub bounds: Bounds,
}

impl Listen {
    /// By datagrams alone. `[control]`
    pub fn udp(at: SocketAddr) -> Self {
        Self { udp: vec![at], ..Self::default() }
    }

    /// Nowhere at all. `[control]`
    pub fn is_nowhere(&self) -> bool {
        self.udp.is_empty() && self.tcp.is_empty() && self.unix.is_none()
    }
}

/// A socket's address with what it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Of datagrams.
    Udp(SocketAddr),
    /// Of connections.
    Tcp(SocketAddr),
}

impl Spot {
    const fn at(self) -> SocketAddr {
        match self {
            Self::Udp(at) | Self::Tcp(at) => at,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Udp(_) => "UDP",
            Self::Tcp(_) => "TCP",
        }
    }

    const fn option(self) -> &'static str {
        match self {
            Self::Udp(_) => "--osc",
            Self::Tcp(_) => "--tcp",
        }
    }
}

/// Why a socket is not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else listens there.
    #[error("{kind} port {port} is taken: another program, perhaps another rackd, listens there; end it, or choose another with {option} {next}", kind = .0.kind(), port = .0.at().port(), option = .0.option(), next = SocketAddr::new(.0.at().ip(), .0.at().port().wrapping_add(1)))]
    Taken(Spot),
    /// Not ours to listen at.
    #[error("no permission to listen at {} port {}: ports below 1024 belong to the system; choose another with {}", .0.kind(), .0.at().port(), .0.option())]
    NotAllowed(Spot),
    /// Not an address of this computer.
    #[error("this computer has no address {}: choose one that it has with {}, such as 127.0.0.1:{}", .0.at().ip(), .0.option(), .0.at().port())]
    NotHere(Spot),
    /// Anything else.
    #[error("cannot listen at {at} ({kind}): {why}", at = .0.at(), kind = .0.kind(), why = .1)]
    System(Spot, io::Error),
    /// Somebody listens at the file.
    #[error("{} is taken: another program, perhaps another rackd, listens there; end it, or choose another file with --unix", .0.display())]
    FileTaken(PathBuf),
    /// A file that is no socket.
    #[error("{} is there and is no socket: it is left alone; choose another file with --unix", .0.display())]
    NoSocket(PathBuf),
    /// Anything else about the file.
    #[error("cannot listen at {path}: {why}", path = .0.display(), why = .1)]
    File(PathBuf, io::Error),
    /// No threads.
    #[error("the system gives no threads: {0}")]
    Threads(io::Error),
}

impl OpenError {
    fn new(spot: Spot, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(spot),
            io::ErrorKind::PermissionDenied => Self::NotAllowed(spot),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(spot),
            _ => Self::System(spot, error),
        }
    }
}

/// Everything that listens for OSC. Dropping it stops it.
pub struct Server {
    sockets: Vec<Arc<UdpSocket>>,
    replies: Vec<Replies>,
    control: Arc<Mutex<Control>>,
    tcp: Vec<SocketAddr>,
    unix: Option<PathBuf>,
    crowd: Arc<Crowd>,
    stop: Arc<AtomicBool>,
    stop_streams: Arc<Notify>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens at all of these places.
    ///
    /// # Errors
    /// The first place that cannot be had; then none is. `[control]`
    pub fn start(listen: &Listen, control: &Arc<Mutex<Control>>) -> Result<Self, OpenError> {
        let crowd = Crowd::new(control, listen.bounds, listen.allow.clone(), listen.origins.clone());
        let mut server = Self {
            sockets: Vec::new(),
            replies: Vec::new(),
            control: Arc::clone(control),
            tcp: Vec::new(),
            unix: None,
            crowd: Arc::new(crowd),
            stop: Arc::default(),
            stop_streams: Arc::default(),
            threads: Vec::new(),
        };
        for at in &listen.udp {
            server.sockets.push(Arc::new(udp::open(*at).map_err(|error| OpenError::new(Spot::Udp(*at), error))?));
        }
        let limit = Arc::default();
        server.replies.extend(server.sockets.iter().map(|socket| Replies::new(Arc::clone(socket), Arc::clone(&limit))));
        let kept = server.sockets.iter().filter_map(|socket| SockRef::from(&**socket).recv_buffer_size().ok()).min();
        if let Some(kept) = kept {
            lock(control).counts_mut().receive_buffer = given(kept) as u64;
        }
        server.start_streams(listen)?;
        for (number, (socket, at)) in server.sockets.iter().zip(&listen.udp).enumerate() {
            let listener = udp::Listener {
                socket: Arc::clone(socket),
                number,
                way: Way { by: Transport::Udp, limits: listen.bounds.datagram },
                allow: listen.allow.clone(),
                control: Arc::clone(control),
                stop: Arc::clone(&server.stop),
                replies: server.replies[number].clone(),
            };
            let thread = thread::Builder::new().name(format!("osc {}", at.port())).stack_size(8 << 20);
            server.threads.push(thread.spawn(move || listener.run()).map_err(OpenError::Threads)?);
        }
        Ok(server)
    }

    fn start_streams(&mut self, listen: &Listen) -> Result<(), OpenError> {
        let mut listeners = stream::Listeners {
            tcp: Vec::new(),
            #[cfg(unix)]
            unix: None,
        };
        let same = self.addresses().first().map(SocketAddr::port);
        for at in &listen.tcp {
            let beside = same.filter(|_| at.port() == 0).and_then(|port| stream::open(SocketAddr::new(at.ip(), port)).ok());
            let listener = beside.map_or_else(|| stream::open(*at), Ok).map_err(|error| OpenError::new(Spot::Tcp(*at), error))?;
            self.tcp.push(listener.local_addr().map_err(|error| OpenError::System(Spot::Tcp(*at), error))?);
            listeners.tcp.push(listener);
        }
        if let Some(path) = &listen.unix {
            #[cfg(unix)]
            {
                listeners.unix = Some(open_file(path)?);
                self.unix = Some(path.clone());
            }
            #[cfg(not(unix))]
            return Err(OpenError::File(path.clone(), io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets")));
        }
        if !self.tcp.is_empty() || self.unix.is_some() {
            self.threads.push(stream::start(listeners, &self.crowd, &self.stop_streams).map_err(OpenError::Threads)?);
        }
        Ok(())
    }

    /// Where it listens for datagrams, in the order asked for. `[control]`
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Where it listens for connections, in the order asked for. `[control]`
    pub fn tcp(&self) -> &[SocketAddr] {
        &self.tcp
    }

    /// At which file it listens for connections. `[control]`
    pub fn unix(&self) -> Option<&Path> {
        self.unix.as_deref()
    }

    /// Sends answers that have become due to those of their clients that came in here; how many could not be sent. What a
    /// connection has no room for is counted as unread, not here. `[control]`
    pub fn deliver(&self, answers: &[(Client, Message)]) -> u64 {
        let ours: Vec<_> = answers.iter().filter(|(client, _)| client.origin == Origin::Osc).collect();
        if ours.is_empty() {
            return 0;
        }
        let to: Vec<Option<To>> = {
            let control = lock(&self.control);
            ours.iter().map(|(client, _)| To::new(&control, *client)).collect()
        };
        let sent = ours.iter().zip(to).map(|((client, message), to)| match to {
            None => self.crowd.deliver(*client, message),
            Some(to) => self.replies.get(to.socket).is_some_and(|replies| replies.deliver(to, message)),
        });
        sent.filter(|sent| !sent).count() as u64
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        self.stop_streams.notify_one();
        for thread in self.threads.drain(..) {
            // A thread that failed has nothing left to say.
            let _ = thread.join();
        }
        if let Some(path) = &self.unix {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What the system keeps of so much as it says: Linux says twice as much, for its own notes.
const fn given(said: usize) -> usize {
    if cfg!(target_os = "linux") { said / 2 } else { said }
}

/// Listens at a file. One that was left behind is replaced.
#[cfg(unix)]
fn open_file(path: &Path) -> Result<UnixListener, OpenError> {
    let failed = |error| OpenError::File(path.to_owned(), error);
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(there) if !there.file_type().is_socket() => return Err(OpenError::NoSocket(path.to_owned())),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(failed(error)),
            _ => return Err(OpenError::FileTaken(path.to_owned())),
        },
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}
