//! `rackd learn`: move a controller, and it turns what was named.

use std::io::ErrorKind;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::parse;
use super::send::refused;
use super::style::{self, Style};
use crate::daemon::OSC_ADDRESS;
use crate::osc::client::{Answers, Row, rows};
use crate::osc::link::{Link, Place};
use crate::wire;
use crate::wire::decode::decode_within;
use crate::wire::limits::Limits;
use crate::wire::{Arg, Message};

/// How long the daemon may take to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// Keys of a map that have no value worth a word.
const BARE: [&str; 3] = ["pickup", "toggle", "idle"];

pub(super) const HELP: &str = "\
Examples:
  rackd learn /acid/filter/cutoff              then move a controller: done
  rackd learn acid.brightness acid.squelch     one after another
  rackd learn acid.brightness --save           and write it into the patch's file, whose comments stay
  rackd learn acid.brightness --save device    or into a profile: whenever this device is plugged in
  rackd learn acid.mute --kind note            what is learnt: cc nrpn bend pressure note midi osc
  rackd learn --list                           what turns what
  rackd learn --clear acid.brightness          of a target, a source (\"cc 74\"), or all

A turn of a knob is looked at whole: 7 or 14 bits, an encoder without a place and its way of counting.
Free OSC addresses (/1/fader1) are learnt the same way. Controllers that mean something (0 6 32 38 64
88 96-101 120-127) are refused. `rackd send /map/set \"cc 20\" acid.brightness min 200 max 2000` binds by
hand. Ends with 1 where the daemon refuses or nothing moves.";

/// `learn`.
#[derive(Debug, Args)]
pub struct Learn {
    /// What is to be turned: /acid/filter/cutoff, or acid.filter.cutoff; one after another
    pub targets: Vec<String>,
    /// Learn only this kind: cc, nrpn, bend, pressure, note, midi or osc; more than once for more
    #[arg(long, value_name = "KIND", value_parser = ["cc", "nrpn", "bend", "pressure", "note", "midi", "osc"])]
    pub kind: Vec<String>,
    /// Save afterwards: into the patch's own file, or into the profile of the device
    #[arg(long, value_name = "WHERE", num_args = 0..=1, default_missing_value = "patch", value_parser = ["patch", "device"])]
    pub save: Option<String>,
    /// List what turns what; with targets, theirs alone
    #[arg(long)]
    pub list: bool,
    /// Let what is bound to a target or a source act no more; "all" for everything
    #[arg(long, value_name = "WHAT")]
    pub clear: Option<String>,
    /// Where rackd listens, as for `rackd send`
    #[arg(long, value_name = "PLACE", default_value = OSC_ADDRESS, value_parser = parse::place)]
    pub to: Place,
    /// How long to wait for something to move
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse::duration)]
    pub wait: Duration,
    /// Print each step as a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Learns, lists, clears, saves, in the order in which that makes sense. `[control]`
///
/// # Errors
/// [`Exit::CommandLine`] where nothing is asked for, [`Exit::Refused`] where the daemon refuses or nothing moved, [`Exit::Machine`] where
/// none answers.
pub fn run(args: &Learn) -> Result<(), Exit> {
    let learns = !args.list && !args.targets.is_empty();
    if !learns && !args.list && args.clear.is_none() && args.save.is_none() {
        return Err(Exit::CommandLine("what is to be learnt for? Name a target, such as /acid/filter/cutoff, or use --list".to_owned()));
    }
    let link = Link::connect(&args.to, ANSWER).map_err(|error| refused(&args.to, error))?;
    let mut talk = Talk { args, link, style: Style(style::colours()), moved: Vec::new() };
    if let Some(what) = &args.clear {
        for answer in talk.ask("/map/clear", &[what])? {
            talk.tell(&answer);
        }
    }
    if learns {
        let done = args.targets.iter().try_for_each(|target| talk.learn(target));
        // However it went: nobody else's controller is to be bound by a command that has ended.
        let ended = talk.ask("/map/done", &[]);
        done.and(ended.map(drop))?;
    }
    if let Some(place) = &args.save {
        for answer in talk.ask("/map/save", &[place])? {
            talk.tell(&answer);
        }
    }
    if args.list {
        let targets: Vec<Option<&String>> = if args.targets.is_empty() { vec![None] } else { args.targets.iter().map(Some).collect() };
        for target in targets {
            let words: Vec<&str> = target.into_iter().map(String::as_str).collect();
            for answer in talk.ask("/map/list", &words)? {
                talk.tell(&answer);
            }
        }
    }
    Ok(())
}

