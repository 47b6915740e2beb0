//! One connection: what others may know of it and do to it, and its life on a thread of its own.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use super::header::{BadHeader, Header, LONGEST, Push};
use super::hear::serve_read;
use super::pour::Pour;
use super::server::Shared;
use super::socket::Socket;

/// How long a header is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long bytes are waited for at a time.
const WAIT: Duration = Duration::from_millis(4);
/// How long what waits may take to be heard once no more comes.
const TAIL: Duration = Duration::from_secs(3);
/// A sender that is not made to wait is told of what was thrown away this often at most.
const TELL: Duration = Duration::from_millis(100);
/// How long a last line is left to be read.
const PARTING: Duration = Duration::from_millis(100);
/// Bytes read at a time at most.
const BYTES: usize = 1 << 16;

/// What is known of a connection.
#[derive(Debug)]
pub struct Session {
    /// What it said of itself.
    pub header: Header,
    /// From where it came.
    pub from: String,
    /// Frames that came or went.
    pub frames: AtomicU64,
    /// Frames thrown away: there was no room, or they were not read in time.
    pub lost: AtomicU64,
    /// How often it was made to wait, or told that it would have to.
    pub full: AtomicU64,
    /// How much faster its clock is than it says, in bits of an `f32` [parts in a million].
    drift: AtomicU32,
    /// What waits, in bits of an `f32` [s].
    waits: AtomicU32,
    closed: AtomicBool,
}

impl Session {
    /// Of a header that came from there. `[control]`
    pub fn new(header: Header, from: String) -> Self {
        let (frames, lost, full) = Default::default();
        Self { header, from, frames, lost, full, drift: AtomicU32::new(0), waits: AtomicU32::new(0), closed: AtomicBool::new(false) }
    }

    /// The stream's name. `[any]`
    pub fn name(&self) -> &str {
        match &self.header {
            Header::Push(push) => &push.name,
            Header::Read(read) => &read.name,
        }
    }

    /// It ends within some milliseconds. `[any]`
    pub fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// Whether it was told to end. `[any]`
    pub fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// How much faster its clock is than it says, as far as is known [parts in a million]. `[any]`
    pub fn drift(&self) -> f32 {
        f32::from_bits(self.drift.load(Relaxed))
    }

    /// What waits of it [s]. `[any]`
    pub fn waits(&self) -> f32 {
        f32::from_bits(self.waits.load(Relaxed))
    }

    /// Says what waits [s]. `[any]`
    pub fn show_waiting(&self, seconds: f64) {
        self.waits.store((seconds as f32).to_bits(), Relaxed);
    }
}

/// Reads the first line; what comes behind it is left to be read.
fn first_line(socket: &mut Socket, stop: &AtomicBool) -> Result<Vec<u8>, String> {
    let until = Instant::now() + PATIENCE;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LONGEST {
        match socket.read(&mut byte) {
            Ok(0) => return Err("the line ended early".to_owned()),
            Ok(_) if byte[0] == b'\n' => {
                line.pop_if(|last| *last == b'\r');
                return Ok(line);
            }
            Ok(_) => line.push(byte[0]),
            Err(why) if waits(&why) => {}
            Err(why) => return Err(why.to_string()),
        }
        if stop.load(Relaxed) {
            return Err("rackd ends".to_owned());
        }
        if Instant::now() >= until {
            return Err(format!("no header came within {} s", PATIENCE.as_secs()));
        }
    }
    Err(BadHeader::Text.to_string())
}

