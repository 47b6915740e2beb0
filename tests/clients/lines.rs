//! A daemon that a program drives by lines: one that does not read, and one that is killed.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::daemon::TONE;
use super::speaker::Speaker;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd_lines_{name}_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("tone.toml"), TONE).unwrap();
    folder
}

/// rackd's words for a patch in this folder.
fn words(folder: &Path, more: &[&str]) -> Vec<String> {
    let patch = folder.join("tone.toml").display().to_string();
    let all = [env!("CARGO_BIN_EXE_rackd"), "play", &patch, "--host", "silent", "--midi", "none", "--osc", "127.0.0.1:0", "--json"];
    all.iter().chain(more).map(ToString::to_string).collect()
}

fn piped(words: &[String]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, said)
}

/// The next thing said that is so.
fn wait_for(said: &mut Lines<BufReader<ChildStdout>>, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut objects = said.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    objects.find(|object| wanted(object)).expect("it is said")
}

fn listening(said: &mut Lines<BufReader<ChildStdout>>) -> SocketAddr {
    wait_for(said, |object| object["event"] == "listening")["osc"].as_str().unwrap().parse().unwrap()
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap().success());
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(10));
    }
}

/// Questions, typed by a thread for as long as they are taken; how many were.
fn typed(child: &mut Child, count: usize) -> Arc<AtomicUsize> {
    let (mut stdin, done) = (child.stdin.take().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&done);
    spawn(move || {
        for _ in 0..count {
            if stdin.write_all(b"/tone/loud\n").is_err() {
                return;
            }
            counted.fetch_add(1, Relaxed);
        }
    });
    done
}

#[test]
fn who_does_not_read_the_answers_holds_up_nobody_but_himself_and_loses_none() {
    const QUESTIONS: usize = 30_000;
    let folder = folder("unread");
    for reads_later in [true, false] {
        let (mut child, mut said) = piped(&words(&folder, &["--stdin"]));
        let speaker = Speaker::at(listening(&mut said));
        let done = typed(&mut child, QUESTIONS);
        let mut before = usize::MAX;
        until("he is never held back", || {
            sleep(Duration::from_millis(300));
            let now = done.load(Relaxed);
            now > 0 && std::mem::replace(&mut before, now) == now
        });
        assert!(before < QUESTIONS, "all of it was taken though nobody reads the answers");
        speaker.say("/tone/loud");
        speaker.wait("/tone/loud");
        if reads_later {
            let answers = said.map_while(Result::ok).filter(|line| line.contains(r#""address":"/tone/loud""#)).count();
            assert_eq!(answers, QUESTIONS);
        } else {
            signal(child.id(), "TERM");
        }
        let mut code = None;
        until("it does not end", || {
            code = child.try_wait().unwrap();
            code.is_some()
        });
        assert_eq!(code.and_then(|status| status.code()), Some(0));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Starts what its arguments say as a child, tells which process that is, holds a note there, and passes on what it says.
const CONTROLLER: &str = "
import subprocess, sys
rackd = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(rackd.pid, flush=True)
rackd.stdin.write('/tone/note/on mine 60 1\\n/sync 7\\n')
rackd.stdin.flush()
for line in rackd.stdout:
    print(line, end='', flush=True)
";

/// Whether a process has ended, read by its parent or not.
fn is_over(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

#[test]
fn a_controller_that_is_killed_takes_its_notes_with_it_and_the_engine_only_where_it_was_not_to_be_kept() {
    for keeps in [true, false] {
        let folder = folder(if keeps { "kept" } else { "ended" });
        let take = folder.join("take.wav");
        let arguments = words(&folder, &["--record", take.to_str().unwrap(), if keeps { "--stdin=keep" } else { "--stdin" }]);
        let python = ["python3", "-c", CONTROLLER].map(str::to_owned);
        let (mut controller, mut said) = piped(&[&python[..], &arguments].concat());
        let process: u32 = said.next().unwrap().unwrap().parse().unwrap();
        let speaker = Speaker::at(listening(&mut said));
        let answer = wait_for(&mut said, |object| object["event"] == "answer");
        assert_eq!((&answer["address"], &answer["args"]), (&"/synced".into(), &serde_json::json!([7])));
        speaker.say("/tone/note/on another 64 1");
        until("two notes sound", || speaker.status("voices") == 2);
        controller.kill().unwrap();
        controller.wait().unwrap();
        if keeps {
            until("the dead one's note is let go", || speaker.status("voices") == 1);
            sleep(Duration::from_millis(300));
            assert!(!is_over(process) && speaker.status("voices") == 1, "another's sounds on");
            signal(process, "TERM");
        }
        until("it ends", || is_over(process));
        let mut reader = hound::WavReader::open(&take).unwrap();
        let samples: Vec<f32> = reader.samples::<f32>().map(Result::unwrap).collect();
        assert!(samples.iter().any(|x| x.abs() > 0.05), "the recording holds the notes");
        assert!(samples.iter().rev().take(20).all(|x| x.abs() < 0.01), "and fades out");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
