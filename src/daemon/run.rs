//! The daemon's life: everything is started in order, looked after every few milliseconds, and ended in order.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval};

use super::devices::Devices;
use super::levels::{Fade, Levels, Outlet, silence_panics_of_audio_threads};
use super::lines::{AtEnd, read_stdin};
use super::log::SetLog;
use super::options::{Draw, Failure, Options, Wish};
use super::recording::Recordings;
use super::rights::Rights;
use super::say::{Tongue, Voice};
use super::signals::{Asked, Signals, has_terminal};
use super::source::{Playable, Source, drawn};
use super::watch::Watch;
use super::{banner, demo, midi, profiles, streams};
use crate::control::rack_file::Within;
use crate::control::{self, Client, Control, Group, Message, Origin, When};
use crate::engine::Engine;
use crate::host::supervisor::Parts;
use crate::host::{Audio, Choice, HostEvent, HostName, devices};
use crate::midi::{PortEvent, Ports};
use crate::module::isa::Level;
use crate::modules::CATALOGUE;
use crate::osc;
use crate::patch::Patch;
use crate::plan;
use crate::score::file::{self, Wrong};
use crate::score::{Conductor, Live, Reader, ScoreFile, Stand};
use crate::stream;

/// How often everything is looked after.
const TICK: Duration = Duration::from_millis(3);
/// How long the banner waits for the device.
const FOR_DEVICE: Duration = Duration::from_millis(1500);
/// How long the end may take before it comes anyway.
const FOR_END: Duration = Duration::from_millis(500);

/// Plays until told to stop. `[control]`
///
/// # Errors
/// [`Failure`]: what was wrong with the patch or the command line, or what the machine refused. Once it plays, nothing ends it but
/// what was asked for.
pub fn run(options: &Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|why| Failure::machine("cannot start", why))?.block_on(async {
        let mut daemon = Daemon::start(options)?;
        let end = daemon.live().await;
        daemon.end().await;
        end
    })
}

/// Locked for as short as can be; what failed while it was locked has left it whole.
pub(super) fn lock(control: &Mutex<Control>) -> MutexGuard<'_, Control> {
    control.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that runs, in the order in which it is dropped: who speaks first, who sounds last.
struct Daemon<'a> {
    options: &'a Options,
    source: Source,
    /// The version of the rack whose files are watched.
    version: u64,
    voice: Arc<Voice>,
    signals: Signals,
    /// Drops its sender, and with it the watch before, where others are to be watched.
    saved: UnboundedReceiver<()>,
    lines: Option<mpsc::Receiver<String>>,
    demo: Option<Child>,
    score: Option<Live>,
    conductor: Option<Conductor>,
    ports: Option<Ports>,
    osc: Option<osc::Server>,
    streams: Option<stream::Server>,
    control: Arc<Mutex<Control>>,
    levels: Arc<Levels>,
    fade: Arc<Fade>,
    recordings: Recordings,
    log: Option<SetLog>,
    #[cfg(feature = "link")]
    link: super::link::Link,
    devices: Devices,
    rights: Rights,
    audio: Option<Audio>,
    host: Receiver<HostEvent>,
}

