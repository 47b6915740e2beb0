//! Sends the packets of the cases to a server and judges what becomes of its parameter.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rackd::wire::time::from_unix_nanos;
use rackd::wire::{Arg, Message, Packet, decode, encode};
use toml::{Table, Value};

/// Where the parameter stands before each case.
const BEFORE: f64 = 0.5;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a case came to.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Pass,
    Fail(String),
    Skip(String),
}

/// What must be known of a server.
pub struct Profile {
    set: String,
    ask: String,
    answer: String,
    lead: Vec<i32>,
    ping: String,
    pong: String,
    has: Vec<String>,
}

fn text(table: &Table, key: &str) -> Result<String, String> {
    table.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("`{key}` is missing"))
}

fn words(table: &Table, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn read(file: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    text.parse().map_err(|error| format!("{}: {error}", file.display()))
}

impl Profile {
    /// Reads a profile.
    pub fn read(file: &Path) -> Result<Self, String> {
        let table = read(file)?;
        let lead = table.get("lead").and_then(Value::as_array);
        Ok(Self {
            set: text(&table, "set")?,
            ask: text(&table, "ask")?,
            answer: text(&table, "answer")?,
            lead: lead.into_iter().flatten().filter_map(Value::as_integer).map(|number| number as i32).collect(),
            ping: text(&table, "ping")?,
            pong: text(&table, "pong")?,
            has: words(&table, "has"),
        })
    }

    fn message(&self, address: &str, last: Option<Arg>) -> Vec<u8> {
        let args = self.lead.iter().map(|number| Arg::Int(*number)).chain(last).collect();
        encode(&Packet::Message(Message::new(address, args)))
    }
}

fn padded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize((text.len() / 4 + 1) * 4, 0);
    bytes
}

