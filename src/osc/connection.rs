//! One connection: its first byte tells its framing; then packets in, answers out, neither waiting for the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};
use tungstenite::{Error, Message, WebSocket};

use super::crowd::{Crowd, Member};
use super::intake::{Turn, Way, lock};
use super::json;
use super::out::{Out, Spelling};
use super::websocket::{Pipe, Upgrade, upgrade};
use crate::control::counts::Transport;
use crate::wire::frame::END;
use crate::wire::{Deframer, Framing, Refusal, encode};

/// Bytes that are read at once.
const READ: usize = 16 << 10;
/// How long a connection that is over is still sent what waits for it.
const PARTING: Duration = Duration::from_secs(1);

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The other end closed it, or it broke.
    Closed,
    /// What comes cannot be followed any more.
    Lost,
    /// No packet in time.
    TimedOut,
    /// Somebody else has its place; counted already.
    Evicted,
    /// It takes nothing of what is sent.
    Slow,
    /// Its first byte begins no framing.
    Unknown,
    /// A request that is refused.
    Http,
}

/// Lets go of everything that a connection held, however it ended.
struct Guest {
    crowd: Arc<Crowd>,
    member: Arc<Member>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.crowd.end(&self.member);
    }
}

/// Serves a connection until it is over; `own` is the address that it came to, `None` for a Unix socket.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite, own: Option<SocketAddr>, crowd: Arc<Crowd>, member: Arc<Member>) {
    let guest = Guest { crowd: Arc::clone(&crowd), member: Arc::clone(&member) };
    let (mut from, mut to) = split(stream);
    let mut reading = Reading { crowd: &crowd, member: &member, own, state: State::Unknown, spoke: false };
    let mut writing = Writing { out: &member.out, bytes: Vec::new(), gone: 0 };
    let over = tokio::select! {
        over = reading.read(&mut from) => over,
        over = writing.write(&mut to, crowd.bounds.stall) => over,
        () = member.leave.notified() => Over::Evicted,
    };
    crowd.count(|counts| match over {
        Over::TimedOut => counts.timed_out += 1,
        Over::Slow => counts.slow += 1,
        Over::Unknown => counts.unknown += 1,
        Over::Http => counts.http += 1,
        Over::Closed | Over::Lost | Over::Evicted => {}
    });
    drop(guest);
    if matches!(over, Over::Closed | Over::Lost | Over::Http)
        && let Some(_parting) = crowd.part()
    {
        let _ = timeout(PARTING, async {
            writing.rest(&mut to).await?;
            to.shutdown().await?;
            // Closing with bytes unread would take back what was sent.
            let mut unread = [0; 1024];
            while over != Over::Closed && from.read(&mut unread).await? > 0 {}
            io::Result::Ok(())
        })
        .await;
    }
}

/// Sends what waits.
struct Writing<'a> {
    out: &'a Out,
    bytes: Vec<u8>,
    gone: usize,
}

impl Writing<'_> {
    async fn write(&mut self, to: &mut (impl AsyncWrite + Unpin), stall: Duration) -> Over {
        loop {
            match timeout(stall, self.step(to)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => self.out.woken().await,
                Ok(Err(_)) => return Over::Closed,
                Err(_) => return Over::Slow,
            }
        }
    }

    async fn rest(&mut self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        while self.step(to).await? {}
        Ok(())
    }

    /// Sends as much as goes at once; false where nothing waits.
    async fn step(&mut self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<bool> {
        if self.gone == self.bytes.len() {
            self.bytes = self.out.take();
            self.gone = 0;
            if self.bytes.is_empty() {
                return Ok(false);
            }
        }
        let count = to.write(&self.bytes[self.gone..]).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.gone += count;
        self.out.gone(count);
        Ok(true)
    }
}

/// What is known of how somebody speaks.
enum State {
    Unknown,
    Framed(Deframer, Transport),
    /// The head of a request, so far.
    Request(Vec<u8>),
    WebSocket(Box<WebSocket<Pipe>>),
}

struct Reading<'a> {
    crowd: &'a Crowd,
    member: &'a Member,
    own: Option<SocketAddr>,
    state: State,
    /// A whole packet has come, whether or not it could be read.
    spoke: bool,
}

