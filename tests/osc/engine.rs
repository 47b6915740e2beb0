//! Sends the packets of the cases to a server and judges what becomes of its parameter, and what it answers.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
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
/// How long what acts at once may take.
const SOON: Duration = Duration::from_millis(200);
/// Between two pieces of a stream, so that they arrive as two.
const PAUSE: Duration = Duration::from_millis(5);
/// SLIP: the end of a packet, and what stands for it within one.
const END: u8 = 0xc0;
const ESC: u8 = 0xdb;

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
    fail: Option<String>,
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
            fail: text(&table, "fail").ok(),
            has: words(&table, "has"),
        })
    }

    /// Puts the profile's addresses where a text names them; `$part(1,3)` are characters 1 and 2 of the parameter's own name.
    fn fill(&self, text: &str) -> Result<String, String> {
        let (parent, name) = self.set.rsplit_once('/').unwrap_or(("", &self.set));
        let filled = text.replace("$float", &self.set).replace("$parent", parent).replace("$ping", &self.ping).replace("$pong", &self.pong);
        let mut pieces = filled.split("$part(");
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (range, rest) = piece.split_once(')').ok_or("`$part(` without `)`")?;
            let (from, to) = range.split_once(',').ok_or("`$part(from,to)` is wanted")?;
            let to = if to.is_empty() { name.len() } else { number(range, to)? };
            out += name.get(number(range, from)?..to.min(name.len())).ok_or("the parameter's name is too short")?;
            out += rest;
        }
        Ok(out)
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

/// What is put round bytes in braces.
enum Around {
    /// Their number before them, and all that so many times.
    Size(usize),
    /// SLIP: ENDs, and escapes within.
    Ends,
    /// SLIP's escapes alone.
    Escapes,
}

/// Since 1970.
fn now_nanos() -> Result<i64, String> {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|now| now.as_nanos() as i64).map_err(|error| error.to_string())
}

fn escaped(bytes: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match *byte {
        END => vec![ESC, 0xdc],
        ESC => vec![ESC, 0xdd],
        byte => vec![byte],
    };
    bytes.iter().flat_map(escape).collect()
}

fn slip(bytes: &[u8]) -> Vec<u8> {
    [&[END], &escaped(bytes)[..], &[END]].concat()
}

