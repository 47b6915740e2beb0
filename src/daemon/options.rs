//! What a daemon is started with, and why it may not start.

use std::path::PathBuf;
use std::time::Duration;

use super::lines::AtEnd;
use crate::base::diagnostic::Diagnostic;
use crate::control::peers::Peer;
use crate::host;
use crate::midi::Wanted;
use crate::osc::Listen;
use crate::rt::cores::Cores;
use crate::stream::Place;

/// Where OSC is listened to, and where `send` sends, unless said otherwise: beside the ports of SuperCollider, never on them.
pub const OSC_ADDRESS: &str = "127.0.0.1:57130";

/// How diagnostics are drawn: the file's name, its text, what is to be told.
pub type Draw = fn(&str, &str, &[Diagnostic]) -> String;

/// What is wanted of the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Asked for; what is refused is said, and it plays without.
    #[default]
    Auto,
    /// It does not play without.
    Yes,
    /// Not asked for.
    No,
}

/// What a daemon is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The patch or rack; `None` for the built-in patch.
    pub file: Option<PathBuf>,
    /// Where the sound goes.
    pub host: host::Options,
    /// Output channels; `None`: as many as the rack goes to.
    pub channels: Option<u16>,
    /// Threads that work on the sound, at least 1.
    pub threads: usize,
    /// The audio threads go before all ordinary ones.
    pub realtime: Wish,
    /// No part of this process is ever put out to disk.
    pub lock_memory: Wish,
    /// The cores on which sound is worked out; `None`: any.
    pub affinity: Option<Cores>,
    /// No note is refused and no voice shed, however little time there is.
    pub keep_all: bool,
    /// Where to listen for OSC, and to whom.
    pub osc: Listen,
    /// How OSC clients are treated that say nothing of themselves.
    pub peer: Peer,
    /// Where streams of sound are listened for.
    pub streams: Vec<Place>,
    /// Which MIDI ports play.
    pub midi: Wanted,
    /// Which MIDI ports are sent to, besides our own.
    pub midi_out: Wanted,
    /// What comes in by MIDI goes out by MIDI.
    pub midi_thru: bool,
    /// Ends of notes go out by MIDI.
    pub note_ends: bool,
    /// The beat clock goes out by MIDI.
    pub clock_out: bool,
    /// The port whose MIDI clock the beat clock follows.
    pub clock_in: Option<String>,
    /// The beat clock follows Ableton Link; only a rackd that is built with it knows that.
    pub link: bool,
    /// A MIDI file to play.
    pub score: Option<PathBuf>,
    /// Where to keep what is heard.
    pub record: Option<PathBuf>,
    /// Where to keep what the engine does, so that it can be done again.
    pub log: Option<PathBuf>,
    /// The folder into which messages may record; `None`: those of the patch, or the current one.
    pub record_folder: Option<PathBuf>,
    /// When to end.
    pub length: Option<Duration>,
    /// The beat clock does not run at first.
    pub paused: bool,
    /// Commands come on standard input, and what happens at its end; `None`: it is not read.
    pub stdin: Option<AtEnd>,
    /// What happens is said as JSON.
    pub json: bool,
    /// A second process plays a phrase.
    pub demo: bool,
    /// How mistakes of the patch are shown.
    pub draw: Draw,
}

/// Why a daemon did not run, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The patch is wrong; drawn.
    #[error("{0}")]
    Patch(String),
    /// What was asked for cannot be.
    #[error("{0}")]
    Asked(String),
    /// The machine refused.
    #[error("{0}")]
    Machine(String),
}

impl Failure {
    /// What the machine refused, with the thing it was about. `[control]`
    pub fn machine(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::Machine(format!("{what}: {why}"))
    }
}
