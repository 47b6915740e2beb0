//! `rackd status`: how a running rackd fares, and what became of everything that came in.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::args::Status;
use super::exit::Exit;
use super::send::refused;
use super::shown;
use super::style::{self, Style};
use crate::osc::client::ask;
use crate::wire::{Arg, Message};

/// Headings, in order, and the names that stand under each; what begins with one of these names and `/` stands there too.
const GROUPS: [(&str, &[&str]); 9] = [
    (
        "engine",
        &[
            "rate",
            "now",
            "load",
            "load-p50",
            "load-p99",
            "load-max",
            "callbacks",
            "xruns",
            "realtime",
            "memory-locked",
            "voices",
            "slots",
            "tempo",
            "limited",
            "not-finite",
        ],
    ),
    ("packets", &["packets", "understood", "malformed", "lost"]),
    ("messages", &["messages", "accepted", "refused", "late-dropped"]),
    ("events", &["events", "fed", "merged", "dropped", "waiting", "applied", "overflowed"]),
    ("lateness", &["late", "late-events"]),
    ("notes", &["notes-refused", "notes-replaced", "voices-shed", "leases-over"]),
    ("answers", &["unanswered", "unread", "untold", "unreported"]),
    ("recordings", &["unrecorded"]),
    ("connections", &["connections", "not-allowed", "receive-buffer"]),
];
/// What must add up: the whole, its parts.
const SUMS: [(&str, &[&str]); 3] = [
    ("packets", &["understood", "malformed"]),
    ("messages", &["accepted", "refused", "late-dropped"]),
    ("events", &["fed", "merged", "dropped", "waiting"]),
];
/// Other wholes whose parts are all the names below them, but for notices, which are counted beside: the name of the sum, the whole, what
/// is beside it.
const BELOW: [(&str, &str, &[&str]); 3] =
    [("packets-by-transport", "packets", &[]), ("malformed", "malformed", &[]), ("refused", "refused", &["refused/clipped"])];
/// What a name means, where it does not say so itself.
const MEANINGS: [(&str, &str); 31] = [
    ("rate", "frames a second"),
    ("now", "frames played"),
    ("load", "of the time that there is for a block"),
    ("load-p50", "half of all callbacks took no more"),
    ("load-p99", "99 of 100 took no more"),
    ("load-max", "none took more"),
    ("xruns", "the device ran dry or over"),
    ("realtime", "1: the system runs the audio thread before all others"),
    ("memory-locked", "1: no part of rackd can be put out to disk"),
    ("notes-refused", "there was no time for more voices"),
    ("notes-replaced", "so they took the place of a released one"),
    ("voices-shed", "there was no time for them"),
    ("limited", "frames in which the limiter worked"),
    ("not-finite", "outputs silenced because they were no numbers"),
    ("lost", "by the system, before rackd could read them"),
    ("leases-over", "let go because their lease was over"),
    ("merged", "a newer value of the same address stood in"),
    ("waiting", "ahead of their time, or for room"),
    ("applied", "in the engine"),
    ("refused/clipped", "the nearest value was taken: a notice, not in the sum"),
    ("refused/together", "because another message of the bundle was refused"),
    ("late", "bundles that came after their time"),
    ("late-dropped", "too late, and their client wants them left out"),
    ("unanswered", "replies kept back"),
    ("unrecorded", "frames lost because a disk was too slow"),
    ("input/underruns", "nothing had come from the capturing device"),
    ("input/missing", "frames of silence given for them"),
    ("input/surplus", "frames left out because too many had come"),
    ("unread", "not sent to who did not take what came before"),
    ("not-allowed", "datagrams from where none are allowed"),
    ("receive-buffer", "bytes that the system keeps while rackd is busy"),
];

/// Names and numbers, in the order in which they were told.
#[derive(Clone, Debug, Default, PartialEq)]
struct Report(Vec<(String, f64)>);

/// Whether one whole is the sum of its parts.
#[derive(Clone, Debug, PartialEq)]
struct Sum {
    name: &'static str,
    whole: &'static str,
    parts: Vec<(String, f64)>,
    off: f64,
}

