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
        input: args.input_device.clone(),
        ..host::Options::default()
    };
    let options = Options {
        file: args.file.clone(),
        host,
        channels: args.channels,
        threads: args.threads,
        realtime: args.realtime,
        lock_memory: args.lock_memory,
        affinity: args.affinity.clone(),
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
        #[cfg(feature = "link")]
        link: args.link,
        #[cfg(not(feature = "link"))]
        link: false,
        score: args.score.clone(),
        record: args.record.clone(),
        log: args.log.clone(),
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::args::{Cli, Command, Play};
    use crate::daemon::{AtEnd, Wish};

    fn play(words: &str) -> Result<Play, String> {
        let line = ["rackd", "play"].into_iter().chain(words.split_whitespace());
        match Cli::try_parse_from(line).map_err(|error| error.to_string())?.command {
            Command::Play(play) => Ok(*play),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wished_of_devices_and_of_the_system_is_read() {
        let plain = play("").expect("nothing need be said");
        assert_eq!((plain.device, plain.input_device, plain.affinity), (None, None, None));
        assert_eq!((plain.realtime, plain.lock_memory), (Wish::Auto, Wish::Auto));
        let all = play("--device usb --input-device alsa:hw:CARD=Cam,DEV=0 --realtime yes --lock-memory no --affinity 2-3,0").expect("all");
        assert_eq!((all.device.as_deref(), all.input_device.as_deref()), (Some("usb"), Some("alsa:hw:CARD=Cam,DEV=0")));
        assert_eq!((all.realtime, all.lock_memory), (Wish::Yes, Wish::No));
        assert_eq!(all.affinity.map(|cores| cores.to_string()), Some("0,2-3".to_owned()));
    }

    #[test]
    fn standard_input_is_read_where_it_is_asked_for_and_a_file_is_no_word_of_its_end() {
        for (words, stdin) in [
            ("", None),
            ("--stdin", Some(AtEnd::End)),
            ("--stdin=end", Some(AtEnd::End)),
            ("--stdin=keep", Some(AtEnd::Keep)),
            ("--stdin bass.toml", Some(AtEnd::End)),
        ] {
            assert_eq!(play(words).map(|play| play.stdin), Ok(stdin), "{words}");
        }
    }

    #[test]
    fn what_cannot_be_wished_is_told_with_what_can() {
        for (words, told) in [
            ("--realtime often", "auto, yes or no"),
            ("--lock-memory 1", "auto, yes or no"),
            ("--affinity many", "such as 2 or 0,2 or 2-3"),
            ("--affinity 3-1", "such as 2 or 0,2 or 2-3"),
            ("--stdin=on", "end or keep"),
            ("--input-devices x", "--input-device"),
        ] {
            let refused = play(words).expect_err(words);
            assert!(refused.contains(told), "{words}: {refused}");
        }
    }
}
