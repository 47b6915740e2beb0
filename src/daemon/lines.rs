//! Commands on standard input, one a line.

use std::io::BufRead;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The lines of standard input, `None` after its end; read on a thread of their own, since a read cannot be called off.
/// `[control]`
///
/// # Errors
/// The system's, where it gives no thread.
pub fn read_stdin() -> std::io::Result<UnboundedReceiver<Option<String>>> {
    let (to, from) = unbounded_channel();
    std::thread::Builder::new().name("lines".into()).spawn(move || {
        for line in std::io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            if to.send(Some(String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
        }
        let _ = to.send(None);
    })?;
    Ok(from)
}
