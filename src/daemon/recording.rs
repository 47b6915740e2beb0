//! Recordings of a daemon: what is heard into the file that the command line names, and what clients ask for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::options::{Failure, Options};
use super::run::lock;
use super::say::Voice;
use crate::control::Control;
use crate::record::{Desk, Progress, RecordEvent, Recorder, Spec};
use crate::rt::tap::Tap;

/// How often the line that tells how far it is changes.
const SHOWN: Duration = Duration::from_millis(250);

/// All that records.
pub(super) struct Recordings {
    /// Of what is heard, where that was asked for.
    heard: Option<Recorder>,
    /// Of clients.
    desk: Option<Arc<Mutex<Desk>>>,
    shown: Instant,
}

impl Recordings {
    /// Gives Control its verbs, and the tap that takes what is heard, where that is to be kept.
    ///
    /// # Errors
    /// Why that file cannot be, or is not to be had.
    pub fn start(options: &Options, control: &mut Control, patch: Vec<PathBuf>, channels: u16) -> Result<(Self, Option<Tap>), Failure> {
        let folders = match &options.record_folder {
            Some(folder) if folder.is_dir() => vec![folder.clone()],
            Some(folder) => return Err(Failure::Asked(format!("--record-folder: {} is no folder", folder.display()))),
            None if patch.is_empty() => vec![PathBuf::from(".")],
            None => patch,
        };
        let rate = control.clock().rate();
        let desk = Desk::start(control, folders);
        let (heard, tap) = options.record.as_deref().map(|file| start(file, rate, channels)).transpose()?.unzip();
        Ok((Self { heard, desk, shown: Instant::now() }, tap))
    }

    /// Says where what is heard is kept.
    pub fn introduce(&self, voice: &Voice) {
        if let Some(recorder) = &self.heard {
            let file = recorder.path().display().to_string();
            voice.event("recording", json!({ "file": file }), &format!("  tape   {file}"));
        }
    }

    /// What is done every few milliseconds.
    pub fn look(&mut self, control: &Mutex<Control>, voice: &Voice) {
        if let Some(desk) = &self.desk {
            Desk::look(desk, &mut lock(control));
        }
        let Some(recorder) = &self.heard else { return };
        if let Some(event) = recorder.poll() {
            let over = !matches!(event, RecordEvent::Gap(_));
            if over {
                voice.stand("");
                self.heard = None;
            }
            say(voice, &event);
        } else if self.shown.elapsed() >= SHOWN {
            self.shown = Instant::now();
            voice.stand(&standing(recorder.progress(), recorder.spec().rate()));
        }
    }

    /// What clients record by.
    pub fn desk(&self) -> Option<&Mutex<Desk>> {
        self.desk.as_deref()
    }

    /// Completes all files; the frames of what was heard, where that was kept whole.
    pub fn end(&mut self, voice: &Voice) -> Option<u64> {
        if let Some(desk) = &self.desk {
            Desk::end(desk);
        }
        let recorder = self.heard.take()?;
        voice.stand("");
        let event = recorder.finish();
        say(voice, &event);
        if let RecordEvent::Done(file) = event { Some(file.frames) } else { None }
    }
}

fn start(file: &Path, rate: u32, channels: u16) -> Result<(Recorder, Tap), Failure> {
    let spec = Spec::of_path(file, rate, channels).map_err(|why| Failure::Asked(format!("--record {}: {why}", file.display())))?;
    Recorder::start(file, spec).map_err(|why| Failure::machine(format!("cannot record to {}", file.display()), why))
}

/// How far a recording is: time, size, the highest sample of late, frames lost.
fn standing(progress: &Progress, rate: u32) -> String {
    let ((frames, lost), peak) = (progress.frames(), progress.take_peak());
    let seconds = frames / u64::from(rate);
    let size = progress.bytes() as f64 / 1e6;
    let peak = if peak > 0.0 { format!("{:.1} dBFS", 20.0 * f64::from(peak).log10()) } else { "silence".to_owned() };
    let lost = if lost > 0 { format!("  {lost} frames lost") } else { String::new() };
    format!("  tape   {}:{:02}:{:02}  {size:.1} MB  {peak}{lost}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn say(voice: &Voice, event: &RecordEvent) {
    match event {
        RecordEvent::Gap(frames) => {
            let text = format!("  tape   the disk was too slow: {frames} frames are silence");
            voice.event("record-gap", json!({ "frames": frames }), &text);
        }
        RecordEvent::Failed { why, file } => {
            let path = file.path.display().to_string();
            let text = format!("  tape   ended: {why}; what there is can be played: {path}");
            voice.event("record-failed", json!({ "why": why.to_string(), "file": path, "frames": file.frames }), &text);
        }
        RecordEvent::Done(file) => {
            let path = file.path.display().to_string();
            let fields = json!({ "file": path, "frames": file.frames, "lost": file.lost });
            voice.event("recorded", fields, &format!("  tape   {path}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Sample;

    #[test]
    fn the_line_tells_time_size_and_peak() {
        let folder = std::env::temp_dir().join(format!("rackd-standing-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (recorder, mut tap) = Recorder::start(&folder.join("take.wav"), Spec::wav(Sample::Int16, 100, 1)).expect("a file");
        assert_eq!(standing(recorder.progress(), 100), "  tape   0:00:00  0.0 MB  silence");
        tap.push(&[0.5; 390]);
        while recorder.progress().frames().0 < 390 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(standing(recorder.progress(), 100), "  tape   0:00:03  0.0 MB  -6.0 dBFS");
        recorder.finish();
        std::fs::remove_dir_all(folder).expect("it is there");
    }
}
