//! `rackd send`: OSC messages, and what comes back.

use std::io::{self, BufRead as _, ErrorKind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::CommandFactory as _;

use super::args::{Cli, Send};
use super::exit::Exit;
use super::shown;
use super::style::{self, Style};
use crate::osc::client::{Answers, Row, rows};
use crate::osc::link::{Link, Place};
use crate::osc::moment;
use crate::osc::text::words;
use crate::osc::typed::{self, Word};
use crate::wire;
use crate::wire::decode::decode_within;
use crate::wire::limits::{Limits, PACKET, STREAM_PACKET};

/// How late the system may wake up who waits for a packet.
const COARSE: Duration = Duration::from_millis(6);

/// Sends the messages and prints the replies. `[control]`
///
/// # Errors
/// [`Exit::Refused`] where the daemon answers `/fail`, [`Exit::CommandLine`] where the words are no messages, [`Exit::Machine`] where
/// nobody listens there.
pub fn run(args: &Send) -> Result<(), Exit> {
    let lines = args.address == "-";
    let words: Vec<Word> = [&args.address].into_iter().chain(&args.arguments).map(|word| (word.clone(), false)).collect();
    if lines {
        if !args.arguments.is_empty() || args.repeat > 1 {
            return Err(Exit::CommandLine(
                "with `-` the messages come from standard input: no arguments and no --repeat beside it".to_owned(),
            ));
        }
    } else {
        let options = options();
        if let Some(option) = args.arguments.iter().find(|word| options.iter().any(|option| word.split('=').next() == Some(option))) {
            return Err(Exit::CommandLine(format!(
                "{option} stands behind the address, where all is message: put options before the address, or write s:{option} for a text"
            )));
        }
        typed::messages(&words, now()).map_err(|wrong| Exit::CommandLine(wrong.to_string()))?;
    }
    let link = Link::connect(&args.to, args.wait.max(Duration::from_secs(1))).map_err(|error| refused(&args.to, error))?;
    let mut talk = Talk { args, link, answers: Answers::default(), style: Style(style::colours()), wrong: false };
    if lines {
        let lines = read_lines().map_err(|error| Exit::machine("cannot read standard input", error))?;
        talk.lines(&lines)?;
    } else {
        let start = Instant::now();
        for turn in 0..args.repeat {
            talk.listen(start + due(args.every, turn))?;
            talk.say(&words)?;
        }
    }
    talk.wait()?;
    if talk.wrong {
        Err(Exit::CommandLine("some lines were no messages; the others were sent".to_owned()))
    } else if talk.answers.are_sound() {
        Ok(())
    } else {
        Err(Exit::Refused)
    }
}

/// How long after the first the turn of this number is.
fn due(every: Option<Duration>, turn: u64) -> Duration {
    every.map_or(Duration::ZERO, |every| every.mul_f64(turn as f64))
}

/// Every option of `send`, as it is typed.
fn options() -> Vec<String> {
    let command = Cli::command();
    let send = command.get_subcommands().find(|command| command.get_name() == "send");
    send.into_iter().flat_map(|send| send.get_arguments()).filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect()
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Why there is no connection, in words.
pub(super) fn refused(to: &Place, error: io::Error) -> Exit {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::NotFound => {
            Exit::Machine(format!("nobody listens at {to}: is `rackd play` running? --to says where it listens"))
        }
        ErrorKind::UnexpectedEof => Exit::Machine(format!("{to} closed the connection")),
        ErrorKind::TimedOut => Exit::Machine(format!("{to} does not answer")),
        _ => Exit::machine(format!("cannot reach {to}"), error),
    }
}

/// Lines come from a thread of their own, so that replies are printed while somebody types.
fn read_lines() -> io::Result<Receiver<io::Result<String>>> {
    let (to, lines) = channel();
    let read = move || {
        for line in io::stdin().lock().lines() {
            let ends = line.is_err();
            if to.send(line).is_err() || ends {
                return;
            }
        }
    };
    thread::Builder::new().name("lines".to_owned()).spawn(read)?;
    Ok(lines)
}

/// What is being said, and what has come back.
struct Talk<'a> {
    args: &'a Send,
    link: Link,
    answers: Answers,
    style: Style,
    /// A line was no message.
    wrong: bool,
}

