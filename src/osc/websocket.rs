//! A WebSocket without a socket: who may have one, and its frames out of bytes that somebody else reads.
//!
//! A page of any site can make a browser connect to this computer. So the request's host must be our own, that no foreign name leads
//! here, and its origin must be our own page's or one that was allowed.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{Request, create_response, write_response};
use tungstenite::http::header::{HOST, ORIGIN, UPGRADE};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, WebSocket, error::ProtocolError};

/// Bytes of a request's head at most.
const HEAD: usize = 16 << 10;

/// Bytes that have come, and bytes that are to go.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    come: Vec<u8>,
    read: usize,
    go: Vec<u8>,
}

impl Pipe {
    /// Puts what has come behind what is not yet read.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.come.drain(..self.read);
        self.read = 0;
        self.come.extend_from_slice(bytes);
    }

    /// Takes what is to go.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.go)
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = &self.come[self.read..];
        if left.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = left.len().min(into.len());
        into[..count].copy_from_slice(&left[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.go.extend_from_slice(from);
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What comes of a request.
pub(super) enum Upgrade {
    /// Its head is not complete.
    More,
    /// The socket, and the bytes that answer the request.
    Done(Box<WebSocket<Pipe>>, Vec<u8>),
    /// The bytes that refuse it.
    Refused(Vec<u8>),
}

/// Looks at what has come of a request at one of our own addresses; a frame holds so many bytes at most.
pub(super) fn upgrade(come: &[u8], own: SocketAddr, origins: &[String], most: usize) -> Upgrade {
    let refused = |(status, text): (&str, &str)| Upgrade::Refused(refusal(status, text));
    let (length, request) = match Request::try_parse(come) {
        Ok(Some((length, _))) if length > HEAD => return refused(("431 Request Header Fields Too Large", "the request is too long")),
        Ok(Some(found)) => found,
        Ok(None) if come.len() > HEAD => return refused(("431 Request Header Fields Too Large", "the request is too long")),
        Ok(None) => return Upgrade::More,
        Err(Error::Protocol(ProtocolError::WrongHttpMethod)) => return refused(("405 Method Not Allowed", "only GET is known here")),
        Err(_) => return refused(("400 Bad Request", "this is no HTTP request")),
    };
    if let Err(why) = judge(&request, own, origins) {
        return refused(why);
    }
    let mut answer = Vec::new();
    match create_response(&request).and_then(|response| write_response(&mut answer, &response)) {
        Ok(()) => {
            let config = WebSocketConfig::default()
                .read_buffer_size(4096)
                .write_buffer_size(0)
                .max_message_size(Some(most))
                .max_frame_size(Some(most));
            let rest = come[length..].to_vec();
            Upgrade::Done(Box::new(WebSocket::from_partially_read(Pipe::default(), rest, Role::Server, Some(config))), answer)
        }
        Err(why) => Upgrade::Refused(refusal("400 Bad Request", &why.to_string())),
    }
}

/// Whether a request may become a WebSocket; else the status and the reason.
fn judge(request: &Request, own: SocketAddr, origins: &[String]) -> Result<(), (&'static str, &'static str)> {
    let text = |name| {
        let mut all = request.headers().get_all(name).iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(one), None) => one.to_str().map(|one| Some(one.to_ascii_lowercase())).map_err(|_| ()),
            _ => Err(()),
        }
    };
    let hosts = own_hosts(own);
    match text(HOST) {
        Ok(Some(host)) if hosts.contains(&host) => {}
        Ok(Some(_)) => return Err(("421 Misdirected Request", "this computer is not called that here; use its address, or localhost")),
        _ => return Err(("400 Bad Request", "one Host is wanted")),
    }
    match text(ORIGIN) {
        Ok(None) => {}
        Ok(Some(origin)) => {
            let ours = origin.strip_prefix("http://").is_some_and(|host| hosts.iter().any(|own| own == host));
            if !ours && !origins.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(&origin) && origin != "null") {
                return Err(("403 Forbidden", "pages from there may not connect; start rackd with --allow-origin and its URL"));
            }
        }
        Err(()) => return Err(("403 Forbidden", "one Origin is wanted, or none")),
    }
    if request.headers().contains_key(UPGRADE) {
        Ok(())
    } else {
        Err(("426 Upgrade Required", "rackd speaks OSC here: over a WebSocket, or TCP with size prefixes or SLIP"))
    }
}