impl<'a> Daemon<'a> {
    /// Starts everything; what may refuse is asked before anything sounds.
    fn start(options: &'a Options) -> Result<Self, Failure> {
        silence_panics_of_audio_threads();
        let rights = Rights::ask(options)?;
        let source = Source::new(options.file.as_deref());
        let (playable, remarks) = source.playable(options.draw)?;
        let voice = Voice::start(match (options.json, options.stdin) {
            (true, _) => Tongue::Json,
            (false, Some(_)) => Tongue::Aside,
            (false, None) => Tongue::Plain,
        });
        let voice = Arc::new(voice.map_err(|why| Failure::machine("the system gives no threads", why))?);
        if options.demo && options.osc.udp.is_empty() {
            return Err(Failure::Asked("--demo plays over OSC: it needs a place to listen, not --osc none".to_owned()));
        }
        let mut score = options.score.as_deref().map(|file| read_score(file, options.draw)).transpose()?;
        let signals = Signals::take().map_err(|why| Failure::machine("the system gives no signals", why))?;

        let mut host = options.host.clone();
        host.channels = options.channels.unwrap_or_else(|| playable.channels());
        host.realtime = options.realtime != Wish::No;
        if playable.hears() && host.input.is_none() {
            host.input = Some("default".to_owned());
        }
        let choice = Choice::make(host);
        let rate = choice.rate;
        let (mut engine, doors, door) = Engine::new(rate as f32);
        rights.on_cores(|| engine.employ(options.threads.saturating_sub(1)))?;
        engine.keep_all(options.keep_all);
        let shown = Arc::clone(&doors.shown);
        shown.memory_locked.store(rights.is_memory_locked(), Relaxed);
        let plan = plan::Options { rate: rate as f32, level: Level::detect(), width: None, tempo: 120.0, shares: options.threads };
        let folders = playable.folders();
        let mut control = Control::new(
            CATALOGUE,
            doors,
            door,
            control::Options { plan, folders: folders.clone(), running: !options.paused, peer: options.peer.clone() },
        );
        let flows = streams::flows(options);
        let logged = options
            .log
            .as_deref()
            .map(|file| SetLog::start(file, &mut engine, (&flows, &shown), (rate, choice.options.channels)))
            .transpose()?;
        let mut log = logged.map(|(log, book)| {
            control.keep_log(book);
            log
        });
        control.set_flows(flows.clone());
        if let Some(folder) = profiles::folder() {
            control.keep_profiles_in(folder);
        }
        match playable.clone() {
            Playable::Patch(read) => {
                let file = source.file.as_deref();
                control.put(&source.slot(), read.patch, &read.text, file, Vec::new()).map_err(|full| Failure::Machine(full.message))?;
            }
            Playable::Rack(read) => drop(control.put_rack(*read, Vec::new())),
        }
        // All of it stands before the first frame is heard.
        control.settle(&mut engine);
        let (files, version) = (control.files(), control.version());
        let stand = Stand::set_up(&mut control);
        let mut notes = false;
        if let (Some(stand), Some(ScoreFile::Notes(written))) = (&stand, score.take_if(|score| matches!(score, ScoreFile::Notes(..)))) {
            // It plays when everything stands.
            control.say(Client::of(Origin::Score), "/transport/stop", &[]);
            file::open(&mut control, stand, written).into_iter().for_each(|remark| control.tell(remark));
            notes = true;
        }
        let clock = control.clock().clone();
        #[cfg(feature = "link")]
        let link = super::link::Link::start(&mut control);
        if options.link {
            control.follow_link(true);
        }
        let devices = Devices::start(&mut control, devices::list);
        let (recordings, tap) = Recordings::start(options, &mut control, folders, choice.options.channels)?;
        if let (Some(log), Some(desk), Some(_)) = (&mut log, recordings.desk(), &choice.options.input) {
            log.hear(desk)?;
        }
        let control = Arc::new(Mutex::new(control));

        let osc = (!options.osc.is_nowhere()).then(|| osc::Server::start(&options.osc, &control)).transpose();
        let osc = osc.map_err(|why| Failure::Machine(why.to_string()))?;
        let streams = streams::start(options, &mut lock(&control), &flows, rate)?;
        let (levels, fade) = (Arc::new(Levels::default()), Arc::new(Fade::default()));
        let master = flows.master(usize::from(choice.options.channels)).map(|flow| flow.end());
        let player = Box::new(Outlet::new(engine, rate, Arc::clone(&levels), Arc::clone(&fade)).also_to(master));
        let parts = Parts { player, shown, clock: Some(clock), tap };
        let sound = rights.on_cores(|| Audio::start(&choice, parts))?;
        let (audio, host) = sound.map_err(|why| Failure::machine("the system gives no threads", why))?;
        let gaps = Arc::clone(audio.input_counts());
        lock(&control).add_counts("input", move || gaps.all().to_vec());
        let lines = options.stdin.map(|_| read_stdin()).transpose().map_err(|why| Failure::machine("cannot read standard input", why))?;

        let mut daemon = Self {
            options,
            saved: watch(&files),
            source,
            version,
            voice,
            signals,
            lines,
            demo: None,
            score: None,
            conductor: None,
            ports: None,
            osc,
            streams,
            control,
            levels,
            fade,
            recordings,
            log,
            #[cfg(feature = "link")]
            link,
            devices,
            rights,
            audio: Some(audio),
            host,
        };
        let slots = playable.patches(&lock(&daemon.control).loaded().map(|(_, slot)| slot.name.clone()).next().unwrap_or_default());
        daemon.introduce(&choice, &playable, &slots, drawn(options.draw, &remarks).trim_end());
        daemon.open_ports();
        if let Some(stand) = &stand {
            let conductor = Conductor::start(Arc::clone(&daemon.control), Arc::clone(stand));
            daemon.conductor = Some(conductor.map_err(|why| Failure::machine("the system gives no threads", why))?);
        }
        if let Some(score) = score {
            daemon.start_score(score, stand, rate)?;
        } else if notes && !options.paused {
            let play = Message::new("/transport/play", Vec::new());
            let at = When::At(lock(&daemon.control).shown().now() + u64::from(rate / 5));
            lock(&daemon.control).apply(Client::of(Origin::Score), &[Group { at, messages: vec![play] }]);
        }
        if options.demo
            && let Some(to) = daemon.osc.as_ref().and_then(|osc| osc.addresses().first().copied())
        {
            // What takes notes, before what does not.
            let (slot, patch) = slots
                .iter()
                .find(|(_, patch)| patch.note.is_some())
                .or(slots.first())
                .ok_or_else(|| Failure::Asked("--demo has nothing to play: the rack is empty".to_owned()))?;
            daemon.demo = Some(demo::start(to, slot, patch, !options.json && options.stdin.is_none())?);
        }
        Ok(daemon)
    }

