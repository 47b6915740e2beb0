//! `/record/…`: what is said, what is answered, what is in the files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rackd::control::{Client, Group, Message, Value, When};
use rackd::record;

use super::desk::{Desk, SYNTH, me, pair};
use super::record::{folder, read, read_flac};

/// A daemon's part of it, driven by hand.
struct Studio {
    desk: Desk,
    record: Arc<Mutex<record::Desk>>,
    folder: PathBuf,
    /// All that was told, with whom it was told to.
    told: Vec<(Client, Message)>,
}

impl Studio {
    fn new(name: &str) -> Self {
        let folder = folder(name);
        let mut desk = Desk::new(SYNTH);
        let record = record::Desk::start(&mut desk.control, vec![folder.clone()]).unwrap();
        Self { desk, record, folder, told: Vec::new() }
    }

    fn look(&mut self) {
        record::Desk::look(&self.record, &mut self.desk.control);
        self.told.extend(self.desk.control.tick());
    }

    /// What is answered at once.
    fn say_at(&mut self, at: When, line: &str) -> Vec<String> {
        let message = rackd::osc::text::read(line).unwrap().unwrap();
        let answers = self.desk.control.apply(me(), &[Group { at, messages: vec![message] }]);
        answers.iter().map(rackd::osc::text::spell).collect()
    }

    fn say(&mut self, line: &str) -> Vec<String> {
        self.say_at(When::Now, line)
    }