/// Whether an error only says that there is nothing yet.
pub fn waits(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// Serves a connection to its end. `[control]`
pub fn serve(mut socket: Socket, from: String, shared: &Arc<Shared>) {
    // Without it the thread could not be ended.
    if socket.patience(Some(WAIT)).is_err() {
        return;
    }
    let read = first_line(&mut socket, &shared.stop).and_then(|line| Header::read(&line).map_err(|bad| bad.to_string()));
    let header = match read {
        Ok(header) => header,
        Err(why) => {
            shared.refuse();
            return part(&mut socket, &format!("error header {why}"));
        }
    };
    let session = Arc::new(Session::new(header, from));
    let Some(_seat) = shared.enter(&session) else {
        return part(&mut socket, "error full as many streams are open as there may be");
    };
    match &session.header {
        Header::Push(push) => serve_push(&mut socket, push, &session, shared),
        Header::Read(read) => serve_read(&mut socket, read, &session, shared),
    }
}

/// Says the last line. What the other side has sent meanwhile is taken and forgotten for a moment: a connection that is closed over unread
/// bytes is broken off, and the line with it.
pub fn part(socket: &mut Socket, line: &str) {
    say(socket, line);
    socket.end_sending();
    let until = Instant::now() + PARTING;
    let mut bytes = [0; 4096];
    while Instant::now() < until {
        match socket.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(why) if waits(&why) => {}
            Err(_) => return,
        }
    }
}

/// Says a line; who does not take it misses it.
pub fn say(socket: &mut Socket, line: &str) {
    let _ = socket.write_all(format!("{line}\n").as_bytes());
}

fn serve_push(socket: &mut Socket, push: &Push, session: &Session, shared: &Shared) {
    let refuse = |socket: &mut Socket, line: String| {
        shared.refuse();
        part(socket, &line);
    };
    let Some(inflow) = shared.flows.inflow(&push.name) else {
        return refuse(socket, "error full as many names are in use as there may be".to_owned());
    };
    let Some(end) = inflow.open(push.channels, 0) else {
        return refuse(
            socket,
            format!("error taken somebody else sends {}: end that (/stream/close {0}), or take another name", push.name),
        );
    };
    let mut pour = match Pour::new(end, push, shared.rate) {
        Ok(pour) => pour,
        Err(why) => return refuse(socket, format!("error rate {why}")),
    };
    let buffer = pour.end().target() as f64 / f64::from(shared.rate) * 1e3;
    // The table of names, this and the end each hold one.
    let readers = inflow.readers_but(2);
    say(socket, &format!("ok name={} rate={} buffer={buffer:.0}ms readers={readers}", push.name, shared.rate));
    let why = push_on(socket, push, session, shared, &mut pour);
    pour.finish();
    let until = Instant::now() + TAIL;
    while inflow.readers_but(2) > 0 && pour.end().waiting() > 0 && Instant::now() < until && !session.is_closed() && !shared.is_over() {
        std::thread::sleep(WAIT);
        session.show_waiting(pour.waiting() as f64 / f64::from(shared.rate));
    }
    let (came, lost) = pour.frames();
    drop(pour);
    part(socket, &format!("{why} frames={came} lost={lost}"));
}

/// Takes what comes until no more does; gives how it ended.
fn push_on(socket: &mut Socket, push: &Push, session: &Session, shared: &Shared, pour: &mut Pour) -> &'static str {
    let mut bytes = vec![0; BYTES];
    let mut last = Instant::now();
    let mut told = last - TELL;
    let (mut held, mut owed) = (false, 0);
    loop {
        if session.is_closed() || shared.is_over() {
            return "closed";
        }
        let wants = if push.nonblock { BYTES } else { pour.wants().min(BYTES) };
        let was_held = std::mem::replace(&mut held, wants == 0);
        if held {
            if !was_held {
                session.full.fetch_add(1, Relaxed);
            }
            if socket.is_broken() {
                return "broken";
            }
            std::thread::sleep(WAIT / 2);
        } else {
            match socket.read(&mut bytes[..wants]) {
                Ok(0) => return "done",
                Ok(count) => owed += pour.take(&bytes[..count]),
                Err(why) if waits(&why) => {}
                Err(_) => return "broken",
            }
        }
        let now = Instant::now();
        if owed > 0 && now - told >= TELL {
            session.full.fetch_add(1, Relaxed);
            say(socket, &format!("would-block frames={owed}"));
            (owed, told) = (0, now);
        }
        pour.tick((now - last).as_secs_f64(), held || was_held);
        last = now;
        let (came, lost) = pour.frames();
        session.frames.store(came, Relaxed);
        session.lost.store(lost, Relaxed);
        session.drift.store(((pour.steady().drift() * 1e6) as f32).to_bits(), Relaxed);
        session.show_waiting(pour.waiting() as f64 / f64::from(shared.rate));
    }
}
