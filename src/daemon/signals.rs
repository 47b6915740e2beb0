//! What the system and the terminal ask for.

use std::io::{IsTerminal, stdin, stdout};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Fade out and end.
    End,
    /// Read the patch again.
    Reload,
}

/// Waits for signals.
#[cfg(unix)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    /// Held, so that a file that may grow no further is an error of the write and not the end of everything.
    _too_large: tokio::signal::unix::Signal,
}

/// SIGXFSZ, as Linux and macOS count it on all that rackd runs on.
#[cfg(unix)]
const TOO_LARGE: i32 = 25;

#[cfg(unix)]
impl Signals {
    /// From now on SIGINT, SIGTERM and SIGHUP come here. `[control]`
    ///
    /// # Errors
    /// The system's, where it gives no signals.
    pub fn take() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            _too_large: signal(SignalKind::from_raw(TOO_LARGE))?,
        })
    }

    /// The next. SIGHUP means that the terminal has gone where there was one, else the patch is to be read again. Loses nothing
    /// when dropped. `[control]`
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::End,
            _ = self.terminate.recv() => Asked::End,
            _ = self.hang_up.recv() => if has_terminal() { Asked::End } else { Asked::Reload },
        }
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// From now on Ctrl-C comes here. `[control]`
    ///
    /// # Errors
    /// None here.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// The next. `[control]`
    pub async fn next(&mut self) -> Asked {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Asked::End
    }
}

/// Whether somebody sits there who can press Ctrl-C. `[control]`
pub fn has_terminal() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}
