//! `rackd listen`: prints the OSC messages that arrive, by any transport.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::args::Listen;
use super::exit::Exit;
use super::rates::Rates;
use super::shown;
use super::style::{self, Style};
use crate::osc::client::rows::keep;
use crate::osc::client::{Row, rows};
use crate::osc::ear::Ear;
use crate::osc::link::Place;
use crate::osc::typed::{hex, types};
use crate::wire::Pattern;
use crate::wire::decode::decode_within;
use crate::wire::limits::{Limits, PACKET};

/// Where to listen where nothing is said.
const UNSAID: &str = "127.0.0.1:57140";
/// Columns of a sender and of an address that are kept free for those that come.
const COLUMNS: (usize, usize) = (16, 24);

/// Prints what arrives until Ctrl-C, the given time or the given count. `[control]`
///
/// # Errors
/// [`Exit::CommandLine`] for a pattern that cannot be read, [`Exit::Machine`] where a port cannot be had.
pub fn run(args: &Listen) -> Result<(), Exit> {
    let filter = args.filter.as_deref().map(Pattern::new).transpose().map_err(|wrong| Exit::CommandLine(wrong.to_string()))?;
    let mut places: Vec<Place> = args.udp.iter().map(|at| Place::Udp(at.to_string())).collect();
    places.extend(args.tcp.iter().map(|at| Place::Tcp(at.to_string())));
    places.extend(args.ws.iter().map(|at| Place::WebSocket(at.to_string())));
    places.extend(args.unix.iter().cloned().map(Place::Unix));
    if places.is_empty() {
        places.push(Place::Udp(UNSAID.to_owned()));
    }
    args.unix.iter().for_each(|path| clear(path));
    let (to, heard) = channel();
    let mut open = Vec::new();
    for place in &places {
        let refused = |error| Exit::machine(format!("cannot listen at {place}"), error);
        let ear = Ear::open(place).map_err(refused)?;
        open.push(ear.place().to_string());
        let to = to.clone();
        thread::Builder::new().name("listen".to_owned()).spawn(move || pass_on(ear, &to)).map_err(refused)?;
    }
    style::complain(&format!("Listening for OSC at {}. Ctrl-C ends.\n", open.join(" ")));
    let done = show(args, filter, &heard);
    // The thread that holds a socket's file open ends with the program.
    args.unix.iter().for_each(|path| drop(std::fs::remove_file(path)));
    done
}

/// Something that came in.
#[derive(Clone, Debug, PartialEq)]
struct Heard {
    /// When, since 1970 [ns].
    at: i64,
    /// Whose, with its transport where that is not UDP.
    from: String,
    /// Whether it came by a datagram.
    datagram: bool,
    packet: Result<Vec<u8>, String>,
}

