//! The log of a set: what the engine does, and beside it the sound that comes in.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::levels::{Fade, fade_frames};
use super::options::Failure;
use super::say::Voice;
use crate::control::Control;
use crate::control::logbook::{Logbook, Page};
use crate::engine::Engine;
use crate::engine::doors::Shown;
use crate::log::Keeper;
use crate::log::file::{Head, input_beside};
use crate::log::keeper::Ended;
use crate::record::{Desk, Progress};
use crate::rt::flows::Flows;

/// A log that is kept.
pub(super) struct SetLog {
    /// Until it ends, or cannot be written any more.
    keeper: Option<Keeper>,
    pages: Sender<Page>,
    shown: Arc<Shown>,
    rate: u32,
    /// Of the sound that comes in.
    input: Option<Arc<Progress>>,
}

impl SetLog {
    /// Begins one, before Control has its first patch and the engine its first frame.
    ///
    /// # Errors
    /// Why the file cannot be.
    pub fn start(
        file: &Path,
        engine: &mut Engine,
        (flows, shown): (&Flows, &Arc<Shown>),
        (rate, channels): (u32, u16),
    ) -> Result<(Self, Logbook), Failure> {
        let (pages, from) = channel();
        let head = Head { version: env!("CARGO_PKG_VERSION").to_owned(), rate, channels };
        let keeper = Keeper::start(file, &head, engine.keep_journal(), from, flows.clone(), Arc::clone(shown));
        let keeper = keeper.map_err(|why| Failure::machine(format!("cannot write the log {}", file.display()), why))?;
        let book = Logbook::new(pages.clone());
        Ok((Self { keeper: Some(keeper), pages, shown: Arc::clone(shown), rate, input: None }, book))
    }

    /// Keeps what comes in from the device, too.
    ///
    /// # Errors
    /// Why the file cannot be.
    pub fn hear(&mut self, desk: &Mutex<Desk>) -> Result<(), Failure> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        let file = input_beside(keeper.path());
        let kept = Desk::keep_input(desk, &file);
        let (path, progress) = kept.map_err(|why| Failure::machine(format!("cannot write {}", file.display()), why))?;
        if path != file {
            return Err(Failure::Asked(format!(
                "{} is there already, from another log: take it away, or name another log",
                file.display()
            )));
        }
        self.input = Some(progress);
        Ok(())
    }

    /// Says where it is kept.
    pub fn introduce(&self, voice: &Voice) {
        if let Some(keeper) = &self.keeper {
            let file = keeper.path().display().to_string();
            voice.event("logging", json!({ "file": file }), &format!("  log    {file}"));
        }
    }

    /// What is done every few milliseconds.
    pub fn look(&mut self, control: &mut Control) {
        if let Some(keeper) = self.keeper.take_if(|keeper| keeper.has_failed()) {
            let file = keeper.path().display().to_string();
            if let Err(why) = keeper.finish(Ended::default()) {
                control.tell(format!("the log {file} ended here, what was written can be read: {why}"));
            }
        }
    }

    /// Completes it; the engine must have stopped. `frames`: where the set is to end, if not where the engine has.
    pub fn end(&mut self, fade: &Fade, frames: Option<u64>, voice: &Voice) {
        let Some(keeper) = self.keeper.take() else { return };
        if let Some(lost) = self.input.as_ref().map(|input| input.frames().1).filter(|lost| *lost > 0) {
            let _ = self.pages.send(Page::Hole(format!("{lost} frames of the sound that came in were lost: the disk was too slow")));
        }
        let file = keeper.path().display().to_string();
        let fade = fade.begun().map(|at| (at, fade_frames(self.rate)));
        match keeper.finish(Ended { end: frames.unwrap_or_else(|| self.shown.now()), fade }) {
            Ok(kept) => {
                let lost = if kept.lost > 0 { format!(", {} lost", kept.lost) } else { String::new() };
                let fields = json!({ "file": file, "entries": kept.entries, "lost": kept.lost });
                voice.event("logged", fields, &format!("  log    {file}: {} entries{lost}", kept.entries));
            }
            Err(why) => {
                let text = format!("  log    {file} ended early, what was written can be read: {why}");
                voice.event("log-failed", json!({ "file": file, "why": why.to_string() }), &text);
            }
        }
    }
}