    /// Says what plays, where it is heard, where it listens, what to try.
    fn introduce(&self, choice: &Choice, playable: &Playable, slots: &[(String, &Patch)], remarks: &str) {
        let voice = &self.voice;
        let first = slots.first().map_or("", |(slot, _)| slot);
        match playable {
            Playable::Patch(_) => banner::started(voice, &self.source.name(), first, choice.rate),
            Playable::Rack(read) => banner::rack(voice, &self.source.name(), &read.rack, choice.rate),
        }
        if !remarks.is_empty() {
            voice.event("remarks", json!({}), remarks);
        }
        if choice.options.host == HostName::Silent {
            banner::silent(voice);
        } else {
            match self.host.recv_timeout(FOR_DEVICE) {
                Ok(event) => banner::host(voice, &event),
                Err(_) => voice.event("opening", json!({}), "  sound  the device is still being opened"),
            }
        }
        if let Some(osc) = &self.osc {
            banner::listening(voice, osc, &self.options.osc.allow);
            banner::streams(voice, self.streams.as_ref());
            let first = slots.iter().find(|(_, patch)| patch.note.is_some()).or(slots.first());
            if let (Some(at), Some((slot, patch))) = (osc.addresses().first(), first) {
                banner::to_try(voice, *at, slot, patch);
            }
        }
        self.rights.introduce(voice);
        self.recordings.introduce(voice);
        self.log.iter().for_each(|log| log.introduce(voice));
        if has_terminal() {
            voice.event("ready", json!({}), "  Ctrl-C ends.");
        }
    }

    fn open_ports(&mut self) {
        match midi::open(self.options, &self.control, &self.voice) {
            Ok(ports) => self.ports = Some(ports),
            Err(why) => banner::port(&self.voice, &PortEvent::Trouble(why.to_string())),
        }
    }

    fn start_score(&mut self, score: ScoreFile, stand: Option<Arc<Mutex<Stand>>>, rate: u32) -> Result<(), Failure> {
        let (shown, control) = (Arc::clone(lock(&self.control).shown()), Arc::clone(&self.control));
        // A moment ahead, so that its first note is not late.
        let start = shown.now() + u64::from(rate / 5);
        let now = move || shown.now();
        if !self.options.paused {
            // Its beats are those of the clock, as in a render.
            let zero = Message::new("/transport/locate", vec![0.0.into()]);
            lock(&control).apply(Client::of(Origin::Score), &[Group { at: When::At(start), messages: vec![zero] }]);
        }
        let live = match score {
            ScoreFile::Midi(score) => {
                lock(&control).follow_metres(score.bars());
                let leads = Arc::clone(&control);
                Live::start(
                    Reader::new(Arc::new(score), rate, start),
                    rate,
                    now,
                    move |at, tempo| file::lead(&mut lock(&leads), stand.as_deref(), at, tempo),
                    move |at, message| lock(&control).midi_message(Client::of(Origin::Score), message, When::At(at)),
                )
            }
            ScoreFile::Messages(mut timed) => {
                let mut failed = 0;
                Live::keep(rate, now, move |until| {
                    file::say(&mut lock(&control), &mut timed, (start, rate), until, &mut failed);
                    timed.is_done() && start + timed.frames(rate) <= until
                })
            }
            // Those are on the stand.
            ScoreFile::Notes(..) => return Ok(()),
        };
        self.score = Some(live.map_err(|why| Failure::machine("the system gives no threads", why))?);
        Ok(())
    }