impl Reading<'_> {
    async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Over {
        let bounds = &self.crowd.bounds;
        let mut bytes = vec![0; READ];
        let mut patience = Some(Instant::now() + bounds.handshake);
        loop {
            let come = match patience {
                Some(end) => timeout_at(end, from.read(&mut bytes)).await,
                None => Ok(from.read(&mut bytes).await),
            };
            let count = match come {
                Err(_) => return Over::TimedOut,
                Ok(Ok(0) | Err(_)) => return Over::Closed,
                Ok(Ok(count)) => count,
            };
            let spoke = std::mem::take(&mut self.spoke);
            if let Err(over) = self.take(&bytes[..count]) {
                return over;
            }
            if self.spoke {
                self.crowd.heard(self.member);
                patience = (!self.member.is_valid()).then(|| Instant::now() + bounds.idle);
            }
            self.spoke |= spoke;
            // What is answered goes out before more is read, and others have their turn.
            yield_now().await;
        }
    }

    /// Does what some bytes say.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Over> {
        match &mut self.state {
            State::Unknown => {
                let framed = |framing, by| State::Framed(Deframer::new(framing, self.crowd.bounds.stream.packet), by);
                let unix = self.own.is_none();
                let (state, spelling) = match bytes.first() {
                    Some(&END) => (framed(Framing::Slip, if unix { Transport::Unix } else { Transport::Slip }), Some(Framing::Slip)),
                    Some(0) => (framed(Framing::Sized, if unix { Transport::Unix } else { Transport::Sized }), Some(Framing::Sized)),
                    // The first letters of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT, TRACE.
                    Some(b'G' | b'H' | b'P' | b'D' | b'O' | b'C' | b'T') if !unix => (State::Request(Vec::new()), None),
                    _ => return Err(Over::Unknown),
                };
                if let Some(framing) = spelling {
                    self.member.out.spell(Spelling::Framed(framing));
                }
                self.state = state;
                self.take(bytes)
            }
            State::Framed(deframer, by) => {
                let mut turn = Turn::new(&self.crowd.control, &Way { by: *by, limits: self.crowd.bounds.stream });
                let mut unread = 0;
                let sound = deframer.push(bytes, |frame| {
                    self.spoke = true;
                    let answers = match frame {
                        Ok(packet) => turn.take(self.member.client, packet),
                        Err(broken) => turn.refuse(self.member.client, broken.into(), &Refusal::from(broken).to_string()),
                    };
                    unread += answers.iter().filter(|answer| !self.member.out.say(answer)).count();
                });
                finish(turn, self.crowd, self.member, unread);
                if sound { Ok(()) } else { Err(Over::Lost) }
            }
            State::Request(head) => {
                head.extend_from_slice(bytes);
                let Some(own) = self.own else { return Err(Over::Unknown) };
                match upgrade(head, own, &self.crowd.origins, self.crowd.bounds.stream.packet) {
                    Upgrade::More => Ok(()),
                    Upgrade::Refused(answer) => {
                        self.member.out.put(&answer);
                        Err(Over::Http)
                    }
                    Upgrade::Done(socket, answer) => {
                        self.member.out.put(&answer);
                        self.member.out.spell(Spelling::Binary);
                        // Who has come so far knows how to speak, and may have nothing to say yet.
                        self.member.is_now_valid();
                        self.spoke = true;
                        self.state = State::WebSocket(socket);
                        self.take(&[])
                    }
                }
            }
            State::WebSocket(socket) => {
                socket.get_mut().feed(bytes);
                let mut turn = Turn::new(&self.crowd.control, &Way { by: Transport::WebSocket, limits: self.crowd.bounds.stream });
                let mut unread = 0;
                let end = loop {
                    let answers = match socket.read() {
                        Ok(Message::Binary(packet)) => {
                            self.member.out.spell(Spelling::Binary);
                            turn.by(Transport::WebSocket);
                            turn.take(self.member.client, &packet)
                        }
                        Ok(Message::Text(text)) => {
                            self.member.out.spell(Spelling::Text);
                            turn.by(Transport::Json);
                            match json::read(&text) {
                                Ok(packet) => turn.take(self.member.client, &encode(&packet)),
                                Err(bad) => turn.refuse(self.member.client, Refusal::Json, &bad.to_string()),
                            }
                        }
                        Ok(_) => continue,
                        Err(Error::Io(_)) => break Ok(()),
                        Err(Error::ConnectionClosed | Error::AlreadyClosed) => break Err(Over::Closed),
                        Err(error) => {
                            let refusal = match error {
                                Error::Capacity(_) => Refusal::LongFrame(self.crowd.bounds.stream.packet),
                                Error::Utf8(_) => Refusal::NotUtf8,
                                _ => Refusal::WebSocket,
                            };
                            turn.by(Transport::WebSocket);
                            let answers = turn.refuse(self.member.client, refusal, &error.to_string());
                            unread += answers.iter().filter(|answer| !self.member.out.say(answer)).count();
                            break Err(Over::Lost);
                        }
                    };
                    self.spoke = true;
                    unread += answers.iter().filter(|answer| !self.member.out.say(answer)).count();
                };
                let _ = socket.flush();
                // Answers to pings and to the closing; who does not take them is slow soon.
                self.member.out.put(&socket.get_mut().take());
                finish(turn, self.crowd, self.member, unread);
                end
            }
        }
    }
}

/// What is left to note of packets that came together.
fn finish(turn: Turn<'_>, crowd: &Crowd, member: &Member, unread: usize) {
    if turn.understood > 0 {
        member.is_now_valid();
    }
    drop(turn);
    if unread > 0 {
        lock(&crowd.control).counts_mut().unread += unread as u64;
    }
}
