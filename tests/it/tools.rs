//! `rackd send`, `listen` and `status` as they are typed: the real program, real sockets, packets as another encoder writes them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::UdpSocket;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rackd::wire::time::from_unix_nanos;
use rosc::{OscArray, OscBundle, OscColor, OscMessage, OscMidiMessage, OscPacket, OscTime, OscType, encoder};
use serde_json::{Value, json};

/// Long enough for any machine; nothing waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn rackd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rackd"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(words: &[&str]) -> Output {
    rackd().args(words).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A socket that takes what is sent, and its address.
fn catcher() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let at = socket.local_addr().unwrap().to_string();
    (socket, at)
}

fn caught(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 65_536];
    let length = socket.recv(&mut buffer).expect("a packet comes");
    buffer[..length].to_vec()
}

/// Sends words by the real program and gives the bytes that arrive.
fn sent(words: &[&str]) -> Vec<u8> {
    let (socket, at) = catcher();
    let output = run(&[&["send", "--to", &at, "--wait", "0"], words].concat());
    assert!(output.status.success(), "{words:?}: {output:?}");
    caught(&socket)
}

fn time(tag: u64) -> OscTime {
    OscTime { seconds: (tag >> 32) as u32, fractional: tag as u32 }
}

fn message(address: &str, args: Vec<OscType>) -> OscPacket {
    OscPacket::Message(OscMessage { addr: address.into(), args })
}

fn bundle(tag: u64, content: Vec<OscPacket>) -> OscPacket {
    OscPacket::Bundle(OscBundle { timetag: time(tag), content })
}

