//! Everything that listens for streams: started together, ended together.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::session::{Session, serve};
use super::socket::{Ear, EarError, Place, Socket, clear, knock};
use crate::rt::flows::Flows;

/// Connections at once, those that have not said yet what they want among them.
pub const MOST: usize = 96;
/// How long nobody is let in after that failed: all files of a process may be open.
const PAUSE: Duration = Duration::from_millis(100);

/// Who may connect from another computer.
pub type Allowed = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// What all threads of a server know.
pub struct Shared {
    /// Where sound goes to.
    pub flows: Flows,
    /// The engine's rate [Hz].
    pub rate: u32,
    /// All is over.
    pub stop: AtomicBool,
    sessions: Mutex<Vec<Arc<Session>>>,
    connected: AtomicUsize,
    refused: AtomicU64,
    /// Frames that sessions which have ended threw away.
    lost: AtomicU64,
    full: AtomicU64,
}

impl Shared {
    fn sessions(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a session into the list for as long as what is given lives; `None`: the list is full.
    pub(super) fn enter<'a>(&'a self, session: &'a Arc<Session>) -> Option<Seat<'a>> {
        let mut sessions = self.sessions();
        if sessions.len() >= crate::rt::flows::MOST {
            self.refuse();
            return None;
        }
        sessions.push(Arc::clone(session));
        Some(Seat { shared: self, session })
    }

    /// Counts who was not let in.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Whether all is over.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Relaxed)
    }
}

/// A session's place in the list.
pub(super) struct Seat<'a> {
    shared: &'a Shared,
    session: &'a Arc<Session>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.shared.sessions().retain(|other| !Arc::ptr_eq(other, self.session));
        self.shared.lost.fetch_add(self.session.lost.load(Relaxed), Relaxed);
        self.shared.full.fetch_add(self.session.full.load(Relaxed), Relaxed);
    }
}

/// What others may ask of a server and tell it; a clone is the same.
#[derive(Clone)]
pub struct Desk(Arc<Shared>);

impl Desk {
    /// The sessions that are open. `[control]`
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        self.0.sessions().clone()
    }

    /// Ends the sessions of a name; how many. `[control]`
    pub fn close(&self, name: &str) -> usize {
        self.0.sessions().iter().filter(|session| session.name() == name).inspect(|session| session.close()).count()
    }

    /// Where sound goes to. `[any]`
    pub fn flows(&self) -> &Flows {
        &self.0.flows
    }

    /// Names and numbers: open, refused, frames thrown away, how often somebody had to wait. `[control]`
    pub fn counts(&self) -> [(&'static str, u64); 4] {
        let sessions = self.0.sessions();
        let sum = |of: fn(&Session) -> &AtomicU64| sessions.iter().map(|session| of(session).load(Relaxed)).sum::<u64>();
        [
            ("open", sessions.len() as u64),
            ("refused", self.0.refused.load(Relaxed)),
            ("lost", self.0.lost.load(Relaxed) + sum(|session| &session.lost)),
            ("full", self.0.full.load(Relaxed) + sum(|session| &session.full)),
        ]
    }
}

/// All that listens. Dropping it ends every session.
pub struct Server {
    shared: Arc<Shared>,
    places: Vec<Place>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens at all of these places, for an engine of a rate [Hz]. `[control]`
    ///
    /// # Errors
    /// The first place that cannot be had; then none is.
    pub fn start(places: &[Place], allowed: &Allowed, flows: &Flows, rate: u32) -> Result<Self, EarError> {
        let shared = Arc::new(Shared {
            flows: flows.clone(),
            rate,
            stop: AtomicBool::new(false),
            sessions: Mutex::default(),
            connected: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            full: AtomicU64::new(0),
        });
        let ears = places.iter().map(Ear::open).collect::<Result<Vec<_>, _>>()?;
        let mut server = Self { shared, places: ears.iter().filter_map(Ear::place).collect(), threads: Vec::new() };
        for (ear, place) in ears.into_iter().zip(places) {
            let (shared, allowed) = (Arc::clone(&server.shared), Arc::clone(allowed));
            let thread = thread::Builder::new().name("streams".into()).spawn(move || admit(&ear, &allowed, &shared));
            server.threads.push(thread.map_err(|why| EarError::System(place.clone(), why))?);
        }
        Ok(server)
    }

    /// Where it listens, in the order asked for. `[control]`
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// What others may ask of it. `[control]`
    pub fn desk(&self) -> Desk {
        Desk(Arc::clone(&self.shared))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        self.places.iter().for_each(knock);
        for thread in self.threads.drain(..) {
            // A thread that failed has nothing left to say.
            let _ = thread.join();
        }
        self.places.iter().for_each(clear);
        // Sessions look every few milliseconds.
        for _ in 0..200 {
            if self.shared.connected.load(Relaxed) == 0 {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn admit(ear: &Ear, allowed: &Allowed, shared: &Arc<Shared>) {
    while !shared.is_over() {
        match ear.accept() {
            Ok((socket, from)) if !shared.is_over() => {
                let may = from.is_none_or(|from| from.ip().to_canonical().is_loopback() || allowed(from.ip()));
                let room = shared.connected.load(Relaxed) < MOST;
                if may && room && begin(socket, from, shared) {
                    continue;
                }
                shared.refuse();
            }
            Ok(_) => {}
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// A thread of its own for a connection; whether there is one.
fn begin(socket: Socket, from: Option<SocketAddr>, shared: &Arc<Shared>) -> bool {
    let own = Arc::clone(shared);
    let from = from.map_or_else(|| "unix".to_owned(), |from| from.to_string());
    shared.connected.fetch_add(1, Relaxed);
    let thread = thread::Builder::new().name("stream".into()).spawn(move || {
        let _leave = Leave(&own.connected);
        serve(socket, from, &own);
    });
    if thread.is_err() {
        shared.connected.fetch_sub(1, Relaxed);
    }
    thread.is_ok()
}

/// One connection less, however its thread ends.
struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