/// What a computer is called by who connected to this address of it.
fn own_hosts(own: SocketAddr) -> Vec<String> {
    let at = SocketAddr::new(own.ip().to_canonical(), own.port());
    // Browsers leave the scope of an address out.
    let at = match at {
        SocketAddr::V6(mut v6) => {
            v6.set_scope_id(0);
            SocketAddr::V6(v6)
        }
        v4 => v4,
    };
    let port = own.port();
    let mut hosts = vec![at.to_string(), format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
    if port == 80 {
        let short = hosts.iter().filter_map(|host| host.strip_suffix(":80")).map(str::to_owned).collect::<Vec<_>>();
        hosts.extend(short);
    }
    hosts
}

fn refusal(status: &str, text: &str) -> Vec<u8> {
    let upgrade = if status.starts_with("426") { "Upgrade: websocket\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\n{upgrade}Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}\n",
        text.len() + 1
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str, origins: &[&str]) -> String {
        let own = "127.0.0.1:57130".parse().expect("an address");
        let origins: Vec<String> = origins.iter().map(|text| (*text).to_owned()).collect();
        match upgrade(format!("{head}\r\n\r\n").as_bytes(), own, &origins, 1000) {
            Upgrade::More => "more".to_owned(),
            Upgrade::Done(_, answer) | Upgrade::Refused(answer) => String::from_utf8_lossy(&answer[9..12]).into_owned(),
        }
    }

    #[test]
    fn who_may_have_a_socket() {
        let with = |headers: &str| {
            format!(
                "GET / HTTP/1.1\r\n{headers}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            )
        };
        for (headers, allowed, expected) in [
            ("Host: 127.0.0.1:57130", "", "101"),
            ("Host: LOCALHOST:57130", "", "101"),
            ("Host: [::1]:57130", "", "101"),
            ("Host: localhost", "", "421"),
            ("Host: localhost:57131", "", "421"),
            ("Host: evil.example:57130", "", "421"),
            ("X: 1", "", "400"),
            ("Host: localhost:57130\r\nHost: localhost:57130", "", "400"),
            ("Host: localhost:57130\r\nOrigin: http://localhost:57130", "", "101"),
            ("Host: localhost:57130\r\nOrigin: https://localhost:57130", "", "403"),
            ("Host: localhost:57130\r\nOrigin: http://localhost:8080", "", "403"),
            ("Host: localhost:57130\r\nOrigin: http://localhost:57130.evil.example", "", "403"),
            ("Host: localhost:57130\r\nOrigin: null", "", "403"),
            ("Host: localhost:57130\r\nOrigin: null", "null", "403"),
            ("Host: localhost:57130\r\nOrigin: https://a.example", "https://a.example/", "101"),
            ("Host: localhost:57130\r\nOrigin: https://a.example:8443", "https://a.example", "403"),
            ("Host: evil.example:57130\r\nOrigin: http://evil.example:57130", "", "421"),
        ] {
            assert_eq!(status(&with(headers), &[allowed]), expected, "{headers}");
        }
        assert_eq!(status("GET / HTTP/1.1\r\nHost: localhost:57130", &[]), "426");
        assert_eq!(status("POST / HTTP/1.1\r\nHost: localhost:57130", &[]), "405");
        assert_eq!(status("GET nonsense", &[]), "400");
        assert_eq!(status("GET / HTTP/1.1\r\nHost: localhost:57130\r\nUpgrade: websocket", &[]), "400");
        assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: localhost:57130\r\nX: {}", "x".repeat(20_000)), &[]), "431");
        let own = "127.0.0.1:57130".parse().expect("an address");
        assert!(matches!(upgrade(b"GET / HT", own, &[], 1000), Upgrade::More));
    }
}