/// The words of a message; numbers as they are written.
fn words(message: &Message) -> Vec<String> {
    let word = |arg: &Arg| match arg {
        Arg::Text(text) => text.clone(),
        Arg::Int(x) => x.to_string(),
        Arg::Long(x) => x.to_string(),
        Arg::Float(x) => x.to_string(),
        Arg::Double(x) => x.to_string(),
        Arg::Bool(x) => x.to_string(),
        other => format!("{other:?}"),
    };
    // Nothing that arrives steers the terminal.
    message.args.iter().map(word).map(|word| word.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()).collect()
}

/// Keys and values as they are read aloud: `min 200 Hz, pickup`.
fn said(pairs: &[String]) -> String {
    let each = pairs.chunks(2).filter(|pair| pair[0] != "by").map(|pair| match pair {
        [key, _] if BARE.contains(&key.as_str()) => key.clone(),
        [key, value] if key == "bits" => format!("{value} bits"),
        [key, value] if key == "also" => format!("also turns {value}"),
        [key, value] => format!("{key} {value}"),
        rest => rest.join(" "),
    });
    each.collect::<Vec<_>>().join(", ")
}

struct Talk<'a> {
    args: &'a Learn,
    link: Link,
    style: Style,
    /// What has come and was not looked at yet.
    moved: Vec<Message>,
}