fn bytes(packet: &OscPacket) -> Vec<u8> {
    encoder::encode(packet).unwrap()
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// Every type: the words that say it, what they must become, its tags, and how it is told as JSON.
fn types() -> Vec<(&'static str, OscType, &'static str, Value)> {
    let midi = |port, status, data1, data2| OscType::Midi(OscMidiMessage { port, status, data1, data2 });
    let array = |content| OscType::Array(OscArray { content });
    vec![
        ("48", OscType::Int(48), "i", json!(48)),
        ("-48", OscType::Int(-48), "i", json!(-48)),
        ("0.5", OscType::Float(0.5), "f", json!(0.5)),
        ("C3", OscType::String("C3".into()), "s", json!("C3")),
        ("800 Hz", OscType::String("800 Hz".into()), "s", json!("800 Hz")),
        ("true", OscType::Bool(true), "T", json!(true)),
        ("5000000000", OscType::Long(5_000_000_000), "h", json!(5_000_000_000_i64)),
        ("i:1", OscType::Int(1), "i", json!(1)),
        ("f:1", OscType::Float(1.0), "f", json!(1.0)),
        ("s:1", OscType::String("1".into()), "s", json!("1")),
        ("s:", OscType::String(String::new()), "s", json!("")),
        ("s:--to", OscType::String("--to".into()), "s", json!("--to")),
        ("h:1", OscType::Long(1), "h", json!(1)),
        ("d:0.1", OscType::Double(0.1), "d", json!(0.1)),
        ("b:00ff10", OscType::Blob(vec![0, 255, 16]), "b", json!("00ff10")),
        ("t:now", OscType::Time(time(1)), "t", json!("now")),
        ("c:a", OscType::Char('a'), "c", json!("a")),
        ("r:ff800040", OscType::Color(OscColor { red: 255, green: 128, blue: 0, alpha: 64 }), "r", json!("#ff800040")),
        ("m:90,60,127", midi(0, 0x90, 60, 127), "m", json!([0, 144, 60, 127])),
        ("m:2,b0,7,100", midi(2, 0xb0, 7, 100), "m", json!([2, 176, 7, 100])),
        ("F", OscType::Bool(false), "F", json!(false)),
        ("N", OscType::Nil, "N", Value::Null),
        ("I", OscType::Inf, "I", Value::Null),
        ("[ 1 [ 0.5 ] ]", array(vec![OscType::Int(1), array(vec![OscType::Float(0.5)])]), "[i[f]]", json!([1, [0.5]])),
    ]
}

/// `rackd listen`, ended when this is dropped.
struct Listener {
    child: Child,
    /// Where it listens, in the order asked for.
    at: Vec<String>,
    lines: BufReader<std::process::ChildStdout>,
    _told: BufReader<ChildStderr>,
}

impl Listener {
    fn start(words: &[&str]) -> Self {
        let mut child = rackd().arg("listen").args(words).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        let at = line.strip_prefix("Listening for OSC at ").and_then(|rest| rest.split(". Ctrl-C").next());
        let at = at.unwrap_or_else(|| panic!("it says {line}")).split(' ').map(str::to_owned).collect();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, at, lines, _told: told }
    }

    fn send(&self, packet: &[u8]) {
        let to = self.at[0].strip_prefix("udp://").unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(packet, to).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    fn object(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON: {line}: {error}"))
    }

    /// What it still says, when it has ended by itself.
    fn end(mut self) -> String {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `rackd play` on the silent clock, ended when this is dropped.
struct Daemon {
    child: Child,
    at: String,
    tcp: String,
}

impl Daemon {
    fn start() -> Self {
        let words =
            ["play", "--host", "silent", "--midi", "none", "--osc", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--json", "--for", "5min"];
        let mut child = rackd().args(words).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = lines.find_map(|line| {
            let said: Value = serde_json::from_str(&line).unwrap();
            Some((said["osc"].as_str()?.to_owned(), said["tcp"][0].as_str()?.to_owned()))
        });
        let (at, tcp) = said.expect("it says where it listens");
        // Nobody minds that what it says later is not read.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, at, tcp }
    }

    fn send(&self, words: &[&str]) -> Output {
        run(&[&["send", "--to", &self.at, "--wait", "20s"], words].concat())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_type_is_sent_as_others_encode_it() {
    for (words, arg, ..) in types() {
        let words = if words == "800 Hz" { vec![words] } else { words.split(' ').collect() };
        let sent = sent(&[&["/x"], words.as_slice()].concat());
        assert_eq!(sent, bytes(&message("/x", vec![arg])), "{words:?}");
    }
    let two = bundle(1, vec![message("/a", vec![OscType::Int(1)]), message("/b", vec![OscType::String("+".into())])]);
    assert_eq!(sent(&["/a", "1", "+", "/b", "s:+"]), bytes(&two), "`+` makes a bundle that acts at once");
}

#[test]
fn every_type_is_heard_and_told() {
    let mut listener = Listener::start(&["0", "--json"]);
    for (words, arg, tags, json) in types() {
        listener.send(&bytes(&message("/x/y", vec![arg])));
        let told = listener.object();
        assert_eq!((&told["address"], &told["types"], &told["args"]), (&json!("/x/y"), &json!(tags), &json!([json])), "{words}");
        assert!(told["from"].as_str().unwrap().starts_with("127.0.0.1:"), "{told}");
        assert!((told["time"].as_f64().unwrap() - now() as f64 / 1e9).abs() < 3600.0, "{told}");
        assert!(told.get("bundle").is_none(), "{told}");
    }
}

/// What is shown can be sent: lines of the one are read by the other, and the same bytes arrive.
#[test]
fn what_is_shown_can_be_sent_again() {
    let count = types().len().to_string();
    let listener = Listener::start(&["0", "--count", &count]);
    let packets: Vec<Vec<u8>> = types().into_iter().map(|(_, arg, ..)| bytes(&message("/x", vec![arg]))).collect();
    packets.iter().for_each(|packet| listener.send(packet));
    let lines: Vec<String> = listener.end().lines().map(|line| line[line.find('/').unwrap()..].to_owned()).collect();

    let (socket, at) = catcher();
    let mut sender = rackd().args(["send", "--to", &at, "--wait", "0", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut to = sender.stdin.take().unwrap();
    for (line, packet) in lines.iter().zip(&packets) {
        writeln!(to, "# a remark\n\n{line}").unwrap();
        assert_eq!(&caught(&socket), packet, "{line}");
    }
    writeln!(to, "not an address").unwrap();
    writeln!(to, "/last i:x").unwrap();
    writeln!(to, "/last 1").unwrap();
    drop(to);
    assert_eq!(caught(&socket), bytes(&message("/last", vec![OscType::Int(1)])), "wrong lines keep nothing up");
    let output = sender.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    let number = packets.len() * 3 + 1;
    assert!(told.contains(&format!("line {number}: ")) && told.contains(&format!("line {}: `i:x`", number + 1)), "{told}");
}

#[test]
fn bundles_carry_their_time() {
    let tag = 0x83aa_7e80_4000_0000_u64;
    let of = |packet: &[u8]| u64::from_be_bytes(packet[8..16].try_into().unwrap());
    let exact = bundle(tag, vec![message("/x", vec![OscType::Int(1)])]);
    assert_eq!(sent(&["--at", "0x83aa7e8040000000", "/x", "1"]), bytes(&exact));
    let seconds = sent(&["--at", "1790000000.25", "/x"]);
    assert_eq!(of(&seconds), from_unix_nanos(1_790_000_000_250_000_000));
    assert_eq!(of(&sent(&["--at", "now", "/x"])), 1);
    for (words, ahead) in [(["--in", "200ms"], 200_000_000), (["--at", "+200ms"], 200_000_000), (["--at", "-1s"], -1_000_000_000)] {
        let before = from_unix_nanos(now() + ahead);
        let tag = of(&sent(&[&words[..], &["/x"]].concat()));
        assert!((before..=from_unix_nanos(now() + ahead)).contains(&tag), "{words:?}");
    }
    let before = from_unix_nanos(now() + 60_000_000_000);
    let argument = sent(&["/x", "t:+1min"]);
    let tag = u64::from_be_bytes(argument[8..].try_into().unwrap());
    assert!((before..=from_unix_nanos(now() + 60_000_000_000)).contains(&tag));
}

#[test]
fn nested_bundles_are_shown_with_their_times() {
    let hour = 3_600_000_000_000;
    let inner = bundle(from_unix_nanos(now() + 2 * hour), vec![message("/deep", vec![OscType::Int(2)]), bundle(1, vec![])]);
    let packet = bytes(&bundle(from_unix_nanos(now() + hour), vec![message("/flat", vec![]), inner, message("/end", vec![])]));

    let mut listener = Listener::start(&["0", "--json"]);
    listener.send(&packet);
    let told: Vec<Value> = (0..4).map(|_| listener.object()).collect();
    let shape: Vec<_> = told.iter().map(|told| (told["address"].as_str(), told["depth"].as_i64().unwrap())).collect();
    assert_eq!(shape, [(Some("/flat"), 1), (Some("/deep"), 2), (None, 2), (Some("/end"), 1)]);
    for (told, hours) in [(&told[0], 1.0), (&told[1], 2.0), (&told[3], 1.0)] {
        let (ahead, bundle, time) = (told["ahead"].as_f64(), told["bundle"].as_f64(), told["time"].as_f64());
        let ahead = ahead.unwrap();
        assert!(ahead <= hours * 3600.0 && ahead > hours * 3600.0 - 1800.0, "{told}");
        assert!((bundle.unwrap() - time.unwrap() - ahead).abs() < 1e-5, "{told}");
    }
    assert_eq!((&told[2]["bundle"], told[2].get("ahead")), (&json!("now"), None));

    let mut listener = Listener::start(&["0", "--types"]);
    listener.send(&packet);
    let lines: Vec<String> = (0..6).map(|_| listener.line().chars().skip_while(|c| !matches!(c, 'b' | '/')).collect()).collect();
    assert!(lines[0].starts_with("bundle +3") && lines[0].ends_with('s'), "{lines:?}");
    assert!(lines[1].starts_with("/flat") && lines[1].ends_with(','), "{lines:?}");
    assert!(lines[2].starts_with("bundle +7") && lines[4] == "bundle now (empty)", "{lines:?}");
    assert_eq!(lines[3].split_whitespace().collect::<Vec<_>>(), ["/deep", ",i", "2"]);
}

#[cfg(unix)]
#[test]
fn every_transport_is_heard() {
    let path = std::env::temp_dir().join(format!("rackd_tools_{}", std::process::id()));
    let unix = path.display().to_string();
    // A socket that a program has left behind is no hindrance.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut listener = Listener::start(&["0", "--tcp", "0", "--ws", "0", "--unix", &unix, "--json", "--count", "6"]);
    let [udp, tcp, ws, file] = listener.at.clone().try_into().unwrap();
    let slip = tcp.replace("tcp://", "slip://");
    for (to, from) in [(&udp, "127.0.0.1:"), (&tcp, "tcp://"), (&slip, "tcp://"), (&ws, "ws://"), (&file, "unix")] {
        let blob = "c0dbdcddc0".repeat(100);
        let output = run(&["send", "--to", to, "--wait", "0", "/x", "7", &format!("b:{blob}")]);
        assert!(output.status.success(), "{to}: {output:?}");
        let told = listener.object();
        assert_eq!((&told["address"], &told["args"]), (&json!("/x"), &json!([7, blob])), "{to}");
        assert!(told["from"].as_str().unwrap().starts_with(from), "{to}: {told}");
    }
    assert!(run(&["send", "--to", &udp, "--wait", "0", "/over"]).status.success());
    assert_eq!(listener.end().lines().count(), 1, "a connection that closes is no message");
    assert!(!path.exists(), "it leaves no file behind");
}

#[test]
fn what_is_no_osc_is_shown_with_its_reason() {
    let mut listener = Listener::start(&["0", "--raw"]);
    listener.send(b"/old\0\0\0\0");
    assert!(listener.line().contains("refused 8 bytes: the type tags are missing"));
    assert!(listener.line().contains("2f6f6c64 00000000"));
    let mut listener = Listener::start(&["0", "--raw", "--json"]);
    listener.send(b"hello\0\0\0");
    let told = listener.object();
    assert_eq!((&told["refused"], &told["bytes"], &told["hex"]), (&json!("no-address"), &json!(8), &json!("68656c6c6f000000")));
}

#[test]
fn messages_are_filtered_and_counted() {
    let listener = Listener::start(&["0", "--json", "--filter", "/a/*/note", "--count", "3"]);
    for address in ["/a/x/note", "/b/x/note", "/a/note", "/a/x/note/on"] {
        listener.send(&bytes(&message(address, vec![])));
    }
    // Only as many of a bundle as were asked for.
    listener.send(&bytes(&bundle(1, ["/a/1/note", "/no", "/a/2/note", "/a/3/note"].map(|address| message(address, vec![])).into())));
    let told: Vec<String> =
        listener.end().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["address"].to_string()).collect();
    assert_eq!(told, ["\"/a/x/note\"", "\"/a/1/note\"", "\"/a/2/note\""]);

    let listener = Listener::start(&["0", "--json", "--rate", "--count", "4"]);
    for address in ["/a", "/b", "/a", "/a"] {
        listener.send(&bytes(&message(address, vec![])));
    }
    let told: Vec<Value> = listener.end().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |address: &str| told.iter().rev().find(|told| told["address"] == address).unwrap()["count"].as_i64();
    assert_eq!((count("/a"), count("/b")), (Some(3), Some(1)));
}

#[test]
fn it_repeats_as_often_as_asked() {
    let (socket, at) = catcher();
    assert!(run(&["send", "--to", &at, "--wait", "0", "--repeat", "5", "--every", "2ms", "/x", "1"]).status.success());
    assert!(run(&["send", "--to", &at, "--wait", "0", "/end"]).status.success());
    let all: Vec<Vec<u8>> = (0..6).map(|_| caught(&socket)).collect();
    assert!(all[..5].iter().all(|packet| *packet == bytes(&message("/x", vec![OscType::Int(1)]))));
    assert_eq!(all[5], bytes(&message("/end", vec![])));
}

#[test]
fn words_that_say_nothing_are_told_and_nothing_is_sent() {
    for words in [
        &["nothing"][..],
        &["/x", "i:y"],
        &["/x", "["],
        &["/x", "+"],
        &["/x", "1", "--to", "127.0.0.1:9"],
        &["/x", "1", "--in=1s"],
        &["--at", "soon", "/x"],
        &["--in", "1s", "--at", "now", "/x"],
        &["--to", "http://127.0.0.1:9", "/x"],
        &["-", "1"],
    ] {
        let output = run(&[&["send"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{words:?}");
    }
    assert_eq!(run(&["listen", "--filter", "/a[", "0"]).status.code(), Some(2));
    let (_taken, at) = catcher();
    assert_eq!(run(&["listen", &at]).status.code(), Some(3), "the port is taken");
}

#[test]
fn answers_are_printed_and_a_failure_ends_with_1() {
    let daemon = Daemon::start();
    let output = daemon.send(&["/ping", "7", "0.5", "800 Hz"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), "/pong 7 0.5 \"800 Hz\"\n"));
    let output = daemon.send(&["--json", "/ping", "1"]);
    let told: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((&told["address"], &told["types"], &told["args"]), (&json!("/pong"), &json!("i"), &json!([1])));
    let output = daemon.send(&["/pingg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).starts_with("/fail /pingg unknown-address"), "{output:?}");
    let output = daemon.send(&["/master/level", "1000"]);
    assert!(out(&output).starts_with("/fail /master/level clipped"), "{output:?}");
    assert_eq!(output.status.code(), Some(0), "a value that was clipped was set");
    let output = daemon.send(&["/ping", "1", "+", "/ping", "2"]);
    assert_eq!(out(&output), "/pong 1\n/pong 2\n");
    let output = daemon.send(&["--repeat", "3", "/ping"]);
    assert_eq!(out(&output), "/pong\n/pong\n/pong\n");

    for way in ["tcp", "slip", "ws"] {
        let to = format!("{way}://{}", daemon.tcp);
        let output = run(&["send", "--to", &to, "--wait", "20s", "/ping", "1", "+", "/pingg", "+", "/ping", "2"]);
        assert_eq!(output.status.code(), Some(1), "{way}: {output:?}");
        let output = run(&["send", "--to", &to, "--wait", "20s", "--repeat", "2", "--every", "5ms", "/ping", "1", "+", "/ping", "2"]);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), "/pong 1\n/pong 2\n/pong 1\n/pong 2\n"), "{way}");
        let output = run(&["status", "--json", "--to", &to, "--wait", "20s"]);
        let told: Value = serde_json::from_str(&out(&output)).unwrap();
        assert!(told["sums"].as_object().unwrap().values().all(|adds| *adds == true), "{way}: {told}");
    }

    let mut lines = rackd().args(["send", "--to", &daemon.at, "--wait", "20s", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    lines.stdin.take().unwrap().write_all(b"/ping 1\n/pong?\n/ping \"a b\"\n").unwrap();
    let output = lines.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = out(&output);
    assert!(told.starts_with("/pong 1\n/fail /pong?") && told.ends_with("/pong \"a b\"\n"), "{told}");
}

#[test]
fn the_status_adds_up() {
    let daemon = Daemon::start();
    let raw = UdpSocket::bind("127.0.0.1:0").unwrap();
    for bytes in [b"hello\0\0\0".as_slice(), b"/x\0\0", b"/x\0\0,q\0\0", b"xyz"] {
        raw.send_to(bytes, &daemon.at).unwrap();
    }
    assert_eq!(daemon.send(&["/nothing", "1"]).status.code(), Some(1));
    assert_eq!(daemon.send(&["/master/level", "1000"]).status.code(), Some(0));
    assert_eq!(daemon.send(&["/master/level", "0.5", "+", "/nothing", "1"]).status.code(), Some(1));
    assert!(daemon.send(&["--repeat", "50", "/master/level", "-3"]).status.success());
    // A question that fails beside one that asks how things stand.
    let output = daemon.send(&["/query", "/nowhere", "+", "/engine/status"]);
    assert_eq!(output.status.code(), Some(1));

    let output = run(&["status", "--json", "--to", &daemon.at, "--wait", "20s"]);
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_str(&out(&output)).unwrap();
    for sum in ["packets", "messages", "events", "packets-by-transport", "malformed", "refused"] {
        assert_eq!(told["sums"][sum], true, "{sum}: {told}");
    }
    let count = |name: &str| told["status"][name].as_i64();
    assert_eq!((count("malformed"), count("malformed/no-types"), count("malformed/not-in-fours")), (Some(4), Some(1), Some(1)));
    // Six packets with their syncs, fifty with one, four that were broken, and the question itself.
    assert_eq!(count("packets"), Some(2 + 2 + 2 + 51 + 2 + 4 + 1));
    assert_eq!((count("refused"), count("refused/together"), count("refused/clipped")), (Some(4), Some(1), Some(1)));
    assert_eq!(count("messages"), Some(2 + 2 + 3 + 51 + 3), "the question is counted with its answer, after it");

    let table = out(&run(&["status", "--to", &daemon.at, "--wait", "20s"]));
    assert!(table.contains("\nmessages\n") && table.contains(" = ") && !table.contains('≠'), "{table}");
    assert!(table.lines().any(|line| line.split_whitespace().take(2).eq(["no-types", "1"])), "{table}");
}

#[test]
fn nobody_there_is_told_with_3() {
    let (socket, at) = catcher();
    drop(socket);
    for words in [&["status", "--to"][..], &["send", "/ping", "--to"]] {
        for to in [at.clone(), format!("tcp://{at}"), format!("ws://{at}"), "unix:/nowhere/at/all".to_owned()] {
            let words = [&words[..1], &["--to", &to], &words[1..words.len() - 1]].concat();
            let output = run(&words);
            assert_eq!(output.status.code(), Some(3), "{words:?}: {output:?}");
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.starts_with("rackd: nobody listens at") && told.lines().count() == 1, "{told}");
        }
    }
    let (_silent, at) = catcher();
    let output = run(&["status", "--to", &at, "--wait", "50ms"]);
    assert_eq!(output.status.code(), Some(3), "somebody who says nothing");
}
