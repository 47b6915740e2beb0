//! `rackd learn` with a real daemon: over OSC on the silent clock, and by a controller on a real JACK server.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rosc::{OscMessage, OscPacket, OscType, encoder};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

const PATCH: &str = "# A patch to learn with.\nformat = 1\n\n[controls]\nbright = { default = \"1 kHz\", min = \"100 Hz\", max = \"10 kHz\" } # the lid\namount = 0.5\ndeep = 0.5\n\n[out]\nin = \"amount * deep\" # what is heard\n";

/// A daemon that plays a file of its own, with settings of its own.
struct Daemon {
    child: Child,
    at: String,
    folder: PathBuf,
}

impl Daemon {
    fn start(host: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join(format!("rackd-learn-tool-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed)));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("t.toml"), PATCH).unwrap();
        let mut child = rackd()
            .args(["play"])
            .arg(folder.join("t.toml"))
            .args(["--host", host, "--midi", "none", "--osc", "127.0.0.1:0", "--tcp", "none", "--json", "--for", "5min"])
            .env("XDG_CONFIG_HOME", folder.join("settings"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let at = lines.find_map(|line| serde_json::from_str::<Value>(&line).unwrap()["osc"].as_str().map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, at: at.expect("it says where it listens"), folder }
    }

    fn learn(&self, words: &[&str]) -> Command {
        let mut command = rackd();
        command.args(["learn", "--to", &self.at]).args(words);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.learn(words).output().unwrap()
    }

    fn ask(&self, address: &str) -> f64 {
        let output = rackd().args(["send", "--to", &self.at, "--wait", "20s", "--json", address]).output().unwrap();
        serde_json::from_str::<Value>(&out(&output)).unwrap()["args"][0].as_f64().unwrap()
    }

    fn send(&self, address: &str, x: f32) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let packet = OscPacket::Message(OscMessage { addr: address.into(), args: vec![OscType::Float(x)] });
        socket.send_to(&encoder::encode(&packet).unwrap(), &self.at).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.join("t.toml")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn rackd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rackd"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// `rackd learn` while it waits: its lines.
struct Learning(Child, std::io::Lines<BufReader<std::process::ChildStdout>>);

impl Learning {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self(child, lines)
    }

    #[track_caller]
    fn line(&mut self) -> String {
        self.1.next().unwrap_or_else(|| panic!("it has ended")).unwrap()
    }

    #[track_caller]
    fn ends_well(mut self) -> Vec<String> {
        let rest = self.1.map_while(Result::ok).collect();
        assert!(self.0.wait().unwrap().success());
        rest
    }
}

#[track_caller]
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn several_targets_are_learnt_in_a_row_listed_saved_and_cleared() {
    let daemon = Daemon::start("silent");
    let mut learning = Learning::start(daemon.learn(&["t.amount", "/t/deep", "--save"]));
    assert_eq!(learning.line(), "/t/amount: move a controller…");
    for x in [0.1, 0.2, 0.3] {
        daemon.send("/1/fader1", x);
    }
    assert_eq!(learning.line(), "/t/amount ← /1/fader1");
    assert_eq!(learning.line(), "/t/deep: move a controller…");
    for x in [100.0, 90.0, 80.0] {
        daemon.send("/1/knob", x);
    }
    assert_eq!(learning.line(), "/t/deep ← /1/knob  from 0 127");
    let file = daemon.file().canonicalize().unwrap();
    assert_eq!(learning.ends_well(), [format!("2 saved in {}", file.display())]);
    let saved = std::fs::read_to_string(&file).unwrap();
    assert_eq!(saved, format!("{PATCH}\n[map]\n\"/1/fader1\" = \"amount\"\n\"/1/knob\" = {{ to = \"deep\", from = [0, 127] }}\n"));
    // The file is watched: soon it is the patch that says so.
    until("the saved file is read", || out(&daemon.run(&["--list"])).matches("(patch t)").count() == 2);
    daemon.send("/1/fader1", 1.0);
    until("the fader acts", || daemon.ask("/t/amount") == 1.0);
    let list = out(&daemon.run(&["--list", "--json", "t.deep"]));
    let told: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&told["event"], &told["source"], &told["target"], &told["by"]),
        (&"list".into(), &"/1/knob".into(), &"/t/deep".into(), &"patch t".into())
    );
    let cleared = daemon.run(&["--clear", "/1/knob", "--save"]);
    assert!(out(&cleared).starts_with("1 cleared\n1 saved in "), "{cleared:?}");
    let saved = std::fs::read_to_string(&file).unwrap();
    assert_eq!(saved, format!("{PATCH}\n[map]\n\"/1/fader1\" = \"amount\"\n"));
}

#[test]
fn what_goes_wrong_has_its_words_and_its_exit_code() {
    let daemon = Daemon::start("silent");
    let output = daemon.run(&["/t/amuont"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean /t/amount?"), "{output:?}");
    let output = daemon.run(&["/t/amount", "--wait", "300ms"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing moved"), "{output:?}");
    // It has ended: what moves afterwards is nobody's.
    daemon.send("/1/late", 0.9);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(out(&daemon.run(&["--list"])), "");
    assert_eq!(daemon.run(&["--clear", "cc 9"]).status.code(), Some(1));
    assert_eq!(daemon.run(&[]).status.code(), Some(2));
    assert_eq!(rackd().args(["learn", "--to", "127.0.0.1:9", "/t/x"]).output().unwrap().status.code(), Some(3));
    let json = daemon.run(&["/t/amount", "--json", "--wait", "200ms"]);
    assert_eq!(serde_json::from_str::<Value>(out(&json).trim()).unwrap()["target"], "/t/amount");
}

#[cfg(all(target_os = "linux", feature = "jack"))]
mod on_jack {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use jack::{Client, ClientOptions, Control, MidiOut, Port, ProcessHandler, ProcessScope, RawMidi};

    use super::*;
    use crate::jackd::{Jackd, in_its_own_process, wait_port};

    /// A box of knobs on the server.
    struct Knobs {
        port: Port<MidiOut>,
        messages: Receiver<Vec<u8>>,
    }

    impl ProcessHandler for Knobs {
        fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
            let mut writer = self.port.writer(scope);
            for bytes in self.messages.try_iter() {
                let _ = writer.write(&RawMidi { time: 0, bytes: &bytes });
            }
            Control::Continue
        }
    }

    fn turn(to: &Sender<Vec<u8>>, messages: &[&[u8]]) {
        for message in messages {
            to.send(message.to_vec()).unwrap();
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    fn profiles(folder: &Path) -> Vec<String> {
        let found = std::fs::read_dir(folder.join("settings/rackd/devices")).into_iter().flatten().flatten();
        found.map(|entry| std::fs::read_to_string(entry.path()).unwrap()).collect()
    }

    #[test]
    fn controllers_of_every_kind_are_learnt_from_a_real_port() {
        in_its_own_process("learn_tool::on_jack::controllers_of_every_kind_are_learnt_from_a_real_port", |name| {
            let _server = Jackd::start(name, 48_000, 256);
            let daemon = Daemon::start("jack");
            let (client, _) = Client::new("knobs", ClientOptions::NO_START_SERVER).unwrap();
            let (to, messages) = channel();
            let port = client.register_port("out", MidiOut::default()).unwrap();
            let knobs = client.activate_async((), Knobs { port, messages }).unwrap();
            let input = wait_port("rackd:in");
            knobs.as_client().connect_ports_by_name("knobs:out", &input).unwrap();

            let mut learning = Learning::start(daemon.learn(&["t.amount", "t.deep", "t.bright", "--save", "patch"]));
            learning.line();
            // A controller that is refused, then one of 14 bits.
            turn(&to, &[&[0xb0, 64, 127]]);
            assert!(learning.line().starts_with("cc 64 ch 1 is refused: it is the sustain pedal"));
            for step in 0..6 {
                turn(&to, &[&[0xb0, 7, 60 + step], &[0xb0, 39, 9 * step]]);
            }
            let line = learning.line();
            assert!(line.starts_with("/t/amount ← cc 7 ch 1  14 bits"), "{line}");
            learning.line();
            turn(&to, &[&[0xb0, 20, 65], &[0xb0, 20, 65], &[0xb0, 20, 66], &[0xb0, 20, 65]]);
            let line = learning.line();
            assert!(line.starts_with("/t/deep ← cc 20 ch 1  relative offset"), "{line}");
            learning.line();
            turn(&to, &[&[0xe2, 0, 70], &[0xe2, 0, 80], &[0xe2, 0, 90]]);
            assert!(learning.line().starts_with("/t/bright ← bend ch 3"));
            learning.ends_well();
            let saved = std::fs::read_to_string(daemon.file()).unwrap();
            let maps =
                "\"cc 7 ch 1\" = \"amount\"\n\"cc 20 ch 1\" = { to = \"deep\", relative = \"offset\" }\n\"bend ch 3\" = \"bright\"\n";
            assert_eq!(saved, format!("{PATCH}\n[map]\n{maps}"));

            turn(&to, &[&[0xb0, 7, 64], &[0xb0, 39, 64]]);
            until("14 bits act", || (daemon.ask("/t/amount") - f64::from((64 << 7) + 64) / 16383.0).abs() < 1e-5);
            daemon.send("/t/deep", 0.5);
            turn(&to, &[&[0xb0, 20, 67], &[0xb0, 20, 67]]);
            until("clicks act", || (daemon.ask("/t/deep") - 0.56).abs() < 1e-5);

            // Into the profile of the device, which acts beside the patch.
            let mut learning = Learning::start(daemon.learn(&["master.level", "--save", "device"]));
            learning.line();
            turn(&to, &[&[0xb0, 21, 50], &[0xb0, 21, 60], &[0xb0, 21, 70]]);
            assert!(learning.line().starts_with("/master/level ← cc 21 ch 1"));
            learning.ends_well();
            let profiles = profiles(&daemon.folder);
            assert!(profiles.len() == 1 && profiles[0].ends_with("[map]\n\"cc 21 ch 1\" = \"master.level\"\n"), "{profiles:?}");
            turn(&to, &[&[0xb0, 21, 0]]);
            until("the profile acts", || daemon.ask("/master/level") == -60.0);
            drop(daemon);
            drop(knobs);
        });
    }
}
