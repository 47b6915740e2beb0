//! Ports that somebody has closed: the system tells of them when a datagram comes back, where it is asked to.

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};

/// Looked at together at most.
const TOGETHER: usize = 1024;

/// Asks the system to tell; where it does not, nobody is found to be gone before its lease ends.
pub(super) fn ask(socket: &UdpSocket) {
    let _ = match socket.local_addr() {
        Ok(SocketAddr::V6(_)) => setsockopt(socket, sockopt::Ipv6RecvErr, &true),
        _ => setsockopt(socket, sockopt::Ipv4RecvErr, &true),
    };
}

/// The ports from which a datagram has come back since this was last asked: nobody listens there.
pub(super) fn told(socket: &UdpSocket) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for _ in 0..TOGETHER {
        let mut byte = [0; 1];
        let mut slices = [IoSliceMut::new(&mut byte)];
        let mut space = nix::cmsg_space!([u8; 128]);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let Ok(message) = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags) else { break };
        let refused = message.cmsgs().is_ok_and(|mut all| {
            all.any(|one| match one {
                ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
                    error.ee_errno == Errno::ECONNREFUSED as u32
                }
                _ => false,
            })
        });
        found.extend(message.address.filter(|_| refused).and_then(super::udp::address));
    }
    found
}