impl Talk<'_> {
    /// Sends the messages that some words say, as one packet.
    fn say(&mut self, words: &[Word]) -> Result<(), Exit> {
        let now = now();
        let messages = typed::messages(words, now).map_err(|wrong| Exit::CommandLine(wrong.to_string()))?;
        let tag = match (&self.args.at, self.args.ahead) {
            (Some(at), _) => Some(moment::tag(at, now).map_err(Exit::CommandLine)?),
            (None, Some(ahead)) => {
                let ahead = i64::try_from(ahead.as_nanos()).unwrap_or(i64::MAX);
                Some(wire::time::from_unix_nanos(now.saturating_add(ahead)))
            }
            (None, None) => None,
        };
        messages.iter().for_each(|message| self.answers.expect(message));
        let packet = wire::encode(&typed::packet(messages, tag));
        let most = if matches!(self.args.to, Place::Udp(_)) { PACKET } else { STREAM_PACKET };
        if packet.len() > most {
            return Err(Exit::CommandLine(format!("the packet has {} bytes; {} takes {most} at most", packet.len(), self.args.to)));
        }
        self.link.send(&packet).map_err(|error| refused(&self.args.to, error))
    }

    /// Prints the next packet that comes back; false when none has come by a time.
    fn hear(&mut self, until: Instant) -> Result<bool, Exit> {
        let left = until.saturating_duration_since(Instant::now());
        match self.link.receive(left) {
            Ok(Some(packet)) => self.print(&packet),
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::InvalidData => style::complain(&format!("rackd: an answer is no OSC: {error}\n")),
            Err(error) => return Err(refused(&self.args.to, error)),
        }
        Ok(true)
    }

    /// Prints what comes back until it is time for the next turn. The system wakes up a few milliseconds late: the rest is slept.
    fn listen(&mut self, until: Instant) -> Result<(), Exit> {
        while let Some(early) = until.checked_sub(COARSE).filter(|early| *early > Instant::now()) {
            self.hear(early)?;
        }
        thread::sleep(until.saturating_duration_since(Instant::now()));
        Ok(())
    }

    fn lines(&mut self, lines: &Receiver<io::Result<String>>) -> Result<(), Exit> {
        let (mut number, mut unheard) = (0, 0);
        loop {
            let line = match lines.recv_timeout(Duration::from_millis(5)) {
                Ok(line) => line.map_err(|error| Exit::machine("cannot read standard input", error))?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    self.hear(Instant::now())?;
                    continue;
                }
            };
            number += 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let said = words(line).map_err(|wrong| Exit::CommandLine(wrong.to_string())).and_then(|words| self.say(&words));
            match said {
                Err(Exit::CommandLine(wrong)) => {
                    style::complain(&format!("rackd: line {number}: {wrong}\n"));
                    self.wrong = true;
                }
                other => other?,
            }
            // However fast lines come, what is answered is read now and then.
            unheard += 1;
            if unheard == 64 {
                unheard = 0;
                while self.hear(Instant::now())? {}
            }
        }
    }

    /// Waits for all answers, as long as was asked for.
    fn wait(&mut self) -> Result<(), Exit> {
        if self.args.wait.is_zero() {
            return Ok(());
        }
        self.link.send(&self.answers.sync()).map_err(|error| refused(&self.args.to, error))?;
        let end = Instant::now() + self.args.wait;
        while !self.answers.are_complete() && self.hear(end)? {}
        Ok(())
    }

    fn print(&mut self, packet: &[u8]) {
        let now = now();
        let packet = match decode_within(packet, &Limits::STREAM) {
            Ok(packet) => packet,
            Err(refusal) => return style::complain(&format!("rackd: an answer of {} bytes is no OSC: {refusal}\n", packet.len())),
        };
        for row in rows(packet) {
            let Row::Message(depth, tag, message) = row else { continue };
            if !self.answers.take(&message) {
                continue;
            }
            let line = if self.args.json {
                shown::object(&message, &self.args.to.to_string(), now, tag.map(|tag| (tag, depth))).to_string()
            } else {
                format!("{} {}", shown::address(&message, self.style), shown::arguments(&message, now))
            };
            style::print(&format!("{}\n", line.trim_end()));
        }
    }
}