/// Asks a running daemon and prints the answer. `[control]`
///
/// # Errors
/// [`Exit::Machine`] where none answers, [`Exit::Refused`] where it answers `/fail`.
pub fn run(args: &Status) -> Result<(), Exit> {
    let style = Style(style::colours());
    let mut before: Option<(Instant, Report)> = None;
    loop {
        let asked = Instant::now();
        let report = fetch(args)?;
        let text = if args.json {
            format!("{}\n", object(&report, &args.to.to_string()))
        } else {
            let since = before.as_ref().map(|(at, old)| (asked.saturating_duration_since(*at).as_secs_f64(), old));
            let clear = if args.watch.is_some() && style.0 { "\x1b[H\x1b[2J" } else { "" };
            format!("{clear}{}", table(&report, &args.to.to_string(), since, style))
        };
        style::print(&text);
        let Some(every) = args.watch else { return Ok(()) };
        std::thread::sleep(every.saturating_sub(asked.elapsed()));
        if !args.json && !style.0 {
            style::print("\n");
        }
        before = Some((asked, report));
    }
}

fn fetch(args: &Status) -> Result<Report, Exit> {
    let answer = ask(&args.to, &Message::new("/engine/status", vec![]), args.wait).map_err(|error| refused(&args.to, error))?;
    if answer.address == "/fail" {
        style::complain(&format!("{} {}\n", answer.address, shown::arguments(&answer, 0)));
        return Err(Exit::Refused);
    }
    Ok(Report::read(&answer.args))
}

