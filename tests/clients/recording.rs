//! Recordings of a daemon that is killed, that runs out of room, and that ends well.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use rackd::control::Value;

use super::daemon::{Daemon, TONE};
use super::jack::program;
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

/// Frames that Python's `wave` finds and can read.
fn by_python(path: &Path) -> u64 {
    let script = "import sys, wave; w = wave.open(sys.argv[1]); n = w.getnframes(); assert len(w.readframes(n)) == n * w.getnchannels() * w.getsampwidth(); print(n)";
    let output = program("python3").args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Frames that sox finds.
fn by_sox(path: &Path) -> u64 {
    let output = program("sox").arg("--i").arg("-s").arg(path).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
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
        (wav("whole.wav"), "whole numbers"),
        (wav("float.wav"), "floats"),
        (said, "FLAC"),
        (by_python(&folder.join("whole.wav")), "Python"),
        (by_sox(&folder.join("whole.wav")), "sox"),
        (by_sox(&folder.join("float.wav")), "sox, floats"),
    ] {
        assert!(frames >= least, "{what}: {frames} frames after {ran:?}");
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

/// A sine of so much, without a hole: in each two of its periods it is as loud.
fn sounds_throughout(samples: &[f32], loud: f32) {
    let first = samples.iter().position(|x| x.abs() > 0.9 * loud).unwrap();
    let last = samples.iter().rposition(|x| x.abs() > 0.9 * loud).unwrap();
    assert!(last > first + 48_000, "{first} to {last}");
    for (at, window) in samples[first..last].chunks_exact(220).enumerate() {
        let peak = window.iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!((peak / loud - 1.0).abs() < 0.01, "{peak} at frame {}", first + 220 * at);
    }
}

#[test]
fn a_full_disk_is_told_its_files_are_whole_and_the_sound_is_untouched() {
    let folder = folder("full");
    let disk = folder.join("disk");
    std::fs::create_dir(&disk).unwrap();
    if let Some(why) = Daemon::no_small_disk(&disk) {
        println!("skipped: nobody is given a disk of his own here: {why}");
        return;
    }
    let whole = folder.join("whole.wav");
    let more = ["--rate", "48000", "--record-folder", disk.to_str().unwrap(), "--record", whole.to_str().unwrap()];
    let mut daemon = Daemon::on_a_small_disk(&folder, &disk, 300, TONE, &more);
    let speaker = Speaker::to(&daemon);
    speaker.say("/tone/note 69 1 60");
    for (name, bits) in [("take.wav", 32), ("whole.wav", 24), ("take.flac", 24)] {
        speaker.say(&format!("/record/start {name} {bits}"));
        speaker.wait("/done");
        let error = speaker.wait("/record/error");
        assert!(error[1].text().is_some_and(|why| why.contains("No space left")), "{error:?}");
        let done = speaker.wait("/record/done");
        assert_eq!((&error[0], done[0].text()), (&done[0], disk.canonicalize().unwrap().join(name).to_str()));
        let Value::Integer(frames) = done[1] else { panic!("{done:?}") };
        let file = daemon.seen(&disk.join(name));
        if name.ends_with("flac") {
            let mut reader = claxon::FlacReader::open(&file).unwrap();
            assert_eq!(reader.samples().map(Result::unwrap).count() as i64 / 2, frames);
        } else {
            assert_eq!(i64::from(hound::WavReader::open(&file).unwrap().duration()), frames);
        }
        if bits == 24 && name.ends_with("wav") {
            assert_eq!(by_python(&file) as i64, frames);
        }
        assert_eq!(by_sox(&file) as i64, frames);
        let length = std::fs::metadata(&file).unwrap().len();
        assert!(frames > 10_000 && (200 * 1024..=300 * 1024).contains(&length), "{frames} frames in {length} bytes");
        std::fs::remove_file(&file).unwrap();
    }
    assert!(daemon.lives());
    daemon.signal("TERM");
    assert_eq!(daemon.exit_code(), Some(0));
    let left: Vec<f32> = hound::WavReader::open(&whole).unwrap().samples::<f32>().map(Result::unwrap).step_by(2).collect();
    // It fades out at its end.
    sounds_throughout(&left[..left.len() - 9_600], 0.1);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// One writer stands still for two seconds, as with a disk that does not answer: what is lost is counted and silent in its file, and no
/// other file misses a frame.
#[test]
fn a_writer_that_stands_still_loses_what_is_counted_and_nobody_else_does() {
    let folder = folder("stalled");
    let daemon = Daemon::silent(&folder, TONE, &["--rate", "48000"]);
    let speaker = Speaker::to(&daemon);
    speaker.say("/tone/note 69 1 60");
    speaker.say("/record/start slow.wav buffers 16");
    speaker.wait("/done");
    speaker.say("/record/start other.wav buffers 16");
    speaker.wait("/done");
    sleep(Duration::from_millis(500));
    let writers = daemon.threads("recorder");
    assert_eq!(writers.len(), 2);
    let slow = Pid::from_raw(writers[0]);
    if let Err(why) = ptrace::seize(slow, ptrace::Options::empty()) {
        println!("skipped: no thread may be held here: {why}");
        return;
    }
    ptrace::interrupt(slow).unwrap();
    waitpid(slow, Some(WaitPidFlag::__WALL)).unwrap();
    sleep(Duration::from_secs(2));
    ptrace::detach(slow, None).unwrap();
    sleep(Duration::from_millis(500));
    speaker.say("/record/stop");
    let mut lost = [0; 2];
    for _ in 0..2 {
        let done = speaker.wait("/record/done");
        let slow = done[0].text().unwrap().ends_with("slow.wav");
        lost[usize::from(!slow)] = done[2].number().unwrap() as usize;
    }
    let read = |name: &str| hound::WavReader::open(folder.join(name)).unwrap().samples::<f32>().map(Result::unwrap).step_by(2).collect();
    let (slow, other): (Vec<f32>, Vec<f32>) = (read("slow.wav"), read("other.wav"));
    // 16 buffers of 1024 frames are a third of a second.
    assert!(lost[0] > 48_000 && lost[1] == 0, "{lost:?} frames lost");
    sounds_throughout(&other[..other.len() - 9_600], 0.1);
    // Both end in the same frame.
    let heard = slow.iter().rev().zip(other.iter().rev());
    let silent = heard.filter(|(slow, other)| slow != other).inspect(|(slow, _)| assert_eq!(**slow, 0.0)).count();
    assert!(silent <= lost[0] && silent + silent / 50 > lost[0], "{silent} frames are silent of {} lost", lost[0]);
    drop(daemon);
    std::fs::remove_dir_all(&folder).unwrap();
}
