//! Files of sound: what was played is in them, in its own place, whatever they are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rackd::record::{Format, RecordEvent, Recorded, Recorder, Sample, SoundFile, Spec, Unfit};

pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rackd-it-record-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn read(path: &Path) -> Vec<f32> {
    hound::WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).collect()
}

/// What a FLAC decoder by others makes of a file.
pub fn read_flac(path: &Path) -> Vec<i32> {
    claxon::FlacReader::open(path).unwrap().samples().map(Result::unwrap).collect()
}

fn wave(samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (n as f32 * 0.01).sin() * 0.9 + (n as f32).sin() * 0.05).collect()
}

#[test]
fn all_that_was_played_is_in_the_file() {
    let folder = folder("all");
    let (recorder, mut tap) = Recorder::start(&folder.join("take.wav"), Spec::wav(Sample::Float32, 48_000, 2)).unwrap();
    let mut at = 0;
    let mut played = Vec::new();
    for size in [1usize, 64, 113, 512, 4096, 96_000, 7] {
        let block: Vec<f32> = (at..at + 2 * size).map(|n| (n as f32).sin()).collect();
        tap.push(&block);
        at += 2 * size;
        played.extend(block);
    }
    let RecordEvent::Done(file) = recorder.finish() else { panic!("it ends well") };
    assert_eq!(file, Recorded { path: folder.join("take.wav"), frames: played.len() as u64 / 2, lost: 0 });
    assert_eq!(read(&file.path), played);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn it_ends_with_what_plays() {
    let folder = folder("ends");
    let (recorder, mut tap) = Recorder::start(&folder.join("take.wav"), Spec::wav(Sample::Float32, 8_000, 1)).unwrap();
    tap.push(&[0.5; 1000]);
    drop(tap);
    loop {
        match recorder.poll() {
            Some(RecordEvent::Done(file)) => break assert_eq!(file.frames, 1000),
            Some(other) => panic!("{other:?}"),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_a_slow_disk_misses_is_silence_and_time_stays_true() {
    let folder = folder("slow");
    let (recorder, mut tap) = Recorder::start(&folder.join("take.wav"), Spec::wav(Sample::Float32, 1_000, 1)).unwrap();
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
    let RecordEvent::Done(file) = recorder.finish() else { panic!("it ends well") };
    let heard = read(&file.path);
    let sound = heard.iter().filter(|x| **x != 0.0).count();
    assert!(sound >= 4_000 && heard.len() > sound, "{sound} of {} frames are sound", heard.len());
    assert!(file.lost >= (heard.len() - sound) as u64, "{file:?}");
    for (at, x) in heard.iter().enumerate() {
        assert!(*x == 0.0 || *x == at as f32 + 1.0, "frame {at} is {x}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = folder("names");
    for ending in ["wav", "flac"] {
        let path = folder.join(format!("my take.{ending}"));
        std::fs::write(&path, "precious").unwrap();
        for expected in ["my take-2", "my take-3"] {
            let mut file = SoundFile::create(&path, Spec::of_path(&path, 8_000, 1).unwrap()).unwrap();
            assert_eq!(file.path(), folder.join(format!("{expected}.{ending}")));
            file.finish().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
    let error = SoundFile::create(&folder.join("nowhere/take.wav"), Spec::wav(Sample::Int16, 8_000, 1)).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn whole_numbers_are_rounded_and_clipped() {
    let folder = folder("bits");
    let samples = [0.0, 0.5, -0.5, 1.0, -1.0, 7.0, -7.0, f32::NAN, 0.000_02];
    for (sample, full, bits) in [(Sample::Int16, 32_768i32, 16), (Sample::Int24, 8_388_608, 24)] {
        let small = (f64::from(samples[8]) * f64::from(full)).round() as i32;
        let want = [0, full / 2, -full / 2, full - 1, -full, full - 1, -full, 0, small];
        let written = |format: Format| {
            let path = folder.join(format!("{bits}.{}", format.name()));
            let mut file = SoundFile::create(&path, Spec::new(format, sample, 48_000, 1).unwrap()).unwrap();
            file.write(&samples).unwrap();
            file.finish().unwrap().path
        };
        let mut reader = hound::WavReader::open(written(Format::Wav)).unwrap();
        assert_eq!(reader.samples::<i32>().map(Result::unwrap).collect::<Vec<_>>(), want);
        assert_eq!(read_flac(&written(Format::Flac)), want);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// FLAC gives back, by another decoder, exactly what went in: any length, any number of channels, its sum of digits right.
#[test]
fn flac_is_decoded_to_the_same_numbers() {
    let folder = folder("flac");
    for (channels, frames, bits, rate) in [
        (1u16, 1usize, 16u32, 8_000u32),
        (2, 31, 24, 44_100),
        (2, 4096, 16, 48_000),
        (2, 4097, 24, 48_000),
        (3, 10_000, 24, 96_000),
        (8, 9_000, 16, 48_000),
    ] {
        let (sample, path) = (Sample::of_bits(bits).unwrap(), folder.join(format!("{channels}-{frames}.flac")));
        let samples = wave(usize::from(channels) * frames);
        let mut file = SoundFile::create(&path, Spec::new(Format::Flac, sample, rate, channels).unwrap()).unwrap();
        samples.chunks(1001 * usize::from(channels)).for_each(|piece| file.write(piece).unwrap());
        assert_eq!(file.finish().unwrap(), Recorded { path: path.clone(), frames: frames as u64, lost: 0 });
        let want: Vec<i32> = samples.iter().map(|x| sample.whole(*x)).collect();
        assert!(read_flac(&path) == want, "{channels} channels, {frames} frames");
        let about = claxon::FlacReader::open(&path).unwrap().streaminfo();
        assert_eq!((about.samples, about.sample_rate, about.channels), (Some(frames as u64), rate, u32::from(channels)));
        assert!(about.md5sum != [0; 16] && about.max_frame_size.is_some_and(|size| size > 0));
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_a_format_cannot_be_is_refused() {
    assert_eq!(Spec::new(Format::Flac, Sample::Float32, 48_000, 2), Err(Unfit::Floats));
    assert_eq!(Spec::new(Format::Flac, Sample::Int24, 48_000, 9), Err(Unfit::Channels(9)));
    assert_eq!(Spec::new(Format::Flac, Sample::Int24, 192_000, 2), Err(Unfit::Rate(192_000)));
    assert!(Spec::new(Format::Wav, Sample::Float32, 192_000, 64).is_ok());
    assert_eq!((Sample::of_bits(20), Format::of_path(Path::new("a.FLAC"))), (None, Some(Format::Flac)));
}

/// Many channels are side by side, in a header that says so.
#[test]
fn a_file_of_many_channels_opens() {
    let folder = folder("many");
    for sample in [Sample::Float32, Sample::Int24, Sample::Int16] {
        let path = folder.join(format!("{}.wav", sample.bits()));
        let mut file = SoundFile::create(&path, Spec::wav(sample, 48_000, 64)).unwrap();
        let samples: Vec<f32> = (0..640).map(|n| n as f32 / 1024.0).collect();
        file.write(&samples).unwrap();
        file.finish().unwrap();
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().bits_per_sample, reader.duration()), (64, sample.bits(), 10));
        if sample == Sample::Float32 {
            assert_eq!(reader.samples::<f32>().map(Result::unwrap).collect::<Vec<_>>(), samples);
        } else {
            let want: Vec<i32> = samples.iter().map(|x| sample.whole(*x)).collect();
            assert_eq!(reader.samples::<i32>().map(Result::unwrap).collect::<Vec<_>>(), want);
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}