/// Turns the readable form into bytes; README.md lists its words.
pub fn assemble(source: &str, profile: &Profile) -> Result<Vec<u8>, String> {
    let mut open: Vec<(Around, Vec<u8>)> = vec![(Around::Size(1), Vec::new())];
    for word in source.lines().flat_map(|line| line.split(" # ").next().unwrap_or_default().split_whitespace()) {
        let bytes = match word.split_once(':') {
            Some(("s", text)) => padded(&profile.fill(text)?),
            Some(("raw", text)) => text.as_bytes().to_vec(),
            Some(("i", text)) => number::<i32>(word, text)?.to_be_bytes().to_vec(),
            Some(("f", text)) => number::<f32>(word, text)?.to_be_bytes().to_vec(),
            Some(("zeros", text)) => vec![0; number(word, text)?],
            Some(("now", text)) => {
                let at = now_nanos()? + (number::<f64>(word, text)? * 1e9) as i64;
                from_unix_nanos(at).to_be_bytes().to_vec()
            }
            Some(("unix", text)) => {
                (now_nanos()? / 1_000_000_000 + number::<i64>(word, text)?).to_be_bytes()[4..].iter().copied().chain([0; 4]).collect()
            }
            Some(("millis", text)) => (now_nanos()? / 1_000_000 + number::<i64>(word, text)?).to_be_bytes().to_vec(),
            Some(("set.f", text)) => profile.message(&profile.set, Some(Arg::Float(number(word, text)?))),
            Some(("set.i", text)) => profile.message(&profile.set, Some(Arg::Int(number(word, text)?))),
            Some(("set.d", text)) => profile.message(&profile.set, Some(Arg::Double(number(word, text)?))),
            Some(("set.h", text)) => profile.message(&profile.set, Some(Arg::Long(number(word, text)?))),
            Some(("ping", text)) => encode(&Packet::Message(Message::new(&profile.ping, vec![Arg::Int(number(word, text)?)]))),
            None if word.ends_with('{') => {
                let around = match word.trim_end_matches('{') {
                    "" => Around::Size(1),
                    "slip" => Around::Ends,
                    "escaped" => Around::Escapes,
                    times => Around::Size(number(word, times)?),
                };
                open.push((around, Vec::new()));
                continue;
            }
            None if word == "}" => {
                let (around, inside) = open.pop().filter(|_| !open.is_empty()).ok_or("`}` without `{`")?;
                match around {
                    Around::Size(times) => [&(inside.len() as i32).to_be_bytes()[..], &inside].concat().repeat(times),
                    Around::Ends => slip(&inside),
                    Around::Escapes => escaped(&inside),
                }
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
    at: SocketAddr,
    streams: SocketAddr,
    socket: UdpSocket,
    profile: &'a Profile,
    /// All that came since the case began.
    heard: RefCell<Vec<Message>>,
}

fn talk(at: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(if at.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(at)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    Ok(socket)
}

impl<'a> Target<'a> {
    /// Opens a port that talks to a server; `streams` is where it takes TCP.
    pub fn new(at: SocketAddr, streams: SocketAddr, profile: &'a Profile) -> std::io::Result<Self> {
        Ok(Self { at, streams, socket: talk(at)?, profile, heard: RefCell::default() })
    }

    /// Waits for a message with an address; others are noted.
    fn answer(&self, socket: &UdpSocket, address: &str) -> Option<Message> {
        let (end, mut buffer) = (Instant::now() + PATIENCE, vec![0; 65_536]);
        while Instant::now() < end {
            if let Ok(length) = socket.recv(&mut buffer)
                && let Ok(Packet::Message(message)) = decode(&buffer[..length])
            {
                if message.address == address {
                    return Some(message);
                }
                self.heard.borrow_mut().push(message);
            }
        }
        None
    }

    fn send(&self, bytes: &[u8]) -> Result<(), String> {
        self.socket.send(bytes).map(drop).map_err(|error| format!("cannot send: {error}"))
    }

    fn value(&self) -> Result<f64, String> {
        self.send(&self.profile.message(&self.profile.ask, None))?;
        let message = self.answer(&self.socket, &self.profile.answer).ok_or("asked for the value, it does not answer")?;
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

    /// Asks with a number and takes only the answer with the same.
    fn pings(&self, socket: &UdpSocket, with: i32) -> Result<(), String> {
        let ping = encode(&Packet::Message(Message::new(&self.profile.ping, vec![Arg::Int(with)])));
        socket.send(&ping).map_err(|error| format!("cannot send: {error}"))?;
        let pong = self.answer(socket, &self.profile.pong).ok_or("it does not answer any more")?;
        if pong.args == [Arg::Int(with)] { Ok(()) } else { Err(format!("asked with {with}, it answers {:?}", pong.args)) }
    }

    /// Sends the pieces of a stream. Where the case says how it is framed, the ping must be answered on the same stream so.
    fn stream(&self, case: &Table) -> Result<(), String> {
        let wrong = |error: std::io::Error| format!("by TCP: {error}");
        let mut stream = TcpStream::connect_timeout(&self.streams, PATIENCE).map_err(wrong)?;
        stream.set_nodelay(true).map_err(wrong)?;
        let single = case.get("single").and_then(Value::as_bool).unwrap_or(false);
        for piece in words(case, "stream") {
            let bytes = assemble(&piece, self.profile)?;
            for part in bytes.chunks(if single { 1 } else { bytes.len().max(1) }) {
                stream.write_all(part).map_err(wrong)?;
                sleep(if single { PAUSE / 5 } else { PAUSE });
            }
        }
        let Ok(framing) = text(case, "framing") else { return Ok(()) };
        let [ping, pong] = [&self.profile.ping, &self.profile.pong].map(|address| {
            let bytes = encode(&Packet::Message(Message::new(address, vec![Arg::Int(7)])));
            if framing == "slip" { slip(&bytes) } else { [&(bytes.len() as i32).to_be_bytes()[..], &bytes].concat() }
        });
        stream.write_all(&ping).map_err(wrong)?;
        let (end, mut come, mut buffer) = (Instant::now() + PATIENCE, Vec::new(), vec![0; 65_536]);
        stream.set_read_timeout(Some(Duration::from_millis(100))).map_err(wrong)?;
        while Instant::now() < end {
            match stream.read(&mut buffer) {
                Ok(0) => return Err("it closed the stream".into()),
                Ok(length) => come.extend_from_slice(&buffer[..length]),
                Err(_) => continue,
            }
            if come.windows(pong.len()).any(|bytes| bytes == pong) {
                return Ok(());
            }
        }
        Err(format!("no answer framed by {framing} on the stream; it sent {come:02x?}"))
    }

    /// Runs one case.
    fn run(&self, case: &Table) -> Result<(), String> {
        let is = |key: &str| case.get(key).and_then(Value::as_bool).unwrap_or(false);
        self.send(&self.profile.message(&self.profile.set, Some(Arg::Float(BEFORE as f32))))?;
        self.stands_at(BEFORE, "before")?;
        self.heard.borrow_mut().clear();
        let other = talk(self.at).map_err(|error| error.to_string())?;
        let from = if is("another") { &other } else { &self.socket };
        for packet in words(case, "packets") {
            from.send(&assemble(&packet, self.profile)?).map_err(|error| format!("cannot send: {error}"))?;
        }
        if case.contains_key("stream") {
            self.stream(case)?;
        }
        if is("another") {
            self.pings(&other, 8)?;
        }
        if let Ok(answer) = text(case, "answer") {
            let Packet::Message(wanted) = decode(&assemble(&answer, self.profile)?).map_err(|refusal| refusal.to_string())? else {
                return Err("`answer` is no message".into());
            };
            let come = self.answer(from, &wanted.address).ok_or_else(|| format!("no {} is answered", wanted.address))?;
            if come != wanted {
                return Err(format!("it answers {:?} instead of {:?}", come.args, wanted.args));
            }
        }
        let wanted = case.get("value").and_then(Value::as_float).unwrap_or(BEFORE);
        if let Some(after) = case.get("after").and_then(Value::as_float) {
            self.stands_at(BEFORE, "before its time")?;
            sleep(Duration::from_secs_f64(after));
        }
        // A server that works in blocks may come to it in the next.
        let soon = Instant::now() + SOON;
        let stands = loop {
            let stands = self.stands_at(wanted, "after");
            if stands.is_ok() || soon < Instant::now() {
                break stands;
            }
            sleep(PAUSE);
        };
        self.pings(&self.socket, 7)?;
        let told = self.heard.borrow().iter().any(|message| Some(&message.address) == self.profile.fail.as_ref());
        if is("told") && !told {
            return Err("the refusal is not told".into());
        }
        if is("or_told") && told { self.stands_at(BEFORE, "refused, but") } else { stands }
    }
}

/// A key that is misspelt would make a case that asks for nothing.
fn check_keys(id: &str, case: &Table) -> Result<(), String> {
    const KEYS: [&str; 13] =
        ["id", "source", "needs", "packets", "stream", "single", "framing", "another", "answer", "value", "after", "told", "or_told"];
    match case.keys().find(|key| !KEYS.contains(&key.as_str())) {
        Some(key) => Err(format!("{id}: `{key}` is no key of a case")),
        None => Ok(()),
    }
}

/// Runs every case of a folder: id and outcome of each, in order; `only` those whose id contains a text. `streams` is where the server takes TCP.
pub fn run(folder: &Path, only: &str, at: SocketAddr, streams: SocketAddr, profile: &Profile) -> Result<Vec<(String, Outcome)>, String> {
    let target = Target::new(at, streams, profile).map_err(|error| error.to_string())?;
    let listed = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut outcomes = Vec::new();
    for file in files {
        let table = read(&file)?;
        for case in table.get("case").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table) {
            let id = text(case, "id")?;
            text(case, "source").map_err(|error| format!("{id}: {error}"))?;
            check_keys(&id, case)?;
            if !id.contains(only) {
                continue;
            }
            let lacks: Vec<_> = words(case, "needs").into_iter().filter(|need| !profile.has.contains(need)).collect();
            for packet in words(case, "packets").into_iter().chain(words(case, "stream")) {
                if lacks.is_empty() {
                    assemble(&packet, profile).map_err(|error| format!("{id}: {error}"))?;
                }
            }
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
