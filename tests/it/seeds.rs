//! What the systems do that came before, call by call, and what does it here.
//!
//! Each call has one row: what theirs does, what is said here instead, and a function that shows it, in this program or as a test of
//! another. No call is left out, and none can vanish: the calls themselves are listed in [`CALLS`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rackd::control::When;
use rackd::record;
use rackd::score::Stand;
use rackd::score::stand::lock;

use super::desk::{Desk, me};
use super::record::folder;
use super::{seeds_csound, seeds_pyo, seeds_sequencer, seeds_streams};

/// One call.
pub struct Row {
    /// Whose and which.
    pub call: &'static str,
    /// What theirs does.
    pub theirs: &'static str,
    /// What does it here.
    pub ours: &'static str,
    pub shown: Shown,
}

/// Where it is shown.
pub enum Shown {
    Here(fn()),
    /// By tests of this file, of these names.
    There(&'static str, &'static [&'static str]),
}

/// Every call of theirs.
const CALLS: [&str; 60] = [
    "csound new",
    "csound status",
    "csound isRunning",
    "csound play",
    "csound pause",
    "csound togglePause",
    "csound stop",
    "csound record",
    "csound record again",
    "csound stopRecord",
    "csound scoreEvent",
    "csound scoreEvent absp2",
    "csound inputMessage",
    "csound setScoreOffsetSeconds",
    "csound flushMessageQueue",
    "csound setProcessCB",
    "csound processCB, csound",
    "csound join",
    "csound threading",
    "pyo Server",
    "pyo boot",
    "pyo start",
    "pyo stop",
    "pyo shutdown",
    "pyo reinit",
    "pyo amp",
    "pyo recordOptions",
    "pyo recordOptions of other formats",
    "pyo recstart",
    "pyo recstop",
    "pyo startoffset",
    "pyo setGlobalDur",
    "pyo setGlobalDel",
    "pyo SfPlayer",
    "pyo SfPlayer speed, loop, offset",
    "pyo SmoothDelay",
    "pyo STRev",
    "pyo subprocess and pipe",
    "audiostream get_output",
    "audiostream 32 samples",
    "audiostream add_sample",
    "audiostream remove_sample",
    "audiostream write",
    "audiostream underrun",
    "audiostream encoding",
    "audiostream play, stop",
    "audiostream ThreadSource",
    "audiostream SineSource",
    "audiostream PatchSource",
    "audiostream get_input",
    "audiostream get_input of a rate",
    "audiostream get_input_sources",
    "sequencer priority",
    "sequencer sockets",
    "sequencer slow client",
    "sequencer audition",
    "sequencer level and pan",
    "sequencer cursor",
    "sequencer re-attach",
    "video start together",
];

fn rows() -> Vec<&'static Row> {
    let tables: [&'static [Row]; 4] = [&seeds_csound::ROWS, &seeds_pyo::ROWS, &seeds_streams::ROWS, &seeds_sequencer::ROWS];
    tables.into_iter().flatten().collect()
}

#[test]
fn every_call_has_a_row() {
    let rows = rows();
    let named: Vec<&str> = rows.iter().map(|row| row.call).collect();
    let once: BTreeSet<&str> = named.iter().copied().collect();
    assert_eq!(once.len(), named.len(), "twice: {named:?}");
    assert_eq!(once, BTreeSet::from(CALLS));
    for row in rows {
        for sentence in [row.theirs, row.ours] {
            assert!(sentence.len() > 10, "{}: {sentence}", row.call);
        }
    }
}

#[test]
fn what_is_shown_elsewhere_is_there() {
    for row in rows() {
        if let Shown::There(file, tests) = row.shown {
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default();
            for test in tests {
                assert!(text.contains(&format!("#[test]\nfn {test}() {{")), "{}: {file} has no test {test}", row.call);
            }
        }
    }
}

/// Shows all rows of a table.
pub fn show(rows: &[Row]) {
    for row in rows {
        println!("{}: {} | {}", row.call, row.theirs, row.ours);
        if let Shown::Here(shown) = row.shown {
            shown();
        }
    }
}

/// 0.01 for each note that sounds, from its frame to its end.
pub const GATES: &str = r#"
format = 1
[note]
voices = 16
[controls]
amount = { default = 1, min = 0, max = 10 }
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = 0
[out]
in = "env * amount * 0.01"
"#;

/// A daemon's desk, driven by hand: score and recordings with it.
pub struct Booth {
    pub desk: Desk,
    stand: Arc<Mutex<Stand>>,
    record: Arc<Mutex<record::Desk>>,
    pub folder: PathBuf,
}

impl Booth {
    /// A patch plays in the slot `t`; recordings go into a folder of this name's own.
    pub fn new(name: &str, patch: &str) -> Self {
        Self::at(name, Desk::new(patch))
    }

    pub fn at(name: &str, mut desk: Desk) -> Self {
        let folder = folder(&format!("seeds-{name}"));
        let stand = Stand::set_up(&mut desk.control).unwrap();
        let record = record::Desk::start(&mut desk.control, vec![folder.clone()]).unwrap();
        Self { desk, stand, record, folder }
    }

    #[track_caller]
    pub fn quietly(&mut self, line: &str) {
        self.desk.quietly(line);
    }

    /// Says a line with the time tag of a frame from here; gives the answers.
    pub fn tagged(&mut self, frames: u64, line: &str) -> Vec<String> {
        let at = self.desk.engine.now() + frames;
        self.desk.bundle(When::At(at), &[line])
    }

    /// The next frames of the left side.
    pub fn run(&mut self, frames: usize) -> Vec<f32> {
        let mut heard = Vec::with_capacity(frames);
        while heard.len() < frames {
            lock(&self.stand).feed(&self.desk.control);
            heard.extend(self.desk.run(64.min(frames - heard.len())));
        }
        heard
    }

    /// In which frames from here how many notes begin to sound together, from silence on.
    pub fn edges(&mut self, frames: usize) -> Vec<(usize, i32)> {
        let mut last = 0;
        let heard = self.run(frames);
        let found = heard.iter().enumerate().filter_map(|(at, x)| {
            let now = (x * 100.0).round() as i32;
            (now != std::mem::replace(&mut last, now)).then_some((at, now))
        });
        found.collect()
    }

    /// Waits until something is told at this address; the engine stands still meanwhile.
    pub fn wait(&mut self, address: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(at) = self.desk.later.iter().position(|message| message.address == address) {
                return rackd::osc::text::spell(&self.desk.later.remove(at));
            }
            assert!(Instant::now() < end, "{address} is not told: {:?}", self.desk.later);
            record::Desk::look(&self.record, &mut self.desk.control);
            let told = self.desk.control.tick();
            self.desk.later.extend(told.into_iter().map(|(_, message)| message));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until so many recordings are in the engine's hands.
    pub fn ready(&mut self, count: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let list = self.desk.control.say(me(), "/record/list", &[]);
            let ready = list[0].values.iter().filter(|value| value.text().is_some_and(|path| Path::new(path).is_absolute()));
            if ready.count() == count {
                return;
            }
            assert!(Instant::now() < end, "{list:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Booth {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