    /// Until something is told at this address; the engine stands still meanwhile.
    fn wait(&mut self, address: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(at) = self.told.iter().position(|(_, message)| message.address == address) {
                return rackd::osc::text::spell(&self.told.remove(at).1);
            }
            assert!(Instant::now() < end, "{address} is not told: {:?}", self.told);
            self.look();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Until so many recordings are in the engine's hands.
    fn ready(&mut self, count: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let list = self.desk.control.say(me(), "/record/list", &[]);
            let ready = list[0].values.iter().filter(|value| value.text().is_some_and(|path| Path::new(path).is_absolute()));
            if ready.count() == count {
                return;
            }
            assert!(Instant::now() < end, "{list:?} {:?}", self.told);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn run(&mut self, frames: usize) -> Vec<f32> {
        self.desk.run(frames)
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn it_records_from_one_time_tag_to_another() {
    let mut studio = Studio::new("tags");
    let now = studio.desk.engine.now();
    studio.say_at(When::At(now + 5_000), "/t/note 60 1 0.1");
    assert!(studio.say_at(When::At(now + 4_321), "/record/start take.wav").is_empty());
    assert!(studio.say_at(When::At(now + 4_321), "/record/start whole flac bits 16 channels 1").is_empty());
    assert_eq!(studio.say_at(When::At(now + 12_345), "/record/stop"), ["/done /record/stop 2"]);
    studio.ready(2);
    let heard = studio.run(16_000);
    let path = studio.folder.join("take.wav");
    let mut done = [studio.wait("/done"), studio.wait("/done")];
    done.sort();
    let flac = studio.folder.join("whole.flac");
    assert_eq!(done, [format!("/done /record/start {}", path.display()), format!("/done /record/start {}", flac.display())]);
    let mut ends = [studio.wait("/record/done"), studio.wait("/record/done")];
    ends.sort();
    assert_eq!(ends, [format!("/record/done {} 8024 0", path.display()), format!("/record/done {} 8024 0", flac.display())]);
    let left: Vec<f32> = read(&path).chunks(2).map(|frame| frame[0]).collect();
    assert!(left == heard[4_321..12_345] && left.iter().any(|x| *x != 0.0));
    let want: Vec<i32> = left.iter().map(|x| record::Sample::Int16.whole(*x)).collect();
    assert!(read_flac(&flac) == want);
    assert_eq!(studio.say("/record/list"), ["/record/list"]);
}

#[test]
fn without_arguments_and_tags_it_just_records() {
    let mut studio = Studio::new("plain");
    std::fs::write(studio.folder.join("take.wav"), "precious").unwrap();
    studio.desk.say("/t/note/on a 60 1");
    assert!(studio.say("/record/start take").is_empty());
    studio.ready(1);
    studio.run(4_800);
    // The name was taken.
    let path = studio.folder.join("take-2.wav");
    assert_eq!(studio.wait("/done"), format!("/done /record/start {}", path.display()));
    let list = studio.say("/record/list");
    assert!(list[0].starts_with(&format!("/record/list {} ", path.display())), "{list:?}");
    // Asked for as it was, or as it is: it is the same.
    for name in ["take", "./take.wav", path.to_str().unwrap()] {
        let again = studio.say(&format!("/record/start {name}"));
        assert!(again[0].starts_with("/fail /record/start not-allowed") && again[0].contains("being recorded already"), "{again:?}");
    }
    assert_eq!(studio.say("/record/stop take"), ["/done /record/stop 1"]);
    studio.run(64);
    assert_eq!(studio.wait("/record/done"), format!("/record/done {} 4800 0", path.display()));
    assert_eq!(std::fs::read_to_string(studio.folder.join("take.wav")).unwrap(), "precious");
    assert_eq!(read(&path).len(), 2 * 4_800);
    let gone = studio.say("/record/stop take.wav");
    assert!(gone[0].starts_with("/fail /record/stop file") && gone[0].contains("is not being recorded"), "{gone:?}");
    assert_eq!(studio.say("/record/stop"), ["/done /record/stop 0"]);
}

#[test]
fn slots_are_recorded_by_their_names() {
    let mut studio = Studio::new("slots");
    studio.desk.say("/t/note/on a 60 1");
    studio.desk.say("/master/level -20");
    studio.run(4_800);
    studio.say("/record/start both.wav t master 24");
    studio.say("/record/start mono.wav source t source /master channels 2 bits 16");
    studio.ready(2);
    let heard = studio.run(480);
    studio.say("/record/stop");
    studio.run(64);
    studio.wait("/record/done");
    studio.wait("/record/done");
    let open = |name: &str| hound::WavReader::open(studio.folder.join(name)).unwrap();
    let samples: Vec<i32> = open("both.wav").samples::<i32>().map(Result::unwrap).collect();
    assert_eq!((open("both.wav").spec().channels, open("both.wav").spec().bits_per_sample), (4, 24));
    for (frame, heard) in samples.chunks(4).zip(&heard) {
        // The slot before the master's level, the master behind it.
        assert_eq!(frame[2], record::Sample::Int24.whole(*heard));
        assert!(frame[0] == frame[1] && frame[0] > 9 * frame[2] && *heard > 0.0, "{frame:?}");
    }
    assert_eq!((open("mono.wav").spec().channels, open("mono.wav").spec().bits_per_sample), (2, 16));
}

#[test]
fn what_cannot_be_is_refused_with_what_there_is() {
    let mut studio = Studio::new("refused");
    let too_many = vec!["master"; 33].join(" ");
    for (line, code, told) in [
        ("", "wrong-arguments", "the path of a file"),
        ("5", "wrong-arguments", "the path of a file"),
        ("a.wav 20", "wrong-arguments", "16, 24 or 32 bits (32 are float); not 20"),
        ("a.flac 32", "wrong-arguments", "16 or 24 bits; not 32"),
        ("a.flac bits 8", "wrong-arguments", "16 or 24 bits; not 8"),
        ("a.wav flac", "wrong-arguments", "the ending says wav"),
        ("a.mp3", "wrong-arguments", ".wav or .flac, not in .mp3"),
        ("a.wav format ogg", "wrong-arguments", "wav and flac; not ogg"),
        ("a.wav master channels 3", "wrong-arguments", "1 or 2 channels"),
        ("a.wav master t channels 3", "wrong-arguments", "2 or 4 channels"),
        ("a.wav mastre", "wrong-arguments", "did you mean master?"),
        ("a.wav 24 2 64 9", "wrong-arguments", "have been said"),
        ("a.wav 24 bits 16", "wrong-arguments", "said twice"),
        ("a.wav buffers 2", "wrong-arguments", "8 to 4096 buffers"),
        ("a.wav bits", "wrong-arguments", "bits of what?"),
        ("a.wav bits 16.5", "wrong-arguments", "a whole number"),
        (&format!("a.wav {too_many}"), "wrong-arguments", "64 channels are the most, not 66"),
        ("a.flac t t t t t", "wrong-arguments", "8 channels at most, not 10"),
    ] {
        let answers = studio.say(&format!("/record/start {line}"));
        assert!(answers.len() == 1 && answers[0].starts_with(&format!("/fail /record/start {code}")), "{line}: {answers:?}");
        assert!(answers[0].contains(told), "{line}: {answers:?}");
    }
    // Only the disk knows these: they are told when it was asked.
    std::os::unix::fs::symlink("/tmp", studio.folder.join("elsewhere")).unwrap();
    for line in ["../a.wav", "/tmp/a.wav", "nowhere/a.wav", "elsewhere/a.wav", ".wav", "/dev/null.wav"] {
        assert!(studio.say(&format!("/record/start {line}")).is_empty(), "{line}");
        let told = studio.wait("/fail");
        assert!(told.starts_with("/fail /record/start file") && told.contains("folders given") || told.contains("does not end"), "{told}");
    }
    assert_eq!(std::fs::read_dir(&studio.folder).unwrap().count(), 1, "nothing was written");
    for number in 0..8 {
        assert!(studio.say(&format!("/record/start {number}.wav")).is_empty());
    }
    studio.ready(8);
    let full = studio.say("/record/start 8.wav");
    assert!(full[0].starts_with("/fail /record/start full"), "{full:?}");
    record::Desk::end(&studio.record);
}

#[test]
fn subscribers_are_told_too_and_each_once() {
    let mut studio = Studio::new("told");
    let other = Client { host: 0, door: 4_711, ..me() };
    let sub = |studio: &mut Studio, who| studio.desk.control.say(who, "/sub", &["/record".into()]);
    assert_eq!(sub(&mut studio, other)[0].address, "/done");
    for starter_subscribes in [false, true] {
        if starter_subscribes {
            sub(&mut studio, me());
        }
        studio.told.clear();
        studio.say("/record/start take.wav");
        studio.ready(1);
        studio.run(640);
        studio.say("/record/stop");
        studio.run(64);
        studio.wait("/record/done");
        (0..5).for_each(|_| studio.look());
        let of = |address: &str| studio.told.iter().filter(|(_, message)| message.address == address).count();
        assert_eq!((of("/done"), of("/record/done")), (1, 1), "one of two was waited for: {:?}", studio.told);
    }
}

/// At the end all files are completed, also of what has not begun.
#[test]
fn at_the_end_all_files_are_whole() {
    let (mut control, mut engine) = pair(Vec::new());
    let folder = folder("end");
    let record = record::Desk::start(&mut control, vec![folder.clone()]).unwrap();
    control.say(me(), "/record/start", &["now.wav".into()]);
    control.apply(me(), &[Group { at: When::At(480_000), messages: vec![Message::new("/record/start", vec!["later.flac".into()])] }]);
    while control.say(me(), "/record/list", &[])[0].values.iter().filter_map(Value::text).filter(|path| path.starts_with('/')).count() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    engine.run(&[], 0, &mut [0.0; 2_000], 2);
    let run = std::thread::spawn(move || {
        for _ in 0..200 {
            engine.run(&[], 0, &mut [0.0; 128], 2);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    record::Desk::end(&record);
    assert!(read(&folder.join("now.wav")).len() >= 2_000);
    assert!(read_flac(&folder.join("later.flac")).is_empty());
    run.join().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
