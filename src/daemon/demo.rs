//! `play --demo`: a second process of this program plays a phrase, as any OSC client would.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::options::Failure;
use crate::patch::Patch;

/// Starts the second process. `[control]`
///
/// # Errors
/// The system's, where it starts none.
pub fn start(to: SocketAddr, slot: &str, patch: &Patch, talks: bool) -> Result<Child, Failure> {
    let refused = |why| Failure::machine("cannot start a second process for the demo", why);
    let mut command = Command::new(std::env::current_exe().map_err(refused)?);
    command.arg("perform").arg(to.to_string()).arg(slot).stdin(Stdio::null());
    if patch.note.is_none() {
        command.arg("--no-notes");
    }
    if let Some(control) = patch.controls.first() {
        command.arg("--sweep").arg(&control.name);
    }
    if !talks {
        command.stdout(Stdio::null());
    }
    command.spawn().map_err(refused)
}
