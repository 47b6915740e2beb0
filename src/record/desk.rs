//! The verbs of recording: each recording has a thread of its own, which opens its file, sends the engine what it is to do, writes and ends.
//!
//! Whoever holds Control's lock waits for none of it: a verb leaves a note in [`Desk`], or sets when a recording ends.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::file::{Recorded, SoundFile};
use super::recorder::{Ending, PATIENCE, Progress, RecordEvent, write_out};
use super::request::Request;
use super::spec::{Format, Sample, Spec};
use crate::base::nearest::nearest;
use crate::base::time::SampleTime;
use crate::control::saving::Place;
use crate::control::{Call, Client, Code, Control, Fail, Message, Origin, Value};
use crate::engine::recording::{Line, PLACES, RecordDoor, Recording, Source, Track};
use crate::rt::tap::tap;

const START: &str = "/record/start";

/// How long the end of the daemon waits for the frames that the engine has not given yet.
const FOR_END: Duration = Duration::from_millis(300);

/// A recording as it is known here.
struct Running {
    whose: Client,
    /// As it was asked for, with its ending.
    asked: PathBuf,
    /// Where it is, once the engine has it.
    path: Arc<OnceLock<PathBuf>>,
    track: Arc<Track>,
    progress: Arc<Progress>,
    /// It belongs to a log: nobody ends it but the daemon.
    kept: bool,
    thread: JoinHandle<()>,
}

impl Running {
    fn path(&self) -> &Path {
        self.path.get().unwrap_or(&self.asked)
    }

    fn is_called(&self, path: &Path) -> bool {
        let parts = |path: &Path| -> Vec<_> {
            path.components().filter(|part| *part != Component::CurDir).map(|part| part.as_os_str().to_owned()).collect()
        };
        let same = |one: &Path| parts(one) == parts(path);
        same(&self.asked) || same(self.path()) || same(&self.asked.with_extension(""))
    }
}

/// What a recording's thread has to tell.
struct News {
    whose: Client,
    message: Message,
    lost: u64,
}

/// All recordings that clients have asked for.
pub struct Desk {
    door: Arc<Mutex<RecordDoor>>,
    folders: Arc<[PathBuf]>,
    rate: u32,
    running: Vec<Running>,
    to: Sender<News>,
    news: Receiver<News>,
}