/// A socket's file that was left over from a program that is gone makes room.
fn clear(path: &Path) {
    #[cfg(unix)]
    if std::os::unix::net::UnixStream::connect(path).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
        // Where that is not allowed, opening it says so.
        let _ = std::fs::remove_file(path);
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Passes on what one door hears, until nobody listens any more.
fn pass_on(mut ear: Ear, to: &Sender<Heard>) {
    let datagram = matches!(ear.place(), Place::Udp(_));
    let way = match ear.place() {
        Place::Udp(_) | Place::Unix(_) => "",
        Place::Tcp(_) | Place::Slip(_) => "tcp://",
        Place::WebSocket(_) => "ws://",
    };
    loop {
        match ear.receive(Duration::from_secs(1)) {
            Ok(None) => {}
            Ok(Some(heard)) => {
                let heard = Heard { at: now(), from: format!("{way}{}", heard.from), datagram, packet: heard.packet };
                if to.send(heard).is_err() {
                    return;
                }
            }
            // Such as memory that the system lacks for a moment: nothing that ends us, nor is it worth a busy loop.
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn show(args: &Listen, filter: Option<Pattern>, heard: &Receiver<Heard>) -> Result<(), Exit> {
    let start = Instant::now();
    let end = args.length.map(|length| start + length);
    let mut sheet = Sheet { args, filter, style: Style(style::colours()), start: now(), left: args.count, columns: COLUMNS };
    let mut rates = args.rate.then(|| Rates::new(start));
    loop {
        let until = [end, rates.as_ref().map(Rates::due)].into_iter().flatten().min();
        let next = match until {
            Some(until) => heard.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if let Ok(next) = &next {
            match &mut rates {
                Some(rates) => sheet.count(next, rates),
                None => style::print(&sheet.lines(next)),
            }
        }
        let over = sheet.left == Some(0) || end.is_some_and(|end| Instant::now() >= end) || next == Err(RecvTimeoutError::Disconnected);
        if let Some(rates) = &mut rates
            && (over || Instant::now() >= rates.due())
        {
            // On a terminal the table stands still and its numbers change.
            let clear = if sheet.style.0 && !args.json { "\x1b[H\x1b[2J" } else { "" };
            let gap = if args.json || sheet.style.0 || over { "" } else { "\n" };
            style::print(&format!("{clear}{}{gap}", rates.tell(Instant::now(), args.json, sheet.style)));
        }
        if over {
            return Ok(());
        }
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// How what arrives is written down.
struct Sheet<'a> {
    args: &'a Listen,
    filter: Option<Pattern>,
    style: Style,
    /// Since 1970 [ns].
    start: i64,
    /// Messages that are still to come before the end.
    left: Option<u64>,
    /// Widest sender and widest address so far, so that what follows stands in line.
    columns: (usize, usize),
}

impl Sheet<'_> {
    /// The rows of what arrived that are wanted, or why there are none.
    fn rows(&mut self, heard: &Heard) -> Result<Vec<Row>, (&'static str, String)> {
        let bytes = heard.packet.as_ref().map_err(|why| ("stream", why.clone()))?;
        let limits = if heard.datagram { Limits::DATAGRAM } else { Limits::STREAM };
        let packet = decode_within(bytes, &limits).map_err(|refusal| (refusal.code(), refusal.to_string()))?;
        let all = rows(packet);
        let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let kept = match &self.filter {
            Some(filter) => keep(all, most, |message| filter.matches(&message.address)),
            None if all.iter().filter(|row| matches!(row, Row::Message(..))).count() > most => keep(all, most, |_| true),
            None => all,
        };
        if let Some(left) = &mut self.left {
            *left -= kept.iter().filter(|row| matches!(row, Row::Message(..))).count() as u64;
        }
        Ok(kept)
    }

    fn count(&mut self, heard: &Heard, rates: &mut Rates) {
        match self.rows(heard) {
            Ok(rows) => {
                for row in rows {
                    if let Row::Message(_, _, message) = row {
                        rates.count(&message.address);
                    }
                }
            }
            Err(_) => rates.count("(refused)"),
        }
    }

    /// What arrived, as lines.
    fn lines(&mut self, heard: &Heard) -> String {
        let rows = self.rows(heard);
        if self.args.json {
            return objects(heard, rows, self.args.raw);
        }
        self.columns.0 = self.columns.0.max(heard.from.chars().count());
        let head = format!("{:>10.4}  {:<from$}  ", (heard.at - self.start) as f64 / 1e9, heard.from, from = self.columns.0);
        let head = self.style.quiet(&head);
        let mut out = String::new();
        match rows {
            Ok(rows) => rows.into_iter().for_each(|row| {
                out.push_str(&head);
                out.push_str(&self.row(row, heard.at));
                out.push('\n');
            }),
            Err((_, why)) => {
                let bytes = heard.packet.as_deref().unwrap_or_default();
                let size = if heard.packet.is_ok() { format!("{} bytes: ", bytes.len().min(PACKET + 1)) } else { String::new() };
                out.push_str(&format!("{head}{} {size}{}\n", self.style.wrong("refused"), plain(&why)));
                if self.args.raw {
                    for line in bytes.chunks(32) {
                        out.push_str(&format!("{head}  {}\n", hex_line(line)));
                    }
                }
            }
        }
        out
    }

    fn row(&mut self, row: Row, at: i64) -> String {
        match row {
            Row::Bundle(depth, tag, empty) => {
                let empty = if empty { " (empty)" } else { "" };
                format!("{}{} {}{empty}", "  ".repeat(depth), self.style.heading("bundle"), shown::tag(tag, at))
            }
            Row::Message(depth, _, message) => {
                let indent = "  ".repeat(depth);
                let width = depth * 2 + message.address.chars().count();
                self.columns.1 = self.columns.1.max(width.min(48));
                let gap = " ".repeat(self.columns.1.saturating_sub(width));
                let tags = if self.args.types { self.style.quiet(&format!(",{:<6} ", types(&message.args))) } else { String::new() };
                let line = format!("{indent}{}{gap}  {tags}{}", shown::address(&message, self.style), shown::arguments(&message, at));
                line.trim_end().to_owned()
            }
        }
    }
}

/// Bytes in fours, as OSC counts.
fn hex_line(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
    let fours: Vec<String> = bytes.chunks(4).map(hex).collect();
    format!("{:<71}  {text}", fours.join(" "))
}

/// Nothing that arrives steers the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn objects(heard: &Heard, rows: Result<Vec<Row>, (&'static str, String)>, raw: bool) -> String {
    let mut out = String::new();
    match rows {
        Ok(rows) => {
            for row in rows {
                let object = match row {
                    Row::Message(depth, tag, message) => shown::object(&message, &heard.from, heard.at, tag.map(|tag| (tag, depth))),
                    Row::Bundle(depth, tag, true) => shown::empty_bundle(&heard.from, heard.at, tag, depth),
                    Row::Bundle(..) => continue,
                };
                out.push_str(&format!("{object}\n"));
            }
        }
        Err((code, why)) => {
            let bytes = heard.packet.as_deref().unwrap_or_default();
            let time = Duration::from_nanos(u64::try_from(heard.at).unwrap_or(0)).as_secs_f64();
            let mut object = json!({ "time": time, "from": heard.from, "refused": code, "why": why, "bytes": bytes.len() });
            if raw {
                object["hex"] = json!(hex(bytes));
            }
            out.push_str(&format!("{object}\n"));
        }
    }
    out
}
