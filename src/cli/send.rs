//! `rackd send`: one OSC message, and what comes back.

use std::io::ErrorKind;

use super::args::Send;
use super::exit::Exit;
use super::style;
use crate::osc::client;

/// Sends the message and prints the replies. `[control]`
///
/// # Errors
/// [`Exit::Refused`] where the daemon answers `/fail`, [`Exit::Machine`] where nobody listens there.
pub fn run(args: &Send) -> Result<(), Exit> {
    let message = client::message(&args.address, &args.arguments);
    let sound = client::send(args.to, &message, args.wait, |line| style::print(&format!("{line}\n"))).map_err(|error| {
        if error.kind() == ErrorKind::ConnectionRefused {
            Exit::Machine(format!("nobody listens at {}: is `rackd play` running? --to says where it listens", args.to))
        } else {
            Exit::machine(format!("cannot reach {}", args.to), error)
        }
    })?;
    if sound { Ok(()) } else { Err(Exit::Refused) }
}
