//! The listening end for who only wants to see what is sent: by datagrams, or by streams of any framing.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tungstenite::Message;

use super::json;
use super::link::Place;
use crate::wire::frame::END;
use crate::wire::limits::{PACKET, STREAM_PACKET};
use crate::wire::{Deframer, Framing, encode};

/// Connections at once at most.
const CONNECTIONS: usize = 64;
/// Packets that wait to be asked for at most; then senders wait.
const WAITING: usize = 1024;
/// How often a thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// How long a WebSocket's first request may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Something was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it: an address, or `unix` and the number of the connection.
    pub from: String,
    /// A packet, or why what came is none.
    pub packet: Result<Vec<u8>, String>,
}

/// Listens at a place. Dropping it ends that.
pub struct Ear {
    place: Place,
    source: Source,
    stop: Arc<AtomicBool>,
}

enum Source {
    Datagrams(UdpSocket, Vec<u8>),
    Streams(Receiver<Heard>),
}

impl Ear {
    /// Listens. At `tcp://`, `slip://` and `ws://` alike whoever connects may use any of the three.
    ///
    /// # Errors
    /// The system's; a socket file that is there already is not replaced. `[control]`
    pub fn open(place: &Place) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (to, from) = sync_channel(WAITING);
        let (place, source) = match place {
            Place::Udp(at) => {
                let socket = UdpSocket::bind(at)?;
                (Place::Udp(socket.local_addr()?.to_string()), Source::Datagrams(socket, vec![0; PACKET + 1]))
            }
            Place::Tcp(at) | Place::Slip(at) | Place::WebSocket(at) => {
                let listener = TcpListener::bind(at.split('/').next().unwrap_or(at))?;
                let own = listener.local_addr()?.to_string();
                let named = match place {
                    Place::Slip(_) => Place::Slip(own),
                    Place::WebSocket(_) => Place::WebSocket(own),
                    _ => Place::Tcp(own),
                };
                listener.set_nonblocking(true)?;
                accept(&to, &stop, move || {
                    let (stream, from) = listener.accept()?;
                    Ok((Incoming::Tcp(stream), from.to_string()))
                })?;
                (named, Source::Streams(from))
            }
            #[cfg(unix)]
            Place::Unix(path) => {
                let listener = UnixListener::bind(path)?;
                listener.set_nonblocking(true)?;
                let file = SocketFile(path.clone());
                let mut number = 0;
                accept(&to, &stop, move || {
                    let _ = &file;
                    let (stream, _) = listener.accept()?;
                    number += 1;
                    Ok((Incoming::Unix(stream), format!("unix {number}")))
                })?;
                (place.clone(), Source::Streams(from))
            }
            #[cfg(not(unix))]
            Place::Unix(_) => return Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets")),
        };
        Ok(Self { place, source, stop })
    }

    /// Where it listens, with the port that was given for 0. `[control]`
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What comes next; `None` once the time is over.
    ///
    /// # Errors
    /// The system's. `[control]`
    pub fn receive(&mut self, patience: Duration) -> io::Result<Option<Heard>> {
        match &mut self.source {
            Source::Datagrams(socket, buffer) => {
                socket.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
                match socket.recv_from(buffer) {
                    Ok((length, from)) => Ok(Some(Heard { from: from.to_string(), packet: Ok(buffer[..length].to_vec()) })),
                    Err(error) if no_more_yet(&error) => Ok(None),
                    Err(error) => Err(error),
                }
            }
            Source::Streams(from) => match from.recv_timeout(patience) {
                Ok(heard) => Ok(Some(heard)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("nobody listens any more")),
            },
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

/// A socket's file, gone with it.
#[cfg(unix)]
struct SocketFile(PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A connection that has come in.
enum Incoming {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

fn no_more_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// A thread for who comes, and one for each that has.
fn accept(
    to: &SyncSender<Heard>,
    stop: &Arc<AtomicBool>,
    mut next: impl FnMut() -> io::Result<(Incoming, String)> + Send + 'static,
) -> io::Result<()> {
    let (to, stop) = (to.clone(), Arc::clone(stop));
    let open = Arc::new(AtomicUsize::new(0));
    thread::Builder::new().name("ear".into()).spawn(move || {
        while !stop.load(Relaxed) {
            let Ok((incoming, from)) = next() else {
                thread::sleep(LOOK / 5);
                continue;
            };
            if open.load(Relaxed) >= CONNECTIONS {
                continue;
            }
            open.fetch_add(1, Relaxed);
            let (counted, stop) = (Arc::clone(&open), Arc::clone(&stop));
            let to = Teller { to: to.clone(), from };
            let thread = thread::Builder::new().name("ear".into()).spawn(move || {
                if let Err(error) = hear(incoming, &to, &stop) {
                    to.tell(Err(error.to_string()));
                }
                counted.fetch_sub(1, Relaxed);
            });
            if thread.is_err() {
                open.fetch_sub(1, Relaxed);
            }
        }
    })?;
    Ok(())
}

struct Teller {
    to: SyncSender<Heard>,
    from: String,
}

impl Teller {
    /// False where nobody asks any more.
    fn tell(&self, packet: Result<Vec<u8>, String>) -> bool {
        self.to.send(Heard { from: self.from.clone(), packet }).is_ok()
    }
}

fn hear(incoming: Incoming, to: &Teller, stop: &AtomicBool) -> io::Result<()> {
    match incoming {
        Incoming::Tcp(stream) => {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(LOOK))?;
            let mut first = [0];
            loop {
                match stream.peek(&mut first) {
                    Ok(0) => return Ok(()),
                    Ok(_) => break,
                    Err(error) if no_more_yet(&error) && !stop.load(Relaxed) => {}
                    Err(error) => return Err(error),
                }
            }
            if first[0].is_ascii_alphabetic() { web_socket(stream, to, stop) } else { framed(stream, to, stop) }
        }
        #[cfg(unix)]
        Incoming::Unix(stream) => {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(LOOK))?;
            framed(stream, to, stop)
        }
    }
}

fn framed(mut stream: impl Read, to: &Teller, stop: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 65_536];
    let mut deframer = None;
    while !stop.load(Relaxed) {
        let length = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if no_more_yet(&error) => continue,
            Err(error) => return Err(error),
        };
        let framing = if buffer[0] == END { Framing::Slip } else { Framing::Sized };
        let deframer = deframer.get_or_insert_with(|| Deframer::new(framing, STREAM_PACKET));
        let mut heard = true;
        let sound = deframer.push(&buffer[..length], |packet| {
            heard &= to.tell(packet.map(<[u8]>::to_vec).map_err(|broken| broken.to_string()));
        });
        if !sound || !heard {
            return Ok(());
        }
    }
    Ok(())
}

