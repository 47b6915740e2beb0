//! Scores in files, loaded and saved by messages: on a thread of its own, one after another. Whoever holds Control's lock waits for none
//! of it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::file::{ScoreFile, Wrong};
use super::stand::{News, Stand, lock};
use super::write;
use crate::control::rack_verbs::sentences;
use crate::control::saving::{Place, SaveError};
use crate::control::{Call, Client, Code, Control, Fail, Message, Value, files};
use crate::patch::Zone;

/// Bytes of a score's file at most.
const LARGEST: u64 = 1 << 28;
/// Files that may wait for their turn.
const WAITING: usize = 16;
/// Notes that are copied at a time: who plays them waits so long.
const SLICE: usize = 1000;
/// How long the others have between two slices.
const PAUSE: Duration = Duration::from_micros(50);
/// Mistakes of a file that are told.
const TOLD: usize = 8;

/// The verbs: address, arguments, one sentence.
pub(super) const VERBS: [(&str, &str, &str); 2] = [
    (
        "/score/load",
        "path",
        "Plays a score's file instead of what is there, .toml or .mid, out of the folders of the patches: /done path notes when it has its place.",
    ),
    ("/score/save", "path", "Writes the score into a new .toml file there, as name-2 where one is: /done path notes."),
];

/// What is asked for.
enum Do {
    Load(PathBuf, Vec<(Box<str>, Zone)>),
    Save(PathBuf),
}

struct Job {
    client: Client,
    what: Do,
}

/// The thread, once there was something for it to do.
struct Shelf {
    stand: Arc<Mutex<Stand>>,
    folders: Arc<[PathBuf]>,
    jobs: Option<SyncSender<Job>>,
}

/// Puts the verbs of files into Control's table. `[control]`
pub(super) fn hand_over(control: &mut Control, stand: &Arc<Mutex<Stand>>) {
    let shelf = Shelf { stand: Arc::clone(stand), folders: control.folders().into(), jobs: None };
    let shelf = Arc::new(Mutex::new(shelf));
    for (address, arguments, does) in VERBS {
        let shelf = Arc::clone(&shelf);
        control.hand_over_with(address, arguments, does, move |control, call| {
            let [Value::Text(path)] = call.values else {
                return Err(Fail::new(call.address, Code::WrongArguments, "the path of a file is wanted, such as song.toml"));
            };
            let path = PathBuf::from(path);
            let what = if address == VERBS[0].0 { Do::Load(path, control.keyed()) } else { Do::Save(path) };
            shelf.lock().unwrap_or_else(PoisonError::into_inner).give(call, what)
        });
    }
}

impl Shelf {
    fn give(&mut self, call: Call<'_>, what: Do) -> Result<Vec<Message>, Fail> {
        let full = |text: String| Fail::new(call.address, Code::Full, text);
        if self.jobs.is_none() {
            let (jobs, todo) = sync_channel(WAITING);
            let (stand, folders) = (Arc::clone(&self.stand), Arc::clone(&self.folders));
            let thread = thread::Builder::new().name("shelf".into()).spawn(move || work(&stand, &folders, &todo));
            thread.map_err(|why| full(format!("the system gives no thread: {why}")))?;
            self.jobs = Some(jobs);
        }
        let given = self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(Job { client: call.client, what }).is_ok());
        if given { Ok(Vec::new()) } else { Err(full(format!("{WAITING} files of scores wait for their turn already"))) }
    }
}

/// Does what comes, until nobody is left who could ask.
fn work(stand: &Mutex<Stand>, folders: &[PathBuf], todo: &Receiver<Job>) {
    while let Ok(Job { client, what }) = todo.recv() {
        let news = match what {
            Do::Load(path, zones) => load(folders, &path, &zones).unwrap_or_else(News::failed),
            Do::Save(path) => News::told(save(stand, folders, &path).unwrap_or_else(|fail| fail.message())),
        };
        lock(stand).hear(client, news);
    }
}

fn load(folders: &[PathBuf], path: &Path, zones: &[(Box<str>, Zone)]) -> Result<News, Fail> {
    let fail = |code, text: String| Fail::new(VERBS[0].0, code, text);
    let (real, bytes) = files::large_inside(folders, path, LARGEST).map_err(|why| fail(Code::File, why.to_string()))?;
    let name = path.display().to_string();
    let (written, remarks) = ScoreFile::notes(&real, &bytes, zones).map_err(|wrong| match wrong {
        Wrong::Sentence(text) => fail(Code::File, format!("{name}: {text}")),
        Wrong::Places(text, places) => {
            let all = sentences(&name, &text, &places);
            let more = all.len().saturating_sub(TOLD);
            let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
            fail(Code::File, format!("{}{rest}", all[..all.len() - more].join("; ")))
        }
    })?;
    let done = Message::new("/done", vec![VERBS[0].0.into(), name.into(), Value::Integer(written.book.len() as i64)]);
    Ok(News { written: Some(written), remarks, answer: done })
}

fn save(stand: &Mutex<Stand>, folders: &[PathBuf], path: &Path) -> Result<Message, Fail> {
    let fail = |why: SaveError| Fail::new(VERBS[1].0, Code::File, why.to_string());
    let path = if path.extension().is_none() { path.with_extension("toml") } else { path.to_owned() };
    let place = Place::find(folders, &path).map_err(fail)?;
    let (slots, items, map) = {
        let (edition, mut items, mut more) = (lock(stand).edition, Vec::new(), true);
        let mut from = 0;
        while more {
            let stand = lock(stand);
            if stand.edition != edition {
                let text = "another score was loaded meanwhile: nothing is saved";
                return Err(Fail::new(VERBS[1].0, Code::NotAllowed, text));
            }
            let (slice, rest) = stand.book.slice(from, SLICE);
            items.extend(slice.cloned());
            (more, from) = (rest, from + SLICE);
            drop(stand);
            thread::sleep(PAUSE);
        }
        let stand = lock(stand);
        let slots: Vec<Box<str>> = stand.book.slots().map(Into::into).collect();
        (slots, items, stand.map.clone())
    };
    let count = Value::Integer(items.len() as i64);
    let text = write::write(&slots, items, &map);
    // The name is taken first, so that nobody else has it; then the whole text takes its place at once.
    let (path, _) = place.create_new().map_err(fail)?;
    let staged = Place::find(folders, &path).and_then(|place| place.stage(&text)).and_then(|staged| staged.commit());
    let path = staged.map_err(|why| {
        // It is empty, and ours.
        let _ = std::fs::remove_file(&path);
        fail(why)
    })?;
    Ok(Message::new("/done", vec![VERBS[1].0.into(), path.display().to_string().into(), count]))
}