    /// Looks after everything until the end is asked for.
    async fn live(&mut self) -> Result<(), Failure> {
        let end = self.options.length.map(|length| Instant::now() + length);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                asked = self.signals.next() => match asked {
                    Asked::End => return Ok(()),
                    Asked::Reload => self.reload(true),
                },
                Some(()) = self.saved.recv() => self.reload(false),
                // Who does not read the answers is not listened to meanwhile.
                line = next_line(&mut self.lines), if !self.voice.is_behind() => match (line, self.options.stdin) {
                    (Some(line), _) => {
                        let answers = osc::text::answer(&mut lock(&self.control), &line);
                        answers.iter().for_each(|answer| self.voice.answer(answer));
                    }
                    (None, Some(AtEnd::Keep)) => self.play_on(),
                    (None, _) => return Ok(()),
                },
                _ = tick.tick() => {
                    let quit = self.look();
                    if quit || end.is_some_and(|end| Instant::now() >= end) || self.demo_is_over()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Nobody writes to standard input any more.
    fn play_on(&mut self) {
        self.lines = None;
        lock(&self.control).gone(Client::of(Origin::Lines));
        self.voice.event("stdin-over", json!({}), "  lines  over; it plays on");
    }

    /// What is done every few milliseconds; true where a client asked for the end.
    fn look(&mut self) -> bool {
        self.recordings.look(&self.control, &self.voice);
        let mut control = lock(&self.control);
        self.devices.look(&mut control);
        #[cfg(feature = "link")]
        self.link.look(&mut control);
        self.log.iter_mut().for_each(|log| log.look(&mut control));
        let answers = control.tick();
        let notices = control.take_notices();
        let ends = control.take_note_ends();
        let quit = control.quit_asked();
        let others = (control.version() != self.version).then(|| (control.version(), control.files()));
        drop(control);
        if let Some((version, files)) = others {
            (self.version, self.saved) = (version, watch(&files));
        }
        let unsaid = self.voice.take_unsaid();
        if unsaid > 0 {
            lock(&self.control).counts_mut().unread += unsaid;
        }
        let unsent = self.osc.as_ref().map_or(0, |osc| osc.deliver(&answers));
        if unsent > 0 {
            lock(&self.control).counts_mut().unanswered += unsent;
        }
        for (_, message) in answers.iter().filter(|(client, _)| client.origin == Origin::Lines) {
            self.voice.tell(message);
        }
        if let Some(ports) = &self.ports {
            ends.into_iter().for_each(|message| ports.send(message));
        }
        for notice in notices {
            self.voice.event("notice", json!({}), &format!("  {notice}"));
        }
        let as_asked = |event: &HostEvent| self.options.host.host == HostName::Silent && matches!(event, HostEvent::Silent { .. });
        for event in self.host.try_iter().filter(|event| !as_asked(event)) {
            if let (HostEvent::Lost { .. }, Some(ports)) = (&event, &self.ports) {
                ports.server_gone();
            }
            banner::host(&self.voice, &event);
        }
        if self.score.as_ref().is_some_and(Live::is_done) {
            self.score = None;
            self.voice.event("score-done", json!({}), "  score  over");
        }
        quit
    }

    /// Whether the second process has ended, and there is nobody to go on for.
    fn demo_is_over(&mut self) -> Result<bool, Failure> {
        let Some(child) = &mut self.demo else { return Ok(false) };
        match child.try_wait() {
            Ok(None) => Ok(false),
            Ok(Some(status)) if status.success() => {
                self.demo = None;
                let levels = self.levels.to_string();
                self.voice.event("demo-done", json!({}), &format!("  demo   over; heard so far: {levels}"));
                Ok(!has_terminal())
            }
            Ok(Some(status)) => Err(Failure::Machine(format!("the demo's second process failed: {status}"))),
            Err(why) => Err(Failure::machine("the demo's second process is lost", why)),
        }
    }

    /// Reads all files again; a failure of any kind leaves everything as it is.
    fn reload(&mut self, even_unchanged: bool) {
        let mut control = lock(&self.control);
        let reloaded = control.reload(Within::Anywhere, even_unchanged);
        let files: Vec<_> = control.loaded().map(|(_, slot)| (slot.name.clone(), slot.file.clone())).collect();
        drop(control);
        match reloaded {
            Err(mistakes) => {
                let text = drawn(self.options.draw, &mistakes);
                self.voice.event("refused", json!({}), &format!("{}\n  What played before plays on.", text.trim_end()));
            }
            Ok(reloaded) => {
                let text = drawn(self.options.draw, &reloaded.remarks);
                if !text.is_empty() && (reloaded.rack || !reloaded.slots.is_empty()) {
                    self.voice.event("remarks", json!({}), text.trim_end());
                }
                if reloaded.rack {
                    let text = format!("  rack   {} took over", self.source.name());
                    self.voice.event("reloaded-rack", json!({ "slots": reloaded.slots }), &text);
                }
                for slot in reloaded.slots {
                    let file = files.iter().find(|(name, _)| *name == slot).and_then(|(_, file)| file.as_ref());
                    let file = file.map_or_else(|| self.source.name(), |file| file.display().to_string());
                    self.voice.event("reloaded", json!({ "slot": slot }), &format!("  patch  {file} took over as /{slot}"));
                }
            }
        }
    }

    /// Fades out, closes files, and says how loud it was. A second signal ends it at once.
    async fn end(&mut self) {
        if let Some(mut child) = self.demo.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        (self.score, self.conductor) = (None, None);
        self.fade.ask();
        let end = Instant::now() + FOR_END;
        let mut tick = interval(TICK);
        while !self.fade.is_done() && Instant::now() < end {
            tokio::select! {
                asked = self.signals.next() => if asked == Asked::End {
                    std::process::exit(0);
                },
                _ = tick.tick() => {
                    self.look();
                }
            }
        }
        self.ports = None;
        let frames = self.recordings.end(&self.voice);
        // What became of them is told before nobody is listened to any more.
        self.look();
        (self.osc, self.streams) = (None, None);
        // A sound server that hangs may hold this up; a second signal still ends it.
        let audio = self.audio.take();
        let closing = tokio::task::spawn_blocking(move || drop(audio));
        tokio::pin!(closing);
        loop {
            tokio::select! {
                _ = &mut closing => break,
                asked = self.signals.next() => if asked == Asked::End {
                    std::process::exit(0);
                },
            }
        }
        if let Some(log) = &mut self.log {
            log.end(&self.fade, frames, &self.voice);
        }
        let (peak, rms) = (self.levels.peak(), self.levels.rms());
        self.voice.event("ended", json!({ "peak": peak, "rms": rms }), &format!("  heard  {}", self.levels));
        self.voice.finish();
    }
}

/// The next line of standard input, where it is read at all; `None` at its end.
async fn next_line(lines: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// Tells of each time one of these files was saved, until nobody listens any more.
fn watch(files: &[PathBuf]) -> UnboundedReceiver<()> {
    let (to, saved) = unbounded_channel();
    if files.is_empty() {
        return saved;
    }
    match Watch::new(files) {
        Ok(mut watch) => {
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        () = watch.changed() => {
                            if to.send(()).is_err() {
                                return;
                            }
                        }
                        () = to.closed() => return,
                    }
                }
            });
        }
        Err(why) => tracing::warn!("files are not watched: {why}"),
    }
    saved
}

fn read_score(file: &Path, draw: Draw) -> Result<ScoreFile, Failure> {
    let refused = |why: std::io::Error| {
        let text = format!("cannot read {}: {why}", file.display());
        if why.kind() == std::io::ErrorKind::NotFound { Failure::Asked(text) } else { Failure::Machine(text) }
    };
    let bytes = std::fs::read(file).map_err(refused)?;
    ScoreFile::read(file, &bytes).map_err(|wrong| match wrong {
        Wrong::Sentence(text) => Failure::Asked(format!("{}: {text}", file.display())),
        Wrong::Places(text, places) => Failure::Asked(draw(&file.display().to_string(), &text, &places)),
    })
}