fn web_socket(stream: TcpStream, to: &Teller, stop: &AtomicBool) -> io::Result<()> {
    stream.set_read_timeout(Some(HANDSHAKE))?;
    let mut socket = tungstenite::accept(stream).map_err(|error| io::Error::other(error.to_string()))?;
    socket.get_ref().set_read_timeout(Some(LOOK))?;
    while !stop.load(Relaxed) {
        let packet = match socket.read() {
            Ok(Message::Binary(bytes)) => Ok(bytes.to_vec()),
            Ok(Message::Text(text)) => json::read(&text).map(|packet| encode(&packet)).map_err(|bad| bad.to_string()),
            Ok(_) => continue,
            Err(tungstenite::Error::Io(error)) if no_more_yet(&error) => continue,
            Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => return Ok(()),
            Err(error) => return Err(io::Error::other(error.to_string())),
        };
        if !to.tell(packet) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::osc::link::Link;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn what_is_sent_is_heard_by_every_way() {
        let path = std::env::temp_dir().join(format!("rackd-ear-{}", std::process::id()));
        let unix = format!("unix:{}", path.display());
        for place in ["udp://127.0.0.1:0", "tcp://127.0.0.1:0", "slip://[::1]:0", "ws://127.0.0.1:0", &unix] {
            let mut ear = Ear::open(&place.parse().expect("a place")).expect("it listens");
            let mut link = Link::connect(ear.place(), PATIENCE).expect("it connects");
            for packet in [b"/a\0\0,\0\0\0".as_slice(), &[0xc0, 0xdb, 0xdc, 0xdd], &[7; 40_000]] {
                link.send(packet).expect("it is sent");
                let heard = ear.receive(PATIENCE).expect("it hears").expect("in time");
                assert_eq!(heard.packet.as_deref(), Ok(packet), "{place}");
            }
        }
    }
}