/// Locked for as short as can be.
fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// Gives Control the verbs' bodies: recordings go into these folders and nowhere else. `None` where the door is another's already.
    /// `[control]`
    pub fn start(control: &mut Control, folders: Vec<PathBuf>) -> Option<Arc<Mutex<Self>>> {
        let door = Arc::new(Mutex::new(control.take_record_door()?));
        let rate = control.clock().rate();
        let (to, news) = channel();
        let desk = Arc::new(Mutex::new(Self { door, folders: folders.into(), rate, running: Vec::new(), to, news }));
        let give = |body: fn(&mut Self, &Control, Call<'_>) -> Result<Vec<Message>, Fail>| {
            let desk = Arc::clone(&desk);
            move |control: &mut Control, call: Call<'_>| body(&mut lock(&desk), control, call)
        };
        control.hand_body_over(START, give(Self::begin));
        control.hand_body_over("/record/stop", give(Self::stop));
        control.hand_body_over("/record/list", give(Self::list));
        Some(desk)
    }

    /// Takes what has come home from the engine, and tells Control what has happened. To be called every few milliseconds. `[control]`
    pub fn look(desk: &Mutex<Self>, control: &mut Control) {
        let mut desk = lock(desk);
        lock(&desk.door).collect();
        for running in desk.running.extract_if(.., |running| running.thread.is_finished()) {
            if running.path.get().is_some() && running.thread.join().is_err() {
                let text = "its thread failed; what was written by then is there";
                let name = running.path.get().map(|path| path.display().to_string()).unwrap_or_default();
                control.tell_recording(running.whose, Message::new("/record/error", vec![name.into(), text.into()]));
            }
        }
        for News { whose, message, lost } in desk.news.try_iter() {
            control.counts_mut().unrecorded += lost;
            control.tell_recording(whose, message);
        }
    }

    /// Records what comes in from the device, from the next frame on to the daemon's end, into a file that the user of this computer has
    /// named; how far it is. `[control]`
    ///
    /// # Errors
    /// The system's: no such folder, no permission, no thread.
    pub fn keep_input(desk: &Mutex<Self>, path: &Path) -> io::Result<(PathBuf, Arc<Progress>)> {
        let mut desk = lock(desk);
        let spec = Spec::wav(Sample::Float32, desk.rate, 2);
        let file = SoundFile::create(path, spec)?;
        let asked = file.path().to_owned();
        let (track, progress, named) = (Arc::new(Track::default()), Arc::new(Progress::default()), Arc::new(OnceLock::new()));
        let _ = named.set(asked.clone());
        let (near, far) = tap(2, desk.rate as usize * PATIENCE);
        let recording = Recording::new(near, &[Line { from: Source::Input, mono: false }], 0, Arc::clone(&track));
        lock(&desk.door).send(recording).map_err(|_| io::Error::other(format!("{PLACES} recordings run already")))?;
        let (mut ending, shown) = (Over(Arc::clone(&track)), Arc::clone(&progress));
        let run = move || write_out(file, far, &shown, &mut ending, &mut |_| ());
        let thread = thread::Builder::new().name("recorder".into()).spawn(run)?;
        let whose = Client::of(Origin::Rackd);
        desk.running.push(Running { whose, asked: asked.clone(), path: named, track, progress: Arc::clone(&progress), kept: true, thread });
        Ok((asked, progress))
    }

    /// Recordings that run. `[control]`
    pub fn count(&self) -> usize {
        self.running.iter().filter(|running| !running.thread.is_finished()).count()
    }

    /// Ends all recordings, and waits until their files are complete; the engine must still run. `[control]`
    pub fn end(desk: &Mutex<Self>) {
        let running = std::mem::take(&mut lock(desk).running);
        running.iter().for_each(|running| running.track.stop_at(0));
        let until = Instant::now() + FOR_END;
        for running in running {
            while !running.track.is_over() && !running.thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(2));
            }
            // An engine that does not run any more gives nothing more: what there is, is whole already.
            if running.track.is_over() || running.thread.is_finished() {
                let _ = running.thread.join();
            }
        }
    }

    /// `/record/start`
    fn begin(&mut self, control: &Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
        let wrong = |text: String| Fail::new(call.address, Code::WrongArguments, text);
        let request = Request::read(control, call.values).map_err(wrong)?;
        let spec = Spec::new(request.format, request.sample, self.rate, request.channels()).map_err(|why| wrong(why.to_string()))?;
        self.running.retain(|running| !running.thread.is_finished());
        if let Some(running) = self.running.iter().find(|running| running.is_called(&request.path)) {
            let text = format!("{} is being recorded already: end it with /record/stop, or name another file", running.path().display());
            return Err(Fail::new(call.address, Code::NotAllowed, text));
        }
        if self.running.len() >= PLACES {
            return Err(Fail::new(call.address, Code::Full, format!("{PLACES} recordings run already, and are the most")));
        }
        let (path, track, progress) = (Arc::new(OnceLock::new()), Arc::new(Track::default()), Arc::new(Progress::default()));
        let asked = request.path.clone();
        let job = Job {
            whose: call.client,
            at: call.at,
            request,
            spec,
            folders: Arc::clone(&self.folders),
            door: Arc::clone(&self.door),
            path: Arc::clone(&path),
            track: Arc::clone(&track),
            progress: Arc::clone(&progress),
            to: self.to.clone(),
        };
        let thread = thread::Builder::new().name("recorder".into()).spawn(move || job.run());
        let thread = thread.map_err(|why| Fail::new(call.address, Code::Full, format!("the system gives no thread: {why}")))?;
        self.running.push(Running { whose: call.client, asked, path, track, progress, kept: false, thread });
        Ok(Vec::new())
    }

    /// `/record/stop`
    fn stop(&mut self, _: &Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
        let path = match call.values {
            [] => None,
            [Value::Text(path)] => Some(Path::new(path)),
            _ => return Err(Fail::new(call.address, Code::WrongArguments, "the path of a recording is wanted, or none for all")),
        };
        self.running.retain(|running| !running.thread.is_finished());
        let meant = self.running.iter().filter(|running| !running.kept && path.is_none_or(|path| running.is_called(path)));
        let count = meant.map(|running| running.track.stop_at(call.at)).count();
        if let (Some(path), 0) = (path, count) {
            let names: Vec<String> = self.running.iter().map(|running| running.asked.display().to_string()).collect();
            let near = nearest(&path.to_string_lossy(), names.iter().map(String::as_str)).map(|near| format!("; did you mean {near}?"));
            let text = format!("{} is not being recorded{}", path.display(), near.unwrap_or_default());
            return Err(Fail::new(call.address, Code::File, text));
        }
        Ok(vec![Message::new("/done", vec![call.address.into(), Value::Integer(count as i64)])])
    }

    /// `/record/list`
    fn list(&mut self, _: &Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
        let running = self.running.iter().filter(|running| !running.thread.is_finished());
        let values = running.flat_map(|running| {
            let (frames, lost) = running.progress.frames();
            [running.path().display().to_string().into(), whole(frames), whole(lost)]
        });
        Ok(vec![Message::new(call.address, values.collect())])
    }
}

