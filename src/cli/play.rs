//! `rackd play`, and the second process of its demo.

use super::args::{Perform, Play};
use super::check::draw_for_terminal;
use super::exit::Exit;
use super::style;
use crate::control::peer_clock::PeerClock;
use crate::control::peers::Peer;
use crate::daemon::perform::{self, Phrase};
use crate::daemon::{self, Options};
use crate::host;
use crate::midi::Wanted;

/// Plays until told to stop. `[control]`
///
/// # Errors
/// What was wrong with the patch, the command line or the machine.
pub fn run(args: &Play) -> Result<(), Exit> {
    let wrong = |why: host::options::UnknownHost| Exit::CommandLine(why.to_string());
    let host = host::Options {
        host: args.host.parse().map_err(wrong)?,
        device: args.device.clone(),
        rate: args.rate,
        buffer: args.buffer,
        ..host::Options::default()
    };
    let options = Options {
        file: args.file.clone(),
        host,
        channels: args.channels,
        threads: args.threads,
        keep_all: args.keep_all,
        osc: args.osc.listen()?,
        peer: Peer { late: args.late, jitter: args.jitter.as_nanos() as i64, clock: PeerClock::new(args.clock), ..Peer::default() },
        streams: args.streams.clone(),
        midi: Wanted::from_names(&args.midi),
        midi_out: if args.midi_out.is_empty() { Wanted::Own } else { Wanted::from_names(&args.midi_out) },
        midi_thru: args.midi_thru,
        note_ends: args.note_ends,
        clock_out: args.clock_out,
        clock_in: args.clock_in.clone(),
        score: args.score.clone(),
        record: args.record.clone(),
        record_folder: args.record_folder.clone(),
        length: args.length,
        paused: args.paused,
        stdin: args.stdin,
        json: args.json,
        demo: args.demo,
        draw: draw_for_terminal,
    };
    Ok(daemon::run(&options)?)
}

/// Plays the phrase. `[control]`
///
/// # Errors
/// [`Exit::Machine`] where nobody listens.
pub fn perform(args: &Perform) -> Result<(), Exit> {
    let phrase = Phrase { to: args.to, slot: args.slot.clone(), notes: !args.no_notes, sweep: args.sweep.clone() };
    let say = |line: &str| style::print(&format!("    → {line}\n"));
    perform::perform(&phrase, say).map_err(|trouble| Exit::Machine(trouble.to_string()))
}
