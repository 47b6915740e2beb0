//! The client's end of every way to send OSC: a place by its name, and a link to it that waits no longer than it is told.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use tungstenite::{Message, WebSocket};

use super::json;
use crate::wire::limits::{PACKET, STREAM_PACKET};
use crate::wire::{Deframer, Framing, encode, frame};

/// Where OSC is sent to, or listened for, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `udp://HOST:PORT`, or just `HOST:PORT`: one packet a datagram.
    Udp(String),
    /// `tcp://HOST:PORT`: a size before each packet.
    Tcp(String),
    /// `slip://HOST:PORT`: TCP with an END round each packet.
    Slip(String),
    /// `ws://HOST:PORT`, and a path where one is wanted: one packet a binary frame.
    WebSocket(String),
    /// `unix:PATH`: a size before each packet.
    Unix(PathBuf),
}

/// Why a text names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    /// None of the ways.
    #[error("`{0}` is no way to send OSC; there are udp:// tcp:// slip:// ws:// and unix:PATH")]
    Way(String),
    /// A host and a port are wanted.
    #[error("`{0}` is no place: HOST:PORT is wanted, such as 127.0.0.1:57130 or [::1]:57130")]
    NoPort(String),
    /// No path.
    #[error("unix: wants the path of a socket, such as unix:/run/user/1000/rackd.osc")]
    NoPath,
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(BadPlace::NoPath) } else { Ok(Self::Unix(path.into())) };
        }
        let (way, rest) = text.split_once("://").unwrap_or(("udp", text));
        let host = match way {
            "ws" => rest.split_once('/').map_or(rest, |(host, _)| host),
            _ => rest.strip_suffix('/').unwrap_or(rest),
        };
        let sound = host.rsplit_once(':').is_some_and(|(host, port)| {
            let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            !host.is_empty() && (inner.is_some() || !host.contains(':')) && port.parse::<u16>().is_ok()
        });
        let place = match way {
            "udp" => Self::Udp(host.to_owned()),
            "tcp" => Self::Tcp(host.to_owned()),
            "slip" => Self::Slip(host.to_owned()),
            "ws" => Self::WebSocket(rest.to_owned()),
            other => return Err(BadPlace::Way(other.to_owned())),
        };
        if sound { Ok(place) } else { Err(BadPlace::NoPort(text.to_owned())) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(at) => write!(f, "udp://{at}"),
            Self::Tcp(at) => write!(f, "tcp://{at}"),
            Self::Slip(at) => write!(f, "slip://{at}"),
            Self::WebSocket(at) => write!(f, "ws://{at}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A stream of bytes, of either kind.
#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    fn read_within(&self, patience: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(patience)),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_read_timeout(Some(patience)),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(from),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a link goes by.
enum Way {
    Udp(UdpSocket),
    Framed { stream: Stream, framing: Framing, deframer: Deframer },
    WebSocket(Box<WebSocket<Stream>>),
}

/// A connection to a place: packets out, packets in, one thread.
pub struct Link {
    way: Way,
    come: VecDeque<io::Result<Vec<u8>>>,
    buffer: Vec<u8>,
}

impl Link {
    /// Connects, within a time; by UDP nobody need be there.
    ///
    /// # Errors
    /// The system's; a WebSocket that is refused says with which answer. `[control]`
    pub fn connect(place: &Place, patience: Duration) -> io::Result<Self> {
        let framed = |stream, framing| Way::Framed { stream, framing, deframer: Deframer::new(framing, STREAM_PACKET) };
        let way = match place {
            Place::Udp(at) => Way::Udp(udp(at)?),
            Place::Tcp(at) => framed(Stream::Tcp(tcp(at, patience)?), Framing::Sized),
            Place::Slip(at) => framed(Stream::Tcp(tcp(at, patience)?), Framing::Slip),
            Place::WebSocket(at) => Way::WebSocket(Box::new(web_socket(at, patience)?)),
            #[cfg(unix)]
            Place::Unix(path) => framed(Stream::Unix(UnixStream::connect(path)?), Framing::Sized),
            #[cfg(not(unix))]
            Place::Unix(_) => return Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets")),
        };
        Ok(Self { way, come: VecDeque::new(), buffer: vec![0; PACKET + 1] })
    }

    /// Sends one packet.
    ///
    /// # Errors
    /// The system's. `[control]`
    pub fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        match &mut self.way {
            Way::Udp(socket) => socket.send(packet).map(drop),
            Way::Framed { stream, framing, .. } => stream.write_all(&frame(*framing, packet)),
            Way::WebSocket(socket) => socket.send(Message::binary(packet.to_vec())).map_err(foreign),
        }
    }

    /// The next packet; `None` once the time is over. A text frame of a WebSocket comes as the packet that it says.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::UnexpectedEof`] where the other end has closed, [`io::ErrorKind::InvalidData`] for what is no
    /// packet. `[control]`
    pub fn receive(&mut self, patience: Duration) -> io::Result<Option<Vec<u8>>> {
        let end = Instant::now() + patience;
        loop {
            if let Some(packet) = self.come.pop_front() {
                return packet.map(Some);
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.read(left.max(Duration::from_millis(1))) {
                Ok(()) => {}
                Err(error) if is_no_more_yet(&error) => {
                    if end <= Instant::now() {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads once.
    fn read(&mut self, patience: Duration) -> io::Result<()> {
        match &mut self.way {
            Way::Udp(socket) => {
                socket.set_read_timeout(Some(patience))?;
                let length = socket.recv(&mut self.buffer)?;
                self.come.push_back(Ok(self.buffer[..length].to_vec()));
            }
            Way::Framed { stream, deframer, .. } => {
                stream.read_within(patience)?;
                let length = stream.read(&mut self.buffer)?;
                if length == 0 {
                    return Err(closed());
                }
                let come = &mut self.come;
                deframer.push(&self.buffer[..length], |packet| {
                    come.push_back(packet.map(<[u8]>::to_vec).map_err(|broken| io::Error::new(io::ErrorKind::InvalidData, broken)));
                });
            }
            Way::WebSocket(socket) => {
                socket.get_ref().read_within(patience)?;
                match socket.read().map_err(foreign)? {
                    Message::Binary(bytes) => self.come.push_back(Ok(bytes.to_vec())),
                    Message::Text(text) => {
                        let packet = json::read(&text).map(|packet| encode(&packet));
                        self.come.push_back(packet.map_err(|bad| io::Error::new(io::ErrorKind::InvalidData, bad)));
                    }
                    Message::Close(_) => return Err(closed()),
                    Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                }
            }
        }
        Ok(())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Way::WebSocket(socket) = &mut self.way {
            // Says farewell, as the protocol wants it; who is gone already does not hear it.
            let _ = socket.close(None).and_then(|()| socket.flush());
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the other end closed the connection")
}

fn is_no_more_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// A WebSocket's failure as the system's.
fn foreign(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(error) => error,
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => closed(),
        tungstenite::Error::Http(response) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            io::Error::other(format!("refused with {}: {}", response.status(), body.trim()))
        }
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

fn udp(at: &str) -> io::Result<UdpSocket> {
    each(at, |to| {
        let any: SocketAddr = if to.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
        let socket = UdpSocket::bind(any)?;
        socket.connect(to)?;
        Ok(socket)
    })
}

fn tcp(at: &str, patience: Duration) -> io::Result<TcpStream> {
    each(at, |to| {
        let stream = TcpStream::connect_timeout(&to, patience.max(Duration::from_millis(1)))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    })
}

fn web_socket(at: &str, patience: Duration) -> io::Result<WebSocket<Stream>> {
    let (host, path) = at.split_once('/').unwrap_or((at, ""));
    let stream = tcp(host, patience)?;
    stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
    match tungstenite::client::client(format!("ws://{host}/{path}"), Stream::Tcp(stream)) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(foreign(error)),
        Err(tungstenite::HandshakeError::Interrupted(_)) => {
            Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to the WebSocket's request"))
        }
    }
}

/// The first address of a name at which something works; else why the last did not.
fn each<T>(at: &str, mut open: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut why = io::Error::new(io::ErrorKind::NotFound, format!("{at} has no address"));
    for to in at.to_socket_addrs()? {
        match open(to) {
            Ok(done) => return Ok(done),
            Err(error) => why = error,
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named() {
        for (text, place) in [
            ("127.0.0.1:57130", Place::Udp("127.0.0.1:57130".into())),
            ("udp://localhost:9000", Place::Udp("localhost:9000".into())),
            ("tcp://[::1]:9000", Place::Tcp("[::1]:9000".into())),
            ("slip://host.local:1", Place::Slip("host.local:1".into())),
            ("ws://localhost:57130/", Place::WebSocket("localhost:57130/".into())),
            ("unix:/tmp/a b", Place::Unix("/tmp/a b".into())),
            ("unix:///tmp/x", Place::Unix("/tmp/x".into())),
        ] {
            assert_eq!(text.parse(), Ok(place.clone()), "{text}");
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "x", "tcp://x", "tcp://:9", "udp://::1:9", "ws://x/y:9", "http://x:80", "unix:", "x:70000"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
