//! What the system grants a running rackd is what it says of itself; what is refused ends only who cannot do without.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const PLAY: [&str; 7] = ["play", "--osc", "none", "--midi", "none", "--json", "--stdin"];
/// It is played on what there is not: so the silent clock runs, as for who has no sound card.
const NOWHERE: [&str; 4] = ["--host", "alsa", "--device", "no such device"];

fn rackd(more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rackd"));
    let nowhere: &[&str] = if more.contains(&"--host") { &[] } else { &NOWHERE };
    command.args(PLAY).args(nowhere).args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Plays, and ends with this value.
struct Playing {
    child: Child,
    rights: Value,
}

impl Playing {
    fn start(more: &[&str]) -> Self {
        let mut child = rackd(more).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut said = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap_or_else(|why| panic!("{line}: {why}")));
        let rights = said.find(|said| said["event"] == "rights").expect("it says what it was granted");
        Self { child, rights }
    }

    /// A line of the system's about the process, or one of its threads.
    fn line(&self, thread: &str, name: &str) -> String {
        let text = fs::read_to_string(format!("/proc/{}/{thread}status", self.child.id())).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim_start_matches(':').trim().to_owned()
    }

    /// The cores of each thread, by its name.
    fn cores(&self) -> BTreeMap<String, String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let task = |task: fs::DirEntry| format!("task/{}/", task.file_name().to_string_lossy());
        tasks.map(|found| task(found.unwrap())).map(|task| (self.line(&task, "Name"), self.line(&task, "Cpus_allowed_list"))).collect()
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refused(more: &[&str]) -> (Output, String) {
    let output = rackd(more).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, told)
}

#[test]
fn memory_is_locked_where_it_says_so_and_nowhere_else() {
    let locked = |playing: &Playing| playing.line("", "VmLck").trim_end_matches(" kB").parse::<u64>().unwrap() > 0;
    let asked = Playing::start(&[]);
    assert_eq!(asked.rights["memory-locked"], Value::Bool(locked(&asked)));
    let unasked = Playing::start(&["--lock-memory", "no", "--realtime", "no"]);
    assert!(!locked(&unasked));
    assert_eq!((&unasked.rights["memory-locked"], &unasked.rights["realtime"]), (&Value::Bool(false), &Value::Bool(false)));
    assert_eq!(unasked.rights.get("text"), None, "of what was not asked for nothing is said");
    let silent = Playing::start(&["--host", "silent"]);
    assert!(!locked(&silent) && silent.rights.get("text").is_none(), "where nothing is heard, nothing is asked for");
}

#[test]
fn who_cannot_do_without_plays_with_it_or_not_at_all() {
    let asked = Playing::start(&[]);
    for (option, name) in [("--realtime", "realtime"), ("--lock-memory", "memory-locked")] {
        if asked.rights[name] == Value::Bool(true) {
            assert_eq!(Playing::start(&[option, "yes"]).rights[name], Value::Bool(true));
        } else {
            let (output, told) = refused(&[option, "yes"]);
            assert_eq!(output.status.code(), Some(3), "{told}");
            assert!(told.contains(&format!("{option} yes: ")) && told.contains("for a service Limit"), "{told}");
            let text = asked.rights["text"].as_str().unwrap();
            assert!(text.contains("/etc/security/limits.d/audio.conf"), "{text}");
        }
    }
}

#[test]
fn audio_threads_stay_on_their_cores_and_others_do_not() {
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let all = own.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned();
    let first = all.split([',', '-']).next().unwrap().to_owned();
    let playing = Playing::start(&["--affinity", &first, "--threads", "2"]);
    assert_eq!(playing.rights["cores"], Value::String(first.clone()));
    let cores = playing.cores();
    for audio in ["silent-clock", "sound-worker-1"] {
        assert_eq!(cores.get(audio), Some(&first), "{cores:?}");
    }
    assert_eq!(cores.get("rackd"), Some(&all), "{cores:?}");
    let (output, told) = refused(&["--affinity", "1023"]);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("--affinity 1023: there is no core 1023 for rackd to run on; there are "), "{told}");
}