fn number<T: std::str::FromStr>(word: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{word}` holds no number"))
}

/// Turns the readable form into bytes; README.md lists its words.
pub fn assemble(source: &str, profile: &Profile) -> Result<Vec<u8>, String> {
    let mut open: Vec<(usize, Vec<u8>)> = vec![(1, Vec::new())];
    for word in source.lines().flat_map(|line| line.split(" # ").next().unwrap_or_default().split_whitespace()) {
        let bytes = match word.split_once(':') {
            Some(("s", text)) => padded(&text.replace("$float", &profile.set)),
            Some(("raw", text)) => text.as_bytes().to_vec(),
            Some(("i", text)) => number::<i32>(word, text)?.to_be_bytes().to_vec(),
            Some(("f", text)) => number::<f32>(word, text)?.to_be_bytes().to_vec(),
            Some(("zeros", text)) => vec![0; number(word, text)?],
            Some(("now", text)) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
                let at = now.as_nanos() as i64 + (number::<f64>(word, text)? * 1e9) as i64;
                from_unix_nanos(at).to_be_bytes().to_vec()
            }
            Some(("set.f", text)) => profile.message(&profile.set, Some(Arg::Float(number(word, text)?))),
            Some(("set.i", text)) => profile.message(&profile.set, Some(Arg::Int(number(word, text)?))),
            Some(("set.d", text)) => profile.message(&profile.set, Some(Arg::Double(number(word, text)?))),
            Some(("set.h", text)) => profile.message(&profile.set, Some(Arg::Long(number(word, text)?))),
            None if word.ends_with('{') => {
                let times = word.trim_end_matches('{');
                open.push((if times.is_empty() { 1 } else { number(word, times)? }, Vec::new()));
                continue;
            }
            None if word == "}" => {
                let (times, inside) = open.pop().filter(|_| !open.is_empty()).ok_or("`}` without `{`")?;
                [&(inside.len() as i32).to_be_bytes()[..], &inside].concat().repeat(times)
            }
            None if word == "immediately" => vec![0, 0, 0, 0, 0, 0, 0, 1],
            None if word.len() == 2 => vec![u8::from_str_radix(word, 16).map_err(|_| format!("`{word}` is no byte"))?],
            _ => return Err(format!("unknown word `{word}`")),
        };
        open.last_mut().ok_or("`}` without `{`")?.1.extend(bytes);
    }
    if open.len() == 1 { Ok(open.remove(0).1) } else { Err("`{` without `}`".into()) }
}

/// A server that is talked to.
pub struct Target<'a> {
    socket: UdpSocket,
    profile: &'a Profile,
}

impl<'a> Target<'a> {
    /// Opens a port that talks to a server.
    pub fn new(at: SocketAddr, profile: &'a Profile) -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(at)?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        Ok(Self { socket, profile })
    }

    /// Waits for a message with an address; others go by.
    fn answer(&self, address: &str) -> Option<Message> {
        let (end, mut buffer) = (Instant::now() + PATIENCE, [0; 65_536]);
        while Instant::now() < end {
            if let Ok(length) = self.socket.recv(&mut buffer)
                && let Ok(Packet::Message(message)) = decode(&buffer[..length])
                && message.address == address
            {
                return Some(message);
            }
        }
        None
    }

    fn send(&self, bytes: &[u8]) -> Result<(), String> {
        self.socket.send(bytes).map(drop).map_err(|error| format!("cannot send: {error}"))
    }

    fn value(&self) -> Result<f64, String> {
        self.send(&self.profile.message(&self.profile.ask, None))?;
        let message = self.answer(&self.profile.answer).ok_or("asked for the value, it does not answer")?;
        match message.args.last() {
            Some(Arg::Float(value)) => Ok(f64::from(*value)),
            Some(Arg::Double(value)) => Ok(*value),
            Some(Arg::Int(value)) => Ok(f64::from(*value)),
            other => Err(format!("the value is {other:?}")),
        }
    }

    fn stands_at(&self, wanted: f64, when: &str) -> Result<(), String> {
        let value = self.value()?;
        if (value - wanted).abs() < 1e-5 { Ok(()) } else { Err(format!("{when} it stands at {value} instead of {wanted}")) }
    }

    fn run(&self, case: &Table) -> Result<(), String> {
        self.send(&self.profile.message(&self.profile.set, Some(Arg::Float(BEFORE as f32))))?;
        self.stands_at(BEFORE, "before")?;
        for packet in words(case, "packets") {
            self.send(&assemble(&packet, self.profile)?)?;
        }
        let wanted = case.get("value").and_then(Value::as_float).unwrap_or(BEFORE);
        if let Some(after) = case.get("after").and_then(Value::as_float) {
            self.stands_at(BEFORE, "before its time")?;
            sleep(Duration::from_secs_f64(after));
        }
        self.stands_at(wanted, "after")?;
        self.send(&encode(&Packet::Message(Message::new(&self.profile.ping, vec![Arg::Int(7)]))))?;
        let pong = self.answer(&self.profile.pong).ok_or("it does not answer any more")?;
        if pong.args == [Arg::Int(7)] { Ok(()) } else { Err(format!("asked with 7, it answers {:?}", pong.args)) }
    }
}

/// Runs every case of a folder: id and outcome of each, in order.
pub fn run(folder: &Path, at: SocketAddr, profile: &Profile) -> Result<Vec<(String, Outcome)>, String> {
    let target = Target::new(at, profile).map_err(|error| error.to_string())?;
    let listed = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut outcomes = Vec::new();
    for file in files {
        let table = read(&file)?;
        for case in table.get("case").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table) {
            let id = text(case, "id")?;
            text(case, "source").map_err(|error| format!("{id}: {error}"))?;
            for packet in words(case, "packets") {
                assemble(&packet, profile).map_err(|error| format!("{id}: {error}"))?;
            }
            let lacks: Vec<_> = words(case, "needs").into_iter().filter(|need| !profile.has.contains(need)).collect();
            let outcome = match lacks.is_empty() {
                true => target.run(case).map_or_else(Outcome::Fail, |()| Outcome::Pass),
                false => Outcome::Skip(format!("needs {}", lacks.join(", "))),
            };
            outcomes.push((id, outcome));
        }
    }
    Ok(outcomes)
}

/// Prints the table and its sums; gives how many failed.
pub fn report(outcomes: &[(String, Outcome)]) -> usize {
    let mut sums = [0; 3];
    for (id, outcome) in outcomes {
        let (which, word, why) = match outcome {
            Outcome::Pass => (0, "pass", ""),
            Outcome::Fail(why) => (1, "FAIL", why.as_str()),
            Outcome::Skip(why) => (2, "skip", why.as_str()),
        };
        sums[which] += 1;
        println!("{word}  {id:40} {why}");
    }
    println!("{} passed, {} failed, {} skipped", sums[0], sums[1], sums[2]);
    sums[1]
}
