//! Recordings of a daemon that is killed, that runs out of room, and that ends well.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rackd::control::Value;

use super::daemon::{Daemon, TONE};
use super::speaker::Speaker;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd_recording_{name}_{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A path as it is told.
fn path(path: &Path) -> Value {
    Value::from(path.canonicalize().unwrap().to_str().unwrap())
}

/// Frames that Python's `wave` finds and can read, where there is Python.
fn by_python(path: &Path) -> Option<u64> {
    let script = "import sys, wave; w = wave.open(sys.argv[1]); n = w.getnframes(); assert len(w.readframes(n)) == n * w.getnchannels() * w.getsampwidth(); print(n)";
    let output = Command::new("python3").args(["-c", script]).arg(path).output().ok()?;
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap())
}

/// Frames that sox finds, where there is sox.
fn by_sox(path: &Path) -> Option<u64> {
    let output = Command::new("sox").arg("--i").arg("-s").arg(path).output().ok()?;
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap())
}

/// One life: three recordings, killed after so long. What is in each file, by each who can read it.
fn kill_after(folder: &Path, alive: Duration) {
    let daemon = Daemon::silent(folder, TONE, &["--rate", "48000"]);
    let speaker = Speaker::to(&daemon);
    speaker.say("/tone/note 69 1 30");
    speaker.say("/record/start whole.wav 24");
    speaker.say("/record/start float.wav");
    speaker.say("/record/start squeezed.flac tone");
    (0..3).for_each(|_| drop(speaker.wait("/done")));
    let began = Instant::now();
    sleep(alive);
    let ran = began.elapsed();
    daemon.signal("KILL");
    let least = ((ran.as_secs_f64() - 1.0) * 48_000.0) as u64;
    let wav = |name: &str| u64::from(hound::WavReader::open(folder.join(name)).unwrap().duration());
    let mut whole = hound::WavReader::open(folder.join("whole.wav")).unwrap();
    let samples = whole.samples::<i32>().map(Result::unwrap).filter(|x| *x != 0).count() as u64;
    let mut reader = claxon::FlacReader::open(folder.join("squeezed.flac")).unwrap();
    let said = reader.streaminfo().samples.unwrap_or(0);
    let read = reader.samples().take_while(Result::is_ok).count() as u64 / 2;
    assert!(read >= said);
    for (frames, what) in [
        (Some(wav("whole.wav")), "whole numbers"),
        (Some(wav("float.wav")), "floats"),
        (Some(said), "FLAC"),
        (by_python(&folder.join("whole.wav")), "Python"),
        (by_sox(&folder.join("whole.wav")), "sox"),
        (by_sox(&folder.join("float.wav")), "sox, floats"),
    ] {
        assert!(frames.is_none_or(|frames| frames >= least), "{what}: {frames:?} frames after {ran:?}");
    }
    assert!(samples > least, "and they are sound: {samples}");
}

#[test]
fn killed_at_any_moment_all_but_the_last_second_is_there() {
    let folder = folder("killed");
    for life in 0..20u64 {
        // Any number will do that is no multiple of what the writer counts in.
        let alive = Duration::from_micros(1_050_000 + life * 7_919_003 % 1_900_000);
        let folder = folder.join(life.to_string());
        std::fs::create_dir(&folder).unwrap();
        kill_after(&folder, alive);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A file that may grow no further ends; rackd, its sound and the next recording go on.
#[test]
fn a_file_that_may_not_grow_is_told_and_nothing_dies() {
    let folder = folder("limit");
    let mut daemon = Daemon::limited(&folder, TONE, 400, &["--rate", "48000"]);
    let speaker = Speaker::to(&daemon);
    for name in ["take.wav", "take.flac"] {
        // A held note fills 200 KiB in a few seconds, FLAC or not.
        speaker.say("/tone/note 60 1 60");
        speaker.say(&format!("/record/start {name}"));
        assert_eq!(speaker.wait("/done")[0], Value::from("/record/start"));
        let error = speaker.wait("/record/error");
        assert_eq!(error[0], path(&folder.join(name)));
        let done = speaker.wait("/record/done");
        assert_eq!((error.len(), &done[0]), (2, &error[0]));
        let Value::Integer(frames) = done[1] else { panic!("{done:?}") };
        if name.ends_with("wav") {
            assert_eq!(hound::WavReader::open(folder.join(name)).unwrap().duration() as i64, frames);
        } else {
            let mut reader = claxon::FlacReader::open(folder.join(name)).unwrap();
            assert_eq!(reader.samples().map(Result::unwrap).count() as i64 / 2, frames);
        }
        assert!(frames > 10_000 && std::fs::metadata(folder.join(name)).unwrap().len() <= 400 * 512);
    }
    assert!(daemon.lives());
    daemon.signal("TERM");
    assert_eq!(daemon.exit_code(), Some(0));
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What is under way when rackd ends is complete, in the folder that was given and no other.
#[test]
fn ending_completes_the_files() {
    let folder = folder("ending");
    let takes = folder.join("takes");
    std::fs::create_dir(&takes).unwrap();
    let mut daemon =
        Daemon::silent(&folder, TONE, &["--record-folder", takes.to_str().unwrap(), "--record", folder.join("all.flac").to_str().unwrap()]);
    let speaker = Speaker::to(&daemon);
    speaker.say("/record/start part flac 16");
    speaker.wait("/done");
    sleep(Duration::from_millis(300));
    daemon.signal("TERM");
    let done = speaker.wait("/record/done");
    assert_eq!(done[0], path(&takes.join("part.flac")));
    assert_eq!(daemon.exit_code(), Some(0));
    for file in [takes.join("part.flac"), folder.join("all.flac")] {
        let mut reader = claxon::FlacReader::open(&file).unwrap();
        let about = reader.streaminfo();
        assert!(about.samples.unwrap() > 10_000 && about.md5sum != [0; 16]);
        assert_eq!(reader.samples().map(Result::unwrap).count() as u64, 2 * about.samples.unwrap());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
