//! `rackd listen`: prints the OSC messages that arrive.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::args::Listen;
use super::exit::Exit;
use super::style;
use crate::osc::client;

/// Prints a line for each message, with who sent it, until Ctrl-C or the given time. `[control]`
///
/// # Errors
/// [`Exit::Machine`] where the port cannot be had.
pub fn run(args: &Listen) -> Result<(), Exit> {
    let socket = UdpSocket::bind(args.at).map_err(|error| Exit::machine(format!("cannot listen at {}", args.at), error))?;
    let at = socket.local_addr().unwrap_or(args.at);
    style::complain(&format!("Listening for OSC at {at} (UDP). Ctrl-C ends.\n"));
    let end = args.length.map(|length| Instant::now() + length);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        let refused = |error| Exit::machine("cannot receive", error);
        socket.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1)))).map_err(refused)?;
        let told = client::listen(&socket, |from, line| {
            style::print(&format!("{from}  {line}\n"));
            end.is_none_or(|end| Instant::now() < end)
        });
        match told {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Err(refused(error)),
            _ => {}
        }
    }
}
