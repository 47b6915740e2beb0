//! One who reads a stream: frames out of a flow into bytes on a socket.

use std::io::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::Duration;

use super::header::Read;
use super::server::Shared;
use super::session::{Session, part, say, waits};
use super::socket::Socket;
use crate::base::nearest::nearest;

/// How long new frames are waited for at a time.
const WAIT: Duration = Duration::from_millis(4);
/// Frames encoded at a time at most.
const FRAMES: usize = 1_024;

/// Sends what goes out under a name until either side ends it.
pub(super) fn serve_read(socket: &mut Socket, read: &Read, session: &Session, shared: &Shared) {
    let Some(flow) = shared.flows.find_outflow(&read.name) else {
        shared.refuse();
        let all = shared.flows.outflows();
        let near = nearest(&read.name, all.iter().map(String::as_str)).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let there = if all.is_empty() { "nothing".to_owned() } else { all.join(" ") };
        return part(socket, &format!("error unknown no stream out is called {}{near}; there is {there}", read.name));
    };
    let mut reader = flow.reader();
    say(socket, &format!("ok name={} rate={} channels={} format={}", read.name, shared.rate, reader.channels(), read.format));
    let (mut samples, mut bytes, mut given) = (Vec::new(), Vec::new(), 0);
    while !session.is_closed() && !shared.is_over() {
        if given == bytes.len() {
            (given, _) = (0, bytes.clear());
            samples.clear();
            let frames = reader.read(FRAMES, &mut samples);
            read.format.encode(&samples, &mut bytes);
            session.frames.fetch_add(frames as u64, Relaxed);
            let lost = reader.lost();
            if session.lost.swap(lost, Relaxed) < lost {
                session.full.fetch_add(1, Relaxed);
            }
            if frames == 0 {
                if socket.is_broken() {
                    return;
                }
                sleep(WAIT);
                continue;
            }
        }
        match socket.write(&bytes[given..]) {
            Ok(0) => return,
            Ok(count) => given += count,
            Err(why) if waits(&why) => {}
            Err(_) => return,
        }
    }
    // What is read is sound to the last byte: the end says itself.
    socket.end_sending();
}
