//! A connection of either kind, and a place to listen for one.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket as Raw, TcpKeepalive, Type};

/// A connection that is silent for so long is asked whether it still stands.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Connections that the system keeps until they are let in.
const BACKLOG: i32 = 16;

/// A connection.
#[derive(Debug)]
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a file.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// To a place: an address, or `unix:PATH`. `[control]`
    ///
    /// # Errors
    /// The system's: nobody listens there.
    pub fn connect(to: &Place) -> io::Result<Self> {
        match to {
            Place::Tcp(at) => TcpStream::connect(at).map(Self::Tcp),
            #[cfg(unix)]
            Place::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            #[cfg(not(unix))]
            Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Waits so long at most, reading and writing; `None`: for ever. `[control]`
    ///
    /// # Errors
    /// The system's.
    pub fn patience(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.set_read_timeout(time).and_then(|()| socket.set_write_timeout(time)),
            #[cfg(unix)]
            Self::Unix(socket) => socket.set_read_timeout(time).and_then(|()| socket.set_write_timeout(time)),
        }
    }

    /// Nothing more is sent. `[control]`
    pub fn end_sending(&self) {
        let _ = match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
        };
    }

    /// Whether the other side has broken off, as far as can be known without reading. `[control]`
    pub fn is_broken(&self) -> bool {
        let error = match self {
            Self::Tcp(socket) => socket.take_error(),
            #[cfg(unix)]
            Self::Unix(socket) => socket.take_error(),
        };
        !matches!(error, Ok(None))
    }

    /// The same connection once more. `[control]`
    ///
    /// # Errors
    /// The system's: too many files are open.
    pub fn again(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => socket.try_clone().map(Self::Tcp),
            #[cfg(unix)]
            Self::Unix(socket) => socket.try_clone().map(Self::Unix),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(bytes),
            #[cfg(unix)]
            Self::Unix(socket) => socket.read(bytes),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            #[cfg(unix)]
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where streams are listened for, or sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address; port 0 is any that is free.
    Tcp(SocketAddr),
    /// A file.
    Unix(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(at) => write!(f, "{at}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What listens.
#[derive(Debug)]
pub enum Ear {
    /// For TCP.
    Tcp(TcpListener),
    /// At a file.
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

/// Why nobody listens there.
#[derive(Debug, thiserror::Error)]
pub enum EarError {
    /// Somebody else does.
    #[error("{0} is taken: another program, perhaps another rackd, listens there; end it, or choose another with --stream")]
    Taken(Place),
    /// A file that is no socket.
    #[error("{} is there and is no socket: it is left alone; choose another file with --stream", .0.display())]
    NoSocket(PathBuf),
    /// Anything else.
    #[error("cannot listen for streams at {0}: {1}")]
    System(Place, io::Error),
}

impl Ear {
    /// Listens at a place. A socket that was left behind in the file system is replaced. `[control]`
    ///
    /// # Errors
    /// [`EarError`]
    pub fn open(at: &Place) -> Result<Self, EarError> {
        let failed = |why: io::Error| match why.kind() {
            io::ErrorKind::AddrInUse => EarError::Taken(at.clone()),
            _ => EarError::System(at.clone(), why),
        };
        match at {
            Place::Tcp(at) => tcp(*at).map(Self::Tcp).map_err(failed),
            #[cfg(unix)]
            Place::Unix(path) => {
                match std::fs::symlink_metadata(path) {
                    Ok(there) if !there.file_type().is_socket() => return Err(EarError::NoSocket(path.clone())),
                    Ok(_) => match UnixStream::connect(path) {
                        Err(why) if why.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(failed)?,
                        _ => return Err(EarError::Taken(at.clone())),
                    },
                    Err(why) if why.kind() == io::ErrorKind::NotFound => {}
                    Err(why) => return Err(failed(why)),
                }
                UnixListener::bind(path).map(|ear| Self::Unix(ear, path.clone())).map_err(failed)
            }
            #[cfg(not(unix))]
            Place::Unix(_) => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Where it listens. `[control]`
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Tcp(ear) => ear.local_addr().ok().map(Place::Tcp),
            #[cfg(unix)]
            Self::Unix(_, path) => Some(Place::Unix(path.clone())),
        }
    }

    /// Waits for the next who comes; with the address, where it has one. `[control]`
    ///
    /// # Errors
    /// The system's.
    pub fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Tcp(ear) => {
                let (socket, from) = ear.accept()?;
                // Without either it works too.
                let _ = socket.set_nodelay(true);
                let keep = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 4);
                let _ = SockRef::from(&socket).set_tcp_keepalive(&keep);
                Ok((Socket::Tcp(socket), Some(from)))
            }
            #[cfg(unix)]
            Self::Unix(ear, _) => ear.accept().map(|(socket, _)| (Socket::Unix(socket), None)),
        }
    }
}

fn tcp(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Raw::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections that have just ended keep nobody out; elsewhere than on Unix this would let two listen at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Wakes who waits in [`Ear::accept`] there. `[control]`
pub fn knock(at: &Place) {
    let at = match at {
        Place::Tcp(at) if at.ip().is_unspecified() => {
            let own = if at.is_ipv6() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
            Place::Tcp(SocketAddr::new(own, at.port()))
        }
        other => other.clone(),
    };
    let _ = Socket::connect(&at);
}

/// A socket's file goes with who listened there. `[control]`
pub fn clear(at: &Place) {
    if let Place::Unix(path) = at {
        let _ = std::fs::remove_file(Path::new(path));
    }
}
