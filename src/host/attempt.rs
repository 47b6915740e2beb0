//! One try at opening a device.

use std::any::Any;
use std::sync::Arc;

use super::event::Running;
use super::inlet::CaptureEnd;
use super::options::{HostName, Options};
use super::stream::StreamEnd;

/// What is to be opened.
#[derive(Clone)]
pub struct Attempt {
    /// What was asked for.
    pub options: Arc<Options>,
    /// The way to try.
    pub host: HostName,
    /// How often the buffer is to be doubled, because the device could not keep up.
    pub doublings: u32,
    pub(super) ends: Ends,
}

/// What the stream is built around.
#[derive(Clone)]
pub(super) enum Ends {
    /// It plays.
    Output(StreamEnd),
    /// It captures.
    Input(CaptureEnd),
}

impl Attempt {
    /// The ends of an output stream; `None`: it is an input that is wanted. `[control]`
    pub fn output(&self) -> Option<&StreamEnd> {
        match &self.ends {
            Ends::Output(end) => Some(end),
            Ends::Input(..) => None,
        }
    }

    /// The ends of a capturing stream; `None`: it is an output that is wanted. `[control]`
    pub fn input(&self) -> Option<&CaptureEnd> {
        match &self.ends {
            Ends::Input(end) => Some(end),
            Ends::Output(..) => None,
        }
    }
}

/// A stream that plays or captures until it is dropped, which may block.
pub struct Opened {
    /// What it is.
    pub running: Running,
    /// It.
    pub stream: Box<dyn Any + Send>,
}

/// Opens devices; called on a thread of its own for each try, and may block there. The error is a sentence.
pub type Opener = Arc<dyn Fn(&Attempt) -> Result<Opened, String> + Send + Sync>;
