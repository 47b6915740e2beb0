//! A JACK server of a test's own, with a dummy device.
//!
//! Its name is in the environment, which belongs to a whole process: each test runs once more, in a process of its own, by
//! [`in_its_own_process`]. A machine has room for eight servers, and one that was killed keeps its room until another of the same name
//! starts: so all tests use one name, one after another, and end what they start with a word.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::jack_store;

const MARK: &str = "RACKD_TEST_JACK";
const NAME: &str = "rackd_test";

/// A running server; ended when dropped.
pub struct Jackd {
    name: String,
    child: Child,
}

/// Runs a test's body in a process whose JACK server's name is its own. `test` is the test's full name. Without jackd installed it is
/// a failure where `CI` is set, else it is skipped with a word.
pub fn in_its_own_process(test: &str, body: impl FnOnce(&str)) {
    if std::env::var_os(MARK).is_some() {
        let turn = std::fs::File::create(std::env::temp_dir().join("rackd-test-jack.lock")).unwrap();
        turn.lock().unwrap();
        return body(NAME);
    }
    if Command::new("jackd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "jackd is not installed, and this is CI");
        println!("skipped {test}: jackd is not installed");
        return;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .env("JACK_DEFAULT_SERVER", NAME)
        .env("JACK_NO_AUDIO_RESERVATION", "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed in its own process");
}

impl Jackd {
    /// Starts a server and waits until it answers; real-time if the system lets it.
    pub fn start(name: &str, rate: u32, period: u32) -> Self {
        for realtime in ["-R", "-r"] {
            clean(name);
            let child = Command::new("jackd")
                .args(["-n", name, realtime, "-d", "dummy", "-r", &rate.to_string(), "-p", &period.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut server = Self { name: name.to_owned(), child };
            let ready = Command::new("jack_wait").args(["-w", "-t", "10"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
            if ready.is_ok_and(|status| status.success()) && server.child.try_wait().unwrap().is_none() {
                return server;
            }
        }
        panic!("jackd does not start");
    }

    /// Sends it a signal by name, such as `STOP`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Ends it at once, as a crash would.
    pub fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Jackd {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal("CONT");
            self.signal("TERM");
        }
        let until = Instant::now() + Duration::from_secs(5);
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        clean(&self.name);
    }
}

/// Takes away what a server leaves behind that dies under its clients.
fn clean(name: &str) {
    jack_store::mend();
    let Ok(files) = std::fs::read_dir("/dev/shm") else { return };
    for file in files.flatten() {
        let shown = file.file_name().to_string_lossy().into_owned();
        if shown.starts_with("jack_sem.") && shown.contains(name) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// The ports there are.
pub fn ports() -> Vec<String> {
    let listed = Command::new("jack_lsp").stderr(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect()
}

/// Waits until a port is there whose name has this in it.
pub fn wait_port(part: &str) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(port) = ports().into_iter().find(|port| port.contains(part)) {
            return port;
        }
        assert!(Instant::now() < until, "no port {part}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// What a port plays, captured by jack_capture for so many seconds.
pub fn capture(port: &str, seconds: f64, into: &Path) -> Vec<f32> {
    let _ = std::fs::remove_file(into);
    let status = Command::new("jack_capture")
        .args(["-d", &seconds.to_string(), "-f", "wav", "-b", "FLOAT", "-c", "1", "-p", port])
        .args(["--hide-buffer-usage", "--disable-console"])
        .arg(into)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("jack_capture is installed");
    assert!(status.success());
    let samples = hound::WavReader::open(into).unwrap().samples::<f32>().map(|x| x.unwrap()).collect();
    let _ = std::fs::remove_file(into);
    samples
}

/// A file name for this process only.
pub fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rackd-{}-{name}", std::process::id()))
}
