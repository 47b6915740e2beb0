//! Recording: what was played is in the file, in its own place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rackd::record::{RecordEvent, Recorded, Recorder, Sample, WavFile};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd-it-record-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn read(path: &Path) -> Vec<f32> {
    hound::WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).collect()
}

#[test]
fn all_that_was_played_is_in_the_file() {
    let folder = folder("all");
    let (recorder, mut tap) = Recorder::start(&folder.join("take.wav"), 48_000, 2, Sample::Float32).unwrap();
    let mut at = 0;
    let mut played = Vec::new();
    for size in [1usize, 64, 113, 512, 4096, 96_000, 7] {
        let block: Vec<f32> = (at..at + 2 * size).map(|n| (n as f32).sin()).collect();
        tap.push(&block);
        at += 2 * size;
        played.extend(block);
    }
    let RecordEvent::Done(files) = recorder.finish() else { panic!("it ends well") };
    assert_eq!(files, [Recorded { path: folder.join("take.wav"), frames: played.len() as u64 / 2 }]);
    assert_eq!(read(&files[0].path), played);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn it_ends_with_what_plays() {
    let folder = folder("ends");
    let (recorder, mut tap) = Recorder::start(&folder.join("take.wav"), 8_000, 1, Sample::Float32).unwrap();
    tap.push(&[0.5; 1000]);
    drop(tap);
    loop {
        match recorder.poll() {
            Some(RecordEvent::Done(files)) => break assert_eq!(files[0].frames, 1000),
            Some(other) => panic!("{other:?}"),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_a_slow_disk_misses_is_silence_and_time_stays_true() {
    let folder = folder("slow");
    let (recorder, mut tap) = Recorder::start(&folder.join("take.wav"), 1_000, 1, Sample::Float32).unwrap();
    // Far faster than any disk is asked: a minute at once.
    for frame in 0..60_000 {
        tap.push(&[frame as f32 + 1.0]);
    }
    while recorder.poll().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut frame = 60_000;
    let mut heard_again = 0;
    while heard_again < 200 {
        tap.push(&[frame as f32 + 1.0]);
        frame += 1;
        heard_again += 1;
        std::thread::sleep(Duration::from_micros(500));
    }
    let RecordEvent::Done(files) = recorder.finish() else { panic!("it ends well") };
    let heard = read(&files[0].path);
    let sound = heard.iter().filter(|x| **x != 0.0).count();
    assert!(sound >= 8_000 && heard.len() > sound, "{sound} of {} frames are sound", heard.len());
    for (at, x) in heard.iter().enumerate() {
        assert!(*x == 0.0 || *x == at as f32 + 1.0, "frame {at} is {x}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = folder("names");
    let path = folder.join("my take.wav");
    std::fs::write(&path, "precious").unwrap();
    for expected in ["my take-2.wav", "my take-3.wav"] {
        let file = WavFile::create(&path, 8_000, 1, Sample::Int16).unwrap();
        assert_eq!(file.path(), folder.join(expected));
        file.finish().unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    let error = WavFile::create(&folder.join("nowhere/take.wav"), 8_000, 1, Sample::Int16).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn whole_numbers_are_rounded_and_clipped() {
    let folder = folder("bits");
    let samples = [0.0, 0.5, -0.5, 1.0, -1.0, 7.0, -7.0, f32::NAN, 0.000_02];
    for (sample, full, name) in [(Sample::Int16, 32_768i32, "16.wav"), (Sample::Int24, 8_388_608, "24.wav")] {
        let mut file = WavFile::create(&folder.join(name), 48_000, 1, sample).unwrap();
        file.write(&samples).unwrap();
        let files = file.finish().unwrap();
        let mut reader = hound::WavReader::open(&files[0].path).unwrap();
        let heard: Vec<i32> = reader.samples::<i32>().map(Result::unwrap).collect();
        let small = (f64::from(samples[8]) * f64::from(full)).round() as i32;
        assert_eq!(heard, [0, full / 2, -full / 2, full - 1, -full, full - 1, -full, 0, small]);
    }
    std::fs::remove_dir_all(folder).unwrap();
}