impl Report {
    /// Out of names and numbers, one after another; what is no such pair is left out.
    fn read(args: &[Arg]) -> Self {
        let pairs = args.chunks_exact(2).filter_map(|pair| {
            let Arg::Text(name) = &pair[0] else { return None };
            let value = match pair[1] {
                Arg::Int(x) => x.into(),
                Arg::Long(x) => x as f64,
                Arg::Float(x) => x.into(),
                Arg::Double(x) => x,
                Arg::Bool(x) => f64::from(u8::from(x)),
                _ => return None,
            };
            Some((name.clone(), value))
        });
        let mut report = Self(pairs.collect());
        if let (None, Some(packets), Some(malformed)) = (report.get("understood"), report.get("packets"), report.get("malformed")) {
            report.0.push(("understood".to_owned(), packets - malformed));
        }
        report
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// Every whole that was told, with its parts.
    fn sums(&self) -> Vec<Sum> {
        let named = SUMS.iter().filter_map(|(whole, parts)| {
            let parts: Vec<_> = parts.iter().filter_map(|part| Some(((*part).to_owned(), self.get(part)?))).collect();
            (!parts.is_empty()).then_some((*whole, *whole, parts))
        });
        let below = BELOW.iter().map(|(name, whole, beside)| {
            let below = self
                .0
                .iter()
                .filter(|(name, _)| name.strip_prefix(whole).is_some_and(|rest| rest.starts_with('/')) && !beside.contains(&name.as_str()));
            (*name, *whole, below.cloned().collect())
        });
        let sum = |(name, whole, parts): (&'static str, &'static str, Vec<(String, f64)>)| {
            let off = self.get(whole)? - parts.iter().map(|(_, value)| value).sum::<f64>();
            Some(Sum { name, whole, parts, off })
        };
        named.chain(below).filter_map(sum).collect()
    }

    /// Headings with the names under each: the known ones first, then what others have added, by what stands before its `/`.
    fn groups(&self) -> Vec<(String, Vec<&(String, f64)>)> {
        let mut added: BTreeMap<&str, Vec<&(String, f64)>> = BTreeMap::new();
        let mut known: Vec<Vec<&(String, f64)>> = vec![Vec::new(); GROUPS.len()];
        for entry in &self.0 {
            let first = entry.0.split('/').next().unwrap_or_default();
            match GROUPS.iter().position(|(_, names)| names.contains(&entry.0.as_str()) || names.contains(&first)) {
                Some(group) => known[group].push(entry),
                None => {
                    let has_more = self.0.iter().any(|(name, _)| name.strip_prefix(first).is_some_and(|rest| rest.starts_with('/')));
                    added.entry(if has_more { first } else { "more" }).or_default().push(entry);
                }
            }
        }
        for ((_, names), entries) in GROUPS.iter().zip(&mut known) {
            // Causes stand below what they are the causes of, both in the order of the table.
            entries.sort_by_key(|(name, _)| names.iter().position(|known| *known == name.split('/').next().unwrap_or_default()));
        }
        let known = GROUPS.iter().map(|(title, _)| (*title).to_owned()).zip(known);
        known
            .chain(added.into_iter().map(|(title, entries)| (title.to_owned(), entries)))
            .filter(|(_, entries)| !entries.is_empty())
            .collect()
    }
}

/// A number as it is read: whole where it is, else with up to three places.
fn number(x: f64) -> String {
    if x.fract() == 0.0 { format!("{x:.0}") } else { format!("{x:.3}").trim_end_matches('0').to_owned() }
}

fn table(report: &Report, at: &str, since: Option<(f64, &Report)>, style: Style) -> String {
    let mut out = format!("{}\n", style.heading(&format!("rackd at {at}")));
    let sums = report.sums();
    for (title, entries) in report.groups() {
        out.push_str(&format!("\n{}\n", style.heading(&title)));
        for (name, value) in entries {
            // Of a name below another only what it adds is shown, a step further in.
            let (indent, short) = name.split_once('/').map_or((2, name.as_str()), |(_, rest)| (4, rest));
            let gap = " ".repeat(22usize.saturating_sub(indent + short.chars().count()));
            let shown = if name == "load" || name.starts_with("load-") { format!("{:.1} %", value * 100.0) } else { number(*value) };
            let change = since.map(|(seconds, old)| change(*value - old.get(name).unwrap_or(0.0), seconds));
            let change = change.map_or_else(String::new, |change| format!("  {change:<14}"));
            let meaning = MEANINGS.iter().find(|(known, _)| known == name).map_or("", |(_, meaning)| meaning);
            let line = format!("{}{}{gap} {shown:>14}{change}  {}", " ".repeat(indent), style.name(short), style.quiet(meaning));
            out.push_str(&format!("{}\n", line.trim_end()));
        }
        let here = |sum: &&Sum| GROUPS.iter().any(|(group, names)| *group == title && names.contains(&sum.whole));
        for sum in sums.iter().filter(here) {
            // Causes are only spoken of where they do not add up: they stand below one another anyway.
            let named = SUMS.iter().any(|(whole, _)| *whole == sum.name);
            let whole = number(report.get(sum.whole).unwrap_or(0.0));
            let parts: Vec<String> = sum.parts.iter().map(|(name, value)| format!("{} {name}", number(*value))).collect();
            if sum.off != 0.0 {
                let parts = if parts.is_empty() { "0".to_owned() } else { parts.join(" + ") };
                out.push_str(&style.wrong(&format!("  {whole} {} ≠ {parts}: {} too many", sum.whole, number(sum.off))));
                out.push('\n');
            } else if named {
                out.push_str(&style.quiet(&format!("  {whole} {} = {}", sum.whole, parts.join(" + "))));
                out.push('\n');
            }
        }
    }
    out
}

/// How much a number has changed, a second.
fn change(difference: f64, seconds: f64) -> String {
    if difference == 0.0 || seconds <= 0.0 { String::new() } else { format!("{:+.1} /s", difference / seconds) }
}

/// The report as one JSON object: `time` since 1970 \[s\], `from`, `status` with every name, `sums` with whether each adds up.
fn object(report: &Report, from: &str) -> Value {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let whole = |x: f64| if x.fract() == 0.0 && x.abs() < 9e15 { json!(x as i64) } else { json!(x) };
    let status: Map<String, Value> = report.0.iter().map(|(name, value)| (name.clone(), whole(*value))).collect();
    let sums: Map<String, Value> = report.sums().iter().map(|sum| (sum.name.to_owned(), json!(sum.off == 0.0))).collect();
    json!({ "time": time, "from": from, "status": status, "sums": sums })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(pairs: &[(&str, i32)]) -> Report {
        let args: Vec<Arg> = pairs.iter().flat_map(|(name, value)| [Arg::Text((*name).into()), Arg::Int(*value)]).collect();
        Report::read(&args)
    }

    const SOUND: [(&str, i32); 16] = [
        ("packets", 10),
        ("packets/udp", 7),
        ("packets/slip", 3),
        ("malformed", 3),
        ("messages", 20),
        ("accepted", 15),
        ("refused", 5),
        ("events", 9),
        ("fed", 9),
        ("merged", 0),
        ("tcp/open", 2),
        ("hats", 7),
        ("refused/clipped", 4),
        ("refused/pattern", 5),
        ("malformed/short", 2),
        ("malformed/empty", 1),
    ];

    #[test]
    fn sums_add_up_or_are_told() {
        let sound = report(&SOUND);
        let sums = sound.sums();
        let names: Vec<&str> = sums.iter().map(|sum| sum.name).collect();
        assert_eq!(names, ["packets", "messages", "events", "packets-by-transport", "malformed", "refused"]);
        assert!(sums.iter().all(|sum| sum.off == 0.0), "{sums:?}");
        let text = table(&sound, "here", None, Style(false));
        assert!(text.contains("  20 messages = 15 accepted + 5 refused\n"), "{text}");
        assert!(text.contains("  10 packets = 7 understood + 3 malformed\n") && !text.contains('≠'), "{text}");

        for (name, sum, told) in [
            ("packets/udp", "packets-by-transport", "10 packets ≠ 6 packets/udp + 3 packets/slip: 1 too many"),
            ("accepted", "messages", "20 messages ≠ 14 accepted + 5 refused: 1 too many"),
            ("malformed/short", "malformed", "3 malformed ≠ 1 malformed/short + 1 malformed/empty: 1 too many"),
            ("fed", "events", "9 events ≠ 8 fed + 0 merged: 1 too many"),
        ] {
            let mut wrong = sound.clone();
            let entry = wrong.0.iter_mut().find(|(known, _)| known == name).expect("the name");
            entry.1 -= 1.0;
            assert_eq!(wrong.sums().iter().filter(|sum| sum.off != 0.0).map(|sum| sum.name).collect::<Vec<_>>(), [sum]);
            let text = table(&wrong, "here", None, Style(false));
            assert!(text.contains(told), "{text}");
            assert_eq!(object(&wrong, "here")["sums"][sum], json!(false));
        }
    }

    #[test]
    fn every_name_stands_somewhere_and_once() {
        let report = report(&SOUND);
        let groups = report.groups();
        let mut names: Vec<&str> = groups.iter().flat_map(|(_, entries)| entries).map(|(name, _)| name.as_str()).collect();
        let titles: Vec<&str> = groups.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(titles, ["packets", "messages", "events", "more", "tcp"]);
        let packets: Vec<&str> = groups[0].1.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(packets, ["packets", "packets/udp", "packets/slip", "understood", "malformed", "malformed/short", "malformed/empty"]);
        let mut told: Vec<&str> = SOUND.iter().map(|(name, _)| *name).chain(["understood"]).collect();
        names.sort_unstable();
        told.sort_unstable();
        assert_eq!(names, told);
    }

    #[test]
    fn what_changed_is_shown_a_second() {
        let before = report(&[("packets", 10), ("malformed", 0)]);
        let after = report(&[("packets", 60), ("malformed", 0)]);
        let text = table(&after, "here", Some((2.0, &before)), Style(false));
        let line = text.lines().find(|line| line.trim_start().starts_with("packets ")).unwrap_or_default();
        assert!(line.contains("60") && line.contains("+25.0 /s"), "{text}");
    }
}
