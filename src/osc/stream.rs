//! OSC by connections: who listens for them, and the one thread that serves all.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::runtime;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::connection::serve;
use super::crowd::Crowd;

/// Connections that the system keeps until they are let in.
const BACKLOG: i32 = 128;
/// How long nobody is let in after that failed, at first and at most: all files of a process may be open.
const PAUSE: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];
/// A connection that is silent for so long is asked whether it still stands.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A socket of our own that listens at an address.
pub(super) fn open(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections that have just ended keep nobody out; elsewhere than on Unix this would let two listen at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// All that listens.
pub(super) struct Listeners {
    pub tcp: Vec<TcpListener>,
    #[cfg(unix)]
    pub unix: Option<UnixListener>,
}

/// Serves who comes, on a thread of its own, until told to stop.
pub(super) fn start(listeners: Listeners, crowd: &Arc<Crowd>, stop: &Arc<Notify>) -> io::Result<JoinHandle<()>> {
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let (crowd, stop) = (Arc::clone(crowd), Arc::clone(stop));
    let tcp = {
        let _within = runtime.enter();
        listeners.tcp.into_iter().map(tokio::net::TcpListener::from_std).collect::<io::Result<Vec<_>>>()?
    };
    #[cfg(unix)]
    let unix = {
        let _within = runtime.enter();
        listeners.unix.map(tokio::net::UnixListener::from_std).transpose()?
    };
    thread::Builder::new().name("osc streams".into()).stack_size(8 << 20).spawn(move || {
        runtime.block_on(async {
            for listener in tcp {
                tokio::spawn(accept_tcp(listener, Arc::clone(&crowd)));
            }
            #[cfg(unix)]
            if let Some(listener) = unix {
                tokio::spawn(accept_unix(listener, Arc::clone(&crowd)));
            }
            stop.notified().await;
        });
        // Whoever is still served lets go of what it holds.
        drop(runtime);
    })
}

async fn accept_tcp(listener: tokio::net::TcpListener, crowd: Arc<Crowd>) {
    let [first, most] = PAUSE;
    let mut pause = first;
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                pause = first;
                let Ok(own) = stream.local_addr() else { continue };
                if let Some(member) = crowd.admit(Some(from.ip())) {
                    // Without either it works too.
                    let _ = stream.set_nodelay(true);
                    let keep = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 6);
                    let _ = SockRef::from(&stream).set_tcp_keepalive(&keep);
                    tokio::spawn(serve(stream, Some(own), Arc::clone(&crowd), member));
                }
            }
            Err(_) => {
                sleep(pause).await;
                pause = (pause * 2).min(most);
            }
        }
    }
}

#[cfg(unix)]
async fn accept_unix(listener: tokio::net::UnixListener, crowd: Arc<Crowd>) {
    let [first, most] = PAUSE;
    let mut pause = first;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                pause = first;
                if let Some(member) = crowd.admit(None) {
                    tokio::spawn(serve(stream, None, Arc::clone(&crowd), member));
                }
            }
            Err(_) => {
                sleep(pause).await;
                pause = (pause * 2).min(most);
            }
        }
    }
}