impl Talk<'_> {
    fn send(&mut self, message: &Message) -> Result<(), Exit> {
        self.link.send(&wire::encode::encode_message(message)).map_err(|error| refused(&self.args.to, error))
    }

    /// The next messages that come, none where none comes in time.
    fn hear(&mut self, until: Instant) -> Result<Vec<Message>, Exit> {
        let packet = match self.link.receive(until.saturating_duration_since(Instant::now())) {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(Vec::new()),
            Err(error) => return Err(refused(&self.args.to, error)),
        };
        let message = |row| match row {
            Row::Message(_, _, message) => Some(message),
            Row::Bundle(..) => None,
        };
        let packet = decode_within(&packet, &Limits::STREAM);
        Ok(packet.map(|packet| rows(packet).into_iter().filter_map(message).collect()).unwrap_or_default())
    }

    /// Says something and gives all answers; what else comes meanwhile is kept.
    fn ask(&mut self, address: &str, words: &[&str]) -> Result<Vec<Message>, Exit> {
        let args = words.iter().map(|word| Arg::Text((*word).to_owned())).collect();
        let mut answers = Answers::default();
        self.send(&Message::new(address, args))?;
        self.link.send(&answers.sync()).map_err(|error| refused(&self.args.to, error))?;
        let end = Instant::now() + ANSWER;
        let mut all = Vec::new();
        while !answers.are_complete() {
            let heard = self.hear(end)?;
            if heard.is_empty() && Instant::now() >= end {
                return Err(Exit::Machine(format!(
                    "{} does not answer: is `rackd play` running? --to says where it listens",
                    self.args.to
                )));
            }
            for message in heard {
                if !answers.take(&message) {
                    continue;
                }
                if ["/map/learned", "/map/refused"].contains(&message.address.as_str()) {
                    self.moved.push(message);
                } else if message.address == "/fail" {
                    style::complain(&format!("rackd: {}\n", self::words(&message).last().cloned().unwrap_or_default()));
                    return Err(Exit::Refused);
                } else {
                    all.push(message);
                }
            }
        }
        Ok(all)
    }

    /// Learns for one target: waits until something has moved.
    fn learn(&mut self, target: &str) -> Result<(), Exit> {
        let kinds: Vec<&str> = self.args.kind.iter().map(String::as_str).collect();
        let answers = self.ask("/map/learn", &[&[target], kinds.as_slice()].concat())?;
        let address = answers.iter().find(|answer| answer.address == "/map/learning").and_then(|answer| words(answer).into_iter().next());
        let address = address.unwrap_or_else(|| target.to_owned());
        if self.args.json {
            self.print_json("learning", &address, &[]);
        } else {
            style::print(&format!("{}: move a controller…\n", self.style.name(&address)));
        }
        let end = Instant::now() + self.args.wait;
        loop {
            let mut heard = std::mem::take(&mut self.moved);
            heard.extend(self.hear(end)?);
            for message in &heard {
                match message.address.as_str() {
                    "/map/refused" => self.tell(message),
                    "/map/learned" => {
                        self.tell(message);
                        return Ok(());
                    }
                    "/map/done" => {
                        style::complain("rackd: somebody else learns now\n");
                        return Err(Exit::Refused);
                    }
                    _ => {}
                }
            }
            if Instant::now() >= end {
                style::complain(&format!("rackd: nothing moved in {} s\n", self.args.wait.as_secs_f64()));
                return Err(Exit::Refused);
            }
        }
    }

    /// Prints an answer that a person can read, or as JSON.
    fn tell(&self, message: &Message) {
        let words = words(message);
        let style = self.style;
        let [first, rest @ ..] = words.as_slice() else { return };
        if message.address == "/done" && first != "/map/clear" && first != "/map/save" {
            return;
        }
        if self.args.json {
            let event = if message.address == "/done" { first } else { &message.address };
            return self.print_json(event.trim_start_matches("/map/"), first, rest);
        }
        let more = |pairs: &[String]| match said(pairs) {
            text if text.is_empty() => String::new(),
            text => format!("  {}", style.quiet(&text)),
        };
        let line = match (message.address.as_str(), rest) {
            ("/map/learned", [source, pairs @ ..]) => format!("{} {} {source}{}", style.name(first), style.quiet("←"), more(pairs)),
            ("/map/refused", [why, ..]) => format!("{} {}", style.wrong(&format!("{first} is refused:")), why),
            ("/map/saved", [count, ..]) => format!("{count} saved in {first}"),
            ("/map/list", [target, pairs @ ..]) => {
                let by = pairs.chunks(2).find(|pair| pair[0] == "by").map_or("", |pair| &pair[1]);
                format!(
                    "{} {} {first:<16}{}  {}",
                    style.name(&format!("{target:<28}")),
                    style.quiet("←"),
                    more(pairs),
                    style.quiet(&format!("({by})"))
                )
            }
            ("/done", [count, ..]) if first == "/map/clear" => format!("{count} cleared"),
            ("/done", [count, ..]) if count == "0" => "nothing to save".to_owned(),
            _ => return,
        };
        style::print(&format!("{}\n", line.trim_end()));
    }

    /// One step as a JSON object.
    fn print_json(&self, event: &str, first: &str, rest: &[String]) {
        let mut object = Map::new();
        object.insert("event".into(), json!(event));
        let names: &[&str] = match event {
            "learning" => &["target"],
            "learned" => &["target", "source"],
            "refused" => &["source", "why"],
            "list" => &["source", "target"],
            "saved" => &["file", "count"],
            _ => &["verb", "count"],
        };
        let mut words = [first].into_iter().chain(rest.iter().map(String::as_str));
        for (name, word) in names.iter().zip(words.by_ref()) {
            object.insert((*name).into(), if *name == "count" { number(word) } else { json!(word) });
        }
        let rest: Vec<&str> = words.collect();
        for pair in rest.chunks(2) {
            let [key, value] = pair else { break };
            match (*key, object.get_mut("also")) {
                ("also", Some(Value::Array(all))) => all.push(json!(value)),
                ("also", _) => drop(object.insert("also".into(), json!([value]))),
                _ => drop(object.insert((*key).into(), number(value))),
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        object.insert("time".into(), json!(now.as_secs_f64()));
        style::print(&format!("{}\n", Value::Object(object)));
    }
}

/// A word as the number, the switch or the text that it is.
fn number(word: &str) -> Value {
    match word {
        "true" => json!(true),
        "false" => json!(false),
        _ => word.parse::<i64>().map(Value::from).or_else(|_| word.parse::<f64>().map(Value::from)).unwrap_or_else(|_| json!(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_aloud() {
        let pairs = |text: &str| text.split('|').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(said(&pairs("min|200 Hz|pickup|true|by|made")), "min 200 Hz, pickup");
        assert_eq!(said(&pairs("bits|14|also|/t/x")), "14 bits, also turns /t/x");
        assert_eq!(number("14"), json!(14));
        assert_eq!(number("200 Hz"), json!("200 Hz"));
    }
}
