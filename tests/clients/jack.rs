//! A JACK server of one test's own, with its dummy driver, and what is heard there.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::jack_store;

/// The same for all tests: a server that was killed keeps its place in JACK's registry, which has eight, until another comes under
/// its name.
const NAME: &str = "rackd_clients";

static NUMBER: AtomicU32 = AtomicU32::new(0);
/// One server at a time: they would only take the machine from each other.
static ONE: Mutex<()> = Mutex::new(());

/// A program that tests need; fails where it is missing.
pub fn program(name: &str) -> Command {
    let found = std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()));
    assert!(found, "`{name}` is not installed: run `make test`, which installs it");
    Command::new(name)
}

/// Waits until something holds; fails with what was waited for.
pub fn until(what: &str, longest: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + longest;
    while !holds() {
        assert!(Instant::now() < end, "waited {longest:?} in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A running server.
pub struct Jack {
    name: String,
    server: Option<Child>,
    folder: PathBuf,
    period: u32,
    /// None for one beside another, whose turn it is.
    _turn: Option<(MutexGuard<'static, ()>, std::fs::File)>,
}

impl Jack {
    /// Starts a server under a name of its own and waits until it answers.
    pub fn start() -> Self {
        Self::with_period(256)
    }

    /// The same with another length of its callbacks [frames].
    pub fn with_period(period: u32) -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        // Other test programs and checkouts wait here too.
        let turn = std::fs::File::create(std::env::temp_dir().join("rackd-test-jack.lock")).unwrap();
        turn.lock().unwrap();
        Self::named(NAME.to_owned(), period, Some((one, turn)))
    }

    /// One more server, that knows nothing of this one; it must end first.
    pub fn beside(&self) -> Self {
        Self::named(format!("{}_beside", self.name), self.period, None)
    }

    fn named(name: String, period: u32, turn: Option<(MutexGuard<'static, ()>, std::fs::File)>) -> Self {
        let folder = std::env::temp_dir().join(format!("{name}_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&folder).unwrap();
        let mut jack = Self { name, server: None, folder, period, _turn: turn };
        jack.serve();
        jack
    }

    /// Starts the server again under the same name.
    pub fn serve(&mut self) {
        // A server may hang where it registers itself, when another was killed while it did.
        jack_store::mend();
        for _ in 0..3 {
            let log = std::fs::File::create(self.folder.join("jackd.log")).unwrap();
            // -S: the server waits for its clients, so that a busy machine makes no holes in what is heard.
            let server = program("jackd")
                .args(["-n", &self.name, "-S", "-R", "-P", "60", "-d", "dummy", "-r", "48000", "-p", &self.period.to_string()])
                .env("JACK_NO_AUDIO_RESERVATION", "1")
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap();
            self.server = Some(server);
            let end = Instant::now() + Duration::from_secs(10);
            while Instant::now() < end {
                if self.ports("system:playback_1").len() == 1 {
                    return;
                }
                sleep(Duration::from_millis(20));
            }
            self.kill();
        }
        panic!("jackd does not start: {}", std::fs::read_to_string(self.folder.join("jackd.log")).unwrap_or_default());
    }

    /// Ends the server without a word, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
            self.sweep();
        }
    }

    /// What a server that was killed leaves behind.
    fn sweep(&self) {
        for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(&self.name) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        jack_store::mend();
    }

    /// A folder for this test's files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program that talks to this server.
    pub fn tool(&self, name: &str) -> Command {
        let mut command = program(name);
        self.on_this_server(&mut command);
        command
    }

    /// Makes a program talk to this server.
    pub fn on_this_server(&self, command: &mut Command) {
        command.env("JACK_DEFAULT_SERVER", &self.name).env("JACK_NO_START_SERVER", "1").env("JACK_NO_AUDIO_RESERVATION", "1");
    }

    /// Ports of the server whose names contain a text.
    pub fn ports(&self, containing: &str) -> Vec<String> {
        let listed = self.tool("jack_lsp").stderr(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).lines().filter(|port| port.contains(containing)).map(str::to_owned).collect()
    }

    /// Begins to record the daemon's left output for so many seconds; returns once it records.
    pub fn record(&self, seconds: f64) -> Recording {
        let mut port = None;
        until("the daemon has a port at the server", Duration::from_secs(20), || {
            // Of sound: `rackd:out` is for MIDI.
            port = self.ports("rackd").into_iter().find(|port| port.contains("out_"));
            port.is_some()
        });
        self.record_ports(seconds, &[port.unwrap()])
    }

    /// The same of these ports, a channel each.
    pub fn record_ports(&self, seconds: f64, ports: &[String]) -> Recording {
        let file = self.folder.join(format!("take{}.wav", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let child = self
            .tool("jack_capture")
            .args(["-d", &seconds.to_string(), "-f", "wav", "-b", "FLOAT", "-c", &ports.len().to_string()])
            .args(ports.iter().flat_map(|port| ["-p", port]))
            .args(["--hide-buffer-usage", "--disable-console"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It has its ports before they hear anything.
        until("jack_capture records", Duration::from_secs(20), || {
            let listed = self.tool("jack_lsp").arg("-c").stderr(Stdio::null()).output().unwrap();
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            listed.lines().filter(|line| line.starts_with(' ') && line.contains("jack_capture")).count() >= ports.len()
        });
        Recording { child, file }
    }
}

impl Drop for Jack {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = Command::new("kill").arg(server.id().to_string()).status();
            let _ = server.wait();
        }
        self.sweep();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A recording that is going on.
pub struct Recording {
    child: Child,
    file: PathBuf,
}

impl Recording {
    /// Ends it before its time: the samples so far.
    pub fn end(self) -> Vec<f32> {
        let _ = Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]).status();
        self.samples()
    }

    /// Waits for its end: the samples, at 48 kHz.
    pub fn samples(mut self) -> Vec<f32> {
        self.child.wait().unwrap();
        let mut reader = hound::WavReader::open(&self.file).unwrap();
        assert_eq!(reader.spec().sample_rate, 48_000);
        reader.samples::<f32>().map(Result::unwrap).collect()
    }
}
