//! How rackd ends when it does not end well.

use crate::daemon::Failure;

/// Why a subcommand stopped, and with that the exit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exit {
    /// A patch is wrong: 1. What is wrong has been printed.
    #[error("")]
    Patch,
    /// What was asked for was refused by the daemon: 1. Its answer has been printed.
    #[error("")]
    Refused,
    /// The command line is wrong: 2.
    #[error("{0}")]
    CommandLine(String),
    /// The machine refused: 3.
    #[error("{0}")]
    Machine(String),
}

impl Exit {
    /// The exit code. `[control]`
    pub const fn code(&self) -> u8 {
        match self {
            Self::Patch | Self::Refused => 1,
            Self::CommandLine(_) => 2,
            Self::Machine(_) => 3,
        }
    }

    /// What the machine refused, with the thing it was about. `[control]`
    pub fn machine(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::Machine(format!("{what}: {why}"))
    }
}

impl From<Failure> for Exit {
    /// What was wrong in a patch is printed as it was drawn.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Patch(drawn) => {
                super::style::complain(&drawn);
                Self::Patch
            }
            Failure::Asked(text) => Self::CommandLine(text),
            Failure::Machine(text) => Self::Machine(text),
        }
    }
}
