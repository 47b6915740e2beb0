//! A daemon of one test's own.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::jack::Jack;

/// The patch most tests play: a sine that does just what it is told.
pub const TONE: &str = r#"
format = 1
name = "Tone"

[note]
voices = 16

[controls]
loud = 0.1

[voice.osc]
type = "vco"

[voice.env]
type    = "adsr"
attack  = "5 ms"
sustain = 1
release = "20 ms"

[out]
in = "osc.sine * env * loud"
"#;

/// A running daemon that ends with this value.
pub struct Daemon {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<serde_json::Value>,
    /// What it said while something else was waited for.
    missed: RefCell<Vec<serde_json::Value>>,
    /// Where it listens for OSC.
    pub osc: SocketAddr,
    patch: PathBuf,
}

impl Daemon {
    /// Plays a patch on a JACK server, listening at a free port.
    pub fn on(jack: &Jack, patch: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rackd"));
        jack.on_this_server(&mut command);
        let file = jack.folder().join("tone.toml");
        Self::start(command, file, patch, &[&["--host", "jack"], more].concat())
    }

    /// Plays a patch on the silent clock.
    pub fn silent(folder: &Path, patch: &str, more: &[&str]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_rackd"));
        Self::start(command, folder.join("tone.toml"), patch, &[&["--host", "silent", "--midi", "none"], more].concat())
    }

    /// The same, with no file longer than so many half kilobytes.
    pub fn limited(folder: &Path, patch: &str, blocks: usize, more: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_rackd")]);
        Self::start(command, folder.join("tone.toml"), patch, &[&["--host", "silent", "--midi", "none"], more].concat())
    }

    /// The same, with a disk of its own of so many KiB at this folder; from elsewhere it is seen by [`seen`](Self::seen).
    pub fn on_a_small_disk(folder: &Path, disk: &Path, kib: usize, patch: &str, more: &[&str]) -> Self {
        let mut command = Self::alone(disk, kib);
        command.arg(env!("CARGO_BIN_EXE_rackd"));
        Self::start(command, folder.join("tone.toml"), patch, &[&["--host", "silent", "--midi", "none"], more].concat())
    }

    /// Runs what is named behind it with a small disk at a folder, which nobody else sees and which goes with it.
    fn alone(disk: &Path, kib: usize) -> Command {
        let mut command = Command::new("unshare");
        let mount = format!("mount -t tmpfs -o size={kib}k tmpfs {} && exec \"$0\" \"$@\"", disk.display());
        command.args(["--map-root-user", "--mount", "sh", "-c", &mount]);
        command
    }

    /// Why nobody is given a small disk here, where that is so.
    pub fn no_small_disk(disk: &Path) -> Option<String> {
        match Self::alone(disk, 64).arg("true").output() {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(why) => Some(why.to_string()),
        }
    }

    /// A file as it sees it.
    pub fn seen(&self, file: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.child.id(), file.display()))
    }

    /// Its threads of this name, the oldest first.
    pub fn threads(&self, name: &str) -> Vec<i32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().map(|task| task.unwrap().path());
        let of_name = tasks.filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name));
        let mut found: Vec<i32> = of_name.map(|task| task.file_name().unwrap().to_str().unwrap().parse().unwrap()).collect();
        found.sort_unstable();
        found
    }

    fn start(mut command: Command, file: PathBuf, patch: &str, more: &[&str]) -> Self {
        std::fs::write(&file, patch).unwrap();
        let mut child = command
            .arg("play")
            .arg(&file)
            .args(["--osc", "127.0.0.1:0", "--json"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, said) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON: {line}: {error}"));
                if to.send(said).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        let mut daemon = Self { child, stdin, said, missed: RefCell::default(), osc: ([127, 0, 0, 1], 0).into(), patch: file };
        let listening = daemon.wait_for("listening");
        daemon.osc = listening["osc"].as_str().unwrap().parse().unwrap();
        daemon
    }

    /// Waits until it says an event of this name; each is given once.
    pub fn wait_for(&self, event: &str) -> serde_json::Value {
        let mut missed = self.missed.borrow_mut();
        if let Some(at) = missed.iter().position(|said| said["event"] == event) {
            return missed.remove(at);
        }
        loop {
            let said = self.said.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("it never said `{event}`"));
            if said["event"] == event {
                return said;
            }
            missed.push(said);
        }
    }

    /// Saves another text over its patch file, as editors do.
    pub fn save(&self, patch: &str) {
        let new = self.patch.with_extension("new");
        std::fs::write(&new, patch).unwrap();
        std::fs::rename(&new, &self.patch).unwrap();
    }

    /// Types a line on its standard input.
    pub fn type_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end: the exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Memory that it holds [bytes].
    pub fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Share of a core that it takes in the next second.
    pub fn busy(&self) -> f64 {
        let ticks = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
            let after_name: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            // Fields 14 and 15, in hundredths of a second; the first after the name is field 3.
            after_name[11].parse::<f64>().unwrap() + after_name[12].parse::<f64>().unwrap()
        };
        let before = ticks();
        std::thread::sleep(Duration::from_secs(1));
        (ticks() - before) / 100.0
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