fn whole(x: u64) -> Value {
    Value::Integer(i64::try_from(x).unwrap_or(i64::MAX))
}

/// What a recording's thread does.
struct Job {
    whose: Client,
    at: SampleTime,
    request: Request,
    spec: Spec,
    folders: Arc<[PathBuf]>,
    door: Arc<Mutex<RecordDoor>>,
    path: Arc<OnceLock<PathBuf>>,
    track: Arc<Track>,
    progress: Arc<Progress>,
    to: Sender<News>,
}

/// It ends when the engine says so.
struct Over(Arc<Track>);

impl Ending for Over {
    fn is_over(&mut self) -> bool {
        self.0.is_over()
    }

    fn frames(&self) -> Option<u64> {
        Some(self.0.frames())
    }
}

/// The same; on the way it is told when it has begun.
struct Followed<'a> {
    job: &'a Job,
    begun: bool,
}

impl Ending for Followed<'_> {
    fn is_over(&mut self) -> bool {
        if let (false, Some(first)) = (self.begun, self.job.track.first()) {
            self.begun = true;
            self.job.tell_begun(first);
        }
        self.job.track.is_over()
    }

    fn frames(&self) -> Option<u64> {
        Some(self.job.track.frames())
    }
}

impl Job {
    fn run(self) {
        let file = match self.open() {
            Ok(file) => file,
            Err(why) => return self.tell(Fail::new(START, Code::File, why).message(), 0),
        };
        let patience = self.request.patience.unwrap_or(self.spec.rate() as usize * PATIENCE);
        let (near, far) = tap(usize::from(self.spec.channels()), patience);
        let recording = Recording::new(near, &self.request.lines, self.at, Arc::clone(&self.track));
        if lock(&self.door).send(recording).is_err() {
            let _ = std::fs::remove_file(file.path());
            return self.tell(Fail::new(START, Code::Full, format!("{PLACES} recordings run already, and are the most")).message(), 0);
        }
        let _ = self.path.set(file.path().to_owned());
        let mut followed = Followed { job: &self, begun: false };
        write_out(file, far, &self.progress, &mut followed, &mut |event| self.tell_event(event));
    }

    /// Opens a new file where one may be.
    fn open(&self) -> Result<SoundFile, String> {
        let ending = match self.request.format {
            Format::Wav => ".wav",
            Format::Flac => ".flac",
        };
        let place = Place::find_ending(&self.folders, &self.request.path, ending).map_err(|why| why.to_string())?;
        let (path, file) = place.create_new().map_err(|why| why.to_string())?;
        SoundFile::on(path.clone(), file, self.spec).map_err(|why| format!("{} cannot be written: {why}", path.display()))
    }

    fn name(&self) -> Value {
        self.path.get().unwrap_or(&self.request.path).display().to_string().into()
    }

    fn tell(&self, message: Message, lost: u64) {
        let _ = self.to.send(News { whose: self.whose, message, lost });
    }

    /// It runs from this frame on; later than it was to, where the file was not there in time.
    fn tell_begun(&self, first: SampleTime) {
        if self.at > 0 && first > self.at {
            let milliseconds = (first - self.at) as f64 * 1000.0 / f64::from(self.spec.rate());
            self.tell(Message::new("/late", vec![START.into(), milliseconds.into(), "run".into()]), 0);
        }
        self.tell(Message::new("/done", vec![START.into(), self.name()]), 0);
    }

    fn tell_event(&self, event: RecordEvent) {
        let error = |why: String| Message::new("/record/error", vec![self.name(), why.into()]);
        let done = |file: Recorded| Message::new("/record/done", vec![self.name(), whole(file.frames), whole(file.lost)]);
        match event {
            RecordEvent::Gap(frames) => self.tell(error(format!("the disk is too slow: {frames} frames are silence")), frames),
            RecordEvent::Failed { why, file } => {
                self.tell(error(format!("ended, what there is can be played: {why}")), 0);
                self.tell(done(file), 0);
            }
            RecordEvent::Done(file) => self.tell(done(file), 0),
        }
    }
}
